/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <jansson.h>
#include <math.h>

#include "base/utc.h"
#include "base/strbuf.h"
#include "base/utf8.h"
#include "cli/table.h"
#include "cli/text.h"

#define TABLE_FIXED_MAX 32
/* A longer name moves its own row aside, and not the whole table. */
#define TABLE_TEXT_WIDTH 40
#define TABLE_NULL_PLAIN "\xe2\x80\x93" /* an en dash */

struct table {
	FILE *to;
	enum table_format format;
	const struct table_column *columns;
	size_t n_columns;
	size_t at; /* column of the next cell */
	uint64_t rows;
	json_t *row;	     /* JSON: the row so far */
	struct strbuf line;  /* CSV: the row so far */
	struct strbuf cells; /* plain: all of them, each with its NUL */
	size_t *widths;	     /* plain: the widest cell of each column */
};

static void
table_cell_plain(struct table *t, const char *text)
{
	size_t from = t->cells.n, width;

	strbuf_add_escaped(&t->cells, slice_of(text), SIZE_MAX);
	strbuf_addc(&t->cells, '\0');
	width = text_columns(t->cells.p + from);
	if (t->columns[t->at].type == TABLE_TEXT)
		width = RT_MIN(width, (size_t)TABLE_TEXT_WIDTH);
	t->widths[t->at] = RT_MAX(t->widths[t->at], width);
}

static bool
table_is_formula(const char *text)
{
	return text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;
}

/* A field that we wrote ourselves: nothing in it has to be quoted. */
static void
table_own_csv(struct table *t, const char *text)
{
	size_t n = strlen(text), comma = t->at > 0;
	char *to = strbuf_reserve(&t->line, n + comma);

	*to = ',';
	memcpy(to + comma, text, n);
	strbuf_added(&t->line, n + comma);
}

/* A field; `foreign` where we did not write it ourselves: it may need quotes.
 */
static void
table_cell_csv(struct table *t, const char *text, bool foreign)
{
	const char *p;

	if (!foreign) {
		table_own_csv(t, text);
		return;
	}
	if (t->at > 0)
		strbuf_addc(&t->line, ',');
	foreign = table_is_formula(text);
	if (strpbrk(text, ",\"\r\n") == NULL) {
		strbuf_adds(&t->line, foreign ? "'" : "");
		strbuf_adds(&t->line, text);
		return;
	}
	strbuf_adds(&t->line, foreign ? "\"'" : "\"");
	for (p = text; *p != '\0'; p++) {
		if (*p == '"')
			strbuf_addc(&t->line, '"');
		strbuf_addc(&t->line, *p);
	}
	strbuf_addc(&t->line, '"');
}

static void
table_row_end(struct table *t)
{
	char *text;

	t->at = 0;
	t->rows++;
	if (t->format == TABLE_CSV) {
		strbuf_addc(&t->line, '\n');
		fwrite(t->line.p, 1, t->line.n, t->to);
		strbuf_reset(&t->line);
	} else if (t->format == TABLE_JSON) {
		text = json_dumps(t->row, JSON_REAL_PRECISION(15));
		BUG_ON(text == NULL); /* all texts in it are valid UTF-8 */
		fprintf(t->to, "%s\n%s", t->rows > 1 ? "," : "[", text);
		free(text);
		json_object_clear(t->row);
	}
}

/* The JSON value of the next cell; it is ours from here. */
static void
table_add_json(struct table *t, json_t *value)
{
	const char *name = t->columns[t->at].name;

	BUG_ON(value == NULL);
	BUG_ON(json_object_set_new(t->row, name, value) < 0);
}

/* A cell in its written form, which is a number in JSON or is not. */
static void
table_add(struct table *t, const char *plain, const char *text)
{
	enum table_type type = t->columns[t->at].type;

	if (t->format == TABLE_PLAIN)
		table_cell_plain(t, plain);
	else if (t->format == TABLE_CSV)
		table_cell_csv(t, text, type == TABLE_TEXT);
	else if (type == TABLE_DECIMAL && strchr(text, '.') != NULL)
		table_add_json(t, json_real(strtod(text, NULL)));
	else if (type == TABLE_INT || type == TABLE_DECIMAL)
		table_add_json(t, json_integer(strtoll(text, NULL, 10)));
	else
		table_add_json(t, json_string(text));
	if (++t->at == t->n_columns)
		table_row_end(t);
}

static void
table_expect(const struct table *t, enum table_type type)
{
	const struct table_column *column = &t->columns[t->at];

	if (column->type != type)
		BUG("column %s is of another type", column->name);
}

struct table *
table_new(FILE *to, enum table_format format,
    const struct table_column *columns, size_t n)
{
	struct table *t = mem_zalloc(sizeof(*t));

	*t = (struct table){.to = to,
	    .format = format,
	    .columns = columns,
	    .n_columns = n,
	    .line = STRBUF_INIT,
	    .cells = STRBUF_INIT};
	t->widths = mem_zalloc(n * sizeof(*t->widths));
	if (format == TABLE_PLAIN)
		text_start();
	if (format == TABLE_JSON)
		BUG_ON((t->row = json_object()) == NULL);
	if (format == TABLE_CSV)
		for (t->at = 0; t->at < n; t->at++)
			table_cell_csv(t, columns[t->at].name, false);
	if (format == TABLE_CSV)
		table_row_end(t);
	return t;
}

/* One line of the plain table; cells: the first of its texts. */
static const char *
table_print_row(const struct table *t, const char *cells)
{
	size_t i, pad, width;

	for (i = 0; i < t->n_columns; i++, cells += strlen(cells) + 1) {
		bool left = t->columns[i].type == TABLE_TEXT;

		width = text_columns(cells);
		pad = t->widths[i] > width ? t->widths[i] - width : 0;
		if (i > 0)
			fputs("  ", t->to);
		if (!left)
			fprintf(t->to, "%*s", (int)pad, "");
		fputs(cells, t->to);
		if (left && i + 1 < t->n_columns)
			fprintf(t->to, "%*s", (int)pad, "");
	}
	fputc('\n', t->to);
	return cells;
}

static void
table_print(struct table *t)
{
	struct strbuf head = STRBUF_INIT;
	const char *cells = t->cells.p;
	uint64_t row;
	size_t i, width;

	for (i = 0; i < t->n_columns; i++) {
		const char *name = t->columns[i].name;

		width = text_columns(name);
		t->widths[i] = RT_MAX(t->widths[i], width);
		strbuf_add(&head, name, strlen(name) + 1);
	}
	table_print_row(t, head.p);
	for (row = 0; row < t->rows; row++)
		cells = table_print_row(t, cells);
	strbuf_fini(&head);
}

int
table_end(struct table *t, struct err *err)
{
	int rc = 0;

	BUG_ON(t->at != 0);
	if (t->format == TABLE_PLAIN)
		table_print(t);
	else if (t->format == TABLE_JSON)
		fputs(t->rows > 0 ? "\n]\n" : "[]\n", t->to);
	if (fflush(t->to) != 0 || ferror(t->to))
		rc = err_sys(err, "writing the output");
	if (t->row != NULL)
		json_decref(t->row);
	strbuf_fini(&t->line);
	strbuf_fini(&t->cells);
	free(t->widths);
	free(t);
	return rc;
}

void
table_text(struct table *t, const char *text)
{
	size_t n, cap;
	char *clean;

	table_expect(t, TABLE_TEXT);
	if (text == NULL) {
		table_null(t);
		return;
	}
	if (t->format != TABLE_JSON) {
		table_add(t, text, text);
		return;
	}
	n = strlen(text);
	cap = n * 3 + 1; /* a control of one byte becomes U+FFFD */
	clean = mem_alloc(cap);
	clean[utf8_clean(clean, cap - 1, text, n)] = '\0';
	table_add(t, clean, clean);
	free(clean);
}

/*
 * Writes a number of 10^-decimals, as printf would; there are some dozen of
 * them in each row, and rows for each queue and interval.
 */
static void
table_fixed(char to[TABLE_FIXED_MAX], int64_t value, int decimals)
{
	uint64_t v = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	char digits[TABLE_FIXED_MAX], *at = digits + sizeof(digits);

	*--at = '\0';
	do {
		*--at = (char)('0' + v % 10);
		v /= 10;
		if (--decimals == 0)
			*--at = '.';
	} while (v > 0 || decimals >= 0);
	if (value < 0)
		*--at = '-';
	memcpy(to, at, (size_t)(digits + sizeof(digits) - at));
}

/* One digit, as most counts of an interval are. False: it is none, or no CSV.
 */
static bool
table_digit(struct table *t, int64_t value)
{
	size_t comma = t->at > 0;
	char *to;

	if (t->format != TABLE_CSV || value < 0 || value > 9)
		return false;
	to = strbuf_reserve(&t->line, 2);
	to[0] = ',';
	to[comma] = (char)('0' + value);
	strbuf_added(&t->line, 1 + comma);
	if (++t->at == t->n_columns)
		table_row_end(t);
	return true;
}

void
table_int(struct table *t, int64_t value)
{
	char text[TABLE_FIXED_MAX];

	table_expect(t, TABLE_INT);
	if (table_digit(t, value))
		return;
	table_fixed(text, value, 0);
	table_add(t, text, text);
}

/* Adds a decimal number, without the zeros at its end where no one reads. */
static void
table_decimal(struct table *t, char *text)
{
	char *end = text + strlen(text);

	if (t->format != TABLE_PLAIN && strchr(text, '.') != NULL) {
		while (end[-1] == '0')
			end--;
		if (end[-1] == '.')
			end--;
		*end = '\0';
	}
	if (t->format != TABLE_PLAIN && strcmp(text, "-0") == 0)
		memcpy(text, "0", 2);
	table_add(t, text, text);
}

/* What table_fixed can not do. Apart: hardened builds fill its room first. */
static void
table_printed(struct table *t, double value, int decimals)
{
	char text[400]; /* DBL_MAX has 309 digits */

	snprintf(text, sizeof(text), "%.*f", decimals, value);
	table_decimal(t, text);
}

void
table_ms(struct table *t, int64_t ms)
{
	int decimals = t->columns[t->at].decimals;
	char text[TABLE_FIXED_MAX];

	table_expect(t, TABLE_DECIMAL);
	if (ms == 0 && table_digit(t, 0))
		return;
	if (t->format == TABLE_PLAIN && decimals != 3) {
		table_printed(t, (double)ms / 1000.0, decimals);
		return;
	}
	table_fixed(text, ms, 3);
	table_decimal(t, text);
}

void
table_real(struct table *t, double value)
{
	int decimals = t->columns[t->at].decimals;
	char text[TABLE_FIXED_MAX];
	double tenths = value * 10, part = tenths - floor(tenths);

	table_expect(t, TABLE_DECIMAL);
	if (!isfinite(value)) {
		table_null(t);
		return;
	}
	/* what is near the middle of two tenths is left to printf */
	if (decimals != 1 || value < 0 || value >= 1e9 ||
	    fabs(part - 0.5) <= 1e-4) {
		table_printed(t, value, decimals);
		return;
	}
	table_fixed(text, (int64_t)floor(tenths + 0.5), 1);
	table_decimal(t, text);
}

void
table_time(struct table *t, int64_t utc_us)
{
	char text[UTC_ISO_MAX];

	table_expect(t, TABLE_TIME);
	utc_iso(text, sizeof(text), utc_us);
	table_add(t, text, text);
}

void
table_null(struct table *t)
{
	if (t->format == TABLE_PLAIN)
		table_cell_plain(t, TABLE_NULL_PLAIN);
	else if (t->format == TABLE_CSV)
		table_cell_csv(t, "", false);
	else
		table_add_json(t, json_null());
	if (++t->at == t->n_columns)
		table_row_end(t);
}

int
table_format_parse(const char *name)
{
	static const char *const names[] = {"table", "csv", "json"};
	size_t i;

	for (i = 0; i < RT_COUNT(names); i++)
		if (strcmp(name, names[i]) == 0)
			return (int)i;
	return -1;
}
