/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"

#define LOG_BURST     5
#define LOG_PERIOD_US (10 * USEC_PER_SEC)
#define LOG_LINE_MAX  2048

static enum log_level log_level = LOG_LEVEL_INFO;

void
log_set_level(enum log_level level)
{
	log_level = level;
}

bool
log_wants(enum log_level level)
{
	return level <= log_level;
}

/* Standard error is the stream that the service manager made for us. */
static bool
log_under_journal(void)
{
	static int known = -1;
	const char *stream;
	char mine[64];
	struct stat st;

	if (known >= 0)
		return known;
	stream = getenv("JOURNAL_STREAM");
	known = 0;
	if (stream != NULL && fstat(STDERR_FILENO, &st) == 0) {
		snprintf(mine, sizeof(mine), "%ju:%ju", (uintmax_t)st.st_dev,
		    (uintmax_t)st.st_ino);
		known = strcmp(stream, mine) == 0;
	}
	return known;
}

static void
log_write(enum log_level level, const char *fmt, va_list ap) RT_PRINTF(2, 0);

static void
log_write(enum log_level level, const char *fmt, va_list ap)
{
	static const char *const names[] = {[LOG_LEVEL_ERROR] = "error",
	    [LOG_LEVEL_WARN] = "warning",
	    [LOG_LEVEL_NOTE] = "notice",
	    [LOG_LEVEL_INFO] = "info",
	    [LOG_LEVEL_DEBUG] = "debug"};
	struct strbuf raw = STRBUF_INIT, line = STRBUF_INIT;
	char when[UTC_ISO_MAX];
	size_t done = 0;

	strbuf_vaddf(&raw, fmt, ap);
	if (log_under_journal())
		strbuf_addf(&line, "<%d>", (int)level);
	else
		strbuf_addf(&line,
		    "%s %s: ", utc_iso(when, sizeof(when), clock_wall_us()),
		    names[level]);
	strbuf_add_escaped(
	    &line, (struct slice){strbuf_str(&raw), raw.n}, LOG_LINE_MAX);
	strbuf_addc(&line, '\n');
	while (done < line.n) {
		ssize_t n = write(STDERR_FILENO, line.p + done, line.n - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break; /* nowhere left to say so */
		done += (size_t)n;
	}
	strbuf_fini(&raw);
	strbuf_fini(&line);
}

void
log_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	if (!log_wants(level))
		return;
	va_start(ap, fmt);
	log_write(level, fmt, ap);
	va_end(ap);
}

void
log_limited(struct log_limit *limit, enum log_level level, const char *fmt, ...)
{
	int64_t now;
	va_list ap;

	if (!log_wants(level))
		return;
	now = clock_mono_us();
	if (limit->said == 0 || now - limit->period_start_us > LOG_PERIOD_US) {
		limit->period_start_us = now;
		limit->said = 0;
	}
	if (limit->said >= LOG_BURST) {
		limit->held_back++;
		return;
	}
	limit->said++;
	if (limit->held_back > 0) {
		log_at(level,
		    "(%" PRIu64 " messages like the next were held back)",
		    limit->held_back);
		limit->held_back = 0;
	}
	va_start(ap, fmt);
	log_write(level, fmt, ap);
	va_end(ap);
}
