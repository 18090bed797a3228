/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fault.h"
#include "feed/directory_inner.h"
#include "io/loop.h"

#define DIRECTORY_PUTS		  256 /* put away in one turn */
#define DIRECTORY_DELETE_AFTER_US (600 * USEC_PER_SEC)
#define DIRECTORY_NO_FILE	  1 /* offset of a file that was not read */

/* --- what is dealt with -------------------------------------------------- */

bool
directory_is_committed(const struct directory *d, const struct finished *f)
{
	const struct position *pos = &d->committed;

	return f->claim.no < pos->file_no ||
	    (f->claim.no == pos->file_no && f->end <= pos->offset);
}

/* Remembers what is committed now, to delete it when that is sure to last. */
void
directory_mark(struct directory *d, uint32_t upto)
{
	int64_t now = clock_mono_us();
	unsigned last = d->n_marks - 1;

	if (d->after != DIRECTORY_DELETE)
		return;
	/* the ring reaches further than files wait, so none is passed over */
	if (d->n_marks > 0 &&
	    now - d->mark[last].at_us <
		DIRECTORY_DELETE_AFTER_US / (DIRECTORY_MARKS - 2)) {
		d->mark[last].upto = upto;
		return;
	}
	if (d->n_marks == DIRECTORY_MARKS) {
		memmove(d->mark, d->mark + 1,
		    (DIRECTORY_MARKS - 1) * sizeof(d->mark[0]));
		d->n_marks--;
	}
	d->mark[d->n_marks].upto = upto;
	d->mark[d->n_marks].at_us = now;
	d->n_marks++;
}

void
directory_delete(struct directory *d)
{
	int64_t due = clock_mono_us() - DIRECTORY_DELETE_AFTER_US;

	if (d->n_marks == 0 || d->mark[0].at_us > due ||
	    d->phase == PHASE_CLOSED)
		return;
	if (work_delete_some(&d->work, d->mark[0].upto))
		return; /* the next folder with the next turn of the timer */
	d->n_marks--;
	memmove(d->mark, d->mark + 1, d->n_marks * sizeof(d->mark[0]));
}

/* Somebody wrote to it after it was read: settle_s is too short. */
static void
directory_look_after(struct directory *d, const struct finished *f)
{
	char why[STAGE_PATH_MAX + 100];
	struct stat st;

	if (f->size < 0 ||
	    fstatat(d->work.claimed, f->claim.name, &st, AT_SYMLINK_NOFOLLOW) <
		0 ||
	    st.st_size <= f->size)
		return;
	snprintf(why, sizeof(why),
	    "%s was written to after it was read; is settle_s too short?",
	    f->claim.name);
	d->up->lost(d->up, STAGE_LOSS_MISSING, st.st_size - f->size, why);
}

/* Puts away what is committed. False: it did not work. */
bool
directory_put_away(struct directory *d)
{
	struct err err;
	int i;

	if (d->put == d->n_finished || d->phase == PHASE_CLOSED ||
	    !directory_is_committed(d, &d->finished[d->put]))
		return true;
	if (ledger_sync(d->work.ledger, &err) < 0) {
		directory_trouble(d, errno, &err);
		return false;
	}
	for (i = 0; i < DIRECTORY_PUTS && d->put < d->n_finished; i++) {
		const struct finished *f = &d->finished[d->put];

		if (!directory_is_committed(d, f))
			break;
		directory_look_after(d, f);
		if (work_put(&d->work, &f->claim, f->fate, &err) < 0) {
			directory_trouble(d, errno, &err);
			return false;
		}
		if (f->fate == FATE_DONE)
			directory_mark(d, f->claim.no);
		d->put++;
	}
	if (i == DIRECTORY_PUTS)
		task_set(d->task);
	if (d->put == d->n_finished)
		d->put = d->n_finished = 0;
	return true;
}

/* The file in hand is dealt with. */
static void
directory_finish(struct directory *d, enum fate fate, int64_t end, int64_t size)
{
	if (d->n_finished == d->cap_finished) {
		d->cap_finished = RT_MAX(2 * d->cap_finished, (size_t)16);
		d->finished = mem_realloc(
		    d->finished, d->cap_finished, sizeof(*d->finished));
	}
	d->finished[d->n_finished++] =
	    (struct finished){d->current, end, size, fate};
	d->phase = PHASE_NONE;
	directory_is_well(d);
	task_set(d->task);
}

/* It needs no commit: nothing of it was counted. */
static void
directory_put_now(struct directory *d, enum fate fate)
{
	struct err err;

	if (work_put(&d->work, &d->current, fate, &err) < 0) {
		directory_trouble(d, errno, &err);
		return;
	}
	if (fate == FATE_DONE)
		directory_mark(d, d->current.no);
	d->phase = PHASE_NONE;
	directory_is_well(d);
	task_set(d->task);
}

/* --- what can not be read ------------------------------------------------ */

/* "FOLDER/NAME", as the file was called when it came. */
static void
directory_path(const struct directory *d, char *to, size_t size)
{
	snprintf(to, size, "%s/%s", d->folder, work_name_of(&d->current));
}

/* Was all of it counted before we were started? */
static bool
directory_is_spent(const struct directory *d)
{
	return d->current.no < d->tail.pos.file_no;
}

/*
 * It can not be read, and never will be. The position steps to it, without an
 * identity, so that the loss is counted once, whatever happens until it is
 * committed.
 */
static void
directory_refuse(
    struct directory *d, enum stage_loss loss, int64_t size, const char *reason)
{
	char why[2 * STAGE_PATH_MAX], path[STAGE_PATH_MAX];
	struct position *pos = &d->tail.pos;

	check_end(&d->check);
	tail_close(&d->tail);
	if (directory_is_spent(d)) {
		directory_finish(d, FATE_QUARANTINE, 0, -1);
		return;
	}
	directory_path(d, path, sizeof(path));
	snprintf(why, sizeof(why), "%s goes to quarantine: %s", path, reason);
	*pos = (struct position){
	    .file_no = d->current.no, .offset = DIRECTORY_NO_FILE};
	memcpy(pos->path, path, sizeof(pos->path));
	pos->size_seen = pos->offset;
	d->refused++;
	directory_finish(d, FATE_QUARANTINE, pos->offset, -1);
	d->up->lost(d->up, loss, size, why);
}

/* --- the first reading --------------------------------------------------- */

/* Waits until it may have been written to its end. */
static void
directory_grows(struct directory *d)
{
	check_end(&d->check);
	d->phase = PHASE_CHECK;
	log_limited(&d->limit, LOG_LEVEL_NOTE,
	    "feed %s: %s is still written to: is settle_s too short?", d->feed,
	    d->current.name);
	d->retry_us =
	    clock_mono_us() + RT_MAX(d->rules.settle_us, DIRECTORY_RETRY_US);
	timer_set(d->timer, RT_MIN(d->retry_us - clock_mono_us(), d->poll_us));
}

static void
directory_check_failed(struct directory *d, struct err *err)
{
	int error = errno;

	check_end(&d->check);
	if (error == EIO && d->retries >= DIRECTORY_TRIES)
		directory_refuse(
		    d, STAGE_LOSS_DAMAGED, d->check.st.st_size, err->text);
	else
		directory_trouble(d, error, err);
}

static void
directory_check(struct directory *d)
{
	enum check_result result = CHECK_MORE;
	struct err err = {""};

	if (d->check.in == NULL)
		result = check_begin(
		    &d->check, d->work.claimed, d->current.name, d->most, &err);
	if (result == CHECK_MORE)
		result = check_some(&d->check, work_name_of(&d->current), &err);
	switch (result) {
	case CHECK_MORE:
		task_set(d->task);
		break;
	case CHECK_DONE:
		check_end(&d->check);
		d->phase = PHASE_CHECKED;
		task_set(d->task);
		break;
	case CHECK_REFUSED:
		directory_refuse(
		    d, STAGE_LOSS_DAMAGED, d->check.st.st_size, err.text);
		break;
	case CHECK_GROWS:
		directory_grows(d);
		break;
	case CHECK_GONE:
		directory_refuse(d, STAGE_LOSS_MISSING, -1,
		    "it was taken away before it could be read");
		break;
	case CHECK_FAILED:
		directory_check_failed(d, &err);
		break;
	}
}

/* It came before, with the same name and content. */
static void
directory_repeated(struct directory *d, uint32_t before)
{
	struct err err;

	log_limited(&d->limit, LOG_LEVEL_NOTE,
	    "feed %s: %s came again with the same content, as number %" PRIu32
	    " before: it is not counted again",
	    d->feed, work_name_of(&d->current), before);
	d->repeated++;
	/* moved first: a ledger that knows it as itself would have it read */
	directory_put_now(d, FATE_AGAIN);
	if (d->phase == PHASE_NONE &&
	    ledger_add(d->work.ledger, d->current.no, &d->check.digest,
		work_name_of(&d->current), &err) < 0)
		log_limited(&d->limit, LOG_LEVEL_WARN, "feed %s: %s", d->feed,
		    err.text);
}

static void
directory_checked(struct directory *d)
{
	uint32_t no = d->current.no;
	uint32_t before = ledger_find(d->work.ledger, &d->check.digest);
	struct err err;

	if (before > 0 && before < no && d->again == DIRECTORY_SKIP &&
	    d->check.bytes > 0 && !directory_is_spent(d)) {
		directory_repeated(d, before);
		return;
	}
	if (before != no &&
	    ledger_add(d->work.ledger, no, &d->check.digest,
		work_name_of(&d->current), &err) < 0) {
		directory_trouble(d, errno, &err);
		return;
	}
	fault_point("directory-ledger");
	if (directory_is_spent(d)) {
		directory_finish(d, FATE_DONE, 0, -1);
	} else if (d->check.bytes == 0) {
		directory_put_now(d, FATE_DONE);
	} else {
		d->phase = PHASE_BEGIN;
		task_set(d->task);
	}
}

/* --- the second reading -------------------------------------------------- */

/* Goes on at the position that was committed? */
static bool
directory_is_resumed(const struct directory *d)
{
	const struct position *pos = &d->tail.pos;

	return pos->file_no == d->current.no && pos->offset > 0;
}

static void
directory_begin(struct directory *d)
{
	char path[STAGE_PATH_MAX];
	struct piece piece;
	struct err err;

	directory_path(d, path, sizeof(path));
	if (piece_open_at(
		&piece, d->work.claimed, d->current.name, path, &err) < 0) {
		if (errno == ENOENT)
			directory_refuse(d, STAGE_LOSS_MISSING, -1,
			    "it was taken away before it was read");
		else
			directory_trouble(d, errno, &err);
		return;
	}
	d->mtime = piece.st.st_mtim;
	if (!directory_is_resumed(d)) {
		d->tail.pos.file_no = d->current.no - 1;
		tail_begin(&d->tail, &piece, 0);
		d->tail.pos.size_seen = d->check.bytes;
	} else if (piece_matches(&piece, &d->tail.pos) == MATCH_NONE) {
		piece_close(&piece);
		directory_refuse(d, STAGE_LOSS_TRUNCATED, -1,
		    "it was changed after a part of it was read");
		return;
	} else {
		tail_resume(&d->tail, &piece);
	}
	directory_is_well(d);
	d->phase = PHASE_READ;
	d->heard_us = clock_wall_us();
	fault_point("directory-begun");
	task_set(d->task);
}

/* At its end: is somebody still writing to it? */
static void
directory_at_end(struct directory *d)
{
	struct tail *tail = &d->tail;
	const struct timespec *mtime = &tail->piece.st.st_mtim;

	tail_stat(tail, NULL);
	if (tail_has_more(tail)) {
		task_set(d->task);
		return;
	}
	if (mtime->tv_sec != d->mtime.tv_sec ||
	    mtime->tv_nsec != d->mtime.tv_nsec) {
		d->mtime = *mtime;
		d->retry_us = clock_mono_us() +
		    RT_MAX(d->rules.settle_us, DIRECTORY_RETRY_US);
		timer_set(d->timer,
		    RT_MIN(d->retry_us - clock_mono_us(), d->poll_us));
		return;
	}
	tail_offer(tail, d->up, true);
	tail->pos.size_seen = tail->pos.offset;
	directory_finish(d, FATE_DONE, tail->pos.offset,
	    tail->piece.gzip ? -1 : (int64_t)tail->piece.st.st_size);
	tail_close(tail);
	fault_point("directory-finished");
}

static void
directory_read(struct directory *d)
{
	struct err err;

	tail_offer(&d->tail, d->up, false); /* left when we were paused */
	if (d->paused)
		return;
	switch (tail_read(&d->tail, &err)) {
	case TAIL_MORE:
		directory_is_well(d);
		tail_offer(&d->tail, d->up, false);
		task_set(d->task);
		break;
	case TAIL_END:
		directory_at_end(d);
		break;
	case TAIL_CHANGED:
		directory_refuse(d, STAGE_LOSS_TRUNCATED, -1,
		    "it was changed while it was read");
		break;
	case TAIL_DAMAGED:
		directory_refuse(d, STAGE_LOSS_DAMAGED, -1, err.text);
		break;
	case TAIL_FAILED:
		if (errno == EIO && d->retries >= DIRECTORY_TRIES)
			directory_refuse(d, STAGE_LOSS_DAMAGED, -1, err.text);
		else
			directory_trouble(d, errno, &err);
		break;
	}
}

/* --- its turn ------------------------------------------------------------ */

void
directory_take_on(struct directory *d)
{
	const struct position *pos = &d->tail.pos;

	if (!directory_is_resumed(d))
		d->phase = PHASE_CHECK;
	else if (pos->inode == 0) /* refused before the restart */
		directory_finish(d, FATE_QUARANTINE, pos->offset, -1);
	else
		d->phase = PHASE_BEGIN;
}

void
directory_file_turn(struct directory *d)
{
	switch (d->phase) {
	case PHASE_CHECK:
		directory_check(d);
		break;
	case PHASE_CHECKED:
		directory_checked(d);
		break;
	case PHASE_BEGIN:
		directory_begin(d);
		break;
	case PHASE_READ:
		directory_read(d);
		break;
	default:
		BUG("no file is in hand");
	}
}
