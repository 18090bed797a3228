/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <langinfo.h>
#include <locale.h>
#include <wchar.h>

#include "base/utf8.h"
#include "cli/text.h"

void
text_start(void)
{
	setlocale(LC_CTYPE, "");
}

bool
text_is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* The columns of one character; -1: it can not be shown. */
static int
text_rune_columns(uint32_t rune)
{
	return rune < 0x7f ? 1 : wcwidth((wchar_t)rune);
}

size_t
text_columns(const char *text)
{
	size_t n = strlen(text), at = 0, columns = 0, len;
	uint32_t rune;
	int width;

	while (at < n) {
		len = utf8_decode(text + at, n - at, &rune);
		width = len > 0 ? text_rune_columns(rune) : 1;
		/* whoever does not know its width has room for one, mostly */
		columns += width < 0 ? 1 : (size_t)width;
		at += len > 0 ? len : 1;
	}
	return columns;
}

size_t
text_add(struct strbuf *to, const char *text)
{
	struct strbuf clean = STRBUF_INIT;
	bool utf8 = text_is_utf8();
	size_t at = 0, columns = 0, len;
	uint32_t rune;
	int width;

	strbuf_add_escaped(&clean, slice_of(text), SIZE_MAX);
	while (at < clean.n) {
		len = utf8_decode(clean.p + at, clean.n - at, &rune);
		BUG_ON(len == 0); /* escaped text is valid */
		width = text_rune_columns(rune);
		if (width < 0 || (!utf8 && rune > 0x7e)) {
			strbuf_addc(to, '?');
			columns++;
		} else {
			strbuf_add(to, clean.p + at, len);
			columns += (size_t)width;
		}
		at += len;
	}
	strbuf_fini(&clean);
	return columns;
}

/* The bytes at the beginning of clean text that take at most so many. */
static size_t
text_prefix(const char *clean, size_t n, size_t columns, size_t *taken)
{
	size_t at = 0, len;
	uint32_t rune;
	int width;

	for (*taken = 0; at < n; at += len) {
		len = utf8_decode(clean + at, n - at, &rune);
		width = len > 0 ? text_rune_columns(rune) : -1;
		BUG_ON(width < 0); /* not clean */
		if (*taken + (size_t)width > columns)
			break;
		*taken += (size_t)width;
	}
	return at;
}

static void
text_pad(struct strbuf *to, size_t columns)
{
	while (columns-- > 0)
		strbuf_addc(to, ' ');
}

static void
text_fit_from(struct strbuf *to, const char *clean, size_t columns, bool right)
{
	size_t n = strlen(clean), taken, fits;
	bool cut = false;

	fits = text_prefix(clean, n, columns, &taken);
	if (fits < n && columns > 0) {
		cut = true;
		fits = text_prefix(clean, n, columns - 1, &taken);
		taken++;
	}
	if (right)
		text_pad(to, columns - taken);
	strbuf_add(to, clean, fits);
	if (cut)
		strbuf_adds(to, text_is_utf8() ? "\xe2\x80\xa6" : "~");
	if (!right)
		text_pad(to, columns - taken);
}

void
text_fit(struct strbuf *to, const char *text, size_t columns, bool right)
{
	struct strbuf clean = STRBUF_INIT;

	text_add(&clean, text);
	text_fit_from(to, strbuf_str(&clean), columns, right);
	strbuf_fini(&clean);
}

void
text_fit_clean(struct strbuf *to, const char *clean, size_t columns)
{
	text_fit_from(to, clean, columns, false);
}
