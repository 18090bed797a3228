/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the call machine, the store and tally/repeat.h: who rings again, who
 * gave up and was through, and whose call was passed to another service.
 *
 * What was booked of a visit stands in its bits (visit.inferred), which are
 * stored with it: a correction takes back what was booked, whatever is
 * configured by then. Of one call the answered visit that was first in time is
 * counted; one whose row is written stays so, for figures and rows must agree.
 */
#include "base/base.h"
#include "app.h"
#include "base/log.h"
#include "base/table.h"
#include "base/utc.h"

_Static_assert(REPEAT_CALLER_BYTES == CALL_CALLER_BYTES, "the same hash");

/* At a start: the service of a queue by which its figures were booked. */
struct app_service {
	UT_hash_handle hh;
	char *service; /* or NULL */
	struct queue *queue;
	const char *switch_name;
	size_t n;
	char name[];
};

int64_t
app_repeat_days(const struct conf *conf)
{
	if (conf->caller_key_file == NULL)
		return 0;
	return RT_MIN(
	    conf->contacts.repeat_days, conf->database.keep_visits_days);
}

static const char *
app_inferred_service(void *ctx, const char *queue)
{
	const struct app *app = ctx;

	return conf_service_of(app->conf, queue);
}

/* What was asked for, and can not be. */
static void
app_say_repeat_days(const struct app *app, int64_t days)
{
	const struct conf *conf = app->conf;

	if (conf->caller_key_file != NULL && days < conf->contacts.repeat_days)
		log_warn("contacts.repeat_days is %" PRId64
			 ", but visits are kept for %" PRId64
			 " days: callers are known again for no longer",
		    conf->contacts.repeat_days, days);
}

void
app_inferred_begin(struct app *app)
{
	int64_t days = app_repeat_days(app->conf);
	struct repeat_config config = {
	    .within_us = RT_MAX(days, INT64_C(1)) * REPEAT_DAY_US,
	    .max = (uint32_t)app->conf->contacts.max_callers,
	    .service_of = app_inferred_service,
	    .ctx = app};

	repeat_free(app->repeat);
	app->repeat = repeat_new(&config);
	app->repeats = days > 0;
	app->repeat_since_us = INT64_MIN;
	app->repeat_full = false;
}

/* --- one visit ----------------------------------------------------------- */

static uint32_t
app_call_hash(const struct app_switch *sw, struct slice id)
{
	return (uint32_t)XXH3_64bits_withSeed(
	    id.p, id.n, (uint64_t)(sw - sw->app->switches));
}

/* While there is a key before, all go by that one. */
static const uint8_t *
app_caller(const struct app_switch *sw, const struct visit *v)
{
	return sw->app->has_old_key && v->has_before ? v->caller_before
						     : v->caller;
}

static struct repeat_visit
app_repeat_visit(const struct app_switch *sw, const struct visit *v)
{
	return (struct repeat_visit){.caller = app_caller(sw, v),
	    .queue = v->queue,
	    .call =
		app_call_hash(sw, (struct slice){v->call->id, v->call->id_len}),
	    .number = v->number,
	    .entered_us = v->entered_us,
	    .at_us =
		v->outcome == OUTCOME_ANSWERED ? v->answered_us : v->ended_us};
}

static void
app_inferred_clock(struct app_switch *sw)
{
	const struct machine *m = &sw->machine;
	struct app *app = sw->app;

	if (m->leap_us != m->clock_us)
		repeat_clock(app->repeat, m->clock_us);
	/* fewer: what is older was not loaded, or is too old for others */
	if (app->repeat_full ||
	    repeat_points(app->repeat) <
		(uint64_t)app->conf->contacts.max_callers / 2 ||
	    repeat_since_us(app->repeat) <=
		m->clock_us - repeat_within_us(app->repeat))
		return;
	app->repeat_full = true;
	log_warn("more than max_callers (%" PRId64 ") rang within repeat_days: "
		 "the oldest are left out",
	    app->conf->contacts.max_callers);
}

static void
app_infer(struct app_switch *sw, struct visit *v, unsigned set, unsigned clear)
{
	machine_infer(&sw->machine, v, (uint8_t)((v->inferred & ~clear) | set));
}

static bool
app_is_answered(const struct visit *v)
{
	return v->cell != NULL && v->outcome == OUTCOME_ANSWERED;
}

/* Its row is not written yet. */
static bool
app_is_open(const struct visit *v)
{
	return v->state != VISIT_ENDED || (v->heard != NULL && !v->heard->kept);
}

static bool
app_is_before(const struct visit *a, const struct visit *b)
{
	return a->answered_us != b->answered_us
	    ? a->answered_us < b->answered_us
	    : a->number < b->number;
}

/* The answered visit of the call that comes first, v left out. */
static struct visit *
app_first_answered(const struct visit *v)
{
	struct visit *u, *first = NULL;

	for (u = v->call->visits; u != NULL; u = u->next)
		if (u != v && app_is_answered(u) &&
		    (first == NULL || app_is_before(u, first)))
			first = u;
	return first;
}

static void
app_set_first(struct app_switch *sw, struct visit *v, bool first)
{
	struct repeat_visit rv = app_repeat_visit(sw, v);

	if ((v->inferred & VISIT_COMPARED) == 0 || !app_is_open(v) ||
	    !repeat_set_first(sw->app->repeat, &rv, first))
		return;
	app_infer(sw, v, first ? VISIT_COUNTED : 0, VISIT_COUNTED);
}

/* --- passed on ----------------------------------------------------------- */

static void
app_book_misrouted(struct app_switch *sw, struct visit *v, int n)
{
	tally_book(&sw->tally, v->cell, MEASURE_misrouted, n);
	if (sw->tally.live != NULL)
		live_touch(sw->tally.live, v->queue);
}

/* A feed that tells seconds may tell all of one: then its order counts. */
static bool
app_is_behind(const struct visit *u, const struct visit *v)
{
	return u->entered_us != v->answered_us ? u->entered_us > v->answered_us
					       : u->number > v->number;
}

/* Where the call went next after v was answered; NULL: nowhere yet. */
static struct visit *
app_next_visit(const struct visit *v)
{
	struct visit *u, *next = NULL;

	for (u = v->call->visits; u != NULL; u = u->next)
		if (u != v && u->cell != NULL && app_is_behind(u, v) &&
		    (next == NULL || u->entered_us < next->entered_us))
			next = u;
	return next;
}

static void
app_weigh_misrouted(struct app_switch *sw, struct visit *v)
{
	struct visit *next;

	if (!app_is_answered(v) || (v->inferred & VISIT_FOLLOWED) != 0)
		return;
	next = app_next_visit(v);
	if (next == NULL)
		return;
	app_infer(sw, v, VISIT_FOLLOWED, 0);
	if (repeat_same_service(sw->app->repeat, v->queue, next->queue))
		return;
	app_book_misrouted(sw, v, 1);
	app_infer(sw, v, VISIT_MISROUTED, 0);
}

void
app_inferred_followed(void *ctx, struct visit *visit)
{
	struct app_switch *sw = ctx;
	struct visit *v;

	for (v = visit->call->visits; v != NULL; v = v->next)
		if (v != visit && app_is_answered(v) &&
		    app_next_visit(v) == visit)
			app_weigh_misrouted(sw, v);
}

/* --- answered, given up, and not so after all ---------------------------- */

static void
app_take_back_answer(struct app_switch *sw, struct visit *v)
{
	struct repeat_visit rv = app_repeat_visit(sw, v);

	if ((v->inferred & VISIT_COMPARED) != 0)
		repeat_take_back(sw->app->repeat, &rv, true);
	app_infer(sw, v, 0, VISIT_COMPARED | VISIT_COUNTED);
}

/* Whether v is the one of its call that counts; another one is so no more. */
static bool
app_comes_first(struct app_switch *sw, struct visit *v)
{
	struct visit *first = app_first_answered(v);

	if (first == NULL)
		return true;
	if (!app_is_before(v, first))
		return false;
	app_set_first(sw, first, false);
	return (first->inferred & VISIT_COUNTED) == 0;
}

void
app_inferred_answered(struct app_switch *sw, struct visit *v)
{
	struct repeat_visit rv;
	bool first;
	int kind;

	if (v->call->visits->next != NULL)
		app_weigh_misrouted(sw, v);
	if (!sw->app->repeats)
		return;
	app_take_back_answer(sw, v);
	first = app_comes_first(sw, v);
	if (!v->has_caller)
		return;
	app_inferred_clock(sw);
	rv = app_repeat_visit(sw, v);
	kind = repeat_answered(sw->app->repeat, &rv, first);
	if (kind >= 0)
		app_infer(sw, v,
		    VISIT_COMPARED | (kind == REPEAT_FIRST ? VISIT_COUNTED : 0),
		    0);
}

void
app_inferred_gave_up(struct app_switch *sw, struct visit *v)
{
	struct repeat_visit rv;

	if (!sw->app->repeats || !v->has_caller)
		return;
	app_inferred_clock(sw);
	rv = app_repeat_visit(sw, v);
	if (repeat_gave_up(sw->app->repeat, &rv))
		app_infer(sw, v, VISIT_COUNTED_GONE, 0);
}

static void
app_was_no_answer(struct app_switch *sw, struct visit *v)
{
	bool counted = (v->inferred & VISIT_COUNTED) != 0;
	struct visit *next = app_first_answered(v);

	app_take_back_answer(sw, v);
	if ((v->inferred & VISIT_MISROUTED) != 0)
		app_book_misrouted(sw, v, -1);
	app_infer(sw, v, 0, VISIT_MISROUTED | VISIT_FOLLOWED);
	if (counted && next != NULL)
		app_set_first(sw, next, true);
}

void
app_inferred_corrected(
    struct app_switch *sw, struct visit *v, enum outcome before)
{
	struct repeat_visit rv = app_repeat_visit(sw, v);

	if (before == OUTCOME_ANSWERED)
		app_was_no_answer(sw, v);
	if ((v->inferred & VISIT_COUNTED_GONE) != 0) {
		repeat_take_back(sw->app->repeat, &rv, false);
		app_infer(sw, v, 0, VISIT_COUNTED_GONE);
	}
	if (v->outcome == OUTCOME_ABANDONED)
		app_inferred_gave_up(sw, v);
}

/* Its row is written now: another feed may have known the moment better. */
void
app_inferred_settle(struct app_switch *sw, const struct visit *v)
{
	struct repeat_visit rv;

	if (v->heard == NULL || (v->inferred & VISIT_COMPARED) == 0)
		return;
	rv = app_repeat_visit(sw, v);
	repeat_settle(sw->app->repeat, &rv);
}

/* --- a start ------------------------------------------------------------- */

/* A key of the switch's and the queue's names; n: its bytes. */
static struct app_service *
app_service_new(const char *switch_name, struct slice queue)
{
	size_t n = strlen(switch_name) + 1;
	struct app_service *s = mem_zalloc(sizeof(*s) + n + queue.n);

	memcpy(s->name, switch_name, n);
	if (queue.n > 0)
		memcpy(s->name + n, queue.p, queue.n);
	s->n = n + queue.n;
	return s;
}

static struct app_service *
app_service_find(struct app *app, const struct app_service *like)
{
	struct app_service *s;

	HASH_FIND(hh, app->services, like->name, (unsigned)like->n, s);
	return s;
}

void
app_load_service(
    void *ctx, const char *switch_name, struct slice queue, const char *service)
{
	struct app *app = ctx;
	struct app_service *s = app_service_new(switch_name, queue);

	s->service = service != NULL ? mem_strdup(service) : NULL;
	HASH_ADD_KEYPTR(hh, app->services, s->name, (unsigned)s->n, s);
}

void
app_inferred_forget_services(struct app *app)
{
	struct app_service *s, *next;

	HASH_ITER (hh, app->services, s, next) {
		HASH_DEL(app->services, s);
		free(s->service);
		free(s);
	}
}

/* The queue, of the service that it had. */
static struct queue *
app_inferred_queue(struct app_switch *sw, struct slice name)
{
	struct queue *queue = tally_queue(&sw->tally, name);
	struct app_service *like, *s;

	if (queue->repeat_id != 0)
		return queue;
	like = app_service_new(sw->name, name);
	s = app_service_find(sw->app, like);
	free(like);
	if (s != NULL)
		repeat_set_service(sw->app->repeat, queue, s->service);
	return queue;
}

void
app_load_repeat_days(void *ctx, int64_t days)
{
	struct app *app = ctx;

	if (days > 0)
		repeat_review(app->repeat, days * REPEAT_DAY_US);
}

static void
app_inferred_load(struct app_switch *sw, const struct visit *v,
    struct slice call_id, struct slice queue)
{
	struct repeat_visit rv = {.caller = app_caller(sw, v),
	    .queue = app_inferred_queue(sw, queue),
	    .call = app_call_hash(sw, call_id),
	    .number = v->number,
	    .entered_us = v->entered_us,
	    .at_us =
		v->outcome == OUTCOME_ANSWERED ? v->answered_us : v->ended_us};

	if (!sw->app->repeats || !v->has_caller)
		return;
	app_inferred_clock(sw);
	if ((v->inferred & VISIT_COMPARED) != 0)
		repeat_load(sw->app->repeat, &rv,
		    (v->inferred & VISIT_COUNTED) != 0 ? REPEAT_FIRST
						       : REPEAT_AGAIN);
	else if ((v->inferred & VISIT_COUNTED_GONE) != 0)
		repeat_load(sw->app->repeat, &rv, REPEAT_GAVE_UP);
}

void
app_load_caller(void *ctx, const char *switch_name, struct slice queue,
    struct slice call_id, const struct visit *like)
{
	struct app_switch *sw = app_switch_find(ctx, switch_name);

	if (sw != NULL)
		app_inferred_load(sw, like, call_id, queue);
}

/* Of those that have a row the rows tell. */
void
app_inferred_loaded(struct app_switch *sw, const struct visit *like,
    struct slice call_id, struct slice queue)
{
	if (like->state == VISIT_EARLY || !app_is_open(like))
		return;
	app_inferred_load(sw, like, call_id, queue);
}

void
app_load_callers_since(void *ctx, int64_t since_us)
{
	struct app *app = ctx;

	app->repeat_since_us = since_us;
}

void
app_inferred_ready(struct app *app)
{
	app_inferred_forget_services(app);
	repeat_loaded(app->repeat, app->repeat_since_us);
	app_inferred_reconfigure(app);
	if (app->repeats && repeat_points(app->repeat) > 0)
		log_info("%" PRIu64 " calls of %" PRIu64
			 " callers are remembered",
		    repeat_points(app->repeat), repeat_callers(app->repeat));
}

void
app_inferred_reconfigure(struct app *app)
{
	int64_t days = app_repeat_days(app->conf);

	app_say_repeat_days(app, days);
	if (!app->repeats || days == 0)
		days = repeat_within_us(app->repeat) / REPEAT_DAY_US;
	else
		store_set_repeat_days(app->store, days);
	repeat_review(app->repeat, days * REPEAT_DAY_US);
}
