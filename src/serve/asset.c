/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "serve/asset.h"

#define ASSET_FILES_MAX 64
#define ASSET_BYTES_MAX (4 << 20)

static const struct asset_type {
	const char *suffix, *type;
} asset_types[] = {
    {".css", "text/css; charset=utf-8"},
    {".html", "text/html; charset=utf-8"},
    {".ico", "image/x-icon"},
    {".js", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".png", "image/png"},
    {".svg", "image/svg+xml"},
    {".webmanifest", "application/manifest+json"},
    {".woff2", "font/woff2"},
};

static const char *
asset_type(const char *name)
{
	const char *dot = strrchr(name, '.');
	size_t i;

	for (i = 0; dot != NULL && i < RT_COUNT(asset_types); i++)
		if (strcmp(dot, asset_types[i].suffix) == 0)
			return asset_types[i].type;
	return NULL;
}

static int
asset_read_fd(int fd, struct strbuf *to, struct err *err)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "fstat");
	if (!S_ISREG(st.st_mode) || st.st_size > ASSET_BYTES_MAX)
		return err_set(
		    err, "no file of at most %d bytes", ASSET_BYTES_MAX);
	while (to->n < ASSET_BYTES_MAX) {
		char *room = strbuf_reserve(to, 65536);

		n = read(fd, room, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "read");
		if (n == 0)
			return 0;
		strbuf_added(to, (size_t)n);
	}
	return err_set(err, "it grows");
}

static int
asset_read(const char *path, struct strbuf *to, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int rc;

	if (fd < 0)
		return err_sys(err, "%s", path);
	rc = asset_read_fd(fd, to, err);
	close(fd);
	return rc < 0 ? err_prefix(err, "%s", path) : 0;
}

static void
asset_add(struct assets *assets, const char *path, const char *type,
    struct strbuf *bytes)
{
	struct asset *asset;

	assets->v = mem_realloc(assets->v, assets->n + 1, sizeof(*assets->v));
	asset = &assets->v[assets->n++];
	*asset = (struct asset){.doc = doc_of_bytes(bytes, type),
	    .page = strncmp(type, "text/html", strlen("text/html")) == 0};
	snprintf(asset->path, sizeof(asset->path), "%s", path);
	while (!doc_gzip(asset->doc))
		;
}

static int
asset_load(
    struct assets *assets, const char *path, const char *file, struct err *err)
{
	struct strbuf bytes = STRBUF_INIT;

	if (asset_read(file, &bytes, err) < 0) {
		strbuf_fini(&bytes);
		return -1;
	}
	asset_add(assets, path, asset_type(path), &bytes);
	return 0;
}

static void
asset_load_entry(struct assets *assets, const char *folder, const char *name)
{
	bool api = strcmp(name, "openapi.json") == 0;
	char path[ASSET_PATH_MAX], file[PATH_MAX];
	struct err err;
	int n;

	if (name[0] == '.' || asset_type(name) == NULL ||
	    assets->n == ASSET_FILES_MAX)
		return;
	n = snprintf(path, sizeof(path), "%s/%s", api ? "/api/v1" : "", name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return;
	n = snprintf(file, sizeof(file), "%s/%s", folder, name);
	if (n < 0 || (size_t)n >= sizeof(file))
		return;
	if (asset_load(assets, path, file, &err) < 0)
		log_warn("not served: %s", err.text);
}

static void
asset_load_folder(struct assets *assets, const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	struct asset *index;

	if (dir == NULL) {
		log_warn("no wallboard: %s: %s", folder, strerror(errno));
		return;
	}
	while ((entry = readdir(dir)) != NULL)
		asset_load_entry(assets, folder, entry->d_name);
	closedir(dir);
	index = (struct asset *)(uintptr_t)assets_find(assets, "/index.html");
	if (index != NULL)
		snprintf(index->path, sizeof(index->path), "/");
	else
		log_warn("no wallboard: there is no index.html in %s", folder);
}

void
assets_load(struct assets *assets, const char *folder, const char *chart_js)
{
	struct err err;

	assets_fini(assets);
	asset_load_folder(assets, folder);
	if (asset_load(assets, "/chart.js", chart_js, &err) < 0)
		log_warn("the wallboard has no charts: %s (install "
			 "libjs-chart.js, or set live.chart_js)",
		    err.text);
}

const struct asset *
assets_find(const struct assets *assets, const char *path)
{
	size_t i;

	for (i = 0; i < assets->n; i++)
		if (strcmp(assets->v[i].path, path) == 0)
			return &assets->v[i];
	return NULL;
}

void
assets_fini(struct assets *assets)
{
	size_t i;

	for (i = 0; i < assets->n; i++)
		doc_put(assets->v[i].doc);
	free(assets->v);
	*assets = (struct assets){0};
}
