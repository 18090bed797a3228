/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ringtally forget: callers and customers, by their numbers or addresses on
 * standard input, are nobody from now on. What is known of them is the keyed
 * hash, so that is what goes: from the running daemon's memory first, so that
 * it writes none of it anew; when what it had already on its way is committed,
 * from the database. What they are called stands as it came in the spools of
 * feeds until it is committed: the daemon deletes it then, and we wait for that
 * as well.
 */
#include "base/base.h"

#include <getopt.h>
#include <jansson.h>
#include <poll.h>

#include "base/clock.h"
#include "caller_key.h"
#include "cli/client.h"
#include "cli/command.h"
#include "cli/table.h"
#include "conf.h"
#include "serve/request.h"
#include "store/contacts.h"

#define FORGET_ANSWER_US (10 * USEC_PER_SEC)
#define FORGET_WAIT_US	 (15 * USEC_PER_SEC) /* for what is pending */
#define FORGET_KEYS	 2
#define FORGET_LINE_MAX	 512 /* with all that is for the eye */
#define FORGET_MAX	 100000

struct forget_run {
	const char *conninfo; /* NULL: the configuration's */
	const char *socket;   /* the same */
	bool without_daemon;
	enum table_format format;
	struct conf *conf;
	struct caller_key keys[FORGET_KEYS];
	size_t n_keys;
	uint8_t (*hashes)[CALLER_HASH_BYTES];
	size_t n; /* of all keys */
	uint64_t numbers, unusable;
	bool spooled; /* a spool may still tell of them */
	struct table *table;
};

/* What one round of telling the daemon came to. */
struct forget_told {
	int64_t visits, callbacks, pending, commits;
	int64_t oldest_ms; /* of what stands in a spool; -1: nothing does */
	char oldest[128];  /* its feed */
};

/* --- numbers ------------------------------------------------------------- */

static int
forget_load_key(struct forget_run *run, const char *path, struct err *err)
{
	struct caller_key *key = &run->keys[run->n_keys];
	int rc;

	if (path == NULL)
		return 0;
	rc = caller_key_load(key, path, err);
	if (rc > 0)
		return err_set(err,
		    "caller key %s is not there: without it nobody can be "
		    "found",
		    path);
	run->n_keys += rc == 0;
	return rc;
}

static int
forget_load_keys(struct forget_run *run, struct err *err)
{
	if (run->conf->caller_key_file == NULL)
		return err_set(err,
		    "caller_key_file is not set: no caller is known again");
	if (forget_load_key(run, run->conf->caller_key_file, err) < 0)
		return -1;
	return forget_load_key(run, run->conf->caller_key_old_file, err);
}

/* What was said is never told again: it would stand in somebody's terminal log.
 */
static void
forget_take(struct forget_run *run, struct slice said, uint64_t line)
{
	enum customer_kind kind;
	size_t i;

	while (said.n > 0 && (unsigned char)said.p[said.n - 1] <= ' ')
		said.n--;
	if (said.n == 0)
		return;
	run->hashes = mem_realloc(
	    run->hashes, run->n + run->n_keys, sizeof(*run->hashes));
	for (i = 0; i < run->n_keys; i++) {
		kind = caller_hash_customer(run->hashes[run->n + i],
		    run->keys[i].bytes, said, run->conf->country_code);
		if (kind == CUSTOMER_NUMBER || kind == CUSTOMER_ADDRESS)
			continue;
		fprintf(stderr,
		    "line %" PRIu64 ": neither a number nor an e-mail address "
		    "stands there\n",
		    line);
		run->unusable++;
		return;
	}
	run->n += run->n_keys;
	run->numbers++;
}

static int
forget_read(struct forget_run *run, struct err *err)
{
	char text[FORGET_LINE_MAX];
	uint64_t line = 0;
	int rc = 0;

	if (isatty(STDIN_FILENO) == 1)
		fputs("Numbers or e-mail addresses, one a line, then Ctrl-D:\n",
		    stderr);
	while (rc == 0 && fgets(text, sizeof(text), stdin) != NULL) {
		line++;
		if (strchr(text, '\n') == NULL && !feof(stdin))
			rc = err_set(err, "line %" PRIu64 " is too long", line);
		else if (run->numbers == FORGET_MAX)
			rc = err_set(err, "more than %d numbers", FORGET_MAX);
		else
			forget_take(run, slice_of(text), line);
	}
	if (rc == 0 && ferror(stdin))
		rc = err_sys(err, "reading the numbers");
	if (rc == 0 && run->numbers == 0)
		rc = err_set(err, "no number or address was given");
	explicit_bzero(text, sizeof(text));
	return rc;
}

/* --- the daemon ---------------------------------------------------------- */

static void
forget_request(struct strbuf *to, const struct forget_run *run, size_t from)
{
	size_t end = RT_MIN(run->n, from + REQUEST_HASHES_MAX), i, j;

	strbuf_reset(to);
	strbuf_adds(to, "forget");
	for (i = from; i < end; i++) {
		strbuf_addc(to, i == from ? ' ' : ',');
		for (j = 0; j < CALLER_HASH_BYTES; j++)
			strbuf_addf(to, "%02x", run->hashes[i][j]);
	}
}

static int64_t
forget_number(const json_t *document, const char *key)
{
	return json_integer_value(json_object_get(document, key));
}

static void
forget_hear_spools(const json_t *spools, struct forget_told *told)
{
	const json_t *spool;
	size_t i;

	told->oldest_ms = -1;
	json_array_foreach(spools, i, spool)
	{
		const char *feed =
		    json_string_value(json_object_get(spool, "feed"));
		int64_t age_ms = forget_number(spool, "age_ms");

		if (age_ms <= told->oldest_ms)
			continue;
		told->oldest_ms = age_ms;
		snprintf(told->oldest, sizeof(told->oldest), "%s",
		    feed != NULL ? feed : "");
	}
}

static int
forget_hear(struct slice answer, struct forget_told *told, struct err *err)
{
	json_t *document = json_loadb(answer.p, answer.n, 0, NULL);

	if (!json_is_object(document)) {
		json_decref(document);
		return err_set(err, "the daemon's answer can not be read");
	}
	told->visits += forget_number(document, "visits");
	told->callbacks += forget_number(document, "callbacks");
	told->pending = forget_number(document, "pending_bytes");
	told->commits = forget_number(document, "batches_committed");
	forget_hear_spools(json_object_get(document, "spools"), told);
	json_decref(document);
	return 0;
}

/* All hashes, in as many requests as they need. */
static int
forget_tell(const struct forget_run *run, struct client *client,
    struct forget_told *told, struct err *err)
{
	struct strbuf request = STRBUF_INIT;
	struct slice answer;
	size_t from;
	int rc = 0;

	*told = (struct forget_told){0};
	for (from = 0; rc == 0 && from < run->n; from += REQUEST_HASHES_MAX) {
		forget_request(&request, run, from);
		client_ask(client, strbuf_str(&request));
		if (client_wait(client, &answer, FORGET_ANSWER_US, err) !=
		    CLIENT_ANSWERED)
			rc = -1;
		else
			rc = forget_hear(answer, told, err);
	}
	strbuf_fini(&request);
	return rc;
}

/*
 * Until what was cut before it forgot is in the database: nothing is pending,
 * or two batches were committed since (the one on its way, and the next).
 */
static int
forget_settle(const struct forget_run *run, struct client *client,
    const struct forget_told *first, struct err *err)
{
	int64_t until_us = clock_mono_us() + FORGET_WAIT_US;
	struct forget_told now = *first;

	while (now.pending > 0 && now.commits < first->commits + 2) {
		if (clock_mono_us() > until_us)
			return err_set(err,
			    "the daemon commits nothing: is the database away? "
			    "Do this again when it is back");
		poll(NULL, 0, 50);
		if (forget_tell(run, client, &now, err) < 0)
			return -1;
	}
	return 0;
}

/*
 * Until nothing stands in a spool that did when it forgot: each is as old as
 * its oldest segment, and a segment is deleted when all of it is committed.
 * That may take long, if a feed can not be read, and is no reason to erase
 * nothing.
 */
static int
forget_settle_spools(struct forget_run *run, struct client *client,
    const struct forget_told *first, struct err *err)
{
	int64_t began_us = clock_mono_us();
	struct forget_told now = *first;
	int64_t asked_us = began_us;

	while (now.oldest_ms >= (asked_us - began_us) / USEC_PER_MSEC) {
		if (asked_us - began_us > FORGET_WAIT_US) {
			fprintf(stderr,
			    "ringtally forget: in the spool of feed %s numbers "
			    "may still stand as they came, until they are "
			    "committed: do this again when it is read (see "
			    "\"ringtally feeds\")\n",
			    now.oldest);
			run->spooled = true;
			return 0;
		}
		poll(NULL, 0, 50);
		asked_us = clock_mono_us();
		if (forget_tell(run, client, &now, err) < 0)
			return -1;
	}
	return 0;
}

static void
forget_say(struct forget_run *run, const char *what, int64_t n)
{
	table_text(run->table, what);
	table_int(run->table, n);
}

/* False, and *err: a daemon that runs could not be told. */
static int
forget_daemon(struct forget_run *run, const char *path, struct err *err)
{
	struct client *client = client_new();
	struct forget_told told = {0};
	int rc = client_open(client, path, err);

	if (rc == 0)
		rc = forget_tell(run, client, &told, err);
	if (rc == 0) {
		forget_say(run, "visits in the daemon's memory", told.visits);
		forget_say(run, "to be rung back", told.callbacks);
		rc = forget_settle(run, client, &told, err);
	}
	if (rc == 0)
		rc = forget_settle_spools(run, client, &told, err);
	client_free(client);
	return rc;
}

/* --- all of it ----------------------------------------------------------- */

static void
forget_say_table(void *ctx, const char *what, int64_t n)
{
	forget_say(ctx, what, n);
}

/* Without a daemon nobody knows what stands there. */
static void
forget_note_spools(const struct conf *conf)
{
	const struct conf_feed *feed;

	for (feed = conf->feeds; feed != NULL; feed = feed->next)
		if ((feed->transport->traits & STAGE_SPOOLED) != 0)
			break;
	if (feed != NULL)
		fprintf(stderr,
		    "note: in the spools below %s numbers may stand as they "
		    "came, until the daemon runs and has committed them: do "
		    "this again then\n",
		    conf->spool_folder);
}

static int
forget_everywhere(struct forget_run *run, struct err *err)
{
	const char *path =
	    run->socket != NULL ? run->socket : run->conf->live.control;

	if (!run->without_daemon && path != NULL &&
	    forget_daemon(run, path, err) < 0)
		return err_prefix(err,
		    "the daemon could not be told (--no-daemon: none runs)");
	if (!run->without_daemon && path == NULL)
		fputs("note: no live.control is set, so no daemon was told: "
		      "start it anew\n",
		    stderr);
	if (run->without_daemon || path == NULL)
		forget_note_spools(run->conf);
	return contacts_forget(run->conninfo, run->conf->site, run->hashes[0],
	    run->n, forget_say_table, run, err);
}

static int
forget_do(struct forget_run *run)
{
	static const struct table_column heads[] = {
	    {"what", TABLE_TEXT, 0}, {"forgotten", TABLE_INT, 0}};
	struct err err, table_err;
	int rc = forget_load_keys(run, &err);

	if (rc == 0)
		rc = forget_read(run, &err);
	if (rc == 0) {
		run->table =
		    table_new(stdout, run->format, heads, RT_COUNT(heads));
		rc = forget_everywhere(run, &err);
		if (table_end(run->table, &table_err) < 0 && rc == 0) {
			err = table_err;
			rc = -1;
		}
	}
	if (rc < 0)
		fprintf(stderr, "ringtally forget: %s\n", err.text);
	return rc < 0 || run->unusable > 0 || run->spooled ? EXIT_FAILED
							   : EXIT_DONE;
}

static int
forget_options(struct forget_run *run, int argc, char **argv)
{
	static const struct option longs[] = {
	    {"conninfo", required_argument, NULL, 'C'},
	    {"no-daemon", no_argument, NULL, 'N'},
	    {"output", required_argument, NULL, 'o'},
	    {"socket", required_argument, NULL, 'S'}, {0}};
	int c, format;

	while ((c = getopt_long(argc, argv, "C:No:S:", longs, NULL)) != -1)
		switch (c) {
		case 'C':
			run->conninfo = optarg;
			break;
		case 'N':
			run->without_daemon = true;
			break;
		case 'o':
			format = table_format_parse(optarg);
			if (format < 0)
				return command_usage(&command_forget,
				    "-o takes table, csv or json");
			run->format = (enum table_format)format;
			break;
		case 'S':
			run->socket = optarg;
			break;
		default:
			return command_usage(&command_forget, NULL);
		}
	/* what stands in a command line, everybody on the machine can read */
	if (optind < argc)
		return command_usage(&command_forget,
		    "numbers come on standard input, never as arguments");
	return EXIT_DONE;
}

static int
forget_command(const char *conf_path, int argc, char **argv)
{
	struct forget_run run = {.format = TABLE_PLAIN};
	size_t i;
	int code = forget_options(&run, argc, argv);

	if (code == EXIT_DONE)
		code = command_conf(conf_path, &run.conf);
	if (code == EXIT_DONE && run.conninfo == NULL)
		run.conninfo = run.conf->database.conninfo;
	if (code == EXIT_DONE)
		code = forget_do(&run);
	for (i = 0; i < FORGET_KEYS; i++)
		caller_key_wipe(&run.keys[i]);
	free(run.hashes);
	conf_free(run.conf);
	return code;
}

const struct command command_forget = {
    .name = "forget",
    .usage = "[-C CONNINFO] [-S SOCKET] [--no-daemon] [-o table|csv|json] "
	     "<NUMBERS",
    .help = "erase callers, by number or address on standard input",
    .run = forget_command,
};
