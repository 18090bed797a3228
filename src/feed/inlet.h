/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An inlet: a descriptor of which bytes are read, cut into records and given
 * to a feed's spool. What `exec` and `stdin` have in common.
 *
 * At most INLET_TURN_BYTES are read in a turn of the loop, however much is
 * there. While the spool is full nothing is read: whoever writes at the other
 * end waits, when the pipe is full as well. What was read and is no whole
 * record yet stays here until its rest comes.
 */
#ifndef RT_FEED_INLET_H
#define RT_FEED_INLET_H

#include "base/err.h"
#include "base/strbuf.h"
#include "feed/spooled.h"

#define INLET_TURN_BYTES (64 * 1024)

struct inlet;

/* What was read and not given: to go on with later. Starts as {0}. */
struct inlet_rest {
	struct strbuf bytes;
	bool skipping; /* as in struct framer */
	size_t skip;
};

struct inlet_config {
	struct loop *loop;
	int fd;	   /* stays the caller's */
	bool poll; /* false: it is always ready (a file) */
	struct spooled *spooled;
	uint32_t source;
	enum framing framing;
	/*
	 * Nothing more comes, and all records that were whole have been given.
	 * why: NULL at the end, or why it can not be read. May free the inlet.
	 */
	void (*ended)(void *ctx, const char *why);
	void *ctx;
};

/* rest: what was read before, or NULL. */
struct inlet *
inlet_new(const struct inlet_config *config, const struct inlet_rest *rest);
/* Does not call `ended`. NULL is fine. */
void inlet_free(struct inlet *inlet);

/* The spool is full, or has room again. */
void inlet_hold(struct inlet *inlet, bool hold);
/* All bytes that were read, of which some may not be given yet. */
uint64_t inlet_came(const struct inlet *inlet);
/* The spool takes everything now: gives what was held and is whole. */
void inlet_give(struct inlet *inlet);

/*
 * Reads what is there now, one turn's worth, from a descriptor that does not
 * block. False: nothing was there, or it has ended, or the spool is full.
 */
bool inlet_read(struct inlet *inlet);

/*
 * At the end: what is left is a record, though its end is missing. False: the
 * spool is full; `ended` comes again when it has room.
 */
bool inlet_take_rest(struct inlet *inlet);
/* Bytes that were read and not given. */
size_t inlet_unread(const struct inlet *inlet);
/* Moves them there. */
void inlet_save(struct inlet *inlet, struct inlet_rest *rest);

#endif
