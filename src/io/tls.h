/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS, as OpenSSL does it: what a side of a connection shows and what it wants
 * to see. io/stream.h uses it; nothing else meets OpenSSL.
 *
 * A client always verifies: the chain up to a certificate that it trusts, the
 * dates, and the name. A certificate that is named as trusted is trusted also
 * when it is the switch's own and nobody's authority signed it. TLS 1.2 is the
 * least; sessions are not resumed.
 */
#ifndef RT_IO_TLS_H
#define RT_IO_TLS_H

#include "base/err.h"

struct ssl_st;
struct tls;

struct tls_config {
	bool server;
	/*
	 * PEM file of the certificates that are trusted. A client without one
	 * trusts what the system does; a server with one asks for a client's.
	 */
	const char *ca_file;
	const char *cert_file; /* our own, with its chain; or NULL */
	const char *key_file;
	const char *name; /* of the server, or its address; clients only */
};

/* NULL with the reason: a file can not be read, or does not fit. */
struct tls *tls_new(const struct tls_config *config, struct err *err);
/*
 * The same for who can not do without: where a file is broken now, what this
 * process last made of the same files; true in *kept, with the reason in err.
 * NULL: nothing was ever made of them.
 */
struct tls *
tls_new_kept(const struct tls_config *config, bool *kept, struct err *err);
void tls_free(struct tls *tls); /* NULL is fine */

/* One connection over fd, for SSL_do_handshake. NULL with the reason. */
struct ssl_st *tls_begin(const struct tls *tls, int fd, struct err *err);
/*
 * Why OpenSSL failed, from its queue, which is emptied; what was found wrong
 * with the peer's certificate goes before all else.
 */
void tls_why(const struct ssl_st *ssl, char *text, size_t size);

#endif
