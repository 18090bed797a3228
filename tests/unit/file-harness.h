/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bench for the transport `file`: a real loop, and real files in a folder
 * of its own, which is the current one. Whatever is done to the log, each of
 * its lines comes once and in order.
 *
 * The lines are numbered. rig_write appends the next ones to a file and
 * remembers them as expected; rig_expect turns the loop until as many came,
 * and compares all of them.
 */
#ifndef RT_TEST_FILE_HARNESS_H
#define RT_TEST_FILE_HARNESS_H

#include "base/base.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "event/framer.h"
#include "feed/transports.h"

#define PATIENCE_US (10 * USEC_PER_SEC)

struct rig {
	struct stage_upstream up; /* first: upstream finds us by it */
	struct loop *loop;
	struct timer *tick;
	void *file;
	int64_t poll_ms;
	struct position from;
	struct framer framer;
	uint32_t file_no; /* of the framer's state */
	struct strbuf got, want;
	size_t lines;	/* that came */
	unsigned wrote; /* number of the next line */
	bool idle, once, at_end;
	int idles; /* times it became idle */
	int losses;
	int64_t lost;
	char why[512]; /* the last loss */
	int failures;  /* times that --once was told it can not end well */
	int stands;    /* times that its status changed */
	int64_t deadline_us;
	size_t until_lines;
	bool until_idle;
	size_t pause_after; /* refuse everything and pause at so many lines */
};

/* What the system does to us; nothing again when a test has ended. */
struct rig_faults {
	int reads;	    /* so many calls of pread fail ... */
	int reads_with;	    /* ... with this errno */
	size_t short_reads; /* every other read gives no more; 0: all it can */
	bool no_inotify, no_watches; /* the system has none left */
};
extern struct rig_faults rig_faults;

/* A test with a rig and a folder of its own; main begins with rig_begin. */
#define RIG_TEST(name) \
	cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
int rig_set_up(void **state);
int rig_tear_down(void **state);
/* RT_VERBOSE shows the log, RT_ONLY=PATTERN runs some of the tests. */
void rig_begin(void);
/* RINGTALLY_SLOW: each test in its full form. */
bool rig_slow(void);

/* Starts at the position kept, or at none; on "log", or on another path. */
void rig_start(struct rig *rig);
int rig_try_start(struct rig *rig, const char *path, struct err *err);
/* Keeps the position, as a commit would. */
void rig_stop(struct rig *rig);
/* Why it can not go on now; "": it can. */
const char *rig_trouble(struct rig *rig);

/* Turns the loop for so long, or until lines and idleness are reached. */
void rig_turn(struct rig *rig, size_t lines, bool idle, int64_t at_most_us);
/* The same for so many times poll_ms, whatever comes. */
void rig_turn_polls(struct rig *rig, double polls);
/* All that was expected came, nothing else, and the feed is idle. */
void rig_expect(struct rig *rig);

/* Appends n numbered lines; expected, unless told otherwise. */
void rig_write_fd(struct rig *rig, int fd, unsigned n, bool expected);
void rig_write(struct rig *rig, const char *path, unsigned n);
/* Appends these bytes; what is expected of them the test says. */
void rig_raw(const char *path, const char *bytes, size_t n);
void rig_put(const char *path, const char *text);

void rig_copy(const char *from, const char *to);
/* As gzip does: FILE to FILE.gz, with its times. */
void rig_gzip(const char *path, bool keep);
/* Times between pieces, as they are in life. */
void rig_age(const char *path, int seconds);

#endif
