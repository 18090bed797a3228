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
