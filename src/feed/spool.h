/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The spool of one feed: a queue of records on disk. What can not be asked for
 * again is appended here before it is acknowledged or counted, and read from
 * here like a file; when its figures are committed, it is deleted.
 *
 * A spool is a folder of segments, files named by their number
 * ("00000001.spool"), each a row of records: a header with length, checksum
 * (XXH3), kind, source and time of receipt, then the bytes. A record is
 * durable once its segment was fdatasync'ed: a thread does that for as many as
 * have gathered, at most each sync_us, and tells the loop. Only durable records
 * are handed to the reader, so that no committed position is ever behind the
 * spool's end. A record that a crash cut off was never acknowledged, and is cut
 * off at the next start. One that is damaged in mid-segment is a counted loss.
 *
 * A position in the spool is a segment's number (position.file_no) and the
 * offset of a record's header in it; position.generation holds the record's
 * number, position.head_hash says which spool it is. Records are numbered
 * without a gap as long as the feed lives, so that it is known how many are
 * missing, whatever was done to the spool's files.
 *
 * Where to read from is known by the database, which may be away. So a spool
 * can be opened without it: it takes what comes in, and deletes nothing that
 * may not have been committed but by its limits; it is read once spool_resume
 * has said from where. That position may be one of another spool: the folder
 * was replaced meanwhile, or another daemon was the writer, with a spool of its
 * own. It does not count here, then; what does is the mark (spool_mark.h) that
 * the folder itself bears.
 *
 * What is committed is to leave the disk soon, for there are callers' numbers
 * in it. So a segment that commits have come into is left when it is segment_us
 * old, and goes when the rest of it is committed, too. The newest one stays
 * always, if only as a head without a record, as it says how records are
 * numbered; and it is durable before the one that it follows is deleted.
 *
 * Facts: fdatasync of a file whose size grows writes the size, too; the folder
 * is fsync'ed when a segment is made (man fsync(2)). After a failed fsync the
 * pages are marked clean: the segment is given up and begun anew (fsyncgate).
 */
#ifndef RT_FEED_SPOOL_H
#define RT_FEED_SPOOL_H

#include "event/stage.h"

struct spool;

struct spool_config {
	const char *feed;      /* for messages */
	const char *format;    /* its name now; NULL: any will do */
	const char *folder;    /* made with its parents, mode 0750 */
	int64_t segment_bytes; /* a new segment is begun beyond */
	int64_t segment_us;    /* or, where commits keep up, when as old */
	int64_t max_bytes;     /* of all segments */
	int64_t max_age_us;    /* the oldest record's; 0: any */
	int64_t sync_us;       /* between two syncs */
	bool drop_oldest;      /* when full; otherwise nothing is taken */
};

/* All run on the loop's thread. */
struct spool_ops {
	/* All records up to that number (see spool_append) are durable. */
	void (*synced)(void *ctx, uint64_t upto);
	/* There is room again, after spool_append had none. */
	void (*room)(void *ctx);
	/*
	 * So many records and bytes (-1: unknown) are lost: dropped as the
	 * oldest (FULL), damaged, or missing. Told while records are read or
	 * appended, and by the spool's own timer.
	 */
	void (*lost)(void *ctx, enum stage_loss loss, uint64_t records,
	    int64_t bytes, const char *why);
};

/*
 * Opens it, and finds its end. from: as for spool_resume, or NULL where that is
 * not yet known. NULL with the reason: no right to the folder, another daemon
 * has it (flock), no room on the disk for a first segment.
 */
struct spool *spool_open(struct loop *loop, const struct spool_config *config,
    const struct position *from, const struct spool_ops *ops, void *ctx,
    struct err *err);
/*
 * Reads from there: what stands before *from (all zero: nothing) was committed
 * and is deleted. Also for one that is read: what was not committed comes
 * again, as after a restart.
 */
void spool_resume(struct spool *spool, const struct position *from);
/* Reads no more until spool_resume. */
void spool_halt(struct spool *spool);
/* Syncs what was appended, blocking, deletes what can go, and frees. */
void spool_close(struct spool *spool);
/*
 * Closes it, and deletes what was appended since it was opened without a
 * position, if it was never read. Returns how many records that were.
 */
uint64_t spool_discard(struct spool *spool);

/*
 * Appends one record, with received_us as given. Returns its number, from 1
 * on and above all that were known before, also by an earlier run; 0: there is
 * no room (the reason in spool_trouble), it was not taken.
 */
uint64_t spool_append(struct spool *spool, const struct record *record);
/*
 * From here on everything is taken: what would have waited for room has no time
 * to wait any more. spool_close writes it, or says how much it could not.
 */
void spool_take_all(struct spool *spool);
const char *spool_trouble(const struct spool *spool); /* NULL: all is well */

/*
 * The next durable record behind the last one read; its bytes are lent until
 * the next call. False: there is none now. *at is where it stands.
 */
bool
spool_next(struct spool *spool, struct record *record, struct position *at);
/* The last record that spool_next gave is to be given again. */
void spool_back(struct spool *spool);
/* Where reading would go on: behind the last record given. */
void spool_position(struct spool *spool, struct position *position);

/*
 * Figures up to there are committed: segments of which that is all are deleted,
 * but for the one that is written to.
 */
void spool_committed(struct spool *spool, const struct position *position);
/*
 * A new segment is begun if the one that is written to is that old, and some of
 * it is committed; it is deleted then as soon as all of it is. (While the
 * database is behind, more files would be of no use.)
 */
void spool_turn(struct spool *spool, int64_t age_us);

/*
 * What was found when it was opened. The newest record: its kind, source and
 * time, not its bytes; false: there was none. And the highest number of a
 * source that any record ever had, whether it is still there or not.
 */
bool spool_last(const struct spool *spool, struct record *last);
uint32_t spool_sources(const struct spool *spool);

/* Bytes on disk, and records in them that were not yet read. */
void spool_size(const struct spool *spool, int64_t *bytes, uint64_t *unread);
/*
 * When the oldest segment with a record was begun, by our clock; 0: no record
 * stands on the disk, nor is on its way there.
 */
int64_t spool_since(const struct spool *spool);

/*
 * What its limits have deleted before it was read, and `lost` will tell of when
 * it is known from where on it is read. It is noted in the folder: also what an
 * earlier run deleted. records 0: nothing.
 */
struct spool_drops {
	uint64_t records;
	int64_t bytes;
	const char *why; /* lent */
};
void spool_dropped(const struct spool *spool, struct spool_drops *drops);

/*
 * A spool that nobody has open: how many records that came in are in it and
 * were not committed, as far as the folder itself knows. Changes nothing. 0
 * also where a daemon has it open, or the folder is none.
 */
uint64_t spool_left(const char *folder);

#endif
