/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "serve/request.h"

static const char *const request_filters[REQUEST_FILTERS] = {
    [REQUEST_QUEUE] = "queue",
    [REQUEST_SERVICE] = "service",
    [REQUEST_SWITCH] = "switch",
};

static int
request_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes in place; false: not what percent-encoding makes. */
static bool
request_decode(char *text)
{
	char *to = text;
	int high, low;

	for (; *text != '\0'; text++) {
		if (*text != '%') {
			*to++ = *text;
			continue;
		}
		high = request_hex(text[1]);
		low = high < 0 ? -1 : request_hex(text[2]);
		if (low < 0 || high + low == 0)
			return false;
		*to++ = (char)(high << 4 | low);
		text += 2;
	}
	*to = '\0';
	return true;
}

/* One hash, and what stands behind it; NULL: there is none. */
static const char *
request_hash(const char *text, uint8_t to[REQUEST_HASH_BYTES])
{
	int high, low, i;

	for (i = 0; i < REQUEST_HASH_BYTES; i++, text += 2) {
		high = request_hex(text[0]);
		low = high < 0 ? -1 : request_hex(text[1]);
		if (low < 0)
			return NULL;
		to[i] = (uint8_t)(high << 4 | low);
	}
	return text;
}

int
request_hashes(const struct request *r,
    uint8_t to[REQUEST_HASHES_MAX][REQUEST_HASH_BYTES], struct err *err)
{
	const char *text = r->what;
	int n = 0;

	if (text == NULL || request_has_filter(r))
		return err_set(err, "forget whom?");
	for (;; text++) {
		if (n == REQUEST_HASHES_MAX)
			return err_set(
			    err, "more than %d hashes", REQUEST_HASHES_MAX);
		text = request_hash(text, to[n]);
		if (text == NULL || (*text != ',' && *text != '\0'))
			return err_set(err, "a hash is %d hexadecimal digits",
			    2 * REQUEST_HASH_BYTES);
		n++;
		if (*text == '\0')
			return n;
	}
}

static int
request_take_name(struct request *r, size_t filter, char *name, struct err *err)
{
	const char **names = r->names[filter];
	size_t n = 0;

	if (!request_decode(name))
		return err_set(err, "%s: what follows a %% is not two digits",
		    request_filters[filter]);
	while (names != NULL && names[n] != NULL)
		n++;
	if (n == REQUEST_NAMES_MAX)
		return err_set(err, "%s: more than %d names",
		    request_filters[filter], REQUEST_NAMES_MAX);
	names = mem_realloc(names, n + 2, sizeof(*names));
	names[n] = name;
	names[n + 1] = NULL;
	r->names[filter] = names;
	return 0;
}

static int
request_take_filter(struct request *r, char *word, struct err *err)
{
	size_t i, n;

	for (i = 0; i < REQUEST_FILTERS; i++) {
		n = strlen(request_filters[i]);
		if (strncmp(word, request_filters[i], n) == 0 && word[n] == '=')
			return request_take_name(r, i, word + n + 1, err);
	}
	return err_set(err,
	    "\"%.64s\" is none of queue=NAME, service=NAME, switch=NAME", word);
}

int
request_parse(struct request *r, struct slice line, struct err *err)
{
	char *word, *left;

	*r = (struct request){.words = mem_alloc(line.n + 1)};
	memcpy(r->words, line.p, line.n);
	r->words[line.n] = '\0';
	if (strlen(r->words) != line.n) {
		request_fini(r);
		return err_set(err, "a NUL within the request");
	}
	for (left = r->words; (word = strsep(&left, " ")) != NULL;) {
		if (word[0] == '\0')
			continue;
		if (r->verb == NULL) {
			r->verb = word;
		} else if (r->what == NULL) {
			r->what = word;
		} else if (request_take_filter(r, word, err) < 0) {
			request_fini(r);
			return -1;
		}
	}
	if (r->verb != NULL)
		return 0;
	request_fini(r);
	return err_set(err, "an empty request");
}

void
request_fini(struct request *r)
{
	size_t i;

	for (i = 0; i < REQUEST_FILTERS; i++)
		free(r->names[i]);
	free(r->words);
	*r = (struct request){0};
}

bool
request_has_filter(const struct request *r)
{
	size_t i;

	for (i = 0; i < REQUEST_FILTERS; i++)
		if (r->names[i] != NULL)
			return true;
	return false;
}

void
request_add(struct strbuf *to, enum request_filter filter, const char *name)
{
	const unsigned char *p;

	strbuf_addf(to, " %s=", request_filters[filter]);
	for (p = (const unsigned char *)name; *p != '\0'; p++)
		if (*p > ' ' && *p < 0x7f && *p != '%')
			strbuf_addc(to, (char)*p);
		else
			strbuf_addf(to, "%%%02X", *p);
}
