# SPDX-License-Identifier: BSD-2-Clause
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "integration")]

from fixtures import *  # noqa: E402,F401,F403

import score  # noqa: E402


def pytest_terminal_summary(terminalreporter):
    for line in score.lines():
        terminalreporter.write_line(line)
