/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"

#include <dirent.h>
#include <fcntl.h>
#include <libconfig.h>
#include <sys/stat.h>

#include "base/strbuf.h"
#include "conf_file.h"
#include "conf_scan.h"

#define CONF_FILE_MAX (16 * 1024 * 1024) /* bytes */
/* what may stand in the name of a setting */
#define CONF_FILE_NAME \
	"-_*0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

void
conf_file_place(
    const struct conf_file *files, const config_setting_t *s, struct strbuf *to)
{
	unsigned line = config_setting_source_line(s);

	while (files->config != s->config)
		files = files->next;
	/* the root has no line of its own */
	strbuf_addf(to, "%s:%u", files->path, line > 0 ? line : 1);
}

/* The bytes of an open file that is a regular one. */
static int
conf_file_read_fd(
    int fd, const char *path, struct strbuf *text, struct err *err)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return err_sys(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, "%s: is not a regular file", path);
	strbuf_adds(text, ""); /* terminated, even if nothing follows */
	while ((n = read(fd, strbuf_reserve(text, 4096), 4096)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "%s", path);
		strbuf_added(text, (size_t)n);
		if (text->n > CONF_FILE_MAX)
			return err_set(err, "%s: is longer than %d bytes", path,
			    CONF_FILE_MAX);
	}
	return 0;
}

static int
conf_file_read(const char *path, struct strbuf *text, struct err *err)
{
	/* a FIFO must not make us wait until we know what it is */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int rc;

	if (fd < 0)
		return err_sys(err, "%s", path);
	rc = conf_file_read_fd(fd, path, text, err);
	close(fd);
	return rc;
}

static int
conf_file_check_text(
    const char *path, const struct strbuf *text, struct err *err)
{
	const char *p = strbuf_str(text);
	size_t i, n = strlen(p);
	int line = 1;

	if (n < text->n) {
		for (i = 0; i < n; i++)
			line += p[i] == '\n';
		return err_set(err, "%s:%d: a NUL byte", path, line);
	}
	line = conf_scan_numbers(p);
	if (line > 0)
		return err_set(
		    err, "%s:%d: a number that is too large", path, line);
	return 0;
}

/* Where a line begins. */
static const char *
conf_file_line(const char *text, int line)
{
	while (line-- > 1 && strchr(text, '\n') != NULL)
		text = strchr(text, '\n') + 1;
	return text;
}

/* The setting of that name in what was being read: the innermost group's. */
static const config_setting_t *
conf_file_set(const config_setting_t *s, const char *name)
{
	const config_setting_t *inner = NULL;
	int n = config_setting_length(s);

	if (n > 0)
		inner = conf_file_set(
		    config_setting_get_elem(s, (unsigned)n - 1), name);
	if (inner == NULL && config_setting_is_group(s))
		inner = config_setting_get_member(s, name);
	return inner;
}

/*
 * libconfig stops at the second setting of a name and tells neither the name
 * nor the first place. Of the names in that line it is the first that was set
 * in a line before, or before in the line. NULL: it is not to be found.
 */
static const config_setting_t *
conf_file_set_twice(const struct conf_file *file, const char *text, int line)
{
	const config_setting_t *seen[32], *s;
	const char *p = conf_file_line(text, line);
	char name[64];
	size_t n, i, n_seen = 0;

	for (; *p != '\0' && *p != '\n'; p += RT_MAX(n, (size_t)1)) {
		n = strspn(p, CONF_FILE_NAME);
		if (n == 0 || n >= sizeof(name) ||
		    strchr("=:", p[n + strspn(p + n, " \t")]) == NULL)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)n, p);
		s = conf_file_set(config_root_setting(file->config), name);
		if (s == NULL)
			continue;
		for (i = 0; i < n_seen && seen[i] != s; i++)
			continue;
		if (i < n_seen || (int)config_setting_source_line(s) < line)
			return s;
		if (n_seen < RT_COUNT(seen))
			seen[n_seen++] = s;
	}
	return NULL;
}

static int
conf_file_refuse(struct conf_file *file, const char *text, struct err *err)
{
	const char *why = config_error_text(file->config);
	int line = config_error_line(file->config);
	const config_setting_t *twice = NULL;

	if (why != NULL && strcmp(why, "cannot open include file") == 0)
		why = "@include is not for this file: put what you would "
		      "include into conf.d/NAME.conf beside ringtally.conf";
	if (why != NULL && strcmp(why, "duplicate setting name") == 0)
		twice = conf_file_set_twice(file, text, line);
	if (twice != NULL)
		return err_set(err, "%s:%d: %s is set already at %s:%u",
		    file->path, line, config_setting_name(twice), file->path,
		    config_setting_source_line(twice));
	return err_set(err, "%s:%d: %s", file->path, line > 0 ? line : 1,
	    why != NULL ? why : "syntax error");
}

/* Reads and parses one file and puts it at the end of the list. */
static int
conf_file_open(struct conf_file **files, const char *path, struct err *err)
{
	struct strbuf text = STRBUF_INIT;
	struct conf_file *file;
	int rc = -1;

	if (conf_file_read(path, &text, err) < 0 ||
	    conf_file_check_text(path, &text, err) < 0)
		goto out;
	while (*files != NULL)
		files = &(*files)->next;
	*files = file = mem_zalloc(sizeof(*file));
	file->path = mem_strdup(path);
	file->config = mem_zalloc(sizeof(*file->config));
	config_init(file->config);
	/* a directory that can not be: every @include fails, see the header */
	config_set_include_dir(file->config, "/dev/null");
	if (!conf_scan_blank(strbuf_str(&text)) &&
	    !config_read_string(file->config, strbuf_str(&text))) {
		conf_file_refuse(file, strbuf_str(&text), err);
		goto out;
	}
	rc = 0;
out:
	strbuf_fini(&text);
	return rc;
}

static int
conf_file_is_part(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return entry->d_name[0] != '.' && n > 5 &&
	    strcmp(entry->d_name + n - 5, ".conf") == 0;
}

/* Not alphasort(3): the order must not change with the locale. */
static int
conf_file_compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
conf_files_open_parts(
    struct conf_file **files, const char *directory, struct err *err)
{
	struct strbuf path = STRBUF_INIT;
	struct dirent **names = NULL;
	int i, n, rc = 0;

	n = scandir(directory, &names, conf_file_is_part, conf_file_compare);
	if (n < 0 && errno == ENOENT)
		return 0;
	if (n < 0)
		return err_sys(err, "%s", directory);
	if (n >= CONF_FILES_MAX)
		rc = err_set(err, "%s: %d files; %d are the most", directory, n,
		    CONF_FILES_MAX - 1);
	for (i = 0; i < n; i++) {
		strbuf_reset(&path);
		strbuf_addf(&path, "%s/%s", directory, names[i]->d_name);
		if (rc == 0)
			rc = conf_file_open(files, path.p, err);
		free(names[i]);
	}
	free(names);
	strbuf_fini(&path);
	return rc;
}

int
conf_files_open(struct conf_file **files, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	struct strbuf directory = STRBUF_INIT;
	int rc;

	*files = NULL;
	if (slash != NULL)
		strbuf_add(&directory, path, (size_t)(slash - path) + 1);
	strbuf_adds(&directory, "conf.d");
	rc = conf_file_open(files, path, err);
	if (rc == 0)
		rc = conf_files_open_parts(files, directory.p, err);
	strbuf_fini(&directory);
	if (rc < 0) {
		conf_files_close(*files);
		*files = NULL;
	}
	return rc;
}

void
conf_files_close(struct conf_file *files)
{
	struct conf_file *next;

	for (; files != NULL; files = next) {
		next = files->next;
		config_destroy(files->config);
		free(files->config);
		free(files->path);
		free(files);
	}
}
