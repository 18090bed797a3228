/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The format asterisk-ami beyond what its samples show: time that passes,
 * connections that are made and lost, what is remembered over a restart, and
 * what it says to a peer on a wire in memory.
 */
#include "base/base.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/md5.h"
#include "base/strbuf.h"
#include "base/utc.h"
#include "event/event.h"
#include "format/asterisk_ami.h"
#include "format/formats.h"

/* --- a format, and what it tells ------------------------------------------ */

struct listener {
	struct sink sink;
	void *format;
	struct strbuf told; /* since last compared */
	int64_t us;	    /* when the next record is received */
};

static void
listener_event(struct sink *sink, struct event *ev)
{
	struct strbuf *to = &((struct listener *)sink)->told;

	strbuf_adds(to, event_kind_name(ev->kind));
	if (ev->outcome != OUTCOME_NONE)
		strbuf_addf(to, "/%s", outcome_name(ev->outcome));
	strbuf_addf(to, " %" PRId64, ev->time_us / USEC_PER_SEC);
	if (ev->call.n > 0)
		strbuf_addf(to, " %.*s", SLICE_FMT(ev->call));
	if (ev->queue.n > 0)
		strbuf_addf(to, " %.*s", SLICE_FMT(ev->queue));
	if (ev->agent.n > 0)
		strbuf_addf(to, " %.*s", SLICE_FMT(ev->agent));
	if ((ev->flags & EVENT_PRESENT) != 0)
		strbuf_addf(to, " present");
	if (ev->begin_us != 0)
		strbuf_addf(to, " since=%" PRId64, ev->begin_us / USEC_PER_SEC);
	if ((ev->flags & EVENT_UNSURE) != 0)
		strbuf_adds(to, " unsure");
	strbuf_adds(to, "; ");
}

static void
listener_init(struct listener *l)
{
	struct stage_setup setup = {.feed = "test"};

	*l = (struct listener){
	    .sink = {listener_event, NULL}, .us = 1000 * USEC_PER_SEC};
	assert_int_equal(asterisk_ami_stage.open(&l->format, &setup, NULL), 0);
}

static void
listener_fini(struct listener *l)
{
	asterisk_ami_stage.close(l->format, "test");
	strbuf_fini(&l->told);
}

static int
listener_record(struct listener *l, enum record_kind kind, const char *text)
{
	struct record record = {.bytes = slice_of(text),
	    .received_us = l->us,
	    .source = 1,
	    .kind = (uint8_t)kind};
	const char *why = NULL;

	return asterisk_ami_stage.input(l->format, &record, &l->sink, &why);
}

static void
listener_hears(struct listener *l, const char *text)
{
	assert_int_equal(listener_record(l, RECORD_DATA, text), 0);
}

/* "Event: NAME" with these headers, each "Key: value;". */
static void
listener_event_of(struct listener *l, const char *name, const char *headers)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text, "Event: %s\r\nPrivilege: agent,all\r\n", name);
	for (; *headers != '\0'; headers++)
		if (*headers == ';')
			strbuf_adds(&text, "\r\n");
		else
			strbuf_addc(&text, *headers);
	listener_hears(l, strbuf_str(&text));
	strbuf_fini(&text);
}

static void
listener_pass(struct listener *l, int64_t ms)
{
	l->us += ms * USEC_PER_MSEC;
}

static void
listener_told(struct listener *l, const char *want)
{
	assert_string_equal(strbuf_str(&l->told), want);
	strbuf_reset(&l->told);
}

static void
listener_restart(struct listener *l)
{
	struct strbuf state = STRBUF_INIT, again = STRBUF_INIT;
	struct listener next;

	asterisk_ami_stage.save(l->format, &state);
	listener_init(&next);
	assert_int_equal(asterisk_ami_stage.load(
			     next.format, (struct slice){state.p, state.n}),
	    0);
	asterisk_ami_stage.save(next.format, &again);
	assert_int_equal(again.n, state.n);
	assert_memory_equal(again.p, state.p, state.n);
	asterisk_ami_stage.close(l->format, "restart");
	l->format = next.format;
	strbuf_fini(&state);
	strbuf_fini(&again);
}

#define CALLER(n) "Uniqueid: c." n ";Queue: q;"
#define MEMBER	  "MemberName: Jo;Interface: SIP/1;"

/* --- callers, and time ---------------------------------------------------- */

static void
test_ami_a_leave_alone_is_a_key_after_a_second(void **state RT_UNUSED)
{
	struct listener l;

	listener_init(&l);
	listener_event_of(&l, "QueueCallerJoin", CALLER("1"));
	listener_pass(&l, 5000);
	listener_event_of(&l, "QueueCallerLeave", CALLER("1"));
	listener_told(&l, "enter 1000 c.1 q; ");
	listener_pass(&l, 999);
	listener_event_of(&l, "Newstate", "");
	listener_told(&l, "");
	listener_restart(&l);
	listener_pass(&l, 1);
	listener_hears(&l, "Response: Success\r\nPing: Pong");
	listener_told(&l, "leave/exited_key 1005 c.1 q; ");
	listener_fini(&l);
}

static void
test_ami_a_routine_before_the_answer(void **state RT_UNUSED)
{
	struct listener l;

	listener_init(&l);
	listener_event_of(&l, "QueueCallerJoin", CALLER("1"));
	listener_event_of(&l, "DialEnd", CALLER("1") "DialStatus: ANSWER;");
	listener_event_of(&l, "QueueCallerLeave", CALLER("1"));
	listener_pass(&l, 20000);
	listener_event_of(&l, "Newstate", "");
	listener_event_of(&l, "AgentConnect", CALLER("1") MEMBER);
	listener_told(&l, "enter 1000 c.1 q; connect 1020 c.1 q Jo; ");
	listener_fini(&l);
}

static void
listener_abandon(struct listener *l, const char *request, const char *after)
{
	listener_event_of(l, "QueueCallerJoin", CALLER("1"));
	listener_pass(l, 5000);
	if (request != NULL)
		listener_event_of(l, request, "Uniqueid: c.1;");
	listener_event_of(l, "QueueCallerAbandon", CALLER("1") "HoldTime: 5;");
	listener_event_of(l, "QueueCallerLeave", CALLER("1"));
	if (after != NULL)
		listener_event_of(l, "VarSet", after);
	listener_event_of(l, "Hangup", "Uniqueid: c.1;");
}

static void
test_ami_who_gave_up(void **state RT_UNUSED)
{
	struct listener l;

	listener_init(&l);
	/* nothing tells requests here: the end of the channel is all there is
	 */
	listener_abandon(&l, NULL, NULL);
	listener_told(
	    &l, "enter 1000 c.1 q; leave/abandoned 1005 c.1 q unsure; ");
	listener_abandon(&l, "HangupRequest", NULL);
	listener_told(&l, "enter 1005 c.1 q; leave/abandoned 1010 c.1 q; ");
	listener_abandon(&l, NULL, NULL);
	listener_told(
	    &l, "enter 1010 c.1 q; leave/timed_out 1015 c.1 q unsure; ");
	listener_abandon(&l, "SoftHangupRequest", NULL);
	listener_told(&l, "enter 1015 c.1 q; leave/abandoned 1020 c.1 q; ");
	listener_abandon(&l, NULL,
	    "Variable: QUEUESTATUS;Value: LEAVEUNAVAIL;Uniqueid: c.1;");
	listener_told(&l, "enter 1020 c.1 q; leave/exited_empty 1025 c.1 q; ");
	/* from now on it would say so, were it anything else */
	listener_abandon(&l, NULL, NULL);
	listener_told(&l, "enter 1025 c.1 q; leave/abandoned 1030 c.1 q; ");
	/* he hung up, but the queue had given up before */
	listener_abandon(&l, "HangupRequest",
	    "Variable: QUEUESTATUS;Value: TIMEOUT;Uniqueid: c.1;");
	listener_told(&l, "enter 1030 c.1 q; leave/timed_out 1035 c.1 q; ");
	listener_fini(&l);
}

static void
test_ami_old_versions_need_eventwhencalled(void **state RT_UNUSED)
{
	struct listener l;

	listener_init(&l);
	listener_event_of(&l, "Join", CALLER("1"));
	listener_event_of(&l, "Leave", CALLER("1"));
	listener_pass(&l, 2000);
	listener_event_of(&l, "Newstate", "");
	listener_told(&l, "enter 1000 c.1 q; "); /* answered, for all we know */
	listener_event_of(&l, "AgentCalled", "Queue: q;");
	listener_event_of(&l, "Join", CALLER("2"));
	listener_event_of(&l, "Leave", CALLER("2"));
	listener_pass(&l, 2000);
	listener_event_of(&l, "Newstate", "");
	listener_told(&l, "enter 1002 c.2 q; leave/exited_key 1002 c.2 q; ");
	listener_fini(&l);
}

/* Without the caller's id, and under another one. */
static void
test_ami_completions_without_a_caller(void **state RT_UNUSED)
{
	struct listener l;

	listener_init(&l);
	listener_event_of(
	    &l, "AgentConnect", CALLER("1") MEMBER "HoldTime: 3;");
	listener_event_of(&l, "AgentConnect",
	    CALLER("2") "MemberName: Al;Interface: SIP/2;HoldTime: 3;");
	listener_pass(&l, 7000);
	listener_event_of(
	    &l, "AgentConnect", CALLER("3") MEMBER "HoldTime: 3;");
	listener_told(&l,
	    "connect 1000 c.1 q Jo; connect 1000 c.2 q Al; "
	    "connect 1007 c.3 q Jo; ");
	listener_restart(&l);
	listener_pass(&l, 4000);
	listener_event_of(
	    &l, "AgentComplete", "Queue: q;" MEMBER "HoldTime: 3;TalkTime: 4;");
	listener_event_of(&l, "AgentComplete",
	    CALLER("99") MEMBER "HoldTime: 3;TalkTime: 11;");
	listener_told(&l, "complete 1011 c.3 q Jo; complete 1011 c.1 q Jo; ");
	/* no conversation is like that: told as it is */
	listener_event_of(
	    &l, "AgentComplete", "Queue: q;" MEMBER "HoldTime: 3;TalkTime: 4;");
	listener_event_of(&l, "AgentComplete",
	    CALLER("98") MEMBER "HoldTime: 9;TalkTime: 4;");
	listener_told(&l, "complete 1011 q Jo; complete 1011 c.98 q Jo; ");
	listener_fini(&l);
}

static void
test_ami_their_clock_and_ours(void **state RT_UNUSED)
{
	struct listener l;

	listener_init(&l);
	listener_hears(&l,
	    "Event: QueueCallerJoin\r\nPrivilege: agent,all\r\n"
	    "Timestamp: 5000.250000\r\nUniqueid: c.1\r\nQueue: q");
	listener_pass(&l, 3000);
	listener_event_of(&l, "QueueCallerJoin", CALLER("2"));
	/* what a sender calls Timestamp is none */
	listener_hears(&l,
	    "Event: UserEvent\r\nPrivilege: user,all\r\nUserEvent: x\r\n"
	    "Timestamp: 1.5");
	listener_told(&l, "enter 5000 c.1 q; enter 5003 c.2 q; note 5003; ");
	listener_fini(&l);
}

/* --- connections ---------------------------------------------------------- */

static void
test_ami_picture(void **state RT_UNUSED)
{
	struct listener l;

	listener_init(&l);
	listener_event_of(&l, "QueueCallerJoin", CALLER("gone"));
	listener_event_of(&l, "QueueCallerJoin", CALLER("stays"));
	listener_event_of(&l, "QueueCallerJoin", CALLER("answered"));
	listener_event_of(&l, "QueueMemberAdded", "Queue: q;" MEMBER);
	strbuf_reset(&l.told);
	listener_record(&l, RECORD_END, "closed");
	listener_pass(&l, 60000);
	listener_record(&l, RECORD_BEGIN, "127.0.0.1:5038");
	listener_told(&l, "");
	listener_event_of(&l, "QueueCallerJoin", CALLER("between"));
	listener_told(&l, "enter 1060 c.between q; ");
	listener_event_of(
	    &l, "QueueParams", "Queue: q;ActionID: ringtally-list;");
	listener_event_of(&l, "QueueMember",
	    "Queue: q;Name: Al;Location: SIP/2;Paused: 1;PausedReason: tea;");
	listener_event_of(&l, "QueueEntry", CALLER("stays") "Wait: 61;");
	listener_event_of(&l, "QueueEntry", CALLER("new") "Wait: 7;");
	listener_restart(&l);
	listener_event_of(&l, "QueueEntry", CALLER("between") "Wait: 0;");
	listener_event_of(&l, "QueueStatusComplete", "");
	listener_told(&l,
	    "picture 1060; login 1060 q Al present; "
	    "pause 1060 q Al present; "
	    "enter 1060 c.stays q present since=999; "
	    "enter 1060 c.new q present since=1053; "
	    "enter 1060 c.between q present since=1060; ");
	/* the list overtook these */
	listener_event_of(&l, "QueueCallerJoin", CALLER("new"));
	listener_event_of(&l, "QueueCallerLeave", CALLER("answered"));
	listener_event_of(&l, "AgentConnect", CALLER("answered") MEMBER);
	listener_told(&l, "connect 1060 c.answered q Jo; ");
	listener_hears(&l, "Response: Success\r\nPing: Pong");
	listener_told(&l, "picture_end 1060; ");
	/* the same again is somebody else's question, or a new arrival */
	listener_event_of(&l, "QueueEntry", CALLER("new") "Wait: 8;");
	listener_event_of(&l, "QueueStatusComplete", "");
	listener_hears(&l, "Response: Success\r\nPing: Pong");
	listener_told(&l, "");
	listener_fini(&l);
}

static void
test_ami_picture_ends_without_a_pong(void **state RT_UNUSED)
{
	struct listener l;

	listener_init(&l);
	listener_record(&l, RECORD_BEGIN, "peer");
	listener_event_of(&l, "QueueStatusComplete", "");
	listener_told(&l, "picture 1000; ");
	listener_pass(&l, 2000);
	listener_event_of(&l, "Newstate", "");
	listener_told(&l, "picture_end 1002; ");
	listener_fini(&l);
}

/* Who left just now is not in the list; the picture does not lose him. */
static void
test_ami_picture_settles_who_left(void **state RT_UNUSED)
{
	struct listener l;

	listener_init(&l);
	listener_record(&l, RECORD_BEGIN, "peer");
	listener_event_of(&l, "QueueCallerJoin", CALLER("1"));
	listener_event_of(&l, "QueueCallerJoin", CALLER("2"));
	listener_event_of(&l, "DialEnd", CALLER("2") "DialStatus: ANSWER;");
	listener_event_of(&l, "QueueParams", "Queue: q;");
	listener_event_of(&l, "QueueStatusComplete", "");
	listener_event_of(&l, "QueueCallerLeave", CALLER("1"));
	listener_event_of(&l, "QueueCallerLeave", CALLER("2"));
	listener_hears(&l, "Response: Success\r\nPing: Pong");
	listener_event_of(&l, "AgentConnect", CALLER("2") MEMBER);
	listener_told(&l,
	    "enter 1000 c.1 q; enter 1000 c.2 q; picture 1000; "
	    "leave/exited_key 1000 c.1 q; "
	    "enter 1000 c.2 q present since=1000; picture_end 1000; "
	    "connect 1000 c.2 q Jo; ");
	listener_fini(&l);
}

/* What a lost connection leaves open. */
static void
test_ami_connection_lost(void **state RT_UNUSED)
{
	struct listener l;

	listener_init(&l);
	listener_event_of(&l, "QueueCallerJoin", CALLER("1"));
	listener_event_of(&l, "QueueCallerJoin", CALLER("2"));
	listener_event_of(&l, "HangupRequest", "Uniqueid: c.2;");
	listener_event_of(&l, "QueueCallerLeave", CALLER("1"));
	listener_event_of(&l, "QueueCallerAbandon", CALLER("2"));
	strbuf_reset(&l.told);
	listener_record(&l, RECORD_END, "closed");
	/* of the other the answer may have been what we did not hear */
	listener_told(&l, "leave/abandoned 1000 c.2 q; ");
	listener_fini(&l);
}

static void
test_ami_restart_of_the_switch(void **state RT_UNUSED)
{
	struct listener l;

	listener_init(&l);
	listener_record(&l, RECORD_BEGIN, "peer");
	listener_event_of(&l, "FullyBooted", "Uptime: 500;");
	listener_record(&l, RECORD_END, "closed");
	listener_pass(&l, 60000);
	listener_record(&l, RECORD_BEGIN, "peer");
	listener_event_of(&l, "FullyBooted", "Uptime: 560;");
	listener_told(&l, ""); /* it was the network */
	/* whole seconds, of another reading: it is the same start */
	listener_record(&l, RECORD_END, "closed");
	listener_pass(&l, 50);
	listener_record(&l, RECORD_BEGIN, "peer");
	listener_event_of(&l, "FullyBooted", "Uptime: 559;");
	listener_told(&l, "");
	listener_record(&l, RECORD_END, "closed");
	listener_pass(&l, 60000);
	listener_record(&l, RECORD_BEGIN, "peer");
	listener_event_of(&l, "FullyBooted", "Uptime: 20;");
	listener_told(&l, "switch_start 1100; ");
	listener_fini(&l);
}

/* It has just been started, and the network fails at once. */
static void
test_ami_no_restart_of_a_young_switch(void **state RT_UNUSED)
{
	struct listener l;

	listener_init(&l);
	listener_record(&l, RECORD_BEGIN, "peer");
	listener_event_of(&l, "FullyBooted", "Uptime: 0;");
	listener_record(&l, RECORD_END, "closed");
	listener_pass(&l, 50);
	listener_record(&l, RECORD_BEGIN, "peer");
	listener_event_of(&l, "FullyBooted", "Uptime: 0;");
	listener_told(&l, "");
	listener_fini(&l);
}

/* --- members -------------------------------------------------------------- */

static void
test_ami_pauses_only_when_something_changed(void **state RT_UNUSED)
{
	struct listener l;

	listener_init(&l);
	listener_event_of(
	    &l, "QueueMemberAdded", "Queue: q;" MEMBER "Paused: 0;");
	listener_event_of(
	    &l, "QueueMemberPause", "Queue: q;" MEMBER "Paused: 0;");
	listener_event_of(&l, "QueueMemberPause",
	    "Queue: q;" MEMBER "Paused: 1;PausedReason: tea;");
	listener_restart(&l);
	listener_event_of(&l, "QueueMemberPause",
	    "Queue: q;" MEMBER "Paused: 1;PausedReason: tea;");
	listener_event_of(&l, "QueueMemberStatus",
	    "Queue: q;" MEMBER "Paused: 1;PausedReason: tea;");
	listener_told(&l, "login 1000 q Jo; pause 1000 q Jo; ");
	listener_event_of(&l, "QueueMemberPause",
	    "Queue: q;" MEMBER "Paused: 1;PausedReason: lunch;");
	listener_event_of(
	    &l, "QueueMemberPause", "Queue: q;" MEMBER "Paused: 0;");
	listener_event_of(&l, "QueueMemberRemoved", "Queue: q;" MEMBER);
	listener_told(
	    &l, "pause 1000 q Jo; unpause 1000 q Jo; logoff 1000 q Jo; ");
	/* of the configuration: nobody told that he is there */
	listener_event_of(
	    &l, "QueueMemberStatus", "Queue: q;" MEMBER "Paused: 0;");
	listener_event_of(
	    &l, "QueueMemberStatus", "Queue: q;" MEMBER "Paused: 1;");
	listener_told(&l, "login 1000 q Jo present; pause 1000 q Jo; ");
	listener_fini(&l);
}

/* --- what is remembered --------------------------------------------------- */

static void
test_ami_memory_is_bounded(void **state RT_UNUSED)
{
	struct strbuf text = STRBUF_INIT, saved = STRBUF_INIT;
	struct listener l;
	unsigned i;

	listener_init(&l);
	for (i = 0; i < 20000; i++) {
		strbuf_reset(&text);
		strbuf_addf(&text,
		    "Uniqueid: c.%u;Queue: a queue of %100u;MemberName: Jo;"
		    "Interface: SIP/%0200u;",
		    i, i, i);
		listener_event_of(&l, "QueueCallerJoin", strbuf_str(&text));
		listener_event_of(&l, "AgentConnect", strbuf_str(&text));
		listener_event_of(&l, "QueueMemberAdded", strbuf_str(&text));
		strbuf_reset(&l.told);
	}
	asterisk_ami_stage.save(l.format, &saved);
	assert_in_range(saved.n, STAGE_STATE_MAX / 2, STAGE_STATE_MAX);
	listener_restart(&l);
	/* the newest are known */
	listener_event_of(&l, "AgentComplete", strbuf_str(&text));
	assert_non_null(strstr(strbuf_str(&l.told), "c.19999 "));
	strbuf_fini(&text);
	strbuf_fini(&saved);
	listener_fini(&l);
}

static void
test_ami_load_refuses_nonsense(void **state RT_UNUSED)
{
	struct strbuf saved = STRBUF_INIT;
	struct listener l;
	size_t n;

	listener_init(&l);
	listener_event_of(&l, "QueueCallerJoin", CALLER("1"));
	listener_event_of(&l, "QueueMemberAdded", "Queue: q;" MEMBER);
	asterisk_ami_stage.save(l.format, &saved);
	for (n = 0; n < saved.n; n++)
		assert_int_equal(asterisk_ami_stage.load(
				     l.format, (struct slice){saved.p, n}),
		    -1);
	assert_int_equal(
	    asterisk_ami_stage.load(l.format, (struct slice){saved.p, saved.n}),
	    0);
	saved.p[0] = 2; /* a version to come */
	assert_int_equal(
	    asterisk_ami_stage.load(l.format, (struct slice){saved.p, saved.n}),
	    -1);
	strbuf_fini(&saved);
	listener_fini(&l);
}

/* --- the dialogue --------------------------------------------------------- */

struct wire {
	struct dialogue d; /* first */
	struct ami_options options;
	char mask[16];
	struct strbuf said, refused;
	bool ready, by_operator;
	void *self;
};

static void
wire_send(struct dialogue *d, const char *bytes, size_t n)
{
	struct wire *w = (struct wire *)d;

	strbuf_add(&w->said, bytes, n);
}

static void
wire_ready(struct dialogue *d)
{
	((struct wire *)d)->ready = true;
}

static void
wire_refuse(struct dialogue *d, const char *why, bool by_operator)
{
	struct wire *w = (struct wire *)d;

	strbuf_reset(&w->refused);
	strbuf_adds(&w->refused, why);
	w->by_operator = by_operator;
}

static void
wire_init(struct wire *w, enum ami_login login)
{
	*w = (struct wire){.d = {.feed = "test",
			       .user = "ringtally",
			       .secret = "s3cret",
			       .options = &w->options,
			       .send = wire_send,
			       .ready = wire_ready,
			       .refuse = wire_refuse},
	    .mask = "agent,call",
	    .options = {.event_mask = w->mask, .login = (int)login}};
	w->self = ami_dialogue.start(&w->d);
}

static void
wire_fini(struct wire *w)
{
	ami_dialogue.end(w->self);
	strbuf_fini(&w->said);
	strbuf_fini(&w->refused);
}

static void
wire_said(struct wire *w, const char *want)
{
	assert_string_equal(strbuf_str(&w->said), want);
	strbuf_reset(&w->said);
}

static bool
wire_hears(struct wire *w, const char *text)
{
	return ami_dialogue.hear(w->self, slice_of(text));
}

#define SAID_LIST                                                 \
	"Action: QueueStatus\r\nActionID: ringtally-list\r\n\r\n" \
	"Action: Ping\r\nActionID: ringtally-whole\r\n\r\n"

static void
test_ami_login_with_a_challenge(void **state RT_UNUSED)
{
	struct wire w;

	wire_init(&w, AMI_LOGIN_MD5);
	wire_said(&w,
	    "Action: Challenge\r\nActionID: ringtally-challenge\r\n"
	    "AuthType: MD5\r\n\r\n");
	assert_false(wire_hears(&w,
	    "Asterisk Call Manager/7.0.3\r\nResponse: Success\r\n"
	    "ActionID: ringtally-challenge\r\nChallenge: 145769581"));
	/* printf 145769581s3cret | md5sum */
	wire_said(&w,
	    "Action: Login\r\nActionID: ringtally-login\r\n"
	    "Username: ringtally\r\nAuthType: MD5\r\n"
	    "Key: c50a97454a3fc88d943bc8bb1d7d5e5d\r\n"
	    "Events: agent,call\r\n\r\n");
	assert_false(w.ready);
	assert_false(wire_hears(&w,
	    "Response: Success\r\nActionID: ringtally-login\r\n"
	    "Message: Authentication accepted"));
	assert_true(w.ready);
	wire_said(&w, SAID_LIST);
	assert_int_equal(w.refused.n, 0);
	wire_fini(&w);
}

static void
wire_login(struct wire *w)
{
	wire_init(w, AMI_LOGIN_PLAIN);
	wire_said(w,
	    "Action: Login\r\nActionID: ringtally-login\r\n"
	    "Username: ringtally\r\nSecret: s3cret\r\n"
	    "Events: agent,call\r\n\r\n");
	assert_false(wire_hears(w,
	    "Asterisk Call Manager/1.1\r\nResponse: Success\r\n"
	    "ActionID: ringtally-login\r\nMessage: Authentication accepted"));
	assert_true(w->ready);
	wire_said(w, SAID_LIST);
}

static void
test_ami_what_is_data(void **state RT_UNUSED)
{
	struct wire w;

	wire_login(&w);
	assert_true(wire_hears(&w, "Event: FullyBooted\r\nUptime: 9"));
	wire_said(&w, "");
	assert_false(wire_hears(&w,
	    "Response: Success\r\nActionID: ringtally-list\r\n"
	    "EventList: start\r\nMessage: Queue status will follow"));
	assert_true(wire_hears(
	    &w, "Event: QueueEntry\r\nActionID: ringtally-list\r\nQueue: q"));
	assert_true(wire_hears(
	    &w, "Event: QueueStatusComplete\r\nActionID: ringtally-list"));
	assert_true(wire_hears(&w,
	    "Response: Success\r\nActionID: ringtally-whole\r\nPing: Pong"));
	/* another client's: the one of who sent it is on it */
	assert_true(wire_hears(&w,
	    "Event: UserEvent\r\nUserEvent: x\r\nActionID: ringtally-login"));
	/* keys of any case, in any order */
	assert_true(wire_hears(&w, "privilege: call,all\r\nEVENT: Hangup"));
	/* answers to nobody */
	assert_false(wire_hears(&w, "Response: Error\r\nMessage: Missing"));
	assert_false(wire_hears(
	    &w, "Response: Error\r\nActionID: x\r\nMessage: Missing"));
	assert_int_equal(w.refused.n, 0);
	wire_said(&w, "");
	/* it was booting: its queues were not there yet */
	assert_true(wire_hears(&w, "Event: FullyBooted\r\nUptime: 9"));
	wire_said(&w, SAID_LIST);
	wire_fini(&w);
}

static void
test_ami_silence(void **state RT_UNUSED)
{
	struct wire w;

	wire_login(&w);
	ami_dialogue.silence(w.self);
	wire_said(&w, "Action: Ping\r\nActionID: ringtally-alive\r\n\r\n");
	assert_false(wire_hears(&w,
	    "Response: Success\r\nActionID: ringtally-alive\r\nPing: Pong"));
	ami_dialogue.silence(w.self);
	wire_said(&w, "Action: Ping\r\nActionID: ringtally-alive\r\n\r\n");
	assert_int_equal(w.refused.n, 0);
	ami_dialogue.silence(w.self);
	wire_said(&w, "");
	assert_string_equal(
	    strbuf_str(&w.refused), "Asterisk does not answer Ping");
	assert_false(w.by_operator);
	wire_fini(&w);
}

static void
test_ami_silence_at_the_login(void **state RT_UNUSED)
{
	struct wire w;

	wire_init(&w, AMI_LOGIN_MD5);
	ami_dialogue.silence(w.self);
	assert_string_equal(
	    strbuf_str(&w.refused), "Asterisk does not answer the login");
	assert_false(w.by_operator);
	wire_fini(&w);
}

static void
test_ami_refused(void **state RT_UNUSED)
{
	static const struct {
		const char *id, *message;
		bool logged_in, by_operator;
	} answers[] = {
	    {"login", "Authentication failed", false, true},
	    {"list", "Permission denied", true, true},
	    {"list", "Invalid/unknown command: QueueStatus.", true, false},
	};
	struct strbuf text = STRBUF_INIT;
	struct wire w;
	size_t i;

	for (i = 0; i < RT_COUNT(answers); i++) {
		if (answers[i].logged_in)
			wire_login(&w);
		else
			wire_init(&w, AMI_LOGIN_PLAIN);
		strbuf_reset(&text);
		strbuf_addf(&text,
		    "Response: Error\r\nActionID: ringtally-%s\r\nMessage: %s",
		    answers[i].id, answers[i].message);
		assert_false(wire_hears(&w, strbuf_str(&text)));
		assert_non_null(
		    strstr(strbuf_str(&w.refused), answers[i].message));
		assert_null(strstr(strbuf_str(&w.refused), "s3cret"));
		assert_int_equal(w.by_operator, answers[i].by_operator);
		wire_fini(&w);
	}
	wire_init(&w, AMI_LOGIN_MD5);
	assert_false(wire_hears(&w,
	    "Response: Error\r\nActionID: ringtally-challenge\r\n"
	    "Message: Must specify AuthType"));
	assert_true(w.by_operator);
	wire_fini(&w);
	strbuf_fini(&text);
}

/* A line end in the secret would be another header. */
static void
test_ami_no_headers_of_secrets(void **state RT_UNUSED)
{
	struct wire w;

	wire_init(&w, AMI_LOGIN_PLAIN);
	strbuf_reset(&w.said);
	ami_dialogue.end(w.self);
	w.d.secret = "a\nAction: Command";
	w.self = ami_dialogue.start(&w.d);
	assert_int_equal(w.said.n, 0);
	assert_true(w.by_operator);
	wire_fini(&w);
}

static void
test_md5(void **state RT_UNUSED)
{
	/* RFC 1321, A.5 */
	static const char *const suite[][2] = {
	    {"", "d41d8cd98f00b204e9800998ecf8427e"},
	    {"a", "0cc175b9c0f1b6a831c399e269772661"},
	    {"abc", "900150983cd24fb0d6963f7d28e17f72"},
	    {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
	    {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
		"d174ab98d277d9f5a5611c2c9f419d9f"},
	    {"1234567890123456789012345678901234567890123456789012345678901234"
	     "5678901234567890",
		"57edf4a22be3c955ac49da2e2107b67a"},
	};
	char hex[MD5_HEX_MAX];
	size_t i;

	for (i = 0; i < RT_COUNT(suite); i++) {
		struct slice whole = slice_of(suite[i][0]);
		struct slice parts[2] = {{whole.p, whole.n / 2},
		    {whole.p + whole.n / 2, whole.n - whole.n / 2}};

		md5_hex(hex, parts, 2);
		assert_string_equal(hex, suite[i][1]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ami_a_leave_alone_is_a_key_after_a_second),
	    cmocka_unit_test(test_ami_a_routine_before_the_answer),
	    cmocka_unit_test(test_ami_who_gave_up),
	    cmocka_unit_test(test_ami_old_versions_need_eventwhencalled),
	    cmocka_unit_test(test_ami_completions_without_a_caller),
	    cmocka_unit_test(test_ami_their_clock_and_ours),
	    cmocka_unit_test(test_ami_picture),
	    cmocka_unit_test(test_ami_picture_ends_without_a_pong),
	    cmocka_unit_test(test_ami_picture_settles_who_left),
	    cmocka_unit_test(test_ami_connection_lost),
	    cmocka_unit_test(test_ami_restart_of_the_switch),
	    cmocka_unit_test(test_ami_no_restart_of_a_young_switch),
	    cmocka_unit_test(test_ami_pauses_only_when_something_changed),
	    cmocka_unit_test(test_ami_memory_is_bounded),
	    cmocka_unit_test(test_ami_load_refuses_nonsense),
	    cmocka_unit_test(test_ami_login_with_a_challenge),
	    cmocka_unit_test(test_ami_what_is_data),
	    cmocka_unit_test(test_ami_silence),
	    cmocka_unit_test(test_ami_silence_at_the_login),
	    cmocka_unit_test(test_ami_refused),
	    cmocka_unit_test(test_ami_no_headers_of_secrets),
	    cmocka_unit_test(test_md5),
	};

	return cmocka_run_group_tests_name("ami", tests, NULL, NULL);
}
