/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ledger of a folder's feed: which files were begun, so that one that is
 * sent again is known again, and so that no number is given twice.
 *
 * A text file that only grows, a line for each file:
 *
 *	00000012 9c0f3e6d7a1b5542e0aa4b6d0f3f7712 cdr-20261122.csv
 *
 * its number, the hash of its name and content, and the name for people. When
 * it holds twice as many lines as are to be remembered, the older half is
 * forgotten, by way of a new file that takes its place. A line that a crash
 * cut off is none: the file it was for had not been begun.
 */
#ifndef RT_FEED_DIRECTORY_LEDGER_H
#define RT_FEED_DIRECTORY_LEDGER_H

#include "base/err.h"

struct ledger;

/* Of a file's name and of all of its bytes (XXH3-128). */
struct digest {
	uint64_t v[2];
};

/* In that folder, where it is made if need be. NULL with errno and reason. */
struct ledger *ledger_open(int folder, size_t remember, struct err *err);
void ledger_close(struct ledger *ledger); /* NULL is fine */

/* The number of the last file with that digest; 0: not remembered. */
uint32_t ledger_find(const struct ledger *ledger, const struct digest *digest);
/* The highest number ever written to it; 0: none. */
uint32_t ledger_last(const struct ledger *ledger);

/*
 * Adds a line; durable after ledger_sync only. -1 with errno and the reason:
 * nothing was added.
 */
int ledger_add(struct ledger *ledger, uint32_t no, const struct digest *digest,
    const char *name, struct err *err);
int ledger_sync(struct ledger *ledger, struct err *err);

#endif
