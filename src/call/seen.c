/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "call/seen.h"

uint64_t
seen_hash(struct slice bytes)
{
	return XXH3_64bits(bytes.p, bytes.n);
}

static struct seen_key *
seen_find(const struct seen *seen, uint64_t key)
{
	struct seen_key *found;

	HASH_FIND(hh, seen->table, &key, sizeof(key), found);
	return found;
}

static void
seen_drop(struct seen *seen, struct seen_key *key)
{
	HASH_DEL(seen->table, key);
	free(key);
}

static struct seen_key *
seen_add(struct seen *seen, uint64_t key, int64_t at_us)
{
	struct seen_key *added = mem_zalloc(sizeof(*added));

	added->key = key;
	added->at_us = at_us;
	HASH_ADD(hh, seen->table, key, sizeof(added->key), added);
	return added;
}

bool
seen_before(struct seen *seen, uint64_t key, int64_t at_us)
{
	struct seen_key *added;

	if (seen_find(seen, key) != NULL)
		return true;
	/* those that are not taken yet stand at the other end */
	if (HASH_COUNT(seen->table) >= SEEN_MAX && seen->table != seen->new_)
		seen_drop(seen, seen->table);
	added = seen_add(seen, key, at_us);
	if (seen->new_ == NULL)
		seen->new_ = added;
	return false;
}

void
seen_restore(struct seen *seen, uint64_t key, int64_t at_us)
{
	if (seen_find(seen, key) != NULL)
		return;
	if (HASH_COUNT(seen->table) >= SEEN_MAX)
		seen_drop(seen, seen->table);
	seen_add(seen, key, at_us);
}

void
seen_take(struct seen *seen, void (*fn)(void *ctx, uint64_t key, int64_t at_us),
    void *ctx)
{
	struct seen_key *key;

	for (key = seen->new_; key != NULL; key = key->hh.next)
		fn(ctx, key->key, key->at_us);
	seen->new_ = NULL;
}

void
seen_forget(struct seen *seen, int64_t before_us)
{
	while (seen->table != NULL && seen->table != seen->new_ &&
	    seen->table->at_us < before_us)
		seen_drop(seen, seen->table);
}

void
seen_fini(struct seen *seen)
{
	struct seen_key *key, *next;

	HASH_ITER (hh, seen->table, key, next)
		seen_drop(seen, key);
	seen->new_ = NULL;
}
