/* SPDX-License-Identifier: BSD-2-Clause */
/* ringtallyd: options, and off it goes. */
#include "base/base.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>

#include "app.h"
#include "base/log.h"
#include "conf.h"
#include "daemon.h"
#include "exit_code.h"

static void
main_usage(FILE *to)
{
	fprintf(to,
	    "usage: ringtallyd [-tvV] [-c FILE] [--once | --give-up SWITCH]\n"
	    "  -c FILE  configuration (default " CONF_PATH ")\n"
	    "  -t       check the configuration and exit\n"
	    "  --once   read every replayable feed to its present end, commit, "
	    "exit\n"
	    "  --give-up SWITCH\n"
	    "           give up what is open of a switch that has no feed any "
	    "more, exit\n"
	    "  -v       say more; twice: even more\n"
	    "  -V       print the version and exit\n"
	    "See ringtallyd(8).\n");
}

/* Of a key that only the daemon's user may look at nothing can be said. */
static int
main_test_callers(const struct conf *conf, struct err *err)
{
	const char *path = conf->caller_key_file;

	if (path == NULL || access(path, F_OK | R_OK) == 0 || errno != EACCES)
		return app_check_callers(conf, false, err);
	fprintf(stderr, "ringtallyd: note: caller key %s: %s\n", path,
	    strerror(EACCES));
	return 0;
}

static int
main_test(const char *path)
{
	struct err err;
	struct conf *conf = daemon_conf(path, &err);
	const struct conf_note *note;

	if (conf == NULL || main_test_callers(conf, &err) < 0) {
		fprintf(stderr, "ringtallyd: %s\n", err.text);
		conf_free(conf);
		return EXIT_CONF;
	}
	conf_note_missing(conf);
	for (note = conf->notes; note != NULL; note = note->next)
		fprintf(stderr, "ringtallyd: note: %s\n", note->text);
	conf_free(conf);
	printf("%s: configuration ok\n", path);
	return exit_printed("ringtallyd");
}

/*
 * Whoever has closed 0, 1 or 2 would have the log written into whatever we
 * open first. Read only: what can not be written is still said to be so.
 */
static void
main_fill_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {{"once", no_argument, NULL, 'o'},
	    {"give-up", required_argument, NULL, 'g'},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'}, {0}};
	struct daemon_args args = {.conf_path = CONF_PATH};
	bool test = false;
	int c, level = LOG_LEVEL_NOTE;

	main_fill_descriptors();
	/* told to reload before it has begun: what it reads is new anyway */
	signal(SIGHUP, SIG_IGN);
	while ((c = getopt_long(argc, argv, "c:tvVh", longs, NULL)) != -1)
		switch (c) {
		case 'c':
			args.conf_path = optarg;
			break;
		case 't':
			test = true;
			break;
		case 'o':
			args.once = true;
			break;
		case 'g':
			args.give_up = optarg;
			args.once = true;
			break;
		case 'v':
			level = RT_MIN(level + 1, LOG_LEVEL_DEBUG);
			break;
		case 'V':
			printf("ringtallyd " PACKAGE_VERSION "\n");
			return exit_printed("ringtallyd");
		case 'h':
			main_usage(stdout);
			return exit_printed("ringtallyd");
		default:
			main_usage(stderr);
			return EXIT_USE;
		}
	if (optind != argc) {
		main_usage(stderr);
		return EXIT_USE;
	}
	if (test)
		return main_test(args.conf_path);
	log_set_level((enum log_level)level);
	return daemon_run(&args);
}
