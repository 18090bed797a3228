/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport `directory`: a folder where finished files are dropped, as
 * Cisco's CUCM, collectors and SFTP do with call records. Each is counted
 * once, in order, and moved away.
 *
 * The life of one file. A look into the folder finds it, and once it has
 * settled (directory_look.h) it is *claimed*: moved by rename into a folder of
 * our own (directory_work.h) under the next number. Numbers are the order in
 * which files are read, and position.file_no. It is read once to its end
 * without counting (directory_check.h): what can not be read as a whole goes
 * to quarantine, and what came before, by name and content, is passed over.
 * Its line is written into the ledger, and then it is read as any file is,
 * through feed/file_tail.h. When the database has committed a position behind
 * it, it is done, and moved once more.
 *
 * What a crash leaves behind tells by itself how to go on. A file still in the
 * folder was not begun. Claimed ones are read in the order of their numbers:
 * those below the committed position are done and only to be put away, the one
 * at the position goes on at its offset, those above it begin. No order of
 * rename, ledger and commit needs more than that, so long as
 *
 * - claims are on the disk before anything is handed over (work_sync): else a
 *   power cut could put a counted file back into the folder;
 * - the ledger is on the disk before a file is put away: until then its number
 *   and content can be had from the claimed file;
 * - files are put away only when they are committed, and can be taken back: a
 *   database server that crashes, or a standby that takes over, may forget its
 *   last commits. So files to be deleted stay for DELETE_AFTER_US more.
 */
#include "base/base.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/option.h"
#include "feed/directory_inner.h"
#include "feed/file_watch.h"
#include "feed/transports.h"
#include "io/loop.h"

#define DIRECTORY_CLAIMS       256   /* at a time: one sync for all of them */
#define DIRECTORY_UNCOMMITTED  10000 /* files; then the reading waits */
#define DIRECTORY_RETRY_MAX_US (10 * USEC_PER_SEC) /* ... up to this */
#define DIRECTORY_LOOK_SHARE   10 /* of the time goes to looks at most */

struct directory_options {
	char *folder;
	char **include, **exclude;
	int order;
	int64_t settle_us;
	int after;
	int again;
	int64_t remember;
	int64_t poll_ms;
};

/* --- saying how it goes -------------------------------------------------- */

void
directory_set_idle(struct directory *d, bool idle)
{
	if (idle == d->idle)
		return;
	d->idle = idle;
	d->up->idle(d->up, idle);
}

static bool
directory_is_lasting(int error)
{
	return error == EACCES || error == EPERM || error == EROFS ||
	    error == ENOENT || error == ENOTDIR || error == EBUSY;
}

/* Says it once, and tries again later and later. */
void
directory_trouble(struct directory *d, int error, const struct err *err)
{
	int64_t delay = DIRECTORY_RETRY_US << RT_MIN(d->retries, 10U);

	d->retries++;
	delay = RT_MIN(delay, DIRECTORY_RETRY_MAX_US);
	d->retry_us = clock_mono_us() + delay;
	timer_set(d->timer, RT_MIN(delay, d->poll_us));
	snprintf(d->trouble, sizeof(d->trouble), "%s", err->text);
	if (d->once && d->up->failed != NULL &&
	    (directory_is_lasting(error) || d->retries == DIRECTORY_TRIES))
		d->up->failed(d->up, err->text);
	if (error == d->said)
		return;
	d->said = error;
	if (error == ENOENT)
		log_note("feed %s: %s: waiting for it", d->feed, err->text);
	else
		log_warn("feed %s: %s: trying again", d->feed, err->text);
}

void
directory_is_well(struct directory *d)
{
	d->retries = 0;
	d->retry_us = 0;
	d->said = 0;
	d->trouble[0] = '\0';
}

/* --- which file comes next ----------------------------------------------- */

static void
directory_take(struct directory *d)
{
	d->current = d->claims.v[d->at++];
	if (d->at == d->claims.n)
		d->at = d->claims.n = 0;
	directory_set_idle(d, false);
	directory_take_on(d);
	task_set(d->task);
}

/* Claims some of what the look has found. */
static void
directory_claim(struct directory *d)
{
	struct claim claim;
	const char *name;
	struct err err;
	int i, rc;

	for (i = 0; i < DIRECTORY_CLAIMS; i++) {
		name = look_next(d->look);
		if (name == NULL)
			break;
		rc = work_claim(&d->work, name, &claim, &err);
		if (rc > 0) {
			claims_add(&d->claims, &claim);
			d->unsynced = true;
		} else if (rc < 0 && (errno == EACCES || errno == EPERM)) {
			/* this one only, as in a folder with a sticky bit */
			log_limited(&d->limit, LOG_LEVEL_WARN,
			    "feed %s: %s: it stays where it is", d->feed,
			    err.text);
		} else if (rc < 0) {
			directory_trouble(d, errno, &err);
			look_put_back(d->look); /* no other before it */
			break;
		}
	}
	task_set(d->task);
}

static void
directory_look(struct directory *d)
{
	int64_t now = clock_mono_us(), took;
	struct err err;

	if (look_some(d->look) < 0) {
		err_sys(&err, "reading the folder %s", d->folder);
		directory_trouble(d, errno, &err);
		d->hint = true;
		return;
	}
	task_set(d->task);
	if (look_is_running(d->look))
		return;
	directory_is_well(d);
	now = clock_mono_us();
	took = now - d->look_began_us;
	d->look_not_before_us =
	    now + RT_MIN(took * DIRECTORY_LOOK_SHARE, d->poll_us);
}

/* Nothing to do: until something changes, or with --once for good. */
static void
directory_wait(struct directory *d)
{
	int64_t now = clock_mono_us(), due = look_due_us(d->look);
	int64_t delay = d->poll_us;

	if (d->hint)
		due = RT_MIN(due, d->look_not_before_us);
	if (due != INT64_MAX)
		delay = RT_MIN(delay, RT_MAX(due - now, USEC_PER_MSEC));
	if (d->once && !d->hint && !look_is_promising(d->look)) {
		d->done = true;
		timer_unset(d->timer);
	} else {
		timer_set(d->timer, delay);
	}
	if (!d->once || d->done)
		directory_set_idle(d, true);
}

static void
directory_next(struct directory *d)
{
	struct err err;

	if (d->unsynced && work_sync(&d->work, &err) < 0) {
		directory_trouble(d, errno, &err);
		return;
	}
	d->unsynced = false;
	if (d->n_finished - d->put > DIRECTORY_UNCOMMITTED && !d->once)
		return; /* until they are committed: see directory_committed */
	if (d->at < d->claims.n) {
		directory_take(d);
	} else if (look_is_running(d->look)) {
		directory_look(d);
	} else if (look_left(d->look) > 0) {
		directory_claim(d);
	} else if (d->hint && clock_mono_us() >= d->look_not_before_us) {
		d->hint = false;
		d->look_began_us = clock_mono_us();
		if (look_begin(d->look, d->work.folder) < 0) {
			err_sys(&err, "reading the folder %s", d->folder);
			directory_trouble(d, errno, &err);
			d->hint = true;
			return;
		}
		task_set(d->task);
	} else {
		directory_wait(d);
	}
}

/* --- beginning ----------------------------------------------------------- */

/* The file of the position is among those that are claimed. */
static bool
directory_has(const struct directory *d, uint32_t no)
{
	size_t i;

	for (i = 0; i < d->claims.n; i++)
		if (d->claims.v[i].no == no)
			return true;
	return false;
}

/* We were reading it, and it is nowhere. */
static void
directory_report_gone(struct directory *d)
{
	char why[STAGE_PATH_MAX + 100];
	struct position *pos = &d->tail.pos;

	if (pos->file_no == 0 || pos->offset >= pos->size_seen ||
	    directory_has(d, pos->file_no))
		return;
	snprintf(
	    why, sizeof(why), "%s, which was being read, is gone", pos->path);
	d->up->lost(
	    d->up, STAGE_LOSS_MISSING, pos->size_seen - pos->offset, why);
	pos->size_seen = pos->offset; /* said once */
}

/* Where the database knows less than was put away. */
static int
directory_take_back(struct directory *d, struct err *err)
{
	const struct position *pos = &d->tail.pos;
	uint32_t last = ledger_last(d->work.ledger);
	int taken;

	if (pos->file_no == 0) {
		if (last > 0)
			log_warn("feed %s: %s: %" PRIu32
				 " files were read for a feed of this name "
				 "that the database does not know: they are "
				 "not read again",
			    d->feed, d->folder, last);
		return 0;
	}
	taken = work_take_back(&d->work,
	    pos->file_no + (pos->offset >= pos->size_seen), pos->file_no + 1,
	    err);
	if (taken > 0)
		log_warn("feed %s: %s: the database does not know of the last "
			 "%d files any more: they are read again",
		    d->feed, d->folder, taken);
	return taken < 0 ? -1 : 0;
}

static void
directory_start(struct directory *d)
{
	struct err err;

	d->claims.n = d->at = 0;
	d->put = d->n_finished = 0;
	if (work_open(&d->work, d->folder, d->feed, d->remember, &err) < 0)
		goto failed;
	d->work.last_no = RT_MAX(d->work.last_no, d->tail.pos.file_no);
	if (directory_take_back(d, &err) < 0 ||
	    work_list(&d->work, &d->claims, &err) < 0)
		goto failed;
	directory_report_gone(d);
	/* to be deleted as if they had been put away now */
	if (d->tail.pos.file_no > 0)
		directory_mark(d,
		    d->tail.pos.file_no -
			(d->tail.pos.offset < d->tail.pos.size_seen));
	look_free(d->look);
	d->look = look_new(&d->rules);
	d->phase = PHASE_NONE;
	d->hint = true;
	d->since_us = clock_wall_us();
	directory_is_well(d);
	log_info("feed %s: reads the folder %s, from file %" PRIu32 " on",
	    d->feed, d->folder, RT_MAX(d->tail.pos.file_no, 1U));
	task_set(d->task);
	return;
failed:
	directory_trouble(d, errno, &err);
	work_close(&d->work);
	if (!d->once)
		directory_set_idle(d, true);
}

/* Another folder has its name by now: it was mounted, or made anew. */
static void
directory_check_folder(struct directory *d)
{
	struct stat now, ours;

	if (d->phase != PHASE_NONE || stat(d->folder, &now) < 0 ||
	    fstat(d->work.folder, &ours) < 0 ||
	    (now.st_dev == ours.st_dev && now.st_ino == ours.st_ino))
		return;
	log_note("feed %s: %s is another folder by now", d->feed, d->folder);
	work_close(&d->work);
	d->phase = PHASE_CLOSED;
}

static void
directory_turn_cb(void *ctx)
{
	struct directory *d = ctx;

	if (clock_mono_us() < d->retry_us || !directory_put_away(d) ||
	    d->paused || d->done)
		return;
	switch (d->phase) {
	case PHASE_CLOSED:
		directory_start(d);
		break;
	case PHASE_NONE:
		directory_next(d);
		break;
	default:
		directory_file_turn(d);
	}
}

static void
directory_timer_cb(void *ctx)
{
	struct directory *d = ctx;

	timer_set(d->timer, d->poll_us);
	file_watch_renew(d->watch, -1);
	directory_check_folder(d);
	directory_delete(d);
	d->hint = true;
	task_set(d->task);
}

static void
directory_watch_cb(void *ctx)
{
	struct directory *d = ctx;

	d->hint = true;
	task_set(d->task);
}

/* --- the stage ----------------------------------------------------------- */

static char **
directory_copy_texts(char *const *texts)
{
	char **copy;
	size_t n = 0, i;

	if (texts == NULL)
		return NULL;
	while (texts[n] != NULL)
		n++;
	copy = mem_zalloc((n + 1) * sizeof(*copy));
	for (i = 0; i < n; i++)
		copy[i] = mem_strdup(texts[i]);
	return copy;
}

static void
directory_free_texts(char **texts)
{
	size_t i;

	for (i = 0; texts != NULL && texts[i] != NULL; i++)
		free(texts[i]);
	free(texts);
}

static int
directory_check_options(
    const void *value, bool files RT_UNUSED, struct err *err)
{
	const struct directory_options *options = value;
	struct stat st;

	if (options->folder == NULL || options->folder[0] == '\0')
		return err_set(err, "the transport directory needs a folder");
	if (strlen(options->folder) >= STAGE_PATH_MAX - WORK_NAME_MAX)
		return err_set(err, "the folder's path is longer than %d bytes",
		    STAGE_PATH_MAX - WORK_NAME_MAX - 1);
	if (stat(options->folder, &st) == 0 && !S_ISDIR(st.st_mode))
		return err_set(err, "%s is not a folder", options->folder);
	return 0;
}

static void
directory_set_options(
    struct directory *d, const struct directory_options *options)
{
	size_t size = strlen(options->folder) + 2;

	d->folder = mem_strdup(options->folder);
	d->watched = mem_alloc(size);
	snprintf(d->watched, size, "%s/", d->folder);
	d->include = directory_copy_texts(options->include);
	d->exclude = directory_copy_texts(options->exclude);
	d->rules =
	    (struct look_rules){.include = (const char *const *)d->include,
		.exclude = (const char *const *)d->exclude,
		.settle_us = options->settle_us,
		.order = (enum look_order)options->order};
	d->after = (enum directory_after)options->after;
	d->again = (enum directory_again)options->again;
	d->remember = (size_t)options->remember;
	d->poll_us = options->poll_ms * USEC_PER_MSEC;
}

static int
directory_open(void **self, const struct stage_setup *setup, struct err *err)
{
	const struct directory_options *options = setup->options;
	struct directory *d;

	if (directory_check_options(options, false, err) < 0)
		return -1;
	d = mem_zalloc(sizeof(*d));
	d->feed = setup->feed;
	directory_set_options(d, options);
	d->most = setup->framing == FRAMING_DOCUMENT ? STAGE_RECORD_MAX : 0;
	d->once = setup->once;
	d->up = setup->up;
	d->work = WORK_NONE;
	d->look = look_new(&d->rules);
	d->committed = *setup->from;
	tail_init(&d->tail, setup->from);
	d->timer = timer_new(setup->loop, directory_timer_cb, d);
	d->task = task_new(setup->loop, directory_turn_cb, d);
	d->watch = file_watch_new(
	    setup->loop, d->feed, d->watched, directory_watch_cb, d);
	timer_set(d->timer, d->poll_us);
	file_watch_renew(d->watch, -1);
	task_set(d->task);
	*self = d;
	return 0;
}

static void
directory_pause(void *self, bool paused)
{
	struct directory *d = self;

	d->paused = paused;
	if (paused)
		return;
	d->tail.offered = false; /* what was refused is to be offered again */
	task_set(d->task);
}

static void
directory_position(void *self, struct position *position)
{
	const struct directory *d = self;

	*position = d->tail.pos;
}

static void
directory_committed(void *self, const struct position *position)
{
	struct directory *d = self;

	d->committed = *position;
	/* with --once there may be no other turn */
	while (directory_put_away(d) && d->once && d->put < d->n_finished &&
	    directory_is_committed(d, &d->finished[d->put]))
		;
	task_set(d->task);
}

static void
directory_status(void *self, struct stage_status *status)
{
	const struct directory *d = self;
	size_t waiting = look_left(d->look) + d->claims.n - d->at;

	*status = (struct stage_status){.connected = d->phase != PHASE_CLOSED,
	    .since_us = d->since_us,
	    .heard_us = d->heard_us};
	if (d->trouble[0] != '\0')
		snprintf(
		    status->text, sizeof(status->text), "%.250s", d->trouble);
	else
		snprintf(status->text, sizeof(status->text),
		    "%zu files found and not yet read; since the start %" PRIu64
		    " to quarantine, %" PRIu64 " passed over as repeated",
		    waiting, d->refused, d->repeated);
}

static void
directory_close(void *self, const char *reason)
{
	struct directory *d = self;

	log_info("feed %s: %s closed at file %" PRIu32 ", byte %" PRId64 ": %s",
	    d->feed, d->folder, d->tail.pos.file_no, d->tail.pos.offset,
	    reason);
	file_watch_free(d->watch);
	timer_free(d->timer);
	task_free(d->task);
	check_end(&d->check);
	tail_fini(&d->tail);
	work_close(&d->work);
	look_free(d->look);
	directory_free_texts(d->include);
	directory_free_texts(d->exclude);
	free(d->claims.v);
	free(d->finished);
	free(d->folder);
	free(d->watched);
	free(d);
}

static const char *const directory_orders[] = {
    [LOOK_BY_NAME] = "name", [LOOK_BY_TIME] = "time", NULL};
static const char *const directory_afters[] = {
    [DIRECTORY_KEEP] = "keep", [DIRECTORY_DELETE] = "delete", NULL};
static const char *const directory_agains[] = {
    [DIRECTORY_SKIP] = "skip", [DIRECTORY_COUNT] = "count", NULL};

#define DIRECTORY_ROW(name_, type_, member)             \
	.name = name_, .group = "feeds", .type = type_, \
	.offset = offsetof(struct directory_options, member)

static const struct option_row directory_options[] = {
    {DIRECTORY_ROW("folder", OPTION_TEXT, folder), .unit = "", .required = true,
	.help = "The folder that finished files are dropped into. ringtally "
		"must be able to write there: it moves what it has read into "
		"the folder .ringtally within it."},
    {DIRECTORY_ROW("include", OPTION_TEXTS, include), .unit = "",
	.help = "Patterns of the names to read, such as \"cdr_*\"; one that "
		"fits is enough. All, when none is given."},
    {DIRECTORY_ROW("exclude", OPTION_TEXTS, exclude), .unit = "",
	.help = "Patterns of the names to leave alone. Names that begin with a "
		"point, or end with .tmp, .part, .filepart or ~, always are."},
    {DIRECTORY_ROW("order", OPTION_CHOICE, order), .preset = "name", .unit = "",
	.choices = directory_orders,
	.help = "In which order to read the files that one look finds: by "
		"name, byte for byte, or by the time of their last change."},
    {DIRECTORY_ROW("settle_s", OPTION_SECS, settle_us), .preset = "5", .min = 0,
	.max = 86400, .unit = "s",
	.help = "How long a file must have been unchanged to be finished. 0: "
		"it is taken at first sight, which is right where files are "
		"renamed into the folder, and nowhere else."},
    {DIRECTORY_ROW("after", OPTION_CHOICE, after), .preset = "keep", .unit = "",
	.choices = directory_afters,
	.help = "What becomes of a file that was counted: it is kept, in "
		".ringtally/FEED/done, or deleted ten minutes later."},
    {DIRECTORY_ROW("again", OPTION_CHOICE, again), .preset = "skip", .unit = "",
	.choices = directory_agains,
	.help = "A file that comes again, with the same name and the same "
		"content: pass over it, or count it again."},
    {DIRECTORY_ROW("remember", OPTION_INT, remember), .preset = "10000",
	.min = 1, .max = 100000, .unit = "files",
	.help = "Of how many of the last files to know the names and contents, "
		"to tell those that come again."},
    {DIRECTORY_ROW("poll_ms", OPTION_INT, poll_ms), .preset = "5000", .min = 10,
	.max = 600000, .unit = "ms",
	.help = "How often to look for files that inotify does not tell of, "
		"as on network file systems."},
    {.name = NULL},
};

const struct stage directory_stage = {
    .name = "directory",
    .kind = STAGE_TRANSPORT,
    .traits = STAGE_REPLAYABLE | STAGE_LATE,
    .help = "Reads the finished files that are dropped into a folder, each "
	    "once.",
    .options = directory_options,
    .options_size = sizeof(struct directory_options),
    .check = directory_check_options,
    .open = directory_open,
    .pause = directory_pause,
    .position = directory_position,
    .committed = directory_committed,
    .status = directory_status,
    .close = directory_close,
};
