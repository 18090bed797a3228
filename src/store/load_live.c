/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the live views need of a restart, read in the transaction of the other
 * loads: the same snapshot as the positions from which the feeds go on, so that
 * every visit is either in here or still to be read.
 */
#include "base/base.h"
#include "base/zone.h"
#include "store/inner.h"
#include "tally/live.h"

static const char live_cells_sql[] =
    "SELECT switch, queue, (extract(epoch FROM starts_at) * 1000000)::bigint, "
#define MEASURE(name, kind, unit, help) #name ", "
#include "tally/measures.def"
#undef MEASURE
    "wait_answered_hist, wait_abandoned_hist FROM ringtally.queue_tally "
    "WHERE site = $1::text AND switch = ANY ($2::text[]) "
    "AND starts_at >= $3::timestamptz";

/* Elements from PostgreSQL's text of an array, which the store itself wrote. */
static void
live_hist(struct hist *h, const char *text)
{
	const char *p = strchr(text, '{');
	long bin = 1; /* the first one's number, where none is written */

	if (p == NULL)
		return;
	if (text[0] == '[')
		bin = strtol(text + 1, NULL, 10);
	for (; *p == '{' || *p == ','; bin++) {
		char *end;
		long n = strtol(++p, &end, 10);

		if (n > 0 && bin >= 0 && bin < HIST_BINS)
			hist_add(h, (int)bin, (int32_t)n);
		p = end + strcspn(end, ",}"); /* over a NULL */
	}
}

static void
live_cells(void *ctx, const PGresult *res)
{
	struct store *store = ctx;
	struct cell cell = {0};
	int i, k;

	for (i = 0; i < PQntuples(res); i++) {
		cell.starts_us = result_int(res, i, 2);
		for (k = 0; k < MEASURES; k++)
			cell.v[k] = result_int(res, i, 3 + k);
		hist_reset(&cell.wait_answered);
		hist_reset(&cell.wait_abandoned);
		live_hist(
		    &cell.wait_answered, PQgetvalue(res, i, 3 + MEASURES));
		live_hist(
		    &cell.wait_abandoned, PQgetvalue(res, i, 4 + MEASURES));
		store->ops->load_cell(store->ctx, PQgetvalue(res, i, 0),
		    result_slice(res, i, 1), &cell);
	}
	hist_fini(&cell.wait_answered);
	hist_fini(&cell.wait_abandoned);
}

static void
live_heard(void *ctx, const PGresult *res)
{
	struct store *store = ctx;
	int i;

	for (i = 0; i < PQntuples(res); i++)
		store->ops->load_heard(store->ctx, PQgetvalue(res, i, 0),
		    result_slice(res, i, 1), result_int(res, i, 2));
}

static const char live_visits_sql[] =
    "SELECT switch, queue, (extract(epoch FROM entered_at) * 1000000)::bigint, "
    "outcome, wait_ms, talk_ms, transferred FROM ringtally.visit "
    "WHERE site = $1::text AND switch = ANY ($2::text[]) "
    "AND entered_at >= $3::timestamptz";

static void
live_visits(void *ctx, const PGresult *res)
{
	struct store *store = ctx;
	int i;

	for (i = 0; i < PQntuples(res); i++) {
		struct visit v = {.state = VISIT_ENDED,
		    .entered_us = result_int(res, i, 2),
		    .outcome = load_outcome(PQgetvalue(res, i, 3)),
		    .wait_ms = load_ms(res, i, 4),
		    .talk_ms = load_ms(res, i, 5),
		    .transferred = PQgetvalue(res, i, 6)[0] == 't'};

		store->ops->load_ended(store->ctx, PQgetvalue(res, i, 0),
		    result_slice(res, i, 1), &v);
	}
}

/* Since when, and which of our switches. */
void
store_since_step(struct store *store, const char *sql, int64_t since_us,
    void (*result)(void *ctx, const PGresult *res))
{
	struct link_step *step = link_add(&store->script, sql);
	char when[UTC_ISO_MAX];

	step->result = result;
	step->one_by_one = true;
	link_param(&store->script, store->config.site);
	link_param(&store->script, store->switch_array);
	link_param(&store->script, utc_iso(when, sizeof(when), since_us));
}

void
store_live_script(struct store *store)
{
	int64_t now = clock_wall_us();
	int64_t day = zone_day_start(now);
	int64_t hour =
	    utc_floor(now, LIVE_MINUTE_US) - (LIVE_WINDOW - 1) * LIVE_MINUTE_US;

	store_since_step(store, live_cells_sql, day, live_cells);
	store_since_step(store,
	    "SELECT switch, queue, "
	    "(extract(epoch FROM max(starts_at)) * 1000000)::bigint "
	    "FROM ringtally.queue_tally "
	    "WHERE site = $1::text AND switch = ANY ($2::text[]) "
	    "AND starts_at >= $3::timestamptz GROUP BY 1, 2",
	    day - LIVE_SHOWN_US, live_heard);
	if (store->config.keep_visits_days > 0)
		store_since_step(store, live_visits_sql, hour, live_visits);
	else
		hour = now;
	store_callbacks_script(store, day);
	store->live_day_us = day;
	store->live_hour_us = hour;
}
