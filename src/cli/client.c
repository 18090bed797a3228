/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "cli/client.h"

#define CLIENT_HEAD_MAX	 2048
#define CLIENT_READ_SIZE 65536

struct client {
	int fd; /* -1: not open */
	bool asking;
	struct strbuf out;
	size_t out_at; /* sent up to here */
	struct strbuf in;
	size_t used; /* of `in`: the answer that was given last */
};

struct client *
client_new(void)
{
	struct client *client = mem_zalloc(sizeof(*client));

	client->fd = -1;
	return client;
}

void
client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	client->asking = false;
	client->used = 0;
	strbuf_reset(&client->in);
	strbuf_reset(&client->out);
}

void
client_free(struct client *client)
{
	if (client == NULL)
		return;
	client_close(client);
	strbuf_fini(&client->in);
	strbuf_fini(&client->out);
	free(client);
}

void
client_attach(struct client *client, int fd)
{
	client_close(client);
	client->fd = fd;
}

bool
client_is_open(const struct client *client)
{
	return client->fd >= 0;
}

/* --- opening ------------------------------------------------------------- */

static int
client_no_right(const char *path, struct err *err)
{
	const struct group *group = NULL;
	struct stat st;

	if (stat(path, &st) == 0)
		group = getgrgid(st.st_gid);
	if (group == NULL)
		return err_set(err, "you may not connect to %s", path);
	return err_set(err,
	    "you may not connect to %s: root, the daemon's user and members "
	    "of the group %s may",
	    path, group->gr_name);
}

static int
client_no_daemon(const char *path, struct err *err)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
	case ECONNREFUSED:
		return err_set(err, "no daemon listens on %s", path);
	case EACCES:
	case EPERM:
		return client_no_right(path, err);
	case EAGAIN:
		return err_set(
		    err, "the daemon at %s does not take more clients", path);
	default:
		return err_sys(err, "%s", path);
	}
}

int
client_open(struct client *client, const char *path, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(
		    err, "%s: too long for the path of a socket", path);
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, "socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		client_no_daemon(path, err);
		close(fd);
		return -1;
	}
	client_attach(client, fd);
	return 0;
}

/* --- asking -------------------------------------------------------------- */

void
client_ask(struct client *client, const char *request)
{
	BUG_ON(client->asking);
	client->asking = true;
	strbuf_reset(&client->out);
	client->out_at = 0;
	strbuf_addf(&client->out, "%s\n", request);
}

bool
client_is_asking(const struct client *client)
{
	return client->asking;
}

int
client_fd(const struct client *client)
{
	return client->fd;
}

static bool
client_has_to_send(const struct client *client)
{
	return client->out_at < client->out.n;
}

short
client_events(const struct client *client)
{
	return client_has_to_send(client) ? POLLIN | POLLOUT : POLLIN;
}

/*
 * A daemon that refuses us closes without having read the request: what it
 * said is read all the same.
 */
static int
client_send(struct client *client, struct err *err)
{
	ssize_t n = send(client->fd, client->out.p + client->out_at,
	    client->out.n - client->out_at, MSG_NOSIGNAL);

	if (n > 0)
		client->out_at += (size_t)n;
	else if (n < 0 && errno == EPIPE)
		client->out_at = client->out.n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		return err_sys(err, "asking the daemon");
	return 0;
}

static int
client_receive(struct client *client, struct err *err)
{
	ssize_t n = recv(client->fd,
	    strbuf_reserve(&client->in, CLIENT_READ_SIZE), CLIENT_READ_SIZE, 0);

	if (n > 0)
		strbuf_added(&client->in, (size_t)n);
	else if (n == 0 || errno == ECONNRESET) /* asked, and killed */
		return err_set(err, "the daemon has closed the connection");
	else if (errno != EAGAIN && errno != EINTR)
		return err_sys(err, "the daemon's answer");
	return n > 0 ? 1 : 0;
}

/* "ok BYTES": the whole line but its end. */
static bool
client_read_ok(struct slice head, size_t *bytes)
{
	int64_t n;

	if (head.n < 4 || memcmp(head.p, "ok ", 3) != 0 ||
	    !slice_uint((struct slice){head.p + 3, head.n - 3}, &n) ||
	    n > CLIENT_ANSWER_MAX)
		return false;
	*bytes = (size_t)n;
	return true;
}

/* What stands in `in` as an answer. */
static enum client_says
client_take(struct client *client, struct slice *answer, struct err *err)
{
	const char *end = NULL;
	struct slice head;
	size_t bytes;

	if (client->in.n > 0)
		end = memchr(client->in.p, '\n', client->in.n);
	if (end == NULL && client->in.n <= CLIENT_HEAD_MAX)
		return CLIENT_PENDING;
	head = (struct slice){
	    client->in.p, end != NULL ? (size_t)(end - client->in.p) : 0};
	if (head.n > 6 && memcmp(head.p, "error ", 6) == 0) {
		client->used = head.n + 1;
		err_set(err, "%.*s", (int)head.n - 6, head.p + 6);
		return CLIENT_REFUSED;
	}
	if (!client_read_ok(head, &bytes)) {
		err_set(err, "what answers there is no ringtallyd");
		return CLIENT_FAILED;
	}
	if (client->in.n - head.n - 1 < bytes)
		return CLIENT_PENDING;
	client->used = head.n + 1 + bytes;
	*answer = (struct slice){client->in.p + head.n + 1, bytes};
	return CLIENT_ANSWERED;
}

static void
client_drop_used(struct client *client)
{
	if (client->used == 0)
		return;
	memmove(client->in.p, client->in.p + client->used,
	    client->in.n - client->used);
	client->in.n -= client->used;
	client->used = 0;
}

enum client_says
client_step(struct client *client, struct slice *answer, struct err *err)
{
	enum client_says says = CLIENT_PENDING;
	int got = 1;

	client_drop_used(client);
	if (client_has_to_send(client) && client_send(client, err) < 0)
		says = CLIENT_FAILED;
	while (says == CLIENT_PENDING && got > 0) {
		got = client_receive(client, err);
		says =
		    got < 0 ? CLIENT_FAILED : client_take(client, answer, err);
	}
	if (says != CLIENT_PENDING)
		client->asking = false;
	if (says == CLIENT_FAILED)
		client_close(client);
	return says;
}

enum client_says
client_wait(struct client *client, struct slice *answer, int64_t timeout_us,
    struct err *err)
{
	int64_t until = clock_mono_us() + timeout_us, left;
	enum client_says says;
	struct pollfd fd;

	for (;;) {
		says = client_step(client, answer, err);
		if (says != CLIENT_PENDING)
			return says;
		left = until - clock_mono_us();
		if (left <= 0)
			break;
		fd = (struct pollfd){
		    .fd = client->fd, .events = client_events(client)};
		poll(&fd, 1, (int)(left / USEC_PER_MSEC) + 1);
	}
	client_close(client);
	err_set(err, "the daemon does not answer");
	return CLIENT_FAILED;
}
