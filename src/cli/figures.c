/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "cli/figures.h"

/* One line of output: cells added up. */
struct figures_row {
	const char *queue; /* NULL: several */
	bool has_start;
	int64_t starts_us;
	uint32_t waiting;
	int64_t v[MEASURES];
	struct hist wait_answered, wait_abandoned;
	bool lent; /* the histograms are a cell's: most rows are of one cell */
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
 * A column: its head, and how a row fills it. The order of the first ones, up
 * to talk_s, is a contract, see ringtally(1); new ones go to the end.
 */
struct figures_column {
	struct table_column head;
	void (*fill)(struct table *table, const struct figures_row *row);
	bool plain; /* shown in a table for people, too */
};

/*
 * Shares and means have one decimal, rounded half up as PostgreSQL's numeric
 * does (printf would round a binary tie to even), so that both say the same.
 */
static void
figures_tenths(struct table *table, int64_t numerator, int64_t denominator)
{
	table_real(table,
	    (double)((2 * numerator + denominator) / (2 * denominator)) / 10.0);
}

static void
figures_share(struct table *table, int64_t part, int64_t whole)
{
	if (whole <= 0)
		table_null(table);
	else
		figures_tenths(table, part * 1000, whole);
}

static void
figures_mean(struct table *table, int64_t sum_ms, int64_t n)
{
	if (n <= 0)
		table_null(table);
	else
		figures_tenths(table, sum_ms, n * 100);
}

#define FILL_COUNT(name)                                                      \
	static void fill_##name(struct table *t, const struct figures_row *r) \
	{                                                                     \
		table_int(t, r->v[MEASURE_##name]);                           \
	}
#define FILL_MS(name)                                                         \
	static void fill_##name(struct table *t, const struct figures_row *r) \
	{                                                                     \
		table_ms(t, r->v[MEASURE_##name]);                            \
	}

FILL_COUNT(offered)
FILL_COUNT(answered)
FILL_COUNT(abandoned)
FILL_COUNT(abandoned_short)
FILL_COUNT(timed_out)
FILL_COUNT(exited_key)
FILL_COUNT(exited_empty)
FILL_COUNT(withdrawn)
FILL_COUNT(refused)
FILL_COUNT(lost)
FILL_COUNT(transferred)
FILL_COUNT(ring_no_answer)
FILL_MS(wait_answered_ms)
FILL_MS(wait_abandoned_ms)
FILL_MS(max_wait_ms)
FILL_MS(talk_ms)
FILL_MS(hold_ms)
FILL_MS(wrap_up_ms)

static void
fill_queue(struct table *t, const struct figures_row *r)
{
	table_text(t, r->queue);
}

static void
fill_starts_at(struct table *t, const struct figures_row *r)
{
	if (r->has_start)
		table_time(t, r->starts_us);
	else
		table_null(t);
}

static void
fill_answered_15(struct table *t, const struct figures_row *r)
{
	table_int(t, hist_within(&r->wait_answered, 15));
}

static void
fill_answered_20(struct table *t, const struct figures_row *r)
{
	table_int(t, hist_within(&r->wait_answered, 20));
}

static void
fill_waiting(struct table *t, const struct figures_row *r)
{
	table_int(t, r->waiting);
}

static void
fill_sl_15(struct table *t, const struct figures_row *r)
{
	figures_share(
	    t, hist_within(&r->wait_answered, 15), r->v[MEASURE_offered]);
}

static void
fill_sl_20(struct table *t, const struct figures_row *r)
{
	figures_share(
	    t, hist_within(&r->wait_answered, 20), r->v[MEASURE_offered]);
}

static void
fill_abandoned_pct(struct table *t, const struct figures_row *r)
{
	figures_share(t, r->v[MEASURE_abandoned], r->v[MEASURE_offered]);
}

static void
fill_asa(struct table *t, const struct figures_row *r)
{
	figures_mean(t, r->v[MEASURE_wait_answered_ms], r->v[MEASURE_answered]);
}

static void
fill_aht(struct table *t, const struct figures_row *r)
{
	figures_mean(t,
	    r->v[MEASURE_talk_ms] + r->v[MEASURE_hold_ms] +
		r->v[MEASURE_wrap_up_ms],
	    r->v[MEASURE_answered]);
}

static const struct figures_column figures_columns[] = {
    {{"queue", TABLE_TEXT, 0}, fill_queue, true},
    {{"starts_at", TABLE_TIME, 0}, fill_starts_at, true},
    {{"offered", TABLE_INT, 0}, fill_offered, true},
    {{"answered", TABLE_INT, 0}, fill_answered, true},
    {{"answered_15", TABLE_INT, 0}, fill_answered_15, true},
    {{"answered_20", TABLE_INT, 0}, fill_answered_20, true},
    {{"abandoned", TABLE_INT, 0}, fill_abandoned, true},
    {{"abandoned_short", TABLE_INT, 0}, fill_abandoned_short, false},
    {{"timed_out", TABLE_INT, 0}, fill_timed_out, true},
    {{"exited_key", TABLE_INT, 0}, fill_exited_key, false},
    {{"exited_empty", TABLE_INT, 0}, fill_exited_empty, false},
    {{"withdrawn", TABLE_INT, 0}, fill_withdrawn, false},
    {{"refused", TABLE_INT, 0}, fill_refused, false},
    {{"lost", TABLE_INT, 0}, fill_lost, true},
    {{"waiting", TABLE_INT, 0}, fill_waiting, true},
    {{"wait_answered_s", TABLE_DECIMAL, 3}, fill_wait_answered_ms, false},
    {{"wait_abandoned_s", TABLE_DECIMAL, 3}, fill_wait_abandoned_ms, false},
    {{"max_wait_s", TABLE_DECIMAL, 3}, fill_max_wait_ms, false},
    {{"talk_s", TABLE_DECIMAL, 3}, fill_talk_ms, false},
    {{"hold_s", TABLE_DECIMAL, 3}, fill_hold_ms, false},
    {{"wrap_up_s", TABLE_DECIMAL, 3}, fill_wrap_up_ms, false},
    {{"transferred", TABLE_INT, 0}, fill_transferred, false},
    {{"ring_no_answer", TABLE_INT, 0}, fill_ring_no_answer, false},
    {{"sl_15_offered_pct", TABLE_DECIMAL, 1}, fill_sl_15, true},
    {{"sl_20_offered_pct", TABLE_DECIMAL, 1}, fill_sl_20, true},
    {{"abandoned_pct", TABLE_DECIMAL, 1}, fill_abandoned_pct, true},
    {{"asa_s", TABLE_DECIMAL, 1}, fill_asa, true},
    {{"aht_s", TABLE_DECIMAL, 1}, fill_aht, true},
};

static const char figures_formulas[] =
    "\nsl_T_offered_pct = answered within T seconds / offered; "
    "abandoned_pct = abandoned / offered\n"
    "asa_s = waits of answered / answered; "
    "aht_s = (talk + hold + wrap-up) / answered\n";

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

static void
figures_take_cell(struct figures_row *row, const struct cell *cell)
{
	memcpy(row->v, cell->v, sizeof(row->v));
	row->waiting = cell->waiting;
	row->wait_answered = cell->wait_answered;
	row->wait_abandoned = cell->wait_abandoned;
	row->lent = true;
}

static int
figures_compare(const void *a, const void *b)
{
	const struct figures_row *ra = a, *rb = b;
	int order = 0;

	if (ra->queue != NULL && rb->queue != NULL)
		order = strcmp(ra->queue, rb->queue);
	if (order == 0 && ra->has_start)
		order = (ra->starts_us > rb->starts_us) -
		    (ra->starts_us < rb->starts_us);
	return order;
}

/* Histograms of its own, to be added to. */
static void
figures_own(struct figures_row *row)
{
	struct hist answered = {0}, abandoned = {0};

	if (!row->lent)
		return;
	hist_merge(&answered, &row->wait_answered);
	hist_merge(&abandoned, &row->wait_abandoned);
	row->wait_answered = answered;
	row->wait_abandoned = abandoned;
	row->lent = false;
}

/* Adds a row of one cell. */
static void
figures_merge_row(struct figures_row *to, const struct figures_row *from)
{
	int i;

	figures_own(to);
	for (i = 0; i < MEASURES; i++)
		if (measure_rows[i].kind == MEASURE_KIND_MAX)
			to->v[i] = RT_MAX(to->v[i], from->v[i]);
		else
			to->v[i] += from->v[i];
	to->waiting += from->waiting;
	hist_merge(&to->wait_answered, &from->wait_answered);
	hist_merge(&to->wait_abandoned, &from->wait_abandoned);
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
			row->has_start = by == FIGURES_BY_INTERVAL ||
			    by == FIGURES_BY_QUEUE_INTERVAL;
			row->starts_us = cell->starts_us;
			figures_take_cell(row, cell);
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
	if (column->fill == fill_queue)
		return by != FIGURES_BY_INTERVAL && by != FIGURES_BY_TOTAL;
	if (column->fill == fill_starts_at)
		return by == FIGURES_BY_INTERVAL ||
		    by == FIGURES_BY_QUEUE_INTERVAL;
	return column->plain;
}

static int
figures_print_rows(FILE *to, const struct figures_rows *rows,
    const struct figures_request *request, enum figures_by by, struct err *err)
{
	const struct figures_column *shown[RT_COUNT(figures_columns)];
	struct table_column heads[RT_COUNT(figures_columns)];
	struct table *table;
	size_t n = 0, i, k;

	for (i = 0; i < RT_COUNT(figures_columns); i++)
		if (figures_shows(&figures_columns[i], request, by)) {
			heads[n] = figures_columns[i].head;
			shown[n++] = &figures_columns[i];
		}
	table = table_new(to, request->format, heads, n);
	for (i = 0; i < rows->n; i++)
		for (k = 0; k < n; k++)
			shown[k]->fill(table, &rows->row[i]);
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
		if (!rows.row[i].lent) {
			hist_fini(&rows.row[i].wait_answered);
			hist_fini(&rows.row[i].wait_abandoned);
		}
	free(rows.row);
	return failed;
}
