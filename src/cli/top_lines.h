/* SPDX-License-Identifier: BSD-2-Clause */
/* The pages of `ringtally top` that are lines of text: a queue, and help. */
#ifndef RT_CLI_TOP_LINES_H
#define RT_CLI_TOP_LINES_H

#include <jansson.h>

#include "base/strbuf.h"

enum top_look {
	TOP_PLAIN,
	TOP_HEADING,
	TOP_GREEN,
	TOP_AMBER,
	TOP_RED,
	TOP_DULL, /* of no consequence now */
	TOP_LOOKS
};

struct top_line {
	enum top_look look;
	char *text; /* clean */
};

struct top_lines {
	struct top_line *v;
	size_t n, cap;
};

void top_lines_reset(struct top_lines *lines);
void top_lines_fini(struct top_lines *lines);

/* Any document may be NULL: not yet there. */
void top_lines_queue(struct top_lines *lines, const char *queue,
    const json_t *snapshot, const json_t *calls, const json_t *agents);
void top_lines_help(struct top_lines *lines);

/* How trouble looks. */
enum top_look top_look_of_status(const char *status);

/*
 * "12:00:03" of an ISO 8601 time in the zone of the process; a dash where it
 * is none.
 */
const char *top_clock(char *buffer, size_t size, const char *iso);
#define TOP_CLOCK_MAX 16

#endif
