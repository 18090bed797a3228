/* SPDX-License-Identifier: BSD-2-Clause */
/* What the HTTP files know of each other, and nobody else. */
#ifndef RT_SERVE_HTTP_INNER_H
#define RT_SERVE_HTTP_INNER_H

#include <sys/queue.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/table.h"
#include "base/tokens.h"
#include "feed/ingest.h"
#include "serve/asset.h"
#include "serve/auth.h"
#include "serve/doc.h"
#include "serve/http.h"
#include "serve/http_stream.h"
#include "serve/metrics.h"
#include "serve/query.h"

struct bufferevent;
struct evbuffer;
struct event;
struct event_base;
struct evhttp;
struct evhttp_connection;
struct evhttp_request;

#define HTTP_HEADERS_MAX 8192 /* bytes of a request's head */
#define HTTP_BODY_MAX	 4096
/* Bytes read ahead of a client, its next requests for example. */
#define HTTP_INPUT_MAX (2 * HTTP_HEADERS_MAX)
/* Of all requests that are being read, beside one of the longest. */
#define HTTP_UNREAD_MAX (16 * 1024 * 1024)

/*
 * Of all answers and snapshots that wait to be taken, each once however many
 * are sent it: above it the slowest clients are cut. Above the other, memory
 * goes back to the system when they are taken.
 */
#define HTTP_SENDING_MAX  (64 * 1024 * 1024)
#define HTTP_SENDING_MUCH (16 * 1024 * 1024)

/* Absolute, however busily the client drips. */
#define HTTP_FIRST_US (10 * USEC_PER_SEC) /* the first request */
#define HTTP_NEXT_US  (60 * USEC_PER_SEC) /* idle, and one more request */
#define HTTP_SEND_US  (60 * USEC_PER_SEC) /* for taking a reply */

struct http_ask;
struct http_post;
struct http_scrape;
struct http_stream;

enum http_conn_state {
	HTTP_READING, /* a request, or waiting for one */
	HTTP_ASKING,  /* its document is being made, its post stored */
	HTTP_SENDING, /* it takes the reply */
	HTTP_STREAMING
};

struct http_conn {
	TAILQ_ENTRY(http_conn) list; /* http.conns: of READING, oldest first */
	UT_hash_handle hh;	     /* by bev */
	struct http *http;
	struct bufferevent *bev;	 /* with a reference of our own */
	struct evhttp_connection *evcon; /* known from its first request on */
	enum http_conn_state state;
	int64_t deadline_us; /* of the monotonic clock; 0: none */
	int64_t replied_us;  /* the same: when it was given something last */
	bool cut;	     /* on its way out */
	bool failed;	     /* evhttp has refused what came: see http_fail.c */
	size_t unread;	     /* bytes that came of a request not yet whole */
	char peer[64];	     /* address; known from its first request on */
	bool is_local;	     /* the same: of this machine */
	struct http_ask *ask;
	struct http_post *post;
	struct http_scrape *scrape;
	struct http_stream *stream;
};
TAILQ_HEAD(http_conns, http_conn);

/* One who waits for a document. */
struct http_ask {
	TAILQ_ENTRY(http_ask) list;
	struct http_conn *conn;
	struct evhttp_request *req;
	enum view_what what;
	struct query query;
	struct doc *doc; /* NULL: not there yet */
	bool gzip;	 /* takes it compressed */
};
TAILQ_HEAD(http_asks, http_ask);

/* One who waits for /metrics. */
struct http_scrape {
	TAILQ_ENTRY(http_scrape) list;
	struct http_conn *conn;
	struct evhttp_request *req;
	bool open; /* OpenMetrics */
};
TAILQ_HEAD(http_scrapes, http_scrape);
TAILQ_HEAD(http_posts, http_post); /* oldest first */

struct http {
	struct http_config config;
	struct address address;
	struct tokens tokens;
	bool wants_token;
	char **hosts;
	struct assets assets;
	struct evhttp *server;
	struct evconnlistener *listener; /* NULL: the address is not ours yet */
	bool bound;
	unsigned accepted; /* in this turn */
	struct http_conns conns;
	struct http_conn *by_bev;
	size_t max_conns;
	size_t unread;	/* of all connections */
	size_t sending; /* see HTTP_SENDING_MAX */
	bool sent_much;
	struct http_asks asks;
	struct http_scrapes scrapes;
	struct http_posts posts;
	struct metrics *metrics;    /* in work, or NULL */
	struct doc *last[2][VIEWS]; /* without a filter; with any */
	struct http_streams streams;
	struct metrics_http counts;
	struct timer *tick; /* each second */
	struct task *work;  /* documents and metrics to be made */
	struct task *accept;
	struct event *fail; /* see http_fail.c */
	struct log_limit limit;
};

/* --- http_conn.c -------------------------------------------------------- */

/* Gives evhttp the bufferevent of a new connection. */
struct bufferevent *http_conn_bev(struct event_base *base, void *http);
/* The connection of a request that has come. */
struct http_conn *http_conn_of(struct http *http, struct evhttp_request *req);
void http_conn_set_state(struct http_conn *conn, enum http_conn_state state);
/* Each second: forgets those that are gone, cuts those that are late. */
void http_conns_tick(struct http *http);
void http_conns_free(struct http *http);
/* Behind what has sent something: cuts the slowest where it is too much. */
void http_conns_bound(struct http *http);
/* All streams end; whoever may goes on with a new one. */
void http_conns_drop_streams(struct http *http);
/* Of one who was to be answered later and is gone. */
void http_request_forget(struct evhttp_request *req);
/* Without a reply, from a callback of nobody's: the connection is gone. */
void http_conn_drop(struct http_conn *conn);
/* Accepting goes on, unless there is no room. */
void http_accept(struct http *http);

/* --- http_fail.c -------------------------------------------------------- */

/* From here on what evhttp answers by itself is told in our words. */
void http_fail_watch(struct http_conn *conn);
void http_fail_unwatch(struct http_conn *conn);
/* Of http.fail. */
void http_fail_cb(int fd, short what, void *http);

/* --- http_reply.c ------------------------------------------------------- */

/* Headers that every reply has; page: it is HTML. */
#define HTTP_CSP_DATA "default-src 'none'; frame-ancestors 'none'"
void http_reply_guard(struct evhttp_request *req, bool page);
bool http_takes_gzip(struct evhttp_request *req);
/* Also answers If-None-Match and HEAD. */
void http_reply_doc(struct http_conn *conn, struct evhttp_request *req,
    struct doc *doc, bool page);
/* What nobody is to keep. */
void http_reply_once(struct http_conn *conn, struct evhttp_request *req,
    int code, struct doc *doc);
/* The same of a few bytes; taken over. */
void http_reply_bytes(struct http_conn *conn, struct evhttp_request *req,
    int code, const char *type, struct strbuf *bytes);
const char *http_title(int code);
/* Appends an error as application/problem+json (RFC 9457). */
void http_problem(struct strbuf *to, int code, const char *detail);
/* The same as a reply. */
void http_reply_problem(struct http_conn *conn, struct evhttp_request *req,
    int code, const char *detail);
/* Adds to a buffer what doc holds, without copying it. */
void http_add_doc(
    struct http *http, struct evbuffer *to, struct doc *doc, struct slice part);
/* The reply was handed over: nothing is read until it was taken. */
void http_replied(struct http_conn *conn);

/* --- http_ask.c --------------------------------------------------------- */

/* Takes the request and the query over, and answers when it can. */
void http_ask_new(struct http_conn *conn, struct evhttp_request *req,
    enum view_what what, struct query *query);
/* The client is gone. */
void http_ask_cancel(struct http_ask *ask);
/* Goes on with what waits; true: there is more to do in the next turn. */
bool http_asks_work(struct http *http);

/* --- http_post.c -------------------------------------------------------- */

/* Whether a request is one that posts something. */
bool http_is_post(struct evhttp_request *req, const char *path);
/* Takes the request over, and answers when what it brings is stored. */
void http_post_new(
    struct http_conn *conn, struct evhttp_request *req, const char *path);
/* The client is gone. */
void http_post_cancel(struct http_post *post);
/* Each second: answers those that wait for too long. */
void http_posts_tick(struct http *http);

/* --- http_contacts.c ---------------------------------------------------- */

/*
 * Makes of a body of contacts lines of ringtally-json; notes: what of them is
 * of no use, as JSON objects with commas between. False: it was refused, and
 * the request is answered.
 */
bool http_contacts_read(struct http_conn *conn, struct evhttp_request *req,
    struct slice body, struct strbuf *lines, struct strbuf *notes);

/* --- http_scrape.c ------------------------------------------------------ */

/* Takes the request over, and answers with the metrics when they are there. */
void http_scrape_new(struct http_conn *conn, struct evhttp_request *req);
/* The client is gone. */
void http_scrape_cancel(struct http_scrape *scrape);
/* Goes on with the metrics for a slice; true: more in the next turn. */
bool http_scrapes_work(struct http *http);

#endif
