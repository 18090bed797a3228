/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef RT_EXIT_CODE_H
#define RT_EXIT_CODE_H

/* Exit codes of both programs: contracts, see ringtally(1). */
enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USE = 2, EXIT_CONF = 3 };

/*
 * Ends what was printed to standard output: EXIT_DONE, or EXIT_FAILED with a
 * message, for a full disk must not look like success.
 */
int exit_printed(const char *program);

#endif
