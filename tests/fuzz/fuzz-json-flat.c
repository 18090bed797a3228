/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scanner for flat objects against jansson: what one takes the other takes,
 * and both read the same members, texts and numbers. Where they differ on
 * purpose is told below, case by case.
 */
#include "base/base.h"
#include "format/json_decimal.h"
#include "format/json_flat.h"

#include <jansson.h>
#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_FLAGS (JSON_DECODE_INT_AS_REAL)

/* Ours has bounds of its own, and wants objects where any value is JSON. */
static bool
fuzz_is_bound(const char *why)
{
	static const char *const bounds[] = {"JSON that is nested too deeply",
	    "too many members", "JSON of too many bytes", "no JSON object"};
	size_t i;

	for (i = 0; i < RT_COUNT(bounds); i++)
		if (strcmp(why, bounds[i]) == 0)
			return true;
	return false;
}

/* A number of seconds as milliseconds, the long way. */
static void
fuzz_number(struct slice text, double value)
{
	const int64_t max = INT64_C(1000000000);
	int64_t ms;
	bool good = json_decimal_scaled(text, 3, max, &ms);
	double want = value * 1000;

	/* what is too small for a double has kept its sign */
	if (signbit(value) || want > (double)max * 1.000001) {
		BUG_ON(good && value != 0);
		return;
	}
	if (want > (double)max * 0.999999)
		return; /* a double is too coarse to tell */
	BUG_ON(!good);
	if (fabs((double)ms - want) > 0.5 + 1e-3)
		BUG("%.*s: %" PRId64 " ms", SLICE_FMT(text), ms);
}

static void
fuzz_member(const struct json_flat_member *m, const json_t *value)
{
	switch (m->type) {
	case JSON_FLAT_NULL:
		BUG_ON(!json_is_null(value));
		break;
	case JSON_FLAT_FALSE:
		BUG_ON(!json_is_false(value));
		break;
	case JSON_FLAT_TRUE:
		BUG_ON(!json_is_true(value));
		break;
	case JSON_FLAT_NUMBER:
		BUG_ON(!json_is_number(value));
		fuzz_number(m->value, json_number_value(value));
		break;
	case JSON_FLAT_TEXT:
		BUG_ON(!json_is_string(value));
		BUG_ON(!slice_eq(m->value,
		    (struct slice){
			json_string_value(value), json_string_length(value)}));
		break;
	case JSON_FLAT_NESTED:
		BUG_ON(!json_is_array(value) && !json_is_object(value));
		break;
	}
}

static json_t *
fuzz_find(const json_t *object, struct slice name)
{
	char *key = mem_alloc(name.n + 1);
	json_t *value;

	memcpy(key, name.p, name.n);
	key[name.n] = '\0';
	value = json_object_get(object, key);
	free(key);
	return value;
}

static void
fuzz_object(const struct json_flat *f, const json_t *object)
{
	unsigned i;

	BUG_ON(!json_is_object(object) || json_object_size(object) != f->n);
	for (i = 0; i < f->n; i++) {
		const json_t *value = fuzz_find(object, f->member[i].name);

		BUG_ON(value == NULL);
		fuzz_member(&f->member[i], value);
	}
}

/* All objects, as far as they can be read. The reason, or NULL. */
static const char *
fuzz_read(struct json_flat *f, struct slice text, const json_t *root)
{
	const char *why = NULL;
	size_t i;
	int rc;

	json_flat_begin(f, text);
	for (i = 0; (rc = json_flat_next(f, &why)) > 0; i++)
		if (root != NULL)
			fuzz_object(
			    f, f->is_array ? json_array_get(root, i) : root);
	if (rc < 0)
		return why;
	BUG_ON(root != NULL && f->is_array && json_array_size(root) != i);
	return NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct json_flat f;
	struct slice text = {(const char *)data, size};
	json_error_t error;
	json_t *root = json_loadb(text.p, text.n, FUZZ_FLAGS, &error), *strict;
	const char *why = fuzz_read(&f, text, root);

	if (size > 0 && memchr(data, '\0', size) != NULL) {
		/* never JSON; jansson 2.14 loses one that it looked ahead at */
		BUG_ON(why == NULL);
		json_decref(root);
		return 0;
	}
	if (why != NULL && root != NULL && !fuzz_is_bound(why)) {
		/* jansson takes the last of two members, unless told */
		BUG_ON(strcmp(why, "a member stands there twice") != 0);
		strict = json_loadb(text.p, text.n,
		    FUZZ_FLAGS | JSON_REJECT_DUPLICATES, &error);
		BUG_ON(strict != NULL);
	}
	/* it makes doubles of numbers that nobody asked for, too */
	if (why == NULL && root == NULL &&
	    json_error_code(&error) != json_error_numeric_overflow)
		BUG("jansson does not take it: %s", error.text);
	json_decref(root);
	return 0;
}
