# SPDX-License-Identifier: BSD-2-Clause
"""What came of a log, in one shape, whoever counted it."""
import dataclasses

import figures
import oracle


@dataclasses.dataclass
class Played:
    queue_rows: dict    # (queue, start) -> {column: figure}, seconds
    agent_rows: dict    # (agent, queue or None, start) -> {column: figure}
    visits: list        # dicts of the ended ones


def by_oracle(log, case=None):
    o = oracle.Oracle().read(log)
    o.check_identity()
    visits = [{"call": v.call, "number": v.number, "queue": v.queue,
               "entered": v.entered, "ended": v.ended, "outcome": v.outcome,
               "wait": v.wait, "talk": v.talk, "agent": v.agent,
               "reason": v.reason} for v in o.ended_visits()]
    return Played(o.queue_rows(), o.agent_rows(), visits)


def by_daemon(db, switch, agent_rows):
    """What the daemon has written of one switch; agent_rows: of all."""
    return Played(figures.queue_rows(db, switch=switch),
                  agent_rows.get(switch, {}),
                  figures.visits(db, switch=switch))
