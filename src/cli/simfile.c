/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <fcntl.h>
#include <zlib.h>

#include "base/utc.h"
#include "cli/simfile.h"

#define SIMFILE_HELD  (256 * 1024)
#define SIMFILE_BLOCK 65536

static void
simfile_fail(struct simfile *f, const char *what, const char *path)
{
	if (!f->failed)
		err_sys(&f->err, "%s %s", what, path);
	f->failed = true;
}

static const char *
simfile_name(const struct simfile *f)
{
	return f->config.log != NULL ? f->config.log : "standard output";
}

static int
simfile_write(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

static void
simfile_flush(struct simfile *f)
{
	if (!f->failed && simfile_write(f->fd, f->held.p, f->held.n) < 0)
		simfile_fail(f, "can not write", simfile_name(f));
	strbuf_reset(&f->held);
}

static int
simfile_open_log(struct simfile *f)
{
	f->fd = open(
	    f->config.log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	return f->fd < 0 ? -1 : 0;
}

/* --- rotation ------------------------------------------------------------ */

static char *
simfile_piece(const struct simfile *f, unsigned number, const char *suffix)
{
	struct strbuf b = STRBUF_INIT;

	strbuf_addf(&b, "%s.%u%s", f->config.log, number, suffix);
	return b.p;
}

static const char *
simfile_suffix(const struct simfile *f)
{
	return f->config.rotate == SIMFILE_GZIP ? ".gz" : "";
}

static bool
simfile_exists(const struct simfile *f, unsigned number)
{
	char *path = simfile_piece(f, number, simfile_suffix(f));
	bool exists = access(path, F_OK) == 0;

	free(path);
	return exists;
}

/* FILE.2 becomes FILE.3, FILE.1 becomes FILE.2: FILE.1 is free then. */
static void
simfile_shift(struct simfile *f)
{
	unsigned i;

	for (i = f->pieces++; i > 0; i--) {
		char *from = simfile_piece(f, i, simfile_suffix(f));
		char *to = simfile_piece(f, i + 1, simfile_suffix(f));

		if (rename(from, to) != 0)
			simfile_fail(f, "can not rename", from);
		free(from);
		free(to);
	}
}

static int
simfile_copy_to(int in, int out)
{
	char *block = mem_alloc(SIMFILE_BLOCK);
	ssize_t n;

	while ((n = read(in, block, SIMFILE_BLOCK)) > 0) {
		if (simfile_write(out, block, (size_t)n) < 0)
			break;
	}
	free(block);
	return n == 0 ? 0 : -1;
}

/* Between the copy and the truncation a real switch may lose lines: not we. */
static void
simfile_copytruncate(struct simfile *f)
{
	char *to = simfile_piece(f, 1, "");
	int in = open(f->config.log, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (in < 0 || out < 0 || simfile_copy_to(in, out) < 0 ||
	    ftruncate(f->fd, 0) != 0)
		simfile_fail(f, "can not copy the log to", to);
	if (in >= 0)
		close(in);
	if (out >= 0 && close(out) != 0)
		simfile_fail(f, "can not write", to);
	free(to);
}

static int
simfile_gzip_to(int in, gzFile out)
{
	char *block = mem_alloc(SIMFILE_BLOCK);
	ssize_t n;

	while ((n = read(in, block, SIMFILE_BLOCK)) > 0) {
		if (gzwrite(out, block, (unsigned)n) != (int)n)
			break;
	}
	free(block);
	return n == 0 ? 0 : -1;
}

static void
simfile_gzip(struct simfile *f)
{
	char *from = simfile_piece(f, 1, "");
	char *to = simfile_piece(f, 1, ".gz");
	int in = open(from, O_RDONLY | O_CLOEXEC);
	gzFile out = gzopen(to, "wb");

	if (in < 0 || out == NULL || simfile_gzip_to(in, out) < 0)
		simfile_fail(f, "can not compress", from);
	if (in >= 0)
		close(in);
	if (out != NULL && gzclose(out) != Z_OK)
		simfile_fail(f, "can not write", to);
	if (!f->failed && unlink(from) != 0)
		simfile_fail(f, "can not remove", from);
	free(from);
	free(to);
}

static void
simfile_rename(struct simfile *f)
{
	char *to = simfile_piece(f, 1, "");

	if (rename(f->config.log, to) != 0)
		simfile_fail(f, "can not rename", f->config.log);
	f->renamed = true;
	free(to);
}

static void
simfile_rotate(struct simfile *f)
{
	simfile_flush(f);
	simfile_shift(f);
	if (f->config.rotate == SIMFILE_COPYTRUNCATE)
		simfile_copytruncate(f);
	else
		simfile_rename(f);
	f->lines = 0;
}

/*
 * What `logger reload` does behind the rename: a new file of the old name,
 * which begins with CONFIGRELOAD. `last` is the line written before.
 */
static void
simfile_reload(struct simfile *f, struct slice last)
{
	const char *end = memchr(last.p, '|', last.n);

	simfile_flush(f);
	close(f->fd);
	if (simfile_open_log(f) < 0)
		simfile_fail(f, "can not open", f->config.log);
	f->renamed = false;
	if (f->config.rotate == SIMFILE_GZIP)
		simfile_gzip(f);
	strbuf_add(&f->held, last.p, (size_t)(end - last.p));
	strbuf_adds(&f->held, "|NONE|NONE|NONE|CONFIGRELOAD|\n");
	f->lines = 1;
}

/* --- what the simulation tells ------------------------------------------- */

static void
simfile_line(struct sim_sink *sink, struct slice line)
{
	struct simfile *f = (struct simfile *)sink;

	if (f->failed)
		return;
	strbuf_add(&f->held, line.p, line.n);
	f->lines++;
	if (f->config.prompt || f->held.n >= SIMFILE_HELD)
		simfile_flush(f);
	if (f->renamed)
		simfile_reload(f, line);
	else if (f->config.rotate_after > 0 &&
	    f->lines >= f->config.rotate_after)
		simfile_rotate(f);
}

/* The head of `ringtally tally -o csv` up to talk_s, and its seconds. */
static const char simfile_head[] =
    "queue,starts_at,offered,answered,answered_15,answered_20,abandoned,"
    "abandoned_short,timed_out,exited_key,exited_empty,withdrawn,refused,"
    "lost,waiting,wait_answered_s,wait_abandoned_s,max_wait_s,talk_s\n";

static void
simfile_cell(struct sim_sink *sink, struct slice queue, int64_t starts_s,
    const struct sim_cell *cell)
{
	struct simfile *f = (struct simfile *)sink;
	char starts_at[UTC_ISO_MAX];
	int i;

	utc_iso(starts_at, sizeof(starts_at), starts_s * USEC_PER_SEC);
	fprintf(f->truth,
	    "%.*s,%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
	    ",%" PRIu64,
	    SLICE_FMT(queue), starts_at, cell->offered,
	    cell->ended[OUTCOME_ANSWERED], cell->answered_15, cell->answered_20,
	    cell->ended[OUTCOME_ABANDONED], cell->abandoned_short);
	for (i = OUTCOME_TIMED_OUT; i <= OUTCOME_LOST; i++)
		fprintf(f->truth, ",%" PRIu64, cell->ended[i]);
	fprintf(f->truth,
	    ",%" PRIu64 ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "\n",
	    cell->waiting, cell->wait_answered_s, cell->wait_abandoned_s,
	    cell->max_wait_s, cell->talk_s);
}

static void
simfile_seconds(FILE *to, const char *name, int64_t seconds)
{
	if (seconds < 0)
		fprintf(to, ",\"%s\":null", name);
	else
		fprintf(to, ",\"%s\":%" PRId64, name, seconds);
}

/* Our own names hold nothing that JSON would want escaped. */
static void
simfile_visit(struct sim_sink *sink, const struct sim_visit *visit)
{
	struct simfile *f = (struct simfile *)sink;
	FILE *to = f->visits;

	fprintf(to,
	    "{\"callid\":\"%.*s\",\"n\":%u,\"queue\":\"%.*s\","
	    "\"entered\":%" PRId64 ",\"outcome\":\"%s\"",
	    SLICE_FMT(visit->call), visit->number, SLICE_FMT(visit->queue),
	    visit->entered_s, outcome_name(visit->outcome));
	simfile_seconds(to, "wait_s", visit->wait_s);
	simfile_seconds(to, "talk_s", visit->talk_s);
	simfile_seconds(to, "answered", visit->answered_s);
	fprintf(to, ",\"caller\":\"%.*s\"", SLICE_FMT(visit->caller));
	if (visit->agent.n > 0)
		fprintf(to, ",\"agent\":\"%.*s\"", SLICE_FMT(visit->agent));
	else
		fprintf(to, ",\"agent\":null");
	fprintf(to, ",\"order\":%" PRIu64 "}\n", visit->order);
}

/* --- opening and closing -------------------------------------------------- */

static FILE *
simfile_open_truth(struct simfile *f, const char *path)
{
	FILE *file;

	if (path == NULL || f->failed)
		return NULL;
	file = fopen(path, "we");
	if (file == NULL)
		simfile_fail(f, "can not open", path);
	return file;
}

int
simfile_open(
    struct simfile *f, const struct simfile_config *config, struct err *err)
{
	*f = (struct simfile){.config = *config, .fd = STDOUT_FILENO};
	f->sink.line = simfile_line;
	if (config->log != NULL && simfile_open_log(f) < 0)
		simfile_fail(f, "can not open", config->log);
	f->truth = simfile_open_truth(f, config->truth);
	f->visits = simfile_open_truth(f, config->visits);
	if (f->failed)
		return simfile_close(f, err);
	if (f->truth != NULL) {
		f->sink.cell = simfile_cell;
		fputs(simfile_head, f->truth);
	}
	if (f->visits != NULL)
		f->sink.visit = simfile_visit;
	while (config->rotate_after > 0 && simfile_exists(f, f->pieces + 1))
		f->pieces++;
	return 0;
}

static void
simfile_close_truth(struct simfile *f, FILE *file, const char *path)
{
	bool failed;

	if (file == NULL)
		return;
	failed = ferror(file) != 0;
	if (fclose(file) != 0 || failed)
		simfile_fail(f, "can not write", path);
}

int
simfile_close(struct simfile *f, struct err *err)
{
	simfile_flush(f);
	if (f->config.log != NULL && f->fd >= 0 && close(f->fd) != 0)
		simfile_fail(f, "can not write", f->config.log);
	simfile_close_truth(f, f->truth, f->config.truth);
	simfile_close_truth(f, f->visits, f->config.visits);
	strbuf_fini(&f->held);
	return f->failed ? err_set(err, "%s", f->err.text) : 0;
}
