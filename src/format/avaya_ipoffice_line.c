/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One SMDR record. Nothing is quoted or escaped, so that a comma in a name
 * shifts all fields behind it: then the fields are found by those whose shape
 * is known (dates, flags, ids, devices, counts of seconds), and what stands
 * between two of these belongs to the name.
 */
#include "base/base.h"
#include "format/avaya_ipoffice_inner.h"

#define IPO_LINE_LEAST 17		  /* fields, all releases */
#define IPO_LINE_SECS  INT64_C(100000000) /* more is no duration */

/* Places of the fields, counted from 0, where no name holds a comma. */
enum {
	IPO_START,
	IPO_CONNECTED,
	IPO_RING,
	IPO_CALLER,
	IPO_DIRECTION,
	IPO_CALLED_NO,
	IPO_DIALLED_NO,
	IPO_ACCOUNT,
	IPO_INTERNAL,
	IPO_ID,
	IPO_CONTINUATION,
	IPO_DEVICE1,
	IPO_NAME1,
	IPO_DEVICE2,
	IPO_NAME2,
	IPO_HOLD,
	IPO_PARK
};

/* Of the fields that only some releases have: how far behind field 17. */
#define IPO_BEHIND_TARGETED 13 /* field 30 */
#define IPO_BEHIND_IP	    14
#define IPO_BEHIND_RECORD   18 /* field 35 */

/* Where the fields stand in this record. */
struct ipo_line_places {
	unsigned caller, direction, called, dialled, account, internal, device1,
	    device2, hold;
};

static inline struct slice
ipo_line_field(const struct ipo_line *line, unsigned i)
{
	return split_field(line->p, line->begin, i);
}

/* The fields from..to-1 as one, commas included. */
static struct slice
ipo_line_join(const struct ipo_line *line, unsigned from, unsigned to)
{
	uint32_t begin = line->begin[from];

	return from < to
	    ? (struct slice){line->p + begin, line->begin[to] - 1 - begin}
	    : (struct slice){"", 0};
}

static inline bool
ipo_line_is_flag(struct slice s)
{
	return s.n == 1 && (*s.p == '0' || *s.p == '1');
}

static bool
ipo_line_is_number(struct slice s)
{
	int64_t value;

	return slice_uint(s, &value);
}

/* A letter and a number; V-1610600574 was seen, too. Or nothing. */
static bool
ipo_line_is_device(struct slice s)
{
	size_t i = 1;

	if (s.n == 0)
		return true;
	if (*s.p < 'A' || *s.p > 'Z')
		return false;
	i += s.n > 2 && s.p[1] == '-';
	if (i == s.n)
		return false;
	for (; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

/* V9500 to V9599: voicemail and auto-attendant; not any other V number. */
static inline bool
ipo_line_is_machine(struct slice s)
{
	return s.n == 5 && s.p[0] == 'V' && s.p[1] == '9' && s.p[2] == '5';
}

static bool
ipo_line_is_direction(struct slice s)
{
	return s.n == 1 && (*s.p == 'I' || *s.p == 'O');
}

/* Flag, id, flag, device: what stands around the Call ID. */
static bool
ipo_line_id_at(const struct ipo_line *line, unsigned at)
{
	return ipo_line_is_flag(ipo_line_field(line, at)) &&
	    ipo_line_is_number(ipo_line_field(line, at + 1)) &&
	    ipo_line_is_flag(ipo_line_field(line, at + 2)) &&
	    ipo_line_is_device(ipo_line_field(line, at + 3));
}

/* Hold and park time, and behind them nothing or AuthValid. */
static bool
ipo_line_hold_at(const struct ipo_line *line, unsigned at)
{
	struct slice valid;

	if (!ipo_line_is_number(ipo_line_field(line, at)) ||
	    !ipo_line_is_number(ipo_line_field(line, at + 1)))
		return false;
	if (at + 2 >= line->n)
		return true;
	valid = ipo_line_field(line, at + 2);
	return valid.n == 0 || ipo_line_is_flag(valid) || valid.p[0] == 'n';
}

/* No name holds a comma: nearly always. */
static bool
ipo_line_is_plain(const struct ipo_line *line)
{
	return ipo_line_is_direction(ipo_line_field(line, IPO_DIRECTION)) &&
	    ipo_line_id_at(line, IPO_INTERNAL) &&
	    ipo_line_is_device(ipo_line_field(line, IPO_DEVICE2)) &&
	    ipo_line_hold_at(line, IPO_HOLD);
}

/* The second device and what is behind it, from place `at` on. */
static bool
ipo_line_find_second(
    const struct ipo_line *line, unsigned at, struct ipo_line_places *places)
{
	unsigned device, hold;

	for (device = at; device + 3 < line->n; device++) {
		if (!ipo_line_is_device(ipo_line_field(line, device)))
			continue;
		for (hold = device + 2; hold + 1 < line->n; hold++)
			if (ipo_line_hold_at(line, hold)) {
				places->device2 = device;
				places->hold = hold;
				return true;
			}
	}
	return false;
}

/*
 * Called, dialled and account between the direction and the flags: with more
 * than two commas it is the called one that is a name ("?Smith, J", "AA:..."),
 * if it does not begin with a digit, else the dialled one.
 */
static void
ipo_line_share_out(const struct ipo_line *line, struct ipo_line_places *places)
{
	struct slice called = ipo_line_field(line, places->called);
	unsigned too_many = places->internal - places->called - 3;

	places->account = places->internal - 1;
	places->dialled = places->called + 1;
	if (called.n > 0 && (*called.p < '0' || *called.p > '9'))
		places->dialled += too_many;
}

static bool
ipo_line_find(const struct ipo_line *line, struct ipo_line_places *places)
{
	unsigned at, id;

	for (at = IPO_DIRECTION; at + 12 < line->n; at++) {
		if (!ipo_line_is_direction(ipo_line_field(line, at)))
			continue;
		for (id = at + 4; id + 8 < line->n; id++) {
			if (!ipo_line_id_at(line, id) ||
			    !ipo_line_find_second(line, id + 5, places))
				continue;
			places->caller = IPO_CALLER;
			places->direction = at;
			places->called = at + 1;
			places->internal = id;
			places->device1 = id + 3;
			ipo_line_share_out(line, places);
			return true;
		}
	}
	return false;
}

/* "HH:MM:SS", or more than two digits of hours. */
static bool
ipo_line_duration(struct slice s, int64_t *sec)
{
	int64_t h, m, second;

	if (s.n < 8 || s.n > 11 || s.p[s.n - 3] != ':' || s.p[s.n - 6] != ':')
		return false;
	if (!slice_uint((struct slice){s.p, s.n - 6}, &h) ||
	    !slice_uint((struct slice){s.p + s.n - 5, 2}, &m) ||
	    !slice_uint((struct slice){s.p + s.n - 2, 2}, &second) || m > 59 ||
	    second > 59)
		return false;
	*sec = h * 3600 + m * 60 + second;
	return true;
}

static bool
ipo_line_secs(struct slice s, int64_t *sec)
{
	return slice_uint(s, sec) && *sec <= IPO_LINE_SECS;
}

/*
 * The person's side: an extension, if there is one, else what is neither a
 * line nor a machine.
 */
static void
ipo_line_person(struct ipo_line *line, const struct ipo_line_places *places)
{
	struct slice device[2] = {ipo_line_field(line, places->device1),
	    ipo_line_field(line, places->device2)};
	unsigned i, person = 2;

	for (i = 0; i < 2; i++) {
		if (device[i].n == 0)
			continue;
		if (ipo_line_is_machine(device[i]))
			line->machine = true;
		else if (*device[i].p == 'E' &&
		    (person == 2 || *device[person].p != 'E'))
			person = i;
		else if (*device[i].p != 'T' && person == 2)
			person = i;
	}
	line->device = line->name = (struct slice){"", 0};
	if (person == 2)
		return;
	line->device = device[person];
	line->name = person == 0
	    ? ipo_line_join(line, places->device1 + 1, places->device2)
	    : ipo_line_join(line, places->device2 + 1, places->hold);
}

static bool
ipo_line_is_ip(struct slice s)
{
	size_t i, dots = 0;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '.')
			dots++;
		else if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return dots == 3;
}

/* Fields 28 and on, which may be shifted by a comma of the targeter's name. */
static void
ipo_line_tail(struct ipo_line *line, unsigned park)
{
	unsigned at = park + IPO_BEHIND_IP;
	int64_t sec;

	line->record_us = 0;
	line->targeted = (struct slice){"", 0};
	if (park + IPO_BEHIND_TARGETED >= line->n)
		return;
	while (at < line->n && !ipo_line_is_ip(ipo_line_field(line, at)))
		at++;
	if (at >= line->n)
		at = park + IPO_BEHIND_IP; /* before release 10 */
	line->targeted = ipo_line_field(line, at - 1);
	at += IPO_BEHIND_RECORD - IPO_BEHIND_IP;
	if (at < line->n && local_read(ipo_line_field(line, at), '/', &sec))
		line->record_us = sec * USEC_PER_SEC;
}

/* The number alone of "number@address". */
static struct slice
ipo_line_number(struct slice s)
{
	const char *at = s.n > 0 ? memchr(s.p, '@', s.n) : NULL;

	if (at != NULL)
		s.n = (size_t)(at - s.p);
	return s;
}

static int
ipo_line_take(struct ipo_line *line, const struct ipo_line_places *places,
    const char **why)
{
	struct slice direction = ipo_line_field(line, places->direction);

	line->start = ipo_line_field(line, IPO_START);
	line->id_text = ipo_line_field(line, places->internal + 1);
	if (!ipo_line_duration(
		ipo_line_field(line, IPO_CONNECTED), &line->connected_s) ||
	    !ipo_line_secs(ipo_line_field(line, IPO_RING), &line->ring_s) ||
	    !ipo_line_secs(ipo_line_field(line, places->hold), &line->hold_s) ||
	    !ipo_line_secs(
		ipo_line_field(line, places->hold + 1), &line->park_s)) {
		*why = "no durations where they should be";
		return -1;
	}
	slice_uint(line->id_text, &line->id);
	line->caller = ipo_line_number(
	    ipo_line_join(line, places->caller, places->direction));
	line->called = ipo_line_join(line, places->called, places->dialled);
	line->dialled = ipo_line_join(line, places->dialled, places->account);
	line->internal = *ipo_line_field(line, places->internal).p == '1';
	line->inbound = *direction.p == 'I' && !line->internal;
	line->more = *ipo_line_field(line, places->internal + 2).p == '1';
	line->connected = line->connected_s > 0;
	line->machine = false;
	line->menu =
	    line->called.n >= 3 && memcmp(line->called.p, "AA:", 3) == 0;
	ipo_line_person(line, places);
	ipo_line_tail(line, places->hold + 1);
	return 0;
}

RT_HOT int
ipo_line_read(struct slice record, struct ipo_line *line, const char **why)
{
	static const struct ipo_line_places plain = {.caller = IPO_CALLER,
	    .direction = IPO_DIRECTION,
	    .called = IPO_CALLED_NO,
	    .dialled = IPO_DIALLED_NO,
	    .account = IPO_ACCOUNT,
	    .internal = IPO_INTERNAL,
	    .device1 = IPO_DEVICE1,
	    .device2 = IPO_DEVICE2,
	    .hold = IPO_HOLD};
	struct ipo_line_places found;

	line->p = record.p;
	line->n = split_fields(record, ',', line->begin, IPO_LINE_FIELDS);
	if (line->n < IPO_LINE_LEAST) {
		*why = "fewer than 17 fields";
		return -1;
	}
	if (!local_read(ipo_line_field(line, IPO_START), '/', &line->start_s)) {
		*why = "no call start";
		return -1;
	}
	if (ipo_line_is_plain(line))
		return ipo_line_take(line, &plain, why);
	if (ipo_line_find(line, &found))
		return ipo_line_take(line, &found, why);
	*why = "no Call ID where it should be";
	return -1;
}
