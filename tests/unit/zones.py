#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What base/local.c (ICU) makes of local times, against Python's zoneinfo,
which reads the system's zones: around the changes of the clocks of several
years, in zones of every kind."""
import datetime
import os
import subprocess
import sys
import zoneinfo

ZONES = [
    "Europe/London", "Europe/Amsterdam", "Europe/Dublin", "Europe/Moscow",
    "America/Los_Angeles", "America/New_York", "America/St_Johns",
    "America/Sao_Paulo", "America/Havana", "Australia/Lord_Howe",
    "Australia/Adelaide", "Pacific/Apia", "Pacific/Chatham",
    "Africa/Casablanca", "Asia/Beirut", "Asia/Kathmandu", "Asia/Tehran",
    "UTC",
]
YEARS = (2011, 2017, 2019, 2022)
EPOCH = datetime.datetime(1970, 1, 1)
UNIQUE, AMBIGUOUS, SKIPPED = 0, 1, 2


def offset(zone, utc):
    moment = datetime.datetime.fromtimestamp(utc, zone)
    return int(moment.utcoffset().total_seconds())


def changes(zone, year):
    """The first UTC second of each new offset of a year."""
    start = int(datetime.datetime(
        year, 1, 1, tzinfo=datetime.timezone.utc).timestamp())
    for day in range(start, start + 366 * 86400, 86400):
        low, high = day, day + 86400
        before = offset(zone, low)
        if before == offset(zone, high):
            continue
        while high - low > 1:
            middle = (low + high) // 2
            if offset(zone, middle) == before:
                low = middle
            else:
                high = middle
        yield high


def expected(zone, local):
    """(result, earlier, later) by PEP 495's rules."""
    naive = EPOCH + datetime.timedelta(seconds=local)
    at = [int(naive.replace(tzinfo=zone, fold=fold).timestamp())
          for fold in (0, 1)]
    if at[0] == at[1]:
        return UNIQUE, at[0], at[1]
    if at[0] < at[1]:
        return AMBIGUOUS, at[0], at[1]
    return SKIPPED, at[1], at[0]


def questions():
    for name in ZONES:
        zone = zoneinfo.ZoneInfo(name)
        for year in YEARS:
            middle = int((datetime.datetime(year, 6, 15, 12) -
                          EPOCH).total_seconds())
            yield name, zone, middle
            for utc in changes(zone, year):
                local = utc + offset(zone, utc)
                for step in range(-9000, 9001, 600):
                    yield name, zone, local + step
                    yield name, zone, local + step - 1


def main():
    program = os.path.join(os.environ.get("top_builddir", "."), "tests",
                           "unit", "test-local")
    asked = list(questions())
    text = "".join("%s %d\n" % (name, local) for name, _, local in asked)
    out = subprocess.run([program, "answer"], input=text, text=True,
                         stdout=subprocess.PIPE, check=True).stdout
    answers = out.splitlines()
    bad = 0
    seen = [0, 0, 0]
    for (name, zone, local), answer in zip(asked, answers):
        want = expected(zone, local)
        seen[want[0]] += 1
        if answer != "%d %d %d" % want:
            bad += 1
            if bad <= 20:
                print("%s %s: %s, not %s" % (
                    name, EPOCH + datetime.timedelta(seconds=local), answer,
                    want))
    print("%d unique, %d ambiguous, %d skipped; %d differ" % (*seen, bad))
    return 1 if bad or len(answers) != len(asked) or min(seen) == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
