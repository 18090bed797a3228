/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "call/machine.h"
#include "tally/presence.h"

/* A group while it is counted. */
struct presence_group {
	struct presence_counts counts;
	uint32_t serial;    /* of the agent who was put in last */
	bool open;	    /* to whom not all of its queues are paused */
	const char *reason; /* of a paused one */
};

/* A reason's text, for as long as the board is not reset. */
struct presence_name {
	UT_hash_handle hh;
	char text[];
};

#define PRESENCE_NAMES_KEPT 256

const char *
presence_state_name(enum presence_state state)
{
	static const char *const names[PRESENCE_STATES] = {
	    [PRESENCE_LOGGED_OFF] = "logged_off",
	    [PRESENCE_FREE] = "free",
	    [PRESENCE_TALKING] = "talking",
	    [PRESENCE_WRAPPING_UP] = "wrapping_up",
	    [PRESENCE_PAUSED] = "paused",
	};

	BUG_ON((unsigned)state >= PRESENCE_STATES);
	return names[state];
}

/* --- one agent ----------------------------------------------------------- */

/* What the sessions say, taken together. */
struct presence_sessions {
	const struct agent_session *whole; /* paused as a whole; or NULL */
	const struct agent_session *last;  /* the queue paused last; or NULL */
	bool there;			   /* logged in or paused anywhere */
	bool open; /* in a queue, and not paused there */
	bool in_queues;
	int64_t login_us;  /* the earliest that lasts; 0: none seen */
	int64_t logoff_us; /* of the last login; 0: not known */
};

static struct presence_sessions
presence_sessions(const struct agent *agent)
{
	struct presence_sessions sum = {0};
	const struct agent_session *s;

	for (s = agent->sessions; s != NULL; s = s->next) {
		sum.logoff_us = RT_MAX(sum.logoff_us, s->logoff_us);
		if (!s->logged_in && !s->paused)
			continue;
		sum.there = true;
		if (s->logged_in &&
		    (sum.login_us == 0 || s->login_us < sum.login_us))
			sum.login_us = s->login_us;
		if (s->queue == NULL) {
			if (s->paused)
				sum.whole = s;
			continue;
		}
		sum.in_queues = true;
		if (!s->paused)
			sum.open = true;
		else if (sum.last == NULL || s->pause_us > sum.last->pause_us)
			sum.last = s;
	}
	return sum;
}

static bool
presence_wraps_up(const struct agent *agent, int64_t now_us)
{
	return agent->wrap_up_until_us > now_us;
}

struct presence
presence_of(const struct agent *agent, int64_t now_us)
{
	struct presence_sessions sum = presence_sessions(agent);
	const struct visit *talk = LIST_FIRST(&agent->talks);
	struct presence is = {.reason = ""};

	if (talk != NULL) {
		is.state = PRESENCE_TALKING;
		is.since_us = talk->answered_us;
		is.talk = talk;
	} else if (presence_wraps_up(agent, now_us)) {
		is.state = PRESENCE_WRAPPING_UP;
		is.since_us = agent->wrap_up_us;
	} else if (sum.whole != NULL || (sum.in_queues && !sum.open)) {
		if (sum.whole == NULL)
			sum.whole = sum.last;
		is.state = PRESENCE_PAUSED;
		is.since_us = sum.whole->pause_us;
		is.reason = sum.whole->reason;
	} else if (sum.there) {
		is.state = PRESENCE_FREE;
		is.since_us = sum.login_us;
	} else {
		is.since_us = sum.logoff_us;
	}
	return is;
}

/* Each queue that an agent is in, with the pause there; or NULL. */
static void
presence_each(const struct agent *agent, int64_t now_us,
    void (*fn)(void *ctx, const struct queue *queue,
	const struct agent_session *pause),
    void *ctx)
{
	const struct agent_session *s;
	const struct visit *v;
	int looks = PRESENCE_TALKS;

	for (s = agent->sessions; s != NULL; s = s->next)
		if (s->queue != NULL && (s->logged_in || s->paused))
			fn(ctx, s->queue, s->paused ? s : NULL);
	LIST_FOREACH (v, &agent->talks, talk_list) {
		if (looks-- == 0)
			break;
		fn(ctx, v->queue, NULL);
	}
	if (agent->wrap_up_queue != NULL && presence_wraps_up(agent, now_us))
		fn(ctx, agent->wrap_up_queue, NULL);
}

struct presence_names {
	void (*fn)(void *ctx, const struct queue *queue);
	void *ctx;
};

static void
presence_name_queue(
    void *ctx, const struct queue *queue, const struct agent_session *pause)
{
	const struct presence_names *names = ctx;

	(void)pause;
	names->fn(names->ctx, queue);
}

void
presence_queues(const struct agent *agent, int64_t now_us,
    void (*fn)(void *ctx, const struct queue *queue), void *ctx)
{
	struct presence_names names = {fn, ctx};

	presence_each(agent, now_us, presence_name_queue, &names);
}

/* --- the board ----------------------------------------------------------- */

void
presence_board_init(struct presence_board *board)
{
	*board = (struct presence_board){0};
}

static void
presence_forget_names(struct presence_board *board)
{
	struct presence_name *name, *next;

	HASH_ITER (hh, board->names, name, next) {
		HASH_DEL(board->names, name);
		free(name);
	}
}

void
presence_board_fini(struct presence_board *board)
{
	presence_forget_names(board);
	free(board->groups);
	free(board->mine);
	*board = (struct presence_board){0};
}

void
presence_board_reset(struct presence_board *board, uint32_t n_groups)
{
	if (HASH_COUNT(board->names) > PRESENCE_NAMES_KEPT)
		presence_forget_names(board);
	if (n_groups > board->cap) {
		board->groups = mem_realloc(
		    board->groups, n_groups, sizeof(*board->groups));
		board->mine =
		    mem_realloc(board->mine, n_groups, sizeof(*board->mine));
		board->cap = n_groups;
	}
	board->n_groups = n_groups;
	board->serial = 0;
	if (n_groups > 0)
		memset(board->groups, 0, n_groups * sizeof(*board->groups));
	memset(&board->total, 0, sizeof(board->total));
}

static const char *
presence_name(struct presence_board *board, const char *text)
{
	struct presence_name *name;
	size_t n = strlen(text);

	HASH_FIND(hh, board->names, text, n, name);
	if (name == NULL) {
		name = mem_alloc(sizeof(*name) + n + 1);
		memcpy(name->text, text, n + 1);
		HASH_ADD_KEYPTR(hh, board->names, name->text, n, name);
	}
	return name->text;
}

static void
presence_add_reason(struct presence_board *board,
    struct presence_counts *counts, const char *reason)
{
	uint32_t i = 0;

	while (i < counts->n_reasons &&
	    strcmp(counts->reasons[i].name, reason) < 0)
		i++;
	if (i < counts->n_reasons &&
	    strcmp(counts->reasons[i].name, reason) == 0) {
		counts->reasons[i].n++;
	} else if (counts->n_reasons == PRESENCE_REASONS) {
		counts->more_reasons++;
	} else {
		memmove(&counts->reasons[i + 1], &counts->reasons[i],
		    (counts->n_reasons - i) * sizeof(*counts->reasons));
		counts->reasons[i].name = presence_name(board, reason);
		counts->reasons[i].n = 1;
		counts->n_reasons++;
	}
}

static void
presence_add(struct presence_board *board, struct presence_counts *counts,
    enum presence_state state, const char *reason)
{
	counts->of[state]++;
	if (state != PRESENCE_LOGGED_OFF)
		counts->logged_in++;
	if (state == PRESENCE_PAUSED)
		presence_add_reason(board, counts, reason);
}

struct presence_pass {
	struct presence_board *board;
	presence_groups_fn groups_of;
	void *ctx;
};

static void
presence_enter_group(
    struct presence_board *board, uint32_t g, const struct agent_session *pause)
{
	struct presence_group *group;

	BUG_ON(g >= board->n_groups);
	group = &board->groups[g];
	if (group->serial != board->serial) {
		group->serial = board->serial;
		group->open = false;
		group->reason = "";
		board->mine[board->n_mine++] = g;
	}
	if (pause == NULL)
		group->open = true;
	else if (group->reason[0] == '\0')
		group->reason = pause->reason;
}

static void
presence_enter(
    void *ctx, const struct queue *queue, const struct agent_session *pause)
{
	struct presence_pass *pass = ctx;
	uint32_t groups[PRESENCE_GROUPS] = {queue->id};
	unsigned n = 1, i;

	if (pass->groups_of != NULL)
		n = pass->groups_of(pass->ctx, queue, groups);
	for (i = 0; i < n; i++)
		presence_enter_group(pass->board, groups[i], pause);
}

/* Logged in altogether, the agent is free or paused by the queues' own word. */
static void
presence_add_group(struct presence_board *board, struct presence_group *group,
    const struct presence_sessions *sum, enum presence_state state)
{
	const char *reason = group->reason;

	if (state == PRESENCE_FREE || state == PRESENCE_PAUSED) {
		state = sum->whole != NULL || !group->open ? PRESENCE_PAUSED
							   : PRESENCE_FREE;
		if (sum->whole != NULL && sum->whole->reason[0] != '\0')
			reason = sum->whole->reason;
	}
	presence_add(board, &group->counts, state, reason);
}

static void
presence_add_agent(
    struct presence_pass *pass, const struct agent *agent, int64_t now_us)
{
	struct presence_sessions sum = presence_sessions(agent);
	struct presence is = presence_of(agent, now_us);
	struct presence_board *board = pass->board;
	uint32_t i;

	board->serial++;
	board->n_mine = 0;
	presence_add(board, &board->total, is.state, is.reason);
	presence_each(agent, now_us, presence_enter, pass);
	for (i = 0; i < board->n_mine; i++)
		presence_add_group(
		    board, &board->groups[board->mine[i]], &sum, is.state);
}

void
presence_count(struct presence_board *board, const struct tally *tally,
    int64_t now_us, presence_groups_fn groups_of, void *ctx)
{
	struct presence_pass pass = {board, groups_of, ctx};
	size_t i;

	for (i = 0; i < slots_count(&tally->agents); i++)
		if (tally->agents.slot[i].object != NULL)
			presence_add_agent(
			    &pass, tally->agents.slot[i].object, now_us);
}

const struct presence_counts *
presence_counts(const struct presence_board *board, uint32_t group)
{
	BUG_ON(group >= board->n_groups);
	return &board->groups[group].counts;
}
