/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes JSON into a strbuf, front to back, for the live documents that are
 * made each second. jansson, which the tests read them with, builds a tree
 * first and prints numbers as doubles: of 100 queues with three blocks that
 * alone took 8.6 ms, where a whole document made here takes 1.7 with all its
 * arithmetic (and 0.3 where no figure changed).
 *
 * The caller opens and closes what it nests; commas come by themselves. A key
 * is one of ours: plain ASCII without anything to escape. A text may hold any
 * bytes: what is no valid UTF-8 becomes U+FFFD, and besides what JSON demands
 * `<`, U+2028 and U+2029 are escaped, so that a document stays one in a script
 * element of a page.
 */
#ifndef RT_SERVE_JSON_H
#define RT_SERVE_JSON_H

#include "base/strbuf.h"
#include "tally/figure.h"

/* key: NULL for an element of an array and for the outermost value. */
void json_put_object(struct strbuf *b, const char *key);
void json_end_object(struct strbuf *b);
void json_put_array(struct strbuf *b, const char *key);
void json_end_array(struct strbuf *b);

void json_put_null(struct strbuf *b, const char *key);
void json_put_bool(struct strbuf *b, const char *key, bool value);
void json_put_int(struct strbuf *b, const char *key, int64_t value);
void json_put_text(struct strbuf *b, const char *key, struct slice value);
/* The same of a string; NULL: null. */
void json_put_string(struct strbuf *b, const char *key, const char *value);
/* A time in ISO 8601; 0: null. */
void json_put_time(struct strbuf *b, const char *key, int64_t utc_us);
/* A duration in seconds, three decimals at most; negative: null. */
void json_put_seconds(struct strbuf *b, const char *key, int64_t us);
void
json_put_figure(struct strbuf *b, const char *key, struct figure_value value);
/* A number with at most three decimals, as configured. */
void json_put_number(struct strbuf *b, const char *key, double value);
/* What is JSON already. */
void json_put_raw(struct strbuf *b, const char *key, struct slice json);
/* A text as a key: of a map by names. */
void json_put_name(struct strbuf *b, struct slice name);

#endif
