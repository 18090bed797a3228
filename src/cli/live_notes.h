/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What has to be known of a snapshot before its figures are believed: feeds
 * that are behind, a database that is away, a day that is not whole. The page
 * says the same at its top (www/warnings.js).
 */
#ifndef RT_CLI_LIVE_NOTES_H
#define RT_CLI_LIVE_NOTES_H

#include <jansson.h>

#include "base/err.h"

/*
 * Whether the daemon has not read yet what was counted before it was started,
 * so that no queue means nothing; with the reason.
 */
bool live_notes_nothing(const json_t *snapshot, struct err *err);

/* A line for each note, "ringtally live: feed ..."; none where all is well. */
void live_notes_print(FILE *to, const json_t *snapshot);

#endif
