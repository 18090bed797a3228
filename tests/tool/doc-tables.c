/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes what the manual says of options, stages, measures and counters from
 * the tables that the programs use, so that the two cannot disagree.
 *
 * Reads a page from standard input and writes it to standard output. What
 * stands between a line with "begin generated NAME" and the next one with "end
 * generated" is replaced by the section of that name; all else is copied.
 * With -l it lists the sections; with -t FILE it loads a configuration, for
 * those that the manual and the samples show.
 */
#include "base/base.h"

#include "base/strbuf.h"
#include "conf.h"
#include "event/counters.h"
#include "feed/transports.h"
#include "format/formats.h"
#include "tally/measure.h"

#define DOC_WIDTH 78

/* -- text for mdoc -------------------------------------------------------- */

/* Folders that configure chose are filled in when the page is made. */
static void
doc_add_path(struct strbuf *b, const char *text)
{
	static const struct {
		const char *value, *name;
	} folders[] = {
	    {PKGDATADIR "/", "@pkgdatadir@/"},
	    {LOCALSTATEDIR "/", "@localstatedir@/"},
	    {SYSCONFDIR "/", "@sysconfdir@/"},
	};
	size_t i, n;

	for (i = 0; i < RT_COUNT(folders); i++) {
		n = strlen(folders[i].value);
		if (strncmp(text, folders[i].value, n) == 0) {
			strbuf_adds(b, folders[i].name);
			text += n;
		}
	}
	strbuf_adds(b, text);
}

/* A word at the start of a line must not be taken for a request. */
static void
doc_put_word(const char *word, size_t n, bool first)
{
	size_t i;

	if (first && (word[0] == '.' || word[0] == '\''))
		fputs("\\&", stdout);
	for (i = 0; i < n; i++)
		if (word[i] == '\\')
			fputs("\\e", stdout);
		else
			putchar(word[i]);
}

/* Words in lines of DOC_WIDTH, each sentence on a line of its own. */
static void
doc_put_text(const char *text)
{
	size_t column = 0, n;
	bool ended = false;

	while (*(text += strspn(text, " ")) != '\0') {
		n = strcspn(text, " ");
		if (column > 0 && (ended || column + 1 + n > DOC_WIDTH)) {
			putchar('\n');
			column = 0;
		}
		if (column > 0)
			putchar(' ');
		doc_put_word(text, n, column == 0);
		column += n + (column > 0);
		ended = text[n - 1] == '.';
		text += n;
	}
	putchar('\n');
}

/* -- options -------------------------------------------------------------- */

static const char *
doc_type(enum option_type type)
{
	static const char *const names[] = {[OPTION_TEXT] = "Text",
	    [OPTION_TEXTS] = "List of texts",
	    [OPTION_INT] = "Whole number",
	    [OPTION_REAL] = "Number",
	    [OPTION_SECS] = "Number of seconds",
	    [OPTION_BOOL] = "true or false",
	    [OPTION_INTS] = "List of whole numbers",
	    [OPTION_CHOICE] = "One of"};

	return names[type];
}

static void
doc_add_range(struct strbuf *b, const struct option_row *row)
{
	size_t i;

	switch (row->type) {
	case OPTION_CHOICE:
		for (i = 0; row->choices[i] != NULL; i++)
			strbuf_addf(
			    b, "%s \"%s\"", i > 0 ? "," : "", row->choices[i]);
		break;
	case OPTION_INT:
	case OPTION_INTS:
	case OPTION_REAL:
	case OPTION_SECS:
		strbuf_addf(b, ", from %.15g to %.15g", row->min, row->max);
		if (row->type != OPTION_SECS && row->unit[0] != '\0')
			strbuf_addf(b, " %s", row->unit);
		break;
	case OPTION_TEXT:
	case OPTION_TEXTS:
		if (row->max > 0)
			strbuf_addf(b, " of up to %.15g bytes", row->max);
		break;
	case OPTION_BOOL:
		break;
	}
}

static void
doc_add_preset(struct strbuf *b, const struct option_row *row)
{
	const char *quote;

	if (row->required) {
		strbuf_adds(b, "; required");
		return;
	}
	if (row->preset == NULL)
		return;
	strbuf_adds(b, "; default ");
	if (row->type == OPTION_INTS) {
		strbuf_addf(b, "[ %s ]", row->preset);
		return;
	}
	quote =
	    row->type == OPTION_TEXT || row->type == OPTION_CHOICE ? "\"" : "";
	strbuf_adds(b, quote);
	doc_add_path(b, row->preset);
	strbuf_adds(b, quote);
}

static void
doc_put_option(const struct option_row *row)
{
	struct strbuf b = STRBUF_INIT;

	printf(".It Ic %s\n", row->name);
	doc_put_text(row->help);
	strbuf_adds(&b, doc_type(row->type));
	doc_add_range(&b, row);
	doc_add_preset(&b, row);
	strbuf_adds(
	    &b, row->on_reload ? "; a reload takes it over in passing." : ".");
	doc_put_text(b.p);
	strbuf_fini(&b);
}

static void
doc_put_options(const struct option_row *row, const char *group)
{
	puts(".Bl -tag -width Ds");
	for (; row->name != NULL; row++)
		if (option_in_group(row, group))
			doc_put_option(row);
	puts(".El");
}

static void
doc_put_stages(const struct stage *const *stages)
{
	puts(".Bl -tag -width Ds");
	for (; *stages != NULL; stages++) {
		printf(".It Cm %s\n", (*stages)->name);
		doc_put_text((*stages)->help);
		if ((*stages)->options != NULL)
			doc_put_options((*stages)->options, NULL);
	}
	puts(".El");
}

/* -- what is counted ------------------------------------------------------ */

static void
doc_put_figure(const char *name, const char *unit, const char *help)
{
	printf(".It Va %s Pq %s\n", name, unit);
	doc_put_text(help);
}

static void
doc_put_measures(const struct measure_row *rows, size_t n)
{
	size_t i;

	puts(".Bl -tag -width Ds");
	for (i = 0; i < n; i++)
		doc_put_figure(rows[i].name, rows[i].unit, rows[i].help);
	puts(".El");
}

static void
doc_put_counters(void)
{
	size_t i;

	puts(".Bl -tag -width Ds");
	for (i = 0; i < COUNTERS; i++)
		doc_put_figure(counter_rows[i].name, counter_rows[i].unit,
		    counter_rows[i].help);
	puts(".El");
}

/* -- what formats know ----------------------------------------------------- */

static const char *const doc_facts[STAGE_FACTS] = {
#define FACT(name, help) help,
#include "event/facts.def"
#undef FACT
};

/* Their names are too long for heads of columns: letters stand for them. */
static void
doc_put_letters(void)
{
	size_t i;

	puts(".Bl -tag -width Ds -compact");
	for (i = 0; formats[i] != NULL; i++)
		printf(".It %c\n.Cm %s\n", (char)('A' + i), formats[i]->name);
	puts(".El\n.Pp");
}

static void
doc_put_fact(int fact)
{
	size_t i;

	printf(".It %s", doc_facts[fact]);
	for (i = 0; formats[i] != NULL; i++)
		printf(" Ta %s",
		    (formats[i]->facts & 1U << fact) != 0 ? "x" : "\\(en");
	putchar('\n');
}

static void
doc_put_facts(void)
{
	const char *widest = "";
	size_t i;
	int fact;

	for (fact = 0; fact < STAGE_FACTS; fact++)
		if (strlen(doc_facts[fact]) > strlen(widest))
			widest = doc_facts[fact];
	doc_put_letters();
	printf(".Bl -column \"%s\"", widest);
	for (i = 0; formats[i] != NULL; i++)
		printf(" A");
	printf(" -compact\n.It");
	for (i = 0; formats[i] != NULL; i++)
		printf(" Ta %c", (char)('A' + i));
	putchar('\n');
	for (fact = 0; fact < STAGE_FACTS; fact++)
		doc_put_fact(fact);
	puts(".El");
}

/* -- pages ---------------------------------------------------------------- */

/* The other sections; "options" and "options GROUP" come on top. */
static void
doc_put_transports(void)
{
	doc_put_stages(transports);
}

static void
doc_put_formats(void)
{
	doc_put_stages(formats);
}

static void
doc_put_queue_measures(void)
{
	doc_put_measures(measure_rows, MEASURES);
}

static void
doc_put_agent_measures(void)
{
	doc_put_measures(agent_measure_rows, AGENT_MEASURES);
}

static const struct {
	const char *name;
	void (*put)(void);
} doc_sections[] = {
    {"transports", doc_put_transports},
    {"formats", doc_put_formats},
    {"measures", doc_put_queue_measures},
    {"agent measures", doc_put_agent_measures},
    {"counters", doc_put_counters},
    {"facts", doc_put_facts},
};

static int
doc_put_section(const char *name)
{
	size_t i;

	if (strcmp(name, "options") == 0) {
		doc_put_options(conf_options, "");
		return 0;
	}
	if (strncmp(name, "options ", 8) == 0) {
		doc_put_options(conf_options, name + 8);
		return 0;
	}
	for (i = 0; i < RT_COUNT(doc_sections); i++)
		if (strcmp(doc_sections[i].name, name) == 0) {
			doc_sections[i].put();
			return 0;
		}
	fprintf(stderr, "doc-tables: no section \"%s\"\n", name);
	return -1;
}

/* All sections that some page must have. */
static void
doc_list(void)
{
	const struct option_row *row;
	const char *last = NULL;
	size_t i;

	for (row = conf_options; row->name != NULL; row++) {
		if (last == NULL || strcmp(last, row->group) != 0)
			printf("options%s%s\n",
			    row->group[0] != '\0' ? " " : "", row->group);
		last = row->group;
	}
	for (i = 0; i < RT_COUNT(doc_sections); i++)
		puts(doc_sections[i].name);
}

static int
doc_copy(void)
{
	char *line = NULL, *at;
	size_t cap = 0;
	bool within = false;
	int rc = 0;

	while (rc == 0 && getline(&line, &cap, stdin) >= 0) {
		if (strstr(line, "end generated") != NULL)
			within = false;
		if (!within)
			fputs(line, stdout);
		at = strstr(line, "begin generated ");
		if (at == NULL)
			continue;
		at[strcspn(at, "\n")] = '\0';
		rc = doc_put_section(at + strlen("begin generated "));
		within = true;
	}
	free(line);
	if (within)
		fputs("doc-tables: \"end generated\" is missing\n", stderr);
	return within ? -1 : rc;
}

static int
doc_test(const char *path)
{
	struct err err;
	struct conf *conf = conf_load(path, &err);

	if (conf == NULL)
		fprintf(stderr, "%s\n", err.text);
	conf_free(conf);
	return conf != NULL ? 0 : 1;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "-t") == 0)
		return doc_test(argv[2]);
	if (argc == 2 && strcmp(argv[1], "-l") == 0)
		doc_list();
	else if (argc != 1 || doc_copy() < 0)
		return 1;
	return fflush(stdout) == 0 ? 0 : 1;
}
