-- SPDX-License-Identifier: BSD-2-Clause
-- Exactly who may do what.
BEGIN;
SELECT no_plan();

SELECT table_privs_are('ringtally', t, 'ringtally_writer',
    ARRAY['SELECT', 'INSERT', 'UPDATE'], 'writer: ' || t)
FROM unnest(ARRAY['queue_tally', 'agent_tally', 'feed', 'feed_interval',
    'feed_event', 'feed_file', 'writer', 'site', 'queue', 'agent', 'service'])
    AS t;
SELECT table_privs_are('ringtally', t, 'ringtally_writer',
    ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'], 'writer: ' || t)
FROM unnest(ARRAY['open_visit', 'agent_session', 'queue_live_state',
    'contact_sheet']) AS t;
SELECT table_privs_are('ringtally', t, 'ringtally_writer',
    ARRAY['INSERT'], 'writer: ' || t)
FROM unnest(ARRAY['visit', 'agent_span']) AS t;
SELECT table_privs_are('ringtally', 'schema_version', r, ARRAY['SELECT'],
    r || ': schema_version')
FROM unnest(ARRAY['ringtally_writer', 'ringtally_reader']) AS r;
SELECT table_privs_are('ringtally', t, 'ringtally_reader', ARRAY['SELECT'],
    'reader: ' || t)
FROM unnest(ARRAY['queue_interval', 'agent_interval', 'visits',
    'service_level', 'service_level_hour', 'service_level_day', 'queue_tally',
    'agent_tally', 'agent_span', 'agent_running', 'feed', 'feed_interval',
    'feed_event', 'feed_file', 'writer', 'site', 'queue', 'agent', 'service',
    'queue_live', 'contact_each', 'contact_unknown', 'contact_sample',
    'contact_recount', 'contact_said', 'contact_sample_recount',
    'contact_sample_said', 'contact_change', 'contact_channel',
    'contact_category', 'contact_code', 'contact_scope', 'contact_exclusion',
    'contact_sheet', 'contact_setting', 'sampling_period']) AS t;
SELECT table_privs_are('ringtally', 'contact_' || t || p, 'ringtally_reader',
    ARRAY['SELECT'], 'reader: contact_' || t || p)
FROM unnest(ARRAY['', 'category_']) AS t, unnest(ARRAY['interval', 'day',
    'week', 'month', 'quarter', 'year']) AS p;
SELECT table_privs_are('ringtally', t, 'ringtally_reader', '{}',
    'reader: nothing on ' || t)
FROM unnest(ARRAY['visit', 'visit_default', 'open_visit', 'agent_session',
    'queue_live_state', 'contact', 'contact_cell', 'contact_counted',
    'contact_touched']) AS t;
SELECT table_privs_are('ringtally', t, 'ringtally_writer', '{}',
    'writer: contacts by functions alone, not ' || t)
FROM unnest(ARRAY['contact', 'contact_cell', 'contact_counted',
    'contact_touched']) AS t;
SELECT table_privs_are('ringtally', t, 'ringtally_writer', ARRAY['SELECT'],
    'writer: ' || t)
FROM unnest(ARRAY['contact_channel', 'contact_category', 'contact_code',
    'contact_scope', 'contact_exclusion', 'sampling_period',
    'contact_setting', 'contact_said', 'contact_sample_said',
    'contact_change']) AS t;
SELECT schema_privs_are('ringtally', r, ARRAY['USAGE'])
FROM unnest(ARRAY['ringtally_writer', 'ringtally_reader']) AS r;
SELECT is_empty($$
    SELECT p.proname FROM pg_proc p
    WHERE p.pronamespace = 'ringtally'::regnamespace
      AND has_function_privilege('public', p.oid, 'EXECUTE') $$,
    'no function is for everybody');
SELECT is_empty($$
    SELECT p.proname FROM pg_proc p
    WHERE p.pronamespace = 'ringtally'::regnamespace
      AND has_function_privilege('ringtally_reader', p.oid, 'EXECUTE')
      AND p.provolatile = 'v' $$, 'readers call nothing that writes');
SELECT is_empty($$
    SELECT p.proname FROM pg_proc p
    WHERE p.pronamespace = 'ringtally'::regnamespace AND p.prosecdef
      AND NOT coalesce(p.proconfig, '{}') @>
	  ARRAY['search_path=pg_catalog, pg_temp'] $$,
    'functions with the owner''s rights have a fixed search_path');

SET ROLE ann;
SELECT lives_ok('SELECT * FROM ringtally.service_level_day',
    'an analyst reads the views');
SELECT lives_ok('SELECT * FROM ringtally.visits', 'and the visits');
SELECT lives_ok($$ SELECT * FROM ringtally.inferred_each('s', '-infinity',
    'infinity') $$, 'and which of them belong together');
SELECT lives_ok('SELECT * FROM ringtally.agent_interval', 'and the agents');
SELECT lives_ok('SELECT * FROM ringtally.queue_live',
    'and the present second');
SELECT throws_ok('SELECT caller FROM ringtally.visit', '42501', NULL,
    'but no callers');
SELECT throws_ok('SELECT caller FROM ringtally.open_visit', '42501', NULL);
SELECT throws_ok('DELETE FROM ringtally.queue_tally', '42501');
SELECT throws_ok($$ SELECT ringtally.keep_partitions('s', 1) $$, '42501');
SET ROLE daemon;
SELECT throws_ok('DELETE FROM ringtally.queue_tally', '42501', NULL,
    'the daemon deletes no figures');
SELECT throws_ok('TRUNCATE ringtally.visit', '42501');
SELECT throws_ok('DELETE FROM ringtally.agent_span', '42501');
SELECT throws_ok('SELECT caller FROM ringtally.visit', '42501', NULL,
    'reads no callers back');
SELECT lives_ok($$ SELECT * FROM ringtally.callbacks('s', '{pbx}', now(), 9) $$,
    'but those of who gave up today');
SELECT lives_ok($$ SELECT switch, queue, entered_at, outcome, wait_ms,
    talk_ms, transferred FROM ringtally.visit WHERE site = 's' $$,
    'but what the live views showed');
SELECT throws_ok('CREATE TABLE ringtally.mine (a int)', '42501', NULL,
    'and makes no tables');
SELECT throws_ok('DROP TABLE ringtally.queue_tally', '42501');
SELECT throws_ok($$ SELECT ringtally.visit_month_make(now()) $$, '42501');
SELECT lives_ok($$ SELECT ringtally.keep_partitions('s', 30) $$,
    'but looks after the months');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
