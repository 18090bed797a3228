/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one feed could not be sure of, or has lost, and another one tells: it
 * counts as the latter says, once, for the agent as well as for the queue.
 */
#include "told.h"

static struct event
corrected_answer(int64_t at_s, int64_t wait_ms)
{
	struct event ev = told_event(EVENT_CONNECT, at_s, "a");

	ev.wait_ms = wait_ms;
	ev.agent = SLICE("Jo");
	return ev;
}

static struct event
corrected_talk(int64_t at_s, int64_t wait_ms, int64_t talk_ms)
{
	struct event ev = told_event(EVENT_COMPLETE, at_s, "a");

	ev.wait_ms = wait_ms;
	ev.talk_ms = talk_ms;
	ev.agent = SLICE("Jo");
	return ev;
}

static struct event
corrected_end(int64_t at_s, enum outcome outcome, unsigned flags)
{
	struct event ev = told_event(EVENT_LEAVE, at_s, "a");

	ev.outcome = outcome;
	ev.wait_ms = at_s * 1000;
	ev.flags = flags;
	return ev;
}

/* Both feeds have passed all that was told. */
static void
corrected_pass(struct told_to *t)
{
	told_give(t, 0, told_event(EVENT_NOTE, 800, "x"));
	told_give(t, 1, told_event(EVENT_NOTE, 801, "x"));
	told_give(t, 0, told_event(EVENT_NOTE, 802, "x"));
}

/* Answers that have ended, and nobody has told how long they were. */
static int64_t
corrected_unknown(const struct told_to *t)
{
	const struct visit *v;
	int64_t n = 0;

	TAILQ_FOREACH (v, &t->played.machine.states[VISIT_ENDED], list)
		n += v->outcome == OUTCOME_ANSWERED &&
		    v->talk_ms == EVENT_UNKNOWN_MS;
	return n;
}

static void
corrected_check(
    struct told_to *t, int64_t answered, int64_t handled, int64_t talk_ms)
{
	assert_int_equal(
	    told_sum(t, MEASURE_talk_unknown), corrected_unknown(t));
	assert_int_equal(told_sum(t, MEASURE_offered), 1);
	assert_int_equal(told_sum(t, MEASURE_answered), answered);
	assert_int_equal(told_sum(t, MEASURE_talk_ms), talk_ms);
	assert_int_equal(told_agent_sum(t, AGENT_handled), handled);
	assert_int_equal(told_agent_sum(t, AGENT_talk_ms), talk_ms);
	assert_int_equal(told_agent_sum(t, AGENT_talk_unknown),
	    handled > 0 ? corrected_unknown(t) : 0);
}

/* An answer of which the first feed was not sure, confirmed by the other. */
static void
test_unsure_answer_is_confirmed(void **state RT_UNUSED)
{
	struct event cdr =
	    told_summary(60, "a", 0, OUTCOME_ANSWERED, 20000, 40000);
	struct told_to t;
	int steps;

	cdr.flags = EVENT_UNSURE;
	for (steps = 0; steps < 2; steps++) {
		told_begin(&t, 2);
		told_give(&t, 1, cdr);
		assert_int_equal(told_agent_sum(&t, AGENT_handled), 0);
		told_give(&t, 0, told_event(EVENT_ENTER, 0, "a"));
		if (steps == 1)
			told_give(&t, 0, corrected_answer(20, 20000));
		told_give(&t, 0, corrected_talk(60, 20000, 40000));
		corrected_check(&t, 1, 1, 40000);
		corrected_pass(&t);
		corrected_check(&t, 1, 1, 40000);
		assert_int_equal(t.kept, 1);
		assert_int_equal(t.corrected, 0);
		played_fini(&t.played);
	}
}

/* One that nobody ever confirms: figures and rows agree when it is kept. */
static void
test_unsure_answer_stays(void **state RT_UNUSED)
{
	struct event cdr =
	    told_summary(60, "a", 0, OUTCOME_ANSWERED, 20000, 40000);
	struct told_to t;

	cdr.flags = EVENT_UNSURE;
	told_begin(&t, 2);
	told_give(&t, 1, cdr);
	assert_int_equal(told_sum(&t, MEASURE_talk_ms), 40000);
	assert_int_equal(told_sum(&t, MEASURE_max_wait_ms), 0);
	assert_int_equal(told_agent_sum(&t, AGENT_handled), 0);
	assert_int_equal(told_agent_sum(&t, AGENT_talk_ms), 0);
	corrected_pass(&t);
	assert_int_equal(t.kept, 1);
	assert_int_equal(told_sum(&t, MEASURE_max_wait_ms), 20000);
	corrected_check(&t, 1, 1, 40000);
	told_give(&t, 0, corrected_talk(60, 20000, 41000));
	corrected_check(&t, 1, 1, 40000);
	played_fini(&t.played);
}

/* The longest wait can not be taken back: it is that of the certain word. */
static void
test_longest_wait_is_certain(void **state RT_UNUSED)
{
	struct told_to t;

	told_begin(&t, 2);
	told_give(&t, 0, told_event(EVENT_ENTER, 0, "a"));
	told_give(&t, 1, corrected_end(40, OUTCOME_TIMED_OUT, EVENT_UNSURE));
	told_give(&t, 0, corrected_answer(20, 20000));
	told_give(&t, 0, corrected_talk(60, 20000, 40000));
	corrected_check(&t, 1, 1, 40000);
	assert_int_equal(told_sum(&t, MEASURE_timed_out), 0);
	assert_int_equal(told_sum(&t, MEASURE_max_wait_ms), 20000);
	played_fini(&t.played);
}

/* The feed that tells of a restart is ahead of the one that knows the end. */
static void
test_talk_is_lost_and_found(void **state RT_UNUSED)
{
	struct told_to t;
	int told;

	for (told = 0; told < 2; told++) {
		told_begin(&t, 2);
		told_give(&t, 1, told_event(EVENT_ENTER, 0, "a"));
		told_give(&t, 1, corrected_answer(20, 20000));
		told_give(&t, 1, told_event(EVENT_SWITCH_START, 100, ""));
		assert_int_equal(t.played.machine.in_state[VISIT_ENDED], 1);
		corrected_check(&t, 1, 1, 0);
		told_give(&t, 0, told_event(EVENT_ENTER, 0, "a"));
		told_give(&t, 0, corrected_answer(20, 20000));
		told_give(&t, 0,
		    corrected_talk(
			60, 20000, told == 0 ? 40000 : EVENT_UNKNOWN_MS));
		corrected_check(&t, 1, 1, 40000);
		told_give(&t, 0, corrected_talk(60, 20000, 40000));
		told_give(&t, 0, told_event(EVENT_SWITCH_START, 100, ""));
		corrected_check(&t, 1, 1, 40000);
		corrected_pass(&t);
		corrected_check(&t, 1, 1, 40000);
		assert_int_equal(t.kept, 1);
		played_fini(&t.played);
	}
}

/* Who answered is what only the second feed knows. */
static void
test_agent_is_told_later(void **state RT_UNUSED)
{
	struct event nobody = corrected_answer(20, 20000);
	struct told_to t;
	int ended;

	nobody.agent = SLICE("");
	for (ended = 0; ended < 2; ended++) {
		struct event end = corrected_talk(60, 20000, 40000);

		end.agent = SLICE("");
		told_begin(&t, 2);
		told_give(&t, 1, told_event(EVENT_ENTER, 0, "a"));
		told_give(&t, 1, nobody);
		if (ended == 1)
			told_give(&t, 1, end);
		told_give(&t, 0, told_event(EVENT_ENTER, 0, "a"));
		told_give(&t, 0, corrected_answer(20, 20000));
		told_give(&t, 0, corrected_talk(60, 20000, 40000));
		told_give(&t, 1, end);
		corrected_check(&t, 1, 1, 40000);
		played_fini(&t.played);
	}
}

/* What a summary does not tell of a visit that was lost stays unknown. */
static void
test_lost_then_summarised(void **state RT_UNUSED)
{
	const int64_t none = EVENT_UNKNOWN_MS;
	struct told_to t;

	told_begin(&t, 2);
	told_give(&t, 1, told_event(EVENT_ENTER, 0, "a"));
	told_give(&t, 1, told_event(EVENT_SWITCH_START, 100, ""));
	assert_int_equal(told_sum(&t, MEASURE_lost), 1);
	told_give(
	    &t, 0, told_summary(60, "a", 0, OUTCOME_ANSWERED, none, none));
	assert_int_equal(told_sum(&t, MEASURE_lost), 0);
	assert_int_equal(told_sum(&t, MEASURE_answered), 1);
	assert_int_equal(told_sum(&t, MEASURE_wait_answered_ms), 0);
	assert_int_equal(told_sum(&t, MEASURE_talk_ms), 0);
	assert_int_equal(told_agent_sum(&t, AGENT_handled), 1);
	played_fini(&t.played);
}

/*
 * The first word is no arrival, and not sure: what is certain counts, whether
 * it comes before the arrival or behind it.
 */
static void
test_unsure_before_the_arrival(void **state RT_UNUSED)
{
	struct told_to t;
	int order;

	for (order = 0; order < 4; order++) {
		told_begin(&t, 2);
		told_give(
		    &t, 1, corrected_end(40, OUTCOME_TIMED_OUT, EVENT_UNSURE));
		if (order == 0)
			told_give(&t, 0, told_event(EVENT_ENTER, 0, "a"));
		if (order <= 1) {
			told_give(
			    &t, 0, corrected_end(40, OUTCOME_ABANDONED, 0));
		} else {
			if (order == 2)
				told_give(&t, 0, corrected_answer(20, 20000));
			told_give(&t, 0, corrected_talk(60, 20000, 40000));
		}
		if (order > 0)
			told_give(&t, 0, told_event(EVENT_ENTER, 0, "a"));
		assert_int_equal(told_sum(&t, MEASURE_timed_out), 0);
		assert_int_equal(told_sum(&t, MEASURE_abandoned), order <= 1);
		corrected_check(
		    &t, order > 1, order > 1, order > 1 ? 40000 : 0);
		corrected_pass(&t);
		assert_int_equal(t.kept, 1);
		played_fini(&t.played);
	}
}

/*
 * While one feed is silent: the row of a visit of which nothing is open any
 * more is written after a minute, one of another after the window, and what
 * was open for long holds nothing else back.
 */
static void
test_rows_do_not_wait_for_silence(void **state RT_UNUSED)
{
	struct event lost = told_event(EVENT_LEAVE, 5, "open");
	struct event again = told_event(EVENT_ENTER, 0, "a");
	struct told_to t;

	lost.outcome = OUTCOME_TIMED_OUT;
	lost.flags = EVENT_UNSURE;
	again.time_us += 300 * USEC_PER_MSEC;
	told_begin(&t, 2);
	t.played.machine.config.merge_window_us = 600 * USEC_PER_SEC;
	told_give(&t, 0, told_event(EVENT_ENTER, 0, "open"));
	told_give(&t, 0, lost);
	told_give(&t, 0, told_event(EVENT_ENTER, 0, "a"));
	told_give(&t, 0, corrected_answer(20, 20000));
	told_give(&t, 0, corrected_talk(60, 20000, 40000));
	told_give(&t, 0, told_event(EVENT_NOTE, 119, ""));
	assert_int_equal(t.kept, 0);
	told_give(&t, 0, told_event(EVENT_NOTE, 121, ""));
	assert_int_equal(t.kept, 1);
	/* what is final does not become finer either */
	told_give(&t, 1, again);
	assert_int_equal(t.counters.v[COUNTER_confirmed], 1);
	assert_int_equal(
	    TAILQ_FIRST(&t.played.machine.states[VISIT_ENDED])->call->id[0],
	    'o');
	assert_int_equal(
	    TAILQ_LAST(&t.played.machine.states[VISIT_ENDED], visit_list)
		->entered_us,
	    T0_US);
	told_give(&t, 0, told_event(EVENT_NOTE, 604, ""));
	assert_int_equal(t.kept, 1);
	told_give(&t, 0, told_event(EVENT_NOTE, 606, ""));
	assert_int_equal(t.kept, 2);
	played_fini(&t.played);
}

/* What was open and is filled in waits no longer than any other. */
static void
test_rows_of_what_was_filled_in(void **state RT_UNUSED)
{
	struct told_to t;

	told_begin(&t, 2);
	told_give(&t, 0, told_event(EVENT_ENTER, 0, "a"));
	told_give(&t, 0, corrected_answer(20, 20000));
	told_give(&t, 0, told_event(EVENT_SWITCH_START, 50, ""));
	told_give(&t, 0, told_event(EVENT_NOTE, 200, ""));
	assert_int_equal(t.kept, 0);
	told_give(&t, 1, corrected_talk(40, 20000, 20000));
	told_give(&t, 0, told_event(EVENT_NOTE, 201, ""));
	assert_int_equal(t.kept, 1);
	corrected_check(&t, 1, 1, 20000);
	played_fini(&t.played);
}

/*
 * The log names the end of an optimised channel by another call's id: it is
 * that of the answer which a CDR told, and knew no length of.
 */
static void
test_end_under_another_id(void **state RT_UNUSED)
{
	struct event end = corrected_talk(60, 20000, 40000);
	struct event cdr = told_summary(
	    61, "a", 0, OUTCOME_ANSWERED, EVENT_UNKNOWN_MS, EVENT_UNKNOWN_MS);
	struct told_to t;

	cdr.flags = EVENT_UNSURE;
	cdr.agent = SLICE("PJSIP/12");
	end.call = SLICE("b");
	told_begin(&t, 2);
	told_give(&t, 1, cdr);
	assert_int_equal(told_sum(&t, MEASURE_talk_unknown), 1);
	told_give(&t, 0, told_event(EVENT_ENTER, 0, "a"));
	told_give(&t, 0, corrected_answer(20, 20000));
	told_give(&t, 0, end);
	assert_int_equal(told_sum(&t, MEASURE_talk_unknown), 0);
	assert_int_equal(t.played.machine.in_state[VISIT_EARLY], 0);
	corrected_check(&t, 1, 1, 40000);
	told_give(&t, 0, end); /* once, and no other's */
	corrected_check(&t, 1, 1, 40000);
	corrected_pass(&t);
	corrected_check(&t, 1, 1, 40000);
	played_fini(&t.played);
}

/* --- waits --------------------------------------------------------------- */

static const struct told_wait {
	int64_t log_ms, fine_ms, counts_ms; /* -1: by the feed's own steps */
} told_waits[] = {
    {20000, 20900, 20900}, /* into another second, out of the 20 s */
    {21000, 20100, 20100},
    {6000, 4990, 4990}, /* of one who hung up: a short one after all */
    {5000, 5700, 5700}, {20000, EVENT_UNKNOWN_MS, 19750},
    {20000, 19000, 20000}, /* both to the second: the longer one */
    {20400, 20300, 20400}};

/*
 * What the log and a feed with finer times say of one who arrived at 0 (the
 * latter, at 0.25) and was answered or gave up after 20 seconds.
 */
static void
corrected_tell_wait(struct told_to *t, const struct told_wait *wait,
    enum outcome outcome, bool fine)
{
	struct event enter = told_event(EVENT_ENTER, 0, "a");
	struct event end = outcome == OUTCOME_ANSWERED
	    ? corrected_answer(20, wait->log_ms)
	    : corrected_end(20, outcome, 0);

	end.wait_ms = fine ? wait->fine_ms : wait->log_ms;
	if (fine) {
		enter.time_us += 250000;
		if (end.wait_ms == EVENT_UNKNOWN_MS)
			end.time_us += 1;
	}
	told_give(t, fine, enter);
	told_give(t, fine, end);
}

static void
corrected_check_wait(
    struct told_to *t, const struct told_wait *wait, enum outcome outcome)
{
	bool answered = outcome == OUTCOME_ANSWERED;
	struct cell *cell =
	    tally_cell(tally_queue(&t->played.tally, SLICE("q")), T0_US);
	const struct hist *h =
	    answered ? &cell->wait_answered : &cell->wait_abandoned;
	int64_t at_s = (wait->counts_ms + 999) / 1000;

	assert_int_equal(cell->v[MEASURE_offered], 1);
	assert_int_equal(cell->v[MEASURE_answered], answered);
	assert_int_equal(cell->v[MEASURE_abandoned], !answered);
	assert_int_equal(cell->v[answered ? MEASURE_wait_answered_ms
					  : MEASURE_wait_abandoned_ms],
	    wait->counts_ms);
	assert_int_equal(cell->v[MEASURE_abandoned_short],
	    !answered && wait->counts_ms <= 5000);
	assert_int_equal(hist_total(h), 1);
	assert_int_equal(hist_within(h, at_s), 1);
	assert_int_equal(hist_within(h, at_s - 1), 0);
}

/* The finer wait counts, whoever tells first; in each of the figures once. */
static void
test_finer_wait_counts(void **state RT_UNUSED)
{
	static const enum outcome outcomes[] = {
	    OUTCOME_ANSWERED, OUTCOME_ABANDONED};
	struct told_to t;
	int64_t longest_ms = 0;
	size_t i;
	int turn, which;

	for (i = 0; i < RT_COUNT(told_waits) * 2; i++) {
		const struct told_wait *wait = &told_waits[i / 2];
		enum outcome outcome = outcomes[i % 2];

		for (turn = 0; turn < 2; turn++) {
			told_begin(&t, 2);
			for (which = 0; which < 2; which++)
				corrected_tell_wait(
				    &t, wait, outcome, which != turn);
			corrected_check_wait(&t, wait, outcome);
			if (turn == 0)
				longest_ms = told_sum(&t, MEASURE_max_wait_ms);
			else
				assert_int_equal(longest_ms,
				    told_sum(&t, MEASURE_max_wait_ms));
			played_fini(&t.played);
		}
	}
}

/* The longest wait, too, when one of the two feeds is not sure of the end. */
static void
test_longest_wait_of_unsure(void **state RT_UNUSED)
{
	static const struct {
		int64_t sure_ms, unsure_ms, counts_ms, longest_ms;
	} waits[] = {{31000, 30200, 30200, 31000}, /* as the log rounds it */
	    {30000, 30900, 30900, 30900},
	    {30200, 31000, 30200, 30200}, /* nobody was sure of 31 */
	    {31000, 30000, 31000, 31000}};
	const struct visit *v;
	struct told_to t;
	size_t i;
	int turn, which;

	for (i = 0; i < RT_COUNT(waits) * 2; i++) {
		turn = i % 2;
		told_begin(&t, 2);
		for (which = 0; which < 2; which++) {
			bool sure = which == turn;
			struct event end = corrected_end(
			    31, OUTCOME_TIMED_OUT, sure ? 0 : EVENT_UNSURE);

			end.wait_ms = sure ? waits[i / 2].sure_ms
					   : waits[i / 2].unsure_ms;
			told_give(&t, sure, told_event(EVENT_ENTER, 0, "a"));
			told_give(&t, sure, end);
		}
		v = TAILQ_FIRST(&t.played.machine.states[VISIT_ENDED]);
		assert_int_equal(v->wait_ms, waits[i / 2].counts_ms);
		corrected_pass(&t);
		assert_int_equal(
		    told_sum(&t, MEASURE_max_wait_ms), waits[i / 2].longest_ms);
		played_fini(&t.played);
	}
}

/* A feed that knows a finer wait is waited for, as any that may correct. */
static void
test_finer_wait_is_waited_for(void **state RT_UNUSED)
{
	struct told_to t;
	int fine;

	for (fine = 0; fine < 2; fine++) {
		told_begin(&t, 2);
		if (fine)
			t.played.machine.config.facts[1] |=
			    STAGE_KNOWS(fine_wait);
		corrected_tell_wait(
		    &t, &told_waits[0], OUTCOME_ABANDONED, false);
		told_give(&t, 0, told_event(EVENT_NOTE, 200, "x"));
		told_give(&t, 0, told_event(EVENT_NOTE, 201, "x"));
		assert_int_equal(t.kept, !fine);
		corrected_tell_wait(
		    &t, &told_waits[0], OUTCOME_ABANDONED, true);
		assert_int_equal(told_sum(&t, MEASURE_wait_abandoned_ms),
		    fine ? 20900 : 20000);
		corrected_pass(&t);
		assert_int_equal(t.kept, 1);
		played_fini(&t.played);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_unsure_answer_is_confirmed),
	    cmocka_unit_test(test_unsure_answer_stays),
	    cmocka_unit_test(test_longest_wait_is_certain),
	    cmocka_unit_test(test_talk_is_lost_and_found),
	    cmocka_unit_test(test_agent_is_told_later),
	    cmocka_unit_test(test_lost_then_summarised),
	    cmocka_unit_test(test_unsure_before_the_arrival),
	    cmocka_unit_test(test_rows_do_not_wait_for_silence),
	    cmocka_unit_test(test_rows_of_what_was_filled_in),
	    cmocka_unit_test(test_end_under_another_id),
	    cmocka_unit_test(test_finer_wait_counts),
	    cmocka_unit_test(test_longest_wait_of_unsure),
	    cmocka_unit_test(test_finer_wait_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
