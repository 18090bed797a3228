/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Format, call machine and tally against the truth of a call centre that was
 * played: the log goes through the same intake as the daemon's, and each
 * queue's interval must hold what the simulation knows of it. Neither side
 * sees anything of the other but the lines.
 */
#include "played.h"

#define PIECE 100003 /* bytes at once: lines are cut anywhere */

static void
played_read(struct played *p)
{
	struct position position = {.file_no = 1};
	struct intake intake;
	struct err err;
	size_t n;

	played_start(p, 1);
	assert_int_equal(
	    intake_init(&intake, "played", 0, &asterisk_queue_log_stage, NULL,
		&p->machine, &err),
	    0);
	while ((size_t)position.offset < p->log.n) {
		n = p->log.n - (size_t)position.offset;
		n = RT_MIN(n, (size_t)PIECE);
		position.offset += (int64_t)intake_bytes(&intake, &position,
		    p->log.p + position.offset, n, n < PIECE);
	}
	intake_fini(&intake);
}

static void
played_check(struct played *p)
{
	played_run(p);
	played_read(p);
	played_compare(p);
	played_fini(p);
}

static void
test_days(void **state)
{
	struct played p;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 10; seed++) {
		played_init(&p);
		p.config.seed = seed;
		p.config.optimise = 10000;
		played_check(&p);
	}
}

/* Each answered call ends under an id that was never heard of. */
static void
test_optimised(void **state)
{
	struct played p;

	(void)state;
	played_init(&p);
	p.config.optimise = 1000000;
	played_check(&p);
}

static void
test_out_of_order(void **state)
{
	struct played p;

	(void)state;
	played_init(&p);
	p.config.disorder = 1000000;
	p.config.optimise = 100000;
	p.config.rate = 5000;
	p.config.agents = 250;
	played_check(&p);
}

static void
test_crashed(void **state)
{
	struct played p;

	(void)state;
	played_init(&p);
	p.config.crash_min = 9 * 60 + 47;
	p.config.refusals = true;
	p.config.disorder = 100000;
	p.config.rate = 4000;
	played_check(&p);
}

/* In the middle of it all: those who wait are waiting. */
static void
test_unfinished(void **state)
{
	struct played p;
	int minute;

	(void)state;
	for (minute = 0; minute < 30; minute += 7) {
		played_init(&p);
		p.config.rate = 3000;
		p.config.end_us =
		    MONDAY_US + 10 * HOUR_US + minute * 60 * USEC_PER_SEC;
		played_check(&p);
	}
}

static void
test_other_intervals(void **state)
{
	struct played p;

	(void)state;
	played_init(&p);
	p.config.interval_s = 60;
	p.config.short_abandon_s = 10;
	played_check(&p);
}

static void
test_many_queues(void **state)
{
	struct played p;

	(void)state;
	played_init(&p);
	p.config.queues = 100;
	p.config.agents = 2000;
	p.config.rate = 50000;
	p.config.refusals = true;
	p.config.start_us = MONDAY_US + 9 * HOUR_US;
	p.config.end_us = MONDAY_US + 11 * HOUR_US;
	played_check(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_days),
	    cmocka_unit_test(test_optimised),
	    cmocka_unit_test(test_out_of_order),
	    cmocka_unit_test(test_crashed),
	    cmocka_unit_test(test_unfinished),
	    cmocka_unit_test(test_other_intervals),
	    cmocka_unit_test(test_many_queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
