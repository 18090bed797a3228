/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The present second of each queue, for ringtally.queue_live.
 *
 * Apart from the batches: a transaction of its own when the connection has
 * nothing else to do, of the rows that differ from what was written last.
 * Nothing depends on it. Where it fails (a lock held too long, a right taken
 * away) that is said, and it is left alone for a while; batches go on.
 */
#include "base/base.h"
#include "base/log.h"
#include "store/inner.h"

#define QUEUE_LIVE_US	    (1 * USEC_PER_SEC)
#define QUEUE_LIVE_QUIET_US (5 * USEC_PER_SEC) /* a wrap-up may have ended */
#define QUEUE_LIVE_AGAIN_US (30 * USEC_PER_SEC)
#define QUEUE_LIVE_KEEP	    ((size_t)64 << 10)

/* A queue as it was written last. */
struct queue_live_row {
	UT_hash_handle hh;
	struct store_queue_now now;
	bool written;
	uint32_t pass; /* in which it was shown last */
	size_t name_len;
	int32_t sw;  /* index of the switch: the key is this ... */
	char name[]; /* ... and the name behind it */
};

struct queue_live {
	struct store *store;
	struct timer *timer;
	struct rows rows;
	struct queue_live_row *known; /* uthash */
	uint32_t pass, n_shown;
	bool touched; /* something happened since the last look */
	bool due;
	bool anew; /* the table holds nothing of ours, or too much */
	bool done; /* the last script was, to its end */
	int64_t looked_us, wait_until_us; /* monotonic */
};

#define QUEUE_LIVE_KEY(name)                        \
	{                                           \
		name, COLUMN_TEXT, COLUMN_KEY, NULL \
	}
#define QUEUE_LIVE_SET(name, type)                    \
	{                                             \
		name, COLUMN_##type, COLUMN_SET, NULL \
	}

static const struct table queue_live_table = {.name = "queue_live_state",
    .n_columns = 18,
    .column = {QUEUE_LIVE_KEY("switch"), QUEUE_LIVE_KEY("queue"),
	QUEUE_LIVE_SET("instance", TEXT), QUEUE_LIVE_SET("waiting", INT4),
	QUEUE_LIVE_SET("waiting_since", TIME), QUEUE_LIVE_SET("talking", INT4),
	QUEUE_LIVE_SET("agents_logged_in", INT4),
	QUEUE_LIVE_SET("agents_free", INT4),
	QUEUE_LIVE_SET("agents_talking", INT4),
	QUEUE_LIVE_SET("agents_wrapping_up", INT4),
	QUEUE_LIVE_SET("agents_paused", INT4), QUEUE_LIVE_SET("today_at", TIME),
	QUEUE_LIVE_SET("offered", INT8), QUEUE_LIVE_SET("answered", INT8),
	QUEUE_LIVE_SET("within_s", INT4),
	QUEUE_LIVE_SET("answered_within", INT8),
	QUEUE_LIVE_SET("abandoned", INT8), QUEUE_LIVE_SET("updated_at", TIME)}};

static void
queue_live_tick(void *ctx)
{
	struct queue_live *live = ctx;

	live->due = true;
	timer_set(live->timer, QUEUE_LIVE_US);
	store_work_due(live->store);
}

struct queue_live *
queue_live_new(struct store *store)
{
	struct queue_live *live = mem_zalloc(sizeof(*live));

	live->store = store;
	live->anew = true;
	rows_init(&live->rows, &queue_live_table);
	live->timer = timer_new(store->loop, queue_live_tick, live);
	timer_set(live->timer, QUEUE_LIVE_US);
	return live;
}

void
queue_live_forget(struct queue_live *live)
{
	struct queue_live_row *row, *next;

	if (live == NULL)
		return;
	HASH_ITER (hh, live->known, row, next) {
		HASH_DEL(live->known, row);
		free(row);
	}
	rows_reset(&live->rows, QUEUE_LIVE_KEEP);
	live->anew = true;
	live->wait_until_us = 0;
}

void
queue_live_free(struct queue_live *live)
{
	if (live == NULL)
		return;
	queue_live_forget(live);
	rows_fini(&live->rows);
	timer_free(live->timer);
	free(live);
}

void
queue_live_touch(struct queue_live *live)
{
	if (live != NULL)
		live->touched = true;
}

/* --- what changed -------------------------------------------------------- */

static struct queue_live_row *
queue_live_get(struct queue_live *live, int sw, struct slice name)
{
	struct {
		int32_t sw;
		char name[TALLY_NAME_MAX];
	} key;
	struct queue_live_row *row;
	size_t n = sizeof(key.sw) + name.n;

	BUG_ON(name.n > sizeof(key.name));
	key.sw = sw;
	memcpy(key.name, name.p, name.n);
	HASH_FIND(hh, live->known, &key, n, row);
	if (row != NULL)
		return row;
	row = mem_zalloc(sizeof(*row) + name.n);
	row->sw = sw;
	row->name_len = name.n;
	memcpy(row->name, name.p, name.n);
	HASH_ADD_KEYPTR(hh, live->known, &row->sw, n, row);
	return row;
}

void
store_queue_now(struct store *store, const char *switch_name,
    struct slice queue, const struct store_queue_now *now)
{
	struct queue_live *live = store->queue_live;
	int sw = store_find_switch(store, switch_name);
	struct queue_live_row *row;

	BUG_ON(live == NULL || sw < 0);
	row = queue_live_get(live, sw, queue);
	row->pass = live->pass;
	live->n_shown++;
	if (memcmp(&row->now, now, sizeof(*now)) == 0)
		return;
	row->now = *now;
	row->written = false;
}

static void
queue_live_add(struct queue_live *live, const struct queue_live_row *row)
{
	const struct store_queue_now *now = &row->now;
	struct rows *rows = &live->rows;

	rows_text(rows, slice_of(live->store->switches[row->sw].name));
	rows_text(rows, (struct slice){row->name, row->name_len});
	rows_text(rows, slice_of(live->store->instance));
	rows_int(rows, now->waiting);
	rows_time_or_null(rows, now->waiting > 0, now->waiting_since_us);
	rows_int(rows, now->talking);
	rows_int(rows, now->logged_in);
	rows_int(rows, now->free);
	rows_int(rows, now->busy);
	rows_int(rows, now->wrapping_up);
	rows_int(rows, now->paused);
	rows_time(rows, now->today_us);
	rows_int(rows, now->offered);
	rows_int(rows, now->answered);
	rows_int(rows, now->within_s);
	rows_int(rows, now->answered_within);
	rows_int(rows, now->abandoned);
	rows_time(rows, clock_wall_us());
	rows_end(rows);
}

/* Asks for all queues; what differs from the table becomes rows. */
static void
queue_live_look(struct queue_live *live)
{
	struct queue_live_row *row, *next;

	live->pass++;
	live->n_shown = 0;
	live->store->ops->queues(live->store->ctx, live->store);
	if (live->n_shown < HASH_COUNT(live->known))
		live->anew = true; /* one is shown no more */
	rows_reset(&live->rows, QUEUE_LIVE_KEEP);
	HASH_ITER (hh, live->known, row, next)
		if (row->pass != live->pass) {
			HASH_DEL(live->known, row);
			free(row);
		} else if (live->anew || !row->written) {
			queue_live_add(live, row);
			row->written = true;
		}
}

/* --- the script ---------------------------------------------------------- */

static void
queue_live_wrote(void *ctx, const PGresult *res RT_UNUSED)
{
	struct store *store = ctx;

	store->queue_live->done = true;
}

/*
 * One transaction, from sync to sync. All of its steps may fail: then none of
 * them happened.
 */
static void
queue_live_write(struct queue_live *live, struct link_script *script)
{
	struct store *store = live->store;
	int i;

	link_script_reset(script);
	/* a batch may become due meanwhile */
	link_add(script,
	    "SELECT set_config('lock_timeout', '100ms', true), "
	    "set_config('statement_timeout', '1s', true)");
	link_add(script,
	    "SELECT ringtally.assert_writer($1::text, $2::text[], $3::text)");
	link_param(script, store->config.site);
	link_param(script, store->switch_array);
	link_param(script, store->instance);
	if (live->anew) {
		link_add(script,
		    "DELETE FROM ringtally.queue_live_state "
		    "WHERE site = $1::text AND switch = ANY ($2::text[])");
		link_param(script, store->config.site);
		link_param(script, store->switch_array);
	}
	link_add_rows(script, store->config.site, &live->rows);
	for (i = 0; i < script->n; i++)
		script->step[i].optional = true;
	script->step[script->n - 1].result = queue_live_wrote;
	link_add_sync(script);
}

bool
queue_live_script(struct queue_live *live, struct link_script *script)
{
	int64_t now_us = clock_mono_us();

	if (live == NULL || !live->due || now_us < live->wait_until_us)
		return false;
	live->due = false;
	if (!live->anew && !live->touched &&
	    now_us - live->looked_us < QUEUE_LIVE_QUIET_US)
		return false;
	live->looked_us = now_us;
	live->touched = false;
	queue_live_look(live);
	if (live->rows.n == 0 && !live->anew)
		return false;
	live->done = false;
	queue_live_write(live, script);
	return true;
}

void
queue_live_over(struct queue_live *live)
{
	if (live->done) {
		live->anew = false;
		return;
	}
	log_warn("database: queue_live was not written; the next try is in "
		 "%d s",
	    (int)(QUEUE_LIVE_AGAIN_US / USEC_PER_SEC));
	queue_live_forget(live);
	live->wait_until_us = clock_mono_us() + QUEUE_LIVE_AGAIN_US;
}
