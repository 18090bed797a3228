/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `expect` can ask for. Whatever counts and is not named must be 0, so
 * that a scenario says all that happened in one line.
 */
#include "base/base.h"
#include "base/utc.h"
#include "script.h"

#define EXPECT_KEYS 64

/* Figures by name, and those that were asked for. */
struct expect {
	const struct script *script;
	struct rig *rig;
	struct strbuf *why;
	const char *about;
	struct {
		const char *name;
		int64_t found;
		bool counts; /* must be 0 where it is not named */
		bool named;
	} key[EXPECT_KEYS];
	size_t n;
};

static bool
expect_wrong(struct expect *e, const char *what, const char *text)
{
	strbuf_addf(e->why, "expect %s: %s: %s", e->about, what, text);
	return false;
}

static void
expect_key(struct expect *e, const char *name, int64_t found, bool counts)
{
	BUG_ON(e->n == EXPECT_KEYS);
	e->key[e->n].name = name;
	e->key[e->n].found = found;
	e->key[e->n].counts = counts;
	e->key[e->n++].named = false;
}

/* The value behind "key=", or NULL. */
static const char *
expect_value(const char *word, const char *key)
{
	size_t n = strlen(key);

	return strncmp(word, key, n) == 0 && word[n] == '=' ? word + n + 1
							    : NULL;
}

static bool
expect_number(
    struct expect *e, const char *name, int64_t found, const char *value)
{
	int64_t wanted;

	if (strcmp(value, "unknown") == 0)
		wanted = EVENT_UNKNOWN_MS;
	else if (!slice_uint(slice_of(value), &wanted))
		return expect_wrong(e, "no number", value);
	if (found == wanted)
		return true;
	strbuf_addf(e->why, "%s: %s: expected %s, found %" PRId64, e->about,
	    name, value, found);
	return false;
}

static bool
expect_text(
    struct expect *e, const char *name, const char *found, const char *value)
{
	if (strcmp(found, value) == 0)
		return true;
	strbuf_addf(e->why, "%s: %s: expected \"%s\", found \"%s\"", e->about,
	    name, value, found);
	return false;
}

static bool
expect_time(
    struct expect *e, const char *name, int64_t found, const char *value)
{
	char room[UTC_ISO_MAX];
	int64_t wanted = 0;

	if (strcmp(value, "none") != 0 &&
	    !script_time(e->script, value, &wanted))
		return expect_wrong(e, "no time", value);
	if (found == wanted)
		return true;
	strbuf_addf(e->why, "%s: %s: expected %s, found %s", e->about, name,
	    value, found == 0 ? "none" : utc_iso(room, sizeof(room), found));
	return false;
}

/* Holds the figures against the words; then those that must be 0. */
static bool
expect_keys(struct expect *e, char *const *word)
{
	size_t i;

	for (; *word != NULL; word++) {
		for (i = 0; i < e->n; i++)
			if (expect_value(*word, e->key[i].name) != NULL)
				break;
		if (i == e->n)
			return expect_wrong(e, "no such figure", *word);
		e->key[i].named = true;
		if (!expect_number(e, e->key[i].name, e->key[i].found,
			expect_value(*word, e->key[i].name)))
			return false;
	}
	for (i = 0; i < e->n; i++)
		if (e->key[i].counts && !e->key[i].named &&
		    e->key[i].found != 0)
			return expect_number(
			    e, e->key[i].name, e->key[i].found, "0");
	return true;
}

static bool
expect_counts(const char *unit)
{
	return strcmp(unit, "visits") == 0 || strcmp(unit, "rings") == 0;
}

/* "@12:00" as the next word: only that interval. */
static bool
expect_interval(
    struct expect *e, char *const **word, int64_t *starts_us, bool *all)
{
	*all = **word == NULL || (**word)[0] != '@';
	if (*all)
		return true;
	if (!script_time(e->script, **word, starts_us))
		return expect_wrong(e, "no time", **word);
	(*word)++;
	return true;
}

/* --- queues --------------------------------------------------------------- */

static uint32_t
expect_waiting(struct rig *rig, const char *name, int64_t starts_us, bool all)
{
	struct queue *queue;
	struct cell *cell, *next;
	uint32_t waiting = 0;

	HASH_FIND_STR(rig->tally.queues, name, queue);
	if (queue == NULL)
		return 0;
	HASH_ITER (hh, queue->cells, cell, next)
		if (all || cell->starts_us == starts_us)
			waiting += cell->waiting;
	return waiting;
}

static void
expect_sum_queue(struct rig *rig, const char *name, int64_t starts_us, bool all,
    struct mem_figures *sum)
{
	struct mem_cell *row, *next;
	int i;

	HASH_ITER (hh, rig->store.cells, row, next) {
		if (strcmp(row->key.a, name) != 0 ||
		    (!all && row->key.number != starts_us))
			continue;
		for (i = 0; i < MEASURES; i++)
			if (measure_kind((enum measure)i) == MEASURE_KIND_MAX)
				sum->v[i] = RT_MAX(sum->v[i], row->seen.v[i]);
			else
				sum->v[i] += row->seen.v[i];
		hist_merge(&sum->answered, &row->seen.answered);
		hist_merge(&sum->abandoned, &row->seen.abandoned);
	}
}

/* within_N and abandoned_within_N, for any N that is asked for. */
static void
expect_within(struct expect *e, char *const *word, const struct mem_figures *f)
{
	static const char *const prefix[] = {"within_", "abandoned_within_"};
	int i;

	for (; *word != NULL; word++)
		for (i = 0; i < 2; i++) {
			size_t n = strlen(prefix[i]);
			size_t end = strcspn(*word, "=");
			int64_t seconds;

			if (strncmp(*word, prefix[i], n) != 0 ||
			    !slice_uint(
				(struct slice){*word + n, end - n}, &seconds))
				continue;
			(*word)[end] = '\0'; /* put back behind the name */
			expect_key(e,
			    memstore_intern(&e->rig->store, slice_of(*word)),
			    hist_within(
				i == 0 ? &f->answered : &f->abandoned, seconds),
			    false);
			(*word)[end] = '=';
		}
}

/* queue NAME [@INTERVAL] FIGURE=N... */
static bool
expect_queue(struct expect *e, char *const *word)
{
	struct mem_figures sum = {.v = {0}};
	const char *name = *word++;
	int64_t starts_us = 0;
	bool all, ok;
	int i;

	if (!expect_interval(e, &word, &starts_us, &all))
		return false;
	expect_sum_queue(e->rig, name, starts_us, all, &sum);
	for (i = 0; i < MEASURES; i++)
		expect_key(e, measure_rows[i].name, sum.v[i],
		    expect_counts(measure_rows[i].unit));
	expect_key(
	    e, "waiting", expect_waiting(e->rig, name, starts_us, all), true);
	expect_within(e, word, &sum);
	ok = expect_keys(e, word);
	hist_fini(&sum.answered);
	hist_fini(&sum.abandoned);
	return ok;
}

/* queues N: so many have figures */
static bool
expect_queues(struct expect *e, char *const *word)
{
	const char *seen[EXPECT_KEYS];
	struct mem_cell *row, *next;
	size_t i, n = 0;

	HASH_ITER (hh, e->rig->store.cells, row, next) {
		if (row->seen.v[MEASURE_offered] == 0)
			continue;
		for (i = 0; i < n; i++)
			if (seen[i] == row->key.a)
				break;
		if (i == n && n < EXPECT_KEYS)
			seen[n++] = row->key.a;
	}
	return expect_number(e, "with figures", (int64_t)n, *word);
}

/* --- agents --------------------------------------------------------------- */

/* "in QUEUE" or "whole" as the next words. */
static bool
expect_where(struct expect *e, char *const **word, const char **queue)
{
	if (**word != NULL && strcmp(**word, "whole") == 0) {
		*queue = "";
		(*word)++;
		return true;
	}
	if (**word == NULL || strcmp(**word, "in") != 0 || (*word)[1] == NULL)
		return expect_wrong(e, "in QUEUE, or whole", "");
	*queue = (*word)[1];
	*word += 2;
	return true;
}

/* agent NAME in QUEUE|whole [@INTERVAL] FIGURE=N... */
static bool
expect_agent(struct expect *e, char *const *word)
{
	int64_t sum[AGENT_MEASURES] = {0}, starts_us = 0;
	struct mem_agent_cell *row, *next;
	const char *name = *word++, *queue;
	bool all;
	int i;

	if (!expect_where(e, &word, &queue) ||
	    !expect_interval(e, &word, &starts_us, &all))
		return false;
	HASH_ITER (hh, e->rig->store.agent_cells, row, next)
		if (strcmp(row->key.a, name) == 0 &&
		    strcmp(row->key.b, queue) == 0 &&
		    (all || row->key.number == starts_us))
			for (i = 0; i < AGENT_MEASURES; i++)
				sum[i] += row->seen[i];
	for (i = 0; i < AGENT_MEASURES; i++)
		expect_key(e, agent_measure_rows[i].name, sum[i],
		    expect_counts(agent_measure_rows[i].unit));
	return expect_keys(e, word);
}

static struct agent_session *
expect_find_session(struct rig *rig, const char *agent, const char *queue)
{
	struct agent_session *s;

	TAILQ_FOREACH (s, &rig->machine.sessions.all, list)
		if (!session_is_over(s) && /* or freed with the next cut */
		    strcmp(s->agent->name, agent) == 0 &&
		    strcmp(s->queue != NULL ? s->queue->name : "", queue) == 0)
			return s;
	return NULL;
}

/* session AGENT in QUEUE|whole [login=@T] [pause=@T] [reason=TEXT] */
static bool
expect_session(struct expect *e, char *const *word)
{
	const char *agent = *word++, *queue, *value;
	struct agent_session *s;
	bool ok = true;

	if (!expect_where(e, &word, &queue))
		return false;
	s = expect_find_session(e->rig, agent, queue);
	if (s == NULL)
		return expect_wrong(e, "there is none", queue);
	for (; ok && *word != NULL; word++)
		if ((value = expect_value(*word, "login")) != NULL)
			ok = expect_time(
			    e, "login", s->logged_in ? s->login_us : 0, value);
		else if ((value = expect_value(*word, "pause")) != NULL)
			ok = expect_time(
			    e, "pause", s->paused ? s->pause_us : 0, value);
		else if ((value = expect_value(*word, "reason")) != NULL)
			ok = expect_text(e, "reason", s->reason, value);
		else
			ok = expect_wrong(e, "no such thing", *word);
	return ok;
}

/* --- visits --------------------------------------------------------------- */

static const struct mem_visit *
expect_find_visit(struct rig *rig, const char *name, struct mem_visit *made,
    size_t *rows, bool *in_memory)
{
	const struct mem_visit *found = NULL;
	char key[512];
	struct visit *v;
	size_t i;

	*rows = 0;
	*in_memory = false;
	for (i = 0; i < rig->store.n_ended; i++) {
		const struct mem_visit *row = &rig->store.ended[i];

		snprintf(key, sizeof(key), "%s/%" PRId64, row->key.a,
		    row->key.number);
		if (strcmp(key, name) == 0) {
			found = row;
			++*rows;
		}
	}
	for (i = 0; i < VISIT_STATES; i++)
		TAILQ_FOREACH (v, &rig->machine.states[i], list) {
			mem_visit_of(&rig->store, v, made);
			snprintf(key, sizeof(key), "%s/%" PRId64, made->key.a,
			    made->key.number);
			if (strcmp(key, name) == 0) {
				*in_memory = true;
				return made;
			}
		}
	return found;
}

static bool
expect_visit_word(struct expect *e, const struct mem_visit *row,
    const char *word, size_t rows, bool in_memory)
{
	const struct visit *v = &row->visit;
	const char *value;

	if ((value = expect_value(word, "state")) != NULL)
		return expect_text(e, "state",
		    in_memory ? visit_state_name(v->state) : "gone", value);
	if ((value = expect_value(word, "outcome")) != NULL)
		return expect_text(
		    e, "outcome", outcome_name(v->outcome), value);
	if ((value = expect_value(word, "queue")) != NULL)
		return expect_text(e, "queue", row->queue, value);
	if ((value = expect_value(word, "agent")) != NULL)
		return expect_text(e, "agent", row->agent, value);
	if ((value = expect_value(word, "reason")) != NULL)
		return expect_text(e, "reason", v->reason, value);
	if ((value = expect_value(word, "caller")) != NULL)
		return expect_text(e, "caller",
		    v->has_caller ? (const char *)v->caller : "none", value);
	if ((value = expect_value(word, "entered")) != NULL)
		return expect_time(e, "entered", v->entered_us, value);
	if ((value = expect_value(word, "answered")) != NULL)
		return expect_time(e, "answered", v->answered_us, value);
	if ((value = expect_value(word, "ended")) != NULL)
		return expect_time(e, "ended", v->ended_us, value);
	if ((value = expect_value(word, "wait_ms")) != NULL)
		return expect_number(e, "wait_ms", v->wait_ms, value);
	if ((value = expect_value(word, "talk_ms")) != NULL)
		return expect_number(e, "talk_ms", v->talk_ms, value);
	if ((value = expect_value(word, "rows")) != NULL)
		return expect_number(e, "rows", (int64_t)rows, value);
	if ((value = expect_value(word, "file")) != NULL)
		return expect_number(e, "file", v->file_no, value);
	if ((value = expect_value(word, "offset")) != NULL)
		return expect_number(e, "offset", v->offset, value);
	return expect_wrong(e, "no such thing", word);
}

/* visit CALL/NUMBER WHAT=VALUE... */
static bool
expect_visit(struct expect *e, char *const *word)
{
	struct mem_visit made;
	const struct mem_visit *row;
	bool in_memory, ok = true;
	size_t rows;

	row = expect_find_visit(e->rig, *word++, &made, &rows, &in_memory);
	if (row == NULL)
		return expect_wrong(e, "there is none", word[-1]);
	for (; ok && *word != NULL; word++)
		ok = expect_visit_word(e, row, *word, rows, in_memory);
	return ok;
}

/* visits N: so many have ended */
static bool
expect_visits(struct expect *e, char *const *word)
{
	return expect_number(e, "ended", (int64_t)e->rig->store.n_ended, *word);
}

/* state [early=N] [waiting=N] [talking=N] [ended=N]: visits in memory */
static bool
expect_state(struct expect *e, char *const *word)
{
	int i;

	for (i = 0; i < VISIT_STATES; i++)
		expect_key(e, visit_state_name((enum visit_state)i),
		    (int64_t)e->rig->machine.in_state[i], i != VISIT_ENDED);
	return expect_keys(e, word);
}

/* --- the feed ------------------------------------------------------------- */

static bool
expect_is_odd(int counter)
{
	return counter != COUNTER_records && counter != COUNTER_bytes &&
	    counter != COUNTER_files;
}

/* counters [@INTERVAL] COUNTER=N... */
static bool
expect_counters(struct expect *e, char *const *word)
{
	struct mem_counters *row, *next;
	uint64_t sum[COUNTERS] = {0};
	int64_t starts_us = 0;
	bool all;
	int i;

	if (!expect_interval(e, &word, &starts_us, &all))
		return false;
	HASH_ITER (hh, e->rig->store.counters, row, next)
		for (i = 0; i < COUNTERS; i++)
			if (all || row->key.number == starts_us)
				sum[i] += row->seen.v[i];
	for (i = 0; i < COUNTERS; i++)
		expect_key(
		    e, counter_rows[i].name, (int64_t)sum[i], expect_is_odd(i));
	return expect_keys(e, word);
}

/* event NAME known|unknown count=N */
static bool
expect_event(struct expect *e, char *const *word)
{
	struct mem_key key = {
	    .a = memstore_intern(&e->rig->store, slice_of(*word))};
	struct mem_name *row;

	HASH_FIND(hh, e->rig->store.names, &key, sizeof(key), row);
	if (row == NULL)
		return expect_wrong(e, "never counted", *word);
	if (word[1] == NULL)
		return expect_wrong(e, "known or unknown", *word);
	if (!expect_text(
		e, "it is", row->unknown ? "unknown" : "known", word[1]))
		return false;
	expect_key(e, "count", (int64_t)row->seen, true);
	return expect_keys(e, word + 2);
}

static bool
expect_clock(struct expect *e, char *const *word)
{
	return expect_time(
	    e, "the event clock", e->rig->machine.clock_us, *word);
}

/* held N: bytes that wait for their rest */
static bool
expect_held(struct expect *e, char *const *word)
{
	return expect_number(
	    e, "bytes", (int64_t)(e->rig->log.n - e->rig->taken), *word);
}

/* no session|event|visit ...: there is none */
static bool
expect_no(struct expect *e, char *const *word)
{
	struct mem_visit made;
	const char *queue;
	bool in_memory;
	size_t rows;

	if (strcmp(*word, "session") == 0 && word[1] != NULL) {
		char *const *rest = word + 2;

		if (!expect_where(e, &rest, &queue))
			return false;
		if (expect_find_session(e->rig, word[1], queue) == NULL)
			return true;
	} else if (strcmp(*word, "visit") == 0 && word[1] != NULL) {
		if (expect_find_visit(
			e->rig, word[1], &made, &rows, &in_memory) == NULL)
			return true;
	} else {
		return expect_wrong(e, "no such thing", *word);
	}
	return expect_wrong(e, "there is one", word[1]);
}

bool
expect_check(const struct script *s, struct rig *rig, char *const *word,
    struct strbuf *why)
{
	static const struct {
		const char *name;
		bool (*check)(struct expect *e, char *const *word);
		bool alone; /* nothing need follow */
	} kinds[] = {
	    {"agent", expect_agent, false},
	    {"clock", expect_clock, false},
	    {"counters", expect_counters, true},
	    {"event", expect_event, false},
	    {"held", expect_held, false},
	    {"no", expect_no, false},
	    {"queue", expect_queue, false},
	    {"queues", expect_queues, false},
	    {"session", expect_session, false},
	    {"state", expect_state, true},
	    {"visit", expect_visit, false},
	    {"visits", expect_visits, false},
	};
	struct expect *e = mem_zalloc(sizeof(*e));
	bool ok = false;
	size_t i;

	*e = (struct expect){
	    .script = s, .rig = rig, .why = why, .about = word[0]};
	for (i = 0; i < RT_COUNT(kinds); i++)
		if (strcmp(kinds[i].name, word[0]) == 0)
			break;
	if (i == RT_COUNT(kinds))
		expect_wrong(e, "no such thing", word[0]);
	else if (word[1] == NULL && !kinds[i].alone)
		expect_wrong(e, "of what", word[0]);
	else
		ok = kinds[i].check(e, word + 1);
	free(e);
	return ok;
}
