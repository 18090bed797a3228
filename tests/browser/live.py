# SPDX-License-Identifier: BSD-2-Clause
"""The daemon itself, with a database, a log and the wallboard's files."""
import json
import os
import socket
import subprocess
import time
import urllib.request

import harness

TARGET = {"within_s": 20, "pct": 90.0, "amber_pct": 86.0}
SERVICES = [
    {"name": "Council Tax", "queues": ["ctax", "benefits"], "target": TARGET},
    {"name": "Housing", "queues": ["housing"], "target": TARGET},
    {"name": "Environment", "queues": ["waste", "planning"],
     "target": TARGET},
]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Live:
    """A daemon of the rig that is listened to over HTTP."""

    def __init__(self, rig, **more):
        self.rig = rig
        self.port = free_port()
        self.url = "http://127.0.0.1:%d/" % self.port
        config = rig.config(site="halton", services=SERVICES, **more)
        config["live"] = {"listen": "127.0.0.1:%d" % self.port,
                          "folder": os.path.join(harness.TOP, "www")}
        self.daemon = rig.daemon(config)

    def start(self):
        self.daemon.start(wait="READY")
        return self

    def ask(self, path):
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)

    def queue(self, name):
        found = [q for q in self.ask("api/v1/queues")["queues"]
                 if q["queue"] == name]
        return found[0] if found else None

    def wait_offered(self, n):
        """Until so many visits of today are shown."""
        harness.poll("%d visits are shown" % n, lambda: self.ask(
            "api/v1/queues")["total"]["today"]["offered"] >= n)

    def log(self, *lines):
        """Each a tuple: time, call, queue, agent, event, and more."""
        harness.append(self.rig.log, b"".join(
            "|".join(map(str, line)).encode() + b"\n" for line in lines))


def sim(path, *args):
    """ringtally sim, to its end."""
    subprocess.run([harness.binary("ringtally"), "sim", "-o", path, *args],
                   check=True, stdout=subprocess.DEVNULL, timeout=120)


def moved(path, to, seconds, waiting):
    """A log with all its times moved, and nothing of the future. waiting:
    queue -> how long somebody waits in it."""
    now = int(time.time())
    kept = [(now - s, "wait.%d|%s|NONE|ENTERQUEUE||0123|1\n" % (i, queue))
            for i, (queue, s) in enumerate(waiting)]
    with open(path) as lines:
        for line in lines:
            stamp, rest = line.split("|", 1)
            if int(stamp) + seconds <= now:
                kept.append((int(stamp) + seconds, rest))
    kept.sort(key=lambda line: line[0])
    with open(to, "w") as out:
        out.writelines("%d|%s" % line for line in kept)


def sim_running(path, *args):
    return subprocess.Popen(
        [harness.binary("ringtally"), "sim", "-o", path, *args],
        stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
