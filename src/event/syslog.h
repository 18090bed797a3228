/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The syslog envelope: what a sender or a relay writes around a line. Of no
 * interest here but that it comes off, whatever the format within:
 *
 *	<134>1 2026-08-21T10:00:00.123Z pbx1 crm 42 - [x@1 k="v"] LINE
 *	<134>Aug 21 10:00:00 pbx1 crm[42]: LINE
 *	2026-08-21T11:00:00.123456+01:00 pbx1 crm[42]: LINE
 *
 * The first is RFC 5424, the second RFC 3164, which describes what was seen
 * rather than what must be; the third is what rsyslog writes to files, without
 * the priority. Between them stands what real senders leave out: no host (as
 * syslog(3) of glibc writes to /dev/log), no tag, no time, a year or a fraction
 * that are not in the RFC. With a priority nearly all is a frame; without one
 * it needs a time stamp.
 *
 * A tag is known by the colon behind it, and a host by its being made of
 * letters, digits, dots, hyphens, underscores and colons. A line that begins
 * with such a word and a blank is cut short where the sender leaves out host
 * or tag; no format here begins so.
 */
#ifndef RT_EVENT_SYSLOG_H
#define RT_EVENT_SYSLOG_H

#include "event/record.h"

/* What stands around each record of a feed. */
enum envelope { ENVELOPE_NONE, ENVELOPE_SYSLOG };

/*
 * Takes the envelope off: record->bytes becomes what stands in it, which may be
 * nothing. A line end or NUL behind the message is left out; what the relay
 * escaped in it (#012) stays so. Where the record was not stamped when it came
 * in, received_us becomes the frame's own time, if that has year and zone.
 * Returns -1 with the reason (a constant) for what is no syslog frame.
 */
int syslog_unwrap(struct record *record, const char **why);

#endif
