/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of the daemon's control socket (serve/control.h). It never blocks:
 * whoever uses it waits on client_fd for client_events and calls client_step.
 * `ringtally live`, which has nothing else to do, waits with client_wait.
 */
#ifndef RT_CLI_CLIENT_H
#define RT_CLI_CLIENT_H

#include "base/err.h"
#include "base/slice.h"

#define CLIENT_ANSWER_MAX (256 << 20) /* bytes of a document */

enum client_says {
	CLIENT_FAILED = -1, /* the connection is closed: the reason is set */
	CLIENT_PENDING,	    /* no whole answer yet */
	CLIENT_REFUSED,	    /* "error": the reason is set; ask again */
	CLIENT_ANSWERED
};

struct client;

struct client *client_new(void);
void client_free(struct client *client); /* NULL is fine */

/* -1 with the reason, such as "no daemon listens on PATH". */
int client_open(struct client *client, const char *path, struct err *err);
void client_close(struct client *client);
bool client_is_open(const struct client *client);
/* Takes a connected descriptor over, which must not block. */
void client_attach(struct client *client, int fd);

/* Sends a request, without newline. Only when none is pending. */
void client_ask(struct client *client, const char *request);
bool client_is_asking(const struct client *client);

int client_fd(const struct client *client);
short client_events(const struct client *client); /* of poll(2) */
/* The answer lives until the next call. */
enum client_says
client_step(struct client *client, struct slice *answer, struct err *err);
/* The same until there is one. Too late is CLIENT_FAILED. */
enum client_says client_wait(struct client *client, struct slice *answer,
    int64_t timeout_us, struct err *err);

#endif
