/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Callers who ring again: each rule of tally/repeat.h by hand, and all of them,
 * in any order and with words taken back, against a list in which each visit is
 * compared with each other one.
 */
#include "base/base.h"
#include "base/utc.h"
#include "sim/dice.h"
#include "tally/repeat.h"
#include <setjmp.h>
#include <cmocka.h>

#define SEC   USEC_PER_SEC
#define HOUR  (3600 * SEC)
#define DAY   (SEC_PER_DAY * SEC)
#define WEEK  (7 * DAY)
#define START (INT64_C(15341) * DAY) /* 2012-01-02 00:00 UTC */

#define QUEUES 4
#define TOLD   400
#define CELLS  (60 * 96)

static const enum measure counted[] = {MEASURE_caller_known, MEASURE_repeated,
    MEASURE_abandoned_known, MEASURE_called_back};
#define COUNTED RT_COUNT(counted)

/* One visit of the list. */
struct told {
	bool there, first, answered;
	uint8_t caller[REPEAT_CALLER_BYTES];
	uint32_t queue, call, number;
	int64_t entered_us, at_us;
};

struct world {
	struct tally tally;
	struct queue *queues[QUEUES];
	const char *services[QUEUES]; /* NULL: none */
	struct repeat *r;
	int64_t within_us;
	struct told told[TOLD];
	size_t n;
	int32_t want[QUEUES][CELLS][COUNTED];
};

/* q0 and q1 are of one service, q2 of another, q3 of none. */
static const char *
world_service(void *ctx, const char *queue)
{
	const struct world *w = ctx;

	return w->services[queue[1] - '0'];
}

static void
world_begin(struct world *w, uint32_t max)
{
	const struct repeat_config config = {.within_us = w->within_us,
	    .max = max,
	    .service_of = world_service,
	    .ctx = w};

	repeat_free(w->r);
	w->r = repeat_new(&config);
	repeat_clock(w->r, START);
}

static void
world_count_from_zero(struct world *w)
{
	const struct tally_config config = {
	    .interval_us = 900 * SEC, .max_queues = 10, .max_agents = 10};
	char name[] = "q0";
	int i;

	if (w->queues[0] != NULL)
		tally_fini(&w->tally);
	tally_init(&w->tally, &config);
	for (i = 0; i < QUEUES; i++, name[1]++)
		w->queues[i] = tally_queue(&w->tally, slice_of(name));
}

static int
world_setup(void **state)
{
	struct world *w = mem_zalloc(sizeof(*w));

	world_count_from_zero(w);
	w->services[0] = w->services[1] = "Council Tax";
	w->services[2] = "Housing";
	w->within_us = WEEK;
	world_begin(w, 1000000);
	*state = w;
	return 0;
}

static int
world_teardown(void **state)
{
	struct world *w = *state;

	repeat_free(w->r);
	tally_fini(&w->tally);
	free(w);
	return 0;
}

static struct repeat_visit
visit_of(const struct world *w, const struct told *t)
{
	return (struct repeat_visit){.caller = t->caller,
	    .queue = w->queues[t->queue],
	    .call = t->call,
	    .number = t->number,
	    .entered_us = t->entered_us,
	    .at_us = t->at_us};
}

/* --- by hand ------------------------------------------------------------- */

static struct told
one(uint8_t caller, uint32_t queue, uint32_t call, int64_t at_us)
{
	return (struct told){.there = true,
	    .first = true,
	    .answered = true,
	    .caller = {caller, caller, 1},
	    .queue = queue,
	    .call = call,
	    .number = 1,
	    .entered_us = at_us - 20 * SEC,
	    .at_us = at_us};
}

static int
answers(struct world *w, uint8_t caller, uint32_t queue, uint32_t call,
    int64_t at_us)
{
	struct told t = one(caller, queue, call, at_us);
	struct repeat_visit v = visit_of(w, &t);

	repeat_clock(w->r, at_us);
	return repeat_answered(w->r, &v, true);
}

static void
gives_up(struct world *w, uint8_t caller, uint32_t queue, uint32_t call,
    int64_t at_us)
{
	struct told t = one(caller, queue, call, at_us);
	struct repeat_visit v = visit_of(w, &t);

	repeat_clock(w->r, at_us);
	assert_true(repeat_gave_up(w->r, &v));
}

/* What stands in the interval of a visit whose moment that is. */
static int64_t
booked(struct world *w, uint32_t queue, int64_t at_us, enum measure m)
{
	return tally_cell(w->queues[queue], at_us - 20 * SEC)->v[m];
}

/* In all intervals of all queues. */
static int64_t
sum(const struct world *w, enum measure m)
{
	const struct cell *cell, *next;
	int64_t n = 0;
	int i;

	for (i = 0; i < QUEUES; i++)
		HASH_ITER (hh, w->queues[i]->cells, cell, next)
			n += cell->v[m];
	return n;
}

static void
test_again(void **state)
{
	struct world *w = *state;

	assert_int_equal(answers(w, 1, 0, 1, START), REPEAT_FIRST);
	assert_int_equal(booked(w, 0, START, MEASURE_caller_known), 1);
	assert_int_equal(sum(w, MEASURE_repeated), 0);
	/* another caller, and another service */
	answers(w, 2, 0, 2, START + DAY);
	answers(w, 1, 2, 3, START + DAY);
	assert_int_equal(sum(w, MEASURE_repeated), 0);
	/* another queue of the service: booked where the first one arrived */
	answers(w, 1, 1, 4, START + WEEK);
	assert_int_equal(booked(w, 0, START, MEASURE_repeated), 1);
	assert_int_equal(sum(w, MEASURE_repeated), 1);
	assert_int_equal(sum(w, MEASURE_caller_known), 4);
}

static void
test_borders(void **state)
{
	struct world *w = *state;

	answers(w, 1, 0, 1, START);
	answers(w, 1, 0, 2, START); /* the same moment: neither is later */
	assert_int_equal(sum(w, MEASURE_repeated), 0);
	answers(w, 1, 0, 3, START + WEEK + 1);
	assert_int_equal(sum(w, MEASURE_repeated), 0);
	answers(w, 2, 0, 4, START + WEEK + 1);
	answers(w, 2, 0, 5, START + 2 * WEEK + 1);
	assert_int_equal(sum(w, MEASURE_repeated), 1);
}

/* Without a service a queue is one by itself, and none by its name. */
static void
test_queue_without_service(void **state)
{
	struct world *w = *state;

	w->services[2] = "q3";
	world_begin(w, 1000);
	answers(w, 1, 3, 1, START);
	answers(w, 1, 2, 2, START + 1);
	assert_int_equal(sum(w, MEASURE_repeated), 0);
	answers(w, 1, 3, 3, START + 2);
	assert_int_equal(sum(w, MEASURE_repeated), 1);
	assert_false(repeat_same_service(w->r, w->queues[2], w->queues[3]));
	assert_true(repeat_same_service(w->r, w->queues[0], w->queues[1]));
}

/* A further answer of the call counts for others, and is none by itself. */
static void
test_further_answer(void **state)
{
	struct world *w = *state;
	struct told t = one(1, 0, 7, START + HOUR);
	struct repeat_visit v = visit_of(w, &t);

	answers(w, 1, 0, 7, START);
	assert_int_equal(repeat_answered(w->r, &v, false), REPEAT_AGAIN);
	assert_int_equal(sum(w, MEASURE_repeated), 0);
	/* forgotten by the machine, but not here */
	v.number = 2;
	assert_int_equal(repeat_answered(w->r, &v, true), REPEAT_AGAIN);
	assert_int_equal(sum(w, MEASURE_caller_known), 1);
	answers(w, 1, 0, 8, START + DAY);
	assert_int_equal(sum(w, MEASURE_repeated), 1);
}

/* What was booked stays, and who rings again is somebody else. */
static void
test_forget(void **state)
{
	struct world *w = *state;
	struct told t = one(1, 0, 2, START + HOUR);
	struct repeat_visit v = visit_of(w, &t);

	answers(w, 1, 0, 1, START);
	answers(w, 1, 0, 2, START + HOUR);
	answers(w, 2, 0, 3, START + HOUR);
	gives_up(w, 1, 0, 4, START + 2 * HOUR);
	assert_int_equal(repeat_forget(w->r, t.caller), 3);
	assert_int_equal(repeat_forget(w->r, t.caller), 0);
	assert_int_equal(repeat_points(w->r), 1);
	assert_int_equal(repeat_callers(w->r), 1);
	assert_false(repeat_take_back(w->r, &v, true));
	answers(w, 1, 0, 5, START + DAY);
	answers(w, 2, 0, 6, START + DAY);
	assert_int_equal(sum(w, MEASURE_caller_known), 5);
	assert_int_equal(sum(w, MEASURE_repeated), 2);
	assert_int_equal(sum(w, MEASURE_abandoned_known), 1);
	assert_int_equal(sum(w, MEASURE_called_back), 0);
}

static void
test_gave_up(void **state)
{
	struct world *w = *state;

	gives_up(w, 1, 0, 1, START);
	gives_up(w, 1, 0, 2, START + HOUR);
	gives_up(w, 2, 0, 3, START + HOUR);
	assert_int_equal(sum(w, MEASURE_abandoned_known), 3);
	assert_int_equal(sum(w, MEASURE_called_back), 0);
	answers(w, 1, 2, 4, START + DAY); /* whichever queue it is */
	assert_int_equal(sum(w, MEASURE_called_back), 2);
	answers(w, 2, 0, 5, START + HOUR + DAY + 1);
	assert_int_equal(sum(w, MEASURE_called_back), 2);
	/* lines out of order: the answer was told first */
	gives_up(w, 1, 0, 6, START + DAY);
	assert_int_equal(sum(w, MEASURE_called_back), 3);
	gives_up(w, 1, 0, 7, START + DAY + 1);
	assert_int_equal(sum(w, MEASURE_called_back), 3);
}

static void
test_taken_back(void **state)
{
	struct world *w = *state;
	struct told t = one(1, 0, 2, START + HOUR);
	struct repeat_visit v = visit_of(w, &t);

	answers(w, 1, 0, 1, START);
	answers(w, 1, 0, 2, START + HOUR);
	gives_up(w, 1, 0, 9, START + HOUR);
	answers(w, 1, 0, 3, START + WEEK + HOUR);
	assert_int_equal(sum(w, MEASURE_repeated), 2);
	assert_int_equal(sum(w, MEASURE_called_back), 1);
	v.at_us = 0; /* nobody remembers */
	assert_true(repeat_take_back(w->r, &v, true));
	assert_int_equal(sum(w, MEASURE_repeated), 0);
	assert_int_equal(sum(w, MEASURE_called_back), 0);
	assert_int_equal(sum(w, MEASURE_caller_known), 2);
	assert_false(repeat_take_back(w->r, &v, true));
	v.call = 9;
	assert_true(repeat_take_back(w->r, &v, false));
	assert_int_equal(sum(w, MEASURE_abandoned_known), 0);
	v.caller = (const uint8_t[REPEAT_CALLER_BYTES]){200};
	assert_false(repeat_take_back(w->r, &v, true));
}

/* What can not be compared is left out: too late, or no time that can be. */
static void
test_left_out(void **state)
{
	struct world *w = *state;
	int i;

	assert_int_equal(answers(w, 1, 0, 1, START), REPEAT_FIRST);
	repeat_clock(w->r, START + 30 * DAY);
	for (i = 0; i < 20000; i++) { /* so many that tables grow */
		struct told t = one((uint8_t)i, 0, 10, START + 30 * DAY);
		struct repeat_visit v = visit_of(w, &t);

		t.caller[2] = (uint8_t)(i >> 8);
		assert_int_equal(repeat_answered(w->r, &v, true), REPEAT_FIRST);
	}
	assert_int_equal(sum(w, MEASURE_caller_known), 20001);
	assert_int_equal(repeat_since_us(w->r), START + 22 * DAY);
	{
		struct told t = one(1, 0, 20, START + 22 * DAY);
		struct repeat_visit v = visit_of(w, &t);

		assert_int_equal(repeat_answered(w->r, &v, true), REPEAT_FIRST);
		v.at_us--;
		assert_int_equal(repeat_answered(w->r, &v, true), -1);
		v.at_us = START + 31 * DAY + 1;
		assert_int_equal(repeat_answered(w->r, &v, true), -1);
		assert_false(repeat_gave_up(w->r, &v));
	}
	assert_int_equal(sum(w, MEASURE_caller_known), 20002);
}

/* A number behind which a whole town rings: each answer looks at a few. */
static void
test_one_number_for_all(void **state)
{
	struct world *w = *state;
	uint32_t i;

	for (i = 0; i < 300000; i++)
		answers(w, 1, i % 2, i, START + i * SEC);
	assert_int_equal(sum(w, MEASURE_repeated), 300000 - 1);
	for (i = 0; i < 300000; i++)
		gives_up(w, 2, i % 2, i, START + 4 * DAY + i * SEC / 10);
	answers(w, 2, 0, 400000, START + 4 * DAY + 8 * HOUR + 21 * 60 * SEC);
	assert_int_equal(sum(w, MEASURE_called_back), 300000);
}

/* --- by the list --------------------------------------------------------- */

static bool
same_service(const struct world *w, uint32_t a, uint32_t b)
{
	if (a == b)
		return true;
	return w->services[a] != NULL && w->services[b] != NULL &&
	    strcmp(w->services[a], w->services[b]) == 0;
}

static bool
is_done(const struct world *w, const struct told *p)
{
	size_t i;

	for (i = 0; i < w->n; i++) {
		const struct told *q = &w->told[i];
		int64_t after_us = q->at_us - p->at_us;

		if (!q->there || !q->answered ||
		    memcmp(q->caller, p->caller, sizeof(p->caller)) != 0)
			continue;
		if (!p->answered && after_us >= 0 && after_us <= DAY)
			return true;
		if (p->answered && after_us > 0 && after_us <= w->within_us &&
		    q->call != p->call && same_service(w, p->queue, q->queue))
			return true;
	}
	return false;
}

static void
check(struct world *w)
{
	size_t i, k, c;

	memset(w->want, 0, sizeof(w->want));
	for (i = 0; i < w->n; i++) {
		const struct told *p = &w->told[i];
		int32_t *want =
		    w->want[p->queue][(p->entered_us - START) / (900 * SEC)];

		if (!p->there || (p->answered && !p->first))
			continue;
		want[p->answered ? 0 : 2]++;
		want[p->answered ? 1 : 3] += is_done(w, p);
	}
	for (i = 0; i < QUEUES; i++)
		for (c = 0; c < CELLS; c++)
			for (k = 0; k < COUNTED; k++)
				if (w->want[i][c][k] != 0 ||
				    HASH_COUNT(w->queues[i]->cells) < CELLS)
					assert_int_equal(
					    tally_cell(w->queues[i],
						START + (int64_t)c * 900 * SEC)
						->v[counted[k]],
					    w->want[i][c][k]);
}

static bool
call_is_counted(const struct world *w, const struct told *t)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->told[i].there && w->told[i].answered &&
		    w->told[i].call == t->call)
			return true;
	return false;
}

/* Moments on a coarse grid, so that borders and ties are met often. */
static void
tell(struct world *w, struct dice *d)
{
	struct told *t = &w->told[w->n];
	struct repeat_visit v;
	size_t i;

	*t = (struct told){.there = true,
	    .answered = dice_between(d, 0, 3) > 0,
	    .queue = (uint32_t)dice_between(d, 0, QUEUES - 1),
	    .call = (uint32_t)dice_between(d, 1, 120),
	    .at_us = START + DAY + dice_between(d, 0, 80) * 4 * HOUR};
	/* a call has one caller; every third of them shares a shard */
	t->caller[0] = (uint8_t)(t->call % 12 / 3);
	t->caller[3] = (uint8_t)(t->call % 12);
	t->number = 1;
	for (i = 0; i < w->n; i++)
		t->number += w->told[i].call == t->call;
	t->entered_us = t->at_us - dice_between(d, 0, 3) * HOUR;
	t->first = t->answered && !call_is_counted(w, t);
	v = visit_of(w, t);
	w->n++;
	if (t->answered)
		assert_int_equal(repeat_answered(w->r, &v, t->first),
		    t->first ? REPEAT_FIRST : REPEAT_AGAIN);
	else
		assert_true(repeat_gave_up(w->r, &v));
}

/* One word is taken back; or another visit of the call is its first one. */
static void
take_back(struct world *w, struct dice *d)
{
	struct told *t = &w->told[dice_between(d, 0, (int)w->n - 1)];
	struct repeat_visit v = visit_of(w, t);

	if (!t->there)
		return;
	if (t->answered && dice_between(d, 0, 1) == 0) {
		t->first = !t->first;
		assert_true(repeat_set_first(w->r, &v, t->first));
		assert_true(repeat_set_first(w->r, &v, t->first));
		return;
	}
	v.at_us = 0;
	t->there = false;
	assert_true(repeat_take_back(w->r, &v, t->answered));
}

/* What a restart does: the points in another order, and nothing booked. */
static void
load_again(struct world *w, struct dice *d)
{
	size_t i, k, shift = (size_t)dice_between(d, 0, TOLD);
	const char *later = w->services[1];
	uint64_t points = repeat_points(w->r);

	for (i = 0; i < QUEUES; i++)
		w->queues[i]->repeat_id = 0;
	w->services[1] = "by another configuration";
	world_begin(w, 1000000);
	repeat_clock(w->r, START + 15 * DAY);
	for (i = 0; i < QUEUES; i++)
		repeat_set_service(
		    w->r, w->queues[i], i == 1 ? later : w->services[i]);
	for (i = 0; i < w->n; i++) {
		struct told *t;
		struct repeat_visit v;

		k = (i * 7 + shift) % w->n;
		t = &w->told[k];
		v = visit_of(w, t);
		if (t->there)
			repeat_load(w->r, &v,
			    !t->answered   ? REPEAT_GAVE_UP
				: t->first ? REPEAT_FIRST
					   : REPEAT_AGAIN);
	}
	repeat_loaded(w->r, INT64_MIN);
	assert_int_equal(repeat_points(w->r), points);
	repeat_review(w->r, w->within_us);
}

static void
play(struct world *w, uint64_t seed)
{
	struct dice d;

	dice_seed(&d, seed);
	while (w->n < TOLD - 7) {
		tell(w, &d);
		if (dice_between(&d, 0, 4) == 0)
			take_back(w, &d);
		if (w->n % 97 == 0)
			load_again(w, &d);
		if (w->n % 61 == 0) {
			w->services[dice_between(&d, 0, QUEUES - 1)] =
			    dice_between(&d, 0, 2) == 0 ? NULL
			    : w->n % 2 == 0		? "Housing"
							: "Council Tax";
			w->within_us = dice_between(&d, 1, 9) * DAY;
			repeat_review(w->r, w->within_us);
		}
		if (w->n % 37 == 0)
			check(w);
	}
	check(w);
	while (w->n > 0) {
		struct told *t = &w->told[--w->n];
		struct repeat_visit v = visit_of(w, t);

		if (t->there)
			assert_true(repeat_take_back(w->r, &v, t->answered));
	}
	check(w);
	assert_int_equal(repeat_points(w->r), 0);
	assert_int_equal(repeat_callers(w->r), 0);
}

static void
test_any_order(void **state)
{
	struct world *w = *state;
	uint64_t seed;

	for (seed = 1; seed <= 8; seed++) {
		world_count_from_zero(w);
		world_begin(w, 1000000);
		repeat_clock(w->r, START + 15 * DAY);
		w->n = 0;
		play(w, seed);
	}
}

/* Each `i` below 2^24 is another caller. */
static void
somebody_is_answered(struct world *w, uint32_t i, int64_t at_us)
{
	struct told t = one((uint8_t)i, 0, i, at_us);
	struct repeat_visit v = visit_of(w, &t);

	t.caller[1] = (uint8_t)(i >> 8);
	t.caller[4] = (uint8_t)(i >> 16);
	repeat_clock(w->r, t.at_us);
	repeat_answered(w->r, &v, true);
}

/* As weeks pass, callers of the last ten days or so are held, and no more. */
static void
test_flat(void **state)
{
	struct world *w = *state;
	uint32_t i, a_day = 12000;

	world_begin(w, 10000000);
	for (i = 0; i < 40 * a_day; i++) {
		somebody_is_answered(w, i, START + i * (DAY / a_day));
		assert_true(repeat_points(w->r) <= 10 * a_day);
	}
	/* and all of them have been counted, who could be followed */
	assert_int_equal(sum(w, MEASURE_caller_known), 40 * a_day);
}

/*
 * What ringtally.conf(5) says of max_callers: half as many callers in a week,
 * of whom a third call twice, are all held for the week, at up to 64 bytes for
 * each call that may be held.
 */
static void
test_as_the_manual_says(void **state)
{
	struct world *w = *state;
	uint32_t callers = 40000, a_week = callers + callers / 3, i, seen = 0;

	world_begin(w, 2 * callers);
	for (i = 0; i < 4 * a_week; i++) {
		int64_t at_us = START + i * (7 * DAY / a_week);
		bool again = i % 4 == 3;

		if (!again)
			seen++;
		somebody_is_answered(w,
		    again ? seen - 1 - i * 7919 % RT_MIN(seen, callers)
			  : seen - 1,
		    at_us);
		if (seen == callers && !again)
			assert_int_equal(repeat_callers(w->r), callers);
		assert_true(repeat_since_us(w->r) <= at_us - 7 * DAY ||
		    at_us < START + 7 * DAY);
	}
	assert_true(repeat_bytes(w->r) <= 64 * 2 * (size_t)callers);
	assert_int_equal(sum(w, MEASURE_caller_known), 4 * a_week);
}

/* More callers than there may be: the memory holds, and the share is honest. */
static void
test_bounded(void **state)
{
	struct world *w = *state;
	uint32_t i;

	world_begin(w, 10000);
	for (i = 0; i < 60000; i++) {
		somebody_is_answered(w, i, START + i * SEC);
		assert_true(repeat_points(w->r) <= 10300);
	}
	assert_true(repeat_since_us(w->r) > START + 40000 * SEC);
	/* those that were let go could not be followed for a week */
	assert_int_equal(sum(w, MEASURE_caller_known), repeat_points(w->r));
	assert_true(repeat_bytes(w->r) < 10000 * 60 + (200 << 10));
}

int
main(void)
{
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_again),
	    TEST(test_borders),
	    TEST(test_queue_without_service),
	    TEST(test_further_answer),
	    TEST(test_forget),
	    TEST(test_gave_up),
	    TEST(test_taken_back),
	    TEST(test_left_out),
	    TEST(test_one_number_for_all),
	    TEST(test_any_order),
	    TEST(test_flat),
	    TEST(test_as_the_manual_says),
	    TEST(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
