/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <dirent.h>

#include "feed/file_siblings.h"

#define SIBLINGS_LOOKS 5 /* at a directory that changes under our eyes */

struct sibling {
	char *path;
	struct stat st;
	bool rotated; /* by its name */
	bool log;     /* it has the log's own name */
};

struct siblings {
	struct sibling *v;
	size_t n, cap;
};

static bool
siblings_ends(const char *name, size_t n, const char *end)
{
	size_t len = strlen(end);

	return n >= len && memcmp(name + n - len, end, len) == 0;
}

/* ".1", "-20261121_04", ".ext-1795289031": all parts are of a known kind. */
static bool
siblings_parts_ok(const char *p, size_t n)
{
	static const char *const words[] = {"old", "prev", "ext"};
	const char *end = p + n;

	while (p < end) {
		size_t len = 1, i;
		bool ok;

		if (strchr(".-_", *p++) == NULL)
			return false;
		while (p + len < end && strchr(".-_", p[len]) == NULL)
			len++;
		ok = p < end && *p >= '0' && *p <= '9';
		for (i = 0; !ok && p < end && i < RT_COUNT(words); i++)
			ok = len == strlen(words[i]) &&
			    memcmp(p, words[i], len) == 0;
		if (!ok)
			return false;
		p += len;
	}
	return n > 0;
}

bool
siblings_is_rotated(const char *name, const char *base)
{
	size_t n = strlen(name), base_n = strlen(base), stem;
	const char *ext = strrchr(base, '.');

	if (siblings_ends(name, n, ".gz"))
		n -= 3;
	if (n > base_n && memcmp(name, base, base_n) == 0 &&
	    siblings_parts_ok(name + base_n, n - base_n))
		return true;
	/* the compressed form of the log itself */
	if (n == base_n && name[n] != '\0' && memcmp(name, base, n) == 0)
		return true;
	if (ext == NULL || ext == base)
		return false;
	stem = (size_t)(ext - base);
	return n > base_n && memcmp(name, base, stem) == 0 &&
	    siblings_ends(name, n, ext) &&
	    siblings_parts_ok(name + stem, n - base_n);
}

static void
siblings_fini(struct siblings *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		free(s->v[i].path);
	free(s->v);
	*s = (struct siblings){0};
}

/* The directory part of a path, "." where it has none. */
static void
siblings_dir(char to[STAGE_PATH_MAX], const char *path, const char **base)
{
	const char *slash = strrchr(path, '/');

	*base = slash != NULL ? slash + 1 : path;
	if (slash == NULL)
		snprintf(to, STAGE_PATH_MAX, ".");
	else
		snprintf(to, STAGE_PATH_MAX, "%.*s",
		    (int)RT_MAX(slash - path, (ptrdiff_t)1), path);
}

static void
siblings_add(struct siblings *s, const struct sibling *add)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->v[i].st.st_ino == add->st.st_ino &&
		    s->v[i].st.st_dev == add->st.st_dev) {
			s->v[i].rotated |= add->rotated;
			s->v[i].log |= add->log;
			return;
		}
	if (s->n == s->cap) {
		s->cap = RT_MAX(2 * s->cap, (size_t)64);
		s->v = mem_realloc(s->v, s->cap, sizeof(*s->v));
	}
	s->v[s->n] = *add;
	s->v[s->n++].path = mem_strdup(add->path);
}

/* What pieces are looked for, whatever directory they lie in. */
struct wanted {
	const char *base;	/* name of the log */
	char was[NAME_MAX + 1]; /* of the file read, without its rotated part */
	uint64_t inode;		/* to be listed under any name; 0: none */
};

static void
siblings_add_entry(struct siblings *s, const char *dir,
    const struct dirent *entry, const struct wanted *w)
{
	const char *name = entry->d_name;
	char path[STAGE_PATH_MAX + NAME_MAX + 2];
	struct sibling add = {.path = path,
	    .log = strcmp(name, w->base) == 0,
	    .rotated = siblings_is_rotated(name, w->base) ||
		(w->was[0] != '\0' && siblings_is_rotated(name, w->was))};

	if (!add.log && !add.rotated && entry->d_ino != w->inode)
		return;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (strlen(path) < STAGE_PATH_MAX && stat(path, &add.st) == 0 &&
	    S_ISREG(add.st.st_mode))
		siblings_add(s, &add);
}

static int
siblings_scan(struct siblings *s, const char *dir_path, const struct wanted *w,
    struct err *err)
{
	DIR *dir = opendir(dir_path);
	struct dirent *entry;
	int error;

	if (dir == NULL)
		return err_sys(err, "%s", dir_path);
	while ((errno = 0, entry = readdir(dir)) != NULL)
		siblings_add_entry(s, dir_path, entry, w);
	error = errno;
	closedir(dir);
	errno = error;
	return error != 0 ? err_sys(err, "reading %s", dir_path) : 0;
}

/*
 * Again where the directory was changed meanwhile: a file that is renamed
 * while we read its directory may be seen under neither name.
 */
static int
siblings_scan_calm(struct siblings *s, const char *dir,
    const struct wanted *wanted, struct err *err)
{
	struct stat before, after;
	int look;

	for (look = 0; look < SIBLINGS_LOOKS; look++) {
		if (stat(dir, &before) < 0)
			return err_sys(err, "%s", dir);
		if (siblings_scan(s, dir, wanted, err) < 0)
			return -1;
		if (stat(dir, &after) == 0 &&
		    before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
		    before.st_mtim.tv_nsec == after.st_mtim.tv_nsec)
			return 0;
		siblings_fini(s);
	}
	errno = EAGAIN;
	return err_set(err, "%s changes too fast to be read", dir);
}

static int
siblings_compare(const void *a, const void *b)
{
	const struct timespec *ta = &((const struct sibling *)a)->st.st_mtim;
	const struct timespec *tb = &((const struct sibling *)b)->st.st_mtim;

	if (ta->tv_sec != tb->tv_sec)
		return ta->tv_sec < tb->tv_sec ? -1 : 1;
	if (ta->tv_nsec != tb->tv_nsec)
		return ta->tv_nsec < tb->tv_nsec ? -1 : 1;
	return strcmp(((const struct sibling *)a)->path,
	    ((const struct sibling *)b)->path);
}

/* "queue_log-20261121" is a piece of "queue_log": returns that one's length. */
static size_t
siblings_stem(const char *name)
{
	size_t n = strlen(name), i;

	if (siblings_ends(name, n, ".gz"))
		n -= 3;
	for (i = 1; i < n; i++)
		if (siblings_parts_ok(name + i, n - i))
			return i;
	return n;
}

/*
 * Lists the log's directory, and that of `was`: a symbolic link that moved
 * leads away from its former target. The latter may be gone. Oldest change
 * first.
 */
static int
siblings_list(struct siblings *s, const char *path, const char *was,
    uint64_t inode, struct err *err)
{
	struct wanted wanted = {.inode = inode};
	char dir[STAGE_PATH_MAX], was_dir[STAGE_PATH_MAX];
	struct siblings more = {0};
	const char *was_base;
	size_t i;

	*s = (struct siblings){0};
	siblings_dir(dir, path, &wanted.base);
	siblings_dir(was_dir, was, &was_base);
	snprintf(wanted.was, sizeof(wanted.was), "%.*s",
	    (int)siblings_stem(was_base), was_base);
	if (siblings_scan_calm(s, dir, &wanted, err) < 0)
		return -1;
	if (was[0] != '\0' && strcmp(dir, was_dir) != 0 &&
	    siblings_scan_calm(&more, was_dir, &wanted, NULL) == 0)
		for (i = 0; i < more.n; i++)
			siblings_add(s, &more.v[i]);
	siblings_fini(&more);
	if (s->n > 1)
		qsort(s->v, s->n, sizeof(*s->v), siblings_compare);
	return 0;
}

/*
 * gzip leaves the plain file there until the compressed one is complete. (The
 * log itself beside "log.gz" is another one.)
 */
static bool
siblings_has_plain(const struct siblings *s, const struct sibling *gz)
{
	size_t i, n = strlen(gz->path);

	if (!siblings_ends(gz->path, n, ".gz"))
		return false;
	for (i = 0; i < s->n; i++)
		if (s->v[i].rotated && strlen(s->v[i].path) == n - 3 &&
		    memcmp(s->v[i].path, gz->path, n - 3) == 0)
			return true;
	return false;
}

/*
 * How well an open file fits a position, 0 not at all. One that is too short
 * comes last: a backup of an earlier state.
 */
static int
siblings_rank(
    const struct piece *piece, const struct position *pos, bool rotated)
{
	bool whole = piece->gzip || piece->st.st_size >= pos->offset;

	switch (piece_matches(piece, pos)) {
	case MATCH_EXACT:
		return 7;
	case MATCH_INODE:
		return whole ? 6 : 0;
	case MATCH_HEAD:
		if (!whole)
			return rotated ? 0 : 1;
		if (piece->gzip)
			return 2;
		return rotated ? 3 : 4;
	default:
		return 0;
	}
}

/* Opens one and keeps it in `best` if nothing better is there. */
static int
siblings_try(const struct sibling *sibling, const struct position *pos,
    struct piece *best, int *best_rank, struct err *err)
{
	struct piece piece;
	int rank;

	if (piece_open(&piece, sibling->path, err) < 0) {
		/* only where it matters: it has the inode, or is hidden */
		return sibling->st.st_ino == pos->inode || errno == EACCES ? -1
									   : 0;
	}
	rank = siblings_rank(&piece, pos, sibling->rotated);
	/* under a foreign name only the inode counts */
	if (!sibling->rotated && !sibling->log && rank < 6)
		rank = 0;
	if (rank > *best_rank) {
		piece_close(best);
		*best = piece;
		*best_rank = rank;
	} else {
		piece_close(&piece);
	}
	return 0;
}

/*
 * Three passes, as the later ones cost more and tell less: by inode under any
 * name; by the first bytes of plain files; of compressed ones.
 */
#define SIBLINGS_PASSES 3

static bool
siblings_in_pass(const struct siblings *s, const struct sibling *b,
    const struct position *pos, int pass)
{
	bool gz = siblings_ends(b->path, strlen(b->path), ".gz");

	if (pass == 0)
		return b->st.st_ino == pos->inode;
	if (pos->head_size == 0 || gz != (pass == 2))
		return false;
	return !gz || !siblings_has_plain(s, b);
}

int
siblings_find(const char *path, const struct position *pos, struct piece *found,
    struct err *err)
{
	int best = 0, pass, trouble = 0;
	struct err why = {""};
	struct siblings s;
	size_t i;

	*found = PIECE_NONE;
	if (siblings_list(&s, path, pos->path, pos->inode, err) < 0) {
		siblings_fini(&s);
		return -1;
	}
	/* the newest first; among compressed ones any will do */
	for (pass = 0; pass < SIBLINGS_PASSES && best == 0; pass++)
		for (i = s.n; i-- > 0 && (pass < 2 || best == 0);)
			if (siblings_in_pass(&s, &s.v[i], pos, pass) &&
			    siblings_try(&s.v[i], pos, found, &best, &why) < 0)
				trouble = errno;
	siblings_fini(&s);
	if (best > 0)
		return 1;
	errno = trouble;
	return trouble != 0 ? err_set(err, "%s", why.text) : 0;
}

static bool
siblings_is_later(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec > b->st_mtim.tv_sec ||
	    (a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
		a->st_mtim.tv_nsec > b->st_mtim.tv_nsec);
}

void
finished_add(struct finished *finished, const struct piece *piece)
{
	unsigned i = finished->n++ % FINISHED_MAX;

	finished->v[i].device = piece->st.st_dev;
	finished->v[i].inode = piece->st.st_ino;
	finished->v[i].generation = piece->generation;
	finished->v[i].head_size = piece->head.n;
	finished->v[i].head_hash = head_hash(&piece->head, piece->head.n);
}

static bool
finished_has(const struct finished *finished, const struct piece *piece)
{
	unsigned i, n = RT_MIN(finished->n, (unsigned)FINISHED_MAX);

	for (i = 0; i < n; i++)
		if (finished->v[i].device == piece->st.st_dev &&
		    finished->v[i].inode == piece->st.st_ino &&
		    finished->v[i].generation == piece->generation &&
		    finished->v[i].head_size <= piece->head.n &&
		    finished->v[i].head_hash ==
			head_hash(&piece->head, finished->v[i].head_size))
			return true;
	return false;
}

/* What siblings_next looks for. */
struct successor {
	const struct piece *done, *current;
	const struct finished *finished;
};

static bool
siblings_may_follow(const struct siblings *s, const struct sibling *b,
    const struct successor *want)
{
	return b->rotated && siblings_is_later(&b->st, &want->done->st) &&
	    b->st.st_size > 0 && !piece_is(want->done, &b->st) &&
	    !piece_is(want->current, &b->st) && !siblings_has_plain(s, b);
}

/* Opens a candidate: 1 when it is new to us, 0 when it is not. */
static int
siblings_open_next(const struct sibling *b, const struct successor *want,
    struct piece *next, struct err *err)
{
	bool same, empty;

	if (piece_open(next, b->path, err) < 0)
		return -1;
	same = piece_is(next, &b->st);
	empty = next->head.n == 0 && !next->broken;
	if (same && !empty && !piece_is_copy(want->done, next) &&
	    !piece_is_copy(want->current, next) &&
	    !finished_has(want->finished, next))
		return 1;
	piece_close(next);
	if (same)
		return 0;
	errno = EAGAIN;
	return err_set(err, "%s was replaced while it was opened", b->path);
}

int
siblings_next(const char *path, const struct piece *done,
    const struct piece *current, const struct finished *finished,
    struct piece *next, struct err *err)
{
	struct successor want = {done, current, finished};
	struct siblings s;
	size_t i;
	int rc;

	*next = PIECE_NONE;
	rc = siblings_list(&s, path, done->path, 0, err);
	for (i = 0; i < s.n && rc == 0; i++)
		if (siblings_may_follow(&s, &s.v[i], &want))
			rc = siblings_open_next(&s.v[i], &want, next, err);
	siblings_fini(&s);
	return rc;
}

/* "queue_log.1.xz", "queue_log.zst": a piece that we can not read. */
static bool
siblings_is_foreign(const char *name, const char *base)
{
	static const char *const ends[] = {".xz", ".bz2", ".zst"};
	size_t n = strlen(name), i;
	char plain[NAME_MAX + 1];

	for (i = 0; i < RT_COUNT(ends); i++)
		if (siblings_ends(name, n, ends[i])) {
			snprintf(plain, sizeof(plain), "%.*s",
			    (int)(n - strlen(ends[i])), name);
			return strcmp(plain, base) == 0 ||
			    siblings_is_rotated(plain, base);
		}
	return false;
}

bool
siblings_foreign(const char *was, char to[STAGE_PATH_MAX])
{
	char dir_path[STAGE_PATH_MAX], base[NAME_MAX + 1];
	char path[STAGE_PATH_MAX + NAME_MAX + 2];
	struct stat st, newest = {0};
	const struct dirent *entry;
	const char *was_base;
	bool found = false;
	DIR *dir;

	siblings_dir(dir_path, was, &was_base);
	snprintf(
	    base, sizeof(base), "%.*s", (int)siblings_stem(was_base), was_base);
	dir = opendir(dir_path);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir_path, entry->d_name);
		if (!siblings_is_foreign(entry->d_name, base) ||
		    strlen(path) >= STAGE_PATH_MAX || stat(path, &st) < 0 ||
		    (found && !siblings_is_later(&st, &newest)))
			continue;
		found = true;
		newest = st;
		snprintf(to, STAGE_PATH_MAX, "%.*s", STAGE_PATH_MAX - 1, path);
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}
