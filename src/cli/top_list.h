/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A list of `ringtally top`: the items of a document, those that the filter
 * leaves, in the order of a column. The chosen row stays with its item when
 * the next document brings another order. No terminal in here.
 */
#ifndef RT_CLI_TOP_LIST_H
#define RT_CLI_TOP_LIST_H

#include "base/strbuf.h"
#include "cli/column.h"

struct top_list {
	const char *key; /* what an item is called by, and its switch */
	struct columns columns;
	char sort[32];	       /* name of the column */
	bool down;	       /* the most first */
	struct strbuf filter;  /* what was typed */
	const json_t **rows;   /* of the document given last */
	size_t n, items;       /* rows; and how many without the filter */
	size_t chosen, offset; /* rows: under the cursor; the first shown */
	struct strbuf chosen_key;
};

/* sort: the name of the column that is sorted by at first. */
void top_list_init(
    struct top_list *list, const char *key, const char *sort, bool down);
void top_list_fini(struct top_list *list);

/* New items, or another filter or order; they live as long as the rows. */
void top_list_fill(struct top_list *list, const json_t *items);
/* The document is gone. */
void top_list_empty(struct top_list *list);

/* To the next (1) or previous (-1) column; each begins its natural way. */
void top_list_sort_by(struct top_list *list, int step);
const struct column *top_list_sorted_by(const struct top_list *list);
/* Moves the cursor; height: the rows that can be seen. */
void top_list_move(struct top_list *list, long by, size_t height);
/* NULL: there is none. */
const json_t *top_list_chosen(const struct top_list *list);
/* Sees to it that the chosen row is among those that can be seen. */
void top_list_scroll(struct top_list *list, size_t height);

/* Whether any text of the item holds the filter, whatever the case. */
bool top_list_matches(const struct top_list *list, const json_t *item);

/* Which columns fit, from left to right, and how wide each is. */
struct top_layout {
	const struct column *column[COLUMNS_MAX];
	size_t width[COLUMNS_MAX];
	size_t n;
};
void top_list_layout(
    const struct top_list *list, struct top_layout *layout, size_t columns);

#endif
