/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection of a source that is pushed to: bytes come in, records go to
 * the spool. Its framer and its source number are its own, so that half a
 * record of one connection never meets what another one says.
 *
 * While the spool has no room, the record that was refused and all behind it
 * wait in memory; the connection is read on until in_max bytes wait, and then
 * no more: the sender has to wait. When the connection ends meanwhile, what
 * waits is still handed over, and only then is the peer gone.
 *
 * What is left at the end without the mark that ends a record is discarded and
 * told: nobody knows whether the rest would have changed it. Only a document
 * ends with its connection, if that was closed in order.
 */
#ifndef RT_FEED_PEER_H
#define RT_FEED_PEER_H

#include "feed/spooled.h"

struct peer;
struct tls;

struct peer_ops {
	/* It can be spoken to: connected, and TLS is done. */
	void (*begun)(void *ctx, struct peer *peer);
	/*
	 * A record that is not empty. False: there is no room for it, it is
	 * to be given again. NULL: all records go to the spool.
	 */
	bool (*record)(void *ctx, struct peer *peer, struct slice record);
	/*
	 * As much as may wait for room does, and nothing more is read; or not
	 * any more. May be NULL.
	 */
	void (*full)(void *ctx, struct peer *peer, bool full);
	/*
	 * It is over and has nothing left. half: bytes that were discarded.
	 * The callee frees the peer; in no other op may it.
	 */
	void (*gone)(
	    void *ctx, struct peer *peer, const char *why, size_t half);
};

struct peer_config {
	struct loop *loop;
	struct spooled *spooled;
	enum framing framing;
	size_t in_max;	      /* at least PEER_IN_LEAST */
	struct tls *tls;      /* or NULL */
	int64_t handshake_us; /* of TLS */
	int64_t idle_us;      /* without a byte: it is closed; 0: never */
};
#define PEER_IN_LEAST ((size_t)2 * STAGE_RECORD_MAX)

/*
 * Takes fd over, closed also on failure. name: for people, copied. The ops run
 * in later turns.
 */
struct peer *peer_new(const struct peer_config *config, int fd,
    const char *name, const struct peer_ops *ops, void *ctx, struct err *err);
void peer_free(struct peer *peer); /* NULL is fine */
/*
 * The feed is about to be closed: hands over what is whole of all that has
 * come, also of what the kernel still holds, and returns the bytes that are
 * left, half a record. `gone` does not run; to be freed then.
 */
size_t peer_drain(struct peer *peer);

const char *peer_name(const struct peer *peer);
/* Its connection stands in the spool; with its end, so does that. */
void peer_mark(struct peer *peer);
bool peer_is_marked(const struct peer *peer);
uint32_t peer_source(const struct peer *peer);
/* There may be room again. */
void peer_go_on(struct peer *peer);
/* Closes it, and forgets what it holds; `gone` runs in a later turn. */
void peer_drop(struct peer *peer, const char *why);
/* See stream.h. */
void peer_send(struct peer *peer, const char *bytes, size_t n);
bool peer_is_full(const struct peer *peer);
int64_t peer_heard_us(const struct peer *peer);

#endif
