/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connections of a source that listens (tcp-listen, unix-listen): who may
 * come, how many, how long they may be silent. Each is a peer (feed/peer.h).
 *
 * A feed is one switch's: calls of two that bear the same id would be taken for
 * one call. So a second machine is warned of, where ids can be the same.
 */
#ifndef RT_FEED_PEERS_H
#define RT_FEED_PEERS_H

#include "feed/peer.h"

/* The options max_connections and idle_us of a source that listens. */
#define PEERS_ROW_MOST(of)                                                   \
	{                                                                    \
		.name = "max_connections", .group = "feeds",                 \
		.type = OPTION_INT, .offset = offsetof(of, max_connections), \
		.preset = "32", .min = 1, .max = 1024, .unit = "",           \
		.help = "Connections at a time; further ones are refused."   \
	}
#define PEERS_ROW_IDLE(of)                                                   \
	{                                                                    \
		.name = "idle_s", .group = "feeds", .type = OPTION_SECS,     \
		.offset = offsetof(of, idle_us), .preset = "0", .min = 0,    \
		.max = 2592000, .unit = "s",                                 \
		.help = "A connection on which nothing came for so long is " \
			"closed. 0: it may be silent as long as it likes."   \
	}

struct peers;

struct peers_config {
	const char *feed;
	struct stage_upstream *up;
	struct peer_config peer;
	const char *const *allow; /* see io/cidr.h */
	size_t most;		  /* connections */
	bool one_machine;	  /* others beside it are warned of */
	int64_t keep_alive_us;
	const char *where; /* for people: what we listen at; copied */
};

/* All that config points to, but `where`, outlives it. */
struct peers *peers_new(const struct peers_config *config);
/* Ends all connections. NULL is fine. */
void peers_free(struct peers *peers);
/* For acceptor_new: a connection that has come. */
void peers_accept(void *peers, int fd);
void peers_hold(struct peers *peers, bool hold);

#endif
