/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bench for the transport `directory`: a real loop, and real folders below
 * one of its own, which is the current one. Whatever is dropped, and wherever
 * the process ends, each line of each file comes once and in order.
 *
 * The bench is a store of one file: what came since the last commit is lost
 * with the process, as in life. A commit keeps the position, how much of the
 * output is sure and how often something was reported as lost, in one rename.
 */
#ifndef RT_TEST_DIRECTORY_HARNESS_H
#define RT_TEST_DIRECTORY_HARNESS_H

#include "base/base.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <cmocka.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "event/framer.h"
#include "feed/transports.h"
#include "io/loop.h"

#define PATIENCE_US (10 * USEC_PER_SEC)
#define HOME	    "in/.ringtally/test"

/* As in directory.c, by the offsets that its option rows tell. */
union options {
	max_align_t align;
	char bytes[256];
};

struct commit {
	struct position position;
	size_t bytes; /* of the output */
	int losses;
};

struct bench {
	struct stage_upstream up; /* first: upstream finds us by it */
	struct loop *loop;
	struct timer *tick;
	void *self;
	union options options;
	enum framing framing;
	struct framer framer;
	uint32_t file_no;
	struct strbuf out; /* all that came */
	struct commit now, kept;
	bool idle, once, hold; /* hold: nothing is committed */
	bool pause_next;
	int left; /* files that are to stay in the folder */
	size_t until_bytes;
	int failures;
	int64_t deadline_us;
	bool (*until)(struct bench *b);
};

/* What the system does to us; nothing again with each new test. */
struct bench_faults {
	int steps;	  /* calls that change something on the disk */
	int die_at;	  /* the number of the one to end at; 0: none */
	bool die_after;	  /* behind it, not before it */
	int fail_renames; /* so many ... */
	int fail_with;	  /* ... with this errno */
	bool no_inotify;
	int later_s; /* the monotonic clock is ahead by that */
};
extern struct bench_faults faults;

#define BENCH_TEST(name) \
	cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)

/* Options by their names; then a start from what was committed. */
/* All comes that was expected, nothing else, and all is put away. */
void bench_expect(struct bench *b, const char *want);
bool bench_is_over(struct bench *b);
void *bench_option(struct bench *b, const char *name);
void bench_restart(struct bench *b);
void bench_save(const struct bench *b);
void bench_set_choice(struct bench *b, const char *name, int v);
void bench_set_int(struct bench *b, const char *name, int64_t v);
void bench_set_text(struct bench *b, const char *name, const char *text);
int bench_set_up(void **state);
void bench_close(struct bench *b);
/* How many files and folders that are not hidden. */
int bench_count(const char *folder);
void bench_start(struct bench *b);
int bench_tear_down(void **state);
int bench_try_open(struct bench *b, struct err *err);
void
bench_turn(struct bench *b, bool (*until)(struct bench *b), int64_t at_most_us);
void drop(const char *name, const char *text);
void drop_bytes(const char *name, const char *bytes, size_t n);
void drop_gzip(const char *name, const char *text, size_t less);
void set_age(const char *name, int seconds);
bool there_is(const char *path);
/* The loop and its tick, anew in a process of its own. */
void bench_make_loop(struct bench *b);
/* RINGTALLY_SLOW: each test in its full form. */
bool bench_is_slow(void);
/* RT_VERBOSE shows the log, RT_ONLY=PATTERN runs some of the tests. */
void bench_begin(void);

#endif
