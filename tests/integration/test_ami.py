# SPDX-License-Identifier: BSD-2-Clause
"""The daemon on a manager interface that behaves as Asterisk does, also on its
bad days: every message that was sent whole is counted once."""
import json
import os
import time

import harness
import pytest

import ami_server
from test_cli import feeds

START = 1795288800
FLOOD = harness.quick_or_slow(20000, 500000)


@pytest.fixture
def server():
    server = ami_server.AmiServer()
    yield server
    server.close()


def feed(rig, server, secret=ami_server.SECRET, **more):
    path = os.path.join(rig.directory, "ami.secret")
    with open(path, "w") as f:
        f.write(secret + "\n")
    os.chmod(path, 0o600)
    return {"name": "ami", "switch": "pbx", "transport": "tcp-connect",
            "address": server.address, "format": "asterisk-ami",
            "user": "ringtally", "secret_file": path, "retry_s": 0.05,
            "retry_max_s": 0.2, **more}


def follow(rig, server, **more):
    config = rig.config(feeds=[feed(rig, server, **more)],
                        spool_folder=os.path.join(rig.directory, "spool"))
    return rig.daemon(config).start(wait="READY")


def wait_login(server):
    return harness.poll("the daemon has logged in", server.has_picture)


def figures_of(rig, queue):
    row = rig.db.execute(
        "SELECT coalesce(sum(offered), 0), coalesce(sum(answered), 0),"
        " coalesce(sum(abandoned), 0), coalesce(sum(timed_out), 0)"
        " FROM ringtally.queue_interval WHERE queue = %s",
        (queue,)).fetchone()
    return tuple(int(n) for n in row)


def wait_figures(rig, queue, *want):
    seen = []

    def same():
        seen[:] = [figures_of(rig, queue)]
        return seen[0] == want
    try:
        harness.poll("the figures are there", same)
    except AssertionError:
        raise AssertionError("%s: wanted %s, found %s" % (
            queue, want, seen[0])) from None


@pytest.mark.parametrize("login, version", [
    ("plain", "1.1"), ("md5", "1.3"), ("md5", "11.0.0")])
def test_calls_are_counted(rig, login, version):
    server = ami_server.AmiServer(version)
    rig.closing.callback(server.close)
    follow(rig, server, login=login)
    wait_login(server)
    server.send(ami_server.answered("a.1", "sales", START) +
                ami_server.abandoned("a.2", "sales", START + 1))
    wait_figures(rig, "sales", 2, 1, 1, 0)
    actions = [a["action"] for a in server.clients[0].actions]
    assert actions[-3:] == ["Login", "QueueStatus", "Ping"]
    assert ("Challenge" in actions) == (login == "md5")


def shown(daemon):
    rows = json.loads(feeds("-o", "json", "-c", daemon.conf_path))
    return rows[0] if rows else {"status": None}


def test_a_wrong_password_is_told_and_tried_again(rig, server):
    server.penalty_s = 0.1
    server.secret = "another"
    daemon = follow(rig, server, refused_retry_s=0.2)
    harness.poll("the daemon says what is wrong",
                 lambda: daemon.said("Authentication failed"))
    assert ami_server.SECRET not in daemon.stderr()
    harness.poll("it is shown", lambda: "Authentication failed" in (
        shown(daemon)["status"] or ""))
    assert shown(daemon)["connection"] == "down"
    assert "down" in feeds("-c", daemon.conf_path).splitlines()[1].split()
    server.secret = ami_server.SECRET
    wait_login(server)
    harness.poll("that, too", lambda: shown(daemon)["connection"] == "up")
    server.send(ami_server.answered("a.1", "sales", START))
    wait_figures(rig, "sales", 1, 1, 0, 0)


def test_cut_in_the_middle_of_a_message(rig, server):
    """What was whole is counted, the rest is no event; the next connection
    goes on."""
    follow(rig, server)
    wait_login(server)
    half = ami_server.event("QueueCallerJoin", START + 9, Queue="sales",
                            Uniqueid="a.22")
    server.cut(ami_server.answered("a.1", "sales", START) +
               half[:half.index(b"a.22") + 3])
    harness.poll("it has come back", lambda: len(server.clients) > 1)
    wait_login(server)
    server.send(ami_server.abandoned("a.3", "sales", START + 60))
    wait_figures(rig, "sales", 2, 1, 1, 0)
    assert rig.db.execute("SELECT sum(rejected) FROM ringtally.feed"
                          ).fetchone()[0] == 0


def test_silence_is_asked_about_and_given_up(rig, server):
    follow(rig, server, silence_s=2)
    wait_login(server)
    harness.poll("it asks again, as it was answered",
                 lambda: server.most_asked("Ping") > 2)
    server.mute = True
    before = len(server.clients)
    harness.poll("it gives up", lambda: len(server.clients) > before)
    server.mute = False
    wait_login(server)
    server.send(ami_server.answered("a.1", "sales", START))
    wait_figures(rig, "sales", 1, 1, 0, 0)


def joins(call, at, queue="sales"):
    return ami_server.event("QueueCallerJoin", at, Uniqueid=call, Queue=queue)


def test_the_picture_after_a_connection_was_lost(rig, server):
    """Who still waits goes on waiting, who came meanwhile has waited since,
    and who is not there any more was lost."""
    follow(rig, server, silence_s=2)  # its answers end the picture
    wait_login(server)
    now = time.time()
    server.send(joins("w.1", now - 30) + joins("w.2", now - 20))
    wait_figures(rig, "sales", 2, 0, 0, 0)
    server.picture = [
        ("QueueParams", {"Queue": "sales"}),
        ("QueueEntry", {"Queue": "sales", "Uniqueid": "w.1", "Wait": 30}),
        ("QueueEntry", {"Queue": "sales", "Uniqueid": "w.3", "Wait": 5})]
    server.cut(b"")
    harness.poll("it has come back", lambda: len(server.clients) > 1)
    wait_login(server)
    # what the list overtook: not an arrival once more
    server.send(joins("w.3", now))
    harness.poll("who is not there is lost", lambda: rig.db.execute(
        "SELECT sum(lost) FROM ringtally.queue_interval").fetchone()[0] == 1)
    server.send(b"".join(ami_server.event(
        name, now + 1, Uniqueid=call, Queue="sales", MemberName="Jo",
        HoldTime=40) for call in ("w.1", "w.3")
        for name in ("QueueCallerLeave", "AgentConnect")))
    wait_figures(rig, "sales", 3, 2, 0, 0)
    calls = [row[0] for row in rig.db.execute(
        "SELECT call_id FROM ringtally.visit WHERE outcome = 'lost'")]
    assert calls == ["w.2"]


KILLS = harness.quick_or_slow(3, 30)


def test_kill_in_the_middle(rig, server):
    """Once with everything on disk and most of it not yet counted, a Leave
    before the cut and the answer behind it; once with a caller who waits, and
    is in the picture that the next connection begins with."""
    daemon = follow(rig, server)
    for n in range(KILLS):
        wait_login(server)
        call, at = "k.%d" % n, START + 100 * n
        whole = ami_server.answered(call, "sales", at)
        stays = n % 2 == 1
        until = whole.index(b"Event: QueueCallerLeave" if stays else
                            b"Event: AgentConnect")
        server.send(ami_server.abandoned(call + "a", "sales", at) +
                    whole[:until])
        wait_figures(rig, "sales", 2 * n + 2, n, n + 1, 0)
        server.picture = [("QueueEntry", {
            "Queue": "sales", "Uniqueid": call, "Wait": 3})] if stays else []
        if not stays:
            server.send(whole[until:])
            harness.poll("it has been heard", lambda: spooled(rig, call))
        daemon.kill()
        daemon.start(wait="READY")
        wait_login(server)
        if stays:
            server.send(whole[until:])
        wait_figures(rig, "sales", 2 * n + 2, n + 1, n + 1, 0)


def spooled(rig, call):
    """Is the completion of that call in the spool, or counted already?"""
    folder = os.path.join(rig.directory, "spool", "ami")
    wanted = b"Event: AgentComplete"
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as f:
            data = f.read()
        at = data.find(wanted)
        while at >= 0:
            if b"Uniqueid: %s\r\n" % call.encode() in data[at:at + 400]:
                return True
            at = data.find(wanted, at + 1)
    return False


def test_flood(rig, server):
    """More than Asterisk ever sends, as fast as the socket takes it: the
    daemon reads, and is not sent away."""
    follow(rig, server)
    client = wait_login(server)
    noise = ami_server.event("Newexten", START, Channel="SIP/1",
                             Application="NoOp", AppData="x" * 200)
    began = time.monotonic()
    for n in range(FLOOD // 100):
        assert client.send(noise * 96 + ami_server.answered(
            "f.%d" % n, "flood", START + n)), client.ended
    rate = FLOOD / (time.monotonic() - began)
    wait_figures(rig, "flood", FLOOD // 100, FLOOD // 100, 0, 0)
    assert client.ended is None and len(server.clients) == 1
    print("%.0f messages a second" % rate)


def test_who_does_not_read_is_sent_away(rig, server):
    """The daemon is stopped for a while: Asterisk ends the connection in
    mid-message. It comes back, and what was whole is there once."""
    daemon = follow(rig, server)
    client = wait_login(server)
    server.write_timeout_s = 0.2
    server.send(ami_server.answered("a.1", "sales", START))
    wait_figures(rig, "sales", 1, 1, 0, 0)
    daemon.signal(harness.signal.SIGSTOP)
    try:
        noise = ami_server.event("Newstate", START, Channel="x" * 900)
        while client.send(noise * 1000):
            pass
    finally:
        daemon.signal(harness.signal.SIGCONT)
    assert client.ended == "does not read"
    harness.poll("it has come back", lambda: len(server.clients) > 1)
    wait_login(server)
    server.send(ami_server.answered("a.2", "sales", START + 60))
    wait_figures(rig, "sales", 2, 2, 0, 0)


def test_asterisk_that_is_still_loading(rig, server):
    """It lets us in before it has its queues, and says when it has."""
    follow(rig, server)
    wait_login(server)
    harness.poll("it has asked", lambda: server.asked("QueueStatus") == 1)
    server.send(ami_server.message("Event: FullyBooted",
                                   "Privilege: system,all", Uptime=1))
    harness.poll("it asks again", lambda: server.asked("QueueStatus") == 2)
