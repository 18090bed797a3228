/* SPDX-License-Identifier: BSD-2-Clause */
/* The documents: which is asked for, which is still good, which is in work. */
#include "base/base.h"
#include "base/clock.h"
#include "io/loop.h"
#include "serve/view_inner.h"

#define VIEW_DOCS_MAX	 16	    /* kept, each of a kind and filter */
#define VIEW_DOCS_BYTES	 (32 << 20) /* of all but the one asked for last */
#define VIEW_DOC_GOOD_US USEC_PER_SEC
#define VIEW_STEPS	 16 /* between two looks at the clock */

static const struct view_kind view_kinds[VIEWS] = {
    [VIEW_QUEUES] = {"queues", view_queues_begin, view_queues_step,
	view_queues_end},
    [VIEW_SERVICES] = {"services", view_services_begin, view_queues_step,
	view_services_end},
    [VIEW_AGENTS] = {"agents", view_agents_begin, view_agents_step,
	view_agents_end},
    [VIEW_CALLS] = {"calls", view_calls_begin, NULL, view_lists_end},
    [VIEW_FEEDS] = {"feeds", view_feeds_begin, NULL, view_lists_end},
    [VIEW_INTERVALS] = {"intervals", view_intervals_begin, view_intervals_step,
	view_intervals_end},
    [VIEW_FORMULAS] = {"formulas", view_formulas_begin, NULL, view_lists_end},
    [VIEW_CONTACTS] = {"contacts", view_contacts_begin, NULL, view_lists_end},
    [VIEW_SNAPSHOT] = {"snapshot", view_snapshot_begin, view_queues_step,
	view_snapshot_end},
};

int
view_what_parse(struct slice name, enum view_what *what)
{
	int i;

	for (i = 0; i < VIEWS; i++)
		if (slice_eq(name, slice_of(view_kinds[i].name))) {
			*what = (enum view_what)i;
			return 0;
		}
	return -1;
}

const char *
view_what_name(enum view_what what)
{
	BUG_ON((unsigned)what >= VIEWS);
	return view_kinds[what].name;
}

/* --- texts --------------------------------------------------------------- */

struct view_text *
view_text_ref(struct view_text *text)
{
	text->refs++;
	return text;
}

void
view_text_put(struct view_text *text)
{
	if (text == NULL)
		return;
	BUG_ON(text->refs == 0);
	if (--text->refs == 0)
		free(text);
}

static struct view_text *
view_text_new(struct view *view, const struct strbuf *b, int64_t now_us)
{
	struct view_text *text = mem_alloc(sizeof(*text) + b->n + 1);

	text->refs = 1;
	text->version = ++view->versions;
	text->at_us = now_us;
	text->n = b->n;
	memcpy(text->p, strbuf_str(b), b->n + 1);
	return text;
}

/* --- documents ----------------------------------------------------------- */

static void
view_doc_free(struct view *view, struct view_doc *doc)
{
	TAILQ_REMOVE(&view->docs, doc, list);
	view->n_docs--;
	view_text_put(doc->text);
	strbuf_fini(&doc->key);
	free(doc);
}

/* Forgets what was asked for longest ago, but not what is in work. */
static void
view_docs_bound(struct view *view)
{
	struct view_doc *doc, *next;
	size_t kept = 0, bytes = 0;

	for (doc = TAILQ_FIRST(&view->docs); doc != NULL; doc = next) {
		next = TAILQ_NEXT(doc, list);
		bytes += doc->text != NULL ? doc->text->n : 0;
		if (kept++ > 0 && doc != view->job.doc &&
		    (kept > VIEW_DOCS_MAX || bytes > VIEW_DOCS_BYTES))
			view_doc_free(view, doc);
	}
}

/* A list of a filter, so that no two lists look the same. */
static void
view_key_add(struct strbuf *key, const char *const *list)
{
	for (; list != NULL && *list != NULL; list++)
		strbuf_add(key, *list, strlen(*list) + 1);
	strbuf_addc(key, '\1');
}

/* An empty list is not the one of NULL: it takes nothing. */
static void
view_key_make(struct strbuf *key, const struct view_filter *filter)
{
	if (filter == NULL)
		return;
	view_key_add(key, filter->queues);
	view_key_add(key, filter->services);
	view_key_add(key, filter->switches);
	strbuf_addc(key, (char)('0' + (filter->queues != NULL)));
	strbuf_addc(key, (char)('0' + (filter->services != NULL)));
	strbuf_addc(key, (char)('0' + (filter->switches != NULL)));
}

/* Made when new; the first of the list from now on. */
static struct view_doc *
view_doc_get(
    struct view *view, enum view_what what, const struct view_filter *filter)
{
	struct strbuf key = STRBUF_INIT;
	struct view_doc *doc;

	view_key_make(&key, filter);
	TAILQ_FOREACH (doc, &view->docs, list)
		if (doc->what == what &&
		    slice_eq((struct slice){doc->key.p, doc->key.n},
			(struct slice){key.p, key.n}))
			break;
	if (doc == NULL) {
		doc = mem_zalloc(sizeof(*doc));
		doc->what = what;
		doc->key = key;
		view->n_docs++;
	} else {
		TAILQ_REMOVE(&view->docs, doc, list);
		strbuf_fini(&key);
	}
	TAILQ_INSERT_HEAD(&view->docs, doc, list);
	view_docs_bound(view);
	return doc;
}

/*
 * Whether what was made last may still be handed out. What took several slices
 * is good for a second in any case: under steady traffic it would never be.
 */
static bool
view_doc_is_good(
    const struct view *view, const struct view_doc *doc, int64_t now_us)
{
	if (doc->text == NULL)
		return false;
	if (doc->sliced_us != 0 &&
	    clock_mono_us() - doc->sliced_us < VIEW_DOC_GOOD_US)
		return true;
	return doc->touched == view->touched &&
	    utc_floor(doc->text->at_us, USEC_PER_SEC) ==
	    utc_floor(now_us, USEC_PER_SEC);
}

/* --- the one in work ----------------------------------------------------- */

static const char *const *
view_list_copy(const char *const *list)
{
	char **copy;
	size_t n = 0, i;

	if (list == NULL)
		return NULL;
	while (list[n] != NULL)
		n++;
	copy = mem_zalloc((n + 1) * sizeof(*copy));
	for (i = 0; i < n; i++)
		copy[i] = mem_strdup(list[i]);
	return (const char *const *)copy;
}

static void
view_list_free(const char *const *list)
{
	char **copy = (char **)(uintptr_t)list;
	size_t i;

	for (i = 0; copy != NULL && copy[i] != NULL; i++)
		free(copy[i]);
	free(copy);
}

static void
view_job_drop(struct view *view)
{
	struct view_job *job = &view->job;
	size_t i;

	view_list_free(job->filter.queues);
	view_list_free(job->filter.services);
	view_list_free(job->filter.switches);
	for (i = 0; i < job->n_intervals; i++)
		figure_sum_fini(&job->interval[i]);
	free(job->interval);
	free(job->agents);
	view_service_fini(&job->total);
	strbuf_fini(&job->out);
	*job = (struct view_job){0};
	if (view->task != NULL)
		task_unset(view->task);
}

static void
view_job_begin(struct view *view, struct view_doc *doc,
    const struct view_filter *filter, int64_t now_us)
{
	struct view_job *job = &view->job;
	size_t i;

	*job =
	    (struct view_job){.doc = doc, .what = doc->what, .now_us = now_us};
	if (filter != NULL)
		job->filter =
		    (struct view_filter){view_list_copy(filter->queues),
			view_list_copy(filter->services),
			view_list_copy(filter->switches)};
	doc->touched = view->touched;
	for (i = 0; i < view->n_switches; i++)
		live_clock(view->switches[i].live, now_us);
	view_queues_refresh(view);
	json_put_object(&job->out, NULL);
	/* the formulas are the same at all times */
	if (job->what != VIEW_FORMULAS)
		json_put_time(&job->out, "time", now_us);
	view_kinds[job->what].begin(view, job);
}

static void
view_job_end(struct view *view)
{
	struct view_job *job = &view->job;
	struct view_doc *doc = job->doc;

	view_kinds[job->what].end(view, job);
	json_end_object(&job->out);
	view_text_put(doc->text);
	doc->text = view_text_new(view, &job->out, job->now_us);
	doc->sliced_us = job->sliced ? clock_mono_us() : 0;
	view_job_drop(view);
}

/* Works for a slice; true: it is finished. */
static bool
view_job_run(struct view *view)
{
	int64_t until = clock_mono_us() + VIEW_SLICE_US;
	const struct view_kind *kind = &view_kinds[view->job.what];
	unsigned steps = 0;

	while (kind->step != NULL && kind->step(view, &view->job))
		if (view->task != NULL && ++steps % VIEW_STEPS == 0 &&
		    clock_mono_us() >= until) {
			view->job.sliced = true;
			return false;
		}
	view_job_end(view);
	return true;
}

static void
view_slice(void *ctx)
{
	struct view *view = ctx;
	struct view_listener *listener, *next;

	if (view->job.doc != NULL && !view_job_run(view)) {
		task_set(view->task);
		return;
	}
	/* finished, or given up: whoever waits asks again */
	for (listener = TAILQ_FIRST(&view->listeners); listener != NULL;
	     listener = next) {
		next = TAILQ_NEXT(listener, list);
		listener->fn(listener->ctx);
	}
}

struct view_text *
view_get(struct view *view, enum view_what what,
    const struct view_filter *filter, int64_t now_us)
{
	struct view_doc *doc;

	BUG_ON((unsigned)what >= VIEWS);
	doc = view_doc_get(view, what, filter);
	if (view_doc_is_good(view, doc, now_us))
		return view_text_ref(doc->text);
	if (view->job.doc != NULL)
		return NULL;
	view_job_begin(view, doc, filter, now_us);
	if (!view_job_run(view)) {
		task_set(view->task);
		return NULL;
	}
	return view_text_ref(doc->text);
}

void
view_listen(struct view *view, void (*fn)(void *ctx), void *ctx)
{
	struct view_listener *listener = mem_zalloc(sizeof(*listener));

	listener->fn = fn;
	listener->ctx = ctx;
	TAILQ_INSERT_TAIL(&view->listeners, listener, list);
}

void
view_unlisten(struct view *view, void (*fn)(void *ctx), void *ctx)
{
	struct view_listener *listener;

	TAILQ_FOREACH (listener, &view->listeners, list)
		if (listener->fn == fn && listener->ctx == ctx)
			break;
	if (listener == NULL)
		return;
	TAILQ_REMOVE(&view->listeners, listener, list);
	free(listener);
}

/* --- life ---------------------------------------------------------------- */

struct view *
view_new(const struct view_config *config, const struct view_settings *settings)
{
	struct view *view = mem_zalloc(sizeof(*view));

	view->config = *config;
	TAILQ_INIT(&view->docs);
	TAILQ_INIT(&view->listeners);
	if (config->loop != NULL)
		view->task = task_new(config->loop, view_slice, view);
	view_configure(view, settings);
	return view;
}

static void
view_forget(struct view *view)
{
	bool waited_for = view->job.sliced;

	view_job_drop(view);
	if (waited_for)
		task_set(view->task);
	while (!TAILQ_EMPTY(&view->docs))
		view_doc_free(view, TAILQ_FIRST(&view->docs));
	view_queues_forget(view);
	view->touched++;
	view->epoch++;
}

void
view_free(struct view *view)
{
	if (view == NULL)
		return;
	view_forget(view);
	presence_board_fini(&view->board);
	view_contacts_fini(view);
	while (!TAILQ_EMPTY(&view->listeners)) {
		struct view_listener *l = TAILQ_FIRST(&view->listeners);

		TAILQ_REMOVE(&view->listeners, l, list);
		free(l);
	}
	task_free(view->task);
	free(view->columns);
	free(view->switches);
	free(view->feeds);
	free(view->by_id);
	free(view->n_by_id);
	free(view);
}

void
view_add_switch(struct view *view, const struct view_switch *sw)
{
	size_t n = view->n_switches + 1;

	view_forget(view);
	view->switches =
	    mem_realloc(view->switches, n, sizeof(*view->switches));
	view->switches[view->n_switches] = *sw;
	view->by_id = mem_realloc(view->by_id, n, sizeof(*view->by_id));
	view->by_id[view->n_switches] = NULL;
	view->n_by_id = mem_realloc(view->n_by_id, n, sizeof(*view->n_by_id));
	view->n_by_id[view->n_switches] = 0;
	view->n_switches = n;
}

void
view_add_feed(struct view *view, const struct view_feed *feed)
{
	view_forget(view);
	view->feeds =
	    mem_realloc(view->feeds, view->n_feeds + 1, sizeof(*view->feeds));
	view->feeds[view->n_feeds++] = *feed;
}

void
view_configure(struct view *view, const struct view_settings *settings)
{
	view_forget(view);
	view->settings = *settings;
	view->settings_no++;
	view_columns_make(view);
}

void
view_reset(struct view *view)
{
	view_forget(view);
}

void
view_touch(struct view *view)
{
	view->touched++;
}

/* --- for those who read figures ------------------------------------------ */

size_t
view_switches(const struct view *view)
{
	return view->n_switches;
}

const struct view_switch *
view_switch(const struct view *view, size_t i)
{
	BUG_ON(i >= view->n_switches);
	return &view->switches[i];
}

size_t
view_feeds(const struct view *view)
{
	return view->n_feeds;
}

const struct view_feed *
view_feed(const struct view *view, size_t i)
{
	BUG_ON(i >= view->n_feeds);
	return &view->feeds[i];
}

const char *
view_site(const struct view *view)
{
	return view->config.site;
}

const struct view_settings *
view_settings(const struct view *view)
{
	return &view->settings;
}

void
view_database(const struct view *view, struct view_database *database)
{
	*database = (struct view_database){.state = "off", .text = ""};
	if (view->config.database != NULL)
		view->config.database(view->config.ctx, database);
}

uint64_t
view_epoch(const struct view *view)
{
	return view->epoch;
}

const char *
view_service_of(const struct view *view, const char *queue)
{
	if (view->config.service_of == NULL)
		return NULL;
	return view->config.service_of(view->config.ctx, queue);
}

bool
view_listed(const char *const *list, const char *name)
{
	if (list == NULL)
		return true;
	for (; *list != NULL; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}
