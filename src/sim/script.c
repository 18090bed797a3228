/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "sim/world.h"

/*
 * The lines, as Asterisk 22 writes them. This is where the time goes, so no
 * printf: fields are copied one behind the other.
 */

static const struct slice script_none = {"NONE", 4};

_Static_assert(SIM_LINE_MAX > SIM_ID_MAX * 4 + COUNCIL_NAME_MAX * 4 + 128,
    "a line of the longest names must fit");

static inline void
script_bytes(struct sim *sim, const void *bytes, size_t n)
{
	memcpy(sim->line.text + sim->line.n, bytes, n);
	sim->line.n += n;
}

static inline void
script_char(struct sim *sim, char c)
{
	sim->line.text[sim->line.n++] = c;
}

static void
script_uint(struct sim *sim, uint64_t value)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	script_bytes(sim, digits + i, sizeof(digits) - i);
}

/* A further field: a number, or a text. */
static void
script_number(struct sim *sim, int64_t value)
{
	script_char(sim, '|');
	script_uint(sim, value > 0 ? (uint64_t)value : 0);
}

static void
script_text(struct sim *sim, const char *text)
{
	script_char(sim, '|');
	script_bytes(sim, text, strlen(text));
}

static void
script_stamp(struct sim *sim)
{
	if (sim->stamp_s != sim->now_s) {
		sim->stamp_s = sim->now_s;
		sim->stamp_n = (uint32_t)snprintf(
		    sim->stamp, sizeof(sim->stamp), "%" PRId64 "|", sim->now_s);
	}
	script_bytes(sim, sim->stamp, sim->stamp_n);
}

/* Up to the event's name; the first parameter comes with its own '|'. */
static void
script_begin(struct sim *sim, struct slice call, struct slice queue,
    struct slice agent, const char *event)
{
	struct sim_line *line = &sim->line;

	line->n = 0;
	line->second = sim->now_s;
	line->enters = false;
	script_stamp(sim);
	line->call = (struct slice){line->text + line->n, call.n};
	script_bytes(sim, call.p, call.n);
	script_char(sim, '|');
	script_bytes(sim, queue.p, queue.n);
	script_char(sim, '|');
	line->agent = (struct slice){line->text + line->n, agent.n};
	script_bytes(sim, agent.p, agent.n);
	script_text(sim, event);
}

static void
script_tell(struct sim *sim, const struct sim_line *line)
{
	sim->sink->line(sim->sink, (struct slice){line->text, line->n});
}

void
script_quiet(struct sim *sim)
{
	if (sim->held.n > 0)
		script_tell(sim, &sim->held);
	sim->held.n = 0;
}

/*
 * Two threads that stamp their lines, and then take the lock the other way
 * round: so only lines of neighbouring seconds change places, and never those
 * of one call or agent.
 */
static bool
script_overtakes(const struct sim_line *line, const struct sim_line *held)
{
	return line->second == held->second + 1 &&
	    !slice_eq(line->call, held->call) &&
	    (slice_eq(line->agent, script_none) ||
		!slice_eq(line->agent, held->agent)) &&
	    !(line->enters && held->enters);
}

static void
script_hold(struct sim *sim)
{
	struct sim_line *held = &sim->held;

	*held = sim->line;
	held->call.p = held->text + (sim->line.call.p - sim->line.text);
	held->agent.p = held->text + (sim->line.agent.p - sim->line.text);
}

static void
script_end(struct sim *sim)
{
	bool late = false;

	script_char(sim, '\n');
	if (sim->held.n > 0)
		late = script_overtakes(&sim->line, &sim->held);
	if (!late)
		script_quiet(sim);
	if (!late && sim->config.disorder > 0 &&
	    dice_chance(&sim->noise, sim->config.disorder)) {
		script_hold(sim);
		return;
	}
	script_tell(sim, &sim->line);
	script_quiet(sim);
}

static struct slice
script_id(const struct sim_id *id)
{
	return (struct slice){id->text, id->n};
}

static struct slice
script_queue(const struct sim_queue *queue)
{
	return (struct slice){queue->name, queue->name_len};
}

static struct slice
script_agent(const struct sim_agent *agent)
{
	return (struct slice){agent->name, agent->name_len};
}

/* Begins a line of a call's: of its agent's, or with NONE. */
static void
script_of_call(
    struct sim *sim, const struct sim_call *call, bool agent, const char *event)
{
	script_begin(sim, script_id(&call->id), script_queue(call->queue),
	    agent ? script_agent(call->agent) : script_none, event);
}

static int64_t
script_since(const struct sim *sim, int64_t from_us)
{
	return sim->now_s - sim_whole(from_us);
}

void
script_event(struct sim *sim, const char *event)
{
	script_begin(sim, script_none, script_none, script_none, event);
	script_char(sim, '|');
	script_end(sim);
}

void
script_did(struct sim *sim, const struct sim_call *call)
{
	script_of_call(sim, call, false, "DID");
	script_text(sim, "01632960");
	script_bytes(sim, call->queue->exten + 1, 3);
	script_end(sim);
}

void
script_enter(struct sim *sim, const struct sim_call *call)
{
	script_of_call(sim, call, false, "ENTERQUEUE");
	script_char(sim, '|');
	script_text(sim, call->number);
	script_number(sim, call->position);
	sim->line.enters = true;
	script_end(sim);
}

void
script_refuse(struct sim *sim, const struct sim_call *call, const char *event)
{
	script_of_call(sim, call, false, event);
	script_char(sim, '|');
	sim->line.enters = true;
	script_end(sim);
}

void
script_connect(struct sim *sim, const struct sim_call *call)
{
	int64_t rang_us = sim->now_us - call->rang_us;

	script_of_call(sim, call, true, "CONNECT");
	script_number(sim, script_since(sim, call->entered_us));
	script_number(sim, sim_whole(call->rang_us));
	script_char(sim, '.');
	script_uint(sim, call->ring_no);
	script_number(sim, rang_us / USEC_PER_SEC);
	script_end(sim);
}

void
script_ring(struct sim *sim, const struct sim_call *call, const char *event)
{
	script_of_call(sim, call, true, event);
	script_number(sim, (sim->now_us - call->rang_us) / USEC_PER_MSEC);
	script_end(sim);
}

void
script_dump(struct sim *sim, const struct sim_call *call)
{
	script_of_call(sim, call, true, "AGENTDUMP");
	script_char(sim, '|');
	script_end(sim);
}

static uint32_t
script_position(const struct sim_call *call)
{
	const struct sim_call *other;
	uint32_t position = 1;

	TAILQ_FOREACH (other, &call->queue->waiters, list) {
		if (other == call)
			break;
		position++;
	}
	return position;
}

void
script_leave(struct sim *sim, const struct sim_call *call)
{
	static const char *const events[OUTCOMES] = {
	    [OUTCOME_ABANDONED] = "ABANDON",
	    [OUTCOME_TIMED_OUT] = "EXITWITHTIMEOUT",
	    [OUTCOME_EXITED_KEY] = "EXITWITHKEY",
	    [OUTCOME_EXITED_EMPTY] = "EXITEMPTY",
	    [OUTCOME_WITHDRAWN] = "WITHDRAW"};

	script_of_call(sim, call, false, events[call->leave]);
	if (call->leave == OUTCOME_EXITED_KEY) {
		script_char(sim, '|');
		script_char(sim, call->key);
	}
	script_number(sim, script_position(call));
	script_number(sim, call->position);
	script_number(sim, script_since(sim, call->entered_us));
	if (call->leave == OUTCOME_WITHDRAWN)
		script_text(sim, "call-back-request");
	script_end(sim);
}

/* What all ends of a conversation have: hold, talk and first position. */
static void
script_talk(struct sim *sim, const struct sim_call *call)
{
	script_number(
	    sim, sim_whole(call->answered_us) - sim_whole(call->entered_us));
	script_number(sim, script_since(sim, call->answered_us));
	script_number(sim, call->position);
	script_end(sim);
}

void
script_complete(struct sim *sim, const struct sim_call *call)
{
	const struct sim_id *id =
	    call->other_id.n > 0 ? &call->other_id : &call->id;

	script_begin(sim, script_id(id), script_queue(call->queue),
	    script_agent(call->agent),
	    call->talk_end == TALK_CALLER ? "COMPLETECALLER" : "COMPLETEAGENT");
	script_talk(sim, call);
}

void
script_blind(struct sim *sim, const struct sim_call *call)
{
	script_of_call(sim, call, true, "BLINDTRANSFER");
	script_text(sim, call->target->exten);
	script_text(sim, "from-internal");
	script_talk(sim, call);
}

void
script_attended(struct sim *sim, const struct sim_call *call)
{
	static const char hex[] = "0123456789abcdef";
	uint64_t bits = 0;
	int i;

	script_of_call(sim, call, true, "ATTENDEDTRANSFER");
	script_text(sim, "BRIDGE");
	script_char(sim, '|');
	for (i = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			script_char(sim, '-');
		bits = i % 16 == 0 ? dice_roll(&sim->dice) : bits >> 4;
		script_char(sim, hex[bits & 15]);
	}
	script_talk(sim, call);
}

void
script_disposition(struct sim *sim, const struct sim_call *call)
{
	script_of_call(sim, call, true, "DISPOSITION");
	script_text(sim, council_disposition(&sim->dice));
	script_end(sim);
}

/* The agent's own code for what the call was, QueueMetrics' verb for it. */
void
script_status(struct sim *sim, const struct sim_call *call)
{
	script_of_call(sim, call, true, "CALLSTATUS");
	script_text(sim, council_status(&sim->judge));
	script_end(sim);
}

/* Who did it: a wallboard's AMI client, an operator, the agent's phone. */
static struct slice
script_source(const struct sim_agent *agent)
{
	switch (agent->number % 3) {
	case 0:
		return SLICE("MANAGER");
	case 1:
		return SLICE("CLI");
	default:
		return script_id(&agent->session);
	}
}

void
script_member(struct sim *sim, const struct sim_agent *agent, bool add)
{
	unsigned i;

	for (i = 0; i < agent->n_skills; i++) {
		script_begin(sim, script_source(agent),
		    script_queue(agent->skills[i]), slice_of(agent->iface),
		    add ? "ADDMEMBER" : "REMOVEMEMBER");
		script_char(sim, '|');
		script_end(sim);
	}
}

void
script_login(struct sim *sim, const struct sim_agent *agent, bool in)
{
	script_begin(sim, script_id(&agent->session), script_none,
	    slice_of(agent->iface), in ? "AGENTLOGIN" : "AGENTLOGOFF");
	script_text(sim, "PJSIP/");
	script_uint(sim, agent->number);
	script_bytes(sim, "-000000a1", 9);
	if (!in)
		script_number(sim, script_since(sim, agent->came_us));
	script_end(sim);
}

void
script_pause(struct sim *sim, const struct sim_agent *agent, bool pause)
{
	const char *reason = pause ? agent->reason : "";
	unsigned i;

	if (agent->form != STAFF_PLAIN) {
		script_begin(sim, script_none, script_none, script_agent(agent),
		    pause ? "PAUSEALL" : "UNPAUSEALL");
		script_text(sim, reason);
		script_end(sim);
	}
	for (i = 0; i < agent->n_skills; i++) {
		script_begin(sim, script_none, script_queue(agent->skills[i]),
		    script_agent(agent), pause ? "PAUSE" : "UNPAUSE");
		script_text(sim, reason);
		script_end(sim);
	}
}
