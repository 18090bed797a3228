#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The figures of real SMDR (../shared/samples/avaya_ipoffice), by the format
avaya-ipoffice and by a few lines of Python that know nothing of it: calls from
outside, those that a person answered, and those that anything did."""
import collections
import glob
import os
import re
import subprocess
import sys

TOP = os.environ.get("top_srcdir", ".")
FOLDER = os.path.join(TOP, "..", "shared", "samples", "avaya_ipoffice")
PROGRAM = os.path.join(os.environ.get("top_builddir", "."), "tests", "tool",
                       "events")
MACHINE = re.compile(r"V95\d\d$")
UNSURE, AMBIGUOUS = 8, 16

# As they were counted in the extracts when this was written.
KNOWN = {
    "ipo_smdr_20170526_30to34cols_idreset.csv": (335, 123, 290),
    "ipo_smdr_20170825_multi_transfer.csv": (227, 107, 196),
    "ipo_smdr_20171105_autumn_clock_change.csv": (185, 107, 158),
    "ipo_smdr_20180311_spring_clock_change.csv": (121, 70, 108),
    "ipo_smdr_20180320_four_segment_call.csv": (183, 122, 159),
    "ipo_smdr_20181010_nul_run.csv": (293, 100, 250),
    "ipo_smdr_20191010_34to35to34cols.csv": (301, 89, 215),
    "ipo_smdr_20191014-20_week_34cols.csv": (1548, 684, 1256),
    "ipo_smdr_20191103_35cols_utc_record_time.csv": (228, 91, 186),
    "ipo_smdr_public_rows_2018_masked.csv": (1, 0, 1),
}


def rows(path):
    with open(path, "rb") as file:
        for line in file.read().split(b"\n"):
            line = line.strip(b"\r").replace(b"\0", b"")
            if line:
                yield line.decode("utf-8", "replace").split(",")


def by_python(path):
    """(calls, answered by a person, connected at all, unfinished,
    {call: wait of those whom the first segment's person answered})"""
    calls = collections.OrderedDict()
    for row in rows(path):
        calls.setdefault((row[0], row[9]), []).append(row)
    offered = {key: segments for key, segments in calls.items()
               if segments[0][4] == "I" and segments[0][8] == "0"}

    def connected(row):
        return row[1] != "00:00:00"

    def person(row):
        return connected(row) and not MACHINE.match(row[11]) and \
            not MACHINE.match(row[13])
    open_still = sum(s[-1][10] == "1" for s in offered.values())
    waits = {"%s/%s" % key: 1000 * int(s[0][2])
             for key, s in offered.items()
             if person(s[0]) and s[-1][10] == "0"}
    return (len(offered), sum(any(map(person, s)) for s in offered.values()),
            sum(any(map(connected, s)) for s in offered.values()),
            open_still, waits)


def by_format(path):
    with open(path, "rb") as file:
        out = subprocess.run(
            [PROGRAM, "-z", "America/Los_Angeles", "avaya-ipoffice"],
            stdin=file, stdout=subprocess.PIPE, check=True).stdout
    events = [line.split("\t") for line in out.decode().splitlines()]
    refused = [event for event in events if event[0] == "refused"]
    summaries = [event for event in events if event[0] == "summary"]
    answered = [event for event in summaries if event[1] == "answered"]
    timed_out = [event for event in summaries if event[1] == "timed_out"]
    waits = {event[4]: int(event[8]) for event in answered}
    ambiguous = sum(bool(int(event[11]) & AMBIGUOUS) for event in summaries)
    calls = {event[4] for event in summaries}
    if len(calls) != len(summaries):
        print("%s: a call was told twice" % path)
        return None
    return (len(summaries), len(answered), len(answered) + len(timed_out),
            len(refused), ambiguous, waits)


def check(path):
    name = os.path.basename(path)
    offered, answered, connected, open_still, waits = by_python(path)
    found = by_format(path)
    if found is None:
        return False
    print("%s: %d calls, %d answered (%.1f %%), %d not whole, %d ambiguous"
          % (name, offered, answered, 100 * answered / offered, open_still,
             found[4]))
    wrong = {call: (wait, found[5].get(call)) for call, wait in waits.items()
             if found[5].get(call) != wait}
    ok = found[0] == offered - open_still and found[1] <= answered and \
        found[1] >= answered - open_still and found[3] == 0 and not wrong
    # a call that rang behind the menu without an answer was connected, to the
    # menu alone, and is abandoned
    ok = ok and connected - open_still - 2 <= found[2] <= connected
    if name in KNOWN:
        ok = ok and KNOWN[name] == (offered, answered, connected)
    if not ok:
        print("  the format found %s; waits %s" % (found[:5], wrong))
    return ok


def main():
    paths = sorted(glob.glob(os.path.join(FOLDER, "*.csv")))
    if not paths:
        print("no shared/samples/avaya_ipoffice beside the checkout")
        return 77
    return 0 if all([check(path) for path in paths]) else 1


if __name__ == "__main__":
    sys.exit(main())
