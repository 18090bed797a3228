/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making a connection: "switch.example.org:5038", "[2001:db8::1]:5038" or
 * "unix:/run/switch.sock". The name is looked up each time (io/resolve.h), its
 * addresses are tried one after the other, and nothing of that keeps the loop
 * waiting. One attempt at a time.
 */
#ifndef RT_IO_DIAL_H
#define RT_IO_DIAL_H

#include "base/err.h"

#define DIAL_PEER_MAX 128 /* bytes of a peer's name, for people */

struct dial;
struct loop;

struct dial_ops {
	/* Connected: fd does not block and is the callee's. */
	void (*connected)(void *ctx, int fd, const char *peer);
	void (*failed)(void *ctx, const char *why);
};

/* Whether the text is such an address; -1 with the reason. */
int dial_check(const char *address, struct err *err);
/* The host in it, for the name in a certificate; "" of a Unix socket. */
void dial_host(const char *address, char *host, size_t size);

/* address: has passed dial_check; copied. */
struct dial *dial_new(struct loop *loop, const char *address,
    const struct dial_ops *ops, void *ctx);
/*
 * Tries; one of the two ops runs in a later turn, at most `within_us` from now.
 * There they may dial_start again, or dial_free.
 */
void dial_start(struct dial *dial, int64_t within_us);
void dial_stop(struct dial *dial);
void dial_free(struct dial *dial); /* NULL is fine */

/*
 * Has the kernel ask a silent peer after idle_us whether it is still there, and
 * end the connection when it does not answer, or does not take what we send.
 * Nothing for a Unix socket, whose end the kernel knows.
 */
void dial_keep_alive(int fd, int64_t idle_us);

#endif
