/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the two halves of the transport `directory` share: directory.c finds
 * files and says which one comes next, and tells the story of both;
 * directory_file.c deals with the one in hand, and puts away those that were
 * dealt with.
 */
#ifndef RT_FEED_DIRECTORY_INNER_H
#define RT_FEED_DIRECTORY_INNER_H

#include "base/log.h"
#include "feed/directory_check.h"
#include "feed/directory_look.h"
#include "feed/directory_work.h"
#include "feed/file_tail.h"

struct file_watch;

#define DIRECTORY_MARKS	   16
#define DIRECTORY_RETRY_US (100 * USEC_PER_MSEC) /* doubled each time ... */
#define DIRECTORY_TRIES	   8 /* then --once, or a file, is given up */

enum directory_after { DIRECTORY_KEEP, DIRECTORY_DELETE };
enum directory_again { DIRECTORY_SKIP, DIRECTORY_COUNT };

enum directory_phase {
	PHASE_CLOSED,  /* the folder is not open, or not ours */
	PHASE_NONE,    /* no file is in hand */
	PHASE_CHECK,   /* the first reading */
	PHASE_CHECKED, /* what the first reading told is to be acted on */
	PHASE_BEGIN,   /* to be opened */
	PHASE_READ     /* handing over */
};

/* A file that was dealt with; it goes when the position is committed. */
struct finished {
	struct claim claim;
	int64_t end;  /* the offset that must be committed */
	int64_t size; /* as it is stored; -1: of no interest */
	enum fate fate;
};

struct directory {
	const char *feed;
	char *folder, *watched;
	char **include, **exclude;
	struct look_rules rules;
	enum directory_after after;
	enum directory_again again;
	size_t remember;
	int64_t poll_us;
	int64_t most; /* bytes of a file; 0: any */
	bool once;
	struct stage_upstream *up;
	struct file_watch *watch;
	struct timer *timer; /* the next look; always set until `done` */
	struct task *task;

	enum directory_phase phase;
	struct work work;
	struct look *look;
	struct claims claims; /* claimed and still to be read: from `at` on */
	size_t at;
	struct claim current;
	struct check check;
	struct tail tail;      /* its position is ours */
	struct timespec mtime; /* of the file in hand, when last looked at */
	struct position committed;
	struct finished *finished; /* from `put` on */
	size_t n_finished, cap_finished, put;

	bool paused, idle, done;
	bool hint;     /* something may be new in the folder */
	bool unsynced; /* some claims are not on the disk yet */
	int64_t look_began_us, look_not_before_us;
	int64_t retry_us; /* do nothing before this moment */
	unsigned retries;
	int said; /* errno of the trouble that was logged last */
	struct log_limit limit;
	char trouble[512]; /* empty: none */
	int64_t since_us, heard_us;
	uint64_t refused, repeated; /* since the start */

	/* committed numbers, and when: for deleting them later */
	struct {
		uint32_t upto;
		int64_t at_us;
	} mark[DIRECTORY_MARKS];
	unsigned n_marks;
};

/* directory.c */
void directory_set_idle(struct directory *d, bool idle);
/* Something does not work: says so once, and tries again later and later. */
void directory_trouble(struct directory *d, int error, const struct err *err);
void directory_is_well(struct directory *d);

/* directory_file.c */
/* Puts away what is committed. False: it did not work. */
bool directory_put_away(struct directory *d);
bool
directory_is_committed(const struct directory *d, const struct finished *f);
/* Remembers that files up to that number may be deleted some time later. */
void directory_mark(struct directory *d, uint32_t upto);
void directory_delete(struct directory *d);
/* Takes the file in hand, current, as the first thing to do with it. */
void directory_take_on(struct directory *d);
/* Goes on with the file in hand, as its phase says. */
void directory_file_turn(struct directory *d);

#endif
