# SPDX-License-Identifier: BSD-2-Clause
"""The same calls, told as ringtally-json and through syslog, give the figures
of the queue_log that says the same."""
import random
import subprocess

import harness
import pytest

import figures
import jsonlog
import loggen

LINES = harness.quick_or_slow(2000, 60000)
FRAMES = (b"Mar  2 09:00:00 pbx crm[42]: %s",
          b"<134>1 2026-03-02T09:00:00.25Z pbx crm 42 - [x@1 k=\"a]\"] %s",
          b"2026-03-02T09:00:00.000001+00:00 pbx crm: %s",
          b"<134>Mar  2 09:00:00 crm[42]: %s")


def as_json(log):
    """Each other one with escapes, that the format has to undo."""
    plain = list(jsonlog.convert(log.splitlines(keepends=True)))
    escaped = list(jsonlog.convert(log.splitlines(keepends=True), True))
    return [escaped[i] if i % 2 else plain[i] for i in range(len(plain))]


def follow(rig, lines, **feed):
    """In two pieces, with a kill -9 in the middle of the second one."""
    config = rig.config(feeds=[rig.feed(**feed)])
    half = len(lines) // 2
    daemon = rig.daemon(config).start()
    harness.append(rig.log, b"".join(lines[:half]))
    rig.settle()
    harness.append(rig.log, b"".join(lines[half:-1]) + lines[-1][:20])
    daemon.kill()
    daemon.start()
    harness.append(rig.log, lines[-1][20:])
    rig.settle()


def test_json_gives_the_figures_of_the_log(rig):
    log = loggen.make_log(LINES, seed=61)
    follow(rig, as_json(log), format="ringtally-json")
    rig.assert_exact(log)
    row = figures.feed(rig.db)
    assert (row["records"], row["rejected"], row["gaps"]) == (
        log.count(b"\n"), 0, 0), row


@pytest.mark.parametrize("format", ["asterisk-queue-log", "ringtally-json"])
def test_syslog_around_any_format(rig, format):
    """Frames of every kind, lines that are none, and those of others."""
    log = loggen.make_log(LINES, seed=62)
    rng = random.Random(62)
    lines = (as_json(log) if format == "ringtally-json"
             else log.splitlines(keepends=True))
    framed = [rng.choice(FRAMES) % line for line in lines]
    framed[7:7] = [lines[0], b"Mar  2 09:00:01 pbx cron[7]: (root) CMD (x)\n"]
    follow(rig, framed, format=format, envelope="syslog")
    rig.assert_exact(log)
    row = figures.feed(rig.db)
    assert (row["records"], row["rejected"]) == (len(framed), 2), row


def test_tally_of_json(tmp_path):
    """`ringtally tally -f` prints the same of both."""
    log = loggen.make_log(LINES, seed=63)
    queue_log, events = tmp_path / "queue_log", tmp_path / "events.json"
    queue_log.write_bytes(log)
    events.write_bytes(b"".join(as_json(log)))

    def tally(*args):
        done = subprocess.run([harness.binary("ringtally"), "tally", "-o",
                               "csv", *args], capture_output=True)
        assert done.returncode == 0, done.stderr
        return done.stdout
    assert tally("-f", "ringtally-json", events) == tally(queue_log)
    assert tally("-f", "ringtally-json", "--by", "agent", events) == \
        tally("--by", "agent", queue_log)


def test_tally_takes_the_feeds_options(tmp_path):
    """-O envelope takes frames off; what is no option is said to be none."""
    log = loggen.make_log(300, seed=64)
    first, second = tmp_path / "1", tmp_path / "2"
    lines = [FRAMES[i % 4] % line for i, line in
             enumerate(log.splitlines(keepends=True))]
    # given in the wrong order: sorted by their first records
    first.write_bytes(b"".join(lines[150:]))
    second.write_bytes(b"".join(lines[:150]))
    plain = tmp_path / "queue_log"
    plain.write_bytes(log)

    def tally(*args):
        return subprocess.run([harness.binary("ringtally"), "tally", "-o",
                               "csv", *args], capture_output=True)
    framed = tally("-O", "envelope=syslog", first, second)
    assert (framed.returncode, framed.stdout) == (0, tally(plain).stdout)
    for option, says in (("envelope=sysklog", b"envelope"),
                         ("separator=;", b"no option \"separator\""),
                         ("envelope", b"NAME=VALUE"),
                         ("timezone=Mars/Base", b"is not a zone"),
                         ("name=x", b"no option \"name\"")):
        wrong = tally("-O", option, plain)
        assert wrong.returncode == 2 and says in wrong.stderr, wrong.stderr
