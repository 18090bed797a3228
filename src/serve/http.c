/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <malloc.h>
#include <sys/resource.h>

#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>

#include "io/loop.h"
#include "serve/health.h"
#include "serve/http_inner.h"

#define HTTP_TICK_US	 USEC_PER_SEC
#define HTTP_PIECE_LARGE (512 * 1024)
#define HTTP_BACKLOG	 256
#define HTTP_SOCKET	 0660 /* mode of a Unix socket */
#define HTTP_API	 "/api/v1/"
#define HTTP_FDS_KEPT	 192 /* descriptors for all else */

struct http_call {
	struct http *http;
	struct http_conn *conn;
	struct evhttp_request *req;
	const char *path, *query;
};

/* --- what may be asked for ---------------------------------------------- */

static void
http_metrics(const struct http_call *call)
{
	http_scrape_new(call->conn, call->req);
}

static void
http_healthz(const struct http_call *call)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_adds(&text, "{\"status\":\"ok\"}\n");
	http_reply_bytes(call->conn, call->req, 200, "application/json", &text);
}

static void
http_readyz(const struct http_call *call)
{
	struct strbuf text = STRBUF_INIT;
	bool ready =
	    health_render(call->http->config.view, clock_wall_us(), &text);

	http_reply_bytes(call->conn, call->req, ready ? 200 : 503,
	    "application/json", &text);
}

static void
http_stream(const struct http_call *call)
{
	struct strbuf none = STRBUF_INIT;
	struct query query;
	struct err err;

	if (query_parse(&query, call->query, &err) < 0) {
		http_reply_problem(call->conn, call->req, 400, err.text);
	} else if (evhttp_request_get_command(call->req) == EVHTTP_REQ_HEAD) {
		query_fini(&query);
		http_reply_bytes(
		    call->conn, call->req, 200, "text/event-stream", &none);
	} else if (!http_stream_new(call->conn, call->req, &query)) {
		query_fini(&query);
		log_limited(&call->conn->http->limit, LOG_LEVEL_NOTE,
		    "a client of the stream is refused: too many are open");
		http_reply_problem(
		    call->conn, call->req, 503, "too many streams are open");
	}
}

static void
http_document(const struct http_call *call, enum view_what what)
{
	struct query query;
	struct err err;

	if (query_parse(&query, call->query, &err) < 0)
		http_reply_problem(call->conn, call->req, 400, err.text);
	else
		http_ask_new(call->conn, call->req, what, &query);
}

static const struct http_route {
	const char *path;
	void (*answer)(const struct http_call *call);
	bool open; /* without a token, too: says nothing of the calls */
} http_routes[] = {
    {"/healthz", http_healthz, true},
    {"/metrics", http_metrics, false},
    {"/readyz", http_readyz, false},
    {HTTP_API "stream", http_stream, false},
};

static const struct http_route *
http_route(const char *path)
{
	size_t i;

	for (i = 0; i < RT_COUNT(http_routes); i++)
		if (strcmp(http_routes[i].path, path) == 0)
			return &http_routes[i];
	return NULL;
}

static bool
http_view(const char *path, enum view_what *what)
{
	size_t n = strlen(HTTP_API);

	return strncmp(path, HTTP_API, n) == 0 &&
	    view_what_parse(slice_of(path + n), what) == 0 &&
	    *what != VIEW_SNAPSHOT;
}

/* --- who may ask, and how ----------------------------------------------- */

static const char *
http_input(const struct http_call *call, const char *key)
{
	return evhttp_find_header(
	    evhttp_request_get_input_headers(call->req), key);
}

/* The one Host header; NULL: none, or several. */
static const char *
http_host(const struct http_call *call)
{
	struct evkeyvalq *headers = evhttp_request_get_input_headers(call->req);
	const struct evkeyval *header;
	const char *host = NULL;

	TAILQ_FOREACH (header, headers, next) {
		if (strcasecmp(header->key, "Host") != 0)
			continue;
		if (host != NULL)
			return NULL;
		host = header->value;
	}
	return host;
}

/* evhttp takes names with blanks in them, and none at all. */
static bool
http_has_odd_names(const struct http_call *call)
{
	static const char token[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789!#$%&'*+-.^_`|~";
	struct evkeyvalq *headers = evhttp_request_get_input_headers(call->req);
	const struct evkeyval *header;

	TAILQ_FOREACH (header, headers, next)
		if (header->key[0] == '\0' ||
		    header->key[strspn(header->key, token)] != '\0')
			return true;
	return false;
}

static bool
http_has_body(const struct http_call *call)
{
	const char *length = http_input(call, "Content-Length");

	return http_input(call, "Transfer-Encoding") != NULL ||
	    (length != NULL && strcmp(length, "0") != 0);
}

static bool
http_may(const struct http_call *call)
{
	return !call->http->wants_token ||
	    tokens_know(&call->http->tokens,
		auth_token(http_input(call, "Authorization"),
		    http_input(call, "Cookie")));
}

/* The status to refuse it with, and why; 0: it is fine. */
static int
http_refuse(const struct http_call *call, const char **why)
{
	enum evhttp_cmd_type method = evhttp_request_get_command(call->req);
	const char *host = http_host(call);

	if (host == NULL) {
		*why = "a request has one Host header";
		return 400;
	}
	if (http_has_odd_names(call)) {
		*why = "a header's name is none";
		return 400;
	}
	if (evhttp_request_get_uri(call->req)[0] != '/' ||
	    evhttp_uri_get_host(evhttp_request_get_evhttp_uri(call->req)) !=
		NULL) {
		*why = "this is no proxy: a path begins with /";
		return 400;
	}
	if (!auth_host(&call->http->address,
		(const char *const *)call->http->hosts, host)) {
		*why = "unknown name in the Host header: see live.hosts in "
		       "ringtally.conf(5)";
		return 403;
	}
	if (http_is_post(call->req, call->path))
		return 0;
	if (http_has_body(call)) {
		*why = "there is nothing here that takes a body";
		return 400;
	}
	if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
		*why = "there are GET and HEAD";
		return 405;
	}
	return 0;
}

static void
http_unauthorized(const struct http_call *call)
{
	call->http->counts.refused++;
	http_reply_problem(call->conn, call->req, 401,
	    "a token of live.token_file is wanted: Authorization: Bearer ...");
}

static void
http_answer(const struct http_call *call)
{
	const struct http_route *route = http_route(call->path);
	const struct asset *asset;
	enum view_what what;

	if (http_is_post(call->req, call->path)) {
		http_post_new(call->conn, call->req, call->path);
		return;
	}
	if (route != NULL) {
		if (route->open || http_may(call))
			route->answer(call);
		else
			http_unauthorized(call);
		return;
	}
	asset = assets_find(&call->http->assets, call->path);
	if (asset != NULL)
		http_reply_doc(call->conn, call->req, asset->doc, asset->page);
	else if (!http_view(call->path, &what))
		http_reply_problem(
		    call->conn, call->req, 404, "there is nothing here");
	else if (http_may(call))
		http_document(call, what);
	else
		http_unauthorized(call);
}

static void
http_request_cb(struct evhttp_request *req, void *arg)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	struct http_call call = {.http = arg, .req = req};
	const char *why;
	int code;

	call.http->counts.requests++;
	call.conn = http_conn_of(call.http, req);
	call.path = evhttp_uri_get_path(uri);
	call.query = evhttp_uri_get_query(uri);
	code = http_refuse(&call, &why);
	if (code != 0) {
		call.http->counts.refused++;
		http_reply_problem(call.conn, req, code, why);
	} else {
		http_answer(&call);
	}
}

/* --- listening ---------------------------------------------------------- */

static int
http_listen(struct http *http, struct err *err)
{
	int fd = address_bind(&http->address, HTTP_SOCKET, err);

	if (fd < 0)
		return -1;
	http->listener = evconnlistener_new(loop_base(http->config.loop), NULL,
	    NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, HTTP_BACKLOG,
	    fd);
	if (http->listener == NULL) {
		err_sys(err, "listen");
		close(fd);
		address_unlink(&http->address);
		return -1;
	}
	if (evhttp_bind_listener(http->server, http->listener) == NULL)
		BUG("evhttp_bind_listener: out of memory");
	return 0;
}

static void
http_accept_failed_cb(struct evconnlistener *listener, void *arg)
{
	struct http *http = arg;

	log_limited(&http->limit, LOG_LEVEL_WARN,
	    "http: no more clients for now: %s", strerror(errno));
	evconnlistener_disable(listener); /* until the next tick */
}

static void
http_try_listen(struct http *http)
{
	struct err err;

	if (http_listen(http, &err) < 0) {
		log_limited(&http->limit, LOG_LEVEL_ERROR,
		    "live.listen %s: %s; trying again", http->config.listen,
		    err.text);
		return;
	}
	evconnlistener_set_error_cb(http->listener, http_accept_failed_cb);
	log_note("live pages at %s%s%s", http->address.is_unix ? "" : "http://",
	    http->config.listen, http->address.is_unix ? "" : "/");
}

/* --- life --------------------------------------------------------------- */

static void
http_work(void *ctx)
{
	struct http *http = ctx;
	bool more = http_asks_work(http);

	more |= http_scrapes_work(http);
	more |= http_streams_work(http);
	http_conns_bound(http);
	if (more)
		task_set(http->work);
}

static void
http_ready(void *ctx)
{
	struct http *http = ctx;

	task_set(http->work);
}

static void
http_accept_again(void *ctx)
{
	http_accept(ctx);
}

static void
http_tick(void *ctx)
{
	struct http *http = ctx;

	timer_set(http->tick, HTTP_TICK_US);
	if (http->listener == NULL)
		http_try_listen(http);
	http_conns_tick(http);
	http_posts_tick(http);
	http_streams_tick(http);
}

/* As many clients as there are descriptors for, beside all else. */
static size_t
http_max_conns(int64_t wanted)
{
	struct rlimit limit;
	rlim_t fds = (rlim_t)wanted + HTTP_FDS_KEPT;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return (size_t)wanted;
	if (limit.rlim_cur < fds) {
		limit.rlim_cur = RT_MIN(fds, limit.rlim_max);
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			getrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur >= fds)
		return (size_t)wanted;
	fds = RT_MAX(limit.rlim_cur, (rlim_t)HTTP_FDS_KEPT + 16);
	log_warn("live.max_clients: %zu instead of %zu, for want of file "
		 "descriptors (ulimit -n)",
	    (size_t)fds - HTTP_FDS_KEPT, (size_t)wanted);
	return (size_t)fds - HTTP_FDS_KEPT;
}

static void
http_make_server(struct http *http)
{
	http->server = evhttp_new(loop_base(http->config.loop));
	if (http->server == NULL)
		BUG("evhttp_new: out of memory");
	evhttp_set_max_headers_size(http->server, HTTP_HEADERS_MAX);
	evhttp_set_max_body_size(http->server,
	    (ev_ssize_t)RT_MAX(http->config.max_post, (size_t)HTTP_BODY_MAX));
	evhttp_set_timeout(http->server, HTTP_NEXT_US / USEC_PER_SEC);
	/* all that evhttp knows: what we refuse we refuse with our headers */
	evhttp_set_allowed_methods(http->server,
	    EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
		EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS |
		EVHTTP_REQ_TRACE | EVHTTP_REQ_PATCH);
	evhttp_set_bevcb(http->server, http_conn_bev, http);
	evhttp_set_gencb(http->server, http_request_cb, http);
}

int
http_check(const char *listen, const char *token_file, struct err *err)
{
	struct address address;

	if (address_parse(&address, listen, err) < 0)
		return err_prefix(err, "live.listen");
	if (address.is_local || token_file != NULL)
		return 0;
	return err_set(err,
	    "live.listen is %s, which others can reach: live.token_file is "
	    "needed",
	    listen);
}

static int
http_load(struct http *http, struct err *err)
{
	const char *file = http->config.token_file;
	bool kept;

	if (http_check(http->config.listen, file, err) < 0 ||
	    address_parse(&http->address, http->config.listen, err) < 0)
		return -1;
	http->wants_token = file != NULL;
	if (file == NULL)
		return 0;
	if (tokens_load_kept(&http->tokens, file, &kept, err) < 0)
		return -1;
	if (kept)
		log_error(
		    "live.token_file: %s; they stay as they were", err->text);
	return 0;
}

struct http *
http_new(
    const struct http_config *config, const char *const *hosts, struct err *err)
{
	struct http *http = mem_alloc(sizeof(*http));

	*http = (struct http){
	    .config = *config, .counts.started_us = clock_wall_us()};
	if (config->counts != NULL)
		http->counts = *config->counts;
	if (http_load(http, err) < 0) {
		free(http);
		return NULL;
	}
	/* what is large comes and goes: it is to leave no holes behind */
	mallopt(M_MMAP_THRESHOLD, HTTP_PIECE_LARGE);
	TAILQ_INIT(&http->conns);
	TAILQ_INIT(&http->asks);
	TAILQ_INIT(&http->scrapes);
	TAILQ_INIT(&http->posts);
	TAILQ_INIT(&http->streams.groups);
	http->max_conns = http_max_conns(config->max_clients);
	http->tick = timer_new(config->loop, http_tick, http);
	http->work = task_new(config->loop, http_work, http);
	http->accept = task_new(config->loop, http_accept_again, http);
	http->fail =
	    event_new(loop_base(config->loop), -1, 0, http_fail_cb, http);
	if (http->fail == NULL)
		BUG("event_new: out of memory");
	view_listen(config->view, http_ready, http);
	http_make_server(http);
	http_configure(http, hosts);
	http_tick(http);
	return http;
}

/* Who was let in by a token that is no more has a stream no more, either. */
static void
http_read_tokens(struct http *http)
{
	struct tokens tokens;
	struct err err;
	bool kept;

	if (!http->wants_token)
		return;
	if (tokens_load_kept(&tokens, http->config.token_file, &kept, &err) <
		0 ||
	    kept) {
		log_error(
		    "live.token_file: %s; they stay as they were", err.text);
		return;
	}
	if (memcmp(&tokens, &http->tokens, sizeof(tokens)) == 0)
		return;
	http->tokens = tokens;
	http_conns_drop_streams(http);
}

static void
http_free_hosts(struct http *http)
{
	size_t i;

	for (i = 0; http->hosts != NULL && http->hosts[i] != NULL; i++)
		free(http->hosts[i]);
	free(http->hosts);
	http->hosts = NULL;
}

void
http_configure(struct http *http, const char *const *hosts)
{
	size_t i, n = 0;

	http_read_tokens(http);
	assets_load(&http->assets, http->config.folder, http->config.chart_js);
	http_free_hosts(http);
	while (hosts != NULL && hosts[n] != NULL)
		n++;
	http->hosts = mem_zalloc((n + 1) * sizeof(*http->hosts));
	for (i = 0; i < n; i++)
		http->hosts[i] = mem_strdup(hosts[i]);
}

void
http_free(struct http *http)
{
	size_t i;

	if (http == NULL)
		return;
	if (http->listener != NULL)
		address_unlink(&http->address);
	http->listener = NULL; /* goes with the server */
	http_conns_free(http);
	evhttp_free(http->server);
	BUG_ON(http->sending != 0); /* who sent it would take it off later */
	http->counts.connections = http->counts.streams = 0;
	if (http->config.counts != NULL)
		*http->config.counts = http->counts;
	view_unlisten(http->config.view, http_ready, http);
	metrics_free(http->metrics);
	for (i = 0; i < VIEWS; i++) {
		doc_put(http->last[0][i]);
		doc_put(http->last[1][i]);
	}
	assets_fini(&http->assets);
	http_free_hosts(http);
	timer_free(http->tick);
	task_free(http->work);
	task_free(http->accept);
	event_free(http->fail);
	free(http);
}
