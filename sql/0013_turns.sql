-- SPDX-License-Identifier: BSD-2-Clause
-- Which of the feeds of a switch is believed of what agents do.

ALTER TABLE ringtally.feed ADD COLUMN leads_at timestamptz;
COMMENT ON COLUMN ringtally.feed.leads_at IS
    'Where several feeds tell of the switch: since when logins, pauses and wrap-up are taken of this one, until another one''s later leads_at; NULL: never yet.';
