/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include "base/clock.h"
#include "base/log.h"
#include "feed/file_inner.h"

/* A new log may go unseen so long, or its times be by another clock. */
#define FIND_UNSEEN_US (10 * USEC_PER_SEC)

/*
 * Opens the file at the path and gives it the name behind the symbolic links,
 * by which it can be found again when they lead elsewhere.
 */
static int
find_open_path(const struct file *f, struct piece *piece, struct err *err)
{
	char *real;
	struct stat st;

	if (piece_open(piece, f->path, err) < 0)
		return -1;
	real = realpath(f->path, NULL);
	if (real != NULL && strlen(real) < sizeof(piece->path) &&
	    stat(real, &st) == 0 && piece_is(piece, &st))
		snprintf(piece->path, sizeof(piece->path), "%s", real);
	free(real);
	return 0;
}

/* Where the last line begins whose end is not written yet, else the end. */
static int64_t
find_end_of(const struct piece *piece)
{
	int64_t at = RT_MAX(piece->st.st_size - STAGE_RECORD_MAX, INT64_C(0));
	char *last, *lf;
	ssize_t n;

	if (piece->gzip)
		return 0;
	last = mem_alloc(STAGE_RECORD_MAX);
	n = piece_read_full(piece, last, STAGE_RECORD_MAX, at);
	lf = n > 0 ? memrchr(last, '\n', (size_t)n) : NULL;
	if (lf != NULL)
		at += lf - last + 1;
	free(last);
	return at;
}

/*
 * We looked before, and there was nothing to begin with: what was written and
 * put aside since then comes first. current: the file at the path, or none.
 */
static int
find_missed(const struct file *f, const struct piece *current,
    struct piece *missed, struct err *err)
{
	int64_t since_us = f->tail.pos.none_us - f->poll_us - FIND_UNSEEN_US;
	struct piece before = PIECE_NONE;

	if (f->tail.pos.none_us == 0)
		return 0;
	snprintf(before.path, sizeof(before.path), "%s",
	    current->fd >= 0 ? current->path : f->path);
	before.st.st_mtim.tv_sec = since_us / USEC_PER_SEC;
	return siblings_next(
	    f->path, &before, current, &f->finished, missed, err);
}

/* Nothing to begin with yet. What appears later is read from its start. */
static void
find_wait_first(struct file *f, int error, const struct err *err)
{
	struct position *pos = &f->tail.pos;

	if (error == ENOENT || error == ENOTDIR) {
		f->at_end = false;
		if (pos->none_us == 0)
			pos->none_us = clock_wall_us();
	}
	file_trouble(f, error, err);
	file_wait(f);
}

static void
find_start_first(struct file *f)
{
	struct piece current, missed;
	int rc = 0, error = 0;
	struct err err;

	if (find_open_path(f, &current, &err) < 0)
		error = errno;
	if (!f->at_end && (error == 0 || error == ENOENT || error == ENOTDIR))
		rc = find_missed(f, &current, &missed, &err);
	if (rc < 0)
		error = errno;
	if (rc > 0) {
		piece_close(&current);
		tail_begin(&f->tail, &missed, 0);
	} else if (error == 0) {
		tail_begin(
		    &f->tail, &current, f->at_end ? find_end_of(&current) : 0);
	} else {
		piece_close(&current);
		find_wait_first(f, error, &err);
		return;
	}
	f->at_end = false;
	file_opened(f, "begins with");
}

/*
 * The file of our position is nowhere. If it was truncated, what stands at the
 * path is the same inode. Unless we were at its end, nobody knows how much it
 * held that we have not seen.
 */
static void
find_report_lost(struct file *f, const struct piece *at_path)
{
	const struct position *pos = &f->tail.pos;
	int64_t unread = pos->size_seen - pos->offset;
	bool cut = (uint64_t)at_path->st.st_ino == pos->inode;
	char why[2 * STAGE_PATH_MAX + 200], other[STAGE_PATH_MAX];
	size_t n;

	snprintf(why, sizeof(why),
	    "%s %s at byte %" PRId64 ", and no copy of it is there", pos->path,
	    cut ? "was truncated or replaced" : "is gone; it was read up to",
	    pos->offset);
	n = strlen(why);
	if (siblings_foreign(pos->path, other))
		snprintf(why + n, sizeof(why) - n,
		    " (it may be in %s, but only gzip is read here)", other);
	if (unread > 0 || !f->watched)
		f->up->lost(f->up,
		    cut ? STAGE_LOSS_TRUNCATED : STAGE_LOSS_MISSING,
		    unread > 0 ? unread : -1, why);
	else
		log_note("feed %s: %s; all of it had been read", f->feed, why);
}

static void
find_start_lost(struct file *f)
{
	struct piece piece;
	struct err err;

	if (find_open_path(f, &piece, &err) < 0) {
		/* perhaps the whole directory comes back, with our file */
		file_trouble(f, errno, &err);
		file_wait(f);
		return;
	}
	find_report_lost(f, &piece);
	tail_begin(&f->tail, &piece, 0);
	file_opened(f, "begins with");
}

/*
 * The power failed, say: the disk had not got all that was read, and what the
 * switch wrote behind what was left stands where we had been.
 */
static void
find_report_rewritten(struct file *f)
{
	char why[STAGE_PATH_MAX + 100];

	snprintf(why, sizeof(why),
	    "%s was written anew before byte %" PRId64 ", up to which it had "
	    "been read",
	    f->tail.pos.path, f->tail.pos.offset);
	f->up->lost(f->up, STAGE_LOSS_TRUNCATED, -1, why);
}

/* Goes on in a file that holds what we read, or an earlier state of it. */
static void
find_resume(struct file *f, const struct piece *piece)
{
	struct position *pos = &f->tail.pos;
	bool watched = f->watched;

	if (!piece->gzip && piece->st.st_size < pos->offset) {
		log_warn("feed %s: %s ends at byte %" PRId64 ", but was read "
			 "up to %" PRId64 ": going on at its end",
		    f->feed, piece->path, (int64_t)piece->st.st_size,
		    pos->offset);
		pos->offset = pos->size_seen = piece->st.st_size;
	}
	tail_resume(&f->tail, piece);
	file_opened(f, "goes on with");
	f->watched = watched;
	if (f->lines && tail_is_within_line(&f->tail))
		find_report_rewritten(f);
}

void
find_start(struct file *f)
{
	struct piece piece;
	struct err err;
	int rc;

	if (f->tail.pos.file_no == 0) {
		find_start_first(f);
		return;
	}
	rc = siblings_find(f->path, &f->tail.pos, &piece, &err);
	if (rc > 0) {
		find_resume(f, &piece);
	} else if (rc == 0) {
		find_start_lost(f);
	} else {
		file_trouble(f, errno, &err);
		file_wait(f);
	}
}

/*
 * Where a successor is to be read from: 0, unless it is a copy of our file, as
 * editors and rsync leave it.
 */
static int64_t
find_goes_on_at(const struct file *f, const struct piece *next)
{
	const struct piece *ours = &f->tail.piece;
	int64_t at = RT_MIN(f->tail.pos.offset, (int64_t)next->st.st_size);
	char last = '\n';

	if (ours->gzip || next->gzip || !head_agrees(&ours->head, &next->head))
		return 0;
	/* one that is just being written may have our first few bytes */
	if (at < f->tail.pos.offset && piece_read(next, &last, 1, at - 1) != 1)
		return 0;
	return last == '\n' && piece_same_before(ours, next, at) ? at : 0;
}

/*
 * The one at the path is opened before the others are looked for: if rotation
 * comes between, it is among them, or it is the one that we hold.
 */
bool
find_next(struct file *f, bool to_current)
{
	struct piece current, next;
	struct err err;
	int rc, error;

	if (find_open_path(f, &current, &err) < 0) {
		f->stuck = true;
		file_trouble(f, errno, &err);
		file_wait(f);
		return true;
	}
	rc = siblings_next(
	    f->path, &f->tail.piece, &current, &f->finished, &next, &err);
	error = errno;
	if (rc == 0 && to_current && find_goes_on_at(f, &current) > 0) {
		find_resume(f, &current);
		return true;
	}
	if (rc > 0 || (rc == 0 && to_current)) {
		tail_offer(&f->tail, f->up, true);
		file_leave(f);
		if (rc > 0)
			piece_close(&current);
		tail_begin(&f->tail, rc > 0 ? &next : &current, 0);
		file_opened(f, "begins with");
		return true;
	}
	piece_close(&current);
	f->stuck = rc < 0;
	if (!f->stuck) {
		file_is_well(f);
		return false;
	}
	file_trouble(f, error, &err);
	if (error == EACCES)
		file_wait(f);
	return true;
}
