/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records that a switch, or a script beside it, posts to the daemon's own HTTP
 * server, at /ingest/NAME. (The server itself: src/serve/http_post.c.)
 *
 * A 2xx answer is a promise: all that was in the body is on the disk. So the
 * request waits for the spool's next sync, together with all others that came
 * meanwhile. Whatever else is answered, the sender has to send it again; what
 * of it was taken already is known again by the record's key.
 */
#include "base/base.h"

#include <sys/queue.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/tokens.h"
#include "event/framer.h"
#include "feed/ingest.h"
#include "feed/spooled.h"

#define HTTP_TOKENS_US USEC_PER_SEC /* between two looks at the token file */

struct http_options {
	struct spooled_options spool; /* first */
	char *token_file;	      /* NULL: only this machine may post */
};

/* One who waits until what he sent is durable. */
struct http_waiting {
	TAILQ_ENTRY(http_waiting) list; /* in the order of their numbers */
	void (*reply)(void *request, int status, const char *text);
	void *request;
	uint64_t number; /* of his last record */
	size_t records;
};

struct http_feed {
	struct spooled *spooled;
	struct ingest *ingest;
	const char *name;
	const char *token_file;
	enum framing framing;
	uint32_t source;
	bool held; /* the spool is full */
	struct tokens tokens;
	struct stat tokens_stat; /* of the file that they were read from */
	int64_t tokens_us;	 /* when it was looked at last */
	TAILQ_HEAD(, http_waiting) waiting;
	struct log_limit limit, tokens_limit;
};

/* --- who may ------------------------------------------------------------- */

/*
 * The file is read when it is another one or was written since, so that a
 * token can be replaced without closing the feed.
 */
static void
http_look_at_tokens(struct http_feed *feed)
{
	const struct stat *was = &feed->tokens_stat;
	int64_t now_us = clock_mono_us();
	struct tokens tokens;
	struct stat st;
	struct err err;
	bool kept;

	if (now_us - feed->tokens_us < HTTP_TOKENS_US)
		return;
	feed->tokens_us = now_us;
	if (stat(feed->token_file, &st) == 0 && st.st_ino == was->st_ino &&
	    st.st_dev == was->st_dev && st.st_size == was->st_size &&
	    st.st_mtim.tv_sec == was->st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == was->st_mtim.tv_nsec)
		return;
	if (tokens_load_kept(&tokens, feed->token_file, &kept, &err) < 0 ||
	    kept) {
		log_limited(&feed->tokens_limit, LOG_LEVEL_ERROR,
		    "feed %s: %s; they stay as they were", feed->name,
		    err.text);
		return;
	}
	feed->tokens = tokens;
	feed->tokens_stat = st;
	log_note("feed %s: tokens read again", feed->name);
}

static int
http_load_tokens(struct http_feed *feed, struct err *err)
{
	bool kept = false;

	if (feed->token_file == NULL)
		return 0;
	feed->tokens_us = clock_mono_us();
	/* before: what is written between the two is seen later */
	if (stat(feed->token_file, &feed->tokens_stat) < 0)
		feed->tokens_stat = (struct stat){0};
	if (tokens_load_kept(&feed->tokens, feed->token_file, &kept, err) < 0)
		return err_prefix(err, "token_file");
	if (kept)
		log_error("feed %s: %s; they stay as they were", feed->name,
		    err->text);
	return 0;
}

/* The status to refuse him with, and why; 0: he may. */
static int
http_refuse(void *ctx, const struct ingest_post *post, const char **why)
{
	struct http_feed *feed = ctx;

	if (feed->token_file != NULL) {
		http_look_at_tokens(feed);
		*why = "a token of the feed's token_file is wanted: "
		       "Authorization: Bearer ...";
		return tokens_know(&feed->tokens, post->token) ? 0 : 401;
	}
	*why = "without a token_file the feed is for programs of this "
	       "machine only";
	return post->is_local ? 0 : 403;
}

/* --- what is in a body --------------------------------------------------- */

static bool
http_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice
http_trim(struct slice s)
{
	while (s.n > 0 && http_is_space(s.p[s.n - 1]))
		s.n--;
	for (; s.n > 0 && http_is_space(s.p[0]); s.n--)
		s.p++;
	return s;
}

static bool
http_is_json(const char *content_type)
{
	static const char json[] = "application/json";
	size_t n = strlen(json);

	return strncasecmp(content_type, json, n) == 0 &&
	    (content_type[n] == '\0' || content_type[n] == ';' ||
		content_type[n] == ' ');
}

/*
 * JSON that is called so is one document, on however many lines: an array, or
 * an object. But some call many objects so, one on each line: then the first
 * line is a whole one.
 */
static bool
http_is_document(const struct ingest_post *post, enum framing framing)
{
	struct slice body = http_trim(post->body), line = body;
	const char *end;

	if (framing == FRAMING_DOCUMENT)
		return true;
	if (framing != FRAMING_LINES || !http_is_json(post->content_type) ||
	    body.n == 0)
		return false;
	end = memchr(body.p, '\n', body.n);
	if (end == NULL || body.p[0] == '[')
		return true;
	line.n = (size_t)(end - body.p);
	line = http_trim(line);
	return body.p[0] == '{' && line.p[line.n - 1] != '}';
}

/* What a body is taken apart into. */
struct http_body {
	struct slice bytes;
	bool document;
	struct framer framer;
	size_t at;
};

static struct http_body
http_body_of(const struct http_feed *feed, const struct ingest_post *post)
{
	return (struct http_body){.bytes = post->body,
	    .document = http_is_document(post, feed->framing),
	    .framer = {.framing = feed->framing}};
}

/* Empty ones say nothing. */
static bool
http_body_next(struct http_body *body, struct slice *record)
{
	if (body->document) {
		*record = body->bytes;
		body->bytes.n = 0;
		return record->n > 0;
	}
	while (framer_next(&body->framer, body->bytes.p, body->bytes.n,
	    &body->at, true, record))
		if (record->n > 0)
			return true;
	return false;
}

/* Looks at all of it before the first is taken. As http_refuse. */
static int
http_check_body(struct http_feed *feed, const struct ingest_post *post,
    size_t *records, const char **why)
{
	struct http_body body = http_body_of(feed, post);
	struct slice record;
	uint64_t oversize = 0;

	*records = 0;
	while (http_body_next(&body, &record)) {
		++*records;
		oversize += record.n > STAGE_RECORD_MAX;
	}
	oversize += body.framer.oversize;
	if (oversize > 0) {
		spooled_oversize(feed->spooled, oversize);
		*why = "a record is longer than 65536 bytes; none was taken";
		return 413;
	}
	*why = "there is no record in it";
	return *records > 0 ? 0 : 400;
}

/* The number of the last one; 0: they were not all taken. */
static uint64_t
http_give(struct http_feed *feed, const struct ingest_post *post)
{
	struct http_body body = http_body_of(feed, post);
	struct slice record;
	uint64_t number = 0;

	while (http_body_next(&body, &record)) {
		number = spooled_give(feed->spooled, feed->source, record);
		if (number == 0)
			return 0;
	}
	return number;
}

/* --- posts --------------------------------------------------------------- */

static void
http_post(void *ctx, const struct ingest_post *post)
{
	struct http_feed *feed = ctx;
	struct http_waiting *waiting;
	uint64_t number = 0;
	size_t records = 0;
	const char *why;
	int status = http_refuse(feed, post, &why);

	if (status == 0)
		status = http_check_body(feed, post, &records, &why);
	if (status == 0 && !feed->held)
		number = http_give(feed, post);
	if (status == 0 && number == 0) {
		status = 503;
		why = "the spool is full: the database is away or slow";
	}
	if (status != 0) {
		log_limited(&feed->limit, LOG_LEVEL_WARN,
		    "feed %s: POST from %s refused (%d): %s", feed->name,
		    post->peer, status, why);
		post->reply(post->request, status, why);
		return;
	}
	waiting = mem_alloc(sizeof(*waiting));
	*waiting = (struct http_waiting){.reply = post->reply,
	    .request = post->request,
	    .number = number,
	    .records = records};
	TAILQ_INSERT_TAIL(&feed->waiting, waiting, list);
}

static void
http_forget(void *ctx, void *request)
{
	struct http_feed *feed = ctx;
	struct http_waiting *waiting;

	TAILQ_FOREACH (waiting, &feed->waiting, list)
		if (waiting->request == request)
			break;
	if (waiting == NULL)
		return;
	TAILQ_REMOVE(&feed->waiting, waiting, list);
	free(waiting);
}

static const struct ingest_ops http_ingest_ops = {
    .refuse = http_refuse,
    .post = http_post,
    .forget = http_forget,
};

/* Answers the first of them, who is forgotten before: he may post again. */
static void
http_answer(struct http_feed *feed, int status, const char *text)
{
	struct http_waiting *waiting = TAILQ_FIRST(&feed->waiting);

	TAILQ_REMOVE(&feed->waiting, waiting, list);
	waiting->reply(waiting->request, status, text);
	free(waiting);
}

/* --- the source ---------------------------------------------------------- */

static void
http_synced(void *self, uint64_t upto)
{
	struct http_feed *feed = self;
	struct http_waiting *waiting;
	char text[64];

	while ((waiting = TAILQ_FIRST(&feed->waiting)) != NULL &&
	    waiting->number <= upto) {
		snprintf(text, sizeof(text), "%zu record%s stored",
		    waiting->records, waiting->records == 1 ? "" : "s");
		http_answer(feed, 200, text);
	}
}

static void
http_hold(void *self, bool hold)
{
	struct http_feed *feed = self;

	feed->held = hold;
	if (hold)
		spooled_says(feed->spooled, true,
		    "refuses what is posted: the spool is full");
	else
		spooled_says(
		    feed->spooled, true, "POST to /ingest/%s", feed->name);
}

static void
http_close(void *self)
{
	struct http_feed *feed = self;

	while (!TAILQ_EMPTY(&feed->waiting))
		http_answer(feed, 503, "the feed is being closed");
	ingest_remove(feed->ingest, feed->name);
	free(feed);
}

static int
http_open_source(void **self, struct spooled *spooled,
    const struct stage_setup *setup, struct err *err)
{
	const struct http_options *options = setup->options;
	struct http_feed *feed;

	if (setup->ingest == NULL)
		return err_set(err, "nobody listens for it: see live.listen");
	feed = mem_alloc(sizeof(*feed));
	*feed = (struct http_feed){.spooled = spooled,
	    .ingest = setup->ingest,
	    .name = setup->feed,
	    .token_file = options->token_file,
	    .framing = setup->framing,
	    .source = spooled_source(spooled)};
	TAILQ_INIT(&feed->waiting);
	if (http_load_tokens(feed, err) < 0) {
		free(feed);
		return -1;
	}
	if (ingest_add(setup->ingest, feed->name, &http_ingest_ops, feed) < 0)
		BUG("two feeds %s", feed->name);
	spooled_says(spooled, true, "POST to /ingest/%s", feed->name);
	*self = feed;
	return 0;
}

static const struct source_ops http_source = {
    .open = http_open_source,
    .hold = http_hold,
    .synced = http_synced,
    .close = http_close,
};

static int
http_check_tokens(const void *value, bool files, struct err *err)
{
	const struct http_options *options = value;
	struct tokens tokens;

	if (!files || options->token_file == NULL)
		return 0;
	return tokens_load(&tokens, options->token_file, err);
}

static int
http_open(void **self, const struct stage_setup *setup, struct err *err)
{
	return spooled_open(self, setup, &http_source, err);
}

/* The answer waits for the sync, and FreeSWITCH gives up after 5 s. */
#define HTTP_SYNC_MAX_S 2

static const struct option_row http_rows[] = {
    SPOOLED_ROW_SYNC(HTTP_SYNC_MAX_S),
    SPOOLED_ROW_MB,
    SPOOLED_ROW_AGE,
    SPOOLED_ROW_FULL,
    {
	.name = "token_file",
	.group = "feeds",
	.type = OPTION_TEXT,
	.offset = offsetof(struct http_options, token_file),
	.unit = "",
	.help = "File of the tokens with which may be posted, one a line, "
		"readable by the daemon only. Without it programs of this "
		"machine may, and nobody else.",
    },
    {.name = NULL},
};

const struct stage http_stage = {
    .name = "http",
    .kind = STAGE_TRANSPORT,
    .traits = STAGE_REPLAYABLE | STAGE_SPOOLED | STAGE_REPEATS | STAGE_POSTED |
	STAGE_LATE,
    .help = "Takes what is posted to /ingest/NAME of the daemon's own HTTP "
	    "server (live.listen), NAME being the feed's. It answers with a "
	    "status of 2xx when all of the body is on the disk.",
    .options = http_rows,
    .options_size = sizeof(struct http_options),
    .check = http_check_tokens,
    .open = http_open,
    SPOOLED_CALLS,
};
