# SPDX-License-Identifier: BSD-2-Clause
"""The daemon as it follows a growing log: how long a line takes to its
committed row, and what memory the calls take that are in flight."""
import bisect
import random
import select
import threading
import time

import database
import harness
import measure

RATE = 200      # lines a second
SECONDS = 20
QUEUES = 100
OPEN_FEW = 1000
OPEN_MANY = 100000
STEP = 5000     # calls that arrive between two flushes
NOW = 1795400000

# Tells every commit of the feed's position, at the moment of the commit.
TELL = """
CREATE FUNCTION bench_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('committed', NEW.file_offset::text);
  RETURN NULL;
END $$;
CREATE TRIGGER bench_tell AFTER INSERT OR UPDATE ON ringtally.feed
  FOR EACH ROW EXECUTE FUNCTION bench_tell()"""


# -- latency --------------------------------------------------------------

class Feed:
    """Appends lines at random moments, and knows when each was written."""

    def __init__(self, path, lines):
        self.path, self.lines = path, lines
        self.ends, self.times = [], []      # of each line: offset, moment
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        rng, end = random.Random(1), 0
        due = time.monotonic()
        with open(self.path, "ab", buffering=0) as file:
            for line in self.lines:
                due += rng.expovariate(RATE)
                time.sleep(max(0, due - time.monotonic()))
                file.write(line)
                end += len(line)
                self.times.append(time.monotonic())
                self.ends.append(end)


def listen(connection, commits, stop):
    """Notes (offset, moment) of each commit that is told."""
    while not stop.is_set():
        if select.select([connection.socket], [], [], 0.2)[0]:
            connection.consume_input()
            now = time.monotonic()
            while (told := connection.notifies()) is not None:
                commits.append((int(told.extra), now))


def latencies(bench, lines, flush_s):
    with database.place(bench) as rig:
        rig.db.execute(TELL)
        rig.db.execute("LISTEN committed")
        daemon = rig.follower(flush_s=flush_s, keep_visits_days=36500)
        harness.append(rig.log, b"")
        daemon.start(wait="READY=1")
        commits, stop = [], threading.Event()
        ear = threading.Thread(target=listen, daemon=True,
                               args=(rig.db.pgconn, commits, stop))
        ear.start()
        feed = Feed(rig.log, lines)
        feed.thread.join()
        harness.poll("the last line is committed", lambda: commits and
                     commits[-1][0] >= feed.ends[-1])
        stop.set()
        ear.join()
        daemon.stop()
    offsets = [offset for offset, _ in commits]
    return [commits[bisect.bisect_left(offsets, end)][1] - written
            for end, written in zip(feed.ends, feed.times)]


def bench_latency(bench):
    report = bench.report
    report.title("a written line to its committed row: %d lines/s, each at a "
                 "random moment" % RATE)
    lines = bench.some(RATE * SECONDS)
    for flush_s, limit in ((1.0, 1.2), (0.1, None)):
        measure.log("following at flush_s = %g" % flush_s)
        found = latencies(bench, lines, flush_s)
        report.figure("flush_s = %g, p50 of %d lines" % (flush_s, len(found)),
                      measure.percentile(found, 50), "s", "%.3f")
        p99 = measure.percentile(found, 99)
        if limit:
            report.budget("flush_s = %g, p99" % flush_s, p99, "s", limit,
                          form="%.3f")
        else:
            report.figure("flush_s = %g, p99" % flush_s, p99, "s", "%.3f")


# -- memory ---------------------------------------------------------------

def arrivals(first, count):
    """Calls that arrive, of which every other one is answered at once, as
    they follow each other in a large centre."""
    made = []
    for i in range(first, first + count):
        at, call = NOW + i // 500, "%d.%d" % (NOW + i // 500, i)
        queue = "queue-%d" % (i % QUEUES)
        made.append("%d|%s|%s|NONE|ENTERQUEUE||0114496%04d|1\n" % (
            at, call, queue, i % 10000))
        if i % 2:
            made.append("%d|%s|%s|Agent %d|CONNECT|0|%s|1\n" % (
                at, call, queue, i % 1500, call))
    return "".join(made).encode()


def rss_with(rig, daemon, first, upto):
    """Resident KiB when so many calls are open and committed. They arrive in
    portions, as no centre's calls arrive all at once."""
    for at in range(first, upto, STEP):
        harness.append(rig.log, arrivals(at, min(STEP, upto - at)))
        rig.settle(timeout=120)
    return daemon.rss_kib()


def open_calls(rig):
    return rig.db.execute("SELECT count(*) FROM ringtally.open_visit "
                          "WHERE ended_at IS NULL").fetchone()[0]


def memory_open(bench):
    report = bench.report
    with database.place(bench) as rig:
        daemon = rig.follower(flush_s=0.5, keep_visits_days=36500)
        daemon.start(wait="READY=1")
        few = rss_with(rig, daemon, 0, OPEN_FEW)
        report.budget("%d queues, %d open calls" % (QUEUES, OPEN_FEW),
                      few / 1024, "MiB", 24, form="%.1f")
        many = rss_with(rig, daemon, OPEN_FEW, OPEN_FEW + OPEN_MANY)
        if open_calls(rig) != OPEN_FEW + OPEN_MANY:
            raise RuntimeError("%d calls are open" % open_calls(rig))
        daemon.stop()
    report.budget("each of %d further open calls" % OPEN_MANY,
                  (many - few) * 1024 / OPEN_MANY, "bytes", 400, form="%.0f")


def memory_length(bench):
    """After a part of the log that is longer than the ten days for which
    callers are known again, and after all of it."""
    report = bench.report
    lines = bench.lines * 3 // 5, bench.lines
    with database.place(bench) as rig, open(bench.log, "rb") as source:
        daemon = rig.follower(flush_s=1.0, keep_visits_days=36500)
        found, done = [], 0
        daemon.start(wait="READY=1")
        for upto in lines:
            with open(rig.log, "ab") as target:
                for _, line in zip(range(upto - done), source):
                    target.write(line)
            done = upto
            rig.settle(timeout=300)
            found.append(daemon.rss_kib() / 1024)
        daemon.stop()
    report.figure("following a log, after %d lines" % lines[0], found[0],
                  "MiB", "%.1f")
    report.budget("  grown after %d lines" % lines[1], found[1] - found[0],
                  "MiB", 1, form="%.1f")


def bench_memory(bench):
    bench.report.title("resident memory of ringtallyd, visits kept")
    memory_open(bench)
    memory_length(bench)
