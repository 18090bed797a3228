/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "format/asterisk_ami_block.h"

/* Event, Privilege, Timestamp; what is behind may be a sender's own word. */
#define AMI_HEAD_LINES 3

bool
ami_same(struct slice a, struct slice b)
{
	return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

struct slice
ami_known(struct slice s)
{
	if (slice_eq(s, SLICE("<unknown>")))
		s.n = 0;
	return s;
}

/* --- names ---------------------------------------------------------------- */

/* Letters alike in either case; other bytes may fall together. */
static RT_HOT unsigned
ami_names_hash(struct slice name)
{
	unsigned first = (unsigned char)name.p[0] | 0x20U;
	unsigned last = (unsigned char)name.p[name.n - 1] | 0x20U;
	unsigned middle = (unsigned char)name.p[name.n / 2] | 0x20U;
	unsigned h = (unsigned)name.n * 0x9e3779b1U;

	h ^= first * 0x85ebca6bU ^ last * 0xc2b2ae35U ^ middle * 0x27d4eb2fU;
	h ^= h >> 15;
	return h % AMI_SLOTS;
}

void
ami_names_add(struct ami_names *names, const char *name)
{
	struct slice s = slice_of(name);
	unsigned at = ami_names_hash(s);

	BUG_ON(names->n == RT_COUNT(names->name));
	while (names->slot[at] != 0)
		at = (at + 1) % AMI_SLOTS;
	names->name[names->n++] = s;
	names->slot[at] = (uint8_t)names->n;
}

RT_HOT int
ami_names_find(const struct ami_names *names, struct slice name)
{
	unsigned at, number;

	if (name.n == 0)
		return -1;
	at = ami_names_hash(name);
	for (; (number = names->slot[at]) != 0; at = (at + 1) % AMI_SLOTS)
		if (ami_same(names->name[number - 1], name))
			return (int)number - 1;
	return -1;
}

void
ami_keys_init(struct ami_names *keys)
{
#define AMI_KEY(name, key) ami_names_add(keys, key);
	AMI_KEY_LIST
#undef AMI_KEY
}

/* --- lines ---------------------------------------------------------------- */

/*
 * The line at *at, cut at its colon, and *at moved behind it. False: the
 * record is at its end. A line without a colon (the greeting) has no key.
 */
static RT_HOT bool
ami_block_line(
    const char **at, const char *stop, struct slice *key, struct slice *value)
{
	const char *line = *at, *end, *colon;

	if (line >= stop)
		return false;
	end = memchr(line, '\n', (size_t)(stop - line));
	if (end == NULL)
		end = stop;
	*at = end + 1;
	if (end > line && end[-1] == '\r')
		end--;
	colon = end > line ? memchr(line, ':', (size_t)(end - line)) : NULL;
	if (colon == NULL) {
		*key = *value = (struct slice){line, 0};
		return true;
	}
	*key = (struct slice){line, (size_t)(colon - line)};
	colon++;
	colon += colon < end && *colon == ' ';
	*value = (struct slice){colon, (size_t)(end - colon)};
	return true;
}

RT_HOT void
ami_block_parse(
    const struct ami_names *keys, struct slice record, struct ami_block *block)
{
	const char *at = record.p, *stop = record.p + record.n;
	struct slice key, value;
	int number;

	memset(block, 0, sizeof(*block));
	while (ami_block_line(&at, stop, &key, &value)) {
		number = ami_names_find(keys, key);
		if (number >= 0 && block->v[number].p == NULL)
			block->v[number] = value;
	}
}

RT_HOT void
ami_block_head(
    struct slice record, struct slice *event, struct slice *timestamp)
{
	const char *at = record.p, *stop = record.p + record.n;
	struct slice key, value;
	int lines = 0;

	*event = *timestamp = (struct slice){"", 0};
	while (lines++ < AMI_HEAD_LINES &&
	    ami_block_line(&at, stop, &key, &value)) {
		if (lines == 1 && ami_same(key, SLICE("Event")))
			*event = value;
		else if (event->n == 0)
			break;
		else if (ami_same(key, SLICE("Timestamp")))
			*timestamp = value;
	}
}

struct slice
ami_block_get(struct slice record, struct slice key)
{
	const char *at = record.p, *stop = record.p + record.n;
	struct slice name, value;

	while (ami_block_line(&at, stop, &name, &value))
		if (ami_same(name, key))
			return value;
	return (struct slice){"", 0};
}

struct slice
ami_block_behind(struct slice record, struct slice value)
{
	const char *stop = record.p + record.n;
	const char *end = value.p + value.n;

	while (end < stop && *end != '\n')
		end++;
	end += end < stop;
	while (stop > end && (stop[-1] == '\n' || stop[-1] == '\r'))
		stop--;
	return (struct slice){end, (size_t)(stop - end)};
}
