/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A request of the control socket, as its one line:
 *
 *	show WHAT [queue=NAME | service=NAME | switch=NAME] ...
 *	reload
 *	forget HASH[,HASH]...
 *
 * Names are percent-encoded as in a URL, so that they may hold any byte but
 * NUL; a filter may stand there again and again, and any of its names will do.
 */
#ifndef RT_SERVE_REQUEST_H
#define RT_SERVE_REQUEST_H

#include "base/err.h"
#include "base/slice.h"
#include "base/strbuf.h"

#define REQUEST_NAMES_MAX  64 /* of one filter */
#define REQUEST_LINE_MAX   16384
#define REQUEST_HASH_BYTES 16
#define REQUEST_HASHES_MAX                                \
	400 /* of one request: they have room in its line \
	     */

enum request_filter {
	REQUEST_QUEUE,
	REQUEST_SERVICE,
	REQUEST_SWITCH,
	REQUEST_FILTERS
};

struct request {
	char *words; /* what the others point into */
	const char *verb;
	const char *what; /* NULL: nothing behind the verb */
	/* Ended with NULL; NULL where the request has no such filter. */
	const char **names[REQUEST_FILTERS];
};

/* -1 with the reason; *request needs no request_fini then. */
int request_parse(struct request *request, struct slice line, struct err *err);
void request_fini(struct request *request);
/* A filter stands in it. */
bool request_has_filter(const struct request *request);

/*
 * The hashes that stand in request->what: two hexadecimal digits a byte, with
 * commas between them. Returns how many there are, or -1 with the reason.
 */
int request_hashes(const struct request *request,
    uint8_t to[REQUEST_HASHES_MAX][REQUEST_HASH_BYTES], struct err *err);

/* Adds " queue=NAME" to a request that is being written. */
void
request_add(struct strbuf *to, enum request_filter filter, const char *name);

#endif
