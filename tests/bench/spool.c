/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many records go through a spool: appended as fast as it takes them, and
 * read back in the same loop, with a sync each 10 ms and a commit each 100 ms.
 * With "bare" the same bytes go to one file by write(), synced in the same
 * rhythm, and are read back: the least that anybody would have to do.
 */
#include "base/base.h"

#include <fcntl.h>

#include "base/clock.h"
#include "event/record.h"
#include "feed/spool.h"
#include "feed/spool_format.h"
#include "io/loop.h"

#define BENCH_RECORD	120
#define BENCH_SYNC_US	(10 * USEC_PER_MSEC)
#define BENCH_COMMIT_US (100 * USEC_PER_MSEC)
#define BENCH_TURN	2000 /* records in one turn */

struct bench {
	struct loop *loop;
	struct spool *spool;
	struct task *task;
	uint64_t records, appended, read, synced, refused;
	int64_t committed_us;
	char bytes[BENCH_RECORD];
};

static void
bench_fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static void
bench_append(struct bench *b)
{
	struct record record = {
	    .bytes = {b->bytes, sizeof(b->bytes)}, .source = 1};
	int i;

	for (i = 0; i < BENCH_TURN && b->appended < b->records; i++) {
		memcpy(b->bytes, &b->appended, sizeof(b->appended));
		record.received_us = clock_wall_us();
		if (spool_append(b->spool, &record) == 0) {
			b->refused++;
			return;
		}
		b->appended++;
	}
}

static void
bench_read(struct bench *b)
{
	static struct position at;
	struct record record;
	uint64_t number;
	int i;

	for (i = 0; i < BENCH_TURN; i++) {
		if (!spool_next(b->spool, &record, &at))
			return;
		memcpy(&number, record.bytes.p, sizeof(number));
		if (record.bytes.n != BENCH_RECORD || number != b->read++)
			bench_fail("another record was read than was written");
	}
}

static void
bench_turn(void *ctx)
{
	struct bench *b = ctx;
	int64_t now = clock_mono_us();

	bench_append(b);
	bench_read(b);
	if (now - b->committed_us > BENCH_COMMIT_US) {
		struct position at;

		spool_position(b->spool, &at);
		spool_committed(b->spool, &at);
		b->committed_us = now;
	}
	if (b->read == b->records)
		loop_stop(b->loop);
	else if (b->appended < b->records || b->synced > b->read)
		task_set(b->task);
}

static void
bench_synced(void *ctx, uint64_t upto)
{
	struct bench *b = ctx;

	b->synced = upto;
	task_set(b->task);
}

static void
bench_room(void *ctx)
{
	task_set(((struct bench *)ctx)->task);
}

static void
bench_lost(void *ctx RT_UNUSED, enum stage_loss loss RT_UNUSED,
    uint64_t records RT_UNUSED, int64_t bytes RT_UNUSED, const char *why)
{
	bench_fail(why);
}

static const struct spool_ops bench_ops = {
    .synced = bench_synced, .room = bench_room, .lost = bench_lost};

static void
bench_spool(const char *folder, uint64_t records)
{
	struct spool_config config = {.feed = "bench",
	    .folder = folder,
	    .segment_bytes = 16 * 1024 * 1024,
	    .max_bytes = INT64_C(1024) * 1024 * 1024,
	    .sync_us = BENCH_SYNC_US};
	struct position none = {0};
	struct bench b = {.records = records};
	struct err err;

	b.loop = loop_new(&err);
	b.task = task_new(b.loop, bench_turn, &b);
	b.spool = spool_open(b.loop, &config, &none, &bench_ops, &b, &err);
	if (b.spool == NULL)
		bench_fail(err.text);
	task_set(b.task);
	loop_run(b.loop);
	spool_close(b.spool);
	task_free(b.task);
	loop_free(b.loop);
}

static void
bench_bare(const char *folder, uint64_t records)
{
	static char bytes[1024 * 1024];
	int64_t left = (int64_t)(records * entry_size(BENCH_RECORD));
	int64_t synced_us = clock_mono_us();
	char path[PATH_MAX];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s.bare", folder);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		bench_fail(path);
	for (; left > 0; left -= n) {
		n = write(fd, bytes, sizeof(bytes));
		if (n < 0)
			bench_fail("write");
		if (clock_mono_us() - synced_us > BENCH_SYNC_US || n >= left) {
			synced_us = clock_mono_us();
			if (fdatasync(fd) < 0)
				bench_fail("fdatasync");
		}
	}
	lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		continue;
	close(fd);
	unlink(path);
}

/* Prints the records a second. */
int
main(int argc, char **argv)
{
	bool bare = argc == 4 && strcmp(argv[3], "bare") == 0;
	uint64_t records;
	int64_t began;

	if (argc != 3 && !bare)
		bench_fail("usage: spool FOLDER RECORDS [bare]");
	records = strtoull(argv[2], NULL, 10);
	began = clock_mono_us();
	(bare ? bench_bare : bench_spool)(argv[1], records);
	printf("%.0f\n",
	    (double)records * USEC_PER_SEC / (double)(clock_mono_us() - began));
	return 0;
}
