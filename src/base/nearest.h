/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "Did you mean ...?": of the words that are known, the one nearest to a
 * mistyped one. Start, offer each known word, then ask.
 */
#ifndef RT_BASE_NEAREST_H
#define RT_BASE_NEAREST_H

#include "base/base.h"

struct nearest {
	const char *word;
	const char *best; /* of those offered; NULL: none */
	size_t distance;  /* of best */
};

void nearest_start(struct nearest *n, const char *word);
/* Of equally near ones the first offered is taken. known is kept. */
void nearest_offer(struct nearest *n, const char *known);
/* The nearest word, or NULL where none is near enough to be meant. */
const char *nearest_word(const struct nearest *n);

#endif
