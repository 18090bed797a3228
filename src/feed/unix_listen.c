/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport `unix-listen`: processes of this machine connect to a socket
 * in the file system and send records. Who may is a matter of its mode and
 * group. The same as tcp-listen otherwise.
 */
#include "base/base.h"

#include "base/backoff.h"
#include "base/log.h"
#include "base/utc.h"
#include "feed/peers.h"
#include "feed/transports.h"
#include "io/listen.h"
#include "io/loop.h"

#define UNIX_RETRY_US	  (500 * USEC_PER_MSEC)
#define UNIX_RETRY_MAX_US (10 * USEC_PER_SEC)
#define UNIX_PATH_MAX	  103 /* "PATH.new" is bound first, see io/listen.h */

struct unix_listen_options {
	struct spooled_options spool; /* first */
	char *path;
	char *mode;
	char *group;
	int64_t max_connections;
	int64_t idle_us;
};

struct unix_listen {
	const struct unix_listen_options *options;
	const char *feed;
	struct loop *loop;
	struct peers *peers;
	struct spooled *spooled;
	struct listen *listen;
	struct timer *retry;
	struct backoff backoff;
};

/* "0660": octal, as chmod(1) takes it. */
static int
unix_listen_mode(const char *text, mode_t *mode)
{
	mode_t bits = 0;
	size_t n = strlen(text);

	if (n < 3 || n > 4)
		return -1;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '7')
			return -1;
		bits = bits * 8 + (mode_t)(*text - '0');
	}
	*mode = bits;
	return bits <= 0777 && bits != 0 ? 0 : -1;
}

static void
unix_listen_try(void *ctx)
{
	struct unix_listen *u = ctx;
	const struct unix_listen_options *o = u->options;
	struct listen_config config = {.path = o->path,
	    .group = o->group,
	    .accepted = peers_accept,
	    .ctx = u->peers};
	struct err err;

	if (unix_listen_mode(o->mode, &config.mode) < 0)
		BUG("a mode that was not checked");
	u->listen = listen_new(u->loop, &config, &err);
	if (u->listen != NULL) {
		spooled_says(u->spooled, true, "listening at %s", o->path);
		return;
	}
	if (u->backoff.tries == 0)
		log_warn("feed %s: %s: trying again", u->feed, err.text);
	spooled_says(u->spooled, false, "not listening: %s", err.text);
	timer_set(u->retry, backoff_next(&u->backoff, 0));
}

/* --- the source ---------------------------------------------------------- */

static void
unix_listen_close(void *self)
{
	struct unix_listen *u = self;

	listen_free(u->listen);
	peers_free(u->peers);
	timer_free(u->retry);
	free(u);
}

static void
unix_listen_hold(void *self, bool hold)
{
	struct unix_listen *u = self;

	peers_hold(u->peers, hold);
}

static int
unix_listen_source_open(void **self, struct spooled *spooled,
    const struct stage_setup *setup, struct err *err RT_UNUSED)
{
	const struct unix_listen_options *o = setup->options;
	const struct peers_config config = {.feed = setup->feed,
	    .up = setup->up,
	    .peer = {.loop = setup->loop,
		.spooled = spooled,
		.framing = setup->framing,
		.idle_us = o->idle_us},
	    .most = (size_t)o->max_connections,
	    .where = o->path};
	struct unix_listen *u = mem_alloc(sizeof(*u));

	*u = (struct unix_listen){.options = o,
	    .feed = setup->feed,
	    .loop = setup->loop,
	    .spooled = spooled,
	    .backoff = {
		.first_us = UNIX_RETRY_US, .most_us = UNIX_RETRY_MAX_US}};
	u->peers = peers_new(&config);
	u->retry = timer_new(u->loop, unix_listen_try, u);
	unix_listen_try(u);
	*self = u;
	return 0;
}

static const struct source_ops unix_listen_source = {
    .open = unix_listen_source_open,
    .hold = unix_listen_hold,
    .close = unix_listen_close,
};

static int
unix_listen_open(void **self, const struct stage_setup *setup, struct err *err)
{
	return spooled_open(self, setup, &unix_listen_source, err);
}

/* --- options ------------------------------------------------------------- */

static int
unix_listen_check_path(const void *value, struct err *err)
{
	const char *path = *(char *const *)value;

	if (path[0] != '/')
		return err_set(err, "path: %s is not an absolute path", path);
	if (strlen(path) > UNIX_PATH_MAX)
		return err_set(err, "path: %s is longer than %d bytes", path,
		    UNIX_PATH_MAX);
	return 0;
}

static int
unix_listen_check_mode(const void *value, struct err *err)
{
	const char *text = *(char *const *)value;
	mode_t mode;

	if (unix_listen_mode(text, &mode) == 0)
		return 0;
	return err_set(
	    err, "mode: \"%s\" is no mode: wants one like 0660", text);
}

static const struct option_row unix_listen_options[] = {
    SPOOLED_OPTIONS,
    {.name = "path",
	.group = "feeds",
	.type = OPTION_TEXT,
	.offset = offsetof(struct unix_listen_options, path),
	.unit = "",
	.required = true,
	.check = unix_listen_check_path,
	.help = "Where the socket is to stand, in a folder that exists. What a "
		"killed daemon left there is replaced."},
    {.name = "mode",
	.group = "feeds",
	.type = OPTION_TEXT,
	.offset = offsetof(struct unix_listen_options, mode),
	.preset = "0660",
	.unit = "",
	.check = unix_listen_check_mode,
	.help = "The socket's mode: who may write to it may connect."},
    {.name = "group",
	.group = "feeds",
	.type = OPTION_TEXT,
	.offset = offsetof(struct unix_listen_options, group),
	.unit = "",
	.help = "The socket's group. The default is the daemon's own."},
    PEERS_ROW_MOST(struct unix_listen_options),
    PEERS_ROW_IDLE(struct unix_listen_options),
    {.name = NULL},
};

const struct stage unix_listen_stage = {
    .name = "unix-listen",
    .kind = STAGE_TRANSPORT,
    .traits = STAGE_SPOOLED,
    .help = "Listens at a Unix socket for processes that send records.",
    .options = unix_listen_options,
    .options_size = sizeof(struct unix_listen_options),
    .open = unix_listen_open,
    SPOOLED_CALLS,
};
