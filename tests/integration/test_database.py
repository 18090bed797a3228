# SPDX-License-Identifier: BSD-2-Clause
"""What a database does to its clients: it ends their backends, crashes, goes
back in time, refuses, fills up. F05, F06, F10 to F14, F18 to F20."""
import contextlib
import os
import random
import shutil
import signal
import subprocess
import time

import harness
import psycopg
import pytest

import figures
import loggen
from fixtures import LOGIN, init_schema
from pgproxy import PgProxy

BACKENDS = ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
            "datname = current_database() AND pid <> pg_backend_pid() "
            "AND usename = '%s'" % LOGIN)


def test_backend_killed_while_idle(rig):
    """F05. The daemon connects again by itself, and soon."""
    log = loggen.make_log(1000, seed=31)
    harness.append(rig.log, log)
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    for _ in range(3):
        assert rig.db.execute(BACKENDS).fetchall()
        started = time.monotonic()
        log = rig.assert_alive(log)
        assert time.monotonic() - started < 10
    assert daemon.is_alive()


def test_backends_killed_under_load(rig):
    """F06."""
    kills = harness.quick_or_slow(30, 300)
    rng = random.Random(301)
    call = loggen.CallCentre(seed=32)
    log = b""
    daemon = rig.daemon().start(wait="READY=1")
    while kills > 0:
        more = call.text(rng.randint(5, 60))
        log += more
        harness.append(rig.log, more)
        time.sleep(rng.uniform(0.003, 0.015))
        kills -= len(rig.db.execute(BACKENDS).fetchall())
        assert daemon.is_alive()
    rig.settle(timeout=60)
    rig.assert_exact(log)
    rig.assert_alive(log)
    assert daemon.is_alive()


def reconnect(rig):
    with contextlib.suppress(psycopg.Error):
        rig.db.close()
    rig.db = rig.closing.enter_context(rig.server.connect(rig.database))


def test_server_crashes_without_synchronous_commit(own_rig):
    """F10. What the daemon believes committed is lost by the crash: the
    position is lost with it, and the feed is read again from there."""
    rng = random.Random(302)
    log = loggen.make_log(harness.quick_or_slow(4000, 30000), seed=33)
    server = own_rig.server
    server.settings.update({"wal_writer_delay": "10000ms",
                            "synchronous_commit": "off"})
    server.stop()
    server.start()
    reconnect(own_rig)
    writer = own_rig.writer(log, burst=(1, 40), pause=0.02).start()
    daemon = own_rig.daemon().start()
    for _ in range(harness.quick_or_slow(3, 20)):
        time.sleep(rng.uniform(0.3, 1.2))
        server.stop(signal.SIGQUIT)
        time.sleep(rng.uniform(0, 0.3))
        server.start()
    reconnect(own_rig)
    writer.finish()
    own_rig.settle(timeout=90)
    own_rig.assert_exact(log)
    own_rig.assert_alive(log)
    assert daemon.is_alive()


def test_database_goes_back_in_time(own_rig):
    """F11. A copy of the data of some while ago takes the server's place,
    as after a failover that lost commits: the daemon notices that its number
    is no longer there, throws its memory away and reads again."""
    server = own_rig.server
    call = loggen.CallCentre(seed=34)
    log = call.text(1500)
    harness.append(own_rig.log, log)
    daemon = own_rig.daemon().start(wait="READY=1")
    own_rig.settle()
    server.stop()
    older = server.data + ".older"
    shutil.copytree(server.data, older)
    harness_chown(older, server)
    server.start()
    reconnect(own_rig)
    for _ in range(3):
        more = call.text(700)
        log += more
        harness.append(own_rig.log, more)
        own_rig.settle(timeout=60)
    server.stop(signal.SIGQUIT)
    shutil.rmtree(server.data)
    os.rename(older, server.data)
    server.start()
    reconnect(own_rig)
    own_rig.settle(timeout=60)
    own_rig.assert_exact(log)
    own_rig.assert_alive(log)
    assert daemon.is_alive()


def test_a_new_switch_beside_years_of_others(rig):
    """Where a new switch goes on is not looked for in all that others wrote:
    that could take longer than a statement may."""
    with rig.server.connect(rig.database) as owner:
        owner.execute(
            "INSERT INTO ringtally.agent_tally (site, starts_at, switch, "
            "agent, queue, handled) SELECT 'test', timestamptz '2026-01-01' + "
            "n * interval '15 min', 'old', 'Jo', 'q', 1 "
            "FROM generate_series(1, 100000) AS n")
        owner.execute("ANALYZE ringtally.agent_tally")
    time.sleep(1)       # until what the backend counted is to be seen
    rig.db.execute("SELECT pg_stat_reset()")
    log = loggen.make_log(20, seed=48)
    harness.append(rig.log, log)
    daemon = rig.daemon()
    assert daemon.start("--once").wait(30) == 0, daemon.stderr()
    pages = """
        SELECT sum(heap_blks_hit + heap_blks_read + idx_blks_hit +
            idx_blks_read)::int
        FROM pg_statio_user_tables WHERE relname = 'agent_tally'"""
    time.sleep(1)
    read = rig.db.execute(pages).fetchone()[0]
    assert read < 400, "%d pages were read" % read


def harness_chown(path, server):
    if not server.as_user:
        return
    for folder, _, names in os.walk(path):
        for name in [folder] + [os.path.join(folder, n) for n in names]:
            os.chown(name, server.as_user["user"], server.as_user["group"],
                     follow_symlinks=False)


class Standby(harness.Postgres):
    """A standby that has what its primary had at one moment, and no more."""

    def follow(self, primary):
        done = subprocess.run(
            [os.path.join(harness.pg_bindir(), "pg_basebackup"), "-D",
             self.data, "-h", primary.directory, "-p", "5432", "-U",
             "postgres", "-c", "fast", "--no-sync"],
            cwd="/", capture_output=True, text=True, **self.as_user)
        assert done.returncode == 0, done.stderr
        open(os.path.join(self.data, "standby.signal"), "w").close()
        harness_chown(self.data, self)
        return self


def test_failover_to_a_standby_that_lags(own_rig):
    """F11 and F12. First the standby only reads, and the daemon must not
    take it for a database that it can write to; then it is promoted, without
    the last commits."""
    standby = Standby()
    own_rig.closing.callback(standby.remove)
    call = loggen.CallCentre(seed=35)
    log = call.text(1200)
    harness.append(own_rig.log, log)
    with PgProxy(own_rig.logs, own_rig.server.socket_path) as proxy:
        own_rig.host = own_rig.logs
        daemon = own_rig.daemon().start(wait="READY=1")
        own_rig.settle()
        standby.follow(own_rig.server)
        more = call.text(900)
        log += more
        harness.append(own_rig.log, more)
        own_rig.settle()
        own_rig.server.stop(signal.SIGQUIT)
        standby.start()
        proxy.server_path = standby.socket_path
        own_rig.server = standby
        proxy.cut()
        reconnect(own_rig)
        more = call.text(300)
        log += more
        harness.append(own_rig.log, more)
        time.sleep(harness.quick_or_slow(1, 10))
        assert daemon.is_alive()
        assert own_rig.db.execute("SELECT pg_is_in_recovery()").fetchone()[0]
        own_rig.db.execute("SELECT pg_promote()")
        own_rig.settle(timeout=60)
        own_rig.assert_exact(log)
        own_rig.assert_alive(log)


def test_read_only_for_a_while(rig):
    """F12. 25006: nothing is lost, and it ends by itself."""
    log = loggen.make_log(800, seed=36)
    harness.append(rig.log, log)
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    rig.db.execute("ALTER DATABASE %s SET default_transaction_read_only "
                   "= on" % rig.database)
    rig.db.execute(BACKENDS)
    more = loggen.make_log(400, seed=37, prefix="r",
                           start=loggen.START + 7200)
    harness.append(rig.log, more)
    harness.poll("it says that it can not write",
                 lambda: daemon.said("read-only"))
    rig.db.execute("SET default_transaction_read_only = off")
    rig.db.execute("ALTER DATABASE %s RESET default_transaction_read_only" %
                   rig.database)
    rig.db.execute(BACKENDS)
    rig.settle(timeout=60)
    rig.assert_exact(log + more)
    assert daemon.is_alive()


def test_server_down_at_start(own_rig):
    """F14. The daemon starts first; READY does not wait for ever."""
    log = loggen.make_log(1500, seed=38)
    harness.append(own_rig.log, log)
    own_rig.server.stop()
    daemon = own_rig.daemon().start()
    time.sleep(harness.quick_or_slow(1, 20))
    assert daemon.is_alive()
    own_rig.server.start()
    reconnect(own_rig)
    own_rig.settle(timeout=60)
    own_rig.assert_exact(log)
    own_rig.assert_alive(log)


def test_server_down_under_load(own_rig):
    """F13 and F30: while the server is away the daemon keeps tallying, its
    memory is bounded, and it catches up."""
    count = harness.quick_or_slow(60000, 1000000)
    log = loggen.make_log(count, seed=39)
    first = log.find(b"\n", len(log) // 20) + 1
    harness.append(own_rig.log, log[:first])
    daemon = own_rig.daemon(own_rig.config(
        database={"pending_mb": 16})).start(wait="READY=1")
    own_rig.settle()
    before = daemon.rss_kib()
    own_rig.server.stop()
    harness.append(own_rig.log, log[first:])
    time.sleep(harness.quick_or_slow(3, 60))
    assert daemon.is_alive()
    assert daemon.rss_kib() - before < 120 * 1024
    own_rig.server.start()
    reconnect(own_rig)
    own_rig.settle(timeout=harness.quick_or_slow(60, 600))
    own_rig.assert_exact(log)
    own_rig.assert_alive(log)


def test_rights_revoked_and_granted(rig):
    """F20. 42501: an operator must act; the daemon says so, does not spin,
    and goes on by itself when the right is back."""
    log = loggen.make_log(800, seed=40)
    harness.append(rig.log, log)
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    rig.db.execute("REVOKE INSERT, UPDATE ON ringtally.queue_tally FROM "
                   "ringtally_writer")
    more = loggen.make_log(600, seed=41, prefix="g",
                           start=loggen.START + 7200)
    harness.append(rig.log, more)
    harness.poll("it says what is wrong",
                 lambda: daemon.said("permission denied"))
    cpu = daemon.cpu_s()
    time.sleep(2)
    assert daemon.cpu_s() - cpu < 0.5, "it spins"
    rig.db.execute("GRANT INSERT, UPDATE ON ringtally.queue_tally TO "
                   "ringtally_writer")
    rig.settle(timeout=90)
    rig.assert_exact(log + more)
    rig.assert_alive(log + more)


@pytest.mark.parametrize("change,undo", [
    ("DELETE FROM ringtally.schema_version", None),
    ("INSERT INTO ringtally.schema_version (version, name) VALUES "
     "(9999, 'of the future')",
     "DELETE FROM ringtally.schema_version WHERE version = 9999"),
], ids=["too old", "too new"])
def test_schema_of_another_version(rig, change, undo):
    """Refused, with a reason and without a busy loop; where an operator
    mends it, it goes on."""
    log = loggen.make_log(800, seed=42)
    harness.append(rig.log, log)
    rig.db.execute(change)
    daemon = rig.daemon().start()
    harness.poll("it says that it is the schema",
                 lambda: daemon.said("schema"))
    assert daemon.is_alive()
    assert not rig.db.execute("SELECT 1 FROM ringtally.queue_tally LIMIT 1"
                              ).fetchone()
    if undo is None:
        return
    rig.db.execute(undo)
    rig.settle(timeout=90)
    rig.assert_exact(log)


def test_no_schema_at_all(rig):
    """A database that nobody has set up: the message names the command."""
    with rig.server.connect() as c:
        c.execute("CREATE DATABASE bare_%s" % rig.database)
    rig.database, bare = "bare_" + rig.database, rig.database
    daemon = rig.daemon().start()
    harness.poll("it tells what to do",
                 lambda: daemon.said("ringtally db init"))
    assert daemon.is_alive()
    with rig.server.connect() as c:
        daemon.close()
        c.execute("DROP DATABASE bare_%s" % bare)
    rig.database = bare


def test_wrong_password(own_rig):
    """The daemon keeps trying, slowly, and is let in when it is mended."""
    log = loggen.make_log(600, seed=43)
    harness.append(own_rig.log, log)
    own_rig.db.execute("CREATE ROLE secretive LOGIN PASSWORD 'right' "
                       "IN ROLE ringtally_writer")
    hba = os.path.join(own_rig.server.data, "pg_hba.conf")
    with open(hba) as f:
        rules = f.read()
    with open(hba, "w") as f:
        f.write("local all secretive scram-sha-256\n" + rules)
    own_rig.db.execute("SELECT pg_reload_conf()")
    conninfo = own_rig.server.conninfo(own_rig.database, "secretive")
    daemon = own_rig.daemon(own_rig.config(
        database={"conninfo": conninfo + " password=wrong"})).start()
    harness.poll("it says why it is not let in",
                 lambda: daemon.said("password authentication failed"))
    assert "wrong" not in daemon.stderr(), "the password is in the log"
    assert daemon.is_alive()
    own_rig.db.execute("ALTER ROLE secretive PASSWORD 'wrong'")
    own_rig.settle(timeout=90)
    own_rig.assert_exact(log)


@pytest.fixture
def small_disk(own_rig):
    """A folder of the server's on a file system of 24 MB."""
    path = os.path.join(own_rig.server.directory, "small")
    os.mkdir(path)
    if os.geteuid() != 0 or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", path],
            capture_output=True).returncode != 0:
        pytest.skip("a small file system can only be mounted by root")
    space = os.path.join(path, "space")
    os.mkdir(space)
    harness_chown(path, own_rig.server)
    os.chmod(space, 0o700)
    yield space
    own_rig.server.stop(signal.SIGQUIT)
    subprocess.run(["umount", "-l", path], check=True)


def test_disk_full_on_the_server(own_rig, small_disk):
    """F19. 53100: it retries, loses nothing, and clears itself when there is
    room again."""
    rig = own_rig
    rig.db.execute("CREATE TABLESPACE small LOCATION '%s'" % small_disk)
    for table in ("queue_tally", "agent_tally", "agent_span",
                  "visit_default", "open_visit"):
        rig.db.execute("ALTER TABLE ringtally.%s SET TABLESPACE small" %
                       table)
    log = loggen.make_log(1000, seed=44)
    harness.append(rig.log, log)
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    filler = os.path.join(os.path.dirname(small_disk), "filler")
    with open(filler, "wb", buffering=0) as f, contextlib.suppress(OSError):
        while f.write(b"x" * 4096):
            pass
    more = loggen.make_log(8000, seed=45, prefix="f",
                           start=loggen.START + 7200)
    harness.append(rig.log, more)
    harness.poll("it says that the disk is full",
                 lambda: daemon.said("No space left"), timeout=60)
    assert daemon.is_alive()
    os.unlink(filler)
    rig.settle(timeout=90)
    rig.assert_exact(log + more)
    rig.assert_alive(log + more)


def test_migrate_twice_changes_nothing(own_rig):
    """`db init` on a database that is set up says so and keeps it."""
    log = loggen.make_log(600, seed=46)
    harness.append(own_rig.log, log)
    assert own_rig.daemon().start("--once").wait() == 0
    init_schema(own_rig.server, own_rig.database)
    own_rig.assert_exact(log)


def test_migrate_keeps_how_long_was_remembered(rig):
    """From the schema before forgotten_at: switches with several feeds have
    remembered as long as those need."""
    rig.db.execute("ALTER TABLE ringtally.writer DROP COLUMN forgotten_at")
    rig.db.execute("INSERT INTO ringtally.writer (site, switch) "
                   "VALUES ('a', 'one'), ('a', 'two'), ('b', 'two')")
    rig.db.execute(
        "INSERT INTO ringtally.feed (site, feed, switch, transport, format) "
        "VALUES ('a', 'f', 'one', 'file', 'x'), ('a', 'g', 'two', 'file', 'x'),"
        " ('a', 'h', 'two', 'file', 'x'), ('b', 'f', 'two', 'file', 'x')")
    with open(os.path.join(harness.TOP, "sql", "0015_forgotten.sql"),
              encoding="utf-8") as f:
        rig.db.execute(f.read())
    assert rig.db.execute(
        "SELECT site, switch FROM ringtally.writer "
        "WHERE forgotten_at = 'epoch'").fetchall() == [("a", "two")]


def test_encoding_that_lacks_names(rig):
    """Refused before anything is in it, by whoever comes first."""
    with rig.server.connect() as c:
        c.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' "
                  "TEMPLATE template0")
    done = subprocess.run(
        [harness.binary("ringtally"), "db", "-C", rig.server.conninfo("latin"),
         "-d", os.path.join(harness.TOP, "sql"), "init"],
        capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "ENCODING 'UTF8'" in done.stderr
    harness.append(rig.log, b"1760000000|a|q|NONE|ENTERQUEUE||1|1\n")
    conninfo = rig.server.conninfo("latin", LOGIN, rig.host)
    daemon = rig.daemon(rig.config(database={"conninfo": conninfo}))
    assert daemon.start("--once").wait() == 1
    assert "LATIN1, UTF8 is needed" in daemon.stderr()


def test_visits_are_kept_no_more(rig):
    """keep_visits_days = 0 lets go of those of before, too."""
    for at in (1700000000, int(time.time())):
        harness.append(rig.log, b"%d|%d.1|q|NONE|ENTERQUEUE||1|1\n"
                       b"%d|%d.1|q|NONE|ABANDON|1|1|2\n" % (
                           at, at, at + 2, at))
    other = rig.daemon(rig.config(site="other"))
    assert rig.daemon().start("--once").wait() == 0
    assert other.start("--once").wait() == 0
    visits = "SELECT site, count(*) FROM ringtally.visit GROUP BY site"
    assert sorted(rig.db.execute(visits).fetchall()) == [
        ("other", 2), ("test", 2)]
    daemon = rig.daemon(rig.config(database={"keep_visits_days": 0}))
    assert daemon.start("--once").wait() == 0, daemon.stderr()
    assert rig.db.execute(visits).fetchall() == [("other", 2)]
    assert daemon.said("deleted 2 visits of test, which keeps none")


def test_key_of_callers(rig):
    """A new one is told; one that can not be used ends the daemon for good."""
    path = rig.config()["caller_key_file"]
    harness.append(rig.log, b"1760000000|a|q|NONE|ENTERQUEUE||1|1\n")
    daemon = rig.daemon().start("--once")
    assert daemon.wait() == 0 and daemon.said("a new one is made")
    daemon = rig.daemon().start("--once")
    assert daemon.wait() == 0 and not daemon.said("a new one")
    os.chmod(path, 0o644)
    for option in ("--once", "-t"):
        daemon = rig.daemon().start(option)
        assert daemon.wait() == 3 and daemon.said("key " + path)
    # that one can not be made may pass: it is to be started again
    none = rig.daemon(rig.config(caller_key_file=path + ".d/key"))
    assert none.start("--once").wait() == 1 and none.said("can not be made")
    os.rename(path, path + ".old")
    os.chmod(path + ".old", 0o600)
    daemon = rig.daemon().start("-t")
    assert daemon.wait() == 0 and not os.path.exists(path)
    for config, warned in ((rig.config(), True), (rig.config(), False),
                           (rig.config(caller_key_file=path + ".old"), True),
                           (rig.config(caller_key_old_file=path + ".old"),
                            False)):
        daemon = rig.daemon(config).start("--once")
        assert daemon.wait() == 0
        assert daemon.said("were kept under another key") == warned


def test_migrate_keeps_average_talks(rig):
    """From the schema before talk_unknown: no average changes, but that of a
    queue of which no talk was ever told is none; what is remembered is known
    one by one."""
    rig.db.execute(
        "DROP VIEW ringtally.service_level, ringtally.service_level_hour, "
        "ringtally.service_level_day, ringtally.queue_interval, "
        "ringtally.agent_interval")
    rig.db.execute("DROP FUNCTION ringtally.rates")
    for table in "queue_tally", "agent_tally":
        rig.db.execute("ALTER TABLE ringtally.%s DROP talk_unknown" % table)
    for name, begin, end in (
            ("0008_feeds", "CREATE OR REPLACE FUNCTION ringtally.rates",
             "$$;"),
            ("0005_spans", "CREATE OR REPLACE VIEW ringtally.agent_interval",
             ";"),
            ("0012_inferred", "CREATE OR REPLACE VIEW ringtally.queue_interval",
             ";"), ("0012_inferred", "CREATE OR REPLACE VIEW "
                    "ringtally.service_level ", "$do$;")):
        with open(os.path.join(harness.TOP, "sql", name + ".sql"),
                  encoding="utf-8") as f:
            sql = f.read()
        sql = sql[sql.index(begin):]
        rig.db.execute(sql[:sql.index(end, 1) + len(end)])
    rig.db.execute(
        "INSERT INTO ringtally.queue_tally (site, switch, queue, starts_at, "
        "offered, answered, talk_ms) VALUES "
        "('a', 's', 'log', '2026-03-02 09:00Z', 4, 4, 40000), "
        "('a', 's', 'log', '2026-03-02 09:15Z', 1, 1, 0), "
        "('a', 's', 'log', '2026-03-02 09:30Z', 2, 2, 9000), "
        "('a', 's', 'cdr', '2026-03-02 09:00Z', 3, 2, 0), "
        "('a', 's', 'new', '2026-03-02 09:30Z', 1, 1, 0)")
    rig.db.execute("INSERT INTO ringtally.site (site, timezone, interval_s) "
                   "VALUES ('a', 'UTC', 900)")
    rig.db.execute(
        "INSERT INTO ringtally.agent_tally (site, switch, agent, queue, "
        "starts_at, handled, talk_ms) "
        "SELECT 'a', 's', left(queue, 1), queue, starts_at, answered, talk_ms "
        "FROM ringtally.queue_tally")
    rig.db.execute(
        "INSERT INTO ringtally.open_visit (site, switch, queue, agent, "
        "call_id, visit_no, state, outcome, entered_at, answered_at, "
        "starts_at, touched_at, transferred, answer_derived) "
        "SELECT 'a', 's', v.queue, left(v.queue, 1), v.queue, 1, "
        "v.state::ringtally.visit_state, 'answered', '2026-03-02 09:29Z', "
        "'2026-03-02 09:31Z', '2026-03-02 09:30Z', '2026-03-02 09:32Z', "
        "false, false FROM (VALUES ('log', 'ended'), ('new', 'talking')) AS v(queue, state)"
    )
    rig.db.execute(
        "INSERT INTO ringtally.open_visit (site, switch, queue, agent, "
        "call_id, visit_no, state, outcome, entered_at, answered_at, "
        "touched_at, transferred) VALUES ('a', 's', 'log', 'l', 'old', 1, "
        "'ended', 'answered', '2026-03-02 09:17Z', '2026-03-02 09:18Z', "
        "'2026-03-02 09:19Z', false)")
    with open(os.path.join(harness.TOP, "sql", "0018_talk.sql"),
              encoding="utf-8") as f:
        rig.db.execute(f.read())
    assert [tuple(row.values()) for row in figures.rows(
        rig.db, "SELECT queue, answered, talk_unknown, aht_s::float "
        "FROM ringtally.service_level ORDER BY queue, starts_at")] == [
            ("cdr", 2, 2, None), ("log", 4, 0, 10.0), ("log", 1, 1, None),
            ("log", 2, 1, 9.0), ("new", 1, 0, 0.0)]
    assert [tuple(row.values()) for row in figures.rows(
        rig.db, "SELECT agent, handled, talk_unknown, talk_ms "
        "FROM ringtally.agent_interval ORDER BY agent, starts_at")] == [
            ("c", 2, 2, None), ("l", 4, 0, 40000), ("l", 1, 1, None),
            ("l", 2, 1, 9000), ("n", 1, 0, 0)]
