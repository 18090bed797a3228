/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <math.h>
#include <setjmp.h>
#include <cmocka.h>

#include "cli/table.h"

static const struct table_column columns[] = {
    {"queue", TABLE_TEXT, 0},
    {"starts_at", TABLE_TIME, 0},
    {"offered", TABLE_INT, 0},
    {"wait_s", TABLE_DECIMAL, 1},
    {"sl_20_pct", TABLE_DECIMAL, 1},
    {"note", TABLE_TEXT, 0},
};

/* Two rows, with everything that needs care. */
static void
fill(struct table *t)
{
	table_text(t, "ctax");
	table_time(t, INT64_C(1795288500000000));
	table_int(t, 12);
	table_ms(t, 12300);
	table_real(t, 100);
	table_text(t, "=1+1");
	table_text(t, "S\xc3\xb8ren, \"B\"\n");
	table_null(t);
	table_int(t, -3);
	table_ms(t, 45);
	table_real(t, NAN);
	table_text(t, NULL);
}

static void
expect(
    enum table_format format, void (*rows)(struct table *t), const char *wanted)
{
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);
	struct table *t = table_new(to, format, columns, RT_COUNT(columns));

	rows(t);
	assert_int_equal(table_end(t, NULL), 0);
	fclose(to);
	assert_string_equal(text, wanted);
	free(text);
}

static void
test_plain(void **state RT_UNUSED)
{
	expect(TABLE_PLAIN, fill,
	    "queue                      starts_at  offered  wait_s  "
	    "sl_20_pct  note\n"
	    "ctax            2026-11-21T19:15:00Z       12    12.3  "
	    "    100.0  =1+1\n"
	    "S\xc3\xb8ren, \"B\"\\x0a                     \xe2\x80\x93"
	    "       -3     0.0          \xe2\x80\x93  \xe2\x80\x93\n");
}

static void
test_csv(void **state RT_UNUSED)
{
	expect(TABLE_CSV, fill,
	    "queue,starts_at,offered,wait_s,sl_20_pct,note\n"
	    "ctax,2026-11-21T19:15:00Z,12,12.3,100,'=1+1\n"
	    "\"S\xc3\xb8ren, \"\"B\"\"\n\",,-3,0.045,,\n");
}

static void
test_json(void **state RT_UNUSED)
{
	expect(TABLE_JSON, fill,
	    "[\n{\"queue\": \"ctax\", \"starts_at\": \"2026-11-21T19:15:00Z\", "
	    "\"offered\": 12, \"wait_s\": 12.3, \"sl_20_pct\": 100, "
	    "\"note\": \"=1+1\"},\n"
	    "{\"queue\": \"S\xc3\xb8ren, \\\"B\\\"\xef\xbf\xbd\", "
	    "\"starts_at\": null, \"offered\": -3, \"wait_s\": 0.045, "
	    "\"sl_20_pct\": null, \"note\": null}\n]\n");
}

/* One name of a switch that writes nonsense must not hide the figures. */
static void
test_long_name(void **state RT_UNUSED)
{
	static const struct table_column two[] = {
	    {"queue", TABLE_TEXT, 0}, {"offered", TABLE_INT, 0}};
	char *text = NULL, name[201], wanted[512];
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);
	struct table *t = table_new(to, TABLE_PLAIN, two, RT_COUNT(two));

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	table_text(t, "ctax");
	table_int(t, 12);
	table_text(t, name);
	table_int(t, 3);
	assert_int_equal(table_end(t, NULL), 0);
	fclose(to);
	snprintf(wanted, sizeof(wanted),
	    "%-40s  offered\n%-40s       12\n%s        3\n", "queue", "ctax",
	    name);
	assert_string_equal(text, wanted);
	free(text);
}

static void
none(struct table *t RT_UNUSED)
{
}

static void
test_no_rows(void **state RT_UNUSED)
{
	expect(TABLE_PLAIN, none,
	    "queue  starts_at  offered  wait_s  sl_20_pct  note\n");
	expect(
	    TABLE_CSV, none, "queue,starts_at,offered,wait_s,sl_20_pct,note\n");
	expect(TABLE_JSON, none, "[]\n");
}

/* What a spreadsheet takes for a formula, and what it does not. */
static void
test_csv_formulas(void **state RT_UNUSED)
{
	static const struct table_column name[] = {
	    {"name", TABLE_TEXT, 0}, {"n", TABLE_INT, 0}};
	static const char *const cases[][2] = {
	    {"=cmd", "'=cmd"},
	    {"+44", "'+44"},
	    {"-1", "'-1"},
	    {"@x", "'@x"},
	    {"\tx", "'\tx"},
	    {"\rx", "\"'\rx\""},
	    {"=\"a\"", "\"'=\"\"a\"\"\""},
	    {"a=b", "a=b"},
	    {"'", "'"},
	    {"", ""},
	};
	size_t i;

	for (i = 0; i < RT_COUNT(cases); i++) {
		char *text = NULL, wanted[64];
		size_t n = 0;
		FILE *to = open_memstream(&text, &n);
		struct table *t = table_new(to, TABLE_CSV, name, 2);

		table_text(t, cases[i][0]);
		table_int(t, -1);
		assert_int_equal(table_end(t, NULL), 0);
		fclose(to);
		snprintf(
		    wanted, sizeof(wanted), "name,n\n%s,-1\n", cases[i][1]);
		assert_string_equal(text, wanted);
		free(text);
	}
}

static void
test_write_error(void **state RT_UNUSED)
{
	static const struct table_column n[] = {{"n", TABLE_INT, 0}};
	FILE *full = fopen("/dev/full", "w");
	struct err err = {""};
	struct table *t;

	assert_non_null(full);
	t = table_new(full, TABLE_CSV, n, 1);
	table_int(t, 1);
	assert_int_equal(table_end(t, &err), -1);
	assert_string_equal(
	    err.text, "writing the output: No space left on device");
	fclose(full);
}

static void
test_format_names(void **state RT_UNUSED)
{
	assert_int_equal(table_format_parse("table"), TABLE_PLAIN);
	assert_int_equal(table_format_parse("csv"), TABLE_CSV);
	assert_int_equal(table_format_parse("json"), TABLE_JSON);
	assert_int_equal(table_format_parse("xml"), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_plain),
	    cmocka_unit_test(test_csv),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_long_name),
	    cmocka_unit_test(test_no_rows),
	    cmocka_unit_test(test_csv_formulas),
	    cmocka_unit_test(test_write_error),
	    cmocka_unit_test(test_format_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
