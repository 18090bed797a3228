/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spools without a feed. What was acknowledged and is not yet counted waits in
 * a folder of the feed's name. A feed that got another name or transport leaves
 * it there, and nobody would read it: that is said, at each start and reload.
 */
#include "base/base.h"

#include <dirent.h>

#include "app.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "feed/spool.h"

static bool
app_spools_is_read(const struct app *app, const char *folder)
{
	size_t i;

	for (i = 0; i < app->n_feeds; i++)
		if ((app->feeds[i].conf->transport->traits & STAGE_SPOOLED) &&
		    strcmp(app->feeds[i].spool, folder) == 0)
			return true;
	return false;
}

void
app_spools_look(const struct app *app, const char *spool_folder)
{
	DIR *dir = opendir(spool_folder);
	struct strbuf path = STRBUF_INIT;
	struct dirent *entry;

	if (dir == NULL)
		return; /* there never was a spool, or its feed will say why */
	while ((entry = readdir(dir)) != NULL) {
		uint64_t n;

		if (entry->d_name[0] == '.')
			continue;
		strbuf_reset(&path);
		strbuf_addf(&path, "%s/%s", spool_folder, entry->d_name);
		if (app_spools_is_read(app, strbuf_str(&path)))
			continue;
		n = spool_left(strbuf_str(&path));
		if (n > 0)
			log_warn(
			    "the spool %s holds %" PRIu64
			    " records that were taken in and not counted, "
			    "and no feed reads it: see ringtally-feeds(7), "
			    "Guarantees",
			    strbuf_str(&path), n);
	}
	closedir(dir);
	strbuf_fini(&path);
}
