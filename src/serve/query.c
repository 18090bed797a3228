/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/utf8.h"
#include "serve/query.h"

static int
query_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* In place: what is decoded is never longer. */
static int
query_decode(char *text, struct err *err)
{
	char *to = text;
	int high, low;

	for (; *text != '\0'; text++) {
		if (*text == '+') {
			*to++ = ' ';
		} else if (*text != '%') {
			*to++ = *text;
		} else {
			high = query_digit(text[1]);
			low = high < 0 ? -1 : query_digit(text[2]);
			if (low < 0 || high * 16 + low == 0)
				return err_set(
				    err, "a %% without two digits behind it");
			*to++ = (char)(high * 16 + low);
			text += 2;
		}
	}
	*to = '\0';
	return 0;
}

static int
query_check(const char *value, struct err *err)
{
	size_t n = strlen(value), step;
	uint32_t rune;

	for (; n > 0; value += step, n -= step) {
		step = utf8_decode(value, n, &rune);
		if (step == 0 || !utf8_is_plain(rune))
			return err_set(err, "a name that is not plain UTF-8");
	}
	return 0;
}

static int
query_add(const char **list, const char *value, struct err *err)
{
	size_t n = 0;

	while (list[n] != NULL)
		n++;
	if (n == VIEW_FILTERS_MAX)
		return err_set(
		    err, "more than %d names of a kind", VIEW_FILTERS_MAX);
	list[n] = value;
	return 0;
}

static int
query_take(struct query *q, char *pair, struct err *err)
{
	char *value = strchr(pair, '=');
	const char **list;

	if (value == NULL)
		return err_set(err, "a parameter without a value");
	*value++ = '\0';
	if (query_decode(pair, err) < 0 || query_decode(value, err) < 0 ||
	    query_check(value, err) < 0)
		return -1;
	if (strcmp(pair, "queue") == 0)
		list = q->queues;
	else if (strcmp(pair, "service") == 0)
		list = q->services;
	else if (strcmp(pair, "switch") == 0)
		list = q->switches;
	else
		return err_set(err,
		    "unknown parameter: there are queue, service and switch");
	return query_add(list, value, err);
}

static void
query_set_filter(struct query *q)
{
	q->filter = (struct view_filter){0};
	if (q->queues[0] != NULL)
		q->filter.queues = q->queues;
	if (q->services[0] != NULL)
		q->filter.services = q->services;
	if (q->switches[0] != NULL)
		q->filter.switches = q->switches;
}

int
query_parse(struct query *q, const char *text, struct err *err)
{
	char *pair, *rest;

	*q = (struct query){.text = mem_strdup(text != NULL ? text : "")};
	rest = q->text;
	while ((pair = strsep(&rest, "&")) != NULL)
		if (pair[0] != '\0' && query_take(q, pair, err) < 0) {
			query_fini(q);
			return -1;
		}
	query_set_filter(q);
	return 0;
}

void
query_move(struct query *to, struct query *from)
{
	*to = *from;
	query_set_filter(to);
	from->text = NULL;
}

void
query_fini(struct query *q)
{
	free(q->text);
	q->text = NULL;
}

static void
query_key_list(struct strbuf *key, char kind, const char *const *list)
{
	for (; *list != NULL; list++) {
		strbuf_addc(key, kind);
		strbuf_adds(key, *list);
		strbuf_addc(key, '\n'); /* no name has it */
	}
}

void
query_key(const struct query *q, struct strbuf *key)
{
	query_key_list(key, 'q', q->queues);
	query_key_list(key, 's', q->services);
	query_key_list(key, 'w', q->switches);
}
