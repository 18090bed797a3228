/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two feeds of one switch against the truth of a day that was played. The
 * second feed reads the same log, but as another source would tell it: times
 * to the microsecond, and of some endings it is not sure. However the two are
 * interleaved, late, cut off or read again, each call counts once.
 */
#include "played.h"

struct two {
	struct played played;
	struct intake intake[2];
	struct position position[2];
	size_t gap_from[2], gap_to[2]; /* bytes of the log never told */
	uint32_t seed;
};

/* --- the other source ----------------------------------------------------- */

struct other {
	struct sink sink; /* first */
	struct sink *to;
	void *inner;
	int64_t us; /* of the record: the same each time it is read */
};

static void
other_event(struct sink *sink, struct event *ev)
{
	struct other *o = (struct other *)sink;

	if (ev->kind == EVENT_ENTER || ev->kind == EVENT_CONNECT)
		ev->time_us += o->us;
	if (ev->kind == EVENT_LEAVE &&
	    (ev->outcome == OUTCOME_TIMED_OUT ||
		ev->outcome == OUTCOME_EXITED_EMPTY ||
		ev->outcome == OUTCOME_WITHDRAWN)) {
		ev->outcome = OUTCOME_TIMED_OUT;
		ev->flags |= EVENT_UNSURE;
	}
	o->to->event(o->to, ev);
	o->sink.room = NULL;
}

static int
other_open(void **self, const struct stage_setup *setup, struct err *err)
{
	struct other *o = mem_zalloc(sizeof(*o));

	o->sink.event = other_event;
	*self = o;
	return asterisk_queue_log_stage.open(&o->inner, setup, err);
}

static int
other_input(void *self, const struct record *record, struct sink *sink,
    const char **why)
{
	struct other *o = self;

	o->to = sink;
	o->us =
	    (int64_t)(XXH3_64bits(record->bytes.p, record->bytes.n) % 900000);
	return asterisk_queue_log_stage.input(o->inner, record, &o->sink, why);
}

static void
other_close(void *self, const char *reason)
{
	struct other *o = self;

	asterisk_queue_log_stage.close(o->inner, reason);
	free(o);
}

static const struct stage other_stage = {.name = "other",
    .kind = STAGE_FORMAT,
    .open = other_open,
    .input = other_input,
    .close = other_close};

/* --- playing both --------------------------------------------------------- */

static uint32_t
two_pick(struct two *t, uint32_t below)
{
	t->seed = t->seed * 1664525 + 1013904223;
	return (t->seed >> 8) % below;
}

static void
two_begin(struct two *t, uint64_t seed)
{
	static const struct stage *const stages[2] = {
	    &asterisk_queue_log_stage, &other_stage};
	struct err err;
	unsigned i;

	*t = (struct two){.seed = (uint32_t)seed};
	played_init(&t->played);
	t->played.config.seed = seed;
	played_run(&t->played);
	played_start(&t->played, 2);
	for (i = 0; i < 2; i++) {
		t->position[i].file_no = 1;
		assert_int_equal(intake_init(&t->intake[i], "two", i, stages[i],
				     NULL, &t->played.machine, &err),
		    0);
		t->intake[i].slot = i;
		t->played.machine.config.facts[i] =
		    asterisk_queue_log_stage.facts;
	}
}

/* Some lines of one feed; false: it has told all. */
static bool
two_tell(struct two *t, unsigned i, size_t bytes)
{
	size_t at = (size_t)t->position[i].offset;
	size_t n = RT_MIN(bytes, t->played.log.n - at);

	if (n == 0)
		return false;
	if (at < t->gap_from[i])
		n = RT_MIN(n, t->gap_from[i] - at);
	if (at >= t->gap_from[i] && at < t->gap_to[i]) {
		t->position[i].offset = (int64_t)t->gap_to[i];
		return true;
	}
	n = intake_bytes(
	    &t->intake[i], &t->position[i], t->played.log.p + at, n, false);
	t->position[i].offset += (int64_t)n;
	return true;
}

/* False: both have told all. */
static bool
two_tell_both(struct two *t, size_t first, size_t second)
{
	bool more = two_tell(t, 0, first);

	return two_tell(t, 1, second) || more;
}

static size_t
two_line_at(const struct two *t, size_t at)
{
	const char *end =
	    memchr(t->played.log.p + at, '\n', t->played.log.n - at);

	return end != NULL ? (size_t)(end + 1 - t->played.log.p)
			   : t->played.log.n;
}

static void
two_end(struct two *t)
{
	unsigned i;

	played_compare(&t->played);
	for (i = 0; i < 2; i++)
		intake_fini(&t->intake[i]);
	played_fini(&t->played);
}

static uint64_t
two_counted(struct two *t, unsigned i, enum counter counter)
{
	struct counters counters;

	intake_counted(&t->intake[i], &counters);
	return counters.v[counter];
}

static void
test_side_by_side(void **state RT_UNUSED)
{
	struct two t;
	uint64_t seed;

	for (seed = 1; seed <= 5; seed++) {
		two_begin(&t, seed);
		/* both say all, in pieces of any size */
		while (two_tell_both(
		    &t, 1 + two_pick(&t, 5000), 1 + two_pick(&t, 5000)))
			;
		assert_true(two_counted(&t, 0, COUNTER_confirmed) +
			two_counted(&t, 1, COUNTER_confirmed) >
		    1000);
		two_end(&t);
	}
}

static void
test_one_after_the_other(void **state RT_UNUSED)
{
	struct two t;
	unsigned first;

	for (first = 0; first < 2; first++) {
		two_begin(&t, 7);
		while (two_tell(&t, first, SIZE_MAX))
			;
		while (two_tell(&t, 1 - first, SIZE_MAX))
			;
		assert_int_equal(two_counted(&t, 1 - first, COUNTER_late), 0);
		two_end(&t);
	}
}

/* Each was away for hours, but never both. */
static void
test_either_fails(void **state RT_UNUSED)
{
	struct two t;
	size_t part;

	two_begin(&t, 3);
	part = t.played.log.n / 10;
	t.gap_from[0] = two_line_at(&t, 2 * part);
	t.gap_to[0] = two_line_at(&t, 4 * part);
	t.gap_from[1] = two_line_at(&t, 6 * part);
	t.gap_to[1] = two_line_at(&t, 8 * part);
	while (two_tell_both(&t, 997, 1013))
		;
	two_end(&t);
}

/* All of it once more, by a feed whose position was lost. */
static void
test_told_again(void **state RT_UNUSED)
{
	struct two t;

	two_begin(&t, 5);
	while (two_tell_both(&t, 4096, 4096))
		;
	t.position[1].offset = 0;
	while (two_tell(&t, 1, 4096))
		;
	two_end(&t);
}

/* --- events of their own ------------------------------------------------- */

#define T0_US (MONDAY_US + HOUR_US)

struct told_to {
	struct played played;
	struct counters counters;
	int kept, corrected;
};

static void
told_keep(void *ctx, const struct visit *v RT_UNUSED)
{
	((struct told_to *)ctx)->kept++;
}

static void
told_corrected(void *ctx, struct visit *v, enum outcome before)
{
	assert_int_equal(before, OUTCOME_ANSWERED);
	assert_int_equal(v->outcome, OUTCOME_ABANDONED);
	((struct told_to *)ctx)->corrected++;
}

static void
told_begin(struct told_to *t, unsigned n_feeds)
{
	unsigned i;

	*t = (struct told_to){.kept = 0};
	played_init(&t->played);
	played_start(&t->played, n_feeds);
	t->played.machine.config.keep = told_keep;
	t->played.machine.config.corrected = told_corrected;
	t->played.machine.config.ctx = t;
	for (i = 0; i < n_feeds; i++)
		t->played.machine.config.facts[i] =
		    asterisk_queue_log_stage.facts;
}

static struct event
told_event(enum event_kind kind, int64_t at_s, const char *call)
{
	return (struct event){.kind = kind,
	    .time_us = T0_US + at_s * USEC_PER_SEC,
	    .name = SLICE("TOLD"),
	    .call = slice_of(call),
	    .queue = SLICE("q"),
	    .wait_ms = EVENT_UNKNOWN_MS,
	    .ring_ms = EVENT_UNKNOWN_MS,
	    .talk_ms = EVENT_UNKNOWN_MS,
	    .session_ms = EVENT_UNKNOWN_MS};
}

static void
told_give(struct told_to *t, unsigned slot, struct event ev)
{
	ev.feed = ev.slot = slot;
	(void)machine_expect(&t->played.machine, &ev);
	machine_event(&t->played.machine, &ev, &t->counters);
}

static int64_t
told_sum(struct told_to *t, enum measure measure)
{
	return tally_cell(tally_queue(&t->played.tally, SLICE("q")), T0_US)
	    ->v[measure];
}

static struct event
told_summary(int64_t at_s, const char *call, int64_t began_s,
    enum outcome outcome, int64_t wait_ms, int64_t talk_ms)
{
	struct event ev = told_event(EVENT_SUMMARY, at_s, call);

	ev.begin_us = T0_US + began_s * USEC_PER_SEC;
	ev.outcome = outcome;
	ev.wait_ms = wait_ms;
	ev.talk_ms = talk_ms;
	ev.agent = SLICE("Jo");
	return ev;
}

/* What a summary does not know stays unknown; one told twice counts once. */
static void
test_summaries(void **state RT_UNUSED)
{
	const int64_t none = EVENT_UNKNOWN_MS;
	struct told_to t;
	int i;

	told_begin(&t, 1);
	for (i = 0; i < 2; i++) {
		told_give(&t, 0,
		    told_summary(60, "a", 0, OUTCOME_ANSWERED, 7000, 50000));
		told_give(&t, 0,
		    told_summary(61, "b", 1, OUTCOME_ANSWERED, none, none));
		told_give(&t, 0,
		    told_summary(62, "c", 2, OUTCOME_ABANDONED, none, none));
		told_give(&t, 0,
		    told_summary(63, "d", 3, OUTCOME_TIMED_OUT, 21000, none));
	}
	assert_int_equal(t.counters.v[COUNTER_repeated], 4);
	assert_int_equal(told_sum(&t, MEASURE_offered), 4);
	assert_int_equal(told_sum(&t, MEASURE_answered), 2);
	assert_int_equal(told_sum(&t, MEASURE_wait_answered_ms), 7000);
	assert_int_equal(told_sum(&t, MEASURE_talk_ms), 50000);
	assert_int_equal(told_sum(&t, MEASURE_abandoned), 1);
	assert_int_equal(told_sum(&t, MEASURE_abandoned_short), 0);
	assert_int_equal(told_sum(&t, MEASURE_timed_out), 1);
	assert_int_equal(t.kept, 4);
	played_fini(&t.played);
}

/*
 * A summary that is not sure, and the feed that knows: in any order it counts
 * as the latter says, once, and its row is written when nothing can change.
 */
static void
test_summary_is_corrected(void **state RT_UNUSED)
{
	struct event cdr =
	    told_summary(40, "a", 0, OUTCOME_ANSWERED, EVENT_UNKNOWN_MS, 40000);
	struct event enter = told_event(EVENT_ENTER, 0, "a");
	struct event leave = told_event(EVENT_LEAVE, 40, "a");
	struct told_to t;
	int first;

	cdr.flags = EVENT_UNSURE;
	leave.outcome = OUTCOME_ABANDONED;
	leave.wait_ms = 40000;
	for (first = 0; first < 3; first++) {
		told_begin(&t, 2);
		if (first == 0)
			told_give(&t, 1, cdr);
		told_give(&t, 0, enter);
		if (first == 1)
			told_give(&t, 1, cdr);
		told_give(&t, 0, leave);
		if (first == 2)
			told_give(&t, 1, cdr);
		assert_int_equal(told_sum(&t, MEASURE_offered), 1);
		assert_int_equal(told_sum(&t, MEASURE_answered), 0);
		assert_int_equal(told_sum(&t, MEASURE_talk_ms), 0);
		assert_int_equal(told_sum(&t, MEASURE_abandoned), 1);
		assert_int_equal(
		    told_sum(&t, MEASURE_wait_abandoned_ms), 40000);
		assert_int_equal(t.kept, 0);
		assert_int_equal(t.corrected, first < 1);
		told_give(&t, 0, told_event(EVENT_NOTE, 3600, "x"));
		assert_int_equal(t.kept, 0);
		told_give(&t, 1, told_event(EVENT_NOTE, 3601, "x"));
		told_give(&t, 0, told_event(EVENT_NOTE, 3602, "x"));
		assert_int_equal(t.kept, 1);
		played_fini(&t.played);
	}
}

/* The feed that knew of the arrival fell silent; the other tells the end. */
static void
test_summary_ends_what_was_left(void **state RT_UNUSED)
{
	struct told_to t;

	told_begin(&t, 2);
	told_give(&t, 0, told_event(EVENT_ENTER, 0, "a"));
	told_give(
	    &t, 1, told_summary(90, "a", 0, OUTCOME_ANSWERED, 20000, 70000));
	assert_int_equal(told_sum(&t, MEASURE_answered), 1);
	assert_int_equal(told_sum(&t, MEASURE_wait_answered_ms), 20000);
	assert_int_equal(told_sum(&t, MEASURE_talk_ms), 70000);
	played_fini(&t.played);
}

static struct event
told_present(int64_t at_s, const char *call, int64_t since_s)
{
	struct event ev = told_event(EVENT_ENTER, at_s, call);

	ev.flags = EVENT_PRESENT;
	ev.begin_us = T0_US + since_s * USEC_PER_SEC;
	return ev;
}

/* After a connection: who stayed, who left and who came meanwhile. */
static void
test_picture(void **state RT_UNUSED)
{
	struct told_to t;
	struct event login = told_event(EVENT_LOGIN, 0, "");
	const struct agent *jo;

	told_begin(&t, 1);
	login.agent = SLICE("Jo");
	told_give(&t, 0, login);
	told_give(&t, 0, told_event(EVENT_ENTER, 1, "stays"));
	told_give(&t, 0, told_event(EVENT_ENTER, 2, "leaves"));
	told_give(&t, 0, told_event(EVENT_PICTURE, 60, ""));
	told_give(&t, 0, told_present(60, "stays", 1));
	told_give(&t, 0, told_present(60, "came", 30));
	told_give(&t, 0, told_event(EVENT_ENTER, 60, "just now"));
	login = told_event(EVENT_LOGIN, 60, "");
	login.agent = SLICE("Al");
	login.flags = EVENT_PRESENT;
	told_give(&t, 0, login);
	told_give(&t, 0, told_event(EVENT_PICTURE_END, 61, ""));
	assert_int_equal(told_sum(&t, MEASURE_offered), 4);
	assert_int_equal(told_sum(&t, MEASURE_lost), 1);
	assert_int_equal(t.played.machine.in_state[VISIT_WAITING], 3);
	jo = tally_agent(&t.played.tally, SLICE("Jo"));
	assert_null(jo->sessions == NULL  ? NULL
		: jo->sessions->logged_in ? jo
					  : NULL);
	assert_true(
	    tally_agent(&t.played.tally, SLICE("Al"))->sessions->logged_in);
	played_fini(&t.played);
}

/* A picture of one feed ends nothing that another one still tells of. */
static void
test_picture_beside_another_feed(void **state RT_UNUSED)
{
	struct told_to t;

	told_begin(&t, 2);
	told_give(&t, 0, told_event(EVENT_ENTER, 50, "a"));
	told_give(&t, 1, told_event(EVENT_PICTURE, 60, ""));
	told_give(&t, 1, told_event(EVENT_PICTURE_END, 61, ""));
	assert_int_equal(told_sum(&t, MEASURE_lost), 0);
	assert_int_equal(t.played.machine.in_state[VISIT_WAITING], 1);
	played_fini(&t.played);
}

/*
 * A feed that connects tells of one who has waited for long; what the other one
 * still has to tell of the time before is counted for all that.
 */
static void
test_wait_began_before_feed(void **state RT_UNUSED)
{
	struct told_to t;

	told_begin(&t, 2);
	t.played.machine.config.merge_window_us = 60 * USEC_PER_SEC;
	told_give(&t, 1, told_event(EVENT_PICTURE, 1500, ""));
	told_give(&t, 1, told_present(1500, "waits", 0));
	told_give(&t, 1, told_event(EVENT_PICTURE_END, 1500, ""));
	told_give(&t, 1, told_summary(1501, "s", 1, OUTCOME_ABANDONED, 1, 0));
	told_give(&t, 0, told_event(EVENT_ENTER, 0, "waits"));
	told_give(&t, 0, told_event(EVENT_ENTER, 100, "b"));
	assert_int_equal(told_sum(&t, MEASURE_offered), 3);
	assert_int_equal(t.counters.v[COUNTER_late], 0);
	played_fini(&t.played);
}

/* A switch with one feed gets a second one, which tells the same day. */
static void
test_one_becomes_two(void **state RT_UNUSED)
{
	struct machine_feed first;
	struct heard heard;
	struct told_to t;
	struct visit like = {.state = VISIT_WAITING,
	    .number = 1,
	    .entered_us = T0_US + 3590 * USEC_PER_SEC,
	    .touched_us = T0_US + 3590 * USEC_PER_SEC,
	    .wait_ms = EVENT_UNKNOWN_MS,
	    .talk_ms = EVENT_UNKNOWN_MS};
	struct machine *m = &t.played.machine;

	told_begin(&t, 1);
	told_give(&t, 0, told_event(EVENT_ENTER, 0, "a"));
	told_give(&t, 0, told_event(EVENT_NOTE, 3600, ""));
	first = m->feeds[0];
	first.clock_us = m->clock_us;
	assert_int_equal(first.first_us, T0_US);
	played_fini(&t.played);

	told_begin(&t, 2);
	t.played.machine.config.merge_window_us = 60 * USEC_PER_SEC;
	machine_restore_clock(m, first.clock_us, 0);
	machine_restore_feed(m, 0, &first);
	merge_told_alone(&like, 0, &heard);
	like.heard = &heard;
	machine_restore(m, &like, SLICE("b"), SLICE("q"), SLICE(""));
	told_give(&t, 1, told_event(EVENT_ENTER, 0, "a"));
	told_give(&t, 1, told_event(EVENT_ENTER, 3590, "b"));
	assert_int_equal(t.counters.v[COUNTER_late], 1);
	assert_int_equal(t.counters.v[COUNTER_confirmed], 1);
	assert_int_equal(told_sum(&t, MEASURE_offered), 0);
	assert_int_equal(m->in_state[VISIT_WAITING], 1);
	played_fini(&t.played);
}

/* A call that comes back at once, told by summaries: two visits. */
static void
test_summaries_of_two_visits(void **state RT_UNUSED)
{
	struct told_to t;
	int first;

	for (first = 0; first < 2; first++) {
		told_begin(&t, 2);
		if (first == 1) {
			told_give(&t, 0, told_event(EVENT_REFUSE, 0, "a"));
			told_give(&t, 0, told_event(EVENT_REFUSE, 3, "a"));
		}
		told_give(
		    &t, 1, told_summary(2, "a", 0, OUTCOME_REFUSED, 2000, 0));
		told_give(
		    &t, 1, told_summary(4, "a", 3, OUTCOME_REFUSED, 1000, 0));
		told_give(
		    &t, 1, told_summary(4, "a", 3, OUTCOME_REFUSED, 1000, 0));
		assert_int_equal(told_sum(&t, MEASURE_offered), 2);
		assert_int_equal(told_sum(&t, MEASURE_refused), 2);
		assert_int_equal(
		    t.counters.v[COUNTER_confirmed], first == 1 ? 3 : 1);
		played_fini(&t.played);
	}
}

/* A line is read again whose time another feed has made finer. */
static void
test_finer_time_told_again(void **state RT_UNUSED)
{
	struct event leave = told_event(EVENT_LEAVE, 30, "a");
	struct event finer = told_event(EVENT_ENTER, 11, "a");
	struct told_to t;

	leave.outcome = OUTCOME_ABANDONED;
	finer.time_us += 200000;
	told_begin(&t, 2);
	told_give(&t, 0, told_event(EVENT_ENTER, 10, "a"));
	told_give(&t, 1, finer);
	told_give(&t, 0, leave);
	told_give(&t, 0, told_event(EVENT_ENTER, 10, "a"));
	told_give(&t, 0, leave);
	assert_int_equal(told_sum(&t, MEASURE_offered), 1);
	played_fini(&t.played);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_side_by_side),
	    cmocka_unit_test(test_one_after_the_other),
	    cmocka_unit_test(test_either_fails),
	    cmocka_unit_test(test_told_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
