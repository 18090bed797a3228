/* SPDX-License-Identifier: BSD-2-Clause */
/* A progress bar on standard error, where that is a terminal; else nothing. */
#ifndef RT_CLI_PROGRESS_H
#define RT_CLI_PROGRESS_H

#include "base/base.h"

struct progress {
	const char *what; /* "reading queue_log" */
	uint64_t total;	  /* 0: unknown */
	uint64_t done;
	int64_t started_us, shown_us;
	bool on;
};

void progress_start(struct progress *p, const char *what, uint64_t total);
/* Cheap: draws at most ten times a second. */
void progress_at(struct progress *p, uint64_t done);
/* Wipes the bar until it is drawn again, for a line of text. */
void progress_clear(struct progress *p);
void progress_end(struct progress *p); /* wipes the bar */

#endif
