/* SPDX-License-Identifier: BSD-2-Clause */
/* All formats, by name. A new one is a file, a line here and a line in
 * formats.c. */
#ifndef RT_FORMAT_FORMATS_H
#define RT_FORMAT_FORMATS_H

#include "event/stage.h"

extern const struct stage asterisk_queue_log_stage;

extern const struct stage *const formats[]; /* ends with NULL */

/* NULL: there is none of that name. */
const struct stage *format_find(const char *name);

#endif
