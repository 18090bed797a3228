# SPDX-License-Identifier: BSD-2-Clause
"""What is posted to /ingest/NAME: an answer of 2xx is kept, whatever happens
to the daemon, and every other one says what to do."""
import contextlib
import http.client
import itertools
import os
import signal
import socket
import ssl
import struct
import threading
import time

import pytest

import figures
import harness
import web as web_
from test_crash import faulty       # noqa: F401, a fixture
from test_control import Control
from test_http import OpenApi
from web import read_all, statuses

PATH = "/ingest/posted"
TOKEN = "0123456789abcdef"


@pytest.fixture
def web():
    web = web_.Web()
    yield web
    web.close()


def feed(**more):
    return {"name": "posted", "switch": "pbx", "transport": "http",
            "format": "asterisk-queue-log", **more}


def start(rig, web, live=None, feeds=None, daemon=None, **more):
    """more: options of the feed"""
    daemon = daemon or rig.daemon(rig.config(
        spool_folder=os.path.join(rig.directory, "spool"),
        live=web.live(**(live or {})), feeds=feeds or [feed(**more)]))
    daemon.start("-v", wait="READY=1")
    web.wait()
    harness.poll("the feed is open",
                 lambda: web.ask(PATH).status == 405)
    return daemon


class Calls:
    """Makes calls of one line end to the other, each with an id of its own."""

    def __init__(self):
        self.number = itertools.count(1)
        self.at = int(time.time()) - 100

    def body(self):
        n = next(self.number)
        return (b"%d|c.%d|ctax|NONE|ENTERQUEUE||01%d|1\n"
                b"%d|c.%d|ctax|NONE|ABANDON|1|1|7\n" % (
                    self.at, n, n, self.at + 7, n))


def post(web, body, path=PATH, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
    with contextlib.closing(connection):
        connection.request("POST", path, body=body, headers={
            name.replace("_", "-"): value for name, value in headers.items()})
        return web_.Answer(connection.getresponse())


def raw_post(body, *headers, path=PATH):
    return ("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n%s"
            "\r\n" % (path, len(body), "".join(h + "\r\n" for h in headers))
            ).encode() + body


def counted(rig):
    """call id -> how often"""
    return {r["call_id"]: r["n"] for r in figures.rows(
        rig.db, "SELECT call_id, count(*) AS n FROM ringtally.visit "
        "WHERE site = 'test' GROUP BY 1")}


def wait_counted(rig, n):
    harness.poll("%d calls are counted" % n, lambda: len(counted(rig)) >= n,
                 timeout=harness.PATIENCE * 2)


# -- answers --------------------------------------------------------------

def check_answer(answer, status):
    api = OpenApi()
    assert answer.status == status, answer.text
    responses = api.doc["paths"]["/ingest/{name}"]["post"]["responses"]
    content = responses[str(status)]["content"]
    kind = answer.headers["Content-Type"].split(";")[0]
    api.check(content[kind]["schema"], answer.json)
    if status != 200:
        assert answer.json["status"] == status and answer.json["detail"]
    return answer


def test_posts_are_counted(rig, web):
    """One call a POST, many on one connection, in chunks, and one record."""
    calls = Calls()
    log = b"".join(bodies := [calls.body() for _ in range(40)])
    start(rig, web)
    harness.poll("it is ready before anybody posts",
                 lambda: web.ask("/readyz").status == 200)
    answer = check_answer(post(web, bodies[0]), 200)
    assert answer.json["detail"] == "2 records stored"
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
    with contextlib.closing(connection):
        for body in bodies[1:20]:
            connection.request("POST", PATH + "?uuid=x", body=body, headers={
                "Content-Type": "application/json"})
            assert web_.Answer(connection.getresponse()).status == 200
        connection.request("POST", PATH, body=iter(bodies[20:30]),
                           encode_chunked=True,
                           headers={"Transfer-Encoding": "chunked"})
        answer = web_.Answer(connection.getresponse())
        assert answer.json["detail"] == "20 records stored"
    # Windows' line ends, empty lines, and a last line without its end
    body = b"\n".join(bodies[30:]).replace(b"\n", b"\r\n").rstrip()
    assert post(web, body).json["detail"] == "20 records stored"
    # whose answer was lost on the way, say
    assert post(web, body).json["detail"] == "20 records stored"
    assert post(web, bodies[0]).status == 200
    wait_counted(rig, 40)
    rig.assert_exact(log)
    harness.poll("all is counted", lambda: figures.feed(
        rig.db, "posted")["records"] >= 80)
    assert figures.feed(rig.db, "posted")["rejected"] == 0
    rig.assert_exact(log)


def test_what_is_refused(rig, web):
    name = "a b/ü%"
    daemon = start(rig, web, live={"max_post_kb": 128}, feeds=[
        feed(), rig.feed(switch="another"),
        {**feed(), "name": name, "switch": "third"}])
    calls = Calls()
    good = calls.body()
    for path in ("/ingest/", "/ingest/log", "/ingest/posted/", "/ingest",
                 "/ingest/posted%00", "/ingest/nobody"):
        assert post(web, good, path).status in (400, 404), path
    check_answer(post(web, good, "/ingest/log"), 404)
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        answer = web.ask(PATH, method)
        assert answer.status == 405 and answer.headers["Allow"] == "POST"
    for body in (b"", b"\n\r\n"):
        check_answer(post(web, body), 400)
    check_answer(post(web, b"x" * 65537), 413)
    check_answer(post(web, good + b"x" * 65537 + b"\n"), 413)
    check_answer(post(web, good, Content_Encoding="gzip"), 415)
    assert post(web, b"x" * 140000).status == 413
    assert post(web, good, Host="evil.example").status == 403
    for header in (("Transfer-Encoding: chunked",), ("Content-Length: 3",),
                   ("Expect: something",)):
        found = statuses(read_all(web.raw(raw_post(
            good, "Connection: close", *header))))
        assert found and found[0] in (400, 417), header
    # not one of the records of a body that was refused
    assert post(web, good, "/ingest/a%20b%2F%C3%BC%25").status == 200
    wait_counted(rig, 1)
    assert list(counted(rig).values()) == [1]
    assert daemon.is_alive()


def test_continue(rig, web):
    """Who asks whether to send the body is told so before he does; and that a
    body is too long, as well."""
    start(rig, web)
    body = Calls().body()
    whole = raw_post(body, "Expect: 100-continue")
    s = web.raw(whole[:-len(body)])
    got = b""
    while b"\r\n\r\n" not in got:
        got += s.recv(1000)
    assert statuses(got) == [100]
    s.sendall(body)
    assert statuses(s.recv(10000)) == [200]
    s = web.raw(("POST %s HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue"
                 "\r\nContent-Length: 9000000\r\n\r\n" % PATH).encode())
    assert statuses(read_all(s)) == [413]
    wait_counted(rig, 1)


def test_pipelining_and_drips(rig, web):
    calls = Calls()
    start(rig, web)
    log = b"".join(bodies := [calls.body() for _ in range(31)])
    s = web.raw(b"".join(map(raw_post, bodies[:29])) +
                raw_post(bodies[29], "Connection: close"))
    assert statuses(read_all(s)) == [200] * 30
    s = web.raw()
    whole = raw_post(bodies[30], "Connection: close")
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for i in range(len(whole)):
        s.sendall(whole[i:i + 1])
        time.sleep(0.002)
    assert statuses(read_all(s)) == [200]
    wait_counted(rig, 31)
    rig.assert_exact(log)


def test_clients_that_go_away(rig, web):
    """Before the answer is there, in every way; others do not notice."""
    calls = Calls()
    daemon = start(rig, web, spool_sync_s=0.2)
    reset = struct.pack("ii", 1, 0)
    for i in range(60):
        body = calls.body()
        s = web.raw(raw_post(body)[:None if i % 3 else -5])
        if i % 2:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        else:
            s.shutdown(socket.SHUT_WR)
        s.close()
    kept = calls.body()
    assert post(web, kept).status == 200
    wait_counted(rig, 1)
    harness.poll("the last one is counted", lambda: "c.61" in counted(rig))
    assert set(counted(rig).values()) == {1}
    # and while the daemon ends: nobody is answered what is not so
    waiting = [web.raw(raw_post(calls.body())) for _ in range(20)]
    assert daemon.stop() == 0
    for s in waiting:
        assert set(statuses(read_all(s))) <= {200, 503}
    assert "BUG" not in daemon.stderr()


# -- who may --------------------------------------------------------------

def other_address():
    """An address of this machine that is no loopback one, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = s.getsockname()[0]
    return None if address.startswith("127.") else address


def test_who_may_post_without_a_token(rig, web):
    live = os.path.join(rig.directory, "live.tokens")
    with open(live, "w") as f:
        f.write("the-walls-own-token\n")
    os.chmod(live, 0o600)
    web.listen = "*:%d" % web.port
    daemon = start(rig, web, live={"token_file": live})
    calls = Calls()
    assert post(web, calls.body()).status == 200
    for header in ({"Origin": "http://127.0.0.1"}, {"Origin": "null"},
                   {"Sec_Fetch_Site": "cross-site"}, {"Via": "1.1 proxy"},
                   {"X_Forwarded_For": "192.0.2.1"},
                   {"Forwarded": "for=192.0.2.1"}):
        check_answer(post(web, calls.body(), **header), 403)
    address = other_address()
    if address is not None:
        with socket.create_connection((address, web.port), 30) as s:
            s.sendall(raw_post(calls.body(), "Connection: close",
                               "Authorization: Bearer the-walls-own-token"))
            assert statuses(read_all(s)) == [403]
    wait_counted(rig, 1)
    assert list(counted(rig)) == ["c.1"]
    assert daemon.said("POST from 127.0.0.1 refused (403)")


def test_tokens(rig, web):
    """Bearer, and Basic for those who know nothing else; replaced while it
    runs, and as they were where the new file is none."""
    path = os.path.join(rig.directory, "tokens")

    def write(token, mode=0o600):
        with open(path + ".new", "w") as f:
            f.write(token + "\n")
        os.chmod(path + ".new", mode)
        os.rename(path + ".new", path)
    write(TOKEN)
    daemon = start(rig, web, token_file=path)
    calls = Calls()

    def status(value):
        headers = {"Authorization": value} if value else {}
        return post(web, calls.body(), **headers).status
    assert status("Bearer " + TOKEN) == 200
    assert status("Basic Y2RyOjAxMjM0NTY3ODlhYmNkZWY=") == 200
    for wrong in (None, "Bearer ", "Bearer " + TOKEN[:-1], "Basic %%%",
                  "Basic " + "A" * 4000, "Basic Y2RyOngK", "Basic MDEyMw==",
                  "Bearer " + TOKEN + "0"):
        assert status(wrong) == 401, wrong
    answer = check_answer(post(web, calls.body()), 401)
    assert answer.headers.get_all("WWW-Authenticate")
    wait_counted(rig, 2)
    assert len(counted(rig)) == 2
    write("fedcba9876543210")
    harness.poll("the new one counts",
                 lambda: status("Bearer fedcba9876543210") == 200)
    assert status("Bearer " + TOKEN) == 401
    write(TOKEN, 0o644)
    harness.poll("it says why not", lambda: status("Bearer x") and
                 daemon.said("stay as they were"))
    assert status("Bearer fedcba9876543210") == 200
    assert status("Bearer " + TOKEN) == 401
    assert TOKEN not in daemon.stderr()


def test_files_that_are_broken_when_all_is_opened_anew(rig, web):
    """As when another daemon has been the writer for a while: with the tokens
    and the certificate that they had, and the daemon lives on and says so."""
    key = os.path.join(rig.directory, "key")
    harness.certificate(os.path.join(rig.directory, "cert"), key)
    os.chmod(key, 0o600)
    tokens, cert = (os.path.join(rig.directory, n) for n in ("tokens", "cert"))
    with open(tokens, "w") as f:
        f.write(TOKEN + "\n")
    os.chmod(tokens, 0o600)
    port = web_.free_port()
    daemon = start(rig, web, feeds=[
        feed(token_file=tokens),
        feed(name="secure", switch="pbx2", transport="tcp-listen", tls=True,
             listen="127.0.0.1:%d" % port, tls_cert_file=cert,
             tls_key_file=os.path.join(rig.directory, "key"))])
    context = ssl.create_default_context(cafile=cert)
    context.check_hostname = False
    calls = Calls()

    def say():
        with socket.create_connection(("127.0.0.1", port), 30) as s, \
                context.wrap_socket(s) as t:
            t.sendall(calls.body())
        return post(web, calls.body(), Authorization="Bearer " + TOKEN).status
    assert say() == 200
    wait_counted(rig, 2)
    for path in (tokens, cert):
        with open(path, "w") as f:
            f.write("short\n")
    take = "UPDATE ringtally.writer SET instance = 'other', holder = 'other'," \
        " seq = seq + 5, locked = false, released = %s, renewed_at = now()"
    rig.db.execute(take % "false")
    assert post(web, calls.body(), Authorization="Bearer " + TOKEN).status
    harness.poll("it stands by", lambda: daemon.said("standing by: "))
    rig.db.execute(take % "true")
    harness.poll("both are told", lambda: daemon.fail_if_gone() or (
        daemon.said("they stay as they were") and
        daemon.said("it goes on with the certificate and key that it had")))
    harness.poll("the feed is open", lambda: web.ask(PATH).status == 405)
    assert say() == 200
    harness.poll("they are counted", lambda: len(counted(rig)) >= 4)
    assert daemon.stop() == 0, daemon.stderr()
    assert daemon.start().wait() == 1    # this time it never had them


# -- what was promised ----------------------------------------------------

class Poster(threading.Thread):
    """Posts call after call on a connection of its own; a call that was not
    answered may have been stored or not, and another one is taken."""

    def __init__(self, web, calls):
        super().__init__(daemon=True)
        self.web, self.calls = web, calls
        self.stopping = threading.Event()
        self.stored, self.unknown = [], []

    def run(self):
        connection = None
        while not self.stopping.is_set():
            body = self.calls.body()
            name = body.split(b"|", 2)[1].decode()
            try:
                if connection is None:
                    connection = http.client.HTTPConnection(
                        "127.0.0.1", self.web.port, timeout=60)
                connection.request("POST", PATH, body=body)
                answer = web_.Answer(connection.getresponse())
                (self.stored if answer.status == 200 else
                 self.unknown).append(name)
            except (OSError, http.client.HTTPException):
                self.unknown.append(name)
                connection.close()
                connection = None
                self.stopping.wait(0.01)
        if connection is not None:
            connection.close()


def test_kill(rig, web):
    """kill -9, again and again: what was answered 200 is counted once."""
    calls = Calls()
    daemon = start(rig, web)
    posters = [Poster(web, calls) for _ in range(8)]
    for poster in posters:
        poster.start()

    def stored():
        return sum(len(p.stored) for p in posters)
    for _ in range(harness.quick_or_slow(5, 40)):
        before = stored()
        harness.poll("some more are stored", lambda: stored() > before + 60)
        daemon.kill()
        start(rig, web, daemon=daemon)
    for poster in posters:
        poster.stopping.set()
    for poster in posters:
        poster.join(60)
    promised = {name for p in posters for name in p.stored}
    unknown = {name for p in posters for name in p.unknown}
    assert len(promised) == stored() > 300 and unknown
    harness.poll("all that was promised is counted",
                 lambda: promised <= counted(rig).keys())
    found = counted(rig)
    assert set(found.values()) == {1}
    assert found.keys() <= promised | unknown
    assert daemon.stop() == 0
    assert counted(rig).keys() == found.keys()


@pytest.mark.parametrize("point", ["spool-segment:1", "spool-written:3",
                                   "spool-synced:3"])
def test_killed_at_fault_point(rig, web, faulty, point):  # noqa: F811
    """At the worst moments of the spool: what was answered counts once."""
    calls = Calls()
    daemon = rig.daemon(rig.config(
        spool_folder=os.path.join(rig.directory, "spool"),
        live=web.live(), feeds=[feed()]), program=faulty)
    daemon.start(env={"RINGTALLY_FAULT": point})
    promised = set()

    def killed():
        body = calls.body()
        with contextlib.suppress(OSError, http.client.HTTPException):
            if post(web, body).status == 200:
                promised.add(body.split(b"|", 2)[1].decode())
        return daemon.process.poll() is not None
    harness.poll("it was killed", killed, timeout=harness.PATIENCE * 2)
    assert daemon.wait() == -signal.SIGKILL, daemon.stderr()
    start(rig, web, daemon=daemon)
    body = calls.body()
    assert post(web, body).status == 200
    promised.add(body.split(b"|", 2)[1].decode())
    harness.poll("all that was promised is counted",
                 lambda: promised <= counted(rig).keys())
    assert set(counted(rig).values()) == {1}


def test_server_crashes_behind_a_spool(own_rig, web):
    """F10 with a spool. What was committed may be gone after a crash of the
    server: a segment whose records were read is deleted, but not before it is
    certain that they stay counted."""
    server = own_rig.server
    server.settings["wal_writer_delay"] = "10000ms"
    server.stop()
    server.start()
    own_rig.db = own_rig.closing.enter_context(
        server.connect(own_rig.database))
    calls = Calls()
    log = b""
    padding = b"%d|NONE|ctax|NONE|APPLICATION|%s\n" % (calls.at, b"x" * 8000)
    spool = os.path.join(own_rig.directory, "spool", "posted")
    start(own_rig, web, spool_max_mb=8)
    for n in range(1, harness.quick_or_slow(2, 6)):
        segment = os.path.join(spool, "%08d.spool" % n)
        while os.path.exists(segment):
            body = calls.body() + padding * 20
            assert post(web, body).status == 200
            log += body
        server.stop(signal.SIGQUIT)
        server.start()
    own_rig.db = own_rig.closing.enter_context(
        server.connect(own_rig.database))
    wait_counted(own_rig, log.count(b"ENTERQUEUE"))
    own_rig.assert_exact(log)


def test_killed_between_two_segments(rig, web, faulty):  # noqa: F811
    """A new one is begun, the old one is not yet deleted: nothing is lost,
    nothing counts twice, and the old one goes."""
    calls = Calls()
    path = os.path.join(rig.directory, "control")
    folder = os.path.join(rig.directory, "spool", "posted")
    daemon = rig.daemon(rig.config(
        spool_folder=os.path.dirname(folder), live=web.live(control=path),
        feeds=[feed()]), program=faulty)
    daemon.start("-v", wait="READY=1",
                 env={"RINGTALLY_FAULT": "spool-turned:1"})
    web.wait()
    harness.poll("it takes a call",
                 lambda: post(web, calls.body()).status == 200)
    wait_counted(rig, 1)

    def killed():
        with contextlib.suppress(OSError, ConnectionError), \
                contextlib.closing(Control(path)) as control:
            control.ask("forget " + "0f" * 16)
        return daemon.process.poll() is not None
    harness.poll("it was killed", killed)
    assert daemon.wait() == -signal.SIGKILL, daemon.stderr()
    assert sorted(f for f in os.listdir(folder) if f != "lock") == [
        "00000001.spool", "00000002.spool"]
    start(rig, web, daemon=daemon)
    harness.poll("the old one is gone", lambda: not os.path.exists(
        os.path.join(folder, "00000001.spool")))
    assert post(web, calls.body()).status == 200
    wait_counted(rig, 2)
    assert set(counted(rig).values()) == {1} and len(counted(rig)) == 2
    assert figures.rows(rig.db, "SELECT gaps FROM ringtally.feed "
                        "WHERE feed = 'posted'") == [{"gaps": 0}]


def test_full_spool(own_rig, web):
    """The database is away: what has room is stored, then nobody is promised
    anything; and when it is back, all goes on."""
    rig = own_rig
    calls = Calls()
    daemon = start(rig, web, spool_max_mb=8)
    first = calls.body()
    assert post(web, first).status == 200
    wait_counted(rig, 1)
    rig.db.close()
    rig.server.stop()
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
    n = 0
    with contextlib.closing(connection):
        for n in range(1000):
            # rejected, when it is read
            connection.request("POST", PATH, body=b"%d" % n + b"x" * 60000)
            answer = web_.Answer(connection.getresponse())
            if answer.status != 200:
                break
    assert 30 < n < 200
    check_answer(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0
    second = calls.body()
    assert post(web, second).status == 503
    rig.server.start()
    rig.db = rig.closing.enter_context(rig.server.connect(rig.database))
    harness.poll("there is room again",
                 lambda: post(web, second).status == 200, timeout=60)
    harness.poll("both are counted",
                 lambda: counted(rig) == {"c.1": 1, "c.2": 1})
    harness.poll("all is counted", lambda: figures.feed(
        rig.db, "posted")["rejected"] == n)
    assert daemon.stop() == 0


# -- the configuration ----------------------------------------------------

def test_configuration(rig, web):
    daemon = rig.daemon(rig.config(feeds=[feed()]))
    assert daemon.start("-t").wait() == 3
    assert daemon.conf_path + ":" in daemon.stderr()
    assert "needs live.listen" in daemon.stderr()
    daemon = rig.daemon(rig.config(live=web.live(), feeds=[
        feed(token_file=os.path.join(rig.directory, "none"))]))
    assert daemon.start("-t").wait() == 0
    assert daemon.start().wait() != 0
    assert "token_file" in daemon.stderr()


@pytest.mark.skipif(not harness.SLOW, reason="waits for half a minute")
def test_disk_that_does_not_sync(rig, web, shim):
    """Nobody waits for ever: he is told to send it again, and who has gone
    meanwhile is told nothing."""
    busy = os.path.join(rig.directory, "busy")
    daemon = start(rig, web, daemon=rig.daemon(
        rig.config(spool_folder=os.path.join(rig.directory, "spool"),
                   live=web.live(), feeds=[feed()]),
        env={"LD_PRELOAD": shim, "SHIM_SYNC": busy}))
    open(busy, "w").close()
    calls = Calls()
    gone = web.raw(raw_post(calls.body()))
    gone.close()
    answer = check_answer(post(web, calls.body()), 503)
    assert int(answer.headers["Retry-After"]) > 0
    os.unlink(busy)
    assert daemon.stop() == 0
    assert "BUG" not in daemon.stderr()
