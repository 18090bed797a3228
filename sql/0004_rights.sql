-- SPDX-License-Identifier: BSD-2-Clause
-- Who may do what. ringtally_owner owns everything (it applied this);
-- ringtally_writer is for the daemon: no DDL, and no row but those of open
-- visits and agents' sessions can it delete; ringtally_reader is for analysts:
-- views and aggregates, not the visits' callers. To use them, grant them to
-- login roles: GRANT ringtally_reader TO ann;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ringtally FROM PUBLIC;
GRANT USAGE ON SCHEMA ringtally TO ringtally_writer, ringtally_reader;

GRANT SELECT ON ringtally.schema_version
TO ringtally_writer, ringtally_reader;

GRANT SELECT, INSERT, UPDATE ON ringtally.queue_tally, ringtally.agent_tally,
    ringtally.feed, ringtally.feed_interval, ringtally.feed_event,
    ringtally.feed_file, ringtally.writer, ringtally.site, ringtally.queue,
    ringtally.agent, ringtally.service
TO ringtally_writer;
GRANT SELECT, INSERT, UPDATE, DELETE
ON ringtally.open_visit, ringtally.agent_session
TO ringtally_writer;
GRANT INSERT ON ringtally.visit TO ringtally_writer;
GRANT EXECUTE ON FUNCTION
    ringtally.writer_lock(text, text),
    ringtally.take_over(text, text[], text, text, text, interval),
    ringtally.advance(text, text[], text, bigint, timestamptz[],
	timestamptz[], boolean),
    ringtally.release(text, text[], text),
    ringtally.ensure_visit_month(text, timestamptz),
    ringtally.keep_partitions(text, integer)
TO ringtally_writer;

GRANT SELECT ON ringtally.queue_interval, ringtally.agent_interval,
    ringtally.visits, ringtally.service_level, ringtally.service_level_hour,
    ringtally.service_level_day, ringtally.queue_tally, ringtally.agent_tally,
    ringtally.feed, ringtally.feed_interval, ringtally.feed_event,
    ringtally.feed_file, ringtally.writer, ringtally.site, ringtally.queue,
    ringtally.agent, ringtally.service
TO ringtally_reader;
GRANT EXECUTE ON FUNCTION
    ringtally.answered_within(integer[], integer),
    ringtally.hist_total(integer[]),
    ringtally.hist_percentile(integer[], numeric),
    ringtally.hist_add(integer[], integer[]),
    ringtally.hist_sum(integer[]),
    ringtally.pct(numeric, numeric),
    ringtally.rates(numeric, numeric, numeric, numeric, numeric, numeric,
	numeric, numeric, integer[], integer[])
TO ringtally_writer, ringtally_reader;
