/* SPDX-License-Identifier: BSD-2-Clause */
#include "stand.h"

#include "base/zone.h"

void
stand_init(struct stand *s)
{
	struct err err;

	zone_set("Europe/London");
	s->now_us = NINE;
	s->position = (struct position){.file_no = 1, .path = "/var/log/q"};
	s->loop = loop_new(&err);
	assert_non_null(s->loop);
}

void
stand_fini(struct stand *s)
{
	view_free(s->view);
	stand_end(s);
	loop_free(s->loop);
}

void
stand_begin(struct stand *s, const struct machine_config *machine)
{
	const struct tally_config tally = {.interval_us = 900 * SEC,
	    .short_abandon_us = 5 * SEC,
	    .max_queues = 10000,
	    .max_agents = 1000};
	struct err err;

	tally_init(&s->tally, &tally);
	live_init(&s->live, &s->tally);
	live_clock(&s->live, s->now_us);
	machine_init(&s->machine, machine, &s->tally);
	callbacks_init(&s->callbacks, 100);
	assert_int_equal(
	    intake_init(&s->intake, "log", 0, &asterisk_queue_log_stage, NULL,
		&s->machine, &err),
	    0);
}

void
stand_end(struct stand *s)
{
	intake_fini(&s->intake);
	machine_fini(&s->machine);
	callbacks_fini(&s->callbacks);
	live_fini(&s->live);
	tally_fini(&s->tally);
}

static void
stand_position(void *ctx, struct position *position)
{
	*position = ((const struct stand *)ctx)->position;
}

void
stand_view(struct stand *s, const struct view_config *config,
    const struct view_settings *settings,
    enum view_feed_state (*state)(void *ctx, const char **why))
{
	struct view_switch sw = {
	    "pbx1", &s->tally, &s->machine, &s->live, &s->callbacks};
	struct view_feed feed = {"pbx1-log", "pbx1", "file",
	    "asterisk-queue-log", &s->intake, stand_position, state,
	    "replayable", NULL, s};

	view_free(s->view);
	s->view = view_new(config, settings);
	view_add_switch(s->view, &sw);
	view_add_feed(s->view, &feed);
}

void
stand_play(struct stand *s, int at, const char *fmt, va_list ap)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "%" PRId64 "|", NINE_S + at);

	n += vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	line[n++] = '\n';
	assert_int_equal(
	    intake_bytes(&s->intake, &s->position, line, (size_t)n, false), n);
	s->position.offset += n;
	view_touch(s->view);
}
