/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asterisk's queue_log, all versions from 1.2 on:
 *
 *	epoch|callid|queue|agent|EVENT|parameters...
 *
 * Facts: main/logger.c and apps/app_queue.c of Asterisk 1.2 to 23, and
 * recordings of a real 22.10. Nothing is escaped, so that a `|` in a name
 * shifts the fields behind it; see queue_log_recover. Waits are whole seconds,
 * ring times milliseconds. What never appears: callers refused because the
 * queue is full or has no agents (but Wazo and XiVO write them: FULL ...).
 */
#include "base/base.h"
#include "base/option.h"
#include "base/split.h"
#include "base/utc.h"
#include "base/table.h"
#include "event/contact.h"
#include "event/stage.h"
#include "format/formats.h"

/* So many are split off; what is behind them stays with the last one. */
#define QUEUE_LOG_FIELDS 24
#define QUEUE_LOG_FIXED	 5  /* epoch, callid, queue, agent, event */
#define QUEUE_LOG_STAMP	 10 /* digits of an epoch, since 2001 */
#define QUEUE_LOG_SLOTS	 256
/* A duration above this (over three years) is no duration. */
#define QUEUE_LOG_SECS_MAX INT64_C(100000000)
/* 9999-12-31: what every consumer of a time stamp still understands. */
#define QUEUE_LOG_EPOCH_MAX INT64_C(253402300799)

struct queue_log_line {
	const char *p;
	uint32_t begin[QUEUE_LOG_FIELDS + 1 + SPLIT_ROOM];
	unsigned n; /* fields */
};

/* The parameters of one event, behind its name. */
struct queue_log_params {
	const struct queue_log_line *line;
	unsigned first; /* of its fields */
	unsigned n;
};

/*
 * Fills what the parameters tell; false: they do not fit the event (then the
 * name was found in a wrong place).
 */
typedef bool (*queue_log_fn)(
    const struct queue_log_params *in, struct event *ev);

struct queue_log_event {
	const char *name;
	enum event_kind kind;
	enum outcome outcome;
	unsigned flags;
	queue_log_fn params;
	/* The parameters are telling enough to find the event by them. */
	bool numeric;
};

static inline struct slice
queue_log_field(const struct queue_log_line *line, unsigned i)
{
	return split_field(line->p, line->begin, i);
}

/* Several fields as one, separators included. */
static struct slice
queue_log_join(const struct queue_log_line *line, unsigned from, unsigned to)
{
	uint32_t begin = line->begin[from], end = line->begin[to + 1] - 1;

	return (struct slice){line->p + begin, end - begin};
}

static inline struct slice
queue_log_param(const struct queue_log_params *in, unsigned i)
{
	return i < in->n ? queue_log_field(in->line, in->first + i)
			 : (struct slice){"", 0};
}

/*
 * Seconds (or, with unit 1, milliseconds) to ms; empty: not told. Negative
 * ones are written when the switch's clock was set back meanwhile: 0.
 */
static RT_HOT bool
queue_log_ms(
    const struct queue_log_params *in, unsigned i, int64_t unit, int64_t *ms)
{
	struct slice s = queue_log_param(in, i);
	int64_t v;

	*ms = EVENT_UNKNOWN_MS;
	if (s.n == 0)
		return true;
	if (s.n > 1 && s.p[0] == '-') {
		*ms = 0;
		return slice_uint((struct slice){s.p + 1, s.n - 1}, &v);
	}
	if (!slice_uint(s, &v) || v > QUEUE_LOG_SECS_MAX * 1000 / unit)
		return false;
	*ms = v * unit;
	return true;
}

static RT_HOT bool
queue_log_none(const struct queue_log_params *in, struct event *ev)
{
	(void)in;
	(void)ev;
	return true;
}

/*
 * url | number | position [| name]. The url and the number may hold
 * separators; then nobody can tell which field is the number, and no number is
 * better than a wrong one.
 */
static RT_HOT bool
queue_log_enter(const struct queue_log_params *in, struct event *ev)
{
	int64_t position;

	if (in->n <= 3 ||
	    (in->n == 4 && slice_uint(queue_log_param(in, 2), &position)))
		ev->caller = queue_log_param(in, 1);
	return true;
}

/* hold | agent's channel | ring time; 1.2: hold only */
static RT_HOT bool
queue_log_connect(const struct queue_log_params *in, struct event *ev)
{
	return queue_log_ms(in, 0, 1000, &ev->wait_ms) &&
	    queue_log_ms(in, 2, 1000, &ev->ring_ms);
}

/* hold | talk | original position */
static RT_HOT bool
queue_log_complete(const struct queue_log_params *in, struct event *ev)
{
	return queue_log_ms(in, 0, 1000, &ev->wait_ms) &&
	    queue_log_ms(in, 1, 1000, &ev->talk_ms);
}

/* position | original position | wait [| info]; <= 1.4: position only */
static bool
queue_log_leave(const struct queue_log_params *in, struct event *ev)
{
	int64_t position;

	return queue_log_ms(in, 0, 1000, &position) &&
	    queue_log_ms(in, 2, 1000, &ev->wait_ms);
}

/* key | position | original position | wait; <= 1.6.2: key, position */
static bool
queue_log_exit_key(const struct queue_log_params *in, struct event *ev)
{
	int64_t position;

	ev->text = queue_log_param(in, 0);
	return queue_log_ms(in, 1, 1000, &position) &&
	    queue_log_ms(in, 3, 1000, &ev->wait_ms);
}

/* exten | context | hold | talk | original position; 1.2: exten, context */
static bool
queue_log_transfer(const struct queue_log_params *in, struct event *ev)
{
	ev->text = queue_log_param(in, 0);
	return queue_log_ms(in, 2, 1000, &ev->wait_ms) &&
	    queue_log_ms(in, 3, 1000, &ev->talk_ms);
}

/*
 * BRIDGE | id, APP | name or LINK | channel | channel, then hold | talk |
 * position. Found by the method's place, with or without the position (a known
 * report is an empty field there); where a name holds a separator, from the
 * right.
 */
static bool
queue_log_attended(const struct queue_log_params *in, struct event *ev)
{
	unsigned at = slice_eq(queue_log_param(in, 0), SLICE("LINK")) ? 3 : 2;
	unsigned n = in->n;

	while (n > 0 && queue_log_param(in, n - 1).n == 0)
		n--;
	if (n < at + 2)
		return true; /* told nothing of times */
	if (n > at + 3)
		at = n - 3;
	ev->text = queue_log_param(in, 1);
	return queue_log_ms(in, at, 1000, &ev->wait_ms) &&
	    queue_log_ms(in, at + 1, 1000, &ev->talk_ms);
}

/* milliseconds, in all versions */
static bool
queue_log_ring(const struct queue_log_params *in, struct event *ev)
{
	return queue_log_ms(in, 0, 1, &ev->ring_ms);
}

/* a reason, which may hold separators */
static bool
queue_log_reason(const struct queue_log_params *in, struct event *ev)
{
	ev->text = in->n > 0
	    ? queue_log_join(in->line, in->first, in->first + in->n - 1)
	    : (struct slice){"", 0};
	return true;
}

/* AGENTLOGOFF: channel | seconds logged in; ...CALLBACKLOGOFF: the same */
static bool
queue_log_logoff(const struct queue_log_params *in, struct event *ev)
{
	if (!queue_log_ms(in, 1, 1000, &ev->session_ms))
		ev->session_ms = EVENT_UNKNOWN_MS;
	return true;
}

/* WRAPUPSTART (Wazo): seconds that it will last */
static bool
queue_log_wrap_up(const struct queue_log_params *in, struct event *ev)
{
	return queue_log_ms(in, 0, 1000, &ev->session_ms);
}

#define NOTE(name)                                            \
	{                                                     \
		name, EVENT_NOTE, 0, 0, queue_log_none, false \
	}

static const struct queue_log_event queue_log_events[] = {
    {"ENTERQUEUE", EVENT_ENTER, 0, 0, queue_log_enter, false},
    {"CONNECT", EVENT_CONNECT, 0, 0, queue_log_connect, true},
    {"COMPLETEAGENT", EVENT_COMPLETE, 0, 0, queue_log_complete, true},
    {"COMPLETECALLER", EVENT_COMPLETE, 0, 0, queue_log_complete, true},
    {"TRANSFER", EVENT_COMPLETE, 0, EVENT_TRANSFERRED, queue_log_transfer,
	false},
    {"BLINDTRANSFER", EVENT_COMPLETE, 0, EVENT_TRANSFERRED, queue_log_transfer,
	false},
    {"ATTENDEDTRANSFER", EVENT_COMPLETE, 0, EVENT_TRANSFERRED,
	queue_log_attended, false},
    {"ABANDON", EVENT_LEAVE, OUTCOME_ABANDONED, 0, queue_log_leave, true},
    /* channels that can not be joined: Asterisk counts it as abandoned */
    {"SYSCOMPAT", EVENT_LEAVE, OUTCOME_ABANDONED, 0, queue_log_none, false},
    {"EXITWITHTIMEOUT", EVENT_LEAVE, OUTCOME_TIMED_OUT, 0, queue_log_leave,
	true},
    {"EXITEMPTY", EVENT_LEAVE, OUTCOME_EXITED_EMPTY, 0, queue_log_leave, true},
    {"EXITWITHKEY", EVENT_LEAVE, OUTCOME_EXITED_KEY, 0, queue_log_exit_key,
	true},
    {"WITHDRAW", EVENT_LEAVE, OUTCOME_WITHDRAWN, 0, queue_log_leave, true},
    {"RINGNOANSWER", EVENT_RING_NO_ANSWER, 0, 0, queue_log_ring, true},
    {"RINGCANCELED", EVENT_RING_CANCELED, 0, 0, queue_log_ring, true},
    {"AGENTDUMP", EVENT_AGENT_DUMP, 0, 0, queue_log_none, false},
    {"ADDMEMBER", EVENT_LOGIN, 0, 0, queue_log_reason, false},
    {"REMOVEMEMBER", EVENT_LOGOFF, 0, 0, queue_log_none, false},
    {"AGENTLOGIN", EVENT_LOGIN, 0, 0, queue_log_none, false},
    {"AGENTLOGOFF", EVENT_LOGOFF, 0, 0, queue_log_logoff, false},
    {"AGENTCALLBACKLOGIN", EVENT_LOGIN, 0, 0, queue_log_none, false},
    {"AGENTCALLBACKLOGOFF", EVENT_LOGOFF, 0, 0, queue_log_logoff, false},
    {"PAUSE", EVENT_PAUSE, 0, 0, queue_log_reason, false},
    {"UNPAUSE", EVENT_UNPAUSE, 0, 0, queue_log_none, false},
    {"PAUSEALL", EVENT_PAUSE, 0, 0, queue_log_reason, false},
    {"UNPAUSEALL", EVENT_UNPAUSE, 0, 0, queue_log_none, false},
    {"QUEUESTART", EVENT_SWITCH_START, 0, 0, queue_log_none, false},
    /* known, and of no consequence here */
    NOTE("CONFIGRELOAD"),
    NOTE("PENALTY"),
    NOTE("RINGINUSE"),
    NOTE("OUTCALL"),
    /* FreePBX's, QueueMetrics' and VICIdial's additions */
    NOTE("DID"),
    NOTE("INFO"),
    NOTE("CALLSTATUS"),
    NOTE("CALLERONHOLD"),
    NOTE("CALLEROFFHOLD"),
    NOTE("PAUSEREASON"),
    /* Wazo's and XiVO's additions */
    {"FULL", EVENT_REFUSE, OUTCOME_REFUSED, 0, queue_log_none, false},
    {"CLOSED", EVENT_REFUSE, OUTCOME_REFUSED, 0, queue_log_none, false},
    {"JOINEMPTY", EVENT_REFUSE, OUTCOME_REFUSED, 0, queue_log_none, false},
    {"DIVERT_CA_RATIO", EVENT_REFUSE, OUTCOME_REFUSED, 0, queue_log_none,
	false},
    {"DIVERT_HOLDTIME", EVENT_REFUSE, OUTCOME_REFUSED, 0, queue_log_none,
	false},
    {"LEAVEEMPTY", EVENT_LEAVE, OUTCOME_EXITED_EMPTY, 0, queue_log_none, false},
    {"WRAPUPSTART", EVENT_WRAP_UP, 0, 0, queue_log_wrap_up, true},
};

struct queue_log_options {
	char **contact_events;
};

#define QUEUE_LOG_CONTACT "CALLSTATUS"

/* Event names by hash, open addressing. */
struct queue_log {
	char *const *contact_events;   /* NULL-terminated */
	uint8_t slot[QUEUE_LOG_SLOTS]; /* row + 1, or 0 */
	struct slice name[RT_COUNT(queue_log_events)];
	/* of the record in work: a hardened stack would be zeroed each time */
	struct queue_log_line line;
	struct event event;
	struct contact contact;
};

static RT_HOT unsigned
queue_log_hash(struct slice name)
{
	uint32_t h = (uint32_t)name.n * 0x9e3779b1U;

	if (name.n >= 4) {
		uint32_t head, tail;

		memcpy(&head, name.p, 4);
		memcpy(&tail, name.p + name.n - 4, 4);
		h ^= head * 0x85ebca6bU ^ tail * 0xc2b2ae35U;
	} else if (name.n > 0) {
		h ^= (uint32_t)(unsigned char)name.p[0] * 0x85ebca6bU;
	}
	h ^= h >> 15;
	return h % QUEUE_LOG_SLOTS;
}

static int
queue_log_open(void **self, const struct stage_setup *setup, struct err *err)
{
	static char name[] = QUEUE_LOG_CONTACT;
	static char *const known[] = {name, NULL};
	const struct queue_log_options *options = setup->options;
	struct queue_log *q = mem_zalloc(sizeof(*q));
	unsigned i, at;

	(void)err;
	q->contact_events = options != NULL && options->contact_events != NULL
	    ? options->contact_events
	    : known;
	for (i = 0; i < RT_COUNT(queue_log_events); i++) {
		q->name[i] = slice_of(queue_log_events[i].name);
		at = queue_log_hash(q->name[i]);
		while (q->slot[at] != 0)
			at = (at + 1) % QUEUE_LOG_SLOTS;
		q->slot[at] = (uint8_t)(i + 1);
	}
	*self = q;
	return 0;
}

static void
queue_log_close(void *self, const char *reason)
{
	(void)reason;
	free(self);
}

static RT_HOT const struct queue_log_event *
queue_log_find(const struct queue_log *q, struct slice name)
{
	unsigned at = queue_log_hash(name);

	for (; q->slot[at] != 0; at = (at + 1) % QUEUE_LOG_SLOTS)
		if (slice_eq(q->name[q->slot[at] - 1], name))
			return &queue_log_events[q->slot[at] - 1];
	return NULL;
}

/* "1795288729", or with a fraction as hand-made logs have it. */
static bool
queue_log_time(struct slice s, int64_t *time_us)
{
	const char *dot = s.n > 10 ? memchr(s.p, '.', s.n) : NULL;
	int64_t sec, us = 0, unit = USEC_PER_SEC / 10;

	if (RT_LIKELY(s.n == 10) && slice_uint10(s.p, &sec)) {
		*time_us = sec * USEC_PER_SEC;
		return true;
	}
	if (dot != NULL) {
		const char *d;

		for (d = dot + 1; d < s.p + s.n; d++, unit /= 10) {
			if (*d < '0' || *d > '9')
				return false;
			us += (*d - '0') * unit;
		}
		s.n = (size_t)(dot - s.p);
	}
	if (!slice_uint(s, &sec) || sec > QUEUE_LOG_EPOCH_MAX)
		return false;
	*time_us = sec * USEC_PER_SEC + us;
	return true;
}

static void
queue_log_params_at(
    const struct queue_log_line *line, unsigned at, struct queue_log_params *in)
{
	in->line = line;
	in->first = at + 1;
	in->n = line->n - in->first;
}

/* A word such as DISPOSITION or CALL_STATUS: looks like an event's name. */
static bool
queue_log_looks_like_event(struct slice s)
{
	size_t i;

	if (s.n < 2 || s.p[0] < 'A' || s.p[0] > 'Z' ||
	    slice_eq(s, SLICE("NONE")))
		return false;
	for (i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'A' && s.p[i] <= 'Z') || s.p[i] == '_' ||
			(s.p[i] >= '0' && s.p[i] <= '9')))
			return false;
	return true;
}

/*
 * The fifth field is no known event: either it is an unknown one, or a name
 * before it held a separator and the event stands further right. It is taken
 * from there when its parameters fit it (numbers where numbers must be), or
 * when the fifth field does not look like an event's name at all. The field
 * before the event is NONE or the agent's last part; with NONE it was the
 * queue's name that held the separator.
 */
static const struct queue_log_event *
queue_log_recover(const struct queue_log *q, const struct queue_log_line *line,
    struct event *ev, struct queue_log_params *in)
{
	bool custom = queue_log_looks_like_event(queue_log_field(line, 4));
	unsigned at;

	for (at = QUEUE_LOG_FIXED; at < line->n && at < 12; at++) {
		const struct queue_log_event *row =
		    queue_log_find(q, queue_log_field(line, at));

		if (row == NULL || (custom && !row->numeric))
			continue;
		queue_log_params_at(line, at, in);
		if (row->numeric && queue_log_param(in, 0).n == 0)
			continue;
		if (!row->params(in, ev))
			continue;
		if (slice_eq(queue_log_field(line, at - 1), SLICE("NONE"))) {
			ev->queue = queue_log_join(line, 2, at - 2);
			ev->agent = queue_log_field(line, at - 1);
		} else {
			ev->queue = queue_log_field(line, 2);
			ev->agent = queue_log_join(line, 3, at - 1);
		}
		ev->name = queue_log_field(line, at);
		return row;
	}
	return NULL;
}

static struct slice
queue_log_or_none(struct slice s)
{
	if (s.n == 4 && memcmp(s.p, "NONE", 4) == 0)
		s.n = 0;
	return s;
}

/* The call id field also says who acted, where no call is meant. */
static struct slice
queue_log_call_id(struct slice s)
{
	if (slice_eq(s, SLICE("NONE")) || slice_eq(s, SLICE("MANAGER")) ||
	    slice_eq(s, SLICE("REALTIME")) || slice_eq(s, SLICE("CLI")))
		s.n = 0;
	return s;
}

static RT_HOT const struct queue_log_event *
queue_log_identify(const struct queue_log *q, const struct queue_log_line *line,
    struct event *ev, bool *fits)
{
	const struct queue_log_event *row =
	    queue_log_find(q, queue_log_field(line, 4));
	struct queue_log_params in;

	*fits = true;
	ev->queue = queue_log_field(line, 2);
	ev->agent = queue_log_field(line, 3);
	ev->name = queue_log_field(line, 4);
	if (RT_LIKELY(row != NULL)) {
		queue_log_params_at(line, 4, &in);
		*fits = row->params(&in, ev);
	} else {
		row = queue_log_recover(q, line, ev, &in);
	}
	return row;
}

/* ADDMEMBER ... PAUSED: no PAUSE line follows. */
static void
queue_log_emit_paused(struct event *login, struct sink *sink)
{
	struct event pause = *login;

	pause.kind = EVENT_PAUSE;
	sink->event(sink, login);
	sink->event(sink, &pause);
}

static RT_HOT void
queue_log_emit(const struct queue_log_event *row, unsigned flags,
    struct event *ev, struct sink *sink)
{
	bool paused = false;

	ev->kind = row->kind;
	ev->outcome = row->outcome;
	ev->flags = row->flags | flags;
	if (row->kind == EVENT_LOGIN) {
		paused = slice_eq(ev->text, SLICE("PAUSED"));
		ev->text.n = 0;
	}
	if (RT_UNLIKELY(paused))
		queue_log_emit_paused(ev, sink);
	else
		sink->event(sink, ev);
}

/*
 * What an agent's page, or a macro of the dialplan, wrote of a call with
 * QueueLog() or the action of that name: the code is the first parameter.
 */
static bool
queue_log_is_contact(struct queue_log *q, struct event *ev)
{
	const char *begin = ev->name.p + ev->name.n + 1;
	const char *end = q->line.p + q->line.begin[q->line.n] - 1, *bar;
	char *const *name;

	for (name = q->contact_events; *name != NULL; name++)
		if (slice_eq(ev->name, slice_of(*name)))
			break;
	if (*name == NULL || begin >= end)
		return false;
	bar = memchr(begin, '|', (size_t)(end - begin));
	contact_clear(&q->contact);
	q->contact.code =
	    (struct slice){begin, (size_t)((bar != NULL ? bar : end) - begin)};
	return q->contact.code.n > 0;
}

static void
queue_log_contact(struct queue_log *q, struct event *ev, struct sink *sink)
{
	ev->kind = EVENT_CONTACT;
	ev->outcome = OUTCOME_NONE;
	ev->flags = 0;
	ev->contact = &q->contact;
	sink->event(sink, ev);
}

/*
 * A truncation leaves a hole of NULs before a line; a power failure leaves one
 * behind the first half of another, whose end is gone. The switch itself never
 * writes a NUL; callers may, in their names.
 */
static struct slice
queue_log_behind_hole(struct slice record)
{
	const char *nul = memrchr(record.p, '\0', record.n), *bar;
	struct slice line;
	int64_t time_us;

	if (nul == NULL)
		return record;
	line = (struct slice){nul + 1, record.n - (size_t)(nul + 1 - record.p)};
	bar = memchr(line.p, '|', line.n);
	if (bar != NULL && bar - line.p >= QUEUE_LOG_STAMP &&
	    queue_log_time(
		(struct slice){line.p, (size_t)(bar - line.p)}, &time_us))
		return line;
	for (; record.n > 0 && *record.p == '\0'; record.n--)
		record.p++;
	return record;
}

static RT_HOT int
queue_log_input(
    void *self, const struct record *from, struct sink *sink, const char **why)
{
	struct queue_log *q = self;
	struct slice record = from->bytes;
	struct queue_log_line *line = &q->line;
	const struct queue_log_event *row;
	unsigned flags = from->ambiguous ? EVENT_AMBIGUOUS : 0;
	struct event *ev = sink->room != NULL ? sink->room : &q->event;
	bool fits;

	if (RT_UNLIKELY(!from->no_nul))
		record = queue_log_behind_hole(record);
	line->p = record.p;
	line->n = split_fields(record, '|', line->begin, QUEUE_LOG_FIELDS);
	if (line->n < QUEUE_LOG_FIXED) {
		*why = "fewer than five fields";
		return -1;
	}
	if (!queue_log_time(queue_log_field(line, 0), &ev->time_us)) {
		*why = "no time stamp";
		return -1;
	}
	ev->caller = ev->text = (struct slice){"", 0};
	ev->wait_ms = ev->ring_ms = EVENT_UNKNOWN_MS;
	ev->talk_ms = ev->session_ms = EVENT_UNKNOWN_MS;
	row = queue_log_identify(q, line, ev, &fits);
	if (!fits) {
		*why = "parameters that do not fit the event";
		return -1;
	}
	if (ev->name.n == 0) {
		*why = "no event";
		return -1;
	}
	ev->call = queue_log_call_id(queue_log_field(line, 1));
	ev->queue = queue_log_or_none(ev->queue);
	ev->agent = queue_log_or_none(ev->agent);
	if (RT_UNLIKELY(row == NULL || row->kind == EVENT_NOTE) &&
	    queue_log_is_contact(q, ev)) {
		queue_log_contact(q, ev, sink);
	} else if (row == NULL) {
		ev->kind = EVENT_NOTE;
		ev->outcome = OUTCOME_NONE;
		ev->flags = EVENT_UNKNOWN_NAME | flags;
		sink->event(sink, ev);
	} else {
		queue_log_emit(row, flags, ev, sink);
	}
	return 0;
}

static const struct option_row queue_log_rows[] = {
    {.name = "contact_events",
	.group = "feeds",
	.type = OPTION_TEXTS,
	.offset = offsetof(struct queue_log_options, contact_events),
	.preset = QUEUE_LOG_CONTACT,
	.max = 64,
	.unit = "",
	.help = "Events whose first parameter is the code that the agent gave "
		"the contact, see ringtally-contacts(7): CALLSTATUS of "
		"QueueMetrics, or what your own dialplan writes with "
		"the application QueueLog."},
    {.name = NULL}};

const struct stage asterisk_queue_log_stage = {
    .name = "asterisk-queue-log",
    .kind = STAGE_FORMAT,
    .framing = FRAMING_LINES,
    .help = "Asterisk's queue_log, versions 1.2 to 23, with the additions of "
	    "FreePBX, QueueMetrics, VICIdial, Wazo and XiVO.",
    .facts = STAGE_KNOWS(live) | STAGE_KNOWS(queue) | STAGE_KNOWS(wait) |
	STAGE_KNOWS(answer) | STAGE_KNOWS(agent) | STAGE_KNOWS(talk) |
	STAGE_KNOWS(abandon) | STAGE_KNOWS(timeout) | STAGE_KNOWS(key) |
	STAGE_KNOWS(empty) | STAGE_KNOWS(withdrawn) | STAGE_KNOWS(refused) |
	STAGE_KNOWS(ring) | STAGE_KNOWS(transfer) | STAGE_KNOWS(caller) |
	STAGE_KNOWS(login) | STAGE_KNOWS(pause) | STAGE_KNOWS(wrap_up) |
	STAGE_KNOWS(restart),
    .options = queue_log_rows,
    .options_size = sizeof(struct queue_log_options),
    .open = queue_log_open,
    .input = queue_log_input,
    .close = queue_log_close,
};
