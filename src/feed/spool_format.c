/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/table.h"
#include "event/record.h"
#include "feed/spool_format.h"

_Static_assert(sizeof(struct segment_head) == 64, "no padding, as on disk");
_Static_assert(sizeof(struct entry_head) == 40, "no padding, as on disk");

#define ENTRY_SUMMED   offsetof(struct entry_head, mark)
#define SEGMENT_SUFFIX ".spool"
#define SEGMENT_DIGITS 8

static uint64_t
entry_sum(const char *entry, size_t length, uint64_t seed)
{
	return XXH3_64bits_withSeed(entry + ENTRY_SUMMED,
	    sizeof(struct entry_head) - ENTRY_SUMMED + length, seed);
}

void
entry_put(char *to, const struct record *record, uint64_t number, uint64_t seed)
{
	size_t n = record->bytes.n, end = sizeof(struct entry_head) + n;
	struct entry_head head = {.mark = (uint32_t)seed,
	    .length = (uint32_t)n,
	    .number = number,
	    .received_us = record->received_us,
	    .source = record->source,
	    .kind = record->kind};

	memcpy(to, &head, sizeof(head));
	if (n > 0)
		memcpy(to + sizeof(head), record->bytes.p, n);
	memset(to + end, 0, entry_size(n) - end);
	head.sum = entry_sum(to, n, seed);
	memcpy(to, &head.sum, sizeof(head.sum));
}

enum entry_state
entry_get(struct entry_head *head, const char *bytes, size_t n, uint64_t seed)
{
	struct entry_head h;

	if (n < sizeof(h))
		return ENTRY_SHORT;
	memcpy(&h, bytes, sizeof(h));
	if (h.mark != (uint32_t)seed || h.length > STAGE_RECORD_MAX)
		return ENTRY_BAD;
	if (n < entry_size(h.length))
		return ENTRY_SHORT;
	if (h.sum != entry_sum(bytes, h.length, seed))
		return ENTRY_BAD;
	*head = h;
	return ENTRY_GOOD;
}

static uint64_t
segment_sum(const struct segment_head *head)
{
	return XXH3_64bits(head, offsetof(struct segment_head, sum));
}

void
segment_head_put(char to[SEGMENT_BEGINS], const struct segment_head *head)
{
	struct segment_head h = *head;

	memcpy(h.magic, SEGMENT_MAGIC, sizeof(h.magic));
	h.order = SEGMENT_ORDER;
	h.sum = segment_sum(&h);
	memcpy(to, &h, sizeof(h));
	memcpy(to + sizeof(h), &h, sizeof(h));
}

bool
segment_head_get(
    struct segment_head *head, const char *from, size_t n, bool *foreign)
{
	struct segment_head h;
	size_t at;

	*foreign = false;
	for (at = 0; at + sizeof(h) <= n && at < (size_t)SEGMENT_BEGINS;
	     at += sizeof(h)) {
		memcpy(&h, from + at, sizeof(h));
		if (memcmp(h.magic, SEGMENT_MAGIC, sizeof(h.magic)) == 0 &&
		    h.order == SEGMENT_ORDER && h.sum == segment_sum(&h)) {
			*head = h;
			return true;
		}
		/* a good one of theirs has the right sum, or has it swapped */
		*foreign |= h.sum == segment_sum(&h) ||
		    h.order == __builtin_bswap32(SEGMENT_ORDER);
	}
	return false;
}

uint32_t
segment_format(const char *name)
{
	uint32_t hash;

	if (name == NULL)
		return 0;
	hash = (uint32_t)XXH3_64bits(name, strlen(name));
	return RT_MAX(hash, 1U);
}

void
segment_name(char name[SEGMENT_NAME], uint32_t no)
{
	snprintf(name, SEGMENT_NAME, "%08" PRIu32 SEGMENT_SUFFIX, no);
}

uint32_t
segment_number(const char *name)
{
	const char *dot = strchr(name, '.');
	int64_t no;

	if (dot == NULL || strcmp(dot, SEGMENT_SUFFIX) != 0 ||
	    dot - name < SEGMENT_DIGITS ||
	    !slice_uint((struct slice){name, (size_t)(dot - name)}, &no) ||
	    no > UINT32_MAX)
		return 0;
	return (uint32_t)no;
}
