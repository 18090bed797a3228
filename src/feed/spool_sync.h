/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The spool's writer: a thread of its own, the only one of the daemon, as the
 * loop must not wait for a disk. What is appended gathers in memory; the
 * thread writes it to the present segment, and syncs that, at most each
 * sync_us. What it did it leaves as reports, and wakes the loop.
 *
 * Everything stays in memory until it is synced. When a sync fails nobody
 * knows what of it is on disk, and asking again would be answered with a false
 * yes: the segment is given up behind what was synced before, and the rest is
 * written again, to a new one. When there is no room it is tried again.
 */
#ifndef RT_FEED_SPOOL_SYNC_H
#define RT_FEED_SPOOL_SYNC_H

#include "feed/spool_format.h"

struct sync;

struct sync_setup {
	const char *folder; /* for messages */
	int folder_fd;	    /* stays the caller's */
	int64_t segment_bytes;
	int64_t sync_us;
	uint32_t no;	  /* of the first segment */
	uint64_t number;  /* of the first entry */
	uint64_t seed;	  /* of all segments of this run */
	uint64_t id;	  /* of the spool */
	uint32_t sources; /* see segment_head */
	uint32_t format;  /* the same */
};

/* A segment after a sync, or several; or a new one, see sync_turn. */
struct sync_report {
	uint32_t no;
	uint64_t first;	  /* number of its first entry */
	int64_t begun_us; /* by our clock */
	int64_t end;	  /* it is durable up to there ... */
	uint64_t number;  /* ... and so are all entries before this one */
};

/* How the writer stands, each time it has woken the loop. */
struct sync_state {
	int error;	/* errno of what fails at present; 0: all is well */
	unsigned fails; /* how often something failed, since the start */
	char text[256]; /* what failed last */
};

/*
 * Makes the first segment (at once; durable, as what it goes on from may be
 * deleted then), and starts the thread.
 */
struct sync *sync_start(const struct sync_setup *setup, struct err *err);
/*
 * Writes and syncs what is left, ends the thread and frees. Calls fn as
 * sync_collect does, if it is not NULL. Returns how many entries could not be
 * synced, with the reason.
 */
uint64_t sync_stop(struct sync *s,
    void (*fn)(void *ctx, const struct sync_report *report), void *ctx,
    struct err *err);

/* Takes one record, with the number that follows. Returns its size on disk. */
size_t sync_add(struct sync *s, const struct record *record, uint64_t number);
/*
 * Leaves the present segment, if anything is in it, and begins a new one, which
 * is reported with nothing in it once it is durable. What is added from now on
 * goes there, if all before it is synced; where not, some of it may go to the
 * old one. When that fails nothing is said: it is begun with the next entry.
 */
void sync_turn(struct sync *s);
/* Readable when there is something to collect. */
int sync_fd(const struct sync *s);
/* Calls fn for what was synced since the last call, in order. */
void sync_collect(struct sync *s, struct sync_state *state,
    void (*fn)(void *ctx, const struct sync_report *report), void *ctx);
/* There may be room again: do not wait with the next attempt. */
void sync_retry(struct sync *s);

#endif
