/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "format/csv.h"

/* A quoted field from its first quote on; *at is moved behind its last. */
static bool
csv_quoted(struct csv *csv, struct slice record, size_t *at)
{
	size_t from = *at + 1, doubled = 0, i;
	struct slice *to = &csv->field[csv->n];
	char *room;

	for (i = from; i < record.n; i++) {
		if (record.p[i] != '"')
			continue;
		if (i + 1 == record.n || record.p[i + 1] != '"')
			break;
		doubled++;
		i++;
	}
	if (i >= record.n)
		return false;
	*at = i + 1;
	*to = (struct slice){record.p + from, i - from};
	if (doubled == 0)
		return true;
	room = csv->room.p + csv->room.n; /* there is enough: see csv_split */
	for (i = 0; i < to->n; i++) {
		strbuf_addc(&csv->room, to->p[i]);
		i += to->p[i] == '"';
	}
	*to = (struct slice){room, to->n - doubled};
	return true;
}

int
csv_split(
    struct csv *csv, struct slice record, char separator, const char **why)
{
	const char *end;
	size_t at = 0;

	strbuf_reset(&csv->room);
	strbuf_reserve(&csv->room, record.n + 1);
	for (csv->n = 0; csv->n < CSV_FIELDS; csv->n++, at++) {
		csv->at[csv->n] = (uint32_t)at;
		if (at < record.n && record.p[at] == '"') {
			if (!csv_quoted(csv, record, &at)) {
				*why = "a quote that is not closed";
				return -1;
			}
		} else {
			end = at < record.n
			    ? memchr(record.p + at, separator, record.n - at)
			    : NULL;
			if (end == NULL)
				end = record.p + record.n;
			csv->field[csv->n] = (struct slice){
			    record.p + at, (size_t)(end - record.p) - at};
			at = (size_t)(end - record.p);
		}
		if (at == record.n) {
			csv->n++;
			return 0;
		}
		if (record.p[at] != separator) {
			*why = "a quote within a field";
			return -1;
		}
	}
	*why = "too many fields";
	return -1;
}

void
csv_fini(struct csv *csv)
{
	strbuf_fini(&csv->room);
}

/* "533659" as microseconds; what is finer is cut off. */
static bool
csv_fraction(struct slice digits, int64_t *us)
{
	int64_t unit = USEC_PER_SEC / 10;
	size_t i;

	*us = 0;
	for (i = 0; i < digits.n; i++, unit /= 10) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return false;
		*us += (digits.p[i] - '0') * unit;
	}
	return true;
}

bool
csv_stamp(struct slice text, int64_t *us, bool *utc)
{
	const char *dot = text.n > 0 ? memchr(text.p, '.', text.n) : NULL;
	struct slice fraction = {"", 0};
	int64_t sec;

	*us = 0;
	if (dot != NULL) {
		fraction.p = dot + 1;
		fraction.n = (size_t)(text.p + text.n - dot) - 1;
		text.n = (size_t)(dot - text.p);
	}
	if (!csv_fraction(fraction, us))
		return false;
	*utc = text.n < 19;
	if (*utc ? !slice_uint(text, &sec) || sec > INT64_C(253402300799)
		 : !local_read(text, text.p[4], &sec))
		return false;
	*us += sec * USEC_PER_SEC;
	return true;
}

int64_t
csv_id_second(struct slice id)
{
	size_t from = id.n;
	int64_t sec;

	while (from > 0 && id.p[from - 1] != '-')
		from--;
	if (id.n - from < 12 || id.p[from + 10] != '.' ||
	    !slice_uint((struct slice){id.p + from, 10}, &sec) ||
	    id.p[from] == '0')
		return 0;
	return sec;
}

struct slice
csv_channel_interface(struct slice channel)
{
	size_t i = channel.n;

	while (i > 0 && channel.p[i - 1] != '-' && channel.p[i - 1] != '/')
		i--;
	if (i > 1 && channel.p[i - 1] == '-')
		channel.n = i - 1;
	return channel;
}
