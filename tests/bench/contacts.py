# SPDX-License-Identifier: BSD-2-Clause
"""Contacts brought in as CSV: what reading them takes (quotes, local times,
words, line ends within fields), and what the database takes for them."""
import datetime
import os
import random

import database
import harness
import measure

LINES = 500000
PUT_LINES = 50000
THOUSAND = 1000
HEAD = "Case No,Opened,Channel,Service,Category,Request,Resolved,Notes\n"
MAP = "ref=Case No,time=Opened"


def make(path, lines):
    dice = random.Random(11)
    begin = datetime.datetime(2026, 1, 5, 8)
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        file.write(HEAD)
        for number in range(lines):
            at = begin + datetime.timedelta(seconds=number * 10)
            file.write("C%07d,%s,%s,%s,%s,R%06d,%s,%s\n" % (
                number, at.strftime("%d/%m/%Y %H:%M:%S"),
                dice.choice(("Telephone", "Face to face", "E-mail", "Web")),
                dice.choice(("Council Tax", "\"Waste, recycling\"",
                             "Housing")),
                dice.choice(("Progress chasing", "Not avoidable", "",
                             "Repeat notification")),
                dice.randrange(lines), dice.choice(("yes", "no", "")),
                dice.choice(("rang about it", "\"said \"\"no\"\",\nthen yes\"",
                             "caf\u00e9 owner"))))
    os.rename(path + ".tmp", path)


def read(path, *more):
    return measure.Run([
        harness.binary("ringtally"), "contacts", "import", "--map", MAP,
        "--time-format", "%d/%m/%Y %H:%M:%S", *more, path])


def bench_contacts(bench):
    path = os.path.join(bench.directory, "contacts.csv")
    if not os.path.exists(path):
        measure.log("making %d contacts" % LINES)
        make(path, LINES)
    bench.report.title("contacts: CSV, processor time of one thread")
    runs = [read(path, "--check", "--timezone", "Europe/London")
            for _ in range(bench.runs)]
    bench.report.budget("contacts import, parsed",
                        LINES / measure.best(runs, "cpu_s") / THOUSAND,
                        "k contacts/s", 200, least=True)
    part = path + ".part"
    make(part, PUT_LINES)
    with database.place(bench) as place:
        conf = place.daemon(place.config()).conf_path
        first = read(part, "-c", conf)
        again = read(part, "-c", conf)
    bench.report.figure("  into PostgreSQL, wall clock",
                        PUT_LINES / first.wall_s / THOUSAND, "k contacts/s")
    bench.report.figure("  the same once more",
                        PUT_LINES / again.wall_s / THOUSAND, "k contacts/s")
