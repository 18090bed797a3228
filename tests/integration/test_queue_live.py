# SPDX-License-Identifier: BSD-2-Clause
"""ringtally.queue_live: what it shows, what it costs, and that nothing else
depends on it."""
import signal
import time

import harness

import figures
import loggen


def live_rows(rig):
    return {r["queue"]: r for r in figures.rows(
        rig.db, "SELECT * FROM ringtally.queue_live")}


def now_log(rig, at, *lines):
    """Lines of this second and the ones before it."""
    harness.append(rig.log, b"".join(
        b"%d|%s\n" % (at + dt, text.encode()) for dt, text in lines))


def wait_for(rig, what, check, timeout=None):
    return harness.poll(what, lambda: check(live_rows(rig)), timeout)


def hot_counts(rig):
    rig.db.execute("SELECT pg_stat_clear_snapshot()")
    return rig.db.execute(
        "SELECT n_tup_ins, n_tup_upd, n_tup_hot_upd, n_tup_del "
        "FROM pg_stat_user_tables WHERE relname = 'queue_live_state'"
    ).fetchone()


CALLS = (
    (-60, "NONE|ctax|Jo|ADDMEMBER|"), (-60, "NONE|ctax|Al|ADDMEMBER|"),
    (-60, "NONE|rent|Al|ADDMEMBER|"), (-60, "NONE|ctax|Zo|ADDMEMBER|"),
    (-55, "NONE|ctax|Zo|PAUSE|Lunch"),
    (-50, "1.1|ctax|NONE|ENTERQUEUE||07700900001|1"),
    (-45, "1.1|ctax|Jo|CONNECT|5|1.2|3"),
    (-40, "1.3|ctax|NONE|ENTERQUEUE||07700900002|1"),
    (-30, "1.3|ctax|NONE|ABANDON|1|1|10"),
    (-20, "1.4|ctax|NONE|ENTERQUEUE||07700900003|1"),
    (-10, "1.5|ctax|NONE|ENTERQUEUE||07700900004|1"),
    (-10, "1.6|rent|NONE|ENTERQUEUE||07700900005|1"),
    (-9, "1.6|rent|NONE|EXITEMPTY|1|1|1"),
)


def services(rig, **database):
    return rig.config(database=database, services=[
        {"name": "Council Tax", "queues": ["ctax"],
         "target": {"within_s": 30, "pct": 80.0}}])


def test_what_it_shows(rig):
    at = int(time.time())
    now_log(rig, at, *CALLS)
    rig.daemon(services(rig)).start(wait="READY=1")
    rows = wait_for(rig, "both queues are there", lambda r: len(r) == 2 and r)
    ctax, rent = rows["ctax"], rows["rent"]
    assert (ctax["waiting"], ctax["talking"]) == (2, 1)
    assert abs(float(ctax["longest_wait_s"]) - (time.time() - at + 20)) < 3
    assert [ctax["agents_" + k] for k in (
        "logged_in", "free", "talking", "wrapping_up", "paused")] == [
            3, 1, 1, 0, 1]
    assert ctax["service"] == "Council Tax"
    assert ctax["within_s"] == 30 and rent["within_s"] == 15
    today = rig.db.execute(
        "SELECT date_trunc('day', now() AT TIME ZONE 'Europe/London') "
        "AT TIME ZONE 'Europe/London'").fetchone()[0]
    if at - 60 >= today.timestamp():
        assert ctax["today_at"] == today
        assert (ctax["offered"], ctax["answered"], ctax["answered_within"],
                ctax["abandoned"]) == (4, 1, 1, 1)
        assert float(ctax["sl_offered_pct"]) == 25
    assert (rent["waiting"], rent["longest_wait_s"]) == (0, None)
    assert rent["agents_free"] == 1
    assert 0 <= float(ctax["age_s"]) < 10


def test_a_reload_changes_within_s(rig):
    """Of the last one of several in a row, without a call in between."""
    at = int(time.time())
    now_log(rig, at, *CALLS)
    daemon = rig.daemon(services(rig))
    daemon.start(wait="READY=1")
    wait_for(rig, "both queues are there", lambda r: len(r) == 2)
    for seconds in (31, 32, 33, 34):
        daemon.config["services"][0]["target"]["within_s"] = seconds
        daemon.write_config()
        daemon.signal(1)
        harness.poll("it is reloaded", lambda: daemon.stderr().count(
            "configuration reloaded") == seconds - 30)
    rows = wait_for(rig, "the last one is there",
                    lambda r: r["ctax"]["within_s"] == 34 and r)
    assert rows["rent"]["within_s"] == 15
    assert rows["ctax"]["answered_within"] == 1


def test_updates_stay_in_their_page(rig):
    """Two minutes of a busy second each, in short: a line for every queue
    between two looks, many times over. All updates must be HOT, and the table
    must not grow."""
    queues = ["q%03d" % n for n in range(harness.quick_or_slow(60, 300))]
    at = int(time.time())
    now_log(rig, at, *[(0, "0.%s|%s|NONE|ENTERQUEUE||01|1" % (q, q))
                       for q in queues])
    rig.daemon().start(wait="READY=1")
    wait_for(rig, "all are there", lambda r: len(r) == len(queues))
    size = "SELECT pg_relation_size('ringtally.queue_live_state')"
    first = rig.db.execute(size).fetchone()[0]
    rounds = harness.quick_or_slow(8, 100)
    for n in range(1, rounds + 1):
        now_log(rig, int(time.time()), *[
            (0, "%d.%s|%s|NONE|ENTERQUEUE||01|1" % (n, q, q))
            for q in queues])
        wait_for(rig, "round %d is shown" % n, lambda r: all(
            row["waiting"] == n + 1 for row in r.values()))

    def counted():
        counts = hot_counts(rig)
        return counts[1] >= rounds * len(queues) and counts
    _, updates, hot, gone = harness.poll("statistics are there", counted)
    assert hot >= 0.98 * updates, (updates, hot)
    assert gone <= len(queues)
    assert rig.db.execute(size).fetchone()[0] <= first + 8192


def test_quiet_queues_cost_nothing(rig):
    """Only rows that changed are written; a quiet queue is told from a dead
    daemon by the writer's sign of life."""
    at = int(time.time())
    now_log(rig, at, *CALLS)
    daemon = rig.daemon().start(wait="READY=1")
    before = wait_for(rig, "both are there", lambda r: len(r) == 2 and r)
    for n in range(3):
        now_log(rig, int(time.time()),
                (0, "7.%d|ctax|NONE|ENTERQUEUE||01|1" % n))
        wait_for(rig, "it is shown",
                 lambda r: r["ctax"]["waiting"] == 3 + n)
    after = live_rows(rig)
    assert after["rent"]["updated_at"] == before["rent"]["updated_at"]
    assert after["ctax"]["updated_at"] > before["ctax"]["updated_at"]
    daemon.kill()
    wait_for(rig, "the rows grow old",
             lambda r: all(row["age_s"] > 15 for row in r.values()), 40)
    stood = live_rows(rig)["ctax"]["longest_wait_s"]
    time.sleep(0.5)
    assert live_rows(rig)["ctax"]["longest_wait_s"] == stood


def test_off_by_option(rig):
    """Rows of a daemon before stay, and are seen to be old."""
    now_log(rig, int(time.time()), *CALLS)
    daemon = rig.daemon().start(wait="READY=1")
    wait_for(rig, "both are there", lambda r: len(r) == 2)
    assert daemon.stop() == 0
    counts = hot_counts(rig)
    rig.db.execute("UPDATE ringtally.queue_live_state "
                   "SET updated_at = now() - interval '1 hour'")
    rig.daemon(services(rig, queue_live=False)).start(wait="READY=1")
    now_log(rig, int(time.time()), (0, "8.1|ctax|NONE|ENTERQUEUE||01|1"))
    rig.settle()
    time.sleep(harness.quick_or_slow(2.5, 10))
    assert counts is not None
    assert all(r["age_s"] > 3000 for r in live_rows(rig).values())


def test_kill_and_start_again(rig):
    """kill -9 and a new daemon: its rows replace the old ones, those of queues
    that it does not know are gone."""
    now_log(rig, int(time.time()), *CALLS)
    daemon = rig.daemon().start(wait="READY=1")
    wait_for(rig, "both are there", lambda r: len(r) == 2)
    rig.db.execute(
        "INSERT INTO ringtally.queue_live_state SELECT site, switch, 'gone', "
        "instance, waiting, waiting_since, talking, agents_logged_in, "
        "agents_free, agents_talking, agents_wrapping_up, agents_paused, "
        "today_at, offered, answered, within_s, answered_within, abandoned, "
        "updated_at FROM ringtally.queue_live_state WHERE queue = 'rent'")
    before = live_rows(rig)
    daemon.kill()
    rig.daemon().start(wait="READY=1")
    after = wait_for(
        rig, "the new daemon has written", lambda r: set(r) == {
            "ctax", "rent"} and r["ctax"]["age_s"] < 10 and
        r["ctax"]["updated_at"] > before["ctax"]["updated_at"] and r)
    same = set(before["ctax"]) - {"updated_at", "age_s", "longest_wait_s"}
    assert {k: after["ctax"][k] for k in same} == {
        k: before["ctax"][k] for k in same}


def test_database_crashes(own_rig):
    """The table is empty after a crash of the server; the daemon writes all
    of it again, whether or not anything has changed."""
    rig = own_rig
    now_log(rig, int(time.time()), *CALLS)
    rig.daemon().start(wait="READY=1")
    wait_for(rig, "both are there", lambda r: len(r) == 2)
    rig.db.close()
    rig.server.stop(signal.SIGQUIT)
    rig.server.start()
    rig.db = rig.closing.enter_context(rig.server.connect(rig.database))
    rows = wait_for(rig, "both are there again",
                    lambda r: len(r) == 2 and r, 60)
    assert rows["ctax"]["waiting"] == 2


def test_fenced_daemon_writes_nothing(rig):
    """The first is stopped, loses its session, and the second takes over. When
    the first comes to again it must not touch the second's rows."""
    now_log(rig, int(time.time()), *CALLS)
    first = rig.daemon().start(wait="READY=1")
    wait_for(rig, "both are there", lambda r: len(r) == 2)
    first.signal(signal.SIGSTOP)
    rig.db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                   "WHERE datname = current_database() AND pid <> "
                   "pg_backend_pid()")
    holder = "SELECT DISTINCT instance FROM ringtally.queue_live_state"
    was = rig.db.execute(holder).fetchall()
    second = rig.daemon().start(wait="READY=1")
    harness.poll("the rows are the second's",
                 lambda: rig.db.execute(holder).fetchall() != was, 60)
    instance = rig.db.execute(holder).fetchall()
    assert len(instance) == 1
    first.signal(signal.SIGCONT)
    for n in range(4):
        now_log(rig, int(time.time()),
                (0, "9.%d|ctax|NONE|ENTERQUEUE||01|1" % n))
        wait_for(rig, "it is shown",
                 lambda r: r["ctax"]["waiting"] == 3 + n)
        assert rig.db.execute(holder).fetchall() == instance
    assert second.is_alive()


def test_held_table_delays_no_batch(rig):
    """Somebody holds the table for long: figures are committed as ever."""
    log = loggen.make_log(300, seed=91)
    harness.append(rig.log, log)
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    with rig.server.connect(rig.database) as other:
        other.execute("BEGIN")
        other.execute("LOCK TABLE ringtally.queue_live_state")
        for n in range(5):
            more = b"%d|h%d|held|NONE|ENTERQUEUE||01|1\n" % (
                int(log.splitlines()[-1].split(b"|")[0]) + 1, n)
            log += more
            harness.append(rig.log, more)
            started = time.monotonic()
            rig.settle()
            assert time.monotonic() - started < 5
            time.sleep(0.4)
        other.execute("COMMIT")
    rig.assert_exact(log)
    assert daemon.is_alive()


def test_no_right_to_the_table(rig):
    """It is said, seldom, and everything else goes on."""
    rig.db.execute(
        "REVOKE ALL ON ringtally.queue_live_state FROM ringtally_writer")
    log = loggen.make_log(300, seed=92)
    harness.append(rig.log, log)
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    harness.poll("it is said",
                 lambda: daemon.said("queue_live was not written"))
    rig.assert_alive(log)
    time.sleep(2)
    assert daemon.stderr().count("queue_live was not written") == 1
