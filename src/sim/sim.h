/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A call centre, played: people ring, wait, are answered or give up, agents
 * come, pause and go, and an Asterisk writes what it would write of all that
 * to its queue_log. Pure: time is the simulation's own, nothing is read or
 * written but through the sink, and the same config gives the same bytes on
 * any machine.
 *
 *	sim = sim_new(&config, &sink);
 *	while (sim_next(sim) < config.end_us)
 *		sim_step(sim);
 *	sim_end(sim);
 *	sim_free(sim);
 *
 * Beside the log the sink is told the truth: what became of every visit, and
 * the figures by queue and interval. They come from the simulation's state,
 * never from the lines, and in the arithmetic of a switch that knows whole
 * seconds only: a wait is the difference of two truncated times.
 *
 * The life of one call, as the files tell it: caller.c lets it arrive and
 * join a queue, finds it an agent through staff.c, or lets it leave unanswered;
 * talk.c holds the conversation and passes it on; script.c writes the lines,
 * truth.c keeps the figures, agenda.h what happens next.
 */
#ifndef RT_SIM_SIM_H
#define RT_SIM_SIM_H

#include "base/err.h"
#include "event/event.h"

#define SIM_LINE_MAX   512 /* bytes of a line, its newline included */
#define SIM_QUEUES_MAX 1000
#define SIM_AGENTS_MAX 50000
#define SIM_RATE_MAX   10000000 /* thousandths */

struct sim;

struct sim_config {
	uint64_t seed;
	int64_t start_us; /* since 1970 UTC */
	int64_t end_us;	  /* when the run is cut off; INT64_MAX: never */
	uint64_t calls;	  /* nobody rings after so many callers; 0: no limit */
	uint32_t queues;  /* 1 to SIM_QUEUES_MAX */
	uint32_t agents;  /* queues to SIM_AGENTS_MAX */
	uint32_t rate;	  /* thousandths of 300 callers an hour */
	bool flat;	  /* at all hours alike; otherwise by time of day */
	bool refusals;	  /* the dialplan logs who could not join (as Wazo's) */
	int crash_min;	  /* minute of the day; -1: the switch does not crash */
	uint32_t redial;  /* of a million who gave up: ring again */
	uint32_t
	    optimise; /* of a million answered calls: end under another id */
	/*
	 * Of a million callers who were answered: ring again, within the hour
	 * or days later, for the same queue. Then each caller has a number of
	 * his own; with 0 they are few, and met again by chance.
	 */
	uint32_t repeat;
	uint32_t disorder;  /* of a million lines: written a line too late */
	uint32_t assess;    /* of a million conversations: told by CALLSTATUS */
	int64_t interval_s; /* > 0; divides a day */
	int64_t short_abandon_s;
};

/* A queue's interval, as in ringtally-sql(7). */
struct sim_cell {
	uint64_t offered, waiting;
	uint64_t ended[OUTCOMES]; /* by outcome */
	uint64_t answered_15, answered_20, abandoned_short;
	int64_t wait_answered_s, wait_abandoned_s, max_wait_s, talk_s;
	uint64_t rings; /* in vain; counted when they happen, unlike the rest */
};

/* A visit, told when it is over; at sim_end also if it is not. */
struct sim_visit {
	struct slice call, queue;
	struct slice agent;  /* or empty */
	struct slice caller; /* the number; empty: withheld */
	uint64_t order;	     /* the order of entering, from 1, over all calls */
	int64_t entered_s;   /* since 1970 UTC */
	int64_t wait_s;	     /* -1: not known (lost, or waiting) */
	int64_t talk_s;	     /* -1: not known, or none */
	int64_t answered_s;  /* since 1970 UTC; -1: not */
	enum outcome outcome; /* OUTCOME_NONE: waiting */
	unsigned number;      /* the n-th of its call, from 1 */
};

/*
 * Where it all goes; the receiver embeds it and finds itself by its address.
 * What is handed over is only lent. cell and visit may be NULL.
 */
struct sim_sink {
	/* One line with its newline. */
	void (*line)(struct sim_sink *sink, struct slice line);
	/*
	 * The figures of a queue's interval that nothing can change any more,
	 * in the order of time, then of queues; none where nothing happened.
	 */
	void (*cell)(struct sim_sink *sink, struct slice queue,
	    int64_t starts_s, const struct sim_cell *cell);
	void (*visit)(struct sim_sink *sink, const struct sim_visit *visit);
};

/* NULL, with the reason, when the config makes no sense. */
struct sim *sim_new(
    const struct sim_config *config, struct sim_sink *sink, struct err *err);
void sim_free(struct sim *sim);

/* The time of the next step; INT64_MAX when nothing is to come. */
int64_t sim_next(const struct sim *sim);
void sim_step(struct sim *sim);

/*
 * Writes the line that disorder holds back, if there is one: call it before
 * waiting, so that it is late by a line and not by an hour.
 */
void sim_quiet(struct sim *sim);

/* Tells what is still open and the last intervals. Ends the run. */
void sim_end(struct sim *sim);

#endif
