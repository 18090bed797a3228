/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/slice.h"
#include "io/address.h"
#include "io/dial.h"
#include "io/loop.h"
#include "io/resolve.h"

#define DIAL_HOST_MAX 256
#define DIAL_UNIX     "unix:"

struct dial {
	struct loop *loop;
	const struct dial_ops *ops;
	void *ctx;
	char *text;
	char host[DIAL_HOST_MAX], port[8];
	struct resolve *resolve;
	bool resolving; /* for the attempt that runs; else for the next one */
	struct addrinfo *found, *next; /* addresses, and the next to try */
	struct watch *watch;
	struct timer *timer;
	int64_t until_us;
	int fd;
	char trouble[200]; /* found at once, to be told in a later turn */
	char peer[DIAL_PEER_MAX];
};

static void dial_try(struct dial *d, int error);

static bool
dial_is_unix(const char *text)
{
	return strncmp(text, DIAL_UNIX, strlen(DIAL_UNIX)) == 0;
}

/* Brackets are no part of an address of IPv6. */
static int
dial_split(const char *text, char host[DIAL_HOST_MAX], char port[8])
{
	const char *colon = strrchr(text, ':');
	int64_t number;
	size_t n;

	if (colon == NULL || !slice_uint(slice_of(colon + 1), &number) ||
	    number < 1 || number > UINT16_MAX)
		return -1;
	snprintf(port, 8, "%d", (int)number);
	n = (size_t)(colon - text);
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	} else if (memchr(text, ':', n) != NULL) {
		return -1;
	}
	if (n == 0 || n >= DIAL_HOST_MAX)
		return -1;
	memcpy(host, text, n);
	host[n] = '\0';
	return strpbrk(host, " \t/[]@") == NULL ? 0 : -1;
}

int
dial_check(const char *text, struct err *err)
{
	struct address address;
	char host[DIAL_HOST_MAX], port[8];

	if (dial_is_unix(text))
		return address_parse(&address, text, err);
	if (dial_split(text, host, port) == 0)
		return 0;
	return err_set(err,
	    "\"%s\" is no address: wants one like switch.example.org:5038, "
	    "[2001:db8::1]:5038 or unix:/run/switch.sock",
	    text);
}

void
dial_host(const char *text, char *host, size_t size)
{
	char found[DIAL_HOST_MAX], port[8];

	host[0] = '\0';
	if (!dial_is_unix(text) && dial_split(text, found, port) == 0)
		snprintf(host, size, "%s", found);
}

void
dial_stop(struct dial *d)
{
	watch_unset(d->watch);
	timer_unset(d->timer);
	d->resolving = false;
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
	if (d->found != NULL)
		freeaddrinfo(d->found);
	d->found = d->next = NULL;
}

static void
dial_failed(struct dial *d, const char *why)
{
	char text[DIAL_PEER_MAX + 200];

	snprintf(text, sizeof(text), "%s: %s",
	    d->peer[0] != '\0' ? d->peer : d->text, why);
	dial_stop(d);
	d->ops->failed(d->ctx, text);
}

static void
dial_connected(struct dial *d)
{
	int fd = d->fd;

	d->fd = -1;
	dial_stop(d);
	d->ops->connected(d->ctx, fd, d->peer);
}

/* Writable: the kernel has an answer. */
static void
dial_ready(void *ctx, int what RT_UNUSED)
{
	struct dial *d = ctx;
	int error = 0;
	socklen_t n = sizeof(error);

	if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
		error = errno;
	if (error == 0)
		dial_connected(d);
	else
		dial_try(d, error);
}

/* Each address gets its part of the time that is left. */
static int64_t
dial_share(const struct dial *d)
{
	const struct addrinfo *ai;
	int64_t left = d->until_us - clock_mono_us();
	int addresses = 1;

	for (ai = d->next; ai != NULL; ai = ai->ai_next)
		addresses++;
	return left / addresses;
}

/* Returns 0 where the kernel will tell, or errno. */
static int
dial_begin(struct dial *d, const struct sockaddr *to, socklen_t len)
{
	int one = 1;

	if (d->fd >= 0)
		close(d->fd);
	address_text(to, len, d->peer, sizeof(d->peer));
	d->fd = socket(
	    to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (d->fd < 0)
		return errno;
	if (to->sa_family != AF_UNIX)
		setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(d->fd, to, len) < 0 && errno != EINPROGRESS)
		return errno;
	watch_set(d->watch, d->fd, WATCH_WRITE);
	timer_set(d->timer, dial_share(d));
	return 0;
}

/* The next address; error: why the one before can not be had. */
static void
dial_try(struct dial *d, int error)
{
	const struct addrinfo *ai;

	watch_unset(d->watch);
	while ((ai = d->next) != NULL) {
		d->next = ai->ai_next;
		error = dial_begin(d, ai->ai_addr, ai->ai_addrlen);
		if (error == 0)
			return;
	}
	dial_failed(d, strerror(error));
}

static void
dial_resolved(void *ctx, struct addrinfo *found, const char *why)
{
	struct dial *d = ctx;

	d->resolve = NULL;
	if (!d->resolving) { /* nobody waits for it any more */
		if (found != NULL)
			freeaddrinfo(found);
		return;
	}
	d->resolving = false;
	d->found = d->next = found;
	if (found == NULL)
		dial_failed(d, why != NULL ? why : "no address");
	else
		dial_try(d, EADDRNOTAVAIL);
}

/* Too late: for this address, or for the answer that names it. */
static void
dial_too_late(void *ctx)
{
	struct dial *d = ctx;

	if (d->trouble[0] != '\0')
		dial_failed(d, d->trouble);
	else if (d->resolving)
		dial_failed(d, "its address is still being looked up");
	else
		dial_try(d, ETIMEDOUT);
}

static void
dial_failed_at_once(struct dial *d, const char *why)
{
	watch_unset(d->watch);
	snprintf(d->trouble, sizeof(d->trouble), "%s", why);
	timer_set(d->timer, 0);
}

static void
dial_unix(struct dial *d)
{
	struct address address;
	int error;

	BUG_ON(address_parse(&address, d->text, NULL) < 0);
	error = dial_begin(d, (struct sockaddr *)&address.to, address.len);
	if (error != 0)
		dial_failed_at_once(d, strerror(error));
}

/* A question that is not answered yet is good for the next attempt too. */
void
dial_start(struct dial *d, int64_t within_us)
{
	struct err err;

	dial_stop(d);
	d->peer[0] = d->trouble[0] = '\0';
	d->until_us = clock_mono_us() + within_us;
	if (dial_is_unix(d->text)) {
		dial_unix(d);
		return;
	}
	d->resolving = true;
	timer_set(d->timer, within_us);
	if (d->resolve == NULL)
		d->resolve = resolve_new(
		    d->loop, d->host, d->port, dial_resolved, d, &err);
	if (d->resolve == NULL)
		dial_failed_at_once(d, err.text);
}

struct dial *
dial_new(struct loop *loop, const char *address, const struct dial_ops *ops,
    void *ctx)
{
	struct dial *d = mem_alloc(sizeof(*d));

	*d = (struct dial){.loop = loop, .ops = ops, .ctx = ctx, .fd = -1};
	d->text = mem_strdup(address);
	if (!dial_is_unix(address) && dial_split(address, d->host, d->port) < 0)
		BUG("dial_new: not an address: %s", address);
	d->watch = watch_new(loop, dial_ready, d);
	d->timer = timer_new(loop, dial_too_late, d);
	return d;
}

void
dial_free(struct dial *d)
{
	if (d == NULL)
		return;
	dial_stop(d);
	resolve_drop(d->resolve);
	watch_free(d->watch);
	timer_free(d->timer);
	free(d->text);
	free(d);
}

/*
 * TCP_USER_TIMEOUT is for what we sent and nobody acknowledged: with it alone
 * the kernel would not ask a silent peer, without it it would send again for
 * a quarter of an hour.
 */
void
dial_keep_alive(int fd, int64_t idle_us)
{
	int idle = (int)RT_MAX(idle_us / USEC_PER_SEC, INT64_C(1));
	int one = 1, between = RT_MAX(idle / 3, 1), times = 3;
	unsigned most_ms = (unsigned)(idle + times * between) * 1000;

	if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)) < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between, sizeof(between));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof(times));
	setsockopt(
	    fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &most_ms, sizeof(most_ms));
}
