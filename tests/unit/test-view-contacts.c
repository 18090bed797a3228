/* SPDX-License-Identifier: BSD-2-Clause */
/* What the database says of contacts, as it is shown live and measured. */
#include "stand.h"

#include <jansson.h>

#include "serve/metrics.h"

struct world {
	struct stand s; /* first */
	const char *database;
};

static void
world_database(void *ctx, struct view_database *database)
{
	struct world *w = ctx;

	*database = (struct view_database){.state = w->database, .text = ""};
}

static enum view_feed_state
world_feed_state(void *ctx RT_UNUSED, const char **why RT_UNUSED)
{
	return VIEW_FEED_FOLLOWING;
}

static int
world_setup(void **state)
{
	const struct machine_config machine = {
	    .lost_after_us = 6 * 3600 * SEC, .max_open = 100};
	const struct view_settings settings = {.thresholds_s = {{20}, 1}};
	struct world *w = mem_zalloc(sizeof(*w));
	struct view_config config = {.database = world_database, .ctx = w};

	w->database = "ready";
	stand_init(&w->s);
	stand_begin(&w->s, &machine);
	stand_view(&w->s, &config, &settings, world_feed_state);
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

/* A piece of what ringtally.contact_live makes: names may be anything. */
static const char document[] =
    "{\"as_of\":\"2026-10-26T09:00:00.000Z\",\"min_coverage_pct\":50,"
    "\"today\":{\"contacts\":10,\"assessed\":8,\"avoidable\":3,"
    "\"not_assessed\":2,\"requests\":4,\"ni14_pct\":37.5},"
    "\"channels\":[{\"channel\":\"telephone\",\"contacts\":900,"
    "\"today\":{\"contacts\":7,\"assessed\":6,\"avoidable\":2}},"
    "{\"channel\":\"a\\\"b\\\\<\",\"contacts\":3,"
    "\"today\":{\"contacts\":3,\"assessed\":2,\"avoidable\":1}}]}";

static void
set(struct world *w, const char *json)
{
	struct err err;

	if (view_set_contacts(w->s.view, slice_of(json), w->s.now_us, &err) < 0)
		fail_msg("%s", err.text);
}

static json_t *
ask(struct world *w)
{
	struct view_text *text =
	    view_get(w->s.view, VIEW_CONTACTS, NULL, w->s.now_us);
	json_t *root;

	assert_non_null(text);
	root = json_loadb(text->p, text->n, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	view_text_put(text);
	return root;
}

static struct strbuf
scrape(struct world *w)
{
	static const struct metrics_http http = {.requests = 42};
	struct metrics *m = metrics_new(w->s.view, &http, w->s.now_us, true);
	struct strbuf text;

	assert_non_null(m);
	while (metrics_step(m) == METRICS_WORKING)
		;
	text = metrics_take(m);
	metrics_free(m);
	return text;
}

/* Before the database has said anything, nothing is made up. */
static void
test_none_yet(void **state)
{
	struct world *w = *state;
	json_t *root = ask(w);
	struct strbuf text = scrape(w);

	assert_true(json_is_null(json_object_get(root, "as_of")));
	assert_true(json_is_null(json_object_get(root, "age_s")));
	assert_true(json_is_true(json_object_get(root, "stale")));
	assert_null(json_object_get(root, "today"));
	assert_null(strstr(text.p, "ringtally_contact"));
	strbuf_fini(&text);
	json_decref(root);
}

/* As it came, all of it, with its age. */
static void
test_as_it_came(void **state)
{
	struct world *w = *state;
	json_t *said = json_loads(document, 0, NULL), *root;

	set(w, document);
	w->s.now_us += 42 * SEC;
	root = ask(w);
	assert_int_equal(
	    json_integer_value(json_object_get(root, "age_s")), 42);
	assert_true(json_is_false(json_object_get(root, "stale")));
	assert_string_equal(json_string_value(json_object_get(root, "time")),
	    "2026-10-26T09:00:42Z");
	json_object_del(root, "time");
	json_object_del(root, "age_s");
	json_object_del(root, "stale");
	assert_true(json_equal(root, said));
	json_decref(root);
	json_decref(said);
}

static void
test_an_empty_object(void **state)
{
	struct world *w = *state;
	json_t *root;

	set(w, " {}\n");
	root = ask(w);
	assert_int_equal(json_object_size(root), 3);
	json_decref(root);
}

/* What is none changes nothing, and the reason is told. */
static void
test_what_is_no_document(void **state)
{
	static const char *const bad[] = {
	    "", "{", "[]", "null", "\"{}\"", "{} {}", "{\"a\":\xff}"};
	struct world *w = *state;
	struct err err;
	json_t *root;
	size_t i;

	set(w, document);
	for (i = 0; i < RT_COUNT(bad); i++) {
		assert_int_equal(view_set_contacts(w->s.view, slice_of(bad[i]),
				     w->s.now_us, &err),
		    -1);
		assert_non_null(strstr(err.text, "contacts: "));
	}
	assert_true(view_contacts(w->s.view)->version == 1);
	root = ask(w);
	assert_non_null(json_object_get(root, "today"));
	json_decref(root);
}

/* While the database is away it is still shown, and said to be old. */
static void
test_stale(void **state)
{
	struct world *w = *state;
	json_t *root;

	set(w, document);
	assert_false(view_contacts_stale(w->s.view, w->s.now_us));
	w->database = "backoff";
	view_touch(w->s.view);
	root = ask(w);
	assert_true(json_is_true(json_object_get(root, "stale")));
	assert_non_null(json_object_get(root, "today"));
	json_decref(root);
	w->database = "ready";
	assert_false(view_contacts_stale(w->s.view, w->s.now_us + 150 * SEC));
	assert_true(view_contacts_stale(w->s.view, w->s.now_us + 151 * SEC));
	set(w, "{\"today\":{}}");
	assert_true(view_contacts(w->s.view)->version == 2);
	/* a second later the clock of the machine was set back */
	w->s.now_us -= 5 * SEC;
	root = ask(w);
	assert_int_equal(json_integer_value(json_object_get(root, "age_s")), 0);
	json_decref(root);
}

static void
check_line(const struct strbuf *text, const char *line)
{
	const char *at = strstr(strbuf_str(text), line);

	if (at == NULL)
		fail_msg("there is no %s", line);
	assert_int_equal(at[-1], '\n');
	assert_int_equal(at[strlen(line)], '\n');
	assert_null(strstr(at + 1, line));
}

/* Counts by channel, which add up to all contacts; no share among them. */
static void
test_measured(void **state)
{
	struct world *w = *state;
	struct strbuf text;

	set(w, document);
	view_reset(w->s.view); /* loses nothing that the database said */
	text = scrape(w);
	check_line(&text, "# TYPE ringtally_contacts gauge");
#define OF(channel, assessment)                                               \
	"ringtally_contacts{channel=\"" channel "\",assessment=\"" assessment \
	"\"} "
	check_line(&text, OF("telephone", "avoidable") "2");
	check_line(&text, OF("telephone", "not_avoidable") "4");
	check_line(&text, OF("telephone", "not_assessed") "1");
	check_line(&text, OF("a\\\"b\\\\<", "avoidable") "1");
	check_line(&text, OF("a\\\"b\\\\<", "not_avoidable") "1");
	check_line(&text, OF("a\\\"b\\\\<", "not_assessed") "1");
	check_line(&text, "ringtally_contact_requests 4");
	check_line(
	    &text, "ringtally_contacts_timestamp_seconds 1793005200.000");
	strbuf_fini(&text);
}

/* Numbers and names that no database would send. */
static void
test_odd_documents(void **state)
{
	static const char *const odd[] = {"{\"today\":7,\"channels\":{}}",
	    "{\"today\":null,\"channels\":[null,7,{},{\"channel\":9}]}",
	    ("{\"today\":{\"contacts\":-5,\"requests\":\"x\"},\"channels\":"
	     "[{\"channel\":\"c\",\"today\":{\"contacts\":1e300}}]}")};
	struct world *w = *state;
	struct strbuf text;
	size_t i;

	for (i = 0; i < RT_COUNT(odd); i++) {
		set(w, odd[i]);
		json_decref(ask(w));
		text = scrape(w);
		check_line(&text, "ringtally_contact_requests 0");
		strbuf_fini(&text);
	}
	assert_int_equal(view_contacts(w->s.view)->n, 1);
	assert_int_equal(view_contacts(w->s.view)->v[0].contacts, 0);
}

#define WITH_WORLD(test) \
	cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_WORLD(test_none_yet),
	    WITH_WORLD(test_as_it_came),
	    WITH_WORLD(test_an_empty_object),
	    WITH_WORLD(test_what_is_no_document),
	    WITH_WORLD(test_stale),
	    WITH_WORLD(test_measured),
	    WITH_WORLD(test_odd_documents),
	};

	return cmocka_run_group_tests_name("contacts", tests, NULL, NULL);
}
