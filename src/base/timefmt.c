/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/timefmt.h"

static const char *const timefmt_iso[] = {
    "%Y-%m-%d %H:%M:%S%f%z",
    "%Y-%m-%d %H:%M:%S%f",
    "%Y-%m-%dT%H:%M:%S%f%z",
    "%Y-%m-%dT%H:%M:%S%f",
    "%Y-%m-%d %H:%M%z",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d",
};

_Static_assert(RT_COUNT(timefmt_iso) <= TIMEFMT_MAX, "room for all");

/* What was read so far. */
struct timefmt_parts {
	int year, month, day, hour, minute, second;
	int pm;	    /* 0: AM, 1: PM; -1: not told */
	int64_t us; /* of the second */
	int offset; /* seconds ahead of UTC */
	bool has_offset, has_epoch;
	int64_t epoch_s;
};

int
timefmt_set_zone(struct timefmt *t, const char *name, struct err *err)
{
	struct local_zone *zone = local_open(name, err);

	if (zone == NULL)
		return -1;
	local_close(t->zone);
	t->zone = zone;
	return 0;
}

void
timefmt_fini(struct timefmt *t)
{
	local_close(t->zone);
	t->zone = NULL;
}

int
timefmt_add(struct timefmt *t, const char *format, struct err *err)
{
	const char *p;

	if (t->n == TIMEFMT_MAX)
		return err_set(err, "more than %d time formats", TIMEFMT_MAX);
	for (p = format; (p = strchr(p, '%')) != NULL; p += 2)
		if (p[1] == '\0' ||
		    strchr("YymdebBHIpMSfzsTFDR%", p[1]) == NULL)
			return err_set(err,
			    "time format \"%s\": there is no %%%c", format,
			    p[1] != '\0' ? p[1] : ' ');
	t->formats[t->n++] = format;
	return 0;
}

/* --- reading ------------------------------------------------------------- */

/* A number of up to n digits, within a range. */
static bool
timefmt_number(struct slice *s, unsigned n, int min, int max, int *value)
{
	unsigned i;
	int v = 0;

	for (i = 0; i < n && i < s->n; i++) {
		unsigned digit = (unsigned char)s->p[i] - '0';

		if (digit > 9)
			break;
		v = v * 10 + (int)digit;
	}
	if (i == 0 || v < min || v > max)
		return false;
	*value = v;
	s->p += i;
	s->n -= i;
	return true;
}

static bool
timefmt_word(struct slice *s, const char *word, size_t n)
{
	if (s->n < n || strncasecmp(s->p, word, n) != 0)
		return false;
	s->p += n;
	s->n -= n;
	return true;
}

static bool
timefmt_month(struct slice *s, int *month)
{
	static const char *const names[] = {"January", "February", "March",
	    "April", "May", "June", "July", "August", "September", "October",
	    "November", "December"};
	int i;

	for (i = 0; i < 12; i++)
		if (timefmt_word(s, names[i], strlen(names[i])) ||
		    timefmt_word(s, names[i], 3)) {
			*month = i + 1;
			return true;
		}
	return false;
}

static void
timefmt_spaces(struct slice *s)
{
	while (s->n > 0 && (*s->p == ' ' || *s->p == '\t')) {
		s->p++;
		s->n--;
	}
}

/* ".123", ",5" or nothing; what is finer than microseconds is cut off. */
static bool
timefmt_fraction(struct slice *s, int64_t *us)
{
	int64_t unit = USEC_PER_SEC / 10;
	size_t i;

	*us = 0;
	if (s->n < 2 || (*s->p != '.' && *s->p != ','))
		return true;
	for (i = 1; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
		*us += (s->p[i] - '0') * unit;
		unit /= 10;
	}
	s->p += i;
	s->n -= i;
	return i > 1;
}

static bool
timefmt_offset(struct slice *s, struct timefmt_parts *parts)
{
	int hours, minutes = 0, sign;

	timefmt_spaces(s);
	parts->has_offset = true;
	if (timefmt_word(s, "Z", 1) || timefmt_word(s, "UTC", 3))
		return true;
	if (s->n < 3 || (*s->p != '+' && *s->p != '-'))
		return false;
	sign = *s->p == '-' ? -1 : 1;
	s->p++;
	s->n--;
	if (!timefmt_number(s, 2, 0, 18, &hours))
		return false;
	if (s->n > 0 && *s->p == ':') {
		s->p++;
		s->n--;
	}
	if (s->n > 0 && !timefmt_number(s, 2, 0, 59, &minutes))
		return false;
	parts->offset = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool
timefmt_epoch(struct slice *s, struct timefmt_parts *parts)
{
	size_t n = 0;

	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
		n++;
	if (n > 12 || !slice_uint((struct slice){s->p, n}, &parts->epoch_s))
		return false;
	parts->has_epoch = true;
	s->p += n;
	s->n -= n;
	return true;
}

static bool
timefmt_match(const char *format, struct slice *s, struct timefmt_parts *parts);

static bool
timefmt_conversion(char c, struct slice *s, struct timefmt_parts *parts)
{
	switch (c) {
	case 'Y':
		return s->n >= 4 &&
		    timefmt_number(s, 4, 1000, 9999, &parts->year);
	case 'y':
		if (!timefmt_number(s, 2, 0, 99, &parts->year))
			return false;
		parts->year += parts->year < 69 ? 2000 : 1900;
		return true;
	case 'm':
		return timefmt_number(s, 2, 1, 12, &parts->month);
	case 'd':
	case 'e':
		timefmt_spaces(s);
		return timefmt_number(s, 2, 1, 31, &parts->day);
	case 'b':
	case 'B':
		return timefmt_month(s, &parts->month);
	case 'H':
		return timefmt_number(s, 2, 0, 23, &parts->hour);
	case 'I':
		return timefmt_number(s, 2, 1, 12, &parts->hour);
	case 'p':
		parts->pm = timefmt_word(s, "PM", 2);
		return parts->pm || timefmt_word(s, "AM", 2);
	case 'M':
		return timefmt_number(s, 2, 0, 59, &parts->minute);
	case 'S':
		return timefmt_number(s, 2, 0, 60, &parts->second);
	case 'f':
		return timefmt_fraction(s, &parts->us);
	case 'z':
		return timefmt_offset(s, parts);
	case 's':
		return timefmt_epoch(s, parts);
	case 'T':
		return timefmt_match("%H:%M:%S", s, parts);
	case 'F':
		return timefmt_match("%Y-%m-%d", s, parts);
	case 'D':
		return timefmt_match("%m/%d/%y", s, parts);
	case 'R':
		return timefmt_match("%H:%M", s, parts);
	default:
		return timefmt_word(s, "%", 1);
	}
}

/* Takes from the text what the format asks for. */
static bool
timefmt_match(const char *format, struct slice *s, struct timefmt_parts *parts)
{
	for (; *format != '\0'; format++) {
		if (*format == '%') {
			if (!timefmt_conversion(*++format, s, parts))
				return false;
		} else if (*format == ' ') {
			timefmt_spaces(s);
		} else if (s->n > 0 && *s->p == *format) {
			s->p++;
			s->n--;
		} else {
			return false;
		}
	}
	return true;
}

static bool
timefmt_day_fits(const struct timefmt_parts *parts)
{
	int month = parts->month % 12 + 1;
	int year = parts->year + (parts->month == 12);

	return parts->day <=
	    utc_days(year, month, 1) - utc_days(parts->year, parts->month, 1);
}

/* The instant that the parts tell. */
static enum timefmt_says
timefmt_instant(struct timefmt *t, const struct timefmt_parts *parts,
    int64_t *utc_us, const char **why)
{
	int64_t at[2], local_us;
	int hour = parts->hour;

	if (parts->has_epoch) {
		*utc_us = parts->epoch_s * USEC_PER_SEC + parts->us;
		return TIMEFMT_READ;
	}
	if (!timefmt_day_fits(parts)) {
		*why = "there is no such day";
		return TIMEFMT_IMPOSSIBLE;
	}
	if (parts->pm >= 0)
		hour = hour % 12 + 12 * parts->pm;
	local_us =
	    (utc_days(parts->year, parts->month, parts->day) * SEC_PER_DAY +
		hour * 3600 + parts->minute * 60 + parts->second) *
		USEC_PER_SEC +
	    parts->us;
	if (parts->has_offset) {
		*utc_us = local_us - parts->offset * USEC_PER_SEC;
		return TIMEFMT_READ;
	}
	if (t->zone == NULL) {
		*utc_us = local_us;
		return TIMEFMT_READ;
	}
	switch (local_find(t->zone, local_us, at)) {
	case LOCAL_SKIPPED:
		*why = "the clocks were set forward over that hour: is the "
		       "zone right?";
		return TIMEFMT_IMPOSSIBLE;
	case LOCAL_AMBIGUOUS:
		t->ambiguous++;
		break;
	case LOCAL_UNIQUE:
		break;
	}
	*utc_us = at[0];
	return TIMEFMT_READ;
}

enum timefmt_says
timefmt_read(
    struct timefmt *t, struct slice text, int64_t *utc_us, const char **why)
{
	const char *const *formats = t->n > 0 ? t->formats : timefmt_iso;
	unsigned n = t->n > 0 ? t->n : RT_COUNT(timefmt_iso), i;
	/* ours exclude each other, those of others may not: their order counts
	 */
	unsigned first = t->n > 0 ? 0 : t->last;

	for (i = 0; i < n; i++) {
		unsigned which = (first + i) % n;
		struct timefmt_parts parts = {
		    .year = 1970, .month = 1, .day = 1, .pm = -1};
		struct slice left = text;

		if (timefmt_match(formats[which], &left, &parts) &&
		    left.n == 0) {
			t->last = which;
			return timefmt_instant(t, &parts, utc_us, why);
		}
	}
	*why = t->n > 0 ? "not of the given time format"
			: "not like 2026-11-23 14:05 (--time-format?)";
	return TIMEFMT_OTHER;
}
