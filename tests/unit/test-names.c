/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "event/names.h"
#include <setjmp.h>
#include <cmocka.h>

struct taken {
	const char *want; /* NULL: any */
	uint64_t count;	  /* of the wanted one ... */
	int64_t last_us;
	bool unknown;
	unsigned told;
	uint64_t sum;
};

static void
taken_add(void *ctx, const struct name_count *name)
{
	struct taken *taken = ctx;

	assert_int_equal(strlen(name->name), name->len);
	assert_in_range(name->len, 1, NAMES_BYTES);
	taken->told++;
	taken->sum += name->count;
	if (taken->want != NULL && strcmp(name->name, taken->want) == 0) {
		taken->count = name->count;
		taken->last_us = name->last_us;
		taken->unknown = name->unknown;
	}
}

static struct taken
take(struct names *names, const char *want)
{
	struct taken taken = {.want = want};

	names_take(names, taken_add, &taken);
	return taken;
}

static void
test_counts(void **state)
{
	struct names names = {0};
	struct taken taken;

	(void)state;
	names_count(&names, SLICE("CONNECT"), false, 20);
	names_count(&names, SLICE("SHIFTSTART"), true, 30);
	names_count(&names, SLICE("CONNECT"), false, 10);
	taken = take(&names, "CONNECT");
	assert_int_equal(taken.told, 2);
	assert_int_equal(taken.count, 2);
	assert_int_equal(taken.last_us, 20);
	assert_false(taken.unknown);
	names_fini(&names);
}

static void
test_taken_once(void **state)
{
	struct names names = {0};
	struct taken taken;

	(void)state;
	names_count(&names, SLICE("A"), true, 20);
	names_count(&names, SLICE("B"), true, 20);
	assert_int_equal(take(&names, NULL).told, 2);
	assert_int_equal(take(&names, NULL).told, 0);
	names_count(&names, SLICE("A"), true, 15);
	taken = take(&names, "A");
	assert_int_equal(taken.told, 1);
	assert_int_equal(taken.count, 1);
	assert_int_equal(taken.last_us, 15); /* of those counted now */
	assert_true(taken.unknown);
	names_fini(&names);
}

static void
test_strange_names(void **state)
{
	struct names names = {0};
	char flood[65536];

	(void)state;
	memset(flood, 'x', sizeof(flood));
	names_count(&names, (struct slice){flood, sizeof(flood)}, true, 1);
	names_count(&names, (struct slice){flood, NAMES_BYTES}, true, 1);
	names_count(&names, (struct slice){NULL, 0}, true, 1);
	names_count(&names, SLICE("a\0b"), true, 1);
	names_count(&names, SLICE("caf\xe9"), true, 1);
	names_count(&names, SLICE("caf\xc3\xa9"), true, 1);
	flood[NAMES_BYTES] = '\0';
	assert_int_equal(take(&names, flood).count, 2);
	assert_int_equal(take(&names, flood).told, 0);
	names_count(&names, SLICE("caf\xe9"), true, 1);
	names_count(&names, SLICE(""), true, 1);
	assert_int_equal(take(&names, NAMES_EMPTY).count, 1);
	names_count(&names, SLICE("a\0b"), true, 1);
	assert_int_equal(take(&names,
			     "a\xef\xbf\xbd"
			     "b")
			     .count,
	    1);
	assert_int_equal(HASH_COUNT(names.table), 4);
	names_fini(&names);
}

static void
test_bounded(void **state)
{
	struct names names = {0};
	struct taken taken;
	char text[16];
	int i, n;

	(void)state;
	for (i = 0; i < 2 * NAMES_MAX; i++) {
		n = snprintf(text, sizeof(text), "E%d", i);
		names_count(&names, (struct slice){text, (size_t)n}, true, 1);
	}
	/* a name that has its row keeps it */
	names_count(&names, SLICE("E0"), true, 1);
	assert_int_equal(HASH_COUNT(names.table), NAMES_MAX + 1);
	taken = take(&names, NAMES_OTHERS);
	assert_int_equal(taken.count, NAMES_MAX);
	assert_int_equal(taken.sum, 2 * NAMES_MAX + 1);
	names_fini(&names);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_counts),
	    cmocka_unit_test(test_taken_once),
	    cmocka_unit_test(test_strange_names),
	    cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
