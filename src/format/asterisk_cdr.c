/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asterisk's call detail records as lines: cdr_csv's Master.csv, and what
 * cdr_custom writes by any list of columns.
 *
 *	"","0208312021","8003","inbound","""Jo"" <0208312021>","PJSIP/t-31;1",
 *	"PJSIP/1204-28","Queue","billing,t,,,60","2026-11-21 19:18:51",...
 *
 * Facts: cdr/cdr_csv.c, cdr/cdr_custom.c and main/cdr.c of Asterisk 22, and a
 * recording of it with the truth beside it (4,554 rows, 2,509 calls). Since
 * Asterisk 12 a caller's channel leaves a row for each agent that was rung and
 * one for each further application, all with its uniqueid and written together
 * when it hangs up. The rows of one queue make one visit:
 *
 * - answered, when one of them has a destination channel and is ANSWERED. The
 *   disposition alone says nothing: the dialplan answers first. A caller who
 *   hung up while the agent was told of him (memberdelay, announcements) is
 *   ANSWERED, too, so that this is unsure;
 * - else given up by somebody. If the caller has a row behind it, he stayed on
 *   the line, and the queue let him go (timeout, key, empty); if not, he most
 *   likely hung up. Both are told as unsure;
 * - when the agent answered is not told: `answer` is the dialplan's;
 * - nor who passed it on: a second agent's row that is ANSWERED may be a
 *   transfer, or an optimised channel, or another ring of a caller who hung up
 *   during the announcement. In the recording most were not transfers.
 *
 * What was told at the end of all (finish) is kept as long as it would have
 * been waited for, so that rows of it that come after all begin no second one.
 */
#include "base/base.h"
#include "event/contact.h"
#include "event/stage.h"
#include "format/blank.h"
#include "format/csv.h"
#include "format/formats.h"
#include "format/pack.h"

#define CDR_STATE_VERSION 2  /* 1 told nothing before its time */
#define CDR_LEAST	  16 /* columns of cdr_csv */
#define CDR_PENDING	  32 /* visits of which more rows may come */
#define CDR_ROWS	  64 /* such a visit is over after so many rows */
#define CDR_LATER_US	  (2 * USEC_PER_SEC) /* or when time has gone on so */
#define CDR_ID_MAX	  160
#define CDR_TEXT_MAX	  128
/* A call's first row begins with its channel, but for rounding. */
#define CDR_SLACK_S INT64_C(2)

enum cdr_column {
	CDR_SRC,
	CDR_CHANNEL,
	CDR_DSTCHANNEL,
	CDR_LASTAPP,
	CDR_LASTDATA,
	CDR_START,
	CDR_END,
	CDR_DURATION,
	CDR_DISPOSITION,
	CDR_UNIQUEID,
	CDR_LINKEDID,
	CDR_SEQUENCE,
	CDR_ACCOUNTCODE,
	CDR_USERFIELD,
	CDR_COLUMNS
};

static const char *const cdr_names[CDR_COLUMNS] = {"src", "channel",
    "dstchannel", "lastapp", "lastdata", "start", "end", "duration",
    "disposition", "uniqueid", "linkedid", "sequence", "accountcode",
    "userfield"};

/* Which of them holds the code of a contact. */
enum cdr_contact {
	CDR_CONTACT_NONE,
	CDR_CONTACT_USERFIELD,
	CDR_CONTACT_ACCOUNT
};
static const char *const cdr_contacts[] = {
    "none", "userfield", "accountcode", NULL};
static const enum cdr_column cdr_contact_columns[] = {
    CDR_COLUMNS, CDR_USERFIELD, CDR_ACCOUNTCODE};

struct cdr_options {
	char **columns;
	bool gmt;
	char *separator;
	int contact; /* enum cdr_contact */
};

/* Where each column stands; CSV_FIELDS: nowhere. */
struct cdr_layout {
	uint8_t at[CDR_COLUMNS];
	unsigned least; /* fields that a row must have */
};

struct cdr_text {
	char p[CDR_TEXT_MAX];
	size_t n;
};

/* One visit, as far as its rows tell. */
struct cdr_visit {
	bool used, answered, ambiguous;
	bool hidden; /* the caller, as it was loaded */
	bool told;   /* by finish: only its later rows are known by it */
	char id[CDR_ID_MAX];
	size_t id_n;
	struct cdr_text queue, agent, caller;
	int64_t begin_us, end_us;
	uint64_t row; /* number of its last row */
};

struct cdr {
	struct stage_setup setup;
	struct local_zone *zone; /* NULL: rows are in UTC */
	char separator;
	bool custom;
	enum cdr_column contact;  /* CDR_COLUMNS: none */
	struct cdr_layout layout; /* custom only */
	struct cdr_visit visit[CDR_PENDING];
	uint64_t rows;
	/* of the row in work */
	struct csv csv;
	struct strbuf key;
};

/* One row. */
struct cdr_row {
	struct slice field[CDR_COLUMNS], id;
	int64_t begin_us, end_us;
	bool ambiguous;
};

static const struct option_row cdr_options[] = {
    {.name = "columns",
	.group = "feeds",
	.type = OPTION_TEXTS,
	.offset = offsetof(struct cdr_options, columns),
	.unit = "",
	.help = "The columns of cdr_custom, in their order, by Asterisk's "
		"names: \"clid\", \"src\", \"dst\" ... Those that are not "
		"needed may have any name. Without it the rows are those of "
		"cdr_csv, 16 to 21 columns."},
    {.name = "gmt",
	.group = "feeds",
	.type = OPTION_BOOL,
	.offset = offsetof(struct cdr_options, gmt),
	.preset = "false",
	.unit = "",
	.help = "Whether the times are UTC (usegmtime=yes in cdr.conf), not "
		"the switch's local time. A row does not say which."},
    {.name = "separator",
	.group = "feeds",
	.type = OPTION_TEXT,
	.offset = offsetof(struct cdr_options, separator),
	.preset = ",",
	.max = 1,
	.unit = "",
	.help = "What stands between two columns: one byte."},
    {.name = "contact_column",
	.group = "feeds",
	.type = OPTION_CHOICE,
	.offset = offsetof(struct cdr_options, contact),
	.choices = cdr_contacts,
	.preset = "none",
	.unit = "",
	.help = "The column with the code that the agent gave the contact, see "
		"ringtally-contacts(7). It is looked at in rows of calls that "
		"came to a queue."},
    {.name = NULL}};

/* -- columns --------------------------------------------------------------- */

static void
cdr_layout_clear(struct cdr_layout *layout)
{
	memset(layout->at, CSV_FIELDS, sizeof(layout->at));
	layout->least = 0;
}

static void
cdr_layout_put(struct cdr_layout *layout, const char *name, unsigned at)
{
	unsigned i;

	if (strcmp(name, "calldate") == 0) /* the old name */
		name = "start";
	for (i = 0; i < CDR_COLUMNS; i++)
		if (strcmp(name, cdr_names[i]) == 0) {
			layout->at[i] = (uint8_t)at;
			layout->least = RT_MAX(layout->least, at + 1);
		}
}

/* What cdr_csv writes; with 17 or 20 columns two things are possible. */
static void
cdr_layout_csv(struct cdr_layout *layout, const struct csv *csv)
{
	static const char *const first[] = {"accountcode", "src", "dst",
	    "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata",
	    "start", "answer", "end", "duration", "billsec", "disposition",
	    "amaflags"};
	static const char *const newer[] = {
	    "peeraccount", "linkedid", "sequence"};
	unsigned i, rest;

	cdr_layout_clear(layout);
	for (i = 0; i < CDR_LEAST; i++)
		cdr_layout_put(layout, first[i], i);
	rest = csv->n - CDR_LEAST;
	if (rest >= 3) {
		for (i = 0; i < 3; i++)
			cdr_layout_put(layout, newer[i], csv->n - 3 + i);
		rest -= 3;
	}
	if (rest >= 2 ||
	    (rest == 1 && csv_id_second(csv->field[CDR_LEAST]) != 0))
		cdr_layout_put(layout, "uniqueid", CDR_LEAST);
	else if (rest == 1)
		cdr_layout_put(layout, "userfield", CDR_LEAST);
	if (rest >= 2)
		cdr_layout_put(layout, "userfield", CDR_LEAST + 1);
}

static int
cdr_layout_custom(
    struct cdr_layout *layout, char *const *columns, struct err *err)
{
	static const enum cdr_column needed[] = {CDR_DSTCHANNEL, CDR_LASTAPP,
	    CDR_LASTDATA, CDR_START, CDR_DURATION, CDR_DISPOSITION,
	    CDR_UNIQUEID};
	unsigned i;

	cdr_layout_clear(layout);
	for (i = 0; columns[i] != NULL; i++) {
		if (i == CSV_FIELDS)
			return err_set(
			    err, "columns: more than %d", CSV_FIELDS);
		cdr_layout_put(layout, columns[i], i);
	}
	for (i = 0; i < RT_COUNT(needed); i++)
		if (layout->at[needed[i]] == CSV_FIELDS)
			return err_set(err, "columns: \"%s\" is needed",
			    cdr_names[needed[i]]);
	return 0;
}

static int
cdr_open(void **self, const struct stage_setup *setup, struct err *err)
{
	static const struct cdr_options none;
	const struct cdr_options *options =
	    setup->options != NULL ? setup->options : &none;
	struct cdr *cdr = mem_zalloc(sizeof(*cdr));

	cdr->setup = *setup;
	cdr->separator = options->separator != NULL ? *options->separator : ',';
	cdr->custom = options->columns != NULL && options->columns[0] != NULL;
	cdr->contact = cdr_contact_columns[options->contact];
	if (cdr->custom &&
	    cdr_layout_custom(&cdr->layout, options->columns, err) < 0)
		goto out;
	if (cdr->custom && cdr->contact != CDR_COLUMNS &&
	    cdr->layout.at[cdr->contact] == CSV_FIELDS) {
		err_set(err, "columns: \"%s\" is the contact_column",
		    cdr_names[cdr->contact]);
		goto out;
	}
	cdr->zone = local_open(options->gmt ? NULL : setup->timezone, err);
	if (cdr->zone == NULL)
		goto out;
	*self = cdr;
	return 0;
out:
	free(cdr);
	return -1;
}

static void
cdr_close(void *self, const char *reason)
{
	struct cdr *cdr = self;

	(void)reason;
	local_close(cdr->zone);
	csv_fini(&cdr->csv);
	strbuf_fini(&cdr->key);
	free(cdr);
}

/* -- rows ------------------------------------------------------------------ */

/*
 * The row's begin in UTC. In the hour that happens twice the unique id tells,
 * which holds the second at which its channel began.
 */
static bool
cdr_begin(struct cdr *cdr, struct cdr_row *row)
{
	int64_t us, at[2], born = csv_id_second(row->id);
	bool utc;

	if (!csv_stamp(row->field[CDR_START], &us, &utc))
		return false;
	row->ambiguous = false;
	row->begin_us = us;
	if (utc)
		return true;
	switch (local_find(cdr->zone, us, at)) {
	case LOCAL_UNIQUE:
		row->begin_us = at[0];
		break;
	case LOCAL_SKIPPED: /* a clock that was not yet set forward */
		row->begin_us = at[1];
		break;
	case LOCAL_AMBIGUOUS:
		row->begin_us =
		    born != 0 && at[0] < (born - CDR_SLACK_S) * USEC_PER_SEC
		    ? at[1]
		    : at[0];
		/* a later row of a call that was born before: either */
		row->ambiguous = born == 0 ||
		    (row->begin_us == at[0] &&
			at[1] < (born + 2 * 3600) * USEC_PER_SEC &&
			at[0] > (born + CDR_SLACK_S) * USEC_PER_SEC);
		break;
	}
	return true;
}

static int
cdr_take(struct cdr *cdr, struct cdr_row *row, const char **why)
{
	struct cdr_layout csv, *layout = &cdr->layout;
	int64_t duration_s;
	unsigned i;

	if (!cdr->custom && (cdr->csv.n < CDR_LEAST || cdr->csv.n > 21)) {
		*why = "not 16 to 21 columns";
		return -1;
	}
	if (!cdr->custom)
		cdr_layout_csv(layout = &csv, &cdr->csv);
	if (cdr->csv.n < layout->least) {
		*why = "fewer columns than configured";
		return -1;
	}
	for (i = 0; i < CDR_COLUMNS; i++)
		row->field[i] = layout->at[i] < cdr->csv.n
		    ? cdr->csv.field[layout->at[i]]
		    : (struct slice){"", 0};
	row->id = row->field[CDR_UNIQUEID];
	if (row->id.n == 0)
		row->id = row->field[CDR_LINKEDID];
	if (row->id.n == 0)
		row->id = row->field[CDR_CHANNEL];
	if (!cdr_begin(cdr, row)) {
		*why = "no start time";
		return -1;
	}
	if (!slice_uint(row->field[CDR_DURATION], &duration_s) ||
	    duration_s > 100 * 366 * SEC_PER_DAY) {
		*why = "no duration";
		return -1;
	}
	row->end_us = row->begin_us + duration_s * USEC_PER_SEC;
	return 0;
}

static bool
cdr_is(struct slice s, const char *word)
{
	return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

static struct slice
cdr_queue(const struct cdr_row *row)
{
	struct slice data = row->field[CDR_LASTDATA];
	const char *end = data.n > 0 ? memchr(data.p, ',', data.n) : NULL;

	/* before 1.6 arguments stood between `|` */
	if (end == NULL && data.n > 0)
		end = memchr(data.p, '|', data.n);
	if (end != NULL)
		data.n = (size_t)(end - data.p);
	data.n = RT_MIN(data.n, (size_t)CDR_TEXT_MAX); /* as it is kept */
	return data;
}

/* -- visits ---------------------------------------------------------------- */

static void
cdr_set_text(struct cdr_text *to, struct slice s)
{
	to->n = RT_MIN(s.n, sizeof(to->p));
	memcpy(to->p, s.p, to->n);
}

static struct slice
cdr_slice(const struct cdr_text *text)
{
	return (struct slice){text->p, text->n};
}

/* No more rows of it are expected. `stayed`: the caller has rows behind it. */
static void
cdr_emit(struct cdr_visit *visit, bool stayed, struct sink *sink)
{
	struct event own, *ev = sink->room != NULL ? sink->room : &own;

	blank_event(ev);
	ev->kind = EVENT_SUMMARY;
	ev->name = SLICE("Queue");
	ev->time_us = visit->end_us;
	ev->begin_us = visit->begin_us;
	ev->call = (struct slice){visit->id, visit->id_n};
	ev->queue = cdr_slice(&visit->queue);
	ev->agent = cdr_slice(&visit->agent);
	ev->caller = cdr_slice(&visit->caller);
	ev->flags = EVENT_UNSURE;
	if (visit->answered)
		ev->outcome = OUTCOME_ANSWERED;
	else
		ev->outcome = stayed ? OUTCOME_TIMED_OUT : OUTCOME_ABANDONED;
	if (visit->ambiguous)
		ev->flags |= EVENT_AMBIGUOUS;
	if (visit->hidden)
		ev->flags |= EVENT_HIDDEN;
	sink->event(sink, ev);
}

/* Its place is free. What was told is not told again. */
static void
cdr_end(struct cdr_visit *visit, bool stayed, struct sink *sink)
{
	if (!visit->told)
		cdr_emit(visit, stayed, sink);
	visit->used = false;
}

static struct cdr_visit *
cdr_find(struct cdr *cdr, struct slice id)
{
	unsigned i;

	for (i = 0; i < CDR_PENDING; i++) {
		struct cdr_visit *visit = &cdr->visit[i];

		if (visit->used &&
		    slice_eq((struct slice){visit->id, visit->id_n}, id))
			return visit;
	}
	return NULL;
}

/* A free place; of those taken the one that was heard of longest ago. */
static struct cdr_visit *
cdr_place(struct cdr *cdr, struct sink *sink)
{
	struct cdr_visit *oldest = NULL;
	unsigned i;

	for (i = 0; i < CDR_PENDING; i++) {
		struct cdr_visit *visit = &cdr->visit[i];

		if (!visit->used)
			return visit;
		if (oldest == NULL || visit->row < oldest->row)
			oldest = visit;
	}
	cdr_end(oldest, false, sink);
	return oldest;
}

static void
cdr_add(struct cdr_visit *visit, const struct cdr_row *row)
{
	struct slice agent = csv_channel_interface(row->field[CDR_DSTCHANNEL]);

	visit->begin_us = RT_MIN(visit->begin_us, row->begin_us);
	visit->end_us = RT_MAX(visit->end_us, row->end_us);
	visit->ambiguous |= row->ambiguous;
	if (agent.n == 0 || !cdr_is(row->field[CDR_DISPOSITION], "ANSWERED"))
		return;
	if (!visit->answered)
		cdr_set_text(&visit->agent, agent);
	visit->answered = true;
}

static void
cdr_begin_visit(struct cdr *cdr, const struct cdr_row *row, struct sink *sink)
{
	struct cdr_visit *visit = cdr_place(cdr, sink);

	*visit = (struct cdr_visit){.used = true,
	    .id_n = row->id.n,
	    .row = cdr->rows,
	    .begin_us = row->begin_us,
	    .end_us = row->end_us};
	memcpy(visit->id, row->id.p, row->id.n);
	cdr_set_text(&visit->queue, cdr_queue(row));
	cdr_set_text(&visit->caller, row->field[CDR_SRC]);
	cdr_add(visit, row);
}

static void
cdr_note(const struct cdr_row *row, struct sink *sink)
{
	struct event own, *ev = sink->room != NULL ? sink->room : &own;

	blank_event(ev);
	ev->kind = EVENT_NOTE;
	ev->name = row->field[CDR_LASTAPP].n > 0 ? row->field[CDR_LASTAPP]
						 : SLICE("none");
	ev->time_us = row->end_us;
	ev->call = row->id;
	sink->event(sink, ev);
}

/*
 * The code that the row bears. All rows of a call may bear it, and are one
 * contact. Its time is the row's end: there it was known at the latest.
 */
static void
cdr_contact(struct cdr *cdr, const struct cdr_row *row, struct sink *sink)
{
	struct contact contact;
	struct event ev;

	if (cdr->contact == CDR_COLUMNS || row->field[cdr->contact].n == 0)
		return;
	contact_clear(&contact);
	contact.code = row->field[cdr->contact];
	blank_event(&ev);
	ev.kind = EVENT_CONTACT;
	ev.contact = &contact;
	ev.name = slice_of(cdr_names[cdr->contact]);
	ev.time_us = row->end_us;
	ev.call = row->id;
	if (cdr_is(row->field[CDR_LASTAPP], "Queue")) {
		ev.queue = cdr_queue(row);
		ev.agent = csv_channel_interface(row->field[CDR_DSTCHANNEL]);
	}
	sink->event(sink, &ev);
}

static bool
cdr_is_over(const struct cdr *cdr, const struct cdr_visit *visit,
    const struct cdr_row *row)
{
	return visit->used && visit->row != cdr->rows &&
	    (row->end_us > visit->end_us + CDR_LATER_US ||
		cdr->rows - visit->row > CDR_ROWS);
}

/* Visits of other calls that the row shows to be over: the oldest first. */
static void
cdr_expire(struct cdr *cdr, const struct cdr_row *row, struct sink *sink)
{
	struct cdr_visit *first;
	unsigned i;

	do {
		first = NULL;
		for (i = 0; i < CDR_PENDING; i++)
			if (cdr_is_over(cdr, &cdr->visit[i], row) &&
			    (first == NULL || cdr->visit[i].row < first->row))
				first = &cdr->visit[i];
		if (first != NULL)
			cdr_end(first, false, sink);
	} while (first != NULL);
}

static int
cdr_input(
    void *self, const struct record *from, struct sink *sink, const char **why)
{
	struct cdr *cdr = self;
	struct cdr_visit *visit;
	struct cdr_row row;

	if (csv_split(&cdr->csv, from->bytes, cdr->separator, why) < 0 ||
	    cdr_take(cdr, &row, why) < 0)
		return -1;
	if (row.id.n == 0 || row.id.n > CDR_ID_MAX) {
		*why = "no uniqueid";
		return -1;
	}
	cdr->rows++;
	visit = cdr_find(cdr, row.id);
	if (visit != NULL || cdr_is(row.field[CDR_LASTAPP], "Queue"))
		cdr_contact(cdr, &row, sink);
	if (!cdr_is(row.field[CDR_LASTAPP], "Queue")) {
		if (visit != NULL)
			cdr_end(visit, true, sink);
		cdr_note(&row, sink);
	} else if (visit != NULL &&
	    slice_eq(cdr_slice(&visit->queue), cdr_queue(&row))) {
		visit->row = cdr->rows;
		if (visit->told)
			cdr_note(&row, sink);
		else
			cdr_add(visit, &row);
	} else {
		if (visit != NULL)
			cdr_end(visit, true, sink);
		cdr_begin_visit(cdr, &row, sink);
	}
	cdr_expire(cdr, &row, sink);
	return 0;
}

/* No row is waited for: all are over, the oldest first. */
static void
cdr_finish(void *self, struct sink *sink)
{
	struct cdr *cdr = self;
	struct cdr_visit *first;
	unsigned i;

	do {
		first = NULL;
		for (i = 0; i < CDR_PENDING; i++)
			if (cdr->visit[i].used && !cdr->visit[i].told &&
			    (first == NULL || cdr->visit[i].row < first->row))
				first = &cdr->visit[i];
		if (first != NULL) {
			cdr_emit(first, false, sink);
			first->told = true;
		}
	} while (first != NULL);
}

/* Rows of one uniqueid differ by their sequence, if that is written. */
static bool
cdr_key(void *self, const struct record *record, struct slice *key)
{
	struct cdr *cdr = self;
	struct cdr_row row;
	const char *why;

	if (csv_split(&cdr->csv, record->bytes, cdr->separator, &why) < 0 ||
	    cdr_take(cdr, &row, &why) < 0 || row.field[CDR_UNIQUEID].n == 0 ||
	    row.field[CDR_SEQUENCE].n == 0)
		return false;
	strbuf_reset(&cdr->key);
	strbuf_addf(&cdr->key, "%.*s/%.*s", SLICE_FMT(row.id),
	    SLICE_FMT(row.field[CDR_SEQUENCE]));
	*key = (struct slice){strbuf_str(&cdr->key), cdr->key.n};
	return true;
}

/* -- what is remembered ---------------------------------------------------- */

static void
cdr_save(void *self, struct strbuf *to)
{
	struct cdr *cdr = self;
	unsigned i;

	for (i = 0; i < CDR_PENDING; i++) {
		const struct cdr_visit *visit = &cdr->visit[i];

		if (!visit->used)
			continue;
		pack_int(to, CDR_STATE_VERSION);
		pack_int(to,
		    visit->answered | visit->ambiguous << 2 |
			visit->told << 3); /* 2: was used once */
		pack_text(to, (struct slice){visit->id, visit->id_n});
		pack_text(to, cdr_slice(&visit->queue));
		pack_text(to, cdr_slice(&visit->agent));
		pack_caller(
		    to, &cdr->setup, cdr_slice(&visit->caller), visit->hidden);
		pack_int(to, visit->begin_us);
		pack_int(to, visit->end_us);
		pack_int(to, (int64_t)(cdr->rows - visit->row));
	}
}

static bool
cdr_load_visit(struct cdr *cdr, struct cdr_visit *visit, struct slice *from)
{
	struct slice id, queue, agent, caller;
	int64_t version, flags, age;

	if (!unpack_int(from, &version) || version < 1 ||
	    version > CDR_STATE_VERSION || !unpack_int(from, &flags) ||
	    !unpack_text(from, &id) || id.n > CDR_ID_MAX ||
	    !unpack_text(from, &queue) || !unpack_text(from, &agent) ||
	    !unpack_text(from, &caller) ||
	    !unpack_int(from, &visit->begin_us) ||
	    !unpack_int(from, &visit->end_us) || !unpack_int(from, &age) ||
	    age < 0 || age > CDR_ROWS)
		return false;
	visit->used = true;
	visit->answered = flags & 1;
	visit->ambiguous = flags >> 2 & 1;
	visit->told = flags >> 3 & 1;
	visit->id_n = id.n;
	memcpy(visit->id, id.p, id.n);
	cdr_set_text(&visit->queue, queue);
	cdr_set_text(&visit->agent, agent);
	cdr_set_text(&visit->caller, caller);
	visit->hidden = true;
	visit->row = cdr->rows - (uint64_t)age;
	return true;
}

static int
cdr_load(void *self, struct slice from)
{
	struct cdr *cdr = self;
	unsigned i;

	memset(cdr->visit, 0, sizeof(cdr->visit));
	cdr->rows = CDR_ROWS; /* so that ages can be taken from it */
	for (i = 0; from.n > 0; i++)
		if (i == CDR_PENDING ||
		    !cdr_load_visit(cdr, &cdr->visit[i], &from)) {
			memset(cdr->visit, 0, sizeof(cdr->visit));
			return -1;
		}
	return 0;
}

const struct stage asterisk_cdr_stage = {
    .name = "asterisk-cdr",
    .kind = STAGE_FORMAT,
    .traits = STAGE_AFTERWARDS,
    .framing = FRAMING_LINES,
    .help = "Asterisk's call detail records, as cdr_csv and cdr_custom write "
	    "them: which calls came to a queue, and which were answered.",
    .options = cdr_options,
    .options_size = sizeof(struct cdr_options),
    .facts = STAGE_KNOWS(queue) | STAGE_KNOWS(answer) | STAGE_KNOWS(agent) |
	STAGE_KNOWS(caller),
    .open = cdr_open,
    .input = cdr_input,
    .key = cdr_key,
    .save = cdr_save,
    .load = cdr_load,
    .finish = cdr_finish,
    .close = cdr_close,
};
