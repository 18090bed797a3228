-- SPDX-License-Identifier: BSD-2-Clause
-- Agents' logins and pauses as spans, one row each when it ends, in place of
-- sums in every quarter-hour that they lasted through. agent_interval cuts them
-- into intervals when somebody looks.

CREATE TYPE ringtally.span_kind AS ENUM ('login', 'pause');
COMMENT ON TYPE ringtally.span_kind IS
    'What an agent''s span is: a login (as a member of the queue) or a pause.';

CREATE TABLE ringtally.agent_span (
	from_at timestamptz NOT NULL,
	to_at timestamptz NOT NULL,
	kind ringtally.span_kind NOT NULL,
	site text COLLATE "C" NOT NULL,
	switch text COLLATE "C" NOT NULL,
	agent text COLLATE "C" NOT NULL,
	queue text COLLATE "C" NOT NULL,
	reason text COLLATE "C"
);
COMMENT ON TABLE ringtally.agent_span IS
    'Every login and every pause of an agent that has ended, written once, when it ended. What still runs is in agent_session. The view agent_interval cuts both into intervals. A span may last for weeks: an agent may stay a member of a queue for as long as the switch is heard of.';
COMMENT ON COLUMN ringtally.agent_span.from_at IS
    'When it began.';
COMMENT ON COLUMN ringtally.agent_span.to_at IS
    'When it ended; later than from_at.';
COMMENT ON COLUMN ringtally.agent_span.kind IS
    'A login or a pause.';
COMMENT ON COLUMN ringtally.agent_span.site IS
    'The site (the organisation) whose daemon wrote the row.';
COMMENT ON COLUMN ringtally.agent_span.switch IS
    'The telephone switch, as named in the configuration.';
COMMENT ON COLUMN ringtally.agent_span.agent IS
    'The agent: the name that the switch or the configuration gives.';
COMMENT ON COLUMN ringtally.agent_span.queue IS
    'The queue, or empty for the agent as a whole.';
COMMENT ON COLUMN ringtally.agent_span.reason IS
    'Of a pause: why, as the switch told last; NULL: it did not.';

-- What was booked by interval becomes a span of that length at the interval's
-- start. Sessions that run were booked up to the last border before the
-- switch's clock (which is not known while an only leap stands for it), so
-- they begin there from now on.
INSERT INTO ringtally.agent_span (from_at, to_at, kind, site, switch, agent,
    queue)
SELECT t.starts_at, t.starts_at + s.ms * interval '1 millisecond', s.kind,
    t.site, t.switch, t.agent, t.queue
FROM ringtally.agent_tally AS t
CROSS JOIN LATERAL (VALUES ('login'::ringtally.span_kind, t.login_ms),
    ('pause', t.pause_ms)) AS s(kind, ms)
WHERE s.ms > 0
ORDER BY t.starts_at;
UPDATE ringtally.agent_session AS a SET
    login_at = CASE WHEN a.login_at < b.border THEN b.border
	ELSE a.login_at END,
    pause_at = CASE WHEN a.pause_at < b.border THEN b.border
	ELSE a.pause_at END
FROM (SELECT w.site, w.switch, date_bin(make_interval(secs => s.interval_s),
	w.clock_at, '2000-01-01 00:00Z') AS border
    FROM ringtally.writer AS w JOIN ringtally.site AS s USING (site)
    WHERE w.leap_at IS DISTINCT FROM w.clock_at) AS b
WHERE a.site = b.site AND a.switch = b.switch
  AND (a.login_at < b.border OR a.pause_at < b.border);

CREATE INDEX agent_span_from_at ON ringtally.agent_span (site, from_at);
COMMENT ON INDEX ringtally.agent_span_from_at IS
    'For a period: spans come nearly in the order of their times, so that it grows at its end. A span of up to half a day that touches an interval began at most half a day before it.';
CREATE INDEX agent_span_long ON ringtally.agent_span (site, to_at)
    WHERE to_at - from_at > interval '12 hours';
COMMENT ON INDEX ringtally.agent_span_long IS
    'For the few spans that last longer than half a day, by their end.';

-- No clock is believed while an only leap stands for it.
CREATE VIEW ringtally.agent_running AS
SELECT r.switch, r.agent, r.queue, 'login'::ringtally.span_kind AS kind,
    NULL::text COLLATE "C" AS reason, r.login_at AS from_at,
    w.clock_at AS to_at, r.site
FROM ringtally.agent_session AS r
JOIN ringtally.writer AS w USING (site, switch)
WHERE r.login_at < w.clock_at AND w.leap_at IS DISTINCT FROM w.clock_at
UNION ALL
SELECT r.switch, r.agent, r.queue, 'pause', r.reason COLLATE "C", r.pause_at,
    w.clock_at, r.site
FROM ringtally.agent_session AS r
JOIN ringtally.writer AS w USING (site, switch)
WHERE r.pause_at < w.clock_at AND w.leap_at IS DISTINCT FROM w.clock_at;
COMMENT ON VIEW ringtally.agent_running IS
    'The logins and pauses that have not ended, as spans up to the event clock of their switch.';
COMMENT ON COLUMN ringtally.agent_running.switch IS
    'The telephone switch, as named in the configuration.';
COMMENT ON COLUMN ringtally.agent_running.agent IS
    'The agent: the name that the switch or the configuration gives.';
COMMENT ON COLUMN ringtally.agent_running.queue IS
    'The queue, or empty for the agent as a whole.';
COMMENT ON COLUMN ringtally.agent_running.kind IS
    'A login or a pause.';
COMMENT ON COLUMN ringtally.agent_running.reason IS
    'Of a pause: why, as the switch told last; NULL: it did not.';
COMMENT ON COLUMN ringtally.agent_running.from_at IS
    'When it began.';
COMMENT ON COLUMN ringtally.agent_running.to_at IS
    'The event clock of the switch.';
COMMENT ON COLUMN ringtally.agent_running.site IS
    'The site (the organisation) whose daemon wrote the row.';

-- A function of its own, so that the planner takes it for few rows: of tables
-- as small as site it never learns how small they are. Half a day of spans is
-- found at a step, by the index, so that years without any cost nothing; what
-- touches is one range, so that no interval comes twice.
CREATE FUNCTION ringtally.span_intervals()
RETURNS TABLE (site text, starts_at timestamptz, ends_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000
SET search_path = pg_catalog, pg_temp AS $$
	WITH RECURSIVE step (site, from_at) AS (
	    SELECT o.site, (SELECT min(s.from_at) FROM ringtally.agent_span AS s
		WHERE s.site = o.site)
	    FROM ringtally.site AS o
	    UNION ALL
	    SELECT p.site, (SELECT min(s.from_at) FROM ringtally.agent_span AS s
		WHERE s.site = p.site AND s.from_at >= p.from_at
		    + interval '12 hours')
	    FROM step AS p WHERE p.from_at IS NOT NULL
	), covered (site, from_at, to_at) AS (
	    SELECT site, from_at, from_at + interval '24 hours' FROM step
	    WHERE from_at IS NOT NULL
	    UNION ALL
	    SELECT site, from_at, to_at FROM ringtally.agent_span
	    WHERE to_at - from_at > interval '12 hours'
	    UNION ALL
	    SELECT site, from_at, to_at FROM ringtally.agent_running
	), range (site, length, covers) AS (
	    SELECT o.site, o.length, unnest(range_agg(tstzrange(
		date_bin(o.length, c.from_at, '2000-01-01 00:00Z'),
		date_bin(o.length, c.to_at, '2000-01-01 00:00Z') + o.length)))
	    FROM covered AS c
	    JOIN (SELECT site, make_interval(secs => interval_s) AS length
		FROM ringtally.site) AS o USING (site)
	    GROUP BY o.site, o.length
	)
	SELECT r.site, i.at, i.at + r.length
	FROM range AS r CROSS JOIN LATERAL generate_series(
	    lower(r.covers), upper(r.covers) - r.length, r.length) AS i(at)
$$;
COMMENT ON FUNCTION ringtally.span_intervals() IS
    'The intervals of each site near which there are spans. For agent_interval.';

-- The same columns as before. The intervals come first, as rows of their own,
-- and each asks for the spans that touch it: so a condition on starts_at
-- leaves few intervals, and they find their spans by an index. (Were spans cut
-- first, each of them would have to be, whatever the period.)
CREATE OR REPLACE VIEW ringtally.agent_interval AS
SELECT t.switch, t.agent, nullif(t.queue, '') AS queue, t.starts_at,
    sum(t.handled)::bigint AS handled,
    sum(t.ring_no_answer)::bigint AS ring_no_answer,
    sum(t.talk_ms)::bigint AS talk_ms,
    sum(t.hold_ms)::bigint AS hold_ms,
    sum(t.wrap_up_ms)::bigint AS wrap_up_ms,
    sum(t.login_ms)::bigint AS login_ms,
    sum(t.pause_ms)::bigint AS pause_ms, t.site
FROM (SELECT a.site, a.switch, a.agent, a.queue, a.starts_at, a.handled,
	a.ring_no_answer, a.talk_ms, a.hold_ms, a.wrap_up_ms,
	0::bigint AS login_ms, 0::bigint AS pause_ms
    FROM ringtally.agent_tally AS a
    UNION ALL
    SELECT s.site, s.switch, s.agent, s.queue, i.starts_at, 0, 0, 0, 0, 0,
	CASE s.kind WHEN 'login' THEN m.ms ELSE 0 END,
	CASE s.kind WHEN 'pause' THEN m.ms ELSE 0 END
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
COMMENT ON VIEW ringtally.agent_interval IS
    'What agents did, by the interval in which they did it. A row without a queue is of the agent as a whole (logins and pauses that name no queue). Logins and pauses that still run count up to the event clock of their switch. Ask for a period by starts_at: it is found by an index, however much there is.';

DELETE FROM ringtally.agent_tally WHERE handled = 0 AND ring_no_answer = 0
  AND talk_ms = 0 AND hold_ms = 0 AND wrap_up_ms = 0;
ALTER TABLE ringtally.agent_tally DROP COLUMN login_ms, DROP COLUMN pause_ms;
COMMENT ON TABLE ringtally.agent_tally IS
    'What agents did with calls, by the interval in which they did it. Behind the view agent_interval, which adds their logins and pauses.';
COMMENT ON TABLE ringtally.agent_session IS
    'Agents logged in or paused now, or a short while ago: what a restart needs to tell their spans when they end.';

GRANT INSERT ON ringtally.agent_span TO ringtally_writer;
GRANT SELECT ON ringtally.agent_span, ringtally.agent_running
TO ringtally_reader;
REVOKE ALL ON FUNCTION ringtally.span_intervals() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ringtally.span_intervals() TO ringtally_reader;
