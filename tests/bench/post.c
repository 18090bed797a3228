/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Posts single records over many connections that are kept, each waiting for
 * its answer before the next one:
 *
 *	post PORT PATH CONNECTIONS SECONDS
 *
 * Prints how many were answered 200, in how many seconds, and the 50th and
 * 99th percentile of their milliseconds. Whatever else is answered ends it.
 */
#include "base/base.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/slice.h"

#define POST_ANSWER_MAX 4096
#define POST_TIMES_MAX	(10 * 1000 * 1000)

struct post {
	int fd;
	int64_t since_us;
	size_t n;
	char answer[POST_ANSWER_MAX + 1];
};

static const char *post_path;
static uint64_t post_calls;
static int64_t post_at_s;
static int64_t *post_times;
static size_t post_n_times;

static _Noreturn void
post_die(const char *what, const char *text)
{
	fprintf(stderr, "post: %s: %s\n", what, text);
	exit(1);
}

static void
post_send(struct post *p)
{
	char body[128], request[512];
	int n, size;

	n = snprintf(body, sizeof(body),
	    "%" PRId64 "|p.%" PRIu64 "|queue-%" PRIu64
	    "|NONE|ENTERQUEUE||0114496%04" PRIu64 "|1",
	    post_at_s, post_calls, post_calls % 100, post_calls % 10000);
	post_calls++;
	size = snprintf(request, sizeof(request),
	    "POST %s HTTP/1.1\r\nHost: localhost\r\n"
	    "Content-Length: %d\r\n\r\n%s",
	    post_path, n, body);
	p->since_us = clock_mono_us();
	p->n = 0;
	if (send(p->fd, request, (size_t)size, 0) != size)
		post_die("send", strerror(errno));
}

/* Whether the answer is whole: its head tells how long its body is. */
static bool
post_is_whole(const struct post *p)
{
	static const char name[] = "Content-Length: ";
	const char *end = strstr(p->answer, "\r\n\r\n");
	const char *length = strstr(p->answer, name);

	if (end == NULL)
		return false;
	if (strncmp(p->answer, "HTTP/1.1 200 ", 13) != 0 || length == NULL)
		post_die("the answer was", p->answer);
	return p->n >= (size_t)(end + 4 - p->answer) +
	    strtoul(length + strlen(name), NULL, 10);
}

static void
post_read(struct post *p)
{
	ssize_t got = recv(p->fd, p->answer + p->n, POST_ANSWER_MAX - p->n, 0);

	if (got <= 0)
		post_die("recv", got == 0 ? "closed" : strerror(errno));
	p->n += (size_t)got;
	p->answer[p->n] = '\0';
	if (!post_is_whole(p))
		return;
	if (post_n_times < POST_TIMES_MAX)
		post_times[post_n_times++] = clock_mono_us() - p->since_us;
	post_send(p);
}

static void
post_connect(struct post *p, uint16_t port, int epoll)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = p};
	int one = 1;

	p->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (p->fd < 0 ||
	    connect(p->fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, p->fd, &event) < 0)
		post_die("connect", strerror(errno));
	setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static int
post_compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t
post_number(const char *text)
{
	int64_t n;

	if (!slice_uint(slice_of(text), &n) || n == 0)
		post_die("not a number", text);
	return n;
}

static void
post_report(int64_t us)
{
	qsort(post_times, post_n_times, sizeof(*post_times), post_compare);
	printf("%zu %.3f %.3f %.3f\n", post_n_times, (double)us / USEC_PER_SEC,
	    (double)post_times[post_n_times / 2] / USEC_PER_MSEC,
	    (double)post_times[post_n_times * 99 / 100] / USEC_PER_MSEC);
}

int
main(int argc, char **argv)
{
	struct epoll_event events[256];
	int epoll = epoll_create1(0), i, n;
	int64_t began_us, connections, until_us;
	struct post *posts;

	if (argc != 5 || epoll < 0)
		post_die("usage", "post PORT PATH CONNECTIONS SECONDS");
	post_path = argv[2];
	connections = post_number(argv[3]);
	post_at_s = clock_wall_us() / USEC_PER_SEC;
	posts = mem_zalloc((size_t)connections * sizeof(*posts));
	post_times = mem_alloc(POST_TIMES_MAX * sizeof(*post_times));
	for (i = 0; i < connections; i++)
		post_connect(&posts[i], (uint16_t)post_number(argv[1]), epoll);
	began_us = clock_mono_us();
	until_us = began_us + post_number(argv[4]) * USEC_PER_SEC;
	for (i = 0; i < connections; i++)
		post_send(&posts[i]);
	while (clock_mono_us() < until_us) {
		n = epoll_wait(epoll, events, RT_COUNT(events), 1000);
		for (i = 0; i < n; i++)
			post_read(events[i].data.ptr);
	}
	if (post_n_times == 0)
		post_die("answers", "none");
	post_report(clock_mono_us() - began_us);
	return 0;
}
