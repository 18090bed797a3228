/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>

#include "io/loop.h"
#include "serve/http_inner.h"

#define STREAM_RETRY	"retry: 2000\n\n"
#define STREAM_BEAT	":\n\n"
#define STREAM_BEAT_US	(15 * USEC_PER_SEC)
#define STREAM_PER_TURN 64 /* clients that are sent to in one turn */
/* What the kernel may hold for a client that does not read. */
#define STREAM_SNDBUF (256 << 10)

/* One snapshot, ready to be sent. */
struct http_frame {
	unsigned refs;
	struct doc_held held;
	struct strbuf head; /* up to the "data: " of the snapshot */
	bool contacts;	    /* which tells of them before */
	struct view_text *text;
	struct strbuf gz; /* all of it, as a piece; empty: nobody takes it */
};

struct http_group {
	TAILQ_ENTRY(http_group) list;
	struct http *http;
	struct query query;
	struct strbuf key;
	TAILQ_HEAD(, http_stream) clients;
	size_t n_gzip;	   /* clients that take it compressed */
	bool due;	   /* the next snapshot is to be made */
	bool busy;	   /* somebody walks through its clients */
	uint64_t contacts; /* what was sent of them last, see group_contacts */
	struct http_frame *making;
	struct gzip *gzip;	  /* of making */
	struct http_frame *last;  /* sent, or being sent */
	struct http_stream *next; /* to be sent `last`; NULL: all were */
};

struct http_stream {
	TAILQ_ENTRY(http_stream) list;
	struct http_group *group;
	struct http_conn *conn;
	struct evhttp_request *req;
	bool gzip;
	bool fresh;	 /* was sent nothing but its headers */
	unsigned missed; /* in a row, up to now */
	int64_t sent_us;
};

/* --- frames ------------------------------------------------------------- */

static void
frame_put(struct http_frame *frame)
{
	if (frame == NULL || --frame->refs > 0)
		return;
	view_text_put(frame->text);
	strbuf_fini(&frame->head);
	strbuf_fini(&frame->gz);
	free(frame);
}

/* contacts: to be told before the snapshot; NULL: there is no need. */
static struct http_frame *
frame_new(struct view_text *text, const struct view_text *contacts)
{
	struct http_frame *frame = mem_alloc(sizeof(*frame));

	*frame = (struct http_frame){.refs = 1, .text = text};
	frame->contacts = contacts != NULL;
	if (contacts != NULL) {
		strbuf_adds(&frame->head, "event: contacts\ndata: ");
		strbuf_add(&frame->head, contacts->p, contacts->n);
		strbuf_adds(&frame->head, "\n\n");
	}
	strbuf_addf(&frame->head,
	    "id: %" PRIu64 "\nevent: snapshot\ndata: ", text->version);
	return frame;
}

static void
frame_sent_cb(const void *bytes RT_UNUSED, size_t n RT_UNUSED, void *arg)
{
	struct http_frame *frame = arg;

	doc_release(&frame->held);
	frame_put(frame);
}

static void
frame_share(struct http *http, struct evbuffer *to, struct http_frame *frame,
    struct slice part)
{
	frame->refs++;
	doc_hold(&frame->held, frame->head.n + frame->text->n + frame->gz.n,
	    &http->sending);
	if (evbuffer_add_reference(to, part.p, part.n, frame_sent_cb, frame) <
	    0)
		BUG("evbuffer_add_reference: out of memory");
}

static void
frame_add(
    struct http *http, struct evbuffer *to, struct http_frame *frame, bool gzip)
{
	const struct strbuf *head = &frame->head;

	if (gzip) {
		frame_share(
		    http, to, frame, (struct slice){frame->gz.p, frame->gz.n});
		return;
	}
	frame_share(http, to, frame, (struct slice){head->p, head->n});
	frame_share(
	    http, to, frame, (struct slice){frame->text->p, frame->text->n});
	evbuffer_add(to, "\n\n", 2);
}

/* --- groups ------------------------------------------------------------- */

/* One without a snapshot yet will have as large a one as any. */
static bool
group_has_room(const struct http_streams *streams)
{
	size_t bytes = 0, most = 0, n = 1;
	const struct http_group *group;

	if (streams->n_groups < HTTP_STREAM_GROUPS)
		return true;
	TAILQ_FOREACH (group, &streams->groups, list) {
		const struct http_frame *last = group->last;
		size_t size = last == NULL ? 0 : last->text->n + last->gz.n;

		n += last == NULL;
		bytes += size;
		most = RT_MAX(most, size);
	}
	return bytes + n * most <= HTTP_STREAM_BYTES;
}

static struct http_group *
group_of(struct http *http, struct query *query)
{
	struct strbuf key = STRBUF_INIT;
	struct http_group *group;

	query_key(query, &key);
	TAILQ_FOREACH (group, &http->streams.groups, list)
		if (strcmp(strbuf_str(&group->key), strbuf_str(&key)) == 0) {
			strbuf_fini(&key);
			query_fini(query);
			return group;
		}
	if (!group_has_room(&http->streams)) {
		strbuf_fini(&key);
		return NULL;
	}
	group = mem_alloc(sizeof(*group));
	*group = (struct http_group){.http = http, .key = key, .due = true};
	query_move(&group->query, query);
	TAILQ_INIT(&group->clients);
	TAILQ_INSERT_TAIL(&http->streams.groups, group, list);
	http->streams.n_groups++;
	return group;
}

static void
group_free(struct http_group *group)
{
	struct http_streams *streams = &group->http->streams;

	TAILQ_REMOVE(&streams->groups, group, list);
	streams->n_groups--;
	frame_put(group->making);
	frame_put(group->last);
	gzip_free(group->gzip);
	query_fini(&group->query);
	strbuf_fini(&group->key);
	free(group);
}

/* --- sending ------------------------------------------------------------ */

static void
stream_put(struct http_stream *s, struct evbuffer *chunk)
{
	evhttp_send_reply_chunk(s->req, chunk);
	http_replied(s->conn);
	s->sent_us = clock_mono_us();
}

static void
stream_add_text(struct http_stream *s, struct evbuffer *to, const char *text)
{
	struct strbuf gz = STRBUF_INIT;

	if (!s->gzip) {
		evbuffer_add(to, text, strlen(text));
		return;
	}
	gzip_piece(&gz, slice_of(text));
	evbuffer_add(to, gz.p, gz.n);
	strbuf_fini(&gz);
}

static bool
stream_has_taken(const struct http_stream *s)
{
	return s->fresh ||
	    evbuffer_get_length(bufferevent_get_output(s->conn->bev)) == 0;
}

static void
stream_send_frame(struct http_stream *s, struct http_frame *frame)
{
	struct evbuffer *chunk = evbuffer_new();
	char text[64];

	if (chunk == NULL)
		BUG("evbuffer_new: out of memory");
	if (s->missed > 0) {
		snprintf(text, sizeof(text),
		    "event: missed\ndata: {\"snapshots\":%u}\n\n", s->missed);
		stream_add_text(s, chunk, text);
		s->missed = 0;
	}
	frame_add(s->group->http, chunk, frame, s->gzip);
	s->fresh = false;
	stream_put(s, chunk);
	evbuffer_free(chunk);
}

/* It may be gone behind this. */
static void
stream_send(struct http_stream *s, struct http_frame *frame)
{
	struct http *http = s->group->http;

	if (stream_has_taken(s)) {
		stream_send_frame(s, frame);
		return;
	}
	http->counts.missed++;
	/* the next snapshot is as good, but of contacts it would not tell */
	if (frame->contacts)
		s->group->contacts = 0;
	if (++s->missed <= HTTP_STREAM_BEHIND)
		return;
	log_limited(&http->limit, LOG_LEVEL_NOTE,
	    "a client of the stream has taken nothing for %d snapshots: cut",
	    HTTP_STREAM_BEHIND);
	http->counts.dropped++;
	http_conn_drop(s->conn);
}

static void
stream_beat(struct http_stream *s)
{
	struct evbuffer *chunk;

	if (clock_mono_us() - s->sent_us < STREAM_BEAT_US ||
	    !stream_has_taken(s))
		return;
	chunk = evbuffer_new();
	if (chunk == NULL)
		BUG("evbuffer_new: out of memory");
	stream_add_text(s, chunk, STREAM_BEAT);
	stream_put(s, chunk);
	evbuffer_free(chunk);
}

/* --- work --------------------------------------------------------------- */

/* What there is to say of contacts now; 0: nothing yet. */
static uint64_t
group_contacts(const struct http_group *group, int64_t now_us)
{
	const struct view *view = group->http->config.view;
	const struct view_contacts *contacts = view_contacts(view);

	if (contacts->at_us == 0)
		return 0;
	return contacts->changed * 2 + view_contacts_stale(view, now_us);
}

/* NULL: a document is in work; we are called when it is there. */
static struct http_frame *
group_frame(struct http_group *group)
{
	struct view *view = group->http->config.view;
	int64_t now_us = clock_wall_us();
	uint64_t contacts = group_contacts(group, now_us);
	struct view_text *text, *told = NULL;

	if (contacts != group->contacts) {
		told = view_get(view, VIEW_CONTACTS, NULL, now_us);
		if (told == NULL)
			return NULL;
	}
	text = view_get(view, VIEW_SNAPSHOT, &group->query.filter, now_us);
	if (text != NULL) {
		group->making = frame_new(text, told);
		group->contacts = contacts;
	}
	view_text_put(told);
	return group->making;
}

/* Makes the frame that is due; false: not ready, *more: but next turn. */
static bool
group_make(struct http_group *group, bool *more)
{
	struct http_frame *frame = group->making;
	struct strbuf body;

	if (frame == NULL && (frame = group_frame(group)) == NULL)
		return false;
	if (group->n_gzip == 0)
		return true;
	if (group->gzip == NULL)
		group->gzip = gzip_new(
		    GZIP_PIECE, (struct slice){frame->text->p, frame->text->n});
	if (!gzip_step(group->gzip)) {
		*more = true;
		return false;
	}
	body = gzip_take(group->gzip);
	gzip_piece(&frame->gz, (struct slice){frame->head.p, frame->head.n});
	strbuf_add(&frame->gz, body.p, body.n);
	gzip_piece(&frame->gz, SLICE("\n\n"));
	strbuf_fini(&body);
	gzip_free(group->gzip);
	group->gzip = NULL;
	return true;
}

/* To the next few clients; one that came meanwhile may take no frame. */
static void
group_send(struct http_group *group)
{
	struct http_stream *s;
	unsigned n;

	group->busy = true;
	for (n = 0; (s = group->next) != NULL && n < STREAM_PER_TURN; n++) {
		group->next = TAILQ_NEXT(s, list);
		if (!s->gzip || group->last->gz.n > 0)
			stream_send(s, group->last);
	}
	group->busy = false;
	if (TAILQ_EMPTY(&group->clients))
		group_free(group);
}

static bool
group_work(struct http_group *group)
{
	bool more = false;

	if (group->next != NULL) {
		group_send(group);
		return true;
	}
	if (!group->due || !group_make(group, &more))
		return more;
	group->due = false;
	frame_put(group->last);
	group->last = group->making;
	group->making = NULL;
	group->next = TAILQ_FIRST(&group->clients);
	return true;
}

bool
http_streams_work(struct http *http)
{
	struct http_group *group, *next;
	bool more = false;

	for (group = TAILQ_FIRST(&http->streams.groups); group != NULL;
	     group = next) {
		next = TAILQ_NEXT(group, list);
		more |= group_work(group);
	}
	return more;
}

void
http_streams_tick(struct http *http)
{
	struct http_group *group;
	struct http_stream *s;

	TAILQ_FOREACH (group, &http->streams.groups, list) {
		group->due = true;
		TAILQ_FOREACH (s, &group->clients, list)
			stream_beat(s);
	}
	if (http->streams.n > 0)
		task_set(http->work);
}

/* --- clients ------------------------------------------------------------ */

static void
stream_start(struct http_stream *s)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(s->req);
	struct evbuffer *chunk = evbuffer_new();
	int size = STREAM_SNDBUF;

	if (chunk == NULL)
		BUG("evbuffer_new: out of memory");
	setsockopt(bufferevent_getfd(s->conn->bev), SOL_SOCKET, SO_SNDBUF,
	    &size, sizeof(size));
	http_reply_guard(s->req, false);
	evhttp_add_header(headers, "Content-Type", "text/event-stream");
	evhttp_add_header(headers, "Cache-Control", "no-store");
	evhttp_add_header(headers, "Vary", "Accept-Encoding");
	evhttp_add_header(headers, "X-Accel-Buffering", "no");
	if (s->gzip) {
		evhttp_add_header(headers, "Content-Encoding", "gzip");
		evbuffer_add(chunk, GZIP_HEAD, sizeof(GZIP_HEAD));
	}
	stream_add_text(s, chunk, STREAM_RETRY);
	evhttp_send_reply_start(s->req, 200, "OK");
	stream_put(s, chunk);
	evbuffer_free(chunk);
}

bool
http_stream_new(
    struct http_conn *conn, struct evhttp_request *req, struct query *query)
{
	struct http *http = conn->http;
	struct http_group *group;
	struct http_stream *s;

	/* others are to find room, too */
	if (http->streams.n >= http->max_conns - http->max_conns / 10)
		return false;
	group = group_of(http, query);
	if (group == NULL)
		return false;
	s = mem_alloc(sizeof(*s));
	*s = (struct http_stream){.group = group,
	    .conn = conn,
	    .req = req,
	    .gzip = http_takes_gzip(req),
	    .fresh = true};
	TAILQ_INSERT_TAIL(&group->clients, s, list);
	group->n_gzip += s->gzip;
	http->counts.streams = ++http->streams.n;
	conn->stream = s;
	http_conn_set_state(conn, HTTP_STREAMING);
	stream_start(s);
	/* who is new has not heard of contacts: all are told once more */
	group->contacts = 0;
	/* what the others got last is at most a second old */
	if (group->last == NULL || (s->gzip && group->last->gz.n == 0))
		group->due = true;
	else if (group->next == NULL)
		stream_send_frame(s, group->last);
	task_set(http->work);
	return true;
}

void
http_stream_cancel(struct http_stream *s)
{
	struct http_group *group = s->group;
	struct http *http = group->http;

	http_request_forget(s->req);
	if (group->next == s)
		group->next = TAILQ_NEXT(s, list);
	TAILQ_REMOVE(&group->clients, s, list);
	group->n_gzip -= s->gzip;
	http->counts.streams = --http->streams.n;
	s->conn->stream = NULL;
	free(s);
	if (TAILQ_EMPTY(&group->clients) && !group->busy)
		group_free(group);
}
