/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of JSON as whole ones of a smaller unit, without a detour by doubles:
 * 0.1 s are 100 ms, and 1787306400.123456 is that to the microsecond.
 */
#ifndef RT_FORMAT_JSON_DECIMAL_H
#define RT_FORMAT_JSON_DECIMAL_H

#include "base/slice.h"

/*
 * A number, as JSON writes it, times ten to the power of `digits`, rounded to a
 * whole one: with 3, seconds are milliseconds. False: it is negative, or above
 * `max` (which is meant before it is rounded).
 */
bool json_decimal_scaled(
    struct slice number, int digits, int64_t max, int64_t *value);

#endif
