/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef RT_EXIT_CODE_H
#define RT_EXIT_CODE_H

/* Exit codes of both programs: contracts, see ringtally(1). */
enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USE = 2, EXIT_CONF = 3 };

#endif
