/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the control socket answers beside the live views: what the daemon is,
 * how it is configured, what it counted and what memory it takes.
 */
#ifndef RT_SHOW_H
#define RT_SHOW_H

#include "base/err.h"
#include "serve/control.h"

struct app;
struct conf;

struct show {
	struct app *app; /* which is changed by `forget` alone */
	const struct control *control;
	const char *conf_path;
	int64_t started_us; /* of the wall clock */
	/* -1 with the reason: the configuration stays as it was. */
	int (*reload)(void *ctx, struct err *err);
	void *ctx;
};

/* For control_new, with a struct show as its ctx. */
extern const struct control_ops show_control_ops;

/*
 * Adds all options as they are in force, named and nested as in the file;
 * without the password of a connection string. key: see serve/json.h.
 */
void show_conf(struct strbuf *to, const char *key, const struct conf *conf);

#endif
