# SPDX-License-Identifier: BSD-2-Clause
"""The fixtures of tests/integration and tests/peer."""
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile

import psycopg
import pytest

import figures
import harness

# so that a run that is told to end still stops its servers
signal.signal(signal.SIGTERM, signal.default_int_handler)

LOGIN = "ringtally_test"    # as which the daemon connects


class Rig:
    """A database with the schema, a log, and daemons that follow it."""
    TEMPLATE = "ringtally_template"
    serial = 0

    def __init__(self, server, database=None):
        Rig.serial += 1
        self.server = server
        self.directory = tempfile.mkdtemp(prefix="ringtally-test-")
        self.logs = os.path.join(self.directory, "logs")
        os.mkdir(self.logs)
        self.log = os.path.join(self.logs, "queue_log")
        self.database = database or "rig%d" % Rig.serial
        self.host = server.directory
        self.closing = contextlib.ExitStack()
        self.daemons = []
        self.make_database()
        self.db = self.closing.enter_context(server.connect(self.database))

    def make_database(self):
        with self.server.connect() as c:
            if not c.execute("SELECT 1 FROM pg_database WHERE datname = %s",
                             (self.TEMPLATE,)).fetchone():
                c.execute("CREATE DATABASE " + self.TEMPLATE)
                init_schema(self.server, self.TEMPLATE)
                c.execute("CREATE ROLE %s LOGIN IN ROLE ringtally_writer" %
                          LOGIN)
            c.execute("CREATE DATABASE %s TEMPLATE %s" % (self.database,
                                                         self.TEMPLATE))

    def config(self, feeds=None, database=None, **more):
        base = {
            "site": "test",
            "timezone": "Europe/London",
            "caller_key_file": os.path.join(self.directory, "caller.key"),
            "database": {
                "conninfo": self.server.conninfo(self.database, LOGIN,
                                                 self.host),
                "flush_s": 0.05, "keep_visits_days": 36500,
                **(database or {})},
            "feeds": feeds or [self.feed()],
        }
        return {**base, **more}

    def feed(self, name="log", path=None, **more):
        return {"name": name, "switch": "pbx", "transport": "file",
                "path": path or self.log, "format": "asterisk-queue-log",
                "poll_ms": 50, **more}

    def daemon(self, config=None, **kwargs):
        daemon = harness.Daemon(self.directory, config or self.config(),
                                **kwargs)
        self.closing.callback(daemon.close)
        self.daemons.append(daemon)
        return daemon

    def writer(self, data, **kwargs):
        writer = harness.Writer(self.log, data, **kwargs)
        self.closing.callback(writer.close)
        return writer

    def settle(self, path=None, timeout=None, **kwargs):
        for daemon in self.daemons:
            daemon.must_not_have_failed()
        return figures.wait_position(self.db, path or self.log,
                                     timeout=timeout, **kwargs)

    def wait_begun(self):
        """Until the feed has a position: a first start begins with the file
        that is there, and with none that was rotated away before."""
        harness.poll("the feed has begun", lambda: (
            figures.feed(self.db) or {"file_no": 0})["file_no"] > 0)

    def assert_exact(self, log, **kwargs):
        figures.assert_exact(self.db, log, **kwargs)

    def assert_alive(self, log, path=None):
        """A new event is counted: after the fault, life goes on. Returns the
        log with that event, for the last comparison."""
        line = (b"%d|alive.%d|alive|NONE|ENTERQUEUE||01|1\n" %
                (last_time(log), len(log)))
        harness.append(path or self.log, line)
        self.settle(path)
        self.assert_exact(log + line)
        return log + line

    def close(self):
        self.closing.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def last_time(log):
    """The newest time in a log: what is appended goes on from there."""
    return max(int(line.split(b"|", 1)[0]) for line in
               log.splitlines()[-200:] if line.split(b"|", 1)[0].isdigit())


def init_schema(server, database):
    """`ringtally db init`, as its manual says: as the server's owner."""
    done = subprocess.run(
        [harness.binary("ringtally"), "db", "-C", server.conninfo(database),
         "-d", os.path.join(harness.TOP, "sql"), "init"],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def need_programs():
    for name in ("ringtally", "ringtallyd"):
        if not os.access(harness.binary(name), os.X_OK):
            pytest.skip("%s is not built" % harness.binary(name))


@pytest.fixture(scope="session")
def pg():
    """The server that most tests share."""
    server = harness.Postgres().init().start()
    yield server
    server.remove()


@pytest.fixture
def own_pg():
    """A server of the test's own, to be stopped and broken."""
    server = harness.Postgres().init().start()
    yield server
    server.remove()


@pytest.fixture
def rig(pg):
    need_programs()
    rig = Rig(pg)
    yield rig
    rig.close()
    with contextlib.suppress(psycopg.Error), pg.connect() as c:
        c.execute("DROP DATABASE %s WITH (FORCE)" % rig.database)


@pytest.fixture
def own_rig(own_pg):
    need_programs()
    rig = Rig(own_pg)
    yield rig
    rig.close()


@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("shim") / "shim.so")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                          "shim.c")
    done = subprocess.run([*os.environ.get("CC", "cc").split(), "-shared",
                           "-fPIC", "-o", path, source, "-ldl"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip("the shim can not be built: " + done.stderr)
    return path
