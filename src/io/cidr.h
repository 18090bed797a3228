/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose packets are taken: a list of networks, "10.1.0.0/16", "2001:db8::/32"
 * or one address. An empty list means the machine itself and nobody else.
 */
#ifndef RT_IO_CIDR_H
#define RT_IO_CIDR_H

#include <sys/socket.h>

#include "base/err.h"

/* Whether the text is one; -1 with the reason. */
int cidr_check(const char *text, struct err *err);
/* The same of a list, for an option row. value: of a char **. */
int cidr_check_option(const void *value, struct err *err);

/*
 * Whether an address is in one of the networks (ends with NULL; or NULL), each
 * of which has passed cidr_check. An IPv4 address within an IPv6 one counts as
 * what it is. Peers on Unix sockets are always in: their path's mode decides.
 */
bool cidr_allows(const char *const *networks, const struct sockaddr *from);

#endif
