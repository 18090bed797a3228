/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of a council's call centre before anybody rings: its queues,
 * when people call, the numbers they call from and the agents' names.
 *
 * The day is one of UTC: the simulation knows no time zones, and so its
 * opening hours (08:00 to 18:00, Monday to Friday) do not follow summer time.
 */
#ifndef RT_SIM_COUNCIL_H
#define RT_SIM_COUNCIL_H

#include "base/utc.h"
#include "sim/dice.h"

#define COUNCIL_NAME_MAX   48
#define COUNCIL_NUMBER_MAX 16
#define COUNCIL_OPENS_US   (8 * 3600 * USEC_PER_SEC) /* of the day */
#define COUNCIL_CLOSES_US  (18 * 3600 * USEC_PER_SEC)
#define COUNCIL_DAY_US	   (SEC_PER_DAY * USEC_PER_SEC)
#define COUNCIL_KINDS	   14

struct council_queue {
	const char *name;
	unsigned weight; /* its share of the calls */
	unsigned talk_s; /* median */
	unsigned timeout_s;
};

extern const struct council_queue council_queues[COUNCIL_KINDS];

/* The queue that callers overflow to, among council_queues. */
#define COUNCIL_SWITCHBOARD 5

/* A reason for a pause, and how long such a pause is. */
struct council_pause {
	const char *reason;
	unsigned weight;
	unsigned median_s;
};

const struct council_pause *council_pause(struct dice *d);

/* Names of the index-th queue ("ctax", later "ctax-2") and its extension. */
int council_queue_name(char *to, size_t size, uint32_t index);
/* "Sian Patel", "Sian Patel 2" ...: no two agents share one. */
int council_agent_name(char *to, size_t size, uint32_t index);

/*
 * A caller's number, one of those that Ofcom keeps for drama and that reach
 * nobody; the empty string where it is withheld.
 */
int council_caller(struct dice *d, char *to, size_t size);

/* The code that an agent gives a call: what it was about, for NI 14. */
const char *council_disposition(struct dice *d);

/*
 * The same as a key that is pressed on the phone: CHASE, CLARIFY, SIGNPOST,
 * AGAIN and CLOSED are the five kinds that could have been avoided, VALUE is
 * none of them, ASK nobody could tell.
 */
const char *council_status(struct dice *d);

/* 0 for Sunday. */
int council_weekday(int64_t utc_us);
bool council_works(int64_t utc_us); /* on that day */

/*
 * Callers in an hour at that time, in hundredths, at the usual rate; 0 when
 * the lines are closed. *until_us: how long that holds.
 */
int64_t council_callers(int64_t utc_us, int64_t *until_us);

#endif
