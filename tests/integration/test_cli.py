# SPDX-License-Identifier: BSD-2-Clause
"""The frames of both programs: options, exit codes, messages; `ringtally
feeds`; and that what ringtally-sql(7) shows can be asked."""
import csv
import gzip
import io
import json
import os
import re
import subprocess

import pytest

import fixtures
import harness

import loggen

TOP = harness.TOP


def run(*args, program="ringtally", **kwargs):
    done = subprocess.run([harness.binary(program), *args],
                          capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, **kwargs)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(autouse=True)
def programs():
    fixtures.need_programs()


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "ringtally.conf"
    path.write_text('site = "h";\n\nsite_ = 1;\n')
    return str(path)


# arguments, exit code, what standard error begins with
@pytest.mark.parametrize("args, code, says", [
    ([], 2, "usage: ringtally "),
    (["taly"], 2, 'ringtally: there is no command "taly" — did you mean '
                  '"tally"?'),
    (["frobnicate"], 2, 'ringtally: there is no command "frobnicate"\n'),
    (["-x"], 2, 'ringtally: unknown option "-x"'),
    (["-c"], 2, 'ringtally: no FILE behind "-c"'),
    (["db", "-c"], 2, "ringtally db: -c needs a FILE"),
    (["db"], 2, "ringtally db: one of init, migrate, check"),
    (["db", "inti"], 2, 'ringtally db: no "inti"'),
    (["feeds", "-o", "xml"], 2, "ringtally feeds: -o takes table, csv or "
                                "json"),
    (["feeds", "-c", "/nonexistent"], 3,
     "ringtally: /nonexistent: No such file"),
    (["-c", "/nonexistent", "feeds"], 3,
     "ringtally: /nonexistent: No such file"),
    (["--config=/nonexistent", "feeds"], 3,
     "ringtally: /nonexistent: No such file"),
    (["feeds", "-c/nonexistent"], 3, "ringtally: /nonexistent: No such file"),
    (["feeds", "-C", "host=/nonexistent"], 1, "ringtally feeds: database: "),
    (["sim", "--start", "2026-02-30"], 2, 'ringtally sim: bad value'),
    (["sim", "--rotate", "rename", "-o", "/nonexistent/x"], 2,
     "ringtally sim: --rotate needs --rotate-after"),
    (["tally", "--bogus"], 2, "ringtally tally: unrecognized option"),
    (["tally", "--", "-c"], 1, "ringtally tally: -c: No such file"),
])
def test_wrong_use(args, code, says):
    rc, out, err = run(*args)
    assert (rc, out) == (code, "")
    assert err.startswith(says)


def test_pipes_among_files(tmp_path):
    """What can be read but once is not looked into beforehand: nothing of a
    pipe is missing, and the order is the one given."""
    log = loggen.make_log(900, seed=901)
    cut = [0] + [log.index(b"\n", len(log) * n // 3) + 1 for n in (1, 2)]
    pieces = [log[a:b] for a, b in zip(cut, cut[1:] + [len(log)])]
    paths = [str(tmp_path / str(n)) for n in range(3)]
    for path, piece in zip(paths, pieces):
        with open(path, "wb") as f:
            f.write(piece)
    whole = run("tally", "-o", "csv", *paths)
    assert whole[0] == 0
    script = "ringtally=$1; shift; exec \"$ringtally\" tally -o csv " \
             "<(cat \"$1\") <(cat \"$2\") \"$3\""
    piped = subprocess.run(
        ["bash", "-c", script, "-", harness.binary("ringtally"), *paths],
        capture_output=True, text=True, timeout=60)
    assert (piped.returncode, piped.stdout) == whole[:2], piped.stderr


def test_damage_is_named_once(tmp_path):
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(loggen.make_log(200, seed=902))[:-40])
    rc, out, err = run("tally", str(path))
    assert (rc, out) == (1, "")
    assert err.count(str(path)) == 1


def test_help_and_version():
    rc, out, err = run("-h")
    assert (rc, err) == (0, "")
    commands = re.findall(r"^  (\w+) +\w", out, re.M)
    assert {"db", "feeds", "tally"} <= set(commands)
    for command in commands:
        for args in ([command, "-h"], ["--help", command], ["-h", command]):
            rc, out, err = run(*args)
            assert (rc, err) == (0, "")
            assert out.startswith("usage: ringtally ")
    assert run("-V")[:2] == run("--version")[:2]
    assert re.fullmatch(r"ringtally \d+\.\d+\.\d+\n", run("-V")[1])


@pytest.mark.parametrize("program, args", [
    ("ringtally", ["-h"]),
    ("ringtallyd", ["-V"]),
    ("ringtallyd", ["-h"]),
    ("ringtallyd", ["-t", "-c", os.path.join(TOP, "etc", "ringtally.conf")]),
])
def test_a_full_disk_is_a_failure(program, args):
    with open("/dev/full", "w") as full:
        done = subprocess.run([harness.binary(program), *args],
                              stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr


def test_no_summary_is_a_failure(rig):
    harness.append(rig.log, loggen.make_log(50, seed=903))
    daemon = rig.daemon()
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [daemon.program, "-c", daemon.conf_path, "--once"], stdout=full,
            stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr


def test_configuration_errors(broken):
    """Both programs: code 3, file and line, the nearest key."""
    wanted = broken + ':3: unknown key "site_" — did you mean "site"?\n'
    assert run("feeds", "-c", broken) == (3, "", "ringtally: " + wanted)
    assert run("-t", "-c", broken, program="ringtallyd") == \
        (3, "", "ringtallyd: " + wanted)


def test_configuration_test(tmp_path):
    path = os.path.join(TOP, "etc", "ringtally.conf")
    rc, out, err = run("-t", "-c", path, program="ringtallyd")
    assert (rc, err) == (0, "")
    # F35: one file read twice, by another name of it
    log = tmp_path / "queue_log"
    log.write_text("")
    (tmp_path / "link").symlink_to(log)
    conf = tmp_path / "twice.conf"
    feed = ('{ name = "%s"; switch = "s"; transport = "file"; '
            'path = "%s"; format = "asterisk-queue-log"; }')
    conf.write_text('site = "h";\nfeeds = ( %s,\n%s );\n' % (
        feed % ("a", log), feed % ("b", tmp_path / "link")))
    rc, out, err = run("-t", "-c", str(conf), program="ringtallyd")
    assert (rc, out) == (3, "")
    assert err.startswith('ringtallyd: %s:3: feed "b" reads' % conf)


def one_feed(transport, format="ringtally-json", name="a", **options):
    return {"name": name, "switch": "s", "transport": transport,
            "format": format, **options}


LISTENS = {"transport": "tcp-listen", "listen": "127.0.0.1:9999"}


@pytest.mark.parametrize("feeds, why", [
    ([one_feed(**LISTENS), one_feed(**LISTENS, name="b")],
     'feed "b" listens at 127.0.0.1:9999, as feed "a" at '),
    ([one_feed(**LISTENS), one_feed("tcp-listen", name="b", listen="*:9999")],
     'feed "b" listens at *:9999, as feed "a" at '),
    ([one_feed("tcp-listen", listen="[::]:8085")],
     'feed "a" listens at [::]:8085, as live.listen does (127.0.0.1:8085)'),
    # a port of UDP is another one, and so are other addresses' ports
    ([one_feed(**LISTENS),
      one_feed("udp-listen", name="b", listen="127.0.0.1:9999"),
      one_feed("udp-listen", name="c", listen="127.0.0.1:8085"),
      one_feed("tcp-listen", name="d", listen="127.0.0.2:9999"),
      one_feed("tcp-listen", name="e", listen="[::1]:9999")], None),
    ([one_feed("tcp-connect", "asterisk-ami", address="127.0.0.1:5038",
               secret_file="/x")], "which logs in: user is missing"),
    ([one_feed("tcp-connect", "asterisk-ami", address="127.0.0.1:5038",
               user="x")], "which logs in: secret_file is missing"),
    ([one_feed("tcp-connect", "freeswitch-esl", address="127.0.0.1:8021")],
     "which logs in: secret_file is missing"),
    ([one_feed("http", "freeswitch-cdr", cdr_columns=["uuid", "bar"])],
     "cdr_columns has no cc_queue: "),
    ([one_feed("http", "freeswitch-cdr", cdr_columns=[
        "UUID", "cc_queue", "cc_queue_joined_epoch", "mine"])], None),
    ([one_feed("http", spool_sync_s=3)],
     "spool_sync_s is 3; it must be from 0 to 2 s"),
    ([one_feed("exec", command=["/bin/true"], spool_max_age_s=0.001)],
     "spool_max_age_s is 0.001; it must be 0, or 60 at least"),
    ([one_feed("exec", command=["/bin/true"], spool_max_age_s=60)], None),
])
def test_what_does_not_go_together(tmp_path, feeds, why):
    daemon = harness.Daemon(str(tmp_path), {
        "site": "h", "database": {"conninfo": "dbname=x"},
        "live": {"listen": "127.0.0.1:8085"}, "feeds": feeds})
    rc, out, err = run("-t", "-c", daemon.conf_path, program="ringtallyd")
    if why is None:
        assert (rc, err) == (0, "")
    else:
        assert rc == 3 and why in err, err


def test_no_feeds(tmp_path):
    """Enough for ringtally, not for ringtallyd."""
    path = tmp_path / "ringtally.conf"
    path.write_text('site = "h";\n'
                    'database = { conninfo = "host=/nonexistent"; };\n')
    says = "%s: no feeds: there is nothing to read\n" % path
    assert run("-t", "-c", str(path), program="ringtallyd") == \
        (3, "", "ringtallyd: " + says)
    rc, out, err = run("-c", str(path), program="ringtallyd")
    assert (rc, out) == (3, "") and err.endswith("error: " + says)
    assert run("feeds", "-c", str(path))[0] == 1


def test_db_check(rig):
    conf = rig.daemon().conf_path
    assert run("db", "check", "-c", conf)[0] == 0
    rig.db.execute("DROP SCHEMA ringtally CASCADE")
    rc, out, err = run("-c", conf, "db", "check")
    assert rc == 1 and err.startswith("ringtally db check: ")


def test_db_check_asks_for_every_right(rig):
    """Whatever the schema grants to the daemon alone is missed when it is not
    granted any more."""
    conf = rig.daemon().conf_path
    granted = set(rig.db.execute(
        "SELECT lower(privilege_type), table_name::text"
        " FROM information_schema.role_table_grants"
        " WHERE grantee = 'ringtally_writer'"
        " AND privilege_type IN ('INSERT', 'UPDATE', 'DELETE')"))
    granted |= set(rig.db.execute(
        "SELECT 'call', proname || '()' FROM pg_proc AS p"
        " WHERE pronamespace = 'ringtally'::regnamespace"
        " AND has_function_privilege('ringtally_writer', oid, 'EXECUTE')"
        " AND NOT has_function_privilege('ringtally_reader', oid,"
        " 'EXECUTE')"))
    assert len(granted) > 40
    rig.db.execute("REVOKE INSERT, UPDATE, DELETE"
                   " ON ALL TABLES IN SCHEMA ringtally FROM ringtally_writer")
    rig.db.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ringtally"
                   " FROM ringtally_writer")
    rc, out, err = run("-c", conf, "db", "check")
    said = {(right.lower(), name) for right, name in re.findall(
        r"may not (\w+) (?:into |from )?ringtally\.(\S+)", out)}
    assert rc == 1 and granted - said == set()


def feeds(*args):
    rc, out, err = run("feeds", *args)
    assert (rc, err) == (0, "")
    return out


def test_feeds(rig):
    log = loggen.make_log(500, seed=11)
    harness.append(rig.log, log)
    harness.append(rig.log, b"1795288727|1.1|q|NONE|=NOVEL|\n")
    harness.append(rig.log, b"nonsense\n")
    size = os.path.getsize(rig.log)
    daemon = rig.daemon()
    assert run("--once", "-c", daemon.conf_path, program="ringtallyd")[0] == 0
    at = ["-c", daemon.conf_path]

    row, = json.loads(feeds("-o", "json", *at))
    assert (row["feed"], row["switch"], row["site"]) == ("log", "pbx", "test")
    assert (row["path"], row["file_offset"]) == (rig.log, size)
    assert row["behind_bytes"] == 0
    assert row["records"] == log.count(b"\n") + 2
    assert row["bytes"] == size
    assert row["rejected"] == 1 and row["gaps"] == 0
    assert row["writer"] == "stopped"

    same, = csv.DictReader(io.StringIO(feeds("-o", "csv", *at)))
    assert same["records"] == str(row["records"])
    assert list(same) == list(row)

    # the daemon is gone, the log goes on: that is seen all the same
    harness.append(rig.log, b"x" * 10)
    row, = json.loads(feeds("-o", "json", *at))
    assert row["behind_bytes"] == 10

    head, line = feeds(*at).splitlines()
    assert "rejected" in head and "gaps" not in head
    assert "gaps" in feeds("-a", *at).splitlines()[0]

    events = list(csv.DictReader(io.StringIO(feeds("-e", "-o", "csv", *at))))
    counts = {e["event"]: (int(e["count"]), e["is"]) for e in events}
    assert counts["CONFIGRELOAD"] == (log.count(b"|CONFIGRELOAD|"),
                                     "known")
    assert counts["'=NOVEL"] == (1, "unknown")


def test_feeds_of_another_site_and_without_rights(rig):
    conf = rig.daemon({**rig.config(), "site": "other"}).conf_path
    assert feeds("-o", "json", "-c", conf) == "[]\n"
    rig.db.execute("DROP ROLE IF EXISTS ringtally_nobody")
    rig.db.execute("CREATE ROLE ringtally_nobody LOGIN")
    rc, out, err = run("feeds", "-C", rig.server.conninfo(
        rig.database, "ringtally_nobody", rig.host))
    assert rc == 1 and "it needs ringtally_reader" in err
    rig.db.execute("DROP ROLE ringtally_nobody")
    rig.db.execute("DROP SCHEMA ringtally CASCADE")
    rc, out, err = run("feeds", "-C", rig.server.conninfo(rig.database))
    assert rc == 1 and "ringtally db check" in err


def test_manual_of_sql(rig):
    """Its examples run as an analyst, and every measure that it lists is a
    column."""
    with open(os.path.join(TOP, "man", "ringtally-sql.7")) as f:
        page = f.read()
    rig.db.execute("SET ROLE ringtally_reader")
    examples = re.findall(r"^\.Bd -literal.*?\n(SELECT.*?)^\.Ed", page,
                          re.M | re.S)
    assert len(examples) == 7
    for example in examples:
        rig.db.execute(example)
    for section, view in (("measures", "queue_interval"),
                          ("agent measures", "agent_interval"),
                          ("counters", "feed")):
        text = re.search(r"begin generated %s\n(.*?)end generated" % section,
                         page, re.S).group(1)
        names = re.findall(r"^\.It Va (\w+)", text, re.M)
        assert names
        rig.db.execute("SELECT %s FROM ringtally.%s" % (", ".join(names),
                                                        view))
    rates = re.search(r"^\.Ss Rates\n(.*?)^\.Ss", page, re.M | re.S).group(1)
    names = re.findall(r"\w+_(?:pct|s)\b",
                       "\n".join(re.findall(r"^\.It Va (.*)", rates, re.M)))
    names = [n.replace("_T_", "_%d_" % t) for n in names for t in (15, 20)]
    for view in ("service_level", "service_level_hour", "service_level_day"):
        assert view in page
        rig.db.execute("SELECT %s FROM ringtally.%s" % (", ".join(names),
                                                        view))
