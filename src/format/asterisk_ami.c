/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asterisk's manager interface (AMI), versions 1.1 to 13 (Asterisk 1.6 to 23):
 * blocks of lines "Key: value" about everything that happens on the switch.
 *
 * Facts: main/manager.c, apps/app_queue.c, apps/app_agent_pool.c of these
 * versions, and a recording of a real 22.10. Waits are whole seconds (what
 * queue_log says), event times microseconds where `timestampevents` is on, and
 * ours otherwise. The answer to QueueStatus, asked for when a connection was
 * made, is the picture of the present.
 *
 * What never appears: what happened while nobody was connected; a static
 * member that comes or goes with the configuration; RINGCANCELED.
 */
#include "base/base.h"
#include "event/stage.h"
#include "format/asterisk_ami.h"
#include "format/asterisk_ami_state.h"
#include "format/formats.h"

#define AMI_STATE_VERSION 1
/* What the list overtook has come by then, if the answer to Ping does not. */
#define AMI_LISTED_US (2 * USEC_PER_SEC)
/* So far apart two reckonings of when the switch was started may be. */
#define AMI_BOOTED_US (2 * USEC_PER_SEC)
/* 9999-12-31: what every consumer of a time stamp still understands. */
#define AMI_SECS_MAX INT64_C(253402300799)
/* A duration above this (over three years) is no duration. */
#define AMI_MS_MAX INT64_C(100000000000)

/* --- values --------------------------------------------------------------- */

/* Negative ones are told when the switch's clock was set back meanwhile: 0. */
int64_t
ami_ms(const struct ami *a, enum ami_key key, int64_t unit)
{
	struct slice s = ami_value(a, key);
	int64_t v;

	if (s.n > 1 && s.p[0] == '-' &&
	    slice_uint((struct slice){s.p + 1, s.n - 1}, &v))
		return 0;
	if (!slice_uint(s, &v) || v > AMI_MS_MAX / unit)
		return EVENT_UNKNOWN_MS;
	return v * unit;
}

RT_HOT bool
ami_parse_time(struct slice s, int64_t *time_us)
{
	int64_t sec, us = 0, unit = USEC_PER_SEC / 10;
	size_t i = 0;

	while (i < s.n && s.p[i] != '.')
		i++;
	if (!slice_uint((struct slice){s.p, i}, &sec) || sec > AMI_SECS_MAX)
		return false;
	for (i++; i < s.n; i++, unit /= 10) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		us += (s.p[i] - '0') * unit;
	}
	*time_us = sec * USEC_PER_SEC + us;
	return true;
}

/*
 * What time it is on the switch. A message without a time of its own happened
 * as long after the one before as it was received after it: their clock and
 * ours need not agree.
 */
static RT_HOT void
ami_clock(struct ami *a, const struct record *record, struct slice timestamp)
{
	int64_t since_us = record->received_us - a->heard_us;

	if (timestamp.n > 0 && ami_parse_time(timestamp, &a->now_us))
		a->heard_us = record->received_us;
	else if (record->received_us != 0 && a->heard_us != 0) {
		a->now_us += RT_MAX(since_us, 0);
		a->heard_us += RT_MAX(since_us, 0);
	} else if (record->received_us != 0)
		a->now_us = a->heard_us = record->received_us;
}

struct event *
ami_begin(struct ami *a, enum event_kind kind, struct slice name)
{
	struct event *ev = a->sink->room != NULL ? a->sink->room : &a->event;
	struct slice none = {"", 0};

	*ev = (struct event){.kind = kind,
	    .time_us = a->now_us,
	    .name = name,
	    .call = none,
	    .queue = ami_value(a, AMI_QUEUE),
	    .agent = none,
	    .caller = none,
	    .text = none,
	    .wait_ms = EVENT_UNKNOWN_MS,
	    .ring_ms = EVENT_UNKNOWN_MS,
	    .talk_ms = EVENT_UNKNOWN_MS,
	    .session_ms = EVENT_UNKNOWN_MS};
	return ev;
}

void
ami_emit(struct ami *a, struct event *ev)
{
	a->sink->event(a->sink, ev);
}

static void
ami_tell(struct ami *a, enum event_kind kind, struct slice name)
{
	struct event *ev = ami_begin(a, kind, name);

	ev->queue = (struct slice){"", 0};
	ami_emit(a, ev);
}

/* --- the picture ---------------------------------------------------------- */

static void
ami_picture_begin(struct ami *a)
{
	if (a->picture != AMI_PICTURE_WANTED)
		return;
	a->picture = AMI_PICTURE_OPEN;
	ami_tell(a, EVENT_PICTURE, SLICE("QueueStatus"));
}

static const char *
ami_params(struct ami *a)
{
	ami_picture_begin(a);
	return NULL;
}

static const char *
ami_list_member(struct ami *a)
{
	ami_picture_begin(a);
	return ami_member(a);
}

static const char *
ami_list_entry(struct ami *a)
{
	ami_picture_begin(a);
	return ami_entry(a);
}

/*
 * The list is written at once, messages about what happened before it wait
 * their turn: they come behind it, and before the answer to the next action,
 * which is a Ping of ours. The picture is whole only then.
 */
static const char *
ami_list_complete(struct ami *a)
{
	ami_picture_begin(a);
	if (a->picture == AMI_PICTURE_OPEN) {
		a->picture = AMI_PICTURE_LISTED;
		a->listed_us = a->now_us;
	}
	return NULL;
}

static void
ami_picture_end(struct ami *a)
{
	if (a->picture != AMI_PICTURE_LISTED)
		return;
	ami_calls_settle(a);
	ami_calls_forget(a);
	members_forget(&a->members);
	a->picture = AMI_PICTURE_NONE;
	ami_tell(a, EVENT_PICTURE_END, SLICE("QueueStatusComplete"));
}

static void
ami_picture_want(struct ami *a)
{
	ami_calls_doubt(a);
	members_doubt(&a->members);
	a->picture = AMI_PICTURE_WANTED;
}

/* --- the switch ----------------------------------------------------------- */

/*
 * Uptime stands there from Asterisk 16 on, in whole seconds. A switch that was
 * started after we lost it, and not when it had been before, was started again.
 */
static const char *
ami_fully_booted(struct ami *a)
{
	int64_t uptime_ms = ami_ms(a, AMI_UPTIME, 1000), booted_us;
	struct event *ev;

	if (uptime_ms == EVENT_UNKNOWN_MS || a->now_us == 0)
		return NULL;
	booted_us = a->now_us - uptime_ms * USEC_PER_MSEC;
	if (a->booted_us != 0 && a->broken_us != 0 &&
	    booted_us > a->booted_us + AMI_BOOTED_US &&
	    booted_us > a->broken_us) {
		ev = ami_begin(a, EVENT_SWITCH_START, SLICE("FullyBooted"));
		ev->time_us = booted_us;
		ami_emit(a, ev);
		stays_clear(&a->stays);
	}
	a->booted_us = booted_us;
	if (a->picture == AMI_PICTURE_NONE && a->connected)
		ami_picture_want(a);
	return NULL;
}

static const char *
ami_note(struct ami *a)
{
	struct event *ev = ami_begin(a, EVENT_NOTE, ami_value(a, AMI_EVENT));

	ev->call = ami_value(a, AMI_UNIQUEID);
	ev->agent = ami_value_of(a, AMI_MEMBER_NAME, AMI_INTERFACE);
	ami_emit(a, ev);
	return NULL;
}

/* By its own name, with all that its sender added as the text. */
static const char *
ami_user_event(struct ami *a)
{
	struct slice name = ami_value(a, AMI_USER_EVENT);
	struct event *ev;

	if (name.n == 0)
		return "no UserEvent";
	if (a->contact_events != NULL && ami_contact(a, name))
		return NULL;
	ev = ami_begin(a, EVENT_NOTE, name);
	ev->call = ami_value(a, AMI_UNIQUEID);
	ev->text = ami_block_behind(a->record, name);
	ami_emit(a, ev);
	return NULL;
}

/* --- messages ------------------------------------------------------------- */

static const struct ami_event {
	const char *name;
	ami_event_fn fn;
	bool untimed; /* needs no time, where no picture is waited for */
} ami_events[] = {
    {"QueueCallerJoin", ami_join, false},
    {"QueueCallerLeave", ami_leave, false},
    {"QueueCallerAbandon", ami_abandon, false},
    {"AgentCalled", ami_called, true},
    {"AgentConnect", ami_connect, false},
    {"AgentComplete", ami_complete, false},
    {"AgentDump", ami_dump, false},
    {"AgentRingNoAnswer", ami_ring_no_answer, false},
    {"HangupRequest", ami_hangup_request, true},
    {"SoftHangupRequest", ami_hangup_request, true},
    {"Hangup", ami_hangup, false},
    {"DialEnd", ami_dial_end, true},
    {"BlindTransfer", ami_blind_transfer, false},
    {"AttendedTransfer", ami_attended_transfer, false},
    {"VarSet", ami_var_set, false},
    {"Newexten", ami_new_exten, false},
    {"QueueMemberAdded", ami_member_added, false},
    {"QueueMemberRemoved", ami_member_removed, false},
    {"QueueMemberPause", ami_member_pause, false},
    {"QueueMemberStatus", ami_member_status, false},
    {"QueueMemberPenalty", ami_note, false},
    {"QueueMemberRinginuse", ami_note, false},
    {"AgentLogin", ami_agent_login, false},
    {"AgentLogoff", ami_agent_logoff, false},
    {"QueueParams", ami_params, true},
    {"QueueMember", ami_list_member, true},
    {"QueueEntry", ami_list_entry, true},
    {"QueueStatusComplete", ami_list_complete, true},
    {"FullyBooted", ami_fully_booted, true},
    {"UserEvent", ami_user_event, false},
    {"Cdr", ami_note, false},
    {"Reload", ami_note, false},
    {"Shutdown", ami_note, false},
    /* up to Asterisk 11 */
    {"Join", ami_join, false},
    {"Leave", ami_leave, false},
    {"QueueMemberPaused", ami_member_pause, false},
    {"Agentcallbacklogin", ami_agent_login, false},
    {"Agentcallbacklogoff", ami_agent_logoff, false},
};

/* What time alone brings about. */
static RT_HOT void
ami_pass(struct ami *a)
{
	if (RT_UNLIKELY(!TAILQ_EMPTY(&a->stays.states[STAY_LEFT])))
		ami_calls_pass(a);
	if (RT_UNLIKELY(a->picture == AMI_PICTURE_LISTED) &&
	    a->now_us - a->listed_us >= AMI_LISTED_US)
		ami_picture_end(a);
}

static bool
ami_is_greeting(struct slice record)
{
	static const char greeting[] = "Asterisk Call Manager/";

	return record.n >= sizeof(greeting) - 1 &&
	    memcmp(record.p, greeting, sizeof(greeting) - 1) == 0;
}

/* Answers are for the dialogue; of one is seen how far we have heard. */
static int
ami_response(struct ami *a, const char **why)
{
	if (ami_value(a, AMI_RESPONSE).n > 0) {
		if (ami_value(a, AMI_PING).n > 0)
			ami_picture_end(a);
		return 0;
	}
	if (ami_is_greeting(a->record))
		return 0;
	*why = "neither an event nor a response";
	return -1;
}

static RT_HOT int
ami_message(struct ami *a, const struct record *record, const char **why)
{
	struct slice event, timestamp;
	const char *refused;
	int number;

	ami_block_head(record->bytes, &event, &timestamp);
	number = ami_names_find(&a->events, event);
	if (event.n > 0 && number < 0) {
		ami_clock(a, record, timestamp);
		ami_pass(a);
		return 0;
	}
	ami_block_parse(&a->keys, record->bytes, &a->block);
	if (event.n == 0) {
		event = ami_value(a, AMI_EVENT);
		number = ami_names_find(&a->events, event);
		if (event.n > 0) /* an answer's time is another one */
			timestamp = ami_value(a, AMI_TIMESTAMP);
	}
	ami_clock(a, record, timestamp);
	ami_pass(a);
	a->record = record->bytes;
	if (event.n == 0)
		return ami_response(a, why);
	if (number < 0)
		return 0;
	if (a->now_us == 0 &&
	    (a->picture != AMI_PICTURE_NONE || !ami_events[number].untimed)) {
		*why = "no time";
		return -1;
	}
	refused = ami_events[number].fn(a);
	if (refused != NULL)
		*why = refused;
	return refused != NULL ? -1 : 0;
}

/* A connection was made or lost. */
static void
ami_mark(struct ami *a, const struct record *record)
{
	memset(&a->block, 0, sizeof(a->block));
	ami_clock(a, record, (struct slice){"", 0});
	ami_calls_break(a);
	a->tells_status = false;
	a->connected = record->kind == RECORD_BEGIN;
	if (a->connected)
		ami_picture_want(a);
	else
		a->broken_us = a->now_us;
}

static RT_HOT int
ami_input(void *self, const struct record *record, struct sink *sink,
    const char **why)
{
	struct ami *a = self;

	a->sink = sink;
	stays_bury(&a->stays);
	if (record->kind == RECORD_DATA)
		return ami_message(a, record, why);
	ami_mark(a, record);
	return 0;
}

/* --- what is remembered --------------------------------------------------- */

static unsigned
ami_flags(const struct ami *a)
{
	return (a->tells_status ? 1U : 0) | (a->tells_requests ? 2U : 0) |
	    (a->tells_agents ? 4U : 0) | (a->old ? 8U : 0) |
	    (a->connected ? 16U : 0);
}

static void
ami_save(void *self, struct strbuf *to)
{
	const struct ami *a = self;

	ami_put(to, AMI_STATE_VERSION);
	ami_put(to, ami_flags(a));
	ami_put(to, a->picture);
	ami_put_time(to, a->now_us);
	ami_put_time(to, a->heard_us);
	ami_put_time(to, a->broken_us);
	ami_put_time(to, a->booted_us);
	ami_put_time(to, a->listed_us);
	stays_save(&a->stays, to);
	members_save(&a->members, to);
}

static void
ami_forget(struct ami *a)
{
	stays_clear(&a->stays);
	members_fini(&a->members);
	a->now_us = a->heard_us = a->broken_us = 0;
	a->booted_us = a->listed_us = 0;
	a->picture = AMI_PICTURE_NONE;
	a->tells_status = a->tells_requests = a->tells_agents = false;
	a->old = a->connected = false;
}

static int
ami_load(void *self, struct slice from)
{
	struct ami_reader reader = {from, true};
	struct ami *a = self;
	uint64_t flags, picture;

	ami_forget(a);
	if (ami_get(&reader) != AMI_STATE_VERSION)
		return -1;
	flags = ami_get(&reader);
	picture = ami_get(&reader);
	a->tells_status = (flags & 1) != 0;
	a->tells_requests = (flags & 2) != 0;
	a->tells_agents = (flags & 4) != 0;
	a->old = (flags & 8) != 0;
	a->connected = (flags & 16) != 0;
	a->picture = (uint8_t)RT_MIN(picture, (uint64_t)AMI_PICTURE_LISTED);
	a->now_us = ami_get_time(&reader);
	a->heard_us = ami_get_time(&reader);
	a->broken_us = ami_get_time(&reader);
	a->booted_us = ami_get_time(&reader);
	a->listed_us = ami_get_time(&reader);
	stays_load(&a->stays, &reader);
	members_load(&a->members, &reader);
	if (reader.ok && reader.left.n == 0)
		return 0;
	ami_forget(a);
	return -1;
}

static int
ami_open(void **self, const struct stage_setup *setup, struct err *err)
{
	const struct ami_options *options = setup->options;
	struct ami *a = mem_zalloc(sizeof(*a));
	size_t i;

	(void)err;
	if (options != NULL)
		a->contact_events = options->contact_events;
	ami_keys_init(&a->keys);
	for (i = 0; i < RT_COUNT(ami_events); i++)
		ami_names_add(&a->events, ami_events[i].name);
	stays_init(&a->stays);
	*self = a;
	return 0;
}

static void
ami_close(void *self, const char *reason)
{
	struct ami *a = self;

	(void)reason;
	stays_fini(&a->stays);
	members_fini(&a->members);
	free(a);
}

const struct stage asterisk_ami_stage = {
    .name = "asterisk-ami",
    .kind = STAGE_FORMAT,
    .traits = STAGE_MARKS,
    .framing = FRAMING_BLOCKS,
    .help = "Asterisk's manager interface (AMI), of Asterisk 1.6 to 23: the "
	    "steps of calls and agents as they happen, and at each connection "
	    "the picture of the present.",
    .options = ami_rows,
    .options_size = sizeof(struct ami_options),
    .facts = STAGE_KNOWS(live) | STAGE_KNOWS(queue) | STAGE_KNOWS(wait) |
	STAGE_KNOWS(answer) | STAGE_KNOWS(agent) | STAGE_KNOWS(talk) |
	STAGE_KNOWS(abandon) | STAGE_KNOWS(timeout) | STAGE_KNOWS(key) |
	STAGE_KNOWS(empty) | STAGE_KNOWS(withdrawn) | STAGE_KNOWS(refused) |
	STAGE_KNOWS(ring) | STAGE_KNOWS(transfer) | STAGE_KNOWS(caller) |
	STAGE_KNOWS(login) | STAGE_KNOWS(pause) | STAGE_KNOWS(restart) |
	STAGE_KNOWS(milliseconds),
    .open = ami_open,
    .input = ami_input,
    .save = ami_save,
    .load = ami_load,
    .dialogue = &ami_dialogue,
    .close = ami_close,
};
