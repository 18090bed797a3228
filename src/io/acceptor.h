/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes the connections that wait at a listening socket, some in each turn of
 * the loop. Without descriptors or memory for more it rests for a moment: what
 * waits would make the loop spin.
 */
#ifndef RT_IO_ACCEPTOR_H
#define RT_IO_ACCEPTOR_H

#include "base/base.h"

struct acceptor;
struct loop;

/*
 * fd listens, and stays the caller's. name: for messages, copied. accepted: a
 * connection, whose descriptor does not block and is the callee's; it may not
 * free the acceptor.
 */
struct acceptor *acceptor_new(struct loop *loop, int fd, const char *name,
    void (*accepted)(void *ctx, int fd), void *ctx);
/* Before fd is closed. NULL is fine. */
void acceptor_free(struct acceptor *acceptor);

#endif
