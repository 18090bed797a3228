/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * repeat CALLERS: so many callers are answered in seven days, in their order,
 * and one in four rings again. Prints how many bytes the table has for each
 * caller, how many calls a second it takes while it grows, when it is full and
 * as the days go on, and the longest that one call took.
 */
#include "base/base.h"
#include "base/clock.h"
#include "base/utc.h"
#include "tally/repeat.h"

#define START_US (INT64_C(15341) * SEC_PER_DAY * USEC_PER_SEC)

struct bench {
	struct repeat *r;
	struct queue *queue;
	uint64_t calls, callers, n;
	int64_t longest_us;
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

/* The next one: every fourth is somebody who was answered before. */
static void
bench_call(struct bench *b)
{
	uint64_t again = b->n % 4 == 3 && b->n > 100;
	uint64_t who = again ? bench_mix(b->n) % (b->n / 2) : b->n;
	uint64_t caller[2] = {bench_mix(who), bench_mix(~who)};
	int64_t at_us =
	    START_US + (int64_t)(b->n * (7 * REPEAT_DAY_US / b->callers));
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
	b->n++;
}

static void
bench_calls(struct bench *b, const char *name, uint64_t until)
{
	uint64_t n = until - b->n;
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
	struct repeat_config config = {
	    .within_us = 7 * REPEAT_DAY_US, .max = UINT32_MAX};
	struct bench b = {.callers = 10000000};
	struct tally t;

	if (argc > 1)
		b.callers = strtoull(argv[1], NULL, 10);
	tally_init(&t, &tally);
	b.queue = tally_queue(&t, SLICE("q"));
	b.r = repeat_new(&config);
	bench_calls(&b, "growing", b.callers);
	printf("bytes %.1f %" PRIu64 "\n",
	    (double)repeat_bytes(b.r) / (double)repeat_callers(b.r),
	    repeat_callers(b.r));
	bench_calls(&b, "full", b.callers + b.callers / 4);
	bench_calls(&b, "later", 3 * b.callers);
	printf("held %.1f %" PRIu64 "\n",
	    (double)repeat_bytes(b.r) / (double)repeat_points(b.r),
	    repeat_points(b.r));
	repeat_free(b.r);
	tally_fini(&t);
	return 0;
}
