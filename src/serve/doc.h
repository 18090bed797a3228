/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is served, shared by all who take it: the bytes, the same compressed,
 * and an entity tag that follows from them. A document lives until the last
 * byte of it is on its way to the last client.
 */
#ifndef RT_SERVE_DOC_H
#define RT_SERVE_DOC_H

#include "base/strbuf.h"
#include "serve/gzip.h"
#include "serve/view.h"

#define DOC_ETAG_MAX 24
/* Below this nothing is gained by compressing. */
#define DOC_GZIP_MIN 1024

/* Bytes that stay in memory as long as somebody is being sent them. */
struct doc_held {
	unsigned n;   /* who are */
	size_t bytes; /* in *sum while there are any */
	size_t *sum;
};

void doc_hold(struct doc_held *held, size_t bytes, size_t *sum);
void doc_release(struct doc_held *held);

struct doc {
	unsigned refs;
	struct doc_held held;
	const char *type; /* Content-Type */
	struct slice plain;
	struct strbuf gz;	 /* when gz_done and worth it; else empty */
	char etag[DOC_ETAG_MAX]; /* see doc_etag */
	bool gz_done;
	struct gzip *gzip;	/* in work */
	struct view_text *text; /* what plain points into, or */
	struct strbuf own;
};

/* Takes the text over; the document is the caller's, see doc_put. */
struct doc *doc_of_text(struct view_text *text, const char *type);
/* Takes the bytes over. */
struct doc *doc_of_bytes(struct strbuf *bytes, const char *type);
struct doc *doc_ref(struct doc *doc); /* one holder more */
void doc_put(struct doc *doc);	      /* NULL is fine */

/* With its quotes; worked out when it is asked for first. */
const char *doc_etag(struct doc *doc);

/* Compresses a part of it; true: done, or not worth it. */
bool doc_gzip(struct doc *doc);

#endif
