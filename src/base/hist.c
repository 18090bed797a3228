/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/hist.h"

void
hist_fini(struct hist *h)
{
	free(h->bin);
	*h = (struct hist){0};
}

void
hist_reset(struct hist *h)
{
	h->count = 0;
}

/* Makes bins low..high (numbers, inclusive) exist. */
static void
hist_span(struct hist *h, int32_t low, int32_t high)
{
	int32_t count, shift = 0;

	if (h->count > 0) {
		low = RT_MIN(low, h->low);
		high = RT_MAX(high, h->low + h->count - 1);
		shift = h->low - low;
	}
	count = high - low + 1;
	if (count > h->cap) {
		h->cap = RT_MIN(RT_MAX(count + count / 4, 8), HIST_BINS);
		h->bin = mem_realloc(h->bin, (size_t)h->cap, sizeof(*h->bin));
	}
	if (shift > 0 && h->count > 0)
		memmove(
		    h->bin + shift, h->bin, (size_t)h->count * sizeof(*h->bin));
	memset(h->bin, 0, (size_t)shift * sizeof(*h->bin));
	memset(h->bin + shift + h->count, 0,
	    (size_t)(count - shift - h->count) * sizeof(*h->bin));
	h->low = low;
	h->count = count;
}

RT_HOT void
hist_add(struct hist *h, int bin, int32_t n)
{
	BUG_ON(bin < 0 || bin >= HIST_BINS);
	if (h->count == 0 || bin < h->low || bin >= h->low + h->count)
		hist_span(h, bin, bin);
	h->bin[bin - h->low] += n;
}

void
hist_merge(struct hist *to, const struct hist *from)
{
	int32_t i;

	if (from->count == 0)
		return;
	hist_span(to, from->low, from->low + from->count - 1);
	for (i = 0; i < from->count; i++)
		to->bin[from->low + i - to->low] += from->bin[i];
}

void
hist_raise(struct hist *to, const struct hist *from)
{
	int64_t sum = 0, sum_from = 0, most = 0;
	int32_t i;

	if (from->count == 0)
		return;
	hist_span(to, from->low, from->low + from->count - 1);
	for (i = 0; i < to->count; i++) {
		int32_t k = to->low + i - from->low;

		sum += to->bin[i];
		if (k >= 0 && k < from->count)
			sum_from += from->bin[k];
		to->bin[i] =
		    (int32_t)(RT_MAX(most, RT_MAX(sum, sum_from)) - most);
		most += to->bin[i];
	}
}

/* The first n bins that are held. */
static int64_t
hist_sum(const struct hist *h, int64_t n)
{
	int64_t sum = 0, i;

	for (i = 0; i < n; i++)
		sum += h->bin[i];
	return sum;
}

/* How many waited longer than HIST_SECONDS. */
static int32_t
hist_beyond(const struct hist *h)
{
	if (h->count == 0 || h->low + h->count < HIST_BINS)
		return 0;
	return h->bin[h->count - 1];
}

int64_t
hist_within(const struct hist *h, int64_t seconds)
{
	if (seconds > HIST_SECONDS && hist_beyond(h) != 0)
		return -1;
	if (h->count == 0 || seconds < h->low)
		return 0;
	return hist_sum(h,
	    RT_MIN((int64_t)h->count, RT_MIN(seconds, HIST_BINS) - h->low + 1));
}

int64_t
hist_total(const struct hist *h)
{
	return hist_sum(h, h->count);
}

int64_t
hist_percentile(const struct hist *h, double pct)
{
	int64_t total = hist_total(h), sum = 0;
	int32_t i;

	if (total <= 0)
		return -1;
	for (i = 0; i < h->count && h->low + i <= HIST_SECONDS; i++) {
		sum += h->bin[i];
		if ((double)sum * 100.0 >= pct * (double)total)
			return h->low + i;
	}
	return -1;
}
