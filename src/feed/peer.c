/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include "base/clock.h"
#include "event/framer.h"
#include "feed/peer.h"
#include "io/dial.h"
#include "io/loop.h"
#include "io/stream.h"

#define PEER_DRAIN_MAX ((size_t)4 * 1024 * 1024)

struct peer {
	struct spooled *spooled;
	const struct peer_ops *ops;
	void *ctx;
	char name[DIAL_PEER_MAX];
	struct stream *stream;
	struct task *task;
	struct timer *idle;
	int64_t idle_us;
	int64_t since_us;
	struct framer framer;
	uint64_t oversize; /* of the framer's, told already */
	uint32_t source;
	bool begun;
	bool marked;
	bool waits; /* for room in the spool */
	bool full;  /* as was told */
	bool ended; /* no more will come */
	bool clean; /* it ended in order */
	bool dropped;
	char why[200];
};

static void
peer_begin(struct peer *p)
{
	if (p->begun)
		return;
	p->begun = true;
	p->ops->begun(p->ctx, p);
}

/* --- records ------------------------------------------------------------- */

static bool
peer_give(struct peer *p, struct slice record)
{
	if (record.n == 0)
		return true;
	if (p->ops->record != NULL)
		return p->ops->record(p->ctx, p, record);
	return spooled_give(p->spooled, p->source, record) != 0;
}

static void
peer_tell_oversize(struct peer *p)
{
	if (p->framer.oversize > p->oversize)
		spooled_oversize(p->spooled, p->framer.oversize - p->oversize);
	p->oversize = p->framer.oversize;
}

/*
 * Cuts records out of bytes and gives them; returns how far it came. A record
 * that is refused is cut again when there is room.
 */
static size_t
peer_cut(struct peer *p, struct slice bytes, bool last)
{
	struct framer before = p->framer;
	struct slice record;
	size_t at = 0, from = 0;

	while (!p->dropped &&
	    framer_next(&p->framer, bytes.p, bytes.n, &at, last, &record)) {
		if (!peer_give(p, record)) {
			p->framer = before;
			p->waits = true;
			at = from;
			break;
		}
		before = p->framer;
		from = at;
	}
	peer_tell_oversize(p);
	return at;
}

static void
peer_finish(struct peer *p)
{
	size_t half = p->dropped ? 0 : stream_held(p->stream).n;

	if (p->marked)
		spooled_mark(p->spooled, p->source, RECORD_END, p->why);
	p->ops->gone(p->ctx, p, p->why, half); /* frees */
}

static void
peer_tell_full(struct peer *p)
{
	bool full = p->waits && peer_is_full(p);

	if (full == p->full)
		return;
	p->full = full;
	if (p->ops->full != NULL)
		p->ops->full(p->ctx, p, full);
}

/* One turn's share of what is held. */
static void
peer_turn(void *ctx)
{
	struct peer *p = ctx;
	struct slice held = stream_held(p->stream);
	size_t n = RT_MIN(held.n, (size_t)STAGE_TURN_BYTES), took = 0;
	bool all = n == held.n, last;

	if (!p->dropped && !p->waits && p->begun) {
		last = all && p->ended && p->clean &&
		    p->framer.framing == FRAMING_DOCUMENT;
		took = peer_cut(p, (struct slice){held.p, n}, last);
		stream_take(p->stream, took);
		peer_tell_full(p);
	}
	if (p->dropped || (p->ended && all && !p->waits))
		peer_finish(p);
	else if (!all && !p->waits)
		task_set(p->task);
}

/* --- the stream's calls -------------------------------------------------- */

static void
peer_heard(void *ctx)
{
	struct peer *p = ctx;

	peer_begin(p);
	peer_tell_full(p);
	if (!p->dropped && !p->waits)
		task_set(p->task);
}

static void
peer_secured(void *ctx)
{
	peer_begin(ctx);
}

static void
peer_ended(void *ctx, bool clean, const char *why)
{
	struct peer *p = ctx;

	if (p->dropped)
		return;
	p->ended = true;
	p->clean = clean;
	snprintf(p->why, sizeof(p->why), "%s", why);
	if (!p->waits)
		task_set(p->task);
}

static const struct stream_ops peer_stream_ops = {
    .secured = peer_secured, .heard = peer_heard, .ended = peer_ended};

/* --- the face ------------------------------------------------------------ */

static void
peer_first_turn(void *ctx)
{
	peer_begin(ctx);
	peer_turn(ctx);
}

/* Nobody can speak whom we do not listen to. */
static void
peer_idle(void *ctx)
{
	struct peer *p = ctx;
	int64_t heard = RT_MAX(p->since_us, stream_heard_us(p->stream));
	int64_t left = heard + p->idle_us - clock_mono_us();
	char why[100];

	if (p->ended || p->dropped)
		return;
	if (peer_is_full(p))
		left = p->idle_us;
	if (left > 0) {
		timer_set(p->idle, left);
		return;
	}
	snprintf(why, sizeof(why), "nothing was heard for %" PRId64 " s",
	    p->idle_us / USEC_PER_SEC);
	peer_drop(p, why);
}

struct peer *
peer_new(const struct peer_config *config, int fd, const char *name,
    const struct peer_ops *ops, void *ctx, struct err *err)
{
	const struct stream_config stream = {
	    .in_max = RT_MAX(config->in_max, PEER_IN_LEAST),
	    .tls = config->tls,
	    .handshake_us = config->handshake_us};
	struct peer *p = mem_alloc(sizeof(*p));

	*p = (struct peer){.spooled = config->spooled,
	    .ops = ops,
	    .ctx = ctx,
	    .idle_us = config->idle_us,
	    .since_us = clock_mono_us(),
	    .framer = {.framing = config->framing}};
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->stream =
	    stream_new(config->loop, fd, &stream, &peer_stream_ops, p, err);
	if (p->stream == NULL) {
		free(p);
		return NULL;
	}
	p->source = spooled_source(config->spooled);
	p->task = task_new(
	    config->loop, config->tls != NULL ? peer_turn : peer_first_turn, p);
	p->idle = timer_new(config->loop, peer_idle, p);
	if (p->idle_us > 0)
		timer_set(p->idle, p->idle_us);
	if (config->tls == NULL)
		task_set(p->task);
	return p;
}

void
peer_free(struct peer *p)
{
	if (p == NULL)
		return;
	stream_free(p->stream);
	task_free(p->task);
	timer_free(p->idle);
	free(p);
}

/* Bounded: who floods us does not keep us from ending. */
size_t
peer_drain(struct peer *p)
{
	size_t done = 0, took = 1;
	struct slice held;

	p->waits = false;
	while (!p->dropped && p->begun && took > 0 && done < PEER_DRAIN_MAX) {
		if (!p->ended && stream_read_last(p->stream))
			p->ended = p->clean = true;
		held = stream_held(p->stream);
		took = peer_cut(p, held,
		    p->ended && p->clean &&
			p->framer.framing == FRAMING_DOCUMENT);
		stream_take(p->stream, took);
		done += took;
	}
	return p->dropped ? 0 : stream_held(p->stream).n;
}

const char *
peer_name(const struct peer *p)
{
	return p->name;
}

void
peer_mark(struct peer *p)
{
	if (p->marked)
		return;
	p->marked = true;
	spooled_mark(p->spooled, p->source, RECORD_BEGIN, p->name);
}

bool
peer_is_marked(const struct peer *p)
{
	return p->marked;
}

uint32_t
peer_source(const struct peer *p)
{
	return p->source;
}

void
peer_go_on(struct peer *p)
{
	p->waits = false;
	task_set(p->task);
}

void
peer_drop(struct peer *p, const char *why)
{
	if (p->dropped)
		return;
	p->dropped = true;
	/* also when it has ended: it did so because of what it said last */
	snprintf(p->why, sizeof(p->why), "%s", why);
	p->waits = false;
	task_set(p->task);
}

void
peer_send(struct peer *p, const char *bytes, size_t n)
{
	if (!p->dropped)
		stream_send(p->stream, bytes, n);
}

bool
peer_is_full(const struct peer *p)
{
	return stream_is_full(p->stream);
}

int64_t
peer_heard_us(const struct peer *p)
{
	return stream_heard_us(p->stream);
}
