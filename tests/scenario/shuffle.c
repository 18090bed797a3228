/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two properties, on random logs:
 *
 * - lines of finished calls give the same figures in any order in which a
 *   switch could write them;
 * - reads, cuts and crashes anywhere give what reading in one piece gives,
 *   whatever stands in the log.
 *
 * shuffle [SEED]: with a seed only that log.
 */
#include "base/base.h"
#include "base/utc.h"
#include "rig.h"

#define SHUFFLE_NOON	INT64_C(1781092800) /* 2026-06-10 12:00 UTC */
#define SHUFFLE_CALLS	60
#define SHUFFLE_LINES	1000
#define SHUFFLE_SECONDS 7200
#define SHUFFLE_WINDOW	15 /* lines: so much too late a line comes at most */
#define SHUFFLE_QUICK	100
#define SHUFFLE_SLOW	1000

struct line {
	char *text;
	int64_t time;	/* seconds; by which it is sorted */
	size_t place;	/* in which it is written */
	unsigned chain; /* 0, or lines that must keep their order */
};

struct shuffle {
	struct line line[SHUFFLE_LINES];
	size_t n;
	uint64_t seed;
};

static void shuffle_line(struct shuffle *s, int64_t t, unsigned chain,
    const char *fmt, ...) RT_PRINTF(4, 5);

static void
shuffle_line(struct shuffle *s, int64_t t, unsigned chain, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	struct line *line = &s->line[s->n];
	va_list ap;

	BUG_ON(s->n == SHUFFLE_LINES);
	strbuf_addf(&text, "%" PRId64 "|", t);
	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	strbuf_addc(&text, '\n');
	*line = (struct line){
	    .text = text.p, .time = t, .place = s->n, .chain = chain};
	s->n++;
}

/* The end of a wait; returns whether an agent has it now. */
static bool
shuffle_wait(struct shuffle *s, unsigned call, unsigned queue, unsigned chain,
    int64_t t, int64_t wait)
{
	static const char *const ends[] = {"ABANDON|1|1", "EXITWITHTIMEOUT|1|1",
	    "EXITEMPTY|1|1", "WITHDRAW|1|1", "EXITWITHKEY|9|1|1"};
	unsigned agent = (unsigned)rig_roll(&s->seed, 5);

	while (rig_roll(&s->seed, 3) == 0)
		shuffle_line(s, t + (int64_t)rig_roll(&s->seed, 10), chain,
		    "c.%u|q%u|Agent %u|RINGNOANSWER|%u", call, queue, agent,
		    (unsigned)rig_roll(&s->seed, 9) * 1000);
	if (rig_roll(&s->seed, 3) != 0)
		return true;
	shuffle_line(s, t + wait, chain, "c.%u|q%u|NONE|%s|%" PRId64, call,
	    queue, ends[rig_roll(&s->seed, RT_COUNT(ends))], wait);
	return false;
}

/* One visit from its arrival to its end; returns when it ended. */
static int64_t
shuffle_visit(
    struct shuffle *s, unsigned call, unsigned queue, unsigned chain, int64_t t)
{
	int64_t wait = (int64_t)rig_roll(&s->seed, 90);
	int64_t talk = (int64_t)rig_roll(&s->seed, 900);
	unsigned agent = (unsigned)rig_roll(&s->seed, 5);
	/* both clocks are cut off at the second */
	int64_t hold = RT_MAX(wait - (int64_t)rig_roll(&s->seed, 2), 0);

	shuffle_line(
	    s, t, chain, "c.%u|q%u|NONE|ENTERQUEUE||020|1", call, queue);
	if (!shuffle_wait(s, call, queue, chain, t, wait))
		return t + wait;
	shuffle_line(s, t + wait, chain,
	    "c.%u|q%u|Agent %u|CONNECT|%" PRId64 "|x.1|1", call, queue, agent,
	    hold);
	t += wait + talk;
	if (rig_roll(&s->seed, 4) == 0)
		shuffle_line(s, t, chain,
		    "c.%u|q%u|Agent %u|BLINDTRANSFER|1|x|%" PRId64 "|%" PRId64
		    "|1",
		    call, queue, agent, hold, talk);
	else
		shuffle_line(s, t, chain,
		    "c.%u|q%u|Agent %u|COMPLETE%s|%" PRId64 "|%" PRId64 "|1",
		    call, queue, agent,
		    rig_roll(&s->seed, 2) == 0 ? "AGENT" : "CALLER", hold,
		    talk);
	return t;
}

/*
 * Calls that all end. One that enters the same queue again keeps the order of
 * its lines: nothing else tells its visits apart.
 */
static void
shuffle_calls(struct shuffle *s, int64_t from, int64_t seconds)
{
	unsigned call, queue;

	shuffle_line(s, from, 1, "NONE|NONE|NONE|CONFIGRELOAD|");
	shuffle_line(s, from, 1, "NONE|NONE|NONE|CONFIGRELOAD|");
	for (call = 1; call <= SHUFFLE_CALLS; call++) {
		int64_t t =
		    from + (int64_t)rig_roll(&s->seed, (uint64_t)seconds);
		unsigned chain = rig_roll(&s->seed, 6) == 0 ? call + 1 : 0;

		for (queue = 0; queue < 3; queue++) {
			t = shuffle_visit(
			    s, call, chain != 0 ? 0 : queue, chain, t);
			if (rig_roll(&s->seed, 3) != 0)
				break;
		}
	}
}

/* What else stands in logs, and what should not. */
static void
shuffle_oddities(struct shuffle *s, int64_t from, int64_t seconds)
{
	static const char *const odd[] = {"NONE|NONE|NONE|QUEUESTART|",
	    "c.7|q0|Agent 1|CONNECT|3|x|1", "c.8|q1|NONE|ABANDON|1|1|4",
	    "c.9|q0|NONE|ENTERQUEUE||1|1", "c.900|q1|NONE|ENTERQUEUE||1|1",
	    "c.99|q0|Agent 2|COMPLETEAGENT|5|20|1", "c.3|q9|NONE|FULL|",
	    "MANAGER|q0|Agent 1|ADDMEMBER|PAUSED",
	    "CLI|q0|Agent 1|REMOVEMEMBER|", "NONE|q0|Agent 1|PAUSE|tea",
	    "NONE|NONE|Agent 1|PAUSEALL|tea", "NONE|q0|Agent 1|UNPAUSE|",
	    "NONE|NONE|Agent 1|UNPAUSEALL|", "a.1|NONE|Agent 3|AGENTLOGIN|x",
	    "a.1|NONE|Agent 3|AGENTLOGOFF|x|900",
	    "NONE|q1|Agent 4|WRAPUPSTART|1800", "c.1|q0|Agent 1|CUSTOM|x",
	    "c.1|q0|Jan|Piet|CONNECT|1|x|1", "c.1|q0|NONE|ABANDON|a|b|c"};
	static const int64_t broken[] = {0, 7, 4000000000, 789952424};
	int n = 30;

	while (n-- > 0) {
		int64_t t =
		    from + (int64_t)rig_roll(&s->seed, (uint64_t)seconds);
		struct line *line;

		shuffle_line(
		    s, t, 0, "%s", odd[rig_roll(&s->seed, RT_COUNT(odd))]);
		if (rig_roll(&s->seed, 5) != 0)
			continue;
		/* the same line with a broken time, at the same place */
		line = &s->line[s->n - 1];
		shuffle_line(s, broken[rig_roll(&s->seed, RT_COUNT(broken))], 0,
		    "%s", strchr(line->text, '|') + 1);
		s->line[s->n - 1].time = t;
	}
}

static int
shuffle_by_time(const void *a, const void *b)
{
	const struct line *la = a, *lb = b;

	if (la->time != lb->time)
		return la->time < lb->time ? -1 : 1;
	return la->place < lb->place ? -1 : 1;
}

static int
shuffle_by_place(const void *a, const void *b)
{
	const struct line *la = a, *lb = b;

	if (la->place != lb->place)
		return la->place < lb->place ? -1 : 1;
	return la->chain < lb->chain ? -1 : la->chain > lb->chain;
}

/* As a switch writes them: by time, each call in its order. */
static void
shuffle_sort(struct shuffle *s)
{
	qsort(s->line, s->n, sizeof(s->line[0]), shuffle_by_time);
}

/* ... and as they could come: each up to a window too late. */
static void
shuffle_mix(struct shuffle *s)
{
	size_t last[SHUFFLE_CALLS + 2] = {0}, i;

	for (i = 0; i < s->n; i++) {
		struct line *line = &s->line[i];

		line->place =
		    (i + rig_roll(&s->seed, SHUFFLE_WINDOW)) * SHUFFLE_LINES +
		    i;
		if (line->chain == 0)
			continue;
		line->place = RT_MAX(line->place, last[line->chain] + 1);
		last[line->chain] = line->place;
	}
	qsort(s->line, s->n, sizeof(s->line[0]), shuffle_by_place);
}

static void
shuffle_write(const struct shuffle *s, struct rig *rig)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		rig_write(rig, slice_of(s->line[i].text));
}

static void
shuffle_fini(struct shuffle *s)
{
	while (s->n > 0)
		free(s->line[--s->n].text);
	free(s);
}

static struct shuffle *
shuffle_new(uint64_t seed)
{
	struct shuffle *s = mem_zalloc(sizeof(*s));

	s->seed = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	shuffle_calls(s, SHUFFLE_NOON, SHUFFLE_SECONDS);
	return s;
}

static void
shuffle_state(const struct shuffle *s, unsigned parts, struct strbuf *state)
{
	const struct rig_config config = RIG_CONFIG_INIT;
	struct rig rig;

	rig_init(&rig, &config);
	shuffle_write(s, &rig);
	rig_read(&rig, rig.log.n);
	if (!rig_holds(&rig, state))
		BUG("in one piece: %s", strbuf_str(state));
	rig_write_state(&rig, state, parts);
	rig_fini(&rig);
}

/* Any order: the same figures. */
static bool
shuffle_any_order(uint64_t seed, struct strbuf *why)
{
	struct shuffle *s = shuffle_new(seed);
	struct strbuf ordered = STRBUF_INIT, mixed = STRBUF_INIT;
	bool same;

	shuffle_sort(s);
	shuffle_state(s, RIG_QUEUES | RIG_AGENTS, &ordered);
	shuffle_mix(s);
	shuffle_state(s, RIG_QUEUES | RIG_AGENTS, &mixed);
	same = rig_difference(strbuf_str(&ordered), strbuf_str(&mixed), why) ==
	    NULL;
	strbuf_fini(&ordered);
	strbuf_fini(&mixed);
	shuffle_fini(s);
	return same;
}

static bool
shuffle_disturb(struct shuffle *s, struct rig *rig, struct strbuf *why)
{
	size_t upto = 0;

	while (upto < rig->log.n) {
		upto += 1 + rig_roll(&s->seed, 200);
		upto = RT_MIN(upto, rig->log.n);
		rig_read(rig, upto);
		if (rig_roll(&s->seed, 3) == 0 && !rig_cut(rig, why))
			return false;
		if (rig_roll(&s->seed, 5) == 0) {
			rig_crash(rig);
			rig_read(rig, upto);
		}
		if (!rig_holds(rig, why))
			return false;
	}
	return true;
}

/* Any reads, cuts and crashes: the same of everything. */
static bool
shuffle_any_crash(uint64_t seed, struct strbuf *why)
{
	const struct rig_config config = RIG_CONFIG_INIT;
	struct strbuf whole = STRBUF_INIT, pieces = STRBUF_INIT;
	struct shuffle *s = shuffle_new(seed);
	struct rig rig;
	bool same;

	shuffle_oddities(s, SHUFFLE_NOON, SHUFFLE_SECONDS);
	shuffle_sort(s);
	shuffle_state(s, RIG_ALL, &whole);
	rig_init(&rig, &config);
	shuffle_write(s, &rig);
	same = shuffle_disturb(s, &rig, why);
	rig_write_state(&rig, &pieces, RIG_ALL);
	same = same &&
	    rig_difference(strbuf_str(&whole), strbuf_str(&pieces), why) ==
		NULL;
	rig_fini(&rig);
	strbuf_fini(&whole);
	strbuf_fini(&pieces);
	shuffle_fini(s);
	return same;
}

static bool
shuffle_property(int number, const char *name,
    bool (*holds)(uint64_t seed, struct strbuf *why), uint64_t from,
    uint64_t to)
{
	struct strbuf why = STRBUF_INIT;
	uint64_t seed;

	for (seed = from; seed <= to; seed++)
		if (!holds(seed, &why))
			break;
	if (seed <= to)
		printf("# seed %" PRIu64 ": %s\n", seed, strbuf_str(&why));
	printf("%s %d - %s\n", seed > to ? "ok" : "not ok", number, name);
	strbuf_fini(&why);
	return seed > to;
}

int
main(int argc, char **argv)
{
	int64_t only = 0;
	uint64_t from = 1, to = SHUFFLE_QUICK;
	bool ok;

	log_set_level(LOG_LEVEL_ERROR);
	if (getenv("RINGTALLY_SLOW") != NULL)
		to = SHUFFLE_SLOW;
	if (argc > 1 && slice_uint(slice_of(argv[1]), &only))
		from = to = (uint64_t)only;
	puts("1..2");
	ok = shuffle_property(
	    1, "lines in any order", shuffle_any_order, from, to);
	ok &= shuffle_property(
	    2, "reads, cuts and crashes anywhere", shuffle_any_crash, from, to);
	return ok ? 0 : 1;
}
