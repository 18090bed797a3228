/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base.h"
#include "serve/health.h"
#include "serve/json.h"

static bool
health_database(const struct view *view, struct strbuf *to)
{
	struct view_database db = {0};
	bool ok;

	view_database(view, &db);
	ok = strcmp(db.state, "ready") == 0;
	json_put_object(to, "database");
	json_put_bool(to, "ok", ok);
	json_put_string(to, "state", db.state);
	json_put_string(to, "text", db.text);
	json_end_object(to);
	return ok;
}

static bool
health_feed(
    const struct view *view, size_t i, int64_t now_us, struct strbuf *to)
{
	const struct view_feed *feed = view_feed(view, i);
	struct view_feed_now now;

	view_feed_now(view, i, now_us, &now);
	json_put_object(to, NULL);
	json_put_string(to, "feed", feed->name);
	json_put_bool(to, "ok", !now.stale);
	json_put_string(to, "state", view_feed_state_name(now.state));
	json_put_string(to, "why", now.why);
	view_feed_skew_write(to, &now);
	json_end_object(to);
	return !now.stale;
}

bool
health_render(struct view *view, int64_t now_us, struct strbuf *to)
{
	struct strbuf parts = STRBUF_INIT;
	bool ready;
	size_t i;

	json_put_object(&parts, NULL);
	ready = health_database(view, &parts);
	json_put_array(&parts, "feeds");
	for (i = 0; i < view_feeds(view); i++)
		ready &= health_feed(view, i, now_us, &parts);
	json_end_array(&parts);
	json_end_object(&parts);
	/* first what it comes down to, then why */
	strbuf_addf(to, "{\"ready\":%s,", ready ? "true" : "false");
	strbuf_add(to, parts.p + 1, parts.n - 1);
	strbuf_addc(to, '\n');
	strbuf_fini(&parts);
	return ready;
}
