/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The link: one connection to PostgreSQL on the loop, and what runs over it.
 * Knows libpq and no figures.
 *
 * What runs is a *script*: steps that are sent together in pipeline mode, so
 * that a whole transaction costs one round trip. A COPY can not go into a
 * pipeline; there the link waits for what was sent before, leaves pipeline
 * mode, copies, and goes on with the rest of the script.
 *
 * There is one answer to all that goes wrong, a failed statement included: the
 * connection is closed and `down` is called, with a verdict. Whoever owns the
 * link connects again and asks the database what came of it. Only a step that
 * is `optional` may fail without that.
 */
#ifndef RT_STORE_LINK_H
#define RT_STORE_LINK_H

#include <libpq-fe.h>

#include "io/loop.h"
#include "store/rows.h"

enum link_verdict {
	LINK_REFUSED, /* no connection came about: try again */
	LINK_LOST,    /* it broke, or the server could not: try again */
	LINK_FULL,    /* as LOST: the server has no room */
	LINK_FENCED,  /* advance() refused: ask who is the writer */
	LINK_MEND     /* an operator must mend something */
};

struct link_trouble {
	enum link_verdict verdict;
	char sqlstate[6]; /* empty where the server did not tell */
	char text[512];
};

#define LINK_PARAMS_MAX (ROWS_COLUMNS_MAX + 1)

struct link_step {
	const char *sql;  /* NULL: a sync. Must outlive the script */
	const char *name; /* of the prepared statement to use; or NULL */
	bool prepares;	  /* makes that statement of `sql` */
	/*
	 * Parameters: values of the script's own, or borrowed ones, which
	 * must stay until the script is done.
	 */
	const char *value[LINK_PARAMS_MAX];
	int length[LINK_PARAMS_MAX];
	int format[LINK_PARAMS_MAX];
	int n_params;
	const struct strbuf *copy; /* what to copy, for COPY ... FROM STDIN */
	bool optional;	 /* may fail: a warning, and the script goes on */
	bool one_by_one; /* many rows: give each to `result` as it comes */
	const char *tag; /* the only command tag that is success; or NULL */
	const char *sent_fault; /* crash point when it was sent; or NULL */
	const char *fault;	/* crash point behind the result; or NULL */
	void (*result)(void *ctx, const PGresult *res);
};

struct link_script {
	struct link_step *step;
	int n, cap;
	char **texts; /* values of its own */
	int n_texts;
};

struct link_ops {
	/* Connected; nothing was said yet. */
	void (*up)(void *ctx);
	/* All steps of the script are done. */
	void (*done)(void *ctx);
	/* Not connected (any more). A script that ran is not done. */
	void (*down)(void *ctx, const struct link_trouble *trouble);
	/* May be NULL: a notification of a channel that was listened to. */
	void (*notified)(void *ctx);
	bool reads_only; /* a server that takes no writes will do */
};

struct link;

/* ctx: of the ops and of the steps' results. */
struct link *link_new(struct loop *loop, const char *conninfo,
    const struct link_ops *ops, void *ctx);
void link_free(struct link *link);
/* Begins to connect; `up` or `down` follows. */
void link_connect(struct link *link);
/* Closes without a call to `down`. */
void link_close(struct link *link);
bool link_is_up(const struct link *link);
/* Up, and no script runs. */
bool link_is_idle(const struct link *link);
/*
 * The server's process that serves this connection, as it was told when that
 * began: by a pooler that stands in between it is any number.
 */
int link_backend_pid(const struct link *link);
/* The script must stay until `done` or `down`. */
void link_run(struct link *link, struct link_script *script);
/* The same, of statements that come again: they are kept prepared. */
void link_run_prepared(struct link *link, struct link_script *script);
/* From within `result`: the answer can not be worked with. */
void link_refuse(struct link *link, enum link_verdict verdict, const char *fmt,
    ...) RT_PRINTF(3, 4);

void link_script_reset(struct link_script *script);
void link_script_fini(struct link_script *script);
/* The pointers are good until the next step is added. */
struct link_step *link_add(struct link_script *script, const char *sql);
void link_add_sync(struct link_script *script);
/*
 * Adds a name as an identifier, quoted; -1 with the reason. Only while the
 * link is up.
 */
int link_identifier(
    struct link *link, struct strbuf *to, const char *name, struct err *err);
/* Parameters of the step added last: text is copied, NULL is NULL. */
void link_param(struct link_script *script, const char *text);
void link_param_int(struct link_script *script, int64_t v);
void link_param_binary(struct link_script *script, const struct strbuf *bytes);
/* Adds the COPY of rows that were gathered for it, where there are any. */
void link_add_copy(struct link_script *script, struct rows *rows);
/* Adds the table's statement with these rows, where there are any. */
struct link_step *
link_add_rows(struct link_script *script, const char *site, struct rows *rows);

#endif
