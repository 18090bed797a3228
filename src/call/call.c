/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls by id: the table, and the visits that each holds. */
#include "base/base.h"
#include "base/utf8.h"
#include "call/machine.h"

static struct call *
call_new(struct machine *m, struct slice id)
{
	struct call *call;

	if (id.n <= CALL_POOL_ID)
		call = pool_get(&m->call_pool);
	else
		call = mem_zalloc(sizeof(*call) + id.n);
	call->id_len = (uint16_t)id.n;
	memcpy(call->id, id.p, id.n);
	HASH_ADD_KEYPTR(hh, m->calls, call->id, call->id_len, call);
	return call;
}

struct call *
call_find(struct machine *m, struct slice id, bool make)
{
	char room[CALL_ID_MAX];
	struct call *call;

	HASH_FIND(hh, m->calls, id.p, id.n, call);
	if (call != NULL)
		return call;
	if (id.n > CALL_ID_MAX || !utf8_is_ascii(id.p, id.n)) {
		id.n = utf8_clean(room, sizeof(room), id.p, id.n);
		id.p = room;
		HASH_FIND(hh, m->calls, id.p, id.n, call);
	}
	if (call == NULL && make)
		call = call_new(m, id);
	return call;
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
	struct visit **at = &visit->call->visits;

	while (*at != visit)
		at = &(*at)->next;
	*at = visit->next;
	if (visit->call->visits == NULL)
		call_free(m, visit->call);
	visit->call = NULL;
}
