# SPDX-License-Identifier: BSD-2-Clause
"""The live pages over HTTP: every answer against the OpenAPI file and against
SQL over the same calls; who may ask; and clients that mean no good, while a
log is being written that must be counted to the last line."""
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import time

import pytest

import figures
import harness
import loggen
import web as web_
from web import get, is_closed, read_all, statuses

DOCUMENTS = ("queues", "services", "agents", "calls", "feeds", "intervals",
             "formulas", "contacts")
SERVICES = [{"name": "Council Tax", "queues": ["ctax"],
             "target": {"within_s": 20, "pct": 85.0, "amber_pct": 80.0}},
            {"name": "<b>All & else</b>", "queues": ["*us*", "5*"]}]
MARKUP = "<img src=x onerror=alert(1)>\"'&"
FIRST_S, NEXT_S = 10, 60        # the deadlines of http_inner.h


@pytest.fixture
def web():
    web = web_.Web()
    yield web
    web.close()


def recent_log(seconds=3000, seed=1, **options):
    now = int(time.time())
    centre = loggen.CallCentre(seed, start=now - seconds, end=now - 20,
                               rate=0.5, **options)
    # calls that go on behind the end would be in the future
    return b"".join(line for line in centre.lines()
                    if int(line.split(b"|", 1)[0]) <= now - 20)


def start(rig, web, live=None, **more):
    daemon = rig.daemon(rig.config(live=web.live(**(live or {})), **more))
    daemon.start("-v", wait="READY=1")
    web.wait()
    return daemon


# -- what is answered -----------------------------------------------------

class OpenApi:
    def __init__(self):
        jsonschema = pytest.importorskip(
            "jsonschema", reason="python3-jsonschema is not installed")
        with open(os.path.join(web_.WWW, "openapi.json")) as f:
            self.doc = json.load(f)
        self.make = jsonschema.Draft202012Validator

    def check(self, schema, value):
        validator = self.make({**schema,
                               "components": self.doc["components"]})
        wrong = ["%s: %s" % (list(e.absolute_path), e.message[:300])
                 for e in validator.iter_errors(value)]
        assert not wrong, "\n".join(wrong[:10])

    def answer(self, path, answer):
        responses = self.doc["paths"][path]["get"]["responses"]
        content = responses[str(answer.status)]["content"]
        kind = answer.headers["Content-Type"].split(";")[0]
        assert kind in content, "%s is not said to answer %s" % (path, kind)
        if "json" in kind:
            self.check(content[kind]["schema"], answer.json)


def test_every_answer_is_as_described(rig, web):
    log = recent_log()
    log += ("%d|markup.1|%s|NONE|ENTERQUEUE||01|1\n" % (
        time.time() - 15, MARKUP)).encode()
    harness.append(rig.log, log)
    start(rig, web, services=SERVICES)
    rig.settle()
    api = OpenApi()
    asked = set()
    for path in api.doc["paths"]:
        if path.endswith("/stream") or "get" not in api.doc["paths"][path]:
            continue        # see test_ingest
        answer = web.ask(path)
        assert answer.status == 200, (path, answer.text)
        api.answer(path, answer)
        asked.add(path.rsplit("/", 1)[1])
    assert asked >= set(DOCUMENTS) | {"metrics", "healthz", "readyz"}
    for path in ("queues?x=1", "stream?queue=%ff", "calls?queue"):
        answer = web.ask("/api/v1/" + path)
        assert answer.status == 400
        api.answer("/api/v1/" + path.split("?")[0], answer)
    snapshot = web_.Stream(web).next()
    api.check({"$ref": "#/components/schemas/Snapshot"}, snapshot["data"])
    found = {q["queue"] for q in web.ask("/api/v1/queues").json["queues"]}
    assert MARKUP in found and "<" not in web.ask("/api/v1/queues").text


def compare(row, block, skip=()):
    """How many figures the two have in common, all the same."""
    n = 0
    for name, value in block.items():
        if name not in row or name in skip:
            continue
        want = None if row[name] is None else float(row[name])
        assert value == want, "%s: SQL says %s, JSON %s" % (name, want, value)
        n += 1
    return n


def test_figures_are_those_of_sql(rig, web):
    harness.append(rig.log, recent_log(seed=2))
    start(rig, web, services=SERVICES)
    rig.settle()
    document = web.ask("/api/v1/queues").json
    assert len(document["queues"]) == 6
    for queue in document["queues"]:
        since = queue["today"]["since"]
        found = figures.rows(
            rig.db, "SELECT * FROM ringtally.service_level_day WHERE site = "
            "'test' AND queue = %s AND day = (%s::timestamptz AT TIME ZONE "
            "'Europe/London')::date", queue["queue"], since)
        row = found[0] if found else {}
        if queue["today"]["offered"]:
            assert compare(row, queue["today"]) > 25
            assert row["service"] == queue["service"]
        intervals = web.ask("/api/v1/intervals?queue=" +
                            queue["queue"].replace("&", "%26")
                            .replace(" ", "+").replace("é", "%C3%A9")
                            ).json["intervals"]
        for interval in intervals:
            row = figures.rows(
                rig.db, "SELECT * FROM ringtally.service_level WHERE site = "
                "'test' AND queue = %s AND starts_at = %s", queue["queue"],
                interval["starts_at"])
            if interval["offered"]:
                assert compare(row[0], interval, {"starts_at"}) > 25
            else:
                assert not row or row[0]["offered"] == 0
        assert sum(i["offered"] for i in intervals) == \
            queue["today"]["offered"]
    last = sum(q["last_60m"]["offered"] for q in document["queues"])
    assert last == document["total"]["last_60m"]["offered"] > 500


def test_filters(rig, web):
    harness.append(rig.log, recent_log(seed=3))
    start(rig, web, services=SERVICES)
    rig.settle()

    def queues(query):
        return {q["queue"] for q in
                web.ask("/api/v1/queues?" + query).json["queues"]}
    assert queues("queue=ctax&queue=500") == {"ctax", "500"}
    assert queues("queue=waste+%26%20recycling") == {"waste & recycling"}
    assert queues("service=Council%20Tax") == {"ctax"}
    assert queues("queue=500&service=Council%20Tax") == set()
    assert queues("switch=other") == set()
    calls = web.ask("/api/v1/calls?queue=ctax").json["calls"]
    assert {c["queue"] for c in calls} <= {"ctax"}
    event = web_.Stream(web, "?queue=housing").next()
    assert [q["queue"] for q in event["data"]["queues"]] == ["housing"]


def test_caching_and_compression(rig, web):
    harness.append(rig.log, recent_log(seed=4))
    start(rig, web)
    rig.settle()
    for path, cached in (("/api/v1/formulas", True),
                         ("/api/v1/openapi.json", True),
                         ("/api/v1/queues", False)):
        plain = web.ask(path)
        assert "Content-Encoding" not in plain.headers
        assert plain.headers["Vary"] == "Accept-Encoding"
        small = web.ask(path, headers={"Accept-Encoding": "br, gzip;q=0.8"})
        assert small.headers["Content-Encoding"] == "gzip"
        assert len(small.raw) < len(plain.raw) / 3
        assert int(small.headers["Content-Length"]) == len(small.raw)
        none = web.ask(path, headers={"Accept-Encoding": "gzip;q=0, br"})
        assert "Content-Encoding" not in none.headers
        head = web.ask(path, "HEAD")
        assert head.status == 200 and head.raw == b""
        if not cached:
            continue
        assert small.body == plain.body
        assert int(head.headers["Content-Length"]) == len(plain.raw)
        tag = plain.headers["ETag"]
        assert small.headers["ETag"] == tag
        for tags in (tag, '"other", ' + tag, "*"):
            again = web.ask(path, headers={"If-None-Match": tags})
            assert again.status == 304 and again.raw == b""
            assert again.headers["ETag"] == tag
        assert web.ask(path, headers={"If-None-Match": '"x"'}).status == 200


def test_every_answer_is_guarded(rig, web):
    harness.append(rig.log, b"")
    start(rig, web)
    for path, method in (("/healthz", "GET"), ("/api/v1/queues", "GET"),
                         ("/nowhere", "GET"), ("/metrics", "HEAD"),
                         ("/api/v1/openapi.json", "GET"), ("/", "POST"),
                         ("/api/v1/queues?x=1", "GET")):
        headers = web.ask(path, method,
                          headers={"Origin": "http://evil"}).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert not [h for h in headers if h.startswith("Access-Control")]


def test_paths_and_methods(rig, web):
    harness.append(rig.log, b"")
    start(rig, web)
    for path in ("/nowhere", "/../etc/passwd", "/%2e%2e/etc/passwd",
                 "/openapi.json", "/api/v1/", "/api/v1/snapshot", "/api/v2",
                 "//etc/passwd", "/api/v1/queues/", "/API/v1/queues",
                 "/api/v1/queues%00", "/index.html"):
        assert web.ask(path).status in (400, 404), path
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = web.ask("/api/v1/queues", method)
        assert answer.status == 405 and answer.headers["Allow"] == "GET, HEAD"
    assert web.ask("/api/v1/events").status == 404
    # nobody is configured to take them
    assert web.ask("/api/v1/contacts", "POST").status == 404


# -- who may ask ----------------------------------------------------------

def test_token(rig, web):
    path = os.path.join(rig.directory, "tokens")
    with open(path, "w") as f:
        f.write("# of the wall\n0123456789abcdef\nthe-next-one-0001\n")
    os.chmod(path, 0o640)
    harness.append(rig.log, b"")
    web.listen = "*:%d" % web.port
    daemon = start(rig, web, live={"token_file": path})
    for good in ("0123456789abcdef", "the-next-one-0001"):
        for headers in ({"Authorization": "Bearer " + good},
                        {"Cookie": "a=b; ringtally_token=" + good}):
            for to in ("/api/v1/queues", "/metrics", "/readyz"):
                assert web.ask(to, headers=headers).status != 401
    for headers in ({}, {"Authorization": "Bearer 0123456789abcdeg"},
                    {"Authorization": "Bearer "}, {"Authorization": "x"},
                    {"Authorization": "Basic 0123456789abcdef"}):
        for to in ("/api/v1/queues", "/api/v1/stream", "/metrics", "/readyz"):
            answer = web.ask(to, headers=headers)
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert answer.json["status"] == 401
        assert web.ask("/healthz", headers=headers).status == 200
    assert "0123456789" not in daemon.stderr()


def test_a_reload_reads_the_tokens_again(rig, web):
    """A token that is no more opens nothing, nor keeps a stream open."""
    old, new = ({"Authorization": "Bearer " + token}
                for token in ("0123456789abcdef", "fedcba9876543210"))
    path = os.path.join(rig.directory, "tokens")

    def write(token):
        with open(path, "w") as f:
            f.write(token["Authorization"].split()[1] + "\n")
        os.chmod(path, 0o600)

    def status(token):
        return web.ask("/api/v1/queues", headers=token).status
    write(old)
    harness.append(rig.log, b"")
    daemon = start(rig, web, live={"token_file": path})
    stream = web_.Stream(web, headers=old)
    stream.next()
    daemon.signal(1)
    harness.poll("it has reloaded", lambda: "reloaded" in daemon.stderr())
    stream.next()       # the same tokens: it goes on
    assert status(old) == 200 and status(new) == 401
    write(new)
    daemon.signal(1)
    harness.poll("the new one counts", lambda: status(new) == 200)
    assert status(old) == 401
    with pytest.raises((EOFError, OSError, http.client.HTTPException)):
        for _ in range(10):
            stream.next()


def test_others_need_a_token(rig, web):
    """-t says so, and so does the daemon; a file that others may read is
    refused at the start, and by a reload that changes nothing then."""
    harness.append(rig.log, b"")
    web.listen = "*:%d" % web.port
    daemon = rig.daemon(rig.config(live=web.live()))
    assert daemon.start("-t").wait() == 3
    assert "live.token_file is needed" in daemon.stderr()
    path = os.path.join(rig.directory, "tokens")
    with open(path, "w") as f:
        f.write("0123456789abcdef\n")
    os.chmod(path, 0o644)
    daemon.config["live"]["token_file"] = path
    daemon.write_config()
    assert daemon.start().wait() == 1
    assert "chmod 640" in daemon.stderr()
    os.chmod(path, 0o600)
    daemon.start(wait="READY=1")
    web.wait()
    os.chmod(path, 0o644)
    daemon.config["live"]["max_clients"] = 50
    daemon.write_config()
    daemon.signal(1)
    harness.poll("it says no", lambda: "as it was" in daemon.stderr())
    assert web.ask("/metrics", headers={
        "Authorization": "Bearer 0123456789abcdef"}).status == 200


def test_host(rig, web):
    harness.append(rig.log, b"")
    daemon = start(rig, web)

    def status(host):
        return web.ask("/api/v1/queues", headers={"Host": host}).status
    for host in ("localhost", "127.0.0.1:%d" % web.port, "[::1]:80"):
        assert status(host) == 200
    assert status("wall.example") == status("localhost.evil") == 403
    daemon.config["live"]["hosts"] = ["wall.example"]
    daemon.write_config()
    daemon.signal(1)
    harness.poll("the name is taken", lambda: status("wall.example") == 200)
    assert status("evil.example") == 403
    for head in (get("/healthz", host=None),
                 get("/healthz", "Host: evil"),
                 get("http://evil/healthz", "Connection: close"),
                 get("http://localhost/healthz", "Connection: close")):
        assert statuses(read_all(web.raw(head))) == [400]


def test_unix_socket(rig, web):
    path = os.path.join(rig.directory, "http")
    web.listen = "unix:" + path

    def ask():
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(path)
            s.sendall(get("/healthz", "Connection: close", host="any.name"))
            return statuses(read_all(s))
    harness.append(rig.log, b"")
    daemon = rig.daemon(rig.config(live=web.live()))
    daemon.start(wait="READY=1")
    harness.poll("the socket is there", lambda: os.path.exists(path))
    assert os.stat(path).st_mode & 0o777 == 0o660
    assert ask() == [200]
    other = rig.daemon(rig.config(live=web.live(), feeds=[
        rig.feed(switch="other", path=rig.log + "-b")]))
    other.start(wait="READY=1")
    harness.poll("it says who is there",
                 lambda: "another daemon runs" in other.stderr())
    assert other.stop() == 0
    assert ask() == [200]
    daemon.kill()
    assert os.path.exists(path)
    daemon.start(wait="READY=1")
    harness.poll("it takes what the killed one left", ask)
    assert daemon.stop() == 0
    assert not os.path.exists(path)


def test_an_address_in_use(rig, web):
    """Calls are counted all the same, and the pages come when they can."""
    log = recent_log(600)
    harness.append(rig.log, log)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", web.port))
        taken.listen(1)
        daemon = rig.daemon(rig.config(live=web.live()))
        daemon.start(wait="READY=1")
        rig.settle()
        assert "Address already in use" in daemon.stderr()
    web.wait()
    rig.assert_exact(log)


# -- the stream -----------------------------------------------------------

@pytest.mark.parametrize("encoding", ("identity", "gzip"))
def test_stream(rig, web, encoding):
    log = recent_log(1500, seed=5)
    harness.append(rig.log, log)
    start(rig, web)
    rig.settle()
    stream = web_.Stream(web, headers={"Accept-Encoding": encoding})
    assert stream.response.headers["Content-Type"] == "text/event-stream"
    assert stream.response.headers["Cache-Control"] == "no-store"
    assert (stream.unpack is not None) == (encoding == "gzip")
    first = stream.next()
    assert stream.retry == 2000
    arrived = time.monotonic()
    harness.append(rig.log, b"%d|now.1|ctax|NONE|ENTERQUEUE||01|1\n" %
                   time.time())
    ids, offered = [int(first["id"])], 0
    for _ in range(3):
        event = stream.next()
        assert event["event"] == "snapshot"
        ids.append(int(event["id"]))
        total = event["data"]["total"]["last_15m"]["offered"]
        offered = offered or total > \
            first["data"]["total"]["last_15m"]["offered"]
    assert offered and ids == sorted(set(ids))
    assert 1.5 < time.monotonic() - arrived < 8
    # one that joins gets the whole picture at once
    began = time.monotonic()
    web_.Stream(web, headers={"Accept-Encoding": encoding}).next()
    assert time.monotonic() - began < 0.9


def test_a_screen_for_each_of_many_teams(rig, web):
    """Each with a filter of its own; small pictures are not counted."""
    start(rig, web)
    teams = [web.raw(get("/api/v1/stream?queue=team-%d" % i))
             for i in range(80)]
    assert all(statuses(s.recv(4096)) == [200] for s in teams)


def test_streams_end_with_the_daemon(rig, web):
    harness.append(rig.log, recent_log(600))
    daemon = start(rig, web)
    streams = [web_.Stream(web) for _ in range(20)]
    for stream in streams:
        stream.next()
    assert web.ask("/metrics").text.count("ringtally_http_streams 20") == 1
    for stream in streams[:10]:
        stream.connection.close()
        stream.response.close()
    harness.poll("their leaving is noticed", lambda:
                 "ringtally_http_streams 10\n" in web.ask("/metrics").text)
    assert daemon.stop() == 0
    for stream in streams[10:]:
        with pytest.raises((EOFError, OSError, http.client.HTTPException)):
            while True:
                stream.next()


def test_a_stream_that_is_not_read(rig, web):
    """It is told what it missed; it is cut when it never reads; the others
    and the log never wait for it."""
    log = recent_log(3000, seed=6, queues=60)
    writer = rig.writer(log, burst=(1, 20), pause=0.05).start()
    daemon = start(rig, web)
    rig.wait_begun()
    size = socket.SO_RCVBUF
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, size, 4096)
    dead = socket.socket()
    dead.setsockopt(socket.SOL_SOCKET, size, 4096)
    for s in (slow, dead):
        web.open.enter_context(s)
        s.connect(("127.0.0.1", web.port))
        s.sendall(get("/api/v1/stream"))
    reader = web_.Stream(web)
    missed = 0

    def metric(name):
        for line in web.ask("/metrics").text.splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise AssertionError("no metric " + name)
    while missed < 6:
        before = time.monotonic()
        reader.next()
        assert time.monotonic() - before < 3
        missed = metric("ringtally_http_snapshots_missed_total")
    slow.settimeout(10)
    seen = b""
    while b"event: missed" not in seen:
        part = slow.recv(1 << 20)
        assert part, "it was cut, and reads"
        seen += part
    rest = seen[seen.index(b"event: missed"):]
    while rest.count(b"\n") < 2:
        rest += slow.recv(65536)
    assert json.loads(rest.split(b"data: ")[1].split(b"\n")[0])[
        "snapshots"] >= 1
    harness.poll("the dead one is cut", lambda: metric(
        "ringtally_http_streams_dropped_total") == 1, timeout=90, step=0.5)
    reader.next()
    writer.finish()
    rig.settle()
    rig.assert_exact(log)
    assert daemon.rss_kib() < 60000


# -- metrics and health ---------------------------------------------------

def test_a_target_brings_its_threshold(rig, web):
    """In each block and interval: the wallboard shows the last quarter of an
    hour and the chart by the target's own seconds."""
    harness.append(rig.log, recent_log(seed=11))
    target = {"within_s": 33, "pct": 85.0}
    daemon = start(rig, web, services=[
        {"name": "All", "queues": ["*"], "target": target}])
    rig.settle()
    name = "sl_33_offered_pct"
    answer = web.ask("/api/v1/queues").json
    for queue in answer["queues"]:
        assert queue["today"][name] == queue["today"]["target_pct"]
        assert name in queue["last_15m"] and name in queue["last_60m"]
    assert answer["total"]["last_60m"][name] is not None
    assert all(name in i for i in web.ask(
        "/api/v1/intervals").json["intervals"])
    target["within_s"] = 41
    daemon.write_config()
    daemon.signal(1)
    harness.poll("it has another", lambda: "sl_41_offered_pct" in web.ask(
        "/api/v1/queues").json["total"]["today"])
    assert name not in web.ask("/api/v1/queues").json["total"]["today"]


def promtool():
    found = os.environ.get("PROMTOOL") or shutil.which("promtool")
    if not found:
        pytest.skip("no promtool: install prometheus, or set PROMTOOL")
    return found


def test_promtool_takes_the_metrics(rig, web):
    tool = promtool()
    log = recent_log(seed=7)
    log += ("%d|markup.1|%s\\|NONE|ENTERQUEUE||01|1\n" % (
        time.time() - 15, MARKUP)).encode()
    harness.append(rig.log, log)
    start(rig, web, services=SERVICES, thresholds_s=[7, 20, 25])
    rig.settle()
    answer = web.ask("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0")
    done = subprocess.run([tool, "check", "metrics"], input=answer.body,
                          capture_output=True)
    assert done.returncode == 0 and not done.stderr, done.stderr


def samples(text):
    """{name{labels}: value}, and the lines that begin with #."""
    lines = text.splitlines()
    return ({line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
             for line in lines if not line.startswith("#")},
            [line for line in lines if line.startswith("#")])


def test_openmetrics(rig, web):
    log = recent_log(seed=8)
    writer = rig.writer(log, burst=(1, 40), pause=0.01).start()
    start(rig, web, thresholds_s=[7, 20, 25])
    rig.wait_begun()

    def scrape():
        answer = web.ask("/metrics", headers={
            "Accept": "application/openmetrics-text;version=1.0.0,*/*;q=0.1"})
        assert answer.headers["Content-Type"].startswith(
            "application/openmetrics-text; version=1.0.0")
        assert answer.text.endswith("\n# EOF\n")
        return samples(answer.text)
    before, _ = scrape()
    while not writer.done:
        now, comments = scrape()
        for name, value in before.items():
            if "_total" in name or "_bucket" in name or "_count" in name:
                assert now[name] >= value, name
        before = now
    writer.finish()
    rig.settle()
    now, comments = scrape()
    families = [c.split()[2] for c in comments if c.startswith("# TYPE ")]
    assert len(families) == len(set(families))
    assert len([c for c in comments if c.startswith("# HELP ")]) == \
        len(families)
    for comment in comments:
        if comment.startswith("# UNIT "):
            assert comment.split()[2].endswith("_" + comment.split()[3])
    found, = rig.db.execute(
        "SELECT sum(offered), sum(answered), sum(talk_ms) / 1000.0 FROM "
        "ringtally.queue_interval")
    assert [sum(v for k, v in now.items() if k.startswith(name + "{"))
            for name in ("ringtally_visits_offered_total",
                         "ringtally_visits_answered_total",
                         "ringtally_talk_seconds_total")] == \
        [pytest.approx(float(f)) for f in found]
    for (queue, n), le in zip(rig.db.execute(
            "SELECT queue, sum(ringtally.answered_within(wait_answered_hist,"
            " 25)) FROM ringtally.queue_interval GROUP BY 1"), "x" * 6):
        name = ('ringtally_wait_seconds_bucket{switch="pbx",queue="%s",'
                'service="",outcome="answered",le="25.0"}' % queue)
        assert now[name] == n
        assert now[name.replace('"25.0"', '"+Inf"')] == \
            now[name.replace("_bucket", "_count").replace(',le="25.0"', "")]


OPENMETRICS = "Accept: application/openmetrics-text"
MANY_QUEUES = 3000


def many_queues(first=0):
    """A call for each, answered when it had waited for 4 s."""
    now = int(time.time()) - 60
    return "".join(
        "%d|m.%d|m%d|NONE|ENTERQUEUE||01|1\n"
        "%d|m.%d|m%d|Agent 1|CONNECT|4|x|1\n"
        "%d|m.%d|m%d|Agent 1|COMPLETECALLER|4|1|1\n" % (
            now, first + i, i, now + 4, first + i, i, now + 5, first + i, i)
        for i in range(MANY_QUEUES)).encode()


def check_histograms(text, bound):
    """Buckets, count and sum of each queue agree, and bound is a bucket; how
    many calls were answered in all."""
    now, comments = samples(text)
    types = [c.split()[2] for c in comments if c.startswith("# TYPE ")]
    assert len(types) == len(set(types))
    total = 0
    for i in range(MANY_QUEUES):
        labels = ('{switch="pbx",queue="m%d",service="",outcome="answered"'
                  % i)
        count = now["ringtally_wait_seconds_count" + labels + "}"]
        assert now["ringtally_wait_seconds_sum" + labels + "}"] == 4 * count
        for le in ("5.0", bound, "+Inf"):
            assert now["ringtally_wait_seconds_bucket" + labels +
                       ',le="%s"}' % le] == count
        total += count
    return total


def test_metrics_of_many_queues(rig, web):
    """Scraped by several at once, in both forms, while lines come, while some
    who asked go away, and over a reload."""
    harness.append(rig.log, many_queues())
    daemon = start(rig, web, max_queues=10000, thresholds_s=[7, 20])
    rig.settle(timeout=60)
    for way in ("lines", "reload"):
        gone = [web.raw(get("/metrics", *headers)) for headers in
                ((), (OPENMETRICS,), ()) * 3]
        stay = [web.raw(get("/metrics", "Connection: close", *headers))
                for headers in ((OPENMETRICS,), ()) * 2]
        if way == "lines":
            harness.append(rig.log, many_queues(MANY_QUEUES))
        else:
            daemon.config["thresholds_s"] = [9, 20]
            daemon.write_config()
            daemon.signal(1)
        for s in gone:
            s.close()
        for i, s in enumerate(stay):
            head, _, body = read_all(s, 60).partition(b"\r\n\r\n")
            length = re.search(rb"Content-Length: (\d+)", head)
            assert head.startswith(b"HTTP/1.1 200 ")
            assert int(length.group(1)) == len(body)
            text = body.decode()
            assert text.endswith("\n# EOF\n") == (i % 2 == 0)
            new = way == "reload" and 'le="9.0"' in text
            assert ('le="7.0"' in text) != new
            check_histograms(text, "9.0" if new else "7.0")
        rig.settle(timeout=60)
    harness.poll("the reload is done",
                 lambda: 'le="9.0"' in web.ask("/metrics").text)
    text = web.ask("/metrics").text
    assert check_histograms(text, "9.0") == 2 * MANY_QUEUES
    harness.poll("nobody is left", lambda: samples(web.ask(
        "/metrics").text)[0]["ringtally_http_connections"] == 1)
    # one who goes away with nobody behind; and the end comes in between
    web.raw(get("/metrics")).close()
    assert web.ask("/healthz").status == 200
    web.raw(get("/metrics"))
    assert daemon.stop() == 0
    assert "BUG" not in daemon.stderr()


def test_ready_says_what_is_not(own_rig, web):
    rig = own_rig
    log = recent_log(600)
    harness.append(rig.log, log)
    start(rig, web)
    web.ready()
    rig.server.stop()
    harness.append(rig.log, b"%d|later.1|ctax|NONE|ENTERQUEUE||01|1\n" %
                   time.time())
    harness.poll("it is noticed",
                 lambda: web.ask("/readyz").status == 503)
    answer = web.ask("/readyz").json
    assert not answer["ready"] and not answer["database"]["ok"]
    assert answer["database"]["text"]
    assert web.ask("/healthz").status == 200
    before = web.ask("/api/v1/queues").json["total"]["last_15m"]["offered"]
    harness.append(rig.log, b"%d|later.2|ctax|NONE|ENTERQUEUE||01|1\n" %
                   time.time())
    harness.poll("it counts on", lambda: web.ask(
        "/api/v1/queues").json["total"]["last_15m"]["offered"] > before)
    rig.server.start()
    web.ready()
    os.rename(rig.log, rig.log + ".away")


def test_ready_says_which_log_can_not_be_read(rig, web):
    """One that may not be read from the start; then one that took its place,
    as after logrotate's `create 0600 root root`."""
    wrap = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
            "--") if os.geteuid() == 0 else ()
    for folder in (rig.directory, rig.logs):
        os.chmod(folder, 0o777)
    log = loggen.make_log(200, seed=31)
    half = log.index(b"\n", len(log) // 2) + 1
    says = rig.log + ": Permission denied"
    harness.append(rig.log, log[:half])
    os.chmod(rig.log, 0)
    daemon = rig.daemon(rig.config(live=web.live()))
    os.chmod(daemon.conf_path, 0o644)
    daemon.start(wrap=wrap, wait="READY=1")
    web.wait()

    def is_stuck():
        feed, = web.ask("/readyz").json["feeds"]
        return feed == {"feed": "log", "ok": False, "state": "waiting",
                        "why": says, "clock_skew_s": None}

    def row():
        return rig.db.execute("SELECT connected, status, file_no "
                              "FROM ringtally.feed").fetchall()

    harness.poll("it says what it waits for", is_stuck)
    harness.poll("the database has it", lambda: row() == [(False, says, 0)])
    harness.poll("systemd is told", lambda: daemon.notify.has(
        "STATUS=feeds: 1 (1 can not go on: log: %s), queues" % says))
    os.chmod(rig.log, 0o644)
    web.ready()
    rig.settle()
    os.rename(rig.log, rig.log + ".1")
    with open(os.open(rig.log, os.O_CREAT | os.O_WRONLY, 0), "wb") as f:
        f.write(log[half:])
    harness.poll("the same of the next one", is_stuck)
    harness.poll("here, too", lambda: row() == [(False, says, 1)])
    shown = subprocess.run(
        [harness.binary("ringtally"), "feeds", "-c", daemon.conf_path],
        capture_output=True, text=True, check=True).stdout
    assert says in shown, shown
    assert daemon.stderr().count(says) == 2
    os.chmod(rig.log, 0o644)
    web.ready()
    rig.settle()
    rig.assert_exact(log)
    assert row() == [(True, None, 2)]
    # nobody is to be troubled by what is in order
    assert web.ask("/api/v1/feeds").json["feeds"][0]["status"] is None


# -- those who mean no good -----------------------------------------------

@pytest.fixture
def under_load(rig, web):
    """A log is written meanwhile; at the end all of it has been counted, and
    the daemon answers still."""
    log = recent_log(3000, seed=9)
    writer = rig.writer(log, burst=(1, 15), pause=0.02)
    daemon = start(rig, web)
    writer.start()
    yield daemon
    assert web.ask("/api/v1/queues").status == 200
    writer.finish()
    rig.settle()
    rig.assert_exact(log)
    assert daemon.rss_kib() < 60000
    assert daemon.stop() == 0
    assert "BUG" not in daemon.stderr()


def test_dripping_clients(under_load, web):
    """One byte a second, in the request line, the headers or a body: each is
    cut when its time is up, however busy it seems."""
    began = time.monotonic()
    body = get("/", "Content-Length: 1000", method="POST")
    clients = [(web.raw(), data) for data in (
        b"GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        get("/healthz")[:-2] + b"X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    clients += [(web.raw(body), b"a" * 60)]
    silent = web.raw()
    alive, n = list(clients), 0
    while alive and time.monotonic() - began < FIRST_S + 10:
        for client in list(alive):
            s, data = client
            try:
                if n < 20:
                    s.sendall(data[:40] if n == 0 else data[40 + n:41 + n])
                if is_closed(s, 0.05):
                    alive.remove(client)
            except OSError:
                alive.remove(client)
        n += 1
        time.sleep(0.8)
    took = time.monotonic() - began
    assert not alive, "%d live on" % len(alive)
    assert took > FIRST_S - 1
    assert is_closed(silent, 5)


def test_large_requests(under_load, web):
    for data, want in (
            (get("/" + "a" * 9000), 400),
            (get("/healthz", "X: " + "a" * 9000), 400),
            (get("/healthz", *["X-%d: a" % i for i in range(2000)]), 400),
            (get("/healthz", "Content-Length: 100000000", method="POST"),
             413),
            (get("/healthz", "Content-Length: 5") + b"aaaaa", 400),
            (get("/healthz", "Transfer-Encoding: chunked") +
             b"5\r\naaaaa\r\n0\r\n\r\n", 400)):
        found = statuses(read_all(web.raw(data)))
        assert found[:1] == [want], (data[:60], found)
    endless = web.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
    sent = 0
    with pytest.raises(OSError):
        while sent < 100 << 20:
            sent += endless.send(b"X: " + b"a" * 60000)
    assert sent < 20 << 20


def test_refused_by_the_library(under_load, web):
    """What never reaches us is refused in the words of all other errors."""
    for data, want in (
            (get("/" + "a" * 9000), 400), (b"\r\n\r\nGET\r\n\r\n", 400),
            (get("/healthz", "Content-Length: 100000000", method="POST"), 413),
            (get("/healthz", "Expect: the unexpected", "Content-Length: 5",
                 method="POST") + b"aaaaa", 417),
            (get("/", method="BREW"), 501)):
        answer = read_all(web.raw(data))
        head, body = answer.rsplit(b"\r\n\r\n", 1)
        head = head.decode()
        problem = json.loads(body)
        assert problem["status"] == want, (data[:60], answer)
        assert set(problem) == {"status", "title", "detail"}
        lines = head.split("\r\n")
        assert lines[0] == "HTTP/1.1 %d %s" % (want, problem["title"])
        assert "Content-Type: application/problem+json" in lines
        assert "X-Content-Type-Options: nosniff" in lines
        assert "Content-Length: %d" % len(body) in lines
        assert b"<html" not in answer.lower()


def test_what_is_no_http(under_load, web):
    for data in (b"\r\n\r\n\r\n\r\n", b"\0" * 500, b"\xff" * 500 + b"\r\n",
                 b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                 b"GET /healthz\r\n\r\n", b"get /healthz HTTP/1.1\r\n\r\n",
                 b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20,
                 b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                 get("*", method="OPTIONS"), get("/", method="CONNECT"),
                 get("/", method="BREW"), get("/", method="TRACE"),
                 get("/healthz", "Content-Length: -1", method="POST"),
                 get("/healthz", "Content-Length: 1", "Content-Length: 2",
                     method="POST"),
                 get("/healthz", "Content-Length: 5",
                     "Transfer-Encoding: chunked", method="POST"),
                 get("/healthz", ": no name"), get("/healthz", "no colon")):
        s = web.raw(data)
        s.shutdown(socket.SHUT_WR)
        found = statuses(read_all(s))
        assert not [f for f in found if f < 400], (data[:60], found)


def test_injection(under_load, web):
    """What a client writes comes back in no header, page or log line."""
    evil = "/x%0d%0aSet-Cookie:%20evil=1<script>alert(1)</script>"
    answer = read_all(web.raw(get(evil, "Connection: close")))
    assert statuses(answer) == [404]
    assert b"evil=1" not in answer and b"<script>" not in answer
    answer = read_all(web.raw(get("/api/v1/queues?queue=" + evil[2:],
                                  "Connection: close")))
    assert b"Set-Cookie" not in answer
    answer = read_all(web.raw(get("/healthz", "Connection: close",
                                  "X-Evil: a\rSet-Cookie: evil=1")))
    assert b"Set-Cookie" not in answer
    assert "evil" not in under_load.stderr()


def test_half_closed(under_load, web):
    """Who closes his half behind the request gets the whole answer."""
    for path in ("/api/v1/formulas", "/api/v1/queues", "/metrics"):
        s = web.raw(get(path, "Connection: close"))
        s.shutdown(socket.SHUT_WR)
        answer = read_all(s)
        assert statuses(answer) == [200]
        head, body = answer.split(b"\r\n\r\n", 1)
        assert b"Content-Length: %d\r\n" % len(body) in head
    s = web.raw(get("/api/v1/stream"))
    s.shutdown(socket.SHUT_WR)
    seen = b""
    while seen.count(b"event: snapshot") < 3:
        seen += s.recv(65536)


def test_pipelining(under_load, web):
    s = web.raw(get("/healthz") * 50 + get("/nowhere") +
                get("/healthz", "Connection: close"))
    assert statuses(read_all(s)) == [200] * 50 + [404, 200]
    # and none is read ahead of without bounds while a stream is sent
    s = web.raw(get("/api/v1/stream"))
    s.setblocking(False)
    sent, until = 0, time.monotonic() + 3
    while time.monotonic() < until:
        try:
            sent += s.send(get("/healthz") * 1000)
            s.recv(1 << 20)
        except BlockingIOError:
            time.sleep(0.01)
    assert sent < 32 << 20


def test_two_thousand_connections(under_load, web):
    """Half of them idle, half in the middle of a request. Whoever comes with
    a whole request is answered, all the while."""
    if web_.many_files(2300) < 2300:
        pytest.skip("2,300 files can not be open here (ulimit -Hn)")
    crowd, slowest = [], 0
    for n in range(2000):
        crowd.append(web.raw(b"GET /heal" if n % 2 else b""))
        if n % 100 == 99:
            began = time.monotonic()
            assert web.ask("/api/v1/queues").status == 200
            slowest = max(slowest, time.monotonic() - began)
    assert slowest < 2
    assert under_load.fds() < 1300
    harness.poll("their time is up", lambda: under_load.fds() < 100,
                 timeout=FIRST_S + 20, step=0.5)


def test_as_many_streams_as_there_are_places(under_load, web):
    """Others still get in."""
    web_.many_files(1500)
    crowd = [web.raw(get("/api/v1/stream", "Accept-Encoding: gzip"))
             for _ in range(950)]
    found = [statuses(s.recv(4096)) for s in crowd]
    assert found.count([200]) == 900 and found.count([503]) == 50
    assert web.ask("/healthz").status == 200
    assert web.ask("/api/v1/queues").status == 200


def test_answers_that_are_not_taken(under_load, web):
    """Requests without end, and no answer is ever read."""
    clients = []
    for _ in range(50):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        web.open.enter_context(s)
        s.connect(("127.0.0.1", web.port))
        s.setblocking(False)
        clients.append(s)
    until = time.monotonic() + 5
    while time.monotonic() < until:
        for s in clients:
            try:
                s.send(get("/metrics") * 20)
            except OSError:
                pass
        time.sleep(0.02)
    assert web.ask("/api/v1/queues").status == 200
    assert under_load.rss_kib() < 60000


def test_long_answers_that_are_not_taken(rig, web):
    """Each another one: what waits in memory is bounded for all of them."""
    web_.many_files(1000)
    now = int(time.time())
    harness.append(rig.log, b"".join(
        b"%d|c%d|queue%05d|NONE|ENTERQUEUE||0123|1\n" % (now - 100, n, n)
        for n in range(2000)))
    daemon = start(rig, web)
    rig.settle()
    size = len(web.ask("/api/v1/queues").body)
    clients = []
    for n in range(50):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        web.open.enter_context(s)
        s.connect(("127.0.0.1", web.port))
        s.sendall(get("/api/v1/queues?switch=pbx&switch=k%d" % n))
        clients.append(s)
    # who takes it gets all of it, after all the others
    last = web.ask("/api/v1/queues?switch=pbx&switch=last")
    assert len(last.body) > size * 0.9
    assert size * len(clients) > 200 << 20
    assert daemon.rss_kib() < 160 << 10
    cut = metric_of(web, "ringtally_http_connections_cut_total")
    assert cut > 0
    # and no more than has to be: the others' come to nearly what may wait
    assert (len(clients) + 1 - cut) * size > 48 << 20
    assert "the slowest is cut" in daemon.stderr()


def metric_of(web, name):
    line, = [line for line in web.ask("/metrics").text.splitlines()
             if line.startswith(name + " ")]
    return float(line.split()[1])
