-- SPDX-License-Identifier: BSD-2-Clause
-- Contacts: which calls they are, whoever tells of them and in whatever order.
BEGIN;
\ir contacts.psql

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
FROM ringtally.contact_each WHERE site = 'join' AND excluded IS NULL
ORDER BY contact_at, 1;
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
SELECT pg_temp.put('join', 'crm5', pg_temp.ago(2, '23 hours'), call_id => 'one',
    request => 'r9');
SELECT results_eq($$ SELECT ref, request FROM each
    WHERE contact_at = pg_temp.ago(2, '10:00') $$,
    $$ VALUES ('crm4', 'r1') $$, 'who did not assess it speaks for nobody');
-- and is evidence all the same
SELECT results_eq($$ SELECT ref COLLATE "default", service COLLATE "default",
    category COLLATE "default", request COLLATE "default", excluded
    FROM ringtally.contact_each WHERE site = 'join' AND excluded IS NOT NULL
    ORDER BY 1 $$, $$ VALUES ('crm1', 'Benefits', 'progress_chasing', NULL,
    'same call as crm4'), ('crm5', 'Benefits', 'not_assessed', 'r9',
    'same call as crm4') $$, 'what does not speak is listed, and left out');
-- the same call told of twice, and never heard of
SELECT pg_temp.put('join', 'lost1', pg_temp.ago(1, '23:59'), switch => 'pbx',
    call_id => 'lost');
SELECT pg_temp.put('join', 'lost2', pg_temp.ago(0, '00:01'), switch => 'pbx',
    call_id => 'lost', category => 'not_avoidable');
SELECT results_eq($$ SELECT ref, contact_at FROM each WHERE ref ~ 'lost' $$,
    $$ VALUES ('lost2', pg_temp.ago(1, '23:59')) $$,
    'two rows of a call not heard of are one contact, across midnight too');
-- an id that comes back after days is another call's, by day and by month
SELECT pg_temp.put('join', 'off1', pg_temp.ago(7), switch => 'pbx',
    call_id => 'one', category => 'not_avoidable');
SELECT pg_temp.put('join', 'off2', pg_temp.ago(9), switch => 'pbx',
    call_id => 'one', category => 'not_avoidable');
SELECT results_eq($$ SELECT contacts FROM ringtally.contact_figures('join',
    pg_temp.ago(10), now()) $$, $$ SELECT sum(contacts)::bigint
    FROM ringtally.contact_day WHERE site = 'join' $$,
    'one figure, whichever way it is cut');
SELECT is((SELECT count(*)::int FROM each
    WHERE ref ~ '^(crm4|off1|off2)$'), 3, 'three contacts');
-- the first answer of a call may be heard of last
SELECT pg_temp.visit('join', 'pbx', 'two', pg_temp.ago(5, '10:02'),
    queue => 'house', no => 2);
SELECT pg_temp.put('join', 'two1', pg_temp.ago(5, '10:03'), call_id => 'two');
SELECT pg_temp.visit('join', 'pbx', 'two', pg_temp.ago(5, '10:00'),
    agent => 'Bob');
SELECT pg_temp.put('join', 'two2', pg_temp.ago(5, '10:04'), call_id => 'two');
SELECT is((SELECT string_agg(ref, ',') FROM each WHERE contact_at
    BETWEEN pg_temp.ago(5, '9:00') AND pg_temp.ago(5, '11:00')), 'two2',
    'it is one contact nevertheless');

-- What is told of a call long after, and by another id of its own, is of that
-- call: whatever its time says, and whichever is heard of first.
SELECT pg_temp.put('join', 'call:pbx:wk', pg_temp.ago(8, '10:05'),
    code => 'PC', switch => 'pbx', call_id => 'wk');
SELECT pg_temp.put('join', 'wk1', pg_temp.ago(1, '9:00'), category =>
    'not_avoidable', call_id => 'wk');
SELECT pg_temp.visit('join', 'pbx', 'wk', pg_temp.ago(8, '10:00'));
SELECT ringtally.contact_join('join', pg_temp.ago(9), pg_temp.ago(7));
SELECT pg_temp.put('join', 'wk2', pg_temp.ago(3, '9:00'), request => 'rw',
    call_id => 'wk');
SELECT pg_temp.put('join', 'call:pbx:wk', pg_temp.ago(2, '9:00'), switch =>
    'pbx', call_id => 'wk', category => 'progress_chasing');
SELECT results_eq($$ SELECT c.ref COLLATE "default",
    c.joined_by COLLATE "default", c.queue COLLATE "default", c.counts_at
    FROM ringtally.contact AS c WHERE site = 'join' AND call_id = 'wk'
    ORDER BY 1 $$, $$ SELECT r, 'call_id', 'ctax', pg_temp.ago(8, '10:00')
    FROM unnest('{call:pbx:wk,wk1,wk2}'::text[]) AS r $$,
    'a late word is of the call of that id');
SELECT results_eq($$ SELECT contact_at, request FROM each
    WHERE ref IN ('wk1', 'wk2', 'call:pbx:wk') $$,
    $$ VALUES (pg_temp.ago(8, '10:00'), 'rw') $$, 'and they are one contact');

-- By agent and time. Eve's calls end at 9:02:10 and 9:06:10.
SELECT pg_temp.visit('join', 'pbx', 'e' || n, pg_temp.ago(4,
    make_interval(hours => 9, mins => 4 * n)), agent => 'Eve')
FROM generate_series(0, 1) AS n;
SELECT pg_temp.put('join', 'during', pg_temp.ago(4, '9:05'), agent => 'Eve');
SELECT pg_temp.put('join', 'after', pg_temp.ago(4, '9:07'), agent => 'Eve');
SELECT pg_temp.put('join', 'much', pg_temp.ago(4, '9:30'), agent => 'Eve');
SELECT pg_temp.put('join', 'else', pg_temp.ago(4, '9:05'), agent => 'Flo');
SELECT results_eq($$ SELECT ref COLLATE "default",
    call_id COLLATE "default", joined_by COLLATE "default"
    FROM ringtally.contact
    WHERE site = 'join' AND ref IN ('during', 'after', 'much', 'else')
    ORDER BY 1 $$, $$ VALUES ('after', 'e0', 'agent'), ('during', 'e1', 'agent'),
    ('else', NULL, NULL), ('much', NULL, NULL) $$,
    'the nearest pair first, then what is left within 300 s of an end');

-- Two switches may each have an agent 100, who are two: what tells its switch
-- is of no other's call, not even of a nearer one, and stays with its own.
SELECT pg_temp.visit('join', w, w || '1', at, agent => '100')
FROM (VALUES ('pbx', pg_temp.ago(6, '9:00:20')),
    ('old', pg_temp.ago(6, '9:00'))) AS v(w, at);
SELECT pg_temp.put('join', 'w1', pg_temp.ago(6, '9:03'), switch => 'old',
    agent => '100');
SELECT pg_temp.put('join', 'w2', pg_temp.ago(6, '9:03:10'), switch => 'none',
    agent => '100');
SELECT pg_temp.put('join', 'w3', pg_temp.ago(6, '9:02:30'), switch => 'old',
    agent => '100');
SELECT pg_temp.put('join', 'w4', pg_temp.ago(6, '9:04'), agent => '100');
SELECT ringtally.contact_join('join', pg_temp.ago(7), pg_temp.ago(5));
SELECT results_eq($$ SELECT ref COLLATE "default", switch COLLATE "default",
    call_id COLLATE "default" FROM ringtally.contact
    WHERE site = 'join' AND agent = '100' ORDER BY 1 $$, $$ VALUES
    ('w1', 'old', NULL), ('w2', 'none', NULL), ('w3', 'old', 'old1'),
    ('w4', 'pbx', 'pbx1') $$, 'by agent, but only of the switch that is told');

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
    WHERE site = 'x' AND excluded IS NULL), 24 + 18 - (SELECT count(*)::int FROM ringtally.contact
    WHERE site = 'x' AND joined_by IS NOT NULL), 'each joined one is its call');
SELECT cmp_ok((SELECT count(*) FROM ringtally.contact WHERE site = 'x'
    AND joined_by = 'agent'), '>', 9::bigint, 'and many are joined by agent');


-- Of contacts alone, too, when nobody joins anew behind them: the calls are
-- there first. X is told 180 s after its call's end, Y 7 s and Z 190 s after.
CREATE FUNCTION pg_temp.after(p_site text, words text[]) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	w text;
BEGIN
	INSERT INTO ringtally.site VALUES (p_site, 'Europe/London', 900, 400);
	PERFORM pg_temp.visit(p_site, 'pbx', 'v' || n, pg_temp.ago(2,
	    make_interval(secs => 36000 + 131 * n)), '100 s', 'Agent' || n % 3)
	FROM generate_series(1, 18) AS n;
	PERFORM pg_temp.visit(p_site, 'pbx', 'one', pg_temp.ago(2, '8:00'),
	    '20 s', 'Jo');
	FOREACH w IN ARRAY words LOOP
		PERFORM pg_temp.put(p_site, e.ref, e.at, agent => e.agent,
		    call_id => e.call_id, category => e.cat)
		FROM (SELECT * FROM events UNION ALL
		    SELECT 0, 'x', v.ref, pg_temp.ago(2, v.at), 'Jo', NULL,
			v.cat, false
		    FROM (VALUES ('X', interval '8:03:30', 'not_avoidable'),
			('Y', '8:00:37', 'progress_chasing'),
			('Z', '8:03:40', NULL)) AS v(ref, at, cat)) AS e
		WHERE e.ref = w;
	END LOOP;
	RETURN (SELECT string_agg(concat_ws(' ', ref, contact_at, category,
	    call_id, joined_by), E'\n' ORDER BY ref)
	    FROM ringtally.contact_each WHERE site = p_site);
END
$$;
SELECT is(pg_temp.after('y' || n, o.words), w.want,
    'whatever is told first, ' || array_to_string(o.words, ' '))
FROM (SELECT pg_temp.after('y', '{X,Y,Z}') AS want) AS w, (VALUES
    (1, '{X,Z,Y}'::text[]), (2, '{Y,X,Z}'), (3, '{Y,Z,X}'), (4, '{Z,X,Y}'),
    (5, '{Z,Y,X}')) AS o(n, words);
SELECT matches(pg_temp.after('y6', '{X,Y}'), 'Y .* one agent', 'the nearest');
SELECT is(pg_temp.after('z' || n, ARRAY(SELECT ref FROM events
    WHERE ref IS NOT NULL ORDER BY md5(ref || n))), w.want,
    'told behind the calls, shuffled ' || n)
FROM (SELECT pg_temp.after('z', ARRAY(SELECT ref FROM events
    WHERE ref IS NOT NULL ORDER BY ref)) AS want) AS w,
    generate_series(1, 4) AS n;
-- what moves away leaves its call to the next
SELECT pg_temp.put('y', 'Y', pg_temp.ago(2, '9:00:37'), agent => 'Ed');
SELECT is((SELECT string_agg(concat_ws(' ', ref, call_id), ',' ORDER BY ref)
    FROM ringtally.contact WHERE site = 'y'), 'X one,Y,Z', 'left to the next');

-- the same words in another order: what is known in the end is the same
CREATE FUNCTION pg_temp.tell(p_site text, seed text) RETURNS text
LANGUAGE sql AS $$
    SELECT count(pg_temp.put(p_site, 'k' || n % 4, pg_temp.ago(2),
	channel => CASE WHEN n % 2 = 0 THEN 'email' END,
	category => CASE WHEN n % 3 = 0 THEN 'not_avoidable'
	    WHEN n % 3 = 1 THEN 'progress_chasing' END,
	request => CASE WHEN n % 5 < 2 THEN 'r' || n END,
	assessed_at => pg_temp.ago(2, make_interval(secs => 46800 + n))))::text
    FROM (SELECT n FROM generate_series(1, 40) AS n
	ORDER BY md5(n || seed)) AS o;
    SELECT string_agg(concat_ws(' ', ref, channel, category, request,
	assessed_at), E'\n' ORDER BY ref) FROM ringtally.contact
    WHERE site = p_site $$;
SELECT is(pg_temp.tell('t' || n, 's' || n), w.want, 'told in order ' || n)
FROM (SELECT pg_temp.tell('t', '') AS want) AS w, generate_series(1, 5) AS n;

SELECT * FROM finish();
ROLLBACK;
