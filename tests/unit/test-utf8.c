/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/utf8.h"
#include <setjmp.h>
#include <cmocka.h>

static void
check_decode(const char *bytes, size_t n, size_t length, uint32_t want)
{
	uint32_t rune = 0;

	assert_int_equal(utf8_decode(bytes, n, &rune), length);
	if (length > 0)
		assert_int_equal(rune, want);
}

static void
test_decode(void **state)
{
	(void)state;
	check_decode("A", 1, 1, 'A');
	check_decode("\xc2\xa3", 2, 2, 0xa3);
	check_decode("\xe2\x82\xac", 3, 3, 0x20ac);
	check_decode("\xf0\x9f\x93\x9e", 4, 4, 0x1f4de);
	check_decode("\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff);
	check_decode("", 0, 0, 0);
}

/* RFC 3629, section 10: what a careless decoder takes. */
static void
test_decode_refuses(void **state)
{
	(void)state;
	check_decode("\xc0\x80", 2, 0, 0);	   /* overlong NUL */
	check_decode("\xe0\x9f\xbf", 3, 0, 0);	   /* overlong */
	check_decode("\xf0\x8f\xbf\xbf", 4, 0, 0); /* overlong */
	check_decode("\xed\xa0\x80", 3, 0, 0);	   /* surrogate */
	check_decode("\xf4\x90\x80\x80", 4, 0, 0); /* above U+10FFFF */
	check_decode("\x80", 1, 0, 0);		   /* tail alone */
	check_decode("\xe2\x82", 2, 0, 0);	   /* cut off */
	check_decode("\xe2\x28\xa1", 3, 0, 0);	   /* tail is none */
	check_decode("\xff", 1, 0, 0);
}

static void
check_clean(const char *bytes, size_t n, size_t cap, const char *want)
{
	char to[64];
	size_t used = utf8_clean(to, cap, bytes, n);

	assert_int_equal(used, strlen(want));
	assert_memory_equal(to, want, used);
}

static void
test_clean(void **state)
{
	(void)state;
	check_clean("Tax & \xc2\xa3", 8, 64, "Tax & \xc2\xa3");
	/* Latin-1 becomes what it was meant to be. */
	check_clean("caf\xe9", 4, 64, "caf\xc3\xa9");
	/* Controls, NUL and a bidi override are shown as unknown. */
	check_clean("a\0b\n", 4, 64, "a\xef\xbf\xbd" "b\xef\xbf\xbd");
	check_clean("\xe2\x80\xae", 3, 64, "\xef\xbf\xbd");
	check_clean("\x85", 1, 64, "\xef\xbf\xbd");
}

static void
test_clean_stops_at_a_whole_character(void **state)
{
	(void)state;
	check_clean("ab\xc2\xa3", 4, 3, "ab");
	check_clean("ab\xc2\xa3", 4, 4, "ab\xc2\xa3");
	check_clean("abc", 3, 0, "");
}

static void
test_ascii(void **state)
{
	(void)state;
	assert_true(utf8_is_ascii(" ~", 2));
	assert_true(utf8_is_ascii("", 0));
	assert_false(utf8_is_ascii("a\x7f", 2));
	assert_false(utf8_is_ascii("a\x1f", 2));
	assert_false(utf8_is_ascii("\xc2\xa3", 2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_decode),
	    cmocka_unit_test(test_decode_refuses),
	    cmocka_unit_test(test_clean),
	    cmocka_unit_test(test_clean_stops_at_a_whole_character),
	    cmocka_unit_test(test_ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
