-- SPDX-License-Identifier: BSD-2-Clause
-- The page of this second, and what became of figures that were said.

-- What was counted of each local day, so that the page of this second need not
-- look at weeks of visits. A day is counted anew when something in it was
-- touched: contacts say so by a trigger, visits that came late by the
-- contact_join() that follows them; and of the last days, where calls still
-- end, after a minute without being told.
CREATE TABLE ringtally.contact_cell (
	site text COLLATE "C" NOT NULL,
	day date NOT NULL,
	channel text COLLATE "C" NOT NULL,
	service text COLLATE "C" NOT NULL,
	category text COLLATE "C" NOT NULL,
	contacts bigint NOT NULL,
	assessed bigint NOT NULL,
	avoidable bigint NOT NULL,
	contacts_with_request bigint NOT NULL,
	resolved bigint NOT NULL,
	resolved_known bigint NOT NULL,
	requests text[] COLLATE "C" NOT NULL,
	PRIMARY KEY (site, day, channel, service, category)
);
CREATE TABLE ringtally.contact_counted (
	site text COLLATE "C" NOT NULL,
	day date NOT NULL,
	counted_at timestamptz NOT NULL,
	PRIMARY KEY (site, day)
);
CREATE TABLE ringtally.contact_touched (
	site text COLLATE "C" NOT NULL,
	from_day date NOT NULL,
	to_day date NOT NULL
);
CREATE INDEX contact_touched_site ON ringtally.contact_touched (site);
COMMENT ON INDEX ringtally.contact_touched_site IS
    'What one site has to count anew.';

-- Of the last days no mark is needed, see contact_count_again().
CREATE FUNCTION ringtally.contact_touch(p_site text, p_from timestamptz,
    p_to timestamptz)
RETURNS void LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
	INSERT INTO ringtally.contact_touched (site, from_day, to_day)
	SELECT p_site, (p_from AT TIME ZONE 'UTC')::date - 1,
	    (p_to AT TIME ZONE 'UTC')::date + 1
	WHERE p_from < now() - interval '26 hours'
$$;
COMMENT ON FUNCTION ringtally.contact_touch(text, timestamptz, timestamptz) IS
    'Says that visits or contacts of these times were written or changed: their days are counted anew when somebody asks. contact_join() calls it for its period.';

CREATE FUNCTION ringtally.contact_count(p_site text, p_from date, p_to date)
RETURNS SETOF ringtally.contact_cell LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
	SELECT p_site, (c.contact_at AT TIME ZONE z.zone)::date, c.channel,
	    coalesce(c.service, ''), c.category, count(*),
	    count(*) FILTER (WHERE c.assessed),
	    count(*) FILTER (WHERE c.avoidable), count(c.request),
	    count(*) FILTER (WHERE c.resolved), count(c.resolved),
	    coalesce(array_agg(DISTINCT c.request)
		FILTER (WHERE c.request IS NOT NULL), '{}')
	FROM (SELECT coalesce((SELECT s.timezone FROM ringtally.site AS s
	    WHERE s.site = p_site), 'UTC') AS zone) AS z
	CROSS JOIN LATERAL ringtally.contact_rows(p_site,
	    p_from::timestamp AT TIME ZONE z.zone,
	    (p_to + 1)::timestamp AT TIME ZONE z.zone) AS c
	WHERE c.excluded IS NULL
	GROUP BY 1, 2, 3, 4, 5
$$;
COMMENT ON FUNCTION ringtally.contact_count(text, date, date) IS
    'Counts the contacts of local days, the last one included.';

CREATE FUNCTION ringtally.contact_count_again(p_site text, p_days date[],
    p_time interval)
RETURNS integer LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	began timestamptz := clock_timestamp();
	since timestamptz;
	step integer := 1; -- days
	low date;
	high date;
BEGIN
	-- one at a time; a mark that is not committed stays for the next
	PERFORM pg_advisory_xact_lock(
	    hashtextextended('ringtally contacts ' || p_site, 0));
	WITH marks AS (
		DELETE FROM ringtally.contact_touched WHERE site = p_site
		RETURNING from_day, to_day
	), marked AS (
		-- (what is valid to before it is valid from has no days)
		SELECT range_agg(daterange(from_day, greatest(from_day, to_day),
		    '[]')) AS days FROM marks
	)
	DELETE FROM ringtally.contact_counted AS d USING marked AS m
	WHERE d.site = p_site AND (d.day <@ m.days
	    OR d.day >= (now() AT TIME ZONE 'UTC')::date - 2
	    AND d.counted_at < now() - interval '1 minute');
	LOOP
		-- days in a row are counted at once, a week of them at most
		-- while that is quick: what calls must be over in seconds
		SELECT min(r.day), max(r.day) INTO low, high
		FROM (SELECT d.day, max(d.day) OVER () - d.day + 1
			= row_number() OVER (ORDER BY d.day DESC) AS in_row
		    FROM unnest(p_days) AS d(day)
		    WHERE NOT EXISTS (SELECT FROM ringtally.contact_counted AS o
			WHERE o.site = p_site AND o.day = d.day)
		    ORDER BY d.day DESC LIMIT step) AS r
		WHERE r.in_row;
		EXIT WHEN high IS NULL OR clock_timestamp() > began + p_time;
		since := clock_timestamp();
		DELETE FROM ringtally.contact_cell
		WHERE site = p_site AND day BETWEEN low AND high;
		INSERT INTO ringtally.contact_cell
		SELECT * FROM ringtally.contact_count(p_site, low, high);
		INSERT INTO ringtally.contact_counted (site, day, counted_at)
		SELECT p_site, d::date, now()
		FROM generate_series(low, high, interval '1 day') AS d;
		step := CASE WHEN clock_timestamp() - since
		    < interval '50 ms' * (high - low + 1) THEN 7 ELSE 1 END;
	END LOOP;
	RETURN (SELECT count(*) FROM unnest(p_days) AS d(day)
	    WHERE NOT EXISTS (SELECT FROM ringtally.contact_counted AS o
		WHERE o.site = p_site AND o.day = d.day));
END
$$;
COMMENT ON FUNCTION ringtally.contact_count_again(text, date[], interval) IS
    'Counts those of the days that were not counted, or were touched since, the last first; begins nothing more when p_time has passed. Returns how many are left.';

CREATE FUNCTION ringtally.contact_json(contacts bigint, assessed bigint,
    avoidable bigint, requests bigint, with_request bigint, resolved bigint,
    resolved_known bigint, min_coverage_pct numeric)
RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
	SELECT jsonb_build_object('contacts', contacts, 'assessed', assessed,
	    'avoidable', avoidable, 'not_assessed', r.not_assessed,
	    'coverage_pct', r.coverage_pct, 'ni14_pct', r.ni14_pct,
	    'ni14_low_pct', r.ni14_low_pct, 'ni14_high_pct', r.ni14_high_pct,
	    'ni14_why', r.ni14_why, 'requests', requests,
	    'contacts_with_request', with_request,
	    'contacts_per_request', r.contacts_per_request,
	    'resolved', resolved, 'resolved_known', resolved_known,
	    'fcr_pct', r.fcr_pct)
	FROM ringtally.contact_rates(contacts, assessed, avoidable, requests,
	    resolved, resolved_known, min_coverage_pct) AS r
$$;
COMMENT ON FUNCTION ringtally.contact_json(bigint, bigint, bigint, bigint,
    bigint, bigint, bigint, numeric) IS
    'The figures of one group of contacts, as they stand in contact_live().';

-- The page of this second.
CREATE FUNCTION ringtally.contact_live(p_site text,
    p_now timestamptz DEFAULT now())
RETURNS jsonb LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off AS $$
#variable_conflict use_column
DECLARE
	zone text := coalesce((SELECT s.timezone FROM ringtally.site AS s
	    WHERE s.site = p_site), 'UTC');
	today date := (p_now AT TIME ZONE zone)::date;
	least_pct numeric :=
	    (ringtally.contact_settings(p_site)).min_coverage_pct;
	samples ringtally.sampling_period[];
	counting integer; -- days that are not counted yet
	answer jsonb;
BEGIN
	-- those that run, else the last
	SELECT array_agg(s.p ORDER BY s.nth) INTO samples
	FROM (SELECT p, row_number() OVER (ORDER BY p.ends_on >= today DESC,
		p.ends_on DESC, p.name) AS nth
	    FROM ringtally.contact_periods(p_site) AS p
	    WHERE p.starts_on <= today) AS s
	WHERE s.nth = 1 OR (s.p).ends_on >= today;
	counting := ringtally.contact_count_again(p_site, ARRAY(
	    SELECT d::date FROM generate_series(today - 34, today - 1,
		interval '1 day') AS d
	    UNION SELECT d::date FROM unnest(samples) AS s,
		generate_series(s.starts_on, least(s.ends_on, today - 1),
		interval '1 day') AS d),
	    '1 s');

	WITH cell AS MATERIALIZED (
		SELECT c.*, c.day = today AS is_today,
		    c.day > today - 7 AS is_week, c.day > today - 28 AS is_month
		FROM (SELECT * FROM ringtally.contact_cell
		    WHERE site = p_site AND day BETWEEN today - 34
			AND today - 1
		    UNION ALL
		    SELECT * FROM ringtally.contact_count(p_site, today,
			today)) AS c
	), spent AS MATERIALIZED (
		SELECT d.span, c.channel, c.service, c.category,
		    sum(c.contacts) AS contacts, sum(c.assessed) AS assessed,
		    sum(c.avoidable) AS avoidable,
		    sum(c.contacts_with_request) AS with_request,
		    sum(c.resolved) AS resolved,
		    sum(c.resolved_known) AS resolved_known
		FROM cell AS c CROSS JOIN LATERAL (VALUES
		    (CASE WHEN c.is_today THEN 'today' END),
		    (CASE WHEN c.is_week THEN 'week' ELSE 'before' END),
		    (CASE WHEN c.is_month THEN 'month' END)) AS d(span)
		WHERE d.span IS NOT NULL
		GROUP BY 1, 2, 3, 4
	), asked AS (
		SELECT DISTINCT d.span, c.channel, c.service, r.request
		FROM cell AS c CROSS JOIN unnest(c.requests) AS r(request)
		CROSS JOIN LATERAL (VALUES
		    (CASE WHEN c.is_today THEN 'today' END),
		    (CASE WHEN c.is_month THEN 'month' END),
		    (CASE WHEN c.is_week THEN 'week' END)) AS d(span)
		WHERE d.span IS NOT NULL
	), request AS (
		SELECT span, 7 AS kind, NULL AS name, count(*) AS n
		FROM (SELECT DISTINCT span, request FROM asked) AS a
		GROUP BY 1
		UNION ALL
		SELECT span, 5, channel, count(*) FROM (SELECT DISTINCT span,
		    channel, request FROM asked) AS a GROUP BY 1, 3
		UNION ALL
		SELECT span, 3, service, count(*) FROM (SELECT DISTINCT span,
		    service, request FROM asked) AS a GROUP BY 1, 3
	), counted AS MATERIALIZED (
		SELECT s.span, s.kind, s.name, s.contacts AS n, s.assessed,
		    ringtally.contact_json(s.contacts, s.assessed, s.avoidable,
			coalesce(r.n, 0), s.with_request, s.resolved,
			s.resolved_known, least_pct) AS f
		FROM (SELECT span, grouping(service, channel, category)
			AS kind, coalesce(service, channel, category) AS name,
			sum(contacts)::bigint AS contacts,
			sum(assessed)::bigint AS assessed,
			sum(avoidable)::bigint AS avoidable,
			sum(with_request)::bigint AS with_request,
			sum(resolved)::bigint AS resolved,
			sum(resolved_known)::bigint AS resolved_known
		    FROM spent GROUP BY span, GROUPING SETS ((), (service),
			(channel), (category))) AS s
		LEFT JOIN request AS r ON r.span = s.span AND r.kind = s.kind
		    AND r.name IS NOT DISTINCT FROM s.name
	), nothing AS (
		SELECT ringtally.contact_json(0, 0, 0, 0, 0, 0, 0, least_pct)
		    AS f
	)
	SELECT jsonb_build_object(
	    'as_of', to_char(p_now AT TIME ZONE 'UTC',
		'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
	    'day', today, 'min_coverage_pct', least_pct,
	    'today', coalesce((SELECT f FROM counted
		WHERE kind = 7 AND span = 'today'), nothing.f),
	    'last_28_days', coalesce((SELECT f FROM counted
		WHERE kind = 7 AND span = 'month'), nothing.f),
	    'channels', coalesce((SELECT jsonb_agg(jsonb_build_object(
		    'channel', m.name, 'label',
		    coalesce(ringtally.contact_label('channel', p_site,
			m.name, today), m.name),
		    'today', coalesce(t.f, nothing.f)) || m.f
		    ORDER BY m.n DESC, m.name)
		FROM counted AS m
		LEFT JOIN counted AS t ON t.kind = 5 AND t.span = 'today'
		    AND t.name = m.name
		WHERE m.kind = 5 AND m.span = 'month'), '[]'),
	    'services', coalesce((SELECT jsonb_agg(jsonb_build_object(
		    'service', nullif(m.name, ''),
		    'today', coalesce(t.f, nothing.f),
		    'last_7_days', coalesce(w.f, nothing.f),
		    'before_pct', b.f->'ni14_pct',
		    'rise_points', rise.points) || m.f
		    ORDER BY rise.points DESC NULLS LAST, m.n DESC, m.name)
		FROM counted AS m
		LEFT JOIN counted AS t ON t.kind = 3 AND t.span = 'today'
		    AND t.name = m.name
		LEFT JOIN counted AS w ON w.kind = 3 AND w.span = 'week'
		    AND w.name = m.name
		LEFT JOIN counted AS b ON b.kind = 3 AND b.span = 'before'
		    AND b.name = m.name
		-- (what may well be chance is no rise)
		CROSS JOIN LATERAL (SELECT CASE
		    WHEN (w.f->>'ni14_low_pct')::numeric
			> (b.f->>'ni14_high_pct')::numeric
		    OR (w.f->>'ni14_high_pct')::numeric
			< (b.f->>'ni14_low_pct')::numeric
		    THEN (w.f->>'ni14_pct')::numeric
			- (b.f->>'ni14_pct')::numeric END) AS rise(points)
		WHERE m.kind = 3 AND m.span = 'month'), '[]'),
	    'categories', coalesce((SELECT jsonb_agg(jsonb_build_object(
		    'category', m.name, 'label',
		    coalesce(ringtally.contact_label('category', p_site,
			m.name, today), m.name),
		    'avoidable', (m.f->>'avoidable')::bigint > 0,
		    'contacts', m.assessed, 'today', coalesce(t.assessed, 0),
		    'share_pct', ringtally.pct(m.assessed,
			(SELECT a.assessed FROM counted AS a
			WHERE a.kind = 7 AND a.span = 'month')))
		    ORDER BY m.assessed DESC, m.name)
		FROM counted AS m
		LEFT JOIN counted AS t ON t.kind = 6 AND t.span = 'today'
		    AND t.name = m.name
		WHERE m.kind = 6 AND m.span = 'month' AND m.assessed > 0),
		'[]'),
	    'sampling', coalesce((SELECT jsonb_agg(jsonb_build_object(
		    'name', sample.name, 'starts_on', sample.starts_on,
		    'ends_on', sample.ends_on, 'running',
		    sample.ends_on >= today, 'channel', sample.channel,
		    'service', sample.service, 'why', sample.why,
		    'contacts', n.contacts + h.contacts,
		    'sheet_contacts', h.contacts,
		    'sample_size', n.assessed + h.assessed,
		    'avoidable', n.avoidable + h.avoidable,
		    'ni14_pct', ringtally.pct(n.avoidable + h.avoidable,
			n.assessed + h.assessed),
		    'ni14_low_pct', ringtally.wilson(n.avoidable
			+ h.avoidable, n.assessed + h.assessed, -1),
		    'ni14_high_pct', ringtally.wilson(n.avoidable
			+ h.avoidable, n.assessed + h.assessed, 1))
		    ORDER BY i)
		FROM generate_subscripts(samples, 1) AS i
		CROSS JOIN LATERAL (SELECT (samples[i]).*) AS sample
		CROSS JOIN LATERAL (SELECT coalesce(sum(c.contacts), 0) AS contacts,
			coalesce(sum(c.assessed), 0) AS assessed,
			coalesce(sum(c.avoidable), 0) AS avoidable
		    FROM (SELECT * FROM ringtally.contact_cell
			WHERE site = p_site AND day < today
			UNION ALL
			SELECT site, day, channel, service, category, contacts,
			    assessed, avoidable, contacts_with_request,
			    resolved, resolved_known, requests
			FROM cell WHERE is_today) AS c
		    WHERE c.day BETWEEN sample.starts_on AND sample.ends_on
		      AND c.channel = coalesce(sample.channel, c.channel)
		      AND c.service = coalesce(sample.service, c.service)) AS n
		CROSS JOIN LATERAL ringtally.contact_sheets(p_site, samples[i])
		    AS h), '[]'),
	    'formulas', jsonb_build_object(
		'ni14_pct', 'avoidable / assessed',
		'coverage_pct', 'assessed / contacts',
		'contacts_per_request', 'contacts / requests',
		'fcr_pct', 'resolved / resolved_known',
		'rise_points', 'ni14_pct of the last 7 days - before_pct, '
		    'where their 95 % intervals do not meet',
		'before_pct', 'ni14_pct of the 28 days before the last 7'))
	INTO answer FROM nothing;
	-- after a long back-fill: no figure of days that were not looked at
	IF counting > 0 THEN
		SELECT answer || jsonb_build_object('channels', '[]'::jsonb,
		    'services', '[]'::jsonb, 'categories', '[]'::jsonb,
		    'sampling', '[]'::jsonb, 'last_28_days',
		    jsonb_object_agg(key, NULL) || jsonb_build_object(
			'ni14_why', format('%s days are being counted',
			counting)))
		INTO answer FROM jsonb_object_keys(answer->'today') AS key;
	END IF;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION ringtally.contact_live(text, timestamptz) IS
    'The contact figures of a site now, as one document: today; the last 28 local days, today included, as a whole, by channel, by service (what rises most first) and by category (of the assessed); the sampling periods that run, or the last one. Counts anew only today and what was touched, for about a second: after a long back-fill all but today is empty until it has been asked some times.';

-- What was said of a day stands, and what it would say now: see
-- contact_recount. Why it changed is known from contact_change, which triggers
-- write, and from when contacts were written.
CREATE TABLE ringtally.contact_said (
	site text COLLATE "C" NOT NULL,
	day date NOT NULL,
	service text COLLATE "C" NOT NULL,
	channel text COLLATE "C" NOT NULL,
	version integer NOT NULL,
	said_at timestamptz NOT NULL DEFAULT now(),
	contacts bigint NOT NULL,
	assessed bigint NOT NULL,
	avoidable bigint NOT NULL,
	requests bigint NOT NULL,
	resolved bigint NOT NULL,
	resolved_known bigint NOT NULL,
	min_coverage_pct numeric NOT NULL,
	why text,
	PRIMARY KEY (site, day, service, channel, version)
);
CREATE TABLE ringtally.contact_change (
	site text COLLATE "C" NOT NULL,
	changed_at timestamptz NOT NULL DEFAULT now(),
	changed_by text NOT NULL DEFAULT session_user,
	what text NOT NULL,
	name text NOT NULL,
	old jsonb,
	new jsonb,
	why text,
	from_day date NOT NULL,
	to_day date NOT NULL
);
CREATE INDEX contact_change_at ON ringtally.contact_change (site, changed_at);
COMMENT ON INDEX ringtally.contact_change_at IS
    'What changed since a figure was said.';

-- (Of transition tables the planner knows nothing: it is told to hash.)
CREATE FUNCTION ringtally.contact_rows_changed()
RETURNS trigger LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
SET enable_nestloop = off SET enable_mergejoin = off AS $$
BEGIN
	IF TG_OP <> 'INSERT' THEN
		PERFORM ringtally.contact_touch(o.site, min(o.counts_at),
		    max(o.counts_at)) FROM old_rows AS o GROUP BY o.site;
	END IF;
	IF TG_OP <> 'DELETE' THEN
		PERFORM ringtally.contact_touch(n.site, min(n.counts_at),
		    max(n.counts_at)) FROM new_rows AS n GROUP BY n.site;
	END IF;
	-- a first word is none of another
	IF TG_OP = 'UPDATE' THEN
		INSERT INTO ringtally.contact_change (site, what, name, old,
		    new, why, from_day, to_day)
		SELECT n.site, 'contact', n.ref,
		    ringtally.contact_standing(o, d.before),
		    ringtally.contact_standing(n, d.now),
		    nullif(current_setting('ringtally.why', true), ''),
		    least(d.before, d.now), greatest(d.before, d.now)
		FROM new_rows AS n JOIN old_rows AS o USING (site, ref)
		LEFT JOIN ringtally.site AS s USING (site)
		CROSS JOIN LATERAL (SELECT
		    (o.counts_at AT TIME ZONE coalesce(s.timezone, 'UTC'))::date,
		    (n.counts_at AT TIME ZONE coalesce(s.timezone, 'UTC'))::date)
		    AS d(before, now)
		WHERE (o.category, o.code) IS DISTINCT FROM (n.category, n.code)
		  AND (o.category <> 'not_assessed' OR o.code IS NOT NULL)
		   OR o.channel <> n.channel OR d.before <> d.now
		   OR o.service IS NOT NULL
		  AND o.service IS DISTINCT FROM n.service
		   OR o.resolved IS NOT NULL
		  AND o.resolved IS DISTINCT FROM n.resolved;
	END IF;
	-- What is gone is counted and not named: somebody may have been erased.
	-- (What contact_expire() takes is in no figure any more.)
	IF TG_OP = 'DELETE' THEN
		INSERT INTO ringtally.contact_change (site, what, name, old,
		    why, from_day, to_day)
		SELECT o.site, 'contact', 'deleted',
		    jsonb_build_object('day', d.day, 'channel', o.channel,
			'service', v.service, 'contacts', count(*)),
		    nullif(current_setting('ringtally.why', true), ''),
		    d.day, d.day
		FROM old_rows AS o
		JOIN (SELECT site, now() - make_interval(days => 2
			+ (ringtally.contact_settings(site)).keep_contacts_days)
			AS low
		    FROM (SELECT DISTINCT site FROM old_rows) AS i) AS k
		    USING (site)
		LEFT JOIN ringtally.site AS s USING (site)
		CROSS JOIN LATERAL (SELECT (o.counts_at AT TIME ZONE
		    coalesce(s.timezone, 'UTC'))::date) AS d(day)
		CROSS JOIN LATERAL ringtally.contact_service(o.site, o.service,
		    o.code, o.switch, o.queue, d.day) AS v
		WHERE o.counts_at >= k.low
		GROUP BY o.site, d.day, o.channel, v.service;
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION ringtally.contact_rows_changed() IS
    'Marks the days of contacts that were written or deleted, and notes what became another: category, code, channel, service, day, resolved; of deleted ones how many. A trigger of contact.';
CREATE TRIGGER contact_inserted AFTER INSERT ON ringtally.contact
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION ringtally.contact_rows_changed();
CREATE TRIGGER contact_updated AFTER UPDATE ON ringtally.contact
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION ringtally.contact_rows_changed();
CREATE TRIGGER contact_deleted AFTER DELETE ON ringtally.contact
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION ringtally.contact_rows_changed();

CREATE FUNCTION ringtally.contact_meaning_changed()
RETURNS trigger LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	o jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
	n jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
	row jsonb := coalesce(n, o);
	low date;
	high date;
BEGIN
	-- (a sheet's row knows when it was written)
	IF n - 'written_at' = o - 'written_at' THEN
		RETURN NULL;
	END IF;
	SELECT min(coalesce(v->>'valid_from', '-infinity')::date),
	    max(coalesce(v->>'valid_to', 'infinity')::date) INTO low, high
	FROM (VALUES (o), (n)) AS r(v) WHERE v IS NOT NULL;
	INSERT INTO ringtally.contact_change (site, what, name, old, new, why,
	    from_day, to_day)
	SELECT row->>'site', replace(TG_TABLE_NAME, 'contact_', ''),
	    coalesce(row->>'period', row->>'name', row->>'code', row->>'category',
		row->>'channel', row->>'queue', row->>'site'),
	    o - 'site', n - 'site',
	    nullif(current_setting('ringtally.why', true), ''), low, high;
	-- (of samples, sheets and settings no day is made)
	INSERT INTO ringtally.contact_touched (site, from_day, to_day)
	SELECT DISTINCT s.site, low, high
	FROM (SELECT site FROM ringtally.site
	    UNION SELECT site FROM ringtally.contact_counted) AS s
	WHERE row->>'site' IN (s.site, '') AND TG_TABLE_NAME NOT IN
	    ('contact_setting', 'contact_sheet', 'sampling_period');
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION ringtally.contact_meaning_changed() IS
    'Notes what was changed of the meaning of contacts, by whom and why (the setting ringtally.why), and marks the days to count anew. A trigger.';
DO $do$
DECLARE
	rel text;
BEGIN
	FOREACH rel IN ARRAY '{contact_channel,contact_category,contact_code,contact_scope,contact_exclusion,contact_setting,contact_sheet,sampling_period}'::text[]
	LOOP
		EXECUTE format('CREATE TRIGGER meaning_changed '
		    'AFTER INSERT OR UPDATE OR DELETE ON ringtally.%I '
		    'FOR EACH ROW EXECUTE FUNCTION '
		    'ringtally.contact_meaning_changed()', rel);
	END LOOP;
END
$do$;
CREATE TRIGGER meaning_changed AFTER UPDATE OF service ON ringtally.queue
    FOR EACH ROW WHEN (OLD.service IS DISTINCT FROM NEW.service)
    EXECUTE FUNCTION ringtally.contact_meaning_changed();
CREATE TRIGGER meaning_changed AFTER UPDATE OF timezone ON ringtally.site
    FOR EACH ROW WHEN (OLD.timezone IS DISTINCT FROM NEW.timezone)
    EXECUTE FUNCTION ringtally.contact_meaning_changed();

-- Which figures may be others by a change of meaning: NULL of an exclusion is any
-- channel or service, of a queue it is none.
CREATE FUNCTION ringtally.contact_meant(p_site text)
RETURNS TABLE (what text, name text, changed_at timestamptz, from_day date,
    to_day date, line text, channels text[], services text[])
LANGUAGE sql STABLE AS $$
	SELECT k.what, k.name, k.changed_at, k.from_day, k.to_day,
	    concat_ws(': ', k.what || ' ' || k.name, k.why),
	    CASE WHEN k.what IN ('channel', 'exclusion') AND NOT coalesce(
		'null' IN (k.old->'channel', k.new->'channel'), false)
		THEN ARRAY[k.old->>'channel', k.new->>'channel'] END,
	    CASE WHEN k.what = 'queue' THEN ARRAY[
		coalesce(k.old->>'service', ''), coalesce(k.new->>'service', '')]
		WHEN k.what = 'exclusion' AND NOT coalesce(
		'null' IN (k.old->'service', k.new->'service'), false)
		THEN ARRAY[k.old->>'service', k.new->>'service'] END
	FROM ringtally.contact_change AS k
	WHERE k.site IN (p_site, '') AND k.what <> 'contact'
$$;
COMMENT ON FUNCTION ringtally.contact_meant(text) IS
    'What was changed of the meaning of a site''s contacts, and whose figures that concerns: of these channels and services; NULL: of any.';

-- By day, service and channel: of what is counted now, what was said last, and
-- where they differ. Days that are kept no longer say nothing new.
CREATE FUNCTION ringtally.contact_unsaid(p_site text)
RETURNS TABLE (day date, service text, channel text, version integer,
    contacts bigint, assessed bigint, avoidable bigint, requests bigint,
    resolved bigint, resolved_known bigint, min_coverage_pct numeric,
    why text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
SET enable_nestloop = off SET enable_mergejoin = off AS $$
	WITH zone AS (
		SELECT coalesce((SELECT s.timezone FROM ringtally.site AS s
		    WHERE s.site = p_site), 'UTC') AS name,
		    (ringtally.contact_settings(p_site)).min_coverage_pct
			AS least_pct
	), ended AS MATERIALIZED (
		SELECT d.day FROM ringtally.contact_counted AS d, zone
		WHERE d.site = p_site
		  AND d.day < (now() AT TIME ZONE zone.name)::date
	), now AS (
		SELECT c.day, c.service, c.channel,
		    sum(c.contacts)::bigint AS contacts,
		    sum(c.assessed)::bigint AS assessed,
		    sum(c.avoidable)::bigint AS avoidable,
		    max(r.n) AS requests, sum(c.resolved)::bigint AS resolved,
		    sum(c.resolved_known)::bigint AS resolved_known
		FROM ringtally.contact_cell AS c JOIN ended USING (day)
		JOIN (SELECT c.day, c.service, c.channel,
			count(DISTINCT q.request) AS n
		    FROM ringtally.contact_cell AS c
		    LEFT JOIN LATERAL unnest(c.requests) AS q(request) ON true
		    WHERE c.site = p_site GROUP BY 1, 2, 3) AS r
		    USING (day, service, channel)
		WHERE c.site = p_site GROUP BY 1, 2, 3
	), said AS (
		SELECT DISTINCT ON (s.day, s.service, s.channel) s.*
		FROM ringtally.contact_said AS s JOIN ended USING (day)
		WHERE s.site = p_site
		ORDER BY s.day, s.service, s.channel, s.version DESC
	), before AS (
		SELECT s.day, max(s.said_at) AS at FROM ringtally.contact_said
		    AS s WHERE s.site = p_site GROUP BY 1
	), other AS MATERIALIZED (
		SELECT day, service, channel, coalesce(s.version, 0) + 1
			AS version, coalesce(s.contacts, 0) AS old_contacts,
		    coalesce(n.contacts, 0) AS contacts,
		    coalesce(n.assessed, 0) AS assessed,
		    coalesce(n.avoidable, 0) AS avoidable,
		    coalesce(n.requests, 0) AS requests,
		    coalesce(n.resolved, 0) AS resolved,
		    coalesce(n.resolved_known, 0) AS resolved_known,
		    z.least_pct, m.other AS asked
		FROM now AS n FULL JOIN said AS s USING (day, service, channel)
		CROSS JOIN zone AS z CROSS JOIN LATERAL (SELECT
		    -- whether there is a share, for the coverage asked for alone
		    coalesce((100 * n.assessed < z.least_pct * n.contacts)
			<> (100 * n.assessed < s.min_coverage_pct * n.contacts),
			false)) AS m(other)
		WHERE (m.other OR (n.contacts, n.assessed, n.avoidable, n.requests,
		    n.resolved, n.resolved_known) IS DISTINCT FROM (s.contacts,
		    s.assessed, s.avoidable, s.requests, s.resolved,
		    s.resolved_known))
		  AND NOT (n.contacts IS NULL AND s.contacts = 0)
	), since AS MATERIALIZED (
		SELECT f.day, f.at FROM before AS f
		WHERE f.day IN (SELECT o.day FROM other AS o)
	), moved AS MATERIALIZED (
		-- there may be very many: to each figure those that it lost or got
		SELECT f.day, coalesce(e.v->>'service', '') AS service,
		    e.v->>'channel' AS channel, concat_ws(': ', CASE
			WHEN k.new IS NULL THEN sum((e.v->>'contacts')::bigint)
			    || ' contacts deleted'
			ELSE 'contact ' || k.name END, k.why) AS line
		FROM ringtally.contact_change AS k
		CROSS JOIN LATERAL (VALUES (k.from_day), (CASE
		    WHEN k.to_day <> k.from_day THEN k.to_day END)) AS d(day)
		JOIN since AS f ON f.day = d.day AND k.changed_at >= f.at
		JOIN LATERAL (VALUES (k.old), (k.new)) AS e(v)
		    ON e.v->>'day' = f.day::text
		WHERE k.site = p_site AND k.what = 'contact'
		GROUP BY 1, 2, 3, k.new IS NULL, k.name, k.why
	), meant AS MATERIALIZED (
		SELECT * FROM ringtally.contact_meant(p_site)
		WHERE what NOT IN ('sheet', 'sampling_period')
	), reason AS MATERIALIZED (
		SELECT day, service, channel,
		    string_agg(line, '; ' ORDER BY line) AS lines
		FROM (SELECT day, service, channel, line, row_number()
			OVER (PARTITION BY day, service, channel ORDER BY line)
			AS nth
		    FROM (SELECT o.day, o.service, o.channel, m.line
			FROM other AS o
			JOIN moved AS m USING (day, service, channel)
			UNION
			SELECT o.day, o.service, o.channel, k.line
			FROM other AS o JOIN since AS f USING (day)
			JOIN meant AS k ON k.changed_at >= f.at
			    AND o.day BETWEEN k.from_day AND k.to_day
			    AND (k.what <> 'setting' OR o.asked)
			    AND coalesce(o.channel = ANY (k.channels),
				k.channels IS NULL)
			    AND coalesce(o.service = ANY (k.services),
				k.services IS NULL)) AS l) AS n
		WHERE nth <= 10 GROUP BY 1, 2, 3
	), told AS MATERIALIZED (
		SELECT f.day, coalesce(v.service, '') AS service, c.channel,
		    count(*) AS n
		FROM since AS f CROSS JOIN zone
		JOIN ringtally.contact AS c ON c.site = p_site
		    AND c.written_at >= f.at
		    AND c.counts_at >= f.day::timestamp AT TIME ZONE zone.name
		    AND c.counts_at < (f.day + 1)::timestamp
			AT TIME ZONE zone.name
		CROSS JOIN LATERAL ringtally.contact_service(c.site, c.service,
		    c.code, c.switch, c.queue, f.day) AS v
		GROUP BY 1, 2, 3
	)
	SELECT o.day, o.service, o.channel, o.version, o.contacts, o.assessed,
	    o.avoidable, o.requests, o.resolved, o.resolved_known, o.least_pct,
	    CASE WHEN f.at IS NOT NULL THEN coalesce(nullif(concat_ws('; ',
		r.lines, t.n || ' contacts told or changed'), ''),
		CASE WHEN o.contacts > o.old_contacts
		THEN 'calls that were heard of later'
		WHEN o.contacts < o.old_contacts
		THEN 'contacts that are counted elsewhere now, or kept no more'
		ELSE 'contacts that are joined to other calls now' END) END
	FROM other AS o LEFT JOIN since AS f USING (day)
	LEFT JOIN reason AS r USING (day, service, channel)
	LEFT JOIN told AS t USING (day, service, channel)
$$;
COMMENT ON FUNCTION ringtally.contact_unsaid(text) IS
    'Figures of ended days that were not said, or were said otherwise, as far as they are counted; and why.';

CREATE FUNCTION ringtally.contact_say(p_site text)
RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	n bigint;
	samples bigint;
BEGIN
	PERFORM ringtally.contact_count_again(p_site, ARRAY(
	    SELECT d.day FROM ringtally.contact_days() AS d
	    WHERE d.site = p_site AND d.to_at <= now()), '4 s');
	INSERT INTO ringtally.contact_said (site, day, service, channel,
	    version, contacts, assessed, avoidable, requests, resolved,
	    resolved_known, min_coverage_pct, why)
	SELECT p_site, u.* FROM ringtally.contact_unsaid(p_site) AS u;
	GET DIAGNOSTICS n = ROW_COUNT;
	INSERT INTO ringtally.contact_sample_said
	SELECT u.site, u.name, u.version, now(), u.starts_on, u.ends_on,
	    u.channel, u.service, u.contacts, u.sheet_contacts, u.sample_size,
	    u.avoidable, u.requests, u.resolved, u.resolved_known, u.why
	FROM ringtally.contact_sample_unsaid(p_site) AS u;
	GET DIAGNOSTICS samples = ROW_COUNT;
	RETURN n + samples;
END
$$;
COMMENT ON FUNCTION ringtally.contact_say(text) IS
    'Keeps the figures of each local day that has ended as they are said, by service and channel, and of each sampling period, and another version where they have changed. Counts for some seconds at most, the last days first: after a long back-fill it says the rest the next time. Returns how many rows it wrote.';

-- Two days more than is said, for the borders of days.
CREATE FUNCTION ringtally.contact_expire(p_site text)
RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	low constant timestamptz := now() - make_interval(days =>
	    (ringtally.contact_settings(p_site)).keep_contacts_days + 2);
	n bigint;
BEGIN
	DELETE FROM ringtally.contact AS c
	WHERE c.site = p_site AND c.counts_at < low;
	GET DIAGNOSTICS n = ROW_COUNT;
	-- what leads to them goes, too: requests, and refs
	DELETE FROM ringtally.contact_counted AS d
	WHERE d.site = p_site AND d.day < low::date;
	DELETE FROM ringtally.contact_cell AS d
	WHERE d.site = p_site AND d.day < low::date;
	DELETE FROM ringtally.contact_change AS k
	WHERE k.site = p_site AND k.what = 'contact' AND k.to_day < low::date;
	RETURN n;
END
$$;
COMMENT ON FUNCTION ringtally.contact_expire(text) IS
    'Drops contacts that are older than keep_contacts_days, and all that leads to them but the figures that were said. Returns how many contacts.';

CREATE VIEW ringtally.contact_recount AS
SELECT w.day, nullif(w.service, '') AS service, w.channel, w.version,
    w.said_at, o.contacts AS old_contacts, w.contacts AS new_contacts,
    o.assessed AS old_assessed, w.assessed AS new_assessed,
    o.avoidable AS old_avoidable, w.avoidable AS new_avoidable,
    g.ni14_pct AS old_ni14_pct, h.ni14_pct AS new_ni14_pct,
    g.coverage_pct AS old_coverage_pct, h.coverage_pct AS new_coverage_pct,
    h.ni14_why, o.requests AS old_requests, w.requests AS new_requests, w.why,
    w.site
FROM (SELECT s.site, s.day, s.service, s.channel, s.version, s.said_at,
	s.contacts, s.assessed, s.avoidable, s.requests, s.min_coverage_pct,
	s.why
    FROM ringtally.contact_said AS s
    UNION ALL
    SELECT o.site, u.day, u.service, u.channel, u.version, NULL, u.contacts,
	u.assessed, u.avoidable, u.requests, u.min_coverage_pct, u.why
    FROM (SELECT DISTINCT site FROM ringtally.contact_said) AS o
    CROSS JOIN LATERAL ringtally.contact_unsaid(o.site) AS u) AS w
LEFT JOIN ringtally.contact_said AS o ON o.site = w.site AND o.day = w.day
    AND o.service = w.service AND o.channel = w.channel
    AND o.version = w.version - 1
LEFT JOIN LATERAL ringtally.contact_rates(o.contacts, o.assessed, o.avoidable,
    0, 0, 0, o.min_coverage_pct) AS g ON o.site IS NOT NULL
CROSS JOIN LATERAL ringtally.contact_rates(w.contacts, w.assessed, w.avoidable,
    0, 0, 0, w.min_coverage_pct) AS h
WHERE w.why IS NOT NULL;

COMMENT ON TABLE ringtally.contact_cell IS
    'What was counted of each local day, service, channel and category: a cache for contact_live() and contact_say(). Read the views instead.';
COMMENT ON TABLE ringtally.contact_counted IS
    'The days that contact_cell has counted, and that nothing has touched since.';
COMMENT ON TABLE ringtally.contact_touched IS
    'Days to count anew.';
COMMENT ON TABLE ringtally.contact_said IS
    'The figures of each local day as they were said, by service and channel; another version for each time that they had changed when the day was looked at again.';
COMMENT ON TABLE ringtally.contact_change IS
    'What was changed of the meaning of contacts (categories, codes, channels, scope, exclusions, the queues'' services, the time zone), and contacts whose category, code, channel, service, day or resolved became another, or that were deleted: who, when, from what, to what, and why (SET ringtally.why before a change by SQL).';
COMMENT ON VIEW ringtally.contact_recount IS
    'Where the figures of a day that was said have changed since: the old figure, the new one, and why. A row without said_at is not said yet: what is counted now differs from what was said last.';
DO $do$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT r.oid::regclass AS rel, a.attname, w.about
	    FROM (VALUES
	('site', 'The site (the organisation).'),
	('day', 'The local day, in the site''s time zone.'),
	('channel', 'The channel.'),
	('service', 'The service; empty: none.'),
	('category', 'The category: as told, else of the code.'),
	('contacts', 'All contacts that count, calls included.'),
	('assessed', 'Those that were assessed.'),
	('avoidable', 'Those assessed as avoidable.'),
	('contacts_with_request', 'Those that tell which request they were about.'),
	('resolved', 'Those that settled their matter.'),
	('resolved_known', 'Those of which is known whether they did.'),
	('requests', 'Distinct requests that they were about.'),
	('counted_at', 'When it was counted.'),
	('from_day', 'The first day concerned.'),
	('to_day', 'The last day concerned.'),
	('version', 'How often the figures were said, this time included.'),
	('said_at', 'When they were said.'),
	('why', 'Why they are others than before; NULL: they are the first, or nobody told.'),
	('changed_at', 'When it was changed.'),
	('changed_by', 'The role that changed it.'),
	('what', 'What was changed: contact, or the table.'),
	('name', 'Which: its ref, code or name; deleted: contacts that are not named any more.'),
	('old', 'What it was; NULL: it was not there.'),
	('new', 'What it is; NULL: it is gone.'),
	('old_contacts', 'contacts, as said before.'),
	('new_contacts', 'contacts, as said with this version.'),
	('old_assessed', 'assessed, as said before.'),
	('new_assessed', 'assessed, as said with this version.'),
	('old_avoidable', 'avoidable, as said before.'),
	('new_avoidable', 'avoidable, as said with this version.'),
	('old_ni14_pct', 'avoidable / assessed, as said before; NULL where fewer were assessed than was asked for.'),
	('new_ni14_pct', 'The same, as said with this version.'),
	('old_coverage_pct', 'assessed / contacts, as said before.'),
	('new_coverage_pct', 'assessed / contacts, as said with this version.'),
	('ni14_why', 'Why there is no new_ni14_pct; NULL: there is.'),
	('min_coverage_pct', 'The coverage that was asked for then.'),
	('old_requests', 'requests, as said before.'),
	('new_requests', 'requests, as said with this version.'))
	    AS w(name, about)
	    JOIN pg_attribute AS a ON a.attname = w.name AND a.attnum > 0
	    JOIN pg_class AS r ON r.oid = a.attrelid
	    WHERE r.relnamespace = 'ringtally'::regnamespace
	      AND r.relname IN ('contact_cell', 'contact_counted',
		'contact_touched', 'contact_said', 'contact_change',
		'contact_recount')
	LOOP
		EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', c.rel,
		    c.attname, c.about);
	END LOOP;
END
$do$;
COMMENT ON COLUMN ringtally.contact_recount.service IS
    'The service; NULL: none.';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ringtally FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    ringtally.contact_live(text, timestamptz),
    ringtally.contact_touch(text, timestamptz, timestamptz),
    ringtally.contact_say(text),
    ringtally.contact_expire(text)
TO ringtally_writer;
GRANT EXECUTE ON FUNCTION ringtally.contact_unsaid(text)
TO ringtally_writer, ringtally_reader;
GRANT SELECT ON ringtally.contact_recount, ringtally.contact_said,
    ringtally.contact_change
TO ringtally_writer, ringtally_reader;
