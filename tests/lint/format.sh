#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The code looks as .clang-format says. Other versions than the one below lay
# some lines out differently, so that only this one is asked.
set -u
wanted=14
: "${top_srcdir:=.}" "${CLANG_FORMAT:=clang-format-$wanted}"

has=$("$CLANG_FORMAT" --version 2>/dev/null |
    sed -n 's/.*version \([0-9]*\)\..*/\1/p')
if [ "${has:-none}" != "$wanted" ]; then
	echo "clang-format $wanted is needed, not ${has:-none}:" \
	    "install clang-format-$wanted"
	exit 77
fi
cd "$top_srcdir" || exit 1
files=$(find src tests -name '*.[ch]' | sort)
bad=0
for file in $files; do
	# The first line that would change, for an editor to jump to.
	line=$("$CLANG_FORMAT" --style=file "$file" | diff "$file" - |
	    sed -n '1s/[^0-9].*//p')
	[ -n "$line" ] || continue
	echo "$file:$line: not formatted: run make format"
	bad=$((bad + 1))
done
echo "$(echo "$files" | wc -l) files, $bad to be formatted"
[ "$bad" -eq 0 ]
