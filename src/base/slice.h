/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A slice: bytes that somebody else owns, with their length. Not terminated,
 * may hold any byte. The field of a log line is a slice of that line and lives
 * as long as the line does.
 */
#ifndef RT_BASE_SLICE_H
#define RT_BASE_SLICE_H

#include "base/base.h"

struct slice {
	const char *p;
	size_t n;
};

#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})
#define SLICE_FMT(s)   (int)(s).n, (s).p /* for "%.*s" */

static inline struct slice
slice_of(const char *text)
{
	return (struct slice){text, strlen(text)};
}

static inline uint64_t
slice_load_8(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t
slice_load_4(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/*
 * Whether n bytes are the same: memcmp for names and ids, of which a line of
 * a log needs several and which are too short to pay for a call. The last
 * bytes are looked at twice where n is no multiple.
 */
static inline bool
slice_same(const char *a, const char *b, size_t n)
{
	size_t i;

	if (n >= 8) {
		for (i = 0; i + 8 < n; i += 8)
			if (slice_load_8(a + i) != slice_load_8(b + i))
				return false;
		return slice_load_8(a + n - 8) == slice_load_8(b + n - 8);
	}
	if (n >= 4)
		return slice_load_4(a) == slice_load_4(b) &&
		    slice_load_4(a + n - 4) == slice_load_4(b + n - 4);
	for (i = 0; i < n; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

static inline bool
slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && slice_same(a.p, b.p, a.n);
}

/*
 * Reads a decimal number that fills the whole slice: digits only, at most 18,
 * no sign. False, and *value untouched, for anything else.
 */
static inline bool
slice_uint(struct slice s, int64_t *value)
{
	int64_t v = 0;
	size_t i;

	if (s.n == 0 || s.n > 18)
		return false;
	for (i = 0; i < s.n; i++) {
		unsigned digit = (unsigned char)s.p[i] - '0';

		if (digit > 9)
			return false;
		v = v * 10 + digit;
	}
	*value = v;
	return true;
}

/*
 * The same for exactly ten digits, as all time stamps from 2001 to 2286 have:
 * eight of them at once. False: something else stands there.
 */
static inline bool
slice_uint10(const char *p, int64_t *value)
{
	uint64_t x;
	unsigned tens = (unsigned char)p[8] - '0';
	unsigned ones = (unsigned char)p[9] - '0';

	memcpy(&x, p, 8);
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
	x = __builtin_bswap64(x);
#endif
	/* all bytes '0' to '9': none has 0x30 less or 0x3a and more */
	if (((x & UINT64_C(0xf0f0f0f0f0f0f0f0)) |
		(((x + UINT64_C(0x0606060606060606)) &
		     UINT64_C(0xf0f0f0f0f0f0f0f0)) >>
		    4)) != UINT64_C(0x3333333333333333) ||
	    tens > 9 || ones > 9)
		return false;
	x = (x & UINT64_C(0x0f0f0f0f0f0f0f0f)) * 2561 >> 8;
	x = (x & UINT64_C(0x00ff00ff00ff00ff)) * 6553601 >> 16;
	x = (x & UINT64_C(0x0000ffff0000ffff)) * UINT64_C(42949672960001) >> 32;
	*value = (int64_t)(x * 100 + tens * 10 + ones);
	return true;
}

#endif
