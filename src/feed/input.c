/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <zlib.h>

#include "feed/input.h"

#define INPUT_STORED_BYTES (64 * 1024)
#define INPUT_MAGIC_BYTES  6

struct input {
	int fd;
	char *name;
	int64_t total; /* bytes stored, -1: unknown */
	int64_t done;  /* of these, handed on */
	bool ended;    /* read() said so */
	bool gzip;
	bool within; /* a gzip member: its end is still to come */
	z_stream z;  /* next_in, avail_in: what is left of `stored` */
	unsigned char stored[INPUT_STORED_BYTES];
};

/* Returns the bytes read, 0 at the end, -1 with errno set. */
static ssize_t
input_read_fd(int fd, void *to, size_t n)
{
	ssize_t got;

	while ((got = read(fd, to, n)) < 0) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};

		/* standard input may be somebody's non-blocking descriptor */
		if (errno == EAGAIN)
			poll(&wait, 1, -1);
		else if (errno != EINTR)
			break;
	}
	return got;
}

/* Fills `stored` behind what is left in it, which is less than a magic. */
static int
input_fill(struct input *in, struct err *err)
{
	ssize_t got;

	memmove(in->stored, in->z.next_in, in->z.avail_in);
	in->z.next_in = in->stored;
	got = input_read_fd(in->fd, in->stored + in->z.avail_in,
	    sizeof(in->stored) - in->z.avail_in);
	if (got < 0)
		return err_sys(err, "reading %s", in->name);
	in->ended = got == 0;
	in->z.avail_in += (unsigned)got;
	return 0;
}

static bool
input_starts_with(const struct input *in, const char *magic, size_t n)
{
	return in->z.avail_in >= n && memcmp(in->z.next_in, magic, n) == 0;
}

static bool
input_at_member(const struct input *in)
{
	return input_starts_with(in, "\x1f\x8b", 2);
}

static int
input_detect(struct input *in, struct err *err)
{
	static const struct {
		const char *magic, *by;
		size_t n;
	} others[] = {{"\xfd"
		       "7zXZ\0",
			  "xz", 6},
	    {"BZh", "bzip2", 3}, {"\x28\xb5\x2f\xfd", "zstd", 4}};
	size_t i;

	while (in->z.avail_in < INPUT_MAGIC_BYTES && !in->ended)
		if (input_fill(in, err) < 0)
			return -1;
	for (i = 0; i < RT_COUNT(others); i++)
		if (input_starts_with(in, others[i].magic, others[i].n))
			return err_set(err,
			    "%s is compressed by %s: only "
			    "gzip is read here",
			    in->name, others[i].by);
	in->gzip = input_at_member(in);
	in->within = in->gzip;
	if (in->gzip && inflateInit2(&in->z, 15 + 16) != Z_OK)
		return err_set(err, "zlib can not start: %s",
		    in->z.msg != NULL ? in->z.msg : "no reason given");
	return 0;
}

struct input *
input_open_fd(int fd, const char *name, struct err *err)
{
	struct input *in;
	struct stat st;

	if (fstat(fd, &st) < 0) {
		err_sys(err, "%s", name);
		return NULL;
	}
	if (S_ISDIR(st.st_mode)) {
		err_set(err, "%s is a directory", name);
		return NULL;
	}
	in = mem_zalloc(sizeof(*in));
	in->fd = fd;
	in->name = mem_strdup(name);
	in->total = S_ISREG(st.st_mode) ? st.st_size : -1;
	in->z.next_in = in->stored;
	if (in->total >= 0)
		posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (input_detect(in, err) < 0) {
		free(in->name);
		free(in);
		return NULL;
	}
	return in;
}

struct input *
input_open(const char *path, struct err *err)
{
	struct input *in;
	int fd;

	if (strcmp(path, "-") == 0)
		return input_open_fd(STDIN_FILENO, "standard input", err);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		err_sys(err, "%s", path);
		return NULL;
	}
	in = input_open_fd(fd, path, err);
	if (in == NULL)
		close(fd);
	return in;
}

static ssize_t
input_read_plain(struct input *in, void *to, size_t n, struct err *err)
{
	ssize_t got = (ssize_t)RT_MIN(n, (size_t)in->z.avail_in);

	if (got > 0) {
		memcpy(to, in->z.next_in, (size_t)got);
		in->z.next_in += got;
		in->z.avail_in -= (unsigned)got;
	} else if (!in->ended) {
		got = input_read_fd(in->fd, to, n);
		if (got < 0) {
			err_sys(err, "reading %s", in->name);
			return INPUT_FAILED;
		}
		in->ended = got == 0;
	}
	in->done += got;
	return got;
}

/*
 * Between two members: begins the next one. What else stands behind a member
 * is padding, which gzip passes over too. Returns false at the very end.
 */
static bool
input_next_member(struct input *in)
{
	in->within = input_at_member(in);
	if (in->within)
		inflateReset(&in->z);
	return in->within;
}

static ssize_t
input_damaged(const struct input *in, const char *how, struct err *err)
{
	err_set(err, "%s: the compressed data is damaged: %s", in->name, how);
	return INPUT_DAMAGED;
}

static ssize_t
input_read_gzip(struct input *in, void *to, size_t n, struct err *err)
{
	unsigned room = (unsigned)RT_MIN(n, (size_t)INT_MAX);

	in->z.next_out = to;
	in->z.avail_out = room;
	while (in->z.avail_out == room) {
		unsigned had;
		int rc;

		/* two bytes tell whether another member follows */
		if (in->z.avail_in < (in->within ? 1 : 2) && !in->ended &&
		    input_fill(in, err) < 0)
			return INPUT_FAILED;
		if (in->z.avail_in < (in->within ? 1 : 2) && !in->ended)
			continue;
		if (!in->within && !input_next_member(in))
			return 0;
		if (in->z.avail_in == 0)
			return input_damaged(in, "it is cut off", err);
		had = in->z.avail_in;
		rc = inflate(&in->z, Z_NO_FLUSH);
		in->done += had - in->z.avail_in;
		if (rc == Z_STREAM_END)
			in->within = false;
		else if (rc != Z_OK)
			return input_damaged(in,
			    in->z.msg != NULL ? in->z.msg : zError(rc), err);
	}
	return room - in->z.avail_out;
}

ssize_t
input_read(struct input *in, void *to, size_t n, struct err *err)
{
	return in->gzip ? input_read_gzip(in, to, n, err)
			: input_read_plain(in, to, n, err);
}

bool
input_is_gzip(const struct input *in)
{
	return in->gzip;
}

int64_t
input_progress(const struct input *in, int64_t *done)
{
	*done = in->done;
	return in->total;
}

void
input_close(struct input *in)
{
	if (in == NULL)
		return;
	if (in->gzip)
		inflateEnd(&in->z);
	if (in->fd != STDIN_FILENO)
		close(in->fd);
	free(in->name);
	free(in);
}
