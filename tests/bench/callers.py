# SPDX-License-Identifier: BSD-2-Clause
"""Callers who ring again: what the table that knows them takes, and what is
left of the speed of --once with it. BENCH_CALLERS: in seven days (10000000).
The table may hold as many calls as max_callers says by default, or in that
measure."""
import os

import database
import harness
import measure

CALLERS = int(os.environ.get("BENCH_CALLERS") or 10000000)
ONCE_RUNS = 3
MAX = 2 * CALLERS       # calls, as the manual says
BYTES = 64 * MAX        # the same
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
                       str(CALLERS), str(MAX)])
    told = {name: (float(value), int(other)) for name, value, other in
            (line.split() for line in run.out.splitlines())}
    for name, what in (("growing", "while it grows"),
                       ("full", "when it is full"),
                       ("later", "in the weeks after")):
        report.budget("calls taken, " + what, told[name][0], "/s",
                      CALLS_PER_S, least=True, form="%.0f")
        report.figure("  the longest of them", told[name][1] / 1000, "ms",
                      "%.1f")
    report.budget("callers held after a week", told["callers"][0], "",
                  CALLERS, least=True, form="%.0f")
    report.figure("  their memory", told["callers"][1] / 1e6, "MB", "%.0f")
    report.budget("days of which all calls are held, later", told["days"][0],
                  "d", 7, least=True, form="%.2f")
    report.figure("calls held at most", told["most"][0], "", "%.0f")
    report.budget("  memory at most", told["most"][1] / 1e6, "MB",
                  BYTES / 1e6, form="%.0f")
    report.budget("  of the whole process", run.rss_kib * 1.024e-3, "MB",
                  BYTES / 1e6, form="%.0f")


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
