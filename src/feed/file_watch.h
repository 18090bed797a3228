/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Being told of changes: inotify on an open file (it grew, was truncated,
 * renamed, removed) and on the directory entry of its name (it was created,
 * renamed, replaced). Only a hint that it is worth to look now: events may be
 * lost, and many file systems tell none, so whoever uses this looks by a timer
 * as well.
 */
#ifndef RT_FEED_FILE_WATCH_H
#define RT_FEED_FILE_WATCH_H

#include "base/base.h"

struct file_watch;
struct loop;

/*
 * fn is called on the loop whenever something may have changed. Never fails:
 * where the system has no inotify instance left, that is logged (feed: for
 * the message) and fn is never called. feed and path must outlive it.
 */
struct file_watch *file_watch_new(struct loop *loop, const char *feed,
    const char *path, void (*fn)(void *ctx), void *ctx);

/*
 * Watches the directory of the path as it is now, and the open file fd (-1:
 * none). Cheap: to be called now and then, for the directory may have been
 * replaced, and after each opening of a file.
 */
void file_watch_renew(struct file_watch *watch, int fd);

void file_watch_free(struct file_watch *watch); /* NULL is fine */

#endif
