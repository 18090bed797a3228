/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport `file`: a log that is put aside, and goes on in another file.
 */
#include "file-harness.h"

#include "feed/file_siblings.h"

/* -- rotation by rename */

/* The writer goes on in the renamed file until it is told to reload. */
static void
test_rename_then_reload(void **state)
{
	struct rig *rig = *state;
	int fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644);

	rig_write_fd(rig, fd, 100, true);
	rig_start(rig);
	rig_expect(rig);
	assert_int_equal(rename("log", "log.1"), 0);
	rig_write_fd(rig, fd, 100, true);
	rig_expect(rig);
	rig_write_fd(rig, fd, 1, true);
	rig_write_fd(rig, fd, 1, true);
	close(fd);
	rig_write(rig, "log", 100);
	rig_expect(rig);
	rig_stop(rig);
	assert_int_equal(rig->from.file_no, 2);
	assert_int_equal(rig->losses, 0);
}

/*
 * As logrotate does it: the new file is created, and the writer told of it
 * only later. On a quiet line that may take longer than any grace.
 */
static void
test_created_long_before_the_reload(void **state)
{
	struct rig *rig = *state;
	int fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644);

	rig_write_fd(rig, fd, 10, true);
	rig_age("log", 4000);
	rig_start(rig);
	rig_expect(rig);
	assert_int_equal(rename("log", "log.1"), 0);
	rig_put("log", "");
	rig_turn_polls(rig, 5);
	rig_write_fd(rig, fd, 10, true);
	rig_expect(rig);
	rig_turn_polls(rig, 5);
	rig_write_fd(rig, fd, 10, true);
	rig_write(rig, "log", 10);
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
	/* and one who never learns: not silently */
	rig_write_fd(rig, fd, 1, false);
	rig_expect(rig);
	assert_int_equal(rig->losses, 1);
	assert_int_equal(rig->lost, rig->want.n / 40);
	close(fd);
}

/* -- before the first line */

/* Pieces from before the feed was first there are history. */
static void
test_begins_with_the_log_alone(void **state)
{
	struct rig *rig = *state;

	rig_put("log.2", "history\n");
	rig_put("log.1", "yesterday\n");
	rig_write(rig, "log", 10);
	rig_start(rig);
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
}

/* What is put aside after the feed was there, and had nothing to read yet. */
static void
test_rotated_before_the_first_look(void **state)
{
	struct rig *rig = *state;

	rig_put("log.7", "history\n");
	rig_age("log.7", 4000);
	rig_start(rig);
	rig_turn_polls(rig, 3);
	assert_string_equal(rig_trouble(rig), "log: No such file or directory");
	rig_stop(rig);
	assert_int_equal(rig->from.file_no, 0);
	assert_true(rig->from.none_us != 0);
	rig_write(rig, "log", 10);
	assert_int_equal(rename("log", "log.2"), 0);
	rig_gzip("log.2", false);
	usleep(8000); /* no two pieces within one tick of the clock */
	rig_write(rig, "log", 10);
	assert_int_equal(rename("log", "log.1"), 0);
	rig_start(rig); /* a new one is not there yet */
	rig_turn(rig, 10, true, PATIENCE_US);
	assert_int_equal(rig->lines, 10);
	rig_write(rig, "log", 10);
	rig_expect(rig);
	rig_stop(rig);
	assert_int_equal(rig->from.file_no, 3);
	assert_true(rig->from.none_us == 0);
	assert_int_equal(rig->losses, 0);
}

/* The new file is there, and lines still arrive in the old one for a while. */
static void
test_old_file_grows_within_the_grace(void **state)
{
	struct rig *rig = *state;
	int i, fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644);
	unsigned wrote;

	rig->poll_ms = 100; /* we may be held up between two lines */
	rig_write_fd(rig, fd, 5, true);
	rig_start(rig);
	rig_expect(rig);
	assert_int_equal(rename("log", "log.1"), 0);
	wrote = rig->wrote;
	rig->wrote = 1000;
	int new_fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644);

	rig_write_fd(rig, new_fd, 5, false);
	rig->wrote = wrote;
	for (i = 0; i < 8; i++) {
		rig_write_fd(rig, fd, 1, true);
		rig_turn_polls(rig, 0.5);
	}
	close(fd);
	rig->wrote = 1005;
	for (i = 0; i < 5; i++)
		strbuf_addf(
		    &rig->want, "%08d|call|queue|agent|EVENT|x\n", 1000 + i);
	rig_write_fd(rig, new_fd, 5, true);
	rig_expect(rig);
	close(new_fd);
}

static void
test_rotated_in_the_middle_of_a_line(void **state)
{
	struct rig *rig = *state;

	rig_put("log", "whole\nhalf");
	rig_start(rig);
	strbuf_adds(&rig->want, "whole\n");
	rig_expect(rig);
	assert_int_equal(rename("log", "log.1"), 0);
	rig_put("log", "next\n");
	strbuf_adds(&rig->want, "half\nnext\n");
	rig_expect(rig);
}

static void
test_several_rotations_while_down(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, "log", 10);
	rig_start(rig);
	rig_expect(rig);
	rig_stop(rig);
	rig_write(rig, "log", 10);
	rig_age("log", 4000);
	assert_int_equal(rename("log", "log.3"), 0);
	rig_write(rig, "log", 10);
	rig_age("log", 3000);
	assert_int_equal(rename("log", "log.2"), 0);
	rig_write(rig, "log", 10);
	rig_age("log", 2000);
	assert_int_equal(rename("log", "log.1"), 0);
	rig_write(rig, "log", 10);
	/* none of these is a piece of it */
	rig_put("log.bak", "an operator's copy\n");
	rig_put("log-test", "another log\n");
	rig_put("log-test.1", "another log\n");
	rig_put("log.4", "read long ago\n");
	rig_age("log.4", 5000);
	rig_start(rig);
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
	rig_stop(rig);
	assert_int_equal(rig->from.file_no, 4);
}

static void
test_rotated_pieces_are_gzipped(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, "log", 30000);
	rig_start(rig);
	rig_expect(rig);
	rig_stop(rig);
	rig_write(rig, "log", 30000);
	rig_age("log", 4000);
	assert_int_equal(rename("log", "log.2"), 0);
	rig_gzip("log.2", false);
	rig_write(rig, "log", 10000);
	rig_age("log", 3000);
	assert_int_equal(rename("log", "log.1"), 0);
	rig_gzip("log.1", true); /* plain and compressed at once */
	rig_write(rig, "log", 10);
	rig_start(rig);
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
	/* a restart within a compressed piece */
	rig_stop(rig);
	assert_int_equal(rig->from.file_no, 3);
}

static void
test_stopped_within_a_gzipped_piece(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, "log", 10);
	rig_start(rig);
	rig_expect(rig);
	rig_stop(rig);
	rig_age("log", 4000);
	assert_int_equal(rename("log", "log.2"), 0);
	rig_write(rig, "log", 40000);
	rig_age("log", 3000);
	assert_int_equal(rename("log", "log.1"), 0);
	rig_gzip("log.1", false);
	rig_write(rig, "log", 10);
	rig->pause_after = 20000;
	rig_start(rig);
	rig_turn(rig, 20000, false, PATIENCE_US);
	rig_stop(rig);
	rig->pause_after = 0;
	rig_start(rig);
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
}

/* Two rotations while the feed is held up. */
static void
test_several_rotations_while_paused(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, "log", 10);
	rig_start(rig);
	rig_expect(rig);
	file_stage.pause(rig->file, true);
	assert_int_equal(rename("log", "log.2"), 0);
	rig_write(rig, "log", 10);
	usleep(10000); /* its time of change must differ */
	assert_int_equal(rename("log", "log.1"), 0);
	rig_gzip("log.1", false);
	rig_write(rig, "log", 10);
	rig_turn_polls(rig, 2);
	file_stage.pause(rig->file, false);
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
}

/* gzip is at work: its output breaks off, and ends properly later. */
static void
test_gzip_still_at_work(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, "log", 10);
	rig_start(rig);
	rig_expect(rig);
	rig_stop(rig);
	rig_write(rig, "log", 30000);
	assert_int_equal(rename("log", "log.1"), 0);
	rig_gzip("log.1", false);
	rig_copy("log.1.gz", "whole");
	assert_int_equal(truncate("log.1.gz", 20000), 0);
	rig_write(rig, "log", 10);
	rig_start(rig);
	rig_turn_polls(rig, 10);
	assert_true(rig->lines > 1000 && rig->lines < 30010);
	assert_int_equal(rig->losses, 0);
	rig_copy("whole", "log.1.gz");
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
}

static void
test_gzip_damaged_for_good(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, "log", 10);
	rig_start(rig);
	rig_expect(rig);
	rig_stop(rig);
	rig_write(rig, "log", 30000);
	assert_int_equal(rename("log", "log.1"), 0);
	rig_gzip("log.1", false);
	assert_int_equal(truncate("log.1.gz", 20000), 0);
	rig_age("log.1.gz", 600);
	rig_put("log", "the next\n");
	rig_start(rig);
	rig_turn(rig, 30000, true, USEC_PER_SEC);
	assert_int_equal(rig->losses, 1);
	assert_int_equal(rig->lost, -1);
	assert_non_null(strstr(rig->got.p, "\nthe next\n"));
}

static void
test_removed_and_created(void **state)
{
	struct rig *rig = *state;
	int i;

	for (i = 0; i < 5; i++) {
		int fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644);

		rig_write_fd(rig, fd, 10, true);
		if (i == 0)
			rig_start(rig);
		rig_expect(rig);
		assert_int_equal(unlink("log"), 0);
		rig_write_fd(rig, fd, 10, true);
		close(fd);
	}
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
}

static void
test_names_of_rotated_pieces(void **state RT_UNUSED)
{
	static const char *const yes[] = {"queue_log.1", "queue_log.1.gz",
	    "queue_log-20261121", "queue_log-20261121.gz", "queue_log.old",
	    "queue_log.ext-1795289031", "queue_log.2026-11-21_04",
	    "queue_log.gz", "queue_log.0"};
	static const char *const no[] = {"queue_log", "queue_log.bak",
	    "queue_log-test", "queue_log-test.1", "queue_log.", "queue_log..1",
	    "queue_log1", "queue_lo.1", "queue_log.1.xz", "queue_log~", ".gz"};
	size_t i;

	for (i = 0; i < RT_COUNT(yes); i++)
		assert_true(siblings_is_rotated(yes[i], "queue_log"));
	for (i = 0; i < RT_COUNT(no); i++)
		assert_false(siblings_is_rotated(no[i], "queue_log"));
	assert_true(siblings_is_rotated("cdr-20261121.csv", "cdr.csv"));
	assert_true(siblings_is_rotated("cdr-20261121.csv.gz", "cdr.csv"));
	assert_true(siblings_is_rotated("cdr.csv.1", "cdr.csv"));
	assert_false(siblings_is_rotated("cdr-custom.csv", "cdr.csv"));
	assert_false(siblings_is_rotated("cdr.csv", "cdr.csv"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_begins_with_the_log_alone),
	    RIG_TEST(test_rotated_before_the_first_look),
	    RIG_TEST(test_rename_then_reload),
	    RIG_TEST(test_created_long_before_the_reload),
	    RIG_TEST(test_old_file_grows_within_the_grace),
	    RIG_TEST(test_rotated_in_the_middle_of_a_line),
	    RIG_TEST(test_several_rotations_while_down),
	    RIG_TEST(test_rotated_pieces_are_gzipped),
	    RIG_TEST(test_stopped_within_a_gzipped_piece),
	    RIG_TEST(test_several_rotations_while_paused),
	    RIG_TEST(test_gzip_still_at_work),
	    RIG_TEST(test_gzip_damaged_for_good),
	    RIG_TEST(test_removed_and_created),
	    RIG_TEST(test_names_of_rotated_pieces),
	};

	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
