/* SPDX-License-Identifier: BSD-2-Clause */
/* What senders and relays write around a line, and what is left of it. */
#include "base/base.h"

#include <setjmp.h>
#include <cmocka.h>

#include "event/syslog.h"

#define TEN_UTC INT64_C(1787306400000000) /* 2026-08-21T10:00:00Z */

struct frame {
	const char *text;
	const char *message; /* NULL: refused, with `why` */
	const char *why;
	int64_t time_us;
};

#define STAMPED(text, message, us)      \
	{                               \
		text, message, NULL, us \
	}
#define TAKEN(text, message) STAMPED(text, message, 0)
#define REFUSED(text, why)         \
	{                          \
		text, NULL, why, 0 \
	}

static void
check_frames(const struct frame *frames, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const struct frame *f = &frames[i];
		struct record record = RECORD_OF(slice_of(f->text));
		const char *why = NULL;
		int rc = syslog_unwrap(&record, &why);

		if (f->message == NULL) {
			if (rc == 0)
				fail_msg("taken: %s", f->text);
			assert_string_equal(why, f->why);
			continue;
		}
		if (rc < 0)
			fail_msg("refused, %s: %s", why, f->text);
		if (!slice_eq(record.bytes, slice_of(f->message)))
			fail_msg("%s\ngives: %.*s", f->text,
			    SLICE_FMT(record.bytes));
		if (record.received_us != f->time_us)
			fail_msg(
			    "%s\nat %" PRId64, f->text, record.received_us);
	}
}

static void
test_syslog_rfc_5424(void **state RT_UNUSED)
{
	static const struct frame frames[] = {
	    /* the RFC's own examples, 6.5 */
	    STAMPED("<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - "
		    "ID47 "
		    "- \xef\xbb\xbf'su root' failed for lonvick on /dev/pts/8",
		"'su root' failed for lonvick on /dev/pts/8",
		INT64_C(1065910455003000)),
	    STAMPED("<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc "
		    "8710 - "
		    "- %% It's time to make the do-nuts.",
		"%% It's time to make the do-nuts.", INT64_C(1061727255000003)),
	    STAMPED(
		"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com "
		"evntslog - "
		"ID47 [exampleSDID@32473 iut=\"3\" eventSource=\"Application\" "
		"eventID=\"1011\"] \xef\xbb\xbf"
		"An application event log entry...",
		"An application event log entry...", INT64_C(1065910455003000)),
	    STAMPED("<165>1 2003-10-11T22:14:15.003Z mymachine.example.com "
		    "evntslog - "
		    "ID47 [exampleSDID@32473 iut=\"3\"][examplePriority@32473 "
		    "class=\"high\"]",
		"", INT64_C(1065910455003000)),
	    /* brackets and quotes in a value; a bracket in the message */
	    TAKEN("<13>1 - h a p m [x@1 k=\"a\\\"]b\\\\\"] [1] two", "[1] two"),
	    TAKEN("<13>1 - h a p m - {\"event\":\"login\"}",
		"{\"event\":\"login\"}"),
	    TAKEN("<13>1 - h a p m -", ""),
	    TAKEN("<13>1 - h a p m - ", ""),
	    /* a blank of the message's own stays */
	    TAKEN("<13>1 - h a p m -  two", " two"),
	    /* as rsyslog writes it to a file without the priority */
	    STAMPED("1 2026-08-21T10:00:00Z h a p m - line", "line", TEN_UTC),
	    REFUSED("<13>1 - h a p m [x@1 k=\"]",
		"a syslog frame with broken structured data"),
	    REFUSED("<13>1 - h a p m [x@1]line",
		"a syslog frame with broken structured data"),
	    REFUSED("<13>1 - h a p m line",
		"a syslog frame with broken structured data"),
	    REFUSED("<13>1 - h a p", "a syslog frame whose header is cut off"),
	    REFUSED("<13>1 -", "a syslog frame whose header is cut off"),
	    REFUSED("<13>1 - h  p m - line",
		"a syslog frame with an empty header field"),
	};

	check_frames(frames, RT_COUNT(frames));
}

static void
test_syslog_rfc_3164(void **state RT_UNUSED)
{
	static const struct frame frames[] = {
	    TAKEN("<34>Oct 11 22:14:15 mymachine su: 'su root' failed",
		"'su root' failed"),
	    TAKEN(
		"<13>Feb  5 17:32:18 10.0.0.99 crm[42]: 1|c.1|q|NONE|ABANDON|1",
		"1|c.1|q|NONE|ABANDON|1"),
	    TAKEN(
		"<13>Feb  5 17:32:18 fe80::1 crm[42]: {\"a\":1}", "{\"a\":1}"),
	    TAKEN("<13>Feb 5 17:32:18 host postfix/smtpd[7]: x y", "x y"),
	    /* no host, as glibc's syslog(3) sends it */
	    TAKEN("<13>Aug 21 10:00:00 crm[42]: {\"a\":1}", "{\"a\":1}"),
	    TAKEN("<13>Aug 21 10:00:00 crm: {\"a\":1}", "{\"a\":1}"),
	    /* neither host nor tag; no tag */
	    TAKEN("<13>Aug 21 10:00:00 {\"a\": \"b c\"}", "{\"a\": \"b c\"}"),
	    TAKEN("<13>Aug 21 10:00:00 host {\"a\": \"b: c\"}",
		"{\"a\": \"b: c\"}"),
	    TAKEN(
		"<13>Aug 21 10:00:00 host 1787306400|c.1|a queue|Jo|CONNECT|2",
		"1787306400|c.1|a queue|Jo|CONNECT|2"),
	    TAKEN("<13>Aug 21 10:00:00 1787306400|c.1|a queue|Jo|CONNECT|2",
		"1787306400|c.1|a queue|Jo|CONNECT|2"),
	    TAKEN("<13>Aug 21 10:00:00 2026/08/21 10:00:00,00:00:20,3,020,I",
		"2026/08/21 10:00:00,00:00:20,3,020,I"),
	    TAKEN("<13>Aug 21 10:00:00 \"\",\"020\",\"s q\"",
		"\"\",\"020\",\"s q\""),
	    /* a year, a fraction, a colon, as routers write */
	    TAKEN("<189>Aug 21 2026 10:00:00 host crm: x", "x"),
	    TAKEN("<189>Aug 21 2026 10:00:00.123: crm: x", "x"),
	    /* no time at all */
	    TAKEN("<13>{\"a\": 1}", "{\"a\": 1}"),
	    TAKEN("<13>crm: {\"a\": 1}", "{\"a\": 1}"),
	    TAKEN("<13>1787306400|c.1|q|Jo|CONNECT|2",
		"1787306400|c.1|q|Jo|CONNECT|2"),
	    /* a stamp of RFC 3339 in its place; and with year and zone */
	    STAMPED("<13>2026-08-21T10:00:00Z host crm[4]: x", "x", TEN_UTC),
	    /* files of rsyslog: no priority, the time in both forms */
	    STAMPED("2026-08-21T11:00:00.5+01:00 host crm[4]: x: y", "x: y",
		TEN_UTC + 500000),
	    TAKEN("Aug 21 10:00:00 host crm[4]: x", "x"),
	    /* what the relay escaped is left alone */
	    TAKEN("Aug 21 10:00:00 host crm[4]: a#012b#000", "a#012b#000"),
	    TAKEN("Aug 21 10:00:00 host crm[4]:", ""),
	    TAKEN("Aug 21 10:00:00 host crm[4]: ", ""),
	    TAKEN("<13>Aug 21 10:00:00 host crm[4]: x\r\n", "x"),
	    TAKEN("<13>", ""),
	};

	check_frames(frames, RT_COUNT(frames));
}

static void
test_syslog_no_frame(void **state RT_UNUSED)
{
	static const struct frame frames[] = {
	    REFUSED("{\"event\":\"login\"}", "no syslog frame"),
	    REFUSED("1787306400|c.1|q|NONE|ABANDON|1", "no syslog frame"),
	    REFUSED("<192>Aug 21 10:00:00 h a: x", "no syslog frame"),
	    REFUSED("<>Aug 21 10:00:00 h a: x", "no syslog frame"),
	    REFUSED("<1234>Aug 21 10:00:00 h a: x", "no syslog frame"),
	    REFUSED("<13", "no syslog frame"),
	    REFUSED("<", "no syslog frame"),
	    REFUSED("Aug 21", "no syslog frame"),
	    REFUSED("Aug 21 10:00", "no syslog frame"),
	    REFUSED("Aug 21 10:00:0", "no syslog frame"),
	    REFUSED("Aug 21 10:00:00x", "no syslog frame"),
	    REFUSED("Foo 21 10:00:00 h a: x", "no syslog frame"),
	    REFUSED("2026-08-21 10:00:00 h a: x", "no syslog frame"),
	    REFUSED(" <13>Aug 21 10:00:00 h a: x", "no syslog frame"),
	};

	check_frames(frames, RT_COUNT(frames));
}

/* A NUL as some senders end a frame with; and the transport's own stamp. */
static void
test_syslog_keeps_receipt(void **state RT_UNUSED)
{
	static const char text[] = "<13>1 2026-08-21T10:00:00Z h a p m - x\n";
	struct record record = {
	    .bytes = {text, sizeof(text)}, .received_us = TEN_UTC + 7};
	const char *why;

	assert_int_equal(syslog_unwrap(&record, &why), 0);
	assert_true(slice_eq(record.bytes, SLICE("x")));
	assert_int_equal(record.received_us, TEN_UTC + 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_syslog_rfc_5424),
	    cmocka_unit_test(test_syslog_rfc_3164),
	    cmocka_unit_test(test_syslog_no_frame),
	    cmocka_unit_test(test_syslog_keeps_receipt),
	};

	return cmocka_run_group_tests_name("syslog", tests, NULL, NULL);
}
