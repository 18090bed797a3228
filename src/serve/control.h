/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: what a terminal and scripts on this machine ask the
 * daemon. A client sends a line (see request.h) and gets
 *
 *	ok BYTES
 *
 * and that many bytes of JSON, or a line "error TEXT"; then it may ask again.
 * Who may connect: root, the daemon's own user, and the socket's group.
 *
 * A document of the live views is asked of the view and handed on; where it is
 * still in work the client waits for it. All else is a row that the daemon
 * brings: it makes its document at once, and so must be short.
 *
 * The clients stay when the daemon starts anew within itself, which throws the
 * view away: see control_set_view.
 */
#ifndef RT_SERVE_CONTROL_H
#define RT_SERVE_CONTROL_H

#include "base/err.h"
#include "serve/request.h"

#define CONTROL_CLIENTS 100

struct control;
struct loop;
struct strbuf;
struct view;

struct control_row {
	const char *name; /* of `show NAME`; NULL ends the table */
	/* Adds the document, with serve/json.h. */
	void (*make)(void *ctx, struct strbuf *to);
};

struct control_ops {
	const struct control_row *rows;
	/* `reload`: -1 with the reason why nothing has changed. */
	int (*reload)(void *ctx, struct err *err);
	/*
	 * `forget`: n callers, by their hashes, are nobody from now on. Adds
	 * the answer, with serve/json.h.
	 */
	void (*forget)(void *ctx, const uint8_t (*hashes)[REQUEST_HASH_BYTES],
	    size_t n, struct strbuf *to);
};

/* What it has done, for `show counters` and whoever measures. */
struct control_counters {
	uint64_t clients;  /* taken in */
	uint64_t refused;  /* without the right, or one too many */
	uint64_t requests; /* errors, too */
	uint64_t errors;
	uint64_t dropped; /* slow, silent, or sending nonsense */
	unsigned now;	  /* connected */
};

/* It listens nowhere yet. */
struct control *
control_new(struct loop *loop, const struct control_ops *ops, void *ctx);
/* Removes the socket; its clients are closed. NULL is fine. */
void control_free(struct control *control);

/*
 * Listens at path for our own user and the members of group (NULL: our own
 * group); path NULL: nowhere. Where it listened before it does so no more, but
 * clients stay. -1 with the reason: all is as it was.
 */
int control_listen(struct control *control, const char *path, const char *group,
    struct err *err);

/*
 * Where documents come from; NULL: from nowhere for the moment, and who asks
 * waits. A view must be taken away before it is freed.
 */
void control_set_view(struct control *control, struct view *view);

void
control_count(const struct control *control, struct control_counters *counters);

#endif
