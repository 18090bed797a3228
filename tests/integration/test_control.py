# SPDX-License-Identifier: BSD-2-Clause
"""The control socket: who may ask, what is answered, and what clients of ill
will can not do; `ringtally live` against the daemon's documents."""
import contextlib
import csv
import grp
import io
import json
import os
import pwd
import signal
import socket
import stat
import subprocess
import time

import pytest

import harness

CLIENTS = 100           # CONTROL_CLIENTS


# Where it is noon now: the calls of a moment ago are today's.
NOON = "Etc/GMT%+d" % (time.gmtime().tm_hour - 12)


def line(t, call, queue, agent, *rest):
    return "|".join([str(t), call, queue, agent, *rest]) + "\n"


def some_calls(now):
    """Three wait in ctax, one of four was answered; two wait in housing."""
    t = now - 100
    lines = [line(t, "x", "ctax", "Jo", "ADDMEMBER", ""),
             line(t, "x", "ctax", "Al", "ADDMEMBER", ""),
             line(t + 1, "x", "ctax", "Al", "PAUSE", "Lunch")]
    for n in range(4):
        lines.append(line(t + 2 + n, "c%d" % n, "ctax", "NONE", "ENTERQUEUE",
                          "", "0114", "1"))
    lines.append(line(t + 12, "c0", "ctax", "Jo", "CONNECT", "10", "y", "2"))
    for n in range(2):
        lines.append(line(t + 20 + n, "h%d" % n, "housing", "NONE",
                          "ENTERQUEUE", "", "0115", "1"))
    return "".join(lines).encode()


SERVICES = [{"name": "Council Tax", "queues": ["ctax*"],
             "target": {"within_s": 20, "pct": 85.0, "amber_pct": 80.0}}]


class Control:
    """The other end of the socket."""

    def __init__(self, path, timeout=10):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)

    def answer(self):
        head = self.file.readline()
        if not head.startswith(b"ok "):
            return head.decode()
        return json.loads(self.file.read(int(head[3:])))

    def ask(self, request):
        self.send(request.encode() + b"\n")
        return self.answer()

    def close(self):
        self.file.close()
        self.socket.close()


@pytest.fixture
def path(rig):
    return os.path.join(rig.directory, "control")


@pytest.fixture
def daemon(rig, path):
    harness.append(rig.log, some_calls(int(time.time())))
    daemon = rig.daemon(rig.config(
        live={"control": path}, services=SERVICES,
        timezone=NOON)).start(wait="READY=1")
    rig.settle()
    return daemon


@pytest.fixture
def clients(path):
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(contextlib.closing(Control(path)))


def live(*args, **kwargs):
    done = subprocess.run([harness.binary("ringtally"), "live", *args],
                          capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, **kwargs)
    return done.returncode, done.stdout, done.stderr


# -- who listens where ----------------------------------------------------

def test_mode_and_group(daemon, path):
    st = os.lstat(path)
    assert stat.S_ISSOCK(st.st_mode)
    assert stat.S_IMODE(st.st_mode) == 0o660
    assert st.st_gid == os.getegid()
    assert not os.path.exists(path + ".new")
    assert daemon.stop() == 0
    assert not os.path.exists(path)


def test_group_of_the_configuration(rig, path):
    """Where we may give it away, it is the group's, and a reload changes it.
    A group that is not there is an error before anything is read."""
    if os.geteuid() != 0:
        pytest.skip("only root may give a file to any group")
    config = rig.config(live={"control": path, "control_group": "daemon"})
    daemon = rig.daemon(config).start(wait="READY=1")
    assert os.lstat(path).st_gid == grp.getgrnam("daemon").gr_gid
    daemon.config["live"]["control_group"] = "nobodys"
    daemon.write_config()
    with contextlib.closing(Control(path)) as control:
        assert control.ask("reload").startswith(
            "error %s: there is no group \"nobodys\"" % path)
        daemon.config["live"]["control_group"] = "bin"
        daemon.write_config()
        assert control.ask("reload") == {"reloaded": True}
    assert os.lstat(path).st_gid == grp.getgrnam("bin").gr_gid
    assert stat.S_IMODE(os.lstat(path).st_mode) == 0o660


def as_user(name, *args):
    user = pwd.getpwnam(name)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": args}


def test_strangers_may_not(rig, daemon, path):
    """Neither past the file's mode nor, where that was opened by hand, past
    the daemon, who asks the kernel."""
    if os.geteuid() != 0:
        pytest.skip("only root may be another user")
    os.chmod(rig.directory, 0o755)
    code, _, says = live("-S", path, cwd="/", **as_user("nobody"))
    assert code == 1
    assert says == ("ringtally live: you may not connect to %s: root, the "
                    "daemon's user and members of the group %s may\n" %
                    (path, grp.getgrgid(os.getegid()).gr_name))
    os.chmod(path, 0o666)
    code, _, says = live("-S", path, cwd="/", **as_user("nobody"))
    assert (code, says) == (1, "ringtally live: you may not ask here\n")
    # a member by a group that is not its first
    code, out, says = live("-S", path, cwd="/",
                           **as_user("nobody", os.getegid()))
    assert code == 0, says
    assert "ctax" in out


def test_stale_socket_is_replaced(rig, daemon, path):
    before = os.lstat(path).st_ino
    daemon.kill()
    assert os.lstat(path).st_ino == before, "nobody has removed it"
    code, _, says = live("-c", daemon.conf_path)
    assert (code, says) == (
        1, "ringtally live: no daemon listens on %s\n" % path)
    daemon.start(wait="READY=1")
    assert live("--json", "-c", daemon.conf_path)[::2] == (0, "")


def test_second_daemon_is_told(rig, daemon, path):
    inode = os.lstat(path).st_ino
    second = rig.daemon(rig.config(live={"control": path}))
    assert second.start().wait() == 1
    assert second.said("control socket: %s: another daemon runs and answers "
                       "there" % path)
    rig.daemons.remove(second)
    assert os.lstat(path).st_ino == inode
    assert live("-c", daemon.conf_path)[0] == 0
    # one that is stopped runs all the same
    daemon.signal(signal.SIGSTOP)
    assert second.start().wait() == 1
    daemon.signal(signal.SIGCONT)


def test_what_is_no_socket_stays(rig, path):
    with open(path, "w") as f:
        f.write("precious")
    daemon = rig.daemon(rig.config(live={"control": path}))
    assert daemon.start().wait() == 1
    assert daemon.said("something that is no socket stands there")
    rig.daemons.remove(daemon)
    with open(path) as f:
        assert f.read() == "precious"


def test_another_s_socket_is_not_removed(rig, daemon, path):
    """Somebody has put his own socket there meanwhile."""
    os.unlink(path)
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as other:
        other.bind(path)
        assert daemon.stop() == 0
        assert os.path.exists(path)


def test_no_such_folder(rig):
    daemon = rig.daemon(rig.config(live={"control": "/nonexistent/control"}))
    assert daemon.start().wait() == 1
    assert daemon.said("/nonexistent/control.new: No such file")
    rig.daemons.remove(daemon)


@pytest.mark.parametrize("value", ["control", "", "/" + "x" * 103])
def test_path_is_checked(rig, value):
    daemon = rig.daemon(rig.config(live={"control": value}))
    assert daemon.start("-t").wait() == 3
    assert daemon.said("must be an absolute path of at most 103 bytes")
    rig.daemons.remove(daemon)


def test_once_has_none(rig, daemon, path):
    """A back-fill does not quarrel with the daemon about the socket."""
    inode = os.lstat(path).st_ino
    daemon.stop()
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as other:
        other.bind(path)
        other.listen()
        inode = os.lstat(path).st_ino
        assert daemon.start("--once").wait() == 0, daemon.stderr()
        assert os.lstat(path).st_ino == inode


# -- requests -------------------------------------------------------------

def test_documents(daemon, clients):
    control = clients()
    queues = control.ask("show queues")
    assert [q["queue"] for q in queues["queues"]] == ["ctax", "housing"]
    ctax = queues["queues"][0]
    assert (ctax["waiting"], ctax["talking"], ctax["service"]) == (
        3, 1, "Council Tax")
    assert queues["total"]["waiting"] == 5
    for what, key in (("services", "services"), ("agents", "agents"),
                      ("calls", "calls"), ("feeds", "feeds"),
                      ("intervals", "intervals"), ("formulas", "formulas"),
                      ("snapshot", "queues")):
        assert control.ask("show " + what)[key], what
    contacts = control.ask("show contacts")
    assert "stale" in contacts and "as_of" in contacts
    only = control.ask("show queues queue=housing")
    assert [q["queue"] for q in only["queues"]] == ["housing"]
    only = control.ask("show queues service=Council%20Tax")
    assert [q["queue"] for q in only["queues"]] == ["ctax"]
    both = control.ask("show calls queue=ctax queue=housing")
    assert len(both["calls"]) == 6
    assert control.ask("show queues switch=other")["queues"] == []


def test_what_the_daemon_is(rig, daemon, clients):
    control = clients()
    version = control.ask("show version")
    assert version["pid"] == daemon.process.pid
    assert version["site"] == "test"
    memory = control.ask("show memory")
    assert abs(memory["resident_bytes"] / 1024 - daemon.rss_kib()) < 8192
    assert memory["switches"][0]["queues"] == 2
    counters = control.ask("show counters")
    assert counters["feeds"][0]["feed"] == "log"
    assert counters["feeds"][0]["records"] == 10
    assert counters["control"]["requests"] == 3
    assert counters["control"]["clients_now"] == 1


def test_config_is_in_force_and_tells_no_password(rig, path):
    """The one of before, while the file holds another."""
    config = rig.config(live={"control": path}, services=SERVICES)
    config["database"]["conninfo"] += " password=sesame"
    daemon = rig.daemon(config).start(wait="READY=1")
    with contextlib.closing(Control(path)) as control:
        told = control.ask("show config")
        assert told["path"] == daemon.conf_path
        assert told["config"]["site"] == "test"
        assert told["config"]["database"]["flush_s"] == 0.05
        assert told["config"]["feeds"][0]["path"] == rig.log
        assert told["config"]["services"] == SERVICES
        assert "sesame" not in json.dumps(told)
        assert "password=***" in told["config"]["database"]["conninfo"]
        daemon.config["thresholds_s"] = [10, 20, 30]
        daemon.write_config()
        assert control.ask("show config")["config"]["thresholds_s"] == [15, 20]
        assert control.ask("reload") == {"reloaded": True}
        assert control.ask("show config")["config"]["thresholds_s"] == [
            10, 20, 30]


@pytest.mark.parametrize("request_, says", [
    ("", "error an empty request\n"),
    ("show", "error show what?\n"),
    ("show queue", 'error there is no "queue" to show, did you mean "queues"?'
                   "\n"),
    ("show \x1b[31m", 'error there is no "\\x1b[31m" to show\n'),
    ("show queues ctax", 'error "ctax" is none of queue=NAME, service=NAME, '
                         "switch=NAME\n"),
    ("show version queue=a", "error there is nothing to filter in that\n"),
    ("reload now", "error reload takes nothing behind it\n"),
    ("stop", 'error none of "show WHAT", "reload", "forget HASH"\n'),
    ("forget", "error forget whom?\n"),
    ("forget 01144960001", "error a hash is 32 hexadecimal digits\n"),
    ("GET / HTTP/1.1\r", 'error "HTTP/1.1" is none of'),
])
def test_wrong_requests(daemon, clients, request_, says):
    control = clients()
    assert control.ask(request_).startswith(says)
    assert control.ask("show version")["pid"] == daemon.process.pid


def test_garbage_and_halves(daemon, clients):
    for data in (b"\0" * 5000 + b"\n", b"\xff\xfe\n", b"show queues queue=%\n",
                 b"show " + b"x" * 16000 + b"\n"):
        control = clients()
        control.send(data)
        assert control.answer().startswith("error ")
        assert control.ask("show version")["pid"] == daemon.process.pid
    # never an end of the line
    control = clients()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for _ in range(100):
            control.send(b"y" * 1000)
        assert control.file.read() == b""
    # half a request, then gone; and half of it only
    control = clients()
    control.send(b"show que")
    control.socket.shutdown(socket.SHUT_WR)
    assert control.file.read() == b""
    # a whole one, then no more to send: it is answered
    control = clients()
    control.send(b"show version\n")
    control.socket.shutdown(socket.SHUT_WR)
    assert control.answer()["pid"] == daemon.process.pid
    assert daemon.is_alive()


def test_many_requests_at_once(daemon, clients):
    """Answered one by one, in order."""
    control = clients()
    control.send(b"show version\nshow nothing\n" * 100)
    for _ in range(100):
        assert control.answer()["pid"] == daemon.process.pid
        assert control.answer().startswith("error ")


def test_byte_by_byte(daemon, clients):
    control = clients()
    for byte in b"show version\r\n":
        control.send(bytes([byte]))
        time.sleep(0.002)
    assert control.answer()["pid"] == daemon.process.pid


# -- clients of ill will --------------------------------------------------

def test_two_hundred_connections(daemon, clients):
    """The first hundred are served, the others told why not; and when they
    are gone there is room again."""
    fds = daemon.fds()
    served, refused = [], []
    for _ in range(200):
        control = clients()
        with contextlib.suppress(BrokenPipeError): # refused already
            control.send(b"show version\n")
        (served if len(served) < CLIENTS else refused).append(control)
    for control in served:
        assert control.answer()["pid"] == daemon.process.pid
    for control in refused:
        assert control.answer() == "error too many ask here already\n"
        with contextlib.suppress(ConnectionResetError):
            assert control.file.read() == b""
    for control in served + refused:
        control.close()
    harness.poll("they are gone", lambda: daemon.fds() == fds)
    assert clients().ask("show counters")["control"]["refused"] == 100


def test_client_that_never_reads(rig, daemon, clients):
    """It costs one answer's memory, and nobody else waits for it."""
    control = clients()
    control.socket.settimeout(0.2)
    with contextlib.suppress(socket.timeout):
        while True:
            control.send(b"show snapshot\n" * 500)
    before = daemon.rss_kib()
    for _ in range(50):
        began = time.monotonic()
        assert clients().ask("show version")["pid"] == daemon.process.pid
        assert time.monotonic() - began < 1
    harness.append(rig.log, line(int(time.time()), "n", "new", "NONE",
                                 "ENTERQUEUE", "", "0", "1").encode())
    rig.settle()
    assert daemon.rss_kib() - before < 4096


def test_clients_that_die(daemon, clients, path):
    """Between question and answer, in numbers."""
    fds = daemon.fds()
    for n in range(harness.quick_or_slow(200, 5000)):
        control = Control(path)
        control.send(b"show snapshot\nshow queues\nshow ca"[:n % 40])
        control.close()
    harness.poll("they are gone", lambda: daemon.fds() == fds)
    assert clients().ask("show version")["pid"] == daemon.process.pid


# -- reload ---------------------------------------------------------------

def test_reload_says_what_is_wrong(rig, daemon, clients):
    control = clients()
    lines = sum(1 for _ in open(daemon.conf_path))
    with open(daemon.conf_path, "a") as f:
        f.write("tresholds_s = [ 15 ];\n")
    told = control.ask("reload")
    assert told.startswith("error %s:%d: " % (daemon.conf_path, lines + 1))
    assert "thresholds_s" in told
    assert len(told.splitlines()) == 1
    assert daemon.said("the configuration stays as it was")
    assert control.ask("show queues")["total"]["waiting"] == 5
    daemon.config["database"]["conninfo"] = "nonsense"
    daemon.write_config()
    assert "database.conninfo" in control.ask("reload")


def test_clients_stay_when_it_starts_anew(rig, daemon, clients):
    """Another interval can only be had by starting anew within itself."""
    control = clients()
    daemon.config["interval_minutes"] = 30
    daemon.write_config()
    assert control.ask("reload") == {"reloaded": True}
    harness.poll("it has begun anew", lambda: control.ask("show config")[
        "config"]["interval_minutes"] == 30)
    harness.poll("all is loaded", lambda: control.ask("show queues")[
        "total"]["waiting"] == 5)
    assert control.ask("show version")["pid"] == daemon.process.pid


def test_another_path_by_reload(rig, daemon, clients, path):
    control = clients()
    daemon.config["live"]["control"] = path + "-2"
    daemon.write_config()
    assert control.ask("reload") == {"reloaded": True}
    assert not os.path.exists(path)
    assert "starting anew" not in daemon.stderr()
    with contextlib.closing(Control(path + "-2")) as second:
        assert second.ask("show version")["pid"] == daemon.process.pid
    assert control.ask("show version")["pid"] == daemon.process.pid
    # one that can not be had leaves all as it is
    daemon.config["live"]["control"] = "/nonexistent/control"
    daemon.write_config()
    assert "No such file" in control.ask("reload")
    assert os.path.exists(path + "-2")
    del daemon.config["live"]
    daemon.write_config()
    assert control.ask("reload") == {"reloaded": True}
    assert not os.path.exists(path + "-2")


# -- ringtally live -------------------------------------------------------

def test_live_is_the_document(daemon, clients):
    code, out, _ = live("-c", daemon.conf_path, "--json")
    assert code == 0
    document, now = json.loads(out), clients().ask("show queues")
    for queues in (document, now):
        for queue in queues["queues"]:
            del queue["longest_wait_s"]
    assert document["queues"] == now["queues"]


def test_live_table(daemon, clients):
    code, out, says = live("-c", daemon.conf_path)
    assert (code, says) == (0, "")
    table, formulas = out.split("\n\n")
    assert "sl_T_offered_pct = answered within T seconds / offered" in formulas
    head, *rows = [r.split() for r in table.splitlines()]
    assert [r[0] for r in rows] == ["ctax", "housing", "(total)"]
    ctax = dict(zip(head, rows[0]))
    told = clients().ask("show queues queue=ctax")["queues"][0]
    for column, value in (("waiting", told["waiting"]),
                          ("talking", told["talking"]),
                          ("paused", told["agents"]["paused"]),
                          ("offered", told["today"]["offered"]),
                          ("status", told["status"]),
                          ("calls_to_target", told["calls_to_target"]),
                          ("sl_20_offered_pct",
                           told["today"]["sl_20_offered_pct"])):
        assert ctax[column] == str(value), column
    assert float(ctax["longest_wait_s"]) <= told["longest_wait_s"] + 0.1
    assert dict(zip(head, rows[2]))["waiting"] == "5"


def test_live_filters(daemon):
    conf = ("-c", daemon.conf_path, "-o", "csv")
    names = lambda *args: [r["queue"] for r in csv.DictReader(io.StringIO(
        live(*conf, *args)[1]))]
    assert names("-q", "housing") == ["housing"]
    assert names("--queue", "housing", "-q", "ctax") == ["ctax", "housing"]
    assert names("--service", "Council Tax") == ["ctax"]
    assert names() == ["ctax", "housing"]
    assert live(*conf, "-q", "a b%\n") == (
        1, "", "ringtally live: no queue of that name has been seen yet\n")
    assert live(*conf, "-s", "Parks")[2] == \
        "ringtally live: no queue of that service has been seen yet\n"


def test_live_says_what_is_stale(rig, path):
    harness.append(rig.log, some_calls(int(time.time())))
    daemon = rig.daemon(rig.config(
        live={"control": path, "stale_after_s": 1})).start(wait="READY=1")
    rig.settle()
    for format in ("table", "csv"):
        code, out, says = harness.poll("it is stale", lambda: (
            lambda done: done if done[2] else None)(
                live("-c", daemon.conf_path, "-o", format)))
        assert code == 0
        assert says.startswith("ringtally live: feed ") and \
            " is stale (following), its last event was at " in says
        assert out.startswith("queue")


def test_live_watch_in_a_pipe(daemon):
    """A document a second; it ends when the daemon does, and says so."""
    with subprocess.Popen(
            [harness.binary("ringtally"), "live", "-w", "--json", "-c",
             daemon.conf_path], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True) as watch:
        times = [json.loads(watch.stdout.readline())["time"]
                 for _ in range(3)]
        assert times == sorted(set(times))
        daemon.stop()
        out, err = watch.communicate(timeout=20)
        assert watch.returncode == 1
        assert "ringtally live: " in err


@pytest.mark.parametrize("args, code, says", [
    (["-x"], 2, "ringtally live: invalid option"),
    (["ctax"], 2, 'ringtally live: what is "ctax"?'),
    (["--contact", "-q", "ctax"], 2,
     "ringtally live: contacts are of no queue: no -q, no -s"),
    (["-o", "xml"], 2, "ringtally live: -o takes table, csv or json"),
    (["-c", "/nonexistent"], 3, "ringtally: /nonexistent: No such file"),
    (["-S", "/nonexistent"], 1, "ringtally live: no daemon listens on "
                                "/nonexistent\n"),
    (["-S", "/" + "x" * 200], 1, "ringtally live: /xxx"),
])
def test_live_says_what_is_wrong(args, code, says):
    done = live(*args)
    assert done[0] == code, done
    assert done[2].startswith(says)


def test_live_without_a_socket_configured(rig):
    daemon = rig.daemon()
    assert live("-c", daemon.conf_path) == (
        3, "", "ringtally live: %s: no control socket: live.control is not "
        "set\n" % daemon.conf_path)


def test_live_at_something_else(rig, path):
    """A server that is none of ours."""
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as other:
        other.bind(path)
        other.listen()
        with subprocess.Popen(
                [harness.binary("ringtally"), "live", "-S", path],
                stderr=subprocess.PIPE, text=True) as asking:
            peer, _ = other.accept()
            with contextlib.closing(peer):
                peer.sendall(b"220 mail.example.org ESMTP\r\n")
                _, err = asking.communicate(timeout=20)
    assert err == "ringtally live: what answers there is no ringtallyd\n"


def test_forget_before_all_is_loaded(rig, path):
    """What the database still holds is to come: that is not settled."""
    daemon = rig.daemon(rig.config(
        live={"control": path},
        database={"conninfo": "host=%s/nowhere" % rig.directory}))
    daemon.start()

    def listening():
        try:
            return Control(path)
        except OSError:
            return None
    with contextlib.closing(harness.poll("it listens", listening)) as control:
        assert control.ask("forget " + "0f" * 16)["pending_bytes"] > 0


def test_figures_without_the_database(own_rig):
    """They go on, and the document says that the database is away."""
    path = os.path.join(own_rig.directory, "control")
    harness.append(own_rig.log, some_calls(int(time.time())))
    daemon = own_rig.daemon(own_rig.config(
        live={"control": path})).start(wait="READY=1")
    own_rig.settle()
    own_rig.server.stop(signal.SIGQUIT)
    harness.append(own_rig.log, line(int(time.time()), "n", "new", "NONE",
                                     "ENTERQUEUE", "", "0", "1").encode())
    with contextlib.closing(Control(path)) as control:
        harness.poll("the new call is seen", lambda: control.ask(
            "show queues queue=new")["total"]["waiting"] == 1)
    code, out, says = live("-c", daemon.conf_path)
    assert code == 0
    assert "new" in out
    assert "the database is away" in harness.poll(
        "it says so", lambda: live("-c", daemon.conf_path)[2])
    daemon.kill()
    daemon.start(wait="READY=1")
    harness.poll("nothing is known", lambda: live("-c", daemon.conf_path) == (
        1, "", "ringtally live: nothing is known yet: the database is away, "
        "and what was counted before is there\n"))
