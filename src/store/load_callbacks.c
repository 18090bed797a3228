/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who gave up today, and whether they were answered since: read back at a start
 * as tally/callback.h tells it live.
 */
#include "base/base.h"
#include "store/inner.h"

static const char callbacks_sql[] =
    "SELECT switch, queue, call_id, visit_no, "
    "(extract(epoch FROM entered_at) * 1000000)::bigint, "
    "(extract(epoch FROM ended_at) * 1000000)::bigint, wait_ms, "
    "(extract(epoch FROM through_at) * 1000000)::bigint, "
    "encode(caller, 'hex') FROM ringtally.callbacks($1::text, $2::text[], "
    "$3::timestamptz, $4::integer)";

static void
callbacks_row(void *ctx, const PGresult *res)
{
	struct store *store = ctx;
	int i;

	for (i = 0; i < PQntuples(res); i++) {
		struct callback like = {
		    .visit_no = (uint32_t)result_int(res, i, 3),
		    .entered_us = result_int(res, i, 4),
		    .ended_us = result_int(res, i, 5),
		    .wait_ms = load_ms(res, i, 6),
		    .through_us = result_int(res, i, 7)};

		like.has_caller = load_caller(res, i, 8, like.caller);
		store->ops->load_callback(store->ctx, PQgetvalue(res, i, 0),
		    result_slice(res, i, 1), result_slice(res, i, 2), &like);
	}
}

static void
callbacks_abandoned(void *ctx, const PGresult *res)
{
	struct store *store = ctx;
	int i;

	for (i = 0; i < PQntuples(res); i++)
		store->ops->load_abandoned(store->ctx, PQgetvalue(res, i, 0),
		    (uint64_t)result_int(res, i, 1));
}

void
store_callbacks_script(struct store *store, int64_t day_us)
{
	if (store->ops->load_callback == NULL)
		return;
	if (store->config.keep_visits_days > 0) {
		store_since_step(store, callbacks_sql, day_us, callbacks_row);
		link_param_int(&store->script, CALLBACK_MAX);
	}
	store_since_step(store,
	    "SELECT switch, sum(abandoned)::bigint FROM ringtally.queue_tally "
	    "WHERE site = $1::text AND switch = ANY ($2::text[]) "
	    "AND starts_at >= $3::timestamptz GROUP BY switch",
	    day_us, callbacks_abandoned);
}
