/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `ringtally live` and `ringtally top` ask for, and where: the options
 * that both have (-q, -s, -S), and the control socket of the configuration.
 */
#ifndef RT_CLI_SOURCE_H
#define RT_CLI_SOURCE_H

#include "base/strbuf.h"
#include "serve/request.h"

struct command;

#define SOURCE_OPTIONS "q:s:S:"

struct source {
	const char *socket;    /* from -S */
	struct strbuf filters; /* as they stand in a request */
	size_t n_filters;
	size_t n_services; /* of these */
	char *path;	   /* of the socket */
	char *zone;	   /* the site's; NULL: not known */
};

void source_init(struct source *source);
void source_fini(struct source *source);

/* An option of getopt(3). False: it is none of ours. */
bool source_option(struct source *source, int c, const char *value);

/*
 * Finds path and zone; reads the configuration unless -S was given. Returns an
 * enum exit_code, and has said what is wrong.
 */
int source_find(struct source *source, const struct command *command,
    const char *conf_path);

#endif
