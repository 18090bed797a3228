#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# The pgTAP tests of this folder, each in a database of its own made anew, on a
# private server.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
sql=$(cd "$here/../../sql" && pwd)
if [ "${1-}" != --served ]; then
	command -v pg_prove >/dev/null || { echo "no pg_prove here" >&2; exit 77; }
	exec "$here/with-server" "$here/pgtap.sh" --served
fi

psql="psql -X -q -v ON_ERROR_STOP=1"
if [ -z "$($psql -Atc "SELECT 1 FROM pg_available_extensions
    WHERE name = 'pgtap'")" ]; then
	echo "no pgTAP here" >&2
	exit 77
fi
$psql -c "CREATE ROLE ringtally_owner; CREATE ROLE ringtally_writer;
    CREATE ROLE ringtally_reader; CREATE ROLE ann LOGIN;
    CREATE ROLE daemon LOGIN; GRANT ringtally_reader TO ann;
    GRANT ringtally_writer TO daemon"
$psql -c "CREATE DATABASE fresh"
$psql -d fresh -c "CREATE SCHEMA ringtally AUTHORIZATION ringtally_owner;
    COMMENT ON SCHEMA ringtally IS 'for the tests'; CREATE SCHEMA tap;
    CREATE EXTENSION pgtap SCHEMA tap; GRANT USAGE ON SCHEMA tap TO PUBLIC"
for file in "$sql"/[0-9]*.sql; do
	$psql -d fresh -1 -c "SET ROLE ringtally_owner" -f "$file"
done
# the second time must find everything in its place: one file, one test
status=0
for file in "$here"/*.sql; do
	$psql -c "CREATE DATABASE scratch TEMPLATE fresh"
	$psql -c "ALTER DATABASE scratch SET search_path = tap, pg_catalog"
	pg_prove -d scratch "$file" || status=1
	$psql -c "DROP DATABASE scratch"
done
exit "$status"
