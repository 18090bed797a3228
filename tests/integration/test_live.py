# SPDX-License-Identifier: BSD-2-Clause
"""The live documents against SQL, and against themselves after kill -9."""
import datetime
import json
import os
import socket
import time

import harness
import pytest

import loggen
from test_input import faketime     # noqa: F401 (a fixture)

UTC = datetime.timezone.utc
# what a figure of time passing is called
PASSING = {"time", "longest_wait_s", "wait_s", "talk_s", "silence_s"}


@pytest.fixture
def live(rig):
    if not os.path.exists(os.path.join(harness.TOP, "src/serve/control.c")):
        pytest.skip("the daemon has no control socket to ask")
    return Live(rig)


class Live:
    """A daemon with a control socket, and what it answers."""

    def __init__(self, rig):
        self.rig = rig
        self.path = os.path.join(rig.directory, "control")

    def daemon(self, database=None, **more):
        config = self.rig.config(database=database, live={
            "control": self.path}, services=[
                {"name": "Homes", "queues": ["housing", "ctax*"],
                 "target": {"within_s": 25, "pct": 70.0, "amber_pct": 50.0}}],
            **more)
        return self.rig.daemon(config)

    def show(self, request):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(harness.PATIENCE)
            s.connect(self.path)
            with s.makefile("rwb") as f:
                f.write(b"show %s\n" % request.encode())
                f.flush()
                ok, size = f.readline().split()
                assert ok == b"ok"
                return json.loads(f.read(int(size)))

    def settle(self):
        """Until all that is in the log was read, committed or not."""
        size = harness.complete_size(self.rig.log)

        def read():
            self.rig.daemons[-1].fail_if_gone()
            if not os.path.exists(self.path):
                return False
            try:
                feed = self.show("feeds")["feeds"][0]
            except ConnectionError:     # the socket of the one before
                return False
            return feed["state"] == "following" and feed["offset"] == size
        harness.poll("the log is read", read)

    def documents(self):
        return {what: self.show(what) for what in
                ("queues", "services", "agents", "calls", "intervals")}


def standing(node):
    """All but what changes by itself as time passes."""
    if isinstance(node, dict):
        return {k: standing(v) for k, v in node.items() if k not in PASSING
                or (k == "talk_s" and "offered" in node)}
    if isinstance(node, list):
        return [standing(v) for v in node]
    return node


def minute(documents):
    return {d["time"][:16] for d in documents.values()}


def recent_log(hours, seed, now=None, rate=0.2):
    """Calls of the last hours, up to this second, some still open."""
    now = int(now or time.time())
    call = loggen.CallCentre(seed=seed, start=now - int(hours * 3600),
                             rate=rate)
    lines = []
    for line in call.lines():
        if int(line.split(b"|", 1)[0]) > now - 2:
            break
        lines.append(line)
    return b"".join(lines)


def local_day(rig, at):
    return rig.db.execute(
        "SELECT (%s::timestamptz AT TIME ZONE 'Europe/London')::date",
        (at,)).fetchone()[0]


def number(value):
    return value if value is None else float(value)


def assert_block_is(block, row, skip=()):
    for name, want in row.items():
        if name in skip:
            continue
        got = block[name]
        if name == "max_wait_s":    # SQL says tenths
            got = got if got is None else int(got * 10 + 0.5) / 10
        assert number(got) == number(want), name


def assert_today_is_sql(rig, queues):
    day = local_day(rig, queues["time"])
    want = {r["queue"]: r for r in harness_rows(
        rig, "SELECT * FROM ringtally.service_level_day WHERE day = %s",
        day)}
    not_in_block = {"switch", "queue", "service", "day", "site", "p99_wait_s",
                    "inferred_final"}
    shown = {q["queue"]: q for q in queues["queues"]}
    assert set(want) <= set(shown)
    for name, queue in shown.items():
        assert queue["today"]["complete"]
        if name in want:
            assert_block_is(queue["today"], want[name], not_in_block)
            assert queue["service"] == want[name]["service"]
        else:
            assert queue["today"]["offered"] == 0


def assert_windows_are_sql(rig, queues):
    sql = """
        SELECT count(*) AS offered,
            count(*) FILTER (WHERE outcome = 'answered') AS answered,
            count(*) FILTER (WHERE outcome = 'abandoned') AS abandoned,
            count(*) FILTER (WHERE outcome = 'answered' AND wait_ms <= 20000)
                AS answered_20,
            count(*) FILTER (WHERE outcome = 'waiting') AS waiting,
            count(*) FILTER (WHERE transferred) AS transferred,
            coalesce(sum(talk_ms), 0) / 1000.0 AS talk_s,
            coalesce(max(wait_ms), 0) / 1000.0 AS max_wait_s,
            coalesce(sum(wait_ms) FILTER (WHERE outcome = 'answered'), 0)
                / 1000.0 AS wait_answered_s
        FROM (SELECT queue, entered_at, outcome, wait_ms, talk_ms, transferred
            FROM ringtally.visit
            UNION ALL SELECT queue, entered_at, outcome, wait_ms, NULL, false
            FROM ringtally.open_visit WHERE state IN ('waiting', 'talking'))
            AS v
        WHERE queue = %s AND entered_at >= %s::timestamptz"""
    for queue in queues["queues"]:
        for name in ("last_15m", "last_60m"):
            block = queue[name]
            assert block["complete"]
            row, = harness_rows(rig, sql, queue["queue"], block["since"])
            assert_block_is(block, row)
            assert "ring_no_answer" not in block


def harness_rows(rig, sql, *params):
    cursor = rig.db.execute(sql, params)
    names = [c.name for c in cursor.description]
    return [dict(zip(names, row)) for row in cursor.fetchall()]


def assert_intervals_are_sql(rig, document):
    want = {r["starts_at"]: r for r in harness_rows(rig, """
        SELECT starts_at, sum(offered) AS offered, sum(answered) AS answered,
            sum(answered_15) AS answered_15, sum(abandoned) AS abandoned,
            sum(waiting) AS waiting, sum(ring_no_answer) AS ring_no_answer,
            sum(talk_ms) / 1000.0 AS talk_s
        FROM ringtally.queue_interval GROUP BY 1""")}
    empty = dict.fromkeys(("offered", "answered", "talk_s"), 0)
    steps = [datetime.datetime.fromisoformat(i["starts_at"].replace(
        "Z", "+00:00")) for i in document["intervals"]]
    assert all(b - a == datetime.timedelta(seconds=document["interval_s"])
               for a, b in zip(steps, steps[1:]))
    for starts, interval in zip(steps, document["intervals"]):
        assert_block_is(interval, want.get(starts, empty), {"starts_at"})


def test_documents_are_sql(live):
    """What is shown is what the views of the database say."""
    harness.append(live.rig.log, recent_log(3, seed=21))
    live.daemon().start(wait="READY=1")
    live.settle()
    live.rig.settle()
    documents = live.documents()
    queues = documents["queues"]
    assert sum(q["today"]["offered"] for q in queues["queues"]) > 0
    assert sum(q["waiting"] + q["talking"] for q in queues["queues"]) > 0
    assert_today_is_sql(live.rig, queues)
    assert_intervals_are_sql(live.rig, documents["intervals"])
    total = queues["total"]
    for name in ("offered", "answered", "abandoned_20", "talk_s"):
        assert round(total["today"][name], 3) == round(
            sum(q["today"][name] for q in queues["queues"]), 3)
    # a first start with visits kept has all of the hour before it
    assert_windows_are_sql(live.rig, queues)


def assert_same_after(live, restart):
    """The documents of before and after, within one minute of the clock."""
    for _ in range(5):
        before = live.documents()
        restart()
        live.settle()
        after = live.documents()
        if len(minute(before) | minute(after)) == 1:
            break
    assert standing(after) == standing(before)
    return after


@pytest.mark.parametrize("flush_s", [0.05, 60.0])
def test_the_same_after_kill(live, flush_s):
    """Whether all was committed when it was killed, or next to nothing."""
    rig = live.rig
    log = recent_log(2, seed=22)
    cut = log.rfind(b"\n", 0, len(log) * 2 // 3) + 1
    harness.append(rig.log, log[:cut])
    daemon = live.daemon().start(wait="READY=1")
    live.settle()
    rig.settle()
    assert daemon.stop() == 0
    daemon = live.daemon({"flush_s": flush_s}).start(wait="READY=1")
    live.settle()
    harness.append(rig.log, log[cut:])
    live.settle()
    if flush_s < 1:
        rig.settle()

    def restart():
        daemon.kill()
        daemon.start(wait="READY=1")
    documents = assert_same_after(live, restart)
    assert daemon.stop() == 0
    assert_today_is_sql(rig, documents["queues"])


def test_after_many_kills(live):
    """Loaded and read anew at any moment, nothing is shown twice."""
    rig = live.rig
    log = recent_log(2, seed=23)
    daemon = live.daemon()
    pieces = harness.quick_or_slow(8, 60)
    for n in range(pieces):
        end = len(log) * (n + 1) // pieces
        harness.append(rig.log, log[len(log) * n // pieces:end])
        daemon.start(wait="READY=1")
        time.sleep(0.02 * (n % 6))
        daemon.kill()
    daemon.start(wait="READY=1")
    live.settle()
    rig.settle()
    queues = live.show("queues")
    assert_today_is_sql(rig, queues)
    assert_windows_are_sql(rig, queues)


def test_the_same_after_commits_were_lost(live):
    """The database forgets: what is shown goes back with it, and comes
    again from the log."""
    rig = live.rig
    harness.append(rig.log, recent_log(1, seed=24))
    live.daemon().start(wait="READY=1")
    live.settle()
    rig.settle()

    def lose():
        rig.db.execute("TRUNCATE ringtally.writer, ringtally.queue_tally, "
                       "ringtally.agent_tally, ringtally.visit, "
                       "ringtally.open_visit, ringtally.feed, "
                       "ringtally.feed_interval, ringtally.agent_session")
        rig.db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                       " WHERE datname = current_database() AND pid <> "
                       "pg_backend_pid()")
        harness.poll("it has begun anew", lambda: rig.db.execute(
            "SELECT count(*) FROM ringtally.queue_tally").fetchone()[0])
        rig.settle()
    assert_same_after(live, lose)


def test_without_visits_the_hour_is_not_complete(live):
    rig = live.rig
    harness.append(rig.log, recent_log(1, seed=25))
    daemon = live.daemon({"keep_visits_days": 0}, caller_key_file="")
    daemon.config.pop("caller_key_file")
    daemon.write_config()
    daemon.start(wait="READY=1")
    live.settle()
    rig.settle()
    daemon.kill()
    daemon.start(wait="READY=1")
    live.settle()
    queues = live.show("queues")
    assert_today_is_sql(rig, queues)
    assert not any(q["last_60m"]["complete"] for q in queues["queues"])


def test_a_day_of_25_hours(live, faketime):     # noqa: F811
    """In London, seconds before the clocks' long day is over."""
    rig = live.rig
    end = datetime.datetime(2026, 10, 25, 23, 50, tzinfo=UTC)
    harness.append(rig.log, recent_log(30, seed=26, now=end.timestamp(),
                                       rate=0.02))
    daemon = live.daemon()
    daemon.start(wait="READY=1", env={
        "TZ": "UTC", "LD_PRELOAD": faketime, "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME": end.strftime("@%Y-%m-%d %H:%M:%S")})
    live.settle()
    rig.settle()
    queues = live.show("queues")
    assert queues["queues"][0]["today"]["since"] == "2026-10-24T23:00:00Z"
    assert_today_is_sql(rig, queues)
    document = live.show("intervals")
    assert len(document["intervals"]) == 100    # 25 hours of them
    assert_intervals_are_sql(rig, document)


def test_a_clock_that_was_wrong_for_a_while(live, faketime):     # noqa: F811
    """It was set to another day and back: today is what it was, and more."""
    rig, clock = live.rig, os.path.join(live.rig.directory, "clock")
    now = int(time.time())

    def step(offset):
        with open(clock + ".new", "w") as f:
            f.write(offset)
        os.rename(clock + ".new", clock)

    def day():
        return live.show("queues")["total"]["today"]

    def call(n):
        harness.append(rig.log, b"%d|odd%d|late|NONE|ENTERQUEUE||01|1\n"
                       b"%d|odd%d|late|NONE|ABANDON|1|1|9\n" % (
                           now + n, n, now + n, n))

    step("+0")
    harness.append(rig.log, recent_log(3, seed=27, now=now))
    live.daemon().start(wait="READY=1", env={
        "LD_PRELOAD": faketime, "FAKETIME_TIMESTAMP_FILE": clock,
        "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"})
    live.settle()
    rig.settle()
    since, kept = day()["since"], live.show("calls")["callbacks"]
    for n, offset in enumerate(("-30h", "+30h")):
        step(offset)
        harness.poll("another day is shown", lambda: day()["since"] != since
                     and day()["complete"])
        call(n)
        live.settle()
        step("+0")
        harness.poll("the day is there again", lambda: day()["since"] == since
                     and day()["complete"])
    live.settle()
    rig.settle()
    queues = live.show("queues")
    assert_today_is_sql(rig, queues)
    assert_windows_are_sql(rig, queues)
    calls = live.show("calls")
    assert calls["callbacks"][:len(kept)] == kept
    assert len(calls["callbacks"]) == len(kept) + 2
    assert calls["callbacks_left_out"] == 0


def test_the_clock_of_a_switch(live):
    """Five minutes behind, then right, then ahead: shown and said, not mended.
    What was read at the start says nothing of it."""
    rig = live.rig
    harness.append(rig.log, recent_log(1, seed=28, now=time.time() - 600))
    daemon = live.daemon().start(wait="READY=1")
    live.settle()
    assert live.show("feeds")["feeds"][0]["clock_skew_s"] is None

    def known(off):
        play.n += 1
        harness.append(rig.log, b"%d|skew%d|housing|NONE|ENTERQUEUE||01|1\n"
                       % (time.time() + off, play.n))
        live.settle()
        return live.show("snapshot")["feeds"][0]["clock_skew_s"] is not None

    def play(off):
        """Until there were lines of three moments; then one is enough."""
        harness.poll("it is known how late they are", lambda: known(off))
        return live.show("snapshot")["feeds"][0]["clock_skew_s"]
    play.n = 0
    assert 300 <= play(-300) < 306
    assert "300 s behind ours" in daemon.stderr()
    assert 0 <= play(0) < 3
    assert "is right again" in daemon.stderr()
    assert -60 <= play(60) < -56
    assert "s ahead of ours" in daemon.stderr()
    longest = live.show("snapshot")["total"]["longest_wait_s"]
    assert longest > 300        # of the first ones: nothing is corrected
