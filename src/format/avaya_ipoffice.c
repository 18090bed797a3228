/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Avaya IP Office SMDR: one line for each segment of a call, when it is over.
 *
 *	2019/11/02 23:58:27,00:01:18,21,5556675192,I,203,5554061722,,0,1004240,
 *	0,V9542,VM Channel 42,T9003,Line 3.0,0,0,,,,,,,,,,,,,,192.168.1.21,...
 *
 * Facts: Avaya's "SMDR Fields", and 472,927 records of a real switch, of which
 * extracts are in ../shared/samples. The key of a call is (Call Start, Call
 * ID): ids begin anew with each restart of the switch. All segments of a call
 * but the last say that another one follows; about one chain in 6,000 never
 * gets its last, and is given up as what is known of it after a time.
 *
 * Voicemail looks like an answer and is none: a segment counts as answered
 * when it was connected and neither side is a voicemail or auto-attendant
 * channel (V9500 to V9599). The wait is the ring time up to the first person,
 * which the switch rounds up to seconds.
 *
 * Call Start is local time. In the hour that happens twice the record's own
 * UTC time (field 35), the order of Call IDs or the time of receiving settle
 * which was meant; calls that are over wait for that, and those that nothing
 * settles are marked.
 */
#include "base/base.h"
#include "base/slots.h"
#include "event/stage.h"
#include "format/avaya_ipoffice_inner.h"
#include "format/blank.h"
#include "format/formats.h"
#include "format/pack.h"

#define IPO_STATE_VERSION 2    /* 1 told nothing before its time */
#define IPO_OPEN_MAX	  1024 /* calls of which more is to come */
#define IPO_HELD_MAX	  512  /* calls whose hour is not settled */
#define IPO_GONE	  256  /* calls given up, remembered */
#define IPO_HELD_US	  (2 * 3600 * USEC_PER_SEC)
/* A record is never so much later than its segment: field 35 is wrong. */
#define IPO_RECORD_FAR_US (SEC_PER_DAY * USEC_PER_SEC)

struct ipo_key {
	int64_t start_s, id;
};

struct ipo {
	struct stage_setup setup;
	struct local_zone *zone;
	const struct ipo_options *options;
	struct ipo_options presets;
	struct ipo_calls open; /* in the order of their last records */
	struct ipo_calls held; /* over, but when? in the order of ends */
	struct slots by_key;   /* those open */
	unsigned n_open, n_held;
	struct ipo_fold fold;
	struct ipo_key gone[IPO_GONE]; /* a ring */
	unsigned n_gone;
	int64_t clock_us, last_us; /* event time; end of the last record */
	/* of the record in work */
	struct ipo_line line;
	struct ipo_call call;
	struct strbuf plain; /* without its NULs */
};

static const char *const ipo_queues[] = {"called", "dialled", "targeted", NULL};
static const char *const ipo_agents[] = {"name", "device", NULL};

static const struct option_row ipo_options[] = {
    {.name = "queue_field",
	.group = "feeds",
	.type = OPTION_CHOICE,
	.offset = offsetof(struct ipo_options, queue),
	.preset = "called",
	.unit = "",
	.choices = ipo_queues,
	.help = "Which field of a call's first record names the queue: the "
		"group or extension that was called (field 6), the number "
		"that was dialled from outside (field 7), or the External "
		"Targeted Number (field 30)."},
    {.name = "agent_field",
	.group = "feeds",
	.type = OPTION_CHOICE,
	.offset = offsetof(struct ipo_options, agent),
	.preset = "name",
	.unit = "",
	.choices = ipo_agents,
	.help = "Which side of a party names the agent: the user's name, or "
		"the device (E217). A party without a name is its device."},
    {.name = "open_s",
	.group = "feeds",
	.type = OPTION_SECS,
	.offset = offsetof(struct ipo_options, open_us),
	.preset = "14400",
	.min = 7200,
	.max = 259200,
	.unit = "s",
	.help = "How long after a segment the next one of the same call is "
		"waited for, by the times of the records. Then the call is "
		"counted as what is known of it."},
    {.name = NULL}};

static int
ipo_open(void **self, const struct stage_setup *setup, struct err *err)
{
	struct ipo *ipo = mem_zalloc(sizeof(*ipo));

	ipo->zone = local_open(setup->timezone, err);
	if (ipo->zone == NULL) {
		free(ipo);
		return -1;
	}
	ipo->setup = *setup;
	option_set_presets(ipo_options, NULL, &ipo->presets);
	ipo->options = setup->options != NULL ? setup->options : &ipo->presets;
	TAILQ_INIT(&ipo->open);
	TAILQ_INIT(&ipo->held);
	*self = ipo;
	return 0;
}

static void
ipo_forget(struct ipo_calls *calls)
{
	struct ipo_call *call;

	while ((call = TAILQ_FIRST(calls)) != NULL) {
		TAILQ_REMOVE(calls, call, link);
		ipo_call_free(call);
	}
}

/* As new. */
static void
ipo_reset(struct ipo *ipo)
{
	ipo_forget(&ipo->open);
	ipo_forget(&ipo->held);
	slots_fini(&ipo->by_key);
	ipo->by_key = (struct slots){0};
	ipo->n_open = ipo->n_held = ipo->n_gone = 0;
	ipo->fold = (struct ipo_fold){0};
	memset(ipo->gone, 0, sizeof(ipo->gone));
	ipo->clock_us = ipo->last_us = 0;
}

static void
ipo_close(void *self, const char *reason)
{
	struct ipo *ipo = self;

	(void)reason;
	ipo_reset(ipo);
	local_close(ipo->zone);
	strbuf_fini(&ipo->plain);
	free(ipo);
}

/* -- the calls of which more is to come ------------------------------------ */

static inline uint32_t
ipo_hash(int64_t start_s, int64_t id)
{
	uint64_t h = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) ^
	    (uint64_t)start_s * UINT64_C(0xff51afd7ed558ccd);

	return (uint32_t)(h >> 32);
}

static struct ipo_call *
ipo_find(const struct ipo *ipo, int64_t start_s, int64_t id)
{
	uint32_t hash = ipo_hash(start_s, id);
	struct ipo_call *call;
	size_t at = 0;

	while ((call = slots_next(&ipo->by_key, hash, &at)) != NULL)
		if (call->id == id && call->start_s == start_s)
			return call;
	return NULL;
}

static void
ipo_put(struct ipo *ipo, struct ipo_call *call)
{
	slots_add(&ipo->by_key, ipo_hash(call->start_s, call->id), call);
	TAILQ_INSERT_TAIL(&ipo->open, call, link);
	ipo->n_open++;
}

static void
ipo_take(struct ipo *ipo, struct ipo_call *call)
{
	slots_remove(&ipo->by_key, ipo_hash(call->start_s, call->id), call);
	TAILQ_REMOVE(&ipo->open, call, link);
	ipo->n_open--;
}

/* Whether the call was counted without waiting for this record any longer. */
static bool
ipo_is_gone(const struct ipo *ipo, const struct ipo_line *line)
{
	unsigned i, n = RT_MIN(ipo->n_gone, (unsigned)IPO_GONE);

	for (i = 0; i < n; i++)
		if (ipo->gone[i].id == line->id &&
		    ipo->gone[i].start_s == line->start_s)
			return true;
	return false;
}

/* -- calls that are over --------------------------------------------------- */

static void
ipo_note(const struct ipo_line *line, const struct ipo_call *call,
    struct slice name, struct sink *sink)
{
	struct event own, *ev = sink->room != NULL ? sink->room : &own;

	blank_event(ev);
	ev->kind = EVENT_NOTE;
	ev->name = name;
	ev->time_us = call->end_us;
	ev->call = (struct slice){call->key, call->key_n};
	ev->caller = line->caller;
	sink->event(sink, ev);
}

static void
ipo_unhold(struct ipo *ipo, struct ipo_call *call, struct sink *sink)
{
	TAILQ_REMOVE(&ipo->held, call, link);
	ipo->n_held--;
	ipo_call_emit(call, sink);
	ipo_call_free(call);
}

/*
 * The call is whole. Where its hour is not settled it is held, for later
 * records may do that. `kept`: it is ours to free.
 */
static RT_HOT void
ipo_finish(struct ipo *ipo, struct ipo_call *call, bool kept, struct sink *sink)
{
	if (call->offered && call->ambiguous && !call->told) {
		if (ipo->n_held == IPO_HELD_MAX)
			ipo_unhold(ipo, TAILQ_FIRST(&ipo->held), sink);
		if (!kept)
			call = ipo_call_keep(call);
		TAILQ_INSERT_TAIL(&ipo->held, call, link);
		ipo->n_held++;
		return;
	}
	if (call->offered && !call->told)
		ipo_call_emit(call, sink);
	if (kept)
		ipo_call_free(call);
}

/* Its last record never came: counted as what is known. */
static void
ipo_give_up(struct ipo *ipo, struct ipo_call *call, struct sink *sink)
{
	ipo->gone[ipo->n_gone % IPO_GONE] =
	    (struct ipo_key){call->start_s, call->id};
	/* a ring that was full once stays so */
	ipo->n_gone =
	    ipo->n_gone + 1 < 2 * IPO_GONE ? ipo->n_gone + 1 : IPO_GONE;
	ipo_take(ipo, call);
	ipo_finish(ipo, call, true, sink);
}

/* -- time ------------------------------------------------------------------ */

/*
 * Event time goes on when two records say so, so that one broken stamp moves
 * nothing; and back likewise, when an older log is read after a newer one.
 */
static void
ipo_set_back(struct ipo *ipo, int64_t clock_us)
{
	struct ipo_call *call;

	ipo->clock_us = clock_us;
	TAILQ_FOREACH (call, &ipo->open, link)
		call->heard_us = RT_MIN(call->heard_us, clock_us);
}

static inline void
ipo_tick(struct ipo *ipo, int64_t end_us)
{
	int64_t less = RT_MIN(ipo->last_us, end_us);
	int64_t more = RT_MAX(ipo->last_us, end_us);

	if (ipo->last_us == 0)
		ipo->clock_us = end_us;
	else if (less > ipo->clock_us)
		ipo->clock_us = less;
	else if (more + ipo->options->open_us < ipo->clock_us)
		ipo_set_back(ipo, more);
	ipo->last_us = end_us;
}

static void
ipo_expire(struct ipo *ipo, struct sink *sink)
{
	struct ipo_call *call;

	while ((call = TAILQ_FIRST(&ipo->open)) != NULL &&
	    (ipo->n_open > IPO_OPEN_MAX ||
		call->heard_us + ipo->options->open_us < ipo->clock_us))
		ipo_give_up(ipo, call, sink);
	while ((call = TAILQ_FIRST(&ipo->held)) != NULL &&
	    call->at[1] + call->elapsed_s * USEC_PER_SEC + IPO_HELD_US <
		ipo->clock_us)
		ipo_unhold(ipo, call, sink);
}

static void
ipo_settle(struct ipo *ipo, struct ipo_call *call, const struct record *from,
    struct sink *sink)
{
	struct ipo_calls ready = TAILQ_HEAD_INITIALIZER(ready);
	struct ipo_call *other;

	ipo_fold_settle(&ipo->fold, call, &ipo->line, from->received_us,
	    &ipo->held, &ready);
	while ((other = TAILQ_FIRST(&ready)) != NULL) {
		TAILQ_REMOVE(&ready, other, link);
		ipo->n_held--;
		ipo_call_emit(other, sink);
		ipo_call_free(other);
	}
}

/* Where the call's last segment ends, by its record or by its durations. */
static inline void
ipo_set_end(struct ipo_call *call, const struct ipo_line *line)
{
	int64_t end = call->begin_us + call->elapsed_s * USEC_PER_SEC;

	if (line->record_us != 0 && line->record_us >= call->begin_us &&
	    line->record_us < end + IPO_RECORD_FAR_US)
		end = line->record_us;
	call->end_us = RT_MAX(end, call->begin_us);
}

static RT_HOT void
ipo_set_begin(struct ipo *ipo, struct ipo_call *call, const struct record *from,
    struct sink *sink)
{
	enum local_result result =
	    local_find(ipo->zone, call->start_s * USEC_PER_SEC, call->at);

	/* a clock that was not yet set forward, in the hour left out */
	if (result == LOCAL_SKIPPED)
		call->at[0] = call->at[1];
	call->begin_us = call->at[0];
	call->end_us = call->begin_us;
	if (RT_UNLIKELY(result == LOCAL_AMBIGUOUS)) {
		call->ambiguous = true;
		ipo_settle(ipo, call, from, sink);
	}
}

/* -- records --------------------------------------------------------------- */

static RT_HOT void
ipo_first(struct ipo *ipo, const struct record *from, struct sink *sink)
{
	const struct ipo_line *line = &ipo->line;
	struct ipo_call *call = &ipo->call;

	ipo_call_begin(call, line, ipo->options);
	ipo_set_begin(ipo, call, from, sink);
	ipo_set_end(call, line);
	if (!call->offered)
		ipo_note(line, call,
		    line->internal ? SLICE("internal") : SLICE("outbound"),
		    sink);
	ipo_tick(ipo, call->end_us);
	call->heard_us = ipo->clock_us;
	if (line->more)
		ipo_put(ipo, ipo_call_keep(call));
	else
		ipo_finish(ipo, call, false, sink);
}

static void
ipo_next(struct ipo *ipo, struct ipo_call *call, const struct record *from,
    struct sink *sink)
{
	const struct ipo_line *line = &ipo->line;

	ipo_call_add(call, line, ipo->options);
	ipo_call_own_texts(call);
	if (call->ambiguous) /* this record may know more */
		ipo_settle(ipo, call, from, sink);
	ipo_set_end(call, line);
	ipo_tick(ipo, call->end_us);
	if (!call->offered)
		ipo_note(line, call,
		    line->internal ? SLICE("internal") : SLICE("outbound"),
		    sink);
	ipo_take(ipo, call);
	call->heard_us = ipo->clock_us;
	if (line->more)
		ipo_put(ipo, call);
	else
		ipo_finish(ipo, call, true, sink);
}

/* Of a call that was counted without it. */
static void
ipo_note_late(struct ipo *ipo, struct sink *sink)
{
	ipo_call_begin(&ipo->call, &ipo->line, ipo->options);
	ipo->call.end_us = ipo->last_us;
	ipo_note(&ipo->line, &ipo->call, SLICE("late-segment"), sink);
}

/* A call that was told at the end of all goes on, and is over in its turn. */
static void
ipo_next_told(struct ipo *ipo, struct ipo_call *call, struct sink *sink)
{
	ipo_note_late(ipo, sink);
	ipo_take(ipo, call);
	if (ipo->line.more) {
		call->heard_us = ipo->clock_us;
		ipo_put(ipo, call);
	} else {
		ipo_call_free(call);
	}
}

/* A switch, or what lies between, pads with NULs: 161 before one record. */
static struct slice
ipo_without_nuls(struct ipo *ipo, struct slice record)
{
	size_t i;

	for (; record.n > 0 && *record.p == '\0'; record.n--)
		record.p++;
	if (record.n == 0 || memchr(record.p, '\0', record.n) == NULL)
		return record;
	strbuf_reset(&ipo->plain);
	for (i = 0; i < record.n; i++)
		if (record.p[i] != '\0')
			strbuf_addc(&ipo->plain, record.p[i]);
	return (struct slice){strbuf_str(&ipo->plain), ipo->plain.n};
}

static RT_HOT int
ipo_input(
    void *self, const struct record *from, struct sink *sink, const char **why)
{
	struct ipo *ipo = self;
	struct slice record = ipo_without_nuls(ipo, from->bytes);
	struct ipo_call *call;

	if (record.n > 0 && record.p[record.n - 1] == '\r')
		record.n--;
	if (record.n == 0)
		return 0;
	if (ipo_line_read(record, &ipo->line, why) < 0)
		return -1;
	call = ipo_find(ipo, ipo->line.start_s, ipo->line.id);
	if (call != NULL && RT_UNLIKELY(call->told)) {
		ipo_next_told(ipo, call, sink);
	} else if (call != NULL) {
		ipo_next(ipo, call, from, sink);
	} else if (RT_UNLIKELY(ipo_is_gone(ipo, &ipo->line))) {
		ipo_note_late(ipo, sink);
	} else {
		ipo_first(ipo, from, sink);
	}
	ipo_expire(ipo, sink);
	return 0;
}

/*
 * No line is waited for: calls are what is known of them, settled or not. Those
 * of which more was to come stay, so that it is known to be of them.
 */
static void
ipo_end(void *self, struct sink *sink)
{
	struct ipo *ipo = self;
	struct ipo_call *call;

	TAILQ_FOREACH (call, &ipo->open, link) {
		if (call->offered && !call->told)
			ipo_call_emit(call, sink);
		call->told |= call->offered;
	}
	while ((call = TAILQ_FIRST(&ipo->held)) != NULL)
		ipo_unhold(ipo, call, sink);
}

/* -- what is remembered ---------------------------------------------------- */

static void
ipo_save(void *self, struct strbuf *to)
{
	struct ipo *ipo = self;
	const struct ipo_fold *fold = &ipo->fold;
	struct ipo_call *call;
	unsigned i, gone = RT_MIN(ipo->n_gone, (unsigned)IPO_GONE);

	if (ipo->last_us == 0)
		return;
	pack_int(to, IPO_STATE_VERSION);
	pack_int(to, ipo->clock_us);
	pack_int(to, ipo->last_us);
	pack_int(to, fold->day);
	pack_int(to, fold->early_id);
	pack_int(to, fold->early_s);
	pack_int(to, fold->late_id);
	pack_int(to, fold->late_s);
	pack_int(to, fold->last_id);
	pack_int(to, fold->last_s);
	pack_int(to, ipo->n_gone);
	for (i = 0; i < gone; i++) {
		pack_int(to, ipo->gone[i].start_s);
		pack_int(to, ipo->gone[i].id);
	}
	pack_int(to, ipo->n_open);
	TAILQ_FOREACH (call, &ipo->open, link)
		ipo_call_save(call, &ipo->setup, to);
	pack_int(to, ipo->n_held);
	TAILQ_FOREACH (call, &ipo->held, link)
		ipo_call_save(call, &ipo->setup, to);
}

static bool
ipo_load_gone(struct ipo *ipo, struct slice *from)
{
	int64_t n, i;

	if (!unpack_int(from, &n) || n < 0 || n > 2 * IPO_GONE)
		return false;
	ipo->n_gone = (unsigned)n;
	for (i = 0; i < n && i < IPO_GONE; i++)
		if (!unpack_int(from, &ipo->gone[i].start_s) ||
		    !unpack_int(from, &ipo->gone[i].id))
			return false;
	return true;
}

static bool
ipo_load_head(struct ipo *ipo, struct slice *from)
{
	struct ipo_fold *fold = &ipo->fold;
	int64_t version;

	return unpack_int(from, &version) && version >= 1 &&
	    version <= IPO_STATE_VERSION && unpack_int(from, &ipo->clock_us) &&
	    unpack_int(from, &ipo->last_us) && unpack_int(from, &fold->day) &&
	    unpack_int(from, &fold->early_id) &&
	    unpack_int(from, &fold->early_s) &&
	    unpack_int(from, &fold->late_id) &&
	    unpack_int(from, &fold->late_s) &&
	    unpack_int(from, &fold->last_id) &&
	    unpack_int(from, &fold->last_s) && ipo_load_gone(ipo, from);
}

static bool
ipo_load_calls(struct ipo *ipo, struct slice *from, bool open)
{
	struct ipo_call *call;
	int64_t n;

	if (!unpack_int(from, &n) || n < 0 ||
	    n > (open ? IPO_OPEN_MAX : IPO_HELD_MAX))
		return false;
	for (; n > 0; n--) {
		call = ipo_call_load(from);
		if (call == NULL)
			return false;
		if (open) {
			ipo_put(ipo, call);
		} else {
			TAILQ_INSERT_TAIL(&ipo->held, call, link);
			ipo->n_held++;
		}
	}
	return true;
}

static int
ipo_load(void *self, struct slice from)
{
	struct ipo *ipo = self;

	ipo_reset(ipo);
	if (ipo_load_head(ipo, &from) && ipo_load_calls(ipo, &from, true) &&
	    ipo_load_calls(ipo, &from, false) && from.n == 0)
		return 0;
	ipo_reset(ipo);
	return -1;
}

const struct stage avaya_ipoffice_stage = {
    .name = "avaya-ipoffice",
    .kind = STAGE_FORMAT,
    .traits = STAGE_AFTERWARDS,
    .framing = FRAMING_LINES,
    .help = "Avaya IP Office SMDR, of all releases: 17 to 37 fields.",
    .options = ipo_options,
    .options_size = sizeof(struct ipo_options),
    .facts = STAGE_KNOWS(queue) | STAGE_KNOWS(wait) | STAGE_KNOWS(answer) |
	STAGE_KNOWS(agent) | STAGE_KNOWS(talk) | STAGE_KNOWS(timeout) |
	STAGE_KNOWS(transfer) | STAGE_KNOWS(caller),
    .open = ipo_open,
    .input = ipo_input,
    .save = ipo_save,
    .load = ipo_load,
    .finish = ipo_end,
    .close = ipo_close,
};
