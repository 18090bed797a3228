/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as what a manager interface sends, and as what the format is said
 * to have remembered. In one go and with its memory taken out and put back
 * after every record it makes the same events; its memory stays within its
 * bound; and an event points nowhere but to what may be read.
 *
 * A byte of FUZZ_PASS between two records lets time go by; FUZZ_LOST and
 * FUZZ_MADE lose the connection and make it anew.
 */
#include "base/base.h"
#include "base/strbuf.h"
#include "base/table.h"
#include "base/utc.h"
#include "event/framer.h"
#include "format/asterisk_ami.h"
#include "format/formats.h"

#define FUZZ_PASS 0x01
#define FUZZ_LOST 0x02
#define FUZZ_MADE 0x03

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_ami {
	struct sink sink;
	void *format;
	struct strbuf told;
	int64_t us;
};

static void
fuzz_slice(struct strbuf *to, struct slice s)
{
	BUG_ON(s.p == NULL);
	strbuf_addf(to, " %" PRIx64, (uint64_t)XXH3_64bits(s.p, s.n));
}

static void
fuzz_event(struct sink *sink, struct event *ev)
{
	struct strbuf *to = &((struct fuzz_ami *)sink)->told;

	BUG_ON(ev->kind == EVENT_NONE || ev->kind >= EVENT_KINDS);
	BUG_ON(ev->kind == EVENT_LEAVE && ev->outcome == OUTCOME_NONE);
	BUG_ON(
	    ev->wait_ms < EVENT_UNKNOWN_MS || ev->talk_ms < EVENT_UNKNOWN_MS);
	BUG_ON(ev->ring_ms < EVENT_UNKNOWN_MS);
	strbuf_addf(to, "%d/%d %u %" PRId64 " %" PRId64 " %" PRId64,
	    (int)ev->kind, (int)ev->outcome, ev->flags, ev->time_us,
	    ev->wait_ms, ev->talk_ms);
	fuzz_slice(to, ev->name);
	fuzz_slice(to, ev->call);
	fuzz_slice(to, ev->queue);
	fuzz_slice(to, ev->agent);
	fuzz_slice(to, ev->caller);
	fuzz_slice(to, ev->text);
	strbuf_addc(to, '\n');
}

static void
fuzz_open(struct fuzz_ami *f)
{
	struct stage_setup setup = {.feed = "fuzz"};

	BUG_ON(asterisk_ami_stage.open(&f->format, &setup, NULL) < 0);
}

static void
fuzz_again(struct fuzz_ami *f)
{
	struct strbuf state = STRBUF_INIT;

	asterisk_ami_stage.save(f->format, &state);
	BUG_ON(state.n > STAGE_STATE_MAX);
	asterisk_ami_stage.close(f->format, "again");
	fuzz_open(f);
	BUG_ON(asterisk_ami_stage.load(
		   f->format, (struct slice){state.p, state.n}) < 0);
	strbuf_fini(&state);
}

static void
fuzz_record(struct fuzz_ami *f, enum record_kind kind, struct slice bytes)
{
	struct record record = {.bytes = bytes,
	    .received_us = f->us,
	    .source = 1,
	    .kind = (uint8_t)kind};
	const char *why = NULL;

	if (asterisk_ami_stage.input(f->format, &record, &f->sink, &why) < 0)
		BUG_ON(why == NULL);
}

static void
fuzz_one(struct fuzz_ami *f, struct slice record)
{
	const struct slice none = {"", 0};

	for (; record.n > 0 && *record.p <= FUZZ_MADE && *record.p > 0;
	     record.p++, record.n--)
		if (*record.p == FUZZ_PASS)
			f->us += 600 * USEC_PER_MSEC;
		else
			fuzz_record(f,
			    *record.p == FUZZ_LOST ? RECORD_END : RECORD_BEGIN,
			    none);
	f->us += USEC_PER_MSEC;
	if (record.n > 0)
		fuzz_record(f, RECORD_DATA, record);
}

static void
fuzz_play(const uint8_t *data, size_t size, bool again, struct strbuf *told)
{
	struct fuzz_ami f = {
	    .sink = {fuzz_event, NULL}, .us = 1000 * USEC_PER_SEC};
	struct framer framer = {.framing = FRAMING_BLOCKS};
	struct slice record;
	size_t at = 0;

	fuzz_open(&f);
	while (framer_next(
	    &framer, (const char *)data, size, &at, true, &record)) {
		fuzz_one(&f, record);
		if (again)
			fuzz_again(&f);
	}
	asterisk_ami_stage.close(f.format, "done");
	*told = f.told;
}

/* Whatever was remembered: refused, or what can be remembered again. */
static void
fuzz_load(const uint8_t *data, size_t size)
{
	struct fuzz_ami f = {
	    .sink = {fuzz_event, NULL}, .us = 1000 * USEC_PER_SEC};

	fuzz_open(&f);
	if (asterisk_ami_stage.load(
		f.format, (struct slice){(const char *)data, size}) == 0) {
		fuzz_again(&f);
		fuzz_record(&f, RECORD_END, (struct slice){"", 0});
	}
	asterisk_ami_stage.close(f.format, "done");
	strbuf_fini(&f.told);
}

/* --- and as what is said to the dialogue ---------------------------------- */

static void
fuzz_send(struct dialogue *d, const char *bytes, size_t n)
{
	(void)d;
	BUG_ON(n < 4 || memcmp(bytes + n - 4, "\r\n\r\n", 4) != 0);
}

static void
fuzz_ready(struct dialogue *d)
{
	(void)d;
}

static void
fuzz_refuse(struct dialogue *d, const char *why, bool by_operator)
{
	(void)d;
	(void)by_operator;
	BUG_ON(why[0] == '\0');
}

static void
fuzz_talk(const uint8_t *data, size_t size)
{
	char mask[] = "agent,call";
	struct ami_options options = {.event_mask = mask};
	struct dialogue d = {.feed = "fuzz",
	    .user = "u",
	    .secret = "s",
	    .options = &options,
	    .send = fuzz_send,
	    .ready = fuzz_ready,
	    .refuse = fuzz_refuse};
	struct framer framer = {.framing = FRAMING_BLOCKS};
	void *self = ami_dialogue.start(&d);
	struct slice record;
	size_t at = 0;

	while (
	    framer_next(&framer, (const char *)data, size, &at, true, &record))
		(void)ami_dialogue.hear(self, record);
	ami_dialogue.silence(self);
	ami_dialogue.end(self);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf once = STRBUF_INIT, again = STRBUF_INIT;

	fuzz_play(data, size, false, &once);
	fuzz_play(data, size, true, &again);
	if (strcmp(strbuf_str(&once), strbuf_str(&again)) != 0)
		BUG("other events after a restart:\n%s\n%s", strbuf_str(&once),
		    strbuf_str(&again));
	fuzz_load(data, size);
	fuzz_talk(data, size);
	strbuf_fini(&once);
	strbuf_fini(&again);
	return 0;
}
