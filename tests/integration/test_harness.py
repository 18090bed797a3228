# SPDX-License-Identifier: BSD-2-Clause
"""The tests' own tools: a proxy that lost what it should have passed would
let every test of the daemon pass for the wrong reason."""
import harness
import psycopg
import pytest

import loggen
import oracle
from pgproxy import (ANSWER, DROP, HOLE, PASS, REQUEST, ZOMBIE, PgProxy)


@pytest.fixture
def table(pg):
    with pg.connect() as c:
        c.execute("DROP TABLE IF EXISTS proxied")
        c.execute("CREATE TABLE proxied (n int)")
        yield lambda: c.execute("SELECT count(*) FROM proxied").fetchone()[0]
        c.execute("DROP TABLE proxied")


def insert_through(pg, proxy, how, n=1):
    conninfo = pg.conninfo("postgres", host=proxy.directory)
    with psycopg.connect(conninfo, autocommit=True) as c:
        if how == "simple":
            c.execute("BEGIN; INSERT INTO proxied VALUES (1)")
            c.execute("COMMIT")
        elif how == "extended":
            c.execute("BEGIN", prepare=True)
            c.execute("INSERT INTO proxied VALUES (%s)", (n,), prepare=True)
            c.execute("COMMIT", prepare=True)
        else:
            with c.pipeline():
                c.execute("BEGIN")
                c.execute("INSERT INTO proxied VALUES (%s)", (n,))
                c.execute("COMMIT")


@pytest.mark.parametrize("how", ["simple", "extended", "pipeline"])
def test_proxy_passes_all(pg, table, tmp_path, how):
    with PgProxy(str(tmp_path), pg.socket_path) as proxy:
        insert_through(pg, proxy, how)
    assert table() == 1
    assert proxy.seen == {REQUEST: 1, ANSWER: 1}


@pytest.mark.parametrize("how", ["simple", "extended", "pipeline"])
@pytest.mark.parametrize("what,rows", [(REQUEST, 0), (ANSWER, 1)])
def test_proxy_loses_commit(pg, table, tmp_path, how, what, rows):
    with PgProxy(str(tmp_path), pg.socket_path,
                 lambda w, n: DROP if w == what else PASS) as proxy:
        with pytest.raises(psycopg.Error):
            insert_through(pg, proxy, how)
    assert proxy.lost[what] == 1
    assert table() == rows


def test_proxy_zombie_keeps_the_transaction_open(pg, table, tmp_path):
    busy = ("SELECT count(*) FROM pg_stat_activity WHERE state LIKE "
            "'idle in transaction%'")
    with PgProxy(str(tmp_path), pg.socket_path,
                 lambda w, n: ZOMBIE if w == REQUEST else PASS) as proxy:
        with pytest.raises(psycopg.Error):
            insert_through(pg, proxy, "simple")
        with pg.connect() as c:
            harness.poll("the transaction hangs",
                         lambda: c.execute(busy).fetchone()[0] == 1)
            proxy.release()
            harness.poll("the transaction is gone",
                         lambda: c.execute(busy).fetchone()[0] == 0)
    assert table() == 0


def test_proxy_hole_answers_nothing(pg, table, tmp_path):
    with PgProxy(str(tmp_path), pg.socket_path,
                 lambda w, n: HOLE if w == ANSWER else PASS) as proxy:
        conninfo = pg.conninfo("postgres", host=proxy.directory)
        c = psycopg.connect(conninfo, autocommit=True)
        c.pgconn.send_query(b"BEGIN; INSERT INTO proxied VALUES (1); COMMIT")
        harness.poll("the answer is lost", lambda: proxy.lost[ANSWER] == 1)
        assert table() == 1
        assert c.pgconn.status == psycopg.pq.ConnStatus.OK
        c.close()


def test_writer_writes_every_byte_once(tmp_path):
    data = loggen.make_log(3000, seed=3)
    path = str(tmp_path / "log")
    writer = harness.Writer(path, data, burst=(1, 300), halves=0.5).start()
    harness.poll("half is written", lambda: writer.share() > 0.5)
    writer.rename(path + ".1", linger=5)
    harness.poll("all is written", lambda: writer.done)
    writer.close()
    with open(path + ".1", "rb") as old, open(path, "rb") as new:
        assert old.read() + new.read() == data


def test_libconfig_text():
    text = harness.libconfig({"a": 'say "x"\\', "b": [1, 2], "c": True,
                              "d": [{"e": 1.5}], "f": 3000000000})
    assert 'a = "say \\"x\\"\\\\";' in text
    assert "b = [ 1, 2 ];" in text and "c = true;" in text
    assert "f = 3000000000L;" in text and "( {" in text


def log_of(*lines):
    return ("\n".join(lines) + "\n").encode()


def test_oracle_counts_by_hand():
    o = oracle.Oracle().read(log_of(
        "1772442000|NONE|NONE|NONE|QUEUESTART|",
        "1772442010|1.1|q|NONE|ENTERQUEUE||01|1",
        "1772442030|1.1|q|Ann|CONNECT|20|1.2|3",
        "1772442895|1.2|q|NONE|ENTERQUEUE||02|1",
        "1772442900|1.2|q|NONE|ABANDON|1|1|5",
        "1772442940|1.1|q|Ann|COMPLETEAGENT|20|910|1",
        "1772442950|1.3|q|NONE|ENTERQUEUE||02|1"))
    rows = o.queue_rows()
    first, second = rows["q", 1772442000], rows["q", 1772442900]
    assert first["offered"] == 2 and first["answered"] == 1
    assert (first["answered_15"], first["answered_20"]) == (0, 1)
    assert first["abandoned_short"] == 1 and first["talk_s"] == 910
    assert second["offered"] == second["waiting"] == 1
    agents = o.agent_rows()
    assert agents["Ann", "q", 1772442000]["talk_s"] == 870
    assert agents["Ann", "q", 1772442900]["talk_s"] == 40
    assert agents["Ann", "q", 1772442000]["handled"] == 1
    o.check_identity()


def test_oracle_knows_restart_and_repetition():
    o = oracle.Oracle().read(log_of(
        "1772442010|1.1|q|NONE|ENTERQUEUE||01|1",
        "1772442011|1.2|q|NONE|ENTERQUEUE||01|1",
        "1772442020|1.1|q|Ann|CONNECT|10|1.2|3",
        "1772442020|1.1|q|Ann|CONNECT|10|1.2|3",
        "1772442050|NONE|NONE|NONE|QUEUESTART|",
        "1772442060|1.1|q|Ann|COMPLETEAGENT|10|40|1"))
    row = o.queue_rows()["q", 1772442000]
    assert (row["offered"], row["answered"], row["lost"]) == (2, 1, 1)
    assert row["talk_s"] == 0 and row["wait_answered_s"] == 10


def test_oracle_reads_pipes_in_names():
    o = oracle.Oracle().read(log_of(
        "1772442010|1.1|my queue.x|NONE|ENTERQUEUE||01|1",
        "1772442010|1.1|my queue.x|Jan|Piet|CONNECT|0|1.2|0",
        "1772442012|1.1|my queue.x|Jan|Piet|COMPLETEAGENT|0|2|1"))
    assert o.agent_rows()["Jan|Piet", "my queue.x", 1772442000]["talk_s"] == 2
