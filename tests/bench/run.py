#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""make bench: what the project promises of its speed and size, each figure
beside those of its peers, measured in the same run. Sizes by environment:

BENCH_LINES   lines of the log (5000000)
BENCH_PART    of these, how many are brought into a database (1000000)
BENCH_RUNS    runs of each program, of which the best counts (5)
BENCH_ONLY    which benches, by name: tally json events ami formats once
              latency memory flush live spool ingest contacts callers
BENCH_DIR     where the log is made and kept for the next time (else it goes)
"""
import contextlib
import os
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "integration")]

import callers  # noqa: E402
import contacts  # noqa: E402
import database  # noqa: E402
import follow  # noqa: E402
import formats  # noqa: E402
import harness  # noqa: E402
import ingest  # noqa: E402
import live  # noqa: E402
import measure  # noqa: E402
import reading  # noqa: E402
import spool  # noqa: E402

LINES = int(os.environ.get("BENCH_LINES") or 5000000)
PART = min(LINES, int(os.environ.get("BENCH_PART") or 1000000))
RUNS = int(os.environ.get("BENCH_RUNS") or 5)
# A large centre: about 300,000 lines on a working day.
CENTRE = ("--queues", "100", "--agents", "1500", "--rate", "20")
LINES_PER_DAY = 220000


class Bench:
    """What all benches share."""

    def __init__(self, directory):
        self.directory = directory
        self.runs = RUNS
        self.lines = LINES
        self.part_lines = PART
        self.report = None
        self.server = None
        self.log = os.path.join(directory, "queue_log-%d" % LINES)
        self.part = "%s-%d" % (self.log, PART)
        self.closing = contextlib.ExitStack()

    def make_log(self):
        if not os.path.exists(self.log):
            self.play()
        with open(self.log, "rb") as source, open(self.part, "wb") as target:
            for _, line in zip(range(self.part_lines), source):
                target.write(line)

    def play(self):
        measure.log("playing %d lines" % self.lines)
        whole = self.log + ".whole"
        days = self.lines // LINES_PER_DAY + 4
        measure.Run([harness.binary("ringtally"), "sim", *CENTRE, "--days",
                     str(days), "-o", whole])
        with open(whole, "rb") as source, \
                open(self.log + ".tmp", "wb") as target:
            for _, line in zip(range(self.lines), source):
                target.write(line)
        os.unlink(whole)
        os.rename(self.log + ".tmp", self.log)

    def warm(self):
        """Into the page cache, which all that read it find it in."""
        with open(self.log, "rb") as file:
            while file.read(1 << 20):
                pass

    def pg(self):
        """A private server with PostgreSQL's own settings."""
        if self.server is None:
            measure.log("making a database")
            self.server = database.server()
            self.closing.callback(self.server.remove)
        return self.server

    def some(self, lines):
        """Lines from within the log."""
        with open(self.log, "rb") as file:
            file.seek(os.path.getsize(self.log) // 2)
            file.readline()
            return [line for _, line in zip(range(lines), file)]


BENCHES = {
    "tally": reading.bench_tally,
    "json": reading.bench_json,
    "events": reading.bench_events,
    "ami": reading.bench_ami,
    "once": database.bench_once,
    "latency": follow.bench_latency,
    "memory": follow.bench_memory,
    "flush": database.bench_flush,
    "live": live.bench_live,
    "ingest": ingest.bench_ingest,
    "spool": spool.bench_spool,
    "formats": formats.bench_formats,
    "contacts": contacts.bench_contacts,
    "callers": callers.bench_callers,
}


def load():
    return "load %.1f on %d processors" % (os.getloadavg()[0], os.cpu_count())


def main():
    chosen = (os.environ.get("BENCH_ONLY") or " ".join(BENCHES)).split()
    directory = os.environ.get("BENCH_DIR") or \
        tempfile.mkdtemp(prefix="ringtally-bench-")
    os.chmod(directory, 0o755)
    bench = Bench(directory)
    started = time.monotonic()
    try:
        bench.make_log()
        bench.warm()
        print("%d lines, %d MiB; best of %d runs, in turns; %s\n" % (
            bench.lines, os.path.getsize(bench.log) >> 20, RUNS, load()))
        bench.report = measure.Report()
        for name in chosen:
            BENCHES[name](bench)
        print("\n%d missed; %d s; %s" % (
            bench.report.missed, time.monotonic() - started, load()))
    finally:
        bench.closing.close()
        if "BENCH_DIR" not in os.environ:
            shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
