# SPDX-License-Identifier: BSD-2-Clause
"""The daemon killed: at any moment, at each named point, in good order.
F01, F02, F03 of the fault matrix."""
import os
import random
import re
import signal
import subprocess
import time

import harness
import pytest

import loggen


def test_one_undisturbed_run(rig):
    """Without any fault, so that the others mean something."""
    log = loggen.make_log(5000, seed=11)
    harness.append(rig.log, log)
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    rig.assert_exact(log)
    log = rig.assert_alive(log)
    assert daemon.stop() == 0
    rig.assert_exact(log)


def test_once_reads_all_and_ends(rig):
    log = loggen.make_log(5000, seed=12)
    harness.append(rig.log, log)
    for _ in range(2):      # the second time there is nothing new
        daemon = rig.daemon().start("--once")
        assert daemon.wait() == 0, daemon.stderr()
        rig.settle()
        rig.assert_exact(log)


def position(rig):
    row = rig.db.execute("SELECT file_offset FROM ringtally.feed").fetchone()
    return row[0] if row else 0


def test_sigkill_at_random_moments(rig):
    """F01. Kills come while it starts, reads, waits and commits."""
    kills = harness.quick_or_slow(40, 500)
    rng = random.Random(101)
    call = loggen.CallCentre(seed=13)
    log = b""
    daemon = rig.daemon()

    def write(count):
        more = call.text(count)
        harness.append(rig.log, more)
        return more

    for n in range(kills):
        log += write(rng.randint(20, 200))
        before = position(rig)
        daemon.start()
        if n % 2:       # in the midst of reading and committing
            harness.poll("it commits", lambda: position(rig) > before)
            log += write(rng.randint(1, 100))
        time.sleep(rng.uniform(0.004, 0.08 if n % 2 else 0.25))
        daemon.kill()
    daemon.start(wait="READY=1")
    log += write(100)
    rig.settle()
    rig.assert_exact(log)
    rig.assert_alive(log)
    assert "BUG" not in daemon.stderr()


def test_sigkill_in_a_backfill(rig):
    """F01 with one large file and large transactions."""
    log = loggen.make_log(harness.quick_or_slow(30000, 300000), seed=14)
    harness.append(rig.log, log)
    rng = random.Random(102)
    daemon = rig.daemon()
    for _ in range(harness.quick_or_slow(10, 50)):
        daemon.start("--once")
        time.sleep(rng.uniform(0.01, 0.15))
        daemon.kill()
    daemon.start("--once")
    assert daemon.wait(300) == 0, daemon.stderr()
    rig.settle()
    rig.assert_exact(log)


# of transports that other tests read from, and kill at their points
ELSEWHERE = ("directory-", "spool-", "table-")


def fault_points():
    """Names of the fault points, found where they stand."""
    found = set()
    for folder, _, names in os.walk(os.path.join(harness.TOP, "src")):
        for name in names:
            if name.endswith(".c"):
                with open(os.path.join(folder, name)) as f:
                    found |= set(re.findall(
                        r'(?:fault_point\(|fault = )"([^"]+)"', f.read()))
    return sorted(name for name in found if not name.startswith(ELSEWHERE))


@pytest.fixture(scope="session")
def faulty(tmp_path_factory):
    """The daemon built with --enable-faults: given, or made here."""
    given = os.environ.get("RINGTALLY_FAULT_BUILD")
    if given:
        return os.path.join(given, "src", "ringtallyd")
    build = str(tmp_path_factory.mktemp("faults"))
    copy = os.path.join(build, "tree")
    return make_faulty(copy)


def make_faulty(build):
    """A copy of the sources, so that the tree's own build stays as it is."""
    os.mkdir(build)
    copied = subprocess.run(
        "tar -C '%s' --exclude=.git --exclude='*.o' --exclude='*.a' "
        "--exclude=config.status --exclude=config.h --exclude=Makefile "
        "--exclude=.deps -cf - . | tar -C '%s' -xf -" % (harness.TOP, build),
        shell=True, capture_output=True, text=True)
    assert copied.returncode == 0, copied.stderr
    for command in ("./configure -q --enable-faults", "make -s -j2 "
                    "src/ringtallyd"):
        done = subprocess.run(command, shell=True, cwd=build,
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return os.path.join(build, "src", "ringtallyd")


def test_there_are_enough_fault_points():
    assert len(fault_points()) >= 12


@pytest.mark.parametrize("point", fault_points())
def test_killed_at_fault_point(rig, faulty, point):
    """F02: the daemon dies exactly there, the first and the third time it
    comes by; whatever does not happen by itself is asked for."""
    log = loggen.make_log(3000, seed=15)
    half = log.rfind(b"\n", 0, len(log) // 2) + 1
    harness.append(rig.log, log[:half])
    for count in ("", ":3"):
        daemon = rig.daemon(program=faulty, env={
            "RINGTALLY_FAULT": point + count})
        daemon.start()
        died = provoke(rig, daemon)
        assert died == -signal.SIGKILL or count, (
            "%s was never reached: %s" % (point, daemon.stderr()[-2000:]))
    harness.append(rig.log, log[half:])
    rig.daemon().start(wait="READY=1")
    rig.settle()
    rig.assert_exact(log)
    rig.assert_alive(log)


def test_killed_in_a_backfill(rig, faulty):
    """F02 where a batch is full before the file ends: it is cut in the middle
    of the file, with the position that belongs to its figures."""
    log = loggen.make_log(30000, seed=21)
    harness.append(rig.log, log)
    config = rig.config(database={"pending_mb": 1})
    daemon = rig.daemon(config, program=faulty,
                        env={"RINGTALLY_FAULT": "commit-answered"})
    assert daemon.start("--once").wait(120) == -signal.SIGKILL
    came = rig.db.execute("SELECT file_offset FROM ringtally.feed"
                          ).fetchone()[0]
    assert 0 < came < len(log), "no batch ended within the file"
    assert rig.daemon(config).start("--once").wait(120) == 0
    rig.settle()
    rig.assert_exact(log)


def provoke(rig, daemon):
    """Everything that a daemon meets in its life; returns how it ended."""
    def moved():
        row = rig.db.execute("SELECT file_offset FROM ringtally.feed")
        row = row.fetchone()
        return row and row[0] == harness.complete_size(rig.log)

    def wait_or_death(check):
        harness.poll("it is done or dead",
                     lambda: not daemon.is_alive() or check())
        return daemon.is_alive()

    if wait_or_death(lambda: daemon.notify.has("READY=1")) and \
            wait_or_death(moved):
        daemon.signal(signal.SIGHUP)
        if wait_or_death(lambda: len(daemon.notify.has("READY=1")) > 1):
            daemon.process.terminate()
    return daemon.wait()


def test_term_under_load(rig):
    """F03: the batch is finished, the exit code is 0, nothing is missing."""
    log = loggen.make_log(8000, seed=16)
    writer = rig.writer(log, burst=(1, 60), pause=0.01).start()
    rng = random.Random(103)
    daemon = rig.daemon()
    for _ in range(harness.quick_or_slow(5, 30)):
        daemon.start(wait="READY=1")
        time.sleep(rng.uniform(0.02, 0.3))
        assert daemon.stop() == 0, daemon.stderr()
        harness.poll("it has said so",
                     lambda: daemon.notify.has("STOPPING=1"))
    writer.finish()
    daemon.start(wait="READY=1")
    rig.settle()
    rig.assert_exact(log)
    rig.assert_alive(log)


def test_term_commits_what_was_read(rig):
    """F03: with an hour between flushes, it is the end that flushes."""
    log = loggen.make_log(2000, seed=17)
    harness.append(rig.log, log)
    config = rig.config(database={"flush_s": 60.0})
    daemon = rig.daemon(config).start(wait="READY=1")
    harness.poll("it has read all", lambda: daemon_read(daemon) >= len(log))
    assert daemon.stop() == 0
    rig.assert_exact(log)


def daemon_read(daemon):
    """How far the daemon has read its file, from /proc."""
    base = "/proc/%d/io" % daemon.process.pid
    with open(base) as f:
        return int(f.readline().split()[1])


def test_second_term_leaves_now(own_rig):
    """With a server that does not answer, the first TERM waits for the last
    batch; the second does not."""
    log = loggen.make_log(1000, seed=18)
    harness.append(own_rig.log, log)
    daemon = own_rig.daemon().start(wait="READY=1")
    own_rig.settle()
    own_rig.server.group(signal.SIGSTOP)
    harness.append(own_rig.log, loggen.make_log(500, seed=19))
    daemon.process.terminate()
    time.sleep(0.5)
    assert daemon.is_alive()
    daemon.process.terminate()
    daemon.wait(5)
    own_rig.server.group(signal.SIGCONT)


def test_restart_goes_on_with_open_visits(rig):
    """Calls that wait and talk over a restart end where they should."""
    call = loggen.CallCentre(seed=20)
    log = call.text(1500)
    harness.append(rig.log, log)
    for _ in range(4):
        daemon = rig.daemon().start(wait="READY=1")
        rig.settle()
        rig.assert_exact(log)
        assert daemon.stop() == 0
        more = call.text(300)
        log += more
        harness.append(rig.log, more)
    rig.daemon().start(wait="READY=1")
    rig.settle()
    rig.assert_exact(log)
