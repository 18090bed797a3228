-- SPDX-License-Identifier: BSD-2-Clause
-- What the live views need: the present second of each queue, for whoever looks
-- by SQL (the figures of several daemons in one place), and who is to be rung
-- back.
--
-- A row is written about once a second while something moves, for years, and
-- is worth nothing after a crash of the server: so it is not logged, and as no
-- index stands on what changes and every page keeps room for a second version
-- of all its rows, an update stays within its page (HOT) and cleans up behind
-- the last one. How long the longest has waited grows by itself: the view works
-- it out, and a queue in which nothing happens costs nothing.

CREATE UNLOGGED TABLE ringtally.queue_live_state (
	site text COLLATE "C" NOT NULL,
	switch text COLLATE "C" NOT NULL,
	queue text COLLATE "C" NOT NULL,
	instance text NOT NULL,
	waiting integer NOT NULL,
	waiting_since timestamptz,
	talking integer NOT NULL,
	agents_logged_in integer NOT NULL,
	agents_free integer NOT NULL,
	agents_talking integer NOT NULL,
	agents_wrapping_up integer NOT NULL,
	agents_paused integer NOT NULL,
	today_at timestamptz NOT NULL,
	offered bigint NOT NULL,
	answered bigint NOT NULL,
	within_s integer NOT NULL,
	answered_within bigint NOT NULL,
	abandoned bigint NOT NULL,
	updated_at timestamptz NOT NULL,
	PRIMARY KEY (site, switch, queue)
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 10000, autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 100000);
COMMENT ON TABLE ringtally.queue_live_state IS
    'The present second of each queue, as its daemon wrote it last. Behind the view queue_live, which is made for reading. Unlogged: empty after a crash of the server, until the daemon writes it again, and not there on a standby.';
COMMENT ON COLUMN ringtally.queue_live_state.site IS
    'The site (the organisation) whose daemon wrote the row.';
COMMENT ON COLUMN ringtally.queue_live_state.switch IS
    'The telephone switch, as named in the configuration.';
COMMENT ON COLUMN ringtally.queue_live_state.queue IS
    'The queue, as the switch names it.';
COMMENT ON COLUMN ringtally.queue_live_state.instance IS
    'The daemon that wrote the row, as in writer.instance.';
COMMENT ON COLUMN ringtally.queue_live_state.waiting IS
    'Visits waiting now.';
COMMENT ON COLUMN ringtally.queue_live_state.waiting_since IS
    'When the one that waits longest arrived; NULL: nobody waits.';
COMMENT ON COLUMN ringtally.queue_live_state.talking IS
    'Visits of the queue in conversation now.';
COMMENT ON COLUMN ringtally.queue_live_state.agents_logged_in IS
    'Agents in the queue: free, talking, wrapping up or paused.';
COMMENT ON COLUMN ringtally.queue_live_state.agents_free IS
    'Of these, those whom nothing keeps from taking a call.';
COMMENT ON COLUMN ringtally.queue_live_state.agents_talking IS
    'Of these, those in conversation, with a caller of this queue or another.';
COMMENT ON COLUMN ringtally.queue_live_state.agents_wrapping_up IS
    'Of these, those finishing off after a conversation.';
COMMENT ON COLUMN ringtally.queue_live_state.agents_paused IS
    'Of these, those paused.';
COMMENT ON COLUMN ringtally.queue_live_state.today_at IS
    'When the site''s local day began, which the counts are of.';
COMMENT ON COLUMN ringtally.queue_live_state.offered IS
    'Visits that arrived today.';
COMMENT ON COLUMN ringtally.queue_live_state.answered IS
    'Of these, those answered.';
COMMENT ON COLUMN ringtally.queue_live_state.within_s IS
    'The wait within which calls should be answered: of the target of the queue''s service; without one, the first of thresholds_s.';
COMMENT ON COLUMN ringtally.queue_live_state.answered_within IS
    'Of those answered, those answered within within_s.';
COMMENT ON COLUMN ringtally.queue_live_state.abandoned IS
    'Of those offered, those whose caller gave up.';
COMMENT ON COLUMN ringtally.queue_live_state.updated_at IS
    'When the row was written, by the daemon''s clock: when something in it changed last.';

-- A daemon renews its writer row every few seconds, whether or not anything
-- happens in its queues: that is what tells a quiet queue from a dead daemon.
CREATE VIEW ringtally.queue_live AS
SELECT l.switch, l.queue, q.service, l.waiting,
    CASE WHEN l.waiting_since IS NOT NULL THEN greatest(0, round(extract(epoch
	FROM least(now(), s.seen_at + interval '15 seconds')
	    - l.waiting_since), 3)) END AS longest_wait_s,
    l.talking, l.agents_logged_in, l.agents_free, l.agents_talking,
    l.agents_wrapping_up, l.agents_paused, l.today_at, l.offered, l.answered,
    l.within_s, l.answered_within,
    ringtally.pct(l.answered_within, l.offered) AS sl_offered_pct,
    l.abandoned, ringtally.pct(l.abandoned, l.offered) AS abandoned_pct,
    l.updated_at,
    greatest(0, round(extract(epoch FROM now() - s.seen_at), 3)) AS age_s,
    l.site
FROM ringtally.queue_live_state AS l
LEFT JOIN ringtally.queue AS q USING (site, switch, queue)
LEFT JOIN ringtally.writer AS w ON w.site = l.site AND w.switch = l.switch
    AND w.instance = l.instance
CROSS JOIN LATERAL (SELECT coalesce(w.renewed_at, l.updated_at)) AS s(seen_at);
COMMENT ON VIEW ringtally.queue_live IS
    'The present second of each queue: what waits, who is there, and today so far. Written by the daemons about once a second. Look at age_s first: where it is above 15, the daemon is gone and the row tells of the past.';
COMMENT ON COLUMN ringtally.queue_live.switch IS
    'The telephone switch, as named in the configuration.';
COMMENT ON COLUMN ringtally.queue_live.queue IS
    'The queue, as the switch names it.';
COMMENT ON COLUMN ringtally.queue_live.service IS
    'The service that the queue belongs to; NULL: none.';
COMMENT ON COLUMN ringtally.queue_live.waiting IS
    'Visits waiting now.';
COMMENT ON COLUMN ringtally.queue_live.longest_wait_s IS
    'How long the longest of them has waited, by this server''s clock; NULL: nobody waits. It stands still when the daemon is gone.';
COMMENT ON COLUMN ringtally.queue_live.talking IS
    'Visits of the queue in conversation now.';
COMMENT ON COLUMN ringtally.queue_live.agents_logged_in IS
    'Agents in the queue: agents_free + agents_talking + agents_wrapping_up + agents_paused. An agent of three queues is one in each.';
COMMENT ON COLUMN ringtally.queue_live.agents_free IS
    'Agents whom nothing keeps from taking a call.';
COMMENT ON COLUMN ringtally.queue_live.agents_talking IS
    'Agents in conversation, with a caller of this queue or another.';
COMMENT ON COLUMN ringtally.queue_live.agents_wrapping_up IS
    'Agents finishing off after a conversation.';
COMMENT ON COLUMN ringtally.queue_live.agents_paused IS
    'Agents paused.';
COMMENT ON COLUMN ringtally.queue_live.today_at IS
    'When the site''s local day began, which the counts are of.';
COMMENT ON COLUMN ringtally.queue_live.offered IS
    'Visits that arrived today.';
COMMENT ON COLUMN ringtally.queue_live.answered IS
    'Of these, those answered.';
COMMENT ON COLUMN ringtally.queue_live.within_s IS
    'The wait within which calls should be answered: of the target of the queue''s service; without one, the first of thresholds_s.';
COMMENT ON COLUMN ringtally.queue_live.answered_within IS
    'Of those answered, those answered within within_s.';
COMMENT ON COLUMN ringtally.queue_live.sl_offered_pct IS
    'answered_within / offered: the share of calls answered in within_s.';
COMMENT ON COLUMN ringtally.queue_live.abandoned IS
    'Of those offered, those whose caller gave up.';
COMMENT ON COLUMN ringtally.queue_live.abandoned_pct IS
    'abandoned / offered.';
COMMENT ON COLUMN ringtally.queue_live.updated_at IS
    'When something in the row changed last.';
COMMENT ON COLUMN ringtally.queue_live.age_s IS
    'How long ago its daemon was heard of, by this server''s clock: some seconds while it lives.';
COMMENT ON COLUMN ringtally.queue_live.site IS
    'The site (the organisation) whose daemon wrote the row.';

CREATE FUNCTION ringtally.assert_writer(p_site text, p_switches text[],
    p_instance text)
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	held integer;
BEGIN
	-- this waits until a take-over in doubt is decided, and lets none
	-- happen before our transaction ends
	PERFORM 1 FROM ringtally.writer AS r
	WHERE r.site = p_site AND r.switch = ANY (p_switches)
	  AND r.instance = p_instance
	ORDER BY r.switch FOR SHARE;
	GET DIAGNOSTICS held = ROW_COUNT;
	IF held <> cardinality(p_switches) THEN
		RAISE EXCEPTION USING ERRCODE = 'RT001', MESSAGE =
		    format('%s is not the writer of %s', p_instance,
		    array_to_string(p_switches, ', '));
	END IF;
END
$$;
COMMENT ON FUNCTION ringtally.assert_writer(text, text[], text) IS
    'First in a transaction that changes no figures: raises RT001 unless the daemon p_instance is the writer of all these switches, and keeps it so until the transaction ends. Moves no number: see advance().';

REVOKE ALL ON FUNCTION ringtally.assert_writer(text, text[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ringtally.assert_writer(text, text[], text)
TO ringtally_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON ringtally.queue_live_state
TO ringtally_writer;
GRANT SELECT ON ringtally.queue_live TO ringtally_reader, ringtally_writer;

-- Who is to be rung back, read at a start of the daemon. Its role may read no
-- callers of visits, and by this those of the last two days alone.
--
-- Each caller's visits from the newest back, with the earliest answer passed on
-- the way: so the rows are walked once, however often somebody rings. Of
-- conversations that go on open_visit knows. At one moment the answer counts
-- as the later.
CREATE FUNCTION ringtally.callbacks(p_site text, p_switches text[],
    p_since timestamptz, p_most integer)
RETURNS TABLE (switch text, queue text, call_id text, visit_no integer,
    entered_at timestamptz, ended_at timestamptz, wait_ms bigint,
    through_at timestamptz, caller bytea)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
	WITH told AS (
		SELECT v.switch, v.queue, v.call_id, v.visit_no, v.entered_at,
		    v.wait_ms, v.caller, v.outcome = 'abandoned' AS gone,
		    CASE WHEN v.outcome = 'abandoned' THEN v.ended_at
			ELSE v.answered_at END AS at, v.answered_at
		FROM ringtally.visit AS v
		WHERE v.site = p_site AND v.switch = ANY (p_switches)
		  AND v.entered_at >= p_since - interval '1 day'
		  AND v.entered_at >= now() - interval '3 days'
		  AND (v.outcome = 'abandoned' AND v.entered_at >= p_since
		    OR v.answered_at >= p_since AND v.caller IS NOT NULL)
		UNION ALL
		SELECT o.switch, o.queue, o.call_id, o.visit_no, o.entered_at,
		    o.wait_ms, o.caller, false, o.answered_at, o.answered_at
		FROM ringtally.open_visit AS o
		WHERE o.site = p_site AND o.switch = ANY (p_switches)
		  AND o.state = 'talking' AND o.answered_at >= p_since
		  AND o.caller IS NOT NULL
	), since AS (
		SELECT *, min(t.answered_at) OVER (
		    PARTITION BY t.switch, t.caller
		    ORDER BY t.at DESC, t.gone
		    ROWS UNBOUNDED PRECEDING) AS through_at
		FROM told AS t
	), ranked AS (
		SELECT *, row_number() OVER (PARTITION BY s.switch
		    ORDER BY (s.through_at IS NULL) DESC, s.at DESC,
		    s.call_id, s.visit_no) AS n
		FROM since AS s WHERE s.gone
	)
	SELECT r.switch, r.queue, r.call_id, r.visit_no, r.entered_at, r.at,
	    r.wait_ms, r.through_at, r.caller
	FROM ranked AS r WHERE r.n <= p_most
	  AND r.entered_at >= now() - interval '2 days'
	ORDER BY r.at, r.call_id, r.visit_no
$$;
COMMENT ON FUNCTION ringtally.callbacks(text, text[], timestamptz, integer) IS
    'The abandoned visits that arrived since p_since (two days back at most), the newest p_most of each switch and before them those of callers who were not answered since, by when they ended; through_at: the first answer of the same caller, at or after that moment, in any queue of the switch. For the daemon alone: it tells callers'' hashes.';

REVOKE ALL ON FUNCTION ringtally.callbacks(text, text[], timestamptz, integer)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ringtally.callbacks(text, text[], timestamptz,
    integer)
TO ringtally_writer;
