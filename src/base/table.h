/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hash tables: uthash with xxHash as its function. Include this, never
 * uthash.h itself. Memory runs out in one place only (see mem_alloc).
 */
#ifndef RT_BASE_TABLE_H
#define RT_BASE_TABLE_H

#include "base/base.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HASH_FUNCTION(key, length, hash) \
	((hash) = (unsigned)XXH3_64bits((key), (length)))
#define uthash_malloc(size)   mem_alloc(size)
#define uthash_free(p, size)  free(p)
#define uthash_fatal(message) BUG("uthash: %s", message)
#include <uthash.h>

#endif
