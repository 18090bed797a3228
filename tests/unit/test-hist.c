/* SPDX-License-Identifier: BSD-2-Clause */
/* The histogram of waits, by hand and against an array of all its bins. */
#include "base/base.h"
#include "base/bins.h"
#include "base/hist.h"
#include <setjmp.h>
#include <cmocka.h>

static void
test_bins_hold_their_upper_edge(void **state)
{
	(void)state;
	assert_int_equal(hist_bin(-1), 0);
	assert_int_equal(hist_bin(0), 0);
	assert_int_equal(hist_bin(1), 1);
	assert_int_equal(hist_bin(999), 1);
	assert_int_equal(hist_bin(1000), 1);
	assert_int_equal(hist_bin(1001), 2);
	assert_int_equal(hist_bin(20000), 20);
	assert_int_equal(hist_bin(20001), 21);
	assert_int_equal(hist_bin(HIST_SECONDS * 1000), HIST_SECONDS);
	assert_int_equal(hist_bin(HIST_SECONDS * 1000 + 1), HIST_BINS - 1);
	assert_int_equal(hist_bin(INT64_MAX), HIST_BINS - 1);
	assert_int_equal(hist_bin(INT64_MIN), 0);
}

static void
test_within(void **state)
{
	static const int64_t waits_ms[] = {
	    0, 14999, 15000, 15001, 20000, 20001, 60000};
	struct hist h = {0};
	size_t i;

	(void)state;
	assert_int_equal(hist_within(&h, 100), 0);
	for (i = 0; i < RT_COUNT(waits_ms); i++)
		hist_add(&h, hist_bin(waits_ms[i]), 1);
	assert_int_equal(hist_within(&h, -1), 0);
	assert_int_equal(hist_within(&h, 0), 1);
	assert_int_equal(hist_within(&h, 14), 1);
	assert_int_equal(hist_within(&h, 15), 3);
	assert_int_equal(hist_within(&h, 20), 5);
	assert_int_equal(hist_within(&h, 59), 6);
	assert_int_equal(hist_within(&h, INT64_MAX), 7);
	assert_int_equal(hist_total(&h), 7);
	assert_int_equal(h.count, 61); /* no more than the span in use */
	hist_fini(&h);
	assert_int_equal(hist_total(&h), 0);
}

static void
test_percentile_is_nearest_rank(void **state)
{
	struct hist h = {0};

	(void)state;
	assert_int_equal(hist_percentile(&h, 50), -1);
	hist_add(&h, 15, 1);
	hist_add(&h, 20, 1);
	hist_add(&h, 35, 1);
	hist_add(&h, 40, 1);
	hist_add(&h, 50, 1);
	assert_int_equal(hist_percentile(&h, 5), 15);
	assert_int_equal(hist_percentile(&h, 20), 15);
	assert_int_equal(hist_percentile(&h, 30), 20);
	assert_int_equal(hist_percentile(&h, 40), 20);
	assert_int_equal(hist_percentile(&h, 50), 35);
	assert_int_equal(hist_percentile(&h, 100), 50);
	hist_add(&h, 20, -1); /* taken back */
	assert_int_equal(hist_percentile(&h, 50), 35);
	assert_int_equal(hist_percentile(&h, 25), 15);
	hist_reset(&h);
	assert_int_equal(hist_percentile(&h, 50), -1);
	hist_fini(&h);
}

/* Of these nobody knows how long they waited. */
static void
test_longer_than_two_hours(void **state)
{
	struct hist h = {0};

	(void)state;
	hist_add(&h, HIST_SECONDS, 3);
	assert_int_equal(hist_within(&h, HIST_SECONDS + 1), 3);
	hist_add(&h, hist_bin(HIST_SECONDS * 1000 + 1), 1);
	assert_int_equal(hist_within(&h, HIST_SECONDS), 3);
	assert_int_equal(hist_within(&h, HIST_SECONDS + 1), -1);
	assert_int_equal(hist_within(&h, INT64_MAX), -1);
	assert_int_equal(hist_total(&h), 4);
	assert_int_equal(hist_percentile(&h, 75), HIST_SECONDS);
	assert_int_equal(hist_percentile(&h, 76), -1);
	hist_add(&h, HIST_BINS - 1, -1);
	assert_int_equal(hist_within(&h, INT64_MAX), 3);
	assert_int_equal(hist_percentile(&h, 100), HIST_SECONDS);
	hist_fini(&h);
}

static void
test_reset_forgets(void **state)
{
	struct hist h = {0};
	int32_t cap;

	(void)state;
	hist_add(&h, 10, 5);
	hist_add(&h, 500, 5);
	cap = h.cap;
	hist_reset(&h);
	hist_add(&h, 499, 1);
	assert_int_equal(hist_total(&h), 1);
	assert_int_equal(h.low, 499);
	hist_add(&h, 11, 1);
	assert_int_equal(hist_total(&h), 2);
	assert_int_equal(h.cap, cap);
	hist_fini(&h);
}

struct model {
	int32_t bin[HIST_BINS];
};

static void
model_check(const struct model *m, const struct hist *h)
{
	int64_t sum = 0;
	int i;

	assert_true(h->count <= h->cap && h->cap <= HIST_BINS);
	for (i = 0; i < HIST_BINS; i++) {
		int32_t got = 0;

		if (h->count > 0 && i >= h->low && i < h->low + h->count)
			got = h->bin[i - h->low];
		assert_int_equal(got, m->bin[i]);
		sum += got;
		if (i % 97 == 0 || i > HIST_BINS - 3)
			assert_int_equal(hist_within(h, i),
			    i > HIST_SECONDS && got != 0 ? -1 : sum);
	}
	assert_int_equal(hist_total(h), sum);
}

/* Grows to both sides, merges into what is empty, within, beside, around. */
static void
test_against_all_bins(void **state)
{
	static struct model m[2];
	uint64_t seed = 88172645463325252U;
	int round, i;

	(void)state;
	for (round = 0; round < 60; round++) {
		struct hist h[2] = {{0}, {0}};
		int span = round % 3 == 0 ? HIST_BINS : 1 + round * 7;
		int adds = round % 5 == 4 ? 0 : 1 + round % 20;

		memset(m, 0, sizeof(m));
		for (i = 0; i < 2 * adds; i++) {
			int which = i & 1, bin, n;

			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			bin = (int)(seed >> 20) & INT_MAX;
			bin = (bin % span + which * round * 40) % HIST_BINS;
			n = (int)(seed >> 56) % 9 - 4;
			hist_add(&h[which], bin, n);
			m[which].bin[bin] += n;
		}
		model_check(&m[0], &h[0]);
		hist_merge(&h[0], &h[1]);
		for (i = 0; i < HIST_BINS; i++)
			m[0].bin[i] += m[1].bin[i];
		model_check(&m[0], &h[0]);
		model_check(&m[1], &h[1]);
		hist_reset(&h[1]);
		hist_merge(&h[1], &h[0]);
		model_check(&m[0], &h[1]);
		hist_fini(&h[0]);
		hist_fini(&h[1]);
	}
}

/* Whatever comes and goes: none of the sums falls, and the last is as high. */
static void
test_raise(void **state RT_UNUSED)
{
	static int64_t most[HIST_BINS];
	struct hist now = {0}, shown = {0};
	int i, k;

	srand(4);
	for (i = 0; i < 300; i++) {
		int bin = rand() % (i % 10 == 0 ? HIST_BINS : 60);

		hist_add(&now, bin, rand() % 7 - 3);
		hist_raise(&shown, &now);
		for (k = 0; k < HIST_BINS; k++) {
			most[k] = RT_MAX(most[k], hist_within(&now, k));
			/* of those that wait longer there are no fewer */
			if (k > 0)
				most[k] = RT_MAX(most[k], most[k - 1]);
			assert_true(hist_within(&shown, k) >= most[k]);
			assert_true(hist_within(&shown, k) <= most[k]);
		}
		for (k = 0; k < shown.count; k++)
			assert_true(shown.bin[k] >= 0);
	}
	hist_fini(&now);
	hist_fini(&shown);
}

/* The small one holds what the large one does. */
static void
test_bins(void **state RT_UNUSED)
{
	struct hist h = {0}, back = {0};
	struct bins b = {0};
	int i;

	srand(3);
	for (i = 0; i < 3000; i++) {
		int bin = rand() % (i % 10 == 0 ? HIST_BINS : 60);
		int n = i % 100 == 0 ? 700000 : rand() % 3;

		hist_add(&h, bin, n);
		bins_add(&b, bin, n);
	}
	bins_add_hist(&b, &h);
	hist_merge(&h, &h);
	bins_merge(&back, &b);
	for (i = 0; i < HIST_BINS; i++)
		assert_int_equal(hist_within(&back, i), hist_within(&h, i));
	/* one entry for each bin, but for those of more than half a million */
	assert_true(b.n < HIST_BINS / 4);
	bins_fini(&b);
	hist_fini(&h);
	hist_fini(&back);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bins_hold_their_upper_edge),
	    cmocka_unit_test(test_within),
	    cmocka_unit_test(test_percentile_is_nearest_rank),
	    cmocka_unit_test(test_longer_than_two_hours),
	    cmocka_unit_test(test_reset_forgets),
	    cmocka_unit_test(test_against_all_bins),
	    cmocka_unit_test(test_raise),
	    cmocka_unit_test(test_bins),
	};

	return cmocka_run_group_tests_name("hist", tests, NULL, NULL);
}
