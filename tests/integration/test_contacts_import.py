# SPDX-License-Identifier: BSD-2-Clause
"""ringtally contacts and ringtally forget: what comes in by hand, comes in
once; what is to be forgotten is nowhere any more."""
import csv
import datetime
import io
import json
import os
import random
import subprocess

import pytest

import harness

DAY = datetime.date.today() - datetime.timedelta(days=10)
HEAD = ["Case No", "Opened", "Way", "Service", "Reason", "Request", "Done",
        "Phone"]
MAP = ("--map", "ref=Case No,time=Opened,channel=Way,category=Reason,"
       "resolved=Done,customer=Phone", "--value",
       "category:Chase=progress_chasing", "--time-format", "%d/%m/%Y %H:%M")


def rows(n, seed=1):
    dice = random.Random(seed)
    return [["C%05d" % i, "%s %02d:%02d" % (
        DAY.strftime("%d/%m/%Y"), dice.randrange(8, 18), dice.randrange(60)),
        dice.choice(["Telephone", "Face to face", "E-mail"]),
        dice.choice(["Council Tax", "Waste, \"green\"", "=1+1"]),
        dice.choice(["Chase", "Not avoidable", "Repeat notification", ""]),
        "R%d" % dice.randrange(n), dice.choice(["yes", "no", ""]),
        "0114 496 %04d" % (i % 3000)] for i in range(n)]


def text(lines, head=HEAD):
    out = io.StringIO()
    csv.writer(out).writerows([head, *lines])
    return out.getvalue().encode()


class Cli:
    """ringtally with the configuration of a rig, which no daemon needs."""

    def __init__(self, rig, **config):
        self.rig = rig
        control = os.path.join(rig.directory, "control")
        self.daemon = rig.daemon(rig.config(
            country_code="44", live={"control": control},
            services=[{"name": "Housing", "queues": ["*"]}], **config))
        key = os.path.join(rig.directory, "caller.key")
        with open(key, "w") as f:
            f.write("5a" * 32 + "\n")
        os.chmod(key, 0o600)

    def start(self, *args, **kwargs):
        return subprocess.Popen(
            [harness.binary("ringtally"), "-c", self.daemon.conf_path, *args],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, **kwargs)

    def run(self, *args, given=b"", code=0):
        process = self.start(*args)
        out, err = (s.decode() for s in process.communicate(given))
        assert process.returncode == code, out + err
        return out, err

    def put(self, given, *args, code=0):
        return self.run("contacts", "import", *MAP, *args, "-", given=given,
                        code=code)


@pytest.fixture
def cli(rig):
    return Cli(rig)


def contacts(rig):
    """All that is kept of contacts, but when it was written."""
    return rig.db.execute(
        "SELECT to_jsonb(c) - 'written_at' FROM ringtally.contact AS c "
        "ORDER BY ref").fetchall()


def test_twice_shuffled_and_dry(cli, rig):
    lines = rows(500)
    out, _ = cli.put(text(lines), "--dry-run")
    assert "500 new, 0 changed, 0 as before, 0 refused; nothing" in out
    assert contacts(rig) == []
    out, err = cli.put(text(lines))
    assert "500 new, 0 changed, 0 as before, 0 refused\n" in out and not err
    first = contacts(rig)
    assert len(first) == 500
    assert {row[0]["category"] for row in first} == {
        "progress_chasing", "not_avoidable", "repeat_notification",
        "not_assessed"}
    random.Random(2).shuffle(lines)
    out, _ = cli.put(text(lines))
    assert "0 new, 0 changed, 500 as before" in out
    assert contacts(rig) == first
    # the same in a spreadsheet's clothes: BOM, semicolons, CRLF
    other = io.StringIO()
    csv.writer(other, delimiter=";").writerows([HEAD, *lines])
    out, _ = cli.put(b"\xef\xbb\xbf" + other.getvalue().encode())
    assert "0 new, 0 changed, 500 as before" in out
    # what a dry run tells is what comes
    lines[0][4] = "Complaint"
    lines[1][4] = "chase" if lines[1][4] != "Chase" else "Not avoidable"
    lines.append(["C99999", *lines[0][1:]])
    told, _ = cli.put(text(lines), "--dry-run")
    assert contacts(rig) == first
    came, err = cli.put(text(lines))
    assert told == came.replace("\n", "; nothing was written\n")
    assert "1 new, 2 changed, 498 as before" in came
    assert rig.db.execute("SELECT DISTINCT why FROM ringtally.contact_change"
                          ).fetchall() == [("standard input",)]
    assert 'category "Complaint" is not known here' in err


def test_refs_of_rows_without_one(cli, rig):
    """Rows that are alike are as many contacts, whatever their order."""
    lines = [row[1:] for row in rows(300)]
    for row in lines:
        row[0] = row[0][:13] + ":00"
        row[4] = "R1"
        row[6] = ""
    cli_map = ("contacts", "import", "--map", "time=Opened,channel=Way,"
               "category=Reason,resolved=Done", "--time-format",
               "%d/%m/%Y %H:%M", "--value", "category:Chase=progress_chasing")
    out, err = cli.run(*cli_map, "-", given=text(lines, HEAD[1:]))
    assert "300 new, 0 changed, 0 as before" in out
    assert "refs were made from the rows" in err
    first = contacts(rig)
    random.Random(3).shuffle(lines)
    out, _ = cli.run(*cli_map, "-", given=text(lines, HEAD[1:]))
    assert "0 new, 0 changed, 300 as before" in out
    assert contacts(rig) == first


def test_broken_off(cli, rig):
    """kill -9 in the middle, then all of it once more: as if nothing was."""
    lines = rows(harness.quick_or_slow(12000, 60000))
    whole = text(lines)
    process = cli.start("contacts", "import", *MAP, "-")
    process.stdin.write(whole[:-1000])
    process.stdin.flush()
    harness.poll("a chunk is written", lambda: contacts_count(rig) >= 10000)
    process.kill()
    process.wait(30)
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()
    written = contacts_count(rig)
    assert 0 < written < len(lines)
    out, _ = cli.put(whole)
    assert "%d new, 0 changed, %d as before" % (
        len(lines) - written, written) in out
    assert contacts_count(rig) == len(lines)
    got = rig.db.execute("SELECT ref, request FROM ringtally.contact "
                         "ORDER BY ref").fetchall()
    assert got == [(row[0], row[5]) for row in lines]
    # a signal, too, leaves whole chunks and says so
    rig.db.execute("DELETE FROM ringtally.contact")
    process = cli.start("contacts", "import", *MAP, "-")
    process.stdin.write(whole[:-1000])
    process.stdin.flush()
    harness.poll("a chunk is written", lambda: contacts_count(rig) >= 10000)
    process.terminate()
    _, err = process.communicate(whole[-1000:])
    assert process.returncode == 1
    written = contacts_count(rig)
    assert written % 10000 == 0
    assert b"broken off" in err
    assert b"%d contacts are written" % written in err


def contacts_count(rig):
    return rig.db.execute(
        "SELECT count(*) FROM ringtally.contact").fetchone()[0]


def test_hostile_rows(cli, rig):
    """What is wrong is told by line and column, and nothing else suffers."""
    good = rows(4)
    bad = text(good[:2]) + (
        b'C7,31/02/2026 10:00,,,,,,\r\n'
        b'C8,"never\xff",,,,,,\r\n'
        b',' + good[0][1].encode() + b',,,,,,\r\n'
        b'C9,' + good[0][1].encode() + b',,,,,perhaps,\r\n'
        b'C10,01144960001,,,,,,\r\n'
        b'C11,\0,,,,,,\r\n'
        b'C12,x,,,,,,,,,more\r\n'
        b'C14,31/12/2100 10:00,,,,,,\r\n' + text(good[2:]).split(b"\r\n", 1)[1] +
        b'C13,"')
    out, err = cli.put(bad, code=1)
    assert "4 new, 0 changed, 0 as before, 9 refused" in out
    told = [line.split(":")[1:3] for line in err.splitlines()]
    assert told == [["4", "4"], ["5", "10"], ["6", "1"], ["7", "25"],
                    ["8", "5"], ["9", "5"], ["10", "13"], ["11", "5"],
                    ["14", "5"]]
    assert "0114" not in err
    assert contacts_count(rig) == 4
    # all or nothing
    rig.db.execute("DELETE FROM ringtally.contact")
    out, err = cli.put(bad, "--whole", "--errors", "2", code=1)
    assert "nothing was written" in out and contacts_count(rig) == 0
    assert len(err.splitlines()) == 3


def test_list_opens_a_figure(cli, rig):
    cli.put(text(rows(200)))
    day = DAY.isoformat()
    out, _ = cli.run("contacts", "list", "--from", day, "--to", day, "-o",
                     "json")
    listed = json.loads(out)
    assert len(listed) == 200
    figure = rig.db.execute(
        "SELECT contacts, assessed, avoidable FROM ringtally.contact_figures("
        "'test', %s::date, %s::date + 1)", (day, day)).fetchone()
    by = [row["assessed"] for row in listed]
    assert figure == (200, 200 - by.count("not_assessed"),
                      by.count("avoidable"))
    out, _ = cli.run("contacts", "list", "--from", day, "--to", day,
                     "--service", "=1+1", "--channel", "email",
                     "--assessed", "avoidable", "-o", "csv")
    found = list(csv.DictReader(io.StringIO(out)))
    assert found and all(row["service"] == "'=1+1" for row in found)
    assert len(found) == sum(
        row["service"] == "=1+1" and row["channel"] == "email" and
        row["assessed"] == "avoidable" for row in listed)
    assert not any("496" in line for line in out.splitlines())
    out, _ = cli.run("contacts", "list", "--to", day, "--from",
                     (DAY + datetime.timedelta(days=1)).isoformat(), "-o",
                     "csv")
    assert len(out.splitlines()) == 1


def test_two_systems_count_alike(cli, rig):
    """The second one's 1001 is another contact: refused with its line, or told
    apart by a prefix."""
    head = ["ref", "time", "channel", "category", "request"]
    at = DAY.isoformat()
    mine = text([["1001", at, "email", "progress_chasing", "7"]],
                head)
    other = text([["1002", at, "post", "", "8"],
                  ["1001", at, "post", "not_avoidable", "7"]],
                 head)
    run = ("contacts", "import", "-")
    cli.run(*run, "--source", "e-mail", given=mine)
    kept = contacts(rig)
    for how, left in (("--whole", 1), ("--dry-run", 1), ("--errors=9", 2)):
        out, err = cli.run(*run, how, "--source", "counter", given=other,
                           code=1)
        assert "1 new, 0 changed, 0 as before, 1 refused" in out
        assert ('standard input:3: ref: it is of another source\'s contact, "e-mail"'
                in err), err
        assert len(contacts(rig)) == left
    assert kept[0] in contacts(rig)
    out, _ = cli.run(*run, "--source", "counter", "--ref-prefix", "counter-",
                     "--request-prefix", "c", given=other)
    assert "2 new, 0 changed, 0 as before, 0 refused" in out
    assert rig.db.execute("SELECT ref, request FROM ringtally.contact "
                          "WHERE ref ~ 'counter' ORDER BY ref").fetchall() == [
        ("counter-1001", "c7"), ("counter-1002", "c8")]
    out, err = cli.run(*run, "--source", "e-mail", given=mine)
    assert "0 new, 0 changed, 1 as before, 0 refused" in out
    assert "older than" not in err
    # before the time that is kept
    old = (datetime.date.today() - datetime.timedelta(days=403)).isoformat()
    _, err = cli.run(*run, given=text([["3", old, "", "", ""]], head))
    assert "note: 1 contacts are older than contacts are kept (400 days)" in err


def test_sheet(cli, rig):
    rig.db.execute(
        "INSERT INTO ringtally.sampling_period (site, name, starts_on, "
        "ends_on) VALUES ('test', 'Autumn', %s, %s)", (DAY, DAY))
    sheet = ("Channel,Service,Progress chasing,not-avoidable\n"
             "Face to face,Housing,14,52\nface_to_face,Housing,1,\n"
             "Post,,,3\n").encode()
    put = ("contacts", "sheet", "--period", "Autumn", "-")
    out, _ = cli.run(*put, "--dry-run", given=sheet)
    assert "3 counts new, 0 changed, 0 as before, 0 taken away" in out
    sample = ("SELECT timezone, sample_size, avoidable "
              "FROM ringtally.contact_sample JOIN ringtally.site USING (site)")
    assert rig.db.execute(sample).fetchall() == []
    out, _ = cli.run(*put, given=sheet)
    # also of a site that never had a daemon
    assert rig.db.execute(sample).fetchall() == [
        (cli.daemon.config["timezone"], 70, 15)]
    kept = ("SELECT channel, service, category, contacts "
            "FROM ringtally.contact_sheet ORDER BY 1, 2, 3")
    assert rig.db.execute(kept).fetchall() == [
        ("face_to_face", "Housing", "not_avoidable", 52),
        ("face_to_face", "Housing", "progress_chasing", 15),
        ("post", "", "not_avoidable", 3)]
    out, _ = cli.run(*put, given=sheet)
    assert "0 counts new, 0 changed, 3 as before, 0 taken away" in out
    # the other form, and a line less
    narrow = ("channel,service,category,contacts,resolved\n"
              "Face to face,Housing,Progress chasing,15,3\n").encode()
    out, _ = cli.run(*put, given=narrow)
    assert "0 counts new, 1 changed, 0 as before, 2 taken away" in out
    out, err = cli.run(*put, given=narrow.replace(b"15", b"many"), code=1)
    assert "1 refused; nothing was written" in out and "not a count" in err
    assert len(rig.db.execute(kept).fetchall()) == 1
    _, err = cli.run("contacts", "sheet", "--period", "Spring", "-",
                     given=sheet, code=1)
    assert 'there is no sampling period "Spring", but "Autumn"' in err
    # of another channel than the period: no line of it
    rig.db.execute("UPDATE ringtally.sampling_period SET channel = 'post'")
    _, err = cli.run(*put, given=sheet, code=1)
    assert ('face_to_face, "Housing", not_avoidable is not of the sampling '
            'period "Autumn", which is of post only') in err
    rig.db.execute("UPDATE ringtally.sampling_period SET channel = NULL")
    cli.run(*put, "--why", "a page was missing", given=sheet)
    assert {row[0] for row in rig.db.execute(
        "SELECT why FROM ringtally.contact_change WHERE what = 'sheet' "
        "AND name = 'Autumn'")} == {"standard input", "a page was missing"}
    _, err = cli.run(*put, "--source", "Town Hall", given=narrow, code=1)
    assert 'was counted by "sheet" already' in err


def dump(rig):
    """All that the database holds of the schema, as text."""
    return subprocess.run(
        [os.path.join(harness.pg_bindir(), "pg_dump"), "-n", "ringtally",
         "-d", rig.server.conninfo(rig.database)], check=True,
        capture_output=True, text=True).stdout


def queue_log(now, caller, call, ends=True):
    lines = [(0, "ENTERQUEUE||%s|1" % caller)]
    if ends:
        lines.append((9, "ABANDON|1|1|9"))
    return "".join("%d|%s|ctax|NONE|%s\n" % (now + after, call, what)
                   for after, what in lines).encode()


def hashes(rig):
    return {bytes(row[0]).hex() for row in rig.db.execute(
        "SELECT caller FROM ringtally.visit WHERE caller IS NOT NULL UNION "
        "SELECT caller FROM ringtally.open_visit WHERE caller IS NOT NULL "
        "UNION SELECT customer FROM ringtally.contact "
        "WHERE customer IS NOT NULL")}


def test_forget(cli, rig):
    """A caller who rang, rings now, gave up, and wrote: nowhere any more, in
    the database or in the daemon's memory; the other caller stays."""
    now = int(datetime.datetime.now().timestamp()) - 60
    log = b"".join([queue_log(now, "01144960001", "a1"),
                    queue_log(now + 20, "01144960001", "a2", ends=False),
                    queue_log(now + 20, "01144960002", "b1", ends=False)])
    harness.append(rig.log, log)
    cli.daemon.start(wait="READY")
    rig.settle()
    cli.put(text([[*rows(1)[0][:7], "+44 (0)114 496 0001"]]))
    harness.poll("all are known", lambda: len(hashes(rig)) == 2)
    before = hashes(rig)
    out, err = cli.run("forget", "-o", "json", given=b"0114 496 0001\n")
    assert not err
    went = {row["what"]: row["forgotten"] for row in json.loads(out)}
    # by then the daemon may have written the open ones anew by itself
    assert 0 <= went.pop("open visits") <= 2
    assert went == {"visits in the daemon's memory": 2, "to be rung back": 1,
                    "visits": 1, "contacts": 1}
    left = hashes(rig)
    assert len(left) == 1 and left < before
    gone = (before - left).pop()
    assert gone not in dump(rig)
    # the open call ends: what is written then knows no more
    end = now + 30
    harness.append(rig.log, b"".join(
        b"%d|%s|ctax|NONE|ABANDON|1|1|%d\n" % (end, call, 10)
        for call in (b"a2", b"b1")))
    rig.settle()
    assert hashes(rig) == left
    assert cli.daemon.stop() == 0
    text_of_all = dump(rig)
    assert gone not in text_of_all and left.pop() in text_of_all
    assert rig.db.execute(
        "SELECT sum(abandoned) FROM ringtally.queue_interval"
    ).fetchone()[0] == 3
    # nobody runs any more: that has to be said
    _, err = cli.run("forget", given=b"01144960002\n", code=1)
    assert "--no-daemon" in err and "4960002" not in err
    out, _ = cli.run("forget", "--no-daemon", given=b"\n01144960002\n")
    assert hashes(rig) == set()
    _, err = cli.put(text([
        [*rows(1)[0][:7], "jo.smith@example.org"],
        ["C2", *rows(1)[0][1:7], "josmith@other.com"],
        ["C3", *rows(1)[0][1:7], "Anna Jones"]]))
    assert "note: 1 customers are neither numbers nor e-mail addresses" in err
    assert len(hashes(rig)) == 2
    out, _ = cli.run("forget", "--no-daemon", given=b"Jo.Smith@example.org\n")
    assert len(hashes(rig)) == 1
    _, err = cli.run("forget", "--no-daemon", given=b"Anna Jones\n", code=1)
    assert "line 1" in err and "Anna" not in err
    _, err = cli.run("forget", "--no-daemon", given=b"withheld\n", code=1)
    assert "line 1" in err and "withheld" not in err
    cli.run("forget", "01144960002", code=2)
