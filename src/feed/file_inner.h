/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the two halves of the transport `file` share: file.c follows the file
 * that is open, and tells the story of both; file_find.c says which one that
 * is to be, at the start, after a change, and after a rotation.
 */
#ifndef RT_FEED_FILE_INNER_H
#define RT_FEED_FILE_INNER_H

#include "feed/file_siblings.h"
#include "feed/file_tail.h"

struct file_watch;

struct file {
	const char *feed;
	char *path;
	int64_t poll_us;
	bool once;
	bool lines;  /* records are lines, and positions behind their ends */
	bool at_end; /* begin at the end of what is there at the first look */
	struct stage_upstream *up;
	struct file_watch *watch;
	struct timer *timer; /* the next look; always set until `done` */
	struct task *task;
	struct tail tail;
	struct finished finished;
	bool paused;
	bool idle;	       /* as was told upstream */
	bool done;	       /* --once has come to the end */
	bool watched;	       /* we have been at its end: nothing escaped us */
	bool check_head;       /* time to compare it */
	bool damaged;	       /* a compressed piece that was given up */
	bool stuck;	       /* what comes after it can not be had now */
	int64_t superseded_us; /* since when another file is there; 0: none */
	int64_t quiet_us;      /* nothing was written since, while superseded */
	int64_t nag_us;
	int64_t retry_us; /* do nothing before this moment */
	unsigned retries;
	struct piece left; /* the file that was open before, or none */
	int64_t left_at;   /* its size then */
	int64_t left_until_us;
	int said;	    /* errno of the trouble that was logged last */
	struct err trouble; /* why it can not go on now; "": it can */
};

/* Nothing more to do until something changes; with --once, for good. */
void file_wait(struct file *f);
/* Something does not work: says so once, and tries again later and later. */
void file_trouble(struct file *f, int error, const struct err *err);
/* Whatever did not work does again. */
void file_is_well(struct file *f);
/* A piece was given to the tail, which goes on in it; how: for the log. */
void file_opened(struct file *f, const char *how);
/* The open file is finished with: keeps an eye on it for a while. */
void file_leave(struct file *f);

/*
 * No file is open: opens that of our position, or what has taken its place,
 * and reports what was lost by that. Waits where there is none yet.
 */
void find_start(struct file *f);

/*
 * The open file is finished: goes to the next one. to_current: that may be
 * the one at the path. Returns false, and has done nothing, where there is no
 * other and it may not.
 */
bool find_next(struct file *f, bool to_current);

#endif
