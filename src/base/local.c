/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/local.h"

#include <unicode/ucal.h>

#define LOCAL_HOUR   INT64_C(3600)
#define LOCAL_PIECES 6	/* of one hour: between changes of the clocks */
#define LOCAL_HOURS  32 /* remembered; a power of two */
#define LOCAL_NAME   64
/* How far a zone can be from UTC, and a change of the clocks from that. */
#define LOCAL_FAR (28 * LOCAL_HOUR)

/* From one change of the clocks to the next, in local seconds. */
struct local_piece {
	int64_t from, to; /* INT64_MIN and _MAX: further than we looked */
	int64_t offset;	  /* seconds ahead of UTC */
};

/* What is known of one local hour. */
struct local_hour {
	int64_t hour; /* since 1970; valid if n > 0 */
	unsigned n;
	struct local_piece piece[LOCAL_PIECES];
};

struct local_zone {
	UCalendar *calendar; /* NULL: UTC */
	struct local_hour hour[LOCAL_HOURS];
};

/* Letters that ICU takes, of a name that is ASCII; -1: it is none. */
static int32_t
local_widen(const char *name, UChar *to)
{
	int32_t n;

	for (n = 0; name[n] != '\0'; n++) {
		if (n == LOCAL_NAME || (unsigned char)name[n] > 0x7e)
			return -1;
		to[n] = (UChar)name[n];
	}
	return n;
}

static UCalendar *
local_calendar(const char *name, struct err *err)
{
	UChar wide[LOCAL_NAME], canonical[LOCAL_NAME];
	int32_t n = local_widen(name, wide);
	UErrorCode status = U_ZERO_ERROR;
	UCalendar *calendar;
	UBool known = 0;

	/* ucal_open takes a name that it does not know for GMT */
	if (n > 0)
		ucal_getCanonicalTimeZoneID(
		    wide, n, canonical, LOCAL_NAME, &known, &status);
	if (n <= 0 || U_FAILURE(status) || !known) {
		err_set(
		    err, "timezone \"%s\" is not a zone that ICU knows", name);
		return NULL;
	}
	calendar = ucal_open(wide, n, "root", UCAL_GREGORIAN, &status);
	if (U_FAILURE(status)) {
		err_set(err, "timezone \"%s\": ICU says %s", name,
		    u_errorName(status));
		return NULL;
	}
	return calendar;
}

struct local_zone *
local_open(const char *name, struct err *err)
{
	struct local_zone *zone = mem_zalloc(sizeof(*zone));

	if (name == NULL || strcmp(name, "UTC") == 0)
		return zone;
	zone->calendar = local_calendar(name, err);
	if (zone->calendar != NULL)
		return zone;
	free(zone);
	return NULL;
}

void
local_close(struct local_zone *zone)
{
	if (zone == NULL)
		return;
	if (zone->calendar != NULL)
		ucal_close(zone->calendar);
	free(zone);
}

/*
 * The offset at a UTC second, and when it next changes after that (INT64_MAX:
 * never). What ICU can not tell any more is as it was.
 */
static int64_t
local_offset(UCalendar *calendar, int64_t utc_s, int64_t *next)
{
	UErrorCode status = U_ZERO_ERROR;
	UDate change;
	int64_t ms;

	ucal_setMillis(calendar, (double)utc_s * 1000, &status);
	ms = (int64_t)ucal_get(calendar, UCAL_ZONE_OFFSET, &status) +
	    ucal_get(calendar, UCAL_DST_OFFSET, &status);
	*next = INT64_MAX;
	if (ucal_getTimeZoneTransitionDate(
		calendar, UCAL_TZ_TRANSITION_NEXT, &change, &status) &&
	    U_SUCCESS(status))
		*next = (int64_t)(change / 1000);
	return U_SUCCESS(status) ? ms / 1000 : 0;
}

static void
local_learn(struct local_zone *zone, struct local_hour *h, int64_t hour)
{
	int64_t at = hour * LOCAL_HOUR - LOCAL_FAR, next = at;
	int64_t end = (hour + 1) * LOCAL_HOUR + LOCAL_FAR;

	h->hour = hour;
	for (h->n = 0; h->n < LOCAL_PIECES && next < end; at = next) {
		struct local_piece *piece = &h->piece[h->n];

		piece->offset = local_offset(zone->calendar, at, &next);
		piece->from = h->n == 0 ? INT64_MIN : at + piece->offset;
		piece->to = next < end ? next + piece->offset : INT64_MAX;
		/* the name of the time changed, the time did not */
		if (h->n > 0 && piece[-1].offset == piece->offset)
			piece[-1].to = piece->to;
		else
			h->n++;
	}
}

/* The hour near a change of the clocks. */
static enum local_result
local_choose(const struct local_hour *h, int64_t local_us, int64_t at[2])
{
	int64_t sec = utc_floor(local_us, USEC_PER_SEC) / USEC_PER_SEC;
	unsigned i, found = 0;

	for (i = 0; i < h->n && found < 2; i++)
		if (sec >= h->piece[i].from && sec < h->piece[i].to)
			at[found++] =
			    local_us - h->piece[i].offset * USEC_PER_SEC;
	if (found == 2)
		return LOCAL_AMBIGUOUS;
	if (found == 1) {
		at[1] = at[0];
		return LOCAL_UNIQUE;
	}
	for (i = 0; i + 2 < h->n && sec >= h->piece[i + 1].from; i++)
		;
	BUG_ON(i + 1 >= h->n);
	at[0] = local_us - h->piece[i + 1].offset * USEC_PER_SEC;
	at[1] = local_us - h->piece[i].offset * USEC_PER_SEC;
	return LOCAL_SKIPPED;
}

RT_HOT enum local_result
local_find(struct local_zone *zone, int64_t local_us, int64_t at[2])
{
	const int64_t hour_us = LOCAL_HOUR * USEC_PER_SEC;
	int64_t hour = utc_floor(local_us, hour_us) / hour_us;
	struct local_hour *h = &zone->hour[hour & (LOCAL_HOURS - 1)];

	if (zone->calendar == NULL) {
		at[0] = at[1] = local_us;
		return LOCAL_UNIQUE;
	}
	if (RT_UNLIKELY(h->n == 0 || h->hour != hour))
		local_learn(zone, h, hour);
	if (RT_UNLIKELY(h->n > 1))
		return local_choose(h, local_us, at);
	at[0] = at[1] = local_us - h->piece[0].offset * USEC_PER_SEC;
	return LOCAL_UNIQUE;
}

int64_t
local_days(int year, int month, int day)
{
	/* years that begin in March: the leap day is the last of its year */
	int64_t y = month <= 2 ? (int64_t)year - 1 : year;
	int64_t era = utc_floor(y, 400) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	    of_year - 719469;
}

/* Two digits; above 99: something else stands there. */
static inline unsigned
local_two(const char *p)
{
	unsigned tens = (unsigned char)p[0] - '0';
	unsigned ones = (unsigned char)p[1] - '0';

	return tens > 9 || ones > 9 ? 100 : tens * 10 + ones;
}

static bool
local_day_fits(unsigned year, unsigned month, unsigned day)
{
	static const uint8_t days[] = {
	    0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month >= 1 && month <= 12 && day >= 1 &&
	    day <= (month == 2 && leap ? 29U : days[month]);
}

RT_HOT bool
local_read(struct slice text, char date, int64_t *local_s)
{
	const char *p = text.p;
	unsigned century, year, month, day, hour, minute, second;

	if (text.n != 19 || p[4] != date || p[7] != date || p[13] != ':' ||
	    p[16] != ':')
		return false;
	century = local_two(p);
	year = local_two(p + 2);
	month = local_two(p + 5);
	day = local_two(p + 8);
	hour = local_two(p + 11);
	minute = local_two(p + 14);
	second = local_two(p + 17);
	if (century > 99 || year > 99 || hour > 23 || minute > 59 ||
	    second > 59 || !local_day_fits(century * 100 + year, month, day))
		return false;
	*local_s =
	    local_days((int)(century * 100 + year), (int)month, (int)day) *
		SEC_PER_DAY +
	    hour * 3600 + minute * 60 + second;
	return true;
}
