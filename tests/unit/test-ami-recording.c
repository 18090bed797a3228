/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A recording of what a real Asterisk 22 told one client of its manager
 * interface, in ../shared/asterisk/day, through the format, the call machine
 * and the tally. What became of every caller is compared with what the phones'
 * own log says, and every queue's figures with Asterisk's own. Without the
 * recording the tests are passed over.
 *
 * The client did not read the class "dialplan": then timeouts, empty queues
 * and withdrawals are one, and refused callers do not appear. In the second
 * play these messages are put in where Asterisk would have sent them.
 */
#include "recorded.h"

#include <math.h>
#include <jansson.h>

#include "base/utc.h"
#include "call/intake.h"
#include "format/formats.h"

#define DAY_RESTART \
	10007 /* records from one restart of the format to another */

struct day_call { /* of the truth */
	const char *uniqueid, *queue, *agent;
	const char *outcome;
	double enter, end, wait, talk;
	bool paired;
};

struct day_visit { /* what we made of it */
	char *call, *agent;
	const char *queue; /* of the tally */
	enum outcome outcome;
	int64_t entered_us, wait_ms, talk_ms;
	bool transferred;
};

struct day {
	struct tally tally;
	struct machine machine;
	struct intake intake;
	struct counters counters;
	json_t *truth; /* array */
	struct day_call *calls;
	size_t n_calls;
	struct day_visit *visits;
	size_t n_visits, room;
	struct strbuf raw, index;
	size_t refused; /* the next one of the truth to be put in */
	uint64_t records;
	bool dialplan;
};

/* --- the truth ------------------------------------------------------------ */

static double
day_number(const json_t *call, const char *key)
{
	return json_number_value(json_object_get(call, key));
}

static const char *
day_text(const json_t *call, const char *key)
{
	const char *text = json_string_value(json_object_get(call, key));

	return text != NULL ? text : "";
}

static void
day_add_call(struct day *day, json_t *call)
{
	day->calls =
	    mem_realloc(day->calls, day->n_calls + 1, sizeof(*day->calls));
	day->calls[day->n_calls++] =
	    (struct day_call){.uniqueid = day_text(call, "uniqueid"),
		.queue = day_text(call, "queue"),
		.agent = day_text(call, "agent"),
		.outcome = day_text(call, "outcome"),
		.enter = day_number(call, "enter"),
		.end = day_number(call, "end"),
		.wait = day_number(call, "wait"),
		.talk = day_number(call, "talk")};
}

static void
day_read_truth(struct day *day)
{
	struct strbuf text = STRBUF_INIT;
	char *line, *next;

	recorded_read(&text, "calls.jsonl.gz");
	day->truth = json_array();
	for (line = text.p; *line != '\0'; line = next) {
		json_t *call;

		next = strchr(line, '\n');
		next = next != NULL ? next + 1 : line + strlen(line);
		call = json_loadb(line, (size_t)(next - line), 0, NULL);
		assert_non_null(call);
		json_array_append_new(day->truth, call);
		day_add_call(day, call);
	}
	strbuf_fini(&text);
}

static bool
day_is_refused(const struct day_call *call)
{
	return strncmp(call->outcome, "rejected-", 9) == 0;
}

/* The truth's visit of that call to that queue, nearest by `at`. */
static struct day_call *
day_find(struct day *day, const char *uniqueid, const char *queue, double at,
    bool by_end)
{
	struct day_call *found = NULL;
	double miss, least = 0;
	size_t i;

	for (i = 0; i < day->n_calls; i++) {
		struct day_call *c = &day->calls[i];

		if (strcmp(c->uniqueid, uniqueid) != 0 ||
		    strcmp(c->queue, queue) != 0 || c->paired)
			continue;
		miss = fabs((by_end ? c->end : c->enter) - at);
		if (found == NULL || miss < least) {
			least = miss;
			found = c;
		}
	}
	return found;
}

static enum outcome
day_outcome(const struct day_call *call, bool exact)
{
	static const struct {
		const char *name;
		enum outcome exact, lumped;
	} outcomes[] = {
	    {"answered", OUTCOME_ANSWERED, OUTCOME_ANSWERED},
	    {"abandoned", OUTCOME_ABANDONED, OUTCOME_ABANDONED},
	    {"abandoned-in-delay", OUTCOME_ABANDONED, OUTCOME_ABANDONED},
	    {"key", OUTCOME_EXITED_KEY, OUTCOME_EXITED_KEY},
	    {"timeout", OUTCOME_TIMED_OUT, OUTCOME_TIMED_OUT},
	    {"exitempty", OUTCOME_EXITED_EMPTY, OUTCOME_TIMED_OUT},
	    {"withdrawn", OUTCOME_WITHDRAWN, OUTCOME_TIMED_OUT},
	    {"rejected-full", OUTCOME_REFUSED, OUTCOME_NONE},
	    {"rejected-joinempty", OUTCOME_REFUSED, OUTCOME_NONE},
	};
	size_t i;

	for (i = 0; i < RT_COUNT(outcomes); i++)
		if (strcmp(outcomes[i].name, call->outcome) == 0)
			return exact ? outcomes[i].exact : outcomes[i].lumped;
	fail_msg("no outcome %s", call->outcome);
	return OUTCOME_NONE;
}

/* --- playing -------------------------------------------------------------- */

static void
day_ended(void *ctx, struct visit *v)
{
	struct day *day = ctx;

	if (day->n_visits == day->room) {
		day->room = day->room * 2 + 1000;
		day->visits =
		    mem_realloc(day->visits, day->room, sizeof(*day->visits));
	}
	day->visits[day->n_visits++] =
	    (struct day_visit){.call = strndup(v->call->id, v->call->id_len),
		.queue = v->queue->name,
		.agent = mem_strdup(v->agent != NULL ? v->agent->name : ""),
		.outcome = v->outcome,
		.entered_us = v->entered_us,
		.wait_ms = v->wait_ms,
		.talk_ms = v->talk_ms,
		.transferred = v->transferred};
}

static void
day_record(
    struct day *day, enum record_kind kind, struct slice bytes, int64_t us)
{
	struct position at = {.file_no = 1, .offset = 1};
	struct record record = {.bytes = bytes,
	    .received_us = us,
	    .source = 1,
	    .kind = (uint8_t)kind};

	while (bytes.n > 0 &&
	    (bytes.p[bytes.n - 1] == '\n' || bytes.p[bytes.n - 1] == '\r'))
		record.bytes.n = --bytes.n;
	intake_record(&day->intake, &at, &record);
	day->records++;
}

/* What it remembers goes to a new format, as over a restart of ours. */
static void
day_restart(struct day *day)
{
	const struct stage *format = day->intake.format;
	struct strbuf state = STRBUF_INIT, again = STRBUF_INIT;
	struct stage_setup setup = {.feed = "day"};
	void *old = day->intake.format_self;

	format->save(old, &state);
	assert_true(state.n <= STAGE_STATE_MAX);
	assert_int_equal(
	    format->open(&day->intake.format_self, &setup, NULL), 0);
	assert_int_equal(format->load(day->intake.format_self,
			     (struct slice){state.p, state.n}),
	    0);
	format->close(old, "restart");
	format->save(day->intake.format_self, &again);
	assert_int_equal(again.n, state.n);
	strbuf_fini(&state);
	strbuf_fini(&again);
}

static void day_say(struct day *day, int64_t us, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void
day_say(struct day *day, int64_t us, const char *fmt, ...)
{
	struct strbuf text = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&text, fmt, ap);
	va_end(ap);
	day_record(day, RECORD_DATA, (struct slice){text.p, text.n}, us);
	strbuf_fini(&text);
}

static void
day_say_status(
    struct day *day, int64_t us, const char *uniqueid, const char *status)
{
	day_say(day, us,
	    "Event: VarSet\r\nPrivilege: dialplan,all\r\n"
	    "Timestamp: %" PRId64 ".%06" PRId64 "\r\n"
	    "Channel: x\r\nUniqueid: %s\r\nVariable: QUEUESTATUS\r\n"
	    "Value: %s",
	    us / USEC_PER_SEC, us % USEC_PER_SEC, uniqueid, status);
}

/* Callers whom the queue did not take, up to that time. */
static void
day_say_refused(struct day *day, int64_t us)
{
	for (; day->refused < day->n_calls; day->refused++) {
		const struct day_call *c = &day->calls[day->refused];

		if (!day_is_refused(c))
			continue;
		if (c->enter * 1e6 > (double)us)
			return;
		day_say(day, us,
		    "Event: Newexten\r\nPrivilege: dialplan,all\r\n"
		    "Timestamp: %.6f\r\nUniqueid: %s\r\n"
		    "Application: Queue\r\nAppData: %s,tT,,,60",
		    c->enter, c->uniqueid, c->queue);
		day_say_status(day, (int64_t)(c->enter * 1e6), c->uniqueid,
		    strcmp(c->outcome, "rejected-full") == 0 ? "FULL"
							     : "JOINEMPTY");
	}
}

/* The value of a header of that message; "" where it has none. */
static const char *
day_header(struct slice message, const char *name, char room[256])
{
	char key[64];
	const char *at;
	size_t n;

	snprintf(key, sizeof(key), "\n%s: ", name);
	at = memmem(message.p, message.n, key, strlen(key));
	room[0] = '\0';
	if (at == NULL)
		return room;
	at += strlen(key);
	n = strcspn(at, "\r\n");
	assert_true(n < 256);
	memcpy(room, at, n);
	room[n] = '\0';
	return room;
}

/* Behind a Leave stands why, unless the caller left. */
static void
day_say_why(struct day *day, struct slice message, int64_t us)
{
	static const char leave[] = "Event: QueueCallerLeave\r\n";
	char call[256], queue[256], time[256];
	const struct day_call *c;

	if (message.n < sizeof(leave) ||
	    memcmp(message.p, leave, sizeof(leave) - 1) != 0)
		return;
	c = day_find(day, day_header(message, "Uniqueid", call),
	    day_header(message, "Queue", queue),
	    strtod(day_header(message, "Timestamp", time), NULL), true);
	assert_non_null(c);
	if (strcmp(c->outcome, "timeout") == 0)
		day_say_status(day, us, call, "TIMEOUT");
	else if (strcmp(c->outcome, "exitempty") == 0)
		day_say_status(day, us, call, "LEAVEEMPTY");
	else if (strcmp(c->outcome, "withdrawn") == 0)
		day_say_status(day, us, call, "WITHDRAW");
}

static void
day_play(struct day *day)
{
	const char *line = day->index.p;
	struct slice none = {"", 0};
	int64_t us = 0;
	unsigned n;

	day_record(day, RECORD_BEGIN, none, INT64_C(1795288724000000));
	for (n = 1; *line != '\0'; n++) {
		char *end;
		double at = strtod(line, &end);
		size_t offset = strtoul(end, &end, 10);
		size_t length = strtoul(end, &end, 10);
		struct slice message = {day->raw.p + offset, length};

		assert_true(offset + length <= day->raw.n);
		us = (int64_t)(at * 1e6);
		if (day->dialplan)
			day_say_refused(day, us);
		day_record(day, RECORD_DATA, message, us);
		if (day->dialplan)
			day_say_why(day, message, us);
		if (n % DAY_RESTART == 0)
			day_restart(day);
		line = end + 1;
	}
	day_record(day, RECORD_END, none, us + 2 * USEC_PER_SEC);
}

static void
day_begin(struct day *day, bool dialplan)
{
	struct tally_config tally = {.interval_us = 900 * USEC_PER_SEC,
	    .short_abandon_us = 5 * USEC_PER_SEC,
	    .max_queues = 1000,
	    .max_agents = 5000};
	struct machine_config machine = {.lost_after_us = 21600 * USEC_PER_SEC,
	    .max_open = 100000,
	    .ended = day_ended,
	    .ctx = day};

	*day = (struct day){.dialplan = dialplan};
	recorded_read(&day->raw, "ami.raw.gz");
	recorded_read(&day->index, "ami.idx.gz");
	day_read_truth(day);
	tally_init(&day->tally, &tally);
	machine_init(&day->machine, &machine, &day->tally);
	assert_int_equal(intake_init(&day->intake, "day", 0,
			     &asterisk_ami_stage, NULL, &day->machine, NULL),
	    0);
}

static void
day_end(struct day *day)
{
	size_t i;

	for (i = 0; i < day->n_visits; i++) {
		free(day->visits[i].call);
		free(day->visits[i].agent);
	}
	free(day->visits);
	intake_fini(&day->intake);
	machine_fini(&day->machine);
	tally_fini(&day->tally);
	json_decref(day->truth);
	free(day->calls);
	strbuf_fini(&day->raw);
	strbuf_fini(&day->index);
}

/* --- comparing ------------------------------------------------------------ */

/* The truth has the phone's number, Asterisk the member's name. */
static bool
day_same_agent(const char *number, const char *name)
{
	const char *last = strrchr(name, ' ');
	const char *other = strrchr(number, ' ');

	return strcmp(other != NULL ? other + 1 : number,
		   last != NULL ? last + 1 : name) == 0;
}

/* Returns whether its wait is further from the truth than whole seconds go. */
static bool
day_compare_visit(struct day *day, const struct day_visit *v)
{
	struct day_call *c = day_find(
	    day, v->call, v->queue, (double)v->entered_us / 1e6, false);

	if (c == NULL)
		fail_msg("no visit of %s to %s", v->call, v->queue);
	c->paired = true;
	if (v->outcome != day_outcome(c, day->dialplan))
		fail_msg("%s in %s: %s, in truth %s", v->call, v->queue,
		    outcome_name(v->outcome), c->outcome);
	assert_true(fabs((double)v->entered_us / 1e6 - c->enter) < 0.5);
	if (v->outcome == OUTCOME_ANSWERED) {
		if (!day_same_agent(c->agent, v->agent))
			fail_msg("%s: by %s, in truth %s", v->call, v->agent,
			    c->agent);
		assert_true(v->talk_ms != EVENT_UNKNOWN_MS);
		if (fabs((double)v->talk_ms / 1e3 - c->talk) > 1.0)
			fail_msg("%s: talked %" PRId64 " ms, in truth %f s",
			    v->call, v->talk_ms, c->talk);
	}
	if (fabs((double)v->wait_ms / 1e3 - c->wait) <= 1.0)
		return false;
	/* he hung up while an agent's delay (memberdelay) ran: noticed late */
	assert_int_equal(v->outcome, OUTCOME_ABANDONED);
	assert_string_equal(v->queue, "delayed");
	return true;
}

static void
day_compare_visits(struct day *day)
{
	unsigned missing = 0, odd = 0, transferred = 0;
	size_t i;

	for (i = 0; i < day->n_visits; i++) {
		odd += day_compare_visit(day, &day->visits[i]);
		transferred += day->visits[i].transferred;
	}
	for (i = 0; i < day->n_calls; i++)
		missing += !day->calls[i].paired &&
		    (day->dialplan || !day_is_refused(&day->calls[i]));
	print_message("# %zu visits, %u waits off by more than a second, %u "
		      "passed on\n",
	    day->n_visits, odd, transferred);
	assert_int_equal(missing, 0);
	assert_int_equal(odd, 15);
	assert_int_equal(transferred, 29 + 27);
}

static int64_t
day_measure(struct day *day, const char *queue, enum measure measure)
{
	struct queue *q = tally_queue(&day->tally, slice_of(queue));
	struct cell *cell, *next;
	int64_t sum = 0;

	HASH_ITER (hh, q->cells, cell, next)
		sum += cell->v[measure];
	return sum;
}

static void
day_compare_queue(struct day *day, const char *name, const json_t *queue)
{
	const json_t *truth = json_object_get(queue, "truth");
	const json_t *ami = json_object_get(queue, "ami");
	int64_t lumped = json_integer_value(json_object_get(truth, "timeouts"));
	int64_t empty, withdrawn, refused;

#define TRUE_OF(key) json_integer_value(json_object_get(truth, key))
#define AMI_OF(key)  json_integer_value(json_object_get(ami, key))
#define OURS(m)	     day_measure(day, name, MEASURE_##m)
	empty = TRUE_OF("exit_empty");
	withdrawn = TRUE_OF("withdrawn");
	refused = TRUE_OF("rejected_full") + TRUE_OF("rejected_joinempty");
	assert_int_equal(
	    OURS(offered), TRUE_OF("offered") + (day->dialplan ? refused : 0));
	assert_int_equal(OURS(answered), TRUE_OF("answered"));
	assert_int_equal(OURS(answered), AMI_OF("connected"));
	assert_int_equal(OURS(abandoned), TRUE_OF("abandoned"));
	assert_int_equal(OURS(exited_key), TRUE_OF("exit_key"));
	assert_int_equal(OURS(ring_no_answer), AMI_OF("ringnoanswer"));
	if (day->dialplan) {
		assert_int_equal(OURS(timed_out), lumped);
		assert_int_equal(OURS(exited_empty), empty);
		assert_int_equal(OURS(withdrawn), withdrawn);
		assert_int_equal(OURS(refused), refused);
	} else {
		assert_int_equal(OURS(timed_out), lumped + empty + withdrawn);
		assert_int_equal(OURS(timed_out) + OURS(abandoned),
		    AMI_OF("abandon_events"));
		assert_int_equal(
		    OURS(exited_empty) + OURS(withdrawn) + OURS(refused), 0);
	}
	assert_int_equal(OURS(lost), 0);
#undef TRUE_OF
#undef AMI_OF
#undef OURS
}

/* Within so many whole seconds: what Asterisk's own HoldTime says. */
static void
day_compare_within(struct day *day, const char *name, const json_t *queue)
{
	const json_t *ami = json_object_get(queue, "ami");
	int64_t within_15 = 0, within_20 = 0;
	size_t i;

	for (i = 0; i < day->n_visits; i++) {
		const struct day_visit *v = &day->visits[i];

		if (v->outcome != OUTCOME_ANSWERED ||
		    strcmp(v->queue, name) != 0)
			continue;
		assert_int_equal(v->wait_ms % 1000, 0);
		within_15 += v->wait_ms <= 15000;
		within_20 += v->wait_ms <= 20000;
	}
	assert_int_equal(
	    within_15, json_integer_value(json_object_get(ami, "hold_le_15")));
	assert_int_equal(
	    within_20, json_integer_value(json_object_get(ami, "hold_le_20")));
}

static void
day_compare_queues(struct day *day)
{
	struct strbuf text = STRBUF_INIT;
	json_t *expected, *queue;
	const char *name;

	recorded_read(&text, "expected.json");
	expected = json_loadb(text.p, text.n, 0, NULL);
	assert_non_null(expected);
	json_object_foreach(json_object_get(expected, "queues"), name, queue)
	{
		day_compare_queue(day, name, queue);
		day_compare_within(day, name, queue);
	}
	json_decref(expected);
	strbuf_fini(&text);
}

static void
day_test(bool dialplan)
{
	struct counters counted;
	struct day day;

	day_begin(&day, dialplan);
	day_play(&day);
	day_compare_visits(&day);
	day_compare_queues(&day);
	intake_counted(&day.intake, &counted);
	assert_int_equal(counted.v[COUNTER_rejected], 0);
	assert_int_equal(counted.v[COUNTER_unmatched], 0);
	assert_int_equal(counted.v[COUNTER_late], 0);
	assert_int_equal(counted.v[COUNTER_repeated], 0);
	assert_int_equal(counted.v[COUNTER_repaired], 0);
	print_message("# %" PRIu64 " records, out of order %" PRIu64 "\n",
	    day.records, counted.v[COUNTER_out_of_order]);
	day_end(&day);
}

static void
test_ami_recording(void **state RT_UNUSED)
{
	day_test(false);
}

static void
test_ami_recording_with_dialplan(void **state RT_UNUSED)
{
	day_test(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ami_recording),
	    cmocka_unit_test(test_ami_recording_with_dialplan),
	};

	if (!recorded_is_there())
		return 0;
	return cmocka_run_group_tests_name("ami-recording", tests, NULL, NULL);
}
