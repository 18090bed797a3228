-- SPDX-License-Identifier: BSD-2-Clause
-- What a feed can not know is NULL, never zero: now of conversations, too, of
-- short abandons and of the longest wait.

ALTER TABLE ringtally.queue_tally
	ADD COLUMN talk_unknown bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN ringtally.queue_tally.talk_unknown IS
    'Of the answered, those that have ended without anybody telling how long the conversation was: they are not in talk_ms.';

-- What was published stays: of rows stored earlier each answer counts as one of
-- known length, but in queues of which no conversation's length was ever told.
-- Theirs was an average of 0.0, and is none. Of what is still remembered it is
-- known visit by visit.
UPDATE ringtally.queue_tally AS t SET talk_unknown = t.answered
FROM (SELECT site, switch, queue FROM ringtally.queue_tally
    GROUP BY 1, 2, 3 HAVING sum(talk_ms + hold_ms + wrap_up_ms) = 0) AS q
WHERE (t.site, t.switch, t.queue) = (q.site, q.switch, q.queue)
  AND t.answered > 0
  AND NOT EXISTS (SELECT FROM ringtally.open_visit AS v
    WHERE (v.site, v.switch, v.queue) = (t.site, t.switch, t.queue)
      AND v.state = 'talking');
UPDATE ringtally.queue_tally AS t SET talk_unknown = v.n
FROM (SELECT o.site, o.switch, o.queue, coalesce(o.starts_at,
	-- of before that was kept
	date_bin(make_interval(secs => s.interval_s), o.entered_at,
	    '2000-01-01 00:00Z')) AS starts_at, count(*) AS n
    FROM ringtally.open_visit AS o LEFT JOIN ringtally.site AS s USING (site)
    WHERE o.state = 'ended' AND o.outcome = 'answered' AND o.talk_ms IS NULL
    GROUP BY 1, 2, 3, 4) AS v
WHERE (t.site, t.switch, t.queue, t.starts_at)
    = (v.site, v.switch, v.queue, v.starts_at)
  AND t.talk_unknown = 0;

-- The same of agents.
ALTER TABLE ringtally.agent_tally
	ADD COLUMN talk_unknown bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN ringtally.agent_tally.talk_unknown IS
    'Of the handled, those that have ended without anybody telling how long the conversation was: they are not in talk_ms.';
UPDATE ringtally.agent_tally AS t SET talk_unknown = t.handled
FROM (SELECT site, switch, agent, queue FROM ringtally.agent_tally
    GROUP BY 1, 2, 3, 4 HAVING sum(talk_ms + hold_ms + wrap_up_ms) = 0) AS a
WHERE (t.site, t.switch, t.agent, t.queue)
    = (a.site, a.switch, a.agent, a.queue) AND t.handled > 0
  AND NOT EXISTS (SELECT FROM ringtally.open_visit AS v
    WHERE (v.site, v.switch, v.agent) = (t.site, t.switch, t.agent)
      AND v.state = 'talking');
UPDATE ringtally.agent_tally AS t SET talk_unknown = v.n
FROM (SELECT o.site, o.switch, o.agent, o.queue,
	date_bin(make_interval(secs => s.interval_s), o.answered_at,
	    '2000-01-01 00:00Z') AS starts_at, count(*) AS n
    FROM ringtally.open_visit AS o JOIN ringtally.site AS s USING (site)
    WHERE o.state = 'ended' AND o.outcome = 'answered' AND o.talk_ms IS NULL
      AND o.agent IS NOT NULL
      AND coalesce(get_byte(o.heard, 3) & 1, 0) = 0
    GROUP BY 1, 2, 3, 4, 5) AS v
WHERE (t.site, t.switch, t.agent, t.queue, t.starts_at)
    = (v.site, v.switch, v.agent, v.queue, v.starts_at)
  AND t.talk_unknown = 0;

-- As before, and told whether all waits of the answered are known, and of the
-- abandoned.
CREATE FUNCTION ringtally.rates(offered numeric, answered numeric,
    abandoned numeric, abandoned_short numeric, wait_answered_ms numeric,
    talk_ms numeric, hold_ms numeric, wrap_up_ms numeric,
    wait_answered_hist integer[], wait_abandoned_hist integer[],
    talk_unknown numeric)
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
    p99_wait_s integer, answered_waits_known boolean,
    abandoned_waits_known boolean)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT a15, a20,
	    ringtally.pct(a15, offered), ringtally.pct(a15, answered),
	    ringtally.pct(a15, offered - short),
	    ringtally.pct(a15, offered - b15),
	    ringtally.pct(a15 + b15, offered),
	    ringtally.pct(a20, offered), ringtally.pct(a20, answered),
	    ringtally.pct(a20, offered - short),
	    ringtally.pct(a20, offered - b20),
	    ringtally.pct(a20 + b20, offered),
	    ringtally.pct(abandoned, offered),
	    ringtally.pct(abandoned - short, offered - short),
	    CASE WHEN known_a THEN round(wait_answered_ms / 1000
		/ nullif(answered, 0), 1) END,
	    round((talk_ms + hold_ms + wrap_up_ms) / 1000
		/ nullif(answered - talk_unknown, 0), 1),
	    CASE WHEN known_a
		THEN ringtally.hist_percentile(wait_answered_hist, 50) END,
	    CASE WHEN known_a
		THEN ringtally.hist_percentile(wait_answered_hist, 90) END,
	    CASE WHEN known_a
		THEN ringtally.hist_percentile(wait_answered_hist, 95) END,
	    CASE WHEN known_a
		THEN ringtally.hist_percentile(wait_answered_hist, 99) END,
	    known_a, known_b
	FROM (SELECT
	    CASE WHEN known_a
		THEN ringtally.answered_within(wait_answered_hist, 15) END
		AS a15,
	    CASE WHEN known_a
		THEN ringtally.answered_within(wait_answered_hist, 20) END
		AS a20,
	    CASE WHEN known_b
		THEN ringtally.answered_within(wait_abandoned_hist, 15) END
		AS b15,
	    CASE WHEN known_b
		THEN ringtally.answered_within(wait_abandoned_hist, 20) END
		AS b20,
	    CASE WHEN known_b THEN abandoned_short END AS short, known_a,
	    known_b
	    FROM (SELECT
		ringtally.hist_total(wait_answered_hist) = answered AS known_a,
		ringtally.hist_total(wait_abandoned_hist) = abandoned
		    AS known_b
		OFFSET 0) AS known
	    OFFSET 0) AS within
$$;
COMMENT ON FUNCTION ringtally.rates(numeric, numeric, numeric, numeric,
    numeric, numeric, numeric, numeric, integer[], integer[], numeric) IS
    'All shares and times of the service_level views, from the sums of any period. See the comments of their columns for the formulas.';
REVOKE ALL ON FUNCTION ringtally.rates(numeric, numeric, numeric, numeric,
    numeric, numeric, numeric, numeric, integer[], integer[], numeric)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ringtally.rates(numeric, numeric, numeric, numeric,
    numeric, numeric, numeric, numeric, integer[], integer[], numeric)
TO ringtally_writer, ringtally_reader;

-- The views, with what is new behind what they had.

CREATE OR REPLACE VIEW ringtally.queue_interval AS
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
    t.wait_answered_hist, t.wait_abandoned_hist, t.site,
    t.caller_known, t.repeated, t.misrouted, t.abandoned_known, t.called_back,
    t.talk_unknown
FROM ringtally.queue_tally AS t
LEFT JOIN ringtally.queue AS q USING (site, switch, queue);

CREATE OR REPLACE VIEW ringtally.service_level AS
SELECT i.switch, i.queue, i.service, i.starts_at, i.offered, i.answered,
    i.abandoned,
    CASE WHEN r.abandoned_waits_known THEN i.abandoned_short END
	AS abandoned_short,
    i.timed_out, i.exited_key, i.exited_empty,
    i.withdrawn, i.refused, i.lost, i.waiting,
    r.answered_15, r.answered_20,
    r.sl_15_offered_pct, r.sl_15_answered_pct, r.sl_15_excl_short_pct,
    r.sl_15_excl_within_pct, r.sl_15_incl_within_pct, r.sl_20_offered_pct,
    r.sl_20_answered_pct, r.sl_20_excl_short_pct, r.sl_20_excl_within_pct,
    r.sl_20_incl_within_pct, r.abandoned_pct, r.abandoned_excl_short_pct,
    r.asa_s, r.aht_s, r.p50_wait_s, r.p90_wait_s, r.p95_wait_s, r.p99_wait_s,
    CASE WHEN r.answered_waits_known AND r.abandoned_waits_known
	THEN round(i.max_wait_ms / 1000.0, 1) END AS max_wait_s, i.site,
    i.caller_known, i.repeated, i.misrouted, i.abandoned_known, i.called_back,
    ringtally.pct(i.repeated, i.caller_known) AS inferred_repeat_pct,
    ringtally.pct(i.misrouted, i.answered) AS inferred_misrouted_pct,
    ringtally.pct(i.called_back, i.abandoned_known) AS inferred_callback_pct,
    ringtally.inferred_final(i.site, i.switch, i.starts_at) AS inferred_final,
    i.talk_unknown
FROM ringtally.queue_interval AS i
CROSS JOIN LATERAL ringtally.rates(i.offered, i.answered, i.abandoned,
    i.abandoned_short, i.wait_answered_ms, i.talk_ms, i.hold_ms,
    i.wrap_up_ms, i.wait_answered_hist, i.wait_abandoned_hist,
    i.talk_unknown) AS r;

-- The same sums over longer periods: by hour of UTC, and by local day of the
-- site. They differ in nothing but the period.
DO $do$
DECLARE
	period record;
BEGIN
	FOR period IN SELECT * FROM (VALUES
	    ('service_level_hour', 'starts_at',
	    $$date_trunc('hour', i.starts_at, 'UTC')$$),
	    ('service_level_day', 'day',
	    $$(i.starts_at AT TIME ZONE coalesce(s.timezone, 'UTC'))::date$$)
	    ) AS p(view, name, expr)
	LOOP
		EXECUTE format($fmt$
CREATE OR REPLACE VIEW ringtally.%1$I AS
SELECT i.switch, i.queue, i.service, i.%2$I, i.offered, i.answered,
    i.abandoned,
    CASE WHEN r.abandoned_waits_known THEN i.abandoned_short END
	AS abandoned_short,
    i.timed_out, i.exited_key, i.exited_empty,
    i.withdrawn, i.refused, i.lost, i.waiting,
    r.answered_15, r.answered_20,
    r.sl_15_offered_pct, r.sl_15_answered_pct, r.sl_15_excl_short_pct,
    r.sl_15_excl_within_pct, r.sl_15_incl_within_pct, r.sl_20_offered_pct,
    r.sl_20_answered_pct, r.sl_20_excl_short_pct, r.sl_20_excl_within_pct,
    r.sl_20_incl_within_pct, r.abandoned_pct, r.abandoned_excl_short_pct,
    r.asa_s, r.aht_s, r.p50_wait_s, r.p90_wait_s, r.p95_wait_s, r.p99_wait_s,
    CASE WHEN r.answered_waits_known AND r.abandoned_waits_known
	THEN round(i.max_wait_ms / 1000.0, 1) END AS max_wait_s, i.site,
    i.caller_known, i.repeated, i.misrouted, i.abandoned_known, i.called_back,
    ringtally.pct(i.repeated, i.caller_known) AS inferred_repeat_pct,
    ringtally.pct(i.misrouted, i.answered) AS inferred_misrouted_pct,
    ringtally.pct(i.called_back, i.abandoned_known) AS inferred_callback_pct,
    ringtally.inferred_final(i.site, i.switch, i.newest_at) AS inferred_final,
    i.talk_unknown
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
	sum(i.caller_known)::bigint AS caller_known,
	sum(i.repeated)::bigint AS repeated,
	sum(i.misrouted)::bigint AS misrouted,
	sum(i.abandoned_known)::bigint AS abandoned_known,
	sum(i.called_back)::bigint AS called_back,
	sum(i.talk_unknown)::bigint AS talk_unknown,
	max(i.starts_at) AS newest_at,
	ringtally.hist_sum(i.wait_answered_hist) AS wait_answered_hist,
	ringtally.hist_sum(i.wait_abandoned_hist) AS wait_abandoned_hist
    FROM ringtally.queue_interval AS i
    LEFT JOIN ringtally.site AS s USING (site)
    GROUP BY 1, 2, 3, 4, 5) AS i
CROSS JOIN LATERAL ringtally.rates(i.offered, i.answered, i.abandoned,
    i.abandoned_short, i.wait_answered_ms, i.talk_ms, i.hold_ms,
    i.wrap_up_ms, i.wait_answered_hist, i.wait_abandoned_hist,
    i.talk_unknown) AS r
$fmt$, period.view, period.name, period.expr);
	END LOOP;
END
$do$;

CREATE OR REPLACE VIEW ringtally.agent_interval AS
SELECT t.switch, t.agent, nullif(t.queue, '') AS queue, t.starts_at,
    sum(t.handled)::bigint AS handled,
    sum(t.ring_no_answer)::bigint AS ring_no_answer,
    CASE WHEN sum(t.talk_ms) > 0 OR sum(t.talk_unknown) = 0
	THEN sum(t.talk_ms)::bigint END AS talk_ms,
    sum(t.hold_ms)::bigint AS hold_ms,
    sum(t.wrap_up_ms)::bigint AS wrap_up_ms,
    sum(t.login_ms)::bigint AS login_ms,
    sum(t.pause_ms)::bigint AS pause_ms, t.site,
    sum(t.talk_unknown)::bigint AS talk_unknown
FROM (SELECT a.site, a.switch, a.agent, a.queue, a.starts_at, a.handled,
	a.ring_no_answer, a.talk_ms, a.hold_ms, a.wrap_up_ms,
	0::bigint AS login_ms, 0::bigint AS pause_ms, a.talk_unknown
    FROM ringtally.agent_tally AS a
    UNION ALL
    SELECT s.site, s.switch, s.agent, s.queue, i.starts_at, 0, 0, 0, 0, 0,
	CASE s.kind WHEN 'login' THEN m.ms ELSE 0 END,
	CASE s.kind WHEN 'pause' THEN m.ms ELSE 0 END, 0
    FROM ringtally.span_intervals() AS i
    CROSS JOIN LATERAL (
	SELECT site, switch, agent, queue, kind, from_at, to_at
	FROM ringtally.agent_span
	WHERE site = i.site AND from_at < i.ends_at
	  AND from_at > i.starts_at - interval '12 hours'
	  AND to_at > i.starts_at
	  AND to_at - from_at <= interval '12 hours'
	UNION ALL
	SELECT site, switch, agent, queue, kind, from_at, to_at
	FROM ringtally.agent_span
	WHERE site = i.site AND from_at < i.ends_at AND to_at > i.starts_at
	  AND to_at - from_at > interval '12 hours'
	UNION ALL
	SELECT site, switch, agent, queue, kind, from_at, to_at
	FROM ringtally.agent_running
	WHERE site = i.site AND from_at < i.ends_at AND to_at > i.starts_at)
	AS s
    CROSS JOIN LATERAL (SELECT (1000 * extract(epoch FROM
	date_trunc('milliseconds', least(s.to_at, i.ends_at)) -
	date_trunc('milliseconds', greatest(s.from_at, i.starts_at))))::bigint
	AS ms) AS m) AS t
GROUP BY t.site, t.switch, t.agent, t.queue, t.starts_at;
COMMENT ON COLUMN ringtally.agent_interval.talk_unknown IS
    'Of the handled, those that have ended without anybody telling how long the conversation was: they are not in talk_ms.';

DROP FUNCTION ringtally.rates(numeric, numeric, numeric, numeric, numeric,
    numeric, numeric, numeric, integer[], integer[]);

-- Comments of the new columns, and of the one that means more than it did.
DO $do$
DECLARE
	view text;
BEGIN
	FOREACH view IN ARRAY ARRAY['queue_interval', 'service_level',
	    'service_level_hour', 'service_level_day']
	LOOP
		EXECUTE format('COMMENT ON COLUMN ringtally.%I.talk_unknown IS %L',
		    view, col_description('ringtally.queue_tally'::regclass,
		    (SELECT attnum FROM pg_attribute
		    WHERE attrelid = 'ringtally.queue_tally'::regclass
		      AND attname = 'talk_unknown')));
		CONTINUE WHEN view = 'queue_interval';
		EXECUTE format('COMMENT ON COLUMN ringtally.%I.aht_s IS %L',
		    view, 'Average handling time: (talk_ms + hold_ms + wrap_up_ms) / 1000 / (answered - talk_unknown).');
		EXECUTE format('COMMENT ON COLUMN ringtally.%I.abandoned_short IS %L',
		    view, 'Of the abandoned, those that waited no longer than short_abandon_s. NULL: of some it is not known how long they waited.');
		EXECUTE format('COMMENT ON COLUMN ringtally.%I.max_wait_s IS %L',
		    view, 'Longest wait of any visit that has ended, whatever its outcome: max_wait_ms / 1000. NULL: of some it is not known how long they waited.');
	END LOOP;
END
$do$;

-- No feed tells holding apart from the conversation.
DO $do$
DECLARE
	c record;
BEGIN
	FOR c IN
		SELECT r.relname, a.attname
		FROM pg_attribute AS a JOIN pg_class AS r ON r.oid = a.attrelid
		WHERE r.relnamespace = 'ringtally'::regnamespace
		  AND a.attname IN ('hold_ms', 'talk_ms')
		  AND r.relname ~ '^(queue_tally|agent_tally|queue_interval|agent_interval|service_level.*)$'
		  AND r.relkind IN ('r', 'v')
		  AND NOT (a.attname = 'talk_ms' AND r.relname ~ '^agent')
	LOOP
		EXECUTE format('COMMENT ON COLUMN ringtally.%I.%I IS %L',
		    c.relname, c.attname, CASE c.attname WHEN 'hold_ms'
		    THEN 'Time on hold, told apart from talk_ms. No feed does so yet: it is in talk_ms, and this is 0.'
		    ELSE 'Sum of the conversations of answered visits, with the time on hold, booked when they end.' END);
	END LOOP;
END
$do$;
