/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The path of a Unix socket: whether it may be taken, and whether what stands
 * there later is still the socket that was put there.
 */
#ifndef RT_IO_UNIX_PATH_H
#define RT_IO_UNIX_PATH_H

#include <sys/types.h>

#include "base/err.h"

/* What a socket is in the file system. */
struct unix_path_id {
	dev_t device;
	ino_t inode;
};

/*
 * Sees to it that the path is free, or held by a socket that nobody serves:
 * what a killed process left behind refuses. Returns -1 with the reason where
 * somebody answers, or something else stands there.
 */
int unix_path_probe(const char *path, struct err *err);

/* Notes what stands there now; returns -1 with errno. */
int unix_path_note(const char *path, struct unix_path_id *id);

/* Removes it, unless somebody has put something else there since. */
void unix_path_remove(const char *path, const struct unix_path_id *id);

#endif
