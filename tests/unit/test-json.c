/* SPDX-License-Identifier: BSD-2-Clause */
/* What is written as JSON, read back by somebody else's parser. */
#include "base/base.h"
#include <setjmp.h>
#include <cmocka.h>
#include <jansson.h>

#include "base/utc.h"
#include "serve/json.h"

static json_t *
parse(const struct strbuf *b)
{
	json_error_t error;
	json_t *root = json_loadb(b->p, b->n, JSON_REJECT_DUPLICATES, &error);

	if (root == NULL)
		fail_msg("%s at %d: %s", error.text, error.position, b->p);
	return root;
}

static void
test_shapes(void **state RT_UNUSED)
{
	struct strbuf b = STRBUF_INIT;

	json_put_object(&b, NULL);
	json_put_int(&b, "a", -7);
	json_put_array(&b, "list");
	json_put_int(&b, NULL, 1);
	json_put_object(&b, NULL);
	json_end_object(&b);
	json_put_array(&b, NULL);
	json_end_array(&b);
	json_put_null(&b, NULL);
	json_end_array(&b);
	json_put_object(&b, "map");
	json_put_name(&b, SLICE("x"));
	json_put_int(&b, NULL, 2);
	json_put_name(&b, SLICE(""));
	json_put_bool(&b, NULL, true);
	json_end_object(&b);
	json_put_raw(&b, NULL, SLICE("\"r\":[1]"));
	json_put_raw(&b, "raw", SLICE("{}"));
	json_end_object(&b);
	assert_string_equal(b.p,
	    "{\"a\":-7,\"list\":[1,{},[],null],"
	    "\"map\":{\"x\":2,\"\":true},\"r\":[1],\"raw\":{}}");
	json_decref(parse(&b));
	strbuf_fini(&b);
}

static void
check_number(struct strbuf *b, const char *want)
{
	assert_string_equal(b->p, want);
	strbuf_fini(b);
}

static void
test_numbers(void **state RT_UNUSED)
{
	struct strbuf b = STRBUF_INIT;

	json_put_int(&b, NULL, INT64_MIN);
	check_number(&b, "-9223372036854775808");
	json_put_figure(
	    &b, NULL, (struct figure_value){.n = 853, .decimals = 1});
	check_number(&b, "85.3");
	json_put_figure(
	    &b, NULL, (struct figure_value){.n = 1000, .decimals = 1});
	check_number(&b, "100.0");
	json_put_figure(&b, NULL, (struct figure_value){.n = 5, .decimals = 1});
	check_number(&b, "0.5");
	json_put_figure(
	    &b, NULL, (struct figure_value){.n = 1005, .decimals = 3});
	check_number(&b, "1.005");
	json_put_figure(
	    &b, NULL, (struct figure_value){.n = -1500, .decimals = 3});
	check_number(&b, "-1.5");
	json_put_figure(&b, NULL, (struct figure_value){.null = true});
	check_number(&b, "null");
	json_put_seconds(&b, NULL, 61 * USEC_PER_SEC + 1999);
	check_number(&b, "61.001");
	json_put_seconds(&b, NULL, -1);
	check_number(&b, "null");
	json_put_number(&b, NULL, 85.1);
	check_number(&b, "85.1");
	json_put_time(&b, NULL, 0);
	check_number(&b, "null");
	json_put_time(&b, NULL, USEC_PER_SEC);
	check_number(&b, "\"1970-01-01T00:00:01Z\"");
}

/* Whatever a switch calls its queues, the text comes back as it was. */
static void
test_hostile_texts(void **state RT_UNUSED)
{
	static const char *const texts[] = {"", "</script><script>alert(1)",
	    "\"", "\\", "a\"b\\c", "\n\t\r\b\f\x01\x1f\x7f", "]}{[:,",
	    "caf\xc3\xa9 \xf0\x9f\x93\x9e", "\xe2\x80\xa8\xe2\x80\xa9",
	    "\xe2\x80\xae gnitset", "{\"a\":1}", "<!--"};
	size_t i;

	for (i = 0; i < RT_COUNT(texts); i++) {
		struct strbuf b = STRBUF_INIT;
		json_t *root;
		const char *key;
		json_t *value;

		json_put_object(&b, NULL);
		json_put_string(&b, "k", texts[i]);
		json_put_object(&b, "m");
		json_put_name(&b, slice_of(texts[i]));
		json_put_int(&b, NULL, 1);
		json_end_object(&b);
		json_end_object(&b);
		assert_null(strchr(b.p, '<'));
		assert_null(strstr(b.p, "\xe2\x80\xa8"));
		root = parse(&b);
		assert_string_equal(
		    json_string_value(json_object_get(root, "k")), texts[i]);
		json_object_foreach(json_object_get(root, "m"), key, value)
		    assert_string_equal(key, texts[i]);
		json_decref(root);
		strbuf_fini(&b);
	}
}

/* Bytes that are no text become U+FFFD, one for each. */
static void
test_any_bytes(void **state RT_UNUSED)
{
	struct strbuf b = STRBUF_INIT;
	char bytes[1024];
	size_t i;
	json_t *root;

	json_put_array(&b, NULL);
	json_put_text(&b, NULL, (struct slice){"a\xff\xc3(\xed\xa0\x80", 7});
	json_put_text(&b, NULL, (struct slice){"x\0y", 3});
	srand(7);
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)rand();
	for (i = 0; i < sizeof(bytes); i += 8)
		json_put_text(&b, NULL, (struct slice){bytes + i, 8});
	json_end_array(&b);
	root = json_loadb(b.p, b.n, JSON_ALLOW_NUL, NULL);
	assert_non_null(root);
	assert_int_equal(json_array_size(root), 2 + sizeof(bytes) / 8);
	assert_string_equal(json_string_value(json_array_get(root, 0)),
	    "a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	assert_int_equal(json_string_length(json_array_get(root, 1)), 3);
	json_decref(root);
	strbuf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shapes),
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_hostile_texts),
	    cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
