#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Our scripts give shellcheck nothing to complain of.
set -u
: "${top_srcdir:=.}"

command -v shellcheck >/dev/null || {
	echo "no shellcheck: install shellcheck"
	exit 77
}
cd "$top_srcdir" || exit 1
scripts=$(find .ci etc quickstart tests -type f -exec \
    grep -lE '^#!/(bin/sh|bin/bash|usr/bin/env bash)' {} + 2>/dev/null |
    sort)
echo "$(echo "$scripts" | wc -l) scripts"
# SC2317 takes what a trap calls for unreachable. Word splitting wanted.
# shellcheck disable=SC2086
[ -n "$scripts" ] && shellcheck -f gcc -S style -e SC2317 $scripts
