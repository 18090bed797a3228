/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection that bytes come in by, and some go out: plain or TLS, made by
 * us or accepted. What came in is held until it is taken; when in_max bytes are
 * held nothing more is read, so that the sender has to wait. Each turn of the
 * loop reads a bounded piece: one who floods us does not keep others waiting.
 *
 * Why not libevent's bufferevents: with OpenSSL those read until the socket is
 * empty, however fast it fills, and when they stop at a high mark, up to 16 KiB
 * may stay within OpenSSL, which nobody looks at until more comes (2.1.12,
 * bufferevent_openssl.c, consider_reading).
 */
#ifndef RT_IO_STREAM_H
#define RT_IO_STREAM_H

#include "base/err.h"
#include "base/slice.h"

struct loop;
struct stream;
struct tls;

struct stream_ops {
	/* The TLS handshake is done; of a plain one never called. */
	void (*secured)(void *ctx);
	/* More came in. */
	void (*heard)(void *ctx);
	/*
	 * It is over, by what the peer or the network did: what is held may
	 * still be taken. Called once. clean: the peer said so.
	 */
	void (*ended)(void *ctx, bool clean, const char *why);
};

struct stream_config {
	size_t in_max;	      /* bytes held; at least one is read beyond */
	struct tls *tls;      /* NULL: plain */
	int64_t handshake_us; /* for that of TLS */
};

/*
 * Takes fd over, which must not block; closed also on failure. All ops run in
 * later turns, and may free the stream.
 */
struct stream *
stream_new(struct loop *loop, int fd, const struct stream_config *config,
    const struct stream_ops *ops, void *ctx, struct err *err);
void stream_free(struct stream *stream); /* NULL is fine */

/* What is held; good until the next turn, or until some of it is taken. */
struct slice stream_held(const struct stream *stream);
void stream_take(struct stream *stream, size_t n);
/*
 * For the last time, as it is about to be freed: reads what is there now, as
 * far as there is room, and calls nobody. True: the peer has ended it.
 */
bool stream_read_last(struct stream *stream);
/* Nothing more is read until some is taken. */
bool stream_is_full(const struct stream *stream);
/* By the monotonic clock; 0: nothing was heard yet. */
int64_t stream_heard_us(const struct stream *stream);

/*
 * Sends, in a later turn; the bytes are copied, and wiped from memory when they
 * are sent: they may be a password. A peer that takes nothing is given up.
 */
void stream_send(struct stream *stream, const char *bytes, size_t n);

#endif
