/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contacts on their way between the commands and PostgreSQL: blocking, on a
 * connection of its own, as ringtally_writer. The daemon, which writes contacts
 * in its batches, never comes here; both call ringtally.contact_put, so a
 * contact is the same whoever brought it.
 *
 * An import is a number of chunks, each of which is one statement and, unless
 * all of it is to be one transaction, committed at once. Who breaks it off has
 * written whole chunks, and writes nothing twice when it is started again: a
 * contact is known by its ref.
 */
#ifndef RT_STORE_CONTACTS_H
#define RT_STORE_CONTACTS_H

#include "base/err.h"
#include "base/slice.h"

#define CONTACTS_CHUNK	    10000 /* rows of one statement */
#define CONTACTS_TEXT_MAX   255 /* bytes; longer ones are the caller's to cut */
#define CONTACTS_HASH_BYTES 16

/*
 * Whose contacts they are. An office that has no daemon has no row of its site
 * before something is written for it: days and samples need one.
 */
struct contacts_site {
	const char *name, *timezone;
	int64_t interval_s, keep_visits_days;
};

/* What is told of one contact; texts are valid UTF-8, empty where not told. */
struct contacts_row {
	struct slice source, ref, channel, service, category, code, request,
	    assessed_by, switch_name, call_id, agent;
	int64_t at_us;
	int64_t assessed_us;
	bool has_assessed;
	int8_t resolved;	 /* 1 yes, 0 no, -1 not told */
	const uint8_t *customer; /* CONTACTS_HASH_BYTES; NULL: nobody known */
	uint64_t line;		 /* where it stands, for contacts_set_refused */
};

struct contacts_counts {
	int64_t added, changed, same;
};

struct contacts;

/*
 * NULL with the reason. The site's texts stay as long as this. whole: nothing
 * is to be seen of it before contacts_commit; else each chunk is committed by
 * itself. why: what is noted beside a figure that changes by it; NULL: nothing.
 */
struct contacts *
contacts_open(const char *conninfo, const struct contacts_site *site,
    const char *why, bool whole, struct err *err);
/* What was not committed is rolled back. NULL is fine. */
void contacts_close(struct contacts *contacts);

/*
 * Takes a row; every CONTACTS_CHUNK of them are sent. -1 with the reason: the
 * rows since the last chunk are not in the database, contacts is of no use any
 * more. A row's texts may go when it returns.
 */
int contacts_add(
    struct contacts *contacts, const struct contacts_row *row, struct err *err);
/*
 * fn is told of each row that was not taken, as its ref is that of another
 * source's contact.
 */
void contacts_set_refused(struct contacts *contacts,
    void (*fn)(void *ctx, uint64_t line, const char *source), void *ctx);
/* Sends what is held. */
int contacts_flush(struct contacts *contacts, struct err *err);
/* The same, and makes all of it to be seen. */
int contacts_commit(struct contacts *contacts, struct err *err);
/* Of all that was sent: what the database says became of it. */
const struct contacts_counts *contacts_counted(const struct contacts *contacts);

/* Each word of a kind ("channel", "category") that counts today, by name. */
int contacts_words(struct contacts *contacts,
    void (*fn)(
	void *ctx, const char *kind, const char *name, const char *label),
    void *ctx, struct err *err);

/* For how many days contacts are kept, and shown. -1 with the reason. */
int
contacts_keep_days(struct contacts *contacts, int64_t *days, struct err *err);

/* --- a tally sheet ------------------------------------------------------- */

struct contacts_sheet_row {
	struct slice channel, service, category;
	int64_t contacts;
	int64_t resolved, requests; /* -1: not told */
};

struct contacts_sheet_counts {
	int64_t added, changed, same, removed;
};

/*
 * Makes the counts of a sampling period that come from `source` exactly these
 * rows, or says which is of a channel or service that the period is not of.
 * why: what is noted beside a figure that changes by it. dry: changes nothing,
 * and says what it would.
 */
int contacts_sheet(const char *conninfo, const struct contacts_site *site,
    const char *period, const char *source, const char *why,
    const struct contacts_sheet_row *rows, size_t n, bool dry,
    struct contacts_sheet_counts *counts, struct err *err);

/* --- evidence ------------------------------------------------------------ */

/* Which contacts are asked for; NULL and QUERY_NO_TIME: any. */
struct contacts_filter {
	int64_t from_us, to_us; /* to is not among them */
	const char *service, *channel, *category;
	const char *assessed; /* "avoidable", "not_avoidable", "not_assessed" */
	bool excluded;	      /* also those that count in no figure */
};

enum contacts_cell {
	CONTACTS_CELL_REF,
	CONTACTS_CELL_AT, /* microseconds since 1970 */
	CONTACTS_CELL_CHANNEL,
	CONTACTS_CELL_SERVICE,
	CONTACTS_CELL_CATEGORY,
	CONTACTS_CELL_ASSESSED, /* as in the filter */
	CONTACTS_CELL_REQUEST,
	CONTACTS_CELL_RESOLVED, /* "yes", "no" */
	CONTACTS_CELL_SOURCE,
	CONTACTS_CELL_ASSESSED_BY,
	CONTACTS_CELL_SWITCH,
	CONTACTS_CELL_CALL_ID,
	CONTACTS_CELL_JOINED_BY,
	CONTACTS_CELL_EXCLUDED, /* why */
	CONTACTS_CELLS
};

/*
 * Calls fn for each contact of a site, as they came; it is given
 * CONTACTS_CELLS texts, NULL where nothing is known, which live until it
 * returns. Rows are not held in memory.
 */
int contacts_list(const char *conninfo, const char *site,
    const struct contacts_filter *filter,
    void (*fn)(void *ctx, const char *const *cells), void *ctx,
    struct err *err);

/* --- forgetting ---------------------------------------------------------- */

/*
 * Erases callers by their hashes, n of CONTACTS_HASH_BYTES each, in one
 * transaction; fn is told what went of each table.
 */
int
contacts_forget(const char *conninfo, const char *site, const uint8_t *hashes,
    size_t n, void (*fn)(void *ctx, const char *what, int64_t n), void *ctx,
    struct err *err);

#endif
