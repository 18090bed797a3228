/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The least that any reader of a queue_log has to do, as a measure for
 * `ringtally tally`: finds the line ends of the mapped file, splits the fields,
 * converts the time stamp, recognises the event by its name and converts its
 * numeric parameters. No call is followed and nothing is counted but what
 * keeps the compiler from leaving the work out.
 */
#include "base/base.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define BARE_FIELDS 24
#define BARE_SLOTS  256

struct bare_field {
	const char *p;
	size_t n;
};

/* Which parameters of an event are numbers, as bits. */
struct bare_event {
	const char *name;
	size_t n;
	unsigned numbers;
};

#define BARE(name, numbers)                     \
	{                                       \
		name, sizeof(name) - 1, numbers \
	}

static const struct bare_event bare_events[] = {
    BARE("ABANDON", 7),
    BARE("ADDMEMBER", 0),
    BARE("AGENTDUMP", 0),
    BARE("AGENTLOGIN", 0),
    BARE("AGENTLOGOFF", 2),
    BARE("ATTENDEDTRANSFER", 12),
    BARE("BLINDTRANSFER", 28),
    BARE("COMPLETEAGENT", 7),
    BARE("COMPLETECALLER", 7),
    BARE("CONFIGRELOAD", 0),
    BARE("CONNECT", 5),
    BARE("DID", 0),
    BARE("ENTERQUEUE", 4),
    BARE("EXITEMPTY", 7),
    BARE("EXITWITHKEY", 15),
    BARE("EXITWITHTIMEOUT", 7),
    BARE("PAUSE", 0),
    BARE("PAUSEALL", 0),
    BARE("QUEUESTART", 0),
    BARE("REMOVEMEMBER", 0),
    BARE("RINGCANCELED", 1),
    BARE("RINGNOANSWER", 1),
    BARE("SYSCOMPAT", 0),
    BARE("TRANSFER", 28),
    BARE("UNPAUSE", 0),
    BARE("UNPAUSEALL", 0),
    BARE("WITHDRAW", 7),
};

struct bare {
	uint8_t slot[BARE_SLOTS]; /* row + 1, or 0 */
	uint64_t lines, sum, seen[RT_COUNT(bare_events) + 1];
};

static unsigned
bare_hash(const char *p, size_t n)
{
	unsigned h = (unsigned)n;

	if (n > 0)
		h = h * 31 + (unsigned char)p[0];
	if (n > 3)
		h = (h * 31 + (unsigned char)p[3]) * 31 +
		    (unsigned char)p[n - 2];
	return h % BARE_SLOTS;
}

static void
bare_fill(struct bare *b)
{
	unsigned i, at;

	for (i = 0; i < RT_COUNT(bare_events); i++) {
		at = bare_hash(bare_events[i].name, bare_events[i].n);
		while (b->slot[at] != 0)
			at = (at + 1) % BARE_SLOTS;
		b->slot[at] = (uint8_t)(i + 1);
	}
}

/* The event's row + 1; 0: unknown. */
static unsigned
bare_find(const struct bare *b, struct bare_field name)
{
	unsigned at = bare_hash(name.p, name.n), row;

	for (; (row = b->slot[at]) != 0; at = (at + 1) % BARE_SLOTS)
		if (bare_events[row - 1].n == name.n &&
		    memcmp(bare_events[row - 1].name, name.p, name.n) == 0)
			return row;
	return 0;
}

static uint64_t
bare_number(struct bare_field s)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		v = v * 10 + (uint64_t)(s.p[i] - '0');
	return v;
}

static void
bare_line(struct bare *b, const char *p, const char *end)
{
	struct bare_field field[BARE_FIELDS];
	unsigned n = 0, row, bits, i;
	const char *at;

	while (n + 1 < BARE_FIELDS &&
	    (at = memchr(p, '|', (size_t)(end - p))) != NULL) {
		field[n++] = (struct bare_field){p, (size_t)(at - p)};
		p = at + 1;
	}
	field[n++] = (struct bare_field){p, (size_t)(end - p)};
	b->lines++;
	if (n < 5)
		return;
	b->sum += bare_number(field[0]);
	row = bare_find(b, field[4]);
	b->seen[row]++;
	if (row == 0)
		return;
	bits = bare_events[row - 1].numbers;
	for (i = 5; bits != 0 && i < n; i++, bits >>= 1)
		if ((bits & 1) != 0)
			b->sum += bare_number(field[i]);
}

static int
bare_failed(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	return 1;
}

int
main(int argc, char **argv)
{
	struct bare b = {.lines = 0};
	const char *map, *p, *end, *at;
	uint64_t known = 0;
	struct stat st;
	size_t i;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: bare FILE\n");
		return 2;
	}
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return bare_failed(argv[1]);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ,
	    MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (map == MAP_FAILED)
		return bare_failed(argv[1]);
	bare_fill(&b);
	for (p = map, end = map + st.st_size; p < end; p = at + 1) {
		at = memchr(p, '\n', (size_t)(end - p));
		if (at == NULL)
			at = end;
		bare_line(&b, p, at);
	}
	for (i = 1; i < RT_COUNT(b.seen); i++)
		known += b.seen[i];
	printf("%" PRIu64 " lines, %" PRIu64 " known, sum %" PRIu64 "\n",
	    b.lines, known, b.sum);
	return 0;
}
