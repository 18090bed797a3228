/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "feed/directory_look.h"

#define LOOK_SOME 512 /* names in one turn of the loop */

/* A file that is settled; names stand in an arena. */
struct look_found {
	size_t name;
	struct timespec changed;
};

/* One that may still be written to. */
struct look_young {
	size_t name;
	ino_t inode;
	off_t size;
	struct timespec mtime, ctime;
	int64_t since_us; /* monotonic: it has been like that */
	bool first;	  /* it was there at the first look, and so */
};

struct look_list {
	struct strbuf names; /* each with its terminator */
	struct look_young *v;
	size_t n, cap;
};

struct look {
	struct look_rules rules;
	DIR *dir; /* NULL: none runs */
	unsigned looks;
	struct strbuf names;
	struct look_found *found;
	size_t n, cap, at;
	struct look_list young, next; /* by name; those of the look that runs */
};

struct look *
look_new(const struct look_rules *rules)
{
	struct look *l = mem_zalloc(sizeof(*l));

	l->rules = *rules;
	return l;
}

static void
look_list_fini(struct look_list *list)
{
	strbuf_fini(&list->names);
	free(list->v);
	*list = (struct look_list){0};
}

void
look_free(struct look *l)
{
	if (l->dir != NULL)
		closedir(l->dir);
	strbuf_fini(&l->names);
	free(l->found);
	look_list_fini(&l->young);
	look_list_fini(&l->next);
	free(l);
}

/* --- which --------------------------------------------------------------- */

static bool
look_matches_any(const char *const *patterns, const char *name)
{
	for (; *patterns != NULL; patterns++)
		if (fnmatch(*patterns, name, FNM_PERIOD) == 0)
			return true;
	return false;
}

bool
look_matches(const struct look_rules *rules, const char *name)
{
	static const char *const making[] = {
	    ".*", "*.tmp", "*.part", "*.filepart", "*~", NULL};

	return !look_matches_any(making, name) &&
	    (rules->include == NULL ||
		look_matches_any(rules->include, name)) &&
	    (rules->exclude == NULL || !look_matches_any(rules->exclude, name));
}

static bool
look_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool
look_same_file(const struct look_young *young, const struct stat *st)
{
	return young->inode == st->st_ino && young->size == st->st_size &&
	    look_same_time(&young->mtime, &st->st_mtim) &&
	    look_same_time(&young->ctime, &st->st_ctim);
}

/* In the look before this one. */
static const struct look_young *
look_find_young(const struct look *l, const char *name)
{
	size_t from = 0, to = l->young.n;

	while (from < to) {
		size_t middle = (from + to) / 2;
		const struct look_young *young = &l->young.v[middle];
		int order = strcmp(name, l->young.names.p + young->name);

		if (order == 0)
			return young;
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return NULL;
}

/* Nobody touched it for long, by a clock that may be wrong. */
static bool
look_is_old(const struct look *l, const struct stat *st)
{
	int64_t touched = RT_MAX(st->st_mtim.tv_sec, st->st_ctim.tv_sec);

	return clock_wall_us() - touched * USEC_PER_SEC >
	    l->rules.settle_us + LOOK_OLD_US;
}

static size_t
look_keep_name(struct strbuf *names, const char *name)
{
	size_t at = names->n;

	strbuf_add(names, name, strlen(name) + 1);
	return at;
}

static void
look_add_young(struct look *l, const char *name, const struct stat *st,
    const struct look_young *before)
{
	struct look_list *next = &l->next;
	bool same = before != NULL && look_same_file(before, st);

	if (next->n == next->cap) {
		next->cap = RT_MAX(2 * next->cap, (size_t)64);
		next->v = mem_realloc(next->v, next->cap, sizeof(*next->v));
	}
	next->v[next->n++] =
	    (struct look_young){.name = look_keep_name(&next->names, name),
		.inode = st->st_ino,
		.size = st->st_size,
		.mtime = st->st_mtim,
		.ctime = st->st_ctim,
		.since_us = same ? before->since_us : clock_mono_us(),
		.first = same ? before->first : l->looks == 1};
}

static void
look_add_found(struct look *l, const char *name, const struct stat *st)
{
	if (l->n == l->cap) {
		l->cap = RT_MAX(2 * l->cap, (size_t)64);
		l->found = mem_realloc(l->found, l->cap, sizeof(*l->found));
	}
	l->found[l->n++] =
	    (struct look_found){look_keep_name(&l->names, name), st->st_mtim};
}

static bool
look_is_settled(const struct look *l, const struct stat *st,
    const struct look_young *before)
{
	if (l->rules.settle_us == 0 || !S_ISREG(st->st_mode))
		return true;
	if (before == NULL)
		return look_is_old(l, st);
	return look_same_file(before, st) &&
	    clock_mono_us() - before->since_us >= l->rules.settle_us;
}

static void
look_at(struct look *l, const char *name)
{
	const struct look_young *before;
	struct stat st;

	if (!look_matches(&l->rules, name))
		return;
	if (fstatat(dirfd(l->dir), name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    S_ISDIR(st.st_mode))
		return; /* it has vanished, or is none of ours */
	before = look_find_young(l, name);
	if (look_is_settled(l, &st, before))
		look_add_found(l, name, &st);
	else
		look_add_young(l, name, &st, before);
}

/* --- a look -------------------------------------------------------------- */

int
look_begin(struct look *l, int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int saved;

	if (fd < 0)
		return -1;
	l->dir = fdopendir(fd);
	if (l->dir == NULL) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	l->looks++;
	l->n = l->at = 0;
	strbuf_reset(&l->names);
	l->next.n = 0;
	strbuf_reset(&l->next.names);
	return 0;
}

bool
look_is_running(const struct look *l)
{
	return l->dir != NULL;
}

static int
look_by_name(const void *a, const void *b, void *names)
{
	const struct look_found *x = a, *y = b;

	return strcmp((char *)names + x->name, (char *)names + y->name);
}

static int
look_by_time(const void *a, const void *b, void *names)
{
	const struct look_found *x = a, *y = b;

	if (x->changed.tv_sec != y->changed.tv_sec)
		return x->changed.tv_sec < y->changed.tv_sec ? -1 : 1;
	if (x->changed.tv_nsec != y->changed.tv_nsec)
		return x->changed.tv_nsec < y->changed.tv_nsec ? -1 : 1;
	return look_by_name(a, b, names);
}

static int
look_young_by_name(const void *a, const void *b, void *names)
{
	const struct look_young *x = a, *y = b;

	return strcmp((char *)names + x->name, (char *)names + y->name);
}

/* The end: what was found is put in order, and the young are remembered. */
static void
look_end(struct look *l)
{
	struct look_list before = l->young;

	closedir(l->dir);
	l->dir = NULL;
	if (l->n > 0)
		qsort_r(l->found, l->n, sizeof(*l->found),
		    l->rules.order == LOOK_BY_NAME ? look_by_name
						   : look_by_time,
		    l->names.p);
	l->young = l->next;
	l->next = before;
	if (l->young.n > 0)
		qsort_r(l->young.v, l->young.n, sizeof(*l->young.v),
		    look_young_by_name, l->young.names.p);
}

int
look_some(struct look *l)
{
	struct dirent *entry = NULL;
	int i, saved;

	for (i = 0; i < LOOK_SOME; i++) {
		errno = 0;
		entry = readdir(l->dir);
		if (entry == NULL)
			break;
		if (entry->d_type != DT_DIR)
			look_at(l, entry->d_name);
	}
	if (entry != NULL)
		return 0;
	saved = errno;
	look_end(l);
	errno = saved;
	return errno != 0 ? -1 : 0;
}

const char *
look_next(struct look *l)
{
	if (l->dir != NULL || l->at == l->n)
		return NULL;
	return l->names.p + l->found[l->at++].name;
}

void
look_put_back(struct look *l)
{
	BUG_ON(l->at == 0);
	l->at--;
}

size_t
look_left(const struct look *l)
{
	return l->n - l->at;
}

int64_t
look_due_us(const struct look *l)
{
	int64_t due = INT64_MAX;
	size_t i;

	for (i = 0; i < l->young.n; i++)
		due = RT_MIN(due, l->young.v[i].since_us + l->rules.settle_us);
	return due;
}

bool
look_is_promising(const struct look *l)
{
	size_t i;

	for (i = 0; i < l->young.n; i++)
		if (l->young.v[i].first)
			return true;
	return false;
}
