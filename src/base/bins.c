/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/bins.h"

#define BINS_SHIFT 19
#define BINS_COUNT                                                 \
	((UINT32_C(1) << BINS_SHIFT) - 1) /* the most of one entry \
					   */

_Static_assert(HIST_BINS <= 1 << (32 - BINS_SHIFT), "bins fit");

void
bins_fini(struct bins *b)
{
	free(b->v);
	*b = (struct bins){0};
}

/* Where the first entry of the bin or of a higher one stands. */
static uint32_t
bins_find(const struct bins *b, uint32_t bin)
{
	uint32_t low = 0, high = b->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (b->v[middle] >> BINS_SHIFT < bin)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* An entry of its own; several of one bin stand side by side. */
static void
bins_insert(struct bins *b, uint32_t at, uint32_t entry)
{
	if (b->n == b->cap) {
		b->cap = b->cap + b->cap / 2 + 4;
		b->v = mem_realloc(b->v, b->cap, sizeof(*b->v));
	}
	memmove(b->v + at + 1, b->v + at, (b->n - at) * sizeof(*b->v));
	b->v[at] = entry;
	b->n++;
}

void
bins_add(struct bins *b, int bin, int64_t n)
{
	uint32_t number = (uint32_t)bin;

	BUG_ON(bin < 0 || bin >= HIST_BINS || n < 0);
	while (n > 0) {
		uint32_t at = bins_find(b, number), room = 0, part;

		if (at < b->n && b->v[at] >> BINS_SHIFT == number)
			room = BINS_COUNT - (b->v[at] & BINS_COUNT);
		if (room == 0) {
			bins_insert(b, at, number << BINS_SHIFT);
			continue;
		}
		part = (uint32_t)RT_MIN(n, (int64_t)room);
		b->v[at] += part;
		n -= part;
	}
}

void
bins_add_hist(struct bins *b, const struct hist *h)
{
	int32_t i;

	for (i = 0; i < h->count; i++)
		if (h->bin[i] > 0)
			bins_add(b, h->low + i, h->bin[i]);
}

void
bins_merge(struct hist *to, const struct bins *b)
{
	uint32_t i;

	for (i = 0; i < b->n; i++)
		hist_add(to, (int)(b->v[i] >> BINS_SHIFT),
		    (int32_t)(b->v[i] & BINS_COUNT));
}
