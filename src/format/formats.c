/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "format/formats.h"

const struct stage *const formats[] = {
#define FORMAT(name) &name##_stage,
#include "format/formats.def"
#undef FORMAT
    NULL,
};

const struct stage *
format_find(const char *name)
{
	size_t i;

	for (i = 0; formats[i] != NULL; i++)
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	return NULL;
}
