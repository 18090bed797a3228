/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A password that stands in a file of its own: one line. It is read when it is
 * needed, wiped as soon as it is not, and never stands in a message.
 */
#ifndef RT_FEED_SECRET_H
#define RT_FEED_SECRET_H

#include "base/err.h"

#define SECRET_MAX 1024

struct secret {
	char text[SECRET_MAX + 1];
};

/*
 * -1 with the reason: it can not be read, others than its owner and group may
 * read or write it, or it is no line of text.
 */
int secret_read(struct secret *secret, const char *path, struct err *err);
void secret_wipe(struct secret *secret);

#endif
