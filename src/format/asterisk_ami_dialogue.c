/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is said on a connection to the manager interface:
 *
 *	them	Asterisk Call Manager/11.0.0
 *	us	Action: Challenge, or Login at once
 *	us	Action: Login, with the hash of challenge and secret
 *	them	Response: Success
 *	us	Action: QueueStatus, Action: Ping
 *	them	the list; the answer to Ping, behind which the list is whole
 *	us	Action: Ping, whenever they have been silent for long
 *
 * We speak first: no empty line ends the greeting, so that it comes as the
 * first line of the first answer. Answers are known by our ActionIDs, and
 * events never are answers, whatever ActionID they bear: Asterisk hands the
 * one of who sent a UserEvent to everybody.
 *
 * Facts: main/manager.c. A wrong secret is answered after a second; who does
 * not log in is sent away after `authtimeout`, 30 s.
 */
#include "base/base.h"
#include "base/md5.h"
#include "format/asterisk_ami.h"

#define AMI_OURS "ringtally-"

static const char *const ami_logins[] = {"md5", "plain", NULL};

const struct option_row ami_rows[] = {
    {.name = "event_mask",
	.group = "feeds",
	.type = OPTION_TEXT,
	.offset = offsetof(struct ami_options, event_mask),
	.preset = "system,agent,call,user",
	.min = 1,
	.max = 200,
	.unit = "",
	.help = "Classes of events to ask for. With \"dialplan\" among them "
		"the variable QUEUESTATUS tells callers who were timed out, "
		"found no agents or were taken out from each other, and those "
		"who could not join; it brings several times as many events."},
    {.name = "login",
	.group = "feeds",
	.type = OPTION_CHOICE,
	.offset = offsetof(struct ami_options, login),
	.choices = ami_logins,
	.preset = "md5",
	.unit = "",
	.help = "How to log in: with a hash of the secret and a challenge, or "
		"with the secret as it is."},
    {.name = "contact_events",
	.group = "feeds",
	.type = OPTION_TEXTS,
	.offset = offsetof(struct ami_options, contact_events),
	.max = 64,
	.unit = "",
	.help = "Names of UserEvents that tell of contacts, see "
		"ringtally-contacts(7), with the headers Code or Category, "
		"and as far as known CallID, Agent, Queue, Service, Request, "
		"Resolved (yes or no) and Ref."},
    {.name = NULL},
};

/* What an answer is to; its name is the ActionID behind our prefix. */
enum ami_asked {
	AMI_ASKED_CHALLENGE,
	AMI_ASKED_LOGIN,
	AMI_ASKED_LIST,
	AMI_ASKED_WHOLE, /* the Ping behind the list */
	AMI_ASKED_ALIVE, /* the Ping after a silence */
	AMI_ASKED
};
static const char *const ami_ids[AMI_ASKED] = {
    "challenge", "login", "list", "whole", "alive"};

struct ami_talk {
	struct dialogue *d;
	struct ami_names keys;
	struct ami_block block;
	struct strbuf out;
	bool logged_in;
	bool listing; /* the list was granted: what is heard is behind it */
	bool waiting; /* for the answer to a Ping after a silence */
};

/* --- speaking ------------------------------------------------------------- */

static void
ami_talk_header(struct ami_talk *t, const char *key, const char *value)
{
	strbuf_addf(&t->out, "%s: %s\r\n", key, value);
}

static void
ami_talk_action(struct ami_talk *t, const char *action, enum ami_asked what)
{
	ami_talk_header(t, "Action", action);
	strbuf_addf(&t->out, "ActionID: " AMI_OURS "%s\r\n", ami_ids[what]);
}

static void
ami_talk_send(struct ami_talk *t)
{
	strbuf_adds(&t->out, "\r\n");
	t->d->send(t->d, t->out.p, t->out.n);
	explicit_bzero(t->out.p, t->out.n); /* it may have been the secret */
	strbuf_reset(&t->out);
}

static const struct ami_options *
ami_talk_options(const struct ami_talk *t)
{
	return t->d->options;
}

static void
ami_talk_login(struct ami_talk *t, struct slice challenge)
{
	struct slice parts[2] = {challenge, slice_of(t->d->secret)};
	char hex[MD5_HEX_MAX];

	ami_talk_action(t, "Login", AMI_ASKED_LOGIN);
	ami_talk_header(t, "Username", t->d->user);
	if (challenge.n > 0) {
		md5_hex(hex, parts, 2);
		ami_talk_header(t, "AuthType", "MD5");
		ami_talk_header(t, "Key", hex);
	} else {
		ami_talk_header(t, "Secret", t->d->secret);
	}
	ami_talk_header(t, "Events", ami_talk_options(t)->event_mask);
	ami_talk_send(t);
}

static void
ami_talk_ping(struct ami_talk *t, enum ami_asked what)
{
	ami_talk_action(t, "Ping", what);
	ami_talk_send(t);
}

static void
ami_talk_ask_list(struct ami_talk *t)
{
	t->listing = false;
	ami_talk_action(t, "QueueStatus", AMI_ASKED_LIST);
	ami_talk_send(t);
	ami_talk_ping(t, AMI_ASKED_WHOLE);
}

/* --- hearing -------------------------------------------------------------- */

static struct slice
ami_talk_value(const struct ami_talk *t, enum ami_key key)
{
	struct slice s = t->block.v[key];

	return s.p != NULL ? s : (struct slice){"", 0};
}

/* Which of our actions this answers; AMI_ASKED: none of them. */
static enum ami_asked
ami_talk_answers(const struct ami_talk *t)
{
	struct slice id = ami_talk_value(t, AMI_ACTION_ID);
	const size_t n = sizeof(AMI_OURS) - 1;
	unsigned i;

	if (id.n < n || memcmp(id.p, AMI_OURS, n) != 0)
		return AMI_ASKED;
	id.p += n;
	id.n -= n;
	for (i = 0; i < AMI_ASKED; i++)
		if (slice_eq(id, slice_of(ami_ids[i])))
			break;
	return i;
}

static bool
ami_talk_granted(const struct ami_talk *t)
{
	return ami_same(ami_talk_value(t, AMI_RESPONSE), SLICE("Success"));
}

static void
ami_talk_refuse(struct ami_talk *t, const char *what, bool by_operator)
{
	struct strbuf why = STRBUF_INIT;

	strbuf_adds(&why, what);
	strbuf_adds(&why, ": ");
	strbuf_add_escaped(&why, ami_talk_value(t, AMI_MESSAGE), 100);
	t->d->refuse(t->d, strbuf_str(&why), by_operator);
	strbuf_fini(&why);
}

static void
ami_talk_hear_challenge(struct ami_talk *t)
{
	struct slice challenge = ami_talk_value(t, AMI_CHALLENGE);

	if (ami_talk_granted(t) && challenge.n > 0)
		ami_talk_login(t, challenge);
	else
		ami_talk_refuse(t,
		    "Asterisk gives no challenge (login = \"plain\"?)", true);
}

static void
ami_talk_hear_login(struct ami_talk *t)
{
	if (!ami_talk_granted(t)) {
		ami_talk_refuse(t,
		    "Asterisk refuses the login (user, secret or address: see "
		    "manager.conf)",
		    true);
		return;
	}
	t->logged_in = true;
	t->d->ready(t->d);
	ami_talk_ask_list(t);
}

/*
 * A missing permission stays missing; an action that is not known will be when
 * Asterisk has loaded app_queue.
 */
static void
ami_talk_hear_list(struct ami_talk *t)
{
	struct slice message = ami_talk_value(t, AMI_MESSAGE);
	bool denied =
	    message.n >= 10 && strncasecmp(message.p, "Permission", 10) == 0;

	if (ami_talk_granted(t))
		t->listing = true;
	else
		ami_talk_refuse(
		    t, "Asterisk does not answer QueueStatus", denied);
}

/* True: the format is to see it, too. */
static bool
ami_talk_hear_answer(struct ami_talk *t)
{
	switch (ami_talk_answers(t)) {
	case AMI_ASKED_CHALLENGE:
		ami_talk_hear_challenge(t);
		return false;
	case AMI_ASKED_LOGIN:
		ami_talk_hear_login(t);
		return false;
	case AMI_ASKED_LIST:
		ami_talk_hear_list(t);
		return false;
	case AMI_ASKED_WHOLE:
		return true;
	case AMI_ASKED_ALIVE:
	case AMI_ASKED:
		break;
	}
	return false;
}

/* --- what the transport calls --------------------------------------------- */

/* A line end in them would begin another header. */
static bool
ami_talk_is_plain(const char *text)
{
	return text[strcspn(text, "\r\n")] == '\0';
}

static void *
ami_talk_start(struct dialogue *d)
{
	struct ami_talk *t = mem_zalloc(sizeof(*t));

	t->d = d;
	ami_keys_init(&t->keys);
	if (!ami_talk_is_plain(d->user) || !ami_talk_is_plain(d->secret) ||
	    !ami_talk_is_plain(ami_talk_options(t)->event_mask)) {
		d->refuse(d, "a line end in user, secret or event_mask", true);
		return t;
	}
	if (ami_talk_options(t)->login == AMI_LOGIN_PLAIN) {
		ami_talk_login(t, (struct slice){"", 0});
		return t;
	}
	ami_talk_action(t, "Challenge", AMI_ASKED_CHALLENGE);
	ami_talk_header(t, "AuthType", "MD5");
	ami_talk_send(t);
	return t;
}

static bool
ami_talk_hear(void *self, struct slice record)
{
	struct ami_talk *t = self;
	struct slice event, timestamp;

	t->waiting = false;
	ami_block_head(record, &event, &timestamp);
	if (event.n == 0) {
		ami_block_parse(&t->keys, record, &t->block);
		event = ami_talk_value(t, AMI_EVENT);
	}
	if (event.n == 0)
		return ami_talk_hear_answer(t);
	/* it has just been started, and had not read its queues before */
	if (t->listing && ami_same(event, SLICE("FullyBooted")))
		ami_talk_ask_list(t);
	return t->logged_in;
}

static void
ami_talk_silence(void *self)
{
	struct ami_talk *t = self;

	if (!t->logged_in)
		t->d->refuse(t->d, "Asterisk does not answer the login", false);
	else if (t->waiting)
		t->d->refuse(t->d, "Asterisk does not answer Ping", false);
	else {
		t->waiting = true;
		ami_talk_ping(t, AMI_ASKED_ALIVE);
	}
}

static void
ami_talk_end(void *self)
{
	struct ami_talk *t = self;

	strbuf_fini(&t->out);
	free(t);
}

const struct dialogue_ops ami_dialogue = {
    .wants_user = true,
    .start = ami_talk_start,
    .hear = ami_talk_hear,
    .silence = ami_talk_silence,
    .end = ami_talk_end,
};
