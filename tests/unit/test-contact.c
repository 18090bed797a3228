/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contacts on their way through the intake: each is given away once and whole,
 * counted by its name, and moves neither a call nor the switch's clock.
 */
#include "base/base.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/strbuf.h"
#include "base/utc.h"
#include "call/intake.h"
#include "event/contact.h"
#include "format/formats.h"

#define NOON_S 1793005200

struct world {
	struct tally tally;
	struct machine machine;
	struct intake intake;
	unsigned told;
	char said[1024]; /* of all of them: "ref/code at " */
	size_t n;
};

static void
world_contact(void *ctx, const struct intake *in, const struct event *ev)
{
	struct world *w = ctx;

	assert_ptr_equal(in, &w->intake);
	assert_int_equal(ev->kind, EVENT_CONTACT);
	w->told++;
	w->n += (size_t)snprintf(w->said + w->n, sizeof(w->said) - w->n,
	    "%.*s/%.*s %" PRId64 " ",
	    SLICE_FMT(ev->contact->ref.n > 0 ? ev->contact->ref : ev->call),
	    SLICE_FMT(ev->contact->code), ev->offset);
	assert_true(w->n < sizeof(w->said));
}

static void
world_begin(struct world *w, const struct stage *format)
{
	struct tally_config tally = {.interval_us = 900 * USEC_PER_SEC,
	    .max_queues = 10,
	    .max_agents = 10};
	struct machine_config machine = {
	    .lost_after_us = 3600 * USEC_PER_SEC, .max_open = 100};
	struct err err;

	*w = (struct world){.told = 0};
	tally_init(&w->tally, &tally);
	machine_init(&w->machine, &machine, &w->tally);
	assert_int_equal(
	    intake_init(&w->intake, "feed", 0, format, NULL, &w->machine, &err),
	    0);
	w->intake.contact = world_contact;
	w->intake.contact_ctx = w;
}

static void
world_end(struct world *w)
{
	intake_fini(&w->intake);
	machine_fini(&w->machine);
	tally_fini(&w->tally);
}

static void
world_read(struct world *w, const char *text)
{
	struct position position = {.file_no = 1};

	assert_int_equal(
	    intake_bytes(&w->intake, &position, text, strlen(text), true),
	    strlen(text));
}

/* More of them than events wait at a time, between those of calls. */
static void
test_contacts_of_a_log(void **state RT_UNUSED)
{
	struct strbuf text = STRBUF_INIT, want = STRBUF_INIT;
	struct name_count *name;
	struct world w;
	size_t at;
	int i;

	for (i = 0; i < 40; i++) {
		strbuf_addf(&text, "%d|c.%d|ctax|NONE|ENTERQUEUE||01|1\n",
		    NOON_S + i, i);
		at = text.n;
		strbuf_addf(&text, "%d|c.%d|ctax|Jo|CALLSTATUS|X%d\n",
		    NOON_S + 7200, i, i);
		strbuf_addf(&want, "c.%d/X%d %zu ", i, i, at);
	}
	world_begin(&w, &asterisk_queue_log_stage);
	world_read(&w, text.p);
	assert_int_equal(w.told, 40);
	assert_string_equal(w.said, want.p);
	/* two hours on, all who wait would have been given up as lost */
	assert_int_equal(w.machine.clock_us, (NOON_S + 39) * USEC_PER_SEC);
	assert_int_equal(w.machine.in_state[VISIT_WAITING], 40);
	assert_int_equal(w.intake.last_event_us, (NOON_S + 39) * USEC_PER_SEC);
	HASH_FIND(hh, w.intake.names.table, "CALLSTATUS", 10, name);
	assert_non_null(name);
	assert_int_equal(name->count, 40);
	assert_false(name->unknown);
	/* and nobody has to want them */
	w.intake.contact = NULL;
	world_read(&w, text.p);
	assert_int_equal(w.told, 40);
	world_end(&w);
	strbuf_fini(&text);
	strbuf_fini(&want);
}

/* What a CRM system pushes: its time is the feed's, but not in the future. */
static void
test_contacts_of_a_spool(void **state RT_UNUSED)
{
	static const struct {
		const char *text;
		int64_t last_s; /* of the feed, behind it */
	} cases[] = {
	    {"{\"event\":\"contact\",\"time\":1793005000,\"ref\":\"a\"}",
		1793005000},
	    {"{\"event\":\"contact\",\"time\":1793005201,\"ref\":\"b\"}",
		1793005000},
	    {"{\"event\":\"contact\",\"time\":1793004000,\"ref\":\"a\"}",
		1793005000},
	    /* the same once more: what comes of it is the same */
	    {"{\"event\":\"contact\",\"time\":1793004000,\"ref\":\"a\"}",
		1793005000},
	};
	struct position position = {.file_no = 1};
	struct world w;
	size_t i;

	world_begin(&w, &ringtally_json_stage);
	w.intake.repeats = true;
	for (i = 0; i < RT_COUNT(cases); i++) {
		struct record record = {.bytes = slice_of(cases[i].text),
		    .received_us = NOON_S * USEC_PER_SEC};

		position.offset = (int64_t)i;
		intake_record(&w.intake, &position, &record);
		assert_int_equal(
		    w.intake.last_event_us, cases[i].last_s * USEC_PER_SEC);
	}
	assert_string_equal(w.said, "a/ 0 b/ 1 a/ 2 a/ 3 ");
	assert_int_equal(w.machine.clock_us, 0);
	world_end(&w);
}

/* The agent is who the agent is in all other figures. */
static void
test_what_an_agent_is_called(void **state RT_UNUSED)
{
	static const struct {
		const char *name, *called;
	} cases[] = {
	    {"SIP/1", "Jo"},
	    {"Jo", "Jo"},
	    {"Al", "Al"},
	    {"Zo\xeb", "Zo\xc3\xab"},
	    {"", ""},
	};
	char room[TALLY_NAME_MAX];
	struct world w;
	size_t i;

	world_begin(&w, &asterisk_queue_log_stage);
	tally_alias_add(&w.tally, SLICE("SIP/1"), SLICE("Jo"));
	for (i = 0; i < RT_COUNT(cases); i++)
		assert_true(slice_eq(
		    tally_agent_called(&w.tally, slice_of(cases[i].name), room),
		    slice_of(cases[i].called)));
	assert_int_equal(w.tally.agents.used, 1);
	world_end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_contacts_of_a_log),
	    cmocka_unit_test(test_contacts_of_a_spool),
	    cmocka_unit_test(test_what_an_agent_is_called),
	};

	return cmocka_run_group_tests_name("contact", tests, NULL, NULL);
}
