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

static inline bool
slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
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

#endif
