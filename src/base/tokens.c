/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "base/tokens.h"

#define TOKENS_FILE_MAX (TOKENS_MAX * (TOKEN_MAX + 64))

static void
tokens_hash(uint8_t hash[TOKENS_HASH_BYTES], struct slice token)
{
	crypto_generichash(hash, TOKENS_HASH_BYTES,
	    (const unsigned char *)token.p, token.n, NULL, 0);
}

static int
tokens_check_file(int fd, struct err *err)
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
tokens_add(
    struct tokens *tokens, struct slice line, int number, struct err *err)
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
	if (line.n < TOKEN_MIN || line.n > TOKEN_MAX)
		return err_set(err, "line %d: a token has %d to %d characters",
		    number, TOKEN_MIN, TOKEN_MAX);
	if (tokens->n == TOKENS_MAX)
		return err_set(err, "more than %d tokens", TOKENS_MAX);
	tokens_hash(tokens->hashes[tokens->n++], line);
	return 0;
}

static int
tokens_parse(struct tokens *tokens, struct slice text, struct err *err)
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
		if (tokens_add(tokens, line, number, err) < 0)
			return -1;
	}
	return tokens->n > 0 ? 0 : err_set(err, "no token in it");
}

static int
tokens_read(struct tokens *tokens, int fd, struct err *err)
{
	char text[TOKENS_FILE_MAX + 1];
	size_t used = 0;
	ssize_t n = 1;
	int rc;

	if (tokens_check_file(fd, err) < 0)
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
	else if (used > TOKENS_FILE_MAX)
		rc = err_set(err, "longer than %d bytes", TOKENS_FILE_MAX);
	else
		rc = tokens_parse(tokens, (struct slice){text, used}, err);
	sodium_memzero(text, sizeof(text));
	return rc;
}

int
tokens_load(struct tokens *tokens, const char *path, struct err *err)
{
	int fd, rc;

	*tokens = (struct tokens){0};
	if (sodium_init() < 0)
		return err_set(err, "libsodium: no source of randomness");
	/* O_NONBLOCK: not to wait for ever should it be a FIFO */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return err_sys(err, "tokens %s", path);
	rc = tokens_read(tokens, fd, err);
	close(fd);
	return rc < 0 ? err_prefix(err, "tokens %s", path) : 0;
}

/* What files held: hashes only. They are few, and live as long as we. */
struct tokens_kept {
	SLIST_ENTRY(tokens_kept) list;
	char *path;
	struct tokens tokens;
};

static SLIST_HEAD(, tokens_kept) tokens_all = SLIST_HEAD_INITIALIZER(
    tokens_all);

static struct tokens_kept *
tokens_find(const char *path)
{
	struct tokens_kept *kept;

	SLIST_FOREACH(kept, &tokens_all, list)
	if (strcmp(kept->path, path) == 0)
		return kept;
	return NULL;
}

int
tokens_load_kept(
    struct tokens *tokens, const char *path, bool *kept, struct err *err)
{
	struct tokens_kept *known = tokens_find(path);

	*kept = false;
	if (tokens_load(tokens, path, err) < 0) {
		if (known == NULL)
			return -1;
		*tokens = known->tokens;
		*kept = true;
		return 0;
	}
	if (known == NULL) {
		known = mem_zalloc(sizeof(*known));
		known->path = mem_strdup(path);
		SLIST_INSERT_HEAD(&tokens_all, known, list);
	}
	known->tokens = *tokens;
	return 0;
}

bool
tokens_know(const struct tokens *tokens, struct slice token)
{
	uint8_t hash[TOKENS_HASH_BYTES];
	int found = 0;
	size_t i;

	if (token.n == 0 || token.n > TOKEN_MAX)
		return false;
	tokens_hash(hash, token);
	for (i = 0; i < tokens->n; i++)
		found |=
		    sodium_memcmp(hash, tokens->hashes[i], sizeof(hash)) == 0;
	return found != 0;
}
