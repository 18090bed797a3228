# SPDX-License-Identifier: BSD-2-Clause
"""Debian's Chromium through playwright-core, which npm fetches once into the
build folder, in the versions that package-lock.json names."""
import contextlib
import json
import os
import shutil
import subprocess
import tempfile

import harness

HERE = os.path.dirname(os.path.abspath(__file__))
PLACE = os.path.join(harness.BUILD, "tests", "browser")
PICTURES = os.path.join(PLACE, "pictures")
MANIFEST = ("package.json", "package-lock.json")
SIZES = {"wall": (1920, 1080), "phone": (390, 844), "desk": (1366, 768)}


class Unavailable(Exception):
    """Says what is missing here."""


def chromium():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path:
            return path
    raise Unavailable("no Chromium: install chromium")


def same(name):
    try:
        with open(os.path.join(HERE, name)) as ours, \
                open(os.path.join(PLACE, name)) as theirs:
            return ours.read() == theirs.read()
    except OSError:
        return False


def modules():
    """The folder whose node_modules has what we need."""
    if not shutil.which("node") or not shutil.which("npm"):
        raise Unavailable("no node and npm: install nodejs npm")
    os.makedirs(PICTURES, exist_ok=True)
    whole = os.path.join(PLACE, "node_modules", ".package-lock.json")
    if all(map(same, MANIFEST)) and os.path.exists(whole):
        return PLACE
    for name in MANIFEST if PLACE != HERE else ():
        shutil.copy(os.path.join(HERE, name), PLACE)
    try:
        done = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=PLACE, capture_output=True, text=True, timeout=180,
            stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise Unavailable("npm ci: no answer for 180 s") from None
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines()
                 if line.startswith(("npm error", "npm ERR!"))]
        raise Unavailable("npm ci: " + (lines or ["failed"])[0])
    return PLACE


class Browser:
    """One page at a time, in one browser."""

    def __init__(self):
        self.closing = contextlib.ExitStack()
        program = chromium()
        place = modules()
        profile = self.closing.enter_context(
            tempfile.TemporaryDirectory(prefix="ringtally-chromium-",
                                        ignore_cleanup_errors=True))
        self.errors = self.closing.enter_context(tempfile.TemporaryFile())
        self.process = subprocess.Popen(
            ["node", os.path.join(HERE, "driver.mjs"), place, program,
             profile], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.errors, text=True)

    def do(self, name, **args):
        self.process.stdin.write(json.dumps({"do": name, **args}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            raise AssertionError("the browser's driver ended: " +
                                 self.errors.read().decode()[-3000:])
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def open(self, url, size="wall", scheme="dark", motion=None):
        width, height = SIZES.get(size, size)
        return self.do("open", url=url, width=width, height=height,
                       scheme=scheme, motion=motion)

    def eval(self, code, arg=None):
        """An expression, or a function of `arg`."""
        return self.do("eval", code=code, arg=arg)

    def text(self, selector):
        """What is to be read there, or None."""
        return self.eval("(s) => document.querySelector(s)?.innerText ?? null",
                         selector)

    def texts(self, selector):
        """Of everything that matches and is to be seen."""
        return self.eval(
            "(s) => [...document.querySelectorAll(s)]"
            ".filter((e) => e.checkVisibility()).map((e) => e.innerText)",
            selector)

    def wait(self, what, code, arg=None, timeout=10):
        return harness.poll(what, lambda: self.eval(code, arg), timeout, 0.05)

    def wait_text(self, selector, text, timeout=10):
        try:
            self.wait("", "([s, t]) => document.querySelector(s)?.innerText"
                          ".includes(t)", [selector, text], timeout)
        except AssertionError:
            raise AssertionError("%r does not come to %s, which says %r" % (
                text, selector, self.text(selector))) from None

    def picture(self, name, full=False):
        path = os.path.join(PICTURES, name + ".png")
        self.do("screenshot", path=path, full=full)
        return path

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.closing.close()
