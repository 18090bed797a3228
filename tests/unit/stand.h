/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands below a view: one switch whose log is written by hand, from nine
 * o'clock on.
 */
#ifndef RT_TEST_STAND_H
#define RT_TEST_STAND_H

#include "base/base.h"
#include <setjmp.h>
#include <cmocka.h>

#include "format/formats.h"
#include "io/loop.h"
#include "serve/view.h"

#define SEC    USEC_PER_SEC
#define NINE_S INT64_C(1793005200) /* 2026-10-26 09:00:00 in London */
#define NINE   (NINE_S * SEC)

struct stand {
	struct tally tally;
	struct machine machine;
	struct live live;
	struct callbacks callbacks;
	struct intake intake;
	struct position position;
	struct loop *loop;
	struct view *view;
	int64_t now_us;
};

/* A loop, a clock at nine, and a log that has begun; no view yet. */
void stand_init(struct stand *s);
void stand_fini(struct stand *s);

/* A switch that knows nothing; may be ended and begun again. */
void stand_begin(struct stand *s, const struct machine_config *machine);
void stand_end(struct stand *s);

/* A view of it, in place of the one before. ctx of `state`: the stand. */
void stand_view(struct stand *s, const struct view_config *config,
    const struct view_settings *settings,
    enum view_feed_state (*state)(void *ctx, const char **why));

/* A line of the log, `at` seconds after nine; the clock is not moved. */
void stand_play(struct stand *s, int at, const char *fmt, va_list ap)
    RT_PRINTF(3, 0);

#endif
