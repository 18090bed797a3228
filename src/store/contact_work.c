/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is to be done about contacts beside putting them into batches: to say
 * what the configuration says of them, to join those whose calls ended later,
 * to keep what was said of ended days, to drop what is old, and to ask for the
 * figures of now.
 *
 * Each is a job: one transaction of its own, when the connection has nothing
 * else to do. Nothing depends on them. A statement has a bounded time, so that
 * a batch that becomes due meanwhile waits no longer than that; and the figures
 * of now are asked for so seldom that the connection is busy with them for a
 * part of its time only, however many contacts there are. What fails (a right
 * that is missing, a statement that took too long) is said and tried again
 * later, ever more seldom; batches go on.
 */
#include "base/base.h"
#include "base/log.h"
#include "base/zone.h"
#include "store/inner.h"

#define CONTACT_NEVER	 INT64_MAX
#define CONTACT_JOIN_US	 (60 * USEC_PER_SEC)
#define CONTACT_LIVE_US	 USEC_PER_SEC	     /* at most so often */
#define CONTACT_STALE_US (60 * USEC_PER_SEC) /* and at least */
#define CONTACT_PART	 20 /* of the time may go into the figures of now */
/* The clock may be set: how often to look whether a local day has ended. */
#define CONTACT_LOOK_US (600 * USEC_PER_SEC)
/* A minute into the new day what was told in the old one has been put. */
#define CONTACT_DAY_US	    (60 * USEC_PER_SEC)
#define CONTACT_AGAIN_US    (30 * USEC_PER_SEC)
#define CONTACT_AGAIN_MOST  (600 * USEC_PER_SEC)
#define CONTACT_JOIN_BEYOND (SEC_PER_DAY * USEC_PER_SEC)
/*
 * So much is joined at once: more when that is quick, less when it is not done
 * in time, so that the longest back-fill is joined to its end.
 */
#define CONTACT_SLICE_FIRST (7 * SEC_PER_DAY * USEC_PER_SEC)
#define CONTACT_SLICE_LEAST (3600 * USEC_PER_SEC)
#define CONTACT_SLICE_MOST  (1000 * SEC_PER_DAY * USEC_PER_SEC)
#define CONTACT_SLICE_QUICK (500 * USEC_PER_MSEC)

enum contact_job_name {
	CONTACT_CONFIGURE,
	CONTACT_JOIN,
	CONTACT_LIVE,
	CONTACT_SAY,
	CONTACT_EXPIRE,
	CONTACT_JOBS
};

/* Times of what changed; from > to: nothing did. */
struct contact_span {
	int64_t from_us, to_us;
};

static const struct contact_span contact_no_span = {INT64_MAX, INT64_MIN};

struct contact_work {
	struct store *store;
	struct timer *timer;
	char *config; /* what contact_configure() is given; NULL: nothing */
	int64_t due_us[CONTACT_JOBS];	     /* monotonic */
	unsigned failed[CONTACT_JOBS];	     /* in a row */
	enum contact_job_name job;	     /* that runs, or ran last */
	bool done;			     /* to its end */
	int64_t began_us, asked_us, took_us; /* took, asked: CONTACT_LIVE */
	int64_t said_day_us; /* the local day for which it was said */
	/*
	 * Contacts and ended visits that may have to be joined: told since the
	 * last cut, in the batch, and in the database
	 */
	struct contact_span told, cut, landed;
	int64_t slice_us; /* of landed at once */
	int64_t
	    slice_end_us; /* of the one in work: what is behind it is left */
};

static void
contact_span_add(struct contact_span *to, struct contact_span span)
{
	to->from_us = RT_MIN(to->from_us, span.from_us);
	to->to_us = RT_MAX(to->to_us, span.to_us);
}

static bool
contact_span_is_empty(struct contact_span span)
{
	return span.from_us > span.to_us;
}

/* --- when ----------------------------------------------------------------- */

static int64_t
contact_work_first(const struct contact_work *work)
{
	int64_t due_us = CONTACT_NEVER;
	int i;

	for (i = 0; i < CONTACT_JOBS; i++)
		due_us = RT_MIN(due_us, work->due_us[i]);
	return due_us;
}

static void
contact_work_wake(struct contact_work *work)
{
	int64_t due_us = contact_work_first(work);

	if (due_us == CONTACT_NEVER || !work->store->writing)
		timer_unset(work->timer);
	else
		timer_set(work->timer, RT_MAX(due_us - clock_mono_us(), 0));
}

/* At the latest then. */
static void
contact_work_due(
    struct contact_work *work, enum contact_job_name job, int64_t due_us)
{
	work->due_us[job] = RT_MIN(work->due_us[job], due_us);
}

/* The figures have changed: as soon as they may be asked for again. */
static void
contact_work_changed(struct contact_work *work)
{
	if (!store_is_watched(work->store) ||
	    work->store->ops->contacts == NULL)
		return;
	contact_work_due(work, CONTACT_LIVE,
	    work->asked_us +
		RT_MIN(RT_MAX(CONTACT_LIVE_US, work->took_us * CONTACT_PART),
		    CONTACT_STALE_US));
}

/* When the local day ends, or when to look again. */
static void
contact_work_next_day(struct contact_work *work)
{
	int64_t wall_us = clock_wall_us();
	int64_t left_us = zone_day_next(wall_us) + CONTACT_DAY_US - wall_us;

	work->due_us[CONTACT_SAY] =
	    clock_mono_us() + RT_MIN(left_us, CONTACT_LOOK_US);
}

static bool
contact_work_is_said(const struct contact_work *work)
{
	return zone_day_start(clock_wall_us() - CONTACT_DAY_US) ==
	    work->said_day_us;
}

static void
contact_work_tick(void *ctx)
{
	struct contact_work *work = ctx;

	store_work_due(work->store);
	/* what is due and could not begin does when the connection is free */
	if (contact_work_first(work) > clock_mono_us())
		contact_work_wake(work);
}

/* --- life ----------------------------------------------------------------- */

struct contact_work *
contact_work_new(struct store *store)
{
	struct contact_work *work = mem_zalloc(sizeof(*work));
	int i;

	work->store = store;
	work->timer = timer_new(store->loop, contact_work_tick, work);
	for (i = 0; i < CONTACT_JOBS; i++)
		work->due_us[i] = CONTACT_NEVER;
	work->told = work->cut = work->landed = contact_no_span;
	work->slice_us = CONTACT_SLICE_FIRST;
	return work;
}

void
contact_work_free(struct contact_work *work)
{
	timer_free(work->timer);
	free(work->config);
	free(work);
}

void
store_set_contacts(struct store *store, const char *config)
{
	struct contact_work *work = store->contact_work;

	free(work->config);
	work->config = config != NULL ? mem_strdup(config) : NULL;
	work->failed[CONTACT_CONFIGURE] = 0;
	work->due_us[CONTACT_CONFIGURE] = config != NULL ? 0 : CONTACT_NEVER;
	contact_work_wake(work);
}

void
contact_work_forget(struct contact_work *work)
{
	work->told = work->cut = contact_no_span;
}

/*
 * We are the writer, perhaps again: what others did meanwhile, and what was
 * left undone when we ended, is made good.
 */
void
contact_work_ready(struct contact_work *work)
{
	int64_t now_us = clock_mono_us(), wall_us = clock_wall_us();

	memset(work->failed, 0, sizeof(work->failed));
	if (work->config != NULL)
		work->due_us[CONTACT_CONFIGURE] = now_us;
	if (!work->store->config.once) {
		contact_span_add(&work->landed,
		    (struct contact_span){
			wall_us - CONTACT_JOIN_BEYOND, wall_us});
		contact_work_due(work, CONTACT_JOIN, now_us);
		contact_work_due(work, CONTACT_SAY, now_us);
		contact_work_changed(work);
	}
	contact_work_wake(work);
}

/* --- what happened -------------------------------------------------------- */

void
contact_work_told(struct contact_work *work, int64_t at_us)
{
	contact_span_add(&work->told, (struct contact_span){at_us, at_us});
}

void
contact_work_cut(struct contact_work *work)
{
	contact_span_add(&work->cut, work->told);
	work->told = contact_no_span;
}

void
contact_work_landed(struct contact_work *work)
{
	if (contact_span_is_empty(work->cut))
		return;
	contact_span_add(&work->landed, work->cut);
	work->cut = contact_no_span;
	if (work->store->config.once)
		return;
	/* one that failed is tried again in its own time */
	if (work->failed[CONTACT_JOIN] == 0)
		contact_work_due(
		    work, CONTACT_JOIN, clock_mono_us() + CONTACT_JOIN_US);
	contact_work_changed(work);
	contact_work_wake(work);
}

bool
contact_work_has_told(const struct contact_work *work)
{
	return !contact_span_is_empty(work->told);
}

bool
store_left_undone(const struct store *store)
{
	int i;

	for (i = 0; i < CONTACT_JOBS; i++)
		if (store->contact_work->failed[i] > 0)
			return true;
	return false;
}

void
contact_work_last(struct contact_work *work)
{
	if (!contact_span_is_empty(work->landed) &&
	    work->failed[CONTACT_JOIN] == 0)
		work->due_us[CONTACT_JOIN] = 0;
	/* and what is old is dropped behind it */
	if (!contact_work_is_said(work) && work->failed[CONTACT_SAY] == 0)
		work->due_us[CONTACT_SAY] = 0;
}

/* --- the jobs ------------------------------------------------------------- */

static void
contact_work_done(void *ctx, const PGresult *res RT_UNUSED)
{
	struct store *store = ctx;

	store->contact_work->done = true;
}

static void
contact_work_configured(void *ctx, const PGresult *res)
{
	int i;

	for (i = 0; i < PQntuples(res); i++)
		log_note("contacts: %s", PQgetvalue(res, i, 0));
	contact_work_done(ctx, res);
}

static void
contact_work_joined(void *ctx, const PGresult *res)
{
	struct store *store = ctx;
	struct contact_work *work = store->contact_work;

	contact_work_done(ctx, res);
	if (work->slice_end_us < work->landed.to_us)
		work->landed.from_us = work->slice_end_us;
	else
		work->landed = contact_no_span;
	if (result_int(res, 0, 0) > 0)
		contact_work_changed(work);
}

static void
contact_work_live(void *ctx, const PGresult *res)
{
	struct store *store = ctx;

	contact_work_done(ctx, res);
	store->ops->contacts(store->ctx, result_slice(res, 0, 0));
}

static void
contact_work_param_time(struct link_script *script, int64_t us)
{
	char text[UTC_ISO_MAX];

	link_param(script, utc_iso(text, sizeof(text), us));
}

static void
contact_work_param_slice(struct contact_work *work, struct link_script *script)
{
	/* not before 1970, not behind the year 9999 */
	int64_t from_us = RT_MAX(work->landed.from_us, INT64_C(0));
	int64_t to_us =
	    RT_MIN(work->landed.to_us, INT64_C(253402128000) * USEC_PER_SEC);

	if (to_us - from_us > work->slice_us)
		work->slice_end_us = to_us = from_us + work->slice_us;
	else
		work->slice_end_us = INT64_MAX;
	contact_work_param_time(script, from_us - CONTACT_JOIN_BEYOND);
	contact_work_param_time(script, to_us + CONTACT_JOIN_BEYOND);
}

static void
contact_work_param_config(struct contact_work *work, struct link_script *script)
{
	link_param(script, work->config);
}

static const struct contact_job {
	const char *what; /* that is not done, for the log */
	const char *sql;
	const char *limits; /* a batch may become due meanwhile */
	void (*params)(struct contact_work *work, struct link_script *script);
	void (*result)(void *ctx, const PGresult *res);
} contact_jobs[CONTACT_JOBS] = {
#define CONTACT_LIMITS(seconds)                              \
	"SELECT set_config('lock_timeout', '100ms', true), " \
	"set_config('statement_timeout', '" seconds "s', true)"
    [CONTACT_CONFIGURE] = {"the configuration's contacts were not written",
	"SELECT unnest(ringtally.contact_configure($1::text, $2::jsonb))",
	CONTACT_LIMITS("10"), contact_work_param_config,
	contact_work_configured},
    [CONTACT_JOIN] = {"contacts were not joined to their calls",
	"SELECT ringtally.contact_join($1::text, $2::timestamptz, "
	"$3::timestamptz)",
	CONTACT_LIMITS("5"), contact_work_param_slice, contact_work_joined},
    [CONTACT_LIVE] = {"figures of contacts were not to be had",
	"SELECT ringtally.contact_live($1::text)", CONTACT_LIMITS("3"), NULL,
	contact_work_live},
    [CONTACT_SAY] = {"what was said of ended days was not kept",
	"SELECT ringtally.contact_say($1::text)", CONTACT_LIMITS("10"), NULL,
	contact_work_done},
    [CONTACT_EXPIRE] = {"old contacts were not dropped",
	"SELECT ringtally.contact_expire($1::text)", CONTACT_LIMITS("10"), NULL,
	contact_work_done},
};

/* The first that is due; CONTACT_JOBS: none is. */
static enum contact_job_name
contact_work_pick(struct contact_work *work, int64_t now_us)
{
	int i;

	if (now_us >= work->due_us[CONTACT_SAY] && contact_work_is_said(work))
		contact_work_next_day(work);
	for (i = 0; i < CONTACT_JOBS; i++)
		if (now_us >= work->due_us[i])
			break;
	return (enum contact_job_name)i;
}

/*
 * One transaction, from sync to sync. All of its steps may fail: then none of
 * them happened.
 */
bool
contact_work_script(struct contact_work *work, struct link_script *script)
{
	int64_t now_us = clock_mono_us();
	enum contact_job_name name = contact_work_pick(work, now_us);
	const struct contact_job *job;
	int i;

	if (name == CONTACT_JOBS)
		return false;
	work->job = name;
	work->done = false;
	work->began_us = now_us;
	work->due_us[name] = CONTACT_NEVER;
	job = &contact_jobs[name];
	link_script_reset(script);
	link_add(script, job->limits);
	link_add(script, job->sql)->result = job->result;
	link_param(script, work->store->config.site);
	if (job->params != NULL)
		job->params(work, script);
	for (i = 0; i < script->n; i++)
		script->step[i].optional = true;
	link_add_sync(script);
	return true;
}

/* The next slice soon, but batches and figures have their turn, too. */
static void
contact_work_next_slice(struct contact_work *work, int64_t now_us)
{
	int64_t took_us = now_us - work->began_us;

	if (took_us < CONTACT_SLICE_QUICK)
		work->slice_us = RT_MIN(work->slice_us * 2, CONTACT_SLICE_MOST);
	if (!contact_span_is_empty(work->landed))
		contact_work_due(work, CONTACT_JOIN,
		    now_us + (work->store->config.once ? 0 : took_us));
}

/* Too much at once, it may be: false if not. */
static bool
contact_work_shorter(struct contact_work *work, int64_t now_us)
{
	if (work->job != CONTACT_JOIN || work->slice_us <= CONTACT_SLICE_LEAST)
		return false;
	work->slice_us = RT_MAX(work->slice_us / 4, CONTACT_SLICE_LEAST);
	log_debug("database: contacts are joined for %d h at once",
	    (int)(work->slice_us / (3600 * USEC_PER_SEC)));
	contact_work_due(work, CONTACT_JOIN, now_us);
	return true;
}

/* Nobody comes later who would do it. */
static void
contact_work_undone(struct contact_work *work)
{
	char from[UTC_ISO_MAX], to[UTC_ISO_MAX];

	work->failed[work->job]++;
	log_error("database: %s", contact_jobs[work->job].what);
	if (work->job == CONTACT_JOIN)
		log_error("what is left of it: SELECT "
			  "ringtally.contact_join('%s', '%s', '%s')",
		    work->store->config.site,
		    utc_iso(from, sizeof(from), work->landed.from_us),
		    utc_iso(to, sizeof(to), work->landed.to_us));
}

static void
contact_work_again(struct contact_work *work, int64_t now_us)
{
	unsigned n = RT_MIN(work->failed[work->job], 10U);
	int64_t delay_us = RT_MIN(CONTACT_AGAIN_US << n, CONTACT_AGAIN_MOST);

	work->failed[work->job]++;
	contact_work_due(work, work->job, now_us + delay_us);
	log_warn("database: %s; the next try is in %d s",
	    contact_jobs[work->job].what, (int)(delay_us / USEC_PER_SEC));
}

static void
contact_work_next(struct contact_work *work, int64_t now_us)
{
	switch (work->job) {
	case CONTACT_CONFIGURE:
		contact_work_changed(work);
		break;
	case CONTACT_LIVE:
		contact_work_due(work, CONTACT_LIVE, now_us + CONTACT_STALE_US);
		break;
	case CONTACT_SAY:
		work->said_day_us =
		    zone_day_start(clock_wall_us() - CONTACT_DAY_US);
		contact_work_next_day(work);
		contact_work_due(work, CONTACT_EXPIRE, now_us);
		break;
	case CONTACT_JOIN:
		contact_work_next_slice(work, now_us);
		break;
	case CONTACT_EXPIRE:
	case CONTACT_JOBS:
		break;
	}
}

void
contact_work_over(struct contact_work *work)
{
	int64_t now_us = clock_mono_us();

	if (work->job == CONTACT_LIVE) {
		work->asked_us = now_us;
		work->took_us = now_us - work->began_us;
	}
	if (work->done) {
		work->failed[work->job] = 0;
		contact_work_next(work, now_us);
	} else if (contact_work_shorter(work, now_us)) {
		/* at once */
	} else if (work->store->config.once && work->store->finishing) {
		contact_work_undone(work);
	} else {
		contact_work_again(work, now_us);
	}
	contact_work_wake(work);
}
