/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "format/avaya_ipoffice_inner.h"
#include "format/blank.h"
#include "format/pack.h"

static struct slice
ipo_call_agent(const struct ipo_line *line, const struct ipo_options *options)
{
	bool by_name = options->agent == IPO_AGENT_NAME && line->name.n > 0;

	return by_name ? line->name : line->device;
}

static struct slice
ipo_call_queue(const struct ipo_line *line, const struct ipo_options *options)
{
	switch (options->queue) {
	case IPO_DIALLED:
		return line->dialled;
	case IPO_TARGETED:
		return line->targeted;
	default:
		return line->called;
	}
}

static RT_HOT void
ipo_call_set_key(struct ipo_call *call, const struct ipo_line *line)
{
	size_t n = line->start.n;

	BUG_ON(n + 1 + line->id_text.n > IPO_KEY_MAX);
	memcpy(call->key, line->start.p, n);
	call->key[n] = '/';
	memcpy(call->key + n + 1, line->id_text.p, line->id_text.n);
	call->key_n = n + 1 + line->id_text.n;
}

/*
 * A person talks: the first one's answer ends the wait. What the caller spent
 * on hold is no part of the connected time here, but of the conversation, as
 * with other switches.
 */
static void
ipo_call_add_person(struct ipo_call *call, const struct ipo_line *line,
    const struct ipo_options *options)
{
	call->talk_s += line->connected_s + line->hold_s;
	if (call->answer != IPO_PERSON) {
		call->answer = IPO_PERSON;
		call->wait_s = call->queue_s + line->ring_s;
		call->agent = ipo_call_agent(line, options);
		call->device = line->device;
	} else if (line->device.n > 0 &&
	    !slice_eq(line->device, call->device)) {
		call->transferred = true;
	}
}

/*
 * Voicemail takes a call that nobody answered; it may come back from there.
 * Who is in the menu of an auto-attendant waits for nobody yet.
 */
static void
ipo_call_add_machine(struct ipo_call *call, const struct ipo_line *line)
{
	if (line->menu && call->answer == IPO_NOBODY && call->queue_s == 0) {
		call->answer = IPO_MENU;
	} else if (!line->menu && call->answer < IPO_MACHINE) {
		call->answer = IPO_MACHINE;
		call->wait_s = call->queue_s + line->ring_s;
	}
}

RT_HOT void
ipo_call_add(struct ipo_call *call, const struct ipo_line *line,
    const struct ipo_options *options)
{
	int64_t all_s =
	    line->ring_s + line->connected_s + line->hold_s + line->park_s;

	if (line->connected && !line->machine) {
		ipo_call_add_person(call, line, options);
	} else if (line->connected) {
		ipo_call_add_machine(call, line);
	} else if (call->answer <= IPO_MENU) {
		call->answer = IPO_NOBODY;
		call->wait_s = call->queue_s + all_s;
	}
	call->elapsed_s += all_s;
	if (call->answer != IPO_MENU)
		call->queue_s += all_s;
}

RT_HOT void
ipo_call_begin(struct ipo_call *call, const struct ipo_line *line,
    const struct ipo_options *options)
{
	call->start_s = line->start_s;
	call->id = line->id;
	call->elapsed_s = call->queue_s = call->wait_s = call->talk_s = 0;
	call->answer = IPO_NOBODY;
	call->offered = line->inbound;
	call->transferred = call->ambiguous = call->told = false;
	call->hidden = false;
	call->queue = ipo_call_queue(line, options);
	call->caller = line->caller;
	call->agent = call->device = (struct slice){"", 0};
	call->room = NULL;
	ipo_call_set_key(call, line);
	ipo_call_add(call, line, options);
}

static void
ipo_call_own(struct slice *text, char *room, size_t max)
{
	size_t n = RT_MIN(text->n, max);

	if (text->p != room)
		memcpy(room, text->p, n);
	*text = (struct slice){room, n};
}

void
ipo_call_own_texts(struct ipo_call *call)
{
	struct ipo_room *room = call->room;

	ipo_call_own(&call->queue, room->queue, sizeof(room->queue));
	ipo_call_own(&call->caller, room->caller, sizeof(room->caller));
	ipo_call_own(&call->agent, room->agent, sizeof(room->agent));
	ipo_call_own(&call->device, room->device, sizeof(room->device));
}

struct ipo_call *
ipo_call_keep(const struct ipo_call *call)
{
	struct ipo_call *kept = mem_alloc(sizeof(*kept));

	*kept = *call;
	kept->room = mem_alloc(sizeof(*kept->room));
	ipo_call_own_texts(kept);
	return kept;
}

void
ipo_call_free(struct ipo_call *call)
{
	free(call->room);
	free(call);
}

void
ipo_call_save(const struct ipo_call *call, const struct stage_setup *setup,
    struct strbuf *to)
{
	unsigned flags = call->offered | (unsigned)call->transferred << 1 |
	    (unsigned)call->ambiguous << 2 | (unsigned)call->told << 3;

	pack_int(to, call->start_s);
	pack_int(to, call->id);
	pack_int(to, call->at[0]);
	pack_int(to, call->at[1]);
	pack_int(to, call->begin_us);
	pack_int(to, call->end_us);
	pack_int(to, call->heard_us);
	pack_int(to, call->elapsed_s);
	pack_int(to, call->queue_s);
	pack_int(to, call->wait_s);
	pack_int(to, call->talk_s);
	pack_int(to, call->answer);
	pack_int(to, flags);
	pack_text(to, (struct slice){call->key, call->key_n});
	pack_text(to, call->queue);
	pack_caller(to, setup, call->caller, call->hidden);
	pack_text(to, call->agent);
	pack_text(to, call->device);
}

static bool
ipo_call_unpack(struct ipo_call *call, struct slice *from)
{
	int64_t answer, flags;
	struct slice key;

	if (!unpack_int(from, &call->start_s) || !unpack_int(from, &call->id) ||
	    !unpack_int(from, &call->at[0]) ||
	    !unpack_int(from, &call->at[1]) ||
	    !unpack_int(from, &call->begin_us) ||
	    !unpack_int(from, &call->end_us) ||
	    !unpack_int(from, &call->heard_us) ||
	    !unpack_int(from, &call->elapsed_s) ||
	    !unpack_int(from, &call->queue_s) ||
	    !unpack_int(from, &call->wait_s) ||
	    !unpack_int(from, &call->talk_s) || !unpack_int(from, &answer) ||
	    !unpack_int(from, &flags) || !unpack_text(from, &key) ||
	    !unpack_text(from, &call->queue) ||
	    !unpack_text(from, &call->caller) ||
	    !unpack_text(from, &call->agent) ||
	    !unpack_text(from, &call->device) || answer < IPO_NOBODY ||
	    answer > IPO_PERSON || key.n > IPO_KEY_MAX)
		return false;
	call->answer = (enum ipo_answer)answer;
	call->offered = flags & 1;
	call->transferred = flags >> 1 & 1;
	call->ambiguous = flags >> 2 & 1;
	call->told = flags >> 3 & 1;
	call->hidden = true;
	memcpy(call->key, key.p, key.n);
	call->key_n = key.n;
	return true;
}

struct ipo_call *
ipo_call_load(struct slice *from)
{
	struct ipo_call call;

	memset(&call, 0, sizeof(call));
	return ipo_call_unpack(&call, from) ? ipo_call_keep(&call) : NULL;
}

RT_HOT void
ipo_call_emit(const struct ipo_call *call, struct sink *sink)
{
	struct event own, *ev = sink->room != NULL ? sink->room : &own;

	blank_event(ev);
	ev->kind = EVENT_SUMMARY;
	ev->name = SLICE("SMDR");
	ev->time_us = call->end_us;
	ev->begin_us = call->begin_us;
	ev->call = (struct slice){call->key, call->key_n};
	ev->queue = call->queue;
	ev->caller = call->caller;
	ev->wait_ms = call->wait_s * 1000;
	switch (call->answer) {
	case IPO_PERSON:
		ev->outcome = OUTCOME_ANSWERED;
		ev->agent = call->agent;
		ev->talk_ms = call->talk_s * 1000;
		break;
	case IPO_MACHINE:
	case IPO_MENU:
		ev->outcome = OUTCOME_TIMED_OUT;
		break;
	case IPO_NOBODY: /* or the switch ended it: nothing tells */
		ev->outcome = OUTCOME_ABANDONED;
		ev->flags |= EVENT_UNSURE;
		break;
	}
	if (call->transferred)
		ev->flags |= EVENT_TRANSFERRED;
	if (call->ambiguous)
		ev->flags |= EVENT_AMBIGUOUS;
	if (call->hidden)
		ev->flags |= EVENT_HIDDEN;
	sink->event(sink, ev);
}
