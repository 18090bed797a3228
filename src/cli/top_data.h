/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where `ringtally top` has its documents from: it asks the daemon each second
 * for those that the page needs, connects again when the daemon went away, and
 * knows how old each document is. It never blocks.
 */
#ifndef RT_CLI_TOP_DATA_H
#define RT_CLI_TOP_DATA_H

#include <jansson.h>

#include "cli/client.h"
#include "cli/source.h"

#define TOP_EVERY_US (USEC_PER_SEC)
/* What is older than this is not the present any more. */
#define TOP_OLD_US (3 * USEC_PER_SEC)

enum top_doc {
	TOP_DOC_ALL, /* the snapshot of all queues and services */
	TOP_DOC_FEEDS,
	TOP_DOC_QUEUE, /* the snapshot of one queue, and what else of it */
	TOP_DOC_CALLS,
	TOP_DOC_AGENTS,
	TOP_DOCS
};

struct top_data {
	const struct source *source;
	struct client *client;
	struct {
		json_t *json;
		int64_t asked_us; /* it is as of then, or a moment later */
	} docs[TOP_DOCS];
	unsigned wanted;     /* bits, 1 << enum top_doc */
	struct strbuf queue; /* filters of the one queue, as in a request */
	enum top_doc asking; /* what the pending request is for */
	int64_t asked_us, round_us, tried_us;
	bool all_asked;	   /* of this round */
	char problem[600]; /* why nothing new comes; empty: it does */
	uint64_t changes;  /* goes up with each document and problem */
};

void top_data_init(struct top_data *data, const struct source *source);
void top_data_fini(struct top_data *data);

/* Connects; for the first time, where a failure ends the program. */
int top_data_open(struct top_data *data, struct err *err);

/* Which documents are needed from now on; they are asked for at once. */
void top_data_want(struct top_data *data, unsigned docs);
/* The queue of the last three; what was known of another one goes. */
void top_data_choose(struct top_data *data, const char *sw, const char *queue);

/* What is to be done by now. Returns the time until the next call. */
int64_t top_data_run(struct top_data *data);

/* NULL: not yet there. */
const json_t *top_data_doc(const struct top_data *data, enum top_doc doc);
/* The age of the oldest document that is wanted; INT64_MAX: one is missing. */
int64_t top_data_age_us(const struct top_data *data);

#endif
