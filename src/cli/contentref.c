/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/table.h"
#include "cli/contentref.h"

#define CONTENTREF_FIRST 1024 /* slots */

struct contentref {
	uint64_t low, high;
	uint32_t rows; /* of that content; 0: a free slot */
};

void
contentrefs_fini(struct contentrefs *refs)
{
	free(refs->slot);
	strbuf_fini(&refs->told);
	*refs = (struct contentrefs){0};
}

static struct contentref *
contentrefs_find(const struct contentrefs *refs, XXH128_hash_t hash)
{
	size_t i = hash.low64 & refs->mask;

	while (refs->slot[i].rows != 0 &&
	    (refs->slot[i].low != hash.low64 ||
		refs->slot[i].high != hash.high64))
		i = (i + 1) & refs->mask;
	return &refs->slot[i];
}

/* At most half of the slots are taken. */
static void
contentrefs_grow(struct contentrefs *refs)
{
	struct contentrefs old = *refs;
	size_t slots = old.slot != NULL ? 2 * (old.mask + 1) : CONTENTREF_FIRST;
	size_t i;

	refs->slot = mem_zalloc(slots * sizeof(*refs->slot));
	refs->mask = slots - 1;
	for (i = 0; old.slot != NULL && i <= old.mask; i++)
		if (old.slot[i].rows != 0)
			*contentrefs_find(refs,
			    (XXH128_hash_t){.low64 = old.slot[i].low,
				.high64 = old.slot[i].high}) = old.slot[i];
	free(old.slot);
}

/* A field with its length: "ab" and "c" are not "a" and "bc". */
static void
contentref_add(struct strbuf *to, const void *p, size_t n)
{
	uint64_t length = n;

	strbuf_add(to, (const char *)&length, sizeof(length));
	if (n > 0)
		strbuf_add(to, p, n);
}

/* Of all that is told, but where it comes from. */
static XXH128_hash_t
contentref_hash(struct strbuf *room, const struct contacts_row *row)
{
	const struct slice texts[] = {row->channel, row->service, row->category,
	    row->code, row->request, row->assessed_by, row->switch_name,
	    row->call_id, row->agent};
	const int64_t numbers[] = {row->at_us,
	    row->has_assessed ? row->assessed_us : 0, row->resolved};
	size_t i;

	strbuf_reset(room);
	strbuf_add(room, (const char *)numbers, sizeof(numbers));
	for (i = 0; i < RT_COUNT(texts); i++)
		contentref_add(room, texts[i].p, texts[i].n);
	contentref_add(room, row->customer,
	    row->customer != NULL ? CONTACTS_HASH_BYTES : 0);
	return XXH3_128bits(room->p, room->n);
}

size_t
contentrefs_make(struct contentrefs *refs, char to[CONTENTREF_MAX],
    const struct contacts_row *row)
{
	XXH128_hash_t hash = contentref_hash(&refs->told, row);
	struct contentref *slot;
	int n;

	if (refs->slot == NULL || refs->used > refs->mask / 2)
		contentrefs_grow(refs);
	slot = contentrefs_find(refs, hash);
	if (slot->rows == 0) {
		refs->used++;
		slot->low = hash.low64;
		slot->high = hash.high64;
	}
	slot->rows++;
	n = snprintf(to, CONTENTREF_MAX, "csv:%016" PRIx64 "%016" PRIx64,
	    hash.high64, hash.low64);
	if (slot->rows > 1)
		n += snprintf(to + n, CONTENTREF_MAX - (size_t)n, "-%" PRIu32,
		    slot->rows);
	return (size_t)n;
}
