/* SPDX-License-Identifier: BSD-2-Clause */
#include "file-harness.h"

#include <sys/inotify.h>
#include <sys/syscall.h>
#include <zlib.h>

#include "base/log.h"
#include "io/loop.h"

#define RIG_POLL_MS	 20
#define RIG_POLL_SLOW_MS 40

struct rig_faults rig_faults;

/* In place of libc's: reads that fail, and reads that are short. */
static ssize_t
pread_tested(int fd, void *to, size_t n, off_t at)
{
	static unsigned reads;

	if (rig_faults.reads > 0) {
		rig_faults.reads--;
		errno = rig_faults.reads_with;
		return -1;
	}
	if (rig_faults.short_reads > 0 && ++reads % 2 == 0)
		n = RT_MIN(n, rig_faults.short_reads);
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
	if (rig_faults.no_inotify) {
		errno = EMFILE;
		return -1;
	}
	return (int)syscall(SYS_inotify_init1, flags);
}

int
inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	if (rig_faults.no_watches) {
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
	snprintf(rig->why, sizeof(rig->why), "%s", why);
}

static void
rig_failed(struct stage_upstream *up, const char *why)
{
	struct rig *rig = (struct rig *)up;

	assert_non_null(why);
	rig->failures++;
}

static void
rig_status(struct stage_upstream *up)
{
	struct rig *rig = (struct rig *)up;

	rig->stands++;
}

const char *
rig_trouble(struct rig *rig)
{
	static struct stage_status status;

	file_stage.status(rig->file, &status);
	assert_int_equal(status.connected, status.text[0] == '\0');
	return status.text;
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

void
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

void
rig_turn_polls(struct rig *rig, double polls)
{
	rig_turn(rig, SIZE_MAX, false,
	    (int64_t)(polls * (double)(rig->poll_ms * USEC_PER_MSEC)));
}

void
rig_expect(struct rig *rig)
{
	rig_turn(rig, rig_count(&rig->want), true, PATIENCE_US);
	/* a little more: nothing may come twice */
	rig_turn_polls(rig, 3);
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

/* As in file.c, by the offsets that its option rows tell. */
union options {
	max_align_t align;
	char bytes[256];
};

int
rig_try_start(struct rig *rig, const char *path, struct err *err)
{
	static union options options;
	struct stage_setup setup = {.feed = "test",
	    .options = &options,
	    .loop = rig->loop,
	    .up = &rig->up,
	    .from = &rig->from,
	    .at_end = rig->at_end,
	    .once = rig->once};
	const char *p = path;

	assert_true(file_stage.options_size <= sizeof(options));
	memcpy(options.bytes + rig_option("path")->offset, &p, sizeof(p));
	memcpy(options.bytes + rig_option("poll_ms")->offset, &rig->poll_ms,
	    sizeof(rig->poll_ms));
	rig->idle = false;
	rig->framer.skipping = rig->from.skipping;
	rig->file_no = rig->from.file_no;
	return file_stage.open(&rig->file, &setup, err);
}

void
rig_start(struct rig *rig)
{
	assert_int_equal(rig_try_start(rig, "log", NULL), 0);
}

void
rig_stop(struct rig *rig)
{
	file_stage.position(rig->file, &rig->from);
	file_stage.close(rig->file, "test");
	rig->file = NULL;
}

void
rig_raw(const char *path, const char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

void
rig_put(const char *path, const char *text)
{
	rig_raw(path, text, strlen(text));
}

void
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

void
rig_write(struct rig *rig, const char *path, unsigned n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);

	assert_true(fd >= 0);
	rig_write_fd(rig, fd, n, true);
	close(fd);
}

void
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

void
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

void
rig_age(const char *path, int seconds)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
	    {.tv_sec = clock_wall_us() / USEC_PER_SEC - seconds}};

	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

bool
rig_slow(void)
{
	const char *slow = getenv("RINGTALLY_SLOW");

	return slow != NULL && slow[0] != '\0' && strcmp(slow, "0") != 0;
}

int
rig_set_up(void **state)
{
	static char dir[] = "/tmp/test-file-XXXXXX";
	struct rig *rig = mem_zalloc(sizeof(*rig));

	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	rig->up = (struct stage_upstream){.bytes = rig_bytes,
	    .lost = rig_lost,
	    .idle = rig_idle,
	    .failed = rig_failed,
	    .changed = rig_status};
	rig->poll_ms = rig_slow() ? RIG_POLL_SLOW_MS : RIG_POLL_MS;
	rig->loop = loop_new(NULL);
	rig->tick = timer_new(rig->loop, rig_tick_cb, rig);
	*state = rig;
	return 0;
}

int
rig_tear_down(void **state)
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
	rig_faults = (struct rig_faults){0};
	assert_non_null(getcwd(dir, sizeof(dir)));
	assert_int_equal(chdir("/"), 0);
	assert_non_null(strstr(dir, "/test-file-"));
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

void
rig_begin(void)
{
	if (getenv("RT_VERBOSE") == NULL)
		log_set_level(LOG_LEVEL_ERROR);
	if (getenv("RT_ONLY") != NULL)
		cmocka_set_test_filter(getenv("RT_ONLY"));
}
