/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One message of Asterisk's manager interface, taken apart: lines "Key: value".
 * Keys compare without case and stand in no order that can be relied on; of a
 * key that stands there twice the first counts (the fixed part of an event
 * comes before what a dialplan adds). Only the keys below are looked for.
 *
 * Facts: main/manager.c, main/manager_channels.c and apps/app_queue.c of
 * Asterisk 1.4 to 22. Up to 11 some keys have other names; both stand here.
 */
#ifndef RT_FORMAT_ASTERISK_AMI_BLOCK_H
#define RT_FORMAT_ASTERISK_AMI_BLOCK_H

#include "base/slice.h"

/* AMI_KEY(NAME, key) */
#define AMI_KEY_LIST                                       \
	AMI_KEY(EVENT, "Event")                            \
	AMI_KEY(RESPONSE, "Response")                      \
	AMI_KEY(MESSAGE, "Message")                        \
	AMI_KEY(ACTION_ID, "ActionID")                     \
	AMI_KEY(CHALLENGE, "Challenge")                    \
	AMI_KEY(PING, "Ping")                              \
	AMI_KEY(TIMESTAMP, "Timestamp")                    \
	AMI_KEY(UPTIME, "Uptime")                          \
	AMI_KEY(UNIQUEID, "Uniqueid")                      \
	AMI_KEY(DEST_UNIQUEID, "DestUniqueid")             \
	AMI_KEY(BRIDGED_CHANNEL, "BridgedChannel")         \
	AMI_KEY(CALLER_NUM, "CallerIDNum")                 \
	AMI_KEY(CALLER_ID, "CallerID")                     \
	AMI_KEY(QUEUE, "Queue")                            \
	AMI_KEY(MEMBER_NAME, "MemberName")                 \
	AMI_KEY(NAME, "Name")                              \
	AMI_KEY(INTERFACE, "Interface")                    \
	AMI_KEY(LOCATION, "Location")                      \
	AMI_KEY(MEMBER, "Member")                          \
	AMI_KEY(HOLD_TIME, "HoldTime")                     \
	AMI_KEY(TALK_TIME, "TalkTime")                     \
	AMI_KEY(RING_TIME, "RingTime")                     \
	AMI_KEY(WAIT, "Wait")                              \
	AMI_KEY(REASON, "Reason")                          \
	AMI_KEY(PAUSED, "Paused")                          \
	AMI_KEY(PAUSED_REASON, "PausedReason")             \
	AMI_KEY(VARIABLE, "Variable")                      \
	AMI_KEY(VALUE, "Value")                            \
	AMI_KEY(APPLICATION, "Application")                \
	AMI_KEY(APP_DATA, "AppData")                       \
	AMI_KEY(DIAL_STATUS, "DialStatus")                 \
	AMI_KEY(USER_EVENT, "UserEvent")                   \
	AMI_KEY(AGENT, "Agent")                            \
	AMI_KEY(LOGIN_TIME, "Logintime")                   \
	AMI_KEY(RESULT, "Result")                          \
	AMI_KEY(EXTENSION, "Extension")                    \
	AMI_KEY(TRANSFEREE, "TransfereeUniqueid")          \
	AMI_KEY(TRANSFERER, "TransfererUniqueid")          \
	AMI_KEY(ORIG_TRANSFERER, "OrigTransfererUniqueid") \
	AMI_KEY(TARGET_EXTEN, "TransferTargetExten")

enum ami_key {
#define AMI_KEY(name, key) AMI_##name,
	AMI_KEY_LIST
#undef AMI_KEY
	    AMI_KEYS
};

#define AMI_SLOTS 256

/* Names by hash, without case; made once. */
struct ami_names {
	uint8_t slot[AMI_SLOTS]; /* number + 1; 0: free */
	struct slice name[96];
	unsigned n;
};

struct ami_block {
	struct slice v[AMI_KEYS]; /* n 0: not there, or empty */
};

/* Adds the next name; its number is how many there were before. */
void ami_names_add(struct ami_names *names, const char *name);
/* The number of that name, or -1. */
int ami_names_find(const struct ami_names *names, struct slice name);
/* The keys above, by their numbers. */
void ami_keys_init(struct ami_names *keys);

/* Takes the record apart; the slices point into it. */
void ami_block_parse(
    const struct ami_names *keys, struct slice record, struct ami_block *block);

/*
 * What most messages are asked for, and nothing more: the event's name (n 0:
 * the record does not begin with it) and, where it stands near, the time.
 */
void ami_block_head(
    struct slice record, struct slice *event, struct slice *timestamp);

/* The first value of any key, as it came; empty: not there. */
struct slice ami_block_get(struct slice record, struct slice key);

/* What stands behind the line of that value, to the end of the record. */
struct slice ami_block_behind(struct slice record, struct slice value);

/* Without case. */
bool ami_same(struct slice a, struct slice b);
/* "<unknown>" is nothing. */
struct slice ami_known(struct slice s);

#endif
