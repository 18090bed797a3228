/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "feed/spooled.h"
#include "io/loop.h"

#define SPOOLED_MIB	      (1024 * 1024)
#define SPOOLED_SEGMENTS      16 /* of a full spool, about ... */
#define SPOOLED_SEGMENT_MAX   (16 * SPOOLED_MIB)    /* ... but no longer ones */
#define SPOOLED_AGE_US	      (60 * USEC_PER_SEC)   /* of one: see spool.h */
#define SPOOLED_DROP_LEAST_US (60 * USEC_PER_SEC)   /* spool_max_age_s */
#define SPOOLED_SHED_US	      USEC_PER_SEC	    /* and of one to be shed */
#define SPOOLED_OFFER_US      (100 * USEC_PER_MSEC) /* what was refused, again */
#define SPOOLED_TOO_LONG      (-1)		    /* beside enum stage_loss */

enum spooled_full { SPOOLED_WAIT, SPOOLED_DROP_OLDEST };

int
spooled_check_age(const void *value, struct err *err)
{
	const int64_t age_us = *(const int64_t *)value;

	if (age_us == 0 || age_us >= SPOOLED_DROP_LEAST_US)
		return 0;
	return err_set(err,
	    "spool_max_age_s is %g; it must be 0, or %d at least: what goes "
	    "its usual way is not to be dropped",
	    (double)age_us / USEC_PER_SEC,
	    (int)(SPOOLED_DROP_LEAST_US / USEC_PER_SEC));
}

const char *const spooled_when_full[] = {
    [SPOOLED_WAIT] = "wait",
    [SPOOLED_DROP_OLDEST] = "drop-oldest",
    NULL,
};

/* One that waits for room. */
struct spooled_waiting {
	uint32_t source;
	enum record_kind kind;
	char *text;
};

struct spooled {
	const char *feed;
	struct stage_upstream *up;
	const struct source_ops *source;
	void *source_self; /* NULL: not open */
	struct spool *spool;
	struct task *task;   /* one turn of reading */
	struct timer *timer; /* the next offer of what was refused */
	bool paused, idle, once;
	bool reading;	  /* it is known from where on */
	bool held;	  /* no room: the source was told so */
	uint32_t sources; /* numbers given away */
	uint64_t last;	  /* number of the record appended last; 0: none */
	uint64_t synced;  /* of the newest durable one */
	bool finished;	  /* the source has come to its end */
	bool poke;	  /* the source is to be told `synced` once more */
	bool ended;	  /* the last word is that nobody hears any source */
	bool fresh;	  /* nothing was ever said */
	bool closing;	  /* what is counted now would not be committed */
	struct spooled_waiting *waiting;
	size_t n_waiting;
	struct stage_status status;
	struct log_limit full_limit;
};

static void
spooled_set_idle(struct spooled *s, bool idle)
{
	if (idle == s->idle)
		return;
	s->idle = idle;
	s->up->idle(s->up, idle);
}

/* --- from the source to the spool ----------------------------------------- */

static void
spooled_hold(struct spooled *s, bool hold)
{
	if (hold == s->held)
		return;
	s->held = hold;
	if (hold)
		log_limited(&s->full_limit, LOG_LEVEL_WARN,
		    "feed %s: its spool takes nothing: %s: senders have to "
		    "wait",
		    s->feed, spool_trouble(s->spool));
	else
		log_limited(&s->full_limit, LOG_LEVEL_NOTE,
		    "feed %s: there is room in its spool again", s->feed);
	if (s->source_self != NULL)
		s->source->hold(s->source_self, hold);
}

/* Returns the number, or 0: there is no room. */
static uint64_t
spooled_append(struct spooled *s, uint32_t source, enum record_kind kind,
    struct slice bytes)
{
	struct record record = {.bytes = bytes,
	    .received_us = clock_wall_us(),
	    .source = source,
	    .kind = (uint8_t)kind};
	uint64_t number = spool_append(s->spool, &record);

	if (number == 0)
		return 0;
	s->last = number;
	s->ended = kind == RECORD_END && source == 0;
	return number;
}

uint64_t
spooled_give(struct spooled *s, uint32_t source, struct slice bytes)
{
	uint64_t number = 0;

	s->status.heard_us = clock_wall_us();
	if (bytes.n > STAGE_RECORD_MAX) {
		/* done with; all before it may be acknowledged with it */
		spooled_oversize(s, 1);
		s->poke = true;
		task_set(s->task);
		return RT_MAX(s->last, UINT64_C(1));
	}
	if (s->n_waiting == 0)
		number = spooled_append(s, source, RECORD_DATA, bytes);
	if (number == 0)
		spooled_hold(s, true);
	return number;
}

/*
 * Remembers a mark until there is room. The end of a connection of which
 * nothing was taken takes its beginning away with it, so that there are never
 * more than two for each connection, however often they come and go.
 */
static void
spooled_wait(
    struct spooled *s, uint32_t source, enum record_kind kind, const char *text)
{
	struct spooled_waiting *w;

	for (w = s->waiting; w < s->waiting + s->n_waiting; w++) {
		if (w->source != source || w->kind != RECORD_BEGIN ||
		    kind != RECORD_END)
			continue;
		free(w->text);
		s->n_waiting--;
		memmove(w, w + 1,
		    (size_t)(s->waiting + s->n_waiting - w) * sizeof(*w));
		return;
	}
	s->waiting =
	    mem_realloc(s->waiting, s->n_waiting + 1, sizeof(*s->waiting));
	s->waiting[s->n_waiting++] =
	    (struct spooled_waiting){source, kind, mem_strdup(text)};
}

void
spooled_mark(
    struct spooled *s, uint32_t source, enum record_kind kind, const char *text)
{
	BUG_ON(kind == RECORD_DATA);
	if (s->n_waiting == 0 &&
	    spooled_append(s, source, kind, slice_of(text)) > 0)
		return;
	spooled_wait(s, source, kind, text);
	spooled_hold(s, true);
}

uint32_t
spooled_source(struct spooled *s)
{
	/* 0 is for all of them */
	if (++s->sources == 0)
		s->sources = 1;
	return s->sources;
}

void
spooled_says(struct spooled *s, bool connected, const char *fmt, ...)
{
	struct stage_status *st = &s->status;
	bool changed = st->since_us == 0 || connected != st->connected;
	char before[sizeof(st->text)];
	va_list ap;

	memcpy(before, st->text, sizeof(before));
	va_start(ap, fmt);
	vsnprintf(st->text, sizeof(st->text), fmt, ap);
	va_end(ap);
	st->connected = connected;
	if (changed) {
		st->since_us = clock_wall_us();
		log_note("feed %s: %s", s->feed, st->text);
	} else {
		log_debug("feed %s: %s", s->feed, st->text);
	}
	if (s->up->changed != NULL &&
	    (changed || strcmp(before, st->text) != 0))
		s->up->changed(s->up);
}

void
spooled_finished(struct spooled *s)
{
	s->finished = true;
	task_set(s->task);
}

/* --- what was lost -------------------------------------------------------- */

static void
spooled_count_lost(struct spooled *s, int what, int64_t n, const char *why)
{
	if (what != SPOOLED_TOO_LONG)
		s->up->lost(s->up, (enum stage_loss)what, n, why);
	else if (s->up->oversize != NULL)
		s->up->oversize(s->up, (uint64_t)n);
}

/*
 * A feed that is being closed has committed its figures: the next one counts.
 * Nor can one that is not read: we may end before it is.
 */
static void
spooled_lose(struct spooled *s, int what, int64_t n, const char *why)
{
	char text[400];

	if (s->closing && n < 0)
		log_warn("feed %s: data may be lost: %s", s->feed, why);
	else if (s->closing)
		log_warn("feed %s: %" PRId64 " %s lost: %s", s->feed, n,
		    what == SPOOLED_TOO_LONG ? "records are" : "bytes are",
		    why);
	snprintf(text, sizeof(text), "%d %" PRId64 " %s", what, n, why);
	if ((s->reading && !s->closing) ||
	    spooled_append(s, 0, RECORD_LOST, slice_of(text)) == 0)
		spooled_count_lost(s, what, n, why);
}

/* What spooled_lose has written. */
static void
spooled_read_lost(struct spooled *s, struct slice bytes)
{
	char text[400];
	int64_t n;
	int what, why = 0;

	snprintf(text, sizeof(text), "%.*s", SLICE_FMT(bytes));
	if (sscanf(text, "%d %" SCNd64 " %n", &what, &n, &why) < 2 || why == 0)
		spooled_count_lost(
		    s, STAGE_LOSS_DAMAGED, -1, "a loss of the last run");
	else
		spooled_count_lost(s, what, n, text + why);
}

void
spooled_lost(
    struct spooled *s, enum stage_loss loss, int64_t n, const char *why)
{
	spooled_lose(s, (int)loss, n, why);
}

void
spooled_oversize(struct spooled *s, uint64_t n)
{
	spooled_lose(s, SPOOLED_TOO_LONG, (int64_t)n, "they are too long");
}

/* --- what the spool tells ------------------------------------------------- */

static void
spooled_tell_synced(struct spooled *s)
{
	if (s->source_self != NULL && s->source->synced != NULL)
		s->source->synced(
		    s->source_self, RT_MAX(s->synced, UINT64_C(1)));
}

static void
spooled_synced_cb(void *ctx, uint64_t upto)
{
	struct spooled *s = ctx;

	s->synced = upto;
	task_set(s->task);
	spooled_tell_synced(s);
}

/* False: there is no room for one of the marks that wait. */
static bool
spooled_append_waiting(struct spooled *s)
{
	while (s->n_waiting > 0) {
		struct spooled_waiting *w = &s->waiting[0];

		if (spooled_append(s, w->source, w->kind, slice_of(w->text)) ==
		    0)
			return false;
		free(w->text);
		memmove(w, w + 1, --s->n_waiting * sizeof(*w));
	}
	return true;
}

static void
spooled_room_cb(void *ctx)
{
	struct spooled *s = ctx;

	if (spooled_append_waiting(s))
		spooled_hold(s, false);
}

static void
spooled_lost_cb(void *ctx, enum stage_loss loss, uint64_t records,
    int64_t bytes, const char *why)
{
	struct spooled *s = ctx;
	char text[160];

	if (records > 0)
		snprintf(text, sizeof(text),
		    "%" PRIu64 " records of the spool: %s", records, why);
	else
		snprintf(text, sizeof(text), "of the spool: %s", why);
	s->up->lost(s->up, loss, bytes, text);
}

static const struct spool_ops spooled_spool_ops = {
    .synced = spooled_synced_cb,
    .room = spooled_room_cb,
    .lost = spooled_lost_cb,
};

/* --- from the spool to the feed ------------------------------------------- */

/*
 * All of the spool is read. With --once that is not all where a source is open
 * that has an end: it has to come, and to be on the disk.
 */
static bool
spooled_is_at_end(const struct spooled *s)
{
	return !s->once || s->source_self == NULL ||
	    (s->finished && s->synced >= s->last && s->n_waiting == 0);
}

static void
spooled_read(struct spooled *s)
{
	struct position at = {0};
	struct record record;
	size_t done = 0;

	while (done < STAGE_TURN_BYTES) {
		if (s->paused || !s->reading)
			return;
		if (!spool_next(s->spool, &record, &at)) {
			spooled_set_idle(s, spooled_is_at_end(s));
			return;
		}
		spooled_set_idle(s, false);
		if (record.kind == RECORD_LOST) {
			spooled_read_lost(s, record.bytes);
		} else if (!s->up->record(s->up, &at, &record)) {
			spool_back(s->spool);
			timer_set(s->timer, SPOOLED_OFFER_US);
			return;
		}
		/* a short one is work, too */
		done += record.bytes.n + 64;
	}
	task_set(s->task);
}

static void
spooled_turn_cb(void *ctx)
{
	struct spooled *s = ctx;

	if (s->poke) {
		s->poke = false;
		if (s->synced >= s->last)
			spooled_tell_synced(s);
	}
	spooled_read(s);
}

static void
spooled_timer_cb(void *ctx)
{
	struct spooled *s = ctx;

	task_set(s->task);
}

void
spooled_pause(void *self, bool paused)
{
	struct spooled *s = self;

	s->paused = paused;
	if (!paused)
		task_set(s->task);
}

void
spooled_resume(void *self, const struct position *from)
{
	struct spooled *s = self;

	s->reading = from != NULL;
	s->idle = false;
	if (from == NULL) {
		spool_halt(s->spool);
		return;
	}
	spool_resume(s->spool, from);
	task_set(s->task);
}

void
spooled_position(void *self, struct position *position)
{
	struct spooled *s = self;

	spool_position(s->spool, position);
}

void
spooled_committed(void *self, const struct position *position)
{
	struct spooled *s = self;

	spool_committed(s->spool, position);
}

void
spooled_status(void *self, struct stage_status *status)
{
	struct spooled *s = self;
	const char *trouble = spool_trouble(s->spool);
	struct spool_drops drops;
	size_t n;

	*status = s->status;
	spool_size(s->spool, &status->spool_bytes, &status->unread);
	status->spool_since_us = spool_since(s->spool);
	spool_dropped(s->spool, &drops);
	status->dropped = drops.records;
	status->dropped_bytes = drops.bytes;
	n = strlen(status->text);
	if (drops.records > 0)
		snprintf(status->text + n, sizeof(status->text) - n,
		    "%s%" PRIu64 " records of the spool are lost: %s",
		    n > 0 ? "; " : "", drops.records, drops.why);
	n = strlen(status->text);
	if (trouble != NULL)
		snprintf(status->text + n, sizeof(status->text) - n,
		    "%sthe spool takes nothing: %s", n > 0 ? "; " : "",
		    trouble);
}

/* --- opening -------------------------------------------------------------- */

/*
 * A daemon that ended badly could not say that it heard its sources no longer.
 * Nothing at all is known of a spool whose records are all deleted, or of one
 * that is empty while nobody says whether the feed was ever read. from: NULL
 * where it is not known.
 */
static void
spooled_say_ended(struct spooled *s, const struct position *from)
{
	struct record last;
	uint64_t unread;
	int64_t bytes;

	spool_size(s->spool, &bytes, &unread);
	if (spool_last(s->spool, &last))
		s->ended = last.kind == RECORD_END && last.source == 0;
	else
		s->ended = s->fresh =
		    from != NULL && from->file_no == 0 && bytes == 0;
	if (!s->ended)
		spooled_mark(s, 0, RECORD_END, "the daemon was not running");
}

static int
spooled_open_spool(
    struct spooled *s, const struct stage_setup *setup, struct err *err)
{
	const struct spooled_options *o = setup->options;
	int64_t max = o->max_mb * SPOOLED_MIB;
	struct spool_config config = {.feed = setup->feed,
	    .folder = setup->spool,
	    .format = setup->format,
	    .segment_bytes =
		RT_MIN(max / SPOOLED_SEGMENTS, (int64_t)SPOOLED_SEGMENT_MAX),
	    .segment_us = SPOOLED_AGE_US,
	    .max_bytes = max,
	    .max_age_us = o->max_age_us,
	    .sync_us = o->sync_us,
	    .drop_oldest = o->when_full == SPOOLED_DROP_OLDEST};

	s->spool = spool_open(
	    setup->loop, &config, setup->from, &spooled_spool_ops, s, err);
	if (s->spool == NULL)
		return -1;
	s->sources = spool_sources(s->spool);
	return 0;
}

static int
spooled_open_source(
    struct spooled *s, const struct stage_setup *setup, struct err *err)
{
	void *self = NULL;

	if (s->source->open(&self, s, setup, err) < 0)
		return -1;
	s->source_self = self;
	if (s->held)
		s->source->hold(self, true);
	return 0;
}

static void
spooled_free(struct spooled *s)
{
	size_t i;

	for (i = 0; i < s->n_waiting; i++)
		free(s->waiting[i].text);
	free(s->waiting);
	timer_free(s->timer);
	task_free(s->task);
	free(s);
}

int
spooled_open(void **self, const struct stage_setup *setup,
    const struct source_ops *source, struct err *err)
{
	struct spooled *s = mem_zalloc(sizeof(*s));

	s->feed = setup->feed;
	s->up = setup->up;
	s->once = setup->once;
	s->reading = setup->from != NULL;
	s->source = source;
	s->task = task_new(setup->loop, spooled_turn_cb, s);
	s->timer = timer_new(setup->loop, spooled_timer_cb, s);
	if (spooled_open_spool(s, setup, err) < 0)
		goto failed;
	if (s->once && !source->once) {
		snprintf(s->status.text, sizeof(s->status.text),
		    "only what is in the spool is read");
	} else {
		spooled_say_ended(s, setup->from);
		if (spooled_open_source(s, setup, err) < 0)
			goto failed;
	}
	task_set(s->task);
	*self = s;
	return 0;

failed:
	spool_close(s->spool);
	spooled_free(s);
	return -1;
}

static void
spooled_close_source(struct spooled *s)
{
	void *source = s->source_self;

	s->source_self = NULL;
	if (source != NULL)
		s->source->close(source);
}

void
spooled_shed(void *self)
{
	struct spooled *s = self;

	spool_turn(s->spool, SPOOLED_SHED_US);
}

/*
 * Nobody can wait any longer: not for room, not for a commit. What is said from
 * here on stays for the next run, and what is committed is not to stay with it.
 */
static void
spooled_take_all(struct spooled *s)
{
	if (!s->closing && !s->ended)
		spool_turn(s->spool, 0);
	s->closing = true;
	spool_take_all(s->spool);
	(void)spooled_append_waiting(s);
}

void
spooled_stop(void *self)
{
	struct spooled *s = self;

	spooled_take_all(s);
	if (s->source_self != NULL && s->source->stop != NULL)
		s->source->stop(s->source_self);
}

/* What was never read has no other word: the database was away. */
static void
spooled_say_closed(const struct spooled *s, const char *reason)
{
	uint64_t unread;
	int64_t bytes;

	spool_size(s->spool, &bytes, &unread);
	if (unread > 0)
		log_note("feed %s: closed: %s; %" PRIu64
			 " records and marks wait "
			 "in its spool to be counted",
		    s->feed, reason, unread);
	else
		log_info("feed %s: closed: %s", s->feed, reason);
}

/* What the last run has said of its end may be committed and deleted. */
static bool
spooled_has_to_say_end(const struct spooled *s)
{
	int64_t bytes;
	uint64_t unread;

	spool_size(s->spool, &bytes, &unread);
	if (s->once || s->n_waiting > 0)
		return false;
	return s->last > 0 ? !s->ended : bytes == 0 && !s->fresh;
}

void
spooled_close(void *self, const char *reason)
{
	struct spooled *s = self;
	char text[200];

	spooled_take_all(s);
	spooled_close_source(s);
	snprintf(text, sizeof(text), "the feed was closed: %.150s", reason);
	if (spooled_has_to_say_end(s))
		(void)spooled_append(s, 0, RECORD_END, slice_of(text));
	spooled_say_closed(s, reason);
	spool_close(s->spool);
	spooled_free(s);
}

void
spooled_disown(void *self, const char *reason)
{
	struct spooled *s = self;
	uint64_t n;

	spooled_close_source(s);
	n = spool_discard(s->spool);
	log_note("feed %s: closed: %s; %" PRIu64 " records that it had taken "
		 "in are left to the other one",
	    s->feed, reason, n);
	spooled_free(s);
}
