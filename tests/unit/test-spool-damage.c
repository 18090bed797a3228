/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spools as crashes and bad disks leave them: cut off, with bits turned, with
 * files gone. What is read is right, what is missing is counted.
 */
#include "spool-harness.h"

#include <signal.h>
#include <sys/wait.h>

/* A segment's file in memory, to be spoilt again and again. */
struct image {
	char *bytes;
	size_t n;
};

static struct image
image_load(const char *path)
{
	struct image image = {.n = (size_t)rig_size(path)};
	int fd = open(path, O_RDONLY);

	image.bytes = mem_alloc(image.n);
	assert_int_equal(read(fd, image.bytes, image.n), image.n);
	close(fd);
	return image;
}

static void
image_put(const char *path, const char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

/* Opens a spool of nothing but these bytes, and reads it from its start. */
static void
start_with(struct rig *rig, const char *bytes, size_t n)
{
	uint32_t no[16];
	unsigned i, have = rig_segments(no, RT_COUNT(no));

	for (i = 0; i < have; i++)
		assert_int_equal(unlink(rig_segment_path(no[i])), 0);
	image_put(rig_segment_path(1), bytes, n);
	rig->from = (struct position){0};
	rig->highest = 0;
	rig->read = rig->missing = 0;
	rig->losses = 0;
	rig->lost = 0;
	rig_start(rig);
}

/* As many records as there are, all different in length. */
static void
make(struct rig *rig, unsigned records)
{
	rig_start(rig);
	rig_append(rig, records);
	rig_sync(rig);
}

/* What a crash leaves: it ends anywhere, with this or that behind. */
static void
test_cut_off_at_every_byte(void **state)
{
	struct rig *rig = *state;
	struct image image;
	struct position last;
	size_t at;

	make(rig, 5);
	assert_int_equal(rig_read(rig, 4), 4);
	spool_position(rig->spool, &last);
	image = image_load(rig_segment_path(1));
	rig_stop(rig);
	for (at = (size_t)last.offset; at < image.n; at++) {
		start_with(rig, image.bytes, at);
		assert_int_equal(rig_size(rig_segment_path(1)), last.offset);
		assert_int_equal(rig_read(rig, 5), 4);
		assert_int_equal(rig->losses, 0);
		/* its number was never told to anybody */
		rig->added = 4;
		assert_int_equal(rig_append(rig, 2), 2);
		assert_int_equal(rig->number, 6);
		rig_sync(rig);
		assert_int_equal(rig_read(rig, 5), 2);
		rig->added = 5;
		rig_stop(rig);
	}
	/* a file that was made longer, and not yet filled */
	image.bytes = mem_realloc(image.bytes, image.n + 5000, 1);
	memset(
	    image.bytes + last.offset, 0, image.n + 5000 - (size_t)last.offset);
	start_with(rig, image.bytes, image.n + 5000);
	assert_int_equal(rig_read(rig, 5), 4);
	assert_int_equal(rig->losses, 0);
	assert_int_equal(rig_size(rig_segment_path(1)), last.offset);
	free(image.bytes);
}

/* The very first one: nothing durable stands in such a file. */
static void
test_cut_off_in_the_head(void **state)
{
	struct rig *rig = *state;
	struct image image;
	size_t at;

	make(rig, 1);
	image = image_load(rig_segment_path(1));
	rig_stop(rig);
	rig->added = 0;
	for (at = 0; at <= (size_t)SEGMENT_BEGINS; at++) {
		start_with(rig, image.bytes, at);
		assert_int_equal(rig_read(rig, 1), 0);
		assert_int_equal(rig->losses, 0);
		assert_int_equal(rig_append(rig, 1), 1);
		rig_sync(rig);
		assert_int_equal(rig_read(rig, 2), 1);
		rig->added = 0;
		rig_stop(rig);
	}
	free(image.bytes);
}

/* Closed in good order: no bit may turn without being noticed. */
static void
test_every_bit(void **state)
{
	struct rig *rig = *state;
	struct image image;
	size_t at, end, step = rig_slow() ? 1 : 13;

	make(rig, 12);
	spool_next(rig->spool, &(struct record){0}, &rig->from);
	end = (size_t)rig_size(rig_segment_path(1));
	rig_stop(rig);
	image = image_load(rig_segment_path(1));
	assert_true(image.n > end);
	for (at = 0; at < image.n; at += step) {
		char good = image.bytes[at];

		image.bytes[at] ^= (char)(1 << at % 8);
		start_with(rig, image.bytes, image.n);
		rig_expect_all(rig);
		if (at < (size_t)SEGMENT_BEGINS || at >= end)
			assert_int_equal(rig->lost, 0);
		assert_true(rig->lost <= 1);
		rig_stop(rig);
		image.bytes[at] = good;
	}
	free(image.bytes);
}

/* Holes of any size, in the middle of it all. */
static void
test_holes(void **state)
{
	struct rig *rig = *state;
	struct image image;
	uint32_t seed = 1, i, n = rig_slow() ? 2000 : 150;

	make(rig, 1000);
	rig_stop(rig);
	image = image_load(rig_segment_path(1));
	for (i = 0; i < n; i++) {
		char *spoilt = mem_alloc(image.n);
		size_t at, len;

		seed = seed * 1664525 + 1013904223;
		at = (seed >> 8) % image.n;
		seed = seed * 1664525 + 1013904223;
		len = RT_MIN((size_t)1 << (seed >> 8) % 18, image.n - at);
		at = RT_MAX(at, (size_t)SEGMENT_BEGINS / 2);
		len = RT_MIN(len, image.n - at - 40); /* not the very end */
		memcpy(spoilt, image.bytes, image.n);
		if (i % 3 == 0)
			memset(spoilt + at, 0, len);
		else if (i % 3 == 1)
			memset(spoilt + at, (int)(seed >> 16), len);
		else /* a piece of elsewhere, marks and all */
			memmove(spoilt + at,
			    image.bytes + (image.n - at - len) / 8 * 8, len);
		start_with(rig, spoilt, image.n);
		rig_expect_all(rig);
		assert_true(rig->read == rig->added);
		rig_stop(rig);
		free(spoilt);
	}
	free(image.bytes);
}

/* Some segments of many. */
static void
many(struct rig *rig)
{
	rig->config.segment_bytes = 8192;
	make(rig, 500);
	rig_read(rig, 7);
	rig_commit(rig);
	rig_stop(rig);
}

static void
again(struct rig *rig, uint64_t least, uint64_t most)
{
	rig_start(rig);
	rig_expect_all(rig);
	assert_in_range(rig->lost, least, most);
	/* and it goes on */
	rig_append(rig, 10);
	rig_sync(rig);
	rig_expect_all(rig);
	assert_in_range(rig->lost, least, most);
	rig_commit(rig);
	rig_stop(rig);
	rig_start(rig);
	assert_int_equal(rig_read(rig, 1), 0);
}

static void
test_segment_is_gone(void **state)
{
	struct rig *rig = *state;

	many(rig);
	assert_int_equal(unlink(rig_segment_path(5)), 0);
	assert_int_equal(unlink(rig_segment_path(6)), 0);
	again(rig, 90, 105);
	assert_int_equal(rig->losses, 1);
	assert_int_equal(rig->loss, STAGE_LOSS_MISSING);
}

static void
test_first_segment_is_gone(void **state)
{
	struct rig *rig = *state;

	many(rig);
	assert_int_equal(unlink(rig_segment_path(1)), 0);
	again(rig, 35, 48);
}

static void
test_segment_is_cut(void **state)
{
	struct rig *rig = *state;

	many(rig);
	assert_int_equal(truncate(rig_segment_path(3), 4000), 0);
	assert_int_equal(truncate(rig_segment_path(4), 0), 0);
	again(rig, 65, 80);
}

static void
spoil_head(uint32_t no)
{
	rig_flip(rig_segment_path(no), 20, 3);
	rig_flip(rig_segment_path(no), 84, 3);
}

static void
test_heads_are_damaged(void **state)
{
	struct rig *rig = *state;

	many(rig);
	spoil_head(4);
	spoil_head(6);
	spoil_head(7);
	again(rig, 130, 150);
	assert_int_equal(rig->loss, STAGE_LOSS_DAMAGED);
}

static void
test_first_head_is_damaged(void **state)
{
	struct rig *rig = *state;

	many(rig);
	spoil_head(1);
	again(rig, 35, 48);
}

/* How many there were nobody knows: at least one is told. */
static void
test_last_head_is_damaged(void **state)
{
	struct rig *rig = *state;
	uint32_t no[64];
	unsigned n;

	many(rig);
	n = rig_segments(no, RT_COUNT(no));
	spoil_head(no[n - 1]);
	rig_start(rig);
	while (rig_read(rig, 100) > 0)
		continue;
	assert_int_equal(rig->lost, 1);
	assert_true(rig->lost_bytes > 100);
	rig->read = rig->added;
	rig->missing = 1;
	rig->highest = 0;
	assert_int_equal(rig_append(rig, 10), 10);
	rig_sync(rig);
	assert_int_equal(rig_read(rig, 20), 10);
	assert_int_equal(rig->lost, 1);
}

static void
test_another_versions_spool(void **state)
{
	struct rig *rig = *state;
	static const struct spool_ops none = {0};
	struct segment_head head = {.no = 2};
	uint32_t order = __builtin_bswap32(SEGMENT_ORDER);
	char bytes[SEGMENT_BEGINS];
	struct err err;

	many(rig);
	segment_head_put(bytes, &head);
	memcpy(bytes + offsetof(struct segment_head, order), &order,
	    sizeof(order));
	image_put(rig_segment_path(99), bytes, (size_t)SEGMENT_BEGINS / 2);
	assert_null(
	    spool_open(rig->loop, &rig->config, &rig->from, &none, NULL, &err));
	assert_non_null(strstr(err.text, "another version"));
	assert_int_equal(rig_size(rig_segment_path(99)), SEGMENT_BEGINS / 2);
}

/* A sender who knows the format can not plant entries of his own. */
static void
test_forged_entries(void **state)
{
	struct rig *rig = *state;
	struct record fake = {.bytes = SLICE("forged"), .kind = RECORD_DATA};
	struct record outer = {.kind = RECORD_DATA}, got;
	struct position at, forged;
	char bytes[4096];
	size_t n = 0;
	uint64_t number;

	rig_start(rig);
	for (number = 1; n + 64 < sizeof(bytes); number++) {
		entry_put(bytes + n, &fake, number, 4711);
		n += entry_size(fake.bytes.n);
	}
	rig_append(rig, 1);
	outer.bytes = (struct slice){bytes, n};
	rig->highest = spool_append(rig->spool, &outer);
	rig->added = 2;
	rig_append(rig, 1);
	rig_sync(rig);
	assert_int_equal(rig_read(rig, 1), 1);
	spool_position(rig->spool, &forged);
	rig_stop(rig);
	rig_flip(rig_segment_path(1), forged.offset + 12, 2);
	rig->from = forged;
	rig_start(rig);
	assert_true(spool_next(rig->spool, &got, &at));
	assert_int_equal(at.generation, 3);
	assert_int_equal(rig->lost, 1);
	assert_int_equal(rig->lost_bytes, entry_size(n));
}

/* --- kill -9 -------------------------------------------------------------- */

/* What the child tells; a pipe takes it whole or not at all. */
struct told {
	unsigned acked; /* records, from the first of all on */
	unsigned read;	/* the next one to be read at `from` */
	struct position from;
};
_Static_assert(sizeof(struct told) <= PIPE_BUF, "one write");

static void
child_tell(struct rig *rig, bool commit)
{
	/* numbers are those of the records, counted from 1 on */
	struct told told = {.acked = (unsigned)rig->synced, .read = UINT_MAX};

	if (commit) {
		spool_position(rig->spool, &told.from);
		told.read = rig->read;
	}
	if (write(STDOUT_FILENO, &told, sizeof(told)) != sizeof(told))
		_exit(1);
	if (commit)
		spool_committed(rig->spool, &told.from);
}

static bool
child_step(struct rig *rig)
{
	static unsigned turns;
	static uint64_t acked;

	turns++;
	rig_append(rig, 1 + turns % 7);
	if (turns % 5 == 0)
		rig_read(rig, 20);
	if (turns % 11 == 0)
		spool_turn(rig->spool, 0);
	if (rig->synced != acked || turns % 23 == 0)
		child_tell(rig, turns % 23 == 0);
	acked = rig->synced;
	return false;
}

static void
child_run(struct rig *rig, int pipe_fd)
{
	dup2(pipe_fd, STDOUT_FILENO);
	rig_forked(rig);
	rig_start(rig);
	rig_turn(rig, child_step);
	_exit(1);
}

/* Hears a child until it has told so much, kills it, and hears the rest. */
static void
hear_and_kill(int pid, int fd, unsigned tellings, struct told *last)
{
	struct told told;
	int status;

	while (read(fd, &told, sizeof(told)) == sizeof(told)) {
		last->acked = RT_MAX(last->acked, told.acked);
		if (told.read != UINT_MAX) {
			last->read = told.read;
			last->from = told.from;
		}
		if (tellings-- == 0)
			kill(pid, SIGKILL);
	}
	close(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/*
 * The numbers of the records are those of the spool less one as long as nothing
 * is refused, so that the child's acknowledgements tell records.
 */
static void
test_killed_at_any_time(void **state)
{
	struct rig *rig = *state;
	unsigned round, rounds = rig_slow() ? 1000 : 40;
	struct told last = {0};
	uint32_t seed = 7;

	rig->config.segment_bytes = 16384;
	rig->config.max_bytes = 1024 * RIG_MIB;
	for (round = 0; round < rounds; round++) {
		int fds[2], pid;

		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		rig->from = last.from;
		rig->read = last.read;
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			child_run(rig, fds[1]);
		close(fds[1]);
		seed = seed * 1664525 + 1013904223;
		hear_and_kill(pid, fds[0], (seed >> 8) % 60, &last);
		rig->from = last.from;
		rig->read = last.read;
		rig->added = UINT_MAX; /* not known */
		rig_start(rig);
		while (rig_read(rig, 100) > 0)
			continue;
		assert_true(rig->read >= last.acked);
		assert_int_equal(rig->missing, 0);
		assert_int_equal(rig->lost, 0);
		rig->added = rig->read;
		rig_stop(rig);
	}
	assert_true(rig->added > rounds);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_cut_off_at_every_byte),
	    RIG_TEST(test_cut_off_in_the_head),
	    RIG_TEST(test_every_bit),
	    RIG_TEST(test_holes),
	    RIG_TEST(test_segment_is_gone),
	    RIG_TEST(test_first_segment_is_gone),
	    RIG_TEST(test_segment_is_cut),
	    RIG_TEST(test_heads_are_damaged),
	    RIG_TEST(test_first_head_is_damaged),
	    RIG_TEST(test_last_head_is_damaged),
	    RIG_TEST(test_another_versions_spool),
	    RIG_TEST(test_forged_entries),
	    RIG_TEST(test_killed_at_any_time),
	};

	rig_home = "/dev/shm"; /* thousands of syncs, which are not the point */
	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
