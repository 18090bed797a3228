/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Callers who gave up today, to be rung back: every abandoned visit that
 * arrived in the site's local day, and whether its caller has been through
 * since. Of one switch. Pure: it is told where the day begins.
 *
 * Through is a caller of whom any queue of the same switch has answered a visit
 * at or after the moment of giving up: who hung up on Council Tax and was
 * answered by the switchboard has spoken to somebody, who can pass the call on.
 * The caller is known by the keyed hash of the number (call/caller.h), so a
 * withheld number never matches: such an entry stays until the day ends. It
 * counts when it is told: an abandon that the switch writes only after the
 * answer (lines out of order by seconds) stays on the list until the caller is
 * answered once more, or the daemon starts again.
 *
 * By arrival, as all figures are: the entries and those left out add up to
 * today's `abandoned` of the switch. The list is bounded. Above `max` the entry
 * goes whose caller was through first; where none was, the oldest. After a
 * restart the list comes from ringtally.visit; where visits are not kept, what
 * was before it is left out, and counted.
 */
#ifndef RT_TALLY_CALLBACK_H
#define RT_TALLY_CALLBACK_H

#include "base/pool.h"
#include "tally/tally.h"

#define CALLBACK_MAX	      1000 /* entries, unless told otherwise */
#define CALLBACK_CALLER_BYTES 16   /* as CALLER_HASH_BYTES */

/* One abandoned visit. */
struct callback {
	TAILQ_ENTRY(callback) list;	    /* in the order of being told */
	TAILQ_ENTRY(callback) through_list; /* by when they were through */
	struct callback *same; /* of this caller, the next one still open */
	struct queue *queue;
	char *call_id; /* terminated */
	char *number;  /* as the switch sent it; NULL: not to be shown */
	int64_t entered_us, ended_us;
	int64_t wait_ms;    /* EVENT_UNKNOWN_MS: not known */
	int64_t through_us; /* when answered since; 0: to be rung back */
	uint32_t visit_no;
	bool has_caller;
	uint8_t caller[CALLBACK_CALLER_BYTES];
};
TAILQ_HEAD(callback_list, callback);

struct callbacks {
	struct callback_list all;	 /* oldest first */
	struct callback_list through;	 /* of these, who need no call */
	struct callback_caller *callers; /* uthash: entries still open */
	struct pool entries, hashes;
	size_t n, n_open, max;
	uint64_t left_out; /* of today, for want of room */
	uint64_t version;  /* goes up with every change */
	int64_t day_us;	   /* where today begins */
};

void callbacks_init(struct callbacks *c, size_t max);
void callbacks_fini(struct callbacks *c);

/*
 * Today begins at day_us: what arrived before it goes. Before all else, and
 * again whenever it may have changed.
 */
void callbacks_day(struct callbacks *c, int64_t day_us);

/*
 * An abandoned visit; `like`: all but the lists, `same`, call_id and number,
 * which are copied (NULL: no number). through_us: as loaded at a start,
 * otherwise 0. Nothing when it arrived before today.
 */
void callbacks_add(struct callbacks *c, const struct callback *like,
    struct slice call_id, const char *number);
/* It was not abandoned after all: its entry goes, where there is one. */
void
callbacks_remove(struct callbacks *c, struct slice call_id, uint32_t visit_no);
/* At start: so many of today are known, but not each of them. */
void callbacks_leave_out(struct callbacks *c, uint64_t n);

/* Numbers are not to be shown any more. */
void callbacks_forget_numbers(struct callbacks *c);

/*
 * The entries of that caller stay, as those of a withheld number. Returns how
 * many there were.
 */
size_t callbacks_forget(
    struct callbacks *c, const uint8_t caller[CALLBACK_CALLER_BYTES]);

/* A visit of this caller was answered. */
void callbacks_answered(struct callbacks *c,
    const uint8_t caller[CALLBACK_CALLER_BYTES], int64_t answered_us);

#endif
