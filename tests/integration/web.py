# SPDX-License-Identifier: BSD-2-Clause
"""Clients of the live pages: well-behaved ones, and raw sockets."""
import contextlib
import gzip
import http.client
import json
import os
import re
import resource
import socket
import time

import harness

WWW = os.path.join(harness.TOP, "www")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def many_files(wanted):
    """Lets this process open so many; how many it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.raw = response.read()
        self.body = self.raw
        if self.headers.get("Content-Encoding") == "gzip":
            self.body = gzip.decompress(self.raw)

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.text)


class Web:
    def __init__(self, port=None):
        self.port = port or free_port()
        self.listen = "127.0.0.1:%d" % self.port
        self.open = contextlib.ExitStack()

    def live(self, **more):
        """For the configuration."""
        return {"listen": self.listen, "folder": WWW, **more}

    def ask(self, path, method="GET", headers=None, timeout=30):
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request(method, path, headers=headers or {})
            return Answer(connection.getresponse())

    def wait(self):
        def answers():
            try:
                return self.ask("/healthz").status == 200
            except OSError:
                return False
        harness.poll("the live pages answer", answers)
        return self

    def ready(self):
        harness.poll("all is in order",
                     lambda: self.ask("/readyz").status == 200)
        return self

    def raw(self, data=b"", timeout=30):
        """A connection of its own, closed with the test."""
        s = self.open.enter_context(socket.create_connection(
            ("127.0.0.1", self.port), timeout=timeout))
        if data:
            s.sendall(data)
        return s

    def close(self):
        self.open.close()


def get(path, *headers, method="GET", version="1.1", host="localhost"):
    """The bytes of a request."""
    lines = ["%s %s HTTP/%s" % (method, path, version)]
    if host is not None:
        lines.append("Host: " + host)
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1")


def read_all(s, timeout=30):
    """All that comes until the other side closes."""
    s.settimeout(timeout)
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := s.recv(65536):
            parts.append(part)
    return b"".join(parts)


def statuses(data):
    return [int(m) for m in re.findall(rb"^HTTP/1\.[01] (\d+) ", data,
                                       re.MULTILINE)]


def is_closed(s, within):
    """Whether the other side ends it in so many seconds, whatever it sends."""
    deadline = time.monotonic() + within
    while (left := deadline - time.monotonic()) > 0:
        s.settimeout(left)
        try:
            if not s.recv(65536):
                return True
        except socket.timeout:
            return False
        except OSError:
            return True
    return False


class Stream:
    """Reads events; gives up behind `timeout` seconds of silence."""

    def __init__(self, web, query="", headers=None, timeout=20):
        self.connection = http.client.HTTPConnection(
            "127.0.0.1", web.port, timeout=timeout)
        web.open.callback(self.connection.close)
        self.connection.request("GET", "/api/v1/stream" + query,
                                headers=headers or {})
        self.response = self.connection.getresponse()
        self.unpack = None
        if self.response.headers.get("Content-Encoding") == "gzip":
            import zlib
            self.unpack = zlib.decompressobj(31)
        self.buffer = ""
        self.retry = None
        self.contacts = []

    def more(self):
        data = self.response.read1(65536)
        if not data:
            raise EOFError("the stream has ended")
        if self.unpack:
            data = self.unpack.decompress(data)
        self.buffer += data.decode("utf-8")

    def next(self):
        """The next event, as {"id", "event", "data"}; what is told of
        contacts before it goes to self.contacts."""
        while True:
            while "\n\n" not in self.buffer:
                self.more()
            block, self.buffer = self.buffer.split("\n\n", 1)
            fields = dict(line.split(": ", 1) for line in block.split("\n")
                          if not line.startswith(":"))
            if "retry" in fields:
                self.retry = int(fields["retry"])
            if "data" in fields:
                fields["data"] = json.loads(fields["data"])
                if fields.get("event") != "contacts":
                    return fields
                self.contacts.append(fields["data"])
