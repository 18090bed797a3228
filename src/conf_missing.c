/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that the configuration names and that must be there: tokens, secrets,
 * certificates, keys. The daemon can not do without; but whoever tests a
 * configuration may be about to write them, or not allowed to see them.
 */
#include "base/base.h"

#include <sys/stat.h>

#include "base/strbuf.h"
#include "conf.h"
#include "conf_read.h"

static bool
conf_row_is_file(const struct option_row *row)
{
	size_t n = strlen(row->name);

	return row->type == OPTION_TEXT && n > 5 &&
	    strcmp(row->name + n - 5, "_file") == 0 &&
	    /* which the daemon makes */
	    strcmp(row->name, "caller_key_file") != 0;
}

/* where: of the group, for people. */
static void
conf_note_missing_of(struct conf *conf, const char *where,
    const struct option_row *rows, const char *group, const void *target)
{
	struct strbuf text = STRBUF_INIT;
	const struct option_row *row;
	const char *path;
	struct stat st;

	for (row = rows; row != NULL && row->name != NULL; row++) {
		if (!conf_row_is_file(row) ||
		    (group != NULL && !option_in_group(row, group)))
			continue;
		path = *(char *const *)((const char *)target + row->offset);
		if (path == NULL || path[0] == '\0' || stat(path, &st) == 0 ||
		    errno != ENOENT)
			continue;
		strbuf_reset(&text);
		strbuf_addf(
		    &text, "%s%s: there is no %s", where, row->name, path);
		conf_note_add(conf, strbuf_str(&text));
	}
	strbuf_fini(&text);
}

void
conf_note_missing(struct conf *conf)
{
	struct strbuf where = STRBUF_INIT;
	const struct conf_feed *feed;

	conf_note_missing_of(conf, "", conf_options, "", conf);
	conf_note_missing_of(conf, "live.", conf_options, "live", conf);
	for (feed = conf->feeds; feed != NULL; feed = feed->next) {
		strbuf_reset(&where);
		strbuf_addf(&where, "%s: feed %s: ", feed->where, feed->name);
		conf_note_missing_of(conf, strbuf_str(&where),
		    feed->transport->options, NULL, feed->transport_options);
	}
	strbuf_fini(&where);
}
