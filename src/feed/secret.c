/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "feed/secret.h"

void
secret_wipe(struct secret *secret)
{
	explicit_bzero(secret, sizeof(*secret));
}

/* Asked of the open file: nobody can put another one in its place. */
static int
secret_check(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, "%s: not a regular file", path);
	if (st.st_mode & (S_IRWXO | S_IWGRP))
		return err_set(err,
		    "%s: others may read or change it (chmod 640 or 600)",
		    path);
	if (st.st_size > SECRET_MAX)
		return err_set(
		    err, "%s: longer than %d bytes", path, SECRET_MAX);
	return 0;
}

/* Only the line; one that goes on would be taken for commands. */
static int
secret_trim(struct secret *s, size_t n, const char *path, struct err *err)
{
	if (n > 0 && s->text[n - 1] == '\n')
		n--;
	if (n > 0 && s->text[n - 1] == '\r')
		n--;
	s->text[n] = '\0';
	if (n == 0)
		return err_set(err, "%s: it is empty", path);
	if (strlen(s->text) != n || strpbrk(s->text, "\r\n") != NULL)
		return err_set(err, "%s: more than one line", path);
	return 0;
}

int
secret_read(struct secret *s, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = 0;
	int rc;

	if (fd < 0)
		return err_sys(err, "%s", path);
	rc = secret_check(fd, path, err);
	if (rc == 0) {
		n = read(fd, s->text, SECRET_MAX);
		rc = n < 0 ? err_sys(err, "%s", path)
			   : secret_trim(s, (size_t)n, path, err);
	}
	close(fd);
	if (rc < 0)
		secret_wipe(s);
	return rc;
}
