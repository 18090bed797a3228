/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport `udp-listen`: datagrams, as syslog and some switches send them.
 * Each is framed by itself: its end ends its last record.
 *
 * UDP has no way to make a sender wait. While the spool has no room nothing is
 * read and the kernel's buffer takes what it can; what it had to drop it tells
 * with the next datagram (SO_RXQ_OVFL, Linux), and that is counted as lost.
 * What it holds when the feed is closed is read then, as far as it came before.
 * What was lost on the way nobody can know. The senders' addresses can be
 * forged: `allow` is no more than a help against mistakes.
 */
#include "base/base.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/backoff.h"
#include "base/log.h"
#include "base/utc.h"
#include "event/framer.h"
#include "feed/spooled.h"
#include "feed/transports.h"
#include "io/address.h"
#include "io/cidr.h"
#include "io/dial.h"
#include "io/loop.h"

#define UDP_BYTES	 65536
#define UDP_OVERHEAD	 512 /* the kernel charges at least so much more */
#define UDP_PER_TURN	 64
#define UDP_SENDERS	 64 /* whose numbers are known at a time */
#define UDP_RETRY_US	 (500 * USEC_PER_MSEC)
#define UDP_RETRY_MAX_US (10 * USEC_PER_SEC)

struct udp_listen_options {
	struct spooled_options spool; /* first */
	char *listen;
	char **allow;
	int64_t buffer_kb;
};

/* The port may be another one each time: it is the machine that counts. */
struct udp_sender {
	uint8_t address[16];
	uint32_t source;
	uint64_t used;
};

struct udp_listen {
	const struct udp_listen_options *options;
	const char *feed;
	struct loop *loop;
	struct spooled *spooled;
	enum framing framing;
	struct address address;
	struct watch *watch;
	struct timer *retry;
	struct backoff backoff;
	int fd;
	uint32_t dropped; /* by the kernel, as it told last */
	uint64_t came;	  /* bytes, with the kernel's own, at least */
	bool waits;	  /* for room: what is left of `bytes` */
	size_t at, n;
	uint32_t source;
	struct udp_sender senders[UDP_SENDERS];
	uint64_t clock;
	struct log_limit refused;
	char bytes[UDP_BYTES];
};

/* --- what came ----------------------------------------------------------- */

/* Hands over what is left of the datagram; false: there is no room. */
static bool
udp_listen_give(struct udp_listen *u)
{
	struct framer framer = {.framing = u->framing};
	struct slice record;
	size_t from = u->at;

	while (framer_next(&framer, u->bytes, u->n, &u->at, true, &record)) {
		if (record.n > 0 &&
		    spooled_give(u->spooled, u->source, record) == 0) {
			u->at = from;
			u->waits = true;
			return false;
		}
		from = u->at;
	}
	if (framer.oversize > 0)
		spooled_oversize(u->spooled, framer.oversize);
	if (u->at < u->n) /* a count that promised more than there is */
		spooled_lost(u->spooled, STAGE_LOSS_TRUNCATED,
		    (int64_t)(u->n - u->at), "a datagram ended too early");
	u->at = u->n = 0;
	return true;
}

static void
udp_listen_key(const struct sockaddr_storage *from, uint8_t key[16])
{
	const void *p = from;

	memset(key, 0, 16);
	if (from->ss_family == AF_INET)
		memcpy(key, &((const struct sockaddr_in *)p)->sin_addr, 4);
	else
		memcpy(key, &((const struct sockaddr_in6 *)p)->sin6_addr, 16);
}

/* The sender's number; the one not heard of for longest makes room. */
static uint32_t
udp_listen_number(struct udp_listen *u, const struct sockaddr_storage *from)
{
	struct udp_sender *s, *oldest = u->senders;
	uint8_t key[16];

	udp_listen_key(from, key);
	for (s = u->senders; s < u->senders + UDP_SENDERS; s++) {
		if (s->used > 0 && memcmp(s->address, key, sizeof(key)) == 0)
			break;
		if (s->used < oldest->used)
			oldest = s;
	}
	if (s == u->senders + UDP_SENDERS) {
		s = oldest;
		memcpy(s->address, key, sizeof(key));
		s->source = spooled_source(u->spooled);
	}
	s->used = ++u->clock;
	return s->source;
}

/* The kernel counts what it dropped since the socket was made. */
static void
udp_listen_drops(struct udp_listen *u, struct msghdr *message)
{
	struct cmsghdr *c;
	uint32_t dropped;
	char why[100];

	for (c = CMSG_FIRSTHDR(message); c != NULL;
	     c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL)
			continue;
		memcpy(&dropped, CMSG_DATA(c), sizeof(dropped));
		if (dropped == u->dropped)
			continue;
		snprintf(why, sizeof(why),
		    "the kernel dropped %u datagrams: its buffer was full",
		    dropped - u->dropped);
		u->dropped = dropped;
		spooled_lost(u->spooled, STAGE_LOSS_FULL, -1, why);
	}
}

static void
udp_listen_refuse(
    struct udp_listen *u, const struct sockaddr_storage *from, socklen_t len)
{
	char who[DIAL_PEER_MAX];

	address_text((const struct sockaddr *)from, len, who, sizeof(who));
	log_limited(&u->refused, LOG_LEVEL_WARN,
	    "feed %s: a datagram of %s was refused: it is not in the list of "
	    "allow",
	    u->feed, who);
}

/* One datagram; false: there is none, or no room for it. */
static bool
udp_listen_read(struct udp_listen *u)
{
	struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
	struct iovec to = {u->bytes, sizeof(u->bytes)};
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(uint32_t))];
	} control;
	struct msghdr message = {.msg_name = &from,
	    .msg_namelen = sizeof(from),
	    .msg_iov = &to,
	    .msg_iovlen = 1,
	    .msg_control = &control,
	    .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(u->fd, &message, 0);

	if (n < 0)
		return errno == EINTR || errno == ECONNREFUSED;
	u->came += (uint64_t)n + UDP_OVERHEAD;
	udp_listen_drops(u, &message);
	if (!cidr_allows((const char *const *)u->options->allow,
		(struct sockaddr *)&from)) {
		udp_listen_refuse(u, &from, message.msg_namelen);
		return true;
	}
	u->source = udp_listen_number(u, &from);
	u->n = (size_t)n;
	u->at = 0;
	return udp_listen_give(u);
}

static void
udp_listen_ready(void *ctx, int what RT_UNUSED)
{
	struct udp_listen *u = ctx;
	int i;

	for (i = 0; i < UDP_PER_TURN && udp_listen_read(u); i++)
		;
	if (!u->waits)
		watch_set(u->watch, u->fd, WATCH_READ);
}

static void
udp_listen_hold(void *self, bool hold)
{
	struct udp_listen *u = self;

	if (hold || u->fd < 0 || !u->waits)
		return;
	u->waits = false;
	if (udp_listen_give(u))
		watch_set(u->watch, u->fd, WATCH_READ);
}

/* --- listening ----------------------------------------------------------- */

/* The kernel gives no more than net.core.rmem_max, and twice what was asked. */
static void
udp_listen_buffer(struct udp_listen *u)
{
	int one = 1, want = (int)(u->options->buffer_kb * 1024), got = 0;
	socklen_t n = sizeof(got);

	setsockopt(u->fd, SOL_SOCKET, SO_RCVBUF, &want, sizeof(want));
	if (getsockopt(u->fd, SOL_SOCKET, SO_RCVBUF, &got, &n) == 0 &&
	    got / 2 < want)
		log_warn("feed %s: the kernel gives a buffer of %d KiB only: "
			 "raise net.core.rmem_max, or lower receive_buffer_kb",
		    u->feed, got / 2048);
	if (setsockopt(u->fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof(one)) < 0)
		log_warn("feed %s: the kernel will not tell what it drops: %s",
		    u->feed, strerror(errno));
	u->dropped = 0;
}

static void
udp_listen_try(void *ctx)
{
	struct udp_listen *u = ctx;
	struct err err;

	u->fd = address_bind_datagram(&u->address, &err);
	if (u->fd >= 0) {
		udp_listen_buffer(u);
		spooled_says(
		    u->spooled, true, "listening at %s", u->options->listen);
		watch_set(u->watch, u->fd, WATCH_READ);
		return;
	}
	if (u->backoff.tries == 0)
		log_warn("feed %s: %s: %s: trying again", u->feed,
		    u->options->listen, err.text);
	spooled_says(u->spooled, false, "not listening at %s: %s",
	    u->options->listen, err.text);
	timer_set(u->retry, backoff_next(&u->backoff, 0));
}

/*
 * What the kernel can hold and no more, as new ones may come as fast as they
 * are read: all of it has to be on the disk before we end.
 */
static void
udp_listen_drain(struct udp_listen *u)
{
	uint64_t came = u->came, held = UDP_BYTES;
	socklen_t n = sizeof(int);
	int buffer = 0;

	if (u->fd < 0 || (u->waits && !udp_listen_give(u)))
		return;
	if (getsockopt(u->fd, SOL_SOCKET, SO_RCVBUF, &buffer, &n) == 0)
		held += (uint64_t)buffer;
	while (u->came - came < held && udp_listen_read(u))
		;
}

static void
udp_listen_close(void *self)
{
	struct udp_listen *u = self;

	udp_listen_drain(u);
	watch_free(u->watch);
	timer_free(u->retry);
	if (u->fd >= 0)
		close(u->fd);
	free(u);
}

static int
udp_listen_source_open(void **self, struct spooled *spooled,
    const struct stage_setup *setup, struct err *err)
{
	struct udp_listen *u = mem_zalloc(sizeof(*u));

	u->options = setup->options;
	if (address_parse(&u->address, u->options->listen, err) < 0) {
		free(u);
		return -1;
	}
	u->feed = setup->feed;
	u->loop = setup->loop;
	u->spooled = spooled;
	u->framing = setup->framing;
	u->fd = -1;
	u->backoff = (struct backoff){
	    .first_us = UDP_RETRY_US, .most_us = UDP_RETRY_MAX_US};
	u->watch = watch_new(u->loop, udp_listen_ready, u);
	u->retry = timer_new(u->loop, udp_listen_try, u);
	udp_listen_try(u);
	*self = u;
	return 0;
}

static const struct source_ops udp_listen_source = {
    .open = udp_listen_source_open,
    .hold = udp_listen_hold,
    .close = udp_listen_close,
};

static int
udp_listen_open(void **self, const struct stage_setup *setup, struct err *err)
{
	return spooled_open(self, setup, &udp_listen_source, err);
}

/* --- options ------------------------------------------------------------- */

static int
udp_listen_check(const void *value, struct err *err)
{
	struct address address;

	if (address_parse(&address, *(char *const *)value, err) < 0)
		return err_prefix(err, "listen");
	if (address.is_unix)
		return err_set(err, "listen: wants an address and a port");
	return 0;
}

static const struct option_row udp_listen_options[] = {
    SPOOLED_OPTIONS,
    {.name = "listen",
	.group = "feeds",
	.type = OPTION_TEXT,
	.offset = offsetof(struct udp_listen_options, listen),
	.unit = "",
	.required = true,
	.check = udp_listen_check,
	.help = "Where to listen: \"10.0.0.5:514\", \"[::]:514\", or "
		"\"*:514\" for all addresses of IPv4."},
    {.name = "allow",
	.group = "feeds",
	.type = OPTION_TEXTS,
	.offset = offsetof(struct udp_listen_options, allow),
	.unit = "",
	.check = cidr_check_option,
	.help = "Networks whose datagrams are taken, such as \"10.1.0.0/16\". "
		"Without any only those of this machine are. Addresses can be "
		"forged: it is a help against mistakes, not against malice."},
    {.name = "receive_buffer_kb",
	.group = "feeds",
	.type = OPTION_INT,
	.offset = offsetof(struct udp_listen_options, buffer_kb),
	.preset = "208",
	.min = 8,
	.max = 1048576,
	.unit = "KiB",
	.help = "What the kernel may hold until we read it. More than "
		"net.core.rmem_max it does not give, which is said in the "
		"log."},
    {.name = NULL},
};

const struct stage udp_listen_stage = {
    .name = "udp-listen",
    .kind = STAGE_TRANSPORT,
    .traits = STAGE_SPOOLED | STAGE_DATAGRAMS,
    .help = "Listens for datagrams, each of one or more whole records.",
    .options = udp_listen_options,
    .options_size = sizeof(struct udp_listen_options),
    .open = udp_listen_open,
    SPOOLED_CALLS,
};
