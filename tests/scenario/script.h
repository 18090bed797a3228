/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scenarios: what a switch wrote, and what must come of it. README.md in
 * tests/scenario tells the language. A script is read once and then played in
 * each of enum script_mode, and in every order of its `permute` block; all of
 * it must end in the same figures.
 */
#ifndef RT_TESTS_SCRIPT_H
#define RT_TESTS_SCRIPT_H

#include "rig.h"

#define SCRIPT_WORDS   40
#define SCRIPT_PERMUTE 5 /* lines at most: 120 orders */

enum script_mode {
	SCRIPT_PLAIN,  /* as written */
	SCRIPT_CUT,    /* a cut after every line */
	SCRIPT_CRASH,  /* a cut and a crash after every line */
	SCRIPT_LOSE,   /* a crash after every line, a cut after each third */
	SCRIPT_BYTES,  /* byte by byte */
	SCRIPT_SEVENS, /* in pieces of 7 bytes, a cut after every fifth */
	SCRIPT_MODES
};

enum script_verb {
	SCRIPT_WRITE,
	SCRIPT_DO_CUT,
	SCRIPT_DO_CRASH,
	SCRIPT_ROTATE,
	SCRIPT_EXPECT
};

struct script_step {
	enum script_verb verb;
	unsigned line;		  /* of the script */
	struct strbuf bytes;	  /* WRITE */
	char *word[SCRIPT_WORDS]; /* EXPECT, unquoted, ends with NULL */
};

struct script {
	const char *path;
	struct rig_config config;
	struct script_step *steps;
	size_t n_steps;
	size_t permute_first, permute_count; /* steps; count 0: none */
	bool permuting; /* while it is read: within that block */
	int64_t day_us; /* while it is read: what @HH:MM:SS is added to */
	unsigned line;
	struct strbuf why; /* what failed: FILE:LINE: text */
};

/* False where the script itself is wrong: see why. */
bool script_read(struct script *s, const char *path);
void script_fini(struct script *s);

/* Plays it in all modes and orders. False at the first failure: see why. */
bool script_play(struct script *s);

/* "@12:00:03" or "@2026-10-25T00:59:58Z" as microseconds. */
bool script_time(const struct script *s, const char *text, int64_t *t_us);

/* One `expect`, with its words behind that word; false with the reason. */
bool expect_check(const struct script *s, struct rig *rig, char *const *word,
    struct strbuf *why);

#endif
