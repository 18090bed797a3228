# SPDX-License-Identifier: BSD-2-Clause
"""Records that are posted, one in each request: how many a second are answered
200, which is when they are on the disk."""
import contextlib
import os
import shutil

import database
import harness
import measure
import web as web_

SECONDS = 10
POSTS_PER_S = 5000
CONNECTIONS = (1, 64, 256)


@contextlib.contextmanager
def served(bench):
    """A daemon with a feed that is posted to; its spool is beside the log, on
    a disk that there is."""
    web = web_.Web()
    spool = os.path.join(bench.directory, "spool")
    shutil.rmtree(spool, ignore_errors=True)
    with database.place(bench) as rig, contextlib.closing(web):
        config = rig.config(
            feeds=[{"name": "posted", "switch": "pbx", "transport": "http",
                    "format": "asterisk-queue-log"}],
            spool_folder=spool,
            live=web.live(), max_open_visits=1000000,
            database={"flush_s": 1.0, "keep_visits_days": 0})
        daemon = rig.daemon(config).start(wait="READY=1")
        web.wait()
        harness.poll("the feed is open",
                     lambda: web.ask("/ingest/posted").status == 405)
        yield rig, daemon, web
        daemon.stop()
    shutil.rmtree(spool, ignore_errors=True)


def bench_ingest(bench):
    report = bench.report
    report.title("POSTs of one record, kept connections, spool_sync_s = 0.01")
    for connections in CONNECTIONS:
        measure.log("posting over %d connections" % connections)
        with served(bench) as (_, daemon, web):
            before = daemon.cpu_s()
            run = measure.Run([
                os.path.join(harness.BUILD, "tests", "bench", "post"),
                str(web.port), "/ingest/posted", str(connections),
                str(SECONDS)])
            share = (daemon.cpu_s() - before) / SECONDS * 100
        n, took, p50, p99 = map(float, run.out.split())
        what = "%d connections, " % connections
        if connections == max(CONNECTIONS):
            report.budget(what + "answered 200", n / took, "/s", POSTS_PER_S,
                          least=True, form="%.0f")
        else:
            report.figure(what + "answered 200", n / took, "/s", "%.0f")
        report.figure(what + "p50", p50, "ms", "%.1f")
        report.figure(what + "p99", p99, "ms", "%.1f")
        report.figure(what + "the daemon's share of a core", share, "%",
                      "%.0f")
