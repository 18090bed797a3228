/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a command that reads logs is told of them by -O NAME=VALUE: the options
 * that the feed of such a log would have in the configuration, as far as they
 * say what the records mean.
 */
#ifndef RT_CLI_FEEDOPTS_H
#define RT_CLI_FEEDOPTS_H

#include "call/intake.h"
#include "conf.h"

#define FEEDOPTS_MAX 32

struct feedopts {
	const char *said[FEEDOPTS_MAX]; /* of argv */
	unsigned n;
	struct conf_feed feed;
};

/* Starts as {.n = 0}. False: too many. */
bool feedopts_say(struct feedopts *o, const char *said);
/* Once the format is known. Returns -1 with what is wrong. */
int
feedopts_apply(struct feedopts *o, const struct stage *format, struct err *err);
void feedopts_fini(struct feedopts *o);

/* What the format is opened with. */
struct stage_setup feedopts_setup(const struct feedopts *o, const char *name);

#endif
