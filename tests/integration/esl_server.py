# SPDX-License-Identifier: BSD-2-Clause
"""A FreeSWITCH that speaks by a script: an event socket with queues and agents
in it, which does what real ones do on bad days. One thread, one client at a
time; it stops when it is told to."""
import socket
import threading
import time
import urllib.parse

PASSWORD = "ClueCon"
MEMBERS = ("queue|instance_id|uuid|session_uuid|cid_number|cid_name|"
           "system_epoch|joined_epoch|rejoined_epoch|bridge_epoch|"
           "abandoned_epoch|base_score|skill_score|serving_agent|"
           "serving_system|state")
AGENTS = "name|instance_id|uuid|type|contact|status|state"


def quote(value):
    return urllib.parse.quote(str(value), safe="")


def plain(headers):
    """An event as it stands on the wire."""
    body = "".join("%s: %s\n" % (name, quote(value))
                   for name, value in headers).encode() + b"\n"
    return (b"Content-Length: %d\nContent-Type: text/event-plain\n\n" %
            len(body)) + body


class Switch:
    """Its queues and what happens in them. Times are its own."""

    def __init__(self, queues=("support@default",), core="c1", start=None):
        self.queues = list(queues)
        self.core = core
        self.now = start or int(time.time()) - 600
        self.sequence = 0
        self.waiting = {}       # session -> (queue, joined, number)
        self.talking = {}       # session -> (queue, joined, answered, agent)
        self.agents = {}        # name -> status

    def event(self, action, *headers):
        # others, whom nobody asked for, count as well
        self.sequence += 7
        return plain((("Event-Subclass", "callcenter::info"),
                      ("Event-Name", "CUSTOM"), ("Core-UUID", self.core),
                      ("Event-Date-Timestamp", self.now * 1000000),
                      ("Event-Sequence", self.sequence),
                      ("CC-Action", action), *headers))

    def beat(self):
        return plain((("Event-Name", "HEARTBEAT"), ("Core-UUID", self.core),
                      ("Event-Date-Timestamp", self.now * 1000000)))

    def arrive(self, session, queue=None, number="201"):
        queue = queue or self.queues[0]
        self.waiting[session] = (queue, self.now, number)
        return self.event("member-queue-start", ("CC-Queue", queue),
                          ("CC-Member-UUID", "m-" + session),
                          ("CC-Member-Session-UUID", session),
                          ("CC-Member-CID-Number", number))

    def answer(self, session, agent="1000@default"):
        queue, joined, _ = self.waiting.pop(session)
        self.talking[session] = (queue, joined, self.now, agent)
        return self.event("bridge-agent-start", ("CC-Queue", queue),
                          ("CC-Agent", agent),
                          ("CC-Agent-Answered-Time", self.now),
                          ("CC-Member-Joined-Time", joined),
                          ("CC-Member-Session-UUID", session))

    def end(self, session):
        queue, joined, answered, agent = self.talking.pop(session)
        common = (("CC-Queue", queue), ("CC-Agent", agent),
                  ("CC-Agent-Answered-Time", answered),
                  ("CC-Member-Joined-Time", joined),
                  ("CC-Member-Session-UUID", session))
        return self.event("bridge-agent-end", ("CC-Agent-Bridged", "true"),
                          ("CC-Bridge-Terminated-Time", self.now), *common) + \
            self.event("member-queue-end", ("CC-Cause", "Terminated"),
                       ("CC-Member-Leaving-Time", self.now), *common)

    def leave(self, session, reason="BREAK_OUT"):
        queue, joined, _ = self.waiting.pop(session)
        return self.event("member-queue-end", ("CC-Queue", queue),
                          ("CC-Cause", "Cancel"),
                          ("CC-Cancel-Reason", reason),
                          ("CC-Member-Joined-Time", joined),
                          ("CC-Member-Leaving-Time", self.now),
                          ("CC-Member-Session-UUID", session))

    def status(self, agent, status):
        self.agents[agent] = status
        return self.event("agent-status-change", ("CC-Agent", agent),
                          ("CC-Agent-Status", status))

    def table(self, head, rows):
        return "\n".join(([head] if rows else []) + rows + ["+OK", ""])

    def api(self, words):
        if words[:1] != ["callcenter_config"]:
            return "0\n"
        if words[1:] == ["queue", "list"]:
            return "\n".join(["name|strategy|moh_sound"] + [
                "%s|ring-all|moh" % name for name in self.queues] +
                ["+OK", ""])
        if words[1:4] == ["queue", "list", "members"]:
            return self.table(MEMBERS, [
                "%s|single_box|m-%s|%s|%s|-|0|%d|0|0|0|0|0|||Waiting" % (
                    queue, session, session, number, joined)
                for session, (queue, joined, number) in self.waiting.items()
                if queue == words[4]] + [
                "%s|single_box|m-%s|%s|-|-|0|%d|0|%d|0|0|0|%s|x|Answered" % (
                    queue, session, session, joined, answered, agent)
                for session, (queue, joined, answered, agent)
                in self.talking.items() if queue == words[4]])
        if words[1:4] == ["queue", "list", "agents"]:
            return self.table(AGENTS, [
                "%s|single_box||callback||%s|Waiting" % item
                for item in self.agents.items()])
        return "-ERR Invalid!\n"


class Server:
    """Listens on loopback. `behave`: what it does to those who connect:
    "well", "reject" (by its access list), or "mute" (says nothing at all)."""

    def __init__(self, switch, password=PASSWORD, behave="well"):
        self.switch, self.password, self.behave = switch, password, behave
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.client = None
        self.subscribed = threading.Event()
        self.commands = []
        self.connections = 0
        self.stopping = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stopping:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.stopping:
                client.close()
                return
            self.connections += 1
            with client:
                try:
                    self.serve(client)
                except OSError:
                    pass
            self.subscribed.clear()
            self.client = None

    def serve(self, client):
        self.client = client
        if self.behave == "reject":
            text = b"Access Denied, go away.\n"
            client.sendall(b"Content-Type: text/rude-rejection\n"
                           b"Content-Length: %d\n\n%s" % (len(text), text))
            return
        if self.behave != "mute":
            client.sendall(b"Content-Type: auth/request\n\n")
        held = b""
        while True:
            more = client.recv(65536)
            if not more:
                return
            held += more
            while b"\n\n" in held:
                command, _, held = held.partition(b"\n\n")
                if not self.obey(client, command.decode()):
                    return

    def reply(self, client, text):
        client.sendall(b"Content-Type: command/reply\nReply-Text: %s\n\n" %
                       text.encode())

    def obey(self, client, command):
        """False: the connection ends."""
        self.commands.append(command)
        words = command.split()
        with self.lock:
            if words[0] == "auth":
                good = words[1:] == [self.password]
                self.reply(client, "+OK accepted" if good else "-ERR invalid")
                return good
            if words[0] == "event":
                self.reply(client,
                           "+OK event listener enabled " + words[1])
                self.subscribed.set()
            elif words[0] == "api":
                body = self.switch.api(words[1:]).encode()
                client.sendall(b"Content-Type: api/response\n"
                               b"Content-Length: %d\n\n%s" %
                               (len(body), body))
        return True

    def say(self, data):
        """To whoever listens; it must be somebody."""
        assert self.subscribed.wait(30), "nobody asked for events"
        with self.lock:
            self.client.sendall(data)

    def cut(self):
        """In the middle of whatever is said."""
        client = self.client
        self.subscribed.clear()
        if client is not None:
            client.shutdown(socket.SHUT_RDWR)

    def notice(self):
        """As at the end of a FreeSWITCH that is stopped."""
        text = b"Disconnected, goodbye.\n"
        self.say(b"Content-Type: text/disconnect-notice\n"
                 b"Content-Length: %d\n\n%s" % (len(text), text))

    def close(self):
        self.stopping = True
        self.cut()
        try:
            socket.create_connection(("127.0.0.1", self.port), 5).close()
        except OSError:
            pass
        self.thread.join(10)
        self.listener.close()
