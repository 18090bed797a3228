/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/utc.h"
#include "base/strbuf.h"
#include "call/intake.h"

#define INTAKE_SHOW_BYTES 200 /* of a bad record in the log */
#define INTAKE_AHEAD	  4   /* events */

static int64_t
intake_interval(const struct intake *in)
{
	return in->machine->tally->config.interval_us;
}

/* Counts go to the interval that the switch's event clock is in. */
static void
intake_new_cell(struct intake *in)
{
	int64_t starts = utc_floor(in->machine->clock_us, intake_interval(in));

	if (in->n_cells == in->cap_cells) {
		in->cap_cells = in->cap_cells * 2 + 4;
		in->cells =
		    mem_realloc(in->cells, in->cap_cells, sizeof(*in->cells));
	}
	in->cells[in->n_cells++] = (struct intake_cell){.starts_us = starts};
	in->now = &in->cells[in->n_cells - 1].counters;
	in->now_ends_us = starts + intake_interval(in);
}

static void
intake_drain(struct intake *in)
{
	unsigned i;

	for (i = 0; i < in->n_held; i++) {
		if (i + INTAKE_AHEAD < in->n_held)
			call_near(in->machine, &in->held[i + INTAKE_AHEAD]);
		machine_event(in->machine, &in->held[i], in->now);
		if (in->machine->clock_us >= in->now_ends_us)
			intake_new_cell(in);
	}
	in->n_held = 0;
}

static void
intake_event(struct sink *sink, struct event *ev)
{
	struct intake *in = (struct intake *)sink;

	ev->feed = in->feed;
	ev->file_no = in->file_no;
	ev->offset = in->offset;
	if (ev->time_us > in->last_event_us)
		in->last_event_us = ev->time_us;
	if (RT_UNLIKELY(ev->kind == EVENT_NOTE)) {
		bool unknown = (ev->flags & EVENT_UNKNOWN_NAME) != 0;

		in->now->v[COUNTER_unknown] += unknown;
		names_count(&in->names, ev->name, unknown, ev->time_us);
	}
	machine_expect(in->machine, ev);
	in->held[in->n_held++] = *ev;
	if (in->n_held == INTAKE_HELD)
		intake_drain(in);
}

static void
intake_reject(struct intake *in, const struct position *position,
    struct slice record, const char *why)
{
	struct strbuf shown = STRBUF_INIT;

	in->now->v[COUNTER_rejected]++;
	if (!log_wants(LOG_LEVEL_WARN))
		return;
	strbuf_add_escaped(&shown, record, INTAKE_SHOW_BYTES);
	log_limited(&in->limit, LOG_LEVEL_WARN,
	    "feed %s: %s, byte %" PRId64 ": %s: %s", in->name, position->path,
	    in->offset, why, strbuf_str(&shown));
	strbuf_fini(&shown);
}

size_t
intake_bytes(struct intake *in, const struct position *position,
    const char *bytes, size_t n, bool last)
{
	uint64_t oversize = in->framer.oversize;
	struct slice record;
	size_t at = 0, before = 0;

	in->file_no = position->file_no;
	while (framer_line(&in->framer, bytes, n, &at, last, &record)) {
		const char *why = NULL;

		in->now->v[COUNTER_bytes] += at - before;
		before = at;

		in->now->v[COUNTER_records]++;
		in->records++;
		if (record.n == 0)
			continue;
		in->offset = position->offset + (record.p - bytes);
		if (in->format->input(
			in->format_self, record, &in->sink, &why) < 0)
			intake_reject(in, position, record, why);
	}
	intake_drain(in);
	in->now->v[COUNTER_bytes] += at - before;
	in->now->v[COUNTER_oversize] += in->framer.oversize - oversize;
	return at;
}

void
intake_count(struct intake *in, enum counter counter, uint64_t n)
{
	in->now->v[counter] += n;
}

int
intake_init(struct intake *in, const char *name, uint32_t feed,
    const struct stage *format, const void *options, struct machine *machine,
    struct err *err)
{
	struct stage_setup setup = {.feed = name, .options = options};

	*in = (struct intake){.sink = {intake_event},
	    .name = name,
	    .feed = feed,
	    .format = format,
	    .machine = machine};
	intake_new_cell(in);
	return format->open(&in->format_self, &setup, err);
}

void
intake_fini(struct intake *in)
{
	if (in->format_self != NULL)
		in->format->close(in->format_self, "closed");
	in->format_self = NULL;
	names_fini(&in->names);
	free(in->cells);
	in->cells = NULL;
	in->n_cells = in->cap_cells = 0;
}

static bool
intake_is_zero(const struct counters *counters)
{
	int i;

	for (i = 0; i < COUNTERS; i++)
		if (counters->v[i] != 0)
			return false;
	return true;
}

void
intake_take(struct intake *in,
    void (*fn)(void *ctx, const struct intake_cell *cell), void *ctx)
{
	size_t i;

	for (i = 0; i < in->n_cells; i++)
		if (!intake_is_zero(&in->cells[i].counters))
			fn(ctx, &in->cells[i]);
	in->n_cells = 0;
	intake_new_cell(in);
}
