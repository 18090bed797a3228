/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "event/framer.h"
#include "event/stage.h"

RT_HOT bool
framer_line(struct framer *f, const char *bytes, size_t n, size_t *at,
    bool last, struct slice *record)
{
	while (*at < n) {
		const char *from = bytes + *at;
		const char *end = memchr(from, '\n', n - *at);
		size_t len = end != NULL ? (size_t)(end - from) : n - *at;

		if (end == NULL && !last) {
			if (!f->skipping && len <= STAGE_RECORD_MAX)
				return false;
			/* too long already: take it, and what follows */
			f->oversize += !f->skipping;
			f->skipping = true;
			*at = n;
			return false;
		}
		*at += len + (end != NULL);
		if (f->skipping) {
			f->skipping = false;
			continue;
		}
		if (len > STAGE_RECORD_MAX) {
			f->oversize++;
			continue;
		}
		if (len > 0 && from[len - 1] == '\r')
			len--;
		*record = (struct slice){from, len};
		return true;
	}
	if (last)
		f->skipping = false;
	return false;
}
