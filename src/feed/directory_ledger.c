/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <fcntl.h>

#include "base/strbuf.h"
#include "base/table.h"
#include "feed/directory_ledger.h"

#define LEDGER_NAME	 "ledger"
#define LEDGER_NEW	 "ledger.new"
#define LEDGER_NAME_SHOW 200 /* bytes of a file's name, for people */

struct ledger_entry {
	UT_hash_handle hh; /* in the order in which they were added last */
	struct digest digest;
	uint32_t no;
};

struct ledger {
	int folder, fd;
	size_t remember;
	size_t lines; /* in the file */
	struct ledger_entry *entries;
	uint32_t last;
	int64_t size; /* of the file: whole lines */
	bool dirty;
};

static void
ledger_forget(struct ledger *l, struct ledger_entry *e)
{
	HASH_DEL(l->entries, e);
	free(e);
}

/* Becomes the newest, and the oldest goes if there are too many. */
static void
ledger_note(struct ledger *l, uint32_t no, const struct digest *digest)
{
	struct ledger_entry *e;

	HASH_FIND(hh, l->entries, digest, sizeof(*digest), e);
	if (e != NULL)
		HASH_DEL(l->entries, e);
	else
		e = mem_zalloc(sizeof(*e));
	e->digest = *digest;
	e->no = no;
	HASH_ADD(hh, l->entries, digest, sizeof(e->digest), e);
	l->last = RT_MAX(l->last, no);
	while (HASH_COUNT(l->entries) > l->remember)
		ledger_forget(l, l->entries);
}

/* One line without its end. False: it is none of ours. */
static bool
ledger_read_line(struct ledger *l, const char *line)
{
	struct digest digest;
	unsigned no;

	if (sscanf(line, "%10u %16" SCNx64 "%16" SCNx64 " ", &no, &digest.v[0],
		&digest.v[1]) != 3 ||
	    no == 0)
		return false;
	ledger_note(l, no, &digest);
	return true;
}

static int
ledger_read_all(int fd, struct strbuf *to)
{
	ssize_t n;

	do {
		n = read(fd, strbuf_reserve(to, 65536), 65536);
		if (n > 0)
			strbuf_added(to, (size_t)n);
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -1 : 0;
}

/* What stands behind the last line end was cut off by a crash. */
static int
ledger_load(struct ledger *l, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	char *line, *end;
	int rc = -1;

	if (ledger_read_all(l->fd, &text) < 0) {
		err_sys(err, "reading the ledger");
		goto out;
	}
	strbuf_str(&text);
	for (line = text.p; line != NULL &&
	     (end = memchr(line, '\n', text.n - (size_t)(line - text.p)));
	     line = end + 1) {
		*end = '\0';
		l->lines += ledger_read_line(l, line);
		l->size = end + 1 - text.p;
	}
	if ((size_t)l->size < text.n && ftruncate(l->fd, l->size) < 0) {
		err_sys(err, "mending the ledger");
		goto out;
	}
	rc = 0;
out:
	strbuf_fini(&text);
	return rc;
}

struct ledger *
ledger_open(int folder, size_t remember, struct err *err)
{
	struct ledger *l;
	int fd, saved;

	fd = openat(folder, LEDGER_NAME,
	    O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0) {
		err_sys(err, "the ledger");
		return NULL;
	}
	l = mem_zalloc(sizeof(*l));
	l->folder = folder;
	l->fd = fd;
	l->remember = RT_MAX(remember, (size_t)1);
	if (ledger_load(l, err) < 0) {
		saved = errno;
		ledger_close(l);
		errno = saved;
		return NULL;
	}
	return l;
}

void
ledger_close(struct ledger *l)
{
	if (l == NULL)
		return;
	while (l->entries != NULL)
		ledger_forget(l, l->entries);
	close(l->fd);
	free(l);
}

uint32_t
ledger_find(const struct ledger *l, const struct digest *digest)
{
	struct ledger_entry *e;

	HASH_FIND(hh, l->entries, digest, sizeof(*digest), e);
	return e != NULL ? e->no : 0;
}

uint32_t
ledger_last(const struct ledger *l)
{
	return l->last;
}

static void
ledger_line(struct strbuf *to, uint32_t no, const struct digest *digest,
    const char *name)
{
	strbuf_addf(to, "%08" PRIu32 " %016" PRIx64 "%016" PRIx64 " ", no,
	    digest->v[0], digest->v[1]);
	strbuf_add_escaped(to, slice_of(name), LEDGER_NAME_SHOW);
	strbuf_addc(to, '\n');
}

static int
ledger_write(int fd, const struct strbuf *text)
{
	size_t done = 0;
	ssize_t n;

	while (done < text->n) {
		n = write(fd, text->p + done, text->n - done);
		if (n < 0 && errno != EINTR)
			return -1;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/*
 * The file with the remembered lines only; names are for people, and those of
 * old lines are not kept. The old one stays where this can not be done.
 */
static void
ledger_shorten(struct ledger *l)
{
	struct strbuf text = STRBUF_INIT;
	struct ledger_entry *e;
	int fd;

	fd = openat(l->folder, LEDGER_NEW,
	    O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
	    0640);
	if (fd < 0)
		return;
	for (e = l->entries; e != NULL; e = e->hh.next)
		ledger_line(&text, e->no, &e->digest, "");
	if (ledger_write(fd, &text) == 0 && fdatasync(fd) == 0 &&
	    renameat(l->folder, LEDGER_NEW, l->folder, LEDGER_NAME) == 0) {
		close(l->fd);
		l->fd = fd;
		l->lines = HASH_COUNT(l->entries);
		l->size = (int64_t)text.n;
		fsync(l->folder);
		l->dirty = false;
	} else {
		close(fd);
	}
	strbuf_fini(&text);
}

int
ledger_add(struct ledger *l, uint32_t no, const struct digest *digest,
    const char *name, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	int rc, saved;

	ledger_line(&text, no, digest, name);
	rc = ledger_write(l->fd, &text);
	if (rc < 0) {
		err_sys(err, "writing the ledger");
		saved = errno;
		/* half a line must not stand before the next one */
		if (ftruncate(l->fd, l->size) < 0)
			err_sys(err, "mending the ledger");
		errno = saved;
	} else {
		l->size += (int64_t)text.n;
		l->lines++;
		l->dirty = true;
		ledger_note(l, no, digest);
		if (l->lines > 2 * l->remember)
			ledger_shorten(l);
	}
	strbuf_fini(&text);
	return rc;
}

int
ledger_sync(struct ledger *l, struct err *err)
{
	if (!l->dirty)
		return 0;
	if (fdatasync(l->fd) < 0)
		return err_sys(err, "writing the ledger to the disk");
	l->dirty = false;
	return 0;
}
