/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The query of an address: "queue=ctax&queue=housing%20%26%20more". Names the
 * same parameter again and again for a list.
 */
#ifndef RT_SERVE_QUERY_H
#define RT_SERVE_QUERY_H

#include "base/err.h"
#include "base/slice.h"
#include "base/strbuf.h"
#include "serve/view.h"

struct query {
	const char *queues[VIEW_FILTERS_MAX + 1];
	const char *services[VIEW_FILTERS_MAX + 1];
	const char *switches[VIEW_FILTERS_MAX + 1];
	struct view_filter filter; /* of the lists that have a name */
	char *text;		   /* what the names point into */
};

/*
 * Takes queue, service and switch; anything else, what is not UTF-8 and too
 * many names are refused with the reason. text: without "?", may be NULL. To be
 * freed with query_fini when it returns 0.
 */
int query_parse(struct query *query, const char *text, struct err *err);
void query_fini(struct query *query);
/* Takes over what is in from; its lists point into the struct itself. */
void query_move(struct query *to, struct query *from);
/* All of it, in one form: equal filters have equal keys. */
void query_key(const struct query *query, struct strbuf *key);

#endif
