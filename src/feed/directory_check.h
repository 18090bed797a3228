/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first reading of a file, before anything of it is counted: from its start
 * to its end, decompressed, in pieces. It tells whether the whole of it can be
 * read, and what it is known by when it comes again. So a file is counted as a
 * whole or not at all.
 */
#ifndef RT_FEED_DIRECTORY_CHECK_H
#define RT_FEED_DIRECTORY_CHECK_H

#include <sys/stat.h>

#include "event/stage.h"
#include "feed/directory_ledger.h"

struct check {
	struct input *in; /* NULL: none runs */
	void *hash;	  /* of xxHash */
	int fd;
	struct stat st; /* when it began */
	int64_t bytes;	/* decompressed, so far; in the end: all */
	int64_t most;	/* that it may have; 0: any */
	struct digest digest;
};

enum check_result {
	CHECK_MORE,    /* go on later */
	CHECK_DONE,    /* bytes and digest tell */
	CHECK_REFUSED, /* it can never be read, for that reason */
	CHECK_GROWS,   /* it is still being written to: begin again, later */
	CHECK_GONE,    /* it is not there */
	CHECK_FAILED   /* errno and the reason; trying again may help */
};

/* Begins with a file of that folder; CHECK_MORE when it has begun. */
enum check_result check_begin(struct check *check, int folder, const char *name,
    int64_t most, struct err *err);
/* name: what it was called in the folder, which is part of the digest. */
enum check_result
check_some(struct check *check, const char *name, struct err *err);
void check_end(struct check *check); /* does nothing where none runs */

#endif
