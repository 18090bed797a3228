/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Preloaded before the daemon by the tests: makes reading of logs fail as it
 * fails on bad days. Only regular files whose path holds $SHIM_PATH are
 * disturbed. One call in $SHIM_EVERY fails, by what stands in $SHIM_WHAT:
 *
 *	eintr	a signal came
 *	eio	the disk had an error
 *	short	one byte, though there are more
 *
 * $SHIM_INOTIFY: "none" lets inotify_init1 fail, "nowatch" lets every watch
 * fail (as when the system's are used up), "overflow" turns each fifth event
 * read into a queue overflow.
 *
 * $SHIM_SEND: one send() in so many finds the socket full, though there is room
 * again for the next.
 *
 * $SHIM_SYNC: fdatasync() waits for as long as there is a file of that name.
 */
#define _GNU_SOURCE
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
shim_points_to(int fd, const char *what)
{
	char link[64], path[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return 0;
	path[n] = '\0';
	return strstr(path, what) != NULL;
}

/* 0: undisturbed; 1: fails with errno set; 2: is to be short. */
static int
shim_choose(int fd)
{
	static unsigned calls;
	const char *path = getenv("SHIM_PATH"), *what = getenv("SHIM_WHAT");
	const char *every = getenv("SHIM_EVERY");
	struct stat st;
	int saved = errno;

	if (path == NULL || what == NULL || fstat(fd, &st) < 0 ||
	    !S_ISREG(st.st_mode) || !shim_points_to(fd, path) ||
	    ++calls % (every != NULL ? (unsigned)atoi(every) : 2) != 0) {
		errno = saved;
		return 0;
	}
	errno = strcmp(what, "eio") == 0 ? EIO : EINTR;
	return strcmp(what, "short") == 0 ? 2 : 1;
}

static ssize_t
shim_overflow(int fd, void *to, size_t n, ssize_t got)
{
	static unsigned reads;
	const char *inotify = getenv("SHIM_INOTIFY");
	struct inotify_event event = {.wd = -1, .mask = IN_Q_OVERFLOW};

	if (got < (ssize_t)sizeof(event) || n < sizeof(event) ||
	    inotify == NULL || strcmp(inotify, "overflow") != 0 ||
	    !shim_points_to(fd, "inotify") || ++reads % 5 != 0)
		return got;
	memcpy(to, &event, sizeof(event));
	return sizeof(event);
}

ssize_t
read(int fd, void *to, size_t n)
{
	static ssize_t (*real)(int, void *, size_t);
	int fate = shim_choose(fd);

	if (real == NULL)
		real =
		    (ssize_t(*)(int, void *, size_t))dlsym(RTLD_NEXT, "read");
	if (fate == 1)
		return -1;
	return shim_overflow(fd, to, n, real(fd, to, fate == 2 && n ? 1 : n));
}

ssize_t
pread64(int fd, void *to, size_t n, off64_t at)
{
	static ssize_t (*real)(int, void *, size_t, off64_t);
	int fate = shim_choose(fd);

	if (real == NULL)
		real = (ssize_t(*)(int, void *, size_t, off64_t))dlsym(
		    RTLD_NEXT, "pread64");
	if (fate == 1)
		return -1;
	return real(fd, to, fate == 2 && n ? 1 : n, at);
}

ssize_t
pread(int fd, void *to, size_t n, off_t at)
{
	return pread64(fd, to, n, at);
}

int
inotify_init1(int flags)
{
	static int (*real)(int);
	const char *inotify = getenv("SHIM_INOTIFY");

	if (inotify != NULL && strcmp(inotify, "none") == 0) {
		errno = EMFILE;
		return -1;
	}
	if (real == NULL)
		real = (int (*)(int))dlsym(RTLD_NEXT, "inotify_init1");
	return real(flags);
}

int
inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	static int (*real)(int, const char *, uint32_t);
	const char *inotify = getenv("SHIM_INOTIFY");

	if (inotify != NULL && strcmp(inotify, "nowatch") == 0) {
		errno = ENOSPC;
		return -1;
	}
	if (real == NULL)
		real = (int (*)(int, const char *, uint32_t))dlsym(
		    RTLD_NEXT, "inotify_add_watch");
	return real(fd, path, mask);
}

ssize_t
send(int fd, const void *bytes, size_t n, int flags)
{
	static ssize_t (*real)(int, const void *, size_t, int);
	static unsigned calls;
	const char *every = getenv("SHIM_SEND");

	if (every != NULL && ++calls % (unsigned)atoi(every) == 0) {
		errno = EAGAIN;
		return -1;
	}
	if (real == NULL)
		real = (ssize_t(*)(int, const void *, size_t, int))dlsym(
		    RTLD_NEXT, "send");
	return real(fd, bytes, n, flags);
}

int
fdatasync(int fd)
{
	static int (*real)(int);
	const char *busy = getenv("SHIM_SYNC");

	while (busy != NULL && access(busy, F_OK) == 0)
		usleep(10000);
	if (real == NULL)
		real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	return real(fd);
}
