/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport `file`: a log that is cut off (copytruncate too) or written
 * anew, and other files at its path.
 */
#include "file-harness.h"

/* -- truncation */

static void
test_copytruncate_after_all_was_read(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, "log", 100);
	rig_start(rig);
	rig_expect(rig);
	rig_copy("log", "log.1");
	assert_int_equal(truncate("log", 0), 0);
	rig_write(rig, "log", 10);
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
}

static void
test_copytruncate_before_all_was_read(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, "log", 100);
	rig_start(rig);
	rig_expect(rig);
	rig_write(rig, "log", 100); /* the loop does not turn meanwhile */
	rig_copy("log", "log.1");
	assert_int_equal(truncate("log", 0), 0);
	rig_write(rig, "log", 10);
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
}

static void
test_copytruncate_while_down(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, "log", 100);
	rig_start(rig);
	rig_expect(rig);
	rig_stop(rig);
	rig_write(rig, "log", 100);
	rig_copy("log", "log.1");
	rig_gzip("log.1", false);
	assert_int_equal(truncate("log", 0), 0);
	rig_write(rig, "log", 1000); /* longer than it was */
	rig_start(rig);
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
}

/*
 * A writer that does not append goes on where it was: what it writes comes
 * after a hole, here one of more than the longest record.
 */
static void
test_copytruncate_leaves_a_hole(void **state)
{
	struct rig *rig = *state;
	int fd = open("log", O_WRONLY | O_CREAT, 0644);

	rig_write_fd(rig, fd, 2000, true);
	rig_start(rig);
	rig_expect(rig);
	assert_true(rig->want.n > STAGE_RECORD_MAX);
	rig_copy("log", "log.1");
	assert_int_equal(ftruncate(fd, 0), 0);
	rig_write_fd(rig, fd, 10, true);
	rig_expect(rig);
	assert_int_equal(rig->framer.oversize, 0);
	assert_int_equal(rig->losses, 0);
	close(fd);
}

/* Lost for us, but not for one who is told where it may be. */
static void
test_compressed_by_another_tool(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, "log", 10);
	rig_start(rig);
	rig_expect(rig);
	rig_stop(rig);
	rig_put("log.2.bz2", "BZh");
	rig_age("log.2.bz2", 4000);
	rig_put("log.1.xz", "\3757zXZ");
	rig_put("other.1.xz", "\3757zXZ");
	assert_int_equal(unlink("log"), 0);
	rig_write(rig, "log", 10);
	rig_start(rig);
	rig_expect(rig);
	assert_int_equal(rig->losses, 1);
	assert_non_null(strstr(rig->why, "/log.1.xz, but only gzip"));
}

/* Seen and not read, without a copy: the loss is told to the byte. */
static void
test_truncation_is_told_to_the_byte(void **state)
{
	struct rig *rig = *state;
	int fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644);

	rig_write_fd(rig, fd, 100, true);
	rig_start(rig);
	rig_expect(rig);
	file_stage.pause(rig->file, true);
	rig_write_fd(rig, fd, 7, false);
	rig_turn_polls(rig, 3);
	assert_int_equal(truncate("log", 0), 0);
	rig_write_fd(rig, fd, 3, true);
	file_stage.pause(rig->file, false);
	rig_expect(rig);
	assert_int_equal(rig->losses, 1);
	assert_int_equal(rig->lost, 7 * (rig->want.n / 103));
	close(fd);
}

static void
test_truncated_half_line_is_lost(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, "log", 1);
	rig_put("log", "half");
	rig_start(rig);
	rig_expect(rig);
	assert_int_equal(truncate("log", 0), 0);
	rig_expect(rig);
	rig_write(rig, "log", 1);
	rig_expect(rig);
	assert_int_equal(rig->losses, 1);
	assert_int_equal(rig->lost, 4);
}

/* Longer than before when we look again: no size tells it. */
static void
test_truncated_and_rewritten_longer(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, "log", 100);
	rig_start(rig);
	rig_expect(rig);
	assert_int_equal(truncate("log", 0), 0);
	rig_write(rig, "log", 200);
	rig_expect(rig);
}

/* The same bytes stand before our place: only the head tells it. */
static void
test_rewritten_with_the_same_tail(void **state)
{
	struct rig *rig = *state;
	char tail[200];

	memset(tail, 'z', sizeof(tail) - 1);
	tail[sizeof(tail) - 2] = '\n';
	tail[sizeof(tail) - 1] = '\0';
	rig_write(rig, "log", 100);
	rig_put("log", tail);
	strbuf_adds(&rig->want, tail);
	rig_start(rig);
	rig_expect(rig);
	assert_int_equal(truncate("log", 0), 0);
	rig_write(rig, "log", 100);
	rig_put("log", tail);
	strbuf_adds(&rig->want, tail);
	rig_expect(rig);
}

/* An editor: a new file of the same content, but for its last line. */
static void
test_last_line_rewritten(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, "log", 50);
	rig_put("log", "wrong word\n");
	strbuf_adds(&rig->want, "wrong word\n");
	rig_start(rig);
	rig_expect(rig);
	int fd = open("log", O_WRONLY);

	assert_int_equal(
	    pwrite(fd, "right", 5, lseek(fd, 0, SEEK_END) - 11), 5);
	close(fd);
	rig_write(rig, "log", 1);
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
}

/* -- other files at the path */

static void
test_restored_copy_goes_on(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, "log", 100);
	rig_start(rig);
	rig_expect(rig);
	rig_copy("log", "copy");
	assert_int_equal(rename("copy", "log"), 0);
	rig_write(rig, "log", 10);
	rig_expect(rig);
	rig_stop(rig);
	rig_copy("log", "copy");
	assert_int_equal(rename("copy", "log"), 0);
	rig_write(rig, "log", 10);
	rig_start(rig);
	rig_expect(rig);
	rig_stop(rig);
	assert_int_equal(rig->from.file_no, 1);
	assert_int_equal(rig->losses, 0);
}

/* A backup of an earlier state: nothing of it counts again. */
static void
test_restored_earlier_state(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, "log", 100);
	rig_copy("log", "backup");
	rig_write(rig, "log", 100);
	rig_start(rig);
	rig_expect(rig);
	rig_copy("backup", "log.new");
	assert_int_equal(rename("log.new", "log"), 0);
	rig_expect(rig);
	rig_write(rig, "log", 10);
	rig_expect(rig);
	rig_stop(rig);
	rig_copy("backup", "log.new");
	assert_int_equal(rename("log.new", "log"), 0);
	rig_start(rig);
	rig_expect(rig);
	rig_write(rig, "log", 10);
	rig_expect(rig);
}

/* Removed and made anew while down: mostly under the same inode. */
static void
test_inode_used_again(void **state)
{
	struct rig *rig = *state;
	int i, times = rig_slow() ? 10 : 3;

	for (i = 0; i < times; i++) {
		rig_write(rig, "log", 10 + (unsigned)i);
		rig_start(rig);
		rig_expect(rig);
		rig_stop(rig);
		assert_int_equal(rig->from.file_no, i + 1);
		assert_int_equal(unlink("log"), 0);
	}
	/* nobody knows what they held at last */
	assert_int_equal(rig->losses, times - 1);
	assert_int_equal(rig->lost, -1);
}

/* All pieces begin with the same 2 KiB: a banner. */
static void
test_identical_heads(void **state)
{
	struct rig *rig = *state;
	char banner[2049];
	int i;

	memset(banner, '#', sizeof(banner) - 1);
	banner[sizeof(banner) - 2] = '\n';
	banner[sizeof(banner) - 1] = '\0';
	rig_put("log", banner);
	strbuf_adds(&rig->want, banner);
	rig_write(rig, "log", 50);
	rig_start(rig);
	rig_expect(rig);
	rig_stop(rig);
	rig_write(rig, "log", 50);
	for (i = 2; i > 0; i--) {
		char name[20];

		snprintf(name, sizeof(name), "log.%d", i);
		rig_age("log", 1000 * i);
		assert_int_equal(rename("log", name), 0);
		rig_put("log", banner);
		strbuf_adds(&rig->want, banner);
		rig_write(rig, "log", 50 + (unsigned)i);
	}
	rig_start(rig);
	rig_expect(rig);
	/* and while it runs */
	assert_int_equal(rename("log", "log.0"), 0);
	rig_put("log", banner);
	strbuf_adds(&rig->want, banner);
	rig_write(rig, "log", 10);
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
}

static void
test_symbolic_link_moves(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(mkdir("data", 0755), 0);
	rig_write(rig, "data/log-20261119", 10);
	assert_int_equal(symlink("data/log-20261119", "log"), 0);
	rig_start(rig);
	rig_expect(rig);
	rig_write(rig, "data/log-20261119", 5);
	rig_age("data/log-20261119", 400);
	rig_write(rig, "data/log-20261120", 10);
	assert_int_equal(symlink("data/log-20261120", "link"), 0);
	assert_int_equal(rename("link", "log"), 0);
	rig_expect(rig);
	rig_stop(rig);
	/* and twice while down */
	rig_write(rig, "data/log-20261120", 5);
	rig_age("data/log-20261120", 300);
	rig_write(rig, "data/log-20261121", 5);
	rig_age("data/log-20261121", 200);
	rig_write(rig, "data/log-20261122", 5);
	assert_int_equal(symlink("data/log-20261122", "link"), 0);
	assert_int_equal(rename("link", "log"), 0);
	rig_start(rig);
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
}

static void
test_nothing_there_yet(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(rig_try_start(rig, "a/b/log", NULL), 0);
	rig_expect(rig);
	assert_int_equal(mkdir("a", 0755), 0);
	rig_expect(rig);
	assert_int_equal(mkdir("a/b", 0755), 0);
	rig_expect(rig);
	rig_write(rig, "a/b/log", 10);
	rig_expect(rig);
	rig_write(rig, "a/b/log", 10);
	rig_expect(rig);
}

static void
test_directory_vanishes_and_returns(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(mkdir("a", 0755), 0);
	rig_write(rig, "a/log", 10);
	assert_int_equal(rig_try_start(rig, "a/log", NULL), 0);
	rig_expect(rig);
	assert_int_equal(rename("a", "b"), 0);
	rig_write(rig, "b/log", 10);
	rig_expect(rig);
	rig_stop(rig);
	/* gone at the start: no reason to think that anything is lost */
	assert_int_equal(rig_try_start(rig, "a/log", NULL), 0);
	rig_expect(rig);
	assert_int_equal(rename("b", "a"), 0);
	rig_write(rig, "a/log", 10);
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
}

/* Root may read everything: the test gives that up for a while. */
static void
test_permission_denied_is_waited_for(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, "log", 10);
	assert_int_equal(chmod(".", 0777), 0);
	assert_int_equal(chmod("log", 0), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	rig_start(rig);
	rig_turn_polls(rig, 10);
	assert_int_equal(rig->lines, 0);
	assert_string_equal(rig_trouble(rig), "log: Permission denied");
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod("log", 0644), 0);
	rig_expect(rig);
	assert_string_equal(rig_trouble(rig), "");
	assert_int_equal(rig->losses, 0);
}

/*
 * The log is read, and what comes after it can not be: told once, however
 * often it is tried, and for as long as that lasts.
 */
static void
expect_stuck(struct rig *rig, const char *path, mode_t denied, mode_t allowed)
{
	rig_start(rig);
	rig_expect(rig);
	assert_int_equal(rename("log", "log.1"), 0);
	rig_write(rig, "log", 10);
	rig->stands = 0;
	assert_int_equal(chmod(path, denied), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	rig_turn_polls(rig, 30);
	assert_int_equal(rig->lines, 10);
	assert_int_equal(rig->stands, 1);
	assert_non_null(strstr(rig_trouble(rig), ": Permission denied"));
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(path, allowed), 0);
	rig_expect(rig);
	assert_int_equal(rig->stands, 2);
	assert_string_equal(rig_trouble(rig), "");
	assert_int_equal(rig->losses, 0);
}

static void
test_successor_without_permission(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(chmod(".", 0777), 0);
	rig_write(rig, "log", 10);
	expect_stuck(rig, "log", 0, 0644);
}

static void
test_folder_can_not_be_listed(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, "log", 10);
	expect_stuck(rig, ".", 0311, 0777);
}

/* A log that goes on where it was, but may no longer be read. */
static void
test_once_fails_without_permission(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, "log", 10);
	assert_int_equal(chmod(".", 0777), 0);
	rig_start(rig);
	rig_expect(rig);
	rig_stop(rig);
	assert_int_equal(chmod("log", 0), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	rig->once = true;
	rig_start(rig);
	rig_turn_polls(rig, 3);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_true(rig->failures > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_copytruncate_after_all_was_read),
	    RIG_TEST(test_copytruncate_before_all_was_read),
	    RIG_TEST(test_copytruncate_while_down),
	    RIG_TEST(test_copytruncate_leaves_a_hole),
	    RIG_TEST(test_compressed_by_another_tool),
	    RIG_TEST(test_truncation_is_told_to_the_byte),
	    RIG_TEST(test_truncated_half_line_is_lost),
	    RIG_TEST(test_truncated_and_rewritten_longer),
	    RIG_TEST(test_rewritten_with_the_same_tail),
	    RIG_TEST(test_last_line_rewritten),
	    RIG_TEST(test_restored_copy_goes_on),
	    RIG_TEST(test_restored_earlier_state),
	    RIG_TEST(test_inode_used_again),
	    RIG_TEST(test_identical_heads),
	    RIG_TEST(test_symbolic_link_moves),
	    RIG_TEST(test_nothing_there_yet),
	    RIG_TEST(test_directory_vanishes_and_returns),
	    RIG_TEST(test_once_fails_without_permission),
	    RIG_TEST(test_permission_denied_is_waited_for),
	    RIG_TEST(test_successor_without_permission),
	    RIG_TEST(test_folder_can_not_be_listed),
	};

	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
