/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * repeat CALLERS MAX: so many callers are answered in seven days, and in every
 * seven that follow; one call in four is of a caller of the last days, so that
 * there are a third more calls than callers. The table may hold MAX calls.
 * Prints how many calls a second it takes while it grows, when it is full and
 * as the weeks go on, each with the longest that one call took; how many
 * callers it held after the first week, and calls at most, each with its bytes
 * then; and of how many days it held all calls at the least, from the first
 * week's end on.
 */
#include "base/base.h"
#include "base/clock.h"
#include "base/utc.h"
#include "tally/repeat.h"

#define START_US (INT64_C(15341) * SEC_PER_DAY * USEC_PER_SEC)

struct bench {
	struct repeat *r;
	struct queue *queue;
	uint64_t callers, n, seen; /* calls; callers who called */
	int64_t longest_us;
	uint64_t most_points;
	size_t most_bytes;
	int64_t least_us; /* it held all calls of that long */
};

/* As good as a keyed hash, and the same each time (splitmix64). */
static uint64_t
bench_mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* Every fourth call is of somebody who was answered before. */
static uint64_t
bench_who(struct bench *b)
{
	uint64_t last = RT_MIN(b->seen, b->callers);

	if (b->n % 4 != 3)
		return b->seen++;
	return b->seen - 1 - bench_mix(b->n) % last;
}

/* How many calls there are when so many callers have called. */
static uint64_t
bench_calls_of(uint64_t callers)
{
	return callers + callers / 3;
}

static void
bench_look(struct bench *b, int64_t at_us)
{
	b->most_points = RT_MAX(b->most_points, repeat_points(b->r));
	b->most_bytes = RT_MAX(b->most_bytes, repeat_bytes(b->r));
	if (b->seen >= b->callers && repeat_since_us(b->r) > START_US)
		b->least_us =
		    RT_MIN(b->least_us, at_us - repeat_since_us(b->r));
}

static void
bench_call(struct bench *b)
{
	uint64_t who = bench_who(b);
	uint64_t caller[2] = {bench_mix(who), bench_mix(~who)};
	int64_t step_us =
	    7 * REPEAT_DAY_US / (int64_t)bench_calls_of(b->callers);
	int64_t at_us = START_US + (int64_t)b->n * step_us;
	struct repeat_visit v = {.caller = (const uint8_t *)caller,
	    .queue = b->queue,
	    .call = (uint32_t)bench_mix(b->n ^ 1),
	    .number = 1,
	    .entered_us = at_us,
	    .at_us = at_us};
	int64_t before_us = clock_mono_us();

	repeat_clock(b->r, at_us);
	if (repeat_answered(b->r, &v, true) != REPEAT_FIRST)
		BUG("a call was not compared");
	b->longest_us = RT_MAX(b->longest_us, clock_mono_us() - before_us);
	if (b->n++ % 256 == 0)
		bench_look(b, at_us);
}

static void
bench_calls(struct bench *b, const char *name, uint64_t callers)
{
	uint64_t until = bench_calls_of(callers), n = until - b->n;
	int64_t since_us = clock_mono_us(), took_us;

	b->longest_us = 0;
	while (b->n < until)
		bench_call(b);
	took_us = clock_mono_us() - since_us;
	printf("%s %.0f %" PRId64 "\n", name,
	    (double)n * 1e6 / (double)RT_MAX(took_us, 1), b->longest_us);
}

int
main(int argc, char **argv)
{
	const struct tally_config tally = {.interval_us = 900 * USEC_PER_SEC,
	    .max_queues = 10,
	    .max_agents = 10,
	    .keep_us = 3600 * USEC_PER_SEC};
	struct repeat_config config = {.within_us = 7 * REPEAT_DAY_US};
	struct bench b = {.least_us = INT64_MAX};
	struct tally t;

	if (argc != 3) {
		fprintf(stderr, "usage: repeat CALLERS MAX\n");
		return 2;
	}
	b.callers = strtoull(argv[1], NULL, 10);
	config.max = (uint32_t)strtoul(argv[2], NULL, 10);
	tally_init(&t, &tally);
	b.queue = tally_queue(&t, SLICE("q"));
	b.r = repeat_new(&config);
	bench_calls(&b, "growing", b.callers);
	if (b.seen != b.callers)
		BUG("not the callers that were asked for");
	printf("callers %" PRIu64 " %zu\n", repeat_callers(b.r),
	    repeat_bytes(b.r));
	bench_calls(&b, "full", b.callers + b.callers / 4);
	bench_calls(&b, "later", 4 * b.callers);
	printf("most %" PRIu64 " %zu\n", b.most_points, b.most_bytes);
	printf("days %.2f 0\n", (double)b.least_us / REPEAT_DAY_US);
	repeat_free(b.r);
	tally_fini(&t);
	return 0;
}
