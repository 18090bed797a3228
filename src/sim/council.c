/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "sim/council.h"

#define COUNCIL_SLOT_US (1800 * USEC_PER_SEC)

const struct council_queue council_queues[COUNCIL_KINDS] = {
    {"ctax", 26, 170, 900},
    {"benefits", 18, 210, 900},
    {"housing", 20, 180, 600},
    {"waste", 12, 110, 180},
    {"planning", 5, 200, 300},
    {"switchboard", 10, 45, 300},
    {"electoral", 3, 90, 180},
    {"registrars", 4, 160, 240},
    {"parking", 8, 140, 180},
    {"highways", 6, 130, 600},
    {"env-health", 4, 190, 600},
    {"adult-care", 7, 260, 1200},
    {"schools", 5, 180, 600},
    {"licensing", 2, 150, 600},
};

/* Callers in an hour, by the half-hour from 08:00 on an average day. */
static const uint16_t council_day[] = {180, 260, 380, 420, 440, 430, 400, 370,
    320, 290, 290, 310, 340, 340, 330, 310, 280, 220, 140, 80};

/* In hundredths, from Sunday on: letters arrive on a Saturday. */
static const uint8_t council_week[] = {0, 130, 105, 95, 90, 85, 0};

static const struct council_pause council_pauses[] = {
    {"Break", 40, 600},
    {"Wrap-up/admin", 25, 300},
    {"Lunch", 15, 2400},
    {"Meeting", 8, 1800},
    {"Training", 4, 2700},
    {"", 8, 240},
};

static const char *const council_first[] = {"Aisha", "Ben", "Carys", "Dawn",
    "Emeka", "Fiona", "Gareth", "Hannah", "Imran", "Joan", "Kwame", "Lucy",
    "Mohammed", "Niamh", "Oliver", "Priya", "Rhys", "Sian", "Tom", "Wendy",
    "Zoë"};

static const char *const council_last[] = {"Ahmed", "Brown", "Clarke", "Davies",
    "Evans", "Foster", "Green", "Hughes", "Iqbal", "Jones", "Khan", "Lewis",
    "Morris", "Nowak", "O'Neill", "Patel", "Roberts", "Smith", "Taylor",
    "Walker", "Young"};

/* Ofcom, "Telephone numbers for use in TV and radio drama programmes". */
static const char *const council_drama[] = {"01134960", "01144960", "01154960",
    "01164960", "01174960", "01184960", "01214960", "01314960", "01414960",
    "01514960", "01614960", "01632960", "01632960", "01632960", "01914980",
    "02079460", "02896496", "02920180", "03069990", "07700900", "07700900",
    "07700900", "07700900", "07700900"};

/* What calls are about, in hundredths: as categories, and as keys. */
static const struct council_code {
	const char *code, *status;
	unsigned weight;
} council_codes[] = {
    {"not_avoidable", "VALUE", 55},
    {"progress_chasing", "CHASE", 17},
    {"unnecessary_clarification", "CLARIFY", 9},
    {"poor_signposting", "SIGNPOST", 6},
    {"repeat_notification", "AGAIN", 5},
    {"premature_closure", "CLOSED", 3},
    {"not_assessed", "ASK", 5},
};

const struct council_pause *
council_pause(struct dice *d)
{
	uint32_t at = dice_below(d, 100);
	size_t i = 0;

	while (
	    i + 1 < RT_COUNT(council_pauses) && at >= council_pauses[i].weight)
		at -= council_pauses[i++].weight;
	return &council_pauses[i];
}

int
council_queue_name(char *to, size_t size, uint32_t index)
{
	const char *name = council_queues[index % COUNCIL_KINDS].name;
	uint32_t round = index / COUNCIL_KINDS;

	if (round == 0)
		return snprintf(to, size, "%s", name);
	return snprintf(to, size, "%s-%" PRIu32, name, round + 1);
}

int
council_agent_name(char *to, size_t size, uint32_t index)
{
	uint32_t firsts = RT_COUNT(council_first);
	uint32_t lasts = RT_COUNT(council_last);
	uint32_t round = index / (firsts * lasts);
	/* step through the surnames faster than once in a round of firsts */
	const char *first = council_first[index % firsts];
	const char *last = council_last[(index + index / firsts) % lasts];

	if (round == 0)
		return snprintf(to, size, "%s %s", first, last);
	return snprintf(to, size, "%s %s %" PRIu32, first, last, round + 1);
}

int
council_caller(struct dice *d, char *to, size_t size)
{
	const char *area;

	if (dice_chance(d, 60000)) {
		*to = '\0';
		return 0;
	}
	area = council_drama[dice_below(d, RT_COUNT(council_drama))];
	return snprintf(to, size, "%s%03" PRIu32, area, dice_below(d, 1000));
}

static const struct council_code *
council_code(struct dice *d)
{
	uint32_t at = dice_below(d, 100);
	size_t i = 0;

	while (i + 1 < RT_COUNT(council_codes) && at >= council_codes[i].weight)
		at -= council_codes[i++].weight;
	return &council_codes[i];
}

const char *
council_disposition(struct dice *d)
{
	return council_code(d)->code;
}

const char *
council_status(struct dice *d)
{
	return council_code(d)->status;
}

int
council_weekday(int64_t utc_us)
{
	int64_t day = utc_floor(utc_us, COUNCIL_DAY_US) / COUNCIL_DAY_US;
	int64_t rest = (day + 4) % 7; /* 1970-01-01 was a Thursday */

	return (int)(rest < 0 ? rest + 7 : rest);
}

bool
council_works(int64_t utc_us)
{
	return council_week[council_weekday(utc_us)] > 0;
}

int64_t
council_callers(int64_t utc_us, int64_t *until_us)
{
	int64_t midnight = utc_floor(utc_us, COUNCIL_DAY_US);
	int64_t slot = (utc_us - midnight - COUNCIL_OPENS_US) / COUNCIL_SLOT_US;

	if (utc_us - midnight < COUNCIL_OPENS_US) {
		*until_us = midnight + COUNCIL_OPENS_US;
		return 0;
	}
	if (slot >= (int64_t)RT_COUNT(council_day)) {
		*until_us = midnight + COUNCIL_DAY_US + COUNCIL_OPENS_US;
		return 0;
	}
	*until_us = midnight + COUNCIL_OPENS_US + (slot + 1) * COUNCIL_SLOT_US;
	return council_day[slot] * council_week[council_weekday(utc_us)];
}
