/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <sys/socket.h>

#include "base/log.h"
#include "feed/peers.h"
#include "io/address.h"
#include "io/cidr.h"
#include "io/dial.h"

struct peers {
	struct peers_config config;
	char *where;
	struct peer **all;
	size_t n;
	struct log_limit refused, ended, mixed;
};

/* Of two peers' names, which are addresses with ports. */
static bool
peers_one_machine(const char *a, const char *b)
{
	const char *port = strrchr(a, ':');
	size_t n = port != NULL ? (size_t)(port - a) + 1 : strlen(a);

	return strncmp(a, b, n) == 0;
}

/* One that is of another machine than the peer; NULL: there is none. */
static const struct peer *
peers_other_machine(const struct peers *ps, const struct peer *peer)
{
	size_t i;

	for (i = 0; ps->config.one_machine && i < ps->n; i++)
		if (!peers_one_machine(peer_name(ps->all[i]), peer_name(peer)))
			return ps->all[i];
	return NULL;
}

static void
peers_say(struct peers *ps)
{
	bool mixed = ps->n > 0 && peers_other_machine(ps, ps->all[0]) != NULL;

	spooled_says(ps->config.peer.spooled, true,
	    "listening at %s, %zu connection%s%s", ps->where, ps->n,
	    ps->n == 1 ? "" : "s",
	    mixed ? " of several machines: each switch needs a feed of its own"
		  : "");
}

static void
peers_begun(void *ctx, struct peer *peer)
{
	struct peers *ps = ctx;

	log_debug(
	    "feed %s: %s has connected", ps->config.feed, peer_name(peer));
	peer_mark(peer);
}

static void
peers_gone(void *ctx, struct peer *peer, const char *why, size_t half)
{
	struct peers *ps = ctx;
	char text[DIAL_PEER_MAX + 300];
	size_t i = 0;

	snprintf(text, sizeof(text), "%s ended%s: %s", peer_name(peer),
	    half > 0 ? " within a record" : "", why);
	if (half > 0)
		ps->config.up->lost(
		    ps->config.up, STAGE_LOSS_TRUNCATED, (int64_t)half, text);
	else if (peer_is_marked(peer))
		log_debug("feed %s: %s", ps->config.feed, text);
	else
		log_limited(&ps->ended, LOG_LEVEL_WARN, "feed %s: %s",
		    ps->config.feed, text);
	while (ps->all[i] != peer)
		i++;
	ps->all[i] = ps->all[--ps->n];
	peer_free(peer);
	peers_say(ps);
}

static const struct peer_ops peers_peer_ops = {
    .begun = peers_begun, .gone = peers_gone};

struct peers *
peers_new(const struct peers_config *config)
{
	struct peers *ps = mem_alloc(sizeof(*ps));

	*ps = (struct peers){.config = *config};
	ps->where = mem_strdup(config->where);
	ps->all = mem_zalloc(config->most * sizeof(struct peer *));
	return ps;
}

static void
peers_drain(struct peers *ps, struct peer *peer)
{
	size_t half = peer_drain(peer);
	char text[DIAL_PEER_MAX + 100];

	if (half == 0)
		return;
	snprintf(text, sizeof(text),
	    "%s was within a record when the feed was closed", peer_name(peer));
	spooled_lost(
	    ps->config.peer.spooled, STAGE_LOSS_TRUNCATED, (int64_t)half, text);
}

void
peers_free(struct peers *ps)
{
	size_t i;

	if (ps == NULL)
		return;
	for (i = 0; i < ps->n; i++) {
		peers_drain(ps, ps->all[i]);
		peer_free(ps->all[i]);
	}
	free(ps->all);
	free(ps->where);
	free(ps);
}

static void
peers_refuse(struct peers *ps, int fd, const char *who, const char *why)
{
	log_limited(&ps->refused, LOG_LEVEL_WARN, "feed %s: %s was refused: %s",
	    ps->config.feed, who, why);
	close(fd);
}

/* A process is known by its number: it has no address. */
static void
peers_name(
    int fd, const struct sockaddr *from, socklen_t len, char *who, size_t size)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (from->sa_family == AF_UNIX &&
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0)
		snprintf(who, size, "process %ld of user %ld", (long)peer.pid,
		    (long)peer.uid);
	else
		address_text(from, len, who, size);
}

void
peers_accept(void *ctx, int fd)
{
	struct peers *ps = ctx;
	struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
	socklen_t len = sizeof(from);
	char who[DIAL_PEER_MAX];
	const struct peer *other;
	struct peer *peer;
	struct err err;

	if (getpeername(fd, (struct sockaddr *)&from, &len) < 0) {
		close(fd); /* it has gone already */
		return;
	}
	peers_name(fd, (struct sockaddr *)&from, len, who, sizeof(who));
	if (!cidr_allows(ps->config.allow, (struct sockaddr *)&from)) {
		peers_refuse(ps, fd, who, "it is not in the list of allow");
		return;
	}
	if (ps->n == ps->config.most) {
		peers_refuse(ps, fd, who, "there are max_connections already");
		return;
	}
	if (ps->config.keep_alive_us > 0)
		dial_keep_alive(fd, ps->config.keep_alive_us);
	peer = peer_new(&ps->config.peer, fd, who, &peers_peer_ops, ps, &err);
	if (peer == NULL) {
		log_limited(&ps->refused, LOG_LEVEL_WARN, "feed %s: %s: %s",
		    ps->config.feed, who, err.text);
		return;
	}
	ps->all[ps->n++] = peer;
	other = peers_other_machine(ps, peer);
	if (other != NULL)
		log_limited(&ps->mixed, LOG_LEVEL_WARN,
		    "feed %s: %s has connected beside %s: calls of two "
		    "switches that bear the same id are mixed; give each "
		    "switch a feed of its own",
		    ps->config.feed, who, peer_name(other));
	peers_say(ps);
}

/* With no room each keeps what was refused, and is read no further. */
void
peers_hold(struct peers *ps, bool hold)
{
	size_t i;

	if (hold)
		return;
	for (i = 0; i < ps->n; i++)
		peer_go_on(ps->all[i]);
}
