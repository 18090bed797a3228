#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The unit is valid, and its sandbox scores 2.0 or better.
set -u
: "${top_srcdir:=.}"
threshold=20 # tenths; lower is better

command -v systemd-analyze >/dev/null || {
	echo "no systemd-analyze: install systemd"
	exit 77
}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
# A program that is surely there, as ringtallyd need not be installed.
unit=$dir/ringtallyd.service
sed -e 's|@sbindir@/ringtallyd|/bin/true|' -e 's|@sysconfdir@|/etc|' \
    "$top_srcdir/etc/systemd/ringtallyd.service.in" >"$unit" || exit 1
if grep -n '@[a-z]*@' "$unit"; then
	echo "etc/systemd/ringtallyd.service.in: not replaced by the Makefile"
	exit 1
fi
mkdir "$unit.d"
cp "$top_srcdir/etc/systemd/asterisk.conf" "$unit.d/" || exit 1

says=$(systemd-analyze verify --man=no --recursive-errors=no "$unit" 2>&1) ||
    { echo "$says"; exit 1; }
[ -z "$says" ] || { echo "$says"; exit 1; }
rm -r "$unit.d"
says=$(systemd-analyze security --offline=true --threshold=$threshold \
    "$unit" 2>&1)
status=$?
[ "$status" -eq 0 ] || echo "$says" | grep '✗'
echo "$says" | tail -n 1
exit "$status"
