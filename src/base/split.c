/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/split.h"

/* One after the other: where there is no SSE2, and what is too short for it. */
static unsigned
split_plainly(struct slice s, char separator, uint32_t *begin, unsigned max)
{
	const char *start = s.p, *end = s.p + s.n, *at;
	unsigned n = 0;

	while (n + 1 < max && start < end &&
	    (at = memchr(start, separator, (size_t)(end - start))) != NULL) {
		start = at + 1;
		begin[++n] = (uint32_t)(start - s.p);
	}
	return n;
}

#ifdef __SSE2__
#include <emmintrin.h>

#define SPLIT_STEP  16
#define SPLIT_BLOCK 64

/* One bit for each of the sixteen bytes at p that is the separator. */
static inline uint64_t
split_step(const char *p, __m128i separators)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);

	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, separators));
}

static inline uint64_t
split_block(const char *p, __m128i separators)
{
	return split_step(p, separators) |
	    split_step(p + 16, separators) << 16 |
	    split_step(p + 32, separators) << 32 |
	    split_step(p + 48, separators) << 48;
}

/*
 * The same of n bytes, SPLIT_STEP to SPLIT_BLOCK: always four steps, of which
 * those that would go beyond the end see its last bytes again. How long a line
 * is can not be foretold, so that counting steps would cost more.
 */
static inline uint64_t
split_short_block(const char *p, size_t n, __m128i separators)
{
	size_t last = n - SPLIT_STEP;
	size_t second = RT_MIN(last, (size_t)SPLIT_STEP);
	size_t third = RT_MIN(last, (size_t)2 * SPLIT_STEP);

	return split_step(p, separators) |
	    split_step(p + second, separators) << second |
	    split_step(p + third, separators) << third |
	    split_step(p + last, separators) << last;
}

static inline unsigned
split_count(uint64_t bits)
{
	const uint64_t fives = UINT64_C(0x5555555555555555);
	const uint64_t threes = UINT64_C(0x3333333333333333);

	bits -= bits >> 1 & fives;
	bits = (bits & threes) + (bits >> 2 & threes);
	bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	return (unsigned)(bits * UINT64_C(0x0101010101010101) >> 56);
}

/* Takes the lowest bit away; returns one more than its number. */
static inline uint32_t
split_next(uint64_t *bits)
{
	/* any number, but defined, when there is none left */
	int lowest = __builtin_ctzll(*bits | UINT64_C(1) << 63);

	*bits &= *bits - 1;
	return (uint32_t)lowest + 1;
}

/*
 * Writes where fields begin behind the separators that are bits of the block
 * at byte `at`. Four at once, whether there are so many or not: a branch for
 * each would be foretold wrongly too often.
 */
static inline unsigned
split_write(
    uint32_t *begin, unsigned n, unsigned max, uint32_t at, uint64_t bits)
{
	unsigned count = split_count(bits);
	uint32_t *to = begin + n + 1;

	for (; bits != 0 && to < begin + max; to += 4) {
		to[0] = at + split_next(&bits);
		to[1] = at + split_next(&bits);
		to[2] = at + split_next(&bits);
		to[3] = at + split_next(&bits);
	}
	return RT_MIN(n + count, max - 1);
}

static RT_HOT unsigned
split_by_blocks(struct slice s, char separator, uint32_t *begin, unsigned max)
{
	const __m128i separators = _mm_set1_epi8(separator);
	unsigned n = 0;
	size_t at;

	if (s.n < SPLIT_BLOCK)
		return split_write(
		    begin, 0, max, 0, split_short_block(s.p, s.n, separators));
	for (at = 0; at + SPLIT_BLOCK <= s.n && n + 1 < max; at += SPLIT_BLOCK)
		n = split_write(begin, n, max, (uint32_t)at,
		    split_block(s.p + at, separators));
	if (at < s.n && n + 1 < max) /* what is left of the last whole block */
		n = split_write(begin, n, max, (uint32_t)at,
		    split_block(s.p + s.n - SPLIT_BLOCK, separators) >>
			(at + SPLIT_BLOCK - s.n));
	return n;
}

RT_HOT unsigned
split_fields(struct slice s, char separator, uint32_t *begin, unsigned max)
{
	unsigned n = s.n < SPLIT_STEP
	    ? split_plainly(s, separator, begin, max)
	    : split_by_blocks(s, separator, begin, max);

	begin[0] = 0;
	begin[++n] = (uint32_t)s.n + 1;
	return n;
}

#else

unsigned
split_fields(struct slice s, char separator, uint32_t *begin, unsigned max)
{
	unsigned n = split_plainly(s, separator, begin, max);

	begin[0] = 0;
	begin[++n] = (uint32_t)s.n + 1;
	return n;
}

#endif
