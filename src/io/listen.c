/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "io/acceptor.h"
#include "io/listen.h"
#include "io/unix_path.h"

#define LISTEN_MODE    0660
#define LISTEN_BACKLOG 1024
#define LISTEN_GROUPS  1024 /* of a peer, at most */
#define LISTEN_NEW     ".new"

struct listen {
	struct acceptor *acceptor;
	char *path;
	int fd;
	struct unix_path_id id;
	gid_t gid;
	mode_t mode;
};

static int
listen_address(struct sockaddr_un *to, const char *path, const char *suffix,
    struct err *err)
{
	size_t max = sizeof(to->sun_path) - sizeof(LISTEN_NEW);

	if (path[0] != '/')
		return err_set(err, "%s: not an absolute path", path);
	if (strlen(path) > max)
		return err_set(err, "%s: longer than %zu bytes", path, max);
	*to = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(to->sun_path, sizeof(to->sun_path), "%s%s", path, suffix);
	return 0;
}

static int
listen_socket(struct err *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	return fd >= 0 ? fd : err_sys(err, "socket");
}

static int
listen_group(const char *name, gid_t *gid, struct err *err)
{
	const struct group *group;

	*gid = getegid();
	if (name == NULL)
		return 0;
	errno = 0;
	group = getgrnam(name);
	if (group == NULL && errno != 0)
		return err_sys(err, "group \"%s\"", name);
	if (group == NULL)
		return err_set(err, "there is no group \"%s\"", name);
	*gid = group->gr_gid;
	return 0;
}

/*
 * To the group first: until then nobody but us may connect. Nothing is asked
 * of the kernel where it has the group already: a sandbox may forbid chown(2).
 */
static int
listen_give(
    struct listen *l, const char *path, const char *group, struct err *err)
{
	gid_t *gid = &l->gid;
	struct stat st;

	if (listen_group(group, gid, err) < 0)
		return err_prefix(err, "%s", path);
	if (lstat(path, &st) < 0)
		return err_sys(err, "%s", path);
	if (st.st_gid != *gid && chown(path, (uid_t)-1, *gid) < 0)
		return err_sys(err, "%s: giving it to group %s", path,
		    group != NULL ? group : "of our own");
	if (chmod(path, l->mode) < 0)
		return err_sys(err, "%s: setting its mode", path);
	return 0;
}

static int
listen_bind(int fd, const struct sockaddr_un *address, struct err *err)
{
	mode_t mask = umask(0177);
	int rc;

	unlink(address->sun_path); /* left over by somebody who was killed */
	rc = bind(fd, (const struct sockaddr *)address, sizeof(*address));
	umask(mask);
	return rc == 0 ? 0 : err_sys(err, "%s", address->sun_path);
}

/* Under its other name, ready; what it is in the file system is noted. */
static int
listen_prepare(struct listen *l, const struct listen_config *config,
    const struct sockaddr_un *address, struct err *err)
{
	if (listen_give(l, address->sun_path, config->group, err) < 0)
		return -1;
	if (listen(l->fd, LISTEN_BACKLOG) < 0 ||
	    unix_path_note(address->sun_path, &l->id) < 0)
		return err_sys(err, "%s", address->sun_path);
	return 0;
}

static int
listen_open(
    struct listen *l, const struct listen_config *config, struct err *err)
{
	struct sockaddr_un address;

	if (listen_address(&address, config->path, LISTEN_NEW, err) < 0 ||
	    unix_path_probe(config->path, err) < 0 ||
	    (l->fd = listen_socket(err)) < 0 ||
	    listen_bind(l->fd, &address, err) < 0)
		return -1;
	if (listen_prepare(l, config, &address, err) < 0) {
		unlink(address.sun_path);
		return -1;
	}
	if (rename(address.sun_path, config->path) < 0) {
		err_sys(err, "%s", config->path);
		unlink(address.sun_path);
		return -1;
	}
	return 0;
}

struct listen *
listen_new(
    struct loop *loop, const struct listen_config *config, struct err *err)
{
	struct listen *l = mem_alloc(sizeof(*l));

	*l = (struct listen){
	    .fd = -1, .mode = config->mode != 0 ? config->mode : LISTEN_MODE};
	if (listen_open(l, config, err) < 0) {
		if (l->fd >= 0)
			close(l->fd);
		free(l);
		return NULL;
	}
	l->path = mem_strdup(config->path);
	l->acceptor =
	    acceptor_new(loop, l->fd, l->path, config->accepted, config->ctx);
	return l;
}

void
listen_free(struct listen *l)
{
	if (l == NULL)
		return;
	acceptor_free(l->acceptor);
	unix_path_remove(l->path, &l->id);
	close(l->fd);
	free(l->path);
	free(l);
}

int
listen_set_group(struct listen *l, const char *group, struct err *err)
{
	return listen_give(l, l->path, group, err);
}

static bool
listen_in_group(int fd, gid_t first, gid_t wanted)
{
	gid_t groups[LISTEN_GROUPS];
	socklen_t n = sizeof(groups);
	size_t i;

	if (first == wanted)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n) < 0)
		return false;
	for (i = 0; i < n / sizeof(*groups); i++)
		if (groups[i] == wanted)
			return true;
	return false;
}

bool
listen_may(const struct listen *l, int fd, uid_t *uid, pid_t *pid)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	*uid = (uid_t)-1;
	*pid = 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0)
		return false;
	*uid = peer.uid;
	*pid = peer.pid;
	return peer.uid == 0 || peer.uid == geteuid() ||
	    listen_in_group(fd, peer.gid, l->gid);
}
