#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The manual pages are good mdoc, and every page that one names is there.
set -u
: "${top_srcdir:=.}"

command -v mandoc >/dev/null || {
	echo "no mandoc: install mandoc"
	exit 77
}
cd "$top_srcdir/man" || exit 1
says=$(mktemp) || exit 1
trap 'rm -f "$says"' EXIT
bad=0 seen=0
for page in *.[1-8] *.[1-8].in; do
	[ -e "$page" ] || continue
	seen=$((seen + 1))
	# Whether the pages that it names are installed here is of no matter:
	# ours are looked for below, others are the system's.
	mandoc -T lint -W style "$page" 2>/dev/null |
	    grep -v 'referenced manual not found' >"$says"
	sed -n 's/^\.Xr \(ringtally[a-z.-]*\) \([1-8]\).*/\1.\2/p' "$page" |
	    sort -u | while read -r name; do
		[ -e "$name" ] || [ -e "$name.in" ] ||
		    echo "$page: .Xr names $name, which is not there"
	done >>"$says"
	[ -s "$says" ] || continue
	sed 's/^mandoc: //; s/^/man\//' "$says"
	bad=$((bad + 1))
done
echo "$seen pages, $bad of them with complaints"
[ "$seen" -gt 0 ] && [ "$bad" -eq 0 ]
