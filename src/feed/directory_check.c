/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <fcntl.h>

#include "base/table.h"
#include "feed/directory_check.h"
#include "feed/input.h"

static enum check_result
check_open_failed(struct err *err, const char *name)
{
	int error = errno;

	if (error == ENOENT)
		return CHECK_GONE;
	err_sys(err, "opening %s", name);
	errno = error;
	switch (error) {
	case EACCES:
	case EPERM:
	case ELOOP: /* a symbolic link */
	case ENXIO:
	case EOVERFLOW:
		return CHECK_REFUSED;
	}
	return CHECK_FAILED;
}

enum check_result
check_begin(struct check *c, int folder, const char *name, int64_t most,
    struct err *err)
{
	int saved;

	*c = (struct check){.most = most};
	c->fd = openat(folder, name,
	    O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
	if (c->fd < 0)
		return check_open_failed(err, name);
	if (fstat(c->fd, &c->st) < 0) {
		err_sys(err, "%s", name);
		goto failed;
	}
	if (!S_ISREG(c->st.st_mode)) {
		err_set(err, "not a regular file");
		close(c->fd);
		return CHECK_REFUSED;
	}
	errno = 0;
	c->in = input_open_fd(c->fd, name, err);
	if (c->in == NULL)
		goto failed;
	c->hash = XXH3_createState();
	XXH3_128bits_reset(c->hash);
	return CHECK_MORE;
failed:
	saved = errno;
	close(c->fd);
	errno = saved;
	return errno == 0 ? CHECK_REFUSED : CHECK_FAILED;
}

/* A name as it was before gzip added its own to it. */
static size_t
check_name_length(const char *name)
{
	size_t n = strlen(name);

	return n > 3 && strcmp(name + n - 3, ".gz") == 0 ? n - 3 : n;
}

/* It is still what it was when the reading began. */
static bool
check_is_still(const struct check *c)
{
	struct stat st;

	return fstat(c->fd, &st) == 0 && st.st_size == c->st.st_size &&
	    st.st_mtim.tv_sec == c->st.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == c->st.st_mtim.tv_nsec;
}

static enum check_result
check_is_over(struct check *c, const char *name)
{
	XXH128_hash_t hash;

	XXH3_128bits_update(c->hash, "", 1);
	XXH3_128bits_update(c->hash, name, check_name_length(name));
	hash = XXH3_128bits_digest(c->hash);
	c->digest = (struct digest){{hash.high64, hash.low64}};
	return check_is_still(c) ? CHECK_DONE : CHECK_GROWS;
}

enum check_result
check_some(struct check *c, const char *name, struct err *err)
{
	static char buf[STAGE_TURN_BYTES];
	ssize_t n = input_read(c->in, buf, sizeof(buf), err);

	if (n == INPUT_DAMAGED)
		return check_is_still(c) ? CHECK_REFUSED : CHECK_GROWS;
	if (n < 0)
		return CHECK_FAILED;
	if (n == 0)
		return check_is_over(c, name);
	XXH3_128bits_update(c->hash, buf, (size_t)n);
	c->bytes += n;
	if (c->most > 0 && c->bytes > c->most) {
		err_set(err,
		    "longer than the %" PRId64 " bytes that a record may have",
		    c->most);
		return CHECK_REFUSED;
	}
	return CHECK_MORE;
}

void
check_end(struct check *c)
{
	if (c->in == NULL)
		return;
	input_close(c->in); /* and the descriptor */
	XXH3_freeState(c->hash);
	c->in = NULL;
}
