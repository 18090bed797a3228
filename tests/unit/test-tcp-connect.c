/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport tcp-connect against a switch that the test plays: how it is
 * cut off, comes back, logs in, notices silence, and waits for room.
 */
#include "net-harness.h"

#include <sys/stat.h>
#include <sys/un.h>

#include "base/backoff.h"
#include "feed/secret.h"

/* --- a format that has to log in: "login USER SECRET", "ok" or "denied" --- */

struct talk {
	struct dialogue *d;
};
static int talks; /* that are not ended */
static int heard; /* records that the format was shown */

static void *
talk_start(struct dialogue *d)
{
	struct talk *talk = mem_alloc(sizeof(*talk));

	talks++;
	talk->d = d;
	return talk;
}

static bool
talk_hear(void *self, struct slice record)
{
	struct talk *talk = self;
	struct dialogue *d = talk->d;
	char text[200];

	heard++;
	if (slice_eq(record, SLICE("hello"))) {
		snprintf(
		    text, sizeof(text), "login %s %s\n", d->user, d->secret);
		d->send(d, text, strlen(text));
	} else if (slice_eq(record, SLICE("ok"))) {
		d->ready(d);
		assert_string_equal(d->secret, ""); /* wiped */
	} else if (slice_eq(record, SLICE("denied"))) {
		d->refuse(d, "wrong user or password", true);
	} else if (slice_eq(record, SLICE("busy"))) {
		d->refuse(d, "too busy", false);
	} else {
		return !slice_eq(record, SLICE("pong"));
	}
	return false;
}

static void
talk_silence(void *self)
{
	struct talk *talk = self;

	talk->d->send(talk->d, "ping\n", 5);
}

static void
talk_end(void *self)
{
	talks--;
	free(self);
}

static const struct dialogue_ops talk_ops = {.start = talk_start,
    .hear = talk_hear,
    .silence = talk_silence,
    .end = talk_end};

/* --- the bench --- */

static int
begin_to(struct net *net, const char *address)
{
	net_choose(net, &tcp_connect_stage);
	net_text(net, "address", address);
	net_number(net, "retry_s", 0.01);
	net_number(net, "retry_max_s", 0.05);
	return 0;
}

/* A switch that listens; returns its socket. */
static int
begin(struct net *net, int *port)
{
	char address[64];
	int listening;

	*port = 0;
	listening = net_listen(port);
	snprintf(address, sizeof(address), "127.0.0.1:%d", *port);
	begin_to(net, address);
	return listening;
}

static void
write_secret(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	net_say(fd, text);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int
begin_talk(struct net *net, int *port)
{
	int listening = begin(net, port);

	net->dialogue = &talk_ops;
	write_secret("secret", "open sesame\n", 0600);
	net_text(net, "user", "ringtally");
	net_text(net, "secret_file", "secret");
	talks = heard = 0;
	return listening;
}

static int
log_in(struct net *net, int listening)
{
	int fd = net_accept(net, listening);

	net_say(fd, "hello\n");
	net_hear(net, fd, "login ringtally open sesame\n");
	net_say(fd, "ok\n");
	NET_UNTIL(net, net_is_up(net));
	return fd;
}

/* --- connections --- */

static void
test_reads_records(void **state)
{
	struct net *net = *state;
	int port, listening = begin(net, &port), fd;

	net_open(net);
	fd = net_accept(net, listening);
	net_say(fd, "one\ntwo\r\n\n\nthr");
	net_expect(net, "one\ntwo\n");
	net_say(fd, "ee\n");
	net_expect(net, "one\ntwo\nthree\n");
	assert_true(net_is_up(net));
	assert_string_equal(strbuf_str(&net->marks), "+...");
	close(fd);
	close(listening);
}

static void
test_byte_by_byte(void **state)
{
	static const char text[] = "first\r\nsecond\nthird\n";
	struct net *net = *state;
	int port, listening = begin(net, &port), fd;
	size_t i;

	net_open(net);
	fd = net_accept(net, listening);
	for (i = 0; i < sizeof(text) - 1; i++) {
		assert_int_equal(write(fd, text + i, 1), 1);
		net_turn(net);
	}
	net_expect(net, "first\nsecond\nthird\n");
	close(fd);
	close(listening);
}

/* Half a record is not joined with what the next connection says. */
static void
test_cut_in_mid_record(void **state)
{
	struct net *net = *state;
	int port, listening = begin(net, &port), fd;

	net_open(net);
	fd = net_accept(net, listening);
	net_say(fd, "whole\nhal");
	close(fd);
	fd = net_accept(net, listening);
	net_say(fd, "f\n");
	net_expect(net, "whole\nf\n");
	assert_string_equal(strbuf_str(&net->marks), "+.-+.");
	assert_int_equal(net->losses, 1);
	assert_int_equal(net->loss, STAGE_LOSS_AWAY);
	assert_int_equal(net->lost, 3);
	close(fd);
	close(listening);
}

/* What had come goes to the spool; its half is counted when that is read. */
static void
test_closed_in_mid_record(void **state)
{
	struct net *net = *state;
	int port, listening = begin(net, &port), fd;

	net_open(net);
	fd = net_accept(net, listening);
	net_say(fd, "one\n");
	net_expect(net, "one\n");
	net_say(fd, "two\nthr");
	net_close(net);
	assert_int_equal(net->losses, 0);
	strbuf_reset(&net->got);
	net_open(net);
	NET_UNTIL(net, net->losses == 1);
	assert_string_equal(strbuf_str(&net->got), "one\ntwo\n");
	assert_int_equal(net->lost, 3);
	assert_non_null(strstr(net->why, "when the feed was closed"));
	close(fd);
	close(listening);
}

static void
test_reset(void **state)
{
	struct net *net = *state;
	int port, listening = begin(net, &port), fd;

	net_open(net);
	fd = net_accept(net, listening);
	net_say(fd, "before\n");
	net_expect(net, "before\n");
	net_reset(fd);
	fd = net_accept(net, listening);
	assert_non_null(strstr(net->why, "reset"));
	net_say(fd, "after\n");
	net_expect(net, "before\nafter\n");
	close(fd);
	close(listening);
}

static void
test_refused_and_back(void **state)
{
	struct net *net = *state;
	int port = net_free_port(SOCK_STREAM), listening, fd;
	char address[64];

	snprintf(address, sizeof(address), "127.0.0.1:%d", port);
	begin_to(net, address);
	net_open(net);
	NET_UNTIL(net, strstr(net_says(net), "refused") != NULL);
	assert_false(net_is_up(net));
	assert_int_equal(net->losses, 0); /* nothing was begun */
	listening = net_listen(&port);
	fd = net_accept(net, listening);
	net_say(fd, "there\n");
	net_expect(net, "there\n");
	close(fd);
	close(listening);
}

static void
test_name_is_looked_up(void **state)
{
	struct net *net = *state;
	int port = 0, listening = net_listen(&port), fd;
	char address[64];

	/* perhaps ::1 comes first, where nobody listens */
	snprintf(address, sizeof(address), "localhost:%d", port);
	begin_to(net, address);
	net_open(net);
	fd = net_accept(net, listening);
	net_say(fd, "by name\n");
	net_expect(net, "by name\n");
	close(fd);
	close(listening);
}

static void
test_name_that_is_none(void **state)
{
	struct net *net = *state;

	begin_to(net, "no-such-host.invalid:5038");
	net_open(net);
	NET_UNTIL(net, strstr(net_says(net), "trying again") != NULL);
	assert_false(net_is_up(net));
	/* one that is being looked up while the feed is closed */
	net_close(net);
	net_open(net);
	net_turn(net);
}

static void
test_unix_socket(void **state)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct net *net = *state;
	int fd, listening = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	char address[sizeof(to.sun_path) + 8];

	snprintf(to.sun_path, sizeof(to.sun_path), "%s/switch", net->folder);
	snprintf(address, sizeof(address), "unix:%s", to.sun_path);
	begin_to(net, address);
	net_open(net);
	NET_UNTIL(net, strstr(net_says(net), "No such file") != NULL);
	assert_int_equal(
	    bind(listening, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(listen(listening, 4), 0);
	fd = net_accept(net, listening);
	net_say(fd, "local\n");
	net_expect(net, "local\n");
	close(fd);
	close(listening);
}

static void
test_backoff(void **state RT_UNUSED)
{
	struct backoff b = {.first_us = 1000, .most_us = 60000};
	int64_t last = 0, delay;
	unsigned i;

	assert_int_equal(backoff_next(&b, UINT32_MAX), 1000);
	assert_int_equal(backoff_next(&b, 0), 2000);
	assert_int_equal(backoff_next(&b, 0), 4000);
	for (i = 0; i < 100; i++)
		last = backoff_next(&b, 7);
	assert_int_equal(last, 60000);
	b.jitter_pct = 25;
	assert_int_equal(backoff_next(&b, 0), 60000);
	assert_int_equal(backoff_next(&b, UINT32_MAX), 45000);
	for (i = 0; i < 1000; i++) {
		delay = backoff_next(&b, i * 4294967);
		assert_in_range(delay, 45000, 60000);
	}
	b.tries = 0;
	assert_in_range(backoff_next(&b, UINT32_MAX / 2), 750, 1000);
}

/* One that takes us and hangs up at once is not asked again at once. */
static void
test_backs_off(void **state)
{
	struct net *net = *state;
	int port, listening = begin(net, &port), i;
	int64_t began, first = 0, last = 0;

	net_number(net, "retry_s", 0.02);
	net_number(net, "retry_max_s", 0.32);
	net_number(net, "retry_jitter_pct", 0);
	net_open(net);
	for (i = 0; i < 5; i++) {
		began = clock_mono_us();
		close(net_accept(net, listening));
		last = clock_mono_us() - began;
		if (i == 1)
			first = last;
	}
	/* 20, 40, 80, 160 ms: never less, however slow the machine is */
	assert_true(first >= 20 * USEC_PER_MSEC);
	assert_true(last >= 160 * USEC_PER_MSEC);
	close(listening);
}

/* --- logging in --- */

static void
test_logs_in(void **state)
{
	struct net *net = *state;
	int port, listening = begin_talk(net, &port), fd;

	net_open(net);
	fd = net_accept(net, listening);
	net_say(fd, "hello\n");
	net_hear(net, fd, "login ringtally open sesame\n");
	assert_false(net_is_up(net));
	assert_int_equal(net->begins, 0);
	net_say(fd, "ok\nring\npong\nanswer\n");
	net_expect(net, "ring\nanswer\n");
	assert_true(net_is_up(net));
	assert_string_equal(strbuf_str(&net->marks), "+..");
	assert_int_equal(talks, 1);
	close(fd);
	fd = log_in(net, listening);
	NET_UNTIL(net, net->begins == 2);
	assert_string_equal(strbuf_str(&net->marks), "+..-+");
	net_close(net);
	assert_int_equal(talks, 0);
	close(fd);
	close(listening);
}

static void
test_wrong_password(void **state)
{
	struct net *net = *state;
	int port, listening = begin_talk(net, &port), fd, i;

	net_number(net, "refused_retry_s", 3600);
	net_open(net);
	fd = net_accept(net, listening);
	net_say(fd, "hello\n");
	net_hear(net, fd, "login ringtally open sesame\n");
	net_say(fd, "denied\nring\n");
	NET_UNTIL(net, strstr(net_says(net), "wrong user or password") != NULL);
	assert_false(net_hear_end(net, fd));
	assert_null(strstr(net_says(net), "sesame"));
	/* many times the usual delay, and nobody comes */
	for (i = 0; i < 20; i++) {
		net_turn_for(net, 5 * USEC_PER_MSEC);
		assert_int_equal(accept(listening, NULL, NULL), -1);
	}
	assert_int_equal(net->records + (size_t)net->begins, 0);
	assert_int_equal(net->losses, 0);
	assert_int_equal(talks, 0);
	close(fd);
	close(listening);
}

static void
test_refused_for_a_while(void **state)
{
	struct net *net = *state;
	int port, listening = begin_talk(net, &port), fd;

	net_number(net, "refused_retry_s", 3600);
	net_open(net);
	fd = net_accept(net, listening);
	net_say(fd, "busy\n");
	net_hear_end(net, fd);
	close(fd);
	fd = log_in(net, listening);
	close(fd);
	close(listening);
}

static void
test_login_without_answer(void **state)
{
	struct net *net = *state;
	int port, listening = begin_talk(net, &port), fd;

	net_number(net, "connect_timeout_s", 0.05);
	net_open(net);
	fd = net_accept(net, listening);
	net_hear_end(net, fd);
	NET_UNTIL(net, strstr(net_says(net), "not answered in time") != NULL);
	close(fd);
	close(listening);
}

static void
test_secret_is_read_each_time(void **state)
{
	struct net *net = *state;
	int port, listening = begin_talk(net, &port), fd;

	net_number(net, "refused_retry_s", 0.02);
	write_secret("secret", "open sesame\n", 0644);
	net_open(net);
	NET_UNTIL(net, strstr(net_says(net), "others may read") != NULL);
	net_hear_end(net, fd = net_accept(net, listening));
	close(fd);
	write_secret("secret", "changed", 0640);
	NET_UNTIL(net, (fd = accept(listening, NULL, NULL)) >= 0);
	for (;;) { /* one that came before is over */
		char text[100];
		ssize_t n;

		net_say(fd, "hello\n");
		fcntl(fd, F_SETFL, O_NONBLOCK);
		NET_UNTIL(net,
		    (n = read(fd, text, sizeof(text))) >= 0 || errno != EAGAIN);
		if (n > 0) {
			assert_memory_equal(
			    text, "login ringtally changed", 23);
			break;
		}
		close(fd);
		fd = net_accept(net, listening);
	}
	close(fd);
	close(listening);
}

static void
test_secrets(void **state RT_UNUSED)
{
	static const struct {
		const char *text, *why;
	} bad[] = {{"", "empty"}, {"\n", "empty"}, {"a\nb\n", "more than one"},
	    {"a\rb", "more than one"}};
	struct secret secret;
	struct err err;
	size_t i;

	write_secret("s", "word\r\n", 0400);
	assert_int_equal(secret_read(&secret, "s", &err), 0);
	assert_string_equal(secret.text, "word");
	secret_wipe(&secret);
	for (i = 0; i < sizeof(secret.text); i++)
		assert_int_equal(secret.text[i], 0);
	unlink("s");
	for (i = 0; i < RT_COUNT(bad); i++) {
		write_secret("t", bad[i].text, 0600);
		assert_int_equal(secret_read(&secret, "t", &err), -1);
		assert_non_null(strstr(err.text, bad[i].why));
	}
	write_secret("t", "word", 0604);
	assert_int_equal(secret_read(&secret, "t", &err), -1);
	write_secret("t", "word", 0620);
	assert_int_equal(secret_read(&secret, "t", &err), -1);
	assert_int_equal(secret_read(&secret, ".", &err), -1);
	assert_int_equal(secret_read(&secret, "none", &err), -1);
	assert_null(strstr(err.text, "word"));
}

/* --- silence --- */

static void
test_silence_is_asked(void **state)
{
	struct net *net = *state;
	int port, listening = begin_talk(net, &port), fd, i;

	net_number(net, "silence_s", 3);
	net_open(net);
	fd = log_in(net, listening);
	for (i = 0; i < 2; i++) { /* an answer keeps it alive */
		net_hear(net, fd, "ping\n");
		net_say(fd, "pong\n");
	}
	assert_int_equal(net->losses, 0);
	net_hear(net, fd, "ping\n"); /* no answer: it is given up */
	net_hear_end(net, fd);
	NET_UNTIL(net, net->losses == 1);
	assert_non_null(strstr(net->why, "nothing was heard for 3 s"));
	close(fd);
	fd = log_in(net, listening);
	net_say(fd, "goes on\n");
	net_expect(net, "goes on\n");
	assert_string_equal(strbuf_str(&net->marks), "+-+.");
	close(fd);
	close(listening);
}

/* The other machine is gone, and nothing says so: half-open. */
static void
test_silence_without_dialogue(void **state)
{
	struct net *net = *state;
	int port, listening = begin(net, &port), fd, again;

	net_number(net, "silence_s", 0.1);
	net_open(net);
	fd = net_accept(net, listening);
	net_say(fd, "last words\n");
	again = net_accept(net, listening);
	assert_non_null(strstr(net->why, "nothing was heard"));
	assert_int_equal(net->records, 1);
	close(again);
	close(fd);
	close(listening);
}

/* --- too much, too long, too slow --- */

static void
test_endless_line(void **state)
{
	struct net *net = *state;
	int port, listening = begin(net, &port), fd;
	size_t n = 3 << 20;
	char *line = mem_alloc(n);

	memset(line, 'x', n);
	net_open(net);
	fd = net_accept(net, listening);
	net_say_all(net, fd, "short\n", 6);
	net_say_all(net, fd, line, n);
	net_say_all(net, fd, "\nshort again\n", 13);
	net_expect(net, "short\nshort again\n");
	assert_int_equal(net->oversize, 1);
	free(line);
	close(fd);
	close(listening);
}

/* All that was said comes, in order, once there is room again. */
static void
test_waits_for_room(void **state)
{
	struct net *net = *state;
	int port, listening = begin_talk(net, &port), fd;
	char line[1000];
	size_t i, at, lines = 0;
	int64_t deadline = clock_mono_us() + NET_PATIENCE_US;
	ssize_t n;

	net_number(net, "spool_max_mb", 8);
	net_number(net, "memory_kb", 512);
	net->refuse = true; /* a database that is away */
	net_open(net);
	fd = log_in(net, listening);
	memset(line, '.', sizeof(line));
	for (at = 1000; strstr(net_says(net), "not reading") == NULL;) {
		if (at == 1000) {
			snprintf(line, sizeof(line), "%07zu", lines++);
			line[7] = '.';
			line[999] = '\n';
			at = 0;
		}
		n = write(fd, line + at, 1000 - at);
		at += n > 0 ? (size_t)n : 0;
		if (n <= 0)
			net_turn(net);
		assert_true(clock_mono_us() < deadline);
	}
	assert_true(lines > 8000);
	net->refuse = false;
	while (net->records < lines) {
		n = write(fd, line + at, 1000 - at);
		at += n > 0 ? (size_t)n : 0;
		net_turn(net);
		net_commit(net);
		assert_true(clock_mono_us() < deadline);
	}
	for (i = 0; i < lines; i++)
		assert_int_equal(strtoul(net->got.p + i * 1000, NULL, 10), i);
	/* none was shown to the format twice: hello, ok, and the lines */
	assert_int_equal(heard, 2 + lines);
	assert_int_equal(net->losses, 0);
	assert_true(net_is_up(net));
	close(fd);
	close(listening);
}

/* It ends while there is no room: what was read of it still comes. */
static void
test_ends_while_it_waits(void **state)
{
	struct net *net = *state;
	int port, listening = begin(net, &port), fd;
	char line[1001];
	int i;

	memset(line, 'y', 999);
	line[999] = '\n';
	line[1000] = '\0';
	net_number(net, "spool_max_mb", 8);
	net->refuse = true;
	net_open(net);
	fd = net_accept(net, listening);
	for (i = 0; i < 9000; i++)
		net_say_all(net, fd, line, 1000);
	NET_UNTIL(net, strstr(net_says(net), "takes nothing") != NULL);
	net_say_all(net, fd, "the last\n", 9);
	close(fd);
	net_turn_for(net, 20 * USEC_PER_MSEC);
	net->refuse = false;
	while (net->ends == 0) {
		net_turn(net);
		net_commit(net);
	}
	assert_int_equal(net->records, 9001);
	assert_string_equal(net->got.p + net->got.n - 9, "the last\n");
	close(listening);
}

static void
test_a_thousand_connections(void **state)
{
	struct net *net = *state;
	int port, listening = begin(net, &port), i, n = net_slow() ? 1000 : 200;
	unsigned before = 0;

	net_number(net, "retry_s", 0.01);
	net_number(net, "retry_jitter_pct", 100);
	net_open(net);
	for (i = 0; i < n; i++) {
		int fd = net_accept(net, listening);

		net_say(fd, "x\n");
		NET_UNTIL(net, net->records == (size_t)i + 1);
		close(fd);
		NET_UNTIL(net, net->ends == i + 1);
		if (i == 10)
			before = net_descriptors();
	}
	net_turn(net);
	assert_in_range(net_descriptors(), 0, before + 1);
	close(listening);
}

static void
test_options(void **state)
{
	static const char *const bad[] = {"here", "here:", "here:0",
	    "here:65536", "::1:5038", "unix:run/x", ":5038", "a b:1"};
	const struct option_row *row = tcp_connect_stage.options;
	struct net *net = *state;
	struct err err;
	size_t i;

	while (strcmp(row->name, "address") != 0)
		row++;
	begin_to(net, "[::1]:5038");
	for (i = 0; i < RT_COUNT(bad); i++)
		assert_int_equal(
		    option_set_text(row, net->options, bad[i], &err), -1);
	net_text(net, "tls_name", "switch");
	assert_int_equal(net_try_open(net, &err), -1);
	assert_non_null(strstr(err.text, "tls = true"));
	begin_to(net, "unix:/run/switch");
	net_flag(net, "tls", true);
	assert_int_equal(net_try_open(net, &err), -1);
	assert_non_null(strstr(err.text, "tls_name"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    NET_TEST(test_reads_records),
	    NET_TEST(test_byte_by_byte),
	    NET_TEST(test_cut_in_mid_record),
	    NET_TEST(test_closed_in_mid_record),
	    NET_TEST(test_reset),
	    NET_TEST(test_refused_and_back),
	    NET_TEST(test_name_is_looked_up),
	    NET_TEST(test_name_that_is_none),
	    NET_TEST(test_unix_socket),
	    NET_TEST(test_backoff),
	    NET_TEST(test_backs_off),
	    NET_TEST(test_logs_in),
	    NET_TEST(test_wrong_password),
	    NET_TEST(test_refused_for_a_while),
	    NET_TEST(test_login_without_answer),
	    NET_TEST(test_secret_is_read_each_time),
	    NET_TEST(test_secrets),
	    NET_TEST(test_silence_is_asked),
	    NET_TEST(test_silence_without_dialogue),
	    NET_TEST(test_endless_line),
	    NET_TEST(test_waits_for_room),
	    NET_TEST(test_ends_while_it_waits),
	    NET_TEST(test_a_thousand_connections),
	    NET_TEST(test_options),
	};

	net_begin();
	return cmocka_run_group_tests_name(
	    "test-tcp-connect", tests, NULL, NULL);
}
