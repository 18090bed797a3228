/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport http without its server and its spool: what of a body is a
 * record, when a post is answered, and who has to be answered nothing.
 */
#include "base/base.h"

#include <setjmp.h>
#include <cmocka.h>

#include "event/stage.h"
#include "feed/ingest.h"
#include "feed/spooled.h"
#include "feed/transports.h"

#define RECORDS_MAX 16

/* --- a spool that only notes --------------------------------------------- */

struct spooled {
	const struct source_ops *ops;
	void *source;
	char *records[RECORDS_MAX];
	size_t n;
	size_t room; /* records that it still takes */
	uint64_t oversize;
};

static struct spooled spooled;

int
spooled_check_age(const void *value RT_UNUSED, struct err *err RT_UNUSED)
{
	return 0;
}

const char *const spooled_when_full[] = {"wait", NULL};

int
spooled_open(void **self, const struct stage_setup *setup,
    const struct source_ops *source, struct err *err)
{
	spooled = (struct spooled){.ops = source, .room = RECORDS_MAX};
	*self = &spooled;
	return source->open(&spooled.source, &spooled, setup, err);
}

void
spooled_stop(void *self)
{
	(void)self;
}

void
spooled_close(void *self, const char *reason)
{
	size_t i;

	(void)self;
	(void)reason;
	spooled.ops->close(spooled.source);
	for (i = 0; i < spooled.n; i++)
		free(spooled.records[i]);
}

uint64_t
spooled_give(struct spooled *s, uint32_t source, struct slice bytes)
{
	(void)source;
	if (s->room == 0) {
		s->ops->hold(s->source, true);
		return 0;
	}
	s->room--;
	s->records[s->n] = mem_alloc(bytes.n + 1);
	memcpy(s->records[s->n], bytes.p, bytes.n);
	s->records[s->n][bytes.n] = '\0';
	return ++s->n;
}

uint32_t
spooled_source(struct spooled *s)
{
	(void)s;
	return 1;
}

void
spooled_says(struct spooled *s, bool connected, const char *fmt, ...)
{
	(void)s;
	(void)connected;
	(void)fmt;
}

void
spooled_oversize(struct spooled *s, uint64_t n)
{
	s->oversize += n;
}

void
spooled_mark(
    struct spooled *s, uint32_t source, enum record_kind kind, const char *text)
{
	(void)s;
	(void)source;
	(void)kind;
	(void)text;
}

void
spooled_finished(struct spooled *s)
{
	(void)s;
}

void
spooled_pause(void *self, bool paused)
{
	(void)self;
	(void)paused;
}

void
spooled_resume(void *self RT_UNUSED, const struct position *from RT_UNUSED)
{
	fail();
}

void
spooled_shed(void *self RT_UNUSED)
{
	fail();
}

void
spooled_disown(void *self RT_UNUSED, const char *reason RT_UNUSED)
{
	fail();
}

void
spooled_position(void *self, struct position *position)
{
	(void)self;
	(void)position;
}

void
spooled_committed(void *self, const struct position *position)
{
	(void)self;
	(void)position;
}

void
spooled_status(void *self, struct stage_status *status)
{
	(void)self;
	(void)status;
}

/* --- a server that only notes -------------------------------------------- */

/* One who posts: the status that he got, 0: none yet. */
struct poster {
	int status;
	char text[100];
};

static struct ingest *ingest;
static void *feed;

static void
noted(void *request, int status, const char *text)
{
	struct poster *poster = request;

	assert_int_equal(poster->status, 0); /* once */
	poster->status = status;
	snprintf(poster->text, sizeof(poster->text), "%s", text);
}

static int
begin_with(enum framing framing)
{
	struct option_row const *rows = http_stage.options;
	struct stage_setup setup = {.feed = "posted", .framing = framing};
	void *options = mem_zalloc(http_stage.options_size);
	struct err err;
	int rc;

	option_set_presets(rows, NULL, options);
	setup.options = options;
	ingest = setup.ingest = ingest_new();
	rc = http_stage.open(&feed, &setup, &err);
	option_free(rows, NULL, options);
	free(options);
	assert_int_equal(rc, 0);
	return 0;
}

static int
begin(void **state)
{
	(void)state;
	return begin_with(FRAMING_LINES);
}

static int
begin_documents(void **state)
{
	(void)state;
	return begin_with(FRAMING_DOCUMENT);
}

static int
end(void **state)
{
	(void)state;
	http_stage.close(feed, "the test is over");
	assert_null(ingest_find(ingest, "posted", &(void *){NULL}));
	ingest_free(ingest);
	return 0;
}

static struct poster
post_begin(void)
{
	return (struct poster){.status = 0};
}

static void
post_as(struct poster *poster, struct slice body, const char *type)
{
	struct ingest_post post = {.body = body,
	    .content_type = type,
	    .peer = "192.0.2.1",
	    .is_local = true,
	    .reply = noted,
	    .request = poster};
	const struct ingest_ops *ops;
	void *ctx;

	ops = ingest_find(ingest, "posted", &ctx);
	assert_non_null(ops);
	*poster = post_begin();
	ops->post(ctx, &post);
}

static void
post(struct poster *poster, const char *body)
{
	post_as(poster, slice_of(body), "");
}

/* How many records it was, all of which are stored. */
static size_t
records_of(const char *body, const char *type)
{
	struct poster poster;
	size_t before = spooled.n;

	post_as(&poster, slice_of(body), type);
	assert_int_equal(poster.status, 0);
	spooled.ops->synced(spooled.source, spooled.n);
	assert_int_equal(poster.status, 200);
	return spooled.n - before;
}

/* --- the tests ----------------------------------------------------------- */

static void
test_lines(void **state)
{
	(void)state;
	assert_int_equal(records_of("a\nb\r\n\n\r\nc", "text/plain"), 3);
	assert_string_equal(spooled.records[0], "a");
	assert_string_equal(spooled.records[1], "b");
	assert_string_equal(spooled.records[2], "c");
}

/* JSON that is called so is a document, unless each line is one. */
static void
test_json(void **state)
{
	static const char json[] = "application/json";
	static const char lines[] = "{\"a\":1}\n{\"a\":2}\n";

	(void)state;
	assert_int_equal(records_of("[\n{},\n{}\n]\n", json), 1);
	assert_string_equal(spooled.records[0], "[\n{},\n{}\n]\n");
	assert_int_equal(records_of("{\n\t\"a\": 1\n}", json), 1);
	assert_int_equal(records_of(lines, json), 2);
	assert_int_equal(records_of(lines, "application/json; charset=x"), 2);
	assert_int_equal(records_of("[\n{},\n{}\n]\n", "text/plain"), 4);
	assert_int_equal(records_of("[\n1\n]", "application/jsonx"), 3);
}

static void
test_document(void **state)
{
	static const char body[] = "\r\n<cdr>\n\n</cdr>\n";

	(void)state;
	assert_int_equal(records_of(body, "text/xml"), 1);
	assert_string_equal(spooled.records[0], body);
}

/* A body is taken as a whole, or refused as one. */
static void
test_refused(void **state)
{
	size_t n = STAGE_RECORD_MAX + 3;
	char *body = mem_alloc(n);
	struct poster poster;

	(void)state;
	memset(body, 'x', n);
	body[1] = '\n'; /* and a line of n - 2 */
	post_as(&poster, (struct slice){body, n}, "");
	assert_int_equal(poster.status, 413);
	assert_int_equal(spooled.oversize, 1);
	post_as(&poster, (struct slice){body, n - 1}, "");
	assert_int_equal(poster.status, 0);
	spooled.ops->synced(spooled.source, 2);
	assert_int_equal(poster.status, 200);
	assert_int_equal(spooled.n, 2);
	free(body);
	post(&poster, "\r\n\n");
	assert_int_equal(poster.status, 400);
	post(&poster, "");
	assert_int_equal(poster.status, 400);
	assert_int_equal(spooled.n, 2);
}

/* Nobody is answered before his last record is durable. */
static void
test_synced(void **state)
{
	struct poster a, b, c;

	(void)state;
	post(&a, "1");
	post(&b, "2\n3");
	post(&c, "4");
	spooled.ops->synced(spooled.source, 2);
	assert_int_equal(a.status, 200);
	assert_string_equal(a.text, "1 record stored");
	assert_int_equal(b.status, 0);
	spooled.ops->synced(spooled.source, 3);
	assert_int_equal(b.status, 200);
	assert_string_equal(b.text, "2 records stored");
	assert_int_equal(c.status, 0);
	spooled.ops->synced(spooled.source, 4);
	assert_int_equal(c.status, 200);
}

static void
test_full(void **state)
{
	struct poster poster;

	(void)state;
	spooled.room = 1;
	post(&poster, "1\n2");
	assert_int_equal(poster.status, 503);
	assert_int_equal(spooled.n, 1);
	spooled.room = 5;
	post(&poster, "3"); /* held: it is not even tried */
	assert_int_equal(poster.status, 503);
	assert_int_equal(spooled.n, 1);
	spooled.ops->hold(spooled.source, false);
	assert_int_equal(records_of("1\n2", ""), 2);
}

/* Who is gone is not answered; at the end all others are. */
static void
test_forget(void **state)
{
	struct poster gone, stays;
	const struct ingest_ops *ops;
	void *ctx;

	(void)state;
	post(&gone, "1");
	post(&stays, "2");
	ops = ingest_find(ingest, "posted", &ctx);
	ops->forget(ctx, &gone);
	ops->forget(ctx, &gone); /* nobody knows him */
	spooled.ops->synced(spooled.source, 2);
	assert_int_equal(gone.status, 0);
	assert_int_equal(stays.status, 200);
	post(&gone, "3");
	post(&stays, "4");
	ops->forget(ctx, &gone);
	http_stage.close(feed, "here");
	assert_int_equal(gone.status, 0);
	assert_int_equal(stays.status, 503);
	ingest_free(ingest);
	begin(NULL);
}

static void
test_registry(void **state)
{
	static const struct ingest_ops ops;
	struct ingest *some = ingest_new();
	void *ctx = NULL;

	(void)state;
	assert_null(ingest_find(some, "a", &ctx));
	assert_int_equal(ingest_add(some, "a", &ops, &ctx), 0);
	assert_int_equal(ingest_add(some, "b", &ops, NULL), 0);
	assert_int_equal(ingest_add(some, "a", &ops, NULL), -1);
	assert_ptr_equal(ingest_find(some, "a", &ctx), &ops);
	assert_ptr_equal(ctx, &ctx);
	ingest_remove(some, "a");
	ingest_remove(some, "a");
	assert_null(ingest_find(some, "a", &ctx));
	ingest_remove(some, "b");
	assert_false(ingest_is_expected(some, "a"));
	ingest_expect(some, "a");
	assert_true(ingest_is_expected(some, "a"));
	assert_int_equal(ingest_add(some, "a", &ops, &ctx), 0);
	assert_false(ingest_is_expected(some, "a"));
	ingest_remove(some, "a");
	assert_true(ingest_is_expected(some, "a"));
	ingest_free(some);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_lines, begin, end),
	    cmocka_unit_test_setup_teardown(test_json, begin, end),
	    cmocka_unit_test_setup_teardown(
		test_document, begin_documents, end),
	    cmocka_unit_test_setup_teardown(test_refused, begin, end),
	    cmocka_unit_test_setup_teardown(test_synced, begin, end),
	    cmocka_unit_test_setup_teardown(test_full, begin, end),
	    cmocka_unit_test_setup_teardown(test_forget, begin, end),
	    cmocka_unit_test(test_registry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
