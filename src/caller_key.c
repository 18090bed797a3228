/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/log.h"
#include "caller_key.h"
#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>

#define KEY_DIGITS (2 * CALLER_KEY_BYTES)

/* What the file holds, and a byte more to notice that there is more. */
struct key_text {
	char text[KEY_DIGITS + 2];
	size_t n;
};

void
caller_key_make(struct caller_key *key)
{
	if (sodium_init() < 0)
		BUG("libsodium: no source of randomness");
	randombytes_buf(key->bytes, sizeof(key->bytes));
}

void
caller_key_wipe(struct caller_key *key)
{
	sodium_memzero(key, sizeof(*key));
}

void
caller_key_mark(const struct caller_key *key, char mark[CALLER_KEY_MARK])
{
	static const char text[] = "ringtally: the key of callers";
	unsigned char hash[CALLER_KEY_MARK / 2];

	if (crypto_generichash(hash, sizeof(hash), (const unsigned char *)text,
		sizeof(text) - 1, key->bytes, sizeof(key->bytes)) != 0)
		BUG("crypto_generichash refuses its sizes");
	sodium_bin2hex(mark, CALLER_KEY_MARK, hash, sizeof(hash));
}

static int
key_read_all(int fd, struct key_text *t)
{
	while (t->n < sizeof(t->text)) {
		ssize_t n = read(fd, t->text + t->n, sizeof(t->text) - t->n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		t->n += (size_t)n;
	}
	return 0;
}

static int
key_write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, bytes, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		bytes += done;
		n -= (size_t)done;
	}
	return 0;
}

static int
key_check_file(int fd, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(err, "fstat");
	if (!S_ISREG(st.st_mode))
		return err_set(err, "not a regular file");
	if ((st.st_mode & 077) != 0)
		return err_set(err,
		    "mode %04o: open to others than its owner (chmod 600)",
		    (unsigned)st.st_mode & 07777);
	return 0;
}

static int
key_parse(struct caller_key *key, const struct key_text *t, struct err *err)
{
	size_t n = t->n, used;

	if (n > 0 && t->text[n - 1] == '\n')
		n--;
	if (n == 0)
		return err_set(err, "empty");
	if (n != KEY_DIGITS ||
	    sodium_hex2bin(key->bytes, sizeof(key->bytes), t->text, n, NULL,
		&used, NULL) != 0 ||
	    used != sizeof(key->bytes)) {
		caller_key_wipe(key);
		return err_set(
		    err, "not a key: wants %d hexadecimal digits", KEY_DIGITS);
	}
	return 0;
}

static int
key_read(struct caller_key *key, int fd, struct err *err)
{
	struct key_text t = {.n = 0};
	int rc = -1;

	if (key_check_file(fd, err) < 0)
		goto out;
	if (key_read_all(fd, &t) < 0) {
		err_sys(err, "read");
		goto out;
	}
	rc = key_parse(key, &t, err);
out:
	sodium_memzero(&t, sizeof(t));
	return rc;
}

int
caller_key_load(struct caller_key *key, const char *path, struct err *err)
{
	int fd, rc;

	/* O_NONBLOCK: not to wait for ever should it be a FIFO */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return 1;
	if (fd < 0)
		return err_sys(err, "caller key %s", path);
	rc = key_read(key, fd, err);
	close(fd);
	return rc < 0 ? err_prefix(err, "caller key %s", path) : 0;
}

/* A new key under a name that nobody looks for, on the disk. */
static int
key_write_temp(const char *temp, int fd, struct err *err)
{
	unsigned char bytes[CALLER_KEY_BYTES];
	char text[KEY_DIGITS + 1];
	int rc = 0;

	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2hex(text, sizeof(text), bytes, sizeof(bytes));
	text[KEY_DIGITS] = '\n';
	if (key_write_all(fd, text, sizeof(text)) < 0 || fsync(fd) != 0)
		rc = err_sys(err, "write %s", temp);
	sodium_memzero(bytes, sizeof(bytes));
	sodium_memzero(text, sizeof(text));
	return rc;
}

/* Makes the names of a directory last over a crash. */
static int
key_sync_directory(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *name;
	int fd, rc = 0;

	if (slash == NULL)
		name = mem_strdup(".");
	else
		name = strndup(path, RT_MAX((size_t)(slash - path), (size_t)1));
	BUG_ON(name == NULL);
	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		rc = err_sys(err, "fsync of directory %s", name);
	if (fd >= 0)
		close(fd);
	free(name);
	return rc;
}

/* link(2) rather than rename(2): who comes first wins, and nobody later. */
static int
key_create(const char *path, struct err *err)
{
	size_t size = strlen(path) + sizeof(".XXXXXX");
	char *temp = mem_alloc(size);
	bool ours = false;
	int fd, rc = -1;

	snprintf(temp, size, "%s.XXXXXX", path);
	fd = mkostemp(temp, O_CLOEXEC); /* O_EXCL, mode 0600 */
	if (fd < 0) {
		err_sys(err, "can not be made");
		goto out;
	}
	if (key_write_temp(temp, fd, err) == 0) {
		ours = link(temp, path) == 0;
		if (ours || errno == EEXIST)
			rc = 0;
		else
			err_sys(err, "can not be made: link");
	}
	close(fd);
	unlink(temp);
	if (rc == 0)
		rc = key_sync_directory(path, err);
	if (rc == 0 && ours)
		log_note("caller key %s: there was none, a new one is made; "
			 "who called before is not known by it",
		    path);
out:
	free(temp);
	return rc < 0 ? err_prefix(err, "caller key %s", path) : 0;
}

int
caller_key_open(struct caller_key *key, const char *path, struct err *err)
{
	int rc;

	if (sodium_init() < 0)
		return err_set(err, "libsodium: no source of randomness");
	rc = caller_key_load(key, path, err);
	if (rc != 1)
		return rc;
	if (key_create(path, err) < 0)
		return -1;
	rc = caller_key_load(key, path, err);
	if (rc == 1)
		return err_set(err,
		    "caller key %s: its name is taken, but leads nowhere",
		    path);
	return rc;
}
