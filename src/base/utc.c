/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/utc.h"

/* Writes n digits and what follows them; returns the place behind. */
static char *
utc_digits(char *to, int value, int n, char then)
{
	int i;

	for (i = n - 1; i >= 0; i--, value /= 10)
		to[i] = (char)('0' + value % 10);
	to[n] = then;
	return to + n + 1;
}

char *
utc_iso(char *to, size_t size, int64_t utc_us)
{
	time_t sec = (time_t)(utc_us / USEC_PER_SEC);
	int us = (int)(utc_us % USEC_PER_SEC);
	char *at = to;
	struct tm tm;

	BUG_ON(size < UTC_ISO_MAX);
	if (us < 0) {
		us += (int)USEC_PER_SEC;
		sec--;
	}
	if (gmtime_r(&sec, &tm) == NULL) {
		snprintf(to, size, "%" PRId64 "s", (int64_t)sec);
		return to;
	}
	if (tm.tm_year >= -1900 && tm.tm_year < 10000 - 1900)
		at = utc_digits(at, tm.tm_year + 1900, 4, '-');
	else
		at += snprintf(at, size, "%04d-", tm.tm_year + 1900);
	at = utc_digits(at, tm.tm_mon + 1, 2, '-');
	at = utc_digits(at, tm.tm_mday, 2, 'T');
	at = utc_digits(at, tm.tm_hour, 2, ':');
	at = utc_digits(at, tm.tm_min, 2, ':');
	at = utc_digits(at, tm.tm_sec, 2, us != 0 ? '.' : 'Z');
	if (us != 0)
		at = utc_digits(at, us, 6, 'Z');
	*at = '\0';
	return to;
}

int64_t
utc_days(int year, int month, int day)
{
	/* counted in years that begin with March: the leap day is the last */
	int64_t y = (int64_t)year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	    of_year - 1 - 719468;
}

static int
utc_days_of_month(int year, int month)
{
	static const uint8_t days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* n digits, as a number of at most `max`, or -1. */
static int
utc_number(const char *p, int n, int max)
{
	int i, value = 0;

	for (i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		value = value * 10 + (p[i] - '0');
	}
	return value <= max ? value : -1;
}

/* "Z", "+01:00", "-09:30": seconds east of Greenwich. */
static bool
utc_offset(const char *p, size_t n, int *offset)
{
	int hours, minutes;

	if (n == 1 && *p == 'Z') {
		*offset = 0;
		return true;
	}
	if (n != 6 || (*p != '+' && *p != '-') || p[3] != ':')
		return false;
	hours = utc_number(p + 1, 2, 23);
	minutes = utc_number(p + 4, 2, 59);
	if (hours < 0 || minutes < 0)
		return false;
	*offset = (hours * 60 + minutes) * (*p == '-' ? -60 : 60);
	return true;
}

/* ".123": microseconds, and how many bytes they take; 0: none stand there. */
static size_t
utc_fraction(const char *p, size_t n, int64_t *us)
{
	int64_t unit = USEC_PER_SEC / 10;
	size_t i;

	*us = 0;
	if (n < 2 || *p != '.')
		return 0;
	for (i = 1; i < n && p[i] >= '0' && p[i] <= '9'; i++, unit /= 10)
		*us += (p[i] - '0') * unit;
	return i > 1 ? i : 0;
}

bool
utc_parse(const char *p, size_t n, int64_t *utc_us)
{
	int year, month, day, hour, minute, second, offset;
	size_t taken;
	int64_t us;

	if (n < 20 || p[4] != '-' || p[7] != '-' || p[10] != 'T' ||
	    p[13] != ':' || p[16] != ':')
		return false;
	year = utc_number(p, 4, 9999);
	month = utc_number(p + 5, 2, 12);
	day = utc_number(p + 8, 2, 31);
	hour = utc_number(p + 11, 2, 23);
	minute = utc_number(p + 14, 2, 59);
	second = utc_number(p + 17, 2, 60);
	if (year < 0 || month < 1 || day < 1 || hour < 0 || minute < 0 ||
	    second < 0 || day > utc_days_of_month(year, month))
		return false;
	taken = 19 + utc_fraction(p + 19, n - 19, &us);
	if (!utc_offset(p + taken, n - taken, &offset))
		return false;
	*utc_us = (utc_days(year, month, day) * SEC_PER_DAY + hour * 3600 +
		      minute * 60 + second - offset) *
		USEC_PER_SEC +
	    us;
	return true;
}
