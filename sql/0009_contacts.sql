-- SPDX-License-Identifier: BSD-2-Clause
-- Contacts of every channel, and avoidable contact (NI 14) of them.
--
-- What is told of a contact is kept as it was told. What it means is asked of
-- tables with dates of validity when somebody looks: which channels there are,
-- which categories are avoidable, what a wrap-up code stands for, what is left
-- out. So a change there counts history anew, and contact_change and
-- contact_recount say so.
--
-- Every answered call is a contact, too, and has no row here before somebody
-- tells more of it: contact_rows() puts both together, and all figures are made
-- of what it gives.

CREATE TYPE ringtally.contact_origin AS ENUM ('shipped', 'sql',
    'configuration');
COMMENT ON TYPE ringtally.contact_origin IS
    'Where a row of the contacts'' data comes from: from this program, from somebody by SQL, from the configuration. Of rows of equal validity the last of these speaks.';

CREATE TABLE ringtally.contact (
	site text COLLATE "C" NOT NULL,
	ref text COLLATE "C" NOT NULL,
	contact_at timestamptz NOT NULL,
	channel text COLLATE "C" NOT NULL DEFAULT 'telephone',
	service text COLLATE "C",
	category text COLLATE "C" NOT NULL DEFAULT 'not_assessed',
	code text COLLATE "C",
	request text COLLATE "C",
	resolved boolean,
	customer bytea CHECK (octet_length(customer) = 16),
	source text COLLATE "C" NOT NULL,
	assessed_by text COLLATE "C",
	assessed_at timestamptz,
	switch text COLLATE "C",
	call_id text COLLATE "C",
	agent text COLLATE "C",
	joined_by text COLLATE "C" CHECK (joined_by IN ('call_id', 'agent')),
	queue text COLLATE "C",
	counts_at timestamptz NOT NULL,
	told_at timestamptz[] NOT NULL,
	written_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (site, ref)
);
CREATE INDEX contact_counts_at ON ringtally.contact (site, counts_at);
CREATE INDEX contact_contact_at ON ringtally.contact (site, contact_at);
CREATE INDEX contact_call ON ringtally.contact (site, call_id, switch)
    WHERE call_id IS NOT NULL;
CREATE INDEX contact_unjoined ON ringtally.contact (site, contact_at)
    WHERE joined_by IS NULL AND (call_id IS NOT NULL OR agent IS NOT NULL);

CREATE TABLE ringtally.contact_channel (
	site text COLLATE "C" NOT NULL DEFAULT '',
	channel text COLLATE "C" NOT NULL,
	label text NOT NULL,
	valid_from date NOT NULL DEFAULT '-infinity',
	valid_to date,
	origin ringtally.contact_origin NOT NULL DEFAULT 'sql',
	PRIMARY KEY (site, channel, valid_from, origin)
);
CREATE TABLE ringtally.contact_category (
	site text COLLATE "C" NOT NULL DEFAULT '',
	category text COLLATE "C" NOT NULL,
	label text NOT NULL,
	avoidable boolean,
	valid_from date NOT NULL DEFAULT '-infinity',
	valid_to date,
	origin ringtally.contact_origin NOT NULL DEFAULT 'sql',
	PRIMARY KEY (site, category, valid_from, origin)
);
CREATE TABLE ringtally.contact_code (
	site text COLLATE "C" NOT NULL DEFAULT '',
	code text COLLATE "C" NOT NULL,
	category text COLLATE "C" NOT NULL,
	resolved boolean,
	service text COLLATE "C",
	valid_from date NOT NULL DEFAULT '-infinity',
	valid_to date,
	origin ringtally.contact_origin NOT NULL DEFAULT 'sql',
	PRIMARY KEY (site, code, valid_from, origin)
);
CREATE TABLE ringtally.contact_scope (
	site text COLLATE "C" NOT NULL DEFAULT '',
	kind text COLLATE "C" NOT NULL CHECK (kind IN ('channel', 'service')),
	name text COLLATE "C" NOT NULL,
	valid_from date NOT NULL DEFAULT '-infinity',
	valid_to date,
	origin ringtally.contact_origin NOT NULL DEFAULT 'sql',
	PRIMARY KEY (site, kind, name, valid_from, origin)
);
CREATE TABLE ringtally.contact_exclusion (
	site text COLLATE "C" NOT NULL DEFAULT '',
	name text COLLATE "C" NOT NULL,
	channel text COLLATE "C",
	service text COLLATE "C",
	category text COLLATE "C",
	source text COLLATE "C",
	why text NOT NULL,
	valid_from date NOT NULL DEFAULT '-infinity',
	valid_to date,
	origin ringtally.contact_origin NOT NULL DEFAULT 'sql',
	PRIMARY KEY (site, name, valid_from, origin)
);
CREATE TABLE ringtally.sampling_period (
	site text COLLATE "C" NOT NULL DEFAULT '',
	name text COLLATE "C" NOT NULL,
	starts_on date NOT NULL,
	ends_on date NOT NULL,
	channel text COLLATE "C",
	service text COLLATE "C",
	why text,
	origin ringtally.contact_origin NOT NULL DEFAULT 'sql',
	CHECK (isfinite(starts_on) AND isfinite(ends_on)
	    AND ends_on >= starts_on),
	PRIMARY KEY (site, name, origin)
);
CREATE TABLE ringtally.contact_sheet (
	site text COLLATE "C" NOT NULL,
	period text COLLATE "C" NOT NULL,
	channel text COLLATE "C" NOT NULL,
	service text COLLATE "C" NOT NULL DEFAULT '',
	category text COLLATE "C" NOT NULL,
	contacts integer NOT NULL CHECK (contacts >= 0),
	resolved integer CHECK (resolved >= 0),
	requests integer CHECK (requests >= 0),
	source text COLLATE "C" NOT NULL,
	written_at timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (site, period, channel, service, category)
);
CREATE TABLE ringtally.contact_setting (
	site text COLLATE "C" PRIMARY KEY,
	min_coverage_pct numeric NOT NULL DEFAULT 50
	    CHECK (min_coverage_pct BETWEEN 0 AND 100),
	join_window_s integer NOT NULL DEFAULT 300
	    CHECK (join_window_s BETWEEN 0 AND 86400),
	repeat_days integer NOT NULL DEFAULT 7
	    CHECK (repeat_days BETWEEN 1 AND 31),
	keep_contacts_days integer NOT NULL DEFAULT 400
	    CHECK (keep_contacts_days BETWEEN 1 AND 36500)
);

INSERT INTO ringtally.contact_channel (channel, label, origin) VALUES
    ('telephone', 'Telephone', 'shipped'),
    ('face_to_face', 'Face to face', 'shipped'),
    ('email', 'E-mail', 'shipped'),
    ('web', 'Web', 'shipped'),
    ('post', 'Post', 'shipped'),
    ('kiosk', 'Kiosk', 'shipped'),
    ('chat', 'Chat', 'shipped');
-- The five of "Reducing avoidable contact: a guide to NI 14" (2008), and the
-- two without which nothing can be counted.
INSERT INTO ringtally.contact_category (category, label, avoidable, origin)
VALUES
    ('unnecessary_clarification', 'Unnecessary clarification', true, 'shipped'),
    ('poor_signposting', 'Poor signposting or transfer', true, 'shipped'),
    ('repeat_notification', 'Repeat notification', true, 'shipped'),
    ('progress_chasing', 'Progress chasing', true, 'shipped'),
    ('premature_closure', 'Repeat contact after premature closure', true,
	'shipped'),
    ('not_avoidable', 'Not avoidable', false, 'shipped'),
    ('not_assessed', 'Not assessed', NULL, 'shipped');
INSERT INTO ringtally.contact_setting (site) VALUES ('');

CREATE FUNCTION ringtally.contact_settings(p_site text)
RETURNS ringtally.contact_setting LANGUAGE sql STABLE AS $$
	SELECT s FROM ringtally.contact_setting AS s
	WHERE s.site IN (p_site, '') ORDER BY s.site DESC LIMIT 1
$$;
COMMENT ON FUNCTION ringtally.contact_settings(text) IS
    'What is set for a site, or for all.';

-- Joining a contact to its call.
--
-- By the call's id it is found when the call was answered within a day of the
-- contact; without a switch, when only one switch had such a call.
--
-- By agent and time: among the visits that the agent answered, where the time
-- of the contact lies between the answer and join_window_s after the end. Near
-- is what ended last before the contact, nearest a conversation that went on.
-- Of all pairs the nearest is taken first, then the nearest of what is left: so
-- it makes no difference which came first, the contact or the call. All of the
-- period's contacts are paired anew each time, and one that was joined before
-- a nearer call was known goes over to that.
--
-- Both sides may have thousands of rows, and of rows written a moment ago the
-- planner knows nothing: it is told to hash.
CREATE FUNCTION ringtally.contact_join_ids(p_site text, p_from timestamptz,
    p_to timestamptz)
RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET jit = off
SET enable_nestloop = off SET enable_mergejoin = off AS $$
DECLARE
	near constant interval := '1 day';
	n bigint;
	m bigint;
BEGIN
	WITH want AS MATERIALIZED (
		SELECT c.ref, c.contact_at, c.switch, c.call_id
		FROM ringtally.contact AS c
		WHERE c.site = p_site AND c.joined_by IS NULL
		  AND c.call_id IS NOT NULL
		  AND c.contact_at BETWEEN p_from AND p_to
	), heard AS (
		SELECT DISTINCT ON (v.switch, v.call_id) v.switch, v.call_id,
		    v.entered_at, v.queue
		FROM ringtally.visit AS v
		JOIN (SELECT DISTINCT call_id FROM want) AS w USING (call_id)
		WHERE v.site = p_site AND v.outcome = 'answered'
		  AND v.entered_at BETWEEN p_from - near AND p_to + near
		ORDER BY v.switch, v.call_id, v.visit_no
	), found AS (
		SELECT w.ref, min(h.switch) AS switch,
		    min(h.entered_at) AS at, min(h.queue) AS queue
		FROM want AS w JOIN heard AS h ON h.call_id = w.call_id
		    AND h.switch = coalesce(w.switch, h.switch)
		    AND h.entered_at BETWEEN w.contact_at - near
			AND w.contact_at + near
		GROUP BY w.ref HAVING count(*) = 1
	)
	UPDATE ringtally.contact AS c SET switch = f.switch,
	    joined_by = 'call_id', queue = f.queue, counts_at = f.at
	FROM found AS f WHERE c.site = p_site AND c.ref = f.ref;
	GET DIAGNOSTICS n = ROW_COUNT;

	-- what is told of one call counts at one time, whether or not the call
	-- itself was heard of
	WITH lone AS MATERIALIZED (
		SELECT DISTINCT u.switch, u.call_id FROM ringtally.contact AS u
		WHERE u.site = p_site AND u.joined_by IS NULL
		  AND u.call_id IS NOT NULL AND u.switch IS NOT NULL
		  AND u.contact_at BETWEEN p_from AND p_to
	), alike AS (
		SELECT c.switch, c.call_id, coalesce(min(c.counts_at)
		    FILTER (WHERE c.joined_by IS NOT NULL),
		    min(c.contact_at)) AS at
		FROM ringtally.contact AS c JOIN lone USING (switch, call_id)
		WHERE c.site = p_site
		  AND c.contact_at BETWEEN p_from - near AND p_to + near
		GROUP BY 1, 2 HAVING count(*) > 1
	)
	UPDATE ringtally.contact AS c SET counts_at = a.at
	FROM alike AS a
	WHERE c.site = p_site AND c.switch = a.switch
	  AND c.call_id = a.call_id AND c.joined_by IS NULL
	  AND c.contact_at BETWEEN p_from - near AND p_to + near
	  AND c.counts_at <> a.at;
	GET DIAGNOSTICS m = ROW_COUNT;
	RETURN n + m;
END
$$;
COMMENT ON FUNCTION ringtally.contact_join_ids(text, timestamptz, timestamptz)
IS 'Joins contacts by the ids of calls. For contact_join() only.';

CREATE FUNCTION ringtally.contact_join_agents(p_site text,
    p_from timestamptz, p_to timestamptz)
RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET jit = off
SET enable_nestloop = off SET enable_mergejoin = off AS $$
DECLARE
	near constant interval := '1 day';
	late interval;
	n bigint;
	pair record;
	now_of text;		-- the agent whose these are
	refs text[];
	visits text[];
	all_refs text[] := '{}';
	all_agents text[] := '{}';
	all_switches text[] := '{}';
	all_calls text[] := '{}';
BEGIN
	late := make_interval(secs =>
	    (ringtally.contact_settings(p_site)).join_window_s);
	FOR pair IN
		-- pairs are looked for within the hour
		WITH want AS MATERIALIZED (
			SELECT c.ref, c.agent, c.contact_at,
			    floor(extract(epoch FROM c.contact_at) / 3600)::int
				AS hour
			FROM ringtally.contact AS c
			WHERE c.site = p_site AND c.agent IS NOT NULL
			  AND (c.call_id IS NULL OR c.joined_by = 'agent')
			  AND c.contact_at BETWEEN p_from AND p_to
		), heard AS (
			SELECT v.agent, v.switch, v.call_id, v.visit_no,
			    v.answered_at,
			    coalesce(v.ended_at, v.answered_at) AS ended_at
			FROM ringtally.visit AS v
			JOIN (SELECT DISTINCT agent FROM want) AS w USING (agent)
			WHERE v.site = p_site AND v.outcome = 'answered'
			  AND v.entered_at BETWEEN p_from - near AND p_to
			  AND coalesce(v.ended_at, v.answered_at)
			    >= p_from - late
		), taken AS (
			-- what was paired outside of this period stays so
			SELECT c.agent, c.switch, c.call_id
			FROM ringtally.contact AS c
			WHERE c.site = p_site AND c.joined_by = 'agent'
			  AND c.contact_at BETWEEN p_from - 2 * near
			    AND p_to + 2 * near
			  AND c.contact_at NOT BETWEEN p_from AND p_to
		)
		SELECT w.ref, w.agent, h.switch, h.call_id,
		    concat_ws(chr(1), h.switch, h.call_id, h.visit_no) AS visit
		FROM want AS w
		JOIN (SELECT h.*, i.hour FROM heard AS h
		    CROSS JOIN LATERAL generate_series(
			floor(extract(epoch FROM h.answered_at) / 3600)::int,
			floor(extract(epoch FROM h.ended_at + late)
			    / 3600)::int) AS i(hour)) AS h
		    ON h.agent = w.agent AND h.hour = w.hour
		    AND w.contact_at BETWEEN h.answered_at AND h.ended_at + late
		LEFT JOIN taken AS t ON t.agent = h.agent
		    AND t.switch = h.switch AND t.call_id = h.call_id
		WHERE t.agent IS NULL
		ORDER BY w.agent, greatest(w.contact_at - h.ended_at,
		    interval '0'), h.answered_at DESC, h.switch, h.call_id,
		    h.visit_no, w.contact_at, w.ref
	LOOP
		IF now_of IS DISTINCT FROM pair.agent THEN
			now_of := pair.agent;
			refs := '{}';
			visits := '{}';
		END IF;
		CONTINUE WHEN pair.ref = ANY (refs)
		    OR pair.visit = ANY (visits);
		refs := refs || pair.ref;
		visits := visits || pair.visit;
		all_refs := all_refs || pair.ref;
		all_agents := all_agents || pair.agent;
		all_switches := all_switches || pair.switch;
		all_calls := all_calls || pair.call_id;
	END LOOP;
	WITH paired AS MATERIALIZED (
		SELECT * FROM unnest(all_refs, all_agents, all_switches,
		    all_calls) AS u(ref, agent, switch, call_id)
	), heard AS (
		SELECT DISTINCT ON (v.switch, v.call_id) v.switch, v.call_id,
		    v.entered_at, v.queue
		FROM ringtally.visit AS v
		JOIN (SELECT DISTINCT call_id FROM paired) AS p USING (call_id)
		WHERE v.site = p_site AND v.outcome = 'answered'
		  AND v.entered_at BETWEEN p_from - near AND p_to
		ORDER BY v.switch, v.call_id, v.visit_no
	), verdict AS (
		SELECT p.ref, h.switch, h.call_id, 'agent' AS joined_by,
		    h.queue, h.entered_at AS at
		FROM paired AS p JOIN heard AS h USING (switch, call_id)
		UNION ALL
		-- its call belongs to a nearer one
		SELECT c.ref, NULL, NULL, NULL, NULL, c.contact_at
		FROM ringtally.contact AS c
		JOIN paired AS p USING (agent, switch, call_id)
		LEFT JOIN paired AS o ON o.ref = c.ref
		WHERE c.site = p_site AND c.joined_by = 'agent'
		  AND c.contact_at BETWEEN p_from AND p_to AND o.ref IS NULL
	)
	UPDATE ringtally.contact AS c SET switch = v.switch,
	    call_id = v.call_id, joined_by = v.joined_by, queue = v.queue,
	    counts_at = v.at
	FROM verdict AS v
	WHERE c.site = p_site AND c.ref = v.ref
	  AND (c.switch, c.call_id, c.joined_by, c.counts_at) IS DISTINCT FROM
	    (v.switch, v.call_id, v.joined_by, v.at);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END
$$;
COMMENT ON FUNCTION ringtally.contact_join_agents(text, timestamptz,
    timestamptz) IS
    'Joins contacts by agent and time. For contact_join() only.';

CREATE FUNCTION ringtally.contact_join(p_site text, p_from timestamptz,
    p_to timestamptz)
RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	n bigint := 0;
BEGIN
	IF EXISTS (SELECT FROM ringtally.contact AS c
	    WHERE c.site = p_site AND c.joined_by IS NULL
	      AND c.call_id IS NOT NULL
	      AND c.contact_at BETWEEN p_from AND p_to) THEN
		n := ringtally.contact_join_ids(p_site, p_from, p_to);
	END IF;
	IF EXISTS (SELECT FROM ringtally.contact AS c
	    WHERE c.site = p_site AND c.agent IS NOT NULL
	      AND (c.call_id IS NULL OR c.joined_by = 'agent')
	      AND c.contact_at BETWEEN p_from AND p_to) THEN
		n := n + ringtally.contact_join_agents(p_site, p_from, p_to);
	END IF;
	RETURN n;
END
$$;
COMMENT ON FUNCTION ringtally.contact_join(text, timestamptz, timestamptz) IS
    'Joins the contacts of a period to the calls that they are: by the call''s id, else by agent and time within join_window_s. Returns how many changed. contact_put() calls it for what it wrote; the daemon calls it for the last day, for calls that ended later.';

-- Each field keeps the time of its telling (told_at, in the order of this
-- function), so that the last word counts, field by field, in whatever order
-- words arrive. What is told anew of where and when the contact was undoes its
-- joining, if that was by agent and time.
CREATE FUNCTION ringtally.contact_merge(o ringtally.contact,
    n ringtally.contact)
RETURNS ringtally.contact LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
	r ringtally.contact := o;
	last boolean[] := ARRAY(
	    SELECT coalesce(u.n >= u.o, u.n IS NOT NULL)
	    FROM unnest(n.told_at, o.told_at) WITH ORDINALITY AS u(n, o, i)
	    ORDER BY u.i);
	moved boolean;
BEGIN
	moved := last[1] AND n.contact_at <> o.contact_at
	    OR last[12] AND n.switch IS DISTINCT FROM o.switch
	    OR last[13] AND n.call_id IS DISTINCT FROM o.call_id
	    OR last[14] AND n.agent IS DISTINCT FROM o.agent;
	IF moved THEN
		IF o.told_at[12] IS NULL THEN
			r.switch := NULL;
		END IF;
		IF o.told_at[13] IS NULL THEN
			r.call_id := NULL;
		END IF;
		r.joined_by := NULL;
		r.queue := NULL;
	END IF;
	IF last[1] THEN r.contact_at := n.contact_at; END IF;
	IF last[2] THEN r.channel := n.channel; END IF;
	IF last[3] THEN r.service := n.service; END IF;
	IF last[4] THEN r.category := n.category; END IF;
	IF last[5] THEN r.code := n.code; END IF;
	IF last[6] THEN r.request := n.request; END IF;
	IF last[7] THEN r.resolved := n.resolved; END IF;
	IF last[8] THEN r.customer := n.customer; END IF;
	IF last[9] THEN r.source := n.source; END IF;
	IF last[10] THEN r.assessed_by := n.assessed_by; END IF;
	IF last[11] THEN r.assessed_at := n.assessed_at; END IF;
	IF last[12] THEN r.switch := n.switch; END IF;
	IF last[13] THEN r.call_id := n.call_id; END IF;
	IF last[14] THEN r.agent := n.agent; END IF;
	IF moved THEN
		r.counts_at := r.contact_at;
	END IF;
	r.told_at := ARRAY(SELECT greatest(u.o, u.n)
	    FROM unnest(n.told_at, o.told_at) WITH ORDINALITY AS u(n, o, i)
	    ORDER BY u.i);
	RETURN r;
END
$$;
COMMENT ON FUNCTION ringtally.contact_merge(ringtally.contact,
    ringtally.contact) IS
    'What is known of a contact (the first) when something more is told of it (the second): of each field the word of the later time, of equal times the one that came later; what is not told takes nothing away.';
CREATE AGGREGATE ringtally.contact_last(ringtally.contact) (
	SFUNC = ringtally.contact_merge,
	STYPE = ringtally.contact
);
COMMENT ON AGGREGATE ringtally.contact_last(ringtally.contact) IS
    'One contact of all that is told of it, in the order of its arrival.';

CREATE FUNCTION ringtally.contact_sane(at timestamptz)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
	SELECT at >= '1970-01-01 00:00Z' AND at < '3000-01-01 00:00Z'
$$;
COMMENT ON FUNCTION ringtally.contact_sane(timestamptz) IS
    'Whether a time can be that of a contact at all; others are not kept.';

CREATE FUNCTION ringtally.contact_put(p_site text, p_source text[],
    p_ref text[], p_at timestamptz[], p_channel text[], p_service text[],
    p_category text[], p_code text[], p_request text[], p_resolved boolean[],
    p_customer bytea[], p_assessed_by text[], p_assessed_at timestamptz[],
    p_switch text[], p_call_id text[], p_agent text[],
    OUT added bigint, OUT changed bigint, OUT same bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	good bigint;
	low timestamptz;
	high timestamptz;
BEGIN
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
		SELECT t.ord, t.ref, (p_site, t.ref, t.contact_at,
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
		    now())::ringtally.contact AS said
		FROM told AS t CROSS JOIN LATERAL
		    (SELECT coalesce(t.assessed_at, t.contact_at)) AS s(at)
	), one AS (
		SELECT (ringtally.contact_last(w.said ORDER BY w.ord)).*
		FROM word AS w GROUP BY w.ref
	), put AS (
		INSERT INTO ringtally.contact AS c
		SELECT * FROM one ORDER BY ref
		ON CONFLICT (site, ref) DO UPDATE SET (contact_at, channel,
		    service, category, code, request, resolved, customer,
		    source, assessed_by, assessed_at, switch, call_id, agent,
		    joined_by, queue, counts_at, told_at, written_at) =
		    (SELECT m.contact_at, m.channel, m.service, m.category,
			m.code, m.request, m.resolved, m.customer, m.source,
			m.assessed_by, m.assessed_at, m.switch, m.call_id,
			m.agent, m.joined_by, m.queue, m.counts_at, m.told_at,
			now()
		    FROM ringtally.contact_merge(c, excluded) AS m)
		WHERE ringtally.contact_merge(c, excluded) IS DISTINCT FROM c
		RETURNING c.xmax = 0 AS is_new, c.contact_at,
		    c.joined_by IS NULL AND (c.call_id IS NOT NULL
			OR c.agent IS NOT NULL) AS joins
	)
	SELECT (SELECT count(*) FROM word), count(*) FILTER (WHERE put.is_new),
	    count(*) FILTER (WHERE NOT put.is_new),
	    min(put.contact_at) FILTER (WHERE put.joins),
	    max(put.contact_at) FILTER (WHERE put.joins)
	INTO good, added, changed, low, high FROM put;
	same := good - added - changed;
	IF low IS NOT NULL THEN
		PERFORM ringtally.contact_join(p_site, low, high);
	END IF;
END
$$;
COMMENT ON FUNCTION ringtally.contact_put(text, text[], text[], timestamptz[],
    text[], text[], text[], text[], text[], boolean[], bytea[], text[],
    timestamptz[], text[], text[], text[]) IS
    'Takes what is told of contacts, in arrays of one length, NULL (or an empty text) where nothing is told. The same p_ref is the same contact, see contact_merge(). A channel that is not told is the telephone; a category that is not told follows from the code. A row without ref, or of a time that can be none, is passed over and in none of the counts. Joins what it wrote to calls.';

-- One contact after another: what was told of contacts, and the calls of which
-- nothing was told. All views and figures are made of this.
--
-- The steps: the period's rows with what their code stands for on that day;
-- rows of one call put together (the assessed speaks, of several the one that
-- was assessed last; what it does not know the others tell); the calls of which
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
		SELECT c.*, (c.counts_at AT TIME ZONE zone)::date AS day,
		    CASE WHEN c.category = 'not_assessed' THEN c.code END
			AS asks
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
		    coalesce(t.service, k.service, q.service) AS service,
		    CASE WHEN t.category = 'not_assessed'
			THEN coalesce(k.category, t.category)
			ELSE t.category END AS category, t.request,
		    coalesce(t.resolved, k.resolved) AS resolved, t.source,
		    t.assessed_by, t.assessed_at, t.contact_at, t.switch,
		    t.call_id, t.joined_by
		FROM told AS t
		LEFT JOIN code AS k ON k.day = t.day AND k.code = t.code
		LEFT JOIN ringtally.queue AS q ON q.site = t.site
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
		SELECT m.*, g.avoidable,
		    row_number() OVER (PARTITION BY m.switch, m.call_id,
			CASE WHEN m.switch IS NULL OR m.call_id IS NULL
			THEN m.ref END
			ORDER BY g.avoidable IS NULL,
			coalesce(m.assessed_at, m.contact_at) DESC,
			m.ref DESC) AS rank
		FROM meant AS m LEFT JOIN category AS g
		    USING (day, channel, category)
	), spoken AS (
		SELECT j.ref, j.counts_at, j.day, j.channel,
		    coalesce(j.service, o.service) AS service, j.category,
		    j.avoidable, coalesce(j.request, o.request) AS request,
		    coalesce(j.resolved, o.resolved) AS resolved, j.source,
		    j.assessed_by, j.switch, j.call_id, j.joined_by
		FROM judged AS j
		LEFT JOIN (SELECT switch, call_id,
			(array_agg(service ORDER BY rank)
			    FILTER (WHERE service IS NOT NULL))[1] AS service,
			(array_agg(request ORDER BY rank)
			    FILTER (WHERE request IS NOT NULL))[1] AS request,
			(array_agg(resolved ORDER BY rank)
			    FILTER (WHERE resolved IS NOT NULL))[1] AS resolved
		    FROM judged GROUP BY 1, 2 HAVING max(rank) > 1) AS o
		    USING (switch, call_id)
		WHERE j.rank = 1
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
		    h.switch, h.call_id, NULL
		FROM answered AS h
		LEFT JOIN ringtally.queue AS q ON q.site = p_site
		    AND q.switch = h.switch AND q.queue = h.queue
		WHERE NOT EXISTS (SELECT FROM later AS l
		    WHERE l.switch = h.switch AND l.call_id = h.call_id
		      AND l.visit_no = h.visit_no)
		  AND NOT EXISTS (SELECT FROM ringtally.contact AS c
		    WHERE c.site = p_site AND c.switch = h.switch
		      AND c.call_id = h.call_id
		      AND c.contact_at >= p_from - interval '2 days'
		      AND c.contact_at < p_to + interval '2 days')
	), kind AS (
		SELECT DISTINCT e.day, e.channel, e.service, e.category,
		    e.source FROM every AS e
	), barred AS (
		SELECT k.*, coalesce((SELECT x.why
		    FROM ringtally.contact_exclusion AS x
		    WHERE x.site IN (p_site, '') AND x.valid_from <= k.day
		      AND (x.valid_to > k.day) IS NOT FALSE
		      AND coalesce(x.channel = k.channel, x.channel IS NULL)
		      AND coalesce(x.service = k.service, x.service IS NULL)
		      AND coalesce(x.category = k.category, x.category IS NULL)
		      AND coalesce(x.source = k.source, x.source IS NULL)
		    ORDER BY x.site DESC, x.valid_from DESC, x.origin DESC,
			x.name LIMIT 1),
		    (SELECT 'this ' || s.kind || ' is not in scope'
		    FROM ringtally.contact_scope AS s
		    WHERE s.site IN (p_site, '') AND s.valid_from <= k.day
		      AND (s.valid_to > k.day) IS NOT FALSE
		    GROUP BY s.kind
		    HAVING NOT coalesce(bool_or(s.name = CASE s.kind
			WHEN 'channel' THEN k.channel ELSE k.service END),
			false)
		    ORDER BY s.kind LIMIT 1)) AS why
		FROM kind AS k
	)
	SELECT e.ref, e.counts_at, e.channel, e.service, e.category,
	    e.avoidable, e.avoidable IS NOT NULL, e.request, e.resolved,
	    e.source, e.assessed_by, e.switch, e.call_id, e.joined_by, b.why
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
	SELECT contacts - assessed, ringtally.pct(assessed, contacts),
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
		ringtally.pct(assessed, contacts),
		trim_scale(min_coverage_pct)) END AS why OFFSET 0) AS w
$$;
COMMENT ON FUNCTION ringtally.contact_rates(bigint, bigint, bigint, bigint,
    bigint, bigint, numeric) IS
    'All shares of the contact views, from the counts of any period. See the comments of their columns for the formulas.';

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

CREATE VIEW ringtally.contact_each AS
SELECT d.site, r.ref, r.contact_at, d.day, r.channel, r.service, r.category,
    r.avoidable, r.assessed, r.request, r.resolved, r.source, r.assessed_by,
    r.switch, r.call_id, r.joined_by, r.excluded
FROM ringtally.contact_days() AS d
CROSS JOIN LATERAL ringtally.contact_rows(d.site, d.from_at, d.to_at) AS r;

-- The figures of any period and grouping, and the views by period.
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
	    r.ni14_high_pct, r.ni14_why, n.requests, n.with_request,
	    r.contacts_per_request, n.resolved, n.resolved_known, r.fcr_pct
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
	CROSS JOIN LATERAL ringtally.contact_rates(n.contacts, n.assessed,
	    n.avoidable, n.requests, n.resolved, n.resolved_known, least_pct)
	    AS r
	CROSS JOIN LATERAL (SELECT n.starts_at, n.service, n.channel,
	    n.category, n.contacts, n.assessed, n.avoidable) AS g
	ORDER BY 1, 2, 3, 4;
END
$$;
COMMENT ON FUNCTION ringtally.contact_figures(text, timestamptz, timestamptz,
    text[]) IS
    'The contact figures of any period of a site. p_by: what to group by, of service, channel, category, and one of interval, hour, day, week, month, quarter, year (from April); what is not asked for is NULL.';

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
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	zone text := coalesce((SELECT s.timezone FROM ringtally.site AS s
	    WHERE s.site = p_site), 'UTC');
	today date := (p_now AT TIME ZONE zone)::date;
	least_pct numeric :=
	    (ringtally.contact_settings(p_site)).min_coverage_pct;
	answer jsonb;
BEGIN
	WITH own AS MATERIALIZED (
		SELECT c.*, d.span
		FROM (SELECT (c.contact_at AT TIME ZONE zone)::date AS day,
			c.service, c.channel, c.category, c.avoidable,
			c.assessed, c.request, c.resolved
		    FROM ringtally.contact_rows(p_site,
			(today - 34)::timestamp AT TIME ZONE zone,
			(today + 1)::timestamp AT TIME ZONE zone) AS c
		    WHERE c.excluded IS NULL) AS c
		CROSS JOIN LATERAL (VALUES
		    (CASE WHEN c.day = today THEN 'today' END),
		    (CASE WHEN c.day > today - 7 THEN 'week' END),
		    (CASE WHEN c.day > today - 28 THEN 'month' END),
		    (CASE WHEN c.day <= today - 7 THEN 'before' END))
		    AS d(span)
		WHERE d.span IS NOT NULL
	), counted AS (
		SELECT span, grouping(service, channel, category) AS kind,
		    service, channel, category, count(*) AS n,
		    ringtally.contact_json(count(*),
			count(*) FILTER (WHERE assessed),
			count(*) FILTER (WHERE avoidable),
			count(DISTINCT request), count(request),
			count(*) FILTER (WHERE resolved), count(resolved),
			least_pct) AS f
		FROM own GROUP BY span, GROUPING SETS ((), (service),
		    (channel), (category))
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
		    'channel', m.channel, 'label',
		    coalesce(ringtally.contact_label('channel', p_site,
			m.channel, today), m.channel),
		    'today', coalesce(t.f, nothing.f)) || m.f
		    ORDER BY m.n DESC, m.channel)
		FROM counted AS m
		LEFT JOIN counted AS t ON t.kind = 5 AND t.span = 'today'
		    AND t.channel = m.channel
		WHERE m.kind = 5 AND m.span = 'month'), '[]'),
	    'services', coalesce((SELECT jsonb_agg(jsonb_build_object(
		    'service', m.service, 'today', coalesce(t.f, nothing.f),
		    'last_7_days', coalesce(w.f, nothing.f),
		    'before_pct', b.f->'ni14_pct',
		    'rise_points', rise.points) || m.f
		    ORDER BY rise.points DESC NULLS LAST, m.n DESC, m.service)
		FROM counted AS m
		LEFT JOIN counted AS t ON t.kind = 3 AND t.span = 'today'
		    AND t.service IS NOT DISTINCT FROM m.service
		LEFT JOIN counted AS w ON w.kind = 3 AND w.span = 'week'
		    AND w.service IS NOT DISTINCT FROM m.service
		LEFT JOIN counted AS b ON b.kind = 3 AND b.span = 'before'
		    AND b.service IS NOT DISTINCT FROM m.service
		CROSS JOIN LATERAL (SELECT (w.f->>'ni14_pct')::numeric
		    - (b.f->>'ni14_pct')::numeric) AS rise(points)
		WHERE m.kind = 3 AND m.span = 'month'), '[]'),
	    'categories', coalesce((SELECT jsonb_agg(jsonb_build_object(
		    'category', m.category, 'label',
		    coalesce(ringtally.contact_label('category', p_site,
			m.category, today), m.category),
		    'avoidable', (m.f->>'avoidable')::bigint > 0,
		    'contacts', m.f->'assessed', 'today',
		    coalesce(t.f->'assessed', '0'), 'share_pct',
		    ringtally.pct((m.f->>'assessed')::numeric,
			(SELECT (a.f->>'assessed')::numeric FROM counted AS a
			WHERE a.kind = 7 AND a.span = 'month')))
		    ORDER BY (m.f->>'assessed')::bigint DESC, m.category)
		FROM counted AS m
		LEFT JOIN counted AS t ON t.kind = 6 AND t.span = 'today'
		    AND t.category = m.category
		WHERE m.kind = 6 AND m.span = 'month'
		  AND (m.f->>'assessed')::bigint > 0), '[]'),
	    'sampling', '[]'::jsonb,
	    'formulas', jsonb_build_object(
		'ni14_pct', 'avoidable / assessed',
		'coverage_pct', 'assessed / contacts',
		'contacts_per_request', 'contacts / requests',
		'fcr_pct', 'resolved / resolved_known'))
	INTO answer FROM nothing;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION ringtally.contact_live(text, timestamptz) IS
    'The contact figures of a site now, as one document: today, the last 28 local days, by channel, service and category, what rises, and the sampling period.';

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

CREATE FUNCTION ringtally.forget(p_site text, p_hashes bytea[])
RETURNS TABLE (what text, n bigint) LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	what := 'visits';
	UPDATE ringtally.visit AS v SET caller = NULL
	WHERE v.site = p_site AND v.caller = ANY (p_hashes);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN NEXT;
	what := 'open visits';
	UPDATE ringtally.open_visit AS v SET caller = NULL
	WHERE v.site = p_site AND v.caller = ANY (p_hashes);
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
COMMENT ON FUNCTION ringtally.forget(text, bytea[]) IS
    'Erases a caller: the hashes given (of one number under the present key and, after a change of keys, the old one) are taken out of visits, open visits and contacts. What remains tells of nobody. Returns how many rows of what.';

CREATE FUNCTION ringtally.contact_expire(p_site text)
RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	n bigint;
BEGIN
	DELETE FROM ringtally.contact AS c WHERE c.site = p_site
	  AND c.counts_at < now() - make_interval(days =>
	    (ringtally.contact_settings(p_site)).keep_contacts_days + 2);
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END
$$;
COMMENT ON FUNCTION ringtally.contact_expire(text) IS
    'Drops contacts that are older than keep_contacts_days (and two days, for the borders of days). Returns how many.';

-- Who may do what.
DO $do$
DECLARE
	f record;
BEGIN
	FOR f IN SELECT p.oid::regprocedure AS name, p.proname IN ('wilson',
	    'contact_rates', 'contact_figures', 'contact_label') AS reads
	    FROM pg_proc AS p
	    WHERE p.pronamespace = 'ringtally'::regnamespace
	      AND (p.proname ~ '^contact_' OR p.proname IN ('wilson', 'forget'))
	LOOP
		EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', f.name);
		EXECUTE format('GRANT EXECUTE ON ROUTINE %s '
		    'TO ringtally_writer', f.name);
		IF f.reads THEN
			EXECUTE format('GRANT EXECUTE ON ROUTINE %s '
			    'TO ringtally_reader', f.name);
		END IF;
	END LOOP;
END
$do$;
