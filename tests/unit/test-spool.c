/* SPDX-License-Identifier: BSD-2-Clause */
/* The spool: order, segments, restarts, limits. */
#include "spool-harness.h"

static void
test_gives_what_was_appended(void **state)
{
	struct rig *rig = *state;
	struct record record;
	struct position at;

	rig_start(rig);
	assert_int_equal(rig_read(rig, 1), 0);
	spool_position(rig->spool, &at);
	assert_int_equal(at.file_no, 0);
	assert_int_equal(rig_append(rig, 1), 1);
	assert_int_equal(rig->number, 1);
	/* not durable: not given */
	assert_false(spool_next(rig->spool, &record, &at));
	rig_sync(rig);
	assert_int_equal(rig_read(rig, 2), 1);
	rig_append(rig, 5000);
	rig_sync(rig);
	rig_expect_all(rig);
	assert_int_equal(rig->missing, 0);
	spool_position(rig->spool, &at);
	assert_int_equal(at.generation, 5002);
	assert_int_equal(at.offset, at.size_seen);
}

static void
test_longest_and_empty_records(void **state)
{
	struct rig *rig = *state;
	char *bytes = mem_zalloc(STAGE_RECORD_MAX);
	struct record record = {.bytes = {bytes, STAGE_RECORD_MAX}}, got;
	struct position at;
	int i;

	rig_start(rig);
	for (i = 0; i < 50; i++) {
		record.bytes.n = i % 2 == 0 ? STAGE_RECORD_MAX : 0;
		memset(bytes, i, STAGE_RECORD_MAX);
		rig->highest = rig->number = spool_append(rig->spool, &record);
		assert_int_equal(rig->number, i + 1);
	}
	rig_sync(rig);
	for (i = 0; i < 50; i++) {
		assert_true(spool_next(rig->spool, &got, &at));
		assert_int_equal(
		    got.bytes.n, i % 2 == 0 ? STAGE_RECORD_MAX : 0);
		if (got.bytes.n > 0) {
			memset(bytes, i, STAGE_RECORD_MAX);
			assert_memory_equal(got.bytes.p, bytes, got.bytes.n);
		}
	}
	assert_false(spool_next(rig->spool, &got, &at));
	free(bytes);
}

static void
test_back_gives_it_again(void **state)
{
	struct rig *rig = *state;
	struct position before, after;
	unsigned i;

	rig->config.segment_bytes = 8192;
	rig_start(rig);
	rig_append(rig, 300);
	rig_sync(rig);
	for (i = 0; i < 300; i++) {
		assert_int_equal(rig_read(rig, 1), 1);
		spool_position(rig->spool, &before);
		spool_back(rig->spool);
		spool_position(rig->spool, &after);
		assert_int_equal(after.file_no, before.file_no);
		assert_true(after.offset < before.offset);
		assert_int_equal(after.generation, i + 1);
		rig->read--;
		assert_int_equal(rig_read(rig, 1), 1);
		spool_position(rig->spool, &after);
		assert_memory_equal(&after, &before, sizeof(after));
	}
	assert_int_equal(rig_read(rig, 1), 0);
}

static void
test_segments_come_and_go(void **state)
{
	struct rig *rig = *state;
	uint32_t no[256];
	int64_t bytes;
	uint64_t unread;
	unsigned n, i;

	rig->config.segment_bytes = 8192;
	rig_start(rig);
	rig_append(rig, 2000);
	rig_sync(rig);
	n = rig_segments(no, RT_COUNT(no));
	assert_true(n > 20);
	for (i = 0; i < n; i++) {
		assert_int_equal(no[i], i + 1);
		assert_true(rig_size(rig_segment_path(no[i])) <= 8192);
	}
	spool_size(rig->spool, &bytes, &unread);
	assert_int_equal(unread, 2000);
	assert_int_equal(rig_read(rig, 1000), 1000);
	assert_int_equal(rig_segments(no, RT_COUNT(no)), n);
	rig_commit(rig);
	i = rig_segments(no, RT_COUNT(no));
	assert_int_equal(i, n - rig->from.file_no + 1);
	assert_int_equal(no[0], rig->from.file_no);
	rig_expect_all(rig);
	rig_commit(rig);
	assert_int_equal(rig_segments(no, RT_COUNT(no)), 1);
	spool_size(rig->spool, &bytes, &unread);
	assert_int_equal(unread, 0);
	assert_int_equal(bytes, rig_size(rig_segment_path(no[0])));
}

/* Stop and start wherever one record ends and the next begins. */
static void
test_restart_at_every_record(void **state)
{
	struct rig *rig = *state;
	uint64_t unread;
	int64_t bytes;
	unsigned i, n = rig_slow() ? 1000 : 200;

	rig->config.segment_bytes = 4096;
	rig_start(rig);
	rig_append(rig, n);
	for (i = 0; i < n; i++) {
		rig_stop(rig);
		rig_start(rig);
		spool_size(rig->spool, &bytes, &unread);
		assert_int_equal(unread, n - i);
		assert_int_equal(rig_read(rig, 1), 1);
		rig_commit(rig);
	}
	assert_int_equal(rig_read(rig, 1), 0);
	assert_int_equal(rig->missing, 0);
	assert_int_equal(rig->losses, 0);
}

/* The same, with more appended after each start. */
static void
test_numbers_go_on_over_restarts(void **state)
{
	struct rig *rig = *state;
	uint32_t before = 0;
	unsigned i;

	for (i = 0; i < 50; i++) {
		rig_start(rig);
		rig_append(rig, i % 4);
		rig_sync(rig);
		assert_int_equal(rig->highest, rig->added);
		if (i % 3 == 0) {
			rig_expect_all(rig);
			rig_commit(rig);
			assert_true(rig->from.file_no >= before);
			before = rig->from.file_no;
		}
		rig_stop(rig);
	}
	rig_start(rig);
	rig_expect_all(rig);
	assert_int_equal(rig->missing, 0);
}

/* --- what is committed leaves the disk ------------------------------------ */

static bool
newest_is_empty(struct rig *rig RT_UNUSED)
{
	uint32_t no[8];
	unsigned n = rig_segments(no, RT_COUNT(no));

	return n == 1 && rig_size(rig_segment_path(no[0])) == SEGMENT_BEGINS;
}

/* The last record of all is committed, and nothing follows. */
static void
test_committed_segment_goes(void **state)
{
	struct rig *rig = *state;
	int64_t bytes;
	uint64_t unread;
	unsigned i;

	rig->config.segment_us = 1;
	rig_start(rig);
	for (i = 0; i < 3; i++) {
		rig_append(rig, 10);
		rig_sync(rig);
		assert_int_equal(rig_read(rig, 10), 10);
		rig_commit(rig);
		assert_true(spool_since(rig->spool) > 0);
		rig_turn(rig, newest_is_empty);
		assert_int_equal(spool_since(rig->spool), 0);
		spool_size(rig->spool, &bytes, &unread);
		assert_int_equal(bytes, 0);
		assert_int_equal(unread, 0);
	}
	/* the position is in one that is gone; numbers go on all the same */
	assert_int_equal(rig->from.file_no, 3);
	for (i = 0; i < 3; i++) {
		rig_stop(rig);
		assert_true(newest_is_empty(rig));
		rig_start(rig);
		assert_true(newest_is_empty(rig));
		assert_int_equal(rig_read(rig, 1), 0);
	}
	rig_append(rig, 5);
	assert_int_equal(rig->number, 35);
	rig_sync(rig);
	rig_expect_all(rig);
	assert_int_equal(rig->losses, 0);
}

/* What is not committed stays, and no segment is made for nothing. */
static void
test_only_what_is_committed_goes(void **state)
{
	struct rig *rig = *state;
	uint32_t no[8];
	unsigned i;

	rig_start(rig);
	rig_append(rig, 10);
	rig_sync(rig);
	rig_read(rig, 10);
	for (i = 0; i < 3; i++) {
		spool_turn(rig->spool, 0);
		rig_append(rig, 1);
		rig_sync(rig);
	}
	assert_int_equal(rig_segments(no, RT_COUNT(no)), 1);
	rig_commit(rig); /* 10 of the 13 */
	spool_turn(rig->spool, 60 * USEC_PER_SEC);
	rig_append(rig, 1);
	rig_sync(rig);
	assert_int_equal(rig_segments(no, RT_COUNT(no)), 1);
	for (i = 0; i < 3; i++) {
		spool_turn(rig->spool, 0);
		rig_append(rig, 1);
		rig_sync(rig);
		assert_int_equal(rig_segments(no, RT_COUNT(no)), 2);
	}
	/* what was read and not committed comes again, out of both */
	assert_int_equal(rig_read(rig, 7), 7);
	rig_stop(rig);
	rig->read = 10;
	rig_start(rig);
	assert_int_equal(rig_read(rig, 3), 3);
	rig_commit(rig);
	assert_int_equal(rig_segments(no, RT_COUNT(no)), 3);
	rig_expect_all(rig);
	rig_commit(rig);
	assert_int_equal(rig_segments(no, RT_COUNT(no)), 1);
	assert_int_equal(rig->missing, 0);
}

/* Without the database only the empty segment knows how to go on. */
static void
test_empty_segment_remembers(void **state)
{
	struct rig *rig = *state;
	struct record last;
	unsigned i;

	rig_start(rig);
	rig_append(rig, 100);
	rig_sync(rig);
	rig_expect_all(rig);
	rig_commit(rig);
	spool_turn(rig->spool, 0);
	rig_turn(rig, newest_is_empty);
	for (i = 0; i < 3; i++) {
		rig_stop(rig);
		rig_start_early(rig);
		assert_int_equal(spool_sources(rig->spool), 5);
		assert_int_equal(spool_last(rig->spool, &last), i > 1);
		if (i == 0)
			continue; /* ended before the database came */
		rig_append(rig, 10);
		assert_int_equal(rig->number, 90 + 10 * (i + 1));
		rig_sync(rig);
		if (i == 1) {
			/* another daemon has heard them */
			spool_discard(rig->spool);
			rig->spool = NULL;
			rig_start_early(rig);
			rig->added -= 10;
			rig->highest -= 10;
			rig_append(rig, 10);
			assert_int_equal(rig->number, 110);
			rig_sync(rig);
			rig_resume(rig);
			rig_expect_all(rig);
			rig_commit(rig);
		}
	}
	rig_resume(rig);
	rig_expect_all(rig);
	assert_int_equal(rig->losses, 0);
	assert_int_equal(rig->missing, 0);
}

/* --- limits --------------------------------------------------------------- */

static bool
has_room(struct rig *rig)
{
	return rig->rooms > 0;
}

static void
test_full_spool_waits(void **state)
{
	struct rig *rig = *state;
	int64_t bytes;
	uint64_t unread;
	unsigned taken;
	int round;

	rig->config.max_bytes = 256 * 1024;
	rig->config.segment_bytes = 32 * 1024;
	rig_start(rig);
	for (round = 0; round < 5; round++) {
		while ((taken = rig_append(rig, 100)) == 100)
			rig_sync(rig);
		assert_string_equal(spool_trouble(rig->spool), "it is full");
		assert_int_equal(rig->rooms, 0);
		rig_sync(rig);
		spool_size(rig->spool, &bytes, &unread);
		assert_true(bytes <= rig->config.max_bytes);
		assert_true(bytes > rig->config.max_bytes * 3 / 4);
		/* reading makes no room, only a commit does */
		rig_expect_all(rig);
		rig_turn_for(rig, 20 * USEC_PER_MSEC);
		assert_int_equal(rig_append(rig, 1), 0);
		assert_int_equal(rig->rooms, 0);
		rig_commit(rig);
		assert_int_equal(rig->rooms, 1);
		assert_null(spool_trouble(rig->spool));
		rig->rooms = 0;
		spool_size(rig->spool, &bytes, &unread);
		assert_true(bytes <= rig->config.segment_bytes);
	}
	assert_true(rig->added > 4000);
	assert_int_equal(rig->lost, 0);
}

/* The limit holds over a restart, too. */
static void
test_full_spool_is_full_again(void **state)
{
	struct rig *rig = *state;

	rig->config.max_bytes = 256 * 1024;
	rig->config.segment_bytes = 32 * 1024;
	rig_start(rig);
	while (rig_append(rig, 100) == 100)
		rig_sync(rig);
	rig_stop(rig);
	rig_start(rig);
	assert_int_equal(rig_append(rig, 10), 0);
	rig_expect_all(rig);
	rig_commit(rig);
	rig_turn(rig, has_room);
	assert_int_equal(rig_append(rig, 10), 10);
	rig_sync(rig);
	rig_expect_all(rig);
	assert_int_equal(rig->lost, 0);
}

static void
test_full_spool_drops_the_oldest(void **state)
{
	struct rig *rig = *state;
	int64_t bytes;
	uint64_t unread;
	unsigned i;

	rig->config.max_bytes = 256 * 1024;
	rig->config.segment_bytes = 32 * 1024;
	rig->config.drop_oldest = true;
	rig_start(rig);
	for (i = 0; i < 100; i++) {
		assert_int_equal(rig_append(rig, 100), 100);
		rig_sync(rig);
		spool_size(rig->spool, &bytes, &unread);
		assert_true(bytes <= rig->config.max_bytes);
		assert_int_equal(unread, rig->added - rig->lost);
	}
	assert_int_equal(rig->loss, STAGE_LOSS_FULL);
	assert_true(rig->lost > 5000);
	/* about 164 bytes each, with their heads 208 */
	assert_in_range((uint64_t)rig->lost_bytes / rig->lost, 150, 215);
	rig_expect_all(rig);
	assert_true(rig->missing < 10000 && rig->missing > 5000);
	/* all read: what is dropped now is not lost */
	i = rig->missing;
	assert_int_equal(rig_append(rig, 500), 500);
	rig_sync(rig);
	assert_int_equal(rig->lost, i);
	rig_expect_all(rig);
}

/* What is deleted and still open keeps its bytes on the disk. */
static bool
holds_deleted(void)
{
	char path[64], to[PATH_MAX];
	bool held = false;
	ssize_t n;
	int fd;

	for (fd = 3; fd < 256; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, to, sizeof(to) - 1);
		to[RT_MAX(n, (ssize_t)0)] = '\0';
		held |= strstr(to, ".spool (deleted)") != NULL;
	}
	return held;
}

/* Losses of records that were not committed are told again after a crash. */
static void
test_drops_are_counted_from_the_commit(void **state)
{
	struct rig *rig = *state;
	uint64_t committed, lost;

	unsigned i;

	rig->config.max_bytes = 256 * 1024;
	rig->config.segment_bytes = 16 * 1024;
	rig->config.drop_oldest = true;
	rig_start(rig);
	rig_append(rig, 300);
	rig_sync(rig);
	assert_int_equal(rig_read(rig, 100), 100);
	rig_commit(rig);
	committed = rig->read;
	for (i = 0; i < 30; i++) {
		assert_int_equal(rig_append(rig, 100), 100);
		rig_sync(rig);
	}
	assert_false(holds_deleted());
	while (rig_read(rig, 1000) > 0)
		continue;
	lost = rig->lost;
	assert_true(lost > 1000);
	rig_stop(rig);
	rig->read = (unsigned)committed;
	rig->lost = rig->missing = 0;
	rig_start(rig);
	rig_expect_all(rig);
	assert_int_equal(rig->lost, lost);
}

static bool
has_lost(struct rig *rig)
{
	return rig->lost > 0;
}

static void
test_old_records_are_dropped(void **state)
{
	struct rig *rig = *state;
	struct record record = rig_record(0);
	struct position at;

	/* those of the bench are hours old: dropped when they are read */
	rig->config.max_age_us = 60 * USEC_PER_SEC;
	rig_start(rig);
	rig_append(rig, 100);
	rig_sync(rig);
	assert_int_equal(rig_read(rig, 1), 0);
	assert_int_equal(rig->lost, 100);
	assert_int_equal(rig->loss, STAGE_LOSS_FULL);
	/* a mark is of use at any age */
	record.kind = RECORD_END;
	rig->highest = rig->number = spool_append(rig->spool, &record);
	rig_sync(rig);
	assert_true(spool_next(rig->spool, &record, &at));
	assert_int_equal(record.kind, RECORD_END);
	rig->added = rig->read = 0;
	rig->lost = 0;
	rig_commit(rig);
	/* and nobody reads: whole segments go when their time has come */
	rig_stop(rig);
	rig->config.max_age_us = USEC_PER_MSEC;
	rig->config.segment_bytes = 8192;
	rig_start(rig);
	rig_append(rig, 1000);
	rig_sync(rig);
	rig_turn(rig, has_lost);
	assert_true(rig->lost < 1000 && rig->lost > 900);
}

/* --- other daemons, and positions of other days --------------------------- */

static void
test_second_daemon_is_refused(void **state)
{
	struct rig *rig = *state;
	static const struct spool_ops none = {0};
	struct err err;

	rig_start(rig);
	rig_append(rig, 10);
	assert_null(
	    spool_open(rig->loop, &rig->config, &rig->from, &none, NULL, &err));
	assert_non_null(strstr(err.text, "in use by another daemon"));
	rig_sync(rig);
	rig_expect_all(rig);
	rig_stop(rig);
	rig_start(rig);
}

static void
test_folder_that_can_not_be(void **state)
{
	struct rig *rig = *state;
	static const struct spool_ops none = {0};
	struct err err;

	rig->config.folder = "file/spool";
	close(open("file", O_WRONLY | O_CREAT, 0600));
	assert_null(
	    spool_open(rig->loop, &rig->config, &rig->from, &none, NULL, &err));
	assert_non_null(strstr(err.text, "file/spool"));
	rig->config.folder = "a/b/c/spool";
	rig_start(rig);
	assert_int_equal(rig_size("a/b/c/spool/lock"), 0);
}

/* Somebody made room by hand: all is new, but the numbers. */
static void
test_spool_that_was_wiped(void **state)
{
	struct rig *rig = *state;
	struct position before;

	rig_start(rig);
	rig_append(rig, 100);
	rig_sync(rig);
	rig_read(rig, 60);
	rig_commit(rig);
	before = rig->from;
	rig_stop(rig);
	rig_remove_folder("spool");
	rig_start(rig);
	assert_int_equal(rig_read(rig, 1), 0);
	assert_int_equal(rig->losses, 1); /* of what, nobody knows */
	assert_int_equal(rig->loss, STAGE_LOSS_MISSING);
	rig->read = rig->added = 100;
	rig->highest = 0;
	rig_append(rig, 10);
	assert_true(rig->number >= 61);
	rig_sync(rig);
	assert_int_equal(rig_read(rig, 20), 10);
	rig_commit(rig);
	assert_true(rig->from.file_no > before.file_no);
	assert_true(rig->from.generation > before.generation);
	assert_int_equal(rig->lost, 0);
}

/* An older copy of the folder: it ends before the position. */
static void
test_position_behind_the_end(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	rig_append(rig, 50);
	rig_sync(rig);
	rig_copy_folder("spool", "old");
	rig_append(rig, 50);
	rig_sync(rig);
	rig_expect_all(rig);
	rig_commit(rig);
	rig_stop(rig);
	rig_copy_folder("old", "spool");
	rig_start(rig);
	assert_int_equal(rig_read(rig, 1), 0);
	assert_int_equal(rig_append(rig, 30), 30);
	assert_int_equal(rig->number, 130);
	rig_sync(rig);
	rig_expect_all(rig);
	assert_int_equal(rig->losses, 0);
}

/* The database is an older copy: what was counted and deleted is missing. */
static void
test_position_before_the_first_segment(void **state)
{
	struct rig *rig = *state;
	struct position old;
	unsigned from;

	rig->config.segment_bytes = 8192;
	rig_start(rig);
	rig_append(rig, 500);
	rig_sync(rig);
	from = rig_read(rig, 100);
	rig_commit(rig);
	old = rig->from;
	rig_read(rig, 300);
	rig_commit(rig);
	rig_stop(rig);
	rig->from = old;
	rig->read = from;
	rig_start(rig);
	rig_expect_all(rig);
	assert_true(rig->missing > 200 && rig->missing < 300);
	assert_int_equal(rig->loss, STAGE_LOSS_MISSING);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_gives_what_was_appended),
	    RIG_TEST(test_longest_and_empty_records),
	    RIG_TEST(test_back_gives_it_again),
	    RIG_TEST(test_segments_come_and_go),
	    RIG_TEST(test_restart_at_every_record),
	    RIG_TEST(test_numbers_go_on_over_restarts),
	    RIG_TEST(test_committed_segment_goes),
	    RIG_TEST(test_only_what_is_committed_goes),
	    RIG_TEST(test_empty_segment_remembers),
	    RIG_TEST(test_full_spool_waits),
	    RIG_TEST(test_full_spool_is_full_again),
	    RIG_TEST(test_full_spool_drops_the_oldest),
	    RIG_TEST(test_drops_are_counted_from_the_commit),
	    RIG_TEST(test_old_records_are_dropped),
	    RIG_TEST(test_second_daemon_is_refused),
	    RIG_TEST(test_folder_that_can_not_be),
	    RIG_TEST(test_spool_that_was_wiped),
	    RIG_TEST(test_position_behind_the_end),
	    RIG_TEST(test_position_before_the_first_segment),
	};

	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
