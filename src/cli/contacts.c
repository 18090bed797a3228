/* SPDX-License-Identifier: BSD-2-Clause */
/* ringtally contacts: brings contacts in, and shows which ones a figure is. */
#include "base/base.h"
#include "base/nearest.h"
#include "cli/contacts.h"

static const struct contacts_verb {
	const char *name;
	int (*run)(const char *conf_path, int argc, char **argv);
} contacts_verbs[] = {
    {"import", contacts_import},
    {"sheet", contacts_sheet_in},
    {"list", contacts_show},
};

static int
contacts_unknown(const char *name)
{
	struct nearest near;
	size_t i;

	nearest_start(&near, name);
	for (i = 0; i < RT_COUNT(contacts_verbs); i++)
		nearest_offer(&near, contacts_verbs[i].name);
	if (nearest_word(&near) == NULL)
		return command_usage(&command_contacts, "no \"%s\"", name);
	return command_usage(&command_contacts,
	    "no \"%s\", did you mean \"%s\"?", name, nearest_word(&near));
}

static int
contacts_command(const char *conf_path, int argc, char **argv)
{
	char name[64];
	size_t i;

	if (argc < 2)
		return command_usage(
		    &command_contacts, "one of import, sheet, list is needed");
	for (i = 0; i < RT_COUNT(contacts_verbs); i++)
		if (strcmp(contacts_verbs[i].name, argv[1]) == 0)
			break;
	if (i == RT_COUNT(contacts_verbs))
		return contacts_unknown(argv[1]);
	/* getopt() begins its complaints with it */
	snprintf(name, sizeof(name), "ringtally contacts %s", argv[1]);
	argv[1] = name;
	return contacts_verbs[i].run(conf_path, argc - 1, argv + 1);
}

const struct command command_contacts = {
    .name = "contacts",
    .usage =
	"import|sheet|list [-C CONNINFO] ...\n"
	"  import [--map FIELD=COLUMN,...] [--value FIELD:WORD=OURS] "
	"[--set FIELD=WORD]\n"
	"         [--time-format FORMAT] [--timezone ZONE] [--delimiter CHAR]\n"
	"         [--encoding utf-8|windows-1252] [--source NAME] [--ragged]\n"
	"         [--ref-prefix TEXT] [--request-prefix TEXT] [--dry-run] "
	"[--check]\n"
	"         [--whole] [--why TEXT] [--errors N] FILE.csv\n"
	"  sheet  --period NAME [--map ...] [--value ...] [--set ...]\n"
	"         [--delimiter CHAR] [--encoding utf-8|windows-1252] "
	"[--source NAME]\n"
	"         [--ragged] [--dry-run] [--why TEXT] [--errors N] FILE.csv\n"
	"  list   [--from TIME] [--to TIME] [--service NAME] [--channel NAME]\n"
	"         [--category NAME] "
	"[--assessed avoidable|not_avoidable|not_assessed]\n"
	"         [--excluded] [-o table|csv|json]",
    .help = "bring contacts in, and show those that a figure is made of",
    .run = contacts_command,
};
