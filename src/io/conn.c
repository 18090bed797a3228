/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include "base/strbuf.h"
#include "io/conn.h"
#include "io/loop.h"

#define CONN_READ_SIZE 4096
/* A turn's share of one answer: others wait meanwhile. */
#define CONN_SEND_SIZE (256 << 10)

enum conn_state {
	CONN_READING, /* for a request */
	CONN_MAKING,  /* its answer: conn_send is awaited */
	CONN_SENDING
};

struct conn {
	const struct conn_ops *ops;
	void *ctx;
	struct watch *watch;
	struct timer *deadline;
	enum conn_state state;
	int fd;
	bool last; /* close when the answer is sent */
	struct strbuf in;
	struct strbuf head;
	struct slice head_left, body_left;
	void (*sent)(void *arg);
	void *sent_arg;
};

static void
conn_sent(struct conn *conn)
{
	void (*sent)(void *arg) = conn->sent;

	conn->sent = NULL;
	if (sent != NULL)
		sent(conn->sent_arg);
}

void
conn_free(struct conn *conn)
{
	if (conn == NULL)
		return;
	watch_free(conn->watch);
	timer_free(conn->deadline);
	conn_sent(conn);
	close(conn->fd);
	strbuf_fini(&conn->in);
	strbuf_fini(&conn->head);
	free(conn);
}

static void
conn_close(struct conn *conn, const char *reason)
{
	conn->ops->closed(conn->ctx, reason);
	conn_free(conn);
}

static void
conn_drop(struct conn *conn, const char *reason)
{
	conn->ops->dropped(conn->ctx, reason);
	conn_free(conn);
}

static void
conn_too_late(void *ctx)
{
	struct conn *conn = ctx;

	if (conn->state == CONN_SENDING)
		conn_drop(conn, "it did not take its answer in time");
	else if (conn->in.n > 0)
		conn_drop(conn, "its request took too long");
	else
		conn_drop(conn, "it asked nothing for long");
}

/* --- reading ------------------------------------------------------------- */

/* Waits for more of a line; the time for one runs from its first byte. */
static void
conn_read_more(struct conn *conn, bool begun)
{
	if (conn->in.n == 0)
		timer_set(conn->deadline, conn->ops->idle_us);
	else if (begun)
		timer_set(conn->deadline, conn->ops->line_us);
	watch_set(conn->watch, conn->fd, WATCH_READ);
}

/* Hands over the line that ends at `end`; what is behind it stays. */
static void
conn_request(struct conn *conn, const char *end)
{
	size_t n = (size_t)(end - conn->in.p);
	struct slice line = {conn->in.p, n};

	if (n > 0 && end[-1] == '\r')
		line.n--;
	conn->state = CONN_MAKING;
	timer_unset(conn->deadline);
	conn->ops->request(conn->ctx, line);
	memmove(conn->in.p, end + 1, conn->in.n - n - 1);
	conn->in.n -= n + 1;
}

/* What is read already may hold the next request. */
static void
conn_next(struct conn *conn, bool begun)
{
	const char *end = NULL;

	conn->state = CONN_READING;
	if (conn->in.n > 0)
		end = memchr(conn->in.p, '\n', conn->in.n);
	if (end != NULL)
		conn_request(conn, end);
	else if (conn->in.n > conn->ops->line_max)
		conn_drop(conn, "its request is too long");
	else
		conn_read_more(conn, begun);
}

static void
conn_read(struct conn *conn)
{
	bool begun = conn->in.n == 0;
	ssize_t n = recv(conn->fd, strbuf_reserve(&conn->in, CONN_READ_SIZE),
	    CONN_READ_SIZE, 0);

	if (n > 0) {
		strbuf_added(&conn->in, (size_t)n);
		conn_next(conn, begun);
	} else if (n == 0) {
		conn_close(
		    conn, begun ? "it has ended" : "it ended within a request");
	} else if (errno == EAGAIN || errno == EINTR) {
		watch_set(conn->watch, conn->fd, WATCH_READ);
	} else {
		conn_close(conn, strerror(errno));
	}
}

/* --- sending ------------------------------------------------------------- */

static void
conn_advance(struct slice *s, size_t *n)
{
	size_t took = RT_MIN(s->n, *n);

	s->p += took;
	s->n -= took;
	*n -= took;
}

static ssize_t
conn_send_some(struct conn *conn)
{
	struct iovec parts[] = {
	    {(void *)(uintptr_t)conn->head_left.p, conn->head_left.n},
	    {(void *)(uintptr_t)conn->body_left.p,
		RT_MIN(conn->body_left.n, (size_t)CONN_SEND_SIZE)}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	return sendmsg(conn->fd, &message, MSG_NOSIGNAL);
}

static void
conn_write(struct conn *conn)
{
	ssize_t n = conn_send_some(conn);
	size_t left;

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		conn_close(conn, strerror(errno));
		return;
	}
	left = n > 0 ? (size_t)n : 0;
	conn_advance(&conn->head_left, &left);
	conn_advance(&conn->body_left, &left);
	if (conn->head_left.n + conn->body_left.n > 0) {
		watch_set(conn->watch, conn->fd, WATCH_WRITE);
		return;
	}
	conn_sent(conn);
	if (conn->last)
		conn_close(conn, "it was refused");
	else
		conn_next(conn, true);
}

/*
 * Never sends at once, so that nobody is closed under the feet of whoever
 * answers.
 */
void
conn_send(struct conn *conn, struct slice head, struct slice body,
    void (*sent)(void *arg), void *arg)
{
	BUG_ON(conn->state == CONN_SENDING);
	conn->state = CONN_SENDING;
	strbuf_reset(&conn->head);
	strbuf_add(&conn->head, head.p, head.n);
	conn->head_left = (struct slice){conn->head.p, conn->head.n};
	conn->body_left = body;
	conn->sent = sent;
	conn->sent_arg = arg;
	timer_set(conn->deadline, conn->ops->send_us);
	watch_set(conn->watch, conn->fd, WATCH_WRITE);
}

void
conn_send_last(struct conn *conn, struct slice head)
{
	conn->last = true;
	conn_send(conn, head, (struct slice){NULL, 0}, NULL, NULL);
}

static void
conn_ready(void *ctx, int what RT_UNUSED)
{
	struct conn *conn = ctx;

	if (conn->state == CONN_SENDING)
		conn_write(conn);
	else
		conn_read(conn);
}

struct conn *
conn_new(struct loop *loop, int fd, const struct conn_ops *ops, void *ctx)
{
	struct conn *conn = mem_alloc(sizeof(*conn));

	*conn = (struct conn){.ops = ops,
	    .ctx = ctx,
	    .fd = fd,
	    .in = STRBUF_INIT,
	    .head = STRBUF_INIT};
	conn->watch = watch_new(loop, conn_ready, conn);
	conn->deadline = timer_new(loop, conn_too_late, conn);
	conn_read_more(conn, true);
	return conn;
}
