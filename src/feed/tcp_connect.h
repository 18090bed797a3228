/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the halves of the transport `tcp-connect` share: tcp_connect.c makes the
 * connection, again and again, and tells the story; tcp_dialogue.c is what is
 * said on it; tcp_options.c is what can be configured.
 */
#ifndef RT_FEED_TCP_CONNECT_H
#define RT_FEED_TCP_CONNECT_H

#include "base/backoff.h"
#include "feed/peer.h"
#include "feed/secret.h"

struct tcp_options {
	struct spooled_options spool; /* first */
	char *address;
	char *user, *secret_file;
	int64_t connect_us; /* for connecting, for TLS, and for logging in */
	int64_t retry_us, retry_max_us, refused_us;
	int64_t jitter_pct;
	int64_t keep_alive_us, silence_us;
	int64_t memory_kb;
	bool tls;
	char *tls_ca_file, *tls_name, *tls_cert_file, *tls_key_file;
};
extern const struct option_row tcp_connect_options[];

struct tcp {
	struct dialogue dialogue; /* first: the format's calls find us by it */
	const struct tcp_options *options;
	const char *feed;
	struct loop *loop;
	struct spooled *spooled;
	struct stage_upstream *up;
	enum framing framing;
	const struct dialogue_ops *ops; /* of the format; or NULL */
	void *talk;			/* what ops->start made */
	struct dial *dial;
	struct peer *peer; /* NULL: not connected */
	struct tls *tls;   /* of that connection */
	struct secret secret;
	struct timer *timer; /* the next attempt, or the end of the login */
	struct timer *alarm; /* of silence */
	struct backoff backoff, refused;
	int64_t silence_us; /* 0: never */
	int64_t since_us;   /* of the connection */
	bool ready;	    /* logged in, or no login is needed */
	int64_t asked_us;   /* for an answer, by the monotonic clock */
	bool taken_in;	    /* the record at the front was heard already */
	bool fed;	    /* it has sent data */
	bool by_operator;   /* trying again soon is of no use */
	char said[448];	    /* why it failed, as was logged last */
};

/* --- tcp_dialogue.c --- */

/* A connection is there: begins to speak, if the format does. */
void tcp_dialogue_begin(struct tcp *t);
/* A record came; false: there is no room for it in the spool. */
bool tcp_dialogue_record(void *t, struct peer *peer, struct slice record);
/* The connection is gone. */
void tcp_dialogue_end(struct tcp *t);
/* For the timer `alarm`. */
void tcp_dialogue_alarm(void *t);

/* --- tcp_connect.c --- */

/* Logged in. */
void tcp_ready(struct tcp *t);

#endif
