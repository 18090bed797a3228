# SPDX-License-Identifier: BSD-2-Clause
"""--once, and what formats hold back for what might follow: it is told when
nobody waits for more, once, however often --once is run and whatever comes."""
import harness
import pytest

# Of each format: a feed's options; what leaves a call held; what comes of that
# call after all; the next call, held in its turn; and how the two must end.
CDR = ('"","%s","80","in","","PJSIP/t-3","%s","%s","%s","2026-07-21 18:2%s",'
       '"","2026-07-21 18:2%s",9,9,"%s","DOCUMENTATION","17846582%s",""\n')
CEL = ('"%s","17952897%s","J","02","02","","","80","in","PJSIP/t","%s","q,t",'
       '"DOC","","1.%s","1.%s","","","",""\n')
SMDR = ('2019/11/02 10:0%d:00,00:00:10,4,1%d,I,q,5554,,0,100000%d,%d,E217,'
        'Kim,T9003,Line 3.0,0,0\n')
CASES = {
    "asterisk-cdr": (
        {"gmt": True},
        CDR % ("021", "", "Queue", "q,t", "4:00", "4:09", "NO ANSWER", "40.1"),
        CDR % ("021", "PJSIP/8-1", "Queue", "q,t", "4:09", "4:10", "ANSWERED",
               "40.1"),
        CDR % ("022", "PJSIP/8-2", "Queue", "q,t", "5:00", "5:09", "ANSWERED",
               "41.2"),
        ["abandoned", "answered"]),
    "asterisk-cel": (
        {},
        CEL % ("APP_START", "50.0", "Queue", "98", "98") +
        CEL % ("APP_END", "80.0", "Queue", "98", "98"),
        CEL % ("HANGUP", "80.1", "", "98", "98"),
        CEL % ("APP_START", "90.0", "Queue", "99", "99") +
        CEL % ("APP_END", "95.0", "Queue", "99", "99"),
        ["timed_out", "timed_out"]),
    "avaya-ipoffice": (
        {}, SMDR % (1, 1, 1, 1), SMDR % (1, 1, 1, 0), SMDR % (3, 2, 2, 1),
        ["answered", "answered"]),
}


def outcomes(rig):
    return [row[0] for row in rig.db.execute(
        "SELECT outcome::text FROM ringtally.visit "
        "ORDER BY entered_at, call_id").fetchall()]


@pytest.mark.parametrize("kind", sorted(CASES))
def test_what_was_held_is_told_once(rig, kind):
    """One run after another on a file that grows. The last call of each is
    counted by the run that read it, and never by another one."""
    options, held, rest, another, want = CASES[kind]
    config = rig.config([rig.feed(format=kind, **options)])

    def once(expected):
        daemon = rig.daemon(config).start("--once")
        assert daemon.wait(60) == 0, daemon.stderr()
        assert outcomes(rig) == expected
        offered = rig.db.execute("SELECT coalesce(sum(offered), 0) "
                                 "FROM ringtally.queue_interval").fetchone()
        assert offered[0] == len(expected)

    harness.append(rig.log, held.encode())
    once(want[:1])
    harness.append(rig.log, rest.encode())
    once(want[:1])
    harness.append(rig.log, another.encode())
    once(want)
    once(want)                      # nothing is new


@pytest.mark.parametrize("kind", harness.quick_or_slow(
    ["avaya-ipoffice"], sorted(CASES)))
def test_a_daemon_that_stays_holds_it(rig, kind):
    """What a daemon that was stopped held, --once tells, though it reads
    nothing; the daemon that follows it does not tell it again."""
    options, held, rest, _, want = CASES[kind]
    config = rig.config([rig.feed(format=kind, **options)])
    harness.append(rig.log, held.encode())
    daemon = rig.daemon(config).start(wait="READY=1")
    rig.settle()
    assert daemon.stop() == 0, daemon.stderr()
    assert outcomes(rig) == []
    daemon = rig.daemon(config).start("--once")
    assert daemon.wait(60) == 0, daemon.stderr()
    assert outcomes(rig) == want[:1]
    harness.append(rig.log, rest.encode())
    daemon = rig.daemon(config).start(wait="READY=1")
    rig.settle()
    assert daemon.stop() == 0, daemon.stderr()
    assert outcomes(rig) == want[:1]
