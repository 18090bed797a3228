/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include "base/fault.h"
#include "base/log.h"
#include "store/link.h"
#include "store/prepared.h"

#define LINK_CONNECT_US (10 * USEC_PER_SEC)
#define LINK_ANSWER_US	(30 * USEC_PER_SEC)
#define LINK_COPY_BYTES 65536 /* given to libpq at a time */

enum link_mode {
	LINK_OFF,
	LINK_CONNECTING,
	LINK_PIPELINE, /* idle, or steps are on their way */
	LINK_COPY
};

struct link {
	struct loop *loop;
	const char *conninfo;
	const struct link_ops *ops;
	void *ctx;
	PGconn *conn;
	struct prepared *prepared; /* what this connection has */
	struct watch *watch;
	struct timer *deadline;
	struct task *again; /* something to receive is in libpq's buffer */
	enum link_mode mode;
	struct link_script *script;  /* NULL: none runs */
	int sent;		     /* steps sent so far */
	int at;			     /* the step whose result comes next */
	size_t copied;		     /* bytes of the COPY given to libpq */
	bool copy_open;		     /* the server has asked for them */
	struct link_trouble trouble; /* what to go down with */
	bool troubled;
};

/* --- what went wrong ----------------------------------------------------- */

/* Adds a message as one line: libpq's have several, with a newline at last. */
static void
link_one_line(char *to, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text != '\0' && n + 1 < size; text++) {
		if (*text == '\n' && strncmp(text + 1, "LOCATION:", 9) == 0)
			text += strcspn(text + 1, "\n");
		else
			to[n++] = *text == '\n' || *text == '\t' ? ' ' : *text;
	}
	while (n > 0 && to[n - 1] == ' ')
		n--;
	to[n] = '\0';
}

static enum link_verdict
link_verdict_of(const char *sqlstate)
{
	static const char retry[][3] = {
	    "08", "25", "40", "53", "55", "57", "58", "F0", "XX"};
	size_t i;

	if (strcmp(sqlstate, "RT001") == 0)
		return LINK_FENCED;
	if (strcmp(sqlstate, "53100") == 0)
		return LINK_FULL;
	if (sqlstate[0] == '\0')
		return LINK_LOST;
	for (i = 0; i < RT_COUNT(retry); i++)
		if (strncmp(sqlstate, retry[i], 2) == 0)
			return LINK_LOST;
	return LINK_MEND;
}

static void link_set_trouble(struct link *link, enum link_verdict verdict,
    const char *sqlstate, const char *fmt, ...) RT_PRINTF(4, 5);

/* The first trouble is the cause, what comes behind it a consequence. */
static void
link_set_trouble(struct link *link, enum link_verdict verdict,
    const char *sqlstate, const char *fmt, ...)
{
	va_list ap;

	if (link->troubled)
		return;
	link->troubled = true;
	link->trouble.verdict = verdict;
	snprintf(link->trouble.sqlstate, sizeof(link->trouble.sqlstate), "%s",
	    sqlstate);
	va_start(ap, fmt);
	vsnprintf(link->trouble.text, sizeof(link->trouble.text), fmt, ap);
	va_end(ap);
}

void
link_refuse(struct link *link, enum link_verdict verdict, const char *fmt, ...)
{
	char text[sizeof(link->trouble.text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	link_set_trouble(link, verdict, "", "%s", text);
}

static void
link_result_text(const PGresult *res, char *to, size_t size)
{
	const char *text = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
	const char *hint = PQresultErrorField(res, PG_DIAG_MESSAGE_HINT);
	char raw[480];

	if (text == NULL)
		snprintf(raw, sizeof(raw), "%s", PQresultErrorMessage(res));
	else
		snprintf(raw, sizeof(raw), "%s%s%s%s%s%s", text,
		    detail != NULL ? " (" : "", detail != NULL ? detail : "",
		    detail != NULL ? ")" : "", hint != NULL ? "; " : "",
		    hint != NULL ? hint : "");
	link_one_line(to, size, raw);
}

static const char *
link_result_state(const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	return state != NULL ? state : "";
}

static void
link_result_trouble(struct link *link, const PGresult *res)
{
	const char *state = link_result_state(res);
	char text[480];

	link_result_text(res, text, sizeof(text));
	link_set_trouble(link, link_verdict_of(state), state, "%s%s%s", state,
	    state[0] != '\0' ? ": " : "", text);
}

/*
 * What the server said while we connected: libpq gives no SQLSTATE for that,
 * but writes it into its message when it is told to be verbose:
 * "... FATAL:  28P01: password authentication failed ...". A password or a
 * service that is not there at all is no matter of waiting either.
 */
static void
link_connect_trouble(struct link *link)
{
	const char *text = PQerrorMessage(link->conn), *at = text;
	char state[6] = "", line[480];
	bool mend;

	while ((at = strstr(at, ":  ")) != NULL) {
		size_t n =
		    strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");

		if (n == 5 && at[8] == ':')
			snprintf(state, sizeof(state), "%.5s", at + 3);
		at += 3;
	}
	mend = link_verdict_of(state) == LINK_MEND ||
	    PQconnectionNeedsPassword(link->conn) ||
	    strstr(text, "definition of service") != NULL;
	link_one_line(line, sizeof(line), text);
	link_set_trouble(
	    link, mend ? LINK_MEND : LINK_REFUSED, state, "%s", line);
}

static void
link_lost(struct link *link)
{
	char line[480];

	link_one_line(line, sizeof(line), PQerrorMessage(link->conn));
	link_set_trouble(link, LINK_LOST, "", "%s",
	    line[0] != '\0' ? line : "the server closed the connection");
}

static void
link_notice(void *arg, const PGresult *res)
{
	struct link *link = arg;
	const char *severity =
	    PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
	char text[480];

	link_result_text(res, text, sizeof(text));
	/* the last word of a server that ends the session comes as a notice */
	if (severity != NULL &&
	    (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0))
		link_result_trouble(link, res);
	else
		log_note("the database says: %s", text);
}

/* --- closing ------------------------------------------------------------- */

void
link_close(struct link *link)
{
	watch_unset(link->watch);
	timer_unset(link->deadline);
	task_unset(link->again);
	/* the watch first: PQfinish closes the descriptor */
	PQfinish(link->conn);
	link->conn = NULL;
	prepared_forget(link->prepared);
	link->mode = LINK_OFF;
	link->script = NULL;
	link->copy_open = false; /* it may have broken off in the middle */
	link->troubled = false;
}

static void
link_go_down(struct link *link)
{
	struct link_trouble trouble = link->trouble;

	BUG_ON(!link->troubled);
	link_close(link);
	link->ops->down(link->ctx, &trouble);
}

static void
link_deadline(void *ctx)
{
	struct link *link = ctx;

	if (link->mode == LINK_CONNECTING)
		link_set_trouble(link, LINK_REFUSED, "",
		    "no connection within %d s",
		    (int)(LINK_CONNECT_US / USEC_PER_SEC));
	else
		link_set_trouble(link, LINK_LOST, "", "no answer within %d s",
		    (int)(LINK_ANSWER_US / USEC_PER_SEC));
	link_go_down(link);
}

/* --- connecting ---------------------------------------------------------- */

static void
link_connected(struct link *link)
{
	timer_unset(link->deadline);
	PQsetErrorVerbosity(link->conn, PQERRORS_DEFAULT);
	if (PQsetnonblocking(link->conn, 1) != 0 ||
	    PQenterPipelineMode(link->conn) != 1) {
		link_lost(link);
		link_go_down(link);
		return;
	}
	link->mode = LINK_PIPELINE;
	watch_set(link->watch, PQsocket(link->conn), WATCH_READ);
	link->ops->up(link->ctx);
}

/*
 * libpq may have closed its socket and opened another one, perhaps under the
 * same number: the watch is set anew after every step.
 */
static void
link_connect_step(struct link *link, PostgresPollingStatusType status)
{
	switch (status) {
	case PGRES_POLLING_READING:
		watch_set(link->watch, PQsocket(link->conn), WATCH_READ);
		break;
	case PGRES_POLLING_WRITING:
		watch_set(link->watch, PQsocket(link->conn), WATCH_WRITE);
		break;
	case PGRES_POLLING_OK:
		link_connected(link);
		break;
	default:
		link_connect_trouble(link);
		link_go_down(link);
	}
}

/*
 * Keywords before dbname are our wishes, which the conninfo may override;
 * those behind it are not negotiable.
 */
void
link_connect(struct link *link)
{
	static const char *const keys[] = {"fallback_application_name",
	    "keepalives_idle", "keepalives_interval", "keepalives_count",
	    "tcp_user_timeout", "target_session_attrs", "dbname",
	    "client_encoding", NULL};
	const char *const values[] = {"ringtallyd", "10", "5", "3", "10000",
	    link->ops->reads_only ? "any" : "read-write", link->conninfo,
	    "UTF8", NULL};

	BUG_ON(link->mode != LINK_OFF);
	link->troubled = false;
	link->mode = LINK_CONNECTING;
	timer_set(link->deadline, LINK_CONNECT_US);
	link->conn = PQconnectStartParams(keys, values, 1);
	if (link->conn == NULL)
		BUG("PQconnectStartParams: out of memory");
	PQsetErrorVerbosity(link->conn, PQERRORS_VERBOSE);
	PQsetNoticeReceiver(link->conn, link_notice, link);
	if (PQstatus(link->conn) == CONNECTION_BAD) {
		/* from the loop, as all other news */
		link_connect_trouble(link);
		timer_set(link->deadline, 0);
		return;
	}
	link_connect_step(link, PGRES_POLLING_WRITING);
}

/* --- sending ------------------------------------------------------------- */

static const struct link_step *
link_step_at(const struct link *link, int i)
{
	return i < link->script->n ? &link->script->step[i] : NULL;
}

/*
 * Flushes and watches: writing too while libpq has something left. When the
 * socket takes no more, PQflush reads what has come meanwhile, and nobody
 * would be woken for that: so what is there already is looked at next.
 */
static void
link_flush(struct link *link)
{
	int left = PQflush(link->conn);

	if (left < 0) {
		/* what the server said last is still to be read */
		if (PQconsumeInput(link->conn) != 0)
			while (!PQisBusy(link->conn) && !link->troubled) {
				PGresult *res = PQgetResult(link->conn);

				if (res == NULL)
					break;
				if (PQresultStatus(res) == PGRES_FATAL_ERROR)
					link_result_trouble(link, res);
				PQclear(res);
			}
		link_lost(link);
		return;
	}
	/*
	 * A COPY wants to go on whether anything is left or not: it broke off
	 * at a full socket, which may have room again by now
	 */
	watch_set(link->watch, PQsocket(link->conn),
	    left > 0 || link->copy_open ? WATCH_READ | WATCH_WRITE
					: WATCH_READ);
	if (link->script != NULL && !link->copy_open && !PQisBusy(link->conn))
		task_set(link->again);
}

static bool
link_send_step(struct link *link, const struct link_step *step)
{
	if (step->sql == NULL)
		return PQpipelineSync(link->conn) == 1;
	if (step->prepares)
		return PQsendPrepare(
			   link->conn, step->name, step->sql, 0, NULL) == 1;
	if (step->name != NULL)
		return PQsendQueryPrepared(link->conn, step->name,
			   step->n_params, step->value, step->length,
			   step->format, 0) == 1;
	return PQsendQueryParams(link->conn, step->sql, step->n_params, NULL,
		   step->value, step->length, step->format, 0) == 1;
}

static void
link_send_copy(struct link *link, const struct link_step *step)
{
	link->copied = 0;
	link->copy_open = false;
	if (PQexitPipelineMode(link->conn) != 1 ||
	    PQsendQuery(link->conn, step->sql) != 1) {
		link_lost(link);
		return;
	}
	link->mode = LINK_COPY;
	link->sent++;
}

/* Sends the steps up to a COPY, or the COPY, or finds the script done. */
static void
link_send(struct link *link)
{
	const struct link_step *step = link_step_at(link, link->sent);

	if (step->copy != NULL) {
		link_send_copy(link, step);
		return;
	}
	if (link->mode == LINK_COPY && PQenterPipelineMode(link->conn) != 1) {
		link_lost(link);
		return;
	}
	link->mode = LINK_PIPELINE;
	for (; step != NULL && step->copy == NULL;
	     step = link_step_at(link, link->sent)) {
		if (!link_send_step(link, step)) {
			link_lost(link);
			return;
		}
		link->sent++;
#ifdef RT_FAULTS
		/* so that the server is where the crash point says */
		if (step->fault != NULL || step->sent_fault != NULL) {
			PQsendFlushRequest(link->conn);
			PQflush(link->conn);
		}
		if (step->sent_fault != NULL)
			fault_point(step->sent_fault);
#endif
	}
	if (link->script->step[link->at].one_by_one)
		PQsetSingleRowMode(link->conn);
}

void
link_run(struct link *link, struct link_script *script)
{
	BUG_ON(!link_is_idle(link) || script->n == 0);
	link->script = script;
	link->sent = link->at = 0;
	timer_set(link->deadline, LINK_ANSWER_US);
	link_send(link);
	if (!link->troubled)
		link_flush(link);
	if (link->troubled) {
		/* not from within the caller: from the loop */
		watch_unset(link->watch);
		timer_set(link->deadline, 0);
	}
}

void
link_run_prepared(struct link *link, struct link_script *script)
{
	prepared_script(link->prepared, script);
	link_run(link, script);
}

/* --- receiving ----------------------------------------------------------- */

/* A step has failed. */
static void
link_step_failed(
    struct link *link, const struct link_step *step, const PGresult *res)
{
	char text[480];

	if (step == NULL || !step->optional ||
	    PQstatus(link->conn) != CONNECTION_OK) {
		link_result_trouble(link, res);
		return;
	}
	link_result_text(res, text, sizeof(text));
	log_warn("the database: %s: %s", link_result_state(res), text);
}

static void
link_step_result(struct link *link, const PGresult *res)
{
	const struct link_step *step = link_step_at(link, link->at);

	switch (PQresultStatus(res)) {
	case PGRES_COMMAND_OK:
	case PGRES_TUPLES_OK:
	case PGRES_SINGLE_TUPLE:
		/* COMMIT of a failed transaction is "OK", with another tag */
		if (step->tag != NULL &&
		    strcmp(PQcmdStatus((PGresult *)(uintptr_t)res),
			step->tag) != 0)
			link_set_trouble(link, LINK_LOST, "",
			    "the server answered %s with %s", step->sql,
			    PQcmdStatus((PGresult *)(uintptr_t)res));
		else if (step->result != NULL)
			step->result(link->ctx, res);
		if (step->fault != NULL)
			fault_point(step->fault);
		break;
	case PGRES_PIPELINE_ABORTED:
		if (!step->optional)
			link_set_trouble(link, LINK_LOST, "",
			    "the server passed over %s", step->sql);
		break;
	default:
		link_step_failed(link, step, res);
	}
}

/* The step is over: the next one's result comes now. */
static void
link_step_over(struct link *link)
{
	const struct link_step *next;

	link->at++;
	next = link_step_at(link, link->at);
	if (next != NULL && next->one_by_one && link->at < link->sent)
		PQsetSingleRowMode(link->conn);
}

/* False: nothing more can be had now. */
static bool
link_receive_one(struct link *link)
{
	PGresult *res = PQgetResult(link->conn);

	if (res == NULL) {
		/* the end of a step; a sync has none */
		if (link->script == NULL || link->at == link->sent)
			return false;
		link_step_over(link);
		return true;
	}
	if (link->script == NULL || link->at == link->sent) {
		/* nobody has asked: the server's last word */
		link_result_trouble(link, res);
	} else if (PQresultStatus(res) == PGRES_PIPELINE_SYNC) {
		BUG_ON(link->script->step[link->at].sql != NULL);
		link_step_over(link);
	} else {
		link_step_result(link, res);
	}
	PQclear(res);
	return true;
}

/* Gives libpq as much of the COPY as it takes without growing. */
static void
link_copy_some(struct link *link)
{
	const struct strbuf *data = link->script->step[link->at].copy;

	if (PQflush(link->conn) != 0)
		return;
	while (link->copied < data->n) {
		size_t n =
		    RT_MIN(data->n - link->copied, (size_t)LINK_COPY_BYTES);
		int rc =
		    PQputCopyData(link->conn, data->p + link->copied, (int)n);

		if (rc < 0)
			link_lost(link);
		if (rc <= 0)
			return;
		link->copied += n;
		if (PQflush(link->conn) != 0)
			return;
	}
	if (PQputCopyEnd(link->conn, NULL) < 0)
		link_lost(link);
	link->copy_open = false;
}

static bool
link_receive_copy(struct link *link)
{
	PGresult *res;

	if (link->copy_open)
		return false;
	res = PQgetResult(link->conn);
	if (res == NULL) {
		link_step_over(link);
		return false; /* the script goes on */
	}
	if (PQresultStatus(res) == PGRES_COPY_IN)
		link->copy_open = true;
	else
		link_step_result(link, res);
	PQclear(res);
	return !link->copy_open;
}

/* Reads all that is there; false when the link is in trouble. */
static bool
link_receive(struct link *link)
{
	if (PQconsumeInput(link->conn) == 0) {
		/* results may stand before the end: they tell why */
		while (!link->troubled && !PQisBusy(link->conn) &&
		    link_receive_one(link))
			;
		link_lost(link);
		return false;
	}
	while (!link->troubled && !PQisBusy(link->conn)) {
		if (link->mode == LINK_COPY ? !link_receive_copy(link)
					    : !link_receive_one(link))
			break;
		if (link->mode == LINK_COPY && link->at == link->sent)
			break;
	}
	if (link->script != NULL) /* the server lives */
		timer_set(link->deadline, LINK_ANSWER_US);
	return !link->troubled;
}

/* Notifications come with whatever else the server says. */
static void
link_take_notifications(struct link *link)
{
	PGnotify *notify;
	bool any = false;

	while ((notify = PQnotifies(link->conn)) != NULL) {
		PQfreemem(notify);
		any = true;
	}
	if (any && link->ops->notified != NULL)
		link->ops->notified(link->ctx);
}

static void
link_done(struct link *link)
{
	link->script = NULL;
	timer_unset(link->deadline);
	watch_set(link->watch, PQsocket(link->conn), WATCH_READ);
	link->ops->done(link->ctx); /* may run the next one, or close */
}

/* After news: more to send, or the script is done. */
static void
link_go_on(struct link *link)
{
	if (link->script != NULL && link->at == link->sent) {
		if (link->sent == link->script->n) {
			link_done(link);
			return;
		}
		link_send(link);
	}
	if (!link->troubled && link->copy_open)
		link_copy_some(link);
	if (!link->troubled)
		link_flush(link);
	if (link->troubled)
		link_go_down(link);
}

static void
link_event(void *ctx, int what RT_UNUSED)
{
	struct link *link = ctx;

	if (link->mode == LINK_CONNECTING) {
		link_connect_step(link, PQconnectPoll(link->conn));
		return;
	}
	/*
	 * Reading first, whatever it was that woke us: a server that waits to
	 * write does not read.
	 */
	if (!link_receive(link)) {
		link_go_down(link);
		return;
	}
	link_take_notifications(link);
	link_go_on(link);
}

static void
link_again(void *ctx)
{
	struct link *link = ctx;

	if (link_is_up(link))
		link_event(link, 0);
}

int
link_identifier(
    struct link *link, struct strbuf *to, const char *name, struct err *err)
{
	char *quoted = PQescapeIdentifier(link->conn, name, strlen(name));

	if (quoted == NULL)
		return err_set(err, "%s: %s", name, PQerrorMessage(link->conn));
	strbuf_adds(to, quoted);
	PQfreemem(quoted);
	return 0;
}

/* --- life ---------------------------------------------------------------- */

struct link *
link_new(struct loop *loop, const char *conninfo, const struct link_ops *ops,
    void *ctx)
{
	struct link *link = mem_zalloc(sizeof(*link));

	link->loop = loop;
	link->conninfo = conninfo;
	link->ops = ops;
	link->ctx = ctx;
	link->watch = watch_new(loop, link_event, link);
	link->deadline = timer_new(loop, link_deadline, link);
	link->again = task_new(loop, link_again, link);
	link->prepared = prepared_new();
	return link;
}

void
link_free(struct link *link)
{
	if (link == NULL)
		return;
	link_close(link);
	watch_free(link->watch);
	timer_free(link->deadline);
	task_free(link->again);
	prepared_free(link->prepared);
	free(link);
}

bool
link_is_up(const struct link *link)
{
	return link->mode == LINK_PIPELINE || link->mode == LINK_COPY;
}

int
link_backend_pid(const struct link *link)
{
	return PQbackendPID(link->conn);
}

bool
link_is_idle(const struct link *link)
{
	return link->mode == LINK_PIPELINE && link->script == NULL;
}
