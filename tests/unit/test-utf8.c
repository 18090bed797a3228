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
	check_clean("a\0b\n", 4, 64,
	    "a\xef\xbf\xbd"
	    "b\xef\xbf\xbd");
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

/* Decodes as iconv's tables would: by length of the shortest encoding. */
static void
test_decode_all(void **state)
{
	uint32_t rune, got;

	(void)state;
	for (rune = 0x80; rune <= 0x10ffff; rune++) {
		bool surrogate = rune >= 0xd800 && rune <= 0xdfff;
		size_t n = rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4, i;
		uint32_t rest = rune;
		char b[4];

		for (i = n; i-- > 1; rest >>= 6)
			b[i] = (char)(0x80 | (rest & 0x3f));
		b[0] = (char)((0xf00 >> n & 0xff) | rest);
		got = 0;
		if (utf8_decode(b, n, &got) != (surrogate ? 0 : n) ||
		    (!surrogate && got != rune))
			fail_msg("U+%04X", (unsigned)rune);
		if (utf8_decode(b, n - 1, &got) != 0)
			fail_msg("U+%04X, cut off", (unsigned)rune);
	}
}

static bool
is_clean(const char *p, size_t n)
{
	size_t i = 0, len;
	uint32_t rune;

	for (; i < n; i += len) {
		len = utf8_decode(p + i, n - i, &rune);
		if (len == 0 || (!utf8_is_plain(rune) && rune != 0xfffd))
			return false;
	}
	return true;
}

/* Whatever comes in: valid, within its room, and clean is clean already. */
static void
test_clean_of_anything(void **state)
{
	static const unsigned char odd[] = {0, 0x1f, 0x7f, 0x80, 0x9f, 0xa0,
	    0xbf, 0xc0, 0xc2, 0xc3, 0xe0, 0xe2, 0xed, 0xef, 0xf0, 0xf4, 0xff};
	uint64_t seed = 88172645463325252U;
	int round;

	(void)state;
	for (round = 0; round < 200000; round++) {
		char in[24], once[80], twice[80], room[80];
		size_t n = (size_t)round % sizeof(in), i, one, two, cut;

		for (i = 0; i < n; i++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			in[i] = (char)(seed >> 60 < 9
				? odd[(seed >> 20) % sizeof(odd)]
				: seed >> 30);
		}
		one = utf8_clean(once, sizeof(once), in, n);
		assert_true(one <= 3 * n && is_clean(once, one));
		two = utf8_clean(twice, sizeof(twice), once, one);
		assert_int_equal(two, one);
		assert_memory_equal(twice, once, one);
		memset(room, '!', sizeof(room));
		cut = utf8_clean(room, n, in, n);
		assert_true(cut <= n && is_clean(room, cut));
		assert_memory_equal(room, once, cut);
		assert_int_equal(room[n], '!');
		assert_true(cut == one || cut + 4 > n); /* no earlier */
	}
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
	    cmocka_unit_test(test_decode_all),
	    cmocka_unit_test(test_clean_of_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
