/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may ask: where a request has its token, and the names in a Host header.
 * The tokens themselves: base/tokens.h.
 */
#ifndef RT_SERVE_AUTH_H
#define RT_SERVE_AUTH_H

#include "base/slice.h"
#include "io/address.h"

/*
 * The token in an Authorization header ("Bearer TOKEN") or, for browsers' event
 * streams that can send no such header, in the cookie ringtally_token. Either
 * may be NULL. Empty: there is none.
 */
struct slice auth_token(const char *authorization, const char *cookie);

/*
 * The password of "Basic BASE64", decoded to `to`: for senders that know no
 * other way to be known by. Empty: there is none.
 */
struct slice auth_basic(const char *authorization, char *to, size_t size);

/*
 * Whether the Host header names us: against pages that were loaded from
 * somewhere else under a name that now means our address. An IP address,
 * localhost and the names in `hosts` (NULL-terminated, or NULL) do, with any
 * port. A Unix socket is out of such a page's reach.
 */
bool auth_host(
    const struct address *listen, const char *const *hosts, const char *host);

#endif
