/* SPDX-License-Identifier: BSD-2-Clause */
/* Cutting a record into fields at a separator: the innermost loop. */
#ifndef RT_BASE_SPLIT_H
#define RT_BASE_SPLIT_H

#include "base/slice.h"

/*
 * Splits s at each `separator` into at most max (>= 1) fields; the last one
 * keeps what is left, further separators included. Returns their number, at
 * least 1.
 */
unsigned
split_fields(struct slice s, char separator, struct slice *field, unsigned max);

#endif
