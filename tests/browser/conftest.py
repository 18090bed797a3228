# SPDX-License-Identifier: BSD-2-Clause
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(1, os.path.join(os.path.dirname(HERE), "integration"))

from fixtures import *  # noqa: E402,F401,F403

import browser  # noqa: E402
import mock  # noqa: E402


@pytest.fixture(scope="session")
def chromium():
    try:
        it = browser.Browser()
    except browser.Unavailable as why:
        pytest.skip(str(why))
    yield it
    it.close()


@pytest.fixture
def daemon():
    """What the page speaks to, played."""
    it = mock.Mock().start()
    yield it
    it.stop()


@pytest.fixture
def page(chromium):
    """A browser whose page must not have complained when the test ends."""
    yield chromium
    assert chromium.do("complaints") == []
