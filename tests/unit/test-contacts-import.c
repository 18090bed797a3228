/* SPDX-License-Identifier: BSD-2-Clause */
/* What stands between a CSV file and contacts: times, columns, words, refs. */
#include "base/base.h"

#include <setjmp.h>
#include <cmocka.h>

#include "cli/contacts_maker.h"

/* --- times --------------------------------------------------------------- */

static void
expect_time(struct timefmt *t, const char *text, const char *wanted)
{
	char got[UTC_ISO_MAX] = "";
	const char *why = "";
	int64_t us;

	switch (timefmt_read(t, slice_of(text), &us, &why)) {
	case TIMEFMT_READ:
		utc_iso(got, sizeof(got), us);
		break;
	case TIMEFMT_IMPOSSIBLE:
		snprintf(got, sizeof(got), "impossible");
		break;
	case TIMEFMT_OTHER:
		snprintf(got, sizeof(got), "other");
		break;
	}
	if (strcmp(got, wanted) != 0)
		fail_msg("%s: %s, not %s", text, got, wanted);
}

static void
test_iso_times(void **state RT_UNUSED)
{
	struct timefmt t = {.n = 0};

	assert_int_equal(timefmt_set_zone(&t, "Europe/London", NULL), 0);
	expect_time(&t, "2026-11-23 14:05", "2026-11-23T14:05:00Z");
	expect_time(&t, "2026-07-23 14:05:09", "2026-07-23T13:05:09Z");
	expect_time(&t, "2026-07-23T14:05:09.5", "2026-07-23T13:05:09.500000Z");
	expect_time(&t, "2026-07-23T14:05:09Z", "2026-07-23T14:05:09Z");
	expect_time(
	    &t, "2026-07-23 14:05:09,25 +0200", "2026-07-23T12:05:09.250000Z");
	expect_time(&t, "2026-07-23 14:05-09:30", "2026-07-23T23:35:00Z");
	expect_time(&t, "2026-02-28", "2026-02-28T00:00:00Z");
	expect_time(&t, "2026-02-29", "impossible");
	expect_time(&t, "2024-02-29", "2024-02-29T00:00:00Z");
	expect_time(&t, "2026-12-31 23:59:60", "2027-01-01T00:00:00Z");
	expect_time(&t, "23/11/2026 14:05", "other");
	expect_time(&t, "2026-11-23 24:05", "other");
	expect_time(&t, "2026-11-23 14:05 ", "other");
	expect_time(&t, "", "other");
	/* the hour that is left out, the hour that comes twice */
	expect_time(&t, "2026-03-29 01:30", "impossible");
	assert_int_equal(t.ambiguous, 0);
	expect_time(&t, "2026-10-25 01:30", "2026-10-25T00:30:00Z");
	assert_int_equal(t.ambiguous, 1);
	timefmt_fini(&t);
}

static void
test_given_times(void **state RT_UNUSED)
{
	struct timefmt t = {.n = 0};
	struct err err;

	assert_int_equal(timefmt_add(&t, "%d/%m/%Y %H:%M", NULL), 0);
	assert_int_equal(timefmt_add(&t, "%m/%d/%y %I:%M %p", NULL), 0);
	assert_int_equal(timefmt_add(&t, "%d %b %Y", NULL), 0);
	assert_int_equal(timefmt_add(&t, "%s", NULL), 0);
	assert_int_equal(timefmt_add(&t, "%Q", &err), -1);
	assert_string_equal(err.text, "time format \"%Q\": there is no %Q");
	expect_time(&t, "23/11/2026 14:05", "2026-11-23T14:05:00Z");
	expect_time(&t, "3/4/2026 9:05", "2026-04-03T09:05:00Z");
	expect_time(&t, "11/23/26 12:05 AM", "2026-11-23T00:05:00Z");
	expect_time(&t, "11/23/26 12:05pm", "2026-11-23T12:05:00Z");
	/* what fits the first format is the first's, whatever came before */
	expect_time(&t, "04/03/2026 09:05", "2026-03-04T09:05:00Z");
	expect_time(&t, "3 sep 2026", "2026-09-03T00:00:00Z");
	expect_time(&t, "03 September 2026", "2026-09-03T00:00:00Z");
	expect_time(&t, "1795442700", "2026-11-23T14:05:00Z");
	expect_time(&t, "2026-11-23 14:05", "other");
	expect_time(&t, "31/04/2026 10:00", "impossible");
	expect_time(&t, "99999999999999", "other");
	timefmt_fini(&t);
}

/* --- columns and words --------------------------------------------------- */

struct text {
	struct slice left;
};

static ssize_t
text_fill(void *ctx, void *to, size_t n, struct err *err RT_UNUSED)
{
	struct text *text = ctx;

	n = RT_MIN(n, text->left.n);
	memcpy(to, text->left.p, n);
	text->left.p += n;
	text->left.n -= n;
	return (ssize_t)n;
}

/* What the maker stands on, with a file of that text. */
struct bench {
	struct text text;
	struct mapping map;
	struct csvfile file;
	struct contacts_maker maker;
};

static void
bench_start(struct bench *b, const char *text)
{
	struct csv_options options = {.fill = text_fill, .ctx = &b->text};

	memset(b, 0, sizeof(*b));
	b->text.left = slice_of(text);
	mapping_init(&b->map, contacts_fields);
	b->file.map = &b->map;
	b->file.path = "test.csv";
	csv_reader_init(&b->file.reader, &options);
	contacts_maker_init(&b->maker);
	b->maker.file = &b->file;
	b->maker.source = SLICE("import");
}

static int
bench_head(struct bench *b, struct err *err)
{
	assert_int_equal(csv_read(&b->file.reader, err), CSV_RECORD);
	return mapping_find(&b->map, &b->file.reader.csv, err);
}

static void
bench_end(struct bench *b)
{
	csv_reader_fini(&b->file.reader);
	contacts_maker_fini(&b->maker);
	mapping_fini(&b->map);
}

static void
assert_slice(struct slice got, const char *wanted)
{
	if (!slice_eq(got, slice_of(wanted)))
		fail_msg("\"%.*s\", not \"%s\"", SLICE_FMT(got), wanted);
}

static void
expect_no_columns(const char *head, const char *map, const char *why)
{
	struct bench b;
	struct err err;

	bench_start(&b, head);
	if (map == NULL || mapping_say_columns(&b.map, map, &err) == 0)
		assert_int_equal(bench_head(&b, &err), -1);
	assert_string_equal(err.text, why);
	bench_end(&b);
}

static void
test_columns(void **state RT_UNUSED)
{
	struct bench b;

	bench_start(
	    &b, "Case No,\"Opened, at\", ASSESSED-BY ,x,time\n1,2,3,4,5\n");
	assert_int_equal(mapping_say_columns(&b.map,
			     "ref=case no,time=Opened, at,agent=X", NULL),
	    0);
	assert_int_equal(bench_head(&b, NULL), 0);
	assert_int_equal(csv_read(&b.file.reader, NULL), CSV_RECORD);
	assert_slice(
	    mapping_get(&b.map, CONTACTS_REF, &b.file.reader.csv), "1");
	assert_slice(
	    mapping_get(&b.map, CONTACTS_TIME, &b.file.reader.csv), "2");
	assert_slice(
	    mapping_get(&b.map, CONTACTS_ASSESSED_BY, &b.file.reader.csv), "3");
	assert_slice(
	    mapping_get(&b.map, CONTACTS_AGENT, &b.file.reader.csv), "4");
	assert_false(mapping_has(&b.map, CONTACTS_CODE));
	bench_end(&b);

	expect_no_columns("Time,B\n", "ref=Case No",
	    "no column \"Case No\": the file has \"Time\", \"B\"");
	expect_no_columns(
	    "ref,b\n", NULL, "no column \"time\": the file has \"ref\", \"b\"");
	/* no names, but somebody's number */
	expect_no_columns("2026-11-23,0114 496 0001,x1\n", NULL,
	    "no column \"time\": the file has \"####-##-##\", "
	    "\"#### ### ####\", \"x1\"");
	expect_no_columns(
	    "time,b, TIME\n", NULL, "two columns are called \"time\"");
	expect_no_columns("time\n", "chanel=Way",
	    "there is no field \"chanel\", did you mean \"channel\"?");
	expect_no_columns(
	    "time\n", "time=", "\"time=\": no column behind the =");
}

/* The names of one person, of whom calls bear the first. */
static void
test_aliases(void **state RT_UNUSED)
{
	char name[] = "Jo Smith", jo[] = "Jo", jsmith[] = "jsmith";
	char *aliases[] = {jo, jsmith, NULL};
	struct conf_agent agent = {.name = name, .aliases = aliases};
	struct conf conf = {.agents = &agent};
	struct contacts_row row;
	struct bench b;

	bench_start(&b,
	    "time,agent\n2026-11-23,jsmith \n2026-11-23,Jo Smith\n"
	    "2026-11-23,jsmith2\n2026-11-23,\n");
	b.maker.conf = &conf;
	assert_int_equal(bench_head(&b, NULL), 0);
	assert_int_equal(csv_read(&b.file.reader, NULL), CSV_RECORD);
	assert_true(contacts_make(&b.maker, &row));
	assert_slice(row.agent, "Jo Smith");
	assert_int_equal(csv_read(&b.file.reader, NULL), CSV_RECORD);
	assert_true(contacts_make(&b.maker, &row));
	assert_slice(row.agent, "Jo Smith");
	assert_int_equal(csv_read(&b.file.reader, NULL), CSV_RECORD);
	assert_true(contacts_make(&b.maker, &row));
	assert_slice(row.agent, "jsmith2");
	assert_int_equal(csv_read(&b.file.reader, NULL), CSV_RECORD);
	assert_true(contacts_make(&b.maker, &row));
	assert_slice(row.agent, "");
	bench_end(&b);
}

static void
test_values(void **state RT_UNUSED)
{
	struct contacts_row row;
	struct bench b;
	struct err err;

	bench_start(&b,
	    "time,category,channel,resolved,service\n"
	    "2026-11-23,Chase, ,Done,\" two\nlines\"\n"
	    "2026-11-23,repeat  Notification,Face-to-Face,N,=cmd|'/C calc'!A0\n"
	    "2026-11-23,Rubbish,pigeon,,\n"
	    "2026-11-23,rubbish,e-mail,,\n");
	words_add(&b.maker.categories, "progress_chasing", "Progress chasing");
	words_add(&b.maker.categories, "repeat_notification", "Told again");
	words_add(&b.maker.channels, "face_to_face", "Face to face");
	words_add(&b.maker.channels, "email", "E-mail");
	assert_int_equal(
	    mapping_say_value(&b.map, "category:chase=progress_chasing", NULL),
	    0);
	assert_int_equal(
	    mapping_say_value(&b.map, "resolved:done=yes", NULL), 0);
	assert_int_equal(
	    mapping_say_constant(&b.map, "channel=email", NULL), 0);
	assert_int_equal(mapping_say_value(&b.map, "category", &err), -1);
	assert_int_equal(bench_head(&b, NULL), 0);

	assert_int_equal(csv_read(&b.file.reader, NULL), CSV_RECORD);
	assert_true(contacts_make(&b.maker, &row));
	assert_slice(row.category, "progress_chasing");
	assert_slice(row.channel, "email");
	assert_int_equal(row.resolved, 1);
	assert_slice(row.service, "two lines");
	assert_null(row.customer);

	assert_int_equal(csv_read(&b.file.reader, NULL), CSV_RECORD);
	assert_true(contacts_make(&b.maker, &row));
	assert_slice(row.category, "repeat_notification");
	assert_slice(row.channel, "face_to_face");
	assert_int_equal(row.resolved, 0);
	/* a formula is a text like any other; see cli/table.h on the way out */
	assert_slice(row.service, "=cmd|'/C calc'!A0");

	assert_int_equal(csv_read(&b.file.reader, NULL), CSV_RECORD);
	assert_true(contacts_make(&b.maker, &row));
	assert_slice(row.category, "Rubbish");
	assert_slice(row.channel, "pigeon");
	assert_int_equal(row.resolved, -1);
	assert_int_equal(csv_read(&b.file.reader, NULL), CSV_RECORD);
	assert_true(contacts_make(&b.maker, &row));
	assert_slice(row.channel, "email");
	assert_int_equal(b.maker.categories.n_unknown, 2);
	assert_int_equal(b.maker.channels.n_unknown, 1);
	assert_string_equal(b.maker.channels.unknown[0].word, "pigeon");
	bench_end(&b);
}

static void
test_long_texts(void **state RT_UNUSED)
{
	struct strbuf text = STRBUF_INIT;
	struct contacts_row row;
	struct bench b;
	int i;

	strbuf_adds(&text, "time,ref,service\n2026-11-23,1,");
	for (i = 0; i < 200; i++)
		strbuf_adds(&text, "\xc3\xa9");
	strbuf_adds(&text, "\n2026-11-23,");
	for (i = 0; i < 256; i++)
		strbuf_addc(&text, 'r');
	strbuf_adds(&text, ",x\n");
	bench_start(&b, text.p);
	assert_int_equal(bench_head(&b, NULL), 0);
	assert_int_equal(csv_read(&b.file.reader, NULL), CSV_RECORD);
	assert_true(contacts_make(&b.maker, &row));
	assert_int_equal(row.service.n, 254); /* whole characters */
	assert_int_equal(b.maker.cut, 1);
	/* cut off it would be another contact's */
	assert_int_equal(csv_read(&b.file.reader, NULL), CSV_RECORD);
	assert_false(contacts_make(&b.maker, &row));
	assert_int_equal(b.file.refused, 1);
	bench_end(&b);
	strbuf_fini(&text);
}

/* --- customers ----------------------------------------------------------- */

static void
test_customers(void **state RT_UNUSED)
{
	static const struct caller_key key = {{1, 2, 3}};
	uint8_t hash[CALLER_HASH_BYTES];
	struct contacts_row row;
	struct bench b;
	int i;

	bench_start(&b,
	    "time,customer\n2026-11-23,0114 496 0001\n"
	    "2026-11-23,+44 (0)114 496 0001\n2026-11-23,withheld\n"
	    "2026-11-23,4.41145E+11\n2026-11-23,\"4,41145E+11\"\n");
	b.maker.key = &key;
	b.maker.country_code = "44";
	assert_true(caller_hash(hash, key.bytes, SLICE("+441144960001"), "44"));
	assert_int_equal(bench_head(&b, NULL), 0);
	for (i = 0; i < 5; i++) {
		assert_int_equal(csv_read(&b.file.reader, NULL), CSV_RECORD);
		assert_true(contacts_make(&b.maker, &row));
		if (i < 2)
			assert_memory_equal(row.customer, hash, sizeof(hash));
		else
			assert_null(row.customer);
	}
	/* many customers would have been one */
	assert_int_equal(b.maker.rounded, 2);
	bench_end(&b);
}

/* --- refs ---------------------------------------------------------------- */

#define REFS_ROWS 5000

static int
refs_compare_cb(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The refs of rows of which some are alike, in that order, sorted. */
static void
refs_make(char (*refs)[CONTENTREF_MAX], unsigned step)
{
	struct contentrefs made = {0};
	unsigned i, at = 0;

	for (i = 0; i < REFS_ROWS; i++, at = (at + step) % REFS_ROWS) {
		struct contacts_row row = {.at_us = at / 3,
		    .resolved = -1,
		    .service = at % 7 == 0 ? SLICE("ab") : SLICE("a"),
		    .category = at % 7 == 0 ? SLICE("c") : SLICE("bc"),
		    .source = i % 2 == 0 ? SLICE("x") : SLICE("y")};

		contentrefs_make(&made, refs[i], &row);
	}
	contentrefs_fini(&made);
	qsort(refs, REFS_ROWS, sizeof(*refs), refs_compare_cb);
}

static void
test_refs_of_content(void **state RT_UNUSED)
{
	static char first[REFS_ROWS][CONTENTREF_MAX];
	static char again[REFS_ROWS][CONTENTREF_MAX];
	unsigned i;

	refs_make(first, 1);
	for (i = 1; i < REFS_ROWS; i++)
		assert_string_not_equal(first[i - 1], first[i]);
	refs_make(again, 1237); /* all of them, in another order */
	for (i = 0; i < REFS_ROWS; i++)
		assert_string_equal(first[i], again[i]);
}

/* The ref of the file's only row; label: what a category is called. */
static void
refs_of_row(char ref[CONTENTREF_MAX], const char *reason, const char *label,
    const char *value)
{
	struct contacts_row row;
	char text[100];
	struct bench b;

	snprintf(text, sizeof(text), "time,category\n2026-11-23,%s\n", reason);
	bench_start(&b, text);
	words_add(&b.maker.categories, "not_avoidable", "Of value");
	if (label != NULL)
		words_add(&b.maker.categories, "progress_chasing", label);
	if (value != NULL)
		assert_int_equal(mapping_say_value(&b.map, value, NULL), 0);
	assert_int_equal(bench_head(&b, NULL), 0);
	assert_int_equal(csv_read(&b.file.reader, NULL), CSV_RECORD);
	assert_true(contacts_make(&b.maker, &row));
	assert_true(row.ref.n < CONTENTREF_MAX);
	memcpy(ref, row.ref.p, row.ref.n);
	ref[row.ref.n] = '\0';
	bench_end(&b);
}

/* Who tells us later what a word means has not made another contact of it. */
static void
test_refs_of_words(void **state RT_UNUSED)
{
	char first[CONTENTREF_MAX], again[CONTENTREF_MAX];

	refs_of_row(first, "Chase", NULL, NULL);
	refs_of_row(again, "Chase", "Chase", NULL);
	assert_string_equal(again, first);
	refs_of_row(again, "Chase", NULL, "category:chase=progress_chasing");
	assert_string_equal(again, first);
	refs_of_row(again, "Chased", "Chase", NULL);
	assert_string_not_equal(again, first);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_iso_times),
	    cmocka_unit_test(test_given_times),
	    cmocka_unit_test(test_columns),
	    cmocka_unit_test(test_aliases),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_long_texts),
	    cmocka_unit_test(test_customers),
	    cmocka_unit_test(test_refs_of_content),
	    cmocka_unit_test(test_refs_of_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
