/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ringtally contacts sheet: what an office has counted by hand in a sampling
 * period, by channel, service and category. Either a column is the category
 * and one the count, or each category has a column of its own, as on paper:
 *
 *	Channel,Service,Progress chasing,Not avoidable
 *	Face to face,Housing,14,52
 *
 * Lines of the same kind (a line for each day, say) are added up. A sheet is
 * taken as a whole: one line that is refused, and nothing of it is written.
 */
#include "base/base.h"

#include "base/table.h"
#include "base/utf8.h"
#include "cli/contacts.h"
#include "cli/contacts_maker.h"
#include "cli/intakeopts.h"

enum sheet_field {
	SHEET_CHANNEL,
	SHEET_SERVICE,
	SHEET_CATEGORY,
	SHEET_CONTACTS,
	SHEET_RESOLVED,
	SHEET_REQUESTS,
	SHEET_FIELDS
};

static const struct mapping_field sheet_fields[] = {
    [SHEET_CHANNEL] = {"channel", true},
    [SHEET_SERVICE] = {"service", false},
    [SHEET_CATEGORY] = {"category", false},
    [SHEET_CONTACTS] = {"contacts", false},
    [SHEET_RESOLVED] = {"resolved", false},
    [SHEET_REQUESTS] = {"requests", false},
    [SHEET_FIELDS] = {NULL, false},
};

#define SHEET_COUNT_MAX 1000000000 /* of a line, and of a sum */
#define SHEET_KEY_MAX	(3 * (CONTACTS_TEXT_MAX + 1))

/* The sum of all lines of a kind. */
struct sheet_sum {
	UT_hash_handle hh;
	struct contacts_sheet_row row; /* its texts lie in key */
	size_t key_len;
	char key[SHEET_KEY_MAX];
};

/* A category that has a column of its own. */
struct sheet_column {
	unsigned at;
	const char *category;
};

struct sheet_run {
	struct intakeopts opts;
	const char *period;
	const char *why; /* NULL: the file's name */
	struct words channels, categories;
	struct sheet_column wide[CSV_FIELDS];
	unsigned n_wide; /* 0: there are a category and its count */
	struct sheet_sum *sums;
	struct contacts_sheet_counts counts;
};

/* --- the columns --------------------------------------------------------- */

static void
sheet_take_word(
    void *ctx, const char *kind, const char *name, const char *label)
{
	struct sheet_run *run = ctx;

	words_add(
	    strcmp(kind, "channel") == 0 ? &run->channels : &run->categories,
	    name, label);
}

static int
sheet_ask_words(struct sheet_run *run, struct err *err)
{
	struct contacts_site site = intakeopts_site(&run->opts);
	struct contacts *contacts =
	    contacts_open(run->opts.conninfo, &site, NULL, false, err);
	int rc;

	if (contacts == NULL)
		return -1;
	rc = contacts_words(contacts, sheet_take_word, run, err);
	contacts_close(contacts);
	return rc;
}

static bool
sheet_is_mapped(const struct sheet_run *run, unsigned column)
{
	unsigned i;

	for (i = 0; i < SHEET_FIELDS; i++)
		if (run->opts.map.of[i].at == column)
			return true;
	return false;
}

static int
sheet_find_wide(struct sheet_run *run, struct err *err)
{
	const struct csv *head = &run->opts.file.reader.csv;
	const char *name;
	unsigned i;

	for (i = 0; i < head->n; i++) {
		name = words_known(&run->categories, head->field[i]);
		if (name != NULL && !sheet_is_mapped(run, i))
			run->wide[run->n_wide++] =
			    (struct sheet_column){i, name};
	}
	if (run->n_wide > 0)
		return 0;
	return err_set(err,
	    "%s: neither columns \"category\" and \"contacts\" nor a column "
	    "that is called like a category",
	    run->opts.file.path);
}

static int
sheet_find_columns(struct sheet_run *run, struct err *err)
{
	const struct mapping *map = &run->opts.map;
	bool category = mapping_has(map, SHEET_CATEGORY);

	if (!category && !mapping_has(map, SHEET_CONTACTS))
		return sheet_find_wide(run, err);
	if (!category || !mapping_has(map, SHEET_CONTACTS))
		return err_set(err, "%s: no column \"%s\"", run->opts.file.path,
		    category ? "contacts" : "category");
	return 0;
}

/* --- sums ---------------------------------------------------------------- */

/* A key of the three, and the three within it. */
static void
sheet_key(struct sheet_sum *sum, struct slice channel, struct slice service,
    struct slice category)
{
	const struct slice from[] = {channel, service, category};
	struct slice *const to[] = {
	    &sum->row.channel, &sum->row.service, &sum->row.category};
	size_t i, n = 0;

	for (i = 0; i < RT_COUNT(from); i++) {
		size_t part = utf8_clean(
		    sum->key + n, CONTACTS_TEXT_MAX, from[i].p, from[i].n);

		*to[i] = (struct slice){sum->key + n, part};
		n += part;
		sum->key[n++] = '\0';
	}
	sum->key_len = n;
}

static void
sheet_add_known(int64_t *sum, int64_t n)
{
	/* a sum of which a part is not known is not known */
	*sum = *sum < 0 || n < 0 ? -1 : RT_MIN(*sum + n, SHEET_COUNT_MAX);
}

static void
sheet_add(struct sheet_run *run, struct slice channel, struct slice service,
    struct slice category, const int64_t counts[3])
{
	struct sheet_sum *sum = mem_zalloc(sizeof(*sum)), *old;

	sheet_key(sum, channel, service, category);
	HASH_FIND(hh, run->sums, sum->key, sum->key_len, old);
	if (old == NULL) {
		sum->row.contacts = counts[0];
		sum->row.resolved = counts[1];
		sum->row.requests = counts[2];
		HASH_ADD(hh, run->sums, key[0], sum->key_len, sum);
		return;
	}
	free(sum);
	sheet_add_known(&old->row.contacts, counts[0]);
	sheet_add_known(&old->row.resolved, counts[1]);
	sheet_add_known(&old->row.requests, counts[2]);
}

/* --- lines --------------------------------------------------------------- */

/* A count, or nothing: -1. */
static bool
sheet_count(
    struct sheet_run *run, unsigned field, struct slice text, int64_t *n)
{
	*n = -1;
	if (text.n == 0)
		return true;
	if (slice_uint(text, n) && *n <= SHEET_COUNT_MAX)
		return true;
	return csvfile_refuse(&run->opts.file, field, text, "not a count");
}

static bool
sheet_word(struct sheet_run *run, struct words *words, unsigned field,
    struct slice *word)
{
	const char *name;

	*word = mapping_get(&run->opts.map, field, &run->opts.file.reader.csv);
	name = words_known(words, *word);
	if (name == NULL)
		return csvfile_refuse(&run->opts.file, field, *word,
		    word->n == 0 ? "there is none"
				 : "not known here (--value?)");
	*word = slice_of(name);
	return true;
}

static bool
sheet_narrow_line(
    struct sheet_run *run, struct slice channel, struct slice service)
{
	const struct csv *csv = &run->opts.file.reader.csv;
	const struct mapping *map = &run->opts.map;
	struct slice category;
	int64_t n[3];
	unsigned i;

	if (!sheet_word(run, &run->categories, SHEET_CATEGORY, &category))
		return false;
	for (i = 0; i < 3; i++)
		if (!sheet_count(run, SHEET_CONTACTS + i,
			mapping_get(map, SHEET_CONTACTS + i, csv), &n[i]))
			return false;
	if (n[0] < 0)
		return csvfile_refuse(&run->opts.file, SHEET_CONTACTS,
		    SLICE(""), "there is none");
	if (n[1] > n[0])
		return csvfile_refuse(&run->opts.file, SHEET_RESOLVED,
		    mapping_get(map, SHEET_RESOLVED, csv),
		    "more than there were contacts");
	sheet_add(run, channel, service, category, n);
	return true;
}

static bool
sheet_wide_line(
    struct sheet_run *run, struct slice channel, struct slice service)
{
	const struct csv *csv = &run->opts.file.reader.csv;
	unsigned i;

	for (i = 0; i < run->n_wide; i++) {
		int64_t n[3] = {-1, -1, -1};
		struct slice text = {"", 0};

		if (run->wide[i].at < csv->n)
			text = mapping_trim(csv->field[run->wide[i].at]);
		if (!sheet_count(run, SHEET_CONTACTS, text, &n[0]))
			return false;
		if (n[0] >= 0)
			sheet_add(run, channel, service,
			    slice_of(run->wide[i].category), n);
	}
	return true;
}

static int
sheet_read(struct sheet_run *run, struct err *err)
{
	struct csvfile *file = &run->opts.file;
	struct slice channel, service;
	enum csv_says says;

	while ((says = csvfile_next(file, err)) == CSV_RECORD) {
		if (!sheet_word(run, &run->channels, SHEET_CHANNEL, &channel))
			continue;
		service =
		    mapping_get(file->map, SHEET_SERVICE, &file->reader.csv);
		if (run->n_wide > 0)
			sheet_wide_line(run, channel, service);
		else
			sheet_narrow_line(run, channel, service);
	}
	return says == CSV_FAILED ? -1 : 0;
}

/* --- the database -------------------------------------------------------- */

static int
sheet_write(struct sheet_run *run, struct err *err)
{
	size_t n = HASH_COUNT(run->sums), i = 0;
	struct contacts_sheet_row *rows = mem_zalloc((n + 1) * sizeof(*rows));
	struct contacts_site site = intakeopts_site(&run->opts);
	struct strbuf file = STRBUF_INIT;
	struct sheet_sum *sum;
	int rc;

	strbuf_add_escaped(&file, slice_of(run->opts.file.path), 255);
	for (sum = run->sums; sum != NULL; sum = sum->hh.next)
		rows[i++] = sum->row;
	rc = contacts_sheet(run->opts.conninfo, &site, run->period,
	    run->opts.source != NULL ? run->opts.source : "sheet",
	    run->why != NULL ? run->why : file.p, rows, n, run->opts.dry,
	    &run->counts, err);
	strbuf_fini(&file);
	free(rows);
	return rc;
}

static int
sheet_say(struct sheet_run *run)
{
	int printed;

	intakeopts_say(&run->opts, "lines",
	    "%" PRId64 " counts new, %" PRId64 " changed, %" PRId64
	    " as before, %" PRId64 " taken away",
	    run->counts.added, run->counts.changed, run->counts.same,
	    run->counts.removed);
	printed = command_printed();
	return run->opts.file.refused > 0 ? EXIT_FAILED : printed;
}

static int
sheet_do(struct sheet_run *run, const char *path)
{
	struct err err;
	int rc;

	rc = sheet_ask_words(run, &err);
	if (rc == 0)
		rc = csvfile_open(&run->opts.file, path, &err);
	if (rc == 0)
		rc = sheet_find_columns(run, &err);
	if (rc == 0)
		rc = sheet_read(run, &err);
	progress_end(&run->opts.file.progress);
	/* of a part of a sheet nobody could say what it is a sample of */
	run->opts.dry = run->opts.dry || run->opts.file.refused > 0;
	if (rc == 0)
		rc = sheet_write(run, &err);
	if (rc == 0)
		return sheet_say(run);
	fprintf(stderr, "ringtally contacts sheet: %s\n", err.text);
	return EXIT_FAILED;
}

/* --- the command --------------------------------------------------------- */

static int
sheet_options(struct sheet_run *run, int argc, char **argv)
{
	static const struct option longs[] = {INTAKEOPTS_LONG,
	    {"period", required_argument, NULL, 'p'},
	    {"why", required_argument, NULL, 'W'}, {0}};
	struct err err;
	int c, rc;

	while ((c = getopt_long(
		    argc, argv, INTAKEOPTS_SHORT "p:", longs, NULL)) != -1) {
		if (c == 'p') {
			run->period = optarg;
			continue;
		}
		if (c == 'W') {
			run->why = optarg;
			continue;
		}
		rc = intakeopts_take(&run->opts, c, optarg, &err);
		if (rc < 0)
			return command_usage(
			    &command_contacts, "sheet: %s", err.text);
		if (rc == 0)
			return command_usage(&command_contacts, NULL);
	}
	if (run->period == NULL || argc - optind != 1)
		return command_usage(&command_contacts,
		    "sheet: --period and one FILE are needed");
	return EXIT_DONE;
}

static void
sheet_fini(struct sheet_run *run)
{
	struct sheet_sum *sum, *next;

	for (sum = run->sums; sum != NULL; sum = next) {
		next = sum->hh.next;
		HASH_DEL(run->sums, sum);
		free(sum);
	}
	words_fini(&run->channels);
	words_fini(&run->categories);
	intakeopts_fini(&run->opts);
}

int
contacts_sheet_in(const char *conf_path, int argc, char **argv)
{
	struct sheet_run *run = mem_zalloc(sizeof(*run));
	int code;

	intakeopts_init(&run->opts, sheet_fields);
	code = sheet_options(run, argc, argv);
	if (code == EXIT_DONE)
		code = intakeopts_conf(&run->opts, conf_path);
	if (code == EXIT_DONE)
		code = sheet_do(run, argv[optind]);
	sheet_fini(run);
	free(run);
	return code;
}
