/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * POST /ingest/NAME: hands a body to whoever registered that name (see
 * feed/ingest.h), and the answer back when there is one. The same for
 * /api/v1/contacts, whose name is configured, and whose body is looked at
 * first.
 *
 * Facts, of libevent 2.1.12: "Expect: 100-continue" is answered by evhttp
 * itself, when it has read the head (evhttp_get_body); a body longer than the
 * server's limit is answered 413 by it, before this file hears of it. A body
 * is read whole before we know whom it is from: http_conn.c bounds what all of
 * them may hold together.
 */
#include "base/base.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>

#include "io/loop.h"
#include "serve/http_inner.h"
#include "serve/json.h"

#define HTTP_INGEST    "/ingest/"
#define HTTP_CONTACTS  "/api/v1/contacts" /* of GET, too */
#define HTTP_LINES     "application/x-ndjson"
#define HTTP_RETRY_S   "2"
#define HTTP_ANSWER_US (30 * USEC_PER_SEC) /* for whoever took it to answer */

struct http_post {
	TAILQ_ENTRY(http_post) list;
	struct http_conn *conn;
	struct evhttp_request *req;
	const struct ingest_ops *ops;
	void *ctx;
	int64_t deadline_us;
	struct strbuf notes; /* for the answer; see http_contacts_read */
};

static bool
http_is_contacts(const char *path)
{
	return strcmp(path, HTTP_CONTACTS) == 0;
}

bool
http_is_post(struct evhttp_request *req, const char *path)
{
	if (http_is_contacts(path))
		return evhttp_request_get_command(req) == EVHTTP_REQ_POST;
	return strncmp(path, HTTP_INGEST, strlen(HTTP_INGEST)) == 0;
}

static struct evkeyvalq *
http_post_headers(struct evhttp_request *req)
{
	return evhttp_request_get_input_headers(req);
}

static size_t
http_post_count(struct evhttp_request *req, const char *name)
{
	const struct evkeyval *header;
	size_t n = 0;

	TAILQ_FOREACH (header, http_post_headers(req), next)
		n += strcasecmp(header->key, name) == 0;
	return n;
}

static bool
http_post_has(struct evhttp_request *req, const char *name)
{
	return evhttp_find_header(http_post_headers(req), name) != NULL;
}

/*
 * From this machine, and by a program that speaks for itself: a browser's page
 * may come from anywhere, and so may what a proxy passes on.
 */
static bool
http_post_is_local(const struct http_conn *conn, struct evhttp_request *req)
{
	static const char *const others[] = {"Origin", "Sec-Fetch-Site",
	    "Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"};
	size_t i;

	for (i = 0; i < RT_COUNT(others); i++)
		if (http_post_has(req, others[i]))
			return false;
	return conn->is_local;
}

/* --- the answer ---------------------------------------------------------- */

static void
http_post_send(struct http_conn *conn, struct evhttp_request *req, int status,
    const char *text, const struct strbuf *notes)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	struct strbuf body = STRBUF_INIT;

	if (status == 405)
		evhttp_add_header(headers, "Allow", "POST");
	if (status == 429 || status == 503)
		evhttp_add_header(headers, "Retry-After", HTTP_RETRY_S);
	if (status == 401) {
		conn->http->counts.refused++;
		evhttp_add_header(
		    headers, "WWW-Authenticate", "Basic realm=\"ringtally\"");
	}
	if (status != 200) {
		http_reply_problem(conn, req, status, text);
		return;
	}
	json_put_object(&body, NULL);
	json_put_string(&body, "status", "stored");
	json_put_string(&body, "detail", text);
	if (notes != NULL && notes->n > 0) {
		json_put_array(&body, "notes");
		strbuf_add(&body, notes->p, notes->n);
		json_end_array(&body);
	}
	json_end_object(&body);
	strbuf_addc(&body, '\n');
	http_reply_bytes(conn, req, status, "application/json", &body);
}

static void
http_post_free(struct http_post *post)
{
	TAILQ_REMOVE(&post->conn->http->posts, post, list);
	post->conn->post = NULL;
	strbuf_fini(&post->notes);
	free(post);
}

static void
http_post_reply(void *request, int status, const char *text)
{
	struct http_post *post = request;
	struct http_conn *conn = post->conn;
	struct evhttp_request *req = post->req;
	struct strbuf notes = post->notes;

	post->notes = (struct strbuf)STRBUF_INIT;
	http_post_free(post);
	http_post_send(conn, req, status, text, &notes);
	strbuf_fini(&notes);
}

void
http_post_cancel(struct http_post *post)
{
	post->ops->forget(post->ctx, post);
	http_request_forget(post->req);
	http_post_free(post);
}

void
http_posts_tick(struct http *http)
{
	int64_t now_us = clock_mono_us();
	struct http_post *post;

	/* the oldest is the first; whether it will be stored nobody knows */
	while ((post = TAILQ_FIRST(&http->posts)) != NULL &&
	    now_us > post->deadline_us) {
		post->ops->forget(post->ctx, post);
		http_post_reply(
		    post, 503, "it could not be stored in time: send it again");
	}
}

/* --- the question -------------------------------------------------------- */

/* The status to refuse it with, and why; 0: it is fine. */
static int
http_post_refuse(struct evhttp_request *req, const char **why)
{
	const char *coding =
	    evhttp_find_header(http_post_headers(req), "Transfer-Encoding");

	if (evhttp_request_get_command(req) != EVHTTP_REQ_POST) {
		*why = "there is POST";
		return 405;
	}
	/* where two may differ a proxy could see other requests than we do */
	if (http_post_count(req, "Content-Length") +
		http_post_count(req, "Transfer-Encoding") >
	    1) {
		*why = "how long the body is must be said once";
		return 400;
	}
	if (coding != NULL && strcasecmp(coding, "chunked") != 0) {
		*why = "unknown Transfer-Encoding";
		return 400;
	}
	if (http_post_has(req, "Content-Encoding")) {
		*why = "a body is taken as it is, and not compressed";
		return 415;
	}
	return 0;
}

/*
 * Of the path behind /ingest/; NULL: nobody, or no name at all. *later: not
 * now, but that feed will be open.
 */
static const struct ingest_ops *
http_post_find(
    const struct http *http, const char *path, void **ctx, bool *later)
{
	const struct ingest_ops *ops = NULL;
	size_t n = 0;
	char *name;

	if (http->config.ingest == NULL)
		return NULL;
	if (http_is_contacts(path)) {
		if (http->config.contacts == NULL)
			return NULL;
		name = mem_strdup(http->config.contacts);
		n = strlen(name);
	} else {
		name = evhttp_uridecode(path + strlen(HTTP_INGEST), 0, &n);
	}
	if (name != NULL && strlen(name) == n) {
		ops = ingest_find(http->config.ingest, name, ctx);
		*later = ingest_is_expected(http->config.ingest, name);
	}
	free(name);
	return ops;
}

/* The body of contacts in place of what came; false: it was answered. */
static bool
http_post_contacts(
    struct http_post *post, struct ingest_post *what, struct strbuf *lines)
{
	struct http_conn *conn = post->conn;
	struct evhttp_request *req = post->req;
	const char *why = "";
	int status = post->ops->refuse(post->ctx, what, &why);

	if (status != 0) {
		http_post_reply(post, status, why);
		return false;
	}
	if (!http_contacts_read(conn, req, what->body, lines, &post->notes)) {
		http_post_free(post);
		return false;
	}
	what->body = (struct slice){lines->p, lines->n};
	what->content_type = HTTP_LINES;
	return true;
}

static void
http_post_hand_over(struct http_post *post, bool contacts)
{
	struct http_conn *conn = post->conn;
	struct evhttp_request *req = post->req;
	struct evbuffer *body = evhttp_request_get_input_buffer(req);
	const char *type =
	    evhttp_find_header(http_post_headers(req), "Content-Type");
	const char *authorization =
	    evhttp_find_header(http_post_headers(req), "Authorization");
	struct ingest_post what = {
	    .body = {(const char *)evbuffer_pullup(body, -1),
		evbuffer_get_length(body)},
	    .content_type = type != NULL ? type : "",
	    .peer = conn->peer,
	    .is_local = http_post_is_local(conn, req),
	    .token = auth_token(authorization, NULL),
	    .reply = http_post_reply,
	    .request = post};
	size_t n = what.body.n;
	struct strbuf lines = STRBUF_INIT;
	char password[TOKEN_MAX + 256];

	if (what.token.n == 0)
		what.token =
		    auth_basic(authorization, password, sizeof(password));
	if (!contacts || http_post_contacts(post, &what, &lines))
		post->ops->post(post->ctx, &what);
	/* post may be gone; the connection and its request are not */
	if (conn->post != NULL)
		evbuffer_drain(body, n);
	strbuf_fini(&lines);
}

void
http_post_new(
    struct http_conn *conn, struct evhttp_request *req, const char *path)
{
	struct http *http = conn->http;
	const struct ingest_ops *ops;
	struct http_post *post;
	const char *why;
	void *ctx = NULL;
	bool later = false;
	int status;

	ops = http_post_find(http, path, &ctx, &later);
	if (later) {
		http_post_send(conn, req, 503,
		    "the feed is not open: the database is being waited for",
		    NULL);
		return;
	}
	if (ops == NULL) {
		http_post_send(conn, req, 404,
		    http_is_contacts(path)
			? "nobody takes contacts: see contacts.feed in "
			  "ringtally.conf(5)"
			: "no feed of that name can be posted to",
		    NULL);
		return;
	}
	status = http_post_refuse(req, &why);
	if (status != 0) {
		http_post_send(conn, req, status, why, NULL);
		return;
	}
	post = mem_alloc(sizeof(*post));
	*post = (struct http_post){.conn = conn,
	    .req = req,
	    .ops = ops,
	    .ctx = ctx,
	    .deadline_us = clock_mono_us() + HTTP_ANSWER_US,
	    .notes = STRBUF_INIT};
	conn->post = post;
	TAILQ_INSERT_TAIL(&http->posts, post, list);
	http_conn_set_state(conn, HTTP_ASKING);
	http_post_hand_over(post, http_is_contacts(path));
}
