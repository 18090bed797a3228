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
		const char *end = memchr(from, '\n', n - *at);
		size_t len = end != NULL ? (size_t)(end - from) : n - *at;

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

/*
 * Where the block that begins at `from` ends: its length without the empty
 * line, and `total` with it. False: its end is not there.
 */
static bool
framer_block_end(const char *from, size_t n, size_t *len, size_t *total)
{
	const char *line = from, *end;

	while ((end = memchr(line, '\n', n - (size_t)(line - from))) != NULL) {
		size_t length = (size_t)(end - line);

		if (length == 0 || (length == 1 && *line == '\r')) {
			*len = (size_t)(line - from);
			*total = (size_t)(end + 1 - from);
			return true;
		}
		line = end + 1;
	}
	return false;
}

/* Line ends and carriage returns between two blocks. */
static void
framer_pass_blanks(const char *bytes, size_t n, size_t *at)
{
	while (*at < n && (bytes[*at] == '\n' || bytes[*at] == '\r'))
		(*at)++;
}

static bool
framer_block(struct framer *f, const char *bytes, size_t n, size_t *at,
    bool last, struct slice *record)
{
	size_t len, total;

	while (*at < n) {
		if (!f->skipping)
			framer_pass_blanks(bytes, n, at);
		if (!framer_block_end(bytes + *at, n - *at, &len, &total)) {
			len = total = n - *at;
			if (!last && len <= STAGE_RECORD_MAX && !f->skipping)
				return false;
			if (!last) {
				f->oversize += !f->skipping;
				f->skipping = true;
				*at = n;
				return false;
			}
		}
		*record = (struct slice){bytes + *at, len};
		*at += total;
		if (!f->skipping && len > 0 && len <= STAGE_RECORD_MAX)
			return true;
		f->oversize += !f->skipping && len > STAGE_RECORD_MAX;
		f->skipping = false;
	}
	return false;
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

static bool
framer_esl(struct framer *f, const char *bytes, size_t n, size_t *at,
    struct slice *record)
{
	size_t len, total;

	while (*at < n && !framer_skip(f, n, at)) {
		framer_pass_blanks(bytes, n, at);
		if (!framer_block_end(bytes + *at, n - *at, &len, &total)) {
			if (n - *at <= STAGE_RECORD_MAX)
				return false;
			f->oversize++;
			*at = n; /* nothing tells where the next one begins */
			return false;
		}
		total += framer_content_length(bytes + *at, len);
		if (framer_counted(f, bytes, n, at, 0, total, record))
			return true;
		if (f->skip == 0)
			return false;
	}
	return false;
}

/* --- syslog ----------------------------------------------------------------
 */

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

static bool
framer_syslog(struct framer *f, const char *bytes, size_t n, size_t *at,
    bool last, struct slice *record)
{
	size_t head, len;
	int counted;

	while (*at < n && !framer_skip(f, n, at)) {
		if (f->skipping || !framer_is_count(bytes[*at]))
			return framer_line(f, bytes, n, at, last, record);
		counted = framer_count(bytes + *at, n - *at, &head, &len);
		if (counted < 0 && !last)
			return false;
		if (counted <= 0)
			return framer_line(f, bytes, n, at, last, record);
		if (framer_counted(f, bytes, n, at, head, len, record))
			return true;
		if (f->skip == 0 && !last)
			return false;
		if (f->skip == 0) { /* cut off */
			*record =
			    (struct slice){bytes + *at + head, n - *at - head};
			*at = n;
			return true;
		}
	}
	return false;
}

/* --- a document ------------------------------------------------------------
 */

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
		return framer_esl(f, bytes, n, at, record);
	case FRAMING_SYSLOG:
		return framer_syslog(f, bytes, n, at, last, record);
	case FRAMING_DOCUMENT:
		return framer_document(f, bytes, n, at, last, record);
	}
	BUG("unknown framing");
}
