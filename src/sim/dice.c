/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "sim/dice.h"

#define DICE_LN2    UINT64_C(2977044472) /* ln 2, in 2^-32 */
#define DICE_INVLN2 94548		 /* 1 / ln 2, in 2^-16 */

static uint64_t
dice_splitmix(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* log2(x / 2^31) in 2^-32, for x from 2^31 to 2^32: a bit for each squaring. */
static uint64_t
dice_log2(uint64_t x)
{
	uint64_t log = 0;
	int bit;

	for (bit = 31; bit >= 0; bit--) {
		x = x * x >> 31;
		if (x >> 32 != 0) {
			x >>= 1;
			log |= UINT64_C(1) << bit;
		}
	}
	return log;
}

static uint64_t
dice_sqrt(uint64_t x)
{
	uint64_t root = 0;
	int bit;

	for (bit = 31; bit >= 0; bit--) {
		uint64_t try = root | UINT64_C(1) << bit;

		if (try * try <= x)
			root = try;
	}
	return root;
}

/* 2^(i/256) is the product of the 2nd, 4th, ... 256th roots of 2 in i. */
static void
dice_make_exp2(struct dice *d)
{
	uint64_t root = UINT64_C(2) << 30;
	int bit, i;

	for (i = 0; i <= DICE_STEPS; i++)
		d->exp2[i] = i == DICE_STEPS ? root : UINT64_C(1) << 30;
	for (bit = 7; bit >= 0; bit--) {
		root = dice_sqrt(root << 30);
		for (i = 0; i < DICE_STEPS; i++) {
			if (i >> bit & 1)
				d->exp2[i] = d->exp2[i] * root >> 30;
		}
	}
}

void
dice_seed(struct dice *d, uint64_t seed)
{
	uint64_t i;

	for (i = 0; i < RT_COUNT(d->s); i++)
		d->s[i] = dice_splitmix(&seed);
	for (i = 0; i < DICE_STEPS; i++)
		d->log2[i] = dice_log2((DICE_STEPS + i) << 23);
	d->log2[DICE_STEPS] = UINT64_C(1) << 32;
	dice_make_exp2(d);
}

static inline uint64_t
dice_rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

uint64_t
dice_roll(struct dice *d)
{
	uint64_t *s = d->s;
	uint64_t result = dice_rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = dice_rotl(s[3], 45);
	return result;
}

uint32_t
dice_below(struct dice *d, uint32_t n)
{
	return (uint32_t)((dice_roll(d) >> 32) * n >> 32);
}

int64_t
dice_between(struct dice *d, int64_t low, int64_t high)
{
	return low + dice_below(d, (uint32_t)(high - low + 1));
}

bool
dice_chance(struct dice *d, uint32_t millionths)
{
	return dice_below(d, DICE_MILLION) < millionths;
}

/* The value at a point between two rows of a table, by a straight line. */
static inline uint64_t
dice_lerp(const uint64_t *row, uint64_t part)
{
	return row[0] + ((row[1] - row[0]) * part >> 32);
}

int64_t
dice_exp(struct dice *d, int64_t mean)
{
	uint64_t r = dice_roll(d) | 1;
	int zeros = __builtin_clzll(r);
	uint64_t m = r << zeros; /* r / 2^64 = m / 2^63 / 2^(zeros + 1) */
	uint64_t log2, ln;

	log2 = dice_lerp(&d->log2[m >> 55 & 255], m >> 23 & UINT32_MAX);
	log2 = ((uint64_t)(zeros + 1) << 32) - log2; /* of 1/u, in 2^-32 */
	ln = (log2 >> 8) * DICE_LN2 >> 40;	     /* in 2^-16 */
	return (int64_t)((uint64_t)mean * ln >> 16);
}

/* Nearly normal: the sum of 12 uniform numbers; in 2^-16, within +-6. */
static int64_t
dice_normal(struct dice *d)
{
	int64_t sum = -6 * INT64_C(65535);
	int i, j;

	for (i = 0; i < 3; i++) {
		uint64_t r = dice_roll(d);

		for (j = 0; j < 64; j += 16)
			sum += (int64_t)(r >> j & UINT16_MAX);
	}
	return sum;
}

int64_t
dice_lognormal(struct dice *d, int64_t median, unsigned sigma)
{
	/* the exponent of 2, in 2^-16, raised by 64 so as not to shift < 0 */
	int64_t e = dice_normal(d) * (int64_t)sigma * DICE_INVLN2 / 6553600 +
	    (INT64_C(64) << 16);
	int shift = (int)(e >> 16) - 64;
	uint64_t x;

	x = dice_lerp(&d->exp2[e >> 8 & 255], (uint64_t)(e & 255) << 24);
	x = (uint64_t)median * x >> 30;
	return (int64_t)(shift >= 0 ? x << shift : x >> -shift);
}
