/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A string that grows. Start it with STRBUF_INIT, give it back with
 * strbuf_fini. buf.p is always terminated, also when empty, once anything was
 * added; strbuf_str never returns NULL.
 */
#ifndef RT_BASE_STRBUF_H
#define RT_BASE_STRBUF_H

#include "base/slice.h"

struct strbuf {
	char *p;
	size_t n;   /* bytes held, without the terminator */
	size_t cap; /* bytes allocated */
};

#define STRBUF_INIT ((struct strbuf){NULL, 0, 0})

void strbuf_fini(struct strbuf *b);
/* Empties it and keeps the memory. */
void strbuf_reset(struct strbuf *b);
/* Makes room for n more bytes and returns where they go; see strbuf_added. */
char *strbuf_reserve(struct strbuf *b, size_t n);
/* Says that n bytes of what strbuf_reserve returned were filled. */
void strbuf_added(struct strbuf *b, size_t n);
void strbuf_add(struct strbuf *b, const void *bytes, size_t n);
void strbuf_addc(struct strbuf *b, char c);
void strbuf_adds(struct strbuf *b, const char *text);
/* The digits of n, at least `least` (up to 20) of them. */
void strbuf_add_digits(struct strbuf *b, uint64_t n, unsigned least);
void strbuf_addf(struct strbuf *b, const char *fmt, ...) RT_PRINTF(2, 3);
void
strbuf_vaddf(struct strbuf *b, const char *fmt, va_list ap) RT_PRINTF(2, 0);
/*
 * Adds bytes of unknown origin for a person to read: printable ASCII and valid
 * UTF-8 as they are, all else (controls, broken sequences, bidi overrides) as
 * \xNN, a backslash as \\. At most max bytes of the source, then "...".
 */
void strbuf_add_escaped(struct strbuf *b, struct slice s, size_t max);
const char *strbuf_str(const struct strbuf *b);

#endif
