/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/slice.h"
#include "io/address.h"

#define ADDRESS_UNIX "unix:"

static struct sockaddr_un *
address_un(const struct address *address)
{
	return (struct sockaddr_un *)(uintptr_t)&address->to;
}

static int
address_parse_unix(struct address *a, const char *path, struct err *err)
{
	struct sockaddr_un *un = address_un(a);

	if (path[0] != '/')
		return err_set(err, "%s: not an absolute path", path);
	if (strlen(path) >= sizeof(un->sun_path))
		return err_set(err, "%s: longer than %zu bytes", path,
		    sizeof(un->sun_path) - 1);
	un->sun_family = AF_UNIX;
	snprintf(un->sun_path, sizeof(un->sun_path), "%s", path);
	a->len = sizeof(*un);
	a->is_unix = a->is_local = true;
	return 0;
}

static bool
address_parse_in(struct address *a, const char *host, uint16_t port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&a->to;

	if (strcmp(host, "*") == 0)
		host = "0.0.0.0";
	if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
		return false;
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	a->len = sizeof(*in);
	a->is_local = ntohl(in->sin_addr.s_addr) >> 24 == 127;
	return true;
}

/* In brackets: its colons are not to be taken for the port's. */
static bool
address_parse_in6(struct address *a, const char *host, uint16_t port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&a->to;
	size_t n = strlen(host);
	char inner[INET6_ADDRSTRLEN];

	if (n < 3 || n - 2 >= sizeof(inner) || host[0] != '[' ||
	    host[n - 1] != ']')
		return false;
	memcpy(inner, host + 1, n - 2);
	inner[n - 2] = '\0';
	if (inet_pton(AF_INET6, inner, &in6->sin6_addr) != 1)
		return false;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	a->len = sizeof(*in6);
	a->is_local = IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
	return true;
}

int
address_parse(struct address *a, const char *text, struct err *err)
{
	const char *colon = strrchr(text, ':');
	char host[64];
	int64_t port;

	*a = (struct address){0};
	if (strncmp(text, ADDRESS_UNIX, strlen(ADDRESS_UNIX)) == 0)
		return address_parse_unix(a, text + strlen(ADDRESS_UNIX), err);
	if (colon != NULL && (size_t)(colon - text) < sizeof(host) &&
	    slice_uint(slice_of(colon + 1), &port) && port >= 1 &&
	    port <= UINT16_MAX) {
		memcpy(host, text, (size_t)(colon - text));
		host[colon - text] = '\0';
		if (address_parse_in(a, host, (uint16_t)port) ||
		    address_parse_in6(a, host, (uint16_t)port))
			return 0;
	}
	return err_set(err,
	    "\"%s\" is no address: wants one like 127.0.0.1:8085, [::1]:8085 "
	    "or unix:/run/ringtally/http",
	    text);
}

static bool
address_is_any(const struct address *a)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&a->to;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a->to;

	return a->to.ss_family == AF_INET6
	    ? IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr)
	    : in->sin_addr.s_addr == INADDR_ANY;
}

static uint16_t
address_port(const struct address *a)
{
	return a->to.ss_family == AF_INET6
	    ? ((const struct sockaddr_in6 *)&a->to)->sin6_port
	    : ((const struct sockaddr_in *)&a->to)->sin_port;
}

/* All addresses of IPv6 are those of IPv4, too, and not the other way round. */
bool
address_overlaps(const struct address *a, const struct address *b)
{
	if (a->is_unix || b->is_unix)
		return a->is_unix && b->is_unix &&
		    memcmp(&a->to, &b->to, sizeof(a->to)) == 0;
	if (address_port(a) != address_port(b))
		return false;
	if (a->to.ss_family == b->to.ss_family)
		return address_is_any(a) || address_is_any(b) ||
		    memcmp(&a->to, &b->to, a->len) == 0;
	return a->to.ss_family == AF_INET6 ? address_is_any(a)
					   : address_is_any(b);
}

static int
address_bind_unix(int fd, struct address *a, mode_t mode, struct err *err)
{
	const char *path = address_un(a)->sun_path;
	mode_t mask;
	int rc;

	if (unix_path_probe(path, err) < 0)
		return -1;
	unlink(path); /* left over by somebody who was killed */
	mask = umask(0777 & ~mode);
	rc = bind(fd, (const struct sockaddr *)&a->to, a->len);
	umask(mask);
	if (rc < 0 || unix_path_note(path, &a->id) < 0)
		return err_sys(err, "%s", path);
	return 0;
}

int
address_bind(struct address *a, mode_t mode, struct err *err)
{
	int one = 1, rc, fd;

	fd = socket(
	    a->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (a->is_unix)
		rc = address_bind_unix(fd, a, mode, err);
	else if (bind(fd, (const struct sockaddr *)&a->to, a->len) < 0)
		rc = err_sys(err, "bind");
	else
		return fd;
	if (rc == 0)
		return fd;
	close(fd);
	return -1;
}

int
address_bind_datagram(const struct address *a, struct err *err)
{
	int fd = socket(
	    a->to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(err, "socket");
	if (bind(fd, (const struct sockaddr *)&a->to, a->len) == 0)
		return fd;
	err_sys(err, "bind");
	close(fd);
	return -1;
}

void
address_unlink(const struct address *a)
{
	if (a->is_unix)
		unix_path_remove(address_un(a)->sun_path, &a->id);
}

bool
address_is_ip(const char *host)
{
	struct address a;

	return strcmp(host, "*") != 0 &&
	    (address_parse_in(&a, host, 1) || address_parse_in6(&a, host, 1));
}

static void
address_text_in(
    const struct in_addr *in, uint16_t port, char *text, size_t size)
{
	char number[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, in, number, sizeof(number));
	snprintf(text, size, "%s:%u", number, ntohs(port));
}

static void
address_text_in6(const struct sockaddr_in6 *in6, char *text, size_t size)
{
	char number[INET6_ADDRSTRLEN];
	struct in_addr in;

	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		memcpy(&in, in6->sin6_addr.s6_addr + 12, sizeof(in));
		address_text_in(&in, in6->sin6_port, text, size);
		return;
	}
	inet_ntop(AF_INET6, &in6->sin6_addr, number, sizeof(number));
	snprintf(text, size, "[%s]:%u", number, ntohs(in6->sin6_port));
}

void
address_text(
    const struct sockaddr *from, socklen_t len, char *text, size_t size)
{
	struct sockaddr_storage all = {.ss_family = AF_UNSPEC};
	const struct sockaddr_in *in = (const struct sockaddr_in *)&all;

	memcpy(&all, from, RT_MIN((size_t)len, sizeof(all)));
	if (all.ss_family == AF_INET)
		address_text_in(&in->sin_addr, in->sin_port, text, size);
	else if (all.ss_family == AF_INET6)
		address_text_in6((const struct sockaddr_in6 *)&all, text, size);
	else
		snprintf(text, size, "unix:%.*s",
		    (int)sizeof(((struct sockaddr_un *)0)->sun_path),
		    ((const struct sockaddr_un *)(uintptr_t)&all)->sun_path);
}
