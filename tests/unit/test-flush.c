/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * On the way from the tally into a statement: cells come in the order of their
 * keys, and columns that move nothing are left out.
 */
#include "base/base.h"
#include "store/rows.h"
#include "tally/tally.h"
#include <setjmp.h>
#include <cmocka.h>

static const struct table table = {
    .name = "t",
    .sorted = true,
    .n_columns = 6,
    .column = {{"k", COLUMN_TEXT, COLUMN_KEY, NULL},
	{"n", COLUMN_INT8, COLUMN_ADD, NULL},
	{"m", COLUMN_INT8, COLUMN_MAX, NULL},
	{"h", COLUMN_BINS, COLUMN_HIST, "integer[]"},
	{"s", COLUMN_INT8, COLUMN_SET, NULL},
	{"o", COLUMN_TIME, COLUMN_ONCE, NULL}},
};

static void
add_row(struct rows *rows, int64_t n, int64_t m, int waits)
{
	struct hist hist = {0};

	hist_add(&hist, 3, 1);
	hist_add(&hist, 3, waits - 1);
	rows_text(rows, SLICE("key"));
	rows_int(rows, n);
	rows_int(rows, m);
	rows_hist(rows, &hist);
	rows_int(rows, 0);
	rows_time(rows, 0);
	rows_end(rows);
	hist_fini(&hist);
}

static void
check_sql(const struct rows *rows, const char *wanted)
{
	char *sql = rows_sql(rows);

	assert_string_equal(sql, wanted);
	free(sql);
}

static void
test_all_columns(void **state)
{
	struct rows rows;

	(void)state;
	rows_init(&rows, &table);
	add_row(&rows, 1, 0, 0);
	add_row(&rows, 0, -7, 1);
	check_sql(&rows,
	    "INSERT INTO ringtally.t AS t (site, k, n, m, h, s, o) "
	    "SELECT $1::text, u.k, u.n, u.m, u.h::integer[], u.s, u.o "
	    "FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::text[], "
	    "$6::bigint[], $7::timestamptz[]) AS u(k, n, m, h, s, o) "
	    "ON CONFLICT (site, k) DO UPDATE SET n = t.n + excluded.n, "
	    "m = greatest(t.m, excluded.m), h = CASE WHEN excluded.h IS NULL "
	    "THEN t.h ELSE ringtally.hist_add(t.h, excluded.h) END, "
	    "s = excluded.s");
	rows_fini(&rows);
}

static void
test_columns_left_out(void **state)
{
	struct rows rows;

	(void)state;
	rows_init(&rows, &table);
	add_row(&rows, 1, 1, 1);
	/* what the batch before moved counts no more */
	rows_reset(&rows, 0);
	add_row(&rows, 0, 0, 0);
	assert_false(rows_has(&rows, 1));
	assert_false(rows_has(&rows, 2));
	assert_false(rows_has(&rows, 3));
	check_sql(&rows,
	    "INSERT INTO ringtally.t AS t (site, k, s, o) "
	    "SELECT $1::text, u.k, u.s, u.o "
	    "FROM unnest($2::text[], $3::bigint[], $4::timestamptz[]) "
	    "AS u(k, s, o) ON CONFLICT (site, k) DO UPDATE SET s = excluded.s");
	rows_fini(&rows);
}

static void
test_sorts_what_is_not_sorted(void **state)
{
	static const struct table keys = {.name = "t",
	    .n_columns = 1,
	    .column = {{"k", COLUMN_TEXT, COLUMN_KEY, NULL}}};
	struct rows rows;

	(void)state;
	rows_init(&rows, &keys);
	rows_text(&rows, SLICE("key"));
	rows_end(&rows);
	check_sql(&rows,
	    "INSERT INTO ringtally.t AS t (site, k) SELECT $1::text, u.k "
	    "FROM unnest($2::text[]) AS u(k) ORDER BY u.k COLLATE \"C\" "
	    "ON CONFLICT (site, k) DO NOTHING");
	rows_fini(&rows);
}

/* What is there is updated, and only the rest is inserted. */
static void
test_updates_what_is_there(void **state)
{
	static const struct table grown = {.name = "t",
	    .sorted = true,
	    .grown = true,
	    .n_columns = 4,
	    .column = {{"j", COLUMN_TIME, COLUMN_KEY, NULL},
		{"k", COLUMN_TEXT, COLUMN_KEY, NULL},
		{"n", COLUMN_INT8, COLUMN_ADD, NULL},
		{"h", COLUMN_BINS, COLUMN_HIST, "integer[]"}}};
	struct hist hist = {0};
	struct rows rows;

	(void)state;
	hist_add(&hist, 3, 1);
	rows_init(&rows, &grown);
	rows_time(&rows, 0);
	rows_text(&rows, SLICE("key"));
	rows_int(&rows, 1);
	rows_hist(&rows, &hist);
	rows_end(&rows);
	check_sql(&rows,
	    "WITH old AS (UPDATE ringtally.t AS t SET n = t.n + u.n, "
	    "h = CASE WHEN u.h::integer[] IS NULL THEN t.h "
	    "ELSE ringtally.hist_add(t.h, u.h::integer[]) END "
	    "FROM unnest((SELECT $2::timestamptz[]), (SELECT $3::text[]), "
	    "(SELECT $4::bigint[]), (SELECT $5::text[])) AS u(j, k, n, h) "
	    "WHERE t.site = $1::text AND t.j = u.j AND t.k = u.k "
	    "RETURNING t.j, t.k) "
	    "INSERT INTO ringtally.t AS t (site, j, k, n, h) "
	    "SELECT $1::text, u.j, u.k, u.n, u.h::integer[] "
	    "FROM unnest($2::timestamptz[], $3::text[], $4::bigint[], "
	    "$5::text[]) AS u(j, k, n, h) "
	    "WHERE (SELECT count(*) FROM old) < cardinality($2::timestamptz[]) "
	    "AND (u.j, u.k) NOT IN (SELECT j, k FROM old) "
	    "ON CONFLICT (site, j, k) DO UPDATE SET n = t.n + excluded.n, "
	    "h = CASE WHEN excluded.h IS NULL THEN t.h "
	    "ELSE ringtally.hist_add(t.h, excluded.h) END");
	/* nothing to update: none is looked for */
	rows_reset(&rows, 0);
	rows_time(&rows, 0);
	rows_text(&rows, SLICE("key"));
	rows_int(&rows, 0);
	hist_add(&hist, 3, -1);
	rows_hist(&rows, &hist);
	rows_end(&rows);
	check_sql(&rows,
	    "INSERT INTO ringtally.t AS t (site, j, k) "
	    "SELECT $1::text, u.j, u.k "
	    "FROM unnest($2::timestamptz[], $3::text[]) AS u(j, k) "
	    "ON CONFLICT (site, j, k) DO NOTHING");
	rows_fini(&rows);
	hist_fini(&hist);
}

/* What PostgreSQL documents of COPY's binary format, byte by byte. */
static void
test_copy(void **state)
{
	static const char wanted[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
				     "\0\003\0\0\0\004here\0\0\0\003key"
				     "\0\0\0\044\0\0\0\001\0\0\0\0\0\0\0\027"
				     "\0\0\0\002\0\0\0\003\0\0\0\004\0\0\0\002"
				     "\0\0\0\004\0\0\0\001\377\377";
	static const struct table bins = {.name = "t",
	    .n_columns = 2,
	    .column = {{"k", COLUMN_TEXT, COLUMN_KEY, NULL},
		{"h", COLUMN_BINS, COLUMN_HIST, "integer[]"}}};
	struct hist hist = {0};
	struct rows rows;

	(void)state;
	hist_add(&hist, 3, 2);
	hist_add(&hist, 4, 1);
	hist_add(&hist, 9, 1);
	hist_add(&hist, 9, -1);
	rows_init_copy(&rows, &bins, "here");
	rows_text(&rows, SLICE("key"));
	rows_hist(&rows, &hist);
	rows_end(&rows);
	rows_close(&rows);
	rows_close(&rows);
	check_sql(
	    &rows, "COPY ringtally.t (site, k, h) FROM STDIN (FORMAT binary)");
	assert_int_equal(rows.column[0].n, sizeof(wanted) - 1);
	assert_memory_equal(rows.column[0].p, wanted, sizeof(wanted) - 1);
	hist_fini(&hist);
	rows_fini(&rows);
}

struct taken {
	char text[256];
	size_t n;
};

static void
take_cell(void *ctx, const struct cell *cell)
{
	struct taken *t = ctx;

	t->n += (size_t)snprintf(t->text + t->n, sizeof(t->text) - t->n,
	    "%s@%d ", cell->queue->name,
	    (int)(cell->starts_us / (900 * USEC_PER_SEC)));
}

static void
take_agent_cell(void *ctx, const struct agent_cell *cell)
{
	struct taken *t = ctx;

	t->n += (size_t)snprintf(t->text + t->n, sizeof(t->text) - t->n,
	    "%s/%s@%d ", cell->agent->name,
	    cell->queue != NULL ? cell->queue->name : "",
	    (int)(cell->key.starts_us / (900 * USEC_PER_SEC)));
}

static void
book(struct tally *t, const char *queue, int interval)
{
	tally_book(t,
	    tally_cell(
		tally_queue(t, slice_of(queue)), interval * 900 * USEC_PER_SEC),
	    MEASURE_offered, 1);
}

static void
book_agent(struct tally *t, const char *agent, const char *queue, int interval)
{
	tally_book_agent(t, tally_agent(t, slice_of(agent)),
	    queue != NULL ? tally_queue(t, slice_of(queue)) : NULL,
	    interval * 900 * USEC_PER_SEC, AGENT_handled, 1);
}

static void
test_order_of_cells(void **state)
{
	const struct tally_config config = {.interval_us = 900 * USEC_PER_SEC,
	    .max_queues = 10,
	    .max_agents = 10};
	struct taken taken = {{0}, 0};
	struct tally t;

	(void)state;
	tally_init(&t, &config);
	book(&t, "b", 2);
	book(&t, "ab", 2);
	book(&t, "a", 2);
	book(&t, "b", 1);
	book_agent(&t, "z", "b", 1);
	book_agent(&t, "z", "a", 1);
	book_agent(&t, "z", NULL, 1);
	book_agent(&t, "y", "b", 1);
	book_agent(&t, "y", "b", -1);
	tally_take(&t, take_cell, take_agent_cell, &taken, 0);
	assert_string_equal(
	    taken.text, "b@1 a@2 ab@2 b@2 y/b@-1 y/b@1 z/@1 z/a@1 z/b@1 ");
	/* taken: nothing is left */
	taken = (struct taken){{0}, 0};
	tally_take(&t, take_cell, take_agent_cell, &taken, 0);
	assert_string_equal(taken.text, "");
	tally_fini(&t);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_all_columns),
	    cmocka_unit_test(test_columns_left_out),
	    cmocka_unit_test(test_sorts_what_is_not_sorted),
	    cmocka_unit_test(test_updates_what_is_there),
	    cmocka_unit_test(test_copy),
	    cmocka_unit_test(test_order_of_cells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
