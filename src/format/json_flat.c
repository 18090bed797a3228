/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/utf8.h"
#include "format/json_flat.h"

static int
json_flat_fail(struct json_flat *f, const char *why)
{
	f->why = why;
	f->state = JSON_FLAT_BROKEN;
	return -1;
}

static inline void
json_flat_blanks(struct json_flat *f)
{
	while (f->p < f->end &&
	    (*f->p == ' ' || *f->p == '\t' || *f->p == '\n' || *f->p == '\r'))
		f->p++;
}

/* The next byte that means something, or '\0' at the end. */
static inline char
json_flat_peek(struct json_flat *f)
{
	json_flat_blanks(f);
	return f->p < f->end ? *f->p : '\0';
}

/* --- texts ---------------------------------------------------------------- */

/* Passes over what stands for itself; stops at a quote, an escape, a fault. */
static RT_HOT void
json_flat_plain(struct json_flat *f)
{
	const char *p = f->p, *end = f->end;
	uint32_t rune;
	size_t n;

	while (p < end && *p != '"' && *p != '\\') {
		unsigned char c = (unsigned char)*p;

		if (RT_LIKELY(c >= 0x20 && c < 0x80)) {
			p++;
			continue;
		}
		n = c < 0x20 ? 0 : utf8_decode(p, (size_t)(end - p), &rune);
		if (n == 0)
			break;
		p += n;
	}
	f->p = p;
}

/* Four hexadecimal digits at p, or -1. */
static int32_t
json_flat_hex(const struct json_flat *f, const char *p)
{
	int32_t value = 0;
	int i;

	if (f->end - p < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		char c = p[i];

		value <<= 4;
		if (c >= '0' && c <= '9')
			value |= c - '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value |= (c | 0x20) - 'a' + 10;
		else
			return -1;
	}
	return value;
}

static void
json_flat_put(struct json_flat *f, const char *bytes, size_t n)
{
	/* no escape is shorter than what it stands for */
	BUG_ON(n > sizeof(f->room) - f->used);
	memcpy(f->room + f->used, bytes, n);
	f->used += n;
}

static void
json_flat_put_rune(struct json_flat *f, int32_t rune)
{
	char utf8[4];
	size_t n = 0;

	if (rune < 0x80) {
		utf8[n++] = (char)rune;
	} else if (rune < 0x800) {
		utf8[n++] = (char)(0xc0 | rune >> 6);
		utf8[n++] = (char)(0x80 | (rune & 0x3f));
	} else if (rune < 0x10000) {
		utf8[n++] = (char)(0xe0 | rune >> 12);
		utf8[n++] = (char)(0x80 | (rune >> 6 & 0x3f));
		utf8[n++] = (char)(0x80 | (rune & 0x3f));
	} else {
		utf8[n++] = (char)(0xf0 | rune >> 18);
		utf8[n++] = (char)(0x80 | (rune >> 12 & 0x3f));
		utf8[n++] = (char)(0x80 | (rune >> 6 & 0x3f));
		utf8[n++] = (char)(0x80 | (rune & 0x3f));
	}
	json_flat_put(f, utf8, n);
}

/* Behind "\u": one of the basic plane, or a pair of surrogates. */
static int
json_flat_unicode(struct json_flat *f)
{
	int32_t rune = json_flat_hex(f, f->p), low;

	if (rune < 0)
		return json_flat_fail(f, "broken JSON: a \\u without digits");
	f->p += 4;
	if (rune == 0)
		return json_flat_fail(f, "a text with U+0000");
	if (rune >= 0xd800 && rune <= 0xdfff) {
		low = rune < 0xdc00 && f->end - f->p >= 6 && f->p[0] == '\\' &&
			f->p[1] == 'u'
		    ? json_flat_hex(f, f->p + 2)
		    : -1;
		if (low < 0xdc00 || low > 0xdfff)
			return json_flat_fail(
			    f, "half a surrogate pair in a text");
		f->p += 6;
		rune = 0x10000 + ((rune - 0xd800) << 10) + (low - 0xdc00);
	}
	json_flat_put_rune(f, rune);
	return 0;
}

/* At a backslash. */
static int
json_flat_escape(struct json_flat *f)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;

	if (f->end - f->p < 2)
		return json_flat_fail(f, "broken JSON: a text without its end");
	f->p += 2;
	if (f->p[-1] == 'u')
		return json_flat_unicode(f);
	at = memchr(from, f->p[-1], sizeof(from) - 1);
	if (at == NULL)
		return json_flat_fail(f, "broken JSON: an unknown escape");
	json_flat_put(f, to + (at - from), 1);
	return 0;
}

static int
json_flat_bad_byte(struct json_flat *f)
{
	if (f->p == f->end)
		return json_flat_fail(f, "broken JSON: a text without its end");
	if ((unsigned char)*f->p < 0x20)
		return json_flat_fail(
		    f, "broken JSON: a control character in a text");
	return json_flat_fail(f, "a text that is not UTF-8");
}

/* A text that began at `from` and has come to its first escape, if it is one.
 */
static int
json_flat_decode(struct json_flat *f, const char *from, struct slice *text)
{
	size_t begin = f->used;

	for (;;) {
		json_flat_put(f, from, (size_t)(f->p - from));
		if (f->p == f->end || (*f->p != '"' && *f->p != '\\'))
			return json_flat_bad_byte(f);
		if (*f->p == '"')
			break;
		if (json_flat_escape(f) < 0)
			return -1;
		from = f->p;
		json_flat_plain(f);
	}
	f->p++;
	*text = (struct slice){f->room + begin, f->used - begin};
	return 0;
}

/* At the opening quote. */
static RT_HOT int
json_flat_text(struct json_flat *f, struct slice *text)
{
	const char *from = ++f->p;

	json_flat_plain(f);
	if (RT_UNLIKELY(f->p == f->end || *f->p != '"'))
		return json_flat_decode(f, from, text);
	*text = (struct slice){from, (size_t)(f->p - from)};
	f->p++;
	return 0;
}

/* --- numbers and words ---------------------------------------------------- */

/* Passes over digits; false: there is none. */
static bool
json_flat_digits(struct json_flat *f)
{
	const char *from = f->p;

	while (f->p < f->end && *f->p >= '0' && *f->p <= '9')
		f->p++;
	return f->p > from;
}

static int
json_flat_number(struct json_flat *f, struct slice *number)
{
	const char *from = f->p;
	bool good;

	f->p += *f->p == '-';
	if (f->p < f->end && *f->p == '0') {
		f->p++;
		good = true;
	} else {
		good = json_flat_digits(f);
	}
	if (good && f->p < f->end && *f->p == '.') {
		f->p++;
		good = json_flat_digits(f);
	}
	if (good && f->p < f->end && (*f->p | 0x20) == 'e') {
		f->p++;
		if (f->p < f->end && (*f->p == '+' || *f->p == '-'))
			f->p++;
		good = json_flat_digits(f);
	}
	if (!good)
		return json_flat_fail(f, "broken JSON: no such number");
	*number = (struct slice){from, (size_t)(f->p - from)};
	return 0;
}

static int
json_flat_word(struct json_flat *f, struct slice word)
{
	if ((size_t)(f->end - f->p) < word.n ||
	    memcmp(f->p, word.p, word.n) != 0)
		return json_flat_fail(f, "broken JSON: no such value");
	f->p += word.n;
	return 0;
}

/* --- values --------------------------------------------------------------- */

static int json_flat_nested(struct json_flat *f, unsigned depth);

static RT_HOT int
json_flat_value(struct json_flat *f, unsigned depth, struct json_flat_member *m)
{
	switch (json_flat_peek(f)) {
	case '"':
		m->type = JSON_FLAT_TEXT;
		return json_flat_text(f, &m->value);
	case '{':
	case '[':
		m->type = JSON_FLAT_NESTED;
		return json_flat_nested(f, depth + 1);
	case 'n':
		m->type = JSON_FLAT_NULL;
		return json_flat_word(f, SLICE("null"));
	case 't':
		m->type = JSON_FLAT_TRUE;
		return json_flat_word(f, SLICE("true"));
	case 'f':
		m->type = JSON_FLAT_FALSE;
		return json_flat_word(f, SLICE("false"));
	default:
		if (f->p == f->end)
			return json_flat_fail(f, "broken JSON: cut off");
		m->type = JSON_FLAT_NUMBER;
		return json_flat_number(f, &m->value);
	}
}

/* At a name: it, the colon and the value. */
static RT_HOT int
json_flat_member(
    struct json_flat *f, unsigned depth, struct json_flat_member *m)
{
	if (json_flat_peek(f) != '"')
		return json_flat_fail(f, "broken JSON: no member's name");
	if (json_flat_text(f, &m->name) < 0)
		return -1;
	if (json_flat_peek(f) != ':')
		return json_flat_fail(f, "broken JSON: a name without a colon");
	f->p++;
	return json_flat_value(f, depth, m);
}

/* Behind an element: 1: one more follows, 0: that was the last one. */
static inline int
json_flat_more(struct json_flat *f, char close)
{
	char c = json_flat_peek(f);

	if (c != ',' && c != close)
		return json_flat_fail(f,
		    f->p == f->end ? "broken JSON: cut off"
				   : "broken JSON: no comma");
	f->p++;
	return c == ',';
}

/* Within arrays and objects, that are only passed over. */
static int
json_flat_nested(struct json_flat *f, unsigned depth)
{
	char close = *f->p == '{' ? '}' : ']';
	struct json_flat_member m;
	int more;

	if (depth > JSON_FLAT_DEPTH)
		return json_flat_fail(f, "JSON that is nested too deeply");
	f->p++;
	if (json_flat_peek(f) == close) {
		f->p++;
		return 0;
	}
	do {
		if ((close == '}' ? json_flat_member(f, depth, &m)
				  : json_flat_value(f, depth, &m)) < 0)
			return -1;
		more = json_flat_more(f, close);
	} while (more > 0);
	return more;
}

static RT_HOT bool
json_flat_is_twice(const struct json_flat *f, struct slice name)
{
	unsigned i;

	for (i = 0; i < f->n; i++)
		if (slice_eq(f->member[i].name, name))
			return true;
	return false;
}

/* At the brace of an object whose members are kept. */
static RT_HOT int
json_flat_object(struct json_flat *f)
{
	struct json_flat_member *m;
	int more;

	f->n = 0;
	f->p++;
	if (json_flat_peek(f) == '}') {
		f->p++;
		return 0;
	}
	do {
		if (f->n == JSON_FLAT_MEMBERS)
			return json_flat_fail(f, "too many members");
		m = &f->member[f->n];
		if (json_flat_member(f, 0, m) < 0)
			return -1;
		if (json_flat_is_twice(f, m->name))
			return json_flat_fail(f, "a member stands there twice");
		f->n++;
		more = json_flat_more(f, '}');
	} while (more > 0);
	return more;
}

/* --- documents ------------------------------------------------------------ */

void
json_flat_begin(struct json_flat *f, struct slice text)
{
	f->p = text.p;
	f->end = text.p + text.n;
	f->state = JSON_FLAT_START;
	f->is_array = false;
	f->used = 0;
	f->n = 0;
	if (text.n > sizeof(f->room))
		json_flat_fail(f, "JSON of too many bytes");
}

/* Nothing may follow the document. */
static int
json_flat_finish(struct json_flat *f)
{
	json_flat_blanks(f);
	if (f->p < f->end)
		return json_flat_fail(f, "more behind the JSON");
	f->state = JSON_FLAT_DONE;
	return 0;
}

/* At the beginning; 1: an object is next, in an array or alone. */
static int
json_flat_start(struct json_flat *f)
{
	char c = json_flat_peek(f);

	if (c != '[')
		return 1;
	f->state = JSON_FLAT_ELEMENTS;
	f->is_array = true;
	f->p++;
	if (json_flat_peek(f) != ']')
		return 1;
	f->p++;
	return json_flat_finish(f);
}

static int
json_flat_element(struct json_flat *f)
{
	int more = f->state == JSON_FLAT_START ? json_flat_start(f) : 1;

	if (more <= 0)
		return more;
	if (json_flat_peek(f) != '{')
		return json_flat_fail(f, "no JSON object");
	if (json_flat_object(f) < 0)
		return -1;
	more = f->state == JSON_FLAT_ELEMENTS ? json_flat_more(f, ']') : 0;
	if (more < 0 || (more == 0 && json_flat_finish(f) < 0))
		return -1;
	return 1;
}

RT_HOT int
json_flat_next(struct json_flat *f, const char **why)
{
	int rc;

	if (f->state == JSON_FLAT_DONE)
		return 0;
	rc = f->state == JSON_FLAT_BROKEN ? -1 : json_flat_element(f);
	if (rc < 0)
		*why = f->why;
	return rc;
}
