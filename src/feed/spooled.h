/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What transports that are pushed to have in common. Such a transport is a
 * *source*: it makes records, which go to the feed's spool; the feed reads them
 * from there. Its stage descriptor is made of the calls below, and its options
 * begin with SPOOLED_OPTIONS:
 *
 *	struct udp_options {
 *		struct spooled_options spool; // first
 *		char *listen;
 *	};
 *	static const struct option_row udp_rows[] = {
 *		SPOOLED_OPTIONS,
 *		{"listen", ...}, {.name = NULL}};
 *	static int
 *	udp_open(void **self, const struct stage_setup *setup, struct err *err)
 *	{
 *		return spooled_open(self, setup, &udp_source, err);
 *	}
 *	const struct stage udp_listen_stage = {.name = "udp-listen",
 *	    .traits = STAGE_SPOOLED, .open = udp_open, SPOOLED_CALLS, ...};
 *
 * The source opens at once, whether or not it is known where to read the spool
 * from: see `resume` in event/stage.h.
 *
 * With --once only what the spool holds is read; the source is not opened,
 * except for one that has an end of its own (`once`).
 */
#ifndef RT_FEED_SPOOLED_H
#define RT_FEED_SPOOLED_H

#include "feed/spool.h"

struct spooled; /* the running stage */

struct spooled_options {
	int64_t sync_us;
	int64_t max_mb;
	int64_t max_age_us;
	int when_full; /* index of "wait", "drop-oldest" */
};

struct source_ops {
	/*
	 * Begins: listens, connects. Returns -1 with the reason where the
	 * configuration can not work; what may come right by itself is tried
	 * again, with back-off.
	 */
	int (*open)(void **self, struct spooled *spooled,
	    const struct stage_setup *setup, struct err *err);
	/* The spool is full: hold what comes back; or there is room again. */
	void (*hold)(void *self, bool hold);
	/* May be NULL: all given up to that number is durable; acknowledge. */
	void (*synced)(void *self, uint64_t upto);
	/* May be NULL: what takes time at its end begins; see stage.stop. */
	void (*stop)(void *self);
	/*
	 * What it still holds goes with it, as far as it is whole: from here
	 * on spooled_give takes everything. What is half is told with
	 * spooled_lost.
	 */
	void (*close)(void *self);
	/* Opened with --once, too: it has an end, see spooled_finished. */
	bool once;
};

int spooled_open(void **self, const struct stage_setup *setup,
    const struct source_ops *source, struct err *err);
void spooled_pause(void *self, bool paused); /* reading from the spool */
void spooled_position(void *self, struct position *position);
void spooled_committed(void *self, const struct position *position);
void spooled_status(void *self, struct stage_status *status);
void spooled_resume(void *self, const struct position *from);
void spooled_disown(void *self, const char *reason);
void spooled_shed(void *self);
void spooled_stop(void *self);
void spooled_close(void *self, const char *reason);
#define SPOOLED_CALLS                                             \
	.pause = spooled_pause, .position = spooled_position,     \
	.committed = spooled_committed, .status = spooled_status, \
	.resume = spooled_resume, .disown = spooled_disown,       \
	.shed = spooled_shed, .stop = spooled_stop, .close = spooled_close

extern const char *const spooled_when_full[]; /* for OPTION_CHOICE */
/* For option_row.check: what takes its usual way is never dropped. */
int spooled_check_age(const void *value, struct err *err);
/*
 * The rows of them, as the first rows of a table; they are documented there.
 * (A macro, as an array can not begin with another one.)
 */
#define SPOOLED_OPTIONS \
	SPOOLED_ROW_SYNC(60), SPOOLED_ROW_MB, SPOOLED_ROW_AGE, SPOOLED_ROW_FULL
#define SPOOLED_ROW(name_, member)       \
	.name = name_, .group = "feeds", \
	.offset = offsetof(struct spooled_options, member)
#define SPOOLED_ROW_SYNC(max_)                                              \
	{                                                                   \
		SPOOLED_ROW("spool_sync_s", sync_us),                       \
		    .type = OPTION_SECS, .preset = "0.01", .min = 0,        \
		    .max = max_, .unit = "s",                               \
		    .help = "Time between two syncs of the spool to the "   \
			    "disk: what "                                   \
			    "came in is acknowledged and counted after it." \
	}
#define SPOOLED_ROW_MB                                                         \
	{                                                                      \
		SPOOLED_ROW("spool_max_mb", max_mb),                           \
		    .type = OPTION_INT, .preset = "1024", .min = 8,            \
		    .max = 1048576, .unit = "MiB",                             \
		    .help = "Most that the spool may hold while the database " \
			    "is away."                                         \
	}
#define SPOOLED_ROW_AGE                                                       \
	{                                                                     \
		SPOOLED_ROW("spool_max_age_s", max_age_us),                   \
		    .type = OPTION_SECS, .preset = "0", .min = 0,             \
		    .max = 31622400, .unit = "s", .check = spooled_check_age, \
		    .help = "Records that waited longer in the spool are "    \
			    "dropped, "                                       \
			    "and counted as lost: at least 60. 0: they wait " \
			    "as long as it takes."                            \
	}
#define SPOOLED_ROW_FULL                                                      \
	{                                                                     \
		SPOOLED_ROW("spool_when_full", when_full),                    \
		    .type = OPTION_CHOICE, .choices = spooled_when_full,      \
		    .preset = "wait", .unit = "",                             \
		    .help = "What to do when the spool is full: let senders " \
			    "wait, "                                          \
			    "or drop the oldest records, which are counted "  \
			    "as lost."                                        \
	}

/* --- for sources ---------------------------------------------------------- */

/*
 * One record that came in, stamped with now. Returns its number, for `synced`;
 * 0: the spool is full and holds back (`hold` has been called): keep it and
 * give it again when there is room, or let the sender wait.
 */
uint64_t
spooled_give(struct spooled *spooled, uint32_t source, struct slice bytes);
/*
 * A connection was made or lost; see record_kind. Never refused: where there
 * is no room it waits in memory, and what comes after it is refused. The end
 * of all sources is said by itself when the feed is closed, and at the next
 * start when it could not be.
 */
void spooled_mark(struct spooled *spooled, uint32_t source,
    enum record_kind kind, const char *text);
/* A number for a new connection or sender; never the same twice. */
uint32_t spooled_source(struct spooled *spooled);
/* For people, and in the log when `connected` changes: "connected
 * to 10.0.0.1:5038", "refused: wrong password". */
void spooled_says(struct spooled *spooled, bool connected, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Nothing more comes: with --once the feed is idle when all of it is read. */
void spooled_finished(struct spooled *spooled);
/* What a sender said did not fit (an oversize record): counted. */
void spooled_oversize(struct spooled *spooled, uint64_t n);
/*
 * So many bytes came in and are no whole record: see stage_upstream.lost. While
 * the source is being closed, whose last figures are committed already, it goes
 * to the spool, and is counted when that is read.
 */
void spooled_lost(
    struct spooled *spooled, enum stage_loss loss, int64_t n, const char *why);

#endif
