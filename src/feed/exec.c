/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that we run, and that writes records to its standard output: what
 * a switch tells in a way of its own, a script can fetch and hand on.
 *
 * The program stays in the foreground. It is started again when it ends, after
 * a pause that doubles; a run that was long enough begins anew with the short
 * one. What it says on standard error goes to the log, a few lines at a time.
 *
 * A run is over when the process has ended and its output, too. The one may
 * come without the other: something that it started still holds the output, or
 * it has closed the output and lives on. Then its group is asked to end after
 * EXEC_QUIET_US, and killed after stop_s more. Half a record at the end is one
 * only if the program ended well; else it is a loss, and said to be.
 */
#include "base/base.h"

#include <poll.h>
#include <signal.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/log.h"
#include "feed/exec_child.h"
#include "feed/inlet.h"
#include "io/loop.h"

#define EXEC_TICK_US   (100 * 1000) /* between two looks at the process */
#define EXEC_QUIET_US  USEC_PER_SEC
#define EXEC_KILLED_US USEC_PER_SEC  /* waited for one that was killed */
#define EXEC_LOOK_MS   5	     /* between two looks while waiting */
#define EXEC_LINE_MAX  500	     /* bytes of a line of its that is logged */
#define EXEC_DRAIN_MAX (1024 * 1024) /* read at the end of a run */
/* Taken of one that was asked to end for good; see exec_read_last. */
#define EXEC_LAST_MAX (UINT64_C(16) * 1024 * 1024)

struct exec_options {
	struct spooled_options spool; /* first */
	char **command;
	int64_t restart_us, restart_max_us, stop_us;
};

struct exec_feed {
	TAILQ_ENTRY(exec_feed) list; /* of exec_stopping */
	struct spooled *spooled;
	struct loop *loop;
	const char *name;
	const struct exec_options *options;
	enum framing framing;
	struct exec_child child;
	uint32_t source; /* of this run */
	struct inlet *inlet;
	bool out_over;	     /* its output has ended */
	bool held;	     /* the spool is full */
	bool stopping;	     /* its command was asked to end for good */
	uint64_t came;	     /* bytes until then */
	bool floods;	     /* more followed than is taken */
	int64_t started_us;  /* of the monotonic clock, as all of these */
	int64_t ending_us;   /* when the one of two was over; 0: neither */
	bool asked, forced;  /* to end: SIGTERM, SIGKILL was sent */
	int64_t pause_us;    /* before the next start */
	struct timer *tick;  /* while it runs */
	struct timer *again; /* while it does not */
	struct watch *watch; /* of its standard error */
	char line[EXEC_LINE_MAX];
	size_t line_n;
	struct log_limit said, limit;
};

TAILQ_HEAD(exec_feeds, exec_feed);

/*
 * Those whose commands were asked to end, as the daemon does or begins anew.
 * It is here, for children are the process's: who waits for one reads what all
 * of them say meanwhile, so that none hangs in a full pipe.
 */
static struct exec_feeds exec_stopping = TAILQ_HEAD_INITIALIZER(exec_stopping);

static void exec_start(void *ctx);

/* --- its standard error -------------------------------------------------- */

static void
exec_say_line(struct exec_feed *feed)
{
	if (feed->line_n > 0)
		log_limited(&feed->said, LOG_LEVEL_WARN,
		    "feed %s: the command says: %.*s", feed->name,
		    (int)feed->line_n, feed->line);
	feed->line_n = 0;
}

/* What is longer than a line may be is cut. */
static void
exec_say(struct exec_feed *feed, const char *bytes, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (bytes[i] == '\n')
			exec_say_line(feed);
		else if (feed->line_n < sizeof(feed->line))
			feed->line[feed->line_n++] = bytes[i];
	}
}

/* False: nothing is there now, or it has ended. */
static bool
exec_read_stderr(struct exec_feed *feed)
{
	char bytes[4096];
	ssize_t n = read(feed->child.err, bytes, sizeof(bytes));

	if (n > 0)
		exec_say(feed, bytes, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close(feed->child.err);
		feed->child.err = -1;
	}
	return n > 0;
}

static void
exec_hear(void *ctx, int what RT_UNUSED)
{
	struct exec_feed *feed = ctx;

	watch_unset(feed->watch); /* the descriptor may be closed here */
	exec_read_stderr(feed);
	if (feed->child.err >= 0)
		watch_set(feed->watch, feed->child.err, WATCH_READ);
}

/* --- the end of a run ---------------------------------------------------- */

static void
exec_drain(struct exec_feed *feed)
{
	size_t n;

	for (n = 0; n < EXEC_DRAIN_MAX && inlet_read(feed->inlet);)
		n += INLET_TURN_BYTES;
	for (n = 0; n < EXEC_DRAIN_MAX && feed->child.err >= 0 &&
	     exec_read_stderr(feed);)
		n += 4096;
}

/* Takes the run apart. how: see exec_child_reap. Returns whether it was good.
 */
static bool
exec_end_run(struct exec_feed *feed, char *how, size_t size)
{
	bool well;

	timer_unset(feed->tick);
	watch_unset(feed->watch); /* before the descriptor is closed */
	exec_drain(feed);
	well = exec_child_reap(&feed->child, how, size);
	if (well)
		inlet_take_rest(feed->inlet);
	if (inlet_unread(feed->inlet) > 0)
		spooled_lost(feed->spooled, STAGE_LOSS_AWAY,
		    (int64_t)inlet_unread(feed->inlet),
		    "the command ended within a record");
	inlet_free(feed->inlet);
	feed->inlet = NULL;
	exec_say_line(feed);
	close(feed->child.out);
	if (feed->child.err >= 0)
		close(feed->child.err);
	spooled_mark(feed->spooled, feed->source, RECORD_END, how);
	return well;
}

static void
exec_start_later(struct exec_feed *feed, const char *why)
{
	const struct exec_options *options = feed->options;

	log_limited(&feed->limit, LOG_LEVEL_WARN,
	    "feed %s: %s; it is started again in %.1f s", feed->name, why,
	    (double)feed->pause_us / USEC_PER_SEC);
	spooled_says(feed->spooled, false, "%s; started again in %.1f s", why,
	    (double)feed->pause_us / USEC_PER_SEC);
	timer_set(feed->again, feed->pause_us);
	feed->pause_us = RT_MIN(feed->pause_us * 2, options->restart_max_us);
}

static void
exec_run_is_over(struct exec_feed *feed)
{
	char how[128], why[256];

	exec_end_run(feed, how, sizeof(how));
	snprintf(why, sizeof(why), "the command %s", how);
	if (clock_mono_us() - feed->started_us > feed->options->restart_max_us)
		feed->pause_us = feed->options->restart_us;
	exec_start_later(feed, why);
}

/* One of process and output is over, and the other not. */
static void
exec_hurry(struct exec_feed *feed)
{
	int64_t waited_us = clock_mono_us() - feed->ending_us;

	if (waited_us > EXEC_QUIET_US && !feed->asked) {
		exec_child_signal(&feed->child, SIGTERM);
		feed->asked = true;
	}
	if (waited_us > EXEC_QUIET_US + feed->options->stop_us &&
	    !feed->forced) {
		exec_child_signal(&feed->child, SIGKILL);
		feed->forced = true;
	}
}

/* Whatever holds the output still: it has left the group. */
static bool
exec_waits_in_vain(const struct exec_feed *feed)
{
	return feed->forced &&
	    clock_mono_us() - feed->ending_us >
	    EXEC_QUIET_US * 2 + feed->options->stop_us;
}

static void
exec_tick(void *ctx)
{
	struct exec_feed *feed = ctx;
	bool ended = exec_child_has_ended(&feed->child);

	timer_set(feed->tick, EXEC_TICK_US);
	/* what it has written is still to be read when there is room */
	if (feed->held || (!ended && !feed->out_over))
		return;
	if (feed->ending_us == 0)
		feed->ending_us = clock_mono_us();
	if (ended && (feed->out_over || exec_waits_in_vain(feed)))
		exec_run_is_over(feed);
	else
		exec_hurry(feed);
}

static void
exec_out_over(void *ctx, const char *why)
{
	struct exec_feed *feed = ctx;

	if (why != NULL)
		log_limited(&feed->limit, LOG_LEVEL_WARN,
		    "feed %s: the command's output: %s", feed->name, why);
	feed->out_over = true;
	timer_set(feed->tick, 0);
}

/* --- a run --------------------------------------------------------------- */

static void
exec_begin(struct exec_feed *feed)
{
	struct inlet_config config = {.loop = feed->loop,
	    .fd = feed->child.out,
	    .poll = true,
	    .spooled = feed->spooled,
	    .framing = feed->framing,
	    .ended = exec_out_over,
	    .ctx = feed};

	config.source = feed->source = spooled_source(feed->spooled);
	feed->out_over = feed->asked = feed->forced = false;
	feed->ending_us = 0;
	feed->started_us = clock_mono_us();
	spooled_mark(feed->spooled, feed->source, RECORD_BEGIN,
	    feed->options->command[0]);
	feed->inlet = inlet_new(&config, NULL);
	if (feed->held)
		inlet_hold(feed->inlet, true);
	watch_set(feed->watch, feed->child.err, WATCH_READ);
	timer_set(feed->tick, EXEC_TICK_US);
}

static void
exec_start(void *ctx)
{
	struct exec_feed *feed = ctx;
	char *const *argv = feed->options->command;
	struct err err;

	if (exec_child_start(&feed->child, argv, feed->name, &err) < 0) {
		exec_start_later(feed, err.text);
		return;
	}
	spooled_says(feed->spooled, true, "runs %s as process %d", argv[0],
	    (int)feed->child.pid);
	exec_begin(feed);
}

/* --- the source ---------------------------------------------------------- */

static void
exec_hold(void *self, bool hold)
{
	struct exec_feed *feed = self;

	feed->held = hold;
	if (feed->inlet != NULL)
		inlet_hold(feed->inlet, hold);
}

/* All are asked before one is waited for. */
static void
exec_stop(void *self)
{
	struct exec_feed *feed = self;

	if (feed->child.pid == 0 || feed->stopping)
		return;
	feed->stopping = true;
	feed->ending_us = clock_mono_us();
	TAILQ_INSERT_TAIL(&exec_stopping, feed, list);
	exec_child_signal(&feed->child, SIGTERM);
	feed->held = false;
	feed->came = inlet_came(feed->inlet);
	inlet_give(feed->inlet);
	watch_unset(feed->watch); /* its descriptor is read without it now */
}

/*
 * Bounded: the spool takes everything now, and has to be on the disk before we
 * end. Who says more than that hangs in its pipe, and is killed.
 */
static bool
exec_read_last(struct exec_feed *feed)
{
	if (inlet_came(feed->inlet) - feed->came < EXEC_LAST_MAX)
		return inlet_read(feed->inlet);
	feed->floods = true;
	return false;
}

static bool
exec_read_both(struct exec_feed *feed)
{
	bool some = exec_read_last(feed);

	if (feed->child.err >= 0)
		some |= exec_read_stderr(feed);
	return some;
}

/* Until it has ended, or until then. */
static bool
exec_wait(struct exec_feed *feed, int64_t until_us)
{
	struct exec_feed *other;
	bool some;

	while (!exec_child_has_ended(&feed->child)) {
		if (clock_mono_us() >= until_us)
			return false;
		some = false;
		TAILQ_FOREACH (other, &exec_stopping, list)
			some |= exec_read_both(other);
		if (!some)
			poll(NULL, 0, EXEC_LOOK_MS);
	}
	return true;
}

/*
 * Waits, as there is nobody to come back to: until stop_s after all were asked,
 * and a moment for one that had to be killed.
 */
static void
exec_stopped(struct exec_feed *feed)
{
	char how[128];

	if (!exec_wait(feed, feed->ending_us + feed->options->stop_us)) {
		log_warn("feed %s: the command does not end: it is killed",
		    feed->name);
		exec_child_signal(&feed->child, SIGKILL);
		exec_wait(feed, clock_mono_us() + EXEC_KILLED_US);
	}
	TAILQ_REMOVE(&exec_stopping, feed, list);
	exec_end_run(feed, how, sizeof(how));
	if (feed->floods)
		spooled_lost(feed->spooled, STAGE_LOSS_FULL, -1,
		    "the command said more at its end than is taken then");
	log_note("feed %s: the command %s", feed->name, how);
}

static void
exec_close(void *self)
{
	struct exec_feed *feed = self;

	exec_stop(feed);
	if (feed->stopping)
		exec_stopped(feed);
	timer_free(feed->tick);
	timer_free(feed->again);
	watch_free(feed->watch);
	free(feed);
}

static int
exec_open_source(void **self, struct spooled *spooled,
    const struct stage_setup *setup, struct err *err)
{
	const struct exec_options *options = setup->options;
	struct exec_feed *feed;

	if (options->command[0] == NULL || options->command[0][0] != '/')
		return err_set(
		    err, "command begins with the absolute path of a program");
	feed = mem_zalloc(sizeof(*feed));
	feed->spooled = spooled;
	feed->loop = setup->loop;
	feed->name = setup->feed;
	feed->options = options;
	feed->framing = setup->framing;
	feed->pause_us = options->restart_us;
	feed->tick = timer_new(setup->loop, exec_tick, feed);
	feed->again = timer_new(setup->loop, exec_start, feed);
	feed->watch = watch_new(setup->loop, exec_hear, feed);
	*self = feed;
	timer_set(feed->again, 0);
	return 0;
}

static const struct source_ops exec_source = {
    .open = exec_open_source,
    .hold = exec_hold,
    .stop = exec_stop,
    .close = exec_close,
};

static int
exec_open(void **self, const struct stage_setup *setup, struct err *err)
{
	return spooled_open(self, setup, &exec_source, err);
}

static int
exec_check_command(const void *value, struct err *err)
{
	char *const *command = *(char *const *const *)value;

	if (command != NULL && command[0] != NULL && command[0][0] == '/')
		return 0;
	return err_set(err,
	    "command must begin with the absolute path of a program: "
	    "[ \"/usr/local/bin/fetch\", \"-f\" ]");
}

static const struct option_row exec_rows[] = {
    SPOOLED_OPTIONS,
    {
	.name = "command",
	.group = "feeds",
	.type = OPTION_TEXTS,
	.offset = offsetof(struct exec_options, command),
	.unit = "",
	.required = true,
	.help = "The program, by its absolute path, and its arguments: a list "
		"of texts. No shell is between.",
	.check = exec_check_command,
    },
    {
	.name = "restart_s",
	.group = "feeds",
	.type = OPTION_SECS,
	.offset = offsetof(struct exec_options, restart_us),
	.preset = "1",
	.min = 0.01,
	.max = 86400,
	.unit = "s",
	.help = "Pause before a command that has ended is started again. It "
		"doubles each time, up to restart_max_s.",
    },
    {
	.name = "restart_max_s",
	.group = "feeds",
	.type = OPTION_SECS,
	.offset = offsetof(struct exec_options, restart_max_us),
	.preset = "60",
	.min = 0.01,
	.max = 86400,
	.unit = "s",
	.help = "Longest such pause. A command that ran for longer than this "
		"is started again after restart_s.",
    },
    {
	.name = "stop_s",
	.group = "feeds",
	.type = OPTION_SECS,
	.offset = offsetof(struct exec_options, stop_us),
	.preset = "2",
	.min = 0,
	.max = 10,
	.unit = "s",
	.help = "What a command that was asked to end (SIGTERM) has time for; "
		"then it is killed, and what it started with it.",
    },
    {.name = NULL},
};

const struct stage exec_stage = {
    .name = "exec",
    .kind = STAGE_TRANSPORT,
    .traits = STAGE_REPLAYABLE | STAGE_SPOOLED,
    .help = "Runs a command and reads the records that it writes to its "
	    "standard output. It is started again whenever it ends.",
    .options = exec_rows,
    .options_size = sizeof(struct exec_options),
    .open = exec_open,
    SPOOLED_CALLS,
};
