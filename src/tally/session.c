/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/utc.h"
#include "base/utf8.h"
#include "tally/session.h"

/*
 * How often to look at all sessions; at fixed points of the event clock, so
 * that it makes no difference where the daemon was started again. No silence
 * is shorter.
 */
#define SESSION_LOOK_US (3600 * USEC_PER_SEC)

void
sessions_init(struct sessions *s, session_span_fn span_fn, void *ctx)
{
	*s = (struct sessions){.span_fn = span_fn, .ctx = ctx};
	TAILQ_INIT(&s->all);
	TAILQ_INIT(&s->changed);
	pool_init(&s->pool, sizeof(struct agent_session));
}

void
sessions_fini(struct sessions *s)
{
	struct agent_session *session;

	TAILQ_FOREACH (session, &s->all, list)
		session->agent->sessions = NULL;
	TAILQ_INIT(&s->all);
	TAILQ_INIT(&s->changed);
	pool_fini(&s->pool);
}

/* NULL: there is none. */
static struct agent_session *
session_find(const struct agent *agent, const struct queue *queue)
{
	struct agent_session *session;

	for (session = agent->sessions; session != NULL;
	     session = session->next)
		if (session->queue == queue)
			return session;
	return NULL;
}

static struct agent_session *
session_get(struct sessions *s, struct agent *agent, struct queue *queue)
{
	struct agent_session *session = session_find(agent, queue);

	if (session != NULL)
		return session;
	session = pool_get(&s->pool);
	session->agent = agent;
	session->queue = queue;
	session->next = agent->sessions;
	agent->sessions = session;
	TAILQ_INSERT_TAIL(&s->all, session, list);
	return session;
}

static void
session_free(struct sessions *s, struct agent_session *session)
{
	struct agent_session **at = &session->agent->sessions;

	while (*at != session)
		at = &(*at)->next;
	*at = session->next;
	TAILQ_REMOVE(&s->all, session, list);
	pool_put(&s->pool, session);
}

static void
session_touch(struct sessions *s, struct agent_session *session)
{
	if (session->changed)
		return;
	session->changed = true;
	TAILQ_INSERT_TAIL(&s->changed, session, changed_list);
}

static void
session_tell(session_span_fn span_fn, void *ctx,
    const struct agent_session *session, enum session_kind kind,
    int64_t from_us, int64_t to_us)
{
	const struct session_span span = {.agent = session->agent,
	    .queue = session->queue,
	    .kind = kind,
	    .reason = kind == SESSION_PAUSE ? session->reason : "",
	    .from_us = from_us,
	    .to_us = to_us};

	if (span_fn != NULL && from_us < to_us)
		span_fn(ctx, &span);
}

/* Ends what runs; returns when. */
static int64_t
session_end(struct sessions *s, struct agent_session *session,
    enum session_kind kind, int64_t begin_us, int64_t t_us)
{
	int64_t end_us = RT_MAX(begin_us, t_us);

	/* no clock yet to tell which of the two times is a broken one */
	if (s->clock_us == 0 && end_us - begin_us > SESSION_GAP_US)
		end_us = begin_us;
	session_tell(s->span_fn, s->ctx, session, kind, begin_us, end_us);
	session_touch(s, session);
	return end_us;
}

static void
session_login(struct sessions *s, struct agent_session *session, int64_t t_us)
{
	if (session->logged_in)
		return;
	session->logged_in = true;
	session->login_us = t_us;
	session_touch(s, session);
}

static void
session_logout(struct sessions *s, struct agent_session *session, int64_t t_us)
{
	int64_t end_us;

	if (!session->logged_in)
		return;
	end_us =
	    session_end(s, session, SESSION_LOGIN, session->login_us, t_us);
	session->logged_in = false;
	session->login_us = 0;
	if (session->queue == NULL)
		session->logoff_us = RT_MAX(session->logoff_us, end_us);
}

/* Returns whether it is another one. */
static bool
session_set_reason(struct agent_session *session, struct slice text)
{
	char reason[sizeof(session->reason)] = {0};

	utf8_clean(reason, sizeof(reason) - 1, text.p, text.n);
	if (strcmp(session->reason, reason) == 0)
		return false;
	memcpy(session->reason, reason, sizeof(reason));
	return true;
}

static void
session_pause(struct sessions *s, struct agent_session *session, int64_t t_us,
    struct slice text)
{
	bool other = session_set_reason(session, text);

	if (!session->paused) {
		session->paused = true;
		session->pause_us = t_us;
	} else if (!other) {
		return;
	}
	session_touch(s, session);
}

static void
session_unpause(struct sessions *s, struct agent_session *session, int64_t t_us)
{
	if (!session->paused)
		return;
	session_end(s, session, SESSION_PAUSE, session->pause_us, t_us);
	session->paused = false;
	session->pause_us = 0;
	memset(session->reason, 0, sizeof(session->reason));
}

static void
session_logoff(struct sessions *s, struct agent_session *session, int64_t t_us)
{
	session_unpause(s, session, t_us);
	session_logout(s, session, t_us);
}

/* A login that was not seen, told by its end: session_ms up to t_us. */
static void
session_tell_back(struct sessions *s, struct agent_session *session,
    int64_t t_us, int64_t session_ms)
{
	int64_t from_us;

	if (session_ms <= 0 || session_ms > SESSION_GAP_US / USEC_PER_MSEC)
		return;
	from_us = t_us - session_ms * USEC_PER_MSEC;
	if (from_us <= s->clock_us - SESSION_GAP_US)
		return;
	from_us = RT_MAX(from_us, session->logoff_us);
	if (from_us >= t_us)
		return;
	session_tell(s->span_fn, s->ctx, session, SESSION_LOGIN, from_us, t_us);
	session->logoff_us = t_us;
	session_touch(s, session);
}

/* The event's time as far as it can be believed. Never 0: that means "not". */
static int64_t
session_time(const struct sessions *s, const struct event *ev)
{
	bool ends = ev->kind == EVENT_LOGOFF || ev->kind == EVENT_UNPAUSE;

	if (s->clock_us != 0 &&
	    (ev->time_us < s->clock_us - SESSION_GAP_US ||
		(ends && ev->time_us > s->clock_us + SESSION_GAP_US)))
		return s->clock_us;
	return RT_MAX(ev->time_us, 1);
}

void
sessions_event(struct sessions *s, struct agent *agent, struct queue *queue,
    const struct event *ev)
{
	struct agent_session *session = session_get(s, agent, queue);
	int64_t t_us = session_time(s, ev);
	bool unseen =
	    queue == NULL && !session->logged_in && t_us == ev->time_us;

	switch (ev->kind) {
	case EVENT_LOGIN:
		session->pictured = UINT8_MAX;
		session_login(s, session, t_us);
		break;
	case EVENT_LOGOFF:
		session_logoff(s, session, t_us);
		if (unseen)
			session_tell_back(s, session, t_us, ev->session_ms);
		break;
	case EVENT_PAUSE:
		session->pictured_paused = UINT8_MAX;
		session_pause(s, session, t_us, ev->text);
		break;
	case EVENT_UNPAUSE:
		session_unpause(s, session, t_us);
		break;
	default:
		BUG("%s is no event of a session", event_kind_name(ev->kind));
	}
	/* an end of what never began */
	if (!session->changed && session_is_over(session))
		session_free(s, session);
}

void
sessions_picture(struct sessions *s, unsigned slot)
{
	uint8_t others = (uint8_t) ~(1U << slot);
	struct agent_session *session;

	TAILQ_FOREACH (session, &s->all, list) {
		session->pictured &= others;
		session->pictured_paused &= others;
	}
}

void
sessions_picture_end(
    struct sessions *s, unsigned slot, int64_t from_us, int64_t t_us)
{
	unsigned bit = 1U << slot;
	struct agent_session *session;

	TAILQ_FOREACH (session, &s->all, list) {
		if (session->queue == NULL)
			continue; /* pictures are of queues' members */
		if (session->paused && (session->pictured_paused & bit) == 0 &&
		    session->pause_us < from_us)
			session_unpause(s, session, t_us);
		if (session->logged_in && (session->pictured & bit) == 0 &&
		    session->login_us < from_us)
			session_logoff(s, session, t_us);
	}
}

/*
 * Did the switch fall silent, before now_us, while this ran? Its last word was
 * the begin itself where that is ahead of the clock, which follows a leap one
 * event late, and where there was no clock yet.
 */
static bool
session_silent(const struct sessions *s, int64_t begin_us, int64_t now_us)
{
	return now_us - RT_MAX(begin_us, s->clock_us) > SESSION_GAP_US;
}

static void
session_silence(
    struct sessions *s, struct agent_session *session, int64_t now_us)
{
	if (session->paused && session_silent(s, session->pause_us, now_us))
		session_unpause(s, session, s->clock_us);
	if (session->logged_in && session_silent(s, session->login_us, now_us))
		session_logout(s, session, s->clock_us);
}

/* An old logoff that no session_ms reaches back to any more. */
static void
session_forget(
    struct sessions *s, struct agent_session *session, int64_t now_us)
{
	if (session->logoff_us == 0 ||
	    session->logoff_us > now_us - SESSION_GAP_US)
		return;
	session->logoff_us = 0;
	session_touch(s, session);
}

void
sessions_pass(struct sessions *s, int64_t now_us)
{
	struct agent_session *session;

	TAILQ_FOREACH (session, &s->all, list) {
		session_silence(s, session, now_us);
		session_forget(s, session, now_us);
	}
	s->clock_us = now_us;
	s->look_us = utc_floor(now_us, SESSION_LOOK_US) + SESSION_LOOK_US;
}

void
sessions_restart(struct sessions *s, int64_t t_us)
{
	const struct event ev = {.kind = EVENT_LOGOFF, .time_us = t_us};
	struct agent_session *session;

	t_us = session_time(s, &ev);
	TAILQ_FOREACH (session, &s->all, list)
		if (session->queue == NULL && session->logged_in)
			session_logoff(s, session, t_us);
}

void
sessions_give_up(struct sessions *s)
{
	struct agent_session *session;

	TAILQ_FOREACH (session, &s->all, list) {
		session_logoff(s, session, s->clock_us);
		session->logoff_us = 0;
		session_touch(s, session);
	}
}

/* Two stored names may be one agent by now: the earlier begin holds. */
static void
session_merge(struct agent_session *session, int64_t login_us, int64_t pause_us,
    int64_t logoff_us, struct slice reason)
{
	if (login_us != 0 &&
	    (!session->logged_in || login_us < session->login_us)) {
		session->logged_in = true;
		session->login_us = login_us;
	}
	if (pause_us != 0 &&
	    (!session->paused || pause_us < session->pause_us)) {
		session->paused = true;
		session->pause_us = pause_us;
		session_set_reason(session, reason);
	}
	session->logoff_us = RT_MAX(session->logoff_us, logoff_us);
}

static bool
session_is_called(
    const struct agent_session *session, struct slice agent, struct slice queue)
{
	const struct agent *a = session->agent;
	const struct queue *q = session->queue;

	return slice_eq((struct slice){a->name, a->name_len}, agent) &&
	    (q == NULL ||
		slice_eq((struct slice){q->name, q->name_len}, queue));
}

bool
sessions_restore(struct sessions *s, struct tally *tally, struct slice agent,
    struct slice queue, int64_t login_us, int64_t pause_us, int64_t logoff_us,
    struct slice reason, int64_t clock_us)
{
	struct agent_session *session;

	sessions_clock(s, clock_us);
	if (login_us == 0 && pause_us == 0 && logoff_us == 0)
		return true;
	session = session_get(s, tally_agent(tally, agent),
	    queue.n > 0 ? tally_queue(tally, queue) : NULL);
	session_merge(session, login_us, pause_us, logoff_us, reason);
	if (session_is_called(session, agent, queue))
		return true;
	session_touch(s, session);
	return false;
}

void
sessions_running(const struct sessions *s, session_span_fn span_fn, void *ctx)
{
	const struct agent_session *session;

	TAILQ_FOREACH (session, &s->all, list) {
		if (session->logged_in)
			session_tell(span_fn, ctx, session, SESSION_LOGIN,
			    session->login_us, s->clock_us);
		if (session->paused)
			session_tell(span_fn, ctx, session, SESSION_PAUSE,
			    session->pause_us, s->clock_us);
	}
}

void
sessions_take(struct sessions *s,
    void (*fn)(void *ctx, const struct agent_session *session), void *ctx)
{
	struct agent_session *session;

	while ((session = TAILQ_FIRST(&s->changed)) != NULL) {
		TAILQ_REMOVE(&s->changed, session, changed_list);
		session->changed = false;
		fn(ctx, session);
		if (session_is_over(session))
			session_free(s, session);
	}
}

/* --- spans ---------------------------------------------------------------- */

void
session_span_book(void *ctx, const struct session_span *span)
{
	static const enum agent_measure measures[SESSION_KINDS] = {
	    [SESSION_LOGIN] = AGENT_login_ms,
	    [SESSION_PAUSE] = AGENT_pause_ms,
	};
	int64_t from_us = span->from_us, to_us;

	/* no broken line made it that long: see the rules */
	for (; from_us < span->to_us; from_us = to_us) {
		to_us = RT_MIN(span->to_us, from_us + TALLY_SPAN_MAX_US);
		tally_book_span(ctx, span->agent, span->queue,
		    measures[span->kind], from_us, to_us);
	}
}

const char *
session_kind_name(enum session_kind kind)
{
	static const char *const names[SESSION_KINDS] = {
	    [SESSION_LOGIN] = "login",
	    [SESSION_PAUSE] = "pause",
	};

	BUG_ON((unsigned)kind >= SESSION_KINDS);
	return names[kind];
}
