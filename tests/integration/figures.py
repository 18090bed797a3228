# SPDX-License-Identifier: BSD-2-Clause
"""Reads what the daemon has written, and holds it against the oracle."""
import collections
import csv
import datetime
import io
import glob
import os

import harness
import oracle

COUNT_COLUMNS = ("offered", "answered", "answered_15", "answered_20",
                 "abandoned", "abandoned_short", "timed_out", "exited_key",
                 "exited_empty", "withdrawn", "refused", "lost", "waiting",
                 "transferred", "ring_no_answer")
SECOND_COLUMNS = ("wait_answered", "wait_abandoned", "max_wait", "talk")
AGENT_SECONDS = ("talk", "login", "pause", "wrap_up")
HISTS = ("wait_answered_hist", "wait_abandoned_hist")


def rows(db, sql, *args):
    with db.cursor() as cur:
        cur.execute(sql, args or None)
        names = [d.name for d in cur.description]
        return [dict(zip(names, row)) for row in cur.fetchall()]


def seconds(ms):
    return ms // 1000 if ms % 1000 == 0 else ms / 1000


# of a site, and of one of its switches where one is named
SCOPE = " site = %s AND switch = coalesce(%s, switch)"


def queue_rows(db, site="test", switch=None):
    """{(queue, start): {column: figure}} as in oracle.queue_rows()."""
    found = {}
    columns = ", ".join(COUNT_COLUMNS + tuple(c + "_ms"
                                              for c in SECOND_COLUMNS))
    for row in rows(db, "SELECT queue, extract(epoch FROM starts_at)::bigint "
                    "AS start, " + columns + " FROM ringtally.queue_interval "
                    "WHERE" + SCOPE, site, switch):
        figures = {c: int(row[c]) for c in COUNT_COLUMNS}
        for column in SECOND_COLUMNS:
            figures[column + "_s"] = seconds(row[column + "_ms"])
        for hist in HISTS:
            figures[hist] = {}
        found[row["queue"], row["start"]] = figures
    for hist in HISTS:
        # elements by their own number: the bounds of an array matter here
        for row in rows(db, "SELECT queue, extract(epoch FROM starts_at)"
                        "::bigint AS start, bin, %(h)s[bin] AS n FROM "
                        "ringtally.queue_interval, "
                        "generate_subscripts(%(h)s, 1) AS bin WHERE" %
                        {"h": hist} + SCOPE, site, switch):
            if row["n"]:
                found[row["queue"], row["start"]][hist][row["bin"]] = row["n"]
    return found


def agent_rows_by_switch(db, site="test", switch=None):
    """What agent_rows() tells, of each switch."""
    found = collections.defaultdict(dict)
    for row in rows(db, "SELECT *, extract(epoch FROM starts_at)::bigint AS "
                    "start FROM ringtally.agent_interval WHERE" + SCOPE,
                    site, switch):
        figures = {"handled": row["handled"],
                   "ring_no_answer": row["ring_no_answer"]}
        for column in AGENT_SECONDS:
            # NULL: no talk is known; the oracle adds up those that are
            figures[column + "_s"] = seconds(row[column + "_ms"] or 0)
        if any(figures.values()):
            found[row["switch"]][
                row["agent"], row["queue"], row["start"]] = figures
    return found


def agent_rows(db, site="test", switch=None):
    """Of all switches that have one of these agents, one."""
    found = {}
    for of_switch in agent_rows_by_switch(db, site, switch).values():
        found.update(of_switch)
    return found


def visits(db, site="test", switch=None):
    return [{"call": r["call_id"], "number": r["visit_no"],
             "queue": r["queue"], "entered": r["entered"],
             "ended": r["ended"], "outcome": r["outcome"],
             "wait": None if r["wait_ms"] is None else seconds(r["wait_ms"]),
             "talk": None if r["talk_ms"] is None else seconds(r["talk_ms"]),
             "agent": r["agent"], "reason": r["reason"],
             "transferred": r["transferred"],
             "file_no": r["file_no"], "offset": r["file_offset"]}
            for r in rows(db, "SELECT *, extract(epoch FROM entered_at)"
                          "::bigint AS entered, extract(epoch FROM ended_at)"
                          "::bigint AS ended FROM ringtally.visits WHERE" +
                          SCOPE, site, switch)]


def feed(db, name="log", site="test"):
    found = rows(db, "SELECT * FROM ringtally.feed WHERE site = %s AND "
                 "feed = %s", site, name)
    return found[0] if found else None


def open_by_state(db, site="test"):
    return {(r["queue"], r["state"]): r["n"] for r in rows(
        db, "SELECT queue, state, count(*) AS n FROM ringtally.open_visit "
        "WHERE site = %s GROUP BY 1, 2", site)}


def tally_csv(text, interval=None):
    """The rows of `ringtally tally -o csv`, as in oracle.queue_rows()."""
    found = {}
    for row in csv.DictReader(io.StringIO(text)):
        start = datetime.datetime.fromisoformat(
            row["starts_at"].replace("Z", "+00:00"))
        found[row["queue"], int(start.timestamp())] = {
            c: float(row[c]) if "." in row[c] else int(row[c])
            for c in oracle.CSV_COLUMNS}
    return found


# -- the comparison -------------------------------------------------------

def plain(row):
    """Without what is nothing: zero bins, columns that only one side has."""
    return {k: {b: n for b, n in v.items() if n} if k in HISTS else v
            for k, v in row.items()}


def is_nothing(row):
    return not any(plain(row).values())


def differences(what, want, got):
    """Lines for people: where the two tables are not the same."""
    for key in sorted(set(want) | set(got), key=str):
        a, b = want.get(key), got.get(key)
        if a is None or b is None:
            if not is_nothing(a or b):
                yield "%s %s: %s" % (what, key, "should not be: %s" % b
                                     if a is None else "is missing: %s" % a)
            continue
        a, b = plain(a), plain(b)
        for column in sorted(set(a) & set(b)):
            if a[column] != b[column]:
                yield "%s %s %s: should be %s, is %s" % (
                    what, key, column, a[column], b[column])


def visit_key(visit):
    return tuple(visit[k] for k in (
        "call", "number", "queue", "entered", "ended", "outcome", "wait",
        "talk", "agent", "transferred"))


def visit_differences(want, got):
    want = collections.Counter(
        (v.call, v.number, v.queue, v.entered, v.ended, v.outcome,
         0 if v.outcome == "refused" else v.wait, v.talk, v.agent,
         v.transferred) for v in want)
    got = collections.Counter(visit_key(v) for v in got)
    for key, n in (want - got).items():
        yield "visit is missing %d times: %s" % (n, key)
    for key, n in (got - want).items():
        yield "visit should not be, %d times: %s" % (n, key)


def open_differences(o, db, site):
    """What a restart needs: every visit that waits or talks, and no other."""
    want = collections.Counter((v.queue, v.state) for v in o.open_visits())
    got = {k: n for k, n in open_by_state(db, site).items()
           if k[1] in ("waiting", "talking")}
    if dict(want) != got:
        yield "open visits: should be %s, are %s" % (dict(want), got)


def identity_differences(db, site):
    """Design, section 4: in every interval offered = outcomes + waiting, and
    those who wait are in open_visit by the interval of their arrival."""
    interval = rows(db, "SELECT interval_s FROM ringtally.site WHERE "
                    "site = %s", site)[0]["interval_s"]
    waiting = collections.Counter()
    for row in rows(db, "SELECT switch, queue, extract(epoch FROM entered_at)"
                    "::bigint AS entered FROM ringtally.open_visit WHERE "
                    "site = %s AND state = 'waiting'", site):
        waiting[row["switch"], row["queue"],
                row["entered"] // interval * interval] += 1
    for row in rows(db, "SELECT *, extract(epoch FROM starts_at)::bigint AS "
                    "start FROM ringtally.queue_interval WHERE site = %s",
                    site):
        rest = row["offered"] - sum(row[o] for o in oracle.OUTCOMES)
        key = row["switch"], row["queue"], row["start"]
        if rest != row["waiting"] or rest != waiting[key]:
            yield "identity %s: %s left over, %s shown, %s open" % (
                key, rest, row["waiting"], waiting[key])


def hist_differences(found):
    for key, row in found.items():
        for outcome in ("answered", "abandoned"):
            n = sum(row["wait_%s_hist" % outcome].values())
            if n != row[outcome]:
                yield "histogram %s %s: %s waits, %s visits" % (
                    key, outcome, n, row[outcome])


def all_differences(db, log, site="test", oracle_options=None):
    """log: all bytes that were ever in the feed's files, in order."""
    o = oracle.Oracle(**(oracle_options or {})).read(log)
    o.check_identity()
    found = queue_rows(db, site)
    yield from differences("queue", o.queue_rows(), found)
    yield from hist_differences(found)
    yield from identity_differences(db, site)
    yield from differences("agent", o.agent_rows(), agent_rows(db, site))
    yield from visit_differences(o.ended_visits(), visits(db, site))
    yield from open_differences(o, db, site)


def assert_exact(db, log, site="test", **oracle_options):
    found = list(all_differences(db, log, site, oracle_options))
    assert not found, "%d differences:\n%s" % (
        len(found), "\n".join(found[:15]))


def wait_position(db, path, name="log", site="test", timeout=None):
    """Waits until the feed stands behind the last line end of that file: it
    is this file (by inode), and all of it."""
    seen = {}

    def is_at_end_of(row, file):
        return (row["inode"] == os.stat(file).st_ino and
                row["file_offset"] == harness.complete_size(file))

    def arrived():
        row = feed(db, name, site)
        seen["row"] = row
        if row is None:
            return False
        if is_at_end_of(row, path):
            return True
        # a log is not left before its successor is written to
        older = [file for file in glob.glob(glob.escape(path) + ".*")
                 if os.stat(file).st_size > 0]
        return (os.stat(path).st_size == 0 and older and
                is_at_end_of(row, max(older, key=lambda file:
                                      os.stat(file).st_mtime_ns)))
    try:
        harness.poll("the position", arrived, timeout, step=0.05)
    except AssertionError:
        raise AssertionError(
            "the feed does not arrive at %s of %s (inode %s): %s" % (
                harness.complete_size(path), path, os.stat(path).st_ino,
                seen["row"])) from None
    return seen["row"]
