/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an EVENT_CONTACT tells beside its event: one contact of a customer, by
 * any channel, as somebody or a wrap-up code assessed it. The event itself has
 * the time, the call, the queue, the agent, the customer's number (`caller`)
 * and the category (`text`); here is the rest, so that the millions of events
 * that are no contacts do not carry it.
 *
 * Whoever knows no category but a code of its own sends the code: which
 * category that is, is a matter of configuration, and of the day.
 *
 * Lent as the event is. Empty slices: not told.
 */
#ifndef RT_EVENT_CONTACT_H
#define RT_EVENT_CONTACT_H

#include "base/slice.h"

#define CONTACT_TEXT_MAX 255 /* bytes of each text that are kept */

/* Was the matter settled with this contact? */
enum contact_resolved {
	CONTACT_RESOLVED_UNKNOWN,
	CONTACT_RESOLVED_NO,
	CONTACT_RESOLVED_YES
};

struct contact {
	/* its own id: the same ref is the same contact; or that of its call */
	struct slice ref;
	struct slice channel; /* telephone, face_to_face, email, web ... */
	struct slice service;
	struct slice request;	  /* the case that it is about */
	struct slice code;	  /* the sender's own word for the category */
	struct slice assessed_by; /* a role, and no name */
	struct slice switch_name; /* of `call`, where it is not the feed's */
	int64_t assessed_us;	  /* 0: not told */
	enum contact_resolved resolved;
};

static inline void
contact_clear(struct contact *contact)
{
	static const struct slice none = {"", 0};

	*contact = (struct contact){.ref = none,
	    .channel = none,
	    .service = none,
	    .request = none,
	    .code = none,
	    .assessed_by = none,
	    .switch_name = none};
}

#endif
