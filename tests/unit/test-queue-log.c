/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of queue_log and the events that they make: one sample for each event
 * and each layout of its parameters, and for each way in which names shift the
 * fields. With ../shared/samples beside the checkout, the lines there too.
 */
#include "base/base.h"
#include "base/strbuf.h"
#include "format/formats.h"
#include <setjmp.h>
#include <cmocka.h>

/* The events of one line, told in words. */
struct told {
	struct sink sink;
	struct strbuf text;
	unsigned events;
};

static void
told_slice(struct strbuf *to, const char *name, struct slice s)
{
	if (s.n > 0)
		strbuf_addf(to, " %s=%.*s", name, SLICE_FMT(s));
}

static void
told_ms(struct strbuf *to, const char *name, int64_t ms)
{
	if (ms != EVENT_UNKNOWN_MS)
		strbuf_addf(to, " %s=%" PRId64, name, ms);
}

static void
told_event(struct sink *sink, struct event *ev)
{
	struct told *told = (struct told *)sink;
	struct strbuf *to = &told->text;

	if (told->events++ > 0)
		strbuf_adds(to, "; ");
	strbuf_adds(to, event_kind_name(ev->kind));
	if (ev->outcome != OUTCOME_NONE)
		strbuf_addf(to, "/%s", outcome_name(ev->outcome));
	strbuf_addf(to, " %" PRId64, ev->time_us / 1000000);
	if (ev->time_us % 1000000 != 0)
		strbuf_addf(to, ".%06" PRId64, ev->time_us % 1000000);
	told_slice(to, "call", ev->call);
	told_slice(to, "queue", ev->queue);
	told_slice(to, "agent", ev->agent);
	told_slice(to, "caller", ev->caller);
	told_slice(to, "text", ev->text);
	told_ms(to, "wait", ev->wait_ms);
	told_ms(to, "ring", ev->ring_ms);
	told_ms(to, "talk", ev->talk_ms);
	told_ms(to, "session", ev->session_ms);
	if ((ev->flags & EVENT_TRANSFERRED) != 0)
		strbuf_adds(to, " transferred");
	if ((ev->flags & EVENT_UNKNOWN_NAME) != 0)
		told_slice(to, "unknown", ev->name);
}

static void *
format_open(void)
{
	const struct stage_setup setup = {.feed = "test"};
	struct err err;
	void *self;

	assert_int_equal(asterisk_queue_log_stage.open(&self, &setup, &err), 0);
	return self;
}

static int
told_line(void *self, struct slice line, struct told *told, const char **why)
{
	*told = (struct told){{told_event}, STRBUF_INIT, 0};
	return asterisk_queue_log_stage.input(self, line, &told->sink, why);
}

struct sample {
	const char *line, *events; /* "!": refused, and why */
};

static void
check_samples(const struct sample *sample, size_t n)
{
	void *self = format_open();

	for (; n > 0; n--, sample++) {
		const char *why = NULL;
		struct told told;
		int got = told_line(self, slice_of(sample->line), &told, &why);

		if (sample->events[0] == '!') {
			assert_int_equal(got, -1);
			assert_int_equal(told.events, 0);
			assert_string_equal(why, sample->events + 1);
		} else {
			assert_string_equal(
			    strbuf_str(&told.text), sample->events);
			assert_int_equal(got, 0);
		}
		strbuf_fini(&told.text);
	}
	asterisk_queue_log_stage.close(self, "done");
}

#define CHECK(samples) check_samples(samples, RT_COUNT(samples))

/* formats.md 1.3 and 1.4: every event, in the layout of every version. */
static void
test_callers(void **state)
{
	static const struct sample samples[] = {
	    {"1596512941|1596512941.163|support|NONE|ENTERQUEUE||7000|1",
		"enter 1596512941 call=1596512941.163 queue=support "
		"caller=7000"},
	    {"1|c.1|q|NONE|ENTERQUEUE|http://x/|020|2|Jo Doe",
		"enter 1 call=c.1 queue=q caller=020"},
	    {"1|c.1|q|NONE|ENTERQUEUE||020",
		"enter 1 call=c.1 queue=q caller=020"},
	    {"1|c.1|q|NONE|ENTERQUEUE|||1", "enter 1 call=c.1 queue=q"},
	    {"1|c.1|q|NONE|ENTERQUEUE", "enter 1 call=c.1 queue=q"},
	    {"1.5|c.1|q|NONE|ENTERQUEUE|", "!no time stamp"},
	    {"1596512941.5|c.1|q|NONE|ENTERQUEUE|",
		"enter 1596512941.500000 call=c.1 queue=q"},
	    {"20|1266833905.2|9000|Local/2004@from-internal/n|CONNECT|1|"
	     "1266833911.7",
		"connect 20 call=1266833905.2 queue=9000 "
		"agent=Local/2004@from-internal/n wait=1000"},
	    {"20|c.1|q|Jo|CONNECT|8",
		"connect 20 call=c.1 queue=q agent=Jo "
		"wait=8000"},
	    {"20|c.1|q|Jo|CONNECT|8|c.2|3",
		"connect 20 call=c.1 queue=q agent=Jo wait=8000 ring=3000"},
	    {"20|c.1|q|Jo|CONNECT|-3|c.2|3",
		"connect 20 call=c.1 queue=q agent=Jo wait=0 ring=3000"},
	    {"20|c.1|q|Jo|COMPLETEAGENT|8|60|1",
		"complete 20 call=c.1 queue=q agent=Jo wait=8000 talk=60000"},
	    {"20|c.1|q|Jo|COMPLETECALLER|8|60",
		"complete 20 call=c.1 queue=q agent=Jo wait=8000 talk=60000"},
	    {"20|c.1|q|Jo|TRANSFER|8500|inbound",
		"complete 20 call=c.1 queue=q agent=Jo text=8500 transferred"},
	    {"20|c.1|q|Jo|TRANSFER|8500|inbound|7|6|2",
		"complete 20 call=c.1 queue=q agent=Jo text=8500 wait=7000 "
		"talk=6000 transferred"},
	    {"20|c.1|q|Jo|BLINDTRANSFER|8500|inbound|7|6|2",
		"complete 20 call=c.1 queue=q agent=Jo text=8500 wait=7000 "
		"talk=6000 transferred"},
	    {"1760000000|pbx1-1759999990.12|700|Alice|ATTENDEDTRANSFER|LINK|"
	     "PJSIP/a-01|PJSIP/b-02|9|41|1",
		"complete 1760000000 call=pbx1-1759999990.12 queue=700 "
		"agent=Alice text=PJSIP/a-01 wait=9000 talk=41000 "
		"transferred"},
	    {"20|c.1|q|Jo|ATTENDEDTRANSFER|BRIDGE|39f9|2|13|8",
		"complete 20 call=c.1 queue=q agent=Jo text=39f9 wait=2000 "
		"talk=13000 transferred"},
	    {"20|c.1|q|Jo|ATTENDEDTRANSFER|APP|VoiceMail|4|20|1",
		"complete 20 call=c.1 queue=q agent=Jo text=VoiceMail "
		"wait=4000 talk=20000 transferred"},
	};

	(void)state;
	CHECK(samples);
}

static void
test_leaving(void **state)
{
	static const struct sample samples[] = {
	    {"1596513009|1596512941.163|support|NONE|ABANDON|1|1|68",
		"leave/abandoned 1596513009 call=1596512941.163 "
		"queue=support wait=68000"},
	    {"9|c.1|q|Jo|ABANDON|1|1|7",
		"leave/abandoned 9 call=c.1 queue=q agent=Jo wait=7000"},
	    {"9|c.1|q|NONE|EXITWITHTIMEOUT|1|2|30",
		"leave/timed_out 9 call=c.1 queue=q wait=30000"},
	    {"9|c.1|q|NONE|EXITWITHTIMEOUT|1",
		"leave/timed_out 9 call=c.1 queue=q"},
	    {"1760000100|1760000050.40|700|NONE|EXITWITHKEY|1|2|3|48",
		"leave/exited_key 1760000100 call=1760000050.40 queue=700 "
		"text=1 wait=48000"},
	    {"9|c.1|q|NONE|EXITWITHKEY|#|2",
		"leave/exited_key 9 call=c.1 queue=q text=#"},
	    {"9|c.1|q|NONE|EXITEMPTY|1|2|31",
		"leave/exited_empty 9 call=c.1 queue=q wait=31000"},
	    {"9|c.1|q|NONE|WITHDRAW|1|2|33|by hand",
		"leave/withdrawn 9 call=c.1 queue=q wait=33000"},
	    {"9|c.1|q|NONE|SYSCOMPAT|", "leave/abandoned 9 call=c.1 queue=q"},
	    {"9|c.1|q|NONE|FULL|", "refuse/refused 9 call=c.1 queue=q"},
	    {"9|c.1|q|NONE|CLOSED|", "refuse/refused 9 call=c.1 queue=q"},
	    {"9|c.1|q|NONE|JOINEMPTY|", "refuse/refused 9 call=c.1 queue=q"},
	    {"9|c.1|q|NONE|DIVERT_CA_RATIO|",
		"refuse/refused 9 call=c.1 queue=q"},
	    {"9|c.1|q|NONE|DIVERT_HOLDTIME|",
		"refuse/refused 9 call=c.1 queue=q"},
	    {"9|c.1|q|NONE|LEAVEEMPTY|",
		"leave/exited_empty 9 call=c.1 queue=q"},
	    {"60|1266833925.10|9000|Local/2002@from-internal/n|RINGNOANSWER|"
	     "2000",
		"ring_no_answer 60 call=1266833925.10 queue=9000 "
		"agent=Local/2002@from-internal/n ring=2000"},
	    {"1760000200|1760000190.44|700|Frolova K.|RINGCANCELED|1837",
		"ring_canceled 1760000200 call=1760000190.44 queue=700 "
		"agent=Frolova K. ring=1837"},
	    {"9|c.1|q|Jo|AGENTDUMP|", "agent_dump 9 call=c.1 queue=q agent=Jo"},
	};

	(void)state;
	CHECK(samples);
}

static void
test_agents_and_switch(void **state)
{
	static const struct sample samples[] = {
	    {"1596510480|CLI|sales|SIP/0004f2040001|ADDMEMBER|",
		"login 1596510480 queue=sales agent=SIP/0004f2040001"},
	    {"9|MANAGER|sales|Jo|ADDMEMBER|PAUSED",
		"login 9 queue=sales agent=Jo; pause 9 queue=sales agent=Jo"},
	    {"9|REALTIME|sales|Jo|REMOVEMEMBER|",
		"logoff 9 queue=sales agent=Jo"},
	    {"9|NONE|sales|Jo|PAUSE|lunch|or so",
		"pause 9 queue=sales agent=Jo text=lunch|or so"},
	    {"9|NONE|sales|Jo|UNPAUSE|", "unpause 9 queue=sales agent=Jo"},
	    {"9|NONE|sales|Jo|UNPAUSE|Auto-Unpause",
		"unpause 9 queue=sales agent=Jo"},
	    {"9|NONE|NONE|Jo|PAUSEALL|tea", "pause 9 agent=Jo text=tea"},
	    {"9|NONE|NONE|Jo|UNPAUSEALL|", "unpause 9 agent=Jo"},
	    {"9|a.1|NONE|2001|AGENTLOGIN|SIP/2001",
		"login 9 call=a.1 agent=2001"},
	    {"9|a.1|NONE|2001|AGENTLOGOFF|SIP/2001|600",
		"logoff 9 call=a.1 agent=2001 session=600000"},
	    {"9|a.1|NONE|Agent/7|AGENTCALLBACKLOGIN|207@default",
		"login 9 call=a.1 agent=Agent/7"},
	    {"9|NONE|NONE|Agent/7|AGENTCALLBACKLOGOFF|207@default|60|"
	     "Autologoff",
		"logoff 9 agent=Agent/7 session=60000"},
	    {"9|NONE|NONE|Agent/7|AGENTCALLBACKLOGOFF|||",
		"logoff 9 agent=Agent/7"},
	    {"9|NONE|q|Agent/7|WRAPUPSTART|30",
		"wrap_up 9 queue=q agent=Agent/7 session=30000"},
	    {"1596272294|NONE|NONE|NONE|QUEUESTART|",
		"switch_start 1596272294"},
	    {"9|NONE|NONE|NONE|QUEUESTART", "switch_start 9"},
	    {"1760000300|NONE|NONE|NONE|CONFIGRELOAD|", "note 1760000300"},
	    {"9|NONE|sales|Jo|PENALTY|3", "note 9 queue=sales agent=Jo"},
	    {"9|NONE|sales|Jo|RINGINUSE|0", "note 9 queue=sales agent=Jo"},
	    {"9|c.1|sales|Jo|OUTCALL|ANSWER|20|x",
		"note 9 call=c.1 queue=sales agent=Jo"},
	    {"9|c.1|sales|NONE|DID|020", "note 9 call=c.1 queue=sales"},
	    {"9|c.1|sales|Jo|DISPOSITION|sale",
		"note 9 call=c.1 queue=sales agent=Jo unknown=DISPOSITION"},
	    {"9|NONE|sales||NOTE|seen", "note 9 queue=sales unknown=NOTE"},
	};

	(void)state;
	CHECK(samples);
}

/* asterisk/README.md: nothing is escaped. */
static void
test_shifted_fields(void **state)
{
	static const struct sample samples[] = {
	    {"9|c.1|my queue.x|Jan|Piet|CONNECT|0|c.2|0",
		"connect 9 call=c.1 queue=my queue.x agent=Jan|Piet wait=0 "
		"ring=0"},
	    {"9|c.1|my queue.x|Jan|Piet|COMPLETEAGENT|0|2|1",
		"complete 9 call=c.1 queue=my queue.x agent=Jan|Piet wait=0 "
		"talk=2000"},
	    {"9|c.1|in|out|NONE|ABANDON|1|1|5",
		"leave/abandoned 9 call=c.1 queue=in|out wait=5000"},
	    {"9|c.1|q|NONE|ENTERQUEUE|http://u/?a=1|b=2|020|99|1|1",
		"enter 9 call=c.1 queue=q"},
	    {"9|c.1|q|Jo|CALL_NOTE|ABANDON|by hand",
		"note 9 call=c.1 queue=q agent=Jo unknown=CALL_NOTE"},
	};

	(void)state;
	CHECK(samples);
}

static void
test_nonsense(void **state)
{
	static const struct sample samples[] = {
	    {"", "!fewer than five fields"},
	    {"hello", "!fewer than five fields"},
	    {"1|a|b|c", "!fewer than five fields"},
	    {"|||||", "!no time stamp"},
	    {"yesterday|c.1|q|NONE|ABANDON|1|1|5", "!no time stamp"},
	    {"-1|c.1|q|NONE|ABANDON|1|1|5", "!no time stamp"},
	    {"253402300800|c.1|q|NONE|ABANDON|1|1|5", "!no time stamp"},
	    {"9|c.1|q|NONE||1|1|5", "!no event"},
	    {"9|c.1|q|NONE|ABANDON|one|1|5",
		"!parameters that do not fit the event"},
	    {"9|c.1|q|Jo|CONNECT|999999999999",
		"!parameters that do not fit the event"},
	};

	(void)state;
	CHECK(samples);
}

/* Behind a hole of NULs; names with NULs in them are whole. */
static void
test_nuls(void **state)
{
	void *self = format_open();
	const char *why = NULL;
	struct told told;

	(void)state;
	assert_int_equal(told_line(self,
			     SLICE("\0\0\0"
				   "9|c.1|q|NONE|SYSCOMPAT|"),
			     &told, &why),
	    0);
	assert_string_equal(
	    strbuf_str(&told.text), "leave/abandoned 9 call=c.1 queue=q");
	strbuf_fini(&told.text);
	assert_int_equal(told_line(self, SLICE("\0\0\0"), &told, &why), -1);
	assert_string_equal(why, "fewer than five fields");
	asterisk_queue_log_stage.close(self, "done");
}

/* Every line of a file makes one event at least, of a known name. */
static void
check_file(const char *path, int lines)
{
	FILE *file = fopen(path, "r");
	void *self = format_open();
	char *text = NULL;
	size_t size = 0;
	ssize_t n;

	assert_non_null(file);
	while ((n = getline(&text, &size, file)) > 0) {
		const char *why = NULL;
		struct told told;

		n -= text[n - 1] == '\n';
		assert_int_equal(
		    told_line(
			self, (struct slice){text, (size_t)n}, &told, &why),
		    0);
		assert_true(told.events >= 1);
		assert_null(strstr(strbuf_str(&told.text), "unknown="));
		strbuf_fini(&told.text);
		lines--;
	}
	assert_int_equal(lines, 0);
	free(text);
	fclose(file);
	asterisk_queue_log_stage.close(self, "done");
}

static void
test_public_samples(void **state)
{
	static const struct {
		const char *name;
		int lines;
	} files[] = {{"public_tail_2020.txt", 10},
	    {"asterisk14_2010_times_altered.txt", 16}};
	const char *top = getenv("top_srcdir");
	char path[PATH_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < RT_COUNT(files); i++) {
		snprintf(path, sizeof(path),
		    "%s/../shared/samples/queue_log/%s",
		    top != NULL ? top : ".", files[i].name);
		if (access(path, R_OK) != 0) {
			print_message("# skipped: no ../shared/samples here\n");
			return;
		}
		check_file(path, files[i].lines);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_callers),
	    cmocka_unit_test(test_leaving),
	    cmocka_unit_test(test_agents_and_switch),
	    cmocka_unit_test(test_shifted_fields),
	    cmocka_unit_test(test_nonsense),
	    cmocka_unit_test(test_nuls),
	    cmocka_unit_test(test_public_samples),
	};

	return cmocka_run_group_tests_name("queue-log", tests, NULL, NULL);
}
