/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes contacts of the records of a CSV file: times, words and numbers of
 * customers as their owner wrote them become those of ringtally.contact_put.
 */
#ifndef RT_CLI_CONTACTS_MAKER_H
#define RT_CLI_CONTACTS_MAKER_H

#include "base/timefmt.h"
#include "caller_key.h"
#include "cli/contentref.h"
#include "cli/csvfile.h"
#include "conf.h"

enum contacts_field {
	CONTACTS_REF,
	CONTACTS_TIME,
	CONTACTS_CHANNEL,
	CONTACTS_SERVICE,
	CONTACTS_CATEGORY,
	CONTACTS_CODE,
	CONTACTS_REQUEST,
	CONTACTS_RESOLVED,
	CONTACTS_CUSTOMER,
	CONTACTS_ASSESSED_BY,
	CONTACTS_ASSESSED_AT,
	CONTACTS_SWITCH,
	CONTACTS_CALL_ID,
	CONTACTS_AGENT,
	CONTACTS_FIELDS
};

extern const struct mapping_field contacts_fields[];

#define WORDS_KNOWN_MAX	  1000 /* above: compared as they are written */
#define WORDS_UNKNOWN_MAX 20   /* told; the others are only counted */

/* The channels, or categories, that there are, and those that there are not. */
struct words {
	const char *kind;
	struct words_known {
		char *name, *form, *label_form;
	} * known;
	size_t n_known;
	struct words_unknown {
		char *word;
		uint64_t contacts;
	} unknown[WORDS_UNKNOWN_MAX];
	size_t n_unknown;
	uint64_t others; /* contacts of unknown words that are not listed */
};

struct contacts_maker {
	/* to be set */
	struct csvfile *file;
	struct timefmt times;
	int64_t latest_us; /* later ones are those of a wrong clock */
	struct slice source;
	const struct caller_key *key; /* NULL: customers are not taken over */
	const char *country_code;
	struct slice ref_prefix, request_prefix; /* empty: none */
	const struct conf *conf; /* NULL: agents have no aliases */
	/* what is known of the database's words; see words_add */
	struct words channels, categories;
	int64_t kept_from_us; /* what is older will not be kept */
	/* for who wants to say so */
	uint64_t older;	  /* of these */
	uint64_t cut;	  /* texts that were too long */
	uint64_t rounded; /* customers whose number a spreadsheet has spoilt */
	uint64_t neither; /* customers who are neither number nor address */
	/* its own */
	struct contentrefs refs;
	char room[CONTACTS_FIELDS][CONTACTS_TEXT_MAX + 1];
	uint8_t hash[CALLER_HASH_BYTES];
};

/* What is set before stays. */
void contacts_maker_init(struct contacts_maker *maker);
void contacts_maker_fini(struct contacts_maker *maker);

/*
 * The contact that the file's present record tells; its texts live until the
 * next call. False: the record is refused, and that was said.
 */
bool contacts_make(struct contacts_maker *maker, struct contacts_row *row);

/* One more word that counts, and what it is called. */
void words_add(struct words *words, const char *name, const char *label);
/* The name of what was written; NULL: there is no such word. */
const char *words_known(const struct words *words, struct slice word);
/*
 * The name of what was written, be it name or label, in any case, with spaces
 * or underscores; what is not known stays as it is, and is noted.
 */
struct slice words_find(struct words *words, struct slice word);
void words_fini(struct words *words);

#endif
