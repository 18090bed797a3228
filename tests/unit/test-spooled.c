/* SPDX-License-Identifier: BSD-2-Clause */
/* What pushed transports have in common: a source of the test's own. */
#include "base/base.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "event/record.h"
#include "feed/spooled.h"
#include "io/loop.h"

#define PATIENCE_US (20 * USEC_PER_SEC)

struct rig {
	struct stage_upstream up; /* first: upstream finds us by it */
	struct loop *loop;
	struct timer *tick;
	int64_t deadline_us;
	bool (*until)(struct rig *rig);
	char dir[64];
	void *stage;
	struct spooled *spooled; /* as the source got it */
	struct spooled_options options;
	struct position from;
	const char *want;
	int64_t wait_until_us;
	struct strbuf got; /* "B1:peer|1:text|E1:why|", see rig_record */
	int refuse;	   /* so many records are not taken */
	int records, losses, closes;
	uint64_t oversize, acked;
	bool idle, once, held, no_source, early;
	int until_records;
	bool talks; /* source 1 is connected */
	int idles, holds;
};

static struct rig *rig_now;

/* --- the source ----------------------------------------------------------- */

static int
source_open(void **self, struct spooled *spooled,
    const struct stage_setup *setup, struct err *err)
{
	assert_non_null(setup->options);
	if (rig_now->no_source)
		return err_set(err, "it has no address");
	rig_now->spooled = spooled;
	*self = rig_now;
	return 0;
}

static void
source_hold(void *self, bool hold)
{
	struct rig *rig = self;

	assert_int_not_equal(hold, rig->held);
	rig->held = hold;
	rig->holds += hold;
}

static void
source_synced(void *self, uint64_t upto)
{
	struct rig *rig = self;

	assert_true(upto >= rig->acked);
	rig->acked = upto;
}

static void
source_close(void *self)
{
	struct rig *rig = self;

	/* as a server does with its connections */
	if (rig->talks)
		spooled_mark(rig->spooled, 1, RECORD_END, "closing");
	rig->talks = false;
	rig->closes++;
	rig->spooled = NULL;
}

static const struct source_ops source = {
    .open = source_open,
    .hold = source_hold,
    .synced = source_synced,
    .close = source_close,
};

/* --- the feed ------------------------------------------------------------- */

static bool
rig_record(struct stage_upstream *up, const struct position *position,
    const struct record *record)
{
	static const char marks[] = {
	    [RECORD_DATA] = ' ', [RECORD_BEGIN] = 'B', [RECORD_END] = 'E'};
	struct rig *rig = (struct rig *)up;

	assert_true(position->file_no > 0);
	assert_non_null(strstr(position->path, "/feed/000"));
	assert_true(record->received_us > INT64_C(1795000000000000));
	if (rig->refuse > 0) {
		rig->refuse--;
		return false;
	}
	rig->records++;
	if (record->bytes.n < 100)
		strbuf_addf(&rig->got, "%c%u:%.*s|", marks[record->kind],
		    record->source, SLICE_FMT(record->bytes));
	return true;
}

static void
rig_lost(struct stage_upstream *up, enum stage_loss loss RT_UNUSED, int64_t n,
    const char *why)
{
	struct rig *rig = (struct rig *)up;

	assert_true(n != 0);
	assert_non_null(strstr(why, "records of the spool: "));
	rig->losses++;
}

static void
rig_idle(struct stage_upstream *up, bool idle)
{
	struct rig *rig = (struct rig *)up;

	assert_int_not_equal(idle, rig->idle);
	rig->idle = idle;
	rig->idles += idle;
}

static void
rig_oversize(struct stage_upstream *up, uint64_t n)
{
	((struct rig *)up)->oversize += n;
}

/* --- the bench ------------------------------------------------------------ */

static void
rig_tick_cb(void *ctx)
{
	struct rig *rig = ctx;

	if (rig->until(rig) || clock_mono_us() > rig->deadline_us)
		loop_stop(rig->loop);
	else
		timer_set(rig->tick, 500);
}

static void
rig_turn_until(struct rig *rig, bool (*until)(struct rig *rig))
{
	rig->until = until;
	rig->deadline_us = clock_mono_us() + PATIENCE_US;
	timer_set(rig->tick, 0);
	loop_run(rig->loop);
}

static void
rig_turn(struct rig *rig, bool (*until)(struct rig *rig))
{
	rig_turn_until(rig, until);
	assert_true(until(rig));
}

static bool
rig_is_idle(struct rig *rig)
{
	struct stage_status status;

	spooled_status(rig->stage, &status);
	return rig->idle && status.unread == 0;
}

static int
rig_try_start(struct rig *rig, struct err *err)
{
	struct stage_setup setup = {.feed = "test",
	    .options = &rig->options,
	    .loop = rig->loop,
	    .up = &rig->up,
	    .from = rig->early ? NULL : &rig->from,
	    .spool = rig->dir,
	    .once = rig->once};

	rig->idle = rig->held = false;
	rig->acked = 0;
	return spooled_open(&rig->stage, &setup, &source, err);
}

static void
rig_start(struct rig *rig)
{
	struct err err;

	if (rig_try_start(rig, &err) < 0)
		fail_msg("%s", err.text);
}

static void
rig_commit(struct rig *rig)
{
	spooled_position(rig->stage, &rig->from);
	spooled_committed(rig->stage, &rig->from);
}

static void
rig_stop(struct rig *rig)
{
	spooled_close(rig->stage, "test");
	rig->stage = NULL;
}

static uint64_t
rig_give(struct rig *rig, uint32_t from, const char *text)
{
	rig->talks = true;
	return spooled_give(rig->spooled, from, slice_of(text));
}

static bool
rig_is_acked(struct rig *rig)
{
	return rig->acked > 0;
}

static bool
rig_has_got(struct rig *rig)
{
	return rig->idle && strcmp(strbuf_str(&rig->got), rig->want) == 0;
}

static bool
rig_has_waited(struct rig *rig)
{
	return clock_mono_us() > rig->wait_until_us;
}

/* All that came since the last time, and nothing comes behind it. */
static void
rig_expect(struct rig *rig, const char *text)
{
	rig->want = text;
	rig->wait_until_us = clock_mono_us() + 20 * USEC_PER_MSEC;
	rig_turn_until(rig, rig_has_got);
	if (!rig_has_got(rig))
		fail_msg("got %s, want %s", strbuf_str(&rig->got), text);
	rig_turn(rig, rig_has_waited);
	assert_string_equal(strbuf_str(&rig->got), text);
	strbuf_reset(&rig->got);
}

static int
rig_set_up(void **state)
{
	struct rig *rig = mem_zalloc(sizeof(*rig));

	snprintf(rig->dir, sizeof(rig->dir), "/tmp/test-spooled-XXXXXX");
	assert_non_null(mkdtemp(rig->dir));
	snprintf(rig->dir + strlen(rig->dir), 8, "/feed");
	rig->up = (struct stage_upstream){.record = rig_record,
	    .lost = rig_lost,
	    .idle = rig_idle,
	    .oversize = rig_oversize};
	rig->options =
	    (struct spooled_options){.sync_us = USEC_PER_MSEC, .max_mb = 8};
	rig->loop = loop_new(NULL);
	rig->tick = timer_new(rig->loop, rig_tick_cb, rig);
	strbuf_adds(&rig->got, "");
	*state = rig_now = rig;
	return 0;
}

static int
rig_tear_down(void **state)
{
	struct rig *rig = *state;
	char command[128];

	if (rig->stage != NULL)
		rig_stop(rig);
	timer_free(rig->tick);
	loop_free(rig->loop);
	strbuf_fini(&rig->got);
	rig->dir[strlen(rig->dir) - 5] = '\0';
	assert_non_null(strstr(rig->dir, "/test-spooled-"));
	snprintf(command, sizeof(command), "rm -rf '%s'", rig->dir);
	free(rig);
	return system(command);
}

/* --- tests ---------------------------------------------------------------- */

static void
test_records_and_marks_in_order(void **state)
{
	struct rig *rig = *state;
	struct stage_status status;
	uint64_t number;
	uint32_t one, two;

	rig_start(rig);
	rig_turn(rig, rig_is_idle);
	one = spooled_source(rig->spooled);
	two = spooled_source(rig->spooled);
	assert_int_equal(one, 1);
	assert_int_equal(two, 2);
	spooled_mark(rig->spooled, one, RECORD_BEGIN, "10.0.0.1");
	assert_int_equal(rig_give(rig, one, "hello"), 2);
	spooled_mark(rig->spooled, two, RECORD_BEGIN, "10.0.0.2");
	rig_give(rig, two, "");
	spooled_mark(rig->spooled, one, RECORD_END, "reset");
	number = rig_give(rig, two, "more");
	assert_int_equal(rig->acked, 0);
	rig_expect(
	    rig, "B1:10.0.0.1| 1:hello|B2:10.0.0.2| 2:|E1:reset| 2:more|");
	assert_int_equal(rig->acked, number);
	spooled_says(rig->spooled, true, "%d connections", 2);
	spooled_status(rig->stage, &status);
	assert_string_equal(status.text, "2 connections");
	assert_true(status.connected);
	assert_true(status.since_us > 0 && status.heard_us > 0);
	assert_true(status.spool_bytes > 0);
	assert_int_equal(status.unread, 0);
}

static bool
rig_reads_in_spool(struct rig *rig, const char *text)
{
	char command[200];

	snprintf(command, sizeof(command), "grep -rqF '%s' %s", text, rig->dir);
	return system(command) == 0;
}

static bool
rig_has_shed(struct rig *rig)
{
	spooled_shed(rig->stage);
	return !rig_reads_in_spool(rig, "01144960777");
}

static int64_t
rig_since(struct rig *rig)
{
	struct stage_status status;

	spooled_status(rig->stage, &status);
	return status.spool_since_us;
}

/* What is committed can be read in no file: when asked for, and at the end. */
static void
test_committed_leaves_the_disk(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	rig_give(rig, 1, "01144960777");
	rig_expect(rig, " 1:01144960777|");
	spooled_shed(rig->stage);
	assert_true(rig_reads_in_spool(rig, "01144960777"));
	assert_true(rig_since(rig) > 0);
	rig_commit(rig);
	rig_turn(rig, rig_has_shed);
	assert_int_equal(rig_since(rig), 0);
	rig_give(rig, 1, "01144960778");
	rig_expect(rig, " 1:01144960778|");
	rig_commit(rig);
	assert_true(rig_since(rig) > 0);
	rig_give(rig, 1, "01144960779");
	rig_expect(rig, " 1:01144960779|");
	spooled_position(rig->stage, &rig->from);
	/* a kill: what is committed goes at the next start */
	rig_stop(rig);
	assert_true(rig_reads_in_spool(rig, "01144960778"));
	rig_start(rig);
	assert_false(rig_reads_in_spool(rig, "0114496077"));
	rig_expect(rig, "E1:closing|E0:the feed was closed: test|");
	rig_give(rig, 1, "01144960780");
	rig_expect(rig, " 1:01144960780|");
	rig_commit(rig);
	rig_stop(rig);
	assert_false(rig_reads_in_spool(rig, "0114496078"));
	rig_start(rig);
	rig_expect(rig, "E1:closing|E0:the feed was closed: test|");
	assert_int_equal(rig->losses, 0);
}

/* Whoever ends says so; whoever was ended is said to have been. */
static void
test_ends_are_told(void **state)
{
	struct rig *rig = *state;
	char command[400];

	rig_start(rig);
	rig_give(rig, spooled_source(rig->spooled), "a");
	rig_expect(rig, " 1:a|");
	rig_commit(rig);
	/* a crash: what is on disk now */
	snprintf(
	    command, sizeof(command), "cp -a %s %s.left", rig->dir, rig->dir);
	assert_int_equal(system(command), 0);
	rig_stop(rig);
	rig_start(rig);
	rig_expect(rig, "E1:closing|E0:the feed was closed: test|");
	rig_commit(rig);
	rig_stop(rig);
	/* that went when it was committed, so it was said once more */
	rig_start(rig);
	rig_expect(rig, "E0:the feed was closed: test|");
	rig_stop(rig);
	rig_start(rig);
	rig_expect(rig, "E0:the feed was closed: test|");
	rig_stop(rig);
	snprintf(command, sizeof(command), "rm -rf %s; mv %s.left %s", rig->dir,
	    rig->dir, rig->dir);
	assert_int_equal(system(command), 0);
	rig->from.file_no = 1;
	rig->from.offset = 128;
	rig->from.generation = 1;
	rig_start(rig);
	/* and a new connection has a new number */
	assert_int_equal(spooled_source(rig->spooled), 2);
	rig_expect(rig, " 1:a|E0:the daemon was not running|");
}

static void
test_pause_and_refusal_keep_the_place(void **state)
{
	struct rig *rig = *state;

	rig_start(rig);
	rig_turn(rig, rig_is_idle);
	spooled_pause(rig->stage, true);
	rig_give(rig, 1, "a");
	rig_give(rig, 1, "b");
	rig_turn(rig, rig_is_acked);
	assert_int_equal(rig->records, 0);
	rig->refuse = 2;
	spooled_pause(rig->stage, false);
	rig_expect(rig, " 1:a| 1:b|");
	assert_int_equal(rig->refuse, 0);
	assert_int_equal(rig->idles, 2);
}

static bool
rig_has_records(struct rig *rig)
{
	return rig->records == rig->until_records;
}

static bool
rig_is_free(struct rig *rig)
{
	return !rig->held;
}

/* Nothing is taken that has no room; marks wait, and what is behind them. */
static void
test_full_spool_holds(void **state)
{
	struct rig *rig = *state;
	char *bytes = mem_zalloc(STAGE_RECORD_MAX);
	struct slice big = {bytes, STAGE_RECORD_MAX};
	struct stage_status status;
	uint32_t n;
	int taken;

	rig_start(rig);
	for (taken = 0; spooled_give(rig->spooled, 1, big) > 0; taken++)
		assert_true(taken < 200);
	assert_in_range(taken, 110, 128);
	while (rig_give(rig, 1, "") > 0)
		taken++;
	assert_true(rig->held);
	spooled_status(rig->stage, &status);
	assert_string_equal(status.text, "the spool takes nothing: it is full");
	spooled_mark(rig->spooled, 1, RECORD_END, "gone");
	assert_int_equal(rig_give(rig, 2, "x"), 0);
	for (n = 3; n < 1000; n++) {
		spooled_mark(rig->spooled, n, RECORD_BEGIN, "comes");
		spooled_mark(rig->spooled, n, RECORD_END, "and goes");
	}
	spooled_mark(rig->spooled, 1000, RECORD_BEGIN, "stays");
	assert_int_equal(rig_give(rig, 1000, "x"), 0);
	rig->until_records = taken;
	rig_turn(rig, rig_has_records);
	assert_true(rig->held);
	strbuf_reset(&rig->got);
	rig_commit(rig);
	rig_turn(rig, rig_is_free);
	assert_int_equal(rig->holds, 1);
	assert_true(rig_give(rig, 1000, "y") > 0);
	rig_expect(rig, "E1:gone|B1000:stays| 1000:y|");
	assert_int_equal(rig->losses, 0);
	free(bytes);
}

static void
test_full_spool_drops(void **state)
{
	struct rig *rig = *state;
	char *bytes = mem_zalloc(STAGE_RECORD_MAX);
	struct slice big = {bytes, STAGE_RECORD_MAX};
	uint64_t number = 0;
	int i;

	rig->options.when_full = 1;
	assert_string_equal(
	    spooled_when_full[rig->options.when_full], "drop-oldest");
	rig_start(rig);
	spooled_pause(rig->stage, true);
	for (i = 0; i < 300; i++) {
		number = spooled_give(rig->spooled, 1, big);
		assert_true(number > 0);
		rig->acked = 0;
		rig_turn(rig, rig_is_acked);
	}
	assert_true(rig->losses > 10);
	assert_int_equal(rig->holds, 0);
	spooled_pause(rig->stage, false);
	rig_turn(rig, rig_is_idle);
	assert_in_range(rig->records, 90, 128);
	free(bytes);
}

/* It is counted, done with, and acknowledged with what came before it. */
static void
test_oversize_record(void **state)
{
	struct rig *rig = *state;
	char *bytes = mem_zalloc(STAGE_RECORD_MAX + 1);
	struct slice big = {bytes, STAGE_RECORD_MAX + 1};

	rig_start(rig);
	assert_int_equal(spooled_give(rig->spooled, 1, big), 1);
	assert_int_equal(rig->oversize, 1);
	rig_turn(rig, rig_is_acked);
	rig_give(rig, 1, "a");
	assert_int_equal(rig_give(rig, 1, "b"), 2);
	rig_expect(rig, " 1:a| 1:b|");
	rig->acked = 0;
	assert_int_equal(spooled_give(rig->spooled, 1, big), 2);
	rig_turn(rig, rig_is_acked);
	assert_int_equal(rig->acked, 2);
	free(bytes);
}

static void
test_once_reads_what_is_there(void **state)
{
	struct rig *rig = *state;

	rig->once = true;
	rig_start(rig);
	assert_null(rig->spooled);
	rig_expect(rig, "");
	rig_stop(rig);
	rig->once = false;
	rig_start(rig);
	spooled_pause(rig->stage, true);
	rig_give(rig, 1, "a");
	rig_stop(rig);
	rig->once = true;
	rig_start(rig);
	assert_null(rig->spooled);
	rig_expect(rig, " 1:a|E1:closing|E0:the feed was closed: test|");
	assert_int_equal(rig->closes, 1);
	rig_commit(rig);
	rig_stop(rig);
	rig_start(rig);
	rig_expect(rig, "");
}

static void
test_what_can_not_work(void **state)
{
	struct rig *rig = *state;
	struct err err;
	void *first;

	rig->no_source = true;
	assert_int_equal(rig_try_start(rig, &err), -1);
	assert_string_equal(err.text, "it has no address");
	rig->no_source = false;
	rig_start(rig);
	first = rig->stage;
	assert_int_equal(rig_try_start(rig, &err), -1);
	assert_non_null(strstr(err.text, "in use by another daemon"));
	rig->stage = first;
}

#define RIG_TEST(name) \
	cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

static bool
rig_is_acked_2(struct rig *rig)
{
	return rig->acked >= 2;
}

/*
 * Opened without a position: the source is heard and acknowledged, nothing is
 * handed over; with it all is, from there on. And again without one.
 */
static void
test_position_comes_later(void **state)
{
	struct rig *rig = *state;
	struct position at;

	rig_start(rig);
	spooled_mark(rig->spooled, 1, RECORD_BEGIN, "peer");
	rig_give(rig, 1, "one");
	rig_give(rig, 1, "two");
	rig_expect(rig, "B1:peer| 1:one| 1:two|");
	rig_commit(rig);
	rig_give(rig, 1, "three");
	rig_expect(rig, " 1:three|");
	rig_stop(rig);
	rig->early = true;
	rig_start(rig);
	assert_int_equal(spooled_source(rig->spooled), 2);
	spooled_mark(rig->spooled, 2, RECORD_BEGIN, "again");
	assert_true(rig_give(rig, 2, "four") > 0);
	rig_turn(rig, rig_is_acked_2);
	rig->wait_until_us = clock_mono_us() + 20 * USEC_PER_MSEC;
	rig_turn(rig, rig_has_waited);
	assert_string_equal(strbuf_str(&rig->got), "");
	assert_false(rig->idle);
	spooled_position(rig->stage, &at);
	assert_int_equal(at.file_no, 0);
	spooled_resume(rig->stage, &rig->from);
	rig_expect(rig,
	    " 1:three|E1:closing|E0:the feed was closed: test|"
	    "B2:again| 2:four|");
	rig->idle = false;
	spooled_resume(rig->stage, NULL);
	rig_give(rig, 2, "five");
	rig->wait_until_us = clock_mono_us() + 20 * USEC_PER_MSEC;
	rig_turn(rig, rig_has_waited);
	assert_string_equal(strbuf_str(&rig->got), "");
	spooled_resume(rig->stage, &rig->from);
	rig_expect(rig,
	    " 1:three|E1:closing|E0:the feed was closed: test|"
	    "B2:again| 2:four| 2:five|");
	assert_int_equal(rig->losses, 0);
	assert_int_equal(rig->closes, 1);
}

/* What is lost while nothing is read is not forgotten if it never is. */
static void
test_lost_before_the_position(void **state)
{
	struct rig *rig = *state;

	rig->early = true;
	rig_start(rig);
	spooled_lost(
	    rig->spooled, STAGE_LOSS_FULL, 5, "no records of the spool: test");
	spooled_oversize(rig->spooled, 3);
	rig_stop(rig);
	assert_int_equal(rig->losses, 0);
	rig->early = false;
	rig_start(rig);
	rig_expect(
	    rig, "E0:the daemon was not running|E0:the feed was closed: test|");
	assert_int_equal(rig->losses, 1);
	assert_int_equal(rig->oversize, 3);
}

/* Nobody can tell whether it was ever read: what went before has ended. */
static void
test_disowned(void **state)
{
	struct rig *rig = *state;

	rig->early = true;
	rig_start(rig);
	rig_give(rig, 1, "heard by another");
	rig_turn(rig, rig_is_acked);
	rig->talks = true;
	spooled_disown(rig->stage, "test");
	assert_int_equal(rig->closes, 1);
	rig_start(rig);
	rig_give(rig, 1, "ours");
	rig_turn(rig, rig_is_acked);
	spooled_resume(rig->stage, &rig->from);
	rig_expect(rig, "E0:the daemon was not running| 1:ours|");
	rig->early = false;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RIG_TEST(test_records_and_marks_in_order),
	    RIG_TEST(test_committed_leaves_the_disk),
	    RIG_TEST(test_ends_are_told),
	    RIG_TEST(test_pause_and_refusal_keep_the_place),
	    RIG_TEST(test_full_spool_holds),
	    RIG_TEST(test_full_spool_drops),
	    RIG_TEST(test_oversize_record),
	    RIG_TEST(test_once_reads_what_is_there),
	    RIG_TEST(test_what_can_not_work),
	    RIG_TEST(test_position_comes_later),
	    RIG_TEST(test_lost_before_the_position),
	    RIG_TEST(test_disowned),
	};

	log_set_level(
	    getenv("RT_VERBOSE") != NULL ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
