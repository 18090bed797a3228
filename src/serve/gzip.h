/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compression in slices: of a document that many will take, done once for all
 * of them, in steps short enough for one turn of the loop.
 *
 * GZIP_WHOLE makes a complete gzip file. GZIP_PIECE makes a piece of an endless
 * one: deflate blocks that end at a byte and refer to nothing before them, so
 * that a piece may follow any other behind GZIP_HEAD. So all clients of a
 * stream share the bytes, whenever each of them began.
 */
#ifndef RT_SERVE_GZIP_H
#define RT_SERVE_GZIP_H

#include "base/strbuf.h"

enum gzip_kind { GZIP_WHOLE, GZIP_PIECE };

extern const char GZIP_HEAD[10];

struct gzip;

/* The text must live until it is freed. */
struct gzip *gzip_new(enum gzip_kind kind, struct slice text);
/* Works on the next part of the text; true: done, see gzip_take. */
bool gzip_step(struct gzip *gzip);
/* The result, which the caller owns from here on. */
struct strbuf gzip_take(struct gzip *gzip);
void gzip_free(struct gzip *gzip); /* NULL is fine */

/* A short piece, all at once. */
void gzip_piece(struct strbuf *to, struct slice text);

#endif
