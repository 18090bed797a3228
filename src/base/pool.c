/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/pool.h"

#define POOL_CHUNK_BYTES 16384
#define POOL_LINE	 64 /* objects of whole cache lines begin at one */

struct pool_free {
	struct pool_free *next;
};

struct pool_chunk {
	struct pool_chunk *next;
	/* objects, from the next multiple of POOL_LINE on */
};

void
pool_init(struct pool *pool, size_t object_size)
{
	size_t align = _Alignof(max_align_t);

	*pool = (struct pool){0};
	pool->size = RT_MAX(object_size, sizeof(struct pool_free));
	pool->size = (pool->size + align - 1) / align * align;
}

void
pool_fini(struct pool *pool)
{
	while (pool->chunks != NULL) {
		struct pool_chunk *next = pool->chunks->next;

		free(pool->chunks);
		pool->chunks = next;
	}
	*pool = (struct pool){.size = pool->size};
}

static void
pool_grow(struct pool *pool)
{
	size_t count = RT_MAX(POOL_CHUNK_BYTES / pool->size, (size_t)4);
	struct pool_chunk *chunk;

	chunk = mem_alloc(sizeof(*chunk) + POOL_LINE + count * pool->size);
	chunk->next = pool->chunks;
	pool->chunks = chunk;
	pool->next = (char *)(chunk + 1);
	pool->next += -(uintptr_t)pool->next % POOL_LINE;
	pool->left = count;
}

RT_HOT void *
pool_get(struct pool *pool)
{
	void *object = pool->free;

	if (object != NULL) {
		pool->free = pool->free->next;
	} else {
		if (pool->left == 0)
			pool_grow(pool);
		object = pool->next;
		pool->next += pool->size;
		pool->left--;
	}
	pool->used++;
	return memset(object, 0, pool->size);
}

RT_HOT void
pool_put(struct pool *pool, void *object)
{
	struct pool_free *f = object;

	BUG_ON(pool->used == 0);
	pool->used--;
	f->next = pool->free;
	pool->free = f;
}
