/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "cli/command.h"
#include "cli/source.h"
#include "conf.h"

void
source_init(struct source *source)
{
	*source = (struct source){.filters = STRBUF_INIT};
}

void
source_fini(struct source *source)
{
	strbuf_fini(&source->filters);
	free(source->path);
	free(source->zone);
}

bool
source_option(struct source *source, int c, const char *value)
{
	switch (c) {
	case 'q':
		request_add(&source->filters, REQUEST_QUEUE, value);
		source->n_filters++;
		return true;
	case 's':
		request_add(&source->filters, REQUEST_SERVICE, value);
		source->n_filters++;
		source->n_services++;
		return true;
	case 'S':
		source->socket = value;
		return true;
	default:
		return false;
	}
}

int
source_find(
    struct source *source, const struct command *command, const char *conf_path)
{
	struct conf *conf;
	int code;

	if (source->socket != NULL) {
		source->path = mem_strdup(source->socket);
		return EXIT_DONE;
	}
	code = command_conf(conf_path, &conf);
	if (code != EXIT_DONE)
		return code;
	if (conf->live.control == NULL) {
		fprintf(stderr,
		    "ringtally %s: %s: no control socket: live.control is "
		    "not set\n",
		    command->name, conf_path);
		code = EXIT_CONF;
	} else {
		source->path = mem_strdup(conf->live.control);
		source->zone = mem_strdup(conf->timezone);
	}
	conf_free(conf);
	return code;
}
