/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/strbuf.h"
#include "feed/spool_sync.h"

#define SYNC_MUCH	  (8 * 1024 * 1024)    /* is synced before its time */
#define SYNC_GATHER_US	  USEC_PER_MSEC	       /* between two writes */
#define SYNC_RETRY_US	  (50 * USEC_PER_MSEC) /* doubled each time ... */
#define SYNC_RETRY_MAX_US (3 * USEC_PER_SEC)   /* ... up to this */

struct sync {
	struct sync_setup setup;
	pthread_t thread;
	int wake_fd;

	/* Shared, under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct strbuf added;   /* entries not yet taken by the thread */
	uint64_t added_number; /* of the entry that would be added next */
	uint32_t sources;
	bool stop, retry, turn;
	struct sync_report *reports;
	size_t n_reports, cap_reports;
	struct sync_state state;

	/*
	 * The thread's own. kept[0..written) is in the file at `base`, and
	 * not synced; the rest is still to be written.
	 */
	struct strbuf kept;
	size_t written;
	uint64_t kept_number;	  /* of the entry behind kept */
	int fd;			  /* -1: a segment is to be begun */
	struct segment_head head; /* of the present segment */
	bool told;		  /* it was reported, so that it stays */
	int64_t base;
	int64_t wrote_us, synced_us; /* last, by the monotonic clock */
	int64_t retry_us;	     /* when something failed: not before */
	unsigned tries;		     /* that failed, one after the other */
};

/* Of the entry at kept[at], or of the one that would come there. */
static uint64_t
sync_number_at(const struct sync *s, size_t at)
{
	struct entry_head head;

	if (at == s->kept.n)
		return s->kept_number;
	memcpy(&head, s->kept.p + at, sizeof(head));
	return head.number;
}

/* --- files ---------------------------------------------------------------- */

static int
sync_pwrite(int fd, const char *bytes, size_t n, int64_t at)
{
	while (n > 0) {
		ssize_t put = pwrite(fd, bytes, n, (off_t)at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		if (put == 0) {
			errno = EIO; /* or this would go on for ever */
			return -1;
		}
		bytes += put;
		n -= (size_t)put;
		at += put;
	}
	return 0;
}

/* Begins a segment with kept[0]. The folder's entry is durable first. */
static int
sync_begin(struct sync *s, struct err *err)
{
	char name[SEGMENT_NAME], bytes[SEGMENT_BEGINS];
	struct segment_head head = {.no = s->setup.no,
	    .first = sync_number_at(s, 0),
	    .seed = s->setup.seed,
	    .begun_us = clock_wall_us(),
	    .sources = s->setup.sources,
	    .format = s->setup.format,
	    .id = s->setup.id};
	int fd, saved;

	segment_name(name, head.no);
	fd = openat(s->setup.folder_fd, name,
	    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, "making %s/%s", s->setup.folder, name);
	segment_head_put(bytes, &head);
	if (sync_pwrite(fd, bytes, sizeof(bytes), 0) < 0 ||
	    fsync(s->setup.folder_fd) < 0) {
		saved = errno;
		err_sys(err, "beginning %s/%s", s->setup.folder, name);
		unlinkat(s->setup.folder_fd, name, 0);
		close(fd);
		errno = saved;
		return -1;
	}
	fault_point("spool-segment");
	s->setup.no++;
	s->fd = fd;
	s->head = head;
	s->base = SEGMENT_BEGINS;
	s->written = 0;
	s->told = false;
	return 0;
}

/*
 * The present segment is of no more use behind `base`. Cutting it there is
 * only tidy: whoever reads it stops where the next one's numbers begin. One of
 * which the loop knows stays even if it is empty: with it alone it may be known
 * how the entries are numbered.
 */
static void
sync_give_up(struct sync *s)
{
	char name[SEGMENT_NAME];

	segment_name(name, s->head.no);
	if (s->base == SEGMENT_BEGINS && !s->told)
		unlinkat(s->setup.folder_fd, name, 0);
	else if (ftruncate(s->fd, (off_t)s->base) < 0)
		errno = 0;
	close(s->fd);
	s->fd = -1;
	s->written = 0;
}

static void
sync_report(struct sync *s)
{
	struct sync_report report = {.no = s->head.no,
	    .first = s->head.first,
	    .begun_us = s->head.begun_us,
	    .end = s->base,
	    .number = sync_number_at(s, 0)};
	size_t last;

	s->told = true;
	pthread_mutex_lock(&s->lock);
	last = s->n_reports - 1;
	if (s->n_reports > 0 && s->reports[last].no == report.no) {
		s->reports[last] = report;
	} else {
		if (s->n_reports == s->cap_reports) {
			s->cap_reports = s->cap_reports * 2 + 8;
			s->reports = mem_realloc(
			    s->reports, s->cap_reports, sizeof(*s->reports));
		}
		s->reports[s->n_reports++] = report;
	}
	pthread_mutex_unlock(&s->lock);
}

static void
sync_wake(const struct sync *s)
{
	uint64_t one = 1;

	/* EAGAIN: it is readable already */
	while (write(s->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
}

/* Makes durable what is written. */
static int
sync_flush(struct sync *s, struct err *err)
{
	int saved;

	s->synced_us = clock_mono_us();
	if (s->written == 0)
		return 0;
	fault_point("spool-written");
	if (fdatasync(s->fd) < 0) {
		saved = errno;
		err_sys(err, "syncing %s/%08" PRIu32 ".spool", s->setup.folder,
		    s->head.no);
		sync_give_up(s);
		errno = saved;
		return -1;
	}
	fault_point("spool-synced");
	s->base += (int64_t)s->written;
	s->kept.n -= s->written;
	memmove(s->kept.p, s->kept.p + s->written, s->kept.n);
	s->written = 0;
	if (s->kept.n == 0 && s->kept.cap > SYNC_MUCH)
		strbuf_fini(&s->kept);
	sync_report(s);
	return 0;
}

/* How many bytes, in whole entries, still go into the present segment. */
static size_t
sync_fits(const struct sync *s)
{
	int64_t at = s->base + (int64_t)s->written;
	int64_t room = s->setup.segment_bytes - at;
	size_t left = s->kept.n - s->written, n = 0;
	struct entry_head head;

	if ((int64_t)left <= room)
		return left;
	while (n < left) {
		memcpy(&head, s->kept.p + s->written + n, sizeof(head));
		if ((int64_t)(n + entry_size(head.length)) > room)
			break;
		n += entry_size(head.length);
	}
	if (n == 0 && at == SEGMENT_BEGINS) {
		memcpy(&head, s->kept.p, sizeof(head));
		n = entry_size(head.length);
	}
	return n;
}

/* Its head is durable, too: not only its entry in the folder. */
static int
sync_begin_durable(struct sync *s, struct err *err)
{
	if (sync_begin(s, err) < 0)
		return -1;
	if (fdatasync(s->fd) < 0) {
		err_sys(err, "syncing %s/%08" PRIu32 ".spool", s->setup.folder,
		    s->head.no);
		sync_give_up(s);
		return -1;
	}
	return 0;
}

static bool
sync_no_room(int error)
{
	return error == ENOSPC || error == EDQUOT;
}

/* Brings all of `kept` into segments, as many as it takes. */
static int
sync_write(struct sync *s, struct err *err)
{
	s->wrote_us = clock_mono_us();
	while (s->written < s->kept.n) {
		size_t n;

		if (s->fd < 0 && sync_begin(s, err) < 0)
			return -1;
		n = sync_fits(s);
		if (n == 0) {
			if (sync_flush(s, err) < 0)
				return -1;
			close(s->fd);
			s->fd = -1;
			continue;
		}
		if (sync_pwrite(s->fd, s->kept.p + s->written, n,
			s->base + (int64_t)s->written) < 0) {
			int saved = errno;

			err_sys(err, "writing %s/%08" PRIu32 ".spool",
			    s->setup.folder, s->head.no);
			/* what stands there now is written over, or cut off */
			if (!sync_no_room(saved))
				sync_give_up(s);
			errno = saved;
			return -1;
		}
		s->written += n;
	}
	return 0;
}

/* --- the thread ----------------------------------------------------------- */

static int64_t
sync_due_us(const struct sync *s)
{
	if (s->kept.n > SYNC_MUCH)
		return 0;
	return s->synced_us + s->setup.sync_us;
}

/* When there will be something to do: INT64_MAX: when something comes. */
static int64_t
sync_next_us(const struct sync *s)
{
	bool new = s->added.n > 0;

	if (s->stop || s->turn || (s->tries > 0 && s->retry))
		return 0;
	if (s->tries > 0)
		return s->retry_us;
	if (new)
		return RT_MIN(s->wrote_us + SYNC_GATHER_US, sync_due_us(s));
	return s->kept.n > 0 ? sync_due_us(s) : INT64_MAX;
}

/* Under the lock. */
static void
sync_wait(struct sync *s)
{
	int64_t at;

	while ((at = sync_next_us(s)) > clock_mono_us()) {
		struct timespec ts = {.tv_sec = at / USEC_PER_SEC,
		    .tv_nsec = at % USEC_PER_SEC * 1000};

		if (at == INT64_MAX)
			pthread_cond_wait(&s->cond, &s->lock);
		else
			pthread_cond_timedwait(&s->cond, &s->lock, &ts);
	}
	s->retry = false;
}

/* Under the lock: what was added is the thread's from now on. */
static void
sync_take(struct sync *s)
{
	if (s->kept.n == 0) {
		struct strbuf empty = s->kept;

		s->kept = s->added;
		s->added = empty;
	} else {
		strbuf_add(&s->kept, s->added.p, s->added.n);
	}
	s->added.n = 0;
	s->kept_number = s->added_number;
	s->setup.sources = s->sources;
}

/* Tells how it went. error: 0: well. */
static void
sync_tell(struct sync *s, int error, const struct err *err)
{
	pthread_mutex_lock(&s->lock);
	s->state.error = error;
	if (error != 0) {
		s->state.fails++;
		snprintf(
		    s->state.text, sizeof(s->state.text), "%.255s", err->text);
	}
	pthread_mutex_unlock(&s->lock);
	sync_wake(s);
}

static void
sync_failed(struct sync *s, int error, const struct err *err)
{
	int64_t delay = SYNC_RETRY_US << RT_MIN(s->tries, 10U);

	/* the first time at once: a new segment may be all it takes */
	if (s->tries++ == 0 && !sync_no_room(error))
		delay = 0;
	s->retry_us = clock_mono_us() + RT_MIN(delay, SYNC_RETRY_MAX_US);
	sync_tell(s, error, err);
}

static int
sync_work(struct sync *s, bool now, struct err *err)
{
	uint64_t number = sync_number_at(s, 0);
	int rc = sync_write(s, err);

	if (rc == 0 && (now || clock_mono_us() >= sync_due_us(s)))
		rc = sync_flush(s, err);
	if (rc < 0) {
		sync_failed(s, errno, err);
	} else if (s->tries > 0 && s->written == 0) {
		s->tries = 0;
		sync_tell(s, 0, NULL);
	} else if (sync_number_at(s, 0) != number) {
		sync_wake(s);
	}
	return rc;
}

/* See sync_turn. */
static int
sync_turn_over(struct sync *s, struct err *err)
{
	struct err unused;
	int rc = sync_work(s, true, err);

	if (rc < 0 || (s->fd >= 0 && s->base == SEGMENT_BEGINS))
		return rc;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	if (sync_begin_durable(s, &unused) < 0)
		return 0;
	fault_point("spool-turned");
	sync_report(s);
	sync_wake(s);
	return 0;
}

/* Says that the segment ends here, and was not cut off. */
static void
sync_finish(struct sync *s)
{
	struct record end = {.bytes = SLICE(""), .kind = ENTRY_END};
	char entry[sizeof(struct entry_head) + 8];

	if (s->fd >= 0 && s->base == SEGMENT_BEGINS)
		sync_give_up(s);
	if (s->fd < 0 || s->kept.n > 0)
		return;
	entry_put(entry, &end, s->kept_number, s->setup.seed);
	if (sync_pwrite(s->fd, entry, entry_size(0), s->base) < 0 ||
	    fdatasync(s->fd) < 0)
		errno = 0; /* it is only missed where damage follows */
}

static void *
sync_thread(void *arg)
{
	struct sync *s = arg;
	struct err err;
	bool stop, turn;
	int rc;

	do {
		pthread_mutex_lock(&s->lock);
		sync_wait(s);
		turn = s->turn;
		s->turn = false;
		if (!turn)
			sync_take(s);
		stop = s->stop && !turn;
		pthread_mutex_unlock(&s->lock);
		/* after a failure only a sync shows that all is well again */
		rc = turn ? sync_turn_over(s, &err)
			  : sync_work(s, stop || s->tries > 0, &err);
	} while (!stop);
	if (rc < 0)
		sync_work(s, true, &err);
	sync_finish(s);
	return NULL;
}

/* --- the loop's side ------------------------------------------------------ */

/* Signals are the loop's: none may come to the thread, SIGXFSZ neither. */
static int
sync_run(struct sync *s, struct err *err)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&s->thread, NULL, sync_thread, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0) {
		errno = rc;
		return err_sys(
		    err, "starting a thread for %s", s->setup.folder);
	}
	return 0;
}

static void
sync_free(struct sync *s)
{
	if (s->fd >= 0)
		close(s->fd);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	pthread_cond_destroy(&s->cond);
	pthread_mutex_destroy(&s->lock);
	strbuf_fini(&s->added);
	strbuf_fini(&s->kept);
	free(s->reports);
	free(s);
}

struct sync *
sync_start(const struct sync_setup *setup, struct err *err)
{
	struct sync *s = mem_zalloc(sizeof(*s));
	pthread_condattr_t attr;

	s->setup = *setup;
	s->fd = -1;
	s->added_number = s->kept_number = setup->number;
	s->sources = setup->sources;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->cond, &attr);
	pthread_condattr_destroy(&attr);
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->wake_fd < 0)
		err_sys(err, "eventfd");
	else if (sync_begin_durable(s, err) == 0) {
		s->told = true;
		if (sync_run(s, err) == 0)
			return s;
		s->told = false;
	}
	if (s->fd >= 0)
		sync_give_up(s);
	sync_free(s);
	return NULL;
}

uint64_t
sync_stop(struct sync *s,
    void (*fn)(void *ctx, const struct sync_report *report), void *ctx,
    struct err *err)
{
	uint64_t left;
	size_t i;

	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->cond);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	left = s->kept_number - sync_number_at(s, 0);
	if (left > 0)
		err_set(err, "%s", s->state.text);
	for (i = 0; fn != NULL && i < s->n_reports; i++)
		fn(ctx, &s->reports[i]);
	sync_free(s);
	return left;
}

size_t
sync_add(struct sync *s, const struct record *record, uint64_t number)
{
	size_t size = entry_size(record->bytes.n);
	bool first;

	pthread_mutex_lock(&s->lock);
	first = s->added.n == 0;
	BUG_ON(number != s->added_number);
	entry_put(
	    strbuf_reserve(&s->added, size), record, number, s->setup.seed);
	strbuf_added(&s->added, size);
	s->added_number++;
	s->sources = RT_MAX(s->sources, record->source);
	if (first)
		pthread_cond_signal(&s->cond);
	pthread_mutex_unlock(&s->lock);
	return size;
}

void
sync_turn(struct sync *s)
{
	pthread_mutex_lock(&s->lock);
	s->turn = true;
	pthread_cond_signal(&s->cond);
	pthread_mutex_unlock(&s->lock);
}

int
sync_fd(const struct sync *s)
{
	return s->wake_fd;
}

void
sync_collect(struct sync *s, struct sync_state *state,
    void (*fn)(void *ctx, const struct sync_report *report), void *ctx)
{
	struct sync_report *reports;
	uint64_t count;
	size_t n, i;

	while (read(s->wake_fd, &count, sizeof(count)) < 0 && errno == EINTR)
		continue;
	pthread_mutex_lock(&s->lock);
	reports = s->reports;
	n = s->n_reports;
	s->reports = NULL;
	s->n_reports = s->cap_reports = 0;
	*state = s->state;
	pthread_mutex_unlock(&s->lock);
	for (i = 0; i < n; i++)
		fn(ctx, &reports[i]);
	free(reports);
}

void
sync_retry(struct sync *s)
{
	pthread_mutex_lock(&s->lock);
	s->retry = true;
	pthread_cond_signal(&s->cond);
	pthread_mutex_unlock(&s->lock);
}
