/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include "base/strbuf.h"
#include "store/ask.h"
#include "store/query.h"

/*
 * The columns before the counters, in the order of query_take_feed. Times are
 * microseconds since 1970.
 */
static const char query_feed_sql[] =
    "SELECT f.site, f.feed, f.switch, f.transport, f.format, f.path, "
    "f.file_no, f.device, f.inode, f.file_offset, f.size_seen, "
    "(extract(epoch FROM f.last_event_at) * 1000000)::bigint, "
    "(extract(epoch FROM f.updated_at) * 1000000)::bigint, "
    "(extract(epoch FROM now()) * 1000000)::bigint, "
    "(extract(epoch FROM w.renewed_at) * 1000000)::bigint, "
    "coalesce(w.holder, ''), coalesce(w.released, true), "
    "f.guarantee, f.connected, "
    "(extract(epoch FROM f.connected_at) * 1000000)::bigint, "
    "coalesce(f.status, ''), f.spool_bytes, "
    "(SELECT coalesce(sum(i.records), 0) FROM ringtally.feed_interval AS i "
    "WHERE i.site = f.site AND i.feed = f.feed "
    "AND i.starts_at > now() - interval '1 hour')";
#define QUERY_FEED_COLUMNS 23

static const char query_feed_from[] =
    " FROM ringtally.feed AS f "
    "LEFT JOIN ringtally.writer AS w USING (site, switch) "
    "WHERE $1::text IS NULL OR f.site = $1 ORDER BY f.site, f.feed";

static const char query_events_sql[] =
    "SELECT site, feed, event, unknown, count, "
    "(extract(epoch FROM last_at) * 1000000)::bigint "
    "FROM ringtally.feed_event WHERE $1::text IS NULL OR site = $1 "
    "ORDER BY site, feed, count DESC, event";

/* Asks one question with one parameter; NULL with the reason. */
static PGresult *
query_ask(PGconn *conn, const char *sql, const char *parameter, struct err *err)
{
	return ask_rows(conn, sql, 1, &parameter, "ringtally_reader", err);
}

static int64_t
query_int(const PGresult *result, int row, int column)
{
	return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

static int64_t
query_time(const PGresult *result, int row, int column)
{
	return PQgetisnull(result, row, column)
	    ? QUERY_NO_TIME
	    : query_int(result, row, column);
}

static bool
query_bool(const PGresult *result, int row, int column)
{
	return PQgetvalue(result, row, column)[0] == 't';
}

static void
query_take_feed(struct query_feed *feed, const PGresult *r, int row)
{
	int i;

	*feed = (struct query_feed){
	    .site = PQgetvalue(r, row, 0),
	    .name = PQgetvalue(r, row, 1),
	    .switch_name = PQgetvalue(r, row, 2),
	    .transport = PQgetvalue(r, row, 3),
	    .format = PQgetvalue(r, row, 4),
	    .path = PQgetvalue(r, row, 5),
	    .file_no = query_int(r, row, 6),
	    .device = query_int(r, row, 7),
	    .inode = query_int(r, row, 8),
	    .offset = query_int(r, row, 9),
	    .size_seen = query_int(r, row, 10),
	    .last_event_us = query_time(r, row, 11),
	    .updated_us = query_time(r, row, 12),
	    .now_us = query_time(r, row, 13),
	    .renewed_us = query_time(r, row, 14),
	    .holder = PQgetvalue(r, row, 15),
	    .released = query_bool(r, row, 16),
	    .guarantee = PQgetvalue(r, row, 17),
	    .connects = !PQgetisnull(r, row, 18),
	    .connected = query_bool(r, row, 18),
	    .connected_us = query_time(r, row, 19),
	    .status = PQgetvalue(r, row, 20),
	    .spool_bytes = query_int(r, row, 21),
	    .records_of_hour = query_int(r, row, 22),
	};
	for (i = 0; i < COUNTERS; i++)
		feed->counters[i] = query_int(r, row, QUERY_FEED_COLUMNS + i);
}

int
query_feeds(const char *conninfo, const char *site,
    void (*fn)(void *ctx, const struct query_feed *feed), void *ctx,
    struct err *err)
{
	PGconn *conn = ask_connect(conninfo, err);
	struct strbuf sql = STRBUF_INIT;
	struct query_feed feed;
	PGresult *result;
	int i;

	if (conn == NULL)
		return -1;
	strbuf_adds(&sql, query_feed_sql);
	for (i = 0; i < COUNTERS; i++)
		strbuf_addf(&sql, ", f.%s", counter_rows[i].name);
	strbuf_adds(&sql, query_feed_from);
	result = query_ask(conn, sql.p, site, err);
	strbuf_fini(&sql);
	for (i = 0; result != NULL && i < PQntuples(result); i++) {
		query_take_feed(&feed, result, i);
		fn(ctx, &feed);
	}
	PQfinish(conn);
	if (result == NULL)
		return -1;
	PQclear(result);
	return 0;
}

int
query_events(const char *conninfo, const char *site,
    void (*fn)(void *ctx, const struct query_event *event), void *ctx,
    struct err *err)
{
	PGconn *conn = ask_connect(conninfo, err);
	PGresult *r;
	int i;

	if (conn == NULL)
		return -1;
	r = query_ask(conn, query_events_sql, site, err);
	for (i = 0; r != NULL && i < PQntuples(r); i++) {
		const struct query_event event = {.site = PQgetvalue(r, i, 0),
		    .feed = PQgetvalue(r, i, 1),
		    .name = PQgetvalue(r, i, 2),
		    .unknown = query_bool(r, i, 3),
		    .count = query_int(r, i, 4),
		    .last_us = query_time(r, i, 5)};

		fn(ctx, &event);
	}
	PQfinish(conn);
	if (r == NULL)
		return -1;
	PQclear(r);
	return 0;
}
