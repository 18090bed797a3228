/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How things stand after a connection was made. The answers are gathered, and
 * what events say meanwhile is put right in them, so that the picture is given
 * in one piece and is that of its last moment.
 */
#include "base/base.h"
#include "base/table.h"
#include "base/utc.h"
#include "format/freeswitch_esl.h"

#define ESL_PICTURE_ROWS  20000
#define ESL_PICTURE_BYTES (8 * 1024 * 1024)
#define ESL_HEAD_MAX	  2048 /* bytes; each row looks at it some times */
#define ESL_PICTURE_BEATS 6    /* two minutes without an answer */

/* A visit, found by call and queue; or an agent, with call empty. */
struct esl_present {
	UT_hash_handle hh;
	struct esl_present *next;     /* in the order in which they came */
	int64_t joined_s, answered_s; /* 0: not */
	bool gone;
	uint16_t call_n, queue_n, agent_n, caller_n;
	char
	    text[]; /* call, queue: the key; agent, caller (of agents: pause) */
};

struct esl_picture {
	unsigned answers; /* still to come; 0: nothing is gathered */
	unsigned beats;	  /* since the last one */
	struct esl_present *rows, *first, **last;
	size_t bytes;
};

/* --- tables --------------------------------------------------------------- */

bool
esl_line(struct slice *rest, struct slice *line)
{
	const char *end;

	if (rest->n == 0)
		return false;
	end = memchr(rest->p, '\n', rest->n);
	line->p = rest->p;
	line->n = end != NULL ? (size_t)(end - rest->p) : rest->n;
	rest->p += line->n + (end != NULL);
	rest->n -= line->n + (end != NULL);
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	return true;
}

struct slice
esl_column(struct slice line, unsigned i)
{
	const char *bar;

	for (; (bar = memchr(line.p, '|', line.n)) != NULL; i--) {
		size_t n = (size_t)(bar - line.p);

		if (i == 0)
			return (struct slice){line.p, n};
		line.p += n + 1;
		line.n -= n + 1;
	}
	return i == 0 ? line : (struct slice){"", 0};
}

int
esl_column_of(struct slice head, const char *name)
{
	struct slice wanted = slice_of(name);
	const char *bar;
	int i;

	for (i = 0; (bar = memchr(head.p, '|', head.n)) != NULL; i++) {
		size_t n = (size_t)(bar - head.p);

		if (slice_eq((struct slice){head.p, n}, wanted))
			return i;
		head.p += n + 1;
		head.n -= n + 1;
	}
	return slice_eq(head, wanted) ? i : -1;
}

/* One row of a table, its columns by name. */
struct esl_row {
	struct slice head, line;
};

static struct slice
esl_row_get(const struct esl_row *row, const char *name)
{
	int i = esl_column_of(row->head, name);

	return i < 0 ? (struct slice){"", 0}
		     : esl_column(row->line, (unsigned)i);
}

static int64_t
esl_row_number(const struct esl_row *row, const char *name)
{
	int64_t v;

	return slice_uint(esl_row_get(row, name), &v) ? v : 0;
}

/* --- what is present ------------------------------------------------------ */

struct esl_picture *
esl_picture_new(void)
{
	struct esl_picture *p = mem_zalloc(sizeof(*p));

	p->last = &p->first;
	return p;
}

void
esl_picture_reset(struct esl_picture *p)
{
	struct esl_present *row, *next;

	HASH_CLEAR(hh, p->rows);
	for (row = p->first; row != NULL; row = next) {
		next = row->next;
		free(row);
	}
	*p = (struct esl_picture){.answers = 0};
	p->last = &p->first;
}

void
esl_picture_free(struct esl_picture *p)
{
	esl_picture_reset(p);
	free(p);
}

static bool
esl_picture_fits(const struct slice *texts, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (texts[i].n > UINT16_MAX)
			return false;
	return true;
}

static void
esl_picture_copy(char **to, struct slice s)
{
	memcpy(*to, s.p, s.n);
	*to += s.n;
}

/*
 * The row of that key, made when it is new; NULL: there are too many. texts:
 * call, queue, agent, caller.
 */
static struct esl_present *
esl_picture_row(struct esl_picture *p, const struct slice texts[4])
{
	size_t key = texts[0].n + texts[1].n;
	size_t n = key + texts[2].n + texts[3].n;
	struct esl_present *row, *old;
	char *to;

	if (!esl_picture_fits(texts, 4) ||
	    HASH_COUNT(p->rows) >= ESL_PICTURE_ROWS ||
	    (p->bytes += sizeof(*row) + n) > ESL_PICTURE_BYTES)
		return NULL;
	row = mem_zalloc(sizeof(*row) + n + 1);
	to = row->text;
	esl_picture_copy(&to, texts[0]);
	esl_picture_copy(&to, texts[1]);
	esl_picture_copy(&to, texts[2]);
	esl_picture_copy(&to, texts[3]);
	row->call_n = (uint16_t)texts[0].n;
	row->queue_n = (uint16_t)texts[1].n;
	row->agent_n = (uint16_t)texts[2].n;
	row->caller_n = (uint16_t)texts[3].n;
	HASH_FIND(hh, p->rows, row->text, key, old);
	if (old != NULL) {
		free(row);
		return old;
	}
	HASH_ADD(hh, p->rows, text[0], (unsigned)key, row);
	*p->last = row;
	p->last = &row->next;
	return row;
}

/*
 * A caller. An event may have told of this one already, and is newer than the
 * answer. Those who left are kept in the table for a while (Abandoned).
 */
static bool
esl_picture_member(struct esl_picture *p, const struct esl_row *row)
{
	struct slice state = esl_row_get(row, "state");
	bool talks = slice_eq(state, SLICE("Answered"));
	struct slice texts[4] = {esl_row_get(row, "session_uuid"),
	    esl_row_get(row, "queue"), esl_row_get(row, "serving_agent"),
	    esl_row_get(row, "cid_number")};
	struct esl_present *present;

	if (texts[0].n == 0 || texts[1].n == 0 ||
	    (!talks && !slice_eq(state, SLICE("Waiting")) &&
		!slice_eq(state, SLICE("Trying"))))
		return true;
	if (!talks)
		texts[2].n = 0;
	present = esl_picture_row(p, texts);
	if (present == NULL)
		return false;
	if (present->joined_s == 0)
		/* one who came back waits since then, not since the first time
		 */
		present->joined_s = RT_MAX(esl_row_number(row, "joined_epoch"),
		    esl_row_number(row, "rejoined_epoch"));
	if (talks && present->answered_s == 0)
		present->answered_s = esl_row_number(row, "bridge_epoch");
	return true;
}

static bool
esl_picture_agent(struct esl_picture *p, const struct esl_row *row)
{
	struct slice status = esl_row_get(row, "status");
	struct slice state = esl_row_get(row, "state");
	struct slice texts[4] = {
	    {"", 0}, {"", 0}, esl_row_get(row, "name"), {"", 0}};

	texts[1] = texts[2]; /* is the key, then */
	if (slice_eq(status, ESL_ON_BREAK))
		texts[3] = ESL_ON_BREAK;
	else if (!esl_is_available(status))
		return true;
	else if (slice_eq(state, ESL_IDLE))
		texts[3] = ESL_IDLE;
	return texts[2].n == 0 || esl_picture_row(p, texts) != NULL;
}

/* --- answers -------------------------------------------------------------- */

/* A table that has these columns, or none at all. */
static bool
esl_picture_table(struct esl_picture *p, struct slice body, const char *column,
    bool (*fn)(struct esl_picture *p, const struct esl_row *row))
{
	struct esl_row row;

	if (!esl_line(&body, &row.head))
		return false;
	if (slice_eq(row.head, SLICE("+OK")))
		return true;
	if (row.head.n > ESL_HEAD_MAX || esl_column_of(row.head, column) < 0)
		return false;
	while (esl_line(&body, &row.line))
		if (slice_eq(row.line, SLICE("+OK")))
			return true;
		else if (!fn(p, &row))
			return false;
	return false; /* cut off */
}

static bool
esl_picture_queue(struct esl_picture *p, const struct esl_row *row)
{
	(void)row;
	p->answers += 2; /* its members and its agents */
	return true;
}

/* Members and agents come by turns, an even number of answers is left. */
static bool
esl_picture_take(struct esl_picture *p, struct slice body)
{
	if (p->answers == 0) {
		esl_picture_reset(p);
		/* its head line is there without queues, too; a lone "+OK" is
		   the answer to something else */
		return body.n > 5 && memcmp(body.p, "name|", 5) == 0 &&
		    esl_picture_table(p, body, "strategy", esl_picture_queue);
	}
	if (p->answers-- % 2 == 0)
		return esl_picture_table(
		    p, body, "session_uuid", esl_picture_member);
	return esl_picture_table(p, body, "status", esl_picture_agent);
}

bool
esl_picture_answer(struct esl_picture *p, struct slice body)
{
	p->beats = 0;
	if (esl_picture_take(p, body))
		return p->answers == 0;
	esl_picture_reset(p);
	return false;
}

void
esl_picture_beat(struct esl_picture *p)
{
	if (p->answers > 0 && ++p->beats == ESL_PICTURE_BEATS)
		esl_picture_reset(p);
}

void
esl_picture_event(struct esl_picture *p, const struct event *ev)
{
	struct slice texts[4] = {ev->call, ev->queue, ev->agent, ev->caller};
	struct esl_present *row;

	if (p->answers == 0 || ev->call.n == 0 ||
	    (ev->kind != EVENT_ENTER && ev->kind != EVENT_CONNECT &&
		ev->kind != EVENT_COMPLETE && ev->kind != EVENT_LEAVE))
		return;
	row = esl_picture_row(p, texts);
	if (row == NULL) {
		esl_picture_reset(p);
		return;
	}
	if (ev->kind == EVENT_ENTER) {
		row->joined_s = ev->time_us / USEC_PER_SEC;
		row->gone = false;
	} else if (ev->kind == EVENT_COMPLETE || ev->kind == EVENT_LEAVE) {
		row->gone = true;
	} else if (row->joined_s == 0) { /* the answer itself was heard */
		row->joined_s =
		    (ev->time_us / USEC_PER_MSEC - RT_MAX(ev->wait_ms, 0)) /
		    1000;
	}
}

/* --- giving it ------------------------------------------------------------ */

static void
esl_picture_emit(struct sink *sink, const struct event *ev)
{
	struct event copy = *ev;

	sink->event(sink, &copy);
}

static void
esl_picture_give_visit(
    const struct esl_present *row, int64_t now_us, struct sink *sink)
{
	const char *at = row->text;
	struct event ev;

	freeswitch_event_init(&ev, EVENT_ENTER, now_us, SLICE("members"));
	ev.flags = EVENT_PRESENT;
	ev.call = (struct slice){at, row->call_n};
	ev.queue = (struct slice){at += row->call_n, row->queue_n};
	ev.agent = (struct slice){at += row->queue_n, row->agent_n};
	ev.caller = (struct slice){at + row->agent_n, row->caller_n};
	ev.begin_us = row->joined_s * USEC_PER_SEC;
	if (row->answered_s == 0)
		ev.agent.n = 0;
	esl_picture_emit(sink, &ev);
	if (row->answered_s == 0)
		return;
	ev.kind = EVENT_CONNECT;
	ev.begin_us = 0;
	ev.time_us = RT_MIN(now_us, row->answered_s * USEC_PER_SEC);
	ev.wait_ms = freeswitch_span_ms(row->joined_s, row->answered_s);
	esl_picture_emit(sink, &ev);
}

static void
esl_picture_give_agent(
    const struct esl_present *row, int64_t now_us, struct sink *sink)
{
	struct event ev;

	freeswitch_event_init(&ev, EVENT_LOGIN, now_us, SLICE("agents"));
	ev.flags = EVENT_PRESENT;
	ev.agent = (struct slice){row->text + row->queue_n, row->agent_n};
	esl_picture_emit(sink, &ev);
	if (row->caller_n == 0)
		return;
	ev.kind = EVENT_PAUSE;
	ev.text = (struct slice){ev.agent.p + row->agent_n, row->caller_n};
	esl_picture_emit(sink, &ev);
}

/* What was given is kept until the next picture: the sink may look later. */
void
esl_picture_give(struct esl_picture *p, int64_t now_us, struct sink *sink)
{
	struct esl_present *row;
	struct event ev;

	freeswitch_event_init(&ev, EVENT_PICTURE, now_us, SLICE("picture"));
	esl_picture_emit(sink, &ev);
	for (row = p->first; row != NULL; row = row->next)
		if (row->call_n == 0)
			esl_picture_give_agent(row, now_us, sink);
		else if (!row->gone)
			esl_picture_give_visit(row, now_us, sink);
	freeswitch_event_init(
	    &ev, EVENT_PICTURE_END, now_us, SLICE("picture end"));
	esl_picture_emit(sink, &ev);
}
