/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a format remembers, as few bytes: whole numbers of one to ten bytes,
 * and texts behind their length. Reading takes them from the front of `from`;
 * false: that is not what stands there.
 */
#ifndef RT_FORMAT_PACK_H
#define RT_FORMAT_PACK_H

#include "base/strbuf.h"

void pack_int(struct strbuf *to, int64_t value);
void pack_text(struct strbuf *to, struct slice text);
bool unpack_int(struct slice *from, int64_t *value);
/* The text stays where it was read. */
bool unpack_text(struct slice *from, struct slice *text);

#endif
