/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/utf8.h"
#include "format/csv_reader.h"

#define READER_FILL   (256 * 1024) /* bytes asked for at once */
#define READER_BUFFER (CSV_RECORD_MAX + READER_FILL)
#define READER_HEAD   (64 * 1024) /* where the first line end must be */

void
csv_reader_init(struct csv_reader *r, const struct csv_options *options)
{
	*r = (struct csv_reader){.options = *options, .next_line = 1};
	r->buffer = mem_alloc(READER_BUFFER);
}

void
csv_reader_fini(struct csv_reader *r)
{
	csv_fini(&r->csv);
	strbuf_fini(&r->converted);
	free(r->buffer);
	r->buffer = NULL;
}

/* --- bytes --------------------------------------------------------------- */

/*
 * Makes room behind what is held, and fills it. Returns 0 at the end of the
 * file, 1 when there is more, -1 with the reason.
 */
static int
reader_fill(struct csv_reader *r, struct err *err)
{
	ssize_t n;

	if (r->ended)
		return 0;
	if (READER_BUFFER - r->have < READER_FILL) {
		memmove(r->buffer, r->buffer + r->at, r->have - r->at);
		r->have -= r->at;
		r->at = 0;
	}
	BUG_ON(r->have == READER_BUFFER); /* nothing read would be the end */
	n = r->options.fill(
	    r->options.ctx, r->buffer + r->have, READER_BUFFER - r->have, err);
	if (n < 0)
		return -1;
	r->ended = n == 0;
	r->have += (size_t)n;
	return n > 0;
}

/* --- what the file is ---------------------------------------------------- */

static bool
reader_begins(const struct csv_reader *r, struct slice with)
{
	return r->have - r->at >= with.n &&
	    memcmp(r->buffer + r->at, with.p, with.n) == 0;
}

/* What people give us that is no CSV, and what they can do. */
static int
reader_check_kind(const struct csv_reader *r, struct err *err)
{
	size_t n = RT_MIN(r->have, (size_t)READER_HEAD);

	if (reader_begins(r, SLICE("\xff\xfe")) ||
	    reader_begins(r, SLICE("\xfe\xff")))
		return err_set(
		    err, "this is UTF-16: save it as \"CSV UTF-8\" or as CSV");
	if (reader_begins(r, SLICE("PK\003\004")) ||
	    reader_begins(r, SLICE("\xd0\xcf\x11\xe0")))
		return err_set(err, "this is a workbook: save it as CSV first");
	if (n > 0 && memchr(r->buffer, '\n', n) == NULL &&
	    memchr(r->buffer, '\r', n) != NULL)
		return err_set(err,
		    "its lines end with CR alone: save it as CSV with LF or "
		    "CRLF");
	return 0;
}

/* The end of the first line that is in no quotes; NULL: not yet there. */
static const char *
reader_head_end(const struct csv_reader *r, const char *from)
{
	const char *end = r->buffer + r->have;
	bool quoted = false;

	for (; from < end; from++)
		if (*from == '"')
			quoted = !quoted;
		else if (*from == '\n' && !quoted)
			return from;
	return NULL;
}

/* The most frequent of those that are usual, outside of quotes. */
static char
reader_guess(const char *p, const char *end)
{
	static const char usual[] = {',', ';', '\t', '|'};
	size_t counts[RT_COUNT(usual)] = {0}, i, best = 0;
	bool quoted = false;

	for (; p < end; p++) {
		if (*p == '"')
			quoted = !quoted;
		for (i = 0; !quoted && i < RT_COUNT(usual); i++)
			counts[i] += *p == usual[i];
	}
	for (i = 1; i < RT_COUNT(usual); i++)
		if (counts[i] > counts[best])
			best = i;
	return usual[best];
}

static int
reader_begin(struct csv_reader *r, struct err *err)
{
	const char *from = r->buffer, *end = NULL;
	int more = 1;

	while (end == NULL && more > 0 && r->have < READER_HEAD) {
		more = reader_fill(r, err);
		end = reader_head_end(r, from);
	}
	if (more < 0 || reader_check_kind(r, err) < 0)
		return -1;
	r->begun = true;
	if (reader_begins(r, SLICE("\xef\xbb\xbf")))
		r->at = 3;
	if (reader_begins(r, SLICE("sep=")) && r->have - r->at > 5 &&
	    (r->buffer[r->at + 5] == '\n' || r->buffer[r->at + 5] == '\r')) {
		if (r->options.separator == 0)
			r->options.separator = r->buffer[r->at + 4];
		r->at += r->buffer[r->at + 5] == '\n' ? 6 : 7;
		r->at = RT_MIN(r->at, r->have);
		r->next_line++;
	}
	if (r->options.separator == 0)
		r->options.separator = reader_guess(
		    r->buffer + r->at, end != NULL ? end : r->buffer + r->have);
	return 0;
}

/* --- where a record ends ------------------------------------------------- */

enum { SCAN_FIELD, SCAN_PLAIN, SCAN_QUOTED, SCAN_BEHIND };

/* Within quotes: up to the one that may close them, and behind it. */
static const char *
scan_quoted(
    struct csv_scan *s, const char *start, const char *p, const char *end)
{
	const char *quote = memchr(p, '"', (size_t)(end - p)), *line;
	const char *stop = quote != NULL ? quote : end;

	while ((line = memchr(p, '\n', (size_t)(stop - p))) != NULL) {
		p = line + 1;
		s->lines++;
		s->line_from = s->bytes + (size_t)(p - start);
	}
	if (quote == NULL)
		return end;
	s->state = SCAN_BEHIND;
	return quote + 1;
}

/*
 * Goes on from byte `start` of a record. Returns what is behind its line end;
 * NULL: that is not among these n bytes.
 */
static const char *
csv_scan(struct csv_scan *s, const char *start, size_t n, char separator)
{
	const char *p = start, *end = start + n, *line;

	/* most records are a line without any quote */
	if (s->bytes == 0 && (line = memchr(p, '\n', n)) != NULL &&
	    memchr(p, '"', (size_t)(line - p)) == NULL) {
		s->bytes = (size_t)(line - p) + 1;
		return line + 1;
	}
	while (p < end) {
		if (s->state == SCAN_QUOTED) {
			p = scan_quoted(s, start, p, end);
			continue;
		}
		if (*p == '\n') {
			p++;
			s->bytes += (size_t)(p - start);
			return p;
		}
		if (*p == '"' && s->state == SCAN_FIELD) {
			s->quote_line = s->lines;
			s->quote_column =
			    s->bytes + (size_t)(p - start) - s->line_from;
			s->state = SCAN_QUOTED;
		} else if (*p == '"' && s->state == SCAN_BEHIND) {
			s->state = SCAN_QUOTED; /* written twice */
		} else {
			s->state = *p == separator ? SCAN_FIELD : SCAN_PLAIN;
		}
		p++;
	}
	s->bytes += n;
	return NULL;
}

/* --- characters ---------------------------------------------------------- */

/* Of windows-1252, from 0x80 on; 0: not a character. */
static const uint16_t reader_1252[32] = {0x20ac, 0, 0x201a, 0x0192, 0x201e,
    0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017d,
    0, 0, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x02dc,
    0x2122, 0x0161, 0x203a, 0x0153, 0, 0x017e, 0x0178};

static void
reader_add_rune(struct strbuf *to, unsigned rune)
{
	if (rune >= 0x800) {
		strbuf_addc(to, (char)(0xe0 | rune >> 12));
		strbuf_addc(to, (char)(0x80 | (rune >> 6 & 0x3f)));
	} else {
		strbuf_addc(to, (char)(0xc0 | rune >> 6));
	}
	strbuf_addc(to, (char)(0x80 | (rune & 0x3f)));
}

/* The number of bytes that could be converted. */
static size_t
reader_convert(struct csv_reader *r, struct slice from)
{
	size_t i, plain = 0;

	strbuf_reset(&r->converted);
	strbuf_reserve(&r->converted, from.n + 1);
	for (i = 0; i < from.n; i++) {
		unsigned c = (unsigned char)from.p[i];

		if (c < 0x80)
			continue;
		strbuf_add(&r->converted, from.p + plain, i - plain);
		plain = i + 1;
		if (c < 0xa0 && reader_1252[c - 0x80] == 0)
			return i;
		reader_add_rune(
		    &r->converted, c < 0xa0 ? reader_1252[c - 0x80] : c);
	}
	strbuf_add(&r->converted, from.p + plain, from.n - plain);
	r->record = (struct slice){r->converted.p, r->converted.n};
	return from.n;
}

/* The number of bytes that are valid UTF-8. */
static size_t
reader_valid(struct slice s)
{
	uint32_t rune;
	size_t i, n;

	if (utf8_is_ascii(s.p, s.n))
		return s.n;
	for (i = 0; i < s.n; i += n) {
		n = (unsigned char)s.p[i] < 0x80
		    ? 1
		    : utf8_decode(s.p + i, s.n - i, &rune);
		if (n == 0)
			return i;
	}
	return s.n;
}

/* Line and column of a byte of a text that begins at `line`. */
static void
reader_locate(struct slice text, size_t byte, uint64_t line, uint64_t *to_line,
    uint64_t *to_column)
{
	size_t i;

	*to_line = line;
	*to_column = 1;
	for (i = 0; i < byte && i < text.n; i++) {
		if (text.p[i] == '\n') {
			++*to_line;
			*to_column = 1;
		} else if (((unsigned char)text.p[i] & 0xc0) != 0x80) {
			++*to_column;
		}
	}
}

void
csv_field_at(
    const struct csv_reader *r, unsigned i, uint64_t *line, uint64_t *column)
{
	size_t byte = i < r->csv.n ? r->csv.at[i] : r->record.n;

	reader_locate(r->record, byte, r->line, line, column);
}

/* --- records ------------------------------------------------------------- */

static enum csv_says
reader_bad(
    struct csv_reader *r, struct slice text, size_t byte, const char *why)
{
	r->why = why;
	reader_locate(text, byte, r->line, &r->line, &r->column);
	return CSV_BAD;
}

/* What stands between its start and its line end. */
static enum csv_says
reader_take(struct csv_reader *r, struct slice raw)
{
	const char *nul, *why;
	size_t good;

	if (raw.n > 0 && raw.p[raw.n - 1] == '\r')
		raw.n--;
	r->record = raw;
	nul = raw.n > 0 ? memchr(raw.p, '\0', raw.n) : NULL;
	if (nul != NULL)
		return reader_bad(r, raw, (size_t)(nul - raw.p), "a NUL byte");
	if (r->options.encoding == CSV_WINDOWS_1252) {
		good = reader_convert(r, raw);
		if (good < raw.n)
			return reader_bad(
			    r, raw, good, "a byte that windows-1252 has not");
	} else if ((good = reader_valid(raw)) < raw.n) {
		return reader_bad(
		    r, raw, good, "not UTF-8 (--encoding windows-1252?)");
	}
	if (csv_split(&r->csv, r->record, r->options.separator, &why) < 0)
		return reader_bad(r, r->record,
		    r->csv.n < CSV_FIELDS ? r->csv.at[r->csv.n] : 0, why);
	r->column = 1;
	return CSV_RECORD;
}

/*
 * Looks for the end of the record that begins at r->at. One that is too long
 * is dropped as it is read. *held: bytes of it in the buffer, from r->at on.
 * Returns 1; 0: the end of the file came first; -1 with the reason.
 */
static int
reader_find_end(
    struct csv_reader *r, size_t *held, bool *dropped, struct err *err)
{
	const char *start, *behind;
	size_t seen = 0, n;
	int more = 1;

	r->scan = (struct csv_scan){.state = SCAN_FIELD};
	*dropped = false;
	for (;;) {
		start = r->buffer + r->at + seen;
		n = r->have - r->at - seen;
		behind = csv_scan(&r->scan, start, n, r->options.separator);
		*held = seen + (behind != NULL ? (size_t)(behind - start) : n);
		if (behind != NULL || more == 0)
			return behind != NULL;
		seen += n;
		/* before it fills: of a full buffer there would be no room */
		if (seen > CSV_RECORD_MAX) {
			*dropped = true;
			r->at += seen;
			seen = 0;
		}
		more = reader_fill(r, err);
		if (more < 0)
			return -1;
	}
}

/* A record from r->at on; CSV_END: there is none. */
static enum csv_says
reader_next(struct csv_reader *r, struct err *err)
{
	struct slice raw;
	bool dropped;
	size_t held;
	int whole = reader_find_end(r, &held, &dropped, err);

	if (whole < 0)
		return CSV_FAILED;
	if (r->scan.bytes == 0)
		return CSV_END;
	raw = (struct slice){r->buffer + r->at, held - (whole > 0)};
	r->at += held;
	r->line = r->next_line;
	r->next_line += r->scan.lines + (whole > 0);
	r->record = (struct slice){"", 0};
	if (!whole && r->scan.state == SCAN_QUOTED) {
		r->line += r->scan.quote_line;
		r->column = r->scan.quote_column + 1;
		r->why =
		    "a quote that nothing closes up to the end of the file";
		return CSV_BAD;
	}
	if (dropped || raw.n > CSV_RECORD_MAX)
		return reader_bad(r, r->record, 0, "longer than a mebibyte");
	return reader_take(r, raw);
}

static bool
reader_is_empty(const struct csv_reader *r)
{
	return r->csv.n == 1 && r->csv.field[0].n == 0 && r->csv.at[0] == 0;
}

enum csv_says
csv_read(struct csv_reader *r, struct err *err)
{
	enum csv_says says;

	if (!r->begun && reader_begin(r, err) < 0)
		return CSV_FAILED;
	do
		says = reader_next(r, err);
	while (says == CSV_RECORD && reader_is_empty(r));
	return says;
}
