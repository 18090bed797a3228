/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Avaya IP Office SMDR, in its parts: a record is read (avaya_ipoffice_line.c),
 * its local time settled (avaya_ipoffice_fold.c), and the records of one call
 * are put together (avaya_ipoffice_call.c).
 */
#ifndef RT_FORMAT_AVAYA_IPOFFICE_INNER_H
#define RT_FORMAT_AVAYA_IPOFFICE_INNER_H

#include <sys/queue.h>

#include "base/local.h"
#include "base/split.h"
#include "base/strbuf.h"
#include "event/stage.h"

#define IPO_LINE_FIELDS 64 /* 37, and the commas of names */

/* One record: a segment of a call. */
struct ipo_line {
	const char *p;
	uint32_t begin[IPO_LINE_FIELDS + 1 + SPLIT_ROOM];
	unsigned n;

	struct slice start; /* as it is written */
	struct slice id_text;
	int64_t start_s; /* local, see local_read */
	int64_t id;
	int64_t connected_s, ring_s, hold_s, park_s;
	int64_t record_us; /* field 35, UTC; 0: there is none */
	struct slice caller;
	struct slice called, dialled, targeted; /* fields 6, 7 and 30 */
	struct slice device, name; /* of the person, if there is one */
	bool inbound;		   /* direction I, and not internal */
	bool internal;
	bool more;	/* continuation */
	bool connected; /* to anything */
	bool machine;	/* a voicemail or auto-attendant channel takes part */
	bool menu;	/* the auto-attendant was called */
};

/* Returns -1 with the reason for what is no record. */
int ipo_line_read(struct slice record, struct ipo_line *line, const char **why);

#define IPO_TEXT_MAX   128 /* of each text that is kept; the rest is cut off */
#define IPO_KEY_MAX    40  /* "2019/11/02 23:58:27/1004240" */
#define IPO_DEVICE_MAX 16

enum ipo_answer { IPO_NOBODY, IPO_MENU, IPO_MACHINE, IPO_PERSON };

/* Where a call that is kept has its texts. */
struct ipo_room {
	char queue[IPO_TEXT_MAX], caller[IPO_TEXT_MAX], agent[IPO_TEXT_MAX];
	char device[IPO_DEVICE_MAX];
};

/*
 * A call, as far as its records tell. Its texts lie in the record, or in the
 * call's own room if it is kept.
 */
struct ipo_call {
	TAILQ_ENTRY(ipo_call) link; /* of those open, or of those held */
	int64_t start_s, id;	    /* its key */
	int64_t at[2];	   /* what start_s may mean; the same: settled */
	int64_t begin_us;  /* at[0], or what was settled on */
	int64_t end_us;	   /* of its last segment */
	int64_t heard_us;  /* the feed's event time at its last record */
	int64_t elapsed_s; /* of its segments so far */
	int64_t queue_s;   /* of these, those out of the menu */
	int64_t wait_s;	   /* until somebody or something took the call */
	int64_t talk_s;	   /* with persons */
	enum ipo_answer answer;
	bool offered;	  /* from outside; others are only passed over */
	bool transferred; /* a second person took it over */
	bool ambiguous;	  /* at[0] or at[1] */
	bool told;	  /* at the end of all; what follows is late */
	bool hidden;	  /* the caller, as it was loaded */
	size_t key_n;
	char key[IPO_KEY_MAX];
	struct slice queue, caller, agent, device;
	struct ipo_room *room; /* NULL: not kept */
};

TAILQ_HEAD(ipo_calls, ipo_call);

/* What names the queue, and the agent. */
enum ipo_queue { IPO_CALLED, IPO_DIALLED, IPO_TARGETED };
enum ipo_agent { IPO_AGENT_NAME, IPO_AGENT_DEVICE };

struct ipo_options {
	int queue;
	int agent;
	int64_t open_us;
};

/*
 * A call begins with, or goes on by, a record. Its times are left to whoever
 * knows the zone.
 */
void ipo_call_begin(struct ipo_call *call, const struct ipo_line *line,
    const struct ipo_options *options);
void ipo_call_add(struct ipo_call *call, const struct ipo_line *line,
    const struct ipo_options *options);
/* A copy that owns its texts, to be freed by ipo_call_free. */
struct ipo_call *ipo_call_keep(const struct ipo_call *call);
void ipo_call_free(struct ipo_call *call);
void ipo_call_save(const struct ipo_call *call, const struct stage_setup *setup,
    struct strbuf *to);
/* NULL: not understood. */
struct ipo_call *ipo_call_load(struct slice *from);
/* After ipo_call_add to a call that is kept: owns its new texts, too. */
void ipo_call_own_texts(struct ipo_call *call);
/* The call's one event. */
void ipo_call_emit(const struct ipo_call *call, struct sink *sink);

/*
 * The repeated hour. A switch counts its calls: where their ids rise and their
 * local times fall, the clocks were set back between the two. What is known of
 * one day's repeated hour:
 */
struct ipo_fold {
	int64_t day;		   /* local; of what follows */
	int64_t early_id, early_s; /* the last call known to be before */
	int64_t late_id, late_s;   /* the first one known to be after */
	int64_t last_id, last_s;   /* the highest id, for restarts */
};

/* Returns 0 (before the change), 1 (after it), or -1: not known yet. */
int ipo_fold_ask(const struct ipo_fold *fold, int64_t id, int64_t start_s);
void
ipo_fold_learn(struct ipo_fold *fold, int64_t id, int64_t start_s, int which);
/*
 * Settles the call by what its record tells and by the order of ids. The calls
 * of `held` that are settled by it move to `ready`; those that were held when
 * the switch was restarted, too, unsettled.
 */
void ipo_fold_settle(struct ipo_fold *fold, struct ipo_call *call,
    const struct ipo_line *line, int64_t received_us, struct ipo_calls *held,
    struct ipo_calls *ready);
void ipo_fold_choose(struct ipo_call *call, int which);

#endif
