/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections: how many, and for how long.
 *
 * evhttp tells of a connection only when its first request is complete; until
 * then all that we have is the bufferevent that it asked us for. We hold a
 * reference to it: when its callbacks are gone, evhttp has freed its own. Such
 * a connection is cut by shutting its socket down, which evhttp takes for the
 * client's end.
 *
 * The bufferevent closes its descriptor, and not evhttp: that would happen
 * while ours still has it registered. The next client would get the same
 * number, and libevent, which believes it watched already, would never hear of
 * it.
 */
#include "base/base.h"

#include <malloc.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>

#include "io/loop.h"
#include "serve/http_inner.h"

/* Accepted in one turn of the loop; there are calls to be counted, too. */
#define HTTP_ACCEPT_MAX 64

/* evhttp has freed it, before there was a request. */
static bool
http_conn_is_gone(const struct http_conn *conn)
{
	bufferevent_event_cb event_cb;

	if (conn->evcon != NULL)
		return false; /* we would have been told */
	bufferevent_getcb(conn->bev, NULL, NULL, &event_cb, NULL);
	return event_cb == NULL;
}

static void
http_conn_cut(struct http_conn *conn)
{
	conn->cut = true;
	conn->http->counts.cut++;
	shutdown(bufferevent_getfd(conn->bev), SHUT_RDWR);
}

/*
 * What all of them have sent of requests that are not yet whole is bounded,
 * too: a body may be long, and whom it is from is known only at its end.
 */
static void
http_conn_cut_longest(struct http *http)
{
	struct http_conn *conn, *longest = NULL;

	TAILQ_FOREACH (conn, &http->conns, list)
		if (!conn->cut &&
		    (longest == NULL || conn->unread > longest->unread))
			longest = conn;
	if (longest == NULL)
		return;
	log_limited(&http->limit, LOG_LEVEL_WARN,
	    "http: too much is being sent at a time: the longest is cut");
	http_conn_cut(longest);
}

static void
http_conn_unread(struct http_conn *conn, size_t n)
{
	struct http *http = conn->http;

	http->unread += n - conn->unread;
	conn->unread = n;
	if (http->unread > HTTP_UNREAD_MAX + http->config.max_post)
		http_conn_cut_longest(http);
}

static void
http_conn_came_cb(struct evbuffer *buffer RT_UNUSED,
    const struct evbuffer_cb_info *info, void *arg)
{
	struct http_conn *conn = arg;

	if (info->n_added > 0 && !conn->cut)
		http_conn_unread(conn, conn->unread + info->n_added);
}

/*
 * At once: libevent frees what was not sent in a later turn, when we may be
 * gone; and who cuts for want of memory is to see that there is more.
 */
static void
http_conn_forget_unsent(struct http_conn *conn)
{
	struct evbuffer *unsent = bufferevent_get_output(conn->bev);

	/* only the bufferevent itself takes from its front */
	evbuffer_unfreeze(unsent, 1);
	evbuffer_drain(unsent, evbuffer_get_length(unsent));
}

static void
http_conn_free(struct http_conn *conn)
{
	struct http *http = conn->http;

	http->unread -= conn->unread;
	http_conn_forget_unsent(conn);
	http_fail_unwatch(conn);
	evbuffer_remove_cb(
	    bufferevent_get_input(conn->bev), http_conn_came_cb, conn);
	TAILQ_REMOVE(&http->conns, conn, list);
	HASH_DEL(http->by_bev, conn);
	http->counts.connections--;
	bufferevent_decref(conn->bev);
	free(conn);
	if (http->listener != NULL)
		task_set(http->accept);
}

/* Of the clients that are not being answered the one that is so the longest. */
static bool
http_conn_make_room(struct http *http)
{
	struct http_conn *conn, *next;

	for (conn = TAILQ_FIRST(&http->conns); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, list);
		if (http_conn_is_gone(conn)) {
			http_conn_free(conn);
			return true;
		}
		if (conn->state == HTTP_READING && !conn->cut) {
			http_conn_cut(conn);
			return true;
		}
	}
	return false;
}

struct bufferevent *
http_conn_bev(struct event_base *base, void *ctx)
{
	struct http *http = ctx;
	struct http_conn *conn = mem_alloc(sizeof(*conn));

	if (http->counts.connections >= http->max_conns) {
		log_limited(&http->limit, LOG_LEVEL_WARN,
		    "live.max_clients (%zu) is reached: idle ones are cut",
		    http->max_conns);
		http_conn_make_room(http);
	}
	*conn = (struct http_conn){.http = http,
	    .bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE),
	    .deadline_us = clock_mono_us() + HTTP_FIRST_US};
	if (conn->bev == NULL)
		BUG("bufferevent_socket_new: out of memory");
	bufferevent_incref(conn->bev);
	/* evhttp leaves a body in there until it is whole */
	bufferevent_setwatermark(conn->bev, EV_READ, 0,
	    RT_MAX((size_t)HTTP_INPUT_MAX,
		HTTP_HEADERS_MAX + http->config.max_post));
	if (evbuffer_add_cb(bufferevent_get_input(conn->bev), http_conn_came_cb,
		conn) == NULL)
		BUG("evbuffer_add_cb: out of memory");
	http_fail_watch(conn);
	TAILQ_INSERT_TAIL(&http->conns, conn, list);
	HASH_ADD_PTR(http->by_bev, bev, conn);
	http->counts.connections++;
	if (++http->accepted >= HTTP_ACCEPT_MAX ||
	    http->counts.connections >= http->max_conns) {
		evconnlistener_disable(http->listener);
		task_set(http->accept);
	}
	return conn->bev;
}

void
http_accept(struct http *http)
{
	http->accepted = 0;
	if (http->listener == NULL)
		return;
	/* one above the limit may come in if another can go for it */
	if (http->counts.connections < http->max_conns ||
	    http_conn_make_room(http))
		evconnlistener_enable(http->listener);
}

static void
http_conn_closed_cb(struct evhttp_connection *evcon RT_UNUSED, void *arg)
{
	struct http_conn *conn = arg;

	if (conn->ask != NULL)
		http_ask_cancel(conn->ask);
	if (conn->post != NULL)
		http_post_cancel(conn->post);
	if (conn->scrape != NULL)
		http_scrape_cancel(conn->scrape);
	if (conn->stream != NULL)
		http_stream_cancel(conn->stream);
	http_conn_free(conn);
}

static bool
http_peer_is_local(const struct sockaddr_storage *peer)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)peer;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)peer;

	if (peer->ss_family == AF_INET)
		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	if (peer->ss_family != AF_INET6)
		return peer->ss_family == AF_UNIX;
	return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) ||
	    (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) &&
		in6->sin6_addr.s6_addr[12] == 127);
}

/* Who it is, as the kernel knows it. */
static void
http_conn_know_peer(struct http_conn *conn)
{
	struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
	socklen_t len = sizeof(peer);

	snprintf(conn->peer, sizeof(conn->peer), "unknown");
	if (getpeername(bufferevent_getfd(conn->bev), (struct sockaddr *)&peer,
		&len) < 0)
		return;
	conn->is_local = http_peer_is_local(&peer);
	if (peer.ss_family == AF_UNIX)
		snprintf(conn->peer, sizeof(conn->peer), "a Unix socket");
	else /* a number: nobody is asked for a name */
		getnameinfo((struct sockaddr *)&peer, len, conn->peer,
		    sizeof(conn->peer), NULL, 0, NI_NUMERICHOST);
}

struct http_conn *
http_conn_of(struct http *http, struct evhttp_request *req)
{
	struct evhttp_connection *evcon = evhttp_request_get_connection(req);
	struct bufferevent *bev = evhttp_connection_get_bufferevent(evcon);
	struct http_conn *conn;

	HASH_FIND_PTR(http->by_bev, &bev, conn);
	BUG_ON(conn == NULL);
	if (conn->evcon == NULL) {
		conn->evcon = evcon;
		http_conn_know_peer(conn);
		evhttp_connection_set_closecb(evcon, http_conn_closed_cb, conn);
	}
	http_conn_unread(conn, 0);
	return conn;
}

void
http_conn_set_state(struct http_conn *conn, enum http_conn_state state)
{
	int64_t now_us = clock_mono_us();

	conn->state = state;
	if (state == HTTP_READING) {
		conn->deadline_us = now_us + HTTP_NEXT_US;
		TAILQ_REMOVE(&conn->http->conns, conn, list);
		TAILQ_INSERT_TAIL(&conn->http->conns, conn, list);
	} else if (state == HTTP_SENDING) {
		conn->deadline_us = now_us + HTTP_SEND_US;
	} else {
		conn->deadline_us = 0;
	}
}

void
http_request_forget(struct evhttp_request *req)
{
	/* taken from its connection when that broke, it is ours */
	if (evhttp_request_get_connection(req) == NULL)
		evhttp_request_free(req);
}

void
http_conn_drop(struct http_conn *conn)
{
	conn->http->counts.cut++;
	evhttp_connection_free(conn->evcon); /* calls http_conn_closed_cb */
}

/* Who has been taking what it was given for the longest time. */
static struct http_conn *
http_conn_slowest(struct http *http)
{
	struct http_conn *conn, *slowest = NULL;
	int64_t newest_us = 0;

	TAILQ_FOREACH (conn, &http->conns, list) {
		if (conn->cut ||
		    (conn->state != HTTP_SENDING &&
			conn->state != HTTP_STREAMING) ||
		    evbuffer_get_length(bufferevent_get_output(conn->bev)) == 0)
			continue;
		newest_us = RT_MAX(newest_us, conn->replied_us);
		if (slowest == NULL || conn->replied_us < slowest->replied_us)
			slowest = conn;
	}
	/* one alone may have as much as there is */
	return slowest != NULL && slowest->replied_us < newest_us ? slowest
								  : NULL;
}

void
http_conns_bound(struct http *http)
{
	struct http_conn *conn;

	http->sent_much |= http->sending > HTTP_SENDING_MUCH;
	while (http->sending > HTTP_SENDING_MAX &&
	    (conn = http_conn_slowest(http)) != NULL) {
		log_limited(&http->limit, LOG_LEVEL_WARN,
		    "http: too much waits to be taken: the slowest is cut");
		http_conn_drop(conn);
	}
	if (!http->sent_much || http->sending > HTTP_SENDING_MUCH / 2)
		return;
	/* large pieces that came and went leave holes, which it would keep */
	http->sent_much = false;
	malloc_trim(0);
}

void
http_conns_tick(struct http *http)
{
	int64_t now_us = clock_mono_us();
	struct http_conn *conn, *next;

	for (conn = TAILQ_FIRST(&http->conns); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, list);
		if (http_conn_is_gone(conn))
			http_conn_free(conn);
		else if (!conn->cut && conn->deadline_us > 0 &&
		    now_us > conn->deadline_us)
			http_conn_cut(conn);
	}
	http_conns_bound(http);
	http_accept(http);
}

void
http_conns_drop_streams(struct http *http)
{
	struct http_conn *conn, *next;

	for (conn = TAILQ_FIRST(&http->conns); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, list);
		if (conn->state == HTTP_STREAMING)
			http_conn_drop(conn);
	}
}

/* Those that evhttp tells us of go with it. */
void
http_conns_free(struct http *http)
{
	struct http_conn *conn, *next;

	for (conn = TAILQ_FIRST(&http->conns); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, list);
		if (conn->evcon == NULL)
			http_conn_free(conn);
	}
}
