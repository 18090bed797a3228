/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/utc.h"
#include "format/formats.h"
#include "rig.h"

/* --- setting up ----------------------------------------------------------- */

static void
rig_ended(void *ctx, struct visit *v)
{
	memstore_ended(ctx, v);
}

static void
rig_span(void *ctx, const struct session_span *span)
{
	memstore_span(ctx, span);
}

/* In place of the keyed hash: the number's first bytes, which can be read. */
static bool
rig_hash_caller(void *ctx, struct slice number, uint8_t hash[CALL_CALLER_BYTES])
{
	(void)ctx;
	memset(hash, 0, CALL_CALLER_BYTES);
	memcpy(hash, number.p, RT_MIN(number.n, CALL_CALLER_BYTES - 1));
	return true;
}

/* The memory of a process that has just started. */
static void
rig_start(struct rig *rig)
{
	const struct rig_config *c = &rig->config;
	struct tally_config tally = {
	    .interval_us = c->interval_minutes * 60 * USEC_PER_SEC,
	    .short_abandon_us = c->short_abandon_s * USEC_PER_SEC,
	    .max_queues = (uint32_t)c->max_queues,
	    .max_agents = (uint32_t)c->max_agents,
	    .keep_us = c->keep_hours * 3600 * USEC_PER_SEC};
	struct machine_config machine = {
	    .lost_after_us = c->lost_after_s * USEC_PER_SEC,
	    .max_open = (uint32_t)c->max_open,
	    .ended = rig_ended,
	    .span = rig_span,
	    .hash_caller = rig_hash_caller,
	    .ctx = &rig->store,
	    .persistent = true};
	struct err err;
	size_t i;

	tally_init(&rig->tally, &tally);
	for (i = 0; i < c->n_aliases; i++)
		tally_alias_add(
		    &rig->tally, c->alias[i].name, c->alias[i].agent);
	machine_init(&rig->machine, &machine, &rig->tally);
	memstore_load(&rig->store, &rig->machine);
	if (intake_init(&rig->intake, "test", 0,
		c->format != NULL ? c->format : &asterisk_queue_log_stage, NULL,
		&rig->machine, &err) < 0)
		BUG("%s", err.text);
	rig->intake.envelope = c->envelope;
	BUG_ON(intake_load(&rig->intake,
		   (struct slice){
		       strbuf_str(&rig->store.state), rig->store.state.n}) < 0);
	intake_resume(&rig->intake,
	    &(struct position){.file_no = rig->store.file_no,
		.skipping = rig->store.skipping});
	rig->file_no = rig->store.file_no;
	rig->taken = rig->file[rig->file_no - 1] + (size_t)rig->store.offset;
}

static void
rig_stop(struct rig *rig)
{
	intake_fini(&rig->intake);
	machine_fini(&rig->machine);
	tally_fini(&rig->tally);
}

void
rig_init(struct rig *rig, const struct rig_config *config)
{
	*rig = (struct rig){.config = *config, .log = STRBUF_INIT};
	rig->store.file_no = 1;
	rig->file = mem_zalloc(sizeof(*rig->file));
	rig->n_files = 1;
	rig_start(rig);
}

void
rig_fini(struct rig *rig)
{
	rig_stop(rig);
	memstore_fini(&rig->store);
	strbuf_fini(&rig->log);
	free(rig->file);
}

/* --- playing -------------------------------------------------------------- */

void
rig_write(struct rig *rig, struct slice bytes)
{
	strbuf_add(&rig->log, bytes.p, bytes.n);
}

void
rig_rotate(struct rig *rig)
{
	rig->file =
	    mem_realloc(rig->file, rig->n_files + 1, sizeof(*rig->file));
	rig->file[rig->n_files++] = rig->log.n;
}

/* One offer, as a transport makes it; true: the file ended, read the next. */
static bool
rig_offer(struct rig *rig, size_t upto)
{
	static struct position position = {.path = "queue_log"};
	size_t begin = rig->file[rig->file_no - 1];
	bool last =
	    rig->file_no < rig->n_files && rig->file[rig->file_no] <= upto;
	size_t end = last ? rig->file[rig->file_no] : upto;
	size_t n;

	position.file_no = rig->file_no;
	position.offset = (int64_t)(rig->taken - begin);
	/* the transport offers no bytes that are not there */
	n = end == rig->taken
	    ? 0
	    : intake_bytes(&rig->intake, &position,
		  strbuf_str(&rig->log) + rig->taken, end - rig->taken, last);
	BUG_ON(n > end - rig->taken || (last && n != end - rig->taken));
	rig->taken += n;
	rig->file_no += last;
	return last;
}

void
rig_read(struct rig *rig, size_t upto)
{
	BUG_ON(upto < rig->taken || upto > rig->log.n);
	while (rig_offer(rig, upto))
		;
}

bool
rig_cut(struct rig *rig, struct strbuf *why)
{
	memstore_cut(&rig->store, &rig->intake, rig->file_no,
	    (int64_t)(rig->taken - rig->file[rig->file_no - 1]));
	return memstore_agrees(&rig->store, &rig->machine, why);
}

void
rig_crash(struct rig *rig)
{
	rig_stop(rig);
	memstore_crash(&rig->store);
	rig_start(rig);
}

/* --- what must hold ------------------------------------------------------- */

static const enum measure rig_outcomes[] = {MEASURE_answered, MEASURE_abandoned,
    MEASURE_timed_out, MEASURE_exited_key, MEASURE_exited_empty,
    MEASURE_withdrawn, MEASURE_refused, MEASURE_lost};

static struct cell *
rig_memory_cell(struct rig *rig, const struct mem_cell *row)
{
	struct slice name = slice_of(row->key.a);
	struct queue *queue;
	struct cell *cell = NULL;

	HASH_FIND(hh, rig->tally.queues, name.p, name.n, queue);
	if (queue != NULL)
		HASH_FIND(hh, queue->cells, &row->key.number,
		    sizeof(row->key.number), cell);
	return cell;
}

/*
 * Whether the waits are those of all. Only a summary may leave its wait out,
 * and of what is played here only our own format tells summaries of any kind.
 */
static bool
rig_waits_hold(const struct rig *rig, const struct hist *waits, int64_t visits)
{
	if (rig->config.format == &ringtally_json_stage)
		return hist_total(waits) <= visits;
	return hist_total(waits) == visits;
}

static bool
rig_cell_holds(struct rig *rig, const struct mem_cell *row, struct strbuf *why)
{
	const struct mem_figures *f = &row->seen;
	const struct cell *cell = rig_memory_cell(rig, row);
	int64_t sum = cell != NULL ? cell->waiting : 0;
	char room[UTC_ISO_MAX];
	const char *what = NULL;
	size_t i;

	for (i = 0; i < RT_COUNT(rig_outcomes); i++)
		sum += f->v[rig_outcomes[i]];
	if (sum != f->v[MEASURE_offered])
		what = "offered is not the sum of outcomes and waiting";
	if (!rig_waits_hold(rig, &f->answered, f->v[MEASURE_answered]))
		what = "wait_answered_hist does not add up to answered";
	if (!rig_waits_hold(rig, &f->abandoned, f->v[MEASURE_abandoned]))
		what = "wait_abandoned_hist does not add up to abandoned";
	if (f->v[MEASURE_abandoned_short] > f->v[MEASURE_abandoned] ||
	    f->v[MEASURE_transferred] > f->v[MEASURE_answered])
		what = "a part is greater than its whole";
	for (i = 0; i < MEASURES; i++)
		if (f->v[i] < 0)
			what = measure_rows[i].name;
	if (what != NULL)
		strbuf_addf(why, "queue %s %s: %s (offered %" PRId64 ")",
		    row->key.a, utc_iso(room, sizeof(room), row->key.number),
		    what, f->v[MEASURE_offered]);
	return what == NULL;
}

/* The gauges of a cell against the lists of visits that they come from. */
static bool
rig_gauges_hold(struct rig *rig, struct strbuf *why)
{
	struct queue *queue, *next_queue;
	struct cell *cell, *next;
	struct visit *v;
	uint64_t visits = 0, waiting = 0, n;
	int64_t last_us;
	int i;

	HASH_ITER (hh, rig->tally.queues, queue, next_queue)
		HASH_ITER (hh, queue->cells, cell, next) {
			visits += cell->visits;
			waiting += cell->waiting;
			if (cell->waiting > cell->visits)
				strbuf_adds(why, "more waiting than visits");
		}
	for (i = 0; i < VISIT_STATES; i++) {
		n = 0;
		last_us = 0;
		TAILQ_FOREACH (v, &rig->machine.states[i], list) {
			n++;
			visits -= v->cell != NULL;
			waiting -= v->state == VISIT_WAITING;
			if ((v->cell == NULL) != (v->state == VISIT_EARLY))
				strbuf_adds(why, "a visit of no cell");
			/* but for the mark of a leap that was none */
			if (v->touched_us < last_us - 1)
				strbuf_addf(why, "%s: not by touched_us",
				    visit_state_name((enum visit_state)i));
			last_us = v->touched_us;
		}
		if (n != rig->machine.in_state[i])
			strbuf_adds(why, "in_state is not the list's length");
	}
	if (visits != 0 || waiting != 0)
		strbuf_adds(why, "cells count other visits than the lists");
	if (rig->machine.visit_pool.used > rig->machine.config.max_open)
		strbuf_adds(why, "more visits than max_open");
	return why->n == 0;
}

bool
rig_holds(struct rig *rig, struct strbuf *why)
{
	struct mem_cell *row, *next;

	memstore_look(&rig->store, &rig->intake);
	HASH_ITER (hh, rig->store.cells, row, next)
		if (!rig_cell_holds(rig, row, why))
			return false;
	return rig_gauges_hold(rig, why);
}

/* --- the state as text ---------------------------------------------------- */

struct rig_lines {
	char **line;
	size_t n, cap;
};

static void
rig_line(struct rig_lines *lines, struct strbuf *text)
{
	if (lines->n == lines->cap) {
		lines->cap = lines->cap * 2 + 64;
		lines->line =
		    mem_realloc(lines->line, lines->cap, sizeof(*lines->line));
	}
	lines->line[lines->n++] = mem_strdup(strbuf_str(text));
	strbuf_reset(text);
}

static int
rig_compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
rig_lines_write(struct rig_lines *lines, struct strbuf *to)
{
	size_t i;

	if (lines->n > 0)
		qsort(lines->line, lines->n, sizeof(*lines->line),
		    rig_compare_lines);
	for (i = 0; i < lines->n; i++) {
		strbuf_addf(to, "%s\n", lines->line[i]);
		free(lines->line[i]);
	}
	free(lines->line);
}

static void
rig_hist_write(struct strbuf *to, const char *name, const struct hist *h)
{
	int i;

	for (i = 0; i < h->count; i++)
		if (h->bin[i] != 0)
			strbuf_addf(
			    to, " %s[%d]=%d", name, h->low + i, h->bin[i]);
}

static void
rig_queues_write(struct rig *rig, struct rig_lines *lines)
{
	struct strbuf text = STRBUF_INIT;
	struct mem_cell *row, *next;
	char room[UTC_ISO_MAX];
	size_t length;
	int i;

	HASH_ITER (hh, rig->store.cells, row, next) {
		const struct cell *cell = rig_memory_cell(rig, row);

		strbuf_addf(&text, "queue %s %s", row->key.a,
		    utc_iso(room, sizeof(room), row->key.number));
		length = text.n;
		for (i = 0; i < MEASURES; i++)
			if (row->seen.v[i] != 0)
				strbuf_addf(&text, " %s=%" PRId64,
				    measure_rows[i].name, row->seen.v[i]);
		if (cell != NULL && cell->waiting > 0)
			strbuf_addf(&text, " waiting=%" PRIu32, cell->waiting);
		rig_hist_write(&text, "answered", &row->seen.answered);
		rig_hist_write(&text, "abandoned", &row->seen.abandoned);
		if (text.n > length)
			rig_line(lines, &text);
		strbuf_reset(&text);
	}
	strbuf_fini(&text);
}

static bool
rig_is_session_measure(int m)
{
	return m == AGENT_login_ms || m == AGENT_pause_ms;
}

static void
rig_agents_write(struct rig *rig, struct rig_lines *lines, unsigned parts)
{
	struct strbuf text = STRBUF_INIT;
	struct mem_agent_cell *row, *next;
	char room[UTC_ISO_MAX];
	size_t length;
	int i;

	HASH_ITER (hh, rig->store.agent_cells, row, next) {
		strbuf_addf(&text, "agent %s in %s %s", row->key.a,
		    row->key.b[0] != '\0' ? row->key.b : "whole",
		    utc_iso(room, sizeof(room), row->key.number));
		length = text.n;
		for (i = 0; i < AGENT_MEASURES; i++)
			if (row->seen[i] != 0 &&
			    (parts &
				(rig_is_session_measure(i) ? RIG_SESSIONS
							   : RIG_AGENTS)) != 0)
				strbuf_addf(&text, " %s=%" PRId64,
				    agent_measure_rows[i].name, row->seen[i]);
		if (text.n > length)
			rig_line(lines, &text);
		strbuf_reset(&text);
	}
	strbuf_fini(&text);
}

static void
rig_sessions_write(struct rig *rig, struct rig_lines *lines)
{
	struct strbuf text = STRBUF_INIT;
	struct agent_session *s;
	struct mem_session row;

	TAILQ_FOREACH (s, &rig->machine.sessions.all, list) {
		if (session_is_over(s))
			continue; /* freed with the next cut */
		mem_session_of(&rig->store, s, &row);
		mem_session_write(&text, &row);
		rig_line(lines, &text);
	}
	strbuf_fini(&text);
}

static void
rig_visits_write(struct rig *rig, struct rig_lines *lines)
{
	struct strbuf text = STRBUF_INIT;
	struct mem_visit row;
	struct visit *v;
	size_t i;

	for (i = 0; i < VISIT_STATES; i++)
		TAILQ_FOREACH (v, &rig->machine.states[i], list) {
			mem_visit_of(&rig->store, v, &row);
			strbuf_adds(&text, "memory: ");
			mem_visit_write(&text, &row);
			rig_line(lines, &text);
		}
	for (i = 0; i < rig->store.n_ended; i++) {
		strbuf_adds(&text, "ended: ");
		mem_visit_write(&text, &rig->store.ended[i]);
		rig_line(lines, &text);
	}
	strbuf_fini(&text);
}

static void
rig_quality_write(struct rig *rig, struct rig_lines *lines)
{
	struct strbuf text = STRBUF_INIT;
	struct mem_counters *row, *next;
	char room[UTC_ISO_MAX];
	int i;

	HASH_ITER (hh, rig->store.counters, row, next)
		for (i = 0; i < COUNTERS; i++) {
			if (row->seen.v[i] == 0)
				continue;
			strbuf_addf(&text, "counter %s %s=%" PRIu64,
			    utc_iso(room, sizeof(room), row->key.number),
			    counter_rows[i].name, row->seen.v[i]);
			rig_line(lines, &text);
		}
	strbuf_addf(&text,
	    "clock %" PRId64 " leap %" PRId64 " sessions %" PRId64
	    " taken %zu%s",
	    rig->machine.clock_us, rig->machine.leap_us,
	    rig->machine.sessions.clock_us, rig->taken,
	    intake_is_skipping(&rig->intake, rig->file_no) ? " skipping" : "");
	rig_line(lines, &text);
	strbuf_fini(&text);
}

static void
rig_names_write(struct rig *rig, struct rig_lines *lines)
{
	struct strbuf text = STRBUF_INIT;
	struct mem_name *name, *next_name;

	HASH_ITER (hh, rig->store.names, name, next_name) {
		if (name->seen == 0)
			continue;
		strbuf_addf(&text, "event %s %s=%" PRIu64, name->key.a,
		    name->unknown ? "unknown" : "known", name->seen);
		rig_line(lines, &text);
	}
	strbuf_fini(&text);
}

void
rig_write_state(struct rig *rig, struct strbuf *to, unsigned parts)
{
	struct rig_lines lines = {0};

	memstore_look(&rig->store, &rig->intake);
	if ((parts & RIG_QUEUES) != 0)
		rig_queues_write(rig, &lines);
	if ((parts & (RIG_AGENTS | RIG_SESSIONS)) != 0)
		rig_agents_write(rig, &lines, parts);
	if ((parts & RIG_SESSIONS) != 0)
		rig_sessions_write(rig, &lines);
	if ((parts & RIG_VISITS) != 0)
		rig_visits_write(rig, &lines);
	if ((parts & RIG_QUALITY) != 0)
		rig_quality_write(rig, &lines);
	if ((parts & RIG_NAMES) != 0)
		rig_names_write(rig, &lines);
	rig_lines_write(&lines, to);
}

static struct slice
rig_next_line(const char **p)
{
	const char *end = strchr(*p, '\n');
	struct slice line = {*p, end != NULL ? (size_t)(end - *p) : strlen(*p)};

	*p += line.n + (end != NULL);
	return line;
}

const char *
rig_difference(const char *state, const char *other, struct strbuf *room)
{
	while (*state != '\0' || *other != '\0') {
		struct slice a = rig_next_line(&state);
		struct slice b = rig_next_line(&other);

		if (slice_eq(a, b))
			continue;
		strbuf_addf(room, "\"%.*s\" against \"%.*s\"", SLICE_FMT(a),
		    SLICE_FMT(b));
		return strbuf_str(room);
	}
	return NULL;
}

uint64_t
rig_roll(uint64_t *seed, uint64_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (*seed >> 11) % below;
}
