/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Twenty minutes of a real Asterisk 22, of which ../shared/asterisk/day holds
 * the queue_log, all that one client of the manager interface heard, the
 * channel events and the call detail records: played as either of the first two
 * and as both at once, in step and late; and as each two of the four, one
 * behind the other, in both orders. The figures must be the same. Without the
 * recording the tests are passed over.
 *
 * What the manager interface can not tell apart (that client did not ask for
 * the class "dialplan") is one figure: the queue gave up, for want of time or
 * of agents, or by a command. One transfer of a talk stands in the log as an
 * agent's end and in the other as a transfer: whoever comes first is believed.
 */
#include "recorded.h"

#include "base/utc.h"
#include "call/intake.h"
#include "format/formats.h"

#define DAY_QUEUES 12

static const char *const day_queues[DAY_QUEUES] = {"500", "billing", "collect",
    "delayed", "fragile", "keyed", "limited", "optim", "pool", "sales",
    "support", "team"};
static const char *const day_pieces[] = {"queue_log.0",
    "queue_log.ext-1795289031", "queue_log.1", "queue_log.2", "queue_log.3",
    "queue_log.ext-1795289602", "queue_log"};

/* Of a queue, over the whole recording. */
struct day_sums {
	int64_t v[MEASURES];
	int64_t within_15, within_20;
};

enum day_feed { DAY_LOG, DAY_AMI, DAY_CEL, DAY_CDR, DAY_FEEDS };

static const struct stage *const day_stages[DAY_FEEDS] = {
    &asterisk_queue_log_stage, &asterisk_ami_stage, &asterisk_cel_stage,
    &asterisk_cdr_stage};

struct day {
	struct strbuf log, raw, index, cel, cdr;
	struct tally tally;
	struct machine machine;
	struct intake told[DAY_FEEDS];
	size_t log_at;
	const char *index_at;
	struct day_sums sums[DAY_QUEUES];
};

/* --- the recording ------------------------------------------------------- */

static int
day_set_up(void **state)
{
	struct day *day = mem_zalloc(sizeof(*day));
	size_t i;

	*state = day;
	for (i = 0; i < RT_COUNT(day_pieces); i++)
		recorded_read(&day->log, day_pieces[i]);
	recorded_read(&day->raw, "ami.raw.gz");
	recorded_read(&day->index, "ami.idx.gz");
	recorded_read(&day->cel, "cel-Master.csv.gz");
	recorded_read(&day->cdr, "cdr-Master.csv.gz");
	return 0;
}

static int
day_tear_down(void **state)
{
	struct day *day = *state;

	strbuf_fini(&day->log);
	strbuf_fini(&day->raw);
	strbuf_fini(&day->index);
	strbuf_fini(&day->cel);
	strbuf_fini(&day->cdr);
	free(day);
	return 0;
}

/* --- playing ------------------------------------------------------------- */

/* first, second: feeds of the switch; the same one twice: it has but that. */
static void
day_begin(struct day *day, enum day_feed first, enum day_feed second)
{
	const enum day_feed feeds[2] = {first, second};
	struct tally_config tally = {.interval_us = 900 * USEC_PER_SEC,
	    .short_abandon_us = 5 * USEC_PER_SEC,
	    .max_queues = 1000,
	    .max_agents = 5000};
	struct machine_config machine = {.lost_after_us = 21600 * USEC_PER_SEC,
	    .max_open = 100000,
	    .n_feeds = first != second ? 2 : 1,
	    .facts = {day_stages[first]->facts, day_stages[second]->facts},
	    .merge_window_us = 86400 * USEC_PER_SEC};
	unsigned i;

	tally_init(&day->tally, &tally);
	machine_init(&day->machine, &machine, &day->tally);
	for (i = 0; i < machine.n_feeds; i++) {
		struct intake *in = &day->told[feeds[i]];
		struct err err;

		if (intake_init(in, "day", i, day_stages[feeds[i]], NULL,
			&day->machine, &err) < 0)
			fail_msg("%s", err.text);
		in->slot = i;
	}
	day->log_at = 0;
	day->index_at = day->index.p;
}

/* When the log's next line was written; INT64_MAX: there is none. */
static int64_t
day_log_us(const struct day *day)
{
	return day->log_at < day->log.n
	    ? strtoll(day->log.p + day->log_at, NULL, 10) * USEC_PER_SEC
	    : INT64_MAX;
}

static int64_t
day_ami_us(const struct day *day)
{
	return *day->index_at != '\0'
	    ? (int64_t)(strtod(day->index_at, NULL) * 1e6)
	    : INT64_MAX;
}

static void
day_tell_log(struct day *day)
{
	const char *line = day->log.p + day->log_at;
	const char *end = memchr(line, '\n', day->log.n - day->log_at);
	struct position at = {.file_no = 1, .offset = (int64_t)day->log_at};

	assert_non_null(end);
	day->log_at += intake_bytes(
	    &day->told[DAY_LOG], &at, line, (size_t)(end + 1 - line), false);
}

static void
day_tell_mark(struct day *day, enum record_kind kind, int64_t us)
{
	struct position at = {.file_no = 1, .offset = 1};
	struct record mark = {
	    .source = 1, .kind = (uint8_t)kind, .received_us = us};

	mark.bytes = SLICE("");
	intake_record(&day->told[DAY_AMI], &at, &mark);
}

static void
day_tell_ami(struct day *day)
{
	struct position at = {.file_no = 1, .offset = 1};
	struct record record = {.source = 1, .received_us = day_ami_us(day)};
	char *end;
	size_t offset;

	if (day->index_at == day->index.p)
		day_tell_mark(day, RECORD_BEGIN, record.received_us);
	(void)strtod(day->index_at, &end);
	offset = strtoul(end, &end, 10);
	record.bytes.p = day->raw.p + offset;
	record.bytes.n = strtoul(end, &end, 10);
	while (record.bytes.n > 0 &&
	    (record.bytes.p[record.bytes.n - 1] == '\n' ||
		record.bytes.p[record.bytes.n - 1] == '\r'))
		record.bytes.n--;
	intake_record(&day->told[DAY_AMI], &at, &record);
	day->index_at = end + 1;
	if (day_ami_us(day) == INT64_MAX)
		day_tell_mark(
		    day, RECORD_END, record.received_us + 2 * USEC_PER_SEC);
}

/* In the order of their times, the log so much later (or earlier). */
static void
day_play(struct day *day, bool log, bool ami, int64_t late_us)
{
	day_begin(day, log ? DAY_LOG : DAY_AMI, ami ? DAY_AMI : DAY_LOG);
	for (;;) {
		int64_t log_us = log ? day_log_us(day) : INT64_MAX;
		int64_t ami_us = ami ? day_ami_us(day) : INT64_MAX;

		if (log_us == INT64_MAX && ami_us == INT64_MAX)
			break;
		if (ami_us == INT64_MAX ||
		    (log_us != INT64_MAX && log_us + late_us <= ami_us))
			day_tell_log(day);
		else
			day_tell_ami(day);
	}
}

static void
day_sum_queue(struct day *day, const char *name, struct day_sums *sums)
{
	struct queue *queue = tally_queue(&day->tally, slice_of(name));
	struct cell *cell, *next;
	int i;

	*sums = (struct day_sums){.within_15 = 0};
	HASH_ITER (hh, queue->cells, cell, next) {
		for (i = 0; i < MEASURES; i++)
			sums->v[i] += cell->v[i];
		sums->within_15 += hist_within(&cell->wait_answered, 15);
		sums->within_20 += hist_within(&cell->wait_answered, 20);
	}
}

/* What was played, by queue. */
static void
day_end(struct day *day, struct day_sums *sums)
{
	unsigned i;

	for (i = 0; i < DAY_QUEUES; i++)
		day_sum_queue(day, day_queues[i], &sums[i]);
	for (i = 0; i < DAY_FEEDS; i++)
		if (day->told[i].machine != NULL)
			intake_fini(&day->told[i]);
	memset(day->told, 0, sizeof(day->told));
	machine_fini(&day->machine);
	tally_fini(&day->tally);
}

/* --- comparing ----------------------------------------------------------- */

static int64_t
day_given_up(const struct day_sums *s)
{
	return s->v[MEASURE_timed_out] + s->v[MEASURE_exited_empty] +
	    s->v[MEASURE_withdrawn];
}

static void
day_compare(const struct day_sums *a, const struct day_sums *b, bool exact)
{
	static const enum measure same[] = {MEASURE_offered, MEASURE_answered,
	    MEASURE_abandoned, MEASURE_exited_key, MEASURE_lost,
	    MEASURE_wait_answered_ms};
	static const enum measure exactly[] = {MEASURE_timed_out,
	    MEASURE_exited_empty, MEASURE_withdrawn, MEASURE_abandoned_short,
	    MEASURE_wait_abandoned_ms, MEASURE_talk_ms, MEASURE_ring_no_answer};
	size_t q, i;

	for (q = 0; q < DAY_QUEUES; q++) {
		for (i = 0; i < RT_COUNT(same); i++)
			if (a[q].v[same[i]] != b[q].v[same[i]])
				fail_msg("%s: %s %" PRId64 ", %" PRId64,
				    day_queues[q], measure_rows[same[i]].name,
				    a[q].v[same[i]], b[q].v[same[i]]);
		for (i = 0; exact && i < RT_COUNT(exactly); i++)
			if (a[q].v[exactly[i]] != b[q].v[exactly[i]])
				fail_msg("%s: %s %" PRId64 ", %" PRId64,
				    day_queues[q],
				    measure_rows[exactly[i]].name,
				    a[q].v[exactly[i]], b[q].v[exactly[i]]);
		assert_int_equal(day_given_up(&a[q]), day_given_up(&b[q]));
		assert_int_equal(a[q].within_15, b[q].within_15);
		assert_int_equal(a[q].within_20, b[q].within_20);
	}
}

static void
day_log_alone(struct day *day)
{
	if (day->sums[0].v[MEASURE_offered] != 0)
		return;
	day_play(day, true, false, 0);
	day_end(day, day->sums);
	assert_int_equal(day->sums[0].v[MEASURE_offered], 214);
	assert_int_equal(day->sums[0].v[MEASURE_answered], 179);
	assert_int_equal(day->sums[5].v[MEASURE_exited_key], 64);
}

static void
test_manager_alone(void **state)
{
	struct day *day = *state;
	struct day_sums sums[DAY_QUEUES];

	day_log_alone(day);
	day_play(day, false, true, 0);
	day_end(day, sums);
	day_compare(day->sums, sums, false);
}

static void
day_check_both(void **state, int64_t late_us)
{
	struct day *day = *state;
	struct day_sums sums[DAY_QUEUES];

	day_log_alone(day);
	day_play(day, true, true, late_us);
	day_end(day, sums);
	day_compare(day->sums, sums, true);
}

static void
test_both_at_once(void **state)
{
	day_check_both(state, 0);
}

static void
test_log_a_little_late(void **state)
{
	day_check_both(state, 1500 * USEC_PER_MSEC);
}

static void
test_log_behind_the_manager(void **state)
{
	day_check_both(state, 86400 * USEC_PER_SEC);
}

static void
test_manager_behind_the_log(void **state)
{
	day_check_both(state, -86400 * USEC_PER_SEC);
}

/* --- each two of the four ------------------------------------------------ */

/*
 * What the phones wrote (expected.json). Waits are theirs, to the millisecond;
 * refused is what only CEL sees of the two logs.
 */
static const struct day_truth {
	int64_t offered, answered, within_15, within_20, abandoned, refused;
	int64_t talk_s;
} day_truth[DAY_QUEUES] = {{214, 179, 123, 156, 35, 0, 2100},
    {300, 280, 280, 280, 20, 0, 4231}, {200, 174, 121, 135, 26, 0, 1770},
    {130, 76, 29, 76, 54, 0, 600}, {106, 35, 35, 35, 0, 64, 255},
    {160, 50, 38, 46, 16, 0, 488}, {82, 82, 76, 82, 0, 88, 1006},
    {130, 130, 96, 130, 0, 0, 1264}, {110, 110, 110, 110, 0, 0, 1346},
    {436, 307, 197, 251, 103, 0, 4028}, {430, 313, 192, 248, 84, 0, 4348},
    {130, 97, 92, 97, 28, 0, 1030}};

static void
day_tell_lines(struct day *day, enum day_feed feed, const struct strbuf *lines)
{
	struct position at = {.file_no = 1};

	assert_int_equal(
	    intake_bytes(&day->told[feed], &at, lines->p, lines->n, true),
	    lines->n);
	intake_finish(&day->told[feed]);
}

static void
day_tell(struct day *day, enum day_feed feed)
{
	switch (feed) {
	case DAY_LOG:
		day_tell_lines(day, feed, &day->log);
		break;
	case DAY_AMI:
		while (day_ami_us(day) != INT64_MAX)
			day_tell_ami(day);
		break;
	case DAY_CEL:
		day_tell_lines(day, feed, &day->cel);
		break;
	case DAY_CDR:
		day_tell_lines(day, feed, &day->cdr);
		break;
	case DAY_FEEDS:
		break;
	}
}

static void
day_expect(const char *feeds, const char *queue, const char *what, int64_t got,
    int64_t want)
{
	if (got != want)
		fail_msg("%s: %s: %s %" PRId64 ", not %" PRId64, feeds, queue,
		    what, got, want);
}

/* first, and then second, which has heard nothing until now. */
static void
day_check_pair(struct day *day, enum day_feed first, enum day_feed second)
{
	struct day_sums sums[DAY_QUEUES];
	bool cel = first == DAY_CEL || second == DAY_CEL;
	char feeds[80];
	size_t q;

	snprintf(feeds, sizeof(feeds), "%s, %s", day_stages[first]->name,
	    day_stages[second]->name);
	day_begin(day, first, second);
	day_tell(day, first);
	day_tell(day, second);
	day_end(day, sums);
	for (q = 0; q < DAY_QUEUES; q++) {
		const struct day_truth *true_ = &day_truth[q];
		const struct day_sums *s = &sums[q];
		const char *name = day_queues[q];

		day_expect(feeds, name, "offered",
		    s->v[MEASURE_offered] - s->v[MEASURE_refused],
		    true_->offered);
		day_expect(feeds, name, "answered", s->v[MEASURE_answered],
		    true_->answered);
		day_expect(feeds, name, "abandoned", s->v[MEASURE_abandoned],
		    true_->abandoned);
		day_expect(feeds, name, "refused", s->v[MEASURE_refused],
		    cel ? true_->refused : 0);
		day_expect(feeds, name, "within 15", s->within_15,
		    cel ? true_->within_15 : day->sums[q].within_15);
		day_expect(feeds, name, "within 20", s->within_20,
		    cel ? true_->within_20 : day->sums[q].within_20);
		/* a log's talks are in whole seconds, a CDR has none */
		day_expect(feeds, name, "talk, about",
		    llabs(s->v[MEASURE_talk_ms] / 1000 - true_->talk_s) <= 10,
		    1);
	}
}

static void
test_each_two_in_both_orders(void **state)
{
	struct day *day = *state;
	unsigned a, b;

	day_log_alone(day);
	for (a = 0; a < DAY_FEEDS; a++)
		for (b = 0; b < DAY_FEEDS; b++)
			if (a != b)
				day_check_pair(
				    day, (enum day_feed)a, (enum day_feed)b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_manager_alone),
	    cmocka_unit_test(test_both_at_once),
	    cmocka_unit_test(test_log_a_little_late),
	    cmocka_unit_test(test_log_behind_the_manager),
	    cmocka_unit_test(test_manager_behind_the_log),
	    cmocka_unit_test(test_each_two_in_both_orders),
	};

	if (!recorded_is_there())
		return 0;
	return cmocka_run_group_tests_name(
	    "recording", tests, day_set_up, day_tear_down);
}
