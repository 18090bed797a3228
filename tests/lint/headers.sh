#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every header compiles alone, so that the order of includes is free.
set -u
: "${CC:=cc}" "${top_srcdir:=.}" "${top_builddir:=$top_srcdir}"

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
for module in libpq libconfig jansson libevent_core; do
	pkg-config --cflags "$module" 2>/dev/null
done >"$tmp/flags"
bad=0 seen=0
for header in $(cd "$top_srcdir/src" && find . -name '*.h' | sort); do
	header=${header#./}
	seen=$((seen + 1))
	printf '#include "%s"\n#include "%s"\n' "$header" "$header" \
	    >"$tmp/alone.c"
	# Word splitting wanted: CC may be "ccache gcc", flags are many.
	# shellcheck disable=SC2046,SC2086
	$CC -std=gnu11 -fsyntax-only -Wall -Wextra -Werror -DHAVE_CONFIG_H \
	    -DSYSCONFDIR='""' -DLOCALSTATEDIR='""' -DRUNSTATEDIR='""' \
	    -DPKGDATADIR='""' -I"$top_srcdir/src" -I"$top_builddir" \
	    $(cat "$tmp/flags") "$tmp/alone.c" 2>"$tmp/says" && continue
	echo "src/$header:1: does not compile alone: include what it uses"
	cat "$tmp/says"
	bad=$((bad + 1))
done
echo "$seen headers, $bad of them do not compile alone"
[ "$seen" -gt 0 ] && [ "$bad" -eq 0 ]
