/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One client of a line protocol: a request is a line, its answer is bytes that
 * somebody holds ready. One request at a time: while its answer is made and
 * sent nothing more is read, so that a client can not fill our memory. What it
 * may send and how long it may take is bounded; who does not keep to that is
 * closed, with a reason.
 */
#ifndef RT_IO_CONN_H
#define RT_IO_CONN_H

#include "base/slice.h"

struct conn;
struct loop;

struct conn_ops {
	size_t line_max; /* bytes of a request */
	/* Absolute: for a line once begun, and for taking an answer. */
	int64_t line_us, send_us;
	int64_t idle_us; /* without a request */
	/*
	 * A request, without its line end. It lives until the callee returns,
	 * who must call conn_send once, now or later, and may not free here.
	 */
	void (*request)(void *ctx, struct slice line);
	/*
	 * It is gone after this: closed by the peer or as the callee wished;
	 * or dropped by us for what the reason says. Not called by conn_free.
	 */
	void (*closed)(void *ctx, const char *reason);
	void (*dropped)(void *ctx, const char *reason);
};

/* Takes fd over, which must not block. */
struct conn *
conn_new(struct loop *loop, int fd, const struct conn_ops *ops, void *ctx);
/* NULL is fine. */
void conn_free(struct conn *conn);

/*
 * The answer: head is copied, body is not. sent(arg) is called once when body
 * is needed no more, also when the connection was closed; it may be NULL.
 */
void conn_send(struct conn *conn, struct slice head, struct slice body,
    void (*sent)(void *arg), void *arg);
/* The same, and no further request is wanted. */
void conn_send_last(struct conn *conn, struct slice head);

#endif
