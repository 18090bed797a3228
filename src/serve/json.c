/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/utc.h"
#include "base/utf8.h"
#include "serve/json.h"

/* A comma where something stands before, and the key. */
static void
json_key(struct strbuf *b, const char *key)
{
	size_t n = key != NULL ? strlen(key) : 0;
	char *to = strbuf_reserve(b, n + 4);
	char last = b->n > 0 ? b->p[b->n - 1] : '[';
	size_t i = 0;

	if (last != '{' && last != '[' && last != ':')
		to[i++] = ',';
	if (key != NULL) {
		to[i++] = '"';
		memcpy(to + i, key, n);
		i += n;
		to[i++] = '"';
		to[i++] = ':';
	}
	strbuf_added(b, i);
}

void
json_put_object(struct strbuf *b, const char *key)
{
	json_key(b, key);
	strbuf_addc(b, '{');
}

void
json_end_object(struct strbuf *b)
{
	strbuf_addc(b, '}');
}

void
json_put_array(struct strbuf *b, const char *key)
{
	json_key(b, key);
	strbuf_addc(b, '[');
}

void
json_end_array(struct strbuf *b)
{
	strbuf_addc(b, ']');
}

void
json_put_null(struct strbuf *b, const char *key)
{
	json_key(b, key);
	strbuf_add(b, "null", 4);
}

void
json_put_bool(struct strbuf *b, const char *key, bool value)
{
	json_key(b, key);
	strbuf_adds(b, value ? "true" : "false");
}

static void
json_decimal(struct strbuf *b, int64_t value, unsigned decimals)
{
	static const uint64_t scales[] = {1, 10, 100, 1000};
	uint64_t n = value < 0 ? -(uint64_t)value : (uint64_t)value;

	BUG_ON(decimals >= RT_COUNT(scales));
	/* 1.500 is 1.5, and 2.000 is 2.0 */
	while (decimals > 1 && n % 10 == 0) {
		n /= 10;
		decimals--;
	}
	if (value < 0)
		strbuf_addc(b, '-');
	strbuf_add_digits(b, n / scales[decimals], 1);
	if (decimals == 0)
		return;
	strbuf_addc(b, '.');
	strbuf_add_digits(b, n % scales[decimals], decimals);
}

void
json_put_int(struct strbuf *b, const char *key, int64_t value)
{
	json_key(b, key);
	json_decimal(b, value, 0);
}

/* --- texts --------------------------------------------------------------- */

static void
json_escape(struct strbuf *b, uint32_t rune)
{
	switch (rune) {
	case '"':
		strbuf_add(b, "\\\"", 2);
		break;
	case '\\':
		strbuf_add(b, "\\\\", 2);
		break;
	case '\n':
		strbuf_add(b, "\\n", 2);
		break;
	case '\t':
		strbuf_add(b, "\\t", 2);
		break;
	default:
		strbuf_addf(b, "\\u%04x", (unsigned)rune);
		break;
	}
}

static bool
json_must_escape(uint32_t rune)
{
	return rune < 0x20 || rune == '"' || rune == '\\' || rune == '<' ||
	    (rune >= 0x7f && rune < 0xa0) || rune == 0x2028 || rune == 0x2029;
}

static void
json_quoted(struct strbuf *b, struct slice s)
{
	size_t from = 0, i = 0;

	strbuf_addc(b, '"');
	while (i < s.n) {
		uint32_t rune;
		size_t n = utf8_decode(s.p + i, s.n - i, &rune);

		if (n > 0 && !json_must_escape(rune)) {
			i += n;
			continue;
		}
		strbuf_add(b, s.p + from, i - from);
		json_escape(b, n > 0 ? rune : 0xfffd);
		i += RT_MAX(n, (size_t)1);
		from = i;
	}
	strbuf_add(b, s.p + from, s.n - from);
	strbuf_addc(b, '"');
}

void
json_put_text(struct strbuf *b, const char *key, struct slice value)
{
	json_key(b, key);
	json_quoted(b, value);
}

void
json_put_string(struct strbuf *b, const char *key, const char *value)
{
	if (value != NULL)
		json_put_text(b, key, slice_of(value));
	else
		json_put_null(b, key);
}

void
json_put_name(struct strbuf *b, struct slice name)
{
	json_key(b, NULL);
	json_quoted(b, name);
	strbuf_addc(b, ':');
}

/* --- times and numbers --------------------------------------------------- */

void
json_put_time(struct strbuf *b, const char *key, int64_t utc_us)
{
	char when[UTC_ISO_MAX];

	if (utc_us == 0)
		json_put_null(b, key);
	else
		json_put_text(
		    b, key, slice_of(utc_iso(when, sizeof(when), utc_us)));
}

void
json_put_seconds(struct strbuf *b, const char *key, int64_t us)
{
	if (us < 0) {
		json_put_null(b, key);
		return;
	}
	json_put_figure(b, key,
	    (struct figure_value){.n = us / USEC_PER_MSEC, .decimals = 3});
}

void
json_put_figure(struct strbuf *b, const char *key, struct figure_value value)
{
	json_key(b, key);
	if (value.null)
		strbuf_add(b, "null", 4);
	else
		json_decimal(b, value.n, (unsigned)value.decimals);
}

void
json_put_number(struct strbuf *b, const char *key, double value)
{
	json_key(b, key);
	json_decimal(b, (int64_t)(value * 1000 + (value < 0 ? -0.5 : 0.5)), 3);
}

void
json_put_raw(struct strbuf *b, const char *key, struct slice json)
{
	json_key(b, key);
	strbuf_add(b, json.p, json.n);
}
