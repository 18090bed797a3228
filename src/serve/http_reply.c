/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>

#include "serve/http_inner.h"
#include "serve/json.h"

/* The wallboard needs no more than this of a browser. */
#define HTTP_CSP_PAGE                                                 \
	"default-src 'none'; script-src 'self'; style-src 'self'; "   \
	"img-src 'self' data:; font-src 'self'; connect-src 'self'; " \
	"manifest-src 'self'; base-uri 'none'; form-action 'none'; "  \
	"frame-ancestors 'self'"

static const struct http_title {
	int code;
	const char *title;
} http_titles[] = {
    {200, "OK"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
};

const char *
http_title(int code)
{
	size_t i;

	for (i = 0; i < RT_COUNT(http_titles); i++)
		if (http_titles[i].code == code)
			return http_titles[i].title;
	BUG("no title for %d", code);
}

static void
http_add_header(struct evhttp_request *req, const char *key, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(req), key, value);
}

static const char *
http_header(struct evhttp_request *req, const char *key)
{
	return evhttp_find_header(evhttp_request_get_input_headers(req), key);
}

void
http_reply_guard(struct evhttp_request *req, bool page)
{
	http_add_header(req, "Content-Security-Policy",
	    page ? HTTP_CSP_PAGE : HTTP_CSP_DATA);
	http_add_header(req, "Cross-Origin-Resource-Policy", "same-origin");
	http_add_header(req, "Referrer-Policy", "no-referrer");
	http_add_header(req, "X-Content-Type-Options", "nosniff");
}

/* ";q=0", ";q=0.000": not this one. */
static bool
http_is_refused(const char *p)
{
	p += strspn(p, " \t;");
	if (strncasecmp(p, "q=0", 3) != 0)
		return false;
	p += 3 + strspn(p + 3, ".0");
	return *p < '1' || *p > '9';
}

/* "gzip" among the codings. */
bool
http_takes_gzip(struct evhttp_request *req)
{
	const char *p = http_header(req, "Accept-Encoding");

	for (; p != NULL && *p != '\0'; p += *p != '\0') {
		size_t n;

		p += strspn(p, " \t,");
		n = strcspn(p, " \t,;");
		if (n == strlen("gzip") && strncasecmp(p, "gzip", n) == 0) {
			return !http_is_refused(p + n);
		}
		p += strcspn(p, ",");
	}
	return false;
}

static void
http_doc_done(const void *bytes RT_UNUSED, size_t n RT_UNUSED, void *arg)
{
	struct doc *doc = arg;

	doc_release(&doc->held);
	doc_put(doc);
}

void
http_add_doc(
    struct http *http, struct evbuffer *to, struct doc *doc, struct slice part)
{
	if (part.n == 0)
		return;
	doc_hold(&doc->held, doc->plain.n + doc->gz.n, &http->sending);
	if (evbuffer_add_reference(
		to, part.p, part.n, http_doc_done, doc_ref(doc)) < 0)
		BUG("evbuffer_add_reference: out of memory");
}

void
http_replied(struct http_conn *conn)
{
	/*
	 * evhttp reads on, to see the client's end: so it would drop one that
	 * closed its half after the request, and take in without bounds what
	 * another one sends meanwhile
	 */
	bufferevent_disable(conn->bev, EV_READ);
	conn->replied_us = clock_mono_us();
}

static void
http_taken_cb(struct evhttp_request *req RT_UNUSED, void *arg)
{
	http_conn_set_state(arg, HTTP_READING);
}

/* A body of none for HEAD and 304; `length`: of what GET would have brought. */
static void
http_send(struct http_conn *conn, struct evhttp_request *req, int code,
    struct evbuffer *body, size_t length)
{
	char text[32];
	bool head = evhttp_request_get_command(req) == EVHTTP_REQ_HEAD;

	snprintf(text, sizeof(text), "%zu", length);
	if (code != 304)
		http_add_header(req, "Content-Length", text);
	http_conn_set_state(conn, HTTP_SENDING);
	evhttp_request_set_on_complete_cb(req, http_taken_cb, conn);
	evhttp_send_reply(
	    req, code, http_title(code), head || code == 304 ? NULL : body);
	http_replied(conn);
}

static struct evbuffer *
http_buffer(void)
{
	struct evbuffer *buffer = evbuffer_new();

	if (buffer == NULL)
		BUG("evbuffer_new: out of memory");
	return buffer;
}

static bool
http_knows_etag(struct evhttp_request *req, struct doc *doc)
{
	const char *tags = http_header(req, "If-None-Match");

	return tags != NULL &&
	    (strcmp(tags, "*") == 0 || strstr(tags, doc_etag(doc)) != NULL);
}

void
http_reply_doc(struct http_conn *conn, struct evhttp_request *req,
    struct doc *doc, bool page)
{
	bool gzip = doc->gz.n > 0 && http_takes_gzip(req);
	struct slice part = doc->plain;
	struct evbuffer *body = http_buffer();
	char etag[DOC_ETAG_MAX + 2];

	http_reply_guard(req, page);
	http_add_header(req, "Cache-Control", "private, no-cache");
	http_add_header(req, "Vary", "Accept-Encoding");
	/* weak: of the compressed bytes as well as of the others */
	snprintf(etag, sizeof(etag), "W/%s", doc_etag(doc));
	http_add_header(req, "ETag", etag);
	if (http_knows_etag(req, doc)) {
		http_send(conn, req, 304, body, 0);
		evbuffer_free(body);
		return;
	}
	http_add_header(req, "Content-Type", doc->type);
	if (gzip) {
		http_add_header(req, "Content-Encoding", "gzip");
		part = (struct slice){doc->gz.p, doc->gz.n};
	}
	http_add_doc(conn->http, body, doc, part);
	http_send(conn, req, 200, body, part.n);
	evbuffer_free(body);
}

void
http_reply_once(struct http_conn *conn, struct evhttp_request *req, int code,
    struct doc *doc)
{
	struct evbuffer *body = http_buffer();

	http_reply_guard(req, false);
	http_add_header(req, "Cache-Control", "no-store");
	http_add_header(req, "Content-Type", doc->type);
	http_add_doc(conn->http, body, doc, doc->plain);
	http_send(conn, req, code, body, doc->plain.n);
	evbuffer_free(body);
}

void
http_reply_bytes(struct http_conn *conn, struct evhttp_request *req, int code,
    const char *type, struct strbuf *bytes)
{
	struct doc *doc = doc_of_bytes(bytes, type);

	http_reply_once(conn, req, code, doc);
	doc_put(doc);
}

void
http_problem(struct strbuf *to, int code, const char *detail)
{
	json_put_object(to, NULL);
	json_put_int(to, "status", code);
	json_put_string(to, "title", http_title(code));
	json_put_string(to, "detail", detail);
	json_end_object(to);
	strbuf_addc(to, '\n');
}

void
http_reply_problem(struct http_conn *conn, struct evhttp_request *req, int code,
    const char *detail)
{
	struct strbuf text = STRBUF_INIT;

	http_problem(&text, code, detail);
	if (code == 401)
		http_add_header(
		    req, "WWW-Authenticate", "Bearer realm=\"ringtally\"");
	if (code == 405 &&
	    evhttp_find_header(
		evhttp_request_get_output_headers(req), "Allow") == NULL)
		http_add_header(req, "Allow", "GET, HEAD");
	/* what follows may be the rest of something that we did not read */
	if (code == 400)
		http_add_header(req, "Connection", "close");
	http_reply_bytes(conn, req, code, "application/problem+json", &text);
}
