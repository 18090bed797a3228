/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options that `ringtally contacts import` and `sheet` share: which file,
 * how it is written, and where it goes.
 */
#ifndef RT_CLI_INTAKEOPTS_H
#define RT_CLI_INTAKEOPTS_H

#include <getopt.h>

#include "cli/csvfile.h"
#include "conf.h"
#include "store/contacts.h"

#define INTAKEOPTS_SHORT "C:d:e:m:nS:V:"
#define INTAKEOPTS_LONG                                  \
	{"conninfo", required_argument, NULL, 'C'},      \
	    {"delimiter", required_argument, NULL, 'd'}, \
	    {"dry-run", no_argument, NULL, 'n'},         \
	    {"encoding", required_argument, NULL, 'e'},  \
	    {"errors", required_argument, NULL, 'E'},    \
	    {"map", required_argument, NULL, 'm'},       \
	    {"ragged", no_argument, NULL, 'R'},          \
	    {"set", required_argument, NULL, 'S'},       \
	    {"source", required_argument, NULL, 'O'},    \
	{                                                \
		"value", required_argument, NULL, 'V'    \
	}

struct intakeopts {
	struct mapping map;
	struct csvfile file;
	const char *conninfo; /* NULL: the configuration's */
	const char *source;   /* NULL: not said */
	bool dry;
	struct conf *conf; /* NULL: not read */
};

void
intakeopts_init(struct intakeopts *opts, const struct mapping_field *fields);
void intakeopts_fini(struct intakeopts *opts);

/* An option of getopt(3). 1: taken; 0: none of ours; -1 with the reason. */
int intakeopts_take(
    struct intakeopts *opts, int c, const char *value, struct err *err);

/* Reads the configuration, which says where it goes. An enum exit_code. */
int intakeopts_conf(struct intakeopts *opts, const char *conf_path);

/* Of the configuration that was read, and as long as that stays. */
struct contacts_site intakeopts_site(const struct intakeopts *opts);

/*
 * Prints what became of the records to standard output: "FILE: 12 TITLE: " and
 * the text, then those refused.
 */
void intakeopts_say(const struct intakeopts *opts, const char *title,
    const char *fmt, ...) RT_PRINTF(3, 4);

#endif
