/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <sys/queue.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/nearest.h"
#include "io/conn.h"
#include "io/listen.h"
#include "io/loop.h"
#include "serve/control.h"
#include "serve/request.h"
#include "serve/view.h"

_Static_assert(REQUEST_NAMES_MAX <= VIEW_FILTERS_MAX,
    "a request holds more names than a view takes");

struct control_client {
	LIST_ENTRY(control_client) entry; /* asking or waiting */
	struct control *control;
	struct conn *conn;
	/* While it waits for a document that is in work: */
	bool waits;
	enum view_what what;
	struct request request;
	uid_t uid;
	pid_t pid;
};

LIST_HEAD(control_clients, control_client);

/* A client is on `waiting` while it waits for a document, else on `asking`. */
struct control {
	struct loop *loop;
	const struct control_ops *ops;
	void *ctx;
	struct listen *listen;
	char *path;
	struct view *view;
	struct control_clients asking, waiting;
	struct control_counters counters;
	struct log_limit limit;
};

/* --- answers ------------------------------------------------------------- */

static void
control_error(struct control_client *client, const char *text)
{
	struct strbuf line = STRBUF_INIT;

	client->control->counters.errors++;
	strbuf_adds(&line, "error ");
	strbuf_add_escaped(&line, slice_of(text), SIZE_MAX);
	strbuf_addc(&line, '\n');
	conn_send(client->conn, (struct slice){line.p, line.n},
	    (struct slice){NULL, 0}, NULL, NULL);
	strbuf_fini(&line);
}

static void
control_answer(struct control_client *client, struct slice body,
    void (*sent)(void *arg), void *arg)
{
	char head[40];

	snprintf(head, sizeof(head), "ok %zu\n", body.n);
	conn_send(client->conn, slice_of(head), body, sent, arg);
}

static void
control_put_text(void *arg)
{
	view_text_put(arg);
}

/* --- documents of the view ----------------------------------------------- */

static void
control_move(struct control_client *client, bool waits)
{
	struct control *control = client->control;

	LIST_REMOVE(client, entry);
	client->waits = waits;
	if (waits)
		LIST_INSERT_HEAD(&control->waiting, client, entry);
	else
		LIST_INSERT_HEAD(&control->asking, client, entry);
}

/* False: not yet to be had. */
static bool
control_try(struct control_client *client)
{
	struct control *control = client->control;
	const struct request *r = &client->request;
	struct view_filter filter = {r->names[REQUEST_QUEUE],
	    r->names[REQUEST_SERVICE], r->names[REQUEST_SWITCH]};
	struct view_text *text = NULL;

	if (control->view != NULL)
		text = view_get(
		    control->view, client->what, &filter, clock_wall_us());
	if (text == NULL)
		return false;
	request_fini(&client->request);
	control_answer(
	    client, (struct slice){text->p, text->n}, control_put_text, text);
	return true;
}

/* A document is finished, or there is a view again: who can go on? */
static void
control_try_all(void *ctx)
{
	struct control *control = ctx;
	struct control_client *client, *next;

	for (client = LIST_FIRST(&control->waiting); client != NULL;
	     client = next) {
		next = LIST_NEXT(client, entry);
		if (control_try(client))
			control_move(client, false);
	}
}

void
control_set_view(struct control *control, struct view *view)
{
	if (control->view != NULL)
		view_unlisten(control->view, control_try_all, control);
	control->view = view;
	if (view == NULL)
		return;
	view_listen(view, control_try_all, control);
	control_try_all(control);
}

/* --- requests ------------------------------------------------------------ */

static void
control_unknown(struct control_client *client, const char *what)
{
	const struct control_row *row;
	struct nearest near;
	struct err err;
	int i;

	nearest_start(&near, what);
	for (i = 0; i < VIEWS; i++)
		nearest_offer(&near, view_what_name((enum view_what)i));
	for (row = client->control->ops->rows; row->name != NULL; row++)
		nearest_offer(&near, row->name);
	if (nearest_word(&near) == NULL)
		err_set(&err, "there is no \"%.64s\" to show", what);
	else
		err_set(&err,
		    "there is no \"%.64s\" to show, did you mean \"%s\"?", what,
		    nearest_word(&near));
	control_error(client, err.text);
}

static void
control_make_row(struct control_client *client, const struct control_row *row)
{
	struct strbuf text = STRBUF_INIT;

	row->make(client->control->ctx, &text);
	control_answer(client, (struct slice){text.p, text.n}, free, text.p);
}

static void
control_show_row(struct control_client *client, const struct control_row *row)
{
	if (request_has_filter(&client->request))
		control_error(client, "there is nothing to filter in that");
	else
		control_make_row(client, row);
}

/* Keeps the request where its document is in work. */
static void
control_show(struct control_client *client)
{
	const char *what = client->request.what;
	const struct control_row *row = client->control->ops->rows;

	if (what == NULL) {
		control_error(client, "show what?");
	} else if (view_what_parse(slice_of(what), &client->what) == 0) {
		if (!control_try(client))
			control_move(client, true);
		return;
	} else {
		while (row->name != NULL && strcmp(row->name, what) != 0)
			row++;
		if (row->name != NULL)
			control_show_row(client, row);
		else
			control_unknown(client, what);
	}
	request_fini(&client->request);
}

static void
control_reload(struct control_client *client)
{
	struct control *control = client->control;
	struct err err;

	if (client->request.what != NULL) {
		control_error(client, "reload takes nothing behind it");
	} else {
		log_note("reload asked for by user %u, process %d",
		    (unsigned)client->uid, (int)client->pid);
		if (control->ops->reload(control->ctx, &err) < 0)
			control_error(client, err.text);
		else
			control_answer(
			    client, SLICE("{\"reloaded\":true}"), NULL, NULL);
	}
	request_fini(&client->request);
}

static void
control_forget_callers(struct control_client *client)
{
	uint8_t hashes[REQUEST_HASHES_MAX][REQUEST_HASH_BYTES];
	struct control *control = client->control;
	struct strbuf text = STRBUF_INIT;
	struct err err;
	int n = request_hashes(&client->request, hashes, &err);

	if (n < 0) {
		control_error(client, err.text);
	} else {
		log_note("%d callers to be forgotten, asked for by user %u, "
			 "process %d",
		    n, (unsigned)client->uid, (int)client->pid);
		control->ops->forget(control->ctx, hashes, (size_t)n, &text);
		control_answer(
		    client, (struct slice){text.p, text.n}, free, text.p);
	}
	request_fini(&client->request);
}

static void
control_request(void *ctx, struct slice line)
{
	struct control_client *client = ctx;
	struct err err;

	client->control->counters.requests++;
	if (request_parse(&client->request, line, &err) < 0) {
		control_error(client, err.text);
	} else if (strcmp(client->request.verb, "show") == 0) {
		control_show(client);
	} else if (strcmp(client->request.verb, "reload") == 0) {
		control_reload(client);
	} else if (strcmp(client->request.verb, "forget") == 0) {
		control_forget_callers(client);
	} else {
		request_fini(&client->request);
		control_error(client,
		    "none of \"show WHAT\", \"reload\", \"forget HASH\"");
	}
}

/* --- clients ------------------------------------------------------------- */

static void
control_forget(struct control_client *client)
{
	LIST_REMOVE(client, entry);
	client->control->counters.now--;
	request_fini(&client->request);
	free(client);
}

static void
control_closed(void *ctx, const char *reason)
{
	struct control_client *client = ctx;

	log_debug("control: process %d closed: %s", (int)client->pid, reason);
	control_forget(client);
}

static void
control_dropped(void *ctx, const char *reason)
{
	struct control_client *client = ctx;
	struct control *control = client->control;

	control->counters.dropped++;
	log_limited(&control->limit, LOG_LEVEL_INFO,
	    "control: process %d of user %u dropped: %s", (int)client->pid,
	    (unsigned)client->uid, reason);
	control_forget(client);
}

static const struct conn_ops control_conn_ops = {
    .line_max = REQUEST_LINE_MAX,
    .line_us = 10 * USEC_PER_SEC,
    .send_us = 30 * USEC_PER_SEC,
    .idle_us = 600 * USEC_PER_SEC,
    .request = control_request,
    .closed = control_closed,
    .dropped = control_dropped,
};

/* Why the client is not taken in; NULL: it is. */
static const char *
control_refusal(struct control_client *client, int fd)
{
	struct control *control = client->control;

	if (!listen_may(control->listen, fd, &client->uid, &client->pid))
		return "you may not ask here";
	if (control->counters.now > CONTROL_CLIENTS)
		return "too many ask here already";
	return NULL;
}

static void
control_accepted(void *ctx, int fd)
{
	struct control *control = ctx;
	struct control_client *client = mem_zalloc(sizeof(*client));
	const char *refusal;
	char line[64];

	client->control = control;
	control->counters.now++;
	LIST_INSERT_HEAD(&control->asking, client, entry);
	client->conn = conn_new(control->loop, fd, &control_conn_ops, client);
	refusal = control_refusal(client, fd);
	if (refusal == NULL) {
		control->counters.clients++;
		return;
	}
	control->counters.refused++;
	log_limited(&control->limit, LOG_LEVEL_WARN,
	    "control: process %d of user %u refused: %s", (int)client->pid,
	    (unsigned)client->uid, refusal);
	snprintf(line, sizeof(line), "error %s\n", refusal);
	conn_send_last(client->conn, slice_of(line));
}

/* --- its life ------------------------------------------------------------ */

struct control *
control_new(struct loop *loop, const struct control_ops *ops, void *ctx)
{
	struct control *control = mem_zalloc(sizeof(*control));

	control->loop = loop;
	control->ops = ops;
	control->ctx = ctx;
	LIST_INIT(&control->asking);
	LIST_INIT(&control->waiting);
	return control;
}

static void
control_close_all(struct control_clients *clients)
{
	struct control_client *client;

	while ((client = LIST_FIRST(clients)) != NULL) {
		conn_free(client->conn);
		control_forget(client);
	}
}

void
control_free(struct control *control)
{
	if (control == NULL)
		return;
	control_set_view(control, NULL);
	listen_free(control->listen);
	control_close_all(&control->asking);
	control_close_all(&control->waiting);
	free(control->path);
	free(control);
}

static bool
control_listens_at(const struct control *control, const char *path)
{
	return control->path != NULL && path != NULL &&
	    strcmp(control->path, path) == 0;
}

int
control_listen(struct control *control, const char *path, const char *group,
    struct err *err)
{
	struct listen_config config = {.path = path,
	    .group = group,
	    .accepted = control_accepted,
	    .ctx = control};
	struct listen *listen = NULL;

	if (control_listens_at(control, path))
		return listen_set_group(control->listen, group, err);
	if (path != NULL) {
		listen = listen_new(control->loop, &config, err);
		if (listen == NULL)
			return err_prefix(err, "control socket");
	}
	listen_free(control->listen);
	free(control->path);
	control->listen = listen;
	control->path = path != NULL ? mem_strdup(path) : NULL;
	return 0;
}

void
control_count(const struct control *control, struct control_counters *counters)
{
	*counters = control->counters;
}
