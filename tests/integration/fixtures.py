# SPDX-License-Identifier: BSD-2-Clause
"""The fixtures of tests/integration and tests/peer."""
import pytest

import harness


@pytest.fixture(scope="session")
def pg():
    """The server that most tests share."""
    server = harness.Postgres().init().start()
    yield server
    server.remove()
