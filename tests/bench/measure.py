# SPDX-License-Identifier: BSD-2-Clause
"""How the benches measure: programs that take turns, so that a busy machine
hits all of them, and of each the best of its runs."""
import os
import subprocess
import sys
import threading
import time


class Run:
    """One run of a program: wall seconds, processor seconds, output."""

    def __init__(self, args, cwd=None):
        started = time.monotonic()
        process = subprocess.Popen(args, stdout=subprocess.PIPE, cwd=cwd,
                                   stderr=subprocess.PIPE,
                                   stdin=subprocess.DEVNULL)
        reading = Drain(process)
        _, status, usage = os.wait4(process.pid, 0)
        self.wall_s = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        self.out, self.err = reading.result()
        self.cpu_s = usage.ru_utime + usage.ru_stime
        self.rss_kib = usage.ru_maxrss
        if process.returncode != 0:
            raise RuntimeError("%s ended with %d: %s" % (
                " ".join(args), process.returncode, self.err[-2000:]))


class Drain:
    """Reads both outputs of a process in threads, never in its way."""

    def __init__(self, process):
        self.parts = [b"", b""]
        self.threads = [
            threading.Thread(target=self.read, args=(i, pipe), daemon=True)
            for i, pipe in enumerate((process.stdout, process.stderr))]
        for thread in self.threads:
            thread.start()

    def read(self, i, pipe):
        with pipe:
            self.parts[i] = pipe.read()

    def result(self):
        for thread in self.threads:
            thread.join()
        return [part.decode("utf-8", "replace") for part in self.parts]


def take_turns(runs, peers):
    """peers: name -> function that makes one Run. Returns name -> list of
    Runs, made in turns."""
    made = {name: [] for name in peers}
    for _ in range(runs):
        for name, make in peers.items():
            made[name].append(make())
    return made


def best(runs, what):
    return min(getattr(run, what) for run in runs)


def percentile(values, pct):
    """By nearest rank."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * pct // 100))
    return ordered[int(rank) - 1]


class Report:
    """What | measured | budget | ok or missed; printed as it comes."""
    WIDTHS = (54, 20, 18)

    def __init__(self):
        self.missed = 0
        self.row("what", "measured", "budget", "")
        self.row(*("-" * width for width in self.WIDTHS), "------")

    def row(self, what, measured, budget, verdict):
        cells = [text.ljust(width) for text, width in
                 zip((what, measured, budget), self.WIDTHS)]
        print("  ".join(cells + [verdict]).rstrip())
        sys.stdout.flush()

    def title(self, text):
        print("\n" + text)

    def figure(self, what, value, unit, form="%.2f"):
        """A figure that has no budget: for comparison."""
        self.row(what, (form + " %s") % (value, unit), "", "")

    def budget(self, what, value, unit, limit, least=False, form="%.2f"):
        good = value >= limit if least else value <= limit
        self.missed += not good
        self.row(what, (form + " %s") % (value, unit),
                 "%s %g %s" % (">=" if least else "<=", limit, unit),
                 "ok" if good else "missed")


def log(text):
    """What goes on, for whoever waits."""
    if sys.stderr.isatty():
        print("\r\033[K" + text, end="\r", file=sys.stderr, flush=True)
