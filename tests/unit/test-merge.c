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
