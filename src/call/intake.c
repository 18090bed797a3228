/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/phone.h"
#include "base/strbuf.h"
#include "base/utc.h"
#include "call/caller.h"
#include "call/intake.h"

#define INTAKE_SHOW_BYTES 200 /* of a bad record in the log */

static const enum counter intake_counters[INTAKE_COUNTS] = {
    [INTAKE_RECORDS] = COUNTER_records,
    [INTAKE_BYTES] = COUNTER_bytes,
    [INTAKE_REJECTED] = COUNTER_rejected,
    [INTAKE_OVERSIZE] = COUNTER_oversize,
    [INTAKE_UNKNOWN] = COUNTER_unknown,
};

static int64_t
intake_interval(const struct intake *in)
{
	return in->machine->tally->config.interval_us;
}

/* Counts go to the interval that the switch's event clock is in. */
static void
intake_find_cell(struct intake *in)
{
	int64_t starts = utc_floor(in->machine->clock_us, intake_interval(in));

	HASH_FIND(hh, in->cells, &starts, sizeof(starts), in->now);
	if (in->now != NULL)
		return;
	in->now = mem_zalloc(sizeof(*in->now));
	in->now->starts_us = starts;
	HASH_ADD(hh, in->cells, starts_us, sizeof(starts), in->now);
}

static void
intake_free_cells(struct intake *in)
{
	struct intake_cell *cell, *next;

	HASH_ITER (hh, in->cells, cell, next) {
		HASH_DEL(in->cells, cell);
		free(cell);
	}
	in->now = NULL;
}

/*
 * Counts something of the record in work. It waits with the events, so that it
 * meets the clock as those before it leave it.
 */
static void
intake_add(struct intake *in, enum intake_counts what, size_t n)
{
	in->counts.v[what] += n;
}

/* What had been counted up to a place, and was not yet booked, is. */
static RT_HOT void
intake_book(struct intake *in, const struct intake_sums *until)
{
	unsigned i;

	for (i = 0; i < INTAKE_COUNTS; i++)
		in->now->counters.v[intake_counters[i]] +=
		    until->v[i] - in->booked.v[i];
	in->booked = *until;
}

/*
 * The clock may have gone on, or back from a first time that was wrong. What
 * was counted before the event that moved it goes to the interval before.
 */
static void
intake_follow_clock(struct intake *in, const struct intake_held *held)
{
	uint64_t since = (uint64_t)(in->machine->clock_us - in->now->starts_us);

	if (RT_LIKELY(since < (uint64_t)intake_interval(in)))
		return;
	intake_book(in, &held->before);
	intake_find_cell(in);
}

/* A first time that was wrong is taken back, as the clock is. */
static RT_HOT void
intake_note_time(struct intake *in, int64_t t_us)
{
	int64_t clock_us = in->machine->clock_us;

	if (t_us <= clock_us &&
	    (t_us > in->last_event_us || in->last_event_us > clock_us))
		in->last_event_us = t_us;
}

/* The machine's turn: all that waits. */
static RT_HOT void
intake_drain(struct intake *in)
{
	unsigned i;

	for (i = 0; i < in->n_asked; i++)
		machine_near(in->machine, in->asked[i]);
	for (i = 0; i < in->n_asked; i++)
		machine_nearer(in->machine, in->asked[i]);
	for (i = 0; i < in->n_held; i++) {
		const struct event *ev = &in->held[i].event;

		machine_event(in->machine, ev, &in->now->counters);
		intake_note_time(in, ev->time_us);
		intake_follow_clock(in, &in->held[i]);
	}
	in->n_held = in->n_asked = 0;
	in->sink.room = &in->held[0].event;
	intake_book(in, &in->counts);
}

/*
 * Where it stands among the calls does not matter, and what it points to may
 * go with the record: it is not held. Its time is taken for the feed's where
 * it can not be in the future.
 */
static void
intake_contact(struct intake *in, struct event *ev)
{
	int64_t now_us = RT_MAX(in->machine->clock_us, in->received_us);

	ev->feed = in->feed;
	ev->slot = in->slot;
	ev->file_no = in->file_no;
	ev->offset = in->offset;
	if (ev->time_us > in->last_event_us && ev->time_us <= now_us)
		in->last_event_us = ev->time_us;
	names_count(&in->names, ev->name, false, ev->time_us);
	if (in->contact != NULL)
		in->contact(in->contact_ctx, in, ev);
}

static RT_HOT void
intake_event(struct sink *sink, struct event *ev)
{
	struct intake *in = (struct intake *)sink;
	struct intake_held *held = &in->held[in->n_held];

	if (RT_UNLIKELY(ev->kind == EVENT_CONTACT)) {
		intake_contact(in, ev);
		return;
	}
	in->n_held++;

	if (RT_UNLIKELY(ev != &held->event))
		held->event = *ev;
	ev = &held->event;
	ev->feed = in->feed;
	ev->slot = in->slot;
	ev->file_no = in->file_no;
	ev->offset = in->offset;
	held->before = in->counts;
	if (machine_expect(in->machine, ev))
		in->asked[in->n_asked++] = ev;
	if (RT_UNLIKELY(ev->kind == EVENT_NOTE)) {
		bool unknown = (ev->flags & EVENT_UNKNOWN_NAME) != 0;

		intake_add(in, INTAKE_UNKNOWN, unknown);
		names_count(&in->names, ev->name, unknown, ev->time_us);
	}
	if (in->n_held == INTAKE_HELD || RT_UNLIKELY(in->own_text))
		intake_drain(in);
	in->sink.room = &in->held[in->n_held].event;
}

static void
intake_reject(struct intake *in, const struct position *position,
    struct slice record, const char *why)
{
	char shown[INTAKE_SHOW_BYTES];
	size_t n = RT_MIN(record.n, sizeof(shown)), i;

	intake_add(in, INTAKE_REJECTED, 1);
	if (!log_wants(LOG_LEVEL_WARN))
		return;
	memcpy(shown, record.p, n);
	for (i = 0; i < n; i++)
		if (shown[i] == '\0')
			shown[i] = ' '; /* the rest is to be seen, too */
	phone_hide(shown, n);
	log_limited(&in->limit, LOG_LEVEL_WARN,
	    "feed %s: %s, byte %" PRId64 ": %s: %.*s%s", in->name,
	    position->path, in->offset, why, (int)n, shown,
	    record.n > n ? "..." : "");
}

/* A record that its sender has sent before, and that was counted then. */
static bool
intake_is_repeat(struct intake *in, const struct record *record)
{
	struct slice key = record->bytes;
	int64_t at_us = record->received_us;

	if (record->kind != RECORD_DATA)
		return false;
	if ((in->format->key == NULL ||
		!in->format->key(in->format_self, record, &key)) &&
	    !in->repeats)
		return false;
	if (key.n == 0)
		return false;
	if (!seen_before(&in->seen, seen_hash(key),
		at_us != 0 ? at_us : in->machine->clock_us))
		return false;
	in->now->counters.v[COUNTER_repeated]++;
	return true;
}

/* UTF-8's: what an editor, or a tool of Windows, puts before all else. */
static bool
intake_has_mark(struct slice s)
{
	return s.n >= 3 && memcmp(s.p, "\xef\xbb\xbf", 3) == 0;
}

static RT_HOT void
intake_input(struct intake *in, const struct position *position,
    const struct record *record)
{
	const char *why = NULL;
	struct record inner;
	int rc = 0;

	in->received_us = record->received_us;
	if (RT_UNLIKELY(intake_has_mark(record->bytes))) {
		inner = *record;
		inner.bytes.p += 3;
		inner.bytes.n -= 3;
		record = &inner;
	}
	if (RT_UNLIKELY(in->envelope == ENVELOPE_SYSLOG) &&
	    record->bytes.n > 0) {
		inner = *record;
		record = &inner;
		rc = syslog_unwrap(&inner, &why);
	}
	if (rc == 0 && record->bytes.n > 0 &&
	    !(RT_UNLIKELY(in->format->key != NULL || in->repeats) &&
		intake_is_repeat(in, record)))
		rc =
		    in->format->input(in->format_self, record, &in->sink, &why);
	if (rc < 0)
		intake_reject(in, position, record->bytes, why);
	if (RT_UNLIKELY(in->own_text))
		intake_drain(in);
	intake_add(in, INTAKE_RECORDS, 1);
	in->records++;
}

/* Bytes of records that were too long, before a record or at the end. */
static void
intake_passed_over(struct intake *in, size_t n, uint64_t *oversize)
{
	intake_add(in, INTAKE_BYTES, n);
	intake_add(in, INTAKE_OVERSIZE, in->framer.oversize - *oversize);
	*oversize = in->framer.oversize;
}

/* A record that is too long ends with its file, line end or not. */
static void
intake_begin_file(struct intake *in, uint32_t file_no)
{
	if (in->file_no != file_no)
		in->framer.skipping = false;
	in->file_no = file_no;
}

/* --- files that were read ------------------------------------------------ */

static void
intake_leave(struct intake *in)
{
	struct intake_file *file;

	if (in->at.file_no == 0)
		return;
	file = mem_zalloc(sizeof(*file));
	file->position = in->at;
	STAILQ_INSERT_TAIL(&in->left, file, list);
}

/* So many bytes behind that position were taken. */
static void
intake_taken(struct intake *in, const struct position *position, size_t n)
{
	if (in->at.file_no != position->file_no) {
		intake_leave(in);
		in->at = *position;
	}
	in->at.head_hash = position->head_hash;
	in->at.head_size = position->head_size;
	in->at.offset = position->offset + (int64_t)n;
}

static void
intake_free_files(struct intake *in)
{
	struct intake_file *file;

	while ((file = STAILQ_FIRST(&in->left)) != NULL) {
		STAILQ_REMOVE_HEAD(&in->left, list);
		free(file);
	}
}

void
intake_take_files(struct intake *in, uint32_t now_no,
    void (*fn)(void *ctx, const struct position *position), void *ctx)
{
	const struct intake_file *file;

	if (in->at.file_no != now_no) {
		intake_leave(in);
		in->at.file_no = 0;
	}
	STAILQ_FOREACH (file, &in->left, list)
		if (file->position.file_no != now_no)
			fn(ctx, &file->position);
	intake_free_files(in);
}

/* --- records -------------------------------------------------------------- */

/* Nearly all are lines, and these come by the million. */
static RT_HOT bool
intake_frame(struct intake *in, const char *bytes, size_t n, size_t *at,
    bool last, struct slice *record)
{
	return in->framer.framing == FRAMING_LINES
	    ? framer_line(&in->framer, bytes, n, at, last, record)
	    : framer_next(&in->framer, bytes, n, at, last, record);
}

/*
 * What is counted goes to the interval that the clock is in at that place of
 * the feed, however the bytes were chopped: what was passed over before a
 * record to the interval before it, the record to the one that it leads to.
 */
RT_HOT size_t
intake_bytes(struct intake *in, const struct position *position,
    const char *bytes, size_t n, bool last)
{
	struct counters *before = &in->now->counters;
	uint64_t oversize = in->framer.oversize;
	size_t at = 0, counted = 0;
	struct record record = RECORD_OF(((struct slice){"", 0}));

	record.no_nul = n > 0 && memchr(bytes, '\0', n) == NULL;
	intake_begin_file(in, position->file_no);
	in->sink.room = &in->held[0].event;
	while (intake_frame(in, bytes, n, &at, last, &record.bytes)) {
		size_t begin = (size_t)(record.bytes.p - bytes);

		in->offset = position->offset + (int64_t)begin;
		if (RT_UNLIKELY(begin > counted))
			intake_passed_over(in, begin - counted, &oversize);
		intake_input(in, position, &record);
		intake_add(in, INTAKE_BYTES, at - begin);
		counted = at;
	}
	intake_passed_over(in, at - counted, &oversize);
	intake_drain(in);
	if (at > 0 && position->offset == 0)
		before->v[COUNTER_files]++;
	if (at > 0)
		intake_taken(in, position, at);
	return at;
}

void
intake_record(struct intake *in, const struct position *position,
    const struct record *record)
{
	struct counters *before = &in->now->counters;

	in->file_no = position->file_no;
	in->offset = position->offset;
	in->sink.room = &in->held[0].event;
	if (record->kind == RECORD_DATA) {
		intake_add(in, INTAKE_BYTES, record->bytes.n);
		intake_input(in, position, record);
	} else if ((in->format->traits & STAGE_MARKS) != 0) {
		const char *why;

		(void)in->format->input(
		    in->format_self, record, &in->sink, &why);
	}
	intake_drain(in);
	if (position->offset == 0)
		before->v[COUNTER_files]++;
}

void
intake_finish(struct intake *in)
{
	if (in->format->finish == NULL)
		return;
	in->sink.room = &in->held[0].event;
	in->format->finish(in->format_self, &in->sink);
	intake_drain(in);
}

void
intake_resume(struct intake *in, const struct position *from)
{
	in->file_no = from->file_no;
	in->offset = from->offset; /* of what is told before a record comes */
	in->framer.skipping = from->skipping;
}

bool
intake_is_skipping(const struct intake *in, uint32_t file_no)
{
	return in->framer.skipping && in->file_no == file_no;
}

void
intake_save(const struct intake *in, struct strbuf *to)
{
	size_t had = to->n;

	if (in->format->save != NULL)
		in->format->save(in->format_self, to);
	BUG_ON(to->n - had > STAGE_STATE_MAX);
}

int
intake_load(struct intake *in, struct slice state)
{
	if (state.n == 0 || in->format->load == NULL)
		return 0;
	return in->format->load(in->format_self, state);
}

void
intake_count(struct intake *in, enum counter counter, uint64_t n)
{
	in->now->counters.v[counter] += n;
}

/* For what a format remembers, which is stored: see call/caller.h. */
static void
intake_hide_caller(void *ctx, struct slice number, struct strbuf *to)
{
	const struct intake *in = ctx;
	const struct machine_config *config = &in->machine->config;
	uint8_t hash[CALLER_HASH_BYTES];

	if (config->hash_caller == NULL ||
	    !config->hash_caller(config->ctx, number, hash))
		return;
	strbuf_addc(to, '\0');
	strbuf_add(to, (const char *)hash, sizeof(hash));
	if (config->hash_before != NULL &&
	    config->hash_before(config->ctx, number, hash))
		strbuf_add(to, (const char *)hash, sizeof(hash));
}

int
intake_init(struct intake *in, const char *name, uint32_t feed,
    const struct stage *format, const struct stage_setup *setup,
    struct machine *machine, struct err *err)
{
	struct stage_setup own = {0};

	if (setup != NULL)
		own = *setup;
	own.feed = name;
	own.hide_caller = intake_hide_caller;
	own.hide_ctx = in;
	*in = (struct intake){.sink = {intake_event, NULL},
	    .name = name,
	    .feed = feed,
	    .format = format,
	    .machine = machine,
	    .own_text =
		(format->traits & STAGE_OWN_TEXT) != 0 || format->save != NULL,
	    .framer = {.framing = format->framing}};
	STAILQ_INIT(&in->left);
	intake_find_cell(in);
	return format->open(&in->format_self, &own, err);
}

void
intake_fini(struct intake *in)
{
	if (in->format_self != NULL)
		in->format->close(in->format_self, "closed");
	in->format_self = NULL;
	names_fini(&in->names);
	seen_fini(&in->seen);
	intake_free_cells(in);
	intake_free_files(in);
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

static void
intake_add_counters(struct counters *to, const struct counters *from)
{
	int i;

	for (i = 0; i < COUNTERS; i++)
		to->v[i] += from->v[i];
}

void
intake_counted(const struct intake *in, struct counters *counters)
{
	struct intake_cell *cell, *next;

	*counters = in->taken;
	HASH_ITER (hh, in->cells, cell, next)
		intake_add_counters(counters, &cell->counters);
}

void
intake_take(struct intake *in,
    void (*fn)(void *ctx, const struct intake_cell *cell), void *ctx)
{
	struct intake_cell *cell, *next;

	HASH_ITER (hh, in->cells, cell, next)
		if (!intake_is_zero(&cell->counters)) {
			fn(ctx, cell);
			intake_add_counters(&in->taken, &cell->counters);
		}
	intake_free_cells(in);
	intake_find_cell(in);
}
