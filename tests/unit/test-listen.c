/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transports that are connected or sent to: tcp-listen, unix-listen and
 * udp-listen, by peers of good and of ill will that the test plays.
 */
#include "net-harness.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include "io/address.h"
#include "io/cidr.h"

/* --- tcp-listen --- */

static int
begin_at(struct net *net, const struct stage *stage, int port)
{
	char address[64];

	snprintf(address, sizeof(address), "127.0.0.1:%d", port);
	net_choose(net, stage);
	net_text(net, "listen", address);
	return port;
}

/* Returns its port. */
static int
begin(struct net *net)
{
	return begin_at(net, &tcp_listen_stage, net_free_port(SOCK_STREAM));
}

static void
test_reads_records(void **state)
{
	struct net *net = *state;
	int port = begin(net), fd;

	net_open(net);
	fd = net_connect(port);
	net_say(fd, "one\ntwo\r\n\nthr");
	net_expect(net, "one\ntwo\n");
	net_say(fd, "ee\n");
	net_expect(net, "one\ntwo\nthree\n");
	assert_true(net_is_up(net));
	assert_non_null(strstr(net_says(net), "1 connection"));
	close(fd);
	NET_UNTIL(net, net->ends == 1);
	assert_string_equal(strbuf_str(&net->marks), "+...-");
	assert_int_equal(net->losses, 0);
}

/* Several at once, byte by byte, and each by itself. */
static void
test_connections_do_not_mix(void **state)
{
	static const char *const texts[] = {"alpha\n", "bravo\n", "delta\n"};
	struct net *net = *state;
	int port = begin(net), fds[3];
	uint32_t sources[3];
	size_t i, j;

	net_open(net);
	for (i = 0; i < 3; i++)
		fds[i] = net_connect(port);
	for (j = 0; j < 5; j++)
		for (i = 0; i < 3; i++) {
			assert_int_equal(write(fds[i], texts[i] + j, 1), 1);
			net_turn(net);
		}
	for (i = 0; i < 3; i++) {
		net_say(fds[i], "\n");
		NET_UNTIL(net, net->records == i + 1);
		sources[i] = net->source;
	}
	net_expect(net, "alpha\nbravo\ndelta\n");
	assert_true(sources[0] != sources[1] && sources[1] != sources[2] &&
	    sources[0] != sources[2]);
	for (i = 0; i < 3; i++)
		close(fds[i]);
	NET_UNTIL(net, net->ends == 3);
}

static void
test_half_a_record_is_discarded(void **state)
{
	struct net *net = *state;
	int port = begin(net), fd;

	net_open(net);
	fd = net_connect(port);
	net_say(fd, "whole\nhal");
	close(fd);
	NET_UNTIL(net, net->ends == 1);
	assert_int_equal(net->losses, 1);
	assert_int_equal(net->lost, 3);
	assert_int_equal(net->loss, STAGE_LOSS_TRUNCATED);
	fd = net_connect(port);
	net_say(fd, "f\n");
	net_expect(net, "whole\nf\n");
	net_say(fd, "x");
	net_reset(fd);
	NET_UNTIL(net, net->ends == 2);
	assert_string_equal(strbuf_str(&net->got), "whole\nf\n");
}

/* A document ends with its connection, but not with a broken one. */
static void
test_document_for_each_connection(void **state)
{
	struct net *net = *state;
	int port = begin(net), fd;

	net->framing = FRAMING_DOCUMENT;
	net_open(net);
	fd = net_connect(port);
	net_say(fd, "<cdr>\n");
	net_turn(net);
	net_say(fd, "</cdr>");
	close(fd);
	net_expect(net, "<cdr>\n</cdr>\n");
	fd = net_connect(port);
	net_say(fd, "<cdr>");
	net_turn_for(net, 10 * USEC_PER_MSEC);
	net_reset(fd);
	NET_UNTIL(net, net->losses == 1);
	assert_int_equal(net->records, 1);
}

static void
test_syslog_over_tcp(void **state)
{
	struct net *net = *state;
	int port = begin(net), fd;

	net->framing = FRAMING_SYSLOG;
	net_open(net);
	fd = net_connect(port);
	net_say(fd, "6 <13>ab<14>line\n8 <13>c\nd\n3 ");
	net_expect(net, "<13>ab\n<14>line\n<13>c\nd\n\n");
	net_say(fd, "xyz");
	NET_UNTIL(net, net->records == 4);
	/* frames that end with NUL, of which the last one does not wait */
	strbuf_reset(&net->got);
	assert_int_equal(write(fd, "<15>e\0<16>f\0", 12), 12);
	net_expect(net, "<15>e\n<16>f\n");
	close(fd);
}

/* From another of this machine's addresses: for us, of another machine. */
static int
connect_from(int port, const char *from)
{
	struct sockaddr_in own = {.sin_family = AF_INET}, to = own;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(inet_pton(AF_INET, from, &own.sin_addr), 1);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)port);
	assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/*
 * Calls of two switches may have the same id. One that connects anew before its
 * last connection is known to be lost is the same machine.
 */
static void
test_a_feed_is_one_switchs(void **state)
{
	struct net *net = *state;
	int port = begin(net), fds[3];

	net_open(net);
	fds[0] = connect_from(port, "127.0.0.1");
	fds[1] = connect_from(port, "127.0.0.1");
	NET_UNTIL(net, net->begins == 2);
	assert_null(strstr(net_says(net), "several machines"));
	fds[2] = connect_from(port, "127.0.0.11");
	NET_UNTIL(net, strstr(net_says(net), "several machines") != NULL);
	net_say(fds[2], "in\n");
	net_expect(net, "in\n");
	close(fds[2]);
	NET_UNTIL(net, strstr(net_says(net), "several machines") == NULL);
	close(fds[0]);
	close(fds[1]);
	net_close(net);
	net->unique_ids = true;
	begin_at(net, &tcp_listen_stage, port);
	net_open(net);
	fds[0] = connect_from(port, "127.0.0.1");
	fds[1] = connect_from(port, "127.0.0.2");
	NET_UNTIL(net, strstr(net_says(net), "2 connections") != NULL);
	assert_null(strstr(net_says(net), "several machines"));
	close(fds[0]);
	close(fds[1]);
}

static void
test_limit_of_connections(void **state)
{
	struct net *net = *state;
	int port = begin(net), fds[3], i;

	net_number(net, "max_connections", 2);
	net_open(net);
	for (i = 0; i < 2; i++) {
		fds[i] = net_connect(port);
		net_say(fds[i], "in\n");
	}
	NET_UNTIL(net, net->records == 2);
	fds[2] = net_connect(port);
	net_hear_end(net, fds[2]);
	close(fds[2]);
	close(fds[0]);
	NET_UNTIL(net, net->ends == 1);
	fds[0] = net_connect(port);
	net_say(fds[0], "in\n");
	NET_UNTIL(net, net->records == 3);
	close(fds[0]);
	close(fds[1]);
}

static void
test_who_is_not_allowed(void **state)
{
	struct net *net = *state;
	int port = begin(net), fd;

	net_list(net, "allow", "10.0.0.0/8");
	net_open(net);
	fd = net_connect(port);
	net_hear_end(net, fd);
	close(fd);
	assert_int_equal(net->begins, 0);
	net_close(net);
	begin_at(net, &tcp_listen_stage, port);
	net_list(net, "allow", "127.0.0.1");
	net_open(net);
	fd = net_connect(port);
	net_say(fd, "in\n");
	net_expect(net, "in\n");
	close(fd);
}

static void
test_idle_is_closed(void **state)
{
	struct net *net = *state;
	int port = begin(net), fd;

	net_number(net, "idle_s", 0.05);
	net_open(net);
	fd = net_connect(port);
	net_say(fd, "once\n");
	net_hear_end(net, fd);
	NET_UNTIL(net, net->ends == 1);
	net_expect(net, "once\n");
	close(fd);
}

static void
test_endless_line(void **state)
{
	struct net *net = *state;
	int port = begin(net), fd;
	size_t n = 2 << 20;
	char *line = mem_alloc(n);

	memset(line, 'x', n);
	net_open(net);
	fd = net_connect(port);
	net_say_all(net, fd, line, n);
	assert_int_equal(net->records, 0);
	net_say_all(net, fd, "\nshort\n", 7);
	net_expect(net, "short\n");
	assert_int_equal(net->oversize, 1);
	free(line);
	close(fd);
}

/* One who floods us keeps nobody else waiting; then nobody is read. */
static void
test_flood_and_no_room(void **state)
{
	struct net *net = *state;
	int port = begin(net), flood, other;
	size_t n = 16 << 20, at = 0, i;
	char *bytes = mem_alloc(n);
	ssize_t wrote;

	for (i = 0; i < n; i++)
		bytes[i] = i % 100 == 99 ? '\n' : 'f';
	net_number(net, "spool_max_mb", 8);
	net->refuse = true;
	net_open(net);
	flood = net_connect(port);
	other = net_connect(port);
	while (strstr(net_says(net), "takes nothing") == NULL) {
		wrote = write(flood, bytes + at, n - at);
		at += wrote > 0 ? (size_t)wrote : 0;
		net_turn(net);
	}
	net_say(other, "a word\n");
	assert_true(at < n);
	net_turn_for(net, 20 * USEC_PER_MSEC);
	assert_int_equal(net->records, 0);
	net->refuse = false;
	while (net->records < n / 100 + n % 100 / 100 + 1) {
		wrote = write(flood, bytes + at, n - at);
		at += wrote > 0 ? (size_t)wrote : 0;
		net_turn(net);
		net_commit(net);
	}
	assert_non_null(strstr(net->got.p, "a word\n"));
	assert_int_equal(net->losses, 0);
	free(bytes);
	close(flood);
	close(other);
}

/*
 * Writes lines until nothing more is taken. Returns how many went whole; *at:
 * the bytes of the last one that went.
 */
static size_t
fill(struct net *net, int fd, size_t *at)
{
	char line[1000];
	size_t lines = 0;
	ssize_t n;

	memset(line, 'y', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	*at = 0;
	while (strstr(net_says(net), "takes nothing") == NULL) {
		n = write(fd, line + *at, sizeof(line) - *at);
		*at += n > 0 ? (size_t)n : 0;
		lines += *at == sizeof(line);
		*at %= sizeof(line);
		if (n <= 0 || lines % 50 == 0)
			net_turn(net);
	}
	return lines;
}

/* The end of a connection that waits for room is seen when there is some. */
static void
test_ends_while_there_is_no_room(void **state)
{
	struct net *net = *state;
	int port = begin(net), fd;
	size_t lines, at;

	net_number(net, "spool_max_mb", 8);
	net->refuse = true;
	net_open(net);
	fd = net_connect(port);
	lines = fill(net, fd, &at);
	close(fd);
	fd = net_connect(port); /* its mark has to wait, too */
	net_turn_for(net, 20 * USEC_PER_MSEC);
	net->refuse = false;
	while (net->records < lines || net->ends < 1 || net->begins < 2) {
		net_turn(net);
		net_commit(net);
	}
	net_say(fd, "next\n");
	NET_UNTIL(net, net->records == lines + 1);
	assert_int_equal(net->losses, at > 0);
	close(fd);
}

/*
 * What had come when the feed is closed is in its spool, or counted when that
 * is read: what nobody had read yet, and what waited for room.
 */
static void
test_closed_in_mid_record(void **state)
{
	struct net *net = *state;
	int port = begin(net), fd, other;

	net_open(net);
	fd = net_connect(port);
	other = net_connect(port);
	net_say(fd, "one\n");
	net_say(other, "two\n");
	NET_UNTIL(net, net->records == 2);
	net_say(fd, "three\nfour\nhal");
	net_say(other, "five\n");
	net_close(net);
	assert_int_equal(net->records, 2);
	assert_int_equal(net->losses, 0);
	strbuf_reset(&net->got);
	net_open(net); /* nothing was committed: all comes again */
	NET_UNTIL(net, net->records == 2 + 5 && net->losses == 1);
	assert_non_null(strstr(net->got.p, "three\nfour\n"));
	assert_non_null(strstr(net->got.p, "five\n"));
	assert_int_equal(net->lost, 3);
	assert_int_equal(net->loss, STAGE_LOSS_TRUNCATED);
	assert_non_null(strstr(net->why, "127.0.0.1:"));
	close(fd);
	close(other);
}

static void
test_closed_while_there_is_no_room(void **state)
{
	struct net *net = *state;
	int port = begin(net), fd;
	size_t lines, at;

	net_number(net, "spool_max_mb", 8);
	net->refuse = true;
	net_open(net);
	fd = net_connect(port);
	lines = fill(net, fd, &at);
	net_close(net);
	net->refuse = false;
	net_open(net);
	NET_UNTIL(net, net->records == lines && net->losses == (at > 0));
	assert_true(at == 0 || net->lost == (int64_t)at);
	close(fd);
}

static void
test_address_that_is_taken(void **state)
{
	struct net *net = *state;
	int port = 0, holder = net_listen(&port), fd;

	begin_at(net, &tcp_listen_stage, port);
	net_open(net);
	assert_false(net_is_up(net));
	assert_non_null(strstr(net_says(net), "in use"));
	close(holder);
	NET_UNTIL(net, net_is_up(net));
	fd = net_connect(port);
	net_say(fd, "at last\n");
	net_expect(net, "at last\n");
	close(fd);
}

static void
test_a_thousand_connections(void **state)
{
	struct net *net = *state;
	int port = begin(net), i;
	unsigned before = 0;

	net_open(net);
	for (i = 0; i < 1000; i++) {
		int fd = net_connect(port);

		net_say(fd, "x\n");
		if (i % 10 == 3)
			net_reset(fd);
		else
			close(fd);
		if (i % 10 == 9) {
			NET_UNTIL(net,
			    net->begins >= (i + 1) / 10 * 9 &&
				net->ends == net->begins);
			before = before != 0 ? before : net_descriptors();
		}
	}
	NET_UNTIL(net, strstr(net_says(net), " 0 connections") != NULL);
	/* a reset may come before we accept, or take what was not read */
	assert_in_range(net->records, 900, 1000);
	assert_in_range(net_descriptors(), 0, before);
}

/* --- unix-listen --- */

static void
test_unix_socket(void **state)
{
	struct net *net = *state;
	char path[100];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/socket", net->folder);
	net_choose(net, &unix_listen_stage);
	net_text(net, "path", path);
	net_text(net, "mode", "0600");
	net_open(net);
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	fd = net_connect_unix(path);
	net_say(fd, "one\ntw");
	net_expect(net, "one\n");
	close(fd);
	NET_UNTIL(net, net->ends == 1);
	assert_int_equal(net->losses, 1);
	net_close(net);
	assert_int_equal(lstat(path, &st), -1);
}

static void
test_unix_folder_that_is_not_there_yet(void **state)
{
	struct net *net = *state;
	char path[100];
	int fd;

	snprintf(path, sizeof(path), "%s/run/socket", net->folder);
	net_choose(net, &unix_listen_stage);
	net_text(net, "path", path);
	net_open(net);
	assert_false(net_is_up(net));
	assert_int_equal(mkdir("run", 0755), 0);
	NET_UNTIL(net, net_is_up(net));
	fd = net_connect_unix(path);
	net_say(fd, "there\n");
	net_expect(net, "there\n");
	close(fd);
}

static void
test_unix_options(void **state)
{
	static const char *const bad[] = {
	    "", "66", "0888", "rw", "01777", "000", "06600"};
	const struct option_row *row = unix_listen_stage.options;
	struct net *net = *state;
	struct err err;
	size_t i;

	net_choose(net, &unix_listen_stage);
	while (strcmp(row->name, "mode") != 0)
		row++;
	for (i = 0; i < RT_COUNT(bad); i++)
		assert_int_equal(
		    option_set_text(row, net->options, bad[i], &err), -1);
	while (strcmp(row->name, "path") != 0)
		row--;
	assert_int_equal(option_set_text(row, net->options, "run/x", &err), -1);
}

/* --- udp-listen --- */

static int
udp_to(int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static int
begin_udp(struct net *net)
{
	return begin_at(net, &udp_listen_stage, net_free_port(SOCK_DGRAM));
}

static void
test_datagrams(void **state)
{
	struct net *net = *state;
	int port = begin_udp(net), fd;

	net_open(net);
	fd = udp_to(port);
	net_say(fd, "one");
	net_say(fd, "two\nthree\n");
	net_say(fd, "\n");
	assert_int_equal(send(fd, "", 0, 0), 0);
	net_say(fd, "four\r\nfive");
	net_expect(net, "one\ntwo\nthree\nfour\nfive\n");
	close(fd);
	assert_int_equal(net->losses, 0);
}

static void
test_datagrams_of_syslog(void **state)
{
	struct net *net = *state;
	int port = begin_udp(net), fd;

	net->framing = FRAMING_SYSLOG;
	net_open(net);
	fd = udp_to(port);
	net_say(fd, "<13>plain");
	net_say(fd, "5 <1>ab5 <2>cd");
	net_say(fd, "9 cut off");
	net_say(fd, "99 short");
	NET_UNTIL(net, net->records == 5);
	net_expect(net, "<13>plain\n<1>ab\n<2>cd\ncut off\nshort\n");
	close(fd);
}

static void
test_datagrams_of_others(void **state)
{
	struct net *net = *state;
	int port = begin_udp(net), fd;

	net_list(net, "allow", "192.0.2.0/24");
	net_open(net);
	fd = udp_to(port);
	net_say(fd, "forged");
	net_turn_for(net, 20 * USEC_PER_MSEC);
	assert_int_equal(net->records, 0);
	close(fd);
}

static size_t dropped;

static void
count_dropped(
    struct stage_upstream *up, enum stage_loss loss, int64_t n, const char *why)
{
	const char *number = strstr(why, "dropped ");

	assert_non_null(number);
	assert_int_equal(n, -1);
	dropped += strtoul(number + 8, NULL, 10);
	((struct net *)up)->loss = loss;
}

/* What the kernel dropped while nobody read is counted, and no more. */
static void
test_datagrams_without_room(void **state)
{
	struct net *net = *state;
	int64_t deadline = clock_mono_us() + NET_PATIENCE_US;
	int port = begin_udp(net), fd, i, sent;
	char text[1000];

	dropped = 0;
	net->up.lost = count_dropped;

	memset(text, 'd', sizeof(text));
	net_number(net, "spool_max_mb", 8);
	net_number(net, "receive_buffer_kb", 64);
	net->refuse = true;
	net_open(net);
	fd = udp_to(port);
	for (sent = 0; strstr(net_says(net), "takes nothing") == NULL; sent++) {
		assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
		if (sent % 20 == 19)
			net_turn(net);
	}
	for (i = 0; i < 200; i++) { /* for a buffer of 64 KiB */
		assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
		sent++;
	}
	net->refuse = false;
	while (dropped == 0 || net->records + dropped != (size_t)sent) {
		if (++i % 10 == 0) { /* one that tells the drops */
			net_say(fd, "still there");
			sent++;
		}
		net_turn(net);
		net_commit(net);
		assert_true(clock_mono_us() < deadline);
	}
	assert_int_equal(net->loss, STAGE_LOSS_FULL);
	close(fd);
}

/* Those that wait in the kernel, and one that waits for room in the spool. */
static void
test_datagrams_when_it_is_closed(void **state)
{
	struct net *net = *state;
	int port = begin_udp(net), fd;
	char text[1000];
	size_t sent;

	memset(text, 'd', sizeof(text));
	net_number(net, "spool_max_mb", 8);
	net->refuse = true;
	net_open(net);
	fd = udp_to(port);
	for (sent = 0; strstr(net_says(net), "takes nothing") == NULL; sent++) {
		assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
		if (sent % 20 == 19)
			net_turn(net);
	}
	net_say(fd, "the last");
	net_close(net);
	net->refuse = false;
	net_open(net);
	NET_UNTIL(net, net->records == sent + 1);
	assert_non_null(strstr(net->got.p, "\nthe last\n"));
	assert_int_equal(net->losses, 0);
	close(fd);
}

/* --- who may come --- */

static bool
allows(const char *network, const char *from)
{
	const char *const list[] = {network, NULL};
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	if (network != NULL)
		assert_int_equal(cidr_check(network, NULL), 0);
	if (inet_pton(AF_INET, from, &in.sin_addr) == 1)
		return cidr_allows(list, (struct sockaddr *)&in);
	assert_int_equal(inet_pton(AF_INET6, from, &in6.sin6_addr), 1);
	return cidr_allows(list, (struct sockaddr *)&in6);
}

static void
test_networks(void **state)
{
	static const char *const bad[] = {"", "10.0.0.0/33", "10.0.0.1/8",
	    "10.0.0", "a.b.c.d", "::/129", "10.0.0.0/", "10.0.0.0/8/8",
	    "2001:db8::1/32", "localhost", "10.0.0.0/-1"};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < RT_COUNT(bad); i++)
		assert_int_equal(cidr_check(bad[i], &err), -1);
	assert_true(allows(NULL, "127.0.0.1"));
	assert_true(allows(NULL, "127.8.8.8"));
	assert_true(allows(NULL, "::1"));
	assert_true(allows(NULL, "::ffff:127.0.0.1"));
	assert_false(allows(NULL, "192.0.2.1"));
	assert_false(allows(NULL, "::2"));
	assert_true(allows("10.0.0.0/8", "10.255.255.255"));
	assert_false(allows("10.0.0.0/8", "11.0.0.0"));
	assert_false(allows("10.0.0.0/8", "127.0.0.1"));
	assert_true(allows("10.0.0.0/8", "::ffff:10.1.2.3"));
	assert_true(allows("192.0.2.4/30", "192.0.2.7"));
	assert_false(allows("192.0.2.4/30", "192.0.2.8"));
	assert_true(allows("192.0.2.7", "192.0.2.7"));
	assert_false(allows("192.0.2.7", "192.0.2.6"));
	assert_true(allows("0.0.0.0/0", "203.0.113.9"));
	assert_false(allows("0.0.0.0/0", "2001:db8::1"));
	assert_true(allows("::/0", "2001:db8::1"));
	assert_true(allows("2001:db8::/33", "2001:db8:7fff::"));
	assert_false(allows("2001:db8::/33", "2001:db8:8000::"));
}

static void
check_text(const char *address, const char *want)
{
	struct address a;
	char text[128];

	assert_int_equal(address_parse(&a, address, NULL), 0);
	address_text((struct sockaddr *)&a.to, a.len, text, sizeof(text));
	assert_string_equal(text, want);
}

static void
test_addresses_for_people(void **state RT_UNUSED)
{
	check_text("192.0.2.1:5038", "192.0.2.1:5038");
	check_text("[2001:db8::1]:80", "[2001:db8::1]:80");
	check_text("[::ffff:192.0.2.1]:80", "192.0.2.1:80");
	check_text("unix:/run/x", "unix:/run/x");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    NET_TEST(test_reads_records),
	    NET_TEST(test_connections_do_not_mix),
	    NET_TEST(test_half_a_record_is_discarded),
	    NET_TEST(test_document_for_each_connection),
	    NET_TEST(test_syslog_over_tcp),
	    NET_TEST(test_a_feed_is_one_switchs),
	    NET_TEST(test_limit_of_connections),
	    NET_TEST(test_who_is_not_allowed),
	    NET_TEST(test_idle_is_closed),
	    NET_TEST(test_endless_line),
	    NET_TEST(test_flood_and_no_room),
	    NET_TEST(test_ends_while_there_is_no_room),
	    NET_TEST(test_closed_in_mid_record),
	    NET_TEST(test_closed_while_there_is_no_room),
	    NET_TEST(test_address_that_is_taken),
	    NET_TEST(test_a_thousand_connections),
	    NET_TEST(test_unix_socket),
	    NET_TEST(test_unix_folder_that_is_not_there_yet),
	    NET_TEST(test_unix_options),
	    NET_TEST(test_datagrams),
	    NET_TEST(test_datagrams_of_syslog),
	    NET_TEST(test_datagrams_of_others),
	    NET_TEST(test_datagrams_without_room),
	    NET_TEST(test_datagrams_when_it_is_closed),
	    cmocka_unit_test(test_networks),
	    cmocka_unit_test(test_addresses_for_people),
	};

	net_begin();
	return cmocka_run_group_tests_name("test-listen", tests, NULL, NULL);
}
