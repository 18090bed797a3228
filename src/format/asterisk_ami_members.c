/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "format/asterisk_ami_members.h"
#include "format/asterisk_ami_state.h"

#define MEMBER_TEXT  1024	  /* bytes of a name; nobody has longer ones */
#define MEMBER_SAVED ((size_t)16) /* bytes at most beside the texts */

static size_t
member_bytes(const struct member *member)
{
	return MEMBER_SAVED + member->key_n + member->reason_n;
}

/* Queue and interface in `room`; no name holds a line end. */
static size_t
member_key(
    char room[2 * MEMBER_TEXT + 1], struct slice queue, struct slice interface)
{
	memcpy(room, queue.p, queue.n);
	room[queue.n] = '\n';
	memcpy(room + queue.n + 1, interface.p, interface.n);
	return queue.n + 1 + interface.n;
}

static bool
member_fits(struct slice queue, struct slice interface)
{
	return queue.n <= MEMBER_TEXT && interface.n <= MEMBER_TEXT;
}

struct member *
members_find(
    const struct members *members, struct slice queue, struct slice interface)
{
	char room[2 * MEMBER_TEXT + 1];
	struct member *found = NULL;
	size_t n;

	if (!member_fits(queue, interface))
		return NULL;
	n = member_key(room, queue, interface);
	HASH_FIND(hh, members->table, room, n, found);
	return found;
}

struct member *
members_get(struct members *members, struct slice queue, struct slice interface,
    bool *made)
{
	struct member *member = members_find(members, queue, interface);
	size_t n = queue.n + 1 + interface.n;

	*made = member == NULL;
	if (member != NULL || !member_fits(queue, interface) ||
	    members->bytes + MEMBER_SAVED + n > MEMBERS_BYTES)
		return member;
	member = mem_zalloc(sizeof(*member) + n);
	member->queue_n = (uint16_t)queue.n;
	member->key_n = (uint16_t)member_key(member->key, queue, interface);
	HASH_ADD(hh, members->table, key[0], member->key_n, member);
	members->bytes += member_bytes(member);
	return member;
}

void
members_remove(struct members *members, struct member *member)
{
	HASH_DEL(members->table, member);
	members->bytes -= member_bytes(member);
	free(member->reason);
	free(member);
}

void
members_fini(struct members *members)
{
	struct member *member, *next;

	HASH_ITER (hh, members->table, member, next)
		members_remove(members, member);
}

static struct slice
member_reason(const struct member *member)
{
	return (struct slice){
	    member->reason != NULL ? member->reason : "", member->reason_n};
}

static void
member_set_reason(
    struct members *members, struct member *member, struct slice reason)
{
	members->bytes -= member->reason_n;
	free(member->reason);
	member->reason = NULL;
	member->reason_n = (uint16_t)reason.n;
	if (reason.n > 0) {
		member->reason = mem_alloc(reason.n);
		memcpy(member->reason, reason.p, reason.n);
	}
	members->bytes += member->reason_n;
}

bool
members_pause(struct members *members, struct member *member, bool paused,
    struct slice reason)
{
	reason.n = paused ? RT_MIN(reason.n, (size_t)MEMBER_TEXT) : 0;
	if (member->paused == paused && slice_eq(member_reason(member), reason))
		return false;
	member->paused = paused;
	if (members->bytes + reason.n <= MEMBERS_BYTES)
		member_set_reason(members, member, reason);
	return true;
}

void
members_doubt(struct members *members)
{
	struct member *member, *next;

	HASH_ITER (hh, members->table, member, next)
		member->confirmed = false;
}

void
members_forget(struct members *members)
{
	struct member *member, *next;

	HASH_ITER (hh, members->table, member, next)
		if (!member->confirmed)
			members_remove(members, member);
}

void
members_save(const struct members *members, struct strbuf *to)
{
	struct member *member, *next;

	HASH_ITER (hh, members->table, member, next) {
		ami_put(to,
		    1 + (unsigned)member->paused +
			2 * (unsigned)member->confirmed);
		ami_put(to, member->queue_n);
		ami_put_text(to, (struct slice){member->key, member->key_n});
		ami_put_text(to, member_reason(member));
	}
	ami_put(to, 0);
}

static void
member_load(struct members *members, unsigned bits, struct ami_reader *from)
{
	uint64_t queue_n = ami_get(from);
	struct slice key = ami_get_text(from), reason = ami_get_text(from);
	struct member *member = NULL;
	bool made = false;

	if (from->ok && bits < 4 && queue_n < key.n)
		member = members_get(members,
		    (struct slice){key.p, (size_t)queue_n},
		    (struct slice){key.p + queue_n + 1, key.n - queue_n - 1},
		    &made);
	if (member == NULL || !made) {
		from->ok = false;
		return;
	}
	member->confirmed = (bits & 2) != 0;
	(void)members_pause(members, member, (bits & 1) != 0, reason);
}

void
members_load(struct members *members, struct ami_reader *from)
{
	uint64_t bits;

	while (from->ok && (bits = ami_get(from)) != 0)
		member_load(members, (unsigned)(bits - 1), from);
}
