/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of `ringtally`: each is one row of the table in command.c, from
 * which the usage, the completion and the manual's check follow.
 */
#ifndef RT_CLI_COMMAND_H
#define RT_CLI_COMMAND_H

#include "base/err.h"
#include "exit_code.h"

struct conf;

struct command {
	const char *name;
	const char *usage; /* what follows the name */
	const char *help;  /* one line */
	/*
	 * conf_path: from -c before or after the name, or the default; argv[0]
	 * is the command's name. -c FILE and -h were taken out of argv: they
	 * mean the same in every command. Returns an enum exit_code.
	 */
	int (*run)(const char *conf_path, int argc, char **argv);
};

extern const struct command command_contacts, command_db, command_feeds,
    command_forget, command_live, command_sim, command_tally, command_top;
extern const struct command *const commands[]; /* ends with NULL */

/* The whole program. argv is changed. Returns an enum exit_code. */
int command_main(int argc, char **argv);

/*
 * Writes "ringtally NAME: ..." and how it is used; returns EXIT_USE. fmt NULL:
 * getopt has said already what is wrong.
 */
int command_usage(const struct command *command, const char *fmt, ...)
    RT_PRINTF(2, 3);

/* exit_printed of this program. */
int command_printed(void);

/* Loads the configuration, or says what is wrong and returns EXIT_CONF. */
int command_conf(const char *path, struct conf **conf);

#endif
