/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/phone.h"
#include <setjmp.h>
#include <cmocka.h>

struct form {
	const char *number, *want;
};

static void
check_forms(const struct form *forms, size_t n, const char *country)
{
	char to[PHONE_MAX];
	size_t i, len;

	for (i = 0; i < n; i++) {
		len = phone_normalise(to, slice_of(forms[i].number), country);
		if (strcmp(to, forms[i].want) != 0)
			fail_msg("\"%s\": \"%s\", not \"%s\"", forms[i].number,
			    to, forms[i].want);
		assert_int_equal(len, strlen(to));
	}
}

static void
test_one_caller(void **state)
{
	static const char *const numbers[] = {"01144960001", "0114 496 0001",
	    "(0114) 496-0001", "0114.496.0001", "0114/4960001", "+441144960001",
	    "+44 114 496 0001", "+44 (0)114 496 0001", "+44(0)1144960001",
	    "0044 (0) 114 496 0001", "+4401144960001", "00441144960001",
	    "0044 (0)114 4960001", "441144960001", "tel:+44-114-496-0001",
	    "TEL:01144960001;phone-context=+44",
	    "sip:+441144960001@10.0.0.1:5060;user=phone",
	    "sips:01144960001@example.org", "sip:%2B441144960001@x",
	    "01144960001@trunk", "\"Jo Bloggs\" <01144960001>",
	    "Jo <sip:+441144960001@x;user=phone>", "  01144960001 ",
	    "\342\200\252+44 114\302\240496 0001\342\200\254"};
	char to[PHONE_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < RT_COUNT(numbers); i++) {
		phone_normalise(to, slice_of(numbers[i]), "44");
		if (strcmp(to, "+441144960001") != 0)
			fail_msg("\"%s\": \"%s\"", numbers[i], to);
	}
}

static void
test_others_stay_apart(void **state)
{
	static const struct form forms[] = {
	    {"2001", "2001"},	    /* an extension */
	    {"4960001", "4960001"}, /* of which town? */
	    {"112", "112"},
	    {"4411449600", "4411449600"},
	    {"4411", "4411"},		    /* an extension as well */
	    {"33612345678", "33612345678"}, /* sure of no country */
	    {"+33 6 12 34 56 78", "+33612345678"},
	    {"0033612345678", "+33612345678"},
	    {"+39 06 1234567", "+39061234567"}, /* Rome keeps its 0 */
	    {"+1 (212) 555-0100", "+12125550100"},
	    {"*98", "*98"},
	    {"Jo.Bloggs", "jobloggs"},
	    {"sip:JoBloggs@example.org", "jobloggs"},
	    {"020|99", "+442099"},
	    {"12+34", "12+34"},
	};

	(void)state;
	check_forms(forms, RT_COUNT(forms), "44");
}

static void
test_no_country(void **state)
{
	static const struct form forms[] = {
	    {"0114 496 0001", "01144960001"},
	    {"441144960001", "441144960001"},
	    {"0044 114 496 0001", "+441144960001"},
	    {"+44 (0)114 496 0001", "+441144960001"},
	};

	(void)state;
	check_forms(forms, RT_COUNT(forms), NULL);
	check_forms(forms, RT_COUNT(forms), "");
}

static void
test_withheld(void **state)
{
	static const char *const numbers[] = {"", " ", "anonymous", "Anonymous",
	    "<unknown>", "unknown", "UNKNOWN", "Restricted", "private",
	    "Private Number", "withheld", "Number Withheld", "unavailable",
	    "Not Available", "ID unavailable", "asterisk", "null", "P", "O",
	    "sip:anonymous@anonymous.invalid",
	    "\"Anonymous\" <sip:anonymous@anonymous.invalid>", "+266696687",
	    "00266696687", "0", "0000000000", "+", "-", "()", "<>",
	    "sip:@10.0.0.1", "\xff"};
	char to[PHONE_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < RT_COUNT(numbers); i++)
		if (phone_normalise(to, slice_of(numbers[i]), "44") != 0)
			fail_msg("\"%s\": \"%s\"", numbers[i], to);
	assert_int_equal(phone_normalise(to, (struct slice){NULL, 0}, "44"), 0);
	assert_string_equal(to, "");
}

static void
test_long_ones(void **state)
{
	char flood[65536], to[PHONE_MAX], again[PHONE_MAX];
	size_t n;

	(void)state;
	memset(flood, '7', sizeof(flood));
	flood[0] = '0';
	n = phone_normalise(to, (struct slice){flood, sizeof(flood)}, "44");
	assert_int_equal(n, PHONE_MAX - 1);
	assert_memory_equal(to, "+447777", 7);
	phone_normalise(again, slice_of(to), "44");
	assert_string_equal(again, to);
}

/* The form of a form is itself; nothing but what the header promises. */
static void
test_random(void **state)
{
	static const char *const pieces[] = {"0", "00", "+", "44", "(0)", "1",
	    "(", ")", " ", "-", "sip:", "tel:", "@", ";", "%2b", "%2B", "<",
	    ">", "\"", "a", "Z", "unknown", "266696687", "\xc2\xa0", "\xff",
	    "#", "*", "7700900", "123456789"};
	static const char *const countries[] = {"44", "1", NULL, "353", ""};
	uint64_t seed = 0x9e3779b97f4a7c15U;
	int i, round;

	(void)state;
	for (round = 0; round < 200000; round++) {
		const char *country = countries[round % 5];
		char number[256] = "", to[PHONE_MAX], again[PHONE_MAX];
		size_t n = 0, j;

		for (i = 0; i < 1 + round % 12; i++) {
			const char *piece;

			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			piece = pieces[(seed >> 11) % RT_COUNT(pieces)];
			memcpy(number + n, piece, strlen(piece) + 1);
			n += strlen(piece);
		}
		phone_normalise(to, (struct slice){number, n}, country);
		phone_normalise(again, slice_of(to), country);
		if (strcmp(to, again) != 0)
			fail_msg(
			    "\"%s\" is \"%s\", then \"%s\"", number, to, again);
		for (j = 0; to[j] != '\0'; j++)
			assert_non_null(
			    memchr("+*#0123456789abcdefghijklmnopqrstuvwxyz",
				to[j], 39));
	}
}

static void
test_hide(void **state)
{
	static const struct {
		const char *text, *shown;
	} texts[] = {
	    {"CALL_STATUS2", "CALL_STATUS2"},
	    {"12345", "12345"},
	    {"123456", "######"},
	    {"07700900555", "###########"},
	    {"E|ENTERQUEUE||+44 (0)114 496-0001|1",
		"E|ENTERQUEUE||+## (#)### ###-####|1"},
	    {"SIP/01144960001-00a1", "SIP/###########-##a1"},
	    {"1|2|3|4|5|6|7|8", "1|2|3|4|5|6|7|8"},
	    {"\"customer\":\"Jo.Smith+x@a.example\"",
		"\"customer\":\"##########@a.example\""},
	    {"j\xc3\xb6@b.example, @c.example", "###@b.example, @c.example"},
	    {"Local/1001@from-queue/n", "Local/1001@from-queue/n"},
	    {"", ""},
	};
	size_t i;

	(void)state;
	for (i = 0; i < RT_COUNT(texts); i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s", texts[i].text);
		phone_hide(text, strlen(text));
		assert_string_equal(text, texts[i].shown);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_caller),
	    cmocka_unit_test(test_others_stay_apart),
	    cmocka_unit_test(test_no_country),
	    cmocka_unit_test(test_withheld),
	    cmocka_unit_test(test_long_ones),
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_hide),
	};

	return cmocka_run_group_tests_name("phone", tests, NULL, NULL);
}
