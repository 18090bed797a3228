/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of the views. A document in work is a job: `begin` looks at
 * the lists once, `step` takes one queue (agent ...) and says whether there is
 * another, `end` writes what comes behind them. The loop may turn between two
 * steps, so what a job points to from step to step is freed by view_reset only:
 * queues and agents, never visits.
 */
#ifndef RT_SERVE_VIEW_INNER_H
#define RT_SERVE_VIEW_INNER_H

#include "base/strbuf.h"
#include "base/table.h"
#include "serve/json.h"
#include "serve/view.h"
#include "tally/presence.h"

#define VIEW_REASONS_MAX                                     \
	(PRESENCE_REASONS + 1) /* the last: all further ones \
				*/
#define VIEW_REASON_MAX 64

enum view_block { VIEW_TODAY, VIEW_LAST_15M, VIEW_LAST_60M, VIEW_BLOCKS };

struct view_reason {
	char text[VIEW_REASON_MAX];
	size_t n;
};

/* What the lists say of one queue, of a service, or of all. */
struct view_counts {
	size_t waiting, talking;
	/* of the waiting, of today: a target's time is not over for them */
	size_t in_time;
	int64_t oldest_us; /* arrival of who waits longest; INT64_MAX: none */
	size_t logged_in, agents[PRESENCE_STATES];
	struct view_reason *reasons; /* VIEW_REASONS_MAX of them, or NULL */
	size_t n_reasons;
};

/* A service, or what has none; and the total, which has no name either. */
struct view_service {
	UT_hash_handle hh;
	char *name; /* NULL: queues of no service */
	bool in;    /* has queues in this document */
	bool has_target;
	struct view_target target;
	struct view_counts counts;
	struct figure_sum block[VIEW_BLOCKS];
	struct strbuf queues; /* the elements of its "queues" */
	uint32_t number;      /* of its group, while agents are counted */
};

struct view_queue {
	const struct view_switch *sw;
	struct queue *queue;
	struct view_service *service; /* never NULL */
	bool in;		      /* in this document */
	uint32_t number; /* of its group, while agents are counted */
	struct view_counts counts;
	/* the figures, and their text, of that version, minute and settings */
	uint64_t version, settings_no;
	int64_t minute_us;
	bool day_complete, hour_complete;
	struct figure_sum block[VIEW_BLOCKS];
	struct strbuf text;
};

/* A figure of the blocks, with its name written out. */
struct view_column {
	enum figure figure;
	int64_t within_s;
	char name[FIGURE_NAME_MAX];
};

struct view_doc {
	TAILQ_ENTRY(view_doc) list; /* the one asked for last is first */
	enum view_what what;
	struct strbuf key; /* of its filter */
	struct view_text *text;
	uint64_t touched;  /* view->touched when its work began */
	int64_t sliced_us; /* monotonic: when slices finished it; 0: none did */
};
TAILQ_HEAD(view_docs, view_doc);

struct view_job {
	struct view_doc *doc; /* NULL: none in work */
	enum view_what what;
	struct view_filter filter; /* lists of copies */
	int64_t now_us;
	size_t at; /* of what step takes next */
	struct strbuf out;
	struct view_service total;
	/* VIEW_INTERVALS: their sums; VIEW_AGENTS: whom */
	struct figure_sum *interval;
	size_t n_intervals;
	int64_t first_us;
	struct view_agent_ref {
		const struct view_switch *sw;
		struct agent *agent;
	} * agents;
	size_t n_agents;
	bool sliced; /* the loop turned while it was in work */
};

struct view_listener {
	TAILQ_ENTRY(view_listener) list;
	void (*fn)(void *ctx);
	void *ctx;
};
TAILQ_HEAD(view_listeners, view_listener);

struct view {
	struct view_config config;
	struct view_settings settings;
	uint64_t settings_no; /* goes up with each view_configure */
	struct view_column *columns;
	size_t n_columns;
	struct view_switch *switches;
	size_t n_switches;
	struct view_feed *feeds;
	size_t n_feeds;

	struct view_queue **queues; /* by switch and name */
	size_t n_queues;
	struct view_queue ***by_id;    /* [switch][queue->id] */
	size_t *n_by_id;	       /* [switch] */
	struct view_service *services; /* uthash by name */
	struct view_service no_service;
	struct presence_board board; /* agents, as counted last */

	struct view_contacts contacts;

	uint64_t touched, versions, epoch;
	struct view_docs docs;
	size_t n_docs;
	struct view_job job;
	struct task *task; /* the next slice */
	struct view_listeners listeners;
};

/* How a document of some kind is made; see view_kinds in view.c. */
struct view_kind {
	const char *name;
	void (*begin)(struct view *view, struct view_job *job);
	bool (*step)(struct view *view, struct view_job *job); /* or NULL */
	void (*end)(struct view *view, struct view_job *job);
};

/* Whether a name is one of the list; a list of NULL takes all. */
bool view_listed(const char *const *list, const char *name);
/* The queue's place in the views. */
struct view_queue *view_queue_of(const struct view *view,
    const struct view_switch *sw, const struct queue *queue);

/* view_queues.c */
void view_queues_refresh(struct view *view); /* takes new queues in */
void view_queues_forget(struct view *view);  /* all of them, and services */
/* Looks at all lists for the queues that the filter takes: sets in, counts. */
void view_count(struct view *view, struct view_job *job);
/* The queue's figures, worked out again where they changed. */
void
view_queue_update(struct view *view, struct view_queue *vq, int64_t now_us);
void view_service_fini(struct view_service *service);
void view_queues_begin(struct view *view, struct view_job *job);
bool view_queues_step(struct view *view, struct view_job *job);
void view_queues_end(struct view *view, struct view_job *job);
void view_services_begin(struct view *view, struct view_job *job);
void view_services_end(struct view *view, struct view_job *job);
void view_snapshot_begin(struct view *view, struct view_job *job);
void view_snapshot_end(struct view *view, struct view_job *job);

/* view_block.c */
void view_columns_make(struct view *view);
/* A block of figures. */
struct view_span {
	enum view_block block;
	int64_t since_us;
	bool complete;
};
void view_block_write(const struct view *view, struct strbuf *b,
    const struct view_span *span, const struct figure_sum *sum,
    const struct view_target *target);
/* The figures alone; without those of the day where `day` is false. */
void view_figures_write(const struct view *view, struct strbuf *b,
    const struct figure_sum *sum, bool day);

/* view_agents.c */
void view_counts_reset(struct view_counts *counts);
void view_counts_fini(struct view_counts *counts);
void view_agents_count(struct view *view, struct view_job *job);
void view_agents_write(struct strbuf *b, const struct view_counts *counts);
void view_agents_begin(struct view *view, struct view_job *job);
bool view_agents_step(struct view *view, struct view_job *job);
void view_agents_end(struct view *view, struct view_job *job);

/* view_callbacks.c */
void view_callbacks_write(struct view *view, struct view_job *job);
void view_callbacks_version_write(struct view *view, struct view_job *job);

/* view_lists.c */
void view_calls_begin(struct view *view, struct view_job *job);
void view_feeds_begin(struct view *view, struct view_job *job);
void view_feeds_short(struct view *view, struct view_job *job);
void view_formulas_begin(struct view *view, struct view_job *job);
void view_intervals_begin(struct view *view, struct view_job *job);
bool view_intervals_step(struct view *view, struct view_job *job);
void view_intervals_end(struct view *view, struct view_job *job);
void view_lists_end(struct view *view, struct view_job *job);
void view_contacts_begin(struct view *view, struct view_job *job);
void view_contacts_fini(struct view *view);

#endif
