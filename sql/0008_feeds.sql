-- SPDX-License-Identifier: BSD-2-Clause
-- What feeds need that are pushed, that remember, or that tell of the same
-- calls as another one.

-- Each switch gives its feeds numbers from 0, by which visits remember who told
-- of them. A feed keeps its number.
ALTER TABLE ringtally.feed
	ADD COLUMN slot smallint NOT NULL DEFAULT 0,
	ADD COLUMN first_event_at timestamptz,
	ADD COLUMN format_state bytea,
	ADD COLUMN guarantee text NOT NULL DEFAULT '',
	ADD COLUMN connected boolean,
	ADD COLUMN connected_at timestamptz,
	ADD COLUMN status text,
	ADD COLUMN spool_bytes bigint NOT NULL DEFAULT 0,
	ADD COLUMN confirmed bigint NOT NULL DEFAULT 0,
	ADD COLUMN ambiguous bigint NOT NULL DEFAULT 0;
-- It has told of all since then: what another feed tells of these times later
-- was counted.
UPDATE ringtally.feed AS f SET slot = n.slot, first_event_at = least(
    (SELECT min(i.starts_at) FROM ringtally.feed_interval AS i
	WHERE i.site = f.site AND i.feed = f.feed), f.last_event_at)
FROM (SELECT site, feed, (row_number() OVER (PARTITION BY site, switch
	ORDER BY feed) - 1)::smallint AS slot
    FROM ringtally.feed) AS n
WHERE n.site = f.site AND n.feed = f.feed;
COMMENT ON COLUMN ringtally.feed.slot IS
    'Its number among the feeds of its switch: the bit in open_visit.heard.';
COMMENT ON COLUMN ringtally.feed.first_event_at IS
    'Time of its oldest event: from there on it has told of the switch''s calls.';
COMMENT ON COLUMN ringtally.feed.format_state IS
    'What its format remembers from record to record, of no meaning to others; of callers nothing but the keyed hash. NULL: nothing.';
COMMENT ON COLUMN ringtally.feed.guarantee IS
    'What may be lost. replayable: nothing, it is read again from where it was; acknowledged: nothing, the sender keeps it until it is safe; spooled: nothing that came in, but what is said while nobody listens; empty: not known yet.';
COMMENT ON COLUMN ringtally.feed.connected IS
    'Whether it was connected, listening, or able to read, when the row was written; false: status says why not; NULL: not known.';
COMMENT ON COLUMN ringtally.feed.connected_at IS
    'Since when; NULL: it is not.';
COMMENT ON COLUMN ringtally.feed.status IS
    'How its transport stood then, in words.';
COMMENT ON COLUMN ringtally.feed.spool_bytes IS
    'What had come in and was not yet committed, bytes on disk.';
COMMENT ON COLUMN ringtally.feed.confirmed IS
    'Events that another feed of the switch had told already; they change nothing, or make times finer.';
COMMENT ON COLUMN ringtally.feed.ambiguous IS
    'Events in the local hour that happens twice, where nothing told which of the two it was; taken for the first.';

ALTER TABLE ringtally.feed_interval
	ADD COLUMN confirmed bigint NOT NULL DEFAULT 0,
	ADD COLUMN ambiguous bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN ringtally.feed_interval.confirmed IS
    'Events that another feed of the switch had told already; they change nothing, or make times finer.';
COMMENT ON COLUMN ringtally.feed_interval.ambiguous IS
    'Events in the local hour that happens twice, where nothing told which of the two it was; taken for the first.';

ALTER TABLE ringtally.open_visit ADD COLUMN heard bytea;
COMMENT ON COLUMN ringtally.open_visit.heard IS
    'Where several feeds tell of the switch: which of them told what of the visit, by feed.slot; NULL: there is but one.';

-- Records that a sender may send again are known by a key: a call's uuid, or
-- all that the record says. Small, and dropped by age.
CREATE TABLE ringtally.feed_seen (
	site text COLLATE "C" NOT NULL,
	feed text COLLATE "C" NOT NULL,
	key bigint NOT NULL,
	seen_at timestamptz NOT NULL,
	PRIMARY KEY (site, feed, key)
);
COMMENT ON TABLE ringtally.feed_seen IS
    'Records that were counted, of feeds whose senders may send them again: one that comes a second time changes nothing.';
COMMENT ON COLUMN ringtally.feed_seen.site IS
    'The site (the organisation) whose daemon wrote the row.';
COMMENT ON COLUMN ringtally.feed_seen.feed IS
    'The feed, as named in the configuration.';
COMMENT ON COLUMN ringtally.feed_seen.key IS
    'XXH3-64 of what makes the record the same when it is sent again.';
COMMENT ON COLUMN ringtally.feed_seen.seen_at IS
    'When it came in, by the daemon''s clock.';
CREATE INDEX feed_seen_age ON ringtally.feed_seen (site, seen_at);
COMMENT ON INDEX ringtally.feed_seen_age IS
    'What is loaded at the start, and dropped by age.';

GRANT SELECT, INSERT, DELETE ON ringtally.feed_seen TO ringtally_writer;

-- What tells of a call only afterwards may not know how long it waited: such a
-- visit is in the counts and in no histogram. Then no share that asks for waits
-- can be told, and none is: NULL, as of an empty denominator.
CREATE OR REPLACE FUNCTION ringtally.rates(offered numeric, answered numeric,
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
		/ nullif(answered, 0), 1),
	    CASE WHEN known_a
		THEN ringtally.hist_percentile(wait_answered_hist, 50) END,
	    CASE WHEN known_a
		THEN ringtally.hist_percentile(wait_answered_hist, 90) END,
	    CASE WHEN known_a
		THEN ringtally.hist_percentile(wait_answered_hist, 95) END,
	    CASE WHEN known_a
		THEN ringtally.hist_percentile(wait_answered_hist, 99) END
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
	    CASE WHEN known_b THEN abandoned_short END AS short, known_a
	    FROM (SELECT
		ringtally.hist_total(wait_answered_hist) = answered AS known_a,
		ringtally.hist_total(wait_abandoned_hist) = abandoned
		    AS known_b
		OFFSET 0) AS known
	    OFFSET 0) AS within
$$;

-- A visit that has ended has no row in ringtally.visit before all feeds of its
-- switch have passed it (the second bit of heard's fourth byte): until then it
-- stands in ringtally.open_visit alone.
CREATE OR REPLACE FUNCTION ringtally.callbacks(p_site text, p_switches text[],
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
		    o.wait_ms, o.caller, o.outcome = 'abandoned',
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
