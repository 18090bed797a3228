/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading in a segment: a buffer, and the way on behind damage. */
#include "base/base.h"

#include <fcntl.h>

#include "feed/spool_inner.h"

#define READER_BYTES (256 * 1024)

_Static_assert(READER_BYTES > 2 * (STAGE_RECORD_MAX + 64),
    "the longest entry has room at any place");

void
reader_init(struct reader *r, const struct position *from)
{
	*r = (struct reader){.no = from->file_no,
	    .at = from->offset,
	    .number = from->generation,
	    .fd = -1};
}

void
reader_close(struct reader *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	r->buf_n = 0;
}

void
reader_fini(struct reader *r)
{
	reader_close(r);
	free(r->buf);
	r->buf = NULL;
}

static int
reader_open(
    struct reader *r, const struct segments *all, const struct segment *seg)
{
	if (r->fd >= 0 && r->fd_no == seg->no)
		return 0;
	reader_close(r);
	if (r->buf == NULL) {
		r->cap = READER_BYTES;
		r->buf = mem_alloc(r->cap);
	}
	r->fd = segment_open(all, seg);
	r->fd_no = seg->no;
	if (r->fd >= 0)
		posix_fadvise(r->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return r->fd < 0 ? -1 : 0;
}

/* Fills the buffer from r->at on, with what of it is there kept. */
static int
reader_fill(struct reader *r, const struct segment *seg)
{
	int64_t ends = r->buf_at + (int64_t)r->buf_n;
	size_t keep = 0, want;

	if (r->at >= r->buf_at && r->at < ends)
		keep = (size_t)(ends - r->at);
	memmove(r->buf, r->buf + (r->buf_n - keep), keep);
	r->buf_at = r->at;
	r->buf_n = keep;
	want = r->cap - keep;
	if ((int64_t)want > seg->end - r->at - (int64_t)keep)
		want = (size_t)(seg->end - r->at - (int64_t)keep);
	while (want > 0) {
		ssize_t got = pread(r->fd, r->buf + r->buf_n, want,
		    (off_t)(r->buf_at + (int64_t)r->buf_n));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break; /* somebody has cut it: damage */
		r->buf_n += (size_t)got;
		want -= (size_t)got;
	}
	return 0;
}

ssize_t
reader_load(struct reader *r, const struct segments *all,
    const struct segment *seg, size_t n, const char **to)
{
	int64_t ends;

	if (reader_open(r, all, seg) < 0)
		return -1;
	if (r->at >= seg->end)
		return 0;
	n = (size_t)RT_MIN((int64_t)n, seg->end - r->at);
	ends = r->buf_at + (int64_t)r->buf_n;
	if (r->at < r->buf_at || r->at + (int64_t)n > ends) {
		if (reader_fill(r, seg) < 0)
			return -1;
		ends = r->buf_at + (int64_t)r->buf_n;
	}
	*to = r->buf + (r->at - r->buf_at);
	return (ssize_t)RT_MIN((int64_t)n, ends - r->at);
}

RT_HOT int
reader_look(struct reader *r, const struct segments *all,
    const struct segment *seg, struct entry_head *head, const char **bytes)
{
	enum entry_state state;
	ssize_t got;

	if (r->fd >= 0 && r->fd_no == seg->no && r->at >= r->buf_at &&
	    r->at < r->buf_at + (int64_t)r->buf_n) {
		/* most of the time all of it is there */
		size_t left = (size_t)(r->buf_at + (int64_t)r->buf_n - r->at);

		*bytes = r->buf + (r->at - r->buf_at);
		state = entry_get(head, *bytes, left, seg->seed);
		if (state != ENTRY_SHORT)
			return (int)state;
	}
	got = reader_load(r, all, seg, ENTRY_MAX, bytes);
	if (got <= 0)
		return got < 0 ? -1 : ENTRY_SHORT;
	return (int)entry_get(head, *bytes, (size_t)got, seg->seed);
}

/* Whether what stands at bytes[at..] is worth a checksum. */
static bool
reader_is_mark(const char *bytes, uint32_t mark)
{
	uint32_t found;

	memcpy(
	    &found, bytes + offsetof(struct entry_head, mark), sizeof(found));
	return found == mark;
}

int
reader_seek(struct reader *r, const struct segments *all,
    const struct segment *seg, uint64_t least, uint64_t below)
{
	struct entry_head head;
	int64_t began = r->at;
	const char *bytes;
	int rc;

	/* a place that a wrong hand has told us is the start of nothing */
	r->at = (r->at + 7) & ~INT64_C(7);
	for (r->at += r->at == began ? 8 : 0; r->at < seg->end; r->at += 8) {
		ssize_t got =
		    reader_load(r, all, seg, sizeof(struct entry_head), &bytes);

		if (got < 0)
			return -1;
		if (got < (ssize_t)sizeof(struct entry_head))
			break;
		if (!reader_is_mark(bytes, (uint32_t)seg->seed))
			continue;
		rc = reader_look(r, all, seg, &head, &bytes);
		if (rc < 0)
			return -1;
		if (rc == ENTRY_GOOD && head.number >= least &&
		    head.number < below)
			break;
	}
	if (r->at + (int64_t)sizeof(struct entry_head) > seg->end)
		r->at = seg->end;
	r->skipped += r->at - began;
	return 0;
}
