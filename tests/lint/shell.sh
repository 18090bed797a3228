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
# Word splitting wanted: none of our names has a space.
# shellcheck disable=SC2086
[ -n "$scripts" ] && shellcheck -f gcc -S style $scripts
