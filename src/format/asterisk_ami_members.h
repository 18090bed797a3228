/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the format asterisk-ami remembers of queues' members: whether each is
 * paused, and why. The manager interface tells of pauses also when nothing
 * changed, and of a member's being there with every change of its phone.
 */
#ifndef RT_FORMAT_ASTERISK_AMI_MEMBERS_H
#define RT_FORMAT_ASTERISK_AMI_MEMBERS_H

#include "base/slice.h"
#include "base/strbuf.h"
#include "base/table.h"

#define MEMBERS_BYTES (480 * 1024) /* what is above is not remembered */

/* Of one queue; its key is queue and interface, one behind the other. */
struct member {
	UT_hash_handle hh;
	char *reason; /* of the pause, or NULL */
	uint16_t reason_n;
	bool paused;
	bool confirmed; /* heard of since the connection was made */
	uint16_t queue_n;
	uint16_t key_n;
	char key[];
};

struct members {
	struct member *table;
	size_t bytes;
};

struct ami_reader;

/* Forgets all; may be used again. */
void members_fini(struct members *members);
/* NULL: not known. */
struct member *members_find(
    const struct members *members, struct slice queue, struct slice interface);
/* The same, added when new; NULL: there is no room. *made: it was new. */
struct member *members_get(struct members *members, struct slice queue,
    struct slice interface, bool *made);
void members_remove(struct members *members, struct member *member);
/* True: that is something new. */
bool members_pause(struct members *members, struct member *member, bool paused,
    struct slice reason);

/* A connection was made: nothing is heard of anybody yet. */
void members_doubt(struct members *members);
/* Forgets those of whom nothing was heard since. */
void members_forget(struct members *members);

void members_save(const struct members *members, struct strbuf *to);
void members_load(struct members *members, struct ami_reader *from);

#endif
