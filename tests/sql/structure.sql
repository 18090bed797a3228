-- SPDX-License-Identifier: BSD-2-Clause
-- The shape of the schema: keys, comments, owners.
BEGIN;
SELECT no_plan();

SELECT is_empty($$
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = 'ringtally'::regnamespace
      AND c.relkind IN ('r', 'p', 'v', 'i', 'I')
      AND NOT c.relispartition AND c.relname !~ '_pkey$'
      AND obj_description(c.oid, 'pg_class') IS NULL $$,
    'every table, view and index has a comment');
SELECT is_empty($$
    SELECT c.relname, a.attname FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
     AND NOT a.attisdropped
    WHERE c.relnamespace = 'ringtally'::regnamespace
      AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
      AND col_description(c.oid, a.attnum) IS NULL $$,
    'every column of every table and view has a comment');
SELECT is_empty($$
    SELECT p.proname FROM pg_proc p
    WHERE p.pronamespace = 'ringtally'::regnamespace
      AND obj_description(p.oid, 'pg_proc') IS NULL $$,
    'every function has a comment');
SELECT is_empty($$
    SELECT t.typname FROM pg_type t
    WHERE t.typnamespace = 'ringtally'::regnamespace AND t.typtype = 'e'
      AND obj_description(t.oid, 'pg_type') IS NULL $$,
    'every type has a comment');
SELECT is_empty($$
    SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
    WHERE c.relnamespace = 'ringtally'::regnamespace AND i.indisunique
      AND a.attname <> 'site' AND c.relname <> 'schema_version' $$,
    'every unique key begins with the site');
SELECT is_empty($$
    SELECT c.relname, pg_get_userbyid(c.relowner) FROM pg_class c
    WHERE c.relnamespace = 'ringtally'::regnamespace
      AND c.relowner <> 'ringtally_owner'::regrole
    UNION ALL
    SELECT p.proname, pg_get_userbyid(p.proowner) FROM pg_proc p
    WHERE p.pronamespace = 'ringtally'::regnamespace
      AND p.proowner <> 'ringtally_owner'::regrole $$,
    'ringtally_owner owns all of it');
SELECT is_empty($$
    SELECT a.attname FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
     AND a.attnum = ANY (i.indkey)
    JOIN pg_type t ON t.oid = a.atttypid AND t.typname = 'text'
    WHERE c.relnamespace = 'ringtally'::regnamespace
      AND a.attcollation <> '"C"'::regcollation $$,
    'names in keys compare by their bytes');
-- any index on a column that an update changes would end HOT updates
SELECT is_empty($$
    SELECT c.relname, a.attname FROM pg_index i
    JOIN pg_class c ON c.oid = i.indrelid
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
    WHERE c.relnamespace = 'ringtally'::regnamespace
      AND c.relname IN ('queue_tally', 'agent_tally', 'feed',
	  'feed_interval', 'open_visit', 'queue_live_state', 'writer')
      AND a.attname NOT IN ('site', 'switch', 'queue', 'agent', 'feed',
	  'starts_at', 'call_id', 'visit_no') $$,
    'no index stands on a column that changes');
SELECT columns_are('ringtally', 'queue_interval', ARRAY['switch', 'queue',
    'service', 'starts_at', 'offered', 'answered', 'answered_15',
    'answered_20', 'abandoned', 'abandoned_short', 'timed_out', 'exited_key',
    'exited_empty', 'withdrawn', 'refused', 'lost', 'waiting',
    'wait_answered_ms', 'wait_abandoned_ms', 'max_wait_ms', 'talk_ms',
    'hold_ms', 'wrap_up_ms', 'transferred', 'ring_no_answer',
    'wait_answered_hist', 'wait_abandoned_hist', 'site', 'caller_known',
    'repeated', 'misrouted', 'abandoned_known', 'called_back', 'talk_unknown']);
SELECT columns_are('ringtally', 'agent_interval', ARRAY['switch', 'agent',
    'queue', 'starts_at', 'handled', 'ring_no_answer', 'talk_ms', 'hold_ms',
    'wrap_up_ms', 'login_ms', 'pause_ms', 'site', 'talk_unknown']);
SELECT results_eq($$ SELECT count(*)::int, max(version)
    FROM ringtally.schema_version $$, $$ VALUES (0, NULL::int) $$,
    'the migrations do not record themselves');

SELECT * FROM finish();
ROLLBACK;
