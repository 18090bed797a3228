/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The main function of a fuzzer where libFuzzer gives none: plays the seeds
 * of tests/fuzz/corpus/NAME through fuzz-NAME, or the files that are named.
 * What a fuzzer once found stays found.
 */
#include "base/base.h"
#include <dirent.h>
#include <err.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
replay_file(const char *path)
{
	FILE *file = fopen(path, "r");
	uint8_t *data;
	size_t size;
	long end;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0 ||
	    (end = ftell(file)) < 0)
		err(1, "%s", path);
	rewind(file);
	/* Just as large as the input, for AddressSanitizer to see its end. */
	data = mem_alloc(end > 0 ? (size_t)end : 1);
	size = fread(data, 1, (size_t)end, file);
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
}

static unsigned
replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned seen = 0;

	if (dir == NULL || chdir(folder) != 0)
		err(1, "%s", folder);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		replay_file(entry->d_name);
		seen++;
	}
	closedir(dir);
	return seen;
}

int
main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir");
	const char *name = strrchr(argv[0], '/');
	char folder[PATH_MAX];
	unsigned seen;
	int i;

	for (i = 1; i < argc; i++)
		replay_file(argv[i]);
	if (argc > 1)
		return 0;
	name = name != NULL ? name + 1 : argv[0];
	if (strncmp(name, "fuzz-", 5) != 0)
		errx(2, "usage: %s FILE...", name);
	name += 5;
	snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s",
	    top != NULL ? top : ".", name);
	puts("1..1");
	fflush(stdout);
	seen = replay_folder(folder);
	printf(
	    "%s 1 - %u seeds of %s\n", seen > 0 ? "ok" : "not ok", seen, name);
	return seen > 0 ? 0 : 1;
}
