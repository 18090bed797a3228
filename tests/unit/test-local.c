/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Local time, on the days on which clocks are changed and on others. With an
 * argument it answers "ZONE LOCAL_SECONDS" of standard input line by line, for
 * zones.py to compare with what Python knows.
 */
#include "base/base.h"
#include <setjmp.h>
#include <cmocka.h>

#include "base/local.h"

static struct local_zone *zone;

static void
zone_is(const char *name)
{
	struct err err = {.text = ""};

	local_close(zone);
	zone = local_open(name, &err);
	if (zone == NULL)
		fail_msg("%s", err.text);
}

static void
check(const char *text, enum local_result want, int64_t first, int64_t second)
{
	int64_t local, at[2];
	enum local_result got;

	assert_true(local_read(slice_of(text), '/', &local));
	got = local_find(zone, local * USEC_PER_SEC + 7, at);
	if (got != want || at[0] != first * USEC_PER_SEC + 7 ||
	    at[1] != second * USEC_PER_SEC + 7)
		fail_msg("%s: %d %" PRId64 " %" PRId64, text, (int)got, at[0],
		    at[1]);
}

static void
test_london(void **state RT_UNUSED)
{
	zone_is("Europe/London");
	check("2026/03/29 00:59:59", LOCAL_UNIQUE, 1774745999, 1774745999);
	check("2026/03/29 01:00:00", LOCAL_SKIPPED, 1774742400, 1774746000);
	check("2026/03/29 01:59:59", LOCAL_SKIPPED, 1774745999, 1774749599);
	check("2026/03/29 02:00:00", LOCAL_UNIQUE, 1774746000, 1774746000);
	check("2026/10/25 00:59:59", LOCAL_UNIQUE, 1792886399, 1792886399);
	check("2026/10/25 01:00:00", LOCAL_AMBIGUOUS, 1792886400, 1792890000);
	check("2026/10/25 01:59:59", LOCAL_AMBIGUOUS, 1792889999, 1792893599);
	check("2026/10/25 02:00:00", LOCAL_UNIQUE, 1792893600, 1792893600);
	check("2026/07/01 12:00:00", LOCAL_UNIQUE, 1782903600, 1782903600);
	check("1970/01/01 00:00:00", LOCAL_UNIQUE, -3600, -3600);
}

/* As in a log of 2017: 01:57:33 is printed, then 01:03:40. */
static void
test_los_angeles(void **state RT_UNUSED)
{
	zone_is("America/Los_Angeles");
	check("2017/11/05 00:59:59", LOCAL_UNIQUE, 1509868799, 1509868799);
	check("2017/11/05 01:57:33", LOCAL_AMBIGUOUS, 1509872253, 1509875853);
	check("2017/11/05 02:00:00", LOCAL_UNIQUE, 1509876000, 1509876000);
	check("2018/03/11 01:59:59", LOCAL_UNIQUE, 1520762399, 1520762399);
	check("2018/03/11 02:30:00", LOCAL_SKIPPED, 1520760600, 1520764200);
	check("2018/03/11 03:00:00", LOCAL_UNIQUE, 1520762400, 1520762400);
}

/* Half an hour is skipped and repeated: 02:00 to 02:30, 01:30 to 02:00. */
static void
test_lord_howe(void **state RT_UNUSED)
{
	zone_is("Australia/Lord_Howe");
	check("2026/04/05 01:29:59", LOCAL_UNIQUE, 1775312999, 1775312999);
	check("2026/04/05 01:30:00", LOCAL_AMBIGUOUS, 1775313000, 1775314800);
	check("2026/04/05 01:59:59", LOCAL_AMBIGUOUS, 1775314799, 1775316599);
	check("2026/04/05 02:00:00", LOCAL_UNIQUE, 1775316600, 1775316600);
	check("2026/10/04 01:59:59", LOCAL_UNIQUE, 1791041399, 1791041399);
	check("2026/10/04 02:00:00", LOCAL_SKIPPED, 1791039600, 1791041400);
	check("2026/10/04 02:29:59", LOCAL_SKIPPED, 1791041399, 1791043199);
	check("2026/10/04 02:30:00", LOCAL_UNIQUE, 1791041400, 1791041400);
}

/* A day that was not: 2011-12-30. */
static void
test_apia(void **state RT_UNUSED)
{
	zone_is("Pacific/Apia");
	check("2011/12/29 23:59:59", LOCAL_UNIQUE, 1325239199, 1325239199);
	check("2011/12/30 12:00:00", LOCAL_SKIPPED, 1325196000, 1325282400);
	check("2011/12/31 00:00:00", LOCAL_UNIQUE, 1325239200, 1325239200);
}

static void
test_utc(void **state RT_UNUSED)
{
	zone_is("UTC");
	check("2026/10/25 01:30:00", LOCAL_UNIQUE, 1792891800, 1792891800);
	zone_is(NULL);
	check("1969/12/31 23:59:59", LOCAL_UNIQUE, -1, -1);
}

/* Hours that share a place in the memory of hours do not mix. */
static void
test_hours_are_forgotten(void **state RT_UNUSED)
{
	int64_t at[2], summer, winter;
	int i;

	zone_is("Europe/London");
	assert_true(local_read(SLICE("2026/07/01 12:00:00"), '/', &summer));
	winter = summer + 64 * 3600 * 90; /* the same place, 240 days on */
	for (i = 0; i < 3; i++) {
		local_find(zone, summer * USEC_PER_SEC, at);
		assert_int_equal(at[0], (summer - 3600) * USEC_PER_SEC);
		local_find(zone, winter * USEC_PER_SEC, at);
		assert_int_equal(at[0], winter * USEC_PER_SEC);
	}
}

static void
test_unknown_zones(void **state RT_UNUSED)
{
	static const char *const names[] = {"", "Europe/Lundon", "Mars",
	    "Europe/L\xc3\xb8ndon",
	    ("a-name-that-is-much-longer-than-any-zone-has-"
	     "a-name-that-is-much-longer-than-any-zone-has")};
	struct err err;
	size_t i;

	for (i = 0; i < RT_COUNT(names); i++) {
		err.text[0] = '\0';
		assert_null(local_open(names[i], &err));
		assert_non_null(strstr(err.text, "is not a zone"));
	}
}

static void
test_reading(void **state RT_UNUSED)
{
	static const char *const wrong[] = {"", "2026/10/25 01:30:0",
	    "2026/10/25 01:30:000", "2026-10-25 01:30:00",
	    "2026/13/25 01:30:00", "2026/00/25 01:30:00", "2026/02/29 01:30:00",
	    "2100/02/29 01:30:00", "2026/10/00 01:30:00", "2026/10/25 24:00:00",
	    "2026/10/25 01:60:00", "2026/10/25 01:30:60", "2026/10/25 01:3a:00",
	    "2026/10/25 -1:30:00", "20 6/10/25 01:30:00"};
	int64_t local;
	size_t i;

	for (i = 0; i < RT_COUNT(wrong); i++)
		if (local_read(slice_of(wrong[i]), '/', &local))
			fail_msg("%s", wrong[i]);
	assert_true(local_read(SLICE("2000-02-29T23:59:59"), '-', &local));
	assert_int_equal(local, 951868799);
	assert_true(local_read(SLICE("0000-03-01 00:00:00"), '-', &local));
	assert_int_equal(local, INT64_C(-62162035200));
}

static int
answer(void)
{
	char name[64];
	int64_t local, at[2];
	struct err err;

	while (scanf("%63s %" SCNd64, name, &local) == 2) {
		struct local_zone *of = local_open(name, &err);

		if (of == NULL) {
			puts("unknown");
			continue;
		}
		printf("%d", (int)local_find(of, local * USEC_PER_SEC, at));
		printf(" %" PRId64 " %" PRId64 "\n", at[0] / USEC_PER_SEC,
		    at[1] / USEC_PER_SEC);
		local_close(of);
	}
	return 0;
}

static int
teardown(void **state RT_UNUSED)
{
	local_close(zone);
	return 0;
}

int
main(int argc, char **argv RT_UNUSED)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_london),
	    cmocka_unit_test(test_los_angeles),
	    cmocka_unit_test(test_lord_howe),
	    cmocka_unit_test(test_apia),
	    cmocka_unit_test(test_utc),
	    cmocka_unit_test(test_hours_are_forgotten),
	    cmocka_unit_test(test_unknown_zones),
	    cmocka_unit_test(test_reading),
	};

	if (argc > 1)
		return answer();
	return cmocka_run_group_tests_name("local", tests, NULL, teardown);
}
