/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions that the commands ask the database: blocking, each on a connection
 * of its own, as ringtally_reader or better. The daemon never comes here.
 */
#ifndef RT_STORE_QUERY_H
#define RT_STORE_QUERY_H

#include "base/err.h"
#include "event/counters.h"

#define QUERY_NO_TIME INT64_MIN

/* A row of ringtally.feed, with what its switch's writer says. */
struct query_feed {
	const char *site, *name, *switch_name, *transport, *format;
	const char *path; /* of the present file; empty: none was begun */
	int64_t file_no, device, inode, offset, size_seen;
	int64_t last_event_us; /* or QUERY_NO_TIME, as the next ones */
	int64_t updated_us;    /* when the feed's row was written last */
	int64_t now_us;	       /* the server's clock */
	int64_t renewed_us;    /* when the switch's writer wrote last */
	const char *holder;    /* where that runs; empty: none yet */
	bool released;	       /* it has ended in good order */
	const char *guarantee; /* empty: not known yet */
	bool connects;	       /* else `connected` says nothing */
	bool connected;
	int64_t connected_us; /* since when, or QUERY_NO_TIME */
	const char *status;   /* in words; or empty */
	int64_t spool_bytes;
	int64_t records_of_hour; /* of the last hour, by event time */
	int64_t counters[COUNTERS];
};

struct query_event {
	const char *site, *feed, *name;
	bool unknown; /* the format does not know it */
	int64_t count;
	int64_t last_us; /* or QUERY_NO_TIME */
};

/*
 * Calls fn for each feed of a site (NULL: of all), by site and name; texts live
 * until it returns. Returns -1 with the reason, which says what to do where the
 * schema or a right is missing.
 */
int query_feeds(const char *conninfo, const char *site,
    void (*fn)(void *ctx, const struct query_feed *feed), void *ctx,
    struct err *err);

/* The same for the event names of each feed, the most frequent ones first. */
int query_events(const char *conninfo, const char *site,
    void (*fn)(void *ctx, const struct query_event *event), void *ctx,
    struct err *err);

#endif
