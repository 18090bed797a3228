-- SPDX-License-Identifier: BSD-2-Clause
-- The views for people. A formula stands in the comment of its column.

CREATE VIEW ringtally.queue_interval AS
SELECT t.switch, t.queue, q.service, t.starts_at, t.offered, t.answered,
    (SELECT coalesce(sum(n), 0) FROM unnest(t.wait_answered_hist[:15]) AS n)
	AS answered_15,
    (SELECT coalesce(sum(n), 0) FROM unnest(t.wait_answered_hist[:20]) AS n)
	AS answered_20,
    t.abandoned, t.abandoned_short, t.timed_out, t.exited_key, t.exited_empty,
    t.withdrawn, t.refused, t.lost,
    t.offered - t.answered - t.abandoned - t.timed_out - t.exited_key
	- t.exited_empty - t.withdrawn - t.refused - t.lost AS waiting,
    t.wait_answered_ms, t.wait_abandoned_ms, t.max_wait_ms, t.talk_ms,
    t.hold_ms, t.wrap_up_ms, t.transferred, t.ring_no_answer,
    t.wait_answered_hist, t.wait_abandoned_hist, t.site
FROM ringtally.queue_tally AS t
LEFT JOIN ringtally.queue AS q USING (site, switch, queue);
COMMENT ON VIEW ringtally.queue_interval IS
    'What was counted of each queue, by interval of arrival: all outcomes and sums of a visit stand in the interval in which it arrived. In every row offered = answered + abandoned + timed_out + exited_key + exited_empty + withdrawn + refused + lost + waiting. Never add visits across queues and call them calls.';

CREATE VIEW ringtally.agent_interval AS
SELECT t.switch, t.agent, nullif(t.queue, '') AS queue, t.starts_at, t.handled,
    t.ring_no_answer, t.talk_ms, t.hold_ms, t.wrap_up_ms, t.login_ms,
    t.pause_ms, t.site
FROM ringtally.agent_tally AS t;
COMMENT ON VIEW ringtally.agent_interval IS
    'What agents did, by the interval in which they did it. A row without a queue is of the agent as a whole (logins and pauses that name no queue).';

CREATE VIEW ringtally.visits AS
SELECT v.switch, v.queue, v.call_id, v.visit_no, v.entered_at, v.outcome,
    v.wait_ms, v.answered_at, v.ended_at, v.talk_ms, v.agent, v.transferred,
    v.reason, v.feed, v.file_no, v.file_offset, v.site
FROM ringtally.visit AS v;
COMMENT ON VIEW ringtally.visits IS
    'Every visit that ended, without the caller: the evidence behind the figures. The visits of an interval are those whose entered_at falls into it.';

-- The rates, in one place for all periods. Inlined by the planner.
CREATE FUNCTION ringtally.rates(offered numeric, answered numeric,
    abandoned numeric, abandoned_short numeric, wait_answered_ms numeric,
    talk_ms numeric, hold_ms numeric, wrap_up_ms numeric,
    wait_answered_hist integer[], wait_abandoned_hist integer[])
RETURNS TABLE (answered_15 bigint, answered_20 bigint,
    sl_15_offered_pct numeric, sl_15_answered_pct numeric,
    sl_15_excl_short_pct numeric, sl_15_excl_within_pct numeric,
    sl_15_incl_within_pct numeric,
    sl_20_offered_pct numeric, sl_20_answered_pct numeric,
    sl_20_excl_short_pct numeric, sl_20_excl_within_pct numeric,
    sl_20_incl_within_pct numeric,
    abandoned_pct numeric, abandoned_excl_short_pct numeric,
    asa_s numeric, aht_s numeric,
    p50_wait_s integer, p90_wait_s integer, p95_wait_s integer,
    p99_wait_s integer)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT a15, a20,
	    ringtally.pct(a15, offered), ringtally.pct(a15, answered),
	    ringtally.pct(a15, offered - abandoned_short),
	    ringtally.pct(a15, offered - b15),
	    ringtally.pct(a15 + b15, offered),
	    ringtally.pct(a20, offered), ringtally.pct(a20, answered),
	    ringtally.pct(a20, offered - abandoned_short),
	    ringtally.pct(a20, offered - b20),
	    ringtally.pct(a20 + b20, offered),
	    ringtally.pct(abandoned, offered),
	    ringtally.pct(abandoned - abandoned_short,
		offered - abandoned_short),
	    round(wait_answered_ms / 1000 / nullif(answered, 0), 1),
	    round((talk_ms + hold_ms + wrap_up_ms) / 1000
		/ nullif(answered, 0), 1),
	    ringtally.hist_percentile(wait_answered_hist, 50),
	    ringtally.hist_percentile(wait_answered_hist, 90),
	    ringtally.hist_percentile(wait_answered_hist, 95),
	    ringtally.hist_percentile(wait_answered_hist, 99)
	FROM (SELECT
	    ringtally.answered_within(wait_answered_hist, 15) AS a15,
	    ringtally.answered_within(wait_answered_hist, 20) AS a20,
	    ringtally.answered_within(wait_abandoned_hist, 15) AS b15,
	    ringtally.answered_within(wait_abandoned_hist, 20) AS b20
	    OFFSET 0) AS within
$$;
COMMENT ON FUNCTION ringtally.rates(numeric, numeric, numeric, numeric,
    numeric, numeric, numeric, numeric, integer[], integer[]) IS
    'All shares and times of the service_level views, from the sums of any period. See the comments of their columns for the formulas.';

CREATE VIEW ringtally.service_level AS
SELECT i.switch, i.queue, i.service, i.starts_at, i.offered, i.answered,
    i.abandoned, i.abandoned_short, i.timed_out, i.exited_key, i.exited_empty,
    i.withdrawn, i.refused, i.lost, i.waiting, r.*,
    round(i.max_wait_ms / 1000.0, 1) AS max_wait_s, i.site
FROM ringtally.queue_interval AS i
CROSS JOIN LATERAL ringtally.rates(i.offered, i.answered, i.abandoned,
    i.abandoned_short, i.wait_answered_ms, i.talk_ms, i.hold_ms,
    i.wrap_up_ms, i.wait_answered_hist, i.wait_abandoned_hist) AS r;
COMMENT ON VIEW ringtally.service_level IS
    'How well callers were served, by queue and interval of arrival. Shares whose whole is nothing are NULL.';

-- The same sums over longer periods: by hour of UTC, and by local day of the
-- site. They differ in nothing but the period.
DO $do$
DECLARE
	period record;
BEGIN
	FOR period IN SELECT * FROM (VALUES
	    ('service_level_hour', 'starts_at',
	    $$date_trunc('hour', i.starts_at, 'UTC')$$,
	    'How well callers were served, by queue and hour of arrival. Shares whose whole is nothing are NULL.'),
	    ('service_level_day', 'day',
	    $$(i.starts_at AT TIME ZONE coalesce(s.timezone, 'UTC'))::date$$,
	    'How well callers were served, by queue and day of arrival: local days of the site''s time zone, so that a day in October has 25 hours and one in March 23. Shares whose whole is nothing are NULL.')
	    ) AS p(view, name, expr, about)
	LOOP
		EXECUTE format($fmt$
CREATE VIEW ringtally.%1$I AS
SELECT i.switch, i.queue, i.service, i.%2$I, i.offered, i.answered,
    i.abandoned, i.abandoned_short, i.timed_out, i.exited_key, i.exited_empty,
    i.withdrawn, i.refused, i.lost, i.waiting, r.*,
    round(i.max_wait_ms / 1000.0, 1) AS max_wait_s, i.site
FROM (SELECT i.site, i.switch, i.queue, i.service, %3$s AS %2$I,
	sum(i.offered)::bigint AS offered,
	sum(i.answered)::bigint AS answered,
	sum(i.abandoned)::bigint AS abandoned,
	sum(i.abandoned_short)::bigint AS abandoned_short,
	sum(i.timed_out)::bigint AS timed_out,
	sum(i.exited_key)::bigint AS exited_key,
	sum(i.exited_empty)::bigint AS exited_empty,
	sum(i.withdrawn)::bigint AS withdrawn,
	sum(i.refused)::bigint AS refused,
	sum(i.lost)::bigint AS lost,
	sum(i.waiting)::bigint AS waiting,
	sum(i.wait_answered_ms)::bigint AS wait_answered_ms,
	sum(i.talk_ms)::bigint AS talk_ms,
	sum(i.hold_ms)::bigint AS hold_ms,
	sum(i.wrap_up_ms)::bigint AS wrap_up_ms,
	max(i.max_wait_ms) AS max_wait_ms,
	ringtally.hist_sum(i.wait_answered_hist) AS wait_answered_hist,
	ringtally.hist_sum(i.wait_abandoned_hist) AS wait_abandoned_hist
    FROM ringtally.queue_interval AS i
    LEFT JOIN ringtally.site AS s USING (site)
    GROUP BY 1, 2, 3, 4, 5) AS i
CROSS JOIN LATERAL ringtally.rates(i.offered, i.answered, i.abandoned,
    i.abandoned_short, i.wait_answered_ms, i.talk_ms, i.hold_ms,
    i.wrap_up_ms, i.wait_answered_hist, i.wait_abandoned_hist) AS r
$fmt$, period.view, period.name, period.expr);
		EXECUTE format('COMMENT ON VIEW ringtally.%I IS %L',
		    period.view, period.about);
	END LOOP;
END
$do$;

-- Comments of the views' columns: those of their own first, then, for a column
-- that only passes through, that of the table behind.
DO $do$
DECLARE
	c record;
BEGIN
	FOR c IN
	WITH own(name, about) AS (VALUES
	('service', 'The service that the queue belongs to, from the configuration; NULL: none.'),
	('day', 'The local day of arrival, in the site''s time zone.'),
	('answered_15', 'Of the answered, those that waited at most 15 seconds.'),
	('answered_20', 'Of the answered, those that waited at most 20 seconds.'),
	('waiting', 'Visits that have not ended yet: offered less all outcomes.'),
	('sl_15_offered_pct', 'Service level, 15 s: answered_15 / offered. Abandons count against.'),
	('sl_15_answered_pct', 'Service level, 15 s: answered_15 / answered. Of the handled only.'),
	('sl_15_excl_short_pct', 'Service level, 15 s: answered_15 / (offered - abandoned_short). Short abandons are left out.'),
	('sl_15_excl_within_pct', 'Service level, 15 s: answered_15 / (offered - abandoned within 15 s). Abandons within the time are left out.'),
	('sl_15_incl_within_pct', 'Service level, 15 s: (answered_15 + abandoned within 15 s) / offered. Abandons within the time count for.'),
	('sl_20_offered_pct', 'Service level, 20 s: answered_20 / offered. Abandons count against.'),
	('sl_20_answered_pct', 'Service level, 20 s: answered_20 / answered. Of the handled only.'),
	('sl_20_excl_short_pct', 'Service level, 20 s: answered_20 / (offered - abandoned_short). Short abandons are left out.'),
	('sl_20_excl_within_pct', 'Service level, 20 s: answered_20 / (offered - abandoned within 20 s). Abandons within the time are left out.'),
	('sl_20_incl_within_pct', 'Service level, 20 s: (answered_20 + abandoned within 20 s) / offered. Abandons within the time count for.'),
	('abandoned_pct', 'abandoned / offered.'),
	('abandoned_excl_short_pct', '(abandoned - abandoned_short) / (offered - abandoned_short).'),
	('asa_s', 'Average speed of answer: wait_answered_ms / 1000 / answered.'),
	('aht_s', 'Average handling time: (talk_ms + hold_ms + wrap_up_ms) / 1000 / answered.'),
	('p50_wait_s', 'Half of the answered waited no longer than this: nearest rank, whole seconds.'),
	('p90_wait_s', '90 % of the answered waited no longer than this: nearest rank, whole seconds.'),
	('p95_wait_s', '95 % of the answered waited no longer than this: nearest rank, whole seconds.'),
	('p99_wait_s', '99 % of the answered waited no longer than this: nearest rank, whole seconds.'),
	('max_wait_s', 'Longest wait of any visit that has ended, whatever its outcome.')),
	behind(view, source) AS (VALUES
	('queue_interval', 'queue_tally'), ('agent_interval', 'agent_tally'),
	('visits', 'visit'), ('service_level', 'queue_tally'),
	('service_level_hour', 'queue_tally'),
	('service_level_day', 'queue_tally'))
	SELECT b.view, a.attname AS name, coalesce(o.about, (
	    SELECT col_description(s.attrelid, s.attnum)
	    FROM pg_attribute AS s
	    WHERE s.attrelid = ('ringtally.' || b.source)::regclass
	      AND s.attname = a.attname)) AS about
	FROM behind AS b
	JOIN pg_attribute AS a ON a.attrelid = ('ringtally.' || b.view)::regclass
	LEFT JOIN own AS o ON o.name = a.attname
	WHERE a.attnum > 0
	LOOP
		EXECUTE format('COMMENT ON COLUMN ringtally.%I.%I IS %L',
		    c.view, c.name, c.about);
	END LOOP;
END
$do$;
COMMENT ON COLUMN ringtally.agent_interval.queue IS
    'The queue; NULL: the agent as a whole.';
COMMENT ON COLUMN ringtally.service_level_hour.starts_at IS
    'When the hour begins.';
