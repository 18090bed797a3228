/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Framers cut records out of a run of bytes. They know nothing of where these
 * come from. A record longer than STAGE_RECORD_MAX is passed over, also when it
 * arrives in pieces, and lines also when we were started again within one
 * (`skipping`, part of the position).
 */
#ifndef RT_EVENT_FRAMER_H
#define RT_EVENT_FRAMER_H

#include "base/slice.h"
#include "event/stage.h"

/* Starts as {.framing = ...}. */
struct framer {
	enum framing framing;
	bool skipping;	   /* within a record that is too long */
	uint64_t oversize; /* records passed over since the start */
	size_t skip;	   /* bytes still to be passed over, of a known count */
};

/*
 * The next record at or after *at in bytes[0..n). Returns true with the record
 * (its line end, LF or CRLF, left out) and *at moved behind it; false when no
 * whole record is left, with *at at the first byte that must be offered again.
 * With `last` the rest without a line end is a record too, if it is not empty.
 * NULs before a line are no part of it, however many: the hole that is left
 * where a log is cut off under a writer that does not append. Of a line of
 * nothing else one is left.
 */
bool framer_line(struct framer *f, const char *bytes, size_t n, size_t *at,
    bool last, struct slice *record);

/*
 * The same for any framing. A block (FRAMING_BLOCKS) holds the ends of its
 * lines, an event of FRAMING_ESL its header, the empty line and its body; with
 * `last` half of one is a record, too, but for half a body. Line ends
 * between two of them are passed over. A frame of FRAMING_SYSLOG that is not
 * counted ends with a line end or NUL (RFC 6587, 3.4.2). The header of one that
 * is too long is passed over with the body that it tells of, or alone, if it is
 * too long itself.
 */
bool framer_next(struct framer *f, const char *bytes, size_t n, size_t *at,
    bool last, struct slice *record);

#endif
