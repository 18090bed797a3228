/* SPDX-License-Identifier: BSD-2-Clause */
/* Those who wait for a document that is being made, or compressed. */
#include "base/base.h"

#include <event2/http.h>

#include "io/loop.h"
#include "serve/http_inner.h"

static const char http_json[] = "application/json";

static void
http_ask_free(struct http_ask *ask)
{
	TAILQ_REMOVE(&ask->conn->http->asks, ask, list);
	ask->conn->ask = NULL;
	query_fini(&ask->query);
	doc_put(ask->doc);
	free(ask);
}

void
http_ask_cancel(struct http_ask *ask)
{
	http_request_forget(ask->req);
	http_ask_free(ask);
}

static bool
http_is_filtered(const struct query *query)
{
	return query->filter.queues != NULL || query->filter.services != NULL ||
	    query->filter.switches != NULL;
}

/*
 * A text that was given out before is the document of before: the screens of a
 * team ask in the same moment, and it is compressed once for them.
 */
static struct doc *
http_ask_doc(struct http *http, const struct http_ask *ask)
{
	bool filtered = http_is_filtered(&ask->query);
	struct doc **last = &http->last[filtered][ask->what];
	struct view_text *text;

	text = view_get(
	    http->config.view, ask->what, &ask->query.filter, clock_wall_us());
	if (text == NULL)
		return NULL;
	if (*last != NULL && (*last)->text == text) {
		view_text_put(text);
	} else {
		doc_put(*last);
		*last = doc_of_text(text, http_json);
	}
	return doc_ref(*last);
}

/* True: it was answered, or there is nothing to do for it now. */
static bool
http_ask_work(struct http *http, struct http_ask *ask)
{
	struct http_conn *conn = ask->conn;

	if (ask->doc == NULL)
		ask->doc = http_ask_doc(http, ask);
	if (ask->doc == NULL)
		return true; /* http_asks_work comes when it is there */
	if (ask->gzip && !doc_gzip(ask->doc))
		return false;
	http_reply_doc(conn, ask->req, ask->doc, false);
	http_ask_free(ask);
	return true;
}

bool
http_asks_work(struct http *http)
{
	struct http_ask *ask, *next;

	for (ask = TAILQ_FIRST(&http->asks); ask != NULL; ask = next) {
		next = TAILQ_NEXT(ask, list);
		if (!http_ask_work(http, ask))
			return true;
	}
	return false;
}

void
http_ask_new(struct http_conn *conn, struct evhttp_request *req,
    enum view_what what, struct query *query)
{
	struct http *http = conn->http;
	struct http_ask *ask = mem_alloc(sizeof(*ask));

	*ask = (struct http_ask){.conn = conn,
	    .req = req,
	    .what = what,
	    .gzip = http_takes_gzip(req)};
	query_move(&ask->query, query);
	conn->ask = ask;
	http_conn_set_state(conn, HTTP_ASKING);
	TAILQ_INSERT_TAIL(&http->asks, ask, list);
	task_set(http->work);
}
