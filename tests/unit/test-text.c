/* SPDX-License-Identifier: BSD-2-Clause */
/* Names on a terminal: cleaned, measured, cut and filled up. */
#include "base/base.h"

#include <locale.h>
#include <setjmp.h>
#include <cmocka.h>

#include "cli/text.h"

#define TOKYO "\xe6\x9d\xb1\xe4\xba\xac" /* two characters, four columns */

static void
expect_added(const char *text, const char *wanted, size_t columns)
{
	struct strbuf to = STRBUF_INIT;

	assert_int_equal(text_add(&to, text), columns);
	assert_string_equal(strbuf_str(&to), wanted);
	assert_int_equal(text_columns(wanted), columns);
	strbuf_fini(&to);
}

static void
expect_fits(const char *text, size_t columns, bool right, const char *wanted)
{
	struct strbuf to = STRBUF_INIT;

	text_fit(&to, text, columns, right);
	assert_string_equal(strbuf_str(&to), wanted);
	assert_int_equal(text_columns(wanted), columns);
	strbuf_fini(&to);
}

static void
test_names_are_shown(void **state RT_UNUSED)
{
	expect_added("ctax", "ctax", 4);
	expect_added("", "", 0);
	expect_added("<b>&amp;</b>", "<b>&amp;</b>", 12);
	expect_added("S\xc3\xb8ren", "S\xc3\xb8ren", 5);
	expect_added(TOKYO, TOKYO, 4);
	/* e and a combining accent stand in one column */
	expect_added("e\xcc\x81", "e\xcc\x81", 1);
}

static void
test_controls_are_not(void **state RT_UNUSED)
{
	expect_added("a\033[31mb", "a\\x1b[31mb", 10);
	expect_added("a\nb\tc\r\x7f", "a\\x0ab\\x09c\\x0d\\x7f", 19);
	/* C1: the same as ESC [ to some terminals */
	expect_added("\xc2\x9b"
		     "31m",
	    "\\xc2\\x9b31m", 11);
	expect_added("\x9b"
		     "31m",
	    "\\x9b31m", 7);
	/* what turns the writing round */
	expect_added("\xe2\x80\xae"
		     "a",
	    "\\xe2\\x80\\xaea", 13);
	expect_added("\\", "\\\\", 2);
}

static void
test_what_has_no_width(void **state RT_UNUSED)
{
	/* not assigned: no terminal knows how wide it is */
	expect_added("a\xf3\xb0\x80\x80\xed\x9f\xbf", "a\xf3\xb0\x80\x80?", 3);
}

static void
test_fit(void **state RT_UNUSED)
{
	expect_fits("ctax", 6, false, "ctax  ");
	expect_fits("ctax", 6, true, "  ctax");
	expect_fits("ctax", 4, false, "ctax");
	expect_fits("council", 4, false, "cou\xe2\x80\xa6");
	expect_fits("council", 1, true, "\xe2\x80\xa6");
	expect_fits("council", 0, false, "");
	expect_fits("", 3, false, "   ");
	/* half a character does not fit: a space stands there */
	expect_fits(TOKYO, 4, false, TOKYO);
	expect_fits(TOKYO, 3, false, "\xe6\x9d\xb1\xe2\x80\xa6");
	expect_fits(TOKYO, 2, false, "\xe2\x80\xa6 ");
	expect_fits(TOKYO, 6, true, "  " TOKYO);
	expect_fits("\033]0;x", 5, false, "\\x1b\xe2\x80\xa6");
}

static void
test_fit_clean(void **state RT_UNUSED)
{
	struct strbuf to = STRBUF_INIT;

	text_fit_clean(&to, "a\\x1b", 7);
	assert_string_equal(to.p, "a\\x1b  ");
	strbuf_reset(&to);
	text_fit_clean(&to, "a\\x1b", 3);
	assert_string_equal(to.p, "a\\\xe2\x80\xa6");
	strbuf_fini(&to);
}

/* A terminal that is none of UTF-8 gets ASCII. */
static void
test_ascii_only(void **state RT_UNUSED)
{
	setlocale(LC_CTYPE, "C");
	assert_false(text_is_utf8());
	expect_added("S\xc3\xb8ren", "S?ren", 5);
	expect_fits("council", 4, false, "cou~");
	setlocale(LC_CTYPE, "C.UTF-8");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names_are_shown),
	    cmocka_unit_test(test_controls_are_not),
	    cmocka_unit_test(test_what_has_no_width),
	    cmocka_unit_test(test_fit),
	    cmocka_unit_test(test_fit_clean),
	    cmocka_unit_test(test_ascii_only),
	};

	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) {
		puts("1..0 # SKIP no locale C.UTF-8");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
