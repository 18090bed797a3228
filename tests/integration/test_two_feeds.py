# SPDX-License-Identifier: BSD-2-Clause
"""Two feeds of one switch tell of the same calls, which count once: killed in
the middle, one late, one gone for a while, one read again."""
import os
import subprocess

import harness
import pytest

import figures
import fixtures
import jsonlog
import loggen
import oracle

START = 1772442000
LINES = harness.quick_or_slow(3000, 60000)


class Pair:
    """A queue_log, and the same calls as ringtally-json in a second file."""

    def __init__(self, rig, seed):
        self.rig = rig
        self.lines = loggen.make_log(LINES, seed=seed).splitlines(
            keepends=True)
        self.told = list(jsonlog.convert(self.lines))
        self.other = rig.log + ".told"
        self.daemon = rig.daemon(rig.config(feeds=[
            rig.feed(), rig.feed(name="told", path=self.other,
                                 format="ringtally-json")]))

    def tell(self, begin, end, feeds="ab"):
        """These lines, by share of all of them, by both feeds or by one."""
        part = slice(int(begin * len(self.lines)), int(end * len(self.lines)))
        if "a" in feeds:
            harness.append(self.rig.log, b"".join(self.lines[part]))
        if "b" in feeds:
            harness.append(self.other, b"".join(self.told[part]))

    def settle(self):
        for path, name in ((self.rig.log, "log"), (self.other, "told")):
            if os.path.exists(path):
                self.rig.settle(path, name=name)

    def assert_exact(self):
        """The figures are those of the calls. Rows of visits come when both
        feeds have passed them: an hour later both say something."""
        log = b"".join(self.lines)
        after = fixtures.last_time(log) + 4000
        for i in range(2):
            note = [b"%d|x.%d|q|NONE|LATER|\n" % (after + 10 * i, i)]
            harness.append(self.rig.log, note[0])
            harness.append(self.other, b"".join(jsonlog.convert(note)))
            self.settle()
        o = oracle.Oracle().read(log)
        found = figures.queue_rows(self.rig.db)
        wrong = list(figures.differences("queue", o.queue_rows(), found))
        wrong += figures.hist_differences(found)
        wrong += figures.identity_differences(self.rig.db, "test")
        wrong += figures.visit_differences(
            o.ended_visits(), figures.visits(self.rig.db))
        assert not wrong, "%d differences:\n%s" % (
            len(wrong), "\n".join(wrong[:15]))

    def counted(self, counter):
        return [figures.feed(self.rig.db, name)[counter]
                for name in ("log", "told")]


@pytest.mark.parametrize("first", ["a", "b"])
def test_killed_in_mid_call(rig, first):
    """With one feed ahead of the other at every kill."""
    pair = Pair(rig, 71)
    pair.daemon.start()
    for i in range(4):
        pair.tell(i / 4, i / 4 + 0.15, first)
        if i % 2:
            pair.settle()
        pair.daemon.kill()
        pair.daemon.start()
        pair.tell(i / 4 + 0.15, (i + 1) / 4, first)
        pair.tell(i / 4, (i + 1) / 4, "b" if first == "a" else "a")
        pair.settle()
    pair.assert_exact()
    assert sum(pair.counted("confirmed")) > LINES / 4
    assert pair.counted("unmatched") == [0, 0]


def test_each_fails_for_a_while(rig):
    pair = Pair(rig, 72)
    pair.daemon.start()
    for begin, end, feeds in ((0, 0.2, "ab"), (0.2, 0.4, "a"),
                              (0.4, 0.6, "ab"), (0.6, 0.8, "b"),
                              (0.8, 1, "ab")):
        pair.tell(begin, end, feeds)
        pair.settle()
    pair.assert_exact()


def test_the_second_comes_when_all_is_told(rig):
    pair = Pair(rig, 73)
    pair.daemon.start()
    pair.tell(0, 1, "a")
    pair.settle()
    assert pair.daemon.stop() == 0
    pair.tell(0, 1, "b")
    pair.daemon.start()
    pair.settle()
    pair.assert_exact()
    assert pair.counted("confirmed")[1] > LINES / 5


def test_feeds_come_and_go(rig):
    """The second one tells the whole day anew; the first one goes and comes
    back to what it has missed."""
    pair = Pair(rig, 75)
    alone = rig.daemon(rig.config(feeds=[rig.feed()]))
    alone.start()
    pair.tell(0, 0.5, "a")
    rig.settle(rig.log, name="log")
    alone.kill()
    pair.tell(0, 0.5, "b")
    pair.daemon.start()
    pair.tell(0.5, 0.7)
    pair.settle()
    pair.daemon.kill()
    other = rig.daemon(rig.config(feeds=[
        rig.feed(name="told", path=pair.other, format="ringtally-json")]))
    other.start()
    pair.tell(0.7, 0.85, "b")
    rig.settle(pair.other, name="told")
    other.kill()
    pair.tell(0.85, 1, "b")
    pair.daemon.start()
    rig.settle(pair.other, name="told")
    pair.tell(0.7, 1, "a")
    pair.assert_exact()


def calls(begin, end, name=b"c"):
    """One each minute, given up after nine seconds."""
    return [b"%d|%s.%d|q|NONE|%s\n" % (at, name, n, what)
            for n in range(begin, end)
            for at, what in ((START + 60 * n, b"ENTERQUEUE||01|1"),
                             (START + 60 * n + 9, b"ABANDON|1|1|9"))]


def offered(rig):
    return rig.db.execute("SELECT sum(offered) FROM ringtally.queue_interval"
                          ).fetchone()[0]


def add_feed(rig, lines):
    """A daemon that was alone with these lines has a second feed now: it, and
    the path of that."""
    alone = rig.daemon(rig.config(feeds=[rig.feed()]))
    harness.append(rig.log, lines)
    alone.start()
    rig.settle(rig.log, name="log")
    assert alone.stop() == 0
    told = rig.log + ".told"
    both = rig.daemon(rig.config(feeds=[
        rig.feed(), rig.feed(name="told", path=told,
                             format="ringtally-json")]))
    both.start()
    rig.wait_begun()
    return both, told


def test_second_feed_is_new(rig):
    """It tells what the first told alone, an hour and more back: what was
    forgotten meanwhile is not counted once more."""
    both, told = add_feed(rig, b"".join(calls(0, 90)))
    # killed before it has read all of it, so that one more start knows, too
    for begin, end in ((0, 40), (40, 70), (70, 95)):
        harness.append(told, b"".join(jsonlog.convert(calls(begin, end))))
        rig.settle(told, name="told")
        both.kill()
        both.start()
    harness.append(rig.log, b"".join(calls(90, 100)))
    harness.append(told, b"".join(jsonlog.convert(calls(95, 100))))
    rig.settle(rig.log, name="log")
    rig.settle(told, name="told")
    assert offered(rig) == 100


def test_second_feed_after_a_wrong_time(rig):
    """A first time that was wrong says nothing of what was forgotten: what
    the new feed alone tells is counted."""
    both, told = add_feed(rig, b"4102444800|x.0|q|NONE|WRONG|\n")
    for path, name, lines in (
            (rig.log, "log", calls(0, 30)),
            (told, "told", jsonlog.convert(calls(0, 30))),
            (rig.log, "log", calls(30, 40)),
            (told, "told", jsonlog.convert(calls(34, 39, b"d")))):
        harness.append(path, b"".join(lines))
        rig.settle(path, name=name)
    assert offered(rig) == 45
    assert both.stop() == 0


def test_feed_by_another_name(rig):
    """It begins with the log anew: what was counted is late, or remembered. A
    first time that was wrong does not make all that follows late."""
    log = loggen.make_log(LINES, seed=76)
    half = log.rfind(b"\n", 0, len(log) // 2) + 1
    harness.append(rig.log, b"4102444800|x.0|q|NONE|WRONG|\n" + log[:half])
    daemon = rig.daemon(rig.config(feeds=[rig.feed()]))
    daemon.start()
    rig.settle(rig.log, name="log")
    assert daemon.stop() == 0
    other = rig.daemon(rig.config(feeds=[rig.feed(name="renamed")]))
    for n in range(2):
        other.start()
        rig.settle(rig.log, name="renamed")
        if n == 0:
            other.kill()
            harness.append(rig.log, log[half:])
    o = oracle.Oracle().read(log)
    found = figures.queue_rows(rig.db)
    wrong = list(figures.differences("queue", o.queue_rows(), found))
    wrong += figures.visit_differences(
        o.ended_visits(), figures.visits(rig.db))
    assert not wrong, "\n".join(wrong[:15])
    assert figures.feed(rig.db, "renamed")["late"] > LINES / 20


@pytest.mark.parametrize("later", [0, 1])
@pytest.mark.parametrize("end", [b"NONE|ABANDON|1|1|0", b"SIP/1|CONNECT|0|c|0"])
def test_last_second_of_a_feed_by_another_name(rig, end, later):
    """What arrives in the second in which it was stopped is counted, and does
    not wait for ever."""
    last = START + 100
    one = rig.daemon(rig.config(feeds=[rig.feed()]))
    harness.append(rig.log, b"".join(
        calls(0, 1) + [b"%d|a|q|NONE|ENTERQUEUE||01|1\n" % last]))
    one.start()
    rig.settle(rig.log, name="log")
    assert one.stop() == 0
    harness.append(rig.log, b"".join([
        b"%d|b|q|NONE|ENTERQUEUE||02|1\n" % last,
        b"%d|b|q|%s\n" % (last + later, end),
        b"%d|a|q|NONE|ABANDON|1|1|8\n" % (last + 8), *calls(20, 21)]))
    renamed = rig.daemon(rig.config(feeds=[rig.feed(name="renamed")]))
    renamed.start()
    rig.settle(rig.log, name="renamed")
    assert rig.db.execute(
        "SELECT sum(offered)::int, sum(abandoned + answered)::int "
        "FROM ringtally.queue_interval").fetchone() == (4, 4)
    assert renamed.stop() == 0


# A caller who hung up while the agent heard an announcement, and one who was
# answered: to a CDR both look alike.
CDR_BOTH = b"".join(
    b'"","0201","8003","in","","PJSIP/t-%d","PJSIP/1204-%d","Queue","sales",'
    b'"2026-03-02 09:00:%02d","","2026-03-02 09:00:%02d",12,12,"ANSWERED","3",'
    b'"%d.1",""\n' % (at, at, at, at + 12, START + at) for at in (0, 30))
LOG_BOTH = b"".join(b"%d|%d.1|sales|%s\n" % (START + at, START + call, rest)
                    for at, call, rest in (
    (0, 0, b"NONE|ENTERQUEUE||0201|1"), (12, 0, b"Jo|ABANDON|1|1|12"),
    (30, 30, b"NONE|ENTERQUEUE||0201|1"), (34, 30, b"Jo|CONNECT|4|x.1|2"),
    (42, 30, b"Jo|COMPLETECALLER|4|8|1")))


@pytest.mark.parametrize("first", ["log", "cdr"])
def test_a_cdr_may_be_wrong(rig, first):
    """The log knows who gave up, whichever of the two is read first."""
    cdr = rig.log + ".cdr"
    harness.append(rig.log, LOG_BOTH)
    harness.append(cdr, CDR_BOTH)
    feeds = {"log": rig.feed(), "cdr": rig.feed(
        name="cdr", path=cdr, format="asterisk-cdr", gmt=True)}
    daemon = rig.daemon(rig.config(feeds=[feeds.pop(first),
                                          *feeds.values()]))
    assert daemon.start("--once").wait() == 0
    assert rig.db.execute(
        "SELECT sum(offered), sum(answered), sum(abandoned), sum(talk_ms) "
        "FROM ringtally.queue_interval").fetchone() == (2, 1, 1, 8000)
    assert rig.db.execute(
        "SELECT agent, handled, talk_ms FROM ringtally.agent_interval "
        "WHERE handled > 0 OR talk_ms > 0").fetchall() == [("Jo", 1, 8000)]
    assert figures.feed(rig.db, "log")["late"] == 0


def test_what_a_cdr_can_not_know(rig):
    """Neither waits nor talks: empty, in SQL and on the command line."""
    cdr = rig.log + ".cdr"
    harness.append(cdr, CDR_BOTH)
    daemon = rig.daemon(rig.config(feeds=[rig.feed(
        name="cdr", path=cdr, format="asterisk-cdr", gmt=True)]))
    assert daemon.start("--once").wait() == 0
    for view in ("service_level", "service_level_hour", "service_level_day"):
        assert rig.db.execute(
            "SELECT offered, answered, talk_unknown, asa_s, aht_s, max_wait_s, "
            "sl_20_offered_pct FROM ringtally." + view).fetchone() == (
                2, 2, 2, None, None, None, None)
    assert rig.db.execute(
        "SELECT DISTINCT talk_ms, talk_unknown = handled "
        "FROM ringtally.agent_interval").fetchall() == [(None, True)]
    out = subprocess.run([harness.binary("ringtally"), "tally", "--by",
                          "queue", "-o", "csv", "-f", "asterisk-cdr", cdr],
                         check=True, stdout=subprocess.PIPE).stdout.decode()
    head, row = (line.split(",") for line in out.splitlines())
    told = dict(zip(head, row))
    assert (told["answered"], told["abandoned_short"]) == ("2", "0")
    assert {told[name] for name in (
        "asa_s", "aht_s", "wait_answered_s", "max_wait_s", "talk_s")} == {""}


# Answered after four seconds, and as a feed with finer times has it.
LOG_WAIT = [b"%d|%d.1|sales|%s\n" % (START + at, START, rest) for at, rest in (
    (0, b"NONE|ENTERQUEUE||0201|1"), (4, b"Jo|CONNECT|4|x.1|2"),
    (12, b"Jo|COMPLETECALLER|4|8|1"))]
TOLD_WAIT = b"".join(jsonlog.convert(LOG_WAIT)).replace(
    b'"wait_s":4', b'"wait_s":4.75')


@pytest.mark.parametrize("killed", [False, True])
def test_a_finer_wait_comes_late(rig, killed):
    """It counts, though there was a restart since, and minutes went by."""
    told = rig.log + ".told"
    assert TOLD_WAIT.count(b"4.75") == 2
    harness.append(told, b"")
    daemon = rig.daemon(rig.config(feeds=[
        rig.feed(), rig.feed(name="told", path=told,
                             format="ringtally-json")])).start()
    harness.append(rig.log, b"".join(LOG_WAIT))
    rig.settle(rig.log, name="log")
    if killed:
        daemon.kill()
        daemon.start()
    for at in (200, 210):
        harness.append(rig.log, b"%d|x.%d|q|NONE|LATER|\n" % (START + at, at))
    rig.settle(rig.log, name="log")
    harness.append(told, TOLD_WAIT)
    rig.settle(told, name="told")
    assert rig.db.execute(
        "SELECT sum(offered), sum(answered), sum(wait_answered_ms) "
        "FROM ringtally.queue_interval").fetchone() == (1, 1, 4750)
