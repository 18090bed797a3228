-- SPDX-License-Identifier: BSD-2-Clause
-- Two sources that tell of one ref at the same time: the second one fails, is
-- tried again as a whole, and is told whose it is.

CREATE OR REPLACE FUNCTION ringtally.contact_put(p_site text, p_source text[],
    p_ref text[], p_at timestamptz[], p_channel text[], p_service text[],
    p_category text[], p_code text[], p_request text[], p_resolved boolean[],
    p_customer bytea[], p_assessed_by text[], p_assessed_at timestamptz[],
    p_switch text[], p_call_id text[], p_agent text[],
    OUT added bigint, OUT changed bigint, OUT same bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
-- (what was heard of times is kept as text)
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
	good bigint;
	low timestamptz;
	high timestamptz;
	rest ringtally.contact[]; -- second and further words of one contact
	done text[];
	was_refs text[];
	was_agents text[];
	was_times timestamptz[];
	ids text[];
	agents text[];
	times timestamptz[];
	near constant interval := '1 day';
	wide constant interval := '7 days';
BEGIN
	p_ref := ringtally.contact_own(p_site, p_source, p_ref);
	p_channel := ringtally.contact_words(p_site, 'channel', p_channel);
	p_category := ringtally.contact_words(p_site, 'category', p_category);
	-- what moves leaves its call to another
	SELECT array_agg(c.ref), array_agg(c.agent), array_agg(c.contact_at)
	INTO was_refs, was_agents, was_times FROM ringtally.contact AS c
	WHERE c.site = p_site AND c.ref = ANY (p_ref) AND c.agent IS NOT NULL;
	WITH told AS (
		SELECT u.ord, left(u.ref, 255) AS ref, u.contact_at,
		    nullif(left(u.channel, 255), '') AS channel,
		    nullif(left(u.service, 255), '') AS service,
		    nullif(left(u.category, 255), '') AS category,
		    nullif(left(u.code, 255), '') AS code,
		    nullif(left(u.request, 255), '') AS request, u.resolved,
		    CASE WHEN octet_length(u.customer) = 16 THEN u.customer END
			AS customer,
		    nullif(left(u.source, 255), '') AS source,
		    nullif(left(u.assessed_by, 255), '') AS assessed_by,
		    CASE WHEN ringtally.contact_sane(u.assessed_at)
			THEN u.assessed_at END AS assessed_at,
		    nullif(left(u.switch, 255), '') AS switch,
		    nullif(left(u.call_id, 255), '') AS call_id,
		    nullif(left(u.agent, 255), '') AS agent
		FROM unnest(p_source, p_ref, p_at, p_channel, p_service,
		    p_category, p_code, p_request, p_resolved, p_customer,
		    p_assessed_by, p_assessed_at, p_switch, p_call_id, p_agent)
		    WITH ORDINALITY AS u(source, ref, contact_at, channel,
		    service, category, code, request, resolved, customer,
		    assessed_by, assessed_at, switch, call_id, agent, ord)
		WHERE u.ref <> '' AND ringtally.contact_sane(u.contact_at)
	), word AS MATERIALIZED (
		SELECT t.ord, row_number() OVER (PARTITION BY t.ref
		    ORDER BY t.ord) AS turn, (p_site, t.ref, t.contact_at,
		    coalesce(t.channel, 'telephone'), t.service,
		    coalesce(t.category, 'not_assessed'), t.code, t.request,
		    t.resolved, t.customer, coalesce(t.source, ''),
		    t.assessed_by, t.assessed_at, t.switch, t.call_id, t.agent,
		    NULL, NULL, t.contact_at,
		    ARRAY[s.at,
			CASE WHEN t.channel IS NOT NULL THEN s.at END,
			CASE WHEN t.service IS NOT NULL THEN s.at END,
			CASE WHEN t.category IS NOT NULL THEN s.at END,
			CASE WHEN t.code IS NOT NULL THEN s.at END,
			CASE WHEN t.request IS NOT NULL THEN s.at END,
			CASE WHEN t.resolved IS NOT NULL THEN s.at END,
			CASE WHEN t.customer IS NOT NULL THEN s.at END,
			CASE WHEN t.source IS NOT NULL THEN s.at END,
			CASE WHEN t.assessed_by IS NOT NULL THEN s.at END,
			CASE WHEN t.assessed_at IS NOT NULL THEN s.at END,
			CASE WHEN t.switch IS NOT NULL THEN s.at END,
			CASE WHEN t.call_id IS NOT NULL THEN s.at END,
			CASE WHEN t.agent IS NOT NULL THEN s.at END],
		    NULL, now())::ringtally.contact AS said
		FROM told AS t CROSS JOIN LATERAL
		    (SELECT coalesce(t.assessed_at, '1900-01-01 00:00Z')) AS s(at)
	), one AS (
		SELECT (w.said).* FROM word AS w WHERE w.turn = 1
	), put AS (
		INSERT INTO ringtally.contact AS c
		SELECT * FROM one ORDER BY ref
		ON CONFLICT (site, ref) DO UPDATE SET (contact_at, channel,
		    service, category, code, request, resolved, customer,
		    source, assessed_by, assessed_at, switch, call_id, agent,
		    joined_by, queue, counts_at, told_at, heard, written_at) =
		    (SELECT m.contact_at, m.channel, m.service, m.category,
			m.code, m.request, m.resolved, m.customer, m.source,
			m.assessed_by, m.assessed_at, m.switch, m.call_id,
			m.agent, m.joined_by, m.queue, m.counts_at, m.told_at,
			m.heard, now()
		    FROM ringtally.contact_merge(c, excluded) AS m)
		WHERE (c.source IN ('', excluded.source)
		    OR excluded.source = '' OR c.ref LIKE 'call:%')
		  AND ringtally.contact_merge(c, excluded) IS DISTINCT FROM c
		RETURNING c.xmax = 0 AS is_new, c.contact_at,
		    c.joined_by IS NULL AND (c.call_id IS NOT NULL
			OR c.agent IS NOT NULL) AS joins, c.ref, c.call_id,
		    c.agent
	)
	SELECT (SELECT count(*) FROM word), count(*) FILTER (WHERE put.is_new),
	    count(*) FILTER (WHERE NOT put.is_new),
	    array_agg(put.ref) FILTER (WHERE put.joins
		AND put.call_id IS NOT NULL),
	    array_agg(put.agent) FILTER (WHERE put.joins),
	    array_agg(put.contact_at) FILTER (WHERE put.joins),
	    array_agg(put.ref),
	    (SELECT array_agg(w.said ORDER BY w.ord) FROM word AS w
		WHERE w.turn > 1)
	INTO good, added, changed, ids, agents, times, done, rest FROM put;
	IF rest IS NOT NULL THEN
		-- their rows are ours by now
		WITH word AS (
			SELECT u.ref, u AS said, row_number() OVER () AS turn
			FROM unnest(rest) AS u
		), one AS MATERIALIZED (
			SELECT ringtally.contact_last(w.said ORDER BY w.turn)
				AS row
			FROM (SELECT c.ref, c AS said, 0 AS turn
			    FROM ringtally.contact AS c WHERE c.site = p_site
			      AND c.ref IN (SELECT o.ref FROM word AS o)
			    UNION ALL SELECT o.ref, o.said, o.turn
			    FROM word AS o) AS w
			GROUP BY w.ref
		), put AS (
			UPDATE ringtally.contact AS c SET (contact_at, channel,
			    service, category, code, request, resolved,
			    customer, source, assessed_by, assessed_at, switch,
			    call_id, agent, joined_by, queue, counts_at,
			    told_at, heard, written_at) = (m.contact_at,
			    m.channel, m.service, m.category, m.code,
			    m.request, m.resolved, m.customer, m.source,
			    m.assessed_by, m.assessed_at, m.switch, m.call_id,
			    m.agent, m.joined_by, m.queue, m.counts_at,
			    m.told_at, m.heard, now())
			FROM (SELECT (o.row).* FROM one AS o) AS m
			JOIN ringtally.contact AS was USING (site, ref)
			WHERE c.site = p_site AND c.ref = m.ref
			  AND m.* IS DISTINCT FROM was.*
			RETURNING c.ref, c.contact_at, c.agent, c.call_id,
			    c.joined_by IS NULL AND (c.call_id IS NOT NULL
				OR c.agent IS NOT NULL) AS joins
		)
		SELECT changed + count(*) FILTER (WHERE
			(put.ref = ANY (done)) IS NOT TRUE),
		    ids || array_agg(put.ref) FILTER (WHERE put.joins
			AND put.call_id IS NOT NULL),
		    agents || array_agg(put.agent) FILTER (WHERE put.joins),
		    times || array_agg(put.contact_at)
			FILTER (WHERE put.joins),
		    done || array_agg(put.ref)
		INTO changed, ids, agents, times, done FROM put;
	END IF;
	same := good - added - changed;
	-- when we looked the ref was nobody's, and he was not done who has it
	IF same > 0 AND EXISTS (SELECT FROM ringtally.contact_others(p_site,
	    p_source, p_ref)) THEN
		RAISE EXCEPTION 'another source tells of contacts with the same refs just now'
		    USING ERRCODE = 'serialization_failure';
	END IF;
	IF times IS NOT NULL AND was_refs IS NOT NULL THEN
		SELECT agents || array_agg(u.agent), times || array_agg(u.at)
		INTO agents, times
		FROM unnest(was_refs, was_agents, was_times) AS u(ref, agent, at)
		WHERE u.ref IN (SELECT unnest(done));
	END IF;
	agents := nullif(ARRAY(SELECT DISTINCT a FROM unnest(agents) AS a
	    WHERE a IS NOT NULL), '{}');
	-- one old contact among those of today is no reason to look at a year
	FOR low, high IN
		SELECT lower(s.span) + wide, upper(s.span) - wide
		FROM (SELECT unnest(range_agg(tstzrange(t - wide, t + wide,
			'[]'))) AS span FROM unnest(times) AS t
		    WHERE t IS NOT NULL) AS s
	LOOP
		IF ids IS NOT NULL THEN
			PERFORM ringtally.contact_join_ids(p_site, low, high);
		END IF;
		IF agents IS NOT NULL THEN
			low := low - near;
			high := high + near;
			PERFORM ringtally.contact_join_agents(p_site, low, high,
			    agents);
		END IF;
		PERFORM ringtally.contact_join_alike(p_site, low, high);
	END LOOP;
	PERFORM ringtally.contact_join_late(p_site, ids);
END
$$;
