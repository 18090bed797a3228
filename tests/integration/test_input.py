# SPDX-License-Identifier: BSD-2-Clause
"""What stands in a log: clocks that step, days of 25 hours, lines late or
twice or hostile, names without number. F21, F38 to F43, F54, F55."""
import datetime
import json
import os
import random
import subprocess
import time
import zoneinfo

import harness
import pytest

import figures
import loggen
import oracle

LONDON = zoneinfo.ZoneInfo("Europe/London")


def play(rig, log, **config):
    """Reads a whole log with --once."""
    harness.append(rig.log, log)
    daemon = rig.daemon(rig.config(**config)).start("--once")
    assert daemon.wait(120) == 0, daemon.stderr()
    rig.settle()
    return daemon


def tally(path, *args):
    done = subprocess.run([harness.binary("ringtally"), "tally", *args, path],
                          capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def test_tally_says_the_same(rig):
    """`ringtally tally` and the database can not disagree."""
    log = loggen.make_log(5000, seed=91)
    play(rig, log)
    got = figures.tally_csv(tally(rig.log, "-o", "csv"))
    want = {k: r for k, r in oracle.Oracle().read(log).queue_rows().items()}
    found = list(figures.differences("tally", want, got))
    assert not found, "\n".join(found[:10])


# -- the daemon's own clock -------------------------------------------------

@pytest.fixture(scope="session")
def faketime():
    base = "/usr/lib"
    for folder, _, names in os.walk(base):
        if "faketime" in folder and "libfaketime.so.1" in names:
            return os.path.join(folder, "libfaketime.so.1")
    pytest.skip("no libfaketime: install faketime")


@pytest.mark.parametrize("step", ["-1h", "+1h", "+400d"])
def test_clock_steps_while_running(rig, faketime, step):
    """F38. Figures follow the feed's time, timers the monotonic clock."""
    clock = os.path.join(rig.directory, "clock")
    with open(clock, "w") as f:
        f.write("+0")
    log = loggen.make_log(4000, seed=92)
    writer = rig.writer(log, burst=(1, 40), pause=0.008).start()
    daemon = rig.daemon(env={
        "LD_PRELOAD": faketime, "FAKETIME_TIMESTAMP_FILE": clock,
        "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"})
    daemon.start(wait="READY=1")
    harness.poll("some is written", lambda: writer.share() > 0.3)
    with open(clock + ".new", "w") as f:
        f.write(step)
    os.rename(clock + ".new", clock)
    harness.poll("more is written", lambda: writer.share() > 0.7)
    writer.finish()
    rig.settle()
    rig.assert_exact(log)
    rig.assert_alive(log)
    cpu = daemon.cpu_s()
    harness.poll("two seconds pass", timer(2))
    assert daemon.cpu_s() - cpu < 0.5, "it spins"


def timer(seconds):
    import time
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


# -- days of 23 and 25 hours -------------------------------------------------

@pytest.mark.parametrize("day,quarters", [("2026-10-25", 100),
                                          ("2026-03-29", 92),
                                          ("2026-06-10", 96)])
def test_local_day(rig, day, quarters):
    """F39 and F40. A visit in each quarter-hour around a local day: the day
    view has exactly those of the day."""
    midnight = datetime.datetime.fromisoformat(day).replace(tzinfo=LONDON)
    start = int(midnight.timestamp()) - 2 * 3600
    log = b""
    for n in range(0, 30 * 4):
        at = start + n * 900 + 7
        log += (b"%d|%d.1|day|NONE|ENTERQUEUE||01|1\n"
                b"%d|%d.1|day|Ann|CONNECT|12|1.2|3\n"
                b"%d|%d.1|day|Ann|COMPLETEAGENT|12|30|1\n" % (
                    at, at, at + 12, at, at + 42, at))
    play(rig, log)
    rig.assert_exact(log)
    found = figures.rows(rig.db, "SELECT * FROM ringtally.service_level_day "
                         "WHERE day = %s", day)
    assert len(found) == 1
    assert found[0]["offered"] == found[0]["answered"] == quarters
    assert found[0]["answered_15"] == quarters
    total = rig.db.execute("SELECT sum(offered) FROM "
                           "ringtally.service_level_day").fetchone()[0]
    assert total == 120
    hours = rig.db.execute("SELECT count(*), sum(offered) FROM "
                           "ringtally.service_level_hour").fetchone()
    assert hours == (30, 120)


# -- order -------------------------------------------------------------------

def test_first_call_after_a_quiet_weekend(rig):
    """The clock leaps by more than a day and the next line confirms it: the
    first call of Monday is as young as its line."""
    monday = loggen.START + 3 * 86400
    log = (b"%d|1.1|q|NONE|ENTERQUEUE||01|1\n%d|1.1|q|NONE|ABANDON|1|1|3\n"
           b"%d|2.1|q|NONE|ENTERQUEUE||01|1\n%d|2.1|q|Ann|CONNECT|8|2.2|3\n"
           b"%d|2.1|q|Ann|COMPLETEAGENT|8|60|1\n" % (
               loggen.START, loggen.START + 3, monday, monday + 8,
               monday + 68))
    play(rig, log)
    rig.assert_exact(log)
    assert figures.queue_rows(rig.db)["q", monday // 900 * 900]["lost"] == 0


def test_one_line_of_the_far_future(rig):
    """A broken time must not age the calls that wait."""
    call = loggen.CallCentre(seed=93)
    head, tail = call.text(800), call.text(800)
    broken = b"%d|9.9|q|NONE|NOTE|\n" % (loggen.START + 400 * 86400)
    play(rig, head + broken + tail)
    rig.assert_exact(head + tail)


def test_clock_falls_back_from_its_first_time(rig):
    """A first time of now, then one of 1970 with a broken line before it: both
    are counted in this quarter of an hour, which stands in a batch once."""
    rig.daemon().start(wait="READY")
    first = b"%d|1.1|q|NONE|ENTERQUEUE||01|1\n" % time.time()
    then = b"broken\n100|1.2|q|NONE|ENTERQUEUE||01|1\n"
    harness.append(rig.log, first)
    rig.settle()
    harness.append(rig.log, then)
    rig.settle()
    assert [(r["records"], r["rejected"]) for r in figures.rows(
        rig.db, "SELECT sum(records) AS records, sum(rejected) AS rejected "
        "FROM ringtally.feed_interval")] == [(3, 1)]


def shuffle_within(log, seconds, seed):
    """Lines out of order, by up to so many seconds."""
    rng = random.Random(seed)
    keyed = [(int(line.split(b"|", 1)[0]) + rng.uniform(0, seconds), n, line)
             for n, line in enumerate(log.splitlines(keepends=True))]
    return b"".join(line for _, _, line in sorted(keyed))


def calls_only(log):
    """Without what is decided by the order of lines alone: sessions."""
    keep = (b"|ENTERQUEUE|", b"|CONNECT|", b"|COMPLETE", b"|ABANDON|",
            b"|EXIT", b"|WITHDRAW|", b"|RINGNOANSWER|")
    return b"".join(line for line in log.splitlines(keepends=True)
                    if any(k in line for k in keep))


def one_visit_calls(log):
    """Calls that enter one queue once: several entries of one call are told
    apart by their order."""
    entries = {}
    for line in log.splitlines():
        call, name = line.split(b"|")[1], line.split(b"|")[4]
        if name == b"ENTERQUEUE":
            entries[call] = entries.get(call, 0) + 1
    return b"".join(line for line in log.splitlines(keepends=True)
                    if entries.get(line.split(b"|")[1]) == 1)


@pytest.mark.parametrize("seconds", [2, 120, 1500])
def test_lines_out_of_order(rig, seconds):
    """F41: each goes into the interval that it belongs to; the figures are
    those of the log in order."""
    log = one_visit_calls(calls_only(loggen.make_log(4000, seed=94)))
    play(rig, shuffle_within(log, seconds, 901))
    o = oracle.Oracle().read(log)
    want = o.queue_rows()
    got = figures.queue_rows(rig.db)
    found = list(figures.differences("queue", want, got))
    found += figures.differences("agent", o.agent_rows(),
                                 figures.agent_rows(rig.db))
    found += figures.identity_differences(rig.db, "test")
    assert not found, "%d\n%s" % (len(found), "\n".join(found[:10]))


def test_groups_of_lines_a_day_and_a_month_late(rig):
    """F41: a script appends calls long after they were over."""
    log = loggen.make_log(1500, seed=95)
    for days in (1, 31):
        late = loggen.make_log(300, seed=96, prefix="late%d-" % days,
                               start=loggen.START - days * 86400)
        log += calls_only(one_visit_calls(late))
    play(rig, log)
    found = figures.queue_rows(rig.db)
    o = oracle.Oracle().read(log)
    assert not list(figures.differences("queue", o.queue_rows(), found))
    row = figures.feed(rig.db)
    assert row["out_of_order"] > 0


def test_everything_twice(rig):
    """F42: every line of a call stands twice. A call id enters once."""
    log = loggen.make_log(2500, seed=97)
    once = one_visit_calls(calls_only(log).replace(b"|RINGNOANSWER|",
                                                   b"|RINGCANCELED|"))
    twice = b"".join(line * 2 for line in once.splitlines(keepends=True))
    play(rig, twice)
    rig.assert_exact(once)
    assert figures.feed(rig.db)["repeated"] > 0


def test_log_that_begins_in_mid_call(rig):
    """F43: what is heard of calls that entered before is counted as
    unmatched, and no figure goes below nothing."""
    log = loggen.make_log(3000, seed=98)
    middle = log.find(b"\n", len(log) // 2) + 1
    play(rig, log[middle:])
    rig.assert_exact(log[middle:])
    assert not figures.rows(rig.db, "SELECT 1 FROM ringtally.queue_interval "
                            "WHERE waiting < 0")


def test_calls_that_never_end(rig):
    """Given up as lost after lost_after_s of the switch's own clock."""
    start = loggen.START
    log = b"".join(b"%d|lost.%d|q|NONE|ENTERQUEUE||01|1\n" % (start + n, n)
                   for n in range(50))
    log += b"".join(b"%d|tick.%d|r|NONE|ENTERQUEUE||01|1\n"
                    b"%d|tick.%d|r|NONE|ABANDON|1|1|2\n" % (
                        start + n * 600, n, start + n * 600 + 2, n)
                    for n in range(1, 40))
    play(rig, log, lost_after_s=3600)
    rig.assert_exact(log, lost_after=3600)
    assert rig.db.execute("SELECT sum(lost) FROM ringtally.queue_interval"
                          ).fetchone()[0] == 50


# -- hostile text --------------------------------------------------------------

HOSTILE = {
    "sql": b"'); DROP TABLE ringtally.queue_tally; --",
    "format": b"%n%s%s%s%n%x",
    "markup": b"<script>alert(1)</script>",
    "formula": b"=cmd()!A1",
    "quote": b'say "no", and\ttab',
    "backslash": b"a\\\\b\\n{}\\",
    "array": b"{a,NULL,\"b\"}",
    "latin-1": b"caf\xe9 \xff\xfe",
    "bidi": "abc\u202edef".encode(),
    "wide": "窓口 🙂".encode(),
    "long": b"q" * 65000,
    "escape": b"\x1b[31mred\x1b[0m\x07",
    "null word": b"NULL",
    "nul byte": b"nul\x00byte",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_names(rig, what):
    """F54 and F21: stored as data, harmless to whoever reads it, and no line
    beside it is lost."""
    name = HOSTILE[what]
    start = loggen.START
    log = loggen.make_log(200, seed=99)
    log += (b"%d|h.1|%s|NONE|ENTERQUEUE||%s|1\n"
            b"%d|h.1|%s|%s|CONNECT|5|h.2|3\n"
            b"%d|h.1|%s|%s|COMPLETEAGENT|5|6|1\n"
            b"%d|%s|q|NONE|ENTERQUEUE||01|1\n"
            b"%d|NONE|q|%s|PAUSE|%s\n"
            b"%d|NONE|q|NONE|%s|\n" % (
                start + 900, name, name, start + 905, name, name,
                start + 911, name, name, start + 920, name,
                start + 921, name, name, start + 922, name[:60]))
    if what == "long":      # lines of more than 65,536 bytes are passed over
        log = b"".join(line for line in log.splitlines(keepends=True)
                       if len(line) <= 65536)
    log += b"%d|after.1|after|NONE|ENTERQUEUE||01|1\n" % (start + 930)
    daemon = play(rig, log)
    rig.assert_exact(log)
    stderr = daemon.stderr()
    assert "\x1b" not in stderr and "\u202e" not in stderr
    csv_text = tally(rig.log, "-o", "csv")
    assert "after" in csv_text
    for row in json_rows(tally(rig.log, "-o", "json")):
        assert all(ord(c) >= 32 for c in row.get("queue", ""))
    assert_no_formula(csv_text)


def json_rows(text):
    data = json.loads(text)
    if isinstance(data, dict):
        data = next(v for v in data.values() if isinstance(v, list))
    return data


def assert_no_formula(text):
    """A name can not start a formula or break out of its field."""
    import csv
    import io
    columns = None
    for row in csv.reader(io.StringIO(text)):
        columns = columns or len(row)
        assert len(row) == columns, row


def test_a_new_line_in_a_name(rig):
    """F54: what follows it is a line of its own, and makes no sense."""
    log = loggen.make_log(300, seed=100)
    fake = (b"%d|f.1|sales|nobody|NEWLINE|first\n"
            b"xsecond\n" % (loggen.START + 700))
    play(rig, log + fake)
    rig.assert_exact(log + fake)
    assert figures.feed(rig.db)["rejected"] == 1


def test_lines_that_are_none(rig):
    """Empty, binary, far too long, without numbers: counted and passed over,
    each once; carriage returns are no part of a name."""
    rng = random.Random(902)
    log = loggen.make_log(400, seed=101)
    noise = [b"", b"|||||", b"abc", b"1772442000", b"-5|a|b|c|ENTERQUEUE|",
             bytes(rng.randrange(1, 256) for _ in range(300)).replace(
                 b"\n", b" "), b"x" * 70000, b"\x00" * 5000]
    lines = []
    for line in log.splitlines():
        lines.append(line + (b"\r" if rng.random() < 0.5 else b""))
        if rng.random() < 0.1:
            lines.append(rng.choice(noise))
    play(rig, b"\n".join(lines) + b"\n")
    rig.assert_exact(log)
    row = figures.feed(rig.db)
    assert row["records"] + row["oversize"] >= len(lines) - 5
    assert row["rejected"] > 5 and row["oversize"] > 0


def test_a_hundred_thousand_queues(rig):
    """F55: names are capped, the rest is booked under `other`, and the sum
    is right all the same."""
    count = harness.quick_or_slow(20000, 100000)
    start = loggen.START
    log = b"".join(b"%d|c.%d|name%d|NONE|ENTERQUEUE||01|1\n"
                   b"%d|c.%d|name%d|NONE|ABANDON|1|1|1\n" % (
                       start + n // 50, n, n, start + n // 50 + 1, n, n)
                   for n in range(count))
    play(rig, log, max_queues=500)
    names = rig.db.execute("SELECT count(DISTINCT queue), sum(offered), "
                           "sum(abandoned) FROM ringtally.queue_interval"
                           ).fetchone()
    assert names[0] <= 502 and names[1] == names[2] == count
    other = rig.db.execute("SELECT sum(offered) FROM ringtally.queue_interval"
                           " WHERE queue = 'other'").fetchone()[0]
    assert other >= count - 501
    assert figures.feed(rig.db)["capped"] > 0


def test_no_number_in_clear(rig):
    """Lines that lack a field: whatever then stands in the wrong place, no
    caller's number gets into the database or the log."""
    log = loggen.make_log(100, seed=903)
    whole = "1760000000|1.5|sales|NONE|ENTERQUEUE||07700900123|1".split("|")
    broken = ["|".join(f for i, f in enumerate(whole) if not mask >> i & 1)
              for mask in range(1 << len(whole))]
    harness.append(rig.log, log + "\n".join(broken).encode() + b"\n")
    daemon = rig.daemon().start("-v", "-v", "--once")
    assert daemon.wait() == 0, daemon.stderr()
    text = dump(rig) + daemon.stderr()
    assert "ENTERQUEUE" in text
    assert_not_in_clear("07700900123", text)


def dump(rig):
    return subprocess.run(
        [os.path.join(harness.pg_bindir(), "pg_dump"), "--schema=ringtally",
         "-d", rig.server.conninfo(rig.database)],
        capture_output=True, text=True, check=True).stdout


def assert_not_in_clear(number, text):
    assert number not in text
    assert number.encode().hex() not in text  # as bytea stands in a dump


CDR = ('"","07700900123","500","inbound","07700900123","PJSIP/t-{0}",'
       '"PJSIP/a-{0}","Queue","support","2026-11-20 09:{0}:00",'
       '"2026-11-20 09:{0}:12","2026-11-20 09:{0}:40",40,28,"ANSWERED",'
       '"DOCUMENTATION","17951652{0}.1",""\n')
SMDR = ("2026/11/20 09:{0}:00,00:00:20,5,07700900123,I,500,500,,0,10000141{0},"
        "{1},E500,Main,T9001,Line 1.1,0,0,,,,,,,,,,,,,\n")


def test_no_number_behind_a_nul(rig):
    """Nor of one that a record brings in the form of what is remembered."""
    number = "+44770090012345678"[:16]
    cdr = CDR.format(10).replace("07700900123", "\0" + number)
    harness.append(rig.log + ".csv", cdr.encode())
    harness.append(rig.log, b"1795165200|a.1|q|NONE|ENTERQUEUE||\0%s|1\n"
                   b"1795165210|a.1|q|NONE|ABANDON|1|1|10\n"
                   % number.encode())
    feeds = [rig.feed(), {**rig.feed("it", rig.log + ".csv", switch="other"),
                          "format": "asterisk-cdr"}]
    daemon = rig.daemon(rig.config(feeds=feeds)).start()
    rig.settle()
    harness.poll("it remembers the call", lambda: rig.db.execute(
        "SELECT 1 FROM ringtally.feed WHERE length(format_state) > 20"
    ).fetchone())
    assert_not_in_clear(number, dump(rig) + daemon.stderr())
    daemon.kill()
    assert daemon.start("--once").wait() == 0, daemon.stderr()
    assert rig.db.execute("SELECT count(caller), count(DISTINCT caller) "
                          "FROM ringtally.visit").fetchone() == (2, 1)
    assert_not_in_clear(number, dump(rig) + daemon.stderr())


@pytest.mark.parametrize("name, rows", [
    ("asterisk-cdr", [CDR.format(10), CDR.format(20)]),
    ("avaya-ipoffice", [SMDR.format(10, 1),
                        SMDR.format(10, 0) + SMDR.format(20, 0)]),
])
def test_no_number_in_what_a_format_remembers(rig, name, rows):
    """Of a call of which more may follow: nobody reads who it was, and after
    a restart it is still known."""
    path = os.path.join(rig.logs, name)
    feed = {**rig.feed(name="it", path=path), "format": name}
    harness.append(path, rows[0].encode())
    daemon = rig.daemon(rig.config(feeds=[feed])).start()
    harness.poll("it remembers the call", lambda: rig.db.execute(
        "SELECT 1 FROM ringtally.feed WHERE length(format_state) > 20"
    ).fetchone())
    assert_not_in_clear("07700900123", dump(rig) + daemon.stderr())
    daemon.kill()
    harness.append(path, rows[1].encode())
    assert daemon.start("--once").wait() == 0, daemon.stderr()
    assert rig.db.execute("SELECT count(*), count(caller), "
                          "count(DISTINCT caller) FROM ringtally.visit"
                          ).fetchone() == (2, 2, 1)
