#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The manual says of each option, stage, measure and counter what the tables of
# the programs say, every command has its place in ringtally(1), and the
# configurations that are shown would be taken.
set -u
: "${top_srcdir:=.}" "${top_builddir:=.}"

now=$(mktemp) || exit 1
trap 'rm -f "$now"' EXIT
bad=0
complain() {
	echo "$*"
	bad=1
}

cd "$top_srcdir" || exit 1
# not what is made of X.in, in a build within the tree
pages=$(grep -l 'begin generated' man/*.[1-8].in man/*.7)
for page in $pages; do
	"$top_builddir/tests/tool/doc-tables" <"$page" >"$now" ||
	    complain "$page: doc-tables failed"
	diff -u "$page" "$now" ||
	    complain "$page is behind the tables: run make update-docs"
done

# A table without a section would be missed by nobody.
sections=$("$top_builddir/tests/tool/doc-tables" -l) || complain "no sections"
IFS='
'
for section in $sections; do
	grep -q "begin generated $section\$" man/*.[1-8].in man/*.7 ||
	    complain "no page has the section \"$section\""
done
unset IFS

sed -n 's/^    &command_\([a-z]*\),$/\1/p' src/cli/command.c >"$now"
[ -s "$now" ] || complain "no commands found in src/cli/command.c"
while read -r command; do
	grep -q "^\\.Ss $command\$" man/ringtally.1.in ||
	    complain "ringtally(1) says nothing of $command"
done <"$now"

sed -n '/^\.Bd/,/^\.Ed/p' man/ringtally.conf.5.in | grep -v '^\.' >"$now"
"$top_builddir/tests/tool/doc-tables" -t "$now" ||
    complain "ringtally.conf(5): its example would be refused"
"$top_builddir/tests/tool/doc-tables" -t etc/ringtally.conf ||
    complain "etc/ringtally.conf would be refused"
for example in etc/examples/*.conf; do
	[ -e "$example" ] || continue
	"$top_builddir/tests/tool/doc-tables" -t "$example" ||
	    complain "$example would be refused"
done
# Feeds that ringtally-feeds(7) shows: one to a file, whole lists and parts.
feeds=$(mktemp -d) || exit 1
awk -v dir="$feeds" '
	/^\.Bd/ { block = ""; next }
	/^\.Ed/ {
		if (block ~ /transport = /) {
			sub(/^[^{f]*feeds = \(/, "", block)
			sub(/ *\); *\n.*$/, "\n", block)
			print "site = \"s\"; timezone = \"UTC\";" \
			    "database = { conninfo = \"\"; };" \
			    "live = { listen = \"127.0.0.1:8085\"; };" \
			    "feeds = (" block ");" >(dir "/" NR)
		}
		next
	}
	{ gsub(/\\e/, "\\"); block = block $0 "\n" }
' man/ringtally-feeds.7
shown=0
for feed in "$feeds"/*; do
	shown=$((shown + 1))
	"$top_builddir/tests/tool/doc-tables" -t "$feed" ||
	    complain "ringtally-feeds(7), before line ${feed##*/}: refused"
done
[ "$shown" -gt 10 ] || complain "ringtally-feeds(7) shows $shown feeds"
rm -rf "$feeds"
# with all that is commented out: a "#" without a space behind it
sed 's/^\([[:space:]]*\)#\([^ ]\)/\1\2/' etc/ringtally.conf >"$now"
"$top_builddir/tests/tool/doc-tables" -t "$now" ||
    complain "etc/ringtally.conf, all of it, would be refused"

[ "$bad" -eq 0 ] && echo "$(echo "$pages" | wc -w) pages agree with the tables"
exit $bad
