/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "cli/column.h"
#include "cli/text.h"
#include "cli/top_lines.h"

void
top_lines_reset(struct top_lines *lines)
{
	size_t i;

	for (i = 0; i < lines->n; i++)
		free(lines->v[i].text);
	lines->n = 0;
}

void
top_lines_fini(struct top_lines *lines)
{
	top_lines_reset(lines);
	free(lines->v);
	*lines = (struct top_lines){0};
}

/* Takes the text over, which must be clean. */
static void
top_lines_take(struct top_lines *lines, enum top_look look, struct strbuf *text)
{
	if (lines->n == lines->cap) {
		lines->cap = lines->cap * 2 + 32;
		lines->v = mem_realloc(lines->v, lines->cap, sizeof(*lines->v));
	}
	strbuf_addc(text, '\0');
	lines->v[lines->n++] = (struct top_line){look, text->p};
	*text = STRBUF_INIT;
}

static void top_lines_add(struct top_lines *lines, enum top_look look,
    const char *fmt, ...) RT_PRINTF(3, 4);

static void
top_lines_add(struct top_lines *lines, enum top_look look, const char *fmt, ...)
{
	struct strbuf raw = STRBUF_INIT, text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&raw, fmt, ap);
	va_end(ap);
	text_add(&text, strbuf_str(&raw));
	strbuf_fini(&raw);
	top_lines_take(lines, look, &text);
}

enum top_look
top_look_of_status(const char *status)
{
	if (status == NULL)
		return TOP_PLAIN;
	if (strcmp(status, "red") == 0)
		return TOP_RED;
	if (strcmp(status, "amber") == 0)
		return TOP_AMBER;
	return strcmp(status, "green") == 0 ? TOP_GREEN : TOP_PLAIN;
}

const char *
top_clock(char *buffer, size_t size, const char *iso)
{
	struct tm utc = {0}, local;
	time_t seconds;

	if (iso == NULL || strptime(iso, "%Y-%m-%dT%H:%M:%S", &utc) == NULL)
		return "-";
	seconds = timegm(&utc);
	if (localtime_r(&seconds, &local) == NULL ||
	    strftime(buffer, size, "%H:%M:%S", &local) == 0)
		return "-";
	return buffer;
}

/* --- values -------------------------------------------------------------- */

static const char *
top_text(const json_t *item, const char *key)
{
	const char *text = json_string_value(json_object_get(item, key));

	return text != NULL ? text : "";
}

/* A number as it is, "-" where there is none. */
static const char *
top_number(char *buffer, size_t size, const json_t *item, const char *key)
{
	const json_t *value = json_object_get(item, key);

	if (!json_is_number(value))
		return "-";
	snprintf(buffer, size, "%.10g", json_number_value(value));
	return buffer;
}

static const char *
top_duration(char *buffer, size_t size, const json_t *item, const char *key)
{
	const json_t *value = json_object_get(item, key);

	if (!json_is_number(value))
		return "-";
	return column_seconds(buffer, size, json_number_value(value));
}

/* --- a queue ------------------------------------------------------------- */

/* The columns of the table of figures: all that a block may have. */
static void
top_lines_block_head(struct top_lines *lines, const struct columns *columns)
{
	struct strbuf text = STRBUF_INIT;
	size_t i;

	text_fit(&text, "", 8, false);
	for (i = 0; i < columns->n; i++) {
		const struct column *column = &columns->v[i];

		if (column->group == NULL || strcmp(column->group, "today"))
			continue;
		strbuf_addc(&text, ' ');
		text_fit(&text, column->title, column->width, true);
	}
	top_lines_take(lines, TOP_HEADING, &text);
}

/* The same figures, of another block than today's. */
static void
top_lines_block(struct top_lines *lines, const struct columns *columns,
    const json_t *item, const char *group, const char *title)
{
	struct strbuf text = STRBUF_INIT;
	char number[COLUMN_SHOW_MAX];
	size_t i;

	text_fit(&text, title, 8, false);
	for (i = 0; i < columns->n; i++) {
		struct column column = columns->v[i];

		if (column.group == NULL || strcmp(column.group, "today"))
			continue;
		column.group = group;
		strbuf_addc(&text, ' ');
		text_fit(&text,
		    column_show(&column, item, number, sizeof(number)),
		    column.width, true);
	}
	if (!json_is_true(
		json_object_get(json_object_get(item, group), "complete")))
		strbuf_adds(&text, "  incomplete");
	top_lines_take(lines, TOP_PLAIN, &text);
}

static const char *
top_no_status(const json_t *item)
{
	return json_integer_value(json_object_get(item, "waits_unknown")) > 0
	    ? "waits are not known"
	    : "nothing settled yet";
}

static void
top_lines_target(struct top_lines *lines, const json_t *item)
{
	const json_t *target = json_object_get(item, "target");
	const json_t *today = json_object_get(item, "today");
	const char *status = top_text(item, "status");
	char within[32], pct[32], now[32], need[32];

	if (!json_is_object(target)) {
		top_lines_add(lines, TOP_DULL, "no target");
		return;
	}
	top_lines_add(lines, top_look_of_status(status),
	    "target: %s %% in %s s; today %s %%: %s; to be answered in time "
	    "until then: %s",
	    top_number(pct, sizeof(pct), target, "pct"),
	    top_number(within, sizeof(within), target, "within_s"),
	    top_number(now, sizeof(now), today, "target_pct"),
	    status[0] != '\0' ? status : top_no_status(item),
	    top_number(need, sizeof(need), item, "calls_to_target"));
}

static void
top_lines_now(struct top_lines *lines, const json_t *item)
{
	const json_t *agents = json_object_get(item, "agents"), *count;
	json_t *reasons = json_object_get(agents, "paused_by_reason");
	char a[32], b[32], c[32], d[32], e[32], f[32], g[32];
	const char *reason;

	top_lines_add(lines, TOP_PLAIN,
	    "now: %s waiting, the longest for %s; %s talking",
	    top_number(a, sizeof(a), item, "waiting"),
	    top_duration(b, sizeof(b), item, "longest_wait_s"),
	    top_number(c, sizeof(c), item, "talking"));
	top_lines_add(lines, TOP_PLAIN,
	    "agents: %s logged in: %s free, %s talking, %s wrapping up, "
	    "%s paused",
	    top_number(d, sizeof(d), agents, "logged_in"),
	    top_number(e, sizeof(e), agents, "free"),
	    top_number(f, sizeof(f), agents, "talking"),
	    top_number(g, sizeof(g), agents, "wrapping_up"),
	    top_number(a, sizeof(a), agents, "paused"));
	json_object_foreach(reasons, reason, count)
	    top_lines_add(lines, TOP_PLAIN, "    paused, %s: %.0f",
		reason[0] != '\0' ? reason : "no reason given",
		json_number_value(count));
}

static void
top_lines_figures(struct top_lines *lines, const json_t *item)
{
	struct columns columns;

	columns_of_queues(&columns, item);
	top_lines_target(lines, item);
	top_lines_now(lines, item);
	top_lines_add(lines, TOP_PLAIN, "%s", "");
	top_lines_block_head(lines, &columns);
	top_lines_block(lines, &columns, item, "today", "today");
	top_lines_block(lines, &columns, item, "last_60m", "60 min");
	top_lines_block(lines, &columns, item, "last_15m", "15 min");
}

static void
top_lines_call(struct top_lines *lines, const json_t *call, const char *seconds)
{
	char since[TOP_CLOCK_MAX], length[COLUMN_SHOW_MAX];
	struct strbuf text = STRBUF_INIT;
	bool waits = strcmp(seconds, "wait_s") == 0;

	strbuf_adds(&text, "  ");
	text_fit(&text, top_duration(length, sizeof(length), call, seconds), 8,
	    true);
	strbuf_adds(&text, "  since ");
	text_fit(&text,
	    top_clock(since, sizeof(since),
		top_text(call, waits ? "entered_at" : "answered_at")),
	    8, false);
	strbuf_adds(&text, "  ");
	if (!waits) {
		text_fit(&text, top_text(call, "agent"), 20, false);
		strbuf_adds(&text, "  ");
	}
	text_add(&text, top_text(call, "caller"));
	if (json_object_get(call, "caller") != NULL)
		strbuf_adds(&text, "  ");
	text_add(&text, top_text(call, "call_id"));
	top_lines_take(lines, TOP_PLAIN, &text);
}

/* The document's order is theirs: who came first stands first. */
static void
top_lines_calls(struct top_lines *lines, const json_t *calls, const char *state,
    const char *title, const char *seconds)
{
	json_t *list = json_object_get(calls, "calls"), *call;
	size_t n = 0, i;

	json_array_foreach(
	    list, i, call) if (strcmp(top_text(call, "state"), state) == 0) n++;
	top_lines_add(lines, TOP_PLAIN, "%s", "");
	top_lines_add(lines, TOP_HEADING, "%s (%zu)", title, n);
	json_array_foreach(
	    list, i, call) if (strcmp(top_text(call, "state"), state) == 0)
	    top_lines_call(lines, call, seconds);
}

static void
top_lines_agents(struct top_lines *lines, const json_t *agents)
{
	json_t *list = json_object_get(agents, "agents"), *agent;
	char since[TOP_CLOCK_MAX];
	size_t i;

	top_lines_add(lines, TOP_PLAIN, "%s", "");
	top_lines_add(
	    lines, TOP_HEADING, "AGENTS (%zu)", json_array_size(list));
	json_array_foreach(list, i, agent)
	{
		const char *state = top_text(agent, "state");
		struct strbuf text = STRBUF_INIT;

		strbuf_adds(&text, "  ");
		text_fit(&text, top_text(agent, "agent"), 24, false);
		strbuf_adds(&text, "  ");
		text_fit(&text, state, 12, false);
		strbuf_adds(&text, " since ");
		text_fit(&text,
		    top_clock(since, sizeof(since), top_text(agent, "since")),
		    8, false);
		strbuf_adds(&text, "  ");
		text_add(&text,
		    strcmp(state, "paused") == 0
			? top_text(agent, "reason")
			: top_text(agent, "talking_queue"));
		top_lines_take(lines,
		    strcmp(state, "logged_off") == 0 ? TOP_DULL : TOP_PLAIN,
		    &text);
	}
}

void
top_lines_queue(struct top_lines *lines, const char *queue,
    const json_t *snapshot, const json_t *calls, const json_t *agents)
{
	const json_t *list = json_object_get(snapshot, "queues");
	const json_t *item = json_array_get(list, 0);

	top_lines_reset(lines);
	if (item == NULL) {
		top_lines_add(lines, TOP_AMBER,
		    snapshot == NULL
			? "%s: waiting for its figures"
			: "%s: the daemon has not seen this queue yet",
		    queue);
		return;
	}
	top_lines_add(lines, TOP_HEADING, "%s on %s, service: %s", queue,
	    top_text(item, "switch"),
	    json_is_string(json_object_get(item, "service"))
		? top_text(item, "service")
		: "none");
	top_lines_figures(lines, item);
	top_lines_calls(lines, calls, "waiting", "WAITING", "wait_s");
	top_lines_calls(lines, calls, "talking", "TALKING", "talk_s");
	top_lines_agents(lines, agents);
}

/* --- help ---------------------------------------------------------------- */

void
top_lines_help(struct top_lines *lines)
{
	static const char *const keys[][2] = {
	    {"up, down, PgUp, PgDn", "choose a row"},
	    {"Enter", "open the queue; of a service: its queues"},
	    {"left, right or < >", "sort by another column, shown or not"},
	    {"r", "turn the order round"},
	    {"/", "filter by what is typed: Enter keeps it, Esc drops it"},
	    {"u, s, f", "the pages of queues, services, feeds"},
	    {"Esc, Backspace", "back"},
	    {"Ctrl-L", "draw the screen anew"},
	    {"q", "quit"},
	};
	static const char *const words[][2] = {
	    {"WAIT, LONGEST", "who waits now, and the longest for how long"},
	    {"TALK", "callers who talk to an agent now"},
	    {"AGTS FREE WRAP PAUS",
		"agents: logged in, free, wrapping up, "
		"paused"},
	    {"OFFER ANSW ABAND", "visits of today: all, answered, given up"},
	    {"%<20s", "answered within 20 s / offered, today"},
	    {"%60m, %15m", "the same of the last 60 and 15 minutes"},
	    {"%ABAN", "abandoned / offered"},
	    {"ASA, AHT", "means: wait until answered; talk, hold, wrap-up"},
	    {"P90, MAX", "nine in ten were answered within; longest wait"},
	    {"NEED", "calls in a row to answer in time to reach the target"},
	    {"STATUS", "green, amber or red: today against the target"},
	    {"-", "nothing known: no calls, nobody waits, no target"},
	};
	size_t i;

	top_lines_reset(lines);
	top_lines_add(lines, TOP_HEADING, "KEYS");
	for (i = 0; i < RT_COUNT(keys); i++)
		top_lines_add(
		    lines, TOP_PLAIN, "  %-21s %s", keys[i][0], keys[i][1]);
	top_lines_add(lines, TOP_PLAIN, "%s", "");
	top_lines_add(lines, TOP_HEADING, "WORDS");
	for (i = 0; i < RT_COUNT(words); i++)
		top_lines_add(
		    lines, TOP_PLAIN, "  %-21s %s", words[i][0], words[i][1]);
}
