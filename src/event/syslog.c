/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/utc.h"
#include "event/syslog.h"

#define SYSLOG_HEADERS 4 /* of RFC 5424, behind the time: host ... msgid */

/* The slice without its first n bytes. */
static struct slice
syslog_behind(struct slice s, size_t n)
{
	return (struct slice){s.p + n, s.n - n};
}

/* Up to the next blank; all of it where there is none. */
static struct slice
syslog_word(struct slice s)
{
	const char *blank = s.n > 0 ? memchr(s.p, ' ', s.n) : NULL;

	if (blank != NULL)
		s.n = (size_t)(blank - s.p);
	return s;
}

static struct slice
syslog_skip_blank(struct slice s)
{
	return s.n > 0 && *s.p == ' ' ? syslog_behind(s, 1) : s;
}

static bool
syslog_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
syslog_is_alnum(char c)
{
	return syslog_is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* "<134>": at most 191, of up to three digits. */
static bool
syslog_take_priority(struct slice *s)
{
	unsigned value = 0;
	size_t i;

	if (s->n < 3 || *s->p != '<')
		return false;
	for (i = 1; i < s->n && i < 4 && syslog_is_digit(s->p[i]); i++)
		value = value * 10 + (unsigned)(s->p[i] - '0');
	if (i == 1 || i == s->n || s->p[i] != '>' || value > 191)
		return false;
	*s = syslog_behind(*s, i + 1);
	return true;
}

/* --- RFC 5424 ------------------------------------------------------------- */

/* One element of structured data, at its bracket. */
static bool
syslog_take_element(struct slice *s)
{
	bool quoted = false;
	size_t i;

	for (i = 1; i < s->n; i++) {
		if (quoted && s->p[i] == '\\')
			i++; /* \" \\ \] */
		else if (s->p[i] == '"')
			quoted = !quoted;
		else if (!quoted && s->p[i] == ']')
			break;
	}
	if (i >= s->n)
		return false;
	*s = syslog_behind(*s, i + 1);
	return true;
}

static bool
syslog_take_data(struct slice *s)
{
	if (s->n > 0 && *s->p == '-') {
		*s = syslog_behind(*s, 1);
	} else {
		if (s->n == 0 || *s->p != '[')
			return false;
		while (s->n > 0 && *s->p == '[')
			if (!syslog_take_element(s))
				return false;
	}
	return s->n == 0 || *s->p == ' ';
}

/* Version 1, and a time or none: nothing else begins so. */
static bool
syslog_is_5424(struct slice s, struct slice *time)
{
	int64_t us;

	if (s.n < 3 || memcmp(s.p, "1 ", 2) != 0)
		return false;
	*time = syslog_word(syslog_behind(s, 2));
	return slice_eq(*time, SLICE("-")) || utc_parse(time->p, time->n, &us);
}

/* Behind the time: four words, structured data, the message. */
static int
syslog_5424(struct slice s, struct slice *message, const char **why)
{
	struct slice word;
	int i;

	for (i = 0; i < SYSLOG_HEADERS; i++) {
		if (s.n < 2 || *s.p != ' ') {
			*why = "a syslog frame whose header is cut off";
			return -1;
		}
		s = syslog_behind(s, 1);
		word = syslog_word(s);
		if (word.n == 0) {
			*why = "a syslog frame with an empty header field";
			return -1;
		}
		s = syslog_behind(s, word.n);
	}
	s = syslog_skip_blank(s);
	if (!syslog_take_data(&s)) {
		*why = "a syslog frame with broken structured data";
		return -1;
	}
	*message = syslog_skip_blank(s);
	return 0;
}

/* --- RFC 3164 ------------------------------------------------------------- */

/* "hh:mm:ss", with a fraction or without; the bytes it takes, 0: it is none. */
static size_t
syslog_clock(struct slice s)
{
	size_t i;

	if (s.n < 8 || s.p[2] != ':' || s.p[5] != ':')
		return 0;
	for (i = 0; i < 8; i++)
		if (i % 3 != 2 && !syslog_is_digit(s.p[i]))
			return 0;
	if (i < s.n && s.p[i] == '.')
		for (i++; i < s.n && syslog_is_digit(s.p[i]); i++)
			;
	return i;
}

/* Up to `most` digits and the blank behind them; 0: they are none. */
static size_t
syslog_digits(struct slice s, size_t most)
{
	size_t i = 0;

	while (i < s.n && i < most && syslog_is_digit(s.p[i]))
		i++;
	return i > 0 && i < s.n && s.p[i] == ' ' ? i + 1 : 0;
}

/* "Aug 21 10:00:00", or "Aug  1 2026 10:00:00.123:" as routers have it. */
static bool
syslog_take_date(struct slice *from)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct slice s = *from;
	size_t n, i;

	for (i = 0; i < 36; i += 3)
		if (s.n > 4 && memcmp(s.p, months + i, 3) == 0)
			break;
	if (i == 36 || s.p[3] != ' ')
		return false;
	s = syslog_skip_blank(syslog_behind(s, 4));
	n = syslog_digits(s, 2);
	if (n == 0)
		return false;
	s = syslog_behind(s, n);
	s = syslog_behind(s, syslog_digits(s, 4)); /* the year */
	n = syslog_clock(s);
	if (n == 0)
		return false;
	s = syslog_behind(s, n);
	if (s.n > 0 && *s.p == ':')
		s = syslog_behind(s, 1);
	if (s.n > 0 && *s.p != ' ')
		return false;
	*from = s;
	return true;
}

/* Time stamps of RFC 3339 stand here, too; *us: of one of these. */
static bool
syslog_take_time(struct slice *s, int64_t *us)
{
	struct slice word = syslog_word(*s);

	if (utc_parse(word.p, word.n, us)) {
		*s = syslog_behind(*s, word.n);
		return true;
	}
	return syslog_take_date(s);
}

/* "crm:", "crm[42]:", "postfix/smtpd[7]:": the bytes of it, 0: it is none. */
static size_t
syslog_tag(struct slice s)
{
	size_t i = 0;

	while (i < s.n &&
	    (syslog_is_alnum(s.p[i]) ||
		(s.p[i] != '\0' && strchr("._-/@", s.p[i]) != NULL)))
		i++;
	if (i == 0)
		return 0;
	if (i < s.n && s.p[i] == '[') {
		while (i < s.n && s.p[i] != ']' && s.p[i] != ' ')
			i++;
		if (i == s.n || s.p[i] != ']')
			return 0;
		i++;
	}
	if (i == s.n || s.p[i] != ':')
		return 0;
	i++;
	return i == s.n || s.p[i] == ' ' ? i : 0;
}

/* A word of a host's letters, and something behind it. */
static size_t
syslog_host(struct slice s)
{
	struct slice word = syslog_word(s);
	size_t i;

	for (i = 0; i < word.n; i++)
		if (!syslog_is_alnum(word.p[i]) && word.p[i] != '.' &&
		    word.p[i] != '-' && word.p[i] != '_' && word.p[i] != ':')
			return 0;
	return word.n < s.n ? word.n : 0;
}

/* Behind the time: a host, a tag, or one of them, or none. */
static struct slice
syslog_3164(struct slice s, bool with_host)
{
	size_t tag;

	s = syslog_skip_blank(s);
	tag = syslog_tag(s);
	if (tag == 0 && with_host) {
		size_t host = syslog_host(s);

		if (host > 0)
			s = syslog_skip_blank(syslog_behind(s, host));
		tag = syslog_tag(s);
	}
	return syslog_skip_blank(syslog_behind(s, tag));
}

/* --- both ----------------------------------------------------------------- */

static struct slice
syslog_trim(struct slice s)
{
	if (s.n >= 3 && memcmp(s.p, "\xef\xbb\xbf", 3) == 0)
		s = syslog_behind(s, 3);
	while (s.n > 0 &&
	    (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r' ||
		s.p[s.n - 1] == '\0'))
		s.n--;
	return s;
}

int
syslog_unwrap(struct record *record, const char **why)
{
	struct slice s = record->bytes, time, message;
	bool priority = syslog_take_priority(&s), timed;
	int64_t us = 0;

	if (syslog_is_5424(s, &time)) {
		(void)utc_parse(time.p, time.n, &us);
		s = syslog_behind(s, 2 + time.n);
		if (syslog_5424(s, &message, why) < 0)
			return -1;
	} else {
		timed = syslog_take_time(&s, &us);
		if (!priority && !timed) {
			*why = "no syslog frame";
			return -1;
		}
		message = syslog_3164(s, timed);
	}
	record->bytes = syslog_trim(message);
	if (record->received_us == 0)
		record->received_us = us;
	return 0;
}
