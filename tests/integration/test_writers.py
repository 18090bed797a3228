# SPDX-License-Identifier: BSD-2-Clause
"""More than one daemon: one writes, the other waits; who was passed over can
not write any more; other sites and switches are none of their business.
F18 and F51 of the fault matrix."""
import random
import signal
import time

import harness
import pytest

import figures
import loggen


def test_second_daemon_waits_and_takes_over(rig):
    """F51. The second writes nothing while the first lives, and soon after
    the first is killed."""
    call = loggen.CallCentre(seed=81)
    log = call.text(1500)
    harness.append(rig.log, log)
    first = rig.daemon().start(wait="READY=1")
    rig.settle()
    second = rig.daemon().start()
    harness.poll("the second says that it waits",
                 lambda: second.said("standing by"))
    for _ in range(3):
        more = call.text(300)
        log += more
        harness.append(rig.log, more)
        rig.settle()
        rig.assert_exact(log)
    first.kill()
    more = call.text(500)
    log += more
    harness.append(rig.log, more)
    rig.settle(timeout=45)
    rig.assert_exact(log)
    rig.assert_alive(log)
    assert second.is_alive()


def test_orderly_hand_over(rig):
    """The first leaves in good order: the second goes on at once."""
    call = loggen.CallCentre(seed=82)
    log = call.text(1000)
    harness.append(rig.log, log)
    first = rig.daemon().start(wait="READY=1")
    rig.settle()
    second = rig.daemon().start()
    harness.poll("the second waits", lambda: second.said("standing by"))
    assert first.stop() == 0
    more = call.text(500)
    log += more
    harness.append(rig.log, more)
    started = time.monotonic()
    rig.settle(timeout=45)
    assert time.monotonic() - started < 20
    rig.assert_exact(log)


def test_paused_writer_is_fenced(rig):
    """F51. The first is stopped in the middle of its work and loses its
    session; the second takes over; the first, when it comes to again, finds
    that it is not the writer any more and writes nothing."""
    call = loggen.CallCentre(seed=83)
    log = call.text(1500)
    harness.append(rig.log, log)
    first = rig.daemon().start(wait="READY=1")
    rig.settle()
    first.signal(signal.SIGSTOP)
    rig.db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                   "WHERE datname = current_database() AND pid <> "
                   "pg_backend_pid()")
    second = rig.daemon().start()
    more = call.text(700)
    log += more
    harness.append(rig.log, more)
    rig.settle(timeout=60)
    rig.assert_exact(log)
    first.signal(signal.SIGCONT)
    for _ in range(5):
        more = call.text(200)
        log += more
        harness.append(rig.log, more)
        time.sleep(0.1)
    rig.settle()
    rig.assert_exact(log)
    writer = figures.rows(rig.db, "SELECT * FROM ringtally.writer")
    assert len(writer) == 1 and str(second.process.pid) in writer[0]["holder"]
    assert second.is_alive()
    rig.assert_alive(log)


def test_two_that_take_turns(rig):
    """Both are stopped, continued and killed at random, for a while."""
    rng = random.Random(801)
    call = loggen.CallCentre(seed=84)
    log = b""
    daemons = [rig.daemon(), rig.daemon()]
    for daemon in daemons:
        daemon.start()
    for _ in range(harness.quick_or_slow(12, 150)):
        more = call.text(rng.randint(20, 120))
        log += more
        harness.append(rig.log, more)
        daemon = rng.choice(daemons)
        what = rng.random()
        if what < 0.4:
            daemon.kill()
            daemon.start()
        elif what < 0.7:
            daemon.signal(signal.SIGSTOP)
            time.sleep(rng.uniform(0.05, 0.4))
            daemon.signal(signal.SIGCONT)
        else:
            rig.db.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> "
                "pg_backend_pid()")
        time.sleep(rng.uniform(0.02, 0.3))
    rig.settle(timeout=90)
    rig.assert_exact(log)
    rig.assert_alive(log)


def test_the_same_daemon_started_twice(rig):
    """Started again by mistake, with --once: it must not count anything."""
    log = loggen.make_log(1000, seed=85)
    harness.append(rig.log, log)
    first = rig.daemon().start(wait="READY=1")
    rig.settle()
    second = rig.daemon().start("--once")
    time.sleep(harness.quick_or_slow(1.5, 10))
    rig.assert_exact(log)
    log = rig.assert_alive(log)
    first.stop()
    harness.poll("the other may go on and end",
                 lambda: not second.is_alive(), timeout=45)
    rig.assert_exact(log)


def test_sites_share_a_database(rig):
    """F18: several daemons write the same tables at once, each the rows of
    its own site."""
    logs, daemons = {}, []
    for n in range(4):
        site = "site%d" % n
        path = "%s-%s" % (rig.log, site)
        logs[site] = loggen.make_log(3000, seed=86 + n)
        harness.append(path, logs[site])
        config = rig.config(feeds=[rig.feed(path=path)], site=site)
        daemons.append(rig.daemon(config))
    for daemon in daemons:
        daemon.start()
    for site, log in logs.items():
        rig.settle("%s-%s" % (rig.log, site), site=site)
        rig.assert_exact(log, site=site)
    assert all(daemon.stop() == 0 for daemon in daemons)


def test_two_switches_of_one_daemon(rig):
    """Two feeds, two switches, the same call ids on both."""
    one, two = loggen.make_log(1500, seed=90), loggen.make_log(900, seed=90)
    harness.append(rig.log, one)
    harness.append(rig.log + "-b", two)
    config = rig.config(feeds=[rig.feed(), rig.feed(
        name="b", path=rig.log + "-b", switch="pbx-b")])
    daemon = rig.daemon(config).start("--once")
    assert daemon.wait() == 0, daemon.stderr()
    found = {r["switch"]: int(r["n"]) for r in figures.rows(
        rig.db, "SELECT switch, sum(offered) AS n FROM "
        "ringtally.queue_interval GROUP BY 1")}
    want = {s: log.count(b"|ENTERQUEUE|") + log.count(b"|FULL|")
            for s, log in (("pbx", one), ("pbx-b", two))}
    assert found == want


GONE = b"""\
1760000000|NONE|NONE|Agent/Jo|AGENTLOGIN|SIP/1
1760000001|a|q|NONE|ENTERQUEUE||1|1
1760000002|b|q|NONE|ENTERQUEUE||2|1
1760000005|b|q|Agent/Jo|CONNECT|3|x|2
1760000006|c|q|NONE|ENTERQUEUE||3|1
1760000007|d|q|Agent/Jo|CONNECT|3|x|2
1760000010|c|q|NONE|ABANDON|1|1|4
"""


@pytest.mark.parametrize("feeds", [1, 2])
def test_switch_that_is_no_more(rig, feeds):
    """A feed goes on under another switch's name: what is open of the one
    before is given up when it is told so, and not while a feed tells of it."""
    harness.append(rig.log, GONE)
    harness.append(rig.log + ".2", b"")
    before = rig.config([rig.feed(),
                         rig.feed("second", rig.log + ".2")][:feeds])
    assert rig.daemon(before).start("--once").wait() == 0
    again = rig.daemon(rig.config([rig.feed(switch="pbx1")]))
    again.start(wait="READY=1")
    harness.poll("it says what to do", lambda: again.said("--give-up pbx\n"))
    state = """SELECT offered, answered, abandoned, lost, waiting,
        (SELECT count(*) FROM ringtally.open_visit WHERE switch = 'pbx'),
        (SELECT count(*) FROM ringtally.agent_session WHERE switch = 'pbx')
        FROM ringtally.queue_interval WHERE switch = 'pbx'"""
    assert rig.db.execute(state).fetchall() == [(3, 1, 1, 0, 1, 4, 1)]
    other = rig.daemon(before)
    assert other.start("--give-up", "pbx").wait() == 3
    assert other.said("feed log tells of switch pbx")
    other = rig.daemon(again.config)
    assert other.start("--give-up", "bpx").wait() == 1
    assert other.said("nothing is known of a switch bpx")
    for waiting in (1, 0):
        gone = rig.daemon(again.config)
        assert gone.start("--give-up", "pbx").wait() == 0, gone.stderr()
        assert gone.said("pbx: %d who waited" % waiting)
        assert rig.db.execute(state).fetchall() == [(3, 1, 1, 1, 0, 0, 0)]
    assert rig.db.execute(
        "SELECT call_id, outcome::text, ended_at - entered_at = '9 s' "
        "FROM ringtally.visits WHERE switch = 'pbx' AND call_id <> 'b' "
        "ORDER BY 1").fetchall() == [("a", "lost", True),
                                     ("c", "abandoned", False)]
    assert rig.db.execute(
        "SELECT sum(login_ms) FROM ringtally.agent_interval "
        "WHERE switch = 'pbx'").fetchone()[0] == 10000
    harness.append(rig.log, b"1760000020|e|q|NONE|ENTERQUEUE||4|1\n")
    harness.poll("the other switch goes on", lambda: rig.db.execute(
        "SELECT FROM ringtally.open_visit WHERE switch = 'pbx1' "
        "AND call_id = 'e'").fetchall())
    assert again.is_alive() and not again.said("fenced")
