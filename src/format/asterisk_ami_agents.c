/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the manager interface tells of queues' members and of app_agent_pool's
 * agents. Members go by their names, as queue_log has them in all that matters;
 * up to Asterisk 11 the interface is called Location.
 */
#include "base/base.h"
#include "format/asterisk_ami.h"

static struct slice
ami_member_interface(const struct ami *a)
{
	return ami_value_of(a, AMI_INTERFACE, AMI_LOCATION);
}

static struct slice
ami_member_name(const struct ami *a)
{
	struct slice name = ami_value_of(a, AMI_MEMBER_NAME, AMI_NAME);

	return name.n > 0 ? name : ami_member_interface(a);
}

static const char *
ami_member_lacks(const struct ami *a)
{
	if (ami_value(a, AMI_QUEUE).n == 0)
		return "no Queue";
	return ami_member_name(a).n == 0 ? "no member" : NULL;
}

static bool
ami_member_is_paused(const struct ami *a)
{
	return slice_eq(ami_value(a, AMI_PAUSED), SLICE("1"));
}

static void
ami_member_tell(struct ami *a, enum event_kind kind, unsigned flags)
{
	struct event *ev = ami_begin(a, kind, ami_value(a, AMI_EVENT));

	ev->flags = flags;
	ev->agent = ami_member_name(a);
	if (kind == EVENT_PAUSE)
		ev->text = ami_value_of(a, AMI_PAUSED_REASON, AMI_REASON);
	ami_emit(a, ev);
}

/* The member, known from now on; NULL: there is no room for more. */
static struct member *
ami_member_know(struct ami *a, bool *made)
{
	struct member *member = members_get(&a->members,
	    ami_value(a, AMI_QUEUE), ami_member_interface(a), made);

	if (member != NULL)
		member->confirmed = true;
	return member;
}

/* Tells of a pause that began or ended. Without a member: as it is told. */
static void
ami_member_tell_pause(struct ami *a, struct member *member, unsigned flags)
{
	bool paused = ami_member_is_paused(a);

	if (member != NULL &&
	    !members_pause(&a->members, member, paused,
		ami_value_of(a, AMI_PAUSED_REASON, AMI_REASON)))
		return;
	ami_member_tell(a, paused ? EVENT_PAUSE : EVENT_UNPAUSE, flags);
}

const char *
ami_member_added(struct ami *a)
{
	const char *why = ami_member_lacks(a);
	struct member *member;
	bool made;

	if (why != NULL)
		return why;
	member = ami_member_know(a, &made);
	ami_member_tell(a, EVENT_LOGIN, 0);
	if (member != NULL || ami_member_is_paused(a))
		ami_member_tell_pause(a, member, 0);
	return NULL;
}

const char *
ami_member_removed(struct ami *a)
{
	const char *why = ami_member_lacks(a);
	struct member *member;

	if (why != NULL)
		return why;
	member = members_find(
	    &a->members, ami_value(a, AMI_QUEUE), ami_member_interface(a));
	if (member != NULL)
		members_remove(&a->members, member);
	ami_member_tell(a, EVENT_LOGOFF, 0);
	return NULL;
}

/*
 * Of one of whom nothing was heard yet it is not known what changed, and told
 * as it is: repeating it changes nothing.
 */
const char *
ami_member_pause(struct ami *a)
{
	const char *why = ami_member_lacks(a);
	struct member *member;
	bool made;

	if (why != NULL)
		return why;
	member = ami_member_know(a, &made);
	if (made && member != NULL && !ami_member_is_paused(a))
		ami_member_tell(a, EVENT_UNPAUSE, 0);
	else
		ami_member_tell_pause(a, member, 0);
	return NULL;
}

/* A member that nobody told of: of the configuration, read again. */
const char *
ami_member_status(struct ami *a)
{
	const char *why = ami_member_lacks(a);
	struct member *member;
	bool made;

	if (why != NULL)
		return why;
	member = ami_member_know(a, &made);
	if (member == NULL)
		return NULL;
	if (made)
		ami_member_tell(a, EVENT_LOGIN, EVENT_PRESENT);
	if (ami_value(a, AMI_PAUSED).n > 0)
		ami_member_tell_pause(a, member, made ? EVENT_PRESENT : 0);
	return NULL;
}

/* In the picture everybody is told of, known or not. */
const char *
ami_member(struct ami *a)
{
	const char *why = ami_member_lacks(a);
	struct member *member;
	bool made;

	if (a->picture != AMI_PICTURE_OPEN)
		return NULL;
	if (why != NULL)
		return why;
	member = ami_member_know(a, &made);
	ami_member_tell(a, EVENT_LOGIN, EVENT_PRESENT);
	if (member != NULL)
		(void)members_pause(&a->members, member,
		    ami_member_is_paused(a),
		    ami_value_of(a, AMI_PAUSED_REASON, AMI_REASON));
	if (ami_member_is_paused(a))
		ami_member_tell(a, EVENT_PAUSE, EVENT_PRESENT);
	return NULL;
}

/* --- app_agent_pool, and chan_agent before it ----------------------------- */

static const char *
ami_agent_session(struct ami *a, enum event_kind kind)
{
	struct event *ev;

	if (ami_value(a, AMI_AGENT).n == 0)
		return "no Agent";
	ev = ami_begin(a, kind, ami_value(a, AMI_EVENT));
	ev->call = ami_value(a, AMI_UNIQUEID);
	ev->queue.n = 0;
	ev->agent = ami_value(a, AMI_AGENT);
	if (kind == EVENT_LOGOFF)
		ev->session_ms = ami_ms(a, AMI_LOGIN_TIME, 1000);
	ami_emit(a, ev);
	return NULL;
}

const char *
ami_agent_login(struct ami *a)
{
	return ami_agent_session(a, EVENT_LOGIN);
}

const char *
ami_agent_logoff(struct ami *a)
{
	return ami_agent_session(a, EVENT_LOGOFF);
}
