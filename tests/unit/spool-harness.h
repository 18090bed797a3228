/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bench for the spool: a real loop, and real files in a folder of its own,
 * "spool" in the current one.
 *
 * Records are numbered from 0 on, and their bytes follow from their number.
 * What is read must come in order, each record once; how many were passed over
 * is counted (rig.missing), to be compared with what the spool said was lost.
 */
#ifndef RT_TEST_SPOOL_HARNESS_H
#define RT_TEST_SPOOL_HARNESS_H

#include "base/base.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "event/record.h"
#include "feed/spool.h"
#include "feed/spool_format.h"
#include "io/loop.h"

#define PATIENCE_US (60 * USEC_PER_SEC)
#define RIG_MIB	    (1024 * 1024)

struct rig {
	int pid; /* of the test: a child must not end it */
	struct loop *loop;
	struct timer *tick;
	int64_t deadline_us;
	bool (*until)(struct rig *rig);

	struct spool_config config;
	struct spool *spool;
	struct position from; /* as committed last */
	unsigned added;	      /* records appended since the start */
	uint64_t number;      /* of the one appended last in this run ... */
	uint64_t highest;     /* ... or in any */
	uint64_t synced;
	unsigned read;	  /* the next record that is expected */
	unsigned missing; /* were passed over */
	int rooms;
	int losses;
	uint64_t lost; /* records, as the spool counts them */
	int64_t lost_bytes;
	enum stage_loss loss; /* the last one */
};

/*
 * What the system does to us: so many calls fail with that errno. Nothing
 * again when a test has ended.
 */
struct rig_fault {
	_Atomic int calls;
	_Atomic int with;
	_Atomic int spare; /* so many calls go well before */
};

struct rig_faults {
	struct rig_fault datasync, sync, write, read, truncate;
	_Atomic int short_writes; /* so many of them write a half */
	_Atomic int64_t room;	  /* of all files together; 0: any */
};
extern struct rig_faults rig_faults;

/* Where the folders are made, if it is there; otherwise, and by default /tmp.
 */
extern const char *rig_home;

#define RIG_TEST(name) \
	cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
int rig_set_up(void **state);
int rig_tear_down(void **state);
/* RT_VERBOSE shows the log, RT_ONLY=PATTERN runs some of the tests. */
void rig_begin(void);
/* RINGTALLY_SLOW: each test in its full form. */
bool rig_slow(void);

/* Opens at the position kept. */
void rig_start(struct rig *rig);
/* Opens without one; rig_resume tells it. */
void rig_start_early(struct rig *rig);
void rig_resume(struct rig *rig);
void rig_stop(struct rig *rig);
/* Keeps the position, and tells the spool that it is committed. */
void rig_commit(struct rig *rig);

/* In a child: a loop of its own. */
void rig_forked(struct rig *rig);

/* The record of that number; lent until the next call. */
struct record rig_record(unsigned i);
/* Appends up to n records; returns how many were taken. */
unsigned rig_append(struct rig *rig, unsigned n);
/* Turns the loop until all of them are durable. */
void rig_sync(struct rig *rig);
/* Turns the loop until that holds. */
void rig_turn(struct rig *rig, bool (*until)(struct rig *rig));
/* Turns the loop for so long. */
void rig_turn_for(struct rig *rig, int64_t us);
/* Reads up to n records; returns how many came. */
unsigned rig_read(struct rig *rig, unsigned n);
/* Reads all, and expects to have seen each record once, but for `lost`. */
void rig_expect_all(struct rig *rig);

/* --- files in the spool's folder */
/* Numbers of the segments there are, in order; returns how many. */
unsigned rig_segments(uint32_t *no, unsigned max);
const char *rig_segment_path(uint32_t no);
int64_t rig_size(const char *path);
/* Turns one bit of a file. */
void rig_flip(const char *path, int64_t byte, int bit);
void rig_copy_folder(const char *from, const char *to);
void rig_remove_folder(const char *path);

#endif
