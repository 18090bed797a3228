/* SPDX-License-Identifier: BSD-2-Clause */
/* All formats, by name: the rows of formats.def. */
#ifndef RT_FORMAT_FORMATS_H
#define RT_FORMAT_FORMATS_H

#include "event/stage.h"

#define FORMAT(name) extern const struct stage name##_stage;
#include "format/formats.def"
#undef FORMAT

extern const struct stage *const formats[]; /* ends with NULL */

/* NULL: there is none of that name. */
const struct stage *format_find(const char *name);

#endif
