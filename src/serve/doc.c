/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/table.h"
#include "serve/doc.h"

static struct doc *
doc_new(const char *type, struct slice plain)
{
	struct doc *doc = mem_alloc(sizeof(*doc));

	*doc = (struct doc){.refs = 1, .type = type, .plain = plain};
	doc->gz_done = plain.n < DOC_GZIP_MIN;
	return doc;
}

struct doc *
doc_of_text(struct view_text *text, const char *type)
{
	struct doc *doc = doc_new(type, (struct slice){text->p, text->n});

	doc->text = text;
	return doc;
}

struct doc *
doc_of_bytes(struct strbuf *bytes, const char *type)
{
	struct doc *doc =
	    doc_new(type, (struct slice){strbuf_str(bytes), bytes->n});

	doc->own = *bytes;
	*bytes = STRBUF_INIT;
	return doc;
}

void
doc_hold(struct doc_held *held, size_t bytes, size_t *sum)
{
	if (held->n++ > 0)
		return;
	held->bytes = bytes;
	held->sum = sum;
	*sum += bytes;
}

void
doc_release(struct doc_held *held)
{
	BUG_ON(held->n == 0);
	if (--held->n == 0)
		*held->sum -= held->bytes;
}

struct doc *
doc_ref(struct doc *doc)
{
	doc->refs++;
	return doc;
}

void
doc_put(struct doc *doc)
{
	if (doc == NULL || --doc->refs > 0)
		return;
	gzip_free(doc->gzip);
	strbuf_fini(&doc->gz);
	strbuf_fini(&doc->own);
	view_text_put(doc->text);
	free(doc);
}

const char *
doc_etag(struct doc *doc)
{
	if (doc->etag[0] == '\0')
		snprintf(doc->etag, sizeof(doc->etag), "\"%016" PRIx64 "\"",
		    (uint64_t)XXH3_64bits(doc->plain.p, doc->plain.n));
	return doc->etag;
}

bool
doc_gzip(struct doc *doc)
{
	if (doc->gz_done)
		return true;
	if (doc->gzip == NULL)
		doc->gzip = gzip_new(GZIP_WHOLE, doc->plain);
	if (!gzip_step(doc->gzip))
		return false;
	doc->gz = gzip_take(doc->gzip);
	gzip_free(doc->gzip);
	doc->gzip = NULL;
	doc->gz_done = true;
	if (doc->gz.n >= doc->plain.n)
		strbuf_fini(&doc->gz);
	return true;
}
