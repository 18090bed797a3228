/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Abandoned callers to be rung back: each rule of tally/callback.h by hand, and
 * all of them against a list that is searched from end to end.
 */
#include "base/base.h"
#include "base/utc.h"
#include "tally/callback.h"
#include <setjmp.h>
#include <cmocka.h>

#define SEC   USEC_PER_SEC
#define DAY   (SEC_PER_DAY * SEC)
#define TODAY (INT64_C(15341) * DAY) /* 2012-01-02 00:00 UTC */
#define NINE  (TODAY + 9 * 3600 * SEC)

struct world {
	struct tally tally;
	struct queue *sales;
	struct callbacks c;
};

static int
world_setup(void **state)
{
	const struct tally_config config = {
	    .interval_us = 900 * SEC, .max_queues = 10, .max_agents = 10};
	struct world *w = mem_zalloc(sizeof(*w));

	tally_init(&w->tally, &config);
	w->sales = tally_queue(&w->tally, SLICE("sales"));
	callbacks_init(&w->c, 4);
	callbacks_day(&w->c, TODAY);
	*state = w;
	return 0;
}

static int
world_teardown(void **state)
{
	struct world *w = *state;

	callbacks_fini(&w->c);
	tally_fini(&w->tally);
	free(w);
	return 0;
}

/* Caller 0 withholds the number. Waited 30 s. */
static void
gives_up(struct world *w, const char *id, uint8_t caller, int64_t t_us)
{
	const struct callback like = {.queue = w->sales,
	    .entered_us = t_us - 30 * SEC,
	    .ended_us = t_us,
	    .wait_ms = 30000,
	    .visit_no = 1,
	    .has_caller = caller != 0,
	    .caller = {caller}};

	callbacks_add(&w->c, &like, slice_of(id), NULL);
}

static void
is_answered(struct world *w, uint8_t caller, int64_t t_us)
{
	const uint8_t hash[CALLBACK_CALLER_BYTES] = {caller};

	callbacks_answered(&w->c, hash, t_us);
}

/* "a b+": the ids in their order, a + where the caller was through. */
static const char *
shown(const struct world *w)
{
	static char text[256];
	const struct callback *entry;
	size_t n = 0;

	text[0] = '\0';
	TAILQ_FOREACH (entry, &w->c.all, list)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%s",
		    n > 0 ? " " : "", entry->call_id,
		    entry->through_us != 0 ? "+" : "");
	return text;
}

/* Another feed knew better: the entry goes, of its caller only that one. */
static void
test_not_abandoned_after_all(void **state)
{
	struct world *w = *state;

	gives_up(w, "a", 1, NINE);
	gives_up(w, "b", 1, NINE + SEC);
	gives_up(w, "c", 2, NINE + 2 * SEC);
	callbacks_remove(&w->c, SLICE("a"), 1);
	callbacks_remove(&w->c, SLICE("b"), 2);
	callbacks_remove(&w->c, SLICE("never"), 1);
	assert_string_equal(shown(w), "b c");
	assert_int_equal(w->c.n_open, 2);
	is_answered(w, 1, NINE + 3 * SEC);
	callbacks_remove(&w->c, SLICE("b"), 1);
	assert_string_equal(shown(w), "c");
}

static void
test_through(void **state)
{
	struct world *w = *state;

	gives_up(w, "a", 1, NINE);
	gives_up(w, "b", 2, NINE + SEC);
	assert_string_equal(shown(w), "a b");
	is_answered(w, 3, NINE + 60 * SEC);
	assert_int_equal(w->c.n_open, 2);
	is_answered(w, 1, NINE + 60 * SEC);
	assert_string_equal(shown(w), "a+ b");
	assert_int_equal(w->c.n_open, 1);
	assert_int_equal(TAILQ_FIRST(&w->c.all)->through_us, NINE + 60 * SEC);
	/* once is enough: the first time stays */
	is_answered(w, 1, NINE + 90 * SEC);
	assert_int_equal(TAILQ_FIRST(&w->c.all)->through_us, NINE + 60 * SEC);
}

static void
test_answer_before_the_abandon(void **state)
{
	struct world *w = *state;

	gives_up(w, "a", 1, NINE);
	is_answered(w, 1, NINE - 1);
	assert_string_equal(shown(w), "a");
	/* logs of whole seconds */
	is_answered(w, 1, NINE);
	assert_string_equal(shown(w), "a+");
}

static void
test_gives_up_again(void **state)
{
	struct world *w = *state;

	gives_up(w, "a", 1, NINE);
	gives_up(w, "b", 1, NINE + 60 * SEC);
	/* between the two: told too late for the second, which stays */
	is_answered(w, 1, NINE + 30 * SEC);
	assert_string_equal(shown(w), "a+ b");
	is_answered(w, 1, NINE + 120 * SEC);
	assert_string_equal(shown(w), "a+ b+");
	gives_up(w, "c", 1, NINE + 180 * SEC);
	assert_string_equal(shown(w), "a+ b+ c");
	assert_int_equal(w->c.n_open, 1);
}

static void
test_withheld(void **state)
{
	struct world *w = *state;

	gives_up(w, "a", 0, NINE);
	is_answered(w, 0, NINE + SEC);
	assert_string_equal(shown(w), "a");
}

/* Who is forgotten is still to be rung back, but nobody knows who it is. */
static void
test_forgotten(void **state)
{
	static const uint8_t one[CALLBACK_CALLER_BYTES] = {1};
	struct world *w = *state;
	const struct callback *entry;
	uint64_t version;

	gives_up(w, "a", 1, NINE);
	gives_up(w, "b", 2, NINE + SEC);
	gives_up(w, "c", 1, NINE + 2 * SEC);
	is_answered(w, 1, NINE + SEC); /* after a, before c */
	version = w->c.version;
	assert_int_equal(callbacks_forget(&w->c, one), 2);
	assert_true(w->c.version > version);
	assert_string_equal(shown(w), "a+ b c");
	assert_int_equal(w->c.n_open, 2);
	TAILQ_FOREACH (entry, &w->c.all, list)
		assert_memory_not_equal(entry->caller, one, sizeof(one));
	assert_int_equal(callbacks_forget(&w->c, one), 0);
	/* neither is found any more, and both can go */
	is_answered(w, 1, NINE + 3 * SEC);
	assert_string_equal(shown(w), "a+ b c");
	is_answered(w, 2, NINE + 3 * SEC);
	callbacks_day(&w->c, TODAY + DAY);
	assert_int_equal(w->c.n, 0);
	assert_int_equal(w->c.n_open, 0);
}

static void
test_bound(void **state)
{
	struct world *w = *state;

	gives_up(w, "a", 1, NINE);
	gives_up(w, "b", 2, NINE + SEC);
	gives_up(w, "c", 3, NINE + 2 * SEC);
	gives_up(w, "d", 4, NINE + 3 * SEC);
	is_answered(w, 3, NINE + 10 * SEC);
	is_answered(w, 2, NINE + 11 * SEC);
	assert_int_equal(w->c.left_out, 0);
	gives_up(w, "e", 5, NINE + 20 * SEC);
	assert_string_equal(shown(w), "a b+ d e");
	gives_up(w, "f", 6, NINE + 21 * SEC);
	assert_string_equal(shown(w), "a d e f");
	/* nobody was through: the oldest goes, and is found no more */
	gives_up(w, "g", 7, NINE + 22 * SEC);
	assert_string_equal(shown(w), "d e f g");
	is_answered(w, 1, NINE + 30 * SEC);
	assert_string_equal(shown(w), "d e f g");
	assert_int_equal(w->c.left_out, 3);
	assert_int_equal(w->c.n, 4);
	callbacks_leave_out(&w->c, 10);
	assert_int_equal(w->c.left_out, 13);
}

static void
test_midnight(void **state)
{
	struct world *w = *state;

	gives_up(w, "yesterday", 1, TODAY + SEC); /* arrived before */
	assert_string_equal(shown(w), "");
	gives_up(w, "first", 1, TODAY + 30 * SEC);
	gives_up(w, "last", 2, TODAY + DAY - SEC);
	gives_up(w, "next", 3, TODAY + DAY + 30 * SEC);
	callbacks_leave_out(&w->c, 2);
	callbacks_day(&w->c, TODAY);
	assert_string_equal(shown(w), "first last next");
	callbacks_day(&w->c, TODAY + DAY);
	assert_string_equal(shown(w), "next");
	assert_int_equal(w->c.left_out, 0);
	assert_int_equal(w->c.n_open, 1);
	is_answered(w, 3, TODAY + DAY + 60 * SEC);
	assert_string_equal(shown(w), "next+");
	/* the clock had been ahead by a day: what comes is taken again */
	callbacks_day(&w->c, TODAY);
	gives_up(w, "again", 1, NINE);
	assert_string_equal(shown(w), "next+ again");
}

/* As loaded at a start, with what was true before it. */
static void
test_loaded(void **state)
{
	struct world *w = *state;
	const struct callback like = {.queue = w->sales,
	    .entered_us = NINE,
	    .ended_us = NINE,
	    .through_us = NINE + SEC,
	    .has_caller = true,
	    .caller = {1}};

	callbacks_add(&w->c, &like, SLICE("1.2"), "0114 496 0001");
	assert_string_equal(TAILQ_FIRST(&w->c.all)->number, "0114 496 0001");
	assert_string_equal(shown(w), "1.2+");
	assert_int_equal(w->c.n_open, 0);
	is_answered(w, 1, NINE + 2 * SEC);
	assert_int_equal(TAILQ_FIRST(&w->c.all)->through_us, NINE + SEC);
}

/* --- against a plain list ------------------------------------------------ */

#define MODEL_MAX 400

struct model {
	struct {
		int64_t ended_us, through_us;
		uint8_t caller;
	} entry[MODEL_MAX];
	size_t n, open;
};

static void
model_answer(struct model *m, uint8_t caller, int64_t t_us)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (m->entry[i].caller == caller && caller != 0 &&
		    m->entry[i].through_us == 0 && m->entry[i].ended_us <= t_us)
			m->entry[i].through_us = t_us;
}

static void
test_random(void **state)
{
	struct world *w = *state;
	struct model *m = mem_zalloc(sizeof(*m));
	const struct callback *entry;
	uint32_t random = 1;
	int64_t t_us = NINE;
	size_t i;

	callbacks_fini(&w->c);
	callbacks_init(&w->c, MODEL_MAX);
	callbacks_day(&w->c, TODAY);
	for (i = 0; i < 4 * MODEL_MAX; i++) {
		uint8_t caller;

		random = random * 1664525 + 1013904223;
		caller = (uint8_t)(random >> 24) % 40;
		t_us += (random >> 16) % 8 * SEC;
		if ((random >> 8) % 4 != 0 || m->n == MODEL_MAX) {
			is_answered(w, caller, t_us - 5 * SEC);
			model_answer(m, caller, t_us - 5 * SEC);
			continue;
		}
		gives_up(w, "x", caller, t_us);
		m->entry[m->n].caller = caller;
		m->entry[m->n++].ended_us = t_us;
	}
	i = 0;
	TAILQ_FOREACH (entry, &w->c.all, list) {
		assert_int_equal(entry->ended_us, m->entry[i].ended_us);
		assert_int_equal(entry->through_us, m->entry[i].through_us);
		m->open += m->entry[i++].through_us == 0;
	}
	assert_int_equal(i, m->n);
	assert_int_equal(w->c.n_open, m->open);
	assert_in_range(m->open, 10, m->n - 10);
	free(m);
}

#define test_in_world(name) \
	cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    test_in_world(test_not_abandoned_after_all),
	    test_in_world(test_through),
	    test_in_world(test_answer_before_the_abandon),
	    test_in_world(test_gives_up_again),
	    test_in_world(test_withheld),
	    test_in_world(test_forgotten),
	    test_in_world(test_bound),
	    test_in_world(test_midnight),
	    test_in_world(test_loaded),
	    test_in_world(test_random),
	};

	return cmocka_run_group_tests_name("callback", tests, NULL, NULL);
}
