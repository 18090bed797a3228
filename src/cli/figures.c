/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "cli/figures.h"
#include "tally/figure.h"

#define FIGURES_NO_START INT64_MIN

/*
 * One line of output: cells added up. Most are of one cell, which they only
 * point at: sums are much longer than what rows are sorted by.
 */
struct figures_row {
	const char *queue; /* NULL: several */
	int64_t starts_us; /* FIGURES_NO_START: of several intervals */
	const struct cell *cell;
	struct figure_sum *sum; /* of all its cells; NULL: there is but one */
};

struct figures_rows {
	struct figures_row *row;
	size_t n, cap;
};

static const struct {
	const char *name;
	enum figures_by by;
} figures_names[] = {
    {"queue", FIGURES_BY_QUEUE},
    {"interval", FIGURES_BY_INTERVAL},
    {"queue-interval", FIGURES_BY_QUEUE_INTERVAL},
    {"agent", FIGURES_BY_AGENT},
    {"total", FIGURES_BY_TOTAL},
};

int
figures_by_parse(const char *name, enum figures_by *by)
{
	size_t i;

	for (i = 0; i < RT_COUNT(figures_names); i++)
		if (strcmp(figures_names[i].name, name) == 0) {
			*by = figures_names[i].by;
			return 0;
		}
	return -1;
}

/* --- columns ------------------------------------------------------------ */

/*
 * A column: its head, and what fills it. The order of the first ones, up to
 * talk_s, is a contract, see ringtally(1); new ones go to the end.
 */
#define FIGURES_QUEUE	  -1
#define FIGURES_STARTS_AT -2

struct figures_column {
	struct table_column head;
	int figure; /* enum figure, or one of the above */
	int64_t within_s;
	bool plain; /* shown in a table for people, too */
};

static void
figures_fill(struct table *table, const struct figures_column *column,
    const struct figures_row *row, const struct figure_sum *sum)
{
	struct figure_value value;

	if (column->figure == FIGURES_QUEUE) {
		table_text(table, row->queue);
		return;
	}
	if (column->figure == FIGURES_STARTS_AT) {
		if (row->starts_us != FIGURES_NO_START)
			table_time(table, row->starts_us);
		else
			table_null(table);
		return;
	}
	value =
	    figure_value((enum figure)column->figure, sum, column->within_s);
	if (value.null)
		table_null(table);
	else if (value.decimals == 3)
		table_ms(table, value.n);
	else if (value.decimals == 1)
		table_real(table, (double)value.n / 10.0);
	else
		table_int(table, value.n);
}

static const struct figures_column figures_columns[] = {
    {{"queue", TABLE_TEXT, 0}, FIGURES_QUEUE, 0, true},
    {{"starts_at", TABLE_TIME, 0}, FIGURES_STARTS_AT, 0, true},
    {{"offered", TABLE_INT, 0}, FIGURE_offered, 0, true},
    {{"answered", TABLE_INT, 0}, FIGURE_answered, 0, true},
    {{"answered_15", TABLE_INT, 0}, FIGURE_answered_T, 15, true},
    {{"answered_20", TABLE_INT, 0}, FIGURE_answered_T, 20, true},
    {{"abandoned", TABLE_INT, 0}, FIGURE_abandoned, 0, true},
    {{"abandoned_short", TABLE_INT, 0}, FIGURE_abandoned_short, 0, false},
    {{"timed_out", TABLE_INT, 0}, FIGURE_timed_out, 0, true},
    {{"exited_key", TABLE_INT, 0}, FIGURE_exited_key, 0, false},
    {{"exited_empty", TABLE_INT, 0}, FIGURE_exited_empty, 0, false},
    {{"withdrawn", TABLE_INT, 0}, FIGURE_withdrawn, 0, false},
    {{"refused", TABLE_INT, 0}, FIGURE_refused, 0, false},
    {{"lost", TABLE_INT, 0}, FIGURE_lost, 0, true},
    {{"waiting", TABLE_INT, 0}, FIGURE_waiting, 0, true},
    {{"wait_answered_s", TABLE_DECIMAL, 3}, FIGURE_wait_answered_s, 0, false},
    {{"wait_abandoned_s", TABLE_DECIMAL, 3}, FIGURE_wait_abandoned_s, 0, false},
    {{"max_wait_s", TABLE_DECIMAL, 3}, FIGURE_max_wait_s, 0, false},
    {{"talk_s", TABLE_DECIMAL, 3}, FIGURE_talk_s, 0, false},
    {{"hold_s", TABLE_DECIMAL, 3}, FIGURE_hold_s, 0, false},
    {{"wrap_up_s", TABLE_DECIMAL, 3}, FIGURE_wrap_up_s, 0, false},
    {{"transferred", TABLE_INT, 0}, FIGURE_transferred, 0, false},
    {{"ring_no_answer", TABLE_INT, 0}, FIGURE_ring_no_answer, 0, false},
    {{"sl_15_offered_pct", TABLE_DECIMAL, 1}, FIGURE_sl_T_offered_pct, 15,
	true},
    {{"sl_20_offered_pct", TABLE_DECIMAL, 1}, FIGURE_sl_T_offered_pct, 20,
	true},
    {{"abandoned_pct", TABLE_DECIMAL, 1}, FIGURE_abandoned_pct, 0, true},
    {{"asa_s", TABLE_DECIMAL, 1}, FIGURE_asa_s, 0, true},
    {{"aht_s", TABLE_DECIMAL, 1}, FIGURE_aht_s, 0, true},
};

const char figures_formulas[] =
    "\nsl_T_offered_pct = answered within T seconds / offered; "
    "abandoned_pct = abandoned / offered\n"
    "asa_s = waits of answered / answered; "
    "aht_s = (talk + hold + wrap-up) / answered, of known talks\n";

/* --- rows --------------------------------------------------------------- */

static struct figures_row *
figures_add_row(struct figures_rows *rows)
{
	struct figures_row *row;

	if (rows->n == rows->cap) {
		rows->cap = rows->cap * 2 + 64;
		rows->row =
		    mem_realloc(rows->row, rows->cap, sizeof(*rows->row));
	}
	row = &rows->row[rows->n++];
	*row = (struct figures_row){0};
	return row;
}

static int
figures_compare(const void *a, const void *b)
{
	const struct figures_row *ra = a, *rb = b;
	int order = 0;

	if (ra->queue != rb->queue)
		order = strcmp(ra->queue, rb->queue);
	if (order == 0)
		order = (ra->starts_us > rb->starts_us) -
		    (ra->starts_us < rb->starts_us);
	return order;
}

static void
figures_free_sum(struct figure_sum *sum)
{
	if (sum != NULL)
		figure_sum_fini(sum);
	free(sum);
}

/* Adds a row of one cell. */
static void
figures_merge_row(struct figures_row *to, const struct figures_row *from)
{
	if (to->sum == NULL) {
		to->sum = mem_zalloc(sizeof(*to->sum));
		figure_add_cell(to->sum, to->cell);
	}
	figure_add_cell(to->sum, from->cell);
}

/* Sorts, and makes one row of those that compare equal. */
static void
figures_sort(struct figures_rows *rows)
{
	size_t i, to = 0;

	if (rows->n == 0)
		return;
	qsort(rows->row, rows->n, sizeof(*rows->row), figures_compare);
	for (i = 1; i < rows->n; i++)
		if (figures_compare(&rows->row[to], &rows->row[i]) == 0)
			figures_merge_row(&rows->row[to], &rows->row[i]);
		else
			rows->row[++to] = rows->row[i];
	rows->n = to + 1;
}

static bool
figures_is_empty(const struct cell *cell)
{
	int i;

	for (i = 0; i < MEASURES; i++)
		if (cell->v[i] != 0)
			return false;
	return true;
}

static void
figures_collect(
    struct figures_rows *rows, const struct tally *tally, enum figures_by by)
{
	struct queue *queue, *next_queue;
	struct cell *cell, *next;

	HASH_ITER (hh, tally->queues, queue, next_queue)
		HASH_ITER (hh, queue->cells, cell, next) {
			struct figures_row *row;

			if (figures_is_empty(cell))
				continue;
			row = figures_add_row(rows);
			if (by != FIGURES_BY_INTERVAL && by != FIGURES_BY_TOTAL)
				row->queue = queue->name;
			row->starts_us = by == FIGURES_BY_INTERVAL ||
				by == FIGURES_BY_QUEUE_INTERVAL
			    ? cell->starts_us
			    : FIGURES_NO_START;
			row->cell = cell;
		}
	figures_sort(rows);
}

/* --- agents ------------------------------------------------------------- */

static const struct table_column figures_agent_columns[] = {
    {"agent", TABLE_TEXT, 0},
    {"queue", TABLE_TEXT, 0},
    {"starts_at", TABLE_TIME, 0},
    {"handled", TABLE_INT, 0},
    {"ring_no_answer", TABLE_INT, 0},
    {"talk_s", TABLE_DECIMAL, 3},
    {"hold_s", TABLE_DECIMAL, 3},
    {"wrap_up_s", TABLE_DECIMAL, 3},
    {"login_s", TABLE_DECIMAL, 3},
    {"pause_s", TABLE_DECIMAL, 3},
};

static int
figures_compare_agents(const void *a, const void *b)
{
	const struct agent_cell *ca = *(const struct agent_cell *const *)a;
	const struct agent_cell *cb = *(const struct agent_cell *const *)b;
	int order = strcmp(ca->agent->name, cb->agent->name);

	if (order == 0)
		order = strcmp(ca->queue != NULL ? ca->queue->name : "",
		    cb->queue != NULL ? cb->queue->name : "");
	if (order == 0)
		order = (ca->key.starts_us > cb->key.starts_us) -
		    (ca->key.starts_us < cb->key.starts_us);
	return order;
}

static void
figures_agent_row(struct table *table, const struct agent_cell *cell)
{
	table_text(table, cell->agent->name);
	table_text(table, cell->queue != NULL ? cell->queue->name : NULL);
	table_time(table, cell->key.starts_us);
	table_int(table, cell->v[AGENT_handled]);
	table_int(table, cell->v[AGENT_ring_no_answer]);
	if (cell->v[AGENT_talk_ms] == 0 && cell->v[AGENT_talk_unknown] > 0)
		table_null(table);
	else
		table_ms(table, cell->v[AGENT_talk_ms]);
	table_ms(table, cell->v[AGENT_hold_ms]);
	table_ms(table, cell->v[AGENT_wrap_up_ms]);
	table_ms(table, cell->v[AGENT_login_ms]);
	table_ms(table, cell->v[AGENT_pause_ms]);
}

static int
figures_print_agents(FILE *to, const struct tally *tally,
    enum table_format format, struct err *err)
{
	struct table *table = table_new(
	    to, format, figures_agent_columns, RT_COUNT(figures_agent_columns));
	size_t count = HASH_COUNT(tally->agent_cells), n = 0, i;
	const struct agent_cell **cells =
	    mem_zalloc((count + 1) * sizeof(*cells));
	struct agent_cell *cell, *next;

	HASH_ITER (hh, tally->agent_cells, cell, next)
		cells[n++] = cell;
	qsort(cells, n, sizeof(*cells), figures_compare_agents);
	for (i = 0; i < n; i++)
		figures_agent_row(table, cells[i]);
	free(cells);
	return table_end(table, err);
}

/* --- printing ----------------------------------------------------------- */

static bool
figures_shows(const struct figures_column *column,
    const struct figures_request *request, enum figures_by by)
{
	if (request->format != TABLE_PLAIN)
		return true;
	if (column->figure == FIGURES_QUEUE)
		return by != FIGURES_BY_INTERVAL && by != FIGURES_BY_TOTAL;
	if (column->figure == FIGURES_STARTS_AT)
		return by == FIGURES_BY_INTERVAL ||
		    by == FIGURES_BY_QUEUE_INTERVAL;
	return column->plain;
}

/* What the row is of; `lent`: room for a sum that is a cell's, not to be freed.
 */
static const struct figure_sum *
figures_sum(const struct figures_row *row, struct figure_sum *lent)
{
	if (row->sum != NULL)
		return row->sum;
	memcpy(lent->v, row->cell->v, sizeof(lent->v));
	lent->wait_answered = row->cell->wait_answered;
	lent->wait_abandoned = row->cell->wait_abandoned;
	return lent;
}

static int
figures_print_rows(FILE *to, const struct figures_rows *rows,
    const struct figures_request *request, enum figures_by by, struct err *err)
{
	const struct figures_column *shown[RT_COUNT(figures_columns)];
	struct table_column heads[RT_COUNT(figures_columns)];
	struct figure_sum lent;
	struct table *table;
	size_t n = 0, i, k;

	for (i = 0; i < RT_COUNT(figures_columns); i++)
		if (figures_shows(&figures_columns[i], request, by)) {
			heads[n] = figures_columns[i].head;
			shown[n++] = &figures_columns[i];
		}
	table = table_new(to, request->format, heads, n);
	for (i = 0; i < rows->n; i++) {
		const struct figures_row *row = &rows->row[i];
		const struct figure_sum *sum = figures_sum(row, &lent);

		for (k = 0; k < n; k++)
			figures_fill(table, shown[k], row, sum);
	}
	if (table_end(table, err) < 0)
		return -1;
	if (request->format == TABLE_PLAIN)
		fputs(figures_formulas, to);
	return 0;
}

int
figures_print(FILE *to, const struct tally *tally,
    const struct figures_request *request, struct err *err)
{
	enum figures_by by = request->by;
	struct figures_rows rows = {0};
	size_t i;
	int failed;

	if (by == FIGURES_BY_AGENT)
		return figures_print_agents(to, tally, request->format, err);
	if (by == FIGURES_BY_DEFAULT)
		by = request->format == TABLE_PLAIN ? FIGURES_BY_QUEUE
						    : FIGURES_BY_QUEUE_INTERVAL;
	figures_collect(&rows, tally, by);
	failed = figures_print_rows(to, &rows, request, by, err);
	for (i = 0; i < rows.n; i++)
		figures_free_sum(rows.row[i].sum);
	free(rows.row);
	return failed;
}
