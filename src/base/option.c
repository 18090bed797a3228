/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <math.h>

#include "base/option.h"
#include "base/strbuf.h"
#include "base/utc.h"
#include "base/utf8.h"

static void *
option_at(const struct option_row *row, const void *target)
{
	return (char *)(uintptr_t)target + row->offset;
}

const char *
option_type_text(enum option_type type)
{
	switch (type) {
	case OPTION_TEXT:
	case OPTION_CHOICE:
		return "a text in quotes";
	case OPTION_TEXTS:
		return "a list of texts, like [ \"a\", \"b\" ]";
	case OPTION_INT:
		return "a whole number";
	case OPTION_REAL:
		return "a number";
	case OPTION_SECS:
		return "a number of seconds";
	case OPTION_BOOL:
		return "true or false";
	case OPTION_INTS:
		return "a list of whole numbers, like [ 15, 20 ]";
	}
	BUG("option type %d", (int)type);
}

static int
option_refuse_type(
    const struct option_row *row, const char *given, struct err *err)
{
	return err_set(err, "%s must be %s, not %s", row->name,
	    option_type_text(row->type), given);
}

bool
option_in_group(const struct option_row *row, const char *group)
{
	return group == NULL || strcmp(row->group, group) == 0;
}

/* The row's own check, on a value that is not in its target yet. */
static int
option_check(const struct option_row *row, const void *value, struct err *err)
{
	return row->check == NULL ? 0 : row->check(value, err);
}

static int
option_check_range(const struct option_row *row, double value, struct err *err)
{
	if (value >= row->min && value <= row->max)
		return 0;
	return err_set(err, "%s is %.15g; it must be from %.15g to %.15g%s%s",
	    row->name, value, row->min, row->max,
	    row->unit[0] != '\0' ? " " : "", row->unit);
}

/* A name: something that people, SQL and a metrics page can all read. */
static int
option_check_name(
    const struct option_row *row, const char *text, struct err *err)
{
	size_t n = strlen(text), at = 0, len;
	uint32_t rune;

	if (n == 0)
		return err_set(err, "%s may not be empty", row->name);
	if (n > (size_t)row->max)
		return err_set(err, "%s is %zu bytes long; %d is the most",
		    row->name, n, (int)row->max);
	for (; at < n; at += len) {
		len = utf8_decode(text + at, n - at, &rune);
		if (len == 0)
			return err_set(err, "%s is not valid UTF-8", row->name);
		if (!utf8_is_plain(rune))
			return err_set(err,
			    "%s has a control character (U+%04X)", row->name,
			    (unsigned)rune);
	}
	return 0;
}

static int
option_set_choice(
    const struct option_row *row, int *to, const char *value, struct err *err)
{
	struct strbuf all = STRBUF_INIT;
	int i;

	for (i = 0; row->choices[i] != NULL; i++)
		if (strcmp(row->choices[i], value) == 0) {
			*to = i;
			return 0;
		}
	for (i = 0; row->choices[i] != NULL; i++)
		strbuf_addf(
		    &all, "%s\"%s\"", i > 0 ? ", " : "", row->choices[i]);
	err_set(err, "%s is \"%s\"; it must be one of %s", row->name, value,
	    strbuf_str(&all));
	strbuf_fini(&all);
	return -1;
}

int
option_set_text(const struct option_row *row, void *target, const char *value,
    struct err *err)
{
	char **to = option_at(row, target);

	if (row->type == OPTION_CHOICE)
		return option_set_choice(
		    row, option_at(row, target), value, err);
	if (row->type != OPTION_TEXT)
		return option_refuse_type(row, "a text", err);
	if (row->max > 0 && option_check_name(row, value, err) < 0)
		return -1;
	if (row->required && value[0] == '\0')
		return err_set(err, "%s may not be empty", row->name);
	if (option_check(row, &value, err) < 0)
		return -1;
	free(*to);
	*to = mem_strdup(value);
	return 0;
}

static void
option_free_texts(char **texts)
{
	size_t i;

	for (i = 0; texts != NULL && texts[i] != NULL; i++)
		free(texts[i]);
	free(texts);
}

int
option_set_texts(const struct option_row *row, void *target,
    const char *const *values, size_t n, struct err *err)
{
	char ***to = option_at(row, target);
	char **copy;
	size_t i;

	if (row->type == OPTION_INTS)
		return option_refuse_type(row, "a list of texts", err);
	if (row->type != OPTION_TEXTS)
		return option_refuse_type(row, "a list", err);
	if (row->required && n == 0)
		return err_set(err, "%s may not be empty", row->name);
	for (i = 0; i < n; i++)
		if (row->max > 0 && option_check_name(row, values[i], err) < 0)
			return -1;
	copy = mem_zalloc((n + 1) * sizeof(*copy));
	for (i = 0; i < n; i++)
		copy[i] = mem_strdup(values[i]);
	if (option_check(row, &copy, err) < 0) {
		option_free_texts(copy);
		return -1;
	}
	option_free_texts(*to);
	*to = copy;
	return 0;
}

/* A number whose range holds, to where its type wants it. */
static int
option_set_number(
    const struct option_row *row, void *target, double value, struct err *err)
{
	union {
		int64_t i;
		double d;
	} v;

	if (option_check_range(row, value, err) < 0)
		return -1;
	if (row->type == OPTION_REAL)
		v.d = value;
	else if (row->type == OPTION_SECS)
		v.i = llround(value * (double)USEC_PER_SEC);
	else
		v.i = (int64_t)value;
	if (option_check(row, &v, err) < 0)
		return -1;
	memcpy(option_at(row, target), &v, sizeof(v));
	return 0;
}

int
option_set_int(
    const struct option_row *row, void *target, int64_t value, struct err *err)
{
	if (row->type != OPTION_INT && row->type != OPTION_REAL &&
	    row->type != OPTION_SECS)
		return option_refuse_type(row, "a number", err);
	return option_set_number(row, target, (double)value, err);
}

int
option_set_real(
    const struct option_row *row, void *target, double value, struct err *err)
{
	if (row->type == OPTION_INT)
		return option_refuse_type(row, "a fraction", err);
	if (row->type != OPTION_REAL && row->type != OPTION_SECS)
		return option_refuse_type(row, "a number", err);
	return option_set_number(row, target, value, err);
}

int
option_set_bool(
    const struct option_row *row, void *target, bool value, struct err *err)
{
	if (row->type != OPTION_BOOL)
		return option_refuse_type(row, "true or false", err);
	if (option_check(row, &value, err) < 0)
		return -1;
	*(bool *)option_at(row, target) = value;
	return 0;
}

int
option_set_ints(const struct option_row *row, void *target,
    const int64_t *values, size_t n, struct err *err)
{
	struct option_ints ints = {.n = 0};
	size_t i;

	if (row->type == OPTION_TEXTS)
		return option_refuse_type(row, "a list of numbers", err);
	if (row->type != OPTION_INTS)
		return option_refuse_type(row, "a list", err);
	if (n > OPTION_INTS_MAX)
		return err_set(err, "%s has %zu values; %d is the most",
		    row->name, n, OPTION_INTS_MAX);
	if (row->required && n == 0)
		return err_set(err, "%s may not be empty", row->name);
	for (i = 0; i < n; i++) {
		if (option_check_range(row, (double)values[i], err) < 0)
			return -1;
		ints.v[ints.n++] = values[i];
	}
	if (option_check(row, &ints, err) < 0)
		return -1;
	memcpy(option_at(row, target), &ints, sizeof(ints));
	return 0;
}

/* "15, 20" */
static int
option_parse_ints(const struct option_row *row, void *target, const char *text,
    struct err *err)
{
	int64_t values[OPTION_INTS_MAX];
	size_t n = 0;
	char *end;

	while (*text != '\0' && n < OPTION_INTS_MAX) {
		values[n++] = strtoll(text, &end, 10);
		if (end == text)
			return option_refuse_type(row, text, err);
		text = end + strspn(end, ", ");
	}
	return option_set_ints(row, target, values, n, err);
}

static int
option_parse_bool(const struct option_row *row, void *target, const char *text,
    struct err *err)
{
	bool yes = strcmp(text, "true") == 0;

	if (!yes && strcmp(text, "false") != 0)
		return option_refuse_type(row, text, err);
	return option_set_bool(row, target, yes, err);
}

static int
option_parse_number(const struct option_row *row, void *target,
    const char *text, struct err *err)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' ||
	    (row->type == OPTION_INT && value != floor(value)))
		return option_refuse_type(row, text, err);
	return option_set_number(row, target, value, err);
}

int
option_parse(const struct option_row *row, void *target, const char *text,
    struct err *err)
{
	switch (row->type) {
	case OPTION_TEXT:
	case OPTION_CHOICE:
		return option_set_text(row, target, text, err);
	case OPTION_TEXTS:
		return option_set_texts(row, target, &text, 1, err);
	case OPTION_INTS:
		return option_parse_ints(row, target, text, err);
	case OPTION_BOOL:
		return option_parse_bool(row, target, text, err);
	case OPTION_INT:
	case OPTION_REAL:
	case OPTION_SECS:
		return option_parse_number(row, target, text, err);
	}
	BUG("option %s of no type", row->name);
}

void
option_set_preset(const struct option_row *row, void *target)
{
	struct err err = {""};

	if (row->preset != NULL &&
	    option_parse(row, target, row->preset, &err) < 0)
		BUG("default of %s: \"%s\" %s", row->name, row->preset,
		    err.text);
}

void
option_set_presets(
    const struct option_row *rows, const char *group, void *target)
{
	const struct option_row *row;

	for (row = rows; row != NULL && row->name != NULL; row++)
		if (option_in_group(row, group))
			option_set_preset(row, target);
}

void
option_free(const struct option_row *rows, const char *group, void *target)
{
	const struct option_row *row;

	for (row = rows; row != NULL && row->name != NULL; row++) {
		if (!option_in_group(row, group))
			continue;
		if (row->type == OPTION_TEXT) {
			char **text = option_at(row, target);

			free(*text);
			*text = NULL;
		} else if (row->type == OPTION_TEXTS) {
			char ***texts = option_at(row, target);

			option_free_texts(*texts);
			*texts = NULL;
		}
	}
}

static bool
option_same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
option_same_texts(char *const *a, char *const *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	for (; *a != NULL && *b != NULL; a++, b++)
		if (strcmp(*a, *b) != 0)
			return false;
	return *a == *b;
}

bool
option_same(const struct option_row *row, const void *a, const void *b)
{
	const void *x = option_at(row, a), *y = option_at(row, b);

	switch (row->type) {
	case OPTION_TEXT:
		return option_same_text(*(char *const *)x, *(char *const *)y);
	case OPTION_TEXTS:
		return option_same_texts(
		    *(char **const *)x, *(char **const *)y);
	case OPTION_INT:
	case OPTION_SECS:
		return *(const int64_t *)x == *(const int64_t *)y;
	case OPTION_REAL:
		return memcmp(x, y, sizeof(double)) == 0;
	case OPTION_BOOL:
		return *(const bool *)x == *(const bool *)y;
	case OPTION_INTS:
		return memcmp(x, y, sizeof(struct option_ints)) == 0;
	case OPTION_CHOICE:
		return *(const int *)x == *(const int *)y;
	}
	BUG("option type %d", (int)row->type);
}
