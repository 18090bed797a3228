/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "io/loop.h"
#include "io/stream.h"
#include "io/tls.h"

#define STREAM_READ    16384 /* at once: as much as one record of TLS */
#define STREAM_READS   4     /* of them in one turn */
#define STREAM_KEEP    65536 /* bytes of an empty buffer that are not freed */
#define STREAM_OUT_MAX (256 << 10)

/* What an attempt to read, write or shake hands came to. */
enum stream_did {
	STREAM_DID,   /* some */
	STREAM_WAITS, /* for the socket, as `wants` says */
	STREAM_ENDED, /* the peer has said so */
	STREAM_BROKE  /* why: in `why` */
};

struct stream {
	const struct stream_ops *ops;
	void *ctx;
	struct watch *watch;
	struct timer *deadline; /* of the handshake; or it is stuck */
	struct task *task;	/* OpenSSL holds more: nothing wakes us */
	SSL *ssl;
	int fd; /* -1: it is over */
	size_t in_max;
	bool shaking;		     /* hands */
	int read_wants, write_wants; /* WATCH_READ or WATCH_WRITE */
	int64_t heard_us;
	struct strbuf in;
	size_t taken; /* of in */
	char *out;
	size_t out_n, out_sent;
	bool *gone; /* set when it is freed within an op */
	char why[200];
};

/* --- what is to be sent -------------------------------------------------- */

static void
stream_out_wipe(struct stream *s)
{
	if (s->out != NULL)
		explicit_bzero(s->out, s->out_n);
	free(s->out);
	s->out = NULL;
	s->out_n = s->out_sent = 0;
}

/* No realloc: it would leave a copy behind. */
static void
stream_out_add(struct stream *s, const char *bytes, size_t n)
{
	size_t left = s->out_n - s->out_sent;
	char *out = mem_alloc(left + n);

	if (left > 0)
		memcpy(out, s->out + s->out_sent, left);
	memcpy(out + left, bytes, n);
	stream_out_wipe(s);
	s->out = out;
	s->out_n = left + n;
}

/* --- the end ------------------------------------------------------------- */

/* Lets go of all but what is held. */
static void
stream_close(struct stream *s)
{
	if (s->fd < 0)
		return;
	watch_unset(s->watch);
	timer_unset(s->deadline);
	task_unset(s->task);
	if (s->ssl != NULL) {
		/* says goodbye if that can be said at once */
		if (!s->shaking)
			SSL_shutdown(s->ssl);
		SSL_free(s->ssl);
		ERR_clear_error();
		s->ssl = NULL;
	}
	stream_out_wipe(s);
	close(s->fd);
	s->fd = -1;
}

void
stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	if (s->gone != NULL)
		*s->gone = true;
	stream_close(s);
	watch_free(s->watch);
	timer_free(s->deadline);
	task_free(s->task);
	strbuf_fini(&s->in);
	free(s);
}

static void
stream_end(struct stream *s, bool clean, const char *why)
{
	char text[sizeof(s->why)];

	snprintf(text, sizeof(text), "%s", why);
	stream_close(s);
	s->ops->ended(s->ctx, clean, text); /* may have freed it */
}

/* Runs an op; false: the stream is gone since. */
static bool
stream_tell(struct stream *s, void (*op)(void *ctx))
{
	bool gone = false;

	s->gone = &gone;
	op(s->ctx);
	if (!gone)
		s->gone = NULL;
	return !gone;
}

/* --- the socket, plain or through OpenSSL -------------------------------- */

/* What a call of OpenSSL that returned rc <= 0 means. */
static enum stream_did
stream_ssl_did(struct stream *s, int rc, int *wants)
{
	int error = errno;

	switch (SSL_get_error(s->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		*wants = WATCH_READ;
		return STREAM_WAITS;
	case SSL_ERROR_WANT_WRITE:
		*wants = WATCH_WRITE;
		return STREAM_WAITS;
	case SSL_ERROR_ZERO_RETURN:
		return STREAM_ENDED;
	case SSL_ERROR_SYSCALL:
		if (error != 0 && ERR_peek_error() == 0) {
			snprintf(s->why, sizeof(s->why), "%s", strerror(error));
			return STREAM_BROKE;
		}
		break;
	default:
		break;
	}
	tls_why(s->ssl, s->why, sizeof(s->why));
	return STREAM_BROKE;
}

static enum stream_did
stream_errno(struct stream *s, int *wants, int what)
{
	if (errno == EAGAIN || errno == EINTR) {
		*wants = what;
		return STREAM_WAITS;
	}
	snprintf(s->why, sizeof(s->why), "%s", strerror(errno));
	return STREAM_BROKE;
}

static enum stream_did
stream_read_some(struct stream *s, char *to, size_t size, size_t *n)
{
	ssize_t got;
	int rc;

	if (s->ssl != NULL) {
		errno = 0;
		ERR_clear_error();
		rc = SSL_read_ex(s->ssl, to, size, n);
		return rc == 1 ? STREAM_DID
			       : stream_ssl_did(s, rc, &s->read_wants);
	}
	got = recv(s->fd, to, size, 0);
	if (got < 0)
		return stream_errno(s, &s->read_wants, WATCH_READ);
	*n = (size_t)got;
	return got > 0 ? STREAM_DID : STREAM_ENDED;
}

static enum stream_did
stream_write_some(struct stream *s, const char *from, size_t size, size_t *n)
{
	ssize_t sent;
	int rc;

	if (s->ssl != NULL) {
		errno = 0;
		ERR_clear_error();
		rc = SSL_write_ex(s->ssl, from, size, n);
		return rc == 1 ? STREAM_DID
			       : stream_ssl_did(s, rc, &s->write_wants);
	}
	sent = send(s->fd, from, size, MSG_NOSIGNAL);
	if (sent < 0)
		return stream_errno(s, &s->write_wants, WATCH_WRITE);
	*n = (size_t)sent;
	return STREAM_DID;
}

/* --- turns of the loop --------------------------------------------------- */

bool
stream_is_full(const struct stream *s)
{
	return s->in.n - s->taken >= s->in_max;
}

static void
stream_wait(struct stream *s)
{
	int what = 0;

	if (s->fd < 0)
		return;
	if (s->shaking || !stream_is_full(s))
		what |= s->read_wants;
	if (s->out_n > s->out_sent && !s->shaking)
		what |= s->write_wants;
	if (what != 0)
		watch_set(s->watch, s->fd, what);
	else
		watch_unset(s->watch);
}

/* Makes room at the front, and gives back what a flood has made grow. */
static void
stream_compact(struct stream *s)
{
	size_t left = s->in.n - s->taken;

	if (left == 0 && s->in.cap > STREAM_KEEP) {
		strbuf_fini(&s->in);
	} else if (s->taken > 0) {
		memmove(s->in.p, s->in.p + s->taken, left);
		s->in.n = left;
	}
	s->taken = 0;
}

/* True: go on, the stream is there still. */
static bool
stream_read(struct stream *s)
{
	enum stream_did did = STREAM_DID;
	size_t n, before;
	int i;

	stream_compact(s);
	before = s->in.n;
	for (i = 0; i < STREAM_READS && !stream_is_full(s); i++) {
		did = stream_read_some(
		    s, strbuf_reserve(&s->in, STREAM_READ), STREAM_READ, &n);
		if (did != STREAM_DID)
			break;
		strbuf_added(&s->in, n);
	}
	if (s->in.n > before) {
		s->heard_us = clock_mono_us();
		if (!stream_tell(s, s->ops->heard))
			return false;
	}
	if (did == STREAM_ENDED || did == STREAM_BROKE) {
		stream_end(s, did == STREAM_ENDED,
		    did == STREAM_ENDED ? "the other side has ended it"
					: s->why);
		return false;
	}
	if (did == STREAM_DID && s->ssl != NULL && !stream_is_full(s))
		task_set(s->task);
	return true;
}

static bool
stream_write(struct stream *s)
{
	enum stream_did did;
	size_t n;

	while (s->out_sent < s->out_n) {
		did = stream_write_some(
		    s, s->out + s->out_sent, s->out_n - s->out_sent, &n);
		if (did == STREAM_WAITS)
			return true;
		if (did != STREAM_DID) {
			stream_end(s, did == STREAM_ENDED,
			    did == STREAM_BROKE
				? s->why
				: "the other side has ended it");
			return false;
		}
		s->out_sent += n;
	}
	stream_out_wipe(s);
	return true;
}

static bool
stream_shake(struct stream *s)
{
	enum stream_did did;
	int rc;

	errno = 0;
	ERR_clear_error();
	rc = SSL_do_handshake(s->ssl);
	if (rc != 1) {
		did = stream_ssl_did(s, rc, &s->read_wants);
		if (did == STREAM_WAITS)
			return true;
		stream_end(s, false,
		    did == STREAM_BROKE ? s->why : "no TLS spoken there");
		return false;
	}
	s->shaking = false;
	s->read_wants = WATCH_READ;
	timer_unset(s->deadline);
	task_set(s->task); /* what came with the last of the handshake */
	return s->ops->secured == NULL || stream_tell(s, s->ops->secured);
}

static void
stream_turn(void *ctx)
{
	struct stream *s = ctx;

	if (s->shaking) {
		if (stream_shake(s))
			stream_wait(s);
		return;
	}
	if (s->out_n > s->out_sent && !stream_write(s))
		return;
	if (!stream_is_full(s) && !stream_read(s))
		return;
	stream_wait(s);
}

static void
stream_ready(void *ctx, int what RT_UNUSED)
{
	stream_turn(ctx);
}

static void
stream_too_late(void *ctx)
{
	struct stream *s = ctx;

	stream_end(s, false,
	    s->shaking ? "it did not end its TLS handshake in time"
		       : "it does not take what we send");
}

/* --- the face ------------------------------------------------------------ */

struct stream *
stream_new(struct loop *loop, int fd, const struct stream_config *config,
    const struct stream_ops *ops, void *ctx, struct err *err)
{
	SSL *ssl = NULL;
	struct stream *s;

	if (config->tls != NULL) {
		ssl = tls_begin(config->tls, fd, err);
		if (ssl == NULL) {
			close(fd);
			return NULL;
		}
	}
	s = mem_alloc(sizeof(*s));
	*s = (struct stream){.ops = ops,
	    .ctx = ctx,
	    .ssl = ssl,
	    .fd = fd,
	    .in_max = config->in_max,
	    .shaking = ssl != NULL,
	    .read_wants = WATCH_READ,
	    .write_wants = WATCH_WRITE,
	    .in = STRBUF_INIT};
	s->watch = watch_new(loop, stream_ready, s);
	s->deadline = timer_new(loop, stream_too_late, s);
	s->task = task_new(loop, stream_turn, s);
	if (s->shaking) {
		timer_set(s->deadline, config->handshake_us);
		task_set(s->task); /* a client speaks first */
	}
	stream_wait(s);
	return s;
}

struct slice
stream_held(const struct stream *s)
{
	if (s->in.p == NULL)
		return SLICE("");
	return (struct slice){s->in.p + s->taken, s->in.n - s->taken};
}

/* What OpenSSL still holds would not make the socket readable. */
void
stream_take(struct stream *s, size_t n)
{
	bool full = stream_is_full(s);

	BUG_ON(n > s->in.n - s->taken);
	s->taken += n;
	if (!full || stream_is_full(s) || s->fd < 0)
		return;
	stream_wait(s);
	if (s->ssl != NULL)
		task_set(s->task);
}

bool
stream_read_last(struct stream *s)
{
	enum stream_did did = STREAM_DID;
	size_t n;

	if (s->fd < 0 || s->shaking)
		return false;
	stream_compact(s);
	while (did == STREAM_DID && !stream_is_full(s)) {
		did = stream_read_some(
		    s, strbuf_reserve(&s->in, STREAM_READ), STREAM_READ, &n);
		if (did == STREAM_DID)
			strbuf_added(&s->in, n);
	}
	return did == STREAM_ENDED;
}

int64_t
stream_heard_us(const struct stream *s)
{
	return s->heard_us;
}

void
stream_send(struct stream *s, const char *bytes, size_t n)
{
	if (s->fd < 0 || n == 0)
		return;
	stream_out_add(s, bytes, n);
	if (s->out_n > STREAM_OUT_MAX)
		timer_set(s->deadline, 0); /* not under the caller's feet */
	stream_wait(s);
}
