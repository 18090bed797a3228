/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "feed/transports.h"

const struct stage *const transports[] = {
#define TRANSPORT(name) &name##_stage,
#include "feed/transports.def"
#undef TRANSPORT
    NULL,
};

const struct stage *
transport_find(const char *name)
{
	size_t i;

	for (i = 0; transports[i] != NULL; i++)
		if (strcmp(transports[i]->name, name) == 0)
			return transports[i];
	return NULL;
}
