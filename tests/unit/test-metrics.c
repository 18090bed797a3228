/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of /metrics, made step by step while calls go on. */
#include "stand.h"

#include "serve/metrics.h"

#define WAIT_S 7 /* of every caller who is answered */
#define MANY   1000
/* A document of these takes more than one slice. */
#define TOO_MANY 5000

struct world {
	struct stand s;		   /* first */
	unsigned calls, looked_up; /* services asked for */
};

static const char *
world_service_of(void *ctx, const char *queue)
{
	((struct world *)ctx)->looked_up++;
	return strcmp(queue, "ctax") == 0 ? "Council \"Tax\"" : NULL;
}

static enum view_feed_state
world_feed_state(void *ctx RT_UNUSED, const char **why RT_UNUSED)
{
	return VIEW_FEED_FOLLOWING;
}

static void
world_begin(struct world *w)
{
	const struct machine_config machine = {
	    .lost_after_us = 6 * 3600 * SEC, .max_open = 100000};

	stand_begin(&w->s, &machine);
}

static void
world_new_view(struct world *w)
{
	struct view_config config = {
	    .loop = w->s.loop, .service_of = world_service_of, .ctx = w};
	struct view_settings settings = {.thresholds_s = {{15, 20}, 2}};

	stand_view(&w->s, &config, &settings, world_feed_state);
}

static int
world_setup(void **state)
{
	struct world *w = mem_zalloc(sizeof(*w));

	stand_init(&w->s);
	world_begin(w);
	world_new_view(w);
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

	w->s.now_us = RT_MAX(w->s.now_us, NINE + at * SEC);
	va_start(ap, fmt);
	stand_play(&w->s, at, fmt, ap);
	va_end(ap);
}

static void
play_answered(struct world *w, const char *queue)
{
	unsigned call = w->calls++;

	play(w, 1, "c%u|%s|NONE|ENTERQUEUE||07700900001|1", call, queue);
	play(
	    w, 1 + WAIT_S, "c%u|%s|SIP/jo|CONNECT|%d|x|3", call, queue, WAIT_S);
	play(w, 1 + WAIT_S, "c%u|%s|SIP/jo|COMPLETECALLER|%d|0|1", call, queue,
	    WAIT_S);
}

/* A call for each of so many queues. */
static void
play_queues(struct world *w, int first, int n)
{
	char queue[16];
	int i;

	for (i = first; i < first + n; i++) {
		snprintf(queue, sizeof(queue), "q%d", i);
		play_answered(w, queue);
	}
}

static struct metrics *
begin(struct world *w, bool open)
{
	static const struct metrics_http http = {
	    .started_us = NINE, .requests = 42};
	struct metrics *m = metrics_new(w->s.view, &http, w->s.now_us, open);

	assert_non_null(m);
	return m;
}

static struct strbuf
end(struct metrics *m)
{
	struct strbuf text;

	while (metrics_step(m) == METRICS_WORKING)
		;
	assert_int_equal(metrics_step(m), METRICS_DONE);
	text = metrics_take(m);
	metrics_free(m);
	return text;
}

/* The whole line is there, once. */
static void
check_line(const struct strbuf *text, const char *line)
{
	const char *at = strstr(strbuf_str(text), line);

	if (at == NULL)
		fail_msg("there is no %s", line);
	assert_true(at == text->p || at[-1] == '\n');
	assert_int_equal(at[strlen(line)], '\n');
	assert_null(strstr(at + 1, line));
}

/* The number of a queue's sample; more: labels behind its own, or "". */
static double
number(const struct strbuf *text, const char *name, const char *queue,
    const char *more)
{
	char start[256];
	const char *at;

	snprintf(start, sizeof(start),
	    "%s{switch=\"pbx1\",queue=\"%s\",service=\"\"%s} ", name, queue,
	    more);
	at = strstr(strbuf_str(text), start);
	if (at == NULL)
		fail_msg("there is no %s", start);
	return strtod(at + strlen(start), NULL);
}

/* Of the process, that is another one each time. */
static void
drop_process(struct strbuf *text)
{
	char *from = text->p, *to = text->p;

	while (*from != '\0') {
		size_t n = strcspn(from, "\n") + 1;

		if (strncmp(from, "process_", 8) != 0) {
			memmove(to, from, n);
			to += n;
		}
		from += n;
	}
	*to = '\0';
	text->n = (size_t)(to - text->p);
}

/* --- what it says ------------------------------------------------------- */

static void
test_lines(void **state)
{
	struct world *w = *state;
	struct strbuf text;

	play(w, 0, "NONE|ctax|SIP/jo|ADDMEMBER|");
	play_answered(w, "ctax");
	play(w, 20, "a|ctax|NONE|ENTERQUEUE||07700900001|1");
	play(w, 40, "a|ctax|NONE|ABANDON|1|1|20");
	play(w, 50, "b|a\"b\\|NONE|ENTERQUEUE||07700900001|1");
	w->s.now_us = NINE + 62500 * USEC_PER_MSEC;
	text = end(begin(w, true));
#define CTAX                                       \
	"{switch=\"pbx1\",queue=\"ctax\",service=" \
	"\"Council \\\"Tax\\\"\""
	check_line(&text, "# TYPE ringtally_visits_offered counter");
	check_line(&text, "ringtally_visits_offered_total" CTAX "} 2");
	check_line(&text, "ringtally_agents_logged_in" CTAX "} 1");
	check_line(&text, "ringtally_agents" CTAX ",state=\"paused\"} 0");
#define BUCKET "ringtally_wait_seconds_bucket" CTAX ",outcome="
	check_line(&text, BUCKET "\"answered\",le=\"5.0\"} 0");
	check_line(&text, BUCKET "\"answered\",le=\"10.0\"} 1");
	check_line(&text, BUCKET "\"abandoned\",le=\"15.0\"} 0");
	check_line(&text, BUCKET "\"abandoned\",le=\"20.0\"} 1");
	check_line(&text, BUCKET "\"abandoned\",le=\"+Inf\"} 1");
	check_line(&text,
	    "ringtally_wait_seconds_count" CTAX ",outcome=\"abandoned\"} 1");
	check_line(&text,
	    "ringtally_wait_seconds_sum" CTAX ",outcome=\"abandoned\"} 20.000");
	check_line(&text,
	    "ringtally_longest_wait_seconds{switch=\"pbx1\","
	    "queue=\"a\\\"b\\\\\",service=\"\"} 12.500");
	check_line(&text,
	    "ringtally_feed_following{feed=\"pbx1-log\",switch=\"pbx1\"} 1");
	check_line(&text, "ringtally_http_requests_total 42");
	check_line(&text, "# EOF");
	strbuf_fini(&text);
	text = end(begin(w, false));
	check_line(&text, "# TYPE ringtally_visits_offered_total counter");
	assert_null(strstr(text.p, "# UNIT"));
	assert_null(strstr(text.p, "# EOF"));
	strbuf_fini(&text);
}

/* Nothing of queues; also of a switch that is loaded yet. */
static void
test_no_queues(void **state)
{
	struct strbuf text = end(begin(*state, true));

	assert_null(strstr(text.p, "ringtally_visits_offered"));
	check_line(&text, "ringtally_http_requests_total 42");
	check_line(&text, "# EOF");
	strbuf_fini(&text);
}

/* --- step by step ------------------------------------------------------- */

/* Documents that are made between the steps use the same places. */
static void
test_same_text(void **state)
{
	static const char *const some[] = {"q1", "q77", NULL};
	struct view_filter filter = {.queues = some};
	struct world *w = *state;
	struct strbuf once, slowly;
	struct metrics *m;

	play_queues(w, 0, MANY);
	play(w, 9, "w|q77|NONE|ENTERQUEUE||07700900001|1");
	once = end(begin(w, true));
	m = begin(w, true);
	do {
		struct view_text *text =
		    view_get(w->s.view, VIEW_QUEUES, &filter, w->s.now_us);

		view_text_put(text);
		view_touch(w->s.view);
	} while (metrics_step(m) == METRICS_WORKING);
	slowly = end(m);
	drop_process(&once);
	drop_process(&slowly);
	assert_int_equal(once.n, slowly.n);
	assert_memory_equal(once.p, slowly.p, once.n);
	strbuf_fini(&once);
	strbuf_fini(&slowly);
}

/* How many it took, none of which looked at more queues than it may. */
static unsigned
count_steps(struct world *w)
{
	struct metrics *m = begin(w, true);
	enum metrics_state state;
	unsigned n = 0;

	do {
		w->looked_up = 0;
		state = metrics_step(m);
		assert_true(w->looked_up <= METRICS_STEP);
		n++;
	} while (state == METRICS_WORKING);
	assert_int_equal(state, METRICS_DONE);
	metrics_free(m);
	return n;
}

/* Families that have samples of queues. */
static unsigned
count_families(const struct strbuf *text)
{
	static const char of_queue[] = "{switch=\"pbx1\",queue=";
	const char *p = text->p;
	unsigned n = 0;

	while ((p = strstr(p, "# TYPE ")) != NULL) {
		size_t head = strcspn(p, "\n") + 1;
		size_t unit = strncmp(p + head, "# UNIT", 6) == 0
		    ? strcspn(p + head, "\n") + 1
		    : 0;
		const char *sample = p + head + unit;
		size_t name = strcspn(sample, "{ ");

		n += strncmp(sample + name, of_queue, strlen(of_queue)) == 0;
		p = sample;
	}
	return n;
}

/* Ten times more queues: ten times more steps, to gather and to write. */
static void
test_steps_are_bounded(void **state)
{
	struct world *w = *state;
	struct strbuf text;
	unsigned few, families;

	play_queues(w, 0, METRICS_STEP);
	few = count_steps(w);
	text = end(begin(w, true));
	families = count_families(&text);
	assert_in_range(families, 15, 50);
	strbuf_fini(&text);
	play_queues(w, METRICS_STEP, 9 * METRICS_STEP);
	assert_int_equal(count_steps(w), few + 9 * (families + 1));
}

static void
check_queue(const struct strbuf *text, const char *queue)
{
	static const char *const same[][2] = {
	    {"ringtally_wait_seconds_bucket",
		",outcome=\"answered\",le=\"10.0\""},
	    {"ringtally_wait_seconds_bucket",
		",outcome=\"answered\",le=\"+Inf\""},
	    {"ringtally_visits_answered_total", ""},
	    {"ringtally_visits_offered_total", ""}};
	double count = number(text, "ringtally_wait_seconds_count", queue,
	    ",outcome=\"answered\"");
	size_t i;

	assert_true(count >= 1);
	assert_true(count * WAIT_S ==
	    number(text, "ringtally_wait_seconds_sum", queue,
		",outcome=\"answered\""));
	for (i = 0; i < RT_COUNT(same); i++)
		assert_true(
		    count == number(text, same[i][0], queue, same[i][1]));
}

/* All samples of a family stand behind its TYPE, and nowhere else. */
static void
check_families(const struct strbuf *text)
{
	char family[128] = "";
	const char *p = text->p;

	for (; strncmp(p, "# EOF", 5) != 0; p += strcspn(p, "\n") + 1) {
		char type[160];

		if (strncmp(p, "# ", 2) != 0) {
			assert_true(strncmp(p, family, strlen(family)) == 0);
			continue;
		}
		if (sscanf(p, "# TYPE %127s", family) != 1)
			continue;
		snprintf(type, sizeof(type), "# TYPE %s ", family);
		assert_null(strstr(p + 1, type));
	}
}

/* Calls, some of queues that nobody knew before, while it is in work. */
static void
test_traffic(void **state)
{
	struct world *w = *state;
	struct strbuf text;
	struct metrics *m;
	char queue[16];
	int i, added = 0;

	play_queues(w, 0, MANY);
	m = begin(w, true);
	for (i = 0; metrics_step(m) == METRICS_WORKING; i++) {
		play_queues(w, i * 13 % MANY, 1);
		play_queues(w, MANY - 1, 1);
		if (i % 50 == 0)
			play_queues(w, MANY + added++, 1);
	}
	assert_true(added > 1);
	text = end(m);
	/* also the one that was called all the time */
	for (i = MANY - 1; i >= 0; i -= 37) {
		snprintf(queue, sizeof(queue), "q%d", i);
		check_queue(&text, queue);
	}
	assert_null(strstr(text.p, "queue=\"q1000\""));
	check_families(&text);
	strbuf_fini(&text);
	text = end(begin(w, true));
	check_queue(&text, "q1000");
	strbuf_fini(&text);
}

static void
test_configured_between(void **state)
{
	struct view_settings settings = {.thresholds_s = {{33}, 1}};
	struct world *w = *state;
	struct strbuf text;
	struct metrics *m;

	play_queues(w, 0, MANY);
	m = begin(w, true);
	assert_int_equal(metrics_step(m), METRICS_WORKING);
	view_configure(w->s.view, &settings);
	assert_int_equal(metrics_step(m), METRICS_STALE);
	metrics_free(m);
	text = end(begin(w, true));
	assert_non_null(strstr(text.p, "le=\"33.0\""));
	assert_null(strstr(text.p, "le=\"15.0\""));
	strbuf_fini(&text);
}

/* All that it points to is gone, in whichever of its two halves it is. */
static void
test_reset_between(void **state)
{
	struct world *w = *state;
	struct strbuf text;
	struct metrics *m;
	unsigned steps;

	for (steps = 1; steps <= 100; steps += 99) {
		unsigned i;

		play_queues(w, 0, MANY);
		m = begin(w, true);
		for (i = 0; i < steps; i++)
			assert_int_equal(metrics_step(m), METRICS_WORKING);
		view_reset(w->s.view);
		stand_end(&w->s);
		world_begin(w);
		assert_int_equal(metrics_step(m), METRICS_STALE);
		metrics_free(m);
		text = end(begin(w, true));
		assert_null(strstr(text.p, "queue=\"q1\""));
		strbuf_fini(&text);
	}
}

/* It would count where a document that is in work has counted. */
static void
test_waits_for_a_document(void **state)
{
	const struct metrics_http http = {0};
	struct world *w = *state;

	play_queues(w, 0, TOO_MANY);
	assert_null(view_get(w->s.view, VIEW_SNAPSHOT, NULL, w->s.now_us));
	assert_null(metrics_new(w->s.view, &http, w->s.now_us, true));
	view_reset(w->s.view);
	metrics_free(begin(w, true));
	metrics_free(NULL);
}

#define WITH_WORLD(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_WORLD(test_lines),
	    WITH_WORLD(test_no_queues),
	    WITH_WORLD(test_same_text),
	    WITH_WORLD(test_steps_are_bounded),
	    WITH_WORLD(test_traffic),
	    WITH_WORLD(test_configured_between),
	    WITH_WORLD(test_reset_between),
	    WITH_WORLD(test_waits_for_a_document),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
