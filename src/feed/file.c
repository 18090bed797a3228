/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport `file`: follows a log through everything that is done to it.
 *
 * One piece of the log is open at any time (file_tail.c), the one at the
 * configured path or one that was put aside. When it has no more bytes, a look
 * at the path tells what goes on:
 *
 * - the same file: we are at the present end;
 * - nothing: it was renamed or removed, and its writer goes on writing to it
 *   until it is told to open a new one; so do we go on reading it;
 * - another file: ours has a successor. As long as that is empty the writer
 *   has not opened it: logrotate creates it first and tells the writer later.
 *   Once something stands in it, and ours was quiet for a poll_ms, ours is
 *   finished, and its last line handed over even without a line end. The next
 *   piece is the oldest one that was put aside after ours, if several
 *   rotations happened meanwhile (file_siblings.c), else the file at the path.
 *   A file that never gets quiet is never left, and one that was left is
 *   looked after for a while: what is written to it then is reported as lost.
 *
 * When bytes that were read have changed (file_tail.c), when the handle went
 * stale, and at the start, the file of our position is looked for
 * (file_find.c), and what it is decides:
 *
 * - the same file, or one with the same inode or the same first bytes that is
 *   at least as long: go on there. A log that was moved to another disk,
 *   compressed, copied aside by copytruncate, or replaced by an editor's copy;
 * - such a one that is shorter: a backup was restored, the last lines were cut
 *   off, or lost when the power failed before their writer synced them. All it
 *   holds was counted, so we go on at its end;
 * - none: a truncated or removed log without a copy. What was seen of it and
 *   not read is reported as lost; the file at the path begins at 0.
 *
 * Limits. A last line that is rewritten in place is noticed when it differs in
 * the last TAIL_SEEN bytes before our place; what was counted of it stays. It
 * is not noticed when it happened while the daemon was down, when only the
 * first bytes are compared. For the same reason lines are left out that were
 * written after the power failed and before the daemon ran again, as far as
 * they stand where others had been counted. Two pieces compressed in the same
 * second by a tool that keeps whole seconds only may change places.
 */
#include "base/base.h"

#include <fcntl.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/option.h"
#include "feed/file_inner.h"
#include "feed/file_watch.h"
#include "feed/transports.h"
#include "io/loop.h"

#define FILE_OLD_US	  (60 * USEC_PER_SEC) /* not written to lately */
#define FILE_LEFT_US	  (60 * USEC_PER_SEC) /* look after it so long */
#define FILE_NAG_US	  (60 * USEC_PER_SEC)
#define FILE_RETRY_US	  (100 * USEC_PER_MSEC) /* doubled each time ... */
#define FILE_RETRY_MAX_US (10 * USEC_PER_SEC)	/* ... up to this */
#define FILE_ONCE_TRIES	  8 /* --once gives a failing file up */

struct file_options {
	char *path;
	int start;
	int64_t poll_ms;
};

enum file_start { FILE_START_BEGINNING, FILE_START_END };

static void
file_set_idle(struct file *f, bool idle)
{
	if (idle == f->idle)
		return;
	f->idle = idle;
	f->up->idle(f->up, idle);
}

void
file_wait(struct file *f)
{
	f->done = f->once;
	if (f->done)
		timer_unset(f->timer);
	file_set_idle(f, true);
}

/* What /readyz and the feed's row in the database say, too. */
static void
file_set_trouble(struct file *f, const char *text)
{
	if (strcmp(f->trouble.text, text) == 0)
		return;
	snprintf(f->trouble.text, sizeof(f->trouble.text), "%s", text);
	if (f->up->changed != NULL)
		f->up->changed(f->up);
}

void
file_trouble(struct file *f, int error, const struct err *err)
{
	int64_t delay = FILE_RETRY_US << RT_MIN(f->retries, 10U);

	f->retries++;
	delay = RT_MIN(delay, FILE_RETRY_MAX_US);
	f->retry_us = clock_mono_us() + delay;
	timer_set(f->timer, RT_MIN(delay, f->poll_us));
	if (f->once && f->up->failed != NULL &&
	    (error == EACCES || f->retries == FILE_ONCE_TRIES))
		f->up->failed(f->up, err->text);
	if (error == EAGAIN)
		return;
	file_set_trouble(f, err->text);
	if (error == f->said)
		return;
	f->said = error;
	if (error == ENOENT)
		log_note("feed %s: %s: waiting for it", f->feed, err->text);
	else
		log_warn("feed %s: %s: trying again", f->feed, err->text);
}

void
file_is_well(struct file *f)
{
	f->retries = 0;
	f->retry_us = 0;
	f->said = 0;
	f->stuck = false;
	file_set_trouble(f, "");
}

void
file_opened(struct file *f, const char *how)
{
	const struct position *pos = &f->tail.pos;

	log_info("feed %s: %s %s at byte %" PRId64, f->feed, how, pos->path,
	    pos->offset);
	f->superseded_us = 0;
	f->watched = f->check_head = f->damaged = false;
	file_is_well(f);
	file_watch_renew(f->watch, f->tail.piece.fd);
	file_set_idle(f, false);
	task_set(f->task);
}

/*
 * What was read is no longer what stands there. Our descriptor is of no more
 * use: the file is looked for as at the start.
 */
static void
file_changed(struct file *f)
{
	const struct position *pos = &f->tail.pos;

	tail_stat(&f->tail, NULL);
	log_warn("feed %s: %s was truncated or changed before byte %" PRId64
		 " (its size is %" PRId64 ")",
	    f->feed, pos->path, pos->offset, (int64_t)f->tail.piece.st.st_size);
	tail_close(&f->tail);
	find_start(f);
}

void
file_leave(struct file *f)
{
	finished_add(&f->finished, &f->tail.piece);
	piece_close(&f->left);
	if (f->tail.piece.gzip)
		return;
	f->left = f->tail.piece;
	f->left.fd = fcntl(f->tail.piece.fd, F_DUPFD_CLOEXEC, 3);
	f->left_at = f->tail.pos.offset;
	f->left_until_us = clock_mono_us() + FILE_LEFT_US;
}

static void
file_look_after_left(struct file *f)
{
	char why[2 * STAGE_PATH_MAX + 100];

	if (f->left.fd < 0)
		return;
	if (piece_stat(&f->left, NULL) == 0 &&
	    f->left.st.st_size > f->left_at) {
		snprintf(why, sizeof(why),
		    "%s was written to after %s had "
		    "taken its place",
		    f->left.path, f->tail.pos.path);
		f->up->lost(f->up, STAGE_LOSS_MISSING,
		    f->left.st.st_size - f->left_at, why);
		f->left_at = f->left.st.st_size;
	}
	if (clock_mono_us() > f->left_until_us)
		piece_close(&f->left);
}

/* Stays with a file that has a successor, and says so if that lasts. */
static void
file_stay(struct file *f, int64_t quiet_in_us)
{
	int64_t now = clock_mono_us();

	if (quiet_in_us <= 0) {
		file_wait(f);
		return;
	}
	file_set_idle(f, false);
	timer_set(f->timer, RT_MIN(quiet_in_us, f->poll_us));
	if (now - f->nag_us < FILE_NAG_US)
		return;
	f->nag_us = now;
	log_warn("feed %s: %s is still written to, though %s is another file "
		 "by now; did its writer not open it again?",
	    f->feed, f->tail.pos.path, f->path);
}

/* Nobody has written to it for so long that a later piece may be read. */
static bool
file_is_old(const struct file *f)
{
	const struct timespec *t = &f->tail.piece.st.st_mtim;

	return clock_wall_us() - t->tv_sec * USEC_PER_SEC > FILE_OLD_US;
}

/* Another file is at the path. */
static void
file_superseded(struct file *f, const struct stat *current)
{
	bool final = f->tail.piece.gzip;
	int64_t now = clock_mono_us(), quiet_in;

	if (f->superseded_us == 0)
		f->superseded_us = f->nag_us = f->quiet_us = now;
	quiet_in = f->quiet_us + f->poll_us - now;
	if (quiet_in > 0 && !final && !file_is_old(f))
		file_stay(f, quiet_in);
	else if (!find_next(
		     f, final || (quiet_in <= 0 && current->st_size > 0)))
		file_stay(f, quiet_in);
}

/*
 * Nothing more to read at present. That reading works does not mend what is
 * wrong with the next one, which is tried again later and later.
 */
static void
file_at_end(struct file *f)
{
	const struct tail *tail = &f->tail;
	struct stat st;
	struct err err;

	if (!f->stuck)
		file_is_well(f);
	if (tail_stat(&f->tail, &err) == 0 && !tail->piece.gzip &&
	    tail->piece.st.st_size < tail->pos.offset) {
		file_changed(f);
		return;
	}
	if (tail_has_more(tail)) {
		task_set(f->task);
		return;
	}
	f->watched = true;
	if (stat(f->path, &st) == 0 && !piece_is(&tail->piece, &st)) {
		file_superseded(f, &st);
		return;
	}
	f->superseded_us = 0;
	file_is_well(f);
	if (f->check_head && !tail_head_holds(&f->tail)) {
		file_changed(f);
		return;
	}
	f->check_head = false;
	file_wait(f);
}

/* A compressed piece that breaks off: perhaps it is still being written. */
static void
file_damaged(struct file *f, const struct err *err)
{
	if (tail_stat(&f->tail, NULL) == 0 && !file_is_old(f)) {
		file_trouble(f, EBADMSG, err);
		tail_again(&f->tail);
		return;
	}
	f->up->lost(f->up, STAGE_LOSS_TRUNCATED, -1, err->text);
	f->damaged = true;
	tail_again(&f->tail); /* half a line more is of no use */
	file_at_end(f);
}

static void
file_failed(struct file *f, const struct err *err)
{
	int error = errno;

	if (error == ESTALE) {
		/* the file may live on under another handle */
		tail_close(&f->tail);
		f->watched = false;
	}
	file_trouble(f, error, err);
}

static void
file_read(struct file *f)
{
	struct err err;

	switch (tail_read(&f->tail, &err)) {
	case TAIL_MORE:
		f->quiet_us = clock_mono_us();
		file_set_idle(f, false);
		tail_offer(&f->tail, f->up, false);
		task_set(f->task);
		break;
	case TAIL_END:
		file_at_end(f);
		break;
	case TAIL_CHANGED:
		file_changed(f);
		break;
	case TAIL_DAMAGED:
		file_damaged(f, &err);
		break;
	case TAIL_FAILED:
		file_failed(f, &err);
		break;
	}
}

static void
file_turn_cb(void *ctx)
{
	struct file *f = ctx;

	if (f->paused || f->done || clock_mono_us() < f->retry_us)
		return;
	if (!tail_is_open(&f->tail)) {
		find_start(f);
		return;
	}
	tail_offer(&f->tail, f->up, false); /* left when we were paused */
	if (f->paused)
		return;
	if (f->damaged)
		file_at_end(f);
	else
		file_read(f);
}

static void
file_timer_cb(void *ctx)
{
	struct file *f = ctx;

	timer_set(f->timer, f->poll_us);
	file_watch_renew(f->watch, f->tail.piece.fd);
	file_look_after_left(f);
	f->check_head = true;
	if (f->paused && tail_is_open(&f->tail))
		tail_stat(&f->tail, NULL); /* what could be lost meanwhile */
	task_set(f->task);
}

static void
file_watch_cb(void *ctx)
{
	struct file *f = ctx;

	if (!tail_is_open(&f->tail))
		f->retry_us = 0; /* it may have appeared */
	task_set(f->task);
}

static int
file_check(const struct file_options *options, bool once, bool resumed,
    struct err *err)
{
	struct stat st;

	if (options->path == NULL || options->path[0] == '\0')
		return err_set(err, "the transport file needs a path");
	if (strlen(options->path) >= STAGE_PATH_MAX)
		return err_set(err, "the path is longer than %d bytes",
		    STAGE_PATH_MAX - 1);
	if (stat(options->path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(err, "%s is not a regular file", options->path);
	if (once && !resumed && access(options->path, R_OK) < 0)
		return err_sys(err, "%s", options->path);
	return 0;
}

static int
file_check_options(const void *options, bool files RT_UNUSED, struct err *err)
{
	return file_check(options, false, true, err);
}

static int
file_open(void **self, const struct stage_setup *setup, struct err *err)
{
	const struct file_options *options = setup->options;
	struct file *f;

	if (file_check(options, setup->once, setup->from->file_no > 0, err) < 0)
		return -1;
	f = mem_zalloc(sizeof(*f));
	f->feed = setup->feed;
	f->path = mem_strdup(options->path);
	f->poll_us = options->poll_ms * USEC_PER_MSEC;
	f->once = setup->once;
	f->lines = setup->framing == FRAMING_LINES;
	/* what was not there when we looked before is read from its start */
	f->at_end = (setup->at_end || options->start == FILE_START_END) &&
	    setup->from->none_us == 0;
	f->up = setup->up;
	f->left = PIECE_NONE;
	tail_init(&f->tail, setup->from);
	f->timer = timer_new(setup->loop, file_timer_cb, f);
	f->task = task_new(setup->loop, file_turn_cb, f);
	f->watch =
	    file_watch_new(setup->loop, f->feed, f->path, file_watch_cb, f);
	timer_set(f->timer, f->poll_us);
	file_watch_renew(f->watch, -1);
	task_set(f->task);
	*self = f;
	return 0;
}

static void
file_pause(void *self, bool paused)
{
	struct file *f = self;

	f->paused = paused;
	if (paused)
		return;
	f->tail.offered = false; /* what was refused is to be offered again */
	task_set(f->task);
}

static void
file_position(void *self, struct position *position)
{
	const struct file *f = self;

	*position = f->tail.pos;
}

static void
file_status(void *self, struct stage_status *status)
{
	const struct file *f = self;

	*status =
	    (struct stage_status){.connected = f->trouble.text[0] == '\0'};
	snprintf(status->text, sizeof(status->text), "%.*s",
	    (int)sizeof(status->text) - 1, f->trouble.text);
}

static void
file_close(void *self, const char *reason)
{
	struct file *f = self;

	log_info("feed %s: %s closed at byte %" PRId64 ": %s", f->feed, f->path,
	    f->tail.pos.offset, reason);
	file_watch_free(f->watch);
	timer_free(f->timer);
	task_free(f->task);
	piece_close(&f->left);
	tail_fini(&f->tail);
	free(f->path);
	free(f);
}

static const char *const file_starts[] = {
    [FILE_START_BEGINNING] = "beginning",
    [FILE_START_END] = "end",
    NULL,
};

static const struct option_row file_options[] = {
    {.name = "path",
	.group = "feeds",
	.type = OPTION_TEXT,
	.offset = offsetof(struct file_options, path),
	.unit = "",
	.required = true,
	.help = "The log to follow. It need not exist yet, may be a symbolic "
		"link, and may be rotated in any of the usual ways."},
    {.name = "start",
	.group = "feeds",
	.type = OPTION_CHOICE,
	.offset = offsetof(struct file_options, start),
	.preset = "beginning",
	.unit = "",
	.choices = file_starts,
	.help = "Where to begin when the feed is read for the first time: at "
		"the log's beginning, or at its present end."},
    {.name = "poll_ms",
	.group = "feeds",
	.type = OPTION_INT,
	.offset = offsetof(struct file_options, poll_ms),
	.preset = "1000",
	.min = 10,
	.max = 60000,
	.unit = "ms",
	.help = "How often to look for changes that inotify does not tell, as "
		"on network file systems; and how long a rotated log must have "
		"been quiet before its successor is read."},
    {.name = NULL},
};

const struct stage file_stage = {
    .name = "file",
    .kind = STAGE_TRANSPORT,
    .traits = STAGE_REPLAYABLE,
    .help = "Follows a log file through rotation, truncation and restarts.",
    .options = file_options,
    .options_size = sizeof(struct file_options),
    .check = file_check_options,
    .open = file_open,
    .pause = file_pause,
    .position = file_position,
    .status = file_status,
    .close = file_close,
};
