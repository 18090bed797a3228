# SPDX-License-Identifier: BSD-2-Clause
"""Commands and standard input as feeds: records from a pipe, and what the one
at its other end may do."""
import os
import subprocess
import time

import pytest

import figures
import harness
from test_ingest import Calls, counted, wait_counted


def config(rig, feed, **more):
    return rig.config(
        spool_folder=os.path.join(rig.directory, "spool"),
        feeds=[{"switch": "pbx", "format": "asterisk-queue-log", **feed}],
        **more)


def script(rig, text):
    path = os.path.join(rig.directory, "command")
    with open(path, "w") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return path


def command(rig, text, *args, **more):
    """Starts a daemon that runs it."""
    daemon = rig.daemon(config(rig, {
        "name": "run", "transport": "exec", "restart_s": 0.05,
        "command": [script(rig, text), *args], "stop_s": 0.5, **more}))
    return daemon.start("-v", wait="READY=1")


def written(rig, name, bytes_):
    path = os.path.join(rig.directory, name)
    with open(path, "wb") as f:
        f.write(bytes_)
    return path


def runs(pid):
    """Whether that process is there, and no zombie."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def pid_in(rig, name):
    path = os.path.join(rig.directory, name)
    return int(harness.poll("%s is written" % name, lambda: (
        os.path.exists(path) and open(path).read().strip())))


# -- commands -------------------------------------------------------------

def test_command(rig):
    """Its records are counted; it gets nothing of ours but what it needs."""
    calls = Calls()
    log = b"".join(calls.body() for _ in range(500))
    daemon = command(
        rig, 'cat "$1"\nenv > "$2.env"\nls -l /proc/self/fd > "$2.fd"\n'
        'pwd > "$2.pwd"\ncat > "$2.in"\necho $$ > "$2.pid"\n'
        'echo "all is well" >&2\nexec sleep 1000\n',
        written(rig, "log", log), os.path.join(rig.directory, "told"))
    wait_counted(rig, 500)
    rig.assert_exact(log)
    pid = pid_in(rig, "told.pid")

    def told(what):
        with open(os.path.join(rig.directory, "told." + what)) as f:
            return f.read()
    assert {line.split("=")[0] for line in told("env").splitlines()} <= {
        "PATH", "LANG", "RINGTALLY_FEED", "PWD", "OLDPWD", "SHLVL", "_"}
    assert "RINGTALLY_FEED=run\n" in told("env")
    # 0, 1 and 2, and the folder itself that ls reads
    assert len(told("fd").splitlines()) <= 1 + 4
    assert told("pwd") == "/\n" and told("in") == ""
    assert os.getpgid(pid) == pid
    harness.poll("it is heard", lambda: daemon.said(
        "the command says: all is well"))
    assert daemon.stop() == 0
    assert not runs(pid)
    assert daemon.said("the command ended by signal 15")


def test_started_by_a_parent_that_ignores_its_children(rig):
    """Their end is seen all the same, and they are started again."""
    calls = Calls()
    log = calls.body() + calls.body()
    daemon = rig.daemon(config(rig, {
        "name": "run", "transport": "exec", "restart_s": 0.05,
        "command": [script(rig, 'test -e "$1" && exec sleep 1000\n'
                           'cat "$2"; touch "$1"; exit 3\n'),
                    os.path.join(rig.directory, "ran"),
                    written(rig, "log", log)]}))
    daemon.start("-v", wait="READY=1",
                 wrap=("env", "--ignore-signal=CHLD"))
    harness.poll("it is started again", lambda: (
        "exited with status 3" in daemon.stderr() and
        daemon.stderr().count("feed run: runs ") == 2))
    wait_counted(rig, 2)
    assert daemon.stderr().count("feed run: runs ") == 2
    rig.assert_exact(log)


def test_started_with_nothing_open(rig):
    """What it opens is not taken for its standard streams: the log goes into
    nothing else, and the command's records come."""
    calls = Calls()
    log = calls.body()
    daemon = rig.daemon(config(rig, {
        "name": "run", "transport": "exec", "command": [
            script(rig, 'cat "$1"\nexec sleep 1000\n'),
            written(rig, "log", log)]}))
    daemon.start("-v", wait="READY=1", wrap=(
        "sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"))
    for fd in range(3):
        assert os.readlink("/proc/%d/fd/%d" % (
            daemon.process.pid, fd)) == "/dev/null"
    wait_counted(rig, 1)
    rig.assert_exact(log)


def test_command_that_dies(rig):
    """It is started again, after a pause; what it had written counts; half a
    record does not, unless it ended well."""
    calls = Calls()
    bodies = [calls.body() for _ in range(4)]
    for i, body in enumerate(bodies):
        written(rig, "part%d" % i, body)
    written(rig, "part0", bodies[0] + b"1700000000|c.99|ctax|NONE|ENTERQ")
    written(rig, "part2", bodies[2].rstrip())
    daemon = command(
        rig, 'cd "$1"; n=$(cat n 2>/dev/null || echo 0)\n'
        'echo $((n + 1)) > n\n[ $n -lt 4 ] && cat part$n\n'
        'case $n in 0) exit 3;; 1) kill -9 $$;; 2) exit 0;; esac\n'
        'exec sleep 1000\n', rig.directory)
    wait_counted(rig, 4)
    rig.assert_exact(b"".join(bodies))
    row = figures.feed(rig.db, "run")
    assert row["lost_bytes"] == 32 and row["rejected"] == 0
    for how in ("exited with status 3", "ended by signal 9",
                "exited with status 0"):
        assert daemon.said("the command " + how)
    assert daemon.stop() == 0


def test_command_that_is_not_there(rig):
    path = os.path.join(rig.directory, "late")
    calls = Calls()
    log = written(rig, "log", calls.body())
    daemon = rig.daemon(config(rig, {
        "name": "run", "transport": "exec", "restart_s": 0.05,
        "restart_max_s": 0.1, "command": [path, log]}))
    daemon.start(wait="READY=1")
    harness.poll("it says so", lambda: daemon.said(path + " can not be run"))
    os.rename(script(rig, 'cat "$1"; exec sleep 1000\n'), path)
    wait_counted(rig, 1)
    daemon.config["feeds"][0]["command"] = ["cat", "x"]
    daemon.write_config()
    check = rig.daemon(daemon.config)
    assert check.start("-t").wait() == 3
    assert "absolute path" in check.stderr()


def test_command_that_floods(rig):
    """As much as it can on both; the daemon goes on with all else."""
    calls = Calls()
    log = b"".join(calls.body() for _ in range(8000))
    daemon = command(
        rig, 'yes "I say something again and again" >&2 &\n'
        'cat "$1"; yes nonsense\n', written(rig, "log", log),
        spool_max_mb=8)
    wait_counted(rig, 8000)
    assert set(counted(rig).values()) == {1}
    assert daemon.rss_kib() < 100000
    assert daemon.stop() == 0
    said = [line for line in daemon.stderr().splitlines()
            if "the command says" in line]
    assert 0 < len(said) < 200


def test_command_that_does_not_end(rig):
    """It and what it started ignore SIGTERM: they are killed."""
    daemon = command(
        rig, 'trap "" TERM\ncd "$1"\n(echo $(exec sh -c \'echo $PPID\') '
        '> child; while :; do sleep 1; done) &\necho $$ > parent\n'
        'while :; do sleep 1; done\n', rig.directory)
    parent, child = pid_in(rig, "parent"), pid_in(rig, "child")
    assert runs(parent) and runs(child) and parent != child
    assert daemon.stop() == 0
    assert daemon.said("it is killed")
    harness.poll("both are gone",
                 lambda: not runs(parent) and not runs(child))


def test_commands_are_stopped_together(rig):
    """Each of three is told to end before any is waited for, and what each
    says then, more than a pipe holds, is read while others are waited for: none
    ends before all have said it, and none is killed."""
    calls = Calls()
    log = written(rig, "log", b"".join(calls.body() for _ in range(1000)))
    text = ('cd "$1"\nend() { cat "$3"; : > said.$2; for i in 1 2 3; do\n'
            '  while ! test -f said.$i; do sleep 0.02; done\ndone; exit 0; }\n'
            'trap \'end "$@"\' TERM\n: > there.$2\n'
            'while :; do sleep 0.02; done\n')
    path = script(rig, text)
    daemon = rig.daemon(rig.config(
        spool_folder=os.path.join(rig.directory, "spool"),
        feeds=[{"name": "run%d" % i, "switch": "pbx%d" % i,
                "format": "asterisk-queue-log", "transport": "exec",
                "stop_s": 10, "command": [path, rig.directory, str(i), log]}
               for i in (1, 2, 3)]))
    daemon.start(wait="READY=1")
    harness.poll("all run", lambda: all(os.path.exists(os.path.join(
        rig.directory, "there.%d" % i)) for i in (1, 2, 3)))
    assert daemon.stop(60) == 0, daemon.stderr()
    assert daemon.stderr().count("the command exited with status 0") == 3
    assert not daemon.said("it is killed")
    daemon.start("--once").wait(60)
    assert counted_feeds(rig) == [("pbx%d" % i, 1000) for i in (1, 2, 3)]


def test_command_that_floods_at_its_end(rig):
    """What it says without an end is not all taken: it has to be on the disk
    before the daemon ends. That more was lost is counted."""
    daemon = command(rig, 'trap "" TERM\n: > "$1/there"\nexec yes %s\n' %
                     ("a" * 3000), rig.directory, spool_max_mb=8)
    harness.poll("it runs", lambda: os.path.exists(
        os.path.join(rig.directory, "there")))
    assert daemon.stop(60) == 0, daemon.stderr()
    assert daemon.said("more at its end than is taken then")
    spool = os.path.join(rig.directory, "spool", "run")
    assert sum(entry.stat().st_size for entry in os.scandir(spool)) < 32 << 20


def counted_feeds(rig):
    return rig.db.execute(
        "SELECT switch, sum(offered)::int FROM ringtally.queue_interval "
        "GROUP BY switch ORDER BY switch").fetchall()


def test_command_whose_child_keeps_the_output(rig):
    """The command has ended, its child lives on: the child ends, too."""
    daemon = command(rig, 'cd "$1"\nsleep 1000 &\necho $! > child\nexit 0\n',
                     rig.directory, restart_s=1000, restart_max_s=1000)
    child = pid_in(rig, "child")
    harness.poll("the run is over", lambda: daemon.said(
        "the command exited with status 0"))
    harness.poll("its child is gone", lambda: not runs(child))
    assert daemon.stop() == 0


def test_command_of_a_killed_daemon(rig):
    """It does not live on, and what it said before is counted once."""
    calls = Calls()
    first, second = calls.body(), calls.body()
    path = written(rig, "log", first)
    daemon = command(
        rig, 'cat "$1"; : > "$1"; echo $$ > "$2"; exec sleep 1000\n', path,
        os.path.join(rig.directory, "pid"))
    wait_counted(rig, 1)
    pid = pid_in(rig, "pid")
    daemon.kill()
    harness.poll("it is gone", lambda: not runs(pid))
    written(rig, "log", second)
    daemon.start(wait="READY=1")
    wait_counted(rig, 2)
    assert set(counted(rig).values()) == {1}
    assert daemon.stop() == 0


# -- standard input -------------------------------------------------------

STDIN = {"name": "in", "transport": "stdin"}


def test_stdin_pipe(rig):
    """In pieces, half a line each; kill -9 loses what was not yet read."""
    calls = Calls()
    bodies = [calls.body() for _ in range(30)]
    reader, writer = os.pipe()
    daemon = rig.daemon(config(rig, STDIN)).start(
        wait="READY=1", stdin=reader)
    os.close(reader)
    log = b"".join(bodies)
    for at in range(0, len(log), 37):
        os.write(writer, log[at:at + 37])
        time.sleep(0.001)
    wait_counted(rig, 30)
    rig.assert_exact(log)
    last = calls.body().rstrip()
    os.write(writer, last)
    os.close(writer)
    wait_counted(rig, 31)
    harness.poll("it has ended", lambda: daemon.said(
        "standard input has ended"))
    assert daemon.is_alive()
    assert daemon.stop() == 0
    assert daemon.stderr().count("standard input has ended") == 1
    rig.assert_exact(log + last + b"\n")


@pytest.mark.parametrize("once", [False, True])
def test_stdin_file(rig, once):
    calls = Calls()
    log = b"".join(calls.body() for _ in range(1000))
    path = written(rig, "log", log)
    daemon = rig.daemon(config(rig, STDIN))
    with open(path, "rb") as stdin:
        if once:
            daemon.start("--once", stdin=stdin)
            assert daemon.wait(60) == 0
        else:
            daemon.start(wait="READY=1", stdin=stdin)
    wait_counted(rig, 1000)
    rig.assert_exact(log)
    if not once:
        assert daemon.stop() == 0


def test_stdin_pipe_once(rig):
    """--once waits for the pipe's end, however slow it is."""
    calls = Calls()
    log = b"".join(calls.body() for _ in range(4))
    daemon = rig.daemon(config(rig, STDIN))
    with subprocess.Popen(
            ["/bin/sh", "-c", "head -c 100 %s; sleep 0.5; tail -c +101 %s" %
             ((written(rig, "log", log),) * 2)],
            stdout=subprocess.PIPE) as source:
        daemon.start("--once", stdin=source.stdout)
        assert daemon.wait(60) == 0
    assert len(counted(rig)) == 4
    rig.assert_exact(log)


def test_no_stdin(rig):
    """A service has /dev/null there: the feed is idle, the daemon lives."""
    daemon = rig.daemon(config(rig, STDIN)).start(wait="READY=1")
    harness.poll("it has ended", lambda: daemon.said(
        "standard input has ended"))
    assert daemon.stop() == 0
    assert rig.daemon(config(rig, STDIN)).start("--once").wait(60) == 0
    two = rig.config(feeds=[{"switch": "pbx", "format": "asterisk-queue-log",
                             **STDIN, "name": name} for name in "ab"])
    check = rig.daemon(two)
    assert check.start("-t").wait() == 3
    assert "a second feed with transport \"stdin\"" in check.stderr()
