/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "base/log.h"
#include "base/table.h"
#include "feed/spool_mark.h"

#define DROPPED_AT 64 /* in the file, behind the mark */

_Static_assert(sizeof(struct spool_mark) == 40, "no padding, as on disk");
_Static_assert(sizeof(struct spool_dropped) == 104, "no padding, as on disk");

static uint64_t
mark_sum(const struct spool_mark *mark)
{
	return XXH3_64bits(mark, offsetof(struct spool_mark, sum));
}

void
mark_read(struct spool_mark *mark, int fd, uint64_t id)
{
	ssize_t got = pread(fd, mark, sizeof(*mark), 0);

	if (got != (ssize_t)sizeof(*mark) || mark->sum != mark_sum(mark) ||
	    mark->id != id)
		*mark = (struct spool_mark){0};
}

void
mark_write(struct spool_mark *mark, int fd, const struct position *position)
{
	struct spool_mark now = {.id = position->head_hash,
	    .no = position->file_no,
	    .at = position->offset,
	    .number = position->generation};

	now.sum = mark_sum(&now);
	if (memcmp(mark, &now, sizeof(now)) == 0)
		return;
	*mark = now;
	/* an older one, or none, is a mark, too */
	if (pwrite(fd, &now, sizeof(now), 0) != (ssize_t)sizeof(now))
		log_debug("%s: its mark can not be written: %s", position->path,
		    strerror(errno));
}

static uint64_t
dropped_sum(const struct spool_dropped *dropped)
{
	return XXH3_64bits(dropped, offsetof(struct spool_dropped, sum));
}

void
dropped_read(struct spool_dropped *dropped, int fd, uint64_t id)
{
	ssize_t got = pread(fd, dropped, sizeof(*dropped), DROPPED_AT);

	if (got != (ssize_t)sizeof(*dropped) || dropped->id != id ||
	    dropped->sum != dropped_sum(dropped))
		*dropped = (struct spool_dropped){0};
	dropped->why[sizeof(dropped->why) - 1] = '\0';
}

void
dropped_write(struct spool_dropped *dropped, int fd)
{
	dropped->sum = dropped_sum(dropped);
	/* without it the gap in the numbers still tells that they are lost */
	if (pwrite(fd, dropped, sizeof(*dropped), DROPPED_AT) !=
	    (ssize_t)sizeof(*dropped))
		log_debug("what a spool has dropped can not be noted: %s",
		    strerror(errno));
}
