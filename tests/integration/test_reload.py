# SPDX-License-Identifier: BSD-2-Clause
"""SIGHUP under load: a good configuration, a broken one, another feed. F35,
F49 and F50 of the fault matrix."""
import random
import signal
import socket
import time

import pytest

import harness

import figures
import loggen
import web


def answers(daemon):
    return len(daemon.notify.has("READY=1"))


def reload(daemon):
    before = answers(daemon)
    daemon.signal(signal.SIGHUP)
    harness.poll("it has reloaded, or says why not",
                 lambda: answers(daemon) > before)


def test_reloads_under_load(rig):
    """F49: half of them broken. The old configuration stays, nothing is lost
    or counted twice."""
    rng = random.Random(701)
    log = loggen.make_log(6000, seed=111)
    writer = rig.writer(log, burst=(1, 40), pause=0.012).start()
    daemon = rig.daemon().start(wait="READY=1")
    for n in range(harness.quick_or_slow(14, 200)):
        if n % 2:
            with open(daemon.conf_path, "a") as f:
                f.write(rng.choice(("tresholds_s = [ 15 ];\n", "site = ;\n",
                                    "interval_minutes = 7;\n")))
        else:
            daemon.config["thresholds_s"] = [15, 20 + n]
            daemon.write_config()
        reload(daemon)
        time.sleep(rng.uniform(0.01, 0.1))
    assert daemon.conf_path in daemon.stderr(), "no file and line"
    assert "thresholds_s" in daemon.stderr(), "no nearest key"
    writer.finish()
    rig.settle()
    rig.assert_exact(log)
    rig.assert_alive(log)


def test_a_feed_more_and_less(rig):
    """F50: a second feed comes and goes while the first is written to."""
    one = loggen.make_log(4000, seed=112)
    two = loggen.make_log(1500, seed=113)
    writer = rig.writer(one, burst=(1, 40), pause=0.01).start()
    harness.append(rig.log + "-b", two)
    second = rig.feed(name="b", path=rig.log + "-b", switch="pbx-b")
    daemon = rig.daemon().start(wait="READY=1")
    for n in range(harness.quick_or_slow(6, 60)):
        daemon.config["feeds"] = [rig.feed()] + [second] * (n % 2 == 0)
        daemon.write_config()
        reload(daemon)
        time.sleep(0.05)
    daemon.config["feeds"] = [rig.feed(), second]
    daemon.write_config()
    reload(daemon)
    writer.finish()
    rig.settle()
    figures.wait_position(rig.db, rig.log + "-b", name="b")
    found = {r["switch"]: int(r["n"]) for r in figures.rows(
        rig.db, "SELECT switch, sum(offered) AS n FROM "
        "ringtally.queue_interval GROUP BY 1")}
    assert found == {s: log.count(b"|ENTERQUEUE|") + log.count(b"|FULL|")
                     for s, log in (("pbx", one), ("pbx-b", two))}
    assert not list(figures.identity_differences(rig.db, "test"))


def test_counters_go_on(rig):
    """A reload that starts anew is no new process: no counter falls, and all
    that is counted once is."""
    log = loggen.make_log(1500, seed=118)
    cut = log.index(b"\n", len(log) // 2) + 1
    harness.append(rig.log, log[:cut])
    pages = web.Web()
    daemon = rig.daemon(rig.config(live=pages.live())).start(wait="READY=1")
    pages.wait()

    def samples():
        rig.settle()
        pages.ready()
        lines = [line.rsplit(" ", 1) for line in
                 pages.ask("/metrics").text.splitlines() if line[0] != "#"]
        return {name: float(n) for name, n in lines if name.partition("{")[
            0].endswith(("_total", "_bucket", "_count", "_sum"))
            or name.startswith("process_start")}

    def offered(all_of):
        return sum(n for name, n in all_of.items()
                   if name.startswith("ringtally_visits_offered_total"))

    before = samples()
    daemon.config["short_abandon_s"] = 4
    daemon.write_config()
    reload(daemon)
    assert "starting anew" in daemon.stderr()
    after = samples()
    queues = [name for name in before if "queue=" in name]
    assert len(queues) > 100
    assert {n: after[n] for n in queues} == {n: before[n] for n in queues}
    assert all(after[n] >= before[n] for n in before)
    record = 'ringtally_feed_records_total{feed="log",switch="pbx"}'
    assert after[record] == before[record] == log[:cut].count(b"\n")
    harness.append(rig.log, log[cut:])
    last = samples()
    assert last[record] == log.count(b"\n")
    assert offered(last) == int(figures.rows(
        rig.db, "SELECT sum(offered) AS n FROM ringtally.queue_tally")[0]["n"])
    pages.close()


def test_what_was_not_taken(rig):
    """Answers that nobody has read yet do not outlive the pages."""
    harness.append(rig.log, b"".join(
        b"1760000000|c%d|queue%05d|NONE|ENTERQUEUE||0123|1\n" % (n, n)
        for n in range(300)))
    pages = web.Web()
    daemon = rig.daemon(rig.config(live=pages.live())).start(wait="READY=1")
    pages.wait()
    rig.settle()
    for path in "/api/v1/queues?queue=*", "/api/v1/stream", "/metrics":
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        pages.open.enter_context(s)
        s.connect(("127.0.0.1", pages.port))
        s.sendall(web.get(path))
        assert s.recv(1)
    daemon.config["short_abandon_s"] = 4
    daemon.write_config()
    reload(daemon)
    assert "starting anew" in daemon.stderr()
    pages.wait()
    assert pages.ask("/healthz").status == 200
    pages.close()


def test_told_to_end_while_it_reloads(own_rig):
    """A server that does not answer holds the reload up; TERM comes then."""
    log = loggen.make_log(1000, seed=114)
    harness.append(own_rig.log, log)
    daemon = own_rig.daemon().start(wait="READY=1")
    own_rig.settle()
    own_rig.server.group(signal.SIGSTOP)
    daemon.config["interval_minutes"] = 30
    daemon.write_config()
    daemon.signal(signal.SIGHUP)
    harness.poll("it reloads", lambda: "starting anew" in daemon.stderr())
    daemon.process.terminate()
    harness.poll("it ends", lambda: daemon.notify.has("STOPPING=1"))
    assert daemon.is_alive()
    daemon.process.terminate()
    assert daemon.wait(5) == 0, daemon.stderr()
    own_rig.server.group(signal.SIGCONT)


def test_told_to_reload_while_it_reloads(rig):
    """The last configuration counts, and a broken one does not."""
    harness.append(rig.log, loggen.make_log(1000, seed=115))
    harness.append(rig.log + "-b", loggen.make_log(50, seed=116))
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    with rig.server.connect(rig.database) as lock:
        lock.execute("BEGIN")
        lock.execute("LOCK TABLE ringtally.queue_tally IN SHARE MODE")
        harness.append(rig.log, loggen.make_log(100, seed=117))
        daemon.config["short_abandon_s"] = 4
        daemon.write_config()
        daemon.signal(signal.SIGHUP)
        harness.poll("it reloads", lambda: "starting anew" in daemon.stderr())
        daemon.config["feeds"] = [rig.feed(), rig.feed(
            name="b", path=rig.log + "-b", switch="pbx-b")]
        daemon.write_config()
        before = len(daemon.notify.has("RELOADING=1"))
        daemon.signal(signal.SIGHUP)
        harness.poll("it has read it",
                     lambda: len(daemon.notify.has("RELOADING=1")) > before)
        with open(daemon.conf_path, "a") as f:
            f.write("site = ;\n")
        daemon.signal(signal.SIGHUP)
        harness.poll("it says no", lambda: "as it was" in daemon.stderr())
        lock.execute("ROLLBACK")
    rig.settle()
    figures.wait_position(rig.db, rig.log + "-b", name="b")


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("minutes", [5, 60])
def test_intervals_of_another_length(rig, minutes, killed):
    """With callers waiting: what comes of them is counted where they are, and
    the identity holds in each row."""
    begin = 1760000400 - 1760000400 % 3600
    at = begin + 55 * 60
    harness.append(rig.log, b"".join(
        b"%d|o.%d|q|NONE|ENTERQUEUE||0%d|1\n" % (at - 60, n, n)
        for n in range(5)))
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    daemon.config["interval_minutes"] = minutes
    daemon.write_config()
    if killed:
        daemon.kill()
        daemon.start()
    else:
        reload(daemon)
    harness.append(rig.log, b"".join(
        b"%d|o.%d|q|x|CONNECT|70|1|1\n" % (at + 10, n) for n in range(4))
        + b"%d|p.1|q|NONE|ENTERQUEUE||09|1\n" % (at + 11)
        + b"%d|o.4|q|NONE|ABANDON|1|1|80\n" % (at + 20))
    rig.settle()
    daemon.kill()  # what is remembered finds its way back, too
    daemon.start()
    harness.append(rig.log,
                   b"%d|p.1|q|NONE|ABANDON|1|1|12\n" % (at + 23))
    rig.settle()
    row = {begin + 45 * 60: (5, 4, 1, 0)}
    row[at - at % (60 * minutes)] = (1, 0, 1, 0)
    assert {r[0]: r[1:] for r in rig.db.execute(
        "SELECT extract(epoch FROM starts_at)::int, offered, answered, "
        "abandoned, waiting FROM ringtally.queue_interval "
        "WHERE offered + answered + abandoned > 0")} == row
    assert not list(figures.identity_differences(rig.db, "test"))


def test_check_only(rig):
    """-t tells what is wrong, with 3, and touches no database."""
    daemon = rig.daemon()
    assert daemon.start("-t").wait() == 0, daemon.stderr()
    with open(daemon.conf_path, "a") as f:
        f.write("intervall_minutes = 15;\n")
    assert daemon.start("-t").wait() == 3
    lines = sum(1 for _ in open(daemon.conf_path))
    assert "%s:%d" % (daemon.conf_path, lines) in daemon.stderr()
    assert "interval_minutes" in daemon.stderr()
    assert figures.feed(rig.db) is None


@pytest.mark.parametrize("wrong", (
    {"transport": "tcp-connect", "address": "127.0.0.1:9", "retry_s": 9,
     "retry_max_s": 1},
    {"transport": "tcp-connect", "address": "127.0.0.1:9",
     "tls_ca_file": "/nowhere"},
    {"transport": "tcp-listen", "listen": "127.0.0.1:1", "tls": True},
    {"transport": "postgres-table", "conninfo": "dbname=x", "table": "t",
     "separator": "ab"},
    {"transport": "file", "path": "/", "format": "asterisk-cdr",
     "columns": ["src"]},
))
def test_a_feed_that_can_never_be_opened(rig, wrong):
    """It is refused before it is tried: by -t, and by a reload, which goes on
    with what runs."""
    log = loggen.make_log(50, seed=114)
    daemon = rig.daemon().start(wait="READY=1")
    daemon.config["feeds"] = [rig.feed(), {
        "name": "wrong", "switch": "x", "format": "asterisk-queue-log",
        **wrong}]
    daemon.write_config()
    reload(daemon)
    assert "feed wrong: " in daemon.stderr()
    assert "the configuration stays as it was" in daemon.stderr()
    harness.append(rig.log, log)
    rig.settle()
    rig.assert_exact(log)
    assert daemon.stop() == 0, daemon.stderr()
    assert daemon.start("-t").wait() == 3
    assert "feed wrong: " in daemon.stderr()


@pytest.mark.parametrize("wrong", (
    {"transport": "tcp-listen", "listen": "127.0.0.1:1", "tls": True,
     "tls_cert_file": "/nowhere", "tls_key_file": "/nowhere"},
    {"transport": "http", "token_file": "/nowhere"},
))
def test_a_feed_whose_files_are_missing(rig, wrong):
    """Whether they are there can be told by the daemon only: -t may run as
    somebody else. But a reload does not end for that."""
    daemon = rig.daemon(rig.config(
        live={"listen": "127.0.0.1:%d" % web.free_port()}))
    daemon.start(wait="READY=1")
    daemon.config["feeds"] = [rig.feed(), {
        "name": "wrong", "switch": "x", "format": "asterisk-queue-log",
        **wrong}]
    daemon.write_config()
    reload(daemon)
    assert "/nowhere" in daemon.stderr()
    assert "the configuration stays as it was" in daemon.stderr()
    assert daemon.stop() == 0, daemon.stderr()


def sessions(rig):
    return rig.db.execute(
        "SELECT agent, queue, login_at IS NOT NULL, pause_at IS NOT NULL "
        "FROM ringtally.agent_session ORDER BY agent, queue").fetchall()


def test_an_agent_gets_another_name(rig):
    """An alias is added while the agent is logged in: the session goes on
    under the new name, and no row of the old one stays behind."""
    at = loggen.START
    harness.append(rig.log, b"%d|1|sales|SIP/1|ADDMEMBER|\n"
                   b"%d|2|sales|SIP/1|PAUSE|tea\n" % (at, at + 60))
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    assert daemon.stop() == 0
    assert sessions(rig) == [("SIP/1", "sales", True, True)]
    daemon.config["agents"] = [{"name": "Jo", "aliases": ["SIP/1"]}]
    daemon.write_config()
    daemon.start(wait="READY=1")
    harness.poll("the row has the new name", lambda: sessions(rig) == [
        ("Jo", "sales", True, True)])
    harness.append(rig.log, b"%d|3|sales|SIP/1|REMOVEMEMBER|\n" % (at + 600))
    rig.settle()
    assert sessions(rig) == []
    assert rig.db.execute(
        "SELECT agent, kind::text, reason, "
        "extract(epoch FROM to_at - from_at)::int FROM ringtally.agent_span "
        "ORDER BY kind").fetchall() == [
            ("Jo", "login", None, 600), ("Jo", "pause", "tea", 540)]
