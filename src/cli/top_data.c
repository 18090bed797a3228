/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/clock.h"
#include "cli/top_data.h"

void
top_data_init(struct top_data *data, const struct source *source)
{
	*data = (struct top_data){.source = source,
	    .client = client_new(),
	    .all_asked = true,
	    .queue = STRBUF_INIT};
}

static void
top_data_forget(struct top_data *data, enum top_doc doc)
{
	json_decref(data->docs[doc].json);
	data->docs[doc].json = NULL;
}

void
top_data_fini(struct top_data *data)
{
	size_t i;

	for (i = 0; i < TOP_DOCS; i++)
		top_data_forget(data, (enum top_doc)i);
	client_free(data->client);
	strbuf_fini(&data->queue);
}

int
top_data_open(struct top_data *data, struct err *err)
{
	return client_open(data->client, data->source->path, err);
}

void
top_data_want(struct top_data *data, unsigned docs)
{
	data->wanted = docs;
	data->round_us = 0;
}

void
top_data_choose(struct top_data *data, const char *sw, const char *queue)
{
	strbuf_reset(&data->queue);
	request_add(&data->queue, REQUEST_SWITCH, sw);
	request_add(&data->queue, REQUEST_QUEUE, queue);
	top_data_forget(data, TOP_DOC_QUEUE);
	top_data_forget(data, TOP_DOC_CALLS);
	top_data_forget(data, TOP_DOC_AGENTS);
	/* an answer on its way would be about another queue */
	if (data->asking >= TOP_DOC_QUEUE && client_is_asking(data->client))
		client_close(data->client);
	data->tried_us = 0;
}

static void
top_data_fail(struct top_data *data, const char *why)
{
	snprintf(data->problem, sizeof(data->problem), "%s", why);
	data->all_asked = true;
	data->changes++;
}

/* --- asking -------------------------------------------------------------- */

static void
top_data_ask(struct top_data *data, enum top_doc doc)
{
	static const char *const shows[TOP_DOCS] = {
	    [TOP_DOC_ALL] = "snapshot",
	    [TOP_DOC_FEEDS] = "feeds",
	    [TOP_DOC_QUEUE] = "snapshot",
	    [TOP_DOC_CALLS] = "calls",
	    [TOP_DOC_AGENTS] = "agents",
	};
	struct strbuf request = STRBUF_INIT;

	strbuf_addf(&request, "show %s", shows[doc]);
	if (doc == TOP_DOC_ALL)
		strbuf_adds(&request, strbuf_str(&data->source->filters));
	else if (doc >= TOP_DOC_QUEUE)
		strbuf_adds(&request, strbuf_str(&data->queue));
	client_ask(data->client, strbuf_str(&request));
	data->asking = doc;
	data->asked_us = clock_mono_us();
	strbuf_fini(&request);
}

/* The first document from `from` on that is wanted, if any. */
static void
top_data_ask_next(struct top_data *data, unsigned from)
{
	unsigned doc;

	for (doc = from; doc < TOP_DOCS; doc++)
		if (data->wanted & 1u << doc) {
			top_data_ask(data, (enum top_doc)doc);
			return;
		}
	data->all_asked = true;
	data->changes++;
}

static void
top_data_take(struct top_data *data, struct slice answer)
{
	json_error_t where;
	json_t *json = json_loadb(answer.p, answer.n, 0, &where);
	char text[300];

	if (json == NULL) {
		snprintf(text, sizeof(text),
		    "the daemon's answer can not be read: %s", where.text);
		top_data_fail(data, text);
		return;
	}
	top_data_forget(data, data->asking);
	data->docs[data->asking].json = json;
	data->docs[data->asking].asked_us = data->asked_us;
	data->problem[0] = '\0';
	data->changes++;
	top_data_ask_next(data, (unsigned)data->asking + 1);
}

/* --- its turns ----------------------------------------------------------- */

static void
top_data_step(struct top_data *data)
{
	struct slice answer;
	struct err err;

	switch (client_step(data->client, &answer, &err)) {
	case CLIENT_ANSWERED:
		top_data_take(data, answer);
		break;
	case CLIENT_REFUSED:
	case CLIENT_FAILED:
		top_data_fail(data, err.text);
		break;
	case CLIENT_PENDING:
		break;
	}
}

int64_t
top_data_run(struct top_data *data)
{
	int64_t now_us = clock_mono_us();
	struct err err;

	if (client_is_open(data->client)) {
		top_data_step(data);
	} else if (now_us - data->tried_us >= TOP_EVERY_US) {
		data->tried_us = now_us;
		data->round_us = 0;
		if (top_data_open(data, &err) < 0)
			top_data_fail(data, err.text);
	}
	if (!client_is_open(data->client))
		return TOP_EVERY_US / 2;
	if (!client_is_asking(data->client) &&
	    now_us - data->round_us >= TOP_EVERY_US) {
		data->round_us = now_us;
		data->all_asked = false;
		top_data_ask_next(data, 0);
		top_data_step(data); /* sends it */
	}
	return RT_MAX(
	    data->round_us + TOP_EVERY_US - clock_mono_us(), USEC_PER_SEC / 20);
}

const json_t *
top_data_doc(const struct top_data *data, enum top_doc doc)
{
	return data->docs[doc].json;
}

int64_t
top_data_age_us(const struct top_data *data)
{
	int64_t oldest_us = INT64_MAX;
	unsigned doc;

	for (doc = 0; doc < TOP_DOCS; doc++) {
		if (!(data->wanted & 1u << doc))
			continue;
		if (data->docs[doc].json == NULL)
			return INT64_MAX;
		oldest_us = RT_MIN(oldest_us, data->docs[doc].asked_us);
	}
	return clock_mono_us() - oldest_us;
}
