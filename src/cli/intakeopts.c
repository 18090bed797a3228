/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "cli/command.h"
#include "cli/intakeopts.h"

void
intakeopts_init(struct intakeopts *opts, const struct mapping_field *fields)
{
	*opts = (struct intakeopts){.file = {.errors_max = CSVFILE_ERRORS}};
	mapping_init(&opts->map, fields);
	opts->file.map = &opts->map;
}

void
intakeopts_fini(struct intakeopts *opts)
{
	csvfile_close(&opts->file);
	mapping_fini(&opts->map);
	conf_free(opts->conf);
}

static int
intakeopts_errors(struct intakeopts *opts, const char *value, struct err *err)
{
	int64_t n;

	if (!slice_uint(slice_of(value), &n))
		return err_set(err, "--errors takes a number");
	opts->file.errors_max = (uint64_t)n;
	return 0;
}

int
intakeopts_take(
    struct intakeopts *opts, int c, const char *value, struct err *err)
{
	int rc = 0;

	switch (c) {
	case 'C':
		opts->conninfo = value;
		break;
	case 'd':
		if (!csvfile_set_separator(&opts->file, value))
			rc = err_set(err, "-d takes one character, or tab");
		break;
	case 'e':
		if (!csvfile_set_encoding(&opts->file, value))
			rc = err_set(err, "-e takes utf-8 or windows-1252");
		break;
	case 'E':
		rc = intakeopts_errors(opts, value, err);
		break;
	case 'm':
		rc = mapping_say_columns(&opts->map, value, err);
		break;
	case 'n':
		opts->dry = true;
		break;
	case 'O':
		opts->source = value;
		break;
	case 'R':
		opts->file.ragged = true;
		break;
	case 'S':
		rc = mapping_say_constant(&opts->map, value, err);
		break;
	case 'V':
		rc = mapping_say_value(&opts->map, value, err);
		break;
	default:
		return 0;
	}
	return rc < 0 ? -1 : 1;
}

int
intakeopts_conf(struct intakeopts *opts, const char *conf_path)
{
	int code = command_conf(conf_path, &opts->conf);

	if (code == EXIT_DONE && opts->conninfo == NULL)
		opts->conninfo = opts->conf->database.conninfo;
	return code;
}

struct contacts_site
intakeopts_site(const struct intakeopts *opts)
{
	const struct conf *conf = opts->conf;

	return (struct contacts_site){.name = conf->site,
	    .timezone = conf->timezone,
	    .interval_s = conf->interval_minutes * 60,
	    .keep_visits_days = conf->database.keep_visits_days};
}

void
intakeopts_say(
    const struct intakeopts *opts, const char *title, const char *fmt, ...)
{
	va_list ap;

	printf(
	    "%s: %" PRIu64 " %s: ", opts->file.path, opts->file.records, title);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf(", %" PRIu64 " refused%s\n", opts->file.refused,
	    opts->dry ? "; nothing was written" : "");
}
