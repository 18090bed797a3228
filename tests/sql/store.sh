#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# tests/sql/test-store on a private server.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
program=${top_builddir:-$here/../..}/tests/sql/test-store
if [ ! -x "$program" ]; then
	echo "test-store was not built: no cmocka" >&2
	exit 77
fi
RT_SQL=$(cd "$here/../../sql" && pwd)
export RT_SQL
exec "$here/with-server" "$program"
