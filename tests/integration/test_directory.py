# SPDX-License-Identifier: BSD-2-Clause
"""A folder where finished files are dropped: kill -9 at random and at every
named point, a database that forgets its last commits, what can not be read,
and --once. The oracle is the log that the files were cut from."""
import gzip
import os
import random
import signal
import threading

import harness
import pytest

import figures
import loggen
from test_crash import faulty       # noqa: F401, a fixture

POINTS = ("directory-claimed", "directory-claims-synced", "directory-ledger",
          "directory-begun", "directory-finished", "directory-put")


class Folder:
    """Drops a log in pieces, as a collector does: written beside, renamed."""

    def __init__(self, rig):
        self.path = os.path.join(rig.directory, "drop")
        self.serial = 0
        os.mkdir(self.path)

    def drop(self, data, packed=False, suffix=".csv"):
        self.serial += 1
        name = os.path.join(self.path, "%06d%s" % (self.serial, suffix))
        with open(name + ".tmp", "wb") as f:
            f.write(gzip.compress(data, 1) if packed else data)
        os.rename(name + ".tmp", name)
        return name

    def drop_all(self, log, count, seed=1, pause=None):
        rng = random.Random(seed)
        lines = log.splitlines(True)
        cuts = [0] + sorted(rng.sample(range(1, len(lines)), count - 1)) + \
            [len(lines)]
        for a, b in zip(cuts, cuts[1:]):
            self.drop(b"".join(lines[a:b]), rng.random() < 0.3)
            if pause:
                pause()

    def inside(self, *parts):
        found = []
        for _, _, names in os.walk(os.path.join(
                self.path, ".ringtally", "log", *parts)):
            found += names
        return sorted(found)

    def left(self):
        return [n for n in os.listdir(self.path) if n != ".ringtally"]


def feed(folder, **more):
    return {"name": "log", "switch": "pbx", "transport": "directory",
            "folder": folder.path, "format": "asterisk-queue-log",
            "settle_s": 0, "poll_ms": 200, **more}


@pytest.fixture
def folder(rig):
    return Folder(rig)


def settle(rig, folder, count=None):
    """All files are counted and put away."""
    def over():
        for daemon in rig.daemons:
            daemon.must_not_have_failed()
        row = figures.feed(rig.db)
        return (row and row["file_no"] >= (count or folder.serial) and
                not folder.left() and not folder.inside("claimed") and row)
    return harness.poll("all files are put away", over, 60)


def unnamed_files(rig):
    """Files that visits name as their evidence, and feed_file does not know."""
    return [row["file_no"] for row in figures.rows(
        rig.db, "SELECT file_no FROM ringtally.visit EXCEPT "
        "SELECT file_no FROM ringtally.feed_file ORDER BY file_no")]


def test_sigkill_at_random_moments(rig, folder):
    log = loggen.make_log(harness.quick_or_slow(4000, 40000), seed=51)
    rng = random.Random(51)
    stop = threading.Event()
    thread = threading.Thread(target=folder.drop_all, args=(
        log, harness.quick_or_slow(80, 800), 51, lambda: stop.wait(0.02)))
    daemon = rig.daemon(rig.config([feed(folder)])).start()
    thread.start()
    kills = 0
    while thread.is_alive() or kills < 8:
        thread.join(rng.uniform(0.01, 0.3))
        daemon.kill()
        kills += 1
        daemon.start()
    row = settle(rig, folder)
    rig.assert_exact(log)
    assert (row["gaps"], row["lost_bytes"]) == (0, 0)
    assert len(folder.inside("done")) == folder.serial


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_fault_point(rig, folder, faulty, point):  # noqa: F811
    log = loggen.make_log(600, seed=52)
    half = log.rfind(b"\n", 0, len(log) // 2) + 1
    daemon = rig.daemon(rig.config([feed(folder)]), program=faulty)
    # one sync is for all that was claimed at a time
    for when, part in ((1, log[:half]),
                       (1 if "synced" in point else 3, log[half:])):
        folder.drop_all(part, 4, 52)
        daemon.start(env={"RINGTALLY_FAULT": "%s:%d" % (point, when)})
        assert daemon.wait() == -signal.SIGKILL, daemon.stderr()
    daemon.start()
    row = settle(rig, folder)
    rig.assert_exact(log)
    assert row["gaps"] == 0


def test_once_and_what_can_not_be_read(rig, folder):
    log = loggen.make_log(500, seed=53)
    broken = os.path.join(folder.path, "000000.gz")
    with open(broken, "wb") as f:
        f.write(gzip.compress(os.urandom(5000))[:3000])
    folder.drop_all(log, 5, 53)
    again = folder.path + "/000001.csv"
    for n in range(2):
        daemon = rig.daemon(rig.config([feed(folder, settle_s=0.2)])).start(
            "--once")
        assert daemon.wait() == 0, daemon.stderr()
        rig.assert_exact(log)
        assert unnamed_files(rig) == []
        row = figures.feed(rig.db)
        assert (row["gaps"], row["lost_bytes"]) == (1, 3000)
        assert folder.inside("quarantine") == ["00000001.000000.gz"]
        assert not folder.left() and not folder.inside("claimed")
        if n == 0:      # sent again, packed this time
            done = folder.inside("done")[0]
            with open(os.path.join(folder.path, ".ringtally", "log", "done",
                                   "000000", done), "rb") as f:
                data = f.read()
            with open(again, "wb") as f:
                f.write(data)
    assert len(folder.inside("again")) == 1
    missing = rig.daemon(rig.config([feed(folder)]))
    missing.config["feeds"][0]["folder"] = folder.path + "-not"
    missing.write_config()
    missing.start("--once")
    assert missing.wait() != 0
    assert missing.said("No such file or directory")


def test_database_forgets_its_last_commits(own_rig):
    """F11: the server goes back to what it was, files were put away since."""
    rig = own_rig
    folder = Folder(rig)
    log = loggen.make_log(900, seed=54)
    half = log.rfind(b"\n", 0, len(log) // 2) + 1
    daemon = rig.daemon(rig.config([feed(folder)])).start()
    folder.drop_all(log[:half], 4, 54)
    settle(rig, folder)
    daemon.stop()
    saved = rig.server.data + ".saved"
    rig.server.stop()
    os.system("cp -a '%s' '%s'" % (rig.server.data, saved))
    rig.server.start()
    rig.db = rig.closing.enter_context(rig.server.connect(rig.database))
    daemon.start()
    folder.drop_all(log[half:], 4, 55)
    settle(rig, folder)
    rig.assert_exact(log)
    rig.server.stop(signal.SIGQUIT)
    os.system("rm -rf '%s' && mv '%s' '%s'" % (rig.server.data, saved,
                                               rig.server.data))
    rig.server.start()
    rig.db = rig.closing.enter_context(rig.server.connect(rig.database))
    settle(rig, folder)
    rig.assert_exact(log)
    assert daemon.is_alive()
    assert daemon.said("they are read again")


def test_two_feeds_share_a_folder(rig, folder):
    """As CUCM drops two kinds of files; and a file is of one of them."""
    log = loggen.make_log(300, seed=56)
    half = log.rfind(b"\n", 0, len(log) // 2) + 1
    folder.drop(log[:half])
    rig.daemon(rig.config([
        feed(folder, include=["*.csv"]),
        feed(folder, name="other", switch="other",
             include=["*.txt"])])).start()
    settle(rig, folder)
    folder.drop(log[half:])
    folder.drop(b"", suffix=".txt")
    harness.poll("both are read", lambda: not folder.left())
    settle(rig, folder, 2)
    rig.assert_exact(log)
