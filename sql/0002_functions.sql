-- SPDX-License-Identifier: BSD-2-Clause
-- The functions: histograms and shares for the analyst, the writer's guard,
-- and the months of visits.

-- Histograms and shares. All of them treat NULL and what is out of bounds as 0.

CREATE FUNCTION ringtally.answered_within(hist integer[], seconds integer)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN seconds IS NOT NULL THEN coalesce(sum(n), 0) END
	FROM unnest(hist[:seconds]) AS n
$$;
COMMENT ON FUNCTION ringtally.answered_within(integer[], integer) IS
    'How many of a histogram waited at most that many seconds, for any whole number of them: answered_within(wait_answered_hist, 30).';

CREATE FUNCTION ringtally.hist_total(hist integer[])
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT coalesce(sum(n), 0) FROM unnest(hist) AS n
$$;
COMMENT ON FUNCTION ringtally.hist_total(integer[]) IS
    'How many waits a histogram holds.';

CREATE FUNCTION ringtally.hist_percentile(hist integer[], pct numeric)
RETURNS integer LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
	total bigint := ringtally.hist_total(hist);
	seen bigint := 0;
BEGIN
	IF total <= 0 THEN
		RETURN NULL;
	END IF;
	FOR bin IN array_lower(hist, 1) .. array_upper(hist, 1) LOOP
		seen := seen + coalesce(hist[bin], 0);
		IF seen * 100 >= pct * total THEN
			RETURN bin;
		END IF;
	END LOOP;
	RETURN array_upper(hist, 1);
END
$$;
COMMENT ON FUNCTION ringtally.hist_percentile(integer[], numeric) IS
    'The smallest number of seconds that at least pct percent of the waits did not exceed (the nearest-rank percentile); NULL when there are none.';

CREATE FUNCTION ringtally.hist_add(a integer[], b integer[])
RETURNS integer[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	low integer := array_lower(b, 1);
	high integer := array_upper(b, 1);
BEGIN
	IF low IS NULL THEN
		RETURN a;
	END IF;
	IF array_lower(a, 1) IS NULL THEN
		RETURN b;
	END IF;
	FOR bin IN low .. high LOOP
		IF b[bin] <> 0 THEN
			a[bin] := coalesce(a[bin], 0) + b[bin];
		END IF;
	END LOOP;
	RETURN a;
END
$$;
COMMENT ON FUNCTION ringtally.hist_add(integer[], integer[]) IS
    'The sum of two histograms.';

CREATE AGGREGATE ringtally.hist_sum(integer[]) (
	SFUNC = ringtally.hist_add,
	STYPE = integer[],
	COMBINEFUNC = ringtally.hist_add,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE ringtally.hist_sum(integer[]) IS
    'The sum of histograms: of several intervals or queues.';

CREATE FUNCTION ringtally.pct(part numeric, whole numeric)
RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT round(100 * part / nullif(whole, 0), 1)
$$;
COMMENT ON FUNCTION ringtally.pct(numeric, numeric) IS
    'A share in percent, to one decimal; NULL when the whole is nothing.';

-- The writer's guard. A daemon calls take_over() once for each session, then
-- advance() as the first statement of each of its transactions.

CREATE FUNCTION ringtally.writer_lock(p_site text, p_switch text)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT hashtextextended(
	    'ringtally writer ' || p_site || chr(1) || p_switch, 0)
$$;
COMMENT ON FUNCTION ringtally.writer_lock(text, text) IS
    'The key of the advisory lock that the session of the writer of a switch holds.';

CREATE FUNCTION ringtally.take_over(p_site text, p_switches text[],
    p_instance text, p_former text, p_holder text, p_lease interval,
    OUT granted boolean, OUT mine boolean, OUT seq bigint,
    OUT locked boolean, OUT held_by text)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	w record;
	got bigint[] := '{}';
	key bigint;
	have boolean;
BEGIN
	INSERT INTO ringtally.writer (site, switch)
	SELECT p_site, s FROM unnest(p_switches) AS s ORDER BY s
	ON CONFLICT DO NOTHING;
	granted := true;
	mine := true;
	locked := true;
	-- this waits until a transaction in doubt is decided
	FOR w IN SELECT * FROM ringtally.writer AS r
	    WHERE r.site = p_site AND r.switch = ANY (p_switches)
	    ORDER BY r.switch FOR UPDATE
	LOOP
		key := ringtally.writer_lock(w.site, w.switch);
		have := pg_try_advisory_lock(key);
		IF have THEN
			got := got || key;
		END IF;
		locked := locked AND have;
		seq := greatest(seq, w.seq);
		CONTINUE WHEN w.instance = p_instance;
		mine := false;
		-- A free lock tells of a dead session only where the session
		-- had it: a writer without it is trusted until its lease ends.
		IF NOT (w.released OR (w.locked AND have) OR
		    coalesce(w.instance = p_former, false) OR
		    coalesce(w.renewed_at < clock_timestamp() - p_lease,
			true)) THEN
			granted := false;
			held_by := concat_ws('; ', held_by,
			    format('switch %s is written by %s', w.switch,
			    w.holder));
		END IF;
	END LOOP;
	IF NOT granted THEN
		mine := false;
		locked := false;
		PERFORM pg_advisory_unlock(k) FROM unnest(got) AS k;
		RETURN;
	END IF;
	UPDATE ringtally.writer AS r SET locked = take_over.locked,
	    renewed_at = clock_timestamp()
	WHERE r.site = p_site AND r.switch = ANY (p_switches);
	IF NOT mine THEN
		UPDATE ringtally.writer AS r SET seq = take_over.seq,
		    instance = p_instance, holder = p_holder, released = false
		WHERE r.site = p_site AND r.switch = ANY (p_switches);
	END IF;
END
$$;
COMMENT ON FUNCTION ringtally.take_over(text, text[], text, text, text,
    interval) IS
    'Asks to be the writer of these switches. Granted where each of them is ours (of p_instance, or of p_former, which it then replaces), or was released, or its writer''s session is dead (its advisory lock is free), or was not renewed within the lease. mine: all of them held p_instance already, so that seq tells which of its transactions was the last. locked: this session has all advisory locks. held_by: where not granted, who has them.';

CREATE FUNCTION ringtally.advance(p_site text, p_switches text[],
    p_instance text, p_seq bigint, p_clocks timestamptz[],
    p_leaps timestamptz[], p_lock boolean)
RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	w record;
	held integer := 0;
	have boolean := true;
BEGIN
	FOR w IN SELECT * FROM ringtally.writer AS r
	    WHERE r.site = p_site AND r.switch = ANY (p_switches)
	    ORDER BY r.switch FOR UPDATE
	LOOP
		IF w.instance IS DISTINCT FROM p_instance
		    OR w.seq <> p_seq - 1 THEN
			RAISE EXCEPTION USING ERRCODE = 'RT001', MESSAGE =
			    format('transaction %s of %s is refused: '
			    'switch %s is at %s of %s', p_seq, p_instance,
			    w.switch, w.seq, coalesce(w.holder, 'nobody'));
		END IF;
		IF p_lock AND NOT w.locked THEN
			have := pg_try_advisory_lock(ringtally.writer_lock(
			    w.site, w.switch)) AND have;
		END IF;
		held := held + 1;
	END LOOP;
	IF held <> cardinality(p_switches) THEN
		RAISE EXCEPTION USING ERRCODE = 'RT001', MESSAGE =
		    format('transaction %s of %s is refused: %s of %s switches '
		    'have no writer', p_seq, p_instance,
		    cardinality(p_switches) - held, cardinality(p_switches));
	END IF;
	UPDATE ringtally.writer AS r SET seq = p_seq, released = false,
	    locked = r.locked OR (p_lock AND have),
	    renewed_at = clock_timestamp(),
	    clock_at = c.clock_at, leap_at = c.leap_at
	FROM unnest(p_switches, p_clocks, p_leaps)
	    AS c(switch, clock_at, leap_at)
	WHERE r.site = p_site AND r.switch = c.switch;
	RETURN have;
END
$$;
COMMENT ON FUNCTION ringtally.advance(text, text[], text, bigint,
    timestamptz[], timestamptz[], boolean) IS
    'Begins transaction number p_seq of the daemon p_instance. Raises RT001, which undoes the whole transaction, unless it is the writer of all these switches and its last transaction was p_seq - 1. Keeps the switches'' event clocks. p_lock: tries again for advisory locks that take_over() did not get; returns whether all are held.';

CREATE FUNCTION ringtally.release(p_site text, p_switches text[],
    p_instance text)
RETURNS void LANGUAGE sql VOLATILE AS $$
	UPDATE ringtally.writer SET released = true
	WHERE site = p_site AND switch = ANY (p_switches)
	  AND instance = p_instance
$$;
COMMENT ON FUNCTION ringtally.release(text, text[], text) IS
    'Part of the last transaction of a daemon that ends in good order: the next one need not wait.';

-- The months of visits. These run with the rights of ringtally_owner.

CREATE FUNCTION ringtally.visit_month_make(p_month timestamptz)
RETURNS boolean LANGUAGE plpgsql VOLATILE
SET timezone = 'UTC' SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	low timestamptz := date_trunc('month', p_month);
	high timestamptz := low + interval '1 month';
	name text := 'visit_' || to_char(low, 'YYYY_MM');
BEGIN
	IF to_regclass('ringtally.' || name) IS NOT NULL THEN
		RETURN false;
	END IF;
	LOCK TABLE ringtally.visit_default IN ACCESS EXCLUSIVE MODE;
	EXECUTE format('CREATE TABLE ringtally.%I (LIKE ringtally.visit '
	    'INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
	EXECUTE format('WITH moved AS (DELETE FROM ringtally.visit_default '
	    'WHERE entered_at >= %L AND entered_at < %L RETURNING *) '
	    'INSERT INTO ringtally.%I SELECT * FROM moved', low, high, name);
	EXECUTE format('ALTER TABLE ringtally.visit ATTACH PARTITION '
	    'ringtally.%I FOR VALUES FROM (%L) TO (%L)', name, low, high);
	EXECUTE format('COMMENT ON TABLE ringtally.%I IS %L', name,
	    'Visits that arrived in ' || to_char(low, 'FMMonth YYYY') ||
	    ' (UTC). Same columns as visit.');
	RETURN true;
END
$$;
COMMENT ON FUNCTION ringtally.visit_month_make(timestamptz) IS
    'Makes the partition of a month and moves visits into it that wait in visit_default; false: it was there. For keep_partitions() and ensure_visit_month() only.';

CREATE FUNCTION ringtally.ensure_visit_month(p_site text, p_at timestamptz)
RETURNS boolean LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET timezone = 'UTC' SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s' AS $$
DECLARE
	keep integer;
BEGIN
	SELECT keep_visits_days INTO keep FROM ringtally.site
	WHERE site = p_site;
	IF keep IS NULL OR p_at IS NULL
	    OR p_at < now() - make_interval(days => keep)
	    OR p_at > now() + interval '3 months' THEN
		RETURN false;
	END IF;
	-- one maker at a time; the others then find it made
	PERFORM pg_advisory_xact_lock(
	    hashtextextended('ringtally visit months', 0));
	RETURN ringtally.visit_month_make(p_at);
END
$$;
COMMENT ON FUNCTION ringtally.ensure_visit_month(text, timestamptz) IS
    'Makes the partition for visits of that time where the site keeps such visits; true: it is new.';

CREATE FUNCTION ringtally.keep_partitions(p_site text, p_keep_days integer)
RETURNS SETOF text LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET timezone = 'UTC' SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s' AS $$
DECLARE
	longest integer;
	month timestamptz;
	part record;
	n bigint;
BEGIN
	IF p_keep_days IS NULL OR p_keep_days < 1 THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
		    MESSAGE = 'visits are kept for one day at least';
	END IF;
	PERFORM pg_advisory_xact_lock(
	    hashtextextended('ringtally visit months', 0));
	FOR i IN 0 .. 3 LOOP
		month := date_trunc('month', now()) + make_interval(months => i);
		IF ringtally.visit_month_make(month) THEN
			RETURN NEXT 'made the month ' || to_char(month, 'YYYY-MM');
		END IF;
	END LOOP;
	-- a month goes when no site of this database keeps it
	SELECT greatest(p_keep_days, max(keep_visits_days)) INTO longest
	FROM ringtally.site WHERE site <> p_site;
	FOR part IN SELECT c.relname AS name,
	    to_timestamp(right(c.relname, 7), 'YYYY_MM') AS low
	    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
	    WHERE i.inhparent = 'ringtally.visit'::regclass
	      AND c.relname ~ '^visit_[0-9]{4}_[0-9]{2}$'
	    ORDER BY c.relname
	LOOP
		IF part.low + interval '1 month'
		    <= now() - make_interval(days => longest) THEN
			EXECUTE format('DROP TABLE ringtally.%I', part.name);
			RETURN NEXT 'dropped the month ' ||
			    to_char(part.low, 'YYYY-MM');
		END IF;
	END LOOP;
	DELETE FROM ringtally.visit_default
	WHERE entered_at < now() - make_interval(days => longest);
	GET DIAGNOSTICS n = ROW_COUNT;
	IF n > 0 THEN
		RETURN NEXT format('deleted %s visits older than %s days', n,
		    longest);
	END IF;
	IF p_keep_days < longest THEN
		DELETE FROM ringtally.visit WHERE site = p_site
		  AND entered_at < now() - make_interval(days => p_keep_days);
		GET DIAGNOSTICS n = ROW_COUNT;
		IF n > 0 THEN
			RETURN NEXT format('deleted %s visits of %s older than '
			    '%s days', n, p_site, p_keep_days);
		END IF;
	END IF;
END
$$;
COMMENT ON FUNCTION ringtally.keep_partitions(text, integer) IS
    'Makes the months of visits ahead (this one and three more) and lets go of what is older than p_keep_days: whole months that no site keeps, and the rows of this site in months that others keep longer. Returns a line for each thing done.';
