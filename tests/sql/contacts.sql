-- SPDX-License-Identifier: BSD-2-Clause
-- Contacts: what is told of them, and the figures.
BEGIN;
\ir contacts.psql

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
SELECT results_eq($$ SELECT service COLLATE "default",
    channel COLLATE "default", contacts, ni14_pct, ni14_why FROM ringtally.contact_day WHERE site = 'worked'
    AND day = pg_temp.day(3) ORDER BY 1, 2 $$, $$ VALUES
    ('Council Tax', 'telephone', 10::bigint, 66.7, NULL),
    ('Housing', 'email', 6, 16.7, NULL),
    ('Housing', 'face_to_face', 4, 50.0, NULL) $$, 'worked: contact_day');
SELECT results_eq($$ SELECT category COLLATE "default", contacts, avoidable,
    coverage_pct, ni14_pct, ni14_low_pct, ni14_high_pct, ni14_why IS NULL
    FROM ringtally.contact_figures('worked', pg_temp.ago(9), now(),
	'{category}') WHERE category ~ '^(not|prog)' $$, $$ VALUES
    ('not_assessed', 6::bigint, 0::bigint, NULL::numeric, NULL::numeric,
	NULL::numeric, NULL::numeric, false),
    ('not_avoidable', 8, 0, NULL, NULL, NULL, NULL, false),
    ('progress_chasing', 3, 3, NULL, NULL, NULL, NULL, false) $$,
    'worked: a category alone has no share');
SELECT ringtally.contact_configure('worked',
    '{"settings": {"min_coverage_pct": 60.1}}');
SELECT results_eq($$ SELECT service COLLATE "default", ni14_pct, ni14_low_pct,
    ni14_high_pct, ni14_why FROM ringtally.contact_figures('worked',
    pg_temp.ago(9), now(), '{service}') $$, $$ VALUES
    ('Council Tax', NULL::numeric, NULL::numeric, NULL::numeric,
	'60.0 % of the contacts were assessed, 60.1 % are asked for'),
    ('Housing', 25.0, 7.1, 59.1, NULL) $$,
    'below the coverage that is asked for: no figure, but why');
SELECT results_eq($$ SELECT coverage_pct, ni14_pct, ni14_why
    FROM ringtally.contact_rates(10000, 4998, 6, 0, 0, 0, 50) $$, $$ VALUES
    (49.9, NULL::numeric,
	'49.9 % of the contacts were assessed, 50 % are asked for') $$,
    'never as much as is asked for where it is less');
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
SELECT results_eq($$ SELECT channel COLLATE "default",
    service COLLATE "default", category COLLATE "default",
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

-- Without assessed_at the later word heard counts, whatever its time is.
SELECT is(pg_temp.put('merge', 'c', pg_temp.ago(1), 'web',
    category => 'progress_chasing'), '1 0 0', 'no assessed_at');
SELECT is(pg_temp.put('merge', 'c', pg_temp.ago(2), 'web', category =>
    'not_avoidable'), '0 1 0', 'corrected, to an earlier time');
SELECT is(pg_temp.put('merge', 'c', pg_temp.ago(2), 'web', category =>
    'not_avoidable'), '0 0 1', 'and again');
SELECT is(pg_temp.put('merge', 'c', pg_temp.ago(2), category =>
    'poor_signposting', assessed_at => pg_temp.ago(1, '9 hours')), '0 1 0',
    'what has a time goes before what had none');
SELECT is(pg_temp.put('merge', 'c', pg_temp.ago(2), 'web', category =>
    'not_avoidable'), '0 0 1', 'which said once more is no news');
SELECT is(pg_temp.put('merge', 'c', pg_temp.ago(3), 'web', category =>
    'progress_chasing'), '0 1 0', 'but another word is');
SELECT is(pg_temp.put('merge', 'c', pg_temp.ago(2), category =>
    'poor_signposting', assessed_at => pg_temp.ago(1, '9 hours')), '0 0 1',
    'and goes before what was known by then');
SELECT results_eq($$ SELECT contact_at, category COLLATE "default"
    FROM ringtally.contact WHERE ref = 'c' $$,
    $$ VALUES (pg_temp.ago(3), 'progress_chasing') $$, 'the last one heard');
-- one by one, or all in one call
CREATE FUNCTION pg_temp.cut(seed text, step integer) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	p_site text := 'cut ' || gen_random_uuid();
BEGIN
	PERFORM ringtally.contact_put(p_site, array_agg('s' || h % 2),
	    array_agg('k' || n % 3), array_agg(pg_temp.ago(3 - h % 2)),
	    array_agg(CASE WHEN h % 3 = 0 THEN 'web' END), '{}',
	    array_agg((ARRAY['progress_chasing', 'not_avoidable', NULL])
		[1 + h / 7 % 3]), '{}', array_agg('r' || h / 5 % 2), '{}', '{}',
	    '{}', array_agg(CASE WHEN h % 5 < 2 THEN pg_temp.ago(2,
		make_interval(hours => h % 5)) END), '{}', '{}', '{}')
	FROM (SELECT n, abs(hashtext(seed || n) / 9) AS h
	    FROM generate_series(0, 29) AS n ORDER BY n) AS w
	GROUP BY n / step ORDER BY n / step;
	RETURN (SELECT string_agg(concat_ws(' ', ref, source, contact_at,
	    channel, category, request, assessed_at, told_at, heard), E'\n'
	    ORDER BY ref) FROM ringtally.contact WHERE site = p_site);
END
$$;
SELECT is(pg_temp.cut('s' || seed, step), pg_temp.cut('s' || seed, 1),
    format('words %s, cut after %s', seed, step))
FROM generate_series(1, 5) AS seed, unnest('{2,7,30}'::int[]) AS step;

-- --- what counts, by dates ---------------------------------------------------
SELECT pg_temp.put('rule', 'w' || d || c, pg_temp.ago(d), c, 'Housing',
    'progress_chasing') FROM generate_series(1, 4) AS d,
    unnest('{web,email,post}'::text[]) AS c;
SELECT pg_temp.put('rule', 'f1', pg_temp.ago(1), 'web', 'Flood',
    'progress_chasing');
SELECT is(ringtally.contact_configure('rule', jsonb_build_object(
    'scope', jsonb_build_array(jsonb_build_object('kind', 'channel',
	'name', 'web', 'valid_from', pg_temp.day(3), 'valid_to',
	pg_temp.day(1)), jsonb_build_object('kind', 'channel', 'name',
	'email', 'valid_from', pg_temp.day(2), 'valid_to', pg_temp.day(1))),
    'exclusions', jsonb_build_array(jsonb_build_object('name', 'flood',
	'service', 'Flood', 'why', 'the flood', 'valid_from',
	pg_temp.day(1))))),
    ARRAY['scope: channel email from ' || pg_temp.day(2) || ' added',
    'scope: channel web from ' || pg_temp.day(3) || ' added',
    'exclusions: flood from ' || pg_temp.day(1) || ' added'],
    'configured: scope and exclusions');
CREATE TEMP VIEW counting AS SELECT pg_temp.day(0) - day AS days,
    string_agg(channel, ',' ORDER BY channel) FILTER (WHERE excluded IS NULL)
	AS counts, string_agg(DISTINCT excluded, ',') AS why
FROM ringtally.contact_each WHERE site = 'rule' GROUP BY 1 ORDER BY 1;
SELECT results_eq($$ SELECT days, counts COLLATE "default", why
    COLLATE "default" FROM counting $$, $$ VALUES
    (1, 'email,post,web', 'the flood'),
    (2, 'email,web', 'this channel is not in scope'),
    (3, 'web', 'this channel is not in scope'),
    (4, 'email,post,web', NULL) $$, 'scope and exclusions hold on their days');
-- meanings of categories have dates, too, and sites their own
INSERT INTO ringtally.contact_category (site, category, label, avoidable,
    valid_from, valid_to) VALUES ('rule', 'progress_chasing', 'Chasing', false,
    pg_temp.day(3), pg_temp.day(1)), ('', 'progress_chasing', 'All chase',
    NULL, pg_temp.day(1), NULL);
CREATE TEMP VIEW meant AS SELECT DISTINCT pg_temp.day(0) - day AS days,
    avoidable FROM ringtally.contact_each WHERE site = 'rule' ORDER BY 1;
SELECT results_eq('SELECT * FROM meant', $$ VALUES (1, NULL::boolean),
    (2, false), (3, false), (4, true) $$,
    'a site''s own row goes before that of all, a later one before the shipped');
SELECT ringtally.contact_configure('rule', jsonb_build_object('categories',
    jsonb_build_array(jsonb_build_object('category', 'progress_chasing',
    'avoidable', true, 'valid_from', pg_temp.day(3), 'valid_to',
    pg_temp.day(2)))));
SELECT results_eq('SELECT * FROM meant', $$ VALUES (1, NULL::boolean),
    (2, false), (3, true), (4, true) $$,
    'at equal validity the configuration speaks; of other days the rest');
SELECT is(ringtally.contact_configure('rule', '{}'),
    ARRAY['categories: progress_chasing from ' || pg_temp.day(3) ||
    ' removed'], 'what the configuration says no more goes');
SELECT results_eq('SELECT * FROM meant', $$ VALUES (1, NULL::boolean),
    (2, false), (3, false), (4, true) $$, 'what was written by SQL stays');
SELECT is(ringtally.contact_configure('rule', '{}'), '{}',
    'the same again changes nothing');
DELETE FROM ringtally.contact_category WHERE origin = 'sql';
SELECT is(ringtally.contact_configure('rule', '{"settings": {"repeat_days": 0}}'),
    '{"settings: coverage of 50 %, joined within 300 s, repeated within 0 days, kept for 400 days"}',
    'nobody is known again');
-- a slip of the pen is valid on no day, and stops nothing
INSERT INTO ringtally.contact_category (site, category, label, avoidable,
    valid_from, valid_to) VALUES ('rule', 'progress_chasing', 'Chasing', false,
    pg_temp.day(1), pg_temp.day(4));
SELECT lives_ok($$ SELECT ringtally.contact_live('rule'),
    ringtally.contact_say('rule') $$, 'valid to before it is valid from');
DELETE FROM ringtally.contact_category WHERE origin = 'sql';

-- two systems that count alike: the second one's is refused, and counted
INSERT INTO ringtally.feed (site, feed, switch, transport, format)
    VALUES ('hard', 'counter', 'crm', 'http', 'ringtally-json');
SELECT is(pg_temp.put('hard', '1001', pg_temp.ago(3), 'email',
    category => 'progress_chasing'), '1 0 0', 'the first that says 1001');
SELECT is(pg_temp.put('hard', '1001', pg_temp.ago(3), 'post', category =>
    'not_avoidable', source => 'counter'), '0 0 0', 'another one''s 1001');
SELECT is(pg_temp.put('hard', '1001', pg_temp.ago(3), category =>
    'poor_signposting'), '0 1 0', 'its own once more');
SELECT results_eq($$ SELECT * FROM ringtally.contact_others('hard',
    '{a,b,a,b,b,b}', '{n1,n1,call:p:1,call:p:1,1001,1002}') $$,
    $$ VALUES (2::bigint, 'a'), (5, 'crm') $$, 'among those of one batch, too');
SELECT results_eq($$ SELECT p.added, p.changed, p.same
    FROM ringtally.contact_put('hard', '{a,b,a}', '{n1,n1,n2}',
	ARRAY[pg_temp.ago(3), pg_temp.ago(3), pg_temp.ago(3)], '{NULL,NULL,NULL}',
	'{NULL,NULL,NULL}', '{NULL,NULL,NULL}', '{NULL,NULL,NULL}',
	'{NULL,NULL,NULL}', '{NULL,NULL,NULL}', '{NULL,NULL,NULL}',
	'{NULL,NULL,NULL}', '{NULL,NULL,NULL}', '{NULL,NULL,NULL}',
	'{NULL,NULL,NULL}', '{NULL,NULL,NULL}') AS p $$,
    $$ VALUES (2::bigint, 0::bigint, 0::bigint) $$, 'the others are taken');
SELECT pg_temp.put('hard', 'call:p:1', pg_temp.ago(3));
SELECT is(pg_temp.put('hard', 'call:p:1', pg_temp.ago(3), source => 'counter'),
    '0 1 0', 'a call is anybody''s');
SELECT results_eq($$ SELECT feed COLLATE "default", event COLLATE "default",
    unknown, count FROM ringtally.feed_event WHERE site = 'hard' $$,
    $$ VALUES ('counter', 'contact with a ref of crm', true, 1::bigint) $$,
    'counted, where the source is a feed');
DELETE FROM ringtally.contact WHERE site = 'hard';

-- a label is as good as a name, however it is written
SELECT pg_temp.put('hard', 'l1', pg_temp.ago(3), 'FACE  to-Face',
    category => 'Progress chasing');
SELECT pg_temp.put('hard', 'l2', pg_temp.ago(3), 'e-mail',
    category => 'Poor signposting or transfer');
SELECT pg_temp.put('hard', 'l3', pg_temp.ago(3), 'email', category => 'e_mail');
SELECT results_eq($$ SELECT channel COLLATE "default",
    category COLLATE "default" FROM ringtally.contact
    WHERE site = 'hard' ORDER BY ref $$, $$ VALUES
    ('face_to_face', 'progress_chasing'), ('email', 'poor_signposting'),
    ('email', 'e_mail') $$, 'words by their labels');
SELECT is(ringtally.contact_words('hard', 'channel',
    '{web,NULL,"",Web,pigeon,web}'), '{web,NULL,"",web,pigeon,web}',
    'the others stay as they are');
DELETE FROM ringtally.contact WHERE site = 'hard';

-- what stands for nothing is kept, not assessed, and shown
SELECT pg_temp.put('hard', 'u1', pg_temp.ago(1), 'pigeon', 'Post',
    'not_avoidable');
SELECT pg_temp.put('hard', 'u2', pg_temp.ago(1), 'web', 'Post', 'whim');
SELECT pg_temp.put('hard', 'u3', pg_temp.ago(1), 'web', 'Post', code => '77');
INSERT INTO ringtally.contact_code (site, code, category) VALUES
    ('hard', '78', 'progres_chasing'), ('hard', '79', 'not_assessed');
SELECT pg_temp.put('hard', 'u5', pg_temp.ago(1), 'web', 'Post', code => '78');
SELECT pg_temp.put('hard', 'u6', pg_temp.ago(1), 'web', 'Post', 'whim', '78');
SELECT pg_temp.put('hard', 'u7', pg_temp.ago(1), 'web', 'Post', code => '79');
SELECT pg_temp.put('hard', 'u4', now() + interval '9 days', 'web', 'Post',
    'not_avoidable');
SELECT results_eq($$ SELECT kind, name COLLATE "default", contacts
    FROM ringtally.contact_unknown WHERE site = 'hard' ORDER BY 1, 2 $$, $$ VALUES
    ('category', 'progres_chasing (of the code 78)', 1::bigint),
    ('category', 'whim', 2), ('channel', 'pigeon', 1), ('code', '77', 1),
    ('time', 'crm', 1) $$, 'contact_unknown');
DELETE FROM ringtally.contact WHERE site = 'hard' AND ref IN ('u5', 'u6', 'u7');
SELECT results_eq($$ SELECT contacts, assessed
    FROM ringtally.contact_figures('hard', pg_temp.ago(5), now()) $$,
    $$ VALUES (3::bigint, 0::bigint) $$, 'counted, and not assessed');
-- any text is only a text
SELECT lives_ok(format($$ SELECT pg_temp.put('hard', %1$L, pg_temp.ago(2), %1$L,
    %1$L, %1$L, %1$L, %1$L, NULL, '\x00', %1$L, %1$L, NULL, %1$L, %1$L, %1$L)
    $$, name), 'name ' || n)
FROM unnest(ARRAY['''; DROP TABLE ringtally.contact; --', '"\{},NULL',
    E'\u202E\n\t', 'NULL', '=HYPERLINK("x")', repeat(E'\U0001F4DE', 300),
    'not_assessed', '%s%1$I', chr(1)]) WITH ORDINALITY AS u(name, n);
SELECT is((SELECT count(*)::int FROM ringtally.contact_each
    WHERE site = 'hard' AND day = pg_temp.day(2)), 9, 'each of them is there');
SELECT lives_ok($$ SELECT ringtally.contact_live('hard'),
    ringtally.contact_say('hard') $$, 'and on the page');
SELECT is((SELECT max(length(ref)) FROM ringtally.contact
    WHERE site = 'hard'), 255, 'cut where it is too long');

-- --- local days of 25 and 23 hours -------------------------------------------
CREATE FUNCTION pg_temp.last_sunday(m integer) RETURNS date LANGUAGE sql AS $$
    SELECT max(d)::date FROM generate_series(
	date_trunc('day', now()::timestamp) - interval '380 days',
	now()::timestamp - interval '3 days', '1 day') AS d
    WHERE extract(month FROM d) = m AND extract(day FROM d) > 24
      AND extract(isodow FROM d) = 7 $$;
SELECT pg_temp.put('clock', 'h' || m || '-' || n, (pg_temp.last_sunday(m)
    ::timestamp AT TIME ZONE 'Europe/London')
    + make_interval(hours => n), 'web') FROM generate_series(-2, 26) AS n,
    unnest('{3,10}'::int[]) AS m;
SELECT results_eq($$ SELECT contacts FROM ringtally.contact_day
    WHERE site = 'clock' AND day IN (pg_temp.last_sunday(10),
    pg_temp.last_sunday(3)) ORDER BY 1 $$,
    $$ VALUES (23::bigint), (25) $$, 'days of 23 and of 25 hours');
SELECT results_eq($$ SELECT sum(contacts), count(*), min(contacts),
    max(contacts) FROM ringtally.contact_interval WHERE site = 'clock'
    AND day = pg_temp.last_sunday(10) $$,
    $$ VALUES (25::numeric, 25::bigint, 1::bigint, 1::bigint) $$,
    'and their intervals');
SELECT results_eq($$ SELECT day, contacts FROM ringtally.contact_day
    WHERE site = 'clock' AND day BETWEEN pg_temp.last_sunday(10) - 1
    AND pg_temp.last_sunday(10) + 1 ORDER BY 1 $$,
    $$ SELECT (starts_at AT TIME ZONE 'Europe/London')::date, contacts
    FROM ringtally.contact_figures('clock',
	(pg_temp.last_sunday(10) - 1)::timestamp AT TIME ZONE 'Europe/London',
	(pg_temp.last_sunday(10) + 2)::timestamp AT TIME ZONE 'Europe/London',
	'{day}') $$, 'views and contact_figures agree on days');

-- --- the parts add up --------------------------------------------------------
SELECT is_empty(format($$
    SELECT %2$I, f.n, c.n FROM (SELECT site, %2$I, sum(contacts) AS n,
	sum(assessed) AS a, sum(avoidable) AS v, sum(resolved) AS r
	FROM ringtally.contact_%1$s WHERE site IN ('worked', 'rule')
	GROUP BY 1, 2) AS f
    FULL JOIN (SELECT site, %2$I, sum(contacts) AS n,
	coalesce(sum(contacts) FILTER (WHERE avoidable IS NOT NULL), 0) AS a,
	coalesce(sum(contacts) FILTER (WHERE avoidable), 0) AS v,
	sum(resolved) AS r
	FROM ringtally.contact_category_%1$s WHERE site IN ('worked', 'rule')
	GROUP BY 1, 2) AS c
	USING (site, %2$I)
    WHERE (f.n, f.a, f.v, f.r) IS DISTINCT FROM (c.n, c.a, c.v, c.r) $$,
    name, col), 'categories add up to contacts, by ' || name)
FROM (VALUES ('interval', 'starts_at'), ('day', 'day'), ('week', 'week'),
    ('month', 'month'), ('quarter', 'quarter'), ('year', 'year'))
    AS v(name, col);
SELECT is((SELECT sum(contacts) FROM ringtally.contact_year
    WHERE site = 'worked'), (SELECT count(*)::numeric
    FROM ringtally.contact_each WHERE site = 'worked'), 'and years to all there are');
SELECT is(to_char(year, 'MM-DD'), '04-01', 'a year begins in April')
FROM ringtally.contact_year WHERE site = 'rule' LIMIT 1;

-- --- samples and sheets ------------------------------------------------------
-- One week of e-mails: the six of the worked set, of which 1 avoidable; and
-- by hand 30 more, 9 of them avoidable and 6 not assessed: of 6 + 24
-- assessed 1 + 9, 33.3 %. z2 = 3.8415: centre = (10 + 1.92073) / 33.84146
-- = 0.352252; half = 1.95996 * sqrt(10 * 20 / 30 + 0.960365) / 33.84146
-- = 0.159950; low 19.2 %, high 51.2 %.
SELECT ringtally.contact_configure('worked', jsonb_build_object('sampling',
    jsonb_build_array(jsonb_build_object('name', 'autumn', 'starts_on',
	pg_temp.day(5), 'ends_on', pg_temp.day(1), 'channel', 'email', 'why',
	'a week, as the guide says'))));
INSERT INTO ringtally.contact_sheet (site, period, channel, service, category,
    contacts, resolved, requests, source) VALUES
    ('worked', 'autumn', 'email', 'Housing', 'progress_chasing', 9, 3, 5, 'x'),
    ('worked', 'autumn', 'email', 'Housing', 'not_avoidable', 15, NULL, 5, 'x'),
    ('worked', 'autumn', 'email', '', 'not_assessed', 6, 6, NULL, 'x'),
    ('worked', 'autumn', 'post', 'Housing', 'progress_chasing', 50, 50, 50,
    'x'); -- no letter is an e-mail
SELECT results_eq($$ SELECT name COLLATE "default", contacts, sheet_contacts,
    sample_size, avoidable, ni14_pct, ni14_low_pct, ni14_high_pct, requests,
    resolved, resolved_known FROM ringtally.contact_sample
    WHERE site = 'worked' $$, $$ VALUES ('autumn', 36::bigint, 30::bigint,
    30::bigint, 10::bigint, 33.3, 19.2, 51.2, 13::bigint, 13::bigint,
    21::bigint) $$, 'a sampling period has its own figure');
SELECT results_eq($$ SELECT contacts, avoidable FROM worked $$,
    $$ VALUES (20::bigint, 6::bigint) $$, 'and sheets are in no other');
-- by the rules for contacts: what is left out, and what is in scope
CREATE TEMP VIEW counted AS SELECT sheet_contacts, sample_size, avoidable
FROM ringtally.contact_sample WHERE site = 'worked' AND name = 'autumn';
SAVEPOINT rules;
INSERT INTO ringtally.contact_exclusion (site, name, category, source, why)
    VALUES ('worked', 'x', 'progress_chasing', 'x', 'counted twice');
SELECT results_eq('TABLE counted', $$ VALUES (21::bigint, 21::bigint,
    1::bigint) $$, 'an exclusion is one of sheets, too');
INSERT INTO ringtally.contact_scope (site, kind, name) VALUES
    ('worked', 'service', 'Housing');
SELECT results_eq('TABLE counted', $$ VALUES (15::bigint, 21::bigint,
    1::bigint) $$, 'and the scope');
UPDATE ringtally.sampling_period SET name = 'fall' WHERE site = 'worked';
SELECT results_eq($$ SELECT kind, name COLLATE "default", contacts
    FROM ringtally.contact_unknown WHERE site = 'worked' $$, $$ VALUES
    ('period', 'autumn', 80::bigint) $$, 'sheets without a period');
ROLLBACK TO rules;

-- --- the page ----------------------------------------------------------------
SELECT ringtally.contact_configure('worked', jsonb_build_object('settings',
    '{}'::jsonb, 'sampling', jsonb_build_array(jsonb_build_object('name',
	'autumn', 'starts_on', pg_temp.day(5), 'ends_on', pg_temp.day(1),
	'channel', 'email'))));
CREATE TEMP VIEW page AS SELECT ringtally.contact_live('worked') AS p;
GRANT SELECT ON page TO daemon;
SELECT is(p->'last_28_days', jsonb_build_object('contacts', 20, 'assessed', 14,
    'avoidable', 6, 'not_assessed', 6, 'coverage_pct', 70.0, 'ni14_pct', 42.9,
    'ni14_low_pct', 21.4, 'ni14_high_pct', 67.4, 'ni14_why', NULL, 'requests',
    5, 'contacts_with_request', 10, 'contacts_per_request', 4.00, 'resolved',
    4, 'resolved_known', 6, 'fcr_pct', 66.7), 'the page says the same')
FROM page;
SELECT is(p->'today'->'ni14_why', '"no contacts"', 'today nothing was')
FROM page;
SELECT is(p->'day', to_jsonb(pg_temp.day(0)), 'the local day') FROM page;
SELECT results_eq($$ SELECT c->>'category', c->'contacts', c->'share_pct'
    FROM page, jsonb_array_elements(p->'categories') AS c $$, $$ VALUES
    ('not_avoidable', '8'::jsonb, '57.1'::jsonb),
    ('progress_chasing', '3', '21.4'), ('poor_signposting', '1', '7.1'),
    ('premature_closure', '1', '7.1'),
    ('unnecessary_clarification', '1', '7.1') $$, 'Pareto of the assessed');
SELECT results_eq($$ SELECT s->>'service', s->'contacts', s->'requests'
    FROM page, jsonb_array_elements(p->'services') AS s $$, $$ VALUES
    ('Council Tax', '10'::jsonb, '1'::jsonb), ('Housing', '10', '4') $$,
    'services');
SELECT is(p#>'{sampling,0}', jsonb_build_object('name', 'autumn',
    'starts_on', pg_temp.day(5), 'ends_on', pg_temp.day(1), 'running', false,
    'channel', 'email', 'service', NULL, 'why', NULL, 'contacts', 36,
    'sheet_contacts', 30, 'sample_size', 30, 'avoidable', 10, 'ni14_pct', 33.3,
    'ni14_low_pct', 19.2, 'ni14_high_pct', 51.2), 'the last sampling period')
FROM page;
-- every one that runs, when several do
SAVEPOINT periods;
INSERT INTO ringtally.sampling_period (site, name, starts_on, ends_on, service)
    VALUES ('worked', 'desk', pg_temp.day(4), pg_temp.day(0), 'Housing'),
    ('worked', 'desk 2', pg_temp.day(1), pg_temp.day(-9), NULL),
    ('', 'desk', pg_temp.day(4), pg_temp.day(-9), NULL),
    ('worked', 'next', pg_temp.day(-1), pg_temp.day(-9), NULL);
SELECT results_eq($$ SELECT s->>'name', s->'service', s->'running',
    s->'contacts' FROM page, jsonb_array_elements(p->'sampling') AS s $$,
    $$ VALUES ('desk 2', 'null'::jsonb, 'true'::jsonb, '0'::jsonb),
    ('desk', '"Housing"', 'true', '10') $$, 'all sampling periods that run');
ROLLBACK TO periods;
-- late visits are seen when the daemon says so; contacts at once
SELECT pg_temp.visit('worked', 'pbx', 'late', pg_temp.ago(6));
SELECT is(p#>'{last_28_days,contacts}', '20', 'not looked at') FROM page;
SELECT ringtally.contact_join('worked', pg_temp.ago(7), pg_temp.ago(5));
SELECT is(p#>'{last_28_days,contacts}', '21', 'counted anew') FROM page;
SELECT pg_temp.put('worked', 'late', pg_temp.ago(20), 'web', 'Housing',
    'progress_chasing');
SELECT is(p#>'{last_28_days,contacts}', '22', 'a contact of long ago')
FROM page;
SELECT pg_temp.put('worked', 'now' || n, now() - interval '1 ms', 'web',
    'Housing', 'progress_chasing') FROM generate_series(1, 4) AS n;
SELECT results_eq($$ SELECT p#>'{today,ni14_pct}', p#>'{today,ni14_low_pct}'
    FROM page $$, $$ VALUES ('100.0'::jsonb, '51.0'::jsonb) $$, 'and today');
-- Housing before the last 7 days: 1 of 1; in them 2 + 4 of 8 + 4: chance
SELECT results_eq($$ SELECT s->>'service', s->'before_pct', s->'rise_points'
    FROM page, jsonb_array_elements(p->'services') AS s $$, $$ VALUES
    ('Housing', '100.0'::jsonb, 'null'::jsonb),
    ('Council Tax', 'null', 'null') $$, 'one contact makes no rise');
-- before 20 of 20 (83.9 % to 100 %), in the week 6 of 12 (25.4 % to 74.6 %);
-- Parking before 0 of 8 (0 % to 32.4 %), in the week 8 of 8 (67.6 % to 100 %)
SAVEPOINT rise;
SELECT pg_temp.put('worked', 'before' || n, pg_temp.ago(20), 'web', 'Housing',
    'progress_chasing') FROM generate_series(1, 19) AS n;
SELECT pg_temp.put('worked', 'park' || n, pg_temp.ago(CASE WHEN n > 8 THEN 2
    ELSE 20 END), 'web', 'Parking', CASE WHEN n > 8 THEN 'progress_chasing'
    ELSE 'not_avoidable' END) FROM generate_series(1, 16) AS n;
SELECT results_eq($$ SELECT s->>'service', s->'before_pct', s->'rise_points'
    FROM page, jsonb_array_elements(p->'services') AS s $$, $$ VALUES
    ('Parking', '0.0'::jsonb, '100.0'::jsonb),
    ('Housing', '100.0', '-50.0'), ('Council Tax', 'null', 'null') $$,
    'what rises, first');
ROLLBACK TO rise;
SELECT is((SELECT sum(contacts) FROM ringtally.contact_day
    WHERE site = 'worked' AND day > pg_temp.day(28)),
    (p#>>'{last_28_days,contacts}')::numeric, 'the page and the views agree')
FROM page;

-- --- figures that change after they were said --------------------------------
-- Within one transaction now() stands: what was said is set back instead.
CREATE FUNCTION pg_temp.later() RETURNS void LANGUAGE sql AS $$
    UPDATE ringtally.contact_said SET said_at = said_at - interval '1 hour';
    UPDATE ringtally.contact_sample_said
    SET said_at = said_at - interval '1 hour';
    UPDATE ringtally.contact_change SET changed_at = changed_at
	- interval '2 hours';
    UPDATE ringtally.contact SET written_at = written_at - interval '2 hours'
$$;
SELECT pg_temp.put('said', 's' || n, pg_temp.ago(9), 'web', 'Housing',
    CASE WHEN n <= 3 THEN 'progress_chasing' ELSE 'not_avoidable' END)
FROM generate_series(1, 10) AS n;
SELECT is(ringtally.contact_say('said'), 1::bigint, 'said');
SELECT is(ringtally.contact_say('said'), 0::bigint, 'said once');
CREATE TEMP VIEW recount AS SELECT version, said_at IS NOT NULL AS said,
    old_ni14_pct, new_ni14_pct, old_avoidable, new_avoidable, why
FROM ringtally.contact_recount WHERE site = 'said' ORDER BY 1;
SELECT is_empty('TABLE recount', 'as it was said');
SELECT pg_temp.later();
SELECT set_config('ringtally.why', 'the audit', true);
SELECT pg_temp.put('said', 's4', pg_temp.ago(9), category =>
    'premature_closure', assessed_by => 'auditor', assessed_at =>
    pg_temp.ago(1));
SELECT isnt(ringtally.contact_live('said'), NULL, 'looked at');
SELECT results_eq('TABLE recount', $$ VALUES (2, false, 30.0, 40.0, 3::bigint,
    4::bigint, 'contact s4: the audit; 1 contacts told or changed') $$,
    'counted anew, and not said yet: old, new, why');
SELECT is(ringtally.contact_say('said'), 1::bigint, 'said anew');
SELECT results_eq('SELECT said, old_ni14_pct, new_ni14_pct FROM recount',
    $$ VALUES (true, 30.0, 40.0) $$, 'and kept');
SELECT pg_temp.later();
SELECT set_config('ringtally.why', 'chasing is not avoidable now', true);
INSERT INTO ringtally.contact_category (site, category, label, avoidable,
    valid_from) VALUES ('said', 'progress_chasing', 'Chasing', false,
    pg_temp.day(20));
SELECT is(ringtally.contact_say('said'), 1::bigint, 'said a third time');
SELECT results_eq($$ SELECT old_ni14_pct, new_ni14_pct, why
    FROM recount WHERE version = 3 $$, $$ VALUES (40.0, 10.0,
    'category progress_chasing: chasing is not avoidable now') $$,
    'another meaning of a category counts anew, and says why');
SELECT results_eq($$ SELECT what, name, old->>'category', new->>'category',
    why FROM ringtally.contact_change WHERE site = 'said'
    AND what = 'contact' $$, $$ VALUES ('contact', 's4', 'not_avoidable',
    'premature_closure', 'the audit') $$, 'what was changed, to what');
SELECT pg_temp.later();
SELECT set_config('ringtally.why', '', true);
SELECT pg_temp.visit('said', 'pbx', 'late', pg_temp.ago(9));
SELECT ringtally.contact_touch('said', pg_temp.ago(9), pg_temp.ago(9));
SELECT ringtally.contact_say('said');
SELECT results_eq($$ SELECT old_contacts, new_contacts, why
    FROM ringtally.contact_recount WHERE site = 'said'
    AND channel = 'telephone' $$, $$ VALUES (NULL::bigint, 1::bigint,
    'calls that were heard of later') $$, 'late calls');

-- --- the reason of each figure ------------------------------------------------
-- Of one day 10 e-mails of Housing and 4 web contacts of Tax; a recoding, two
-- that are deleted, one that goes from Tax to Housing, one of another day.
SELECT pg_temp.put('moved', 'e' || n, pg_temp.ago(9), 'email', 'Housing',
    CASE WHEN n <= 3 THEN 'progress_chasing' ELSE 'not_avoidable' END,
    request => 'q' || n) FROM generate_series(1, 10) AS n;
SELECT pg_temp.put('moved', 'w' || n, pg_temp.ago(9), 'web', 'Tax',
    'progress_chasing', resolved => true) FROM generate_series(1, 4) AS n;
SELECT pg_temp.visit('moved', 'pbx', 'v1', pg_temp.ago(9));
SELECT is(ringtally.contact_say('moved'), 3::bigint, 'three figures said');
SELECT pg_temp.later();
SELECT set_config('ringtally.why', 'asked to be erased', true);
DELETE FROM ringtally.contact WHERE site = 'moved' AND request IN ('q1', 'q9');
SELECT set_config('ringtally.why', 'audit of housing', true);
SELECT pg_temp.put('moved', 'e5', pg_temp.ago(9), category =>
    'progress_chasing', assessed_at => pg_temp.ago(1));
SELECT set_config('ringtally.why', 'the wrong service', true);
SELECT pg_temp.put('moved', 'w1', pg_temp.ago(9), service => 'Benefits',
    assessed_at => pg_temp.ago(1));
SELECT set_config('ringtally.why', 'a wrong clock', true);
SELECT pg_temp.put('moved', 'w2', pg_temp.ago(8), assessed_at =>
    pg_temp.ago(1));
SELECT set_config('ringtally.why', 'was not settled', true);
SELECT pg_temp.put('moved', 'w3', pg_temp.ago(9), resolved => false,
    assessed_at => pg_temp.ago(1));
SELECT set_config('ringtally.why', 'no letters', true);
INSERT INTO ringtally.contact_exclusion (site, name, channel, why, valid_from)
    VALUES ('moved', 'letters', 'post', 'letters', pg_temp.day(20));
SELECT ringtally.contact_say('moved');
SELECT results_eq($$ SELECT service COLLATE "default",
    channel COLLATE "default", old_contacts, new_contacts, why
    FROM ringtally.contact_recount WHERE site = 'moved' ORDER BY 1, 2 $$,
    $$ VALUES ('Benefits', 'web', NULL::bigint, 1::bigint,
	'contact w1: the wrong service; 1 contacts told or changed'),
    ('Housing', 'email', 10, 8, '2 contacts deleted: asked to be erased; '
	'contact e5: audit of housing; 1 contacts told or changed'),
    ('Tax', 'web', 4, 2, 'contact w1: the wrong service; '
	'contact w2: a wrong clock; contact w3: was not settled; '
	'1 contacts told or changed') $$,
    'each figure with its own reasons, and no other''s');
SELECT is_empty($$ SELECT k FROM ringtally.contact_change AS k
    WHERE site = 'moved' AND k::text ~ 'e[19]\M|q[0-9]' $$,
    'what was deleted is not named');
-- a call that a contact of another service takes to itself
SELECT pg_temp.later();
SELECT pg_temp.put('moved', 'c1', pg_temp.ago(9), 'telephone', 'Parking',
    switch => 'pbx', call_id => 'v1');
SELECT ringtally.contact_say('moved');
SELECT results_eq($$ SELECT service COLLATE "default", why
    FROM ringtally.contact_recount WHERE site = 'moved'
    AND channel = 'telephone' ORDER BY 1 $$, $$ VALUES ('Council Tax',
    'contacts that are counted elsewhere now, or kept no more'),
    ('Parking', '1 contacts told or changed') $$, 'what left says so');

-- 3 of the 8 e-mails count no more: the coverage that is asked for is part of
-- what was said
SELECT pg_temp.later();
SELECT pg_temp.put('moved', 'n' || n, pg_temp.ago(9), 'email', 'Housing')
FROM generate_series(1, 12) AS n;
SELECT ringtally.contact_say('moved');
SELECT pg_temp.later();
SELECT set_config('ringtally.why', 'asks for less', true);
SELECT ringtally.contact_configure('moved',
    '{"settings": {"min_coverage_pct": 40}}');
SELECT is(ringtally.contact_say('moved'), 1::bigint, 'one share is one now');
SELECT results_eq($$ SELECT old_coverage_pct, new_coverage_pct, old_ni14_pct,
    new_ni14_pct, ni14_why IS NULL, why FROM ringtally.contact_recount
    WHERE site = 'moved' AND channel = 'email' AND version > 2
    ORDER BY version $$, $$ VALUES (100.0, 40.0, 37.5, NULL::numeric, false,
    '12 contacts told or changed'), (40.0, 40.0, NULL, 37.5, true,
    'setting moved: asks for less') $$, 'and no share below the coverage');

-- the figure of a sampling period, too: of what it counts, of sheets, and of
-- the period itself
SELECT pg_temp.put('kept', 'k' || n, pg_temp.ago(9), 'email', 'Housing',
    CASE WHEN n <= 3 THEN 'progress_chasing' ELSE 'not_avoidable' END,
    request => 'q' || n % 4) FROM generate_series(1, 10) AS n;
SELECT pg_temp.put('kept', 'k11', pg_temp.ago(9), 'web', 'Housing',
    'progress_chasing');
INSERT INTO ringtally.sampling_period (site, name, starts_on, ends_on, channel)
    VALUES ('kept', 'mail', pg_temp.day(12), pg_temp.day(8), 'email'),
    ('kept', 'now', pg_temp.day(12), pg_temp.day(-8), NULL);
INSERT INTO ringtally.contact_sheet (site, period, channel, category, contacts,
    source) VALUES ('kept', 'mail', 'email', 'repeat_notification', 10, 'x');
SELECT is(ringtally.contact_say('kept'), 3::bigint, 'two days and a sample');
CREATE TEMP VIEW resampled AS SELECT old_sample_size, new_sample_size,
    old_ni14_pct, new_ni14_pct, why
FROM ringtally.contact_sample_recount WHERE site = 'kept' ORDER BY version;
SELECT is_empty('TABLE resampled', 'the sample is as it was said');
SELECT results_eq($$ SELECT contacts, sheet_contacts, sample_size, avoidable,
    requests, resolved, resolved_known FROM ringtally.contact_sample_said
    WHERE site = 'kept' $$, $$ SELECT contacts, sheet_contacts, sample_size,
    avoidable, requests, resolved, resolved_known FROM ringtally.contact_sample
    WHERE site = 'kept' AND name = 'mail' $$, 'and as the view has it');
SELECT pg_temp.later();
SELECT set_config('ringtally.why', 'miscounted', true);
UPDATE ringtally.contact_sheet SET contacts = 6 WHERE site = 'kept';
SELECT is(ringtally.contact_say('kept'), 1::bigint, 'another sheet');
SELECT pg_temp.later();
SELECT set_config('ringtally.why', 'was wrong', true);
INSERT INTO ringtally.contact_category (site, category, label, avoidable,
    valid_from) VALUES ('kept', 'progress_chasing', 'Chasing', false,
    pg_temp.day(20));
SELECT is(ringtally.contact_say('kept'), 3::bigint, 'another meaning');
SELECT pg_temp.later();
SELECT set_config('ringtally.why', 'all of it', true);
UPDATE ringtally.sampling_period SET channel = NULL
WHERE site = 'kept' AND name = 'mail';
SELECT results_eq('TABLE resampled', $$ VALUES (20::bigint, 16::bigint, 65.0,
    56.3, 'sheet mail: miscounted'), (16, 16, 56.3, 37.5,
    'category progress_chasing: was wrong'), (16, 17, 37.5, 35.3,
    'sampling_period mail: all of it') $$, 'each with its reason');

-- --- privacy -----------------------------------------------------------------
SELECT pg_temp.put('said', 'p' || n, pg_temp.ago(1), customer =>
    decode(repeat(CASE WHEN n = 3 THEN 'bb' ELSE 'aa' END, 16), 'hex'))
FROM generate_series(1, 3) AS n;
SELECT pg_temp.visit('said', 'pbx', 'p1', pg_temp.ago(1));
UPDATE ringtally.visit SET caller = decode(repeat('aa', 16), 'hex')
WHERE site IN ('said', 'worked');
INSERT INTO ringtally.open_visit (site, switch, call_id, visit_no, state,
    outcome, transferred, caller) VALUES ('said', 'pbx', 'p2', 1, 'talking',
    'answered', false, decode(repeat('aa', 16), 'hex'));
SELECT results_eq($$ SELECT * FROM ringtally.forget('said',
    ARRAY[decode(repeat('aa', 16), 'hex'), decode(repeat('cc', 16), 'hex')])
    ORDER BY 1 $$, $$ VALUES ('contacts', 2::bigint), ('open visits', 1),
    ('visits', 2) $$, 'forget: says what went');
SELECT results_eq($$ SELECT (SELECT count(*) FROM ringtally.contact
    WHERE site = 'said' AND customer IS NOT NULL), (SELECT count(*)
    FROM ringtally.visit WHERE site = 'said' AND caller IS NOT NULL),
    (SELECT count(*) FROM ringtally.visit WHERE site = 'worked'
    AND caller IS NOT NULL) $$, $$ VALUES (1::bigint, 0::bigint, 11::bigint)
    $$, 'nothing else, and of no other site');
SELECT results_eq($$ SELECT * FROM ringtally.forget('said',
    ARRAY[decode(repeat('aa', 16), 'hex')]) ORDER BY 1 $$, $$ VALUES
    ('contacts', 0::bigint), ('open visits', 0), ('visits', 0) $$,
    'and what is gone is gone');
CREATE TEMP TABLE before AS SELECT * FROM recount;
SELECT ringtally.contact_configure('said',
    '{"settings": {"keep_contacts_days": 5}}');
SELECT is(ringtally.contact_expire('said'), 10::bigint, 'expire: ten of them');
SELECT is((SELECT count(*)::int FROM ringtally.contact
    WHERE site = 'said'), 3, 'the others stay');
SELECT is_empty($$ SELECT site, day FROM ringtally.contact_cell
    WHERE site = 'said' AND day < pg_temp.day(8) UNION ALL
    SELECT site, to_day FROM ringtally.contact_change
    WHERE site = 'said' AND name IN ('s4', 'deleted') $$,
    'and nothing that leads to them');
SELECT ringtally.contact_say('said');
SELECT results_eq('TABLE recount', 'TABLE before',
    'what is not kept says nothing new');

-- --- rights ------------------------------------------------------------------
SET ROLE ann;
SELECT lives_ok('SELECT * FROM ringtally.' || v || ' WHERE site = ''said''',
    'an analyst reads ' || v)
FROM unnest('{contact_each,contact_day,contact_category_month,contact_sample,contact_recount,contact_sample_recount,contact_unknown,contact_change,contact_category,contact_setting}'::text[]) AS v;
SELECT lives_ok($$ SELECT * FROM ringtally.contact_figures('worked', now()
    - interval '9 days', now(), '{day}') $$, 'and asks for figures');
SELECT throws_ok($$ SELECT * FROM ringtally.contact_figures('worked', now(),
    now(), '{customer}') $$, '22023');
SELECT throws_ok('SELECT customer FROM ringtally.contact', '42501', NULL,
    'but for no customers');
SELECT throws_ok($$ SELECT ringtally.forget('said', '{}') $$, '42501');
SELECT throws_ok($$ SELECT ringtally.contact_live('said') $$, '42501');
SET ROLE daemon;
SELECT lives_ok(q, 'the daemon: ' || left(q, 40)) FROM unnest(ARRAY[
    $$ SELECT * FROM ringtally.contact_put('said', '{a}', '{z}',
	ARRAY[now()], '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}',
	'{}', '{}', '{Ann}') $$,
    $$ SELECT ringtally.contact_join('said', now() - interval '1 day', now())
    $$, $$ SELECT ringtally.contact_configure('said', '{}') $$,
    $$ SELECT ringtally.contact_live('said') $$,
    $$ SELECT ringtally.contact_touch('said', now() - interval '2 days', now())
    $$, $$ SELECT ringtally.contact_say('said') $$,
    $$ SELECT ringtally.contact_expire('said') $$,
    $$ SELECT * FROM ringtally.forget('said', '{}') $$]) AS q;
SELECT throws_ok('SELECT customer FROM ringtally.contact', '42501', NULL,
    'reads no customers back');
-- a queue of another service, as the daemon writes it, counts anew
SELECT is(p#>>'{services,1,service}', 'Council Tax', 'a service') FROM page;
SELECT lives_ok($$ UPDATE ringtally.queue SET service = 'Revenues'
    WHERE site = 'worked' AND queue = 'ctax' $$, 'a queue goes over');
SELECT is(p#>>'{services,1,service}', 'Revenues', 'with all its calls')
FROM page;
SELECT results_eq($$ SELECT name, old->>'service', new->>'service'
    FROM ringtally.contact_change WHERE what = 'queue' $$, $$ VALUES
    ('ctax', 'Council Tax', 'Revenues') $$, 'and that is noted');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
