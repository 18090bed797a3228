/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "tally/live.h"
#include "tally/repeat.h"

#define REPEAT_SHARDS	 256  /* by the first byte of the caller */
#define REPEAT_BLOCK	 4096 /* points that are allocated at a time */
#define REPEAT_SLOTS_MIN 16
#define REPEAT_NUMBERS	 32 /* of visits that are told apart */
#define REPEAT_QUEUES	 (1U << 24)
#define REPEAT_MINUTE_US (60 * USEC_PER_SEC)
#define REPEAT_RAISE	 8 /* of what is held, this part goes for room */
#define REPEAT_SWEEPS	 4 /* in the time of within_us */
#define REPEAT_LAZY	 (1U << 16) /* points that are no trouble, however old */

/* The points of one caller hang on each other, the newest first. */
struct repeat_point {
	uint8_t caller[REPEAT_CALLER_BYTES];
	int64_t at_us;
	int32_t minute; /* of its interval's start, since 1970 */
	uint32_t call;
	uint32_t queue : 24; /* in repeat.queues */
	uint32_t number : 5;
	uint32_t kind : 2; /* enum repeat_kind */
	uint32_t done : 1; /* it is repeated, or called back */
	uint32_t older;	   /* a reference: see repeat_at; 0: none */
};

_Static_assert(sizeof(struct repeat_point) == 40, "as the manual says");

/* References to the newest points of callers; open addressing. */
struct repeat_shard {
	uint32_t *slot; /* 0: free; NULL: none was needed yet */
	uint32_t mask;
	uint32_t used; /* callers */
};

struct repeat_queue {
	struct queue *queue;
	uint32_t service;
};

/* A service, or a queue that has none. */
struct repeat_service {
	UT_hash_handle hh;
	uint32_t id;
	char name[]; /* "s" or "q", and its name */
};

struct repeat {
	struct repeat_config config;
	struct repeat_shard shards[REPEAT_SHARDS];
	struct repeat_point **blocks;
	uint32_t n_blocks;
	uint32_t n_made; /* points ever taken from the blocks */
	uint32_t spare;	 /* a list of those given back, by `older` */
	uint64_t n;
	int64_t clock_us;  /* 0: not known yet */
	int64_t since_us;  /* no point after this was let go */
	int64_t oldest_us; /* no point that is there is older */
	unsigned to_sweep; /* shards that hold what is older than that */
	bool quiet;	   /* loading: what follows is booked already */
	struct repeat_queue *queues;
	uint32_t n_queues;
	struct repeat_service *services;
};

/* --- memory -------------------------------------------------------------- */

static inline struct repeat_point *
repeat_at(const struct repeat *r, uint32_t reference)
{
	uint32_t i = reference - 1;

	return &r->blocks[i / REPEAT_BLOCK][i % REPEAT_BLOCK];
}

static uint32_t
repeat_take_point(struct repeat *r)
{
	uint32_t reference = r->spare;

	r->n++;
	if (reference != 0) {
		r->spare = repeat_at(r, reference)->older;
		return reference;
	}
	if (r->n_made == r->n_blocks * REPEAT_BLOCK) {
		r->blocks =
		    mem_realloc(r->blocks, r->n_blocks + 1, sizeof(*r->blocks));
		r->blocks[r->n_blocks++] =
		    mem_alloc(REPEAT_BLOCK * sizeof(struct repeat_point));
	}
	return ++r->n_made;
}

static void
repeat_give_point(struct repeat *r, uint32_t reference)
{
	repeat_at(r, reference)->older = r->spare;
	r->spare = reference;
	r->n--;
}

struct repeat *
repeat_new(const struct repeat_config *config)
{
	struct repeat *r = mem_zalloc(sizeof(*r));

	BUG_ON(config->within_us <= 0 || config->max == 0);
	r->config = *config;
	r->since_us = INT64_MIN;
	r->oldest_us = INT64_MAX;
	return r;
}

void
repeat_free(struct repeat *r)
{
	struct repeat_service *s, *next;
	uint32_t i;

	if (r == NULL)
		return;
	for (i = 0; i < REPEAT_SHARDS; i++)
		free(r->shards[i].slot);
	for (i = 0; i < r->n_blocks; i++)
		free(r->blocks[i]);
	HASH_ITER (hh, r->services, s, next) {
		HASH_DEL(r->services, s);
		free(s);
	}
	free(r->blocks);
	free(r->queues);
	free(r);
}

/* --- what is booked ------------------------------------------------------ */

static void
repeat_book(
    const struct repeat *r, const struct repeat_point *p, enum measure m, int n)
{
	struct queue *queue = r->queues[p->queue].queue;
	struct tally *t = queue->tally;

	if (r->quiet)
		return;
	tally_book(
	    t, tally_cell(queue, (int64_t)p->minute * REPEAT_MINUTE_US), m, n);
	if (t->live != NULL)
		live_touch(t->live, queue);
}

/* Counts the point itself, or takes that back. */
static void
repeat_book_known(const struct repeat *r, const struct repeat_point *p, int n)
{
	if (p->kind != REPEAT_AGAIN)
		repeat_book(r, p,
		    p->kind == REPEAT_FIRST ? MEASURE_caller_known
					    : MEASURE_abandoned_known,
		    n);
}

static void
repeat_set_done(const struct repeat *r, struct repeat_point *p, bool done)
{
	if (p->done == done)
		return;
	p->done = done;
	repeat_book(r, p,
	    p->kind == REPEAT_FIRST ? MEASURE_repeated : MEASURE_called_back,
	    done ? 1 : -1);
}

/* It is in no figure any more. */
static void
repeat_uncount(const struct repeat *r, struct repeat_point *p)
{
	if (p->kind == REPEAT_AGAIN)
		return;
	repeat_set_done(r, p, false);
	repeat_book_known(r, p, -1);
}

/* For how long after it a point may be followed. */
static int64_t
repeat_window_us(const struct repeat *r, const struct repeat_point *p)
{
	return p->kind == REPEAT_GAVE_UP ? REPEAT_DAY_US : r->config.within_us;
}

/* --- callers ------------------------------------------------------------- */

/* Its bytes are those of a keyed hash: as good as any that we could make. */
static inline uint32_t
repeat_hash(const uint8_t caller[REPEAT_CALLER_BYTES])
{
	uint32_t hash;

	memcpy(&hash, caller + 1, sizeof(hash));
	return hash;
}

/* The slot of the caller, or the free one that it would have. */
static uint32_t *
repeat_slot(const struct repeat *r, const struct repeat_shard *s,
    const uint8_t caller[REPEAT_CALLER_BYTES])
{
	uint32_t i = repeat_hash(caller) & s->mask;

	while (s->slot[i] != 0 &&
	    memcmp(repeat_at(r, s->slot[i])->caller, caller,
		REPEAT_CALLER_BYTES) != 0)
		i = (i + 1) & s->mask;
	return &s->slot[i];
}

/* Closes the gap that a caller leaves, so that all others are still found. */
static void
repeat_remove_slot(const struct repeat *r, struct repeat_shard *s, uint32_t gap)
{
	uint32_t i = gap, home;

	s->used--;
	for (;;) {
		s->slot[gap] = 0;
		do {
			i = (i + 1) & s->mask;
			if (s->slot[i] == 0)
				return;
			home = repeat_hash(repeat_at(r, s->slot[i])->caller) &
			    s->mask;
			/* it stays where its home is behind the gap */
		} while (((i - home) & s->mask) < ((i - gap) & s->mask));
		s->slot[gap] = s->slot[i];
		gap = i;
	}
}

/*
 * Lets go of what is older; returns the reference of what is left, or 0. What
 * could still have been followed is counted no more: for want of room.
 */
static uint32_t
repeat_trim(struct repeat *r, uint32_t newest, int64_t before_us)
{
	uint32_t *at = &newest, next;

	while (*at != 0 && repeat_at(r, *at)->at_us >= before_us)
		at = &repeat_at(r, *at)->older;
	while ((next = *at) != 0) {
		if (repeat_at(r, next)->at_us >=
		    r->clock_us - repeat_window_us(r, repeat_at(r, next)))
			repeat_uncount(r, repeat_at(r, next));
		*at = repeat_at(r, next)->older;
		repeat_give_point(r, next);
	}
	return newest;
}

/* The same of all callers of a shard, whose table has n slots behind it. */
static void
repeat_rebuild(
    struct repeat *r, struct repeat_shard *s, uint32_t n, int64_t before_us)
{
	struct repeat_shard old = *s;
	uint32_t i, newest;

	s->slot = mem_zalloc(n * sizeof(*s->slot));
	s->mask = n - 1;
	s->used = 0;
	for (i = 0; old.slot != NULL && i <= old.mask; i++) {
		if (old.slot[i] == 0)
			continue;
		newest = repeat_trim(r, old.slot[i], before_us);
		if (newest == 0)
			continue;
		*repeat_slot(r, s, repeat_at(r, newest)->caller) = newest;
		s->used++;
	}
	free(old.slot);
}

/* What is older is not needed: nothing that late is compared. */
static int64_t
repeat_horizon_us(const struct repeat *r)
{
	return RT_MAX(
	    r->since_us, r->clock_us - r->config.within_us - REPEAT_LATE_US);
}

/* One caller more: makes room where four fifths are taken. */
static void
repeat_grow(struct repeat *r, struct repeat_shard *s)
{
	uint32_t n = s->mask + 1;

	if (s->slot == NULL) {
		repeat_rebuild(r, s, REPEAT_SLOTS_MIN, INT64_MIN);
		return;
	}
	if (5 * (uint64_t)s->used < 4 * (uint64_t)n)
		return;
	if (r->clock_us != 0 && !r->quiet)
		r->since_us = repeat_horizon_us(r);
	repeat_rebuild(r, s, n, r->since_us);
	if (5 * (uint64_t)s->used >= 3 * (uint64_t)n)
		repeat_rebuild(r, s, 2 * n, r->since_us);
}

static int
repeat_order_cb(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Behind the oldest eighth of a shard's points; they are much like all. */
static int64_t
repeat_eighth_us(const struct repeat *r, const struct repeat_shard *s)
{
	int64_t *times = NULL, us = r->since_us;
	size_t n = 0;
	uint32_t i, at;

	for (i = 0; i <= s->mask; i++)
		for (at = s->slot[i]; at != 0; at = repeat_at(r, at)->older) {
			if ((n & (n - 1)) == 0)
				times = mem_realloc(
				    times, RT_MAX(2 * n, 1), sizeof(*times));
			times[n++] = repeat_at(r, at)->at_us;
		}
	if (n > 0) {
		qsort(times, n, sizeof(*times), repeat_order_cb);
		us = RT_MAX(us, times[n / REPEAT_RAISE] + 1);
	}
	free(times);
	return us;
}

/* Whether it is time to let go of what is older than needed. */
static bool
repeat_is_due(const struct repeat *r)
{
	if (r->n < REPEAT_LAZY || r->clock_us == 0 || r->quiet)
		return false;
	return r->oldest_us <
	    repeat_horizon_us(r) - r->config.within_us / REPEAT_SWEEPS;
}

static void
repeat_raise(struct repeat *r)
{
	int i;

	for (i = 0; r->shards[i].used == 0; i++)
		;
	r->since_us = repeat_eighth_us(r, &r->shards[i]);
}

/*
 * Now and then what is old goes; and where there are more points than there may
 * be, what is not so old. One shard is swept with each point that comes, so
 * that nobody waits for all of them.
 */
static void
repeat_make_room(struct repeat *r)
{
	struct repeat_shard *s;

	if (r->to_sweep == 0) {
		if (r->n >= r->config.max)
			repeat_raise(r);
		else if (repeat_is_due(r))
			r->since_us = repeat_horizon_us(r);
		else
			return;
		r->to_sweep = REPEAT_SHARDS;
		r->oldest_us = r->since_us;
	}
	s = &r->shards[--r->to_sweep];
	if (s->slot != NULL)
		repeat_rebuild(r, s, s->mask + 1, r->since_us);
}

/* --- services ------------------------------------------------------------ */

static uint32_t
repeat_service(struct repeat *r, const char *service, const char *queue)
{
	const char *name = service != NULL ? service : queue;
	size_t n = strlen(name) + 1;
	struct repeat_service *s, *made = mem_zalloc(sizeof(*s) + n + 1);

	made->name[0] = service != NULL ? 's' : 'q';
	memcpy(made->name + 1, name, n);
	HASH_FIND(hh, r->services, made->name, (unsigned)n, s);
	if (s != NULL) {
		free(made);
		return s->id;
	}
	made->id = HASH_COUNT(r->services);
	HASH_ADD_KEYPTR(hh, r->services, made->name, (unsigned)n, made);
	return made->id;
}

static uint32_t
repeat_configured(struct repeat *r, const struct queue *queue)
{
	return repeat_service(r,
	    r->config.service_of != NULL
		? r->config.service_of(r->config.ctx, queue->name)
		: NULL,
	    queue->name);
}

/* The number of a queue in our table. */
static uint32_t
repeat_queue(struct repeat *r, struct queue *queue)
{
	if (queue->repeat_id != 0)
		return queue->repeat_id - 1;
	BUG_ON(r->n_queues == REPEAT_QUEUES);
	r->queues = mem_realloc(r->queues, r->n_queues + 1, sizeof(*r->queues));
	r->queues[r->n_queues] =
	    (struct repeat_queue){queue, repeat_configured(r, queue)};
	queue->repeat_id = ++r->n_queues;
	return queue->repeat_id - 1;
}

void
repeat_set_service(struct repeat *r, struct queue *queue, const char *service)
{
	uint32_t id = repeat_queue(r, queue);

	r->queues[id].service = repeat_service(r, service, queue->name);
}

bool
repeat_same_service(struct repeat *r, struct queue *one, struct queue *other)
{
	uint32_t a = repeat_queue(r, one), b = repeat_queue(r, other);

	return r->queues[a].service == r->queues[b].service;
}

/* --- what follows -------------------------------------------------------- */

static bool
repeat_is_answer(const struct repeat_point *p)
{
	return p->kind != REPEAT_GAVE_UP;
}

static bool
repeat_is_like(const struct repeat *r, const struct repeat_point *a,
    const struct repeat_point *b)
{
	return repeat_is_answer(a) && repeat_is_answer(b) &&
	    r->queues[a->queue].service == r->queues[b->queue].service;
}

/* Whether the answer q makes the earlier point p a repeated one. */
static bool
repeat_follows(const struct repeat *r, const struct repeat_point *p,
    const struct repeat_point *q)
{
	int64_t after_us = q->at_us - p->at_us;

	if (!repeat_is_answer(q))
		return false;
	switch ((enum repeat_kind)p->kind) {
	case REPEAT_FIRST:
		return after_us > 0 && after_us <= r->config.within_us &&
		    q->call != p->call && repeat_is_like(r, p, q);
	case REPEAT_GAVE_UP:
		return after_us >= 0 && after_us <= REPEAT_DAY_US;
	case REPEAT_AGAIN:
		return false;
	}
	return false;
}

/* Whether some point makes p done, of those from the newest on. */
static bool
repeat_is_followed(
    const struct repeat *r, uint32_t newest, const struct repeat_point *p)
{
	const struct repeat_point *q;

	for (; newest != 0; newest = q->older) {
		q = repeat_at(r, newest);
		if (q->at_us < p->at_us)
			return false;
		if (q != p && repeat_follows(r, p, q))
			return true;
	}
	return false;
}

/*
 * How far back an answer may matter. Of its service the points of two other
 * calls are enough: what is before them was followed by one of these already,
 * or is too far from here, too. Who gave up before any earlier answer was
 * called back by that one, or is too far.
 */
struct repeat_reach {
	const struct repeat_point *answer;
	bool met;
	uint32_t call;	   /* of the first one met */
	int64_t enough_us; /* nothing before this is to be repeated */
	bool gave_up_end;  /* nobody further on is to be called back */
};

static bool
repeat_reaches(const struct repeat_reach *reach, const struct repeat *r,
    const struct repeat_point *p)
{
	int64_t before_us = reach->answer->at_us - p->at_us;

	return (before_us <= r->config.within_us &&
		   p->at_us >= reach->enough_us) ||
	    (before_us <= REPEAT_DAY_US && !reach->gave_up_end);
}

static void
repeat_reached(struct repeat_reach *reach, const struct repeat *r,
    const struct repeat_point *p)
{
	const struct repeat_point *q = reach->answer;

	if (!repeat_is_answer(p) || p->at_us >= q->at_us)
		return;
	reach->gave_up_end = true;
	if (p->call == q->call || !repeat_is_like(r, p, q))
		return;
	if (reach->met && reach->call != p->call)
		reach->enough_us = RT_MAX(reach->enough_us, p->at_us);
	if (!reach->met)
		reach->call = p->call;
	reach->met = true;
}

/*
 * The answer q is there (or, with `gone`, is not any more): what the points
 * before it are by that. `from`: where they begin.
 */
static void
repeat_tell_older(struct repeat *r, uint32_t newest, uint32_t from,
    const struct repeat_point *q, bool gone)
{
	struct repeat_reach reach = {.answer = q, .enough_us = INT64_MIN};
	struct repeat_point *p;

	for (; from != 0; from = p->older) {
		p = repeat_at(r, from);
		if (!repeat_reaches(&reach, r, p))
			return;
		if (p != q && repeat_follows(r, p, q))
			repeat_set_done(
			    r, p, !gone || repeat_is_followed(r, newest, p));
		repeat_reached(&reach, r, p);
	}
}

/* --- points -------------------------------------------------------------- */

static struct repeat_shard *
repeat_shard_of(struct repeat *r, const uint8_t caller[REPEAT_CALLER_BYTES])
{
	return &r->shards[caller[0]];
}

static struct repeat_point
repeat_make(
    struct repeat *r, const struct repeat_visit *visit, enum repeat_kind kind)
{
	uint32_t queue = repeat_queue(r, visit->queue);
	struct repeat_point p = {.at_us = visit->at_us,
	    .minute = (int32_t)(utc_floor(visit->entered_us,
				    visit->queue->tally->config.interval_us) /
		REPEAT_MINUTE_US),
	    .call = visit->call,
	    .queue = queue & (REPEAT_QUEUES - 1),
	    .number = visit->number % REPEAT_NUMBERS,
	    .kind = (uint32_t)kind & 3};

	memcpy(p.caller, visit->caller, sizeof(p.caller));
	return p;
}

/* Behind all that are newer. */
static void
repeat_insert(struct repeat *r, const struct repeat_point *like)
{
	struct repeat_shard *s = repeat_shard_of(r, like->caller);
	uint32_t reference, *newest, *at;
	struct repeat_point *p;

	repeat_grow(r, s);
	r->oldest_us = RT_MIN(r->oldest_us, like->at_us);
	reference = repeat_take_point(r);
	p = repeat_at(r, reference);
	*p = *like;
	newest = at = repeat_slot(r, s, like->caller);
	s->used += *newest == 0;
	while (*at != 0 && repeat_at(r, *at)->at_us > p->at_us)
		at = &repeat_at(r, *at)->older;
	p->older = *at;
	*at = reference;
	repeat_book_known(r, p, 1);
	if (p->kind != REPEAT_AGAIN)
		repeat_set_done(r, p, repeat_is_followed(r, *newest, p));
	if (repeat_is_answer(p))
		repeat_tell_older(r, *newest, p->older, p, false);
}

/* Where the reference to the visit's point stands; NULL: nowhere. */
static uint32_t *
repeat_find(struct repeat *r, const struct repeat_visit *visit, bool answered,
    uint32_t **newest)
{
	struct repeat_point like =
	    repeat_make(r, visit, answered ? REPEAT_FIRST : REPEAT_GAVE_UP);
	struct repeat_shard *s = repeat_shard_of(r, like.caller);
	struct repeat_point *p;
	uint32_t *at;

	if (s->slot == NULL)
		return NULL;
	*newest = repeat_slot(r, s, like.caller);
	for (at = *newest; *at != 0; at = &p->older) {
		p = repeat_at(r, *at);
		if (p->call == like.call && p->number == like.number &&
		    p->queue == like.queue && p->minute == like.minute &&
		    repeat_is_answer(p) == answered)
			return at;
	}
	return NULL;
}

/* Whether a call of which the machine may have forgotten was counted. */
static bool
repeat_is_counted(struct repeat *r, const struct repeat_visit *visit)
{
	const struct repeat_shard *s = repeat_shard_of(r, visit->caller);
	const struct repeat_point *p;
	uint32_t at;

	if (s->slot == NULL)
		return false;
	for (at = *repeat_slot(r, s, visit->caller); at != 0; at = p->older) {
		p = repeat_at(r, at);
		if (p->at_us < visit->at_us - REPEAT_DAY_US)
			return false;
		if (p->kind == REPEAT_FIRST && p->call == visit->call)
			return true;
	}
	return false;
}

/* Is all there that may have followed it? */
static bool
repeat_can_compare(const struct repeat *r, const struct repeat_visit *visit)
{
	if (r->clock_us != 0 && visit->at_us > r->clock_us + REPEAT_DAY_US)
		return false;
	return visit->at_us >= r->since_us;
}

int
repeat_answered(struct repeat *r, const struct repeat_visit *visit, bool first)
{
	struct repeat_point p;

	repeat_make_room(r);
	if (!repeat_can_compare(r, visit))
		return -1;
	if (first && visit->number != 1 && repeat_is_counted(r, visit))
		first = false;
	p = repeat_make(r, visit, first ? REPEAT_FIRST : REPEAT_AGAIN);
	repeat_insert(r, &p);
	return (int)p.kind;
}

bool
repeat_gave_up(struct repeat *r, const struct repeat_visit *visit)
{
	struct repeat_point p;

	repeat_make_room(r);
	if (!repeat_can_compare(r, visit))
		return false;
	p = repeat_make(r, visit, REPEAT_GAVE_UP);
	repeat_insert(r, &p);
	return true;
}

/* The first point from there on that is not later. */
static uint32_t
repeat_not_after(const struct repeat *r, uint32_t newest, int64_t at_us)
{
	while (newest != 0 && repeat_at(r, newest)->at_us > at_us)
		newest = repeat_at(r, newest)->older;
	return newest;
}

bool
repeat_take_back(
    struct repeat *r, const struct repeat_visit *visit, bool answered)
{
	struct repeat_shard *s = repeat_shard_of(r, visit->caller);
	uint32_t *newest = NULL, *at, reference;
	struct repeat_point *p;

	at = repeat_find(r, visit, answered, &newest);
	if (at == NULL)
		return false;
	reference = *at;
	p = repeat_at(r, reference);
	repeat_uncount(r, p);
	*at = p->older;
	if (answered)
		repeat_tell_older(r, *newest,
		    repeat_not_after(r, *newest, p->at_us), p, true);
	if (*newest == 0)
		repeat_remove_slot(r, s, (uint32_t)(newest - s->slot));
	repeat_give_point(r, reference);
	return true;
}

uint64_t
repeat_forget(struct repeat *r, const uint8_t caller[REPEAT_CALLER_BYTES])
{
	struct repeat_shard *s = repeat_shard_of(r, caller);
	uint32_t *slot, reference, next;
	uint64_t n = 0;

	if (s->slot == NULL)
		return 0;
	slot = repeat_slot(r, s, caller);
	reference = *slot;
	if (reference == 0)
		return 0;
	repeat_remove_slot(r, s, (uint32_t)(slot - s->slot));
	for (; reference != 0; reference = next, n++) {
		next = repeat_at(r, reference)->older;
		memset(repeat_at(r, reference)->caller, 0, REPEAT_CALLER_BYTES);
		repeat_give_point(r, reference);
	}
	return n;
}

bool
repeat_settle(struct repeat *r, const struct repeat_visit *visit)
{
	uint32_t *newest = NULL, *at = repeat_find(r, visit, true, &newest);
	struct repeat_point like;

	if (at == NULL)
		return false;
	like = *repeat_at(r, *at);
	if (like.at_us == visit->at_us)
		return true;
	repeat_take_back(r, visit, true);
	like.at_us = visit->at_us;
	like.done = 0;
	repeat_insert(r, &like);
	return true;
}

bool
repeat_set_first(struct repeat *r, const struct repeat_visit *visit, bool first)
{
	uint32_t *newest = NULL, *at = repeat_find(r, visit, true, &newest);
	struct repeat_point *p;

	if (at == NULL)
		return false;
	p = repeat_at(r, *at);
	if ((p->kind == REPEAT_FIRST) == first)
		return true;
	if (!first) {
		repeat_uncount(r, p);
		p->kind = REPEAT_AGAIN;
	} else {
		p->kind = REPEAT_FIRST;
		repeat_book_known(r, p, 1);
		repeat_set_done(r, p, repeat_is_followed(r, *newest, p));
	}
	return true;
}

/* --- a start, and a new configuration ------------------------------------ */

void
repeat_clock(struct repeat *r, int64_t clock_us)
{
	r->clock_us = RT_MAX(r->clock_us, clock_us);
}

void
repeat_load(
    struct repeat *r, const struct repeat_visit *visit, enum repeat_kind kind)
{
	struct repeat_point p = repeat_make(r, visit, kind);

	r->quiet = true;
	repeat_make_room(r);
	if (p.at_us >= r->since_us)
		repeat_insert(r, &p);
}

void
repeat_loaded(struct repeat *r, int64_t since_us)
{
	r->quiet = false;
	r->since_us = RT_MAX(r->since_us, since_us);
}

/* All of one caller, from the newest on. */
static void
repeat_work_out(struct repeat *r, uint32_t newest)
{
	struct repeat_point *p;
	uint32_t at;

	for (at = newest; at != 0; at = p->older) {
		p = repeat_at(r, at);
		if (p->kind != REPEAT_AGAIN)
			repeat_set_done(r, p, repeat_is_followed(r, newest, p));
	}
}

void
repeat_review(struct repeat *r, int64_t within_us)
{
	bool differs = within_us != r->config.within_us;
	uint32_t i, k, service;

	BUG_ON(within_us <= 0);
	for (i = 0; i < r->n_queues; i++) {
		service = repeat_configured(r, r->queues[i].queue);
		differs = differs || service != r->queues[i].service;
		r->queues[i].service = service;
	}
	r->config.within_us = within_us;
	for (i = 0; i < REPEAT_SHARDS && differs; i++)
		for (k = 0; r->shards[i].slot != NULL && k <= r->shards[i].mask;
		     k++)
			repeat_work_out(r, r->shards[i].slot[k]);
}

int64_t
repeat_within_us(const struct repeat *r)
{
	return r->config.within_us;
}

uint64_t
repeat_points(const struct repeat *r)
{
	return r->n;
}

uint64_t
repeat_callers(const struct repeat *r)
{
	uint64_t n = 0;
	int i;

	for (i = 0; i < REPEAT_SHARDS; i++)
		n += r->shards[i].used;
	return n;
}

size_t
repeat_bytes(const struct repeat *r)
{
	size_t sum = sizeof(*r) +
	    r->n_blocks *
		(sizeof(*r->blocks) +
		    REPEAT_BLOCK * sizeof(struct repeat_point));
	int i;

	for (i = 0; i < REPEAT_SHARDS; i++)
		if (r->shards[i].slot != NULL)
			sum += ((size_t)r->shards[i].mask + 1) *
			    sizeof(*r->shards[i].slot);
	return sum;
}

int64_t
repeat_since_us(const struct repeat *r)
{
	return r->since_us;
}
