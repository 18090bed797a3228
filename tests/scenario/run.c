/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run [FILE.scn...]: plays scenarios, all of tests/scenario without arguments.
 * Each is one TAP test, in a process of its own: BUG() ends only that one.
 *
 * run -w FOLDER FILE.scn...: writes the log of each to FOLDER instead: seeds
 * for the fuzzer of the format.
 */
#include "base/base.h"
#include <dirent.h>
#include <err.h>
#include <sys/wait.h>
#include "script.h"

static int
run_filter(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot != NULL && strcmp(dot, ".scn") == 0;
}

static int
run_one(const char *path)
{
	struct script script;
	bool ok = script_read(&script, path) && script_play(&script);

	if (!ok)
		printf("# %s\n", strbuf_str(&script.why));
	script_fini(&script);
	return ok ? 0 : 1;
}

static bool
run_apart(const char *path)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		exit(run_one(path)); /* where leaks are looked for */
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		err(1, "fork");
	if (!WIFEXITED(status))
		printf("# %s: ended by signal %d\n", path, WTERMSIG(status));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool
run_named(const char *path, int number)
{
	bool ok = run_apart(path);
	const char *base = strrchr(path, '/');

	printf("%s %d - %s\n", ok ? "ok" : "not ok", number,
	    base != NULL ? base + 1 : path);
	return ok;
}

static bool
run_folder(void)
{
	const char *top = getenv("top_srcdir");
	struct dirent **entries;
	char folder[PATH_MAX], path[PATH_MAX + 256];
	bool ok = true;
	int i, n;

	snprintf(folder, sizeof(folder), "%s/tests/scenario",
	    top != NULL ? top : ".");
	n = scandir(folder, &entries, run_filter, alphasort);
	if (n <= 0)
		errx(1, "%s: no scenarios", folder);
	printf("1..%d\n", n);
	for (i = 0; i < n; i++) {
		snprintf(
		    path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		ok &= run_named(path, i + 1);
		free(entries[i]);
	}
	free(entries);
	return ok;
}

static void
run_write(const char *folder, const char *path)
{
	const char *base = strrchr(path, '/');
	char to[PATH_MAX];
	struct script script;
	FILE *file;
	size_t i;

	if (!script_read(&script, path))
		errx(1, "%s", strbuf_str(&script.why));
	base = base != NULL ? base + 1 : path;
	snprintf(
	    to, sizeof(to), "%s/%.*s", folder, (int)strcspn(base, "."), base);
	file = fopen(to, "w");
	if (file == NULL)
		err(1, "%s", to);
	for (i = 0; i < script.n_steps; i++)
		if (script.steps[i].verb == SCRIPT_WRITE)
			fwrite(script.steps[i].bytes.p, 1,
			    script.steps[i].bytes.n, file);
	if (fclose(file) != 0)
		err(1, "%s", to);
	script_fini(&script);
}

int
main(int argc, char **argv)
{
	bool ok = true;
	int i;

	log_set_level(LOG_LEVEL_ERROR); /* bad records are part of the play */
	if (argc == 1)
		return run_folder() ? 0 : 1;
	if (strcmp(argv[1], "-w") == 0) {
		for (i = 3; i < argc; i++)
			run_write(argv[2], argv[i]);
		return 0;
	}
	printf("1..%d\n", argc - 1);
	for (i = 1; i < argc; i++)
		ok &= run_named(argv[i], i);
	return ok ? 0 : 1;
}
