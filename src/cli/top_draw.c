/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <curses.h>

#include "base/utc.h"
#include "cli/text.h"
#include "cli/top.h"

/*
 * From above: title, sums, state, then a list's heads and its rows, or lines;
 * at the bottom, the keys or what is typed.
 */
#define TOP_ROWS_ABOVE 3

static chtype
top_attributes(enum top_look look)
{
	switch (look) {
	case TOP_HEADING:
		return A_BOLD;
	case TOP_GREEN:
		return (chtype)COLOR_PAIR(TOP_GREEN);
	case TOP_AMBER:
		return (chtype)COLOR_PAIR(TOP_AMBER) | A_BOLD;
	case TOP_RED:
		return (chtype)COLOR_PAIR(TOP_RED) | A_BOLD | A_REVERSE;
	case TOP_DULL:
		return A_DIM;
	case TOP_PLAIN:
	case TOP_LOOKS:
		break;
	}
	return A_NORMAL;
}

void
top_draw_start(void)
{
	if (!has_colors())
		return;
	start_color();
	use_default_colors();
	init_pair(TOP_GREEN, COLOR_GREEN, -1);
	init_pair(TOP_AMBER, COLOR_YELLOW, -1);
	init_pair(TOP_RED, COLOR_RED, -1);
}

static void
top_put(int row, int at, chtype attributes, const struct strbuf *text)
{
	if (row < 0 || row >= LINES)
		return;
	attrset((int)attributes);
	mvaddnstr(row, at, strbuf_str(text), (int)text->n);
	attrset(A_NORMAL);
}

/* A text over the whole of a row. */
static void
top_draw_row(int row, chtype attributes, const char *text)
{
	struct strbuf line = STRBUF_INIT;

	text_fit(&line, text, (size_t)COLS, false);
	top_put(row, 0, attributes, &line);
	strbuf_fini(&line);
}

static const char *
top_string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static double
top_count(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static bool
top_is_old(const struct top *top)
{
	return top_data_age_us(&top->data) > TOP_OLD_US;
}

/* --- the rows above ------------------------------------------------------ */

static void
top_draw_title(struct top *top)
{
	static const char *const names[TOP_PAGES] = {
	    "queues", "services", "feeds", "queue", "help"};
	const struct top_list *list = top_list_of(top);
	const json_t *head = top_head(top);
	struct strbuf text = STRBUF_INIT;
	char clock[TOP_CLOCK_MAX];

	strbuf_addf(&text, " ringtally %s  %s%s", top_string(head, "site"),
	    top_is_old(top) ? "AS OF " : "",
	    top_clock(clock, sizeof(clock), top_string(head, "time")));
	strbuf_addf(&text, "  %s", names[top->page]);
	if (list != NULL) {
		if (list->n == list->items)
			strbuf_addf(&text, " %zu", list->n);
		else
			strbuf_addf(&text, " %zu of %zu", list->n, list->items);
		strbuf_addf(&text, ", by %s %s",
		    top_list_sorted_by(list)->title,
		    list->down ? "down" : "up");
		if (list->filter.n > 0)
			strbuf_addf(&text, ", \"%s\"", list->filter.p);
	}
	top_draw_row(0, A_REVERSE, strbuf_str(&text));
	strbuf_fini(&text);
}

static void
top_draw_sums(const struct top *top)
{
	const json_t *total = json_object_get(top_head(top), "total");
	const json_t *agents = json_object_get(total, "agents");
	const json_t *longest = json_object_get(total, "longest_wait_s");
	struct strbuf text = STRBUF_INIT;
	char duration[COLUMN_SHOW_MAX];

	if (total == NULL) {
		top_draw_row(1, A_NORMAL, "");
		return;
	}
	strbuf_addf(&text, "waiting %.0f", top_count(total, "waiting"));
	if (json_is_number(longest))
		strbuf_addf(&text, ", longest %s",
		    column_seconds(duration, sizeof(duration),
			json_number_value(longest)));
	strbuf_addf(&text, "; talking %.0f", top_count(total, "talking"));
	strbuf_addf(&text,
	    "; agents %.0f: %.0f free, %.0f wrapping up, "
	    "%.0f paused",
	    top_count(agents, "logged_in"), top_count(agents, "free"),
	    top_count(agents, "wrapping_up"), top_count(agents, "paused"));
	top_draw_row(1, A_NORMAL, text.p);
	strbuf_fini(&text);
}

/* "feeds: 2 following, 1 STALE (b)"; whether one is stale. */
static bool
top_add_feeds(struct strbuf *text, const json_t *feeds)
{
	size_t stale = 0, i;
	const char *name = "";
	json_t *feed;

	json_array_foreach(
	    feeds, i, feed) if (json_is_true(json_object_get(feed, "stale")))
	{
		name = top_string(feed, "feed");
		stale++;
	}
	if (stale == 0)
		strbuf_addf(
		    text, "feeds: %zu, all in order", json_array_size(feeds));
	else
		strbuf_addf(text, "FEEDS: %zu of %zu STALE (%s%s)", stale,
		    json_array_size(feeds), name, stale > 1 ? ", ..." : "");
	return stale > 0;
}

static bool
top_add_database(struct strbuf *text, const json_t *database)
{
	const char *state = top_string(database, "state");
	const char *told = top_string(database, "text");
	bool good = strcmp(state, "ready") == 0;

	strbuf_addf(text, good ? "; database: %s" : "; DATABASE: %s",
	    told[0] != '\0' ? told : state);
	return !good;
}

/*
 * Where nothing new comes, it stands here for as long as that lasts, whatever
 * page is shown: what is on the screen is not the present.
 */
static void
top_draw_old(const struct top *top)
{
	int64_t age_us = top_data_age_us(&top->data);
	struct strbuf text = STRBUF_INIT;
	const char *why = top->data.problem;

	if (age_us == INT64_MAX)
		strbuf_adds(&text, " NO FIGURES YET: ");
	else
		strbuf_addf(&text,
		    " OLD FIGURES, %" PRId64 " s ago: ", age_us / USEC_PER_SEC);
	strbuf_addf(&text, "%s; trying again",
	    why[0] != '\0' ? why : "the daemon does not answer");
	top_draw_row(2, A_REVERSE | A_BOLD, text.p);
	strbuf_fini(&text);
}

static void
top_draw_state(const struct top *top)
{
	const json_t *head = top_head(top);
	struct strbuf text = STRBUF_INIT;
	bool trouble;

	if (top_is_old(top)) {
		top_draw_old(top);
		return;
	}
	if (top->data.problem[0] != '\0') {
		strbuf_addf(&text, "%s; trying again", top->data.problem);
		trouble = true;
	} else {
		trouble = top_add_feeds(&text, json_object_get(head, "feeds"));
		trouble |=
		    top_add_database(&text, json_object_get(head, "database"));
	}
	top_draw_row(2, top_attributes(trouble ? TOP_RED : TOP_PLAIN), text.p);
	strbuf_fini(&text);
}

/* --- lists --------------------------------------------------------------- */

static bool
top_is_left(const struct column *column)
{
	return column->kind == COLUMN_TEXT;
}

static void
top_draw_heads(const struct top_list *list, const struct top_layout *layout)
{
	struct strbuf text = STRBUF_INIT;
	int at = 0;
	size_t i;

	top_draw_row(TOP_ROWS_ABOVE, A_BOLD | A_UNDERLINE, "");
	for (i = 0; i < layout->n; i++) {
		const struct column *column = layout->column[i];

		strbuf_reset(&text);
		text_fit(&text, column->title, layout->width[i],
		    !top_is_left(column));
		top_put(TOP_ROWS_ABOVE, at,
		    A_BOLD |
			(column == top_list_sorted_by(list) ? A_REVERSE
							    : A_UNDERLINE),
		    &text);
		at += (int)layout->width[i] + 1;
	}
	strbuf_fini(&text);
}

/* How a cell stands out; TOP_PLAIN: as its row does. */
static enum top_look
top_cell_look(const struct column *column, const json_t *item)
{
	struct column_value value = column_value(column, item);

	if (column->kind == COLUMN_STATUS)
		return top_look_of_status(value.text);
	if (column->kind == COLUMN_YES && value.number != 0)
		return TOP_RED;
	return TOP_PLAIN;
}

static void
top_draw_cell(int row, int at, size_t width, const struct column *column,
    const json_t *item, chtype attributes)
{
	struct strbuf text = STRBUF_INIT;
	char number[COLUMN_SHOW_MAX];

	text_fit(&text, column_show(column, item, number, sizeof(number)),
	    width, !top_is_left(column));
	top_put(row, at, attributes, &text);
	strbuf_fini(&text);
}

static void
top_draw_item(int row, const struct top_layout *layout, const json_t *item,
    chtype attributes)
{
	int at = 0;
	size_t i;

	top_draw_row(row, attributes, "");
	for (i = 0; i < layout->n; i++) {
		enum top_look look = top_cell_look(layout->column[i], item);

		/* what is old has no colour: it is nobody's present trouble */
		if ((attributes & A_DIM) != 0)
			look = TOP_PLAIN;
		top_draw_cell(row, at, layout->width[i], layout->column[i],
		    item,
		    look == TOP_PLAIN ? attributes : top_attributes(look));
		at += (int)layout->width[i] + 1;
	}
}

static void
top_draw_list(struct top *top, struct top_list *list)
{
	size_t height = top_draw_height(top), i;
	chtype old = top_is_old(top) ? A_DIM : A_NORMAL;
	struct top_layout layout;

	top_list_scroll(list, height);
	top_list_layout(list, &layout, (size_t)COLS);
	top_draw_heads(list, &layout);
	for (i = 0; i < height; i++) {
		size_t at = list->offset + i;
		int row = TOP_ROWS_ABOVE + 1 + (int)i;

		if (at >= list->n)
			top_draw_row(row, A_NORMAL, "");
		else
			top_draw_item(row, &layout, list->rows[at],
			    old | (at == list->chosen ? A_REVERSE : A_NORMAL));
	}
}

/* --- pages of lines ------------------------------------------------------ */

static void
top_draw_line(int row, const struct top_line *line, bool old)
{
	struct strbuf text = STRBUF_INIT;

	text_fit_clean(&text, line->text, (size_t)COLS);
	top_put(row, 0, old ? A_DIM : top_attributes(line->look), &text);
	strbuf_fini(&text);
}

static void
top_draw_lines(struct top *top)
{
	const struct top_lines *lines = &top->lines;
	size_t height = top_draw_height(top), last, i;
	bool old = top->page != TOP_HELP && top_is_old(top);

	last = lines->n > height ? lines->n - height : 0;
	top->line = RT_MIN(top->line, last);
	for (i = 0; i < height; i++) {
		size_t at = top->line + i;
		int row = TOP_ROWS_ABOVE + (int)i;

		if (at >= lines->n)
			top_draw_row(row, A_NORMAL, "");
		else
			top_draw_line(row, &lines->v[at], old);
	}
}

/* --- all ----------------------------------------------------------------- */

size_t
top_draw_height(const struct top *top)
{
	int above = TOP_ROWS_ABOVE + (top->page < TOP_LISTS ? 1 : 0);

	return LINES > above + 1 ? (size_t)(LINES - above - 1) : 1;
}

static void
top_draw_foot(struct top *top)
{
	struct strbuf text = STRBUF_INIT;

	if (top->typing) {
		strbuf_addf(&text, "filter: %s_",
		    strbuf_str(&top_list_of(top)->filter));
		top_draw_row(LINES - 1, A_BOLD, text.p);
		strbuf_fini(&text);
	} else if (top->page < TOP_LISTS) {
		top_draw_row(LINES - 1, A_NORMAL,
		    "? help  q quit  Enter open  / filter  < > sort  r turn  "
		    "u queues  s services  f feeds");
	} else {
		top_draw_row(LINES - 1, A_NORMAL,
		    "? help  q quit  Esc back  up, down: scroll");
	}
}

void
top_draw(struct top *top)
{
	struct top_list *list = top_list_of(top);

	top_draw_title(top);
	top_draw_sums(top);
	top_draw_state(top);
	if (list != NULL)
		top_draw_list(top, list);
	else
		top_draw_lines(top);
	top_draw_foot(top);
	refresh();
}
