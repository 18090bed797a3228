/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's life: start, signals, the service manager, --once, end. */
#ifndef RT_DAEMON_H
#define RT_DAEMON_H

#include "base/err.h"

struct daemon_args {
	const char *conf_path;
	bool once;
};

/* Runs until told to end; returns an enum exit_code of exit_code.h. */
int daemon_run(const struct daemon_args *args);

#endif
