/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the work is shared: conf_file.c opens and parses the files, conf_read.c
 * puts each value where its row says, conf.c says what must hold among them.
 */
#ifndef RT_CONF_READ_H
#define RT_CONF_READ_H

#include "conf.h"

/*
 * Reads `path` and conf.d/ALL.conf beside it into a zeroed conf. Each feed,
 * service and agent is given to conf_add_* when it was read. The reason says
 * "FILE:LINE: ...".
 */
int conf_read(struct conf *conf, const char *path, struct err *err);

/*
 * Appends it, when it does not clash with those before; the reason has no
 * place yet. What was refused stays the caller's.
 */
int conf_add_feed(struct conf *conf, struct conf_feed *feed, struct err *err);
int conf_add_service(
    struct conf *conf, struct conf_service *service, struct err *err);
int
conf_add_agent(struct conf *conf, struct conf_agent *agent, struct err *err);
int conf_add_contact(struct conf *conf, enum conf_contact_list list,
    struct conf_contact *row, struct err *err);
/* Whether each local day begins with an interval; the reason has no place. */
int conf_check_midnight(const struct conf *conf, struct err *err);
/* When all was read: whether contacts can be posted as it is configured. */
int conf_check_contacts(const struct conf *conf, struct err *err);
/*
 * Then: notes each category, channel and service that the rows of contacts name
 * and that neither we nor the configuration know. No more than a note: there
 * may be rows by SQL, and services that only contacts tell.
 */
void conf_note_contacts(struct conf *conf);
/* Appends a note, "FILE:LINE: ..."; text: copied. */
void conf_note_add(struct conf *conf, const char *text);

void conf_free_feed(struct conf_feed *feed);
void conf_free_service(struct conf_service *service);
void conf_free_agent(struct conf_agent *agent);
void conf_free_contact(enum conf_contact_list list, struct conf_contact *row);
void conf_free_contacts(struct conf *conf);

#endif
