/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What calls tell of the need behind them, without anybody having asked: who
 * was answered and rang again for the same service, and who gave up and was
 * through within a day. Inferred; never mixed with what people assessed. Of
 * all switches together, as a caller knows nothing of switches.
 *
 * A caller is the keyed hash of the number (call/caller.h); who withholds it
 * is nobody, and is left out and counted: answered - caller_known. Each call of
 * a known caller that was answered or given up is a point in time:
 *
 *	FIRST	the first answered visit of its call: counted in caller_known.
 *		It is `repeated` where the same caller was answered later, by at
 *		most within_us, for the same service in another call
 *	AGAIN	a further answered visit of the same call: an answer for those
 *		before it, and not counted itself
 *	GAVE_UP	an abandoned visit: counted in abandoned_known. It is
 *		`called_back` where any queue answered the caller at that moment
 *		or later, by at most a day
 *
 * Both are booked in the interval in which the *earlier* visit arrived, as all
 * outcomes are, days after it is over: what is added to a stored interval is a
 * difference like any other. So the last within_us of a figure are not known
 * yet. What is booked is at any time a function of the set of points, whatever
 * order they came in: a late answer, a caller told of by two switches that are
 * not read at the same pace, or an answer that was none after all
 * (repeat_take_back) end in the same figures. Two answers of one moment do not
 * repeat each other.
 *
 * Exact: callers are compared by all 16 bytes of their hash. (Calls of one
 * caller are told apart by 32 bits.) A point has 40 bytes and is found by its
 * caller through an open table of 4 bytes for each caller, of which two fifths
 * to four fifths are taken; a table is one of 256, so that none is ever long in
 * growing. Points older than within_us + REPEAT_LATE_US before the clock are
 * let go when a table would have to grow, and above 65,536 points each time
 * that a quarter of within_us has passed; of more than `max` the oldest, too.
 * What was let go before its within_us had passed is taken out of caller_known
 * again, and an answer that is told when its time was let go never comes in: so
 * the share stays one of what could be followed to its end.
 *
 * The services of queues come from the configuration. Where they change, or
 * within_us does, repeat_review works all points out again and books the
 * differences: intervals whose points are still there are as if it had always
 * been so.
 */
#ifndef RT_TALLY_REPEAT_H
#define RT_TALLY_REPEAT_H

#include "tally/tally.h"

#define REPEAT_CALLER_BYTES 16 /* as CALLER_HASH_BYTES */
#define REPEAT_DAY_US	    (SEC_PER_DAY * USEC_PER_SEC)
#define REPEAT_LATE_US	    REPEAT_DAY_US /* answers may come out of order */

enum repeat_kind { REPEAT_FIRST, REPEAT_AGAIN, REPEAT_GAVE_UP };

struct repeat_config {
	int64_t within_us; /* > 0 */
	uint32_t max;	   /* points, about; at least 1 */
	/* The service of a queue; NULL: none, it is one by itself. */
	const char *(*service_of)(void *ctx, const char *queue);
	void *ctx;
};

/* One visit, as far as it matters here. */
struct repeat_visit {
	const uint8_t *caller; /* REPEAT_CALLER_BYTES, as good as random */
	struct queue *queue;
	uint32_t call;	    /* hash of the call's id and its switch */
	uint32_t number;    /* of the visit within its call */
	int64_t entered_us; /* in whose interval it is booked */
	int64_t at_us;	    /* answered, or given up */
};

struct repeat;

struct repeat *repeat_new(const struct repeat_config *config);
/* NULL is fine. The tallies may be gone already. */
void repeat_free(struct repeat *r);

/*
 * It is that late, by the clock of some switch, as far as it is believed. Never
 * goes back. What is later by more than a day can not be.
 */
void repeat_clock(struct repeat *r, int64_t clock_us);

/*
 * A visit was answered. `first`: no other answered visit of its call is
 * remembered; of one whose number is not 1 the points are asked, too. Books
 * what follows and returns as what it was taken; -1: it can not be compared any
 * more, and nothing is booked.
 */
int
repeat_answered(struct repeat *r, const struct repeat_visit *visit, bool first);
/* A visit was given up. False: as above. */
bool repeat_gave_up(struct repeat *r, const struct repeat_visit *visit);
/*
 * What was told of the visit (all but at_us is looked at) is not so: takes back
 * all that followed. answered: as what it was told. False: it is not known.
 */
bool repeat_take_back(
    struct repeat *r, const struct repeat_visit *visit, bool answered);
/*
 * The moment of the answer is that one after all. False: it is not known.
 */
bool repeat_settle(struct repeat *r, const struct repeat_visit *visit);
/* An answered visit is the first one of its call after all, or is not. */
bool repeat_set_first(
    struct repeat *r, const struct repeat_visit *visit, bool first);

/*
 * The caller is nobody from now on, and is not compared with who rings later:
 * what was booked stays. Returns how many points went.
 */
uint64_t
repeat_forget(struct repeat *r, const uint8_t caller[REPEAT_CALLER_BYTES]);

/*
 * At a start, in any order: a point that is in the stored figures, and with it
 * what followed: nothing is booked until repeat_loaded. The services and
 * within_us are those by which it was booked: see repeat_set_service.
 */
void repeat_load(
    struct repeat *r, const struct repeat_visit *visit, enum repeat_kind kind);
/* All points since then are there. INT64_MIN: there never were others. */
void repeat_loaded(struct repeat *r, int64_t since_us);

/* Before loading: the service that the queue had. NULL: none. */
void
repeat_set_service(struct repeat *r, struct queue *queue, const char *service);
/*
 * The services, and within_us, as they are configured now. All points are
 * looked at where something differs: a second for 10 million.
 */
void repeat_review(struct repeat *r, int64_t within_us);

/* Whether two queues are of one service. */
bool
repeat_same_service(struct repeat *r, struct queue *one, struct queue *other);

int64_t repeat_within_us(const struct repeat *r);
uint64_t repeat_points(const struct repeat *r);
uint64_t repeat_callers(const struct repeat *r);
size_t repeat_bytes(const struct repeat *r); /* all of its memory */
/* Points before this were let go. */
int64_t repeat_since_us(const struct repeat *r);

#endif
