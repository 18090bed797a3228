# SPDX-License-Identifier: BSD-2-Clause
"""What happens to a log on disk: rotated in every form, under load and while
the daemon is away, truncated, replaced, half written, unreadable for a moment.
F22 to F37 of the fault matrix."""
import gzip
import os
import random
import shutil
import time

import harness
import pytest

import figures
import loggen

LINES = 6000
ROTATIONS = harness.quick_or_slow(6, 40)


def cut(log, *shares):
    """A log in pieces, cut at line ends."""
    ends = [log.rfind(b"\n", 0, int(len(log) * share)) + 1
            for share in shares] + [len(log)]
    starts = [0] + ends[:-1]
    return [log[a:b] for a, b in zip(starts, ends)]


def logs_apart(*seeds):
    """Logs that have no call in common, an hour after each other: what is
    destroyed of one leaves no riddle in the next."""
    return [calls_only(loggen.make_log(600, seed=seed, prefix="p%d-" % n,
                                       start=loggen.START + n * 3600))
            for n, seed in enumerate(seeds)]


def calls_only(log):
    """Without the agents' sessions."""
    return b"".join(line for line in log.splitlines(keepends=True)
                    if line.split(b"|")[1][:1] == b"p")


def counters(rig):
    return figures.feed(rig.db)


def finish(rig, log, daemon=None):
    """After any of these: nothing is missing, and life goes on."""
    rig.settle(timeout=60)
    rig.assert_exact(log)
    rig.assert_alive(log)
    row = counters(rig)
    assert (row["gaps"], row["lost_bytes"]) == (0, 0), row
    if daemon:
        assert daemon.is_alive()


# -- rotation under load ---------------------------------------------------

def rotated_names(style, path, n):
    """What logrotate (highest number oldest), Asterisk's sequential (highest
    newest) and its timestamp strategy call the n-th piece."""
    if style == "timestamp":
        return "%s.%d" % (path, loggen.START + n)
    return "%s.%d" % (path, n)


def shift(path):
    """logrotate's way: .2 to .3, .1 to .2, so that .1 is free."""
    n = 1
    while os.path.exists("%s.%d" % (path, n)):
        n += 1
    for k in range(n, 1, -1):
        os.rename("%s.%d" % (path, k - 1), "%s.%d" % (path, k))
    return path + ".1"


@pytest.mark.parametrize("style", ["logrotate", "sequential", "timestamp"])
@pytest.mark.parametrize("linger", [0, 25], ids=["at once", "late reopen"])
def test_rotation_by_rename_under_load(rig, style, linger):
    """F22. Lines that the switch writes to the old file until it reopens are
    read from there; then the new file, and none of them twice."""
    log = loggen.make_log(LINES, seed=51)
    writer = rig.writer(log, burst=(1, 50), pause=0.008).start()
    daemon = rig.daemon().start(wait="READY=1")
    rig.wait_begun()
    for n in range(ROTATIONS):
        goal = (n + 1) / (ROTATIONS + 1)
        harness.poll("more is written", lambda: writer.share() >= goal)
        to = (shift(rig.log) if style == "logrotate" else
              rotated_names(style, rig.log, n))
        writer.rename(to, linger)
    writer.finish()
    finish(rig, log, daemon)
    # a piece that stayed empty is no file to begin
    assert 2 <= counters(rig)["file_no"] <= ROTATIONS + 1


def test_rotations_in_quick_succession(rig):
    """F22: several between two looks of the daemon, one of them empty."""
    log = loggen.make_log(2000, seed=52)
    pieces = cut(log, 0.2, 0.4, 0.4, 0.7, 0.9)
    daemon = rig.daemon().start(wait="READY=1")
    for n, piece in enumerate(pieces):
        if n:
            os.rename(rig.log, rig.log + ".%d" % (n - 1))
        harness.append(rig.log, piece)
        if n == 0:
            rig.wait_begun()
    finish(rig, log, daemon)


def test_nothing_there_for_a_while(rig):
    """The old file is moved, and the new one comes a second later."""
    first, second = cut(loggen.make_log(1500, seed=53), 0.5)
    harness.append(rig.log, first)
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    os.rename(rig.log, rig.log + ".1")
    time.sleep(1)
    harness.append(rig.log, second)
    finish(rig, first + second, daemon)


def test_a_file_that_is_not_there_yet(rig):
    log = loggen.make_log(800, seed=54)
    daemon = rig.daemon().start(wait="READY=1")
    time.sleep(0.3)
    harness.append(rig.log, log)
    finish(rig, log, daemon)


def test_rotated_while_down_before_the_first_look(rig):
    """The daemon has waited for a log that was not there; it comes when the
    daemon has gone, and is rotated before the next start."""
    first, second = cut(loggen.make_log(800, seed=541), 0.5)
    harness.append(rig.log + ".1", loggen.make_log(100, seed=542, prefix="h"))
    os.utime(rig.log + ".1", (loggen.START, loggen.START))
    daemon = rig.daemon().start(wait="READY=1")
    harness.poll("the database knows of it", lambda: rig.db.execute(
        "SELECT file_no FROM ringtally.feed").fetchall() == [(0,)])
    assert daemon.stop() == 0
    harness.append(rig.log, first)
    os.rename(rig.log, shift(rig.log))
    time.sleep(0.02)
    harness.append(rig.log, second)
    finish(rig, first + second, daemon.start(wait="READY=1"))


def test_begin_at_the_end(rig):
    """Without a position, start = "end" begins with what is new."""
    old, new = cut(loggen.make_log(1000, seed=55), 0.5)
    harness.append(rig.log, old)
    config = rig.config(feeds=[rig.feed(start="end")])
    rig.daemon(config).start(wait="READY=1")
    rig.settle()
    assert not figures.queue_rows(rig.db)
    fresh = b"%d|new.1|q|NONE|ENTERQUEUE||01|1\n" % loggen.START
    harness.append(rig.log, fresh)
    rig.settle()
    rig.assert_exact(fresh)


def test_begin_at_the_end_of_nothing(rig):
    """There was no file to be at the end of: what stands in it when the
    daemon comes back is new, all of it."""
    config = rig.config(feeds=[rig.feed(start="end")])
    daemon = rig.daemon(config).start(wait="READY=1")
    harness.poll("it has looked", lambda: daemon.said("waiting for it"))
    assert daemon.stop() == 0
    log = loggen.make_log(300, seed=54)
    harness.append(rig.log, log)
    finish(rig, log, rig.daemon(config).start(wait="READY=1"))


# -- while the daemon is away ----------------------------------------------

def away(rig, pieces, rotate):
    """The daemon reads the first piece and leaves; meanwhile rotate() puts
    the files as if the others had been written; it comes back."""
    harness.append(rig.log, pieces[0])
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    assert daemon.stop() == 0
    rotate()
    return rig.daemon().start(wait="READY=1")


@pytest.mark.parametrize("style", ["logrotate", "sequential", "timestamp"])
def test_two_rotations_while_down(rig, style):
    """F23: the old file is found by what it is, not by its name; the piece
    between, which the daemon never saw, is read too."""
    pieces = cut(loggen.make_log(3000, seed=56), 0.3, 0.4, 0.7)

    def rotate():
        harness.append(rig.log, pieces[1])
        for n, piece in enumerate(pieces[2:]):
            to = (shift(rig.log) if style == "logrotate" else
                  rotated_names(style, rig.log, n))
            os.rename(rig.log, to)
            time.sleep(0.02)
            harness.append(rig.log, piece)
    daemon = away(rig, pieces, rotate)
    finish(rig, b"".join(pieces), daemon)


@pytest.mark.parametrize("which", ["all", "oldest"])
def test_rotated_and_compressed_while_down(rig, which):
    """F24: the pieces are gzipped meanwhile (another inode): read through,
    from where the daemon had come."""
    pieces = cut(loggen.make_log(3000, seed=57), 0.3, 0.4, 0.7)

    def squeeze(path):
        with open(path, "rb") as f, gzip.open(path + ".gz", "wb") as z:
            z.write(f.read())
        shutil.copystat(path, path + ".gz")
        os.unlink(path)

    def rotate():
        harness.append(rig.log, pieces[1])
        os.rename(rig.log, rig.log + ".2")
        time.sleep(0.02)
        harness.append(rig.log, pieces[2])
        os.rename(rig.log, rig.log + ".1")
        time.sleep(0.02)
        harness.append(rig.log, pieces[3])
        squeeze(rig.log + ".2")
        if which == "all":
            squeeze(rig.log + ".1")
    daemon = away(rig, pieces, rotate)
    finish(rig, b"".join(pieces), daemon)


def test_killed_and_rotated_at_random(rig):
    """F01 and F22 together."""
    log = loggen.make_log(LINES, seed=58)
    rng = random.Random(501)
    writer = rig.writer(log, burst=(1, 50), pause=0.02).start()
    daemon = rig.daemon().start()
    rig.wait_begun()
    daemon.kill()
    rotations = 0
    while not writer.done:
        daemon.start()
        time.sleep(rng.uniform(0.02, 0.25))
        if rotations < 3 or rng.random() < 0.6:
            writer.rename("%s.%d" % (rig.log, rotations), rng.choice((0, 9)))
            rotations += 1
        daemon.kill()
    writer.finish()
    daemon.start(wait="READY=1")
    finish(rig, log, daemon)
    assert rotations > 2


def test_gone_for_ever_while_down_is_told(rig):
    """What was rotated away and removed before it was read is a gap: counted,
    never silent. What is there is counted all the same."""
    pieces = logs_apart(59, 591, 592)

    def rotate():
        harness.append(rig.log, pieces[1])
        os.unlink(rig.log)
        harness.append(rig.log, pieces[2])
    away(rig, pieces, rotate)
    rig.settle()
    rig.assert_exact(pieces[0] + pieces[2])
    assert counters(rig)["gaps"] == 1


# -- truncation ------------------------------------------------------------

def test_copytruncate_after_all_was_read(rig):
    """F25: nothing is lost, nothing is read from the copy."""
    log = b""
    call = loggen.CallCentre(seed=60)
    daemon = rig.daemon().start(wait="READY=1")
    for n in range(4):
        more = call.text(500)
        log += more
        harness.append(rig.log, more)
        rig.settle()
        shutil.copy2(rig.log, "%s.%d" % (rig.log, n + 1))
        os.truncate(rig.log, 0)
    log = log + append_line(rig, log)
    finish(rig, log, daemon)


def append_line(rig, log, path=None):
    line = b"%d|more.%d|more|NONE|ENTERQUEUE||01|1\n" % (
        max(int(x.split(b"|")[0]) for x in log.splitlines()[-50:]), len(log))
    harness.append(path or rig.log, line)
    return line


def test_copytruncate_under_load_without_loss(rig):
    """F25: the copy is made and the file cut while nobody writes, but with
    bytes that the daemon has not read: they are read from the copy."""
    pieces = logs_apart(61, 611, 612)
    log = b"".join(pieces)
    harness.append(rig.log, pieces[0])
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    with frozen(daemon):
        harness.append(rig.log, pieces[1])
        shutil.copy2(rig.log, rig.log + ".1")
        os.truncate(rig.log, 0)
        harness.append(rig.log, pieces[2])
    rig.settle()
    row = counters(rig)
    if row["gaps"] == 0:
        rig.assert_exact(log)
    else:       # told, to the byte
        assert row["lost_bytes"] == len(pieces[1]), row
        rig.assert_exact(pieces[0] + pieces[2])


def test_written_anew_while_down(rig):
    """F04: the disk had not got all that was read before the power failed,
    and the switch was back before the daemon: a gap is counted."""
    pieces = logs_apart(63, 631, 632)
    harness.append(rig.log, pieces[0])
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    assert daemon.stop() == 0
    os.truncate(rig.log, len(pieces[0]) - 500)
    harness.append(rig.log, b"x" * 600 + b"\n" + pieces[1])
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    row = counters(rig)
    assert (row["gaps"], row["rejected"]) == (1, 1), row
    assert daemon.said("was written anew before byte %d" % len(pieces[0]))
    rig.assert_exact(pieces[0] + pieces[1])
    assert daemon.stop() == 0, daemon.stderr()
    rig.daemon().start(wait="READY=1")
    rig.settle()
    assert counters(rig)["gaps"] == 1


class frozen:
    """SIGSTOP for a moment, so that several things happen at once for it."""

    def __init__(self, daemon):
        self.daemon = daemon

    def __enter__(self):
        self.daemon.signal(19)
        harness.poll("it stands still", lambda: self.state() == "T")

    def state(self):
        with open("/proc/%d/stat" % self.daemon.process.pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0]

    def __exit__(self, *exc):
        self.daemon.signal(18)


def test_truncated_before_it_was_read_is_told(rig):
    """F25: bytes that were destroyed are counted, exactly those."""
    pieces = logs_apart(62, 621, 622)
    harness.append(rig.log, pieces[0])
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    with frozen(daemon):
        harness.append(rig.log, pieces[1])
        os.truncate(rig.log, 0)
        harness.append(rig.log, pieces[2])
    rig.settle()
    rig.assert_exact(pieces[0] + pieces[2])
    assert counters(rig)["gaps"] == 1
    assert daemon.is_alive()


def test_truncated_and_written_larger(rig):
    """F26: the size alone tells nothing; the first bytes do."""
    first = loggen.make_log(500, seed=63)
    second = loggen.make_log(2000, seed=64, prefix="s",
                             start=loggen.START + 3600)
    assert len(second) > len(first)
    harness.append(rig.log, first)
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    with frozen(daemon):
        os.truncate(rig.log, 0)
        harness.append(rig.log, second)
    rig.settle()
    rig.assert_exact(first + second)
    rig.assert_alive(first + second)


# -- which file is it ------------------------------------------------------

@pytest.mark.parametrize("down", [True, False], ids=["down", "running"])
def test_inode_used_again(rig, down):
    """F27: removed and created anew, under the same inode as likely as not,
    and with more bytes than before."""
    log = b""
    call = loggen.CallCentre(seed=65)
    daemon = rig.daemon().start(wait="READY=1")
    same, before = 0, None
    for n in range(harness.quick_or_slow(8, 50)):
        more = call.text(100 + 40 * n)
        log += more
        harness.append(rig.log, more)
        inode = os.stat(rig.log).st_ino
        same += inode == before
        before = inode
        rig.settle()
        if down:
            assert daemon.stop() == 0
        os.unlink(rig.log)
        if down:
            more = call.text(100 + 40 * n)
            log += more
            harness.append(rig.log, more)
            same += os.stat(rig.log).st_ino == inode
            daemon = rig.daemon().start(wait="READY=1")
            rig.settle()
            os.unlink(rig.log)
    log += append_line(rig, log)
    rig.settle()
    rig.assert_exact(log)
    print("the inode came again %d times" % same)


def test_two_files_with_the_same_beginning(rig):
    """F28: a new log that begins with the very bytes of the old one is
    another file, and is counted."""
    head = loggen.make_log(60, seed=66)
    assert len(head) > 2048
    one = head + loggen.make_log(200, seed=67, prefix="a")
    two = head + loggen.make_log(300, seed=68, prefix="b")
    harness.append(rig.log, one)
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    os.rename(rig.log, rig.log + ".1")
    harness.append(rig.log, two)
    rig.settle()
    row = counters(rig)
    assert row["file_no"] == 2 and row["inode"] == os.stat(rig.log).st_ino
    # the head stands in both files: its calls are known, its arrivals
    # repeated, as far as they have not ended long ago
    assert row["records"] == one.count(b"\n") + two.count(b"\n")
    assert daemon.is_alive()


@pytest.mark.parametrize("rotate", [False, True], ids=["waits", "rotated"])
def test_half_a_line(rig, rotate):
    """F29: half a line is never read as one; its rest may come 3 seconds
    later, or never, when the file is rotated."""
    log = loggen.make_log(1000, seed=69)
    lines = log.splitlines(keepends=True)
    first = b""
    last = lines.pop()
    harness.append(rig.log, b"".join(lines) + last[:9])
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    rig.assert_exact(b"".join(lines))
    time.sleep(harness.quick_or_slow(0.5, 10))
    if rotate:
        # as Asterisk does it: the new file begins when the old one is done
        os.rename(rig.log, rig.log + ".1")
        harness.append(rig.log + ".1", last[9:])
        first = b"%s|NONE|NONE|NONE|CONFIGRELOAD|\n" % last[:10]
        harness.append(rig.log, first)
    else:
        harness.append(rig.log, last[9:])
    rig.settle()
    rig.assert_exact(log + first)
    assert counters(rig)["rejected"] == 0
    assert daemon.is_alive()


def test_a_tail_without_its_end_is_read_once(rig):
    """F29: the last line of a rotated file never got its line end."""
    log = loggen.make_log(600, seed=70)
    harness.append(rig.log, log[:-1])
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    os.rename(rig.log, rig.log + ".1")
    more = loggen.make_log(300, seed=71, prefix="n",
                           start=loggen.START + 7200)
    harness.append(rig.log, more)
    rig.settle()
    rig.assert_exact(log + more)
    assert daemon.is_alive()


def test_symbolic_link_that_moves(rig):
    """F33: the old target is read to its end, then the new one."""
    pieces = cut(loggen.make_log(2000, seed=72), 0.4, 0.5)
    one, two = rig.log + "-monday", rig.log + "-tuesday"
    harness.append(one, pieces[0])
    os.symlink(one, rig.log)
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    harness.append(one, pieces[1])
    harness.append(two, pieces[2])
    os.symlink(two, rig.log + ".new")
    os.rename(rig.log + ".new", rig.log)
    finish(rig, b"".join(pieces), daemon)


def test_directory_that_goes_and_comes_back(rig):
    """F34."""
    pieces = cut(loggen.make_log(1500, seed=73), 0.4, 0.7)
    harness.append(rig.log, pieces[0])
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    os.rename(rig.logs, rig.logs + ".away")
    time.sleep(0.5)
    harness.append(os.path.join(rig.logs + ".away", "queue_log"), pieces[1])
    time.sleep(0.2)
    os.rename(rig.logs + ".away", rig.logs)
    harness.append(rig.log, pieces[2])
    finish(rig, b"".join(pieces), daemon)


def test_the_same_file_twice(rig):
    """F35: two feeds that name one file are refused."""
    harness.append(rig.log, loggen.make_log(300, seed=74))
    config = rig.config(feeds=[rig.feed(), rig.feed(name="again")])
    daemon = rig.daemon(config).start("-t")
    assert daemon.wait() == 3, daemon.stderr()
    assert "again" in daemon.stderr()


def test_hard_link_as_two_feeds(rig):
    """F35: one file under two names, of two switches: each counts its own
    and only once."""
    log = loggen.make_log(300, seed=75)
    harness.append(rig.log, log)
    os.link(rig.log, rig.log + "-too")
    config = rig.config(feeds=[rig.feed(), rig.feed(
        name="too", path=rig.log + "-too")])
    daemon = rig.daemon(config)
    daemon.start("--once")
    daemon.wait()
    total = rig.db.execute("SELECT sum(offered) FROM ringtally.queue_interval"
                           ).fetchone()[0]
    assert total is None or total == offered(log), daemon.stderr()


def offered(log):
    return log.count(b"|ENTERQUEUE|") + log.count(b"|FULL|")


# -- trouble with reading --------------------------------------------------

@pytest.mark.parametrize("what,every", [("eintr", 2), ("short", 2),
                                        ("eio", 5)])
def test_reading_fails_now_and_then(rig, shim, what, every):
    """F36: tried again, never taken for the end of the file."""
    log = loggen.make_log(2500, seed=76)
    writer = rig.writer(log, burst=(1, 50), pause=0.004).start()
    daemon = rig.daemon(env={"LD_PRELOAD": shim, "SHIM_PATH": "queue_log",
                             "SHIM_WHAT": what, "SHIM_EVERY": str(every)})
    daemon.start(wait="READY=1")
    rig.wait_begun()
    harness.poll("half is written", lambda: writer.share() > 0.5)
    writer.rename(rig.log + ".1", 5)
    writer.finish()
    rig.settle(timeout=60)
    rig.assert_exact(log)
    assert counters(rig)["gaps"] == 0
    assert daemon.is_alive()


@pytest.mark.parametrize("how", ["none", "nowatch", "overflow"])
def test_inotify_fails(rig, shim, how):
    """F31 and F32: without inotify, without watches, after an overflow."""
    log = loggen.make_log(2500, seed=77)
    writer = rig.writer(log, burst=(1, 50), pause=0.01).start()
    daemon = rig.daemon(env={"LD_PRELOAD": shim, "SHIM_INOTIFY": how})
    daemon.start(wait="READY=1")
    rig.wait_begun()
    for n in range(3):
        goal = (n + 1) / 4
        harness.poll("more is written", lambda: writer.share() >= goal)
        writer.rename("%s.%d" % (rig.log, n), 5)
    writer.finish()
    finish(rig, log, daemon)


def test_a_flood_of_events_in_the_folder(rig):
    """F31, the real thing where it can be had: thousands of files come and
    go beside the log while the daemon stands still."""
    pieces = cut(loggen.make_log(2000, seed=78), 0.5)
    harness.append(rig.log, pieces[0])
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    with frozen(daemon):
        for n in range(harness.quick_or_slow(9000, 20000)):
            path = os.path.join(rig.logs, "noise%d" % n)
            open(path, "w").close()
            os.unlink(path)
        os.rename(rig.log, rig.log + ".1")
        harness.append(rig.log, pieces[1])
    finish(rig, b"".join(pieces), daemon)


def test_last_line_rewritten(rig):
    """F37: a log that is not only appended to. The file is the same, its
    bytes are not: said with file and place, not silently read again."""
    log = loggen.make_log(800, seed=79)
    harness.append(rig.log, log)
    daemon = rig.daemon().start(wait="READY=1")
    rig.settle()
    lines = log.splitlines(keepends=True)
    with open(rig.log, "r+b") as f:
        f.seek(len(log) - len(lines[-1]))
        f.write(lines[-1].replace(b"|", b"/"))
    more = append_line(rig, log)
    rig.settle()
    rig.assert_exact(log + more)
    assert daemon.is_alive()


def test_memory_and_descriptors_are_flat(rig):
    """Rotations leave nothing behind."""
    call = loggen.CallCentre(seed=80)
    daemon = rig.daemon().start(wait="READY=1")
    log = b""
    for n in range(harness.quick_or_slow(12, 100)):
        more = call.text(400)
        log += more
        harness.append(rig.log, more)
        rig.settle()
        if n == 3:
            before = daemon.fds(), daemon.rss_kib()
        os.rename(rig.log, "%s.%d" % (rig.log, n))
    harness.append(rig.log, b"")
    log += append_line(rig, log)
    rig.settle()
    assert daemon.fds() <= before[0] + 1
    assert daemon.rss_kib() < before[1] * 1.3 + 2048
    rig.assert_exact(log)
