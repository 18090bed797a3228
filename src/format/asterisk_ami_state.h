/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the format asterisk-ami writes down what it remembers: numbers of
 * variable length, seven bits a byte with the least first, and texts with
 * their length before them.
 */
#ifndef RT_FORMAT_ASTERISK_AMI_STATE_H
#define RT_FORMAT_ASTERISK_AMI_STATE_H

#include "base/strbuf.h"

/* Not negative; EVENT_UNKNOWN_MS is written by ami_put_time. */
void ami_put(struct strbuf *to, uint64_t n);
void ami_put_text(struct strbuf *to, struct slice text);
/* Anything from -1 on. */
void ami_put_time(struct strbuf *to, int64_t t);

/* What is read: `ok` becomes false at the first thing that does not fit. */
struct ami_reader {
	struct slice left;
	bool ok;
};

uint64_t ami_get(struct ami_reader *from);
int64_t ami_get_time(struct ami_reader *from);
struct slice ami_get_text(struct ami_reader *from);

#endif
