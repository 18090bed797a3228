-- SPDX-License-Identifier: BSD-2-Clause
-- The guard: who may write, and that each transaction counts once.
BEGIN;
SELECT no_plan();

CREATE TEMP VIEW w AS SELECT switch COLLATE "default" AS switch, seq, instance, locked, released
    FROM ringtally.writer ORDER BY 1;
CREATE FUNCTION pg_temp.take(instance text, former text DEFAULT NULL,
    switches text[] DEFAULT '{a,b}') RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', CASE WHEN granted THEN 'granted' END,
	CASE WHEN mine THEN 'mine' END, seq, held_by)
    FROM ringtally.take_over('s', switches, instance, former,
	'host of ' || instance, '15 s') $$;
CREATE FUNCTION pg_temp.go(instance text, n bigint,
    switches text[] DEFAULT '{a,b}') RETURNS boolean LANGUAGE sql AS $$
    SELECT ringtally.advance('s', switches, instance, n,
	array_fill(timestamptz '2026-01-01 00:00Z',
	    ARRAY[cardinality(switches)]),
	array_fill(NULL::timestamptz, ARRAY[cardinality(switches)]), false) $$;

SELECT is(pg_temp.take('one'), 'granted 0', 'a new site is free');
SELECT results_eq('SELECT * FROM w', $$ VALUES
    ('a', 0::bigint, 'one', true, false), ('b', 0, 'one', true, false) $$);
SELECT is(pg_temp.take('one'), 'granted mine 0', 'asked again: still ours');
SELECT is(pg_temp.go('one', 1), true, 'the first transaction');
SELECT is(pg_temp.go('one', 2), true, 'the second');
SELECT throws_ok($$ SELECT pg_temp.go('one', 2) $$, 'RT001', NULL,
    'the same number twice');
SELECT throws_ok($$ SELECT pg_temp.go('one', 4) $$, 'RT001', NULL,
    'a number left out');
SELECT throws_ok($$ SELECT pg_temp.go('two', 3) $$, 'RT001', NULL,
    'another instance');
SELECT throws_ok($$ SELECT pg_temp.go('one', 3, '{a,c}') $$, 'RT001', NULL,
    'a switch without a writer');
SELECT results_eq($$ SELECT seq, clock_at FROM ringtally.writer
    WHERE switch = 'a' $$, $$ VALUES (2::bigint,
    timestamptz '2026-01-01 00:00Z') $$, 'number and clock are kept');
SELECT is(pg_temp.take('one'), 'granted mine 2', 'the number of the last one');

-- a writer without its lock is trusted until its lease ends
UPDATE ringtally.writer SET locked = false;
SELECT matches(pg_temp.take('two'), '^2 switch a is written by host of one; '
    'switch b is', 'alive: another one waits, and knows for whom');
SELECT results_eq('SELECT seq, instance FROM w', $$ VALUES
    (2::bigint, 'one'), (2, 'one') $$, 'waiting changes nothing');
SELECT is((SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory'
    AND pid = pg_backend_pid()), 2, 'the locks of before are held');
UPDATE ringtally.writer SET renewed_at = now() - interval '16 s'
    WHERE switch = 'a';
SELECT matches(pg_temp.take('two'), '^2 switch b is written',
    'one switch free, one not');
UPDATE ringtally.writer SET renewed_at = now() - interval '16 s';
SELECT is(pg_temp.take('two'), 'granted 2', 'not renewed: taken over');
SELECT throws_ok($$ SELECT pg_temp.go('one', 3) $$, 'RT001', NULL,
    'who was taken over is fenced');
SELECT is(pg_temp.go('two', 3), true, 'who took over goes on');

-- the lock is free (it is ours already) and was held: the session is dead
SELECT is(pg_temp.take('three'), 'granted 3', 'a dead session: at once');
-- a rewind
SELECT is(pg_temp.take('four', 'three'), 'granted 3', 'a new name of ours');
SELECT throws_ok($$ SELECT pg_temp.go('three', 4) $$, 'RT001', NULL,
    'the former name is fenced');
-- a clean end
UPDATE ringtally.writer SET locked = false;
SELECT is(pg_temp.take('five'), pg_temp.take('six'), 'both wait');
SELECT lives_ok($$ SELECT ringtally.release('s', '{a,b}', 'five') $$,
    'a release by somebody else');
SELECT isnt(pg_temp.take('five'), 'granted 3', 'does nothing');
SELECT ringtally.release('s', '{a,b}', 'four');
SELECT is(pg_temp.take('four'), 'granted mine 3',
    'released, and still known: a lost answer can be cleared up');
SELECT is(pg_temp.take('five'), 'granted 3', 'released: free');
-- another configuration: a switch more
SELECT is(pg_temp.go('five', 4), true, 'go on');
UPDATE ringtally.writer SET released = true;
SELECT is(pg_temp.take('six', NULL, '{a,b,c}'), 'granted 4',
    'a new switch takes the greatest number');
SELECT results_eq('SELECT switch, seq FROM w', $$ VALUES ('a', 4::bigint),
    ('b', 4), ('c', 4) $$);

SELECT * FROM finish();
ROLLBACK;
