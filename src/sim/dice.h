/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random numbers for the simulation: xoshiro256** (Blackman and Vigna, 2018),
 * seeded by splitmix64, and the distributions made of it.
 *
 * The same seed gives the same numbers on every machine: all of it is integer
 * arithmetic. Floating point would not do, since libcs differ in the last bit
 * of log() and exp(), and compilers in whether they contract a * b + c.
 */
#ifndef RT_SIM_DICE_H
#define RT_SIM_DICE_H

#include "base/base.h"

#define DICE_STEPS   256
#define DICE_MILLION 1000000u

struct dice {
	uint64_t s[4];
	uint64_t log2[DICE_STEPS + 1]; /* of 1 + i / 256, in 2^-32 */
	uint64_t exp2[DICE_STEPS + 1]; /* 2^(i / 256), in 2^-30 */
};

void dice_seed(struct dice *d, uint64_t seed);
uint64_t dice_roll(struct dice *d);
/* From 0 to n - 1, n > 0. */
uint32_t dice_below(struct dice *d, uint32_t n);
/* From low to high, both included; high - low < 2^32 - 1. */
int64_t dice_between(struct dice *d, int64_t low, int64_t high);
/* True in `millionths` of a million cases. */
bool dice_chance(struct dice *d, uint32_t millionths);
/* Exponential, of that mean (0 to 2^40). */
int64_t dice_exp(struct dice *d, int64_t mean);
/*
 * Lognormal, of that median (0 to 2^32); sigma, in hundredths, is the standard
 * deviation of the logarithm (0 to 200).
 */
int64_t dice_lognormal(struct dice *d, int64_t median, unsigned sigma);

#endif
