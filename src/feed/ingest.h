/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who takes POSTs: transports register under the name of their feed, and the
 * HTTP server hands them what arrives under /ingest/NAME. Neither knows the
 * other. Like the loop, one for the daemon.
 */
#ifndef RT_FEED_INGEST_H
#define RT_FEED_INGEST_H

#include "base/slice.h"

/* One POST. Lent until `post` returns, except for what reply needs. */
struct ingest_post {
	struct slice body;
	const char *content_type; /* "" where not told */
	const char *peer;	  /* address, for messages */
	/* A program of this machine, and no page or proxy for somebody else. */
	bool is_local;
	/* Of Authorization: Bearer, or the password of Basic; n 0: none. */
	struct slice token;
	/*
	 * Answers, once: at once or later. status: of HTTP (200, 400, 401,
	 * 403, 413, 429 or 503); text: for the body. To be called with the same
	 * `request`, unless `forget` said that the client is gone.
	 */
	void (*reply)(void *request, int status, const char *text);
	void *request;
};

struct ingest_ops {
	/*
	 * May this one post at all? 0, or the status to refuse him with and
	 * why. `post` asks the same: for who looks into the body before.
	 */
	int (*refuse)(
	    void *ctx, const struct ingest_post *post, const char **why);
	void (*post)(void *ctx, const struct ingest_post *post);
	/* The client of that request has gone: do not answer it. */
	void (*forget)(void *ctx, void *request);
};

struct ingest;

struct ingest *ingest_new(void);
void ingest_free(struct ingest *ingest);
/*
 * A feed of that name will take posts, once it is open: not while another
 * daemon is the writer. Who comes earlier is told to come again, not to go
 * away.
 */
void ingest_expect(struct ingest *ingest, const char *name);
/* -1: that name is taken. */
int ingest_add(struct ingest *ingest, const char *name,
    const struct ingest_ops *ops, void *ctx);
void ingest_remove(struct ingest *ingest, const char *name);
/* Nobody is there of that name yet, or for a while. */
bool ingest_is_expected(const struct ingest *ingest, const char *name);
/* NULL: nobody is there of that name. */
const struct ingest_ops *
ingest_find(const struct ingest *ingest, const char *name, void **ctx);

#endif
