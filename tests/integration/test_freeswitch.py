# SPDX-License-Identifier: BSD-2-Clause
"""FreeSWITCH's event socket over tcp-connect: what is counted, by a switch that
behaves, and by one that does not."""
import os

import pytest

import esl_server
import figures
import harness


@pytest.fixture
def make(rig):
    servers = []

    def start(switch=None, secret=esl_server.PASSWORD, port=None, extra=None,
              **kwargs):
        if port is None:
            servers.append(esl_server.Server(
                switch or esl_server.Switch(), **kwargs))
            port = servers[-1].port
        path = os.path.join(rig.directory, "secret")
        with open(path, "w") as f:
            f.write(secret + "\n")
        os.chmod(path, 0o600)
        feed = {"name": "log", "switch": "fs", "transport": "tcp-connect",
                "address": "127.0.0.1:%d" % port, "secret_file": path,
                "format": "freeswitch-esl", "retry_s": 0.05,
                "retry_max_s": 0.2, **(extra or {})}
        daemon = rig.daemon(rig.config(
            [feed], spool_folder=os.path.join(rig.directory, "spool")))
        return servers[-1], daemon

    yield start
    for server in servers:
        server.close()


def sums(db):
    row = figures.rows(
        db, "SELECT sum(offered)::int AS offered, sum(answered)::int AS "
        "answered, sum(abandoned)::int AS abandoned, sum(timed_out)::int AS "
        "timed_out, sum(lost)::int AS lost, sum(waiting)::int AS waiting, "
        "sum(talk_ms)::bigint AS talk_ms FROM ringtally.queue_interval")[0]
    return {name: value or 0 for name, value in row.items()}


def wait_sums(rig, **want):
    def there():
        for daemon in rig.daemons:
            daemon.must_not_have_failed()
        got = sums(rig.db)
        return all(got[name] == value for name, value in want.items())
    try:
        harness.poll("the figures %s" % want, there)
    except AssertionError as e:
        raise AssertionError("%s: %s\n%s" % (
            e, sums(rig.db), rig.daemons[-1].stderr()[-3000:])) from None


def test_a_day(rig, make):
    server, daemon = make()
    switch = server.switch
    daemon.start(wait="READY")
    server.say(switch.beat() + switch.arrive("s1") + switch.arrive("s2") +
               switch.arrive("s3"))
    switch.now += 12
    server.say(switch.answer("s1") + switch.leave("s2"))
    wait_sums(rig, offered=3, answered=1, abandoned=1, waiting=1)
    switch.now += 60
    server.say(switch.end("s1") + switch.leave("s3", "TIMEOUT"))
    wait_sums(rig, offered=3, answered=1, abandoned=1, timed_out=1, waiting=0,
              talk_ms=60000)
    assert server.commands[:2] == [
        "auth ClueCon",
        "event plain HEARTBEAT CUSTOM callcenter::info fifo::info"]
    assert daemon.stop() == 0


def test_cut_in_mid_event(rig, make):
    """Half an event is not taken; who came and went meanwhile is found out by
    the picture after the next connection."""
    server, daemon = make()
    switch = server.switch
    daemon.start(wait="READY")
    server.say(switch.beat() + switch.arrive("s1") + switch.arrive("s2"))
    wait_sums(rig, offered=2, waiting=2)
    connections = server.connections
    half = switch.arrive("s3")
    server.say(half[:len(half) // 2])
    server.cut()
    # unheard: s1 leaves, s3 waits on
    switch.now += 30
    switch.leave("s1")
    harness.poll("it comes back", lambda: server.connections > connections)
    server.say(switch.beat())
    wait_sums(rig, offered=3, lost=1, waiting=2)
    switch.now += 5
    server.say(switch.answer("s3"))
    wait_sums(rig, offered=3, answered=1, lost=1, waiting=1)
    assert figures.feed(rig.db)["gaps"] >= 1


def test_killed_in_between(rig, make):
    """kill -9, with a switch that goes on: what was heard counts once."""
    server, daemon = make()
    switch = server.switch
    daemon.start(wait="READY")
    server.say(switch.beat() + switch.arrive("s1") + switch.arrive("s2"))
    wait_sums(rig, offered=2)
    daemon.kill()
    switch.now += 10
    switch.answer("s1")
    daemon.start(wait="READY")
    server.say(switch.beat())
    wait_sums(rig, offered=2, answered=1, waiting=1)
    switch.now += 10
    server.say(switch.end("s1") + switch.leave("s2"))
    wait_sums(rig, offered=2, answered=1, abandoned=1, waiting=0,
              talk_ms=10000)


def test_wrong_password(rig, make):
    server, daemon = make(secret="wrong")
    daemon.start(wait="READY")
    harness.poll("it says so", lambda: daemon.said("wrong password"))
    assert server.connections == 1      # and is not tried again soon
    assert daemon.is_alive()


def test_rejected(rig, make):
    _, daemon = make(behave="reject")
    daemon.start(wait="READY")
    harness.poll("it says so", lambda: daemon.said("access list"))
    assert daemon.is_alive()


def test_mute(rig, make):
    """A listener that never greets is left for another try."""
    server, daemon = make(behave="mute", extra={"connect_timeout_s": 0.2})
    daemon.start(wait="READY")
    harness.poll("it is tried again", lambda: server.connections > 1)
    server.behave = "well"
    server.say(server.switch.beat() + server.switch.arrive("s1"))
    wait_sums(rig, offered=1, waiting=1)


def test_silence(rig, make):
    """One who says nothing is asked, and answers."""
    server, daemon = make(extra={"silence_s": 0.4})
    daemon.start(wait="READY")
    server.say(server.switch.beat() + server.switch.arrive("s1"))
    harness.poll("it is asked",
                 lambda: "api uptime" in server.commands)
    wait_sums(rig, offered=1, waiting=1)


def test_restart_of_the_switch(rig, make):
    """With a notice, and a new Core-UUID: all that was open is over."""
    server, daemon = make()
    switch = server.switch
    daemon.start(wait="READY")
    server.say(switch.beat() + switch.arrive("s1"))
    wait_sums(rig, offered=1, waiting=1)
    connections = server.connections
    server.notice()
    switch.waiting.clear()
    switch.core = "c2"
    switch.now += 20
    harness.poll("it comes back", lambda: server.connections > connections)
    server.say(switch.beat() + switch.arrive("s2"))
    wait_sums(rig, offered=2, lost=1, waiting=1)


def test_lengths_that_lie(rig, make):
    """An event with a length of its own that is too large is one event; a frame
    longer than a record is passed over, and the next one found."""
    server, daemon = make()
    switch = server.switch
    daemon.start(wait="READY")
    lies = esl_server.plain((
        ("Event-Name", "CUSTOM"), ("Event-Subclass", "callcenter::info"),
        ("Event-Date-Timestamp", switch.now * 1000000),
        ("CC-Action", "member-queue-start"), ("CC-Queue", "support@default"),
        ("CC-Member-Session-UUID", "s1"), ("Content-Length", 99999999)))
    long = b"x" * 200000
    server.say(switch.beat() + lies +
               b"Content-Length: %d\nContent-Type: log/data\n\n%s" %
               (len(long), long) + switch.arrive("s2"))
    wait_sums(rig, offered=2, waiting=2)


def test_flood(rig, make):
    """Many at once, some thousand callers who come, are answered and go."""
    callers = harness.quick_or_slow(2500, 50000)
    server, daemon = make(extra={"esl_picture": False})
    switch = server.switch
    daemon.start(wait="READY")
    server.say(switch.beat())
    for begin in range(0, callers, 500):
        switch.now += 1
        names = ["s%d" % n for n in range(begin, begin + 500)]
        arrivals = b"".join(switch.arrive(name) for name in names)
        switch.now += 3
        answers = b"".join(switch.answer(name) for name in names)
        switch.now += 2
        server.say(arrivals + answers +
                   b"".join(switch.end(name) for name in names))
    wait_sums(rig, offered=callers, answered=callers, waiting=0,
              talk_ms=callers * 2000)
