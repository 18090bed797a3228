/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Those who wait for /metrics. One text is in work at a time, and goes to all
 * who wait for its form when it is there, so that many who scrape cost hardly
 * more than one.
 */
#include "base/base.h"

#include <event2/http.h>

#include "io/loop.h"
#include "serve/http_inner.h"

static void
http_scrape_free(struct http_scrape *scrape)
{
	TAILQ_REMOVE(&scrape->conn->http->scrapes, scrape, list);
	scrape->conn->scrape = NULL;
	free(scrape);
}

void
http_scrape_cancel(struct http_scrape *scrape)
{
	http_request_forget(scrape->req);
	http_scrape_free(scrape);
}

static bool
http_scrape_is_waited_for(const struct http *http, bool open)
{
	const struct http_scrape *scrape;

	TAILQ_FOREACH (scrape, &http->scrapes, list)
		if (scrape->open == open)
			return true;
	return false;
}

static void
http_scrape_drop(struct http *http)
{
	metrics_free(http->metrics);
	http->metrics = NULL;
}

/* False: a document comes first, and http_scrapes_work again behind it. */
static bool
http_scrape_begin(struct http *http)
{
	if (http->metrics == NULL)
		http->metrics = metrics_new(http->config.view, &http->counts,
		    clock_wall_us(), TAILQ_FIRST(&http->scrapes)->open);
	return http->metrics != NULL;
}

static void
http_scrape_end(struct http *http)
{
	bool open = metrics_is_open(http->metrics);
	struct strbuf text = metrics_take(http->metrics);
	struct doc *doc = doc_of_bytes(&text, metrics_type(open));
	struct http_scrape *scrape, *next;

	http_scrape_drop(http);
	for (scrape = TAILQ_FIRST(&http->scrapes); scrape != NULL;
	     scrape = next) {
		next = TAILQ_NEXT(scrape, list);
		if (scrape->open != open)
			continue;
		http_reply_once(scrape->conn, scrape->req, 200, doc);
		http_scrape_free(scrape);
	}
	doc_put(doc);
}

bool
http_scrapes_work(struct http *http)
{
	int64_t until = clock_mono_us() + VIEW_SLICE_US;
	enum metrics_state state;

	/* all who waited for it are gone */
	if (http->metrics != NULL &&
	    !http_scrape_is_waited_for(http, metrics_is_open(http->metrics)))
		http_scrape_drop(http);
	if (TAILQ_EMPTY(&http->scrapes) || !http_scrape_begin(http))
		return false;
	do
		state = metrics_step(http->metrics);
	while (state == METRICS_WORKING && clock_mono_us() < until);
	if (state == METRICS_STALE)
		http_scrape_drop(http);
	else if (state == METRICS_DONE)
		http_scrape_end(http);
	return !TAILQ_EMPTY(&http->scrapes);
}

void
http_scrape_new(struct http_conn *conn, struct evhttp_request *req)
{
	struct http *http = conn->http;
	struct http_scrape *scrape = mem_alloc(sizeof(*scrape));
	const char *accept =
	    evhttp_find_header(evhttp_request_get_input_headers(req), "Accept");

	*scrape = (struct http_scrape){.conn = conn,
	    .req = req,
	    .open = accept != NULL &&
		strstr(accept, "application/openmetrics-text") != NULL};
	conn->scrape = scrape;
	http_conn_set_state(conn, HTTP_ASKING);
	TAILQ_INSERT_TAIL(&http->scrapes, scrape, list);
	task_set(http->work);
}
