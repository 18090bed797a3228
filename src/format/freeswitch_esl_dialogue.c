/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is said to mod_event_socket. It answers each command in turn, with a
 * command/reply or, for `api`, an api/response; so it is enough to remember
 * which command the next answer belongs to.
 */
#include "base/base.h"
#include "format/freeswitch_esl.h"

#define ESL_QUEUES_MAX 4096

enum esl_step {
	ESL_STEP_GREETING, /* auth/request is to come */
	ESL_STEP_AUTH,
	ESL_STEP_EVENTS,
	ESL_STEP_QUEUES,
	ESL_STEP_MEMBERS, /* of the queue that is asked about */
	ESL_STEP_AGENTS,  /* of the same one */
	ESL_STEP_DONE	  /* what is answered now is of no interest */
};

struct esl_talk {
	struct dialogue *d;
	const struct esl_options *options;
	enum esl_step step;
	struct strbuf queues; /* names still to be asked for, LF behind each */
	size_t asked;	      /* of these bytes */
	bool waiting;	      /* for an answer to what silence made us say */
};

static void esl_talk_say(struct esl_talk *t, enum esl_step step,
    const char *fmt, ...) RT_PRINTF(3, 4);

static void
esl_talk_say(struct esl_talk *t, enum esl_step step, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	strbuf_adds(&text, "\n\n");
	t->step = step;
	t->d->send(t->d, strbuf_str(&text), text.n);
	strbuf_fini(&text);
}

static void *
esl_talk_start(struct dialogue *d)
{
	struct esl_talk *t = mem_zalloc(sizeof(*t));

	t->d = d;
	t->options = d->options;
	return t;
}

static void
esl_talk_end(void *self)
{
	struct esl_talk *t = self;

	strbuf_fini(&t->queues);
	free(t);
}

/* A line end in a password would be the end of the command. */
static void
esl_talk_log_in(struct esl_talk *t)
{
	const char *user = t->d->user, *secret = t->d->secret;

	if (secret[0] == '\0')
		t->d->refuse(
		    t->d, "a password is asked for: see secret_file", true);
	else if (strpbrk(user, "\r\n") != NULL ||
	    strpbrk(secret, "\r\n") != NULL)
		t->d->refuse(t->d, "a line end in the user or password", true);
	else if (user[0] != '\0')
		esl_talk_say(t, ESL_STEP_AUTH, "userauth %s:%s", user, secret);
	else
		esl_talk_say(t, ESL_STEP_AUTH, "auth %s", secret);
}

/* Every word behind CUSTOM is a subclass: the others come first. */
static void
esl_talk_subscribe(struct esl_talk *t)
{
	bool json = t->options != NULL && t->options->encoding == ESL_JSON;
	/* a code stands in the variables of a leg that is over */
	bool hangups = t->options != NULL &&
	    (t->options->hangups || t->options->contact_variable != NULL);

	esl_talk_say(t, ESL_STEP_EVENTS,
	    "event %s HEARTBEAT%s CUSTOM callcenter::info fifo::info",
	    json ? "json" : "plain", hangups ? " CHANNEL_HANGUP_COMPLETE" : "");
}

static bool
esl_talk_is_ok(struct slice reply)
{
	return reply.n >= 3 && memcmp(reply.p, "+OK", 3) == 0;
}

static void
esl_talk_reply(struct esl_talk *t, struct slice reply)
{
	bool ok = esl_talk_is_ok(reply);

	if (t->step == ESL_STEP_AUTH && !ok) {
		t->d->refuse(t->d, "wrong password", true);
	} else if (t->step == ESL_STEP_AUTH) {
		esl_talk_subscribe(t);
	} else if (t->step == ESL_STEP_EVENTS && !ok) {
		t->d->refuse(t->d, "the switch gives no events", true);
	} else if (t->step == ESL_STEP_EVENTS) {
		t->step = ESL_STEP_DONE;
		t->d->ready(t->d);
		if (t->options == NULL || t->options->picture)
			esl_talk_say(t, ESL_STEP_QUEUES,
			    "api callcenter_config queue list");
	}
}

/* Of each queue the members, and then the agents. */
static void
esl_talk_ask(struct esl_talk *t, enum esl_step step, const char *what)
{
	struct slice rest = {
	    strbuf_str(&t->queues) + t->asked, t->queues.n - t->asked};
	struct slice name;

	if (!esl_line(&rest, &name))
		t->step = ESL_STEP_DONE;
	else
		esl_talk_say(t, step,
		    "api callcenter_config queue list %s %.*s", what,
		    SLICE_FMT(name));
	if (step == ESL_STEP_AGENTS) /* the next question is about the next */
		t->asked = t->queues.n - rest.n;
}

/*
 * The names in the list of queues. False: it is no such list. A name with a
 * blank in it can not be asked for: mod_callcenter takes it for two words.
 */
static bool
esl_talk_queues(struct esl_talk *t, struct slice body)
{
	struct slice head, line;
	int name, n = 0;

	if (!esl_line(&body, &head))
		return false;
	name = esl_column_of(head, "name");
	if (name < 0)
		return false;
	while (esl_line(&body, &line) && !slice_eq(line, SLICE("+OK"))) {
		struct slice queue = esl_column(line, (unsigned)name);

		if (queue.n == 0 || memchr(queue.p, ' ', queue.n) != NULL ||
		    ++n > ESL_QUEUES_MAX)
			return false;
		strbuf_add(&t->queues, queue.p, queue.n);
		strbuf_addc(&t->queues, '\n');
	}
	return true;
}

/* Returns whether the answer is part of the picture. */
static bool
esl_talk_answer(struct esl_talk *t, struct slice body)
{
	switch (t->step) {
	case ESL_STEP_QUEUES:
		if (!esl_talk_queues(t, body)) {
			t->step = ESL_STEP_DONE; /* no mod_callcenter here */
			return false;
		}
		esl_talk_ask(t, ESL_STEP_MEMBERS, "members");
		return true;
	case ESL_STEP_MEMBERS:
		esl_talk_ask(t, ESL_STEP_AGENTS, "agents");
		return true;
	case ESL_STEP_AGENTS:
		esl_talk_ask(t, ESL_STEP_MEMBERS, "members");
		return true;
	default:
		t->waiting = false;
		return false;
	}
}

static bool
esl_talk_hear(void *self, struct slice record)
{
	struct esl_talk *t = self;
	struct esl_message m;

	esl_message(record, &m);
	if (slice_eq(m.type, SLICE("text/event-plain")) ||
	    slice_eq(m.type, SLICE("text/event-json")))
		return t->step >= ESL_STEP_EVENTS;
	if (slice_eq(m.type, SLICE("api/response")))
		return esl_talk_answer(t, m.body);
	if (slice_eq(m.type, SLICE("command/reply")))
		esl_talk_reply(t, m.reply);
	else if (slice_eq(m.type, SLICE("auth/request")) &&
	    t->step == ESL_STEP_GREETING)
		esl_talk_log_in(t);
	else if (slice_eq(m.type, SLICE("text/rude-rejection")))
		t->d->refuse(t->d,
		    "refused by the switch's access list (apply-inbound-acl)",
		    true);
	else if (slice_eq(m.type, SLICE("text/disconnect-notice")))
		t->d->refuse(t->d, "the switch ends the connection", false);
	else if (t->step == ESL_STEP_GREETING)
		t->d->refuse(t->d, "no event socket: no auth/request", true);
	return false;
}

/* The switch beats every 20 s, so this is for one that does not. */
static void
esl_talk_silence(void *self)
{
	struct esl_talk *t = self;

	if (t->step <= ESL_STEP_EVENTS) {
		t->d->refuse(t->d, "no answer", false);
	} else if (!t->waiting) { /* also when an answer was too long to take */
		t->waiting = true;
		esl_talk_say(t, ESL_STEP_DONE, "api uptime");
	} else {
		t->d->refuse(t->d, "it does not answer any more", false);
	}
}

const struct dialogue_ops esl_dialogue = {
    .start = esl_talk_start,
    .hear = esl_talk_hear,
    .silence = esl_talk_silence,
    .end = esl_talk_end,
};
