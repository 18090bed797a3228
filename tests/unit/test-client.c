/* SPDX-License-Identifier: BSD-2-Clause */
/* The control socket's client: answers that come in pieces, or are none. */
#include "base/base.h"

#include <setjmp.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "base/utc.h"
#include "cli/client.h"

struct pair {
	struct client *client;
	int daemon; /* the other end */
};

static struct pair
pair_new(void)
{
	int fds[2];
	struct pair p = {.client = client_new()};

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	client_attach(p.client, fds[0]);
	p.daemon = fds[1];
	return p;
}

static void
pair_free(struct pair *p)
{
	client_free(p->client);
	close(p->daemon);
}

static void
say(struct pair *p, const char *text, size_t n)
{
	assert_int_equal(write(p->daemon, text, n), n);
}

static void
expect_failed(const char *answer, const char *why)
{
	struct pair p = pair_new();
	struct slice body;
	struct err err = {""};

	client_ask(p.client, "show queues");
	say(&p, answer, strlen(answer));
	assert_int_equal(client_step(p.client, &body, &err), CLIENT_FAILED);
	if (strstr(err.text, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, why);
	assert_false(client_is_open(p.client));
	pair_free(&p);
}

static void
test_byte_by_byte(void **state RT_UNUSED)
{
	static const char answer[] = "ok 7\n{\"a\":1}";
	struct pair p = pair_new();
	struct slice body;
	struct err err;
	char request[64];
	size_t i;

	client_ask(p.client, "show version");
	for (i = 0; i + 1 < sizeof(answer); i++) {
		assert_int_equal(
		    client_step(p.client, &body, &err), CLIENT_PENDING);
		say(&p, answer + i, 1);
	}
	assert_true(client_is_asking(p.client));
	assert_int_equal(client_step(p.client, &body, &err), CLIENT_ANSWERED);
	assert_true(slice_eq(body, SLICE("{\"a\":1}")));
	assert_false(client_is_asking(p.client));
	assert_int_equal(read(p.daemon, request, sizeof(request)), 13);
	assert_memory_equal(request, "show version\n", 13);
	pair_free(&p);
}

static void
test_one_after_the_other(void **state RT_UNUSED)
{
	struct pair p = pair_new();
	struct slice body;
	struct err err;
	int i;

	for (i = 0; i < 3; i++) {
		client_ask(p.client, "show queues");
		say(&p, i == 1 ? "error no\n" : "ok 2\n{}", i == 1 ? 9 : 7);
		if (i == 1) {
			assert_int_equal(
			    client_step(p.client, &body, &err), CLIENT_REFUSED);
			assert_string_equal(err.text, "no");
			continue;
		}
		assert_int_equal(
		    client_step(p.client, &body, &err), CLIENT_ANSWERED);
		assert_true(slice_eq(body, SLICE("{}")));
	}
	assert_true(client_is_open(p.client));
	pair_free(&p);
}

static void
test_no_answer_of_ours(void **state RT_UNUSED)
{
	expect_failed("HTTP/1.1 400 Bad Request\r\n", "no ringtallyd");
	expect_failed("ok\n", "no ringtallyd");
	expect_failed("ok \n", "no ringtallyd");
	expect_failed("ok -1\n", "no ringtallyd");
	expect_failed("ok 1 \nx", "no ringtallyd");
	expect_failed("ok 99999999999999\n", "no ringtallyd");
	expect_failed("\n", "no ringtallyd");
}

static void
test_endless_head(void **state RT_UNUSED)
{
	char text[4096];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	expect_failed(text, "no ringtallyd");
}

static void
test_the_daemon_goes_away(void **state RT_UNUSED)
{
	struct pair p = pair_new();
	struct slice body;
	struct err err;

	client_ask(p.client, "show queues");
	say(&p, "ok 100\n{\"half\":", 15);
	assert_int_equal(client_step(p.client, &body, &err), CLIENT_PENDING);
	close(p.daemon);
	assert_int_equal(client_step(p.client, &body, &err), CLIENT_FAILED);
	assert_string_equal(err.text, "the daemon has closed the connection");
	p.daemon = -1;
	client_free(p.client);
}

static void
test_waiting_has_an_end(void **state RT_UNUSED)
{
	struct pair p = pair_new();
	struct slice body;
	struct err err;

	client_ask(p.client, "show queues");
	assert_int_equal(client_wait(p.client, &body, 30 * USEC_PER_MSEC, &err),
	    CLIENT_FAILED);
	assert_string_equal(err.text, "the daemon does not answer");
	pair_free(&p);
}

static void
test_nobody_there(void **state RT_UNUSED)
{
	struct client *client = client_new();
	struct err err;

	assert_int_equal(client_open(client, "/nonexistent/control", &err), -1);
	assert_string_equal(
	    err.text, "no daemon listens on /nonexistent/control");
	assert_false(client_is_open(client));
	client_free(client);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_byte_by_byte),
	    cmocka_unit_test(test_one_after_the_other),
	    cmocka_unit_test(test_no_answer_of_ours),
	    cmocka_unit_test(test_endless_head),
	    cmocka_unit_test(test_the_daemon_goes_away),
	    cmocka_unit_test(test_waiting_has_an_end),
	    cmocka_unit_test(test_nobody_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
