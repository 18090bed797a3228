/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration's files, parsed by libconfig and kept apart, so that each
 * setting knows the file and the line that it stands in.
 *
 * libconfig 1.5 needs some care: it ends the whole
 * process when a file that it reads, or includes, is a directory; it cuts
 * whole numbers to 32 bits without a word; it takes a NUL byte for the end.
 * So the text is read here and looked at first, and @include is refused: what
 * it is for, conf.d does.
 */
#ifndef RT_CONF_FILE_H
#define RT_CONF_FILE_H

#include "base/err.h"

#define CONF_FILES_MAX 256

struct config_t;	 /* libconfig's */
struct config_setting_t; /* the same */
struct strbuf;

struct conf_file {
	struct conf_file *next;
	char *path;
	struct config_t *config; /* its settings point to it */
};

/*
 * Parses `path`, then conf.d/ALL.conf beside it in the order of their names
 * (bytes compared; files that begin with a dot are passed over). No conf.d is
 * fine. The reason says "FILE:LINE: ...", or "FILE: ..." for a file that can
 * not be read.
 */
int
conf_files_open(struct conf_file **files, const char *path, struct err *err);
void conf_files_close(struct conf_file *files);

/* Adds "FILE:LINE" of a setting to a text. */
void conf_file_place(const struct conf_file *files,
    const struct config_setting_t *s, struct strbuf *to);

#endif
