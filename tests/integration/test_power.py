# SPDX-License-Identifier: BSD-2-Clause
"""F04: the power of the machine fails, under load, again and again.

Daemon, PostgreSQL, spool and log stand on one simulated machine whose disk has
a cache of its own: see tests/vm. What the kernel had not written is gone, and
of what it had written and not flushed all, or some. Every figure must still be
that of the whole stream, and new events must be taken.
"""
import http.client
import os
import random
import sys
import tempfile
import threading
import time

import psycopg
import pytest

import figures
import fixtures
import harness
import loggen

sys.path.insert(0, os.path.join(harness.TOP, "tests", "vm"))

import image    # noqa: E402
import machine  # noqa: E402

CUTS = int(os.environ.get("RINGTALLY_POWER_CUTS", "10"))
SEED = int(os.environ.get("RINGTALLY_POWER_SEED", "401"))
TOKEN = "0123456789abcdef0123456789abcdef"
DATABASE = "power"
ERRORS = "/run/ringtallyd.err"      # in memory: of this boot


def say(*what):
    """For who runs it by hand, with -s."""
    print(*what, flush=True)


class Rig:
    """A machine, the daemon on it, and what both are asked."""

    def __init__(self, folder, feed, rng, **settings):
        self.folder, self.rng = folder, rng
        self.config = {
            "site": "test", "timezone": "Europe/London",
            "caller_key_file": "/var/lib/ringtally/caller.key",
            "spool_folder": "/var/lib/ringtally/spool",
            "database": {
                "conninfo": "host=/tmp dbname=%s user=%s" % (
                    DATABASE, fixtures.LOGIN),
                "flush_s": 0.1, "keep_visits_days": 36500},
            "live": {"listen": "0.0.0.0:%d" % machine.LIVE,
                     "folder": "/www", "token_file": "/etc/tokens"},
            "feeds": [feed]}
        self.db = None
        self.machine = machine.Machine(
            folder, self.prepare, self.files(), rng, **settings)

    def files(self):
        conf = "".join("%s = %s;\n" % (key, harness.libconfig(value))
                       for key, value in self.config.items())
        return {"/etc/ringtally.conf": conf, "/etc/tokens": TOKEN + "\n",
                machine.LOG: "", "/var/lib/ringtally/.keep": "",
                "/www/index.html": ""}

    @staticmethod
    def prepare(server):
        with server.connect() as c:
            c.execute("CREATE DATABASE " + DATABASE)
            fixtures.init_schema(server, DATABASE)
            c.execute("CREATE ROLE %s LOGIN IN ROLE ringtally_writer" %
                      fixtures.LOGIN)

    def boot(self):
        begun = time.monotonic()
        self.machine.boot()
        harness.poll("PostgreSQL has recovered", self.connect,
                     machine.BOOT_S, step=0.2)
        say("boot %d: %.0f s" % (self.machine.boots,
                                 time.monotonic() - begun))

    def connect(self):
        try:
            self.db = psycopg.connect(self.machine.conninfo(DATABASE),
                                      autocommit=True)
        except psycopg.OperationalError:
            return False
        return True

    def start_daemon(self):
        self.machine.shell("ringtallyd -v -c /etc/ringtally.conf "
                           "2>%s >/dev/null </dev/null &" % ERRORS)

    def said(self):
        return self.machine.shell("cat " + ERRORS)

    def wait_said(self, text):
        harness.poll("the daemon says: " + text, lambda: text in self.said(),
                     machine.BOOT_S, step=0.3)

    def feed(self):
        return figures.feed(self.db, self.config["feeds"][0]["name"])

    def cut_power(self):
        self.db.close()
        wrote, kept = self.machine.cut_power()
        say("cut: %d writes in the disk's cache, %d kept" % (wrote, kept))

    def close(self):
        if self.db:
            self.db.close()
        self.machine.close()


@pytest.fixture
def make_rig():
    if not harness.SLOW:
        pytest.skip("takes minutes: see make check-slow")
    if image.missing():
        pytest.skip("wants the packages " + ", ".join(image.missing()))
    fixtures.need_programs()
    rigs = []
    with tempfile.TemporaryDirectory(prefix="ringtally-vm-",
                                     dir="/var/tmp") as folder:
        def make(*args, **kwargs):
            rigs.append(Rig(folder, *args, **kwargs))
            return rigs[-1]
        yield make
        for rig in rigs:
            rig.close()


# -- a log that is followed -----------------------------------------------

class Switch:
    """Writes its log on the machine, as fast as a busy one; after a power
    failure it goes on with the first line that nobody has: neither the log nor
    the database. `stream` is all that was ever said, once."""

    def __init__(self, rig, seed):
        self.rig = rig
        self.calls = loggen.CallCentre(seed=seed)
        self.stream = b""
        self.log = b""          # what should stand in the machine's log
        self.socket = None
        self.thread = None
        self.stopping = False

    def more(self, count):
        lines = self.calls.text(count)
        self.stream += lines
        return lines

    def write(self, data):
        self.log += data
        self.socket.sendall(data)

    def begin(self, rest):
        """rest: of the stream that is still to be written"""
        self.socket = self.rig.machine.appender()
        self.write(rest)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        rng = random.Random(self.rig.rng.random())
        try:
            while not self.stopping:
                self.write(self.more(rng.randint(1, 60)))
                time.sleep(rng.random() * 0.2)
        except OSError:
            pass        # it is the power

    def end(self):
        self.stopping = True
        self.thread.join(60)
        self.socket.close()

    def settle(self):
        harness.poll("all is counted", lambda: self.rig.feed() and
                     self.rig.feed()["file_offset"] == len(self.log),
                     machine.BOOT_S, step=0.1)

    def look(self, committed):
        """After the power failed: what still has to be written. What neither
        the log nor the database has is said once more. Where the file system
        had made the log longer than what it then wrote, zeros stand at its
        end, and the switch goes on behind them with a whole line."""
        found = self.rig.machine.fetch(machine.LOG)
        intact = len(os.path.commonprefix([found, self.log]))
        zeros = len(found) - intact
        say("log: %d of %d bytes%s, committed up to %d" % (
            len(found), len(self.log),
            " (the last %d are zeros)" % zeros if zeros else "", committed))
        assert not found[intact:].strip(b"\0"), found[intact:][:300]
        kept = found.rfind(b"\n", 0, intact) + 1 if zeros else intact
        left = len(self.log) - max(kept, committed)
        self.log = found
        return self.stream[len(self.stream) - left:]


def start_and_write(rig, switch, rest, rest_only=False):
    """The daemon has opened the log before the switch writes on."""
    switch.stopping = rest_only
    rig.start_daemon()
    rig.wait_said("with " + machine.LOG)
    switch.begin(rest)


def test_a_log_is_counted_once(make_rig):
    """All that the machine forgot of its log after it had been counted is not
    missed, and is not counted again."""
    rng = random.Random(SEED)
    rig = make_rig({"name": "log", "switch": "pbx", "transport": "file",
                    "path": machine.LOG, "format": "asterisk-queue-log",
                    "poll_ms": 50}, rng)
    switch = Switch(rig, SEED)
    rig.boot()
    start_and_write(rig, switch, switch.more(100))
    for _ in range(CUTS):
        before = len(switch.log)
        harness.poll("it commits", lambda: rig.feed() and
                     rig.feed()["file_offset"] >= before, machine.BOOT_S)
        time.sleep(rng.uniform(0, 8))
        rig.cut_power()
        switch.end()
        rig.boot()
        start_and_write(rig, switch, switch.look(rig.feed()["file_offset"]))
    time.sleep(2)
    switch.end()
    switch.settle()
    say("%d lines" % switch.stream.count(b"\n"))
    figures.assert_exact(rig.db, switch.stream)


def test_the_first_lines_of_a_log(make_rig):
    """By its first bytes a log is known again. When only the first of those
    were on the disk, it is still the same log, and they are not counted
    again."""
    rng = random.Random(SEED + 2)
    rig = make_rig({"name": "log", "switch": "pbx", "transport": "file",
                    "path": machine.LOG, "format": "asterisk-queue-log",
                    "poll_ms": 50}, rng)
    switch = Switch(rig, SEED + 2)
    rig.boot()
    rig.machine.shell("echo 100000 >/proc/sys/vm/dirty_expire_centisecs")
    lines = switch.more(100).splitlines(keepends=True)
    start_and_write(rig, switch, b"".join(lines[:9]), rest_only=True)
    switch.settle()
    rig.machine.shell("sync " + machine.LOG)
    switch.write(b"".join(lines[9:]))
    switch.settle()
    rig.db.execute("CHECKPOINT")
    rig.cut_power()
    switch.end()
    rig.boot()
    start_and_write(rig, switch, switch.look(rig.feed()["file_offset"]),
                    rest_only=True)
    switch.end()
    switch.settle()
    figures.assert_exact(rig.db, switch.stream)


# -- what is posted, and acknowledged -------------------------------------

PADDING = 2000


class Poster:
    """Posts calls, one body after the other, and sends a body again until it
    is acknowledged, as a switch would. `told` is what was acknowledged."""

    def __init__(self, rig):
        self.rig = rig
        self.serial = 0
        self.at = loggen.START
        self.told = b""
        self.pending = None
        self.acknowledged = 0
        self.again = 0

    def body(self):
        """Calls of one line end to the other. The lines beside them fill the
        spool, so that its segments come and go."""
        lines = []
        for _ in range(5):
            self.serial += 1
            self.at += 1
            lines.append(b"%d|c.%d|ctax|NONE|ENTERQUEUE||01%d|1\n" % (
                self.at, self.serial, self.serial))
            for n in range(2):
                lines.append(b"%d|NONE|ctax|NONE|APPLICATION|%d.%d|%s\n" % (
                    self.at, self.serial, n, b"x" * PADDING))
            lines.append(b"%d|c.%d|ctax|NONE|ABANDON|1|1|7\n" % (
                self.at + 7, self.serial))
        # in the order of their times, which repeat from body to body
        self.at += 7
        return b"".join(sorted(lines, key=lambda line: int(line[:10])))

    def begin(self):
        self.stopping = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            while not self.stopping or self.pending:
                self.pending = self.pending or self.body()
                self.post()
        except (OSError, http.client.HTTPException):
            self.again += 1     # it is the power

    def post(self):
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.rig.machine.ports[machine.LIVE], timeout=60)
        try:
            connection.request("POST", "/ingest/posted", self.pending,
                               {"Authorization": "Bearer " + TOKEN})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        assert answer.status in (200, 503), text
        if answer.status == 200:
            self.told += self.pending
            self.pending = None
            self.acknowledged += 1
        else:
            time.sleep(0.1)

    def end(self):
        self.stopping = True
        self.thread.join(120)
        assert not self.thread.is_alive()


def test_what_was_acknowledged_is_counted_once(make_rig):
    """An answer of 2xx is a promise: it is in the spool, whatever the disk
    forgets. PostgreSQL may write what was committed as late as it likes: a
    segment must not be deleted before that is on the disk, either."""
    rng = random.Random(SEED + 1)
    rig = make_rig({"name": "posted", "switch": "pbx", "transport": "http",
                    "format": "asterisk-queue-log", "spool_max_mb": 8,
                    "token_file": "/etc/tokens"}, rng,
                   wal_writer_delay="5s", wal_writer_flush_after="0")
    poster = Poster(rig)
    for _ in range(CUTS):
        rig.boot()
        rig.start_daemon()
        rig.wait_said("POST to /ingest/posted")
        begun = poster.acknowledged
        poster.begin()
        harness.poll("posts are acknowledged", lambda:
                     poster.acknowledged > begun, machine.BOOT_S)
        time.sleep(rng.uniform(0, 12))
        say("posts: %d, %s" % (poster.acknowledged, rig.machine.shell(
            "ls /var/lib/ringtally/spool/*").split()[-6:]))
        rig.cut_power()
        poster.end()
    rig.boot()
    rig.start_daemon()
    rig.wait_said("POST to /ingest/posted")
    poster.begin()
    time.sleep(2)
    poster.end()
    last = "c.%d" % poster.serial
    harness.poll("the last call is counted", lambda: rig.db.execute(
        "SELECT 1 FROM ringtally.visit WHERE call_id = %s",
        (last,)).fetchone(), machine.BOOT_S, step=0.2)
    say("%d posts, %d sent again" % (poster.acknowledged, poster.again))
    figures.assert_exact(rig.db, poster.told)
