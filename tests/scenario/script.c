/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/utc.h"
#include "format/formats.h"
#include "script.h"

#define SCRIPT_DAY	"@2026-06-10T00:00:00Z" /* a Wednesday like any other */
#define SCRIPT_LINE_MAX (1 << 20)

/* --- reading -------------------------------------------------------------- */

static bool
script_wrong(struct script *s, const char *what, const char *text)
{
	strbuf_addf(&s->why, "%s:%u: %s: %s", s->path, s->line, what, text);
	return false;
}

static struct script_step *
script_add(struct script *s, enum script_verb verb)
{
	struct script_step *step;

	s->steps = mem_realloc(s->steps, s->n_steps + 1, sizeof(*s->steps));
	step = &s->steps[s->n_steps++];
	*step = (struct script_step){.verb = verb, .line = s->line};
	return step;
}

/* HH:MM[:SS[.fraction]] or, with a date before it, YYYY-MM-DDT...Z */
bool
script_time(const struct script *s, const char *text, int64_t *t_us)
{
	struct tm tm = {0};
	int64_t base_us = s->day_us, fraction = 0, unit = USEC_PER_SEC / 10;
	const char *p;

	if (*text++ != '@')
		return false;
	p = strptime(text, "%Y-%m-%dT", &tm);
	if (p != NULL)
		base_us = timegm(&tm) * USEC_PER_SEC;
	else
		p = text;
	text = p;
	tm = (struct tm){0};
	p = strptime(text, "%H:%M:%S", &tm);
	if (p == NULL)
		p = strptime(text, "%H:%M", &tm);
	if (p == NULL)
		return false;
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
			fraction += (*p - '0') * unit;
	p += *p == 'Z';
	*t_us = base_us + fraction +
	    ((tm.tm_hour * 60 + tm.tm_min) * 60 + tm.tm_sec) * USEC_PER_SEC;
	return *p == '\0';
}

static void
script_add_epoch(struct strbuf *to, int64_t t_us)
{
	strbuf_addf(to, "%" PRId64, t_us / USEC_PER_SEC);
	if (t_us % USEC_PER_SEC != 0)
		strbuf_addf(to, ".%06" PRId64, t_us % USEC_PER_SEC);
}

/* "x*70000}": text, how often. Returns what stands behind; NULL: wrong. */
static const char *
script_repeat(struct strbuf *to, const char *p)
{
	const char *close = strchr(p, '}'), *star;
	int64_t n;

	if (close == NULL)
		return NULL;
	star = memrchr(p, '*', (size_t)(close - p));
	if (star == NULL ||
	    !slice_uint(
		(struct slice){star + 1, (size_t)(close - star - 1)}, &n) ||
	    n > SCRIPT_LINE_MAX)
		return NULL;
	while (n-- > 0)
		strbuf_add(to, p, (size_t)(star - p));
	return close + 1;
}

/* "{100}": so many NULs, which strbuf takes and a text could not hold. */
static const char *
script_nuls(struct strbuf *to, const char *p)
{
	size_t digits = strspn(p + 1, "0123456789");
	int64_t n;

	if (*p != '{' || p[digits + 1] != '}' ||
	    !slice_uint((struct slice){p + 1, digits}, &n) ||
	    n > SCRIPT_LINE_MAX)
		return NULL;
	while (n-- > 0)
		strbuf_addc(to, '\0');
	return p + digits + 2;
}

/* "(12:00:03)": the epoch of that time. */
static const char *
script_epoch(const struct script *s, struct strbuf *to, const char *p)
{
	const char *close = strchr(p, ')');
	char text[64];
	int64_t t_us;

	if (*p != '(' || close == NULL)
		return NULL;
	snprintf(text, sizeof(text), "@%.*s", (int)(close - p - 1), p + 1);
	if (!script_time(s, text, &t_us))
		return NULL;
	script_add_epoch(to, t_us);
	return close + 1;
}

/* One escape, behind its backslash. */
static const char *
script_escape(const struct script *s, struct strbuf *to, const char *p)
{
	unsigned byte;
	char hex[3] = {0};

	switch (*p) {
	case 'x':
		memcpy(hex, p + 1, strnlen(p + 1, 2));
		if (sscanf(hex, "%2x", &byte) != 1 || strlen(hex) != 2)
			return NULL;
		strbuf_addc(to, (char)byte);
		return p + 3;
	case '0':
		return script_nuls(to, p + 1);
	case 'n':
		strbuf_addc(to, '\n');
		return p + 1;
	case 'r':
		strbuf_addc(to, '\r');
		return p + 1;
	case '\\':
		strbuf_addc(to, '\\');
		return p + 1;
	case '{':
		return script_repeat(to, p + 1);
	case '@':
		return script_epoch(s, to, p + 1);
	default:
		return NULL;
	}
}

static bool
script_text(struct script *s, struct strbuf *to, const char *p)
{
	while (*p != '\0') {
		const char *from = p;

		if (*p != '\\') {
			strbuf_addc(to, *p++);
			continue;
		}
		p = script_escape(s, to, p + 1);
		if (p == NULL)
			return script_wrong(s, "no such escape", from);
	}
	return true;
}

/* "@TIME rest of the queue_log line" */
static bool
script_line(struct script *s, const char *text)
{
	struct strbuf *bytes = &script_add(s, SCRIPT_WRITE)->bytes;
	const char *blank = strchr(text, ' ');
	char at[64];
	int64_t t_us;

	snprintf(at, sizeof(at), "%.*s",
	    (int)(blank != NULL ? blank - text : 0), text);
	if (blank == NULL || !script_time(s, at, &t_us))
		return script_wrong(s, "no time", text);
	script_add_epoch(bytes, t_us);
	strbuf_addc(bytes, '|');
	if (!script_text(s, bytes, blank + 1))
		return false;
	strbuf_addc(bytes, '\n');
	return true;
}

/* Words, apart at blanks outside of quotes. Returns how many; -1: too many. */
static int
script_words(char *p, char **word)
{
	int n = 0;
	char *to;

	for (;;) {
		bool quoted = false;

		p += strspn(p, " \t");
		if (*p == '\0')
			break;
		if (n == SCRIPT_WORDS - 1)
			return -1;
		word[n++] = to = p;
		for (; *p != '\0' && (quoted || (*p != ' ' && *p != '\t')); p++)
			if (*p == '"')
				quoted = !quoted;
			else
				*to++ = *p;
		p += *p != '\0';
		*to = '\0';
	}
	word[n] = NULL;
	return n;
}

static bool
script_option(struct script *s, char *const *word, int n)
{
	const struct {
		const char *name;
		int64_t *value;
	} options[] = {
	    {"interval_minutes", &s->config.interval_minutes},
	    {"short_abandon_s", &s->config.short_abandon_s},
	    {"lost_after_s", &s->config.lost_after_s},
	    {"keep_hours", &s->config.keep_hours},
	    {"max_queues", &s->config.max_queues},
	    {"max_agents", &s->config.max_agents},
	    {"max_open", &s->config.max_open},
	};
	size_t i;

	for (i = 0; n == 3 && i < RT_COUNT(options); i++)
		if (strcmp(options[i].name, word[1]) == 0 &&
		    slice_uint(slice_of(word[2]), options[i].value))
			return true;
	return script_wrong(s, "no such option, or no number", word[1]);
}

/* format NAME; envelope syslog */
static bool
script_format(struct script *s, char *const *word, int n)
{
	bool envelope = strcmp(word[0], "envelope") == 0;

	if (n == 2 && envelope && strcmp(word[1], "syslog") == 0)
		s->config.envelope = ENVELOPE_SYSLOG;
	else if (n == 2 && !envelope)
		s->config.format = format_find(word[1]);
	if (n != 2 || (!envelope && s->config.format == NULL))
		return script_wrong(s, "no such format", word[0]);
	return true;
}

/* alias "SIP/1" is "Jo" */
static bool
script_alias(struct script *s, char *const *word, int n)
{
	struct rig_alias *alias = &s->config.alias[s->config.n_aliases];

	if (n != 4 || strcmp(word[2], "is") != 0 ||
	    s->config.n_aliases == RIG_ALIASES)
		return script_wrong(s, "alias NAME is AGENT", word[0]);
	/* the script's text lives as long as the words do */
	alias->name = slice_of(mem_strdup(word[1]));
	alias->agent = slice_of(mem_strdup(word[3]));
	s->config.n_aliases++;
	return true;
}

/* again [N]: the last N written pieces once more, as they were */
static bool
script_again(struct script *s, char *const *word, int n)
{
	size_t i, end = s->n_steps, from = s->n_steps;
	int64_t count = 1;

	if (n > 2 || (n == 2 && !slice_uint(slice_of(word[1]), &count)))
		return script_wrong(s, "again [N]", word[1]);
	while (from > 0 && count > 0)
		count -= s->steps[--from].verb == SCRIPT_WRITE;
	if (count > 0)
		return script_wrong(s, "not so many lines", word[0]);
	for (i = from; i < end; i++) {
		struct script_step *step;

		if (s->steps[i].verb != SCRIPT_WRITE)
			continue;
		step = script_add(s, SCRIPT_WRITE);
		strbuf_add(
		    &step->bytes, s->steps[i].bytes.p, s->steps[i].bytes.n);
	}
	return true;
}

static bool
script_permute(struct script *s, bool begin)
{
	size_t n = s->n_steps - s->permute_first;

	if (begin == s->permuting || (begin && s->permute_count > 0))
		return script_wrong(s, "one permute ... end", "permute");
	s->permuting = begin;
	if (begin) {
		s->permute_first = s->n_steps;
		return true;
	}
	if (n < 2 || n > SCRIPT_PERMUTE)
		return script_wrong(s, "2 to 5 lines", "permute");
	s->permute_count = n;
	return true;
}

static bool
script_expect(struct script *s, char *text)
{
	struct script_step *step = script_add(s, SCRIPT_EXPECT);
	/* kept until the end: the words point into it */
	char *copy = mem_strdup(text + strspn(text, " \t"));

	if (script_words(copy, step->word) < 1) {
		free(copy);
		return script_wrong(s, "expect what", text);
	}
	return true;
}

static bool
script_day(struct script *s, const char *date)
{
	char at[64];

	snprintf(at, sizeof(at), "@%.40sT00:00:00Z", date);
	return script_time(s, at, &s->day_us) ||
	    script_wrong(s, "no date", date);
}

/* "KEY=VALUE" as lines of "KEY: VALUE" with that end. */
static bool
script_headers(struct strbuf *to, char *const *word, const char *end)
{
	for (; *word != NULL; word++) {
		const char *value = strchr(*word, '=');

		if (value == NULL)
			return false;
		strbuf_addf(to, "%.*s: %s%s", (int)(value - *word), *word,
		    value + 1, end);
	}
	return true;
}

static bool
script_ami(struct strbuf *to, int64_t t_us, char *const *word)
{
	strbuf_addf(to, "Event: %s\r\nTimestamp: %" PRId64 ".%06d\r\n", word[0],
	    t_us / USEC_PER_SEC, (int)(t_us % USEC_PER_SEC));
	if (!script_headers(to, word + 1, "\r\n"))
		return false;
	strbuf_adds(to, "\r\n");
	return true;
}

static bool
script_esl(struct strbuf *to, int64_t t_us, char *const *word)
{
	struct strbuf body = STRBUF_INIT;
	bool ok;

	strbuf_addf(&body,
	    "Event-Subclass: callcenter%%3A%%3Ainfo\nEvent-Name: CUSTOM\n"
	    "Event-Date-Timestamp: %" PRId64 "\nCC-Action: %s\n",
	    t_us, word[0]);
	ok = script_headers(&body, word + 1, "\n");
	strbuf_addc(&body, '\n');
	strbuf_addf(to,
	    "Content-Length: %zu\nContent-Type: text/event-plain\n\n%s", body.n,
	    body.p);
	strbuf_fini(&body);
	return ok;
}

static bool
script_event_words(struct script *s, char *const *word, int n)
{
	const struct stage *format = s->config.format;
	struct strbuf *to = &script_add(s, SCRIPT_WRITE)->bytes;
	int64_t t_us;

	if (n < 2 || !script_time(s, word[0], &t_us))
		return script_wrong(s, "event @TIME NAME KEY=VALUE", "");
	if (format == &asterisk_ami_stage && script_ami(to, t_us, word + 1))
		return true;
	if (format == &freeswitch_esl_stage && script_esl(to, t_us, word + 1))
		return true;
	return script_wrong(
	    s, "no such event of this format, or no KEY=VALUE", word[1]);
}

/* "@TIME NAME [KEY=VALUE]...": a write of the format's own, escapes within. */
static bool
script_event(struct script *s, const char *text)
{
	struct strbuf plain = STRBUF_INIT;
	char *word[SCRIPT_WORDS];
	bool ok = script_text(s, &plain, text);

	strbuf_adds(&plain, "");
	if (ok)
		ok = script_event_words(s, word, script_words(plain.p, word));
	strbuf_fini(&plain);
	return ok;
}

static bool
script_command(struct script *s, char *text)
{
	char *copy = mem_strdup(text);
	char *word[SCRIPT_WORDS];
	int n = script_words(copy, word);
	bool ok = true;

	if (n < 1)
		ok = script_wrong(s, "no words", text);
	else if (strcmp(word[0], "cut") == 0)
		script_add(s, SCRIPT_DO_CUT);
	else if (strcmp(word[0], "crash") == 0)
		script_add(s, SCRIPT_DO_CRASH);
	else if (strcmp(word[0], "rotate") == 0)
		script_add(s, SCRIPT_ROTATE);
	else if (strcmp(word[0], "option") == 0)
		ok = script_option(s, word, n);
	else if (strcmp(word[0], "alias") == 0)
		ok = script_alias(s, word, n);
	else if (strcmp(word[0], "format") == 0 ||
	    strcmp(word[0], "envelope") == 0)
		ok = script_format(s, word, n);
	else if (strcmp(word[0], "date") == 0)
		ok = script_day(s, n == 2 ? word[1] : "");
	else if (strcmp(word[0], "again") == 0)
		ok = script_again(s, word, n);
	else if (strcmp(word[0], "permute") == 0)
		ok = script_permute(s, true);
	else if (strcmp(word[0], "end") == 0)
		ok = script_permute(s, false);
	else
		ok = script_wrong(s, "no such command", word[0]);
	free(copy);
	return ok;
}

static bool
script_parse(struct script *s, char *text)
{
	char *p = text + strspn(text, " \t");

	p[strcspn(p, "\n")] = '\0';
	if (*p == '\0' || *p == '#')
		return true;
	if (*p == '@')
		return script_line(s, p);
	if (strncmp(p, "raw ", 4) == 0)
		return script_text(
		    s, &script_add(s, SCRIPT_WRITE)->bytes, p + 4);
	if (strncmp(p, "event ", 6) == 0)
		return script_event(s, p + 6);
	if (strncmp(p, "expect ", 7) == 0)
		return script_expect(s, p + 7);
	return script_command(s, p);
}

bool
script_read(struct script *s, const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;
	bool ok = true;

	*s = (struct script){.path = path, .config = RIG_CONFIG_INIT};
	if (file == NULL)
		return script_wrong(s, "can not be read", strerror(errno));
	script_time(s, SCRIPT_DAY, &s->day_us);
	while (ok && getline(&text, &size, file) >= 0) {
		s->line++;
		ok = script_parse(s, text);
	}
	free(text);
	fclose(file);
	if (ok && s->permuting)
		ok = script_wrong(s, "without end", "permute");
	return ok;
}

void
script_fini(struct script *s)
{
	size_t i;

	for (i = 0; i < s->n_steps; i++) {
		strbuf_fini(&s->steps[i].bytes);
		free(s->steps[i].word[0]);
	}
	for (i = 0; i < s->config.n_aliases; i++) {
		free((char *)(uintptr_t)s->config.alias[i].name.p);
		free((char *)(uintptr_t)s->config.alias[i].agent.p);
	}
	free(s->steps);
	strbuf_fini(&s->why);
}

/* --- playing -------------------------------------------------------------- */

static const char *const script_mode_names[SCRIPT_MODES] = {"as written",
    "cut after every line", "cut and crash after every line",
    "crash after every line", "byte by byte", "by seven bytes"};

struct script_run {
	struct script *script;
	struct rig rig;
	enum script_mode mode;
	unsigned order;	  /* of the permuted lines */
	unsigned written; /* pieces so far */
};

static bool
script_fails(
    struct script_run *run, const struct script_step *step, const char *text)
{
	struct script *s = run->script;

	strbuf_addf(&s->why, "%s:%u: %s", s->path, step->line, text);
	if (run->mode != SCRIPT_PLAIN)
		strbuf_addf(&s->why, " (%s)", script_mode_names[run->mode]);
	if (run->order != 0)
		strbuf_addf(
		    &s->why, " (order %u of the permuted lines)", run->order);
	return false;
}

static bool
script_cut(struct script_run *run, const struct script_step *step)
{
	struct strbuf why = STRBUF_INIT;
	bool ok = rig_cut(&run->rig, &why);

	if (!ok)
		script_fails(run, step, strbuf_str(&why));
	strbuf_fini(&why);
	return ok;
}

/* Reads all that stands in the log, in pieces as the mode wants them. */
static bool
script_feed(struct script_run *run, const struct script_step *step)
{
	struct rig *rig = &run->rig;
	size_t upto = rig->taken, piece = rig->log.n, i = 0;

	if (run->mode == SCRIPT_BYTES && rig->log.n - rig->taken < 10000)
		piece = 1;
	else if (run->mode == SCRIPT_BYTES || run->mode == SCRIPT_SEVENS)
		piece = 7;
	do {
		upto += RT_MIN(piece, rig->log.n - upto);
		rig_read(rig, upto);
		if (run->mode == SCRIPT_SEVENS && ++i % 5 == 0 &&
		    !script_cut(run, step))
			return false;
	} while (upto < rig->log.n);
	return true;
}

static bool
script_crash(struct script_run *run, const struct script_step *step)
{
	rig_crash(&run->rig);
	return script_feed(run, step);
}

static bool
script_holds(struct script_run *run, const struct script_step *step)
{
	struct strbuf why = STRBUF_INIT;
	bool ok = rig_holds(&run->rig, &why);

	if (!ok)
		script_fails(run, step, strbuf_str(&why));
	strbuf_fini(&why);
	return ok;
}

/* What the mode does after each piece that was written. */
static bool
script_disturb(struct script_run *run, const struct script_step *step)
{
	bool cut = false, crash = false;

	switch (run->mode) {
	case SCRIPT_CUT:
		cut = true;
		break;
	case SCRIPT_CRASH:
		cut = crash = true;
		break;
	case SCRIPT_LOSE:
		cut = run->written % 3 == 0;
		crash = true;
		break;
	default:
		break;
	}
	return (!cut || script_cut(run, step)) &&
	    (!crash || script_crash(run, step));
}

static bool
script_write(struct script_run *run, const struct script_step *step)
{
	rig_write(&run->rig, (struct slice){step->bytes.p, step->bytes.n});
	run->written++;
	return script_feed(run, step) && script_holds(run, step) &&
	    script_disturb(run, step) && script_holds(run, step);
}

static bool
script_look(struct script_run *run, const struct script_step *step)
{
	struct strbuf why = STRBUF_INIT;
	bool ok;

	memstore_look(&run->rig.store, &run->rig.intake);
	ok = expect_check(run->script, &run->rig, step->word, &why);
	if (!ok)
		script_fails(run, step, strbuf_str(&why));
	strbuf_fini(&why);
	return ok;
}

static bool
script_step(struct script_run *run, const struct script_step *step)
{
	switch (step->verb) {
	case SCRIPT_WRITE:
		return script_write(run, step);
	case SCRIPT_DO_CUT:
		return script_cut(run, step);
	case SCRIPT_DO_CRASH:
		return script_crash(run, step) && script_holds(run, step);
	case SCRIPT_ROTATE:
		rig_rotate(&run->rig);
		return script_feed(run, step) && script_disturb(run, step) &&
		    script_holds(run, step);
	case SCRIPT_EXPECT:
		return script_look(run, step);
	}
	BUG("step of no kind");
}

/* Which line stands at place `at` in the n-th order of `count` lines. */
static size_t
script_permuted(unsigned order, size_t count, size_t at)
{
	size_t left[SCRIPT_PERMUTE], i, pick = 0;

	for (i = 0; i < count; i++)
		left[i] = i;
	for (i = 0; i <= at; i++) {
		size_t choose = order % (count - i);

		order /= (unsigned)(count - i);
		pick = left[choose];
		memmove(&left[choose], &left[choose + 1],
		    (count - i - choose - 1) * sizeof(left[0]));
	}
	return pick;
}

static unsigned
script_orders(const struct script *s)
{
	unsigned orders = 1;
	size_t i;

	for (i = 2; i <= s->permute_count; i++)
		orders *= (unsigned)i;
	return orders;
}

static bool
script_steps(struct script_run *run)
{
	const struct script *s = run->script;
	size_t i, at;

	for (i = 0; i < s->n_steps; i++) {
		at = i;
		if (i - s->permute_first < s->permute_count)
			at = s->permute_first +
			    script_permuted(run->order, s->permute_count,
				i - s->permute_first);
		if (!script_step(run, &s->steps[at]))
			return false;
	}
	return true;
}

/* Held against what the first run ended in. */
static bool
script_compare(struct script_run *run, struct strbuf *first, unsigned parts)
{
	struct strbuf state = STRBUF_INIT, room = STRBUF_INIT;
	const struct script_step *step =
	    &run->script->steps[run->script->n_steps - 1];
	const char *difference;

	rig_write_state(&run->rig, &state, parts);
	if (first->n == 0) {
		*first = state;
		return true;
	}
	difference =
	    rig_difference(strbuf_str(first), strbuf_str(&state), &room);
	if (difference != NULL) {
		strbuf_reset(&state);
		strbuf_addf(&state, "at the end %s", difference);
		script_fails(run, step, strbuf_str(&state));
	}
	strbuf_fini(&state);
	strbuf_fini(&room);
	return difference == NULL;
}

static bool
script_run(struct script *s, unsigned order, enum script_mode mode,
    struct strbuf *all, struct strbuf *figures)
{
	struct script_run run = {.script = s, .mode = mode, .order = order};
	bool ok;

	rig_init(&run.rig, &s->config);
	ok = script_steps(&run) && script_compare(&run, all, RIG_ALL) &&
	    script_compare(&run, figures, RIG_QUEUES | RIG_AGENTS);
	rig_fini(&run.rig);
	return ok;
}

bool
script_play(struct script *s)
{
	struct strbuf figures = STRBUF_INIT;
	unsigned order, orders = script_orders(s);
	bool ok = s->n_steps > 0;
	int mode;

	if (!ok)
		script_wrong(s, "nothing in it", s->path);
	for (order = 0; ok && order < orders; order++) {
		struct strbuf all = STRBUF_INIT;

		for (mode = 0; ok && mode < SCRIPT_MODES; mode++)
			ok = script_run(
			    s, order, (enum script_mode)mode, &all, &figures);
		strbuf_fini(&all);
	}
	strbuf_fini(&figures);
	return ok;
}
