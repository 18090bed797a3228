/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bench for the transports that are spoken to by a network: a real loop, a
 * real spool in a folder of its own, and real sockets of this machine. The test
 * plays the other side, between two turns of the loop.
 *
 * What the feed is given is written down as text: each record of data and an
 * "\n" behind it in `got`; marks are counted, and stand in `marks` as '+' and
 * '-', with '.' for each record between.
 */
#ifndef RT_TEST_NET_HARNESS_H
#define RT_TEST_NET_HARNESS_H

#include "base/base.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "feed/transports.h"
#include "io/loop.h"

#define NET_PATIENCE_US (20 * USEC_PER_SEC)

struct net {
	struct stage_upstream up; /* first: upstream finds us by it */
	struct loop *loop;
	struct timer *tick;
	const struct stage *stage;
	void *options, *self;
	char folder[64];
	enum framing framing;
	bool unique_ids;
	const struct dialogue_ops *dialogue;
	struct strbuf got, marks;
	size_t records;
	int begins, ends; /* of sources; not the end of all */
	uint32_t source;  /* of the last record */
	int losses;
	int64_t lost;
	enum stage_loss loss;
	char why[256];
	uint64_t oversize;
	bool refuse; /* what is offered, as a database that is away */
};

/* A test with a bench and a folder of its own. */
#define NET_TEST(name) \
	cmocka_unit_test_setup_teardown(name, net_set_up, net_tear_down)
int net_set_up(void **state);
int net_tear_down(void **state);
/* RT_VERBOSE shows the log, RT_ONLY=PATTERN runs some of the tests. */
void net_begin(void);
bool net_slow(void);

/* The options of that transport, with their defaults; then one by one. */
void net_choose(struct net *net, const struct stage *stage);
void net_text(struct net *net, const char *name, const char *value);
void net_number(struct net *net, const char *name, double value);
void net_flag(struct net *net, const char *name, bool value);
void net_list(struct net *net, const char *name, const char *value);
void net_open(struct net *net);
int net_try_open(struct net *net, struct err *err);
void net_close(struct net *net);
/* The figures so far are committed: the spool may forget. */
void net_commit(struct net *net);
const char *net_says(struct net *net);
bool net_is_up(struct net *net);

/* One turn of about a millisecond. */
void net_turn(struct net *net);
void net_turn_for(struct net *net, int64_t us);
#define NET_UNTIL(net, condition)                                           \
	do {                                                                \
		int64_t deadline_ = clock_mono_us() + NET_PATIENCE_US;      \
		while (!(condition)) {                                      \
			if (clock_mono_us() > deadline_)                    \
				fail_msg("waited in vain for %s; says: %s", \
				    #condition, net_says(net));             \
			net_turn(net);                                      \
		}                                                           \
	} while (0)
#define net_expect(net, text) \
	NET_UNTIL(net, strcmp(strbuf_str(&(net)->got), text) == 0)

/* --- the other side ------------------------------------------------------- */

int net_free_port(int type);
/* Listens on that port of 127.0.0.1, or on any (0, which is set). */
int net_listen(int *port);
/* Waits for somebody who connects. */
int net_accept(struct net *net, int listening);
int net_connect(int port);
int net_connect_unix(const char *path);
void net_say(int fd, const char *text);
/* Turns the loop while it writes, until all is taken. */
void net_say_all(struct net *net, int fd, const char *bytes, size_t n);
/* What the transport has said, until it is that text. */
void net_hear(struct net *net, int fd, const char *text);
/* Waits for the end of it; true: by a reset. */
bool net_hear_end(struct net *net, int fd);
/* Closes with a reset. */
void net_reset(int fd);
unsigned net_descriptors(void);

#endif
