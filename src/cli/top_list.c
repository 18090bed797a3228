/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "cli/top_list.h"

#define TOP_NAME_MAX 40 /* columns; what is left over stays empty */

void
top_list_init(
    struct top_list *list, const char *key, const char *sort, bool down)
{
	*list = (struct top_list){.key = key,
	    .down = down,
	    .filter = STRBUF_INIT,
	    .chosen_key = STRBUF_INIT};
	snprintf(list->sort, sizeof(list->sort), "%s", sort);
}

void
top_list_empty(struct top_list *list)
{
	free(list->rows);
	list->rows = NULL;
	list->n = list->items = 0;
}

void
top_list_fini(struct top_list *list)
{
	top_list_empty(list);
	strbuf_fini(&list->filter);
	strbuf_fini(&list->chosen_key);
}

/* --- the filter ---------------------------------------------------------- */

bool
top_list_matches(const struct top_list *list, const json_t *item)
{
	const char *wanted = strbuf_str(&list->filter);
	struct column_value value;
	size_t i;

	if (wanted[0] == '\0')
		return true;
	for (i = 0; i < list->columns.n; i++) {
		value = column_value(&list->columns.v[i], item);
		if (value.text != NULL &&
		    strcasestr(value.text, wanted) != NULL)
			return true;
	}
	return false;
}

/* --- the order ----------------------------------------------------------- */

static size_t
top_list_sort_index(const struct top_list *list)
{
	size_t i;

	for (i = 0; i < list->columns.n; i++)
		if (strcmp(list->columns.v[i].name, list->sort) == 0)
			return i;
	return 0;
}

const struct column *
top_list_sorted_by(const struct top_list *list)
{
	return &list->columns.v[top_list_sort_index(list)];
}

void
top_list_sort_by(struct top_list *list, int step)
{
	size_t n = list->columns.n;
	size_t to = (top_list_sort_index(list) + n + (size_t)step) % n;

	snprintf(
	    list->sort, sizeof(list->sort), "%s", list->columns.v[to].name);
	list->down = list->columns.v[to].kind != COLUMN_TEXT;
}

/* Of equals, names decide: rows must not dance from one second to the next. */
static int
top_list_compare(const void *a, const void *b, void *ctx)
{
	const struct top_list *list = ctx;
	const struct columns *columns = &list->columns;
	const json_t *x = *(const json_t *const *)a;
	const json_t *y = *(const json_t *const *)b;
	int order = column_compare(top_list_sorted_by(list), x, y, list->down);
	size_t i;

	for (i = 0; order == 0 && i < columns->n; i++)
		if (columns->v[i].kind == COLUMN_TEXT)
			order = column_compare(&columns->v[i], x, y, false);
	return order;
}

/* --- the cursor ---------------------------------------------------------- */

static void
top_list_key(const struct top_list *list, const json_t *item, struct strbuf *to)
{
	const char *name = json_string_value(json_object_get(item, list->key));
	const char *sw = json_string_value(json_object_get(item, "switch"));

	strbuf_reset(to);
	strbuf_adds(to, name != NULL ? name : "");
	strbuf_addc(to, '\n'); /* stands in no name */
	strbuf_adds(to, sw != NULL ? sw : "");
}

/* Back to the item that was chosen, or near to where it was. */
static void
top_list_find_chosen(struct top_list *list)
{
	struct strbuf key = STRBUF_INIT;
	size_t i;

	for (i = 0; i < list->n && list->chosen_key.n > 0; i++) {
		top_list_key(list, list->rows[i], &key);
		if (strcmp(key.p, list->chosen_key.p) == 0)
			break;
	}
	if (list->chosen_key.n > 0 && i < list->n)
		list->chosen = i;
	else
		list->chosen =
		    RT_MIN(list->chosen, list->n > 0 ? list->n - 1 : 0);
	strbuf_fini(&key);
}

void
top_list_move(struct top_list *list, long by, size_t height)
{
	long to = (long)list->chosen + by;

	if (list->n == 0)
		return;
	to = RT_MIN(to, (long)list->n - 1);
	list->chosen = (size_t)RT_MAX(to, 0L);
	top_list_key(list, list->rows[list->chosen], &list->chosen_key);
	top_list_scroll(list, height);
}

void
top_list_scroll(struct top_list *list, size_t height)
{
	size_t last = list->n > height ? list->n - height : 0;

	if (list->chosen < list->offset)
		list->offset = list->chosen;
	if (height > 0 && list->chosen >= list->offset + height)
		list->offset = list->chosen - height + 1;
	list->offset = RT_MIN(list->offset, last);
}

const json_t *
top_list_chosen(const struct top_list *list)
{
	return list->chosen < list->n ? list->rows[list->chosen] : NULL;
}

void
top_list_fill(struct top_list *list, const json_t *items)
{
	size_t i;
	const json_t *item;

	list->items = json_array_size(items);
	list->rows =
	    mem_realloc(list->rows, list->items + 1, sizeof(*list->rows));
	list->n = 0;
	for (i = 0; i < list->items; i++) {
		item = json_array_get(items, i);
		if (top_list_matches(list, item))
			list->rows[list->n++] = item;
	}
	qsort_r(
	    list->rows, list->n, sizeof(*list->rows), top_list_compare, list);
	top_list_find_chosen(list);
}

/* --- what fits ----------------------------------------------------------- */

/* Marks columns by rank while there is room; the first one is the name. */
static size_t
top_list_choose(const struct top_list *list, bool *shown, size_t room)
{
	const struct columns *columns = &list->columns;
	size_t sorted = top_list_sort_index(list), used, i;
	unsigned rank;

	used = columns->v[0].width;
	shown[0] = shown[sorted] = true;
	if (sorted != 0)
		used += columns->v[sorted].width + 1u;
	for (rank = 0; rank <= UINT8_MAX; rank++)
		for (i = 0; i < columns->n; i++) {
			if (columns->v[i].rank != rank || shown[i] ||
			    used + columns->v[i].width + 1u > room)
				continue;
			shown[i] = true;
			used += columns->v[i].width + 1u;
		}
	return used;
}

void
top_list_layout(
    const struct top_list *list, struct top_layout *layout, size_t room)
{
	bool shown[COLUMNS_MAX] = {false};
	size_t used = top_list_choose(list, shown, room), spare, i;

	layout->n = 0;
	for (i = 0; i < list->columns.n; i++) {
		if (!shown[i])
			continue;
		layout->column[layout->n] = &list->columns.v[i];
		layout->width[layout->n++] = list->columns.v[i].width;
	}
	spare = room > used ? room - used : 0;
	layout->width[0] +=
	    RT_MIN(spare, TOP_NAME_MAX - (size_t)list->columns.v[0].width);
}
