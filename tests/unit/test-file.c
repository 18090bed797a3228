/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport `file`, on a real loop and real files in a folder of its own:
 * whatever is done to the log, each of its lines comes once and in order.
 *
 * The lines are numbered. rig_write appends the next ones to a file and
 * remembers them as expected; rig_expect turns the loop until as many came,
 * and compares all of them.
 */
#include "base/base.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <cmocka.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "event/framer.h"
#include "feed/file_siblings.h"
#include "feed/transports.h"
#include "io/loop.h"

#define PATIENCE_US (10 * USEC_PER_SEC)
#define POLL_MS	    40

/* As in file.c, by the offsets that its option rows tell. */
union options {
	max_align_t align;
	char bytes[256];
};

struct rig {
	struct stage_upstream up; /* first: upstream finds us by it */
	struct loop *loop;
	struct timer *tick;
	void *file;
	union options options;
	int64_t poll_ms;
	struct position from;
	struct framer framer;
	uint32_t file_no; /* of the framer's state */
	struct strbuf got, want;
	size_t lines;	/* that came */
	unsigned wrote; /* number of the next line */
	bool idle, once, at_end;
	int idles; /* times it became idle */
	int losses;
	int64_t lost;
	int64_t deadline_us;
	size_t until_lines;
	bool until_idle;
	size_t pause_after; /* refuse everything and pause at so many lines */
	bool paused;
};

static int fail_reads_with;	    /* errno for pread ... */
static int fail_reads;		    /* ... this many times */
static bool no_inotify, no_watches; /* the system has none left */
static unsigned reads;
static size_t short_reads; /* no more than this at once; 0: as many */

/* In place of libc's: reads that fail, and reads that are short. */
static ssize_t
pread_tested(int fd, void *to, size_t n, off_t at)
{
	if (fail_reads > 0) {
		fail_reads--;
		errno = fail_reads_with;
		return -1;
	}
	if (short_reads > 0 && ++reads % 2 == 0)
		n = RT_MIN(n, short_reads);
	return syscall(SYS_pread64, fd, to, n, at);
}

ssize_t
pread(int fd, void *to, size_t n, off_t at)
{
	return pread_tested(fd, to, n, at);
}

ssize_t
pread64(int fd, void *to, size_t n, off_t at)
{
	return pread_tested(fd, to, n, at);
}

int
inotify_init1(int flags)
{
	if (no_inotify) {
		errno = EMFILE;
		return -1;
	}
	return (int)syscall(SYS_inotify_init1, flags);
}

int
inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	if (no_watches) {
		errno = ENOSPC;
		return -1;
	}
	return (int)syscall(SYS_inotify_add_watch, fd, path, mask);
}

static size_t
rig_bytes(struct stage_upstream *up, const struct position *position,
    const char *bytes, size_t n, bool last)
{
	struct rig *rig = (struct rig *)up;
	struct slice record;
	size_t at = 0;

	assert_true(n > 0);
	if (rig->file_no != position->file_no) {
		rig->file_no = position->file_no;
		rig->framer.skipping = position->skipping;
	}
	while (framer_line(&rig->framer, bytes, n, &at, last, &record)) {
		strbuf_add(&rig->got, record.p, record.n);
		strbuf_addc(&rig->got, '\n');
		rig->lines++;
		if (rig->lines == rig->pause_after && !last) {
			rig->paused = true;
			file_stage.pause(rig->file, true);
			break;
		}
	}
	return at;
}

static void
rig_lost(struct stage_upstream *up, enum stage_loss loss RT_UNUSED, int64_t n,
    const char *why)
{
	struct rig *rig = (struct rig *)up;

	log_debug("lost %" PRId64 ": %s", n, why);
	rig->losses++;
	rig->lost = n;
}

static void
rig_idle(struct stage_upstream *up, bool idle)
{
	struct rig *rig = (struct rig *)up;

	assert_int_not_equal(idle, rig->idle);
	rig->idle = idle;
	rig->idles += idle;
}

static void
rig_tick_cb(void *ctx)
{
	struct rig *rig = ctx;
	bool done =
	    rig->lines >= rig->until_lines && (!rig->until_idle || rig->idle);

	if (done || clock_mono_us() > rig->deadline_us)
		loop_stop(rig->loop);
	else
		timer_set(rig->tick, USEC_PER_MSEC);
}

/* Turns the loop for so long, or until lines and idleness are reached. */
static void
rig_turn(struct rig *rig, size_t lines, bool idle, int64_t at_most_us)
{
	rig->until_lines = lines;
	rig->until_idle = idle;
	rig->deadline_us = clock_mono_us() + at_most_us;
	timer_set(rig->tick, 0);
	loop_run(rig->loop);
}

static size_t
rig_count(const struct strbuf *b)
{
	size_t i, n = 0;

	for (i = 0; i < b->n; i++)
		n += b->p[i] == '\n';
	return n;
}

/* Shows where they part, and not thousands of lines. */
static void
rig_compare(const struct rig *rig)
{
	size_t n = RT_MIN(rig->got.n, rig->want.n), i = 0, line = 0;

	if (rig->got.n == rig->want.n &&
	    (n == 0 || memcmp(rig->got.p, rig->want.p, n) == 0))
		return;
	for (; i < n && rig->got.p[i] == rig->want.p[i]; i++)
		if (rig->got.p[i] == '\n')
			line = i + 1;
	fail_msg("from byte %zu on: got \"%.99s\" (%zu lines), want \"%.99s\" "
		 "(%zu lines)",
	    line, strbuf_str(&rig->got) + line, rig_count(&rig->got),
	    strbuf_str(&rig->want) + line, rig_count(&rig->want));
}

static void
rig_expect(struct rig *rig)
{
	rig_turn(rig, rig_count(&rig->want), true, PATIENCE_US);
	/* a little more: nothing may come twice */
	rig_turn(rig, SIZE_MAX, false, 3 * POLL_MS * USEC_PER_MSEC);
	rig_compare(rig);
	assert_true(rig->idle);
}

static const struct option_row *
rig_option(const char *name)
{
	const struct option_row *row = file_stage.options;

	while (strcmp(row->name, name) != 0)
		row++;
	return row;
}

static int
rig_try_start(struct rig *rig, const char *path, struct err *err)
{
	struct stage_setup setup = {.feed = "test",
	    .options = &rig->options,
	    .loop = rig->loop,
	    .up = &rig->up,
	    .from = &rig->from,
	    .at_end = rig->at_end,
	    .once = rig->once};
	const char *p = path;

	assert_true(file_stage.options_size <= sizeof(rig->options));
	memcpy(rig->options.bytes + rig_option("path")->offset, &p, sizeof(p));
	memcpy(rig->options.bytes + rig_option("poll_ms")->offset,
	    &rig->poll_ms, sizeof(rig->poll_ms));
	rig->idle = false;
	rig->framer.skipping = rig->from.skipping;
	rig->file_no = rig->from.file_no;
	return file_stage.open(&rig->file, &setup, err);
}

static void
rig_start(struct rig *rig)
{
	assert_int_equal(rig_try_start(rig, "log", NULL), 0);
}

/* Keeps the position, as a commit would. */
static void
rig_stop(struct rig *rig)
{
	file_stage.position(rig->file, &rig->from);
	file_stage.close(rig->file, "test");
	rig->file = NULL;
}

static void
rig_raw(const char *path, const char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static void
rig_put(const char *path, const char *text)
{
	rig_raw(path, text, strlen(text));
}

/* Appends n numbered lines; expected, unless told otherwise. */
static void
rig_write_fd(struct rig *rig, int fd, unsigned n, bool expected)
{
	struct strbuf b = STRBUF_INIT;

	while (n-- > 0)
		strbuf_addf(
		    &b, "%08u|call|queue|agent|EVENT|x\n", rig->wrote++);
	assert_int_equal(write(fd, b.p, b.n), b.n);
	if (expected)
		strbuf_add(&rig->want, b.p, b.n);
	strbuf_fini(&b);
}

static void
rig_write(struct rig *rig, const char *path, unsigned n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);

	assert_true(fd >= 0);
	rig_write_fd(rig, fd, n, true);
	close(fd);
}

static void
rig_copy(const char *from, const char *to)
{
	char buf[4096];
	int in = open(from, O_RDONLY);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		assert_int_equal(write(out, buf, (size_t)n), n);
	close(in);
	close(out);
}

/* As gzip does: FILE to FILE.gz, with its times. */
static void
rig_gzip(const char *path, bool keep)
{
	char to[100], buf[4096];
	struct timespec times[2];
	struct stat st;
	gzFile gz;
	ssize_t n;
	int in = open(path, O_RDONLY);

	snprintf(to, sizeof(to), "%s.gz", path);
	assert_true(in >= 0);
	gz = gzopen(to, "wb");
	while ((n = read(in, buf, sizeof(buf))) > 0)
		assert_int_equal(gzwrite(gz, buf, (unsigned)n), n);
	gzclose(gz);
	assert_int_equal(fstat(in, &st), 0);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	assert_int_equal(utimensat(AT_FDCWD, to, times, 0), 0);
	close(in);
	if (!keep)
		assert_int_equal(unlink(path), 0);
}

/* Times between pieces, as they are in life. */
static void
rig_age(const char *path, int seconds)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
	    {.tv_sec = clock_wall_us() / USEC_PER_SEC - seconds}};

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static int
set_up(void **state)
{
	static char dir[] = "/tmp/test-file-XXXXXX";
	struct rig *rig = mem_zalloc(sizeof(*rig));

	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	rig->up = (struct stage_upstream){
	    .bytes = rig_bytes, .lost = rig_lost, .idle = rig_idle};
	rig->poll_ms = POLL_MS;
	rig->loop = loop_new(NULL);
	rig->tick = timer_new(rig->loop, rig_tick_cb, rig);
	*state = rig;
	return 0;
}

static int
tear_down(void **state)
{
	struct rig *rig = *state;
	char dir[PATH_MAX], command[PATH_MAX + 20];

	if (rig->file != NULL)
		rig_stop(rig);
	timer_free(rig->tick);
	loop_free(rig->loop);
	strbuf_fini(&rig->got);
	strbuf_fini(&rig->want);
	free(rig);
	fail_reads = 0;
	short_reads = 0;
	assert_non_null(getcwd(dir, sizeof(dir)));
	assert_int_equal(chdir("/"), 0);
	assert_non_null(strstr(dir, "/test-file-"));
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

/* -- growing */

static void
test_grows(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, "log", 3);
	rig_start(rig);
	rig_expect(rig);
	rig_write(rig, "log", 1);
	rig_expect(rig);
	rig_write(rig, "log", 20000);
	rig_expect(rig);
	file_stage.position(rig->file, &rig->from);
	assert_int_equal(rig->from.file_no, 1);
	assert_int_equal(rig->from.offset, rig->want.n);
	assert_int_equal(rig->from.size_seen, rig->want.n);
	assert_int_equal(rig->from.head_size, STAGE_HEAD_BYTES);
	assert_int_equal(rig->losses, 0);
}

/* inotify tells at once: no poll comes within the patience of this test. */
static void
test_is_told_without_a_poll(void **state)
{
	struct rig *rig = *state;
	int64_t began = clock_mono_us();
	int i;

	rig->poll_ms = 60000;
	rig_start(rig);
	rig_turn(rig, 0, true, PATIENCE_US);
	rig_write(rig, "log", 1); /* created ... */
	rig_turn(rig, 1, true, PATIENCE_US);
	rig_write(rig, "log", 1); /* ... and grown */
	rig_turn(rig, 2, true, PATIENCE_US);
	assert_int_equal(rig->lines, 2);
	/* the queue of events overflows */
	for (i = 0; i < 17000; i++) {
		close(open("other", O_WRONLY | O_CREAT, 0644));
		unlink("other");
	}
	rig_write(rig, "log", 1);
	rig_turn(rig, 3, true, PATIENCE_US);
	rig_write(rig, "log", 1);
	rig_turn(rig, 4, true, PATIENCE_US);
	assert_int_equal(rig->lines, 4);
	assert_true(clock_mono_us() - began < 50 * USEC_PER_SEC);
}

static void
test_polls_without_inotify(void **state)
{
	struct rig *rig = *state;

	no_inotify = true;
	rig_start(rig);
	rig_write(rig, "log", 10);
	rig_expect(rig);
	rig_write(rig, "log", 10);
	assert_int_equal(rename("log", "log.1"), 0);
	rig_write(rig, "log", 10);
	rig_expect(rig);
	rig_stop(rig);
	no_inotify = false;
	no_watches = true;
	rig_start(rig);
	rig_write(rig, "log", 10);
	rig_expect(rig);
	no_watches = false;
}

static void
test_restart_goes_on(void **state)
{
	struct rig *rig = *state;

	rig_write(rig, "log", 10);
	rig_start(rig);
	rig_expect(rig);
	rig_stop(rig);
	rig_write(rig, "log", 10);
	rig_start(rig);
	rig_expect(rig);
	assert_int_equal(rig->from.file_no, 1);
	assert_int_equal(rig->losses, 0);
}

static void
test_half_a_line_waits(void **state)
{
	struct rig *rig = *state;

	rig_put("log", "first\nsec");
	rig_start(rig);
	strbuf_adds(&rig->want, "first\n");
	rig_expect(rig);
	rig_stop(rig);
	assert_int_equal(rig->from.offset, 6);
	rig_start(rig);
	rig_expect(rig);
	rig_put("log", "ond\n");
	strbuf_adds(&rig->want, "second\n");
	rig_expect(rig);
}

static void
test_begins_at_the_end(void **state)
{
	struct rig *rig = *state;

	rig_put("log", "old\nolder\nhalf");
	rig->at_end = true;
	rig_start(rig);
	rig_expect(rig);
	rig_put("log", " a line\n");
	strbuf_adds(&rig->want, "half a line\n");
	rig_write(rig, "log", 1);
	rig_expect(rig);
}

static void
test_nul_and_crlf_pass(void **state)
{
	struct rig *rig = *state;

	rig_raw("log", "a\0b\r\n\0\n\r\n", 9);
	rig_start(rig);
	rig_turn(rig, 3, true, PATIENCE_US);
	assert_int_equal(rig->got.n, 7);
	assert_memory_equal(rig->got.p, "a\0b\n\0\n\n", 7);
}

static void
test_line_over_the_limit(void **state)
{
	struct rig *rig = *state;
	size_t n = 5 * STAGE_RECORD_MAX;
	char *line = mem_alloc(n);

	memset(line, 'x', n);
	rig_write(rig, "log", 1);
	rig_raw("log", line, n);
	rig_start(rig);
	rig_expect(rig);
	rig_raw("log", line, n);
	rig_put("log", "\n");
	rig_write(rig, "log", 1);
	rig_expect(rig);
	assert_int_equal(rig->framer.oversize, 1);
	/* the longest one that is taken, in pieces */
	rig_raw("log", line, STAGE_RECORD_MAX / 2);
	rig_expect(rig);
	rig_raw("log", line, STAGE_RECORD_MAX / 2);
	rig_put("log", "\n");
	strbuf_add(&rig->want, line, STAGE_RECORD_MAX);
	strbuf_addc(&rig->want, '\n');
	rig_expect(rig);
	assert_int_equal(rig->framer.oversize, 1);
	free(line);
}

static void
test_pause_keeps_the_place(void **state)
{
	struct rig *rig = *state;
	size_t lines;

	rig_write(rig, "log", 50000);
	rig->pause_after = 20;
	rig_start(rig);
	rig_turn(rig, SIZE_MAX, false, 4 * POLL_MS * USEC_PER_MSEC);
	lines = rig->lines;
	assert_int_equal(lines, 20);
	assert_false(rig->idle);
	rig_write(rig, "log", 50000);
	rig_turn(rig, SIZE_MAX, false, 4 * POLL_MS * USEC_PER_MSEC);
	assert_int_equal(rig->lines, lines);
	file_stage.pause(rig->file, false);
	rig_expect(rig);
}

static void
test_once_ends_at_the_present_end(void **state)
{
	struct rig *rig = *state;
	struct err err = {""};

	rig->once = true;
	assert_int_equal(rig_try_start(rig, "log", &err), -1);
	assert_non_null(strstr(err.text, "log: No such file"));
	rig_write(rig, "log", 30000);
	rig_put("log", "half a li");
	rig_start(rig);
	rig_expect(rig);
	rig_put("log", "ne\n");
	rig_expect(rig);
	assert_int_equal(rig->idles, 1);
}

static void
test_wrong_configuration(void **state)
{
	struct rig *rig = *state;
	struct err err = {""};

	assert_int_equal(rig_try_start(rig, "", &err), -1);
	assert_int_equal(rig_try_start(rig, ".", &err), -1);
	assert_non_null(strstr(err.text, "not a regular file"));
	assert_int_equal(rig_try_start(rig, NULL, &err), -1);
	rig->file = NULL;
}

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
	rig_turn(rig, SIZE_MAX, false, 5 * POLL_MS * USEC_PER_MSEC);
	rig_write_fd(rig, fd, 10, true);
	rig_expect(rig);
	rig_turn(rig, SIZE_MAX, false, 5 * POLL_MS * USEC_PER_MSEC);
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

/* The new file is there, and lines still arrive in the old one for a while. */
static void
test_old_file_grows_within_the_grace(void **state)
{
	struct rig *rig = *state;
	int i, fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644);
	unsigned wrote;

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
		rig_turn(rig, SIZE_MAX, false, POLL_MS * USEC_PER_MSEC / 2);
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
	rig_turn(rig, SIZE_MAX, false, 2 * POLL_MS * USEC_PER_MSEC);
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
	rig_turn(rig, SIZE_MAX, false, 10 * POLL_MS * USEC_PER_MSEC);
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
	rig_turn(rig, SIZE_MAX, false, 3 * POLL_MS * USEC_PER_MSEC);
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
	int i;

	for (i = 0; i < 10; i++) {
		rig_write(rig, "log", 10 + (unsigned)i);
		rig_start(rig);
		rig_expect(rig);
		rig_stop(rig);
		assert_int_equal(rig->from.file_no, i + 1);
		assert_int_equal(unlink("log"), 0);
	}
	/* nobody knows what they held at last */
	assert_int_equal(rig->losses, 9);
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
	rig_turn(rig, 1, true, 10 * POLL_MS * USEC_PER_MSEC);
	assert_int_equal(rig->lines, 0);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod("log", 0644), 0);
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
}

/* -- reads that fail */

static void
test_failing_reads_are_no_end(void **state)
{
	static const int errors[] = {EIO, ESTALE, EINTR, ENOMEM};
	struct rig *rig = *state;
	size_t i;

	rig_write(rig, "log", 10);
	rig_start(rig);
	rig_expect(rig);
	for (i = 0; i < RT_COUNT(errors); i++) {
		rig_write(rig, "log", 10);
		fail_reads_with = errors[i];
		fail_reads = 3;
		rig_expect(rig);
		assert_int_equal(fail_reads, 0);
	}
	rig_write(rig, "log", 10);
	assert_int_equal(rename("log", "log.1"), 0);
	rig_write(rig, "log", 10);
	fail_reads_with = EIO;
	fail_reads = 3;
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
}

static void
test_short_reads(void **state)
{
	struct rig *rig = *state;

	/* as much as is known of the bytes before our place; then less */
	short_reads = 64;
	rig_write(rig, "log", 100);
	rig_start(rig);
	rig_expect(rig);
	rig_write(rig, "log", 100);
	assert_int_equal(rename("log", "log.1"), 0);
	rig_write(rig, "log", 100);
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
	short_reads = 41;
	rig_write(rig, "log", 100);
	rig_expect(rig);
	assert_int_equal(rig->idles, 3);
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

/* -- anything in any order */

struct chaos {
	struct rig *rig;
	uint32_t seed;
	int fd;	   /* of the writer */
	int piece; /* number of the next one that is put aside */
	bool paused;
};

static uint32_t
chaos_pick(struct chaos *c, uint32_t below)
{
	c->seed = c->seed * 1664525 + 1013904223;
	return (c->seed >> 8) % below;
}

static void
chaos_position(struct chaos *c, struct position *pos)
{
	if (c->rig->file != NULL)
		file_stage.position(c->rig->file, pos);
	else
		*pos = c->rig->from;
}

static void
chaos_write(struct chaos *c)
{
	unsigned n = chaos_pick(c, 20) == 0 ? 20000 : chaos_pick(c, 30);

	rig_write_fd(c->rig, c->fd, n, true);
}

static void
chaos_reopen(struct chaos *c)
{
	close(c->fd);
	c->fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644);
	assert_true(c->fd >= 0);
}

static void
chaos_turn(struct chaos *c, int64_t max_ms)
{
	if (c->rig->file != NULL)
		rig_turn(c->rig, SIZE_MAX, false,
		    chaos_pick(c, (uint32_t)max_ms) * USEC_PER_MSEC);
}

/* The writer learns of it a little later, as of logrotate's postrotate. */
static void
chaos_rename(struct chaos *c)
{
	char name[40];

	snprintf(name, sizeof(name), "log.%d", c->piece++);
	assert_int_equal(rename("log", name), 0);
	if (chaos_pick(c, 2) == 0)
		rig_put("log", "");
	chaos_turn(c, 10);
	chaos_write(c);
	chaos_turn(c, 10);
	usleep(8000); /* no two pieces within one tick of the clock */
	chaos_reopen(c);
}

/*
 * Only of a file of which something was read: of an empty one nothing is
 * known by which its copy could be found.
 */
static void
chaos_copytruncate(struct chaos *c)
{
	struct position pos;
	struct stat st;
	char name[40];

	chaos_position(c, &pos);
	assert_int_equal(fstat(c->fd, &st), 0);
	if (pos.inode == st.st_ino && pos.head_size == 0)
		return;
	snprintf(name, sizeof(name), "log.%d", c->piece++);
	rig_copy("log", name);
	usleep(8000);
	assert_int_equal(ftruncate(c->fd, 0), 0);
}

static void
chaos_gzip(struct chaos *c)
{
	struct position pos;
	struct stat st;
	char name[40];

	if (c->piece == 0)
		return;
	snprintf(name, sizeof(name), "log.%d",
	    c->piece - 1 - (int)chaos_pick(c, (uint32_t)RT_MIN(c->piece, 4)));
	chaos_position(c, &pos);
	if (stat(name, &st) == 0 && (st.st_ino != pos.inode || pos.head_size))
		rig_gzip(name, chaos_pick(c, 4) == 0);
}

static void
chaos_restart(struct chaos *c)
{
	if (c->rig->file != NULL) {
		rig_stop(c->rig);
	} else {
		rig_start(c->rig);
		file_stage.pause(c->rig->file, c->paused);
	}
}

static void
chaos_pause(struct chaos *c)
{
	c->paused = !c->paused;
	if (c->rig->file != NULL)
		file_stage.pause(c->rig->file, c->paused);
}

static void
chaos_step(struct chaos *c)
{
	static void (*const steps[])(struct chaos * c) = {chaos_write,
	    chaos_write, chaos_write, chaos_rename, chaos_copytruncate,
	    chaos_gzip, chaos_restart, chaos_pause};

	steps[chaos_pick(c, RT_COUNT(steps))](c);
	if (chaos_pick(c, 2) == 0)
		chaos_turn(c, 60);
}

static void
test_anything_in_any_order(void **state)
{
	const char *seed = getenv("RT_SEED");
	struct rig *rig = *state;
	struct chaos c = {.rig = rig,
	    .fd = -1,
	    .seed = seed != NULL ? (uint32_t)strtoul(seed, NULL, 10) : 1};
	int i;

	/* without a position nobody asks for what was put aside before */
	rig_write(rig, "log", 1);
	chaos_reopen(&c);
	rig_start(rig);
	rig_expect(rig);
	for (i = 0; i < 250; i++)
		chaos_step(&c);
	if (c.paused)
		chaos_pause(&c);
	if (rig->file == NULL)
		chaos_restart(&c);
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
	close(c.fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_grows),
	    TEST(test_is_told_without_a_poll),
	    TEST(test_polls_without_inotify),
	    TEST(test_restart_goes_on),
	    TEST(test_half_a_line_waits),
	    TEST(test_begins_at_the_end),
	    TEST(test_nul_and_crlf_pass),
	    TEST(test_line_over_the_limit),
	    TEST(test_pause_keeps_the_place),
	    TEST(test_once_ends_at_the_present_end),
	    TEST(test_wrong_configuration),
	    TEST(test_rename_then_reload),
	    TEST(test_created_long_before_the_reload),
	    TEST(test_old_file_grows_within_the_grace),
	    TEST(test_rotated_in_the_middle_of_a_line),
	    TEST(test_several_rotations_while_down),
	    TEST(test_rotated_pieces_are_gzipped),
	    TEST(test_stopped_within_a_gzipped_piece),
	    TEST(test_several_rotations_while_paused),
	    TEST(test_gzip_still_at_work),
	    TEST(test_gzip_damaged_for_good),
	    TEST(test_removed_and_created),
	    TEST(test_copytruncate_after_all_was_read),
	    TEST(test_copytruncate_before_all_was_read),
	    TEST(test_copytruncate_while_down),
	    TEST(test_truncation_is_told_to_the_byte),
	    TEST(test_truncated_half_line_is_lost),
	    TEST(test_truncated_and_rewritten_longer),
	    TEST(test_rewritten_with_the_same_tail),
	    TEST(test_last_line_rewritten),
	    TEST(test_restored_copy_goes_on),
	    TEST(test_restored_earlier_state),
	    TEST(test_inode_used_again),
	    TEST(test_identical_heads),
	    TEST(test_symbolic_link_moves),
	    TEST(test_nothing_there_yet),
	    TEST(test_directory_vanishes_and_returns),
	    TEST(test_permission_denied_is_waited_for),
	    TEST(test_failing_reads_are_no_end),
	    TEST(test_short_reads),
	    TEST(test_names_of_rotated_pieces),
	    TEST(test_anything_in_any_order),
	};

	if (getenv("RT_VERBOSE") == NULL)
		log_set_level(LOG_LEVEL_ERROR);
	if (getenv("RT_ONLY") != NULL)
		cmocka_set_test_filter(getenv("RT_ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
