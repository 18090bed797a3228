/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS on both sides: tcp-connect against a switch of ours, tcp-listen against
 * a client of ours, with certificates that are made for the test: good ones,
 * of another name, past their time, of an authority that nobody knows.
 */
#include "net-harness.h"

#include <sys/stat.h>

#include "io/stream.h"
#include "io/tls.h"

/* Authorities and their certificates, in the current folder. */
static const char make_all[] =
    "exec >log 2>&1; set -e; new='-newkey ec -nodes -pkeyopt "
    "ec_paramgen_curve:prime256v1'\n"
    "for ca in ca other; do openssl req -x509 $new -days 2 -subj /CN=$ca "
    "-keyout $ca.key -out $ca.pem; done\n"
    "cert() { openssl req $new -subj /CN=$1 -keyout $1.key -out $1.csr "
    "-addext subjectAltName=$2\n"
    "openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -set_serial $4 "
    "-copy_extensions copy -days $3 -out $1.pem; }\n"
    "cert good DNS:switch.example.org,IP:127.0.0.1 2 11\n"
    "cert name DNS:another.example.org 2 12\n"
    "cert expired DNS:switch.example.org,IP:127.0.0.1 -1 13\n"
    "cert client DNS:client 2 14\n"
    "cp good.pem locked.pem\n"
    "openssl ec -aes128 -passout pass:words -in good.key -out locked.key\n"
    "chmod 600 locked.key\n";

static char shelf[64]; /* the folder of the certificates */

static int
certificates_make(void **state RT_UNUSED)
{
	snprintf(shelf, sizeof(shelf), "/tmp/ringtally-tls-XXXXXX");
	if (mkdtemp(shelf) == NULL || chdir(shelf) < 0)
		return -1;
	return system(make_all) == 0 ? 0 : -1;
}

static int
certificates_remove(void **state RT_UNUSED)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf %s", shelf);
	return chdir("/") == 0 ? system(command) : -1;
}

/* Lent until four others were asked for. */
static const char *
at_shelf(const char *name, const char *ending)
{
	static char paths[4][160];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s.%s", shelf, name, ending);
	return path;
}

/* --- the other side --- */

struct other {
	struct tls *tls;
	struct stream *stream;
	struct strbuf heard;
	bool secured, ended, clean;
	char why[200];
};

static void
other_secured(void *ctx)
{
	((struct other *)ctx)->secured = true;
}

static void
other_heard(void *ctx)
{
	struct other *o = ctx;
	struct slice held = stream_held(o->stream);

	strbuf_add(&o->heard, held.p, held.n);
	stream_take(o->stream, held.n);
}

static void
other_ended(void *ctx, bool clean, const char *why)
{
	struct other *o = ctx;

	o->ended = true;
	o->clean = clean;
	snprintf(o->why, sizeof(o->why), "%s", why);
}

static void
other_begin(
    struct net *net, struct other *o, int fd, const struct tls_config *config)
{
	static const struct stream_ops ops = {.secured = other_secured,
	    .heard = other_heard,
	    .ended = other_ended};
	struct stream_config stream = {
	    .in_max = 65536, .handshake_us = NET_PATIENCE_US};
	struct err err;

	*o = (struct other){.heard = STRBUF_INIT};
	o->tls = tls_new(config, &err);
	if (o->tls == NULL)
		fail_msg("%s", err.text);
	stream.tls = o->tls;
	o->stream = stream_new(net->loop, fd, &stream, &ops, o, &err);
	assert_non_null(o->stream);
}

static void
other_say(struct other *o, const char *text)
{
	stream_send(o->stream, text, strlen(text));
}

static void
other_end(struct other *o)
{
	stream_free(o->stream);
	tls_free(o->tls);
	strbuf_fini(&o->heard);
}

/* --- tcp-connect --- */

static int
begin(struct net *net, const char *ca, const char *name)
{
	int port = 0, listening = net_listen(&port);
	char address[64];

	snprintf(address, sizeof(address), "127.0.0.1:%d", port);
	net_choose(net, &tcp_connect_stage);
	net_text(net, "address", address);
	net_number(net, "retry_s", 0.02);
	net_flag(net, "tls", true);
	if (ca != NULL)
		net_text(net, "tls_ca_file", at_shelf(ca, "pem"));
	if (name != NULL)
		net_text(net, "tls_name", name);
	return listening;
}

static void
switch_begin(
    struct net *net, struct other *o, int listening, const char *certificate)
{
	const struct tls_config config = {.server = true,
	    .cert_file = at_shelf(certificate, "pem"),
	    .key_file = at_shelf(certificate, "key")};

	other_begin(net, o, net_accept(net, listening), &config);
}

static void
test_good(void **state)
{
	struct net *net = *state;
	int listening = begin(net, "ca", "switch.example.org"), i;
	struct other o;

	net_open(net);
	switch_begin(net, &o, listening, "good");
	NET_UNTIL(net, net_is_up(net));
	other_say(&o, "one\ntw");
	net_expect(net, "one\n");
	other_say(&o, "o\n");
	net_expect(net, "one\ntwo\n");
	for (i = 0; i < 1000; i++) /* many records of TLS at once */
		other_say(&o, "a line of the length of many\n");
	NET_UNTIL(net, net->records == 1002);
	other_end(&o);
	switch_begin(net, &o, listening, "good");
	other_say(&o, "again\n");
	NET_UNTIL(net, net->records == 1003);
	assert_int_equal(net->losses, 1);
	other_end(&o);
	close(listening);
}

/* The address itself stands in the certificate. */
static void
test_name_is_the_address(void **state)
{
	struct net *net = *state;
	int listening = begin(net, "ca", NULL);
	struct other o;

	net_open(net);
	switch_begin(net, &o, listening, "good");
	NET_UNTIL(net, net_is_up(net));
	other_end(&o);
	close(listening);
}

/* Its own certificate is named as trusted: nobody's authority is needed. */
static void
test_certificate_itself_is_trusted(void **state)
{
	struct net *net = *state;
	int listening = begin(net, "good", "switch.example.org");
	struct other o;

	net_open(net);
	switch_begin(net, &o, listening, "good");
	NET_UNTIL(net, net_is_up(net));
	other_end(&o);
	close(listening);
}

static void
check_refused(
    struct net *net, int listening, const char *certificate, const char *why)
{
	struct other o;

	net_open(net);
	switch_begin(net, &o, listening, certificate);
	other_say(&o, "a forged line\n");
	NET_UNTIL(net, o.ended);
	NET_UNTIL(net, strstr(net_says(net), why) != NULL);
	assert_false(net_is_up(net));
	assert_int_equal(net->records + (size_t)net->begins, 0);
	other_end(&o);
	close(listening);
}

static void
test_wrong_name(void **state)
{
	int listening = begin(*state, "ca", "switch.example.org");

	check_refused(*state, listening, "name", "hostname mismatch");
}

static void
test_wrong_address(void **state)
{
	int listening = begin(*state, "ca", NULL);

	check_refused(*state, listening, "name", "IP address mismatch");
}

static void
test_expired(void **state)
{
	int listening = begin(*state, "ca", "switch.example.org");

	check_refused(*state, listening, "expired", "certificate has expired");
}

static void
test_unknown_authority(void **state)
{
	int listening = begin(*state, "other", "switch.example.org");

	check_refused(*state, listening, "good", "local issuer");
}

static void
test_system_does_not_trust_it(void **state)
{
	int listening = begin(*state, NULL, "switch.example.org");

	check_refused(*state, listening, "good", "local issuer");
}

/* A switch that speaks no TLS, and one that says nothing at all. */
static void
test_no_tls_there(void **state)
{
	struct net *net = *state;
	int listening = begin(net, "ca", NULL), fd;

	net_open(net);
	fd = net_accept(net, listening);
	net_say(fd, "Asterisk Call Manager/5.0\r\n");
	NET_UNTIL(net, strstr(net_says(net), "TLS: wrong version") != NULL);
	close(fd);
	assert_int_equal(net->begins, 0);
	close(listening);
}

static void
test_handshake_that_does_not_end(void **state)
{
	struct net *net = *state;
	int listening = begin(net, "ca", NULL), fd;

	net_number(net, "connect_timeout_s", 0.05);
	net_open(net);
	fd = net_accept(net, listening);
	NET_UNTIL(net, strstr(net_says(net), "TLS handshake in time") != NULL);
	close(fd);
	close(listening);
}

/* What OpenSSL holds while we do not read is not forgotten in it. */
static void
test_waits_for_room(void **state)
{
	struct net *net = *state;
	int listening = begin(net, "ca", "switch.example.org");
	static char line[1000];
	struct other o;
	size_t n = 0;

	memset(line, 't', sizeof(line));
	line[998] = '\n';
	line[999] = '\0';
	net_number(net, "spool_max_mb", 8);
	net_number(net, "memory_kb", 128);
	net->refuse = true;
	net_open(net);
	switch_begin(net, &o, listening, "good");
	NET_UNTIL(net, o.secured);
	while (strstr(net_says(net), "not reading") == NULL) {
		int i;

		for (i = 0; i < 20; i++, n++)
			other_say(&o, line);
		net_turn(net);
		assert_true(n < 100000);
	}
	net->refuse = false;
	while (net->records < n) {
		net_turn(net);
		net_commit(net);
	}
	assert_false(o.ended);
	assert_int_equal(net->losses, 0);
	other_end(&o);
	close(listening);
}

static void
test_files_that_are_wrong(void **state)
{
	struct net *net = *state;
	struct tls_config config = {.server = true,
	    .cert_file = at_shelf("good", "pem"),
	    .key_file = at_shelf("client", "key")};
	struct err err;

	assert_null(tls_new(&config, &err)); /* of another certificate */
	config.key_file = at_shelf("none", "key");
	assert_null(tls_new(&config, &err));
	assert_non_null(strstr(err.text, "none.key: No such file"));
	config.cert_file = at_shelf("none", "pem");
	assert_null(tls_new(&config, &err));
	assert_non_null(strstr(err.text, "none.pem: No such file"));
	config.cert_file = at_shelf("good", "pem");
	config.key_file = at_shelf("log", "key");
	rename(at_shelf("client", "csr"), config.key_file);
	chmod(config.key_file, 0644);
	assert_null(tls_new(&config, &err));
	assert_non_null(strstr(err.text, "everybody"));
	/* nobody is asked for the words that would open it */
	config.cert_file = at_shelf("locked", "pem");
	config.key_file = at_shelf("locked", "key");
	assert_null(tls_new(&config, &err));
	assert_non_null(strstr(err.text, "locked.key"));
	/* a feed waits for what may come right, and says what is wrong */
	close(begin(net, "none", NULL));
	net_open(net);
	NET_UNTIL(net, strstr(net_says(net), "none.pem: No such file") != NULL);
}

/* --- tcp-listen --- */

static int
listen_begin(struct net *net, const char *ca)
{
	int port = net_free_port(SOCK_STREAM);
	char address[64];

	snprintf(address, sizeof(address), "127.0.0.1:%d", port);
	net_choose(net, &tcp_listen_stage);
	net_text(net, "listen", address);
	net_flag(net, "tls", true);
	net_text(net, "tls_cert_file", at_shelf("good", "pem"));
	net_text(net, "tls_key_file", at_shelf("good", "key"));
	if (ca != NULL)
		net_text(net, "tls_ca_file", at_shelf(ca, "pem"));
	net_open(net);
	return port;
}

static void
client_begin(struct net *net, struct other *o, int port, const char *own)
{
	const struct tls_config config = {.ca_file = at_shelf("ca", "pem"),
	    .name = "switch.example.org",
	    .cert_file = own != NULL ? at_shelf(own, "pem") : NULL,
	    .key_file = own != NULL ? at_shelf(own, "key") : NULL};

	other_begin(net, o, net_connect(port), &config);
}

static void
test_listens(void **state)
{
	struct net *net = *state;
	int port = listen_begin(net, NULL), fd;
	struct other o;

	client_begin(net, &o, port, NULL);
	other_say(&o, "secured\n");
	net_expect(net, "secured\n");
	other_end(&o);
	NET_UNTIL(net, net->ends == 1);
	fd = net_connect(port); /* one that speaks no TLS */
	net_say(fd, "plain\nplain\n");
	net_hear_end(net, fd);
	close(fd);
	assert_int_equal(net->records, 1);
	assert_int_equal(net->begins, 1);
}

static void
test_clients_certificate(void **state)
{
	struct net *net = *state;
	int port = listen_begin(net, "ca");
	struct other o;

	client_begin(net, &o, port, NULL);
	other_say(&o, "nobody\n");
	NET_UNTIL(net, o.ended);
	other_end(&o);
	client_begin(net, &o, port, "client");
	other_say(&o, "somebody\n");
	net_expect(net, "somebody\n");
	other_end(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    NET_TEST(test_good),
	    NET_TEST(test_name_is_the_address),
	    NET_TEST(test_certificate_itself_is_trusted),
	    NET_TEST(test_wrong_name),
	    NET_TEST(test_wrong_address),
	    NET_TEST(test_expired),
	    NET_TEST(test_unknown_authority),
	    NET_TEST(test_system_does_not_trust_it),
	    NET_TEST(test_no_tls_there),
	    NET_TEST(test_handshake_that_does_not_end),
	    NET_TEST(test_waits_for_room),
	    NET_TEST(test_files_that_are_wrong),
	    NET_TEST(test_listens),
	    NET_TEST(test_clients_certificate),
	};

	net_begin();
	if (system("openssl version >/dev/null 2>&1") != 0) {
		puts("1..0 # SKIP no openssl to make certificates with");
		return 0;
	}
	return cmocka_run_group_tests_name(
	    "test-tls", tests, certificates_make, certificates_remove);
}
