/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UTF-8 (RFC 3629), as far as names need it. What a switch writes is "usually
 * UTF-8, Latin-1 possible, never guaranteed"; what PostgreSQL takes is valid
 * UTF-8 without NUL.
 */
#ifndef RT_BASE_UTF8_H
#define RT_BASE_UTF8_H

#include "base/base.h"

/*
 * Decodes the character at p (n bytes are readable). Returns its length in
 * bytes, or 0 when no valid character stands there.
 */
size_t utf8_decode(const char *p, size_t n, uint32_t *rune);

/* Printable: no control, no bidi override, no line or paragraph separator. */
bool utf8_is_plain(uint32_t rune);

/* True when all bytes are ASCII from space to tilde: the quick test. */
bool utf8_is_ascii(const char *p, size_t n);

/*
 * Writes the n bytes at p to `to` as valid UTF-8 without controls: a byte of
 * no valid character is taken as Latin-1, controls become U+FFFD. Stops at a
 * whole character before cap bytes. Returns the bytes written; `to` is not
 * terminated. The same input gives the same output, always.
 */
size_t utf8_clean(char *to, size_t cap, const char *p, size_t n);

#endif
