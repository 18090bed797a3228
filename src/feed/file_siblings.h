/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pieces that rotation put aside: which file belongs to a saved position,
 * and which one comes next.
 *
 * They lie beside the log. One that has the inode of the position is found
 * under any name. The others are known by their names: the log's own, then
 * parts that begin with a digit or are "old", "prev" or "ext", set apart by
 * '.', '-' or '_', then ".gz" perhaps (queue_log.1, queue_log-20261121.gz,
 * queue_log.ext-1795289031; cdr-20261121.csv of cdr.csv). So queue_log.bak or
 * another log called queue_log-test is never taken for a piece.
 *
 * They come one after the other by the time of their last change, which
 * neither renaming nor gzip alters; names are of no use, since some number
 * upwards and some downwards.
 */
#ifndef RT_FEED_FILE_SIBLINGS_H
#define RT_FEED_FILE_SIBLINGS_H

#include "feed/file_piece.h"

/*
 * Opens the file of a position: by inode among all files that lie beside
 * `path` or beside the position's own path, else by its first bytes among
 * `path` and the rotated pieces: a copy, the compressed form, a backup that
 * was restored (perhaps an earlier state, thus shorter than the position).
 * Returns 1, 0 when there is none, or -1 with errno and the reason where it
 * can not be told now.
 */
int siblings_find(const char *path, const struct position *pos,
    struct piece *found, struct err *err);

/*
 * The last pieces that were read to their end: a writer that has not opened
 * its log again may change their time long afterwards.
 */
#define FINISHED_MAX 16

struct finished {
	unsigned n; /* ever added */
	struct {
		dev_t device;
		ino_t inode;
		uint64_t generation;
		uint64_t head_hash;
		uint32_t head_size;
	} v[FINISHED_MAX];
};

void finished_add(struct finished *finished, const struct piece *piece);

/*
 * Opens the piece that comes after `done` and before `current`, the open file
 * at `path`: the oldest one that changed later than `done`, is neither of the
 * two nor a copy of them, was not finished, and holds something. Returns as
 * siblings_find.
 */
int siblings_next(const char *path, const struct piece *done,
    const struct piece *current, const struct finished *finished,
    struct piece *next, struct err *err);

/*
 * The newest piece beside the log that something else than gzip has compressed,
 * by its name. was: the file that was read. False: there is none.
 */
bool siblings_foreign(const char *was, char to[STAGE_PATH_MAX]);

/* Is `name` that of a rotated piece of the log called `base`? */
bool siblings_is_rotated(const char *name, const char *base);

#endif
