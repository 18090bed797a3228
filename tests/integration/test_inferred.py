# SPDX-License-Identifier: BSD-2-Clause
"""What calls tell of the need behind them: who rings again, who is passed to
another service, who gave up and was through. A month that is played is found
again to the call: against what the simulation says of each visit, and against
SQL over the visits that the daemon kept."""
import collections
import datetime
import json
import os
import random
import signal
import subprocess

import harness

DAY = 86400
SERVICES = {"Council Tax": ["ctax*", "business-rates*"],
            "Housing": ["housing*", "repairs*"]}
MEASURES = ("caller_known", "repeated", "misrouted", "abandoned_known",
            "called_back")


def play(tmp_path, *args, seed=3, days=31, rate=None):
    """A log, and the truth of each of its visits: a month, of a small centre
    or (slow) of a larger one."""
    rate = rate or harness.quick_or_slow(0.022, 0.04)
    log, truth = str(tmp_path / "played.log"), str(tmp_path / "truth")
    subprocess.run([harness.binary("ringtally"), "sim", "--seed", str(seed),
                    "--start", "2026-11-02T00:00:00Z", "--days", str(days),
                    "--rate", str(rate), "--repeat", "0.3", *args, "-o", log,
                    "--visits-truth", truth], check=True)
    with open(log, "rb") as f:
        data = f.read()
    with open(truth) as f:
        return data, [json.loads(line) for line in f]


def service_of(queue, services):
    for name, patterns in services.items():
        if any(queue == p or p.endswith("*") and queue.startswith(p[:-1])
               for p in patterns):
            return name
    return "queue " + queue


def first_answers(calls):
    firsts = []
    for visits in calls.values():
        answered = [v for v in visits if v["outcome"] == "answered"]
        if answered:
            firsts.append(min(answered, key=lambda v: (v["answered"],
                                                       v["n"])))
    return firsts


def expected(visits, services=SERVICES, days=7):
    """By queue and quarter-hour, from the meaning of each measure."""
    cells = collections.Counter()
    calls = collections.defaultdict(list)
    answers = collections.defaultdict(list)

    def book(visit, measure):
        cells[visit["queue"], visit["entered"] // 900 * 900, measure] += 1

    for v in visits:
        calls[v["callid"]].append(v)
        if v["outcome"] == "answered" and v["caller"]:
            answers[v["caller"]].append(v)
    for v in first_answers(calls):
        if not v["caller"]:
            continue
        book(v, "caller_known")
        if any(0 < w["answered"] - v["answered"] <= days * DAY
               and w["callid"] != v["callid"]
               and service_of(w["queue"], services) ==
               service_of(v["queue"], services)
               for w in answers[v["caller"]]):
            book(v, "repeated")
    for v in visits:
        if v["outcome"] == "answered":
            later = [w for w in calls[v["callid"]]
                     if w is not v and w["entered"] >= v["answered"]]
            if later and service_of(min(
                    later, key=lambda w: w["entered"])["queue"],
                    services) != service_of(v["queue"], services):
                book(v, "misrouted")
        elif v["outcome"] == "abandoned" and v["caller"]:
            book(v, "abandoned_known")
            ended = v["entered"] + v["wait_s"]
            if any(0 <= w["answered"] - ended <= DAY
                   for w in answers[v["caller"]]):
                book(v, "called_back")
    return cells


def booked(rig):
    cells = collections.Counter()
    for queue, starts, *counts in rig.db.execute(
            "SELECT queue, extract(epoch FROM starts_at)::bigint, %s FROM "
            "ringtally.queue_interval" % ", ".join(MEASURES)):
        for measure, n in zip(MEASURES, counts):
            if n:
                cells[queue, int(starts), measure] += n
    return cells


# The same measures, asked of the visits that were kept: counted flags and
# hashes as they stand there, the rest from its meaning.
VISITS_SQL = """
WITH v AS (SELECT v.*, coalesce(q.service, 'queue ' || v.queue) AS service,
    min(answered_at) FILTER (WHERE outcome = 'answered')
	OVER (PARTITION BY switch, call_id) AS first_at
    FROM ringtally.visit AS v JOIN ringtally.queue AS q
    USING (site, switch, queue))
SELECT count(*) FILTER (WHERE v.answered_at = v.first_at
	AND v.caller IS NOT NULL),
    count(*) FILTER (WHERE v.answered_at = v.first_at AND EXISTS (
	SELECT FROM v AS w WHERE w.caller = v.caller
	AND w.service = v.service AND w.call_id <> v.call_id
	AND w.answered_at > v.answered_at
	AND w.answered_at <= v.answered_at + %s * interval '1 day')),
    count(*) FILTER (WHERE v.outcome = 'answered' AND (
	SELECT w.service FROM v AS w WHERE w.call_id = v.call_id
	AND w.visit_no <> v.visit_no AND w.entered_at >= v.answered_at
	ORDER BY w.entered_at LIMIT 1) <> v.service),
    count(*) FILTER (WHERE v.outcome = 'abandoned'
	AND v.caller IS NOT NULL),
    count(*) FILTER (WHERE v.outcome = 'abandoned' AND EXISTS (
	SELECT FROM v AS w WHERE w.caller = v.caller
	AND w.answered_at >= v.ended_at
	AND w.answered_at <= v.ended_at + interval '1 day')),
    count(*) FILTER (WHERE v.caller_counted)
FROM v"""


def opened(rig):
    """What the figures are made of, as an analyst opens them."""
    cells = collections.Counter()
    with rig.db.transaction():
        rig.db.execute("SET LOCAL ROLE ringtally_reader")
        for what, queue, starts, n in rig.db.execute(
                "SELECT what, queue, extract(epoch FROM date_bin('15 min', "
                "entered_at, 'epoch'))::bigint, count(*) FROM "
                "ringtally.inferred_each('test', '-infinity', 'infinity') "
                "GROUP BY 1, 2, 3"):
            cells[queue, int(starts), what] = n
    return cells


def those_opened(cells):
    return {key: n for key, n in cells.items()
            if key[2] in ("repeated", "misrouted", "called_back")}


def services(table):
    return tuple({"name": name, "queues": queues}
                 for name, queues in table.items())


def config(rig, **more):
    return {**rig.config(), "services": services(SERVICES),
            "contacts": {"repeat_days": 7}, **more}


def sums(cells):
    return tuple(sum(n for key, n in cells.items() if key[2] == m)
                 for m in MEASURES)


def assert_same(rig, want):
    got = booked(rig)
    assert sums(got) == sums(want)
    assert got == want


def test_a_month_with_crashes(rig, tmp_path):
    """Found again to the call, by a daemon that is killed again and again, and
    by SQL over the visits."""
    data, visits = play(tmp_path)
    want = expected(visits)
    assert all(n > 20 for n in sums(want))
    rng = random.Random(5)
    at = 0
    while at < len(data):
        daemon = rig.daemon(config(rig)).start(wait="READY=1")
        for _ in range(rng.randint(1, 4)):
            n = rng.randint(1, 2 * len(data) // harness.quick_or_slow(12, 80))
            harness.append(rig.log, data[at:at + n])
            at = min(at + n, len(data))
            if rng.random() < 0.5:
                rig.settle()
        daemon.kill()
    daemon = rig.daemon(config(rig)).start("--once")
    assert daemon.wait() == 0
    assert_same(rig, want)
    row = rig.db.execute(VISITS_SQL, (7,)).fetchone()
    assert row[:5] == sums(want)
    assert row[5] == sums(want)[0] + sums(want)[3]
    assert opened(rig) == those_opened(want)


def test_views_say_what_is_not_yet_known(rig, tmp_path):
    data, visits = play(tmp_path, days=12, seed=8, rate=0.04)
    harness.append(rig.log, data)
    assert rig.daemon(config(rig)).start("--once").wait() == 0
    rows = rig.db.execute(
        "SELECT day, sum(caller_known), sum(repeated), "
        "max(round(100.0 * repeated / caller_known, 1) - "
        "inferred_repeat_pct), bool_or(inferred_final), "
        "bool_and(inferred_final) FROM ringtally.service_level_day "
        "WHERE caller_known > 0 GROUP BY day ORDER BY day").fetchall()
    known = collections.Counter()
    for (_, starts, measure), n in expected(visits).items():
        known[starts // DAY, measure] += n
    for day, caller_known, repeated, differs, some, all_ in rows:
        number = (day.toordinal() - 719163)
        assert caller_known == known[number, "caller_known"]
        assert repeated == known[number, "repeated"]
        assert differs == 0
        assert some == all_
    newest = max(v["entered"] for v in visits)
    final = [day for day, *_, all_ in rows if all_]
    assert final and len(final) < len(rows)
    assert (final[-1].toordinal() - 719163 + 7) * DAY < newest


def test_in_one_second(rig):
    """A queue that nobody works in is left for another one, where the call is
    answered, all in one second of the log: that is no misrouted call. Passed
    on within a second it is one."""
    at = 1793610000
    harness.append(rig.log, b"".join(b"%d|%s\n" % (at, line) for line in (
        b"c.1|housing|NONE|ENTERQUEUE||07700900001|1",
        b"c.1|housing|NONE|EXITEMPTY|1|1|0",
        b"c.1|ctax|NONE|ENTERQUEUE||07700900001|1",
        b"c.1|ctax|Jo|CONNECT|0|x.1|0",
        b"c.2|ctax|NONE|ENTERQUEUE||07700900002|1",
        b"c.2|ctax|Al|CONNECT|0|x.2|0",
        b"c.2|ctax|Al|BLINDTRANSFER|8003|inbound|0|0|1",
        b"c.2|housing|NONE|ENTERQUEUE||07700900002|1",
        b"c.2|housing|Ed|CONNECT|0|x.3|0",
        b"c.2|housing|Ed|COMPLETECALLER|0|0|1")))
    assert rig.daemon(config(rig)).start("--once").wait() == 0
    assert sums(booked(rig))[2] == 1
    assert ("ctax", at, "misrouted") in booked(rig)
    assert rig.db.execute(
        "SELECT what, queue, call_id, visit_no, next_queue, next_call_id, "
        "next_visit_no FROM ringtally.inferred_each('test', %s, %s, %s)", (
            datetime.datetime.fromtimestamp(at, datetime.timezone.utc),
            datetime.datetime.fromtimestamp(at + 1, datetime.timezone.utc),
            "misrouted")).fetchall() == [
                ("misrouted", "ctax", "c.2", 1, "housing", "c.2", 2)]


def test_the_key_is_changed(rig, tmp_path):
    """In mid-month, as the manual says: the figures are those of a month under
    one key. Without the old key every caller is new."""
    data, visits = play(tmp_path)
    want = expected(visits)
    half = data.index(b"\n", len(data) // 2) + 1
    key, old = rig.config()["caller_key_file"], str(tmp_path / "old.key")
    harness.append(rig.log, data[:half])
    assert rig.daemon(config(rig)).start("--once").wait() == 0
    os.rename(key, old)
    changed = config(rig, caller_key_old_file=old)
    third = data.index(b"\n", half + len(data) // 6) + 1
    harness.append(rig.log, data[half:third])
    daemon = rig.daemon(changed).start(wait="READY=1")
    rig.settle()
    daemon.kill()
    harness.append(rig.log, data[third:])
    assert rig.daemon(changed).start("--once").wait() == 0
    assert_same(rig, want)
    assert opened(rig) == those_opened(want)
    before, both = rig.db.execute(
        "SELECT count(caller) - count(caller_before), count(caller_before) "
        "FROM ringtally.visit").fetchone()
    assert before > 100 and both > 100
    os.unlink(old)
    daemon = rig.daemon(changed).start()
    assert daemon.wait() == 3 or "there is none" in daemon.stderr()


def test_another_configuration(rig, tmp_path):
    """Services and days that change at a restart, and on reload: the figures
    of the days that are remembered are as if it had always been so."""
    data, visits = play(tmp_path, days=6, rate=0.1, seed=4)
    harness.append(rig.log, data)
    assert rig.daemon(config(rig)).start("--once").wait() == 0
    known = [m for m in MEASURES if m != "misrouted"]

    def without_misrouted(cells):
        return {k: n for k, n in cells.items() if k[2] in known}

    one = {"Everything": ["*"]}
    daemon = rig.daemon(config(rig, services=services(one))).start(
        wait="READY=1")
    want = expected(visits, one)
    assert sums(want) != sums(expected(visits))
    harness.poll("the figures are by the new services", lambda:
                 without_misrouted(booked(rig)) == without_misrouted(want))
    daemon.config["services"] = services(SERVICES)
    daemon.config["contacts"] = {"repeat_days": 2}
    daemon.write_config()
    daemon.signal(signal.SIGHUP)
    want = expected(visits, SERVICES, days=2)
    harness.poll("and by the old ones and two days", lambda:
                 without_misrouted(booked(rig)) == without_misrouted(want))
    harness.poll("contacts' settings say so", lambda: rig.db.execute(
        "SELECT repeat_days FROM ringtally.contact_setting "
        "WHERE site = 'test'").fetchone() == (2,))
    daemon.kill()
    assert rig.daemon(config(rig)).start("--once").wait() == 0
    assert without_misrouted(booked(rig)) == without_misrouted(
        expected(visits))


def test_two_switches(rig, tmp_path):
    """One caller rings two switches of the site, whose logs are not read at
    the same pace: the order of telling changes nothing."""
    data, visits = play(tmp_path, days=10, rate=0.04)
    logs = [os.path.join(rig.logs, name) for name in ("a.log", "b.log")]
    calls = sorted({v["callid"] for v in visits})
    there = {c: i % 2 for i, c in enumerate(calls)}
    parts = [b"", b""]
    for line in data.splitlines(keepends=True):
        parts[there.get(line.split(b"|")[1].decode(), 0)] += line
    feeds = [{**rig.feed(name=name, path=path), "switch": name}
             for name, path in zip("ab", logs)]
    both = config(rig, feeds=tuple(feeds))
    rng = random.Random(9)
    at = [0, 0]
    for _ in range(4):
        daemon = rig.daemon(both).start(wait="READY=1")
        for i in (0, 1):
            n = rng.randint(0, len(parts[i]) // 3)
            harness.append(logs[i], parts[i][at[i]:at[i] + n])
            at[i] = min(at[i] + n, len(parts[i]))
        harness.poll("one of the two is read", lambda: any(
            path and offset == harness.complete_size(path)
            for offset, path in rig.db.execute("SELECT file_offset, path FROM ringtally.feed")))
        daemon.kill()
    for i in (0, 1):
        harness.append(logs[i], parts[i][at[i]:])
    assert rig.daemon(both).start("--once").wait() == 0
    want = expected(visits)
    assert_same(rig, want)


def test_corrected_by_another_feed(rig):
    """A CDR guesses that the caller gave up, and is taken to be called back by
    the next call; the queue_log then says that the call was answered, so that
    it was repeated instead. With a kill between each two words."""
    cdr = rig.log + ".cdr"
    feeds = config(rig, feeds=(rig.feed(), rig.feed(
        name="cdr", path=cdr, format="asterisk-cdr")))
    at = 1793610000     # 9:00 of 2 November 2026

    def told(path, text, want):
        daemon = rig.daemon(feeds).start(wait="READY=1")
        harness.append(path, text)
        harness.poll("it is %s" % (want,),
                     lambda: sums(booked(rig)) == want)
        daemon.kill()

    def call(number, when):
        return b"".join(b"%d|%d.1|ctax|%s\n" % (when + dt, number, rest)
                        for dt, rest in (
            (0, b"NONE|ENTERQUEUE||07700900001|1"),
            (10, b"Jo|CONNECT|10|x.1|2"),
            (30, b"Jo|COMPLETECALLER|10|20|1")))

    def record(number, caller, begins, ends):
        """Of two; the first is told when the second comes."""
        return (b'"","%s","8003","inbound","","PJSIP/t-33","","Queue","ctax",'
                b'"2026-11-02 %s",,"2026-11-02 %s",30,30,"NO ANSWER",'
                b'"DOCUMENTATION","%d.1",""\n' % (
                    caller, begins, ends, number))

    told(cdr, record(1, b"07700900001", b"09:00:00", b"09:00:30") +
         record(3, b"anonymous", b"09:10:00", b"09:10:30"), (0, 0, 0, 1, 0))
    told(rig.log, call(2, at + 120), (1, 0, 0, 1, 1))
    told(rig.log, call(1, at), (2, 1, 0, 0, 0))
