# SPDX-License-Identifier: BSD-2-Clause
"""A manager interface of Asterisk that does as a test says: it answers logins
as Asterisk does, sends what it is given, and can be as bad as the real one: cut
a message in two, fall silent, send 50,000 messages a second, end who does not
read."""
import contextlib
import hashlib
import itertools
import select
import socket
import threading
import time

SECRET = "s3cret"
# What Asterisk lets gather in the socket of one who does not read.
PATIENCE_BYTES = 3 * 1024 * 1024


def message(*headers, **more):
    """("Event: Join", Queue="q") as it goes over the wire."""
    lines = list(headers) + ["%s: %s" % item for item in more.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def event(name, at=None, **headers):
    stamp = {"Timestamp": "%.6f" % at} if at is not None else {}
    return message("Event: " + name, "Privilege: agent,all", **stamp,
                   **headers)


def parse(block):
    """{key in lower case: value} of an action."""
    pairs = (line.split(":", 1) for line in block.decode().split("\r\n")
             if ":" in line)
    return {key.strip().lower(): value.strip() for key, value in pairs}


class Client:
    """One connection; its thread reads actions and answers them."""

    def __init__(self, server, connection, number):
        self.server = server
        self.socket = connection
        self.number = number
        self.actions = []
        self.challenge = "%09d" % (145769581 + number)
        self.logged_in = False
        self.has_picture = False  # the list, and the answer that ends it
        self.ended = None
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    # -- sending

    def send(self, data):
        """As Asterisk writes: who does not take it in time is sent away, in
        the middle of a message. Returns whether all of it went."""
        with self.lock:
            return self.send_locked(memoryview(data))

    def send_locked(self, data):
        waited = 0.0
        while len(data) > 0 and self.ended is None:
            try:
                data = data[self.socket.send(data):]
                waited = 0.0
                continue
            except BlockingIOError:
                pass
            except OSError as error:
                self.end("lost: %s" % error)
                break
            _, writable, _ = select.select([], [self.socket], [], 0.05)
            waited += 0 if writable else 0.05
            if waited >= self.server.write_timeout_s:
                self.end("does not read")
        return self.ended is None

    def end(self, why):
        if self.ended is None:
            self.ended = why
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    # -- hearing

    def run(self):
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF,
                               self.server.send_buffer)
        self.send(self.server.greeting)
        left = b""
        while self.ended is None:
            readable, _, _ = select.select([self.socket], [], [], 0.1)
            if not readable:
                continue
            try:
                data = self.socket.recv(65536)
            except OSError:
                data = b""
            if not data:
                self.end("gone")
                break
            *blocks, left = (left + data).split(b"\r\n\r\n")
            for block in blocks:
                self.answer(parse(block))
        self.socket.close()

    def answer(self, action):
        self.actions.append(action)
        if self.server.mute:
            return
        known = {"challenge": self.do_challenge, "login": self.do_login,
                 "queuestatus": self.do_queue_status, "ping": self.do_ping}
        do = known.get(action.get("action", "").lower())
        if do is None:
            self.reply(action, "Error", Message="Invalid/unknown command")
        else:
            do(action)

    def reply(self, action, response, **headers):
        asked = ({"ActionID": action["actionid"]} if "actionid" in action
                 else {})
        self.send(message("Response: " + response, **asked, **headers))

    def do_challenge(self, action):
        self.reply(action, "Success", Challenge=self.challenge)

    def do_login(self, action):
        if not self.is_right(action):
            time.sleep(self.server.penalty_s)
            self.reply(action, "Error", Message="Authentication failed")
            self.end("wrong password")
            return
        self.logged_in = True
        self.reply(action, "Success", Message="Authentication accepted")
        if self.server.booted and "system" in action["events"].split(","):
            self.send(message("Event: FullyBooted", "Privilege: system,all",
                              Uptime=int(time.time() - self.server.booted)))

    def is_right(self, action):
        if action.get("username") != "ringtally":
            return False
        if action.get("authtype", "").upper() == "MD5":
            want = hashlib.md5((self.challenge +
                                self.server.secret).encode())
            return action["key"] == want.hexdigest()
        return action.get("secret") == self.server.secret

    def do_queue_status(self, action):
        if not self.logged_in:
            self.reply(action, "Error", Message="Permission denied")
            return
        self.reply(action, "Success", EventList="start",
                   Message="Queue status will follow")
        for name, headers in self.server.picture:
            self.send(message("Event: " + name, **headers,
                              ActionID=action["actionid"]))
        self.send(message("Event: QueueStatusComplete", EventList="Complete",
                          ActionID=action["actionid"]))

    def do_ping(self, action):
        self.reply(action, "Success", Ping="Pong",
                   Timestamp="%.6f" % time.time())
        if action.get("actionid") == "ringtally-whole":
            self.has_picture = True


class AmiServer:
    """Listens on a free port of the loopback."""

    def __init__(self, version="11.0.0", secret=SECRET):
        self.greeting = b"Asterisk Call Manager/%s\r\n" % version.encode()
        self.secret = secret
        self.picture = []          # [(event, {headers})]
        self.booted = time.time()  # None: it says nothing of it
        self.mute = False          # hears, and answers nothing
        self.penalty_s = 1.0       # for a wrong password
        self.write_timeout_s = 1.0  # for one who does not read
        self.send_buffer = PATIENCE_BYTES
        self.clients = []
        self.numbers = itertools.count()
        self.stopping = False
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(0.1)
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.port

    def run(self):
        while not self.stopping:
            try:
                connection, _ = self.socket.accept()
            except socket.timeout:
                continue
            except OSError:
                return
            self.clients.append(Client(self, connection, next(self.numbers)))

    def logged_in(self):
        """The newest client, if it is there and was let in."""
        client = self.clients[-1] if self.clients else None
        return client if (client and client.logged_in and
                          client.ended is None) else None

    def has_picture(self):
        """The same, when it was also told all that is in the picture: who
        joins before that and is not in it has left."""
        client = self.logged_in()
        return client if client and client.has_picture else None

    def asked(self, action):
        """How often, by all clients."""
        return sum(a.get("action", "").lower() == action.lower()
                   for c in list(self.clients) for a in list(c.actions))

    def most_asked(self, action):
        """How often, by the client that asked most."""
        return max(sum(a.get("action", "").lower() == action.lower()
                       for a in list(c.actions)) for c in list(self.clients))

    def send(self, data):
        client = self.logged_in()
        assert client, "nobody is logged in"
        return client.send(data)

    def cut(self, data):
        """Sends this, which ends anywhere, and ends the connection."""
        client = self.logged_in()
        client.send(data)
        client.end("cut")

    def close(self):
        self.stopping = True
        self.socket.close()
        for client in self.clients:
            client.end("server closes")
        self.thread.join(2)
        for client in self.clients:
            client.thread.join(2)


# -- what a queue has to tell ------------------------------------------------

def answered(call, queue, at, wait=3, talk=10, member="Jo"):
    """Messages of a call from its arrival to its end, as Asterisk 22 sends
    them."""
    caller = {"CallerIDNum": "0201", "Uniqueid": call, "Queue": queue}
    agent = {**caller, "DestUniqueid": call + "x", "MemberName": member,
             "Interface": "SIP/" + member}
    return (event("QueueCallerJoin", at, **caller, Position=1, Count=1) +
            event("QueueCallerLeave", at + wait, **caller) +
            event("AgentConnect", at + wait, **agent, HoldTime=wait,
                  RingTime=1) +
            event("AgentComplete", at + wait + talk, **agent, HoldTime=wait,
                  TalkTime=talk, Reason="caller"))


def abandoned(call, queue, at, wait=4):
    caller = {"Uniqueid": call, "Queue": queue}
    return (event("QueueCallerJoin", at, **caller, CallerIDNum="0202") +
            event("HangupRequest", at + wait, Uniqueid=call, Cause=16) +
            event("QueueCallerAbandon", at + wait, **caller, HoldTime=wait) +
            event("QueueCallerLeave", at + wait, **caller) +
            event("Hangup", at + wait, Uniqueid=call, Cause=16))
