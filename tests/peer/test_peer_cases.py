# SPDX-License-Identifier: BSD-2-Clause
"""Every case of ../shared/peer-cases that a queue_log can tell, counted by
the oracle and by ringtally: it agrees, or differs for a reason that stands in
differences.tsv, or asks for something that is no figure of ours."""
import pytest

import cases
import harness
import played
import score

pytestmark = pytest.mark.skipif(not harness.shared("peer-cases"),
                                reason="../shared/peer-cases is absent")
CASES = {case["id"]: case for case in cases.all_cases()}


def settle(who, case, play):
    verdict, text = cases.judge(case, play)
    reason = cases.known_differences().get(case["id"])
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


def test_no_case_is_left_out():
    """Whatever lies there is played, or its kind is named as none of ours."""
    import json
    with open(harness.shared("peer-cases", "index.json")) as f:
        names = {row["file"][:-5] for row in json.load(f)}
    assert names == set(cases.FILES) | set(cases.OTHER_FILES)
    assert set(cases.known_differences()) <= set(CASES)
