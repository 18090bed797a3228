/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "io/unix_path.h"

int
unix_path_probe(const char *path, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	int fd, rc, why;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(err, "%s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(
		    err, "%s: something that is no socket stands there", path);
	BUG_ON(strlen(path) >= sizeof(address.sun_path));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, "socket");
	rc = connect(fd, (struct sockaddr *)&address, sizeof(address));
	why = errno;
	close(fd);
	errno = why;
	/* EAGAIN: so many wait there that somebody must be listening */
	if (rc == 0 || why == EAGAIN)
		return err_set(
		    err, "%s: another daemon runs and answers there", path);
	if (why == ECONNREFUSED || why == ENOENT)
		return 0;
	return err_sys(err, "%s: who holds it can not be told", path);
}

int
unix_path_note(const char *path, struct unix_path_id *id)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return -1;
	*id = (struct unix_path_id){st.st_dev, st.st_ino};
	return 0;
}

void
unix_path_remove(const char *path, const struct unix_path_id *id)
{
	struct unix_path_id now;

	if (unix_path_note(path, &now) == 0 && now.device == id->device &&
	    now.inode == id->inode)
		unlink(path);
}
