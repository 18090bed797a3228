# SPDX-License-Identifier: BSD-2-Clause
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import paths  # noqa: E402,F401

from fixtures import *  # noqa: E402,F401,F403

import score  # noqa: E402


# With pytest-xdist (-n) the cases are played by several processes: each hands
# its part of the score over when it ends.

def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["score"] = {
            who: dict(cases) for who, cases in score.verdicts.items()}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    for who, cases in getattr(node, "workeroutput", {}).get(
            "score", {}).items():
        score.verdicts[who].update(cases)


def pytest_terminal_summary(terminalreporter):
    for line in score.lines():
        terminalreporter.write_line(line)
