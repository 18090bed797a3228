# SPDX-License-Identifier: BSD-2-Clause
"""COMMITs whose request or whose answer is lost, connections that go silent,
transactions that nobody ends. F07, F08, F09, F15, F17 of the fault matrix."""
import contextlib
import random
import signal
import threading
import time

import harness
import pytest

import loggen
from pgproxy import ANSWER, DROP, HOLE, PASS, REQUEST, ZOMBIE, PgProxy


@contextlib.contextmanager
def proxied(rig, choose=None):
    """The daemon of this rig reaches its server through a proxy."""
    with PgProxy(rig.logs, rig.server.socket_path, choose) as proxy:
        rig.host = rig.logs
        yield proxy


class Lottery:
    """Loses requests and answers of COMMITs with some probability, up to a
    number of losses."""

    def __init__(self, seed, share, most, fates=(DROP,)):
        self.rng = random.Random(seed)
        self.share, self.most, self.fates = share, most, fates
        self.lost = {REQUEST: 0, ANSWER: 0}
        self.lock = threading.Lock()

    def __call__(self, what, number):
        with self.lock:
            if (self.rng.random() >= self.share or
                    sum(self.lost.values()) >= self.most):
                return PASS
            self.lost[what] += 1
            return self.rng.choice(self.fates)

    @property
    def spent(self):
        return sum(self.lost.values()) >= self.most


def endless_writer(rig, seed, until, pace=0.02):
    """Writes lines until `until` is true; returns all of them."""
    call = loggen.CallCentre(seed=seed)
    rng = random.Random(seed)
    log = b""
    deadline = time.monotonic() + harness.quick_or_slow(120, 1800)
    while not until():
        assert time.monotonic() < deadline, "the losses do not come"
        for daemon in rig.daemons:
            daemon.must_not_have_failed()
        more = call.text(rng.randint(1, 20))
        log += more
        harness.append(rig.log, more)
        time.sleep(rng.random() * pace)
    return log


def test_lost_commits(rig):
    """F07 and F08. Whether a batch landed is asked of the database, never
    guessed: each lost request is sent again, no lost answer is."""
    lottery = Lottery(201, 0.5, harness.quick_or_slow(60, 1000))
    with proxied(rig, lottery) as proxy:
        daemon = rig.daemon()
        daemon.start()
        log = endless_writer(rig, 21, lambda: lottery.spent)
        rig.settle(timeout=60)
        assert proxy.lost[REQUEST] > 10 and proxy.lost[ANSWER] > 10
        rig.assert_exact(log)
        rig.assert_alive(log)
        assert daemon.is_alive()


@pytest.mark.parametrize("what", [REQUEST, ANSWER])
def test_one_lost_commit(rig, what):
    """Exactly one loss, once everything is quiet: the batch is sent again,
    or is not."""
    log = loggen.make_log(500, seed=22)
    arm = threading.Event()

    def choose(which, number):
        if which == what and arm.is_set():
            arm.clear()
            return DROP
        return PASS
    with proxied(rig, choose) as proxy:
        harness.append(rig.log, log)
        rig.daemon().start(wait="READY=1")
        rig.settle()
        before = sequence(rig)
        arm.set()
        rig.assert_alive(log)
        assert proxy.lost[what] == 1
        # one batch, one number: not one for each time that it was sent
        assert sequence(rig) - before <= 2


def sequence(rig):
    return rig.db.execute("SELECT max(seq) FROM ringtally.writer"
                          ).fetchone()[0]


def test_lost_commits_and_kills(rig):
    """F01 and F07 together: what is in doubt outlives the daemon."""
    lottery = Lottery(203, 0.4, harness.quick_or_slow(25, 200))
    with proxied(rig, lottery):
        daemon = rig.daemon()
        rng = random.Random(204)
        stop = threading.Event()

        def killer():
            while not stop.is_set():
                daemon.start()
                time.sleep(rng.uniform(0.05, 0.4))
                daemon.kill()
        thread = threading.Thread(target=killer)
        thread.start()
        log = endless_writer(rig, 23, lambda: lottery.spent)
        stop.set()
        thread.join()
        daemon.start(wait="READY=1")
        rig.settle(timeout=60)
        rig.assert_exact(log)
        rig.assert_alive(log)


def test_zombie_transaction(rig):
    """F09. The server still holds the transaction of a connection that is
    gone for the daemon: it waits until that is decided, then goes on."""
    arm = threading.Event()

    def choose(what, number):
        if what == REQUEST and arm.is_set():
            arm.clear()
            return ZOMBIE
        return PASS
    with proxied(rig, choose) as proxy:
        log = loggen.make_log(800, seed=24)
        harness.append(rig.log, log)
        daemon = rig.daemon().start(wait="READY=1")
        rig.settle()
        arm.set()
        more = b"%d|z.1|zombie|NONE|ENTERQUEUE||01|1\n" % (
            int(log.splitlines()[-1].split(b"|")[0]))
        harness.append(rig.log, more)
        harness.poll("a zombie is left", lambda: proxy.zombies)
        blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        harness.poll("the daemon waits for it", lambda: rig.db.execute(
            blocked).fetchone()[0] or harness.complete_size(rig.log) ==
            position(rig), timeout=20)
        assert daemon.is_alive()
        proxy.release()
        rig.settle()
        rig.assert_exact(log + more)
        rig.assert_alive(log + more)


def position(rig):
    return rig.db.execute("SELECT file_offset FROM ringtally.feed"
                          ).fetchone()[0]


def test_black_hole(rig):
    """F15. The network swallows everything, and no side is told. The daemon
    has a deadline of its own."""
    arm = threading.Event()

    def choose(what, number):
        if what == ANSWER and arm.is_set():
            arm.clear()
            return HOLE
        return PASS
    with proxied(rig, choose) as proxy:
        log = loggen.make_log(500, seed=25)
        harness.append(rig.log, log)
        rig.daemon().start(wait="READY=1")
        rig.settle()
        arm.set()
        more = b"%d|h.1|hole|NONE|ENTERQUEUE||01|1\n" % (
            int(log.splitlines()[-1].split(b"|")[0]))
        harness.append(rig.log, more)
        harness.poll("the answer is swallowed", lambda: proxy.lost[ANSWER])
        if not harness.SLOW:
            proxy.cut()         # do not wait for the deadline here
        log += more + b"%d|h.2|hole|NONE|ENTERQUEUE||01|1\n" % (
            int(log.splitlines()[-1].split(b"|")[0]))
        harness.append(rig.log, log[log.rfind(b"\n", 0, -1) + 1:])
        rig.settle(timeout=120)
        rig.assert_exact(log)


@pytest.mark.parametrize("pooler", [False, True])
def test_pooler(rig, pooler):
    """F52. Locks and settings are the session's: who puts something in between
    that shares sessions is warned."""
    log = loggen.make_log(500, seed=28)
    harness.append(rig.log, log)
    with PgProxy(rig.logs, rig.server.socket_path, pooler=pooler) as proxy:
        rig.host = proxy.directory
        daemon = rig.daemon().start(wait="READY=1")
        rig.settle()
        assert bool(daemon.said("a pooler stands in between")) == pooler
        assert daemon.stop() == 0
    rig.assert_exact(log)


def test_server_that_never_answers(own_rig):
    """F17. SIGSTOP: connections stand, the kernel acknowledges, nobody
    answers. Meanwhile the daemon lives and reads."""
    log = loggen.make_log(1000, seed=26)
    harness.append(own_rig.log, log)
    daemon = own_rig.daemon().start(wait="READY=1")
    own_rig.settle()
    own_rig.server.group(signal.SIGSTOP)
    try:
        more = loggen.make_log(1000, seed=27, prefix="x",
                               start=loggen.START + 7200)
        harness.append(own_rig.log, more)
        cpu = daemon.cpu_s()
        time.sleep(harness.quick_or_slow(3, 75))
        assert daemon.is_alive()
        assert daemon.cpu_s() - cpu < 1.5, "it spins while it waits"
    finally:
        own_rig.server.group(signal.SIGCONT)
    own_rig.settle(timeout=60)
    own_rig.assert_exact(log + more)
    own_rig.assert_alive(log + more)


@pytest.mark.parametrize("change, why", [
    ("seq = seq + 5", "not where it was left"),
    ("instance = 'another', holder = 'another host', released = false, "
     "locked = false, renewed_at = clock_timestamp()", "another host")])
def test_once_does_not_claim_what_was_undone(rig, change, why):
    """The last transaction of --once meets a database that has gone another
    way meanwhile: what was read is to be read again, and it says so."""
    log = loggen.make_log(2000, seed=45)
    harness.append(rig.log, log)
    daemon = rig.daemon()
    with rig.server.connect(rig.database) as lock, \
            rig.server.connect(rig.database) as other:
        lock.execute("BEGIN")
        lock.execute("LOCK TABLE ringtally.queue_tally IN SHARE MODE")
        daemon.start("--once")
        stuck = ("SELECT pid FROM pg_stat_activity WHERE wait_event_type = "
                 "'Lock' AND datname = current_database() AND query ~ %s")
        harness.poll("the batch waits", lambda: rig.db.execute(
            stuck, ("queue_tally",)).fetchone())
        changing = threading.Thread(target=other.execute, args=(
            "UPDATE ringtally.writer SET " + change,))
        changing.start()
        harness.poll("so does the change", lambda: rig.db.execute(
            stuck, ("UPDATE ringtally.writer",)).fetchone())
        rig.db.execute("SELECT pg_terminate_backend(pid) FROM (" + stuck +
                       ") AS s", ("queue_tally",))
        changing.join()
        lock.execute("ROLLBACK")
        assert daemon.wait(30) == 1, daemon.stderr()
        assert why in daemon.stderr()
        other.execute("UPDATE ringtally.writer SET released = true")
    assert daemon.start("--once").wait(60) == 0, daemon.stderr()
    rig.settle()
    rig.assert_exact(log)


def test_a_large_batch_is_given_time(rig):
    """What gathered while the database was away may be more than a statement
    of 30 seconds can write, and would be tried again for ever."""
    with rig.server.connect(rig.database) as owner:
        owner.execute("""
            CREATE TABLE public.given (timeout interval);
            CREATE FUNCTION public.note_timeout() RETURNS trigger
            LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
                INSERT INTO public.given VALUES (
                    current_setting('statement_timeout')::interval);
                RETURN NULL;
            END $$;
            CREATE TRIGGER note AFTER INSERT ON ringtally.visit
            EXECUTE FUNCTION public.note_timeout()""")
    log = loggen.make_log(40000, seed=47)
    harness.append(rig.log, log)
    daemon = rig.daemon()
    assert daemon.start("--once").wait(60) == 0, daemon.stderr()
    rig.assert_exact(log)
    given = "SELECT extract(epoch FROM max(timeout))::float FROM public.given"
    assert 30 < rig.db.execute(given).fetchone()[0] < 60


@pytest.mark.parametrize("every", [2, 3])
def test_a_socket_that_fills_and_drains(rig, shim, every):
    """A COPY goes on where the socket was full for one send() and has room
    for the next, so that nothing tells of it."""
    log = loggen.make_log(20000, seed=46)
    harness.append(rig.log, log)
    daemon = rig.daemon(env={"LD_PRELOAD": shim, "SHIM_SEND": str(every)})
    assert daemon.start("--once").wait(60) == 0, daemon.stderr()
    rig.assert_exact(log)
