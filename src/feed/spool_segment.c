/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The folder of a spool: which segments there are, and where the last one
 * ends. That one was being written when the daemon ended: a row of good
 * entries, and behind it, if it ended badly, what a crash left of the next
 * ones. Those before it were synced when they were left, and are not read
 * through here: what is damaged in them is found, and counted, when it is read.
 */
#include "base/base.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "feed/spool_inner.h"

static int
segment_open_file(const struct segments *all, uint32_t no, int flags)
{
	char name[SEGMENT_NAME];

	segment_name(name, no);
	return openat(all->fd, name, flags | O_CLOEXEC | O_NOFOLLOW);
}

int
segment_open(const struct segments *all, const struct segment *seg)
{
	return segment_open_file(all, seg->no, O_RDONLY);
}

size_t
segment_find(const struct segments *all, uint32_t no)
{
	size_t i = 0;

	while (i < all->n && all->v[i].no < no)
		i++;
	return i;
}

void
segment_add(struct segments *all, const struct segment *seg)
{
	if (all->n == all->cap) {
		all->cap = all->cap * 2 + 16;
		all->v = mem_realloc(all->v, all->cap, sizeof(*all->v));
	}
	all->v[all->n++] = *seg;
	all->bytes += seg->end;
}

void
segment_unlink(const struct segments *all, uint32_t no)
{
	char name[SEGMENT_NAME];

	segment_name(name, no);
	if (unlinkat(all->fd, name, 0) < 0 && errno != ENOENT)
		log_warn("%s/%s can not be deleted: %s", all->folder, name,
		    strerror(errno));
}

void
segment_drop_first(struct segments *all)
{
	BUG_ON(all->n == 0);
	segment_unlink(all, all->v[0].no);
	all->bytes -= all->v[0].end;
	all->n--;
	memmove(all->v, all->v + 1, all->n * sizeof(*all->v));
}

static int
segment_compare(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return (x->no > y->no) - (x->no < y->no);
}

/* Fills seg from the file's head. Returns -1 where that can not be done. */
static int
segment_read_head(const struct segments *all, struct segment *seg,
    struct found *found, struct err *err)
{
	int fd = segment_open(all, seg), rc = 0;
	struct segment_head head;
	char bytes[SEGMENT_BEGINS];
	struct stat st;
	bool foreign;
	ssize_t got;

	if (fd < 0)
		return err_sys(
		    err, "%s/%08" PRIu32 ".spool", all->folder, seg->no);
	got = pread(fd, bytes, sizeof(bytes), 0);
	if (got < 0 || fstat(fd, &st) < 0) {
		rc = err_sys(err, "reading %s/%08" PRIu32 ".spool", all->folder,
		    seg->no);
		goto out;
	}
	seg->end = st.st_size;
	seg->unreadable =
	    !segment_head_get(&head, bytes, (size_t)got, &foreign);
	if (seg->unreadable && foreign)
		rc = err_set(err,
		    "%s/%08" PRIu32 ".spool was written by another version of "
		    "ringtally, or on a machine of another byte order",
		    all->folder, seg->no);
	else if (!seg->unreadable && head.no != seg->no)
		seg->unreadable = true; /* somebody has copied it */
	if (!seg->unreadable) {
		seg->first = seg->after = head.first;
		seg->seed = head.seed;
		seg->begun_us = head.begun_us;
		seg->format = head.format;
		found->sources = RT_MAX(found->sources, head.sources);
		found->number = RT_MAX(found->number, head.first);
		if (head.id != 0)
			found->id = head.id;
	}
out:
	close(fd);
	return rc;
}

static int
segment_list(struct segments *all, struct found *found, struct err *err)
{
	int fd = openat(all->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (dir == NULL) {
		err_sys(err, "%s", all->folder);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	while ((entry = readdir(dir)) != NULL) {
		struct segment seg = {.no = segment_number(entry->d_name)};

		if (seg.no == 0)
			continue;
		found->last_no = RT_MAX(found->last_no, seg.no);
		segment_add(all, &seg);
	}
	closedir(dir);
	if (all->n > 0)
		qsort(all->v, all->n, sizeof(*all->v), segment_compare);
	return 0;
}

void
segment_drop_from(const struct segments *all, uint32_t no)
{
	struct segments there = {.folder = all->folder, .fd = all->fd};
	struct found found = {.last_no = 0};
	struct err err;
	size_t i;

	if (segment_list(&there, &found, &err) < 0)
		log_warn("%s", err.text);
	/* the newest first: at any time what is left has no gap */
	for (i = there.n; i > 0 && there.v[i - 1].no >= no; i--)
		segment_unlink(&there, there.v[i - 1].no);
	free(there.v);
}

int
segment_peek(struct segments *all, struct found *found, struct err *err)
{
	size_t i;

	if (segment_list(all, found, err) < 0)
		return -1;
	for (i = 0; i < all->n; i++)
		if (segment_read_head(all, &all->v[i], found, err) < 0)
			return -1;
	return 0;
}

/*
 * Reads through a segment, and sets where its good entries end. What is
 * damaged and has good ones behind it is left for the reader to count.
 */
static int
segment_measure(const struct segments *all, struct segment *seg,
    struct found *found, struct err *err)
{
	struct reader r;
	struct entry_head head;
	const char *bytes;
	int64_t end = SEGMENT_BEGINS;
	int rc = 0;

	reader_init(&r,
	    &(struct position){.file_no = seg->no, .offset = SEGMENT_BEGINS});
	while (r.at < seg->end) {
		rc = reader_look(&r, all, seg, &head, &bytes);
		if (rc == ENTRY_GOOD) {
			r.at += (int64_t)entry_size(head.length);
			end = r.at;
			if (head.kind == ENTRY_END) {
				seg->after = RT_MAX(seg->after, head.number);
				continue;
			}
			seg->after = RT_MAX(seg->after, head.number + 1);
			found->sources = RT_MAX(found->sources, head.source);
			found->has_last = true;
			found->last = (struct record){.kind = head.kind,
			    .source = head.source,
			    .received_us = head.received_us};
		} else if (rc < 0 ||
		    reader_seek(&r, all, seg, seg->after, UINT64_MAX) < 0) {
			rc = err_sys(err, "reading %s/%08" PRIu32 ".spool",
			    all->folder, seg->no);
			break;
		}
	}
	reader_fini(&r);
	seg->end = end;
	return rc < 0 ? -1 : 0;
}

/*
 * Makes the file end there: what a crash cut off was never acknowledged. And
 * makes durable what is read from here on: it may have been written, and not
 * yet synced, when the daemon was killed.
 */
static int
segment_cut(const struct segments *all, const struct segment *seg, int64_t size,
    struct err *err)
{
	int fd = segment_open_file(all, seg->no, O_RDWR);
	int rc = fd < 0 ? -1 : 0;

	if (rc == 0 && seg->end < size) {
		log_note("%s/%08" PRIu32 ".spool: its last %" PRId64
			 " bytes were cut off by a crash",
		    all->folder, seg->no, size - seg->end);
		rc = ftruncate(fd, (off_t)seg->end);
	}
	if (rc == 0)
		rc = fdatasync(fd);
	if (rc < 0)
		err_sys(
		    err, "ending %s/%08" PRIu32 ".spool", all->folder, seg->no);
	if (fd >= 0)
		close(fd);
	return rc;
}

/*
 * The one that was written last; or one that is followed by one of which
 * nothing is known.
 */
static int
segment_settle_last(struct segments *all, struct segment *seg, bool last,
    struct found *found, struct err *err)
{
	int64_t size = seg->end;

	if (segment_measure(all, seg, found, err) < 0)
		return -1;
	return last ? segment_cut(all, seg, size, err) : 0;
}

/* Numbers of one whose head is damaged: at least one entry is lost. */
static void
segment_guess(const struct segments *all, size_t i)
{
	struct segment *seg = &all->v[i];
	const struct segment *before = i > 0 ? seg - 1 : NULL;
	const struct segment *next = i + 1 < all->n ? seg + 1 : NULL;

	if (before != NULL)
		seg->first = before->after;
	else if (next != NULL && !next->unreadable)
		seg->first = next->first - (next->first > 1);
	else
		seg->first = 1;
	seg->after = seg->first + 1;
	if (next != NULL && !next->unreadable)
		seg->after = RT_MAX(next->first, seg->first);
}

/* Without an entry: of no use, but for the newest that has a head. */
static void
segment_set_aside(
    const struct segments *all, const struct segment *seg, struct found *found)
{
	uint32_t useless = seg->no;

	if (!seg->unreadable && seg->no > found->empty) {
		useless = found->empty;
		found->empty = seg->no;
	}
	if (useless != 0)
		segment_unlink(all, useless);
}

/* What crashes left at its beginning, or was begun and never written to. */
static void
segment_drop_empty(struct segments *all, struct found *found)
{
	size_t i, n = 0;

	all->bytes = 0;
	for (i = 0; i < all->n; i++) {
		if (all->v[i].end <= SEGMENT_BEGINS) {
			segment_set_aside(all, &all->v[i], found);
			continue;
		}
		all->bytes += all->v[i].end;
		all->v[n++] = all->v[i];
	}
	all->n = n;
}

int
segment_scan(struct segments *all, struct found *found, struct err *err)
{
	size_t i;

	*found = (struct found){.last_no = 0};
	if (segment_peek(all, found, err) < 0)
		return -1;
	segment_drop_empty(all, found);
	for (i = 0; i < all->n; i++) {
		struct segment *seg = &all->v[i];
		bool last = i + 1 == all->n;

		if (seg->unreadable)
			segment_guess(all, i);
		else if (last || seg[1].unreadable) {
			if (segment_settle_last(all, seg, last, found, err) < 0)
				return -1;
		} else
			seg->after = RT_MAX(seg[1].first, seg->first);
		found->number = RT_MAX(found->number, seg->after);
	}
	segment_drop_empty(all, found);
	return 0;
}
