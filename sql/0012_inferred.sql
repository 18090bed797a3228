-- SPDX-License-Identifier: BSD-2-Clause
-- What calls tell of the need behind them: who rang again, who was passed to
-- another service, who gave up and was through within a day. Inferred by the
-- daemon from its visits, and never mixed with what people assessed of contacts.

ALTER TABLE ringtally.queue_tally
	ADD COLUMN caller_known bigint NOT NULL DEFAULT 0,
	ADD COLUMN repeated bigint NOT NULL DEFAULT 0,
	ADD COLUMN misrouted bigint NOT NULL DEFAULT 0,
	ADD COLUMN abandoned_known bigint NOT NULL DEFAULT 0,
	ADD COLUMN called_back bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN ringtally.queue_tally.caller_known IS
    'Of the answered, the first one of each call whose caller is known and could be compared with those before and after: the whole of repeated.';
COMMENT ON COLUMN ringtally.queue_tally.repeated IS
    'Of caller_known, those whose caller was answered again later, within repeat_days, for the same service in another call.';
COMMENT ON COLUMN ringtally.queue_tally.misrouted IS
    'Of the answered, those whose call next entered a queue of another service.';
COMMENT ON COLUMN ringtally.queue_tally.abandoned_known IS
    'Of the abandoned, those whose caller is known and could be compared: the whole of called_back.';
COMMENT ON COLUMN ringtally.queue_tally.called_back IS
    'Of abandoned_known, those whose caller was answered within a day, in any queue.';

ALTER TABLE ringtally.visit
	ADD COLUMN caller_before bytea,
	ADD COLUMN caller_counted boolean;
COMMENT ON COLUMN ringtally.visit.caller_before IS
    'The same hash under the key before (caller_key_old_file), while there is one: so that callers are known again over a change of keys.';
COMMENT ON COLUMN ringtally.visit.caller_counted IS
    'It counts in caller_known or abandoned_known. NULL: from before this was counted.';
COMMENT ON COLUMN ringtally.visit.caller IS
    'Keyed hash of the caller''s number (BLAKE2b, 16 bytes); NULL: withheld, unknown, forgotten or not kept. The same caller has the same hash while the key lives.';
ALTER TABLE ringtally.open_visit
	ADD COLUMN caller_before bytea,
	ADD COLUMN inferred smallint NOT NULL DEFAULT 0,
	ADD COLUMN starts_at timestamptz;
COMMENT ON COLUMN ringtally.open_visit.caller_before IS
    'The same hash under the key before, while there is one.';
COMMENT ON COLUMN ringtally.open_visit.inferred IS
    'What was booked of it beside its outcome: 1 in caller_known, 2 compared as an answer, 4 in abandoned_known, 8 misrouted, 16 followed by another visit.';
COMMENT ON COLUMN ringtally.open_visit.starts_at IS
    'Start of the interval whose row of queue_tally counts its arrival; NULL: not counted yet, or from before this was kept.';
ALTER TABLE ringtally.writer
	ADD COLUMN repeat_days integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN ringtally.writer.repeat_days IS
    'Within how many days a call counts as repeated, as the figures of the last days were booked; 0: nobody is known again.';

-- The clock that is furthest behind, if by no more than a month. A switch of
-- which nothing was heard yet may begin with logs as old as that.
CREATE FUNCTION ringtally.callers_from(p_site text, p_switches text[],
    p_days integer)
RETURNS timestamptz LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
	SELECT min(coalesce(greatest(w.clock_at,
		w.newest - interval '31 days'), w.newest - interval '31 days'))
	    - make_interval(days => greatest(p_days, max(w.repeat_days)) + 1)
	FROM (SELECT *, max(clock_at) OVER () AS newest
	    FROM ringtally.writer
	    WHERE site = p_site AND switch = ANY (p_switches)) AS w
$$;
COMMENT ON FUNCTION ringtally.callers_from(text, text[], integer) IS
    'From when on callers_since() tells of visits.';

-- What a start needs of the callers: the daemon's role may read none of visits,
-- and by this those of the last weeks alone. p_before: those that were kept
-- under the key before go by that one.
CREATE FUNCTION ringtally.callers_since(p_site text, p_switches text[],
    p_days integer, p_before boolean)
RETURNS TABLE (switch text, queue text, call_id text, visit_no integer,
    entered_at timestamptz, at timestamptz, outcome ringtally.outcome,
    counted boolean, caller bytea)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
	SELECT v.switch, v.queue, v.call_id, v.visit_no, v.entered_at,
	    coalesce(v.answered_at, v.ended_at), v.outcome,
	    coalesce(v.caller_counted, false),
	    CASE WHEN p_before THEN coalesce(v.caller_before, v.caller)
		ELSE v.caller END
	FROM ringtally.visit AS v
	WHERE v.site = p_site AND v.switch = ANY (p_switches)
	  AND v.entered_at >= ringtally.callers_from(p_site, p_switches, p_days)
	      - interval '1 day'
	  AND v.caller IS NOT NULL
	  AND (v.outcome = 'answered'
	    OR v.outcome = 'abandoned' AND v.caller_counted)
$$;
COMMENT ON FUNCTION ringtally.callers_since(text, text[], integer, boolean) IS
    'The visits whose callers may still ring again, or be rung back: of p_days and a day before the clocks of the switches. For the daemon alone: it tells callers'' hashes.';
REVOKE ALL ON FUNCTION
    ringtally.callers_since(text, text[], integer, boolean),
    ringtally.callers_from(text, text[], integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    ringtally.callers_since(text, text[], integer, boolean),
    ringtally.callers_from(text, text[], integer) TO ringtally_writer;

CREATE OR REPLACE FUNCTION ringtally.forget(p_site text, p_hashes bytea[])
RETURNS TABLE (what text, n bigint) LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	what := 'visits';
	UPDATE ringtally.visit AS v SET caller = NULL, caller_before = NULL
	WHERE v.site = p_site AND (v.caller = ANY (p_hashes)
	    OR v.caller_before = ANY (p_hashes));
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN NEXT;
	what := 'open visits';
	UPDATE ringtally.open_visit AS v
	SET caller = NULL, caller_before = NULL
	WHERE v.site = p_site AND (v.caller = ANY (p_hashes)
	    OR v.caller_before = ANY (p_hashes));
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN NEXT;
	what := 'contacts';
	UPDATE ringtally.contact AS c SET customer = NULL,
	    told_at[8] = NULL
	WHERE c.site = p_site AND c.customer = ANY (p_hashes);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN NEXT;
END
$$;

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
    t.caller_known, t.repeated, t.misrouted, t.abandoned_known, t.called_back
FROM ringtally.queue_tally AS t
LEFT JOIN ringtally.queue AS q USING (site, switch, queue);

CREATE FUNCTION ringtally.inferred_final(p_site text, p_switch text,
    p_starts_at timestamptz)
RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
	SELECT p_starts_at + make_interval(days => w.repeat_days,
	    secs => s.interval_s) <= w.clock_at
	FROM ringtally.writer AS w JOIN ringtally.site AS s USING (site)
	WHERE w.site = p_site AND w.switch = p_switch AND w.repeat_days > 0
$$;
COMMENT ON FUNCTION ringtally.inferred_final(text, text, timestamptz) IS
    'Whether repeat_days have passed since the interval that begins at that time, by the clock of the switch: nobody who was answered in it can ring again in time any more. NULL: nobody is known again.';
REVOKE ALL ON FUNCTION ringtally.inferred_final(text, text, timestamptz)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ringtally.inferred_final(text, text, timestamptz)
TO ringtally_writer, ringtally_reader;

-- The evidence. A caller is followed over a change of keys: a visit of that time
-- bears both hashes. What is called the service of a queue without one is the
-- queue itself, as the daemon has it.
CREATE FUNCTION ringtally.inferred_each(p_site text, p_from timestamptz,
    p_to timestamptz, p_what text DEFAULT NULL)
RETURNS TABLE (what text, switch text, queue text, service text,
    entered_at timestamptz, at timestamptz, call_id text, visit_no integer,
    next_switch text, next_queue text, next_service text,
    next_entered_at timestamptz, next_at timestamptz, next_call_id text,
    next_visit_no integer)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
	WITH days AS (
		SELECT coalesce(max(w.repeat_days), 0) AS n
		FROM ringtally.writer AS w WHERE w.site = p_site
	), around AS (
		SELECT v.switch, v.queue, q.service, v.entered_at, v.answered_at,
		    v.ended_at, v.call_id, v.visit_no, v.outcome,
		    v.caller_counted, v.caller, v.caller_before,
		    coalesce('s' || q.service, 'q' || v.queue) AS matter
		FROM ringtally.visit AS v
		LEFT JOIN ringtally.queue AS q USING (site, switch, queue)
		WHERE v.site = p_site AND v.entered_at >= p_from - interval '1 day'
		  AND v.entered_at < p_to + make_interval(
		      days => (SELECT n FROM days) + 2)
	), asked AS (
		SELECT * FROM around AS v
		WHERE v.entered_at >= p_from AND v.entered_at < p_to
	), heard AS (
		SELECT v.*, h.hash FROM around AS v
		CROSS JOIN unnest(ARRAY[v.caller, v.caller_before]) AS h(hash)
		WHERE v.outcome = 'answered' AND h.hash IS NOT NULL
	), of_caller AS (
		SELECT CASE WHEN v.outcome = 'answered' THEN 'repeated'
		    ELSE 'called_back' END AS what,
		    CASE WHEN v.outcome = 'answered' THEN v.answered_at
			ELSE v.ended_at END AS at, v.*, h.hash
		FROM asked AS v
		CROSS JOIN unnest(ARRAY[v.caller, v.caller_before]) AS h(hash)
		WHERE v.caller_counted AND v.outcome IN ('answered', 'abandoned')
		  AND h.hash IS NOT NULL
	), pairs AS (
		SELECT v.what, v.at, v.switch, v.queue, v.service, v.entered_at,
		    v.call_id, v.visit_no, w.switch AS w_switch,
		    w.queue AS w_queue, w.service AS w_service,
		    w.entered_at AS w_entered_at, w.answered_at AS w_at,
		    w.call_id AS w_call_id, w.visit_no AS w_visit_no
		FROM of_caller AS v JOIN heard AS w ON w.hash = v.hash
		WHERE CASE v.what
		    WHEN 'repeated' THEN w.answered_at > v.at
			AND w.answered_at <= v.at
			    + make_interval(days => (SELECT n FROM days))
			AND w.matter = v.matter
			AND (w.switch, w.call_id) <> (v.switch, v.call_id)
		    ELSE w.answered_at >= v.at
			AND w.answered_at <= v.at + interval '1 day' END
		UNION ALL
		SELECT 'misrouted', v.answered_at, v.switch, v.queue, v.service,
		    v.entered_at, v.call_id, v.visit_no, w.switch, w.queue,
		    w.service, w.entered_at, w.answered_at, w.call_id, w.visit_no
		FROM (SELECT DISTINCT ON (v.switch, v.call_id, v.visit_no) v.*,
			w.visit_no AS next_no, w.entered_at AS next_at
		    FROM asked AS v JOIN around AS w USING (switch, call_id)
		    WHERE v.outcome = 'answered' AND w.visit_no <> v.visit_no
		      AND (w.entered_at > v.answered_at
			OR w.entered_at = v.answered_at
			    AND w.visit_no > v.visit_no)
		    ORDER BY v.switch, v.call_id, v.visit_no, w.entered_at,
			w.visit_no) AS v
		JOIN around AS w ON w.switch = v.switch
		    AND w.call_id = v.call_id AND w.visit_no = v.next_no
		    AND w.entered_at = v.next_at
		WHERE w.matter <> v.matter
	)
	SELECT DISTINCT ON (p.entered_at, p.switch, p.call_id, p.visit_no, p.what)
	    p.what, p.switch, p.queue, p.service, p.entered_at, p.at, p.call_id,
	    p.visit_no, p.w_switch, p.w_queue, p.w_service, p.w_entered_at,
	    p.w_at, p.w_call_id, p.w_visit_no
	FROM pairs AS p
	WHERE p_what IS NULL OR p.what = p_what
	ORDER BY p.entered_at, p.switch, p.call_id, p.visit_no, p.what, p.w_at,
	    p.w_call_id, p.w_visit_no
$$;
COMMENT ON FUNCTION
    ringtally.inferred_each(text, timestamptz, timestamptz, text) IS
    'The calls that an inferred figure is made of: each visit that entered from p_from until before p_to and is counted in repeated, misrouted or called_back (p_what; NULL: all of them), and the visit by which it is. Tells no caller. Of callers who were forgotten, of visits that are kept no longer and of calls that go on it can show nothing.';
REVOKE ALL ON FUNCTION
    ringtally.inferred_each(text, timestamptz, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    ringtally.inferred_each(text, timestamptz, timestamptz, text)
    TO ringtally_reader;

CREATE OR REPLACE VIEW ringtally.service_level AS
SELECT i.switch, i.queue, i.service, i.starts_at, i.offered, i.answered,
    i.abandoned, i.abandoned_short, i.timed_out, i.exited_key, i.exited_empty,
    i.withdrawn, i.refused, i.lost, i.waiting, r.*,
    round(i.max_wait_ms / 1000.0, 1) AS max_wait_s, i.site,
    i.caller_known, i.repeated, i.misrouted, i.abandoned_known, i.called_back,
    ringtally.pct(i.repeated, i.caller_known) AS inferred_repeat_pct,
    ringtally.pct(i.misrouted, i.answered) AS inferred_misrouted_pct,
    ringtally.pct(i.called_back, i.abandoned_known) AS inferred_callback_pct,
    ringtally.inferred_final(i.site, i.switch, i.starts_at) AS inferred_final
FROM ringtally.queue_interval AS i
CROSS JOIN LATERAL ringtally.rates(i.offered, i.answered, i.abandoned,
    i.abandoned_short, i.wait_answered_ms, i.talk_ms, i.hold_ms,
    i.wrap_up_ms, i.wait_answered_hist, i.wait_abandoned_hist) AS r;

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
    i.abandoned, i.abandoned_short, i.timed_out, i.exited_key, i.exited_empty,
    i.withdrawn, i.refused, i.lost, i.waiting, r.*,
    round(i.max_wait_ms / 1000.0, 1) AS max_wait_s, i.site,
    i.caller_known, i.repeated, i.misrouted, i.abandoned_known, i.called_back,
    ringtally.pct(i.repeated, i.caller_known) AS inferred_repeat_pct,
    ringtally.pct(i.misrouted, i.answered) AS inferred_misrouted_pct,
    ringtally.pct(i.called_back, i.abandoned_known) AS inferred_callback_pct,
    ringtally.inferred_final(i.site, i.switch, i.newest_at) AS inferred_final
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
	max(i.starts_at) AS newest_at,
	ringtally.hist_sum(i.wait_answered_hist) AS wait_answered_hist,
	ringtally.hist_sum(i.wait_abandoned_hist) AS wait_abandoned_hist
    FROM ringtally.queue_interval AS i
    LEFT JOIN ringtally.site AS s USING (site)
    GROUP BY 1, 2, 3, 4, 5) AS i
CROSS JOIN LATERAL ringtally.rates(i.offered, i.answered, i.abandoned,
    i.abandoned_short, i.wait_answered_ms, i.talk_ms, i.hold_ms,
    i.wrap_up_ms, i.wait_answered_hist, i.wait_abandoned_hist) AS r
$fmt$, period.view, period.name, period.expr);
	END LOOP;
END
$do$;

-- Comments of the new columns.
DO $do$
DECLARE
	c record;
BEGIN
	FOR c IN
	WITH own(name, about) AS (VALUES
	('inferred_repeat_pct', 'repeated / caller_known: the share of answered calls whose caller was answered again within repeat_days for the same service. Inferred, not assessed; withheld numbers are left out (answered - caller_known).'),
	('inferred_misrouted_pct', 'misrouted / answered: the share of answered visits whose call next entered a queue of another service. Inferred.'),
	('inferred_callback_pct', 'called_back / abandoned_known: the share of callers who gave up and were answered within a day: the same need, not a new one. Inferred.'),
	('inferred_final', 'Whether repeat_days have passed since: until then repeated, and with it inferred_repeat_pct, may still rise. NULL: nobody is known again.'))
	SELECT v.view, a.attname AS name, coalesce(o.about, (
	    SELECT col_description(s.attrelid, s.attnum)
	    FROM pg_attribute AS s
	    WHERE s.attrelid = 'ringtally.queue_tally'::regclass
	      AND s.attname = a.attname)) AS about
	FROM (VALUES ('queue_interval'), ('service_level'),
	    ('service_level_hour'), ('service_level_day')) AS v(view)
	JOIN pg_attribute AS a ON a.attrelid = ('ringtally.' || v.view)::regclass
	LEFT JOIN own AS o ON o.name = a.attname
	WHERE a.attnum > 0 AND (o.name IS NOT NULL OR a.attname IN
	    ('caller_known', 'repeated', 'misrouted', 'abandoned_known',
	    'called_back'))
	LOOP
		EXECUTE format('COMMENT ON COLUMN ringtally.%I.%I IS %L',
		    c.view, c.name, c.about);
	END LOOP;
END
$do$;

-- On the day of a key change a caller stands under two hashes: they are one by
-- the former.
CREATE OR REPLACE FUNCTION ringtally.callbacks(p_site text, p_switches text[],
    p_since timestamptz, p_most integer)
RETURNS TABLE (switch text, queue text, call_id text, visit_no integer,
    entered_at timestamptz, ended_at timestamptz, wait_ms bigint,
    through_at timestamptz, caller bytea)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
	WITH told AS (
		SELECT v.switch, v.queue, v.call_id, v.visit_no, v.entered_at,
		    v.wait_ms, v.caller, coalesce(v.caller_before, v.caller) AS who,
		    v.outcome = 'abandoned' AS gone,
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
		    o.wait_ms, o.caller, coalesce(o.caller_before, o.caller),
		    o.outcome = 'abandoned',
		    CASE WHEN o.outcome = 'abandoned' THEN o.ended_at
			ELSE o.answered_at END, o.answered_at
		FROM ringtally.open_visit AS o
		WHERE o.site = p_site AND o.switch = ANY (p_switches)
		  AND (o.state = 'talking'
		    OR o.state = 'ended' AND get_byte(o.heard, 3) & 2 = 0)
		  AND (o.outcome = 'abandoned' AND o.entered_at >= p_since
		    OR o.answered_at >= p_since AND o.caller IS NOT NULL)
	), since AS (
		SELECT *, min(t.answered_at) OVER (
		    PARTITION BY t.switch, t.who
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

-- What was said of sampling periods that have ended: as soon as all of their
-- days are counted, and as long as they are kept. contact_say() says it, as it
-- says the figures of days.
CREATE TABLE ringtally.contact_sample_said (
	site text COLLATE "C" NOT NULL,
	name text COLLATE "C" NOT NULL,
	version integer NOT NULL,
	said_at timestamptz NOT NULL DEFAULT now(),
	starts_on date NOT NULL,
	ends_on date NOT NULL,
	channel text COLLATE "C",
	service text COLLATE "C",
	contacts bigint NOT NULL,
	sheet_contacts bigint NOT NULL,
	sample_size bigint NOT NULL,
	avoidable bigint NOT NULL,
	requests bigint NOT NULL,
	resolved bigint NOT NULL,
	resolved_known bigint NOT NULL,
	why text,
	PRIMARY KEY (site, name, version)
);
CREATE FUNCTION ringtally.contact_sample_unsaid(p_site text)
RETURNS SETOF ringtally.contact_sample_said
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off AS $$
	WITH zone AS (
		SELECT z.name, (now() AT TIME ZONE z.name)::date AS today
		FROM (SELECT coalesce((SELECT s.timezone FROM ringtally.site
		    AS s WHERE s.site = p_site), 'UTC')) AS z(name)
	), now AS (
		SELECT p.name, p.starts_on, p.ends_on, p.channel, p.service,
		    c.contacts + h.contacts AS contacts,
		    h.contacts AS sheet_contacts,
		    c.assessed + h.assessed AS sample_size,
		    c.avoidable + h.avoidable AS avoidable,
		    r.n + h.requests AS requests,
		    c.resolved + h.resolved AS resolved,
		    c.resolved_known + h.resolved_known AS resolved_known
		FROM ringtally.contact_periods(p_site) AS p CROSS JOIN zone
		CROSS JOIN LATERAL (SELECT
			coalesce(sum(c.contacts), 0)::bigint AS contacts,
			coalesce(sum(c.assessed), 0)::bigint AS assessed,
			coalesce(sum(c.avoidable), 0)::bigint AS avoidable,
			coalesce(sum(c.resolved), 0)::bigint AS resolved,
			coalesce(sum(c.resolved_known), 0)::bigint
			    AS resolved_known
		    FROM ringtally.contact_cell AS c WHERE c.site = p_site
		      AND c.day BETWEEN p.starts_on AND p.ends_on
		      AND c.channel = coalesce(p.channel, c.channel)
		      AND c.service = coalesce(p.service, c.service)) AS c
		CROSS JOIN LATERAL (SELECT count(DISTINCT q.request) AS n
		    FROM ringtally.contact_cell AS c, unnest(c.requests)
			AS q(request) WHERE c.site = p_site
		      AND c.day BETWEEN p.starts_on AND p.ends_on
		      AND c.channel = coalesce(p.channel, c.channel)
		      AND c.service = coalesce(p.service, c.service)) AS r
		CROSS JOIN LATERAL ringtally.contact_sheets(p_site, p) AS h
		WHERE p.ends_on < zone.today AND p.starts_on >= zone.today
		    - (ringtally.contact_settings(p_site)).keep_contacts_days
		  AND NOT EXISTS (SELECT FROM ringtally.contact_days() AS d
		    WHERE d.site = p_site
		      AND d.day BETWEEN p.starts_on AND p.ends_on
		      AND NOT EXISTS (SELECT FROM ringtally.contact_counted AS o
			WHERE o.site = p_site AND o.day = d.day))
	), said AS (
		SELECT DISTINCT ON (s.name) s.*
		FROM ringtally.contact_sample_said AS s WHERE s.site = p_site
		ORDER BY s.name, s.version DESC
	)
	SELECT p_site, n.name, coalesce(s.version, 0) + 1, NULL::timestamptz,
	    n.starts_on, n.ends_on, n.channel, n.service, n.contacts,
	    n.sheet_contacts, n.sample_size, n.avoidable, n.requests,
	    n.resolved, n.resolved_known, CASE WHEN s.name IS NOT NULL
	    THEN coalesce(nullif(concat_ws('; ', r.lines,
		nullif(t.n, 0) || ' contacts told or changed'), ''),
		CASE WHEN n.contacts > s.contacts
		THEN 'calls that were heard of later'
		ELSE 'contacts that are counted elsewhere now, or kept no more'
		END) END
	FROM now AS n LEFT JOIN said AS s USING (name) CROSS JOIN zone
	LEFT JOIN LATERAL (SELECT string_agg(l.line, '; ' ORDER BY l.line)
		AS lines
	    FROM (SELECT k.line FROM ringtally.contact_meant(p_site) AS k
		WHERE k.changed_at >= s.said_at AND CASE
		    WHEN k.what IN ('sheet', 'sampling_period')
		    THEN k.name = n.name
		    ELSE k.what <> 'setting' AND k.from_day <= n.ends_on
			AND k.to_day >= n.starts_on
			AND coalesce(n.channel = ANY (k.channels),
			    (k.channels IS NULL OR n.channel IS NULL))
			AND coalesce(n.service = ANY (k.services),
			    (k.services IS NULL OR n.service IS NULL)) END
		UNION
		SELECT concat_ws(': ', CASE WHEN k.new IS NULL
		    THEN (k.old->>'contacts') || ' contacts deleted'
		    ELSE 'contact ' || k.name END, k.why)
		FROM ringtally.contact_change AS k
		CROSS JOIN LATERAL (VALUES (k.old), (k.new)) AS e(v)
		WHERE k.site = p_site AND k.what = 'contact'
		  AND k.changed_at >= s.said_at
		  AND (e.v->>'day')::date BETWEEN n.starts_on AND n.ends_on
		  AND e.v->>'channel' = coalesce(n.channel, e.v->>'channel')
		  AND (n.service IS NULL OR n.service = e.v->>'service')
		ORDER BY 1 LIMIT 10) AS l) AS r ON s.name IS NOT NULL
	LEFT JOIN LATERAL (SELECT count(*) AS n
	    FROM ringtally.contact AS c
	    CROSS JOIN LATERAL ringtally.contact_service(c.site, c.service,
		c.code, c.switch, c.queue,
		(c.counts_at AT TIME ZONE zone.name)::date) AS v
	    WHERE c.site = p_site AND c.written_at >= s.said_at
	      AND c.counts_at >= n.starts_on::timestamp AT TIME ZONE zone.name
	      AND c.counts_at < (n.ends_on + 1)::timestamp
		AT TIME ZONE zone.name
	      AND c.channel = coalesce(n.channel, c.channel)
	      AND coalesce(v.service = n.service, n.service IS NULL)) AS t
	    ON s.name IS NOT NULL
	WHERE (n.starts_on, n.ends_on, n.channel, n.service, n.contacts,
	    n.sheet_contacts, n.sample_size, n.avoidable, n.requests,
	    n.resolved, n.resolved_known) IS DISTINCT FROM (s.starts_on,
	    s.ends_on, s.channel, s.service, s.contacts, s.sheet_contacts,
	    s.sample_size, s.avoidable, s.requests, s.resolved,
	    s.resolved_known)
$$;
COMMENT ON FUNCTION ringtally.contact_sample_unsaid(text) IS
    'Figures of ended sampling periods that were not said, or were said otherwise; and why.';

CREATE VIEW ringtally.contact_sample_recount AS
SELECT w.name, w.version, w.said_at, o.contacts AS old_contacts,
    w.contacts AS new_contacts, o.sheet_contacts AS old_sheet_contacts,
    w.sheet_contacts AS new_sheet_contacts, o.sample_size AS old_sample_size,
    w.sample_size AS new_sample_size, o.avoidable AS old_avoidable,
    w.avoidable AS new_avoidable,
    ringtally.pct(o.avoidable, o.sample_size) AS old_ni14_pct,
    ringtally.pct(w.avoidable, w.sample_size) AS new_ni14_pct, w.why, w.site
FROM (TABLE ringtally.contact_sample_said
    UNION ALL
    SELECT u.* FROM (SELECT DISTINCT site
	FROM ringtally.contact_sample_said) AS o
    CROSS JOIN LATERAL ringtally.contact_sample_unsaid(o.site) AS u) AS w
LEFT JOIN ringtally.contact_sample_said AS o ON o.site = w.site
    AND o.name = w.name AND o.version = w.version - 1
WHERE w.why IS NOT NULL;

COMMENT ON TABLE ringtally.contact_sample_said IS
    'The figures of each sampling period as they were said when it had ended; another version for each time that they had changed.';
COMMENT ON VIEW ringtally.contact_sample_recount IS
    'Where the figure of a sampling period that was said has changed since: by its contacts, by a sheet, by another meaning. A row without said_at is not said yet.';
-- columns of one name mean one thing
DO $do$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT a.attrelid::regclass AS rel, a.attname,
	    coalesce(w.about, (SELECT col_description(s.attrelid, s.attnum)
		FROM pg_attribute AS s
		WHERE s.attname = a.attname AND s.attrelid IN (
		    'ringtally.contact_recount'::regclass,
		    'ringtally.contact_said'::regclass) LIMIT 1)) AS about
	    FROM pg_attribute AS a
	    LEFT JOIN (VALUES
	('starts_on', 'Its first local day.'),
	('ends_on', 'Its last local day.'),
	('sheet_contacts', 'Of the contacts, those counted by hand.'),
	('sample_size', 'Contacts assessed: the whole of the share.'),
	('old_sheet_contacts', 'sheet_contacts, as said before.'),
	('new_sheet_contacts', 'sheet_contacts, as said with this version.'),
	('old_sample_size', 'sample_size, as said before.'),
	('new_sample_size', 'sample_size, as said with this version.'),
	('name', 'The sampling period.'),
	('channel', 'Only contacts of this channel; NULL: of any.'),
	('service', 'Only contacts of this service; NULL: of any.'),
	('avoidable', 'Those assessed as avoidable.'),
	('old_ni14_pct', 'NI 14 of the sample, avoidable / sample_size, as said before.'),
	('new_ni14_pct', 'The same, as said with this version.'))
	    AS w(name, about) ON w.name = a.attname
	    WHERE a.attnum > 0 AND a.attrelid IN (
		'ringtally.contact_sample_said'::regclass,
		'ringtally.contact_sample_recount'::regclass)
	LOOP
		EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', c.rel,
		    c.attname, c.about);
	END LOOP;
END
$do$;
REVOKE ALL ON FUNCTION ringtally.contact_sample_unsaid(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ringtally.contact_sample_unsaid(text)
TO ringtally_writer, ringtally_reader;
GRANT SELECT ON ringtally.contact_sample_said, ringtally.contact_sample_recount
TO ringtally_writer, ringtally_reader;
