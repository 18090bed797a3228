/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a server listens, as the configuration writes it: "127.0.0.1:8085",
 * "[::1]:8085", "*:8085" or "unix:/run/ringtally/http". Numbers only: a name
 * would have to be looked up, and could mean another address tomorrow.
 */
#ifndef RT_IO_ADDRESS_H
#define RT_IO_ADDRESS_H

#include <sys/socket.h>

#include "base/err.h"
#include "io/unix_path.h"

struct address {
	struct sockaddr_storage to;
	socklen_t len;
	bool is_unix;
	bool is_local;		/* a Unix socket, or a loopback address */
	struct unix_path_id id; /* of a Unix socket that is bound */
};

int address_parse(struct address *address, const char *text, struct err *err);

/* Whether one that is bound there is in the other's way: one of them is all. */
bool address_overlaps(const struct address *a, const struct address *b);

/*
 * A peer's address for people: "192.0.2.1:5038", "[2001:db8::1]:5038", or
 * "unix:PATH". An IPv4 address within an IPv6 one is shown as what it is.
 */
void address_text(
    const struct sockaddr *from, socklen_t len, char *text, size_t size);

/*
 * A socket that is bound there, does not block and is not yet listening. A Unix
 * socket gets the mode; what a killed daemon left behind at its path is
 * replaced, one that answers is not. Returns -1 with the reason.
 */
int address_bind(struct address *address, mode_t mode, struct err *err);

/* The same for datagrams; not of a Unix socket. */
int address_bind_datagram(const struct address *address, struct err *err);

/* Takes the Unix socket that was bound out of the file system. */
void address_unlink(const struct address *address);

/*
 * Whether the name part of a Host header (RFC 9110, 7.2: no port) is an IP
 * address, and which: a page of somebody else's can not have been loaded from
 * there under another name.
 */
bool address_is_ip(const char *host);

#endif
