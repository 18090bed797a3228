/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The framers: the same bytes give the same records, however they arrive, and
 * of lines wherever the reader was started again.
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
	    framer_next(&r->framer, r->held.p, r->held.n, &at, last, &record)) {
		assert_true(record.n <= STAGE_RECORD_MAX);
		strbuf_addf(&r->records, "%zu:", record.n);
		strbuf_add(&r->records, record.p, record.n);
		strbuf_addc(&r->records, ';');
	}
	assert_true(at <= r->held.n);
	if (last)
		assert_int_equal(at, r->held.n);
	assert_true(r->held.n - at <= STAGE_RECORD_MAX + 8);
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
	check_records("\0\0a\0\n\0\0", "2:a\0;1:\0;");
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
	struct reader r = {.framer = {.framing = whole->framer.framing},
	    .held = STRBUF_INIT,
	    .records = STRBUF_INIT};
	size_t at = 0;

	while (at < log->n) {
		size_t n = RT_MIN(at == 0 ? cut : again, log->n - at);

		reader_offer(&r, log->p + at, n, false);
		at += n;
		/* a restart keeps the position, and whether it is skipping */
		if (restart)
			r.framer = (struct framer){.framing = r.framer.framing,
			    .skipping = r.framer.skipping,
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

/* --- the other framings --------------------------------------------------- */

/* Text that stands for other text: "{N}" for a run of N bytes, "@" for NUL. */
static void
expand(const char *text, struct strbuf *to)
{
	const char *p = text;
	size_t run;
	char *end;

	for (; *p != '\0'; p++) {
		if (*p != '{') {
			strbuf_addc(to, *p == '@' ? '\0' : *p);
			continue;
		}
		run = strtoul(p + 1, &end, 10);
		memset(strbuf_reserve(to, run), 'x', run);
		strbuf_added(to, run);
		p = end;
	}
}

/* What comes out when all comes at once: as "length:start;" each. */
static void
check_framing(
    enum framing framing, const char *text, const char *want, uint64_t oversize)
{
	struct reader r = {.framer = {.framing = framing},
	    .held = STRBUF_INIT,
	    .records = STRBUF_INIT};
	struct strbuf bytes = STRBUF_INIT, wanted = STRBUF_INIT;

	expand(text, &bytes);
	expand(want, &wanted);
	reader_offer(&r, bytes.p, bytes.n, true);
	assert_string_equal(strbuf_str(&r.records), strbuf_str(&wanted));
	assert_int_equal(r.framer.oversize, oversize);
	assert_false(r.framer.skipping);
	reader_fini(&r);
	strbuf_fini(&bytes);
	strbuf_fini(&wanted);
}

static void
test_blocks(void **state RT_UNUSED)
{
	check_framing(FRAMING_BLOCKS, "", "", 0);
	check_framing(FRAMING_BLOCKS, "a: 1\nb: 2\n\nc: 3\n\n",
	    "10:a: 1\nb: 2\n;5:c: 3\n;", 0);
	check_framing(FRAMING_BLOCKS, "a: 1\r\nb: 2\r\n\r\nc: 3\r\n\r\n",
	    "12:a: 1\r\nb: 2\r\n;6:c: 3\r\n;", 0);
	check_framing(
	    FRAMING_BLOCKS, "\n\r\n\na\n\n\n\n\nb\n\n", "2:a\n;2:b\n;", 0);
	check_framing(FRAMING_BLOCKS, "a\n\nrest\nof", "2:a\n;7:rest\nof;", 0);
	check_framing(
	    FRAMING_BLOCKS, "a\n\n{65536}", "2:a\n;65536:{65536};", 0);
	check_framing(
	    FRAMING_BLOCKS, "{65535}\n\nb\n\n", "65536:{65535}\n;2:b\n;", 0);
	check_framing(FRAMING_BLOCKS, "{65536}\n\nb\n\n", "2:b\n;", 1);
	check_framing(FRAMING_BLOCKS, "{65537}", "", 1);
	check_framing(
	    FRAMING_BLOCKS, "{9}\n{65537}\n\r\n\na\n\n{70000}", "2:a\n;", 2);
}

static void
test_events_of_esl(void **state RT_UNUSED)
{
	check_framing(FRAMING_ESL, "Content-Type: auth/request\n\n",
	    "28:Content-Type: auth/request\n\n;", 0);
	check_framing(FRAMING_ESL, "Content-Length: 5\n\na\n\nb\nX: y\n\n",
	    "24:Content-Length: 5\n\na\n\nb\n;6:X: y\n\n;", 0);
	check_framing(FRAMING_ESL,
	    "A: b\ncontent-length:3\r\n\r\nabc\n\nC: d\n\n",
	    "28:A: b\ncontent-length:3\r\n\r\nabc;6:C: d\n\n;", 0);
	/* half of one is not passed over in silence, but half a body is left
	 * out
	 */
	check_framing(FRAMING_ESL, "Content-Length: 5\n\nabcd",
	    "19:Content-Length: 5\n\n;", 0);
	check_framing(FRAMING_ESL, "A: b\n\nhalf", "6:A: b\n\n;4:half;", 0);
	/* 19 bytes of header, 65,517 of body: just as much as may be */
	check_framing(FRAMING_ESL, "Content-Length: 65513\n\n{65513}a\n\n",
	    "65536:Content-Length: 65513\n\n{65513};3:a\n\n;", 0);
	check_framing(FRAMING_ESL, "Content-Length: 65514\n\n{65514}a\n\n",
	    "3:a\n\n;", 1);
	check_framing(FRAMING_ESL, "Content-Length: 200000\n\n{200000}a\n\n",
	    "3:a\n\n;", 1);
	check_framing(FRAMING_ESL, "A: {70000}\nContent-Length: 3\n\na\n\n",
	    "3:a\n\n;", 1);
}

static void
test_counts_of_ill_will(void **state RT_UNUSED)
{
	check_framing(FRAMING_ESL, "Content-Length: -5\n\na\n\n",
	    "20:Content-Length: -5\n\n;3:a\n\n;", 0);
	check_framing(FRAMING_ESL, "Content-Length: \n\na\n\n",
	    "18:Content-Length: \n\n;3:a\n\n;", 0);
	check_framing(FRAMING_ESL,
	    "Content-Length: 18446744073709551615\n\na\n\n", "", 1);
	check_framing(FRAMING_ESL,
	    "Content-Length: 99999999999999999999999999\n\n{999}", "", 1);
	check_framing(FRAMING_ESL, "X-Content-Length: 9\n\na\n\n",
	    "21:X-Content-Length: 9\n\n;3:a\n\n;", 0);
	check_framing(
	    FRAMING_SYSLOG, "99999999 abc\nd\n", "12:99999999 abc;1:d;", 0);
	check_framing(FRAMING_SYSLOG, "9999999 abc\nd\n", "", 1);
	check_framing(FRAMING_SYSLOG, "0 abc\n", "5:0 abc;", 0);
	check_framing(FRAMING_SYSLOG, "-1 abc\n", "6:-1 abc;", 0);
	check_framing(FRAMING_SYSLOG, "18446744073709551616 a\n",
	    "22:18446744073709551616 a;", 0);
}

static void
test_frames_of_syslog(void **state RT_UNUSED)
{
	check_framing(FRAMING_SYSLOG, "<1>a\n<2>b\r\n", "4:<1>a;4:<2>b;", 0);
	check_framing(FRAMING_SYSLOG, "4 <1>a4 <2>b6 <3>c\nd",
	    "4:<1>a;4:<2>b;6:<3>c\nd;", 0);
	/* each frame tells by itself which kind it is */
	check_framing(FRAMING_SYSLOG, "<1>a\n5 <2>bc<3>d\n4 <4>e",
	    "4:<1>a;5:<2>bc;4:<3>d;4:<4>e;", 0);
	check_framing(FRAMING_SYSLOG, "<1>{70000}\n4 <2>b", "4:<2>b;", 1);
	check_framing(FRAMING_SYSLOG, "70000 {70000}4 <2>b", "4:<2>b;", 1);
	check_framing(
	    FRAMING_SYSLOG, "65536 {65536}<2>b\n", "65536:{65536};4:<2>b;", 0);
	check_framing(FRAMING_SYSLOG, "12\n34x\n", "2:12;3:34x;", 0);
	check_framing(FRAMING_SYSLOG, "@@4 <1>a@<2>b\n@4 <3>c@",
	    "4:<1>a;4:<2>b;4:<3>c;", 0);
	/* ended by a NUL, by all that some write, and by a NUL when too long */
	check_framing(FRAMING_SYSLOG, "<1>a@<2>b@4 <3>c<4>d@",
	    "4:<1>a;4:<2>b;4:<3>c;4:<4>d;", 0);
	check_framing(FRAMING_SYSLOG, "<1>a@\n<2>b\r\n@\n<3>c\r@",
	    "4:<1>a;4:<2>b;4:<3>c;", 0);
	check_framing(FRAMING_SYSLOG, "<1>{70000}@4 <2>b", "4:<2>b;", 1);
	/* cut off */
	check_framing(FRAMING_SYSLOG, "9 <1>a", "4:<1>a;", 0);
	check_framing(FRAMING_SYSLOG, "9 ", "", 0);
	check_framing(FRAMING_SYSLOG, "12", "2:12;", 0);
	check_framing(FRAMING_SYSLOG, "<1>a", "4:<1>a;", 0);
}

static void
test_documents(void **state RT_UNUSED)
{
	check_framing(FRAMING_DOCUMENT, "", "", 0);
	check_framing(
	    FRAMING_DOCUMENT, "<a>\n\n</a>\n", "10:<a>\n\n</a>\n;", 0);
	check_framing(FRAMING_DOCUMENT, "{65536}", "65536:{65536};", 0);
	check_framing(FRAMING_DOCUMENT, "{65537}", "", 1);
}

/* All of it at once, and then cut in every way. */
static void
check_every_cut(enum framing framing, const char *text, size_t step)
{
	struct reader whole = {.framer = {.framing = framing},
	    .held = STRBUF_INIT,
	    .records = STRBUF_INIT};
	struct strbuf bytes = STRBUF_INIT;
	size_t cut, again;

	expand(text, &bytes);
	reader_offer(&whole, bytes.p, bytes.n, true);
	if (step == 1) {
		for (cut = 1; cut <= bytes.n; cut++)
			for (again = 1; again <= bytes.n; again++)
				check_pieces(&bytes, &whole, cut, again, false);
	} else { /* long ones: where something ends, in large steps */
		for (cut = 1; cut < bytes.n; cut++)
			if (bytes.p[cut] != 'x' || bytes.p[cut - 1] != 'x' ||
			    cut % step < 3)
				check_pieces(&bytes, &whole, cut, step, false);
	}
	reader_fini(&whole);
	strbuf_fini(&bytes);
}

static void
test_every_cut(void **state RT_UNUSED)
{
	check_every_cut(FRAMING_BLOCKS,
	    "\r\n\na: 1\r\nb: 2\r\n\r\n\r\r\nc\r\r\n\n\nd\re\n\nrest\r\n\r", 1);
	check_every_cut(FRAMING_ESL,
	    "\nA: b\r\n\r\nContent-Length: 4\n\n\n\nabX: \ny\n\nhalf\n", 1);
	check_every_cut(FRAMING_SYSLOG,
	    "<1>a\r\n5 <2>bc\n12\n<3>d\n4 <4>e007 f\n1234567 x", 1);
	check_every_cut(FRAMING_SYSLOG, "@<1>a\n@@6 <2>b@c@\n@7 half", 1);
	check_every_cut(FRAMING_SYSLOG, "<1>a@<2>b\r@\n4 <3>c<4>d@<5>", 1);
	check_every_cut(FRAMING_DOCUMENT, "<a>\n\n<b/>\r\n</a>", 1);
}

static void
cut_long_ones(size_t step)
{
	check_every_cut(FRAMING_BLOCKS,
	    "a\n\n{65535}\n\r\nb\n\n{65535}\n\n{65537}\r\n\r\nc\n\n{10}\n{"
	    "65530}\r"
	    "\r\n\nd\n{65600}",
	    step);
	check_every_cut(FRAMING_ESL,
	    "a\n\n{65600}\nb: c\r\n\r\nd\n\nContent-Length: "
	    "70000\n\n{70000}e\n\n"
	    "Content-Length: 65513\n\n{65513}f\n\n",
	    step);
	check_every_cut(FRAMING_SYSLOG,
	    "<1>{65600}\n4 <2>b70000 {70000}<3>{65533}@65536 {65536}<4>c\n"
	    "<5>{65534}\n4 <6>d",
	    step);
	check_every_cut(FRAMING_DOCUMENT, "{65536}", step);
	check_every_cut(FRAMING_DOCUMENT, "{200000}", step);
}

static void
test_every_cut_of_long_ones(void **state RT_UNUSED)
{
	static const size_t steps[] = {
	    30000, STAGE_RECORD_MAX - 1, STAGE_RECORD_MAX, 65537, 65538};
	size_t i;

	for (i = 0; i < RT_COUNT(steps); i++)
		cut_long_ones(steps[i]);
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
	    cmocka_unit_test(test_blocks),
	    cmocka_unit_test(test_events_of_esl),
	    cmocka_unit_test(test_frames_of_syslog),
	    cmocka_unit_test(test_counts_of_ill_will),
	    cmocka_unit_test(test_documents),
	    cmocka_unit_test(test_every_cut),
	    cmocka_unit_test(test_every_cut_of_long_ones),
	    cmocka_unit_test(test_split_of_long_lines),
	    cmocka_unit_test(test_started_while_skipping),
	    cmocka_unit_test(test_last_while_skipping),
	    cmocka_unit_test(test_last_with_nothing_left_while_skipping),
	};

	return cmocka_run_group_tests_name("framer", tests, NULL, NULL);
}
