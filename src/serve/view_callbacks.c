/* SPDX-License-Identifier: BSD-2-Clause */
/* Who gave up today, and is to be rung back: part of the document of calls. */
#include "base/base.h"
#include "serve/view_inner.h"

struct view_callback {
	const struct view_queue *vq;
	const struct callback *entry;
};

struct view_callbacks {
	struct view_callback *list;
	size_t n;
	uint64_t left_out;
};

/* By the time of giving up. */
static int
view_callback_order_cb(const void *a, const void *b)
{
	const struct view_callback *ca = a, *cb = b;
	int order;

	if (ca->entry->ended_us != cb->entry->ended_us)
		return ca->entry->ended_us < cb->entry->ended_us ? -1 : 1;
	order = strcmp(ca->vq->sw->name, cb->vq->sw->name);
	return order != 0 ? order
			  : strcmp(ca->entry->call_id, cb->entry->call_id);
}

static void
view_callback_write(
    const struct view *view, struct strbuf *b, const struct view_callback *c)
{
	const struct callback *entry = c->entry;

	json_put_object(b, NULL);
	json_put_string(b, "switch", c->vq->sw->name);
	json_put_string(b, "queue", entry->queue->name);
	json_put_string(b, "service", c->vq->service->name);
	json_put_string(b, "call_id", entry->call_id);
	json_put_time(b, "ended_at", entry->ended_us);
	json_put_seconds(b, "wait_s",
	    entry->wait_ms == EVENT_UNKNOWN_MS
		? -1
		: entry->wait_ms * USEC_PER_MSEC);
	json_put_time(b, "through_at", entry->through_us);
	json_put_bool(b, "caller_known", entry->has_caller);
	if (view->settings.show_numbers)
		json_put_string(b, "caller", entry->number);
	json_end_object(b);
}

static void
view_callbacks_collect(const struct view *view, const struct view_switch *sw,
    struct view_callbacks *all)
{
	struct callbacks *c = sw->callbacks;
	const struct callback *entry;

	callbacks_day(c, sw->live->day_us);
	all->left_out += c->left_out;
	all->list =
	    mem_realloc(all->list, all->n + c->n + 1, sizeof(*all->list));
	TAILQ_FOREACH (entry, &c->all, list) {
		const struct view_queue *vq =
		    view_queue_of(view, sw, entry->queue);

		if (vq->in)
			all->list[all->n++] = (struct view_callback){vq, entry};
	}
}

/* Another number whenever the list may be another one. */
void
view_callbacks_version_write(struct view *view, struct view_job *job)
{
	uint64_t sum = view->epoch << 32;
	size_t i;

	for (i = 0; i < view->n_switches; i++) {
		const struct view_switch *sw = &view->switches[i];

		if (sw->callbacks == NULL)
			continue;
		callbacks_day(sw->callbacks, sw->live->day_us);
		sum += sw->callbacks->version;
	}
	/* a number that JavaScript can hold */
	json_put_int(&job->out, "callbacks_version",
	    (int64_t)(sum & ((UINT64_C(1) << 52) - 1)));
}

/*
 * Those left out are of any queue of the switch: a document of some queues
 * says of all its switches how many are not listed.
 */
void
view_callbacks_write(struct view *view, struct view_job *job)
{
	struct view_callbacks all = {0};
	size_t i;

	for (i = 0; i < view->n_switches; i++)
		if (view->switches[i].callbacks != NULL &&
		    view_listed(job->filter.switches, view->switches[i].name))
			view_callbacks_collect(view, &view->switches[i], &all);
	if (all.n > 1)
		qsort(
		    all.list, all.n, sizeof(*all.list), view_callback_order_cb);
	json_put_array(&job->out, "callbacks");
	for (i = 0; i < all.n; i++)
		view_callback_write(view, &job->out, &all.list[i]);
	json_end_array(&job->out);
	json_put_int(&job->out, "callbacks_left_out", (int64_t)all.left_out);
	free(all.list);
}
