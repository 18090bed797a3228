/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A walk through a JSON text that keeps nothing but the keys above the place.
 */
#include "base/base.h"
#include "format/freeswitch.h"

struct fsjson {
	const char *p, *end;
	struct freeswitch_record *to;
	bool flat;		/* keys of the outermost object are headers */
	unsigned depth, levels; /* containers; of these, objects */
	char kind[FREESWITCH_LEVELS];	     /* '{' or '[' */
	struct slice key[FREESWITCH_LEVELS]; /* of each object */
};

static void
fsjson_blanks(struct fsjson *j)
{
	while (j->p < j->end &&
	    (*j->p == ' ' || *j->p == '\t' || *j->p == '\n' || *j->p == '\r'))
		j->p++;
}

/* The next byte that is no blank, or 0 at the end; passes over it if `c`. */
static bool
fsjson_is(struct fsjson *j, char c)
{
	fsjson_blanks(j);
	if (j->p == j->end || *j->p != c)
		return false;
	j->p++;
	return true;
}

/* What stands between the quotes; p stands behind the first one. */
static bool
fsjson_string(struct fsjson *j, struct slice *s)
{
	const char *from = j->p;

	for (; j->p < j->end && *j->p != '"'; j->p++)
		if (*j->p == '\\' && ++j->p == j->end)
			return false;
	if (j->p == j->end)
		return false;
	*s = (struct slice){from, (size_t)(j->p - from)};
	j->p++;
	return true;
}

/* A number, true, false, null. */
static bool
fsjson_word(struct fsjson *j, struct slice *s)
{
	const char *from = j->p;

	while (j->p < j->end &&
	    ((*j->p >= '0' && *j->p <= '9') || (*j->p >= 'a' && *j->p <= 'z') ||
		*j->p == '-' || *j->p == '+' || *j->p == '.' || *j->p == 'E'))
		j->p++;
	*s = (struct slice){from, (size_t)(j->p - from)};
	if (slice_eq(*s, SLICE("null")))
		s->n = 0;
	return j->p > from;
}

static bool
fsjson_open(struct fsjson *j, char kind)
{
	if (j->depth == FREESWITCH_LEVELS)
		return false;
	j->kind[j->depth++] = kind;
	if (kind == '{')
		j->key[j->levels++] = (struct slice){"", 0};
	return true;
}

/* Containers that end here. False: one that was not open. */
static bool
fsjson_close(struct fsjson *j)
{
	for (;;) {
		bool object = fsjson_is(j, '}');

		if (!object && !fsjson_is(j, ']'))
			return true;
		if (j->depth == 0 ||
		    j->kind[j->depth - 1] != (object ? '{' : '['))
			return false;
		j->depth--;
		j->levels -= object;
	}
}

static void
fsjson_take(struct fsjson *j, struct slice value)
{
	if (!j->flat)
		freeswitch_take_path(j->to, j->key, j->levels, value);
	else if (j->levels == 1 && j->depth == 1)
		freeswitch_take(j->to, j->key[0], value);
}

/* A value that is no container, or the begin of one. */
static bool
fsjson_value(struct fsjson *j, bool *opened)
{
	struct slice s;

	*opened = false;
	if (fsjson_is(j, '{') || fsjson_is(j, '[')) {
		*opened = true;
		return fsjson_open(j, j->p[-1]);
	}
	if (fsjson_is(j, '"') ? !fsjson_string(j, &s) : !fsjson_word(j, &s))
		return false;
	fsjson_take(j, s);
	return true;
}

static bool
fsjson_key(struct fsjson *j)
{
	if (j->depth == 0 || j->kind[j->depth - 1] != '{')
		return true;
	return fsjson_is(j, '"') && fsjson_string(j, &j->key[j->levels - 1]) &&
	    fsjson_is(j, ':');
}

static bool
fsjson_walk(struct fsjson *j)
{
	bool opened;

	do {
		if (!fsjson_key(j) || !fsjson_value(j, &opened))
			return false;
		if (opened) { /* empty, or its first member comes */
			fsjson_blanks(j);
			if (j->p == j->end || (*j->p != '}' && *j->p != ']'))
				continue;
		}
		if (!fsjson_close(j))
			return false;
		opened = j->depth > 0 && fsjson_is(j, ',');
	} while (opened);
	return j->depth == 0;
}

static bool
fsjson_begin(struct freeswitch_record *r, struct slice json, bool flat)
{
	struct fsjson j = {.p = json.p, .end = json.p + json.n, .to = r};

	j.flat = flat;
	r->json = true;
	fsjson_blanks(&j);
	return j.p < j.end && *j.p == '{' && fsjson_walk(&j);
}

bool
freeswitch_json(struct freeswitch_record *r, struct slice json)
{
	return fsjson_begin(r, json, false);
}

bool
freeswitch_json_flat(struct freeswitch_record *r, struct slice json)
{
	r->plain = true; /* events are not URL-encoded in JSON */
	return fsjson_begin(r, json, true);
}
