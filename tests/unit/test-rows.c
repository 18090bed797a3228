/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is declared once as a row (measures, counters) or in one array of names
 * (events, outcomes): complete, in order, and fit to be columns of SQL.
 */
#include "base/base.h"
#include "event/counters.h"
#include "event/event.h"
#include "tally/measure.h"
#include <setjmp.h>
#include <cmocka.h>

/* An identifier that SQL takes without quotes, at most 63 bytes. */
static void
check_name(const char *name)
{
	size_t n;

	assert_non_null(name);
	n = strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789");
	assert_in_range(n, 1, 63);
	assert_int_equal(name[n], '\0');
	assert_in_range(name[0], 'a', 'z');
}

static void
check_help(const char *help)
{
	size_t n = strlen(help);

	assert_true(n > 10);
	assert_in_range(help[0], 'A', 'Z');
	assert_int_equal(help[n - 1], '.');
}

static void
check_unit(const char *name, const char *unit)
{
	size_t n = strlen(name);
	bool ms = n > 3 && strcmp(name + n - 3, "_ms") == 0;

	assert_int_equal(ms, strcmp(unit, "ms") == 0);
	assert_true(unit[0] != '\0');
}

static void
check_rows(const struct measure_row *rows, int count)
{
	int i, j;

	for (i = 0; i < count; i++) {
		check_name(rows[i].name);
		check_help(rows[i].help);
		check_unit(rows[i].name, rows[i].unit);
		for (j = 0; j < i; j++)
			assert_string_not_equal(rows[i].name, rows[j].name);
	}
}

static void
test_measures(void **state)
{
	int i;

	(void)state;
	check_rows(measure_rows, MEASURES);
	assert_string_equal(measure_rows[MEASURE_offered].name, "offered");
	assert_string_equal(measure_rows[MEASURE_talk_ms].name, "talk_ms");
	for (i = 0; i < MEASURES; i++) {
		bool max = strncmp(measure_rows[i].name, "max_", 4) == 0;

		assert_int_equal(measure_rows[i].kind,
		    max ? MEASURE_KIND_MAX : MEASURE_KIND_SUM);
		assert_int_equal(
		    measure_rows[i].kind, measure_kind((enum measure)i));
	}
}

static void
test_agent_measures(void **state)
{
	int i;

	(void)state;
	check_rows(agent_measure_rows, AGENT_MEASURES);
	assert_string_equal(
	    agent_measure_rows[AGENT_login_ms].name, "login_ms");
	/* what sessions tell is kept as spans, all else is added up */
	for (i = 0; i < AGENT_MEASURES; i++)
		assert_int_equal(agent_measure_rows[i].kind,
		    i == AGENT_login_ms || i == AGENT_pause_ms
			? MEASURE_KIND_SPAN
			: MEASURE_KIND_SUM);
}

static void
test_counters(void **state)
{
	int i, j;

	(void)state;
	for (i = 0; i < COUNTERS; i++) {
		check_name(counter_rows[i].name);
		check_help(counter_rows[i].help);
		assert_true(counter_rows[i].unit[0] != '\0');
		for (j = 0; j < i; j++)
			assert_string_not_equal(
			    counter_rows[i].name, counter_rows[j].name);
	}
	assert_string_equal(
	    counter_rows[COUNTER_lost_bytes].name, "lost_bytes");
}

static void
test_event_names(void **state)
{
	int i, j;

	(void)state;
	for (i = 0; i < EVENT_KINDS; i++) {
		check_name(event_kind_name((enum event_kind)i));
		for (j = 0; j < i; j++)
			assert_string_not_equal(
			    event_kind_name((enum event_kind)i),
			    event_kind_name((enum event_kind)j));
	}
	assert_string_equal(event_kind_name(EVENT_NONE), "none");
	assert_string_equal(event_kind_name(EVENT_COMPLETE), "complete");
	assert_string_equal(event_kind_name(EVENT_WRAP_UP), "wrap_up");
	assert_string_equal(event_kind_name(EVENT_NOTE), "note");
}

static void
test_outcome_names(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < OUTCOMES; i++) {
		const char *name = outcome_name((enum outcome)i);

		check_name(name);
		assert_int_equal(outcome_parse(name), i);
	}
	/* their numbers are in databases: never another order */
	assert_int_equal(outcome_parse("waiting"), 0);
	assert_int_equal(outcome_parse("answered"), 1);
	assert_int_equal(outcome_parse("abandoned"), 2);
	assert_int_equal(outcome_parse("timed_out"), 3);
	assert_int_equal(outcome_parse("exited_key"), 4);
	assert_int_equal(outcome_parse("exited_empty"), 5);
	assert_int_equal(outcome_parse("withdrawn"), 6);
	assert_int_equal(outcome_parse("refused"), 7);
	assert_int_equal(outcome_parse("lost"), 8);
	assert_int_equal(outcome_parse("Answered"), -1);
	assert_int_equal(outcome_parse(""), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_measures),
	    cmocka_unit_test(test_agent_measures),
	    cmocka_unit_test(test_counters),
	    cmocka_unit_test(test_event_names),
	    cmocka_unit_test(test_outcome_names),
	};

	return cmocka_run_group_tests_name("rows", tests, NULL, NULL);
}
