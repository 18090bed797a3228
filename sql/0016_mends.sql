-- SPDX-License-Identifier: BSD-2-Clause
-- What the functions of before got wrong at their edges.

-- 0 days: what was kept before goes, too.
CREATE OR REPLACE FUNCTION ringtally.keep_partitions(p_site text, p_keep_days integer)
RETURNS SETOF text LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET timezone = 'UTC' SET search_path = pg_catalog, pg_temp
SET lock_timeout = '2s' AS $$
DECLARE
	longest integer;
	month timestamptz;
	part record;
	n bigint;
BEGIN
	IF p_keep_days IS NULL OR p_keep_days < 0 THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
		    MESSAGE = 'visits are kept for a number of days, or 0';
	END IF;
	PERFORM pg_advisory_xact_lock(
	    hashtextextended('ringtally visit months', 0));
	FOR i IN 0 .. 3 LOOP
		EXIT WHEN p_keep_days = 0;
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
	IF p_keep_days < longest OR p_keep_days = 0 THEN
		DELETE FROM ringtally.visit WHERE site = p_site
		  AND (p_keep_days = 0 OR
		    entered_at < now() - make_interval(days => p_keep_days));
		GET DIAGNOSTICS n = ROW_COUNT;
		IF n > 0 AND p_keep_days = 0 THEN
			RETURN NEXT format('deleted %s visits of %s, which '
			    'keeps none', n, p_site);
		ELSIF n > 0 THEN
			RETURN NEXT format('deleted %s visits of %s older than '
			    '%s days', n, p_site, p_keep_days);
		END IF;
	END IF;
END
$$;
COMMENT ON FUNCTION ringtally.keep_partitions(text, integer) IS
    'Makes the months of visits ahead (this one and three more) and lets go of what is older than p_keep_days: whole months that no site keeps, and the rows of this site in months that others keep longer. 0: the site keeps no visits, and all of its rows go. Returns a line for each thing done.';

-- So that a key that was lost, or is another daemon's, is noticed.
ALTER TABLE ringtally.site ADD COLUMN caller_key text;
COMMENT ON COLUMN ringtally.site.caller_key IS
    'Which key the site''s callers are hashed with: a keyed hash of a constant text, from which neither the key nor a number can be found; NULL: none yet.';

-- How long those waited of whom a histogram knows "more than two hours" can not
-- be told: neither how many of them a longer threshold takes in, nor where among
-- them a percentile lies. See hist_within() and hist_percentile() in
-- src/base/hist.h.
CREATE OR REPLACE FUNCTION ringtally.answered_within(hist integer[],
    seconds integer)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT CASE WHEN seconds > 7200 AND hist[7201] <> 0 THEN NULL
	    WHEN seconds IS NOT NULL THEN coalesce(sum(n), 0) END
	FROM unnest(hist[:seconds]) AS n
$$;
COMMENT ON FUNCTION ringtally.answered_within(integer[], integer) IS
    'How many of a histogram waited at most that many seconds, for any whole number of them: answered_within(wait_answered_hist, 30). NULL for more than 7200 where some waited longer than that: how long is not known.';

CREATE OR REPLACE FUNCTION ringtally.hist_percentile(hist integer[],
    pct numeric)
RETURNS integer LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
	total bigint := ringtally.hist_total(hist);
	seen bigint := 0;
BEGIN
	IF total <= 0 THEN
		RETURN NULL;
	END IF;
	FOR bin IN array_lower(hist, 1) .. least(array_upper(hist, 1), 7200)
	LOOP
		seen := seen + coalesce(hist[bin], 0);
		IF seen * 100 >= pct * total THEN
			RETURN bin;
		END IF;
	END LOOP;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION ringtally.hist_percentile(integer[], numeric) IS
    'The smallest number of seconds that at least pct percent of the waits did not exceed (the nearest-rank percentile); NULL when there are none, when it is more than 7200, and for more than 100 percent.';

DO $$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT a.attrelid::regclass AS name, a.attname AS attribute,
	    col_description(a.attrelid, a.attnum) AS text
	    FROM pg_attribute AS a JOIN pg_class AS r ON r.oid = a.attrelid
	    WHERE r.relnamespace = 'ringtally'::regnamespace
	      AND r.relkind = 'v' AND a.attname ~ '^p[0-9]+_wait_s$'
	LOOP
		EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', c.name,
		    c.attribute, c.text || ' NULL above two hours.');
	END LOOP;
END
$$;
