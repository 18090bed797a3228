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
	heard jsonb,
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
	    CHECK (repeat_days BETWEEN 0 AND 31),
	keep_contacts_days integer NOT NULL DEFAULT 400
	    CHECK (keep_contacts_days BETWEEN 1 AND 36500)
);

COMMENT ON TABLE ringtally.contact IS
    'What was told of contacts, one row for each ref: by switches (wrap-up codes), by other systems, by import. An answered call of which nothing was told has no row here; the view contact_each has both. Kept for keep_contacts_days. Holds personal data: customer, and what request leads to.';
COMMENT ON TABLE ringtally.contact_channel IS
    'The channels, by dates of validity. Contacts of others count, but as not assessed: see contact_unknown. Rows of a site go before those of all (site empty), of these the later valid_from, of equal ones that of the configuration.';
COMMENT ON TABLE ringtally.contact_category IS
    'The categories of contacts and which of them are avoidable, by dates of validity. A change counts all days that it is valid for anew, and contact_recount says so.';
COMMENT ON TABLE ringtally.contact_code IS
    'What wrap-up codes of switches stand for, by dates of validity. Asked when somebody looks, for contacts whose category was not told.';
COMMENT ON TABLE ringtally.contact_scope IS
    'The channels or services that count at all, by dates of validity. Where there are rows of a kind on a day, only those count on that day.';
COMMENT ON TABLE ringtally.contact_exclusion IS
    'Contacts that do not count, and why, by dates of validity: all that match what is not NULL. They stay to be seen in contact_each.';
COMMENT ON TABLE ringtally.sampling_period IS
    'Periods in which contacts are assessed as a sample, each with its own figure in contact_sample.';
COMMENT ON TABLE ringtally.contact_sheet IS
    'What was counted by hand in a sampling period: tally sheets. In contact_sample only.';
COMMENT ON TABLE ringtally.contact_setting IS
    'What the contacts'' figures of a site depend on; the row of the empty site is for those without one.';
COMMENT ON INDEX ringtally.contact_counts_at IS
    'For the contacts of a period.';
COMMENT ON INDEX ringtally.contact_contact_at IS
    'For contacts of a period as they were told: to join them.';
COMMENT ON INDEX ringtally.contact_call IS
    'For what is told of one call.';
COMMENT ON INDEX ringtally.contact_unjoined IS
    'For those that may still be joined to a call.';
-- the same words for the same names
DO $do$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT a.attrelid::regclass AS rel, a.attname, w.about
	    FROM (VALUES
	('site', 'The site (the organisation); empty: all of them.'),
	('ref', 'The contact''s own id: what comes with it again is the same contact. Of what a switch tells of a call: call:SWITCH:CALLID.'),
	('contact_at', 'When it was, as told.'),
	('channel', 'The channel: telephone, face_to_face, email, web, post, kiosk, chat; others as they were told.'),
	('service', 'The service that was asked for.'),
	('category', 'The category, as told; not_assessed where it was not.'),
	('code', 'The wrap-up code, as the switch tells it.'),
	('request', 'The request or case that it was about: its reference.'),
	('resolved', 'Whether the matter was settled by this contact; NULL: not known.'),
	('customer', 'Keyed hash of the customer''s number or e-mail address (BLAKE2b, 16 bytes); NULL: not told, neither of them, or forgotten.'),
	('source', 'Who told: the feed, or import.'),
	('assessed_by', 'Who assessed it: a role, not a name.'),
	('assessed_at', 'When it was assessed.'),
	('switch', 'The switch of its call.'),
	('call_id', 'The id of its call on the switch, as told or as joined.'),
	('agent', 'The agent, as told: to find its call.'),
	('joined_by', 'How its call was found: call_id, agent (and time), or NULL: not.'),
	('queue', 'The queue that its call was answered in first: for the service, where none was told.'),
	('counts_at', 'The time that it counts at: when its call came, else contact_at, of several contacts of one call the first.'),
	('told_at', 'Of each field, in the order of contact_merge(): the latest assessed_at that was told with it; 1900: told without one; NULL: not told.'),
	('heard', 'Of fields that were told with an assessed_at and without: what was told last without, so that the same again is no news.'),
	('written_at', 'When the row was written last, by the clock of this server.'),
	('label', 'What people call it.'),
	('avoidable', 'Whether such contact is avoidable; NULL: it is not assessed.'),
	('valid_from', 'The first local day that the row is valid for.'),
	('valid_to', 'The first day that it is valid for no more; NULL: it stays.'),
	('origin', 'Where the row comes from: shipped, configuration, or sql.'),
	('kind', 'channel or service.'),
	('name', 'Its name.'),
	('why', 'The reason, for people.'),
	('starts_on', 'Its first local day.'),
	('ends_on', 'Its last local day.'),
	('period', 'The sampling period, by its name.'),
	('contacts', 'How many were counted.'),
	('requests', 'About how many requests; NULL: not counted.'),
	('min_coverage_pct', 'No NI 14 is given where fewer percent of the contacts were assessed.'),
	('join_window_s', 'For how long after the end of a call a contact of the same agent is taken for that call, in seconds.'),
	('repeat_days', 'Within how many days a caller who calls for the same service again is counted as repeated; 0: none is.'),
	('keep_contacts_days', 'How many days contacts are kept; contacts, calls included, are not counted for longer.'))
	    AS w(name, about)
	    JOIN pg_attribute AS a ON a.attname = w.name AND a.attnum > 0
	    JOIN pg_class AS r ON r.oid = a.attrelid AND r.relkind = 'r'
	    WHERE r.relnamespace = 'ringtally'::regnamespace
	      AND (r.relname ~ '^contact' OR r.relname = 'sampling_period')
	LOOP
		EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', c.rel,
		    c.attname, c.about);
	END LOOP;
END
$do$;
COMMENT ON COLUMN ringtally.contact_code.category IS
    'The category that it stands for.';
COMMENT ON COLUMN ringtally.contact_code.resolved IS
    'Whether it says that the matter was settled; NULL: it does not say.';
COMMENT ON COLUMN ringtally.contact_code.service IS
    'The service that it stands for; NULL: that of the call''s queue.';
COMMENT ON COLUMN ringtally.contact_exclusion.channel IS
    'Only contacts of this channel; NULL: of any.';
COMMENT ON COLUMN ringtally.contact_exclusion.service IS
    'Only contacts of this service; NULL: of any.';
COMMENT ON COLUMN ringtally.contact_exclusion.category IS
    'Only contacts of this category; NULL: of any.';
COMMENT ON COLUMN ringtally.contact_exclusion.source IS
    'Only contacts from this source; NULL: from any.';
COMMENT ON COLUMN ringtally.sampling_period.channel IS
    'Only contacts of this channel; NULL: of any.';
COMMENT ON COLUMN ringtally.sampling_period.service IS
    'Only contacts of this service; NULL: of any.';
COMMENT ON COLUMN ringtally.contact_sheet.resolved IS
    'How many of them were settled; NULL: not counted.';
COMMENT ON COLUMN ringtally.contact_sheet.service IS
    'The service; empty: not told.';

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
-- contact; without a switch, when only one switch had such a call. What is told
-- of it later than that (somebody listens to last week's calls) is of the last
-- call of that id.
--
-- By agent and time: among the visits that the agent answered, of the contact's
-- switch where one was told, where the time of the contact lies between the answer and join_window_s after the end. Near
-- is what ended last before the contact, nearest a conversation that went on.
-- Of all pairs the nearest is taken first, then the nearest of what is left: so
-- it makes no difference which came first, the contact or the call. All of the
-- period's contacts are paired anew each time, and one that was joined before
-- a nearer call was known goes over to that. An agent's calls fall into runs
-- between which there is a time that no call of theirs can have a contact of:
-- each run is paired by itself, so that what has to be remembered stays short.
--
-- What is told of one contact can push others of its agent from call to call,
-- but no further than the run goes. So contact_put() pairs anew the agents that
-- it was told of, a day before and behind: what is paired farther off is as it
-- would come out again, and stays.
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
	RETURN n;
END
$$;
COMMENT ON FUNCTION ringtally.contact_join_ids(text, timestamptz, timestamptz)
IS 'Joins contacts by the ids of calls. For contact_join() only.';

-- (A few ids are looked up, many are hashed.)
CREATE FUNCTION ringtally.contact_join_late(p_site text, p_refs text[])
RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET jit = off
SET enable_nestloop = on SET plan_cache_mode = force_custom_plan AS $$
DECLARE
	keep constant interval := make_interval(days =>
	    (ringtally.contact_settings(p_site)).keep_contacts_days);
	n bigint;
BEGIN
	-- (until the function's end)
	PERFORM set_config('enable_nestloop',
	    (cardinality(p_refs) <= 50)::text, true);
	WITH heard AS (
		SELECT c.ref, v.switch, v.visit_no, v.entered_at, v.queue
		FROM unnest(p_refs) AS u(ref)
		JOIN ringtally.contact AS c ON c.site = p_site AND c.ref = u.ref
		    AND c.joined_by IS NULL AND c.call_id IS NOT NULL
		JOIN ringtally.visit AS v ON v.call_id = c.call_id
		    AND v.site = p_site AND v.outcome = 'answered'
		    AND v.switch = coalesce(c.switch, v.switch)
		    AND v.entered_at BETWEEN c.contact_at - keep
			AND c.contact_at + interval '1 day'
	), found AS (
		SELECT DISTINCT ON (h.ref) h.ref, h.switch, h.entered_at AS at,
		    h.queue
		FROM heard AS h JOIN (SELECT o.ref, max(o.entered_at) AS at
		    FROM heard AS o GROUP BY 1
		    HAVING count(DISTINCT o.switch) = 1) AS l
		    ON l.ref = h.ref AND h.entered_at > l.at - interval '1 day'
		ORDER BY h.ref, h.visit_no
	)
	UPDATE ringtally.contact AS c SET switch = f.switch,
	    joined_by = 'call_id', queue = f.queue, counts_at = f.at
	FROM found AS f WHERE c.site = p_site AND c.ref = f.ref;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END
$$;
COMMENT ON FUNCTION ringtally.contact_join_late(text, text[]) IS
    'Joins contacts by the ids of calls of more than a day before. For contact_put() and contact_join() only.';

CREATE FUNCTION ringtally.contact_join_agents(p_site text,
    p_from timestamptz, p_to timestamptz, p_agents text[] DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET jit = off
SET enable_nestloop = off SET enable_mergejoin = off AS $$
DECLARE
	near constant interval := '1 day';
	late interval;
	n bigint;
	pair record;
	now_of text;		-- the agent's run whose these are
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
			    CASE WHEN c.told_at[12] IS NOT NULL
				THEN c.switch END AS switch,
			    floor(extract(epoch FROM c.contact_at) / 3600)::int
				AS hour
			FROM ringtally.contact AS c
			WHERE c.site = p_site AND c.agent IS NOT NULL
			  AND (c.agent = ANY (p_agents)) IS NOT FALSE
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
		), run AS (
			SELECT b.*, count(*) FILTER (WHERE b.begins) OVER (
			    PARTITION BY b.agent ORDER BY b.answered_at
			    ROWS UNBOUNDED PRECEDING) AS run
			FROM (SELECT h.*, h.answered_at > late + max(h.ended_at)
				OVER (PARTITION BY h.agent ORDER BY h.answered_at
				ROWS BETWEEN UNBOUNDED PRECEDING
				AND 1 PRECEDING) AS begins
			    FROM heard AS h) AS b
		), hourly AS MATERIALIZED (
			-- by agent alone there are far too many pairs
			SELECT r.*, i.hour FROM run AS r
			CROSS JOIN LATERAL generate_series(
			    floor(extract(epoch FROM r.answered_at) / 3600)::int,
			    floor(extract(epoch FROM r.ended_at + late)
				/ 3600)::int) AS i(hour)
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
		    h.run || ' ' || w.agent AS run,
		    concat_ws(chr(1), h.switch, h.call_id, h.visit_no) AS visit
		FROM want AS w
		JOIN hourly AS h ON h.agent = w.agent AND h.hour = w.hour
		    AND h.switch = coalesce(w.switch, h.switch)
		    AND w.contact_at BETWEEN h.answered_at AND h.ended_at + late
		LEFT JOIN taken AS t ON t.agent = h.agent
		    AND t.switch = h.switch AND t.call_id = h.call_id
		WHERE t.agent IS NULL
		ORDER BY w.agent, h.run, greatest(w.contact_at - h.ended_at,
		    interval '0'), h.answered_at DESC, h.switch, h.call_id,
		    h.visit_no, w.contact_at, w.ref
	LOOP
		IF now_of IS DISTINCT FROM pair.run THEN
			now_of := pair.run;
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
		SELECT c.ref, CASE WHEN c.told_at[12] IS NOT NULL
		    THEN c.switch END, NULL, NULL, NULL, c.contact_at
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
    timestamptz, text[]) IS
    'Joins contacts by agent and time, of the agents given or of all. For contact_join() and contact_put() only.';

-- What is told of one call counts at one time, whether or not the call itself
-- was heard of: by that contact_rows() knows that it is one contact.
CREATE FUNCTION ringtally.contact_join_alike(p_site text, p_from timestamptz,
    p_to timestamptz)
RETURNS bigint LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET jit = off
SET enable_nestloop = off SET enable_mergejoin = off AS $$
DECLARE
	near constant interval := '1 day';
	n bigint;
BEGIN
	WITH alike AS MATERIALIZED (
		SELECT c.switch, c.call_id, coalesce(min(c.counts_at)
		    FILTER (WHERE c.joined_by IS NOT NULL),
		    min(c.contact_at)) AS at
		FROM ringtally.contact AS c
		WHERE c.site = p_site AND c.switch IS NOT NULL
		  AND c.call_id IS NOT NULL
		  AND c.contact_at BETWEEN p_from - near AND p_to + near
		GROUP BY 1, 2 HAVING count(*) > 1
	)
	UPDATE ringtally.contact AS c SET counts_at = a.at
	FROM alike AS a
	WHERE c.site = p_site AND c.switch = a.switch
	  AND c.call_id = a.call_id AND c.counts_at <> a.at
	  AND c.contact_at BETWEEN p_from - near AND p_to + near
	  AND c.contact_at BETWEEN a.at - near AND a.at + near;
	GET DIAGNOSTICS n = ROW_COUNT;
	RETURN n;
END
$$;
COMMENT ON FUNCTION ringtally.contact_join_alike(text, timestamptz,
    timestamptz) IS
    'Gives contacts of one call one time. For contact_join() only.';

CREATE FUNCTION ringtally.contact_join(p_site text, p_from timestamptz,
    p_to timestamptz)
RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET jit = off
SET enable_nestloop = off SET enable_mergejoin = off AS $$
DECLARE
	n bigint := 0;
	ids boolean := false;
BEGIN
	IF EXISTS (SELECT FROM ringtally.contact AS c
	    WHERE c.site = p_site AND c.joined_by IS NULL
	      AND c.call_id IS NOT NULL
	      AND c.contact_at BETWEEN p_from AND p_to) THEN
		n := ringtally.contact_join_ids(p_site, p_from, p_to);
		ids := true;
	END IF;
	-- of calls that are heard of when their records are long there
	IF p_from < now() - interval '36 hours' THEN
		n := n + ringtally.contact_join_late(p_site, ARRAY(
		    SELECT c.ref FROM ringtally.contact AS c
		    WHERE c.site = p_site AND c.joined_by IS NULL
		      AND c.contact_at > p_from AND c.call_id IS NOT NULL
		      AND c.call_id IN (SELECT v.call_id
			FROM ringtally.visit AS v
			WHERE v.site = p_site AND v.outcome = 'answered'
			  AND v.entered_at BETWEEN p_from AND p_to)));
	END IF;
	IF EXISTS (SELECT FROM ringtally.contact AS c
	    WHERE c.site = p_site AND c.agent IS NOT NULL
	      AND (c.call_id IS NULL OR c.joined_by = 'agent')
	      AND c.contact_at BETWEEN p_from AND p_to) THEN
		n := n + ringtally.contact_join_agents(p_site, p_from, p_to);
	END IF;
	IF ids OR n > 0 THEN
		n := n + ringtally.contact_join_alike(p_site, p_from, p_to);
	END IF;
	-- the calls of the period may have come late
	PERFORM ringtally.contact_touch(p_site, p_from, p_to);
	RETURN n;
END
$$;
COMMENT ON FUNCTION ringtally.contact_join(text, timestamptz, timestamptz) IS
    'Joins the contacts of a period to the calls that they are: by the call''s id, else by agent and time within join_window_s. Returns how many changed. What it wrote contact_put() joins itself; the daemon calls this for calls that ended later, with their period and a day before and behind it. The days of the period are counted anew.';

-- A word that has an assessed_at counts by that, in whatever order words arrive;
-- one that has none is later than all that was heard before. So a field keeps
-- the latest assessed_at (told_at, in the order of this function; a microsecond
-- more where a word without one came behind it, so that the former said once
-- more does not come back). The same once more is no news: where a word without
-- a time was followed by one that has one, the field keeps the former (heard),
-- and who tells it again, each night in a file it may be, takes nothing back.
-- What is told anew of where and when the contact was undoes its
-- joining; but whose call is known by its id counts when that came, whatever
-- later time is told of it.
CREATE FUNCTION ringtally.contact_merge(o ringtally.contact,
    n ringtally.contact)
RETURNS ringtally.contact LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
	r ringtally.contact := o;
	fields constant text[] := '{contact_at,channel,service,category,code,request,resolved,customer,source,assessed_by,assessed_at,switch,call_id,agent}';
	never constant timestamptz := '1900-01-01 00:00Z';
	last boolean[] := array_fill(false, '{14}');
	said jsonb;
	before jsonb;
	moved boolean;
BEGIN
	FOR i IN 1 .. 14 LOOP
		CONTINUE WHEN n.told_at[i] IS NULL
		    OR n.told_at[i] < o.told_at[i] AND n.told_at[i] <> never;
		last[i] := true;
		r.told_at[i] := n.told_at[i];
		-- else it is the first word, or both are of one kind
		IF o.told_at[i] <> never AND n.told_at[i] = never THEN
			said := coalesce(said, to_jsonb(n));
			before := coalesce(before, to_jsonb(o));
			last[i] := (said->fields[i] = r.heard->fields[i])
			    IS NOT TRUE;
			r.told_at[i] := o.told_at[i];
			IF last[i] AND said->fields[i] <> before->fields[i] THEN
				r.told_at[i] := r.told_at[i] + interval '1 us';
			END IF;
			IF last[i] AND fields[i] <> 'customer' THEN
				r.heard := coalesce(r.heard, '{}')
				    || jsonb_build_object(fields[i],
				    said->fields[i]);
			END IF;
		ELSIF o.told_at[i] = never AND n.told_at[i] <> never
		    AND fields[i] <> 'customer' THEN -- who may be forgotten
			before := coalesce(before, to_jsonb(o));
			r.heard := coalesce(r.heard, '{}')
			    || jsonb_build_object(fields[i],
			    before->fields[i]);
		END IF;
	END LOOP;
	moved := last[1] AND n.contact_at <> o.contact_at
	    AND NOT coalesce(o.joined_by = 'call_id'
		AND o.counts_at <= n.contact_at + interval '1 day', false)
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
	RETURN r;
END
$$;
COMMENT ON FUNCTION ringtally.contact_merge(ringtally.contact,
    ringtally.contact) IS
    'What is known of a contact (the first) when something more is told of it (the second): of each field the word of the later assessed_at, of equal ones the one that came later; one without it is later than what is known, unless it was heard before; what is not told takes nothing away.';
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

-- Two systems may give their contacts the same refs; the second one's is not
-- the first one's contact told again. A call is one, whoever tells of it.
CREATE FUNCTION ringtally.contact_others(p_site text, p_source text[],
    p_ref text[])
RETURNS TABLE (ord bigint, source text) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
	SELECT t.ord, t.owner
	FROM (SELECT u.ord, u.source,
		coalesce((SELECT nullif(c.source, '')
		    FROM ringtally.contact AS c
		    WHERE c.site = p_site AND c.ref = u.ref),
		    first_value(u.source) OVER (PARTITION BY u.ref
			ORDER BY u.ord)) AS owner
	    FROM (SELECT n.ord, nullif(left(n.source, 255), '') AS source,
		    left(n.ref, 255) COLLATE "C" AS ref
		FROM unnest(p_source, p_ref) WITH ORDINALITY
		    AS n(source, ref, ord)
		WHERE n.ref <> '' AND n.ref NOT LIKE 'call:%') AS u) AS t
	WHERE t.owner <> t.source ORDER BY t.ord
$$;
COMMENT ON FUNCTION ringtally.contact_others(text, text[], text[]) IS
    'Which of these refs, by their places, are those of contacts of another source, and of which.';

CREATE FUNCTION ringtally.contact_own(p_site text, p_source text[],
    p_ref text[])
RETURNS text[] LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	clash record;
BEGIN
	FOR clash IN
		SELECT p_source[o.ord] AS source, o.source AS owner,
		    count(*) AS n, min(p_ref[o.ord]) AS ref,
		    array_agg(o.ord) AS ords
		FROM ringtally.contact_others(p_site, p_source, p_ref) AS o
		GROUP BY 1, 2 ORDER BY 1, 2
	LOOP
		RAISE WARNING '% contacts of % not taken: their refs are those of %, such as %',
		    clash.n, clash.source, clash.owner, clash.ref;
		INSERT INTO ringtally.feed_event AS e (site, feed, event,
		    unknown, count, last_at)
		SELECT p_site, f.feed, left('contact with a ref of '
		    || clash.owner, 64), true, clash.n, now()
		FROM ringtally.feed AS f
		WHERE f.site = p_site AND f.feed = clash.source
		ON CONFLICT (site, feed, event) DO UPDATE
		SET count = e.count + excluded.count, last_at = now();
		p_ref := ARRAY(SELECT CASE WHEN o.ord IS NULL THEN r.ref END
		    FROM unnest(p_ref) WITH ORDINALITY AS r(ref, ord)
		    LEFT JOIN unnest(clash.ords) AS o(ord) USING (ord)
		    ORDER BY r.ord);
	END LOOP;
	RETURN p_ref;
END
$$;
COMMENT ON FUNCTION ringtally.contact_own(text, text[], text[]) IS
    'The refs without those of other sources'' contacts, which are counted among the events of the feed. For contact_put() only.';

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
		WHERE ringtally.contact_merge(c, excluded) IS DISTINCT FROM c
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
COMMENT ON FUNCTION ringtally.contact_put(text, text[], text[], timestamptz[],
    text[], text[], text[], text[], text[], boolean[], bytea[], text[],
    timestamptz[], text[], text[], text[]) IS
    'Takes what is told of contacts, in arrays of one length, NULL (or an empty text) where nothing is told. The same p_ref is the same contact, see contact_merge(). Channels and categories may be told by name or label, in any case. A channel that is not told is the telephone; a category that is not told follows from the code. A row without ref, of a time that can be none, or with the ref of another source''s contact is passed over and in none of the counts. Joins what it wrote to calls.';

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
    'Erases a caller: the hashes given (of one number or address under the present key and, after a change of keys, the old one) are taken out of visits, open visits and contacts. What remains tells of nobody. Returns how many rows of what.';

-- Who may do what: the daemon and the import by functions, analysts by views.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ringtally FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    ringtally.contact_put(text, text[], text[], timestamptz[], text[], text[],
	text[], text[], text[], boolean[], bytea[], text[], timestamptz[],
	text[], text[], text[]),
    ringtally.contact_others(text, text[], text[]),
    ringtally.contact_join(text, timestamptz, timestamptz),
    ringtally.forget(text, bytea[])
TO ringtally_writer;
GRANT EXECUTE ON FUNCTION ringtally.contact_settings(text)
TO ringtally_writer, ringtally_reader;
GRANT SELECT ON ringtally.contact_channel, ringtally.contact_category,
    ringtally.contact_code, ringtally.contact_scope,
    ringtally.contact_exclusion, ringtally.sampling_period,
    ringtally.contact_sheet, ringtally.contact_setting
TO ringtally_writer, ringtally_reader;
GRANT INSERT, UPDATE, DELETE ON ringtally.contact_sheet TO ringtally_writer;
