/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between visit.c and visit_again.c only: a visit's parts, as an event of one
 * feed makes them and another feed's word makes them anew.
 */
#ifndef RT_CALL_VISIT_INNER_H
#define RT_CALL_VISIT_INNER_H

#include "call/visit.h"

void visit_count(struct machine *m, enum counter counter);
/* Moves it from list to list; nothing else does. */
void
visit_set_state(struct machine *m, struct visit *v, enum visit_state state);
void visit_set_reason(struct visit *v, struct slice name);
/* From the arrival to t_us, in ms. */
int64_t visit_wait_until(const struct visit *v, int64_t t_us);

/* What the event says of the answer, the conversation, or the whole. */
void
visit_take_answer(struct machine *m, struct visit *v, const struct event *ev);
void
visit_take_talk(struct machine *m, struct visit *v, const struct event *ev);
void
visit_take_summary(struct machine *m, struct visit *v, const struct event *ev);

/*
 * Nobody was sure: what can not be taken back (the longest wait, the agent's
 * figures) is withheld until somebody is, or nobody will be; see visit_settle.
 */
bool visit_is_unsure(const struct visit *v);
/* Into the interval of the arrival; where somebody looks, its minute too. */
void visit_book(
    struct machine *m, const struct visit *v, enum measure measure, int64_t n);
void visit_book_longest(struct machine *m, const struct visit *v);
/* n: 1, or -1 to take it back. */
void visit_book_outcome(struct machine *m, const struct visit *v, int n);
void visit_book_handled(struct machine *m, const struct visit *v);
/* Of one that has ended, or is about to. */
void visit_book_agent_talk(struct machine *m, const struct visit *v);
/* The outcome, and the agent's part; tells whoever asked. */
void visit_book_answer(struct machine *m, struct visit *v);
/* The conversation, which has ended. */
void visit_book_talk(struct machine *m, struct visit *v);
/* All of one that has ended. */
void visit_book_ended(struct machine *m, struct visit *v);

#endif
