/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The live documents of a switch whose log is written by hand, read with
 * another JSON parser.
 */
#include "stand.h"

#include <jansson.h>

#include "base/strbuf.h"
#include "serve/view.h"

#define MIDNIGHT (NINE - 9 * 3600 * SEC)

struct world {
	struct stand s; /* first */
	enum view_feed_state feed_state;
	const char *feed_why;
	unsigned listened;
	struct view_text *heard;
};

static const char *
world_service_of(void *ctx RT_UNUSED, const char *queue)
{
	if (strncmp(queue, "ctax", 4) == 0)
		return "Council Tax";
	return strcmp(queue, "rent") == 0 ? "Housing" : NULL;
}

static bool
world_target_of(
    void *ctx RT_UNUSED, const char *service, struct view_target *target)
{
	*target = (struct view_target){20, 80, 60};
	return strcmp(service, "Council Tax") == 0;
}

static void
world_database(void *ctx RT_UNUSED, struct view_database *database)
{
	*database = (struct view_database){
	    "ready", "all is \"well\"", NINE, 7, 1500000, 42};
}

static enum view_feed_state
world_feed_state(void *ctx, const char **why)
{
	const struct world *w = ctx;

	*why = w->feed_why;
	return w->feed_state;
}

/* As app_callbacks.c does it. */
static void
world_ended(void *ctx, struct visit *v)
{
	struct world *w = ctx;
	struct callback like = {.queue = v->queue,
	    .entered_us = v->entered_us,
	    .ended_us = v->ended_us,
	    .wait_ms = v->wait_ms,
	    .has_caller = v->has_caller};

	memcpy(like.caller, v->caller, sizeof(like.caller));
	if (v->outcome == OUTCOME_ABANDONED)
		callbacks_add(&w->s.callbacks, &like,
		    (struct slice){v->call->id, v->call->id_len},
		    v->caller_number);
}

static void
world_answered(void *ctx, struct visit *v)
{
	struct world *w = ctx;

	if (v->has_caller)
		callbacks_answered(&w->s.callbacks, v->caller, v->answered_us);
}

static bool
world_hash(
    void *ctx RT_UNUSED, struct slice number, uint8_t hash[CALL_CALLER_BYTES])
{
	size_t n = RT_MIN(number.n, (size_t)CALL_CALLER_BYTES);

	memset(hash, 0, CALL_CALLER_BYTES);
	memcpy(hash, number.p, n);
	return !slice_eq(number, SLICE("anonymous"));
}

static void
world_begin(struct world *w)
{
	const struct machine_config machine = {.lost_after_us = 6 * 3600 * SEC,
	    .max_open = 100000,
	    .ended = world_ended,
	    .answered = world_answered,
	    .hash_caller = world_hash,
	    .ctx = w,
	    .keep_numbers = true};

	stand_begin(&w->s, &machine);
	live_loaded(&w->s.live, MIDNIGHT, NINE);
}

static void
world_new_view(struct world *w, bool sliced)
{
	struct view_config config = {.loop = sliced ? w->s.loop : NULL,
	    .site = "halton",
	    .version = "1.0",
	    .service_of = world_service_of,
	    .target_of = world_target_of,
	    .database = world_database};
	struct view_settings settings = {
	    .thresholds_s = {{15, 20}, 2}, .stale_after_us = 60 * SEC};

	stand_view(&w->s, &config, &settings, world_feed_state);
}

static int
world_setup(void **state)
{
	struct world *w = mem_zalloc(sizeof(*w));

	stand_init(&w->s);
	w->feed_state = VIEW_FEED_FOLLOWING;
	world_begin(w);
	world_new_view(w, false);
	*state = w;
	return 0;
}

static int
world_teardown(void **state)
{
	struct world *w = *state;

	stand_fini(&w->s);
	free(w);
	return 0;
}

/* A line of the log, `at` seconds after nine. */
static void RT_PRINTF(3, 4) play(struct world *w, int at, const char *fmt, ...)
{
	va_list ap;

	w->s.now_us = NINE + at * SEC;
	live_clock(&w->s.live, w->s.now_us);
	va_start(ap, fmt);
	stand_play(&w->s, at, fmt, ap);
	va_end(ap);
}

static json_t *
ask(struct world *w, enum view_what what, const struct view_filter *filter)
{
	struct view_text *text = view_get(w->s.view, what, filter, w->s.now_us);
	json_error_t error;
	json_t *root;

	assert_non_null(text);
	assert_int_equal(strlen(text->p), text->n);
	assert_null(strchr(text->p, '<'));
	root = json_loads(text->p, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL)
		fail_msg("%s at %d of %s", error.text, error.position, text->p);
	view_text_put(text);
	return root;
}

/* "queues/0/today/offered" */
static json_t *
find(json_t *node, const char *path)
{
	char part[64];
	size_t n;

	for (; *path != '\0'; path += n + (path[n] == '/')) {
		n = strcspn(path, "/");
		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		node = json_is_array(node)
		    ? json_array_get(node, (size_t)strtol(part, NULL, 10))
		    : json_object_get(node, part);
		if (node == NULL)
			fail_msg("there is no %s", part);
	}
	return node;
}

/* want: as JSON, compact. */
static void
check(json_t *root, const char *path, const char *want)
{
	char *got = json_dumps(find(root, path),
	    JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(12) |
		JSON_SORT_KEYS);

	if (strcmp(got, want) != 0)
		fail_msg("%s is %s, not %s", path, got, want);
	free(got);
}

/* Two callers of ctax answered after 10 and 30 s, one waits since 09:01:00. */
static void
play_calls(struct world *w)
{
	play(w, 0, "NONE|ctax|SIP/jo|ADDMEMBER|");
	play(w, 0, "NONE|ctax|SIP/al|ADDMEMBER|");
	play(w, 0, "NONE|rent|SIP/al|ADDMEMBER|");
	play(w, 1, "1.1|ctax|NONE|ENTERQUEUE||07700900001|1");
	play(w, 11, "1.1|ctax|SIP/jo|CONNECT|10|1.2|3");
	play(w, 12, "1.3|ctax|NONE|ENTERQUEUE||07700900002|1");
	play(w, 42, "1.3|ctax|SIP/al|CONNECT|30|1.4|3");
	play(w, 50, "1.1|ctax|SIP/jo|COMPLETECALLER|10|39|1");
	play(w, 55, "NONE|ctax|SIP/jo|PAUSE|Lunch");
	play(w, 60, "1.5|ctax|NONE|ENTERQUEUE||07700900003|1");
	play(w, 61, "1.6|rent|NONE|ENTERQUEUE||07700900004|1");
	play(w, 64, "1.6|rent|NONE|ABANDON|1|1|3");
}

static void
test_queues(void **state)
{
	struct world *w = *state;
	json_t *root;

	play_calls(w);
	w->s.now_us = NINE + 70500000;
	root = ask(w, VIEW_QUEUES, NULL);
	check(root, "time", "\"2026-10-26T09:01:10.500000Z\"");
	check(root, "site", "\"halton\"");
	check(root, "queues/0/switch", "\"pbx1\"");
	check(root, "queues/0/queue", "\"ctax\"");
	check(root, "queues/0/service", "\"Council Tax\"");
	check(root, "queues/0/waiting", "1");
	check(root, "queues/0/longest_wait_s", "10.5");
	check(root, "queues/0/talking", "1");
	check(root, "queues/0/agents",
	    "{\"free\":0,\"logged_in\":2,\"paused\":1,\"paused_by_reason\":"
	    "{\"Lunch\":1},\"talking\":1,\"wrapping_up\":0}");
	check(root, "queues/0/target",
	    "{\"amber_pct\":60.0,\"pct\":80.0,\"within_s\":20}");
	check(root, "queues/0/status", "\"red\"");
	check(root, "queues/0/calls_to_target", "3");
	check(root, "queues/0/today/since", "\"2026-10-26T00:00:00Z\"");
	check(root, "queues/0/today/complete", "true");
	check(root, "queues/0/today/offered", "3");
	check(root, "queues/0/today/answered_20", "1");
	check(root, "queues/0/today/sl_20_offered_pct", "33.3");
	check(root, "queues/0/today/sl_15_answered_pct", "50.0");
	check(root, "queues/0/today/target_pct", "33.3");
	check(root, "queues/0/today/waiting", "1");
	check(root, "queues/0/today/asa_s", "20.0");
	check(root, "queues/0/today/talk_s", "39.0");
	check(root, "queues/0/today/ring_no_answer", "0");
	check(root, "queues/0/last_15m/since", "\"2026-10-26T08:47:00Z\"");
	check(root, "queues/0/last_15m/complete", "false");
	check(root, "queues/0/last_60m/offered", "3");
	check(root, "queues/0/last_60m/p90_wait_s", "30");
	assert_null(
	    json_object_get(find(root, "queues/0/last_60m"), "ring_no_answer"));
	assert_null(
	    json_object_get(find(root, "queues/0/last_60m"), "target_pct"));
	check(root, "queues/1/queue", "\"rent\"");
	check(root, "queues/1/longest_wait_s", "null");
	check(root, "queues/1/target", "null");
	check(root, "queues/1/status", "null");
	check(root, "queues/1/calls_to_target", "null");
	check(root, "queues/1/today/abandoned_pct", "100.0");
	check(root, "queues/1/today/asa_s", "null");
	check(root, "total/today/offered", "4");
	check(root, "total/waiting", "1");
	check(root, "total/agents/logged_in", "2");
	assert_int_equal(json_array_size(find(root, "queues")), 2);
	json_decref(root);
}

static void
test_services(void **state)
{
	struct world *w = *state;
	json_t *root;

	play_calls(w);
	play(w, 65, "1.7|ctax-2|NONE|ENTERQUEUE||07700900005|1");
	play(w, 66, "1.7|ctax-2|SIP/li|CONNECT|1|1.8|1");
	play(w, 67, "1.9|taxi|NONE|ENTERQUEUE||07700900006|1");
	root = ask(w, VIEW_SERVICES, NULL);
	assert_int_equal(json_array_size(find(root, "services")), 3);
	check(root, "services/0/service", "\"Council Tax\"");
	check(root, "services/0/queues",
	    "[{\"queue\":\"ctax\",\"switch\":\"pbx1\"},"
	    "{\"queue\":\"ctax-2\",\"switch\":\"pbx1\"}]");
	check(root, "services/0/today/offered", "4");
	check(root, "services/0/today/target_pct", "50.0");
	check(root, "services/0/talking", "2");
	/* who talks in a queue is there, login seen or not */
	check(root, "services/0/agents/logged_in", "3");
	check(root, "services/0/agents/talking", "2");
	check(root, "services/1/service", "\"Housing\"");
	check(root, "services/1/agents/talking", "1");
	check(root, "services/2/service", "null");
	check(root, "services/2/longest_wait_s", "0.0");
	json_decref(root);
}

static void
test_status(void **state)
{
	static const struct {
		int answered, abandoned;
		const char *status, *calls;
	} cases[] = {{0, 0, "null", "0"}, {4, 1, "\"green\"", "0"},
	    {3, 1, "\"amber\"", "1"}, {3, 2, "\"amber\"", "5"},
	    {2, 2, "\"red\"", "6"}};
	struct world *w = *state;
	size_t i;
	int k;

	for (i = 0; i < RT_COUNT(cases); i++) {
		json_t *root;

		view_reset(w->s.view);
		stand_end(&w->s);
		world_begin(w);
		play(w, 0, "NONE|ctax|SIP/jo|ADDMEMBER|");
		for (k = 0; k < cases[i].answered + cases[i].abandoned; k++) {
			play(w, 0, "%d.1|ctax|NONE|ENTERQUEUE||1|1", k);
			if (k < cases[i].answered)
				play(w, 20, "%d.1|ctax|SIP/jo|CONNECT|20|x|1",
				    k);
			else
				play(w, 21, "%d.1|ctax|NONE|ABANDON|1|1|21", k);
		}
		root = ask(w, VIEW_QUEUES, NULL);
		check(root, "queues/0/status", cases[i].status);
		check(root, "queues/0/calls_to_target", cases[i].calls);
		json_decref(root);
	}
}

/* Who still rings in time has not missed the target, nor met it. */
static void
test_status_of_the_ringing(void **state)
{
	struct world *w = *state;
	json_t *root;

	play(w, 0, "0.1|ctax|NONE|ENTERQUEUE||1|1");
	w->s.now_us = NINE + 20 * SEC;
	root = ask(w, VIEW_SERVICES, NULL);
	check(root, "services/0/today/target_pct", "0.0");
	check(root, "services/0/status", "null");
	check(root, "services/0/calls_to_target", "1");
	json_decref(root);
	w->s.now_us = NINE + 20 * SEC + 1; /* not in time any more */
	root = ask(w, VIEW_QUEUES, NULL);
	check(root, "queues/0/status", "\"red\"");
	check(root, "queues/0/calls_to_target", "4");
	json_decref(root);
	play(w, 21, "0.1|ctax|NONE|EXITWITHTIMEOUT|1|1|21");
	play(w, 22, "0.2|ctax|NONE|ENTERQUEUE||1|1");
	play(w, 22, "0.3|ctax|NONE|ENTERQUEUE||1|1");
	play(w, 23, "0.2|ctax|SIP/jo|CONNECT|1|x|1");
	root = ask(w, VIEW_QUEUES, NULL);
	check(root, "queues/0/today/target_pct", "33.3");
	check(root, "queues/0/status", "\"red\""); /* 1 of 2 */
	check(root, "queues/0/calls_to_target", "3");
	json_decref(root);
}

/* A feed that tells of calls afterwards, and not how long one waited. */
static void
test_waits_unknown(void **state)
{
	struct world *w = *state;
	struct queue *queue = tally_queue(&w->s.tally, SLICE("ctax"));
	struct cell *cell = tally_cell(queue, NINE);
	json_t *root;

	play_calls(w);
	tally_book(&w->s.tally, cell, MEASURE_offered, 1);
	tally_outcome(&w->s.tally, cell, OUTCOME_ANSWERED, EVENT_UNKNOWN_MS, 1);
	root = ask(w, VIEW_QUEUES, NULL);
	check(root, "queues/0/today/answered", "3");
	check(root, "queues/0/today/target_pct", "null");
	check(root, "queues/0/waits_unknown", "1");
	check(root, "queues/0/status", "null");
	check(root, "queues/0/calls_to_target", "null");
	check(root, "queues/1/waits_unknown", "0");
	json_decref(root);
}

static void
test_agents(void **state)
{
	struct world *w = *state;
	const char *const rent[] = {"rent", NULL};
	struct view_filter filter = {.queues = rent};
	json_t *root;

	play_calls(w);
	play(w, 70, "NONE|rent|SIP/zo|ADDMEMBER|");
	play(w, 80, "NONE|rent|SIP/zo|REMOVEMEMBER|");
	root = ask(w, VIEW_AGENTS, NULL);
	check(root, "agents/0/agent", "\"SIP/al\"");
	check(root, "agents/0/state", "\"talking\"");
	check(root, "agents/0/since", "\"2026-10-26T09:00:42Z\"");
	check(root, "agents/0/queues", "[\"ctax\",\"rent\"]");
	check(root, "agents/0/talking_queue", "\"ctax\"");
	check(root, "agents/0/call_id", "\"1.3\"");
	check(root, "agents/1/agent", "\"SIP/jo\"");
	check(root, "agents/1/state", "\"paused\"");
	check(root, "agents/1/reason", "\"Lunch\"");
	check(root, "agents/1/since", "\"2026-10-26T09:00:55Z\"");
	json_decref(root);
	root = ask(w, VIEW_AGENTS, &filter);
	assert_int_equal(json_array_size(find(root, "agents")), 1);
	check(root, "agents/0/agent", "\"SIP/al\"");
	json_decref(root);
}

static void
test_calls(void **state)
{
	struct world *w = *state;
	json_t *root;

	play_calls(w);
	w->s.now_us = NINE + 70 * SEC;
	root = ask(w, VIEW_CALLS, NULL);
	check(root, "calls",
	    "[{\"agent\":null,\"answered_at\":null,\"call_id\":\"1.5\","
	    "\"entered_at\":\"2026-10-26T09:01:00Z\",\"queue\":\"ctax\","
	    "\"service\":\"Council Tax\",\"state\":\"waiting\","
	    "\"switch\":\"pbx1\",\"talk_s\":null,\"visit_no\":1,"
	    "\"wait_s\":10.0},"
	    "{\"agent\":\"SIP/al\",\"answered_at\":\"2026-10-26T09:00:42Z\","
	    "\"call_id\":\"1.3\",\"entered_at\":\"2026-10-26T09:00:12Z\","
	    "\"queue\":\"ctax\",\"service\":\"Council Tax\","
	    "\"state\":\"talking\",\"switch\":\"pbx1\",\"talk_s\":28.0,"
	    "\"visit_no\":1,\"wait_s\":30.0}]");
	json_decref(root);
	/* our clock is behind the switch's */
	w->s.now_us = NINE;
	root = ask(w, VIEW_CALLS, NULL);
	check(root, "calls/0/wait_s", "0.0");
	check(root, "calls/1/talk_s", "0.0");
	json_decref(root);
}

/* Who gave up, who was through since, and numbers where they may be shown. */
static void
test_callbacks(void **state)
{
	struct world *w = *state;
	struct view_settings settings = {
	    .thresholds_s = {{15, 20}, 2}, .show_numbers = true};
	const char *const rent[] = {"rent", NULL};
	struct view_filter filter = {.queues = rent};
	json_t *root;

	play_calls(w);
	root = ask(w, VIEW_CALLS, NULL);
	check(root, "callbacks",
	    "[{\"call_id\":\"1.6\",\"caller_known\":true,"
	    "\"ended_at\":\"2026-10-26T09:01:04Z\","
	    "\"queue\":\"rent\",\"service\":\"Housing\","
	    "\"switch\":\"pbx1\",\"through_at\":null,\"wait_s\":3.0}]");
	check(root, "callbacks_left_out", "0");
	json_decref(root);
	play(w, 70, "2.1|ctax|NONE|ENTERQUEUE||anonymous|1");
	play(w, 75, "2.1|ctax|NONE|ABANDON|1|1|5");
	/* through, though in another queue */
	play(w, 80, "2.2|ctax|NONE|ENTERQUEUE||07700900004|1");
	play(w, 90, "2.2|ctax|SIP/jo|CONNECT|10|2.3|3");
	view_configure(w->s.view, &settings);
	root = ask(w, VIEW_CALLS, NULL);
	check(root, "callbacks/0/through_at", "\"2026-10-26T09:01:30Z\"");
	check(root, "callbacks/0/caller", "\"07700900004\"");
	check(root, "callbacks/1/call_id", "\"2.1\"");
	check(root, "callbacks/1/through_at", "null");
	check(root, "callbacks/1/caller_known", "false");
	check(root, "callbacks/1/caller", "null");
	check(root, "calls/0/caller", "\"07700900003\"");
	json_decref(root);
	root = ask(w, VIEW_CALLS, &filter);
	assert_int_equal(json_array_size(find(root, "callbacks")), 1);
	json_decref(root);
	/* numbers are forgotten, the rest stays */
	machine_keep_numbers(&w->s.machine, false);
	callbacks_forget_numbers(&w->s.callbacks);
	view_touch(w->s.view);
	root = ask(w, VIEW_CALLS, NULL);
	check(root, "callbacks/0/caller", "null");
	check(root, "calls/0/caller", "null");
	json_decref(root);
	/* the next day */
	live_clock(&w->s.live, w->s.now_us += 24 * 3600 * SEC);
	view_touch(w->s.view);
	root = ask(w, VIEW_CALLS, NULL);
	check(root, "callbacks", "[]");
	json_decref(root);
}

static void
test_feeds(void **state)
{
	struct world *w = *state;
	json_t *root;

	play_calls(w);
	root = ask(w, VIEW_FEEDS, NULL);
	check(root, "feeds/0/feed", "\"pbx1-log\"");
	check(root, "feeds/0/state", "\"following\"");
	check(root, "feeds/0/stale", "false");
	check(root, "feeds/0/why", "null");
	check(root, "feeds/0/path", "\"/var/log/q\"");
	check(root, "feeds/0/last_event_at", "\"2026-10-26T09:01:04Z\"");
	check(root, "feeds/0/silence_s", "0.0");
	check(root, "feeds/0/clock_skew_s", "null");
	check(root, "feeds/0/records", "12");
	check(root, "feeds/0/rejected", "0");
	check(root, "database",
	    "{\"batches\":7,\"committed_at\":\"2026-10-26T09:00:00Z\","
	    "\"lag_s\":1.5,\"pending_bytes\":42,\"state\":\"ready\","
	    "\"text\":\"all is \\\"well\\\"\"}");
	json_decref(root);
	/* behind for a moment, as with each line, and for longer */
	w->feed_state = VIEW_FEED_READING;
	view_touch(w->s.view);
	root = ask(w, VIEW_FEEDS, NULL);
	check(root, "feeds/0/stale", "false");
	json_decref(root);
	w->feed_why = "catching up";
	view_touch(w->s.view);
	root = ask(w, VIEW_FEEDS, NULL);
	check(root, "feeds/0/state", "\"reading\"");
	check(root, "feeds/0/stale", "true");
	check(root, "feeds/0/why", "\"catching up\"");
	json_decref(root);
	w->feed_state = VIEW_FEED_FOLLOWING;
	w->feed_why = NULL;
	w->s.now_us += 61 * SEC;
	view_touch(w->s.view);
	root = ask(w, VIEW_FEEDS, NULL);
	check(root, "feeds/0/silence_s", "61.0");
	check(root, "feeds/0/stale", "true");
	json_decref(root);
	w->feed_state = VIEW_FEED_WAITING;
	w->feed_why = "no file";
	view_touch(w->s.view);
	root = ask(w, VIEW_SNAPSHOT, NULL);
	check(root, "feeds/0/state", "\"waiting\"");
	check(root, "feeds/0/stale", "true");
	json_decref(root);
}

static void
test_intervals(void **state)
{
	struct world *w = *state;
	const char *const rent[] = {"rent", NULL};
	struct view_filter filter = {.queues = rent};
	json_t *root;

	play_calls(w);
	play(w, 900, "2.1|ctax|NONE|ENTERQUEUE||1|1");
	root = ask(w, VIEW_INTERVALS, NULL);
	check(root, "interval_s", "900");
	assert_int_equal(json_array_size(find(root, "intervals")), 38);
	check(root, "intervals/0/starts_at", "\"2026-10-26T00:00:00Z\"");
	check(root, "intervals/35/offered", "0");
	check(root, "intervals/35/sl_20_offered_pct", "null");
	check(root, "intervals/36/starts_at", "\"2026-10-26T09:00:00Z\"");
	check(root, "intervals/36/offered", "4");
	check(root, "intervals/36/abandoned_short", "1");
	check(root, "intervals/37/waiting", "1");
	json_decref(root);
	root = ask(w, VIEW_INTERVALS, &filter);
	check(root, "intervals/36/offered", "1");
	check(root, "intervals/37/offered", "0");
	json_decref(root);
}

static void
test_formulas(void **state)
{
	struct world *w = *state;
	json_t *root = ask(w, VIEW_FORMULAS, NULL);

	assert_int_equal(json_array_size(find(root, "formulas")), FIGURES);
	check(root, "formulas/0/name", "\"offered\"");
	check(root, "formulas/0/unit", "\"visits\"");
	/* nothing that changes: who has it need not fetch it again */
	assert_null(json_object_get(root, "time"));
	json_decref(root);
}

static void
test_filters(void **state)
{
	struct world *w = *state;
	const char *const housing[] = {"Housing", NULL};
	const char *const ctax[] = {"ctax", "nothing", NULL};
	const char *const none[] = {NULL};
	const char *const other[] = {"pbx2", NULL};
	const struct {
		struct view_filter filter;
		size_t queues;
		const char *offered;
	} cases[] = {{{NULL, NULL, NULL}, 2, "4"}, {{ctax, NULL, NULL}, 1, "3"},
	    {{NULL, housing, NULL}, 1, "1"}, {{ctax, housing, NULL}, 0, "0"},
	    {{none, NULL, NULL}, 0, "0"}, {{NULL, NULL, other}, 0, "0"}};
	size_t i;

	play_calls(w);
	for (i = 0; i < RT_COUNT(cases); i++) {
		json_t *root = ask(w, VIEW_SNAPSHOT, &cases[i].filter);

		assert_int_equal(
		    json_array_size(find(root, "queues")), cases[i].queues);
		check(root, "total/today/offered", cases[i].offered);
		json_decref(root);
	}
}

/* Names are whatever somebody on the telephone side typed in. */
static void
test_hostile_names(void **state)
{
	struct world *w = *state;
	json_t *root;

	play(w, 0, "NONE|</script>|\"a\\|ADDMEMBER|");
	play(w, 0, "NONE|</script>|\"a\\|PAUSE|<img src=x>\"");
	play(w, 1, "\"}]\\|</script>|NONE|ENTERQUEUE||1|1");
	root = ask(w, VIEW_SNAPSHOT, NULL);
	check(root, "queues/0/queue", "\"</script>\"");
	check(root, "queues/0/agents/paused_by_reason",
	    "{\"<img src=x>\\\"\":1}");
	json_decref(root);
	root = ask(w, VIEW_CALLS, NULL);
	check(root, "calls/0/call_id", "\"\\\"}]\\\\\"");
	json_decref(root);
	root = ask(w, VIEW_AGENTS, NULL);
	check(root, "agents/0/agent", "\"\\\"a\\\\\"");
	json_decref(root);
}

/* Each with a reason of his own: what is told apart is bounded. */
static void
test_many_reasons(void **state)
{
	struct world *w = *state;
	json_t *root, *value, *reasons;
	json_int_t sum = 0;
	const char *key;
	int i;

	for (i = 0; i < 100; i++) {
		play(w, 0, "NONE|ctax|SIP/%d|ADDMEMBER|", i);
		play(w, 0, "NONE|ctax|SIP/%d|PAUSE|reason %d", i, i);
	}
	root = ask(w, VIEW_QUEUES, NULL);
	check(root, "queues/0/agents/paused", "100");
	reasons = find(root, "queues/0/agents/paused_by_reason");
	assert_true(json_object_size(reasons) <= 16);
	json_object_foreach(reasons, key, value) sum +=
	    json_integer_value(value);
	assert_int_equal(sum, 100);
	check(root, "queues/0/agents/paused_by_reason/other", "85");
	json_decref(root);
}

static void
test_same_until_touched(void **state)
{
	struct world *w = *state;
	struct view_text *a, *b;

	play_calls(w);
	w->s.now_us = NINE + 100 * SEC;
	a = view_get(w->s.view, VIEW_QUEUES, NULL, w->s.now_us);
	b = view_get(w->s.view, VIEW_QUEUES, NULL, w->s.now_us + SEC - 1);
	assert_ptr_equal(a, b);
	view_text_put(b);
	b = view_get(w->s.view, VIEW_QUEUES, NULL, w->s.now_us + SEC);
	assert_ptr_not_equal(a, b);
	assert_true(b->version > a->version);
	view_text_put(a);
	view_touch(w->s.view);
	a = view_get(w->s.view, VIEW_QUEUES, NULL, w->s.now_us + SEC);
	assert_ptr_not_equal(a, b);
	view_text_put(a);
	/* the last holder may be later than the view */
	view_free(w->s.view);
	w->s.view = NULL;
	assert_non_null(strstr(b->p, "ctax"));
	view_text_put(b);
}

/* What is kept as text is never older than the figures. */
static void
test_kept_blocks(void **state)
{
	struct world *w = *state;
	json_t *root;

	play_calls(w);
	json_decref(ask(w, VIEW_QUEUES, NULL));
	play(w, 70, "NONE|ctax|SIP/al|RINGNOANSWER|2000");
	play(w, 70, "1.5|ctax|SIP/al|RINGNOANSWER|2000");
	root = ask(w, VIEW_QUEUES, NULL);
	check(root, "queues/0/today/ring_no_answer", "2");
	json_decref(root);
	play(w, 80, "1.5|ctax|NONE|ABANDON|1|1|20");
	root = ask(w, VIEW_QUEUES, NULL);
	check(root, "queues/0/today/abandoned_20", "1");
	check(root, "queues/0/today/abandoned_15", "0");
	check(root, "queues/0/last_15m/abandoned", "1");
	json_decref(root);
	w->s.now_us = NINE + 17 * 60 * SEC;
	root = ask(w, VIEW_QUEUES, NULL);
	check(root, "queues/0/last_15m/offered", "0");
	check(root, "queues/0/last_15m/complete", "true");
	check(root, "queues/0/last_60m/offered", "3");
	json_decref(root);
	w->s.now_us = NINE + 16 * 3600 * SEC;
	root = ask(w, VIEW_QUEUES, NULL);
	check(root, "queues/0/today/offered", "0");
	check(root, "queues/0/today/since", "\"2026-10-27T00:00:00Z\"");
	json_decref(root);
	w->s.now_us += 8 * 24 * 3600 * SEC;
	root = ask(w, VIEW_QUEUES, NULL);
	/* heard of for a week no more; who is a member of it still is */
	check(root, "queues/0/queue", "\"ctax\"");
	json_decref(root);
}

static void
test_configured_anew(void **state)
{
	struct world *w = *state;
	struct view_settings settings = {.thresholds_s = {{30}, 1}};
	json_t *root;

	play_calls(w);
	json_decref(ask(w, VIEW_QUEUES, NULL));
	view_configure(w->s.view, &settings);
	root = ask(w, VIEW_QUEUES, NULL);
	check(root, "queues/0/today/answered_30", "2");
	assert_null(
	    json_object_get(find(root, "queues/0/today"), "answered_20"));
	check(root, "queues/0/today/target_pct", "33.3");
	json_decref(root);
	view_reset(w->s.view);
	stand_end(&w->s);
	world_begin(w);
	root = ask(w, VIEW_QUEUES, NULL);
	assert_int_equal(json_array_size(find(root, "queues")), 0);
	check(root, "total/today/offered", "0");
	check(root, "total/today/sl_30_offered_pct", "null");
	json_decref(root);
}

/* --- slices -------------------------------------------------------------- */

static void
world_listen(void *ctx)
{
	struct world *w = ctx;

	w->listened++;
	w->heard = view_get(w->s.view, VIEW_SNAPSHOT, NULL, w->s.now_us);
	if (w->heard != NULL)
		loop_stop(w->s.loop);
}

static void
world_busy(void *ctx)
{
	view_touch(((struct world *)ctx)->s.view);
}

static void
test_slices(void **state)
{
	struct world *w = *state;
	struct task *busy = task_new(w->s.loop, world_busy, w);
	json_t *root;
	int i;

	for (i = 0; i < 5000; i++)
		play(w, 1, "%d.1|q%d|NONE|ENTERQUEUE||1|1", i, i);
	world_new_view(w, true);
	view_listen(w->s.view, world_listen, w);
	assert_null(view_get(w->s.view, VIEW_SNAPSHOT, NULL, w->s.now_us));
	/* another one waits, and traffic goes on */
	assert_null(view_get(w->s.view, VIEW_QUEUES, NULL, w->s.now_us));
	task_set(busy);
	loop_run(w->s.loop);
	assert_non_null(w->heard);
	assert_int_equal(w->listened, 1);
	root = json_loads(w->heard->p, 0, NULL);
	assert_non_null(root);
	assert_int_equal(json_array_size(find(root, "queues")), 5000);
	check(root, "total/today/offered", "5000");
	check(root, "services/0/waiting", "5000");
	json_decref(root);
	view_text_put(w->heard);
	view_unlisten(w->s.view, world_listen, w);
	task_free(busy);
	view_free(w->s.view);
	w->s.view = NULL;
}

static void
test_gauges(void **state)
{
	struct world *w = *state;
	struct view_gauges *gauges;
	size_t n;

	play_calls(w);
	gauges = view_gauges(w->s.view, w->s.now_us, &n);
	assert_int_equal(n, 2);
	assert_string_equal(gauges[0].sw->name, "pbx1");
	assert_string_equal(gauges[0].queue->name, "ctax");
	assert_int_equal(gauges[0].waiting, 1);
	assert_int_equal(gauges[0].longest_wait_us, 4 * SEC);
	assert_int_equal(gauges[0].logged_in, 2);
	assert_string_equal(gauges[1].queue->name, "rent");
	assert_int_equal(gauges[1].waiting, 0);
	assert_int_equal(gauges[1].longest_wait_us, -1);
	assert_int_equal(gauges[1].logged_in, 1);
	free(gauges);
}

static void
test_names(void **state RT_UNUSED)
{
	enum view_what what;
	int i;

	for (i = 0; i < VIEWS; i++) {
		const char *name = view_what_name((enum view_what)i);

		assert_int_equal(view_what_parse(slice_of(name), &what), 0);
		assert_int_equal(what, i);
	}
	assert_int_equal(view_what_parse(SLICE("queue"), &what), -1);
}

#define WITH_WORLD(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_WORLD(test_queues),
	    WITH_WORLD(test_services),
	    WITH_WORLD(test_status),
	    WITH_WORLD(test_status_of_the_ringing),
	    WITH_WORLD(test_waits_unknown),
	    WITH_WORLD(test_agents),
	    WITH_WORLD(test_calls),
	    WITH_WORLD(test_callbacks),
	    WITH_WORLD(test_feeds),
	    WITH_WORLD(test_intervals),
	    WITH_WORLD(test_formulas),
	    WITH_WORLD(test_filters),
	    WITH_WORLD(test_hostile_names),
	    WITH_WORLD(test_many_reasons),
	    WITH_WORLD(test_same_until_touched),
	    WITH_WORLD(test_kept_blocks),
	    WITH_WORLD(test_configured_anew),
	    WITH_WORLD(test_slices),
	    WITH_WORLD(test_gauges),
	    cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
