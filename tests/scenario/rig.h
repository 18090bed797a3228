/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pipeline on a test bench: framer, format, intake, call machine, sessions
 * and tally as in the daemon, with a log in memory in front of it and a store
 * in memory behind it. Whatever plays on it can be cut and crashed anywhere.
 */
#ifndef RT_TESTS_RIG_H
#define RT_TESTS_RIG_H

#include "memstore.h"

#define RIG_ALIASES 16

struct rig_config {
	int64_t interval_minutes, short_abandon_s, lost_after_s, keep_hours;
	int64_t max_queues, max_agents, max_open;
	struct rig_alias {
		struct slice name, agent;
	} alias[RIG_ALIASES];
	size_t n_aliases;
	const struct stage *format; /* NULL: asterisk-queue-log */
	enum envelope envelope;
};

#define RIG_CONFIG_INIT                              \
	((struct rig_config){.interval_minutes = 15, \
	    .short_abandon_s = 5,                    \
	    .lost_after_s = 21600,                   \
	    .keep_hours = 48,                        \
	    .max_queues = 1000,                      \
	    .max_agents = 5000,                      \
	    .max_open = 100000})

struct rig {
	struct rig_config config;
	struct tally tally;
	struct machine machine;
	struct intake intake;
	struct memstore store;
	struct strbuf log; /* all bytes of all files of the feed */
	size_t *file;	   /* where each file begins in log */
	size_t n_files;	   /* the last one is being written */
	uint32_t file_no;  /* which one is being read, from 1 */
	size_t taken;	   /* of the log */
};

void rig_init(struct rig *rig, const struct rig_config *config);
void rig_fini(struct rig *rig);

/* The switch writes; nobody reads yet. */
void rig_write(struct rig *rig, struct slice bytes);
/* The file ends here and a new one begins. */
void rig_rotate(struct rig *rig);

/* Reads what stands in the first `upto` bytes of the log. */
void rig_read(struct rig *rig, size_t upto);

/* Commits, and holds the store against the memory. False: see why. */
bool rig_cut(struct rig *rig, struct strbuf *why);
/* Memory is lost; the last commit is loaded. rig_read goes on from there. */
void rig_crash(struct rig *rig);

/*
 * What must hold at every moment: in each interval offered is the sum of all
 * outcomes and of those waiting, histograms add up to their counts, gauges are
 * the lengths of their lists. False with the breach in why.
 */
bool rig_holds(struct rig *rig, struct strbuf *why);

/* What rig_write_state says. */
enum rig_part {
	RIG_QUEUES = 1,
	RIG_AGENTS = 2,	  /* what they did with calls */
	RIG_SESSIONS = 4, /* logins and pauses, and their times */
	RIG_VISITS = 8,	  /* in memory and ended */
	RIG_QUALITY = 16, /* counters, clock, position */
	RIG_NAMES = 32,	  /* of events */
	RIG_ALL = 63
};

/* All figures and all that is remembered, in lines of a fixed order. */
void rig_write_state(struct rig *rig, struct strbuf *to, unsigned parts);

/* The first line in which two states differ; NULL: none does. */
const char *
rig_difference(const char *state, const char *other, struct strbuf *room);

/* A number below `below`, the same on any machine; the seed is not 0. */
uint64_t rig_roll(uint64_t *seed, uint64_t below);

#endif
