/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules by which two feeds of one switch become one, each by itself. */
#include "told.h"
#include "call/merge.h"

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
		if (t.corrected > 0) {
			assert_int_equal(t.before, OUTCOME_ANSWERED);
			assert_int_equal(t.after, OUTCOME_ABANDONED);
		}
		told_give(&t, 0, told_event(EVENT_NOTE, 99, "x"));
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
told_wrap_up(int64_t at_ms)
{
	struct event ev = told_event(EVENT_WRAP_UP, 0, "");

	ev.time_us += at_ms * USEC_PER_MSEC;
	ev.agent = SLICE("Jo");
	ev.session_ms = 10000;
	return ev;
}

/* Nobody said anything for minutes; then both tell the same, in any order. */
static void
test_agents_after_a_silence(void **state RT_UNUSED)
{
	struct told_to t;
	int first;

	for (first = 0; first < 2; first++) {
		told_begin(&t, 2);
		told_give(&t, 0, told_wrap_up(0));
		told_give(&t, 1, told_wrap_up(200));
		assert_int_equal(told_sum(&t, MEASURE_wrap_up_ms), 10000);
		told_give(&t, (unsigned)first,
		    told_wrap_up(first == 0 ? 300000 : 300200));
		told_give(&t, 1 - (unsigned)first,
		    told_wrap_up(first == 0 ? 300200 : 300000));
		assert_int_equal(told_sum(&t, MEASURE_wrap_up_ms), 20000);
		told_give(&t, 0, told_wrap_up(310000));
		told_give(&t, 1, told_wrap_up(310200));
		assert_int_equal(told_sum(&t, MEASURE_wrap_up_ms), 30000);
		played_fini(&t.played);
	}
}

/* The first feed is behind and comes after: each moment is told by one. */
static void
test_agents_of_a_late_feed(void **state RT_UNUSED)
{
	struct told_to t;
	int i;

	told_begin(&t, 2);
	for (i = 0; i < 3; i++) /* both are there */
		told_give(&t, (unsigned)i % 2, told_event(EVENT_NOTE, 0, ""));
	for (i = 1; i <= 20; i++)
		told_give(&t, 1, told_wrap_up(i * 30000 + 200));
	for (i = 1; i <= 20; i++)
		told_give(&t, 0, told_wrap_up(i * 30000));
	assert_int_equal(told_sum(&t, MEASURE_wrap_up_ms), 20 * 10000);
	for (i = 21; i <= 25; i++) {
		told_give(&t, 1, told_wrap_up(i * 30000 + 200));
		told_give(&t, 0, told_wrap_up(i * 30000));
	}
	assert_int_equal(told_sum(&t, MEASURE_wrap_up_ms), 25 * 10000);
	played_fini(&t.played);
}

/* A feed that begins with what was before the other one was there. */
static void
test_agents_before_the_other_feed(void **state RT_UNUSED)
{
	struct told_to t;

	told_begin(&t, 2);
	told_give(&t, 1, told_wrap_up(600200));
	told_give(&t, 0, told_wrap_up(100000));
	told_give(&t, 0, told_wrap_up(600000));
	assert_int_equal(told_sum(&t, MEASURE_wrap_up_ms), 2 * 10000);
	told_give(&t, 0, told_wrap_up(610000));
	told_give(&t, 1, told_wrap_up(610200));
	assert_int_equal(told_sum(&t, MEASURE_wrap_up_ms), 3 * 10000);
	played_fini(&t.played);
}

/* One that was alone for an hour, and a second that tells of longer than it. */
static void
test_agents_of_a_second_feed(void **state RT_UNUSED)
{
	struct machine_feed alone = {.first_us = T0_US + 300 * USEC_PER_SEC,
	    .clock_us = T0_US + 3600 * USEC_PER_SEC};
	struct told_to t;

	told_begin(&t, 2);
	machine_restore_clock(&t.played.machine, alone.clock_us, 0, 0);
	machine_restore_feed(&t.played.machine, 0, &alone);
	told_give(&t, 1, told_wrap_up(200000));
	assert_int_equal(told_sum(&t, MEASURE_wrap_up_ms), 10000);
	told_give(&t, 1, told_wrap_up(400000));
	assert_int_equal(told_sum(&t, MEASURE_wrap_up_ms), 10000);
	played_fini(&t.played);
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

/* Two pictures at once, of a switch that both feeds have just reached. */
static void
test_pictures_of_two_feeds(void **state RT_UNUSED)
{
	struct event login = told_event(EVENT_LOGIN, 0, "");
	struct told_to t;
	int order;

	login.agent = SLICE("Jo");
	for (order = 0; order < 2; order++) {
		const struct agent *jo;

		told_begin(&t, 2);
		told_give(&t, 0, login);
		told_give(&t, 0, told_event(EVENT_ENTER, 1, "stays"));
		told_give(&t, 0, told_event(EVENT_ENTER, 2, "leaves"));
		told_give(&t, 0, told_event(EVENT_PICTURE, 60, ""));
		told_give(&t, 0, told_present(60, "stays", 1));
		login.flags = EVENT_PRESENT;
		told_give(&t, 0, login);
		login.flags = 0;
		told_give(&t, 1, told_event(EVENT_PICTURE, 61, ""));
		if (order == 1)
			told_give(&t, 1, told_event(EVENT_PICTURE_END, 62, ""));
		told_give(&t, 0, told_event(EVENT_PICTURE_END, 62, ""));
		if (order == 0)
			told_give(&t, 1, told_event(EVENT_PICTURE_END, 62, ""));
		assert_int_equal(told_sum(&t, MEASURE_lost), 1);
		assert_int_equal(t.played.machine.in_state[VISIT_WAITING], 1);
		jo = tally_agent(&t.played.tally, SLICE("Jo"));
		assert_non_null(jo->sessions);
		assert_true(jo->sessions->logged_in);
		played_fini(&t.played);
	}
}

/* The leading feed falls silent in mid-picture of another one. */
static void
test_picture_while_the_lead_changes(void **state RT_UNUSED)
{
	struct event login = told_event(EVENT_LOGIN, 0, "");
	const struct agent *jo;
	struct told_to t;

	login.agent = SLICE("Jo");
	told_begin(&t, 2);
	told_give(&t, 0, login);
	login.time_us = T0_US + 59 * USEC_PER_SEC;
	login.flags = EVENT_PRESENT;
	told_give(&t, 1, told_event(EVENT_PICTURE, 59, ""));
	told_give(&t, 1, login);
	told_give(&t, 1, told_event(EVENT_PICTURE_END, 62, ""));
	jo = tally_agent(&t.played.tally, SLICE("Jo"));
	assert_non_null(jo->sessions);
	assert_true(jo->sessions->logged_in);
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
	machine_restore_clock(m, first.clock_us, 0, 0);
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

/*
 * Of too many queues a call's was counted in "other"; after a restart, with
 * room for it, its end counts there, too, and its next queue by name.
 */
static void
test_other_has_a_name_now(void **state RT_UNUSED)
{
	struct event leave = told_event(EVENT_LEAVE, 40, "a");
	struct visit like = {.state = VISIT_WAITING,
	    .number = 1,
	    .entered_us = T0_US,
	    .touched_us = T0_US,
	    .wait_ms = EVENT_UNKNOWN_MS,
	    .talk_ms = EVENT_UNKNOWN_MS};
	struct heard heard;
	struct told_to t;
	struct machine *m = &t.played.machine;
	const struct cell *other;
	unsigned feeds;

	leave.outcome = OUTCOME_TIMED_OUT;
	leave.wait_ms = 40000;
	for (feeds = 1; feeds <= 2; feeds++) {
		told_begin(&t, feeds);
		machine_restore_clock(m, T0_US, 0, 0);
		like.heard = NULL;
		if (feeds == 2) {
			merge_told_alone(&like, 0, &heard);
			like.heard = &heard;
		}
		machine_restore(
		    m, &like, SLICE("a"), SLICE("other"), SLICE(""));
		if (feeds == 2)
			told_give(&t, 1, told_event(EVENT_ENTER, 1, "a"));
		told_give(&t, 0, leave);
		told_give(&t, 0, told_event(EVENT_ENTER, 41, "a"));
		other =
		    tally_cell(tally_queue(m->tally, SLICE("other")), T0_US);
		assert_int_equal(other->v[MEASURE_timed_out], 1);
		assert_int_equal(other->v[MEASURE_offered], 0);
		assert_int_equal(told_sum(&t, MEASURE_timed_out), 0);
		assert_int_equal(told_sum(&t, MEASURE_offered), 1);
		assert_int_equal(m->in_state[VISIT_WAITING], 1);
		assert_int_equal(t.counters.v[COUNTER_unmatched], 0);
		played_fini(&t.played);
	}
}

/* The only feed has another name now, and begins with its log anew. */
static void
test_feed_of_another_name(void **state RT_UNUSED)
{
	struct told_to t;
	struct machine *m = &t.played.machine;
	unsigned feeds;

	for (feeds = 1; feeds <= 2; feeds++) {
		told_begin(&t, feeds);
		machine_restore_clock(m, T0_US + 800 * USEC_PER_SEC, 0, 0);
		machine_restore_former(
		    m, T0_US + USEC_PER_SEC, T0_US + 800 * USEC_PER_SEC);
		told_give(&t, 0, told_event(EVENT_ENTER, 100, "a"));
		told_give(&t, 0,
		    told_summary(160, "b", 110, OUTCOME_ABANDONED, 5000, 0));
		told_give(&t, 0, told_event(EVENT_REFUSE, 120, "c"));
		told_give(&t, 0, told_wrap_up(130000));
		assert_int_equal(t.counters.v[COUNTER_late], 4);
		assert_int_equal(told_sum(&t, MEASURE_offered), 0);
		assert_int_equal(told_sum(&t, MEASURE_wrap_up_ms), 0);
		/*
		 * before it; of what is remembered, where the other one of two
		 * may be behind; and after it
		 */
		told_give(&t, 0, told_event(EVENT_ENTER, 0, "d"));
		told_give(&t, 0, told_event(EVENT_ENTER, 300, "e"));
		told_give(&t, 0, told_event(EVENT_ENTER, 850, "f"));
		assert_int_equal(told_sum(&t, MEASURE_offered), 1 + feeds);
		played_fini(&t.played);
	}
}

/*
 * Only the slower feed tells of rings, and it is behind by more than the
 * window: of calls that are forgotten, but rings that nobody has told.
 */
static void
test_rings_of_a_slow_feed(void **state RT_UNUSED)
{
	struct event ring = told_event(EVENT_RING_NO_ANSWER, 10, "a");
	struct told_to t;
	int knows;

	for (knows = 0; knows < 2; knows++) {
		told_begin(&t, 2);
		t.played.machine.config.merge_window_us = 600 * USEC_PER_SEC;
		if (knows == 0)
			t.played.machine.config.facts[1] = 0;
		told_give(&t, 1, told_event(EVENT_ENTER, 0, "a"));
		told_give(&t, 1,
		    told_summary(30, "a", 0, OUTCOME_ABANDONED, 30000, 0));
		told_give(&t, 1, told_event(EVENT_NOTE, 40, ""));
		told_give(&t, 1, told_event(EVENT_NOTE, 2000, ""));
		told_give(&t, 1, told_event(EVENT_NOTE, 2001, ""));
		assert_int_equal(t.played.machine.in_state[VISIT_ENDED], 0);
		told_give(&t, 0, told_event(EVENT_ENTER, 0, "a"));
		told_give(&t, 0, ring);
		assert_int_equal(
		    told_sum(&t, MEASURE_ring_no_answer), knows == 0);
		assert_int_equal(t.counters.v[COUNTER_late], 1 + knows);
		/* read again: it has told of it */
		told_give(&t, 0, told_event(EVENT_NOTE, 20, ""));
		told_give(&t, 0, ring);
		assert_int_equal(
		    told_sum(&t, MEASURE_ring_no_answer), knows == 0);
		played_fini(&t.played);
	}
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
	    cmocka_unit_test(test_summaries),
	    cmocka_unit_test(test_summary_is_corrected),
	    cmocka_unit_test(test_summary_ends_what_was_left),
	    cmocka_unit_test(test_agents_after_a_silence),
	    cmocka_unit_test(test_agents_of_a_late_feed),
	    cmocka_unit_test(test_agents_before_the_other_feed),
	    cmocka_unit_test(test_agents_of_a_second_feed),
	    cmocka_unit_test(test_picture),
	    cmocka_unit_test(test_picture_beside_another_feed),
	    cmocka_unit_test(test_pictures_of_two_feeds),
	    cmocka_unit_test(test_picture_while_the_lead_changes),
	    cmocka_unit_test(test_wait_began_before_feed),
	    cmocka_unit_test(test_one_becomes_two),
	    cmocka_unit_test(test_other_has_a_name_now),
	    cmocka_unit_test(test_feed_of_another_name),
	    cmocka_unit_test(test_rings_of_a_slow_feed),
	    cmocka_unit_test(test_summaries_of_two_visits),
	    cmocka_unit_test(test_finer_time_told_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
