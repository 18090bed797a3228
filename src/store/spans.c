/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What agents' sessions leave behind until the next cut: spans that ended, and
 * rows that stand under names which nobody goes by any more.
 */
#include "base/base.h"
#include "store/inner.h"

void
spans_rows_init(struct store *store, struct rows *rows)
{
	const struct table *table = &store->tables[TABLE_AGENT_SPAN];

	if (store->config.once)
		rows_init_copy(rows, table, store->config.site);
	else
		rows_init(rows, table);
}

void
store_spans_init(struct store *store)
{
	spans_rows_init(store, &store->spans);
	rows_init(&store->misnamed, &store->tables[TABLE_SESSION_GONE]);
}

void
store_spans_fini(struct store *store)
{
	rows_fini(&store->spans);
	rows_fini(&store->misnamed);
}

size_t
store_spans_bytes(const struct store *store)
{
	return rows_bytes(&store->spans) + rows_bytes(&store->misnamed);
}

static struct slice
spans_queue_name(const struct queue *queue)
{
	if (queue == NULL)
		return SLICE("");
	return (struct slice){queue->name, queue->name_len};
}

void
store_span(struct store *store, const char *switch_name,
    const struct session_span *span)
{
	struct slice agent = {span->agent->name, span->agent->name_len};
	struct rows *rows = &store->spans;

	if (store->finished)
		return;
	store_ref_seen(store, store_find_switch(store, switch_name), true,
	    agent, utc_floor(span->from_us, store->config.interval_us));
	rows_time(rows, span->from_us);
	rows_time(rows, span->to_us);
	rows_text(rows, slice_of(session_kind_name(span->kind)));
	rows_text(rows, slice_of(switch_name));
	rows_text(rows, agent);
	rows_text(rows, spans_queue_name(span->queue));
	rows_text_or_null(rows, slice_of(span->reason));
	rows_end(rows);
}

void
store_session_misnamed(struct store *store, const char *switch_name,
    struct slice agent, struct slice queue)
{
	struct rows *rows = &store->misnamed;

	rows_text(rows, slice_of(switch_name));
	rows_text(rows, agent);
	rows_text(rows, queue);
	rows_end(rows);
	store_touch(store);
}

static void
spans_swap(struct rows *a, struct rows *b)
{
	struct rows swap = *a;

	*a = *b;
	*b = swap;
}

void
store_spans_cut(struct store *store, struct batch *batch)
{
	spans_swap(&store->spans, &batch->rows[TABLE_AGENT_SPAN]);
	spans_swap(&store->misnamed, &batch->rows[TABLE_SESSION_GONE]);
}

void
store_spans_forget(struct store *store)
{
	rows_reset(&store->spans, store->flying.keep_bytes);
	rows_reset(&store->misnamed, store->flying.keep_bytes);
}
