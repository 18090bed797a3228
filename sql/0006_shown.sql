-- SPDX-License-Identifier: BSD-2-Clause
-- What the live views showed must be there again after a restart of the
-- daemon: it reads back the visits of the last hour, and of these no caller.
-- (Today's intervals it could read before.)

GRANT SELECT (site, switch, queue, entered_at, outcome, wait_ms, talk_ms,
    transferred)
ON ringtally.visit TO ringtally_writer;
