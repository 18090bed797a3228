/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FreeSWITCH's event socket (inbound mode), in plain and in JSON:
 * mod_callcenter of both generations, mod_fifo, and hangups where they are
 * asked for.
 *
 * An answer counts at bridge-agent-start and an end at bridge-agent-end; the
 * member-queue-end that follows says the same once more, and is what counts
 * when the other was lost. Waits and conversations are told by the switch in
 * whole seconds (CC-...-Time), the events' own times are in microseconds.
 *
 * Odd things that happen, and what becomes of them:
 *
 * - An agent answers, but the bridge fails (CC-Agent-Bridged: false): if the
 *   agent is gone the caller goes on waiting, and the answer that was told
 *   stays the one that counts. If the caller is gone mod_callcenter cancels
 *   with the reason NONE: a conversation of no length.
 * - A caller comes back within discard-abandoned-after (member-queue-resume):
 *   a new visit, on a new channel. The switch counts the wait from the first
 *   time on, and with it the time away; for these we do not take its word.
 * - agent-offering may come before member-queue-start; it moves nothing.
 * - An agent who is removed is not told of.
 * - Event-Sequence counts all events of the switch, those we did not ask for
 *   as well, so that a gap in it says nothing.
 *
 * Facts: see freeswitch.h; the order of events and their headers is that of
 * outbound_agent_thread_run and callcenter_function in mod_callcenter.c.
 */
#include "base/base.h"
#include "base/option.h"
#include "base/table.h"
#include "base/utc.h"
#include "format/formats.h"
#include "format/freeswitch_esl.h"

#define ESL_MARKS_MAX 4000
#define ESL_MARK_NAME 255 /* bytes; longer ones are not remembered */
#define ESL_CORE_MAX  64

/* "i 255 NAME" and its line end for each, and two lines before them */
_Static_assert(
    ESL_MARKS_MAX *(ESL_MARK_NAME + 7) + ESL_CORE_MAX + 16 <= STAGE_STATE_MAX,
    "what is remembered fits");

/* What is remembered of a channel or an agent. */
enum esl_mark_kind {
	ESL_MARK_RESUMED = 'r', /* this channel's caller had been here before */
	ESL_MARK_IDLE = 'i',	/* this agent is paused by the state Idle */
	ESL_MARK_FIFO = 'f'	/* of nobody: see struct esl */
};

struct esl_mark {
	UT_hash_handle hh; /* in the order of their making */
	size_t n;
	char key[]; /* kind, then the name */
};

struct esl {
	struct freeswitch_names names;
	struct freeswitch_record record;
	struct esl_picture *picture;
	struct esl_mark *marks;
	char core[ESL_CORE_MAX]; /* Core-UUID, NUL-terminated; "": none yet */
	/*
	 * This core has queues of mod_fifo, of which a picture tells nothing:
	 * it would end all who wait in them.
	 */
	bool fifo;
	struct event event;
	int64_t time_us;  /* of the event in work */
	int64_t clock_us; /* of the newest one */
	struct sink *sink;
};

/* --- what is remembered --------------------------------------------------- */

static struct esl_mark *
esl_mark_find(struct esl *e, enum esl_mark_kind kind, struct slice name)
{
	struct esl_mark *mark;
	char key[ESL_MARK_NAME + 1];

	if (name.n == 0 || name.n > ESL_MARK_NAME)
		return NULL;
	key[0] = (char)kind;
	memcpy(key + 1, name.p, name.n);
	HASH_FIND(hh, e->marks, key, name.n + 1, mark);
	return mark;
}

static void
esl_mark_free(struct esl *e, struct esl_mark *mark)
{
	HASH_DEL(e->marks, mark);
	free(mark);
}

static void
esl_mark_add(struct esl *e, enum esl_mark_kind kind, struct slice name)
{
	struct esl_mark *mark = esl_mark_find(e, kind, name);

	if (mark != NULL || name.n == 0 || name.n > ESL_MARK_NAME)
		return;
	if (HASH_COUNT(e->marks) >= ESL_MARKS_MAX)
		esl_mark_free(e, e->marks); /* the oldest */
	mark = mem_zalloc(sizeof(*mark) + name.n + 1);
	mark->n = name.n + 1;
	mark->key[0] = (char)kind;
	memcpy(mark->key + 1, name.p, name.n);
	HASH_ADD(hh, e->marks, key[0], (unsigned)mark->n, mark);
}

/* Whether there was one. */
static bool
esl_mark_remove(struct esl *e, enum esl_mark_kind kind, struct slice name)
{
	struct esl_mark *mark = esl_mark_find(e, kind, name);

	if (mark != NULL)
		esl_mark_free(e, mark);
	return mark != NULL;
}

static void
esl_forget(struct esl *e)
{
	while (e->marks != NULL)
		esl_mark_free(e, e->marks);
	e->core[0] = '\0';
	e->fifo = false;
}

/* "core UUID\n", then "KIND LENGTH NAME\n" for each mark, the oldest first. */
static void
esl_save(void *self, struct strbuf *to)
{
	struct esl *e = self;
	struct esl_mark *mark, *next;

	if (e->core[0] == '\0' && e->marks == NULL && !e->fifo)
		return;
	strbuf_addf(to, "core %s\n", e->core);
	if (e->fifo)
		strbuf_addf(to, "%c 0 \n", ESL_MARK_FIFO);
	HASH_ITER (hh, e->marks, mark, next) {
		strbuf_addf(to, "%c %zu ", mark->key[0], mark->n - 1);
		strbuf_add(to, mark->key + 1, mark->n - 1);
		strbuf_addc(to, '\n');
	}
}

/* One mark at the head of what is left. */
static bool
esl_load_mark(struct esl *e, struct slice *from)
{
	enum esl_mark_kind kind = (enum esl_mark_kind)from->p[0];
	const char *blank;
	size_t head;
	int64_t n;

	if (from->n < 5 || from->p[1] != ' ' ||
	    (kind != ESL_MARK_RESUMED && kind != ESL_MARK_IDLE &&
		kind != ESL_MARK_FIFO))
		return false;
	blank = memchr(from->p + 2, ' ', from->n - 2);
	if (blank == NULL ||
	    !slice_uint(
		(struct slice){from->p + 2, (size_t)(blank - from->p) - 2}, &n))
		return false;
	head = (size_t)(blank - from->p) + 1;
	if (n > ESL_MARK_NAME || from->n < head + (size_t)n + 1 ||
	    from->p[head + (size_t)n] != '\n')
		return false;
	e->fifo = e->fifo || kind == ESL_MARK_FIFO;
	esl_mark_add(e, kind, (struct slice){blank + 1, (size_t)n});
	from->p += head + (size_t)n + 1;
	from->n -= head + (size_t)n + 1;
	return true;
}

static int
esl_load(void *self, struct slice from)
{
	struct esl *e = self;
	struct slice line;

	esl_forget(e);
	if (from.n == 0)
		return 0;
	if (!esl_line(&from, &line) || line.n < 5 ||
	    line.n - 5 >= ESL_CORE_MAX || memcmp(line.p, "core ", 5) != 0)
		return -1;
	memcpy(e->core, line.p + 5, line.n - 5);
	e->core[line.n - 5] = '\0';
	while (from.n > 0)
		if (!esl_load_mark(e, &from)) {
			esl_forget(e);
			return -1;
		}
	return 0;
}

/* --- messages ------------------------------------------------------------- */

/* Behind the empty line that ends the headers; n: the bytes before it. */
static size_t
esl_head(struct slice record, size_t *n)
{
	const char *p = record.p, *end = record.p + record.n, *lf;

	for (; p < end && (lf = memchr(p, '\n', (size_t)(end - p))) != NULL;
	     p = lf + 1)
		if (lf == p || (lf == p + 1 && *p == '\r')) {
			*n = (size_t)(p - record.p);
			return (size_t)(lf + 1 - record.p);
		}
	*n = record.n;
	return record.n;
}

/* "Name: value" of a line. False: it is none. */
static bool
esl_header(struct slice line, struct slice *name, struct slice *value)
{
	const char *colon = memchr(line.p, ':', line.n);

	if (colon == NULL)
		return false;
	*name = (struct slice){line.p, (size_t)(colon - line.p)};
	value->p = colon + 1;
	value->n = line.n - name->n - 1;
	if (value->n > 0 && *value->p == ' ')
		value->p++, value->n--;
	return true;
}

static bool
esl_is_header(struct slice name, const char *wanted)
{
	return strlen(wanted) == name.n &&
	    strncasecmp(name.p, wanted, name.n) == 0;
}

void
esl_message(struct slice record, struct esl_message *m)
{
	struct slice head = {record.p, 0}, line, name, value;
	size_t body = esl_head(record, &head.n);

	*m = (struct esl_message){.type = {"", 0}, .reply = {"", 0}};
	while (esl_line(&head, &line) && esl_header(line, &name, &value))
		if (esl_is_header(name, "Content-Type"))
			m->type = value;
		else if (esl_is_header(name, "Reply-Text"))
			m->reply = value;
		else if (esl_is_header(name, "Event-Name")) {
			m->type.n = 0;
			body = 0; /* no frame around it */
			break;
		}
	m->body = (struct slice){record.p + body, record.n - body};
}

/* Lines up to the empty one; a body of the event's own is of no interest. */
static RT_HOT void
esl_plain(struct freeswitch_record *r, struct slice body)
{
	const char *p = body.p, *end = body.p + body.n, *lf;
	struct slice name, value;

	for (; p < end; p = lf + 1) {
		lf = memchr(p, '\n', (size_t)(end - p));
		if (lf == NULL)
			lf = end;
		if (lf == p ||
		    !esl_header(
			(struct slice){p, (size_t)(lf - p)}, &name, &value))
			break;
		if (value.n > 0 && value.p[value.n - 1] == '\r')
			value.n--;
		freeswitch_take(r, name, value);
	}
}

/* --- events --------------------------------------------------------------- */

static void
esl_emit(struct esl *e, struct event *ev)
{
	esl_picture_event(e->picture, ev);
	e->sink->event(e->sink, ev);
}

static struct event *
esl_event(struct esl *e, enum event_kind kind, struct slice name)
{
	struct event *ev = e->sink->room != NULL ? e->sink->room : &e->event;

	freeswitch_event_init(ev, kind, e->time_us, name);
	return ev;
}

static struct slice
esl_either(
    const struct esl *e, enum freeswitch_field f, enum freeswitch_field older)
{
	return e->record.v[f].n > 0 ? e->record.v[f] : e->record.v[older];
}

/* An event of mod_callcenter about a caller. */
static struct event *
esl_cc_event(struct esl *e, enum event_kind kind)
{
	struct event *ev = esl_event(e, kind, e->record.v[FREESWITCH_action]);

	ev->call = esl_either(e, FREESWITCH_session, FREESWITCH_old_session);
	if (ev->call.n == 0)
		ev->call = e->record.v[FREESWITCH_member];
	ev->queue = esl_either(e, FREESWITCH_queue, FREESWITCH_old_queue);
	return ev;
}

static int64_t
esl_span(
    const struct esl *e, enum freeswitch_field from, enum freeswitch_field to)
{
	return freeswitch_span_ms(freeswitch_number(&e->record, from),
	    freeswitch_number(&e->record, to));
}

/* Seconds that the older module counted itself. */
static int64_t
esl_seconds(const struct esl *e, enum freeswitch_field f)
{
	int64_t v = freeswitch_number(&e->record, f);

	return v >= 0 && v < 100000000 ? v * 1000 : EVENT_UNKNOWN_MS;
}

/* From the arrival to `end`; of one who came back only we know it. */
static int64_t
esl_wait(struct esl *e, const struct event *ev, enum freeswitch_field end)
{
	int64_t wait_ms;

	if (esl_mark_find(e, ESL_MARK_RESUMED, ev->call) != NULL)
		return EVENT_UNKNOWN_MS;
	wait_ms = esl_span(e, FREESWITCH_joined, end);
	return wait_ms != EVENT_UNKNOWN_MS
	    ? wait_ms
	    : esl_seconds(e, FREESWITCH_old_wait);
}

static void
esl_cc_start(struct esl *e)
{
	struct event *ev = esl_cc_event(e, EVENT_ENTER);

	ev->caller = esl_either(e, FREESWITCH_number, FREESWITCH_old_number);
	if (slice_eq(ev->name, SLICE("member-queue-resume")))
		esl_mark_add(e, ESL_MARK_RESUMED, ev->call);
	esl_emit(e, ev);
}

static void
esl_cc_bridge_start(struct esl *e)
{
	struct event *ev = esl_cc_event(e, EVENT_CONNECT);

	ev->agent = e->record.v[FREESWITCH_agent];
	ev->wait_ms = esl_wait(e, ev, FREESWITCH_answered);
	esl_emit(e, ev);
}

static void
esl_cc_bridge_end(struct esl *e)
{
	bool bridged =
	    !slice_eq(e->record.v[FREESWITCH_bridged], SLICE("false"));
	struct event *ev =
	    esl_cc_event(e, bridged ? EVENT_COMPLETE : EVENT_AGENT_DUMP);

	ev->agent = e->record.v[FREESWITCH_agent];
	if (bridged) {
		ev->wait_ms = esl_wait(e, ev, FREESWITCH_answered);
		ev->talk_ms =
		    esl_span(e, FREESWITCH_answered, FREESWITCH_terminated);
		if (ev->talk_ms == EVENT_UNKNOWN_MS)
			ev->talk_ms = esl_seconds(e, FREESWITCH_old_talk);
	}
	esl_emit(e, ev);
}

/* Hung up in the moment in which the agent answered: see above. */
static bool
esl_cc_missed(const struct esl *e)
{
	return slice_eq(e->record.v[FREESWITCH_cancel_reason], SLICE("NONE"));
}

static void
esl_cc_end(struct esl *e)
{
	struct slice cause = e->record.v[FREESWITCH_cause];
	bool talked = slice_eq(cause, SLICE("Terminated"));
	struct slice call;
	struct event *ev = esl_cc_event(
	    e, talked || esl_cc_missed(e) ? EVENT_COMPLETE : EVENT_LEAVE);

	if (talked) {
		ev->agent = e->record.v[FREESWITCH_agent];
		ev->wait_ms = esl_wait(e, ev, FREESWITCH_answered);
		ev->talk_ms =
		    esl_span(e, FREESWITCH_answered, FREESWITCH_leaving);
		if (ev->talk_ms == EVENT_UNKNOWN_MS)
			ev->talk_ms = esl_seconds(e, FREESWITCH_old_talk);
	} else if (ev->kind == EVENT_COMPLETE) {
		ev->wait_ms = esl_wait(e, ev, FREESWITCH_leaving);
		ev->talk_ms = 0;
	} else {
		ev->outcome = freeswitch_canceled(
		    e->record.v[FREESWITCH_cancel_reason], &ev->flags);
		ev->wait_ms = esl_wait(e, ev, FREESWITCH_leaving);
		if (ev->outcome == OUTCOME_EXITED_KEY)
			ev->text = e->record.v[FREESWITCH_cc_exit_key];
	}
	call = ev->call;
	esl_emit(e, ev);
	esl_mark_remove(e, ESL_MARK_RESUMED, call);
}

/*
 * The phone rang and nobody took the call. In ring-all those that another agent
 * was quicker than fail, too (LOSE_RACE), and all of them when the caller gives
 * up (ORIGINATOR_CANCEL): they did not let it ring.
 */
static void
esl_cc_bridge_fail(struct esl *e)
{
	struct slice cause = e->record.v[FREESWITCH_hangup];
	bool canceled = slice_eq(cause, SLICE("LOSE_RACE")) ||
	    slice_eq(cause, SLICE("ORIGINATOR_CANCEL"));
	struct event *ev = esl_cc_event(
	    e, canceled ? EVENT_RING_CANCELED : EVENT_RING_NO_ANSWER);

	ev->agent = e->record.v[FREESWITCH_agent];
	ev->text = cause;
	ev->ring_ms = esl_span(e, FREESWITCH_called, FREESWITCH_aborted);
	esl_emit(e, ev);
}

/* --- agents --------------------------------------------------------------- */

bool
esl_is_available(struct slice status)
{
	return slice_eq(status, SLICE("Available")) ||
	    slice_eq(status, SLICE("Available (On Demand)"));
}

static void
esl_agent(struct esl *e, enum event_kind kind, struct slice reason)
{
	struct event *ev = esl_event(e, kind, e->record.v[FREESWITCH_action]);

	ev->agent = e->record.v[FREESWITCH_agent];
	ev->text = reason;
	esl_emit(e, ev);
}

/*
 * A status is told without the one before; a login of one who is logged in does
 * nothing. What the state Idle paused, the status pauses or ends anew.
 */
static void
esl_cc_status(struct esl *e)
{
	struct slice status = e->record.v[FREESWITCH_agent_status];
	struct slice agent = e->record.v[FREESWITCH_agent];
	struct slice none = {"", 0};

	if (slice_eq(status, ESL_LOGGED_OUT)) {
		esl_agent(e, EVENT_LOGOFF, none);
	} else if (slice_eq(status, ESL_ON_BREAK)) {
		esl_agent(e, EVENT_LOGIN, none);
		esl_agent(e, EVENT_PAUSE, status);
	} else if (esl_is_available(status)) {
		esl_agent(e, EVENT_LOGIN, none);
		if (esl_mark_find(e, ESL_MARK_IDLE, agent) != NULL)
			return; /* still idle */
		esl_agent(e, EVENT_UNPAUSE, none);
		return;
	} else {
		esl_agent(e, EVENT_NOTE, status);
	}
	esl_mark_remove(e, ESL_MARK_IDLE, agent);
}

/*
 * Idle: gets no calls until somebody sets another state, as after each call of
 * one who is available on demand.
 */
static void
esl_cc_state(struct esl *e)
{
	struct slice agent = e->record.v[FREESWITCH_agent];
	struct slice state = e->record.v[FREESWITCH_agent_state];
	struct slice none = {"", 0};

	if (slice_eq(state, ESL_IDLE)) {
		esl_mark_add(e, ESL_MARK_IDLE, agent);
		esl_agent(e, EVENT_PAUSE, state);
	} else if (esl_mark_remove(e, ESL_MARK_IDLE, agent)) {
		esl_agent(e, EVENT_UNPAUSE, none);
	}
}

static void
esl_note(struct esl *e)
{
	esl_emit(e, esl_cc_event(e, EVENT_NOTE));
}

static const struct esl_action {
	const char *name;
	void (*fn)(struct esl *e);
} esl_actions[] = {
    {"agent-offering", esl_note},
    {"agent-state-change", esl_cc_state},
    {"agent-status-change", esl_cc_status},
    {"bridge-agent-end", esl_cc_bridge_end},
    {"bridge-agent-fail", esl_cc_bridge_fail},
    {"bridge-agent-start", esl_cc_bridge_start},
    {"member-queue-end", esl_cc_end},
    {"member-queue-resume", esl_cc_start},
    {"member-queue-start", esl_cc_start},
    {"members-count", esl_note},
    {"agent-add", esl_note},
    {"agent-contact-change", esl_note},
    {"agent-max-no-answer", esl_note},
    {"agent-ready-time-change", esl_note},
    {"agent-state-get", esl_note},
    {"agent-status-get", esl_note},
    {"agent-type-change", esl_note},
    {"agent-uuid-get", esl_note},
};

/* --- mod_fifo ------------------------------------------------------------- */

static void
esl_fifo_event(struct esl *e, enum event_kind kind)
{
	struct freeswitch_record *r = &e->record;
	struct event *ev = esl_event(e, kind, r->v[FREESWITCH_fifo_action]);

	ev->call = r->v[FREESWITCH_unique_id];
	ev->queue = r->v[FREESWITCH_fifo];
	if (kind == EVENT_ENTER)
		ev->caller = r->v[FREESWITCH_caller];
	/* without fifo_consumer_id it is the name of a channel, not a person */
	if (kind == EVENT_CONNECT &&
	    !slice_eq(r->v[FREESWITCH_fifo_by], r->v[FREESWITCH_fifo_by_uuid]))
		ev->agent = r->v[FREESWITCH_fifo_by];
	if (kind == EVENT_COMPLETE) {
		ev->talk_ms = freeswitch_number(r, FREESWITCH_fifo_talk_ms);
		if (ev->talk_ms < 0)
			ev->talk_ms = EVENT_UNKNOWN_MS;
	}
	if (kind == EVENT_LEAVE) {
		ev->text = r->v[FREESWITCH_fifo_key];
		ev->outcome =
		    ev->text.n > 0 ? OUTCOME_EXITED_KEY : OUTCOME_ABANDONED;
		if (slice_eq(ev->name, SLICE("timeout")))
			ev->outcome = OUTCOME_TIMED_OUT;
	}
	esl_emit(e, ev);
}

static const struct esl_fifo_action {
	const char *name;
	enum event_kind kind;
} esl_fifo_actions[] = {
    {"push", EVENT_ENTER},
    {"abort", EVENT_LEAVE},
    {"timeout", EVENT_LEAVE},
    {"bridge-caller-start", EVENT_CONNECT},
    {"bridge-caller-stop", EVENT_COMPLETE},
    {"caller_pop", EVENT_NOTE},
    {"consumer_pop", EVENT_NOTE},
    {"bridge-consumer-start", EVENT_NOTE},
    {"bridge-consumer-stop", EVENT_NOTE},
    {"channel-consumer-start", EVENT_NOTE},
    {"channel-consumer-stop", EVENT_NOTE},
    {"consumer_start", EVENT_NOTE},
    {"consumer_stop", EVENT_NOTE},
    {"consumer_reattach", EVENT_NOTE},
    {"pre-dial", EVENT_NOTE},
    {"post-dial", EVENT_NOTE},
    {"caller_outbound", EVENT_NOTE},
};

/* --- records -------------------------------------------------------------- */

static int
esl_unknown(struct esl *e, struct slice name)
{
	struct event *ev = esl_event(e, EVENT_NOTE, name);

	ev->flags = EVENT_UNKNOWN_NAME;
	esl_emit(e, ev);
	return 0;
}

static int
esl_callcenter(struct esl *e)
{
	struct slice action = e->record.v[FREESWITCH_action];
	size_t i;

	for (i = 0; i < RT_COUNT(esl_actions); i++)
		if (slice_eq(action, slice_of(esl_actions[i].name))) {
			esl_actions[i].fn(e);
			return 0;
		}
	return esl_unknown(e, action);
}

static int
esl_fifo(struct esl *e)
{
	struct slice action = e->record.v[FREESWITCH_fifo_action];
	size_t i;

	e->fifo = true;
	for (i = 0; i < RT_COUNT(esl_fifo_actions); i++)
		if (slice_eq(action, slice_of(esl_fifo_actions[i].name))) {
			esl_fifo_event(e, esl_fifo_actions[i].kind);
			return 0;
		}
	return esl_unknown(e, action);
}

/* Another Core-UUID: FreeSWITCH was started again. */
static void
esl_look_at_core(struct esl *e)
{
	struct slice core = e->record.v[FREESWITCH_core_uuid];
	bool first = e->core[0] == '\0';

	if (core.n == 0 || core.n >= ESL_CORE_MAX ||
	    memchr(core.p, '\n', core.n) != NULL ||
	    slice_eq(core, slice_of(e->core)))
		return;
	esl_forget(e);
	memcpy(e->core, core.p, core.n);
	e->core[core.n] = '\0';
	if (first)
		return;
	esl_picture_reset(e->picture);
	esl_emit(e, esl_event(e, EVENT_SWITCH_START, SLICE("new Core-UUID")));
}

static int
esl_of_event(struct esl *e, const char **why)
{
	struct slice name = e->record.v[FREESWITCH_event_name];
	struct slice subclass = e->record.v[FREESWITCH_subclass];

	if (slice_eq(subclass, SLICE("callcenter::info")))
		return esl_callcenter(e);
	if (slice_eq(subclass, SLICE("fifo::info")))
		return esl_fifo(e);
	if (slice_eq(name, SLICE("CHANNEL_HANGUP_COMPLETE"))) {
		/* of a leg that waited it says all once more */
		if (e->record.v[FREESWITCH_cc_queue].n == 0)
			return 0;
		return freeswitch_leg(&e->record, e->time_us, e->sink, why);
	}
	if (slice_eq(name, SLICE("HEARTBEAT"))) {
		esl_picture_beat(e->picture);
		esl_emit(e, esl_event(e, EVENT_NOTE, name));
		return 0;
	}
	return esl_unknown(e, subclass.n > 0 ? subclass : name);
}

static int
esl_take(struct esl *e, const char **why)
{
	int64_t us;

	freeswitch_decode(&e->record);
	us = freeswitch_number(&e->record, FREESWITCH_timestamp);
	if (e->record.v[FREESWITCH_event_name].n == 0) {
		*why = "an event without a name";
		return -1;
	}
	if (us <= 0 || us / USEC_PER_SEC > INT64_C(253402300799)) {
		*why = "no Event-Date-Timestamp";
		return -1;
	}
	e->time_us = us;
	e->clock_us = RT_MAX(e->clock_us, us);
	esl_look_at_core(e);
	return esl_of_event(e, why);
}

/*
 * An answer has no time of the switch: the newest event's, and before the first
 * one the time of its receipt.
 */
static void
esl_answer(struct esl *e, const struct record *record, struct slice body)
{
	int64_t now_us = e->clock_us > 0 ? e->clock_us : record->received_us;

	if (esl_picture_answer(e->picture, body) && now_us > 0 && !e->fifo)
		esl_picture_give(e->picture, now_us, e->sink);
}

static int
esl_input(void *self, const struct record *record, struct sink *sink,
    const char **why)
{
	struct esl *e = self;
	struct esl_message m;

	e->sink = sink;
	if (record->kind != RECORD_DATA) {
		esl_picture_reset(e->picture);
		e->clock_us = 0; /* how far it is meanwhile nobody knows */
		return 0;
	}
	esl_message(record->bytes, &m);
	freeswitch_record_reset(&e->record);
	if (slice_eq(m.type, SLICE("text/event-json"))) {
		if (!freeswitch_json_flat(&e->record, m.body)) {
			*why = "no JSON object";
			return -1;
		}
		return esl_take(e, why);
	}
	if (m.type.n == 0 || slice_eq(m.type, SLICE("text/event-plain"))) {
		esl_plain(&e->record, m.body);
		return esl_take(e, why);
	}
	if (slice_eq(m.type, SLICE("api/response"))) {
		esl_answer(e, record, m.body);
		return 0;
	}
	if (slice_eq(m.type, SLICE("text/event-xml"))) {
		*why = "events in XML: ask for plain or json";
		return -1;
	}
	return 0; /* greetings and replies, in a recording */
}

static int
esl_open(void **self, const struct stage_setup *setup, struct err *err)
{
	const struct esl_options *options = setup->options;
	struct esl *e = mem_zalloc(sizeof(*e));

	(void)err;
	freeswitch_names_init(&e->names, FREESWITCH_HEADERS);
	if (options != NULL)
		freeswitch_names_contact(&e->names, options->contact_variable);
	freeswitch_record_init(&e->record, &e->names);
	e->picture = esl_picture_new();
	*self = e;
	return 0;
}

static void
esl_close(void *self, const char *reason)
{
	struct esl *e = self;

	(void)reason;
	esl_forget(e);
	esl_picture_free(e->picture);
	freeswitch_record_fini(&e->record);
	free(e);
}

static const char *const esl_encodings[] = {"plain", "json", NULL};

static const struct option_row esl_rows[] = {
    {.name = "esl_encoding",
	.group = "feeds",
	.type = OPTION_CHOICE,
	.choices = esl_encodings,
	.offset = offsetof(struct esl_options, encoding),
	.preset = "plain",
	.unit = "",
	.help = "How the switch is asked to write its events."},
    {.name = "esl_hangups",
	.group = "feeds",
	.type = OPTION_BOOL,
	.offset = offsetof(struct esl_options, hangups),
	.preset = "false",
	.unit = "",
	.help = "Asks for CHANNEL_HANGUP_COMPLETE, too: some 15 kB for each "
		"leg, which end a visit whose own end was lost."},
    {.name = "esl_picture",
	.group = "feeds",
	.type = OPTION_BOOL,
	.offset = offsetof(struct esl_options, picture),
	.preset = "true",
	.unit = "",
	.help = "Asks mod_callcenter who waits and who works after each "
		"connection. Needs the command callcenter_config."},
    FREESWITCH_CONTACT_ROW(offsetof(struct esl_options, contact_variable)),
    {.name = NULL}};

const struct stage freeswitch_esl_stage = {
    .name = "freeswitch-esl",
    .kind = STAGE_FORMAT,
    .traits = STAGE_MARKS | STAGE_OWN_TEXT | STAGE_UNIQUE_IDS,
    .framing = FRAMING_ESL,
    .help = "FreeSWITCH's event socket: queues of mod_callcenter and mod_fifo, "
	    "step by step.",
    .options = esl_rows,
    .options_size = sizeof(struct esl_options),
    .facts = STAGE_KNOWS(live) | STAGE_KNOWS(queue) | STAGE_KNOWS(wait) |
	STAGE_KNOWS(answer) | STAGE_KNOWS(agent) | STAGE_KNOWS(talk) |
	STAGE_KNOWS(abandon) | STAGE_KNOWS(timeout) | STAGE_KNOWS(key) |
	STAGE_KNOWS(empty) | STAGE_KNOWS(ring) | STAGE_KNOWS(caller) |
	STAGE_KNOWS(login) | STAGE_KNOWS(pause) | STAGE_KNOWS(restart) |
	STAGE_KNOWS(milliseconds),
    .open = esl_open,
    .input = esl_input,
    .save = esl_save,
    .load = esl_load,
    .dialogue = &esl_dialogue,
    .close = esl_close,
};
