/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's document of contacts (serve/view.h: VIEW_CONTACTS) as tables:
 * today and 28 days, channels, services, categories. No share is printed
 * without its coverage, and where there is none, why; the formulas are below,
 * as everywhere.
 */
#ifndef RT_CLI_CONTACTS_TABLE_H
#define RT_CLI_CONTACTS_TABLE_H

#include <jansson.h>

#include "cli/table.h"

/*
 * TABLE_PLAIN: all of it, for people; TABLE_CSV: one table, whose first column
 * says what a row is of. Not for TABLE_JSON: the document is JSON. -1 with the
 * reason: it is no such document, or could not be written.
 */
int contacts_table(FILE *to, enum table_format format, const json_t *document,
    struct err *err);

/*
 * What is inferred from the calls of today, for people, apart from what was
 * assessed. queues: the document of `show queues`. Likewise.
 */
int contacts_table_inferred(FILE *to, const json_t *queues, struct err *err);

#endif
