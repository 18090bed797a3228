/* SPDX-License-Identifier: BSD-2-Clause */
/* Contacts: on their way into the database, and their figures back. */
#include "base/base.h"
#include "app.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "format/formats.h"
#include "serve/json.h"

#define APP_REF_MAX (2 * CONTACT_TEXT_MAX)

/* --- a contact ------------------------------------------------------------ */

/*
 * A contact without an id of its own is that of its call; without a call it is
 * known by where it stands in its feed.
 */
static struct slice
app_contact_ref(const struct app_feed *feed, const struct event *ev,
    struct slice switch_name, char room[APP_REF_MAX])
{
	int n;

	if (ev->contact->ref.n > 0)
		return ev->contact->ref;
	if (ev->call.n > 0)
		n = snprintf(room, APP_REF_MAX, "call:%.*s:%.*s",
		    SLICE_FMT(switch_name), SLICE_FMT(ev->call));
	else
		n = snprintf(room, APP_REF_MAX, "at:%s:%u:%" PRId64,
		    feed->conf->name, (unsigned)ev->file_no, ev->offset);
	return (struct slice){room, RT_MIN((size_t)n, (size_t)APP_REF_MAX - 1)};
}

/* The customer's hash; where a restart forgets the key it would match none. */
static bool
app_contact_customer(const struct app *app, struct slice customer,
    uint8_t hash[CALL_CALLER_BYTES])
{
	enum customer_kind kind = CUSTOMER_NOBODY;

	if (app->keeps_key && customer.n > 0)
		kind = caller_hash_customer(
		    hash, app->key.bytes, customer, app->conf->country_code);
	return kind == CUSTOMER_NUMBER || kind == CUSTOMER_ADDRESS;
}

/*
 * Its service: as it was told. That of its call is the database's to know,
 * where the call is kept there.
 */
static struct slice
app_contact_service(const struct app *app, const struct event *ev)
{
	char queue[TALLY_NAME_MAX + 1];
	const char *service;

	if (ev->contact->service.n > 0 || ev->queue.n == 0 ||
	    ev->queue.n >= sizeof(queue) ||
	    (ev->call.n > 0 && app->conf->database.keep_visits_days > 0))
		return ev->contact->service;
	memcpy(queue, ev->queue.p, ev->queue.n);
	queue[ev->queue.n] = '\0';
	service = conf_service_of(app->conf, queue);
	return service != NULL ? slice_of(service) : ev->contact->service;
}

void
app_contact(void *ctx, const struct intake *in, const struct event *ev)
{
	const struct app_feed *feed = ctx;
	const struct app *app = feed->app;
	char ref[APP_REF_MAX], agent[TALLY_NAME_MAX];
	uint8_t customer[CALL_CALLER_BYTES];
	struct store_contact contact = {.source = in->name,
	    .at_us = ev->time_us,
	    .category = ev->text,
	    .call = ev->call,
	    .told = *ev->contact};
	bool named = contact.told.switch_name.n > 0;

	/* our own format: a CRM system does not always know whose call it is */
	if (!named && ev->call.n > 0 && in->format != &ringtally_json_stage)
		contact.told.switch_name = slice_of(feed->sw->name);
	contact.ref = app_contact_ref(feed, ev,
	    named ? contact.told.switch_name : slice_of(feed->sw->name), ref);
	contact.agent = tally_agent_called(&feed->sw->tally, ev->agent, agent);
	contact.told.service = app_contact_service(app, ev);
	if (app_contact_customer(app, ev->caller, customer))
		contact.customer = customer;
	store_contact(app->store, &contact);
}

/* --- what the configuration says of them -----------------------------------
 */

static void
app_contacts_option(
    struct strbuf *to, const struct option_row *row, const void *target)
{
	const void *at = (const char *)target + row->offset;
	int choice;

	if (row->type == OPTION_TEXT) {
		json_put_string(to, row->name, *(char *const *)at);
		return;
	}
	BUG_ON(row->type != OPTION_CHOICE);
	choice = *(const int *)at;
	if (row->choices != conf_answers)
		json_put_string(to, row->name, row->choices[choice]);
	else if (choice == CONF_NOT_TOLD)
		json_put_null(to, row->name);
	else
		json_put_bool(to, row->name, choice == CONF_YES);
}

/* The names of its options are those of the columns. */
static void
app_contacts_list(
    struct strbuf *to, const struct conf *conf, enum conf_contact_list list)
{
	const struct conf_contact *contact;
	const struct option_row *row;

	json_put_array(to, conf_contact_list_name(list));
	for (contact = conf->contacts.lists[list]; contact != NULL;
	     contact = contact->next) {
		json_put_object(to, NULL);
		for (row = conf_options; row->name != NULL; row++)
			if (option_in_group(row, conf_contact_group(list)))
				app_contacts_option(to, row, contact);
		json_end_object(to);
	}
	json_end_array(to);
}

void
app_contacts_configure(struct app *app)
{
	const struct conf *conf = app->conf;
	struct strbuf text = STRBUF_INIT;
	int i;

	if (!conf->contacts.there) {
		store_set_contacts(app->store, NULL);
		return;
	}
	json_put_object(&text, NULL);
	json_put_object(&text, "settings");
	json_put_number(
	    &text, "min_coverage_pct", conf->contacts.min_coverage_pct);
	json_put_int(&text, "join_window_s",
	    conf->contacts.join_window_us / USEC_PER_SEC);
	json_put_int(&text, "repeat_days", conf->contacts.repeat_days);
	json_put_int(
	    &text, "keep_contacts_days", conf->contacts.keep_contacts_days);
	json_end_object(&text);
	for (i = 0; i < CONF_CONTACT_LISTS; i++)
		app_contacts_list(&text, conf, (enum conf_contact_list)i);
	json_end_object(&text);
	store_set_contacts(app->store, strbuf_str(&text));
	strbuf_fini(&text);
}

/* --- their figures ---------------------------------------------------------
 */

void
app_contacts(void *ctx, struct slice json)
{
	struct app *app = ctx;
	struct err err;

	if (app->view == NULL)
		return;
	if (view_set_contacts(app->view, json, clock_wall_us(), &err) < 0)
		log_warn("%s", err.text);
}
