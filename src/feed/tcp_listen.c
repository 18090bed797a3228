/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport `tcp-listen`: switches connect to us and send records (SMDR of
 * many makes, syslog over TCP). What one connection says is framed by itself.
 *
 * An address that can not be bound now (an interface that is not up yet, a
 * daemon before us that still ends) is tried again. Whoever is not in `allow`
 * is refused at once; without `allow` only this machine may come.
 */
#include "base/base.h"

#include <sys/socket.h>

#include "base/backoff.h"
#include "base/log.h"
#include "base/utc.h"
#include "feed/peers.h"
#include "feed/transports.h"
#include "io/acceptor.h"
#include "io/address.h"
#include "io/cidr.h"
#include "io/loop.h"
#include "io/tls.h"

#define TCP_BACKLOG	 128
#define TCP_HANDSHAKE_US (10 * USEC_PER_SEC)
#define TCP_RETRY_US	 (500 * USEC_PER_MSEC)
#define TCP_RETRY_MAX_US (10 * USEC_PER_SEC)

struct tcp_listen_options {
	struct spooled_options spool; /* first */
	char *listen;
	char **allow;
	int64_t max_connections;
	int64_t idle_us, keep_alive_us;
	bool tls;
	char *tls_cert_file, *tls_key_file, *tls_ca_file;
};

struct tcp_listen {
	const struct tcp_listen_options *options;
	const char *feed;
	struct loop *loop;
	struct spooled *spooled;
	struct address address;
	struct tls *tls;
	struct peers *peers;
	struct acceptor *acceptor;
	struct timer *retry;
	struct backoff backoff;
	int fd;
};

static int
tcp_listen_bind(struct tcp_listen *t, struct err *err)
{
	t->fd = address_bind(&t->address, 0, err);
	if (t->fd < 0)
		return -1;
	if (listen(t->fd, TCP_BACKLOG) == 0)
		return 0;
	err_sys(err, "listen");
	close(t->fd);
	t->fd = -1;
	return -1;
}

static void
tcp_listen_begin(struct tcp_listen *t)
{
	spooled_says(t->spooled, true, "listening at %s", t->options->listen);
	t->acceptor = acceptor_new(
	    t->loop, t->fd, t->options->listen, peers_accept, t->peers);
}

static void
tcp_listen_try(void *ctx)
{
	struct tcp_listen *t = ctx;
	struct err err;

	if (tcp_listen_bind(t, &err) == 0) {
		tcp_listen_begin(t);
		return;
	}
	if (t->backoff.tries == 0)
		log_warn("feed %s: %s: %s: trying again", t->feed,
		    t->options->listen, err.text);
	spooled_says(t->spooled, false, "not listening at %s: %s",
	    t->options->listen, err.text);
	timer_set(t->retry, backoff_next(&t->backoff, 0));
}

/* --- the source ---------------------------------------------------------- */

/*
 * tls: NULL, or where what was made of the files is to go. feed: of one that is
 * to be opened, and goes on with what it had when a file is broken now; NULL:
 * it is only asked whether they will do.
 */
static int
tcp_listen_tls(const struct tcp_listen_options *o, struct tls **tls,
    const char *feed, struct err *err)
{
	bool kept = false;
	const struct tls_config config = {.server = true,
	    .cert_file = o->tls_cert_file,
	    .key_file = o->tls_key_file,
	    .ca_file = o->tls_ca_file};

	if (!o->tls) {
		if (o->tls_cert_file != NULL || o->tls_key_file != NULL ||
		    o->tls_ca_file != NULL)
			return err_set(
			    err, "there are files for TLS, but no tls = true");
		return 0;
	}
	if (o->tls_cert_file == NULL || o->tls_key_file == NULL)
		return err_set(err, "tls needs tls_cert_file and tls_key_file");
	if (tls == NULL)
		return 0;
	*tls = feed != NULL ? tls_new_kept(&config, &kept, err)
			    : tls_new(&config, err);
	if (kept)
		log_error("feed %s: %s: it goes on with the certificate and "
			  "key that it had",
		    feed, err->text);
	return *tls != NULL ? 0 : -1;
}

static int
tcp_listen_check_all(const void *options, bool files, struct err *err)
{
	struct tls *tls = NULL;
	int rc = tcp_listen_tls(options, files ? &tls : NULL, NULL, err);

	tls_free(tls);
	return rc;
}

static void
tcp_listen_close(void *self)
{
	struct tcp_listen *t = self;

	acceptor_free(t->acceptor);
	peers_free(t->peers);
	timer_free(t->retry);
	if (t->fd >= 0)
		close(t->fd);
	tls_free(t->tls);
	free(t);
}

static void
tcp_listen_hold(void *self, bool hold)
{
	struct tcp_listen *t = self;

	peers_hold(t->peers, hold);
}

static void
tcp_listen_peers(struct tcp_listen *t, const struct stage_setup *setup)
{
	const struct tcp_listen_options *o = t->options;
	const struct peers_config config = {.feed = setup->feed,
	    .up = setup->up,
	    .peer = {.loop = setup->loop,
		.spooled = t->spooled,
		.framing = setup->framing,
		.tls = t->tls,
		.handshake_us = TCP_HANDSHAKE_US,
		.idle_us = o->idle_us},
	    .allow = (const char *const *)o->allow,
	    .most = (size_t)o->max_connections,
	    .one_machine = !setup->unique_ids,
	    .keep_alive_us = o->keep_alive_us,
	    .where = o->listen};

	t->peers = peers_new(&config);
}

static int
tcp_listen_source_open(void **self, struct spooled *spooled,
    const struct stage_setup *setup, struct err *err)
{
	struct tcp_listen *t = mem_alloc(sizeof(*t));

	*t = (struct tcp_listen){.options = setup->options,
	    .feed = setup->feed,
	    .loop = setup->loop,
	    .spooled = spooled,
	    .backoff = {.first_us = TCP_RETRY_US, .most_us = TCP_RETRY_MAX_US},
	    .fd = -1};
	if (address_parse(&t->address, t->options->listen, err) < 0 ||
	    tcp_listen_tls(t->options, &t->tls, t->feed, err) < 0) {
		free(t);
		return -1;
	}
	t->retry = timer_new(t->loop, tcp_listen_try, t);
	tcp_listen_peers(t, setup);
	tcp_listen_try(t);
	*self = t;
	return 0;
}

static const struct source_ops tcp_listen_source = {
    .open = tcp_listen_source_open,
    .hold = tcp_listen_hold,
    .close = tcp_listen_close,
};

static int
tcp_listen_open(void **self, const struct stage_setup *setup, struct err *err)
{
	return spooled_open(self, setup, &tcp_listen_source, err);
}

/* --- options ------------------------------------------------------------- */

static int
tcp_listen_check(const void *value, struct err *err)
{
	struct address address;

	if (address_parse(&address, *(char *const *)value, err) < 0)
		return err_prefix(err, "listen");
	if (address.is_unix)
		return err_set(err,
		    "listen: a Unix socket is of the transport unix-listen");
	return 0;
}

static const struct option_row tcp_listen_options[] = {
    SPOOLED_OPTIONS,
    {.name = "listen",
	.group = "feeds",
	.type = OPTION_TEXT,
	.offset = offsetof(struct tcp_listen_options, listen),
	.unit = "",
	.required = true,
	.check = tcp_listen_check,
	.help = "Where to listen: \"10.0.0.5:1150\", \"[::]:1150\", or "
		"\"*:1150\" for all addresses of IPv4."},
    {.name = "allow",
	.group = "feeds",
	.type = OPTION_TEXTS,
	.offset = offsetof(struct tcp_listen_options, allow),
	.unit = "",
	.check = cidr_check_option,
	.help = "Networks whose machines may connect, such as "
		"\"10.1.0.0/16\" or \"2001:db8::7\". Without any only this "
		"machine may."},
    PEERS_ROW_MOST(struct tcp_listen_options),
    PEERS_ROW_IDLE(struct tcp_listen_options),
    {.name = "keepalive_s",
	.group = "feeds",
	.type = OPTION_SECS,
	.offset = offsetof(struct tcp_listen_options, keep_alive_us),
	.preset = "60",
	.min = 0,
	.max = 86400,
	.unit = "s",
	.help = "After so long a silence the kernel asks the other machine "
		"whether it is still there (TCP keep-alive), and ends the "
		"connection when nobody answers for as long again. 0: it "
		"does not."},
    {.name = "tls",
	.group = "feeds",
	.type = OPTION_BOOL,
	.offset = offsetof(struct tcp_listen_options, tls),
	.preset = "false",
	.unit = "",
	.help = "Whether TLS is spoken, 1.2 or later."},
    {.name = "tls_cert_file",
	.group = "feeds",
	.type = OPTION_TEXT,
	.offset = offsetof(struct tcp_listen_options, tls_cert_file),
	.unit = "",
	.help = "Our certificate and its chain (PEM). A renewed one is taken "
		"at the next start."},
    {.name = "tls_key_file",
	.group = "feeds",
	.type = OPTION_TEXT,
	.offset = offsetof(struct tcp_listen_options, tls_key_file),
	.unit = "",
	.help = "Its private key (PEM), which not everybody may read."},
    {.name = "tls_ca_file",
	.group = "feeds",
	.type = OPTION_TEXT,
	.offset = offsetof(struct tcp_listen_options, tls_ca_file),
	.unit = "",
	.help = "With it, whoever connects must show a certificate that one "
		"of these (PEM) stands for."},
    {.name = NULL},
};

const struct stage tcp_listen_stage = {
    .name = "tcp-listen",
    .kind = STAGE_TRANSPORT,
    .traits = STAGE_SPOOLED,
    .help = "Listens for switches that connect and send their records, plain "
	    "or by TLS.",
    .options = tcp_listen_options,
    .options_size = sizeof(struct tcp_listen_options),
    .check = tcp_listen_check_all,
    .open = tcp_listen_open,
    SPOOLED_CALLS,
};
