# SPDX-License-Identifier: BSD-2-Clause
"""What the integration tests stand on: a private PostgreSQL, the daemon as a
process with its sd_notify socket, writers of logs, and waiting for what must
come to pass. Nothing here sleeps for a fixed time and hopes."""
import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import psycopg

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("RINGTALLY_BUILD") or TOP)
SHARED = os.environ.get("RINGTALLY_SHARED",
                        os.path.join(os.path.dirname(TOP), "shared"))
SLOW = os.environ.get("RINGTALLY_SLOW", "") not in ("", "0")
PATIENCE = float(os.environ.get("RINGTALLY_PATIENCE", "30"))


def quick_or_slow(quick, slow):
    """How often: in `make check`, and in `make check-slow`."""
    return slow if SLOW else quick


def poll(what, check, timeout=None, step=0.02):
    """Waits until check() is true and returns what it gave."""
    deadline = time.monotonic() + (timeout or PATIENCE)
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError("waited in vain until " + what)
        time.sleep(step)


def binary(name):
    return os.path.join(BUILD, "src", name)


def shared(*parts):
    """A file of ../shared, or None where it is absent."""
    path = os.path.join(SHARED, *parts)
    return path if os.path.exists(path) else None


# -- PostgreSQL -----------------------------------------------------------

def pg_bindir():
    if os.environ.get("PG_BINDIR"):
        return os.environ["PG_BINDIR"]
    found = shutil.which("postgres")
    if found:
        return os.path.dirname(os.path.realpath(found))
    base = "/usr/lib/postgresql"
    versions = sorted((v for v in os.listdir(base) if v.isdigit()), key=int)
    return os.path.join(base, versions[-1], "bin")


def unprivileged():
    """subprocess arguments that drop root, which PostgreSQL refuses."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid,
                "extra_groups": []}
    raise RuntimeError("no unprivileged user to run PostgreSQL as")


MEMORY = "/dev/shm"
MEMORY_BYTES = 2 << 30   # as much must be free


def server_folder():
    """In memory where there is room: a database is three hundred files, and a
    disk is slow at making what it has just been told to forget."""
    with contextlib.suppress(OSError):
        room = os.statvfs(MEMORY)
        if (room.f_bavail * room.f_frsize >= MEMORY_BYTES and
                os.access(MEMORY, os.W_OK)):
            return tempfile.mkdtemp(prefix="ringtally-pg-", dir=MEMORY)
    return tempfile.mkdtemp(prefix="ringtally-pg-")


class Postgres:
    """A server of our own, on a Unix socket in a folder of our own."""

    def __init__(self, settings=None, directory=None):
        self.directory = directory or server_folder()
        self.data = os.path.join(self.directory, "data")
        self.log = os.path.join(self.directory, "log")
        self.as_user = unprivileged()
        self.settings = {
            "listen_addresses": "", "unix_socket_directories": self.directory,
            "fsync": "off", "full_page_writes": "off",
            "max_connections": "40", "shared_buffers": "32MB",
            "autovacuum": "off", "log_min_messages": "warning",
            "jit": "off", "min_wal_size": "32MB", "max_wal_size": "64MB",
        }
        self.settings.update(settings or {})
        self.process = None
        if self.as_user:
            os.chown(self.directory, self.as_user["user"],
                     self.as_user["group"])
        os.chmod(self.directory, 0o755)

    def init(self):
        subprocess.run(
            [os.path.join(pg_bindir(), "initdb"), "-A", "trust", "-U",
             "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D",
             self.data],
            check=True, stdout=subprocess.DEVNULL, cwd="/", **self.as_user)
        return self

    def start(self, wait=True, **extra):
        args = [os.path.join(pg_bindir(), "postgres"), "-D", self.data]
        for key, value in {**self.settings, **extra}.items():
            args += ["-c", "%s=%s" % (key, value)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                args, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                cwd="/", start_new_session=True, **self.as_user)
        if wait:
            poll("PostgreSQL accepts connections", self.is_up)
        return self

    def is_up(self):
        if self.process.poll() is not None:
            with open(self.log) as log:
                raise AssertionError("PostgreSQL ended: " + log.read()[-2000:])
        try:
            psycopg.connect(self.conninfo("postgres")).close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self, how=signal.SIGINT):
        """SIGINT: orderly; SIGQUIT: at once, as in a crash."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGCONT)
            os.kill(self.process.pid, how)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(60)
        self.process = None

    def group(self, signo):
        """Sends a signal to the server and all its backends."""
        for pid in [self.process.pid] + children(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signo)

    def remove(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def socket_path(self):
        return os.path.join(self.directory, ".s.PGSQL.5432")

    def conninfo(self, database, user="postgres", host=None):
        return "host=%s port=5432 dbname=%s user=%s" % (
            host or self.directory, database, user)

    def connect(self, database="postgres", **kwargs):
        return psycopg.connect(self.conninfo(database), autocommit=True,
                               **kwargs)


def children(pid):
    found = []
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/children" % (pid, task)) as f:
            found += [int(p) for p in f.read().split()]
    return found


# -- the daemon -----------------------------------------------------------

def libconfig(value, indent=0):
    """A Python value as libconfig text."""
    pad = "  " * (indent + 1)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return "%dL" % value if abs(value) > 2 ** 31 - 1 else str(value)
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        return '"%s"' % value.replace("\\", "\\\\").replace('"', '\\"')
    if isinstance(value, dict):
        inner = "".join("%s%s = %s;\n" % (pad, k, libconfig(v, indent + 1))
                        for k, v in value.items())
        return "{\n%s%s}" % (inner, "  " * indent)
    if value and isinstance(value[0], dict):
        return "( %s )" % ", ".join(libconfig(v, indent + 1) for v in value)
    return "[ %s ]" % ", ".join(libconfig(v, indent) for v in value)


class NotifySocket:
    """Listens to what a service tells systemd."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        os.chmod(path, 0o777)
        self.messages = []
        self.stopping = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.socket.settimeout(0.5)
        self.thread.start()

    def run(self):
        while not self.stopping:
            try:
                data = self.socket.recv(65536)
            except socket.timeout:
                continue
            except OSError:
                return
            self.messages += data.decode("utf-8", "replace").splitlines()

    def has(self, prefix):
        return [m for m in list(self.messages) if m.startswith(prefix)]

    def close(self):
        self.stopping = True
        self.socket.close()
        self.thread.join(2)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)


class Daemon:
    """ringtallyd as a process, with its configuration, standard error and
    what it tells systemd."""
    serial = 0

    def __init__(self, directory, config, env=None, program=None):
        self.directory = directory
        self.config = config
        self.env = dict(env or {})
        self.program = program or binary("ringtallyd")
        Daemon.serial += 1
        self.name = "ringtallyd-%d" % Daemon.serial
        self.conf_path = os.path.join(directory, self.name + ".conf")
        self.stderr_path = os.path.join(directory, self.name + ".err")
        self.process = None
        self.notify = None
        self.write_config()

    def write_config(self):
        with open(self.conf_path, "w") as f:
            for key, value in self.config.items():
                f.write("%s = %s;\n" % (key, libconfig(value)))

    def start(self, *args, env=None, wait=None, wrap=(),
              stdin=subprocess.DEVNULL):
        """wait: READY, or a prefix of STATUS to wait for."""
        self.close_notify()
        self.notify = NotifySocket(os.path.join(
            self.directory, self.name + ".notify"))
        environ = {**os.environ, **self.env, **(env or {}),
                   "NOTIFY_SOCKET": self.notify.path}
        with open(self.stderr_path, "ab") as err:
            self.process = subprocess.Popen(
                [*wrap, self.program, "-c", self.conf_path, *args],
                env=environ, stderr=err, stdout=subprocess.PIPE,
                stdin=stdin)
        if wait:
            self.wait_for(wait)
        return self

    def wait_for(self, prefix, timeout=None):
        poll("the daemon says %s" % prefix,
             lambda: self.notify.has(prefix) or self.fail_if_gone(), timeout)

    def fail_if_gone(self):
        if self.process.poll() is not None:
            raise AssertionError("the daemon ended with %s: %s" % (
                self.process.returncode, self.stderr()[-3000:]))

    def must_not_have_failed(self):
        """Runs, was killed by a test, or has ended well."""
        if self.process and self.process.poll() not in (None, 0, -9):
            self.fail_if_gone()

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def status(self):
        told = self.notify.has("STATUS=")
        return told[-1][7:] if told else ""

    def signal(self, signo):
        os.kill(self.process.pid, signo)

    def kill(self):
        """kill -9, in the middle of whatever it does."""
        if self.is_alive():
            self.process.kill()
        self.process.wait(30)
        self.process.stdout.close()

    def stop(self, timeout=30):
        """SIGTERM, and the exit code."""
        if self.is_alive():
            self.process.terminate()
        return self.wait(timeout)

    def wait(self, timeout=30):
        try:
            out, _ = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.process.communicate(timeout=30)
            raise AssertionError("the daemon did not end: " +
                                 self.stderr()[-3000:]) from None
        self.output = out.decode("utf-8", "replace")
        return self.process.returncode

    def stderr(self):
        with open(self.stderr_path, "rb") as f:
            return f.read().decode("utf-8", "replace")

    def said(self, text):
        return text in self.stderr()

    def rss_kib(self):
        with open("/proc/%d/status" % self.process.pid) as f:
            for line in f:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        return 0

    def fds(self):
        return len(os.listdir("/proc/%d/fd" % self.process.pid))

    def cpu_s(self):
        with open("/proc/%d/stat" % self.process.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close_notify(self):
        if self.notify:
            self.notify.close()
            self.notify = None

    def close(self):
        if self.process and self.is_alive():
            with contextlib.suppress(ProcessLookupError):
                self.signal(signal.SIGCONT)
            self.process.kill()
        if self.process:
            self.process.wait(30)
            if self.process.stdout:
                self.process.stdout.close()
        self.close_notify()


# -- logs -----------------------------------------------------------------

class Writer:
    """Appends a log to a file in bursts, as a switch does, from a thread of
    its own. Lines may be cut in half for a moment. Rotations are done between
    two bursts, in the order in which a switch and logrotate do them."""

    def __init__(self, path, data, seed=1, burst=(1, 60), pause=0.003,
                 halves=0.1):
        self.path = path
        self.lines = data.splitlines(keepends=True)
        self.rng = random.Random(seed)
        self.burst, self.pause_s, self.halves = burst, pause, halves
        self.lock = threading.Lock()
        self.file = open(path, "ab", buffering=0)
        self.written = 0
        self.stopping = False
        self.thread = None

    def start(self):
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        return self

    def run(self):
        while self.lines and not self.stopping:
            with self.lock:
                self.write_some(self.rng.randint(*self.burst))
            time.sleep(self.rng.random() * self.pause_s)

    def write_some(self, count):
        burst, self.lines = self.lines[:count], self.lines[count:]
        data = b"".join(burst)
        if len(data) > 2 and self.rng.random() < self.halves:
            cut = self.rng.randrange(1, len(data))
            self.file.write(data[:cut])
            time.sleep(self.rng.random() * 0.01)
            data = data[cut:]
        self.file.write(data)
        self.written += len(burst)

    @property
    def done(self):
        return not self.lines

    def share(self):
        """How much of the log is written, 0 to 1."""
        return self.written / max(1, self.written + len(self.lines))

    def finish(self, timeout=120):
        """Writes the rest without waiting."""
        with self.lock:
            while self.lines:
                self.write_some(1000)
        self.stop()

    def stop(self):
        self.stopping = True
        if self.thread:
            self.thread.join(60)

    def close(self):
        self.stop()
        self.file.close()

    # rotations, each between two bursts

    def rename(self, to, linger=0):
        """Moves the file away; the switch still writes `linger` lines to it,
        then opens a new one."""
        with self.lock:
            os.rename(self.path, to)
            if linger:
                self.write_some(linger)
            self.file.close()
            self.file = open(self.path, "ab", buffering=0)

    def reopen(self):
        with self.lock:
            self.file.close()
            self.file = open(self.path, "ab", buffering=0)

    @contextlib.contextmanager
    def held(self):
        """Nothing is written meanwhile."""
        with self.lock:
            yield self.file


def certificate(cert, key):
    """A self-signed one of localhost; what makes it is a package we list."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-keyout", key, "-out", cert],
        capture_output=True, check=True)


def append(path, data):
    with open(path, "ab", buffering=0) as f:
        f.write(data)


def complete_size(path):
    """The size of a file up to its last line end."""
    with open(path, "rb") as f:
        return f.read().rfind(b"\n") + 1
