/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/phone.h"
#include "base/utf8.h"
#include "event/names.h"

void
names_fini(struct names *names)
{
	struct name_count *name, *tmp;

	HASH_ITER (hh, names->table, name, tmp) {
		HASH_DEL(names->table, name);
		free(name);
	}
}

static struct name_count *
names_find(const struct names *names, struct slice text)
{
	struct name_count *name;

	HASH_FIND(hh, names->table, text.p, text.n, name);
	return name;
}

static struct name_count *
names_add(struct names *names, struct slice text)
{
	struct name_count *name = mem_zalloc(sizeof(*name) + text.n + 1);

	memcpy(name->name, text.p, text.n);
	name->len = text.n;
	HASH_ADD_KEYPTR(hh, names->table, name->name, name->len, name);
	return name;
}

/* The row to count under, made when new and while there is room. */
static struct name_count *
names_get(struct names *names, struct slice text)
{
	struct name_count *name = names_find(names, text);

	if (name != NULL)
		return name;
	if (HASH_COUNT(names->table) < NAMES_MAX)
		return names_add(names, text);
	text = SLICE(NAMES_OTHERS);
	name = names_find(names, text);
	return name != NULL ? name : names_add(names, text);
}

/*
 * The row of a text as it was sent: cleaned, new or one of too many. In a line
 * that lacks a field, the caller's number may stand where the name should.
 */
static struct name_count *
names_of(struct names *names, struct slice text)
{
	char clean[NAMES_BYTES];

	text.n = utf8_clean(clean, sizeof(clean), text.p, text.n);
	text.p = clean;
	phone_hide(clean, text.n);
	return names_get(names, text);
}

RT_HOT void
names_count(
    struct names *names, struct slice text, bool unknown, int64_t time_us)
{
	struct name_count *name, **recent;

	if (text.n == 0)
		text = SLICE(NAMES_EMPTY);
	recent = &names->recent[(text.n ^ (unsigned char)text.p[text.n - 1]) %
	    NAMES_RECENT];
	name = *recent;
	if (name == NULL || name->len != text.n ||
	    !slice_same(name->name, text.p, text.n))
		*recent = name = names_of(names, text);
	if (name->count == 0 || time_us > name->last_us)
		name->last_us = time_us;
	name->count++;
	name->unknown = unknown;
}

void
names_take(struct names *names,
    void (*fn)(void *ctx, const struct name_count *name), void *ctx)
{
	struct name_count *name, *tmp;

	HASH_ITER (hh, names->table, name, tmp) {
		if (name->count == 0)
			continue;
		fn(ctx, name);
		name->count = 0;
	}
}
