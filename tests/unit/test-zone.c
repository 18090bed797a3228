/* SPDX-License-Identifier: BSD-2-Clause */
/* Local days: their borders on days of 23, 24 and 25 hours. */
#include "base/base.h"
#include <setjmp.h>
#include <cmocka.h>

#include "base/zone.h"

#define HOUR (3600 * USEC_PER_SEC)

/* Every half hour of the day knows when it begins and ends. */
static void
check_day(int64_t starts_s, int hours)
{
	int64_t starts = starts_s * USEC_PER_SEC, next = starts + hours * HOUR;
	int64_t t;

	for (t = starts; t < next; t += HOUR / 2) {
		assert_int_equal(zone_day_start(t), starts);
		assert_int_equal(zone_day_next(t), next);
	}
	assert_int_equal(zone_day_start(next - 1), starts);
	assert_int_equal(zone_day_next(next - 1), next);
	assert_int_equal(zone_day_start(next), next);
	assert_true(zone_day_start(starts - 1) < starts);
	assert_int_equal(zone_day_next(starts - 1), starts);
}

static void
test_london(void **state RT_UNUSED)
{
	zone_set("Europe/London");
	check_day(1774656000, 24); /* 2026-03-28 00:00 GMT */
	check_day(1774742400, 23); /* 2026-03-29 00:00 GMT, BST from 01:00 */
	check_day(1774825200, 24); /* 2026-03-30 00:00 BST */
	check_day(1792882800, 25); /* 2026-10-25 00:00 BST, GMT from 02:00 */
	check_day(1792972800, 24); /* 2026-10-26 00:00 GMT */
	check_day(1798675200, 24); /* 2026-12-31: over a year's end */
}

/* Beirut's clocks go forward at midnight: the day begins at 01:00. */
static void
test_day_without_midnight(void **state RT_UNUSED)
{
	zone_set("Asia/Beirut");
	check_day(1774735200, 23); /* 2026-03-29 01:00 EEST */
}

/* Samoa left out 2011-12-30: the 31st follows the 29th. */
static void
test_day_that_was_not(void **state RT_UNUSED)
{
	zone_set("Pacific/Apia");
	check_day(1325152800, 24); /* 2011-12-29 00:00, UTC-10 */
	check_day(1325239200, 24); /* 2011-12-31 00:00, UTC+14 */
}

static void
test_utc(void **state RT_UNUSED)
{
	zone_set("UTC");
	check_day(0, 24);
	check_day(-86400, 24);
	zone_set("No/Such/Zone");
	check_day(1774742400, 24);
}

/* What all local midnights fall on; the zone of the process stays. */
static void
test_step(void **state RT_UNUSED)
{
	static const struct {
		const char *zone;
		int64_t step_s;
	} rows[] = {{"UTC", 86400}, {"Europe/London", 3600},
	    {"America/New_York", 3600}, {"America/Sao_Paulo", 10800},
	    {"Asia/Kolkata", 1800}, {"Asia/Kathmandu", 900},
	    {"Asia/Kabul", 5400}, {"Australia/Lord_Howe", 1800},
	    {"No/Such/Zone", 86400}};
	const int64_t from = 1767225600 * USEC_PER_SEC; /* 2026-01-01 */
	size_t i;

	zone_set("Europe/London");
	for (i = 0; i < RT_COUNT(rows); i++) {
		assert_int_equal(
		    zone_step(rows[i].zone, from, from + 366 * 24 * HOUR),
		    rows[i].step_s);
		assert_string_equal(getenv("TZ"), "Europe/London");
		check_day(1774742400, 23);
	}
	unsetenv("TZ");
	zone_step("Asia/Kolkata", from, from + 24 * HOUR);
	assert_null(getenv("TZ"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_london),
	    cmocka_unit_test(test_day_without_midnight),
	    cmocka_unit_test(test_day_that_was_not),
	    cmocka_unit_test(test_utc),
	    cmocka_unit_test(test_step),
	};

	return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
