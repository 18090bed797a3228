/* SPDX-License-Identifier: BSD-2-Clause */
/* What must hold among the rows of the group `contacts`. */
#include "base/base.h"

#include "conf_read.h"

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
	free(row);
}

void
conf_free_contacts(struct conf *conf)
{
	struct conf_contact **rows, *row;
	int i;

	for (i = 0; i < CONF_CONTACT_LISTS; i++) {
		rows = &conf->contacts.lists[i];
		while ((row = *rows) != NULL) {
			*rows = row->next;
			conf_free_contact((enum conf_contact_list)i, row);
		}
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

int
conf_add_contact(struct conf *conf, enum conf_contact_list list,
    struct conf_contact *row, struct err *err)
{
	struct conf_contact **at = &conf->contacts.lists[list];

	if (conf_check_days(row, err) < 0)
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
