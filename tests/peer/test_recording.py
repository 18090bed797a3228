# SPDX-License-Identifier: BSD-2-Clause
"""The recorded day of a real Asterisk, against the phones' own truth, and the
odd lines that it wrote on the way."""
import os
import re
import subprocess

import paths  # noqa: F401
import harness
import pytest

import figures
import oracle
import played
import recording

pytestmark = pytest.mark.skipif(not harness.shared("asterisk", "day"),
                                reason="../shared/asterisk is absent")


def totals_of(rows):
    totals = {}
    for (queue, _), row in rows.items():
        total = totals.setdefault(queue, dict.fromkeys(recording.FIGURES, 0))
        for column in recording.FIGURES:
            total[column] += row[column]
    return totals


def test_recording_by_oracle():
    log = recording.whole_log()
    p = played.by_oracle(log)
    moved = recording.check_visits(p.visits)
    recording.check_queues(totals_of(p.queue_rows), moved)
    assert moved == {("500", "answered_15"): 1, ("support", "answered_20"): 1,
                     ("delayed", "abandoned_short"): -2}


def check(rig):
    """By visit and by queue; then, to the last column, against the oracle."""
    moved = recording.check_visits(figures.visits(rig.db))
    recording.check_queues(totals_of(figures.queue_rows(rig.db)), moved)
    rig.assert_exact(recording.whole_log())


def test_recording_as_one_file(rig):
    harness.append(rig.log, recording.whole_log())
    daemon = rig.daemon().start("--once")
    assert daemon.wait() == 0, daemon.stderr()
    rig.settle()
    check(rig)


def test_recording_as_it_was_rotated(rig):
    """Piece by piece, under the names that its rotations gave them."""
    daemon = rig.daemon().start(wait="READY=1")
    for n, piece in enumerate(recording.PIECES):
        with open(recording.path(piece), "rb") as f:
            harness.append(rig.log, f.read())
        if n == 0:      # a first start begins with the file that is there
            rig.settle()
        if n + 1 < len(recording.PIECES):
            os.rename(rig.log, os.path.join(rig.logs, piece))
    rig.settle()
    check(rig)
    assert figures.feed(rig.db)["file_no"] == len(recording.PIECES)
    assert daemon.is_alive()


def test_recording_by_tally(rig):
    """`ringtally tally` over the pieces in their order."""
    pieces = [recording.path(piece) for piece in recording.PIECES]
    done = subprocess.run([harness.binary("ringtally"), "tally", "-o", "csv",
                           *pieces], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    log = recording.whole_log()
    want = oracle.Oracle().read(log).queue_rows()
    found = list(figures.differences("tally", want,
                                     figures.tally_csv(done.stdout)))
    assert not found, "\n".join(found[:10])
    moved = recording.check_visits(played.by_oracle(log).visits)
    recording.check_queues(totals_of(figures.tally_csv(done.stdout)), moved)


def odd_lines():
    """The log lines among the notes: those that begin with a time, as they
    stand, some cut short there for the reader."""
    with open(recording.path("oddities.txt"), "rb") as f:
        lines = f.read().split(b"\n")
    return [re.sub(rb"^\d{3,4} (?=\d{10}\|)", b"", line) for line in lines
            if re.match(rb"(\d{3,4} )?\d{10}\||xsecond$", line)]


def test_odd_lines(rig):
    """Separators in names, a newline in custom data, a crash with calls open,
    two visits of one channel, pauses said again: one meaning each."""
    lines = odd_lines()
    assert len(lines) > 40
    log = b"\n".join(lines) + b"\n"
    harness.append(rig.log, log)
    daemon = rig.daemon().start("--once")
    assert daemon.wait() == 0, daemon.stderr()
    rig.settle()
    rig.assert_exact(log)
    agents = figures.agent_rows(rig.db)
    assert any(agent == "Jan|Piet" for agent, _, _ in agents)
    rows = figures.queue_rows(rig.db)
    assert sum(r["offered"] for (q, _), r in rows.items()
               if q == "my queue.x") == 3
    assert sum(r["lost"] for r in rows.values()) == 2
    row = figures.feed(rig.db)
    assert row["rejected"] == 1, "the second half of a line with a newline"
