# SPDX-License-Identifier: BSD-2-Clause
"""Contacts: told by switches and by a CRM system, in the database once each,
and their figures back on the live pages."""
import json
import os
import signal
import subprocess
import threading
import time

import psycopg
import pytest

import figures
import harness
import web as web_
from harness import quick_or_slow
from test_http import OpenApi
from test_ingest import post
from web import Stream

API = "/api/v1/contacts"
NUMBER = "01142730987"


@pytest.fixture
def web():
    web = web_.Web()
    yield web
    web.close()


def crm(**more):
    return {"name": "crm", "switch": "crm", "transport": "http",
            "format": "ringtally-json", **more}


def start(rig, web, contacts=None, daemon=None, flush_s=0.05):
    daemon = daemon or rig.daemon(rig.config(
        database={"flush_s": flush_s},
        spool_folder=os.path.join(rig.directory, "spool"), live=web.live(),
        contacts={"feed": "crm", **(contacts or {})},
        feeds=[rig.feed(), crm()]))
    daemon.start("-v", wait="READY=1")
    web.wait()
    harness.poll("the feed is open",
                 lambda: web.ask("/ingest/crm").status == 405)
    return daemon


def contact(n, **more):
    return {"ref": "CRM-%d" % n, "time": int(time.time()) - 30, **more}


def tell(web, *contacts, **headers):
    body = contacts[0] if len(contacts) == 1 else list(contacts)
    return post(web, json.dumps(body).encode(), API,
                Content_Type="application/json", **headers)


def check_answer(answer, status):
    api = OpenApi()
    assert answer.status == status, answer.text
    content = api.doc["paths"][API]["post"]["responses"][str(status)]
    kind = answer.headers["Content-Type"].split(";")[0]
    api.check(content["content"][kind]["schema"], answer.json)
    return answer.json


def told(rig):
    return {row["ref"]: row for row in figures.rows(
        rig.db, "SELECT * FROM ringtally.contact WHERE site = 'test'")}


def wait_told(rig, check):
    """check: of the rows by their refs"""
    harness.poll("the contacts are told", lambda: check(told(rig)))
    return told(rig)


def all_of(rig):
    """The figures of the last day and the next."""
    return figures.rows(
        rig.db, "SELECT * FROM ringtally.contact_figures('test', "
        "now() - interval '1 day', now() + interval '1 day', '{}')")[0]


def live(web, check):
    return harness.poll("it is shown", lambda: (
        lambda doc: doc["as_of"] and check(doc) and doc)(web.ask(API).json))


def test_posted_and_shown(rig, web):
    daemon = start(rig, web)
    stream = Stream(web)
    stream.next()
    answer = check_answer(tell(web, contact(
        1, channel="web", category="progress_chasing", request="R-1",
        resolved=True, customer=NUMBER, note="x < y", x_own=[1])), 200)
    assert answer["detail"] == "1 record stored"
    assert answer["notes"] == [
        {"index": 0, "detail": "note: no member of a contact"}]
    # on many lines, with what may stand before UTF-8
    body = "\ufeff \n[\n%s\n]\n" % ",\n".join(
        json.dumps(contact(n, category="not_avoidable"), indent=1)
        for n in range(2, 5))
    answer = check_answer(post(web, body.encode(), API), 200)
    assert answer["detail"] == "3 records stored"
    assert "notes" not in answer
    rows = wait_told(rig, lambda rows: len(rows) == 4)
    assert rows["CRM-1"]["channel"] == "web" and rows["CRM-1"]["resolved"]
    assert rows["CRM-2"]["channel"] == "telephone"
    assert len(rows["CRM-1"]["customer"]) == 16
    assert rows["CRM-1"]["source"] == "crm"
    doc = live(web, lambda doc: doc["last_28_days"]["contacts"] == 4)
    figure = all_of(rig)
    for name in ("contacts", "assessed", "avoidable", "ni14_pct",
                 "coverage_pct", "requests", "fcr_pct"):
        assert doc["last_28_days"][name] == float(figure[name]), name
    assert doc["last_28_days"]["ni14_pct"] == 25
    assert not doc["stale"]
    OpenApi().answer(API, web.ask(API))
    # and the stream has said so, too
    while not stream.contacts or \
            stream.contacts[-1]["last_28_days"]["contacts"] < 4:
        stream.next()
    # nothing changes, and who comes now is told all the same
    stream = Stream(web)
    while not stream.contacts:
        stream.next()
    # the number is nowhere: neither in the log nor in the database
    daemon.stop()
    assert NUMBER[1:] not in daemon.stderr()
    assert NUMBER[1:] not in str(told(rig))


WRONG = [
    ({"time": 1787306412}, "ref: it is missing, and there is no call_id"),
    ({"ref": "a"}, "time: it is missing"),
    ({"ref": 7, "time": 1787306412}, "ref: not a text"),
    ({"ref": "a", "time": 1787306412000}, "time: no time with its zone"),
    ({"ref": "a", "time": int(time.time()) + 90000}, "time: more than a day"),
    ({"ref": "a", "time": 1787306412, "assessed_at": int(time.time()) + 90000},
     "assessed_at: more than a day ahead"),
    ({"ref": "a", "time": 1787306412, "resolved": "yes"}, "resolved: neither"),
    ({"ref": "a", "time": 1787306412, "event": "enter"}, "event: not"),
    # beside what is to stand there it would be a second one
    ({"ref": "a", "time": 1787306412, "event": None}, "event: not"),
    ({"ref": "a", "time": 1787306412, "event": ""}, "event: not"),
    # and so would this be one more than a record may have
    ({"ref": "a", "time": 1787306412, **{"m%d" % i: i for i in range(62)}},
     "too many members"),
    ({"ref": "a" * 256, "time": 1787306412}, "ref: longer than 255 bytes"),
    ({"ref": "a", "time": 1787306412, "service": "x" * 65500}, "longer than"),
]


def test_customers_by_address(rig, web):
    """An address is one whole; a name is nobody, and its sender hears it."""
    daemon = start(rig, web)
    answer = check_answer(tell(
        web, contact(1, customer="jo.smith@example.org"),
        contact(2, customer="josmith@other.com"),
        contact(3, customer="Anna Jones"),
        contact(4, customer="<Jo.Smith@EXAMPLE.org>", categroy="x",
                channel="FACE TO FACE", category="Progress chasing")), 200)
    assert answer["notes"] == [
        {"index": 2, "detail": "customer: neither a number nor an e-mail "
         "address, left out"},
        {"index": 3, "detail": "categroy: no member of a contact"}]
    rows = wait_told(rig, lambda rows: len(rows) == 4)
    assert rows["CRM-1"]["customer"] == rows["CRM-4"]["customer"]
    assert rows["CRM-1"]["customer"] != rows["CRM-2"]["customer"]
    assert None not in (rows["CRM-1"]["customer"], rows["CRM-2"]["customer"])
    assert rows["CRM-3"]["customer"] is None
    # by the words that an import takes, too
    assert (rows["CRM-4"]["channel"], rows["CRM-4"]["category"]) == (
        "face_to_face", "progress_chasing")
    assert rig.db.execute(
        "SELECT sum(count) FROM ringtally.feed_event WHERE event = 'customer "
        "that is neither number nor address'").fetchone()[0] == 1
    # somebody else's ref: refused when the database has seen it, and told
    rig.db.execute("UPDATE ringtally.contact SET source = 'import' "
                   "WHERE ref = 'CRM-3'")
    tell(web, contact(3, category="progress_chasing"))
    harness.poll("it is counted", lambda: rig.db.execute(
        "SELECT count FROM ringtally.feed_event WHERE event = "
        "'contact with a ref of import'").fetchall() == [(1,)])
    assert told(rig)["CRM-3"]["category"] == "not_assessed"
    assert daemon.said("1 contacts of crm not taken: their refs are those of "
                       "import, such as CRM-3")
    daemon.stop()
    assert "smith" not in daemon.stderr() and "Jones" not in daemon.stderr()


def test_one_is_wrong_and_none_is_stored(rig, web):
    start(rig, web)
    for wrong, why in WRONG:
        answer = check_answer(tell(web, wrong), 400)
        assert why in answer["detail"], answer
        answer = check_answer(tell(web, contact(1), wrong, contact(2), wrong),
                              400)
        assert [e["index"] for e in answer["errors"]] == [1, 3]
        assert why in answer["errors"][0]["detail"]
        assert "2 of 4" in answer["detail"] and "[1]" in answer["detail"]
    assert len(check_answer(tell(web, *[{}] * 50), 400)["errors"]) == 16
    good = json.dumps(contact(3)).encode()
    for body in (b"", b" ", b"[]", b"[", b"{", b"]", b"7", b'"x"', b"null",
                 good + b"x", good + good, b"[%s" % good, b"[%s,]" % good,
                 b"[%s %s]" % (good, good), b"[[%s]]" % good, b"\0",
                 good.replace(b"}", b"]"), good[:-1] + b',"x":"\n"}',
                 good[:-1] + b',"x":"\xff"}', good[:-1] + b',"ref":"b"}',
                 good[:-1] + b',"x":"\\u0000"}', b"[" * 100000,
                 good[:-1] + b',"x":' + b"[" * 50 + b"]" * 50 + b"}",
                 b'{"ref":"\\', b'{"ref":"' + b"\\" * 50001):
        answer = post(web, body, API, Content_Type="application/json")
        assert answer.status == 400, (body[:60], answer.text)
        assert answer.json["status"] == 400 and answer.json["detail"]
    check_answer(tell(web, contact(4)), 200)
    wait_told(rig, lambda rows: rows)
    assert list(told(rig)) == ["CRM-4"]


def test_who_may(rig, web):
    tokens = os.path.join(rig.directory, "tokens")
    with open(os.open(tokens, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
        f.write("0123456789abcdef\n")
    daemon = rig.daemon(rig.config(
        spool_folder=os.path.join(rig.directory, "spool"), live=web.live(),
        contacts={"feed": "crm"}, feeds=[crm(token_file=tokens)]))
    start(rig, web, daemon=daemon)
    # before the body is looked at
    check_answer(post(web, b"x", API), 401)
    check_answer(tell(web, contact(1), Authorization="Bearer " + "x" * 16),
                 401)
    check_answer(tell(web, contact(1),
                      Authorization="Bearer 0123456789abcdef"), 200)
    wait_told(rig, lambda rows: rows)
    for method in ("PUT", "DELETE"):
        assert web.ask(API, method).status == 405
    assert tell(web, contact(2), Host="evil.example").status == 403
    # and when there is no feed for them any more
    daemon.config["contacts"] = {}
    daemon.write_config()
    daemon.signal(signal.SIGHUP)
    harness.poll("nobody takes them", lambda: nobody_takes(web))
    assert "contacts.feed" in check_answer(tell(web, contact(2)),
                                           404)["detail"]


def nobody_takes(web):
    try:
        return tell(web, contact(2)).status == 404
    except OSError:
        return False    # it starts anew just now


class Teller(threading.Thread):
    """Tells contact after contact, and each until it was answered 200; first
    of one category, then of another, then of the first one again."""
    CATEGORIES = ("progress_chasing", "not_avoidable", "progress_chasing")

    def __init__(self, web, number):
        super().__init__(daemon=True)
        self.web, self.number = web, number
        self.stopping = threading.Event()
        self.told = 0

    def run(self):
        at = int(time.time()) - 1000
        while not self.stopping.is_set():
            for category in self.CATEGORIES:
                while not self.once({
                        "ref": "%d.%d" % (self.number, self.told),
                        "time": at, "category": category}):
                    self.stopping.wait(0.01)
            self.told += 1

    def once(self, what):
        try:
            return tell(self.web, what).status == 200
        except OSError:
            return False
        except Exception as e:      # of http.client: the daemon was killed
            assert "http" in type(e).__module__, e
            return False


def readable_in(folder, number):
    found = []
    for path, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(path, name), "rb") as f:
                if number.encode() in f.read():
                    found.append(name)
    return found


def forget(daemon, *options):
    return subprocess.run(
        [harness.binary("ringtally"), "-c", daemon.conf_path, "forget", "-o",
         "csv", *options], input=NUMBER + "\n", text=True,
        capture_output=True, timeout=harness.PATIENCE * 2)


def test_number_leaves_the_spool(rig, web):
    """By what is committed nobody can be called any more: once it is
    forgotten, and once the daemon has ended."""
    spools = os.path.join(rig.directory, "spool")
    daemon = start(rig, web, daemon=rig.daemon(rig.config(
        database={"flush_s": 0.05}, spool_folder=spools,
        live=web.live(control=os.path.join(rig.directory, "control")),
        contacts={"feed": "crm"}, feeds=[rig.feed(), crm()])))
    assert tell(web, contact(1, customer=NUMBER)).status == 200
    assert readable_in(spools, NUMBER)
    done = forget(daemon)
    assert (done.returncode, done.stderr) == (0, "")
    # it has waited for the commit
    assert "contacts,1" in done.stdout
    assert not readable_in(spools, NUMBER)
    assert tell(web, contact(2, customer=NUMBER)).status == 200
    wait_told(rig, lambda rows: "CRM-2" in rows)
    assert daemon.stop() == 0
    assert not readable_in(spools, NUMBER)
    done = forget(daemon, "--no-daemon")
    assert done.returncode == 0 and "contacts,1" in done.stdout
    assert spools in done.stderr and NUMBER not in done.stderr


def test_kill(rig, web):
    """kill -9, again and again: what was answered 200 is there once, and as
    it was told last."""
    daemon = start(rig, web)
    tellers = [Teller(web, i) for i in range(3)]
    for teller in tellers:
        teller.start()
    for i in range(quick_or_slow(4, 40)):
        wanted = sum(t.told for t in tellers) + 20
        harness.poll("more are told",
                     lambda: sum(t.told for t in tellers) >= wanted)
        daemon.signal(signal.SIGKILL)
        daemon.wait()
        daemon.start("-v", wait="READY=1")
        web.wait()
    for teller in tellers:
        # the one in work is told to its end
        teller.stopping.set()
    for teller in tellers:
        teller.join(60)
        assert not teller.is_alive()
    refs = {"%d.%d" % (t.number, n) for t in tellers for n in range(t.told)}
    rows = wait_told(rig, lambda rows: refs <= set(rows))
    assert {rows[ref]["category"] for ref in refs} == {"progress_chasing"}
    assert all_of(rig)["contacts"] == len(rows)


@pytest.mark.skipif(not harness.SLOW, reason="a server of its own: slow")
def test_database_is_away(own_rig, web):
    """What is posted meanwhile is safe, and what is shown says its age."""
    rig = own_rig
    start(rig, web)
    assert tell(web, contact(1)).status == 200
    wait_told(rig, lambda rows: len(rows) == 1)
    live(web, lambda doc: doc["last_28_days"]["contacts"] == 1)
    rig.db.close()
    rig.server.stop(signal.SIGQUIT)
    harness.poll("it is stale", lambda: web.ask(API).json["stale"])
    assert web.ask(API).json["last_28_days"]["contacts"] == 1
    assert tell(web, *[contact(n) for n in range(2, 100)]).status == 200
    rig.server.start()
    rig.db = rig.server.connect(rig.database)
    wait_told(rig, lambda rows: len(rows) == 99)
    doc = live(web, lambda doc: doc["last_28_days"]["contacts"] == 99)
    assert not doc["stale"]


def call(n, at):
    return (b"%d|c.%d|ctax|NONE|ENTERQUEUE||%s|1\n"
            b"%d|c.%d|ctax|Jo|CONNECT|3|c.9|1\n"
            b"%d|c.%d|ctax|Jo|COMPLETEAGENT|3|20|1\n" % (
                at, n, NUMBER.encode(), at + 3, n, at + 23, n))


def test_call_code_and_record_are_one(rig, web):
    """Whichever comes first: the call, its wrap-up code, the CRM's record."""
    daemon = start(rig, web)
    at = int(time.time()) - 600
    codes = [b"%d|c.%d|ctax|Jo|CALLSTATUS|PC\n" % (at + 25, n)
             for n in range(4)]
    # before its call; by agent and time, when the call is over
    assert tell(web, {"ref": "R0", "time": at + 26, "call_id": "c.0",
                      "category": "not_avoidable"}).status == 200
    wait_told(rig, lambda rows: len(rows) == 1)
    harness.append(rig.log, codes[0] + call(0, at) + call(1, at + 60) +
                   codes[1])
    wait_told(rig, lambda rows: {"call:pbx:c.0", "call:pbx:c.1"} <= set(rows))
    assert tell(web, {"ref": "R1", "time": at + 86, "call_id": "c.1",
                      "switch": "pbx", "category": "not_avoidable"},
                {"ref": "R2", "time": at + 200, "agent": "Jo",
                 "category": "progress_chasing"}).status == 200
    wait_told(rig, lambda rows: len(rows) == 5)
    harness.append(rig.log, call(2, at + 170))
    rig.settle()
    # what is done each minute is done at a start, too
    daemon.stop()
    daemon.start("-v", wait="READY=1")
    # three calls, each told once more
    harness.poll("they are one", lambda: all_of(rig)["contacts"] == 3)
    rows = told(rig)
    assert rows["R0"]["joined_by"] == rows["R1"]["joined_by"] == "call_id"
    assert rows["R2"]["joined_by"] == "agent"
    assert (rows["R2"]["switch"], rows["R2"]["call_id"]) == ("pbx", "c.2")
    figure = all_of(rig)
    assert (figure["assessed"], figure["avoidable"]) == (3, 1)
    daemon.stop()
    assert NUMBER[1:] not in daemon.stderr()


def test_reload_counts_history_again(rig, web):
    """A code that nobody knows is shown as such; when the configuration knows
    it, and when it means something else."""
    daemon = start(rig, web)
    at = int(time.time()) - 600
    harness.append(rig.log, call(1, at) +
                   b"%d|c.1|ctax|Jo|CALLSTATUS|PC\n" % (at + 25))
    rows = wait_told(rig, lambda rows: rows)
    assert rows["call:pbx:c.1"]["code"] == "PC"
    assert all_of(rig)["assessed"] == 0
    unknown = figures.rows(rig.db, "SELECT kind, name, contacts "
                           "FROM ringtally.contact_unknown")
    assert {"kind": "code", "name": "PC", "contacts": 1} in unknown
    live(web, lambda doc: doc["last_28_days"]["contacts"] == 1)

    def reload(category):
        daemon.config["contacts"]["codes"] = [
            {"code": "PC", "category": category, "resolved": "yes"}]
        daemon.write_config()
        daemon.signal(signal.SIGHUP)

    reload("progres_chasing")
    harness.poll("it is logged", lambda: daemon.said(
        'there is no category "progres_chasing" here — did you mean '
        '"progress_chasing"?'))
    harness.poll("it is shown", lambda: rig.db.execute(
        "SELECT name FROM ringtally.contact_unknown").fetchall() ==
        [("progres_chasing (of the code PC)",)])
    reload("progress_chasing")
    doc = live(web, lambda doc: doc["last_28_days"]["assessed"] == 1)
    assert doc["last_28_days"]["ni14_pct"] == 100
    assert doc["last_28_days"]["fcr_pct"] == 100
    assert not figures.rows(rig.db, "SELECT * FROM ringtally.contact_unknown")
    reload("not_avoidable")
    live(web, lambda doc: doc["last_28_days"]["ni14_pct"] == 0)
    assert daemon.said("contacts: codes: PC added")
    assert daemon.said("contacts: codes: PC changed")
    # the group goes: what it said stays
    del daemon.config["contacts"]["codes"]
    daemon.write_config()
    daemon.signal(signal.SIGHUP)
    live(web, lambda doc: doc["last_28_days"]["assessed"] == 0)


def test_what_is_shipped_is_known(rig):
    """To the check of the configuration, which asks no database."""
    daemon = rig.daemon(rig.config(contacts={
        "codes": [{"code": row[0], "category": row[0]} for row in
                  rig.db.execute("SELECT category FROM "
                                 "ringtally.contact_category")],
        "scope": [{"kind": "channel", "name": row[0]} for row in
                  rig.db.execute("SELECT channel FROM "
                                 "ringtally.contact_channel")]}))
    for wrong in (False, True):
        if wrong:
            daemon.config["contacts"]["codes"][0]["category"] += "x"
        daemon.write_config()
        check = subprocess.run(
            [harness.binary("ringtallyd"), "-t", "-c", daemon.conf_path],
            capture_output=True, text=True, check=True)
        assert check.stdout.endswith("configuration ok\n")
        assert ("note: " in check.stderr) == wrong, check.stderr


def test_what_fails_stops_nothing(rig, web):
    """Without the right to these figures batches go on, and say so."""
    with psycopg.connect(rig.db.info.dsn, autocommit=True) as c:
        c.execute("REVOKE EXECUTE ON FUNCTION ringtally.contact_live FROM "
                  "ringtally_writer")
        c.execute("REVOKE EXECUTE ON FUNCTION ringtally.contact_configure "
                  "FROM ringtally_writer")
    daemon = start(rig, web)
    harness.poll("it says so", lambda: daemon.said("were not to be had") and
                 daemon.said("configuration's contacts were not written"))
    assert tell(web, contact(1)).status == 200
    wait_told(rig, lambda rows: rows)
    at = int(time.time()) - 600
    harness.append(rig.log, call(1, at))
    rig.settle()
    assert web.ask(API).json["as_of"] is None and web.ask(API).json["stale"]
    assert web.ask("/readyz").status == 200
    rig.assert_exact(call(1, at))


def test_once(rig, web):
    """A back-fill: in the feeds' own order, and each contact with its call."""
    at = int(time.time()) - 600
    log = b"".join(
        b"%d|c.%d|ctax|Jo|CALLSTATUS|PC\n" % (at + 25 + n, n) +
        call(n, at + n) for n in range(20))
    harness.append(rig.log, log)
    daemon = rig.daemon(rig.config(contacts={"codes": [
        {"code": "PC", "category": "progress_chasing"}]}))
    daemon.start("--once")
    assert daemon.wait(60) == 0, daemon.stderr()
    rows = told(rig)
    assert len(rows) == 20
    assert {row["joined_by"] for row in rows.values()} == {"call_id"}
    figure = all_of(rig)
    assert (figure["contacts"], figure["assessed"]) == (20, 20)
    rig.assert_exact(log)


def test_once_behind_the_record(rig):
    """A back-fill of calls alone finds what the CRM has told of them."""
    at = int(time.time()) - 600
    rig.db.execute(
        "SELECT ringtally.contact_put('test', '{crm}', '{R1}', "
        "ARRAY[to_timestamp(%d)], '{}', '{}', '{not_avoidable}', '{}', '{}', "
        "'{}', '{}', '{}', '{}', '{}', '{c.1}', '{}')" % (at + 30))
    harness.append(rig.log, call(1, at) + call(2, at + 60))
    daemon = rig.daemon(rig.config())
    daemon.start("--once")
    assert daemon.wait(60) == 0, daemon.stderr()
    assert told(rig)["R1"]["joined_by"] == "call_id"
    figure = all_of(rig)
    assert (figure["contacts"], figure["assessed"]) == (2, 1)


def put(db, source, at, category="not_avoidable", assessed_at=None):
    """Tells of one contact by SQL: how many are new, changed, the same."""
    return db.execute(
        "SELECT * FROM ringtally.contact_put('test', ARRAY[%s], '{R1}', "
        "ARRAY[%s]::timestamptz[], '{}', '{}', ARRAY[%s], '{}', '{}', '{}', "
        "'{}', '{}', ARRAY[%s]::timestamptz[], '{}', '{}', '{}')",
        (source, at, category, assessed_at)).fetchone()


def test_two_sources_at_once(rig):
    """Nobody has the ref when the second one looks: it has to look again."""
    other = rig.closing.enter_context(psycopg.connect(
        rig.server.conninfo(rig.database)))
    put(other, "crm", "2026-11-02 10:00Z")
    failed = []

    def put_too():
        try:
            put(rig.db, "import", "2026-11-03 10:00Z", "progress_chasing")
        except psycopg.errors.SerializationFailure as e:
            failed.append(e)

    thread = threading.Thread(target=put_too)
    thread.start()
    harness.poll("it waits", lambda: other.execute(
        "SELECT 1 FROM pg_locks WHERE NOT granted").fetchone())
    other.commit()
    thread.join(30)
    assert failed
    assert put(rig.db, "import", "2026-11-03 10:00Z") == (0, 0, 0)
    assert told(rig)["R1"]["source"] == "crm"


def test_told_again_in_another_zone(rig):
    """It is no news, whatever the zone of who tells it."""
    once = "crm", "2026-07-02 10:00Z", "not_avoidable"
    better = "2026-07-02 11:00Z", "progress_chasing", "2026-07-05 10:00Z"
    for zone in "UTC", "America/New_York":
        rig.db.execute("SELECT set_config('timezone', %s, false)", (zone,))
        put(rig.db, *once)
        put(rig.db, "crm", *better)
        assert put(rig.db, *once) == (0, 0, 1)
    assert told(rig)["R1"]["category"] == "progress_chasing"


def limit_join(rig, days):
    """As if a statement that joins more than this took too long."""
    rig.db.execute(
        "ALTER FUNCTION ringtally.contact_join(text, timestamptz, timestamptz)"
        " RENAME TO contact_join_all; "
        "CREATE FUNCTION ringtally.contact_join(site text, low timestamptz, "
        "high timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN "
        "IF high - low > interval '%d days' THEN "
        "RAISE 'canceling statement due to statement timeout'; END IF; "
        "RETURN ringtally.contact_join_all(site, low, high); END $$; "
        "GRANT EXECUTE ON FUNCTION ringtally.contact_join_all(text, "
        "timestamptz, timestamptz) TO ringtally_writer" % days)


def test_long_back_fill(rig):
    """More than can be joined at once is joined to its end."""
    at = int(time.time()) - 90 * 86400
    rig.db.execute(
        "SELECT ringtally.contact_put('test', '{}', array_agg('R' || n), "
        "array_agg(to_timestamp(%d + 86400 * n + 30)), '{}', '{}', '{}', '{}',"
        " '{}', '{}', '{}', '{}', '{}', '{}', '{}', array_agg('Jo'::text)) "
        "FROM generate_series(0, 89) AS n" % at)
    limit_join(rig, 9)
    harness.append(rig.log, b"".join(call(n, at + n * 86400)
                                     for n in range(90)))
    daemon = rig.daemon(rig.config(database={"keep_visits_days": 400}))
    daemon.start("--once")
    assert daemon.wait(60) == 0, daemon.stderr()
    assert {row["joined_by"] for row in told(rig).values()} == {"agent"}


def test_join_left_undone(rig):
    """--once says what is left, and that it is."""
    limit_join(rig, -1)
    harness.append(rig.log, call(1, int(time.time()) - 600))
    daemon = rig.daemon(rig.config())
    daemon.start("--once")
    assert daemon.wait(60) == 1
    assert "SELECT ringtally.contact_join('test', '20" in daemon.stderr()


def test_once_says_and_drops(rig):
    """Where only --once runs, what was said is kept and what is old goes."""
    rig.db.execute(
        "SELECT ringtally.contact_put('test', '{}', '{old,new}', "
        "ARRAY[now() - interval '60 days', now() - interval '2 days'], "
        "'{web,web}', '{}', '{progress_chasing,not_avoidable}', '{}', '{}', "
        "'{}', '{}', '{}', '{}', '{}', '{}', '{}')")
    harness.append(rig.log, b"")
    daemon = rig.daemon(rig.config(contacts={"keep_contacts_days": 30}))
    for _ in range(2):
        daemon.start("--once")
        assert daemon.wait(60) == 0, daemon.stderr()
        assert list(told(rig)) == ["new"]
    said = "SELECT sum(contacts)::int, max(version) FROM ringtally." \
        "contact_said WHERE site = 'test'"
    assert rig.db.execute(said).fetchall() == [(1, 1)]
    rig.db.execute("UPDATE ringtally.contact SET channel = 'post'")
    daemon.start("--once")
    assert daemon.wait(60) == 0, daemon.stderr()
    # none of the web any more, and one of post
    assert rig.db.execute(said).fetchall() == [(2, 2)]
