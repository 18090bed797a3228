/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop: libevent behind a small face. One loop, one thread. What
 * runs on it does a bounded piece of work and returns.
 *
 * Only io/ (and the HTTP files) include event2 headers. The store watches
 * libpq's socket through struct watch.
 */
#ifndef RT_IO_LOOP_H
#define RT_IO_LOOP_H

#include "base/err.h"

struct event_base;
struct loop;
struct watch;
struct timer;

/* Returns NULL with the reason where libevent can not start. */
struct loop *loop_new(struct err *err);
/* All timers, watches and tasks must be freed already. NULL is fine. */
void loop_free(struct loop *loop);
/* libevent's own, for what is built on it (evhttp). */
struct event_base *loop_base(const struct loop *loop);
/* Runs until loop_stop; returns at once if that was called before. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/*
 * A timer on the monotonic clock. It starts unset; timer_set (again) lets it
 * fire once, delay_us from now. Its callback may set or free it.
 */
struct timer *timer_new(struct loop *loop, void (*fn)(void *ctx), void *ctx);
void timer_set(struct timer *timer, int64_t delay_us);
void timer_unset(struct timer *timer);
bool timer_is_set(const struct timer *timer);
void timer_free(struct timer *timer); /* NULL is fine */

enum watch_for { WATCH_READ = 1, WATCH_WRITE = 2 };

/*
 * Watches a file descriptor. One shot: after the callback (what: enum
 * watch_for bits) it is unset until watch_set again. watch_set takes the
 * descriptor each time, and forgets the old registration completely: libpq
 * may close its socket and open another one under the same number.
 */
struct watch *
watch_new(struct loop *loop, void (*fn)(void *ctx, int what), void *ctx);
void watch_set(struct watch *watch, int fd, int what);
void watch_unset(struct watch *watch); /* before the fd is closed */
void watch_free(struct watch *watch);  /* NULL is fine */

/* Calls fn with the signal's number, on the loop. Freed with the loop. */
void loop_signal(
    struct loop *loop, int signo, void (*fn)(void *ctx, int signo), void *ctx);

/*
 * Work to do in a later turn: fn runs once, after other ready events had their
 * chance. Setting it again before it ran changes nothing.
 */
struct task;
struct task *task_new(struct loop *loop, void (*fn)(void *ctx), void *ctx);
void task_set(struct task *task);
void task_unset(struct task *task);
void task_free(struct task *task); /* NULL is fine */

#endif
