/* SPDX-License-Identifier: BSD-2-Clause */
/* The cut: what changed since the last one becomes a batch. */
#include "base/base.h"
#include "base/fault.h"
#include "base/utf8.h"
#include "store/inner.h"

/* What the callbacks of the takes are given. */
struct cut {
	struct store *store;
	struct batch *batch;
	int sw; /* index of the switch */
	struct slice switch_name;
	const struct agent *agent; /* of the cell before */
	const struct store_feed *feed;
	struct counters sums;	 /* of the feed, all intervals */
	struct intake_cell cell; /* of an interval, until the next comes */
	bool has_cell;
	bool copies;	    /* new intervals go by COPY */
	int64_t newest_us;  /* interval of the switch, this cut's included */
	struct strbuf text; /* of a path */
};

static struct slice
cut_queue_name(const struct queue *queue)
{
	return (struct slice){queue->name, queue->name_len};
}

static struct slice
cut_agent_name(const struct agent *agent)
{
	return (struct slice){agent->name, agent->name_len};
}

/* --- the tally ----------------------------------------------------------- */

/* Where the row of an interval goes. */
static struct rows *
cut_rows(const struct cut *cut, enum store_table table, struct rows *copied,
    int64_t starts_us)
{
	if (cut->copies && starts_us > cut->store->newest_us[cut->sw])
		return copied;
	return &cut->batch->rows[table];
}

static void
cut_cell(void *ctx, const struct cell *cell)
{
	struct cut *cut = ctx;
	struct rows *rows = cut_rows(
	    cut, TABLE_QUEUE_TALLY, &cut->batch->new_queues, cell->starts_us);
	int i;

	store_ref_seen(cut->store, cut->sw, false, cut_queue_name(cell->queue),
	    cell->starts_us);
	rows_time(rows, cell->starts_us);
	rows_text(rows, cut->switch_name);
	rows_text(rows, cut_queue_name(cell->queue));
	for (i = 0; i < MEASURES; i++)
		rows_int(rows, cell->v[i]);
	rows_hist(rows, &cell->wait_answered);
	rows_hist(rows, &cell->wait_abandoned);
	rows_end(rows);
	cut->newest_us = RT_MAX(cut->newest_us, cell->starts_us);
}

static void
cut_agent_cell(void *ctx, const struct agent_cell *cell)
{
	struct cut *cut = ctx;
	struct rows *rows = cut_rows(cut, TABLE_AGENT_TALLY,
	    &cut->batch->new_agents, cell->key.starts_us);
	int i;

	/* of one agent they stand together, the earliest first */
	if (cell->agent != cut->agent)
		store_ref_seen(cut->store, cut->sw, true,
		    cut_agent_name(cell->agent), cell->key.starts_us);
	cut->agent = cell->agent;
	rows_time(rows, cell->key.starts_us);
	rows_text(rows, cut->switch_name);
	rows_text(rows, cut_agent_name(cell->agent));
	rows_text(rows,
	    cell->queue != NULL ? cut_queue_name(cell->queue) : SLICE(""));
	for (i = 0; i < AGENT_MEASURES; i++)
		if (agent_measure_rows[i].kind != MEASURE_KIND_SPAN)
			rows_int(rows, cell->v[i]);
	rows_end(rows);
	cut->newest_us = RT_MAX(cut->newest_us, cell->key.starts_us);
}

/* --- visits and sessions -------------------------------------------------- */

static void
cut_ms_or_null(struct rows *rows, int64_t ms)
{
	if (ms >= 0)
		rows_int(rows, ms);
	else
		rows_null(rows);
}

/* A visit that ended without an arrival keeps the time of its end. */
static bool
cut_has_ended(const struct visit *v)
{
	return v->state == VISIT_ENDED ||
	    (v->state == VISIT_EARLY && v->ended_us != 0);
}

static void
cut_visit_times(struct rows *rows, const struct visit *v)
{
	rows_time_or_null(rows, v->state != VISIT_EARLY, v->entered_us);
	rows_time_or_null(rows,
	    v->outcome == OUTCOME_ANSWERED || v->answered_us != 0,
	    v->answered_us);
	rows_time_or_null(rows, cut_has_ended(v), v->ended_us);
	rows_time(rows, v->touched_us);
	cut_ms_or_null(rows, v->wait_ms);
	cut_ms_or_null(rows, v->talk_ms);
}

/* One byte each; load_heard reads them. */
static void
cut_heard(struct rows *rows, const struct heard *h)
{
	uint8_t bytes[5 + MACHINE_FEEDS];

	if (h == NULL) {
		rows_null(rows);
		return;
	}
	bytes[0] = h->entered;
	bytes[1] = h->answered;
	bytes[2] = h->ended;
	bytes[3] = (uint8_t)(h->unsure | h->kept << 1 | h->rings_of << 2);
	bytes[4] = h->rings_booked;
	memcpy(bytes + 5, h->rings, MACHINE_FEEDS);
	rows_blob(rows, bytes, sizeof(bytes));
}

static void
cut_visit(void *ctx, const struct visit *v)
{
	struct cut *cut = ctx;
	struct rows *rows = &cut->batch->rows[TABLE_OPEN_VISIT];

	rows_text(rows, cut->switch_name);
	rows_text(rows, (struct slice){v->call->id, v->call->id_len});
	rows_int(rows, v->number);
	rows_text(rows, slice_of(visit_state_name((enum visit_state)v->state)));
	rows_text(rows, slice_of(outcome_name((enum outcome)v->outcome)));
	rows_text_or_null(
	    rows, v->queue != NULL ? cut_queue_name(v->queue) : SLICE(""));
	rows_text_or_null(
	    rows, v->agent != NULL ? cut_agent_name(v->agent) : SLICE(""));
	cut_visit_times(rows, v);
	rows_bool(rows, v->transferred);
	rows_bool(rows, v->answer_derived);
	rows_text_or_null(rows, slice_of(v->reason));
	if (v->has_caller)
		rows_blob(rows, v->caller, sizeof(v->caller));
	else
		rows_null(rows);
	rows_text_or_null(rows,
	    slice_of(v->feed < cut->store->n_feeds
		    ? cut->store->feeds[v->feed].name
		    : ""));
	rows_int(rows, v->file_no);
	rows_int(rows, v->offset);
	cut_heard(rows, v->heard);
	if (v->has_before)
		rows_blob(rows, v->caller_before, sizeof(v->caller_before));
	else
		rows_null(rows);
	rows_int(rows, v->inferred);
	rows_time_or_null(
	    rows, v->cell != NULL, v->cell != NULL ? v->cell->starts_us : 0);
	rows_end(rows);
}

static void
cut_visit_gone(void *ctx, const struct visit_key *key)
{
	struct cut *cut = ctx;
	struct rows *rows = &cut->batch->rows[TABLE_OPEN_VISIT_GONE];

	rows_text(rows, cut->switch_name);
	rows_text(rows, (struct slice){key->id, key->id_len});
	rows_int(rows, key->number);
	rows_end(rows);
}

/* The interval in which the session was first heard of. */
static int64_t
cut_session_since(const struct cut *cut, const struct agent_session *s)
{
	int64_t us = s->logged_in ? s->login_us : INT64_MAX;

	if (s->paused)
		us = RT_MIN(us, s->pause_us);
	if (s->logoff_us != 0)
		us = RT_MIN(us, s->logoff_us);
	return utc_floor(us, cut->store->config.interval_us);
}

static void
cut_session(void *ctx, const struct agent_session *s)
{
	struct cut *cut = ctx;
	bool over = session_is_over(s);
	struct rows *rows =
	    &cut->batch->rows[over ? TABLE_SESSION_GONE : TABLE_SESSION];

	if (!over)
		store_ref_seen(cut->store, cut->sw, true,
		    cut_agent_name(s->agent), cut_session_since(cut, s));
	rows_text(rows, cut->switch_name);
	rows_text(rows, cut_agent_name(s->agent));
	rows_text(
	    rows, s->queue != NULL ? cut_queue_name(s->queue) : SLICE(""));
	if (!over) {
		rows_time_or_null(rows, s->logged_in, s->login_us);
		rows_time_or_null(rows, s->paused, s->pause_us);
		rows_time_or_null(rows, s->logoff_us != 0, s->logoff_us);
		rows_text_or_null(rows, slice_of(s->reason));
	}
	rows_end(rows);
}

static void
cut_switch(struct cut *cut)
{
	struct machine *m = cut->store->switches[cut->sw].machine;
	struct rows *clocks = &cut->batch->clocks;

	cut->switch_name = slice_of(cut->store->switches[cut->sw].name);
	cut->newest_us = cut->store->newest_us[cut->sw];
	tally_take(cut->store->switches[cut->sw].tally, cut_cell,
	    cut_agent_cell, cut, m->clock_us);
	cut->store->newest_us[cut->sw] = cut->newest_us;
	machine_take(m, cut_visit, cut_visit_gone, cut);
	sessions_take(&m->sessions, cut_session, cut);
	rows_text(clocks, cut->switch_name);
	rows_time_or_null(clocks, m->clock_us != 0, m->clock_us);
	rows_time_or_null(clocks, m->leap_us != 0, m->leap_us);
	rows_end(clocks);
}

/* --- feeds --------------------------------------------------------------- */

static void
cut_counters(struct rows *rows, const struct counters *counters)
{
	int i;

	for (i = 0; i < COUNTERS; i++)
		rows_int(rows, (int64_t)counters->v[i]);
}

static void
cut_feed_interval_end(struct cut *cut)
{
	struct rows *rows = &cut->batch->rows[TABLE_FEED_INTERVAL];

	int64_t starts_us = cut->cell.starts_us;

	if (!cut->has_cell)
		return;
	/* no event has told yet what time it is */
	if (starts_us == 0)
		starts_us =
		    utc_floor(clock_wall_us(), cut->store->config.interval_us);
	rows_text(rows, slice_of(cut->feed->name));
	rows_time(rows, starts_us);
	cut_counters(rows, &cut->cell.counters);
	rows_end(rows);
	cut->has_cell = false;
}

/*
 * Each interval comes once. What was counted while nobody knew the time goes
 * with the interval before, or else with what comes next: the clock may fall
 * back to 1970 from a first time that was wrong.
 */
static void
cut_feed_interval(void *ctx, const struct intake_cell *cell)
{
	struct cut *cut = ctx;
	int i;

	if (cut->has_cell && cut->cell.starts_us != 0 && cell->starts_us != 0)
		cut_feed_interval_end(cut);
	if (!cut->has_cell)
		cut->cell = (struct intake_cell){0};
	cut->has_cell = true;
	if (cell->starts_us != 0)
		cut->cell.starts_us = cell->starts_us;
	for (i = 0; i < COUNTERS; i++) {
		cut->cell.counters.v[i] += cell->counters.v[i];
		cut->sums.v[i] += cell->counters.v[i];
	}
}

static void
cut_feed_event(void *ctx, const struct name_count *name)
{
	struct cut *cut = ctx;
	struct rows *rows = &cut->batch->rows[TABLE_FEED_EVENT];

	rows_text(rows, slice_of(cut->feed->name));
	rows_text(rows, (struct slice){name->name, name->len});
	rows_bool(rows, name->unknown);
	rows_int(rows, (int64_t)name->count);
	rows_time(rows, name->last_us);
	rows_end(rows);
}

static bool
cut_is_utf8(const char *text)
{
	size_t n = strlen(text), step;
	uint32_t rune;

	for (; n > 0; text += step, n -= step)
		if ((step = utf8_decode(text, n, &rune)) == 0)
			return false;
	return true;
}

/* A path as text: escaped where it is none. */
static void
cut_path(struct cut *cut, struct rows *rows, const char *path)
{
	strbuf_reset(&cut->text);
	if (cut_is_utf8(path))
		strbuf_adds(&cut->text, path);
	else
		strbuf_add_escaped(&cut->text, slice_of(path), STAGE_PATH_MAX);
	rows_text(rows, slice_of(strbuf_str(&cut->text)));
}

static void
cut_identity(struct cut *cut, struct rows *rows, const struct position *p)
{
	cut_path(cut, rows, p->path);
	rows_int(rows, (int64_t)p->device);
	rows_int(rows, (int64_t)p->inode);
	rows_int(rows, (int64_t)p->generation);
	rows_int(rows, (int64_t)p->head_hash);
	rows_int(rows, p->head_size);
}

/* What the format remembers, and how far back the feed tells of its switch. */
static void
cut_feed_memory(struct cut *cut, struct rows *rows)
{
	const struct intake *in = cut->feed->intake;
	int64_t first_us = in->machine->feeds[in->slot].first_us;

	rows_int(rows, in->slot);
	rows_time_or_null(rows, first_us != 0, first_us);
	strbuf_reset(&cut->text);
	intake_save(in, &cut->text);
	if (cut->text.n > 0)
		rows_blob(rows, cut->text.p, cut->text.n);
	else
		rows_null(rows);
}

static void
cut_feed_status(const struct store_feed *feed, struct rows *rows)
{
	struct stage_status status = {.connected = false};
	bool there = feed->status != NULL && feed->status(feed->ctx, &status);

	rows_text(rows, slice_of(feed->guarantee));
	if (there)
		rows_bool(rows, status.connected);
	else
		rows_null(rows);
	rows_time_or_null(
	    rows, status.connected && status.since_us != 0, status.since_us);
	rows_text_or_null(rows, slice_of(status.text));
	rows_int(rows, status.spool_bytes);
}

/* Since when agents' doings are taken of it. */
static void
cut_feed_turn(const struct intake *in, struct rows *rows)
{
	int64_t leads_us = in->machine->feeds[in->slot].leads_us;

	rows_time_or_null(rows, leads_us != 0, leads_us);
}

static void
cut_feed_seen(void *ctx, uint64_t key, int64_t at_us)
{
	struct cut *cut = ctx;
	struct rows *rows = &cut->batch->rows[TABLE_FEED_SEEN];

	rows_text(rows, slice_of(cut->feed->name));
	rows_int(rows, (int64_t)key);
	rows_time(rows, at_us);
	rows_end(rows);
}

static void
cut_feed_file(void *ctx, const struct position *p)
{
	struct cut *cut = ctx;
	struct rows *rows = &cut->batch->rows[TABLE_FEED_FILE];

	rows_text(rows, slice_of(cut->feed->name));
	rows_int(rows, p->file_no);
	cut_identity(cut, rows, p);
	rows_int(rows, p->offset);
	rows_end(rows);
}

static void
cut_feed_rows(struct cut *cut, const struct position *p)
{
	struct rows *rows = &cut->batch->rows[TABLE_FEED];
	const struct store_feed *feed = cut->feed;

	rows_text(rows, slice_of(feed->name));
	rows_text(rows, slice_of(feed->switch_name));
	rows_text(rows, slice_of(feed->transport));
	rows_text(rows, slice_of(feed->format));
	rows_int(rows, p->file_no);
	cut_identity(cut, rows, p);
	rows_int(rows, p->offset);
	rows_int(rows, p->size_seen);
	rows_bool(rows, p->skipping);
	rows_time_or_null(rows, feed->intake->last_event_us != 0,
	    feed->intake->last_event_us);
	rows_time(rows, clock_wall_us());
	cut_feed_memory(cut, rows);
	cut_feed_status(cut->feed, rows);
	cut_feed_turn(feed->intake, rows);
	cut_counters(rows, &cut->sums);
	rows_end(rows);
	/* visits of each file that was read name it as their evidence */
	intake_take_files(feed->intake, p->file_no, cut_feed_file, cut);
	if (p->file_no != 0)
		cut_feed_file(cut, p);
}

static void
cut_feed(struct cut *cut)
{
	struct position position = {0};

	/* a feed that could not be opened has nothing to tell */
	if (cut->feed->intake->machine == NULL)
		return;
	memset(&cut->sums, 0, sizeof(cut->sums));
	intake_take(cut->feed->intake, cut_feed_interval, cut);
	cut_feed_interval_end(cut);
	names_take(&cut->feed->intake->names, cut_feed_event, cut);
	seen_take(&cut->feed->intake->seen, cut_feed_seen, cut);
	seen_forget(&cut->feed->intake->seen,
	    clock_wall_us() -
		cut->store->config.keep_keys_days * SEC_PER_DAY * USEC_PER_SEC);
	cut->feed->position(cut->feed->ctx, &position);
	cut_feed_rows(cut, &position);
	cut->batch->positions[cut->feed - cut->store->feeds] = position;
}

/* --- the whole ----------------------------------------------------------- */

void
store_cut(struct store *store, bool last)
{
	struct batch *batch = &store->flying;
	struct cut cut = {.store = store,
	    .batch = batch,
	    .copies = store->config.once || store_batch_is_full(store)};
	struct strbuf empty = batch->visits;
	struct rows no_contacts = batch->contacts;
	int i;

	BUG_ON(batch->number != 0 || !store->loaded);
	batch->number = store->seq + 1;
	batch->last = last;
	batch->since_us = store->since_us;
	store_spans_cut(store, batch);
	for (cut.sw = 0; cut.sw < store->n_switches; cut.sw++)
		cut_switch(&cut);
	for (i = 0; i < store->n_feeds; i++) {
		cut.feed = &store->feeds[i];
		cut_feed(&cut);
	}
	store_refs_cut(store, batch);
	batch->visits = store->visits;
	batch->n_visits = store->n_visits;
	batch->repeat_days = store->config.repeat_days;
	if (batch->n_visits > 0)
		wire_int2(&batch->visits, -1); /* the end, for COPY */
	store->visits = empty;
	store->n_visits = 0;
	batch->contacts = store->contacts;
	store->contacts = no_contacts;
	contact_work_cut(store->contact_work);
	store->since_us = 0;
	store->due = false;
	store->cells_bytes = 0;
	strbuf_fini(&cut.text);
	fault_point("in-cut");
}

/* Cells, sessions and visits are walked: not to be called for each line. */
size_t
store_changed_bytes(const struct store *store)
{
	const struct agent_cell *agent_cell;
	const struct cell *cell;
	size_t sum = 0;
	int i;

	for (i = 0; i < store->n_switches; i++) {
		const struct tally *t = store->switches[i].tally;

		TAILQ_FOREACH (cell, &t->changed, list)
			sum += sizeof(*cell) +
			    sizeof(int32_t) *
				(size_t)(cell->wait_answered.cap +
				    cell->wait_abandoned.cap);
		TAILQ_FOREACH (agent_cell, &t->agent_changed, list)
			sum += sizeof(*agent_cell);
	}
	return sum;
}
