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
