# SPDX-License-Identifier: BSD-2-Clause
"""Every case of ../shared/peer-cases that a queue_log can tell, counted by
the oracle and by the daemon: it agrees, or differs for a reason that stands in
differences.tsv, or asks for something that is no figure of ours. The score is
printed at the end."""
import json
import os
import subprocess

import paths  # noqa: F401
import harness
import pytest

import cases
import figures
import fixtures
import oracle
import played
import score

pytestmark = pytest.mark.skipif(not harness.shared("peer-cases"),
                                reason="../shared/peer-cases is absent")
CASES = {case["id"]: case for case in cases.all_cases()}


def settle(who, case, play):
    verdict, text = cases.judge(case, play)
    reason = cases.known_differences().get(case["id"])
    score.verdicts[who][case["id"]] = "unexplained", text
    assert verdict == cases.DIFFER or reason is None, (
        "listed as different, but %s: %s" % (verdict, text))
    if verdict == cases.DIFFER:
        verdict = "on purpose" if reason else "unexplained"
        text = reason or text
    score.verdicts[who][case["id"]] = verdict, text
    assert verdict != "unexplained", text


@pytest.mark.parametrize("name", CASES)
def test_case_by_oracle(name):
    settle("the oracle", CASES[name], played.by_oracle)


def log_of(case):
    try:
        return cases.queue_log(case)
    except cases.NotApplicable:
        return b""


@pytest.fixture(scope="module")
def read(pg):
    """All cases read by one daemon: each is a switch of its own."""
    fixtures.need_programs()
    rig = fixtures.Rig(pg)
    feeds = []
    for name, case in CASES.items():
        path = os.path.join(rig.logs, name)
        harness.append(path, log_of(case))
        feeds.append(rig.feed(name=name, path=path, switch=name))
    daemon = rig.daemon(rig.config(feeds=feeds)).start("--once")
    assert daemon.wait(300) == 0, daemon.stderr()
    # at once: the view cuts all switches' spans, whichever is asked for
    rig.agent_rows = figures.agent_rows_by_switch(rig.db)
    yield rig
    rig.close()


@pytest.mark.parametrize("name", CASES)
def test_case_by_daemon(read, name):
    settle("ringtallyd", CASES[name],
           lambda log, case: played.by_daemon(read.db, name,
                                              read.agent_rows))


@pytest.mark.parametrize("name", CASES)
def test_case_by_tally(read, name):
    """The command without a database prints what the daemon has written."""
    done = subprocess.run(
        [harness.binary("ringtally"), "tally", "-o", "csv",
         os.path.join(read.logs, name)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    got = figures.tally_csv(done.stdout)
    want = figures.queue_rows(read.db, switch=name)
    want = {key: {column: row[column] for column in oracle.CSV_COLUMNS}
            for key, row in want.items()}
    found = list(figures.differences("tally", want, got))
    assert not found, "\n".join(found[:10])


# our view's column -> the name of the formula in the derived cases
FORMULAS = {"sl_%d_offered_pct": "abandons_negative",
            "sl_%d_answered_pct": "handled_only",
            "sl_%d_excl_short_pct": "short_abandons_excluded",
            "sl_%d_excl_within_pct": "abandons_ignored",
            "sl_%d_incl_within_pct": "abandons_positive"}


@pytest.mark.parametrize("name,limit", [("DER-SL-01", 15), ("DER-SL-03", 20)])
def test_every_formula_of_the_views(read, name, limit):
    """One set of calls, every documented service level, from the views."""
    expected = CASES[name]["expected"]
    found = figures.rows(read.db, "SELECT * FROM "
                         "ringtally.service_level_day WHERE switch = %s",
                         name)
    assert len(found) == 1
    row = found[0]
    for column, formula in FORMULAS.items():
        value = expected["service_level"][formula]["pct"]
        assert abs(float(row[column % limit]) - value) <= 0.05, column
    rates = expected["abandon_rate"]
    assert abs(float(row["abandoned_pct"]) - rates["all"]["pct"]) <= 0.05
    assert abs(float(row["abandoned_excl_short_pct"]) -
               rates["excluding_short"]["pct"]) <= 0.05
    assert abs(float(row["asa_s"]) - expected["asa_answered_s"]) <= 0.05
    longest = max(expected["longest_wait_answered_s"],
                  expected["longest_wait_abandoned_s"])
    assert float(row["max_wait_s"]) >= longest


def test_no_case_is_left_out():
    """Whatever lies there is played, or its kind is named as none of ours."""
    with open(harness.shared("peer-cases", "index.json")) as f:
        names = {row["file"][:-5] for row in json.load(f)}
    assert names == set(cases.FILES) | set(cases.OTHER_FILES)
    assert set(cases.known_differences()) <= set(CASES)
