/* SPDX-License-Identifier: BSD-2-Clause */
/* ringtally db: makes the schema, brings it up to date, looks at it. */
#include "base/base.h"

#include <getopt.h>

#include "cli/command.h"
#include "conf.h"
#include "store/store.h"

struct db_run {
	const char *conninfo;  /* NULL: from the configuration */
	const char *directory; /* of the migrations */
};

static void
db_say(void *ctx RT_UNUSED, const char *line)
{
	puts(line);
}

static int
db_init(const struct db_run *run, struct err *err)
{
	return schema_migrate(
	    run->conninfo, run->directory, true, db_say, NULL, err);
}

static int
db_migrate(const struct db_run *run, struct err *err)
{
	return schema_migrate(
	    run->conninfo, run->directory, false, db_say, NULL, err);
}

static int
db_check(const struct db_run *run, struct err *err)
{
	bool ok = false;

	if (schema_check(run->conninfo, &ok, db_say, NULL, err) < 0)
		return -1;
	return ok ? 0 : err_set(err, "the database is not ready for use");
}

static const struct db_verb {
	const char *name;
	int (*run)(const struct db_run *run, struct err *err);
} db_verbs[] = {
    {"init", db_init},
    {"migrate", db_migrate},
    {"check", db_check},
};

static const struct db_verb *
db_find(const char *name)
{
	size_t i;

	for (i = 0; i < RT_COUNT(db_verbs); i++)
		if (strcmp(db_verbs[i].name, name) == 0)
			return &db_verbs[i];
	return NULL;
}

static int
db_do(const struct db_verb *verb, const struct db_run *run)
{
	struct err err;

	if (verb->run(run, &err) == 0)
		return command_printed();
	fflush(stdout); /* what was done comes before what failed */
	fprintf(stderr, "ringtally db %s: %s\n", verb->name, err.text);
	return EXIT_FAILED;
}

static int
db_options(struct db_run *run, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"conninfo", required_argument, NULL, 'C'},
	    {"directory", required_argument, NULL, 'd'}, {0}};
	const char *directory = getenv("RINGTALLY_SQL");
	int c;

	run->directory = directory != NULL ? directory : PKGDATADIR "/sql";
	while ((c = getopt_long(argc, argv, "C:d:", longs, NULL)) != -1)
		switch (c) {
		case 'C':
			run->conninfo = optarg;
			break;
		case 'd':
			run->directory = optarg;
			break;
		default:
			return command_usage(&command_db, NULL);
		}
	if (argc - optind != 1)
		return command_usage(&command_db,
		    "one of init, migrate, check "
		    "is needed");
	if (db_find(argv[optind]) == NULL)
		return command_usage(&command_db, "no \"%s\"", argv[optind]);
	return EXIT_DONE;
}

static int
db_command(const char *conf_path, int argc, char **argv)
{
	struct db_run run = {.conninfo = NULL};
	struct conf *conf = NULL;
	int code = db_options(&run, argc, argv);

	if (code == EXIT_DONE && run.conninfo == NULL) {
		code = command_conf(conf_path, &conf);
		if (code == EXIT_DONE)
			run.conninfo = conf->database.conninfo;
	}
	if (code == EXIT_DONE)
		code = db_do(db_find(argv[optind]), &run);
	conf_free(conf);
	return code;
}

const struct command command_db = {
    .name = "db",
    .usage = "[-C CONNINFO] [-d DIRECTORY] init|migrate|check",
    .help = "make the database's schema, bring it up to date, look at it",
    .run = db_command,
};
