/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/zone.h"

/* No day is longer: a zone that moves over the date line has one of 48. */
#define ZONE_DAY_MAX (50 * 3600)

void
zone_set(const char *name)
{
	if (setenv("TZ", name, 1) != 0)
		BUG("TZ=%s: %s", name, strerror(errno));
	tzset();
}

/* The local date as a number that rises with it. */
static int64_t
zone_date(int64_t sec)
{
	time_t t = (time_t)sec;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL)
		return utc_floor(sec, SEC_PER_DAY) / SEC_PER_DAY;
	return ((int64_t)tm.tm_year * 12 + tm.tm_mon) * 31 + tm.tm_mday;
}

/* The first second after `before` of that date or a later one. */
static int64_t
zone_first(int64_t before, int64_t from, int64_t date)
{
	while (from - before > 1) {
		int64_t middle = before + (from - before) / 2;

		if (zone_date(middle) >= date)
			from = middle;
		else
			before = middle;
	}
	return from;
}

static int64_t
zone_gcd(int64_t a, int64_t b)
{
	while (b != 0) {
		int64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a < 0 ? -a : a;
}

/* Asked once for each day: none lasts shorter. */
int64_t
zone_step(const char *name, int64_t from_us, int64_t to_us)
{
	const char *tz = getenv("TZ");
	char *before = tz != NULL ? mem_strdup(tz) : NULL;
	int64_t step = SEC_PER_DAY;
	struct tm tm;
	time_t t;

	zone_set(name);
	for (; from_us < to_us; from_us += SEC_PER_DAY * USEC_PER_SEC) {
		t = (time_t)(from_us / USEC_PER_SEC);
		if (localtime_r(&t, &tm) != NULL)
			step = zone_gcd(step, tm.tm_gmtoff);
	}
	if (before != NULL) {
		zone_set(before);
	} else {
		unsetenv("TZ");
		tzset();
	}
	free(before);
	return step;
}

int64_t
zone_day_start(int64_t utc_us)
{
	int64_t sec = utc_floor(utc_us, USEC_PER_SEC) / USEC_PER_SEC;

	return zone_first(sec - ZONE_DAY_MAX, sec, zone_date(sec)) *
	    USEC_PER_SEC;
}

int64_t
zone_day_next(int64_t utc_us)
{
	int64_t sec = utc_floor(utc_us, USEC_PER_SEC) / USEC_PER_SEC;

	return zone_first(sec, sec + ZONE_DAY_MAX, zone_date(sec) + 1) *
	    USEC_PER_SEC;
}
