/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ringtally contacts import: the contacts of a CSV file, which a CRM or a
 * spreadsheet has exported, into PostgreSQL.
 *
 * A dry run does all of it, in a transaction that is rolled back: so what it
 * says would come is what comes. With --check nobody is asked, not even the
 * database.
 */
#include "base/base.h"

#include <signal.h>

#include "base/clock.h"
#include "cli/contacts.h"
#include "cli/contacts_maker.h"
#include "cli/intakeopts.h"

#define IMPORT_PREFIX_MAX 64

struct import_run {
	struct intakeopts opts;
	struct contacts_maker maker;
	struct contacts *contacts; /* NULL with --check */
	struct caller_key key;
	const char *zone; /* NULL: the site's */
	const char *why;  /* NULL: the file's name */
	int64_t keep_days;
	bool check, whole;
	uint64_t good;
};

static volatile sig_atomic_t import_broken_off;

static void
import_on_signal(int signo RT_UNUSED)
{
	import_broken_off = 1;
}

static void
import_watch_signals(void)
{
	/* once: who asks again does not want to wait for the statement */
	struct sigaction action = {
	    .sa_handler = import_on_signal, .sa_flags = (int)SA_RESETHAND};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* --- before -------------------------------------------------------------- */

static void
import_take_word(
    void *ctx, const char *kind, const char *name, const char *label)
{
	struct import_run *run = ctx;

	words_add(strcmp(kind, "channel") == 0 ? &run->maker.channels
					       : &run->maker.categories,
	    name, label);
}

static void
import_refuse(void *ctx, uint64_t line, const char *source)
{
	struct import_run *run = ctx;
	struct strbuf why = STRBUF_INIT;

	strbuf_adds(&why, "ref: it is of another source's contact, \"");
	strbuf_add_escaped(&why, slice_of(source), 255);
	strbuf_adds(&why,
	    "\": a part of that (--source)? Or a contact of its own "
	    "(--ref-prefix)?");
	csvfile_refuse_line(&run->opts.file, line, strbuf_str(&why));
	strbuf_fini(&why);
}

static int
import_connect(struct import_run *run, struct err *err)
{
	struct contacts_site site = intakeopts_site(&run->opts);
	struct strbuf why = STRBUF_INIT;

	if (run->why == NULL)
		strbuf_add_escaped(&why, slice_of(run->opts.file.path), 255);
	run->contacts = contacts_open(run->opts.conninfo, &site,
	    run->why != NULL ? run->why : why.p, run->whole || run->opts.dry,
	    err);
	strbuf_fini(&why);
	if (run->contacts == NULL)
		return -1;
	contacts_set_refused(run->contacts, import_refuse, run);
	if (contacts_keep_days(run->contacts, &run->keep_days, err) < 0)
		return -1;
	run->maker.kept_from_us =
	    clock_wall_us() - run->keep_days * 24 * 3600 * USEC_PER_SEC;
	return contacts_words(run->contacts, import_take_word, run, err);
}

/* Only where it is needed: it is readable by the daemon's user alone. */
static int
import_load_key(struct import_run *run, struct err *err)
{
	const char *path;
	int rc;

	if (run->check || !mapping_has(&run->opts.map, CONTACTS_CUSTOMER))
		return 0;
	path = run->opts.conf->caller_key_file;
	if (path == NULL)
		return err_set(err,
		    "customers can not be known again: caller_key_file is not "
		    "set");
	rc = caller_key_load(&run->key, path, err);
	if (rc > 0)
		return err_set(err,
		    "caller key %s is not there: the daemon makes it when it "
		    "starts",
		    path);
	run->maker.key = &run->key;
	run->maker.country_code = run->opts.conf->country_code;
	return rc;
}

static int
import_open(struct import_run *run, const char *path, struct err *err)
{
	const char *zone = run->zone;

	if (zone == NULL)
		zone = run->opts.conf->timezone;
	run->maker.file = &run->opts.file;
	run->maker.conf = run->opts.conf;
	run->maker.source =
	    slice_of(run->opts.source != NULL ? run->opts.source : "import");
	if (timefmt_set_zone(&run->maker.times, zone, err) < 0 ||
	    csvfile_open(&run->opts.file, path, err) < 0 ||
	    import_load_key(run, err) < 0)
		return -1;
	return run->check ? 0 : import_connect(run, err);
}

/* --- reading ------------------------------------------------------------- */

static int
import_read(struct import_run *run, struct err *err)
{
	struct csvfile *file = &run->opts.file;
	struct contacts_row row;
	enum csv_says says;

	while ((says = csvfile_next(file, err)) == CSV_RECORD) {
		if (import_broken_off)
			return err_set(err, "broken off");
		if (!contacts_make(&run->maker, &row))
			continue;
		run->good++;
		if (run->contacts != NULL &&
		    contacts_add(run->contacts, &row, err) < 0)
			return -1;
	}
	if (says == CSV_FAILED)
		return -1;
	if (run->contacts == NULL)
		return 0;
	/* the database may refuse more of them */
	if (contacts_flush(run->contacts, err) < 0)
		return -1;
	if (run->opts.dry || (run->whole && file->refused > 0))
		return 0;
	return contacts_commit(run->contacts, err);
}

/* --- after --------------------------------------------------------------- */

static void
import_say_words(const struct words *words)
{
	size_t i;

	for (i = 0; i < words->n_unknown; i++)
		fprintf(stderr,
		    "note: %s \"%s\" is not known here: kept as it is, and not "
		    "assessed (%" PRIu64 " contacts)\n",
		    words->kind, words->unknown[i].word,
		    words->unknown[i].contacts);
	if (words->others > 0)
		fprintf(stderr,
		    "note: more such words, of %" PRIu64 " contacts\n",
		    words->others);
}

static void
import_say_count(uint64_t n, const char *what)
{
	if (n > 0)
		fprintf(stderr, "note: %" PRIu64 " %s\n", n, what);
}

static void
import_say_notes(const struct import_run *run)
{
	const struct contacts_maker *m = &run->maker;

	if (run->good > 0 && !mapping_has(&run->opts.map, CONTACTS_REF))
		fputs("note: no column is the ref, so refs were made from the "
		      "rows: the same row is the\nsame contact, a row that is "
		      "corrected later is another one\n",
		    stderr);
	import_say_words(&m->channels);
	import_say_words(&m->categories);
	import_say_count(m->cut, "texts were cut off at 255 bytes");
	import_say_count(m->rounded,
	    "customers are numbers that a spreadsheet has rounded "
	    "(4.4E+11): left out");
	import_say_count(m->neither,
	    "customers are neither numbers nor e-mail addresses: left out");
	if (m->older > 0)
		fprintf(stderr,
		    "note: %" PRIu64 " contacts are older than contacts are "
		    "kept (%" PRId64 " days): they will be in no figure\n",
		    m->older, run->keep_days);
	import_say_count(m->times.ambiguous,
	    "times are of an hour that the clocks repeated: taken for the "
	    "first");
}

static int
import_say(struct import_run *run)
{
	const struct contacts_counts *counts;

	if (run->contacts == NULL) {
		run->opts.dry = true;
		intakeopts_say(
		    &run->opts, "contacts", "%" PRIu64 " good", run->good);
	} else {
		if (run->whole && run->opts.file.refused > 0)
			run->opts.dry = true;
		counts = contacts_counted(run->contacts);
		intakeopts_say(&run->opts, "contacts",
		    "%" PRId64 " new, %" PRId64 " changed, %" PRId64
		    " as before",
		    counts->added, counts->changed, counts->same);
	}
	import_say_notes(run);
	if (run->opts.file.refused > 0) {
		command_printed();
		return EXIT_FAILED;
	}
	return command_printed();
}

/* What an import that failed has left behind. */
static void
import_say_left(const struct import_run *run)
{
	const struct contacts_counts *counts;

	if (run->contacts == NULL)
		return;
	counts = contacts_counted(run->contacts);
	if (run->whole || run->opts.dry)
		fputs("nothing was written\n", stderr);
	else
		fprintf(stderr,
		    "%" PRId64 " contacts are written, and will be known when "
		    "this is done again\n",
		    counts->added + counts->changed + counts->same);
}

static int
import_do(struct import_run *run, const char *path)
{
	struct err err;
	int code = EXIT_FAILED, rc;

	import_watch_signals();
	rc = import_open(run, path, &err);
	if (rc == 0)
		rc = import_read(run, &err);
	csvfile_clear(&run->opts.file);
	progress_end(&run->opts.file.progress);
	if (rc < 0) {
		fprintf(stderr, "ringtally contacts import: %s\n", err.text);
		import_say_left(run);
	} else {
		code = import_say(run);
	}
	contacts_close(run->contacts);
	caller_key_wipe(&run->key);
	return code;
}

/* --- the command --------------------------------------------------------- */

static int
import_option(struct import_run *run, int c, const char *value, struct err *err)
{
	switch (c) {
	case 'k':
		run->check = true;
		return 1;
	case 'P':
	case 'Q':
		if (strlen(value) > IMPORT_PREFIX_MAX)
			return err_set(err, "a prefix has %d bytes at most",
			    IMPORT_PREFIX_MAX);
		*(c == 'P' ? &run->maker.ref_prefix
			   : &run->maker.request_prefix) = slice_of(value);
		return 1;
	case 't':
		return timefmt_add(&run->maker.times, value, err) < 0 ? -1 : 1;
	case 'W':
		run->why = value;
		return 1;
	case 'w':
		run->whole = true;
		return 1;
	case 'z':
		run->zone = value;
		return 1;
	default:
		return intakeopts_take(&run->opts, c, value, err);
	}
}

static int
import_options(struct import_run *run, int argc, char **argv)
{
	static const struct option longs[] = {INTAKEOPTS_LONG,
	    {"check", no_argument, NULL, 'k'},
	    {"ref-prefix", required_argument, NULL, 'P'},
	    {"request-prefix", required_argument, NULL, 'Q'},
	    {"time-format", required_argument, NULL, 't'},
	    {"timezone", required_argument, NULL, 'z'},
	    {"whole", no_argument, NULL, 'w'},
	    {"why", required_argument, NULL, 'W'}, {0}};
	struct err err;
	int c, rc;

	while ((c = getopt_long(
		    argc, argv, INTAKEOPTS_SHORT "t:z:", longs, NULL)) != -1) {
		rc = import_option(run, c, optarg, &err);
		if (rc < 0)
			return command_usage(
			    &command_contacts, "import: %s", err.text);
		if (rc == 0)
			return command_usage(&command_contacts, NULL);
	}
	if (argc - optind != 1)
		return command_usage(
		    &command_contacts, "import: one FILE is needed");
	return EXIT_DONE;
}

int
contacts_import(const char *conf_path, int argc, char **argv)
{
	struct import_run run = {.check = false};
	int code;

	intakeopts_init(&run.opts, contacts_fields);
	contacts_maker_init(&run.maker);
	code = import_options(&run, argc, argv);
	/* whoever only looks at a file needs no site */
	if (code == EXIT_DONE && !(run.check && run.zone != NULL))
		code = intakeopts_conf(&run.opts, conf_path);
	if (code == EXIT_DONE)
		code = import_do(&run, argv[optind]);
	contacts_maker_fini(&run.maker);
	intakeopts_fini(&run.opts);
	return code;
}
