/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contacts that wait for the next cut, as the arrays of contact_put(): in one
 * transaction with the feeds' positions, so that each is put exactly once, and
 * behind the visits, so that it finds its call.
 */
#include "base/base.h"
#include "base/utf8.h"
#include "store/inner.h"

/* A cut is due with so many: contact_put() takes them quickly. */
#define CONTACT_ROWS_FULL 10000

#define CONTACT_COLUMN(name, type)                    \
	{                                             \
		name, COLUMN_##type, COLUMN_SET, NULL \
	}

/* The parameters of contact_put(), behind the site. */
static const struct table contact_table = {.name = "contact_put()",
    .n_columns = 15,
    .column = {CONTACT_COLUMN("source", TEXT), CONTACT_COLUMN("ref", TEXT),
	CONTACT_COLUMN("at", TIME), CONTACT_COLUMN("channel", TEXT),
	CONTACT_COLUMN("service", TEXT), CONTACT_COLUMN("category", TEXT),
	CONTACT_COLUMN("code", TEXT), CONTACT_COLUMN("request", TEXT),
	CONTACT_COLUMN("resolved", BOOL), CONTACT_COLUMN("customer", BYTES),
	CONTACT_COLUMN("assessed_by", TEXT),
	CONTACT_COLUMN("assessed_at", TIME), CONTACT_COLUMN("switch", TEXT),
	CONTACT_COLUMN("call_id", TEXT), CONTACT_COLUMN("agent", TEXT)}};

static const char contact_put_sql[] =
    "SELECT added, changed, same FROM ringtally.contact_put($1::text, "
    "$2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], "
    "$7::text[], $8::text[], $9::text[], $10::boolean[], $11::bytea[], "
    "$12::text[], $13::timestamptz[], $14::text[], $15::text[], $16::text[])";

void
contact_rows_init(struct rows *rows)
{
	rows_init(rows, &contact_table);
}

/* Valid UTF-8 without NUL, of CONTACT_TEXT_MAX bytes at most; or NULL. */
static void
contact_rows_text(struct rows *rows, struct slice s)
{
	char room[CONTACT_TEXT_MAX];

	if (s.n > sizeof(room) || !utf8_is_ascii(s.p, s.n)) {
		s.n = utf8_clean(room, sizeof(room), s.p, s.n);
		s.p = room;
	}
	rows_text_or_null(rows, s);
}

static void
contact_rows_resolved(struct rows *rows, enum contact_resolved resolved)
{
	if (resolved == CONTACT_RESOLVED_UNKNOWN)
		rows_null(rows);
	else
		rows_bool(rows, resolved == CONTACT_RESOLVED_YES);
}

void
store_contact(struct store *store, const struct store_contact *c)
{
	struct rows *rows = &store->contacts;

	if (store->finished)
		return;
	BUG_ON(c->ref.n == 0);
	contact_rows_text(rows, slice_of(c->source));
	contact_rows_text(rows, c->ref);
	rows_time(rows, c->at_us);
	contact_rows_text(rows, c->told.channel);
	contact_rows_text(rows, c->told.service);
	contact_rows_text(rows, c->category);
	contact_rows_text(rows, c->told.code);
	contact_rows_text(rows, c->told.request);
	contact_rows_resolved(rows, c->told.resolved);
	if (c->customer != NULL)
		rows_blob(rows, c->customer, CALL_CALLER_BYTES);
	else
		rows_null(rows);
	contact_rows_text(rows, c->told.assessed_by);
	rows_time_or_null(rows, c->told.assessed_us != 0, c->told.assessed_us);
	contact_rows_text(rows, c->told.switch_name);
	contact_rows_text(rows, c->call);
	contact_rows_text(rows, c->agent);
	rows_end(rows);
	contact_work_told(store->contact_work, c->at_us);
}

bool
contact_rows_are_full(const struct rows *rows)
{
	return rows->n >= CONTACT_ROWS_FULL;
}

void
contact_rows_script(
    struct store *store, struct link_script *script, struct rows *rows)
{
	int i;

	if (rows->n == 0)
		return;
	rows_close(rows);
	link_add(script, contact_put_sql)->fault = "after-contacts";
	link_param(script, store->config.site);
	for (i = 0; i < contact_table.n_columns; i++)
		link_param_binary(script, &rows->column[i]);
}
