/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/utc.h"

char *
utc_iso(char *to, size_t size, int64_t utc_us)
{
	time_t sec = (time_t)(utc_us / USEC_PER_SEC);
	int us = (int)(utc_us % USEC_PER_SEC);
	struct tm tm;
	int n;

	if (us < 0) {
		us += (int)USEC_PER_SEC;
		sec--;
	}
	if (gmtime_r(&sec, &tm) == NULL) {
		snprintf(to, size, "%" PRId64 "s", (int64_t)sec);
		return to;
	}
	n = snprintf(to, size, "%04d-%02d-%02dT%02d:%02d:%02d",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec);
	if (us != 0 && n > 0 && (size_t)n < size)
		n += snprintf(to + n, size - (size_t)n, ".%06d", us);
	if (n > 0 && (size_t)n < size)
		snprintf(to + n, size - (size_t)n, "Z");
	return to;
}
