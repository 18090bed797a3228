/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A CSV file that a command takes in: opened (gzip and standard input, too),
 * with a progress bar, its columns mapped, and what is wrong with a record told
 * by line and column:
 *
 *	contacts.csv:17:5: time: "31/02/2026": there is no such day
 *
 * up to a number of such lines; then they are only counted.
 */
#ifndef RT_CLI_CSVFILE_H
#define RT_CLI_CSVFILE_H

#include "cli/mapping.h"
#include "cli/progress.h"

#define CSVFILE_ERRORS 20 /* told, unless asked for otherwise */

struct input;

struct csvfile {
	/* to be set before csvfile_open */
	struct mapping *map;
	char separator; /* 0: found */
	enum csv_encoding encoding;
	bool ragged; /* records may have fewer fields than the first */
	uint64_t errors_max;
	/* what was read */
	const char *path; /* as it is called in messages */
	struct csv_reader reader;
	uint64_t records; /* without the first, and without empty ones */
	uint64_t refused;
	/* its own */
	struct input *in;
	struct progress progress;
	char title[64];
};

/* Opens it and reads the first record. -1 with the reason. */
int csvfile_open(struct csvfile *file, const char *path, struct err *err);
void csvfile_close(struct csvfile *file);

/*
 * The next record that can be had and is not empty; see mapping_get, with
 * file->reader.csv. CSV_RECORD, CSV_END or CSV_FAILED.
 */
enum csv_says csvfile_next(struct csvfile *file, struct err *err);

/*
 * Refuses the present record for what stands in that field. value: shown, with
 * its digits hidden where it might be a telephone number; a date might, so for
 * what is surely one there is the second call. Both return false.
 */
bool csvfile_refuse(
    struct csvfile *file, unsigned field, struct slice value, const char *why);
bool csvfile_refuse_time(
    struct csvfile *file, unsigned field, struct slice value, const char *why);

/* The same of an earlier record, by its line. */
void csvfile_refuse_line(struct csvfile *file, uint64_t line, const char *why);

/* For other words to standard error: takes the progress bar away. */
void csvfile_clear(struct csvfile *file);

/*
 * -d and -e of a command line: "," ";" "tab" ..., "utf-8" "windows-1252".
 * False: it is neither.
 */
bool csvfile_set_separator(struct csvfile *file, const char *text);
bool csvfile_set_encoding(struct csvfile *file, const char *text);

#endif
