#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The daemon takes every configuration of etc/examples, each is in a release,
# and each format and transport has one, and a section of ringtally-feeds(7).
set -u
: "${top_srcdir:=.}" "${top_builddir:=.}"

bad=0 seen=0
complain() {
	echo "$*"
	bad=1
}

for example in "$top_srcdir"/etc/examples/*; do
	name=etc/examples/${example##*/}
	seen=$((seen + 1))
	"$top_builddir/src/ringtallyd" -t -c "$example" >/dev/null ||
	    complain "$name would be refused"
	grep -qF "	$name" "$top_srcdir/Makefile.am" ||
	    complain "$name does not stand in Makefile.am"
done

# "FORMAT(asterisk_ami)" is "asterisk-ami" to users
of_table() {
	sed -n 's/^[A-Z]*(\([a-z0-9_]*\))$/\1/p' "$top_srcdir/$1" | tr _ -
}
# $1: format or transport, $2: its table
ask_for() {
	for name in $(of_table "$2"); do
		grep -q "$1 = \"$name\"" "$top_srcdir"/etc/examples/* ||
		    complain "no example of the $1 $name"
		grep -q "^\.Ss .*$name" "$top_srcdir/man/ringtally-feeds.7" ||
		    complain "ringtally-feeds(7) has no section on $name"
	done
}
ask_for format src/format/formats.def
ask_for transport src/feed/transports.def

echo "$seen examples"
[ "$seen" -gt 0 ] || bad=1
exit $bad
