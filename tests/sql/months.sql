-- SPDX-License-Identifier: BSD-2-Clause
-- The months of visits.
BEGIN;
SELECT no_plan();
SET timezone = 'Europe/London'; -- must make no difference

CREATE TEMP VIEW parts AS SELECT c.relname::text AS name
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'ringtally.visit'::regclass ORDER BY 1;
CREATE FUNCTION pg_temp.put(at timestamptz, site text DEFAULT 's')
RETURNS text LANGUAGE sql AS $$
    INSERT INTO ringtally.visit (entered_at, file_offset, file_no, visit_no,
	outcome, transferred, site, switch, queue, call_id, feed)
    VALUES (at, 0, 1, 1, 'answered', false, site, 'x', 'q', '1', 'f')
    RETURNING tableoid::regclass::text $$;
CREATE FUNCTION pg_temp.month(n int, fmt text DEFAULT '"visit_"YYYY_MM')
RETURNS text LANGUAGE sql AS $$
    SELECT to_char((now() AT TIME ZONE 'UTC') + make_interval(months => n),
	fmt) $$;

INSERT INTO ringtally.site (site, interval_s, keep_visits_days)
VALUES ('s', 900, 100);
SELECT is(pg_temp.put(now()), 'ringtally.visit_default', 'no month yet');
SELECT results_eq($$ SELECT ringtally.keep_partitions('s', 100) $$, $$
    SELECT 'made the month ' || pg_temp.month(n, 'YYYY-MM')
    FROM generate_series(0, 3) AS n $$, 'this month and three more');
SELECT is((SELECT tableoid::regclass::text FROM ringtally.visit),
    'ringtally.' || pg_temp.month(0), 'what waited has moved into its month');
SELECT is_empty($$ SELECT ringtally.keep_partitions('s', 100) $$,
    'the second time there is nothing to do');
SELECT is(obj_description(('ringtally.' || pg_temp.month(0))::regclass),
    'Visits that arrived in ' || pg_temp.month(0, 'FMMonth YYYY') ||
    ' (UTC). Same columns as visit.', 'a month has a comment');

-- borders are those of UTC
SELECT is(ringtally.ensure_visit_month('s', date_trunc('month',
    now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '1 us'), true,
    'the month before');
SELECT is(pg_temp.put(date_trunc('month', now() AT TIME ZONE 'UTC')
    AT TIME ZONE 'UTC' - interval '1 us'), 'ringtally.' || pg_temp.month(-1),
    'the last microsecond of a month');
SELECT is(pg_temp.put(date_trunc('month', now() AT TIME ZONE 'UTC')
    AT TIME ZONE 'UTC'), 'ringtally.' || pg_temp.month(0), 'the first one');
SELECT is(ringtally.ensure_visit_month('s', date_trunc('month',
    now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - interval '1 us'), false,
    'made once');
SELECT is(ringtally.ensure_visit_month('s', now() - interval '200 days'),
    false, 'not kept so long');
SELECT is(ringtally.ensure_visit_month('s', now() + interval '1 year'),
    false, 'not that far ahead');
SELECT is(ringtally.ensure_visit_month('nobody', now()), false,
    'no such site');

-- dropping by age
SELECT is(pg_temp.put('2001-02-03 00:00Z'), 'ringtally.visit_default');
SELECT is(pg_temp.put('infinity'), 'ringtally.visit_default',
    'a time gone wrong stays in the default partition');
SELECT ringtally.visit_month_make(now() - interval '300 days');
SELECT matches((SELECT string_agg(k, '; ' ORDER BY k) FROM
    ringtally.keep_partitions('s', 100) AS k),
    '^deleted 1 visits older than 100 days; dropped the month',
    'old months and old strays go');
SELECT is((SELECT count(*)::int FROM parts), 6, 'the others stay');
INSERT INTO ringtally.site (site, interval_s, keep_visits_days)
VALUES ('long', 900, 4000);
SELECT ringtally.visit_month_make(now() - interval '300 days');
SELECT pg_temp.put(now() - interval '300 days', s)
FROM unnest(ARRAY['s', 'long']) AS s;
SELECT results_eq($$ SELECT ringtally.keep_partitions('s', 100) $$,
    $$ VALUES ('deleted 1 visits of s older than 100 days') $$,
    'a month that another site keeps: only our rows go');
SELECT throws_ok($$ SELECT ringtally.keep_partitions('s', -1) $$, '22023');
SELECT pg_temp.put(t, s)
FROM unnest(ARRAY['s', 'long']) AS s, unnest(ARRAY[now(), 'infinity']) AS t;
SELECT matches((SELECT string_agg(k, '; ') FROM
    ringtally.keep_partitions('s', 0) AS k),
    '^deleted [0-9]+ visits of s, which keeps none$',
    'no visits are kept any more: all of ours go, this month''s too');
SELECT is((SELECT count(*)::int FROM ringtally.visit WHERE site = 's'), 0);
SELECT is((SELECT count(*)::int FROM ringtally.visit WHERE site = 'long'), 3,
    'and those of others stay');
SELECT lives_ok($$ EXPLAIN SELECT * FROM ringtally.visits
    WHERE entered_at >= now() $$);

SELECT * FROM finish();
ROLLBACK;
