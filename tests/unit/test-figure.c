/* SPDX-License-Identifier: BSD-2-Clause */
/* The arithmetic of the figures, by hand and against plain search. */
#include "base/base.h"
#include <setjmp.h>
#include <cmocka.h>

#include "tally/figure.h"
#include "tally/tally.h"

/* 10 offered, 6 answered (1 s to 31 s), 3 gave up (2, 17, 40 s), 1 waits. */
static void
sum_make(struct figure_sum *sum)
{
	static const int64_t answered[] = {
	    1000, 5000, 15000, 15001, 20000, 31000};
	static const int64_t abandoned[] = {2000, 17000, 40000};
	size_t i;

	*sum = (struct figure_sum){0};
	for (i = 0; i < RT_COUNT(answered); i++) {
		sum->v[MEASURE_answered]++;
		sum->v[MEASURE_wait_answered_ms] += answered[i];
		hist_add(&sum->wait_answered, hist_bin(answered[i]), 1);
	}
	for (i = 0; i < RT_COUNT(abandoned); i++) {
		sum->v[MEASURE_abandoned]++;
		sum->v[MEASURE_wait_abandoned_ms] += abandoned[i];
		hist_add(&sum->wait_abandoned, hist_bin(abandoned[i]), 1);
	}
	sum->v[MEASURE_offered] = 10;
	sum->v[MEASURE_abandoned_short] = 1;
	sum->v[MEASURE_max_wait_ms] = 40000;
	sum->v[MEASURE_talk_ms] = 600500;
	sum->v[MEASURE_hold_ms] = 1000;
	sum->v[MEASURE_wrap_up_ms] = 60000;
}

static void
check_figure(const struct figure_sum *sum, enum figure figure, int64_t t,
    const char *want)
{
	char text[FIGURE_TEXT_MAX], name[FIGURE_NAME_MAX];

	figure_text(text, figure_value(figure, sum, t), "null");
	if (strcmp(text, want) != 0)
		fail_msg("%s is %s, not %s", figure_name(name, figure, t), text,
		    want);
}

static void
test_each_figure(void **state RT_UNUSED)
{
	struct figure_sum sum;

	sum_make(&sum);
	check_figure(&sum, FIGURE_offered, 0, "10");
	check_figure(&sum, FIGURE_waiting, 0, "1");
	check_figure(&sum, FIGURE_answered_T, 15, "3");
	check_figure(&sum, FIGURE_answered_T, 20, "5");
	check_figure(&sum, FIGURE_abandoned_T, 15, "1");
	check_figure(&sum, FIGURE_abandoned_T, 20, "2");
	check_figure(&sum, FIGURE_sl_T_offered_pct, 20, "50.0");
	check_figure(&sum, FIGURE_sl_T_answered_pct, 20, "83.3");
	check_figure(&sum, FIGURE_sl_T_excl_short_pct, 20, "55.6");
	check_figure(&sum, FIGURE_sl_T_excl_within_pct, 20, "62.5");
	check_figure(&sum, FIGURE_sl_T_incl_within_pct, 20, "70.0");
	check_figure(&sum, FIGURE_abandoned_pct, 0, "30.0");
	check_figure(&sum, FIGURE_abandoned_excl_short_pct, 0, "22.2");
	check_figure(&sum, FIGURE_wait_answered_s, 0, "87.001");
	check_figure(&sum, FIGURE_wait_abandoned_s, 0, "59.000");
	check_figure(&sum, FIGURE_max_wait_s, 0, "40.000");
	check_figure(&sum, FIGURE_asa_s, 0, "14.5");
	check_figure(&sum, FIGURE_aht_s, 0, "110.3");
	check_figure(&sum, FIGURE_p50_wait_s, 0, "15");
	check_figure(&sum, FIGURE_p90_wait_s, 0, "31");
	check_figure(&sum, FIGURE_p95_wait_s, 0, "31");
	figure_sum_fini(&sum);
}

static void
test_nothing_is_null(void **state RT_UNUSED)
{
	struct figure_sum sum = {0};
	int figure;

	for (figure = 0; figure < FIGURES; figure++) {
		struct figure_value value =
		    figure_value((enum figure)figure, &sum, 20);
		const char *unit = figure_rows[figure].unit;
		bool ratio = strcmp(unit, "%") == 0 || figure == FIGURE_asa_s ||
		    figure == FIGURE_aht_s || figure == FIGURE_p50_wait_s ||
		    figure == FIGURE_p90_wait_s || figure == FIGURE_p95_wait_s;

		assert_int_equal(value.null, ratio);
		if (!ratio)
			assert_int_equal(value.n, 0);
	}
	/* all gave up at once: short ones left out, nothing is left */
	sum.v[MEASURE_offered] = sum.v[MEASURE_abandoned] =
	    sum.v[MEASURE_abandoned_short] = 3;
	hist_add(&sum.wait_abandoned, 1, 3);
	check_figure(&sum, FIGURE_sl_T_offered_pct, 20, "0.0");
	check_figure(&sum, FIGURE_sl_T_excl_short_pct, 20, "null");
	check_figure(&sum, FIGURE_sl_T_excl_within_pct, 20, "null");
	check_figure(&sum, FIGURE_sl_T_incl_within_pct, 20, "100.0");
	check_figure(&sum, FIGURE_abandoned_excl_short_pct, 0, "null");
	figure_sum_fini(&sum);
}

/* 1/16 is 6.25 %, 3/16 18.75 %: both go up, as PostgreSQL's round() does. */
static void
test_half_goes_up(void **state RT_UNUSED)
{
	struct figure_sum sum = {0};

	sum.v[MEASURE_offered] = 16;
	sum.v[MEASURE_abandoned] = 1;
	check_figure(&sum, FIGURE_abandoned_pct, 0, "6.3");
	sum.v[MEASURE_abandoned] = 3;
	check_figure(&sum, FIGURE_abandoned_pct, 0, "18.8");
	sum.v[MEASURE_answered] = 2;
	sum.v[MEASURE_wait_answered_ms] = 500;
	hist_add(&sum.wait_answered, hist_bin(250), 2);
	check_figure(&sum, FIGURE_asa_s, 0, "0.3");
	figure_sum_fini(&sum);
}

/* A visit of which only the outcome is known: what asks for waits is silent. */
static void
test_unknown_waits(void **state RT_UNUSED)
{
	struct figure_sum sum = {0};

	sum.v[MEASURE_offered] = 4;
	sum.v[MEASURE_answered] = 2;
	sum.v[MEASURE_abandoned] = 1;
	hist_add(&sum.wait_answered, hist_bin(250), 1);
	hist_add(&sum.wait_abandoned, hist_bin(250), 1);
	check_figure(&sum, FIGURE_answered, 0, "2");
	check_figure(&sum, FIGURE_abandoned_pct, 0, "25.0");
	check_figure(&sum, FIGURE_abandoned_T, 15, "1");
	check_figure(&sum, FIGURE_answered_T, 15, "null");
	check_figure(&sum, FIGURE_sl_T_offered_pct, 15, "null");
	check_figure(&sum, FIGURE_sl_T_excl_within_pct, 15, "null");
	check_figure(&sum, FIGURE_asa_s, 0, "null");
	check_figure(&sum, FIGURE_p90_wait_s, 0, "null");
	check_figure(&sum, FIGURE_wait_answered_s, 0, "null");
	check_figure(&sum, FIGURE_wait_abandoned_s, 0, "0.000");
	check_figure(&sum, FIGURE_abandoned_short, 0, "0");
	check_figure(&sum, FIGURE_max_wait_s, 0, "null");
	hist_add(&sum.wait_answered, hist_bin(30000), 1);
	check_figure(&sum, FIGURE_max_wait_s, 0, "0.000");
	check_figure(&sum, FIGURE_sl_T_offered_pct, 15, "25.0");
	sum.v[MEASURE_abandoned] = 2;
	check_figure(&sum, FIGURE_abandoned_excl_short_pct, 0, "null");
	check_figure(&sum, FIGURE_wait_abandoned_s, 0, "null");
	check_figure(&sum, FIGURE_abandoned_short, 0, "null");
	check_figure(&sum, FIGURE_max_wait_s, 0, "null");
	check_figure(&sum, FIGURE_sl_T_answered_pct, 15, "50.0");
	figure_sum_fini(&sum);
}

/* Of no talk is known how long it was; then of one of three. */
static void
test_unknown_talks(void **state RT_UNUSED)
{
	struct figure_sum sum = {0};

	sum.v[MEASURE_offered] = sum.v[MEASURE_answered] = 2;
	sum.v[MEASURE_talk_unknown] = 2;
	check_figure(&sum, FIGURE_talk_s, 0, "null");
	check_figure(&sum, FIGURE_aht_s, 0, "null");
	sum.v[MEASURE_answered]++;
	sum.v[MEASURE_talk_ms] = 40000;
	check_figure(&sum, FIGURE_talk_s, 0, "40.000");
	check_figure(&sum, FIGURE_aht_s, 0, "40.0");
	figure_sum_fini(&sum);
}

static void
test_sums_add(void **state RT_UNUSED)
{
	struct figure_sum a, b;
	struct cell cell = {0};

	sum_make(&a);
	sum_make(&b);
	b.v[MEASURE_max_wait_ms] = 50000;
	figure_add(&a, &b);
	assert_int_equal(a.v[MEASURE_offered], 20);
	assert_int_equal(a.v[MEASURE_max_wait_ms], 50000);
	check_figure(&a, FIGURE_answered_T, 15, "6");
	cell.v[MEASURE_offered] = 1;
	cell.v[MEASURE_max_wait_ms] = 1;
	cell.v[MEASURE_answered] = 4;
	hist_add(&cell.wait_answered, 15, 4);
	figure_add_cell(&a, &cell);
	assert_int_equal(a.v[MEASURE_offered], 21);
	assert_int_equal(a.v[MEASURE_max_wait_ms], 50000);
	check_figure(&a, FIGURE_answered_T, 15, "10");
	figure_sum_reset(&a);
	assert_int_equal(hist_total(&a.wait_answered), 0);
	assert_int_equal(a.v[MEASURE_max_wait_ms], 0);
	hist_fini(&cell.wait_answered);
	figure_sum_fini(&a);
	figure_sum_fini(&b);
}

static void
test_names(void **state RT_UNUSED)
{
	char name[FIGURE_NAME_MAX];

	assert_string_equal(figure_name(name, FIGURE_sl_T_offered_pct, 20),
	    "sl_20_offered_pct");
	assert_string_equal(
	    figure_name(name, FIGURE_answered_T, 7200), "answered_7200");
	assert_string_equal(
	    figure_name(name, FIGURE_abandoned_pct, 20), "abandoned_pct");
}

/* The smallest number that plain counting finds. */
static int64_t
search(int64_t within, int64_t offered, double pct)
{
	int64_t n;

	for (n = 0; n < 100000; n++)
		if ((double)(within + n) * 100 >=
		    (double)(offered + n) * pct - 1e-9)
			return n;
	return -1;
}

static void
test_calls_to_target(void **state RT_UNUSED)
{
	static const double pcts[] = {0, 33.3, 80, 85, 85.1, 99.9, 100};
	int64_t within, offered;
	size_t i;

	for (i = 0; i < RT_COUNT(pcts); i++)
		for (offered = 0; offered <= 40; offered++)
			for (within = 0; within <= offered; within++) {
				int64_t n =
				    figure_to_target(within, offered, pcts[i]);

				assert_int_equal(
				    n, search(within, offered, pcts[i]));
				assert_int_equal(n == 0 && offered > 0,
				    figure_reaches(within, offered, pcts[i]));
			}
	assert_int_equal(figure_to_target(99, 100, 100), -1);
	assert_int_equal(figure_to_target(84, 100, 85), 7);
	assert_false(figure_reaches(0, 0, 85));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_figure),
	    cmocka_unit_test(test_nothing_is_null),
	    cmocka_unit_test(test_half_goes_up),
	    cmocka_unit_test(test_unknown_waits),
	    cmocka_unit_test(test_unknown_talks),
	    cmocka_unit_test(test_sums_add),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_calls_to_target),
	};

	return cmocka_run_group_tests_name("figure", tests, NULL, NULL);
}
