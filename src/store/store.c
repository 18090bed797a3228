/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store's course: connect, ask to be the writer, load, then cut and
 * commit; and again from the beginning when anything goes wrong.
 */
#include "base/base.h"
#include "base/fault.h"
#include "base/log.h"
#include "store/inner.h"
#include "store/schema.h"

#define STORE_LEASE    "15 seconds"
#define STORE_RENEW_US (5 * USEC_PER_SEC)
/* without the advisory locks others wait for our lease: get them soon */
#define STORE_RENEW_SOON_US (1 * USEC_PER_SEC)

/*
 * A batch is full with so many bytes of visits and spans or of cells; that of
 * --once with a part of pending_max in visits and spans. Large batches are
 * cheaper, for what is only remembered for a while is written at each cut; but
 * the server should work while we read.
 */
#define STORE_FULL_VISITS ((size_t)2 << 20)
#define STORE_FULL_CELLS  ((size_t)4 << 20)
#define STORE_ONCE_PART	  4
#define STORE_MEASURE_US  (250 * USEC_PER_MSEC)

static const struct {
	enum store_state state;
	const char *name;
} store_states[] = {
    {STORE_OFF, "off"},
    {STORE_CONNECTING, "connecting"},
    {STORE_STANDBY, "standby"},
    {STORE_LOADING, "loading"},
    {STORE_READY, "ready"},
    {STORE_BACKOFF, "backoff"},
    {STORE_BROKEN, "broken"},
};

static void store_connect(void *ctx);
static void store_kick(struct store *store);
static void store_load(struct store *store);
static void store_send(struct store *store);
static void store_take_over(struct store *store);

const char *
store_state_name(enum store_state state)
{
	BUG_ON((size_t)state >= RT_COUNT(store_states));
	return store_states[state].name;
}

static void store_set_state(struct store *store, enum store_state state,
    const char *fmt, ...) RT_PRINTF(3, 4);

/* Tells it once, not each time that a retry meets the same again. */
static void
store_set_state(
    struct store *store, enum store_state state, const char *fmt, ...)
{
	char text[640];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (store->state == state && strcmp(store->said, text) == 0)
		return;
	store->state = state;
	snprintf(store->said, sizeof(store->said), "%s", text);
	store->ops->state(store->ctx, state, store->said);
}

/* --- pressure ------------------------------------------------------------ */

bool
store_batch_is_full(const struct store *store)
{
	size_t visits = store->config.once
	    ? store->config.pending_max / STORE_ONCE_PART
	    : STORE_FULL_VISITS;

	return store->visits.n + store_spans_bytes(store) >= visits ||
	    contact_rows_are_full(&store->contacts) ||
	    store->cells_bytes >= STORE_FULL_CELLS;
}

/*
 * A back-fill that is followed reads faster than the server writes: there is
 * no use in having more than the next batch ready.
 */
static bool
store_is_ahead(const struct store *store)
{
	return !store->config.once && store->writing &&
	    store->flying.number != 0 && store_batch_is_full(store);
}

size_t
store_pending(const struct store *store)
{
	return batch_bytes(&store->flying) + store->visits.n +
	    store_spans_bytes(store) + rows_bytes(&store->contacts) +
	    store->cells_bytes;
}

bool
store_holds_back(const struct store *store)
{
	return store->memory_short;
}

/* Is memory short? Once it was, until half of it is free again. */
static bool
store_is_short(const struct store *store)
{
	size_t most = store->config.pending_max;

	return store_pending(store) > (store->memory_short ? most / 2 : most);
}

static void
store_measure(struct store *store)
{
	bool memory_short = store_is_short(store);
	bool pressed = memory_short || store_is_ahead(store);

	if (store->memory_short != memory_short && !store->config.once)
		log_note(memory_short
			? "the feeds pause: too much waits for the database"
			: "the feeds go on");
	store->memory_short = memory_short;
	if (store->pressed == pressed)
		return;
	store->pressed = pressed;
	store->ops->pressure(store->ctx, pressed);
}

/* --- trying again -------------------------------------------------------- */

/* base * 2^n, at most `most`; a quarter of it at random, so that many daemons
 * do not knock at the same moment. */
static int64_t
store_delay(int64_t base, unsigned n, int64_t most)
{
	int64_t us = n < 20 ? base << n : most;
	uint32_t random = 0;

	us = RT_MIN(us, most);
	if (getentropy(&random, sizeof(random)) < 0)
		random = 0;
	return us - us / 4 * (int64_t)(random % 1024) / 1024;
}

/*
 * How long until the next try. A server that refuses is asked at once, then
 * ever more seldom, less than ten times in a minute. One that broke off an
 * established connection is asked more often: it is most likely back. Where
 * somebody must mend something there is no hurry.
 */
static int64_t
store_retry_delay(struct store *store, enum link_verdict verdict)
{
	switch (verdict) {
	case LINK_REFUSED:
		if (store->refused++ == 0)
			return 100 * USEC_PER_MSEC;
		return store_delay(
		    USEC_PER_SEC, store->refused - 2, 30 * USEC_PER_SEC);
	case LINK_FENCED:
	case LINK_LOST:
		if (store->lost++ == 0)
			return 10 * USEC_PER_MSEC;
		return store_delay(
		    100 * USEC_PER_MSEC, store->lost - 2, 2 * USEC_PER_SEC);
	case LINK_FULL:
		return store_delay(
		    USEC_PER_SEC, store->lost++, 5 * USEC_PER_SEC);
	case LINK_MEND:
		break;
	}
	return store_delay(USEC_PER_SEC, store->mend++, 30 * USEC_PER_SEC);
}

/* All is well again. */
static void
store_forget_tries(struct store *store)
{
	store->refused = store->lost = store->mend = store->waited = 0;
}

/* What an operator may do about it. */
static const char *
store_hint(const char *sqlstate)
{
	static const struct {
		const char *sqlstate, *hint;
	} hints[] = {
	    {"3F000", "; run ringtally db init"},
	    {"42P01", "; run ringtally db init"},
	    {"42501", "; the role needs GRANT ringtally_writer"},
	    {"42703", "; compare ringtally db check"},
	    {"42883", "; compare ringtally db check"},
	};
	size_t i;

	for (i = 0; i < RT_COUNT(hints); i++)
		if (strcmp(hints[i].sqlstate, sqlstate) == 0)
			return hints[i].hint;
	return "";
}

static void
store_tell_trouble(struct store *store, const struct link_trouble *trouble)
{
	const char *text = trouble->text;

	snprintf(store->trouble, sizeof(store->trouble), "%s", text);
	if (trouble->verdict == LINK_MEND)
		store_set_state(store, STORE_BROKEN, "needs mending: %s%s",
		    text, store_hint(trouble->sqlstate));
	else if (trouble->verdict == LINK_FULL)
		store_set_state(store, STORE_BACKOFF,
		    "its disk is full, trying again: %s", text);
	else if (store->state == STORE_READY && store->lost == 1 &&
	    trouble->verdict != LINK_REFUSED)
		/* no change of state before the next try has failed too */
		log_warn("database: %s", text);
	else
		store_set_state(store, STORE_BACKOFF, "trying again: %s", text);
}

static void
store_down(void *ctx, const struct link_trouble *trouble)
{
	struct store *store = ctx;
	int64_t delay = store_retry_delay(store, trouble->verdict);

	store->writing = store->locked = false;
	store->then = NULL;
	queue_live_forget(store->queue_live);
	timer_unset(store->renew);
	store_tell_trouble(store, trouble);
	timer_set(store->retry, delay);
	store_measure(store);
}

static void
store_connect(void *ctx)
{
	struct store *store = ctx;

	if (store->state == STORE_OFF)
		store_set_state(store, STORE_CONNECTING, "connecting");
	link_connect(store->link);
}

/* --- cutting and committing ---------------------------------------------- */

static void
store_run(struct store *store, void (*then)(struct store *store))
{
	store->then = then;
	link_run(store->link, &store->script);
}

static void
store_renew_soon(struct store *store)
{
	timer_set(
	    store->renew, store->locked ? STORE_RENEW_US : STORE_RENEW_SOON_US);
}

static void
store_finish_with(struct store *store, const char *failed)
{
	const char *well = store->loaded
	    ? "all is committed"
	    : "there was nothing to commit, as no feed was read";

	store->finished = true;
	snprintf(store->trouble, sizeof(store->trouble), "%s",
	    failed != NULL ? failed : "");
	timer_unset(store->finish);
	timer_unset(store->flush);
	timer_unset(store->renew);
	timer_unset(store->retry);
	link_close(store->link);
	store->writing = false;
	store_set_state(store, STORE_OFF, "%s", failed != NULL ? failed : well);
	task_set(store->tell);
}

/* Each feed may forget what it kept for the case that this batch is lost. */
static void
store_tell_feeds(struct store *store)
{
	const struct position *position;
	int i;

	for (i = 0; i < store->n_feeds; i++) {
		position = &store->flying.positions[i];
		store->landed[i] =
		    (struct store_landed){position->file_no, position->offset};
		if (position->file_no != 0 &&
		    store->ops->committed_feed != NULL)
			store->ops->committed_feed(
			    store->ctx, store->feeds[i].name, position);
	}
}

/* The batch is in the database, for certain. */
static void
store_landed(struct store *store)
{
	struct batch *batch = &store->flying;
	uint64_t number = batch->number;
	int64_t since_us = batch->since_us;
	bool last = batch->last;

	store->seq = number;
	store->trouble[0] = '\0';
	store_forget_tries(store);
	store_tell_feeds(store);
	contact_work_landed(store->contact_work);
	batch_reset(batch);
	if (since_us != 0)
		store->ops->committed(
		    store->ctx, number, clock_mono_us() - since_us);
	store_measure(store);
	if (last)
		store_finish_with(store, NULL);
}

static void
store_committed(struct store *store)
{
	store_renew_soon(store);
	store_landed(store);
	if (!store->finished)
		store_kick(store);
}

static void
store_send(struct store *store)
{
	timer_unset(store->renew);
	batch_script(store, &store->flying);
	fault_point("before-begin");
	store->then = store_committed;
	link_run_prepared(store->link, &store->script);
}

static void
store_kept(struct store *store)
{
	store_renew_soon(store);
	store_kick(store);
}

static void
store_queue_live_over(struct store *store)
{
	queue_live_over(store->queue_live);
	store_kick(store);
}

static void
store_contacts_over(struct store *store)
{
	contact_work_over(store->contact_work);
	store_kick(store);
}

static bool
store_contacts_work(struct store *store)
{
	if (!contact_work_script(store->contact_work, &store->script))
		return false;
	store_run(store, store_contacts_over);
	return true;
}

/*
 * The last batch. With --once nobody comes later who would join contacts, of
 * this run or put long ago, to the calls that it has told of, or have the days
 * of these counted anew; nor is there another who would keep what was said, or
 * drop what is old.
 */
static void
store_send_last(struct store *store)
{
	bool once = store->config.once;

	if (once && contact_work_has_told(store->contact_work)) {
		store_cut(store, false);
		store_send(store);
		return;
	}
	if (once)
		contact_work_last(store->contact_work);
	if (once && store_contacts_work(store)) {
		/* each of them has its own limit */
		timer_set(store->finish, store->finish_us);
		return;
	}
	fault_point("finish-flush");
	store_cut(store, true);
	store_send(store);
}

static bool
store_keep_due(const struct store *store)
{
	return clock_mono_us() >= store->keep_due_us;
}

/* Sends what there is to send, if the connection is free for it. */
static void
store_kick(struct store *store)
{
	if (!store->writing || !link_is_idle(store->link))
		return;
	if (store->flying.number != 0) {
		store_send(store);
	} else if (store->finishing) {
		store_send_last(store);
	} else if (store->due) {
		store_cut(store, false);
		store_send(store);
	} else if (store->again) {
		store->writing = false;
		store->found_seq = store->seq;
		store_load(store);
	} else if (store_keep_due(store)) {
		link_script_reset(&store->script);
		store_keep_step(store, &store->script);
		store_seen_step(store, &store->script);
		store_run(store, store_kept);
	} else if (queue_live_script(store->queue_live, &store->script)) {
		store_run(store, store_queue_live_over);
	} else {
		store_contacts_work(store);
	}
}

void
store_work_due(struct store *store)
{
	store_kick(store);
}

static void
store_flush_due(void *ctx)
{
	struct store *store = ctx;

	store->due = true;
	store_kick(store);
}

void
store_reload(struct store *store)
{
	store->again = true;
	timer_set(store->flush, 0);
}

void
store_touch(struct store *store)
{
	int64_t now;

	if (store->finished)
		return;
	queue_live_touch(store->queue_live);
	now = clock_mono_us();
	if (store->since_us == 0) {
		store->since_us = now;
		if (!store->config.once)
			timer_set(store->flush, store->config.flush_us);
	}
	if (now - store->measured_us >= STORE_MEASURE_US) {
		store->measured_us = now;
		store->cells_bytes = store_changed_bytes(store);
	}
	store_measure(store);
	if (store->pressed || store_batch_is_full(store))
		timer_set(store->flush, 0);
}

/* --- loading ------------------------------------------------------------- */

/* Nothing in memory counts any more. */
static void
store_forget(struct store *store)
{
	store->loaded = false;
	batch_reset(&store->flying);
	memset(
	    store->landed, 0, (size_t)store->n_feeds * sizeof(*store->landed));
	store_visits_forget(store);
	store_spans_forget(store);
	store_refs_forget(store);
	rows_reset(&store->contacts, store->flying.keep_bytes);
	contact_work_forget(store->contact_work);
	queue_live_forget(store->queue_live);
	store->since_us = 0;
	store->due = false;
	store->cells_bytes = 0;
	timer_unset(store->flush);
	store_measure(store);
	store->ops->reset(store->ctx);
}

static void
store_become_ready(struct store *store, const char *how)
{
	store->writing = true;
	store_renew_soon(store);
	contact_work_ready(store->contact_work);
	store_set_state(
	    store, STORE_READY, "%s, at transaction %" PRIu64, how, store->seq);
}

static void
store_loaded(struct store *store)
{
	store->loaded = true;
	store->trouble[0] = '\0';
	store_forget_tries(store);
	store_become_ready(store, "connected and loaded");
	if (store_is_watched(store))
		store->ops->load_since(
		    store->ctx, store->live_day_us, store->live_hour_us);
	store->ops->ready(store->ctx);
	store_kick(store);
}

static void
store_load(struct store *store)
{
	store_set_state(store, STORE_LOADING, "loading");
	store->again = false;
	store_forget(store);
	store->seq = store->found_seq;
	store_load_script(store);
	store_run(store, store_loaded);
}

/* --- becoming the writer -------------------------------------------------- */

static void
store_new_instance(struct store *store)
{
	unsigned char random[16];
	size_t i;

	if (getentropy(random, sizeof(random)) < 0)
		BUG("getentropy: %s", strerror(errno));
	for (i = 0; i < sizeof(random); i++)
		snprintf(store->instance + 2 * i, 3, "%02x", random[i]);
}

/*
 * The database is not where we left it: it lost what was committed (a crash,
 * an older copy), or somebody else wrote. What is in memory was built on what
 * is no more, so all of it is read again. Under a new name, so that nothing of
 * ours that is still on its way can land behind our back.
 */
static void
store_rewind(struct store *store)
{
	log_warn("database: our last transaction was %" PRIu64 "%s, it is at "
		 "%" PRIu64 ": all is loaded again from there",
	    store->seq, store->flying.number != 0 ? " or the one after it" : "",
	    store->found_seq);
	if (store->finishing) {
		/* who ends does not read it once more */
		store_finish_with(
		    store, "the database is not where it was left");
		return;
	}
	store_forget(store);
	memcpy(store->former, store->instance, sizeof(store->former));
	store_new_instance(store);
	store_take_over(store);
}

/* We were the writer before this connection, and still are. */
static void
store_resume(struct store *store)
{
	struct batch *batch = &store->flying;

	if (batch->number != 0 && store->found_seq == batch->number) {
		log_info("database: transaction %" PRIu64 " had landed",
		    batch->number);
		store->seq = batch->number;
		store_become_ready(store, "connected again");
		store_landed(store);
	} else if (store->found_seq == store->seq) {
		store_become_ready(store, "connected again");
	} else {
		store_rewind(store);
		return;
	}
	if (!store->finished)
		store_kick(store);
}

static void
store_stand_by(struct store *store)
{
	bool fenced = store->loaded;

	if (fenced) {
		log_warn("database: fenced: %s", store->held_by);
		store_forget(store);
	}
	store_set_state(
	    store, STORE_STANDBY, "standing by: %s", store->held_by);
	if (store->finishing) {
		store_finish_with(store, fenced ? store->held_by : NULL);
		return;
	}
	timer_set(store->retry,
	    store_delay(50 * USEC_PER_MSEC, store->waited++, 2 * USEC_PER_SEC));
}

static void
store_took_over(struct store *store)
{
	fault_point("after-take-over");
	if (!store->granted) {
		store_stand_by(store);
	} else if (!store->loaded) {
		store->former[0] = '\0';
		store_load(store);
	} else if (store->mine) {
		store_resume(store);
	} else {
		store_rewind(store);
	}
}

static void
store_take_over_result(void *ctx, const PGresult *res)
{
	struct store *store = ctx;

	store->granted = PQgetvalue(res, 0, 0)[0] == 't';
	store->mine = PQgetvalue(res, 0, 1)[0] == 't';
	store->found_seq = (uint64_t)result_int(res, 0, 2);
	store->locked = PQgetvalue(res, 0, 3)[0] == 't';
	snprintf(store->held_by, sizeof(store->held_by), "%s",
	    PQgetvalue(res, 0, 4));
}

static void
store_take_over(struct store *store)
{
	struct link_script *script = &store->script;
	struct link_step *step;

	link_script_reset(script);
	step = link_add(script,
	    "SELECT granted, mine, seq, locked, held_by "
	    "FROM ringtally.take_over($1::text, $2::text[], $3::text, "
	    "$4::text, $5::text, $6::interval)");
	step->result = store_take_over_result;
	link_param(script, store->config.site);
	link_param(script, store->switch_array);
	link_param(script, store->instance);
	link_param(script, store->former[0] != '\0' ? store->former : NULL);
	link_param(script, store->holder);
	link_param(script, STORE_LEASE);
	link_add_sync(script);
	store_run(store, store_took_over);
}

/* --- a new connection ---------------------------------------------------- */

static void
store_session_result(void *ctx, const PGresult *res)
{
	struct store *store = ctx;
	int version = (int)result_int(res, 0, 0);

	if (version < SCHEMA_SERVER_MIN)
		link_refuse(store->link, LINK_MEND,
		    "the server is PostgreSQL %d, 14 is needed",
		    version / 10000);
	else if (strcmp(PQgetvalue(res, 0, 3), "UTF8") != 0)
		link_refuse(store->link, LINK_MEND,
		    "the database is encoded in %s, UTF8 is needed: some names "
		    "have no place in it",
		    PQgetvalue(res, 0, 3));
	else if (PQgetvalue(res, 0, 1)[0] == 't')
		link_refuse(store->link, LINK_REFUSED,
		    "the server is a standby and only to be read");
	else if (result_int(res, 0, 2) != link_backend_pid(store->link))
		log_warn(
		    "database: a pooler stands in between: it must keep a "
		    "session for each client (pool_mode = session), or "
		    "two daemons may take the same switch from each other");
}

static void
store_schema_result(void *ctx, const PGresult *res)
{
	struct store *store = ctx;
	int version = (int)result_int(res, 0, 0);

	if (version < SCHEMA_VERSION)
		link_refuse(store->link, LINK_MEND,
		    "the schema is of version %d, %d is needed: run ringtally "
		    "db migrate",
		    version, SCHEMA_VERSION);
	else if (version > SCHEMA_VERSION)
		link_refuse(store->link, LINK_MEND,
		    "the schema is of version %d, newer than %d, which this "
		    "program knows",
		    version, SCHEMA_VERSION);
}

static void
store_up(void *ctx)
{
	struct store *store = ctx;
	struct link_script *script = &store->script;

	link_script_reset(script);
	link_add(script,
	    "SELECT current_setting('server_version_num'), "
	    "pg_is_in_recovery(), pg_backend_pid(), "
	    "current_setting('server_encoding'), "
	    "set_config('TimeZone', 'UTC', false), "
	    "set_config('DateStyle', 'ISO, YMD', false), "
	    "set_config('search_path', 'pg_catalog', false), "
	    "set_config('client_min_messages', 'warning', false), "
	    "set_config('synchronous_commit', 'off', false), "
	    "set_config('idle_in_transaction_session_timeout', '10s', false), "
	    "set_config('lock_timeout', '20s', false), "
	    "set_config('statement_timeout', '30s', false)")
	    ->result = store_session_result;
	link_add(script,
	    "SELECT coalesce(max(version), 0) FROM ringtally.schema_version")
	    ->result = store_schema_result;
	link_add_sync(script);
	store_run(store, store_take_over);
}

static void
store_done(void *ctx)
{
	struct store *store = ctx;
	void (*then)(struct store * store) = store->then;

	store->then = NULL;
	then(store);
}

static const struct link_ops store_link_ops = {
    .up = store_up,
    .done = store_done,
    .down = store_down,
};

/* --- timers -------------------------------------------------------------- */

/* The time to try again has come: to connect, or to ask once more. */
static void
store_retry(void *ctx)
{
	struct store *store = ctx;

	if (!link_is_up(store->link))
		store_connect(store);
	else
		store_take_over(store);
}

/* Nothing was written for a while: an empty transaction renews the lease. */
static void
store_renew(void *ctx)
{
	struct store *store = ctx;

	store->due = true;
	store_kick(store);
}

static void
store_finish_late(void *ctx)
{
	struct store *store = ctx;
	char text[sizeof(store->trouble)];

	snprintf(text, sizeof(text), "%s",
	    store->trouble[0] != '\0' ? store->trouble
				      : "the database does not answer");
	store_finish_with(store, text);
}

static void
store_tell_finish(void *ctx)
{
	struct store *store = ctx;
	char failed[sizeof(store->trouble)];

	memcpy(failed, store->trouble, sizeof(failed));
	store->finish_fn(store->finish_ctx, failed[0] != '\0' ? failed : NULL);
}

void
store_finish(struct store *store, int64_t timeout_us,
    void (*done)(void *ctx, const char *failed), void *ctx)
{
	BUG_ON(store->finishing);
	store->finishing = true;
	store->finish_fn = done;
	store->finish_ctx = ctx;
	if (!store->loaded) {
		/* nothing was read, so nothing is pending */
		store_finish_with(store, NULL);
		return;
	}
	store->finish_us = timeout_us;
	timer_set(store->finish, timeout_us);
	if (!link_is_up(store->link) && timer_is_set(store->retry))
		timer_set(store->retry, 0);
	store_kick(store);
}

/* --- life ---------------------------------------------------------------- */

struct store *
store_new(struct loop *loop, const struct store_config *config,
    const struct store_ops *ops, void *ctx)
{
	struct store *store = mem_zalloc(sizeof(*store));
	char host[64] = "";

	store->loop = loop;
	store->config = *config;
	store->ops = ops;
	store->ctx = ctx;
	store_tables_init(store);
	batch_init(&store->flying, store);
	store_spans_init(store);
	contact_rows_init(&store->contacts);
	store->contact_work = contact_work_new(store);
	store_new_instance(store);
	gethostname(host, sizeof(host) - 1);
	snprintf(store->holder, sizeof(store->holder), "%s, process %ld", host,
	    (long)getpid());
	store->link = link_new(loop, config->conninfo, &store_link_ops, store);
	store->retry = timer_new(loop, store_retry, store);
	store->flush = timer_new(loop, store_flush_due, store);
	store->renew = timer_new(loop, store_renew, store);
	store->finish = timer_new(loop, store_finish_late, store);
	store->tell = task_new(loop, store_tell_finish, store);
	if (config->queue_live && ops->queues != NULL)
		store->queue_live = queue_live_new(store);
	return store;
}

void
store_free(struct store *store)
{
	if (store == NULL)
		return;
	link_free(store->link);
	timer_free(store->retry);
	timer_free(store->flush);
	timer_free(store->renew);
	timer_free(store->finish);
	task_free(store->tell);
	link_script_fini(&store->script);
	queue_live_free(store->queue_live);
	contact_work_free(store->contact_work);
	rows_fini(&store->contacts);
	store_refs_forget(store);
	batch_fini(&store->flying);
	store_spans_fini(store);
	strbuf_fini(&store->visits);
	free(store->switch_array);
	free(store->feed_array);
	free(store->landed);
	free(store->switches);
	free(store->newest_us);
	free(store->feeds);
	free(store);
}

void
store_add_switch(struct store *store, const struct store_switch *sw)
{
	store->switches = mem_realloc(store->switches,
	    (size_t)store->n_switches + 1, sizeof(*store->switches));
	store->newest_us = mem_realloc(store->newest_us,
	    (size_t)store->n_switches + 1, sizeof(*store->newest_us));
	store->newest_us[store->n_switches] = INT64_MAX; /* not known yet */
	store->switches[store->n_switches++] = *sw;
}

void
store_add_feed(struct store *store, const struct store_feed *feed)
{
	store->feeds = mem_realloc(
	    store->feeds, (size_t)store->n_feeds + 1, sizeof(*store->feeds));
	store->feeds[store->n_feeds++] = *feed;
}

/* An element of an array as text: quoted, so that any name is one. */
static void
store_array_add(struct strbuf *array, const char *name)
{
	strbuf_adds(array, array->n == 0 ? "{\"" : ",\"");
	for (; *name != '\0'; name++) {
		if (*name == '"' || *name == '\\')
			strbuf_addc(array, '\\');
		strbuf_addc(array, *name);
	}
	strbuf_addc(array, '"');
}

void
store_start(struct store *store)
{
	struct strbuf array = STRBUF_INIT;
	int i;

	BUG_ON(store->n_switches == 0);
	for (i = 0; i < store->n_switches; i++)
		store_array_add(&array, store->switches[i].name);
	strbuf_addc(&array, '}');
	store->switch_array = mem_strdup(strbuf_str(&array));
	strbuf_reset(&array);
	if (store->n_feeds == 0)
		strbuf_addc(&array, '{');
	for (i = 0; i < store->n_feeds; i++)
		store_array_add(&array, store->feeds[i].name);
	strbuf_addc(&array, '}');
	store->feed_array = mem_strdup(strbuf_str(&array));
	store->flying.positions = mem_zalloc(
	    (size_t)(store->n_feeds + 1) * sizeof(*store->flying.positions));
	store->landed =
	    mem_zalloc((size_t)(store->n_feeds + 1) * sizeof(*store->landed));
	strbuf_fini(&array);
	timer_set(store->retry, 0);
}

void
store_set_repeat_days(struct store *store, int64_t days)
{
	store->config.repeat_days = days;
	if (store->loaded)
		store_touch(store);
}

void
store_set_services(struct store *store,
    const char *(*service_of)(void *ctx, const char *queue), void *ctx)
{
	store->service_of = service_of;
	store->service_ctx = ctx;
	store_refs_review(store);
}
