/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options of the configuration, each declared once, as a row: from these rows
 * follow the parsing and its errors, the defaults, ringtally.conf(5) and the
 * check that all of them are documented. conf_options.c holds those of the
 * whole daemon; a transport or a format brings its own.
 *
 * A struct of options is zeroed, filled by the calls below and emptied with
 * option_free. Texts given here that a check refuses leave it as it was.
 */
#ifndef RT_BASE_OPTION_H
#define RT_BASE_OPTION_H

#include "base/err.h"

enum option_type {
	OPTION_TEXT,  /* char *, owned by the target struct; may be NULL */
	OPTION_TEXTS, /* char **, the same, NULL-terminated; may be NULL */
	OPTION_INT,   /* int64_t */
	OPTION_REAL,  /* double */
	OPTION_SECS,  /* int64_t microseconds, written as seconds (1.5) */
	OPTION_BOOL,  /* bool */
	OPTION_INTS,  /* struct option_ints */
	OPTION_CHOICE /* int: index into `choices` */
};

#define OPTION_INTS_MAX 16

struct option_ints {
	int64_t v[OPTION_INTS_MAX];
	int n;
};

struct option_row {
	const char *name;  /* as written in its group; NULL ends a table */
	const char *group; /* "", "database", "live", "feeds", "services" ... */
	enum option_type type;
	size_t offset;	    /* of the value in the target struct */
	const char *preset; /* default, as text; NULL: none (0, NULL, empty) */
	/*
	 * The range of a number (OPTION_SECS: in seconds). Of a text: with a
	 * max it is a name, valid UTF-8 without controls of so many bytes at
	 * most, and not empty.
	 */
	double min, max;
	const char *unit;	    /* "s", "days" ...; "" for none */
	const char *const *choices; /* NULL-terminated; OPTION_CHOICE only */
	bool required;
	bool on_reload;	  /* a change takes effect with SIGHUP */
	const char *help; /* one or two sentences, for the manual */
	/*
	 * What else must hold of the value (at its offset already) or NULL.
	 * Returns -1 with the reason, which names the option.
	 */
	int (*check)(const void *value, struct err *err);
};

/*
 * Each puts one value into the target struct, after all checks; the reason
 * names the option. A value of another type than the row's is refused, but a
 * whole number is fine where a real one may stand.
 */
int option_set_text(const struct option_row *row, void *target,
    const char *value, struct err *err);
int option_set_int(
    const struct option_row *row, void *target, int64_t value, struct err *err);
int option_set_real(
    const struct option_row *row, void *target, double value, struct err *err);
int option_set_bool(
    const struct option_row *row, void *target, bool value, struct err *err);
int option_set_texts(const struct option_row *row, void *target,
    const char *const *values, size_t n, struct err *err);
int option_set_ints(const struct option_row *row, void *target,
    const int64_t *values, size_t n, struct err *err);

/* The same of a value as text, as a default and a command line have it. */
int option_parse(const struct option_row *row, void *target, const char *text,
    struct err *err);

/* Sets the row's default, if it has one. */
void option_set_preset(const struct option_row *row, void *target);
/* The same for all rows of a group (NULL: of the table); rows may be NULL. */
void option_set_presets(
    const struct option_row *rows, const char *group, void *target);
/* Frees the texts of all rows of a group; not the struct itself. */
void
option_free(const struct option_row *rows, const char *group, void *target);
bool option_same(const struct option_row *row, const void *a, const void *b);
/* "a text in quotes", "a number of seconds": what may stand there. */
const char *option_type_text(enum option_type type);
bool option_in_group(const struct option_row *row, const char *group);

#endif
