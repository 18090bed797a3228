/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <event2/event.h>

#include "base/clock.h"
#include "base/log.h"
#include "io/loop.h"

struct loop_signal {
	struct loop_signal *next;
	struct event *ev;
	void (*fn)(void *ctx, int signo);
	void *ctx;
};

struct loop {
	struct event_base *base;
	struct loop_signal *signals;
	bool stopped;
	unsigned users; /* timers, watches and tasks not yet freed */
};

/* A timer and a task are the same to libevent. */
struct timer {
	struct loop *loop;
	struct event *ev;
	void (*fn)(void *ctx);
	void *ctx;
};

struct watch {
	struct loop *loop;
	struct event *ev;
	void (*fn)(void *ctx, int what);
	void *ctx;
};

struct task {
	struct timer timer;
};

static void
loop_log_cb(int severity, const char *text)
{
	if (severity >= EVENT_LOG_WARN)
		log_warn("libevent: %s", text);
	else
		log_debug("libevent: %s", text);
}

static void
loop_fatal_cb(int code)
{
	BUG("libevent gave up with code %d", code);
}

/*
 * No cached time: a timer runs its whole delay from the call that set it, also
 * when that call came late in a long turn. No environment: a variable could
 * switch on epoll's change list, with which a descriptor that was closed and
 * opened again under its old number is not watched.
 */
static struct event_base *
loop_new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	if (config == NULL)
		return NULL;
	event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
	base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

struct loop *
loop_new(struct err *err)
{
	struct event_base *base;
	struct loop *loop;

	event_set_log_callback(loop_log_cb);
	event_set_fatal_callback(loop_fatal_cb);
	base = loop_new_base();
	if (base == NULL) {
		err_set(err, "libevent %s can not start an event loop",
		    event_get_version());
		return NULL;
	}
	loop = mem_zalloc(sizeof(*loop));
	loop->base = base;
	return loop;
}

void
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	while (loop->signals != NULL) {
		struct loop_signal *sig = loop->signals;

		loop->signals = sig->next;
		event_free(sig->ev);
		free(sig);
	}
	/* they would touch the freed loop when they are freed later */
	if (loop->users > 0)
		BUG("loop freed with %u users left", loop->users);
	event_base_free(loop->base);
	free(loop);
}

struct event_base *
loop_base(const struct loop *loop)
{
	return loop->base;
}

void
loop_run(struct loop *loop)
{
	if (!loop->stopped &&
	    event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0)
		BUG("the event loop failed: %s", strerror(errno));
	loop->stopped = false;
}

void
loop_stop(struct loop *loop)
{
	loop->stopped = true;
	event_base_loopbreak(loop->base);
}

static struct event *
loop_event(
    struct loop *loop, int fd, short what, event_callback_fn cb, void *arg)
{
	struct event *ev = event_new(loop->base, fd, what, cb, arg);

	if (ev == NULL)
		BUG("event_new: out of memory");
	return ev;
}

static void
timer_fire_cb(evutil_socket_t fd RT_UNUSED, short what RT_UNUSED, void *arg)
{
	struct timer *timer = arg;

	timer->fn(timer->ctx); /* may have freed the timer */
}

static void
timer_init(
    struct timer *timer, struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
	*timer = (struct timer){.loop = loop, .fn = fn, .ctx = ctx};
	timer->ev = loop_event(loop, -1, 0, timer_fire_cb, timer);
	loop->users++;
}

static void
timer_fini(struct timer *timer)
{
	timer->loop->users--;
	event_free(timer->ev);
}

struct timer *
timer_new(struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
	struct timer *timer = mem_alloc(sizeof(*timer));

	timer_init(timer, loop, fn, ctx);
	return timer;
}

void
timer_set(struct timer *timer, int64_t delay_us)
{
	int64_t us = RT_MAX(delay_us, INT64_C(0));
	struct timeval tv = {
	    .tv_sec = us / USEC_PER_SEC, .tv_usec = us % USEC_PER_SEC};

	if (event_add(timer->ev, &tv) < 0)
		BUG("event_add: no timer");
}

void
timer_unset(struct timer *timer)
{
	event_del(timer->ev);
}

bool
timer_is_set(const struct timer *timer)
{
	return event_pending(timer->ev, EV_TIMEOUT, NULL) != 0;
}

void
timer_free(struct timer *timer)
{
	if (timer == NULL)
		return;
	timer_fini(timer);
	free(timer);
}

static void
watch_fire_cb(evutil_socket_t fd RT_UNUSED, short what, void *arg)
{
	struct watch *watch = arg;

	watch->fn(watch->ctx,
	    (what & EV_READ ? WATCH_READ : 0) |
		(what & EV_WRITE ? WATCH_WRITE : 0));
}

struct watch *
watch_new(struct loop *loop, void (*fn)(void *ctx, int what), void *ctx)
{
	struct watch *watch = mem_alloc(sizeof(*watch));

	*watch = (struct watch){.loop = loop, .fn = fn, .ctx = ctx};
	watch->ev = loop_event(loop, -1, 0, watch_fire_cb, watch);
	loop->users++;
	return watch;
}

/*
 * event_del even where the descriptor seems to be the same: libevent does
 * nothing when it believes that the interest is unchanged, and the kernel has
 * forgotten a descriptor that was closed in between.
 */
void
watch_set(struct watch *watch, int fd, int what)
{
	short ev_what = 0;

	BUG_ON(fd < 0 || (what & (WATCH_READ | WATCH_WRITE)) == 0);
	if (what & WATCH_READ)
		ev_what |= EV_READ;
	if (what & WATCH_WRITE)
		ev_what |= EV_WRITE;
	event_del(watch->ev);
	if (event_assign(watch->ev, watch->loop->base, fd, ev_what,
		watch_fire_cb, watch) < 0 ||
	    event_add(watch->ev, NULL) < 0)
		BUG("descriptor %d can not be watched: %s", fd,
		    strerror(errno));
}

void
watch_unset(struct watch *watch)
{
	event_del(watch->ev);
}

void
watch_free(struct watch *watch)
{
	if (watch == NULL)
		return;
	watch->loop->users--;
	event_free(watch->ev);
	free(watch);
}

static void
loop_signal_cb(evutil_socket_t signo, short what RT_UNUSED, void *arg)
{
	struct loop_signal *sig = arg;

	sig->fn(sig->ctx, (int)signo);
}

void
loop_signal(
    struct loop *loop, int signo, void (*fn)(void *ctx, int signo), void *ctx)
{
	struct loop_signal *sig = mem_alloc(sizeof(*sig));

	*sig =
	    (struct loop_signal){.next = loop->signals, .fn = fn, .ctx = ctx};
	sig->ev = loop_event(
	    loop, signo, EV_SIGNAL | EV_PERSIST, loop_signal_cb, sig);
	if (event_add(sig->ev, NULL) < 0)
		BUG("signal %d can not be caught", signo);
	loop->signals = sig;
}

struct task *
task_new(struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
	struct task *task = mem_alloc(sizeof(*task));

	timer_init(&task->timer, loop, fn, ctx);
	return task;
}

/*
 * A timer of no delay, and not event_active: libevent runs what a callback
 * makes active in the same pass, so that a task that sets itself again would
 * keep every descriptor waiting.
 */
void
task_set(struct task *task)
{
	if (!timer_is_set(&task->timer))
		timer_set(&task->timer, 0);
}

void
task_unset(struct task *task)
{
	timer_unset(&task->timer);
}

void
task_free(struct task *task)
{
	if (task == NULL)
		return;
	timer_fini(&task->timer);
	free(task);
}
