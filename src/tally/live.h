/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the live views need beside the tally of one switch: the day so far and
 * the last hour of each queue. Pure: it is told the time.
 *
 * The day. A cell of the tally holds what was booked since the last cut, and
 * each cut (tally_take) gives its cells to live_take on the way. So the day so
 * far is what live has gathered of the intervals that start in the site's local
 * day, plus the cells that wait for the next cut: the same sum as a row of
 * ringtally.service_level_day, whatever is committed.
 *
 * The last hour. Each visit is booked a second time in a cell of the minute of
 * its arrival, by visit.c. Windows are the present minute and the 14 or 59
 * before it. Rings without an answer and wrap-up are the agents' doing, booked
 * when they happen, and are in the day only.
 *
 * Where nobody watches (`ringtally tally`, --once) tally.live is NULL and all
 * this is one test of a pointer for each booking.
 */
#ifndef RT_TALLY_LIVE_H
#define RT_TALLY_LIVE_H

#include "base/bins.h"
#include "base/pool.h"
#include "tally/figure.h"
#include "tally/tally.h"
#include "tally/total.h"

#define LIVE_MINUTE_US (60 * USEC_PER_SEC)
#define LIVE_MINUTES                                                        \
	64	       /* held: an hour, and a switch's clock ahead of ours \
			*/
#define LIVE_WINDOW 60 /* minutes of the longest window */
/* A queue of which nothing was heard for so long is shown no more. */
#define LIVE_SHOWN_US (7 * SEC_PER_DAY * USEC_PER_SEC)

/* What is kept of an interval or of a minute. */
struct live_cell {
	int64_t starts_us;
	int64_t v[MEASURES];
	struct bins wait_answered, wait_abandoned;
};

/* One queue's; hung on queue->live when the first is booked. */
struct live_queue {
	/* Goes up with every change of what live_today or live_window say. */
	uint64_t version;
	int64_t heard_us;	 /* the newest interval with something in it */
	struct figure_sum today; /* of the intervals of the day, as taken */
	struct total *total;	 /* of all that was taken, see live_total */
	/* From the first interval of the day on, NULL where nothing was. */
	struct live_cell **intervals;
	size_t n_intervals;
	struct live_cell *minutes[LIVE_MINUTES]; /* by minute % LIVE_MINUTES */
};

struct live {
	struct tally *tally;
	struct pool cells, queues;
	struct totals *totals, own;
	int64_t now_us; /* as told last; 0: not yet */
	int64_t day_us; /* where the local day begins, and the next one */
	int64_t next_day_us;
	int64_t first_us; /* the day's first interval: no earlier than day_us */
	/* Nothing is missing since these; INT64_MAX: not yet loaded. */
	int64_t day_since_us, hour_since_us;
	/* See live_on_lost. */
	void (*lost)(void *ctx);
	void *lost_ctx;
};

/* Hangs itself on the tally, which must outlive it. */
void live_init(struct live *live, struct tally *tally);
void live_fini(struct live *live);
/* Before all else: totals go on from there, and outlive it. */
void live_carry(struct live *live, struct totals *totals);

/*
 * The daemon's wall clock is at now_us: before all else, and before each look.
 * Cheap while the local day (base/zone.h) is the same. What is older than the
 * day, or the hour, goes. A clock that goes back over midnight by less than an
 * hour changes nothing.
 */
void live_clock(struct live *live, int64_t now_us);
/*
 * Called, from within live_clock, when the day became another one than the
 * next: the clock was set. What is kept of the day is not all of it from then
 * on, nor will it be when the clock is right again, until live_loaded: it is to
 * be loaded anew, but not from in there.
 */
void live_on_lost(struct live *live, void (*lost)(void *ctx), void *ctx);

/*
 * At start. A stored interval (its start, measures and histograms count), and a
 * queue of which the newest interval is starts_us. Stored visits are booked as
 * new ones are. At the end: nothing that was committed is missing of the
 * intervals since day_us, and of the visits that arrived since hour_us.
 */
void
live_load(struct live *live, struct queue *queue, const struct cell *stored);
void live_load_heard(struct live *live, struct queue *queue, int64_t starts_us);
void live_loaded(struct live *live, int64_t day_us, int64_t hour_us);

/* Of tally_take: what is in the cell will be zeroed now. */
void live_take(struct live *live, const struct cell *cell);
/* Something of the queue was booked that is in the day only. */
void live_touch(struct live *live, struct queue *queue);

/* Of visit.c: as tally_book and tally_outcome, of a visit that arrived then. */
void live_book(struct live *live, struct queue *queue, int64_t entered_us,
    enum measure m, int64_t n);
void live_outcome(struct live *live, struct queue *queue, int64_t entered_us,
    enum outcome outcome, int64_t wait_ms, int n);

/* Adds the day so far, what waits for the cut included, to `to`. */
void live_today(
    const struct live *live, const struct queue *queue, struct figure_sum *to);
/*
 * All that was booked since the process began, as it is to be shown: it only
 * rises (tally/total.h). A stored interval is not in it. `to` is empty before.
 */
void live_total(const struct queue *queue, struct figure_sum *to);
/* Adds the last n minutes (1 to LIVE_WINDOW), the present one included. */
void live_window(const struct live *live, const struct queue *queue,
    unsigned minutes, struct figure_sum *to);
/* Adds one interval of today (a multiple of the tally's interval). */
void live_interval(const struct live *live, const struct queue *queue,
    int64_t starts_us, struct figure_sum *to);

/* Where the window of n minutes begins. */
int64_t live_window_since(const struct live *live, unsigned minutes);
/* Nothing is missing of what was booked since then. */
bool live_day_is_complete(const struct live *live);
bool live_window_is_complete(const struct live *live, unsigned minutes);

/* Changes whenever the queue's figures did; see live_queue.version. */
uint64_t live_version(const struct queue *queue);
/* Whether the queue was heard of lately enough to be shown. */
bool live_shows(const struct live *live, const struct queue *queue);

#endif
