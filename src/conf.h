/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration, read from ringtally.conf and conf.d/ALL.conf beside it
 * (libconfig; ringtally.conf(5)). Its options are the rows of conf_options.c;
 * a stage's own options come with its descriptor. libconfig.h is included in
 * the two files that read only; see conf_read.h.
 */
#ifndef RT_CONF_H
#define RT_CONF_H

#include "base/err.h"
#include "base/option.h"
#include "base/slice.h"
#include "event/stage.h"
#include "event/syslog.h"

#define CONF_FEEDS_PER_SWITCH 8 /* MACHINE_FEEDS */

#define CONF_PATH SYSCONFDIR "/ringtally/ringtally.conf"

/* One feed: a transport plus a format. */
struct conf_feed {
	struct conf_feed *next;
	char *name;	   /* unique */
	char *switch_name; /* feeds of one switch describe the same calls */
	char *transport_name, *format_name;
	char *timezone; /* of its local times; NULL: the site's */
	int envelope;	/* enum envelope */
	const struct stage *transport, *format; /* of these names */
	void *transport_options; /* as the descriptor's rows say; may be NULL */
	void *format_options;
	char *where; /* "FILE:LINE", for messages about it */
};

/* One service: what the public asks for, and the queues that serve it. */
struct conf_service {
	struct conf_service *next;
	char *name;
	char **queues; /* patterns of fnmatch(3), NULL-terminated */
	char *where;   /* "FILE:LINE" */
	struct conf_target {
		int64_t within_s;      /* 0: no target */
		double pct, amber_pct; /* amber_pct 0: no amber */
	} target;
};

/* "These names are that agent". */
struct conf_agent {
	struct conf_agent *next;
	char *name;
	char **aliases; /* NULL-terminated */
};

/*
 * What contacts mean: the lists of the group `contacts`, each of rows of one
 * kind with the members that its options name. A date is "2026-04-01".
 */
enum conf_contact_list {
	CONF_CATEGORIES,
	CONF_CHANNELS,
	CONF_CODES,
	CONF_SCOPE,
	CONF_EXCLUSIONS,
	CONF_SAMPLING,
	CONF_CONTACT_LISTS
};

struct conf_contact {
	struct conf_contact *next;
	char *where; /* "FILE:LINE" */
	char *name, *label, *category, *channel, *code, *service, *source;
	char *why;
	int kind;		     /* of scope: channel or service */
	int answer;		     /* enum conf_answer */
	char *valid_from, *valid_to; /* NULL: of all times; to: not within */
	char *starts_on, *ends_on;   /* both within */
};

enum conf_answer { CONF_NOT_TOLD, CONF_NO, CONF_YES };
extern const char *const conf_answers[]; /* "", "no", "yes" */

/* What works as it is written, and is hardly meant so. */
struct conf_note {
	struct conf_note *next;
	char *text; /* "FILE:LINE: ..." */
};

struct conf {
	char *site;
	char *timezone;
	struct option_ints thresholds_s;
	int64_t short_abandon_us;
	int64_t interval_minutes;
	int64_t lost_after_us;
	int64_t merge_window_us;
	int64_t max_queues, max_agents, max_open_visits;
	char *country_code; /* "44": makes 0114... and +44114... one caller */
	char *spool_folder;
	char *caller_key_file; /* made by the daemon; NULL: callers not kept */
	char *caller_key_old_file; /* the key before; NULL: none */
	struct {
		char *conninfo;
		int64_t flush_us;
		int64_t keep_visits_days; /* 0: none are kept */
		int64_t keep_keys_days;
		int64_t pending_mb;
		bool queue_live;
	} database;
	struct {
		char *listen; /* NULL: no live pages */
		char *token_file;
		char **hosts;
		char *folder; /* of the wallboard's files */
		char *chart_js;
		char *control;	     /* path of the socket; NULL: none */
		char *control_group; /* NULL: the daemon's own */
		int64_t max_clients;
		int64_t max_post_kb;	/* of one body; 1024 bytes each */
		int64_t stale_after_us; /* of silence; 0: never by silence */
		bool show_numbers;
	} live;
	struct {
		bool there; /* some file has the group */
		char *feed; /* of POST /api/v1/contacts; NULL: nobody */
		double min_coverage_pct;
		int64_t join_window_us;
		int64_t keep_contacts_days;
		struct conf_contact *lists[CONF_CONTACT_LISTS];
		int64_t repeat_days; /* 0: nobody is known again */
		int64_t max_callers;
	} contacts;
	/* "FILE:LINE" of what is checked later; FILE, where it is preset */
	char *conninfo_at, *listen_at;
	struct conf_feed *feeds;
	struct conf_service *services;
	struct conf_agent *agents;
	struct conf_note *notes; /* for whoever tests or starts with it */
};

/* "categories" ..., and "contacts.categories": the group of its options. */
const char *conf_contact_list_name(enum conf_contact_list list);
const char *conf_contact_group(enum conf_contact_list list);

/*
 * Reads and checks everything. Returns NULL with "FILE:LINE: what is wrong"
 * in err; for an unknown key with the nearest known one.
 */
struct conf *conf_load(const char *path, struct err *err);
void conf_free(struct conf *conf);

/*
 * Notes which of the files that are named, by options NAME_file, are not there;
 * those of which this user can not tell are passed over. For -t.
 */
void conf_note_missing(struct conf *conf);

/*
 * Which option differs between two configurations that only a restart can
 * change: its name, or "feeds" or "agents", for the log; NULL: a reload may go
 * on.
 */
const char *conf_needs_restart(const struct conf *old, const struct conf *new_);

/*
 * The waits to count by on the live pages: thresholds_s, and those of the
 * targets as far as there is room. In rising order.
 */
void conf_thresholds(const struct conf *conf, struct option_ints *to);

/* The service of a queue (the first whose pattern matches), or NULL. */
const char *conf_service_of(const struct conf *conf, const char *queue);

/* What the agent of that name, or alias, is called; NULL: as he is. */
const char *conf_agent_called(const struct conf *conf, struct slice name);

/* All rows of the daemon's own options; ends with a NULL name. */
extern const struct option_row conf_options[];

#endif
