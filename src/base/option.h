/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of the configuration, each declared once, as a row: from these rows
 * follow the parsing and its errors, the defaults, ringtally.conf(5) and the
 * check that all of them are documented. base/option.def holds those of the
 * whole daemon; a transport or a format brings its own.
 */
#ifndef RT_BASE_OPTION_H
#define RT_BASE_OPTION_H

#include "base/base.h"

enum option_type {
	OPTION_TEXT,   /* char *, owned by the target struct; may be NULL */
	OPTION_INT,    /* int64_t */
	OPTION_SECS,   /* int64_t microseconds, written as seconds (1.5) */
	OPTION_BOOL,   /* bool */
	OPTION_INTS,   /* struct option_ints */
	OPTION_CHOICE  /* int: index into `choices` */
};

#define OPTION_INTS_MAX 16

struct option_ints {
	int64_t v[OPTION_INTS_MAX];
	int n;
};

struct option_row {
	const char *name; /* as written in its group; NULL ends a table */
	const char *group; /* "", "database", "live", "feeds", "services" ... */
	enum option_type type;
	size_t offset; /* of the value in the target struct */
	const char *preset; /* default, as text; NULL: none (0, NULL, empty) */
	double min, max;    /* OPTION_INT(S) and OPTION_SECS (in seconds) */
	const char *unit;   /* "s", "days" ...; "" for none */
	const char *const *choices; /* NULL-terminated; OPTION_CHOICE only */
	bool required;
	bool on_reload; /* a change takes effect with SIGHUP */
	const char *help; /* one or two sentences, for the manual */
};

#endif
