/* SPDX-License-Identifier: BSD-2-Clause */
/* What `ringtally live --contact` makes of the daemon's document. */
#include "base/base.h"

#include <setjmp.h>
#include <cmocka.h>

#include "cli/contacts_table.h"

/*
 * By hand: 8 of 10 assessed is 80 %; of the 8, 3 avoidable is 37.5 %. Over 28
 * days 20 of 100 were assessed: too few. Names hold what a spreadsheet would
 * take for a formula, and more.
 */
static const char document[] =
    "{\"time\":\"2026-11-20T14:32:07Z\",\"as_of\":\"2026-11-20T14:32:05Z\","
    "\"age_s\":2,\"stale\":false,\"min_coverage_pct\":50,"
    "\"today\":{\"contacts\":10,\"assessed\":8,\"avoidable\":3,"
    "\"not_assessed\":2,\"coverage_pct\":80.0,\"ni14_pct\":37.5,"
    "\"ni14_low_pct\":13.7,\"ni14_high_pct\":69.4,\"ni14_why\":null,"
    "\"requests\":4,\"contacts_with_request\":6,"
    "\"contacts_per_request\":2.5,\"resolved\":3,\"resolved_known\":4,"
    "\"fcr_pct\":75},"
    "\"last_28_days\":{\"contacts\":100,\"assessed\":20,\"avoidable\":9,"
    "\"not_assessed\":80,\"coverage_pct\":20,\"ni14_pct\":null,"
    "\"ni14_low_pct\":null,\"ni14_high_pct\":null,"
    "\"ni14_why\":\"only 20 % were assessed\",\"requests\":0,"
    "\"contacts_with_request\":0,\"contacts_per_request\":null,"
    "\"resolved\":0,\"resolved_known\":0,\"fcr_pct\":null},"
    "\"channels\":[{\"channel\":\"=web\",\"label\":\"Web\",\"contacts\":7}],"
    "\"services\":[{\"service\":\"Council Tax\",\"contacts\":70,"
    "\"last_7_days\":{\"contacts\":30,\"coverage_pct\":60,\"ni14_pct\":42},"
    "\"before_pct\":40.5,\"rise_points\":1.5},"
    "{\"service\":null,\"contacts\":30,\"last_7_days\":{\"contacts\":9,"
    "\"coverage_pct\":0,\"ni14_pct\":null},\"before_pct\":null,"
    "\"rise_points\":null}],"
    "\"categories\":[{\"category\":\"progress_chasing\",\"label\":\"x\","
    "\"avoidable\":true,\"contacts\":9,\"share_pct\":45,\"today\":3},"
    "{\"category\":\"not_avoidable\",\"label\":\"y\",\"avoidable\":false,"
    "\"contacts\":11,\"share_pct\":55,\"today\":5}],"
    "\"formulas\":{\"ni14_pct\":\"avoidable / assessed\","
    "\"coverage_pct\":\"assessed / contacts\"}}";

static char *
print(enum table_format format, const char *json)
{
	json_t *root = json_loads(json, 0, NULL);
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);
	struct err err;

	assert_non_null(root);
	if (contacts_table(to, format, root, &err) < 0)
		fail_msg("%s", err.text);
	fclose(to);
	json_decref(root);
	return text;
}

static void
test_people(void **state RT_UNUSED)
{
	char *text = print(TABLE_PLAIN, document);

	assert_string_equal(text,
	    "Contacts as of 2026-11-20T14:32:05Z, 2 s ago\n"
	    "\n"
	    "of            name         contacts  assessed  avoidable  "
	    "coverage_pct  ni14_pct  ni14_low_pct  ni14_high_pct  requests  "
	    "contacts_per_request  fcr_pct\n"
	    "today         \xe2\x80\x93                  10         8          "
	    "3"
	    "          80.0      37.5          13.7           69.4         4  "
	    "                2.50     75.0\n"
	    "last_28_days  \xe2\x80\x93                 100        20          "
	    "9"
	    "          20.0         \xe2\x80\x93             \xe2\x80\x93      "
	    "  "
	    "      \xe2\x80\x93         0                     \xe2\x80\x93     "
	    "   "
	    "\xe2\x80\x93\n"
	    "channel       =web                7         \xe2\x80\x93          "
	    "\xe2\x80\x93             \xe2\x80\x93         \xe2\x80\x93        "
	    " "
	    "    \xe2\x80\x93              \xe2\x80\x93         \xe2\x80\x93   "
	    "  "
	    "                \xe2\x80\x93        \xe2\x80\x93\n"
	    "service       Council Tax        70         \xe2\x80\x93          "
	    "\xe2\x80\x93             \xe2\x80\x93         \xe2\x80\x93        "
	    " "
	    "    \xe2\x80\x93              \xe2\x80\x93         \xe2\x80\x93   "
	    "  "
	    "                \xe2\x80\x93        \xe2\x80\x93\n"
	    "service       \xe2\x80\x93                  30         "
	    "\xe2\x80\x93          \xe2\x80\x93             \xe2\x80\x93       "
	    " "
	    " \xe2\x80\x93             \xe2\x80\x93              \xe2\x80\x93  "
	    "   "
	    "    \xe2\x80\x93                     \xe2\x80\x93        "
	    "\xe2\x80\x93\n"
	    "last_28_days: no ni14_pct: only 20 % were assessed\n"
	    "\n"
	    "rises        contacts  coverage_pct  ni14_pct  before_pct  "
	    "rise_points\n"
	    "Council Tax        30          60.0      42.0        40.5        "
	    "  1.5\n"
	    "\xe2\x80\x93                   9           0.0         "
	    "\xe2\x80\x93           \xe2\x80\x93            \xe2\x80\x93\n"
	    "\n"
	    "category          avoidable  contacts  share_pct  today\n"
	    "progress_chasing  yes               9       45.0      3\n"
	    "not_avoidable     no               11       55.0      5\n"
	    "\n"
	    "ni14_pct = avoidable / assessed\n"
	    "coverage_pct = assessed / contacts\n");
	free(text);
}

static void
test_csv(void **state RT_UNUSED)
{
	char *text = print(TABLE_CSV, document);

	assert_string_equal(text,
	    "of,name,contacts,assessed,avoidable,not_assessed,coverage_pct,"
	    "ni14_pct,ni14_low_pct,ni14_high_pct,requests,"
	    "contacts_with_request,contacts_per_request,resolved,"
	    "resolved_known,fcr_pct,before_pct,rise_points,ni14_why\n"
	    "today,,10,8,3,2,80,37.5,13.7,69.4,4,6,2.5,3,4,75,,,\n"
	    "last_28_days,,100,20,9,80,20,,,,0,0,,0,0,,,,"
	    "only 20 % were assessed\n"
	    "channel,'=web,7,,,,,,,,,,,,,,,,\n"
	    "service,Council Tax,70,,,,,,,,,,,,,,40.5,1.5,\n"
	    "service,,30,,,,,,,,,,,,,,,,\n");
	free(text);
}

/* What is old is said to be, in the first line. */
static void
test_old(void **state RT_UNUSED)
{
	char *text = print(TABLE_PLAIN,
	    "{\"as_of\":\"2026-11-20T14:32:05Z\",\"age_s\":300,"
	    "\"stale\":true}");

	assert_non_null(strstr(text, "14:32:05Z, 300 s ago: not up to date, "));
	free(text);
}

static void
test_no_figures(void **state RT_UNUSED)
{
	static const struct {
		const char *json, *says;
	} cases[] = {
	    {"{\"as_of\":null,\"age_s\":null,\"stale\":true}", "yet"},
	    {"{}", "can not be read"},
	    {"[]", "can not be read"},
	};
	struct err err;
	size_t i;

	for (i = 0; i < RT_COUNT(cases); i++) {
		json_t *root = json_loads(cases[i].json, 0, NULL);

		assert_int_equal(
		    contacts_table(stderr, TABLE_PLAIN, root, &err), -1);
		assert_non_null(strstr(err.text, cases[i].says));
		json_decref(root);
	}
	assert_int_equal(contacts_table(stderr, TABLE_CSV, NULL, &err), -1);
}

/* By hand: 2 of 8 are 25 %; nobody gave up, so there is no share of them. */
static void
test_inferred(void **state RT_UNUSED)
{
	json_t *root = json_loads(
	    "{\"queues\":[],\"total\":{\"today\":{\"answered\":10,"
	    "\"caller_known\":8,\"repeated\":2,\"inferred_repeat_pct\":25,"
	    "\"misrouted\":1,\"inferred_misrouted_pct\":10.0,"
	    "\"abandoned_known\":0,\"called_back\":0,"
	    "\"inferred_callback_pct\":null}}}",
	    0, NULL);
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);
	struct err err;

	assert_int_equal(contacts_table_inferred(to, root, &err), 0);
	fclose(to);
	assert_string_equal(text,
	    "\nInferred from the calls of today, and no part of ni14_pct. Who "
	    "was answered\nmay still ring again: inferred_repeat_pct is not "
	    "yet "
	    "known.\n\n"
	    "inferred                calls  of   pct\n"
	    "inferred_repeat_pct         2   8  25.0\n"
	    "inferred_misrouted_pct      1  10  10.0\n"
	    "inferred_callback_pct       0   0     \xe2\x80\x93\n");
	free(text);
	json_decref(root);
	assert_int_equal(contacts_table_inferred(stderr, NULL, &err), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_people),
	    cmocka_unit_test(test_csv),
	    cmocka_unit_test(test_old),
	    cmocka_unit_test(test_no_figures),
	    cmocka_unit_test(test_inferred),
	};

	return cmocka_run_group_tests_name("contacts table", tests, NULL, NULL);
}
