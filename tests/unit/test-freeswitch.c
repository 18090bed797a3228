/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What samples can not show of FreeSWITCH's formats: what is said on the event
 * socket, what is remembered over a restart, and by what a record is known
 * when it is sent again.
 */
#include "base/base.h"
#include <setjmp.h>
#include <cmocka.h>

#include "base/strbuf.h"
#include "format/formats.h"
#include "format/freeswitch_esl.h"

#define EVENT_OF(body) \
	"Content-Type: text/event-plain\nContent-Length: 1\n\n" body
#define ANSWER(body) "Content-Type: api/response\n\n" body
#define REPLY(text)  "Content-Type: command/reply\nReply-Text: " text "\n\n"
#define GREETING     "Content-Type: auth/request\n\n"

/* --- the dialogue --------------------------------------------------------- */

struct talk {
	struct dialogue d;
	void *self;
	struct strbuf said;
	bool ready, refused, by_operator;
	char why[100];
};

static void
talk_send(struct dialogue *d, const char *bytes, size_t n)
{
	strbuf_add(&((struct talk *)d)->said, bytes, n);
}

static void
talk_ready(struct dialogue *d)
{
	((struct talk *)d)->ready = true;
}

static void
talk_refuse(struct dialogue *d, const char *why, bool by_operator)
{
	struct talk *t = (struct talk *)d;

	t->refused = true;
	t->by_operator = by_operator;
	snprintf(t->why, sizeof(t->why), "%s", why);
}

static void
talk_init(struct talk *t, const struct esl_options *options, const char *user,
    const char *secret)
{
	*t = (struct talk){.d = {.feed = "test",
			       .user = user,
			       .secret = secret,
			       .options = options,
			       .send = talk_send,
			       .ready = talk_ready,
			       .refuse = talk_refuse}};
	t->self = esl_dialogue.start(&t->d);
}

static void
talk_fini(struct talk *t)
{
	esl_dialogue.end(t->self);
	strbuf_fini(&t->said);
}

static bool
talk_hear(struct talk *t, const char *record)
{
	return esl_dialogue.hear(t->self, slice_of(record));
}

/* All that was said since the last time. */
static void
talk_said(struct talk *t, const char *what)
{
	assert_string_equal(strbuf_str(&t->said), what);
	strbuf_reset(&t->said);
}

static void
talk_refused(struct talk *t, const char *why, bool by_operator)
{
	assert_true(t->refused);
	assert_int_equal(t->by_operator, by_operator);
	assert_non_null(strstr(t->why, why));
	talk_fini(t);
}

static void
test_login_and_questions(void **state RT_UNUSED)
{
	struct esl_options options = {.picture = true};
	struct talk t;

	talk_init(&t, &options, "", "ClueCon");
	talk_said(&t, "");
	assert_false(talk_hear(&t, GREETING));
	talk_said(&t, "auth ClueCon\n\n");
	assert_false(talk_hear(&t, REPLY("+OK accepted")));
	/* every word behind CUSTOM is a subclass */
	talk_said(
	    &t, "event plain HEARTBEAT CUSTOM callcenter::info fifo::info\n\n");
	assert_false(t.ready);
	assert_false(talk_hear(&t, REPLY("+OK event listener enabled plain")));
	assert_true(t.ready);
	talk_said(&t, "api callcenter_config queue list\n\n");
	/* events come at any time, and are data */
	assert_true(talk_hear(&t, EVENT_OF("Event-Name: HEARTBEAT\n\n")));
	assert_true(talk_hear(
	    &t, ANSWER("name|strategy\na@x|ring-all\nb@x|top-down\n+OK\n")));
	talk_said(&t, "api callcenter_config queue list members a@x\n\n");
	assert_true(talk_hear(&t, ANSWER("+OK\n")));
	talk_said(&t, "api callcenter_config queue list agents a@x\n\n");
	assert_true(talk_hear(&t, ANSWER("+OK\n")));
	talk_said(&t, "api callcenter_config queue list members b@x\n\n");
	assert_true(talk_hear(&t, ANSWER("+OK\n")));
	talk_said(&t, "api callcenter_config queue list agents b@x\n\n");
	assert_true(talk_hear(&t, ANSWER("+OK\n")));
	talk_said(&t, "");
	talk_fini(&t);
}

static void
test_options_and_users(void **state RT_UNUSED)
{
	struct esl_options options = {.encoding = ESL_JSON, .hangups = true};
	struct talk t;

	talk_init(&t, &options, "stats@pbx", "secret");
	talk_hear(&t, GREETING);
	talk_said(&t, "userauth stats@pbx:secret\n\n");
	talk_hear(&t, REPLY("+OK accepted"));
	talk_said(&t,
	    "event json HEARTBEAT CHANNEL_HANGUP_COMPLETE "
	    "CUSTOM callcenter::info fifo::info\n\n");
	talk_hear(&t, REPLY("+OK event listener enabled json"));
	assert_true(t.ready);
	talk_said(&t, ""); /* no picture is asked for */
	talk_fini(&t);
}

static void
test_refusals(void **state RT_UNUSED)
{
	struct talk t;

	talk_init(&t, NULL, "", "wrong");
	talk_hear(&t, GREETING);
	talk_hear(&t, REPLY("-ERR invalid"));
	assert_false(t.ready);
	talk_refused(&t, "wrong password", true);
	talk_init(&t, NULL, "", "");
	talk_hear(&t, GREETING);
	talk_said(&t, "");
	talk_refused(&t, "secret_file", true);
	talk_init(&t, NULL, "", "x\n\nexit");
	talk_hear(&t, GREETING);
	talk_said(&t, "");
	talk_refused(&t, "line end", true);
	talk_init(&t, NULL, "", "ClueCon");
	talk_hear(&t,
	    "Content-Type: text/rude-rejection\nContent-Length: 24\n\n"
	    "Access Denied, go away.\n");
	talk_refused(&t, "access list", true);
	talk_init(&t, NULL, "", "ClueCon");
	talk_hear(&t, "Asterisk Call Manager/9.0.0\n\n");
	talk_refused(&t, "no event socket", true);
	talk_init(&t, NULL, "", "ClueCon");
	talk_hear(&t, GREETING);
	talk_hear(&t, REPLY("+OK accepted"));
	talk_hear(&t,
	    "Content-Type: text/disconnect-notice\nContent-Length: 3\n\nbye");
	talk_refused(&t, "ends the connection", false);
}

/* A switch without mod_callcenter, and queues whose names can not be said. */
static void
test_no_picture(void **state RT_UNUSED)
{
	static const char *const answers[] = {
	    ANSWER("-ERR callcenter_config Command not found!\n"),
	    ANSWER("name|strategy\ntwo words|ring-all\n+OK\n"), ANSWER("")};
	struct talk t;
	size_t i;

	for (i = 0; i < RT_COUNT(answers); i++) {
		talk_init(&t, NULL, "", "ClueCon");
		talk_hear(&t, GREETING);
		talk_hear(&t, REPLY("+OK accepted"));
		talk_hear(&t, REPLY("+OK event listener enabled plain"));
		strbuf_reset(&t.said);
		assert_false(talk_hear(&t, answers[i]));
		talk_said(&t, "");
		assert_false(t.refused);
		assert_true(
		    talk_hear(&t, EVENT_OF("Event-Name: HEARTBEAT\n\n")));
		talk_fini(&t);
	}
}

static void
test_silence(void **state RT_UNUSED)
{
	struct esl_options options = {.picture = false};
	struct talk t;

	talk_init(&t, &options, "", "ClueCon");
	talk_hear(&t, GREETING);
	esl_dialogue.silence(t.self);
	talk_refused(&t, "no answer", false);
	talk_init(&t, &options, "", "ClueCon");
	talk_hear(&t, GREETING);
	talk_hear(&t, REPLY("+OK accepted"));
	talk_hear(&t, REPLY("+OK event listener enabled plain"));
	strbuf_reset(&t.said);
	esl_dialogue.silence(t.self);
	talk_said(&t, "api uptime\n\n");
	/* the answer is no part of a picture */
	assert_false(talk_hear(&t, ANSWER("3600\n")));
	esl_dialogue.silence(t.self);
	talk_said(&t, "api uptime\n\n");
	assert_false(t.refused);
	esl_dialogue.silence(t.self);
	talk_refused(&t, "does not answer any more", false);
}

/* --- what is remembered --------------------------------------------------- */

struct heard {
	struct sink sink;
	struct strbuf kinds;
	int64_t wait_ms;
};

static void
heard_event(struct sink *sink, struct event *ev)
{
	struct heard *h = (struct heard *)sink;

	strbuf_addf(&h->kinds, "%s ", event_kind_name(ev->kind));
	h->wait_ms = ev->wait_ms;
}

static void *
reader_new(void)
{
	struct stage_setup setup = {.feed = "test"};
	void *self;

	assert_int_equal(freeswitch_esl_stage.open(&self, &setup, NULL), 0);
	return self;
}

static void
reader_hear(void *self, struct heard *h, const char *record)
{
	struct record r = RECORD_OF(slice_of(record));
	const char *why;

	assert_int_equal(
	    freeswitch_esl_stage.input(self, &r, &h->sink, &why), 0);
}

#define CC(rest)                                                 \
	"Event-Name: CUSTOM\nEvent-Subclass: callcenter::info\n" \
	"Event-Date-Timestamp: 1760000000000000\n" rest
#define RESUMED                               \
	CC("Core-UUID: c1\nCC-Queue: q\n"     \
	   "CC-Action: member-queue-resume\n" \
	   "CC-Member-Session-UUID: s\n")
#define ANSWERED                                 \
	CC("Core-UUID: c1\nCC-Queue: q\n"        \
	   "CC-Action: bridge-agent-start\n"     \
	   "CC-Member-Session-UUID: s\n"         \
	   "CC-Member-Joined-Time: 1759990000\n" \
	   "CC-Agent-Answered-Time: 1760000000\n")
#define IDLE(state)                                                        \
	CC("Core-UUID: c1\nCC-Action: agent-state-change\nCC-Agent: a b\n" \
	   "CC-Agent-State: " state "\n")
#define BEAT(core)                                \
	"Event-Name: HEARTBEAT\nCore-UUID: " core \
	"\nEvent-Date-Timestamp: 1760000001000000\n"

static void
test_memory_survives(void **state RT_UNUSED)
{
	struct heard h = {.sink = {heard_event, NULL}};
	struct strbuf saved = STRBUF_INIT;
	void *self = reader_new();

	freeswitch_esl_stage.save(self, &saved);
	assert_int_equal(saved.n, 0); /* nothing yet */
	reader_hear(self, &h, RESUMED);
	reader_hear(self, &h, IDLE("Idle"));
	freeswitch_esl_stage.save(self, &saved);
	assert_string_equal(strbuf_str(&saved), "core c1\nr 1 s\ni 3 a b\n");
	freeswitch_esl_stage.close(self, "test");
	self = reader_new();
	assert_int_equal(
	    freeswitch_esl_stage.load(self, (struct slice){saved.p, saved.n}),
	    0);
	strbuf_reset(&h.kinds);
	reader_hear(self, &h, ANSWERED);
	assert_int_equal(h.wait_ms, EVENT_UNKNOWN_MS);
	reader_hear(self, &h, IDLE("Waiting"));
	reader_hear(self, &h, BEAT("c2")); /* and so on with another core */
	assert_string_equal(
	    strbuf_str(&h.kinds), "connect unpause switch_start note ");
	freeswitch_esl_stage.close(self, "test");
	strbuf_fini(&saved);
	strbuf_fini(&h.kinds);
}

static void
test_memory_is_checked(void **state RT_UNUSED)
{
	static const char *const broken[] = {"x", "core\n", "core c1\nr",
	    "core c1\nr 5 s\n", "core c1\nr -1 s\n", "core c1\nx 1 s\n",
	    "core c1\nr 1 s", "core c1\nr 1  \nr",
	    ("core cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
	     "cccccc\n")};
	struct strbuf saved = STRBUF_INIT;
	void *self = reader_new();
	size_t i;

	for (i = 0; i < RT_COUNT(broken); i++) {
		assert_int_equal(
		    freeswitch_esl_stage.load(self, slice_of(broken[i])), -1);
		freeswitch_esl_stage.save(self, &saved);
		assert_int_equal(saved.n, 0);
	}
	freeswitch_esl_stage.close(self, "test");
	strbuf_fini(&saved);
}

/* More agents, and longer names, than there is room for. */
static void
test_memory_is_bounded(void **state RT_UNUSED)
{
	struct heard h = {.sink = {heard_event, NULL}};
	struct strbuf saved = STRBUF_INIT, idle = STRBUF_INIT;
	void *self = reader_new();
	int i;

	for (i = 0; i < 5000; i++) {
		strbuf_reset(&idle);
		strbuf_addf(&idle,
		    CC("CC-Action: agent-state-change\nCC-Agent-State: Idle\n"
		       "CC-Agent: %0255d\n"),
		    i);
		reader_hear(self, &h, strbuf_str(&idle));
	}
	freeswitch_esl_stage.save(self, &saved);
	assert_in_range(saved.n, STAGE_STATE_MAX / 2, STAGE_STATE_MAX);
	assert_int_equal(
	    freeswitch_esl_stage.load(self, (struct slice){saved.p, saved.n}),
	    0);
	freeswitch_esl_stage.close(self, "test");
	strbuf_fini(&saved);
	strbuf_fini(&idle);
	strbuf_fini(&h.kinds);
}

/* Heartbeats without the answers that are due: the picture is given up. */
static void
test_picture_given_up(void **state RT_UNUSED)
{
	struct heard h = {.sink = {heard_event, NULL}};
	void *self = reader_new();
	int i;

	reader_hear(self, &h, BEAT("c1"));
	reader_hear(self, &h, ANSWER("name|strategy\nq|x\n+OK\n"));
	for (i = 0; i < 6; i++)
		reader_hear(self, &h, BEAT("c1"));
	strbuf_reset(&h.kinds);
	reader_hear(self, &h, ANSWER("+OK\n"));
	reader_hear(self, &h, ANSWER("+OK\n"));
	assert_string_equal(strbuf_str(&h.kinds), "");
	/* and a new one begins anew */
	reader_hear(self, &h, ANSWER("name|strategy\nq|x\n+OK\n"));
	reader_hear(self, &h, ANSWER("+OK\n"));
	reader_hear(self, &h, ANSWER("+OK\n"));
	assert_string_equal(strbuf_str(&h.kinds), "picture picture_end ");
	freeswitch_esl_stage.close(self, "test");
	strbuf_fini(&h.kinds);
}

/* A picture tells nothing of mod_fifo: where that is used, there is none. */
static void
test_no_picture_with_fifo(void **state RT_UNUSED)
{
	struct heard h = {.sink = {heard_event, NULL}};
	struct strbuf saved = STRBUF_INIT;
	void *self = reader_new();

	reader_hear(self, &h,
	    "Event-Name: CUSTOM\nEvent-Subclass: fifo::info\nCore-UUID: c1\n"
	    "Event-Date-Timestamp: 1760000000000000\nFIFO-Name: park\n"
	    "FIFO-Action: push\nUnique-ID: s\n");
	freeswitch_esl_stage.save(self, &saved);
	freeswitch_esl_stage.close(self, "test");
	self = reader_new();
	assert_int_equal(
	    freeswitch_esl_stage.load(self, (struct slice){saved.p, saved.n}),
	    0);
	reader_hear(self, &h, ANSWER("name|strategy\nq|x\n+OK\n"));
	reader_hear(self, &h, ANSWER("+OK\n"));
	reader_hear(self, &h, ANSWER("+OK\n"));
	assert_string_equal(strbuf_str(&h.kinds), "enter ");
	freeswitch_esl_stage.close(self, "test");
	strbuf_fini(&saved);
	strbuf_fini(&h.kinds);
}

/* --- what is the same record ---------------------------------------------- */

static void
check_key(const char *body, const char *want)
{
	struct record r = RECORD_OF(slice_of(body));
	struct stage_setup setup = {.feed = "test"};
	struct slice key = {"", 0};
	void *self;

	assert_int_equal(freeswitch_cdr_stage.open(&self, &setup, NULL), 0);
	assert_int_equal(
	    freeswitch_cdr_stage.key(self, &r, &key), want != NULL);
	if (want != NULL) {
		assert_int_equal(key.n, strlen(want));
		assert_memory_equal(key.p, want, key.n);
	}
	freeswitch_cdr_stage.close(self, "test");
}

static void
test_keys(void **state RT_UNUSED)
{
	check_key("{\"variables\":{\"uuid\":\"u1\",\"cc_member_uuid\":\"m1\"}}",
	    "u1/m1");
	check_key("<cdr><variables><uuid>u1</uuid></variables></cdr>", "u1/");
	check_key(
	    "cdr=%7B%22variables%22%3A%7B%22uuid%22%3A%22u1%22%7D%7D", "u1/");
	check_key("{}", NULL);
	check_key("{", NULL);
	check_key("\"a\",\"b\"\n", NULL);
}

/* Own columns of mod_cdr_csv: with those of a queue it is a leg like any. */
static void
test_columns(void **state RT_UNUSED)
{
	static const char *const names[] = {"uuid", "caller_id_number",
	    "cc_side", "cc_queue", "cc_queue_joined_epoch",
	    "cc_queue_canceled_epoch", "cc_cause", "cc_cancel_reason",
	    "end_epoch"};
	struct {
		char **columns;
		char *contact_variable;
	} options = {NULL, NULL};
	struct stage_setup setup = {.feed = "test", .options = &options};
	struct record r = RECORD_OF(SLICE(
	    "\"u1\",\"201\",\"member\",\"q\",\"1760000000\",\"1760000009\","
	    "\"cancel\",\"BREAK_OUT\",\"1760000010\"\n"
	    "\"u2\",\"\",\"\",\"\",\"\",\"\",\"\",\"\",\"1760000010\"\r\n"));
	struct heard h = {.sink = {heard_event, NULL}};
	struct err err;
	const char *why;
	void *self;

	assert_int_equal(option_set_texts(freeswitch_cdr_stage.options,
			     &options, names, RT_COUNT(names), &err),
	    0);
	assert_int_equal(freeswitch_cdr_stage.open(&self, &setup, NULL), 0);
	assert_int_equal(
	    freeswitch_cdr_stage.input(self, &r, &h.sink, &why), 0);
	assert_string_equal(strbuf_str(&h.kinds), "summary note ");
	freeswitch_cdr_stage.close(self, "test");
	option_free(freeswitch_cdr_stage.options, NULL, &options);
	strbuf_fini(&h.kinds);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_login_and_questions),
	    cmocka_unit_test(test_options_and_users),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_no_picture),
	    cmocka_unit_test(test_silence),
	    cmocka_unit_test(test_memory_survives),
	    cmocka_unit_test(test_memory_is_checked),
	    cmocka_unit_test(test_memory_is_bounded),
	    cmocka_unit_test(test_picture_given_up),
	    cmocka_unit_test(test_no_picture_with_fifo),
	    cmocka_unit_test(test_keys),
	    cmocka_unit_test(test_columns),
	};

	return cmocka_run_group_tests_name("freeswitch", tests, NULL, NULL);
}
