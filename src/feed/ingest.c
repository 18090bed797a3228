/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <sys/queue.h>

#include "feed/ingest.h"

struct ingest_entry {
	SLIST_ENTRY(ingest_entry) list;
	char *name;
	const struct ingest_ops *ops;
	void *ctx;
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

void
ingest_free(struct ingest *ingest)
{
	/* they would be called behind our end */
	BUG_ON(ingest != NULL && !SLIST_EMPTY(&ingest->entries));
	free(ingest);
}

int
ingest_add(struct ingest *ingest, const char *name,
    const struct ingest_ops *ops, void *ctx)
{
	struct ingest_entry *entry;

	if (ingest_entry(ingest, name) != NULL)
		return -1;
	entry = mem_alloc(sizeof(*entry));
	*entry = (struct ingest_entry){
	    .name = mem_strdup(name), .ops = ops, .ctx = ctx};
	SLIST_INSERT_HEAD(&ingest->entries, entry, list);
	return 0;
}

void
ingest_remove(struct ingest *ingest, const char *name)
{
	struct ingest_entry *entry = ingest_entry(ingest, name);

	if (entry == NULL)
		return;
	SLIST_REMOVE(&ingest->entries, entry, ingest_entry, list);
	free(entry->name);
	free(entry);
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
