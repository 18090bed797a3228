/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport `file`: a log that grows, reads that fail, and then all that
 * can be done to a log in any order.
 */
#include "file-harness.h"

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
	/* the queue of 16,384 events overflows */
	rig_put("other", "");
	for (i = 0; i < 5000; i++) {
		assert_int_equal(rename("other", "another"), 0);
		assert_int_equal(rename("another", "other"), 0);
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

	rig_faults.no_inotify = true;
	rig_start(rig);
	rig_write(rig, "log", 10);
	rig_expect(rig);
	rig_write(rig, "log", 10);
	assert_int_equal(rename("log", "log.1"), 0);
	rig_write(rig, "log", 10);
	rig_expect(rig);
	rig_stop(rig);
	rig_faults.no_inotify = false;
	rig_faults.no_watches = true;
	rig_start(rig);
	rig_write(rig, "log", 10);
	rig_expect(rig);
	rig_faults.no_watches = false;
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
	rig_turn_polls(rig, 4);
	lines = rig->lines;
	assert_int_equal(lines, 20);
	assert_false(rig->idle);
	rig_write(rig, "log", 50000);
	rig_turn_polls(rig, 4);
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
		rig_faults.reads_with = errors[i];
		rig_faults.reads = rig_slow() ? 3 : 1;
		rig_expect(rig);
		assert_int_equal(rig_faults.reads, 0);
	}
	rig_write(rig, "log", 10);
	assert_int_equal(rename("log", "log.1"), 0);
	rig_write(rig, "log", 10);
	rig_faults.reads_with = EIO;
	rig_faults.reads = 3;
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
}

static void
test_short_reads(void **state)
{
	struct rig *rig = *state;

	/* as much as is known of the bytes before our place; then less */
	rig_faults.short_reads = 64;
	rig_write(rig, "log", 100);
	rig_start(rig);
	rig_expect(rig);
	rig_write(rig, "log", 100);
	assert_int_equal(rename("log", "log.1"), 0);
	rig_write(rig, "log", 100);
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
	rig_faults.short_reads = 41;
	rig_write(rig, "log", 100);
	rig_expect(rig);
	assert_int_equal(rig->idles, 3);
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

/*
 * The writer learns of it a little later, as of logrotate's postrotate. Into
 * an empty file it does not write any more: two rotations within a moment,
 * with late lines after each, leave a piece whose time is before that of the
 * piece before it, and while it is empty nothing else tells their order.
 */
static void
chaos_rename(struct chaos *c)
{
	struct stat st;
	char name[40];

	assert_int_equal(fstat(c->fd, &st), 0);
	snprintf(name, sizeof(name), "log.%d", c->piece++);
	assert_int_equal(rename("log", name), 0);
	if (chaos_pick(c, 2) == 0)
		rig_put("log", "");
	chaos_turn(c, 10);
	if (st.st_size > 0)
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
	int i, steps = rig_slow() ? 1000 : 100;

	/* without a position nobody asks for what was put aside before */
	rig_write(rig, "log", 1);
	chaos_reopen(&c);
	rig_start(rig);
	rig_expect(rig);
	for (i = 0; i < steps; i++)
		chaos_step(&c);
	if (c.paused)
		chaos_pause(&c);
	if (rig->file == NULL)
		chaos_restart(&c);
	rig_expect(rig);
	assert_int_equal(rig->losses, 0);
	close(c.fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_grows),
	    RIG_TEST(test_is_told_without_a_poll),
	    RIG_TEST(test_polls_without_inotify),
	    RIG_TEST(test_restart_goes_on),
	    RIG_TEST(test_half_a_line_waits),
	    RIG_TEST(test_begins_at_the_end),
	    RIG_TEST(test_nul_and_crlf_pass),
	    RIG_TEST(test_line_over_the_limit),
	    RIG_TEST(test_pause_keeps_the_place),
	    RIG_TEST(test_once_ends_at_the_present_end),
	    RIG_TEST(test_wrong_configuration),
	    RIG_TEST(test_failing_reads_are_no_end),
	    RIG_TEST(test_short_reads),
	    RIG_TEST(test_anything_in_any_order),
	};

	rig_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
