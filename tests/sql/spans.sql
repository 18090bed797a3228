-- SPDX-License-Identifier: BSD-2-Clause
-- From logins and pauses by interval to spans: no time is lost, none counts
-- twice when what ran then ends later.
BEGIN;
SELECT no_plan();

SET client_min_messages = warning;
DROP SCHEMA ringtally CASCADE;
CREATE SCHEMA ringtally;
\ir ../../sql/0001_tables.sql
\ir ../../sql/0002_functions.sql
\ir ../../sql/0003_views.sql
\ir ../../sql/0004_rights.sql

INSERT INTO ringtally.site (site, interval_s) VALUES ('s', 900);
INSERT INTO ringtally.writer (site, switch, clock_at, leap_at) VALUES
    ('s', 'x', '2026-07-01 10:20Z', NULL),
    ('s', 'new', '2026-07-01 10:20Z', '2026-07-01 10:20Z');
-- Ann has been logged in since 09:50 and paused since 10:16; Bob went at 09:40
INSERT INTO ringtally.agent_tally (site, switch, agent, queue, starts_at,
    handled, talk_ms, login_ms, pause_ms) VALUES
    ('s', 'x', 'Ann', '', '2026-07-01 09:45Z', 0, 0, 600000, 0),
    ('s', 'x', 'Ann', '', '2026-07-01 10:00Z', 0, 0, 900000, 0),
    ('s', 'x', 'Ann', 'q', '2026-07-01 10:00Z', 3, 5000, 0, 0),
    ('s', 'x', 'Bob', 'q', '2026-07-01 09:30Z', 1, 1000, 599999, 60000);
INSERT INTO ringtally.agent_session (site, switch, agent, queue, login_at,
    pause_at, logoff_at) VALUES
    ('s', 'x', 'Ann', '', '2026-07-01 09:50Z', '2026-07-01 10:16Z', NULL),
    ('s', 'x', 'Bob', '', NULL, NULL, '2026-07-01 09:40Z'),
    ('s', 'new', 'Cy', 'q', '2026-07-01 10:01Z', NULL, NULL);
CREATE TEMPORARY TABLE before AS SELECT * FROM ringtally.agent_interval;

\ir ../../sql/0005_spans.sql

SELECT results_eq($$ SELECT * FROM ringtally.agent_interval
    WHERE starts_at < '2026-07-01 10:15Z' ORDER BY starts_at, agent, queue $$,
    'SELECT * FROM before ORDER BY starts_at, agent, queue',
    'what was booked reads as before');
SELECT results_eq($$ SELECT agent, login_ms, pause_ms
    FROM ringtally.agent_interval WHERE starts_at >= '2026-07-01 10:15Z' $$,
    $$ VALUES ('Ann'::text COLLATE "C", 300000::bigint, 240000::bigint) $$,
    'and what ran since the last border counts');
SELECT results_eq($$ SELECT agent, login_at, pause_at, logoff_at
    FROM ringtally.agent_session ORDER BY agent $$, $$ VALUES
    ('Ann'::text COLLATE "C", timestamptz '2026-07-01 10:15Z',
	timestamptz '2026-07-01 10:16Z', NULL::timestamptz),
    ('Bob', NULL, NULL, '2026-07-01 09:40Z'),
    ('Cy', '2026-07-01 10:01Z', NULL, NULL) $$,
    'a session begins where it was booked up to');
SELECT results_eq($$ SELECT agent, queue, starts_at, handled, talk_ms
    FROM ringtally.agent_tally ORDER BY agent $$, $$ VALUES
    ('Ann'::text COLLATE "C", 'q'::text COLLATE "C",
	timestamptz '2026-07-01 10:00Z', 3::bigint, 5000::bigint),
    ('Bob', 'q', '2026-07-01 09:30Z', 1, 1000) $$,
    'rows of nothing but time are gone');

SELECT * FROM finish();
ROLLBACK;
