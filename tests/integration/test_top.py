# SPDX-License-Identifier: BSD-2-Clause
"""`ringtally top` in tmux: what is on the screen when keys are pressed, the
terminal changes its size, and the daemon goes and comes back."""
import os
import re
import shutil
import signal
import subprocess
import time

import pytest

import fixtures
import harness

EVIL = "evil\x1b]0;owned\x07\x1b[31m<b>"


# Where it is noon now: the calls of a moment ago are today's.
NOON = "Etc/GMT%+d" % (time.gmtime().tm_hour - 12)


def line(t, call, queue, agent, *rest):
    return "|".join([str(t), call, queue, agent, *rest]) + "\n"


def arrivals(now, queues):
    """For each queue so many callers who wait, the first for longest."""
    lines = []
    for at, (queue, n) in enumerate(queues):
        for i in range(n):
            lines.append(line(now - 300 + 60 * at + i, "c%d.%d" % (at, i),
                              queue, "NONE", "ENTERQUEUE", "", "0114", "1"))
    return "".join(lines).encode()


class Tmux:
    """A terminal of our own, with a shell in it."""

    def __init__(self, directory, width=80, height=24, **env):
        self.socket = os.path.join(directory, "tmux")
        environ = {k: v for k, v in os.environ.items()
                   if k not in ("TMUX", "TMUX_PANE")}
        environ.update({"LC_ALL": "C.UTF-8", "SHELL": "/bin/sh", **env})
        self.environ = environ
        self.run("-f", "/dev/null", "new-session", "-d", "-x", str(width),
                 "-y", str(height), "env PS1='$ ' /bin/sh")
        self.run("set-option", "-g", "window-size", "manual")
        self.run("set-option", "-s", "escape-time", "0")

    def run(self, *args):
        return subprocess.run(
            ["tmux", "-S", self.socket, *args], check=True, text=True,
            capture_output=True, env=self.environ, timeout=20).stdout

    def keys(self, *keys):
        self.run("send-keys", *keys)

    def type(self, text):
        self.run("send-keys", "-l", text)

    def screen(self, *args):
        return self.run("capture-pane", "-p", *args)

    def rows(self):
        return self.screen().split("\n")

    def title(self):
        return self.run("display-message", "-p", "#{pane_title}").strip()

    def resize(self, width, height):
        self.run("resize-window", "-x", str(width), "-y", str(height))

    def wait(self, what, timeout=None):
        """Until a text, or what a pattern says, is on the screen."""
        seen = re.compile(what, re.M) if isinstance(what, str) else what
        try:
            return harness.poll("", lambda: seen.search(self.screen()),
                                timeout, step=0.1)
        except AssertionError:
            raise AssertionError("never on the screen: %r\n%s" % (
                what, self.screen())) from None

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"],
                       capture_output=True, env=self.environ, timeout=20)


class Stage:
    """A daemon with some calls, and top in a terminal."""

    def __init__(self, rig, **kwargs):
        self.rig = rig
        self.path = os.path.join(rig.directory, "control")
        harness.append(rig.log, arrivals(int(time.time()), [
            ("ctax", 4), ("housing", 1), (EVIL, 3), ("\u6771\u4eac", 2)]))
        self.daemon = rig.daemon(rig.config(live={"control": self.path},
                                            timezone=NOON,
                                            services=[{
            "name": "Council Tax", "queues": ["ctax"],
            "target": {"within_s": 20, "pct": 85.0, "amber_pct": 80.0}}]))
        self.daemon.start(wait="READY=1")
        rig.settle()
        self.tmux = Tmux(rig.directory, **kwargs)
        rig.closing.callback(self.tmux.close)

    def top(self, *args):
        self.tmux.type("%s -c %s top %s; echo ended $?" % (
            harness.binary("ringtally"), self.daemon.conf_path,
            " ".join(args)))
        self.tmux.keys("Enter")
        self.tmux.wait(r"^QUEUE ")
        self.tmux.wait(r"^ctax ")
        return self.tmux

    def queues(self):
        """The names in the list, from above."""
        rows = self.tmux.rows()
        head = next(i for i, r in enumerate(rows) if r.startswith("QUEUE "))
        return [r.split()[0] for r in rows[head + 1:-2] if r.strip()]

    def wait_order(self, *names):
        try:
            harness.poll("", lambda: self.queues() == list(names), 10)
        except AssertionError:
            raise AssertionError("not %s:\n%s" % (
                names, self.tmux.screen())) from None


@pytest.fixture
def stage(rig):
    if shutil.which("tmux") is None:
        pytest.skip("no tmux: install tmux")
    return Stage(rig)


SHOWN_EVIL = "evil\ufffd]0;owned\ufffd\ufffd[31m<b>"
SHORT_EVIL = SHOWN_EVIL[:13]


def evil(stage):
    """What is shown of that name, cut off as it may be."""
    return next(q for q in stage.queues() if q.startswith("evil"))


def test_starts_sorts_and_ends(stage):
    tmux = stage.top()
    stage.wait_order("ctax", "housing", evil(stage), "\u6771\u4eac")
    rows = tmux.rows()
    assert "ringtally test" in rows[0] and "queues 4" in rows[0]
    assert rows[1].startswith("waiting 10, longest ")
    assert rows[2].startswith("feeds: 1, all in order; database: ready")
    assert all(len(row) <= 80 for row in rows)
    tmux.keys("r")      # the shortest of the longest waits first
    stage.wait_order("\u6771\u4eac", evil(stage), "housing", "ctax")
    tmux.keys("Left")   # by callers who wait
    stage.wait_order("ctax", evil(stage), "\u6771\u4eac", "housing")
    tmux.keys("<")      # by name
    stage.wait_order("ctax", evil(stage), "housing", "\u6771\u4eac")
    tmux.keys("q")
    tmux.wait(r"^ended 0")
    # what was on the terminal before is there again, and it echoes
    assert "QUEUE" not in tmux.screen()
    tmux.type("echo sa''ne")
    tmux.wait(r"^\$ echo sa''ne")
    tmux.keys("Enter")
    tmux.wait(r"^sane")
    assert "icanon" in sane(tmux) and "-echo " not in sane(tmux)


def sane(tmux):
    tmux.type("stty -a | tr '\\n' ' '; echo .")
    tmux.keys("Enter")
    tmux.wait(r"icanon")
    return tmux.screen()


def test_names_do_not_act(stage):
    """Neither the title of the terminal nor a colour is what a name says."""
    tmux = stage.top()
    name = evil(stage)
    assert name == SHOWN_EVIL or name.endswith("\u2026"), name
    assert "owned" not in tmux.title()
    tmux.type("/owned")
    tmux.wait(r"queues 1 of 4")
    tmux.keys("Enter", "Enter")
    tmux.wait(r"^evil.*<b> on pbx")
    assert "owned" not in tmux.title()
    assert "\x1b[31m" not in tmux.screen("-e")
    tmux.keys("q")
    tmux.wait(r"^ended 0")


def test_filters_as_you_type(stage):
    tmux = stage.top()
    tmux.type("/o")
    tmux.wait(r"^filter: o_")
    stage.wait_order("ctax", "housing", evil(stage)) # Council Tax, too
    tmux.type("US")
    stage.wait_order("housing")
    tmux.keys("BSpace", "BSpace", "BSpace")
    tmux.wait(r"queues 4, ")
    tmux.type("\u4eac")
    stage.wait_order("\u6771\u4eac")
    tmux.keys("Enter")
    tmux.wait("^\\? help")
    assert stage.queues() == ["\u6771\u4eac"]
    tmux.keys("/", "Escape")
    tmux.wait(r"queues 4, ")
    tmux.type("/q")     # no key that quits here
    tmux.wait(r"queues 0 of 4")
    assert stage.queues() == []
    tmux.keys("Escape", "q")
    tmux.wait(r"^ended 0")


def test_page_of_a_queue(stage):
    """With callers and agents, of this second; and back where one was."""
    now = int(time.time())
    harness.append(stage.rig.log, (
        line(now, "a", "ctax", "Jo", "ADDMEMBER", "") +
        line(now, "a", "ctax", "Al\x1b[7m", "ADDMEMBER", "") +
        line(now, "a", "ctax", "Al\x1b[7m", "PAUSE", "Lunch") +
        line(now, "c0.0", "ctax", "Jo", "CONNECT", "300", "y", "2")).encode())
    stage.rig.settle()
    tmux = stage.top()
    tmux.wait(r"talking 1")
    tmux.keys("r", "r", "End", "Home")
    tmux.keys("Enter")
    tmux.wait(r"^ctax on pbx, service: Council Tax")
    tmux.wait(r"^WAITING \(3\)")
    tmux.wait(r"^TALKING \(1\)")
    tmux.wait(r"since \d\d:\d\d:\d\d  Jo  .*c0\.0")
    assert re.search(r"^target: 85 % in 20 s; today 0(\.0)? %: red",
                     tmux.screen(), re.M)
    tmux.keys("End")
    tmux.wait(r"^AGENTS \(2\)")
    tmux.wait(r"^  Jo +talking")
    tmux.wait(r"^  Al.\[7m +paused +since \d\d:\d\d:\d\d +Lunch")
    harness.append(stage.rig.log, line(
        int(time.time()), "c0.1", "ctax", "NONE", "ABANDON", "1", "1",
        "300").encode())
    tmux.keys("Home")
    tmux.wait(r"^WAITING \(2\)")
    tmux.keys("Escape")
    tmux.wait(r"^QUEUE ")
    tmux.keys("?")
    tmux.wait(r"^KEYS")
    tmux.keys("q")
    tmux.wait(r"^ended 0")


def test_services_and_feeds(stage):
    tmux = stage.top()
    tmux.keys("s")
    tmux.wait(r"^Council Tax .* red")
    tmux.wait(r"services 2")
    tmux.keys("<", "<", "Home")     # by name
    tmux.wait(r"by SERVICE up")
    tmux.keys("Home", "Enter")
    tmux.wait(r'queues 1 of 4, .*"Council Tax"')
    tmux.keys("f")
    tmux.wait(r"^log +following")
    os.rename(stage.rig.log, stage.rig.log + ".gone")
    tmux.keys("u", "/", "Escape")
    tmux.wait(r"queues 4, ")
    tmux.keys("q")
    tmux.wait(r"^ended 0")


@pytest.mark.parametrize("kwargs", [{"width": 80, "height": 24},
                                    {"width": 200, "height": 50}])
def test_survives_a_resize(rig, kwargs):
    if shutil.which("tmux") is None:
        pytest.skip("no tmux: install tmux")
    stage = Stage(rig, **kwargs)
    tmux = stage.top()
    before = [r.split()[0] for r in tmux.rows() if r.strip()]
    tmux.resize(40, 10)
    tmux.wait(r"^QUEUE +WAIT LONGEST %<20s STATUS$")
    assert len(tmux.rows()) - 1 == 10
    assert all(len(row) <= 40 for row in tmux.rows())
    assert tmux.rows()[4].startswith("ctax ")
    tmux.resize(1, 1)
    time.sleep(0.3)
    tmux.resize(10, 3)
    time.sleep(0.3)
    tmux.resize(kwargs["width"], kwargs["height"])
    tmux.wait(r"%<15s")
    tmux.wait(r"^ctax .*red")
    assert [r.split()[0] for r in tmux.rows() if r.strip()] == before
    tmux.keys("q")
    tmux.wait(r"^ended 0")


def test_survives_the_daemon(stage):
    """Old figures are called old until there are new ones."""
    tmux = stage.top()
    stage.daemon.kill()
    tmux.wait(r"no daemon listens on .*; trying again|closed the connection")
    tmux.wait(r"^ OLD FIGURES, \d+ s ago: no daemon listens on")
    assert "AS OF" in tmux.rows()[0]
    assert "all in order" not in tmux.screen()
    assert "ctax" in tmux.screen()
    # on every page
    tmux.keys("f")
    tmux.wait(r"^ (OLD FIGURES|NO FIGURES YET)")
    tmux.keys("u")
    harness.append(stage.rig.log, line(
        int(time.time()), "n", "new", "NONE", "ENTERQUEUE", "", "0",
        "1").encode())
    stage.daemon.start(wait="READY=1")
    tmux.wait(r"^feeds: 1, all in order; database: ready")
    tmux.wait(r"^new ")
    assert "OLD FIGURES" not in tmux.screen()
    assert "AS OF" not in tmux.screen()
    tmux.keys("q")
    tmux.wait(r"^ended 0")


def test_a_daemon_that_does_not_answer(stage):
    tmux = stage.top()
    stage.daemon.signal(signal.SIGSTOP)
    tmux.wait(r"^ OLD FIGURES, \d+ s ago: the daemon does not answer")
    tmux.type("/hou")   # keys work
    tmux.wait(r"queues 1 of 4")
    tmux.keys("Escape")
    stage.daemon.signal(signal.SIGCONT)
    tmux.wait(r"^feeds: 1, all in order")
    tmux.keys("q")
    tmux.wait(r"^ended 0")


def test_top_itself_was_stopped(stage):
    """Whoever comes back to it sees at once that the figures are old, or
    new ones."""
    tmux = stage.top()
    tmux.keys("C-z")
    tmux.wait(r"^\$ *$")
    time.sleep(4)
    tmux.type("fg")
    tmux.keys("Enter")
    tmux.wait(r"^feeds: 1, all in order")
    tmux.keys("q")
    tmux.wait(r"ended")


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_sane(stage, signo):
    tmux = stage.top()
    pid = int(subprocess.run(
        ["pgrep", "-f", "^%s -c %s top" % (
            re.escape(harness.binary("ringtally")),
            re.escape(stage.daemon.conf_path))],
        capture_output=True, text=True, check=True).stdout)
    os.kill(pid, signo)
    tmux.wait(r"^ended 0")
    assert "-echo " not in sane(tmux)


@pytest.mark.parametrize("env", [
    {"TERM": "vt100"},                  # no colours
    {"LC_ALL": "C"},                    # nothing but ASCII
])
def test_poor_terminals(stage, env):
    tmux = stage.tmux
    for key, value in env.items():
        tmux.type("export %s=%s" % (key, value))
        tmux.keys("Enter")
    stage.top()
    tmux.wait(r"^ctax .*red")
    if "LC_ALL" in env:
        screen = tmux.screen()
        assert screen.isascii(), screen
        tmux.wait(r"^\?\? ")
    tmux.keys("q")
    tmux.wait(r"^ended 0")


@pytest.mark.parametrize("args, code, says", [
    (["-c", "/nonexistent"], 2, "ringtally top: it needs a terminal"),
    (["-x"], 2, "ringtally top: invalid option"),
])
def test_without_a_terminal(args, code, says):
    fixtures.need_programs()
    done = subprocess.run([harness.binary("ringtally"), "top", *args],
                          capture_output=True, text=True, timeout=20,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == code
    assert done.stderr.startswith(says)


def test_no_daemon_at_the_start(stage):
    stage.daemon.stop()
    tmux = stage.tmux
    tmux.type("%s top -S %s; echo ended $?" % (harness.binary("ringtally"),
                                              stage.path))
    tmux.keys("Enter")
    tmux.wait(r"^ended 1")
    assert ("ringtally top: no daemon listens on " in
            tmux.screen().replace("\n", ""))
