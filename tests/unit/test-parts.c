/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts that formats share: packed numbers and texts, CSV, stamps, keys;
 * and the bounds of what they remember. And how late a feed's lines come.
 */
#include "base/base.h"
#include <setjmp.h>
#include <cmocka.h>

#include "call/skew.h"
#include "event/stage.h"
#include "format/csv.h"
#include "format/formats.h"
#include "format/pack.h"

static void
test_pack(void **state RT_UNUSED)
{
	static const int64_t numbers[] = {0, 1, -1, 63, 64, -64, -65, 8191,
	    INT64_C(1795288727533659), INT64_MAX, INT64_MIN};
	struct strbuf to = STRBUF_INIT;
	struct slice from, cut, text;
	int64_t got;
	size_t i;

	for (i = 0; i < RT_COUNT(numbers); i++) {
		pack_int(&to, numbers[i]);
		pack_text(&to, SLICE("a\0b"));
	}
	from = (struct slice){to.p, to.n};
	for (i = 0; i < RT_COUNT(numbers); i++) {
		assert_true(unpack_int(&from, &got));
		assert_true(got == numbers[i]);
		assert_true(unpack_text(&from, &text));
		assert_true(slice_eq(text, SLICE("a\0b")));
	}
	assert_int_equal(from.n, 0);
	assert_false(unpack_int(&from, &got));
	/* the last text, and the number before it, cut off anywhere */
	for (i = 1; i < 4; i++) {
		cut = (struct slice){to.p + to.n - 4, 4 - i};
		assert_false(unpack_text(&cut, &text));
	}
	cut = (struct slice){to.p + to.n - 14, 9};
	assert_false(unpack_int(&cut, &got));
	strbuf_fini(&to);
}

static void
test_no_number_is_longer(void **state RT_UNUSED)
{
	struct slice from = {
	    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11};
	struct slice negative = {"\x01xyz", 4}, text;
	int64_t got;

	assert_false(unpack_int(&from, &got));
	assert_false(unpack_text(&negative, &text)); /* -1 bytes */
}

static void
csv_is(const char *record, unsigned n, const char *const *want)
{
	struct csv csv = {.n = 0};
	const char *why = NULL;
	unsigned i;

	assert_int_equal(csv_split(&csv, slice_of(record), ',', &why), 0);
	assert_int_equal(csv.n, n);
	for (i = 0; i < n; i++)
		if (!slice_eq(csv.field[i], slice_of(want[i])))
			fail_msg(
			    "%s: %u: %.*s", record, i, SLICE_FMT(csv.field[i]));
	csv_fini(&csv);
}

static void
test_csv(void **state RT_UNUSED)
{
	static const char *const plain[] = {"a", "", "b c", ""};
	static const char *const quoted[] = {
	    "", "a,b", "\"J\" <7>", "\"\"", "x"};
	struct csv csv = {.n = 0};
	char many[2 * CSV_FIELDS + 2];
	const char *why = NULL;

	csv_is("a,,b c,", 4, plain);
	csv_is("\"\",\"a,b\",\"\"\"J\"\" <7>\",\"\"\"\"\"\",x", 5, quoted);
	assert_int_equal(csv_split(&csv, SLICE("a,\"b"), ',', &why), -1);
	assert_int_equal(csv_split(&csv, SLICE("\"b\"c"), ',', &why), -1);
	memset(many, ',', sizeof(many));
	assert_int_equal(
	    csv_split(&csv, (struct slice){many, CSV_FIELDS - 1}, ',', &why),
	    0);
	assert_int_equal(csv.n, CSV_FIELDS);
	assert_int_equal(
	    csv_split(&csv, (struct slice){many, CSV_FIELDS}, ',', &why), -1);
	assert_string_equal(why, "too many fields");
	csv_fini(&csv);
}

static void
stamp_is(const char *text, int64_t want, bool want_utc)
{
	int64_t us;
	bool utc;

	assert_true(csv_stamp(slice_of(text), &us, &utc));
	assert_true(us == want);
	assert_int_equal(utc, want_utc);
}

static void
test_stamps(void **state RT_UNUSED)
{
	static const char *const wrong[] = {"", ".", "x", "1795288727.x", "-5",
	    "2026-11-21", "2026-11-21 19:18:46 UTC", "999999999999999",
	    "2026-11-21 19:18:46.1 "};
	int64_t us;
	size_t i;
	bool utc;

	stamp_is("1795288727.533659", INT64_C(1795288727533659), true);
	stamp_is("1795288727", INT64_C(1795288727000000), true);
	stamp_is("1795288727.5336591234", INT64_C(1795288727533659), true);
	stamp_is("2026-11-21 19:18:46", INT64_C(1795288726000000), false);
	stamp_is("2026-11-21 19:18:46.25", INT64_C(1795288726250000), false);
	stamp_is("2026/11/21 19:18:46", INT64_C(1795288726000000), false);
	for (i = 0; i < RT_COUNT(wrong); i++)
		if (csv_stamp(slice_of(wrong[i]), &us, &utc))
			fail_msg("%s", wrong[i]);
}

static void
test_channels(void **state RT_UNUSED)
{
	static const char *const names[][2] = {
	    {"PJSIP/1204-00000028", "PJSIP/1204"},
	    {"Local/1001@agents-00000010;1", "Local/1001@agents"},
	    {"SIP/front-desk-0f", "SIP/front-desk"}, {"DAHDI/7", "DAHDI/7"},
	    {"", ""}, {"-", "-"}};
	size_t i;

	for (i = 0; i < RT_COUNT(names); i++)
		assert_true(
		    slice_eq(csv_channel_interface(slice_of(names[i][0])),
			slice_of(names[i][1])));
	assert_int_equal(csv_id_second(SLICE("1795288727.10")), 1795288727);
	assert_int_equal(csv_id_second(SLICE("p-1-1795288727.1")), 1795288727);
	assert_int_equal(csv_id_second(SLICE("1795288727.")), 0);
	assert_int_equal(csv_id_second(SLICE("call-7")), 0);
	assert_int_equal(csv_id_second(SLICE("179528872x.10")), 0);
}

static bool
key_of(void *self, const char *row, struct slice *key)
{
	struct record record = RECORD_OF(slice_of(row));

	return asterisk_cdr_stage.key(self, &record, key);
}

#define CDR_ROW(more)                                                 \
	"\"\",\"0201\",\"8003\",\"inbound\",\"\",\"PJSIP/t-3\",\"\"," \
	"\"Queue\",\"tail\",\"2026-11-21 19:23:20\",,"                \
	"\"2026-11-21 19:23:50\",30,30,\"ANSWERED\",\"DOC\"" more

/* The same row again is the same; another of the same call is not. */
static void
test_cdr_key(void **state RT_UNUSED)
{
	struct stage_setup setup = {.feed = "key"};
	struct slice key;
	void *self;

	assert_int_equal(asterisk_cdr_stage.open(&self, &setup, NULL), 0);
	assert_true(
	    key_of(self, CDR_ROW(",\"1.2\",\"\",\"\",\"1.1\",7"), &key));
	assert_true(slice_eq(key, SLICE("1.2/7")));
	assert_true(
	    key_of(self, CDR_ROW(",\"1.2\",\"\",\"\",\"1.1\",8"), &key));
	assert_true(slice_eq(key, SLICE("1.2/8")));
	assert_false(key_of(self, CDR_ROW(",\"1.2\",\"\""), &key));
	assert_false(key_of(self, "half a line", &key));
	asterisk_cdr_stage.close(self, "test");
}

/* What is wrong with a list of columns is said at the start. */
static void
test_columns(void **state RT_UNUSED)
{
	static const char *const columns[] = {"uniqueid", "other"};
	const struct option_row *rows = asterisk_cdr_stage.options;
	void *self, *options = mem_zalloc(asterisk_cdr_stage.options_size);
	struct stage_setup setup = {.feed = "columns", .options = options};
	struct err err;

	option_set_presets(rows, NULL, options);
	assert_string_equal(rows[0].name, "columns");
	assert_int_equal(option_set_texts(&rows[0], options, columns,
			     RT_COUNT(columns), &err),
	    0);
	assert_int_equal(asterisk_cdr_stage.open(&self, &setup, &err), -1);
	assert_string_equal(err.text, "columns: \"dstchannel\" is needed");
	option_free(rows, NULL, options);
	free(options);
}

struct bounds {
	struct sink sink;
	unsigned events, summaries;
};

static void
bounds_event(struct sink *sink, struct event *ev)
{
	struct bounds *bounds = (struct bounds *)sink;

	bounds->events++;
	bounds->summaries += ev->kind == EVENT_SUMMARY;
}

static void bounds_input(const struct stage *format, void *self,
    struct bounds *bounds, const char *fmt, ...) RT_PRINTF(4, 5);
static void
bounds_input(const struct stage *format, void *self, struct bounds *bounds,
    const char *fmt, ...)
{
	struct strbuf line = STRBUF_INIT;
	struct record record;
	const char *why = "";
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&line, fmt, ap);
	va_end(ap);
	record = RECORD_OF(((struct slice){line.p, line.n}));
	if (format->input(self, &record, &bounds->sink, &why) < 0)
		fail_msg("%s: %s", line.p, why);
	strbuf_fini(&line);
}

/* As it is: the most that may be remembered of a caller. */
static void
bounds_hide(void *ctx RT_UNUSED, struct slice number, struct strbuf *to)
{
	strbuf_add(to, number.p, number.n);
}

/* What is remembered, which another instance must take; returns its size. */
static size_t
bounds_saved(const struct stage *format, void *self)
{
	struct stage_setup setup = {
	    .feed = "bounds", .timezone = "Europe/London"};
	struct strbuf state = STRBUF_INIT;
	void *other;
	size_t n;

	format->save(self, &state);
	n = state.n;
	assert_int_equal(format->open(&other, &setup, NULL), 0);
	assert_int_equal(
	    format->load(other, (struct slice){state.p, state.n}), 0);
	/* half of it is not */
	assert_int_equal(
	    format->load(other, (struct slice){state.p, state.n / 2}), -1);
	format->close(other, "test");
	strbuf_fini(&state);
	return n;
}

/*
 * More chains that do not end, and calls of the repeated hour that nothing
 * settles, than are kept, with names longer than those that are: the oldest
 * are told, and what is remembered stays below its bound.
 */
static void
test_smdr_is_bounded(void **state RT_UNUSED)
{
	const struct stage *format = &avaya_ipoffice_stage;
	struct stage_setup setup = {.feed = "bounds",
	    .hide_caller = bounds_hide,
	    .timezone = "Europe/London"};
	struct bounds bounds = {.sink = {bounds_event, NULL}};
	char name[300];
	size_t open, both;
	void *self;
	int i;

	memset(name, 'n', sizeof(name));
	assert_int_equal(format->open(&self, &setup, NULL), 0);
	for (i = 0; i < 3000; i++)
		bounds_input(format, self, &bounds,
		    "2026/10/25 00:30:00,00:00:10,4,%.300s,I,%.300s,1,,0,%d,1,"
		    "E217,%.300s,T9003,Line,0,0",
		    name, name, 1000000 + i, name);
	assert_int_equal(bounds.summaries, 3000 - 1024);
	open = bounds_saved(format, self);
	for (i = 0; i < 1000; i++)
		bounds_input(format, self, &bounds,
		    "2026/10/25 01:30:00,00:00:10,4,%.300s,I,%.300s,1,,0,%d,0,"
		    "E217,%.300s,T9003,Line,0,0",
		    name, name, 1003000 + i, name);
	assert_int_equal(bounds.summaries, 3000 - 1024 + 1000 - 512);
	both = bounds_saved(format, self);
	assert_true(both > open + 512 * 384);
	assert_true(both < STAGE_STATE_MAX);
	format->close(self, "test");
}

static void
test_cel_is_bounded(void **state RT_UNUSED)
{
	const struct stage *format = &asterisk_cel_stage;
	struct stage_setup setup = {.feed = "bounds"};
	struct bounds bounds = {.sink = {bounds_event, NULL}};
	char name[300];
	void *self;
	int i;

	memset(name, 'n', sizeof(name));
	assert_int_equal(format->open(&self, &setup, NULL), 0);
	for (i = 0; i < 3000; i++) {
		bounds_input(format, self, &bounds,
		    "APP_START,1795288727.5,,02,,,,,,,Queue,%.300s,,,%.80s%d,"
		    "%.300s,,,,",
		    name, name, i, name);
		bounds_input(format, self, &bounds,
		    "BRIDGE_ENTER,1795288727.6,,02,,,,,,,Queue,,,,%.80s%d,,"
		    "%.300s,,,",
		    name, i, name);
	}
	assert_int_equal(bounds.events, 6000);
	assert_in_range(
	    bounds_saved(format, self), 1500 * 400, STAGE_STATE_MAX - 1);
	format->close(self, "test");
}

/* The smallest delay of the last minutes; three are enough. */
static void
test_skew(void **state RT_UNUSED)
{
	const int64_t s = USEC_PER_SEC, at = 1000000 * s;
	struct skew skew = {0};
	int64_t us = 0;

	assert_false(skew_now(&skew, at, &us));
	skew_note(&skew, at, at - 300 * s);
	skew_note(&skew, at + s, at + s - 900 * s); /* read late */
	assert_false(skew_now(&skew, at + s, &us));
	skew_note(&skew, at + 2 * s, at + 2 * s - 301 * s);
	assert_true(skew_now(&skew, at + 2 * s, &us));
	assert_int_equal(us, 300 * s);
	/* the clock is set right, and then too far */
	skew_note(&skew, at + 3 * s, at + 2 * s);
	assert_true(skew_now(&skew, at + 3 * s, &us));
	assert_int_equal(us, s);
	skew_note(&skew, at + 4 * s, at + 64 * s);
	assert_true(skew_now(&skew, at + 4 * s, &us));
	assert_int_equal(us, -60 * s);
	/* it stands for the part before this one, and no longer */
	skew_note(&skew, at + 301 * s, at + 299 * s);
	assert_true(skew_now(&skew, at + 301 * s, &us));
	assert_int_equal(us, -60 * s);
	skew_note(&skew, at + 602 * s, at + 599 * s);
	assert_false(skew_now(&skew, at + 602 * s, &us));
	skew_note(&skew, at + 603 * s, at + 599 * s);
	assert_true(skew_now(&skew, at + 603 * s, &us));
	assert_int_equal(us, 2 * s);
	assert_false(skew_now(&skew, at + 1202 * s, &us));
	/* our own clock was set back */
	skew_note(&skew, at, at - 7 * s);
	assert_false(skew_now(&skew, at, &us));
	/* what was kept for us tells nothing, however much */
	skew = (struct skew){0};
	for (int i = 0; i < 1000; i++)
		skew_note(&skew, at + i * 1000, at - 3600 * s + i * s);
	assert_false(skew_now(&skew, at + s, &us));
	skew_note(&skew, at + s, at);
	skew_note(&skew, at + 2 * s, at + s);
	assert_true(skew_now(&skew, at + 2 * s, &us));
	assert_int_equal(us, s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_skew),
	    cmocka_unit_test(test_pack),
	    cmocka_unit_test(test_no_number_is_longer),
	    cmocka_unit_test(test_csv),
	    cmocka_unit_test(test_stamps),
	    cmocka_unit_test(test_channels),
	    cmocka_unit_test(test_cdr_key),
	    cmocka_unit_test(test_columns),
	    cmocka_unit_test(test_smdr_is_bounded),
	    cmocka_unit_test(test_cel_is_bounded),
	};

	return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
