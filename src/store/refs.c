/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queues and agents that the database knows by name, so that each is
 * written once, and a queue again when its service is another one.
 */
#include "base/base.h"
#include "store/inner.h"

static size_t
ref_make_key(struct ref_key *key, int sw, bool is_agent, struct slice name)
{
	size_t n = RT_MIN(name.n, sizeof(key->name));

	memset(key, 0, sizeof(*key));
	key->sw = (uint16_t)sw;
	key->is_agent = is_agent;
	memcpy(key->name, name.p, n);
	return offsetof(struct ref_key, name) + n;
}

/* Made when new. */
static struct ref *
ref_get(struct store *store, int sw, bool is_agent, struct slice name)
{
	struct ref_key key;
	size_t len = ref_make_key(&key, sw, is_agent, name);
	struct ref *ref;

	HASH_FIND(hh, store->refs, &key, len, ref);
	if (ref != NULL)
		return ref;
	ref = mem_zalloc(sizeof(*ref));
	ref->key = mem_alloc(len);
	memcpy(ref->key, &key, len);
	ref->key_len = len;
	ref->first_us = INT64_MAX;
	HASH_ADD_KEYPTR(hh, store->refs, ref->key, (unsigned)len, ref);
	return ref;
}

static struct slice
ref_name(const struct ref *ref)
{
	return (struct slice){
	    ref->key->name, ref->key_len - offsetof(struct ref_key, name)};
}

/* What the configuration says of a queue; NULL: no service. */
static const char *
ref_service(struct store *store, const struct ref *ref)
{
	char name[TALLY_NAME_MAX + 1];
	struct slice s = ref_name(ref);

	if (ref->key->is_agent || store->service_of == NULL)
		return NULL;
	memcpy(name, s.p, s.n);
	name[s.n] = '\0';
	return store->service_of(store->service_ctx, name);
}

static void
ref_set_service(struct ref *ref, const char *service)
{
	bool same = ref->service == NULL
	    ? service == NULL
	    : service != NULL && strcmp(ref->service, service) == 0;

	if (same)
		return;
	free(ref->service);
	ref->service = service != NULL ? mem_strdup(service) : NULL;
	ref->stored = false;
}

void
store_ref_seen(struct store *store, int sw, bool is_agent, struct slice name,
    int64_t starts_us)
{
	struct ref *ref = ref_get(store, sw, is_agent, name);

	if (ref->stored)
		return;
	ref->first_us = RT_MIN(ref->first_us, starts_us);
	ref_set_service(ref, ref_service(store, ref));
}

void
store_ref_loaded(
    struct store *store, int sw, struct slice name, const char *service)
{
	struct ref *ref = ref_get(store, sw, false, name);

	ref_set_service(ref, service);
	ref->stored = true;
	ref_set_service(ref, ref_service(store, ref));
	if (!ref->stored)
		store_touch(store);
}

void
store_refs_review(struct store *store)
{
	struct ref *ref, *next;

	HASH_ITER (hh, store->refs, ref, next) {
		ref_set_service(ref, ref_service(store, ref));
		if (!ref->stored && store->loaded)
			store_touch(store);
	}
}

static int
ref_order_cb(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The services of these queues, each once. */
static void
refs_cut_services(struct batch *batch, const char **services, size_t n)
{
	size_t i;

	if (n > 0)
		qsort(services, n, sizeof(*services), ref_order_cb);
	for (i = 0; i < n; i++) {
		if (i > 0 && strcmp(services[i], services[i - 1]) == 0)
			continue;
		rows_text(&batch->rows[TABLE_SERVICE], slice_of(services[i]));
		rows_end(&batch->rows[TABLE_SERVICE]);
	}
}

static void
ref_cut(struct store *store, struct batch *batch, struct ref *ref)
{
	struct rows *rows =
	    &batch->rows[ref->key->is_agent ? TABLE_AGENT : TABLE_QUEUE];

	rows_text(rows, slice_of(store->switches[ref->key->sw].name));
	rows_text(rows, ref_name(ref));
	if (!ref->key->is_agent)
		rows_text_or_null(
		    rows, slice_of(ref->service != NULL ? ref->service : ""));
	rows_time_or_null(rows, ref->first_us != INT64_MAX, ref->first_us);
	rows_end(rows);
	ref->stored = true;
}

void
store_refs_cut(struct store *store, struct batch *batch)
{
	const char **services = NULL;
	struct ref *ref, *next;
	size_t n = 0;

	HASH_ITER (hh, store->refs, ref, next) {
		if (ref->stored)
			continue;
		ref_cut(store, batch, ref);
		if (ref->service == NULL)
			continue;
		services = mem_realloc(services, n + 1, sizeof(*services));
		services[n++] = ref->service;
	}
	refs_cut_services(batch, services, n);
	free(services);
}

void
store_refs_forget(struct store *store)
{
	struct ref *ref, *next;

	HASH_ITER (hh, store->refs, ref, next) {
		HASH_DEL(store->refs, ref);
		free(ref->service);
		free(ref->key);
		free(ref);
	}
}
