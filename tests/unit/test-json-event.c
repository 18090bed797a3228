/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the samples of ringtally-json can not show: keys, bounds, and who owns
 * the texts. And the time stamps of base/utc.h that it reads.
 */
#include "base/base.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/strbuf.h"
#include "base/utc.h"
#include "format/formats.h"

struct seen {
	struct sink sink;
	unsigned events, notes;
	struct slice agent[3];
};

static void
seen_event(struct sink *sink, struct event *ev)
{
	struct seen *seen = (struct seen *)sink;

	if (ev->kind == EVENT_NOTE) {
		assert_true(ev->name.n > 0);
		seen->notes++;
		return;
	}
	if (seen->events < RT_COUNT(seen->agent))
		seen->agent[seen->events] = ev->agent;
	seen->events++;
}

static void *
open_format(void)
{
	struct stage_setup setup = {.feed = "test"};
	void *self;

	assert_int_equal(ringtally_json_stage.open(&self, &setup, NULL), 0);
	return self;
}

static int
input(void *self, struct slice text, struct seen *seen)
{
	struct record record = RECORD_OF(text);
	const char *why = NULL;
	int rc;

	*seen = (struct seen){.sink = {seen_event, NULL}};
	rc = ringtally_json_stage.input(self, &record, &seen->sink, &why);
	assert_true((rc < 0) == (why != NULL));
	return rc;
}

static void
test_json_key(void **state RT_UNUSED)
{
	static const struct {
		const char *text, *key;
	} cases[] = {
	    {"{\"event\":\"note\",\"id\":\"a-1\"}", "a-1"},
	    {"{\"id\":\"\\u0061-2\"}", "a-2"},
	    {"\xef\xbb\xbf {\"id\":\"a-3\"} ", "a-3"},
	    /* a key of a record is the key of all of it */
	    {"[{\"id\":\"a-4\"}]", NULL},
	    {"[{\"id\":\"a-5\"},{\"id\":\"a-6\"}]", NULL},
	    {"{\"id\":\"\"}", NULL},
	    {"{\"id\":null}", NULL},
	    {"{\"id\":7}", NULL},
	    {"{\"event\":\"note\"}", NULL},
	    /* known by its ref: it may come as often as it likes */
	    {"{\"event\":\"contact\",\"ref\":\"a\"}", ""},
	    {"{\"event\":\"contact\",\"id\":\"a-9\"}", "a-9"},
	    {"[{\"event\":\"contact\",\"ref\":\"a\"}]", NULL},
	    {"{\"id\":\"a-7\"} x", NULL},
	    {"{\"id\":\"a-8\"", NULL},
	    {"", NULL},
	};
	void *self = open_format();
	size_t i;

	for (i = 0; i < RT_COUNT(cases); i++) {
		struct record record = RECORD_OF(slice_of(cases[i].text));
		struct slice key = SLICE("");
		bool has = ringtally_json_stage.key(self, &record, &key);

		if (has != (cases[i].key != NULL) ||
		    (has && !slice_eq(key, slice_of(cases[i].key))))
			fail_msg("%s: %.*s", cases[i].text, SLICE_FMT(key));
	}
	ringtally_json_stage.close(self, "test");
}

/* Texts of all objects of a record are good until the next record. */
static void
test_json_texts_last(void **state RT_UNUSED)
{
	void *self = open_format();
	struct seen seen;

	assert_int_equal(input(self,
			     SLICE("[{\"event\":\"login\",\"time\":1787306400,"
				   "\"agent\":\"J\\u006f\"},"
				   "{\"event\":\"login\",\"time\":1787306400,"
				   "\"agent\":\"\\u0041l\",\"\\u0061a\":1},"
				   "{\"event\":\"login\",\"time\":1787306400,"
				   "\"agent\":\"Zo\\u00eb\"}]"),
			     &seen),
	    0);
	assert_int_equal(seen.events, 3);
	assert_int_equal(seen.notes, 1);
	assert_true(slice_eq(seen.agent[0], SLICE("Jo")));
	assert_true(slice_eq(seen.agent[1], SLICE("Al")));
	assert_true(slice_eq(seen.agent[2], SLICE("Zo\xc3\xab")));
	ringtally_json_stage.close(self, "test");
}

/* The longest record there is, full of escapes; and one that is longer. */
static void
test_json_longest(void **state RT_UNUSED)
{
	static const char head[] =
	    "{\"event\":\"login\",\"time\":1787306400,\"agent\":\"";
	struct strbuf text = STRBUF_INIT;
	void *self = open_format();
	struct seen seen;

	strbuf_adds(&text, head);
	while (text.n + 2 < STAGE_RECORD_MAX - 2)
		strbuf_adds(&text, "\\n");
	while (text.n < STAGE_RECORD_MAX - 2)
		strbuf_addc(&text, 'x');
	strbuf_adds(&text, "\"}");
	assert_int_equal(text.n, STAGE_RECORD_MAX);
	assert_int_equal(input(self, (struct slice){text.p, text.n}, &seen), 0);
	assert_true(seen.agent[0].n > STAGE_RECORD_MAX / 2 - sizeof(head));
	strbuf_addc(&text, ' ');
	assert_int_equal(
	    input(self, (struct slice){text.p, text.n}, &seen), -1);
	strbuf_fini(&text);
	ringtally_json_stage.close(self, "test");
}

/* Notes of unknown members are bounded, of one object and of a record. */
static void
test_json_many_unknown(void **state RT_UNUSED)
{
	struct strbuf text = STRBUF_INIT;
	void *self = open_format();
	struct seen seen;
	int i, k;

	strbuf_addc(&text, '[');
	for (i = 0; i < 200; i++) {
		strbuf_adds(&text, i > 0 ? "," : "");
		strbuf_adds(&text, "{\"event\":\"switch_start\",\"time\":1e9");
		for (k = 0; k < 10; k++)
			strbuf_addf(&text, ",\"member_number_%d\":0", k);
		strbuf_addc(&text, '}');
	}
	strbuf_addc(&text, ']');
	assert_int_equal(input(self, (struct slice){text.p, text.n}, &seen), 0);
	assert_int_equal(seen.events, 200);
	assert_in_range(seen.notes, 100, 8 * 200 - 1);
	strbuf_fini(&text);
	ringtally_json_stage.close(self, "test");
}

static void
test_utc_parse(void **state RT_UNUSED)
{
	char text[UTC_ISO_MAX];
	int64_t day, us;

	/* each day of four centuries, there and back */
	for (day = -100000; day < 100000; day++) {
		us = 0;
		utc_iso(text, sizeof(text), day * SEC_PER_DAY * USEC_PER_SEC);
		assert_true(utc_parse(text, strlen(text), &us));
		assert_int_equal(us, day * SEC_PER_DAY * USEC_PER_SEC);
	}
	us = INT64_C(1787306400123456);
	utc_iso(text, sizeof(text), us);
	assert_string_equal(text, "2026-08-21T10:00:00.123456Z");
	us = 0;
	assert_true(utc_parse(text, strlen(text), &us));
	assert_int_equal(us, INT64_C(1787306400123456));
	/* nothing is read behind its end, and nothing may be left over */
	for (day = 0; day < 27; day++)
		assert_false(utc_parse(text, (size_t)day, &us));
	assert_false(utc_parse("2026-08-21T10:00:00Zx", 21, &us));
	assert_false(utc_parse("2026-00-21T10:00:00Z", 20, &us));
	assert_false(utc_parse("2026-13-21T10:00:00Z", 20, &us));
	assert_false(utc_parse("2026-08-00T10:00:00Z", 20, &us));
	assert_false(utc_parse("1900-02-29T10:00:00Z", 20, &us));
	assert_true(utc_parse("2000-02-29T10:00:00Z", 20, &us));
	assert_false(utc_parse("2026-08-21T10:00:61Z", 20, &us));
	assert_false(utc_parse("+026-08-21T10:00:00Z", 20, &us));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_json_key),
	    cmocka_unit_test(test_json_texts_last),
	    cmocka_unit_test(test_json_longest),
	    cmocka_unit_test(test_json_many_unknown),
	    cmocka_unit_test(test_utc_parse),
	};

	return cmocka_run_group_tests_name("json-event", tests, NULL, NULL);
}
