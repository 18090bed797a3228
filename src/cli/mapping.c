/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/nearest.h"
#include "base/phone.h"
#include "base/strbuf.h"
#include "cli/mapping.h"

void
mapping_init(struct mapping *map, const struct mapping_field *fields)
{
	unsigned i;

	*map = (struct mapping){.fields = fields};
	for (i = 0; i < MAPPING_FIELDS; i++)
		map->of[i].at = MAPPING_NOWHERE;
}

void
mapping_fini(struct mapping *map)
{
	unsigned i;

	for (i = 0; i < MAPPING_FIELDS; i++) {
		struct mapping_of *of = &map->of[i];
		struct mapping_value *value;

		while ((value = of->values) != NULL) {
			of->values = value->next;
			free(value->from);
			free(value->to);
			free(value);
		}
		free(of->column);
		free(of->constant);
	}
}

struct slice
mapping_trim(struct slice s)
{
	while (s.n > 0 && (unsigned char)s.p[0] <= ' ') {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (unsigned char)s.p[s.n - 1] <= ' ')
		s.n--;
	return s;
}

void
mapping_form(char to[MAPPING_WORD_MAX], struct slice word)
{
	size_t i, n = 0;

	word = mapping_trim(word);
	for (i = 0; i < word.n && n < MAPPING_WORD_MAX - 1; i++) {
		char c = word.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c == ' ' || c == '-')
			c = '_';
		if (c != '_' || n == 0 || to[n - 1] != '_')
			to[n++] = c;
	}
	to[n] = '\0';
}

static bool
mapping_same(struct slice a, const char *b)
{
	return a.n == strlen(b) && strncasecmp(a.p, b, a.n) == 0;
}

/* --- what was said ------------------------------------------------------- */

/* The field that the text begins with, up to `end`; -1 with the reason. */
static int
mapping_field_of(
    const struct mapping *map, const char *text, char end, struct err *err)
{
	const char *stop = strchr(text, end);
	struct nearest near;
	char name[MAPPING_WORD_MAX];
	int i;

	if (stop == NULL)
		return err_set(err, "\"%s\": no \"%c\" in it", text, end);
	snprintf(name, sizeof(name), "%.*s", (int)(stop - text), text);
	nearest_start(&near, name);
	for (i = 0; map->fields[i].name != NULL; i++) {
		if (strcmp(map->fields[i].name, name) == 0)
			return i;
		nearest_offer(&near, map->fields[i].name);
	}
	if (nearest_word(&near) == NULL)
		return err_set(err, "there is no field \"%s\"", name);
	return err_set(err, "there is no field \"%s\", did you mean \"%s\"?",
	    name, nearest_word(&near));
}

static bool
mapping_is_field(const struct mapping *map, const char *text)
{
	const char *equals = strchr(text, '=');
	int i;

	for (i = 0; equals != NULL && map->fields[i].name != NULL; i++)
		if (strlen(map->fields[i].name) == (size_t)(equals - text) &&
		    strncmp(map->fields[i].name, text,
			(size_t)(equals - text)) == 0)
			return true;
	return false;
}

/* The comma before the next field, or the end. */
static const char *
mapping_next(const struct mapping *map, const char *text)
{
	for (; *text != '\0'; text++)
		if (*text == ',' && mapping_is_field(map, text + 1))
			break;
	return text;
}

static void
mapping_set(char **to, const char *from, size_t n)
{
	free(*to);
	*to = mem_zalloc(n + 1);
	memcpy(*to, from, n);
}

int
mapping_say_columns(struct mapping *map, const char *text, struct err *err)
{
	const char *end, *name;
	int field;

	for (;; text = end + 1) {
		field = mapping_field_of(map, text, '=', err);
		if (field < 0)
			return -1;
		name = strchr(text, '=') + 1;
		end = mapping_next(map, name);
		if (end == name)
			return err_set(
			    err, "\"%s\": no column behind the =", text);
		mapping_set(&map->of[field].column, name, (size_t)(end - name));
		if (*end == '\0')
			return 0;
	}
}

int
mapping_say_constant(struct mapping *map, const char *text, struct err *err)
{
	int field = mapping_field_of(map, text, '=', err);
	const char *value;

	if (field < 0)
		return -1;
	value = strchr(text, '=') + 1;
	mapping_set(&map->of[field].constant, value, strlen(value));
	return 0;
}

int
mapping_say_value(struct mapping *map, const char *text, struct err *err)
{
	int field = mapping_field_of(map, text, ':', err);
	struct mapping_value *value, **last;
	const char *from, *equals;

	if (field < 0)
		return -1;
	from = strchr(text, ':') + 1;
	equals = strrchr(from, '=');
	if (equals == NULL)
		return err_set(err, "\"%s\": no \"=\" in it", text);
	value = mem_zalloc(sizeof(*value));
	mapping_set(&value->from, from, (size_t)(equals - from));
	mapping_set(&value->to, equals + 1, strlen(equals + 1));
	for (last = &map->of[field].values; *last != NULL;
	     last = &(*last)->next)
		;
	*last = value;
	return 0;
}

/* --- columns ------------------------------------------------------------- */

/* All names of the file, for who has to choose one. */
static int
mapping_no_column(const char *name, const struct csv *head, struct err *err)
{
	struct strbuf all = STRBUF_INIT;
	unsigned i;

	for (i = 0; i < head->n; i++) {
		strbuf_adds(&all, i > 0 ? ", \"" : "\"");
		strbuf_add_escaped(&all, head->field[i], 60);
		strbuf_addc(&all, '"');
	}
	/* a file without names has somebody's number in its first line */
	if (all.n > 0)
		phone_hide(all.p, all.n);
	err_set(
	    err, "no column \"%s\": the file has %s", name, strbuf_str(&all));
	strbuf_fini(&all);
	return -1;
}

/* By the name that was said, or by the form of the field's own. */
static bool
mapping_is_column(
    const struct mapping_of *of, const char *field, struct slice name)
{
	char form[MAPPING_WORD_MAX];

	if (of->column != NULL)
		return mapping_same(mapping_trim(name), of->column);
	mapping_form(form, name);
	return strcmp(form, field) == 0;
}

static int
mapping_find_field(struct mapping *map, unsigned field, const struct csv *head,
    struct err *err)
{
	const char *name = map->fields[field].name;
	struct mapping_of *of = &map->of[field];
	unsigned i;

	of->at = MAPPING_NOWHERE;
	for (i = 0; i < head->n; i++) {
		if (!mapping_is_column(of, name, head->field[i]))
			continue;
		if (of->at != MAPPING_NOWHERE)
			return err_set(err, "two columns are called \"%s\"",
			    of->column != NULL ? of->column : name);
		of->at = i;
	}
	if (of->at == MAPPING_NOWHERE && of->column != NULL)
		return mapping_no_column(of->column, head, err);
	if (!mapping_has(map, field) && map->fields[field].needed)
		return mapping_no_column(name, head, err);
	return 0;
}

int
mapping_find(struct mapping *map, const struct csv *head, struct err *err)
{
	unsigned i;

	map->columns = head->n;
	for (i = 0; map->fields[i].name != NULL; i++)
		if (mapping_find_field(map, i, head, err) < 0)
			return -1;
	return 0;
}

bool
mapping_has(const struct mapping *map, unsigned field)
{
	return map->of[field].at != MAPPING_NOWHERE ||
	    map->of[field].constant != NULL;
}

struct slice
mapping_said(
    const struct mapping *map, unsigned field, const struct csv *record)
{
	const struct mapping_of *of = &map->of[field];
	struct slice s = {"", 0};

	if (of->at < record->n)
		s = mapping_trim(record->field[of->at]);
	if (s.n == 0 && of->constant != NULL)
		s = slice_of(of->constant);
	return s;
}

struct slice
mapping_get(const struct mapping *map, unsigned field, const struct csv *record)
{
	struct slice s = mapping_said(map, field, record);
	const struct mapping_value *value;

	for (value = map->of[field].values; value != NULL; value = value->next)
		if (mapping_same(s, value->from))
			return slice_of(value->to);
	return s;
}
