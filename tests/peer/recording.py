# SPDX-License-Identifier: BSD-2-Clause
"""The recording of a real Asterisk in ../shared/asterisk/day, and its truth,
which comes from the phones and not from queue_log."""
import csv
import gzip
import json
import math
import os

import harness

PIECES = ("queue_log.0", "queue_log.ext-1795289031", "queue_log.1",
          "queue_log.2", "queue_log.3", "queue_log.ext-1795289602",
          "queue_log")
OUTCOME = {"answered": "answered", "abandoned": "abandoned",
           "abandoned-in-delay": "abandoned", "timeout": "timed_out",
           "exitempty": "exited_empty", "key": "exited_key",
           "withdrawn": "withdrawn"}
# our column -> the truth's name
FIGURES = {"offered": "offered", "answered": "answered",
           "answered_15": "answered_within_15s_whole_seconds",
           "answered_20": "answered_within_20s_whole_seconds",
           "abandoned": "abandoned",
           "abandoned_short": "abandoned_within_5s_whole_seconds",
           "timed_out": "timeouts", "exited_empty": "exit_empty",
           "exited_key": "exit_key", "withdrawn": "withdrawn"}
LIMITS = {"answered_15": ("answered", 15), "answered_20": ("answered", 20),
          "abandoned_short": ("abandoned", 5)}
HERE = os.path.dirname(os.path.abspath(__file__))


def path(name):
    return harness.shared("asterisk", "day", name)


def whole_log():
    log = b""
    for piece in PIECES:
        with open(path(piece), "rb") as f:
            log += f.read()
    return log


def truth():
    """Visits by the phones; refused callers leave no line in queue_log."""
    with gzip.open(path("calls.jsonl.gz"), "rt") as f:
        calls = [json.loads(line) for line in f]
    return [c for c in calls if c["outcome"] in OUTCOME]


def expected():
    with open(path("expected.json")) as f:
        queues = json.load(f)["queues"]
    return {name: queue["truth"] for name, queue in queues.items()}


def known_differences():
    """{(ref, visit): reason} of visits whose logged wait is not the true
    one to within a second, or lies on the other side of a limit."""
    with open(os.path.join(HERE, "recording-differences.tsv")) as f:
        rows = csv.reader((line for line in f if not line.startswith("#")),
                          delimiter="\t")
        return {(row[0], int(row[1])): row[2] for row in rows}


def true_whole_wait(call):
    """floor(end of wait) - floor(entry): what a clock of whole seconds at
    the phones would have shown."""
    until = call["answer"] if call["outcome"] == "answered" else call["end"]
    return math.floor(until) - math.floor(call["enter"])


def pair(visits):
    """[(call of the truth, visit as a dict)], each visit once."""
    left = {}
    for visit in visits:
        left.setdefault((visit["call"], visit["queue"]), []).append(visit)
    pairs = []
    for call in truth():
        candidates = left.get((call["uniqueid"], call["queue"]), [])
        assert candidates, "no visit for %s" % call
        visit = min(candidates,
                    key=lambda v: abs(v["entered"] - call["enter"]))
        candidates.remove(visit)
        pairs.append((call, visit))
    assert not any(left.values()), "visits that never were: %s" % [
        v for vs in left.values() for v in vs]
    return pairs


def agent_is(call, visit):
    """The truth has the phone's number, the log the member's name."""
    return call["agent"].split()[-1] == (visit["agent"] or "").split()[-1]


def check_visits(visits):
    """Outcome and agent of every visit, and its wait to within a second.
    Returns, by (queue, figure), what the log's own waits move over a limit;
    each such visit must be on the list of known differences."""
    known, seen, moved = known_differences(), set(), {}
    for call, visit in pair(visits):
        key = call["ref"], call["visit"]
        assert visit["outcome"] == OUTCOME[call["outcome"]], (call, visit)
        if call["outcome"] == "answered":
            assert agent_is(call, visit), (call, visit)
        odd = (visit["wait"] is None or
               abs(visit["wait"] - call["wait"]) > 1)
        for figure, (outcome, limit) in LIMITS.items():
            if visit["outcome"] != outcome:
                continue
            step = ((visit["wait"] <= limit) -
                    (true_whole_wait(call) <= limit))
            if step:
                odd = True
                at = call["queue"], figure
                moved[at] = moved.get(at, 0) + step
        if odd:
            assert key in known, "unexplained: %s %s" % (call, visit)
            seen.add(key)
    assert seen == set(known), "no longer so: %s" % (set(known) - seen)
    return moved


def check_queues(totals, moved):
    """Every figure of every queue equals the truth exactly, but for what
    the known visits move."""
    for queue, figures in expected().items():
        for column, name in FIGURES.items():
            want = figures[name] + moved.get((queue, column), 0)
            assert totals[queue][column] == want, (queue, column)
    assert set(totals) == set(expected())
