/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CSV as people's programs export it, and as somebody who means us ill would:
 * each file is read in pieces of every size, and must give the same records.
 */
#include "base/base.h"

#include <setjmp.h>
#include <cmocka.h>

#include "format/csv_reader.h"

/* A file, given out in pieces; or one that is made as it is read. */
struct source {
	struct slice first, left; /* before the units, and behind them */
	size_t piece;		  /* bytes at once */
	bool fails;
	/* so many times `unit` come first */
	struct slice unit;
	uint64_t units;
	size_t at; /* in the unit */
};

static ssize_t
source_fill(void *ctx, void *to, size_t n, struct err *err)
{
	struct source *s = ctx;
	char *p = to;
	size_t i, take;

	n = RT_MIN(n, s->piece);
	if (s->first.n > 0) {
		*p = *s->first.p++;
		s->first.n--;
		return 1;
	}
	for (i = 0; i < n && s->units > 0; i += take) {
		take = RT_MIN(n - i, s->unit.n - s->at);
		memcpy(p + i, s->unit.p + s->at, take);
		s->at += take;
		if (s->at == s->unit.n) {
			s->at = 0;
			s->units--;
		}
	}
	if (i > 0)
		return (ssize_t)i;
	if (s->left.n == 0 && s->fails)
		return err_set(err, "the disk is gone");
	n = RT_MIN(n, s->left.n);
	memcpy(to, s->left.p, n);
	s->left.p += n;
	s->left.n -= n;
	return (ssize_t)n;
}

/* All records as text: fields in [], what is bad as !LINE:COLUMN WHY. */
static void
render(struct csv_reader *r, struct strbuf *to)
{
	enum csv_says says;
	struct err err;
	unsigned i;

	while ((says = csv_read(r, &err)) > CSV_END) {
		if (says == CSV_BAD) {
			strbuf_addf(to, "!%" PRIu64 ":%" PRIu64 " %s\n",
			    r->line, r->column, r->why);
			continue;
		}
		strbuf_addf(to, "%" PRIu64 " ", r->line);
		for (i = 0; i < r->csv.n; i++) {
			strbuf_addc(to, '[');
			strbuf_add_escaped(to, r->csv.field[i], 40);
			strbuf_addc(to, ']');
		}
		strbuf_addc(to, '\n');
	}
	if (says == CSV_FAILED)
		strbuf_addf(to, "FAILED %s\n", err.text);
}

static void
read_all(struct source source, char separator, enum csv_encoding encoding,
    const char *wanted)
{
	struct csv_options options = {.separator = separator,
	    .encoding = encoding,
	    .fill = source_fill,
	    .ctx = &source};
	struct strbuf got = STRBUF_INIT;
	struct csv_reader reader;

	csv_reader_init(&reader, &options);
	render(&reader, &got);
	csv_reader_fini(&reader);
	assert_string_equal(strbuf_str(&got), wanted);
	strbuf_fini(&got);
}

static void
expect_as(struct slice file, char separator, enum csv_encoding encoding,
    const char *wanted)
{
	size_t piece;

	for (piece = 1; piece <= file.n + 1; piece++)
		read_all((struct source){.left = file, .piece = piece},
		    separator, encoding, wanted);
}

static void
expect(struct slice file, const char *wanted)
{
	expect_as(file, 0, CSV_UTF8, wanted);
}

static void
test_quotes(void **state RT_UNUSED)
{
	expect(SLICE("a,b\n1,2\n"), "1 [a][b]\n2 [1][2]\n");
	expect(
	    SLICE("a,b\r\n1,\r\n\r\n\r\n,2"), "1 [a][b]\n2 [1][]\n5 [][2]\n");
	expect(SLICE("a,b\n\"x,\"\"y\"\"\nz\",2\n3,4\n"),
	    "1 [a][b]\n2 [x,\"y\"\\x0az][2]\n4 [3][4]\n");
	/* inches: a quote that begins no field is a letter */
	expect(SLICE("a,b\n5\" pipe,6\"\"\n3,4"),
	    "1 [a][b]\n2 [5\" pipe][6\"\"]\n3 [3][4]\n");
	expect(SLICE("a,b\n\"\",\"\"\"\"\n"), "1 [a][b]\n2 [][\"]\n");
	expect(SLICE("\"a\nb\",c\n\"\r\n\",\"\n\n\"\nx,y\n"),
	    "1 [a\\x0ab][c]\n3 [\\x0d\\x0a][\\x0a\\x0a]\n7 [x][y]\n");
	expect(SLICE(""), "");
	expect(SLICE("\n\r\n\n"), "");
	expect(SLICE("\"\"\nx\n"), "2 [x]\n");
}

static void
test_wrong_quotes(void **state RT_UNUSED)
{
	expect(SLICE("a,b\nx,\"y\"z,1\n3,4\n"),
	    "1 [a][b]\n!2:3 a quote within a field\n3 [3][4]\n");
	/* the place where the quote was opened, not the end of the file */
	expect(SLICE("a,b\n\"1\n2\",\"3\n4,5\n6,7\n"),
	    "1 [a][b]\n"
	    "!3:4 a quote that nothing closes up to the end of the file\n");
	expect(SLICE("a,b\n1,\""),
	    "1 [a][b]\n"
	    "!2:3 a quote that nothing closes up to the end of the file\n");
}

static void
test_separators(void **state RT_UNUSED)
{
	expect(SLICE("a;b;c,d\n1;2;3\n"), "1 [a][b][c,d]\n2 [1][2][3]\n");
	expect(SLICE("a\tb\n1\t2\n"), "1 [a][b]\n2 [1][2]\n");
	expect(SLICE("\"a;b;c\",d\n1,2\n"), "1 [a;b;c][d]\n2 [1][2]\n");
	expect(SLICE("a|b|c\n"), "1 [a][b][c]\n");
	expect(SLICE("one\ntwo\n"), "1 [one]\n2 [two]\n");
	expect_as(SLICE("a:b,c\n\"x:\":y\n"), ':', CSV_UTF8,
	    "1 [a][b,c]\n2 [x:][y]\n");
	/* what Excel writes for itself */
	expect(SLICE("sep=;\r\na;b,b\r\n"), "2 [a][b,b]\n");
	expect(SLICE("\xef\xbb\xbfsep=|\na|b;\n"), "2 [a][b;]\n");
}

static void
test_characters(void **state RT_UNUSED)
{
	expect(SLICE("\xef\xbb\xbf"
		     "a,b\n\xc3\xa9,\xe2\x82\xac\n"),
	    "1 [a][b]\n2 [\xc3\xa9][\xe2\x82\xac]\n");
	/* the column counts characters */
	expect(SLICE("a,b\n\xc3\xa9\xc3\xa9,\xe9\n1,2\n"),
	    "1 [a][b]\n!2:4 not UTF-8 (--encoding windows-1252?)\n3 [1][2]\n");
	expect(
	    SLICE("a,b\nx,\0\n1,2\n"), "1 [a][b]\n!2:3 a NUL byte\n3 [1][2]\n");
	/* a surrogate, too long a form, beyond Unicode */
	expect(SLICE("a\n\xed\xa0\x80\n\xc0\x80\n\xf5\x80\x80\x80\nz\n"),
	    "1 [a]\n!2:1 not UTF-8 (--encoding windows-1252?)\n"
	    "!3:1 not UTF-8 (--encoding windows-1252?)\n"
	    "!4:1 not UTF-8 (--encoding windows-1252?)\n5 [z]\n");
	expect_as(SLICE("a;b\n\x80"
			"5;\xe9t\xe9\nx\x81;2\n"),
	    0, CSV_WINDOWS_1252,
	    "1 [a][b]\n2 [\xe2\x82\xac"
	    "5][\xc3\xa9t\xc3\xa9]\n"
	    "!3:2 a byte that windows-1252 has not\n");
}

static void
test_no_csv(void **state RT_UNUSED)
{
	expect(SLICE("\xff\xfe"
		     "a\0,\0b\0\n\0"),
	    "FAILED this is UTF-16: save it as \"CSV UTF-8\" or as CSV\n");
	expect(SLICE("PK\003\004\024\0\010\0\n"),
	    "FAILED this is a workbook: save it as CSV first\n");
	expect(SLICE("a,b\r1,2\r"),
	    "FAILED its lines end with CR alone: save it as CSV with LF or "
	    "CRLF\n");
	read_all(
	    (struct source){
		.left = SLICE("a,b\n1,2\n"), .piece = 3, .fails = true},
	    0, CSV_UTF8, "1 [a][b]\n2 [1][2]\nFAILED the disk is gone\n");
}

/* 1.2 GB in one line, and much in quotes, in memory that is bounded. */
static void
test_endless_line(void **state RT_UNUSED)
{
	static char text[12000];
	struct slice much = {text, sizeof(text)};
	bool slow = getenv("RINGTALLY_SLOW") != NULL;
	struct source source = {.piece = 65536,
	    .unit = much,
	    .units = 100000,
	    .left = SLICE("\n1,2\n")};

	memset(text, '7', sizeof(text));
	read_all(
	    source, ',', CSV_UTF8, "!1:1 longer than a mebibyte\n2 [1][2]\n");
	source.unit = SLICE("\"\n3456789\n\"");
	source.left = SLICE("\n1,2\n");
	source.units = 200000;
	read_all(source, ',', CSV_UTF8,
	    "!1:1 longer than a mebibyte\n400002 [1][2]\n");
	/* as a regular file is read: as much at once as there is room for */
	source = (struct source){.piece = SIZE_MAX,
	    .unit = much,
	    .units = slow ? 100000 : 1000,
	    .left = SLICE("\n1,2\n")};
	read_all(
	    source, ',', CSV_UTF8, "!1:1 longer than a mebibyte\n2 [1][2]\n");
	/* nothing closes it: the end of the file is the end of the record */
	source.piece = 65536;
	source.first = SLICE("x,\"");
	source.unit = SLICE("y\n");
	source.left = SLICE("");
	source.units = 1000000;
	read_all(source, ',', CSV_UTF8,
	    "!1:3 a quote that nothing closes up to the end of the file\n");
}

/* As long as may be, and a byte more. */
static void
test_longest_record(void **state RT_UNUSED)
{
	struct source source = {.piece = 4096,
	    .unit = SLICE("x"),
	    .units = CSV_RECORD_MAX,
	    .left = SLICE("\n1\n")};

	read_all(source, ',', CSV_UTF8,
	    "1 [xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...]\n2 [1]\n");
	source.units++;
	source.left = SLICE("\n1\n");
	read_all(source, ',', CSV_UTF8, "!1:1 longer than a mebibyte\n2 [1]\n");
}

static void
test_many_fields(void **state RT_UNUSED)
{
	struct source source = {
	    .piece = 100, .unit = SLICE(","), .units = CSV_FIELDS};

	source.left = SLICE("\n1\n");
	read_all(source, ',', CSV_UTF8, "!1:1 too many fields\n2 [1]\n");
}

/* Where a field stands, for who refuses it. */
static void
test_places(void **state RT_UNUSED)
{
	struct source source = {
	    .left = SLICE("a,b\n\"\xc3\xa9\nxy\",\"z\"\"\",w\n"), .piece = 7};
	struct csv_options options = {.fill = source_fill, .ctx = &source};
	/* and of the field that is not there */
	static const uint64_t places[][2] = {{2, 1}, {3, 5}, {3, 11}, {3, 12}};
	struct csv_reader reader;
	uint64_t line, column;
	unsigned i;

	csv_reader_init(&reader, &options);
	assert_int_equal(csv_read(&reader, NULL), CSV_RECORD);
	assert_int_equal(csv_read(&reader, NULL), CSV_RECORD);
	for (i = 0; i < RT_COUNT(places); i++) {
		csv_field_at(&reader, i, &line, &column);
		assert_int_equal(line, places[i][0]);
		assert_int_equal(column, places[i][1]);
	}
	assert_int_equal(csv_read(&reader, NULL), CSV_END);
	csv_reader_fini(&reader);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_quotes),
	    cmocka_unit_test(test_wrong_quotes),
	    cmocka_unit_test(test_separators),
	    cmocka_unit_test(test_characters),
	    cmocka_unit_test(test_no_csv),
	    cmocka_unit_test(test_endless_line),
	    cmocka_unit_test(test_longest_record),
	    cmocka_unit_test(test_many_fields),
	    cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
