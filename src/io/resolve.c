/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "io/loop.h"
#include "io/resolve.h"

/* What the thread sees. Whoever lets go of it last frees it. */
struct question {
	pthread_mutex_t lock;
	char *host, *port;
	struct addrinfo *found;
	int rc;
	int ready; /* an eventfd: told when it is answered */
	bool let_go;
};

struct resolve {
	struct question *question;
	struct watch *watch;
	void (*done)(void *ctx, struct addrinfo *found, const char *why);
	void *ctx;
};

static void
resolve_question_free(struct question *q)
{
	pthread_mutex_destroy(&q->lock);
	close(q->ready);
	free(q->host);
	free(q->port);
	free(q);
}

/* Lets go of it; true: the other one had already, and it is freed. */
static void
resolve_let_go(struct question *q)
{
	bool last;

	pthread_mutex_lock(&q->lock);
	last = q->let_go;
	q->let_go = true;
	if (last && q->found != NULL) {
		freeaddrinfo(q->found);
		q->found = NULL;
	}
	pthread_mutex_unlock(&q->lock);
	if (last)
		resolve_question_free(q);
}

static int
resolve_ask(struct question *q, int flags, struct addrinfo **found)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = AI_NUMERICSERV | flags};

	return getaddrinfo(q->host, q->port, &hints, found);
}

static void *
resolve_thread(void *arg)
{
	struct question *q = arg;
	struct addrinfo *found = NULL;
	uint64_t one = 1;
	int rc = resolve_ask(q, AI_ADDRCONFIG, &found);

	pthread_mutex_lock(&q->lock);
	q->rc = rc;
	q->found = rc == 0 ? found : NULL;
	pthread_mutex_unlock(&q->lock);
	if (write(q->ready, &one, sizeof(one)) < 0)
		BUG("eventfd: %s", strerror(errno));
	resolve_let_go(q);
	return NULL;
}

static void
resolve_ready(void *ctx, int what RT_UNUSED)
{
	struct resolve *r = ctx;
	struct question *q = r->question;
	struct addrinfo *found;
	int rc;

	void (*done)(void *, struct addrinfo *, const char *) = r->done;
	void *done_ctx = r->ctx;

	pthread_mutex_lock(&q->lock);
	found = q->found;
	q->found = NULL;
	rc = q->rc;
	pthread_mutex_unlock(&q->lock);
	resolve_drop(r);
	done(done_ctx, found, rc != 0 ? gai_strerror(rc) : NULL);
}

/* Signals are for the loop's thread only. */
static int
resolve_start(struct question *q)
{
	pthread_t thread;
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&thread, NULL, resolve_thread, q);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		pthread_detach(thread);
	return rc;
}

/* A number is its own answer. */
static bool
resolve_number(struct question *q)
{
	uint64_t one = 1;

	if (resolve_ask(q, AI_NUMERICHOST, &q->found) != 0)
		return false;
	q->let_go = true; /* there is no thread to do it */
	return write(q->ready, &one, sizeof(one)) > 0;
}

struct resolve *
resolve_new(struct loop *loop, const char *host, const char *port,
    void (*done)(void *ctx, struct addrinfo *found, const char *why), void *ctx,
    struct err *err)
{
	struct question *q = mem_zalloc(sizeof(*q));
	struct resolve *r;
	int rc;

	pthread_mutex_init(&q->lock, NULL);
	q->host = mem_strdup(host);
	q->port = mem_strdup(port);
	q->ready = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	rc = q->ready < 0 ? errno : resolve_number(q) ? 0 : resolve_start(q);
	if (rc != 0) {
		err_set(err, "%s can not be looked up: %s", host, strerror(rc));
		resolve_question_free(q);
		return NULL;
	}
	r = mem_alloc(sizeof(*r));
	*r = (struct resolve){.question = q, .done = done, .ctx = ctx};
	r->watch = watch_new(loop, resolve_ready, r);
	watch_set(r->watch, q->ready, WATCH_READ);
	return r;
}

void
resolve_drop(struct resolve *r)
{
	if (r == NULL)
		return;
	watch_free(r->watch);
	resolve_let_go(r->question);
	free(r);
}
