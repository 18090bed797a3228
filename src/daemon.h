/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's life: start, signals, the service manager, --once, end. */
#ifndef RT_DAEMON_H
#define RT_DAEMON_H

#include "base/err.h"

struct conf;

struct daemon_args {
	const char *conf_path;
	bool once;
	const char *give_up; /* a switch that no feed is of; with once */
};

/*
 * The configuration as the daemon needs it: with something to read. NULL with
 * *err set.
 */
struct conf *daemon_conf(const char *path, struct err *err);

/* Runs until told to end; returns an enum exit_code of exit_code.h. */
int daemon_run(const struct daemon_args *args);

#endif
