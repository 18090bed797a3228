/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <sys/queue.h>

#include "feed/ingest.h"

struct ingest_entry {
	SLIST_ENTRY(ingest_entry) list;
	char *name;
	const struct ingest_ops *ops; /* NULL: it is not open */
	void *ctx;
	bool expected;
};

struct ingest {
	SLIST_HEAD(, ingest_entry) entries; /* a few */
};

struct ingest *
ingest_new(void)
{
	struct ingest *ingest = mem_alloc(sizeof(*ingest));

	SLIST_INIT(&ingest->entries);
	return ingest;
}

static struct ingest_entry *
ingest_entry(const struct ingest *ingest, const char *name)
{
	struct ingest_entry *entry;

	SLIST_FOREACH(entry, &ingest->entries, list)
	if (strcmp(entry->name, name) == 0)
		return entry;
	return NULL;
}

static void
ingest_drop(struct ingest *ingest, struct ingest_entry *entry)
{
	SLIST_REMOVE(&ingest->entries, entry, ingest_entry, list);
	free(entry->name);
	free(entry);
}

void
ingest_free(struct ingest *ingest)
{
	struct ingest_entry *entry;

	while (
	    ingest != NULL && (entry = SLIST_FIRST(&ingest->entries)) != NULL) {
		/* it would be called behind our end */
		BUG_ON(entry->ops != NULL);
		ingest_drop(ingest, entry);
	}
	free(ingest);
}

static struct ingest_entry *
ingest_make(struct ingest *ingest, const char *name)
{
	struct ingest_entry *entry = ingest_entry(ingest, name);

	if (entry != NULL)
		return entry;
	entry = mem_alloc(sizeof(*entry));
	*entry = (struct ingest_entry){.name = mem_strdup(name)};
	SLIST_INSERT_HEAD(&ingest->entries, entry, list);
	return entry;
}

void
ingest_expect(struct ingest *ingest, const char *name)
{
	ingest_make(ingest, name)->expected = true;
}

int
ingest_add(struct ingest *ingest, const char *name,
    const struct ingest_ops *ops, void *ctx)
{
	struct ingest_entry *entry = ingest_make(ingest, name);

	if (entry->ops != NULL)
		return -1;
	entry->ops = ops;
	entry->ctx = ctx;
	return 0;
}

void
ingest_remove(struct ingest *ingest, const char *name)
{
	struct ingest_entry *entry = ingest_entry(ingest, name);

	if (entry == NULL)
		return;
	entry->ops = NULL;
	if (!entry->expected)
		ingest_drop(ingest, entry);
}

bool
ingest_is_expected(const struct ingest *ingest, const char *name)
{
	const struct ingest_entry *entry = ingest_entry(ingest, name);

	return entry != NULL && entry->ops == NULL;
}

const struct ingest_ops *
ingest_find(const struct ingest *ingest, const char *name, void **ctx)
{
	const struct ingest_entry *entry = ingest_entry(ingest, name);

	if (entry == NULL)
		return NULL;
	*ctx = entry->ctx;
	return entry->ops;
}
