# SPDX-License-Identifier: BSD-2-Clause
"""Every configuration of etc starts, with the files that it names: those that
-t says are missing. Of it only addresses, the database and the places of files
are others here."""
import glob
import os
import re
import subprocess

import harness
import web

ETC = os.path.join(harness.TOP, "etc")
EXAMPLES = [os.path.join(ETC, "ringtally.conf"),
            *sorted(glob.glob(os.path.join(ETC, "examples", "*.conf")))]


def localised(text, rig, site):
    """The example as it is, but on this machine's loopback and in the test's
    folder and database."""
    def port(match):
        return '%s = "127.0.0.1:%d"' % (match[1], web.free_port())

    text = re.sub(r'\b(listen|address) = "[^"/]*:\d+"', port, text)
    text = re.sub(r'"service=\w+"',
                  '"%s"' % rig.server.conninfo(rig.database), text)
    text = re.sub(r'"/(etc|var|run)/', r'"%s/\1/' % rig.directory, text)
    text = text.replace('"/usr/bin/ssh"', '"%s/ssh"' % rig.directory)
    return re.sub(r'\bsite += "\w+"', 'site = "%s"' % site, text)


def make(path):
    """A file as the option that named it wants it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if path.endswith(".pem"):
        harness.certificate(path, os.devnull)
        return
    with open(path, "w") as f:
        f.write("0123456789abcdef\n")
    os.chmod(path, 0o640)


def prepare(rig):
    """What stands in the neighbourhood: folders, a command, a table."""
    for folder in ("run/ringtally", "var/log/asterisk",
                   "var/spool/ringtally-in", "var/spool/smdr"):
        os.makedirs(os.path.join(rig.directory, folder), exist_ok=True)
    command = os.path.join(rig.directory, "ssh")
    with open(command, "w") as f:
        f.write("#!/bin/sh\nexec sleep 1000\n")
    os.chmod(command, 0o755)
    rig.db.execute(
        "CREATE TABLE public.queue_log (id bigserial PRIMARY KEY, "
        "time timestamp, callid text, queuename text, agent text, "
        "event text, data1 text, data2 text, data3 text, data4 text, "
        "data5 text)")


def write(rig, example):
    daemon = rig.daemon()
    with open(example) as f:
        text = localised(f.read(), rig, "s%d" % EXAMPLES.index(example))
    text += 'spool_folder = "%s/spool";\n' % rig.directory
    text += 'caller_key_file = "%s/caller.key";\n' % rig.directory
    with open(daemon.conf_path, "w") as f:
        f.write(text)
    return daemon, re.findall(r'name = "([^"]+)";\s+switch = ', text)


def missing(daemon):
    """The files that -t says are not there."""
    done = subprocess.run([daemon.program, "-t", "-c", daemon.conf_path],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return re.findall(r"note: .*_file: there is no (/.*)", done.stderr)


def test_examples_start(rig):
    assert len(EXAMPLES) > 10
    prepare(rig)
    made = set()
    for example in EXAMPLES:
        daemon, feeds = write(rig, example)
        assert feeds, example
        for path in missing(daemon):
            make(path)
            made.add(os.path.basename(path))
        assert missing(daemon) == []
        daemon.start(wait="READY=1")
        harness.poll("%s has its feeds in the database" % example, lambda: [
            name for name, in rig.db.execute(
                "SELECT feed FROM ringtally.feed WHERE site = %s "
                "ORDER BY feed COLLATE \"C\"",
                ["s%d" % EXAMPLES.index(example)])] == sorted(feeds))
        assert daemon.stop() == 0, daemon.stderr()
        assert "error:" not in daemon.stderr(), example
    assert made == {"ami.secret", "crm.tokens", "fs1.secret", "pbx1.pem",
                    "pbx2.tokens", "tokens"}
