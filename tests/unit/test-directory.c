/* SPDX-License-Identifier: BSD-2-Clause */
/* The transport `directory`: what is read, what is not, what comes again. */
#include "directory-harness.h"

/* --- what is read -------------------------------------------------------- */

static void
test_in_order_of_names(void **state)
{
	struct bench *b = *state;

	drop("b", "3\n4\n");
	drop("a", "1\n2\n");
	drop("c", "5\nlast without an end");
	bench_start(b);
	bench_expect(b, "1\n2\n3\n4\n5\nlast without an end\n");
	assert_int_equal(b->kept.position.file_no, 3);
	assert_true(there_is(HOME "/done/000000/00000001.a"));
	assert_true(there_is(HOME "/done/000000/00000003.c"));
	assert_int_equal(bench_count("in"), 0);
	drop("0", "later\n");
	bench_expect(b, "1\n2\n3\n4\n5\nlast without an end\nlater\n");
	assert_int_equal(b->now.losses, 0);
}

static void
test_in_order_of_time(void **state)
{
	struct bench *b = *state;

	bench_set_choice(b, "order", 1);
	drop("a", "2\n");
	set_age("a", 100);
	drop("b", "1\n");
	set_age("b", 200);
	drop("c", "3\n");
	bench_start(b);
	bench_expect(b, "1\n2\n3\n");
}

static void
test_what_matches(void **state)
{
	static const char *const include[] = {"cdr_*", "*.csv", NULL};
	static const char *const exclude[] = {"*-old*", NULL};
	const void *p = include, *q = exclude;
	struct bench *b = *state;

	memcpy(bench_option(b, "include"), &p, sizeof(p));
	memcpy(bench_option(b, "exclude"), &q, sizeof(q));
	drop("cdr_1", "1\n");
	drop("cmr_1", "no\n");
	drop("x.csv", "2\n");
	drop("x-old.csv", "no\n");
	drop(".cdr_2", "no\n");
	drop("cdr_3.tmp", "no\n");
	drop("cdr_4.part", "no\n");
	drop("cdr_5.filepart", "no\n");
	drop("cdr_6~", "no\n");
	assert_int_equal(mkdir("in/cdr_7", 0755), 0);
	b->left = 7; /* all but .cdr_2 */
	bench_start(b);
	bench_expect(b, "1\n2\n");
	/* a file gets its name when it is finished */
	assert_int_equal(rename("in/cdr_3.tmp", "in/cdr_3"), 0);
	b->left = 6;
	bench_expect(b, "1\n2\nno\n");
}

static void
test_names_of_every_kind(void **state)
{
	struct bench *b = *state;
	char name[256];

	drop("a\nnew line", "1\n");
	drop("b ü €", "2\n");
	drop("c\xff\xfe", "3\n");
	drop("d%s%n'; DROP TABLE x; --", "4\n");
	memset(name, 'e', 255);
	name[255] = '\0';
	drop(name, "5\n");
	bench_start(b);
	bench_expect(b, "1\n2\n3\n4\n5\n");
	assert_true(there_is(HOME "/done/000000/00000001.a\nnew line"));
	assert_int_equal(bench_count(HOME "/done/000000"), 5);
	bench_restart(b);
	bench_expect(b, "1\n2\n3\n4\n5\n");
}

static void
test_is_told_without_a_poll(void **state)
{
	struct bench *b = *state;
	int fd;

	bench_set_int(b, "poll_ms", 60000);
	bench_start(b);
	bench_turn(b, bench_is_over, PATIENCE_US);
	drop("renamed", "1\n");
	bench_turn(b, NULL, 1); /* the old idleness counts no more */
	bench_expect(b, "1\n");
	bench_set_int(b, "settle_s", 50 * USEC_PER_MSEC);
	bench_restart(b);
	fd = open("in/written", O_WRONLY | O_CREAT, 0644);
	assert_int_equal(write(fd, "2\n", 2), 2);
	bench_turn(b, NULL, 20 * USEC_PER_MSEC);
	assert_int_equal(write(fd, "3\n", 2), 2);
	close(fd);
	bench_turn(b, NULL, 300 * USEC_PER_MSEC);
	bench_expect(b, "1\n2\n3\n");
}

static void
test_growing_is_left_alone(void **state)
{
	struct bench *b = *state;
	int fd, i;

	faults.no_inotify = true;
	bench_set_int(b, "settle_s", 200 * USEC_PER_MSEC);
	fd = open("in/a", O_WRONLY | O_CREAT | O_APPEND, 0644);
	bench_start(b);
	for (i = 0; i < 8; i++) {
		assert_int_equal(write(fd, "x\n", 2), 2);
		bench_turn(b, NULL, 60 * USEC_PER_MSEC);
		assert_true(there_is("in/a"));
	}
	close(fd);
	bench_turn(b, NULL, 400 * USEC_PER_MSEC);
	bench_expect(b, "x\nx\nx\nx\nx\nx\nx\nx\n");
}

static void
test_old_file_is_taken_at_once(void **state)
{
	struct bench *b = *state;

	bench_set_int(b, "settle_s", 30 * USEC_PER_SEC);
	drop("young", "no\n");
	b->left = 1;
	bench_start(b);
	bench_expect(b, "");
	assert_true(there_is("in/young"));
	/* ctime can not be set: nobody takes it for older than it is */
	set_age("young", 3600);
	bench_restart(b);
	bench_expect(b, "");
	assert_true(there_is("in/young"));
}

/* A writer that goes on after the file was claimed. */
static void
test_written_to_after_the_end(void **state)
{
	struct bench *b = *state;
	int fd;

	b->hold = true;
	fd = open("in/a", O_WRONLY | O_CREAT | O_APPEND, 0644);
	assert_int_equal(write(fd, "1\n", 2), 2);
	bench_start(b);
	bench_turn(b, NULL, 100 * USEC_PER_MSEC);
	assert_string_equal(strbuf_str(&b->out), "1\n");
	assert_int_equal(write(fd, "22\n", 3), 3);
	close(fd);
	b->hold = false;
	bench_expect(b, "1\n");
	assert_int_equal(b->now.losses, 1); /* never silent */
}

static void
test_gzip_and_several_members(void **state)
{
	struct bench *b = *state;

	drop_gzip("a.gz", "1\n2\n", 0);
	drop_gzip("b", "3\n", 0); /* known by its first bytes */
	bench_start(b);
	bench_expect(b, "1\n2\n3\n");
}

static void
test_documents(void **state)
{
	struct bench *b = *state;
	char *big = mem_zalloc(STAGE_RECORD_MAX + 2);

	memset(big, 'x', STAGE_RECORD_MAX + 1);
	b->framing = FRAMING_DOCUMENT;
	drop("a", "<one\n/>\n");
	drop("b", big);
	drop("c", "");
	drop("d", "<two/>");
	big[STAGE_RECORD_MAX] = '\0';
	drop("e", big);
	bench_start(b);
	bench_turn(b, bench_is_over, PATIENCE_US);
	assert_memory_equal(b->out.p, "<one\n/>\n\n<two/>\nxxx", 19);
	assert_int_equal(b->out.n, 16 + STAGE_RECORD_MAX + 1);
	assert_true(there_is(HOME "/quarantine/00000002.b"));
	assert_int_equal(b->now.losses, 1);
	free(big);
}

/* --- what can not be read ------------------------------------------------ */

static void
test_quarantine(void **state)
{
	struct bench *b = *state;
	char text[3000];

	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 2] = '\n';
	text[sizeof(text) - 1] = '\0';
	drop_gzip("a.gz", text, 10); /* breaks off: nothing of it counts */
	drop("b", "1\n");
	assert_int_equal(symlink("/etc/passwd", "in/c"), 0);
	assert_int_equal(mkfifo("in/d", 0644), 0);
	drop_bytes("e.xz",
	    "\xfd"
	    "7zXZ\0rest",
	    10);
	drop("f", "2\n");
	bench_start(b);
	bench_expect(b, "1\n2\n");
	assert_int_equal(b->kept.losses, 4);
	assert_true(there_is(HOME "/quarantine/00000001.a.gz"));
	assert_int_equal(bench_count(HOME "/quarantine"), 4);
	bench_restart(b);
	bench_expect(b, "1\n2\n");
	assert_int_equal(b->kept.losses, 4);
	/* the right one under the same name */
	drop_gzip("a.gz", "3\n", 0);
	bench_expect(b, "1\n2\n3\n");
}

static void
test_the_last_one_is_refused(void **state)
{
	struct bench *b = *state;
	int i;

	drop("a", "1\n");
	assert_int_equal(symlink("nowhere", "in/b"), 0);
	b->hold = true;
	bench_start(b);
	bench_turn(b, NULL, 50 * USEC_PER_MSEC);
	/* the process ends between the commit and the putting away */
	directory_stage.position(b->self, &b->now.position);
	b->now.bytes = b->out.n;
	bench_save(b);
	for (i = 0; i < 2; i++) {
		bench_restart(b);
		b->hold = false;
		bench_expect(b, "1\n");
		assert_int_equal(b->kept.losses, 1);
	}
	assert_true(there_is(HOME "/quarantine/00000002.b"));
}

static void
test_vanishing(void **state)
{
	struct bench *b = *state;

	drop("a", "1\n");
	drop("b", "2\n");
	b->hold = true;
	bench_start(b);
	/* claimed, and taken away under our hands */
	while (!there_is(HOME "/claimed/00000002.b"))
		bench_turn(b, NULL, 0);
	bench_close(b);
	assert_int_equal(unlink(HOME "/claimed/00000002.b"), 0);
	drop("c", "3\n");
	b->hold = false;
	bench_start(b);
	bench_expect(b, "1\n3\n");
}

/* --- what comes again ---------------------------------------------------- */

static void
test_again(void **state)
{
	struct bench *b = *state;

	drop("a", "1\n");
	bench_start(b);
	bench_expect(b, "1\n");
	drop("a", "1\n");
	bench_turn(b, NULL, 50 * USEC_PER_MSEC);
	bench_expect(b, "1\n");
	assert_true(there_is(HOME "/again/000000/00000002.a"));
	drop_gzip("a.gz", "1\n", 0); /* the same, compressed */
	bench_turn(b, NULL, 50 * USEC_PER_MSEC);
	bench_expect(b, "1\n");
	bench_restart(b);
	drop("a", "1\n");
	bench_turn(b, NULL, 50 * USEC_PER_MSEC);
	bench_expect(b, "1\n");
	drop("a", "2\n"); /* other content */
	bench_turn(b, NULL, 50 * USEC_PER_MSEC);
	bench_expect(b, "1\n2\n");
	drop("b", "1\n"); /* another name */
	bench_turn(b, NULL, 50 * USEC_PER_MSEC);
	bench_expect(b, "1\n2\n1\n");
	assert_int_equal(b->now.losses, 0);
}

static void
test_again_is_counted(void **state)
{
	struct bench *b = *state;

	bench_set_choice(b, "again", 1);
	drop("a", "1\n");
	bench_start(b);
	bench_expect(b, "1\n");
	drop("a", "1\n");
	bench_turn(b, NULL, 50 * USEC_PER_MSEC);
	bench_expect(b, "1\n1\n");
}

/* More than is remembered: what was forgotten counts again, as it is told. */
static void
test_ledger_is_bounded(void **state)
{
	struct bench *b = *state;
	struct strbuf want = STRBUF_INIT;
	char name[20], text[20];
	struct stat st;
	int i;

	bench_set_int(b, "remember", 10);
	bench_start(b);
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "f%03d", i);
		snprintf(text, sizeof(text), "%d\n", i);
		drop(name, text);
		strbuf_adds(&want, text);
	}
	bench_turn(b, NULL, 50 * USEC_PER_MSEC);
	bench_expect(b, strbuf_str(&want));
	assert_int_equal(stat(HOME "/ledger", &st), 0);
	assert_true(st.st_size < 21 * 64);
	drop("f099", "99\n"); /* remembered */
	drop("f000", "0\n");  /* forgotten */
	strbuf_adds(&want, "0\n");
	bench_turn(b, NULL, 50 * USEC_PER_MSEC);
	bench_expect(b, strbuf_str(&want));
	/* half a line, as a crash leaves it */
	i = open(HOME "/ledger", O_WRONLY | O_APPEND);
	assert_int_equal(write(i, "00009999 0011", 13), 13);
	close(i);
	bench_restart(b);
	drop("f000", "0\n");
	drop("g", "x\n");
	strbuf_adds(&want, "x\n");
	bench_turn(b, NULL, 50 * USEC_PER_MSEC);
	bench_expect(b, strbuf_str(&want));
	assert_int_equal(b->kept.position.file_no, 104);
	strbuf_fini(&want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BENCH_TEST(test_in_order_of_names),
	    BENCH_TEST(test_in_order_of_time),
	    BENCH_TEST(test_what_matches),
	    BENCH_TEST(test_names_of_every_kind),
	    BENCH_TEST(test_is_told_without_a_poll),
	    BENCH_TEST(test_growing_is_left_alone),
	    BENCH_TEST(test_old_file_is_taken_at_once),
	    BENCH_TEST(test_written_to_after_the_end),
	    BENCH_TEST(test_gzip_and_several_members),
	    BENCH_TEST(test_documents),
	    BENCH_TEST(test_quarantine),
	    BENCH_TEST(test_the_last_one_is_refused),
	    BENCH_TEST(test_vanishing),
	    BENCH_TEST(test_again),
	    BENCH_TEST(test_again_is_counted),
	    BENCH_TEST(test_ledger_is_bounded),
	};

	bench_begin();
	return cmocka_run_group_tests_name("directory", tests, NULL, NULL);
}
