/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files of the wallboard, read into memory when the daemon starts and
 * served from there: no path of a request ever reaches the file system. The
 * folder's index.html is "/", its openapi.json "/api/v1/openapi.json", any
 * other file "/NAME". Chart.js lies in a place of its own, as "/chart.js".
 */
#ifndef RT_SERVE_ASSET_H
#define RT_SERVE_ASSET_H

#include "serve/doc.h"

#define ASSET_PATH_MAX 80

struct asset {
	char path[ASSET_PATH_MAX];
	struct doc *doc;
	bool page; /* HTML */
};

struct assets {
	struct asset *v;
	size_t n;
};

/*
 * Reads what is there; what is missing or unknown is said in the log, and not
 * served. assets must be {0}, or loaded before.
 */
void
assets_load(struct assets *assets, const char *folder, const char *chart_js);
const struct asset *assets_find(const struct assets *assets, const char *path);
void assets_fini(struct assets *assets);

#endif
