/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the formats of FreeSWITCH have in common. An event of the event socket
 * and the record of a leg (json_cdr, xml_cdr, cdr_csv) tell the same things
 * under different names and in different wrappings: whoever unwraps gathers
 * what we know in one struct of fields, and the meaning is found there.
 *
 * A visit is found by the UUID of the caller's channel (the leg) and the queue.
 * mod_callcenter has a UUID of its own for each stay (CC-Member-UUID), but it
 * is given again to a caller who comes back, on another channel; and mod_fifo
 * has none. The channel's UUID is what both feeds of a switch know.
 *
 * Facts: mod_event_socket, switch_event.c, mod_callcenter, mod_fifo,
 * mod_json_cdr, mod_xml_cdr and mod_cdr_csv of FreeSWITCH 1.0.6 to 1.10.
 */
#ifndef RT_FORMAT_FREESWITCH_H
#define RT_FORMAT_FREESWITCH_H

#include "event/stage.h"

#define FREESWITCH_LEVELS 32 /* how deep JSON and XML may be nested */

enum freeswitch_field {
#define FIELD(name, header, variable) FREESWITCH_##name,
#include "format/freeswitch_fields.def"
#undef FIELD
	FREESWITCH_FIELDS
};

/* Which names are looked up. */
enum freeswitch_naming {
	FREESWITCH_HEADERS,  /* of events */
	FREESWITCH_VARIABLES /* of channels, in records of legs */
};

#define FREESWITCH_VARIABLE_MAX 128 /* bytes of a variable's name */

/* Names by hash, open addressing; without case. */
struct freeswitch_names {
	enum freeswitch_naming naming;
	uint8_t slot[256]; /* row + 1, or 0 */
	/* what FREESWITCH_contact is called here; n 0: nothing */
	struct slice contact;
	char contact_name[FREESWITCH_VARIABLE_MAX + sizeof("variable_")];
};

void freeswitch_names_init(
    struct freeswitch_names *names, enum freeswitch_naming naming);
/* Which variable holds the code of a contact; NULL or empty: none. */
void
freeswitch_names_contact(struct freeswitch_names *names, const char *variable);
/* The row of that option, the same in both formats. */
#define FREESWITCH_CONTACT_ROW(where)                                        \
	{                                                                    \
		.name = "contact_variable", .group = "feeds",                \
		.type = OPTION_TEXT, .offset = (where),                      \
		.max = FREESWITCH_VARIABLE_MAX, .unit = "",                  \
		.help = "The channel's variable with the code that the "     \
			"agent gave the contact, see "                       \
			"ringtally-contacts(7); of the caller's leg or the " \
			"agent's."                                           \
	}
/* The field, or -1. */
int
freeswitch_names_find(const struct freeswitch_names *names, struct slice name);

/*
 * Texts that had to be decoded. Each is as long as what it was made of, at
 * most, and none is made of more than five others, so the size is bounded.
 */
struct freeswitch_text {
	char *p;
	size_t n;
};

#define FREESWITCH_TEXT_MAX (6 * (size_t)STAGE_RECORD_MAX)

/* What is known of one event or leg. Empty: not told. */
struct freeswitch_record {
	const struct freeswitch_names *names;
	struct slice v[FREESWITCH_FIELDS];
	struct freeswitch_text text;
	/*
	 * Some variable holds a byte that FreeSWITCH would have encoded: so
	 * none is (encode-values is off).
	 */
	bool plain;
	bool json; /* values stand as between the quotes of JSON */
};

void freeswitch_record_init(
    struct freeswitch_record *r, const struct freeswitch_names *names);
void freeswitch_record_fini(struct freeswitch_record *r);
/* Forgets all but the memory. */
void freeswitch_record_reset(struct freeswitch_record *r);

/* %XX to bytes, once; anything else stays as it is ('+' too). */
struct slice freeswitch_url_decode(struct freeswitch_text *t, struct slice s);
/* Base64, to the first byte that is none. */
struct slice
freeswitch_base64_decode(struct freeswitch_text *t, struct slice s);
/* What stands between the quotes of a JSON string; \u0000 becomes a blank. */
struct slice freeswitch_json_decode(struct freeswitch_text *t, struct slice s);
/* Where the next text of up to n bytes goes; t->n grows by what it took. */
char *freeswitch_text_room(struct freeswitch_text *t, size_t n);

/*
 * One header or variable, encoded as it came: is kept where it is one of ours
 * and was not told before.
 */
void freeswitch_take(
    struct freeswitch_record *r, struct slice name, struct slice value);
/*
 * The same of a value in a tree, that of `keys` below the outermost: the
 * variables, and the caller's number of the newest profile.
 */
void freeswitch_take_path(struct freeswitch_record *r, const struct slice *keys,
    unsigned levels, struct slice value);
/* When all was taken: decodes what is encoded. `_undef_` becomes empty. */
void freeswitch_decode(struct freeswitch_record *r);

/* A whole number, as seconds, milliseconds ...; -1: not told, or no number. */
int64_t
freeswitch_number(const struct freeswitch_record *r, enum freeswitch_field f);
/* Seconds between two times in seconds; EVENT_UNKNOWN_MS where not told. */
int64_t freeswitch_span_ms(int64_t from_s, int64_t to_s);

/* An event of which nothing is known yet but its time. */
void freeswitch_event_init(
    struct event *ev, enum event_kind kind, int64_t time_us, struct slice name);

/*
 * How CC-Cancel-Reason or cc_cancel_reason ends a visit. NONE says that an
 * agent was found in the moment in which the caller hung up.
 */
enum outcome freeswitch_canceled(struct slice reason, unsigned *flags);

/* --- unwrapping ----------------------------------------------------------- */

/*
 * Goes through a JSON text and takes what it finds. More tolerant than
 * jansson: FreeSWITCH writes names in whatever encoding the phone sent. False:
 * it is no JSON, or nested too deep.
 */
bool freeswitch_json(struct freeswitch_record *r, struct slice json);
/*
 * A flat object, its keys headers: what an event is as JSON.
 */
bool freeswitch_json_flat(struct freeswitch_record *r, struct slice json);

/* The same for XML, by Expat; no document type, thus no entities. */
struct freeswitch_xml;
struct freeswitch_xml *freeswitch_xml_new(void);
void freeswitch_xml_free(struct freeswitch_xml *xml);
bool freeswitch_xml(
    struct freeswitch_xml *xml, struct freeswitch_record *r, struct slice text);

/*
 * One line of cdr_csv with these columns. Quotes within a value are not
 * doubled by FreeSWITCH, so a value ends where a quote and a comma stand
 * before the next quote. False: not as many values as columns.
 */
#define FREESWITCH_COLUMNS 64
bool freeswitch_csv(struct freeswitch_record *r, struct slice line,
    const struct slice *columns, unsigned n);

/* --- meaning -------------------------------------------------------------- */

/*
 * A leg that is over, of variables: a SUMMARY of the caller's leg in a queue, a
 * NOTE of any other, and behind it a CONTACT where it bears a code.
 * received_us: for a leg without times. Returns -1 with the reason where
 * nothing can be told.
 */
int freeswitch_leg(const struct freeswitch_record *r, int64_t received_us,
    struct sink *sink, const char **why);

#endif
