/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One record: what a framer cut out of a run of bytes, or what a sender pushed
 * in one piece, with what is known of its coming. Only lent, like an event.
 */
#ifndef RT_EVENT_RECORD_H
#define RT_EVENT_RECORD_H

#include "base/slice.h"

enum record_kind {
	RECORD_DATA,
	/*
	 * A connection was made: what this source says from here on does not
	 * go on with what it said before. bytes: the peer, for people. (What
	 * is lost takes its marks with it: data may come without it.)
	 */
	RECORD_BEGIN,
	/*
	 * The connection is lost, or was when we were started again. What the
	 * source says until the next RECORD_BEGIN nobody hears. Source 0: all
	 * of them (the feed was closed, or its daemon did not run).
	 * bytes: why, for people.
	 */
	RECORD_END,
	/*
	 * Of a spool only, and never handed on: what was lost when the feed
	 * was closed, to be counted when this is read. See feed/spooled.c.
	 */
	RECORD_LOST
};

struct record {
	struct slice bytes;  /* without the mark that ends it */
	int64_t received_us; /* by our clock; 0: not noted (it was a file) */
	uint32_t source;     /* the same number: one connection or sender */
	uint8_t kind;	     /* enum record_kind */
	/* the transport put its time in, and it may be an hour later */
	bool ambiguous;
	bool no_nul; /* it has been looked through: there is no NUL in it */
};

/* A record of a file: nothing but its bytes. */
#define RECORD_OF(slice) ((struct record){.bytes = (slice)})

#endif
