# SPDX-License-Identifier: BSD-2-Clause
"""How fast formats other than the queue_log's parse: records to events, which
nobody follows. The lines are made here, of the shapes that real ones have."""
import datetime
import os
import random

import harness
import measure

MILLION = 1000000
START = datetime.datetime(2026, 3, 2, 8)


def smdr_lines(lines):
    """SMDR of a switch with 40 agents: one call in 20 of two segments, one in
    five outwards, two in five to voicemail; they end in another order than
    they begin in."""
    dice = random.Random(7)
    number, at, waiting = 1000000, START, []
    while lines > 0:
        at += datetime.timedelta(seconds=dice.randrange(1, 9))
        number += 1
        head = at.strftime("%Y/%m/%d %H:%M:%S")
        talk, ring = dice.randrange(1, 900), dice.randrange(1, 22)
        spoken = "%02d:%02d:%02d" % (talk // 3600, talk // 60 % 60, talk % 60)
        agent = dice.randrange(200, 240)
        caller = "%010d" % dice.randrange(10 ** 9, 10 ** 10)
        tail = "0,0,,,,,,,,,,,,,,192.168.1.21,%d,192.168.1.21,%d" % (
            number % 7, number % 65536)
        kind = dice.random()
        if kind < 0.2:
            line = "%s,%s,0,%d,O,%s,%s,,0,%d,0,E%d,Agent%d,T9001,Line 1.0,%s"
            rows = [line % (head, spoken, agent, caller, caller, number,
                            agent, agent, tail)]
        elif kind < 0.6:
            line = "%s,%s,21,%s,I,203,5554061722,,0,%d,0,V9542,VM Channel 42" \
                ",T9002,Line 2.0,%s"
            rows = [line % (head, spoken, caller, number, tail)]
        else:
            line = "%s,%s,%d,%s,I,%d,5554061722,,0,%d,%d,E%d,Agent%d,T9002," \
                "Line 2.0,%s"
            more = kind > 0.95
            rows = [line % (head, spoken, ring, caller, 203 + number % 8,
                            number, more, agent, agent, tail)]
            if more:
                rows.append(line % (head, spoken, 0, caller, 221, number, 0,
                                    agent + 1, agent + 1, tail))
        waiting.extend(rows)
        while len(waiting) > 30:
            lines -= 1
            yield waiting.pop(0 if waiting[0][20:28] != "00:00:00" else 1)


def make(path, lines):
    with open(path + ".tmp", "w", newline="", encoding="utf-8") as file:
        for line in smdr_lines(lines):
            file.write(line + "\r\n")
    os.rename(path + ".tmp", path)


def parse(path, zone):
    return measure.Run(
        ["sh", "-c", 'exec "$0" -n -z "$1" avaya-ipoffice <"$2"',
         os.path.join(harness.BUILD, "tests", "tool", "events"), zone, path])


def bench_formats(bench):
    path = os.path.join(bench.directory, "smdr-%d" % bench.part_lines)
    if not os.path.exists(path):
        measure.log("making %d lines of SMDR" % bench.part_lines)
        make(path, bench.part_lines)
    with open(path, "rb") as file:
        lines = sum(1 for _ in file)
    bench.report.title("formats: processor time of one thread")
    runs = measure.take_turns(bench.runs, {
        "local": lambda: parse(path, "America/Los_Angeles"),
        "utc": lambda: parse(path, "UTC")})
    cpu = {name: measure.best(made, "cpu_s") for name, made in runs.items()}
    bench.report.budget("avaya-ipoffice, local time",
                        lines / cpu["local"] / MILLION, "M lines/s", 1.5,
                        least=True)
    bench.report.figure("  the same, if the times were UTC",
                        lines / cpu["utc"] / MILLION, "M lines/s")
