/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include "base/log.h"
#include "feed/file_tail.h"
#include "feed/input.h"

/* What may be left in front of a read: the longest line and its end. */
#define TAIL_LEFT (STAGE_RECORD_MAX + 4096)

void
tail_init(struct tail *tail, const struct position *from)
{
	*tail = (struct tail){.piece = PIECE_NONE,
	    .pos = *from,
	    .from = TAIL_LEFT,
	    .to = TAIL_LEFT};
	tail->buf = mem_alloc(TAIL_LEFT + STAGE_TURN_BYTES);
}

void
tail_fini(struct tail *tail)
{
	tail_close(tail);
	free(tail->buf);
}

bool
tail_is_open(const struct tail *tail)
{
	return tail->piece.fd >= 0;
}

void
tail_close(struct tail *tail)
{
	input_close(tail->gunzip);
	tail->gunzip = NULL;
	piece_close(&tail->piece);
	tail->from = tail->to = TAIL_LEFT;
}

/* Where the next byte is to be read from. */
static int64_t
tail_place(const struct tail *tail)
{
	return tail->pos.offset + (int64_t)(tail->to - tail->from);
}

/*
 * By its head a file is known again, so the head is to be on the disk before a
 * position names it: its writer may leave that for half a minute, and when the
 * power fails meanwhile the file is shorter than its head was, and would be
 * taken for another one that begins with lines of its own. It grows a few
 * times, while the file is new.
 */
static void
tail_set_head(struct tail *tail)
{
	const struct head *head = &tail->piece.head;

	/* where that can not be had (a foreign disk) it is as it is */
	if (fdatasync(tail->piece.fd) < 0)
		log_debug(
		    "%s: fdatasync: %s", tail->piece.path, strerror(errno));
	tail->pos.head_size = head->n;
	tail->pos.head_hash = head_hash(head, head->n);
}

void
tail_again(struct tail *tail)
{
	ssize_t n = (ssize_t)RT_MIN(tail->pos.offset, (int64_t)TAIL_SEEN);

	tail->from = tail->to = TAIL_LEFT;
	tail->offered = true;
	input_close(tail->gunzip);
	tail->gunzip = NULL; /* opened when it is read */
	tail->passing = tail->piece.gzip ? tail->pos.offset : 0;
	tail->seen_n = 0;
	if (!tail->piece.gzip && n > 0 &&
	    piece_read(
		&tail->piece, tail->seen, (size_t)n, tail->pos.offset - n) == n)
		tail->seen_n = (size_t)n;
}

static void
tail_take_over(struct tail *tail, const struct piece *piece)
{
	struct position *pos = &tail->pos;

	tail_close(tail);
	tail->piece = *piece;
	snprintf(pos->path, sizeof(pos->path), "%s", piece->path);
	pos->device = piece->st.st_dev;
	pos->inode = piece->st.st_ino;
	pos->generation = piece->generation;
	tail_set_head(tail);
	tail_again(tail);
	tail_stat(tail, NULL);
}

void
tail_resume(struct tail *tail, const struct piece *piece)
{
	tail_take_over(tail, piece);
}

bool
tail_is_within_line(const struct tail *tail)
{
	char before = tail->seen_n > 0 ? tail->seen[tail->seen_n - 1] : '\n';

	return !tail->pos.skipping && tail_has_more(tail) && before != '\n' &&
	    before != '\0';
}

void
tail_begin(struct tail *tail, const struct piece *piece, int64_t offset)
{
	tail->pos.file_no++;
	tail->pos.offset = offset;
	tail->pos.size_seen = 0;
	tail->pos.skipping = false;
	tail->pos.none_us = 0;
	tail_take_over(tail, piece);
}

int
tail_stat(struct tail *tail, struct err *err)
{
	if (piece_stat(&tail->piece, err) < 0)
		return -1;
	/* a shorter file than before is for tail_read to find */
	if (!tail->piece.gzip)
		tail->pos.size_seen = RT_MAX(
		    tail->pos.size_seen, (int64_t)tail->piece.st.st_size);
	return 0;
}

bool
tail_has_more(const struct tail *tail)
{
	return !tail->piece.gzip && tail->piece.st.st_size > tail_place(tail);
}

bool
tail_head_holds(struct tail *tail)
{
	const struct head *head = &tail->piece.head;
	char now[STAGE_HEAD_BYTES];

	return tail->piece.gzip ||
	    (piece_read_full(&tail->piece, now, head->n, 0) ==
		    (ssize_t)head->n &&
		memcmp(now, head->bytes, head->n) == 0);
}

/* The head of a file that was short when it was opened grows with it. */
static void
tail_grow_head(struct tail *tail, const char *bytes, size_t n, int64_t at)
{
	struct head *head = &tail->piece.head;
	size_t skip, more;

	if (head->n >= sizeof(head->bytes) || (int64_t)head->n < at)
		return;
	skip = (size_t)(head->n - at);
	if (n <= skip)
		return;
	more = RT_MIN(n - skip, sizeof(head->bytes) - head->n);
	memcpy(head->bytes + head->n, bytes + skip, more);
	head->n += (uint32_t)more;
	tail_set_head(tail);
}

/* New bytes stand at buf + to. */
static void
tail_added(struct tail *tail, size_t n)
{
	tail_grow_head(tail, tail->buf + tail->to, n, tail_place(tail));
	tail->to += n;
	tail->offered = false;
	tail->pos.size_seen = RT_MAX(tail->pos.size_seen, tail_place(tail));
}

/*
 * The read begins with bytes that are known, and lays them where they stand
 * already if they are still in the buffer.
 */
static enum tail_result
tail_read_plain(struct tail *tail, struct err *err)
{
	int64_t place = tail_place(tail);
	size_t known = tail->seen_n;
	char *to = tail->buf + tail->to - known;
	ssize_t got;
	bool same;

	got = piece_read(
	    &tail->piece, to, known + STAGE_TURN_BYTES, place - (int64_t)known);
	if (got >= 0 && got < (ssize_t)known) /* is it really so short? */
		got = piece_read_full(&tail->piece, to,
		    known + STAGE_TURN_BYTES, place - (int64_t)known);
	same = got >= (ssize_t)known && memcmp(to, tail->seen, known) == 0;
	if (!same)
		memcpy(to, tail->seen, known);
	if (got < 0) {
		err_sys(err, "reading %s", tail->piece.path);
		return TAIL_FAILED;
	}
	if (!same)
		return TAIL_CHANGED;
	if (got == (ssize_t)known)
		return TAIL_END;
	tail_added(tail, (size_t)got - known);
	tail->seen_n = RT_MIN((size_t)got, (size_t)TAIL_SEEN);
	memcpy(tail->seen, tail->buf + tail->to - tail->seen_n, tail->seen_n);
	return TAIL_MORE;
}

static enum tail_result
tail_read_gzip(struct tail *tail, struct err *err)
{
	size_t room = STAGE_TURN_BYTES;
	ssize_t got;

	if (tail->gunzip == NULL) {
		tail->gunzip = piece_gunzip(&tail->piece, err);
		if (tail->gunzip == NULL)
			return TAIL_FAILED;
	}
	if (tail->passing > 0)
		room = (size_t)RT_MIN(tail->passing, (int64_t)room);
	got = input_read(tail->gunzip, tail->buf + tail->to, room, err);
	if (got < 0)
		return got == INPUT_DAMAGED ? TAIL_DAMAGED : TAIL_FAILED;
	if (got == 0)
		return TAIL_END;
	if (tail->passing > 0)
		tail->passing -= got;
	else
		tail_added(tail, (size_t)got);
	return TAIL_MORE;
}

enum tail_result
tail_read(struct tail *tail, struct err *err)
{
	size_t left = tail->to - tail->from;

	if (left > TAIL_LEFT)
		BUG("%zu bytes of %s at %" PRId64 " were not taken", left,
		    tail->piece.path, tail->pos.offset);
	memmove(tail->buf + TAIL_LEFT - left, tail->buf + tail->from, left);
	tail->from = TAIL_LEFT - left;
	tail->to = TAIL_LEFT;
	return tail->piece.gzip ? tail_read_gzip(tail, err)
				: tail_read_plain(tail, err);
}

void
tail_offer(struct tail *tail, struct stage_upstream *up, bool last)
{
	size_t n = tail->to - tail->from, taken;

	if (n == 0 || (tail->offered && !last))
		return;
	tail->offered = true;
	taken = up->bytes(up, &tail->pos, tail->buf + tail->from, n, last);
	BUG_ON(taken > n || (last && taken < n));
	tail->from += taken;
	tail->pos.offset += (int64_t)taken;
}
