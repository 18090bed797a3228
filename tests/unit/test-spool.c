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
		rig->number = spool_append(rig->spool, &record);
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
		assert_int_equal(rig->number, rig->added);
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
	};

	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
