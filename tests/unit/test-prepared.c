/* SPDX-License-Identifier: BSD-2-Clause */
/* Which statements a script prepares, uses and lets go. */
#include "base/base.h"
#include "store/prepared.h"
#include <setjmp.h>
#include <cmocka.h>

/* Adds a step with one parameter. */
static struct link_step *
add_step(struct link_script *script, const char *sql)
{
	link_add(script, sql);
	link_param(script, "x");
	return &script->step[script->n - 1];
}

static void
check_step(const struct link_script *script, int i, const char *sql,
    bool prepares, bool named)
{
	const struct link_step *step = &script->step[i];

	assert_true(i < script->n);
	assert_string_equal(step->sql, sql);
	assert_int_equal(step->prepares, prepares);
	assert_int_equal(step->name != NULL, named);
	assert_int_equal(step->n_params, named && !prepares ? 1 : 0);
}

/* BEGIN, a statement, another one. */
static void
run(struct prepared *prepared, struct link_script *script, const char *a,
    const char *b)
{
	link_script_reset(script);
	link_add(script, "BEGIN");
	add_step(script, a)->tag = "tag";
	add_step(script, b);
	prepared_script(prepared, script);
}

static void
test_prepared_once(void **state)
{
	struct prepared *prepared = prepared_new();
	struct link_script script = {0};

	(void)state;
	run(prepared, &script, "a", "b");
	assert_int_equal(script.n, 5);
	check_step(&script, 0, "BEGIN", false, false);
	check_step(&script, 1, "a", true, true);
	check_step(&script, 2, "a", false, true);
	assert_null(script.step[1].tag);
	assert_string_equal(script.step[2].tag, "tag");
	assert_string_equal(script.step[1].name, script.step[2].name);
	check_step(&script, 3, "b", true, true);
	assert_string_not_equal(script.step[1].name, script.step[3].name);
	run(prepared, &script, "b", "c");
	assert_int_equal(script.n, 4);
	check_step(&script, 1, "b", false, true);
	check_step(&script, 2, "c", true, true);
	/* another connection has none of them */
	prepared_forget(prepared);
	run(prepared, &script, "b", "b");
	assert_int_equal(script.n, 4);
	check_step(&script, 1, "b", true, true);
	check_step(&script, 3, "b", false, true);
	link_script_fini(&script);
	prepared_free(prepared);
}

static void
test_left_alone(void **state)
{
	struct prepared *prepared = prepared_new();
	struct link_script script = {0};
	struct strbuf copy = STRBUF_INIT;

	(void)state;
	add_step(&script, "optional")->optional = true;
	link_add(&script, "COPY")->copy = &copy;
	link_add_sync(&script);
	prepared_script(prepared, &script);
	assert_int_equal(script.n, 3);
	assert_null(script.step[0].name);
	assert_null(script.step[1].name);
	assert_null(script.step[2].sql);
	link_script_fini(&script);
	prepared_free(prepared);
}

/* Another text each time: the server never holds more than 32. */
static void
test_not_too_many(void **state)
{
	struct prepared *prepared = prepared_new();
	struct link_script script = {0};
	int i, held = 0, most = 0, gone = 0;
	char sql[24];

	(void)state;
	for (i = 0; i < 200; i++) {
		snprintf(sql, sizeof(sql), "statement %d", i);
		run(prepared, &script, "a", sql);
		if (strcmp(script.step[0].sql, "DEALLOCATE ALL") == 0) {
			held = 0;
			gone++;
			check_step(&script, 2, "a", true, true);
		}
		held += script.n - 3 - (held == 0 && gone > 0);
		most = RT_MAX(most, held);
	}
	assert_int_equal(most, 32);
	assert_int_equal(gone, 6);
	link_script_fini(&script);
	prepared_free(prepared);
}

static void
test_planned_anew(void **state)
{
	struct prepared *prepared = prepared_new();
	struct link_script script = {0};
	int i;

	(void)state;
	for (i = 0; i < 256; i++)
		run(prepared, &script, "a", "b");
	check_step(&script, 0, "BEGIN", false, false);
	assert_int_equal(script.n, 3);
	run(prepared, &script, "a", "b");
	check_step(&script, 0, "DEALLOCATE ALL", false, false);
	assert_int_equal(script.n, 6);
	run(prepared, &script, "a", "b");
	assert_int_equal(script.n, 3);
	link_script_fini(&script);
	prepared_free(prepared);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_prepared_once),
	    cmocka_unit_test(test_left_alone),
	    cmocka_unit_test(test_not_too_many),
	    cmocka_unit_test(test_planned_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
