/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/strbuf.h"
#include "base/utf8.h"

void
strbuf_fini(struct strbuf *b)
{
	free(b->p);
	*b = STRBUF_INIT;
}

void
strbuf_reset(struct strbuf *b)
{
	b->n = 0;
	if (b->p != NULL)
		b->p[0] = '\0';
}

char *
strbuf_reserve(struct strbuf *b, size_t n)
{
	if (n >= b->cap - b->n) {
		BUG_ON(n > SIZE_MAX / 4 || b->cap > SIZE_MAX / 4);
		b->cap = RT_MAX(b->cap * 2, b->n + n + 1);
		b->cap = RT_MAX(b->cap, (size_t)64);
		b->p = mem_realloc(b->p, b->cap, 1);
	}
	return b->p + b->n;
}

void
strbuf_added(struct strbuf *b, size_t n)
{
	BUG_ON(n >= b->cap - b->n);
	b->n += n;
	b->p[b->n] = '\0';
}

void
strbuf_add(struct strbuf *b, const void *bytes, size_t n)
{
	char *to = strbuf_reserve(b, n);

	if (n > 0)
		memcpy(to, bytes, n);
	strbuf_added(b, n);
}

void
strbuf_addc(struct strbuf *b, char c)
{
	strbuf_add(b, &c, 1);
}

void
strbuf_adds(struct strbuf *b, const char *text)
{
	strbuf_add(b, text, strlen(text));
}

void
strbuf_add_digits(struct strbuf *b, uint64_t n, unsigned least)
{
	char digits[20];
	size_t at = sizeof(digits);

	BUG_ON(least > sizeof(digits));
	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0 || sizeof(digits) - at < least);
	strbuf_add(b, digits + at, sizeof(digits) - at);
}

void
strbuf_vaddf(struct strbuf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	BUG_ON(n < 0);
	vsnprintf(strbuf_reserve(b, (size_t)n), (size_t)n + 1, fmt, ap);
	strbuf_added(b, (size_t)n);
}

void
strbuf_addf(struct strbuf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(b, fmt, ap);
	va_end(ap);
}

void
strbuf_add_escaped(struct strbuf *b, struct slice s, size_t max)
{
	size_t end = RT_MIN(s.n, max);
	size_t i = 0;

	while (i < end) {
		unsigned char c = (unsigned char)s.p[i];
		uint32_t rune;
		size_t n = utf8_decode(s.p + i, s.n - i, &rune);

		if (c == '\\') {
			strbuf_adds(b, "\\\\");
			i++;
		} else if (n > end - i) {
			break; /* max falls within a character */
		} else if (n > 0 && utf8_is_plain(rune)) {
			strbuf_add(b, s.p + i, n);
			i += n;
		} else {
			strbuf_addf(b, "\\x%02x", c);
			i++;
		}
	}
	if (s.n > max)
		strbuf_adds(b, "...");
}

const char *
strbuf_str(const struct strbuf *b)
{
	return b->p != NULL ? b->p : "";
}
