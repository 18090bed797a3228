/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "exit_code.h"

int
exit_printed(const char *program)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_DONE;
	fprintf(
	    stderr, "%s: writing the output: %s\n", program, strerror(errno));
	return EXIT_FAILED;
}
