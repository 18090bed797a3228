/* SPDX-License-Identifier: BSD-2-Clause */
/* What must hold among the rows of the group `contacts`. */
#include "base/base.h"

#include "base/nearest.h"
#include "base/strbuf.h"
#include "conf_read.h"

/* What sql/0009_contacts.sql puts into contact_category and contact_channel. */
static const char *const conf_shipped_categories[] = {
    "unnecessary_clarification", "poor_signposting", "repeat_notification",
    "progress_chasing", "premature_closure", "not_avoidable", "not_assessed",
    NULL};
static const char *const conf_shipped_channels[] = {
    "telephone", "face_to_face", "email", "web", "post", "kiosk", "chat", NULL};

static const char *const conf_contact_groups[CONF_CONTACT_LISTS] = {
    [CONF_CATEGORIES] = "contacts.categories",
    [CONF_CHANNELS] = "contacts.channels",
    [CONF_CODES] = "contacts.codes",
    [CONF_SCOPE] = "contacts.scope",
    [CONF_EXCLUSIONS] = "contacts.exclusions",
    [CONF_SAMPLING] = "contacts.sampling",
};

const char *
conf_contact_group(enum conf_contact_list list)
{
	BUG_ON((unsigned)list >= CONF_CONTACT_LISTS);
	return conf_contact_groups[list];
}

const char *
conf_contact_list_name(enum conf_contact_list list)
{
	return conf_contact_group(list) + strlen("contacts.");
}

void
conf_free_contact(enum conf_contact_list list, struct conf_contact *row)
{
	option_free(conf_options, conf_contact_group(list), row);
	free(row->where);
	free(row);
}

void
conf_free_contacts(struct conf *conf)
{
	struct conf_contact **rows, *row;
	struct conf_note *note;
	int i;

	for (i = 0; i < CONF_CONTACT_LISTS; i++) {
		rows = &conf->contacts.lists[i];
		while ((row = *rows) != NULL) {
			*rows = row->next;
			conf_free_contact((enum conf_contact_list)i, row);
		}
	}
	while ((note = conf->notes) != NULL) {
		conf->notes = note->next;
		free(note->text);
		free(note);
	}
	option_free(conf_options, "contacts", conf);
}

/* What a row is known by, beside the day from which it is true. */
static const char *
conf_contact_key(enum conf_contact_list list, const struct conf_contact *row)
{
	switch (list) {
	case CONF_CATEGORIES:
		return row->category;
	case CONF_CHANNELS:
		return row->channel;
	case CONF_CODES:
		return row->code;
	case CONF_SCOPE:
	case CONF_EXCLUSIONS:
	case CONF_SAMPLING:
	case CONF_CONTACT_LISTS:
		break;
	}
	return row->name;
}

static bool
conf_contact_is_same(enum conf_contact_list list, const struct conf_contact *a,
    const struct conf_contact *b)
{
	const char *from_a = a->valid_from != NULL ? a->valid_from : "";
	const char *from_b = b->valid_from != NULL ? b->valid_from : "";

	return a->kind == b->kind && strcmp(from_a, from_b) == 0 &&
	    strcmp(conf_contact_key(list, a), conf_contact_key(list, b)) == 0;
}

/* Dates compare as texts do. */
static int
conf_check_days(const struct conf_contact *row, struct err *err)
{
	if (row->valid_from != NULL && row->valid_to != NULL &&
	    strcmp(row->valid_from, row->valid_to) >= 0)
		return err_set(err,
		    "valid_to is \"%s\": it would be true of no day",
		    row->valid_to);
	if (row->starts_on != NULL && row->ends_on != NULL &&
	    strcmp(row->starts_on, row->ends_on) > 0)
		return err_set(
		    err, "ends_on is \"%s\", before it starts", row->ends_on);
	return 0;
}

/* What can not be meant, whatever the database holds. */
static int
conf_check_meaning(enum conf_contact_list list, const struct conf_contact *row,
    struct err *err)
{
	bool any = row->channel == NULL && row->service == NULL &&
	    row->category == NULL && row->source == NULL;
	bool always = row->valid_from == NULL && row->valid_to == NULL;

	if (list == CONF_EXCLUSIONS && any && always)
		return err_set(err,
		    "exclusion \"%s\" has neither a condition nor a day: no "
		    "contact at all would count",
		    row->name);
	if (list != CONF_CATEGORIES || row->answer == CONF_NOT_TOLD)
		return 0;
	if (strcmp(row->category, "not_assessed") == 0)
		return err_set(err,
		    "what was not assessed is neither avoidable nor not: "
		    "leave avoidable out");
	if (strcmp(row->category, "not_avoidable") == 0 &&
	    row->answer == CONF_YES)
		return err_set(err, "\"not_avoidable\" can not be avoidable");
	return 0;
}

int
conf_add_contact(struct conf *conf, enum conf_contact_list list,
    struct conf_contact *row, struct err *err)
{
	struct conf_contact **at = &conf->contacts.lists[list];

	if (conf_check_days(row, err) < 0 ||
	    conf_check_meaning(list, row, err) < 0)
		return -1;
	for (; *at != NULL; at = &(*at)->next)
		if (conf_contact_is_same(list, *at, row))
			return err_set(err,
			    "a second row \"%s\" of the same day in %s",
			    conf_contact_key(list, row),
			    conf_contact_list_name(list));
	*at = row;
	return 0;
}

int
conf_check_contacts(const struct conf *conf, struct err *err)
{
	const char *name = conf->contacts.feed;
	const struct conf_feed *feed;

	if (name == NULL)
		return 0;
	for (feed = conf->feeds; feed != NULL; feed = feed->next)
		if (strcmp(feed->name, name) == 0)
			break;
	if (feed == NULL)
		return err_set(err, "there is no feed \"%s\"", name);
	if ((feed->transport->traits & STAGE_POSTED) == 0 ||
	    strcmp(feed->format->name, "ringtally-json") != 0)
		return err_set(err,
		    "feed \"%s\" is none that contacts can be posted to: its "
		    "transport must be \"http\", its format "
		    "\"ringtally-json\"",
		    name);
	return 0;
}

/* --- names that nothing is called ---------------------------------------- */

/* Finds a word among those that are offered. */
struct conf_word {
	struct nearest near;
	bool found;
};

static void
conf_word_offer(struct conf_word *word, const char *known)
{
	word->found |= strcmp(word->near.word, known) == 0;
	nearest_offer(&word->near, known);
}

static void
conf_word_offer_rows(struct conf_word *word, const struct conf *conf,
    enum conf_contact_list list, const char *const *shipped)
{
	const struct conf_contact *row;

	for (; *shipped != NULL; shipped++)
		conf_word_offer(word, *shipped);
	for (row = conf->contacts.lists[list]; row != NULL; row = row->next)
		conf_word_offer(word, conf_contact_key(list, row));
}

static void
conf_note_word(struct conf *conf, const struct conf_contact *row,
    const char *what, const struct conf_word *word)
{
	struct strbuf text = STRBUF_INIT;
	const char *near = nearest_word(&word->near);

	if (word->found)
		return;
	strbuf_addf(&text, "%s: there is no %s \"%s\" here", row->where, what,
	    word->near.word);
	if (near != NULL)
		strbuf_addf(&text, " — did you mean \"%s\"?", near);
	conf_note_add(conf, strbuf_str(&text));
	strbuf_fini(&text);
}

static void
conf_note_category(
    struct conf *conf, const struct conf_contact *row, const char *name)
{
	struct conf_word word = {.found = false};

	if (name == NULL)
		return;
	nearest_start(&word.near, name);
	conf_word_offer_rows(
	    &word, conf, CONF_CATEGORIES, conf_shipped_categories);
	conf_note_word(conf, row, "category", &word);
}

static void
conf_note_channel(
    struct conf *conf, const struct conf_contact *row, const char *name)
{
	struct conf_word word = {.found = false};

	if (name == NULL)
		return;
	nearest_start(&word.near, name);
	conf_word_offer_rows(&word, conf, CONF_CHANNELS, conf_shipped_channels);
	conf_note_word(conf, row, "channel", &word);
}

/* Where no services are configured, all of them come with the contacts. */
static void
conf_note_service(
    struct conf *conf, const struct conf_contact *row, const char *name)
{
	struct conf_word word = {.found = false};
	const struct conf_service *service;

	if (name == NULL || conf->services == NULL)
		return;
	nearest_start(&word.near, name);
	for (service = conf->services; service != NULL; service = service->next)
		conf_word_offer(&word, service->name);
	conf_note_word(conf, row, "service", &word);
}

void
conf_note_contacts(struct conf *conf)
{
	const struct conf_contact *row;
	int list;

	for (list = 0; list < CONF_CONTACT_LISTS; list++)
		for (row = conf->contacts.lists[list]; row != NULL;
		     row = row->next) {
			if (list != CONF_CATEGORIES)
				conf_note_category(conf, row, row->category);
			if (list != CONF_CHANNELS)
				conf_note_channel(conf, row, row->channel);
			conf_note_service(conf, row, row->service);
			if (list == CONF_SCOPE && row->kind == 0)
				conf_note_channel(conf, row, row->name);
			else if (list == CONF_SCOPE)
				conf_note_service(conf, row, row->name);
		}
}
