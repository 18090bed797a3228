/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of mod_cdr_csv. Its templates are expanded as they are: a caller's name
 * with a quote or a comma in it breaks the line for any reader of CSV. All
 * values of the shipped templates are quoted, so a value ends at quote, comma,
 * quote; where that does not give as many values as there are columns (a line
 * that a spreadsheet has saved again), the common rules are tried.
 */
#include "base/base.h"
#include "format/freeswitch.h"

struct fscsv {
	struct slice value[FREESWITCH_COLUMNS];
	unsigned n;
};

static bool
fscsv_add(struct fscsv *c, const char *from, const char *end)
{
	if (c->n == FREESWITCH_COLUMNS)
		return false;
	c->value[c->n++] = (struct slice){from, (size_t)(end - from)};
	return true;
}

/* "a","b","c": all of them quoted, whatever stands within. */
static bool
fscsv_quoted(struct fscsv *c, struct slice line)
{
	const char *from = line.p + 1, *end = line.p + line.n - 1, *p;

	c->n = 0;
	if (line.n < 2 || line.p[0] != '"' || *end != '"')
		return false;
	for (p = from; p + 2 < end; p++)
		if (p[0] == '"' && p[1] == ',' && p[2] == '"') {
			if (!fscsv_add(c, from, p))
				return false;
			from = p += 3;
			p--;
		}
	return fscsv_add(c, from, end);
}

/* The end of a quoted value: a quote, then a comma or the end. */
static const char *
fscsv_close(const char *p, const char *end)
{
	for (; p < end; p++) {
		if (*p != '"')
			continue;
		if (p + 1 == end || p[1] == ',')
			return p;
		if (p[1] == '"')
			p++;
	}
	return end;
}

static bool
fscsv_common(struct fscsv *c, struct slice line)
{
	const char *p = line.p, *end = line.p + line.n, *stop;

	for (c->n = 0;; p = stop + 1) {
		bool quoted = p < end && *p == '"';

		if (quoted) {
			stop = fscsv_close(p + 1, end);
			if (!fscsv_add(c, p + 1, stop))
				return false;
			stop += stop < end;
		} else {
			stop = memchr(p, ',', (size_t)(end - p));
			if (stop == NULL)
				stop = end;
			if (!fscsv_add(c, p, stop))
				return false;
		}
		if (stop >= end)
			return true;
	}
}

bool
freeswitch_csv(struct freeswitch_record *r, struct slice line,
    const struct slice *columns, unsigned n)
{
	struct fscsv c;
	unsigned i;

	if ((!fscsv_quoted(&c, line) || c.n != n) &&
	    (!fscsv_common(&c, line) || c.n != n))
		return false;
	r->plain = true;
	for (i = 0; i < n; i++)
		freeswitch_take(r, columns[i], c.value[i]);
	return true;
}
