#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What asterisk-cdr and asterisk-cel make of a recording of a real Asterisk
(../shared/asterisk/day), against the truth beside it, which the phones wrote:
offered and answered of each queue, and how each visit ended."""
import collections
import gzip
import json
import os
import subprocess
import sys

TOP = os.environ.get("top_srcdir", ".")
DAY = os.path.join(TOP, "..", "shared", "asterisk", "day")
PROGRAM = os.path.join(os.environ.get("top_builddir", "."), "tests", "tool",
                       "events")
UNSURE = 8
REFUSED = ("rejected-full", "rejected-joinempty")
HUNG_UP = ("abandoned", "abandoned-in-delay")


# The last call is told when a later row comes.
LATER = b'"","","","","","x","","Hangup","","2026-11-21 23:00:00",,' \
    b'"2026-11-21 23:00:00",0,0,"ANSWERED","","1795302000.1",""\n'


def events(name, kind, more=b""):
    with gzip.open(os.path.join(DAY, name)) as file:
        out = subprocess.run([PROGRAM, kind], input=file.read() + more,
                             check=True, stdout=subprocess.PIPE).stdout
    found = [line.split("\t") for line in out.decode().splitlines()]
    refused = [event for event in found if event[0] == "refused"]
    if refused:
        sys.exit("%s: %d rows refused, %s" % (name, len(refused), refused[0]))
    return found


def truth():
    with gzip.open(os.path.join(DAY, "calls.jsonl.gz"), "rt") as file:
        return [json.loads(line) for line in file]


def same(what, got, want):
    """Counts by key; prints what differs."""
    ok = True
    for key in sorted(set(got) | set(want)):
        if got[key] != want[key]:
            print("%s of %s: %d, not %d" % (what, key, got[key], want[key]))
            ok = False
    return ok


def by_queue(visits, keep):
    return collections.Counter(v["queue"] for v in visits if keep(v))


def check_cel(visits):
    found = events("cel-Master.csv.gz", "asterisk-cel")
    entered = collections.Counter(e[5] for e in found if e[0] == "enter")
    connected = collections.Counter(e[5] for e in found if e[0] == "connect")
    completed = collections.Counter(e[5] for e in found if e[0] == "complete")
    left = collections.Counter((e[5], e[1]) for e in found if e[0] == "leave")
    # each entry of a queue, those that it refused too
    ok = same("cel: offered", entered, by_queue(visits, lambda v: True))
    answered = by_queue(visits, lambda v: v["outcome"] == "answered")
    ok = same("cel: answered", connected, answered) and ok
    ok = same("cel: completed", completed, answered) and ok
    want = collections.Counter()
    for visit in visits:
        if visit["outcome"] in REFUSED:
            want[visit["queue"], "refused"] += 1
        elif visit["outcome"] in HUNG_UP:
            want[visit["queue"], "abandoned"] += 1
        elif visit["outcome"] != "answered":
            want[visit["queue"], "timed_out"] += 1
    ok = same("cel: left", left, want) and ok
    unsure = {e[1] for e in found if e[0] == "leave" and int(e[11]) & UNSURE}
    if unsure != {"refused", "timed_out"}:
        print("cel: unsure are %s" % sorted(unsure))
        ok = False
    ok = check_spans(visits, found, "connect", 8, "wait") and ok
    return check_spans(visits, found, "complete", 10, "talk") and ok


def check_spans(visits, found, kind, column, span):
    """Within 100 ms of what the phones saw; column: of the event."""
    true = collections.defaultdict(list)
    for visit in visits:
        if visit["outcome"] == "answered":
            true[visit["uniqueid"], visit["queue"]].append(visit[span])
    far = 0
    for event in found:
        if event[0] == kind:
            spans = true[event[4], event[5]]
            far += not any(abs(int(event[column]) / 1000 - told) < 0.1
                           for told in spans)
    print("cel: %d of %d are off by more than 100 ms: %s" % (
        far, sum(map(len, true.values())), span))
    return far == 0


def check_cdr(visits):
    """What a CDR can not know: who was refused; a caller who left before any
    agent was rung and whom the dialplan then hung up; and who hung up while
    the answering agent was told of the call first (queue delayed)."""
    found = events("cdr-Master.csv.gz", "asterisk-cdr", LATER)
    summaries = [e for e in found if e[0] == "summary"]
    rung = [v for v in visits if v["outcome"] not in REFUSED and not (
        v["outcome"] in ("exitempty", "withdrawn") and v["rings"] == 0)]
    ok = same("cdr: offered", collections.Counter(e[5] for e in summaries),
              by_queue(rung, lambda v: True))
    answered = collections.Counter(
        e[5] for e in summaries if e[1] == "answered")
    want = by_queue(rung, lambda v: v["outcome"] == "answered")
    delayed = answered.pop("delayed") - want.pop("delayed")
    print("cdr: %d callers of queue delayed hung up at the very answer"
          % delayed)
    ok = same("cdr: answered", answered, want) and delayed == 39 and ok
    told = [e for e in summaries if e[8] != "-1" or e[10] != "-1"]
    sure = [e for e in summaries if not int(e[11]) & UNSURE]
    if told or sure:
        print("cdr: what it can not know was told", (told + sure)[0])
    return ok and not told and not sure


def main():
    if not os.path.isdir(DAY):
        print("no shared/asterisk/day beside the checkout")
        return 77
    visits = truth()
    ok = check_cel(visits)
    return 0 if check_cdr(visits) and ok else 1


if __name__ == "__main__":
    sys.exit(main())
