/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/utf8.h"

static bool
utf8_tail(const unsigned char *u, size_t n)
{
	size_t i;

	for (i = 1; i < n; i++)
		if ((u[i] & 0xc0) != 0x80)
			return false;
	return true;
}

size_t
utf8_decode(const char *p, size_t n, uint32_t *rune)
{
	const unsigned char *u = (const unsigned char *)p;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t r;
	size_t len, i;

	if (n == 0)
		return 0;
	if (u[0] < 0x80) {
		*rune = u[0];
		return 1;
	}
	len = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
	if (u[0] < 0xc2 || u[0] > 0xf4 || n < len || !utf8_tail(u, len))
		return 0;
	r = u[0] & (0x7fU >> len);
	for (i = 1; i < len; i++)
		r = r << 6 | (u[i] & 0x3f);
	if (r < least[len] || r > 0x10ffff || (r >= 0xd800 && r <= 0xdfff))
		return 0;
	*rune = r;
	return len;
}

bool
utf8_is_plain(uint32_t r)
{
	if (r < 0x20 || (r >= 0x7f && r < 0xa0))
		return false;
	return !(r == 0x61c || (r >= 0x200b && r <= 0x200f) ||
	    (r >= 0x2028 && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069) ||
	    r == 0xfeff || r == 0xfffe || r == 0xffff);
}

/* Eight bytes at once: the top bit of a byte marks one out of range. */
static inline uint64_t
utf8_bad_bytes(const char *p)
{
	const uint64_t top = UINT64_C(0x8080808080808080);
	const uint64_t one = UINT64_C(0x0101010101010101);
	uint64_t x;

	memcpy(&x, p, 8);
	return (x | ((x & ~top) + one) | ~((x | top) - one * 0x20)) & top;
}

RT_HOT bool
utf8_is_ascii(const char *p, size_t n)
{
	const char *end = p + n;
	uint64_t bad = 0;

	if (n >= 8) {
		for (; end - p > 8; p += 8)
			bad |= utf8_bad_bytes(p);
		return (bad | utf8_bad_bytes(end - 8)) == 0;
	}
	for (; p < end; p++)
		bad |= (unsigned char)*p - 0x20U > 0x5e;
	return bad == 0;
}

static size_t
utf8_encode(char *to, uint32_t r)
{
	if (r < 0x80) {
		to[0] = (char)r;
		return 1;
	}
	if (r < 0x800) {
		to[0] = (char)(0xc0 | r >> 6);
		to[1] = (char)(0x80 | (r & 0x3f));
		return 2;
	}
	BUG_ON(r > 0xffff);
	to[0] = (char)(0xe0 | r >> 12);
	to[1] = (char)(0x80 | (r >> 6 & 0x3f));
	to[2] = (char)(0x80 | (r & 0x3f));
	return 3;
}

size_t
utf8_clean(char *to, size_t cap, const char *p, size_t n)
{
	size_t used = 0, i = 0;

	while (i < n) {
		char one[4];
		uint32_t rune;
		size_t in = utf8_decode(p + i, n - i, &rune);
		size_t out;

		if (in == 0) {
			rune = (unsigned char)p[i];
			in = 1;
			if (!utf8_is_plain(rune))
				rune = 0xfffd;
			out = utf8_encode(one, rune);
		} else if (!utf8_is_plain(rune)) {
			out = utf8_encode(one, 0xfffd);
		} else {
			memcpy(one, p + i, in);
			out = in;
		}
		if (used + out > cap)
			break;
		memcpy(to + used, one, out);
		used += out;
		i += in;
	}
	return used;
}
