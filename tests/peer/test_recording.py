# SPDX-License-Identifier: BSD-2-Clause
"""The recorded day of a real Asterisk, against the phones' own truth."""
import pytest

import harness
import oracle
import played
import recording

pytestmark = pytest.mark.skipif(not harness.shared("asterisk", "day"),
                                reason="../shared/asterisk is absent")


def test_recording_by_oracle():
    log = recording.whole_log()
    moved = recording.check_visits(played.by_oracle(log).visits)
    recording.check_queues(oracle.Oracle().read(log).queue_totals(), moved)
    assert sum(moved.values()) == 0 and len(moved) == 3
