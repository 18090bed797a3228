/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text on a terminal: how many columns it takes there, and names of unknown
 * origin made harmless and brought to a width. Controls and all that is not
 * for people stands as \xNN; what the terminal can not show, as a question
 * mark.
 */
#ifndef RT_CLI_TEXT_H
#define RT_CLI_TEXT_H

#include "base/strbuf.h"

/*
 * Takes the character set of the environment. Without it (and where that is
 * none of UTF-8) text_add writes ASCII only.
 */
void text_start(void);
bool text_is_utf8(void);

/* The columns of valid UTF-8 without controls. */
size_t text_columns(const char *text);

/* Adds text as it may be shown; returns its columns. */
size_t text_add(struct strbuf *to, const char *text);

/*
 * The same in exactly so many columns: cut off, with a sign that it was, or
 * filled up with spaces, behind the text or (right) before it.
 */
void text_fit(struct strbuf *to, const char *text, size_t columns, bool right);
/* The same of what text_add or text_fit made; filled up behind it. */
void text_fit_clean(struct strbuf *to, const char *clean, size_t columns);

#endif
