/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each format makes of its records. The files of tests/samples/FORMAT
 * hold records, each behind "> ", and below each the events that it must give,
 * or why it is refused:
 *
 *	> 9|c.1|q|NONE|ABANDON|1|1|5
 *	leave/abandoned 9 call=c.1 queue=q wait=5000
 *	> hello
 *	refused: fewer than five fields
 *
 * "\0" in a record is a NUL, "#" begins a comment. A record of several lines
 * goes on with "+ " (or "+" alone, an empty line); there is a line end between
 * two lines, and none behind the last one. "received N" sets when the records
 * behind it were received, in seconds; "begin" and "end" are those of a
 * connection. Each file is read by a format that knows nothing yet.
 *
 * "shared PATH N" stands for the N lines of ../shared/samples/PATH, where that
 * lies beside the checkout: each makes an event of a known name. "shared-file
 * PATH" stands for a record, all of that file, and "shared-records PATH" for as
 * many as the format's framing finds in it; in a list of JSON objects (PATH
 *ends with .json) each of them is one, of lines "KEY: VALUE".
 *
 * "timezone NAME" and "option NAME TEXT" begin anew with a format that is set
 * up so; "restart" saves what the format remembers, and goes on with another
 * one that was given it. Behind "finish" stands what the format had held
 * back; more may come behind that, and does not tell it again.
 */
#include "base/base.h"

#include <glob.h>
#include <jansson.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/strbuf.h"
#include "base/utc.h"
#include "event/contact.h"
#include "event/framer.h"
#include "event/stage.h"
#include "format/formats.h"

struct samples {
	struct sink sink;
	struct stage_setup setup;
	void *options;
	const struct stage *format;
	void *self;
	const char *top;
	struct strbuf got, want;
	char at[PATH_MAX + 20]; /* where the record stands */
	unsigned records;
	struct strbuf record; /* that is being gathered */
	bool gathers, absent; /* it is of a file that is not here */
	int64_t received_us;
};

static void
samples_add(struct strbuf *to, const char *name, struct slice s)
{
	if (s.n > 0)
		strbuf_addf(to, " %s=%.*s", name, SLICE_FMT(s));
}

static void
samples_add_ms(struct strbuf *to, const char *name, int64_t ms)
{
	if (ms != EVENT_UNKNOWN_MS)
		strbuf_addf(to, " %s=%" PRId64, name, ms);
}

static void
samples_add_time(struct strbuf *to, const char *name, int64_t t_us)
{
	int64_t us = t_us % USEC_PER_SEC;

	strbuf_addf(to, " %s%" PRId64, name, t_us / USEC_PER_SEC);
	if (us != 0)
		strbuf_addf(to, ".%06" PRId64, us);
}

static void
samples_contact(struct strbuf *to, const struct contact *contact)
{
	static const char *const resolved[] = {"", " resolved=no", " resolved"};

	samples_add(to, "ref", contact->ref);
	samples_add(to, "switch", contact->switch_name);
	samples_add(to, "channel", contact->channel);
	samples_add(to, "service", contact->service);
	samples_add(to, "code", contact->code);
	samples_add(to, "request", contact->request);
	strbuf_adds(to, resolved[contact->resolved]);
	samples_add(to, "assessed_by", contact->assessed_by);
	if (contact->assessed_us != 0)
		samples_add_time(to, "assessed=", contact->assessed_us);
}

static void
samples_event(struct sink *sink, struct event *ev)
{
	struct strbuf *to = &((struct samples *)sink)->got;

	strbuf_adds(to, event_kind_name(ev->kind));
	if (ev->outcome != OUTCOME_NONE)
		strbuf_addf(to, "/%s", outcome_name(ev->outcome));
	samples_add_time(to, "", ev->time_us);
	samples_add(to, "call", ev->call);
	samples_add(to, "queue", ev->queue);
	samples_add(to, "agent", ev->agent);
	samples_add(to, "caller", ev->caller);
	samples_add(to, "text", ev->text);
	samples_add_ms(to, "wait", ev->wait_ms);
	samples_add_ms(to, "ring", ev->ring_ms);
	samples_add_ms(to, "talk", ev->talk_ms);
	samples_add_ms(to, "session", ev->session_ms);
	if (ev->kind == EVENT_SUMMARY ||
	    (ev->kind == EVENT_ENTER && (ev->flags & EVENT_PRESENT) != 0))
		samples_add_time(to, "begin=", ev->begin_us);
	if (ev->kind == EVENT_CONTACT)
		samples_contact(to, ev->contact);
	if ((ev->flags & EVENT_AMBIGUOUS) != 0)
		strbuf_adds(to, " ambiguous");
	if ((ev->flags & EVENT_TRANSFERRED) != 0)
		strbuf_adds(to, " transferred");
	if ((ev->flags & EVENT_PRESENT) != 0)
		strbuf_adds(to, " present");
	if ((ev->flags & EVENT_UNSURE) != 0)
		strbuf_adds(to, " unsure");
	if ((ev->flags & EVENT_UNKNOWN_NAME) != 0)
		samples_add(to, "unknown", ev->name);
	strbuf_addc(to, '\n');
}

static void
samples_record(struct samples *s, struct slice record)
{
	struct record whole = RECORD_OF(record);
	const char *why = NULL;

	s->records++;
	s->absent = false;
	whole.received_us = s->received_us;
	if (s->format->input(s->self, &whole, &s->sink, &why) < 0)
		strbuf_addf(&s->got, "refused: %s\n", why);
}

static void
samples_mark(struct samples *s, enum record_kind kind)
{
	struct record mark = {
	    .kind = (uint8_t)kind, .received_us = s->received_us};
	const char *why;

	(void)s->format->input(s->self, &mark, &s->sink, &why);
}

/* The record is whole. */
static void
samples_play_gathered(struct samples *s)
{
	if (s->gathers)
		samples_record(
		    s, (struct slice){strbuf_str(&s->record), s->record.n});
	s->gathers = false;
}

/* What was wanted of the record before stands between it and this line. */
static void
samples_compare(struct samples *s)
{
	samples_play_gathered(s);
	if (!s->absent &&
	    strcmp(strbuf_str(&s->got), strbuf_str(&s->want)) != 0)
		fail_msg("%s\ngot:\n%swant:\n%s", s->at, strbuf_str(&s->got),
		    strbuf_str(&s->want));
	strbuf_reset(&s->got);
	strbuf_reset(&s->want);
}

static void
samples_gather(struct samples *s, const char *text)
{
	if (!s->gathers)
		strbuf_reset(&s->record);
	else
		strbuf_addc(&s->record, '\n');
	s->gathers = true;
	for (; *text != '\0'; text++)
		if (strncmp(text, "\\0", 2) == 0) {
			strbuf_addc(&s->record, '\0');
			text++;
		} else {
			strbuf_addc(&s->record, *text);
		}
}

static FILE *
samples_shared_open(const struct samples *s, const char *path)
{
	char full[PATH_MAX];
	FILE *file;

	snprintf(full, sizeof(full), "%s/../shared/samples/%s", s->top, path);
	file = fopen(full, "r");
	if (file == NULL)
		print_message("# no %s beside the checkout\n", path);
	return file;
}

static void
samples_shared_file(struct samples *s, const char *path)
{
	FILE *file = samples_shared_open(s, path);
	size_t room = STAGE_RECORD_MAX;

	s->absent = file == NULL;
	if (file == NULL)
		return;
	strbuf_reset(&s->record);
	strbuf_added(
	    &s->record, fread(strbuf_reserve(&s->record, room), 1, room, file));
	s->gathers = true;
	fclose(file);
}

static void
samples_json_line(struct samples *s, const char *key, const json_t *value)
{
	assert_true(json_is_string(value));
	strbuf_addf(&s->record, "%s: %s\n", key, json_string_value(value));
}

static void
samples_json_records(struct samples *s, const json_t *all)
{
	const json_t *one, *value, *item;
	const char *key;
	size_t i, j;

	json_array_foreach(all, i, one)
	{
		strbuf_reset(&s->record);
		json_object_foreach((json_t *)(uintptr_t)one, key, value)
		{
			if (!json_is_array(value))
				samples_json_line(s, key, value);
			json_array_foreach(value, j, item)
			    samples_json_line(s, key, item);
		}
		samples_record(
		    s, (struct slice){strbuf_str(&s->record), s->record.n});
	}
}

static void
samples_shared_records(struct samples *s, const char *path)
{
	struct framer framer = {.framing = s->format->framing};
	FILE *file = samples_shared_open(s, path);
	struct strbuf all = STRBUF_INIT;
	struct slice record;
	size_t n, at = 0;
	json_t *json;

	s->absent = file == NULL;
	if (file == NULL)
		return;
	while ((n = fread(strbuf_reserve(&all, 65536), 1, 65536, file)) > 0)
		strbuf_added(&all, n);
	fclose(file);
	if (strcmp(path + strlen(path) - 5, ".json") == 0) {
		json = json_loadb(all.p, all.n, 0, NULL);
		assert_true(json_is_array(json));
		samples_json_records(s, json);
		json_decref(json);
	} else {
		while (framer_next(&framer, all.p, all.n, &at, true, &record))
			samples_record(s, record);
	}
	strbuf_fini(&all);
}

static void
samples_shared(struct samples *s, const char *path, unsigned lines)
{
	FILE *file = samples_shared_open(s, path);
	char *text = NULL;
	size_t size = 0;
	ssize_t n;

	if (file == NULL)
		return;
	for (; (n = getline(&text, &size, file)) > 0; lines--) {
		n -= text[n - 1] == '\n';
		strbuf_reset(&s->got);
		samples_record(s, (struct slice){text, (size_t)n});
		assert_true(s->got.n > 0);
		assert_null(strstr(strbuf_str(&s->got), "refused:"));
		assert_null(strstr(strbuf_str(&s->got), " unknown="));
	}
	strbuf_reset(&s->got);
	assert_int_equal(lines, 0);
	free(text);
	fclose(file);
}

/* As it is: a restart is to change nothing. */
static void
samples_hide(void *ctx RT_UNUSED, struct slice number, struct strbuf *to)
{
	strbuf_add(to, number.p, number.n);
}

/* A new instance of the format, as it is set up now. */
static void
samples_open(struct samples *s)
{
	struct err err = {.text = ""};

	if (s->self != NULL)
		s->format->close(s->self, "samples");
	s->setup.feed = "samples";
	s->setup.hide_caller = samples_hide;
	s->setup.options = s->options;
	if (s->format->open(&s->self, &s->setup, &err) < 0)
		fail_msg("%s: %s", s->format->name, err.text);
}

static void
samples_restart(struct samples *s)
{
	struct strbuf state = STRBUF_INIT;

	s->format->save(s->self, &state);
	assert_true(state.n <= STAGE_STATE_MAX);
	samples_open(s);
	if (state.n > 0)
		assert_int_equal(
		    s->format->load(s->self, (struct slice){state.p, state.n}),
		    0);
	strbuf_fini(&state);
}

/* "a,b,c" as a list. */
static void
samples_option_list(struct samples *s, const struct option_row *row, char *list)
{
	const char *item[64];
	struct err err = {.text = ""};
	size_t n = 0;
	char *next;

	while ((next = strsep(&list, ",")) != NULL && n < RT_COUNT(item))
		item[n++] = next;
	if (option_set_texts(row, s->options, item, n, &err) < 0)
		fail_msg("%s", err.text);
}

static void
samples_option(struct samples *s, const char *name, char *value)
{
	const struct option_row *row = s->format->options;
	struct err err = {.text = ""};
	int64_t number;

	for (; row->name != NULL && strcmp(row->name, name) != 0; row++)
		;
	assert_non_null(row->name);
	if (row->type == OPTION_TEXTS)
		samples_option_list(s, row, value);
	else if (row->type == OPTION_BOOL)
		option_set_bool(
		    row, s->options, strcmp(value, "true") == 0, &err);
	else if (slice_uint(slice_of(value), &number))
		option_set_int(row, s->options, number, &err);
	else
		option_set_text(row, s->options, value, &err);
	if (err.text[0] != '\0')
		fail_msg("%s", err.text);
	samples_open(s);
}

static bool
samples_setting(struct samples *s, const char *line)
{
	static char zone[100];
	char name[100], value[400];

	if (strncmp(line, "timezone ", 9) != 0 &&
	    strncmp(line, "option ", 7) != 0 && strcmp(line, "restart") != 0 &&
	    strcmp(line, "finish") != 0)
		return false;
	samples_compare(s);

	if (sscanf(line, "timezone %99s", zone) == 1) {
		s->setup.timezone = zone;
		samples_open(s);
	} else if (sscanf(line, "option %99s %399[^\n]", name, value) == 2) {
		samples_option(s, name, value);
	} else if (strcmp(line, "restart") == 0) {
		samples_restart(s);
	} else {
		s->format->finish(s->self, &s->sink);
	}
	return true;
}

static void
samples_line(struct samples *s, const char *line)
{
	char path[100];
	int64_t received;
	unsigned lines;

	if (line[0] == '#' || line[0] == '\0')
		return;
	if (strncmp(line, "> ", 2) == 0) {
		samples_compare(s);
		samples_gather(s, line + 2);
	} else if (line[0] == '+' && s->gathers) {
		samples_gather(s, line + 1 + (line[1] == ' '));
	} else if (sscanf(line, "received %" SCNd64, &received) == 1) {
		samples_compare(s);
		s->received_us = received * USEC_PER_SEC;
	} else if (strcmp(line, "begin") == 0 || strcmp(line, "end") == 0) {
		samples_compare(s);
		samples_mark(s, line[0] == 'b' ? RECORD_BEGIN : RECORD_END);
	} else if (sscanf(line, "shared-file %99s", path) == 1) {
		samples_compare(s);
		samples_shared_file(s, path);
	} else if (sscanf(line, "shared-records %99s", path) == 1) {
		samples_compare(s);
		samples_shared_records(s, path);
	} else if (sscanf(line, "shared %99s %u", path, &lines) == 2) {
		samples_compare(s);
		samples_shared(s, path, lines);
	} else if (!samples_setting(s, line)) {
		strbuf_addf(&s->want, "%s\n", line);
	}
}

static void
samples_play(struct samples *s, const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	unsigned number;

	assert_non_null(file);
	s->received_us = 0;
	s->absent = false;
	s->setup.timezone = NULL;
	option_free(s->format->options, NULL, s->options);
	memset(s->options, 0, s->format->options_size);
	option_set_presets(s->format->options, NULL, s->options);
	samples_open(s);
	for (number = 1; getline(&line, &size, file) > 0; number++) {
		line[strcspn(line, "\n")] = '\0';
		samples_line(s, line);
		if (line[0] == '>' || strncmp(line, "shared-", 7) == 0)
			snprintf(s->at, sizeof(s->at), "%s:%u", path, number);
	}
	samples_compare(s);
	s->format->close(s->self, "samples");
	s->self = NULL;
	free(line);
	fclose(file);
}

static void
samples_play_format(const struct stage *format, const char *top)
{
	struct samples s = {
	    .sink = {samples_event, NULL}, .format = format, .top = top};
	char pattern[PATH_MAX];
	glob_t found;
	size_t i;

	s.options = mem_zalloc(format->options_size + 1);
	snprintf(pattern, sizeof(pattern), "%s/tests/samples/%s/*", top,
	    format->name);
	if (glob(pattern, 0, NULL, &found) != 0)
		fail_msg("no samples: %s", pattern);
	for (i = 0; i < found.gl_pathc; i++)
		samples_play(&s, found.gl_pathv[i]);
	print_message("# %s: %u records\n", format->name, s.records);
	assert_true(s.records > 0);
	globfree(&found);
	strbuf_fini(&s.record);
	option_free(format->options, NULL, s.options);
	free(s.options);
	strbuf_fini(&s.got);
	strbuf_fini(&s.want);
}

static void
test_samples_of_every_format(void **state RT_UNUSED)
{
	const char *top = getenv("top_srcdir");
	size_t i;

	for (i = 0; formats[i] != NULL; i++) {
		samples_play_format(formats[i], top != NULL ? top : ".");
		assert_int_not_equal(formats[i]->facts, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_samples_of_every_format),
	};

	return cmocka_run_group_tests_name("samples", tests, NULL, NULL);
}
