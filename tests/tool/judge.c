/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * judge FORMAT [SECONDS]: what the format thinks of each line of standard
 * input, one line each: "taken", or "refused: why". SECONDS: when they came in,
 * as the transports stamp it; else not stamped.
 */
#include "base/base.h"
#include "base/utc.h"
#include "format/formats.h"

#include <err.h>

static void
judge_event(struct sink *sink, struct event *ev)
{
	(void)sink;
	/* what an event must hold, whatever stood in the record */
	BUG_ON(ev->kind == EVENT_NONE || ev->kind >= EVENT_KINDS);
	BUG_ON(ev->outcome >= OUTCOMES || ev->name.n == 0);
	BUG_ON(
	    ev->wait_ms < EVENT_UNKNOWN_MS || ev->talk_ms < EVENT_UNKNOWN_MS);
}

static void
judge_line(const struct stage *format, void *self, struct slice line,
    int64_t received_us)
{
	struct record record = {.bytes = line, .received_us = received_us};
	struct sink sink = {judge_event, NULL};
	const char *why = NULL;

	if (format->input(self, &record, &sink, &why) < 0)
		printf("refused: %s\n", why);
	else
		puts("taken");
}

int
main(int argc, char **argv)
{
	const struct stage *format = argc > 1 ? format_find(argv[1]) : NULL;
	struct stage_setup setup = {.feed = "judge"};
	int64_t seconds = 0;
	struct err err;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	void *self;

	if (format == NULL || argc > 3 ||
	    (argc == 3 && !slice_uint(slice_of(argv[2]), &seconds)))
		errx(2, "usage: judge FORMAT [SECONDS]");
	if (format->open(&self, &setup, &err) < 0)
		errx(1, "%s", err.text);
	while ((n = getline(&line, &cap, stdin)) > 0) {
		n -= line[n - 1] == '\n';
		judge_line(format, self, (struct slice){line, (size_t)n},
		    seconds * USEC_PER_SEC);
	}
	free(line);
	format->close(self, "done");
	return fflush(stdout) == 0 ? 0 : 1;
}
