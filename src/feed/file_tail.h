/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading one piece of a log onwards: a buffer, a position, and the watch over
 * what was read already.
 *
 * Each read of a plain file begins a few bytes before the place that we have
 * come to. If these are no longer what they were, the file was truncated or
 * rewritten, even if it is longer now than ever: no further system call is
 * needed to know it.
 *
 * Bytes that the feed did not take (half a line) stay in front of the place
 * where the next read goes to, so that only they are ever moved.
 */
#ifndef RT_FEED_FILE_TAIL_H
#define RT_FEED_FILE_TAIL_H

#include "feed/file_piece.h"

#define TAIL_SEEN 64

struct tail {
	struct piece piece;
	struct position pos;  /* offset: of the first byte not taken */
	struct input *gunzip; /* of a compressed piece */
	int64_t passing;      /* bytes to pass over before the offset (gzip) */
	char *buf;
	size_t from, to;      /* not taken: buf[from..to) */
	bool offered;	      /* these were, and there is nothing new since */
	char seen[TAIL_SEEN]; /* the last bytes before the place to read */
	size_t seen_n;
};

enum tail_result {
	TAIL_MORE,    /* something was read: offer it */
	TAIL_END,     /* there is nothing more at present */
	TAIL_CHANGED, /* shorter than what was read, or not the same bytes */
	TAIL_DAMAGED, /* compressed data that can not be decompressed */
	TAIL_FAILED   /* errno and the reason; to be tried again */
};

void tail_init(struct tail *tail, const struct position *from);
void tail_fini(struct tail *tail);
bool tail_is_open(const struct tail *tail);

/*
 * Reads on in this piece (taken over) from pos.offset, whose file it is: the
 * identity in the position becomes that of the piece.
 */
void tail_resume(struct tail *tail, const struct piece *piece);

/* Begins this piece (taken over) at `offset`: a new file in the position. */
void tail_begin(struct tail *tail, const struct piece *piece, int64_t offset);

/* Forgets what was read and not taken, and reads it anew. */
void tail_again(struct tail *tail);

/* Closes the piece and keeps the position. */
void tail_close(struct tail *tail);

/* At most STAGE_TURN_BYTES. Offer what is there before the next one. */
enum tail_result tail_read(struct tail *tail, struct err *err);

/* Offers what is there. last: see stage.h; all of it is taken then. */
void tail_offer(struct tail *tail, struct stage_upstream *up, bool last);

/* Looks at the size and remembers it; the piece's stat is fresh then. */
int tail_stat(struct tail *tail, struct err *err);

/* By the last tail_stat: a read that told the end was only a short one. */
bool tail_has_more(const struct tail *tail);

/*
 * What stands before the place to read is no end of a line (or a hole): it is
 * not what was read. Of a file that was resumed just now.
 */
bool tail_is_within_line(const struct tail *tail);

/* The first bytes in the file are still those that we know. */
bool tail_head_holds(struct tail *tail);

#endif
