/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls by id: the table, and the visits that each holds. */
#include "base/base.h"
#include "base/table.h"
#include "base/utf8.h"
#include "call/machine.h"

_Static_assert(offsetof(struct call, id) + CALL_POOL_ID == CALL_LINE,
    "a call of a usual id fills a line");

/* Whether the machine will look for the event's call. */
static bool
call_is_asked_for(const struct machine *m, const struct event *ev)
{
	return ev->kind <= EVENT_SUMMARY ||
	    (ev->kind == EVENT_RING_NO_ANSWER && m->config.n_feeds > 1);
}

/* Whether the event's agent will be looked for by its hash. */
static bool
machine_asks_for_agent(const struct event *ev)
{
	return ev->kind == EVENT_CONNECT && ev->agent.n > 0;
}

static RT_HOT uint32_t
call_hash(struct slice id)
{
	return (uint32_t)XXH3_64bits(id.p, id.n);
}

RT_HOT bool
machine_expect(const struct machine *m, struct event *ev)
{
	if (!call_is_asked_for(m, ev))
		return false;
	ev->call_hash = call_hash(ev->call);
	__builtin_prefetch(slots_home(&m->calls, ev->call_hash));
	if (machine_asks_for_agent(ev)) {
		ev->agent_hash = tally_name_hash(ev->agent);
		__builtin_prefetch(
		    slots_home(&m->tally->agents, ev->agent_hash));
	}
	return true;
}

/*
 * What stands at the home of a hash: nearly always what is looked for, if it
 * is there at all, and looking further would cost more than it saves.
 */
static inline const void *
machine_guess(const struct slots *slots, uint32_t hash)
{
	const struct slot *home = slots_home(slots, hash);

	return home != NULL ? home->object : NULL;
}

RT_HOT void
machine_near(const struct machine *m, const struct event *ev)
{
	__builtin_prefetch(machine_guess(&m->calls, ev->call_hash));
	if (machine_asks_for_agent(ev))
		__builtin_prefetch(
		    machine_guess(&m->tally->agents, ev->agent_hash));
}

RT_HOT void
machine_nearer(const struct machine *m, const struct event *ev)
{
	const struct agent *agent;
	const struct call *call;

	if (ev->kind == EVENT_ENTER)
		return; /* mostly of a call that is not known yet */
	call = machine_guess(&m->calls, ev->call_hash);
	if (call != NULL) {
		__builtin_prefetch(call->visits);
		__builtin_prefetch((const char *)call->visits + CALL_LINE);
	}
	if (!machine_asks_for_agent(ev))
		return;
	agent = machine_guess(&m->tally->agents, ev->agent_hash);
	if (agent != NULL)
		__builtin_prefetch(agent->name);
}

static RT_HOT struct call *
call_new(struct machine *m, struct slice id, uint32_t hash)
{
	struct call *call;

	if (id.n <= CALL_POOL_ID)
		call = pool_get(&m->call_pool);
	else
		call = mem_zalloc(offsetof(struct call, id) + id.n);
	call->hash = hash;
	call->id_len = (uint16_t)id.n;
	memcpy(call->id, id.p, id.n);
	slots_add(&m->calls, hash, call);
	return call;
}

static RT_HOT struct call *
call_look_up(const struct machine *m, struct slice id, uint32_t hash)
{
	struct call *call;
	size_t at = 0;

	while ((call = slots_next(&m->calls, hash, &at)) != NULL)
		if (call->id_len == id.n && slice_same(call->id, id.p, id.n))
			return call;
	return NULL;
}

/*
 * An id that is not in the table as it was sent: cleaned, or new. On its own,
 * so that nobody else pays for `room` (which hardened builds fill with zeros).
 */
static struct call *
call_find_cleaned(struct machine *m, struct slice id, uint32_t hash, bool make)
{
	struct call *call = NULL;
	char room[CALL_ID_MAX];

	if (id.n > CALL_ID_MAX || !utf8_is_ascii(id.p, id.n)) {
		id.n = utf8_clean(room, sizeof(room), id.p, id.n);
		id.p = room;
		hash = call_hash(id);
		call = call_look_up(m, id, hash);
	}
	if (call == NULL && make)
		call = call_new(m, id, hash);
	return call;
}

RT_HOT struct call *
call_find(struct machine *m, struct slice id, uint32_t hash, bool make)
{
	struct call *call = call_look_up(m, id, hash);

	if (call != NULL)
		return call;
	if (id.n <= CALL_POOL_ID && utf8_is_ascii(id.p, id.n))
		return make ? call_new(m, id, hash) : NULL;
	return call_find_cleaned(m, id, hash, make);
}

static void
call_free(struct machine *m, struct call *call)
{
	slots_remove(&m->calls, call->hash, call);
	if (call->id_len <= CALL_POOL_ID)
		pool_put(&m->call_pool, call);
	else
		free(call);
}

void
call_forget_empty(struct machine *m, struct call *call)
{
	if (call != NULL && call->visits == NULL)
		call_free(m, call);
}

void
call_remove_visit(struct machine *m, struct visit *visit)
{
	struct call *call = visit->call;
	struct visit **at = &call->visits;

	while (*at != visit)
		at = &(*at)->next;
	*at = visit->next;
	if (call->visits == NULL)
		call_free(m, call);
	else /* as after a restart, which knows only what is remembered */
		call->entries = call->visits->number;
	visit->call = NULL;
}
