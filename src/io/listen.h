/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Unix stream socket that listens at a path.
 *
 * It is bound, given its group and mode and made to listen under another name
 * first (PATH.new) and then renamed, so that whoever finds it at PATH may
 * connect at once. What stands at PATH before is asked: a socket that refuses
 * is what a killed process left behind, and is replaced; one that answers
 * belongs to somebody who runs. At the end PATH is removed only if it is still
 * our socket.
 */
#ifndef RT_IO_LISTEN_H
#define RT_IO_LISTEN_H

#include <sys/types.h>

#include "base/err.h"

struct listen;
struct loop;

struct listen_config {
	const char *path;  /* copied */
	const char *group; /* whose members may connect; NULL: our own */
	mode_t mode;	   /* of the socket; 0: 0660 */
	/* A client: the descriptor, which does not block, is the callee's. */
	void (*accepted)(void *ctx, int fd);
	void *ctx;
};

/* NULL with the reason, which names the path; nothing has changed then. */
struct listen *listen_new(
    struct loop *loop, const struct listen_config *config, struct err *err);
/* Connections that were accepted stay. NULL is fine. */
void listen_free(struct listen *listen);

/* Gives the socket to another group, or back to our own (NULL). */
int listen_set_group(struct listen *listen, const char *group, struct err *err);

/*
 * Whether the peer is root, ourselves or a member of the socket's group, as
 * the kernel knows it since its connect(2): not every file system and mount
 * holds a socket's mode against who connects. *uid and *pid: who it is.
 */
bool listen_may(const struct listen *listen, int fd, uid_t *uid, pid_t *pid);

#endif
