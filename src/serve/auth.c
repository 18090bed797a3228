/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>

#include "serve/auth.h"

#define AUTH_COOKIE   "ringtally_token"
#define AUTH_FILE_MAX (AUTH_TOKENS_MAX * (AUTH_TOKEN_MAX + 64))

static void
auth_hash(uint8_t hash[AUTH_HASH_BYTES], struct slice token)
{
	crypto_generichash(hash, AUTH_HASH_BYTES,
	    (const unsigned char *)token.p, token.n, NULL, 0);
}

static int
auth_check_file(int fd, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(err, "fstat");
	if (!S_ISREG(st.st_mode))
		return err_set(err, "not a regular file");
	if ((st.st_mode & 037) != 0)
		return err_set(err,
		    "mode %04o: open to others than its owner and group "
		    "(chmod 640)",
		    (unsigned)st.st_mode & 07777);
	return 0;
}

static int
auth_add(struct auth *auth, struct slice line, int number, struct err *err)
{
	size_t i;

	if (line.n == 0 || line.p[0] == '#')
		return 0;
	for (i = 0; i < line.n; i++)
		if (line.p[i] <= ' ' || line.p[i] > '~' || line.p[i] == ';' ||
		    line.p[i] == ',' || line.p[i] == '"')
			return err_set(err,
			    "line %d: a token is of letters, digits and signs "
			    "other than , ; and \"",
			    number);
	if (line.n < AUTH_TOKEN_MIN || line.n > AUTH_TOKEN_MAX)
		return err_set(err, "line %d: a token has %d to %d characters",
		    number, AUTH_TOKEN_MIN, AUTH_TOKEN_MAX);
	if (auth->n == AUTH_TOKENS_MAX)
		return err_set(err, "more than %d tokens", AUTH_TOKENS_MAX);
	auth_hash(auth->hashes[auth->n++], line);
	return 0;
}

static int
auth_parse(struct auth *auth, struct slice text, struct err *err)
{
	const char *end;
	int number = 1;

	for (; text.n > 0; number++) {
		struct slice line = text;

		end = memchr(text.p, '\n', text.n);
		if (end != NULL)
			line.n = (size_t)(end - text.p);
		text.p += line.n + (end != NULL);
		text.n -= line.n + (end != NULL);
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		if (auth_add(auth, line, number, err) < 0)
			return -1;
	}
	return auth->n > 0 ? 0 : err_set(err, "no token in it");
}

static int
auth_read(struct auth *auth, int fd, struct err *err)
{
	char text[AUTH_FILE_MAX + 1];
	size_t used = 0;
	ssize_t n = 1;
	int rc;

	if (auth_check_file(fd, err) < 0)
		return -1;
	while (n > 0 && used < sizeof(text)) {
		n = read(fd, text + used, sizeof(text) - used);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			used += (size_t)n;
	}
	if (n < 0)
		rc = err_sys(err, "read");
	else if (used > AUTH_FILE_MAX)
		rc = err_set(err, "longer than %d bytes", AUTH_FILE_MAX);
	else
		rc = auth_parse(auth, (struct slice){text, used}, err);
	sodium_memzero(text, sizeof(text));
	return rc;
}

int
auth_load(struct auth *auth, const char *path, struct err *err)
{
	int fd, rc;

	*auth = (struct auth){0};
	if (sodium_init() < 0)
		return err_set(err, "libsodium: no source of randomness");
	/* O_NONBLOCK: not to wait for ever should it be a FIFO */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return err_sys(err, "tokens %s", path);
	rc = auth_read(auth, fd, err);
	close(fd);
	return rc < 0 ? err_prefix(err, "tokens %s", path) : 0;
}

bool
auth_knows(const struct auth *auth, struct slice token)
{
	uint8_t hash[AUTH_HASH_BYTES];
	int found = 0;
	size_t i;

	if (token.n == 0 || token.n > AUTH_TOKEN_MAX)
		return false;
	auth_hash(hash, token);
	for (i = 0; i < auth->n; i++)
		found |=
		    sodium_memcmp(hash, auth->hashes[i], sizeof(hash)) == 0;
	return found != 0;
}

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
