/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the commands talk to PostgreSQL: blocking, each on a connection of its
 * own, with words for people where it says no. Within src/store/ only.
 */
#ifndef RT_STORE_ASK_H
#define RT_STORE_ASK_H

#include <libpq-fe.h>

#include "base/err.h"

/* NULL with the reason. */
PGconn *ask_connect(const char *conninfo, struct err *err);

/* libpq's message, which has several lines, as one behind `what`; -1. */
int ask_fail(const char *what, const char *message, struct err *err);

/*
 * What the server said no with, and what can be done about it; -1. role: what
 * the user must be a member of, such as "ringtally_reader". Clears the result.
 */
int
ask_refused(PGconn *conn, PGresult *result, const char *role, struct err *err);

/* A question with texts as parameters; NULL with the reason. */
PGresult *ask_rows(PGconn *conn, const char *sql, int n,
    const char *const *parameters, const char *role, struct err *err);

struct contacts_site;

/* Makes a site known that no daemon has made known; -1 with the reason. */
int ask_note_site(PGconn *conn, const struct contacts_site *site,
    const char *role, struct err *err);

#endif
