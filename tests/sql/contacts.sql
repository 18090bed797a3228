-- SPDX-License-Identifier: BSD-2-Clause
-- Contacts: what is told of them, which calls they are, and the figures.
BEGIN;
SELECT no_plan();
SET timezone = 'America/New_York'; -- must make no difference

-- Everything happens in November 2026 of London (UTC then), some days ago.
CREATE FUNCTION pg_temp.ago(days integer, at interval DEFAULT '12 hours')
RETURNS timestamptz LANGUAGE sql AS $$
    SELECT (date_trunc('day', now(), 'Europe/London') AT TIME ZONE
	'Europe/London' - make_interval(days => days) + at)
	AT TIME ZONE 'Europe/London' $$;
CREATE FUNCTION pg_temp.day(days integer) RETURNS date LANGUAGE sql AS $$
    SELECT (now() AT TIME ZONE 'Europe/London')::date - days $$;

-- One word on one contact; what is not named is not told.
CREATE FUNCTION pg_temp.put(site text, ref text, at timestamptz,
    channel text DEFAULT NULL, service text DEFAULT NULL,
    category text DEFAULT NULL, code text DEFAULT NULL,
    request text DEFAULT NULL, resolved boolean DEFAULT NULL,
    customer bytea DEFAULT NULL, source text DEFAULT 'crm',
    assessed_by text DEFAULT NULL, assessed_at timestamptz DEFAULT NULL,
    switch text DEFAULT NULL, call_id text DEFAULT NULL,
    agent text DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', p.added, p.changed, p.same)
    FROM ringtally.contact_put(site, ARRAY[source], ARRAY[ref], ARRAY[at],
	ARRAY[channel], ARRAY[service], ARRAY[category], ARRAY[code],
	ARRAY[request], ARRAY[resolved], ARRAY[customer], ARRAY[assessed_by],
	ARRAY[assessed_at], ARRAY[switch], ARRAY[call_id], ARRAY[agent]) AS p
$$;
-- One visit that was answered, after 10 s, and ended.
CREATE FUNCTION pg_temp.visit(site text, switch text, call_id text,
    at timestamptz, talk interval DEFAULT '2 minutes',
    agent text DEFAULT 'Ann', queue text DEFAULT 'ctax', no integer DEFAULT 1,
    outcome ringtally.outcome DEFAULT 'answered')
RETURNS void LANGUAGE sql AS $$
    INSERT INTO ringtally.visit (entered_at, answered_at, ended_at,
	file_offset, file_no, visit_no, outcome, transferred, site, switch,
	queue, call_id, agent, feed)
    VALUES (at, CASE outcome WHEN 'answered' THEN at + interval '10 s' END,
	at + interval '10 s' + talk, 0, 1, no, outcome, false, site, switch,
	queue, call_id, CASE outcome WHEN 'answered' THEN agent END, 'log');
    INSERT INTO ringtally.queue_tally (site, switch, queue, starts_at)
    VALUES (site, switch, queue, date_trunc('hour', at))
    ON CONFLICT DO NOTHING $$;

INSERT INTO ringtally.site (site, timezone, interval_s, keep_visits_days)
SELECT s, 'Europe/London', 900, 400
FROM unnest('{worked,merge,join,rule,hard,said,shuffle,clock}'::text[]) AS s;
INSERT INTO ringtally.queue (site, switch, queue, service)
SELECT site, 'pbx', q, s FROM ringtally.site,
    (VALUES ('ctax', 'Council Tax'), ('house', 'Housing')) AS v(q, s);

-- --- a worked set ---------------------------------------------------------
--
-- Twenty contacts of one day:
--   * 10 answered calls of Council Tax. Of 6 the agents told by a wrap-up code
--     what they were: 3 progress chasing, 1 clarification (avoidable: 4),
--     2 not avoidable. 4 calls nobody assessed.
--   * 6 e-mails of Housing, from the CRM: 1 premature closure (avoidable),
--     5 not avoidable.
--   * 4 at the counter of Housing, of which 2 are not assessed, 1 is poor
--     signposting (avoidable) and 1 not avoidable.
-- So contacts y = 20, assessed 6 + 6 + 2 = 14, avoidable 4 + 1 + 1 = 6.
--   coverage = 14 / 20                                = 70.0 %
--   NI 14, final wording, = 6 / 14 = 0.428571...      = 42.9 %
--   Wilson, z = 1.96: p = 0.428571, n = 14, z2 = 3.8415
--     centre = (6 + z2/2) / (n + z2) = 7.92073 / 17.84146 = 0.443951
--     half   = z * sqrt(6 * 8 / 14 + z2/4) / (n + z2)
--            = 1.95996 * sqrt(3.428571 + 0.960365) / 17.84146
--            = 1.95996 * 2.094979 / 17.84146            = 0.230143
--     low = 0.213808 = 21.4 %, high = 0.674094          = 67.4 %
--   Requests: the e-mails are of r1 r1 r2 r3 r3 r3, the counter of r3 r4 - -,
--   two calls of r5. Distinct: r1..r5 = 5; contacts that tell one: 6 + 2 + 2.
--   NI 14, first wording, = 20 / 5                    = 4.00
--   Resolved: known of the 6 e-mails (4 yes, 2 no): 4 / 6 = 66.7 %.
-- Housing alone: 10 contacts, 8 assessed (80.0 %), 2 avoidable: 25.0 %
--     centre = (2 + 1.920729) / 11.841459 = 0.331102
--     half = 1.95996 * sqrt(2 * 6 / 8 + 0.960365) / 11.841459 = 0.259602
--     low 7.1 %, high 59.1 %; 10 contacts / 4 requests = 2.50.
-- Council Tax: 10 contacts, 6 assessed (60.0 %), 4 avoidable: 66.7 %
--     centre = 5.920729 / 9.841459 = 0.601611
--     half = 1.95996 * sqrt(4 * 2 / 6 + 0.960365) / 9.841459 = 0.301614
--     low 30.0 %, high 90.3 %; 10 contacts / 1 request = 10.00.
INSERT INTO ringtally.contact_code (site, code, category) VALUES
    ('worked', '1', 'progress_chasing'),
    ('worked', '2', 'unnecessary_clarification'),
    ('worked', '9', 'not_avoidable');
SELECT pg_temp.visit('worked', 'pbx', 'c' || n, pg_temp.ago(3,
    make_interval(hours => 9, mins => 5 * n))) FROM generate_series(1, 10) n;
SELECT is(string_agg(pg_temp.put('worked', 'call:pbx:c' || n, pg_temp.ago(3,
    (9 * 60 + 5 * n + 2) * interval '1 min'), switch => 'pbx',
    call_id => 'c' || n, code => c, source => 'log',
    request => CASE WHEN n > 4 THEN 'r5' END), ',' ORDER BY n),
    '1 0 0,1 0 0,1 0 0,1 0 0,1 0 0,1 0 0', 'six wrap-up codes')
FROM unnest('{1,1,1,2,9,9}'::text[]) WITH ORDINALITY AS u(c, n);
SELECT is(string_agg(pg_temp.put('worked', 'mail' || n, pg_temp.ago(3),
    'email', 'Housing', c, request => r, resolved => n <= 4), ','
    ORDER BY n), '1 0 0,1 0 0,1 0 0,1 0 0,1 0 0,1 0 0', 'six e-mails')
FROM unnest('{premature_closure,not_avoidable,not_avoidable,not_avoidable,not_avoidable,not_avoidable}'::text[],
    '{r1,r1,r2,r3,r3,r3}'::text[]) WITH ORDINALITY AS u(c, r, n);
SELECT is(string_agg(pg_temp.put('worked', 'desk' || n, pg_temp.ago(3),
    'face_to_face', 'Housing', c, request => r), ',' ORDER BY n),
    '1 0 0,1 0 0,1 0 0,1 0 0', 'four at the counter')
FROM unnest(ARRAY['poor_signposting', 'not_avoidable', 'not_assessed', NULL],
    ARRAY['r3', 'r4', NULL, NULL]) WITH ORDINALITY AS u(c, r, n);

CREATE TEMP VIEW worked AS
SELECT f.* FROM ringtally.contact_figures('worked', pg_temp.ago(9),
    now()) AS f;
SELECT results_eq($$ SELECT contacts, assessed, avoidable, not_assessed,
    coverage_pct, ni14_pct, ni14_low_pct, ni14_high_pct, ni14_why, requests,
    contacts_with_request, contacts_per_request, resolved, resolved_known,
    fcr_pct FROM worked $$, $$ VALUES (20::bigint, 14::bigint, 6::bigint,
    6::bigint, 70.0, 42.9, 21.4, 67.4, NULL::text, 5::bigint, 10::bigint, 4.00,
    4::bigint, 6::bigint, 66.7) $$, 'worked: both figures of NI 14');
SELECT results_eq($$ SELECT service COLLATE "default", contacts, assessed, avoidable,
    coverage_pct, ni14_pct, ni14_low_pct, ni14_high_pct, requests,
    contacts_per_request
    FROM ringtally.contact_figures('worked', pg_temp.ago(9), now(),
	'{service}') $$, $$ VALUES
    ('Council Tax', 10::bigint, 6::bigint, 4::bigint, 60.0, 66.7, 30.0, 90.3,
	1::bigint, 10.00),
    ('Housing', 10, 8, 2, 80.0, 25.0, 7.1, 59.1, 4, 2.50) $$,
    'worked: by service');
SELECT results_eq($$ SELECT service COLLATE "default", channel COLLATE "default", contacts, ni14_pct,
    ni14_why FROM ringtally.contact_day WHERE site = 'worked'
    AND day = pg_temp.day(3) ORDER BY 1, 2 $$, $$ VALUES
    ('Council Tax', 'telephone', 10::bigint, 66.7, NULL),
    ('Housing', 'email', 6, 16.7, NULL),
    ('Housing', 'face_to_face', 4, 50.0, NULL) $$, 'worked: contact_day');
SELECT ringtally.contact_configure('worked',
    '{"settings": {"min_coverage_pct": 60.1}}');
SELECT results_eq($$ SELECT service COLLATE "default", ni14_pct, ni14_low_pct,
    ni14_high_pct, ni14_why FROM ringtally.contact_figures('worked',
    pg_temp.ago(9), now(), '{service}') $$, $$ VALUES
    ('Council Tax', NULL::numeric, NULL::numeric, NULL::numeric,
	'60.0 % of the contacts were assessed, 60.1 % are asked for'),
    ('Housing', 25.0, 7.1, 59.1, NULL) $$,
    'below the coverage that is asked for: no figure, but why');
SELECT results_eq($$ SELECT ringtally.wilson(0, 10, -1),
    ringtally.wilson(0, 10, 1), ringtally.wilson(10, 10, -1),
    ringtally.wilson(10, 10, 1), ringtally.wilson(0, 0, 1) $$,
    $$ VALUES (0.0, 27.8, 72.2, 100.0, NULL::numeric) $$,
    'Wilson at its ends, and of nothing');

-- each figure opens to its contacts, and they say nothing of who it was
SELECT results_eq($$ SELECT category COLLATE "default", count(*)
    FROM ringtally.contact_each WHERE site = 'worked'
    AND day = pg_temp.day(3) AND avoidable GROUP BY 1 ORDER BY 1 $$, $$ VALUES
    ('poor_signposting', 1::bigint), ('premature_closure', 1),
    ('progress_chasing', 3), ('unnecessary_clarification', 1) $$,
    'the contacts behind the six');
SELECT hasnt_column('ringtally', 'contact_each', 'customer',
    'no customer in the evidence');

-- --- what is told twice, later, in part -------------------------------------
SELECT is(pg_temp.put('merge', 'a', pg_temp.ago(2), 'web', 'Housing',
    'progress_chasing', request => 'r1', assessed_by => 'advisor',
    assessed_at => pg_temp.ago(2, '13 hours')), '1 0 0', 'new');
SELECT is(pg_temp.put('merge', 'a', pg_temp.ago(2), 'web', 'Housing',
    'progress_chasing', request => 'r1', assessed_by => 'advisor',
    assessed_at => pg_temp.ago(2, '13 hours')), '0 0 1', 'the same again');
SELECT is(pg_temp.put('merge', 'a', pg_temp.ago(2), resolved => true,
    assessed_at => pg_temp.ago(2, '14 hours')), '0 1 0', 'more of it');
SELECT is(pg_temp.put('merge', 'a', pg_temp.ago(2), category =>
    'not_avoidable', assessed_at => pg_temp.ago(2, '12:30')), '0 0 1',
    'an older assessment, heard late, changes nothing');
SELECT is(pg_temp.put('merge', 'a', pg_temp.ago(2), category =>
    'not_avoidable', assessed_at => pg_temp.ago(2, '13:30')), '0 1 0',
    'a later one of the category alone does, though more was told since');
SELECT results_eq($$ SELECT channel COLLATE "default", service COLLATE "default", category COLLATE "default",
    request COLLATE "default", resolved, assessed_by COLLATE "default", assessed_at
    FROM ringtally.contact WHERE site = 'merge' $$, $$ VALUES ('web',
    'Housing', 'not_avoidable', 'r1', true, 'advisor',
    pg_temp.ago(2, '14 hours')) $$, 'of each field the last word');
SELECT is(pg_temp.put('merge', '', pg_temp.ago(2)), '0 0 0', 'no ref');
SELECT is(pg_temp.put('merge', 'b', 'infinity'), '0 0 0', 'no time');
SELECT is(pg_temp.put('merge', 'b', NULL), '0 0 0', 'no time at all');
SELECT results_eq($$ SELECT p.* FROM ringtally.contact_put('merge', '{a,a,a}',
    '{x,x,x}', ARRAY[pg_temp.ago(1), pg_temp.ago(1), pg_temp.ago(1)], '{}',
    '{}', '{progress_chasing,NULL,not_avoidable}', '{}', '{r1,r2,NULL}', '{}',
    '{}', '{}', '{}', '{}', '{}', '{}') AS p $$,
    $$ VALUES (1::bigint, 0::bigint, 2::bigint) $$,
    'three words on one contact in one call');
SELECT results_eq($$ SELECT category COLLATE "default", request COLLATE "default"
    FROM ringtally.contact WHERE ref = 'x' $$,
    $$ VALUES ('not_avoidable', 'r2') $$, 'are heard in their order');

-- --- which call it is -------------------------------------------------------
SELECT pg_temp.visit('join', 'pbx', 'one', pg_temp.ago(2, '10:00'));
SELECT pg_temp.visit('join', 'pbx', 'one', pg_temp.ago(2, '10:02:10'),
    agent => 'Bob', queue => 'house', no => 2);
SELECT pg_temp.visit('join', 'pbx', 'gone', pg_temp.ago(2, '10:00'),
    outcome => 'abandoned');
SELECT pg_temp.visit('join', 'pbx', 'both', pg_temp.ago(2, '11:00'),
    agent => 'Cy');
SELECT pg_temp.visit('join', 'old', 'both', pg_temp.ago(2, '11:00'),
    agent => 'Di');
CREATE TEMP VIEW each AS SELECT ref COLLATE "default", contact_at,
    service COLLATE "default",
    category COLLATE "default", joined_by COLLATE "default", request COLLATE "default"
FROM ringtally.contact_each WHERE site = 'join' ORDER BY contact_at, 1;
SELECT results_eq('SELECT ref, contact_at, service, category FROM each', $$
    VALUES ('call:pbx:one', pg_temp.ago(2, '10:00'), 'Council Tax',
	'not_assessed'),
    ('call:old:both', pg_temp.ago(2, '11:00'), NULL, 'not_assessed'),
    ('call:pbx:both', pg_temp.ago(2, '11:00'), 'Council Tax', 'not_assessed')
    $$, 'every answered call once, by its first answer');
SELECT pg_temp.put('join', 'crm1', pg_temp.ago(2, '10:30'), category =>
    'progress_chasing', call_id => 'one');
SELECT pg_temp.put('join', 'crm2', pg_temp.ago(2, '11:01'), call_id => 'both');
SELECT pg_temp.put('join', 'crm3', pg_temp.ago(2, '09:59'), call_id => 'gone');
SELECT results_eq('SELECT ref, contact_at, service, joined_by FROM each', $$
    VALUES ('crm3', pg_temp.ago(2, '9:59'), NULL, NULL),
    ('crm1', pg_temp.ago(2, '10:00'), 'Council Tax', 'call_id'),
    ('call:old:both', pg_temp.ago(2, '11:00'), NULL, NULL),
    ('call:pbx:both', pg_temp.ago(2, '11:00'), 'Council Tax', NULL),
    ('crm2', pg_temp.ago(2, '11:01'), NULL, NULL) $$,
    'by id: where it is unique and the call was answered');
SELECT pg_temp.put('join', 'crm2', pg_temp.ago(2, '11:01'), switch => 'old');
SELECT pg_temp.put('join', 'crm4', pg_temp.ago(2, '10:04'), request => 'r1',
    service => 'Benefits', agent => 'Bob');
SELECT results_eq('SELECT ref, joined_by, service, request FROM each', $$
    VALUES ('crm3', NULL, NULL, NULL),
    ('crm1', 'call_id', 'Benefits', 'r1'),
    ('call:pbx:both', NULL, 'Council Tax', NULL),
    ('crm2', 'call_id', NULL, NULL) $$,
    'two rows of one call are one contact: the assessed one speaks, the other fills in');
SELECT pg_temp.put('join', 'crm4', pg_temp.ago(2, '10:04'), category =>
    'not_avoidable', assessed_at => pg_temp.ago(2, '18 hours'));
SELECT results_eq($$ SELECT ref, category FROM each
    WHERE contact_at = pg_temp.ago(2, '10:00') $$,
    $$ VALUES ('crm4', 'not_avoidable') $$, 'of two assessments the last');
-- the same call told of twice, and never heard of
SELECT pg_temp.put('join', 'lost1', pg_temp.ago(1, '23:59'), switch => 'pbx',
    call_id => 'lost');
SELECT pg_temp.put('join', 'lost2', pg_temp.ago(0, '00:01'), switch => 'pbx',
    call_id => 'lost', category => 'not_avoidable');
SELECT results_eq($$ SELECT ref, contact_at FROM each WHERE ref ~ 'lost' $$,
    $$ VALUES ('lost2', pg_temp.ago(1, '23:59')) $$,
    'two rows of a call not heard of are one contact, across midnight too');

-- By agent and time. Eve's calls end at 9:02:10 and 9:06:10.
SELECT pg_temp.visit('join', 'pbx', 'e' || n, pg_temp.ago(4,
    make_interval(hours => 9, mins => 4 * n)), agent => 'Eve')
FROM generate_series(0, 1) AS n;
SELECT pg_temp.put('join', 'during', pg_temp.ago(4, '9:05'), agent => 'Eve');
SELECT pg_temp.put('join', 'after', pg_temp.ago(4, '9:07'), agent => 'Eve');
SELECT pg_temp.put('join', 'much', pg_temp.ago(4, '9:30'), agent => 'Eve');
SELECT pg_temp.put('join', 'else', pg_temp.ago(4, '9:05'), agent => 'Flo');
SELECT results_eq($$ SELECT ref COLLATE "default", call_id COLLATE "default", joined_by COLLATE "default"
    FROM ringtally.contact
    WHERE site = 'join' AND ref IN ('during', 'after', 'much', 'else')
    ORDER BY 1 $$, $$ VALUES ('after', 'e0', 'agent'), ('during', 'e1', 'agent'),
    ('else', NULL, NULL), ('much', NULL, NULL) $$,
    'the nearest pair first, then what is left within 300 s of an end');

-- Symmetrical: whatever arrives first, and however the words are cut up.
CREATE TEMP TABLE events (n integer, site text, ref text, at timestamptz,
    agent text, call_id text, cat text, is_call boolean);
INSERT INTO events SELECT row_number() OVER (), 'x', 'r' || n,
    pg_temp.ago(2, make_interval(secs => 36000 + 97 * n)), 'Agent' || n % 3,
    CASE WHEN n % 5 = 0 THEN 'v' || n END,
    (ARRAY['progress_chasing', 'not_avoidable', NULL])[1 + n % 3], false
FROM generate_series(1, 24) AS n;
INSERT INTO events SELECT 100 + n, 'x', NULL, pg_temp.ago(2,
    make_interval(secs => 36000 + 131 * n)), 'Agent' || n % 3, 'v' || n, NULL,
    true FROM generate_series(1, 18) AS n;
CREATE FUNCTION pg_temp.play(p_site text, seed text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	e record;
BEGIN
	INSERT INTO ringtally.site VALUES (p_site, 'Europe/London', 900, 400);
	FOR e IN SELECT * FROM events ORDER BY md5(n || seed) LOOP
		IF e.is_call THEN
			PERFORM pg_temp.visit(p_site, 'pbx', e.call_id, e.at,
			    '100 s', e.agent);
			PERFORM ringtally.contact_join(p_site,
			    now() - interval '4 days', now());
		ELSE
			PERFORM pg_temp.put(p_site, e.ref, e.at, agent =>
			    e.agent, call_id => e.call_id, category => e.cat);
		END IF;
	END LOOP;
	RETURN (SELECT string_agg(concat_ws(' ', ref, contact_at, category,
	    call_id, joined_by), E'\n' ORDER BY ref)
	    FROM ringtally.contact_each WHERE site = p_site);
END
$$;
SELECT is(pg_temp.play('x' || n, 'seed' || n), w.want,
    'joining is symmetrical, shuffled ' || n)
FROM (SELECT pg_temp.play('x', '') AS want) AS w, generate_series(1, 6) AS n;
SELECT is((SELECT count(*)::int FROM ringtally.contact_each
    WHERE site = 'x'), 24 + 18 - (SELECT count(*)::int FROM ringtally.contact
    WHERE site = 'x' AND joined_by IS NOT NULL), 'each joined one is its call');
SELECT cmp_ok((SELECT count(*) FROM ringtally.contact WHERE site = 'x'
    AND joined_by = 'agent'), '>', 9::bigint, 'and many are joined by agent');


SELECT * FROM finish();
ROLLBACK;
