/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FreeSWITCH's records of legs that are over, one a document: what mod_json_cdr
 * and mod_xml_cdr post, or leave in their error directory, in any of their
 * encodings, and lines of mod_cdr_csv. Known by the first byte of the body:
 * with disable-100-continue the Content-Type says nothing.
 *
 *	{...				json_cdr, encode=false
 *	<...				xml_cdr, encode=false (text/xml)
 *	cdr={... cdr=<...		x-www-form-plaintext
 *	cdr=%7B... cdr=%3C...		x-www-form-urlencoded
 *	cdr=ey... cdr=PD...		x-www-form-base64-encoded
 *	anything else			lines of cdr_csv
 *
 * The values of variables are URL-encoded once more by default (encode-values);
 * where that is switched off, some value of any leg holds a byte that would
 * have been encoded (a colon of an address or a time), and none is decoded.
 *
 * Facts: see freeswitch.h, and three bodies of real switches.
 */
#include "base/base.h"
#include "base/option.h"
#include "base/strbuf.h"
#include "format/formats.h"
#include "format/freeswitch.h"

#define CDR_TEMPLATE_EXAMPLE                                                \
	"caller_id_name,caller_id_number,destination_number,context,"       \
	"start_stamp,answer_stamp,end_stamp,duration,billsec,hangup_cause," \
	"uuid,bleg_uuid,accountcode,read_codec,write_codec"
#define CDR_TEMPLATE_ASTERISK                                      \
	"accountcode,caller_id_number,destination_number,context," \
	"caller_id,channel_name,bridge_channel,last_app,last_arg," \
	"start_stamp,answer_stamp,end_stamp,duration,billsec,"     \
	"hangup_cause,amaflags,uuid,userfield"

struct cdr_options {
	char **columns;
	char *contact_variable;
};

struct cdr {
	struct freeswitch_names names;
	struct freeswitch_record record;
	struct freeswitch_xml *xml;
	struct strbuf key;
	/* of cdr_csv: those configured, then the two templates */
	struct slice column[3][FREESWITCH_COLUMNS];
	unsigned n_columns[3];
};

static void
cdr_add_columns(struct cdr *c, unsigned set, const char *names)
{
	while (*names != '\0') {
		size_t n = strcspn(names, ",");

		c->column[set][c->n_columns[set]++] = (struct slice){names, n};
		names += n + (names[n] == ',');
	}
}

static int
cdr_open(void **self, const struct stage_setup *setup, struct err *err)
{
	const struct cdr_options *options = setup->options;
	struct cdr *c;
	unsigned n = 0;

	while (options != NULL && options->columns != NULL &&
	    options->columns[n] != NULL)
		if (++n > FREESWITCH_COLUMNS)
			return err_set(err, "more than %d cdr_columns",
			    FREESWITCH_COLUMNS);
	c = mem_zalloc(sizeof(*c));
	freeswitch_names_init(&c->names, FREESWITCH_VARIABLES);
	if (options != NULL)
		freeswitch_names_contact(&c->names, options->contact_variable);
	freeswitch_record_init(&c->record, &c->names);
	c->xml = freeswitch_xml_new();
	for (; c->n_columns[0] < n; c->n_columns[0]++)
		c->column[0][c->n_columns[0]] =
		    slice_of(options->columns[c->n_columns[0]]);
	cdr_add_columns(c, 1, CDR_TEMPLATE_EXAMPLE);
	cdr_add_columns(c, 2, CDR_TEMPLATE_ASTERISK);
	*self = c;
	return 0;
}

static void
cdr_close(void *self, const char *reason)
{
	struct cdr *c = self;

	(void)reason;
	freeswitch_record_fini(&c->record);
	freeswitch_xml_free(c->xml);
	strbuf_fini(&c->key);
	free(c);
}

/* Blanks and a byte order mark, which tools put before what they save. */
static struct slice
cdr_trim(struct slice s)
{
	if (s.n >= 3 && memcmp(s.p, "\xef\xbb\xbf", 3) == 0)
		s.p += 3, s.n -= 3;
	while (s.n > 0 &&
	    (*s.p == ' ' || *s.p == '\t' || *s.p == '\r' || *s.p == '\n'))
		s.p++, s.n--;
	return s;
}

/* The text behind "cdr=": as it is, URL-encoded or in base64. */
static struct slice
cdr_unwrap(struct cdr *c, struct slice body)
{
	const char *more;

	body = cdr_trim(body);
	if (body.n < 4 || memcmp(body.p, "cdr=", 4) != 0)
		return body;
	body.p += 4;
	body.n -= 4;
	if (body.n == 0 || *body.p == '{' || *body.p == '<')
		return body;
	more = memchr(body.p, '&', body.n);
	if (more != NULL)
		body.n = (size_t)(more - body.p);
	body = cdr_trim(freeswitch_url_decode(&c->record.text, body));
	if (body.n == 0 || *body.p == '{' || *body.p == '<')
		return body;
	return cdr_trim(freeswitch_base64_decode(&c->record.text, body));
}

/* Unwraps a body of one leg, and takes what it tells. */
static bool
cdr_read(struct cdr *c, struct slice body, const char **why)
{
	bool read;

	*why = "neither JSON nor XML that can be read";
	read = *body.p == '{' ? freeswitch_json(&c->record, body)
			      : freeswitch_xml(c->xml, &c->record, body);
	if (read)
		freeswitch_decode(&c->record);
	return read;
}

/* Which columns a line has, by their number. */
static bool
cdr_read_line(struct cdr *c, struct slice line, const char **why)
{
	unsigned set;

	freeswitch_record_reset(&c->record);
	*why = "not as many values as columns";
	for (set = c->n_columns[0] > 0 ? 0 : 1; set < 3; set++)
		if (freeswitch_csv(
			&c->record, line, c->column[set], c->n_columns[set])) {
			freeswitch_decode(&c->record);
			return true;
		} else if (set == 0) {
			return false;
		}
	return false;
}

static struct slice
cdr_next_line(struct slice *rest)
{
	const char *end = memchr(rest->p, '\n', rest->n);
	size_t n = end != NULL ? (size_t)(end - rest->p) : rest->n;
	struct slice line = {rest->p, n};

	rest->p += n + (end != NULL);
	rest->n -= n + (end != NULL);
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/*
 * Lines of a file that was posted or put into a folder. The ones that can be
 * read count; the record is refused if none can.
 */
static int
cdr_lines(struct cdr *c, struct slice body, const struct record *record,
    struct sink *sink, const char **why)
{
	bool read = false;

	*why = "nothing but empty lines";
	while (body.n > 0) {
		struct slice line = cdr_next_line(&body);

		if (line.n > 0 && cdr_read_line(c, line, why) &&
		    freeswitch_leg(
			&c->record, record->received_us, sink, why) == 0)
			read = true;
	}
	return read ? 0 : -1;
}

static int
cdr_input(void *self, const struct record *record, struct sink *sink,
    const char **why)
{
	struct cdr *c = self;
	struct slice body;

	freeswitch_record_reset(&c->record);
	body = cdr_unwrap(c, record->bytes);
	if (body.n == 0) {
		*why = "an empty body";
		return -1;
	}
	if (*body.p != '{' && *body.p != '<')
		return cdr_lines(c, body, record, sink, why);
	if (!cdr_read(c, body, why))
		return -1;
	return freeswitch_leg(&c->record, record->received_us, sink, why);
}

/*
 * A record that is sent again is that of the same leg; with the stay in it, as
 * one leg may be told of twice with different queues (a second module, a
 * later attempt with more).
 */
static bool
cdr_key(void *self, const struct record *record, struct slice *key)
{
	struct cdr *c = self;
	struct slice body;
	const char *why;

	freeswitch_record_reset(&c->record);
	body = cdr_unwrap(c, record->bytes);
	if (body.n == 0 || (*body.p != '{' && *body.p != '<') ||
	    !cdr_read(c, body, &why) ||
	    c->record.v[FREESWITCH_unique_id].n == 0)
		return false;
	strbuf_reset(&c->key);
	strbuf_add(&c->key, c->record.v[FREESWITCH_unique_id].p,
	    c->record.v[FREESWITCH_unique_id].n);
	strbuf_addc(&c->key, '/');
	strbuf_add(&c->key, c->record.v[FREESWITCH_cc_member].p,
	    c->record.v[FREESWITCH_cc_member].n);
	*key = (struct slice){strbuf_str(&c->key), c->key.n};
	return true;
}

/* Without these no line tells of a stay. */
static int
cdr_check_columns(const void *value, struct err *err)
{
	static const char *const needed[] = {
	    "uuid", "cc_queue", "cc_queue_joined_epoch"};
	char *const *columns = *(char *const *const *)value, *const * at;
	size_t i;

	for (i = 0; columns != NULL && i < RT_COUNT(needed); i++) {
		for (at = columns; *at != NULL; at++)
			if (strcasecmp(*at, needed[i]) == 0)
				break;
		if (*at == NULL)
			return err_set(err,
			    "cdr_columns has no %s: nothing would be known of "
			    "queues",
			    needed[i]);
	}
	return 0;
}

static const struct option_row cdr_rows[] = {
    {.name = "cdr_columns",
	.group = "feeds",
	.type = OPTION_TEXTS,
	.offset = offsetof(struct cdr_options, columns),
	.unit = "",
	.check = cdr_check_columns,
	.help =
	    "Of mod_cdr_csv: the variables of the template that the switch "
	    "writes, in their order; uuid, cc_queue and "
	    "cc_queue_joined_epoch among them. Without it the shipped "
	    "templates "
	    "example and asterisk are known, which tell nothing of queues."},
    FREESWITCH_CONTACT_ROW(offsetof(struct cdr_options, contact_variable)),
    {.name = NULL}};

const struct stage freeswitch_cdr_stage = {
    .name = "freeswitch-cdr",
    .kind = STAGE_FORMAT,
    .traits = STAGE_AFTERWARDS | STAGE_OWN_TEXT | STAGE_UNIQUE_IDS,
    .framing = FRAMING_DOCUMENT,
    .help = "FreeSWITCH's records of finished legs with their queues: "
	    "mod_json_cdr, mod_xml_cdr, and mod_cdr_csv with a template of "
	    "your own.",
    .options = cdr_rows,
    .options_size = sizeof(struct cdr_options),
    .facts = STAGE_KNOWS(queue) | STAGE_KNOWS(wait) | STAGE_KNOWS(answer) |
	STAGE_KNOWS(agent) | STAGE_KNOWS(talk) | STAGE_KNOWS(abandon) |
	STAGE_KNOWS(timeout) | STAGE_KNOWS(key) | STAGE_KNOWS(empty) |
	STAGE_KNOWS(caller),
    .open = cdr_open,
    .input = cdr_input,
    .key = cdr_key,
    .close = cdr_close,
};
