/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Refs for contacts that have none: made from what is told of the contact, so
 * that the same file gives the same refs again, in any order of its rows. Of
 * rows that are alike the second gets a ref of its own, the third another: two
 * people who asked the same in the same minute are two contacts.
 *
 * Texts are those of the file, not what words are exchanged for: by the next
 * time it is imported more of them may be known.
 *
 * A row that is corrected later has another ref. Whoever corrects rows needs a
 * column that tells which is which.
 *
 * Memory: 20 to 60 bytes for each different row.
 */
#ifndef RT_CLI_CONTENTREF_H
#define RT_CLI_CONTENTREF_H

#include "base/strbuf.h"
#include "store/contacts.h"

#define CONTENTREF_MAX 64

/* Starts as {0}. */
struct contentrefs {
	struct contentref *slot; /* open addressing; a free one has no rows */
	size_t mask, used;
	struct strbuf told; /* of the row in work */
};

void contentrefs_fini(struct contentrefs *refs);

/* Writes the row's ref, terminated, and returns its length. */
size_t contentrefs_make(struct contentrefs *refs, char to[CONTENTREF_MAX],
    const struct contacts_row *row);

#endif
