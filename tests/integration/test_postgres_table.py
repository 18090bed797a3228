# SPDX-License-Identifier: BSD-2-Clause
"""Rows of a switch's own table: transactions that commit late, whatever the
order; kinds of time and of columns; tables that are emptied, broken, or may
not be read; kill -9 and server restarts. The oracle is the log that the rows
were made of."""
import datetime
import random
import threading
import zoneinfo

import harness
import psycopg
import pytest

import figures
import fixtures
import loggen
import web

COLUMNS = ("callid text, queuename text, agent text, event text, data1 text, "
           "data2 text, data3 text, data4 text, data5 text")
LONDON = zoneinfo.ZoneInfo("Europe/London")


def make_table(rig, columns=COLUMNS, time="text", name="queue_log"):
    rig.db.execute('CREATE SCHEMA IF NOT EXISTS "Asterisk"')
    rig.db.execute('CREATE TABLE "Asterisk"."%s" (id bigserial PRIMARY KEY, '
                   "time %s, %s)" % (name, time, columns))
    grant(rig, name)


def grant(rig, name="queue_log"):
    rig.db.execute('GRANT USAGE ON SCHEMA "Asterisk" TO ' + fixtures.LOGIN)
    rig.db.execute('GRANT SELECT ON "Asterisk"."%s" TO %s' % (
        name, fixtures.LOGIN))


def feed(rig, **more):
    return {"name": "log", "switch": "pbx", "transport": "postgres-table",
            "conninfo": rig.server.conninfo(rig.database, fixtures.LOGIN),
            "schema": "Asterisk", "table": "queue_log", "poll_s": 0.05,
            "format": "asterisk-queue-log", **more}


def start(rig, **more):
    return rig.daemon(rig.config([feed(rig, **more)])).start(wait="READY=1")


def local_text(epoch, micros=123456):
    return datetime.datetime.fromtimestamp(int(epoch), LONDON).strftime(
        "%Y-%m-%d %H:%M:%S")


def row_of(line, time=local_text):
    fields = line.decode().rstrip("\n").split("|")
    return (time(fields[0]), *fields[1:5],
            *(fields[5:10] + [""] * 5)[:5])


INSERT = ('INSERT INTO "Asterisk".queue_log (time, callid, queuename, agent, '
          "event, data1, data2, data3, data4, data5) VALUES "
          "(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)")


def insert(db, log, time=local_text):
    with db.cursor() as cursor:
        cursor.executemany(INSERT, [row_of(line, time)
                                    for line in log.splitlines(True)])


def highest(rig, name="queue_log"):
    return rig.db.execute('SELECT coalesce(max(id), 0) FROM "Asterisk"."%s"' %
                          name).fetchone()[0]


def settle(rig, name="queue_log", timeout=None):
    """All rows that are there are counted."""
    wanted = highest(rig, name)

    def arrived():
        for daemon in rig.daemons:
            daemon.must_not_have_failed()
        row = figures.feed(rig.db)
        return row and row["file_offset"] == wanted and row
    return harness.poll("row %d is counted" % wanted, arrived, timeout)


def narrow(log):
    """What fits into data1 to data5."""
    return b"".join(line for line in log.splitlines(True)
                    if line.count(b"|") <= 9)


# -- order -----------------------------------------------------------------

def test_commits_in_any_order_and_sigkill(rig):
    """Ids are given in the order of the log by six writers, whose
    transactions commit in any other; the daemon is killed meanwhile."""
    make_table(rig)
    log = narrow(loggen.make_log(harness.quick_or_slow(1500, 20000), seed=31))
    lines = log.splitlines(True)
    writers = [psycopg.connect(rig.server.conninfo(rig.database))
               for _ in range(6)]
    rng = random.Random(31)
    stopping = threading.Event()

    def write():
        for line in lines:
            writer = rng.choice(writers)
            writer.execute(INSERT, row_of(line))
            if rng.random() < 0.2:
                rng.choice(writers).commit()
            if rng.random() < 0.02:   # an id that is never seen
                rolled = rng.choice(writers)
                rolled.commit()
                rolled.execute(INSERT, row_of(line))
                rolled.rollback()
            if stopping.wait(0.001):
                break
        for writer in writers:
            writer.commit()
            writer.close()

    daemon = rig.daemon(rig.config([feed(rig, batch=7)])).start()
    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    kills = 0
    while thread.is_alive():
        thread.join(rng.uniform(0.02, 0.3))
        daemon.kill()
        kills += 1
        daemon.start()
    thread.join()
    row = settle(rig, timeout=60)
    rig.assert_exact(log)
    assert kills > 3 and row["gaps"] == 0
    # evidence: the ids of the rows
    assert rig.db.execute(
        'SELECT count(*) FROM ringtally.visit v JOIN "Asterisk".queue_log q '
        "ON q.id = v.file_offset AND q.callid = v.call_id AND "
        "q.event = 'ENTERQUEUE'").fetchone()[0] > 0


def test_between_the_id_and_the_transaction(rig):
    """A transaction has its id from the sequence and is not numbered yet: to
    who looks at transactions' numbers only, the next row seems safe."""
    make_table(rig)
    rig.db.execute("CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql "
                   "AS 'BEGIN IF NEW.callid = ''slow'' THEN PERFORM "
                   "pg_advisory_lock(7); END IF; RETURN NEW; END'")
    rig.db.execute('CREATE TRIGGER wait BEFORE INSERT ON "Asterisk".queue_log '
                   "FOR EACH ROW EXECUTE FUNCTION wait()")
    insert(rig.db, b"1795288700|c0|q|NONE|ENTERQUEUE||1|1\n")
    daemon = start(rig)
    settle(rig)
    slow = b"1795288701|slow|q|NONE|ENTERQUEUE||2|1\n"
    fast = b"1795288702|fast|q|NONE|ENTERQUEUE||3|2\n"
    rig.db.execute("SELECT pg_advisory_lock(7)")
    with psycopg.connect(rig.server.conninfo(rig.database)) as writer:
        thread = threading.Thread(
            target=lambda: writer.execute(INSERT, row_of(slow)), daemon=True)
        thread.start()
        harness.poll("the writer waits", lambda: rig.db.execute(
            "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        ).fetchone() is not None)
        insert(rig.db, fast)
        ids = rig.db.execute('SELECT id, xmin::text::bigint < '
                             "pg_snapshot_xmin(pg_current_snapshot())::text"
                             '::bigint FROM "Asterisk".queue_log WHERE '
                             "callid = 'fast'").fetchone()
        assert ids == (3, True)     # the trap: it would be taken
        harness.poll("it waits for the writer", lambda: rig.db.execute(
            "SELECT FROM pg_stat_activity WHERE application_name = "
            "'ringtallyd' AND query LIKE %s", ("%virtualtransaction = ANY%",)
        ).fetchone() is not None)
        assert figures.feed(rig.db)["file_offset"] == 1
        rig.db.execute("SELECT pg_advisory_unlock(7)")
        thread.join()
        writer.commit()
    row = settle(rig)
    assert (row["records"], row["gaps"]) == (3, 0)
    assert daemon.is_alive()


def test_transactions_elsewhere_hold_nothing_up(rig):
    make_table(rig)
    rig.db.execute("CREATE TABLE elsewhere (n int)")
    with psycopg.connect(rig.server.conninfo(rig.database)) as other:
        other.execute("INSERT INTO elsewhere VALUES (1)")
        start(rig)
        insert(rig.db, b"1795288700|c0|q|NONE|ENTERQUEUE||1|1\n")
        settle(rig)


@pytest.mark.skipif(not harness.SLOW, reason="a server of its own: slow")
def test_prepared_transaction(own_pg):
    """It goes on under another name when it is prepared."""
    own_pg.stop()
    own_pg.start(max_prepared_transactions="5")
    rig = fixtures.Rig(own_pg)
    try:
        make_table(rig)
        writer = psycopg.connect(rig.server.conninfo(rig.database))
        writer.tpc_begin(writer.xid(1, "ringtally", "test"))
        writer.execute(INSERT, row_of(b"1795288700|c|q|NONE|ENTERQUEUE||1|1"))
        insert(rig.db, b"1795288701|d|q|NONE|ENTERQUEUE||1|2\n")
        daemon = start(rig)

        def asks():
            return rig.db.execute(
                "SELECT FROM pg_stat_activity WHERE application_name = "
                "'ringtallyd' AND query LIKE %s AND query_start > now() - "
                "interval '1 s'", ("%virtualtransaction = ANY%",)
            ).fetchone() is not None
        harness.poll("it waits for the writer", asks)
        writer.tpc_prepare()
        asked = rig.db.execute("SELECT clock_timestamp()").fetchone()[0]
        harness.poll("it asked again", lambda: rig.db.execute(
            "SELECT FROM pg_stat_activity WHERE application_name = "
            "'ringtallyd' AND query LIKE %s AND query_start > %s",
            ("%virtualtransaction = ANY%", asked)).fetchone() is not None)
        assert (figures.feed(rig.db) or {"records": 0})["records"] == 0
        writer.tpc_commit()
        writer.close()
        assert settle(rig)["records"] == 2
        assert daemon.is_alive()
    finally:
        rig.close()


def test_rows_behind_our_back_are_told(rig):
    """Ids chosen by an application: nobody can wait for them."""
    make_table(rig)
    rig.db.execute("ALTER SEQUENCE \"Asterisk\".queue_log_id_seq "
                   "INCREMENT BY 10")
    start(rig)
    insert(rig.db, loggen.make_log(20, seed=33))
    settle(rig)
    rig.db.execute('INSERT INTO "Asterisk".queue_log (id, time, callid) '
                   "VALUES (15, '', 'late')")
    harness.poll("it is counted", lambda: figures.feed(rig.db)["gaps"] == 1)
    insert(rig.db, b"1795298700|c0|q|NONE|ENTERQUEUE||1|1\n")
    assert settle(rig)["gaps"] == 1


# -- what a row looks like ---------------------------------------------------

def test_times_of_every_kind(rig):
    log = narrow(loggen.make_log(60, seed=34))
    kinds = {
        "text": local_text, "char(26)": local_text,
        "timestamp": local_text, "varchar(30)": lambda t: t,
        "timestamptz": lambda t: datetime.datetime.fromtimestamp(
            int(t), datetime.timezone.utc),
        "bigint": int,
    }
    if not harness.SLOW:
        kinds = {kind: kinds[kind] for kind in ("char(26)", "timestamptz")}
    for n, (kind, time) in enumerate(kinds.items()):
        make_table(rig, time=kind)
        insert(rig.db, log, time)
        daemon = rig.daemon(rig.config([feed(rig)], site="s%d" % n)).start(
            "--once")
        assert daemon.wait() == 0, daemon.stderr()
        rig.assert_exact(log, site="s%d" % n)
        rig.db.execute('DROP TABLE "Asterisk".queue_log')


def test_one_column_of_data_and_nonsense(rig):
    log = loggen.make_log(60, seed=35)
    make_table(rig, columns="callid text, queuename text, agent text, "
               "event text, data text")
    for line in log.splitlines():
        fields = line.decode().split("|", 5)
        rig.db.execute('INSERT INTO "Asterisk".queue_log (time, callid, '
                       "queuename, agent, event, data) VALUES (%s, %s, %s, "
                       "%s, %s, %s)", (local_text(fields[0]), *fields[1:]))
    for time in ("", None, "yesterday", "2026-13-45 99:99:99"):
        rig.db.execute('INSERT INTO "Asterisk".queue_log (time, event) '
                       "VALUES (%s, %s)", (time, "EV\nENT"))
    start(rig)
    assert settle(rig)["rejected"] == 4
    rig.assert_exact(log)


def test_the_hour_that_comes_twice(rig):
    """25 October 2026, London: 01:30 is at 00:30 and at 01:30 UTC."""
    make_table(rig)
    first = 1792886400 + 1800               # 00:30 UTC
    log = b"".join(b"%d|c%d|q|NONE|ENTERQUEUE||1|1\n"
                   b"%d|c%d|q|NONE|ABANDON|1|1|60\n" % (
                       t, t, t + 60, t) for t in range(
                           first, first + 7200, 300))
    insert(rig.db, log)
    daemon = start(rig, batch=3)
    settle(rig)
    rig.assert_exact(log)
    daemon.kill()                           # the same after a restart
    more = b"%d|d|q|NONE|ENTERQUEUE||1|1\n" % (first + 7500)
    insert(rig.db, more)
    daemon.start()
    settle(rig)
    rig.assert_exact(log + more)


def test_the_hour_that_comes_twice_after_a_silence(rig):
    """Nothing was heard for hours: the call's id tells, or nothing does."""
    make_table(rig)
    twice = 1792886400                      # 00:00 UTC, 01:00 in London
    log = b"".join(b"%d|%s|q|NONE|ENTERQUEUE||1|1\n"
                   b"%d|%s|q|NONE|ABANDON|1|1|60\n" % (t, call, t + 60, call)
                   for t, call in (
        (twice - 7200, b"before"),
        (twice + 3600 + 2400, b"%d.1" % (twice + 3600 + 2400))))
    insert(rig.db, log)
    start(rig)
    assert settle(rig)["ambiguous"] == 0
    rig.assert_exact(log)


def test_the_hour_that_comes_twice_is_marked(rig):
    make_table(rig)
    first = 1792886400 + 1800               # 00:30 UTC
    log = b"%d|a|q|NONE|ENTERQUEUE||1|1\n%d|a|q|NONE|ABANDON|1|1|60\n" % (
        first, first + 60)
    insert(rig.db, log)
    start(rig)
    assert settle(rig)["ambiguous"] == 1
    rig.assert_exact(log)


def test_named_columns_and_any_form(rig):
    """Values joined by a separator, quoted where need be."""
    rig.db.execute('CREATE SCHEMA "Asterisk"')
    rig.db.execute('CREATE TABLE "Asterisk"."Odd Name"";" ("The Id" int '
                   'PRIMARY KEY, "when" text, "call" text, q text, a text, '
                   'e text, d2 text)')
    rig.db.execute('GRANT USAGE ON SCHEMA "Asterisk" TO ' + fixtures.LOGIN)
    rig.db.execute('GRANT SELECT ON "Asterisk"."Odd Name"";" TO ' +
                   fixtures.LOGIN)
    rig.db.execute('INSERT INTO "Asterisk"."Odd Name"";" VALUES '
                   "(5, '1795288700', 'c', 'q', 'NONE', 'ENTERQUEUE', '1'),"
                   "(9, '1795288701', 'c', 'q', 'NONE', 'ABANDON', NULL)")
    start(rig, table='Odd Name";', id="The Id", form="csv", separator="|",
          columns=["when", "call", "q", "a", "e", "", "d2"])
    harness.poll("it is read", lambda: (
        figures.feed(rig.db) or {"file_offset": 0})["file_offset"] == 9)
    assert figures.feed(rig.db)["path"] == 'Asterisk.Odd Name";'
    assert figures.queue_rows(rig.db)


# -- tables that change, and servers that go ----------------------------------

def test_truncated_and_begun_anew(rig):
    make_table(rig)
    log = narrow(loggen.make_log(300, seed=36))
    insert(rig.db, log)
    daemon = start(rig)
    settle(rig)
    # the old rows go, as every night: that is nothing
    rig.db.execute('DELETE FROM "Asterisk".queue_log WHERE id < %s',
                   (highest(rig) - 5,))
    more = b"1796000000|x1|q|NONE|ENTERQUEUE||1|1\n"
    insert(rig.db, more)
    assert settle(rig)["gaps"] == 0
    rig.assert_exact(log + more)
    # all go, and the ids begin anew
    rig.db.execute('TRUNCATE "Asterisk".queue_log RESTART IDENTITY')
    again = b"1796000100|x2|q|NONE|ENTERQUEUE||1|2\n"
    insert(rig.db, again)
    row = settle(rig)
    assert (row["gaps"], row["file_no"]) == (1, 2)
    rig.assert_exact(log + more + again)
    # anew while the daemon is down, and it comes to have more rows
    daemon.stop()
    rig.db.execute('DROP TABLE "Asterisk".queue_log')
    make_table(rig)
    third = (b"1796000200|x3|q|NONE|ENTERQUEUE||1|3\n"
             b"1796000201|x4|q|NONE|ENTERQUEUE||1|4\n")
    insert(rig.db, third)
    daemon.start()
    settle(rig)
    rig.assert_exact(log + more + again + third)
    assert figures.feed(rig.db)["file_no"] == 3


def test_ids_set_back_are_told(rig):
    make_table(rig)
    insert(rig.db, narrow(loggen.make_log(100, seed=37)))
    daemon = start(rig)
    before = settle(rig)["file_offset"]
    rig.db.execute('DELETE FROM "Asterisk".queue_log WHERE id > 10')
    harness.poll("it says so", lambda: daemon.said("its ids were set back"))
    assert figures.feed(rig.db)["file_offset"] == before
    assert daemon.is_alive()


def test_restored_from_a_dump_goes_on(rig):
    make_table(rig)
    log = narrow(loggen.make_log(100, seed=38))
    insert(rig.db, log)
    daemon = start(rig)
    settle(rig)
    daemon.stop()
    rig.db.execute('CREATE TABLE copy AS SELECT * FROM "Asterisk".queue_log')
    rig.db.execute('DROP TABLE "Asterisk".queue_log')
    make_table(rig)
    rig.db.execute('INSERT INTO "Asterisk".queue_log SELECT * FROM copy')
    rig.db.execute("SELECT setval('\"Asterisk\".queue_log_id_seq', %s)",
                   (highest(rig),))
    daemon.start()
    more = b"1796000000|x1|q|NONE|ENTERQUEUE||1|1\n"
    insert(rig.db, more)
    assert settle(rig)["gaps"] == 0
    rig.assert_exact(log + more)


def test_wrong_ones_are_told_and_mended(rig):
    """No table, no column, no right, a view: said, and tried again."""
    log = narrow(loggen.make_log(50, seed=39))
    daemon = start(rig)
    harness.poll("it says so", lambda: daemon.said("there is no such table"))
    rig.db.execute('CREATE SCHEMA "Asterisk"')
    rig.db.execute('CREATE TABLE "Asterisk".queue_log (n int)')
    daemon.stop()
    daemon.start()
    harness.poll("it says so", lambda: daemon.said("it has no column id"))
    rig.db.execute('DROP TABLE "Asterisk".queue_log')
    make_table(rig)
    rig.db.execute('REVOKE ALL ON "Asterisk".queue_log FROM ' +
                   fixtures.LOGIN)
    insert(rig.db, log)
    daemon.stop()
    daemon.start()
    harness.poll("it says so", lambda: daemon.said("permission denied"))
    grant(rig)
    settle(rig)                                 # by itself
    rig.assert_exact(log)
    daemon.stop()
    rig.db.execute('ALTER TABLE "Asterisk".queue_log RENAME TO kept')
    rig.db.execute('CREATE VIEW "Asterisk".queue_log AS SELECT * FROM '
                   '"Asterisk".kept')
    grant(rig)
    daemon.start()
    harness.poll("it says so", lambda: daemon.said("settle_s must be set"))
    daemon.stop()
    more = b"1796000000|x1|q|NONE|ENTERQUEUE||1|1\n"
    insert(rig.db, more)
    start(rig, settle_s=0.2)
    settle(rig)
    rig.assert_exact(log + more)


def test_conninfo_that_is_none(rig):
    """It is told when the configuration is checked, and where it stands."""
    for conninfo, why in (("host=/tmp dbname='asterisk", "unterminated"),
                          ("hots=/tmp", 'invalid connection option "hots"')):
        daemon = rig.daemon(rig.config([feed(rig, conninfo=conninfo)]))
        assert daemon.start("-t").wait() == 3, daemon.stderr()
        said = daemon.stderr()
        with open(daemon.conf_path) as f:
            line = next(n for n, text in enumerate(f, 1) if "feeds" in text)
        assert "%s:%d" % (daemon.conf_path, line) in said, said
        assert "feed log: conninfo: " in said and why in said, said


def test_notified(rig):
    make_table(rig)
    insert(rig.db, b"1796000000|x1|q|NONE|ENTERQUEUE||1|1\n")
    start(rig, poll_s=3600, channel="New Rows")
    settle(rig)
    for n in range(3):
        insert(rig.db, b"179600001%d|y%d|q|NONE|ENTERQUEUE||1|1\n" % (n, n))
        rig.db.execute('NOTIFY "New Rows"')
        settle(rig)


def test_rows_that_have_to_settle(rig):
    """While one is waited for all that may be taken was: it is up to date,
    though there is always a row that is new."""
    make_table(rig)
    insert(rig.db, b"1796000000|x1|q|NONE|ENTERQUEUE||1|1\n")
    asked = web.Web()
    rig.closing.callback(asked.close)
    daemon = rig.daemon(rig.config([feed(rig, settle_s=3.0)],
                                   live=asked.live()))
    daemon.start(wait="READY=1")
    harness.poll("it has looked", lambda: b"catching up" in
                 asked.ask("/readyz").body)
    insert(rig.db, b"1796000001|x2|q|NONE|ENTERQUEUE||1|1\n")
    harness.poll("the first one is counted",
                 lambda: figures.feed(rig.db)["records"] > 0)
    assert asked.ask("/readyz").status == 200
    settle(rig)


def test_server_crashes(own_rig):
    """Figures and rows on one server, which crashes and comes back."""
    rig = own_rig
    make_table(rig)
    log = narrow(loggen.make_log(600, seed=40))
    lines = log.splitlines(True)
    daemon = start(rig)
    for n in range(3):
        part = b"".join(lines[n * 200:(n + 1) * 200])
        insert(rig.db, part)
        rig.server.stop(harness.signal.SIGQUIT)
        rig.server.start()
        rig.db = rig.closing.enter_context(rig.server.connect(rig.database))
    insert(rig.db, b"".join(lines[600:]))
    row = settle(rig, timeout=60)
    assert row["gaps"] == 0 and daemon.is_alive()
    rig.assert_exact(log)
