/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include "base/clock.h"
#include "base/log.h"
#include "feed/tcp_connect.h"
#include "io/loop.h"

static void
tcp_dialogue_send(struct dialogue *d, const char *bytes, size_t n)
{
	struct tcp *t = (struct tcp *)d;

	if (t->peer != NULL)
		peer_send(t->peer, bytes, n);
}

static void
tcp_dialogue_ready(struct dialogue *d)
{
	struct tcp *t = (struct tcp *)d;

	if (!t->ready && t->peer != NULL)
		tcp_ready(t);
}

static void
tcp_dialogue_refuse(struct dialogue *d, const char *why, bool by_operator)
{
	struct tcp *t = (struct tcp *)d;

	if (t->peer == NULL)
		return;
	t->by_operator = by_operator;
	peer_drop(t->peer, why);
}

/* The password is read each time: it may have been changed. */
static int
tcp_dialogue_secret(struct tcp *t, struct err *err)
{
	t->dialogue.secret = "";
	if (t->options->secret_file == NULL)
		return 0;
	if (secret_read(&t->secret, t->options->secret_file, err) < 0)
		return -1;
	t->dialogue.secret = t->secret.text;
	return 0;
}

void
tcp_dialogue_begin(struct tcp *t)
{
	struct dialogue *d = &t->dialogue;
	struct err err;

	d->feed = t->feed;
	d->user = t->options->user != NULL ? t->options->user : "";
	d->send = tcp_dialogue_send;
	d->ready = tcp_dialogue_ready;
	d->refuse = tcp_dialogue_refuse;
	if (t->ops == NULL)
		tcp_ready(t);
	else if (tcp_dialogue_secret(t, &err) < 0)
		tcp_dialogue_refuse(d, err.text, true);
	else
		t->talk = t->ops->start(d);
}

void
tcp_dialogue_end(struct tcp *t)
{
	timer_unset(t->alarm);
	if (t->talk != NULL && t->ops->end != NULL)
		t->ops->end(t->talk);
	t->talk = NULL;
	t->dialogue.secret = "";
	secret_wipe(&t->secret);
}

/*
 * What is part of the conversation goes no further. A record that is data and
 * finds no room comes again, and is not heard twice.
 */
bool
tcp_dialogue_record(void *ctx, struct peer *peer, struct slice record)
{
	struct tcp *t = ctx;

	if (t->ops != NULL && !t->taken_in) {
		if (t->talk == NULL || !t->ops->hear(t->talk, record))
			return true;
		peer_mark(peer);
	}
	t->taken_in = true;
	if (spooled_give(t->spooled, peer_source(peer), record) == 0)
		return false;
	t->taken_in = false;
	if (!t->fed && t->ops == NULL)
		t->backoff.tries = 0; /* it is not only a door that opens */
	t->fed = true;
	return true;
}

/*
 * Half of the time: it is asked for an answer, if the format knows how. All of
 * it: it is given up, if it was asked. Not while we are the ones who do not
 * listen.
 */
void
tcp_dialogue_alarm(void *ctx)
{
	struct tcp *t = ctx;
	int64_t heard = RT_MAX(t->since_us, peer_heard_us(t->peer));
	int64_t silent = clock_mono_us() - heard;
	/* late itself where we did not run for a while: ask all the same */
	bool asks =
	    t->asked_us <= heard && t->talk != NULL && t->ops->silence != NULL;
	char why[100];

	if (peer_is_full(t->peer)) {
		timer_set(t->alarm, t->silence_us / 2);
	} else if (silent >= t->silence_us && !asks) {
		snprintf(why, sizeof(why), "nothing was heard for %.3g s",
		    (double)t->silence_us / USEC_PER_SEC);
		peer_drop(t->peer, why);
	} else if (silent < t->silence_us / 2) {
		timer_set(t->alarm, t->silence_us / 2 - silent);
	} else {
		if (asks) {
			t->asked_us = clock_mono_us();
			t->ops->silence(t->talk);
		}
		timer_set(t->alarm,
		    silent < t->silence_us ? t->silence_us - silent
					   : t->silence_us / 2);
	}
}
