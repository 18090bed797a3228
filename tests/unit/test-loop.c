/* SPDX-License-Identifier: BSD-2-Clause */
/* The event loop: timers, tasks, watches and signals, on real descriptors. */
#include "base/base.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <cmocka.h>

#include "base/clock.h"
#include "io/loop.h"

struct probe {
	struct loop *loop;
	struct timer *timer;
	struct task *task;
	struct watch *watch;
	int pipe[2];
	int64_t fired_us;
	int runs, reads, signals, what;
};

static struct probe
probe_new(void)
{
	struct probe p = {.loop = loop_new(NULL), .pipe = {-1, -1}};

	assert_non_null(p.loop);
	return p;
}

static void
probe_timer_cb(void *ctx)
{
	struct probe *p = ctx;

	p->fired_us = clock_mono_us();
	assert_false(timer_is_set(p->timer));
	loop_stop(p->loop);
}

static void
test_timer_waits_its_delay(void **state RT_UNUSED)
{
	struct probe p = probe_new();
	int64_t began;

	p.timer = timer_new(p.loop, probe_timer_cb, &p);
	assert_false(timer_is_set(p.timer));
	timer_set(p.timer, 3600 * USEC_PER_SEC);
	began = clock_mono_us();
	timer_set(p.timer, 30 * USEC_PER_MSEC);
	assert_true(timer_is_set(p.timer));
	loop_run(p.loop);
	assert_true(p.fired_us - began >= 30 * USEC_PER_MSEC);
	assert_true(p.fired_us - began < 5 * USEC_PER_SEC);
	timer_free(p.timer);
	loop_free(p.loop);
}

static void
probe_free_timer_cb(void *ctx)
{
	struct probe *p = ctx;

	timer_free(p->timer);
	p->timer = NULL;
	loop_stop(p->loop);
}

static void
test_timer_may_free_itself(void **state RT_UNUSED)
{
	struct probe p = probe_new();

	p.timer = timer_new(p.loop, probe_free_timer_cb, &p);
	timer_set(p.timer, -5);
	loop_run(p.loop);
	assert_null(p.timer);
	loop_free(p.loop);
}

/* A task that sets itself for ever must leave the pipe its chance. */
static void
probe_greedy_cb(void *ctx)
{
	struct probe *p = ctx;

	if (++p->runs > 1000)
		loop_stop(p->loop);
	task_set(p->task);
}

static void
probe_read_cb(void *ctx, int what)
{
	struct probe *p = ctx;

	p->reads++;
	p->what = what;
	loop_stop(p->loop);
}

static void
test_task_starves_nobody(void **state RT_UNUSED)
{
	struct probe p = probe_new();

	assert_int_equal(pipe(p.pipe), 0);
	p.task = task_new(p.loop, probe_greedy_cb, &p);
	p.watch = watch_new(p.loop, probe_read_cb, &p);
	watch_set(p.watch, p.pipe[0], WATCH_READ);
	task_set(p.task);
	task_set(p.task);
	assert_int_equal(write(p.pipe[1], "x", 1), 1);
	loop_run(p.loop);
	assert_int_equal(p.reads, 1);
	assert_int_equal(p.what, WATCH_READ);
	assert_true(p.runs <= 2);
	/* one shot: the byte is still there, and nobody is told again */
	loop_run(p.loop);
	assert_int_equal(p.reads, 1);
	watch_free(p.watch);
	task_free(p.task);
	loop_free(p.loop);
	close(p.pipe[0]);
	close(p.pipe[1]);
}

/* libpq's trick: the descriptor is closed, and a new one has its number. */
static void
test_watch_survives_same_number(void **state RT_UNUSED)
{
	struct probe p = probe_new();
	int other[2], fd;

	assert_int_equal(pipe(p.pipe), 0);
	assert_int_equal(pipe(other), 0);
	p.watch = watch_new(p.loop, probe_read_cb, &p);
	p.timer = timer_new(p.loop, probe_timer_cb, &p);
	watch_set(p.watch, p.pipe[0], WATCH_READ);
	fd = p.pipe[0];
	assert_int_equal(dup2(other[0], fd), fd);
	watch_set(p.watch, fd, WATCH_READ);
	assert_int_equal(write(other[1], "x", 1), 1);
	timer_set(p.timer, 5 * USEC_PER_SEC);
	loop_run(p.loop);
	assert_int_equal(p.reads, 1);
	watch_set(p.watch, other[1], WATCH_READ | WATCH_WRITE);
	loop_run(p.loop);
	assert_int_equal(p.what, WATCH_WRITE);
	timer_free(p.timer);
	watch_free(p.watch);
	loop_free(p.loop);
	close(p.pipe[0]);
	close(p.pipe[1]);
	close(other[0]);
	close(other[1]);
}

static void
probe_signal_cb(void *ctx, int signo)
{
	struct probe *p = ctx;

	assert_int_equal(signo, SIGUSR1);
	if (++p->signals == 2)
		loop_stop(p->loop);
	else
		raise(SIGUSR1);
}

static void
test_signal_comes_each_time(void **state RT_UNUSED)
{
	struct probe p = probe_new();

	loop_signal(p.loop, SIGUSR1, probe_signal_cb, &p);
	raise(SIGUSR1);
	loop_run(p.loop);
	assert_int_equal(p.signals, 2);
	loop_free(p.loop);
}

static void
test_stop_before_run_counts(void **state RT_UNUSED)
{
	struct probe p = probe_new();

	loop_stop(p.loop);
	loop_run(p.loop);
	loop_free(p.loop);
	loop_free(NULL);
	timer_free(NULL);
	task_free(NULL);
	watch_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_timer_waits_its_delay),
	    cmocka_unit_test(test_timer_may_free_itself),
	    cmocka_unit_test(test_task_starves_nobody),
	    cmocka_unit_test(test_watch_survives_same_number),
	    cmocka_unit_test(test_signal_comes_each_time),
	    cmocka_unit_test(test_stop_before_run_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
