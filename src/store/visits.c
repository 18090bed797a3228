/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ended visits, which wait for the next cut as the very bytes that COPY will
 * send; and the months that their partitions are for.
 */
#include "base/base.h"
#include "base/log.h"
#include "store/inner.h"

#define VISITS_COLUMNS 20

/* --- months -------------------------------------------------------------- */

/* The month that a time falls into; false: of no year that is sane. */
static bool
visits_month(int64_t us, struct month *month)
{
	time_t sec = (time_t)(utc_floor(us, USEC_PER_SEC) / USEC_PER_SEC);
	struct tm tm;

	if (gmtime_r(&sec, &tm) == NULL)
		return false;
	tm.tm_mday = 1;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	month->starts_us = (int64_t)timegm(&tm) * USEC_PER_SEC;
	tm.tm_mon++;
	month->ends_us = (int64_t)timegm(&tm) * USEC_PER_SEC;
	month->made = false;
	return true;
}

static bool
visits_month_knows(const struct month *month, int64_t us)
{
	return us >= month->starts_us && us < month->ends_us;
}

/*
 * Notes the month of a visit. Visits of times that are not kept go to the
 * default partition, and so do those of more months than anybody has.
 */
static void
visits_note_month(struct store *store, int64_t us)
{
	int64_t now = clock_wall_us();
	int i;

	/* the last one is nearly always right */
	for (i = store->n_months - 1; i >= 0; i--)
		if (visits_month_knows(&store->months[i], us))
			return;
	if (store->n_months == STORE_MONTHS_MAX ||
	    us < now -
		    store->config.keep_visits_days * SEC_PER_DAY *
			USEC_PER_SEC ||
	    us > now + 90 * SEC_PER_DAY * USEC_PER_SEC)
		return;
	if (visits_month(us, &store->months[store->n_months]))
		store->n_months++;
}

static void
visits_month_made(void *ctx, const PGresult *res)
{
	struct store *store = ctx;
	int64_t i = result_int(res, 0, 1);

	if (i >= store->n_months)
		return;
	store->months[i].made = true;
	if (PQgetvalue(res, 0, 0)[0] == 't')
		log_info("made a partition for visits");
}

void
store_months_script(struct store *store, struct link_script *script)
{
	char when[UTC_ISO_MAX];
	struct link_step *step;
	int i;

	for (i = 0; i < store->n_months; i++) {
		if (store->months[i].made)
			continue;
		step = link_add(script,
		    "SELECT ringtally.ensure_visit_month($1::text, "
		    "$2::timestamptz), $3::bigint");
		/* else they wait in the default partition */
		step->optional = true;
		step->result = visits_month_made;
		link_param(script, store->config.site);
		/* the end of the month is kept longest */
		link_param(script,
		    utc_iso(when, sizeof(when),
			store->months[i].ends_us - USEC_PER_SEC));
		link_param_int(script, i);
		link_add_sync(script);
	}
}

/* --- visits -------------------------------------------------------------- */

static void
visits_times(struct strbuf *b, const struct visit *v)
{
	wire_field_time(b, v->entered_us);
	if (v->outcome == OUTCOME_ANSWERED)
		wire_field_time(b, v->answered_us);
	else
		wire_field_null(b);
	wire_field_time(b, v->ended_us);
	if (v->wait_ms >= 0)
		wire_field_int8(b, v->wait_ms);
	else
		wire_field_null(b);
	if (v->outcome == OUTCOME_ANSWERED && v->talk_ms >= 0)
		wire_field_int8(b, v->talk_ms);
	else
		wire_field_null(b);
}

static void
visits_text_or_null(struct strbuf *b, struct slice s)
{
	if (s.n > 0)
		wire_field_text(b, s);
	else
		wire_field_null(b);
}

static void
visits_hash_or_null(
    struct strbuf *b, bool there, const uint8_t hash[CALL_CALLER_BYTES])
{
	if (there)
		wire_field_bytes(b, hash, CALL_CALLER_BYTES);
	else
		wire_field_null(b);
}

void
store_visit(struct store *store, const char *switch_name, const char *feed_name,
    const struct visit *v)
{
	struct strbuf *b = &store->visits;

	if (store->config.keep_visits_days <= 0 || store->finished)
		return;
	if (b->n == 0)
		strbuf_add(b, wire_copy_head, sizeof(wire_copy_head));
	visits_note_month(store, v->entered_us);
	wire_int2(b, VISITS_COLUMNS);
	visits_times(b, v);
	wire_field_int8(b, v->offset);
	wire_field_int4(b, (int32_t)v->file_no);
	wire_field_int4(b, (int32_t)v->number);
	wire_field_text(b, slice_of(outcome_name(v->outcome)));
	wire_field_bool(b, v->transferred);
	wire_field_text(b, slice_of(store->config.site));
	wire_field_text(b, slice_of(switch_name));
	wire_field_text(b, (struct slice){v->queue->name, v->queue->name_len});
	wire_field_text(b, (struct slice){v->call->id, v->call->id_len});
	if (v->agent != NULL)
		wire_field_text(
		    b, (struct slice){v->agent->name, v->agent->name_len});
	else
		wire_field_null(b);
	visits_text_or_null(b, slice_of(v->reason));
	wire_field_text(b, slice_of(feed_name));
	visits_hash_or_null(b, v->has_caller, v->caller);
	visits_hash_or_null(b, v->has_before, v->caller_before);
	wire_field_bool(
	    b, (v->inferred & (VISIT_COUNTED | VISIT_COUNTED_GONE)) != 0);
	store->n_visits++;
	if (v->outcome == OUTCOME_ANSWERED)
		contact_work_told(store->contact_work, v->entered_us);
}

void
store_visits_forget(struct store *store)
{
	strbuf_reset(&store->visits);
	store->n_visits = 0;
	store->n_months = 0;
}
