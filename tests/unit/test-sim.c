/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulation against first principles: its numbers against their
 * distributions, its log against the rules of a queue_log, and the truth that
 * it tells against the log, which is read here by a few lines of their own.
 */
#include "base/base.h"
#include <setjmp.h>
#include <cmocka.h>

#include "base/strbuf.h"
#include "base/table.h"
#include "base/utc.h"
#include "sim/agenda.h"
#include "sim/dice.h"
#include "sim/sim.h"

#define MONDAY_US (INT64_C(1795392000) * USEC_PER_SEC) /* 2026-11-23 */
#define DAY_US	  (SEC_PER_DAY * USEC_PER_SEC)
#define HOUR_US	  (3600 * USEC_PER_SEC)

/* --- dice and agenda ------------------------------------------------------ */

/* The published outputs of splitmix64 (seed 1234567) and xoshiro256**. */
static void
test_dice_known(void **state)
{
	static const uint64_t want[] = {11520, 0, 1509978240,
	    UINT64_C(1215971899390074240), UINT64_C(1216172134540287360)};
	struct dice d;
	size_t i;

	(void)state;
	dice_seed(&d, 1234567);
	assert_true(d.s[0] == UINT64_C(6457827717110365317));
	assert_true(d.s[1] == UINT64_C(3203168211198807973));
	for (i = 0; i < 4; i++)
		d.s[i] = i + 1;
	for (i = 0; i < RT_COUNT(want); i++)
		assert_true(dice_roll(&d) == want[i]);
}

/* log2(1.5) and the square root of 2, to nine digits. */
static void
test_dice_tables(void **state)
{
	struct dice d;
	int i;

	(void)state;
	dice_seed(&d, 1);
	assert_in_range(d.log2[128], 2512394810u - 64, 2512394810u + 64);
	assert_in_range(d.exp2[128], 1518500250u - 64, 1518500250u + 64);
	for (i = 0; i < DICE_STEPS; i++) {
		assert_true(d.log2[i] < d.log2[i + 1]);
		assert_true(d.exp2[i] < d.exp2[i + 1]);
	}
}

/* Mean 1e6, standard deviation 1e6: of n draws, sigma is 1e6 / sqrt(n). */
static void
test_dice_exp(void **state)
{
	enum { N = 1000000 };
	struct dice d;
	int64_t sum = 0;
	int i, above = 0;

	(void)state;
	dice_seed(&d, 42);
	for (i = 0; i < N; i++) {
		int64_t x = dice_exp(&d, 1000000);

		assert_true(x >= 0);
		sum += x;
		above += x > 693147; /* ln 2: the median */
	}
	assert_in_range(sum / N, 1000000 - 3000, 1000000 + 3000);
	assert_in_range(above, N / 2 - 1500, N / 2 + 1500);
}

/*
 * P(x > median) = 1/2, P(x > median * e^sigma) = P(z > 1). Of a normal z that
 * is 0.158655; of the sum of twelve uniform numbers, whose excess kurtosis is
 * -0.1, by Edgeworth's first term 0.160672.
 */
static void
test_dice_lognormal(void **state)
{
	enum { N = 1000000 };
	struct dice d;
	int i, above = 0, far = 0, low = 0;

	(void)state;
	dice_seed(&d, 42);
	for (i = 0; i < N; i++) {
		int64_t x = dice_lognormal(&d, 1000000, 50);

		above += x > 1000000;
		far += x > 1648721;
		low += x < 606531;
	}
	assert_in_range(above, N / 2 - 1500, N / 2 + 1500);
	assert_in_range(far, 160672 - 1102, 160672 + 1102);
	assert_in_range(low, 160672 - 1102, 160672 + 1102);
}

static void
test_dice_bounds(void **state)
{
	struct dice d;
	int i, seen = 0, true_count = 0;

	(void)state;
	dice_seed(&d, 3);
	for (i = 0; i < 10000; i++) {
		int64_t x = dice_between(&d, -2, 2);

		assert_true(x >= -2 && x <= 2);
		seen |= 1 << (x + 2);
		assert_false(dice_chance(&d, 0));
		assert_true(dice_chance(&d, DICE_MILLION));
		true_count += dice_chance(&d, 250000);
	}
	assert_int_equal(seen, 31);
	assert_in_range(true_count, 2500 - 130, 2500 + 130);
}

static void
test_agenda_order(void **state)
{
	enum { N = 5000 };
	struct due *dues = mem_zalloc(N * sizeof(*dues));
	int64_t *at = mem_alloc(N * sizeof(*at));
	struct agenda a = {0};
	int64_t before = -1;
	struct dice d;
	int i, n = 0;

	(void)state;
	dice_seed(&d, 5);
	for (i = 0; i < N; i++)
		agenda_set(&a, &dues[i], at[i] = dice_below(&d, 1000));
	for (i = 0; i < N; i += 3) /* moved */
		agenda_set(&a, &dues[i], at[i] = dice_below(&d, 1000));
	for (i = 1; i < N; i += 7) {
		agenda_cancel(&a, &dues[i]);
		agenda_cancel(&a, &dues[i]); /* harmless */
		at[i] = -1;
	}
	for (i = 0; i < N; i++)
		n += at[i] >= 0;
	for (; n > 0; n--) {
		int64_t next = agenda_next(&a);
		struct due *due = agenda_take(&a);

		assert_true(next >= before);
		assert_true(at[due - dues] == next);
		at[due - dues] = -1;
		before = next;
	}
	assert_true(agenda_next(&a) == INT64_MAX);
	agenda_fini(&a);
	free(dues);
	free(at);
}

/* At the same instant: as they were set. */
static void
test_agenda_ties(void **state)
{
	struct due dues[100] = {{0}};
	struct agenda a = {0};
	int i;

	(void)state;
	for (i = 0; i < 100; i++)
		agenda_set(&a, &dues[i], 7);
	for (i = 0; i < 100; i++)
		assert_ptr_equal(agenda_take(&a), &dues[i]);
	agenda_fini(&a);
}

/* --- reading what a run wrote --------------------------------------------- */

#define FIELDS 12

/* What the reader knows of a call id. */
struct heard {
	UT_hash_handle hh;
	unsigned entries;
	bool waiting, talking;
	int64_t entered_s, answered_s;
	char id[48];
};

struct totals {
	uint64_t offered, waiting, talking, ended[OUTCOMES];
	int64_t wait_answered_s, wait_abandoned_s, talk_s;
	uint64_t dids, starts, disorder;
};

struct run {
	struct sim_sink sink;
	struct sim_config config;
	struct strbuf log;
	uint64_t lines, hash;
	struct totals truth;  /* of cells */
	struct totals visits; /* of visits */
	uint64_t last_order;
	int64_t last_start_s;
	/* by lines, when read */
	struct totals read;
	struct heard *heard;
	int64_t second;
	double sum, squares; /* of cells' arrivals */
	unsigned cells;
};

static void
run_line(struct sim_sink *sink, struct slice line)
{
	struct run *r = (struct run *)sink;
	size_t i;

	assert_true(line.n > 0 && line.p[line.n - 1] == '\n');
	assert_null(memchr(line.p, '\n', line.n - 1));
	for (i = 0; i < line.n; i++) /* FNV-1a */
		r->hash = (r->hash ^ (unsigned char)line.p[i]) *
		    UINT64_C(0x100000001b3);
	r->lines++;
	strbuf_add(&r->log, line.p, line.n);
}

static void
run_cell(struct sim_sink *sink, struct slice queue, int64_t starts_s,
    const struct sim_cell *cell)
{
	struct run *r = (struct run *)sink;
	uint64_t ended = 0;
	int i;

	assert_true(queue.n > 0);
	assert_true(starts_s >= r->last_start_s);
	assert_true(starts_s % r->config.interval_s == 0);
	r->last_start_s = starts_s;
	for (i = 0; i < OUTCOMES; i++) {
		ended += cell->ended[i];
		r->truth.ended[i] += cell->ended[i];
	}
	/* the identity of ringtally-sql(7) */
	assert_true(cell->offered == ended + cell->waiting);
	assert_true(cell->ended[OUTCOME_NONE] == 0);
	assert_true(cell->answered_15 <= cell->answered_20);
	assert_true(cell->answered_20 <= cell->ended[OUTCOME_ANSWERED]);
	assert_true(cell->abandoned_short <= cell->ended[OUTCOME_ABANDONED]);
	r->truth.offered += cell->offered;
	r->truth.waiting += cell->waiting;
	r->truth.wait_answered_s += cell->wait_answered_s;
	r->truth.wait_abandoned_s += cell->wait_abandoned_s;
	r->truth.talk_s += cell->talk_s;
	r->sum += (double)cell->offered;
	r->squares += (double)cell->offered * (double)cell->offered;
	r->cells++;
}

static void
run_visit(struct sim_sink *sink, const struct sim_visit *visit)
{
	struct run *r = (struct run *)sink;

	r->visits.offered++;
	r->visits.waiting += visit->outcome == OUTCOME_NONE;
	if (visit->outcome != OUTCOME_NONE)
		r->visits.ended[visit->outcome]++;
	if (visit->talk_s >= 0)
		r->visits.talk_s += visit->talk_s;
	if (visit->outcome == OUTCOME_ANSWERED)
		r->visits.wait_answered_s += visit->wait_s;
	if (visit->outcome == OUTCOME_ABANDONED)
		r->visits.wait_abandoned_s += visit->wait_s;
	assert_true(
	    (visit->agent.n > 0) == (visit->outcome == OUTCOME_ANSWERED));
	r->last_order = RT_MAX(r->last_order, visit->order);
}

static struct heard *
run_heard(struct run *r, struct slice id)
{
	struct heard *h;

	HASH_FIND(hh, r->heard, id.p, id.n, h);
	if (h == NULL) {
		h = mem_zalloc(sizeof(*h));
		assert_true(id.n < sizeof(h->id));
		memcpy(h->id, id.p, id.n);
		HASH_ADD_KEYPTR(hh, r->heard, h->id, id.n, h);
	}
	return h;
}

static void
run_forget(struct run *r)
{
	struct heard *h, *next;

	HASH_ITER (hh, r->heard, h, next) {
		HASH_DEL(r->heard, h);
		free(h);
	}
}

static int64_t
run_number(struct slice field)
{
	int64_t v = -1;

	assert_true(slice_uint(field, &v));
	return v;
}

static enum outcome
run_leave(struct slice event)
{
	static const char *const names[OUTCOMES] = {
	    [OUTCOME_ABANDONED] = "ABANDON",
	    [OUTCOME_TIMED_OUT] = "EXITWITHTIMEOUT",
	    [OUTCOME_EXITED_KEY] = "EXITWITHKEY",
	    [OUTCOME_EXITED_EMPTY] = "EXITEMPTY",
	    [OUTCOME_WITHDRAWN] = "WITHDRAW"};
	int i;

	for (i = 0; i < OUTCOMES; i++) {
		if (names[i] != NULL && slice_eq(event, slice_of(names[i])))
			return (enum outcome)i;
	}
	return OUTCOME_NONE;
}

/* The switch has started: whoever waited is lost, who talked is forgotten. */
static void
run_start(struct run *r)
{
	struct heard *h, *next;

	r->read.starts++;
	HASH_ITER (hh, r->heard, h, next) {
		r->read.ended[OUTCOME_LOST] += h->waiting;
		h->waiting = h->talking = false;
	}
}

static void
run_refused(struct run *r)
{
	r->read.offered++;
	r->read.ended[OUTCOME_REFUSED]++;
}

static void
run_enter(struct run *r, struct heard *h, int64_t second)
{
	assert_false(h->waiting || h->talking);
	h->waiting = true;
	h->entered_s = second;
	h->entries++;
	r->read.offered++;
}

static void
run_connect(struct run *r, struct heard *h, const struct slice *f, int n)
{
	assert_int_equal(n, 8);
	assert_true(h->waiting);
	h->waiting = false;
	h->talking = true;
	h->answered_s = run_number(f[0]);
	assert_true(run_number(f[5]) == h->answered_s - h->entered_s);
	assert_true(run_number(f[7]) <= run_number(f[5]) + 1);
	r->read.ended[OUTCOME_ANSWERED]++;
	r->read.wait_answered_s += run_number(f[5]);
}

/* hold and talk are the last but two and but one of all these lines */
static void
run_complete(struct run *r, struct heard *h, const struct slice *f, int n)
{
	int64_t second = run_number(f[0]);

	assert_true(h->talking);
	h->talking = false;
	assert_true(run_number(f[n - 3]) == h->answered_s - h->entered_s);
	assert_true(run_number(f[n - 2]) == second - h->answered_s);
	r->read.talk_s += run_number(f[n - 2]);
}

static void
run_left(struct run *r, struct heard *h, enum outcome outcome,
    const struct slice *f, int n)
{
	int64_t second = run_number(f[0]);
	int at = outcome == OUTCOME_WITHDRAWN ? n - 2 : n - 1;

	assert_true(h->waiting);
	h->waiting = false;
	assert_true(run_number(f[at]) == second - h->entered_s);
	assert_true(run_number(f[at - 2]) >= 1);
	assert_true(run_number(f[at - 1]) >= run_number(f[at - 2]));
	r->read.ended[outcome]++;
	if (outcome == OUTCOME_ABANDONED)
		r->read.wait_abandoned_s += run_number(f[at]);
}

static void
run_read_event(struct run *r, const struct slice *f, int n)
{
	struct slice event = f[4];
	struct heard *h = run_heard(r, f[1]);

	r->read.dids += slice_eq(event, SLICE("DID"));
	if (slice_eq(event, SLICE("QUEUESTART")))
		run_start(r);
	else if (slice_eq(event, SLICE("FULL")) ||
	    slice_eq(event, SLICE("JOINEMPTY")))
		run_refused(r);
	else if (slice_eq(event, SLICE("ENTERQUEUE")))
		run_enter(r, h, run_number(f[0]));
	else if (slice_eq(event, SLICE("CONNECT")))
		run_connect(r, h, f, n);
	else if (slice_eq(event, SLICE("COMPLETEAGENT")) ||
	    slice_eq(event, SLICE("COMPLETECALLER")) ||
	    slice_eq(event, SLICE("BLINDTRANSFER")) ||
	    slice_eq(event, SLICE("ATTENDEDTRANSFER")))
		run_complete(r, h, f, n);
	else if (run_leave(event) != OUTCOME_NONE)
		run_left(r, h, run_leave(event), f, n);
}

static int
run_split(struct slice line, struct slice *f)
{
	int n = 0;

	for (;;) {
		const char *bar = memchr(line.p, '|', line.n);

		assert_true(n < FIELDS);
		f[n].p = line.p;
		f[n].n = bar != NULL ? (size_t)(bar - line.p) : line.n;
		if (bar == NULL)
			return n + 1;
		line.n -= f[n].n + 1;
		line.p = bar + 1;
		n++;
	}
}

/* Reads the log; `strict` where every call keeps its id to its end. */
static void
run_read(struct run *r, bool strict)
{
	const char *p = r->log.p, *end = p + r->log.n;
	struct heard *h, *next;

	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		struct slice f[FIELDS];
		int n = run_split((struct slice){p, (size_t)(stop - p)}, f);
		int64_t second = run_number(f[0]);

		assert_true(n >= 6);
		assert_true(second >= r->second - 1);
		r->read.disorder += second < r->second;
		r->second = RT_MAX(second, r->second);
		if (strict)
			run_read_event(r, f, n);
		p = stop + 1;
	}
	HASH_ITER (hh, r->heard, h, next) {
		r->read.waiting += h->waiting;
		r->read.talking += h->talking;
	}
}

static void
run_init(struct run *r)
{
	*r = (struct run){.sink = {run_line, run_cell, run_visit},
	    .config = {.seed = 1,
		.start_us = MONDAY_US,
		.end_us = MONDAY_US + DAY_US,
		.queues = 8,
		.agents = 50,
		.rate = 1000,
		.redial = 400000,
		.crash_min = -1,
		.interval_s = 900,
		.short_abandon_s = 5},
	    .hash = UINT64_C(0xcbf29ce484222325)};
}

static void
run_play(struct run *r)
{
	struct err err;
	struct sim *sim = sim_new(&r->config, &r->sink, &err);

	assert_non_null(sim);
	while (sim_next(sim) < r->config.end_us)
		sim_step(sim);
	sim_end(sim);
	sim_free(sim);
}

static void
run_fini(struct run *r)
{
	run_forget(r);
	strbuf_fini(&r->log);
}

static void
run_same(const struct totals *a, const struct totals *b)
{
	int i;

	assert_int_equal(a->offered, b->offered);
	assert_int_equal(a->waiting, b->waiting);
	for (i = 0; i < OUTCOMES; i++)
		assert_int_equal(a->ended[i], b->ended[i]);
	assert_int_equal(a->wait_answered_s, b->wait_answered_s);
	assert_int_equal(a->wait_abandoned_s, b->wait_abandoned_s);
	assert_int_equal(a->talk_s, b->talk_s);
}

/* Plays, reads, and holds log, cells and visits against each other. */
static void
run_conserve(struct run *r)
{
	run_play(r);
	run_read(r, true);
	run_same(&r->truth, &r->read);
	run_same(&r->truth, &r->visits);
	assert_int_equal(r->last_order, r->truth.offered);
}

/* --- what holds of a run ------------------------------------------------- */

/*
 * The same bytes on every machine. A change of the model changes these: then
 * look at the log, and put the new ones here.
 */
static void
test_same_seed_same_log(void **state)
{
	static const struct {
		uint64_t seed, lines, hash;
	} want[] = {
	    {1, 21126, UINT64_C(0x3b83e640ad285c52)},
	    {2, 20653, UINT64_C(0x5289516430295c24)},
	};
	struct run r;
	size_t i;
	int again;

	(void)state;
	for (i = 0; i < RT_COUNT(want); i++) {
		for (again = 0; again < 2; again++) {
			run_init(&r);
			r.config.seed = want[i].seed;
			r.config.optimise = 10000;
			r.config.disorder = 10000;
			run_play(&r);
			assert_int_equal(r.lines, want[i].lines);
			assert_int_equal(r.hash, want[i].hash);
			run_fini(&r);
		}
	}
}

static void
test_conservation(void **state)
{
	struct run r;
	int i;

	(void)state;
	run_init(&r);
	r.config.end_us = MONDAY_US + 5 * DAY_US;
	run_conserve(&r);
	assert_int_equal(r.read.starts, 1);
	assert_int_equal(r.truth.waiting, 0); /* it is midnight */
	for (i = OUTCOME_ANSWERED; i <= OUTCOME_WITHDRAWN; i++)
		assert_true(r.truth.ended[i] > 0);
	assert_int_equal(r.truth.ended[OUTCOME_REFUSED], 0);
	assert_int_equal(r.truth.ended[OUTCOME_LOST], 0);
	run_fini(&r);
}

/* Cut off in the middle of the morning: some wait, some talk. */
static void
test_cut_off(void **state)
{
	struct run r;

	(void)state;
	run_init(&r);
	r.config.end_us = MONDAY_US + 11 * HOUR_US;
	r.config.rate = 3000;
	run_conserve(&r);
	assert_true(r.truth.waiting > 0);
	assert_true(r.read.talking > 0);
	run_fini(&r);
}

static void
test_crash(void **state)
{
	struct run r;

	(void)state;
	run_init(&r);
	r.config.crash_min = 10 * 60 + 30;
	r.config.refusals = true;
	r.config.rate = 3000;
	run_conserve(&r);
	assert_int_equal(r.read.starts, 2);
	assert_true(r.truth.ended[OUTCOME_LOST] > 0);
	assert_true(r.truth.ended[OUTCOME_REFUSED] > 0);
	run_fini(&r);
}

static void
test_large(void **state)
{
	struct run r;

	(void)state;
	run_init(&r);
	r.config.queues = 100;
	r.config.agents = 2000;
	r.config.rate = 40000;
	r.config.start_us += 9 * HOUR_US;
	r.config.end_us = r.config.start_us + 2 * HOUR_US;
	run_conserve(&r);
	assert_true(r.truth.offered > 30000);
	run_fini(&r);
}

/* Nobody rings after the n-th caller, and all who did are served. */
static void
test_calls(void **state)
{
	struct run r;

	(void)state;
	run_init(&r);
	r.config.calls = 1000;
	r.config.end_us = INT64_MAX;
	run_conserve(&r);
	assert_true(r.read.dids >= 1000);
	assert_true(r.truth.offered >= 1000);
	assert_int_equal(r.truth.waiting, 0);
	assert_int_equal(r.read.talking, 0);
	run_fini(&r);
}

/* COMPLETE lines under an id that no line named before; *known: the others. */
static uint64_t
run_strangers(struct run *r, uint64_t *known)
{
	const char *p = r->log.p, *end = p + r->log.n;
	uint64_t strangers = 0;

	*known = 0;
	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		struct slice f[FIELDS];
		struct heard *h;

		run_split((struct slice){p, (size_t)(stop - p)}, f);
		h = run_heard(r, f[1]);
		if (slice_eq(f[4], SLICE("COMPLETEAGENT")) ||
		    slice_eq(f[4], SLICE("COMPLETECALLER"))) {
			strangers += h->entries == 0;
			*known += h->entries > 0;
		}
		h->entries++;
		p = stop + 1;
	}
	return strangers;
}

/* Only the second leg of an attended transfer keeps its id then. */
static void
test_optimise(void **state)
{
	uint64_t known, strangers;
	struct run r;

	(void)state;
	run_init(&r);
	r.config.optimise = 1000000;
	run_play(&r);
	run_same(&r.truth, &r.visits);
	strangers = run_strangers(&r, &known);
	assert_true(strangers > 2000);
	assert_true(known < strangers / 20);
	run_fini(&r);
}

/* CALLSTATUS lines, each of a call whose conversation has just ended; they are
 * taken out. *ended: conversations that ended as such. */
static uint64_t
run_take_statuses(struct run *r, uint64_t *ended)
{
	const char *p = r->log.p, *end = p + r->log.n;
	struct strbuf rest = STRBUF_INIT;
	struct slice last = {0};
	uint64_t statuses = 0;

	*ended = 0;
	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		struct slice f[FIELDS];
		int n = run_split((struct slice){p, (size_t)(stop - p)}, f);

		if (slice_eq(f[4], SLICE("CALLSTATUS"))) {
			assert_int_equal(n, 6);
			assert_true(f[5].n > 0);
			assert_true(slice_eq(f[1], last));
			last.n = 0;
			statuses++;
		} else {
			strbuf_add(&rest, p, (size_t)(stop + 1 - p));
		}
		if (slice_eq(f[4], SLICE("COMPLETEAGENT")) ||
		    slice_eq(f[4], SLICE("COMPLETECALLER"))) {
			last = f[1];
			++*ended;
		}
		p = stop + 1;
	}
	strbuf_fini(&r->log);
	r->log = rest;
	return statuses;
}

/* Assessments add lines of their own, and change no other. */
static void
test_assess(void **state)
{
	static const uint32_t shares[] = {300000, 1000000};
	uint64_t statuses, ended;
	struct run plain, r;
	size_t i;

	(void)state;
	run_init(&plain);
	run_play(&plain);
	assert_true(run_take_statuses(&plain, &ended) == 0);
	for (i = 0; i < RT_COUNT(shares); i++) {
		run_init(&r);
		r.config.assess = shares[i];
		run_conserve(&r);
		statuses = run_take_statuses(&r, &ended);
		assert_true(statuses * 100 > ended * (shares[i] / 10000 - 4));
		assert_true(statuses * 100 < ended * (shares[i] / 10000 + 4));
		assert_true(shares[i] < 1000000 || statuses == ended);
		assert_int_equal(r.log.n, plain.log.n);
		assert_memory_equal(r.log.p, plain.log.p, plain.log.n);
		run_fini(&r);
	}
	run_fini(&plain);
}

static int
run_compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **
run_lines_sorted(struct run *r)
{
	char **lines = mem_alloc(r->lines * sizeof(*lines));
	char *p = r->log.p;
	uint64_t i;

	for (i = 0; i < r->lines; i++) {
		lines[i] = p;
		p = strchr(p, '\n');
		*p++ = '\0';
	}
	qsort(lines, r->lines, sizeof(*lines), run_compare_lines);
	return lines;
}

/* The same lines in another order, none more than a second back. */
static void
test_disorder(void **state)
{
	struct run a, b;
	char **la, **lb;
	uint64_t i;

	(void)state;
	run_init(&a);
	run_init(&b);
	b.config.disorder = 500000;
	run_play(&a);
	run_play(&b);
	run_read(&a, false);
	run_read(&b, false);
	assert_int_equal(a.read.disorder, 0);
	assert_true(b.read.disorder > 100);
	run_same(&a.truth, &b.truth);
	assert_int_equal(a.lines, b.lines);
	la = run_lines_sorted(&a);
	lb = run_lines_sorted(&b);
	for (i = 0; i < a.lines; i++)
		assert_string_equal(la[i], lb[i]);
	free(la);
	free(lb);
	run_fini(&a);
	run_fini(&b);
}

/* Each call's own lines stay in order, also in disorder. */
static void
test_disorder_conserves(void **state)
{
	struct run r;

	(void)state;
	run_init(&r);
	r.config.disorder = 1000000;
	r.config.crash_min = 10 * 60 + 30;
	run_conserve(&r);
	run_fini(&r);
}

/*
 * 300 an hour over 1,000 hours, nobody ringing twice: 300,000 arrivals, sigma
 * 548. Per quarter of an hour the variance of a Poisson count is its mean: the
 * ratio is 1, with a sigma of sqrt(2 / 4,000). The queues are one here, and so
 * overflow and transfers do not count a caller again.
 */
static void
test_arrivals(void **state)
{
	double mean, ratio;
	struct run r;

	(void)state;
	run_init(&r);
	r.config.flat = true;
	r.config.redial = 0;
	r.config.queues = 1;
	r.config.end_us = MONDAY_US + 1000 * HOUR_US;
	run_play(&r);
	run_read(&r, true);
	assert_in_range(r.read.dids, 300000 - 1643, 300000 + 1643);
	assert_int_equal(r.cells, 4000);
	mean = r.sum / r.cells;
	ratio = (r.squares / r.cells - mean * mean) / mean;
	assert_true(ratio > 1 - 0.067 && ratio < 1 + 0.067);
	run_fini(&r);
}

/* By day: the profile adds up to 3,065 on an average day, 130 % on Mondays. */
static void
test_arrivals_by_day(void **state)
{
	struct run r;

	(void)state;
	run_init(&r);
	r.config.redial = 0;
	r.config.rate = 20000;
	r.config.agents = 1000;
	run_play(&r);
	run_read(&r, true);
	assert_in_range(r.read.dids, 79690 - 847, 79690 + 847);
	run_fini(&r);
	run_init(&r);
	r.config.start_us += 5 * DAY_US; /* Saturday */
	r.config.end_us = r.config.start_us + 2 * DAY_US;
	run_play(&r);
	run_read(&r, true);
	assert_int_equal(r.read.dids, 0);
	run_fini(&r);
}

static void
check_refused(struct run *r, const char *what)
{
	struct err err;

	assert_null(sim_new(&r->config, &r->sink, &err));
	assert_non_null(strstr(err.text, what));
	run_init(r);
}

static void
test_config(void **state)
{
	struct run r;

	(void)state;
	run_init(&r);
	r.config.queues = 0;
	check_refused(&r, "queues");
	r.config.agents = 7;
	check_refused(&r, "one for each queue");
	r.config.rate = 0;
	check_refused(&r, "rate");
	r.config.interval_s = 7 * 60;
	check_refused(&r, "interval");
	r.config.end_us = MONDAY_US - 1;
	check_refused(&r, "start");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_dice_known),
	    cmocka_unit_test(test_dice_tables),
	    cmocka_unit_test(test_dice_exp),
	    cmocka_unit_test(test_dice_lognormal),
	    cmocka_unit_test(test_dice_bounds),
	    cmocka_unit_test(test_agenda_order),
	    cmocka_unit_test(test_agenda_ties),
	    cmocka_unit_test(test_same_seed_same_log),
	    cmocka_unit_test(test_conservation),
	    cmocka_unit_test(test_cut_off),
	    cmocka_unit_test(test_crash),
	    cmocka_unit_test(test_large),
	    cmocka_unit_test(test_calls),
	    cmocka_unit_test(test_optimise),
	    cmocka_unit_test(test_assess),
	    cmocka_unit_test(test_disorder),
	    cmocka_unit_test(test_disorder_conserves),
	    cmocka_unit_test(test_arrivals),
	    cmocka_unit_test(test_arrivals_by_day),
	    cmocka_unit_test(test_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
