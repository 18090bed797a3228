/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pieces of the format freeswitch-esl: what is said on the connection
 * (freeswitch_esl_dialogue.c), what the events mean (freeswitch_esl.c), and the
 * picture of how things stand (freeswitch_esl_picture.c).
 *
 * The way of a connection. The dialogue logs in, asks for events, and then asks
 * mod_callcenter, one question after the other:
 *
 *	api callcenter_config queue list
 *	api callcenter_config queue list members NAME
 *	api callcenter_config queue list agents NAME	(both for each queue)
 *
 * The answers are records like the events. They bear no mark of what they
 * answer, but come in that order: tables, a head line with the columns' names,
 * fields between `|`, at the end "+OK"; without rows there is no head line
 * (list_result_callback in mod_callcenter.c). Between them events go on coming.
 * By queue, and not `agent list`, as one answer can not be longer than a
 *record: it has room for about 250 agents or callers. With more the picture is
 *left out, and the events alone have to do.
 */
#ifndef RT_FORMAT_FREESWITCH_ESL_H
#define RT_FORMAT_FREESWITCH_ESL_H

#include "base/strbuf.h"
#include "format/freeswitch.h"

enum esl_encoding { ESL_PLAIN, ESL_JSON };

struct esl_options {
	int encoding; /* enum esl_encoding */
	bool hangups;
	bool picture;
	char *contact_variable;
};

/* A message of the event socket: headers, an empty line, and a body. */
struct esl_message {
	struct slice type;  /* Content-Type; an event without a frame: empty */
	struct slice reply; /* Reply-Text */
	struct slice body;
};

/*
 * Cuts a record apart. A record that begins with an event's headers, as a dump
 * of events in a file does, is its own body.
 */
void esl_message(struct slice record, struct esl_message *message);

extern const struct dialogue_ops esl_dialogue;

/* --- the picture ---------------------------------------------------------- */

struct esl_picture;

struct esl_picture *esl_picture_new(void);
void esl_picture_free(struct esl_picture *p);
/* A connection began or ended: what was gathered is worth nothing. */
void esl_picture_reset(struct esl_picture *p);
/*
 * An answer. Returns true with the last one, when the picture is whole. One
 * that can not be understood spoils the picture: nothing comes of it.
 */
bool esl_picture_answer(struct esl_picture *p, struct slice body);
/* The switch's heart beats; an answer that is long overdue will not come. */
void esl_picture_beat(struct esl_picture *p);
/* An event of a visit came while the picture is gathered. */
void esl_picture_event(struct esl_picture *p, const struct event *ev);
/*
 * Gives it to the sink: PICTURE, for each visit ENTER and, if it is answered,
 * CONNECT, for each agent LOGIN and PAUSE, PICTURE_END. All happened at now_us.
 */
void esl_picture_give(struct esl_picture *p, int64_t now_us, struct sink *sink);

/* What an agent's status or state says. */
bool esl_is_available(struct slice status);
#define ESL_ON_BREAK   SLICE("On Break")
#define ESL_LOGGED_OUT SLICE("Logged Out")
#define ESL_IDLE       SLICE("Idle")

/* One line of a body, without its end; false: there is none left. */
bool esl_line(struct slice *rest, struct slice *line);
/* The field of a line of a table; `|` separates. Empty beyond the last. */
struct slice esl_column(struct slice line, unsigned i);
/* Which column has that name; -1: none. */
int esl_column_of(struct slice head, const char *name);

#endif
