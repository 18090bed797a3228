/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a format remembers, as few bytes: whole numbers of one to ten bytes,
 * and texts behind their length. Reading takes them from the front of `from`;
 * false: that is not what stands there.
 */
#ifndef RT_FORMAT_PACK_H
#define RT_FORMAT_PACK_H

#include "base/strbuf.h"
#include "event/stage.h"

void pack_int(struct strbuf *to, int64_t value);
void pack_text(struct strbuf *to, struct slice text);
/*
 * As a text, what may be remembered of a caller's number: see stage.h. hidden:
 * it was unpacked as such. What a record says is not, whatever it looks like.
 */
void pack_caller(struct strbuf *to, const struct stage_setup *setup,
    struct slice number, bool hidden);
bool unpack_int(struct slice *from, int64_t *value);
/* The text stays where it was read. */
bool unpack_text(struct slice *from, struct slice *text);

#endif
