#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The daemon takes every configuration of etc/examples, each is in a release,
# and each format and transport has one.
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
for name in $(of_table src/format/formats.def); do
	grep -q "format = \"$name\"" "$top_srcdir"/etc/examples/* ||
	    complain "no example of the format $name"
done
for name in $(of_table src/feed/transports.def); do
	grep -q "transport = \"$name\"" "$top_srcdir"/etc/examples/* ||
	    complain "no example of the transport $name"
done

echo "$seen examples"
[ "$seen" -gt 0 ] || bad=1
exit $bad
