/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/clock.h"
#include "base/utc.h"
#include "base/utf8.h"
#include "cli/contacts_maker.h"

/* As PostgreSQL's contact_sane(): 1970 to 2999. */
#define MAKER_TIME_END (INT64_C(32503680000) * USEC_PER_SEC)

const struct mapping_field contacts_fields[] = {
    [CONTACTS_REF] = {"ref", false},
    [CONTACTS_TIME] = {"time", true},
    [CONTACTS_CHANNEL] = {"channel", false},
    [CONTACTS_SERVICE] = {"service", false},
    [CONTACTS_CATEGORY] = {"category", false},
    [CONTACTS_CODE] = {"code", false},
    [CONTACTS_REQUEST] = {"request", false},
    [CONTACTS_RESOLVED] = {"resolved", false},
    [CONTACTS_CUSTOMER] = {"customer", false},
    [CONTACTS_ASSESSED_BY] = {"assessed_by", false},
    [CONTACTS_ASSESSED_AT] = {"assessed_at", false},
    [CONTACTS_SWITCH] = {"switch", false},
    [CONTACTS_CALL_ID] = {"call_id", false},
    [CONTACTS_AGENT] = {"agent", false},
    [CONTACTS_FIELDS] = {NULL, false},
};

_Static_assert(CONTACTS_FIELDS <= MAPPING_FIELDS, "room for all fields");
_Static_assert(CONTACTS_HASH_BYTES == CALLER_HASH_BYTES, "the same hash");

/* --- words --------------------------------------------------------------- */

static char *
words_form(struct slice word)
{
	char form[MAPPING_WORD_MAX];

	mapping_form(form, word);
	return mem_strdup(form);
}

void
words_add(struct words *words, const char *name, const char *label)
{
	struct words_known *known;

	if (words->n_known == WORDS_KNOWN_MAX)
		return;
	words->known = mem_realloc(
	    words->known, words->n_known + 1, sizeof(*words->known));
	known = &words->known[words->n_known++];
	known->name = mem_strdup(name);
	known->form = words_form(slice_of(name));
	known->label_form = words_form(slice_of(label));
}

static void
words_note_unknown(struct words *words, struct slice word)
{
	struct words_unknown *unknown = words->unknown;
	size_t i;

	for (i = 0; i < words->n_unknown; i++)
		if (slice_eq(slice_of(unknown[i].word), word)) {
			unknown[i].contacts++;
			return;
		}
	if (i == WORDS_UNKNOWN_MAX) {
		words->others++;
		return;
	}
	unknown[i].word = mem_zalloc(word.n + 1);
	memcpy(unknown[i].word, word.p, word.n);
	unknown[i].contacts = 1;
	words->n_unknown++;
}

const char *
words_known(const struct words *words, struct slice word)
{
	char form[MAPPING_WORD_MAX];
	size_t i;

	mapping_form(form, word);
	for (i = 0; i < words->n_known; i++)
		if (strcmp(words->known[i].form, form) == 0 ||
		    strcmp(words->known[i].label_form, form) == 0)
			return words->known[i].name;
	return NULL;
}

struct slice
words_find(struct words *words, struct slice word)
{
	const char *name;

	if (word.n == 0 || words->n_known == 0)
		return word;
	name = words_known(words, word);
	if (name != NULL)
		return slice_of(name);
	words_note_unknown(words, word);
	return word;
}

void
words_fini(struct words *words)
{
	size_t i;

	for (i = 0; i < words->n_known; i++) {
		free(words->known[i].name);
		free(words->known[i].form);
		free(words->known[i].label_form);
	}
	free(words->known);
	for (i = 0; i < words->n_unknown; i++)
		free(words->unknown[i].word);
}

/* --- texts --------------------------------------------------------------- */

static struct slice
maker_value(const struct contacts_maker *m, enum contacts_field field)
{
	return mapping_get(m->file->map, field, &m->file->reader.csv);
}

/* Line ends and tabs of the source as spaces, at most CONTACTS_TEXT_MAX. */
static struct slice
maker_clean(struct contacts_maker *m, enum contacts_field field, struct slice s)
{
	char spaced[2 * CONTACTS_TEXT_MAX];
	size_t n = RT_MIN(s.n, sizeof(spaced)), i;

	for (i = 0; i < n; i++)
		spaced[i] = memchr("\r\n\t", s.p[i], 3) != NULL ? ' ' : s.p[i];
	n = utf8_clean(m->room[field], CONTACTS_TEXT_MAX, spaced, n);
	m->cut += s.n > CONTACTS_TEXT_MAX;
	return (struct slice){m->room[field], n};
}

static struct slice
maker_text(struct contacts_maker *m, enum contacts_field field)
{
	struct slice s = maker_value(m, field);

	if (s.n <= CONTACTS_TEXT_MAX && utf8_is_ascii(s.p, s.n))
		return s;
	return maker_clean(m, field, s);
}

/* --- fields -------------------------------------------------------------- */

static bool
maker_time(struct contacts_maker *m, enum contacts_field field, int64_t *utc_us)
{
	struct slice s = maker_value(m, field);
	const char *why = "there is none";

	if (s.n == 0)
		return csvfile_refuse(m->file, field, s, why);
	switch (timefmt_read(&m->times, s, utc_us, &why)) {
	case TIMEFMT_OTHER:
		return csvfile_refuse(m->file, field, s, why);
	case TIMEFMT_IMPOSSIBLE:
		return csvfile_refuse_time(m->file, field, s, why);
	case TIMEFMT_READ:
		break;
	}
	if (*utc_us > m->latest_us && *utc_us < MAKER_TIME_END)
		return csvfile_refuse_time(
		    m->file, field, s, "more than a day ahead");
	if (*utc_us >= 0 && *utc_us < MAKER_TIME_END)
		return true;
	return csvfile_refuse_time(
	    m->file, field, s, "not within the years 1970 to 2999");
}

static bool
maker_resolved(struct contacts_maker *m, int8_t *resolved)
{
	static const char *const words[] = {
	    "no", "yes", "n", "y", "false", "true", "f", "t", "0", "1"};
	struct slice s = maker_value(m, CONTACTS_RESOLVED);
	size_t i;

	*resolved = -1;
	if (s.n == 0)
		return true;
	for (i = 0; i < RT_COUNT(words); i++)
		if (s.n == strlen(words[i]) &&
		    strncasecmp(s.p, words[i], s.n) == 0) {
			*resolved = i % 2;
			return true;
		}
	return csvfile_refuse(m->file, CONTACTS_RESOLVED, s,
	    "neither yes nor no (--value resolved:WORD=yes)");
}

/* "4.41144960001E+11": what a spreadsheet makes of a long number. */
static bool
maker_is_rounded(struct slice s)
{
	size_t i;

	if (s.n < 5 || s.p[0] < '0' || s.p[0] > '9' ||
	    (s.p[1] != '.' && s.p[1] != ','))
		return false;
	for (i = 2; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		;
	return i + 1 < s.n && (s.p[i] == 'E' || s.p[i] == 'e') &&
	    s.p[i + 1] == '+';
}

static const uint8_t *
maker_customer(struct contacts_maker *m)
{
	struct slice s = maker_value(m, CONTACTS_CUSTOMER);
	char form[CUSTOMER_MAX];
	enum customer_kind kind;

	if (s.n == 0)
		return NULL;
	if (maker_is_rounded(s)) {
		m->rounded++;
		return NULL;
	}
	kind = m->key != NULL
	    ? caller_hash_customer(m->hash, m->key->bytes, s, m->country_code)
	    : customer_form(form, s, NULL);
	m->neither += kind == CUSTOMER_NEITHER;
	if (m->key == NULL ||
	    (kind != CUSTOMER_NUMBER && kind != CUSTOMER_ADDRESS))
		return NULL;
	return m->hash;
}

/* By the name that calls bear: it is how a contact finds its call. */
static struct slice
maker_agent(struct contacts_maker *m)
{
	struct slice agent = maker_text(m, CONTACTS_AGENT);
	const char *called = NULL;

	if (m->conf != NULL && agent.n > 0)
		called = conf_agent_called(m->conf, agent);
	return called != NULL ? slice_of(called) : agent;
}

/*
 * Of a row without a ref, from what it says in its own words: those that were
 * not known when it was first imported may be by the next time, and it must
 * stay the same contact.
 */
static struct slice
maker_make_ref(struct contacts_maker *m, const struct contacts_row *row)
{
	char *room = m->room[CONTACTS_REF];
	struct contacts_row said = *row;
	const struct {
		enum contacts_field field;
		struct slice *to;
	} texts[] = {{CONTACTS_CHANNEL, &said.channel},
	    {CONTACTS_SERVICE, &said.service},
	    {CONTACTS_CATEGORY, &said.category}, {CONTACTS_CODE, &said.code},
	    {CONTACTS_REQUEST, &said.request},
	    {CONTACTS_ASSESSED_BY, &said.assessed_by},
	    {CONTACTS_SWITCH, &said.switch_name},
	    {CONTACTS_CALL_ID, &said.call_id}, {CONTACTS_AGENT, &said.agent}};
	size_t i;

	for (i = 0; i < RT_COUNT(texts); i++)
		*texts[i].to = mapping_said(
		    m->file->map, texts[i].field, &m->file->reader.csv);
	return (struct slice){room, contentrefs_make(&m->refs, room, &said)};
}

/* Where two systems count alike, what was said is not yet which one it is. */
static struct slice
maker_prefixed(
    struct contacts_maker *m, enum contacts_field field, struct slice prefix)
{
	struct slice s = maker_text(m, field);
	char *room = m->room[field];

	if (s.n == 0 || prefix.n == 0)
		return s;
	m->cut += s.n + prefix.n > CONTACTS_TEXT_MAX;
	s.n = RT_MIN(s.n, CONTACTS_TEXT_MAX - prefix.n);
	memmove(room + prefix.n, s.p, s.n);
	memcpy(room, prefix.p, prefix.n);
	return (struct slice){room, s.n + prefix.n};
}

static bool
maker_ref(struct contacts_maker *m, struct contacts_row *row)
{
	struct slice s = maker_value(m, CONTACTS_REF);

	if (!mapping_has(m->file->map, CONTACTS_REF)) {
		row->ref = maker_make_ref(m, row);
		return true;
	}
	if (s.n == 0)
		return csvfile_refuse(
		    m->file, CONTACTS_REF, s, "there is none");
	/* cut off, two would be one */
	if (s.n + m->ref_prefix.n > CONTACTS_TEXT_MAX)
		return csvfile_refuse(
		    m->file, CONTACTS_REF, s, "longer than 255 bytes");
	row->ref = maker_prefixed(m, CONTACTS_REF, m->ref_prefix);
	return true;
}

bool
contacts_make(struct contacts_maker *m, struct contacts_row *row)
{
	*row = (struct contacts_row){
	    .source = m->source, .line = m->file->reader.line};
	if (!maker_time(m, CONTACTS_TIME, &row->at_us) ||
	    !maker_resolved(m, &row->resolved))
		return false;
	row->has_assessed = maker_value(m, CONTACTS_ASSESSED_AT).n > 0;
	if (row->has_assessed &&
	    !maker_time(m, CONTACTS_ASSESSED_AT, &row->assessed_us))
		return false;
	row->channel =
	    words_find(&m->channels, maker_text(m, CONTACTS_CHANNEL));
	row->category =
	    words_find(&m->categories, maker_text(m, CONTACTS_CATEGORY));
	row->service = maker_text(m, CONTACTS_SERVICE);
	row->code = maker_text(m, CONTACTS_CODE);
	row->request = maker_prefixed(m, CONTACTS_REQUEST, m->request_prefix);
	row->assessed_by = maker_text(m, CONTACTS_ASSESSED_BY);
	row->switch_name = maker_text(m, CONTACTS_SWITCH);
	row->call_id = maker_text(m, CONTACTS_CALL_ID);
	row->agent = maker_agent(m);
	row->customer = maker_customer(m);
	if (!maker_ref(m, row))
		return false;
	m->older += row->at_us < m->kept_from_us;
	return true;
}

void
contacts_maker_init(struct contacts_maker *m)
{
	m->latest_us = clock_wall_us() + SEC_PER_DAY * USEC_PER_SEC;
	m->channels.kind = "channel";
	m->categories.kind = "category";
}

void
contacts_maker_fini(struct contacts_maker *m)
{
	words_fini(&m->channels);
	words_fini(&m->categories);
	contentrefs_fini(&m->refs);
	timefmt_fini(&m->times);
}
