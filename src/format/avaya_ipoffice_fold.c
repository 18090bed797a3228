/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "format/avaya_ipoffice_inner.h"

/* Ids are given out in the order of Call Start, but for so many seconds. */
#define IPO_FOLD_SLACK INT64_C(5)
/* An id that is so much lower, at a later time: the switch counts anew. */
#define IPO_FOLD_RESTART INT64_C(1000)
/* A record is written so soon after its segment's end ... */
#define IPO_FOLD_RECORD_US (20 * 60 * USEC_PER_SEC)
/* ... and, when nothing was in the way, comes to us so soon. */
#define IPO_FOLD_RECEIVED_US (5 * 60 * USEC_PER_SEC)

int
ipo_fold_ask(const struct ipo_fold *fold, int64_t id, int64_t start_s)
{
	if (fold->early_id != 0) {
		if (id <= fold->early_id)
			return 0;
		if (start_s + IPO_FOLD_SLACK < fold->early_s)
			return 1;
	}
	if (fold->late_id != 0) {
		if (id >= fold->late_id)
			return 1;
		if (start_s > fold->late_s + IPO_FOLD_SLACK)
			return 0;
	}
	return -1;
}

void
ipo_fold_learn(struct ipo_fold *fold, int64_t id, int64_t start_s, int which)
{
	if (which == 0 && (fold->early_id == 0 || id > fold->early_id)) {
		fold->early_id = id;
		fold->early_s = start_s;
	} else if (which == 1 && (fold->late_id == 0 || id < fold->late_id)) {
		fold->late_id = id;
		fold->late_s = start_s;
	}
}

void
ipo_fold_choose(struct ipo_call *call, int which)
{
	int64_t moved = call->at[which] - call->begin_us;

	call->begin_us += moved;
	call->end_us += moved;
	call->at[0] = call->at[1] = call->begin_us;
	call->ambiguous = false;
}

/* The instant whose end is near `told`, when the other one's is not. */
static int
ipo_fold_nearest(const struct ipo_call *call, int64_t told, int64_t within)
{
	int64_t off[2];
	int i;

	for (i = 0; i < 2; i++) {
		off[i] = told - call->at[i] - call->elapsed_s * USEC_PER_SEC;
		off[i] = off[i] < 0 ? -off[i] : off[i];
	}
	i = off[1] < off[0];
	return off[i] <= within && off[!i] > within ? i : -1;
}

/* Two calls of unknown place: one with a higher id and an earlier time. */
static void
ipo_fold_compare(
    struct ipo_fold *fold, const struct ipo_call *a, const struct ipo_call *b)
{
	const struct ipo_call *first = a->id < b->id ? a : b;
	const struct ipo_call *second = first == a ? b : a;

	if (first->start_s > second->start_s + IPO_FOLD_SLACK) {
		ipo_fold_learn(fold, first->id, first->start_s, 0);
		ipo_fold_learn(fold, second->id, second->start_s, 1);
	}
}

/* What was learnt may settle others, from which more is learnt. */
static void
ipo_fold_release(
    struct ipo_fold *fold, struct ipo_calls *held, struct ipo_calls *ready)
{
	struct ipo_call *call, *next;
	bool again = true;
	int which;

	while (again) {
		again = false;
		for (call = TAILQ_FIRST(held); call != NULL; call = next) {
			next = TAILQ_NEXT(call, link);
			which = ipo_fold_ask(fold, call->id, call->start_s);
			if (which < 0)
				continue;
			ipo_fold_learn(fold, call->id, call->start_s, which);
			ipo_fold_choose(call, which);
			TAILQ_REMOVE(held, call, link);
			TAILQ_INSERT_TAIL(ready, call, link);
			again = true;
		}
	}
}

/* The hour of another day, or another count of calls. */
static void
ipo_fold_renew(struct ipo_fold *fold, const struct ipo_call *call,
    struct ipo_calls *held, struct ipo_calls *ready)
{
	int64_t day = call->start_s / SEC_PER_DAY;
	bool restarted = call->id + IPO_FOLD_RESTART < fold->last_id &&
	    call->start_s > fold->last_s;

	if (day != fold->day || restarted) {
		TAILQ_CONCAT(ready, held, link);
		*fold = (struct ipo_fold){.day = day};
	}
	if (call->id > fold->last_id) {
		fold->last_id = call->id;
		fold->last_s = call->start_s;
	}
}

void
ipo_fold_settle(struct ipo_fold *fold, struct ipo_call *call,
    const struct ipo_line *line, int64_t received_us, struct ipo_calls *held,
    struct ipo_calls *ready)
{
	struct ipo_call *other;
	int which = -1;

	ipo_fold_renew(fold, call, held, ready);
	if (line->record_us != 0)
		which =
		    ipo_fold_nearest(call, line->record_us, IPO_FOLD_RECORD_US);
	if (which < 0)
		which = ipo_fold_ask(fold, call->id, call->start_s);
	if (which < 0 && received_us != 0)
		which =
		    ipo_fold_nearest(call, received_us, IPO_FOLD_RECEIVED_US);
	if (which < 0) {
		TAILQ_FOREACH (other, held, link)
			ipo_fold_compare(fold, call, other);
		which = ipo_fold_ask(fold, call->id, call->start_s);
	}
	if (which < 0)
		return;
	ipo_fold_learn(fold, call->id, call->start_s, which);
	ipo_fold_choose(call, which);
	ipo_fold_release(fold, held, ready);
}
