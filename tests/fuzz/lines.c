/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "fuzz/lines.h"

#include "base/strbuf.h"
#include "event/contact.h"
#include "event/framer.h"
#include "format/formats.h"

struct lines_play {
	struct sink sink;
	const struct stage *format;
	struct stage_setup setup;
	void *self;
	struct strbuf out;
};

static void
lines_slice(struct strbuf *out, struct slice s)
{
	strbuf_addc(out, '|');
	strbuf_add(out, s.p, s.n);
}

static void
lines_event(struct sink *sink, struct event *ev)
{
	struct strbuf *out = &((struct lines_play *)sink)->out;

	BUG_ON(ev->kind <= EVENT_NONE || ev->kind >= EVENT_KINDS);
	BUG_ON(ev->outcome < OUTCOME_NONE || ev->outcome >= OUTCOMES);
	BUG_ON(ev->wait_ms < EVENT_UNKNOWN_MS);
	BUG_ON(ev->talk_ms < EVENT_UNKNOWN_MS);
	BUG_ON(ev->ring_ms < EVENT_UNKNOWN_MS);
	BUG_ON(ev->kind == EVENT_SUMMARY && ev->outcome == OUTCOME_NONE);
	BUG_ON(ev->kind == EVENT_SUMMARY && ev->begin_us > ev->time_us);
	strbuf_addf(out, "%d %d %u %" PRId64 " %" PRId64, (int)ev->kind,
	    (int)ev->outcome, ev->flags & ~(unsigned)EVENT_HIDDEN, ev->time_us,
	    ev->kind == EVENT_SUMMARY ? ev->begin_us : 0);
	strbuf_addf(out, " %" PRId64 " %" PRId64 " %" PRId64, ev->wait_ms,
	    ev->ring_ms, ev->talk_ms);
	lines_slice(out, ev->call);
	lines_slice(out, ev->queue);
	lines_slice(out, ev->agent);
	lines_slice(out, ev->caller);
	lines_slice(out, ev->name);
	lines_slice(out, ev->text);
	if (ev->kind == EVENT_CONTACT) {
		lines_slice(out, ev->contact->ref);
		lines_slice(out, ev->contact->code);
		lines_slice(out, ev->contact->request);
	}
	strbuf_addc(out, '\n');
}

/* As it is: what a restart loses is to be seen. */
static void
lines_hide(void *ctx RT_UNUSED, struct slice number, struct strbuf *to)
{
	strbuf_add(to, number.p, number.n);
}

static void
lines_open(struct lines_play *play)
{
	struct err err;

	if (play->format->open(&play->self, &play->setup, &err) < 0)
		BUG("%s", err.text);
}

static void
lines_restart(struct lines_play *play)
{
	struct strbuf state = STRBUF_INIT;

	play->format->save(play->self, &state);
	BUG_ON(state.n > STAGE_STATE_MAX);
	play->format->close(play->self, "fuzz");
	lines_open(play);
	if (state.n > 0 &&
	    play->format->load(play->self, (struct slice){state.p, state.n}) <
		0)
		BUG("what was saved is not taken back");
	strbuf_fini(&state);
}

static void
lines_play(struct lines_play *play, struct slice text, bool restarts)
{
	struct framer framer = {.framing = FRAMING_LINES};
	struct slice record;
	const char *why;
	size_t at = 0;

	lines_open(play);
	while (framer_line(&framer, text.p, text.n, &at, true, &record)) {
		struct record whole = RECORD_OF(record);

		why = NULL;
		if (play->format->input(play->self, &whole, &play->sink, &why) <
		    0)
			BUG_ON(why == NULL);
		if (restarts && play->format->save != NULL)
			lines_restart(play);
	}
	if (play->format->finish != NULL)
		play->format->finish(play->self, &play->sink);
}

void
fuzz_lines(
    const char *format, const char *zone, const uint8_t *data, size_t size)
{
	struct lines_play play = {.sink = {lines_event, NULL}};
	struct slice text = {(const char *)data, size};
	void *options;
	char *whole;

	play.format = format_find(format);
	BUG_ON(play.format == NULL);
	options = mem_zalloc(play.format->options_size + 1);
	option_set_presets(play.format->options, NULL, options);
	play.setup = (struct stage_setup){.feed = "fuzz",
	    .options = options,
	    .hide_caller = lines_hide,
	    .timezone = zone};
	lines_play(&play, text, false);
	/* garbage in place of what it remembered; then it is as new */
	if (play.format->load != NULL)
		play.format->load(play.self, text);
	play.format->close(play.self, "fuzz");
	whole = mem_strdup(strbuf_str(&play.out));
	strbuf_reset(&play.out);
	lines_play(&play, text, true);
	play.format->close(play.self, "fuzz");
	if (strcmp(whole, strbuf_str(&play.out)) != 0)
		BUG("restarts change what is told:\n%s\n%s", whole,
		    strbuf_str(&play.out));
	free(whole);
	option_free(play.format->options, NULL, options);
	free(options);
	strbuf_fini(&play.out);
}
