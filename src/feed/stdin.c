/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's own standard input as a feed: for a program that writes records
 * to a pipe, and for a back-fill (--once) from one.
 *
 * A pipe, a socket and a terminal are read when something is there; a file is
 * always ready, and so is /dev/null, which ends at once: a service without
 * standard input has an idle feed. Behind the end nothing follows.
 */
#include "base/base.h"

#include <sys/stat.h>

#include "base/log.h"
#include "feed/inlet.h"

struct stdin_options {
	struct spooled_options spool; /* first; there are no others */
};

struct stdin_feed {
	struct spooled *spooled;
	struct stage_upstream *up;
	const char *name;
	struct inlet *inlet;
	bool ended;
};

/*
 * What was read and is no whole record yet. It is here, and not in the feed,
 * for it belongs to the descriptor, of which a process has one: when the feed
 * is closed and opened anew, the rest of the same line comes.
 */
static struct inlet_rest stdin_rest;

/* Whether the loop can tell when there is something. */
static bool
stdin_can_wait(void)
{
	struct stat st;

	if (fstat(STDIN_FILENO, &st) < 0)
		return false; /* reading it says why */
	return S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) ||
	    isatty(STDIN_FILENO);
}

static void
stdin_ended(void *ctx, const char *why)
{
	struct stdin_feed *feed = ctx;

	if (why == NULL && !inlet_take_rest(feed->inlet))
		return;
	if (inlet_unread(feed->inlet) > 0)
		feed->up->lost(feed->up, STAGE_LOSS_AWAY,
		    (int64_t)inlet_unread(feed->inlet),
		    "standard input ended within a record");
	inlet_free(feed->inlet);
	feed->inlet = NULL;
	feed->ended = true;
	strbuf_fini(&stdin_rest.bytes);
	stdin_rest = (struct inlet_rest){.bytes = STRBUF_INIT};
	if (why != NULL)
		log_error("feed %s: standard input: %s", feed->name, why);
	spooled_says(feed->spooled, false, "%s",
	    why != NULL ? why : "standard input has ended");
	spooled_finished(feed->spooled);
}

static void
stdin_hold(void *self, bool hold)
{
	struct stdin_feed *feed = self;

	if (feed->inlet != NULL)
		inlet_hold(feed->inlet, hold);
}

static void
stdin_close(void *self)
{
	struct stdin_feed *feed = self;

	if (feed->inlet != NULL) {
		inlet_give(feed->inlet);
		inlet_save(feed->inlet, &stdin_rest);
	}
	inlet_free(feed->inlet);
	free(feed);
}

static int
stdin_open_source(void **self, struct spooled *spooled,
    const struct stage_setup *setup, struct err *err RT_UNUSED)
{
	struct stdin_feed *feed = mem_alloc(sizeof(*feed));
	struct inlet_config config = {.loop = setup->loop,
	    .fd = STDIN_FILENO,
	    .poll = stdin_can_wait(),
	    .spooled = spooled,
	    .source = spooled_source(spooled),
	    .framing = setup->framing,
	    .ended = stdin_ended,
	    .ctx = feed};

	*feed = (struct stdin_feed){
	    .spooled = spooled, .up = setup->up, .name = setup->feed};
	spooled_mark(spooled, config.source, RECORD_BEGIN, "standard input");
	spooled_says(spooled, true, "reads standard input");
	feed->inlet = inlet_new(&config, &stdin_rest);
	*self = feed;
	return 0;
}

static const struct source_ops stdin_source = {
    .open = stdin_open_source,
    .hold = stdin_hold,
    .close = stdin_close,
    .once = true,
};

static int
stdin_open(void **self, const struct stage_setup *setup, struct err *err)
{
	return spooled_open(self, setup, &stdin_source, err);
}

static const struct option_row stdin_rows[] = {SPOOLED_OPTIONS, {.name = NULL}};

const struct stage stdin_stage = {
    .name = "stdin",
    .kind = STAGE_TRANSPORT,
    .traits = STAGE_REPLAYABLE | STAGE_SPOOLED | STAGE_ONLY_ONE,
    .help = "Reads the daemon's standard input: a pipe, for example. One feed "
	    "may have it. With --once it is read to its end.",
    .options = stdin_rows,
    .options_size = sizeof(struct stdin_options),
    .open = stdin_open,
    SPOOLED_CALLS,
};
