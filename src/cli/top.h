/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How `ringtally top` is made: top_data.c brings documents, top_list.c orders
 * them, top_lines.c writes the pages that are text, top_draw.c puts all of it
 * on the screen, and top.c waits for keys, signals and the daemon.
 */
#ifndef RT_CLI_TOP_H
#define RT_CLI_TOP_H

#include "cli/top_data.h"
#include "cli/top_lines.h"
#include "cli/top_list.h"

enum top_page {
	TOP_QUEUES,
	TOP_SERVICES,
	TOP_FEEDS,
	TOP_LISTS,	       /* those before are lists */
	TOP_QUEUE = TOP_LISTS, /* one queue, with callers and agents */
	TOP_HELP,
	TOP_PAGES
};

struct top {
	struct top_data data;
	struct top_list lists[TOP_LISTS];
	struct top_lines lines; /* of the pages that are text */
	size_t line;		/* the first of them that is shown */
	enum top_page page;
	enum top_page back; /* where help was asked for */
	bool typing;	    /* a filter */
	bool quit;
	char *queue; /* of TOP_QUEUE */
};

/* What fills the page; NULL: a page that is no list. */
struct top_list *top_list_of(struct top *top);
/* The document whose time and sums head the page; NULL: not yet there. */
const json_t *top_head(const struct top *top);

/* Makes colours and such; once, after the terminal was opened. */
void top_draw_start(void);
void top_draw(struct top *top);
/* Rows of a list, or lines of a page, that fit into the terminal. */
size_t top_draw_height(const struct top *top);

#endif
