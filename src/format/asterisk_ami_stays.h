/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the format asterisk-ami remembers of callers: their stays in queues.
 * The manager interface tells a fact in pieces ("left the queue" now, and an
 * instant later, or not at all, "was answered"), so each stay is kept until
 * its pieces are together:
 *
 *	ASKED	 the dialplan runs Queue(): may yet be refused
 *	WAITING	 joined
 *	LEFT	 left or abandoned: what became of it is about to be told
 *	TALKING	 answered; a completion may come without the caller's id
 *
 * Bounded in bytes: above STAYS_BYTES the longest kept goes, TALKING and ASKED
 * before LEFT and WAITING.
 */
#ifndef RT_FORMAT_ASTERISK_AMI_STAYS_H
#define RT_FORMAT_ASTERISK_AMI_STAYS_H

#include <sys/queue.h>

#include "base/slice.h"
#include "base/slots.h"
#include "base/strbuf.h"

#define STAYS_BYTES (480 * 1024)
#define STAY_TEXT   255 /* bytes of each text; longer ones are cut */

enum stay_state {
	STAY_ASKED,
	STAY_WAITING,
	STAY_LEFT,
	STAY_TALKING,
	STAY_STATES
};

enum stay_flag {
	STAY_HUNG_UP = 1,    /* the caller's line asked for the end */
	STAY_ABANDONED = 2,  /* QueueCallerAbandon came */
	STAY_ANSWERED = 4,   /* a member's phone was: CONNECT will follow */
	STAY_LISTED = 8,     /* known of the picture, its Join not seen */
	STAY_CONFIRMED = 16, /* heard of since the connection was made */
	STAY_TRANSFERRED = 32
};

enum stay_text {
	STAY_CALL,
	STAY_QUEUE,
	STAY_AGENT,	/* of TALKING, as are those below */
	STAY_INTERFACE, /* the member's */
	STAY_CHANNEL,	/* the agent's uniqueid */
	STAY_TARGET,	/* to whom it was passed on */
	STAY_TEXTS
};

struct stay {
	TAILQ_ENTRY(stay) list; /* of its state, in order of entering it */
	int64_t time_us;	/* when it came into that state */
	int64_t wait_ms;	/* as told by the switch, or unknown */
	uint64_t serial;	/* rises with each that comes into a state */
	uint32_t hash;		/* of the call id */
	uint8_t state;
	uint8_t flags; /* enum stay_flag */
	uint8_t length[STAY_TEXTS];
	char *text; /* all of them, one behind the other */
};
TAILQ_HEAD(stay_list, stay);

struct stays {
	struct slots calls;
	struct stay_list states[STAY_STATES];
	uint64_t serial;       /* of the last one */
	struct stay_list gone; /* removed; their texts may be lent still */
	size_t bytes;	       /* that a save would take, about */
};

void stays_init(struct stays *stays);
void stays_fini(struct stays *stays);
/* Removes all. */
void stays_clear(struct stays *stays);
/*
 * Frees what was removed: events point into it, so not before those of a
 * record are done with.
 */
void stays_bury(struct stays *stays);

struct stay *stays_add(struct stays *stays, struct slice call,
    struct slice queue, enum stay_state state, int64_t time_us);
void stays_remove(struct stays *stays, struct stay *stay);
void stays_set_state(struct stays *stays, struct stay *stay,
    enum stay_state state, int64_t time_us);
/* May let other stays go, never this one. */
void stays_set_text(struct stays *stays, struct stay *stay,
    enum stay_text which, struct slice text);
struct slice stay_text(const struct stay *stay, enum stay_text which);

/*
 * The stays of a call, one after the other: *at begins as 0. None may be added
 * or removed meanwhile.
 */
struct stay *
stays_next(const struct stays *stays, struct slice call, size_t *at);
/*
 * The one of that call, queue (n 0: any) and state that came into it last, so
 * that it is the same one after a restart; or NULL.
 */
struct stay *stays_find(const struct stays *stays, struct slice call,
    struct slice queue, enum stay_state state);
/* Does the text say the same, cut as it may be? */
bool stay_is(const struct stay *stay, enum stay_text which, struct slice text);

struct ami_reader;

void stays_save(const struct stays *stays, struct strbuf *to);
/* Adds what was saved; see ami_reader. */
void stays_load(struct stays *stays, struct ami_reader *from);

#endif
