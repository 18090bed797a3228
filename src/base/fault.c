/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/fault.h"

#ifdef RT_FAULTS
#include <signal.h>

void
fault_hit(const char *name)
{
	static const char *wanted;
	static size_t wanted_len;
	static long passes = 1;

	if (wanted == NULL) {
		const char *colon;

		wanted = getenv("RINGTALLY_FAULT");
		if (wanted == NULL)
			wanted = "";
		colon = strchr(wanted, ':');
		wanted_len =
		    colon != NULL ? (size_t)(colon - wanted) : strlen(wanted);
		if (colon != NULL)
			passes = strtol(colon + 1, NULL, 10);
	}
	if (strlen(name) != wanted_len ||
	    memcmp(name, wanted, wanted_len) != 0 || --passes > 0)
		return;
	kill(getpid(), SIGKILL);
	pause();
}
#endif
