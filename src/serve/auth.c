/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <sodium.h>

#include "serve/auth.h"

#define AUTH_COOKIE "ringtally_token"

/* The value of a cookie among others: "a=1; ringtally_token=TOKEN". */
static struct slice
auth_cookie(const char *cookie)
{
	size_t n = strlen(AUTH_COOKIE);

	while (*cookie != '\0') {
		cookie += strspn(cookie, " ;");
		if (strncmp(cookie, AUTH_COOKIE, n) == 0 && cookie[n] == '=')
			return (struct slice){
			    cookie + n + 1, strcspn(cookie + n + 1, "; ")};
		cookie += strcspn(cookie, ";");
	}
	return (struct slice){NULL, 0};
}

struct slice
auth_token(const char *authorization, const char *cookie)
{
	static const char bearer[] = "Bearer ";

	if (authorization != NULL &&
	    strncasecmp(authorization, bearer, strlen(bearer)) == 0) {
		authorization += strlen(bearer);
		authorization += strspn(authorization, " ");
		return (struct slice){
		    authorization, strcspn(authorization, " ")};
	}
	return cookie != NULL ? auth_cookie(cookie) : (struct slice){NULL, 0};
}

struct slice
auth_basic(const char *authorization, char *to, size_t size)
{
	static const char basic[] = "Basic ";
	const char *colon;
	size_t n;

	if (authorization == NULL ||
	    strncasecmp(authorization, basic, strlen(basic)) != 0)
		return (struct slice){NULL, 0};
	authorization += strlen(basic);
	if (sodium_base642bin((unsigned char *)to, size, authorization,
		strlen(authorization), " ", &n, NULL,
		sodium_base64_VARIANT_ORIGINAL) != 0)
		return (struct slice){NULL, 0};
	colon = memchr(to, ':', n);
	if (colon == NULL)
		return (struct slice){NULL, 0};
	colon++;
	return (struct slice){colon, n - (size_t)(colon - to)};
}

/* Without the port, in lower case and without a dot at the end. */
static bool
auth_host_name(char *name, size_t size, const char *host)
{
	const char *end = host[0] == '[' ? strchr(host, ']') : NULL;
	size_t i, n;

	if (host[0] == '[' && end == NULL)
		return false;
	n = end != NULL ? (size_t)(end - host) + 1 : strcspn(host, ":");
	if (host[n] == ':' &&
	    strspn(host + n + 1, "0123456789") != strlen(host + n + 1))
		return false;
	if (n == 0 || n >= size || (host[n] != ':' && host[n] != '\0'))
		return false;
	for (i = 0; i < n; i++)
		name[i] = host[i] >= 'A' && host[i] <= 'Z'
		    ? (char)(host[i] - 'A' + 'a')
		    : host[i];
	if (n > 1 && name[n - 1] == '.')
		n--;
	name[n] = '\0';
	return true;
}

bool
auth_host(
    const struct address *listen, const char *const *hosts, const char *host)
{
	char name[256];
	size_t i;

	if (!auth_host_name(name, sizeof(name), host))
		return false;
	if (listen->is_unix || strcmp(name, "localhost") == 0 ||
	    address_is_ip(name))
		return true;
	for (i = 0; hosts != NULL && hosts[i] != NULL; i++)
		if (strcasecmp(hosts[i], name) == 0)
			return true;
	return false;
}
