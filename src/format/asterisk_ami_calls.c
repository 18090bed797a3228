/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the manager interface tells of callers. Its words lie:
 *
 * - QueueCallerLeave comes before AgentConnect, and for every way out.
 * - QueueCallerAbandon comes before its Leave, and also when the queue gave up,
 *   ran out of agents, or a command took the call out. What it was says the
 *   variable QUEUESTATUS, set behind the Leave, where the class dialplan is
 *   read; else a HangupRequest of the caller's channel before it makes it an
 *   abandonment (366 of 366 in a recording of Asterisk 22, and none of 165
 *   others), and without one it is one of three.
 * - A Leave that nothing follows: the caller pressed a key.
 * - AgentComplete may come without the caller's Uniqueid, or under another one
 *   when a Local channel was optimised away; then queue, member, wait and time
 *   tell which conversation it ends.
 */
#include "base/base.h"
#include "format/asterisk_ami.h"

/* In one thread of the switch; 3.5 ms was the longest of 1,833. */
#define AMI_FOLLOWS_US USEC_PER_SEC
/* The member's phone was answered, and a routine may run before CONNECT. */
#define AMI_ROUTINE_US (300 * USEC_PER_SEC)
/* Between where a completion says that a talk began, and where it did. */
#define AMI_MISSES_US (5 * USEC_PER_SEC)

static const char ami_no_call[] = "no Uniqueid";
static const char ami_no_queue[] = "no Queue";

static struct slice
ami_caller_number(const struct ami *a)
{
	struct slice s = ami_known(ami_value(a, AMI_CALLER_NUM));

	return s.n > 0 ? s : ami_known(ami_value(a, AMI_CALLER_ID));
}

/* The member's name, as queue_log has it; its interface where it has none. */
static struct slice
ami_agent(const struct ami *a)
{
	struct slice s = ami_value(a, AMI_MEMBER_NAME);

	return s.n > 0 ? s : ami_value_of(a, AMI_INTERFACE, AMI_MEMBER);
}

static struct event *
ami_begin_call(struct ami *a, enum event_kind kind)
{
	struct event *ev = ami_begin(a, kind, ami_value(a, AMI_EVENT));

	ev->call = ami_value(a, AMI_UNIQUEID);
	return ev;
}

static const char *
ami_lacks(const struct ami *a)
{
	if (ami_value(a, AMI_UNIQUEID).n == 0)
		return ami_no_call;
	return ami_value(a, AMI_QUEUE).n == 0 ? ami_no_queue : NULL;
}

static struct stay *
ami_find(struct ami *a, enum stay_state state)
{
	return stays_find(&a->stays, ami_value(a, AMI_UNIQUEID),
	    ami_value(a, AMI_QUEUE), state);
}

static struct stay *
ami_add(struct ami *a, enum stay_state state)
{
	struct stay *stay = stays_add(&a->stays, ami_value(a, AMI_UNIQUEID),
	    ami_value(a, AMI_QUEUE), state, a->now_us);

	stay->flags = STAY_CONFIRMED;
	return stay;
}

/* --- how a stay ended ----------------------------------------------------- */

/* status: the QUEUESTATUS, or nothing where it is not told. */
static enum outcome
ami_outcome_of(struct slice status)
{
	static const struct {
		const char *status;
		enum outcome outcome;
	} outcomes[] = {
	    {"TIMEOUT", OUTCOME_TIMED_OUT},
	    {"LEAVEEMPTY", OUTCOME_EXITED_EMPTY},
	    {"LEAVEUNAVAIL", OUTCOME_EXITED_EMPTY},
	    {"WITHDRAW", OUTCOME_WITHDRAWN},
	    {"FULL", OUTCOME_REFUSED},
	    {"JOINEMPTY", OUTCOME_REFUSED},
	    {"JOINUNAVAIL", OUTCOME_REFUSED},
	};
	size_t i;

	for (i = 0; i < RT_COUNT(outcomes); i++)
		if (ami_same(status, slice_of(outcomes[i].status)))
			return outcomes[i].outcome;
	return OUTCOME_NONE;
}

/*
 * Where nothing says it, by what was heard. ended: the caller's channel is
 * gone now.
 */
static enum outcome
ami_outcome_guess(
    const struct ami *a, const struct stay *stay, bool ended, bool *unsure)
{
	*unsure = false;
	if ((stay->flags & STAY_ABANDONED) == 0)
		return OUTCOME_EXITED_KEY;
	/* for all else QUEUESTATUS would have been set */
	if ((stay->flags & STAY_HUNG_UP) != 0 || a->tells_status)
		return OUTCOME_ABANDONED;
	*unsure = true;
	/* a feed that has no HangupRequest at all: the end is what it has */
	return ended && !a->tells_requests ? OUTCOME_ABANDONED
					   : OUTCOME_TIMED_OUT;
}

static void
ami_tell_end(struct ami *a, struct stay *stay, struct slice name,
    enum outcome outcome, bool unsure)
{
	struct event *ev = ami_begin(a, EVENT_LEAVE, name);

	ev->outcome = outcome;
	ev->flags = unsure ? EVENT_UNSURE : 0;
	ev->time_us = stay->time_us;
	ev->call = stay_text(stay, STAY_CALL);
	ev->queue = stay_text(stay, STAY_QUEUE);
	ev->wait_ms = stay->wait_ms;
	ami_emit(a, ev);
	stays_remove(&a->stays, stay);
}

/*
 * Up to Asterisk 11 a queue tells of agents only with `eventwhencalled`. Where
 * it does not, a Leave may be an answer just as well: nothing is said of it,
 * and the visit is given up as lost in time.
 */
static bool
ami_may_be_answered(const struct ami *a, const struct stay *stay)
{
	return (stay->flags & STAY_ABANDONED) == 0 &&
	    ((stay->flags & STAY_ANSWERED) != 0 ||
		(a->old && !a->tells_agents));
}

static void
ami_resolve(struct ami *a, struct stay *stay, bool ended)
{
	bool abandoned = (stay->flags & STAY_ABANDONED) != 0, unsure;
	enum outcome outcome;

	if (ami_may_be_answered(a, stay)) {
		stays_remove(&a->stays, stay);
		return;
	}
	outcome = ami_outcome_guess(a, stay, ended, &unsure);
	ami_tell_end(a, stay,
	    abandoned ? SLICE("QueueCallerAbandon") : SLICE("QueueCallerLeave"),
	    outcome, unsure);
}

/* All of that call that have left: something later is told of it. */
static void
ami_resolve_call(struct ami *a, bool ended)
{
	struct stay *stay;

	while ((stay = stays_find(&a->stays, ami_value(a, AMI_UNIQUEID),
		    (struct slice){"", 0}, STAY_LEFT)) != NULL)
		ami_resolve(a, stay, ended);
}

void
ami_calls_pass(struct ami *a)
{
	struct stay *stay, *next;

	for (stay = TAILQ_FIRST(&a->stays.states[STAY_LEFT]); stay != NULL;
	     stay = next) {
		int64_t since_us = a->now_us - stay->time_us;

		next = TAILQ_NEXT(stay, list);
		if (since_us < AMI_FOLLOWS_US)
			break;
		if ((stay->flags & STAY_ANSWERED) == 0 ||
		    since_us >= AMI_ROUTINE_US)
			ami_resolve(a, stay, false);
	}
}

void
ami_calls_break(struct ami *a)
{
	struct stay *stay;

	while ((stay = TAILQ_FIRST(&a->stays.states[STAY_LEFT])) != NULL)
		if ((stay->flags & STAY_ABANDONED) != 0)
			ami_resolve(a, stay, false);
		else /* the answer may be what we did not hear */
			stays_remove(&a->stays, stay);
	while ((stay = TAILQ_FIRST(&a->stays.states[STAY_ASKED])) != NULL)
		stays_remove(&a->stays, stay);
}

/* --- callers come and go -------------------------------------------------- */

static void
ami_forget_asked(struct ami *a)
{
	struct stay *stay;

	while ((stay = stays_find(&a->stays, ami_value(a, AMI_UNIQUEID),
		    (struct slice){"", 0}, STAY_ASKED)) != NULL)
		stays_remove(&a->stays, stay);
}

const char *
ami_join(struct ami *a)
{
	const char *why = ami_lacks(a);
	struct stay *stay;
	struct event *ev;

	if (why != NULL)
		return why;
	a->old = ami_same(ami_value(a, AMI_EVENT), SLICE("Join"));
	ami_resolve_call(a, false);
	ami_forget_asked(a);
	stay = ami_find(a, STAY_WAITING);
	if (stay != NULL && (stay->flags & STAY_LISTED) != 0) {
		/* the list overtook this message; it has told of the caller */
		stay->flags &= (uint8_t)~STAY_LISTED;
		return NULL;
	}
	if (stay == NULL)
		stay = ami_add(a, STAY_WAITING);
	stay->flags |= STAY_CONFIRMED;
	ev = ami_begin_call(a, EVENT_ENTER);
	ev->caller = ami_caller_number(a);
	ami_emit(a, ev);
	return NULL;
}

/* The stay that is being left; NULL: it is known to have been answered. */
static struct stay *
ami_leaving(struct ami *a)
{
	struct stay *stay = ami_find(a, STAY_LEFT);

	if (stay != NULL)
		return stay;
	stay = ami_find(a, STAY_WAITING);
	if (stay != NULL)
		stays_set_state(&a->stays, stay, STAY_LEFT, a->now_us);
	else if (ami_find(a, STAY_TALKING) == NULL)
		stay = ami_add(a, STAY_LEFT);
	return stay;
}

const char *
ami_leave(struct ami *a)
{
	const char *why = ami_lacks(a);
	struct stay *stay;

	if (why != NULL)
		return why;
	stay = ami_leaving(a);
	if (stay != NULL && (stay->flags & STAY_ABANDONED) != 0 &&
	    (stay->flags & STAY_HUNG_UP) != 0 && !a->tells_status)
		ami_resolve(a, stay, false);
	return NULL;
}

const char *
ami_abandon(struct ami *a)
{
	const char *why = ami_lacks(a);
	struct stay *stay;

	if (why != NULL)
		return why;
	stay = ami_leaving(a);
	if (stay == NULL)
		stay = ami_add(a, STAY_LEFT);
	stay->flags |= STAY_ABANDONED;
	stay->wait_ms = ami_ms(a, AMI_HOLD_TIME, 1000);
	return NULL;
}

const char *
ami_hangup_request(struct ami *a)
{
	struct slice call = ami_value(a, AMI_UNIQUEID);
	struct stay *stay;
	size_t at = 0;

	a->tells_requests = true;
	while (call.n > 0 && (stay = stays_next(&a->stays, call, &at)) != NULL)
		if (stay->state == STAY_WAITING)
			stay->flags |= STAY_HUNG_UP;
	return NULL;
}

const char *
ami_hangup(struct ami *a)
{
	ami_resolve_call(a, true);
	ami_forget_asked(a);
	return NULL;
}

/* The member's phone was answered: no key, whatever is long in coming. */
const char *
ami_dial_end(struct ami *a)
{
	struct slice call = ami_value(a, AMI_UNIQUEID);
	struct stay *stay;
	size_t at = 0;

	if (!ami_same(ami_value(a, AMI_DIAL_STATUS), SLICE("ANSWER")))
		return NULL;
	while (call.n > 0 && (stay = stays_next(&a->stays, call, &at)) != NULL)
		if (stay->state == STAY_WAITING)
			stay->flags |= STAY_ANSWERED;
	return NULL;
}

/* --- what the dialplan tells, where it is read ---------------------------- */

/* Queue(name,options...): behind it stands how it went, or a Join. */
const char *
ami_new_exten(struct ami *a)
{
	struct slice data = ami_value(a, AMI_APP_DATA), queue = data;
	size_t n;

	if (!ami_same(ami_value(a, AMI_APPLICATION), SLICE("Queue")) ||
	    ami_value(a, AMI_UNIQUEID).n == 0)
		return NULL;
	for (n = 0; n < data.n && data.p[n] != ',' && data.p[n] != '|'; n++)
		;
	queue.n = n;
	ami_resolve_call(a, false);
	ami_forget_asked(a);
	stays_add(&a->stays, ami_value(a, AMI_UNIQUEID), queue, STAY_ASKED,
	    a->now_us);
	return NULL;
}

/* The queue of a refused caller is the one that was asked for. */
static void
ami_refuse(struct ami *a, struct slice status)
{
	struct stay *stay = stays_find(&a->stays, ami_value(a, AMI_UNIQUEID),
	    (struct slice){"", 0}, STAY_ASKED);
	struct event *ev;

	if (stay == NULL || stay->length[STAY_QUEUE] == 0)
		return;
	ev = ami_begin(a, EVENT_REFUSE, status);
	ev->outcome = OUTCOME_REFUSED;
	ev->call = stay_text(stay, STAY_CALL);
	ev->queue = stay_text(stay, STAY_QUEUE);
	ami_emit(a, ev);
	stays_remove(&a->stays, stay);
}

const char *
ami_var_set(struct ami *a)
{
	struct slice status = ami_value(a, AMI_VALUE);
	enum outcome outcome = ami_outcome_of(status);
	struct stay *stay;

	if (!ami_same(ami_value(a, AMI_VARIABLE), SLICE("QUEUESTATUS")))
		return NULL;
	a->tells_status = true;
	stay = stays_find(&a->stays, ami_value(a, AMI_UNIQUEID),
	    (struct slice){"", 0}, STAY_LEFT);
	if (outcome == OUTCOME_REFUSED)
		ami_refuse(a, status);
	else if (outcome != OUTCOME_NONE && stay != NULL)
		ami_tell_end(a, stay, status, outcome, false);
	return NULL;
}

/* --- conversations -------------------------------------------------------- */

const char *
ami_called(struct ami *a)
{
	a->tells_agents = true;
	return NULL;
}

static void
ami_remember_talk(struct ami *a, int64_t wait_ms)
{
	struct slice interface = ami_value_of(a, AMI_INTERFACE, AMI_MEMBER);
	struct stay *stay = ami_find(a, STAY_LEFT);

	if (stay == NULL)
		stay = ami_find(a, STAY_WAITING);
	if (stay == NULL)
		stay = ami_add(a, STAY_TALKING);
	else
		stays_set_state(&a->stays, stay, STAY_TALKING, a->now_us);
	stay->flags = 0;
	stay->wait_ms = wait_ms;
	stays_set_text(&a->stays, stay, STAY_AGENT, ami_agent(a));
	stays_set_text(&a->stays, stay, STAY_INTERFACE, interface);
	stays_set_text(&a->stays, stay, STAY_CHANNEL,
	    ami_value_of(a, AMI_DEST_UNIQUEID, AMI_BRIDGED_CHANNEL));
}

const char *
ami_connect(struct ami *a)
{
	const char *why = ami_lacks(a);
	struct event *ev;

	if (why != NULL)
		return why;
	a->tells_agents = true;
	ev = ami_begin_call(a, EVENT_CONNECT);
	ev->agent = ami_agent(a);
	ev->wait_ms = ami_ms(a, AMI_HOLD_TIME, 1000);
	ev->ring_ms = ami_ms(a, AMI_RING_TIME, 1000);
	ami_remember_talk(a, ev->wait_ms);
	ami_emit(a, ev);
	return NULL;
}

static bool
ami_is_talk(const struct ami *a, const struct stay *stay, int64_t wait_ms)
{
	struct slice interface = ami_value_of(a, AMI_INTERFACE, AMI_MEMBER);

	return stay_is(stay, STAY_QUEUE, ami_value(a, AMI_QUEUE)) &&
	    (interface.n > 0 ? stay_is(stay, STAY_INTERFACE, interface)
			     : stay_is(stay, STAY_AGENT, ami_agent(a))) &&
	    stay->wait_ms == wait_ms;
}

/*
 * The conversation that ended: of that call; else the one with that member, in
 * that queue, after that wait, that began when the completion says.
 */
static struct stay *
ami_find_talk(struct ami *a, int64_t wait_ms, int64_t talk_ms)
{
	struct slice channel = ami_value(a, AMI_DEST_UNIQUEID);
	struct stay *stay = ami_find(a, STAY_TALKING), *found = NULL;
	int64_t misses, least = AMI_MISSES_US;

	if (stay != NULL)
		return stay;
	TAILQ_FOREACH (stay, &a->stays.states[STAY_TALKING], list) {
		if (!ami_is_talk(a, stay, wait_ms))
			continue;
		if (channel.n > 0 && stay_is(stay, STAY_CHANNEL, channel))
			return stay;
		misses = talk_ms == EVENT_UNKNOWN_MS
		    ? 0
		    : llabs(
			  a->now_us - talk_ms * USEC_PER_MSEC - stay->time_us);
		if (misses < least) {
			least = misses;
			found = stay;
		}
	}
	return found;
}

const char *
ami_complete(struct ami *a)
{
	struct stay *stay;
	struct event *ev;

	if (ami_value(a, AMI_QUEUE).n == 0)
		return ami_no_queue;
	ev = ami_begin_call(a, EVENT_COMPLETE);
	ev->agent = ami_agent(a);
	ev->wait_ms = ami_ms(a, AMI_HOLD_TIME, 1000);
	ev->talk_ms = ami_ms(a, AMI_TALK_TIME, 1000);
	if (ami_same(ami_value(a, AMI_REASON), SLICE("transfer")))
		ev->flags |= EVENT_TRANSFERRED;
	stay = ami_find_talk(a, ev->wait_ms, ev->talk_ms);
	if (stay == NULL) {
		ami_emit(a, ev);
		return NULL;
	}
	ev->call = stay_text(stay, STAY_CALL);
	if ((stay->flags & STAY_TRANSFERRED) != 0) {
		ev->flags |= EVENT_TRANSFERRED;
		ev->text = stay_text(stay, STAY_TARGET);
	}
	ami_emit(a, ev);
	stays_remove(&a->stays, stay);
	return NULL;
}

/* The agent sent the caller back, who goes on waiting. */
const char *
ami_dump(struct ami *a)
{
	const char *why = ami_lacks(a);
	struct stay *stay;
	struct event *ev;

	if (why != NULL)
		return why;
	a->tells_agents = true;
	stay = ami_find(a, STAY_WAITING);
	if (stay != NULL)
		stay->flags &= (uint8_t)~STAY_ANSWERED;
	ev = ami_begin_call(a, EVENT_AGENT_DUMP);
	ev->agent = ami_agent(a);
	ami_emit(a, ev);
	return NULL;
}

/* Milliseconds here, though seconds in AgentConnect. */
const char *
ami_ring_no_answer(struct ami *a)
{
	struct event *ev;

	if (ami_value(a, AMI_QUEUE).n == 0)
		return ami_no_queue;
	a->tells_agents = true;
	ev = ami_begin_call(a, EVENT_RING_NO_ANSWER);
	ev->agent = ami_agent(a);
	ev->ring_ms = ami_ms(a, AMI_RING_TIME, 1);
	ami_emit(a, ev);
	return NULL;
}

/* The conversation of the caller, or of the agent's channel. */
static void
ami_transferred(
    struct ami *a, struct slice call, struct slice channel, struct slice target)
{
	struct stay *stay =
	    stays_find(&a->stays, call, (struct slice){"", 0}, STAY_TALKING);

	if (!ami_same(ami_value(a, AMI_RESULT), SLICE("Success")))
		return;
	if (stay == NULL && channel.n > 0)
		TAILQ_FOREACH (stay, &a->stays.states[STAY_TALKING], list)
			if (stay_is(stay, STAY_CHANNEL, channel))
				break;
	if (stay == NULL)
		return;
	stay->flags |= STAY_TRANSFERRED;
	stays_set_text(&a->stays, stay, STAY_TARGET, target);
}

const char *
ami_blind_transfer(struct ami *a)
{
	ami_transferred(a, ami_value(a, AMI_TRANSFEREE),
	    ami_value(a, AMI_TRANSFERER), ami_value(a, AMI_EXTENSION));
	return NULL;
}

const char *
ami_attended_transfer(struct ami *a)
{
	ami_transferred(a, ami_value(a, AMI_TRANSFEREE),
	    ami_value(a, AMI_ORIG_TRANSFERER),
	    ami_known(ami_value(a, AMI_TARGET_EXTEN)));
	return NULL;
}

/* --- the picture ---------------------------------------------------------- */

static void
ami_tell_present(struct ami *a, struct slice call, struct slice queue,
    struct slice caller, int64_t wait_ms)
{
	struct event *ev = ami_begin(a, EVENT_ENTER, SLICE("QueueEntry"));

	ev->flags = EVENT_PRESENT;
	ev->call = call;
	ev->queue = queue;
	ev->caller = caller;
	ev->begin_us = a->now_us;
	if (wait_ms != EVENT_UNKNOWN_MS)
		ev->begin_us -= wait_ms * USEC_PER_MSEC;
	ami_emit(a, ev);
}

const char *
ami_entry(struct ami *a)
{
	const char *why = ami_lacks(a);
	struct stay *stay;

	if (a->picture != AMI_PICTURE_OPEN)
		return NULL;
	if (why != NULL)
		return why;
	stay = ami_find(a, STAY_WAITING);
	if (stay == NULL) {
		stay = ami_add(a, STAY_WAITING);
		stay->flags |= STAY_LISTED;
	}
	stay->flags |= STAY_CONFIRMED;
	ami_tell_present(a, ami_value(a, AMI_UNIQUEID), ami_value(a, AMI_QUEUE),
	    ami_caller_number(a), ami_ms(a, AMI_WAIT, 1000));
	return NULL;
}

/*
 * Who has left by now is not in the list, but for the call machine still
 * waits: it is told what became of them. Who was answered, with the CONNECT
 * still to come, is there.
 */
void
ami_calls_settle(struct ami *a)
{
	struct stay *stay, *next;

	for (stay = TAILQ_FIRST(&a->stays.states[STAY_LEFT]); stay != NULL;
	     stay = next) {
		next = TAILQ_NEXT(stay, list);
		if ((stay->flags & STAY_ANSWERED) == 0)
			ami_resolve(a, stay, false);
		else
			ami_tell_present(a, stay_text(stay, STAY_CALL),
			    stay_text(stay, STAY_QUEUE), (struct slice){"", 0},
			    EVENT_UNKNOWN_MS);
	}
}

void
ami_calls_doubt(struct ami *a)
{
	struct stay *stay;

	TAILQ_FOREACH (stay, &a->stays.states[STAY_WAITING], list)
		stay->flags &= (uint8_t) ~(STAY_CONFIRMED | STAY_LISTED);
}

void
ami_calls_forget(struct ami *a)
{
	struct stay *stay, *next;

	for (stay = TAILQ_FIRST(&a->stays.states[STAY_WAITING]); stay != NULL;
	     stay = next) {
		next = TAILQ_NEXT(stay, list);
		if ((stay->flags & STAY_CONFIRMED) == 0)
			stays_remove(&a->stays, stay);
	}
}
