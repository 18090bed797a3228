/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What evhttp refuses by itself, before anybody is asked: a head that is no
 * HTTP or too long (400), a body above the limit (413), an expectation (417), a
 * method that it does not know (501). It answers with a page of HTML in words
 * of its own, which our clients can not read; libevent 2.1 has no call to
 * replace it (2.2 has evhttp_set_errorcb).
 *
 * So the page is replaced where it stands: in the connection's output. It is
 * the only HTML that comes with a status of 400 or above. It is looked at when
 * all of it stands there, and in the same turn of the loop, so that nothing of
 * it was written: for that the event is made active, and is no task. (Behind
 * another request that came with it in one piece it may be written before.)
 */
#include "base/base.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "io/loop.h"
#include "serve/http_inner.h"
#include "serve/json.h"

#define HTTP_FAIL_HEAD 512 /* bytes of a head that are looked at */
/* As http_reply_guard. */
#define HTTP_FAIL_GUARD                                  \
	"Content-Security-Policy: " HTTP_CSP_DATA "\r\n" \
	"Cross-Origin-Resource-Policy: same-origin\r\n"  \
	"Referrer-Policy: no-referrer\r\n"               \
	"X-Content-Type-Options: nosniff\r\n"

static const char *
http_fail_detail(int code)
{
	switch (code) {
	case 400:
		return "the request is no HTTP, or its head is too long";
	case 413:
		return "the body is longer than is taken here";
	case 417:
		return "only the expectation 100-continue is known";
	case 501:
		return "there is no such method";
	default:
		return "the request was refused";
	}
}

static void
http_fail_came_cb(struct evbuffer *buffer RT_UNUSED,
    const struct evbuffer_cb_info *info, void *arg)
{
	struct http_conn *conn = arg;

	if (info->n_added == 0 || conn->state == HTTP_STREAMING)
		return;
	conn->failed = true;
	event_active(conn->http->fail, 0, 0);
}

void
http_fail_watch(struct http_conn *conn)
{
	if (evbuffer_add_cb(bufferevent_get_output(conn->bev),
		http_fail_came_cb, conn) == NULL)
		BUG("evbuffer_add_cb: out of memory");
}

void
http_fail_unwatch(struct http_conn *conn)
{
	evbuffer_remove_cb(
	    bufferevent_get_output(conn->bev), http_fail_came_cb, conn);
}

/* The status that evhttp answers with; 0: it is nothing to be replaced. */
static int
http_fail_status(struct evbuffer *output, int *minor)
{
	char head[HTTP_FAIL_HEAD] = "";
	ev_ssize_t n = evbuffer_copyout(output, head, sizeof(head) - 1);
	int major, code;

	if (n <= 0 ||
	    sscanf(head, "HTTP/%d.%d %d", &major, minor, &code) != 3 ||
	    code < 400 ||
	    strstr(head, "\r\nContent-Type: text/html\r\n") == NULL)
		return 0;
	switch (code) {
	case 400:
	case 413:
	case 417:
	case 501:
		return code;
	default:
		return 500;
	}
}

/* It closes the connection behind it, as evhttp has decided to. */
static void
http_fail_answer(struct http_conn *conn)
{
	struct evbuffer *output = bufferevent_get_output(conn->bev);
	struct strbuf body = STRBUF_INIT;
	int minor = 1, code = http_fail_status(output, &minor);

	if (code == 0)
		return;
	conn->http->counts.requests++;
	conn->http->counts.refused++;
	http_problem(&body, code, http_fail_detail(code));
	evbuffer_drain(output, evbuffer_get_length(output));
	if (evbuffer_add_printf(output,
		"HTTP/1.%d %d %s\r\n"
		"Content-Type: application/problem+json\r\n"
		"Content-Length: %zu\r\n"
		"Cache-Control: no-store\r\n" HTTP_FAIL_GUARD
		"Connection: close\r\n\r\n%s",
		minor != 0, code, http_title(code), body.n,
		strbuf_str(&body)) < 0)
		BUG("evbuffer_add_printf: out of memory");
	strbuf_fini(&body);
}

void
http_fail_cb(int fd RT_UNUSED, short what RT_UNUSED, void *ctx)
{
	struct http *http = ctx;
	struct http_conn *conn;

	TAILQ_FOREACH (conn, &http->conns, list) {
		if (!conn->failed)
			continue;
		conn->failed = false;
		http_fail_answer(conn);
		conn->failed = false; /* it was our own, this time */
	}
}
