-- SPDX-License-Identifier: BSD-2-Clause
-- Up to when a switch's calls were forgotten by a daemon that had one feed of
-- it alone, and so remembered ten minutes: a feed that comes to it later, with
-- what it has to tell of that time, is not believed.

ALTER TABLE ringtally.writer ADD COLUMN forgotten_at timestamptz;
COMMENT ON COLUMN ringtally.writer.forgotten_at IS
    'Where several feeds tell of the switch: calls that had ended by then are not remembered, so that what one of them tells of that time, when another was heard, is not counted (late). NULL: one feed tells of it, and calls are remembered for ten minutes.';

-- Who had several feeds until now remembered as long as both need.
UPDATE ringtally.writer AS w SET forgotten_at = 'epoch'
    WHERE (SELECT count(*) FROM ringtally.feed AS f
	WHERE f.site = w.site AND f.switch = w.switch) > 1;
