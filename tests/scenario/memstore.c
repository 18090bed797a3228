/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/utc.h"
#include "memstore.h"

struct mem_text {
	UT_hash_handle hh;
	char text[];
};

const char *
memstore_intern(struct memstore *store, struct slice s)
{
	struct mem_text *text;

	HASH_FIND(hh, store->texts, s.p, s.n, text);
	if (text != NULL)
		return text->text;
	text = mem_zalloc(sizeof(*text) + s.n + 1);
	memcpy(text->text, s.p, s.n);
	HASH_ADD_KEYPTR(hh, store->texts, text->text, s.n, text);
	return text->text;
}

/* The row of that key in a table, made when new. */
#define ROW_GET(table, row, key_)                                  \
	do {                                                       \
		struct mem_key key__ = (key_);                     \
                                                                   \
		HASH_FIND(hh, table, &key__, sizeof(key__), row);  \
		if ((row) != NULL)                                 \
			break;                                     \
		(row) = mem_zalloc(sizeof(*(row)));                \
		(row)->key = key__;                                \
		HASH_ADD(hh, table, key, sizeof((row)->key), row); \
	} while (0)

#define ROWS_FREE(table, row, next)        \
	HASH_ITER (hh, table, row, next) { \
		HASH_DEL(table, row);      \
		free(row);                 \
	}

static void
mem_figures_fini(struct mem_figures *f)
{
	hist_fini(&f->answered);
	hist_fini(&f->abandoned);
}

void
memstore_fini(struct memstore *store)
{
	struct mem_cell *cell, *next_cell;
	struct mem_agent_cell *agent, *next_agent;
	struct mem_counters *counters, *next_counters;
	struct mem_name *name, *next_name;
	struct mem_visit *visit, *next_visit;
	struct mem_session *session, *next_session;
	struct mem_text *text, *next_text;

	strbuf_fini(&store->state);
	HASH_ITER (hh, store->cells, cell, next_cell) {
		mem_figures_fini(&cell->kept);
		mem_figures_fini(&cell->seen);
	}
	ROWS_FREE(store->cells, cell, next_cell);
	ROWS_FREE(store->agent_cells, agent, next_agent);
	ROWS_FREE(store->counters, counters, next_counters);
	ROWS_FREE(store->names, name, next_name);
	ROWS_FREE(store->open, visit, next_visit);
	ROWS_FREE(store->sessions, session, next_session);
	ROWS_FREE(store->texts, text, next_text);
	free(store->ended);
	free(store->spans);
	free(store->queues);
	free(store->agents);
}

/* --- rows of what the pipeline has --------------------------------------- */

static const char *
memstore_queue(struct memstore *store, const struct queue *queue)
{
	if (queue == NULL)
		return memstore_intern(store, SLICE(""));
	return memstore_intern(
	    store, (struct slice){queue->name, queue->name_len});
}

static const char *
memstore_agent(struct memstore *store, const struct agent *agent)
{
	if (agent == NULL)
		return memstore_intern(store, SLICE(""));
	return memstore_intern(
	    store, (struct slice){agent->name, agent->name_len});
}

struct mem_cell *
memstore_cell(struct memstore *store, const char *queue, int64_t starts_us)
{
	struct mem_key key = {
	    .number = starts_us, .a = memstore_intern(store, slice_of(queue))};
	struct mem_cell *cell;

	ROW_GET(store->cells, cell, key);
	return cell;
}

struct mem_agent_cell *
memstore_agent_cell(struct memstore *store, const char *agent,
    const char *queue, int64_t starts_us)
{
	struct mem_key key = {.number = starts_us,
	    .a = memstore_intern(store, slice_of(agent)),
	    .b = memstore_intern(store, slice_of(queue))};
	struct mem_agent_cell *cell;

	ROW_GET(store->agent_cells, cell, key);
	return cell;
}

static struct mem_cell *
memstore_cell_of(struct memstore *store, const struct cell *cell)
{
	return memstore_cell(
	    store, memstore_queue(store, cell->queue), cell->starts_us);
}

static struct mem_agent_cell *
memstore_agent_cell_of(struct memstore *store, const struct agent_cell *cell)
{
	return memstore_agent_cell(store, memstore_agent(store, cell->agent),
	    memstore_queue(store, cell->queue), cell->key.starts_us);
}

static struct mem_counters *
memstore_counters(struct memstore *store, int64_t starts_us)
{
	struct mem_counters *counters;

	ROW_GET(
	    store->counters, counters, ((struct mem_key){.number = starts_us}));
	return counters;
}

static struct mem_name *
memstore_name(struct memstore *store, const char *name)
{
	struct mem_key key = {.a = memstore_intern(store, slice_of(name))};
	struct mem_name *row;

	ROW_GET(store->names, row, key);
	return row;
}

void
mem_visit_of(
    struct memstore *store, const struct visit *v, struct mem_visit *row)
{
	struct slice id = {v->call->id, v->call->id_len};

	memset(row, 0, sizeof(*row));
	row->key.a = memstore_intern(store, id);
	row->key.number = v->number;
	row->queue = memstore_queue(store, v->queue);
	row->agent = memstore_agent(store, v->agent);
	row->visit = *v;
	row->starts_us = v->cell != NULL ? v->cell->starts_us : INT64_MIN;
	row->visit.next = NULL;
	row->visit.call = NULL;
	row->visit.queue = NULL;
	row->visit.agent = NULL;
	row->visit.cell = NULL;
}

void
mem_session_of(struct memstore *store, const struct agent_session *s,
    struct mem_session *row)
{
	memset(row, 0, sizeof(*row));
	row->key.a = memstore_agent(store, s->agent);
	row->key.b = memstore_queue(store, s->queue);
	row->login_us = s->logged_in ? s->login_us : 0;
	row->pause_us = s->paused ? s->pause_us : 0;
	row->logoff_us = s->logoff_us;
	row->reason = memstore_intern(store, slice_of(s->reason));
}

static void
mem_time_write(struct strbuf *to, const char *what, int64_t t_us)
{
	char room[UTC_ISO_MAX];

	if (t_us != 0)
		strbuf_addf(
		    to, " %s=%s", what, utc_iso(room, sizeof(room), t_us));
}

void
mem_visit_write(struct strbuf *to, const struct mem_visit *row)
{
	const struct visit *v = &row->visit;
	size_t i;

	strbuf_addf(to, "visit %s/%" PRId64 " %s queue=%s outcome=%s",
	    row->key.a, row->key.number, visit_state_name(v->state), row->queue,
	    outcome_name(v->outcome));
	mem_time_write(to, "entered", v->entered_us);
	mem_time_write(to, "answered", v->answered_us);
	mem_time_write(to, "ended", v->ended_us);
	mem_time_write(to, "touched", v->touched_us);
	strbuf_addf(to,
	    " wait_ms=%" PRId64 " talk_ms=%" PRId64 " at=%" PRIu32 ":%" PRId64
	    " agent=%s reason=%s%s%s",
	    v->wait_ms, v->talk_ms, v->file_no, v->offset, row->agent,
	    v->reason, v->transferred ? " transferred" : "",
	    v->answer_derived ? " derived" : "");
	if (v->has_caller)
		strbuf_adds(to, " caller=");
	for (i = 0; v->has_caller && i < sizeof(v->caller); i++)
		strbuf_addf(to, "%02x", v->caller[i]);
}

void
mem_session_write(struct strbuf *to, const struct mem_session *row)
{
	strbuf_addf(to, "session %s in %s", row->key.a,
	    row->key.b[0] != '\0' ? row->key.b : "whole");
	mem_time_write(to, "login", row->login_us);
	mem_time_write(to, "pause", row->pause_us);
	mem_time_write(to, "logoff", row->logoff_us);
	strbuf_addf(to, " reason=%s", row->reason);
}

/* --- the cut -------------------------------------------------------------- */

static void
memstore_know(const char ***names, size_t *n, const char *name)
{
	size_t i;

	if (name[0] == '\0')
		return;
	for (i = 0; i < *n; i++)
		if ((*names)[i] == name)
			return;
	*names = mem_realloc(*names, *n + 1, sizeof(**names));
	(*names)[(*n)++] = name;
}

static void
memstore_know_both(struct memstore *store, const char *queue, const char *agent)
{
	memstore_know(&store->queues, &store->n_queues, queue);
	memstore_know(&store->agents, &store->n_agents, agent);
}

static void
mem_figures_add(struct mem_figures *to, const struct cell *cell)
{
	int i;

	for (i = 0; i < MEASURES; i++)
		if (measure_kind((enum measure)i) == MEASURE_KIND_MAX)
			to->v[i] = RT_MAX(to->v[i], cell->v[i]);
		else
			to->v[i] += cell->v[i];
	hist_merge(&to->answered, &cell->wait_answered);
	hist_merge(&to->abandoned, &cell->wait_abandoned);
}

static void
memstore_take_cell(void *ctx, const struct cell *cell)
{
	struct memstore *store = ctx;
	struct mem_cell *row = memstore_cell_of(store, cell);

	memstore_know_both(store, row->key.a, "");
	mem_figures_add(&row->kept, cell);
}

static void
memstore_take_agent_cell(void *ctx, const struct agent_cell *cell)
{
	struct memstore *store = ctx;
	struct mem_agent_cell *row = memstore_agent_cell_of(store, cell);
	int i;

	memstore_know_both(store, row->key.b, row->key.a);
	for (i = 0; i < AGENT_MEASURES; i++)
		row->kept[i] += cell->v[i];
}

static void
memstore_take_changed(void *ctx, const struct visit *v)
{
	struct memstore *store = ctx;
	struct mem_visit made, *row;

	mem_visit_of(store, v, &made);
	memstore_know_both(store, made.queue, made.agent);
	ROW_GET(store->open, row, made.key);
	row->visit = made.visit;
	row->starts_us = made.starts_us;
	row->queue = made.queue;
	row->agent = made.agent;
}

static void
memstore_take_gone(void *ctx, const struct visit_key *gone)
{
	struct memstore *store = ctx;
	struct mem_key key = {.number = gone->number,
	    .a =
		memstore_intern(store, (struct slice){gone->id, gone->id_len})};
	struct mem_visit *row;

	HASH_FIND(hh, store->open, &key, sizeof(key), row);
	if (row == NULL)
		return; /* it was never committed; SQL deletes no row */
	HASH_DEL(store->open, row);
	free(row);
}

static void
memstore_take_session(void *ctx, const struct agent_session *s)
{
	struct memstore *store = ctx;
	struct mem_session made, *row;

	mem_session_of(store, s, &made);
	memstore_know_both(store, made.key.b, made.key.a);
	ROW_GET(store->sessions, row, made.key);
	if (session_is_over(s)) {
		HASH_DEL(store->sessions, row);
		free(row);
		return;
	}
	row->login_us = made.login_us;
	row->pause_us = made.pause_us;
	row->logoff_us = made.logoff_us;
	row->reason = made.reason;
}

static void
memstore_take_counters(void *ctx, const struct intake_cell *cell)
{
	struct memstore *store = ctx;
	struct mem_counters *row = memstore_counters(store, cell->starts_us);
	int i;

	/* one statement of SQL can not write a row twice */
	BUG_ON(row->cut == store->cuts);
	row->cut = store->cuts;
	for (i = 0; i < COUNTERS; i++)
		row->kept.v[i] += cell->counters.v[i];
}

static void
memstore_take_name(void *ctx, const struct name_count *name)
{
	struct mem_name *row = memstore_name(ctx, name->name);

	row->last_us = row->kept == 0 ? name->last_us
				      : RT_MAX(row->last_us, name->last_us);
	row->kept += name->count;
	row->unknown = name->unknown;
}

static void
memstore_take_misnamed(struct memstore *store)
{
	struct mem_session *s, *next;

	HASH_ITER (hh, store->sessions, s, next)
		if (s->misnamed) {
			HASH_DEL(store->sessions, s);
			free(s);
		}
}

void
memstore_cut(
    struct memstore *store, struct intake *in, uint32_t file_no, int64_t offset)
{
	struct machine *m = in->machine;

	store->cuts++;
	tally_take(m->tally, memstore_take_cell, memstore_take_agent_cell,
	    store, m->clock_us);
	/* what is gone first: its key may have been given anew */
	machine_take(m, memstore_take_changed, memstore_take_gone, store);
	memstore_take_misnamed(store);
	sessions_take(&m->sessions, memstore_take_session, store);
	intake_take(in, memstore_take_counters, store);
	names_take(&in->names, memstore_take_name, store);
	store->n_ended_kept = store->n_ended;
	store->n_spans_kept = store->n_spans;
	store->file_no = file_no;
	store->offset = offset;
	store->skipping = intake_is_skipping(in, file_no);
	store->clock_us = m->clock_us;
	store->leap_us = m->leap_us;
	strbuf_reset(&store->state);
	intake_save(in, &store->state);
}

void
memstore_ended(struct memstore *store, const struct visit *v)
{
	if (store->n_ended == store->cap_ended) {
		store->cap_ended = store->cap_ended * 2 + 16;
		store->ended = mem_realloc(
		    store->ended, store->cap_ended, sizeof(*store->ended));
	}
	mem_visit_of(store, v, &store->ended[store->n_ended++]);
}

void
memstore_span(struct memstore *store, const struct session_span *span)
{
	struct mem_span *row;

	if (store->n_spans == store->cap_spans) {
		store->cap_spans = store->cap_spans * 2 + 16;
		store->spans = mem_realloc(
		    store->spans, store->cap_spans, sizeof(*store->spans));
	}
	row = &store->spans[store->n_spans++];
	row->agent = memstore_agent(store, span->agent);
	row->queue = memstore_queue(store, span->queue);
	row->span = *span;
	row->span.agent = NULL;
	row->span.queue = NULL;
	row->span.reason = NULL;
	memstore_know_both(store, row->queue, row->agent);
}

/* --- crash and load ------------------------------------------------------- */

void
memstore_crash(struct memstore *store)
{
	store->n_ended = store->n_ended_kept;
	store->n_spans = store->n_spans_kept;
}

/* As the database would: by touched_at, and nothing else is promised. */
static int
memstore_by_touched(struct mem_visit *a, struct mem_visit *b)
{
	int order;

	if (a->visit.touched_us != b->visit.touched_us)
		return a->visit.touched_us < b->visit.touched_us ? -1 : 1;
	order = strcmp(a->key.a, b->key.a);
	return order != 0 ? order : (a->key.number < b->key.number ? -1 : 1);
}

/* The names first, so that those above the cap stay above it. */
static void
memstore_load_names(struct memstore *store, struct tally *t)
{
	size_t i;

	for (i = 0; i < store->n_queues; i++)
		if (strcmp(store->queues[i], "other") != 0)
			tally_queue(t, slice_of(store->queues[i]));
	for (i = 0; i < store->n_agents; i++)
		if (strcmp(store->agents[i], "other") != 0)
			tally_agent(t, slice_of(store->agents[i]));
}

static void
memstore_load_visit(struct machine *m, const struct mem_visit *row)
{
	struct cell cell = {.starts_us = row->starts_us};
	struct visit like = row->visit;

	if (row->starts_us != INT64_MIN)
		like.cell = &cell;
	machine_restore(m, &like, slice_of(row->key.a), slice_of(row->queue),
	    slice_of(row->agent));
}

void
memstore_load(struct memstore *store, struct machine *m)
{
	struct mem_visit *visit, *next;
	struct mem_session *s, *next_session;

	machine_restore_clock(m, store->clock_us, store->leap_us, 0);
	memstore_load_names(store, m->tally);
	HASH_SORT(store->open, memstore_by_touched);
	HASH_ITER (hh, store->open, visit, next)
		memstore_load_visit(m, visit);
	HASH_ITER (hh, store->sessions, s, next_session)
		s->misnamed = !sessions_restore(&m->sessions, m->tally,
		    slice_of(s->key.a), slice_of(s->key.b), s->login_us,
		    s->pause_us, s->logoff_us, slice_of(s->reason),
		    m->sessions.clock_us);
}

/* --- looking -------------------------------------------------------------- */

static void
memstore_look_kept(struct memstore *store)
{
	struct mem_cell *cell, *next_cell;
	struct mem_agent_cell *agent, *next_agent;
	struct mem_counters *counters, *next_counters;
	struct mem_name *name, *next_name;

	HASH_ITER (hh, store->cells, cell, next_cell) {
		memcpy(cell->seen.v, cell->kept.v, sizeof(cell->seen.v));
		hist_reset(&cell->seen.answered);
		hist_reset(&cell->seen.abandoned);
		hist_merge(&cell->seen.answered, &cell->kept.answered);
		hist_merge(&cell->seen.abandoned, &cell->kept.abandoned);
	}
	HASH_ITER (hh, store->agent_cells, agent, next_agent)
		memcpy(agent->seen, agent->kept, sizeof(agent->seen));
	HASH_ITER (hh, store->counters, counters, next_counters)
		counters->seen = counters->kept;
	HASH_ITER (hh, store->names, name, next_name)
		name->seen = name->kept;
}

/* A tally that spans are cut with; its names are the store's. */
struct mem_cutter {
	struct memstore *store;
	struct tally tally;
};

static void
memstore_cut_span(void *ctx, const struct session_span *span)
{
	struct mem_cutter *cutter = ctx;
	struct session_span copy = *span;

	copy.agent = tally_agent(&cutter->tally,
	    slice_of(memstore_agent(cutter->store, span->agent)));
	if (span->queue != NULL)
		copy.queue = tally_queue(&cutter->tally,
		    slice_of(memstore_queue(cutter->store, span->queue)));
	session_span_book(&cutter->tally, &copy);
}

/* What SQL's agent_interval does with agent_span and agent_session. */
static void
memstore_look_spans(struct memstore *store, const struct machine *m)
{
	struct mem_cutter cutter = {.store = store};
	struct tally_config config = m->tally->config;
	struct agent_cell *cell, *next;
	size_t i;
	int k;

	config.max_queues = config.max_agents = UINT32_MAX;
	tally_init(&cutter.tally, &config);
	for (i = 0; i < store->n_spans; i++) {
		const struct mem_span *row = &store->spans[i];
		struct session_span span = row->span;

		span.agent = tally_agent(&cutter.tally, slice_of(row->agent));
		if (row->queue[0] != '\0')
			span.queue =
			    tally_queue(&cutter.tally, slice_of(row->queue));
		session_span_book(&cutter.tally, &span);
	}
	sessions_running(&m->sessions, memstore_cut_span, &cutter);
	HASH_ITER (hh, cutter.tally.agent_cells, cell, next)
		for (k = 0; k < AGENT_MEASURES; k++)
			memstore_agent_cell_of(store, cell)->seen[k] +=
			    cell->v[k];
	tally_fini(&cutter.tally);
}

static void
memstore_look_tally(struct memstore *store, const struct tally *t)
{
	struct agent_cell *agent_cell, *next_agent;
	struct queue *queue, *next_queue;
	struct cell *cell, *next;
	struct mem_agent_cell *row;
	int i;

	HASH_ITER (hh, t->queues, queue, next_queue)
		HASH_ITER (hh, queue->cells, cell, next)
			mem_figures_add(
			    &memstore_cell_of(store, cell)->seen, cell);
	HASH_ITER (hh, t->agent_cells, agent_cell, next_agent) {
		row = memstore_agent_cell_of(store, agent_cell);
		for (i = 0; i < AGENT_MEASURES; i++)
			row->seen[i] += agent_cell->v[i];
	}
}

void
memstore_look(struct memstore *store, const struct intake *in)
{
	struct name_count *name, *next;
	struct intake_cell *cell, *next_cell;
	struct mem_counters *row;
	int i;

	memstore_look_kept(store);
	memstore_look_tally(store, in->machine->tally);
	memstore_look_spans(store, in->machine);
	HASH_ITER (hh, in->cells, cell, next_cell) {
		row = memstore_counters(store, cell->starts_us);
		for (i = 0; i < COUNTERS; i++)
			row->seen.v[i] += cell->counters.v[i];
	}
	HASH_ITER (hh, in->names.table, name, next) {
		struct mem_name *seen = memstore_name(store, name->name);

		if (name->count == 0)
			continue;
		if (seen->seen == 0)
			seen->unknown = name->unknown;
		seen->seen += name->count;
	}
}

/* --- does it agree? ------------------------------------------------------- */

static bool
memstore_has_visit(
    struct memstore *store, const struct visit *v, struct strbuf *why)
{
	struct strbuf held = STRBUF_INIT, now = STRBUF_INIT;
	struct mem_visit made, *row;
	bool same;

	mem_visit_of(store, v, &made);
	HASH_FIND(hh, store->open, &made.key, sizeof(made.key), row);
	mem_visit_write(&now, &made);
	if (row != NULL)
		mem_visit_write(&held, row);
	same = strcmp(strbuf_str(&now), strbuf_str(&held)) == 0;
	if (!same)
		strbuf_addf(why, "in memory: %s; stored: %s", strbuf_str(&now),
		    row != NULL ? strbuf_str(&held) : "no row");
	strbuf_fini(&held);
	strbuf_fini(&now);
	return same;
}

static bool
memstore_has_session(
    struct memstore *store, const struct agent_session *s, struct strbuf *why)
{
	struct mem_session made, *row;

	mem_session_of(store, s, &made);
	HASH_FIND(hh, store->sessions, &made.key, sizeof(made.key), row);
	if (row != NULL && row->login_us == made.login_us &&
	    row->pause_us == made.pause_us &&
	    row->logoff_us == made.logoff_us && row->reason == made.reason)
		return true;
	strbuf_adds(why, "in memory: ");
	mem_session_write(why, &made);
	strbuf_adds(why, "; stored: ");
	if (row != NULL)
		mem_session_write(why, row);
	return false;
}

bool
memstore_agrees(
    struct memstore *store, const struct machine *m, struct strbuf *why)
{
	struct agent_session *s;
	size_t visits = 0, sessions = 0;
	struct visit *v;
	int i;

	for (i = 0; i < VISIT_STATES; i++)
		TAILQ_FOREACH (v, &m->states[i], list) {
			visits++;
			if (!memstore_has_visit(store, v, why))
				return false;
		}
	TAILQ_FOREACH (s, &m->sessions.all, list) {
		sessions++;
		if (!memstore_has_session(store, s, why))
			return false;
	}
	if (visits == HASH_COUNT(store->open) &&
	    sessions == HASH_COUNT(store->sessions))
		return true;
	strbuf_addf(why,
	    "%zu visits and %zu sessions in memory, %u and %u rows", visits,
	    sessions, HASH_COUNT(store->open), HASH_COUNT(store->sessions));
	return false;
}
