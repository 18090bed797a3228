/* SPDX-License-Identifier: BSD-2-Clause */
/* All transports, by name. A new one is a file, a line here and a line in
 * transports.c. */
#ifndef RT_FEED_TRANSPORTS_H
#define RT_FEED_TRANSPORTS_H

#include "event/stage.h"

extern const struct stage file_stage;

extern const struct stage *const transports[]; /* ends with NULL */

/* NULL: there is none of that name. */
const struct stage *transport_find(const char *name);

#endif
