/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/slice.h"
#include "io/cidr.h"

#define CIDR_BYTES 16

/* IPv4 as IPv6 writes it (::ffff:a.b.c.d), so that there is one kind only. */
struct cidr {
	uint8_t bytes[CIDR_BYTES];
	unsigned bits;
};

static const uint8_t cidr_mapped[12] = {[10] = 0xff, [11] = 0xff};

static void
cidr_of_in(struct cidr *c, const struct in_addr *in)
{
	memcpy(c->bytes, cidr_mapped, sizeof(cidr_mapped));
	memcpy(c->bytes + sizeof(cidr_mapped), in, sizeof(*in));
}

static bool
cidr_same(const struct cidr *net, const uint8_t *bytes)
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;

	return memcmp(net->bytes, bytes, whole) == 0 &&
	    (rest == 0 ||
		(net->bytes[whole] ^ bytes[whole]) >> (8 - rest) == 0);
}

/* The bits behind the network's own must be zero: else it is a slip. */
static bool
cidr_is_network(const struct cidr *c)
{
	unsigned i;

	for (i = c->bits; i < CIDR_BYTES * 8; i++)
		if (c->bytes[i / 8] & (0x80 >> i % 8))
			return false;
	return true;
}

static bool
cidr_parse(struct cidr *c, const char *text)
{
	const char *slash = strchr(text, '/');
	size_t n = slash != NULL ? (size_t)(slash - text) : strlen(text);
	char number[INET6_ADDRSTRLEN];
	struct in_addr in;
	int64_t bits;
	bool is_in;

	if (n >= sizeof(number))
		return false;
	memcpy(number, text, n);
	number[n] = '\0';
	is_in = inet_pton(AF_INET, number, &in) == 1;
	if (is_in)
		cidr_of_in(c, &in);
	else if (inet_pton(AF_INET6, number, c->bytes) != 1)
		return false;
	bits = is_in ? 32 : 128;
	if (slash != NULL &&
	    (!slice_uint(slice_of(slash + 1), &bits) ||
		bits > (is_in ? 32 : 128)))
		return false;
	c->bits = (unsigned)bits + (is_in ? 96 : 0);
	return true;
}

int
cidr_check(const char *text, struct err *err)
{
	struct cidr c;

	if (!cidr_parse(&c, text))
		return err_set(err,
		    "\"%s\" is no network: wants one like 192.0.2.7, "
		    "10.1.0.0/16 or 2001:db8::/32",
		    text);
	if (!cidr_is_network(&c))
		return err_set(err,
		    "\"%s\" has bits behind those that its length counts",
		    text);
	return 0;
}

int
cidr_check_option(const void *value, struct err *err)
{
	char *const *list = *(char **const *)value;

	for (; list != NULL && *list != NULL; list++)
		if (cidr_check(*list, err) < 0)
			return -1;
	return 0;
}

bool
cidr_allows(const char *const *networks, const struct sockaddr *from)
{
	static const char *const itself[] = {"127.0.0.0/8", "::1", NULL};
	struct cidr who = {.bits = 128}, net;

	if (from->sa_family == AF_UNIX)
		return true;
	if (from->sa_family == AF_INET)
		cidr_of_in(&who,
		    &((const struct sockaddr_in *)(const void *)from)
			 ->sin_addr);
	else if (from->sa_family == AF_INET6)
		memcpy(who.bytes,
		    &((const struct sockaddr_in6 *)(const void *)from)
			 ->sin6_addr,
		    CIDR_BYTES);
	else
		return false;
	if (networks == NULL || networks[0] == NULL)
		networks = itself;
	for (; *networks != NULL; networks++)
		if (cidr_parse(&net, *networks) && cidr_same(&net, who.bytes))
			return true;
	return false;
}
