/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/split.h"

/* One after the other: where there is no SSE2, and what is too short for it. */
static unsigned
split_plainly(struct slice s, char separator, struct slice *field, unsigned max)
{
	const char *end = s.p + s.n, *start = s.p, *at;
	unsigned n = 0;

	while (n + 1 < max && start < end &&
	    (at = memchr(start, separator, (size_t)(end - start))) != NULL) {
		field[n++] = (struct slice){start, (size_t)(at - start)};
		start = at + 1;
	}
	field[n] = (struct slice){start, (size_t)(end - start)};
	return n + 1;
}

#ifdef __SSE2__
#include <emmintrin.h>

#define SPLIT_STEP  16
#define SPLIT_BLOCK 64

/* One bit for each of the sixteen bytes at p that is the separator. */
static inline uint64_t
split_bits(const char *p, __m128i separators)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);

	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, separators));
}

/*
 * The same of n bytes, 1 to SPLIT_BLOCK. What is left of them behind whole
 * steps is seen by the last step again, whose bytes before it are readable.
 */
static inline uint64_t
split_block(const char *p, size_t n, __m128i separators)
{
	uint64_t bits = 0;
	size_t at;

	for (at = 0; at + SPLIT_STEP <= n; at += SPLIT_STEP)
		bits |= split_bits(p + at, separators) << at;
	if (at < n)
		bits |= split_bits(p + n - SPLIT_STEP, separators) >>
		    (SPLIT_STEP - (n - at)) << at;
	return bits;
}

/* By blocks: one branch that nobody can foretell for each, not each step. */
unsigned
split_fields(struct slice s, char separator, struct slice *field, unsigned max)
{
	const __m128i separators = _mm_set1_epi8(separator);
	const char *p = s.p, *end = s.p + s.n, *start = s.p, *at;
	struct slice *to = field, *last = field + max - 1;

	if (s.n < SPLIT_STEP || max < 2)
		return split_plainly(s, separator, field, max);
	while (p < end && to < last) {
		size_t n = RT_MIN((size_t)(end - p), (size_t)SPLIT_BLOCK);
		uint64_t bits = split_block(p, n, separators);

		for (; bits != 0 && to < last; bits &= bits - 1) {
			at = p + __builtin_ctzll(bits);
			*to++ = (struct slice){start, (size_t)(at - start)};
			start = at + 1;
		}
		p += n;
	}
	*to = (struct slice){start, (size_t)(end - start)};
	return (unsigned)(to - field) + 1;
}

#else

unsigned
split_fields(struct slice s, char separator, struct slice *field, unsigned max)
{
	return split_plainly(s, separator, field, max);
}

#endif
