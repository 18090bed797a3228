# SPDX-License-Identifier: BSD-2-Clause
"""Pushed records on their way through the spool: appended, synced each 10 ms,
read back. Beside it the same bytes written to one file in the same rhythm: the
disk's own speed, which differs more from machine to machine than ours."""
import os
import shutil

import harness
import measure

RECORDS = 5000000   # of 120 bytes


def run(bench, *more):
    folder = os.path.join(bench.directory, "spool")
    shutil.rmtree(folder, ignore_errors=True)
    return measure.Run([os.path.join(harness.BUILD, "tests", "bench", "spool"),
                        folder, str(RECORDS), *more])


def bench_spool(bench):
    report = bench.report
    report.title("spool: %d records of 120 bytes" % RECORDS)
    runs = measure.take_turns(bench.runs, {
        "spool": lambda: run(bench), "bare": lambda: run(bench, "bare")})
    speed = {name: max(float(made.out) for made in runs[name])
             for name in runs}
    report.budget("through the spool, with a sync each 10 ms",
                  speed["spool"] / 1000000, "M records/s", 0.5, least=True)
    report.figure("  processor time", 1000000 / RECORDS *
                  measure.best(runs["spool"], "cpu_s"), "us/record")
    report.figure("  memory", runs["spool"][0].rss_kib / 1024, "MiB", "%.1f")
    report.figure("  the same bytes to one file and back",
                  speed["bare"] / 1000000, "M records/s")
