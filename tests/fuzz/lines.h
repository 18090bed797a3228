/* SPDX-License-Identifier: BSD-2-Clause */
/* What the fuzzers of formats of lines share. */
#ifndef RT_FUZZ_LINES_H
#define RT_FUZZ_LINES_H

#include "base/base.h"

/*
 * Plays the lines through the format twice, the second time saved and loaded
 * before every line: both must give the same events, each of which must be
 * sane. State of any bytes, the data itself, must not be taken for more than
 * it is. zone: NULL for UTC.
 */
void fuzz_lines(
    const char *format, const char *zone, const uint8_t *data, size_t size);

#endif
