/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the call machine, the store and the list of who is to be rung back.
 */
#include "base/base.h"
#include "app.h"

_Static_assert(CALLBACK_CALLER_BYTES == CALL_CALLER_BYTES, "the same hash");

static void
app_callbacks_today(struct app_switch *sw)
{
	callbacks_day(&sw->callbacks, sw->now.day_us);
}

void
app_callbacks_ended(struct app_switch *sw, const struct visit *visit)
{
	struct callback like = {.queue = visit->queue,
	    .entered_us = visit->entered_us,
	    .ended_us = visit->ended_us,
	    .wait_ms = visit->wait_ms,
	    .visit_no = visit->number,
	    .has_caller = visit->has_caller};

	memcpy(like.caller, visit->caller, sizeof(like.caller));
	app_callbacks_today(sw);
	callbacks_add(&sw->callbacks, &like,
	    (struct slice){visit->call->id, visit->call->id_len},
	    visit->caller_number);
}

void
app_callbacks_answered(struct app_switch *sw, const struct visit *visit)
{
	if (visit->has_caller)
		callbacks_answered(
		    &sw->callbacks, visit->caller, visit->answered_us);
	/* who gave up before the key was changed */
	if (visit->has_before)
		callbacks_answered(
		    &sw->callbacks, visit->caller_before, visit->answered_us);
}

void
app_load_callback(void *ctx, const char *switch_name, struct slice queue,
    struct slice call_id, const struct callback *like)
{
	struct app_switch *sw = app_switch_find(ctx, switch_name);
	struct callback entry = *like;

	if (sw == NULL)
		return;
	entry.queue = tally_queue(&sw->tally, queue);
	app_callbacks_today(sw);
	callbacks_add(&sw->callbacks, &entry, call_id, NULL);
}

void
app_load_abandoned(void *ctx, const char *switch_name, uint64_t n)
{
	struct app_switch *sw = app_switch_find(ctx, switch_name);

	if (sw == NULL)
		return;
	app_callbacks_today(sw);
	if (n > sw->callbacks.n)
		callbacks_leave_out(&sw->callbacks, n - sw->callbacks.n);
}
