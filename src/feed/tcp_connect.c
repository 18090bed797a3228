/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport `tcp-connect`: connects to a switch and reads what it says,
 * for as long as both live.
 *
 * Connecting is tried again for ever, later and later, and not in step with
 * others (base/backoff.h). The format may have to log in (struct dialogue); if
 * the switch does not want us, trying again soon would be of no use, and might
 * lock us out: then it is tried again slowly.
 *
 * What is said while nobody is connected is lost. Each such time is told to
 * the format (RECORD_END, RECORD_BEGIN) and counted as a gap. So a dead
 * connection has to be noticed: by the kernel's keep-alive, where the machine
 * or the network died, and by silence, where only the program there did.
 *
 * Asterisk ends a connection that it could not write to for 100 ms. So what
 * arrives is read into memory before anything else is done with it, and also
 * while the spool has no room, up to memory_kb.
 */
#include "base/base.h"

#include <sys/random.h>

#include "base/clock.h"
#include "base/log.h"
#include "feed/tcp_connect.h"
#include "feed/transports.h"
#include "io/dial.h"
#include "io/loop.h"
#include "io/tls.h"

#define TCP_SILENCE_US (60 * USEC_PER_SEC) /* of one that can be asked */
#define TCP_HOST_MAX   256

/* --- trying -------------------------------------------------------------- */

static uint32_t
tcp_chance(void)
{
	uint32_t bits = 0;

	if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) < 0)
		bits = (uint32_t)clock_mono_us();
	return bits;
}

/* Once for each reason: a switch may be away for a night. */
static void
tcp_complain(struct tcp *t, const char *why)
{
	enum log_level level =
	    t->by_operator ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN;

	if (strcmp(t->said, why) == 0)
		level = LOG_LEVEL_DEBUG;
	snprintf(t->said, sizeof(t->said), "%s", why);
	log_at(level, "feed %s: %s", t->feed, why);
}

static void
tcp_later(struct tcp *t, const char *why)
{
	int64_t delay = backoff_next(
	    t->by_operator ? &t->refused : &t->backoff, tcp_chance());

	tcp_complain(t, why);
	spooled_says(t->spooled, false, "%s; trying again in %.3g s", why,
	    (double)delay / USEC_PER_SEC);
	t->by_operator = false;
	timer_set(t->timer, delay);
}

static int
tcp_tls(struct tcp *t, struct err *err)
{
	const struct tcp_options *o = t->options;
	char host[TCP_HOST_MAX];
	const struct tls_config config = {.ca_file = o->tls_ca_file,
	    .cert_file = o->tls_cert_file,
	    .key_file = o->tls_key_file,
	    .name = o->tls_name != NULL ? o->tls_name : host};

	if (!o->tls)
		return 0;
	dial_host(o->address, host, sizeof(host));
	tls_free(t->tls);
	t->tls = tls_new(&config, err);
	return t->tls != NULL ? 0 : -1;
}

/* The time to log in is over too when this runs with a peer. */
static void
tcp_timer_cb(void *ctx)
{
	struct tcp *t = ctx;
	struct err err;

	if (t->peer != NULL) {
		peer_drop(t->peer, "the login was not answered in time");
		return;
	}
	if (tcp_tls(t, &err) < 0) { /* a file that may come right */
		t->by_operator = true;
		tcp_later(t, err.text);
		return;
	}
	dial_start(t->dial, t->options->connect_us);
}

/* --- a connection -------------------------------------------------------- */

void
tcp_ready(struct tcp *t)
{
	t->ready = true;
	timer_unset(t->timer);
	if (t->ops != NULL) {
		t->backoff.tries = 0;
		secret_wipe(&t->secret);
		t->dialogue.secret = "";
	}
	t->refused.tries = 0;
	t->said[0] = '\0';
	peer_mark(t->peer);
	spooled_says(t->spooled, true, "connected to %s", peer_name(t->peer));
}

static void
tcp_begun(void *ctx, struct peer *peer RT_UNUSED)
{
	struct tcp *t = ctx;

	t->since_us = clock_mono_us();
	if (t->silence_us > 0)
		timer_set(t->alarm, t->silence_us / 2);
	if (t->ops != NULL)
		timer_set(t->timer, t->options->connect_us);
	tcp_dialogue_begin(t);
}

static void
tcp_gone(void *ctx, struct peer *peer, const char *why, size_t half)
{
	struct tcp *t = ctx;
	char text[DIAL_PEER_MAX + 300];

	snprintf(text, sizeof(text), "%s: %s", peer_name(peer), why);
	if (peer_is_marked(peer)) { /* which is logged */
		t->up->lost(t->up, STAGE_LOSS_AWAY,
		    half > 0 ? (int64_t)half : -1, text);
		snprintf(t->said, sizeof(t->said), "%s", text);
	}
	tcp_dialogue_end(t);
	peer_free(peer);
	t->peer = NULL;
	t->ready = t->taken_in = t->fed = false;
	t->asked_us = 0;
	tcp_later(t, text);
}

static void
tcp_full(void *ctx, struct peer *peer, bool full)
{
	struct tcp *t = ctx;

	if (!full) {
		log_note("feed %s: reading again", t->feed);
		spooled_says(
		    t->spooled, true, "connected to %s", peer_name(peer));
		return;
	}
	log_warn("feed %s: %" PRId64 " KiB wait in memory for room in the "
		 "spool: reading no more; the switch may cut us off",
	    t->feed, t->options->memory_kb);
	spooled_says(t->spooled, true,
	    "connected to %s, but not reading: no room", peer_name(peer));
}

static const struct peer_ops tcp_peer_ops = {.begun = tcp_begun,
    .record = tcp_dialogue_record,
    .full = tcp_full,
    .gone = tcp_gone};

static void
tcp_connected(void *ctx, int fd, const char *name)
{
	struct tcp *t = ctx;
	const struct peer_config config = {.loop = t->loop,
	    .spooled = t->spooled,
	    .framing = t->framing,
	    .in_max = (size_t)t->options->memory_kb * 1024,
	    .tls = t->tls,
	    .handshake_us = t->options->connect_us};
	struct err err;

	if (t->options->keep_alive_us > 0)
		dial_keep_alive(fd, t->options->keep_alive_us);
	t->peer = peer_new(&config, fd, name, &tcp_peer_ops, t, &err);
	if (t->peer == NULL)
		tcp_later(t, err.text);
}

static void
tcp_failed(void *ctx, const char *why)
{
	tcp_later(ctx, why);
}

static const struct dial_ops tcp_dial_ops = {
    .connected = tcp_connected, .failed = tcp_failed};

/* --- the source ---------------------------------------------------------- */

/* Its files may come right by themselves: they are read when it connects. */
static int
tcp_check(const void *options, bool files RT_UNUSED, struct err *err)
{
	const struct tcp_options *o = options;
	char host[TCP_HOST_MAX];

	if (o->retry_us > o->retry_max_us)
		return err_set(err, "retry_s is above retry_max_s");
	if (!o->tls &&
	    (o->tls_ca_file != NULL || o->tls_name != NULL ||
		o->tls_cert_file != NULL || o->tls_key_file != NULL))
		return err_set(
		    err, "there are options for TLS, but no tls = true");
	if ((o->tls_cert_file != NULL) != (o->tls_key_file != NULL))
		return err_set(
		    err, "tls_cert_file and tls_key_file go together");
	dial_host(o->address, host, sizeof(host));
	if (o->tls && o->tls_name == NULL && host[0] == '\0')
		return err_set(err, "tls over a Unix socket needs tls_name");
	return 0;
}

/* What was said before anybody had logged in is no data. */
static void
tcp_drain(struct tcp *t)
{
	size_t half = t->peer != NULL ? peer_drain(t->peer) : 0;
	char text[DIAL_PEER_MAX + 100];

	if (half == 0 || !peer_is_marked(t->peer))
		return;
	snprintf(text, sizeof(text),
	    "%s was within a record when the feed was closed",
	    peer_name(t->peer));
	spooled_lost(t->spooled, STAGE_LOSS_TRUNCATED, (int64_t)half, text);
}

static void
tcp_close(void *self)
{
	struct tcp *t = self;

	tcp_drain(t);
	tcp_dialogue_end(t);
	peer_free(t->peer);
	dial_free(t->dial);
	timer_free(t->timer);
	timer_free(t->alarm);
	tls_free(t->tls);
	free(t);
}

/* Held, it is read on until its memory is full. */
static void
tcp_hold(void *self, bool hold)
{
	struct tcp *t = self;

	if (!hold && t->peer != NULL)
		peer_go_on(t->peer);
}

static void
tcp_init(struct tcp *t, const struct stage_setup *setup)
{
	const struct tcp_options *o = setup->options;

	t->options = o;
	t->feed = setup->feed;
	t->loop = setup->loop;
	t->up = setup->up;
	t->framing = setup->framing;
	t->ops = setup->dialogue;
	t->dialogue.options = setup->format_options;
	t->dialogue.secret = "";
	t->silence_us = o->silence_us;
	if (t->silence_us == 0 && t->ops != NULL && t->ops->silence != NULL)
		t->silence_us = TCP_SILENCE_US;
	t->backoff = (struct backoff){.first_us = o->retry_us,
	    .most_us = o->retry_max_us,
	    .jitter_pct = (unsigned)o->jitter_pct};
	t->refused = (struct backoff){.first_us = o->refused_us,
	    .most_us = o->refused_us,
	    .jitter_pct = (unsigned)o->jitter_pct};
}

static int
tcp_source_open(void **self, struct spooled *spooled,
    const struct stage_setup *setup, struct err *err)
{
	struct tcp *t;

	if (tcp_check(setup->options, false, err) < 0)
		return -1;
	t = mem_zalloc(sizeof(*t));
	tcp_init(t, setup);
	t->spooled = spooled;
	t->dial = dial_new(t->loop, t->options->address, &tcp_dial_ops, t);
	t->timer = timer_new(t->loop, tcp_timer_cb, t);
	t->alarm = timer_new(t->loop, tcp_dialogue_alarm, t);
	timer_set(t->timer, 0);
	spooled_says(
	    t->spooled, false, "connecting to %s", t->options->address);
	*self = t;
	return 0;
}

static const struct source_ops tcp_source = {
    .open = tcp_source_open,
    .hold = tcp_hold,
    .close = tcp_close,
};

static int
tcp_connect_open(void **self, const struct stage_setup *setup, struct err *err)
{
	return spooled_open(self, setup, &tcp_source, err);
}

const struct stage tcp_connect_stage = {
    .name = "tcp-connect",
    .kind = STAGE_TRANSPORT,
    .traits = STAGE_SPOOLED | STAGE_TWO_WAY,
    .help = "Connects to a switch and reads what it says; logs in where the "
	    "format does, and comes back whenever it is cut off.",
    .options = tcp_connect_options,
    .options_size = sizeof(struct tcp_options),
    .check = tcp_check,
    .open = tcp_connect_open,
    SPOOLED_CALLS,
};
