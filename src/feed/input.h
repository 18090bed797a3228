/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a finished file, or standard input, from its start to its end; what
 * gzip compressed is decompressed on the way (known by its first bytes, not by
 * its name; several members in one file are one after the other). Blocking:
 * for the commands, and piece by piece for rotated logs.
 */
#ifndef RT_FEED_INPUT_H
#define RT_FEED_INPUT_H

#include <sys/types.h>

#include "base/err.h"

struct input;

/* What input_read returns instead of a number of bytes. */
#define INPUT_FAILED  (-1) /* the system says no; trying again may help */
#define INPUT_DAMAGED (-2) /* the compressed data is cut off or broken */

/*
 * Opens a file; "-" is standard input. NULL with the reason where it can not
 * be opened, is a directory, or is compressed by something else than gzip.
 */
struct input *input_open(const char *path, struct err *err);

/*
 * The same of an open descriptor that stands at its start, and of which
 * input_close takes care. On failure it is left open. name: for messages.
 */
struct input *input_open_fd(int fd, const char *name, struct err *err);

/*
 * Reads up to n bytes (n > 0). Returns how many, which may be fewer than
 * asked for at any time; 0 at the end; INPUT_FAILED or INPUT_DAMAGED.
 */
ssize_t input_read(struct input *in, void *to, size_t n, struct err *err);

bool input_is_gzip(const struct input *in);

/*
 * How far we are: bytes of the file as it is stored, thus compressed ones.
 * Returns the total, or -1 where nobody knows it (a pipe).
 */
int64_t input_progress(const struct input *in, int64_t *done);

void input_close(struct input *in); /* NULL is fine */

#endif
