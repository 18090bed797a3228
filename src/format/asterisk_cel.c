/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asterisk's channel event log as cel_custom writes it, by any list of columns:
 *
 *	"APP_START","1795288727.533659","","0696943868",...,"Queue","limited,t"
 *
 * Facts: cel/cel_custom.c, main/cel.c and a recording of Asterisk 22.10 with
 * the truth beside it (70,850 rows, 2,580 entries of queues). Each step is told
 * when it happens, in microseconds; what a caller's channel does while it is
 * in the application Queue makes a visit:
 *
 * - APP_START of Queue: it came to the queue;
 * - the first BRIDGE_ENTER behind that: somebody answered;
 * - APP_END, HANGUP, or a transfer of the channel by another one: the
 *   conversation is over;
 * - a channel that enters its bridge between LOCAL_OPTIMIZE_BEGIN of the
 *   caller's and LOCAL_OPTIMIZE is the caller's from there on: a Local channel
 *   was optimised away (all 130 of the recording's queue optim);
 * - APP_END without an answer: it left the queue. If the caller's HANGUP
 *   follows at once, and not by the dialplan, he hung up. Else he stayed on
 *   the line and nothing tells why the queue let him go: timeout, key, no
 *   agents; or, when it did so at once, that he could not join. Both are told
 *   as unsure.
 *
 * cel.conf must log these events, and APP_* of the application queue.
 */
#include "base/base.h"
#include "base/slots.h"
#include "base/table.h"
#include "event/stage.h"
#include "format/blank.h"
#include "format/csv.h"
#include "format/formats.h"
#include "format/pack.h"

#include <sys/queue.h>

#define CEL_STATE_VERSION 2
#define CEL_OPEN_MAX	  1500
#define CEL_ID_MAX	  96
#define CEL_TEXT_MAX	  128
/* Behind APP_END the caller's own HANGUP follows within this. */
#define CEL_AT_ONCE_US (500 * USEC_PER_MSEC)
/* The queue did not take him: nobody was rung in so short a time. */
#define CEL_REFUSED_US (50 * USEC_PER_MSEC)
/* So long in a queue: its end was not logged. */
#define CEL_FORGOTTEN_US (SEC_PER_DAY * USEC_PER_SEC)
/* Local time in the hour that happens twice: see cel_settle. */
#define CEL_SLACK_US (2 * USEC_PER_SEC)
#define CEL_QUIET_US (20 * 60 * USEC_PER_SEC)

enum cel_column {
	CEL_EVENTTYPE,
	CEL_EVENTTIME,
	CEL_CIDNUM,
	CEL_APPNAME,
	CEL_APPDATA,
	CEL_UNIQUEID,
	CEL_LINKEDID,
	CEL_BRIDGEPEER,
	CEL_EVENTEXTRA,
	CEL_COLUMNS
};

static const char *const cel_names[CEL_COLUMNS] = {"eventtype", "eventtime",
    "cidnum", "appname", "appdata", "uniqueid", "linkedid", "bridgepeer",
    "eventextra"};

/* cel_custom.conf.sample */
static const char *const cel_sample[] = {"eventtype", "eventtime", "cidname",
    "cidnum", "ani", "rdnis", "dnid", "exten", "context", "channame", "appname",
    "appdata", "amaflags", "accountcode", "uniqueid", "linkedid", "bridgepeer",
    "userfield", "userdeftype", "eventextra", NULL};

struct cel_options {
	char **columns;
	char *separator;
};

struct cel_text {
	char p[CEL_TEXT_MAX];
	size_t n;
};

/* One stay in one queue. */
struct cel_visit {
	TAILQ_ENTRY(cel_visit) link;
	char id[CEL_ID_MAX], linked[CEL_ID_MAX];
	/* the caller's, once the one that the call is named by was optimised
	 * away; else empty */
	char channel[CEL_ID_MAX];
	size_t id_n, linked_n, channel_n;
	struct cel_text queue, agent;
	uint64_t bridge; /* of its conversation, hashed; 0: not told */
	bool moving;	 /* being optimised away */
	int64_t enter_us, connect_us;
	int64_t left_us; /* APP_END came, why is not clear yet; or 0 */
	bool ambiguous;
};

TAILQ_HEAD(cel_visits, cel_visit);

struct cel {
	struct local_zone *zone;
	char separator;
	uint8_t at[CEL_COLUMNS]; /* CSV_FIELDS: nowhere */
	unsigned least;
	struct cel_visits visits; /* as they began */
	struct slots by_channel;
	unsigned n_visits, n_left, n_moving;
	int64_t last_us;
	bool last_ambiguous;
	/* of the row in work */
	struct csv csv;
	struct slice field[CEL_COLUMNS];
	int64_t time_us;
	bool ambiguous;
};

static const struct option_row cel_options[] = {
    {.name = "columns",
	.group = "feeds",
	.type = OPTION_TEXTS,
	.offset = offsetof(struct cel_options, columns),
	.unit = "",
	.help = "The columns of cel_custom, in their order, by Asterisk's "
		"names: \"eventtype\", \"eventtime\" ... Those that are not "
		"needed may have any name. Without it those of Asterisk's "
		"sample configuration."},
    {.name = "separator",
	.group = "feeds",
	.type = OPTION_TEXT,
	.offset = offsetof(struct cel_options, separator),
	.preset = ",",
	.max = 1,
	.unit = "",
	.help = "What stands between two columns: one byte."},
    {.name = NULL}};

static int
cel_layout(struct cel *cel, const char *const *columns, struct err *err)
{
	static const enum cel_column needed[] = {CEL_EVENTTYPE, CEL_EVENTTIME,
	    CEL_APPNAME, CEL_APPDATA, CEL_UNIQUEID};
	unsigned i, j;

	memset(cel->at, CSV_FIELDS, sizeof(cel->at));
	for (i = 0; columns[i] != NULL; i++) {
		if (i == CSV_FIELDS)
			return err_set(
			    err, "columns: more than %d", CSV_FIELDS);
		for (j = 0; j < CEL_COLUMNS; j++)
			if (strcmp(columns[i], cel_names[j]) == 0)
				cel->at[j] = (uint8_t)i;
	}
	for (i = 0; i < RT_COUNT(needed); i++) {
		unsigned at = cel->at[needed[i]];

		if (at == CSV_FIELDS)
			return err_set(err, "columns: \"%s\" is needed",
			    cel_names[needed[i]]);
		cel->least = RT_MAX(cel->least, at + 1);
	}
	return 0;
}

static int
cel_open(void **self, const struct stage_setup *setup, struct err *err)
{
	static const struct cel_options none;
	const struct cel_options *options =
	    setup->options != NULL ? setup->options : &none;
	struct cel *cel = mem_zalloc(sizeof(*cel));
	bool custom = options->columns != NULL && options->columns[0] != NULL;

	cel->separator = options->separator != NULL ? *options->separator : ',';
	TAILQ_INIT(&cel->visits);
	if (cel_layout(cel,
		custom ? (const char *const *)options->columns : cel_sample,
		err) < 0)
		goto out;
	cel->zone = local_open(setup->timezone, err);
	if (cel->zone == NULL)
		goto out;
	*self = cel;
	return 0;
out:
	free(cel);
	return -1;
}

/* -- visits ---------------------------------------------------------------- */

static uint32_t
cel_hash(struct slice id)
{
	return (uint32_t)XXH3_64bits(id.p, id.n);
}

static struct slice
cel_id(const struct cel_visit *visit)
{
	return (struct slice){visit->id, visit->id_n};
}

/* The channel that the caller is on. */
static struct slice
cel_channel(const struct cel_visit *visit)
{
	return visit->channel_n > 0
	    ? (struct slice){visit->channel, visit->channel_n}
	    : cel_id(visit);
}

static void
cel_set_text(struct cel_text *to, struct slice s)
{
	to->n = RT_MIN(s.n, sizeof(to->p));
	memcpy(to->p, s.p, to->n);
}

static struct cel_visit *
cel_find(const struct cel *cel, struct slice channel)
{
	uint32_t hash = cel_hash(channel);
	struct cel_visit *visit;
	size_t at = 0;

	while ((visit = slots_next(&cel->by_channel, hash, &at)) != NULL)
		if (slice_eq(cel_channel(visit), channel))
			return visit;
	return NULL;
}

static void
cel_put(struct cel *cel, struct cel_visit *visit)
{
	slots_add(&cel->by_channel, cel_hash(cel_channel(visit)), visit);
	TAILQ_INSERT_TAIL(&cel->visits, visit, link);
	cel->n_visits++;
	cel->n_left += visit->left_us != 0;
	cel->n_moving += visit->moving;
}

static void
cel_forget(struct cel *cel, struct cel_visit *visit)
{
	slots_remove(&cel->by_channel, cel_hash(cel_channel(visit)), visit);
	TAILQ_REMOVE(&cel->visits, visit, link);
	cel->n_visits--;
	cel->n_left -= visit->left_us != 0;
	cel->n_moving -= visit->moving;
	free(visit);
}

static void
cel_set_moving(struct cel *cel, struct cel_visit *visit, bool moving)
{
	cel->n_moving += moving;
	cel->n_moving -= visit->moving;
	visit->moving = moving;
}

static void
cel_reset(struct cel *cel)
{
	while (!TAILQ_EMPTY(&cel->visits))
		cel_forget(cel, TAILQ_FIRST(&cel->visits));
	slots_fini(&cel->by_channel);
	cel->by_channel = (struct slots){0};
	cel->last_us = 0;
	cel->last_ambiguous = false;
}

static void
cel_close(void *self, const char *reason)
{
	struct cel *cel = self;

	(void)reason;
	cel_reset(cel);
	local_close(cel->zone);
	csv_fini(&cel->csv);
	free(cel);
}

/* An event of a visit, to be completed and given away. */
static struct event *
cel_event(const struct cel *cel, const struct cel_visit *visit,
    enum event_kind kind, int64_t time_us, struct sink *sink, struct event *own)
{
	struct event *ev = sink->room != NULL ? sink->room : own;

	blank_event(ev);
	ev->kind = kind;
	ev->name = cel->field[CEL_EVENTTYPE];
	ev->time_us = time_us;
	ev->call = cel_id(visit);
	ev->queue = (struct slice){visit->queue.p, visit->queue.n};
	ev->agent = (struct slice){visit->agent.p, visit->agent.n};
	if (visit->ambiguous || cel->ambiguous)
		ev->flags |= EVENT_AMBIGUOUS;
	return ev;
}

/* Not told where one of the two may be an hour off. */
static int64_t
cel_ms(const struct cel_visit *visit, int64_t from_us, int64_t to_us)
{
	if (visit->ambiguous)
		return EVENT_UNKNOWN_MS;
	return to_us > from_us ? (to_us - from_us) / USEC_PER_MSEC : 0;
}

static void
cel_complete(struct cel *cel, struct cel_visit *visit, int64_t time_us,
    bool transferred, struct sink *sink)
{
	struct event own,
	    *ev = cel_event(cel, visit, EVENT_COMPLETE, time_us, sink, &own);

	ev->wait_ms = cel_ms(visit, visit->enter_us, visit->connect_us);
	ev->talk_ms = cel_ms(visit, visit->connect_us, time_us);
	if (transferred)
		ev->flags |= EVENT_TRANSFERRED;
	sink->event(sink, ev);
	cel_forget(cel, visit);
}

/* At left_us. hung_up: the caller did; else the queue let him go. */
static void
cel_leave(
    struct cel *cel, struct cel_visit *visit, bool hung_up, struct sink *sink)
{
	struct event own,
	    *ev =
		cel_event(cel, visit, EVENT_LEAVE, visit->left_us, sink, &own);

	if (hung_up)
		ev->outcome = OUTCOME_ABANDONED;
	else if (visit->left_us - visit->enter_us < CEL_REFUSED_US)
		ev->outcome = OUTCOME_REFUSED;
	else
		ev->outcome = OUTCOME_TIMED_OUT;
	if (!hung_up)
		ev->flags |= EVENT_UNSURE;
	ev->wait_ms = cel_ms(visit, visit->enter_us, visit->left_us);
	sink->event(sink, ev);
	cel_forget(cel, visit);
}

/* It has gone on: whatever it was, it is over. */
static void
cel_end(
    struct cel *cel, struct cel_visit *visit, bool hung_up, struct sink *sink)
{
	if (visit->left_us == 0)
		visit->ambiguous |= cel->ambiguous;
	if (visit->connect_us != 0) {
		cel_complete(cel, visit, cel->time_us, false, sink);
		return;
	}
	if (visit->left_us == 0) {
		visit->left_us = cel->time_us;
		cel->n_left++;
	}
	cel_leave(cel, visit, hung_up, sink);
}

/* Those that left, and whose HANGUP did not follow; those too old. */
static void
cel_expire(struct cel *cel, struct sink *sink)
{
	struct cel_visit *visit, *next;
	/* one broken stamp moves nothing */
	int64_t now = RT_MIN(cel->last_us, cel->time_us);

	visit = TAILQ_FIRST(&cel->visits);
	while (visit != NULL &&
	    (cel->n_visits > CEL_OPEN_MAX ||
		visit->enter_us + CEL_FORGOTTEN_US < now)) {
		cel_forget(cel, visit);
		visit = TAILQ_FIRST(&cel->visits);
	}
	for (; cel->n_left > 0 && visit != NULL; visit = next) {
		next = TAILQ_NEXT(visit, link);
		if (visit->left_us != 0 &&
		    visit->left_us + CEL_AT_ONCE_US < now)
			cel_leave(cel, visit, false, sink);
	}
}

/* -- rows ------------------------------------------------------------------ */

/*
 * In the hour that happens twice. A channel's unique id holds the second, in
 * UTC, at which it began, with its first row; what is not settled by that is
 * taken to follow the row before. After a quiet time that is not certain, nor
 * is what follows, up to the next channel's begin.
 */
static void
cel_settle(struct cel *cel, const int64_t at[2])
{
	int64_t born = csv_id_second(cel->field[CEL_UNIQUEID]) * USEC_PER_SEC;
	int64_t least = RT_MAX(born, cel->last_us) - CEL_SLACK_US;
	unsigned i;

	for (i = 0; i < 2; i++)
		if (at[i] >= born - CEL_SLACK_US &&
		    at[i] <= born + CEL_SLACK_US) {
			cel->time_us = at[i];
			return;
		}
	cel->time_us = at[0] < least ? at[1] : at[0];
	cel->ambiguous = at[0] >= least &&
	    (cel->last_ambiguous || at[0] > least + CEL_QUIET_US);
}

static bool
cel_time(struct cel *cel)
{
	int64_t us, at[2];
	bool utc;

	if (!csv_stamp(cel->field[CEL_EVENTTIME], &us, &utc))
		return false;
	cel->time_us = us;
	cel->ambiguous = false;
	if (utc)
		return true;
	switch (local_find(cel->zone, us, at)) {
	case LOCAL_AMBIGUOUS:
		cel_settle(cel, at);
		break;
	case LOCAL_UNIQUE:
	case LOCAL_SKIPPED: /* a clock that was not yet set forward */
		cel->time_us = at[1];
		break;
	}
	return true;
}

/* The text behind "name":" in what is JSON, as a whole; it has no escapes. */
static struct slice
cel_extra(struct slice json, const char *name)
{
	struct slice found = {"", 0};
	const char *at =
	    json.n > 0 ? memmem(json.p, json.n, name, strlen(name)) : NULL;
	const char *end;

	if (at == NULL)
		return found;
	at += strlen(name);
	end = memchr(at, '"', (size_t)(json.p + json.n - at));
	if (end != NULL)
		found = (struct slice){at, (size_t)(end - at)};
	return found;
}

static void
cel_enter(struct cel *cel, struct sink *sink)
{
	struct slice id = cel->field[CEL_UNIQUEID];
	struct slice linked = cel->field[CEL_LINKEDID];
	struct slice queue = cel->field[CEL_APPDATA];
	const char *end = queue.n > 0 ? memchr(queue.p, ',', queue.n) : NULL;
	struct cel_visit *visit = mem_zalloc(sizeof(*visit));
	struct event own, *ev;

	if (end != NULL)
		queue.n = (size_t)(end - queue.p);
	memcpy(visit->id, id.p, id.n);
	visit->id_n = id.n;
	visit->linked_n = RT_MIN(linked.n, (size_t)CEL_ID_MAX);
	memcpy(visit->linked, linked.p, visit->linked_n);
	cel_set_text(&visit->queue, queue);
	visit->enter_us = cel->time_us;
	visit->ambiguous = cel->ambiguous;
	cel_put(cel, visit);
	ev = cel_event(cel, visit, EVENT_ENTER, cel->time_us, sink, &own);
	ev->caller = cel->field[CEL_CIDNUM];
	sink->event(sink, ev);
}

static void
cel_connect(struct cel *cel, struct cel_visit *visit, struct sink *sink)
{
	struct slice peer = cel->field[CEL_BRIDGEPEER];
	const char *end = peer.n > 0 ? memchr(peer.p, ',', peer.n) : NULL;
	struct event own, *ev;

	if (end != NULL)
		peer.n = (size_t)(end - peer.p);
	cel_set_text(&visit->agent, csv_channel_interface(peer));
	visit->connect_us = cel->time_us;
	visit->ambiguous |= cel->ambiguous;
	ev = cel_event(cel, visit, EVENT_CONNECT, cel->time_us, sink, &own);
	ev->wait_ms = cel_ms(visit, visit->enter_us, cel->time_us);
	sink->event(sink, ev);
}

static bool
cel_is_queue(const struct cel *cel)
{
	struct slice app = cel->field[CEL_APPNAME];

	return app.n == 5 && strncasecmp(app.p, "Queue", 5) == 0;
}

static bool
cel_app_start(struct cel *cel, struct cel_visit *visit, struct sink *sink)
{
	if (visit != NULL)
		cel_end(cel, visit, false, sink);
	if (!cel_is_queue(cel))
		return visit != NULL;
	cel_enter(cel, sink);
	return true;
}

static bool
cel_app_end(struct cel *cel, struct cel_visit *visit, struct sink *sink)
{
	if (visit == NULL || visit->left_us != 0 ||
	    (visit->channel_n == 0 && !cel_is_queue(cel)))
		return false;
	visit->ambiguous |= cel->ambiguous;
	if (visit->connect_us != 0) {
		cel_complete(cel, visit, cel->time_us, false, sink);
		return true;
	}
	visit->left_us = cel->time_us;
	cel->n_left++;
	return false;
}

static uint64_t
cel_bridge(const struct cel *cel)
{
	struct slice id =
	    cel_extra(cel->field[CEL_EVENTEXTRA], "\"bridge_id\":\"");

	return id.n > 0 ? XXH3_64bits(id.p, id.n) : 0;
}

/* A channel that no queue knows: that of a caller who is being moved to it? */
static void
cel_move(struct cel *cel)
{
	struct slice channel = cel->field[CEL_UNIQUEID];
	uint64_t bridge = cel_bridge(cel);
	struct cel_visit *visit;

	TAILQ_FOREACH (visit, &cel->visits, link)
		if (visit->moving && visit->bridge == bridge && bridge != 0)
			break;
	if (visit == NULL)
		return;
	slots_remove(&cel->by_channel, cel_hash(cel_channel(visit)), visit);
	memcpy(visit->channel, channel.p, channel.n);
	visit->channel_n = channel.n;
	slots_add(&cel->by_channel, cel_hash(channel), visit);
	cel_set_moving(cel, visit, false);
}

static bool
cel_bridge_enter(struct cel *cel, struct cel_visit *visit, struct sink *sink)
{
	if (visit == NULL) {
		if (cel->n_moving > 0)
			cel_move(cel);
		return false;
	}
	visit->bridge = cel_bridge(cel);
	if (visit->connect_us != 0 || visit->left_us != 0)
		return false;
	cel_connect(cel, visit, sink);
	return true;
}

/* The row's channel and the other half of it are optimised away. */
static struct cel_visit *
cel_optimised(const struct cel *cel, struct cel_visit *visit)
{
	struct slice other =
	    cel_extra(cel->field[CEL_EVENTEXTRA], "\"local_two_uniqueid\":\"");

	return visit == NULL && other.n > 0 ? cel_find(cel, other) : visit;
}

static bool
cel_optimise(struct cel *cel, struct cel_visit *visit, struct sink *sink)
{
	(void)sink;
	visit = cel_optimised(cel, visit);
	if (visit != NULL && visit->connect_us != 0)
		cel_set_moving(cel, visit, true);
	return false;
}

static bool
cel_optimise_end(struct cel *cel, struct cel_visit *visit, struct sink *sink)
{
	(void)sink;
	visit = cel_optimised(cel, visit);
	if (visit != NULL)
		cel_set_moving(cel, visit, false);
	return false;
}

static bool
cel_hangup(struct cel *cel, struct cel_visit *visit, struct sink *sink)
{
	struct slice source =
	    cel_extra(cel->field[CEL_EVENTEXTRA], "\"hangupsource\":\"");
	bool dialplan = source.n >= 9 && memcmp(source.p, "dialplan/", 9) == 0;

	if (visit == NULL)
		return false;
	cel_end(cel, visit,
	    !dialplan &&
		(visit->left_us == 0 ||
		    cel->time_us <= visit->left_us + CEL_AT_ONCE_US),
	    sink);
	return true;
}

/* By another channel; the caller's is named in what goes with the event. */
static bool
cel_transfer(struct cel *cel, struct cel_visit *visit, struct sink *sink)
{
	struct slice whom = cel_extra(
	    cel->field[CEL_EVENTEXTRA], "\"transferee_channel_uniqueid\":\"");

	if (whom.n > 0)
		visit = cel_find(cel, whom);
	if (visit == NULL || visit->connect_us == 0)
		return false;
	visit->ambiguous |= cel->ambiguous;
	cel_complete(cel, visit, cel->time_us, true, sink);
	return true;
}

/* All channels of the call are gone. */
static bool
cel_linked_end(struct cel *cel, struct cel_visit *visit, struct sink *sink)
{
	struct slice linked = cel->field[CEL_LINKEDID];
	struct cel_visit *next;
	bool any = false;

	if (linked.n == 0 || linked.n > CEL_ID_MAX)
		return false;
	for (visit = TAILQ_FIRST(&cel->visits); visit != NULL; visit = next) {
		next = TAILQ_NEXT(visit, link);
		if (!slice_eq(
			(struct slice){visit->linked, visit->linked_n}, linked))
			continue;
		cel_end(cel, visit, false, sink);
		any = true;
	}
	return any;
}

/* Returns whether an event was made of the row. */
typedef bool (*cel_fn)(
    struct cel *cel, struct cel_visit *visit, struct sink *sink);

static const struct cel_type {
	const char *name;
	cel_fn fn; /* NULL: of no consequence here */
} cel_types[] = {
    {"APP_START", cel_app_start},
    {"APP_END", cel_app_end},
    {"BRIDGE_ENTER", cel_bridge_enter},
    {"BRIDGE_START", cel_bridge_enter}, /* before 12 */
    {"HANGUP", cel_hangup},
    {"CHAN_END", cel_hangup},
    {"BLINDTRANSFER", cel_transfer},
    {"ATTENDEDTRANSFER", cel_transfer},
    {"LINKEDID_END", cel_linked_end},
    {"CHAN_START", NULL},
    {"ANSWER", NULL},
    {"PARK_START", NULL},
    {"PARK_END", NULL},
    {"USER_DEFINED", NULL},
    {"BRIDGE_EXIT", NULL},
    {"BRIDGE_END", NULL},
    {"BRIDGE_UPDATE", NULL},
    {"CONF_ENTER", NULL},
    {"CONF_EXIT", NULL},
    {"CONF_START", NULL},
    {"CONF_END", NULL},
    {"PICKUP", NULL},
    {"FORWARD", NULL},
    {"LOCAL_OPTIMIZE", cel_optimise_end},
    {"LOCAL_OPTIMIZE_BEGIN", cel_optimise},
    {"STREAM_BEGIN", NULL},
    {"STREAM_END", NULL},
    {"DTMF", NULL},
};

static void
cel_note(const struct cel *cel, bool known, struct sink *sink)
{
	struct event own, *ev = sink->room != NULL ? sink->room : &own;

	blank_event(ev);
	ev->kind = EVENT_NOTE;
	ev->flags = known ? 0 : EVENT_UNKNOWN_NAME;
	ev->name = cel->field[CEL_EVENTTYPE];
	ev->time_us = cel->time_us;
	ev->call = cel->field[CEL_UNIQUEID];
	sink->event(sink, ev);
}

static void
cel_row(struct cel *cel, struct sink *sink)
{
	struct slice type = cel->field[CEL_EVENTTYPE];
	struct cel_visit *visit = cel_find(cel, cel->field[CEL_UNIQUEID]);
	bool known = false, done = false;
	unsigned i;

	for (i = 0; i < RT_COUNT(cel_types) && !known; i++) {
		if (!slice_eq(slice_of(cel_types[i].name), type))
			continue;
		known = true;
		if (cel_types[i].fn != NULL)
			done = cel_types[i].fn(cel, visit, sink);
	}
	if (!done)
		cel_note(cel, known, sink);
}

static int
cel_input(
    void *self, const struct record *from, struct sink *sink, const char **why)
{
	struct cel *cel = self;
	unsigned i;

	if (csv_split(&cel->csv, from->bytes, cel->separator, why) < 0)
		return -1;
	if (cel->csv.n < cel->least) {
		*why = "fewer columns than expected";
		return -1;
	}
	for (i = 0; i < CEL_COLUMNS; i++)
		cel->field[i] = cel->at[i] < cel->csv.n
		    ? cel->csv.field[cel->at[i]]
		    : (struct slice){"", 0};
	if (cel->field[CEL_EVENTTYPE].n == 0 || !cel_time(cel)) {
		*why = "no event or no time";
		return -1;
	}
	if (cel->field[CEL_UNIQUEID].n == 0 ||
	    cel->field[CEL_UNIQUEID].n > CEL_ID_MAX) {
		*why = "no unique id";
		return -1;
	}
	cel_expire(cel, sink);
	cel_row(cel, sink);
	cel->last_us = cel->time_us;
	cel->last_ambiguous = cel->ambiguous;
	return 0;
}

/*
 * No HANGUP is waited for: those who left were let go by their queue. One that
 * comes after all finds nobody.
 */
static void
cel_finish(void *self, struct sink *sink)
{
	struct cel *cel = self;
	struct cel_visit *visit, *next;

	/* of no row */
	cel->field[CEL_EVENTTYPE] = SLICE("APP_END");
	cel->ambiguous = false;
	for (visit = TAILQ_FIRST(&cel->visits); visit != NULL; visit = next) {
		next = TAILQ_NEXT(visit, link);
		if (visit->left_us != 0)
			cel_leave(cel, visit, false, sink);
	}
}

/* -- what is remembered ---------------------------------------------------- */

static void
cel_save(void *self, struct strbuf *to)
{
	struct cel *cel = self;
	const struct cel_visit *visit;

	/* a row may bear the time zero: a clock that was not set */
	if (cel->last_us == 0 && cel->n_visits == 0)
		return;
	pack_int(to, CEL_STATE_VERSION);
	pack_int(to, cel->last_us);
	pack_int(to, cel->last_ambiguous);
	TAILQ_FOREACH (visit, &cel->visits, link) {
		pack_text(to, cel_id(visit));
		pack_text(to, (struct slice){visit->linked, visit->linked_n});
		pack_text(to, (struct slice){visit->queue.p, visit->queue.n});
		pack_text(to, (struct slice){visit->agent.p, visit->agent.n});
		pack_int(to, visit->enter_us);
		pack_int(to, visit->connect_us);
		pack_int(to, visit->left_us);
		pack_int(to, visit->ambiguous | visit->moving << 1);
		pack_text(to, (struct slice){visit->channel, visit->channel_n});
		pack_int(to, (int64_t)visit->bridge);
	}
}

/* Version 1 knew of no channel but the first. */
static bool
cel_load_moved(struct cel_visit *visit, int64_t version, struct slice *from)
{
	struct slice channel;
	int64_t bridge;

	if (version == 1)
		return true;
	if (!unpack_text(from, &channel) || channel.n > CEL_ID_MAX ||
	    !unpack_int(from, &bridge))
		return false;
	if (channel.n > 0)
		memcpy(visit->channel, channel.p, channel.n);
	visit->channel_n = channel.n;
	visit->bridge = (uint64_t)bridge;
	return true;
}

static bool
cel_load_visit(struct cel *cel, int64_t version, struct slice *from)
{
	struct cel_visit *visit = mem_zalloc(sizeof(*visit));
	struct slice id, linked, queue, agent;
	int64_t flags;

	if (!unpack_text(from, &id) || id.n == 0 || id.n > CEL_ID_MAX ||
	    !unpack_text(from, &linked) || linked.n > CEL_ID_MAX ||
	    !unpack_text(from, &queue) || !unpack_text(from, &agent) ||
	    !unpack_int(from, &visit->enter_us) ||
	    !unpack_int(from, &visit->connect_us) ||
	    !unpack_int(from, &visit->left_us) || !unpack_int(from, &flags) ||
	    !cel_load_moved(visit, version, from) ||
	    cel_find(cel, visit->channel_n > 0 ? cel_channel(visit) : id) !=
		NULL) {
		free(visit);
		return false;
	}
	memcpy(visit->id, id.p, id.n);
	memcpy(visit->linked, linked.p, linked.n);
	visit->id_n = id.n;
	visit->linked_n = linked.n;
	cel_set_text(&visit->queue, queue);
	cel_set_text(&visit->agent, agent);
	visit->ambiguous = (flags & 1) != 0;
	visit->moving = (flags & 2) != 0;
	cel_put(cel, visit);
	return true;
}

static int
cel_load(void *self, struct slice from)
{
	struct cel *cel = self;
	int64_t version, ambiguous = 0;
	bool ok;

	cel_reset(cel);
	ok = unpack_int(&from, &version) && version >= 1 &&
	    version <= CEL_STATE_VERSION && unpack_int(&from, &cel->last_us) &&
	    unpack_int(&from, &ambiguous);
	cel->last_ambiguous = ambiguous != 0;
	while (ok && from.n > 0)
		ok = cel->n_visits <= CEL_OPEN_MAX &&
		    cel_load_visit(cel, version, &from);
	if (!ok)
		cel_reset(cel);
	return ok ? 0 : -1;
}

const struct stage asterisk_cel_stage = {
    .name = "asterisk-cel",
    .kind = STAGE_FORMAT,
    .framing = FRAMING_LINES,
    .help = "Asterisk's channel event log, as cel_custom writes it: each step "
	    "of a call, in microseconds.",
    .options = cel_options,
    .options_size = sizeof(struct cel_options),
    .facts = STAGE_KNOWS(live) | STAGE_KNOWS(queue) | STAGE_KNOWS(wait) |
	STAGE_KNOWS(answer) | STAGE_KNOWS(agent) | STAGE_KNOWS(talk) |
	STAGE_KNOWS(abandon) | STAGE_KNOWS(transfer) | STAGE_KNOWS(caller) |
	STAGE_KNOWS(fine_wait) | STAGE_KNOWS(milliseconds),
    .open = cel_open,
    .input = cel_input,
    .save = cel_save,
    .load = cel_load,
    .finish = cel_finish,
    .close = cel_close,
};
