/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ringtally contacts VERB: import, sheet, list. Each is a file of its own,
 * with its options; what all of them know is here.
 */
#ifndef RT_CLI_CONTACTS_H
#define RT_CLI_CONTACTS_H

#include "cli/command.h"
#include "conf.h"

/* argv[0] is the verb. Each returns an enum exit_code. */
int contacts_import(const char *conf_path, int argc, char **argv);
int contacts_sheet_in(const char *conf_path, int argc, char **argv);
int contacts_show(const char *conf_path, int argc, char **argv);

#endif
