/* SPDX-License-Identifier: BSD-2-Clause */
#include "spool-harness.h"

#include <dirent.h>
#include <sys/syscall.h>

#include "base/log.h"

struct rig_faults rig_faults;
const char *rig_home = "/tmp";

/* --- in place of libc's: calls that fail, from whichever thread ---------- */

static bool
fault_hits(struct rig_fault *fault)
{
	int calls = fault->calls;

	if (calls == 0)
		return false;
	if (fault->spare > 0) {
		fault->spare--;
		return false;
	}
	fault->calls--;
	errno = fault->with;
	return true;
}

static ssize_t
pwrite_tested(int fd, const void *bytes, size_t n, off_t at)
{
	ssize_t put;

	if (fault_hits(&rig_faults.write))
		return -1;
	if (rig_faults.short_writes > 0) {
		rig_faults.short_writes--;
		n -= n / 2;
	}
	if (rig_faults.room > 0 && (int64_t)n > rig_faults.room) {
		errno = ENOSPC;
		return -1;
	}
	put = syscall(SYS_pwrite64, fd, bytes, n, at);
	if (rig_faults.room > 0 && put > 0)
		rig_faults.room -= put;
	return put;
}

ssize_t
pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	return pwrite_tested(fd, bytes, n, at);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t n, off_t at)
{
	return pwrite_tested(fd, bytes, n, at);
}

static ssize_t
pread_tested(int fd, void *to, size_t n, off_t at)
{
	if (fault_hits(&rig_faults.read))
		return -1;
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
ftruncate(int fd, off_t size)
{
	if (fault_hits(&rig_faults.truncate))
		return -1;
	return (int)syscall(SYS_ftruncate, fd, size);
}

int
ftruncate64(int fd, off_t size)
{
	return ftruncate(fd, size);
}

int
fdatasync(int fd)
{
	if (fault_hits(&rig_faults.datasync))
		return -1;
	return (int)syscall(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
	if (fault_hits(&rig_faults.sync))
		return -1;
	return (int)syscall(SYS_fsync, fd);
}

/* --- what the spool tells ------------------------------------------------- */

static void
rig_synced(void *ctx, uint64_t upto)
{
	struct rig *rig = ctx;

	assert_true(upto >= rig->synced);
	assert_true(upto <= rig->highest);
	rig->synced = upto;
}

static void
rig_room(void *ctx)
{
	struct rig *rig = ctx;

	assert_null(spool_trouble(rig->spool));
	rig->rooms++;
}

static void
rig_lost(void *ctx, enum stage_loss loss, uint64_t records, int64_t bytes,
    const char *why)
{
	struct rig *rig = ctx;

	log_debug(
	    "lost %" PRIu64 ", %" PRId64 " bytes: %s", records, bytes, why);
	rig->losses++;
	rig->lost += records;
	rig->lost_bytes += bytes;
	rig->loss = loss;
}

static const struct spool_ops rig_ops = {
    .synced = rig_synced, .room = rig_room, .lost = rig_lost};

/* --- turning the loop ----------------------------------------------------- */

static void
rig_tick_cb(void *ctx)
{
	struct rig *rig = ctx;

	if (rig->until(rig) || clock_mono_us() > rig->deadline_us)
		loop_stop(rig->loop);
	else
		timer_set(rig->tick, 200);
}

void
rig_turn(struct rig *rig, bool (*until)(struct rig *rig))
{
	rig->until = until;
	rig->deadline_us = clock_mono_us() + PATIENCE_US;
	timer_set(rig->tick, 0);
	loop_run(rig->loop);
	assert_true(until(rig));
}

static bool
rig_never(struct rig *rig RT_UNUSED)
{
	return false;
}

void
rig_turn_for(struct rig *rig, int64_t us)
{
	rig->until = rig_never;
	rig->deadline_us = clock_mono_us() + us;
	timer_set(rig->tick, 0);
	loop_run(rig->loop);
}

static bool
rig_is_synced(struct rig *rig)
{
	return rig->synced >= rig->number;
}

void
rig_sync(struct rig *rig)
{
	rig_turn(rig, rig_is_synced);
}

/* --- records -------------------------------------------------------------- */

struct record
rig_record(unsigned i)
{
	static char bytes[512];
	size_t n = 9 + i * 37 % 230, k;

	snprintf(bytes, sizeof(bytes), "%08u|", i);
	for (k = 9; k < n; k++)
		bytes[k] = (char)(i * 7 + k * 3);
	return (struct record){.bytes = {bytes, n},
	    .received_us = INT64_C(1795288729000000) + i,
	    .source = i % 5 + 1,
	    .kind = RECORD_DATA};
}

unsigned
rig_append(struct rig *rig, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		struct record record = rig_record(rig->added);
		uint64_t number = spool_append(rig->spool, &record);

		if (number == 0) {
			assert_non_null(spool_trouble(rig->spool));
			break;
		}
		assert_true(number > rig->highest);
		rig->highest = rig->number = number;
		rig->added++;
	}
	return i;
}

unsigned
rig_read(struct rig *rig, unsigned n)
{
	struct record record, want;
	struct position at = {0};
	unsigned i;

	for (i = 0; i < n && spool_next(rig->spool, &record, &at); i++) {
		unsigned long index;

		assert_true(record.bytes.n >= 9);
		index = strtoul(record.bytes.p, NULL, 10);
		assert_true(index >= rig->read && index < rig->added);
		rig->missing += (unsigned)index - rig->read;
		rig->read = (unsigned)index + 1;
		want = rig_record((unsigned)index);
		assert_int_equal(record.bytes.n, want.bytes.n);
		assert_memory_equal(record.bytes.p, want.bytes.p, want.bytes.n);
		assert_int_equal(record.received_us, want.received_us);
		assert_int_equal(record.source, want.source);
		assert_int_equal(record.kind, want.kind);
		assert_true(at.file_no > 0 && at.offset >= SEGMENT_BEGINS);
		assert_true(at.size_seen > at.offset);
	}
	return i;
}

void
rig_expect_all(struct rig *rig)
{
	while (rig_read(rig, 1000) > 0)
		continue;
	assert_int_equal(rig->added - rig->read + rig->missing, rig->lost);
	rig->missing += rig->added - rig->read;
	rig->read = rig->added;
}

/* --- opening -------------------------------------------------------------- */

static void
rig_start_from(struct rig *rig, const struct position *from)
{
	struct err err;

	rig->number = rig->synced = 0;
	rig->spool =
	    spool_open(rig->loop, &rig->config, from, &rig_ops, rig, &err);
	if (rig->spool == NULL)
		fail_msg("%s", err.text);
}

void
rig_start(struct rig *rig)
{
	rig_start_from(rig, &rig->from);
}

void
rig_start_early(struct rig *rig)
{
	rig_start_from(rig, NULL);
}

void
rig_resume(struct rig *rig)
{
	spool_resume(rig->spool, &rig->from);
}

void
rig_stop(struct rig *rig)
{
	spool_close(rig->spool);
	rig->spool = NULL;
}

void
rig_commit(struct rig *rig)
{
	spool_position(rig->spool, &rig->from);
	spool_committed(rig->spool, &rig->from);
}

void
rig_forked(struct rig *rig)
{
	rig->loop = loop_new(NULL);
	rig->tick = timer_new(rig->loop, rig_tick_cb, rig);
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
	struct rig *rig = mem_zalloc(sizeof(*rig));
	char dir[64];

	snprintf(dir, sizeof(dir), "%s/test-spool-XXXXXX",
	    access(rig_home, W_OK) == 0 ? rig_home : "/tmp");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	rig->config = (struct spool_config){.feed = "test",
	    .folder = "spool",
	    .segment_bytes = RIG_MIB,
	    .max_bytes = 8 * RIG_MIB,
	    .sync_us = USEC_PER_MSEC};
	rig->pid = getpid();
	rig_forked(rig);
	*state = rig;
	return 0;
}

int
rig_tear_down(void **state)
{
	struct rig *rig = *state;
	char dir[PATH_MAX];

	if (getpid() != rig->pid)
		_exit(1);
	memset(&rig_faults, 0, sizeof(rig_faults));
	rig_stop(rig);
	timer_free(rig->tick);
	loop_free(rig->loop);
	free(rig);
	assert_non_null(getcwd(dir, sizeof(dir)));
	assert_int_equal(chdir("/"), 0);
	assert_non_null(strstr(dir, "/test-spool-"));
	rig_remove_folder(dir);
	return 0;
}

void
rig_begin(void)
{
	if (getenv("RT_VERBOSE") != NULL)
		log_set_level(LOG_LEVEL_DEBUG);
	else
		log_set_level(LOG_LEVEL_ERROR);
	if (getenv("RT_ONLY") != NULL)
		cmocka_set_test_filter(getenv("RT_ONLY"));
}

/* --- files ---------------------------------------------------------------- */

static int
rig_compare_numbers(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

unsigned
rig_segments(uint32_t *no, unsigned max)
{
	DIR *dir = opendir("spool");
	struct dirent *entry;
	unsigned n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		uint32_t number = segment_number(entry->d_name);

		if (number == 0)
			continue;
		assert_true(n < max);
		no[n++] = number;
	}
	closedir(dir);
	qsort(no, n, sizeof(*no), rig_compare_numbers);
	return n;
}

const char *
rig_segment_path(uint32_t no)
{
	static char path[64];
	char name[SEGMENT_NAME];

	segment_name(name, no);
	snprintf(path, sizeof(path), "spool/%s", name);
	return path;
}

int64_t
rig_size(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

void
rig_flip(const char *path, int64_t byte, int bit)
{
	int fd = open(path, O_RDWR);
	unsigned char c;

	assert_true(fd >= 0);
	assert_int_equal(syscall(SYS_pread64, fd, &c, 1, byte), 1);
	c ^= (unsigned char)(1 << bit);
	assert_int_equal(syscall(SYS_pwrite64, fd, &c, 1, byte), 1);
	close(fd);
}

void
rig_copy_folder(const char *from, const char *to)
{
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "rm -rf '%s' && cp -a '%s' '%s'", to,
	    from, to);
	assert_int_equal(system(command), 0);
}

void
rig_remove_folder(const char *path)
{
	char command[PATH_MAX + 20];

	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	assert_int_equal(system(command), 0);
}
