/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A spool that nobody reads, as its feed is configured no more: what it still
 * holds. Nothing of it is changed, not even what a crash has left at its end.
 */
#include "base/base.h"

#include <fcntl.h>
#include <sys/file.h>

#include "feed/spool_inner.h"

/*
 * Whether a daemon has it open. The lock is not kept while we look: one that
 * begins meanwhile is not to be told that the spool is in use.
 */
static bool
left_is_in_use(int lock_fd)
{
	if (flock(lock_fd, LOCK_EX | LOCK_NB) < 0)
		return true;
	flock(lock_fd, LOCK_UN);
	return false;
}

/* Records of one segment with a number from *number on, and below that one. */
static uint64_t
left_in_segment(const struct segments *all, const struct segment *seg,
    uint64_t *number, uint64_t below)
{
	struct position from = {.file_no = seg->no, .offset = SEGMENT_BEGINS};
	struct entry_head head;
	struct reader r;
	const char *bytes;
	uint64_t n = 0;

	reader_init(&r, &from);
	while (r.at < seg->end) {
		int rc = reader_look(&r, all, seg, &head, &bytes);

		if (rc == ENTRY_GOOD && head.number < below) {
			r.at += (int64_t)entry_size(head.length);
			n += head.kind == RECORD_DATA && head.number >= *number;
			if (head.kind != ENTRY_END)
				*number = RT_MAX(*number, head.number + 1);
		} else if (rc == ENTRY_GOOD || rc < 0 ||
		    reader_seek(&r, all, seg, *number, below) < 0) {
			break;
		}
	}
	reader_fini(&r);
	return n;
}

static uint64_t
left_count(const struct segments *all, uint64_t number)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < all->n; i++) {
		const struct segment *seg = &all->v[i];
		bool last = i + 1 == all->n || seg[1].unreadable;

		if (!seg->unreadable)
			n += left_in_segment(all, seg, &number,
			    last ? UINT64_MAX : seg[1].first);
	}
	return n;
}

uint64_t
spool_left(const char *folder)
{
	struct segments all = {.folder = folder,
	    .fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	struct found found = {.last_no = 0};
	struct spool_mark mark = {.no = 0};
	struct err err;
	uint64_t n = 0;
	int lock_fd = -1;

	if (all.fd < 0)
		return 0;
	lock_fd = openat(all.fd, SPOOL_LOCK, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (lock_fd < 0 || left_is_in_use(lock_fd))
		goto out;
	if (segment_peek(&all, &found, &err) < 0) {
		log_warn("%s", err.text);
		goto out;
	}
	mark_read(&mark, lock_fd, found.id);
	n = left_count(&all, mark.number);
out:
	if (lock_fd >= 0)
		close(lock_fd);
	close(all.fd);
	free(all.v);
	return n;
}
