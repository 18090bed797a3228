/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <sys/inotify.h>

#include "base/log.h"
#include "feed/file_watch.h"
#include "io/loop.h"

#define FILE_WATCH_FILE (IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF)
#define FILE_WATCH_DIR                                         \
	(IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | \
	    IN_DELETE_SELF | IN_MOVE_SELF)

/* Of a folder with all that lies in it: what may be a new file, or finished. */
#define FILE_WATCH_ALL                                               \
	(IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE_SELF | \
	    IN_MOVE_SELF)

struct file_watch {
	const char *feed;
	char *dir;
	const char *base; /* within the path that was given */
	void (*fn)(void *ctx);
	void *ctx;
	int fd; /* of inotify; -1: polling only */
	int file_wd, dir_wd;
	bool said; /* that a watch could not be had */
	struct watch *watch;
};

static void
file_watch_refused(struct file_watch *w, const char *what)
{
	if (!w->said)
		log_note("feed %s: inotify %s: %s; looking by a timer only",
		    w->feed, what, strerror(errno));
	w->said = true;
}

/* Is it about our file, or one that merely lies beside it? */
static bool
file_watch_concerns(const struct file_watch *w, const struct inotify_event *ev)
{
	return ev->len == 0 || ev->wd != w->dir_wd || w->base[0] == '\0' ||
	    strcmp(ev->name, w->base) == 0;
}

static void
file_watch_read_cb(void *ctx, int what RT_UNUSED)
{
	struct file_watch *w = ctx;
	_Alignas(struct inotify_event) char buf[16384];
	bool concerns = false;
	ssize_t n, at;

	n = read(w->fd, buf, sizeof(buf));
	for (at = 0; at < n;) {
		const struct inotify_event *ev = (const void *)(buf + at);

		/* an overflow (wd -1) concerns us too */
		concerns |= file_watch_concerns(w, ev);
		if (ev->mask & IN_IGNORED && ev->wd == w->file_wd)
			w->file_wd = -1;
		if (ev->mask & IN_IGNORED && ev->wd == w->dir_wd)
			w->dir_wd = -1;
		at += (ssize_t)(sizeof(*ev) + ev->len);
	}
	watch_set(w->watch, w->fd, WATCH_READ);
	if (concerns)
		w->fn(w->ctx);
}

struct file_watch *
file_watch_new(struct loop *loop, const char *feed, const char *path,
    void (*fn)(void *ctx), void *ctx)
{
	struct file_watch *w = mem_zalloc(sizeof(*w));
	const char *slash = strrchr(path, '/');

	w->feed = feed;
	w->dir = mem_strdup(slash == NULL ? "." : path);
	if (slash != NULL)
		w->dir[RT_MAX(slash - path, (ptrdiff_t)1)] = '\0';
	w->base = slash == NULL ? path : slash + 1;
	w->fn = fn;
	w->ctx = ctx;
	w->file_wd = w->dir_wd = -1;
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->fd < 0) {
		file_watch_refused(w, "can not be used");
		return w;
	}
	w->watch = watch_new(loop, file_watch_read_cb, w);
	watch_set(w->watch, w->fd, WATCH_READ);
	return w;
}

/* Adds a watch, or finds that it is there already, and drops an old one. */
static void
file_watch_add(struct file_watch *w, int *wd, const char *path, uint32_t mask)
{
	int now = inotify_add_watch(w->fd, path, mask);

	if (now < 0 && errno != ENOENT && errno != ENOTDIR)
		file_watch_refused(w, path);
	if (*wd >= 0 && *wd != now)
		inotify_rm_watch(w->fd, *wd);
	*wd = now;
}

void
file_watch_renew(struct file_watch *w, int fd)
{
	char path[64];

	if (w->fd < 0)
		return;
	file_watch_add(w, &w->dir_wd, w->dir,
	    IN_ONLYDIR |
		(w->base[0] == '\0' ? FILE_WATCH_ALL : FILE_WATCH_DIR));
	if (fd >= 0) {
		/* the very file, whatever its name is by now */
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		file_watch_add(w, &w->file_wd, path, FILE_WATCH_FILE);
	} else if (w->file_wd >= 0) {
		inotify_rm_watch(w->fd, w->file_wd);
		w->file_wd = -1;
	}
}

void
file_watch_free(struct file_watch *w)
{
	if (w == NULL)
		return;
	watch_free(w->watch);
	if (w->fd >= 0)
		close(w->fd);
	free(w->dir);
	free(w);
}
