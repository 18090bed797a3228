# SPDX-License-Identifier: BSD-2-Clause
"""ringtally tally against a script that only counts and a loop that only
parses. All are one thread: processor seconds are counted, so that others on
the same machine do not stand in the figures more than they must."""
import csv
import io
import os
import shutil

import esl_server
import harness
import jsonlog
import measure

AWK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "counts.awk")
MILLION = 1000000
# What a call brings beside the queue's own messages: seven of ten concern
# nobody but the dialplan.
NOISE = ("Newchannel", "Newstate", "NewCallerid", "DialBegin", "BridgeEnter",
         "DeviceStateChange", "SoftHangupRequest") + 7 * ("Newexten",) + \
    17 * ("VarSet",)


def tally(log):
    return measure.Run([harness.binary("ringtally"), "tally", "-o", "csv",
                        log])


def bare(log):
    return measure.Run([os.path.join(harness.BUILD, "tests", "bench", "bare"),
                        log])


def mawk(log):
    return measure.Run(["mawk", "-f", AWK, log])


def bench_json(bench):
    """The same calls as ringtally-json."""
    report = bench.report
    log = bench.part + ".json"
    if not os.path.exists(log):
        measure.log("writing %d lines as JSON" % bench.part_lines)
        with open(bench.part, "rb") as source, open(log, "wb") as target:
            target.writelines(jsonlog.convert(source))
    report.title("ringtally-json: processor time of one thread")
    runs = measure.take_turns(bench.runs, {"json": lambda: measure.Run(
        [harness.binary("ringtally"), "tally", "-f", "ringtally-json", "-o",
         "csv", log])})
    cpu = measure.best(runs["json"], "cpu_s")
    report.budget("ringtally tally -f ringtally-json",
                  bench.part_lines / cpu / MILLION, "M lines/s", 0.4,
                  least=True)


def sums(rows, first):
    """Of the five counts that both print."""
    return [sum(int(row[first + i]) for row in rows) for i in range(5)]


def check_counts(tally_run, mawk_run):
    """They are peers only if they find the same."""
    ours = list(csv.reader(io.StringIO(tally_run.out)))[1:]
    theirs = list(csv.reader(io.StringIO(mawk_run.out)))
    ours, theirs = sums(ours, 2), sums(theirs, 2)
    if any(abs(a - b) > b // 1000 for a, b in zip(ours, theirs)):
        raise RuntimeError("tally counts %s, the script %s" % (ours, theirs))


def ami_block(event, at, call, **headers):
    """A message with the block of a channel, as Asterisk 22 sends it."""
    lines = ["Event: " + event, "Privilege: agent,all", "Timestamp: %.6f" % at,
             "Channel: PJSIP/trunk-%08x" % call, "ChannelState: 6",
             "ChannelStateDesc: Up", "CallerIDNum: 0207946%04d" % (call % 9999),
             "CallerIDName: <unknown>", "ConnectedLineNum: <unknown>",
             "ConnectedLineName: <unknown>", "Language: en", "AccountCode: ",
             "Context: inbound", "Exten: 8005", "Priority: 14",
             "Uniqueid: %d.%d" % (at, call), "Linkedid: %d.%d" % (at, call)]
    lines += ["%s: %s" % item for item in headers.items()]
    return "\r\n".join(lines) + "\r\n\r\n"


def ami_call(at, call):
    """Messages of one call, ten seconds of which three are its wait."""
    queue = {"Queue": "queue %d" % (call % 100)}
    agent = {**queue, "DestUniqueid": "%d.%d" % (at, call + 1),
             "MemberName": "Agent %d" % (call % 1500),
             "Interface": "PJSIP/%d" % (call % 1500), "HoldTime": 3}
    noise = [ami_block(name, at, call, Variable="MACRO_DEPTH", Value=call,
                       Application="Set", AppData="x=%d" % call)
             for name in NOISE]
    steps = [ami_block("QueueCallerJoin", at, call, **queue, Position=1),
             ami_block("AgentCalled", at, call, **agent),
             ami_block("DialEnd", at, call, DialStatus="ANSWER"),
             ami_block("QueueCallerLeave", at, call, **queue),
             ami_block("AgentConnect", at, call, **agent, RingTime=2),
             ami_block("AgentComplete", at, call, **agent, TalkTime=7,
                       Reason="caller"),
             ami_block("Hangup", at, call, Cause=16)]
    for place, step in enumerate(steps):
        noise.insert(place * 5, step)
    return "".join(noise), len(noise)


def ami_traffic(path, messages):
    """Writes so many, about. Returns how many, and of how many calls."""
    written = calls = 0
    with open(path, "w", encoding="utf-8", newline="") as file:
        while written < messages:
            text, n = ami_call(1795288800 + calls // 20, calls * 2)
            file.write(text)
            written += n
            calls += 1
    return written, calls


def bench_ami(bench):
    """The manager interface: framer, format, call machine and tally."""
    report = bench.report
    path = os.path.join(bench.directory, "ami")
    report.title("asterisk-ami: processor time of one thread")
    messages, calls = ami_traffic(path, bench.lines // 10)
    runs = [measure.Run([harness.binary("ringtally"), "tally", "-f",
                         "asterisk-ami", "-o", "csv", path])
            for _ in range(bench.runs)]
    counted = sums(list(csv.reader(io.StringIO(runs[0].out)))[1:], 2)
    if counted[:2] != [calls, calls]:
        raise RuntimeError("%d calls, counted %s" % (calls, counted))
    report.budget("messages, seven of ten of no concern", messages /
                  measure.best(runs, "cpu_s") / MILLION, "M messages/s", 0.15,
                  least=True)
    os.unlink(path)


def bench_tally(bench):
    report = bench.report
    peers = {"tally": lambda: tally(bench.log), "bare": lambda: bare(bench.log)}
    if shutil.which("mawk"):
        peers["mawk"] = lambda: mawk(bench.log)
    report.title("tally: processor time of one thread")
    runs = measure.take_turns(bench.runs, peers)
    cpu = {name: measure.best(made, "cpu_s") for name, made in runs.items()}
    report.budget("ringtally tally", bench.lines / cpu["tally"] / MILLION,
                  "M lines/s", 5, least=True)
    report.figure("  elapsed, best", measure.best(runs["tally"], "wall_s"),
                  "s")
    report.figure("  a bare parsing loop over the mapped file",
                  bench.lines / cpu["bare"] / MILLION, "M lines/s")
    report.budget("  tally's time, in bare loops", cpu["tally"] / cpu["bare"],
                  "x", 2)
    if "mawk" not in runs:
        report.row("  a mawk script that only counts", "no mawk here", "", "")
        return
    check_counts(runs["tally"][0], runs["mawk"][0])
    report.figure("  a mawk script that only counts",
                  bench.lines / cpu["mawk"] / MILLION, "M lines/s")
    report.budget("  tally's speed, in mawk scripts",
                  cpu["mawk"] / cpu["tally"], "x", 4, least=True)
    report.figure("  memory of tally, all cells kept",
                  runs["tally"][0].rss_kib / 1024, "MiB", "%.1f")


def play_events(path, events):
    """What an event socket says of callers who come, are answered and go."""
    switch = esl_server.Switch(start=1760000000)
    with open(path, "wb") as file:
        for begin in range(0, events // 4, 500):
            names = ["s%d" % n for n in range(begin, begin + 500)]
            for step in (switch.arrive, switch.answer, switch.end):
                switch.now += 2
                file.write(b"".join(step(name) for name in names))
    return (events // 4 + 499) // 500 * 2000


def bench_events(bench):
    report = bench.report
    path = os.path.join(bench.directory, "events.esl")
    events = play_events(path, min(bench.part_lines, 400000))
    report.title("freeswitch-esl: processor time of one thread")
    runs = measure.take_turns(bench.runs, {"events": lambda: measure.Run(
        [harness.binary("ringtally"), "tally", "-f", "freeswitch-esl", "-o",
         "csv", path])})
    report.budget("ringtally tally -f freeswitch-esl",
                  events / measure.best(runs["events"], "cpu_s") / 1000,
                  "k events/s", 150, least=True, form="%.0f")
    os.unlink(path)
