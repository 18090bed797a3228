/* SPDX-License-Identifier: BSD-2-Clause */
#include "directory-harness.h"

/* --- what the system does to us ------------------------------------------ */

struct bench_faults faults;

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
	rc = fcntl(fd, F_GETFD) < 0 ? -1 : 0; /* no power is cut here */
	step_after();
	return rc;
}

int
fdatasync(int fd)
{
	int rc;

	step_before();
	rc = fcntl(fd, F_GETFD) < 0 ? -1 : 0; /* no power is cut here */
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
void
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

void
bench_turn(struct bench *b, bool (*until)(struct bench *b), int64_t at_most_us)
{
	b->until = until;
	b->deadline_us = clock_mono_us() + at_most_us;
	timer_set(b->tick, 0);
	loop_run(b->loop);
}

int
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

/* Idle, all was taken and put away, and as much came as is waited for. */
bool
bench_is_over(struct bench *b)
{
	return b->idle && bench_count(HOME "/claimed") == 0 &&
	    bench_count("in") == b->left && b->out.n >= b->until_bytes;
}

void *
bench_option(struct bench *b, const char *name)
{
	const struct option_row *row = directory_stage.options;

	while (strcmp(row->name, name) != 0)
		row++;
	return b->options.bytes + row->offset;
}

void
bench_set_text(struct bench *b, const char *name, const char *text)
{
	memcpy(bench_option(b, name), &text, sizeof(text));
}

void
bench_set_int(struct bench *b, const char *name, int64_t v)
{
	memcpy(bench_option(b, name), &v, sizeof(v));
}

void
bench_set_choice(struct bench *b, const char *name, int v)
{
	memcpy(bench_option(b, name), &v, sizeof(v));
}

int
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

void
bench_close(struct bench *b)
{
	if (b->self != NULL)
		directory_stage.close(b->self, "test");
	b->self = NULL;
}

/* As a process that starts: memory holds what was committed. */
void
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
void
bench_restart(struct bench *b)
{
	bench_close(b);
	bench_start(b);
}

/* All comes that was expected, nothing else, and all is put away. */
void
bench_expect(struct bench *b, const char *want)
{
	b->until_bytes = strlen(want);
	bench_turn(b, bench_is_over, PATIENCE_US);
	bench_turn(b, NULL, 30 * USEC_PER_MSEC); /* nothing may come twice */
	if (strcmp(strbuf_str(&b->out), want) != 0)
		fail_msg("got \"%.400s\", want \"%.400s\"", strbuf_str(&b->out),
		    want);
	assert_true(bench_is_over(b));
}

void
bench_make_loop(struct bench *b)
{
	b->loop = loop_new(NULL);
	b->tick = timer_new(b->loop, bench_tick_cb, b);
}

int
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
	bench_make_loop(b);
	option_set_presets(directory_stage.options, NULL, &b->options);
	bench_set_text(b, "folder", "in");
	bench_set_int(b, "settle_s", 0);
	bench_set_int(b, "poll_ms", 20);
	*state = b;
	return 0;
}

int
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

void
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

void
drop(const char *name, const char *text)
{
	drop_bytes(name, text, strlen(text));
}

void
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

void
set_age(const char *name, int seconds)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
	    {.tv_sec = clock_wall_us() / USEC_PER_SEC - seconds}};
	char path[300];

	snprintf(path, sizeof(path), "in/%s", name);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

bool
there_is(const char *path)
{
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool
bench_is_slow(void)
{
	const char *slow = getenv("RINGTALLY_SLOW");

	return slow != NULL && slow[0] != '\0' && strcmp(slow, "0") != 0;
}

void
bench_begin(void)
{
	if (getenv("RT_VERBOSE") == NULL)
		log_set_level(LOG_LEVEL_ERROR);
	else
		log_set_level(LOG_LEVEL_DEBUG);
	if (getenv("RT_ONLY") != NULL)
		cmocka_set_test_filter(getenv("RT_ONLY"));
}
