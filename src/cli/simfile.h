/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where `ringtally sim` writes: the log with its rotation, and the truth.
 *
 * The first failure is kept in `err`, all later output is dropped, and
 * simfile_close tells it.
 */
#ifndef RT_CLI_SIMFILE_H
#define RT_CLI_SIMFILE_H

#include "base/err.h"
#include "base/strbuf.h"
#include "sim/sim.h"

/*
 * How a log is turned over after so many lines. The pieces are FILE.1 (the
 * newest), FILE.2 ... as logrotate names them.
 */
enum simfile_rotate {
	SIMFILE_RENAME, /* one line still goes to the renamed file */
	SIMFILE_COPYTRUNCATE,
	SIMFILE_GZIP /* renamed, then compressed as FILE.1.gz */
};

struct simfile_config {
	const char *log;       /* appended to; NULL: standard output */
	uint64_t rotate_after; /* lines; 0: never */
	enum simfile_rotate rotate;
	const char *truth;  /* or NULL */
	const char *visits; /* or NULL */
	bool prompt;	    /* one write() for each line, at once */
};

struct simfile {
	struct sim_sink sink; /* what sim_new wants */
	struct simfile_config config;
	struct strbuf held; /* not yet written */
	FILE *truth, *visits;
	uint64_t lines; /* in the present piece */
	unsigned pieces;
	int fd;
	bool renamed; /* the log is FILE.1 by now */
	bool failed;
	struct err err;
};

int simfile_open(
    struct simfile *f, const struct simfile_config *config, struct err *err);
/* Writes what is held. -1 with the first reason if anything failed. */
int simfile_close(struct simfile *f, struct err *err);

#endif
