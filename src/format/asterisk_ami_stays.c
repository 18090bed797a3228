/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/table.h"
#include "format/asterisk_ami_state.h"
#include "format/asterisk_ami_stays.h"

#define STAY_SAVED ((size_t)32) /* bytes at most beside the texts */

static uint32_t
stay_hash(struct slice call)
{
	return (uint32_t)XXH3_64bits(call.p, call.n);
}

static struct slice
stay_cut(struct slice text)
{
	text.n = RT_MIN(text.n, (size_t)STAY_TEXT);
	return text;
}

/* --- one stay ------------------------------------------------------------ */

static size_t
stay_offset(const struct stay *stay, unsigned which)
{
	size_t at = 0;
	unsigned i;

	for (i = 0; i < which; i++)
		at += stay->length[i];
	return at;
}

struct slice
stay_text(const struct stay *stay, enum stay_text which)
{
	return (struct slice){
	    stay->text + stay_offset(stay, which), stay->length[which]};
}

bool
stay_is(const struct stay *stay, enum stay_text which, struct slice text)
{
	return slice_eq(stay_text(stay, which), stay_cut(text));
}

static size_t
stay_bytes(const struct stay *stay)
{
	return STAY_SAVED + stay_offset(stay, STAY_TEXTS);
}

/* --- the table ----------------------------------------------------------- */

void
stays_init(struct stays *stays)
{
	int i;

	*stays = (struct stays){.bytes = 0};
	for (i = 0; i < STAY_STATES; i++)
		TAILQ_INIT(&stays->states[i]);
	TAILQ_INIT(&stays->gone);
}

void
stays_clear(struct stays *stays)
{
	struct stay *stay;
	int i;

	for (i = 0; i < STAY_STATES; i++)
		while ((stay = TAILQ_FIRST(&stays->states[i])) != NULL)
			stays_remove(stays, stay);
}

void
stays_bury(struct stays *stays)
{
	struct stay *stay;

	while ((stay = TAILQ_FIRST(&stays->gone)) != NULL) {
		TAILQ_REMOVE(&stays->gone, stay, list);
		free(stay->text);
		free(stay);
	}
}

void
stays_fini(struct stays *stays)
{
	stays_clear(stays);
	stays_bury(stays);
	slots_fini(&stays->calls);
}

void
stays_remove(struct stays *stays, struct stay *stay)
{
	slots_remove(&stays->calls, stay->hash, stay);
	TAILQ_REMOVE(&stays->states[stay->state], stay, list);
	stays->bytes -= stay_bytes(stay);
	TAILQ_INSERT_TAIL(&stays->gone, stay, list);
}

/* The longest kept of all but `spared`. */
static struct stay *
stays_oldest(const struct stays *stays, const struct stay *spared)
{
	static const enum stay_state order[] = {
	    STAY_TALKING, STAY_ASKED, STAY_LEFT, STAY_WAITING};
	struct stay *stay = NULL;
	size_t i;

	for (i = 0; i < RT_COUNT(order) && stay == NULL; i++) {
		stay = TAILQ_FIRST(&stays->states[order[i]]);
		if (stay == spared && stay != NULL)
			stay = TAILQ_NEXT(stay, list);
	}
	return stay;
}

static void
stays_bound(struct stays *stays, const struct stay *spared)
{
	struct stay *stay;

	while (stays->bytes > STAYS_BYTES &&
	    (stay = stays_oldest(stays, spared)) != NULL)
		stays_remove(stays, stay);
}

struct stay *
stays_add(struct stays *stays, struct slice call, struct slice queue,
    enum stay_state state, int64_t time_us)
{
	struct stay *stay = mem_zalloc(sizeof(*stay));

	call = stay_cut(call);
	queue = stay_cut(queue);
	stay->hash = stay_hash(call);
	stay->state = (uint8_t)state;
	stay->time_us = time_us;
	stay->wait_ms = -1;
	stay->length[STAY_CALL] = (uint8_t)call.n;
	stay->length[STAY_QUEUE] = (uint8_t)queue.n;
	stay->text = mem_alloc(call.n + queue.n + 1);
	memcpy(stay->text, call.p, call.n);
	memcpy(stay->text + call.n, queue.p, queue.n);
	slots_add(&stays->calls, stay->hash, stay);
	TAILQ_INSERT_TAIL(&stays->states[state], stay, list);
	stay->serial = ++stays->serial;
	stays->bytes += stay_bytes(stay);
	stays_bound(stays, stay);
	return stay;
}

void
stays_set_state(struct stays *stays, struct stay *stay, enum stay_state state,
    int64_t time_us)
{
	TAILQ_REMOVE(&stays->states[stay->state], stay, list);
	stay->state = (uint8_t)state;
	stay->time_us = time_us;
	stay->serial = ++stays->serial;
	TAILQ_INSERT_TAIL(&stays->states[state], stay, list);
}

void
stays_set_text(struct stays *stays, struct stay *stay, enum stay_text which,
    struct slice text)
{
	size_t at = stay_offset(stay, which);
	size_t all = stay_offset(stay, STAY_TEXTS);
	size_t behind = at + stay->length[which];
	char *room;

	text = stay_cut(text);
	room = mem_alloc(all + text.n + 1);
	memcpy(room, stay->text, at);
	memcpy(room + at, text.p, text.n);
	memcpy(room + at + text.n, stay->text + behind, all - behind);
	free(stay->text);
	stay->text = room;
	stays->bytes = stays->bytes + text.n - stay->length[which];
	stay->length[which] = (uint8_t)text.n;
	stays_bound(stays, stay);
}

struct stay *
stays_next(const struct stays *stays, struct slice call, size_t *at)
{
	struct stay *stay;

	while ((stay = slots_next(
		    &stays->calls, stay_hash(stay_cut(call)), at)) != NULL)
		if (stay_is(stay, STAY_CALL, call))
			return stay;
	return NULL;
}

struct stay *
stays_find(const struct stays *stays, struct slice call, struct slice queue,
    enum stay_state state)
{
	struct stay *stay, *newest = NULL;
	size_t at = 0;

	if (call.n == 0)
		return NULL;
	while ((stay = stays_next(stays, call, &at)) != NULL)
		if (stay->state == state &&
		    (queue.n == 0 || stay_is(stay, STAY_QUEUE, queue)) &&
		    (newest == NULL || stay->serial > newest->serial))
			newest = stay;
	return newest;
}

static void
stay_save(const struct stay *stay, struct strbuf *to)
{
	unsigned i;

	ami_put(to, stay->state + 1U);
	ami_put(to, stay->flags);
	ami_put_time(to, stay->time_us);
	ami_put_time(to, stay->wait_ms);
	for (i = 0; i < STAY_TEXTS; i++)
		ami_put_text(to, stay_text(stay, i));
}

void
stays_save(const struct stays *stays, struct strbuf *to)
{
	const struct stay *stay;
	int i;

	for (i = 0; i < STAY_STATES; i++)
		TAILQ_FOREACH (stay, &stays->states[i], list)
			stay_save(stay, to);
	ami_put(to, 0);
}

static void
stay_load(struct stays *stays, unsigned state, struct ami_reader *from)
{
	uint64_t flags = ami_get(from);
	int64_t time_us = ami_get_time(from), wait_ms = ami_get_time(from);
	struct slice text[STAY_TEXTS];
	struct stay *stay;
	unsigned i;

	for (i = 0; i < STAY_TEXTS; i++)
		text[i] = ami_get_text(from);
	if (!from->ok || state >= STAY_STATES || text[STAY_CALL].n == 0) {
		from->ok = false;
		return;
	}
	stay =
	    stays_add(stays, text[STAY_CALL], text[STAY_QUEUE], state, time_us);
	stay->flags = (uint8_t)flags;
	stay->wait_ms = wait_ms;
	for (i = STAY_AGENT; i < STAY_TEXTS; i++)
		if (text[i].n > 0)
			stays_set_text(stays, stay, i, text[i]);
}

void
stays_load(struct stays *stays, struct ami_reader *from)
{
	uint64_t state;

	while (from->ok && (state = ami_get(from)) != 0)
		stay_load(stays, (unsigned)(state - 1), from);
}
