/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The spool of a feed: what is appended goes to the writer's thread
 * (spool_sync.c); what that reports as durable is read here, segment by
 * segment (spool_read.c); what is committed is deleted. How it is found again
 * at the start is told in spool_segment.c, and what stands in the files in
 * spool_format.h.
 */
#include "base/base.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "feed/spool_inner.h"

#define SPOOL_MEMORY_BYTES (32 * 1024 * 1024) /* not yet durable, at most */
#define SPOOL_LOOK_US	   USEC_PER_SEC	      /* for what is too old */
#define SPOOL_READ_TRIES   30 /* then what can not be read is given up */

static void
spool_lose(struct spool *spool, enum stage_loss loss, uint64_t records,
    int64_t bytes, const char *why)
{
	spool->ops->lost(spool->ctx, loss, records, bytes, why);
}

/* --- room ----------------------------------------------------------------- */

/* With what is still in memory, and the heads of the segments it will make. */
static int64_t
spool_bytes(const struct spool *spool)
{
	int64_t heads = 2 + spool->unsynced / spool->config.segment_bytes;

	return spool->segments.bytes + spool->unsynced + heads * SEGMENT_BEGINS;
}

/* Says, once, that there is room again. */
static void
spool_tell_room(struct spool *spool)
{
	if (!spool->wants_room || spool->state.error != 0 ||
	    spool->unsynced > SPOOL_MEMORY_BYTES / 2 ||
	    spool_bytes(spool) + (int64_t)ENTRY_MAX > spool->config.max_bytes)
		return;
	spool->wants_room = false;
	spool->trouble[0] = '\0';
	spool->ops->room(spool->ctx);
}

/* Where the reader goes on when the segment that it is in is deleted. */
static void
spool_leave(struct spool *spool, const struct segment *seg)
{
	struct reader *r = &spool->reader;

	r->no = seg->no + 1;
	r->at = SEGMENT_BEGINS;
	r->number = RT_MAX(r->number, seg->after);
	r->skipped = 0;
	r->can_back = false;
}

static void
spool_say_dropped(struct spool *spool, const char *why)
{
	if (spool->drop_said)
		return;
	spool->drop_said = true;
	log_warn("feed %s: the oldest records of its spool are deleted before "
		 "they are %s: %s",
	    spool->feed,
	    spool->reading ? "committed" : "counted, and will count as lost",
	    why);
}

/*
 * What of it was not committed, as far as the mark knows, is noted before it is
 * deleted: it is lost if we are not there when its figures would be committed.
 */
static void
spool_remember(struct spool *spool, const struct segment *seg, const char *why)
{
	struct spool_dropped *d = &spool->dropped;
	const struct spool_mark *mark = &spool->mark;
	int64_t at = mark->no == seg->no ? mark->at : SEGMENT_BEGINS;
	uint64_t first = RT_MAX(seg->first, mark->number);

	if (seg->after <= first)
		return;
	if (d->after == 0)
		d->first = first;
	d->id = spool->id;
	d->after = RT_MAX(d->after, seg->after);
	d->bytes += RT_MAX(seg->end - at, INT64_C(0));
	snprintf(d->why, sizeof(d->why), "%s", why);
	dropped_write(d, spool->lock_fd);
	spool_say_dropped(spool, why);
}

static void
spool_forget_dropped(struct spool *spool)
{
	spool->drop_said = false;
	if (spool->dropped.after == 0)
		return;
	spool->dropped = (struct spool_dropped){.after = 0};
	dropped_write(&spool->dropped, spool->lock_fd);
}

/*
 * Deletes the oldest segment, and counts what of it was not yet read. The one
 * that is written to stays.
 */
static bool
spool_drop(struct spool *spool, const char *why)
{
	struct segments *all = &spool->segments;
	struct reader *r = &spool->reader;
	struct segment seg;
	uint64_t first;
	int64_t at;

	if (all->n < 2)
		return false;
	seg = all->v[0];
	spool_remember(spool, &seg, why);
	/* an open file would keep its bytes on the disk */
	if (r->fd_no == seg.no)
		reader_close(r);
	segment_drop_first(all);
	if (!spool->reading || r->no > seg.no)
		return true; /* not yet counted, or not yet committed */
	first = RT_MAX(r->number, seg.first);
	at = r->no == seg.no ? RT_MAX(r->at, SEGMENT_BEGINS) : SEGMENT_BEGINS;
	spool_leave(spool, &seg);
	if (seg.after > first)
		spool_lose(spool, STAGE_LOSS_FULL, seg.after - first,
		    RT_MAX(seg.end - at, INT64_C(0)), why);
	return true;
}

static bool
spool_refuse(struct spool *spool, const char *why)
{
	spool->wants_room = true;
	snprintf(spool->trouble, sizeof(spool->trouble), "%s", why);
	return false;
}

static bool
spool_has_room(struct spool *spool, int64_t size)
{
	int64_t max = spool->config.max_bytes;

	if (spool->takes_all)
		return true;
	if (spool->state.error != 0)
		return spool_refuse(spool, spool->state.text);
	if (spool->unsynced + size > SPOOL_MEMORY_BYTES)
		return spool_refuse(
		    spool, "the disk is slower than the senders");
	if (spool->config.drop_oldest)
		while (spool_bytes(spool) + size > max &&
		    spool_drop(spool, "the spool was full"))
			continue;
	if (spool_bytes(spool) + size > max)
		return spool_refuse(spool, "it is full");
	return true;
}

uint64_t
spool_append(struct spool *spool, const struct record *record)
{
	int64_t size = (int64_t)entry_size(record->bytes.n);

	BUG_ON(record->bytes.n > STAGE_RECORD_MAX);
	if (!spool_has_room(spool, size))
		return 0;
	sync_add(spool->sync, record, spool->number);
	spool->unsynced += size;
	return spool->number++;
}

void
spool_take_all(struct spool *spool)
{
	spool->takes_all = true;
}

const char *
spool_trouble(const struct spool *spool)
{
	if (spool->state.error != 0)
		return spool->state.text;
	return spool->trouble[0] != '\0' ? spool->trouble : NULL;
}

/* --- what can go ---------------------------------------------------------- */

/* Of a segment that is not written to any more: all of it is committed. */
static bool
spool_is_done(const struct spool *spool, const struct segment *seg,
    const struct position *committed)
{
	if (seg->no >= spool->newest)
		return false;
	if (seg->no != committed->file_no)
		return seg->no < committed->file_no;
	return committed->offset >= seg->end ||
	    (committed->generation >= seg->after && !seg->unreadable);
}

/* Deletes what is committed; returns whether that was anything. */
static bool
spool_sweep(struct spool *spool, const struct position *committed)
{
	struct segments *all = &spool->segments;
	struct reader *r = &spool->reader;
	bool some = false;

	while (all->n > 0 && spool_is_done(spool, &all->v[0], committed)) {
		/* an open file would keep its bytes on the disk */
		if (r->fd_no == all->v[0].no)
			reader_close(r);
		segment_drop_first(all);
		some = true;
	}
	return some;
}

/* The same, by what this run has heard to be committed. */
static bool
spool_sweep_marked(struct spool *spool)
{
	const struct spool_mark *mark = &spool->mark;
	struct position committed = {.file_no = mark->no,
	    .offset = mark->at,
	    .generation = mark->number};

	return spool->resumed && spool_sweep(spool, &committed);
}

void
spool_turn(struct spool *spool, int64_t age_us)
{
	const struct segments *all = &spool->segments;
	const struct segment *last = all->n > 0 ? &all->v[all->n - 1] : NULL;

	if (last != NULL && last->no == spool->newest &&
	    last->no == spool->mark.no && last->first < spool->mark.number &&
	    clock_mono_us() - spool->newest_us >= age_us)
		sync_turn(spool->sync);
}

/* --- what the writer reports ---------------------------------------------- */

/* A segment that is durable, and from now on the one that is written to. */
static void
spool_begun(struct spool *spool, uint32_t no, int64_t begun_us)
{
	const struct segments *all = &spool->segments;

	/* the one before it was given up without an entry */
	if (spool->newest != 0 &&
	    (all->n == 0 || all->v[all->n - 1].no != spool->newest))
		segment_unlink(all, spool->newest);
	spool->newest = no;
	spool->newest_us = clock_mono_us();
	spool->newest_wall_us = begun_us;
}

static void
spool_synced_segment(void *ctx, const struct sync_report *report)
{
	struct spool *spool = ctx;
	struct segments *all = &spool->segments;
	struct segment *last = all->n > 0 ? &all->v[all->n - 1] : NULL;
	struct segment seg = {.no = report->no,
	    .first = report->first,
	    .after = report->number,
	    .seed = spool->seed,
	    .format = spool->format,
	    .end = report->end,
	    .begun_us = report->begun_us};

	if (report->no != spool->newest)
		spool_begun(spool, report->no, report->begun_us);
	if (report->end == SEGMENT_BEGINS)
		return; /* nothing is in it yet */
	if (last != NULL && last->no == report->no) {
		spool->unsynced -= report->end - last->end;
		all->bytes += report->end - last->end;
		last->end = report->end;
		last->after = report->number;
	} else {
		spool->unsynced -= report->end - SEGMENT_BEGINS;
		segment_add(all, &seg);
	}
	spool->synced = report->number;
}

static void
spool_tell_state(struct spool *spool, const struct sync_state *before)
{
	const struct sync_state *now = &spool->state;

	if (now->fails != before->fails &&
	    (now->error != before->error || now->error == 0))
		log_warn("feed %s: %s; what is not yet on disk is kept in "
			 "memory and written again",
		    spool->feed, now->text);
	if (now->error == 0 && now->fails > 0 &&
	    (before->error != 0 || now->fails != before->fails))
		log_note("feed %s: the spool is written again", spool->feed);
}

static void
spool_woken_cb(void *ctx, int what RT_UNUSED)
{
	struct spool *spool = ctx;
	struct sync_state before = spool->state;
	uint64_t synced = spool->synced;

	watch_set(spool->watch, sync_fd(spool->sync), WATCH_READ);
	sync_collect(spool->sync, &spool->state, spool_synced_segment, spool);
	(void)spool_sweep_marked(spool);
	spool_tell_state(spool, &before);
	if ((spool->state.error == ENOSPC || spool->state.error == EDQUOT) &&
	    spool->config.drop_oldest && spool_drop(spool, "the disk was full"))
		sync_retry(spool->sync);
	spool_tell_room(spool);
	if (spool->synced != synced)
		spool->ops->synced(spool->ctx, spool->synced - 1);
}

/* --- reading -------------------------------------------------------------- */

/*
 * The disk does not give what it holds: later, perhaps. Returns true once that
 * was hoped for long enough.
 */
static bool
spool_read_failed(struct spool *spool)
{
	struct reader *r = &spool->reader;

	if (r->error == 0)
		log_warn("feed %s: reading segment %" PRIu32 " of its spool: "
			 "%s: trying again",
		    spool->feed, r->no, strerror(errno));
	r->error = errno;
	if (r->tries++ < SPOOL_READ_TRIES)
		return false;
	r->error = 0;
	r->tries = 0;
	return true;
}

/* The next entry has this number: those between are lost. */
static void
spool_settle(struct spool *spool, uint64_t number)
{
	struct reader *r = &spool->reader;
	uint64_t lost = 0;

	if (r->number != 0 && number > r->number)
		lost = number - r->number;
	r->number = RT_MAX(r->number, number);
	if (lost > 0 && r->skipped > 0)
		spool_lose(spool, STAGE_LOSS_DAMAGED, lost, r->skipped,
		    "a segment is damaged");
	else if (lost > 0)
		spool_lose(spool, STAGE_LOSS_MISSING, lost, -1,
		    "a segment, or the end of one, is gone");
	r->skipped = 0;
}

/* The segment that is read from; or NULL: there is nothing to read yet. */
static const struct segment *
spool_reading(struct spool *spool)
{
	const struct segments *all = &spool->segments;
	struct reader *r = &spool->reader;

	for (;;) {
		size_t i = segment_find(all, r->no);
		const struct segment *seg = &all->v[i];

		if (i == all->n)
			return NULL;
		if (r->no != seg->no) {
			r->no = seg->no;
			r->at = SEGMENT_BEGINS;
			r->can_back = false;
			spool_settle(spool, seg->first);
		}
		if (seg->unreadable && r->at < seg->end) {
			r->skipped += seg->end - SEGMENT_BEGINS;
			r->at = seg->end;
		}
		if (r->at < seg->end)
			return seg;
		if (r->number != 0)
			spool_settle(spool, seg->after);
		if (i + 1 == all->n)
			return NULL;
		r->no = seg->no + 1;
		r->at = SEGMENT_BEGINS;
		r->can_back = false;
	}
}

/* Numbers of a segment end where those of the next one begin. */
static uint64_t
spool_below(const struct spool *spool, const struct segment *seg)
{
	const struct segments *all = &spool->segments;

	return seg + 1 < all->v + all->n && !seg[1].unreadable ? seg[1].first
							       : seg->after;
}

/* Behind what can not be read or makes no sense. False: not now. */
static bool
spool_skip(struct spool *spool, const struct segment *seg, int rc)
{
	struct reader *r = &spool->reader;

	if (rc >= 0)
		rc = reader_seek(r, &spool->segments, seg,
		    RT_MAX(r->number, seg->first), spool_below(spool, seg));
	if (rc < 0 && !spool_read_failed(spool))
		return false;
	if (rc < 0) {
		r->skipped += seg->end - r->at;
		r->at = seg->end;
	}
	return true;
}

static bool
spool_is_old(const struct spool *spool, const struct entry_head *head)
{
	return spool->config.max_age_us > 0 && head->kind == RECORD_DATA &&
	    head->received_us < clock_wall_us() - spool->config.max_age_us;
}

/* One that is good: whether it is to be given. */
static bool
spool_take(struct spool *spool, const struct segment *seg,
    const struct entry_head *head)
{
	struct reader *r = &spool->reader;
	int64_t at = r->at;

	r->tries = 0;
	r->error = 0;
	if (head->kind != ENTRY_END &&
	    head->number >= spool_below(spool, seg)) {
		r->at = seg->end; /* it stands in the next one, too */
		return false;
	}
	r->at += (int64_t)entry_size(head->length);
	if (head->kind == ENTRY_END || head->number < r->number)
		return false;
	spool_settle(spool, head->number);
	r->back_at = at;
	r->back_number = head->number;
	r->can_back = true;
	r->number = head->number + 1;
	if (!spool_is_old(spool, head))
		return true;
	spool_lose(spool, STAGE_LOSS_FULL, 1, head->length,
	    "they had waited longer than spool_max_age_s");
	return false;
}

/* What came in for another format than the feed has now: said once. */
static void
spool_check_format(
    struct spool *spool, const struct segment *seg, uint64_t number)
{
	const struct segments *all = &spool->segments;

	if (seg->format == 0 || spool->format == 0 ||
	    seg->format == spool->format || spool->format_said)
		return;
	spool->format_said = true;
	while (seg + 1 < all->v + all->n && seg[1].format == seg->format)
		seg++;
	log_warn("feed %s: %" PRIu64 " records of its spool came in when it "
		 "had another format: they are read as %s, and what that does "
		 "not understand is rejected",
	    spool->feed, RT_MAX(seg->after, number + 1) - number,
	    spool->config.format);
}

/* Fills it; the bytes behind the end of the path are left as they are. */
static void
spool_place(
    struct spool *spool, int64_t at, uint64_t number, struct position *position)
{
	const struct segments *all = &spool->segments;
	uint32_t no = spool->reader.no;
	size_t i;

	if (spool->path_no != no) {
		int n = snprintf(spool->path, sizeof(spool->path),
		    "%s/%08" PRIu32 ".spool", spool->folder, no);

		spool->path_n = (size_t)n + 1;
		spool->path_no = no;
	}
	for (i = 0; i < all->n && all->v[i].no != no; i++)
		continue;
	memcpy(position->path, spool->path, spool->path_n);
	position->file_no = no;
	position->device = position->inode = 0;
	position->head_hash = spool->id;
	position->head_size = 0;
	position->generation = number;
	position->offset = at;
	position->size_seen = i < all->n ? all->v[i].end : at;
	position->skipping = false;
}

RT_HOT bool
spool_next(struct spool *spool, struct record *record, struct position *at)
{
	struct reader *r = &spool->reader;
	const struct segment *seg;
	struct entry_head head;
	const char *bytes;

	BUG_ON(!spool->reading);
	if (spool->gone) {
		spool->gone = false;
		spool_lose(
		    spool, STAGE_LOSS_MISSING, 0, -1, "its segments are gone");
	}
	while ((seg = spool_reading(spool)) != NULL) {
		int rc = reader_look(r, &spool->segments, seg, &head, &bytes);

		if (rc != ENTRY_GOOD) {
			if (!spool_skip(spool, seg, rc))
				return false;
			continue;
		}
		if (!spool_take(spool, seg, &head))
			continue;
		if (seg->format != spool->format && head.kind == RECORD_DATA)
			spool_check_format(spool, seg, head.number);
		*record = (struct record){
		    .bytes = {bytes + sizeof(head), head.length},
		    .received_us = head.received_us,
		    .source = head.source,
		    .kind = head.kind};
		spool_place(spool, r->back_at, head.number, at);
		return true;
	}
	return false;
}

void
spool_back(struct spool *spool)
{
	struct reader *r = &spool->reader;

	BUG_ON(!r->can_back);
	r->at = r->back_at;
	r->number = r->back_number;
	r->can_back = false;
}

void
spool_position(struct spool *spool, struct position *position)
{
	*position = (struct position){0};
	if (!spool->reading || spool->reader.no == 0)
		return;
	spool_place(spool, spool->reader.at, spool->reader.number, position);
}

void
spool_committed(struct spool *spool, const struct position *position)
{
	bool some;

	mark_write(&spool->mark, spool->lock_fd, position);
	if (position->head_hash == spool->id &&
	    position->generation >= spool->dropped.after)
		spool_forget_dropped(spool);
	some = spool_sweep(spool, position);
	if (some && spool->state.error != 0)
		sync_retry(spool->sync);
	if (some)
		spool_tell_room(spool);
}

void
spool_size(const struct spool *spool, int64_t *bytes, uint64_t *unread)
{
	const struct segments *all = &spool->segments;
	uint64_t from = spool->reader.number;

	if (!spool->reading)
		from = all->n > 0 ? RT_MAX(all->v[0].first, spool->mark.number)
				  : spool->synced;
	if (from == 0)
		from = all->n > 0 ? all->v[0].first : spool->synced;
	*bytes = all->bytes;
	*unread = spool->synced > from ? spool->synced - from : 0;
}

int64_t
spool_since(const struct spool *spool)
{
	if (spool->segments.n > 0)
		return spool->segments.v[0].begun_us;
	return spool->synced < spool->number ? spool->newest_wall_us : 0;
}

void
spool_dropped(const struct spool *spool, struct spool_drops *drops)
{
	const struct spool_dropped *d = &spool->dropped;

	*drops = (struct spool_drops){.records = 0};
	if (!spool->reading && d->after > 0)
		*drops =
		    (struct spool_drops){d->after - d->first, d->bytes, d->why};
}

/* --- at times ------------------------------------------------------------- */

static void
spool_timer_cb(void *ctx)
{
	struct spool *spool = ctx;
	struct segments *all = &spool->segments;
	int64_t before = clock_wall_us() - spool->config.max_age_us;

	timer_set(spool->timer, SPOOL_LOOK_US);
	/* the newest in it is older than the next one's beginning */
	while (spool->config.max_age_us > 0 && all->n > 1 &&
	    !all->v[1].unreadable && all->v[1].begun_us < before)
		if (!spool_drop(spool,
			"they had waited longer than "
			"spool_max_age_s"))
			break;
	if (spool->config.segment_us > 0)
		spool_turn(spool, spool->config.segment_us);
	spool_tell_room(spool);
	if (spool->reading && spool->reader.error != 0)
		spool->ops->synced(spool->ctx, spool->synced - 1);
}

/* --- where to read from --------------------------------------------------- */

static bool
spool_is_foreign(const struct spool *spool, const struct position *from)
{
	return from->head_hash != 0 && from->head_hash != spool->id;
}

/*
 * A place in something else than a spool: the feed had another transport. Of
 * it only file_no is of use.
 */
static bool
spool_is_elsewhere(const struct position *from)
{
	const char *slash = strrchr(from->path, '/');

	return from->file_no > 0 &&
	    (slash == NULL || segment_number(slash + 1) == 0);
}

/*
 * Whether a position of the database is one in this spool. It is not where the
 * spool has another id; nor where it is behind all that was found in the
 * folder, which is an older copy then: what was appended since has numbers that
 * the position claims for other records.
 */
static bool
spool_is_ours(const struct spool *spool, const struct position *from)
{
	if (spool_is_foreign(spool, from))
		return false;
	return spool->resumed || from->file_no < spool->first_no;
}

/*
 * Where a feed begins of which the database knows nothing: with the first
 * record that there ever was, or that was not committed to another database.
 */
static void
spool_settle_start(struct spool *spool)
{
	const struct segments *all = &spool->segments;
	struct reader *r = &spool->reader;

	if (all->n > 0)
		r->number = RT_MIN(
		    RT_MAX(spool->mark.number, UINT64_C(1)), all->v[0].first);
}

/* What its limits took, and was not committed: in this run or before. */
static void
spool_settle_dropped(struct spool *spool)
{
	const struct spool_dropped *d = &spool->dropped;
	struct reader *r = &spool->reader;
	uint64_t first = d->first;

	if (d->after <= r->number) {
		spool_forget_dropped(spool);
		return;
	}
	if (r->number != 0)
		first = r->number; /* those before them are gone as well */
	r->number = d->after;
	spool_lose(spool, STAGE_LOSS_FULL, d->after - first,
	    first <= d->first ? d->bytes : -1, d->why);
}

void
spool_resume(struct spool *spool, const struct position *from)
{
	const struct spool_mark *mark = &spool->mark;
	struct position at = *from;
	bool elsewhere = spool_is_elsewhere(from);
	bool ours = !elsewhere && spool_is_ours(spool, from);

	if (!ours) {
		at = (struct position){.file_no = mark->no,
		    .offset = mark->at,
		    .generation = mark->number};
	}
	if (elsewhere && spool->segments.n > 0)
		log_note("feed %s: had another transport: what its spool %s "
			 "held before that, and had not counted, is counted",
		    spool->feed, spool->folder);
	else if (!ours && !elsewhere)
		log_warn("feed %s: the database knows another spool than %s: "
			 "all that this one holds and has not counted itself "
			 "is counted",
		    spool->feed, spool->folder);
	/* the disk may have lost the end of what was committed */
	if (!spool->resumed)
		at.generation = RT_MIN(at.generation, spool->first_number);
	(void)spool_sweep(spool, &at);
	if (!spool->resumed && spool->found.empty != 0)
		segment_unlink(&spool->segments, spool->found.empty);
	/* the newest one is never deleted by us: somebody else has done it */
	spool->gone = from->file_no > 0 &&
	    (!ours || (!spool->resumed && spool->found.last_no == 0));
	reader_fini(&spool->reader);
	reader_init(&spool->reader, &at);
	if (elsewhere)
		spool->gone = false;
	if (from->file_no == 0 || (elsewhere && at.file_no == 0))
		spool_settle_start(spool);
	spool->reading = spool->resumed = true;
	spool_settle_dropped(spool);
	spool_tell_room(spool);
}

void
spool_halt(struct spool *spool)
{
	spool->reading = false;
}

/* --- opening -------------------------------------------------------------- */

/* The entry of a new folder in the one above it is durable with that one. */
static int
spool_sync_above(const char *path)
{
	char above[STAGE_PATH_MAX];
	char *slash;
	int fd, rc;

	snprintf(above, sizeof(above), "%s", path);
	slash = strrchr(above, '/');
	if (slash == NULL)
		snprintf(above, sizeof(above), ".");
	else
		slash[slash == above] = '\0';
	fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) /* it may be made in, but not looked into */
		return errno == EACCES ? 0 : -1;
	rc = fsync(fd);
	close(fd);
	return rc;
}

static int
spool_make_one(const char *path, struct err *err)
{
	if (mkdir(path, 0750) < 0) {
		if (errno == EEXIST)
			return 0;
		return err_sys(err, "making the folder %s", path);
	}
	if (spool_sync_above(path) < 0)
		return err_sys(err, "syncing the folder above %s", path);
	return 0;
}

static int
spool_make_folder(const char *folder, struct err *err)
{
	char path[STAGE_PATH_MAX];
	char *slash = path;

	snprintf(path, sizeof(path), "%s", folder);
	while ((slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		if (spool_make_one(path, err) < 0)
			return -1;
		*slash = '/';
	}
	return spool_make_one(path, err);
}

static int
spool_lock(struct spool *spool, struct err *err)
{
	spool->segments.fd =
	    open(spool->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (spool->segments.fd < 0)
		return err_sys(err, "the spool %s", spool->folder);
	spool->lock_fd = openat(spool->segments.fd, SPOOL_LOCK,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (spool->lock_fd < 0)
		return err_sys(err, "the spool %s", spool->folder);
	if (flock(spool->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return err_set(err, "the spool %s is in use by another daemon",
		    spool->folder);
	return err_sys(err, "locking the spool %s", spool->folder);
}

static int
spool_begin(struct spool *spool, const struct position *from, struct err *err)
{
	struct sync_setup setup = {.folder = spool->folder,
	    .format = spool->format,
	    .folder_fd = spool->segments.fd,
	    .segment_bytes = spool->config.segment_bytes,
	    .sync_us = spool->config.sync_us};
	struct found *found = &spool->found;
	uint64_t random[2];

	if (segment_scan(&spool->segments, found, err) < 0)
		return -1;
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return err_sys(err, "getrandom");
	spool->seed = random[0];
	spool->id = found->id != 0 ? found->id : random[1];
	spool->number = RT_MAX(found->number, UINT64_C(1));
	spool->first_no = found->last_no + 1;
	/* the numbers of another spool are not ours, but if ours are unknown */
	if (from != NULL &&
	    (found->id == 0 || !spool_is_foreign(spool, from))) {
		spool->number = RT_MAX(spool->number, from->generation);
		spool->first_no = RT_MAX(spool->first_no, from->file_no + 1);
	}
	spool->first_number = spool->synced = spool->number;
	mark_read(&spool->mark, spool->lock_fd, spool->id);
	/* the disk may have lost the end of what was committed */
	spool->mark.number = RT_MIN(spool->mark.number, spool->number);
	dropped_read(&spool->dropped, spool->lock_fd, spool->id);
	setup.no = spool->first_no;
	setup.number = spool->number;
	setup.seed = spool->seed;
	setup.id = spool->id;
	setup.sources = found->sources;
	spool->sync = sync_start(&setup, err);
	if (spool->sync == NULL)
		return -1;
	spool_begun(spool, spool->first_no, clock_wall_us());
	return 0;
}

static void
spool_free(struct spool *spool)
{
	watch_free(spool->watch);
	timer_free(spool->timer);
	reader_fini(&spool->reader);
	if (spool->lock_fd >= 0)
		close(spool->lock_fd);
	if (spool->segments.fd >= 0)
		close(spool->segments.fd);
	free(spool->segments.v);
	free(spool->feed);
	free(spool->folder);
	free(spool);
}

struct spool *
spool_open(struct loop *loop, const struct spool_config *config,
    const struct position *from, const struct spool_ops *ops, void *ctx,
    struct err *err)
{
	struct position place;
	struct spool *spool;

	if (from != NULL && spool_is_elsewhere(from)) {
		place = (struct position){.file_no = from->file_no};
		from = &place;
	}
	if (strlen(config->folder) + SEGMENT_NAME >= STAGE_PATH_MAX) {
		err_set(err, "the name of the spool's folder is too long");
		return NULL;
	}
	spool = mem_zalloc(sizeof(*spool));
	spool->config = *config;
	spool->config.segment_bytes =
	    RT_MIN(config->segment_bytes, config->max_bytes / 4);
	spool->format = segment_format(config->format);
	spool->feed = mem_strdup(config->feed);
	spool->folder = mem_strdup(config->folder);
	spool->ops = ops;
	spool->ctx = ctx;
	spool->lock_fd = -1;
	spool->segments = (struct segments){.folder = spool->folder, .fd = -1};
	spool->reader.fd = -1;
	if (spool_make_folder(spool->folder, err) < 0 ||
	    spool_lock(spool, err) < 0 || spool_begin(spool, from, err) < 0) {
		spool_free(spool);
		return NULL;
	}
	spool->watch = watch_new(loop, spool_woken_cb, spool);
	watch_set(spool->watch, sync_fd(spool->sync), WATCH_READ);
	spool->timer = timer_new(loop, spool_timer_cb, spool);
	timer_set(spool->timer, SPOOL_LOOK_US);
	if (from != NULL)
		spool_resume(spool, from);
	return spool;
}

void
spool_close(struct spool *spool)
{
	struct err err;
	uint64_t left;

	if (spool == NULL)
		return;
	watch_unset(spool->watch);
	left = sync_stop(spool->sync, spool_synced_segment, spool, &err);
	(void)spool_sweep_marked(spool);
	if (left > 0)
		log_error("feed %s: %" PRIu64 " records could not be written "
			  "to its spool: %s",
		    spool->feed, left, err.text);
	spool_free(spool);
}

uint64_t
spool_discard(struct spool *spool)
{
	uint64_t n = spool->number - spool->first_number;
	struct err err;

	BUG_ON(spool->resumed);
	watch_unset(spool->watch);
	(void)sync_stop(spool->sync, NULL, NULL, &err);
	segment_drop_from(&spool->segments, spool->first_no);
	spool_free(spool);
	return n;
}

bool
spool_last(const struct spool *spool, struct record *last)
{
	*last = spool->found.last;
	return spool->found.has_last;
}

uint32_t
spool_sources(const struct spool *spool)
{
	return spool->found.sources;
}
