/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose calls may still be found to be repeated: read back at a start, in the
 * snapshot of the positions. What tally/repeat.h books is a function of these
 * visits, of the services of queues and of the days within which a call counts
 * as repeated. So the last two are written in the transaction of the figures
 * that were booked by them, and are loaded before the visits: the differences
 * that a new configuration makes are then booked like any others.
 */
#include "base/base.h"
#include "store/inner.h"

static const char callers_sql[] =
    "SELECT switch, queue, call_id, visit_no, "
    "(extract(epoch FROM entered_at) * 1000000)::bigint, "
    "(extract(epoch FROM at) * 1000000)::bigint, outcome, counted, "
    "encode(caller, 'hex') FROM ringtally.callers_since($1::text, $2::text[], "
    "$3::integer, $4::boolean)";

static void
callers_row(struct store *store, const PGresult *res, int i)
{
	struct visit v = {.state = VISIT_ENDED,
	    .number = (uint32_t)result_int(res, i, 3),
	    .entered_us = result_int(res, i, 4),
	    .answered_us = result_int(res, i, 5),
	    .ended_us = result_int(res, i, 5),
	    .outcome = load_outcome(PQgetvalue(res, i, 6))};
	bool answered = v.outcome == OUTCOME_ANSWERED;

	if (PQgetvalue(res, i, 7)[0] == 't')
		v.inferred = answered ? VISIT_COUNTED | VISIT_COMPARED
				      : VISIT_COUNTED_GONE;
	else
		v.inferred = answered ? VISIT_COMPARED : 0;
	v.has_caller = load_caller(res, i, 8, v.caller);
	if (v.has_caller)
		store->ops->load_caller(store->ctx, PQgetvalue(res, i, 0),
		    result_slice(res, i, 1), result_slice(res, i, 2), &v);
}

static void
callers_rows(void *ctx, const PGresult *res)
{
	int i;

	for (i = 0; i < PQntuples(res); i++)
		callers_row(ctx, res, i);
}

static void
callers_days(void *ctx, const PGresult *res)
{
	struct store *store = ctx;

	if (PQntuples(res) == 1 && !result_null(res, 0, 0))
		store->ops->load_repeat_days(store->ctx, result_int(res, 0, 0));
}

static void
callers_since(void *ctx, const PGresult *res)
{
	struct store *store = ctx;

	store->ops->load_callers_since(store->ctx,
	    PQntuples(res) == 1 && !result_null(res, 0, 0)
		? result_int(res, 0, 0)
		: INT64_MIN);
}

static struct link_step *
callers_step(struct store *store, const char *sql)
{
	struct link_step *step = link_add(&store->script, sql);

	link_param(&store->script, store->config.site);
	link_param(&store->script, store->switch_array);
	return step;
}

void
store_callers_script(struct store *store)
{
	struct link_script *script = &store->script;
	struct link_step *step;

	if (store->ops->load_caller == NULL || store->config.repeat_days == 0)
		return;
	callers_step(store,
	    "SELECT max(repeat_days) FROM ringtally.writer "
	    "WHERE site = $1::text AND switch = ANY ($2::text[])")
	    ->result = callers_days;
	step = callers_step(store, callers_sql);
	link_param_int(script, store->config.repeat_days);
	link_param(script, store->config.key_before ? "t" : "f");
	step->result = callers_rows;
	step->one_by_one = true;
	step = callers_step(store,
	    "SELECT (extract(epoch FROM ringtally.callers_from($1::text, "
	    "$2::text[], $3::integer)) * 1000000)::bigint");
	link_param_int(script, store->config.repeat_days);
	step->result = callers_since;
}

void
store_callers_batch(
    struct store *store, int64_t days, struct link_script *script)
{
	link_add(script,
	    "UPDATE ringtally.writer SET repeat_days = $3::integer "
	    "WHERE site = $1::text AND switch = ANY ($2::text[]) "
	    "AND repeat_days <> $3::integer");
	link_param(script, store->config.site);
	link_param(script, store->switch_array);
	link_param_int(script, days);
}
