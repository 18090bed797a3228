# SPDX-License-Identifier: BSD-2-Clause
"""Callers who ring again: what the table that knows them takes, and what is
left of the speed of --once with it. BENCH_CALLERS: in seven days (10000000)."""
import os

import database
import harness
import measure

CALLERS = int(os.environ.get("BENCH_CALLERS") or 10000000)
ONCE_RUNS = 3
BYTES = 64      # of a caller, as the manual says
CALLS_PER_S = 100000
LEFT = 0.8


def once(bench, repeat_days):
    with database.place(bench) as rig:
        config = {**rig.config(feeds=[rig.feed(path=bench.part)],
                               database={"flush_s": 1.0}),
                  "contacts": {"repeat_days": repeat_days}}
        daemon = rig.daemon(config)
        run = measure.Run([daemon.program, "-c", daemon.conf_path, "--once"])
        run.repeated, = rig.db.execute(
            "SELECT sum(repeated) FROM ringtally.queue_interval").fetchone()
    return run


def bench_table(bench):
    report = bench.report
    report.title("%d callers in seven days, who ring again" % CALLERS)
    measure.log("%d callers are answered" % CALLERS)
    run = measure.Run([os.path.join(harness.BUILD, "tests", "bench", "repeat"),
                       str(CALLERS)])
    told = {name: (float(value), int(other)) for name, value, other in
            (line.split() for line in run.out.splitlines())}
    for name, what in (("growing", "while it grows"),
                       ("full", "when it is full"),
                       ("later", "in the weeks after")):
        report.budget("calls taken, " + what, told[name][0], "/s",
                      CALLS_PER_S, least=True, form="%.0f")
        report.figure("  the longest of them", told[name][1] / 1000, "ms",
                      "%.1f")
    report.budget("bytes of a caller, first days", told["bytes"][0], "B",
                  BYTES, form="%.1f")
    report.figure("bytes of a call, later", told["held"][0], "B", "%.1f")
    report.figure("memory at most", run.rss_kib / 1024, "MiB", "%.0f")


def bench_callers(bench):
    bench_table(bench)
    report = bench.report
    report.title("ringtallyd --once, %d lines, who rings again" %
                 bench.part_lines)
    runs = measure.take_turns(ONCE_RUNS, {"off": lambda: once(bench, 0),
                                          "on": lambda: once(bench, 7)})
    if not runs["on"][0].repeated or runs["off"][0].repeated:
        raise RuntimeError("nobody rings again, or too many do")
    wall = {name: measure.best(made, "wall_s") for name, made in runs.items()}
    report.figure("not asked for", wall["off"], "s")
    report.figure("found", wall["on"], "s")
    report.budget("  speed that is left", wall["off"] / wall["on"], "x", LEFT,
                  least=True)
