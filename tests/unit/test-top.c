/* SPDX-License-Identifier: BSD-2-Clause */
/* The lists of ringtally top: columns, order, filter, cursor, what fits. */
#include "base/base.h"

#include <locale.h>
#include <setjmp.h>
#include <cmocka.h>

#include "cli/top_lines.h"
#include "cli/top_list.h"

#define QUEUE(name, sw, service, longest, offered, level, status)            \
	"{\"switch\":\"" sw "\",\"queue\":\"" name "\",\"service\":" service \
	",\"waiting\":1,\"longest_wait_s\":" longest                         \
	",\"talking\":0,\"agents\":{\"free\":2},\"status\":" status          \
	",\"today\":{\"offered\":" offered                                   \
	",\"sl_15_offered_pct\":50.0,\"sl_20_offered_pct\":" level           \
	",\"sl_20_answered_pct\":1.0,\"asa_s\":null},\"last_15m\":{},"       \
	"\"last_60m\":{}}"

static const char document[] = "[" QUEUE("ctax", "pbx1", "\"Council Tax\"",
    "65.2", "10", "80.5", "\"red\"") "," QUEUE("Benefits", "pbx1",
    "\"Council Tax\"", "3725", "30", "90",
    "\"green\"") "," QUEUE("housing", "pbx1", "null", "null", "20", "null",
    "null") "," QUEUE("ctax", "pbx2", "null", "7", "10", "85", "\"amber\"") "]";

struct fixture {
	json_t *items;
	struct top_list list;
};

static void
begin(struct fixture *f, const char *sort, bool down)
{
	f->items = json_loads(document, 0, NULL);
	assert_non_null(f->items);
	top_list_init(&f->list, "queue", sort, down);
	columns_of_queues(&f->list.columns, json_array_get(f->items, 0));
	top_list_fill(&f->list, f->items);
}

static void
end(struct fixture *f)
{
	top_list_fini(&f->list);
	json_decref(f->items);
}

/* "queue@switch ..." in the order of the rows. */
static void
expect_rows(const struct top_list *list, const char *wanted)
{
	struct strbuf text = STRBUF_INIT;
	size_t i;

	for (i = 0; i < list->n; i++)
		strbuf_addf(&text, "%s%s@%s", i > 0 ? " " : "",
		    json_string_value(json_object_get(list->rows[i], "queue")),
		    json_string_value(
			json_object_get(list->rows[i], "switch")));
	assert_string_equal(strbuf_str(&text), wanted);
	strbuf_fini(&text);
}

static void
test_order(void **state RT_UNUSED)
{
	struct fixture f;

	begin(&f, "longest_wait_s", true);
	/* who has none comes last, whichever way it is turned */
	expect_rows(&f.list, "Benefits@pbx1 ctax@pbx1 ctax@pbx2 housing@pbx1");
	f.list.down = false;
	top_list_fill(&f.list, f.items);
	expect_rows(&f.list, "ctax@pbx2 ctax@pbx1 Benefits@pbx1 housing@pbx1");
	end(&f);
	begin(&f, "queue", false);
	/* of equals the other names decide; case does not matter */
	expect_rows(&f.list, "Benefits@pbx1 ctax@pbx1 ctax@pbx2 housing@pbx1");
	end(&f);
	begin(&f, "status", true);
	expect_rows(&f.list, "ctax@pbx1 ctax@pbx2 Benefits@pbx1 housing@pbx1");
	end(&f);
	begin(&f, "sl_20_offered_pct", false);
	expect_rows(&f.list, "ctax@pbx1 ctax@pbx2 Benefits@pbx1 housing@pbx1");
	end(&f);
}

static void
test_every_column_sorts(void **state RT_UNUSED)
{
	struct fixture f;
	size_t i, n;

	begin(&f, "queue", false);
	n = f.list.columns.n;
	assert_in_range(n, 20, COLUMNS_MAX);
	for (i = 1; i <= n; i++) {
		top_list_sort_by(&f.list, 1);
		assert_string_equal(top_list_sorted_by(&f.list)->name,
		    f.list.columns.v[i % n].name);
		top_list_fill(&f.list, f.items);
		assert_int_equal(f.list.n, 4);
	}
	assert_string_equal(f.list.sort, "queue");
	assert_false(f.list.down); /* names from A */
	top_list_sort_by(&f.list, -1);
	assert_string_equal(f.list.sort, f.list.columns.v[n - 1].name);
	end(&f);
}

static void
test_thresholds_are_columns(void **state RT_UNUSED)
{
	struct fixture f;
	size_t i, found = 0;

	begin(&f, "queue", false);
	for (i = 0; i < f.list.columns.n; i++) {
		const struct column *c = &f.list.columns.v[i];

		assert_non_null(c->key);
		if (strncmp(c->name, "sl_", 3) != 0)
			continue;
		found++;
		assert_string_equal(c->group, "today");
		assert_non_null(strstr(c->key, "_offered_pct"));
	}
	assert_int_equal(found, 2); /* and not sl_20_answered_pct */
	end(&f);
}

static void
type(struct fixture *f, const char *filter)
{
	strbuf_reset(&f->list.filter);
	strbuf_adds(&f->list.filter, filter);
	top_list_fill(&f->list, f->items);
}

static void
test_filter(void **state RT_UNUSED)
{
	struct fixture f;

	begin(&f, "queue", false);
	type(&f, "CTAX");
	expect_rows(&f.list, "ctax@pbx1 ctax@pbx2");
	assert_int_equal(f.list.items, 4);
	type(&f, "council"); /* the service */
	expect_rows(&f.list, "Benefits@pbx1 ctax@pbx1");
	type(&f, "pbx2");
	expect_rows(&f.list, "ctax@pbx2");
	type(&f, "%s.*[");
	assert_int_equal(f.list.n, 0);
	assert_null(top_list_chosen(&f.list));
	type(&f, "");
	assert_int_equal(f.list.n, 4);
	end(&f);
}

static void
test_cursor_stays_with_its_row(void **state RT_UNUSED)
{
	struct fixture f;
	const json_t *chosen;

	begin(&f, "queue", false);
	top_list_move(&f.list, 2, 10);
	chosen = top_list_chosen(&f.list);
	assert_string_equal(
	    json_string_value(json_object_get(chosen, "switch")), "pbx2");
	f.list.down = true;
	top_list_fill(&f.list, f.items);
	assert_ptr_equal(top_list_chosen(&f.list), chosen);
	snprintf(f.list.sort, sizeof(f.list.sort), "offered");
	top_list_fill(&f.list, f.items);
	assert_ptr_equal(top_list_chosen(&f.list), chosen);
	/* gone from the list: one that is there, and back when it is again */
	type(&f, "housing");
	assert_non_null(top_list_chosen(&f.list));
	type(&f, "");
	assert_ptr_equal(top_list_chosen(&f.list), chosen);
	end(&f);
}

static void
test_cursor_stays_within(void **state RT_UNUSED)
{
	struct fixture f;

	begin(&f, "queue", false);
	top_list_move(&f.list, 100, 2);
	assert_int_equal(f.list.chosen, 3);
	assert_int_equal(f.list.offset, 2);
	top_list_move(&f.list, -1, 2);
	assert_int_equal(f.list.offset, 2);
	top_list_move(&f.list, -100, 2);
	assert_int_equal(f.list.chosen, 0);
	assert_int_equal(f.list.offset, 0);
	top_list_move(&f.list, 3, 2);
	top_list_scroll(&f.list, 10); /* the terminal has grown */
	assert_int_equal(f.list.offset, 0);
	top_list_empty(&f.list);
	top_list_move(&f.list, 1, 2);
	assert_null(top_list_chosen(&f.list));
	end(&f);
}

static bool
layout_has(const struct top_layout *layout, const char *name)
{
	size_t i;

	for (i = 0; i < layout->n; i++)
		if (strcmp(layout->column[i]->name, name) == 0)
			return true;
	return false;
}

static void
test_layout(void **state RT_UNUSED)
{
	struct top_layout layout;
	struct fixture f;
	size_t columns, used, i;

	begin(&f, "longest_wait_s", true);
	for (columns = 40; columns <= 300; columns++) {
		top_list_layout(&f.list, &layout, columns);
		used = layout.n - 1;
		for (i = 0; i < layout.n; i++)
			used += layout.width[i];
		assert_true(used <= columns);
		assert_string_equal(layout.column[0]->name, "queue");
		assert_true(layout_has(&layout, "waiting"));
		assert_true(layout_has(&layout, "status"));
		assert_true(layout_has(&layout, "sl_20_offered_pct"));
	}
	assert_int_equal(layout.n, f.list.columns.n);
	/* what it is sorted by is seen, whatever it costs */
	snprintf(f.list.sort, sizeof(f.list.sort), "switch");
	top_list_layout(&f.list, &layout, 60);
	assert_true(layout_has(&layout, "switch"));
	assert_false(layout_has(&layout, "aht_s"));
	end(&f);
}

static void
expect_shown(const json_t *item, const struct columns *columns,
    const char *name, const char *wanted)
{
	char buffer[COLUMN_SHOW_MAX];
	size_t i;

	for (i = 0; i < columns->n; i++)
		if (strcmp(columns->v[i].name, name) == 0) {
			assert_string_equal(column_show(&columns->v[i], item,
						buffer, sizeof(buffer)),
			    wanted);
			return;
		}
	fail_msg("no column %s", name);
}

static void
test_values(void **state RT_UNUSED)
{
	struct fixture f;
	const json_t *item;

	begin(&f, "queue", false);
	item = json_array_get(f.items, 1);
	expect_shown(item, &f.list.columns, "longest_wait_s", "1:02:05");
	expect_shown(item, &f.list.columns, "free", "2");
	expect_shown(item, &f.list.columns, "offered", "30");
	expect_shown(item, &f.list.columns, "sl_20_offered_pct", "90.0");
	expect_shown(item, &f.list.columns, "asa_s", "-");
	expect_shown(item, &f.list.columns, "status", "green");
	item = json_array_get(f.items, 0);
	expect_shown(item, &f.list.columns, "longest_wait_s", "1:05");
	item = json_array_get(f.items, 2);
	expect_shown(item, &f.list.columns, "longest_wait_s", "-");
	expect_shown(item, &f.list.columns, "service", "-");
	expect_shown(NULL, &f.list.columns, "waiting", "-");
	end(&f);
}

static void
test_clock(void **state RT_UNUSED)
{
	char buffer[TOP_CLOCK_MAX];

	setenv("TZ", "Europe/London", 1);
	tzset();
	assert_string_equal(
	    top_clock(buffer, sizeof(buffer), "2026-11-21T12:00:03.250000Z"),
	    "12:00:03");
	assert_string_equal(
	    top_clock(buffer, sizeof(buffer), "2026-07-01T12:00:03Z"),
	    "13:00:03");
	assert_string_equal(top_clock(buffer, sizeof(buffer), "soon"), "-");
	assert_string_equal(top_clock(buffer, sizeof(buffer), NULL), "-");
}

static bool
lines_have(const struct top_lines *lines, const char *text)
{
	size_t i;

	for (i = 0; i < lines->n; i++)
		if (strstr(lines->v[i].text, text) != NULL)
			return true;
	return false;
}

/* Names of callers, agents and reasons come from the switch, too. */
static void
test_queue_page_is_clean(void **state RT_UNUSED)
{
	json_t *snapshot = json_pack("{s:[{s:s, s:s, s:n, s:{s:{s:i}}}]}",
	    "queues", "queue", "q\033]0;x\007", "switch", "p", "service",
	    "agents", "paused_by_reason", "\033[2J", 1);
	json_t *calls = json_pack("{s:[{s:s, s:s, s:f, s:s}]}", "calls",
	    "state", "waiting", "call_id", "id\033c", "wait_s", 65.0,
	    "entered_at", "2026-11-21T12:00:03Z");
	json_t *agents = json_pack("{s:[{s:s, s:s, s:s}]}", "agents", "agent",
	    "Jo\x1b[7m", "state", "paused", "reason", "Tea\n");
	struct top_lines lines = {0};
	size_t i;

	assert_non_null(snapshot);
	assert_non_null(calls);
	assert_non_null(agents);
	top_lines_queue(&lines, "q\033]0;x\007", snapshot, calls, agents);
	for (i = 0; i < lines.n; i++)
		assert_int_equal(strcspn(lines.v[i].text, "\033\007\n\r\x7f"),
		    strlen(lines.v[i].text));
	assert_true(lines_have(&lines, "id\\x1bc"));
	assert_true(lines_have(&lines, "Jo\\x1b[7m"));
	assert_true(lines_have(&lines, "\\x1b[2J: 1"));
	assert_true(lines_have(&lines, "Tea\\x0a"));
	assert_true(lines_have(&lines, "WAITING (1)"));
	assert_true(lines_have(&lines, "1:05"));
	top_lines_queue(&lines, "q", NULL, NULL, NULL);
	assert_int_equal(lines.n, 1);
	assert_true(lines_have(&lines, "waiting for its figures"));
	top_lines_fini(&lines);
	json_decref(snapshot);
	json_decref(calls);
	json_decref(agents);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_every_column_sorts),
	    cmocka_unit_test(test_thresholds_are_columns),
	    cmocka_unit_test(test_filter),
	    cmocka_unit_test(test_cursor_stays_with_its_row),
	    cmocka_unit_test(test_cursor_stays_within),
	    cmocka_unit_test(test_layout),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_clock),
	    cmocka_unit_test(test_queue_page_is_clean),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
