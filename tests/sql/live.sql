-- SPDX-License-Identifier: BSD-2-Clause
-- queue_live: what its view works out, and the guard of its writer.
BEGIN;
SELECT no_plan();

INSERT INTO ringtally.writer (site, switch, instance, released, renewed_at)
VALUES ('s', 'pbx', 'me', false, now() - interval '2 seconds'),
    ('s', 'old', 'another', false, now());
INSERT INTO ringtally.queue_live_state (site, switch, queue, instance, waiting,
    waiting_since, talking, agents_logged_in, agents_free, agents_talking,
    agents_wrapping_up, agents_paused, today_at, offered, answered, within_s,
    answered_within, abandoned, updated_at)
SELECT 's', sw, queue, 'me', waiting, since, 0, 0, 0, 0, 0, 0, now(), offered,
    5, 20, 5, 1, now() - interval '1 hour'
FROM (VALUES
    ('pbx', 'quiet', 0, NULL, 0),
    ('pbx', 'busy', 2, now() - interval '90 seconds', 6),
    ('pbx', 'ahead', 1, now() + interval '10 seconds', 6),
    ('old', 'busy', 2, now() - interval '2 hours', 6)
) AS v(sw, queue, waiting, since, offered);
SELECT results_eq($$ SELECT switch COLLATE "default",
    queue COLLATE "default", longest_wait_s, sl_offered_pct,
    abandoned_pct, age_s FROM ringtally.queue_live ORDER BY 1 DESC, 2 $$,
    $$ VALUES ('pbx', 'ahead', 0::numeric, 83.3::numeric, 16.7::numeric,
	2.000::numeric),
    ('pbx', 'busy', 90.000, 83.3, 16.7, 2.000),
    ('pbx', 'quiet', NULL, NULL, NULL, 2.000),
    ('old', 'busy', 3615.000, 83.3, 16.7, 3600.000) $$,
    'of another daemon''s row the wait stands still and the age is its own');
SELECT is((SELECT reloptions @> ARRAY['fillfactor=40'] AND relpersistence = 'u'
    FROM pg_class WHERE oid = 'ringtally.queue_live_state'::regclass), true,
    'unlogged, with room for the next version of all rows');

SELECT lives_ok(
    $$ SELECT ringtally.assert_writer('s', '{pbx}', 'me') $$, 'the writer');
SELECT throws_ok(
    $$ SELECT ringtally.assert_writer('s', '{pbx,old}', 'me') $$, 'RT001');
SELECT throws_ok(
    $$ SELECT ringtally.assert_writer('t', '{pbx}', 'me') $$, 'RT001');
SET ROLE daemon;
SELECT lives_ok(
    $$ SELECT ringtally.assert_writer('s', '{pbx}', 'me') $$,
    'the daemon may ask');
RESET ROLE;
SET ROLE ann;
SELECT throws_ok(
    $$ SELECT ringtally.assert_writer('s', '{pbx}', 'me') $$, '42501');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
