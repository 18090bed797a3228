/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <zlib.h>

#include "serve/gzip.h"

/* About 2 ms of JSON at level 1. */
#define GZIP_STEP  ((size_t)192 << 10)
#define GZIP_LEVEL 1
#define GZIP_RAW   (-15) /* window bits: no header */
#define GZIP_FILE  (15 + 16)

/* RFC 1952: magic, deflate, no flags, no time, fastest, Unix. */
const char GZIP_HEAD[10] = {0x1f, (char)0x8b, 8, 0, 0, 0, 0, 0, 4, 3};

struct gzip {
	z_stream z;
	enum gzip_kind kind;
	struct slice rest;
	struct strbuf out;
};

struct gzip *
gzip_new(enum gzip_kind kind, struct slice text)
{
	struct gzip *g = mem_alloc(sizeof(*g));

	*g = (struct gzip){.kind = kind, .rest = text};
	if (deflateInit2(&g->z, GZIP_LEVEL, Z_DEFLATED,
		kind == GZIP_WHOLE ? GZIP_FILE : GZIP_RAW, 8,
		Z_DEFAULT_STRATEGY) != Z_OK)
		BUG("zlib %s does not start", zlibVersion());
	return g;
}

static void
gzip_some(struct gzip *g, size_t n, int flush)
{
	g->z.next_in = (Bytef *)(uintptr_t)g->rest.p;
	g->z.avail_in = (uInt)n;
	do {
		size_t room = RT_MAX(n / 4, (size_t)512);

		g->z.next_out = (Bytef *)strbuf_reserve(&g->out, room);
		g->z.avail_out = (uInt)room;
		if (deflate(&g->z, flush) == Z_STREAM_ERROR)
			BUG("deflate: %s", g->z.msg != NULL ? g->z.msg : "?");
		strbuf_added(&g->out, room - g->z.avail_out);
	} while (g->z.avail_out == 0);
	g->rest.p += n;
	g->rest.n -= n;
}

bool
gzip_step(struct gzip *g)
{
	if (g->rest.n > GZIP_STEP) {
		gzip_some(g, GZIP_STEP, Z_NO_FLUSH);
		return false;
	}
	gzip_some(
	    g, g->rest.n, g->kind == GZIP_WHOLE ? Z_FINISH : Z_FULL_FLUSH);
	return true;
}

struct strbuf
gzip_take(struct gzip *g)
{
	struct strbuf out = g->out;

	g->out = STRBUF_INIT;
	return out;
}

void
gzip_free(struct gzip *g)
{
	if (g == NULL)
		return;
	deflateEnd(&g->z);
	strbuf_fini(&g->out);
	free(g);
}

void
gzip_piece(struct strbuf *to, struct slice text)
{
	struct gzip *g = gzip_new(GZIP_PIECE, text);

	while (!gzip_step(g))
		;
	strbuf_add(to, g->out.p, g->out.n);
	gzip_free(g);
}
