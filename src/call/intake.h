/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The intake of one feed: bytes in, events out to the call machine of its
 * switch. Cuts records, hands them to the format, stamps events with their
 * place, counts what the feed's data is like. The daemon's feeds and
 * `ringtally tally` go through the same intake.
 */
#ifndef RT_CALL_INTAKE_H
#define RT_CALL_INTAKE_H

#include <sys/queue.h>

#include "base/log.h"
#include "call/machine.h"
#include "call/seen.h"
#include "call/skew.h"
#include "event/framer.h"
#include "event/names.h"
#include "event/stage.h"
#include "event/syslog.h"

#define INTAKE_HELD 16

/* What was counted while the switch's event clock was in one interval. */
struct intake_cell {
	UT_hash_handle hh;
	int64_t starts_us; /* the key */
	struct counters counters;
};

/* What is counted of records, beside what the machine counts. */
enum intake_counts {
	INTAKE_RECORDS,
	INTAKE_BYTES,
	INTAKE_REJECTED,
	INTAKE_OVERSIZE,
	INTAKE_UNKNOWN,
	INTAKE_COUNTS
};

struct intake_sums {
	uint64_t v[INTAKE_COUNTS];
};

/* An event that waits, and what had been counted when it came. */
struct intake_held {
	struct event event;
	struct intake_sums before;
};

/* A file that was left for the next one since they were last taken. */
struct intake_file {
	STAILQ_ENTRY(intake_file) list;
	struct position position; /* behind what was taken of it */
};
STAILQ_HEAD(intake_files, intake_file);

struct intake {
	struct sink sink; /* the format's events come here */
	const char *name; /* of the feed; outlives the intake */
	const struct stage *format;
	void *format_self;
	struct machine *machine;
	/*
	 * Is given each contact, at once and in its place among the records;
	 * no other event is. The machine never sees it: a contact's time may
	 * be of any day, and nobody's clock. Set after intake_init; NULL:
	 * contacts are counted by name and no more.
	 */
	void (*contact)(
	    void *ctx, const struct intake *in, const struct event *ev);
	void *contact_ctx;
	uint32_t feed; /* its number, stamped on events */
	unsigned slot; /* the same among the feeds of its switch */
	bool repeats;  /* senders may send a record again */
	struct seen seen;
	struct framer framer;
	/* around each record; set after intake_init where there is one */
	enum envelope envelope;
	bool own_text; /* texts are the format's: no event may wait */
	struct names names;
	struct intake_cell *cells; /* since last taken: uthash by starts_us */
	struct intake_cell *now;   /* the one that the clock is in */
	struct counters taken;	   /* of all cells that were taken */
	int64_t last_event_us;	   /* newest event time seen; 0: none */
	struct skew skew;	   /* noted by who knows when records come */
	uint64_t records;	   /* in all, since it was opened */
	/*
	 * Events wait here until a few have gathered, while the memory of
	 * their calls is on its way; none waits when intake_bytes returns,
	 * nor when their texts are about to go
	 */
	struct intake_held held[INTAKE_HELD];
	struct event *asked[INTAKE_HELD]; /* of these, see machine_expect */
	unsigned n_held, n_asked;
	struct intake_sums counts; /* in all, since it was opened */
	struct intake_sums booked; /* of these, in a cell */
	uint32_t file_no;	   /* of the bytes taken last */
	struct position at;	   /* behind them; file_no 0: none were yet */
	struct intake_files left;  /* in the order in which they were read */
	int64_t offset;		   /* of the record in work */
	int64_t received_us;	   /* the same; 0: not noted */
	struct log_limit limit;
};

/*
 * Opens the format. setup: what it needs of one (options, timezone), or NULL.
 * The machine must live as long.
 */
int intake_init(struct intake *in, const char *name, uint32_t feed,
    const struct stage *format, const struct stage_setup *setup,
    struct machine *machine, struct err *err);
void intake_fini(struct intake *in);

/*
 * Takes whole records from bytes[0..n), which stand at `position` in the feed;
 * see stage_upstream.bytes. Returns the bytes taken.
 */
size_t intake_bytes(struct intake *in, const struct position *position,
    const char *bytes, size_t n, bool last);

/*
 * Takes one whole record that stands at `position`: of what has been cut
 * before, by a spool.
 */
void intake_record(struct intake *in, const struct position *position,
    const struct record *record);

/*
 * Nothing is waited for any longer, in any file: the format tells what it held
 * back. What it remembers from here on knows that: see stage.finish.
 */
void intake_finish(struct intake *in);

/*
 * At start: goes on behind the bytes before `from`. intake_is_skipping is what
 * position.skipping must be then: whether what was taken last of that file was
 * part of a record that is too long.
 */
void intake_resume(struct intake *in, const struct position *from);
bool intake_is_skipping(const struct intake *in, uint32_t file_no);

/*
 * What the format remembers, to be committed with the position: appended to
 * `to`; and at start, given back. -1: it does not understand it, and is as new.
 */
void intake_save(const struct intake *in, struct strbuf *to);
int intake_load(struct intake *in, struct slice state);

/* Adds n to a counter that the transport knows of (gaps, lost bytes). */
void intake_count(struct intake *in, enum counter counter, uint64_t n);

/*
 * Calls fn once for each interval in which something was counted since the
 * last time, in the order in which they began to be counted in, and forgets
 * it.
 */
void intake_take(struct intake *in,
    void (*fn)(void *ctx, const struct intake_cell *cell), void *ctx);

/*
 * Calls fn once for each file of which something was taken since the last time
 * and that the feed does not stand in any more, and forgets it. now_no: the
 * file that it stands in.
 */
void intake_take_files(struct intake *in, uint32_t now_no,
    void (*fn)(void *ctx, const struct position *position), void *ctx);

/* What was counted, whatever was taken; `taken` may begin with more. */
void intake_counted(const struct intake *in, struct counters *counters);

#endif
