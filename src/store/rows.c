/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "store/rows.h"

/* An array's head: dimensions, has NULLs, type, length, first subscript. */
#define ROWS_HEAD_BYTES 20

static const struct {
	const char *name;
	int32_t oid;
} rows_types[COLUMN_TYPES] = {
    [COLUMN_INT4] = {"integer", WIRE_INT4},
    [COLUMN_INT8] = {"bigint", WIRE_INT8},
    [COLUMN_BOOL] = {"boolean", WIRE_BOOL},
    [COLUMN_TIME] = {"timestamptz", WIRE_TIME},
    [COLUMN_TEXT] = {"text", WIRE_TEXT},
    [COLUMN_BYTES] = {"bytea", WIRE_BYTEA},
    /* an array of arrays would be a rectangle: these go as text */
    [COLUMN_BINS] = {"text", WIRE_TEXT},
};

/* --- the statements ------------------------------------------------------ */

/*
 * "$2::text[], $3::bigint[] ..."; or each as "(SELECT $2::text[])", of which
 * the planner does not see how long it is.
 */
static void
rows_sql_params(const struct rows *rows, bool hidden, struct strbuf *sql)
{
	const struct table *t = rows->table;
	int i, n = 1;

	for (i = 0; i < t->n_columns; i++)
		if (rows_has(rows, i)) {
			strbuf_addf(sql, "%s%s$%d::%s[]%s", n > 1 ? ", " : "",
			    hidden ? "(SELECT " : "", n + 1,
			    rows_types[t->column[i].type].name,
			    hidden ? ")" : "");
			n++;
		}
}

/* The columns that rows_has, or the keys only, each behind `alias`. */
static void
rows_sql_names(const struct rows *rows, bool keys_only, const char *alias,
    struct strbuf *sql)
{
	const char *before = "";
	int i;

	for (i = 0; i < rows->table->n_columns; i++) {
		const struct column *c = &rows->table->column[i];

		if (!rows_has(rows, i) || (keys_only && c->role != COLUMN_KEY))
			continue;
		strbuf_addf(sql, "%s%s%s", before, alias, c->name);
		before = ", ";
	}
}

/* " FROM unnest(...) AS u(...)" */
static void
rows_sql_from(const struct rows *rows, bool hidden, struct strbuf *sql)
{
	strbuf_adds(sql, " FROM unnest(");
	rows_sql_params(rows, hidden, sql);
	strbuf_adds(sql, ") AS u(");
	rows_sql_names(rows, false, "", sql);
	strbuf_adds(sql, ")");
}

/* %1: the column, %2: its new value. */
static const char *
rows_sql_update(enum column_role role)
{
	switch (role) {
	case COLUMN_ADD:
		return "%1 = t.%1 + %2";
	case COLUMN_MAX:
		return "%1 = greatest(t.%1, %2)";
	case COLUMN_HIST:
		return "%1 = CASE WHEN %2 IS NULL THEN t.%1 "
		       "ELSE ringtally.hist_add(t.%1, %2) END";
	case COLUMN_SET:
		return "%1 = %2";
	case COLUMN_KEY:
	case COLUMN_ONCE:
		break;
	}
	return NULL;
}

/* `new` is where the new values are: excluded or u, which needs the casts. */
static void
rows_sql_named(struct strbuf *sql, const char *fmt, const char *new,
    const struct column *c)
{
	bool cast = c->cast != NULL && strcmp(new, "excluded") != 0;

	for (; *fmt != '\0'; fmt++) {
		if (*fmt != '%') {
			strbuf_addc(sql, *fmt);
			continue;
		}
		if (*++fmt == '1')
			strbuf_adds(sql, c->name);
		else
			strbuf_addf(sql, "%s.%s%s%s", new, c->name,
			    cast ? "::" : "", cast ? c->cast : "");
	}
}

/* "n = t.n + excluded.n, ..."; false: no column of these rows is ever set. */
static bool
rows_sql_set(const struct rows *rows, const char *new, struct strbuf *sql)
{
	const struct table *t = rows->table;
	const char *before = "";
	int i;

	for (i = 0; i < t->n_columns; i++) {
		const char *fmt = rows_sql_update(t->column[i].role);

		if (fmt == NULL || !rows_has(rows, i))
			continue;
		strbuf_adds(sql, before);
		before = ", ";
		rows_sql_named(sql, fmt, new, &t->column[i]);
	}
	return *before != '\0';
}

static void
rows_sql_conflict(const struct rows *rows, struct strbuf *sql)
{
	struct strbuf set = STRBUF_INIT;

	strbuf_adds(sql, " ON CONFLICT (site, ");
	rows_sql_names(rows, true, "", sql);
	if (rows_sql_set(rows, "excluded", &set))
		strbuf_addf(sql, ") DO UPDATE SET %s", strbuf_str(&set));
	else
		strbuf_adds(sql, ") DO NOTHING");
	strbuf_fini(&set);
}

static void
rows_sql_order(const struct table *t, struct strbuf *sql)
{
	const char *before = " ORDER BY ";
	int i;

	for (i = 0; i < t->n_columns; i++)
		if (t->column[i].role == COLUMN_KEY) {
			strbuf_addf(sql, "%su.%s%s", before, t->column[i].name,
			    t->column[i].type == COLUMN_TEXT ? " COLLATE \"C\""
							     : "");
			before = ", ";
		}
}

static bool
table_has_key(const struct table *t)
{
	int i;

	for (i = 0; i < t->n_columns; i++)
		if (t->column[i].role == COLUMN_KEY)
			return true;
	return false;
}

/* " WHERE t.site = $1::text AND t.k = u.k ..." */
static void
rows_sql_same(const struct table *t, struct strbuf *sql)
{
	int i;

	strbuf_adds(sql, " WHERE t.site = $1::text");
	for (i = 0; i < t->n_columns; i++)
		if (t->column[i].role == COLUMN_KEY)
			strbuf_addf(sql, " AND t.%s = u.%s", t->column[i].name,
			    t->column[i].name);
}

/*
 * "WITH old AS (UPDATE ... RETURNING keys) ": the rows that are there. An
 * INSERT that meets them would lock each, and log that, before it writes it.
 * The planner must find them by their keys, however many it thinks there are
 * and however small the table was when it planned.
 */
static bool
rows_sql_old(const struct rows *rows, struct strbuf *sql)
{
	struct strbuf set = STRBUF_INIT;
	bool any = rows->table->grown && rows_sql_set(rows, "u", &set);

	if (any) {
		strbuf_addf(sql, "WITH old AS (UPDATE ringtally.%s AS t SET %s",
		    rows->table->name, strbuf_str(&set));
		rows_sql_from(rows, true, sql);
		rows_sql_same(rows->table, sql);
		strbuf_adds(sql, " RETURNING ");
		rows_sql_names(rows, true, "t.", sql);
		strbuf_adds(sql, ") ");
	}
	strbuf_fini(&set);
	return any;
}

/* The others; most often there are none, which takes one comparison. */
static void
rows_sql_new(const struct rows *rows, struct strbuf *sql)
{
	strbuf_addf(sql,
	    " WHERE (SELECT count(*) FROM old) < "
	    "cardinality($2::%s[]) AND (",
	    rows_types[rows->table->column[0].type].name);
	rows_sql_names(rows, true, "u.", sql);
	strbuf_adds(sql, ") NOT IN (SELECT ");
	rows_sql_names(rows, true, "", sql);
	strbuf_adds(sql, " FROM old)");
}

static void
rows_sql_insert(const struct rows *rows, struct strbuf *sql)
{
	const struct table *t = rows->table;
	bool old = rows_sql_old(rows, sql);
	int i;

	strbuf_addf(sql, "INSERT INTO ringtally.%s AS t (site, ", t->name);
	rows_sql_names(rows, false, "", sql);
	strbuf_adds(sql, ") SELECT $1::text");
	for (i = 0; i < t->n_columns; i++)
		if (rows_has(rows, i)) {
			strbuf_adds(sql, ", ");
			rows_sql_named(sql, "%2", "u", &t->column[i]);
		}
	rows_sql_from(rows, false, sql);
	if (!table_has_key(t))
		return;
	if (old)
		rows_sql_new(rows, sql);
	if (!t->sorted)
		rows_sql_order(t, sql);
	rows_sql_conflict(rows, sql);
}

static void
rows_sql_erase(const struct rows *rows, struct strbuf *sql)
{
	strbuf_addf(sql, "DELETE FROM ringtally.%s AS t USING unnest(",
	    rows->table->name);
	rows_sql_params(rows, false, sql);
	strbuf_adds(sql, ") AS u(");
	rows_sql_names(rows, false, "", sql);
	strbuf_adds(sql, ")");
	rows_sql_same(rows->table, sql);
}

/* All columns: COPY writes what it is given. */
static void
rows_sql_copy(const struct rows *rows, struct strbuf *sql)
{
	const struct table *t = rows->table;
	int i;

	strbuf_addf(sql, "COPY ringtally.%s (site", t->name);
	for (i = 0; i < t->n_columns; i++)
		strbuf_addf(sql, ", %s", t->column[i].name);
	strbuf_adds(sql, ") FROM STDIN (FORMAT binary)");
}

char *
rows_sql(const struct rows *rows)
{
	struct strbuf sql = STRBUF_INIT;
	char *text;

	if (rows->site != NULL)
		rows_sql_copy(rows, &sql);
	else if (rows->table->erase)
		rows_sql_erase(rows, &sql);
	else
		rows_sql_insert(rows, &sql);
	text = mem_strdup(strbuf_str(&sql));
	strbuf_fini(&sql);
	return text;
}

/* --- the rows ------------------------------------------------------------ */

/* Columns that a row can do without where it has nothing to say. */
static bool
rows_may_miss(const struct column *column)
{
	return column->role == COLUMN_ADD || column->role == COLUMN_HIST ||
	    (column->role == COLUMN_MAX && column->type == COLUMN_INT8);
}

static void
rows_begin(struct rows *rows)
{
	static const char head[ROWS_HEAD_BYTES];
	int i;

	rows->n = rows->at = 0;
	rows->moved = 0;
	rows->closed = false;
	if (rows->site != NULL) {
		strbuf_reset(&rows->column[0]);
		strbuf_add(
		    &rows->column[0], wire_copy_head, sizeof(wire_copy_head));
		return;
	}
	for (i = 0; i < rows->table->n_columns; i++) {
		if (!rows_may_miss(&rows->table->column[i]))
			rows->moved |= UINT64_C(1) << i;
		strbuf_reset(&rows->column[i]);
		strbuf_add(&rows->column[i], head, sizeof(head));
	}
}

void
rows_init(struct rows *rows, const struct table *table)
{
	BUG_ON(table->n_columns == 0 || table->n_columns > ROWS_COLUMNS_MAX);
	*rows = (struct rows){.table = table};
	rows_begin(rows);
}

void
rows_init_copy(struct rows *rows, const struct table *table, const char *site)
{
	*rows = (struct rows){.table = table, .site = site};
	rows_begin(rows);
}

void
rows_fini(struct rows *rows)
{
	int i;

	for (i = 0; i < rows->table->n_columns; i++)
		strbuf_fini(&rows->column[i]);
}

size_t
rows_bytes(const struct rows *rows)
{
	size_t sum = 0;
	int i;

	if (rows->n == 0)
		return 0;
	for (i = 0; i < rows->table->n_columns; i++)
		sum += rows->column[i].n;
	return sum;
}

void
rows_reset(struct rows *rows, size_t keep_max)
{
	if (rows_bytes(rows) > keep_max)
		rows_fini(rows);
	rows_begin(rows);
}

/* Where the field goes that comes next. */
static struct strbuf *
rows_field(struct rows *rows)
{
	int i = rows->at++;

	BUG_ON(i >= rows->table->n_columns);
	if (rows->site == NULL)
		return &rows->column[i];
	if (i == 0) {
		wire_int2(
		    &rows->column[0], (int16_t)(rows->table->n_columns + 1));
		wire_field_text(&rows->column[0], slice_of(rows->site));
	}
	return &rows->column[0];
}

/* The same, of a column that must be of that type. */
static struct strbuf *
rows_next(struct rows *rows, enum column_type type)
{
	BUG_ON(rows->at >= rows->table->n_columns);
	if (rows->table->column[rows->at].type != type)
		BUG("%s.%s is of another type", rows->table->name,
		    rows->table->column[rows->at].name);
	return rows_field(rows);
}

void
rows_null(struct rows *rows)
{
	wire_field_null(rows_field(rows));
}

void
rows_int(struct rows *rows, int64_t v)
{
	BUG_ON(rows->at >= rows->table->n_columns);
	if (v != 0)
		rows->moved |= UINT64_C(1) << rows->at;
	if (rows->table->column[rows->at].type == COLUMN_INT4)
		wire_field_int4(rows_next(rows, COLUMN_INT4), (int32_t)v);
	else
		wire_field_int8(rows_next(rows, COLUMN_INT8), v);
}

void
rows_bool(struct rows *rows, bool v)
{
	wire_field_bool(rows_next(rows, COLUMN_BOOL), v);
}

void
rows_time(struct rows *rows, int64_t us)
{
	wire_field_time(rows_next(rows, COLUMN_TIME), us);
}

void
rows_text(struct rows *rows, struct slice s)
{
	wire_field_text(rows_next(rows, COLUMN_TEXT), s);
}

void
rows_blob(struct rows *rows, const void *bytes, size_t n)
{
	wire_field_bytes(rows_next(rows, COLUMN_BYTES), bytes, n);
}

/* As PostgreSQL writes an array: "[low:high]={1,0,3}". */
static void
rows_hist_text(
    struct strbuf *b, const struct hist *h, int32_t low, int32_t high)
{
	size_t at = b->n, n;
	uint32_t length;
	int32_t i;

	wire_int4(b, 0);
	strbuf_addf(b, "[%d:%d]=", h->low + low, h->low + high);
	for (i = low; i <= high; i++)
		strbuf_addf(b, "%c%d", i == low ? '{' : ',', h->bin[i]);
	strbuf_addc(b, '}');
	n = b->n - at - sizeof(length);
	length = htobe32((uint32_t)n);
	memcpy(b->p + at, &length, sizeof(length));
}

static void
rows_hist_binary(
    struct strbuf *b, const struct hist *h, int32_t low, int32_t high)
{
	int32_t n = high - low + 1, i;

	wire_int4(b, ROWS_HEAD_BYTES + n * 8);
	wire_int4(b, 1); /* dimensions */
	wire_int4(b, 0); /* no NULLs */
	wire_int4(b, WIRE_INT4);
	wire_int4(b, n);
	wire_int4(b, h->low + low); /* the first subscript */
	for (i = low; i <= high; i++)
		wire_field_int4(b, h->bin[i]);
}

void
rows_hist(struct rows *rows, const struct hist *h)
{
	int32_t low = 0, high = h->count - 1;
	int at = rows->at;
	struct strbuf *b = rows_next(rows, COLUMN_BINS);

	while (low <= high && h->bin[low] == 0)
		low++;
	while (high > low && h->bin[high] == 0)
		high--;
	if (low > high) {
		wire_field_null(b);
		return;
	}
	rows->moved |= UINT64_C(1) << at;
	if (rows->site != NULL)
		rows_hist_binary(b, h, low, high);
	else
		rows_hist_text(b, h, low, high);
}

void
rows_end(struct rows *rows)
{
	if (rows->at != rows->table->n_columns)
		BUG("%s: a row of %d fields", rows->table->name, rows->at);
	rows->at = 0;
	rows->n++;
}

void
rows_text_or_null(struct rows *rows, struct slice s)
{
	if (s.n > 0)
		rows_text(rows, s);
	else
		rows_null(rows);
}

void
rows_time_or_null(struct rows *rows, bool there, int64_t us)
{
	if (there)
		rows_time(rows, us);
	else
		rows_null(rows);
}

static void
rows_close_array(struct rows *rows, int i)
{
	enum column_type type = rows->table->column[i].type;
	uint32_t head[ROWS_HEAD_BYTES / 4] = {htobe32(1), htobe32(1),
	    htobe32((uint32_t)rows_types[type].oid), htobe32((uint32_t)rows->n),
	    htobe32(1)};

	memcpy(rows->column[i].p, head, sizeof(head));
}

void
rows_close(struct rows *rows)
{
	int i;

	BUG_ON(rows->at != 0);
	if (rows->closed)
		return;
	rows->closed = true;
	if (rows->site != NULL)
		wire_int2(&rows->column[0], -1);
	else
		for (i = 0; i < rows->table->n_columns; i++)
			rows_close_array(rows, i);
}
