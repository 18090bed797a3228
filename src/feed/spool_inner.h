/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the spool share, and nobody else sees; see spool.h. */
#ifndef RT_FEED_SPOOL_INNER_H
#define RT_FEED_SPOOL_INNER_H

#include "base/log.h"
#include "event/record.h"
#include "feed/spool.h"
#include "feed/spool_format.h"
#include "feed/spool_mark.h"
#include "feed/spool_sync.h"
#include "io/loop.h"

#define SPOOL_LOCK "lock" /* the file in the folder: flock, and the mark */

/* A segment that holds durable entries. */
struct segment {
	uint32_t no;
	uint64_t first; /* number of its first entry ... */
	uint64_t after; /* ... and of the one behind its last */
	uint64_t seed;
	int64_t end; /* bytes */
	int64_t begun_us;
	uint32_t format; /* see struct segment_head */
	bool unreadable; /* its head is damaged: nothing can be checked */
};

/* All of them, in order. */
struct segments {
	const char *folder; /* for messages */
	int fd;		    /* of the folder */
	struct segment *v;
	size_t n, cap;
	int64_t bytes;
};

/* What a scan of a folder finds beside the segments. */
struct found {
	uint32_t last_no;   /* highest number of a file; 0: none */
	uint64_t number;    /* of the next entry; 0: not known */
	uint32_t sources;   /* highest number of a source */
	uint64_t id;	    /* of the spool; 0: not known */
	uint32_t empty;	    /* a segment without an entry; 0: none */
	struct record last; /* the newest record; kind, source and time */
	bool has_last;
};

/* --- spool_segment.c ------------------------------------------------------ */

/* Opens a segment for reading. Returns -1 with errno. */
int segment_open(const struct segments *all, const struct segment *seg);
/* Lists what stands in the folder, by its heads, and changes nothing. */
int segment_peek(struct segments *all, struct found *found, struct err *err);
/* The first of those with this number or a higher one; n: none. */
size_t segment_find(const struct segments *all, uint32_t no);
void segment_add(struct segments *all, const struct segment *seg);
/* Deletes the file of the first one, and forgets it. */
void segment_drop_first(struct segments *all);
/* Deletes the file of one that is not listed, if it is there. */
void segment_unlink(const struct segments *all, uint32_t no);
/* Deletes all files from that number on, also those that are not listed. */
void segment_drop_from(const struct segments *all, uint32_t no);
/*
 * Lists what stands in the folder, and cuts the last one off behind its last
 * good entry. Segments without an entry are not listed, and deleted, but for
 * found->empty: where all before it was committed and deleted, it alone says
 * which spool it is and how its entries are numbered. It can go once there is a
 * newer one, and this run has taken the folder over for good.
 */
int segment_scan(struct segments *all, struct found *found, struct err *err);

/* --- spool_read.c --------------------------------------------------------- */

struct reader {
	uint32_t no;	 /* of the segment read from; 0: none yet */
	int64_t at;	 /* of the entry to be read next ... */
	uint64_t number; /* ... and its number; 0: whichever comes */
	int64_t skipped; /* bytes of no sense before `at` */
	bool can_back;
	int64_t back_at; /* of the one given last */
	uint64_t back_number;

	int fd; /* -1: not open */
	uint32_t fd_no;
	char *buf; /* bytes [buf_at, buf_at + buf_n) of it */
	size_t cap, buf_n;
	int64_t buf_at;
	int error; /* of a read that failed; 0: all is well */
	unsigned tries;
};

void reader_init(struct reader *r, const struct position *from);
void reader_fini(struct reader *r);
/* Closes its file, which may be deleted then, and keeps its place. */
void reader_close(struct reader *r);
/*
 * Makes the bytes of seg at r->at available, n of them or as many as there
 * are up to seg->end. Returns how many, with *to at them; -1 with errno.
 */
ssize_t reader_load(struct reader *r, const struct segments *all,
    const struct segment *seg, size_t n, const char **to);
/*
 * What stands at r->at: see entry_get; ENTRY_SHORT where the segment ends.
 * Returns -1, with errno, where the disk says no.
 */
int reader_look(struct reader *r, const struct segments *all,
    const struct segment *seg, struct entry_head *head, const char **bytes);
/*
 * Goes on to the next good entry behind damage, with a number from `least` on
 * and below `below`, or to the segment's end. Returns -1 with errno.
 */
int reader_seek(struct reader *r, const struct segments *all,
    const struct segment *seg, uint64_t least, uint64_t below);

/* --- the spool ------------------------------------------------------------ */

struct spool {
	char *feed, *folder;
	struct spool_config config;
	const struct spool_ops *ops;
	void *ctx;
	int lock_fd;
	struct segments segments;
	struct reader reader;
	struct sync *sync;
	struct watch *watch;
	struct timer *timer;
	struct found found; /* at the start */

	uint64_t seed;		/* of the segments of this run */
	uint64_t id;		/* see struct segment_head */
	uint32_t first_no;	/* of the first segment of this run ... */
	uint64_t first_number;	/* ... and its first record */
	uint32_t newest;	/* durable segment, with entries or without */
	int64_t newest_us;	/* begun: by the monotonic clock ... */
	int64_t newest_wall_us; /* ... and by the other */
	bool reading;		/* it is known where the reader is */
	bool resumed;		/* it was, once */
	struct spool_dropped dropped; /* as the folder says; beyond the mark */
	bool drop_said;		      /* the log knows of it */
	uint32_t format;	      /* see struct segment_head */
	bool format_said;	      /* the log knows of another one */
	struct spool_mark mark; /* what was committed, as the folder says */
	uint64_t number;	/* of the next record to be appended */
	uint64_t synced;	/* all records before this one are durable */
	int64_t unsynced;	/* bytes appended and not yet durable */
	struct sync_state state;
	bool wants_room;   /* an append was refused */
	bool takes_all;	   /* it is about to be closed */
	char trouble[320]; /* "": all is well */
	bool gone;	   /* no segments, though figures were committed */
	char path[STAGE_PATH_MAX]; /* of the segment path_no */
	size_t path_n;		   /* its bytes, with the end */
	uint32_t path_no;
};

#endif
