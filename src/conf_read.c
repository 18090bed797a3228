/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <libconfig.h>

#include "base/nearest.h"
#include "base/strbuf.h"
#include "conf_file.h"
#include "conf_read.h"
#include "feed/transports.h"
#include "format/formats.h"

#define CONF_KEYS_MAX 128

struct conf_reader {
	struct conf *conf;
	struct conf_file *files;
	struct err *err;
};

/* The keys that may stand in one group. */
struct conf_keys {
	const char *names[CONF_KEYS_MAX];
	size_t n;
};

static const char *const conf_groups[] = {"database", "live", "contacts"};

static int
conf_read_feed(struct conf_reader *r, config_setting_t *from, int which);
static int
conf_read_service(struct conf_reader *r, config_setting_t *from, int which);
static int
conf_read_agent(struct conf_reader *r, config_setting_t *from, int which);
static int
conf_read_contact(struct conf_reader *r, config_setting_t *from, int which);

static const struct conf_list {
	const char *group, *name; /* group "": none */
	int (*read)(struct conf_reader *r, config_setting_t *from, int which);
	int which; /* of those that are read in the same way */
} conf_lists[] = {
    {"", "feeds", conf_read_feed, 0},
    {"", "services", conf_read_service, 0},
    {"", "agents", conf_read_agent, 0},
    {"contacts", "categories", conf_read_contact, CONF_CATEGORIES},
    {"contacts", "channels", conf_read_contact, CONF_CHANNELS},
    {"contacts", "codes", conf_read_contact, CONF_CODES},
    {"contacts", "scope", conf_read_contact, CONF_SCOPE},
    {"contacts", "exclusions", conf_read_contact, CONF_EXCLUSIONS},
    {"contacts", "sampling", conf_read_contact, CONF_SAMPLING},
};

/* "FILE:LINE", which the caller frees. */
static char *
conf_place(const struct conf_reader *r, const config_setting_t *s)
{
	struct strbuf place = STRBUF_INIT;
	char *text;

	conf_file_place(r->files, s, &place);
	text = mem_strdup(strbuf_str(&place));
	strbuf_fini(&place);
	return text;
}

/* Puts the place before a reason that is set already; returns -1. */
static int
conf_at(struct conf_reader *r, const config_setting_t *s)
{
	struct strbuf place = STRBUF_INIT;

	conf_file_place(r->files, s, &place);
	err_prefix(r->err, "%s", strbuf_str(&place));
	strbuf_fini(&place);
	return -1;
}

static void
conf_keys_add(struct conf_keys *keys, const char *name)
{
	BUG_ON(keys->n == CONF_KEYS_MAX);
	keys->names[keys->n++] = name;
}

static void
conf_keys_add_rows(
    struct conf_keys *keys, const struct option_row *rows, const char *group)
{
	for (; rows != NULL && rows->name != NULL; rows++)
		if (option_in_group(rows, group))
			conf_keys_add(keys, rows->name);
}

static bool
conf_keys_have(const struct conf_keys *keys, const char *name)
{
	size_t i;

	for (i = 0; i < keys->n; i++)
		if (strcmp(keys->names[i], name) == 0)
			return true;
	return false;
}

/* Where a key of the main groups belongs that stands in another one. */
static const struct option_row *
conf_key_elsewhere(const char *name)
{
	const struct option_row *row;
	size_t i;

	for (row = conf_options; row->name != NULL; row++)
		for (i = 0; i < RT_COUNT(conf_groups); i++)
			if (strcmp(row->name, name) == 0 &&
			    strcmp(row->group, conf_groups[i]) == 0)
				return row;
	return NULL;
}

static int
conf_refuse_key(struct conf_reader *r, const struct conf_keys *keys,
    const config_setting_t *s)
{
	const char *name = config_setting_name(s);
	const struct option_row *row = conf_key_elsewhere(name);
	struct nearest near;
	size_t i;

	nearest_start(&near, name);
	for (i = 0; i < keys->n; i++)
		nearest_offer(&near, keys->names[i]);
	if (nearest_word(&near) != NULL)
		err_set(r->err, "unknown key \"%s\" — did you mean \"%s\"?",
		    name, nearest_word(&near));
	else if (row != NULL)
		err_set(r->err, "unknown key \"%s\" — it belongs in %s", name,
		    row->group);
	else
		err_set(r->err, "unknown key \"%s\"", name);
	return conf_at(r, s);
}

static int
conf_check_keys(struct conf_reader *r, const struct conf_keys *keys,
    const config_setting_t *group)
{
	int i, n = config_setting_length(group);

	for (i = 0; i < n; i++) {
		const config_setting_t *s =
		    config_setting_get_elem(group, (unsigned)i);

		if (!conf_keys_have(keys, config_setting_name(s)))
			return conf_refuse_key(r, keys, s);
	}
	return 0;
}

static int
conf_set_texts(const struct option_row *row, void *target,
    const config_setting_t *s, struct err *err)
{
	int i, n = config_setting_length(s), rc;
	const char **texts = mem_zalloc(((size_t)n + 1) * sizeof(*texts));

	for (i = 0; i < n; i++)
		texts[i] = config_setting_get_string_elem(s, i);
	rc = option_set_texts(row, target, texts, (size_t)n, err);
	free(texts);
	return rc;
}

static int
conf_set_ints(const struct option_row *row, void *target,
    const config_setting_t *s, struct err *err)
{
	int i, n = config_setting_length(s), rc;
	int64_t *ints = mem_zalloc(((size_t)n + 1) * sizeof(*ints));

	for (i = 0; i < n; i++)
		ints[i] = config_setting_get_int64_elem(s, i);
	rc = option_set_ints(row, target, ints, (size_t)n, err);
	free(ints);
	return rc;
}

/* A list or array; what is in it must be of one kind. */
static int
conf_set_list(const struct option_row *row, void *target,
    const config_setting_t *s, struct err *err)
{
	int i, n = config_setting_length(s), texts = 0, ints = 0;

	for (i = 0; i < n; i++) {
		const config_setting_t *elem =
		    config_setting_get_elem(s, (unsigned)i);
		int type = config_setting_type(elem);

		texts += type == CONFIG_TYPE_STRING;
		ints += type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
	}
	if (texts == n && (n > 0 || row->type == OPTION_TEXTS))
		return conf_set_texts(row, target, s, err);
	if (ints == n)
		return conf_set_ints(row, target, s, err);
	return err_set(
	    err, "%s must be %s", row->name, option_type_text(row->type));
}

static int
conf_set(struct conf_reader *r, const struct option_row *row, void *target,
    const config_setting_t *s)
{
	int rc;

	switch (config_setting_type(s)) {
	case CONFIG_TYPE_STRING:
		rc = option_set_text(
		    row, target, config_setting_get_string(s), r->err);
		break;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		rc = option_set_int(
		    row, target, config_setting_get_int64(s), r->err);
		break;
	case CONFIG_TYPE_FLOAT:
		rc = option_set_real(
		    row, target, config_setting_get_float(s), r->err);
		break;
	case CONFIG_TYPE_BOOL:
		rc = option_set_bool(
		    row, target, config_setting_get_bool(s) != 0, r->err);
		break;
	case CONFIG_TYPE_ARRAY:
	case CONFIG_TYPE_LIST:
		rc = conf_set_list(row, target, s, r->err);
		break;
	default:
		rc = err_set(r->err, "%s must be %s, not a group", row->name,
		    option_type_text(row->type));
	}
	return rc < 0 ? conf_at(r, s) : 0;
}

/*
 * Sets all rows of one group, which n places (one for each file that has it)
 * make up together.
 */
static int
conf_read_rows(struct conf_reader *r, const struct option_row *row,
    const char *group, void *target, config_setting_t *const *places, size_t n)
{
	for (; row != NULL && row->name != NULL; row++) {
		config_setting_t *first = NULL, *s;
		size_t i;

		if (!option_in_group(row, group))
			continue;
		for (i = 0; i < n; i++) {
			s = config_setting_get_member(places[i], row->name);
			if (s != NULL && first != NULL) {
				struct strbuf at = STRBUF_INIT;

				conf_file_place(r->files, first, &at);
				err_set(r->err, "%s is set already at %s",
				    row->name, strbuf_str(&at));
				strbuf_fini(&at);
				return conf_at(r, s);
			}
			first = s != NULL ? s : first;
		}
		if (first == NULL && row->required) {
			err_set(r->err, "%s is missing", row->name);
			return conf_at(r, places[0]);
		}
		if (first == NULL)
			option_set_preset(row, target);
		else if (conf_set(r, row, target, first) < 0)
			return -1;
	}
	return 0;
}

/* An element of a list, or a group in it, by its rows alone. */
static int
conf_read_element(struct conf_reader *r, const char *group, void *target,
    config_setting_t *from)
{
	return conf_read_rows(r, conf_options, group, target, &from, 1);
}

/* A feed's keys are its own and those of its two stages. */
static int
conf_check_feed_keys(struct conf_reader *r, const struct stage *transport,
    const struct stage *format, const config_setting_t *from)
{
	struct conf_keys keys = {.n = 0};
	size_t i;

	conf_keys_add_rows(&keys, conf_options, "feeds");
	for (i = 0; transports[i] != NULL; i++)
		if (transport == NULL || transport == transports[i])
			conf_keys_add_rows(&keys, transports[i]->options, NULL);
	for (i = 0; formats[i] != NULL; i++)
		if (format == NULL || format == formats[i])
			conf_keys_add_rows(&keys, formats[i]->options, NULL);
	return conf_check_keys(r, &keys, from);
}

static int
conf_refuse_stage(struct conf_reader *r, const struct stage *const *known,
    const char *key, const char *name, const config_setting_t *from)
{
	struct strbuf all = STRBUF_INIT;
	size_t i;

	for (i = 0; known[i] != NULL; i++)
		strbuf_addf(
		    &all, "%s\"%s\"", i > 0 ? ", " : "", known[i]->name);
	err_set(r->err, "unknown %s \"%s\"; known: %s", key, name,
	    strbuf_str(&all));
	strbuf_fini(&all);
	return conf_at(r, config_setting_get_member(from, key));
}

/* Makes a stage's struct of options and fills it. */
static int
conf_read_stage(struct conf_reader *r, const struct stage *stage,
    void **options, config_setting_t *from)
{
	if (stage->options == NULL)
		return 0;
	*options = mem_zalloc(stage->options_size);
	return conf_read_rows(r, stage->options, NULL, *options, &from, 1);
}

static int
conf_fill_feed(
    struct conf_reader *r, struct conf_feed *feed, config_setting_t *from)
{
	const char *name;

	feed->where = conf_place(r, from);
	if (config_setting_lookup_string(from, "transport", &name))
		feed->transport = transport_find(name);
	if (config_setting_lookup_string(from, "format", &name))
		feed->format = format_find(name);
	if (conf_check_feed_keys(r, feed->transport, feed->format, from) < 0 ||
	    conf_read_element(r, "feeds", feed, from) < 0)
		return -1;
	if (feed->transport == NULL)
		return conf_refuse_stage(
		    r, transports, "transport", feed->transport_name, from);
	if (feed->format == NULL)
		return conf_refuse_stage(
		    r, formats, "format", feed->format_name, from);
	if (feed->envelope != ENVELOPE_NONE &&
	    feed->format->framing != FRAMING_LINES) {
		err_set(r->err,
		    "an envelope goes around lines, which the format \"%s\" "
		    "does not have",
		    feed->format->name);
		return conf_at(r, config_setting_get_member(from, "envelope"));
	}
	if (conf_read_stage(
		r, feed->transport, &feed->transport_options, from) < 0 ||
	    conf_read_stage(r, feed->format, &feed->format_options, from) < 0)
		return -1;
	return conf_add_feed(r->conf, feed, r->err) < 0 ? conf_at(r, from) : 0;
}

static int
conf_read_feed(
    struct conf_reader *r, config_setting_t *from, int which RT_UNUSED)
{
	struct conf_feed *feed = mem_zalloc(sizeof(*feed));

	if (conf_fill_feed(r, feed, from) == 0)
		return 0;
	conf_free_feed(feed);
	return -1;
}

static int
conf_read_target(
    struct conf_reader *r, struct conf_target *target, config_setting_t *from)
{
	struct conf_keys keys = {.n = 0};

	if (from == NULL)
		return 0;
	if (!config_setting_is_group(from)) {
		err_set(r->err,
		    "target must be a group: { within_s = 20; pct = 85.0; }");
		return conf_at(r, from);
	}
	conf_keys_add_rows(&keys, conf_options, "services.target");
	if (conf_check_keys(r, &keys, from) < 0)
		return -1;
	return conf_read_element(r, "services.target", target, from);
}

static int
conf_fill_service(
    struct conf_reader *r, struct conf_service *service, config_setting_t *from)
{
	struct conf_keys keys = {.n = 0};

	service->where = conf_place(r, from);
	conf_keys_add_rows(&keys, conf_options, "services");
	conf_keys_add(&keys, "target");
	if (conf_check_keys(r, &keys, from) < 0 ||
	    conf_read_element(r, "services", service, from) < 0 ||
	    conf_read_target(r, &service->target,
		config_setting_get_member(from, "target")) < 0)
		return -1;
	if (conf_add_service(r->conf, service, r->err) < 0)
		return conf_at(r, from);
	return 0;
}

static int
conf_read_service(
    struct conf_reader *r, config_setting_t *from, int which RT_UNUSED)
{
	struct conf_service *service = mem_zalloc(sizeof(*service));

	if (conf_fill_service(r, service, from) == 0)
		return 0;
	conf_free_service(service);
	return -1;
}

static int
conf_fill_agent(
    struct conf_reader *r, struct conf_agent *agent, config_setting_t *from)
{
	struct conf_keys keys = {.n = 0};

	conf_keys_add_rows(&keys, conf_options, "agents");
	if (conf_check_keys(r, &keys, from) < 0 ||
	    conf_read_element(r, "agents", agent, from) < 0)
		return -1;
	if (conf_add_agent(r->conf, agent, r->err) < 0)
		return conf_at(r, from);
	return 0;
}

static int
conf_read_agent(
    struct conf_reader *r, config_setting_t *from, int which RT_UNUSED)
{
	struct conf_agent *agent = mem_zalloc(sizeof(*agent));

	if (conf_fill_agent(r, agent, from) == 0)
		return 0;
	conf_free_agent(agent);
	return -1;
}

static int
conf_fill_contact(struct conf_reader *r, enum conf_contact_list list,
    struct conf_contact *row, config_setting_t *from)
{
	const char *group = conf_contact_group(list);
	struct conf_keys keys = {.n = 0};

	row->where = conf_place(r, from);
	conf_keys_add_rows(&keys, conf_options, group);
	if (conf_check_keys(r, &keys, from) < 0 ||
	    conf_read_element(r, group, row, from) < 0)
		return -1;
	if (conf_add_contact(r->conf, list, row, r->err) < 0)
		return conf_at(r, from);
	return 0;
}

static int
conf_read_contact(struct conf_reader *r, config_setting_t *from, int which)
{
	enum conf_contact_list list = (enum conf_contact_list)which;
	struct conf_contact *row = mem_zalloc(sizeof(*row));

	if (conf_fill_contact(r, list, row, from) == 0)
		return 0;
	conf_free_contact(list, row);
	return -1;
}

/* The lists that stand in a group. */
static void
conf_keys_add_lists(struct conf_keys *keys, const char *group)
{
	size_t i;

	for (i = 0; i < RT_COUNT(conf_lists); i++)
		if (strcmp(conf_lists[i].group, group) == 0)
			conf_keys_add(keys, conf_lists[i].name);
}

static int
conf_check_root(struct conf_reader *r)
{
	struct conf_keys keys = {.n = 0};
	struct conf_file *file;
	size_t i;

	conf_keys_add_rows(&keys, conf_options, "");
	for (i = 0; i < RT_COUNT(conf_groups); i++)
		conf_keys_add(&keys, conf_groups[i]);
	conf_keys_add_lists(&keys, "");
	for (file = r->files; file != NULL; file = file->next)
		if (conf_check_keys(
			r, &keys, config_root_setting(file->config)) < 0)
			return -1;
	return 0;
}

/* The options of a group, from all files; "": those outside of groups. */
static int
conf_read_group(struct conf_reader *r, const char *group)
{
	config_setting_t *places[CONF_FILES_MAX], *s;
	struct conf_keys keys = {.n = 0};
	struct conf_file *file;
	size_t n = 0;

	conf_keys_add_rows(&keys, conf_options, group);
	conf_keys_add_lists(&keys, group);
	for (file = r->files; file != NULL; file = file->next) {
		s = config_root_setting(file->config);
		if (group[0] != '\0')
			s = config_setting_get_member(s, group);
		if (s == NULL)
			continue;
		if (!config_setting_is_group(s)) {
			err_set(r->err, "%s must be a group: { ... }", group);
			return conf_at(r, s);
		}
		if (group[0] != '\0' && conf_check_keys(r, &keys, s) < 0)
			return -1;
		places[n++] = s;
	}
	if (strcmp(group, "contacts") == 0)
		r->conf->contacts.there = n > 0;
	return conf_read_rows(r, conf_options, group, r->conf, places, n);
}

/* The elements of a list, file after file. */
static int
conf_read_list(struct conf_reader *r, const struct conf_list *list)
{
	config_setting_t *s, *elem;
	struct conf_file *file;
	int i;

	for (file = r->files; file != NULL; file = file->next) {
		s = config_root_setting(file->config);
		if (list->group[0] != '\0')
			s = config_setting_get_member(s, list->group);
		if (s != NULL)
			s = config_setting_get_member(s, list->name);
		if (s != NULL && !config_setting_is_list(s)) {
			err_set(r->err, "%s must be a list: ( { ... }, ... )",
			    list->name);
			return conf_at(r, s);
		}
		for (i = 0; s != NULL && i < config_setting_length(s); i++) {
			elem = config_setting_get_elem(s, (unsigned)i);
			if (!config_setting_is_group(elem)) {
				err_set(r->err,
				    "what is in %s must be groups: { ... }",
				    list->name);
				return conf_at(r, elem);
			}
			if (list->read(r, elem, list->which) < 0)
				return -1;
		}
	}
	return 0;
}

/* Where an option was set, in whichever file; or NULL. */
static const config_setting_t *
conf_find(const struct conf_reader *r, const char *path)
{
	const config_setting_t *s = NULL;
	struct conf_file *file;

	for (file = r->files; file != NULL && s == NULL; file = file->next)
		s = config_lookup(file->config, path);
	return s;
}

/* Of the two the zone is as it is; the interval can be another one. */
static int
conf_check_interval_of_zone(struct conf_reader *r)
{
	const config_setting_t *s = conf_find(r, "interval_minutes");

	if (conf_check_midnight(r->conf, r->err) == 0)
		return 0;
	if (s == NULL)
		s = conf_find(r, "timezone");
	BUG_ON(s == NULL); /* the presets fit each other */
	return conf_at(r, s);
}

/* The feed may stand in another file, and behind it. */
static int
conf_check_feed_of_contacts(struct conf_reader *r)
{
	const config_setting_t *s;

	if (conf_check_contacts(r->conf, r->err) == 0)
		return 0;
	s = conf_find(r, "contacts.feed");
	BUG_ON(s == NULL);
	return conf_at(r, s);
}

/* The same as text; that of the file, where it is preset. */
static char *
conf_place_of(const struct conf_reader *r, const char *option, const char *path)
{
	const config_setting_t *s = conf_find(r, option);

	return s != NULL ? conf_place(r, s) : mem_strdup(path);
}

int
conf_read(struct conf *conf, const char *path, struct err *err)
{
	struct conf_reader r = {conf, NULL, err};
	int rc = -1;
	size_t i;

	if (conf_files_open(&r.files, path, err) < 0)
		return -1;
	if (conf_check_root(&r) < 0 || conf_read_group(&r, "") < 0 ||
	    conf_check_interval_of_zone(&r) < 0)
		goto out;
	for (i = 0; i < RT_COUNT(conf_groups); i++)
		if (conf_read_group(&r, conf_groups[i]) < 0)
			goto out;
	for (i = 0; i < RT_COUNT(conf_lists); i++)
		if (conf_read_list(&r, &conf_lists[i]) < 0)
			goto out;
	rc = conf_check_feed_of_contacts(&r);
	if (rc < 0)
		goto out;
	conf_note_contacts(conf);
	conf->conninfo_at = conf_place_of(&r, "database.conninfo", path);
	conf->listen_at = conf_place_of(&r, "live.listen", path);
out:
	conf_files_close(r.files);
	return rc;
}
