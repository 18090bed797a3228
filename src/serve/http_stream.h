/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stream: Server-Sent Events, each second the whole picture.
 *
 *	retry: 2000
 *
 *	id: 4711
 *	event: snapshot
 *	data: {"time":...}
 *
 * The id is the document's version. A client that has not yet taken the one
 * before is passed over; when it can take one again it is told how many it did
 * not get ("event: missed", {"snapshots": n}), and when that goes on for
 * HTTP_STREAM_BEHIND snapshots it is cut. Since each is the whole picture it
 * has then lost nothing but time.
 *
 * Clients with the same filter are a group: its snapshot is made once a second,
 * and compressed once (see gzip.h), and all of them send the same bytes.
 */
#ifndef RT_SERVE_HTTP_STREAM_H
#define RT_SERVE_HTTP_STREAM_H

#include <sys/queue.h>

#include "base/base.h"

#define HTTP_STREAM_BEHIND 30
/*
 * Filters in use at a time: so many, and more as long as the snapshots that are
 * kept of them, one of each, are no larger than that.
 */
#define HTTP_STREAM_GROUPS 64
#define HTTP_STREAM_BYTES  (64 << 20)

struct evhttp_request;
struct http;
struct http_conn;
struct http_group;
struct http_stream;
struct query;

TAILQ_HEAD(http_groups, http_group);

struct http_streams {
	struct http_groups groups;
	size_t n, n_groups;
};

/*
 * Takes the request over; the query, too. False: there are too many, nothing
 * was taken.
 */
bool http_stream_new(
    struct http_conn *conn, struct evhttp_request *req, struct query *query);
/* The client is gone. */
void http_stream_cancel(struct http_stream *stream);
/* Each second. */
void http_streams_tick(struct http *http);
/* Goes on with what is to be made and sent; true: more in the next turn. */
bool http_streams_work(struct http *http);

#endif
