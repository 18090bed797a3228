# SPDX-License-Identifier: BSD-2-Clause
"""A machine under qemu whose power can fail at any moment.

It needs no KVM. It has no way out; the loopback of this machine leads to four
of its ports: a shell, a writer that appends to /log/queue_log as a switch does,
PostgreSQL, and the daemon's live pages. Its disk is a disk.Disk.
"""
import os
import shutil
import socket
import subprocess

import disk
import harness
import image
import web

SHELL, APPEND, POSTGRES, LIVE = 7000, 7001, 5432, 8080
LOG = "/log/queue_log"
BOOT_S = 600    # a machine without KVM, beside others that are busy

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/usr/bin:/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /dev/shm /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
chmod 1777 /tmp
# what is written reaches the disk after two seconds, not after thirty, so that
# the power fails before that as often as after it
echo 200 >/proc/sys/vm/dirty_expire_centisecs
echo 100 >/proc/sys/vm/dirty_writeback_centisecs
ifconfig lo up
ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
# whoever had that number before is not alive
rm -f /pg/data/postmaster.pid
nc -ll -p %(shell)d -e /bin/agent-shell &
nc -ll -p %(append)d -e /bin/agent-append &
%(setpriv)s --reuid %(uid)d --regid %(gid)d --clear-groups \\
    %(postgres)s -D /pg/data %(settings)s 2>/run/postgres.err &
while :; do sleep 1000; done
"""


class Machine:
    SETTINGS = {
        "listen_addresses": "*", "unix_socket_directories": "/tmp",
        "shared_buffers": "32MB", "max_connections": "20",
        "autovacuum": "off", "jit": "off", "checkpoint_timeout": "30s",
        "min_wal_size": "32MB", "max_wal_size": "64MB",
        "log_min_messages": "log",
    }

    def __init__(self, folder, prepare, files, rng, **settings):
        """prepare(server): makes the databases, in a server that runs here on
        what will be the machine's; files: {path on it: text}; settings: of
        its PostgreSQL"""
        self.folder, self.rng = folder, rng
        self.process = None
        self.ports = {port: web.free_port() for port in
                      (SHELL, APPEND, POSTGRES, LIVE)}
        self.kernel, release = image.kernel()
        self.initrd = os.path.join(folder, "initrd")
        self.image = os.path.join(folder, "disk")
        self.boots = 0
        image.make_initrd(self.initrd, release)
        self.make_image(prepare, files, {**self.SETTINGS, **settings})
        self.disk = disk.Disk(self.image, os.path.join(folder, "nbd"))

    def make_image(self, prepare, files, settings):
        root = os.path.join(self.folder, "root")
        pg = os.path.join(root, "pg")
        os.makedirs(pg)
        os.chmod(self.folder, 0o755)
        server = harness.Postgres(directory=pg).init().start()
        try:
            prepare(server)
        finally:
            server.stop()
        data = os.stat(os.path.join(pg, "data"))
        with open(os.path.join(pg, "data", "pg_hba.conf"), "a") as f:
            f.write("host all all 0.0.0.0/0 trust\n")
        image.make_root(root, {
            **files,
            "/init": INIT % {
                "shell": SHELL, "append": APPEND, "uid": data.st_uid,
                "gid": data.st_gid, "settings": " ".join(
                    "-c %s='%s'" % item for item in settings.items()),
                "setpriv": shutil.which("setpriv"),
                "postgres": os.path.join(harness.pg_bindir(), "postgres")},
            "/bin/agent-shell": "#!/bin/sh\nexec sh 2>&1\n",
            "/bin/agent-append": "#!/bin/sh\nexec cat >>%s\n" % LOG})
        image.make_disk(self.image, root)
        shutil.rmtree(root)

    def console(self):
        with open(os.path.join(self.folder, "console"), "rb") as f:
            return f.read()[-3000:].decode("utf-8", "replace")

    def boot(self):
        """Until its shell answers; PostgreSQL may still be at its recovery."""
        self.boots += 1
        forward = "".join(
            ",hostfwd=tcp:127.0.0.1:%d-10.0.2.15:%d" % (ours, its)
            for its, ours in self.ports.items())
        self.process = subprocess.Popen([
            "qemu-system-x86_64", "-accel", "tcg", "-machine", "pc",
            "-cpu", "max", "-m", "1024", "-smp", "1", "-nodefaults",
            "-display", "none", "-no-reboot",
            "-serial", "file:" + os.path.join(self.folder, "console"),
            "-kernel", self.kernel, "-initrd", self.initrd, "-append",
            "console=ttyS0 quiet panic=-1 mitigations=off",
            "-drive", "if=virtio,format=raw,cache=writeback,file=nbd+unix:///"
            "?socket=" + self.disk.path,
            "-netdev", "user,id=net,restrict=on" + forward,
            "-device", "virtio-net-pci,netdev=net,romfile="],
            stdin=subprocess.DEVNULL, preexec_fn=lambda: os.nice(5))
        harness.poll("the machine is up", self.is_up, BOOT_S, step=0.2)

    def is_up(self):
        assert self.process.poll() is None, "qemu ended: " + self.console()
        try:
            return self.shell("echo up") == "up\n"
        except OSError:
            return False

    def shell(self, commands, timeout=60):
        """What they printed."""
        with socket.create_connection(("127.0.0.1", self.ports[SHELL]),
                                      timeout) as s:
            s.sendall(commands.encode() + b"\n")
            s.shutdown(socket.SHUT_WR)
            parts = []
            while part := s.recv(1 << 16):
                parts.append(part)
        return b"".join(parts).decode("utf-8", "replace")

    def fetch(self, path):
        with socket.create_connection(("127.0.0.1", self.ports[SHELL]),
                                      60) as s:
            s.sendall(("cat '%s'\n" % path).encode())
            s.shutdown(socket.SHUT_WR)
            parts = []
            while part := s.recv(1 << 16):
                parts.append(part)
        return b"".join(parts)

    def appender(self):
        """A socket: what is sent to it is appended to the log."""
        return socket.create_connection(("127.0.0.1", self.ports[APPEND]), 60)

    def conninfo(self, database):
        return ("host=127.0.0.1 port=%d user=postgres dbname=%s "
                "connect_timeout=5" % (self.ports[POSTGRES], database))

    def cut_power(self):
        """Returns what the disk says of its cache."""
        self.process.kill()
        self.process.wait(30)
        return self.disk.cut(self.rng)

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)
        self.disk.close()
