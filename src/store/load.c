/* SPDX-License-Identifier: BSD-2-Clause */
/* What a restart needs, read back: positions, clocks, visits, sessions. */
#include "base/base.h"
#include "base/fault.h"
#include "base/log.h"
#include "store/inner.h"

#define LOAD_KEEP_US	   (SEC_PER_DAY * USEC_PER_SEC)
#define LOAD_KEEP_AGAIN_US (3600 * USEC_PER_SEC)

bool
result_null(const PGresult *res, int row, int column)
{
	return PQgetisnull(res, row, column) != 0;
}

int64_t
result_int(const PGresult *res, int row, int column)
{
	return strtoll(PQgetvalue(res, row, column), NULL, 10);
}

struct slice
result_slice(const PGresult *res, int row, int column)
{
	return (struct slice){PQgetvalue(res, row, column),
	    (size_t)PQgetlength(res, row, column)};
}

int
store_find_switch(const struct store *store, const char *name)
{
	int i;

	for (i = 0; i < store->n_switches; i++)
		if (strcmp(store->switches[i].name, name) == 0)
			return i;
	return -1;
}

/* A feed's number; that of the first one for a feed that is no more. */
static int
load_find_feed(const struct store *store, const char *name)
{
	int i;

	for (i = 0; i < store->n_feeds; i++)
		if (strcmp(store->feeds[i].name, name) == 0)
			return i;
	return -1;
}

/* --- rows ---------------------------------------------------------------- */

static void
load_kept(void *ctx, const PGresult *res)
{
	struct store *store = ctx;
	int i;

	store->keep_due_us = clock_mono_us() + LOAD_KEEP_US;
	for (i = 0; i < PQntuples(res); i++)
		log_note("visits: %s", PQgetvalue(res, i, 0));
}

/*
 * Before anything is loaded: who has one feed of a switch lets go of its calls
 * ten minutes (MACHINE_LINGER_US) after they ended, and whoever has several of
 * it afterwards has to know up to when that was. A clock that was not believed
 * (leap_at) says nothing of it.
 */
static const char load_forgotten_sql[] =
    "UPDATE ringtally.writer AS w SET forgotten_at = n.forgotten_at "
    "FROM (SELECT s.switch, CASE WHEN s.several THEN coalesce(least("
    "r.forgotten_at, r.clock_at - interval '10 minutes', "
    "CASE WHEN r.leap_at = r.clock_at THEN timestamptz 'epoch' END), "
    "'epoch') END "
    "AS forgotten_at "
    "FROM unnest($2::text[], $3::boolean[]) AS s(switch, several) "
    "JOIN ringtally.writer AS r ON r.site = $1::text "
    "AND r.switch = s.switch) AS n "
    "WHERE w.site = $1::text AND w.switch = n.switch "
    "AND w.instance = $4::text "
    "AND w.forgotten_at IS DISTINCT FROM n.forgotten_at";

/* Has the switch more than one feed? */
static bool
load_is_shared(const struct store *store, const char *switch_name)
{
	int i, n = 0;

	for (i = 0; i < store->n_feeds; i++)
		n += strcmp(store->feeds[i].switch_name, switch_name) == 0;
	return n > 1;
}

static void
load_forgotten_step(struct store *store)
{
	struct link_script *script = &store->script;
	struct strbuf several = STRBUF_INIT;
	int i;

	for (i = 0; i < store->n_switches; i++) {
		strbuf_addc(&several, i == 0 ? '{' : ',');
		strbuf_addc(&several,
		    load_is_shared(store, store->switches[i].name) ? 't' : 'f');
	}
	strbuf_addc(&several, '}');
	link_add(script, load_forgotten_sql);
	link_param(script, store->config.site);
	link_param(script, store->switch_array);
	link_param(script, strbuf_str(&several));
	link_param(script, store->instance);
	link_add_sync(script);
	strbuf_fini(&several);
}

static const char load_switches_sql[] =
    "SELECT switch, "
    "(extract(epoch FROM clock_at) * 1000000)::bigint, "
    "(extract(epoch FROM leap_at) * 1000000)::bigint, "
    "(extract(epoch FROM forgotten_at) * 1000000)::bigint "
    "FROM ringtally.writer "
    "WHERE site = $1::text AND switch = ANY ($2::text[])";

static void
load_switches(void *ctx, const PGresult *res)
{
	struct store *store = ctx;
	int i;

	for (i = 0; i < PQntuples(res); i++)
		store->ops->load_switch(store->ctx, PQgetvalue(res, i, 0),
		    result_int(res, i, 1), result_int(res, i, 2),
		    result_int(res, i, 3));
	fault_point("during-load");
}

/*
 * The last interval of each switch that has a row, or one later than that. The
 * rows of all switches stand in the order of their intervals: for one that is
 * new, all that the others ever wrote would be looked through, so that their
 * last interval has to do.
 */
static const char load_newest_sql[] =
    "SELECT s.switch, (extract(epoch FROM greatest("
    "coalesce((SELECT t.starts_at FROM ringtally.queue_tally AS t "
    "WHERE t.site = $1::text AND t.switch = s.switch "
    "AND (SELECT true FROM ringtally.queue AS n WHERE n.site = $1::text "
    "AND n.switch = s.switch LIMIT 1) "
    "ORDER BY t.starts_at DESC LIMIT 1), "
    "(SELECT t.starts_at FROM ringtally.queue_tally AS t "
    "WHERE t.site = $1::text ORDER BY t.starts_at DESC LIMIT 1)), "
    "coalesce((SELECT t.starts_at FROM ringtally.agent_tally AS t "
    "WHERE t.site = $1::text AND t.switch = s.switch "
    "AND (SELECT true FROM ringtally.agent AS n WHERE n.site = $1::text "
    "AND n.switch = s.switch LIMIT 1) "
    "ORDER BY t.starts_at DESC LIMIT 1), "
    "(SELECT t.starts_at FROM ringtally.agent_tally AS t "
    "WHERE t.site = $1::text ORDER BY t.starts_at DESC LIMIT 1)))) * "
    "1000000)::bigint "
    "FROM unnest($2::text[]) AS s(switch)";

static void
load_newest(void *ctx, const PGresult *res)
{
	struct store *store = ctx;
	int i, sw;

	for (i = 0; i < PQntuples(res); i++) {
		sw = store_find_switch(store, PQgetvalue(res, i, 0));
		if (sw >= 0)
			store->newest_us[sw] = result_null(res, i, 1)
			    ? INT64_MIN
			    : result_int(res, i, 1);
	}
}

static const char load_feeds_sql[] =
    "SELECT feed, switch, file_no, path, device, inode, generation, "
    "head_hash, head_size, file_offset, size_seen, skipping, slot, "
    "(extract(epoch FROM first_event_at) * 1000000)::bigint, "
    "(extract(epoch FROM last_event_at) * 1000000)::bigint, "
    "encode(format_state, 'hex'), "
    "(extract(epoch FROM leads_at) * 1000000)::bigint, "
    "(extract(epoch FROM updated_at) * 1000000)::bigint "
    "FROM ringtally.feed WHERE site = $1::text "
    "AND (feed = ANY ($2::text[]) OR switch = ANY ($3::text[])) "
    "ORDER BY updated_at DESC";

static uint8_t
load_hex(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void
load_hex_bytes(struct strbuf *to, const char *hex)
{
	strbuf_reset(to);
	for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2)
		strbuf_addc(
		    to, (char)(load_hex(hex[0]) << 4 | load_hex(hex[1])));
}

static const char load_seen_sql[] =
    "SELECT feed, key, (extract(epoch FROM seen_at) * 1000000)::bigint "
    "FROM ringtally.feed_seen "
    "WHERE site = $1::text AND feed = ANY ($2::text[]) ORDER BY seen_at";

static void
load_seen(void *ctx, const PGresult *res)
{
	struct store *store = ctx;
	int i;

	for (i = 0; i < PQntuples(res); i++)
		if (store->ops->load_seen != NULL)
			store->ops->load_seen(store->ctx, PQgetvalue(res, i, 0),
			    (uint64_t)result_int(res, i, 1),
			    result_int(res, i, 2));
}

static void
load_warn_switch(const struct store *store, const struct store_feed *feed,
    const char *before)
{
	log_warn("feed %s was of switch %s before, now of %s%s%s", feed->name,
	    before, feed->switch_name,
	    store_find_switch(store, before) >= 0
		? ""
		: "; where no other daemon reads it, what is open there is "
		  "ended by ringtallyd --give-up ",
	    store_find_switch(store, before) >= 0 ? "" : before);
}

static void
load_feeds(void *ctx, const PGresult *res)
{
	struct store *store = ctx;
	struct strbuf state = STRBUF_INIT;
	int i;

	for (i = 0; i < PQntuples(res); i++) {
		struct store_feed_row row = {
		    .slot = (unsigned)result_int(res, i, 12),
		    .times = {.first_us = result_int(res, i, 13),
			.clock_us = result_int(res, i, 14),
			.leads_us = result_int(res, i, 16)}};
		struct position p = {.file_no = (uint32_t)result_int(res, i, 2),
		    .device = (uint64_t)result_int(res, i, 4),
		    .inode = (uint64_t)result_int(res, i, 5),
		    .generation = (uint64_t)result_int(res, i, 6),
		    .head_hash = (uint64_t)result_int(res, i, 7),
		    .head_size = (uint32_t)result_int(res, i, 8),
		    .offset = result_int(res, i, 9),
		    .size_seen = result_int(res, i, 10),
		    .skipping = PQgetvalue(res, i, 11)[0] == 't'};
		int n = load_find_feed(store, PQgetvalue(res, i, 0));

		snprintf(p.path, sizeof(p.path), "%s", PQgetvalue(res, i, 3));
		if (p.file_no == 0)
			p.none_us = result_int(res, i, 17);
		if ((n < 0 ||
			strcmp(PQgetvalue(res, i, 1),
			    store->feeds[n].switch_name) != 0) &&
		    store->ops->load_former != NULL)
			store->ops->load_former(store->ctx,
			    PQgetvalue(res, i, 1), row.times.first_us,
			    row.times.clock_us);
		if (n < 0)
			continue;
		if (strcmp(PQgetvalue(res, i, 1),
			store->feeds[n].switch_name) != 0) {
			load_warn_switch(
			    store, &store->feeds[n], PQgetvalue(res, i, 1));
			row.slot = MACHINE_FEEDS;
		}
		row.position = p;
		load_hex_bytes(&state, PQgetvalue(res, i, 15));
		row.state = (struct slice){strbuf_str(&state), state.n};
		store->ops->load_feed(store->ctx, store->feeds[n].name, &row);
	}
	strbuf_fini(&state);
}

static void
load_queues(void *ctx, const PGresult *res)
{
	struct store *store = ctx;
	int i, sw;

	for (i = 0; i < PQntuples(res); i++) {
		const char *service =
		    result_null(res, i, 2) ? NULL : PQgetvalue(res, i, 2);

		sw = store_find_switch(store, PQgetvalue(res, i, 0));
		if (sw < 0)
			continue;
		if (store->ops->load_service != NULL)
			store->ops->load_service(store->ctx,
			    PQgetvalue(res, i, 0), result_slice(res, i, 1),
			    service);
		store_ref_loaded(store, sw, result_slice(res, i, 1), service);
	}
}

static const char load_visits_sql[] =
    "SELECT switch, call_id, visit_no, state, outcome, queue, agent, "
    "(extract(epoch FROM entered_at) * 1000000)::bigint, "
    "(extract(epoch FROM answered_at) * 1000000)::bigint, "
    "(extract(epoch FROM ended_at) * 1000000)::bigint, "
    "(extract(epoch FROM touched_at) * 1000000)::bigint, "
    "wait_ms, talk_ms, transferred, answer_derived, reason, "
    "encode(caller, 'hex'), feed, file_no, file_offset, "
    "encode(heard, 'hex'), encode(caller_before, 'hex'), inferred, "
    "(extract(epoch FROM starts_at) * 1000000)::bigint "
    "FROM ringtally.open_visit "
    "WHERE site = $1::text AND switch = ANY ($2::text[]) "
    "ORDER BY touched_at, switch, call_id, visit_no";

int64_t
load_ms(const PGresult *res, int row, int column)
{
	return result_null(res, row, column) ? EVENT_UNKNOWN_MS
					     : result_int(res, row, column);
}

static uint8_t
load_state(const char *name)
{
	int i;

	for (i = 0; i < VISIT_STATES; i++)
		if (strcmp(visit_state_name((enum visit_state)i), name) == 0)
			return (uint8_t)i;
	BUG("open_visit.state %s", name);
}

uint8_t
load_outcome(const char *name)
{
	int outcome =
	    strcmp(name, "waiting") == 0 ? OUTCOME_NONE : outcome_parse(name);

	if (outcome < 0)
		BUG("open_visit.outcome %s", name);
	return (uint8_t)outcome;
}

bool
load_caller(
    const PGresult *res, int row, int column, uint8_t caller[CALL_CALLER_BYTES])
{
	const char *hex = PQgetvalue(res, row, column);
	int i;

	if (PQgetlength(res, row, column) != 2 * CALL_CALLER_BYTES)
		return false;
	for (i = 0; i < CALL_CALLER_BYTES; i++)
		caller[i] = (uint8_t)(load_hex(hex[2 * i]) << 4 |
		    load_hex(hex[2 * i + 1]));
	return true;
}

/* As cut_heard writes them. */
static bool
load_heard(const PGresult *res, int row, int column, struct heard *heard)
{
	struct strbuf bytes = STRBUF_INIT;
	const uint8_t *b;
	bool there;

	load_hex_bytes(&bytes, PQgetvalue(res, row, column));
	there = bytes.n == 5 + MACHINE_FEEDS;
	b = (const uint8_t *)strbuf_str(&bytes);
	if (there) {
		*heard = (struct heard){.entered = b[0],
		    .answered = b[1],
		    .ended = b[2],
		    .unsure = (b[3] & 1) != 0,
		    .kept = (b[3] & 2) != 0,
		    .rings_of = b[3] >> 2,
		    .rings_booked = b[4]};
		memcpy(heard->rings, b + 5, MACHINE_FEEDS);
	}
	strbuf_fini(&bytes);
	return there;
}

static void
load_visit(struct store *store, const PGresult *res, int i)
{
	int feed = load_find_feed(store, PQgetvalue(res, i, 17));
	struct heard heard;
	struct cell cell = {.starts_us = result_int(res, i, 23)};
	struct visit v = {.number = (uint32_t)result_int(res, i, 2),
	    .state = load_state(PQgetvalue(res, i, 3)),
	    .outcome = load_outcome(PQgetvalue(res, i, 4)),
	    .entered_us = result_int(res, i, 7),
	    .answered_us = result_int(res, i, 8),
	    .ended_us = result_int(res, i, 9),
	    .touched_us = result_int(res, i, 10),
	    .wait_ms = load_ms(res, i, 11),
	    .talk_ms = load_ms(res, i, 12),
	    .transferred = PQgetvalue(res, i, 13)[0] == 't',
	    .answer_derived = PQgetvalue(res, i, 14)[0] == 't',
	    .inferred = (uint8_t)result_int(res, i, 22),
	    .stored = true};

	/* the evidence is gone with its feed */
	if (feed >= 0) {
		v.feed = (uint16_t)feed;
		v.file_no = (uint32_t)result_int(res, i, 18);
		v.offset = result_int(res, i, 19);
	}
	snprintf(v.reason, sizeof(v.reason), "%s", PQgetvalue(res, i, 15));
	v.has_caller = load_caller(res, i, 16, v.caller);
	v.has_before = load_caller(res, i, 21, v.caller_before);
	if (load_heard(res, i, 20, &heard))
		v.heard = &heard;
	if (!result_null(res, i, 23))
		v.cell = &cell;
	store->ops->load_visit(store->ctx, PQgetvalue(res, i, 0), &v,
	    result_slice(res, i, 1), result_slice(res, i, 5),
	    result_slice(res, i, 6));
}

static void
load_visits(void *ctx, const PGresult *res)
{
	int i;

	for (i = 0; i < PQntuples(res); i++)
		load_visit(ctx, res, i);
}

static const char load_sessions_sql[] =
    "SELECT switch, agent, queue, "
    "(extract(epoch FROM login_at) * 1000000)::bigint, "
    "(extract(epoch FROM pause_at) * 1000000)::bigint, "
    "(extract(epoch FROM logoff_at) * 1000000)::bigint, "
    "reason FROM ringtally.agent_session "
    "WHERE site = $1::text AND switch = ANY ($2::text[]) "
    "ORDER BY switch, agent, queue";

static void
load_sessions(void *ctx, const PGresult *res)
{
	struct store *store = ctx;
	int i;

	for (i = 0; i < PQntuples(res); i++)
		if (!store->ops->load_session(store->ctx, PQgetvalue(res, i, 0),
			result_slice(res, i, 1), result_slice(res, i, 2),
			result_int(res, i, 3), result_int(res, i, 4),
			result_int(res, i, 5), result_slice(res, i, 6)))
			store_session_misnamed(store, PQgetvalue(res, i, 0),
			    result_slice(res, i, 1), result_slice(res, i, 2));
}

/* --- the script ---------------------------------------------------------- */

static void
load_step(struct store *store, const char *sql, const char *names,
    void (*result)(void *ctx, const PGresult *res))
{
	struct link_step *step = link_add(&store->script, sql);

	step->result = result;
	link_param(&store->script, store->config.site);
	link_param(&store->script, names);
}

static void
load_key_mark(void *ctx, const PGresult *res)
{
	const struct store_config *c = &((struct store *)ctx)->config;
	const char *mark;

	if (PQntuples(res) == 0 || result_null(res, 0, 0) ||
	    c->key_mark == NULL)
		return;
	mark = PQgetvalue(res, 0, 0);
	if (strcmp(mark, c->key_mark) != 0 &&
	    (c->key_before_mark == NULL ||
		strcmp(mark, c->key_before_mark) != 0))
		log_warn("callers of site %s were kept under another key: who "
			 "called before now is not known again (see CHANGING "
			 "THE KEY in ringtally.conf(5))",
		    c->site);
}

/* What the figures depend on, for the views and for keep_partitions(). */
static void
load_site_step(struct store *store)
{
	struct link_script *script = &store->script;

	link_add(script,
	    "SELECT caller_key FROM ringtally.site WHERE site = $1::text")
	    ->result = load_key_mark;
	link_param(script, store->config.site);
	link_add(script,
	    "INSERT INTO ringtally.site AS t (site, timezone, interval_s, "
	    "keep_visits_days, caller_key) VALUES ($1::text, $2::text, "
	    "$3::integer, $4::integer, $5::text) "
	    "ON CONFLICT (site) DO UPDATE SET "
	    "timezone = excluded.timezone, interval_s = excluded.interval_s, "
	    "keep_visits_days = excluded.keep_visits_days, "
	    "caller_key = coalesce(excluded.caller_key, t.caller_key) "
	    "WHERE (t.timezone, t.interval_s, t.keep_visits_days, "
	    "t.caller_key) IS DISTINCT FROM (excluded.timezone, "
	    "excluded.interval_s, excluded.keep_visits_days, "
	    "coalesce(excluded.caller_key, t.caller_key))");
	link_param(script, store->config.site);
	link_param(script,
	    store->config.timezone != NULL ? store->config.timezone : "UTC");
	link_param_int(script, store->config.interval_us / USEC_PER_SEC);
	link_param_int(script, store->config.keep_visits_days);
	link_param(script, store->config.key_mark);
	link_add_sync(script);
}

void
store_keep_step(struct store *store, struct link_script *script)
{
	struct link_step *step;

	/* it may fail: another one has the table, or no rights */
	store->keep_due_us = clock_mono_us() + LOAD_KEEP_AGAIN_US;
	step = link_add(
	    script, "SELECT ringtally.keep_partitions($1::text, $2::integer)");

	step->optional = true;
	step->result = load_kept;
	link_param(script, store->config.site);
	link_param_int(script, store->config.keep_visits_days);
	link_add_sync(script);
}

void
store_seen_step(struct store *store, struct link_script *script)
{
	struct link_step *step;

	step = link_add(script,
	    "DELETE FROM ringtally.feed_seen WHERE site = $1::text "
	    "AND seen_at < now() - make_interval(days => $2::integer)");

	step->optional = true;
	link_param(script, store->config.site);
	link_param_int(script, store->config.keep_keys_days);
	link_add_sync(script);
}

void
store_load_script(struct store *store)
{
	struct link_script *script = &store->script;

	link_script_reset(script);
	load_site_step(store);
	store_keep_step(store, script);
	store_seen_step(store, script);
	load_forgotten_step(store);
	if (store->n_feeds == 0) {
		load_step(store,
		    "DELETE FROM ringtally.queue_live_state "
		    "WHERE site = $1::text AND switch = ANY ($2::text[])",
		    store->switch_array, NULL);
		link_add_sync(script);
	}
	link_add(script, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
	load_step(store, load_switches_sql, store->switch_array, load_switches);
	load_step(store, load_newest_sql, store->switch_array, load_newest);
	load_step(store, load_feeds_sql, store->feed_array, load_feeds);
	link_param(script, store->switch_array);
	load_step(store, load_seen_sql, store->feed_array, load_seen);
	script->step[script->n - 1].one_by_one = true;
	load_step(store,
	    "SELECT switch, queue, service FROM ringtally.queue "
	    "WHERE site = $1::text AND switch = ANY ($2::text[])",
	    store->switch_array, load_queues);
	store_callers_script(store);
	load_step(store, load_visits_sql, store->switch_array, load_visits);
	script->step[script->n - 1].one_by_one = true;
	load_step(store, load_sessions_sql, store->switch_array, load_sessions);
	if (store_is_watched(store))
		store_live_script(store);
	link_add(script, "COMMIT")->tag = "COMMIT";
	link_add_sync(script);
}
