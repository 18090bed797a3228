/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "event/counters.h"

const struct counter_row counter_rows[COUNTERS] = {
#define COUNTER(name, unit, help) {#name, unit, help},
#include "event/counters.def"
#undef COUNTER
};
