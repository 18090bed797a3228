/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A spool that is opened before anybody says where to read it from, as the
 * database is away; and positions that are none of this spool's.
 */
#include "spool-harness.h"

static uint32_t
first_segment(void)
{
	uint32_t no[64];

	return rig_segments(no, 64) > 0 ? no[0] : 0;
}

/* Killed without a word: what was durable is there, nothing was committed. */
static void
rig_restart_early(struct rig *rig)
{
	rig_stop(rig);
	rig_start_early(rig);
}

/* Some read and committed, some not; then three starts without a database. */
static void
test_position_comes_later(void **state)
{
	struct rig *rig = *state;
	unsigned start;

	rig->config.segment_bytes = 8192;
	rig_start(rig);
	rig_append(rig, 300);
	rig_sync(rig);
	assert_int_equal(rig_read(rig, 120), 120);
	rig_commit(rig);
	rig_stop(rig);
	for (start = 0; start < 3; start++) {
		struct position at;
		uint64_t unread;
		int64_t bytes;

		rig_start_early(rig);
		assert_int_equal(rig_append(rig, 50), 50);
		rig_sync(rig);
		spool_size(rig->spool, &bytes, &unread);
		assert_int_equal(unread, 180 + 50 * (start + 1));
		assert_true(bytes > 0);
		spool_position(rig->spool, &at);
		assert_int_equal(at.file_no, 0);
		if (start < 2)
			rig_stop(rig);
	}
	rig_resume(rig);
	assert_true(first_segment() >= rig->from.file_no);
	rig_expect_all(rig);
	assert_int_equal(rig->losses, 0);
	rig_append(rig, 10);
	rig_sync(rig);
	rig_expect_all(rig);
	assert_int_equal(rig->read, 460);
	assert_int_equal(rig->missing, 0);
}

/* The feed is new: the position that comes is none. */
static void
test_never_read_before(void **state)
{
	struct rig *rig = *state;

	rig_start_early(rig);
	rig_append(rig, 40);
	rig_sync(rig);
	rig_restart_early(rig);
	rig_append(rig, 2);
	rig_sync(rig);
	rig_resume(rig);
	rig_expect_all(rig);
	assert_int_equal(rig->read, 42);
	assert_int_equal(rig->losses, 0);
}

/* All is loaded again while the spool stays open: not read, then once more. */
static void
test_halted_and_read_again(void **state)
{
	struct rig *rig = *state;

	rig->config.segment_bytes = 8192;
	rig_start(rig);
	rig_append(rig, 200);
	rig_sync(rig);
	assert_int_equal(rig_read(rig, 90), 90);
	rig_commit(rig);
	assert_int_equal(rig_read(rig, 60), 60);
	spool_halt(rig->spool);
	rig_append(rig, 100);
	rig_sync(rig);
	rig->read = 90;
	rig_resume(rig);
	rig_expect_all(rig);
	assert_int_equal(rig->read, 300);
	assert_int_equal(rig->losses, 0);
}

/*
 * The folder was made anew while the database was away, and its numbers begin
 * anew: what has come in since is behind no position, whatever the database
 * says, also over a crash.
 */
static void
test_replaced_while_away(void **state)
{
	struct rig *rig = *state;
	unsigned killed;

	for (killed = 0; killed < 2; killed++) {
		rig->config.segment_bytes = 4096;
		rig_start(rig);
		rig_append(rig, 400);
		rig_sync(rig);
		rig_expect_all(rig);
		rig_commit(rig);
		rig_stop(rig);
		rig_remove_folder("spool");
		rig->highest = 0;
		rig_start_early(rig);
		assert_int_equal(rig_append(rig, 100), 100);
		assert_int_equal(rig->number, 100);
		rig_sync(rig);
		assert_true(rig->from.file_no > 3);
		if (killed) {
			rig_stop(rig);
			rig_start(rig);
		} else {
			rig_resume(rig);
		}
		rig_expect_all(rig);
		assert_int_equal(rig->missing, 0);
		/* of the old one, nobody knows what was in it */
		assert_int_equal(rig->losses, killed + 1);
		assert_int_equal(rig->loss, STAGE_LOSS_MISSING);
		rig_append(rig, 5);
		rig_sync(rig);
		rig_expect_all(rig);
		rig_commit(rig);
		rig_stop(rig);
		rig_start(rig);
		rig_append(rig, 5);
		rig_sync(rig);
		rig_expect_all(rig);
		assert_int_equal(rig->losses, killed + 1);
		rig_stop(rig);
		rig_remove_folder("spool");
		rig->from = (struct position){0};
		rig->highest = 0;
	}
	rig_start(rig);
}

/* An older copy of the folder, and then no database to say so. */
static void
test_older_copy_while_away(void **state)
{
	struct rig *rig = *state;

	rig->config.segment_bytes = 4096;
	rig_start(rig);
	rig_append(rig, 50);
	rig_sync(rig);
	rig_expect_all(rig);
	rig_commit(rig);
	rig_stop(rig);
	rig_copy_folder("spool", "old");
	rig_start(rig);
	rig_append(rig, 300);
	rig_sync(rig);
	rig_expect_all(rig);
	rig_commit(rig);
	rig_stop(rig);
	rig_remove_folder("spool");
	rig_copy_folder("old", "spool");
	rig->highest = 0;
	rig_start_early(rig);
	rig_append(rig, 80);
	rig_sync(rig);
	rig_resume(rig);
	rig_expect_all(rig);
	assert_int_equal(rig->missing, 0);
	assert_int_equal(rig->read, 430);
}

/* The end of the last segment, which was committed, is lost on the disk. */
static void
test_end_is_cut_while_away(void **state)
{
	struct rig *rig = *state;
	uint32_t no[8];
	const char *path;

	rig_start(rig);
	rig_append(rig, 100);
	rig_sync(rig);
	rig_expect_all(rig);
	rig_commit(rig);
	rig_stop(rig);
	path = rig_segment_path(no[rig_segments(no, 8) - 1]);
	assert_int_equal(truncate(path, rig_size(path) / 2), 0);
	rig->highest = 0;
	rig_start_early(rig);
	rig_append(rig, 80);
	assert_true(rig->number < 150); /* numbers that were used before */
	rig_sync(rig);
	rig_resume(rig);
	rig_expect_all(rig);
	assert_int_equal(rig->read, 180);
	assert_int_equal(rig->missing, 0);
}

/*
 * Another daemon was the writer for a while, with a spool of its own: what the
 * database says is a place in that one. Ours goes on where we had committed.
 */
static void
test_position_of_another_spool(void **state)
{
	static const uint32_t theirs[] = {1, 2, 9000};
	struct rig *rig = *state;
	unsigned i;

	rig->config.segment_bytes = 8192;
	rig_start(rig);
	for (i = 0; i < 3; i++) {
		rig_append(rig, 300);
		rig_sync(rig);
		assert_int_equal(rig_read(rig, 250), 250);
		rig_commit(rig);
		rig_stop(rig);
		rig->from.head_hash ^= 0x1234;
		rig->from.file_no = theirs[i];
		rig->from.generation = theirs[i] * 100;
		rig_start_early(rig);
		rig_append(rig, 10);
		rig_sync(rig);
		if (i == 1) {
			rig_stop(rig);
			rig_start(rig);
		} else {
			rig_resume(rig);
		}
		rig_expect_all(rig);
		rig_commit(rig);
	}
	assert_int_equal(rig->read, 930);
	assert_int_equal(rig->missing, 0);
}

/* Dropped while nobody knew what was committed: counted when it is known. */
static void
test_drops_while_unread(void **state)
{
	struct rig *rig = *state;
	struct spool_drops drops;
	unsigned i;

	rig->config.max_bytes = 256 * 1024;
	rig->config.segment_bytes = 16 * 1024;
	rig->config.drop_oldest = true;
	rig_start(rig);
	rig_append(rig, 400);
	rig_sync(rig);
	assert_int_equal(rig_read(rig, 300), 300);
	rig_commit(rig);
	rig_stop(rig);
	rig_start_early(rig);
	for (i = 0; i < 30; i++) {
		assert_int_equal(rig_append(rig, 100), 100);
		rig_sync(rig);
	}
	assert_int_equal(rig->losses, 0);
	spool_dropped(rig->spool, &drops);
	rig_resume(rig);
	assert_int_equal(rig->losses, 1);
	assert_int_equal(rig->loss, STAGE_LOSS_FULL);
	assert_int_equal(rig->lost, drops.records);
	assert_int_equal(rig->lost_bytes, drops.bytes);
	spool_dropped(rig->spool, &drops);
	assert_int_equal(drops.records, 0);
	rig_expect_all(rig);
	assert_true(rig->missing > 1000);
	assert_int_equal(rig->losses, 1);
}

static void
rig_flood(struct rig *rig, unsigned n, bool read)
{
	while (n-- > 0) {
		assert_int_equal(rig_append(rig, 100), 100);
		rig_sync(rig);
		while (read && rig_read(rig, 100) > 0)
			continue;
	}
}

static void
rig_small(struct rig *rig)
{
	rig->config.max_bytes = 256 * 1024;
	rig->config.segment_bytes = 16 * 1024;
	rig->config.drop_oldest = true;
}

/* What was dropped before the last start, for that reason, and once. */
static void
rig_expect_dropped(struct rig *rig)
{
	struct spool_drops drops;

	rig_start_early(rig);
	spool_dropped(rig->spool, &drops);
	assert_true(drops.records > 1000);
	assert_int_equal(rig->losses, 0);
	rig_flood(rig, 10, false);
	rig_stop(rig);
	rig_start(rig);
	assert_int_equal(rig->losses, 1);
	assert_int_equal(rig->loss, STAGE_LOSS_FULL);
	assert_true(rig->lost >= drops.records + 900);
	assert_true(rig->lost_bytes > drops.bytes + 900 * 48);
	rig_expect_all(rig);
	assert_int_equal(rig->losses, 1);
	rig_commit(rig);
	rig_stop(rig);
	rig_start_early(rig);
	spool_dropped(rig->spool, &drops);
	assert_int_equal(drops.records, 0);
	rig_resume(rig);
	rig_expect_all(rig);
	assert_int_equal(rig->losses, 1);
}

/* Nothing was ever committed: there is no position to miss them by. */
static void
test_drops_of_a_new_feed(void **state)
{
	struct rig *rig = *state;

	rig_small(rig);
	rig_start_early(rig);
	rig_flood(rig, 30, false);
	rig_stop(rig);
	rig_expect_dropped(rig);
}

static void
test_drops_behind_a_commit(void **state)
{
	struct rig *rig = *state;

	rig_small(rig);
	rig_start(rig);
	rig_append(rig, 400);
	rig_sync(rig);
	assert_int_equal(rig_read(rig, 300), 300);
	rig_commit(rig);
	rig_stop(rig);
	rig_start_early(rig);
	rig_flood(rig, 30, false);
	rig_stop(rig);
	rig_expect_dropped(rig);
}

/* They are no loss while we live. */
static void
test_drops_of_what_was_only_read(void **state)
{
	struct rig *rig = *state;

	rig_small(rig);
	rig_start(rig);
	rig_flood(rig, 30, true);
	assert_int_equal(rig->read, 3000);
	assert_int_equal(rig->losses, 0);
	rig_stop(rig);
	rig->read = 0;
	rig_expect_dropped(rig);
}

/* Somebody has deleted what a new feed begins with: numbers begin at 1. */
static void
test_start_is_gone(void **state)
{
	struct rig *rig = *state;
	uint32_t no[64];

	rig->config.segment_bytes = 8192;
	rig_start_early(rig);
	rig_append(rig, 500);
	rig_sync(rig);
	rig_stop(rig);
	assert_true(rig_segments(no, RT_COUNT(no)) > 3);
	assert_int_equal(unlink(rig_segment_path(no[0])), 0);
	assert_int_equal(unlink(rig_segment_path(no[1])), 0);
	rig_start(rig);
	rig_expect_all(rig);
	assert_true(rig->missing > 60);
	assert_int_equal(rig->losses, 1);
	assert_int_equal(rig->loss, STAGE_LOSS_MISSING);
}

/* A database that is new: what the last one has committed is not missing. */
static void
test_committed_to_another_database(void **state)
{
	struct rig *rig = *state;

	rig->config.segment_bytes = 8192;
	rig_start(rig);
	rig_append(rig, 500);
	rig_sync(rig);
	assert_int_equal(rig_read(rig, 300), 300);
	rig_commit(rig);
	rig_stop(rig);
	rig->from = (struct position){0};
	rig_start(rig);
	rig->read = rig->missing = 0;
	assert_true(rig_read(rig, 1) == 1 && rig->read > 200);
	rig->missing = 0;
	rig_expect_all(rig);
	assert_int_equal(rig->losses, 0);
}

/* A spool that no feed reads: what is left in it, and it stays as it is. */
static void
test_left_over(void **state)
{
	struct record end = {.kind = RECORD_END, .received_us = 1};
	struct rig *rig = *state;
	uint32_t no[64], after[64];
	unsigned n;
	int64_t size;

	assert_int_equal(spool_left("spool"), 0);
	rig->config.segment_bytes = 8192;
	rig_start(rig);
	rig_append(rig, 300);
	rig_sync(rig);
	assert_int_equal(rig_read(rig, 120), 120);
	rig_commit(rig);
	assert_true(spool_append(rig->spool, &end) > 0);
	assert_int_equal(spool_left("spool"), 0); /* it is open */
	rig_stop(rig);
	n = rig_segments(no, RT_COUNT(no));
	assert_int_equal(spool_left("spool"), 180);
	size = rig_size(rig_segment_path(no[n - 1])) - (int64_t)entry_size(0);
	assert_int_equal(truncate(rig_segment_path(no[n - 1]), size - 1), 0);
	assert_int_equal(spool_left("spool"), 180);
	assert_int_equal(rig_segments(after, RT_COUNT(after)), n);
	assert_memory_equal(no, after, n * sizeof(*no));
	assert_int_equal(rig_size(rig_segment_path(no[n - 1])), size - 1);
	rig_flip(rig_segment_path(no[n - 2]), 4000, 3);
	assert_in_range(spool_left("spool"), 178, 179);
	rig_flip(rig_segment_path(no[n - 2]), 4000, 3);
	rig->highest = 0;
	rig_start(rig);
	rig_expect_all(rig);
	rig_commit(rig);
	rig_stop(rig);
	assert_int_equal(spool_left("spool"), 0);
	rig_start(rig);
}

/* Another transport read the feed for a while: its places are not ours. */
static void
test_position_of_another_transport(void **state)
{
	struct rig *rig = *state;
	struct position file = {.file_no = 70,
	    .path = "/var/log/asterisk/queue_log",
	    .device = 1,
	    .inode = 77,
	    .generation = 4000111222,
	    .head_hash = 1,
	    .offset = 123};
	unsigned start;

	rig->config.segment_bytes = 8192;
	rig_start_early(rig);
	rig_append(rig, 100);
	rig_sync(rig);
	for (start = 0; start < 3; start++) {
		rig_stop(rig);
		rig->from = file;
		if (start == 1) {
			rig_start_early(rig);
			rig_append(rig, 20);
			rig_resume(rig);
		} else {
			rig_start(rig);
			rig_append(rig, 20);
		}
		rig_sync(rig);
		assert_true(rig->number < 1000);
		rig_expect_all(rig);
		rig_commit(rig);
		assert_true(start == 1 || rig->from.file_no > file.file_no);
	}
	assert_int_equal(rig->read, 160);
	assert_int_equal(rig->missing, 0);
	assert_int_equal(rig->losses, 0);
}

/* The same where all that was dropped had been committed: nothing is lost. */
static void
test_drops_of_what_was_committed(void **state)
{
	struct rig *rig = *state;
	unsigned done;

	rig->config.max_bytes = 256 * 1024;
	rig->config.segment_bytes = 16 * 1024;
	rig->config.drop_oldest = true;
	rig_start(rig);
	rig_append(rig, 1000);
	rig_sync(rig);
	rig_expect_all(rig);
	spool_position(rig->spool, &rig->from);
	done = first_segment();
	rig_stop(rig); /* before the spool was told */
	rig_start_early(rig);
	while (first_segment() == done) {
		assert_int_equal(rig_append(rig, 20), 20);
		rig_sync(rig);
	}
	rig_resume(rig);
	rig_expect_all(rig);
	assert_int_equal(rig->losses, 0);
	assert_int_equal(rig->missing, 0);
}

/* Full of what nobody reads: it waits, and goes on when it is read. */
static void
test_full_while_unread(void **state)
{
	struct rig *rig = *state;

	rig->config.max_bytes = 256 * 1024;
	rig->config.segment_bytes = 16 * 1024;
	rig_start_early(rig);
	while (rig_append(rig, 10) == 10)
		rig_sync(rig);
	assert_non_null(spool_trouble(rig->spool));
	assert_int_equal(rig->rooms, 0);
	rig_sync(rig);
	rig_resume(rig);
	rig_expect_all(rig);
	rig_commit(rig);
	assert_int_equal(rig->rooms, 1);
	assert_null(spool_trouble(rig->spool));
	assert_int_equal(rig_append(rig, 10), 10);
	rig_sync(rig);
	rig_expect_all(rig);
	assert_int_equal(rig->losses, 0);
}

/* The position makes the room: what stands before it is deleted. */
static void
test_full_of_what_was_committed(void **state)
{
	struct rig *rig = *state;

	rig->config.max_bytes = 256 * 1024;
	rig->config.segment_bytes = 16 * 1024;
	rig_start(rig);
	rig_append(rig, 1000);
	rig_sync(rig);
	rig_expect_all(rig);
	spool_position(rig->spool, &rig->from);
	rig_stop(rig); /* before the spool was told */
	rig_start_early(rig);
	while (rig_append(rig, 10) == 10)
		rig_sync(rig);
	rig_sync(rig);
	assert_true(first_segment() < rig->from.file_no);
	assert_int_equal(rig->rooms, 0);
	rig_resume(rig);
	assert_int_equal(rig->rooms, 1);
	/* and the one that it stands in, as it stands at its end */
	assert_int_equal(first_segment(), rig->from.file_no + 1);
	assert_int_equal(rig_append(rig, 10), 10);
	rig_sync(rig);
	rig_expect_all(rig);
	assert_int_equal(rig->losses, 0);
	assert_int_equal(rig->missing, 0);
}

/* Another daemon has heard the same: only what came since the start goes. */
static void
test_discarded(void **state)
{
	struct rig *rig = *state;

	rig->config.segment_bytes = 8192;
	rig_start(rig);
	rig_append(rig, 100);
	rig_sync(rig);
	assert_int_equal(rig_read(rig, 60), 60);
	rig_commit(rig);
	rig_stop(rig);
	rig_start_early(rig);
	rig_append(rig, 300);
	rig_sync(rig);
	assert_int_equal(spool_discard(rig->spool), 300);
	rig->added = 100;
	rig->highest = 0;
	rig_start_early(rig);
	rig_append(rig, 20);
	rig_sync(rig);
	rig_resume(rig);
	rig_expect_all(rig);
	assert_int_equal(rig->read, 120);
	assert_int_equal(rig->losses, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_position_comes_later),
	    RIG_TEST(test_never_read_before),
	    RIG_TEST(test_halted_and_read_again),
	    RIG_TEST(test_replaced_while_away),
	    RIG_TEST(test_older_copy_while_away),
	    RIG_TEST(test_end_is_cut_while_away),
	    RIG_TEST(test_position_of_another_spool),
	    RIG_TEST(test_drops_while_unread),
	    RIG_TEST(test_drops_of_a_new_feed),
	    RIG_TEST(test_drops_behind_a_commit),
	    RIG_TEST(test_drops_of_what_was_only_read),
	    RIG_TEST(test_start_is_gone),
	    RIG_TEST(test_committed_to_another_database),
	    RIG_TEST(test_left_over),
	    RIG_TEST(test_position_of_another_transport),
	    RIG_TEST(test_drops_of_what_was_committed),
	    RIG_TEST(test_full_while_unread),
	    RIG_TEST(test_full_of_what_was_committed),
	    RIG_TEST(test_discarded),
	};

	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
