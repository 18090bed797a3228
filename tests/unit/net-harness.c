/* SPDX-License-Identifier: BSD-2-Clause */
#include "net-harness.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/un.h>

#include "base/log.h"
#include "base/option.h"

/* --- what the feed is given ---------------------------------------------- */

static bool
net_record(struct stage_upstream *up, const struct position *at,
    const struct record *record)
{
	struct net *net = (struct net *)up;

	assert_true(at->file_no > 0);
	if (net->refuse)
		return false;
	if (record->kind == RECORD_DATA) {
		assert_true(record->received_us > 0);
		assert_true(record->source > 0);
		strbuf_add(&net->got, record->bytes.p, record->bytes.n);
		strbuf_addc(&net->got, '\n');
		net->records++;
	} else if (record->source > 0) {
		net->begins += record->kind == RECORD_BEGIN;
		net->ends += record->kind == RECORD_END;
	}
	if (record->source > 0) {
		net->source = record->source;
		strbuf_addc(&net->marks, ".+-"[record->kind]);
	}
	return true;
}

static void
net_lost(
    struct stage_upstream *up, enum stage_loss loss, int64_t n, const char *why)
{
	struct net *net = (struct net *)up;

	net->losses++;
	net->lost = n;
	net->loss = loss;
	snprintf(net->why, sizeof(net->why), "%s", why);
}

static void
net_oversize(struct stage_upstream *up, uint64_t n)
{
	((struct net *)up)->oversize += n;
}

static void
net_idle(struct stage_upstream *up RT_UNUSED, bool idle RT_UNUSED)
{
}

/* --- turning the loop ---------------------------------------------------- */

static void
net_tick_cb(void *ctx)
{
	loop_stop(((struct net *)ctx)->loop);
}

void
net_turn_for(struct net *net, int64_t us)
{
	timer_set(net->tick, us);
	loop_run(net->loop);
}

void
net_turn(struct net *net)
{
	net_turn_for(net, USEC_PER_MSEC);
}

/* --- the bench ----------------------------------------------------------- */

int
net_set_up(void **state)
{
	struct net *net = mem_zalloc(sizeof(*net));

	snprintf(net->folder, sizeof(net->folder), "/tmp/ringtally-net-XXXXXX");
	assert_non_null(mkdtemp(net->folder));
	assert_int_equal(chdir(net->folder), 0);
	net->loop = loop_new(NULL);
	assert_non_null(net->loop);
	net->tick = timer_new(net->loop, net_tick_cb, net);
	net->got = net->marks = STRBUF_INIT;
	net->up = (struct stage_upstream){.record = net_record,
	    .lost = net_lost,
	    .oversize = net_oversize,
	    .idle = net_idle};
	*state = net;
	return 0;
}

static void
net_forget_options(struct net *net)
{
	if (net->options != NULL)
		option_free(net->stage->options, NULL, net->options);
	free(net->options);
	net->options = NULL;
}

int
net_tear_down(void **state)
{
	struct net *net = *state;
	char command[100];

	net_close(net);
	net_forget_options(net);
	timer_free(net->tick);
	loop_free(net->loop);
	strbuf_fini(&net->got);
	strbuf_fini(&net->marks);
	assert_int_equal(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -rf %s", net->folder);
	assert_int_equal(system(command), 0);
	free(net);
	return 0;
}

void
net_begin(void)
{
	signal(SIGPIPE, SIG_IGN);
	log_set_level(getenv("RT_VERBOSE") != NULL ? LOG_LEVEL_DEBUG : 0);
	if (getenv("RT_ONLY") != NULL)
		cmocka_set_test_filter(getenv("RT_ONLY"));
}

bool
net_slow(void)
{
	const char *slow = getenv("RINGTALLY_SLOW");

	return slow != NULL && strcmp(slow, "") != 0 && strcmp(slow, "0") != 0;
}

void
net_choose(struct net *net, const struct stage *stage)
{
	net_forget_options(net);
	net->stage = stage;
	net->options = mem_zalloc(stage->options_size);
	option_set_presets(stage->options, NULL, net->options);
	net_number(net, "spool_sync_s", 0);
}

static const struct option_row *
net_row(struct net *net, const char *name)
{
	const struct option_row *row = net->stage->options;

	while (row->name != NULL && strcmp(row->name, name) != 0)
		row++;
	assert_non_null(row->name);
	return row;
}

void
net_text(struct net *net, const char *name, const char *value)
{
	struct err err;

	if (option_set_text(net_row(net, name), net->options, value, &err) < 0)
		fail_msg("%s", err.text);
}

void
net_number(struct net *net, const char *name, double value)
{
	const struct option_row *row = net_row(net, name);
	struct err err;
	int rc;

	if (row->type == OPTION_INT)
		rc = option_set_int(row, net->options, (int64_t)value, &err);
	else
		rc = option_set_real(row, net->options, value, &err);
	if (rc < 0)
		fail_msg("%s", err.text);
}

void
net_flag(struct net *net, const char *name, bool value)
{
	assert_int_equal(
	    option_set_bool(net_row(net, name), net->options, value, NULL), 0);
}

void
net_list(struct net *net, const char *name, const char *value)
{
	assert_int_equal(
	    option_set_texts(net_row(net, name), net->options, &value, 1, NULL),
	    0);
}

int
net_try_open(struct net *net, struct err *err)
{
	static const struct position none;
	struct stage_setup setup = {.feed = "test",
	    .options = net->options,
	    .loop = net->loop,
	    .up = &net->up,
	    .from = &none,
	    .timezone = "UTC",
	    .spool = "spool",
	    .framing = net->framing,
	    .unique_ids = net->unique_ids,
	    .dialogue = net->dialogue};

	return net->stage->open(&net->self, &setup, err);
}

void
net_open(struct net *net)
{
	struct err err;

	if (net_try_open(net, &err) < 0)
		fail_msg("%s", err.text);
}

void
net_close(struct net *net)
{
	if (net->self != NULL)
		net->stage->close(net->self, "the test says so");
	net->self = NULL;
}

void
net_commit(struct net *net)
{
	struct position at;

	net->stage->position(net->self, &at);
	net->stage->committed(net->self, &at);
}

const char *
net_says(struct net *net)
{
	static struct stage_status status;

	status = (struct stage_status){.text = "(closed)"};
	if (net->self != NULL)
		net->stage->status(net->self, &status);
	return status.text;
}

bool
net_is_up(struct net *net)
{
	struct stage_status status;

	net->stage->status(net->self, &status);
	return status.connected;
}

/* --- the other side ------------------------------------------------------ */

static struct sockaddr_in
net_address(int port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static int
net_bind(int type, int *port)
{
	struct sockaddr_in to = net_address(*port);
	socklen_t n = sizeof(to);
	int one = 1, fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fd, (struct sockaddr *)&to, n), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&to, &n), 0);
	*port = ntohs(to.sin_port);
	return fd;
}

int
net_free_port(int type)
{
	int port = 0;

	close(net_bind(type, &port));
	return port;
}

int
net_listen(int *port)
{
	int fd = net_bind(SOCK_STREAM, port);

	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

int
net_accept(struct net *net, int listening)
{
	int fd = -1;

	NET_UNTIL(net,
	    (fd = accept4(
		 listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
	return fd;
}

int
net_connect(int port)
{
	struct sockaddr_in to = net_address(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

int
net_connect_unix(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

void
net_say(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

void
net_say_all(struct net *net, int fd, const char *bytes, size_t n)
{
	int64_t deadline = clock_mono_us() + NET_PATIENCE_US;
	size_t at = 0;
	ssize_t wrote;

	while (at < n) {
		wrote = write(fd, bytes + at, n - at);
		if (wrote > 0)
			at += (size_t)wrote;
		else
			assert_int_equal(errno, EAGAIN);
		assert_true(clock_mono_us() < deadline);
		if (wrote <= 0)
			net_turn(net);
	}
}

void
net_hear(struct net *net, int fd, const char *text)
{
	int64_t deadline = clock_mono_us() + NET_PATIENCE_US;
	size_t want = strlen(text), n = 0;
	char heard[4096];
	ssize_t got;

	assert_true(want < sizeof(heard));
	while (n < want) {
		got = read(fd, heard + n, want - n);
		if (got == 0 || (got < 0 && errno != EAGAIN))
			fail_msg("ended after \"%.*s\"", (int)n, heard);
		if (clock_mono_us() > deadline)
			fail_msg("heard no more than \"%.*s\"", (int)n, heard);
		n += got > 0 ? (size_t)got : 0;
		net_turn(net);
	}
	assert_memory_equal(heard, text, want);
}

bool
net_hear_end(struct net *net, int fd)
{
	char heard[4096];
	ssize_t got = 1;

	NET_UNTIL(net,
	    (got = read(fd, heard, sizeof(heard))) == 0 ||
		(got < 0 && errno != EAGAIN));
	return got < 0;
}

void
net_reset(int fd)
{
	struct linger linger = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

unsigned
net_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}
