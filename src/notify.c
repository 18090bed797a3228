/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "base/slice.h"
#include "notify.h"

static void
notify_datagram(const char *path, const char *text, size_t n)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	int fd;

	if (len == 0 || len >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, len);
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0'; /* abstract */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	/* what the manager does not get now it gets with the next one */
	(void)!sendto(fd, text, n, MSG_NOSIGNAL, (struct sockaddr *)&to,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

void
notify_send(const char *fmt, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	char text[1024];
	va_list ap;
	int n;

	if (path == NULL)
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		notify_datagram(
		    path, text, RT_MIN((size_t)n, sizeof(text) - 1));
}

int64_t
notify_watchdog_us(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	int64_t us, for_pid;

	if (usec == NULL || !slice_uint(slice_of(usec), &us))
		return 0;
	if (pid != NULL && slice_uint(slice_of(pid), &for_pid) &&
	    for_pid != getpid())
		return 0;
	return us / 2;
}
