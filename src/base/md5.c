/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/md5.h"

#define MD5_BLOCK  64
#define MD5_LENGTH 56 /* where the length stands in the last block */

struct md5 {
	uint32_t a[4];
	uint64_t n; /* bytes so far */
	unsigned char block[MD5_BLOCK];
};

/* floor(2^32 * abs(sin(i + 1))) */
static const uint32_t md5_sine[64] = {0xd76aa478, 0xe8c7b756, 0x242070db,
    0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8,
    0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e,
    0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d,
    0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87,
    0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942,
    0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60,
    0xbebfbc70, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039,
    0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244, 0x432aff97, 0xab9423a7,
    0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1, 0x6fa87e4f,
    0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb,
    0xeb86d391};

static const unsigned char md5_shift[4][4] = {
    {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static uint32_t
md5_word(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

/* What a step mixes of b, c and d, and the word that it takes. */
static uint32_t
md5_mix(unsigned i, uint32_t b, uint32_t c, uint32_t d, unsigned *word)
{
	switch (i / 16) {
	case 0:
		*word = i;
		return (b & c) | (~b & d);
	case 1:
		*word = (5 * i + 1) % 16;
		return (d & b) | (~d & c);
	case 2:
		*word = (3 * i + 5) % 16;
		return b ^ c ^ d;
	default:
		*word = (7 * i) % 16;
		return c ^ (b | ~d);
	}
}

static void
md5_turn(struct md5 *m)
{
	uint32_t a = m->a[0], b = m->a[1], c = m->a[2], d = m->a[3], f;
	unsigned i, word, shift;

	for (i = 0; i < 64; i++) {
		f = md5_mix(i, b, c, d, &word);
		f += a + md5_sine[i] + md5_word(m->block + 4 * word);
		shift = md5_shift[i / 16][i % 4];
		a = d;
		d = c;
		c = b;
		b += f << shift | f >> (32 - shift);
	}
	m->a[0] += a;
	m->a[1] += b;
	m->a[2] += c;
	m->a[3] += d;
}

static void
md5_byte(struct md5 *m, unsigned char byte)
{
	m->block[m->n++ % MD5_BLOCK] = byte;
	if (m->n % MD5_BLOCK == 0)
		md5_turn(m);
}

/* A one bit, zeros, and the number of bits. */
static void
md5_finish(struct md5 *m)
{
	uint64_t bits = m->n * 8;
	int i;

	md5_byte(m, 0x80);
	while (m->n % MD5_BLOCK != MD5_LENGTH)
		md5_byte(m, 0);
	for (i = 0; i < 8; i++)
		md5_byte(m, (unsigned char)(bits >> (8 * i)));
}

void
md5_hex(char hex[MD5_HEX_MAX], const struct slice *parts, size_t n)
{
	struct md5 m = {.a = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
	size_t i, at;

	for (i = 0; i < n; i++)
		for (at = 0; at < parts[i].n; at++)
			md5_byte(&m, (unsigned char)parts[i].p[at]);
	md5_finish(&m);
	for (i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x",
		    (unsigned)(m.a[i / 4] >> (8 * (i % 4))) & 0xffU);
}
