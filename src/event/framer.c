/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "event/framer.h"
#include "event/stage.h"

RT_HOT bool
framer_line(struct framer *f, const char *bytes, size_t n, size_t *at,
    bool last, struct slice *record)
{
	while (*at < n) {
		const char *from = bytes + *at;
		const char *end;
		size_t len;

		/* all but one: a line of nothing else is one, too */
		if (RT_UNLIKELY(*from == '\0' && !f->skipping) && n - *at > 1 &&
		    from[1] == '\0') {
			(*at)++;
			continue;
		}
		end = memchr(from, '\n', n - *at);
		len = end != NULL ? (size_t)(end - from) : n - *at;
		if (end == NULL && !last) {
			if (!f->skipping && len <= STAGE_RECORD_MAX)
				return false;
			/* too long already: take it, and what follows */
			f->oversize += !f->skipping;
			f->skipping = true;
			*at = n;
			return false;
		}
		*at += len + (end != NULL);
		if (f->skipping) {
			f->skipping = false;
			continue;
		}
		if (len > STAGE_RECORD_MAX) {
			f->oversize++;
			continue;
		}
		if (len > 0 && from[len - 1] == '\r')
			len--;
		if (RT_UNLIKELY(len > 1 && *from == '\0')) {
			from++;
			len--;
		}
		*record = (struct slice){from, len};
		return true;
	}
	if (last)
		f->skipping = false;
	return false;
}

/* --- what is told by a count --------------------------------------------- */

/* Passes over what is left of a record whose length was told. */
static bool
framer_skip(struct framer *f, size_t n, size_t *at)
{
	size_t skipped = RT_MIN(f->skip, n - *at);

	*at += skipped;
	f->skip -= skipped;
	return f->skip > 0;
}

/*
 * A record of `len` bytes behind `head` others that are no part of it. False:
 * not all of it is there yet, or it is too long and `skip` is set.
 */
static bool
framer_counted(struct framer *f, const char *bytes, size_t n, size_t *at,
    size_t head, size_t len, struct slice *record)
{
	if (len > STAGE_RECORD_MAX) {
		f->oversize++;
		*at += head;
		f->skip = len;
		return false;
	}
	if (n - *at < head + len)
		return false;
	*record = (struct slice){bytes + *at + head, len};
	*at += head + len;
	return true;
}

/* --- blocks of lines ------------------------------------------------------ */

/* A block, as far as it is there. */
struct framer_found {
	size_t len;   /* without the empty line, and without half of it */
	size_t total; /* with it */
	bool ended;
};

static struct framer_found
framer_block_find(const char *from, size_t n)
{
	const char *line = from, *end;
	size_t rest;

	while ((end = memchr(line, '\n', n - (size_t)(line - from))) != NULL) {
		size_t length = (size_t)(end - line);

		if (length == 0 || (length == 1 && *line == '\r'))
			return (struct framer_found){(size_t)(line - from),
			    (size_t)(end + 1 - from), true};
		line = end + 1;
	}
	rest = n - (size_t)(line - from);
	return (struct framer_found){
	    rest == 1 && *line == '\r' ? n - 1 : n, n, false};
}

/*
 * Passes over what there is of a block that is too long, but for the last two
 * bytes of a line that has not ended: without them its end would look like an
 * empty line's.
 */
static void
framer_block_pass(struct framer *f, const char *bytes, size_t n, size_t *at)
{
	size_t line = n, least = n - *at > 2 ? n - 2 : *at;

	while (line > least && bytes[line - 1] != '\n')
		line--;
	f->oversize += !f->skipping;
	f->skipping = true;
	*at = line;
}

/* Line ends and carriage returns between two blocks. */
static void
framer_pass_blanks(const char *bytes, size_t n, size_t *at)
{
	while (*at < n && (bytes[*at] == '\n' || bytes[*at] == '\r'))
		(*at)++;
}

/*
 * The next block that is not too long, at *at. False: there is none, and *at
 * is where the rest must be offered again.
 */
static bool
framer_block_next(struct framer *f, const char *bytes, size_t n, size_t *at,
    struct framer_found *found)
{
	while (*at < n) {
		if (!f->skipping)
			framer_pass_blanks(bytes, n, at);
		*found = framer_block_find(bytes + *at, n - *at);
		if (!found->ended) {
			if (f->skipping || found->len > STAGE_RECORD_MAX)
				framer_block_pass(f, bytes, n, at);
			return false;
		}
		if (!f->skipping && found->len <= STAGE_RECORD_MAX)
			return true;
		f->oversize += !f->skipping;
		f->skipping = false;
		*at += found->total;
	}
	return false;
}

static bool
framer_block(struct framer *f, const char *bytes, size_t n, size_t *at,
    bool last, struct slice *record)
{
	struct framer_found found;
	bool skipped;

	if (framer_block_next(f, bytes, n, at, &found)) {
		*record = (struct slice){bytes + *at, found.len};
		*at += found.total;
		return true;
	}
	if (!last)
		return false;
	skipped = f->skipping;
	/* half of an empty line may be one byte too much */
	*record = (struct slice){
	    bytes + *at, RT_MIN(n - *at, (size_t)STAGE_RECORD_MAX)};
	*at = n;
	f->skipping = false;
	return !skipped && record->n > 0;
}

/* --- FreeSWITCH's event socket -------------------------------------------- */

/* The Content-Length among the header lines; 0: there is none. */
static size_t
framer_content_length(const char *head, size_t n)
{
	static const char name[] = "content-length:";
	const char *line = head, *stop = head + n, *end;
	size_t length = 0;

	for (; line < stop; line = end + 1) {
		end = memchr(line, '\n', (size_t)(stop - line));
		if (end == NULL)
			end = stop;
		if ((size_t)(end - line) < sizeof(name) - 1 ||
		    strncasecmp(line, name, sizeof(name) - 1) != 0)
			continue;
		line += sizeof(name) - 1;
		while (line < end && *line == ' ')
			line++;
		while (line < end && *line >= '0' && *line <= '9' &&
		    length <= STAGE_RECORD_MAX * UINT64_C(1024))
			length = length * 10 + (size_t)(*line++ - '0');
		return length;
	}
	return 0;
}

/*
 * Behind the last whole one, when nothing will follow: an event without its
 * empty line, or the header alone of one whose body is cut off.
 */
static bool
framer_esl_rest(struct framer *f, const char *bytes, size_t n, size_t *at,
    struct slice *record)
{
	bool passed = f->skipping || f->skip > 0;
	struct framer_found found = framer_block_find(bytes + *at, n - *at);

	*record = (struct slice){
	    bytes + *at, RT_MIN(found.total, (size_t)STAGE_RECORD_MAX)};
	*at = n;
	f->skipping = false;
	f->skip = 0;
	return !passed && record->n > 0;
}

/*
 * A header that is too long is passed over by itself: what it says of a body
 * may have gone by already.
 */
static bool
framer_esl(struct framer *f, const char *bytes, size_t n, size_t *at, bool last,
    struct slice *record)
{
	struct framer_found found;
	size_t total;

	while (!framer_skip(f, n, at) &&
	    framer_block_next(f, bytes, n, at, &found)) {
		total =
		    found.total + framer_content_length(bytes + *at, found.len);
		if (framer_counted(f, bytes, n, at, 0, total, record))
			return true;
		if (f->skip == 0)
			break;
	}
	return last && framer_esl_rest(f, bytes, n, at, record);
}

/* --- syslog --------------------------------------------------------------- */

/* Between two frames, of which one may end with several of them. */
static bool
framer_is_blank(char c)
{
	return c == '\0' || c == '\n' || c == '\r';
}

static bool
framer_is_count(char c)
{
	return c >= '1' && c <= '9';
}

/* RFC 6587: digits, a blank, and as many bytes; 0: it is none, -1: not yet. */
static int
framer_count(const char *from, size_t n, size_t *head, size_t *len)
{
	size_t i;

	*len = 0;
	for (i = 0; i < n && i < 8; i++) {
		if (from[i] == ' ') {
			*head = i + 1;
			return i > 0;
		}
		if (from[i] < '0' || from[i] > '9')
			return 0;
		*len = *len * 10 + (size_t)(from[i] - '0');
	}
	return i < 8 ? -1 : 0;
}

/* Up to the line end or NUL that ends a frame; all of it: neither is there. */
static size_t
framer_frame_find(const char *from, size_t n)
{
	const char *end = memchr(from, '\n', n);

	n = end != NULL ? (size_t)(end - from) : n;
	end = memchr(from, '\0', n);
	return end != NULL ? (size_t)(end - from) : n;
}

/*
 * One frame that is not counted, and not the next one when it is too long: that
 * may be. False: it was passed over, or *at is where it was as its end is not
 * there.
 */
static bool
framer_frame(struct framer *f, const char *bytes, size_t n, size_t *at,
    bool last, struct slice *record)
{
	const char *from = bytes + *at;
	size_t len = framer_frame_find(from, n - *at);
	bool whole = last || len < n - *at, skipped = f->skipping;

	if (!whole && !skipped && len <= STAGE_RECORD_MAX)
		return false;
	*at += len < n - *at ? len + 1 : len;
	f->oversize += !skipped && len > STAGE_RECORD_MAX;
	f->skipping = !whole;
	if (skipped || len > STAGE_RECORD_MAX)
		return false;
	if (len > 0 && from[len - 1] == '\r')
		len--;
	*record = (struct slice){from, len};
	return true;
}

/* The last one, of which less came than its count had told. */
static bool
framer_cut_off(
    const char *bytes, size_t n, size_t *at, size_t head, struct slice *record)
{
	*record = (struct slice){bytes + *at + head, n - *at - head};
	*at = n;
	return record->n > 0;
}

static bool
framer_syslog(struct framer *f, const char *bytes, size_t n, size_t *at,
    bool last, struct slice *record)
{
	size_t head, len, from;
	int counted;

	while (!framer_skip(f, n, at) && *at < n) {
		if (!f->skipping && framer_is_blank(bytes[*at])) {
			(*at)++;
			continue;
		}
		counted = 0;
		if (!f->skipping && framer_is_count(bytes[*at]))
			counted =
			    framer_count(bytes + *at, n - *at, &head, &len);
		if (counted < 0 && !last)
			return false;
		if (counted <= 0) {
			from = *at;
			if (framer_frame(f, bytes, n, at, last, record))
				return true;
			if (*at == from)
				return false; /* its end is not there */
			continue;
		}
		if (framer_counted(f, bytes, n, at, head, len, record))
			return true;
		if (f->skip == 0)
			return last &&
			    framer_cut_off(bytes, n, at, head, record);
	}
	if (last) {
		f->skip = 0;
		f->skipping = false;
	}
	return false;
}

/* --- a document ----------------------------------------------------------- */

static bool
framer_document(struct framer *f, const char *bytes, size_t n, size_t *at,
    bool last, struct slice *record)
{
	size_t len = n - *at;

	if (f->skipping || len > STAGE_RECORD_MAX) {
		f->oversize += !f->skipping;
		f->skipping = !last;
		*at = n;
		return false;
	}
	if (!last || len == 0)
		return false;
	*record = (struct slice){bytes + *at, len};
	*at = n;
	return true;
}

bool
framer_next(struct framer *f, const char *bytes, size_t n, size_t *at,
    bool last, struct slice *record)
{
	switch (f->framing) {
	case FRAMING_LINES:
		return framer_line(f, bytes, n, at, last, record);
	case FRAMING_BLOCKS:
		return framer_block(f, bytes, n, at, last, record);
	case FRAMING_ESL:
		return framer_esl(f, bytes, n, at, last, record);
	case FRAMING_SYSLOG:
		return framer_syslog(f, bytes, n, at, last, record);
	case FRAMING_DOCUMENT:
		return framer_document(f, bytes, n, at, last, record);
	}
	BUG("unknown framing");
}
