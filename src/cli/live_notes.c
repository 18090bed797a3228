/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "cli/live_notes.h"

#define LIVE_NOTES_SKEW_S 5 /* as in call/skew.h */

static const char *
live_notes_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text == NULL ? "" : text;
}

static const char *
live_notes_database(const json_t *snapshot)
{
	return live_notes_text(json_object_get(snapshot, "database"), "state");
}

static bool
live_notes_is_away(const char *state)
{
	return strcmp(state, "backoff") == 0 || strcmp(state, "broken") == 0 ||
	    strcmp(state, "off") == 0;
}

static bool
live_notes_is_complete(const json_t *snapshot)
{
	const json_t *total = json_object_get(snapshot, "total");

	return json_is_true(
	    json_object_get(json_object_get(total, "today"), "complete"));
}

bool
live_notes_nothing(const json_t *snapshot, struct err *err)
{
	const char *state = live_notes_database(snapshot);

	if (strcmp(state, "ready") == 0 || live_notes_is_complete(snapshot) ||
	    json_array_size(json_object_get(snapshot, "queues")) > 0)
		return false;
	if (strcmp(state, "standby") == 0)
		err_set(err,
		    "nothing is known here: another daemon counts "
		    "these switches, and this one stands by");
	else if (live_notes_is_away(state))
		err_set(err,
		    "nothing is known yet: the database is away, and "
		    "what was counted before is there");
	else
		err_set(err,
		    "nothing is known yet: today's figures are being "
		    "loaded");
	return true;
}

static void
live_notes_print_feed(FILE *to, const json_t *feed)
{
	const char *at = live_notes_text(feed, "last_event_at");
	const char *state = live_notes_text(feed, "state");

	if (!json_is_true(json_object_get(feed, "stale")) &&
	    strcmp(state, "failed") != 0)
		return;
	fprintf(to,
	    "ringtally live: feed %s is stale (%s)%s%s: figures may be "
	    "behind\n",
	    live_notes_text(feed, "feed"), state,
	    at[0] == '\0' ? "" : ", its last event was at ", at);
}

static void
live_notes_print_skew(FILE *to, const json_t *feed)
{
	double s = json_number_value(json_object_get(feed, "clock_skew_s"));

	if (s < LIVE_NOTES_SKEW_S && s > -LIVE_NOTES_SKEW_S)
		return;
	fprintf(to,
	    "ringtally live: feed %s: the clock of its switch is %.0f s %s: "
	    "longest waits are shown that much too %s\n",
	    live_notes_text(feed, "feed"), s < 0 ? -s : s,
	    s < 0 ? "ahead" : "behind", s < 0 ? "short" : "long");
}

void
live_notes_print(FILE *to, const json_t *snapshot)
{
	const json_t *feed;
	size_t i;

	json_array_foreach(json_object_get(snapshot, "feeds"), i, feed)
	{
		live_notes_print_feed(to, feed);
		live_notes_print_skew(to, feed);
	}
	if (!live_notes_is_complete(snapshot))
		fputs("ringtally live: today is not complete: what came before "
		      "the daemon was started, or its clock was set, may be "
		      "missing\n",
		    to);
	if (live_notes_is_away(live_notes_database(snapshot)))
		fputs("ringtally live: the database is away: the figures go "
		      "on\n",
		    to);
}
