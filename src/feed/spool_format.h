/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands in a segment of the spool, in the byte order of the machine:
 *
 *	struct segment_head, twice: one sector's worth of damage at its front
 *	    is not to cost all that follows
 *	struct entry_head, the record's bytes, zeros up to a multiple of 8
 *	...
 *
 * A segment's seed is drawn at random. It goes into every checksum, and its
 * lower half marks where an entry begins: when the place of the next entry is
 * lost to damage it can be looked for, and no sender can put bytes into a
 * record that would be taken for one.
 *
 * Entries are numbered without a gap through all segments. So it is known how
 * many are missing, and of one that stands in two segments (the first of them
 * was given up, as it could not be synced) the later counts: a segment's
 * numbers end where those of the next one begin.
 */
#ifndef RT_FEED_SPOOL_FORMAT_H
#define RT_FEED_SPOOL_FORMAT_H

#include "event/stage.h"

#define SEGMENT_MAGIC  "RTSPOOL1"
#define SEGMENT_ORDER  0x01020304U
#define SEGMENT_BEGINS ((int64_t)(2 * sizeof(struct segment_head)))
#define SEGMENT_NAME   32 /* bytes for "00000001.spool" */

struct segment_head {
	char magic[8];
	uint32_t order;
	uint32_t no;
	uint64_t first; /* number of its first entry */
	uint64_t seed;
	int64_t begun_us; /* by our clock */
	uint32_t sources; /* numbers of sources given away until then */
	uint32_t format;  /* that the feed had, by a hash; 0: not known */
	uint64_t id;	  /* of the spool: of all segments that follow on it */
	uint64_t sum;	  /* XXH3-64 of all before */
};

/* The bytes that follow are checked with all behind `sum`. */
struct entry_head {
	uint64_t sum;  /* XXH3-64 with the seed */
	uint32_t mark; /* lower half of the seed */
	uint32_t length;
	uint64_t number;
	int64_t received_us;
	uint32_t source;
	uint8_t kind; /* enum record_kind, or ENTRY_END */
	uint8_t zero[3];
};

/* The segment was closed in good order: nothing was cut off behind it. */
#define ENTRY_END 255

/* Of a whole entry. */
static inline size_t
entry_size(size_t length)
{
	return (sizeof(struct entry_head) + length + 7) & ~(size_t)7;
}

#define ENTRY_MAX (entry_size(STAGE_RECORD_MAX))

/* Writes entry_size(record->bytes.n) bytes. */
void entry_put(
    char *to, const struct record *record, uint64_t number, uint64_t seed);

enum entry_state {
	ENTRY_GOOD,
	ENTRY_SHORT, /* it goes on behind the n bytes */
	ENTRY_BAD
};

/* Looks at bytes[0..n), where an entry should stand. head: filled if GOOD. */
enum entry_state
entry_get(struct entry_head *head, const char *bytes, size_t n, uint64_t seed);

void segment_head_put(char to[SEGMENT_BEGINS], const struct segment_head *head);
/*
 * Returns false where neither copy is good. *foreign: it is a spool's, but of
 * another version or machine.
 */
bool segment_head_get(
    struct segment_head *head, const char *from, size_t n, bool *foreign);

/* Of the name of a format; NULL: 0. */
uint32_t segment_format(const char *name);

void segment_name(char name[SEGMENT_NAME], uint32_t no);
/* Returns 0 for a name of another kind. */
uint32_t segment_number(const char *name);

#endif
