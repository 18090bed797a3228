/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/phone.h"
#include "base/strbuf.h"
#include "cli/csvfile.h"
#include "feed/input.h"

#define CSVFILE_SHOWN 60 /* bytes of a value */

static ssize_t
csvfile_fill(void *ctx, void *to, size_t n, struct err *err)
{
	struct csvfile *file = ctx;
	ssize_t got = input_read(file->in, to, n, err);
	int64_t done;

	input_progress(file->in, &done);
	progress_at(&file->progress, (uint64_t)done);
	return got;
}

int
csvfile_open(struct csvfile *file, const char *path, struct err *err)
{
	struct csv_options options = {.separator = file->separator,
	    .encoding = file->encoding,
	    .fill = csvfile_fill,
	    .ctx = file};
	const char *name = strrchr(path, '/');
	enum csv_says says;
	int64_t done;

	file->path = strcmp(path, "-") == 0 ? "standard input" : path;
	snprintf(file->title, sizeof(file->title), "reading %.40s",
	    name != NULL ? name + 1 : file->path);
	file->in = input_open(path, err);
	if (file->in == NULL)
		return -1;
	progress_start(&file->progress, file->title,
	    (uint64_t)RT_MAX(input_progress(file->in, &done), INT64_C(0)));
	csv_reader_init(&file->reader, &options);
	says = csv_read(&file->reader, err);
	if (says == CSV_RECORD &&
	    mapping_find(file->map, &file->reader.csv, err) == 0)
		return 0;
	if (says == CSV_END)
		err_set(err, "it is empty: its first line must name columns");
	else if (says == CSV_BAD)
		err_set(err, "line %" PRIu64 ", column %" PRIu64 ": %s",
		    file->reader.line, file->reader.column, file->reader.why);
	csvfile_close(file);
	return err_prefix(err, "%s", file->path);
}

void
csvfile_close(struct csvfile *file)
{
	progress_end(&file->progress);
	if (file->in == NULL)
		return;
	csv_reader_fini(&file->reader);
	input_close(file->in);
	file->in = NULL;
}

void
csvfile_clear(struct csvfile *file)
{
	progress_clear(&file->progress);
}

/* --- what is wrong ------------------------------------------------------- */

/* False: enough was said. */
static bool
csvfile_may_say(struct csvfile *file)
{
	file->refused++;
	csvfile_clear(file);
	if (file->refused == file->errors_max + 1 && file->errors_max > 0)
		fprintf(stderr, "%s: more such lines are only counted\n",
		    file->path);
	return file->refused <= file->errors_max;
}

void
csvfile_refuse_line(struct csvfile *file, uint64_t line, const char *why)
{
	if (csvfile_may_say(file))
		fprintf(stderr, "%s:%" PRIu64 ": %s\n", file->path, line, why);
}

static bool
csvfile_refuse_record(
    struct csvfile *file, uint64_t line, uint64_t column, const char *why)
{
	if (csvfile_may_say(file))
		fprintf(stderr, "%s:%" PRIu64 ":%" PRIu64 ": %s\n", file->path,
		    line, column, why);
	return false;
}

static bool
csvfile_refuse_field(struct csvfile *file, unsigned field, struct slice value,
    bool hide, const char *why)
{
	const struct mapping *map = file->map;
	struct strbuf shown = STRBUF_INIT;
	uint64_t line = file->reader.line, column = 1;

	if (!csvfile_may_say(file))
		return false;
	if (map->of[field].at < file->reader.csv.n)
		csv_field_at(&file->reader, map->of[field].at, &line, &column);
	strbuf_add_escaped(&shown, value, CSVFILE_SHOWN);
	if (hide && shown.n > 0)
		phone_hide(shown.p, shown.n);
	fprintf(stderr, "%s:%" PRIu64 ":%" PRIu64 ": %s: \"%s\": %s\n",
	    file->path, line, column, map->fields[field].name,
	    strbuf_str(&shown), why);
	strbuf_fini(&shown);
	return false;
}

bool
csvfile_refuse(
    struct csvfile *file, unsigned field, struct slice value, const char *why)
{
	return csvfile_refuse_field(file, field, value, true, why);
}

bool
csvfile_refuse_time(
    struct csvfile *file, unsigned field, struct slice value, const char *why)
{
	return csvfile_refuse_field(file, field, value, false, why);
}

/* --- records ------------------------------------------------------------- */

/* Nothing stands in the fields from i on. */
static bool
csvfile_is_empty(const struct csvfile *file, unsigned i)
{
	for (; i < file->reader.csv.n; i++)
		if (mapping_trim(file->reader.csv.field[i]).n > 0)
			return false;
	return true;
}

/* As many fields as the first record has, within reason. */
static bool
csvfile_fits(struct csvfile *file)
{
	unsigned n = file->reader.csv.n, wanted = file->map->columns;
	uint64_t line, column;
	char why[96];

	if (n == wanted || (n < wanted && file->ragged) ||
	    (n > wanted && csvfile_is_empty(file, wanted)))
		return true;
	csv_field_at(&file->reader, RT_MIN(n, wanted), &line, &column);
	snprintf(why, sizeof(why), "%u fields, but the first line has %u%s", n,
	    wanted, n < wanted ? " (--ragged takes that)" : "");
	return csvfile_refuse_record(file, line, column, why);
}

enum csv_says
csvfile_next(struct csvfile *file, struct err *err)
{
	enum csv_says says;

	for (;;) {
		says = csv_read(&file->reader, err);
		if (says == CSV_FAILED)
			err_prefix(err, "%s", file->path);
		if (says == CSV_FAILED || says == CSV_END)
			return says;
		if (says == CSV_RECORD && csvfile_is_empty(file, 0))
			continue;
		file->records++;
		if (says == CSV_BAD)
			csvfile_refuse_record(file, file->reader.line,
			    file->reader.column, file->reader.why);
		else if (csvfile_fits(file))
			return says;
	}
}

/* --- options ------------------------------------------------------------- */

bool
csvfile_set_separator(struct csvfile *file, const char *text)
{
	if (strcmp(text, "tab") == 0 || strcmp(text, "\\t") == 0)
		text = "\t";
	if (text[0] == '\0' || text[1] != '\0' ||
	    strchr("\"\r\n", text[0]) != NULL || (unsigned char)text[0] > 0x7e)
		return false;
	file->separator = text[0];
	return true;
}

bool
csvfile_set_encoding(struct csvfile *file, const char *text)
{
	static const struct {
		const char *name;
		enum csv_encoding encoding;
	} known[] = {{"utf-8", CSV_UTF8}, {"utf8", CSV_UTF8},
	    {"windows-1252", CSV_WINDOWS_1252}, {"cp1252", CSV_WINDOWS_1252},
	    {"latin1", CSV_WINDOWS_1252}};
	size_t i;

	for (i = 0; i < RT_COUNT(known); i++)
		if (strcasecmp(text, known[i].name) == 0) {
			file->encoding = known[i].encoding;
			return true;
		}
	return false;
}
