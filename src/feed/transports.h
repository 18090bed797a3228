/* SPDX-License-Identifier: BSD-2-Clause */
/* All transports, by name: the rows of transports.def. */
#ifndef RT_FEED_TRANSPORTS_H
#define RT_FEED_TRANSPORTS_H

#include "event/stage.h"

#define TRANSPORT(name) extern const struct stage name##_stage;
#include "feed/transports.def"
#undef TRANSPORT

extern const struct stage *const transports[]; /* ends with NULL */

/* NULL: there is none of that name. */
const struct stage *transport_find(const char *name);

#endif
