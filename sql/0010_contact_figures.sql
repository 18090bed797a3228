-- SPDX-License-Identifier: BSD-2-Clause
-- What is counted of contacts: each contact once, and the figures of any period.

-- What is left out, of contacts as of sheets.
CREATE FUNCTION ringtally.contact_barred(p_site text, p_day date,
    p_channel text, p_service text, p_category text, p_source text)
RETURNS TABLE (why text) LANGUAGE sql STABLE ROWS 1 AS $$
	SELECT coalesce((SELECT x.why FROM ringtally.contact_exclusion AS x
	    WHERE x.site IN (p_site, '') AND x.valid_from <= p_day
	      AND (x.valid_to > p_day) IS NOT FALSE
	      AND coalesce(x.channel = p_channel, x.channel IS NULL)
	      AND coalesce(x.service = p_service, x.service IS NULL)
	      AND coalesce(x.category = p_category, x.category IS NULL)
	      AND coalesce(x.source = p_source, x.source IS NULL)
	    ORDER BY x.site DESC, x.valid_from DESC, x.origin DESC,
		x.name LIMIT 1),
	    (SELECT 'this ' || s.kind || ' is not in scope'
	    FROM ringtally.contact_scope AS s
	    WHERE s.site IN (p_site, '') AND s.valid_from <= p_day
	      AND (s.valid_to > p_day) IS NOT FALSE
	    GROUP BY s.kind
	    HAVING NOT coalesce(bool_or(s.name = CASE s.kind
		WHEN 'channel' THEN p_channel ELSE p_service END), false)
	    ORDER BY s.kind LIMIT 1))
$$;
COMMENT ON FUNCTION ringtally.contact_barred(text, date, text, text, text, text)
IS 'Why a contact of that day, channel, service, category and source counts in no figure; NULL: it counts.';

-- One contact after another: what was told of contacts, and the calls of which
-- nothing was told. All views and figures are made of this.
--
-- The steps: the period's rows with what their code stands for on that day;
-- rows of one call put together (the assessed speaks, of several the one that
-- was assessed last; what it does not know the others tell, and they are left
-- out as the same call); the calls of which
-- no row tells; then what is left out, asked once for each combination.
CREATE FUNCTION ringtally.contact_rows(p_site text, p_from timestamptz,
    p_to timestamptz)
RETURNS TABLE (ref text, contact_at timestamptz, channel text, service text,
    category text, avoidable boolean, assessed boolean, request text,
    resolved boolean, source text, assessed_by text, switch text, call_id text,
    joined_by text, excluded text)
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 5000
SET search_path = pg_catalog, pg_temp SET jit = off
SET enable_nestloop = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
	zone text := coalesce((SELECT s.timezone FROM ringtally.site AS s
	    WHERE s.site = p_site), 'UTC');
BEGIN
	RETURN QUERY
	WITH told AS MATERIALIZED (
		SELECT c.ref, c.counts_at, c.contact_at, c.channel, c.service,
		    c.category, c.code, c.request, c.resolved, c.source,
		    c.assessed_by, c.assessed_at, c.switch, c.call_id, c.queue,
		    c.joined_by,
		    (c.counts_at AT TIME ZONE zone)::date AS day
		FROM ringtally.contact AS c
		WHERE c.site = p_site AND c.counts_at >= p_from
		  AND c.counts_at < p_to
	), code AS (
		SELECT t.day, t.code, k.category, k.resolved, k.service
		FROM (SELECT DISTINCT o.day, o.code FROM told AS o
		    WHERE o.code IS NOT NULL) AS t
		CROSS JOIN LATERAL (SELECT * FROM ringtally.contact_code AS k
		    WHERE k.site IN (p_site, '') AND k.code = t.code
		      AND k.valid_from <= t.day
		      AND (k.valid_to > t.day) IS NOT FALSE
		    ORDER BY k.site DESC, k.valid_from DESC, k.origin DESC
		    LIMIT 1) AS k
	), meant AS MATERIALIZED (
		SELECT t.ref, t.counts_at, t.day, t.channel,
		    coalesce(t.service, k.service) AS service,
		    q.service AS queue_service,
		    CASE WHEN t.category = 'not_assessed'
			THEN coalesce(k.category, t.category)
			ELSE t.category END AS category, t.request,
		    coalesce(t.resolved, k.resolved) AS resolved, t.source,
		    t.assessed_by, t.assessed_at, t.contact_at, t.switch,
		    t.call_id, t.joined_by
		FROM told AS t
		LEFT JOIN code AS k ON k.day = t.day AND k.code = t.code
		LEFT JOIN ringtally.queue AS q ON q.site = p_site
		    AND q.switch = t.switch AND q.queue = t.queue
	), category AS (
		SELECT m.day, m.channel, m.category, CASE WHEN EXISTS (
		    SELECT FROM ringtally.contact_channel AS h
		    WHERE h.site IN (p_site, '') AND h.channel = m.channel
		      AND h.valid_from <= m.day
		      AND (h.valid_to > m.day) IS NOT FALSE)
		    THEN g.avoidable END AS avoidable
		FROM (SELECT DISTINCT o.day, o.channel, o.category
		    FROM meant AS o) AS m
		CROSS JOIN LATERAL (SELECT *
		    FROM ringtally.contact_category AS g
		    WHERE g.site IN (p_site, '') AND g.category = m.category
		      AND g.valid_from <= m.day
		      AND (g.valid_to > m.day) IS NOT FALSE
		    ORDER BY g.site DESC, g.valid_from DESC, g.origin DESC
		    LIMIT 1) AS g
	), judged AS (
		SELECT m.*, g.avoidable, row_number() OVER w AS rank,
		    first_value(m.ref) OVER w AS speaks
		FROM meant AS m LEFT JOIN category AS g
		    USING (day, channel, category)
		WINDOW w AS (PARTITION BY m.switch, m.call_id,
			m.counts_at, CASE WHEN m.switch IS NULL OR m.call_id IS NULL
			THEN m.ref END
			ORDER BY g.avoidable IS NULL,
			coalesce(m.assessed_at, m.contact_at) DESC,
			m.ref DESC)
	), spoken AS (
		SELECT j.ref, j.counts_at, j.day, j.channel,
		    coalesce(j.service, o.service, j.queue_service)
			AS service, j.category,
		    j.avoidable, coalesce(j.request, CASE WHEN j.rank = 1
			THEN o.request END) AS request,
		    coalesce(j.resolved, CASE WHEN j.rank = 1
			THEN o.resolved END) AS resolved, j.source,
		    j.assessed_by, j.switch, j.call_id, j.joined_by,
		    CASE WHEN j.rank > 1 THEN 'same call as ' || j.speaks END
			AS same
		FROM judged AS j
		LEFT JOIN (SELECT switch, call_id, counts_at,
			(array_agg(service ORDER BY rank)
			    FILTER (WHERE service IS NOT NULL))[1] AS service,
			(array_agg(request ORDER BY rank)
			    FILTER (WHERE request IS NOT NULL))[1] AS request,
			(array_agg(resolved ORDER BY rank)
			    FILTER (WHERE resolved IS NOT NULL))[1] AS resolved
		    FROM judged GROUP BY 1, 2, 3 HAVING max(rank) > 1) AS o
		    USING (switch, call_id, counts_at)
	), answered AS MATERIALIZED (
		SELECT v.switch, v.call_id, v.visit_no, v.entered_at, v.queue,
		    v.feed
		FROM ringtally.visit AS v
		WHERE v.site = p_site AND v.outcome = 'answered'
		  AND v.entered_at >= p_from AND v.entered_at < p_to
	), later AS MATERIALIZED (
		-- of a call that was answered before
		SELECT DISTINCT a.switch, a.call_id, a.visit_no
		FROM answered AS a JOIN ringtally.visit AS v
		    ON v.switch = a.switch AND v.call_id = a.call_id
		    AND v.visit_no < a.visit_no
		WHERE a.visit_no > 1
		  AND v.site = p_site AND v.outcome = 'answered'
		  AND v.entered_at >= p_from - interval '1 day'
		  AND v.entered_at < p_to
	), every AS (
		SELECT * FROM spoken
		UNION ALL
		SELECT 'call:' || h.switch || ':' || h.call_id, h.entered_at,
		    (h.entered_at AT TIME ZONE zone)::date, 'telephone',
		    q.service, 'not_assessed', NULL, NULL, NULL, h.feed, NULL,
		    h.switch, h.call_id, NULL, NULL
		FROM answered AS h
		LEFT JOIN ringtally.queue AS q ON q.site = p_site
		    AND q.switch = h.switch AND q.queue = h.queue
		WHERE NOT EXISTS (SELECT FROM later AS l
		    WHERE l.switch = h.switch AND l.call_id = h.call_id
		      AND l.visit_no = h.visit_no)
		  AND NOT EXISTS (SELECT FROM ringtally.contact AS c
		    WHERE c.site = p_site AND c.switch = h.switch
		      AND c.call_id = h.call_id
		      AND c.counts_at BETWEEN h.entered_at - interval '1 day'
			AND h.entered_at + interval '1 day'
		      AND c.counts_at >= p_from - interval '1 day'
		      AND c.counts_at <= p_to + interval '1 day')
	), kind AS (
		SELECT DISTINCT e.day, e.channel, e.service, e.category,
		    e.source FROM every AS e
	), barred AS (
		SELECT k.*, x.why
		FROM kind AS k
		CROSS JOIN LATERAL ringtally.contact_barred(p_site, k.day,
		    k.channel, k.service, k.category, k.source) AS x
	)
	SELECT e.ref, e.counts_at, e.channel, e.service, e.category,
	    e.avoidable, e.avoidable IS NOT NULL, e.request, e.resolved,
	    e.source, e.assessed_by, e.switch, e.call_id, e.joined_by,
	    coalesce(e.same, b.why)
	FROM every AS e
	LEFT JOIN (SELECT * FROM barred WHERE barred.why IS NOT NULL) AS b
	    ON b.day = e.day AND b.channel = e.channel
	    AND b.service IS NOT DISTINCT FROM e.service
	    AND b.category = e.category AND b.source = e.source;
END
$$;
COMMENT ON FUNCTION ringtally.contact_rows(text, timestamptz, timestamptz) IS
    'The contacts of a site within a period, each once: what was told of contacts, and the answered calls of which nothing was told. A contact that is a call counts when the call came. excluded: why it counts in no figure. No customer and no number.';

CREATE FUNCTION ringtally.wilson(part numeric, whole numeric, side integer)
RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT round((100 * (part + z * z / 2 + side * z
	    * sqrt(part * (whole - part) / whole + z * z / 4))
	    / (whole + z * z))::numeric, 1)
	FROM (VALUES (1.959963984540054)) AS c(z) WHERE whole > 0
$$;
COMMENT ON FUNCTION ringtally.wilson(numeric, numeric, integer) IS
    'Wilson''s 95 % interval of the share part / whole, in percent: its lower end where side is -1, its upper where it is 1.';

CREATE FUNCTION ringtally.contact_rates(contacts bigint, assessed bigint,
    avoidable bigint, requests bigint, resolved bigint, resolved_known bigint,
    min_coverage_pct numeric)
RETURNS TABLE (not_assessed bigint, coverage_pct numeric, ni14_pct numeric,
    ni14_low_pct numeric, ni14_high_pct numeric, ni14_why text,
    contacts_per_request numeric, fcr_pct numeric)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT contacts - assessed, coverage,
	    CASE WHEN why IS NULL THEN ringtally.pct(avoidable, assessed) END,
	    CASE WHEN why IS NULL
		THEN ringtally.wilson(avoidable, assessed, -1) END,
	    CASE WHEN why IS NULL
		THEN ringtally.wilson(avoidable, assessed, 1) END,
	    why, round(contacts / nullif(requests, 0)::numeric, 2),
	    ringtally.pct(resolved, resolved_known)
	FROM (SELECT CASE WHEN contacts = 0 THEN 'no contacts'
	    WHEN assessed = 0 THEN 'no contact was assessed'
	    WHEN 100.0 * assessed < min_coverage_pct * contacts THEN
		format('%s %% of the contacts were assessed, %s %% are asked for',
		coverage, trim_scale(min_coverage_pct)) END AS why, coverage
	    FROM (SELECT trunc(100.0 * assessed / nullif(contacts, 0), 1))
		AS c(coverage) OFFSET 0) AS w
$$;
COMMENT ON FUNCTION ringtally.contact_rates(bigint, bigint, bigint, bigint,
    bigint, bigint, numeric) IS
    'All shares of the contact views, from the counts of any period. See the comments of their columns for the formulas.';

COMMENT ON TABLE ringtally.site IS
    'The sites whose daemons write here, or whose contacts were brought in by hand, with what figures depend on.';

-- The local days of which there may be contacts: from the first that was
-- counted, but for no longer than contacts are kept, until tomorrow. (A contact
-- of a later day has a wrong clock, and waits for its day.)
CREATE FUNCTION ringtally.contact_days()
RETURNS TABLE (site text, day date, from_at timestamptz, to_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 500
SET search_path = pg_catalog, pg_temp AS $$
	SELECT s.site, d.at::date, d.at::timestamp AT TIME ZONE s.zone,
	    (d.at + interval '1 day')::timestamp AT TIME ZONE s.zone
	FROM (SELECT n.site, n.zone,
		(now() AT TIME ZONE n.zone)::date AS today,
		(ringtally.contact_settings(n.site)).keep_contacts_days AS keep,
		least((SELECT min(t.starts_at) FROM ringtally.queue_tally AS t
			WHERE t.site = n.site),
		    (SELECT min(c.counts_at) FROM ringtally.contact AS c
			WHERE c.site = n.site)) AS first_at
	    FROM (SELECT o.site, o.timezone AS zone FROM ringtally.site AS o
		UNION ALL
		SELECT DISTINCT c.site, 'UTC' FROM ringtally.contact AS c
		WHERE NOT EXISTS (SELECT FROM ringtally.site AS o
		    WHERE o.site = c.site)) AS n) AS s
	CROSS JOIN LATERAL generate_series(
	    greatest((s.first_at AT TIME ZONE s.zone)::date,
		s.today - s.keep)::timestamp,
	    s.today + interval '1 day', interval '1 day') AS d(at)
$$;
COMMENT ON FUNCTION ringtally.contact_days() IS
    'The local days of each site of which there may be contacts. For the contact views.';

CREATE FUNCTION ringtally.contact_label(p_kind text, p_site text, p_name text,
    p_day date)
RETURNS text LANGUAGE sql STABLE AS $$
	SELECT l.label FROM (
	    SELECT site, label, valid_from, origin
	    FROM ringtally.contact_channel
	    WHERE p_kind = 'channel' AND channel = p_name
	      AND valid_from <= p_day AND (valid_to > p_day) IS NOT FALSE
	    UNION ALL
	    SELECT site, label, valid_from, origin
	    FROM ringtally.contact_category
	    WHERE p_kind = 'category' AND category = p_name
	      AND valid_from <= p_day AND (valid_to > p_day) IS NOT FALSE) AS l
	WHERE l.site IN (p_site, '')
	ORDER BY l.site DESC, l.valid_from DESC, l.origin DESC LIMIT 1
$$;
COMMENT ON FUNCTION ringtally.contact_label(text, text, text, date) IS
    'What a channel or a category is called on that day.';

-- The service that a contact counts for, as contact_rows() has it, but for what
-- other rows of its call tell.
CREATE FUNCTION ringtally.contact_service(p_site text, p_service text,
    p_code text, p_switch text, p_queue text, p_day date)
RETURNS TABLE (service text) LANGUAGE sql STABLE ROWS 1 AS $$
	SELECT coalesce(p_service, (SELECT k.service
	    FROM ringtally.contact_code AS k
	    WHERE k.site IN (p_site, '') AND k.code = p_code
	      AND k.valid_from <= p_day AND (k.valid_to > p_day) IS NOT FALSE
	    ORDER BY k.site DESC, k.valid_from DESC, k.origin DESC LIMIT 1),
	    (SELECT q.service FROM ringtally.queue AS q WHERE q.site = p_site
	      AND q.switch = p_switch AND q.queue = p_queue))
$$;
COMMENT ON FUNCTION ringtally.contact_service(text, text, text, text, text,
    date) IS
    'The service of a contact on that day: as told, else of its code, else of the queue that its call was answered in; NULL: none.';

-- Where a contact stands: by day, service and channel it is found again among
-- the figures that it moved.
CREATE FUNCTION ringtally.contact_standing(c ringtally.contact, p_day date)
RETURNS jsonb LANGUAGE sql STABLE AS $$
	SELECT jsonb_build_object('day', p_day, 'channel', c.channel,
	    'service', v.service, 'category', c.category, 'code', c.code,
	    'resolved', c.resolved, 'source', c.source,
	    'assessed_by', c.assessed_by)
	FROM ringtally.contact_service(c.site, c.service, c.code, c.switch,
	    c.queue, p_day) AS v
$$;
COMMENT ON FUNCTION ringtally.contact_standing(ringtally.contact, date) IS
    'What contact_change keeps of a contact: nothing of who it was.';

CREATE VIEW ringtally.contact_each AS
SELECT d.site, r.ref, r.contact_at, d.day, r.channel, r.service, r.category,
    r.avoidable, r.assessed, r.request, r.resolved, r.source, r.assessed_by,
    r.switch, r.call_id, r.joined_by, r.excluded
FROM ringtally.contact_days() AS d
CROSS JOIN LATERAL ringtally.contact_rows(d.site, d.from_at, d.to_at) AS r;

-- The figures by period. The views differ in nothing but the period. Ask for
-- days (by interval, too): days that are not asked for are not looked at.
DO $do$
DECLARE
	p record;
	cols text;
	own text;
BEGIN
	FOR p IN SELECT * FROM (VALUES
	    ('interval', '{day,starts_at}'::text[], $$, date_bin(
		make_interval(secs => coalesce((SELECT o.interval_s
		    FROM ringtally.site AS o WHERE o.site = a.site), 900)),
		a.contact_at, '2000-01-01 00:00Z') AS starts_at$$, 'interval'),
	    ('day', '{day}', '', 'local day'),
	    ('week', '{week}', $$, date_trunc('week', a.day::timestamp)::date
		AS week$$,
		'week from Monday'),
	    ('month', '{month}', $$, date_trunc('month', a.day::timestamp)::date
		AS month$$, 'month'),
	    ('quarter', '{quarter}', $$, date_trunc('quarter', a.day::timestamp)::date
		AS quarter$$, 'quarter of a year from April'),
	    ('year', '{year}', $$, (date_trunc('year', a.day
		- interval '3 months') + interval '3 months')::date AS year$$,
		'year from April'))
	    AS v(name, cols, expr, about)
	LOOP
		SELECT string_agg('n.' || c, ', ') INTO cols
		FROM unnest(p.cols) AS c;
		own := replace(cols, 'n.', 'e.');
		EXECUTE format($fmt$
CREATE VIEW ringtally.contact_%1$s AS
SELECT n.service, n.channel, %3$s, n.contacts, n.assessed, n.avoidable,
    r.not_assessed, r.coverage_pct, r.ni14_pct, r.ni14_low_pct,
    r.ni14_high_pct, r.ni14_why, n.requests, n.contacts_with_request,
    r.contacts_per_request, n.resolved, n.resolved_known, r.fcr_pct, n.site
FROM (SELECT e.site, e.service, e.channel, %4$s,
	count(*) AS contacts, count(*) FILTER (WHERE e.assessed) AS assessed,
	count(*) FILTER (WHERE e.avoidable) AS avoidable,
	count(DISTINCT e.request) AS requests,
	count(e.request) AS contacts_with_request,
	count(*) FILTER (WHERE e.resolved) AS resolved,
	count(e.resolved) AS resolved_known
    FROM (SELECT a.*%2$s FROM ringtally.contact_each AS a) AS e
    WHERE e.excluded IS NULL
    GROUP BY e.site, e.service, e.channel, %4$s) AS n
CROSS JOIN LATERAL ringtally.contact_rates(n.contacts, n.assessed, n.avoidable,
    n.requests, n.resolved, n.resolved_known,
    (ringtally.contact_settings(n.site)).min_coverage_pct) AS r;
CREATE VIEW ringtally.contact_category_%1$s AS
SELECT n.service, n.channel, n.category,
    ringtally.contact_label('category', n.site, n.category, n.last_day)
	AS label, %3$s, n.avoidable, n.contacts, n.requests,
    n.contacts_with_request, n.resolved, n.resolved_known, n.site
FROM (SELECT e.site, e.service, e.channel, e.category, %4$s,
	e.avoidable, max(e.day) AS last_day, count(*) AS contacts,
	count(DISTINCT e.request) AS requests,
	count(e.request) AS contacts_with_request,
	count(*) FILTER (WHERE e.resolved) AS resolved,
	count(e.resolved) AS resolved_known
    FROM (SELECT a.*%2$s FROM ringtally.contact_each AS a) AS e
    WHERE e.excluded IS NULL
    GROUP BY e.site, e.service, e.channel, e.category, e.avoidable, %4$s)
    AS n
$fmt$, p.name, p.expr, cols, own);
		EXECUTE format('COMMENT ON VIEW ringtally.contact_%s IS %L',
		    p.name, format('Contacts and avoidable contact (NI 14) by '
		    'service, channel and %s. Whole rows may be added up, '
		    'shares and requests may not: ask contact_figures() for '
		    'those of several services or channels.', p.about));
		EXECUTE format('COMMENT ON VIEW '
		    'ringtally.contact_category_%s IS %L', p.name,
		    format('Contacts by service, channel, category and %s: '
		    'what is behind contact_%s.', p.about, p.name));
	END LOOP;
END
$do$;

-- The figures of any period and any grouping.
CREATE FUNCTION ringtally.contact_figures(p_site text, p_from timestamptz,
    p_to timestamptz, p_by text[] DEFAULT '{}')
RETURNS TABLE (starts_at timestamptz, service text, channel text,
    category text, contacts bigint, assessed bigint, avoidable bigint,
    not_assessed bigint, coverage_pct numeric, ni14_pct numeric,
    ni14_low_pct numeric, ni14_high_pct numeric, ni14_why text,
    requests bigint, contacts_with_request bigint,
    contacts_per_request numeric, resolved bigint, resolved_known bigint,
    fcr_pct numeric)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	zone text := coalesce((SELECT s.timezone FROM ringtally.site AS s
	    WHERE s.site = p_site), 'UTC');
	width interval := make_interval(secs => coalesce((SELECT s.interval_s
	    FROM ringtally.site AS s WHERE s.site = p_site), 900));
	least_pct numeric :=
	    (ringtally.contact_settings(p_site)).min_coverage_pct;
	one constant boolean := 'category' = ANY (p_by); -- all or none of it
	period text;
	wrong text;
BEGIN
	SELECT b INTO wrong FROM unnest(p_by) AS b
	WHERE b NOT IN ('service', 'channel', 'category', 'interval', 'hour',
	    'day', 'week', 'month', 'quarter', 'year');
	IF wrong IS NOT NULL THEN
		RAISE EXCEPTION USING ERRCODE = '22023',
		    MESSAGE = format('contacts have no figures by %s', wrong);
	END IF;
	SELECT b INTO period FROM unnest(p_by) AS b
	WHERE b NOT IN ('service', 'channel', 'category') LIMIT 1;
	RETURN QUERY
	SELECT g.*, r.not_assessed, r.coverage_pct, r.ni14_pct, r.ni14_low_pct,
	    r.ni14_high_pct, CASE WHEN one THEN
		'a category is a part of a share, and has none' ELSE r.ni14_why
		END, n.requests, n.with_request, r.contacts_per_request, n.resolved, n.resolved_known, r.fcr_pct
	FROM (SELECT CASE
		WHEN period = 'interval'
		    THEN date_bin(width, c.contact_at, '2000-01-01 00:00Z')
		WHEN period = 'hour' THEN date_trunc('hour', c.contact_at, 'UTC')
		WHEN period = 'year' THEN (date_trunc('year',
		    (c.contact_at AT TIME ZONE zone) - interval '3 months')
		    + interval '3 months') AT TIME ZONE zone
		WHEN period IS NOT NULL
		    THEN date_trunc(period, c.contact_at, zone) END AS starts_at,
		CASE WHEN 'service' = ANY (p_by) THEN c.service END AS service,
		CASE WHEN 'channel' = ANY (p_by) THEN c.channel END AS channel,
		CASE WHEN 'category' = ANY (p_by) THEN c.category END
		    AS category,
		count(*) AS contacts,
		count(*) FILTER (WHERE c.assessed) AS assessed,
		count(*) FILTER (WHERE c.avoidable) AS avoidable,
		count(DISTINCT c.request) AS requests,
		count(c.request) AS with_request,
		count(*) FILTER (WHERE c.resolved) AS resolved,
		count(c.resolved) AS resolved_known
	    FROM ringtally.contact_rows(p_site, p_from, p_to) AS c
	    WHERE c.excluded IS NULL GROUP BY 1, 2, 3, 4) AS n
	CROSS JOIN LATERAL (SELECT p.not_assessed, p.contacts_per_request,
		p.fcr_pct, CASE WHEN NOT one THEN p.coverage_pct END
		AS coverage_pct, CASE WHEN NOT one THEN p.ni14_pct END
		AS ni14_pct, CASE WHEN NOT one THEN p.ni14_low_pct END
		AS ni14_low_pct, CASE WHEN NOT one THEN p.ni14_high_pct END
		AS ni14_high_pct, p.ni14_why
	    FROM ringtally.contact_rates(n.contacts, n.assessed, n.avoidable,
		n.requests, n.resolved, n.resolved_known, least_pct) AS p) AS r
	CROSS JOIN LATERAL (SELECT n.starts_at, n.service, n.channel,
	    n.category, n.contacts, n.assessed, n.avoidable) AS g
	ORDER BY 1, 2, 3, 4;
END
$$;
COMMENT ON FUNCTION ringtally.contact_figures(text, timestamptz, timestamptz,
    text[]) IS
    'The contact figures of any period of a site. p_by: what to group by, of service, channel, category, and one of interval, hour, day, week, month, quarter, year (from April); what is not asked for is NULL. By category there are counts, and neither coverage nor NI 14: of one category all or none are avoidable.';


-- Those of the site, and those of all that it has none of the same name for.
CREATE FUNCTION ringtally.contact_periods(p_site text)
RETURNS SETOF ringtally.sampling_period LANGUAGE sql STABLE ROWS 10 AS $$
	SELECT DISTINCT ON (o.name) o.*
	FROM ringtally.sampling_period AS o WHERE o.site IN (p_site, '')
	ORDER BY o.name, o.site DESC, o.origin DESC
$$;
COMMENT ON FUNCTION ringtally.contact_periods(text) IS
    'The sampling periods of a site, each once.';

-- Of what was counted by hand: what is of the period's channel and service and is
-- not left out. All words mean what they meant as the period began.
CREATE FUNCTION ringtally.contact_sheets(p_site text,
    p ringtally.sampling_period)
RETURNS TABLE (contacts bigint, assessed bigint, avoidable bigint,
    requests bigint, resolved bigint, resolved_known bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
	SELECT coalesce(sum(h.contacts), 0)::bigint,
	    coalesce(sum(h.contacts) FILTER (WHERE g.avoidable IS NOT NULL),
		0)::bigint,
	    coalesce(sum(h.contacts) FILTER (WHERE g.avoidable), 0)::bigint,
	    coalesce(sum(h.requests), 0)::bigint,
	    coalesce(sum(h.resolved), 0)::bigint,
	    coalesce(sum(h.contacts) FILTER (WHERE h.resolved IS NOT NULL),
		0)::bigint
	FROM ringtally.contact_sheet AS h
	CROSS JOIN LATERAL ringtally.contact_barred(p_site, p.starts_on,
	    h.channel, nullif(h.service, ''), h.category, h.source) AS x
	LEFT JOIN LATERAL (SELECT CASE WHEN EXISTS (
		SELECT FROM ringtally.contact_channel AS c
		WHERE c.site IN (p_site, '') AND c.channel = h.channel
		  AND c.valid_from <= p.starts_on
		  AND (c.valid_to > p.starts_on) IS NOT FALSE)
		THEN g.avoidable END AS avoidable
	    FROM ringtally.contact_category AS g
	    WHERE g.site IN (p_site, '') AND g.category = h.category
	      AND g.valid_from <= p.starts_on
	      AND (g.valid_to > p.starts_on) IS NOT FALSE
	    ORDER BY g.site DESC, g.valid_from DESC, g.origin DESC
	    LIMIT 1) AS g ON true
	WHERE h.site = p_site AND h.period = p.name AND x.why IS NULL
	  AND h.channel = coalesce(p.channel, h.channel)
	  AND h.service = coalesce(p.service, h.service)
$$;
COMMENT ON FUNCTION ringtally.contact_sheets(text, ringtally.sampling_period) IS
    'The sums of the tally sheets of a sampling period, by the rules for contacts: its channel and service, scope and exclusions.';

-- What the names of contacts stand for nothing: to be mended in the data, or
-- where they come from.
CREATE VIEW ringtally.contact_unknown AS
SELECT n.kind, n.name, sum(n.contacts)::bigint AS contacts,
    min(n.day) AS first_day, max(n.day) AS last_day, n.site
FROM (SELECT c.site, k.kind, k.name,
	(c.counts_at AT TIME ZONE coalesce(s.timezone, 'UTC'))::date AS day,
	count(*) AS contacts
    FROM ringtally.contact AS c LEFT JOIN ringtally.site AS s USING (site)
    CROSS JOIN LATERAL (VALUES ('channel', c.channel),
	('category', c.category), ('code', c.code)) AS k(kind, name)
    WHERE k.name IS NOT NULL GROUP BY 1, 2, 3, 4) AS n
WHERE NOT EXISTS (
    SELECT FROM (
	SELECT h.site, h.valid_from, h.valid_to
	FROM ringtally.contact_channel AS h
	WHERE n.kind = 'channel' AND h.channel = n.name
	UNION ALL
	SELECT g.site, g.valid_from, g.valid_to
	FROM ringtally.contact_category AS g
	WHERE n.kind = 'category' AND g.category = n.name
	UNION ALL
	SELECT k.site, k.valid_from, k.valid_to
	FROM ringtally.contact_code AS k
	WHERE n.kind = 'code' AND k.code = n.name) AS v
    WHERE v.site IN (n.site, '') AND v.valid_from <= n.day
      AND (v.valid_to > n.day) IS NOT FALSE)
GROUP BY n.site, n.kind, n.name
UNION ALL
SELECT 'category', format('%s (of the code %s)', k.category, n.code),
    sum(n.contacts)::bigint, min(n.day), max(n.day), n.site
FROM (SELECT c.site, c.code,
	(c.counts_at AT TIME ZONE coalesce(s.timezone, 'UTC'))::date AS day,
	count(*) AS contacts
    FROM ringtally.contact AS c LEFT JOIN ringtally.site AS s USING (site)
    WHERE c.code IS NOT NULL AND c.category = 'not_assessed'
    GROUP BY 1, 2, 3) AS n
CROSS JOIN LATERAL (SELECT k.category FROM ringtally.contact_code AS k
    WHERE k.site IN (n.site, '') AND k.code = n.code
      AND k.valid_from <= n.day AND (k.valid_to > n.day) IS NOT FALSE
    ORDER BY k.site DESC, k.valid_from DESC, k.origin DESC LIMIT 1) AS k
WHERE NOT EXISTS (SELECT FROM ringtally.contact_category AS g
    WHERE g.site IN (n.site, '') AND g.category = k.category
      AND g.valid_from <= n.day AND (g.valid_to > n.day) IS NOT FALSE)
GROUP BY n.site, k.category, n.code
UNION ALL
-- (a period that was renamed leaves its sheets behind)
SELECT 'period', h.period, sum(h.contacts)::bigint, NULL, NULL, h.site
FROM ringtally.contact_sheet AS h
WHERE NOT EXISTS (SELECT FROM ringtally.sampling_period AS p
    WHERE p.site IN (h.site, '') AND p.name = h.period)
GROUP BY h.site, h.period
UNION ALL
SELECT 'time', c.source, count(*), min(c.counts_at)::date,
    max(c.counts_at)::date, c.site
FROM ringtally.contact AS c WHERE c.counts_at > now() + interval '2 days'
GROUP BY c.site, c.source;

-- A sampling period's own figure: of the contacts that were assessed within it,
-- and of what was counted by hand.
CREATE VIEW ringtally.contact_sample AS
SELECT p.name, p.starts_on, p.ends_on, p.channel, p.service, p.why,
    c.contacts + h.contacts AS contacts, h.contacts AS sheet_contacts,
    c.assessed + h.assessed AS sample_size,
    c.avoidable + h.avoidable AS avoidable,
    ringtally.pct(c.avoidable + h.avoidable, c.assessed + h.assessed)
	AS ni14_pct,
    ringtally.wilson(c.avoidable + h.avoidable, c.assessed + h.assessed, -1)
	AS ni14_low_pct,
    ringtally.wilson(c.avoidable + h.avoidable, c.assessed + h.assessed, 1)
	AS ni14_high_pct,
    c.requests + h.requests AS requests,
    round((c.contacts + h.contacts)::numeric
	/ nullif(c.requests + h.requests, 0), 2) AS contacts_per_request,
    c.resolved + h.resolved AS resolved,
    c.resolved_known + h.resolved_known AS resolved_known,
    ringtally.pct(c.resolved + h.resolved, c.resolved_known + h.resolved_known)
	AS fcr_pct, p.site
FROM (SELECT s.site, s.timezone, o.name, o.starts_on, o.ends_on, o.channel,
	o.service, o.why, o AS period
    FROM ringtally.site AS s
    CROSS JOIN LATERAL ringtally.contact_periods(s.site) AS o) AS p
CROSS JOIN LATERAL (SELECT count(*) AS contacts,
	count(*) FILTER (WHERE r.assessed) AS assessed,
	count(*) FILTER (WHERE r.avoidable) AS avoidable,
	count(DISTINCT r.request) AS requests,
	count(*) FILTER (WHERE r.resolved) AS resolved,
	count(r.resolved) AS resolved_known
    FROM ringtally.contact_rows(p.site,
	p.starts_on::timestamp AT TIME ZONE p.timezone,
	(p.ends_on + 1)::timestamp AT TIME ZONE p.timezone) AS r
    WHERE r.excluded IS NULL
      AND coalesce(p.channel = r.channel, p.channel IS NULL)
      AND coalesce(p.service = r.service, p.service IS NULL)) AS c
CROSS JOIN LATERAL ringtally.contact_sheets(p.site, p.period) AS h;

COMMENT ON VIEW ringtally.contact_each IS
    'Every contact once, calls included: the evidence behind the figures. A contact that was joined to its call counts when the call came; of several rows of one call the assessed one speaks, of these the last, and the others are excluded as the same call. Ask for days: those that are not asked for are not looked at. It has no customer and no number.';
COMMENT ON VIEW ringtally.contact_unknown IS
    'Channels, categories and codes that contacts bear and that stand for nothing on their day, and categories of their codes (such contacts count as not assessed), contacts of times to come, which wait for their day, and tally sheets of periods that there are none of.';
COMMENT ON VIEW ringtally.contact_sample IS
    'The figure of each sampling period, with its sample size and Wilson''s 95 % interval: of the contacts that were assessed within it, plus those counted on tally sheets.';
DO $do$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT a.attrelid::regclass AS rel, a.attname,
	    coalesce(w.about, (SELECT col_description(s.attrelid, s.attnum)
		FROM pg_attribute AS s
		WHERE s.attrelid = CASE r.relname WHEN 'contact_sample'
			THEN 'ringtally.sampling_period'::regclass
			ELSE 'ringtally.contact'::regclass END
		  AND s.attname = a.attname)) AS about
	    FROM pg_class AS r
	    JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0
	    LEFT JOIN (VALUES
	('site', 'The site (the organisation).'),
	('contact_at', 'The time that it counts at: when its call came, else when the contact was.'),
	('day', 'The local day, in the site''s time zone.'),
	('week', 'The Monday of the week.'),
	('month', 'The first day of the month.'),
	('quarter', 'The first day of the quarter: of a year from April these are the same quarters.'),
	('year', 'The first of April with which the year begins.'),
	('starts_at', 'When the interval begins.'),
	('service', 'The service: as told, else of the code, else of the queue that the call was answered in first; NULL: none.'),
	('channel', 'The channel.'),
	('category', 'The category: as told, else of the code.'),
	('label', 'What the category is called.'),
	('avoidable', 'Contacts assessed as avoidable.'),
	('assessed', 'Contacts whose category is known and says whether they are avoidable.'),
	('excluded', 'Why it counts in no figure; NULL: it counts.'),
	('contacts', 'All contacts that count, calls included.'),
	('not_assessed', 'contacts - assessed.'),
	('coverage_pct', 'assessed / contacts, rounded down: 100 only where all were assessed.'),
	('ni14_pct', 'NI 14, avoidable contact: avoidable / assessed. NULL below min_coverage_pct.'),
	('ni14_low_pct', 'The lower end of Wilson''s 95 % interval of ni14_pct.'),
	('ni14_high_pct', 'Its upper end.'),
	('ni14_why', 'Why there is no ni14_pct; NULL: there is.'),
	('requests', 'Distinct requests that these contacts were about.'),
	('contacts_with_request', 'Contacts that tell which request they were about.'),
	('contacts_per_request', 'NI 14 in its first wording: contacts / requests. Contacts that tell no request are among the contacts; so where few tell theirs the figure is too high: see contacts_with_request.'),
	('resolved', 'Contacts that settled their matter.'),
	('resolved_known', 'Contacts of which is known whether they did.'),
	('fcr_pct', 'First-contact resolution: resolved / resolved_known.'),
	('sheet_contacts', 'Of the contacts, those counted by hand.'),
	('sample_size', 'Contacts assessed: the whole of the share.'),
	('first_day', 'The first day that it stands for nothing on.'),
	('last_day', 'The last one.'))
	    AS w(name, about) ON w.name = a.attname
	    WHERE r.relnamespace = 'ringtally'::regnamespace
	      AND r.relkind = 'v' AND r.relname ~ '^contact_'
	LOOP
		EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', c.rel,
		    c.attname, c.about);
	END LOOP;
	FOR c IN SELECT r.oid::regclass AS rel FROM pg_class AS r
	    WHERE r.relnamespace = 'ringtally'::regnamespace
	      AND r.relkind = 'v'
	      AND r.relname ~ '^contact_(category_.*|each)$'
	LOOP
		EXECUTE format('COMMENT ON COLUMN %s.avoidable IS %L', c.rel,
		    'Whether such contact is avoidable; NULL: not assessed.');
	END LOOP;
END
$do$;
COMMENT ON COLUMN ringtally.contact_each.assessed IS
    'Whether it was assessed: avoidable is not NULL.';
COMMENT ON COLUMN ringtally.contact_each.request IS
    'The request or case that it was about; of a call''s other rows, where this one does not tell.';
COMMENT ON COLUMN ringtally.contact_each.resolved IS
    'Whether it settled the matter; NULL: not known.';
COMMENT ON COLUMN ringtally.contact_unknown.kind IS
    'channel, category, code, time, or period: of tally sheets.';
COMMENT ON COLUMN ringtally.contact_unknown.name IS
    'What stands for nothing; of a category that no contact told, the code that stands for it; of times: the source.';
COMMENT ON COLUMN ringtally.contact_unknown.contacts IS
    'How many contacts bear it.';
COMMENT ON COLUMN ringtally.contact_sample.channel IS
    'Only contacts of this channel; NULL: of any.';
COMMENT ON COLUMN ringtally.contact_sample.service IS
    'Only contacts of this service; NULL: of any.';
COMMENT ON COLUMN ringtally.contact_sample.ni14_pct IS
    'NI 14 of the sample: avoidable / sample_size.';

-- What the configuration says of contacts.
CREATE FUNCTION ringtally.contact_configure(p_site text, p jsonb)
RETURNS text[] LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	part record;
	said text[] := '{}';
	lines text[];
	given jsonb;
	keys text;
	cols text;
BEGIN
	IF coalesce(current_setting('ringtally.why', true), '') = '' THEN
		PERFORM set_config('ringtally.why', 'the configuration', true);
	END IF;
	IF p ? 'settings' THEN
		WITH new AS (
			SELECT coalesce(min_coverage_pct, 50) AS min_coverage_pct,
			    coalesce(join_window_s, 300) AS join_window_s,
			    coalesce(repeat_days, 7) AS repeat_days,
			    coalesce(keep_contacts_days, 400)
				AS keep_contacts_days
			FROM jsonb_populate_record(
			    NULL::ringtally.contact_setting, p->'settings')
		), put AS (
			INSERT INTO ringtally.contact_setting AS s
			SELECT p_site, new.* FROM new
			ON CONFLICT (site) DO UPDATE SET (min_coverage_pct,
			    join_window_s, repeat_days, keep_contacts_days) =
			    (excluded.min_coverage_pct, excluded.join_window_s,
			    excluded.repeat_days, excluded.keep_contacts_days)
			WHERE s IS DISTINCT FROM excluded
			RETURNING s.*
		)
		SELECT said || format('settings: coverage of %s %%, joined '
		    'within %s s, repeated within %s days, kept for %s days',
		    trim_scale(min_coverage_pct), join_window_s, repeat_days,
		    keep_contacts_days) INTO lines FROM put;
		said := coalesce(lines, said);
	END IF;
	FOR part IN SELECT * FROM (VALUES
	    ('channels', 'contact_channel', '{channel,valid_from}'::text[],
		'{}'::jsonb),
	    ('categories', 'contact_category', '{category,valid_from}', '{}'),
	    ('codes', 'contact_code', '{code,valid_from}', '{}'),
	    ('scope', 'contact_scope', '{kind,name,valid_from}', '{}'),
	    ('exclusions', 'contact_exclusion', '{name,valid_from}', '{}'),
	    ('sampling', 'sampling_period', '{name}', '{}'))
	    AS v(name, rel, key, none)
	LOOP
		-- labels and days that are not given; of a key that is given
		-- twice the last one
		EXECUTE format($q$
		    SELECT coalesce(jsonb_agg(to_jsonb(g.row)), '[]') FROM (
			SELECT DISTINCT ON (%2$s) n AS row
			FROM jsonb_array_elements(coalesce($1, '[]'))
			    WITH ORDINALITY AS e(v, i),
			jsonb_populate_record(NULL::ringtally.%1$I,
			    jsonb_build_object('valid_from', '-infinity',
				'label', coalesce(e.v->>'channel',
				    e.v->>'category'))
			    || jsonb_strip_nulls(e.v)
			    || jsonb_build_object('site', $2::text,
				'origin', 'configuration')) AS n
			ORDER BY %2$s, e.i DESC) AS g $q$, part.rel,
		    (SELECT string_agg(format('n.%I', k), ', ')
			FROM unnest(part.key) AS k))
		INTO given USING p->part.name, p_site;
		SELECT string_agg(format('%I', a.attname), ', ')
		INTO cols FROM pg_attribute AS a
		WHERE a.attrelid = ('ringtally.' || part.rel)::regclass
		  AND a.attnum > 0 AND NOT a.attisdropped
		  AND a.attname <> ALL (part.key || '{site,origin}');
		keys := (SELECT string_agg(format('%I', k), ', ')
		    FROM unnest('{site,origin}' || part.key) AS k);
		EXECUTE format($q$
		    WITH new AS (
			SELECT * FROM jsonb_populate_recordset(
			    NULL::ringtally.%1$I, $1)
		    ), gone AS (
			DELETE FROM ringtally.%1$I AS t
			WHERE t.site = $2 AND t.origin = 'configuration'
			  AND (%2$s) NOT IN (SELECT %2$s FROM new)
			RETURNING format('%%s: %%s removed', $3::text,
			    concat_ws(' ', %4$s)) AS line
		    ), put AS (
			INSERT INTO ringtally.%1$I AS t SELECT * FROM new
			ON CONFLICT (%2$s) DO UPDATE
			SET (%3$s) = ROW (%5$s)
			WHERE t IS DISTINCT FROM excluded
			RETURNING format('%%s: %%s %%s', $3::text,
			    concat_ws(' ', %4$s), CASE WHEN t.xmax = 0
			    THEN 'added' ELSE 'changed' END) AS line
		    )
		    SELECT array_agg(line ORDER BY line)
		    FROM (TABLE gone UNION ALL TABLE put) AS l $q$,
		    part.rel, keys, cols,
		    (SELECT string_agg(CASE k WHEN 'valid_from'
			THEN 'CASE WHEN isfinite(t.valid_from) '
			'THEN ''from '' || t.valid_from END'
			ELSE format('t.%I', k) END, ', ')
			FROM unnest(part.key) AS k),
		    (SELECT string_agg('excluded.' || c, ', ')
			FROM unnest(string_to_array(cols, ', ')) AS c))
		INTO lines USING given, p_site, part.name;
		said := said || coalesce(lines, '{}');
	END LOOP;
	RETURN said;
END
$$;
COMMENT ON FUNCTION ringtally.contact_configure(text, jsonb) IS
    'Makes the rows of origin configuration of a site exactly those that the document tells: settings, channels, categories, codes, scope, exclusions, sampling. Rows of other origin stay. Returns a line for each thing changed.';

-- A word's form: case, and what stands between its parts, say nothing. As
-- mapping_form() of the import has it.
CREATE FUNCTION ringtally.contact_form(word text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT trim('_' FROM regexp_replace(lower(word), '[ _-]+', '_', 'g'))
$$;
COMMENT ON FUNCTION ringtally.contact_form(text) IS
    'A channel''s or category''s name or label, in the form in which they are compared.';

CREATE FUNCTION ringtally.contact_words(p_site text, p_kind text,
    p_words text[])
RETURNS text[] LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	said text[];
	meant text[];
BEGIN
	SELECT array_agg(w.word), array_agg(k.name) INTO said, meant
	FROM (SELECT DISTINCT u.word FROM unnest(p_words) AS u(word)
	    WHERE u.word <> '') AS w
	CROSS JOIN LATERAL (SELECT min(n.name) AS name
	    FROM (SELECT h.channel AS name, h.label
		FROM ringtally.contact_channel AS h
		WHERE p_kind = 'channel' AND h.site IN (p_site, '')
		UNION ALL
		SELECT g.category, g.label FROM ringtally.contact_category AS g
		WHERE p_kind = 'category' AND g.site IN (p_site, '')) AS n
	    WHERE ringtally.contact_form(w.word) IN
		(ringtally.contact_form(n.name), ringtally.contact_form(n.label))
	    HAVING bool_and(n.name <> w.word)) AS k;
	IF said IS NULL THEN
		RETURN p_words;
	END IF;
	RETURN ARRAY(SELECT coalesce(meant[array_position(said, u.word)], u.word)
	    FROM unnest(p_words) WITH ORDINALITY AS u(word, ord)
	    ORDER BY u.ord);
END
$$;
COMMENT ON FUNCTION ringtally.contact_words(text, text, text[]) IS
    'Channels or categories by their names, where they were told by a label, or in another case, or with spaces. For contact_put() only.';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ringtally FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ringtally.contact_configure(text, jsonb)
TO ringtally_writer;
GRANT EXECUTE ON FUNCTION
    ringtally.wilson(numeric, numeric, integer),
    ringtally.contact_rates(bigint, bigint, bigint, bigint, bigint, bigint,
	numeric),
    ringtally.contact_days(),
    ringtally.contact_rows(text, timestamptz, timestamptz),
    ringtally.contact_label(text, text, text, date),
    ringtally.contact_periods(text),
    ringtally.contact_sheets(text, ringtally.sampling_period),
    ringtally.contact_figures(text, timestamptz, timestamptz, text[])
TO ringtally_writer, ringtally_reader;
DO $do$
DECLARE
	v record;
BEGIN
	FOR v IN SELECT c.relname AS name FROM pg_class AS c
	    WHERE c.relnamespace = 'ringtally'::regnamespace
	      AND c.relkind = 'v' AND c.relname ~ '^contact_'
	LOOP
		EXECUTE format('GRANT SELECT ON ringtally.%I '
		    'TO ringtally_writer, ringtally_reader', v.name);
	END LOOP;
END
$do$;
