/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mark: how far a spool is committed, as far as its own folder knows. The
 * truth is in the database, with the figures. But a position there may be one
 * in another spool: another daemon was the writer since, or the folder was
 * replaced. Then the mark is the best that is known.
 *
 * It is written behind each commit, not synced, and so never says more than
 * what is committed. It stands in the spool's lock file.
 *
 * Behind it stands what the spool's limits have deleted of what was not yet
 * committed: by the numbers alone nobody could tell that from what somebody
 * else has deleted, nor how many bytes it was.
 */
#ifndef RT_FEED_SPOOL_MARK_H
#define RT_FEED_SPOOL_MARK_H

#include "event/stage.h"

struct spool_mark {
	uint64_t id; /* of the spool: the mark of another one is none */
	uint32_t no; /* of the segment; 0: nothing is known */
	uint32_t zero;
	int64_t at;	 /* of the next entry ... */
	uint64_t number; /* ... and its number */
	uint64_t sum;	 /* XXH3-64 of all before */
};

/* Records that were deleted before they were committed. */
struct spool_dropped {
	uint64_t id;
	uint64_t first, after; /* numbers; after 0: nothing */
	int64_t bytes;	       /* with their headers */
	char why[64];	       /* of the last ones */
	uint64_t sum;	       /* XXH3-64 of all before */
};

/* All zero where there is none of that spool. */
void mark_read(struct spool_mark *mark, int fd, uint64_t id);
/* The position is committed: writes the mark, if it is another one. */
void
mark_write(struct spool_mark *mark, int fd, const struct position *position);

/* The same of what was dropped; it is written as it is, with a new sum. */
void dropped_read(struct spool_dropped *dropped, int fd, uint64_t id);
void dropped_write(struct spool_dropped *dropped, int fd);

#endif
