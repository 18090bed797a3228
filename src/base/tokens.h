/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bearer tokens, as a file names them: those of the live pages, and those of a
 * feed that is posted to.
 *
 * The file has one token a line, so that one can be replaced while the other
 * still counts; empty lines and those that begin with # are passed over. Others
 * may not read it: mode 0640 or less. Kept are hashes only, all of the same
 * length, and each request is held against all of them in constant time.
 */
#ifndef RT_BASE_TOKENS_H
#define RT_BASE_TOKENS_H

#include "base/err.h"
#include "base/slice.h"

#define TOKENS_MAX	  16
#define TOKEN_MIN	  16 /* characters: shorter ones can be guessed */
#define TOKEN_MAX	  512
#define TOKENS_HASH_BYTES 32

struct tokens {
	size_t n;
	uint8_t hashes[TOKENS_MAX][TOKENS_HASH_BYTES];
};

/* Reads the file; -1 with the reason, which names it. */
int tokens_load(struct tokens *tokens, const char *path, struct err *err);
/*
 * The same for who can not do without: where the file is broken now, what it
 * held when this process last read it so; true in *kept, with the reason in
 * err. -1: it was never read.
 */
int tokens_load_kept(
    struct tokens *tokens, const char *path, bool *kept, struct err *err);
bool tokens_know(const struct tokens *tokens, struct slice token);

#endif
