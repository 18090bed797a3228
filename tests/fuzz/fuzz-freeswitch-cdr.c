/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A body of any bytes: JSON, XML, CSV or what claims to be one of them. What
 * it tells makes sense, and is the same when the same body comes again.
 */
#include "base/base.h"
#include "base/strbuf.h"
#include "format/formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_sink {
	struct sink sink;
	struct strbuf out;
};

static void
fuzz_slice(struct fuzz_sink *s, struct slice text)
{
	strbuf_addc(&s->out, ' ');
	strbuf_add(&s->out, text.p, text.n);
}

static void
fuzz_event(struct sink *sink, struct event *ev)
{
	struct fuzz_sink *s = (struct fuzz_sink *)sink;

	BUG_ON(ev->kind != EVENT_SUMMARY && ev->kind != EVENT_NOTE);
	BUG_ON(ev->time_us <= 0 || ev->time_us < ev->begin_us);
	BUG_ON(
	    ev->wait_ms < EVENT_UNKNOWN_MS || ev->talk_ms < EVENT_UNKNOWN_MS);
	if (ev->kind == EVENT_SUMMARY)
		BUG_ON(ev->begin_us <= 0 || ev->call.n == 0 ||
		    ev->queue.n == 0 || ev->outcome == OUTCOME_NONE);
	strbuf_addf(
	    &s->out, "%d %d %" PRId64, ev->kind, ev->outcome, ev->time_us);
	fuzz_slice(s, ev->call);
	fuzz_slice(s, ev->queue);
	fuzz_slice(s, ev->agent);
	fuzz_slice(s, ev->caller);
	fuzz_slice(s, ev->text);
}

static void
fuzz_read(const struct stage *format, void *self, struct slice body,
    struct strbuf *out)
{
	struct fuzz_sink sink = {.sink = {fuzz_event, NULL}};
	struct record record = {.bytes = body, .received_us = 1760000000000000};
	struct slice key;
	const char *why = NULL;

	if (format->key(self, &record, &key))
		strbuf_add(&sink.out, key.p, key.n);
	if (format->input(self, &record, &sink.sink, &why) < 0)
		BUG_ON(why == NULL);
	*out = sink.out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct stage *format = format_find("freeswitch-cdr");
	struct slice body = {
	    (const char *)data, RT_MIN(size, (size_t)STAGE_RECORD_MAX)};
	struct stage_setup setup = {.feed = "fuzz"};
	struct strbuf first, again;
	void *self;

	if (size == 0 || format->open(&self, &setup, NULL) < 0)
		return 0;
	fuzz_read(format, self, body, &first);
	fuzz_read(format, self, body, &again);
	BUG_ON(first.n != again.n ||
	    (first.n > 0 && memcmp(first.p, again.p, first.n) != 0));
	format->close(self, "fuzz");
	strbuf_fini(&first);
	strbuf_fini(&again);
	return 0;
}
