-- SPDX-License-Identifier: BSD-2-Clause
-- Histograms, shares and the views, against figures worked out by hand.
BEGIN;
SELECT no_plan();

-- histograms
SELECT is(ringtally.answered_within('[5:7]={1,2,3}', 6), 3::bigint,
    'within: bins up to the second');
SELECT is(ringtally.answered_within('[5:7]={1,2,3}', 4), 0::bigint,
    'within: below all bins');
SELECT is(ringtally.answered_within('[5:7]={1,2,3}', 7201), 6::bigint,
    'within: above all bins');
SELECT is(ringtally.answered_within('[7200:7201]={3,1}', s), e, 'within '||s)
FROM (VALUES (7200, 3::bigint), (7201, NULL), (9999, NULL)) AS t(s, e);
SELECT is(ringtally.answered_within('[7200:7201]={3,0}', 7201), 3::bigint,
    'within: nobody waited longer any more');
SELECT is(ringtally.hist_percentile('[7200:7201]={3,1}', p), e,
    'percentile of more than two hours '||p)
FROM (VALUES (75, 7200), (76, NULL)) AS t(p, e);
SELECT is(ringtally.answered_within('[0:2]={4,NULL,1}', 0), 4::bigint,
    'within 0: those that did not wait; NULL is 0');
SELECT is(ringtally.answered_within(NULL, 20), 0::bigint,
    'within: no histogram is an empty one');
SELECT is(ringtally.hist_add('[2:3]={1,1}', '[5:5]={2}'),
    '[2:5]={1,1,NULL,2}'::int[], 'add: above the bounds');
SELECT is(ringtally.hist_add('[2:3]={1,1}', '[0:2]={2,0,5}'),
    '[0:3]={2,NULL,6,1}'::int[], 'add: below the bounds');
SELECT is(ringtally.hist_add('[2:3]={1,1}', '[3:3]={-1}'),
    '[2:3]={1,0}'::int[], 'add: what is taken back');
SELECT is(ringtally.hist_add(NULL, '[3:3]={1}'), '[3:3]={1}'::int[],
    'add: to nothing');
SELECT is(ringtally.hist_add('[3:3]={1}', NULL), '[3:3]={1}'::int[],
    'add: nothing');
SELECT is((SELECT ringtally.hist_sum(h) FROM (VALUES ('[1:1]={1}'::int[]),
    (NULL), ('[3:4]={1,2}')) AS t(h)), '[1:4]={1,NULL,1,2}'::int[], 'sum');
SELECT is(ringtally.hist_total('[3:5]={1,NULL,2}'), 3::bigint, 'total');
SELECT is(ringtally.hist_percentile('[1:4]={1,1,1,1}', p), e, 'percentile '||p)
FROM (VALUES (25, 1), (50, 2), (51, 3), (75, 3), (99, 4), (100, 4)) AS t(p, e);
SELECT is(ringtally.hist_percentile('{}', 50), NULL, 'percentile of nothing');
SELECT is(ringtally.pct(1, 3), 33.3, 'a share');
SELECT is(ringtally.pct(0, 0), NULL, 'a share of nothing is NULL');

-- two quarter-hours of one queue, one of them in another local day
INSERT INTO ringtally.site (site, timezone, interval_s)
VALUES ('s', 'Europe/London', 900);
INSERT INTO ringtally.queue (site, switch, queue, service)
VALUES ('s', 'x', 'q', 'Council Tax');
INSERT INTO ringtally.queue_tally (site, switch, queue, starts_at, offered,
    answered, abandoned, abandoned_short, timed_out, lost, wait_answered_ms,
    max_wait_ms, talk_ms, hold_ms, wrap_up_ms, wait_answered_hist,
    wait_abandoned_hist)
VALUES ('s', 'x', 'q', '2026-07-01 22:45Z', 10, 6, 2, 1, 1, 0, 90000, 31500,
    600000, 30000, 30000, '[15:21]={2,1,0,0,0,1,2}', '[3:18]={1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1}'),
    ('s', 'x', 'q', '2026-07-01 23:00Z', 4, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    '[0:0]={4}', NULL),
    ('s', 'x', 'q', '2026-07-01 23:15Z', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    NULL, NULL);
SELECT results_eq($$ SELECT queue, service, offered, answered_15, answered_20,
    waiting FROM ringtally.queue_interval ORDER BY starts_at $$,
    $$ VALUES ('q'::text COLLATE "C", 'Council Tax'::text COLLATE "C",
	10::bigint, 2::bigint, 4::bigint, 1::bigint),
    ('q', 'Council Tax', 4, 4, 4, 0), ('q', 'Council Tax', 0, 0, 0, 0) $$,
    'queue_interval: service, thresholds, waiting');
SELECT results_eq($$ SELECT sl_15_offered_pct, sl_15_answered_pct,
    sl_15_excl_short_pct, sl_15_excl_within_pct, sl_15_incl_within_pct,
    sl_20_offered_pct, sl_20_answered_pct, sl_20_excl_short_pct,
    sl_20_excl_within_pct, sl_20_incl_within_pct, abandoned_pct,
    abandoned_excl_short_pct, asa_s, aht_s, p50_wait_s, p90_wait_s,
    p95_wait_s, p99_wait_s, max_wait_s
    FROM ringtally.service_level WHERE starts_at = '2026-07-01 22:45Z' $$,
    $$ VALUES (20.0, 33.3, 22.2, 22.2, 30.0, 40.0, 66.7, 44.4, 50.0, 60.0,
    20.0, 11.1, 15.0, 110.0, 16, 21, 21, 21, 31.5) $$,
    'service_level: every formula');
SELECT results_eq($$ SELECT sl_15_offered_pct, sl_20_answered_pct,
    abandoned_pct, asa_s, aht_s, p50_wait_s FROM ringtally.service_level
    WHERE starts_at = '2026-07-01 23:15Z' $$,
    $$ VALUES (NULL::numeric, NULL::numeric, NULL::numeric, NULL::numeric,
    NULL::numeric, NULL::int) $$, 'service_level: NULL where nothing was');
SELECT results_eq($$ SELECT starts_at, offered, answered_20
    FROM ringtally.service_level_hour ORDER BY 1 $$,
    $$ VALUES (timestamptz '2026-07-01 22:00Z', 10::bigint, 4::bigint),
    ('2026-07-01 23:00Z', 4, 4) $$, 'service_level_hour');
SELECT results_eq($$ SELECT day, offered, sl_20_offered_pct
    FROM ringtally.service_level_day ORDER BY 1 $$,
    $$ VALUES (date '2026-07-01', 10::bigint, 40.0), ('2026-07-02', 4, 100.0)
    $$, 'service_level_day: local days in summer');

-- What nobody told is NULL: neither waits nor talks; then one of two talks.
INSERT INTO ringtally.queue_tally (site, switch, queue, starts_at, offered,
    answered, abandoned, talk_ms, wait_answered_hist, wait_abandoned_hist,
    talk_unknown)
VALUES ('s', 'x', 'cdr', '2026-07-03 10:00Z', 3, 2, 1, 0, NULL, NULL, 2),
    ('s', 'x', 'cdr', '2026-07-03 10:15Z', 2, 2, 0, 40000, '[3:3]={2}', NULL,
    1);
PREPARE unknown AS SELECT answered, talk_unknown, asa_s, aht_s, abandoned_short,
    max_wait_s FROM ringtally.service_level WHERE queue = 'cdr'
    ORDER BY starts_at;
SELECT results_eq('unknown', $$ VALUES (2::bigint, 2::bigint, NULL::numeric,
    NULL::numeric, NULL::bigint, NULL::numeric), (2, 1, 0.0, 40.0, 0, 0.0) $$,
    'service_level: NULL what is not known');
SELECT results_eq($$ SELECT answered, talk_unknown, asa_s, aht_s,
    abandoned_short, max_wait_s FROM ringtally.service_level_day
    WHERE queue = 'cdr' $$, $$ VALUES (4::bigint, 3::bigint, NULL::numeric,
    40.0, NULL::bigint, NULL::numeric) $$,
    'service_level_day: the average of the talks that are known');

-- the day on which clocks go back has 25 hours
INSERT INTO ringtally.queue_tally (site, switch, queue, starts_at, offered)
SELECT 's', 'x', 'long', t, 1 FROM generate_series(
    timestamptz '2026-10-24 23:00Z', '2026-10-25 23:45Z', '15 min') AS t;
SELECT results_eq($$ SELECT day, offered FROM ringtally.service_level_day
    WHERE queue = 'long' $$, $$ VALUES (date '2026-10-25', 100::bigint) $$,
    'service_level_day: 100 quarter-hours in October');
INSERT INTO ringtally.agent_tally (site, switch, agent, queue, starts_at,
    handled) VALUES ('s', 'x', 'Ann', '', '2026-07-01 22:45Z', 5);
SELECT results_eq($$ SELECT queue, handled FROM ringtally.agent_interval $$,
    $$ VALUES (NULL::text COLLATE "C", 5::bigint) $$,
    'agent_interval: the agent as a whole has no queue');

-- agents' spans, cut into intervals
PREPARE cells(text) AS SELECT to_char(starts_at AT TIME ZONE 'UTC',
    'DD HH24:MI'), handled::int, login_ms::int, pause_ms::int
FROM ringtally.agent_interval WHERE agent = $1 ORDER BY starts_at;
SELECT is_empty($$ EXECUTE cells('Bob') $$, 'agent_interval: no spans');
INSERT INTO ringtally.agent_tally (site, switch, agent, queue, starts_at,
    handled) VALUES ('s', 'x', 'Bob', 'q', '2026-07-01 09:15Z', 2),
    ('s', 'x', 'Bob', 'q', '2026-07-01 10:00Z', 1);
INSERT INTO ringtally.agent_span (site, switch, agent, queue, kind, from_at,
    to_at) VALUES
    ('s', 'x', 'Bob', 'q', 'login', '2026-07-01 09:10:00.0006Z',
	'2026-07-01 09:30Z'),
    ('s', 'x', 'Bob', 'q', 'login', '2026-07-01 09:30Z',
	'2026-07-01 09:30:00.0019Z'),
    ('s', 'x', 'Bob', 'q', 'pause', '2026-07-01 09:16Z',
	'2026-07-01 09:17Z');
SELECT results_eq($$ EXECUTE cells('Bob') $$, $$ VALUES
    ('01 09:00', 0, 300000, 0), ('01 09:15', 2, 900000, 60000),
    ('01 09:30', 0, 1, 0), ('01 10:00', 1, 0, 0) $$,
    'agent_interval: cut at borders, whole milliseconds, with the figures');
INSERT INTO ringtally.agent_span (site, switch, agent, queue, kind, from_at,
    to_at) VALUES
    ('s', 'x', 'Half', '', 'login', '2026-07-01 00:00Z', '2026-07-01 12:00Z'),
    ('s', 'x', 'Long', '', 'login', '2026-06-01 00:00Z', '2026-07-01 12:01Z'),
    ('s', 'y', 'Long', '', 'pause', '2026-07-01 11:59Z', '2026-07-03 12:00Z');
SELECT results_eq($$ SELECT agent, switch, count(*)::int,
    sum(login_ms)::bigint, sum(pause_ms)::bigint
    FROM ringtally.agent_interval WHERE agent IN ('Half', 'Long')
    GROUP BY 1, 2 ORDER BY 1, 2 $$, $$ VALUES
    ('Half'::text COLLATE "C", 'x'::text COLLATE "C", 48, 43200000::bigint,
	0::bigint),
    ('Long', 'x', 30 * 96 + 49, 2635260000, 0),
    ('Long', 'y', 2 * 96 + 1, 0, 172860000) $$,
    'agent_interval: spans of half a day, and of any length');
SELECT results_eq($$ SELECT agent, login_ms FROM ringtally.agent_interval
    WHERE starts_at = '2026-07-01 11:45Z' AND switch = 'x' ORDER BY agent $$,
    $$ VALUES ('Half'::text COLLATE "C", 900000::bigint), ('Long', 900000) $$,
    'agent_interval: one interval of long spans');
INSERT INTO ringtally.site (site, interval_s) VALUES ('hours', 3600);
INSERT INTO ringtally.agent_span (site, switch, agent, queue, kind, from_at,
    to_at) SELECT 'hours', switch, 'Bob', 'hours', kind, from_at, to_at
FROM ringtally.agent_span WHERE agent = 'Bob';
SELECT results_eq($$ SELECT starts_at, login_ms, pause_ms
    FROM ringtally.agent_interval WHERE site = 'hours' $$,
    $$ VALUES (timestamptz '2026-07-01 09:00Z', 1200001::bigint,
	60000::bigint) $$, 'agent_interval: a site''s own intervals');

-- what runs counts up to the clock
INSERT INTO ringtally.writer (site, switch, clock_at)
VALUES ('s', 'run', '2026-07-04 10:20Z');
INSERT INTO ringtally.agent_session (site, switch, agent, queue, login_at,
    pause_at, logoff_at) VALUES
    ('s', 'run', 'Run', '', '2026-07-04 10:10Z', '2026-07-04 10:16Z', NULL),
    ('s', 'run', 'Run', 'q', NULL, NULL, '2026-07-04 10:00Z'),
    ('s', 'run', 'Run', 'ahead', '2026-07-04 10:21Z', NULL, NULL);
SELECT results_eq($$ EXECUTE cells('Run') $$, $$ VALUES
    ('04 10:00', 0, 300000, 0), ('04 10:15', 0, 300000, 240000) $$,
    'agent_interval: what runs counts up to the clock');
SELECT results_eq($$ SELECT agent, kind, to_at - from_at
    FROM ringtally.agent_running ORDER BY kind $$,
    $$ VALUES ('Run'::text COLLATE "C", 'login'::ringtally.span_kind,
	interval '10 minutes'), ('Run', 'pause', '4 minutes') $$,
    'agent_running');
UPDATE ringtally.writer SET leap_at = '2026-07-09 10:20Z'
WHERE switch = 'run';
SELECT results_eq($$ EXECUTE cells('Run') $$, $$ VALUES
    ('04 10:00', 0, 300000, 0), ('04 10:15', 0, 300000, 240000) $$,
    'agent_interval: a leap does not move the clock');
UPDATE ringtally.writer SET leap_at = clock_at WHERE switch = 'run';
SELECT is_empty($$ EXECUTE cells('Run') $$,
    'agent_interval: a first clock counts when it is confirmed');
SELECT throws_ok($$ INSERT INTO ringtally.site (site, timezone, interval_s)
    VALUES ('t', 'Europe/Halton', 900) $$, '22023', NULL,
    'a time zone that is none is refused');

SELECT * FROM finish();
ROLLBACK;
