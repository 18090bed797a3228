/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/split.h"

#ifdef __SSE2__
#include <emmintrin.h>

#define SPLIT_STEP 16

/* One bit for each of the sixteen bytes at p that is the separator. */
static inline unsigned
split_bits(const char *p, __m128i separators)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);

	return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, separators));
}

unsigned
split_fields(struct slice s, char separator, struct slice *field, unsigned max)
{
	const __m128i separators = _mm_set1_epi8(separator);
	const char *p = s.p, *end = s.p + s.n, *start = s.p;
	char copy[SPLIT_STEP];
	unsigned n = 0;

	while (p < end && n + 1 < max) {
		unsigned bits;

		if (RT_LIKELY(end - p >= SPLIT_STEP)) {
			bits = split_bits(p, separators);
		} else if (s.n >= SPLIT_STEP) {
			/* the last sixteen, without what was looked at */
			const char *last = end - SPLIT_STEP;

			bits = split_bits(last, separators) >> (p - last);
		} else {
			memset(copy, ~separator, sizeof(copy));
			memcpy(copy, p, (size_t)(end - p));
			bits = split_bits(copy, separators);
		}
		for (; bits != 0 && n + 1 < max; bits &= bits - 1) {
			const char *at = p + __builtin_ctz(bits);

			field[n++] =
			    (struct slice){start, (size_t)(at - start)};
			start = at + 1;
		}
		p += SPLIT_STEP;
	}
	field[n] = (struct slice){start, (size_t)(end - start)};
	return n + 1;
}

#else

unsigned
split_fields(struct slice s, char separator, struct slice *field, unsigned max)
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

#endif
