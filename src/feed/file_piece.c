/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "base/table.h"
#include "feed/file_piece.h"
#include "feed/input.h"

#define PIECE_COMPARED 64 /* bytes before a place, to know it again */

uint64_t
head_hash(const struct head *head, uint32_t n)
{
	return XXH3_64bits(head->bytes, n);
}

bool
head_agrees(const struct head *a, const struct head *b)
{
	uint32_t n = RT_MIN(a->n, b->n);

	return n > 0 && memcmp(a->bytes, b->bytes, n) == 0;
}

ssize_t
piece_read(const struct piece *piece, void *to, size_t n, int64_t at)
{
	ssize_t got;

	do
		got = pread(piece->fd, to, n, (off_t)at);
	while (got < 0 && errno == EINTR);
	return got;
}

ssize_t
piece_read_full(const struct piece *piece, void *to, size_t n, int64_t at)
{
	size_t done = 0;
	ssize_t got;

	do {
		got = piece_read(
		    piece, (char *)to + done, n - done, at + (int64_t)done);
		if (got < 0)
			return -1;
		done += (size_t)got;
	} while (got > 0 && done < n);
	return (ssize_t)done;
}

struct input *
piece_gunzip(const struct piece *piece, struct err *err)
{
	struct input *in = NULL;
	int fd = fcntl(piece->fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0 || lseek(fd, 0, SEEK_SET) < 0)
		err_sys(err, "%s", piece->path);
	else
		in = input_open_fd(fd, piece->path, err);
	if (in == NULL && fd >= 0)
		close(fd);
	return in;
}

static int
piece_read_gzip_head(struct piece *piece, struct err *err)
{
	struct input *in = piece_gunzip(piece, err);
	struct head *head = &piece->head;
	ssize_t got;

	head->n = 0;
	if (in == NULL)
		return -1;
	do {
		got = input_read(in, head->bytes + head->n,
		    sizeof(head->bytes) - head->n, err);
		head->n += got > 0 ? (uint32_t)got : 0;
	} while (got > 0 && head->n < sizeof(head->bytes));
	input_close(in);
	/* damaged, or not yet written to its end: whoever reads on finds out */
	piece->broken = got == INPUT_DAMAGED;
	return got == INPUT_FAILED ? -1 : 0;
}

static int
piece_read_head(struct piece *piece, struct err *err)
{
	struct head *head = &piece->head;
	ssize_t got =
	    piece_read_full(piece, head->bytes, sizeof(head->bytes), 0);

	if (got < 0)
		return err_sys(err, "reading %s", piece->path);
	head->n = (uint32_t)got;
	piece->gzip = got >= 2 && memcmp(head->bytes, "\x1f\x8b", 2) == 0;
	return piece->gzip ? piece_read_gzip_head(piece, err) : 0;
}

/* Most file systems write an int there, whatever the request's name says. */
static uint64_t
piece_generation(int fd)
{
	unsigned answer[2] = {0, 0};

	return ioctl(fd, FS_IOC_GETVERSION, answer) == 0 ? answer[0] : 0;
}

int
piece_stat(struct piece *piece, struct err *err)
{
	if (fstat(piece->fd, &piece->st) < 0)
		return err_sys(err, "%s", piece->path);
	return 0;
}

/* Takes the result of an open. */
static int
piece_opened(struct piece *piece, int fd, const char *path, struct err *err)
{
	int saved;

	*piece = PIECE_NONE;
	if (fd < 0)
		return err_sys(err, "%s", path);
	piece->fd = fd;
	snprintf(piece->path, sizeof(piece->path), "%s", path);
	if (piece_stat(piece, err) < 0)
		goto out;
	if (!S_ISREG(piece->st.st_mode)) {
		errno = ENXIO;
		err_set(err, "%s is not a regular file", path);
		goto out;
	}
	if (piece_read_head(piece, err) < 0)
		goto out;
	piece->generation = piece_generation(fd);
	return 0;
out:
	saved = errno;
	piece_close(piece);
	errno = saved;
	return -1;
}

/* Not blocking: it might be a named pipe. */
#define PIECE_FLAGS (O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

int
piece_open(struct piece *piece, const char *path, struct err *err)
{
	return piece_opened(piece, open(path, PIECE_FLAGS), path, err);
}

int
piece_open_at(struct piece *piece, int folder, const char *name,
    const char *path, struct err *err)
{
	return piece_opened(
	    piece, openat(folder, name, PIECE_FLAGS | O_NOFOLLOW), path, err);
}

void
piece_close(struct piece *piece)
{
	if (piece->fd >= 0)
		close(piece->fd);
	piece->fd = -1;
}

bool
piece_is(const struct piece *piece, const struct stat *st)
{
	return piece->st.st_dev == st->st_dev && piece->st.st_ino == st->st_ino;
}

bool
piece_same_before(const struct piece *a, const struct piece *b, int64_t at)
{
	char in_a[PIECE_COMPARED], in_b[PIECE_COMPARED];
	ssize_t n = (ssize_t)RT_MIN(at, (int64_t)PIECE_COMPARED);

	return n <= 0 ||
	    (piece_read_full(a, in_a, (size_t)n, at - n) == n &&
		piece_read_full(b, in_b, (size_t)n, at - n) == n &&
		memcmp(in_a, in_b, (size_t)n) == 0);
}

bool
piece_is_copy(const struct piece *a, const struct piece *b)
{
	if (!head_agrees(&a->head, &b->head))
		return false;
	return a->gzip || b->gzip ||
	    piece_same_before(a, b, RT_MIN(a->st.st_size, b->st.st_size));
}

enum match
piece_matches(const struct piece *piece, const struct position *pos)
{
	bool inode = piece->st.st_ino == pos->inode &&
	    piece->generation == pos->generation && !piece->gzip;

	if (piece->head.n < pos->head_size ||
	    head_hash(&piece->head, pos->head_size) != pos->head_hash)
		return MATCH_NONE;
	if (inode && piece->st.st_dev == pos->device)
		return MATCH_EXACT;
	if (pos->head_size == 0)
		return MATCH_NONE; /* nothing but a number to go by */
	return inode ? MATCH_INODE : MATCH_HEAD;
}
