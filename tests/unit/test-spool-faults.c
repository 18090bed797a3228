/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks that say no. Whatever fails, and however often: nothing is told as
 * durable that is not, nothing is lost, and nothing comes twice.
 */
#include "spool-harness.h"

#include <signal.h>
#include <sys/resource.h>

static bool
is_refused(struct rig *rig)
{
	struct record record = rig_record(rig->added);
	uint64_t number = spool_append(rig->spool, &record);

	if (number == 0)
		return true;
	rig->number = rig->highest = number;
	rig->added++;
	return false;
}

static bool
has_room(struct rig *rig)
{
	return rig->rooms > 0 && spool_trouble(rig->spool) == NULL;
}

static bool
faults_are_used_up(struct rig *rig RT_UNUSED)
{
	return rig_faults.datasync.calls == 0 && rig_faults.write.calls == 0 &&
	    rig_faults.sync.calls == 0;
}

/* What stands on disk now is what a crash would leave. */
static void
crash(struct rig *rig)
{
	rig_copy_folder("spool", "left");
	rig_stop(rig);
	rig_copy_folder("left", "spool");
	rig_start(rig);
}

/* It fails for good: nothing is told as durable, and appending ends. */
static void
test_no_false_yes(void **state)
{
	struct rig *rig = *state;
	struct record record;
	struct position at;

	rig_start(rig);
	rig_append(rig, 100);
	rig_sync(rig);
	rig_faults.datasync.with = EIO;
	rig_faults.datasync.calls = INT_MAX;
	rig_append(rig, 50);
	rig_turn(rig, is_refused);
	assert_non_null(strstr(spool_trouble(rig->spool), "syncing"));
	assert_non_null(
	    strstr(spool_trouble(rig->spool), "Input/output error"));
	rig_turn_for(rig, 200 * USEC_PER_MSEC);
	assert_int_equal(rig->synced, 100);
	assert_int_equal(rig_read(rig, 1000), 100);
	rig_faults.datasync.calls = 0;
	rig_turn(rig, has_room);
	rig_sync(rig);
	/* never asked again: all of it was written once more, elsewhere */
	assert_true(spool_next(rig->spool, &record, &at));
	assert_int_equal(at.generation, 101);
	assert_true(at.file_no > 1);
	assert_int_equal(at.offset, SEGMENT_BEGINS);
	spool_back(rig->spool);
	assert_int_equal(rig_append(rig, 10), 10);
	rig_sync(rig);
	rig_expect_all(rig);
	assert_int_equal(rig->missing, 0);
	rig_commit(rig);
	crash(rig);
	assert_int_equal(rig_read(rig, 1), 0);
}

/*
 * A sync fails now and then. The segment that was given up can not even be
 * cut, so that the same records stand in two of them.
 */
static void
test_syncs_fail_now_and_then(void **state)
{
	struct rig *rig = *state;
	int i, rounds = rig_slow() ? 300 : 30;

	rig->config.segment_bytes = 64 * 1024;
	rig->config.max_bytes = 64 * RIG_MIB;
	rig_faults.truncate.calls = INT_MAX;
	rig_faults.truncate.with = EIO;
	rig_start(rig);
	for (i = 0; i < rounds; i++) {
		rig_faults.datasync.with = i % 2 == 0 ? EIO : ENOSPC;
		rig_faults.datasync.spare = i % 3;
		rig_faults.datasync.calls = 1 + i % 2;
		while (rig_append(rig, 20) == 20 && !faults_are_used_up(rig))
			rig_turn_for(rig, USEC_PER_MSEC);
		rig_turn(rig, faults_are_used_up);
		rig_sync(rig);
		if (i % 4 == 0)
			rig_expect_all(rig);
		if (i % 8 == 0)
			rig_commit(rig);
	}
	rig_expect_all(rig);
	assert_int_equal(rig->missing, 0);
	/* again, from the last commit on, after a crash */
	rig->read = (unsigned)rig->from.generation - 1;
	rig_faults.truncate.calls = 0;
	crash(rig);
	rig_expect_all(rig);
	assert_int_equal(rig->missing, 0);
	assert_int_equal(rig->losses, 0);
}

static void
test_writes_fail(void **state)
{
	static const int errors[] = {EIO, ENOSPC, EDQUOT, EROFS, EINTR, EFBIG};
	struct rig *rig = *state;
	size_t i;

	rig->config.segment_bytes = 64 * 1024;
	rig_start(rig);
	for (i = 0; i < 4 * RT_COUNT(errors); i++) {
		rig_faults.write.with = errors[i % RT_COUNT(errors)];
		rig_faults.write.spare = (int)i / 6;
		rig_faults.write.calls = 1 + (int)i % 4;
		rig_faults.short_writes = (int)i % 3;
		while (rig_append(rig, 50) == 50 && !faults_are_used_up(rig))
			rig_turn_for(rig, USEC_PER_MSEC);
		rig_turn(rig, faults_are_used_up);
		rig_sync(rig);
		rig_expect_all(rig);
		rig_commit(rig);
	}
	assert_int_equal(rig->missing, 0);
	crash(rig);
	assert_int_equal(rig_read(rig, 1), 0);
	assert_int_equal(rig->losses, 0);
}

/* A new segment's entry in the folder is not durable: nor is its content. */
static void
test_folder_can_not_be_synced(void **state)
{
	struct rig *rig = *state;
	uint64_t before;

	rig->config.segment_bytes = 16 * 1024;
	rig->config.max_bytes = 64 * RIG_MIB;
	rig_start(rig);
	rig_append(rig, 10);
	rig_sync(rig);
	rig_faults.sync.with = EIO;
	rig_faults.sync.calls = INT_MAX;
	rig_append(rig, 1000);
	rig_turn(rig, is_refused);
	before = rig->synced;
	assert_true(before < 100);
	rig_turn_for(rig, 100 * USEC_PER_MSEC);
	assert_int_equal(rig->synced, before);
	rig_faults.sync.calls = 0;
	rig_turn(rig, has_room);
	rig_sync(rig);
	rig_expect_all(rig);
	assert_int_equal(rig->missing, 0);
}

static void
test_disk_is_full(void **state)
{
	struct rig *rig = *state;

	rig->config.segment_bytes = 16 * 1024;
	rig_start(rig);
	rig_faults.room = 100000;
	rig_turn(rig, is_refused);
	assert_non_null(
	    strstr(spool_trouble(rig->spool), "No space left on device"));
	assert_true(rig->synced < rig->number);
	assert_true(rig->synced > 300);
	rig_turn_for(rig, 100 * USEC_PER_MSEC);
	rig_read(rig, 1000000);
	assert_int_equal(rig->read, rig->synced);
	/* what is committed is deleted, and makes room at once */
	rig_faults.room = 1000000;
	rig_commit(rig);
	rig_turn(rig, has_room);
	rig_sync(rig);
	rig_expect_all(rig);
	assert_int_equal(rig->missing, 0);
}

static void
test_disk_is_full_and_the_oldest_go(void **state)
{
	struct rig *rig = *state;
	unsigned i;

	rig->config.segment_bytes = 16 * 1024;
	rig->config.drop_oldest = true;
	rig_start(rig);
	rig_append(rig, 1000);
	rig_sync(rig);
	rig_faults.room = 1;
	rig_append(rig, 10);
	for (i = 0; rig->lost == 0 && i < 10000; i++)
		rig_turn_for(rig, USEC_PER_MSEC);
	assert_true(rig->lost > 50);
	rig_faults.room = 0;
	rig_sync(rig);
	rig_expect_all(rig);
	assert_true(rig->missing > 50 && rig->missing < 1000);
}

static void
test_no_room_for_a_first_segment(void **state)
{
	struct rig *rig = *state;
	static const struct spool_ops none = {0};
	struct err err;
	uint32_t no[4];

	rig_faults.room = 1;
	assert_null(
	    spool_open(rig->loop, &rig->config, &rig->from, &none, NULL, &err));
	assert_non_null(strstr(err.text, "No space left on device"));
	assert_int_equal(rig_segments(no, RT_COUNT(no)), 0);
	rig_faults.room = 0;
	rig_start(rig);
}

/*
 * The system's own limit, and its signal. What is written at once must fit into
 * a file, however slow the disk: so the loop waits for it at times.
 */
static void
test_files_may_not_grow(void **state)
{
	struct rig *rig = *state;
	struct rlimit was, limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	limit = was;
	limit.rlim_cur = 50000;
	rig_start(rig);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	while (rig->added < 2000) {
		rig_append(rig, 20);
		rig_turn_for(rig, USEC_PER_MSEC);
		if (rig->highest - rig->synced > 100)
			rig_sync(rig);
	}
	rig_sync(rig);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	rig_expect_all(rig);
	assert_int_equal(rig->missing, 0);
}

static bool
all_read(struct rig *rig)
{
	rig_read(rig, 1000);
	return rig->read == rig->added || rig->lost > 0;
}

/* A read that fails is no end, and no loss as long as it may come right. */
static void
test_reads_fail(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	rig_append(rig, 1000);
	rig_sync(rig);
	rig_faults.read.with = EIO;
	rig_faults.read.calls = 3;
	assert_int_equal(rig_read(rig, 1), 0);
	rig_turn(rig, all_read);
	assert_int_equal(rig->missing, 0);
	assert_int_equal(rig->losses, 0);
	if (!rig_slow())
		return;
	/* for good: after half a minute the rest of the segment is given up */
	rig_append(rig, 5);
	rig_sync(rig);
	rig_faults.read.calls = INT_MAX;
	rig_turn(rig, all_read);
	assert_int_equal(rig->lost, 5);
	assert_int_equal(rig->loss, STAGE_LOSS_DAMAGED);
	rig_faults.read.calls = 0;
	rig_append(rig, 5);
	rig_sync(rig);
	rig_expect_all(rig);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_no_false_yes),
	    RIG_TEST(test_syncs_fail_now_and_then),
	    RIG_TEST(test_writes_fail),
	    RIG_TEST(test_folder_can_not_be_synced),
	    RIG_TEST(test_disk_is_full),
	    RIG_TEST(test_disk_is_full_and_the_oldest_go),
	    RIG_TEST(test_no_room_for_a_first_segment),
	    RIG_TEST(test_files_may_not_grow),
	    RIG_TEST(test_reads_fail),
	};

	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
