/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/fault.h"
#include "base/strbuf.h"
#include "feed/directory_work.h"

#define WORK_HOME  ".ringtally"
#define WORK_GROUP 1000 /* files in one folder of done/ and again/ */
/* number, point and name: the longest that a file system takes is 255 */
#define WORK_NAME_KEPT (WORK_NAME_MAX - 12)

static const char *const work_fates[] = {[FATE_DONE] = "done",
    [FATE_AGAIN] = "again",
    [FATE_QUARANTINE] = "quarantine"};

/* --- opening ------------------------------------------------------------- */

/* A feed's name in letters that may stand in a file's name. */
static void
work_feed_name(struct strbuf *to, const char *feed)
{
	for (; *feed != '\0'; feed++) {
		unsigned char c = (unsigned char)*feed;

		if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') || c == '-' || c == '_')
			strbuf_addc(to, (char)c);
		else
			strbuf_addf(to, "%%%02x", c);
	}
}

/* Opens a folder within another one, making it if need be. */
static int
work_folder(int in, const char *name, struct err *err)
{
	int fd;

	if (mkdirat(in, name, 0750) < 0 && errno != EEXIST)
		return err_sys(err, "making the folder %s", name);
	fd = openat(in, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? err_sys(err, "the folder %s", name) : fd;
}

static int
work_lock(struct work *w, struct err *err)
{
	w->lock = openat(
	    w->home, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (w->lock < 0)
		return err_sys(err, "the lock");
	if (flock(w->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return err_sys(err, "locking");
	errno = EBUSY;
	return err_set(err,
	    "another feed of this name, perhaps of another "
	    "daemon, reads it already");
}

static int
work_open_home(struct work *w, const char *feed, struct err *err)
{
	struct strbuf name = STRBUF_INIT;
	int base = work_folder(w->folder, WORK_HOME, err);

	if (base < 0)
		return -1;
	work_feed_name(&name, feed);
	w->home = work_folder(base, strbuf_str(&name), err);
	strbuf_fini(&name);
	close(base);
	if (w->home < 0 || work_lock(w, err) < 0)
		return -1;
	w->claimed = work_folder(w->home, "claimed", err);
	return w->claimed < 0 ? -1 : 0;
}

int
work_open(struct work *w, const char *folder, const char *feed, size_t remember,
    struct err *err)
{
	int saved;

	*w = WORK_NONE;
	w->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->folder < 0)
		return err_sys(err, "the folder %s", folder);
	if (faccessat(w->folder, ".", R_OK | W_OK | X_OK, AT_EACCESS) < 0) {
		err_sys(err,
		    "the folder %s must be readable and writable for "
		    "ringtally, which moves the files that it has read",
		    folder);
		goto out;
	}
	if (work_open_home(w, feed, err) < 0) {
		err_prefix(err, "the folder %s", folder);
		goto out;
	}
	w->ledger = ledger_open(w->home, remember, err);
	if (w->ledger == NULL) {
		err_prefix(err, "the folder %s", folder);
		goto out;
	}
	w->last_no = ledger_last(w->ledger);
	return 0;
out:
	saved = errno;
	work_close(w);
	errno = saved;
	return -1;
}

void
work_close(struct work *w)
{
	const int fds[] = {w->folder, w->home, w->claimed, w->lock};
	size_t i;

	ledger_close(w->ledger);
	for (i = 0; i < RT_COUNT(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	*w = WORK_NONE;
}

/* --- names --------------------------------------------------------------- */

/* NUMBER.NAME; a name that is too long for that loses its end. */
static void
work_claim_name(struct claim *claim, uint32_t no, const char *name)
{
	claim->no = no;
	snprintf(claim->name, sizeof(claim->name), "%08" PRIu32 ".%.*s", no,
	    WORK_NAME_KEPT, name);
}

const char *
work_name_of(const struct claim *claim)
{
	const char *point = strchr(claim->name, '.');

	return point != NULL ? point + 1 : claim->name;
}

/* False: it is none of ours. */
static bool
work_parse(const char *name, struct claim *claim)
{
	size_t digits = strspn(name, "0123456789");
	int64_t no;

	if (name[digits] != '.' ||
	    !slice_uint((struct slice){name, digits}, &no) || no == 0 ||
	    no > UINT32_MAX || strlen(name) >= sizeof(claim->name))
		return false;
	claim->no = (uint32_t)no;
	snprintf(claim->name, sizeof(claim->name), "%s", name);
	return true;
}

void
claims_add(struct claims *c, const struct claim *claim)
{
	if (c->n == c->cap) {
		c->cap = RT_MAX(2 * c->cap, (size_t)64);
		c->v = mem_realloc(c->v, c->cap, sizeof(*c->v));
	}
	c->v[c->n++] = *claim;
}

static int
work_by_number(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	return x->no < y->no ? -1 : x->no > y->no;
}

/* --- moving -------------------------------------------------------------- */

int
work_claim(
    struct work *w, const char *name, struct claim *claim, struct err *err)
{
	if (w->last_no == UINT32_MAX) {
		errno = EOVERFLOW;
		return err_set(err, "all numbers of files were given");
	}
	work_claim_name(claim, w->last_no + 1, name);
	if (renameat(w->folder, name, w->claimed, claim->name) < 0)
		return errno == ENOENT ? 0 : err_sys(err, "claiming %s", name);
	w->last_no++;
	fault_point("directory-claimed");
	return 1;
}

int
work_sync(struct work *w, struct err *err)
{
	/* where it came from too: a file must not be in both */
	if (fsync(w->claimed) < 0 || fsync(w->folder) < 0)
		return err_sys(err, "writing the folder to the disk");
	fault_point("directory-claims-synced");
	return 0;
}

/* The folder where a file of that number belongs. */
static int
work_open_fate(
    struct work *w, uint32_t no, enum fate fate, bool make, struct err *err)
{
	char group[40];

	if (make && mkdirat(w->home, work_fates[fate], 0750) < 0 &&
	    errno != EEXIST)
		return err_sys(err, "making the folder %s", work_fates[fate]);
	if (fate == FATE_QUARANTINE)
		snprintf(group, sizeof(group), "%s", work_fates[fate]);
	else
		snprintf(group, sizeof(group), "%s/%06" PRIu32,
		    work_fates[fate], no / WORK_GROUP);
	if (make)
		return work_folder(w->home, group, err);
	return openat(
	    w->home, group, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

int
work_put(
    struct work *w, const struct claim *claim, enum fate fate, struct err *err)
{
	int to = work_open_fate(w, claim->no, fate, true, err), rc, saved;

	if (to < 0)
		return -1;
	rc = renameat(w->claimed, claim->name, to, claim->name);
	saved = errno;
	close(to);
	errno = saved;
	if (rc < 0 && errno != ENOENT)
		return err_sys(
		    err, "moving %s to %s", claim->name, work_fates[fate]);
	fault_point("directory-put");
	return 0;
}

/* --- listing ------------------------------------------------------------- */

/* Calls fn for each name; takes the descriptor. */
static int
work_each(int fd, void (*fn)(void *ctx, int fd, const char *name), void *ctx,
    struct err *err)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int saved;

	if (dir == NULL) {
		saved = errno;
		close(fd);
		errno = saved;
		return err_sys(err, "reading a folder");
	}
	for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0)
		fn(ctx, fd, entry->d_name);
	saved = errno;
	closedir(dir);
	errno = saved;
	return errno != 0 ? err_sys(err, "reading a folder") : 0;
}

static void
work_list_one(void *ctx, int fd RT_UNUSED, const char *name)
{
	struct claim claim;

	if (work_parse(name, &claim))
		claims_add(ctx, &claim);
}

int
work_list(struct work *w, struct claims *to, struct err *err)
{
	size_t before = to->n;
	int fd = openat(w->claimed, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "reading a folder");
	if (work_each(fd, work_list_one, to, err) < 0)
		return -1;
	if (to->n > before) {
		qsort(to->v + before, to->n - before, sizeof(*to->v),
		    work_by_number);
		w->last_no = RT_MAX(w->last_no, to->v[to->n - 1].no);
	}
	return 0;
}

struct work_back {
	struct work *w;
	uint32_t from;
	int taken;
};

static void
work_take_one(void *ctx, int fd, const char *name)
{
	struct work_back *back = ctx;
	struct claim claim;

	if (work_parse(name, &claim) && claim.no >= back->from &&
	    renameat(fd, name, back->w->claimed, name) == 0)
		back->taken++;
}

int
work_take_back(struct work *w, uint32_t done, uint32_t refused, struct err *err)
{
	struct work_back back = {w, done, 0};
	uint32_t group;
	int fd;

	for (group = done / WORK_GROUP; group <= w->last_no / WORK_GROUP;
	     group++) {
		fd = work_open_fate(
		    w, group * WORK_GROUP, FATE_DONE, false, err);
		if (fd >= 0 && work_each(fd, work_take_one, &back, err) < 0)
			return -1;
	}
	back.from = refused;
	fd = work_open_fate(w, 0, FATE_QUARANTINE, false, err);
	if (fd >= 0 && work_each(fd, work_take_one, &back, err) < 0)
		return -1;
	if (back.taken > 0 && work_sync(w, err) < 0)
		return -1;
	return back.taken;
}

/* --- deleting ------------------------------------------------------------ */

struct work_oldest {
	uint32_t upto;
	char group[32]; /* its folder's name; empty: none */
};

static void
work_older_group(void *ctx, int fd RT_UNUSED, const char *name)
{
	struct work_oldest *oldest = ctx;
	int64_t no;

	if (!slice_uint(slice_of(name), &no) ||
	    no > oldest->upto / WORK_GROUP || strlen(name) > 10)
		return;
	if (oldest->group[0] == '\0' || strcmp(name, oldest->group) < 0)
		snprintf(oldest->group, sizeof(oldest->group), "%s", name);
}

static void
work_delete_one(void *ctx, int fd, const char *name)
{
	const struct work_oldest *oldest = ctx;
	struct claim claim;

	if (work_parse(name, &claim) && claim.no <= oldest->upto)
		unlinkat(fd, name, 0);
}

bool
work_delete_some(struct work *w, uint32_t upto)
{
	struct work_oldest oldest = {upto, ""};
	int done, group;
	bool gone;

	done = openat(w->home, work_fates[FATE_DONE],
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (done < 0)
		return false;
	/* work_each takes a descriptor, so it gets one of its own */
	group = openat(done, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (group >= 0)
		work_each(group, work_older_group, &oldest, NULL);
	group = oldest.group[0] == '\0'
	    ? -1
	    : openat(done, oldest.group,
		  O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (group >= 0)
		work_each(group, work_delete_one, &oldest, NULL);
	gone = oldest.group[0] != '\0' &&
	    unlinkat(done, oldest.group, AT_REMOVEDIR) == 0;
	close(done);
	return gone;
}
