/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line framer: the same bytes give the same records, however they arrive
 * and wherever the reader was started again.
 */
#include "base/base.h"
#include "base/strbuf.h"
#include "event/framer.h"
#include "event/stage.h"
#include <setjmp.h>
#include <cmocka.h>

/* A transport that keeps what was not taken, and a list of the records. */
struct reader {
	struct framer framer;
	struct strbuf held;
	struct strbuf records; /* each as "length:bytes;" */
};

static void
reader_fini(struct reader *r)
{
	strbuf_fini(&r->held);
	strbuf_fini(&r->records);
}

static void
reader_offer(struct reader *r, const char *bytes, size_t n, bool last)
{
	struct slice record;
	size_t at = 0;

	strbuf_add(&r->held, bytes, n);
	while (
	    framer_line(&r->framer, r->held.p, r->held.n, &at, last, &record)) {
		strbuf_addf(&r->records, "%zu:", record.n);
		strbuf_add(&r->records, record.p, record.n);
		strbuf_addc(&r->records, ';');
	}
	assert_true(at <= r->held.n);
	if (last)
		assert_int_equal(at, r->held.n);
	assert_true(r->held.n - at <= STAGE_RECORD_MAX);
	memmove(r->held.p, r->held.p + at, r->held.n - at);
	r->held.n -= at;
}

static void
check_whole(const char *bytes, size_t n, const char *want, size_t want_n)
{
	struct reader r = {.held = STRBUF_INIT, .records = STRBUF_INIT};

	reader_offer(&r, bytes, n, true);
	assert_int_equal(r.records.n, want_n);
	assert_memory_equal(strbuf_str(&r.records), want, want_n);
	reader_fini(&r);
}

#define check_records(bytes, want) \
	check_whole(bytes, sizeof(bytes) - 1, want, sizeof(want) - 1)

static void
test_records(void **state)
{
	(void)state;
	check_records("", "");
	check_records("a\nbc\n", "1:a;2:bc;");
	check_records("a\r\nbc\r\n", "1:a;2:bc;");
	check_records("a\rb\r\r\n", "4:a\rb\r;"); /* one CR is the end's */
	check_records("\n\nx\n", "0:;0:;1:x;");
	check_records("\r\nx\r\n", "0:;1:x;");
	check_records("a\0b\n\0\n", "3:a\0b;1:\0;");
	check_records("a\nrest", "1:a;4:rest;");
	check_records("a\nrest\r", "1:a;4:rest;");
}

static void
test_half_a_line_waits(void **state)
{
	struct reader r = {.held = STRBUF_INIT, .records = STRBUF_INIT};

	(void)state;
	reader_offer(&r, "one\ntw", 6, false);
	assert_string_equal(strbuf_str(&r.records), "3:one;");
	assert_int_equal(r.held.n, 2);
	reader_offer(&r, "o", 1, false);
	assert_string_equal(strbuf_str(&r.records), "3:one;");
	reader_offer(&r, "\n", 1, false);
	assert_string_equal(strbuf_str(&r.records), "3:one;3:two;");
	reader_offer(&r, "", 0, true);
	assert_string_equal(strbuf_str(&r.records), "3:one;3:two;");
	reader_fini(&r);
}

/* A log with all that is odd: over-long lines first, last and in between. */
static void
log_build(struct strbuf *log)
{
	static const size_t lengths[] = {3, STAGE_RECORD_MAX + 1, 5, 0,
	    STAGE_RECORD_MAX, 1, 3 * STAGE_RECORD_MAX, STAGE_RECORD_MAX - 1,
	    STAGE_RECORD_MAX + 1, 7};
	size_t i, j;

	for (i = 0; i < RT_COUNT(lengths); i++) {
		for (j = 0; j < lengths[i]; j++)
			strbuf_addc(log, (char)('a' + (i + j) % 26));
		strbuf_adds(log, i % 3 == 2 ? "\r\n" : "\n");
	}
}

static void
test_too_long(void **state)
{
	struct reader r = {.held = STRBUF_INIT, .records = STRBUF_INIT};
	struct strbuf log = STRBUF_INIT;

	(void)state;
	log_build(&log);
	reader_offer(&r, log.p, log.n, false);
	assert_int_equal(r.framer.oversize, 3);
	assert_false(r.framer.skipping);
	assert_int_equal(r.held.n, 0);
	/* 3, 5, 0, MAX, 1, MAX - 1 and 7 */
	assert_int_equal(r.records.n,
	    strlen("3:;5:;0:;65536:;1:;65535:;7:;") + 3 + 5 + STAGE_RECORD_MAX +
		1 + STAGE_RECORD_MAX - 1 + 7);
	reader_fini(&r);
	strbuf_fini(&log);
}

/* All of the longest line is there, but its end is not yet. */
static void
test_longest_waits_for_its_end(void **state)
{
	struct reader r = {.held = STRBUF_INIT, .records = STRBUF_INIT};
	char line[STAGE_RECORD_MAX];

	(void)state;
	memset(line, 'x', sizeof(line));
	reader_offer(&r, line, sizeof(line), false);
	assert_int_equal(r.held.n, sizeof(line));
	reader_offer(&r, "\n", 1, false);
	assert_int_equal(r.framer.oversize, 0);
	assert_memory_equal(strbuf_str(&r.records), "65536:xxx", 9);
	reader_fini(&r);
}

static void
check_pieces(const struct strbuf *log, const struct reader *whole, size_t cut,
    size_t again, bool restart)
{
	struct reader r = {.held = STRBUF_INIT, .records = STRBUF_INIT};
	size_t at = 0;

	while (at < log->n) {
		size_t n = RT_MIN(at == 0 ? cut : again, log->n - at);

		reader_offer(&r, log->p + at, n, false);
		at += n;
		/* a restart keeps the position, and whether it is skipping */
		if (restart)
			r.framer =
			    (struct framer){.skipping = r.framer.skipping,
				.oversize = r.framer.oversize};
	}
	reader_offer(&r, "", 0, true);
	assert_int_equal(r.framer.oversize, whole->framer.oversize);
	assert_int_equal(r.records.n, whole->records.n);
	assert_memory_equal(strbuf_str(&r.records), strbuf_str(&whole->records),
	    whole->records.n);
	reader_fini(&r);
}

static void
test_split_at_every_byte(void **state)
{
	static const char text[] =
	    "one\ntwo\r\n\n\r\n\0x\0\r\nlast but one\nrest";
	struct strbuf log = STRBUF_INIT;
	struct reader whole = {.held = STRBUF_INIT, .records = STRBUF_INIT};
	size_t cut, again;

	(void)state;
	strbuf_add(&log, text, sizeof(text) - 1);
	reader_offer(&whole, log.p, log.n, true);
	for (cut = 1; cut <= log.n; cut++)
		for (again = 1; again <= log.n; again++)
			check_pieces(&log, &whole, cut, again, cut & 1);
	reader_fini(&whole);
	strbuf_fini(&log);
}

static void
test_split_of_long_lines(void **state)
{
	static const size_t pieces[] = {1000, 4096, STAGE_RECORD_MAX - 1,
	    STAGE_RECORD_MAX, STAGE_RECORD_MAX + 1, STAGE_RECORD_MAX + 2,
	    STAGE_TURN_BYTES};
	struct strbuf log = STRBUF_INIT;
	struct reader whole = {.held = STRBUF_INIT, .records = STRBUF_INIT};
	size_t i, cut;

	(void)state;
	log_build(&log);
	reader_offer(&whole, log.p, log.n, true);
	for (i = 0; i < RT_COUNT(pieces); i++)
		for (cut = 1; cut < 9; cut++)
			check_pieces(&log, &whole, cut, pieces[i], true);
	reader_fini(&whole);
	strbuf_fini(&log);
}

/* Stopped within a line that is too long, and started again there. */
static void
test_started_while_skipping(void **state)
{
	struct reader r = {.framer = {.skipping = true},
	    .held = STRBUF_INIT,
	    .records = STRBUF_INIT};

	(void)state;
	reader_offer(&r, "its tail", 8, false);
	assert_int_equal(r.held.n, 0);
	assert_true(r.framer.skipping);
	reader_offer(&r, " ends\nnext\n", 11, false);
	assert_string_equal(strbuf_str(&r.records), "4:next;");
	assert_int_equal(r.framer.oversize, 0); /* counted where it began */
	reader_fini(&r);
}

/* The file ends within such a line: the next file begins with a new one. */
static void
test_last_while_skipping(void **state)
{
	struct reader r = {.framer = {.skipping = true},
	    .held = STRBUF_INIT,
	    .records = STRBUF_INIT};

	(void)state;
	reader_offer(&r, "tail", 4, true);
	assert_int_equal(r.records.n, 0);
	assert_false(r.framer.skipping);
	reader_offer(&r, "first\n", 6, false);
	assert_string_equal(strbuf_str(&r.records), "5:first;");
	reader_fini(&r);
}

static void
test_last_with_nothing_left_while_skipping(void **state)
{
	struct reader r = {.held = STRBUF_INIT, .records = STRBUF_INIT};
	char flood[STAGE_RECORD_MAX + 1];

	(void)state;
	memset(flood, 'x', sizeof(flood));
	reader_offer(&r, flood, sizeof(flood), false);
	assert_true(r.framer.skipping);
	reader_offer(&r, "", 0, true);
	reader_offer(&r, "first\n", 6, false);
	assert_string_equal(strbuf_str(&r.records), "5:first;");
	assert_int_equal(r.framer.oversize, 1);
	reader_fini(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_records),
	    cmocka_unit_test(test_half_a_line_waits),
	    cmocka_unit_test(test_too_long),
	    cmocka_unit_test(test_longest_waits_for_its_end),
	    cmocka_unit_test(test_split_at_every_byte),
	    cmocka_unit_test(test_split_of_long_lines),
	    cmocka_unit_test(test_started_while_skipping),
	    cmocka_unit_test(test_last_while_skipping),
	    cmocka_unit_test(test_last_with_nothing_left_while_skipping),
	};

	return cmocka_run_group_tests_name("framer", tests, NULL, NULL);
}
