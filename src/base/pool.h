/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A pool of objects of one size: taken and given back without malloc on the
 * hot path. Memory goes back to the system only with pool_fini.
 */
#ifndef RT_BASE_POOL_H
#define RT_BASE_POOL_H

#include "base/base.h"

struct pool_free;
struct pool_chunk;

struct pool {
	size_t size; /* of one object, bytes */
	struct pool_free *free;
	struct pool_chunk *chunks;
	char *next;  /* never used yet: from here ... */
	size_t left; /* ... this many objects */
	size_t used; /* objects handed out now */
};

void pool_init(struct pool *pool, size_t object_size);
/* All objects must have been given back or be forgotten by their users. */
void pool_fini(struct pool *pool);
/* Zeroed. Never NULL. */
void *pool_get(struct pool *pool);
void pool_put(struct pool *pool, void *object);

#endif
