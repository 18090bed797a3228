/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport `directory` when something fails: the disk, the database, and
 * the process itself at every step.
 */
#include "directory-harness.h"

/* --- when something fails ------------------------------------------------ */

static void
test_renames_fail_for_a_while(void **state)
{
	struct bench *b = *state;

	drop("a", "1\n");
	drop("b", "2\n");
	faults.fail_renames = 3;
	faults.fail_with = ENOSPC;
	bench_start(b);
	bench_expect(b, "1\n2\n");
	faults.fail_renames = 1;
	faults.fail_with = EACCES; /* that one only */
	drop("c", "3\n");
	bench_turn(b, NULL, 50 * USEC_PER_MSEC);
	bench_expect(b, "1\n2\n3\n");
	assert_int_equal(b->now.losses, 0);
}

static void
test_folder_appears_and_is_replaced(void **state)
{
	struct bench *b = *state;

	assert_int_equal(rmdir("in"), 0);
	bench_start(b);
	bench_turn(b, NULL, 50 * USEC_PER_MSEC);
	assert_true(b->idle);
	assert_int_equal(mkdir("in", 0755), 0);
	drop("a", "1\n");
	bench_turn(b, NULL, 300 * USEC_PER_MSEC);
	bench_expect(b, "1\n");
	assert_int_equal(rename("in", "away"), 0);
	assert_int_equal(mkdir("in", 0755), 0);
	drop("b", "2\n");
	bench_turn(b, NULL, 300 * USEC_PER_MSEC);
	bench_expect(b, "1\n2\n");
	assert_int_equal(b->now.losses, 0);
}

static void
test_one_reader_at_a_time(void **state)
{
	struct bench *b = *state, other = {.up = b->up, .loop = b->loop};

	other.options = b->options;
	other.once = true;
	bench_start(b);
	bench_turn(b, bench_is_over, PATIENCE_US);
	other.self = NULL;
	assert_int_equal(bench_try_open(&other, NULL), 0);
	drop("a", "1\n");
	bench_turn(b, NULL, 100 * USEC_PER_MSEC);
	assert_true(other.failures > 0);
	assert_int_equal(other.out.n, 0);
	bench_expect(b, "1\n");
	bench_close(&other);
}

static void
test_once(void **state)
{
	struct bench *b = *state;

	b->once = true;
	bench_set_int(b, "settle_s", 50 * USEC_PER_MSEC);
	drop("a", "1\n");
	drop("b", "2\n");
	bench_start(b);
	bench_expect(b, "1\n2\n");
	drop("c", "3\n"); /* done for good */
	b->left = 1;
	bench_expect(b, "1\n2\n");
	b->left = 0;
	bench_restart(b);
	bench_expect(b, "1\n2\n3\n");
	bench_close(b);
	bench_set_text(b, "folder", "nowhere");
	bench_start(b);
	bench_turn(b, NULL, 20 * USEC_PER_MSEC);
	assert_int_equal(b->failures, 1);
}

static void
test_pause(void **state)
{
	struct bench *b = *state;
	struct strbuf want = STRBUF_INIT;
	int i;

	for (i = 0; i < 100000; i++)
		strbuf_addf(&want, "%d\n", i);
	drop("a", strbuf_str(&want));
	b->pause_next = true;
	bench_start(b);
	bench_turn(b, NULL, 100 * USEC_PER_MSEC);
	assert_true(b->out.n > 0 && b->out.n < want.n);
	directory_stage.pause(b->self, false);
	bench_expect(b, strbuf_str(&want));
	strbuf_fini(&want);
}

static bool
is_deleted(struct bench *b RT_UNUSED)
{
	return bench_count(HOME "/done") == 0;
}

/* Not before the database is sure to remember. */
static void
test_deleted_later(void **state)
{
	struct bench *b = *state;

	bench_set_choice(b, "after", 1);
	drop("a", "1\n");
	drop("b", "2\n");
	bench_start(b);
	bench_expect(b, "1\n2\n");
	faults.later_s = 500;
	bench_turn(b, NULL, 100 * USEC_PER_MSEC);
	assert_int_equal(bench_count(HOME "/done/000000"), 2);
	faults.later_s = 610;
	bench_turn(b, is_deleted, PATIENCE_US);
	assert_true(is_deleted(b));
	drop("c", "3\n");
	bench_turn(b, NULL, 50 * USEC_PER_MSEC);
	bench_expect(b, "1\n2\n3\n");
	bench_restart(b);
	bench_turn(b, bench_is_over, PATIENCE_US);
	assert_int_equal(bench_count(HOME "/done/000000"), 1);
	faults.later_s = 1300;
	bench_turn(b, is_deleted, PATIENCE_US);
	assert_true(is_deleted(b));
	drop("c", "3\n"); /* it is still remembered */
	bench_turn(b, NULL, 50 * USEC_PER_MSEC);
	bench_expect(b, "1\n2\n3\n");
}

/* --- a database that forgets --------------------------------------------- */

static void
test_database_goes_back(void **state)
{
	struct bench *b = *state;
	struct commit early;

	drop("a", "1\n");
	bench_start(b);
	bench_expect(b, "1\n");
	early = b->kept;
	drop("b", "2\n");
	assert_int_equal(symlink("nowhere", "in/c"), 0);
	drop("d", "3\n");
	bench_turn(b, NULL, 50 * USEC_PER_MSEC);
	bench_expect(b, "1\n2\n3\n");
	bench_close(b);
	b->now = early;
	b->kept = early;
	bench_save(b);
	bench_start(b);
	assert_string_equal(strbuf_str(&b->out), "1\n");
	bench_turn(b, NULL, 50 * USEC_PER_MSEC);
	bench_expect(b, "1\n2\n3\n");
	assert_int_equal(b->kept.losses, 1);
	/* within a file */
	bench_close(b);
	b->now = early;
	b->now.position.offset = 0;
	b->now.bytes = 0;
	b->kept = b->now;
	bench_save(b);
	bench_start(b);
	bench_turn(b, NULL, 50 * USEC_PER_MSEC);
	bench_expect(b, "1\n2\n3\n");
	/* a database without memory does not read archives */
	bench_close(b);
	assert_int_equal(unlink("commit"), 0);
	drop("e", "4\n");
	bench_start(b);
	bench_expect(b, "4\n");
	assert_int_equal(b->kept.position.file_no, 5);
}

/* --- many ---------------------------------------------------------------- */

static void
test_many_files(void **state)
{
	struct bench *b = *state;
	struct strbuf want = STRBUF_INIT;
	int i, n = bench_is_slow() ? 100000 : 3000;
	char name[40];

	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "in/f%07d", i);
		strbuf_addf(&want, "%d\n", i);
		int fd = open(name, O_WRONLY | O_CREAT, 0644);

		assert_true(fd >= 0);
		dprintf(fd, "%d\n", i);
		close(fd);
	}
	bench_start(b);
	bench_turn(b, bench_is_over, 20 * PATIENCE_US);
	bench_expect(b, strbuf_str(&want));
	assert_int_equal(b->kept.position.file_no, n);
	assert_int_equal(bench_count(HOME "/done/000001"), 1000);
	strbuf_fini(&want);
}

/* --- every step ---------------------------------------------------------- */

/* What a day brings, and what must come of it. */
static void
story_drop(struct strbuf *want)
{
	struct strbuf big = STRBUF_INIT;
	int i;

	drop("a", "first\n");
	for (i = 0; i < 35000; i++)
		strbuf_addf(&big, "line %d\n", i);
	drop("b", strbuf_str(&big));
	drop("c", "");
	drop_gzip("d.gz", "packed\n", 0);
	drop_gzip("e.gz", "damaged, and not counted at all\n", 5);
	drop("f", "last");
	strbuf_adds(want, "first\n");
	strbuf_add(want, big.p, big.n);
	strbuf_adds(want, "packed\nlast\n");
	strbuf_fini(&big);
}

/* A process: until all is put away, or its end. */
static void
story_run(struct bench *b, int die_at, bool die_after)
{
	faults.steps = 0;
	faults.die_at = die_at;
	faults.die_after = die_after;
	bench_start(b);
	bench_turn(b, bench_is_over, PATIENCE_US);
	if (!bench_is_over(b))
		_exit(1);
	drop("a", "first\n"); /* sent again */
	drop("g", "new\n");
	bench_turn(b, NULL, 5 * USEC_PER_MSEC);
	bench_turn(b, bench_is_over, PATIENCE_US);
	_exit(bench_is_over(b) ? 0 : 1);
}

/* Returns whether it came to its end by itself. */
static bool
story_fork(struct bench *b, int die_at, bool die_after)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		/* the loop is not the parent's any more */
		bench_make_loop(b);
		story_run(b, die_at, die_after);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != 0)
		assert_int_equal(WEXITSTATUS(status), 99);
	return WEXITSTATUS(status) == 0;
}

static void
story_check(const struct strbuf *want, int step)
{
	struct commit commit;
	char *out = mem_zalloc(want->n + 100);
	int fd = open("commit", O_RDONLY);

	assert_int_equal(read(fd, &commit, sizeof(commit)), sizeof(commit));
	close(fd);
	fd = open("out", O_RDONLY);
	assert_true(read(fd, out, want->n + 99) >= 0);
	close(fd);
	if (commit.bytes != want->n || memcmp(out, want->p, want->n) != 0)
		fail_msg("ended at step %d: %zu bytes came, not %zu", step,
		    commit.bytes, want->n);
	assert_int_equal(commit.losses, 1);
	assert_int_equal(bench_count("in"), 0);
	assert_int_equal(bench_count(HOME "/claimed"), 0);
	assert_int_equal(bench_count(HOME "/quarantine"), 1);
	free(out);
}

/*
 * The process ends before, or behind, each call that changes something on the
 * disk, commits included; at times soon again; then it runs through.
 */
static void
test_ends_at_every_step(void **state)
{
	struct bench *b = *state;
	struct strbuf want = STRBUF_INIT;
	int step, ended = 0;
	bool over = false;

	for (step = 1; !over; step++) {
		assert_int_equal(system("rm -rf in out commit"), 0);
		assert_int_equal(mkdir("in", 0755), 0);
		strbuf_reset(&want);
		story_drop(&want);
		strbuf_adds(&want, "new\n");
		over = story_fork(b, step, step % 2 == 0 || bench_is_slow());
		if (!over) {
			ended++;
			if (step % 4 == 0)
				story_fork(b, 3, step % 8 == 0);
			assert_true(story_fork(b, 0, false));
		}
		story_check(&want, step);
		if (bench_is_slow() && !over) { /* and before that one */
			assert_int_equal(system("rm -rf in out commit"), 0);
			assert_int_equal(mkdir("in", 0755), 0);
			strbuf_reset(&want);
			story_drop(&want);
			strbuf_adds(&want, "new\n");
			story_fork(b, step, false);
			assert_true(story_fork(b, 0, false));
			story_check(&want, step);
		}
	}
	assert_true(ended > 30);
	strbuf_fini(&want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BENCH_TEST(test_renames_fail_for_a_while),
	    BENCH_TEST(test_folder_appears_and_is_replaced),
	    BENCH_TEST(test_one_reader_at_a_time),
	    BENCH_TEST(test_once),
	    BENCH_TEST(test_pause),
	    BENCH_TEST(test_deleted_later),
	    BENCH_TEST(test_database_goes_back),
	    BENCH_TEST(test_many_files),
	    BENCH_TEST(test_ends_at_every_step),
	};

	bench_begin();
	return cmocka_run_group_tests_name(
	    "directory-faults", tests, NULL, NULL);
}
