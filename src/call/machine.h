/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The call machine of one switch: follows every visit from its arrival to its
 * end and books what happens into the tally.
 *
 * A visit is the n-th entry of a call id. It is in one of these states, and on
 * the list of that state; visit_set_state is the only place that changes it:
 *
 *	EARLY	something was heard of it, but not yet its arrival: lines out
 *		of order, or a log that begins in mid-call. Not counted in any
 *		figure until the arrival comes; given up as `unmatched`
 *	WAITING	in the queue
 *	TALKING	answered, the conversation goes on
 *	ENDED	over. Remembered for LINGER_US, so that what is said twice or
 *		too late is known for what it is, and the next entry of the
 *		same call gets the next number
 *
 * What each event does in each state is the table in machine.c. Repeating an
 * event changes nothing; what can not be is counted and named.
 *
 * Time is the switch's event clock: the newest event time, where a leap of
 * more than a day forward counts only when the next event confirms it (one
 * broken line must not age every call). Its very first value counts when the
 * next event is within a day of it. Visits that nothing was heard of for
 * lost_after_us of that clock are given up.
 */
#ifndef RT_CALL_MACHINE_H
#define RT_CALL_MACHINE_H

#include <sys/queue.h>

#include "base/slots.h"
#include "event/counters.h"
#include "event/event.h"
#include "event/stage.h"
#include "tally/session.h"
#include "tally/tally.h"

#define CALL_ID_MAX	  255 /* bytes; longer ones are cut */
#define CALL_LINE	  64  /* bytes that a processor fetches at once */
#define CALL_POOL_ID	  46  /* ids up to this: a call is one such line */
#define CALL_CALLER_BYTES 16  /* of the keyed hash */
#define CALL_REASON_MAX	  24
#define CALL_NUMBER_MAX	  64 /* bytes shown of a number */
#define MACHINE_LINGER_US (600 * USEC_PER_SEC)
#define MACHINE_FEEDS	  8 /* of one switch, at most */

enum visit_state {
	VISIT_EARLY,
	VISIT_WAITING,
	VISIT_TALKING,
	VISIT_ENDED,
	VISIT_STATES
};

/* A call: the caller's id on the switch and its visits, newest first. */
struct call {
	struct visit *visits;
	uint32_t hash;	  /* of its id */
	uint32_t entries; /* visits begun so far: the newest one's number */
	uint16_t id_len;
	char id[]; /* valid UTF-8, not terminated */
};

/*
 * Of a visit of a switch with several feeds: who told what of it, a bit for
 * each feed's slot; see merge.h.
 */
struct heard {
	TAILQ_ENTRY(heard) list; /* machine.unkept, of ended visits */
	bool open; /* on the list of those with an open question */
	struct visit *visit;
	uint8_t entered, answered, ended;
	bool unsure; /* the outcome may be another one */
	bool kept;   /* config.keep was told: nothing changes it */
	/*
	 * Rings are counted of this slot less one alone, for what it told
	 * before there was another feed was not noted; 0: the most count.
	 */
	uint8_t rings_of;
	uint8_t rings_booked; /* the most of: */
	uint8_t rings[MACHINE_FEEDS];
};

/* How far each feed of such a switch has come; event times, 0: not heard. */
struct machine_feed {
	int64_t first_us, clock_us;
	/*
	 * When its last turn began to be believed of what agents do; 0: it had
	 * none. A turn ends where another one's begins.
	 */
	int64_t leads_us;
	int64_t picture_us;   /* when the picture began that it is telling */
	bool pictures_agents; /* who led then, and speaks for the agents */
};

/* From when to when a feed told of the switch that is no more. */
struct machine_former {
	int64_t first_us, last_us;
	int64_t forgotten_us; /* visits up to then are not remembered */
};

/*
 * What most events touch comes first: two cache lines, where all of it is
 * more than three.
 */
struct visit {
	TAILQ_ENTRY(visit) list; /* of its state */
	struct call *call;
	struct visit *next; /* of the same call, older */
	struct queue *queue;
	struct cell *cell;  /* of the arrival; NULL while EARLY */
	int64_t touched_us; /* the event clock when last heard of; 1 more
			       during a leap, 0 before it is known: see
			       machine_touch */
	uint16_t feed;
	uint8_t state;	  /* enum visit_state */
	uint8_t outcome;  /* enum outcome */
	bool changed : 1; /* on machine.changed */
	bool stored : 1;  /* open_visit has (or is about to have) it */
	bool has_caller : 1;
	bool transferred : 1;
	bool answer_derived : 1; /* answered_us was worked out from its end */
	bool has_before : 1;
	bool of_other : 1; /* begun before a restart, in "other" */
	uint8_t pictured;  /* a bit for each feed's picture that it stands in */
	uint8_t inferred;  /* VISIT_...: see machine_infer */
	struct agent *agent;	     /* who answered; or NULL */
	LIST_ENTRY(visit) talk_list; /* on agent.talks while TALKING */
	int64_t entered_us;	     /* 0 while EARLY */
	int64_t answered_us;	     /* 0: not */
	int64_t ended_us;	     /* 0: not */
	int64_t wait_ms;	     /* EVENT_UNKNOWN_MS until known */
	int64_t talk_ms;
	int64_t offset; /* where its arrival stands: evidence */
	uint32_t file_no;
	uint32_t number; /* the n-th entry of its call, from 1 */
	TAILQ_ENTRY(visit) changed_list; /* on machine.changed */
	uint8_t caller[CALL_CALLER_BYTES];
	uint8_t caller_before[CALL_CALLER_BYTES]; /* under the former key */
	char reason[CALL_REASON_MAX]; /* the feed's word for the end */
	char *caller_number;	      /* while open; see keep_numbers */
	struct heard *heard;	      /* NULL: its switch has but one feed */
};
TAILQ_HEAD(visit_list, visit);

/* A stored visit that is no longer needed: its row is to be deleted. */
struct visit_key {
	STAILQ_ENTRY(visit_key) list;
	uint32_t number;
	uint16_t id_len;
	char id[];
};
STAILQ_HEAD(visit_keys, visit_key);

struct machine_config {
	int64_t lost_after_us;
	uint32_t
	    max_open; /* visits in memory; above it the oldest are given up */
	/*
	 * Called when a visit with a known arrival has ended, before it
	 * lingers; NULL: nobody asks. (An ended visit whose talk time
	 * comes late is not told again.)
	 */
	void (*ended)(void *ctx, struct visit *visit);
	/*
	 * Called when one of which `ended` was told has ended otherwise after
	 * all, or goes on (state TALKING): the word of another feed. before:
	 * the outcome that was told. NULL: nobody asks.
	 */
	void (*corrected)(void *ctx, struct visit *visit, enum outcome before);
	/*
	 * Called for each of these once, when nothing can change it any more:
	 * at once where the switch has one feed, else when all of them have
	 * passed it. NULL: nobody keeps them.
	 */
	void (*keep)(void *ctx, const struct visit *visit);
	/*
	 * Called when a visit with a known arrival was answered, once for each
	 * and in the moment that it is told: the conversation may be over
	 * already. (Once more where the first word was not sure of it.) NULL:
	 * nobody asks.
	 */
	void (*answered)(void *ctx, struct visit *visit);
	/*
	 * Called when the arrival is known of a visit whose call has others;
	 * NULL: nobody asks.
	 */
	void (*followed)(void *ctx, struct visit *visit);
	/*
	 * Makes the keyed hash of a caller's number; false: withheld. NULL:
	 * callers are not kept.
	 */
	bool (*hash_caller)(
	    void *ctx, struct slice number, uint8_t hash[CALL_CALLER_BYTES]);
	/* The same under the key before; NULL: there is none. */
	bool (*hash_before)(
	    void *ctx, struct slice number, uint8_t hash[CALL_CALLER_BYTES]);
	/* An agent's login or pause has ended; NULL: nobody keeps them. */
	session_span_fn span;
	void *ctx;
	unsigned n_feeds; /* of this switch; 0 is 1 */
	unsigned slots;	  /* a bit for each of theirs; 0: from 0 on */
	unsigned facts[MACHINE_FEEDS]; /* that each can tell: STAGE_KNOWS */
	int64_t merge_window_us; /* how late one may be after the others */
	bool persistent;	 /* somebody takes `changed` and `gone` */
	/*
	 * Callers' numbers stay with their visits until these end: to be
	 * shown. Never stored. Needs hash_caller, which knows a withheld one.
	 */
	bool keep_numbers;
};

struct machine {
	struct machine_config config;
	struct tally *tally;
	struct sessions sessions;
	struct slots calls; /* by id */
	struct visit_list
	    states[VISIT_STATES]; /* by touched_us, oldest first */
	struct visit_list changed;
	struct visit_keys gone;
	struct pool visit_pool;
	struct pool heard_pool;
	/* by when they ended: those that are all known, and the others */
	TAILQ_HEAD(, heard) unkept[2];
	struct machine_feed feeds[MACHINE_FEEDS];
	struct machine_former *former;
	size_t n_former;
	struct pool call_pool; /* calls with ids up to CALL_POOL_ID bytes */
	size_t in_state[VISIT_STATES];
	int64_t clock_us;     /* the event clock; 0: no event yet */
	int64_t leap_us;      /* a leap forward not yet confirmed; 0: none */
	int64_t forgotten_us; /* calls that ended by then are not remembered */
	struct counters *counters; /* of the feed whose event this is */
};

/*
 * An event that will be given to machine_event soon: works out what its call
 * and agent are found by. True: it is worth while to bring their memory near
 * ahead of time, with machine_near and then machine_nearer. Each of the three
 * asks for what the next one needs, so it pays to do the same for other events
 * before going on.
 */
bool machine_expect(const struct machine *m, struct event *ev);
void machine_near(const struct machine *m, const struct event *ev);
void machine_nearer(const struct machine *m, const struct event *ev);

/* The call of that id, or NULL; made when new with `make`. */
struct call *
call_find(struct machine *m, struct slice id, uint32_t hash, bool make);
/* A call that was made for nothing goes again; NULL is fine. */
void call_forget_empty(struct machine *m, struct call *call);
/* Takes a visit out of its call, and the call with its last visit. */
void call_remove_visit(struct machine *m, struct visit *visit);

void machine_init(struct machine *m, const struct machine_config *config,
    struct tally *tally);
void machine_fini(struct machine *m);

/*
 * Takes one event that machine_expect has seen; counters: of the feed that it
 * comes from.
 */
void machine_event(
    struct machine *m, const struct event *ev, struct counters *counters);

/*
 * At start, before all else: the event clock of the last commit. It tells the
 * sessions too, unless the clock was not yet believed. forgotten_us: of several
 * feeds, up to when calls were forgotten while there was one alone, which lets
 * go of them after MACHINE_LINGER_US; else 0.
 */
void machine_restore_clock(
    struct machine *m, int64_t clock_us, int64_t leap_us, int64_t forgotten_us);

/* The same of one feed of several. */
void machine_restore_feed(
    struct machine *m, unsigned slot, const struct machine_feed *feed);

/*
 * At start, behind the clock: a feed that is no more has told of the switch in
 * that time. What another one tells of it, and is not remembered, was counted.
 */
void
machine_restore_former(struct machine *m, int64_t first_us, int64_t last_us);

/*
 * At start: puts a stored visit back (all fields but list links, call, queue,
 * agent and cell are taken from `like`, *heard is copied); call in
 * oldest-touched order. The arrival is not booked again: it is in the interval
 * that begins with like->cell (NULL: the one of its time), of whatever length
 * intervals were then.
 */
void machine_restore(struct machine *m, const struct visit *like,
    struct slice call_id, struct slice queue, struct slice agent);

/*
 * At start, where the live views are on: a stored visit whose arrival is in the
 * figures, ended or not, is shown in the last hour as far as it has come.
 */
void
machine_show(struct machine *m, struct slice queue, const struct visit *like);

/*
 * Nobody will tell of the switch again: all that is open is given up by its
 * clock, and nothing is remembered.
 */
void machine_give_up_all(struct machine *m);

/*
 * Taking what changed since the last time: open_visit rows to write
 * (visit->stored becomes true) and keys to delete. Both lists are empty
 * afterwards. `gone` keys are freed behind the callback.
 */
void machine_take(struct machine *m,
    void (*changed)(void *ctx, const struct visit *visit),
    void (*gone)(void *ctx, const struct visit_key *key), void *ctx);

/*
 * What was booked of a visit beside its outcome, by who hears of `answered` and
 * the like: bits of no meaning to the machine, kept with the visit.
 */
#define VISIT_COUNTED	   1  /* in caller_known */
#define VISIT_COMPARED	   2  /* as an answer: see tally/repeat.h */
#define VISIT_COUNTED_GONE 4  /* in abandoned_known */
#define VISIT_MISROUTED	   8  /* in misrouted */
#define VISIT_FOLLOWED	   16 /* the call's next visit is known */
void machine_infer(struct machine *m, struct visit *v, uint8_t inferred);

/* Whether numbers are kept from now on; if not, those there are forgotten. */
void machine_keep_numbers(struct machine *m, bool keep);

/*
 * Whoever rang from the number of that hash is nobody from now on: in open
 * visits, and in those that are remembered. Returns how many there were.
 */
size_t
machine_forget(struct machine *m, const uint8_t caller[CALL_CALLER_BYTES]);

const char *visit_state_name(enum visit_state state);

#endif
