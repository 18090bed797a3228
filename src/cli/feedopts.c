/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "cli/feedopts.h"

bool
feedopts_say(struct feedopts *o, const char *said)
{
	if (o->n == FEEDOPTS_MAX)
		return false;
	o->said[o->n++] = said;
	return true;
}

static const struct option_row *
feedopts_find(
    const struct option_row *row, const char *group, struct slice name)
{
	for (; row != NULL && row->name != NULL; row++)
		if (option_in_group(row, group) &&
		    slice_eq(slice_of(row->name), name))
			return row;
	return NULL;
}

/* A feed's own options, of which but these say what a record means. */
static bool
feedopts_is_common(struct slice name)
{
	return slice_eq(name, SLICE("timezone")) ||
	    slice_eq(name, SLICE("envelope"));
}

static int
feedopts_set(struct feedopts *o, const char *said, struct err *err)
{
	const struct stage *format = o->feed.format;
	const char *is = strchr(said, '=');
	struct slice name = {said, is != NULL ? (size_t)(is - said) : 0};
	const struct option_row *row = NULL;

	if (is == NULL)
		return err_set(err, "-O takes NAME=VALUE, not \"%s\"", said);
	if (feedopts_is_common(name)) {
		row = feedopts_find(conf_options, "feeds", name);
		return option_parse(row, &o->feed, is + 1, err);
	}
	row = feedopts_find(format->options, NULL, name);
	if (row == NULL)
		return err_set(err, "the format %s has no option \"%.*s\"",
		    format->name, SLICE_FMT(name));
	return option_parse(row, o->feed.format_options, is + 1, err);
}

static int
feedopts_check(const struct feedopts *o, struct err *err)
{
	const struct option_row *row = o->feed.format->options;
	const struct stage *format = o->feed.format;

	for (; row != NULL && row->name != NULL; row++)
		if (row->required && row->type == OPTION_TEXT &&
		    *(char *const *)(const void *)((const char *)
						       o->feed.format_options +
			row->offset) == NULL)
			return err_set(err, "the format %s needs -O %s=VALUE",
			    format->name, row->name);
	if (o->feed.envelope != ENVELOPE_NONE &&
	    format->framing != FRAMING_LINES)
		return err_set(err,
		    "an envelope goes around lines, which the format %s does "
		    "not have",
		    format->name);
	return 0;
}

int
feedopts_apply(struct feedopts *o, const struct stage *format, struct err *err)
{
	unsigned i;

	o->feed.format = format;
	option_set_presets(conf_options, "feeds", &o->feed);
	if (format->options != NULL) {
		o->feed.format_options = mem_zalloc(format->options_size);
		option_set_presets(
		    format->options, NULL, o->feed.format_options);
	}
	for (i = 0; i < o->n; i++)
		if (feedopts_set(o, o->said[i], err) < 0)
			return -1;
	return feedopts_check(o, err);
}

void
feedopts_fini(struct feedopts *o)
{
	if (o->feed.format == NULL)
		return;
	option_free(conf_options, "feeds", &o->feed);
	if (o->feed.format_options != NULL)
		option_free(
		    o->feed.format->options, NULL, o->feed.format_options);
	free(o->feed.format_options);
	*o = (struct feedopts){.n = 0};
}

struct stage_setup
feedopts_setup(const struct feedopts *o, const char *name)
{
	return (struct stage_setup){.feed = name,
	    .options = o->feed.format_options,
	    .timezone = o->feed.timezone != NULL ? o->feed.timezone : "UTC"};
}
