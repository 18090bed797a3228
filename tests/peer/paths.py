# SPDX-License-Identifier: BSD-2-Clause
"""Makes the modules of tests/integration known; to be imported first."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "integration")]
