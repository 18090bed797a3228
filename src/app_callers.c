/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys under which callers are known: the present one, and the former. */
#include "base/base.h"
#include "app.h"

bool
app_hash_caller(void *ctx, struct slice number, uint8_t hash[CALL_CALLER_BYTES])
{
	const struct app_switch *sw = ctx;

	return caller_hash(
	    hash, sw->app->key.bytes, number, sw->app->conf->country_code);
}

bool
app_hash_before(void *ctx, struct slice number, uint8_t hash[CALL_CALLER_BYTES])
{
	const struct app_switch *sw = ctx;

	return caller_hash(
	    hash, sw->app->old_key.bytes, number, sw->app->conf->country_code);
}

static bool
app_keeps_callers(const struct conf *conf)
{
	return conf->caller_key_file != NULL &&
	    conf->database.keep_visits_days > 0;
}

/*
 * Both keys; *old: there is a former one. One that is named and not there is a
 * mistake. The former one must not be made by us, and is opened first: where it
 * is missing, no new key is left behind.
 */
static int
app_open_keys(const struct conf *conf, bool make, struct caller_key *key,
    struct caller_key *old_key, bool *old, struct err *err)
{
	const char *path = conf->caller_key_old_file;
	int rc;

	*old = path != NULL;
	if (*old) {
		rc = caller_key_load(old_key, path, err);
		if (rc == 1)
			return err_set(
			    err, "caller_key_old_file %s: there is none", path);
		if (rc < 0)
			return err_prefix(err, "caller_key_old_file");
	}
	if (make)
		return caller_key_open(key, conf->caller_key_file, err);
	rc = caller_key_load(key, conf->caller_key_file, err);
	return rc < 0 ? -1 : 0;
}

int
app_check_callers(const struct conf *conf, bool make, struct err *err)
{
	struct caller_key key, old_key;
	bool old;
	int rc;

	if (!app_keeps_callers(conf))
		return 0;
	rc = app_open_keys(conf, make, &key, &old_key, &old, err);
	caller_key_wipe(&key);
	caller_key_wipe(&old_key);
	return rc;
}

/* Where no visits are kept the key lives as long as we, and is not written. */
int
app_know_callers(struct app *app, struct err *err)
{
	app->has_key = app->keeps_key = app_keeps_callers(app->conf);
	if (app->has_key) {
		if (app_open_keys(app->conf, true, &app->key, &app->old_key,
			&app->has_old_key, err) < 0)
			return -1;
		caller_key_mark(&app->key, app->key_mark);
		caller_key_mark(&app->old_key, app->old_key_mark);
		return 0;
	}
	if (app->once || app->conf->caller_key_file == NULL)
		return 0;
	caller_key_make(&app->key);
	app->has_key = true;
	return 0;
}
