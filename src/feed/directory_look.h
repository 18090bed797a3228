/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking into a folder for files that are finished: those that match, in
 * order, without what is still being written. A look is done in pieces, so
 * that a folder of 100,000 files keeps nobody waiting.
 *
 * A file is settled when its inode, size and times were the same in two looks
 * that are settle_us apart by the monotonic clock; whoever steps the other one
 * can not make half a file look finished. Only one that is met for the first
 * time and was not touched for LOOK_OLD_US more, as after a start, is taken at
 * first sight.
 */
#ifndef RT_FEED_DIRECTORY_LOOK_H
#define RT_FEED_DIRECTORY_LOOK_H

#include "base/strbuf.h"
#include "base/utc.h"

#define LOOK_OLD_US (60 * USEC_PER_SEC)

enum look_order { LOOK_BY_NAME, LOOK_BY_TIME };

struct look_rules {
	const char *const *include; /* fnmatch patterns; NULL: all files */
	const char *const *exclude; /* NULL: none */
	int64_t settle_us;
	enum look_order order;
};

struct look;

struct look *look_new(const struct look_rules *rules);
void look_free(struct look *look);

/* Begins in the folder behind that descriptor; -1 with errno. */
int look_begin(struct look *look, int folder);
bool look_is_running(const struct look *look);
/* Goes on; running no more when the end is reached. -1 with errno. */
int look_some(struct look *look);

/* After a look: the files that it found, in order; NULL: no more. */
const char *look_next(struct look *look);
/* What look_next gave last comes again. */
void look_put_back(struct look *look);
size_t look_left(const struct look *look);

/* When the first of those that settle is due: monotonic; INT64_MAX: none. */
int64_t look_due_us(const struct look *look);
/*
 * Some that were there at the first look have not been seen to change: they
 * will be settled soon. For --once, which does not wait for others.
 */
bool look_is_promising(const struct look *look);

/* Is it a name to look at? By the rules, and not one of a file in the making.
 */
bool look_matches(const struct look_rules *rules, const char *name);

#endif
