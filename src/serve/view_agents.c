/* SPDX-License-Identifier: BSD-2-Clause */
/* Agents: what each of them does now, and how many do what. */
#include "base/base.h"
#include "serve/view_inner.h"

/* What an agent does now, as a whole. */
struct view_agent {
	enum view_agent_state state;
	bool whole_paused;
	int64_t since_us;    /* 0: not known */
	const char *reason;  /* of the pause; or NULL */
	struct visit *visit; /* talked to; or NULL */
};

/* --- counts -------------------------------------------------------------- */

void
view_counts_reset(struct view_counts *counts)
{
	struct view_reason *reasons = counts->reasons;

	*counts =
	    (struct view_counts){.oldest_us = INT64_MAX, .reasons = reasons};
}

void
view_counts_fini(struct view_counts *counts)
{
	free(counts->reasons);
	*counts = (struct view_counts){.oldest_us = INT64_MAX};
}

/* The last place is for all further ones. */
static void
view_counts_reason(struct view_counts *counts, const char *text)
{
	size_t i;

	if (counts->reasons == NULL)
		counts->reasons =
		    mem_zalloc(VIEW_REASONS_MAX * sizeof(*counts->reasons));
	for (i = 0; i < counts->n_reasons; i++)
		if (strcmp(counts->reasons[i].text, text) == 0)
			break;
	if (i == VIEW_REASONS_MAX) {
		text = "other";
		i--;
		if (strcmp(counts->reasons[i].text, text) != 0)
			snprintf(counts->reasons[i].text, VIEW_REASON_MAX, "%s",
			    text);
	} else if (i == counts->n_reasons) {
		counts->n_reasons++;
		snprintf(counts->reasons[i].text, VIEW_REASON_MAX, "%s", text);
		counts->reasons[i].n = 0;
	}
	counts->reasons[i].n++;
}

static void
view_counts_agent(struct view_counts *counts, enum view_agent_state state,
    bool logged_in, const char *reason)
{
	counts->logged_in += logged_in;
	counts->agents[state]++;
	if (state == VIEW_AGENT_PAUSED)
		view_counts_reason(counts, reason != NULL ? reason : "");
}

static int
view_reason_order_cb(const void *a, const void *b)
{
	const struct view_reason *ra = a, *rb = b;

	return strcmp(ra->text, rb->text);
}

void
view_agents_write(struct strbuf *b, const struct view_counts *counts)
{
	size_t i;

	json_put_object(b, "agents");
	json_put_int(b, "logged_in", (int64_t)counts->logged_in);
	json_put_int(b, "free", (int64_t)counts->agents[VIEW_AGENT_FREE]);
	json_put_int(b, "talking", (int64_t)counts->agents[VIEW_AGENT_TALKING]);
	json_put_int(
	    b, "wrapping_up", (int64_t)counts->agents[VIEW_AGENT_WRAPPING_UP]);
	json_put_int(b, "paused", (int64_t)counts->agents[VIEW_AGENT_PAUSED]);
	json_put_object(b, "paused_by_reason");
	if (counts->n_reasons > 1)
		qsort(counts->reasons, counts->n_reasons,
		    sizeof(*counts->reasons), view_reason_order_cb);
	for (i = 0; i < counts->n_reasons; i++) {
		json_put_name(b, slice_of(counts->reasons[i].text));
		json_put_int(b, NULL, (int64_t)counts->reasons[i].n);
	}
	json_end_object(b);
	json_end_object(b);
}

/* --- one agent ----------------------------------------------------------- */

/* The earlier of two beginnings; 0: not known. */
static int64_t
view_earlier(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/*
 * Logged in somewhere and not paused there: free. Paused as a whole, or where-
 * ever logged in: paused. What sessions and conversations tell; nothing is
 * kept.
 */
static void
view_agent_rest(const struct agent *agent, struct view_agent *now)
{
	const struct agent_session *s, *paused = NULL;
	int64_t login_us = 0, logoff_us = 0;
	bool logged_in = false, is_free = false;

	for (s = agent->sessions; s != NULL; s = s->next) {
		logoff_us = RT_MAX(logoff_us, s->logoff_us);
		if (s->paused && (paused == NULL || s->queue == NULL))
			paused = s;
		if (s->queue == NULL && s->paused)
			now->whole_paused = true;
		if (!s->logged_in)
			continue;
		logged_in = true;
		login_us = view_earlier(login_us, s->login_us);
		is_free = is_free || !s->paused;
	}
	if (paused != NULL && (now->whole_paused || !is_free)) {
		now->state = VIEW_AGENT_PAUSED;
		now->since_us = paused->pause_us;
		now->reason = paused->reason;
	} else if (logged_in) {
		now->state = VIEW_AGENT_FREE;
		now->since_us = login_us;
	} else {
		now->state = VIEW_AGENT_LOGGED_OFF;
		now->since_us = logoff_us;
	}
}

static void
view_agent_look(const struct agent *agent, struct view_agent *now)
{
	*now = (struct view_agent){.visit = LIST_FIRST(&agent->talks)};
	view_agent_rest(agent, now);
	if (now->visit != NULL) {
		now->state = VIEW_AGENT_TALKING;
		now->since_us = now->visit->answered_us;
	}
}

static enum view_agent_state
view_agent_state_in(
    const struct view_agent *now, const struct agent_session *session)
{
	if (now->state > VIEW_AGENT_FREE)
		return now->state;
	return now->whole_paused || session->paused ? VIEW_AGENT_PAUSED
						    : VIEW_AGENT_FREE;
}

/* --- counting ------------------------------------------------------------ */

/* An agent counts once in each service, in the state that wins there. */
static void
view_service_note(struct view_service *service, uint64_t agent,
    enum view_agent_state state, bool logged_in, const char *reason)
{
	if (service->agent != agent) {
		service->agent = agent;
		service->agent_state = state;
		service->agent_logged_in = logged_in;
		service->agent_reason = reason;
		return;
	}
	service->agent_state = RT_MAX(service->agent_state, state);
	service->agent_logged_in |= logged_in;
}

static void
view_service_commit(struct view_service *service, uint64_t agent)
{
	if (service->agent != agent)
		return;
	service->agent = 0;
	view_counts_agent(&service->counts, service->agent_state,
	    service->agent_logged_in, service->agent_reason);
}

static void
view_agent_note(struct view_job *job, struct view_queue *vq, uint64_t number,
    enum view_agent_state state, const struct agent_session *session,
    const char *reason)
{
	bool logged_in = session != NULL;

	if (session != NULL && session->paused)
		reason = session->reason;
	view_counts_agent(&vq->counts, state, logged_in, reason);
	view_service_note(vq->service, number, state, logged_in, reason);
	view_service_note(&job->total, number, state, logged_in, reason);
}

static bool
view_agent_is_member(const struct agent *agent, const struct queue *queue)
{
	const struct agent_session *s;

	for (s = agent->sessions; s != NULL; s = s->next)
		if (s->queue == queue && s->logged_in)
			return true;
	return false;
}

/* number: another one for each agent, above 0. */
static void
view_agent_count(struct view *view, struct view_job *job,
    const struct view_switch *sw, const struct agent *agent, uint64_t number)
{
	const struct agent_session *s;
	struct view_queue *vq, *talks_in = NULL;
	struct view_agent now;

	if (agent->sessions == NULL && LIST_EMPTY(&agent->talks))
		return;
	view_agent_look(agent, &now);
	for (s = agent->sessions; s != NULL; s = s->next) {
		if (s->queue == NULL || !s->logged_in)
			continue;
		vq = view_queue_of(view, sw, s->queue);
		if (vq->in)
			view_agent_note(job, vq, number,
			    view_agent_state_in(&now, s), s, now.reason);
	}
	if (now.visit != NULL && !view_agent_is_member(agent, now.visit->queue))
		talks_in = view_queue_of(view, sw, now.visit->queue);
	if (talks_in != NULL && talks_in->in)
		view_agent_note(
		    job, talks_in, number, VIEW_AGENT_TALKING, NULL, NULL);
	for (s = agent->sessions; s != NULL; s = s->next)
		if (s->queue != NULL)
			view_service_commit(
			    view_queue_of(view, sw, s->queue)->service, number);
	if (talks_in != NULL)
		view_service_commit(talks_in->service, number);
	view_service_commit(&job->total, number);
}

void
view_agents_count(struct view *view, struct view_job *job)
{
	uint64_t number = 0;
	size_t i, k;

	for (i = 0; i < view->n_switches; i++) {
		const struct slots *agents = &view->switches[i].tally->agents;

		for (k = 0; k < slots_count(agents); k++)
			if (agents->slot[k].object != NULL)
				view_agent_count(view, job, &view->switches[i],
				    agents->slot[k].object, ++number);
	}
}

/* --- the document -------------------------------------------------------- */

static bool
view_agent_takes(const struct view *view, const struct view_filter *filter,
    const struct view_agent_ref *ref)
{
	const struct agent_session *s;
	const struct visit *v = LIST_FIRST(&ref->agent->talks);

	if (!view_listed(filter->switches, ref->sw->name))
		return false;
	if (filter->queues == NULL && filter->services == NULL)
		return true;
	for (s = ref->agent->sessions; s != NULL; s = s->next)
		if (s->queue != NULL && s->logged_in &&
		    view_queue_of(view, ref->sw, s->queue)->in)
			return true;
	return v != NULL && view_queue_of(view, ref->sw, v->queue)->in;
}

static int
view_agent_order_cb(const void *a, const void *b)
{
	const struct view_agent_ref *ra = a, *rb = b;
	int order = strcmp(ra->sw->name, rb->sw->name);

	return order != 0 ? order : strcmp(ra->agent->name, rb->agent->name);
}

/* Those of a switch whom the filter takes. */
static void
view_agents_collect(
    struct view *view, struct view_job *job, const struct view_switch *sw)
{
	const struct slots *agents = &sw->tally->agents;
	size_t i;

	for (i = 0; i < slots_count(agents); i++) {
		struct view_agent_ref ref = {sw, agents->slot[i].object};

		if (ref.agent != NULL &&
		    (ref.agent->sessions != NULL ||
			!LIST_EMPTY(&ref.agent->talks)) &&
		    view_agent_takes(view, &job->filter, &ref))
			job->agents[job->n_agents++] = ref;
	}
}

void
view_agents_begin(struct view *view, struct view_job *job)
{
	size_t n = 0, i;

	view_count(view, job);
	for (i = 0; i < view->n_switches; i++)
		n += view->switches[i].tally->agents.used;
	job->agents = mem_zalloc((n + 1) * sizeof(*job->agents));
	for (i = 0; i < view->n_switches; i++)
		view_agents_collect(view, job, &view->switches[i]);
	qsort(job->agents, job->n_agents, sizeof(*job->agents),
	    view_agent_order_cb);
	json_put_array(&job->out, "agents");
}

static int
view_name_order_cb(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
view_agent_queues_write(struct strbuf *b, const struct agent *agent)
{
	const struct agent_session *s;
	const char **names;
	size_t n = 0, i;

	for (s = agent->sessions; s != NULL; s = s->next)
		n++;
	names = mem_zalloc((n + 1) * sizeof(*names));
	for (n = 0, s = agent->sessions; s != NULL; s = s->next)
		if (s->queue != NULL && s->logged_in)
			names[n++] = s->queue->name;
	qsort(names, n, sizeof(*names), view_name_order_cb);
	json_put_array(b, "queues");
	for (i = 0; i < n; i++)
		json_put_string(b, NULL, names[i]);
	json_end_array(b);
	free(names);
}

bool
view_agents_step(struct view *view, struct view_job *job)
{
	static const char *const names[VIEW_AGENT_STATES] = {
	    "logged_off", "paused", "free", "wrapping_up", "talking"};
	struct strbuf *b = &job->out;
	const struct view_agent_ref *ref;
	struct view_agent now;

	(void)view;
	if (job->at >= job->n_agents)
		return false;
	ref = &job->agents[job->at++];
	view_agent_look(ref->agent, &now);
	json_put_object(b, NULL);
	json_put_string(b, "switch", ref->sw->name);
	json_put_string(b, "agent", ref->agent->name);
	json_put_string(b, "state", names[now.state]);
	json_put_time(b, "since", now.since_us);
	json_put_string(
	    b, "reason", now.state == VIEW_AGENT_PAUSED ? now.reason : NULL);
	view_agent_queues_write(b, ref->agent);
	json_put_string(b, "talking_queue",
	    now.visit != NULL ? now.visit->queue->name : NULL);
	if (now.visit != NULL)
		json_put_text(b, "call_id",
		    (struct slice){
			now.visit->call->id, now.visit->call->id_len});
	else
		json_put_null(b, "call_id");
	json_end_object(b);
	return true;
}

void
view_agents_end(struct view *view, struct view_job *job)
{
	(void)view;
	json_end_array(&job->out);
}
