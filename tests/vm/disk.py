# SPDX-License-Identifier: BSD-2-Clause
"""A disk with a cache of its own, which forgets when the power goes.

A machine that is simulated loses what its kernel had not yet written when its
process is killed; but what it had written is safe with the host, flushed or
not. A real disk keeps writes in a cache until it is told to flush, and loses
them. So this is one: a server of NBD (the protocol: doc/proto.md of
NetworkBlockDevice/nbd) on a Unix socket. What was not flushed when cut() is
called is lost, or a part of it that the dice choose, by the sector.
"""
import os
import socket
import struct
import threading

SECTOR = 512
HANDSHAKE = 1 | 2               # fixed newstyle, no zeroes
OPT_EXPORT_NAME, OPT_ABORT, OPT_INFO, OPT_GO = 1, 2, 6, 7
REP_ACK, REP_INFO, REP_UNSUPPORTED = 1, 3, (1 << 31) + 1
CMD_READ, CMD_WRITE, CMD_END, CMD_FLUSH = range(4)
HAS_FLAGS_AND_FLUSH = 1 | 4
EINVAL = 22


class Disk:
    def __init__(self, image, path):
        """image: the file of what is durable; path: of the socket"""
        self.path = path
        self.fd = os.open(image, os.O_RDWR)
        self.size = os.fstat(self.fd).st_size
        self.cache = {}         # sector's number -> bytes, not yet flushed
        self.writes = []        # the same as it came: (offset, bytes)
        self.flushes = 0
        self.closing = False
        self.broken = None      # a mistake of ours, for cut() to raise
        self.connection = None
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen(1)
        self.gone = threading.Event()
        self.gone.set()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connection = connection
            self.gone.clear()
            try:
                with connection:
                    if self.negotiate(connection):
                        self.transmit(connection)
            except (ConnectionError, EOFError):
                pass
            except Exception as e:      # not to be a silent disk
                self.broken = e
            finally:
                self.gone.set()

    @staticmethod
    def receive(connection, n):
        parts = []
        while n > 0:
            part = connection.recv(min(n, 1 << 20))
            if not part:
                raise EOFError
            parts.append(part)
            n -= len(part)
        return b"".join(parts)

    # -- what is agreed on first

    def negotiate(self, connection):
        connection.sendall(b"NBDMAGICIHAVEOPT" + struct.pack(">H", HANDSHAKE))
        self.receive(connection, 4)
        about = struct.pack(">QH", self.size, HAS_FLAGS_AND_FLUSH)
        while True:
            head = self.receive(connection, 16)
            option, length = struct.unpack(">8xII", head)
            self.receive(connection, length)
            if option == OPT_EXPORT_NAME:
                connection.sendall(about)
                return True
            if option in (OPT_INFO, OPT_GO):
                self.answer(connection, option, REP_INFO, b"\0\0" + about)
                self.answer(connection, option, REP_ACK)
                if option == OPT_GO:
                    return True
                continue
            self.answer(connection, option, REP_ACK if option == OPT_ABORT
                        else REP_UNSUPPORTED)
            if option == OPT_ABORT:
                return False

    @staticmethod
    def answer(connection, option, kind, data=b""):
        connection.sendall(struct.pack(">QIII", 0x3e889045565a9, option, kind,
                                       len(data)) + data)

    # -- the disk

    def transmit(self, connection):
        while True:
            command, handle, at, n = struct.unpack(
                ">4x2xHQQI", self.receive(connection, 28))
            error, data = 0, b""
            if command == CMD_END:
                return
            if command == CMD_WRITE:
                self.write(at, self.receive(connection, n))
            elif command == CMD_READ:
                data = self.read(at, n)
            elif command == CMD_FLUSH:
                self.flush()
            else:
                error = EINVAL
            connection.sendall(struct.pack(">IIQ", 0x67446698, error, handle) +
                               data)

    def read(self, at, n):
        data = bytearray(os.pread(self.fd, n, at))
        if self.cache:
            for offset in range(0, n, SECTOR):
                cached = self.cache.get((at + offset) // SECTOR)
                if cached is not None:
                    data[offset:offset + SECTOR] = cached
        return data

    def write(self, at, data):
        assert at % SECTOR == 0 and len(data) % SECTOR == 0
        self.writes.append((at, data))
        for offset in range(0, len(data), SECTOR):
            self.cache[(at + offset) // SECTOR] = data[offset:offset + SECTOR]

    def flush(self):
        for at, data in self.writes:
            os.pwrite(self.fd, data, at)
        self.cache.clear()
        self.writes.clear()
        self.flushes += 1

    def cut(self, rng):
        """The machine is dead: of what it did not flush all is lost, or some.
        Returns how many writes there were, and how many of them are whole."""
        assert self.gone.wait(30), "the machine still holds its disk"
        if self.broken:
            raise self.broken
        chance = rng.choice((0, 0, rng.random(), 0.9))
        kept = 0
        for at, data in self.writes:
            lot = rng.random()
            if lot < chance:
                os.pwrite(self.fd, data, at)
                kept += 1
            elif lot < (1 + chance) / 2 and chance > 0:
                for offset in range(0, len(data), SECTOR):   # torn
                    if rng.random() < 0.5:
                        os.pwrite(self.fd, data[offset:offset + SECTOR],
                                  at + offset)
        found = len(self.writes), kept
        self.cache.clear()
        self.writes.clear()
        return found

    def close(self):
        self.listener.close()
        os.close(self.fd)
        try:
            os.unlink(self.path)
        except FileNotFoundError:
            pass
