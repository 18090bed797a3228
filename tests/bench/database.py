# SPDX-License-Identifier: BSD-2-Clause
"""What involves PostgreSQL: filling it from a file, against psql's copy of
the same file; and the flush of many changed tallies, as the server sees it."""
import contextlib
import os
import re
import tempfile
import time

import harness
import measure
import reading
from fixtures import Rig

ONCE_RUNS = 2       # each of them long
FLUSH_QUEUES = 1000
FLUSHES = 60

RAW = ("CREATE TABLE raw (line text)",
       "\\copy raw from '%s' with (format csv, delimiter E'\\x01', "
       "quote E'\\x02')")

# The counts of counts.awk, in SQL.
COUNTS = """
CREATE TABLE counts AS
WITH field AS (
  SELECT split_part(line, '|', 1)::bigint AS at,
         split_part(line, '|', 2) AS call, split_part(line, '|', 3) AS queue,
         split_part(line, '|', 5) AS event, split_part(line, '|', 6) AS p1
    FROM raw
   WHERE split_part(line, '|', 5) IN ('ENTERQUEUE', 'CONNECT', 'ABANDON')
), visit AS (
  SELECT queue, call, event, p1,
         max(at) FILTER (WHERE event = 'ENTERQUEUE') OVER (
           PARTITION BY call, queue ORDER BY at ROWS UNBOUNDED PRECEDING)
           AS arrived
    FROM field
)
SELECT queue, arrived - arrived % 900 AS starts_at,
       count(*) FILTER (WHERE event = 'ENTERQUEUE') AS offered,
       count(*) FILTER (WHERE event = 'CONNECT') AS answered,
       count(*) FILTER (WHERE event = 'CONNECT' AND p1::int <= 15)
         AS answered_15,
       count(*) FILTER (WHERE event = 'CONNECT' AND p1::int <= 20)
         AS answered_20,
       count(*) FILTER (WHERE event = 'ABANDON') AS abandoned
  FROM visit GROUP BY 1, 2"""


def server(**settings):
    pg = harness.Postgres(directory=tempfile.mkdtemp(prefix="ringtally-pg-"))
    # the harness makes its servers fast and unsafe; this one is as it comes
    pg.settings = {"listen_addresses": "",
                   "unix_socket_directories": pg.directory, **settings}
    return pg.init().start()


class Place(Rig):
    """A database with the schema, for one run or one daemon."""

    def __init__(self, pg):
        super().__init__(pg, "bench%d" % time.monotonic_ns())

    def follower(self, path=None, **settings):
        """A daemon that reads the log, or another file."""
        return self.daemon(self.config(
            feeds=[self.feed(path=path)], database=settings))

    def close(self):
        super().close()
        with self.server.connect() as c:
            c.execute("DROP DATABASE %s WITH (FORCE)" % self.database)
            c.execute("CHECKPOINT")


@contextlib.contextmanager
def place(bench):
    rig = Place(bench.pg())
    try:
        rig.db.execute("CHECKPOINT")
        yield rig
    finally:
        rig.close()


# -- filling --------------------------------------------------------------

def once(bench, keep_visits_days):
    with place(bench) as rig:
        daemon = rig.follower(bench.part, flush_s=1.0,
                              keep_visits_days=keep_visits_days)
        run = measure.Run([daemon.program, "-c", daemon.conf_path, "--once"])
        run.offered = rig.db.execute(
            "SELECT sum(offered) FROM ringtally.queue_interval").fetchone()[0]
        run.visits = rig.db.execute(
            "SELECT count(*) FROM ringtally.visit").fetchone()[0]
    return run


def copy(bench, count):
    with place(bench) as rig:
        steps = [RAW[0], RAW[1] % bench.part] + ([COUNTS] if count else [])
        args = [os.path.join(harness.pg_bindir(), "psql"), "-Xq", "-v",
                "ON_ERROR_STOP=1", "-d", rig.server.conninfo(rig.database)]
        for step in steps:
            args += ["-c", step]
        run = measure.Run(args)
        if count:
            run.offered = rig.db.execute(
                "SELECT sum(offered) FROM counts").fetchone()[0]
    return run


def bench_once(bench):
    report = bench.report
    report.title("ringtallyd --once, %d lines: elapsed time, best of %d" % (
        bench.part_lines, ONCE_RUNS))
    runs = measure.take_turns(ONCE_RUNS, {
        "tally": lambda: reading.tally(bench.part),
        "off": lambda: once(bench, 0),
        "on": lambda: once(bench, 36500),
        "copy": lambda: copy(bench, False),
        "counts": lambda: copy(bench, True)})
    wall = {name: measure.best(made, "wall_s") for name, made in runs.items()}
    if runs["off"][0].offered != runs["counts"][0].offered:
        raise RuntimeError("the daemon counts %d, the SQL %d" % (
            runs["off"][0].offered, runs["counts"][0].offered))
    report.figure("ringtally tally", wall["tally"], "s")
    report.figure("ringtallyd --once, visits off", wall["off"], "s")
    report.figure("  of which the daemon's processor time",
                  measure.best(runs["off"], "cpu_s"), "s")
    report.budget("  in tallies", wall["off"] / wall["tally"], "x", 1.3)
    report.figure("ringtallyd --once, %d visits kept" % runs["on"][0].visits,
                  wall["on"], "s")
    report.figure("  of which the daemon's processor time",
                  measure.best(runs["on"], "cpu_s"), "s")
    report.figure("  \\copy of the raw file", wall["copy"], "s")
    report.budget("  in raw copies", wall["on"] / wall["copy"], "x", 1)
    report.figure("  \\copy and the SQL for five of the counts",
                  wall["counts"], "s")


# -- the flush ------------------------------------------------------------

STATEMENT = re.compile(r"^\[(\d+)\] LOG:  duration: ([\d.]+) ms"
                       r"  (parse|bind|execute) [^:]*: (.*)", re.M)


def transactions(text):
    """The statements of each transaction, as name -> milliseconds."""
    made, now = [], None
    for process, ms, step, sql in STATEMENT.findall(
            text.replace("\n\t", " ")):
        if sql.startswith("BEGIN") and step == "parse":
            now = {}
        if now is None:
            continue
        name = "queue_tally" if "queue_tally" in sql else sql
        now[name] = now.get(name, 0) + float(ms)
        if sql.startswith("COMMIT") and step == "execute":
            made.append(now)
            now = None
    return made


def ring_lines(at):
    """Changes one tally of each queue, and nothing else."""
    return b"".join(b"%d|%d.%d|flush-%d|NONE|RINGNOANSWER|1000\n" % (
        at, at, i, i) for i in range(FLUSH_QUEUES))


def flush(pg):
    """The server's log of FLUSHES flushes of FLUSH_QUEUES tallies each."""
    with contextlib.closing(Place(pg)) as rig:
        for setting in ("log_parameter_max_length",
                        "log_min_duration_statement"):
            rig.db.execute("ALTER DATABASE %s SET %s = 0" %
                           (rig.database, setting))
        daemon = rig.follower(flush_s=0.1, keep_visits_days=0)
        daemon.start(wait="READY=1")
        for i in range(FLUSHES):
            harness.append(rig.log, ring_lines(1795400000 + i))
            rig.settle()
        daemon.stop()
        rings = rig.db.execute("SELECT sum(ring_no_answer) FROM "
                               "ringtally.queue_interval").fetchone()[0]
    if rings != FLUSHES * FLUSH_QUEUES:
        raise RuntimeError("%d rings counted" % rings)
    with open(pg.log, encoding="utf-8", errors="replace") as file:
        return file.read()


def bench_flush(bench):
    report = bench.report
    report.title("flush of %d changed tallies, by the server's own log" %
                 FLUSH_QUEUES)
    pg = server(log_line_prefix="[%p] ")
    try:
        made = transactions(flush(pg))
    finally:
        pg.remove()
    # the first makes the rows; those of the end flush nothing
    made = [one for one in made if "queue_tally" in one][1:]
    totals = [sum(one.values()) for one in made]
    report.budget("whole transaction, BEGIN to COMMIT: median of %d" %
                  len(made), measure.percentile(totals, 50), "ms", 10)
    report.figure("  p95", measure.percentile(totals, 95), "ms")
    report.figure("  of which the tallies, median", measure.percentile(
        [one["queue_tally"] for one in made], 50), "ms")
