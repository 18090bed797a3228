/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our own format: one JSON object for each event, one a line, or several in an
 * array. The way in for whatever has no format of its own here.
 *
 * ringtally-feeds(7) documents it and etc/schema/ringtally-event.json describes
 * it to machines; tests/tool/schema.py holds both against each other. What is
 * strict here is strict because the sender is a program that somebody is
 * writing just now, and should hear of a mistake today:
 *
 * - a name, a queue, a call id is a text and nothing else: 1795288727.10 as a
 *   number is 1795288727.1 to most that pass it on, which is another call;
 * - times have their zone, or are seconds since 1970; a number that is beyond
 *   the year 2999 was meant as milliseconds, and is refused;
 * - null, and a text of no length, are as if the member was not there;
 * - a member that is not known moves nothing and refuses nothing, so that a
 *   newer sender gets on with an older ringtally; it is counted by its name,
 *   so that "wait_sec" is found. Those that begin with "x_" are the sender's
 *   own affair.
 */
#include "base/base.h"
#include "base/customer.h"
#include "base/utc.h"
#include "event/contact.h"
#include "format/formats.h"
#include "format/json_decimal.h"
#include "format/json_flat.h"
#include "format/ringtally_json.h"

#define RINGTALLY_JSON_MS_MAX  (INT64_C(100000000) * 1000) /* three years */
#define RINGTALLY_JSON_US_MIN  (INT64_C(31536000) * USEC_PER_SEC)    /* 1971 */
#define RINGTALLY_JSON_US_MAX  (INT64_C(32503679999) * USEC_PER_SEC) /* 2999 */
#define RINGTALLY_JSON_UNKNOWN 8    /* members noted, of one object */
#define RINGTALLY_JSON_NAME    64   /* bytes of their names */
#define RINGTALLY_JSON_NOTES   4096 /* bytes of all of one record */

/* What one object says. */
struct ringtally_json_said {
	unsigned has; /* RINGTALLY_JSON_HAS(...): there, and not empty */
	struct slice event, id, outcome;
	struct event ev;
	/* members of contacts; those of other events are not known there */
	unsigned of_contact;	 /* 1 << RINGTALLY_JSON_...: it stands there */
	const char *why_contact; /* of the first that is none; or NULL */
	struct slice call_id, customer, category;
	int resolved; /* enum contact_resolved */
	struct contact contact;
	struct slice unknown[RINGTALLY_JSON_UNKNOWN];
	unsigned n_unknown;
};

/* --- members -------------------------------------------------------------- */

enum ringtally_json_type {
	RINGTALLY_JSON_TEXT,	/* struct slice */
	RINGTALLY_JSON_TIME,	/* int64_t, microseconds */
	RINGTALLY_JSON_SECONDS, /* int64_t, milliseconds */
	RINGTALLY_JSON_FLAG,	/* true or false: `has` it, or not */
	RINGTALLY_JSON_ANSWER	/* int, enum contact_resolved */
};

/* In this order they are looked for: the common ones first. */
enum ringtally_json_member {
	RINGTALLY_JSON_event,
	RINGTALLY_JSON_time,
	RINGTALLY_JSON_call,
	RINGTALLY_JSON_queue,
	RINGTALLY_JSON_agent,
	RINGTALLY_JSON_caller,
	RINGTALLY_JSON_wait_s,
	RINGTALLY_JSON_talk_s,
	RINGTALLY_JSON_ring_s,
	RINGTALLY_JSON_session_s,
	RINGTALLY_JSON_outcome,
	RINGTALLY_JSON_reason,
	RINGTALLY_JSON_id,
	RINGTALLY_JSON_began,
	RINGTALLY_JSON_transferred,
	RINGTALLY_JSON_present,
	/* of contacts alone */
	RINGTALLY_JSON_ref,
	RINGTALLY_JSON_OF_CONTACT = RINGTALLY_JSON_ref,
	RINGTALLY_JSON_channel,
	RINGTALLY_JSON_service,
	RINGTALLY_JSON_category,
	RINGTALLY_JSON_code,
	RINGTALLY_JSON_request,
	RINGTALLY_JSON_resolved,
	RINGTALLY_JSON_customer,
	RINGTALLY_JSON_call_id, /* `call`, as the database says */
	RINGTALLY_JSON_switch,
	RINGTALLY_JSON_assessed_by,
	RINGTALLY_JSON_assessed_at,
	RINGTALLY_JSON_MEMBERS
};
_Static_assert(RINGTALLY_JSON_MEMBERS <= 32, "each has its bit");

#define HAS(name) (1U << RINGTALLY_JSON_##name)
#define SAID(m)	  offsetof(struct ringtally_json_said, m)
#define TEXT(name, at)              \
	[RINGTALLY_JSON_##name] = { \
	    #name, RINGTALLY_JSON_TEXT, SAID(at), #name ": not a text"}
#define TIME(name, at)                                                   \
	[RINGTALLY_JSON_##name] = {#name, RINGTALLY_JSON_TIME, SAID(at), \
	    #name ": no time with its zone, and no seconds since 1970"}
#define SECONDS(name, at)                                                   \
	[RINGTALLY_JSON_##name] = {#name, RINGTALLY_JSON_SECONDS, SAID(at), \
	    #name ": not a number of seconds"}
#define ANSWER(name, at)                                                   \
	[RINGTALLY_JSON_##name] = {#name, RINGTALLY_JSON_ANSWER, SAID(at), \
	    #name ": neither true nor false"}
#define FLAG(name)                  \
	[RINGTALLY_JSON_##name] = { \
	    #name, RINGTALLY_JSON_FLAG, 0, #name ": neither true nor false"}

static const struct ringtally_json_row {
	const char *name;
	enum ringtally_json_type type;
	size_t offset; /* in struct ringtally_json_said */
	const char *why;
} ringtally_json_rows[RINGTALLY_JSON_MEMBERS] = {
    TEXT(event, event),
    TIME(time, ev.time_us),
    TEXT(call, ev.call),
    TEXT(queue, ev.queue),
    TEXT(agent, ev.agent),
    TEXT(caller, ev.caller),
    SECONDS(wait_s, ev.wait_ms),
    SECONDS(talk_s, ev.talk_ms),
    SECONDS(ring_s, ev.ring_ms),
    SECONDS(session_s, ev.session_ms),
    TEXT(outcome, outcome),
    TEXT(reason, ev.text),
    TEXT(id, id),
    TIME(began, ev.begin_us),
    FLAG(transferred),
    FLAG(present),
    TEXT(ref, contact.ref),
    TEXT(channel, contact.channel),
    TEXT(service, contact.service),
    TEXT(category, category),
    TEXT(code, contact.code),
    TEXT(request, contact.request),
    ANSWER(resolved, resolved),
    TEXT(customer, customer),
    TEXT(call_id, call_id),
    TEXT(switch, contact.switch_name),
    TEXT(assessed_by, contact.assessed_by),
    TIME(assessed_at, contact.assessed_us),
};

/* --- events --------------------------------------------------------------- */

#define OF_QUEUE (HAS(call) | HAS(queue))

/* What an event must have, and what else it takes; other members are idle. */
static const struct ringtally_json_event {
	const char *name;
	enum event_kind kind;
	unsigned needs, takes;
	unsigned outcomes; /* 1 << OUTCOME_...; 0: it has none */
} ringtally_json_events[] = {
    {"enter", EVENT_ENTER, OF_QUEUE, HAS(began) | HAS(present), 0},
    {"connect", EVENT_CONNECT, OF_QUEUE, HAS(wait_s) | HAS(ring_s), 0},
    {"complete", EVENT_COMPLETE, OF_QUEUE,
	HAS(wait_s) | HAS(talk_s) | HAS(transferred), 0},
    {"leave", EVENT_LEAVE, OF_QUEUE | HAS(outcome), HAS(wait_s),
	1U << OUTCOME_ABANDONED | 1U << OUTCOME_TIMED_OUT |
	    1U << OUTCOME_EXITED_KEY | 1U << OUTCOME_EXITED_EMPTY |
	    1U << OUTCOME_WITHDRAWN},
    {"summary", EVENT_SUMMARY, OF_QUEUE | HAS(outcome) | HAS(began),
	HAS(wait_s) | HAS(ring_s) | HAS(talk_s) | HAS(transferred),
	1U << OUTCOME_ANSWERED | 1U << OUTCOME_ABANDONED |
	    1U << OUTCOME_TIMED_OUT | 1U << OUTCOME_EXITED_KEY |
	    1U << OUTCOME_EXITED_EMPTY | 1U << OUTCOME_WITHDRAWN |
	    1U << OUTCOME_REFUSED},
    {"refuse", EVENT_REFUSE, OF_QUEUE, 0, 0},
    {"ring_no_answer", EVENT_RING_NO_ANSWER, HAS(queue), HAS(ring_s), 0},
    {"ring_canceled", EVENT_RING_CANCELED, HAS(queue), HAS(ring_s), 0},
    {"login", EVENT_LOGIN, HAS(agent), HAS(present), 0},
    {"logoff", EVENT_LOGOFF, HAS(agent), HAS(session_s), 0},
    {"pause", EVENT_PAUSE, HAS(agent), HAS(present), 0},
    {"unpause", EVENT_UNPAUSE, HAS(agent), 0, 0},
    {"wrap_up", EVENT_WRAP_UP, HAS(agent) | HAS(session_s), 0, 0},
    {"switch_start", EVENT_SWITCH_START, 0, 0, 0},
    {"picture", EVENT_PICTURE, 0, 0, 0},
    {"picture_end", EVENT_PICTURE_END, 0, 0, 0},
    /* what it needs, see ringtally_json_contact */
    {"contact", EVENT_CONTACT, 0, 0, 0},
    /* counted by name, and of no consequence here */
    {"note", EVENT_NOTE, 0, 0, 0},
};

struct ringtally_json {
	struct json_flat scan;
	struct ringtally_json_said said;
	struct slice member[RINGTALLY_JSON_MEMBERS]; /* their names */
	struct slice event[RT_COUNT(ringtally_json_events)];
	char notes[RINGTALLY_JSON_NOTES]; /* names of what is noted */
	size_t n_notes;
};

struct ringtally_json *
ringtally_json_new(void)
{
	struct ringtally_json *j = mem_zalloc(sizeof(*j));
	size_t i;

	for (i = 0; i < RINGTALLY_JSON_MEMBERS; i++)
		j->member[i] = slice_of(ringtally_json_rows[i].name);
	for (i = 0; i < RT_COUNT(ringtally_json_events); i++)
		j->event[i] = slice_of(ringtally_json_events[i].name);
	return j;
}

void
ringtally_json_free(struct ringtally_json *j)
{
	free(j);
}

static int
ringtally_json_open(
    void **self, const struct stage_setup *setup, struct err *err)
{
	(void)setup;
	(void)err;
	*self = ringtally_json_new();
	return 0;
}

static void
ringtally_json_close(void *self, const char *reason)
{
	(void)reason;
	ringtally_json_free(self);
}

/* --- reading an object ---------------------------------------------------- */

static RT_HOT bool
ringtally_json_time(const struct json_flat_member *m, int64_t *time_us)
{
	if (m->type == JSON_FLAT_TEXT) {
		if (!utc_parse(m->value.p, m->value.n, time_us))
			return false;
		return memcmp(m->value.p, "1971", 4) >= 0 &&
		    memcmp(m->value.p, "2999", 4) <= 0;
	}
	return m->type == JSON_FLAT_NUMBER &&
	    json_decimal_scaled(m->value, 6, RINGTALLY_JSON_US_MAX, time_us) &&
	    *time_us >= RINGTALLY_JSON_US_MIN;
}

/* Puts one known member where its row says. False: of a wrong type. */
static RT_HOT bool
ringtally_json_set(struct ringtally_json_said *said,
    enum ringtally_json_member which, const struct json_flat_member *m)
{
	const struct ringtally_json_row *row = &ringtally_json_rows[which];
	char *at = (char *)said + row->offset;
	bool has = true, good = false;

	if (m->type == JSON_FLAT_NULL)
		return true;
	switch (row->type) {
	case RINGTALLY_JSON_TEXT:
		good = m->type == JSON_FLAT_TEXT;
		if (good)
			memcpy(at, &m->value, sizeof(m->value));
		has = m->value.n > 0;
		break;
	case RINGTALLY_JSON_TIME:
		good = ringtally_json_time(m, (int64_t *)(void *)at);
		break;
	case RINGTALLY_JSON_SECONDS:
		good = m->type == JSON_FLAT_NUMBER &&
		    json_decimal_scaled(m->value, 3, RINGTALLY_JSON_MS_MAX,
			(int64_t *)(void *)at);
		break;
	case RINGTALLY_JSON_FLAG:
		good = m->type == JSON_FLAT_TRUE || m->type == JSON_FLAT_FALSE;
		has = m->type == JSON_FLAT_TRUE;
		break;
	case RINGTALLY_JSON_ANSWER:
		good = m->type == JSON_FLAT_TRUE || m->type == JSON_FLAT_FALSE;
		*(int *)(void *)at = m->type == JSON_FLAT_TRUE
		    ? CONTACT_RESOLVED_YES
		    : CONTACT_RESOLVED_NO;
		break;
	}
	if (has)
		said->has |= 1U << which;
	return good;
}

/*
 * Which event it is may stand behind it: whether it is known, and must be of
 * its type, is seen when all was read.
 */
static void
ringtally_json_set_contact(struct ringtally_json_said *said,
    enum ringtally_json_member which, const struct json_flat_member *m)
{
	said->of_contact |= 1U << which;
	if (!ringtally_json_set(said, which, m) && said->why_contact == NULL)
		said->why_contact = ringtally_json_rows[which].why;
}

static void
ringtally_json_unknown(struct ringtally_json_said *said, struct slice name)
{
	bool own = name.n >= 2 && name.p[0] == 'x' && name.p[1] == '_';

	if (!own && said->n_unknown < RINGTALLY_JSON_UNKNOWN)
		said->unknown[said->n_unknown++] = name;
}

static void
ringtally_json_forget(struct ringtally_json_said *said)
{
	const struct slice none = {"", 0};
	struct event *ev = &said->ev;

	said->has = said->n_unknown = 0;
	said->event = said->id = said->outcome = none;
	said->of_contact = 0;
	said->why_contact = NULL;
	said->call_id = said->customer = said->category = none;
	said->resolved = CONTACT_RESOLVED_UNKNOWN;
	contact_clear(&said->contact);
	ev->call = ev->queue = ev->agent = ev->caller = ev->text = none;
	ev->wait_ms = ev->ring_ms = EVENT_UNKNOWN_MS;
	ev->talk_ms = ev->session_ms = EVENT_UNKNOWN_MS;
	ev->begin_us = 0;
}

/* The object in `scan`, by the types of its members alone. */
static RT_HOT int
ringtally_json_read(struct ringtally_json *j, const char **why)
{
	struct ringtally_json_said *said = &j->said;
	unsigned i, which;

	ringtally_json_forget(said);
	for (i = 0; i < j->scan.n; i++) {
		const struct json_flat_member *m = &j->scan.member[i];

		for (which = 0; which < RINGTALLY_JSON_MEMBERS; which++)
			if (slice_eq(j->member[which], m->name))
				break;
		if (which == RINGTALLY_JSON_MEMBERS) {
			ringtally_json_unknown(said, m->name);
		} else if (which >= RINGTALLY_JSON_OF_CONTACT) {
			ringtally_json_set_contact(said, which, m);
		} else if (!ringtally_json_set(said, which, m)) {
			*why = ringtally_json_rows[which].why;
			return -1;
		}
	}
	return 0;
}

/* --- what it means -------------------------------------------------------- */

static const struct ringtally_json_event *
ringtally_json_find(const struct ringtally_json *j, struct slice name)
{
	size_t i;

	for (i = 0; i < RT_COUNT(ringtally_json_events); i++)
		if (slice_eq(j->event[i], name))
			return &ringtally_json_events[i];
	return NULL;
}

/* What the event has no use for is as if it had not been said. */
static void
ringtally_json_take(struct event *ev, unsigned takes)
{
	if ((takes & HAS(wait_s)) == 0)
		ev->wait_ms = EVENT_UNKNOWN_MS;
	if ((takes & HAS(ring_s)) == 0)
		ev->ring_ms = EVENT_UNKNOWN_MS;
	if ((takes & HAS(talk_s)) == 0)
		ev->talk_ms = EVENT_UNKNOWN_MS;
	if ((takes & HAS(session_s)) == 0)
		ev->session_ms = EVENT_UNKNOWN_MS;
	if ((takes & HAS(began)) == 0)
		ev->begin_us = 0;
}

static int
ringtally_json_outcome(const struct ringtally_json_event *row,
    struct ringtally_json_said *said, const char **why)
{
	unsigned i;

	said->ev.outcome =
	    row->kind == EVENT_REFUSE ? OUTCOME_REFUSED : OUTCOME_NONE;
	if (row->outcomes == 0)
		return 0;
	for (i = 0; i < OUTCOMES; i++)
		if ((row->outcomes & 1U << i) != 0 &&
		    slice_eq(said->outcome, slice_of(outcome_name(i)))) {
			said->ev.outcome = i;
			return 0;
		}
	*why = "outcome: none that this event can have";
	return -1;
}

/* The first member that must be there and is not. */
static const char *
ringtally_json_missing(unsigned missing)
{
	if ((missing & HAS(call)) != 0)
		return "call: it is missing";
	if ((missing & HAS(queue)) != 0)
		return "queue: it is missing";
	if ((missing & HAS(agent)) != 0)
		return "agent: it is missing";
	if ((missing & HAS(outcome)) != 0)
		return "outcome: it is missing";
	if ((missing & HAS(began)) != 0)
		return "began: it is missing";
	return "session_s: it is missing";
}

/* A clock may be wrong, and zones be mixed up; but not by more than a day. */
#define RINGTALLY_JSON_AHEAD (SEC_PER_DAY * USEC_PER_SEC)
#define RINGTALLY_JSON_EVER  (INT64_MAX - RINGTALLY_JSON_AHEAD)

/*
 * A contact is known again by its ref, or else by its call; and told with its
 * time, so that it is the same when it is sent once more. What is cut would be
 * another one's ref.
 */
static int
ringtally_json_contact(
    struct ringtally_json_said *said, int64_t now_us, const char **why)
{
	struct contact *contact = &said->contact;
	struct event *ev = &said->ev;

	if (said->why_contact != NULL) {
		*why = said->why_contact;
		return -1;
	}
	if (ev->call.n == 0)
		ev->call = said->call_id;
	if (said->customer.n > 0)
		ev->caller = said->customer;
	if (contact->ref.n == 0 && ev->call.n == 0) {
		*why = "ref: it is missing, and there is no call_id";
		return -1;
	}
	if ((said->has & HAS(time)) == 0) {
		*why = "time: it is missing";
		return -1;
	}
	if (ev->time_us > now_us + RINGTALLY_JSON_AHEAD) {
		*why = "time: more than a day ahead";
		return -1;
	}
	if (contact->assessed_us > now_us + RINGTALLY_JSON_AHEAD) {
		*why = "assessed_at: more than a day ahead";
		return -1;
	}
	if (contact->ref.n > CONTACT_TEXT_MAX) {
		*why = "ref: longer than 255 bytes";
		return -1;
	}
	contact->resolved = (enum contact_resolved)said->resolved;
	ev->contact = contact;
	ev->text = said->category;
	ev->outcome = OUTCOME_NONE;
	return 0;
}

/* Whether the customer, if there is one, can be known again. */
static bool
ringtally_json_knows_customer(const struct ringtally_json_said *said)
{
	char form[CUSTOMER_MAX];

	return said->ev.caller.n == 0 ||
	    customer_form(form, said->ev.caller, NULL) != CUSTOMER_NEITHER;
}

/* Members of contacts, of another event: not known there. */
static void
ringtally_json_not_contact(
    const struct ringtally_json *j, struct ringtally_json_said *said)
{
	unsigned i;

	for (i = RINGTALLY_JSON_OF_CONTACT; i < RINGTALLY_JSON_MEMBERS; i++)
		if ((said->of_contact & 1U << i) != 0)
			ringtally_json_unknown(said, j->member[i]);
}

/* Makes an event of what was said. */
static RT_HOT int
ringtally_json_mean(
    struct ringtally_json *j, const struct record *record, const char **why)
{
	struct ringtally_json_said *said = &j->said;
	const struct ringtally_json_event *row;
	struct event *ev = &said->ev;
	unsigned takes;

	ev->name = said->event;
	row = ringtally_json_find(j, said->event);
	if (RT_UNLIKELY(said->of_contact != 0) &&
	    (row == NULL || row->kind != EVENT_CONTACT))
		ringtally_json_not_contact(j, said);
	if (row == NULL) {
		ev->kind = EVENT_NOTE;
		ev->outcome = OUTCOME_NONE;
		ev->flags = EVENT_UNKNOWN_NAME;
		ringtally_json_take(ev, 0);
		return 0;
	}
	if ((row->needs & ~said->has) != 0) {
		*why = ringtally_json_missing(row->needs & ~said->has);
		return -1;
	}
	takes = (row->needs | row->takes) & said->has;
	ev->kind = row->kind;
	ev->flags = ((takes & HAS(transferred)) != 0 ? EVENT_TRANSFERRED : 0) |
	    ((takes & HAS(present)) != 0 ? EVENT_PRESENT : 0);
	if (row->kind == EVENT_ENTER && (takes & HAS(present)) == 0)
		takes &= ~HAS(began); /* it begins now */
	ringtally_json_take(ev, takes);
	if (RT_UNLIKELY(row->kind == EVENT_CONTACT))
		/* of a line in a file nobody knows when it came */
		return ringtally_json_contact(said,
		    record->received_us != 0 ? record->received_us
					     : RINGTALLY_JSON_EVER,
		    why);
	if (ev->begin_us > ev->time_us) {
		*why = "began: after its time";
		return -1;
	}
	return ringtally_json_outcome(row, said, why);
}

/* "WHAT NAME", where it stays until the next record; empty: no room. */
static struct slice
ringtally_json_note_name(
    struct ringtally_json *j, const char *what, struct slice name)
{
	char *at = j->notes + j->n_notes;
	size_t room = sizeof(j->notes) - j->n_notes;
	int n = snprintf(at, room, "%s %.*s", what,
	    (int)RT_MIN(name.n, RINGTALLY_JSON_NAME), name.p);

	if ((size_t)n >= room)
		return SLICE("");
	j->n_notes += (size_t)n;
	return (struct slice){at, (size_t)n};
}

static void
ringtally_json_note(struct ringtally_json *j, const char *what,
    struct slice name, struct sink *sink)
{
	struct event ev = {.kind = EVENT_NOTE,
	    .flags = EVENT_UNKNOWN_NAME,
	    .time_us = j->said.ev.time_us,
	    .name = ringtally_json_note_name(j, what, name)};

	if (ev.name.n == 0)
		return;
	ev.call = ev.queue = ev.agent = ev.caller = ev.text = SLICE("");
	ev.wait_ms = ev.ring_ms = EVENT_UNKNOWN_MS;
	ev.talk_ms = ev.session_ms = EVENT_UNKNOWN_MS;
	sink->event(sink, &ev);
}

/* One object of the record. */
static RT_HOT int
ringtally_json_object(struct ringtally_json *j, const struct record *record,
    struct sink *sink, const char **why)
{
	struct ringtally_json_said *said = &j->said;
	struct event *ev = sink->room != NULL ? sink->room : &said->ev;
	unsigned i;

	if (ringtally_json_read(j, why) < 0)
		return -1;
	if ((said->has & HAS(event)) == 0) {
		*why = "event: it is missing";
		return -1;
	}
	if ((said->has & HAS(time)) == 0) {
		if (record->received_us == 0) {
			*why = "time: it is missing";
			return -1;
		}
		said->ev.time_us = record->received_us;
	}
	if (ringtally_json_mean(j, record, why) < 0)
		return -1;
	if (ev != &said->ev)
		*ev = said->ev;
	sink->event(sink, ev);
	for (i = 0; i < said->n_unknown; i++)
		ringtally_json_note(j, "member", said->unknown[i], sink);
	if (RT_UNLIKELY(said->ev.kind == EVENT_CONTACT) &&
	    !ringtally_json_knows_customer(said))
		ringtally_json_note(j, "customer",
		    SLICE("that is neither number nor address"), sink);
	return 0;
}

/* The record without the mark that some put before UTF-8. */
static struct slice
ringtally_json_text(const struct record *record)
{
	struct slice text = record->bytes;

	if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0) {
		text.p += 3;
		text.n -= 3;
	}
	return text;
}

/*
 * In an array each object stands for itself, as it would on a line: those that
 * make no sense are passed over, and the first one's reason is given.
 */
static RT_HOT int
ringtally_json_input(void *self, const struct record *record, struct sink *sink,
    const char **why)
{
	struct ringtally_json *j = self;
	const char *why_not;
	int rc, result = 0;

	json_flat_begin(&j->scan, ringtally_json_text(record));
	j->n_notes = 0;
	do {
		rc = json_flat_next(&j->scan, &why_not);
		if (rc < 0 ||
		    (rc > 0 &&
			ringtally_json_object(j, record, sink, &why_not) < 0)) {
			if (result == 0)
				*why = why_not;
			result = -1;
		}
	} while (rc > 0);
	return result;
}

/* A member of that name stands there, whatever it says. */
static bool
ringtally_json_names(const struct ringtally_json *j, struct slice name)
{
	unsigned i;

	for (i = 0; i < j->scan.n; i++)
		if (slice_eq(j->scan.member[i].name, name))
			return true;
	return false;
}

/* One that is empty, or null, could not be told beside ours. */
static int
ringtally_json_check_event(
    const struct ringtally_json *j, bool *has_event, const char **why)
{
	*has_event = ringtally_json_names(j, SLICE("event"));
	if (*has_event && !slice_eq(j->said.event, SLICE("contact"))) {
		*why = "event: not \"contact\"";
		return -1;
	}
	if (!*has_event && j->scan.n == JSON_FLAT_MEMBERS) {
		*why = "too many members";
		return -1;
	}
	return 0;
}

int
ringtally_json_check_contact(struct ringtally_json *j, struct slice text,
    int64_t now_us, bool *has_event, const char **why)
{
	json_flat_begin(&j->scan, text);
	if (json_flat_next(&j->scan, why) < 0)
		return -1;
	if (j->scan.state != JSON_FLAT_DONE || j->scan.is_array) {
		*why = "no JSON object";
		return -1;
	}
	if (ringtally_json_read(j, why) < 0 ||
	    ringtally_json_check_event(j, has_event, why) < 0)
		return -1;
	return ringtally_json_contact(&j->said, now_us, why);
}

void
ringtally_json_remarks(const struct ringtally_json *j,
    void (*fn)(void *ctx, const char *remark), void *ctx)
{
	const struct ringtally_json_said *said = &j->said;
	char text[RINGTALLY_JSON_NAME + 32];
	unsigned i;

	for (i = 0; i < said->n_unknown; i++) {
		snprintf(text, sizeof(text), "%.*s: no member of a contact",
		    (int)RT_MIN(said->unknown[i].n, RINGTALLY_JSON_NAME),
		    said->unknown[i].p);
		fn(ctx, text);
	}
	if (!ringtally_json_knows_customer(said))
		fn(ctx,
		    "customer: neither a number nor an e-mail address, left "
		    "out");
}

/*
 * The member `id` of a record of one object. A contact without one is told as
 * often as its sender likes, and may go back to what it was: it is known by its
 * ref, in the database.
 */
static bool
ringtally_json_key(void *self, const struct record *record, struct slice *key)
{
	struct ringtally_json *j = self;
	const char *why;

	json_flat_begin(&j->scan, ringtally_json_text(record));
	if (json_flat_next(&j->scan, &why) != 1 ||
	    j->scan.state != JSON_FLAT_DONE || j->scan.is_array ||
	    ringtally_json_read(j, &why) < 0)
		return false;
	if ((j->said.has & HAS(id)) == 0 &&
	    !slice_eq(j->said.event, SLICE("contact")))
		return false;
	*key = j->said.id;
	return true;
}

const struct stage ringtally_json_stage = {
    .name = "ringtally-json",
    .kind = STAGE_FORMAT,
    .traits = STAGE_OWN_TEXT | STAGE_UNIQUE_IDS,
    .framing = FRAMING_LINES,
    .help = "Our own events, as JSON: the way in for a dialler, a CRM system "
	    "or a cloud platform.",
    .facts = STAGE_KNOWS(live) | STAGE_KNOWS(queue) | STAGE_KNOWS(wait) |
	STAGE_KNOWS(answer) | STAGE_KNOWS(agent) | STAGE_KNOWS(talk) |
	STAGE_KNOWS(abandon) | STAGE_KNOWS(timeout) | STAGE_KNOWS(key) |
	STAGE_KNOWS(empty) | STAGE_KNOWS(withdrawn) | STAGE_KNOWS(refused) |
	STAGE_KNOWS(ring) | STAGE_KNOWS(transfer) | STAGE_KNOWS(caller) |
	STAGE_KNOWS(login) | STAGE_KNOWS(pause) | STAGE_KNOWS(wrap_up) |
	STAGE_KNOWS(restart) | STAGE_KNOWS(fine_wait) |
	STAGE_KNOWS(milliseconds),
    .open = ringtally_json_open,
    .input = ringtally_json_input,
    .key = ringtally_json_key,
    .close = ringtally_json_close,
};
