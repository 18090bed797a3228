/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The key of caller hashes (call/caller.h), in a file of its own: 64
 * hexadecimal digits and a newline, readable by its owner alone. Made at the
 * first start. Whoever has this file and the database can find out who called;
 * without the file the hashes can not be continued: keep a copy, apart.
 */
#ifndef RT_CALLER_KEY_H
#define RT_CALLER_KEY_H

#include "base/err.h"
#include "call/caller.h"

struct caller_key {
	uint8_t bytes[CALLER_KEY_BYTES];
};

/*
 * Reads the key. Returns 0; 1 when there is no such file; -1 for a file that
 * can not be the key or that others may read, with the reason and path in err.
 */
int caller_key_load(struct caller_key *key, const char *path, struct err *err);

/*
 * The same, but makes a new key where there is no file, and says so in the log:
 * it may have been there, and be missed. When it returns the
 * file is on the disk, name and all. Of several processes that do so at once
 * all end with the same key.
 */
int caller_key_open(struct caller_key *key, const char *path, struct err *err);

/* A key that nobody else has, for as long as the process lives. */
void caller_key_make(struct caller_key *key);

/*
 * By which a key is known again: a keyed hash of a text that is no number, and
 * of a length that no caller's has. Of the key it tells nothing.
 */
#define CALLER_KEY_MARK 65 /* with its NUL */
void caller_key_mark(const struct caller_key *key, char mark[CALLER_KEY_MARK]);

/* Leaves nothing of it in memory. */
void caller_key_wipe(struct caller_key *key);

#endif
