# SPDX-License-Identifier: BSD-2-Clause
"""What is pushed does not wait for the database: it is taken in from the
daemon's first second on, and counted once when the database is there."""
import contextlib
import os
import re
import signal
import socket

import pytest

import ami_server
import harness
import web as web_
from test_ami import figures_of, wait_figures
from test_ami import feed as ami_feed
from test_ingest import PATH, Calls, counted, post, wait_counted
from test_ingest import feed as http_feed

START = 1795288800


class Database:
    """The road to the server, for the daemons only: it can be taken away."""

    def __init__(self, rig):
        self.rig, self.path = rig, os.path.join(rig.directory, "pg")
        rig.host = self.path

    def come(self):
        os.symlink(self.rig.server.directory, self.path)

    def go(self):
        os.unlink(self.path)
        self.rig.db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()")


@pytest.fixture
def away(rig):
    return Database(rig)


@pytest.fixture
def web():
    web = web_.Web()
    yield web
    web.close()


@pytest.fixture
def server():
    server = ami_server.AmiServer()
    yield server
    server.close()


def start(rig, feeds, web, spool="spool", **more):
    daemon = rig.daemon(rig.config(
        spool_folder=os.path.join(rig.directory, spool), live=web.live(),
        feeds=feeds, **more))
    return again(daemon, web)


def again(daemon, web):
    daemon.start("-v", wait="READY=1")
    web.wait()
    return daemon


def view(web, name):
    return next(f for f in web.ask("/api/v1/feeds").json["feeds"]
                if f["feed"] == name)


def is_open(web, name):
    harness.poll("%s is taken in early" % name,
                 lambda: view(web, name)["state"] == "paused")


def kept(web, name, n):
    """Until so many records are on the disk."""
    harness.poll("%d records of %s are in the spool" % (n, name),
                 lambda: view(web, name)["spool_records"] >= n)


def test_posts_without_a_database(rig, web, away):
    """Acknowledged, killed, acknowledged again, reloaded: each counts once."""
    calls = Calls()
    bodies = [calls.body() for _ in range(30)]
    harness.append(rig.log, b"")
    daemon = start(rig, [http_feed(), rig.feed(switch="other")], web)
    is_open(web, "posted")
    assert [post(web, b).status for b in bodies[:10]] == [200] * 10
    ready = web.ask("/readyz")
    assert ready.status == 503
    states = {f["feed"]: (f["state"], f["ok"], f["why"])
              for f in ready.json["feeds"]}
    assert states["posted"] == (
        "paused", False, "kept in the spool until the database is there")
    assert states["log"][:2] == ("closed", False)
    kept(web, "posted", 20)
    daemon.kill()
    again(daemon, web)
    is_open(web, "posted")
    # among them one that was acknowledged, and that its sender repeats
    assert [post(web, b).status for b in bodies[9:20]] == [200] * 11
    daemon.config["feeds"][0]["spool_max_mb"] = 64
    daemon.write_config()
    daemon.signal(signal.SIGHUP)
    harness.poll("it has begun anew", lambda: any(
        line.endswith("configuration reloaded") and "closed" not in line
        for line in daemon.stderr().splitlines()))
    is_open(web, "posted")
    assert [post(web, b).status for b in bodies[20:]] == [200] * 10
    daemon.kill()
    away.come()
    again(daemon, web)
    wait_counted(rig, 30)
    web.ready()
    rig.assert_exact(b"".join(bodies))
    # and it is over once, also when it starts again
    daemon.kill()
    away.go()
    again(daemon, web)
    is_open(web, "posted")
    more = calls.body()
    assert post(web, more).status == 200
    away.come()
    wait_counted(rig, 31)
    rig.assert_exact(b"".join(bodies) + more)
    row = rig.db.execute("SELECT gaps, lost_bytes, rejected FROM "
                         "ringtally.feed WHERE feed = 'posted'").fetchone()
    assert row == (0, 0, 0)


def test_lines_without_a_database(rig, web, away):
    """What a switch writes to our port is kept over kill -9."""
    calls = Calls()
    port = web_.free_port()
    listening = {"name": "lines", "switch": "pbx", "transport": "tcp-listen",
                 "listen": "127.0.0.1:%d" % port,
                 "format": "asterisk-queue-log"}
    daemon = start(rig, [listening], web)
    log = b""
    for n in range(1, 4):
        is_open(web, "lines")
        before = view(web, "lines")["spool_records"]
        body = b"".join(calls.body() for _ in range(20))
        log += body
        with contextlib.closing(socket.create_connection(
                ("127.0.0.1", port), 30)) as s:
            s.sendall(body)
            kept(web, "lines", before + 40)
        daemon.kill()
        if n == 3:
            away.come()
        again(daemon, web)
    wait_counted(rig, 60)
    web.ready()
    rig.assert_exact(log)


def test_manager_without_a_database(rig, web, away, server):
    """The daemon logs in, asks for the picture and hears the calls; when the
    database comes it reads on, and keeps its connection."""
    daemon = start(rig, [ami_feed(rig, server)], web)
    for n in range(3):
        harness.poll("it has logged in", server.has_picture)
        is_open(web, "ami")
        at = START + 100 * n
        # one whole call, and one whose end comes in the next life
        before = view(web, "ami")["spool_records"]
        server.send(ami_server.answered("a.%d" % n, "sales", at) +
                    ami_server.abandoned("b.%d" % n, "sales", at + 1))
        kept(web, "ami", before + 8)
        if n < 2:
            daemon.kill()
            again(daemon, web)
    assert figures_of(rig, "sales") == (0, 0, 0, 0)
    clients = len(server.clients)
    away.come()
    wait_figures(rig, "sales", 6, 3, 3, 0)
    server.send(ami_server.answered("c", "sales", START + 400))
    wait_figures(rig, "sales", 7, 4, 3, 0)
    assert len(server.clients) == clients
    # a database that has gone back is loaded again: the connection stays
    web.ready()
    rig.db.execute("UPDATE ringtally.writer SET seq = seq + 1000")
    server.send(ami_server.answered("d", "sales", START + 500))
    harness.poll("all is loaded again",
                 lambda: daemon.said("all is loaded again from there"))
    web.ready()
    wait_figures(rig, "sales", 8, 5, 3, 0)
    assert len(server.clients) == clients and server.logged_in()


def test_drops_without_a_database(rig, web, away):
    """What a full spool drops is shown at once, and counted as lost once: as
    many records as were acknowledged are counted or lost."""
    line = b"%d|c.%%d|sales|NONE|ENTERQUEUE|%s|01|1\n" % (START, b"x" * 6000)
    daemon = start(rig, [{**http_feed(), "spool_max_mb": 8,
                          "spool_when_full": "drop-oldest"}], web)
    for n in range(2):
        is_open(web, "posted")
        body = b"".join(line % i for i in range(n * 2000, n * 2000 + 100))
        for k in range(20):
            assert post(web, body.replace(b"|c.", b"|c%d." % k)).status == 200
        harness.poll("the loss is shown", lambda: (
            view(web, "posted")["lost_bytes"] > (4 + n * 12) * 1000000))
        shown = view(web, "posted")
        assert shown["gaps"] == 1 and "records" in shown["status"]
        assert daemon.said("the oldest records of its spool are deleted")
        daemon.kill()
        if n == 1:
            away.come()
        again(daemon, web)
    web.ready()
    harness.poll("all is read", lambda: rig.db.execute(
        "SELECT sum(offered) FROM ringtally.queue_interval").fetchone()[0]
        and view(web, "posted")["spool_records"] == 0)
    told = re.search(r"(\d+) records of the spool: the spool was full",
                     daemon.stderr())
    gaps, lost, records = rig.db.execute(
        "SELECT gaps, lost_bytes, records FROM ringtally.feed").fetchone()
    assert (gaps, lost) == (1, shown["lost_bytes"])
    # each start may have left a mark among those that were dropped
    assert records + int(told.group(1)) in range(4000, 4004)


def test_spool_without_a_feed(rig, web, away):
    """A feed that gets another name, transport or folder leaves behind what
    was acknowledged: that is said, and it is counted when it comes back."""
    log = Calls().body()
    folder = os.path.join(rig.directory, "spool")
    daemon = start(rig, [http_feed()], web)
    is_open(web, "posted")
    assert post(web, log).status == 200
    assert daemon.stop() == 0
    assert daemon.said("database: there was nothing to commit")
    assert daemon.said("wait in its spool to be counted")
    assert not daemon.said("all is committed")
    away.come()
    left = "the spool %s/posted holds %d records that were taken in and not " \
        "counted" % (folder, len(log.splitlines()))

    def configured(**config):
        daemon.config.update(config)
        daemon.write_config()

    def said(n):
        return daemon.stderr().count(left) == n

    def loaded():
        harness.poll("all is loaded", lambda: web.ask(
            "/api/v1/feeds").json["database"]["state"] == "ready")

    harness.append(rig.log, b"")
    for n, feed in enumerate([{**http_feed(), "name": "other"},
                              {**rig.feed(), "name": "posted"}]):
        configured(feeds=[feed])
        again(daemon, web)
        loaded()
        assert said(n + 1)
        assert daemon.stop() == 0
    configured(spool_folder=folder + "2")
    again(daemon, web)
    assert said(2)
    for n, where in enumerate((folder, folder + "2")):
        configured(spool_folder=where)
        daemon.signal(signal.SIGHUP)
        harness.poll("it has begun anew", lambda: said(3 + n) and
                     daemon.stderr().count("configuration reloaded\n") == n + 1)
    loaded()
    assert daemon.stop() == 0
    assert counted(rig) == {}
    configured(feeds=[http_feed()], spool_folder=folder)
    again(daemon, web)
    wait_counted(rig, 1)
    rig.assert_exact(log)
    assert said(4) and not daemon.said("data may be lost")
    # the same feed with another format
    assert daemon.stop() == 0
    away.go()
    again(daemon, web)
    is_open(web, "posted")
    assert post(web, log.replace(b"|", b"|2", 1)).status == 200
    daemon.kill()
    away.come()
    configured(feeds=[{**http_feed(), "format": "ringtally-json"}])
    again(daemon, web)
    harness.poll("it says so", lambda: daemon.said(
        "2 records of its spool came in when it had another format: they are "
        "read as ringtally-json"))


def test_second_daemon_with_the_same_spool(rig, web, away):
    """The lock keeps it away while no database can; it does not give up."""
    calls = Calls()
    first = start(rig, [http_feed()], web)
    is_open(web, "posted")
    log = calls.body()
    assert post(web, log).status == 200
    other = web_.Web()
    rig.closing.callback(other.close)
    second = start(rig, [http_feed()], other)
    harness.poll("it says why not",
                 lambda: second.said("is in use by another daemon"))
    assert view(other, "posted")["state"] == "closed"
    assert "in use by another" in view(other, "posted")["why"]
    answer = post(other, calls.body())      # "later", and not "never"
    assert answer.status == 503 and answer.headers["Retry-After"]
    assert post(other, calls.body(), "/ingest/nobody").status == 404
    first.kill()
    is_open(other, "posted")
    log += (more := calls.body())
    assert post(other, more).status == 200
    away.come()
    wait_counted(rig, 2)
    rig.assert_exact(log)
    assert second.is_alive()


def test_who_stands_by_counts_nothing_twice(rig, web, away, server):
    """Two daemons, each with a spool of its own, begin without a database and
    hear the same switch. The one that does not become the writer leaves what
    it heard to the other, but keeps what was posted to it alone."""
    calls = Calls()
    webs = [web, web_.Web()]
    rig.closing.callback(webs[1].close)
    daemons = []
    for n, own in enumerate(webs):
        daemons.append(start(
            rig, [ami_feed(rig, server), {**http_feed(), "switch": "cdr"}],
            own, spool="spool%d" % n))
        is_open(own, "ami")
    harness.poll("both have the picture",
                 lambda: sum(c.has_picture for c in server.clients) == 2)
    for client in list(server.clients):
        client.send(ami_server.answered("a", "sales", START) +
                    ami_server.abandoned("b", "sales", START + 1))
    for own in webs:
        kept(own, "ami", 8)
    bodies = [calls.body(), calls.body()]
    assert [post(own, body).status
            for own, body in zip(webs, bodies)] == [200, 200]
    away.come()
    wait_figures(rig, "sales", 2, 1, 1, 0)
    harness.poll("one of them stands by", lambda: any(
        d.said("standing by") for d in daemons))
    waits = [bool(d.said("standing by")) for d in daemons].index(True)
    writer, idle = daemons[1 - waits], webs[waits]
    harness.poll("it takes nothing in", lambda: post(
        idle, calls.body()).status == 503)
    assert daemons[waits].said("are left to the other one")
    assert writer.stop() == 0
    harness.poll("the other goes on",
                 lambda: idle.ask("/readyz").status == 200,
                 timeout=harness.PATIENCE * 2)
    harness.poll("what was posted to it is counted",
                 lambda: sum(counted(rig).values()) == 4)
    assert figures_of(rig, "sales") == (2, 1, 1, 0)
    assert set(counted(rig).values()) == {1}
    harness.poll("it has logged in", server.has_picture)
    server.send(ami_server.answered("c", "sales", START + 60))
    wait_figures(rig, "sales", 3, 2, 1, 0)
