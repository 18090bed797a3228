/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What agents do now: events go through the real call machine, and each rule of
 * tally/presence.h is looked at. `roll` writes a group as
 * "logged_in free talking wrapping_up paused".
 */
#include "base/base.h"
#include "base/utc.h"
#include "call/machine.h"
#include "tally/presence.h"
#include <setjmp.h>
#include <cmocka.h>

#define SEC  USEC_PER_SEC
#define NINE (INT64_C(1325494800) * SEC) /* 2012-01-02 09:00 UTC */

struct world {
	struct tally tally;
	struct machine machine;
	struct counters counters;
	struct presence_board board;
	int64_t now_us;
	int answered;
	struct visit last_answered;
};

static void
world_answered(void *ctx, struct visit *visit)
{
	struct world *w = ctx;

	w->answered++;
	w->last_answered = *visit;
}

static int
world_setup(void **state)
{
	const struct tally_config config = {
	    .interval_us = 900 * SEC, .max_queues = 10, .max_agents = 100};
	struct world *w = mem_zalloc(sizeof(*w));
	const struct machine_config machine = {.lost_after_us = 3600 * SEC,
	    .max_open = 100,
	    .answered = world_answered,
	    .ctx = w};

	w->now_us = NINE;
	tally_init(&w->tally, &config);
	machine_init(&w->machine, &machine, &w->tally);
	presence_board_init(&w->board);
	*state = w;
	return 0;
}

static int
world_teardown(void **state)
{
	struct world *w = *state;

	presence_board_fini(&w->board);
	machine_fini(&w->machine);
	tally_fini(&w->tally);
	free(w);
	return 0;
}

static void
world_event(struct world *w, struct event *ev)
{
	ev->time_us = w->now_us;
	ev->name = SLICE("");
	ev->wait_ms = ev->talk_ms = ev->ring_ms = EVENT_UNKNOWN_MS;
	machine_expect(&w->machine, ev);
	machine_event(&w->machine, ev, &w->counters);
}

static void
says(struct world *w, enum event_kind kind, const char *queue,
    const char *agent, const char *text, int64_t session_s)
{
	struct event ev = {.kind = kind,
	    .queue = slice_of(queue),
	    .agent = slice_of(agent),
	    .text = slice_of(text),
	    .session_ms = session_s < 0 ? EVENT_UNKNOWN_MS : session_s * 1000};

	world_event(w, &ev);
}

static void
calls(struct world *w, enum event_kind kind, const char *id, const char *queue,
    const char *agent)
{
	struct event ev = {.kind = kind,
	    .call = slice_of(id),
	    .queue = slice_of(queue),
	    .agent = slice_of(agent),
	    .session_ms = EVENT_UNKNOWN_MS};

	world_event(w, &ev);
}

static void
takes_call(
    struct world *w, const char *id, const char *queue, const char *agent)
{
	calls(w, EVENT_ENTER, id, queue, "");
	calls(w, EVENT_CONNECT, id, queue, agent);
}

static struct presence
of(struct world *w, const char *agent)
{
	return presence_of(tally_agent(&w->tally, slice_of(agent)), w->now_us);
}

static const char *
doing(struct world *w, const char *agent)
{
	return presence_state_name(of(w, agent).state);
}

static const char *
world_roll(const struct presence_counts *c)
{
	static char text[64];

	assert_int_equal(c->logged_in,
	    c->of[PRESENCE_FREE] + c->of[PRESENCE_TALKING] +
		c->of[PRESENCE_WRAPPING_UP] + c->of[PRESENCE_PAUSED]);
	snprintf(text, sizeof(text), "%u %u %u %u %u", c->logged_in,
	    c->of[PRESENCE_FREE], c->of[PRESENCE_TALKING],
	    c->of[PRESENCE_WRAPPING_UP], c->of[PRESENCE_PAUSED]);
	return text;
}

static void
count(struct world *w)
{
	presence_board_reset(&w->board, HASH_COUNT(w->tally.queues));
	presence_count(&w->board, &w->tally, w->now_us, NULL, NULL);
}

static const char *
roll(struct world *w, const char *queue)
{
	uint32_t id = tally_queue(&w->tally, slice_of(queue))->id;

	count(w);
	return world_roll(presence_counts(&w->board, id));
}

static const char *
total(struct world *w)
{
	count(w);
	return world_roll(&w->board.total);
}

/* --- states -------------------------------------------------------------- */

static void
test_a_day(void **state)
{
	struct world *w = *state;

	assert_string_equal(doing(w, "Jo"), "logged_off");
	says(w, EVENT_LOGIN, "sales", "Jo", "", -1);
	assert_string_equal(doing(w, "Jo"), "free");
	assert_int_equal(of(w, "Jo").since_us, NINE);
	w->now_us += 60 * SEC;
	takes_call(w, "1", "sales", "Jo");
	assert_string_equal(doing(w, "Jo"), "talking");
	assert_int_equal(of(w, "Jo").since_us, NINE + 60 * SEC);
	assert_int_equal(of(w, "Jo").talk->call->id[0], '1');
	w->now_us += 60 * SEC;
	calls(w, EVENT_COMPLETE, "1", "sales", "Jo");
	assert_string_equal(doing(w, "Jo"), "free");
	assert_int_equal(of(w, "Jo").since_us, NINE);
	says(w, EVENT_PAUSE, "", "Jo", "Lunch", -1);
	assert_string_equal(doing(w, "Jo"), "paused");
	assert_string_equal(of(w, "Jo").reason, "Lunch");
	assert_int_equal(of(w, "Jo").since_us, NINE + 120 * SEC);
	w->now_us += 60 * SEC;
	says(w, EVENT_UNPAUSE, "", "Jo", "", -1);
	assert_string_equal(doing(w, "Jo"), "free");
	assert_int_equal(of(w, "Jo").since_us, NINE);
	says(w, EVENT_LOGOFF, "sales", "Jo", "", -1);
	assert_string_equal(doing(w, "Jo"), "logged_off");
	assert_string_equal(total(w), "0 0 0 0 0");
}

static void
test_wrap_up(void **state)
{
	struct world *w = *state;

	says(w, EVENT_LOGIN, "sales", "Jo", "", -1);
	takes_call(w, "1", "sales", "Jo");
	calls(w, EVENT_COMPLETE, "1", "sales", "Jo");
	w->now_us += 2 * SEC;
	says(w, EVENT_WRAP_UP, "sales", "Jo", "", 30);
	assert_string_equal(doing(w, "Jo"), "wrapping_up");
	assert_int_equal(of(w, "Jo").since_us, NINE + 2 * SEC);
	assert_string_equal(roll(w, "sales"), "1 0 0 1 0");
	w->now_us += 30 * SEC - 1;
	assert_string_equal(doing(w, "Jo"), "wrapping_up");
	w->now_us += 1;
	assert_string_equal(doing(w, "Jo"), "free");
	assert_int_equal(of(w, "Jo").since_us, NINE);
	/* the next call ends it; and its end does not bring it back */
	says(w, EVENT_WRAP_UP, "sales", "Jo", "", 30);
	takes_call(w, "2", "sales", "Jo");
	assert_string_equal(doing(w, "Jo"), "talking");
	calls(w, EVENT_COMPLETE, "2", "sales", "Jo");
	assert_string_equal(doing(w, "Jo"), "free");
	/* who leaves does not finish off */
	says(w, EVENT_WRAP_UP, "sales", "Jo", "", 30);
	says(w, EVENT_LOGOFF, "sales", "Jo", "", -1);
	assert_string_equal(doing(w, "Jo"), "logged_off");
}

static void
test_talking_stands_above_all(void **state)
{
	struct world *w = *state;

	says(w, EVENT_LOGIN, "sales", "Jo", "", -1);
	says(w, EVENT_PAUSE, "sales", "Jo", "Admin", -1);
	takes_call(w, "1", "sales", "Jo");
	assert_string_equal(doing(w, "Jo"), "talking");
	assert_string_equal(roll(w, "sales"), "1 0 1 0 0");
	calls(w, EVENT_COMPLETE, "1", "sales", "Jo");
	assert_string_equal(roll(w, "sales"), "1 0 0 0 1");
	says(w, EVENT_WRAP_UP, "", "Jo", "", 10);
	assert_string_equal(roll(w, "sales"), "1 0 0 1 0");
	w->now_us += 10 * SEC;
	assert_string_equal(roll(w, "sales"), "1 0 0 0 1");
}

/* Two at once: an attended transfer. */
static void
test_two_conversations(void **state)
{
	struct world *w = *state;

	takes_call(w, "1", "sales", "Jo");
	w->now_us += SEC;
	takes_call(w, "2", "help", "Jo");
	assert_int_equal(of(w, "Jo").talk->call->id[0], '2');
	assert_string_equal(roll(w, "sales"), "1 0 1 0 0");
	assert_string_equal(roll(w, "help"), "1 0 1 0 0");
	assert_string_equal(total(w), "1 0 1 0 0");
	calls(w, EVENT_COMPLETE, "2", "help", "Jo");
	assert_int_equal(of(w, "Jo").talk->call->id[0], '1');
	assert_string_equal(roll(w, "help"), "0 0 0 0 0");
}

/* --- queues and groups ---------------------------------------------------- */

static void
test_three_queues_one_agent(void **state)
{
	struct world *w = *state;

	says(w, EVENT_LOGIN, "a", "Jo", "", -1);
	says(w, EVENT_LOGIN, "b", "Jo", "", -1);
	says(w, EVENT_LOGIN, "c", "Jo", "", -1);
	says(w, EVENT_LOGIN, "a", "Al", "", -1);
	assert_string_equal(roll(w, "a"), "2 2 0 0 0");
	assert_string_equal(roll(w, "c"), "1 1 0 0 0");
	assert_string_equal(total(w), "2 2 0 0 0");
	/* who talks in one is not free in another */
	takes_call(w, "1", "b", "Jo");
	assert_string_equal(roll(w, "a"), "2 1 1 0 0");
	assert_string_equal(roll(w, "c"), "1 0 1 0 0");
	assert_string_equal(total(w), "2 1 1 0 0");
}

static void
test_paused_in_some_queues(void **state)
{
	struct world *w = *state;

	says(w, EVENT_LOGIN, "a", "Jo", "", -1);
	says(w, EVENT_LOGIN, "b", "Jo", "", -1);
	says(w, EVENT_PAUSE, "a", "Jo", "Post", -1);
	assert_string_equal(roll(w, "a"), "1 0 0 0 1");
	assert_string_equal(roll(w, "b"), "1 1 0 0 0");
	assert_string_equal(total(w), "1 1 0 0 0");
	w->now_us += SEC;
	says(w, EVENT_PAUSE, "b", "Jo", "Post", -1);
	assert_string_equal(total(w), "1 0 0 0 1");
	assert_int_equal(of(w, "Jo").since_us, NINE + SEC);
	says(w, EVENT_UNPAUSE, "a", "Jo", "", -1);
	assert_string_equal(total(w), "1 1 0 0 0");
	assert_int_equal(of(w, "Jo").since_us, NINE);
}

static void
test_paused_as_a_whole(void **state)
{
	struct world *w = *state;

	says(w, EVENT_LOGIN, "", "Jo", "", -1);
	says(w, EVENT_LOGIN, "a", "Jo", "", -1);
	says(w, EVENT_PAUSE, "", "Jo", "Lunch", -1);
	assert_string_equal(roll(w, "a"), "1 0 0 0 1");
	assert_int_equal(presence_counts(&w->board, 0)->reasons[0].n, 1);
	assert_string_equal(
	    presence_counts(&w->board, 0)->reasons[0].name, "Lunch");
	says(w, EVENT_UNPAUSE, "", "Jo", "", -1);
	assert_string_equal(roll(w, "a"), "1 1 0 0 0");
}

/* A login as a whole names no queue. */
static void
test_logged_in_as_a_whole(void **state)
{
	struct world *w = *state;

	says(w, EVENT_LOGIN, "", "Jo", "", -1);
	assert_string_equal(roll(w, "a"), "0 0 0 0 0");
	assert_string_equal(total(w), "1 1 0 0 0");
	takes_call(w, "1", "a", "Jo");
	assert_string_equal(roll(w, "a"), "1 0 1 0 0");
	calls(w, EVENT_COMPLETE, "1", "a", "Jo");
	assert_string_equal(roll(w, "a"), "0 0 0 0 0");
	assert_string_equal(total(w), "1 1 0 0 0");
}

/* A member of queues.conf never logs in: seen while there is something. */
static void
test_never_logged_in(void **state)
{
	struct world *w = *state;

	takes_call(w, "1", "a", "Jo");
	assert_string_equal(roll(w, "a"), "1 0 1 0 0");
	assert_string_equal(total(w), "1 0 1 0 0");
	calls(w, EVENT_COMPLETE, "1", "a", "Jo");
	assert_string_equal(total(w), "0 0 0 0 0");
	says(w, EVENT_WRAP_UP, "a", "Jo", "", 30);
	assert_string_equal(roll(w, "a"), "1 0 0 1 0");
	w->now_us += 30 * SEC;
	says(w, EVENT_PAUSE, "a", "Jo", "Tea", -1);
	assert_string_equal(roll(w, "a"), "1 0 0 0 1");
	says(w, EVENT_UNPAUSE, "a", "Jo", "", -1);
	assert_string_equal(roll(w, "a"), "0 0 0 0 0");
}

static unsigned
groups_of(
    void *ctx, const struct queue *queue, uint32_t groups[PRESENCE_GROUPS])
{
	(void)ctx;
	groups[1] = 2;
	switch (queue->name[0]) {
	case 'a':
	case 'b':
		groups[0] = 0;
		return 2;
	case 'c':
		groups[0] = 1;
		return 2;
	default:
		return 0;
	}
}

static void
test_services(void **state)
{
	struct world *w = *state;

	says(w, EVENT_LOGIN, "a", "Jo", "", -1);
	says(w, EVENT_LOGIN, "b", "Jo", "", -1);
	says(w, EVENT_LOGIN, "c", "Jo", "", -1);
	says(w, EVENT_LOGIN, "d", "Jo", "", -1);
	says(w, EVENT_PAUSE, "a", "Jo", "", -1);
	says(w, EVENT_PAUSE, "c", "Jo", "", -1);
	presence_board_reset(&w->board, 3);
	presence_count(&w->board, &w->tally, w->now_us, groups_of, NULL);
	/* paused in one queue of the service, free in the other */
	assert_string_equal(
	    world_roll(presence_counts(&w->board, 0)), "1 1 0 0 0");
	assert_string_equal(
	    world_roll(presence_counts(&w->board, 1)), "1 0 0 0 1");
	assert_string_equal(
	    world_roll(presence_counts(&w->board, 2)), "1 1 0 0 0");
	/* a second switch adds to it */
	presence_count(&w->board, &w->tally, w->now_us, groups_of, NULL);
	assert_string_equal(
	    world_roll(presence_counts(&w->board, 0)), "2 2 0 0 0");
	assert_string_equal(world_roll(&w->board.total), "2 2 0 0 0");
}

static void
test_reasons(void **state)
{
	const struct presence_counts *c;
	struct world *w = *state;
	char name[16], reason[16];
	size_t i;

	/* Lunch and none twice, then two more than are told apart */
	for (i = 0; i < PRESENCE_REASONS + 4; i++) {
		snprintf(name, sizeof(name), "agent %zu", i);
		snprintf(reason, sizeof(reason), "r%02zu", i);
		if (i == 5 || i == 9)
			snprintf(reason, sizeof(reason), "Lunch");
		else if (i == 0 || i == 7)
			reason[0] = '\0';
		says(w, EVENT_LOGIN, "a", name, "", -1);
		says(w, EVENT_PAUSE, "a", name, reason, -1);
	}
	count(w);
	c = presence_counts(&w->board, 0);
	assert_int_equal(c->n_reasons, PRESENCE_REASONS);
	for (i = 1; i < c->n_reasons; i++)
		assert_true(
		    strcmp(c->reasons[i - 1].name, c->reasons[i].name) < 0);
	assert_string_equal(c->reasons[0].name, "");
	assert_int_equal(c->reasons[0].n, 2);
	assert_string_equal(c->reasons[1].name, "Lunch");
	assert_int_equal(c->reasons[1].n, 2);
	assert_int_equal(c->more_reasons, 2);
	assert_int_equal(c->of[PRESENCE_PAUSED], PRESENCE_REASONS + 4);
}

static void
add_queue(void *ctx, const struct queue *queue)
{
	char *text = ctx;

	size_t n = strlen(text);

	snprintf(text + n, 64 - n, "%s", queue->name);
}

static void
test_queues_of_an_agent(void **state)
{
	struct world *w = *state;
	char text[64] = "";

	says(w, EVENT_LOGIN, "a", "Jo", "", -1);
	takes_call(w, "1", "b", "Jo");
	calls(w, EVENT_COMPLETE, "1", "b", "Jo");
	takes_call(w, "2", "c", "Jo");
	presence_queues(
	    tally_agent(&w->tally, SLICE("Jo")), w->now_us, add_queue, text);
	assert_string_equal(text, "ac");
}

/* --- the machine's hook --------------------------------------------------- */

static void
test_answered_is_told_once(void **state)
{
	struct world *w = *state;

	takes_call(w, "1", "a", "Jo");
	assert_int_equal(w->answered, 1);
	assert_int_equal(w->last_answered.answered_us, NINE);
	calls(w, EVENT_CONNECT, "1", "a", "Jo");
	calls(w, EVENT_COMPLETE, "1", "a", "Jo");
	calls(w, EVENT_COMPLETE, "1", "a", "Jo");
	assert_int_equal(w->answered, 1);
	/* the answer was not written */
	calls(w, EVENT_ENTER, "2", "a", "");
	calls(w, EVENT_COMPLETE, "2", "a", "Jo");
	assert_int_equal(w->answered, 2);
	/* the arrival comes last */
	calls(w, EVENT_CONNECT, "3", "a", "Jo");
	assert_int_equal(w->answered, 2);
	calls(w, EVENT_ENTER, "3", "a", "");
	assert_int_equal(w->answered, 3);
	calls(w, EVENT_CONNECT, "3", "a", "Jo");
	assert_int_equal(w->answered, 3);
}

#define test_in_world(name) \
	cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    test_in_world(test_a_day),
	    test_in_world(test_wrap_up),
	    test_in_world(test_talking_stands_above_all),
	    test_in_world(test_two_conversations),
	    test_in_world(test_three_queues_one_agent),
	    test_in_world(test_paused_in_some_queues),
	    test_in_world(test_paused_as_a_whole),
	    test_in_world(test_logged_in_as_a_whole),
	    test_in_world(test_never_logged_in),
	    test_in_world(test_services),
	    test_in_world(test_reasons),
	    test_in_world(test_queues_of_an_agent),
	    test_in_world(test_answered_is_told_once),
	};

	return cmocka_run_group_tests_name("presence", tests, NULL, NULL);
}
