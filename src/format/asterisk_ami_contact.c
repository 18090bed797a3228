/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contacts that a dialplan or an agent's page tells as a UserEvent:
 *
 *	same => n,UserEvent(CallStatus,Code: ${CODE},Agent: ${MEMBERNAME})
 *
 * Its headers stand behind those of the channel, without an order. All of ours
 * may be missing but Code or Category: without either nothing was assessed.
 *
 * Whose call it is: CallID says so, else Linkedid, the id of the oldest channel
 * of the call, which is the caller's where he rang us, whatever channel the
 * UserEvent came from; up to Asterisk 11 there is only Uniqueid.
 */
#include "base/base.h"
#include "event/contact.h"
#include "format/asterisk_ami.h"

static struct slice
ami_contact_value(const struct ami *a, const char *key)
{
	return ami_known(ami_block_get(a->record, slice_of(key)));
}

static struct slice
ami_contact_call(const struct ami *a)
{
	struct slice call = ami_contact_value(a, "CallID");

	if (call.n == 0)
		call = ami_contact_value(a, "Linkedid");
	return call.n > 0 ? call : ami_value(a, AMI_UNIQUEID);
}

static enum contact_resolved
ami_contact_resolved(struct slice s)
{
	static const struct {
		const char *word;
		enum contact_resolved means;
	} words[] = {
	    {"yes", CONTACT_RESOLVED_YES},
	    {"true", CONTACT_RESOLVED_YES},
	    {"1", CONTACT_RESOLVED_YES},
	    {"no", CONTACT_RESOLVED_NO},
	    {"false", CONTACT_RESOLVED_NO},
	    {"0", CONTACT_RESOLVED_NO},
	};
	size_t i;

	for (i = 0; i < RT_COUNT(words); i++)
		if (ami_same(s, slice_of(words[i].word)))
			return words[i].means;
	return CONTACT_RESOLVED_UNKNOWN;
}

static bool
ami_contact_is_named(const struct ami *a, struct slice name)
{
	char *const *known;

	for (known = a->contact_events; *known != NULL; known++)
		if (ami_same(name, slice_of(*known)))
			return true;
	return false;
}

bool
ami_contact(struct ami *a, struct slice name)
{
	struct slice category = ami_contact_value(a, "Category");
	struct contact contact;
	struct event *ev;

	contact_clear(&contact);
	contact.code = ami_contact_value(a, "Code");
	if (!ami_contact_is_named(a, name) ||
	    (contact.code.n == 0 && category.n == 0))
		return false;
	contact.ref = ami_contact_value(a, "Ref");
	contact.service = ami_contact_value(a, "Service");
	contact.request = ami_contact_value(a, "Request");
	contact.resolved =
	    ami_contact_resolved(ami_contact_value(a, "Resolved"));
	ev = ami_begin(a, EVENT_CONTACT, name);
	ev->contact = &contact;
	ev->call = ami_contact_call(a);
	ev->agent = ami_value(a, AMI_AGENT);
	ev->text = category;
	ami_emit(a, ev);
	return true;
}
