-- SPDX-License-Identifier: BSD-2-Clause
-- The tables. Applied by `ringtally db migrate` as ringtally_owner, in one
-- transaction. Every key begins with the site, names compare by their bytes
-- (COLLATE "C": no change of a system's locale can break an index), times are
-- UTC inside.

CREATE TABLE ringtally.schema_version (
	version integer PRIMARY KEY,
	name text NOT NULL,
	applied_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE ringtally.schema_version IS
    'The migrations that were applied, one row each. The daemon works with exactly the newest version that it was built for.';
COMMENT ON COLUMN ringtally.schema_version.version IS
    'The number of the migration.';
COMMENT ON COLUMN ringtally.schema_version.name IS
    'Its file name.';
COMMENT ON COLUMN ringtally.schema_version.applied_at IS
    'When it was applied.';

CREATE TYPE ringtally.outcome AS ENUM ('waiting', 'answered', 'abandoned',
    'timed_out', 'exited_key', 'exited_empty', 'withdrawn', 'refused', 'lost');
COMMENT ON TYPE ringtally.outcome IS
    'How a visit ended; each ends exactly once, and is waiting until then.';
CREATE TYPE ringtally.visit_state AS ENUM ('early', 'waiting', 'talking',
    'ended');
COMMENT ON TYPE ringtally.visit_state IS
    'Where an open visit stands: early (its arrival was not seen yet), waiting, talking, or ended a short while ago.';

-- What was counted.

CREATE TABLE ringtally.queue_tally (
	site text COLLATE "C" NOT NULL,
	switch text COLLATE "C" NOT NULL,
	queue text COLLATE "C" NOT NULL,
	starts_at timestamptz NOT NULL,
	offered bigint NOT NULL DEFAULT 0,
	answered bigint NOT NULL DEFAULT 0,
	abandoned bigint NOT NULL DEFAULT 0,
	abandoned_short bigint NOT NULL DEFAULT 0,
	timed_out bigint NOT NULL DEFAULT 0,
	exited_key bigint NOT NULL DEFAULT 0,
	exited_empty bigint NOT NULL DEFAULT 0,
	withdrawn bigint NOT NULL DEFAULT 0,
	refused bigint NOT NULL DEFAULT 0,
	lost bigint NOT NULL DEFAULT 0,
	transferred bigint NOT NULL DEFAULT 0,
	ring_no_answer bigint NOT NULL DEFAULT 0,
	wait_answered_ms bigint NOT NULL DEFAULT 0,
	wait_abandoned_ms bigint NOT NULL DEFAULT 0,
	max_wait_ms bigint NOT NULL DEFAULT 0,
	talk_ms bigint NOT NULL DEFAULT 0,
	hold_ms bigint NOT NULL DEFAULT 0,
	wrap_up_ms bigint NOT NULL DEFAULT 0,
	wait_answered_hist integer[],
	wait_abandoned_hist integer[],
	PRIMARY KEY (site, starts_at, switch, queue)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE ringtally.queue_tally IS
    'What was counted of each queue, by interval of arrival. Behind the view queue_interval, which is made for reading.';
COMMENT ON COLUMN ringtally.queue_tally.site IS
    'The site (the organisation) whose daemon wrote the row.';
COMMENT ON COLUMN ringtally.queue_tally.switch IS
    'The telephone switch, as named in the configuration.';
COMMENT ON COLUMN ringtally.queue_tally.queue IS
    'The queue, as the switch names it.';
COMMENT ON COLUMN ringtally.queue_tally.starts_at IS
    'When the interval begins.';
COMMENT ON COLUMN ringtally.queue_tally.offered IS
    'Visits that arrived in the interval, whatever became of them.';
COMMENT ON COLUMN ringtally.queue_tally.answered IS
    'Visits answered by an agent; counted at the moment of answer.';
COMMENT ON COLUMN ringtally.queue_tally.abandoned IS
    'Visits that ended because the caller hung up while waiting.';
COMMENT ON COLUMN ringtally.queue_tally.abandoned_short IS
    'Of the abandoned, those that waited no longer than short_abandon_s.';
COMMENT ON COLUMN ringtally.queue_tally.timed_out IS
    'Visits that the queue gave up after its time limit.';
COMMENT ON COLUMN ringtally.queue_tally.exited_key IS
    'Visits that the caller left by pressing a key.';
COMMENT ON COLUMN ringtally.queue_tally.exited_empty IS
    'Visits that ended because no agents were left.';
COMMENT ON COLUMN ringtally.queue_tally.withdrawn IS
    'Visits taken out of the queue by a command.';
COMMENT ON COLUMN ringtally.queue_tally.refused IS
    'Callers who could not join: the queue was full, closed or had no agents.';
COMMENT ON COLUMN ringtally.queue_tally.lost IS
    'Visits whose end was never heard of: the switch restarted, or lost_after_s passed.';
COMMENT ON COLUMN ringtally.queue_tally.transferred IS
    'Of the answered, those that the agent passed on.';
COMMENT ON COLUMN ringtally.queue_tally.ring_no_answer IS
    'Rings at an agent''s phone that nobody answered.';
COMMENT ON COLUMN ringtally.queue_tally.wait_answered_ms IS
    'Sum of the waits of answered visits.';
COMMENT ON COLUMN ringtally.queue_tally.wait_abandoned_ms IS
    'Sum of the waits of abandoned visits.';
COMMENT ON COLUMN ringtally.queue_tally.max_wait_ms IS
    'Longest wait of any visit that has ended, whatever its outcome. A lost visit has no known wait.';
COMMENT ON COLUMN ringtally.queue_tally.talk_ms IS
    'Sum of the conversations of answered visits, booked when they end.';
COMMENT ON COLUMN ringtally.queue_tally.hold_ms IS
    'Of the conversations, the time that callers were put on hold, where the feed tells.';
COMMENT ON COLUMN ringtally.queue_tally.wrap_up_ms IS
    'Agents'' time of finishing off after conversations, where the feed tells.';
COMMENT ON COLUMN ringtally.queue_tally.wait_answered_hist IS
    'Histogram of the waits of answered visits: element n is how many waited n seconds, that is more than n - 1 and at most n; element 0 waited not at all, element 7201 more than two hours. Elements outside of the bounds, or NULL, are 0.';
COMMENT ON COLUMN ringtally.queue_tally.wait_abandoned_hist IS
    'The same of abandoned visits.';

CREATE INDEX queue_tally_starts_at ON ringtally.queue_tally
    USING brin (starts_at) WITH (pages_per_range = 16, autosummarize = on);
COMMENT ON INDEX ringtally.queue_tally_starts_at IS
    'For a period of all queues. Its column never changes, so that updates stay within their page.';

CREATE TABLE ringtally.agent_tally (
	site text COLLATE "C" NOT NULL,
	switch text COLLATE "C" NOT NULL,
	agent text COLLATE "C" NOT NULL,
	queue text COLLATE "C" NOT NULL,
	starts_at timestamptz NOT NULL,
	handled bigint NOT NULL DEFAULT 0,
	ring_no_answer bigint NOT NULL DEFAULT 0,
	talk_ms bigint NOT NULL DEFAULT 0,
	hold_ms bigint NOT NULL DEFAULT 0,
	wrap_up_ms bigint NOT NULL DEFAULT 0,
	login_ms bigint NOT NULL DEFAULT 0,
	pause_ms bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (site, starts_at, switch, agent, queue)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE ringtally.agent_tally IS
    'What agents did, by the interval in which they did it. Behind the view agent_interval.';
COMMENT ON COLUMN ringtally.agent_tally.site IS
    'The site (the organisation) whose daemon wrote the row.';
COMMENT ON COLUMN ringtally.agent_tally.switch IS
    'The telephone switch, as named in the configuration.';
COMMENT ON COLUMN ringtally.agent_tally.agent IS
    'The agent: the name that the switch or the configuration gives.';
COMMENT ON COLUMN ringtally.agent_tally.queue IS
    'The queue, or empty for the agent as a whole.';
COMMENT ON COLUMN ringtally.agent_tally.starts_at IS
    'When the interval begins.';
COMMENT ON COLUMN ringtally.agent_tally.handled IS
    'Conversations begun by the agent in the interval.';
COMMENT ON COLUMN ringtally.agent_tally.ring_no_answer IS
    'Rings at the agent''s phone that were not answered.';
COMMENT ON COLUMN ringtally.agent_tally.talk_ms IS
    'Time in conversation within the interval.';
COMMENT ON COLUMN ringtally.agent_tally.hold_ms IS
    'Of the conversation, time with the caller on hold, where the feed tells.';
COMMENT ON COLUMN ringtally.agent_tally.wrap_up_ms IS
    'Time of finishing off after conversations, where the feed tells.';
COMMENT ON COLUMN ringtally.agent_tally.login_ms IS
    'Time logged in (a member of the queue) within the interval.';
COMMENT ON COLUMN ringtally.agent_tally.pause_ms IS
    'Time paused within the interval.';

CREATE INDEX agent_tally_starts_at ON ringtally.agent_tally
    USING brin (starts_at) WITH (pages_per_range = 16, autosummarize = on);
COMMENT ON INDEX ringtally.agent_tally_starts_at IS
    'For a period of all agents. Its column never changes, so that updates stay within their page.';

CREATE TABLE ringtally.visit (
	entered_at timestamptz NOT NULL,
	answered_at timestamptz,
	ended_at timestamptz,
	wait_ms bigint,
	talk_ms bigint,
	file_offset bigint NOT NULL,
	file_no integer NOT NULL,
	visit_no integer NOT NULL,
	outcome ringtally.outcome NOT NULL,
	transferred boolean NOT NULL,
	site text COLLATE "C" NOT NULL,
	switch text COLLATE "C" NOT NULL,
	queue text COLLATE "C" NOT NULL,
	call_id text COLLATE "C" NOT NULL,
	agent text COLLATE "C",
	reason text COLLATE "C",
	feed text COLLATE "C" NOT NULL,
	caller bytea
) PARTITION BY RANGE (entered_at);
COMMENT ON TABLE ringtally.visit IS
    'Every visit that ended: one stay of one call in one queue. The evidence behind the figures. Partitioned by month of arrival; months are made ahead and dropped by age (keep_visits_days). The view visits shows it without the caller.';
COMMENT ON COLUMN ringtally.visit.entered_at IS
    'When the caller joined the queue.';
COMMENT ON COLUMN ringtally.visit.answered_at IS
    'When an agent answered; NULL: nobody did.';
COMMENT ON COLUMN ringtally.visit.ended_at IS
    'When the visit ended: the end of the conversation, or when the caller left the queue.';
COMMENT ON COLUMN ringtally.visit.wait_ms IS
    'From joining to the outcome, in ms; NULL: not known.';
COMMENT ON COLUMN ringtally.visit.talk_ms IS
    'The conversation, in ms; NULL: none, or not known.';
COMMENT ON COLUMN ringtally.visit.file_offset IS
    'Where the record of the arrival begins in that file, in bytes.';
COMMENT ON COLUMN ringtally.visit.file_no IS
    'Which of the feed''s files: see feed_file.';
COMMENT ON COLUMN ringtally.visit.visit_no IS
    'The n-th entry of this call into a queue of the switch.';
COMMENT ON COLUMN ringtally.visit.outcome IS
    'How the visit ended.';
COMMENT ON COLUMN ringtally.visit.transferred IS
    'The agent passed the call on.';
COMMENT ON COLUMN ringtally.visit.site IS
    'The site (the organisation) whose daemon wrote the row.';
COMMENT ON COLUMN ringtally.visit.switch IS
    'The telephone switch, as named in the configuration.';
COMMENT ON COLUMN ringtally.visit.queue IS
    'The queue, as the switch names it.';
COMMENT ON COLUMN ringtally.visit.call_id IS
    'The call''s own id on the switch.';
COMMENT ON COLUMN ringtally.visit.agent IS
    'Who answered; NULL: nobody.';
COMMENT ON COLUMN ringtally.visit.reason IS
    'The feed''s own word for the end.';
COMMENT ON COLUMN ringtally.visit.feed IS
    'The feed that told of the arrival.';
COMMENT ON COLUMN ringtally.visit.caller IS
    'Keyed hash of the caller''s number (BLAKE2b, 16 bytes); NULL: withheld, unknown or not kept. The same caller has the same hash while the key lives.';

CREATE INDEX visit_entered_at ON ringtally.visit USING brin (entered_at)
    WITH (pages_per_range = 32, autosummarize = on);
COMMENT ON INDEX ringtally.visit_entered_at IS
    'For the visits of a period. Visits are written in nearly the order of their arrival, so that a block range index is small, costs the writer next to nothing and finds an interval in a few blocks.';
CREATE INDEX visit_call_id ON ringtally.visit
    USING brin (call_id text_bloom_ops)
    WITH (pages_per_range = 32, autosummarize = on);
COMMENT ON INDEX ringtally.visit_call_id IS
    'For one call by its id, of whatever shape ids are.';
CREATE TABLE ringtally.visit_default PARTITION OF ringtally.visit DEFAULT;
COMMENT ON TABLE ringtally.visit_default IS
    'Visits of no month that has a partition: older than what is kept, or of a clock gone wrong. Same columns as visit.';

-- Where the figures come from.

CREATE TABLE ringtally.feed (
	site text COLLATE "C" NOT NULL,
	feed text COLLATE "C" NOT NULL,
	switch text COLLATE "C" NOT NULL,
	transport text NOT NULL,
	format text NOT NULL,
	file_no integer NOT NULL DEFAULT 0,
	path text NOT NULL DEFAULT '',
	device bigint NOT NULL DEFAULT 0,
	inode bigint NOT NULL DEFAULT 0,
	generation bigint NOT NULL DEFAULT 0,
	head_hash bigint NOT NULL DEFAULT 0,
	head_size integer NOT NULL DEFAULT 0,
	file_offset bigint NOT NULL DEFAULT 0,
	size_seen bigint NOT NULL DEFAULT 0,
	skipping boolean NOT NULL DEFAULT false,
	last_event_at timestamptz,
	updated_at timestamptz,
	records bigint NOT NULL DEFAULT 0,
	bytes bigint NOT NULL DEFAULT 0,
	rejected bigint NOT NULL DEFAULT 0,
	oversize bigint NOT NULL DEFAULT 0,
	unknown bigint NOT NULL DEFAULT 0,
	late bigint NOT NULL DEFAULT 0,
	repeated bigint NOT NULL DEFAULT 0,
	unmatched bigint NOT NULL DEFAULT 0,
	repaired bigint NOT NULL DEFAULT 0,
	out_of_order bigint NOT NULL DEFAULT 0,
	capped bigint NOT NULL DEFAULT 0,
	gaps bigint NOT NULL DEFAULT 0,
	lost_bytes bigint NOT NULL DEFAULT 0,
	files bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (site, feed)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE ringtally.feed IS
    'Every feed: where it stands, and the totals of what it read, refused and missed. Written in the same transaction as the figures, so that position and figures can not disagree.';
COMMENT ON COLUMN ringtally.feed.site IS
    'The site (the organisation) whose daemon wrote the row.';
COMMENT ON COLUMN ringtally.feed.feed IS
    'The feed, as named in the configuration.';
COMMENT ON COLUMN ringtally.feed.switch IS
    'The switch whose calls it describes.';
COMMENT ON COLUMN ringtally.feed.transport IS
    'How its bytes come.';
COMMENT ON COLUMN ringtally.feed.format IS
    'What they mean.';
COMMENT ON COLUMN ringtally.feed.file_no IS
    'How many files the feed has begun; the number of the present one.';
COMMENT ON COLUMN ringtally.feed.path IS
    'The name of the file when it was begun.';
COMMENT ON COLUMN ringtally.feed.device IS
    'Its device. Numbers of the file system are unsigned: 2^63 and above stand here as negative.';
COMMENT ON COLUMN ringtally.feed.inode IS
    'Its inode.';
COMMENT ON COLUMN ringtally.feed.generation IS
    'The generation of its inode, which tells a new file from an old one under the same number; 0: the file system has none.';
COMMENT ON COLUMN ringtally.feed.head_hash IS
    'Hash (XXH3) of its first head_size bytes; of a spool: which one it is.';
COMMENT ON COLUMN ringtally.feed.head_size IS
    'How many bytes were hashed.';
COMMENT ON COLUMN ringtally.feed.file_offset IS
    'The first byte of that file that is not yet in the figures.';
COMMENT ON COLUMN ringtally.feed.size_seen IS
    'The size of the file when it was last looked at.';
COMMENT ON COLUMN ringtally.feed.skipping IS
    'The offset stands within a record that is too long and passed over.';
COMMENT ON COLUMN ringtally.feed.last_event_at IS
    'The newest event time of the feed.';
COMMENT ON COLUMN ringtally.feed.updated_at IS
    'When the daemon last wrote this row, by its own clock.';
COMMENT ON COLUMN ringtally.feed.records IS
    'Records (lines) read.';
COMMENT ON COLUMN ringtally.feed.bytes IS
    'Bytes of these records, line ends included.';
COMMENT ON COLUMN ringtally.feed.rejected IS
    'Records that made no sense and were passed over.';
COMMENT ON COLUMN ringtally.feed.oversize IS
    'Records longer than 65,536 bytes, passed over.';
COMMENT ON COLUMN ringtally.feed.unknown IS
    'Events of a name that the format does not know; kept by name and number.';
COMMENT ON COLUMN ringtally.feed.late IS
    'Events for a visit that had already ended otherwise, such as a completion after the switch''s restart.';
COMMENT ON COLUMN ringtally.feed.repeated IS
    'Events that said again what was known; they change nothing.';
COMMENT ON COLUMN ringtally.feed.unmatched IS
    'Events of visits whose arrival was never seen; given up after lost_after_s.';
COMMENT ON COLUMN ringtally.feed.repaired IS
    'Visits put together by other means than the call id, such as a completion under a new one.';
COMMENT ON COLUMN ringtally.feed.out_of_order IS
    'Events older than the newest one before them.';
COMMENT ON COLUMN ringtally.feed.capped IS
    'Events of queues or agents above the configured number, booked under "other".';
COMMENT ON COLUMN ringtally.feed.gaps IS
    'Times that data is known to be missing: a file truncated or gone before it was read.';
COMMENT ON COLUMN ringtally.feed.lost_bytes IS
    'Bytes known to be lost in these gaps.';
COMMENT ON COLUMN ringtally.feed.files IS
    'Files begun.';

CREATE TABLE ringtally.feed_interval (
	site text COLLATE "C" NOT NULL,
	feed text COLLATE "C" NOT NULL,
	starts_at timestamptz NOT NULL,
	records bigint NOT NULL DEFAULT 0,
	bytes bigint NOT NULL DEFAULT 0,
	rejected bigint NOT NULL DEFAULT 0,
	oversize bigint NOT NULL DEFAULT 0,
	unknown bigint NOT NULL DEFAULT 0,
	late bigint NOT NULL DEFAULT 0,
	repeated bigint NOT NULL DEFAULT 0,
	unmatched bigint NOT NULL DEFAULT 0,
	repaired bigint NOT NULL DEFAULT 0,
	out_of_order bigint NOT NULL DEFAULT 0,
	capped bigint NOT NULL DEFAULT 0,
	gaps bigint NOT NULL DEFAULT 0,
	lost_bytes bigint NOT NULL DEFAULT 0,
	files bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (site, feed, starts_at)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE ringtally.feed_interval IS
    'The counters of feed by interval, so that every interval carries its data quality. Each flush is booked in the interval of the newest event that it holds.';
COMMENT ON COLUMN ringtally.feed_interval.site IS
    'The site (the organisation) whose daemon wrote the row.';
COMMENT ON COLUMN ringtally.feed_interval.feed IS
    'The feed, as named in the configuration.';
COMMENT ON COLUMN ringtally.feed_interval.starts_at IS
    'When the interval begins.';
COMMENT ON COLUMN ringtally.feed_interval.records IS
    'Records (lines) read.';
COMMENT ON COLUMN ringtally.feed_interval.bytes IS
    'Bytes of these records, line ends included.';
COMMENT ON COLUMN ringtally.feed_interval.rejected IS
    'Records that made no sense and were passed over.';
COMMENT ON COLUMN ringtally.feed_interval.oversize IS
    'Records longer than 65,536 bytes, passed over.';
COMMENT ON COLUMN ringtally.feed_interval.unknown IS
    'Events of a name that the format does not know; kept by name and number.';
COMMENT ON COLUMN ringtally.feed_interval.late IS
    'Events for a visit that had already ended otherwise, such as a completion after the switch''s restart.';
COMMENT ON COLUMN ringtally.feed_interval.repeated IS
    'Events that said again what was known; they change nothing.';
COMMENT ON COLUMN ringtally.feed_interval.unmatched IS
    'Events of visits whose arrival was never seen; given up after lost_after_s.';
COMMENT ON COLUMN ringtally.feed_interval.repaired IS
    'Visits put together by other means than the call id, such as a completion under a new one.';
COMMENT ON COLUMN ringtally.feed_interval.out_of_order IS
    'Events older than the newest one before them.';
COMMENT ON COLUMN ringtally.feed_interval.capped IS
    'Events of queues or agents above the configured number, booked under "other".';
COMMENT ON COLUMN ringtally.feed_interval.gaps IS
    'Times that data is known to be missing: a file truncated or gone before it was read.';
COMMENT ON COLUMN ringtally.feed_interval.lost_bytes IS
    'Bytes known to be lost in these gaps.';
COMMENT ON COLUMN ringtally.feed_interval.files IS
    'Files begun.';

CREATE TABLE ringtally.feed_event (
	site text COLLATE "C" NOT NULL,
	feed text COLLATE "C" NOT NULL,
	event text COLLATE "C" NOT NULL,
	unknown boolean NOT NULL,
	count bigint NOT NULL DEFAULT 0,
	last_at timestamptz,
	PRIMARY KEY (site, feed, event)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE ringtally.feed_event IS
    'How often each event name was seen in a feed: known ones, custom ones and those nobody has heard of.';
COMMENT ON COLUMN ringtally.feed_event.site IS
    'The site (the organisation) whose daemon wrote the row.';
COMMENT ON COLUMN ringtally.feed_event.feed IS
    'The feed, as named in the configuration.';
COMMENT ON COLUMN ringtally.feed_event.event IS
    'The name that the feed gives; (others) stands for those beyond 500 names.';
COMMENT ON COLUMN ringtally.feed_event.unknown IS
    'The format does not know this name.';
COMMENT ON COLUMN ringtally.feed_event.count IS
    'How often it was seen.';
COMMENT ON COLUMN ringtally.feed_event.last_at IS
    'Its newest event time.';

CREATE TABLE ringtally.feed_file (
	site text COLLATE "C" NOT NULL,
	feed text COLLATE "C" NOT NULL,
	file_no integer NOT NULL,
	path text NOT NULL DEFAULT '',
	device bigint NOT NULL DEFAULT 0,
	inode bigint NOT NULL DEFAULT 0,
	generation bigint NOT NULL DEFAULT 0,
	head_hash bigint NOT NULL DEFAULT 0,
	head_size integer NOT NULL DEFAULT 0,
	read_bytes bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (site, feed, file_no)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE ringtally.feed_file IS
    'Every file that a feed has read: what visit.file_no stands for.';
COMMENT ON COLUMN ringtally.feed_file.site IS
    'The site (the organisation) whose daemon wrote the row.';
COMMENT ON COLUMN ringtally.feed_file.feed IS
    'The feed, as named in the configuration.';
COMMENT ON COLUMN ringtally.feed_file.file_no IS
    'The number of the file within the feed.';
COMMENT ON COLUMN ringtally.feed_file.path IS
    'The name of the file when it was begun.';
COMMENT ON COLUMN ringtally.feed_file.device IS
    'Its device. Numbers of the file system are unsigned: 2^63 and above stand here as negative.';
COMMENT ON COLUMN ringtally.feed_file.inode IS
    'Its inode.';
COMMENT ON COLUMN ringtally.feed_file.generation IS
    'The generation of its inode, which tells a new file from an old one under the same number; 0: the file system has none.';
COMMENT ON COLUMN ringtally.feed_file.head_hash IS
    'Hash (XXH3) of its first head_size bytes.';
COMMENT ON COLUMN ringtally.feed_file.head_size IS
    'How many bytes were hashed.';
COMMENT ON COLUMN ringtally.feed_file.read_bytes IS
    'How many of its bytes are in the figures (of a gzipped file: unpacked).';

-- What a restart needs.

CREATE TABLE ringtally.open_visit (
	site text COLLATE "C" NOT NULL,
	switch text COLLATE "C" NOT NULL,
	call_id text COLLATE "C" NOT NULL,
	visit_no integer NOT NULL,
	state ringtally.visit_state NOT NULL,
	outcome ringtally.outcome NOT NULL,
	queue text COLLATE "C",
	agent text COLLATE "C",
	entered_at timestamptz,
	answered_at timestamptz,
	ended_at timestamptz,
	touched_at timestamptz,
	wait_ms bigint,
	talk_ms bigint,
	transferred boolean NOT NULL,
	answer_derived boolean NOT NULL DEFAULT false,
	reason text COLLATE "C",
	caller bytea,
	feed text COLLATE "C",
	file_no integer NOT NULL DEFAULT 0,
	file_offset bigint NOT NULL DEFAULT 0,
	PRIMARY KEY (site, switch, call_id, visit_no)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE ringtally.open_visit IS
    'Visits in flight, and those that ended a short while ago: what a restart needs to go on as if nothing had happened.';
COMMENT ON COLUMN ringtally.open_visit.site IS
    'The site (the organisation) whose daemon wrote the row.';
COMMENT ON COLUMN ringtally.open_visit.switch IS
    'The telephone switch, as named in the configuration.';
COMMENT ON COLUMN ringtally.open_visit.call_id IS
    'The call''s own id on the switch.';
COMMENT ON COLUMN ringtally.open_visit.visit_no IS
    'The n-th entry of this call.';
COMMENT ON COLUMN ringtally.open_visit.state IS
    'Where the visit stands.';
COMMENT ON COLUMN ringtally.open_visit.outcome IS
    'How it ended, or waiting.';
COMMENT ON COLUMN ringtally.open_visit.queue IS
    'The queue; NULL: not heard of yet.';
COMMENT ON COLUMN ringtally.open_visit.agent IS
    'Who answered.';
COMMENT ON COLUMN ringtally.open_visit.entered_at IS
    'When the caller joined; NULL: not seen yet.';
COMMENT ON COLUMN ringtally.open_visit.answered_at IS
    'When an agent answered.';
COMMENT ON COLUMN ringtally.open_visit.ended_at IS
    'When it ended.';
COMMENT ON COLUMN ringtally.open_visit.touched_at IS
    'The clock of the switch when it was last heard of.';
COMMENT ON COLUMN ringtally.open_visit.wait_ms IS
    'Its wait, once known.';
COMMENT ON COLUMN ringtally.open_visit.talk_ms IS
    'Its conversation, once known.';
COMMENT ON COLUMN ringtally.open_visit.transferred IS
    'The agent passed the call on.';
COMMENT ON COLUMN ringtally.open_visit.answer_derived IS
    'The time of the answer was worked out from the end of the visit.';
COMMENT ON COLUMN ringtally.open_visit.reason IS
    'The feed''s own word for the end.';
COMMENT ON COLUMN ringtally.open_visit.caller IS
    'Keyed hash of the caller''s number.';
COMMENT ON COLUMN ringtally.open_visit.feed IS
    'The feed that told of the arrival.';
COMMENT ON COLUMN ringtally.open_visit.file_no IS
    'Which of the feed''s files.';
COMMENT ON COLUMN ringtally.open_visit.file_offset IS
    'Where the arrival stands in it.';

CREATE TABLE ringtally.agent_session (
	site text COLLATE "C" NOT NULL,
	switch text COLLATE "C" NOT NULL,
	agent text COLLATE "C" NOT NULL,
	queue text COLLATE "C" NOT NULL,
	login_at timestamptz,
	pause_at timestamptz,
	logoff_at timestamptz,
	reason text,
	PRIMARY KEY (site, switch, agent, queue)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE ringtally.agent_session IS
    'Agents logged in or paused now, or a short while ago, with what a restart needs to book the rest of their time.';
COMMENT ON COLUMN ringtally.agent_session.site IS
    'The site (the organisation) whose daemon wrote the row.';
COMMENT ON COLUMN ringtally.agent_session.switch IS
    'The telephone switch, as named in the configuration.';
COMMENT ON COLUMN ringtally.agent_session.agent IS
    'The agent: the name that the switch or the configuration gives.';
COMMENT ON COLUMN ringtally.agent_session.queue IS
    'The queue, or empty for the agent as a whole.';
COMMENT ON COLUMN ringtally.agent_session.login_at IS
    'Logged in since; NULL: not, or not known.';
COMMENT ON COLUMN ringtally.agent_session.pause_at IS
    'Paused since; NULL: not.';
COMMENT ON COLUMN ringtally.agent_session.logoff_at IS
    'When the last login of the agent as a whole ended; NULL: not known.';
COMMENT ON COLUMN ringtally.agent_session.reason IS
    'Why paused, as the switch tells.';

CREATE TABLE ringtally.writer (
	site text COLLATE "C" NOT NULL,
	switch text COLLATE "C" NOT NULL,
	seq bigint NOT NULL DEFAULT 0,
	instance text,
	holder text,
	locked boolean NOT NULL DEFAULT false,
	released boolean NOT NULL DEFAULT true,
	renewed_at timestamptz,
	clock_at timestamptz,
	leap_at timestamptz,
	PRIMARY KEY (site, switch)
) WITH (fillfactor = 50);
COMMENT ON TABLE ringtally.writer IS
    'Who writes the rows of each switch. Its number goes up by one with every transaction of figures, and a transaction with any other number fails: that is what makes every call count once. See advance() and take_over().';
COMMENT ON COLUMN ringtally.writer.site IS
    'The site (the organisation) whose daemon wrote the row.';
COMMENT ON COLUMN ringtally.writer.switch IS
    'The telephone switch, as named in the configuration.';
COMMENT ON COLUMN ringtally.writer.seq IS
    'Number of the last transaction.';
COMMENT ON COLUMN ringtally.writer.instance IS
    'The daemon that wrote it: a random name made at its start.';
COMMENT ON COLUMN ringtally.writer.holder IS
    'Where that daemon runs: host and process.';
COMMENT ON COLUMN ringtally.writer.locked IS
    'The daemon''s session holds the advisory lock of this switch: when that lock is free, the session is dead.';
COMMENT ON COLUMN ringtally.writer.released IS
    'The daemon has ended in good order; anyone may take over.';
COMMENT ON COLUMN ringtally.writer.renewed_at IS
    'When the daemon last wrote, by the clock of this server.';
COMMENT ON COLUMN ringtally.writer.clock_at IS
    'The event clock of the switch.';
COMMENT ON COLUMN ringtally.writer.leap_at IS
    'A leap of that clock that no second event has confirmed yet.';

-- Reference.

CREATE TABLE ringtally.site (
	site text COLLATE "C" PRIMARY KEY,
	timezone text NOT NULL DEFAULT 'UTC'
	    CHECK ((timestamptz '2000-01-01 00:00Z' AT TIME ZONE timezone)
		IS NOT NULL),
	interval_s integer NOT NULL,
	keep_visits_days integer NOT NULL DEFAULT 0
);
COMMENT ON TABLE ringtally.site IS
    'The sites whose daemons write here, with what figures depend on.';
COMMENT ON COLUMN ringtally.site.site IS
    'The name of the site.';
COMMENT ON COLUMN ringtally.site.timezone IS
    'Its time zone: days are local days of it.';
COMMENT ON COLUMN ringtally.site.interval_s IS
    'The length of its intervals, in seconds.';
COMMENT ON COLUMN ringtally.site.keep_visits_days IS
    'How many days its visits are kept; 0: none are stored.';

CREATE TABLE ringtally.queue (
	site text COLLATE "C" NOT NULL,
	switch text COLLATE "C" NOT NULL,
	queue text COLLATE "C" NOT NULL,
	service text COLLATE "C",
	first_seen_at timestamptz,
	PRIMARY KEY (site, switch, queue)
);
COMMENT ON TABLE ringtally.queue IS
    'The queues that were ever seen.';
COMMENT ON COLUMN ringtally.queue.site IS
    'The site (the organisation) whose daemon wrote the row.';
COMMENT ON COLUMN ringtally.queue.switch IS
    'The telephone switch, as named in the configuration.';
COMMENT ON COLUMN ringtally.queue.queue IS
    'The queue, as the switch names it.';
COMMENT ON COLUMN ringtally.queue.service IS
    'The service that it belongs to, from the configuration; NULL: none.';
COMMENT ON COLUMN ringtally.queue.first_seen_at IS
    'The first interval that counted it.';

CREATE TABLE ringtally.agent (
	site text COLLATE "C" NOT NULL,
	switch text COLLATE "C" NOT NULL,
	agent text COLLATE "C" NOT NULL,
	first_seen_at timestamptz,
	PRIMARY KEY (site, switch, agent)
);
COMMENT ON TABLE ringtally.agent IS
    'The agents that were ever seen.';
COMMENT ON COLUMN ringtally.agent.site IS
    'The site (the organisation) whose daemon wrote the row.';
COMMENT ON COLUMN ringtally.agent.switch IS
    'The telephone switch, as named in the configuration.';
COMMENT ON COLUMN ringtally.agent.agent IS
    'The agent: the name that the switch or the configuration gives.';
COMMENT ON COLUMN ringtally.agent.first_seen_at IS
    'The first interval that counted the agent.';

CREATE TABLE ringtally.service (
	site text COLLATE "C" NOT NULL,
	service text COLLATE "C" NOT NULL,
	PRIMARY KEY (site, service)
);
COMMENT ON TABLE ringtally.service IS
    'The services that queues belong to: what the public asks for.';
COMMENT ON COLUMN ringtally.service.site IS
    'The site (the organisation) whose daemon wrote the row.';
COMMENT ON COLUMN ringtally.service.service IS
    'The name of the service.';
