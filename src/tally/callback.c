/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "tally/callback.h"

/* A caller who is still to be rung back, for one or more entries. */
struct callback_caller {
	UT_hash_handle hh;
	struct callback *first; /* by `same` */
	uint8_t caller[CALLBACK_CALLER_BYTES];
};

void
callbacks_init(struct callbacks *c, size_t max)
{
	BUG_ON(max == 0);
	*c = (struct callbacks){.max = max};
	TAILQ_INIT(&c->all);
	TAILQ_INIT(&c->through);
	pool_init(&c->entries, sizeof(struct callback));
	pool_init(&c->hashes, sizeof(struct callback_caller));
}

static struct callback_caller *
callback_find(
    const struct callbacks *c, const uint8_t caller[CALLBACK_CALLER_BYTES])
{
	struct callback_caller *found;

	HASH_FIND(hh, c->callers, caller, CALLBACK_CALLER_BYTES, found);
	return found;
}

/* It is still to be rung back: found by its caller from here on. */
static void
callback_open(struct callbacks *c, struct callback *entry)
{
	struct callback_caller *caller;

	c->n_open++;
	if (!entry->has_caller)
		return;
	caller = callback_find(c, entry->caller);
	if (caller == NULL) {
		caller = pool_get(&c->hashes);
		memcpy(caller->caller, entry->caller, sizeof(caller->caller));
		HASH_ADD(
		    hh, c->callers, caller, sizeof(caller->caller), caller);
	}
	entry->same = caller->first;
	caller->first = entry;
}

static void
callback_close(struct callbacks *c, struct callback *entry)
{
	struct callback_caller *caller;
	struct callback **at;

	c->n_open--;
	if (!entry->has_caller)
		return;
	caller = callback_find(c, entry->caller);
	for (at = &caller->first; *at != entry; at = &(*at)->same)
		;
	*at = entry->same;
	entry->same = NULL;
	if (caller->first != NULL)
		return;
	HASH_DEL(c->callers, caller);
	pool_put(&c->hashes, caller);
}

static void
callback_free(struct callbacks *c, struct callback *entry)
{
	if (entry->through_us == 0)
		callback_close(c, entry);
	else
		TAILQ_REMOVE(&c->through, entry, through_list);
	TAILQ_REMOVE(&c->all, entry, list);
	c->n--;
	c->version++;
	free(entry->call_id);
	free(entry->number);
	pool_put(&c->entries, entry);
}

void
callbacks_fini(struct callbacks *c)
{
	struct callback *entry;

	while ((entry = TAILQ_FIRST(&c->all)) != NULL)
		callback_free(c, entry);
	pool_fini(&c->entries);
	pool_fini(&c->hashes);
}

void
callbacks_day(struct callbacks *c, int64_t day_us)
{
	struct callback *entry, *next;

	if (day_us == c->day_us)
		return;
	if (day_us > c->day_us)
		c->left_out = 0;
	c->day_us = day_us;
	c->version++;
	for (entry = TAILQ_FIRST(&c->all); entry != NULL; entry = next) {
		next = TAILQ_NEXT(entry, list);
		if (entry->entered_us < day_us)
			callback_free(c, entry);
	}
}

/* More than there is room for: one that needs no call, or the oldest. */
static void
callback_drop(struct callbacks *c)
{
	struct callback *entry = TAILQ_FIRST(&c->through);

	callback_free(c, entry != NULL ? entry : TAILQ_FIRST(&c->all));
	c->left_out++;
}

void
callbacks_add(struct callbacks *c, const struct callback *like,
    struct slice call_id, const char *number)
{
	struct callback *entry;

	if (like->entered_us < c->day_us)
		return;
	if (c->n == c->max)
		callback_drop(c);
	entry = pool_get(&c->entries);
	*entry = *like;
	entry->same = NULL;
	entry->call_id = mem_zalloc(call_id.n + 1);
	memcpy(entry->call_id, call_id.p, call_id.n);
	entry->number = number != NULL ? mem_strdup(number) : NULL;
	TAILQ_INSERT_TAIL(&c->all, entry, list);
	if (entry->through_us == 0)
		callback_open(c, entry);
	else
		TAILQ_INSERT_TAIL(&c->through, entry, through_list);
	c->n++;
	c->version++;
}

void
callbacks_remove(struct callbacks *c, struct slice call_id, uint32_t visit_no)
{
	struct callback *entry;

	TAILQ_FOREACH (entry, &c->all, list)
		if (entry->visit_no == visit_no &&
		    strlen(entry->call_id) == call_id.n &&
		    memcmp(entry->call_id, call_id.p, call_id.n) == 0) {
			callback_free(c, entry);
			return;
		}
}

void
callbacks_leave_out(struct callbacks *c, uint64_t n)
{
	c->left_out += n;
	c->version++;
}

void
callbacks_forget_numbers(struct callbacks *c)
{
	struct callback *entry;

	TAILQ_FOREACH (entry, &c->all, list) {
		free(entry->number);
		entry->number = NULL;
	}
}

size_t
callbacks_forget(
    struct callbacks *c, const uint8_t caller[CALLBACK_CALLER_BYTES])
{
	struct callback *entry;
	size_t n = 0;

	TAILQ_FOREACH (entry, &c->all, list) {
		if (!entry->has_caller ||
		    memcmp(entry->caller, caller, sizeof(entry->caller)) != 0)
			continue;
		if (entry->through_us == 0) {
			callback_close(c, entry);
			c->n_open++; /* it still is */
		}
		entry->has_caller = false;
		memset(entry->caller, 0, sizeof(entry->caller));
		free(entry->number);
		entry->number = NULL;
		n++;
	}
	c->version += n > 0;
	return n;
}

void
callbacks_answered(struct callbacks *c,
    const uint8_t caller[CALLBACK_CALLER_BYTES], int64_t answered_us)
{
	struct callback_caller *found = callback_find(c, caller);
	struct callback *entry, *next;

	if (found == NULL)
		return;
	for (entry = found->first; entry != NULL; entry = next) {
		next = entry->same;
		if (answered_us < entry->ended_us)
			continue;
		callback_close(c, entry);
		entry->through_us = RT_MAX(answered_us, 1);
		TAILQ_INSERT_TAIL(&c->through, entry, through_list);
		c->version++;
	}
}
