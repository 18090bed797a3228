/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The live face over HTTP: the wallboard at "/", the documents of view.h below
 * "/api/v1/", the stream of snapshots (http_stream.h), "/metrics", "/healthz"
 * and "/readyz"; and what is posted to "/ingest/". Runs on libevent's evhttp,
 * on the daemon's loop.
 *
 * evhttp by itself knows no bound for a connection's life, for the number of
 * connections, or for what a client sends while it is being answered. So every
 * connection has a deadline here, for a whole request and for a whole reply
 * (http_conn.c); what is too much is cut, the oldest idle one first; and
 * nothing is read of a client while it is answered. Paths are compared with a
 * table: none reaches the file system. Who may ask: auth.h.
 *
 * Documents are made once and shared by all who ask for them. Nobody waits for
 * a slow client: what it does not take stays unsent, and in the end it is cut;
 * sooner, when too much of it waits in memory.
 */
#ifndef RT_SERVE_HTTP_H
#define RT_SERVE_HTTP_H

#include "base/err.h"
#include "serve/view.h"

struct http;
struct ingest;
struct metrics_http;
struct loop;

struct http_config {
	struct loop *loop;
	struct view *view;
	const char *listen;	/* as in io/address.h */
	const char *token_file; /* NULL: no tokens */
	const char *folder;	/* of the wallboard's files */
	const char *chart_js;	/* Chart.js's file */
	const char *contacts;	/* the feed of POST /api/v1/contacts; or NULL */
	struct ingest *ingest;	/* of POSTs to /ingest/NAME; NULL: none */
	size_t max_post;	/* bytes of such a body */
	int64_t max_clients;
	/* Goes on from there, and is there when it ends; or NULL. */
	struct metrics_http *counts;
};

/*
 * An address that others can reach needs tokens: -1 with the reason where it
 * has none. Opens nothing.
 */
int http_check(const char *listen, const char *token_file, struct err *err);

/*
 * NULL with the reason where the options can not work. An address that is not
 * to be had (yet) is said in the log and tried again, as calls must be counted
 * meanwhile. What config points to, the view above all, must live as long; for
 * hosts see http_configure.
 */
struct http *http_new(const struct http_config *config,
    const char *const *hosts, struct err *err);
void http_free(struct http *http); /* NULL is fine */

/*
 * Further names that may stand in a Host header; copied, NULL-terminated or
 * NULL. And reads the wallboard's files and the tokens again: where those can
 * not be read they stay, where they changed all streams end.
 */
void http_configure(struct http *http, const char *const *hosts);

#endif
