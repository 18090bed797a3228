/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/strbuf.h"
#include "event/framer.h"
#include "feed/inlet.h"
#include "io/loop.h"

/* Beside what is read in a turn: most of a record whose rest is to come. */
#define INLET_BYTES (STAGE_RECORD_MAX + 1 + INLET_TURN_BYTES)

struct inlet {
	struct inlet_config config;
	struct framer framer;
	struct watch *watch; /* NULL: it is always ready */
	struct task *task;   /* where it is; and for what was held */
	bool held;
	bool over; /* nothing more comes */
	bool failed;
	struct err err; /* why, if it failed */
	uint64_t came;
	size_t n;
	char bytes[INLET_BYTES];
};

static void
inlet_again(struct inlet *in)
{
	if (in->held)
		return;
	if (in->over || in->watch == NULL)
		task_set(in->task);
	else
		watch_set(in->watch, in->config.fd, WATCH_READ);
}

/*
 * One record, or none. Where the spool has no room for it, all is as it was
 * before, and it comes again.
 */
static bool
inlet_cut_one(struct inlet *in, size_t *at, bool last)
{
	struct framer was = in->framer;
	size_t from = *at;
	struct slice record;

	if (!framer_next(&in->framer, in->bytes, in->n, at, last, &record))
		return false;
	if (record.n == 0 ||
	    spooled_give(in->config.spooled, in->config.source, record) != 0)
		return true;
	in->framer = was;
	*at = from;
	in->held = true; /* `hold` says so, too; and when there is room */
	return false;
}

static void
inlet_cut(struct inlet *in, bool last)
{
	uint64_t oversize = in->framer.oversize;
	size_t at = 0;

	while (!in->held && inlet_cut_one(in, &at, last))
		;
	in->n -= at;
	memmove(in->bytes, in->bytes + at, in->n);
	if (in->framer.oversize > oversize)
		spooled_oversize(
		    in->config.spooled, in->framer.oversize - oversize);
}

static void
inlet_end(struct inlet *in)
{
	in->config.ended(in->config.ctx, in->failed ? in->err.text : NULL);
}

bool
inlet_read(struct inlet *in)
{
	size_t room = RT_MIN(INLET_BYTES - in->n, (size_t)INLET_TURN_BYTES);
	ssize_t got;

	if (in->held || in->over)
		return false;
	BUG_ON(room == 0); /* the framer has let too much stay */
	got = read(in->config.fd, in->bytes + in->n, room);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got < 0) {
		err_sys(&in->err, "read");
		in->failed = true;
	}
	in->over = got <= 0;
	if (in->over)
		return false;
	in->n += (size_t)got;
	in->came += (uint64_t)got;
	inlet_cut(in, false);
	return true;
}

/* A turn: the rest of what was held, and more of what is there. */
static void
inlet_work(struct inlet *in, bool ready)
{
	if (in->held)
		return;
	inlet_cut(in, false);
	if (ready)
		inlet_read(in);
	if (in->over && !in->held)
		inlet_end(in); /* may have freed it */
	else
		inlet_again(in);
}

static void
inlet_ready(void *ctx, int what RT_UNUSED)
{
	inlet_work(ctx, true);
}

/* Standard input may block: it is read when the loop says that it will not. */
static void
inlet_go_on(void *ctx)
{
	struct inlet *in = ctx;

	inlet_work(in, in->watch == NULL);
}

struct inlet *
inlet_new(const struct inlet_config *config, const struct inlet_rest *rest)
{
	struct inlet *in = mem_alloc(sizeof(*in));

	in->config = *config;
	in->framer = (struct framer){.framing = config->framing};
	in->held = in->over = in->failed = false;
	in->came = 0;
	in->n = 0;
	in->watch = NULL;
	in->task = task_new(config->loop, inlet_go_on, in);
	if (rest != NULL && rest->bytes.n > 0) {
		BUG_ON(rest->bytes.n > sizeof(in->bytes));
		memcpy(in->bytes, rest->bytes.p, rest->bytes.n);
		in->n = rest->bytes.n;
	}
	if (rest != NULL) {
		in->framer.skipping = rest->skipping;
		in->framer.skip = rest->skip;
	}
	if (config->poll)
		in->watch = watch_new(config->loop, inlet_ready, in);
	inlet_again(in);
	return in;
}

void
inlet_free(struct inlet *in)
{
	if (in == NULL)
		return;
	watch_free(in->watch);
	task_free(in->task);
	free(in);
}

void
inlet_hold(struct inlet *in, bool hold)
{
	in->held = hold;
	if (!hold)
		task_set(in->task);
	else if (in->watch != NULL)
		watch_unset(in->watch);
}

void
inlet_give(struct inlet *in)
{
	in->held = false;
	inlet_cut(in, false);
}

bool
inlet_take_rest(struct inlet *in)
{
	inlet_cut(in, true);
	return !in->held;
}

uint64_t
inlet_came(const struct inlet *in)
{
	return in->came;
}

size_t
inlet_unread(const struct inlet *in)
{
	return in->n;
}

void
inlet_save(struct inlet *in, struct inlet_rest *rest)
{
	strbuf_reset(&rest->bytes);
	strbuf_add(&rest->bytes, in->bytes, in->n);
	rest->skipping = in->framer.skipping;
	rest->skip = in->framer.skip;
	in->n = 0;
}
