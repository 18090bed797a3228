# SPDX-License-Identifier: BSD-2-Clause
"""Who is to be rung back, over restarts of the daemon."""
import os
import time

import harness

from test_live import live, recent_log     # noqa: F401 (a fixture)


def callbacks(live):
    document = live.show("calls")
    return document["callbacks"], document["callbacks_left_out"]


def test_kill_changes_no_callback(rig, live):     # noqa: F811
    """kill -9: the list is what it was, those through since included; and it
    agrees with the figures."""
    harness.append(rig.log, recent_log(1.5, 121, rate=0.3))
    daemon = live.daemon().start(wait="READY=1")
    live.settle()
    rig.settle()
    before, left_out = callbacks(live)
    total = live.show("queues")["total"]["today"]["abandoned"]
    assert len(before) + left_out == total
    assert any(c["through_at"] for c in before) or len(before) < 20
    daemon.kill()
    live.daemon().start(wait="READY=1")
    live.settle()
    after, left_after = callbacks(live)
    assert after == before
    assert left_after == left_out


def test_through_after_a_restart(rig, live):     # noqa: F811
    """Who gave up before a restart and is answered after it is through; who
    withholds the number never is; a conversation that began before counts."""
    at = int(time.time())
    harness.append(rig.log, b"".join(b"%d|%s\n" % (at - 60 + dt, line)
                                     for dt, line in (
        (0, b"1.1|ctax|NONE|ENTERQUEUE||07700900001|1"),
        (9, b"1.1|ctax|NONE|ABANDON|1|1|9"),
        (10, b"1.2|ctax|NONE|ENTERQUEUE||anonymous|1"),
        (19, b"1.2|ctax|NONE|ABANDON|1|1|9"),
        (20, b"1.3|ctax|NONE|ENTERQUEUE||07700900003|1"),
        (29, b"1.3|ctax|NONE|ABANDON|1|1|9"),
        (30, b"1.4|rent|NONE|ENTERQUEUE||07700900003|1"),
        (35, b"1.4|rent|Jo|CONNECT|5|x.1|2"))))
    daemon = live.daemon().start(wait="READY=1")
    live.settle()
    rig.settle()

    def through():
        return {c["call_id"]: c["through_at"] is not None
                for c in callbacks(live)[0]}
    assert through() == {"1.1": False, "1.2": False, "1.3": True}
    daemon.kill()
    live.daemon().start(wait="READY=1")
    live.settle()
    assert through() == {"1.1": False, "1.2": False, "1.3": True}
    harness.append(rig.log, b"%d|2.1|rent|NONE|ENTERQUEUE||+447700900001|1\n"
                   b"%d|2.1|rent|Al|CONNECT|2|x.2|1\n"
                   b"%d|2.2|ctax|NONE|ENTERQUEUE||anonymous|1\n"
                   b"%d|2.2|ctax|Ed|CONNECT|2|x.3|1\n" % (
                       at, at + 2, at, at + 2))
    harness.poll("the first is through", lambda: through() == {
        "1.1": True, "1.2": False, "1.3": True})


def test_through_under_another_key(rig, live):     # noqa: F811
    """Who gave up before the key was changed and is answered after it, also
    for the daemon that is started next."""
    at = int(time.time())
    key = rig.config()["caller_key_file"]
    harness.append(rig.log, b"".join(
        b"%d|1.%d|ctax|NONE|ENTERQUEUE||0770090000%d|1\n"
        b"%d|1.%d|ctax|NONE|ABANDON|1|1|5\n" % (
            at - 50 + n, n, n, at - 45 + n, n) for n in range(2)))
    daemon = live.daemon().start(wait="READY=1")
    live.settle()
    rig.settle()
    assert daemon.stop() == 0
    os.rename(key, key + ".old")
    daemon = live.daemon(caller_key_old_file=key + ".old").start(
        wait="READY=1")
    harness.append(rig.log, b"%d|2.1|rent|NONE|ENTERQUEUE||07700900001|1\n"
                   b"%d|2.1|rent|Al|CONNECT|2|x.2|1\n" % (at, at + 2))

    def through():
        return [c["through_at"] is not None for c in callbacks(live)[0]]
    harness.poll("the second is through", lambda: through() == [False, True])
    rig.settle()
    assert daemon.stop() == 0
    live.daemon(caller_key_old_file=key + ".old").start(wait="READY=1")
    live.settle()
    assert through() == [False, True]


def test_nothing_kept(rig, live):     # noqa: F811
    """Where no visits are kept the list lives as long as the daemon; what was
    before is left out, and counted."""
    at = int(time.time())
    harness.append(rig.log, b"".join(
        b"%d|1.%d|ctax|NONE|ENTERQUEUE||0770090000%d|1\n"
        b"%d|1.%d|ctax|NONE|ABANDON|1|1|5\n" % (
            at - 50 + n, n, n, at - 45 + n, n) for n in range(3)))
    daemon = live.daemon(database={"keep_visits_days": 0}).start(
        wait="READY=1")
    live.settle()
    rig.settle()
    assert [c["call_id"] for c in callbacks(live)[0]] == ["1.0", "1.1", "1.2"]
    harness.append(rig.log, b"%d|2.1|ctax|NONE|ENTERQUEUE||07700900001|1\n"
                   b"%d|2.1|ctax|Al|CONNECT|2|x.2|1\n" % (at, at + 2))
    harness.poll("the second is through", lambda: [
        c["through_at"] is not None for c in callbacks(live)[0]] == [
            False, True, False])
    rig.settle()
    daemon.kill()
    live.daemon(database={"keep_visits_days": 0}).start(wait="READY=1")
    live.settle()
    assert callbacks(live) == ([], 3)
