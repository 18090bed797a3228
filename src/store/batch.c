/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/fault.h"
#include "store/inner.h"

#define BATCH_KEEP_BYTES      ((size_t)512 << 10)
#define BATCH_KEEP_BYTES_ONCE ((size_t)16 << 20)
#define BATCH_MS	      INT64_C(30000) /* for a statement, see store_up */
#define BATCH_MS_PER_MB	      INT64_C(1000)

static const char batch_copy_sql[] =
    "COPY ringtally.visit (entered_at, answered_at, ended_at, wait_ms, "
    "talk_ms, file_offset, file_no, visit_no, outcome, transferred, site, "
    "switch, queue, call_id, agent, reason, feed, caller, caller_before, "
    "caller_counted) "
    "FROM STDIN (FORMAT binary)";

void
batch_init(struct batch *batch, struct store *store)
{
	int i;

	*batch = (struct batch){.keep_bytes = store->config.once
		? BATCH_KEEP_BYTES_ONCE
		: BATCH_KEEP_BYTES};
	for (i = 0; i < TABLES; i++)
		if (i == TABLE_AGENT_SPAN)
			spans_rows_init(store, &batch->rows[i]);
		else
			rows_init(&batch->rows[i], &store->tables[i]);
	rows_init(&batch->clocks, &store->clocks);
	contact_rows_init(&batch->contacts);
	rows_init_copy(&batch->new_queues, &store->tables[TABLE_QUEUE_TALLY],
	    store->config.site);
	rows_init_copy(&batch->new_agents, &store->tables[TABLE_AGENT_TALLY],
	    store->config.site);
}

void
batch_fini(struct batch *batch)
{
	int i;

	for (i = 0; i < TABLES; i++)
		rows_fini(&batch->rows[i]);
	rows_fini(&batch->new_queues);
	rows_fini(&batch->new_agents);
	rows_fini(&batch->clocks);
	rows_fini(&batch->contacts);
	free(batch->positions);
	strbuf_fini(&batch->visits);
}

void
batch_reset(struct batch *batch)
{
	int i;

	for (i = 0; i < TABLES; i++)
		rows_reset(&batch->rows[i], batch->keep_bytes);
	rows_reset(&batch->new_queues, batch->keep_bytes);
	rows_reset(&batch->new_agents, batch->keep_bytes);
	rows_reset(&batch->clocks, batch->keep_bytes);
	rows_reset(&batch->contacts, batch->keep_bytes);
	if (batch->visits.cap > batch->keep_bytes)
		strbuf_fini(&batch->visits);
	strbuf_reset(&batch->visits);
	batch->n_visits = 0;
	batch->number = 0;
	batch->since_us = 0;
	batch->last = false;
}

size_t
batch_bytes(const struct batch *batch)
{
	size_t sum = batch->visits.n + rows_bytes(&batch->new_queues) +
	    rows_bytes(&batch->new_agents) + rows_bytes(&batch->contacts);
	int i;

	for (i = 0; i < TABLES; i++)
		sum += rows_bytes(&batch->rows[i]);
	return sum;
}

/* The answer of advance(): whether all advisory locks are held. */
static void
batch_advanced(void *ctx, const PGresult *res)
{
	struct store *store = ctx;

	if (PQntuples(res) == 1)
		store->locked = PQgetvalue(res, 0, 0)[0] == 't';
}

static void
batch_advance(struct store *store, struct batch *batch)
{
	struct link_script *script = &store->script;
	struct link_step *step;

	rows_close(&batch->clocks);
	step = link_add(script,
	    "SELECT ringtally.advance($1::text, $2::text[], $3::text, "
	    "$4::bigint, $5::timestamptz[], $6::timestamptz[], $7::boolean)");
	step->result = batch_advanced;
	step->fault = "after-advance";
	link_param(script, store->config.site);
	link_param_binary(script, &batch->clocks.column[0]);
	link_param(script, store->instance);
	link_param_int(script, (int64_t)batch->number);
	link_param_binary(script, &batch->clocks.column[1]);
	link_param_binary(script, &batch->clocks.column[2]);
	link_param(script, store->locked ? "f" : "t");
}

/*
 * After the database was away, or with a large pending_mb, a batch may be too
 * large for the time that a statement has: then it would never be written.
 */
static void
batch_give_time(struct store *store, const struct batch *batch)
{
	struct link_script *script = &store->script;
	int64_t mb = (int64_t)(batch_bytes(batch) >> 20);

	if (mb == 0)
		return;
	link_add(
	    script, "SELECT set_config('statement_timeout', $1::text, true)");
	link_param_int(script, BATCH_MS + mb * BATCH_MS_PER_MB);
}

/* What goes by COPY. */
static void
batch_copies(struct store *store, struct batch *batch)
{
	struct link_script *script = &store->script;
	struct rows *spans = &batch->rows[TABLE_AGENT_SPAN];
	struct link_step *step;
	int before;

	link_add_sync(script);
	before = script->n;
	if (spans->site != NULL)
		link_add_copy(script, spans);
	link_add_copy(script, &batch->new_queues);
	link_add_copy(script, &batch->new_agents);
	if (batch->n_visits > 0) {
		step = link_add(script, batch_copy_sql);
		step->copy = &batch->visits;
	}
	if (script->n == before)
		script->n--; /* none: the sync is not needed either */
	else
		script->step[script->n - 1].fault = "after-copy";
}

static void
batch_leave(struct store *store)
{
	struct link_script *script = &store->script;

	link_add(
	    script, "SELECT ringtally.release($1::text, $2::text[], $3::text)");
	link_param(script, store->config.site);
	link_param(script, store->switch_array);
	link_param(script, store->instance);
}

/*
 * Whether what the batch counts may be deleted where it came from, when it has
 * landed: the server must not forget it any more. A spool may go on to another
 * segment any time, and then deletes the one that was read to its end.
 */
static bool
batch_must_last(const struct store *store, const struct batch *batch)
{
	int i;

	for (i = 0; i < store->n_feeds; i++) {
		const struct store_landed *landed = &store->landed[i];
		const struct position *now = &batch->positions[i];

		if (now->file_no != landed->file_no ||
		    (store->feeds[i].spooled && now->offset != landed->offset))
			return true;
	}
	return false;
}

void
batch_script(struct store *store, struct batch *batch)
{
	struct link_script *script = &store->script;
	struct link_step *step;
	int i;

	link_script_reset(script);
	store_months_script(store, script);
	link_add(script, "BEGIN");
	batch_give_time(store, batch);
	batch_advance(store, batch);
	store_callers_batch(store, batch->repeat_days, script);
	for (i = 0; i < TABLES; i++)
		if (batch->rows[i].site == NULL)
			link_add_rows(
			    script, store->config.site, &batch->rows[i]);
	script->step[script->n - 1].fault = "after-upsert";
	batch_copies(store, batch);
	contact_rows_script(store, script, &batch->contacts);
	if (batch->last)
		batch_leave(store);
	/* with it, all that was committed before is on the server's disk */
	if (batch->last || batch_must_last(store, batch))
		link_add(script, "SET LOCAL synchronous_commit = on");
	step = link_add(script, "COMMIT");
	step->tag = "COMMIT";
	step->sent_fault = "commit-sent";
	step->fault = "commit-answered";
	link_add_sync(script);
}
