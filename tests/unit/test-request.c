/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of the control socket: what is understood, and what is not. */
#include "base/base.h"

#include <setjmp.h>
#include <cmocka.h>

#include "serve/request.h"

static void
expect_refused(struct slice line, const char *why)
{
	struct request r;
	struct err err = {""};

	assert_int_equal(request_parse(&r, line, &err), -1);
	if (strstr(err.text, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, why);
}

static void
test_words(void **state RT_UNUSED)
{
	struct request r;

	assert_int_equal(request_parse(&r, SLICE("reload"), NULL), 0);
	assert_string_equal(r.verb, "reload");
	assert_null(r.what);
	assert_false(request_has_filter(&r));
	request_fini(&r);
	assert_int_equal(
	    request_parse(&r, SLICE("  show   queues  "), NULL), 0);
	assert_string_equal(r.verb, "show");
	assert_string_equal(r.what, "queues");
	assert_false(request_has_filter(&r));
	request_fini(&r);
}

static void
test_filters(void **state RT_UNUSED)
{
	struct request r;

	assert_int_equal(
	    request_parse(&r,
		SLICE("show calls queue=a queue=b%20c%3d service=%C3%a9=1 "
		      "switch="),
		NULL),
	    0);
	assert_true(request_has_filter(&r));
	assert_string_equal(r.names[REQUEST_QUEUE][0], "a");
	assert_string_equal(r.names[REQUEST_QUEUE][1], "b c=");
	assert_null(r.names[REQUEST_QUEUE][2]);
	assert_string_equal(r.names[REQUEST_SERVICE][0], "\xc3\xa9=1");
	assert_string_equal(r.names[REQUEST_SWITCH][0], "");
	request_fini(&r);
}

static void
test_refused(void **state RT_UNUSED)
{
	static const char nul[] = "show\0queues";

	expect_refused(SLICE(""), "empty");
	expect_refused(SLICE("   "), "empty");
	expect_refused((struct slice){nul, sizeof(nul) - 1}, "NUL within");
	expect_refused(SLICE("show queues ctax"), "none of queue=NAME");
	expect_refused(SLICE("show queues colour=red"), "none of queue=NAME");
	expect_refused(SLICE("show queues queuex=red"), "none of queue=NAME");
	expect_refused(SLICE("show queues queue=%"), "queue: ");
	expect_refused(SLICE("show queues queue=%4"), "queue: ");
	expect_refused(SLICE("show queues queue=%zz"), "queue: ");
	expect_refused(SLICE("show queues queue=a%00b"), "queue: ");
}

static void
expect_hashes(const char *line, int wanted)
{
	uint8_t hashes[REQUEST_HASHES_MAX][REQUEST_HASH_BYTES];
	struct request r;
	struct err err;
	int n;

	assert_int_equal(request_parse(&r, slice_of(line), NULL), 0);
	n = request_hashes(&r, hashes, &err);
	assert_int_equal(n, wanted);
	if (n > 0) {
		assert_int_equal(hashes[n - 1][0], 0xa0);
		assert_int_equal(hashes[n - 1][15], 0x0f);
	}
	request_fini(&r);
}

static void
test_hashes(void **state RT_UNUSED)
{
	static const char hash[] = "a00102030405060708090a0b0c0d0E0F";
	struct strbuf line = STRBUF_INIT;
	int i;

	expect_hashes("forget a00102030405060708090A0B0C0D0e0f", 1);
	expect_hashes("forget 000102030405060708090A0B0C0D0e0f,"
		      "a00102030405060708090A0B0C0D0e0f",
	    2);
	expect_hashes("forget", -1);
	expect_hashes("forget a00102030405060708090A0B0C0D0e0", -1);
	expect_hashes("forget a00102030405060708090A0B0C0D0e0f0", -1);
	expect_hashes("forget a00102030405060708090A0B0C0D0e0f,", -1);
	expect_hashes("forget a00102030405060708090A0B0C0D0e0g", -1);
	expect_hashes("forget a00102030405060708090A0B0C0D0e0f queue=a", -1);
	strbuf_adds(&line, "forget");
	for (i = 0; i < REQUEST_HASHES_MAX; i++)
		strbuf_addf(&line, "%c%s", i == 0 ? ' ' : ',', hash);
	assert_true(line.n <= REQUEST_LINE_MAX);
	expect_hashes(strbuf_str(&line), REQUEST_HASHES_MAX);
	strbuf_addf(&line, ",%s", hash);
	expect_hashes(strbuf_str(&line), -1);
	strbuf_fini(&line);
}

static void
test_too_many_names(void **state RT_UNUSED)
{
	struct strbuf line = STRBUF_INIT;
	struct request r;
	int i;

	strbuf_adds(&line, "show queues");
	for (i = 0; i < REQUEST_NAMES_MAX; i++)
		request_add(&line, REQUEST_QUEUE, "q");
	assert_int_equal(
	    request_parse(&r, (struct slice){line.p, line.n}, NULL), 0);
	assert_null(r.names[REQUEST_QUEUE][REQUEST_NAMES_MAX]);
	request_fini(&r);
	request_add(&line, REQUEST_QUEUE, "q");
	expect_refused((struct slice){line.p, line.n}, "more than 64");
	strbuf_fini(&line);
}

/* Whatever a name holds, it comes back. */
static void
test_any_name_comes_back(void **state RT_UNUSED)
{
	struct strbuf line = STRBUF_INIT;
	struct request r;
	char name[256];
	int i;

	for (i = 1; i < 256; i++)
		name[i - 1] = (char)i;
	name[255] = '\0';
	strbuf_adds(&line, "show agents");
	request_add(&line, REQUEST_SERVICE, name);
	assert_null(memchr(line.p, '\n', line.n));
	assert_int_equal(
	    request_parse(&r, (struct slice){line.p, line.n}, NULL), 0);
	assert_string_equal(r.names[REQUEST_SERVICE][0], name);
	request_fini(&r);
	strbuf_fini(&line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_filters),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_hashes),
	    cmocka_unit_test(test_too_many_names),
	    cmocka_unit_test(test_any_name_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
