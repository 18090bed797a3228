/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <sys/ioctl.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "cli/progress.h"

#define PROGRESS_EVERY_US (USEC_PER_SEC / 10)
#define PROGRESS_WAIT_US  (USEC_PER_SEC / 2) /* short work shows no bar */
#define PROGRESS_BAR	  24

static size_t
progress_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

static void
progress_add_bar(struct strbuf *b, const struct progress *p, int64_t ran_us)
{
	double share = (double)p->done / (double)p->total;
	int full, i;

	share = RT_MIN(share, 1.0);
	full = (int)(share * PROGRESS_BAR);
	strbuf_addf(b, " %3d %% [", (int)(share * 100));
	for (i = 0; i < PROGRESS_BAR; i++)
		strbuf_addc(b, i < full ? '#' : '.');
	strbuf_addc(b, ']');
	if (share > 0)
		strbuf_addf(b, " %.0f s left",
		    (double)ran_us / USEC_PER_SEC * (1 - share) / share);
}

static void
progress_draw(struct progress *p, int64_t now_us)
{
	struct strbuf line = STRBUF_INIT;

	strbuf_adds(&line, p->what);
	if (p->total > 0)
		progress_add_bar(&line, p, now_us - p->started_us);
	else
		strbuf_addf(&line, " %" PRIu64, p->done);
	/* a line that wraps could not be wiped: the last column stays free */
	fprintf(stderr, "\r%.*s\033[K",
	    (int)RT_MIN(line.n, progress_width() - 1), line.p);
	strbuf_fini(&line);
	p->shown_us = now_us;
}

void
progress_start(struct progress *p, const char *what, uint64_t total)
{
	*p = (struct progress){
	    .what = what, .total = total, .started_us = clock_mono_us()};
	p->on = isatty(STDERR_FILENO) == 1;
}

void
progress_at(struct progress *p, uint64_t done)
{
	int64_t now_us;

	p->done = done;
	if (!p->on)
		return;
	now_us = clock_mono_us();
	if (now_us - p->started_us >= PROGRESS_WAIT_US &&
	    now_us - p->shown_us >= PROGRESS_EVERY_US)
		progress_draw(p, now_us);
}

void
progress_clear(struct progress *p)
{
	if (p->on && p->shown_us > 0)
		fputs("\r\033[K", stderr);
}

void
progress_end(struct progress *p)
{
	progress_clear(p);
	p->on = false;
}
