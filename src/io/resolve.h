/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The addresses of a name, without making the loop wait.
 *
 * getaddrinfo(3) knows all that the machine is configured to ask (hosts files,
 * DNS, mDNS, NSS modules) and may wait for any of it for half a minute. It runs
 * in a thread of its own, one for each question, that does nothing else and
 * touches nothing of ours but the question. It can not be cancelled: a question
 * that is dropped is left to its thread, which forgets it. Address numbers need
 * no thread and are answered at once. (libevent's evdns is not used: it knows
 * DNS only and has been a source of holes.)
 */
#ifndef RT_IO_RESOLVE_H
#define RT_IO_RESOLVE_H

#include "base/err.h"

struct addrinfo;
struct loop;
struct resolve;

/*
 * Asks for the stream addresses of host and port. `done` runs once, in a later
 * turn of the loop, with the list (to be given to freeaddrinfo by the callee)
 * or with NULL and the reason. NULL with the reason where no thread can be
 * made. It frees itself before `done` runs.
 */
struct resolve *
resolve_new(struct loop *loop, const char *host, const char *port,
    void (*done)(void *ctx, struct addrinfo *found, const char *why), void *ctx,
    struct err *err);
/* `done` will not run any more. NULL is fine. */
void resolve_drop(struct resolve *resolve);

#endif
