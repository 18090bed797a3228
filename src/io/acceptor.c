/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <sys/socket.h>

#include "base/log.h"
#include "base/utc.h"
#include "io/acceptor.h"
#include "io/loop.h"

#define ACCEPTOR_PER_TURN 16
#define ACCEPTOR_REST_US  (200 * USEC_PER_MSEC)

struct acceptor {
	struct watch *watch;
	struct timer *rest;
	char *name;
	int fd;
	void (*accepted)(void *ctx, int fd);
	void *ctx;
	struct log_limit limit;
};

static void
acceptor_wait(void *ctx)
{
	struct acceptor *a = ctx;

	watch_set(a->watch, a->fd, WATCH_READ);
}

static void
acceptor_ready(void *ctx, int what RT_UNUSED)
{
	struct acceptor *a = ctx;
	int i, fd;

	for (i = 0; i < ACCEPTOR_PER_TURN; i++) {
		fd = accept4(a->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			a->accepted(a->ctx, fd);
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			log_limited(&a->limit, LOG_LEVEL_WARN,
			    "%s: no more clients: %s", a->name,
			    strerror(errno));
			timer_set(a->rest, ACCEPTOR_REST_US);
			return;
		}
	}
	acceptor_wait(a);
}

struct acceptor *
acceptor_new(struct loop *loop, int fd, const char *name,
    void (*accepted)(void *ctx, int fd), void *ctx)
{
	struct acceptor *a = mem_alloc(sizeof(*a));

	*a = (struct acceptor){.fd = fd, .accepted = accepted, .ctx = ctx};
	a->name = mem_strdup(name);
	a->watch = watch_new(loop, acceptor_ready, a);
	a->rest = timer_new(loop, acceptor_wait, a);
	acceptor_wait(a);
	return a;
}

void
acceptor_free(struct acceptor *a)
{
	if (a == NULL)
		return;
	watch_free(a->watch);
	timer_free(a->rest);
	free(a->name);
	free(a);
}
