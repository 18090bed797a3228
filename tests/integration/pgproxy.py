# SPDX-License-Identifier: BSD-2-Clause
"""A proxy between the daemon and PostgreSQL that loses COMMITs.

Sits on a Unix socket, forwards to another one, and follows the v3 protocol
just far enough to know a COMMIT when it passes: the request (a simple Query,
or the Execute of a statement that was parsed as COMMIT) on its way up, the
CommandComplete with the tag COMMIT on its way down. `choose` is asked about
each of them and answers what becomes of it:

    PASS    forward it
    DROP    forward everything before it, then close both connections
    HOLE    forward everything before it, then nothing in either direction,
            with both connections left open: a dead network
    ZOMBIE  like DROP for the client, but the server's side stays open, with
            the transaction undecided, until release() or stop()
"""
import os
import re
import selectors
import socket
import struct
import threading

PASS, DROP, HOLE, ZOMBIE = "pass", "drop", "hole", "zombie"
REQUEST, ANSWER = "request", "answer"
COMMIT = re.compile(rb"\s*(commit|end)\b", re.I)


class Frontend:
    """Cuts what the client sends into messages."""

    def __init__(self):
        self.buffer = b""
        self.started = False
        self.statements = {}    # name -> is it a COMMIT?
        self.portals = {}

    def feed(self, data):
        """Yields (bytes of one message, is it a COMMIT request?)."""
        self.buffer += data
        while True:
            head = 0 if not self.started else 1
            if len(self.buffer) < head + 4:
                return
            size = head + struct.unpack_from("!i", self.buffer, head)[0]
            if len(self.buffer) < size:
                return
            message, self.buffer = self.buffer[:size], self.buffer[size:]
            yield message, self.classify(message)

    def classify(self, message):
        if not self.started:
            code = struct.unpack_from("!i", message, 4)[0]
            # SSLRequest, GSSENCRequest and CancelRequest come before it
            self.started = code >> 16 == 3
            return False
        kind, body = message[:1], message[5:]
        if kind == b"Q":
            return bool(COMMIT.match(body))
        if kind == b"P":
            name, query = body.split(b"\0", 2)[:2]
            self.statements[name] = bool(COMMIT.match(query))
        elif kind == b"B":
            portal, name = body.split(b"\0", 2)[:2]
            self.portals[portal] = self.statements.get(name, False)
        elif kind == b"E":
            return self.portals.get(body.split(b"\0", 1)[0], False)
        return False


class Backend:
    """Cuts what the server sends into messages."""

    def __init__(self):
        self.buffer = b""

    def feed(self, data):
        self.buffer += data
        while len(self.buffer) >= 5:
            size = 1 + struct.unpack_from("!i", self.buffer, 1)[0]
            if len(self.buffer) < size:
                return
            message, self.buffer = self.buffer[:size], self.buffer[size:]
            yield message, (message[:1] == b"C" and
                            message[5:size - 1] == b"COMMIT")


class Link:
    """One client's connection and the server's that belongs to it."""

    def __init__(self, client, server):
        self.client, self.server = client, server
        self.up, self.down = Frontend(), Backend()
        self.frozen = False     # reads on, forwards nothing


class PgProxy:
    PORT = 5432

    def __init__(self, directory, server_path, choose=None, pooler=False):
        self.path = os.path.join(directory, ".s.PGSQL.%d" % self.PORT)
        self.directory = directory
        self.server_path = server_path
        self.choose = choose or (lambda what, number: PASS)
        self.pooler = pooler
        self.seen = {REQUEST: 0, ANSWER: 0}
        self.lost = {REQUEST: 0, ANSWER: 0}
        self.refusing = False   # closes new connections at once
        self.links = set()
        self.zombies = []
        self.lock = threading.Lock()
        self.selector = selectors.DefaultSelector()
        self.wake_r, self.wake_w = os.pipe()
        self.selector.register(self.wake_r, selectors.EVENT_READ, None)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o777)
        self.listener.listen(16)
        self.selector.register(self.listener, selectors.EVENT_READ, None)
        self.stopping = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()

    def stop(self):
        self.stopping = True
        os.write(self.wake_w, b"x")
        self.thread.join(10)
        for link in list(self.links):
            self.close(link)
        self.release()
        self.listener.close()
        os.close(self.wake_r)
        os.close(self.wake_w)
        self.selector.close()
        os.unlink(self.path)

    def release(self):
        """Lets go of the server's side of zombies: they are rolled back."""
        with self.lock:
            zombies, self.zombies = self.zombies, []
        for server in zombies:
            server.close()

    def cut(self):
        """Breaks all connections, as a server that restarts would."""
        with self.lock:
            links = list(self.links)
        for link in links:
            for sock in (link.client, link.server):
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def run(self):
        while not self.stopping:
            for key, _ in self.selector.select(1):
                if key.fileobj is self.listener:
                    self.accept()
                elif key.data is not None:
                    self.pump(key.data, key.fileobj)

    def accept(self):
        client, _ = self.listener.accept()
        server = socket.socket(socket.AF_UNIX)
        try:
            if self.refusing:
                raise ConnectionRefusedError()
            server.connect(self.server_path)
        except OSError:
            client.close()
            server.close()
            return
        link = Link(client, server)
        with self.lock:
            self.links.add(link)
        for sock in (client, server):
            self.selector.register(sock, selectors.EVENT_READ, link)

    def forget(self, link, sock):
        try:
            self.selector.unregister(sock)
        except (KeyError, ValueError):
            pass

    def close(self, link, keep_server=False):
        with self.lock:
            self.links.discard(link)
        for sock in (link.client, link.server):
            self.forget(link, sock)
        link.client.close()
        if keep_server:
            with self.lock:
                self.zombies.append(link.server)
        else:
            link.server.close()

    def pump(self, link, sock):
        try:
            data = sock.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.close(link)
            return
        if link.frozen:
            return
        upward = sock is link.client
        parser = link.up if upward else link.down
        to = link.server if upward else link.client
        what = REQUEST if upward else ANSWER
        for message, is_commit in parser.feed(data):
            fate = self.judge(what) if is_commit else PASS
            if self.pooler and not upward and message[:1] == b"K":
                message = message[:5] + struct.pack("!i", 1) + message[9:]
            if fate == PASS:
                if not self.send(to, message):
                    self.close(link)
                    return
                continue
            self.lost[what] += 1
            if fate == HOLE:
                link.frozen = True
            else:
                self.close(link, keep_server=fate == ZOMBIE)
            return

    @staticmethod
    def send(to, message):
        try:
            to.sendall(message)
        except OSError:
            return False
        return True

    def judge(self, what):
        self.seen[what] += 1
        return self.choose(what, self.seen[what])
