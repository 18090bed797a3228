/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The format ringtally-json, asked ahead of time: whoever takes contacts by
 * POST wants to refuse what the format would refuse, while the sender can still
 * be told of it.
 */
#ifndef RT_FORMAT_RINGTALLY_JSON_H
#define RT_FORMAT_RINGTALLY_JSON_H

#include "base/slice.h"

struct ringtally_json;

struct ringtally_json *ringtally_json_new(void);
void ringtally_json_free(struct ringtally_json *j); /* NULL is fine */

/*
 * Whether the text is one object that is taken as a contact: with the member
 * "event" ("contact"; then *has_event), or one that needs but that; and of no
 * time that is more than a day behind now_us. -1: it is not, why: a constant.
 */
int ringtally_json_check_contact(struct ringtally_json *j, struct slice text,
    int64_t now_us, bool *has_event, const char **why);

/*
 * What was taken of that contact and is of no use: each member whose name is
 * not known, and a customer who can not be known again. remark lives until fn
 * returns; bytes of names are the sender's.
 */
void ringtally_json_remarks(const struct ringtally_json *j,
    void (*fn)(void *ctx, const char *remark), void *ctx);

#endif
