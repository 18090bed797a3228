/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The truth of a call centre that was played: its log, and what each queue's
 * interval must hold. Neither side sees anything of the other but the lines.
 */
#ifndef RT_TEST_PLAYED_H
#define RT_TEST_PLAYED_H

#include "base/base.h"
#include <setjmp.h>
#include <cmocka.h>

#include "base/strbuf.h"
#include "base/utc.h"
#include "call/intake.h"
#include "format/formats.h"
#include "sim/sim.h"

#define MONDAY_US (INT64_C(1795392000) * USEC_PER_SEC) /* 2026-11-23 */
#define HOUR_US	  (3600 * USEC_PER_SEC)

struct told {
	struct told *next;
	char queue[64];
	int64_t starts_s;
	struct sim_cell cell;
};

struct played {
	struct sim_sink sink;
	struct sim_config config;
	struct strbuf log;
	struct told *told; /* the last first */
	struct tally tally;
	struct machine machine;
};

void played_init(struct played *p);
/* Plays it: the log and the truth. */
void played_run(struct played *p);
/* A tally and a machine, of so many feeds. */
void played_start(struct played *p, unsigned n_feeds);
/* What the tally holds is the truth. */
void played_compare(struct played *p);
void played_fini(struct played *p);

#endif
