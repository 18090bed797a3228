/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads JSON objects that are flat, member by member, without a tree and
 * without allocating: a feed brings hundreds of thousands a second, and
 * jansson, which makes a hash table of each, takes more than four microseconds
 * for one (232,000 a second on the machine where this was measured, with
 * nothing done with them).
 *
 * As strict as RFC 8259 is, and stricter where JSON leaves open what is meant:
 * UTF-8 only, no surrogate without its other half, no U+0000 (PostgreSQL has no
 * place for it), no member twice. Members with arrays and objects are checked
 * and passed over. tests/fuzz/fuzz-json-flat.c holds it against jansson.
 */
#ifndef RT_FORMAT_JSON_FLAT_H
#define RT_FORMAT_JSON_FLAT_H

#include "base/slice.h"
#include "event/stage.h"

#define JSON_FLAT_MEMBERS 64 /* of one object, at most */
#define JSON_FLAT_DEPTH	  32 /* of what is passed over */

enum json_flat_type {
	JSON_FLAT_NULL,
	JSON_FLAT_FALSE,
	JSON_FLAT_TRUE,
	JSON_FLAT_NUMBER,
	JSON_FLAT_TEXT,
	JSON_FLAT_NESTED /* an array or an object */
};

struct json_flat_member {
	struct slice name;
	enum json_flat_type type;
	/* TEXT: what it says, escapes undone; otherwise as it is written */
	struct slice value;
};

enum json_flat_state {
	JSON_FLAT_START,
	JSON_FLAT_ELEMENTS, /* within an array */
	JSON_FLAT_DONE,
	JSON_FLAT_BROKEN
};

struct json_flat {
	const char *p, *end; /* what is still to be read */
	enum json_flat_state state;
	bool is_array; /* not one object alone */
	const char *why;
	unsigned n;
	struct json_flat_member member[JSON_FLAT_MEMBERS];
	size_t used; /* of room */
	/* texts without their escapes, which are never longer than with them */
	char room[STAGE_RECORD_MAX];
};

/* Begins with a text of one object, or of an array of objects. */
void json_flat_begin(struct json_flat *f, struct slice text);

/*
 * The next object. Returns 1 with its members; 0 when there is none left; -1
 * where the text is broken (why: a constant). Members are valid until the next
 * call; what they say, until the next json_flat_begin and as long as the text.
 */
int json_flat_next(struct json_flat *f, const char **why);

#endif
