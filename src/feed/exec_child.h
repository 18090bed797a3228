/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A child process of which we read what it writes. It leads a process group of
 * its own, so that what it starts ends with it; standard input is /dev/null,
 * the environment is a few names, and of our descriptors it gets none. When
 * the daemon is killed the kernel kills it, too.
 */
#ifndef RT_FEED_EXEC_CHILD_H
#define RT_FEED_EXEC_CHILD_H

#include <sys/types.h>

#include "base/err.h"

struct exec_child {
	pid_t pid; /* of it and its group; 0: there is none */
	int out;   /* its standard output and error, to be read; these */
	int err;   /* do not block; -1: closed */
};

/* argv: NULL-terminated, the first is an absolute path. feed: told to it. */
int exec_child_start(struct exec_child *child, char *const *argv,
    const char *feed, struct err *err);

/*
 * Whether it has ended. It is not yet reaped then, so that nobody else gets
 * its number: exec_child_reap.
 */
bool exec_child_has_ended(const struct exec_child *child);

/* A signal to all of its group. */
void exec_child_signal(const struct exec_child *child, int signo);

/*
 * Its end, and that of what is left of its group, which is killed. how: for
 * people, "exited with status 3". Returns whether it ended well. Does not wait:
 * one that has not ended, though it was killed, is left to the kernel.
 */
bool exec_child_reap(struct exec_child *child, char *how, size_t size);

#endif
