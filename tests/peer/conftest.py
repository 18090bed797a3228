# SPDX-License-Identifier: BSD-2-Clause
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import paths  # noqa: E402,F401

from fixtures import *  # noqa: E402,F401,F403

import score  # noqa: E402


def pytest_terminal_summary(terminalreporter):
    for line in score.lines():
        terminalreporter.write_line(line)
