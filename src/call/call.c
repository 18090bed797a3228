/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls by id: the table, and the visits that each holds. */
#include "base/base.h"
#include "base/utf8.h"
#include "call/machine.h"

/* Whether the machine will look for the event's call. */
static bool
call_is_asked_for(const struct event *ev)
{
	return ev->kind <= EVENT_REFUSE;
}

void
machine_expect(const struct machine *m, struct event *ev)
{
	unsigned bucket;

	if (!call_is_asked_for(ev))
		return;
	HASH_VALUE(ev->call.p, ev->call.n, ev->call_hash);
	if (m->calls == NULL)
		return;
	HASH_TO_BKT(ev->call_hash, m->calls->hh.tbl->num_buckets, bucket);
	__builtin_prefetch(&m->calls->hh.tbl->buckets[bucket]);
}

void
call_near(const struct machine *m, const struct event *ev)
{
	const UT_hash_handle *first;
	unsigned bucket;

	if (m->calls == NULL || !call_is_asked_for(ev))
		return;
	HASH_TO_BKT(ev->call_hash, m->calls->hh.tbl->num_buckets, bucket);
	first = m->calls->hh.tbl->buckets[bucket].hh_head;
	__builtin_prefetch(first);
	__builtin_prefetch((const char *)first + sizeof(*first));
}

static struct call *
call_new(struct machine *m, struct slice id, unsigned hash)
{
	struct call *call;

	if (id.n <= CALL_POOL_ID)
		call = pool_get(&m->call_pool);
	else
		call = mem_zalloc(sizeof(*call) + id.n);
	call->id_len = (uint16_t)id.n;
	memcpy(call->id, id.p, id.n);
	HASH_ADD_KEYPTR_BYHASHVALUE(
	    hh, m->calls, call->id, call->id_len, hash, call);
	return call;
}

/*
 * An id that is not in the table as it was sent: cleaned, or new. On its own,
 * so that nobody else pays for `room` (which hardened builds fill with zeros).
 */
static struct call *
call_find_cleaned(struct machine *m, struct slice id, unsigned hash, bool make)
{
	struct call *call = NULL;
	char room[CALL_ID_MAX];

	if (id.n > CALL_ID_MAX || !utf8_is_ascii(id.p, id.n)) {
		id.n = utf8_clean(room, sizeof(room), id.p, id.n);
		id.p = room;
		HASH_VALUE(id.p, id.n, hash);
		HASH_FIND_BYHASHVALUE(hh, m->calls, id.p, id.n, hash, call);
	}
	if (call == NULL && make)
		call = call_new(m, id, hash);
	return call;
}

struct call *
call_find(struct machine *m, struct slice id, unsigned hash, bool make)
{
	struct call *call;

	HASH_FIND_BYHASHVALUE(hh, m->calls, id.p, id.n, hash, call);
	if (call != NULL)
		return call;
	if (id.n <= CALL_POOL_ID && utf8_is_ascii(id.p, id.n))
		return make ? call_new(m, id, hash) : NULL;
	return call_find_cleaned(m, id, hash, make);
}

static void
call_free(struct machine *m, struct call *call)
{
	HASH_DEL(m->calls, call);
	if (call->id_len <= CALL_POOL_ID)
		pool_put(&m->call_pool, call);
	else
		free(call);
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
