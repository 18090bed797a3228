/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of the format asterisk-ami only. asterisk_ami.c takes
 * records and knows what time it is; asterisk_ami_calls.c and
 * asterisk_ami_agents.c make events of messages about callers and members;
 * asterisk_ami_dialogue.c logs in and asks.
 */
#ifndef RT_FORMAT_ASTERISK_AMI_H
#define RT_FORMAT_ASTERISK_AMI_H

#include "base/utc.h"
#include "event/stage.h"
#include "format/asterisk_ami_block.h"
#include "format/asterisk_ami_members.h"
#include "format/asterisk_ami_stays.h"

/* How far the picture is that QueueStatus gives of the present. */
enum ami_picture {
	AMI_PICTURE_NONE,   /* nobody waits for one */
	AMI_PICTURE_WANTED, /* the next list is one */
	AMI_PICTURE_OPEN,   /* its list comes */
	AMI_PICTURE_LISTED  /* it is complete; what it overtook may follow */
};

struct ami {
	struct ami_names keys, events; /* what is looked for */
	struct stays stays;
	struct members members;
	int64_t now_us;		/* of the record in work; 0: not known */
	int64_t heard_us;	/* received_us then; 0: not noted */
	int64_t broken_us;	/* when a connection was last lost; 0: never */
	int64_t booted_us;	/* when the switch was started; 0: not known */
	int64_t listed_us;	/* when the list of the picture was complete */
	uint8_t picture;	/* enum ami_picture */
	bool tells_status;	/* QUEUESTATUS was heard since it was made */
	bool tells_requests;	/* a HangupRequest was ever heard */
	bool tells_agents;	/* an AgentCalled or AgentConnect was */
	bool connected;		/* marks are given, and a BEGIN was the last */
	bool old;		/* names of events as up to Asterisk 11 */
	struct ami_block block; /* of the record in work */
	struct slice record;
	struct sink *sink;
	struct event event;	     /* where the sink has no room */
	char *const *contact_events; /* NULL, or NULL-terminated */
};

struct ami_options {
	char *event_mask;
	int login; /* index of ami_logins */
	char **contact_events;
};
enum ami_login { AMI_LOGIN_MD5, AMI_LOGIN_PLAIN };

/* What an event's function returns: NULL, or why the record is refused. */
typedef const char *(*ami_event_fn)(struct ami *a);

static inline struct slice
ami_value(const struct ami *a, enum ami_key key)
{
	struct slice s = a->block.v[key];

	return s.p != NULL ? s : (struct slice){"", 0};
}

/* The first of two keys that says something. */
static inline struct slice
ami_value_of(const struct ami *a, enum ami_key key, enum ami_key other)
{
	struct slice s = ami_value(a, key);

	return s.n > 0 ? s : ami_value(a, other);
}

/* A number of units as ms; not told, or none: unknown. */
int64_t ami_ms(const struct ami *a, enum ami_key key, int64_t unit);
/* "1795288727.536828" in microseconds; false: it is none. */
bool ami_parse_time(struct slice s, int64_t *time_us);

/* A new event of that kind, at the present time, of this record's queue. */
struct event *ami_begin(struct ami *a, enum event_kind kind, struct slice name);
void ami_emit(struct ami *a, struct event *ev);

/* asterisk_ami_calls.c */
const char *ami_join(struct ami *a);
const char *ami_leave(struct ami *a);
const char *ami_abandon(struct ami *a);
const char *ami_connect(struct ami *a);
const char *ami_complete(struct ami *a);
const char *ami_dump(struct ami *a);
const char *ami_ring_no_answer(struct ami *a);
const char *ami_called(struct ami *a);
const char *ami_hangup_request(struct ami *a);
const char *ami_hangup(struct ami *a);
const char *ami_dial_end(struct ami *a);
const char *ami_blind_transfer(struct ami *a);
const char *ami_attended_transfer(struct ami *a);
const char *ami_var_set(struct ami *a);
const char *ami_new_exten(struct ami *a);
const char *ami_entry(struct ami *a); /* of the picture */
/* Tells what became of those who left so long ago that nothing follows. */
void ami_calls_pass(struct ami *a);
/* Nothing follows any more: the connection is lost. */
void ami_calls_break(struct ami *a);
/* The picture is about to end. */
void ami_calls_settle(struct ami *a);
/* Those whom the picture does not know are gone; all are in doubt. */
void ami_calls_forget(struct ami *a);
void ami_calls_doubt(struct ami *a);

/* asterisk_ami_agents.c */
const char *ami_member_added(struct ami *a);
const char *ami_member_removed(struct ami *a);
const char *ami_member_pause(struct ami *a);
const char *ami_member_status(struct ami *a);
const char *ami_agent_login(struct ami *a);
const char *ami_agent_logoff(struct ami *a);
const char *ami_member(struct ami *a); /* of the picture */

/*
 * asterisk_ami_contact.c: the UserEvent of that name tells of a contact. False:
 * it does not, and nothing was emitted.
 */
bool ami_contact(struct ami *a, struct slice name);

/* asterisk_ami_dialogue.c */
extern const struct dialogue_ops ami_dialogue;
extern const struct option_row ami_rows[];

#endif
