/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/nearest.h"

#define NEAREST_MAX 63 /* longer words are nobody's typing mistake */

static size_t
nearest_min3(size_t a, size_t b, size_t c)
{
	size_t ab = RT_MIN(a, b);

	return RT_MIN(ab, c);
}

/*
 * How many letters to add, remove, change or swap with their neighbour until
 * a is b (optimal string alignment), row by row.
 */
static size_t
nearest_distance(const char *a, const char *b)
{
	size_t rows[3][NEAREST_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2], *spare;
	size_t na = strlen(a), nb = strlen(b), i, j;

	if (na > NEAREST_MAX || nb > NEAREST_MAX)
		return SIZE_MAX;
	for (j = 0; j <= nb; j++)
		last[j] = before[j] = j;
	for (i = 1; i <= na; i++) {
		now[0] = i;
		for (j = 1; j <= nb; j++) {
			size_t change = last[j - 1] + (a[i - 1] != b[j - 1]);

			now[j] =
			    nearest_min3(change, last[j] + 1, now[j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				now[j] = RT_MIN(now[j], before[j - 2] + 1);
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[nb];
}

void
nearest_start(struct nearest *n, const char *word)
{
	*n = (struct nearest){word, NULL, SIZE_MAX};
}

void
nearest_offer(struct nearest *n, const char *known)
{
	size_t distance = nearest_distance(n->word, known);
	size_t len = strlen(n->word);

	/* a word cut short ("flush") is meant, however much is missing */
	if (len >= 3 && strncmp(n->word, known, len) == 0)
		distance = RT_MIN(distance, (size_t)1);
	if (distance < n->distance) {
		n->best = known;
		n->distance = distance;
	}
}

const char *
nearest_word(const struct nearest *n)
{
	size_t len = strlen(n->word);

	/* one slip in short words, one in three letters in long ones */
	if (n->best == NULL || n->distance > RT_MAX(len / 3, (size_t)1) ||
	    n->distance >= len)
		return NULL;
	return n->best;
}
