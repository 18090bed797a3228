/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection of any bytes: cut into records in one piece and in many, which
 * must be the same; heard by the dialogue; read by the format, once in one go
 * and once by a format that is saved and loaded again after each record, which
 * must make the same events of them. A byte 0xfe stands for 9,001 of them.
 */
#include "base/base.h"
#include "base/strbuf.h"
#include "event/framer.h"
#include "format/formats.h"

#define FUZZ_RUN       0xfe
#define FUZZ_RUN_BYTES 9001
#define FUZZ_BYTES_MAX (1 << 19)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_sink {
	struct sink sink;
	struct strbuf out;
};

struct fuzz_talk {
	struct dialogue d;
	bool refused;
	size_t sent;
};

static void
fuzz_slice(struct fuzz_sink *s, struct slice text)
{
	strbuf_addc(&s->out, ' ');
	strbuf_add(&s->out, text.p, text.n);
}

/* Touches all that an event shows. */
static void
fuzz_event(struct sink *sink, struct event *ev)
{
	struct fuzz_sink *s = (struct fuzz_sink *)sink;

	BUG_ON(ev->time_us <= 0);
	BUG_ON(
	    ev->wait_ms < EVENT_UNKNOWN_MS || ev->talk_ms < EVENT_UNKNOWN_MS);
	BUG_ON(ev->ring_ms < EVENT_UNKNOWN_MS);
	BUG_ON((ev->outcome != OUTCOME_NONE) !=
	    (ev->kind == EVENT_LEAVE || ev->kind == EVENT_SUMMARY));
	strbuf_addf(&s->out, "%s %d %u %" PRId64 " %" PRId64 " %" PRId64,
	    event_kind_name(ev->kind), ev->outcome, ev->flags, ev->time_us,
	    ev->wait_ms, ev->talk_ms);
	fuzz_slice(s, ev->name);
	fuzz_slice(s, ev->call);
	fuzz_slice(s, ev->queue);
	fuzz_slice(s, ev->agent);
	fuzz_slice(s, ev->caller);
	fuzz_slice(s, ev->text);
	strbuf_addc(&s->out, '\n');
}

static void
fuzz_send(struct dialogue *d, const char *bytes, size_t n)
{
	struct fuzz_talk *t = (struct fuzz_talk *)d;

	BUG_ON(n < 3 || memcmp(bytes + n - 2, "\n\n", 2) != 0);
	/* nothing that was heard may end a command and begin another one */
	BUG_ON(memchr(bytes, '\n', n - 2) != NULL);
	t->sent += n;
}

static void
fuzz_ready(struct dialogue *d)
{
	(void)d;
}

static void
fuzz_refuse(struct dialogue *d, const char *why, bool by_operator)
{
	struct fuzz_talk *t = (struct fuzz_talk *)d;

	(void)why;
	(void)by_operator;
	t->refused = true;
}

/* A format that forgets all but what it saved. */
static void *
fuzz_reload(const struct stage *format, void *self)
{
	struct stage_setup setup = {.feed = "fuzz"};
	struct strbuf saved = STRBUF_INIT, again = STRBUF_INIT;
	void *next;

	format->save(self, &saved);
	format->close(self, "fuzz");
	if (format->open(&next, &setup, NULL) < 0 ||
	    format->load(next, (struct slice){strbuf_str(&saved), saved.n}) < 0)
		BUG("what was saved is not loaded: %s", strbuf_str(&saved));
	format->save(next, &again);
	BUG_ON(saved.n != again.n ||
	    (saved.n > 0 && memcmp(saved.p, again.p, saved.n) != 0));
	strbuf_fini(&saved);
	strbuf_fini(&again);
	return next;
}

/*
 * Events of each record. With `reloads` the format is saved between records,
 * but for answers: a picture in the making is not saved.
 */
static void
fuzz_read(const struct stage *format, const struct strbuf *in, size_t step,
    bool reloads, struct strbuf *out)
{
	struct fuzz_sink sink = {.sink = {fuzz_event, NULL}};
	struct stage_setup setup = {.feed = "fuzz"};
	struct framer f = {.framing = format->framing};
	size_t at = 0, upto = 0, taken;
	struct slice record;
	const char *why;
	void *self;

	if (format->open(&self, &setup, NULL) < 0)
		BUG("not opened");
	while (upto < in->n) {
		upto = RT_MIN(upto + step, in->n);
		taken = 0;
		while (framer_next(
		    &f, in->p + at, upto - at, &taken, false, &record)) {
			struct record whole = RECORD_OF(record);

			if (memmem(record.p, record.n, "api/response", 12))
				continue;
			strbuf_addf(&sink.out, "%zu\n", record.n);
			(void)format->input(self, &whole, &sink.sink, &why);
			if (reloads)
				self = fuzz_reload(format, self);
		}
		at += taken;
	}
	format->close(self, "fuzz");
	*out = sink.out;
}

static void
fuzz_pictures(const struct stage *format, const struct strbuf *in)
{
	struct fuzz_sink sink = {.sink = {fuzz_event, NULL}};
	struct stage_setup setup = {.feed = "fuzz"};
	struct framer f = {.framing = format->framing};
	struct slice record;
	const char *why;
	size_t at = 0;
	void *self;

	if (format->open(&self, &setup, NULL) < 0)
		BUG("not opened");
	while (framer_next(&f, in->p, in->n, &at, false, &record)) {
		struct record whole = RECORD_OF(record);

		(void)format->input(self, &whole, &sink.sink, &why);
	}
	format->close(self, "fuzz");
	strbuf_fini(&sink.out);
}

static void
fuzz_talk(const struct stage *format, const struct strbuf *in)
{
	struct fuzz_talk t = {.d = {.feed = "fuzz",
				  .user = "",
				  .secret = "ClueCon",
				  .send = fuzz_send,
				  .ready = fuzz_ready,
				  .refuse = fuzz_refuse}};
	struct framer f = {.framing = format->framing};
	void *self = format->dialogue->start(&t.d);
	struct slice record;
	size_t at = 0;

	while (!t.refused && framer_next(&f, in->p, in->n, &at, false, &record))
		(void)format->dialogue->hear(self, record);
	if (!t.refused)
		format->dialogue->silence(self);
	format->dialogue->end(self);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct stage *format = format_find("freeswitch-esl");
	struct strbuf in = STRBUF_INIT, whole, pieces;
	size_t i;

	for (i = 0; i < size && in.n < FUZZ_BYTES_MAX; i++)
		if (data[i] == FUZZ_RUN)
			memset(strbuf_reserve(&in, FUZZ_RUN_BYTES), 'x',
			    FUZZ_RUN_BYTES),
			    strbuf_added(&in, FUZZ_RUN_BYTES);
		else
			strbuf_addc(&in, (char)data[i]);
	if (in.n == 0)
		return 0;
	fuzz_read(format, &in, in.n, false, &whole);
	fuzz_read(format, &in, 1 + size % 97, size % 3 == 0, &pieces);
	if (whole.n != pieces.n ||
	    (whole.n > 0 && memcmp(whole.p, pieces.p, whole.n) != 0))
		BUG("in one piece:\n%s\nin pieces:\n%s", strbuf_str(&whole),
		    strbuf_str(&pieces));
	fuzz_pictures(format, &in);
	fuzz_talk(format, &in);
	strbuf_fini(&in);
	strbuf_fini(&whole);
	strbuf_fini(&pieces);
	return 0;
}
