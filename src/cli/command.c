/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include "base/nearest.h"
#include "cli/command.h"
#include "conf.h"

const struct command *const commands[] = {
    &command_contacts,
    &command_db,
    &command_feeds,
    &command_forget,
    &command_live,
    &command_sim,
    &command_tally,
    &command_top,
    NULL,
};

/* What stands on the command line besides the command's own arguments. */
struct command_line {
	const char *conf_path;
	bool help;
	const char *wrong; /* the option that needs a FILE and has none */
};

static void
command_print_usage(const struct command *command, FILE *to)
{
	fprintf(to, "usage: ringtally [-c FILE] %s %s\n", command->name,
	    command->usage);
}

int
command_usage(const struct command *command, const char *fmt, ...)
{
	va_list ap;

	if (fmt != NULL) {
		fprintf(stderr, "ringtally %s: ", command->name);
		va_start(ap, fmt);
		vfprintf(stderr, fmt, ap);
		va_end(ap);
		fputc('\n', stderr);
	}
	command_print_usage(command, stderr);
	return EXIT_USE;
}

int
command_conf(const char *path, struct conf **conf)
{
	struct err err;

	*conf = conf_load(path, &err);
	if (*conf != NULL)
		return EXIT_DONE;
	fprintf(stderr, "ringtally: %s\n", err.text);
	return EXIT_CONF;
}

/*
 * Takes what is ours out of argv[1..]: -c FILE in all its forms and -h, up to
 * "--". `leading`: up to the first word that is no option, the command's name.
 * Returns the new argc.
 */
static int
command_take_options(
    struct command_line *line, int argc, char **argv, bool leading)
{
	int from, to = 1;

	for (from = 1; from < argc; from++) {
		const char *arg = argv[from];

		if (strcmp(arg, "--") == 0 || (leading && arg[0] != '-'))
			break;
		if (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0)
			line->help = true;
		else if (strncmp(arg, "--config=", 9) == 0)
			line->conf_path = arg + 9;
		else if (strncmp(arg, "-c", 2) == 0 && arg[2] != '\0')
			line->conf_path = arg + 2;
		else if (strcmp(arg, "-c") != 0 && strcmp(arg, "--config") != 0)
			argv[to++] = argv[from];
		else if (from + 1 < argc)
			line->conf_path = argv[++from];
		else
			line->wrong = arg;
	}
	while (from < argc)
		argv[to++] = argv[from++];
	argv[to] = NULL;
	return to;
}

static void
command_print_all(FILE *to)
{
	size_t i;

	fputs("usage: ringtally [-c FILE] COMMAND [ARGUMENT ...]\n"
	      "       ringtally COMMAND -h | -h | -V\n\n",
	    to);
	for (i = 0; commands[i] != NULL; i++)
		fprintf(
		    to, "  %-8s %s\n", commands[i]->name, commands[i]->help);
	fputs("\nThe configuration is " CONF_PATH " unless -c says otherwise.\n"
	      "Exit codes: 0 done, 1 failed, 2 wrong use, 3 configuration.\n",
	    to);
}

int
command_printed(void)
{
	return exit_printed("ringtally");
}

static int
command_refuse(const char *what, const char *word)
{
	fprintf(stderr,
	    "ringtally: %s \"%s\"\n"
	    "usage: ringtally [-c FILE] COMMAND [ARGUMENT ...], "
	    "see ringtally -h\n",
	    what, word);
	return EXIT_USE;
}

static const struct command *
command_find(const char *name)
{
	size_t i;

	for (i = 0; commands[i] != NULL; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int
command_unknown(const char *name)
{
	struct nearest near;
	size_t i;

	nearest_start(&near, name);
	for (i = 0; commands[i] != NULL; i++)
		nearest_offer(&near, commands[i]->name);
	if (nearest_word(&near) == NULL)
		return command_refuse("there is no command", name);
	fprintf(stderr,
	    "ringtally: there is no command \"%s\" — did you mean \"%s\"?\n",
	    name, nearest_word(&near));
	return EXIT_USE;
}

static int
command_run(struct command_line *line, int argc, char **argv)
{
	const struct command *command = command_find(argv[0]);
	char name[64];

	if (command == NULL)
		return command_unknown(argv[0]);
	argc = command_take_options(line, argc, argv, false);
	if (line->wrong != NULL)
		return command_usage(command, "%s needs a FILE", line->wrong);
	if (line->help) {
		command_print_usage(command, stdout);
		printf("%s\n", command->help);
		return command_printed();
	}
	/* getopt() begins its complaints with it */
	snprintf(name, sizeof(name), "ringtally %s", command->name);
	argv[0] = name;
	return command->run(line->conf_path, argc, argv);
}

int
command_main(int argc, char **argv)
{
	struct command_line line = {.conf_path = CONF_PATH};

	if (argc > 0)
		argc = command_take_options(&line, argc, argv, true);
	if (line.wrong != NULL)
		return command_refuse("no FILE behind", line.wrong);
	if (line.help) {
		command_print_all(stdout);
		return command_printed();
	}
	if (argc < 2) {
		command_print_all(stderr);
		return EXIT_USE;
	}
	if (strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "--version") == 0) {
		puts(PACKAGE_STRING);
		return command_printed();
	}
	if (argv[1][0] == '-')
		return command_refuse("unknown option", argv[1]);
	return command_run(&line, argc - 1, argv + 1);
}
