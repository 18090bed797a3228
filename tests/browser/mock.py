# SPDX-License-Identifier: BSD-2-Clause
"""A stand-in for the daemon: serves www/ and answers /api/v1 from documents
that a test sets. To look at the page by hand:

	python3 tests/browser/mock.py 8085 [QUEUES]
"""
import copy
import datetime
import http.server
import json
import os
import sys
import threading
import time
import urllib.parse

import mock_contacts

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
CHART = "/usr/share/javascript/chart.js/chart.min.js"
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; "
          "img-src 'self'; connect-src 'self'")
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript",
         ".css": "text/css", ".svg": "image/svg+xml"}
UTC = datetime.timezone.utc
NOON = datetime.datetime(2026, 11, 20, 14, 32, 7, tzinfo=UTC)
COUNCIL = (
    # service, queue, offered, % in time, waiting, longest wait, agents
    ("Council Tax", "ctax", 612, 78.4, 7, 192, (1, 9, 2, 3)),
    ("Council Tax", "benefits", 388, 83.1, 2, 31, (2, 5, 1, 1)),
    ("Housing", "housing", 471, 86.9, 1, 9, (3, 6, 1, 0)),
    ("Housing", "repairs", 264, 91.3, 0, None, (4, 3, 0, 1)),
    ("Environment", "waste", 298, 80.9, 3, 64, (0, 5, 1, 1)),
    ("Environment", "planning", 143, 88.8, 0, None, (2, 1, 0, 0)),
    ("Registrars", "registrars", 96, 94.8, 0, None, (2, 0, 0, 0)),
    (None, "switchboard", 265, 89.4, 1, 4, (2, 4, 0, 1)),
    ("Adult Social Care", "adult-social-care", 187, 74.2, 4, 118,
     (0, 4, 2, 2)),
    ("Parking", "parking", 154, 85.7, 0, None, (1, 2, 0, 0)),
    ("Electoral", "electoral", 0, None, 0, None, (2, 0, 0, 0)),
    ("Libraries", "libraries", 61, 96.7, 0, None, (1, 0, 1, 0)),
)


def iso(when):
    return when.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def block(offered, pct, since, abandoned=None):
    """A block of figures: those that the page looks at, and some more."""
    if abandoned is None:
        abandoned = round(offered * 0.004 * (100 - (pct or 100)))
    share = pct if offered else None
    return {
        "since": iso(since), "complete": True, "offered": offered,
        "answered": offered - abandoned, "abandoned": abandoned,
        "sl_15_offered_pct": None if share is None else share - 3,
        "sl_20_offered_pct": share, "asa_s": 11.2 if offered else None,
        "abandoned_pct": round(100 * abandoned / offered, 1)
        if offered else None,
        **mock_contacts.INFERRED,
    }


def status_of(pct, target):
    if target is None or pct is None:
        return None
    return ("green" if pct >= target["pct"] else
            "amber" if pct >= target["amber_pct"] else "red")


def to_target(offered, pct, target):
    """The smallest n with (A + n) / (P + n) >= target."""
    if target is None:
        return None
    n, met = 0, round(offered * (pct or 0) / 100)
    while offered and (met + n) * 100 < (offered + n) * target["pct"]:
        n += 1
    return n


def queue(service, name, offered, pct, waiting, longest, agents,
          now=NOON, switch="pbx1"):
    target = service and {"within_s": 20, "pct": 85.0, "amber_pct": 80.0}
    midnight = now.replace(hour=0, minute=0, second=0)
    free, talking, wrap, paused = agents
    item = {
        "switch": switch, "queue": name, "service": service,
        "waiting": waiting, "longest_wait_s": longest, "talking": talking,
        "agents": {"logged_in": sum(agents), "free": free,
                   "talking": talking, "wrapping_up": wrap,
                   "paused": paused,
                   "paused_by_reason": {"Lunch": paused} if paused else {}},
        "target": target, "status": status_of(pct, target),
        "calls_to_target": to_target(offered, pct, target),
        "today": block(offered, pct, midnight),
        "last_15m": block(offered // 30, pct and min(100.0, pct + 4.2), now),
        "last_60m": block(offered // 8, pct and pct - 1.7, now),
    }
    if target:
        item["today"]["target_pct"] = item["today"]["sl_20_offered_pct"]
    return item


def council(n=len(COUNCIL)):
    """n queues of a council; beyond its dozen, more like them."""
    rows = []
    for i in range(n):
        service, name, *rest = COUNCIL[i % len(COUNCIL)]
        again = i // len(COUNCIL)
        rows.append(queue(service, name if not again else
                          "%s-%d" % (name, again + 1), *rest))
    return rows


def added(items, **names):
    """The sum of several queues: a service, or all."""
    waits = [q["longest_wait_s"] for q in items
             if q["longest_wait_s"] is not None]
    offered = sum(q["today"]["offered"] for q in items)
    met = sum(q["today"]["offered"] *
              (q["today"]["sl_20_offered_pct"] or 0) for q in items)
    pct = round(met / offered, 1) if offered else None
    agents = {key: sum(q["agents"][key] for q in items)
              for key in ("logged_in", "free", "talking", "wrapping_up",
                          "paused")}
    agents["paused_by_reason"] = {"Lunch": agents["paused"]}
    for q in items:
        agents["paused_by_reason"].update(
            (reason, n) for reason, n in
            q["agents"]["paused_by_reason"].items() if reason != "Lunch")
    return {
        **names, "waiting": sum(q["waiting"] for q in items),
        "longest_wait_s": max(waits, default=None),
        "talking": agents["talking"], "agents": agents,
        "today": {**block(offered, pct, NOON.replace(hour=0)),
                  "target_pct": pct} if names else
        block(offered, pct, NOON.replace(hour=0)),
        "last_15m": block(offered // 30, pct, NOON),
        "last_60m": block(offered // 8, pct, NOON),
    }


def services(queues):
    groups = {}
    for q in queues:
        groups.setdefault(q["service"], []).append(q)
    for name, items in groups.items():
        item = added(items, service=name, queues=[
            {"switch": q["switch"], "queue": q["queue"]} for q in items])
        target = items[0]["target"]
        pct = item["today"]["target_pct"]
        yield {**item, "target": target, "status": status_of(pct, target),
               "calls_to_target": to_target(item["today"]["offered"], pct,
                                            target)}


def day(now=NOON):
    """A day by quarter-hour: quiet until eight, busy at ten."""
    midnight = now.replace(hour=0, minute=0, second=0)
    found = []
    for i in range((now.hour * 60 + now.minute) // 15 + 1):
        hour = i / 4
        offered = 0 if hour < 8 else round(
            110 / (1 + (hour - 10.25) ** 2 / 9)) - i % 3 * 6
        pct = None if not offered else round(
            96 - offered * 0.17 - (9 if 10 <= hour < 11 else 0) +
            i * 7 % 5, 1)
        start = midnight + datetime.timedelta(minutes=15 * i)
        found.append({"starts_at": iso(start), **block(offered, pct, start)})
    return found


def callbacks(now=NOON):
    for i, (name, back, wait, through) in enumerate((
            ("ctax", 2, 187, None), ("adult-social-care", 6, 301, None),
            ("waste", 11, 64, None), ("ctax", 14, 122, 5),
            ("housing", 23, 48, None), ("benefits", 31, 95, 12),
            ("ctax", 38, 210, None), ("parking", 52, 77, None),
            ("ctax", 66, 143, 41), ("adult-social-care", 75, 260, None))):
        ago = now - datetime.timedelta(minutes=back)
        yield {"switch": "pbx1", "queue": name, "service": None,
               "call_id": "c%d" % i, "ended_at": iso(ago), "wait_s": wait,
               "through_at": through and iso(
                   now - datetime.timedelta(minutes=through))}


FORMULAS = [
    {"name": "sl_T_offered_pct", "unit": "%",
     "formula": "answered_T / offered",
     "help": "Service level: abandons count against."},
    {"name": "abandoned_pct", "unit": "%", "formula": "abandoned / offered",
     "help": "callers who hung up while they waited"},
    {"name": "inferred_repeat_pct", "unit": "%",
     "formula": "repeated / caller_known",
     "help": "callers who rang the same service again"},
]


class Mock:
    """queues, feeds, database, calls, contacts and intervals are a test's to
    set; then push() sends them. silent: connections stay open and nothing comes."""

    def __init__(self, queues=None, port=0):
        self.queues = council() if queues is None else queues
        self.feeds = [{"feed": "pbx1-queues", "state": "following",
                       "stale": False, "last_event_at": iso(NOON),
                       "silence_s": 2}]
        self.database = {"state": "ready", "lag_s": 0.4}
        self.calls = list(callbacks())
        self.intervals = day()
        self.interval_s = 900
        self.contacts = mock_contacts.document()
        self.streams_contacts = True
        self.total_without = ()
        self.complete = True
        self.refuses = None     # status and detail, of the stream
        self.now = NOON
        self.silent = False
        self.pace_s = 1.0
        self.asked = []
        self.clients = 0
        self.number = 0
        self.changed = threading.Condition()
        self.port = port
        self.server = None

    def start(self):
        mock = self

        class Handler(Answer):
            pass

        Handler.mock = mock
        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.port = self.server.server_address[1]
        self.stopping = False
        threading.Thread(target=self.server.serve_forever, daemon=True,
                         kwargs={"poll_interval": 0.05}).start()
        return self

    def stop(self):
        """As a daemon that ends: its connections with it."""
        self.stopping = True
        self.push()
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self):
        return "http://127.0.0.1:%d/" % self.port

    def push(self):
        with self.changed:
            self.number += 1
            self.changed.notify_all()

    def snapshot(self, query):
        shown = [q for q in self.queues
                 if ("queue" not in query or q["queue"] in query["queue"]) and
                 ("service" not in query or q["service"] in query["service"])]
        total = added(shown)
        total["today"]["complete"] = self.complete
        for name in self.total_without:
            del total["today"][name]
        return {"time": iso(self.now), "site": "halton", "version": "0.2",
                "timezone": "Europe/London", "queues": shown,
                "services": list(services(shown)), "total": total,
                "callbacks_version": hash(json.dumps(self.calls)) % (1 << 50),
                "feeds": self.feeds, "database": self.database}

    def answer(self, what, query):
        documents = {
            "queues": lambda: self.snapshot(query),
            "calls": lambda: {"time": iso(self.now), "calls": [],
                              "callbacks": self.calls,
                              "callbacks_left_out": 0},
            "intervals": lambda: {"interval_s": self.interval_s,
                                  "intervals": self.intervals},
            "formulas": lambda: {"formulas": FORMULAS},
            "contacts": lambda: self.contacts,
        }
        return documents[what]() if what in documents else None


class Answer(http.server.BaseHTTPRequestHandler):
    mock = None
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        self.mock.asked.append(self.path)
        if url.path == "/api/v1/stream" and self.mock.refuses:
            status, detail = self.mock.refuses
            self.give(status, json.dumps({"detail": detail}).encode(),
                      "application/problem+json")
        elif url.path == "/api/v1/stream":
            self.stream(query)
        elif url.path.startswith("/api/v1/"):
            document = self.mock.answer(url.path[len("/api/v1/"):], query)
            self.give(404 if document is None else 200,
                      json.dumps(document).encode(), "application/json")
        else:
            self.asset(url.path)

    def asset(self, path):
        path = "/index.html" if path == "/" else path
        file = CHART if path == "/chart.js" else \
            os.path.join(TOP, "www", os.path.basename(path))
        try:
            with open(file, "rb") as f:
                body = f.read()
        except OSError:
            return self.give(404, b"", "text/plain")
        return self.give(200, body, TYPES[os.path.splitext(path)[1]])

    def head(self, status, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")

    def give(self, status, body, kind):
        self.head(status, kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, query):
        mock = self.mock
        self.head(200, "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        mock.clients += 1
        sent = None
        try:
            while not mock.stopping:
                if not mock.silent:
                    self.event("snapshot", mock.snapshot(query))
                    if mock.streams_contacts and sent != mock.contacts:
                        self.event("contacts", mock.contacts)
                        sent = copy.deepcopy(mock.contacts)
                with mock.changed:
                    mock.changed.wait(mock.pace_s)
        except OSError:
            pass
        finally:
            mock.clients -= 1
            self.close_connection = True

    def event(self, name, document):
        self.wfile.write(b"event: %s\ndata: %s\n\n" % (
            name.encode(), json.dumps(document).encode()))
        self.wfile.flush()


def main(argv):
    mock = Mock(council(int(argv[2])) if len(argv) > 2 else None,
                int(argv[1]) if len(argv) > 1 else 8085).start()
    print(mock.url)
    while True:
        time.sleep(1)
        mock.now += datetime.timedelta(seconds=1)
        for q in mock.queues:
            if q["longest_wait_s"] is not None:
                q["longest_wait_s"] += 1


if __name__ == "__main__":
    main(sys.argv)
