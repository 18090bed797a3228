/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/utc.h"
#include "base/utf8.h"
#include "tally/live.h"
#include "tally/tally.h"

#define TALLY_RECENT_STEP (UINT32_MAX / TALLY_RECENT + 1)

void
tally_init(struct tally *t, const struct tally_config *config)
{
	BUG_ON(config->interval_us <= 0);
	*t = (struct tally){.config = *config};
	TAILQ_INIT(&t->changed);
	TAILQ_INIT(&t->settled);
	TAILQ_INIT(&t->agent_changed);
	TAILQ_INIT(&t->agent_settled);
	pool_init(&t->cell_pool, sizeof(struct cell));
	pool_init(&t->agent_cell_pool, sizeof(struct agent_cell));
}

static void
tally_free_queue(struct tally *t, struct queue *queue)
{
	struct cell *cell, *next;

	HASH_ITER (hh, queue->cells, cell, next) {
		hist_fini(&cell->wait_answered);
		hist_fini(&cell->wait_abandoned);
	}
	HASH_CLEAR(hh, queue->cells);
	HASH_DEL(t->queues, queue);
	free(queue->name);
	free(queue);
}

void
tally_fini(struct tally *t)
{
	struct queue *queue, *next_queue;
	struct tally_alias *alias, *next_alias;
	size_t i;

	HASH_ITER (hh, t->queues, queue, next_queue)
		tally_free_queue(t, queue);
	HASH_CLEAR(hh, t->agent_cells);
	HASH_ITER (hh, t->aliases, alias, next_alias) {
		HASH_DEL(t->aliases, alias);
		free(alias);
	}
	for (i = 0; i < slots_count(&t->agents); i++) {
		struct agent *agent = t->agents.slot[i].object;

		if (agent != NULL)
			free(agent->name);
		free(agent);
	}
	slots_fini(&t->agents);
	pool_fini(&t->cell_pool);
	pool_fini(&t->agent_cell_pool);
}

/* The name as it is kept; `room` holds it where it had to be cleaned. */
static struct slice
tally_clean(struct slice name, char room[TALLY_NAME_MAX])
{
	if (name.n > TALLY_NAME_MAX || !utf8_is_ascii(name.p, name.n)) {
		name.n = utf8_clean(room, TALLY_NAME_MAX, name.p, name.n);
		name.p = room;
	}
	return name;
}

static char *
tally_copy(struct slice name)
{
	char *copy = mem_alloc(name.n + 1);

	memcpy(copy, name.p, name.n);
	copy[name.n] = '\0';
	return copy;
}

static struct queue *
tally_find_queue(struct tally *t, struct slice name)
{
	struct queue *queue;

	HASH_FIND(hh, t->queues, name.p, name.n, queue);
	return queue;
}

static struct queue *
tally_new_queue(struct tally *t, struct slice name)
{
	struct queue *queue = mem_zalloc(sizeof(*queue));

	queue->tally = t;
	queue->name = tally_copy(name);
	queue->name_len = name.n;
	queue->id = HASH_COUNT(t->queues);
	HASH_ADD_KEYPTR(hh, t->queues, queue->name, queue->name_len, queue);
	return queue;
}

/* A name that is not in the table as it was sent: cleaned, new or too many. */
static struct queue *
tally_other_queue(struct tally *t, struct slice name)
{
	char room[TALLY_NAME_MAX];
	struct slice clean = tally_clean(name, room);
	struct queue *queue = tally_find_queue(t, clean);

	if (queue != NULL)
		return queue;
	if (HASH_COUNT(t->queues) >= t->config.max_queues) {
		t->capped++;
		queue = tally_find_queue(t, TALLY_OTHER);
		return queue != NULL ? queue : tally_new_queue(t, TALLY_OTHER);
	}
	return tally_new_queue(t, clean);
}

/* Names of queues differ in length or at their ends. */
static unsigned
tally_recent_at(struct slice name)
{
	uint32_t end = 0;

	if (name.n >= sizeof(end))
		memcpy(&end, name.p + name.n - sizeof(end), sizeof(end));
	return ((end ^ (uint32_t)name.n) * 0x9e3779b1U) / TALLY_RECENT_STEP;
}

RT_HOT struct queue *
tally_queue(struct tally *t, struct slice name)
{
	struct queue **recent = &t->recent[tally_recent_at(name)];
	struct queue *queue = *recent;

	if (queue != NULL && queue->name_len == name.n &&
	    slice_same(queue->name, name.p, name.n))
		return queue;
	queue = tally_find_queue(t, name);
	if (RT_UNLIKELY(queue == NULL))
		queue = tally_other_queue(t, name);
	return *recent = queue;
}

RT_HOT uint32_t
tally_name_hash(struct slice name)
{
	return (uint32_t)XXH3_64bits(name.p, name.n);
}

static RT_HOT struct agent *
tally_find_agent(struct tally *t, struct slice name, uint32_t hash)
{
	struct tally_alias *alias;
	struct agent *agent;
	size_t at = 0;

	if (t->aliases != NULL) {
		HASH_FIND(hh, t->aliases, name.p, name.n, alias);
		if (alias != NULL)
			return alias->agent;
	}
	while ((agent = slots_next(&t->agents, hash, &at)) != NULL)
		if (agent->name_len == name.n &&
		    slice_same(agent->name, name.p, name.n))
			return agent;
	return NULL;
}

static struct agent *
tally_new_agent(struct tally *t, struct slice name)
{
	struct agent *agent = mem_zalloc(sizeof(*agent));

	agent->name = tally_copy(name);
	agent->name_len = name.n;
	agent->id = (uint32_t)t->agents.used;
	LIST_INIT(&agent->talks);
	slots_add(&t->agents, tally_name_hash(name), agent);
	return agent;
}

/* A name that is not in the table as it was sent: cleaned, new or too many. */
static struct agent *
tally_other_agent(struct tally *t, struct slice name)
{
	char room[TALLY_NAME_MAX];
	struct slice clean = tally_clean(name, room);
	struct slice other = TALLY_OTHER;
	struct agent *agent =
	    tally_find_agent(t, clean, tally_name_hash(clean));

	if (agent != NULL)
		return agent;
	if (t->agents.used >= t->config.max_agents) {
		t->capped++;
		agent = tally_find_agent(t, other, tally_name_hash(other));
		return agent != NULL ? agent : tally_new_agent(t, other);
	}
	return tally_new_agent(t, clean);
}

RT_HOT struct agent *
tally_agent_of_hash(struct tally *t, struct slice name, uint32_t hash)
{
	struct agent *agent = tally_find_agent(t, name, hash);

	if (RT_UNLIKELY(agent == NULL))
		agent = tally_other_agent(t, name);
	return agent;
}

struct agent *
tally_agent(struct tally *t, struct slice name)
{
	return tally_agent_of_hash(t, name, tally_name_hash(name));
}

struct slice
tally_agent_called(
    const struct tally *t, struct slice name, char room[TALLY_NAME_MAX])
{
	struct tally_alias *alias = NULL;

	name = tally_clean(name, room);
	if (t->aliases != NULL)
		HASH_FIND(hh, t->aliases, name.p, name.n, alias);
	if (alias == NULL)
		return name;
	return (struct slice){alias->agent->name, alias->agent->name_len};
}

void
tally_alias_add(struct tally *t, struct slice name, struct slice agent)
{
	char room[TALLY_NAME_MAX];
	struct tally_alias *alias, *old;

	name = tally_clean(name, room);
	HASH_FIND(hh, t->aliases, name.p, name.n, old);
	if (old != NULL || slice_eq(name, agent))
		return;
	alias = mem_alloc(sizeof(*alias) + name.n);
	alias->agent = tally_agent(t, agent);
	alias->name_len = name.n;
	memcpy(alias->name, name.p, name.n);
	HASH_ADD_KEYPTR(hh, t->aliases, alias->name, alias->name_len, alias);
}

static struct cell *
tally_new_cell(struct queue *queue, int64_t starts_us)
{
	struct tally *t = queue->tally;
	struct cell *cell = pool_get(&t->cell_pool);

	cell->queue = queue;
	cell->starts_us = starts_us;
	HASH_ADD(hh, queue->cells, starts_us, sizeof(starts_us), cell);
	TAILQ_INSERT_TAIL(&t->settled, cell, list);
	t->n_cells++;
	return cell;
}

struct cell *
tally_cell_of(struct queue *queue, int64_t starts_us)
{
	struct cell *cell = NULL;

	if (queue->cells == NULL || starts_us > queue->newest_us)
		queue->newest_us = starts_us; /* nothing to be found */
	else
		HASH_FIND(
		    hh, queue->cells, &starts_us, sizeof(starts_us), cell);
	return cell != NULL ? cell : tally_new_cell(queue, starts_us);
}

RT_HOT struct cell *
tally_cell(struct queue *queue, int64_t t_us)
{
	int64_t interval = queue->tally->config.interval_us;
	struct cell *cell = queue->last;

	if (cell != NULL && t_us >= cell->starts_us &&
	    t_us - cell->starts_us < interval)
		return cell;
	return queue->last = tally_cell_of(queue, utc_floor(t_us, interval));
}

static void
tally_free_cell(struct tally *t, struct cell *cell)
{
	if (cell->queue->last == cell)
		cell->queue->last = NULL;
	HASH_DEL(cell->queue->cells, cell);
	hist_fini(&cell->wait_answered);
	hist_fini(&cell->wait_abandoned);
	pool_put(&t->cell_pool, cell);
	t->n_cells--;
}

void
tally_mark(struct tally *t, struct cell *cell)
{
	TAILQ_REMOVE(&t->settled, cell, list);
	TAILQ_INSERT_TAIL(&t->changed, cell, list);
	cell->changed = true;
}

static struct agent_cell *
tally_new_agent_cell(struct tally *t, struct agent *agent, struct queue *queue,
    const struct agent_cell_key *key)
{
	struct agent_cell *cell = pool_get(&t->agent_cell_pool);

	cell->key = *key;
	cell->agent = agent;
	cell->queue = queue;
	HASH_ADD(hh, t->agent_cells, key, sizeof(*key), cell);
	TAILQ_INSERT_TAIL(&t->agent_settled, cell, list);
	t->n_agent_cells++;
	return cell;
}

static struct agent_slot *
tally_agent_slot(struct agent *agent, const struct queue *queue)
{
	size_t i;

	for (i = 0; i < AGENT_SLOTS; i++)
		if (agent->slots[i].queue == queue &&
		    agent->slots[i].cell != NULL)
			return &agent->slots[i];
	return NULL;
}

struct agent_cell *
tally_agent_cell(
    struct tally *t, struct agent *agent, struct queue *queue, int64_t t_us)
{
	struct agent_slot *slot = tally_agent_slot(agent, queue);
	struct agent_cell_key key;
	struct agent_cell *cell;

	if (slot != NULL && t_us >= slot->cell->key.starts_us &&
	    t_us - slot->cell->key.starts_us < t->config.interval_us)
		return slot->cell;
	key = (struct agent_cell_key){
	    .starts_us = utc_floor(t_us, t->config.interval_us),
	    .agent = agent->id,
	    .queue = queue != NULL ? queue->id : UINT32_MAX};
	HASH_FIND(hh, t->agent_cells, &key, sizeof(key), cell);
	if (cell == NULL)
		cell = tally_new_agent_cell(t, agent, queue, &key);
	if (slot == NULL)
		slot = &agent->slots[agent->next_slot++ % AGENT_SLOTS];
	*slot = (struct agent_slot){queue, cell};
	return cell;
}

static void
tally_free_agent_cell(struct tally *t, struct agent_cell *cell)
{
	struct agent_slot *slot = tally_agent_slot(cell->agent, cell->queue);

	if (slot != NULL && slot->cell == cell)
		slot->cell = NULL;
	HASH_DEL(t->agent_cells, cell);
	pool_put(&t->agent_cell_pool, cell);
	t->n_agent_cells--;
}

void
tally_book_agent(struct tally *t, struct agent *agent, struct queue *queue,
    int64_t t_us, enum agent_measure m, int64_t n)
{
	struct agent_cell *cell;

	if (t->config.without_agents)
		return;
	cell = tally_agent_cell(t, agent, queue, t_us);
	cell->v[m] += n;
	if (!cell->changed) {
		TAILQ_REMOVE(&t->agent_settled, cell, list);
		TAILQ_INSERT_TAIL(&t->agent_changed, cell, list);
		cell->changed = true;
	}
}

void
tally_book_span(struct tally *t, struct agent *agent, struct queue *queue,
    enum agent_measure m, int64_t from_us, int64_t to_us)
{
	int64_t interval = t->config.interval_us;

	if (to_us - from_us > TALLY_SPAN_MAX_US) {
		int64_t at_us = to_us - TALLY_SPAN_MAX_US;

		tally_book_agent(t, agent, queue, at_us, m,
		    at_us / USEC_PER_MSEC - from_us / USEC_PER_MSEC);
		from_us = at_us;
	}
	while (from_us < to_us && !t->config.without_agents) {
		int64_t border = utc_floor(from_us, interval) + interval;
		int64_t until = RT_MIN(border, to_us);

		/* whole milliseconds that add up over any number of cuts */
		tally_book_agent(t, agent, queue, from_us, m,
		    until / USEC_PER_MSEC - from_us / USEC_PER_MSEC);
		from_us = until;
	}
}

const enum measure tally_outcome_measure[OUTCOMES] = {
    [OUTCOME_ANSWERED] = MEASURE_answered,
    [OUTCOME_ABANDONED] = MEASURE_abandoned,
    [OUTCOME_TIMED_OUT] = MEASURE_timed_out,
    [OUTCOME_EXITED_KEY] = MEASURE_exited_key,
    [OUTCOME_EXITED_EMPTY] = MEASURE_exited_empty,
    [OUTCOME_WITHDRAWN] = MEASURE_withdrawn,
    [OUTCOME_REFUSED] = MEASURE_refused,
    [OUTCOME_LOST] = MEASURE_lost,
};

RT_HOT void
tally_outcome(struct tally *t, struct cell *cell, enum outcome outcome,
    int64_t wait_ms, int n)
{
	BUG_ON(outcome <= OUTCOME_NONE || outcome >= OUTCOMES);
	tally_book(t, cell, tally_outcome_measure[outcome], n);
	if (wait_ms == EVENT_UNKNOWN_MS)
		return;
	if (outcome == OUTCOME_ANSWERED) {
		tally_book(t, cell, MEASURE_wait_answered_ms, n * wait_ms);
		hist_add(&cell->wait_answered, hist_bin(wait_ms), n);
	} else if (outcome == OUTCOME_ABANDONED) {
		tally_book(t, cell, MEASURE_wait_abandoned_ms, n * wait_ms);
		hist_add(&cell->wait_abandoned, hist_bin(wait_ms), n);
		if (wait_ms * USEC_PER_MSEC <= t->config.short_abandon_us)
			tally_book(t, cell, MEASURE_abandoned_short, n);
	}
}

/* Lets old settled cells go, from the longest settled on. */
static void
tally_age(struct tally *t, int64_t now_us)
{
	int64_t oldest = now_us - t->config.keep_us;
	struct agent_cell *agent_cell, *next_agent;
	struct cell *cell, *next;

	if (t->config.keep_us == 0)
		return;
	for (cell = TAILQ_FIRST(&t->settled); cell != NULL; cell = next) {
		next = TAILQ_NEXT(cell, list);
		if (cell->starts_us >= oldest)
			break;
		if (cell->visits > 0)
			continue;
		TAILQ_REMOVE(&t->settled, cell, list);
		tally_free_cell(t, cell);
	}
	for (agent_cell = TAILQ_FIRST(&t->agent_settled); agent_cell != NULL;
	     agent_cell = next_agent) {
		next_agent = TAILQ_NEXT(agent_cell, list);
		if (agent_cell->key.starts_us >= oldest)
			break;
		TAILQ_REMOVE(&t->agent_settled, agent_cell, list);
		tally_free_agent_cell(t, agent_cell);
	}
}

static int
tally_order_names(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, RT_MIN(a_len, b_len));

	return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

static int
tally_order_cells(const void *a, const void *b)
{
	const struct cell *x = *(const struct cell *const *)a;
	const struct cell *y = *(const struct cell *const *)b;

	if (x->starts_us != y->starts_us)
		return x->starts_us < y->starts_us ? -1 : 1;
	return tally_order_names(x->queue->name, x->queue->name_len,
	    y->queue->name, y->queue->name_len);
}

static int
tally_order_agent_cells(const void *a, const void *b)
{
	const struct agent_cell *x = *(const struct agent_cell *const *)a;
	const struct agent_cell *y = *(const struct agent_cell *const *)b;
	int order;

	if (x->key.starts_us != y->key.starts_us)
		return x->key.starts_us < y->key.starts_us ? -1 : 1;
	order = tally_order_names(x->agent->name, x->agent->name_len,
	    y->agent->name, y->agent->name_len);
	if (order != 0 || x->queue == y->queue)
		return order;
	if (x->queue == NULL || y->queue == NULL)
		return x->queue == NULL ? -1 : 1;
	return tally_order_names(x->queue->name, x->queue->name_len,
	    y->queue->name, y->queue->name_len);
}

/* Room for the pointers of a list to be sorted; never empty. */
static void **
tally_sort_room(size_t n)
{
	return mem_alloc((n + 1) * sizeof(void *));
}

static void
tally_sort_cells(struct tally *t)
{
	void **room = tally_sort_room(t->n_cells);
	struct cell *cell;
	size_t n = 0, i;

	TAILQ_FOREACH (cell, &t->changed, list)
		room[n++] = cell;
	qsort(room, n, sizeof(*room), tally_order_cells);
	for (i = 1; i < n; i++) /* the database would add one of the two */
		BUG_ON(tally_order_cells(&room[i - 1], &room[i]) == 0);
	TAILQ_INIT(&t->changed);
	for (i = 0; i < n; i++) {
		cell = room[i];
		TAILQ_INSERT_TAIL(&t->changed, cell, list);
	}
	free(room);
}

static void
tally_sort_agent_cells(struct tally *t)
{
	void **room = tally_sort_room(t->n_agent_cells);
	struct agent_cell *cell;
	size_t n = 0, i;

	TAILQ_FOREACH (cell, &t->agent_changed, list)
		room[n++] = cell;
	qsort(room, n, sizeof(*room), tally_order_agent_cells);
	for (i = 1; i < n; i++) /* the database would add one of the two */
		BUG_ON(tally_order_agent_cells(&room[i - 1], &room[i]) == 0);
	TAILQ_INIT(&t->agent_changed);
	for (i = 0; i < n; i++) {
		cell = room[i];
		TAILQ_INSERT_TAIL(&t->agent_changed, cell, list);
	}
	free(room);
}

void
tally_take(struct tally *t, tally_cell_fn cell_fn, tally_agent_cell_fn agent_fn,
    void *ctx, int64_t now_us)
{
	struct agent_cell *agent_cell;
	struct cell *cell;

	tally_sort_cells(t);
	tally_sort_agent_cells(t);
	while ((cell = TAILQ_FIRST(&t->changed)) != NULL) {
		cell_fn(ctx, cell);
		if (t->live != NULL)
			live_take(t->live, cell);
		memset(cell->v, 0, sizeof(cell->v));
		hist_reset(&cell->wait_answered);
		hist_reset(&cell->wait_abandoned);
		cell->changed = false;
		TAILQ_REMOVE(&t->changed, cell, list);
		TAILQ_INSERT_TAIL(&t->settled, cell, list);
	}
	while ((agent_cell = TAILQ_FIRST(&t->agent_changed)) != NULL) {
		agent_fn(ctx, agent_cell);
		memset(agent_cell->v, 0, sizeof(agent_cell->v));
		agent_cell->changed = false;
		TAILQ_REMOVE(&t->agent_changed, agent_cell, list);
		TAILQ_INSERT_TAIL(&t->agent_settled, agent_cell, list);
	}
	tally_age(t, now_us);
}
