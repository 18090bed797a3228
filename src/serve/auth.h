/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may ask: the bearer tokens of live.token_file, and the names in a Host
 * header.
 *
 * The file has one token a line, so that one can be replaced while the other
 * still counts; empty lines and those that begin with # are passed over. Others
 * may not read it: mode 0640 or less. Kept are hashes only, all of the same
 * length, and each request is held against all of them in constant time.
 */
#ifndef RT_SERVE_AUTH_H
#define RT_SERVE_AUTH_H

#include "base/err.h"
#include "base/slice.h"
#include "io/address.h"

#define AUTH_TOKENS_MAX 16
#define AUTH_TOKEN_MIN	16 /* characters: shorter ones can be guessed */
#define AUTH_TOKEN_MAX	512
#define AUTH_HASH_BYTES 32

struct auth {
	size_t n;
	uint8_t hashes[AUTH_TOKENS_MAX][AUTH_HASH_BYTES];
};

/* Reads the file; -1 with the reason, which names it. */
int auth_load(struct auth *auth, const char *path, struct err *err);
bool auth_knows(const struct auth *auth, struct slice token);

/*
 * The token in an Authorization header ("Bearer TOKEN") or, for browsers' event
 * streams that can send no such header, in the cookie ringtally_token. Either
 * may be NULL. Empty: there is none.
 */
struct slice auth_token(const char *authorization, const char *cookie);

/*
 * Whether the Host header names us: against pages that were loaded from
 * somewhere else under a name that now means our address. An IP address,
 * localhost and the names in `hosts` (NULL-terminated, or NULL) do, with any
 * port. A Unix socket is out of such a page's reach.
 */
bool auth_host(
    const struct address *listen, const char *const *hosts, const char *host);

#endif
