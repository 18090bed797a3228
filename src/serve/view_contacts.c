/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contacts. Their figures are the database's; here they are passed on as they
 * came, with their age, and counts are read out of them for /metrics.
 */
#include "base/base.h"

#include <jansson.h>

#include "serve/view_inner.h"

/* The daemon asks at least each minute; see view_set_contacts. */
#define VIEW_CONTACTS_GOOD_US (150 * USEC_PER_SEC)

/* --- what came ----------------------------------------------------------- */

static void
view_contacts_drop(struct view_contacts *contacts)
{
	size_t i;

	for (i = 0; i < contacts->n; i++)
		free(contacts->v[i].channel);
	free(contacts->v);
	strbuf_fini(&contacts->json);
	*contacts = (struct view_contacts){0};
}

void
view_contacts_fini(struct view *view)
{
	view_contacts_drop(&view->contacts);
}

static int64_t
view_contacts_count(const json_t *figures, const char *name)
{
	const json_t *value = json_object_get(figures, name);

	return json_is_integer(value)
	    ? RT_MAX(json_integer_value(value), (json_int_t)0)
	    : 0;
}

/* Counts of today, of a channel or of all. */
static struct view_contacts_row
view_contacts_row(const json_t *today)
{
	return (struct view_contacts_row){
	    .contacts = view_contacts_count(today, "contacts"),
	    .assessed = view_contacts_count(today, "assessed"),
	    .avoidable = view_contacts_count(today, "avoidable"),
	    .requests = view_contacts_count(today, "requests"),
	};
}

static void
view_contacts_read(struct view_contacts *to, const json_t *document)
{
	const json_t *channels = json_object_get(document, "channels");
	const json_t *channel;
	size_t i;

	to->today = view_contacts_row(json_object_get(document, "today"));
	to->v = mem_zalloc((json_array_size(channels) + 1) * sizeof(*to->v));
	json_array_foreach(channels, i, channel)
	{
		const char *name =
		    json_string_value(json_object_get(channel, "channel"));

		if (name == NULL)
			continue;
		to->v[to->n] =
		    view_contacts_row(json_object_get(channel, "today"));
		to->v[to->n++].channel = mem_strdup(name);
	}
}

/* Of all but "as_of": "...", which differs each time. */
static uint64_t
view_contacts_hash(struct slice json)
{
	static const char key[] = "\"as_of\":";
	const char *at = memmem(json.p, json.n, key, sizeof(key) - 1);
	const char *end = json.p + json.n, *next;

	if (at == NULL)
		return XXH3_64bits(json.p, json.n);
	next = memchr(at, ',', (size_t)(end - at));
	if (next == NULL)
		next = end;
	return XXH3_64bits(json.p, (size_t)(at - json.p)) ^
	    XXH3_64bits_withSeed(next, (size_t)(end - next), 1);
}

/* Of a document that is one object: what stands between its braces. */
static struct slice
view_contacts_inside(struct slice json)
{
	while (json.n > 0 && strchr(" \t\r\n", json.p[0]) != NULL)
		json = (struct slice){json.p + 1, json.n - 1};
	while (json.n > 0 && strchr(" \t\r\n", json.p[json.n - 1]) != NULL)
		json.n--;
	BUG_ON(json.n < 2 || json.p[0] != '{' || json.p[json.n - 1] != '}');
	return (struct slice){json.p + 1, json.n - 2};
}

/* As in all documents: a `<` is escaped. In JSON it stands in texts only. */
static void
view_contacts_copy(struct strbuf *to, struct slice json)
{
	const char *p = json.p, *end = json.p + json.n, *at;

	for (; (at = memchr(p, '<', (size_t)(end - p))) != NULL; p = at + 1) {
		strbuf_add(to, p, (size_t)(at - p));
		strbuf_adds(to, "\\u003c");
	}
	strbuf_add(to, p, (size_t)(end - p));
}

int
view_set_contacts(
    struct view *view, struct slice json, int64_t now_us, struct err *err)
{
	struct view_contacts *contacts = &view->contacts;
	uint64_t version = contacts->version, changed = contacts->changed;
	uint64_t was = contacts->hash;
	json_error_t why;
	json_t *document = json_loadb(json.p, json.n, 0, &why);
	struct slice inside;

	if (!json_is_object(document)) {
		json_decref(document);
		return err_set(err, "the database's contacts: %s",
		    document == NULL ? why.text : "no object");
	}
	inside = view_contacts_inside(json);
	view_contacts_drop(contacts);
	view_contacts_read(contacts, document);
	json_decref(document);
	view_contacts_copy(&contacts->json, inside);
	contacts->at_us = now_us;
	contacts->version = version + 1;
	contacts->hash = view_contacts_hash(inside);
	contacts->changed = changed + (version == 0 || contacts->hash != was);
	view_touch(view);
	return 0;
}

const struct view_contacts *
view_contacts(const struct view *view)
{
	return &view->contacts;
}

/* --- the document -------------------------------------------------------- */

bool
view_contacts_stale(const struct view *view, int64_t now_us)
{
	struct view_database db;

	if (view->contacts.at_us == 0 ||
	    now_us - view->contacts.at_us > VIEW_CONTACTS_GOOD_US)
		return true;
	view_database(view, &db);
	return strcmp(db.state, "ready") != 0;
}

void
view_contacts_begin(struct view *view, struct view_job *job)
{
	const struct view_contacts *contacts = &view->contacts;
	int64_t age_us = job->now_us - contacts->at_us;
	struct strbuf *to = &job->out;

	if (contacts->at_us == 0) {
		json_put_null(to, "as_of");
		json_put_null(to, "age_s");
	} else {
		if (contacts->json.n > 0)
			strbuf_addc(to, ',');
		strbuf_add(to, contacts->json.p, contacts->json.n);
		json_put_int(
		    to, "age_s", RT_MAX(age_us, INT64_C(0)) / USEC_PER_SEC);
	}
	json_put_bool(to, "stale", view_contacts_stale(view, job->now_us));
}
