# SPDX-License-Identifier: BSD-2-Clause
"""The live pages: how long a written line takes into the JSON, what many
clients of the stream cost, and what many queues do."""
import contextlib
import http.client
import json
import subprocess
import sys
import threading
import time

import database
import harness
import measure
import web as web_

RATE = 10000        # lines a second
PROBES = 300        # lines whose way is timed
QUEUES = 100
CLIENTS = 500
PLAIN = 50          # clients that take nothing compressed
SECONDS = 15
MANY_QUEUES = 5000

# Reads all that comes, in a process of its own: (port, clients, encoding).
READERS = """
import selectors, socket, sys
port, clients, encoding = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
chosen = selectors.DefaultSelector()
for _ in range(clients):
    s = socket.create_connection(("127.0.0.1", port))
    s.sendall(("GET /api/v1/stream HTTP/1.1\\r\\nHost: localhost\\r\\n"
               "Accept-Encoding: %s\\r\\n\\r\\n" % encoding).encode())
    s.setblocking(False)
    chosen.register(s, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in chosen.select():
        if not key.fileobj.recv(1 << 20):
            sys.exit("cut")
"""


@contextlib.contextmanager
def served(bench, **settings):
    """A daemon with live pages, and a log that is still empty."""
    web = web_.Web()
    with database.place(bench) as rig, contextlib.closing(web):
        harness.append(rig.log, b"")
        config = rig.config(
            feeds=[rig.feed()], live=web.live(), max_queues=10000,
            database={"flush_s": 1.0, "keep_visits_days": 36500, **settings})
        daemon = rig.daemon(config).start(wait="READY=1")
        web.wait()
        rig.wait_begun()
        yield rig, daemon, web
        daemon.stop()


def calls(first, count, queues=QUEUES):
    """Lines of calls that are answered after a while, in order."""
    now, lines = int(time.time()), []
    for i in range(first, first + count):
        queue = "queue-%04d" % (i % queues)
        lines.append("%d|b.%d|%s|NONE|ENTERQUEUE||0114496%04d|1\n" % (
            now, i, queue, i % 10000))
        lines.append("%d|b.%d|%s|Agent %d|CONNECT|0|b.%d|1\n" % (
            now, i, queue, i % 300, i))
        lines.append("%d|b.%d|%s|Agent %d|COMPLETECALLER|0|0|1\n" % (
            now, i, queue, i % 300))
    return "".join(lines).encode()


class Feed:
    """Writes so many lines a second until it is stopped."""
    STEP_S = 0.01

    def __init__(self, path, rate):
        self.path, self.rate = path, rate
        self.stopping = False
        self.lines = 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        began = time.monotonic()
        with open(self.path, "ab", buffering=0) as file:
            while not self.stopping:
                due = int((time.monotonic() - began) * self.rate) - self.lines
                if due >= 3:
                    file.write(calls(self.lines // 3, due // 3))
                    self.lines += due // 3 * 3
                time.sleep(self.STEP_S)

    def stop(self):
        self.stopping = True
        self.thread.join()


def time_probes(rig, web):
    """Each with a queue of its own that is asked for again and again."""
    found = []
    connection = http.client.HTTPConnection("127.0.0.1", web.port)
    for n in range(PROBES):
        line = "%d|probe.%d|probe|NONE|ENTERQUEUE||01|1\n" % (time.time(), n)
        harness.append(rig.log, line.encode())
        written = time.monotonic()
        while True:
            connection.request("GET", "/api/v1/queues?queue=probe")
            queues = json.loads(connection.getresponse().read())["queues"]
            now = time.monotonic()
            if queues and queues[0]["waiting"] > n:
                break
            if now - written > 10:
                raise RuntimeError("the line does not arrive")
        found.append((now - written) * 1000)
        time.sleep(0.02)
    connection.close()
    return found


def live_latency(bench):
    report = bench.report
    with served(bench) as (rig, _, web):
        feed = Feed(rig.log, RATE)
        try:
            time.sleep(2)
            began, before = time.monotonic(), feed.lines
            found = time_probes(rig, web)
            rate = (feed.lines - before) / (time.monotonic() - began)
        finally:
            feed.stop()
    report.figure("lines written meanwhile", rate, "lines/s", "%.0f")
    report.figure("a line to the JSON, p50 of %d" % len(found),
                  measure.percentile(found, 50), "ms", "%.1f")
    report.budget("a line to the JSON, p99", measure.percentile(found, 99),
                  "ms", 20, form="%.1f")


def stream_cost(rig, daemon, web, clients, encoding):
    """Share of a core, in %."""
    readers = subprocess.Popen(
        [sys.executable, "-c", READERS, str(web.port), str(clients),
         encoding], stdout=subprocess.PIPE)
    feed = Feed(rig.log, 100)
    try:
        readers.stdout.readline()
        time.sleep(2)
        began, cpu = time.monotonic(), daemon.cpu_s()
        time.sleep(SECONDS)
        share = (daemon.cpu_s() - cpu) / (time.monotonic() - began) * 100
        if readers.poll() is not None:
            raise RuntimeError("the readers ended")
    finally:
        feed.stop()
        readers.kill()
        readers.wait()
        readers.stdout.close()
    return share


def live_streams(bench):
    report = bench.report
    web_.many_files(4096)
    with served(bench) as (rig, daemon, web):
        harness.append(rig.log, calls(10 ** 6, 20000))
        rig.settle(timeout=120)
        event = web_.Stream(web).next()
        if len(event["data"]["queues"]) != QUEUES:
            raise RuntimeError("%d queues" % len(event["data"]["queues"]))
        report.figure("a snapshot of %d queues" % QUEUES,
                      len(json.dumps(event["data"])) / 1024, "KiB", "%.0f")
        report.budget("%d clients of the stream, as browsers are" % CLIENTS,
                      stream_cost(rig, daemon, web, CLIENTS, "gzip"),
                      "% of a core", 25, form="%.1f")
        report.figure("%d that take nothing compressed" % PLAIN, stream_cost(
            rig, daemon, web, PLAIN, "identity"), "% of a core", "%.1f")


class Pinger:
    """Asks for /healthz again and again: what it waits for the longest is
    how long the loop was busy with something else. A process of its own."""
    CODE = """
import http.client, sys, time
connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
longest = 0
print("ready", flush=True)
until = time.monotonic() + float(sys.argv[2])
while time.monotonic() < until:
    began = time.monotonic()
    connection.request("GET", "/healthz")
    connection.getresponse().read()
    longest = max(longest, time.monotonic() - began)
print(longest * 1000)
"""

    def __init__(self, web, seconds):
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.CODE, str(web.port), str(seconds)],
            stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def longest_ms(self):
        return float(self.process.communicate()[0])


def time_metrics(bench, web):
    """(ms, bytes, ms of the slowest small request meanwhile); the machine's
    own noise is in all of them, so the best of some."""
    taken, longest = [], []
    for _ in range(bench.runs):
        pinger = Pinger(web, 1)
        began = time.monotonic()
        answer = web.ask("/metrics")
        taken.append((time.monotonic() - began) * 1000)
        longest.append(pinger.longest_ms())
    return min(taken), len(answer.raw), min(longest)


def live_many(bench):
    report = bench.report
    with served(bench) as (rig, daemon, web):
        harness.append(rig.log, calls(0, 4 * MANY_QUEUES, MANY_QUEUES))
        rig.settle(timeout=120)
        found, cpu = [], daemon.cpu_s()
        for _ in range(bench.runs):
            began = time.monotonic()
            answer = web.ask("/api/v1/queues")
            found.append((time.monotonic() - began) * 1000)
        if len(answer.json["queues"]) != MANY_QUEUES:
            raise RuntimeError("%d queues" % len(answer.json["queues"]))
        report.figure("%d queues, %.1f MiB: the first document" % (
            MANY_QUEUES, len(answer.raw) / 2 ** 20), found[0], "ms", "%.0f")
        report.figure("  the same again, best", min(found), "ms", "%.0f")
        report.figure("  processor time of each",
                      (daemon.cpu_s() - cpu) / bench.runs * 1000, "ms",
                      "%.0f")
        taken, size, longest = time_metrics(bench, web)
        report.figure("  /metrics, %.1f MiB, best" % (size / 2 ** 20), taken,
                      "ms", "%.0f")
        report.figure("    the slowest /healthz meanwhile, best", longest,
                      "ms", "%.1f")


def bench_live(bench):
    bench.report.title("live pages, under %d lines/s" % RATE)
    live_latency(bench)
    live_streams(bench)
    live_many(bench)
