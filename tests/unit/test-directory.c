/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport `directory`, on real folders: whatever is dropped, and wherever
 * the process ends, each line of each file comes once and in order.
 *
 * The bench is a store of one file: what came since the last commit is lost
 * with the process, as in life. A commit keeps the position, how much of the
 * output is sure and how often something was reported as lost, in one rename.
 */
#include "base/base.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <cmocka.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "event/framer.h"
#include "feed/transports.h"
#include "io/loop.h"

#define PATIENCE_US (10 * USEC_PER_SEC)
#define HOME	    "in/.ringtally/test"

/* As in directory.c, by the offsets that its option rows tell. */
union options {
	max_align_t align;
	char bytes[256];
};

struct commit {
	struct position position;
	size_t bytes; /* of the output */
	int losses;
};

struct bench {
	struct stage_upstream up; /* first: upstream finds us by it */
	struct loop *loop;
	struct timer *tick;
	void *self;
	union options options;
	enum framing framing;
	struct framer framer;
	uint32_t file_no;
	struct strbuf out; /* all that came */
	struct commit now, kept;
	bool idle, once, hold; /* hold: nothing is committed */
	bool pause_next;
	int failures;
	int64_t deadline_us;
	bool (*until)(struct bench *b);
};

/* --- what the system does to us ------------------------------------------ */

static struct {
	int steps;	  /* calls that change something on the disk */
	int die_at;	  /* the number of the one to end at; 0: none */
	bool die_after;	  /* behind it, not before it */
	int fail_renames; /* so many ... */
	int fail_with;	  /* ... with this errno */
	bool no_inotify;
	int later_s; /* the monotonic clock is ahead by that */
} faults;

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, ts);

	if (clock == CLOCK_MONOTONIC)
		ts->tv_sec += faults.later_s;
	return rc;
}

static void
step_before(void)
{
	if (++faults.steps == faults.die_at && !faults.die_after)
		_exit(99);
}

static void
step_after(void)
{
	if (faults.steps == faults.die_at)
		_exit(99);
}

int
renameat(int from, const char *a, int to, const char *b)
{
	int rc;

	if (faults.fail_renames > 0) {
		faults.fail_renames--;
		errno = faults.fail_with;
		return -1;
	}
	step_before();
	rc = (int)syscall(SYS_renameat2, from, a, to, b, 0);
	step_after();
	return rc;
}

int
fsync(int fd)
{
	int rc;

	step_before();
	rc = (int)syscall(SYS_fsync, fd);
	step_after();
	return rc;
}

int
fdatasync(int fd)
{
	int rc;

	step_before();
	rc = (int)syscall(SYS_fdatasync, fd);
	step_after();
	return rc;
}

int
mkdirat(int fd, const char *path, mode_t mode)
{
	int rc;

	step_before();
	rc = (int)syscall(SYS_mkdirat, fd, path, mode);
	step_after();
	return rc;
}

int
unlinkat(int fd, const char *path, int flags)
{
	int rc;

	step_before();
	rc = (int)syscall(SYS_unlinkat, fd, path, flags);
	step_after();
	return rc;
}

int
inotify_init1(int flags)
{
	if (faults.no_inotify) {
		errno = EMFILE;
		return -1;
	}
	return (int)syscall(SYS_inotify_init1, flags);
}

/* --- the bench ----------------------------------------------------------- */

static size_t
bench_bytes(struct stage_upstream *up, const struct position *position,
    const char *bytes, size_t n, bool last)
{
	struct bench *b = (struct bench *)up;
	struct slice record;
	size_t at = 0;

	assert_true(n > 0);
	assert_true(position->file_no > 0);
	if (b->file_no != position->file_no) {
		assert_true(position->file_no > b->file_no);
		b->file_no = position->file_no;
		b->framer.skipping = position->skipping;
	}
	while (framer_next(&b->framer, bytes, n, &at, last, &record)) {
		strbuf_add(&b->out, record.p, record.n);
		strbuf_addc(&b->out, '\n');
	}
	if (b->pause_next) {
		b->pause_next = false;
		directory_stage.pause(b->self, true);
	}
	return at;
}

static void
bench_lost(struct stage_upstream *up, enum stage_loss loss RT_UNUSED,
    int64_t n RT_UNUSED, const char *why)
{
	struct bench *b = (struct bench *)up;

	log_debug("lost: %s", why);
	b->now.losses++;
}

static void
bench_idle(struct stage_upstream *up, bool idle)
{
	struct bench *b = (struct bench *)up;

	assert_int_not_equal(idle, b->idle);
	b->idle = idle;
}

static void
bench_failed(struct stage_upstream *up, const char *why)
{
	struct bench *b = (struct bench *)up;

	assert_non_null(why);
	b->failures++;
}

/* Raw calls: these are not the transport's steps, but there is one between. */
static void
bench_save(const struct bench *b)
{
	int fd = open("out", O_WRONLY | O_CREAT, 0644);

	assert_true(fd >= 0);
	assert_int_equal(
	    pwrite(fd, strbuf_str(&b->out) + b->kept.bytes,
		b->now.bytes - b->kept.bytes, (off_t)b->kept.bytes),
	    b->now.bytes - b->kept.bytes);
	close(fd);
	fd = open("commit.new", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_int_equal(write(fd, &b->now, sizeof(b->now)), sizeof(b->now));
	close(fd);
	step_before();
	assert_int_equal(syscall(SYS_rename, "commit.new", "commit"), 0);
	step_after();
}

static void
bench_commit(struct bench *b)
{
	directory_stage.position(b->self, &b->now.position);
	b->now.bytes = b->out.n;
	if (memcmp(&b->now, &b->kept, sizeof(b->now)) == 0)
		return;
	bench_save(b);
	b->kept = b->now;
	directory_stage.committed(b->self, &b->kept.position);
}

static void
bench_tick_cb(void *ctx)
{
	struct bench *b = ctx;

	if (!b->hold)
		bench_commit(b);
	if ((b->until != NULL && b->until(b)) ||
	    clock_mono_us() > b->deadline_us)
		loop_stop(b->loop);
	else
		timer_set(b->tick, USEC_PER_MSEC);
}

static void
bench_turn(struct bench *b, bool (*until)(struct bench *b), int64_t at_most_us)
{
	b->until = until;
	b->deadline_us = clock_mono_us() + at_most_us;
	timer_set(b->tick, 0);
	loop_run(b->loop);
}

static int
bench_count(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int n = 0;

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* Idle, and all that was claimed is put away. */
static bool
bench_is_over(struct bench *b)
{
	return b->idle && bench_count(HOME "/claimed") == 0;
}

static void *
bench_option(struct bench *b, const char *name)
{
	const struct option_row *row = directory_stage.options;

	while (strcmp(row->name, name) != 0)
		row++;
	return b->options.bytes + row->offset;
}

static void
bench_set_text(struct bench *b, const char *name, const char *text)
{
	memcpy(bench_option(b, name), &text, sizeof(text));
}

static void
bench_set_int(struct bench *b, const char *name, int64_t v)
{
	memcpy(bench_option(b, name), &v, sizeof(v));
}

static void
bench_set_choice(struct bench *b, const char *name, int v)
{
	memcpy(bench_option(b, name), &v, sizeof(v));
}

static int
bench_try_open(struct bench *b, struct err *err)
{
	struct stage_setup setup = {.feed = "test",
	    .options = &b->options,
	    .loop = b->loop,
	    .up = &b->up,
	    .from = &b->kept.position,
	    .framing = b->framing,
	    .once = b->once};

	b->idle = false;
	b->framer = (struct framer){
	    .framing = b->framing, .skipping = b->kept.position.skipping};
	b->file_no = b->kept.position.file_no;
	return directory_stage.open(&b->self, &setup, err);
}

static void
bench_close(struct bench *b)
{
	if (b->self != NULL)
		directory_stage.close(b->self, "test");
	b->self = NULL;
}

/* As a process that starts: memory holds what was committed. */
static void
bench_start(struct bench *b)
{
	int fd = open("commit", O_RDONLY);

	memset(&b->kept, 0, sizeof(b->kept));
	if (fd >= 0) {
		assert_int_equal(
		    read(fd, &b->kept, sizeof(b->kept)), sizeof(b->kept));
		close(fd);
	}
	b->now = b->kept;
	strbuf_reset(&b->out);
	fd = open("out", O_RDONLY);
	if (fd >= 0 && b->kept.bytes > 0) {
		assert_int_equal(
		    read(fd, strbuf_reserve(&b->out, b->kept.bytes),
			b->kept.bytes),
		    b->kept.bytes);
		strbuf_added(&b->out, b->kept.bytes);
	}
	if (fd >= 0)
		close(fd);
	assert_int_equal(bench_try_open(b, NULL), 0);
}

/* Once more, from what was committed. */
static void
bench_restart(struct bench *b)
{
	bench_close(b);
	bench_start(b);
}

/* All comes that was expected, nothing else, and all is put away. */
static void
bench_expect(struct bench *b, const char *want)
{
	bench_turn(b, bench_is_over, PATIENCE_US);
	bench_turn(b, NULL, 30 * USEC_PER_MSEC); /* nothing may come twice */
	if (strcmp(strbuf_str(&b->out), want) != 0)
		fail_msg("got \"%.400s\", want \"%.400s\"", strbuf_str(&b->out),
		    want);
	assert_true(bench_is_over(b));
}

static int
bench_set_up(void **state)
{
	static char dir[] = "/tmp/test-directory-XXXXXX";
	struct bench *b = mem_zalloc(sizeof(*b));

	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(mkdir("in", 0755), 0);
	memset(&faults, 0, sizeof(faults));
	b->up = (struct stage_upstream){.bytes = bench_bytes,
	    .lost = bench_lost,
	    .idle = bench_idle,
	    .failed = bench_failed};
	b->loop = loop_new(NULL);
	b->tick = timer_new(b->loop, bench_tick_cb, b);
	option_set_presets(directory_stage.options, NULL, &b->options);
	bench_set_text(b, "folder", "in");
	bench_set_int(b, "settle_s", 0);
	bench_set_int(b, "poll_ms", 20);
	*state = b;
	return 0;
}

static int
bench_tear_down(void **state)
{
	struct bench *b = *state;
	char dir[PATH_MAX], command[PATH_MAX + 20];

	bench_close(b);
	timer_free(b->tick);
	loop_free(b->loop);
	strbuf_fini(&b->out);
	free(b);
	assert_non_null(getcwd(dir, sizeof(dir)));
	assert_int_equal(chdir("/"), 0);
	assert_non_null(strstr(dir, "/test-directory-"));
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

/* --- files --------------------------------------------------------------- */

static void
drop_bytes(const char *name, const char *bytes, size_t n)
{
	int fd = open("dropped", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	char path[300];

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
	snprintf(path, sizeof(path), "in/%s", name);
	assert_int_equal(rename("dropped", path), 0);
}

static void
drop(const char *name, const char *text)
{
	drop_bytes(name, text, strlen(text));
}

static void
drop_gzip(const char *name, const char *text, size_t less)
{
	char buf[65536];
	gzFile gz = gzopen("packed", "wb");
	int fd;
	ssize_t n;

	assert_int_equal(
	    gzwrite(gz, text, (unsigned)strlen(text)), strlen(text));
	gzclose(gz);
	fd = open("packed", O_RDONLY);
	n = read(fd, buf, sizeof(buf));
	close(fd);
	assert_true(n > (ssize_t)less);
	drop_bytes(name, buf, (size_t)n - less);
}

static void
set_age(const char *name, int seconds)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
	    {.tv_sec = clock_wall_us() / USEC_PER_SEC - seconds}};
	char path[300];

	snprintf(path, sizeof(path), "in/%s", name);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static bool
there_is(const char *path)
{
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

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
	bench_start(b);
	bench_expect(b, "1\n2\n");
	assert_int_equal(bench_count("in"), 7); /* all but .cdr_2 */
	/* a file gets its name when it is finished */
	assert_int_equal(rename("in/cdr_3.tmp", "in/cdr_3"), 0);
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
	bench_expect(b, "1\n2\n");
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

static bool
is_slow(void)
{
	const char *slow = getenv("RINGTALLY_SLOW");

	return slow != NULL && slow[0] != '\0' && strcmp(slow, "0") != 0;
}

static void
test_many_files(void **state)
{
	struct bench *b = *state;
	struct strbuf want = STRBUF_INIT;
	int i, n = is_slow() ? 100000 : 3000;
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
		b->loop = loop_new(NULL);
		b->tick = timer_new(b->loop, bench_tick_cb, b);
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
 * disk, commits included; then again three steps later; then it runs through.
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
		over = story_fork(b, step, step % 2 == 0 || is_slow());
		if (!over) {
			ended++;
			story_fork(b, 3, step % 3 == 0);
			assert_true(story_fork(b, 0, false));
		}
		story_check(&want, step);
		if (is_slow() && !over) { /* and before that one */
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
#define T(name) \
	cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)
	const struct CMUnitTest tests[] = {
	    T(test_in_order_of_names),
	    T(test_in_order_of_time),
	    T(test_what_matches),
	    T(test_names_of_every_kind),
	    T(test_is_told_without_a_poll),
	    T(test_growing_is_left_alone),
	    T(test_old_file_is_taken_at_once),
	    T(test_written_to_after_the_end),
	    T(test_gzip_and_several_members),
	    T(test_documents),
	    T(test_quarantine),
	    T(test_the_last_one_is_refused),
	    T(test_vanishing),
	    T(test_again),
	    T(test_again_is_counted),
	    T(test_ledger_is_bounded),
	    T(test_renames_fail_for_a_while),
	    T(test_folder_appears_and_is_replaced),
	    T(test_one_reader_at_a_time),
	    T(test_once),
	    T(test_pause),
	    T(test_deleted_later),
	    T(test_database_goes_back),
	    T(test_many_files),
	    T(test_ends_at_every_step),
	};

	if (getenv("RT_VERBOSE") == NULL)
		log_set_level(LOG_LEVEL_ERROR);
	else
		log_set_level(LOG_LEVEL_DEBUG);
	if (getenv("RT_ONLY") != NULL)
		cmocka_set_test_filter(getenv("RT_ONLY"));
	return cmocka_run_group_tests_name("directory", tests, NULL, NULL);
}
